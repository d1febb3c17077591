/* optimizer_kernels.h -- the elementwise passes of optimizers, one table a type and
 * instruction set.  Private.
 *
 * Each is one pass over its arrays, limited by memory where they lie outside the caches.
 * Sums, products, quotients and square roots alone, each rounded once: every table gives the
 * same bits, and an element's do not depend on its position, so arrays may be cut anywhere.
 * (square_sum and momentum_powers alone have an order: fixed for a given n, the same in every
 * table.)  Arrays do not overlap; nothing is touched past n; no alignment is assumed.  Factors are
 * given in f64 and rounded to the type once. */
#ifndef NRM_OPTIMIZER_KERNELS_H
#define NRM_OPTIMIZER_KERNELS_H

#include "kernel/cpu.h"
#include <stdbool.h>

/* What lies a little further than p will be wanted.  May point beyond its array: an address
 * alone, no pointer, is made. */
static inline void nrm_fetch_ahead(const void *p)
{
    enum { AHEAD = 256 };
    __builtin_prefetch((const void *)((uintptr_t)p + AHEAD));
}

/* Everywhere g is first multiplied by clip.
 * d = g + l2 w;  m <- momentum m + d;  w <- keep w - rate (direct d + through m) */
typedef struct nrm_sgd_factors { double clip, l2, momentum, direct, through, keep, rate; } nrm_sgd_factors;
/* m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- keep w - rate m / (root sqrt(v) + eps) */
typedef struct nrm_adamw_factors { double clip, beta1, beta2, eps, root, keep, rate; } nrm_adamw_factors;
/* u = b1 m + (1 - b1) g;  m <- b2 m + (1 - b2) g;  w <- keep w - rate sign(u) */
typedef struct nrm_lion_factors { double clip, beta1, beta2, keep, rate; } nrm_lion_factors;
/* m <- momentum m + rest g;  u <- direct g + through m */
typedef struct nrm_momentum_factors { double clip, momentum, rest, direct, through; } nrm_momentum_factors;

enum { NRM_POWERS = 4 };

#define NRM_OPTIMIZER_KERNELS_DECLARE(REAL, TYPE)                                                              \
    typedef struct nrm_optimizer_kernels_##TYPE {                                                              \
        void (*sgd)(int64_t n, const nrm_sgd_factors *f, const REAL *g, REAL *w); /* momentum 0: no m */       \
        void (*sgd_momentum)(int64_t n, const nrm_sgd_factors *f, const REAL *g, REAL *m, REAL *w);            \
        void (*adamw)(int64_t n, const nrm_adamw_factors *f, const REAL *g, REAL *m, REAL *v, REAL *w);        \
        void (*lion)(int64_t n, const nrm_lion_factors *f, const REAL *g, REAL *m, REAL *w);                   \
        void (*momentum)(int64_t n, const nrm_momentum_factors *f, const REAL *g, REAL *m, REAL *u);           \
        void (*descend)(int64_t n, double keep, double rate, const REAL *d, REAL *w); /* w <- keep w - rate d */ \
        /* keep counts only where w and d have the same sign */                                                \
        void (*descend_cautious)(int64_t n, double keep, double rate, const REAL *d, REAL *w);                 \
        /* w <- keep w - rate (direct g + through m) */                                                        \
        void (*descend_momentum)(int64_t n, const nrm_momentum_factors *f, double keep, double rate, const REAL *g,\
                                 const REAL *m, REAL *w);                                                      \
        void (*descend_columns)(int64_t n, double keep, bool cautious, const double *rate, const REAL *d, REAL *w);\
        void (*scale)(int64_t n, double factor, REAL *x);                                                      \
        void (*clamp)(int64_t n, double bound, REAL *x); /* to [-bound, bound] */                              \
        double (*square_sum)(int64_t n, double unit, const REAL *x); /* of unit x, in f64 */                   \
        /* m <- momentum m + rest g;  sum[k - 1] = sum of (unit u)^2k, u = direct g + through m */             \
        void (*momentum_powers)(int64_t n, const nrm_momentum_factors *f, double unit, const REAL *g, REAL *m, \
                                double *sum);                                                                  \
        void (*add_squares)(int64_t n, const REAL *x, double *sum); /* sum[i] += x[i]^2 */                     \
        bool (*finite)(int64_t n, const REAL *x);                    /* no NaN, no Inf */                      \
    } nrm_optimizer_kernels_##TYPE;                                                                            \
    extern const nrm_optimizer_kernels_##TYPE nrm_optimizer_##TYPE##_scalar, nrm_optimizer_##TYPE##_avx2,      \
        nrm_optimizer_##TYPE##_avx512; /* the last two on x86-64 only */                                       \
    const nrm_optimizer_kernels_##TYPE *nrm_optimizer_kernels_##TYPE##_for(nrm_isa isa) /* the best at most isa */

NRM_OPTIMIZER_KERNELS_DECLARE(float, f32);
NRM_OPTIMIZER_KERNELS_DECLARE(double, f64);

#endif
