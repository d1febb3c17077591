/* convolution_kernels.h -- the two inner loops of convolution.  Private.
 *
 * A channel lies in the buffer as rows of one pitch, so a shift by rows and columns is one
 * offset, and output points flattened with the same pitch make one long row.  Over it
 *
 *     correlate:  y[r][p]  = sum_k w[r][k] x[offset[k] + p]                 r < rows, p < flat
 *     gradient:   dw[r][k] += sum over images and p of dy[r][p] x[offset[k] + p]
 *
 * k runs over pairs (channel, tap).  Entries beyond the end of an image's row are garbage
 * that correlate computes and nobody takes; gradient is given zeros of dy there. */
#ifndef NRM_CONVOLUTION_KERNELS_H
#define NRM_CONVOLUTION_KERNELS_H

#include "kernel/cpu.h"

enum {
    NRM_CONV_ROWS = 4,         /* weights of this many rows lie side by side; the last rows % 4 too */
    NRM_CONV_VECTORS = 12,     /* sums held in registers: rows x vectors */
    NRM_CONV_TERMS = 384,      /* of a sum before the next rows are taken */
    NRM_CONV_MOST_LANES = 16,
    NRM_CONV_SLACK = NRM_CONV_VECTORS * NRM_CONV_MOST_LANES /* entries read or written past `flat` */
};

#define NRM_CONV_KERNELS(REAL, TYPE)                                                             \
    typedef struct nrm_conv_correlate_##TYPE {                                                   \
        int64_t rows, depth, flat; /* depth: number of k */                                      \
        const REAL *x, *w; /* w: blocks of 4 rows, [depth][4]; the last [depth][rows % 4] */     \
        const int64_t *offset;                                                                   \
        REAL *y;                                                                                 \
        int64_t y_stride; /* of a row; >= flat + slack */                                        \
    } nrm_conv_correlate_##TYPE;                                                                 \
    typedef struct nrm_conv_gradient_##TYPE {                                                    \
        int64_t rows, depth, flat;                                                               \
        int64_t images, x_image, dy_image;                                                       \
        const REAL *x, *dy;                                                                      \
        int64_t dy_stride; /* of a row: flat rounded up to 16, with zeros */                     \
        const int64_t *offset;                                                                   \
        REAL *dw; /* rows lie `depth` apart */                                                   \
    } nrm_conv_gradient_##TYPE;                                                                  \
    typedef struct nrm_conv_kernels_##TYPE {                                                     \
        void (*correlate)(const nrm_conv_correlate_##TYPE *span);                                \
        void (*gradient)(const nrm_conv_gradient_##TYPE *span);                                  \
    } nrm_conv_kernels_##TYPE;                                                                   \
    extern const nrm_conv_kernels_##TYPE nrm_conv_scalar_##TYPE;                                 \
    const nrm_conv_kernels_##TYPE *nrm_conv_kernels_for_##TYPE(nrm_isa isa)

NRM_CONV_KERNELS(float, f32);
NRM_CONV_KERNELS(double, f64);
#if defined(__x86_64__)
extern const nrm_conv_kernels_f32 nrm_conv_avx2_f32, nrm_conv_avx512_f32;
extern const nrm_conv_kernels_f64 nrm_conv_avx2_f64, nrm_conv_avx512_f64;
#endif

#endif
