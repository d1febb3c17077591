/* softmax_kernels.h -- the loops of softmax, one table a type and instruction set.  Private.
 *
 * A kernel works on a span: a piece of a row in one thread.  What it sees is
 *
 *     z_i = alpha x_i + bias_i   where keep_i,   -inf elsewhere
 *
 * and no kernel reads or writes past n elements.  y may be x itself.  `stream` stores y
 * around the caches.  Every sum has a fixed order for a given table.  Pairs are those of
 * extexp.h. */
#ifndef NRM_SOFTMAX_KERNELS_H
#define NRM_SOFTMAX_KERNELS_H

#include "cpu.h"
#include "extexp.h"

enum {
    NRM_SOFTMAX_MOST_LANES = 16, /* elements of the widest vector */
    NRM_SOFTMAX_NARROW = 15,     /* rows up to this length are done side by side */
    NRM_SOFTMAX_AHEAD = 16384    /* bytes between what is computed and what is asked for */
};

#define NRM_SOFTMAX_DECLARE(REAL, TYPE)                                                              \
    typedef struct nrm_softmax_span_##TYPE {                                                         \
        const REAL *x;                                                                               \
        const uint8_t *keep; /* NULL: all */                                                         \
        const REAL *bias;    /* NULL: 0 */                                                           \
        int64_t n;                                                                                   \
        REAL alpha;                                                                                  \
        bool bare; /* the paper's loop: entries are not raised to NRM_EXTEXP_LOW */                  \
        bool far;  /* x is not in the first caches: ask for it ahead */                              \
    } nrm_softmax_span_##TYPE;                                                                       \
                                                                                                     \
    typedef struct nrm_softmax_kernels_##TYPE {                                                      \
        nrm_isa isa;                                                                                 \
        /* Two-pass.  (1) sum of ExtExp(z); (2) y = (m lambda) 2^(n - e). */                         \
        nrm_extexp (*pair_sum)(const nrm_softmax_span_##TYPE *span);                                 \
        void (*pair_scale)(const nrm_softmax_span_##TYPE *span, REAL *y, REAL lambda, REAL e, bool stream); \
        /* Online.  (sum exp(z - mu), mu), mu = max z or NRM_EXTEXP_LOW if that is larger. */         \
        nrm_extexp (*online_sum)(const nrm_softmax_span_##TYPE *span);                               \
        /* Three-pass.  max z (a NaN may be lost here: the sums keep it). */                         \
        REAL (*maximum)(const nrm_softmax_span_##TYPE *span);                                        \
        /* With recomputation: sum exp(z - mu); y = exp(z - mu) lambda. */                           \
        double (*exp_sum)(const nrm_softmax_span_##TYPE *span, REAL mu);                             \
        void (*exp_scale)(const nrm_softmax_span_##TYPE *span, REAL *y, REAL mu, REAL lambda, bool stream); \
        /* With reloading: y = exp(z - mu), returns the sum; y = x lambda. */                        \
        double (*exp_store)(const nrm_softmax_span_##TYPE *span, REAL *y, REAL mu);                  \
        void (*scale)(int64_t n, const REAL *x, REAL *y, REAL lambda, bool stream);                  \
        /* Reloading without the rounding of z - mu: y = m 2^(n - e), e = rint(max z log2 e). */     \
        double (*pair_store)(const nrm_softmax_span_##TYPE *span, REAL *y, REAL e);                  \
        /* Log-softmax: y = (z - hi) - lo. */                                                        \
        void (*shift)(const nrm_softmax_span_##TYPE *span, REAL *y, REAL hi, REAL lo, bool stream);  \
        /* A whole row of n <= row_most elements in registers.  y is written only when the           \
         * pair returned is sane (nrm_extexp_sane).  NULL where row_most is 0. */                    \
        int64_t row_most;                                                                            \
        nrm_extexp (*row)(const nrm_softmax_span_##TYPE *span, REAL *y);                             \
        /* `lanes` short rows side by side: z[j * lanes + r] is element j < n of row r and           \
         * becomes y; row r's sum is s[r] 2^e[r]. */                                                 \
        int lanes;                                                                                   \
        void (*narrow)(int64_t n, REAL *z, REAL *s, REAL *e);                                        \
        /* Backward passes.  sum a b, sum a in f64; y = alpha a (b - c); y = alpha (b - a c). */     \
        double (*dot)(int64_t n, const REAL *a, const REAL *b);                                      \
        double (*sum)(int64_t n, const REAL *a);                                                     \
        void (*centre)(int64_t n, const REAL *a, const REAL *b, REAL alpha, double c, REAL *y);      \
        void (*deflate)(int64_t n, const REAL *a, const REAL *b, REAL alpha, double c, REAL *y);     \
    } nrm_softmax_kernels_##TYPE;                                                                    \
                                                                                                     \
    /* NULL where this build has no such kernels. */                                                 \
    const nrm_softmax_kernels_##TYPE *nrm_softmax_kernels_##TYPE##_scalar(void);                     \
    const nrm_softmax_kernels_##TYPE *nrm_softmax_kernels_##TYPE##_avx2(void);                       \
    const nrm_softmax_kernels_##TYPE *nrm_softmax_kernels_##TYPE##_avx512(void)

NRM_SOFTMAX_DECLARE(float, f32);
NRM_SOFTMAX_DECLARE(double, f64);

#endif
