/* convolution.h -- 2-D convolution as a trilinear form, and pooling of planes.  Private.
 *
 *     form(x, w, y) = sum over n, g, o, c, i, j, kh, kw of
 *         y[n, g O + o, i, j]  w[g O + o, c, kh, kw]  x[n, g C + c, i sh + kh dh - bh, j sw + kw dw - bw]
 *
 * with x zero outside its plane.  The convolution is its derivative by y, the input adjoint
 * that by x, the weight adjoint that by w.  All arrays are contiguous:
 * x (batch, in, height, width), w (out, in / groups, kernel[0], kernel[1]),
 * y (batch, out, out_height, out_width); g < groups, C = in / groups, O = out / groups.
 *
 * The functions here check nothing: nrm_conv_shape_valid is for the caller.  They allocate
 * nothing: `work` is 64-byte aligned and holds nrm_conv_work_* bytes.  Outputs may not
 * overlap inputs.  The bits are the same for any `threads` >= 1.  Padding is arithmetic with
 * zeros, so an infinite or NaN weight shows at the border, and an infinite or NaN entry of x
 * or y may make all weights of its channels NaN. */
#ifndef NRM_CONVOLUTION_H
#define NRM_CONVOLUTION_H

#include "kernel/cpu.h"
#include <stdbool.h>

typedef struct nrm_conv_shape { /* pairs: height, width */
    int64_t batch, in, out, groups;
    int64_t height, width, kernel[2];
    int64_t stride[2], dilation[2], before[2]; /* the zeros after follow from out_height, out_width */
    int64_t out_height, out_width;
} nrm_conv_shape;

typedef enum nrm_conv_kind { NRM_CONV_FORWARD, NRM_CONV_INPUT, NRM_CONV_WEIGHT } nrm_conv_kind;

/* (n + before + after - dilation (kernel - 1) - 1) / stride + 1, or -1: no window fits, an
 * argument is out of range (kernel, stride, dilation >= 1, the others >= 0), or overflow. */
int64_t nrm_conv_out_length(int64_t n, int64_t kernel, int64_t stride, int64_t dilation, int64_t before, int64_t after);
/* All counts >= 1, paddings >= 0, groups divides in and out, and no index can overflow. */
bool nrm_conv_shape_valid(const nrm_conv_shape *shape);

/* Bytes of work (-1: more than can be addressed).  Less than `threads` may be used. */
int64_t nrm_conv_work_f32(const nrm_conv_shape *shape, nrm_conv_kind kind, int threads);
int64_t nrm_conv_work_f64(const nrm_conv_shape *shape, nrm_conv_kind kind, int threads);

#define NRM_CONV_DECLARE(REAL, TYPE)                                                                              \
    void nrm_conv_forward_##TYPE(const nrm_conv_shape *shape, const REAL *x, const REAL *w, REAL *y, void *work,   \
                                 int threads);                                                                    \
    void nrm_conv_input_##TYPE(const nrm_conv_shape *shape, const REAL *dy, const REAL *w, REAL *dx, void *work,   \
                               int threads);                                                                      \
    void nrm_conv_weight_##TYPE(const nrm_conv_shape *shape, const REAL *x, const REAL *dy, REAL *dw, void *work,  \
                                int threads);                                                                     \
    /* The same by the plain loops of the formula, sums in f64 (convolution_ref.c). */                            \
    void nrm_conv_forward_ref_##TYPE(const nrm_conv_shape *shape, const REAL *x, const REAL *w, REAL *y);          \
    void nrm_conv_input_ref_##TYPE(const nrm_conv_shape *shape, const REAL *dy, const REAL *w, REAL *dx);          \
    void nrm_conv_weight_ref_##TYPE(const nrm_conv_shape *shape, const REAL *x, const REAL *dy, REAL *dw)

NRM_CONV_DECLARE(float, f32);
NRM_CONV_DECLARE(double, f64);

#endif
