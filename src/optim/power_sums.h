/* power_sums.h -- sums of even powers of numbers, and the root of the mean of cosh^2 that follows
 * from them.  Private to src/optim.
 *
 *     cosh^2(z x) = (1 + cosh(2 z x)) / 2,   so that over N numbers x
 *     r^2 = mean cosh^2(z x) = 1 + (1 / 2) sum_{k >= 1} (2 z)^2k mean(x^2k) / (2k)!
 * Four terms are kept.  For the many small numbers of a real layer they give r to far more than
 * 1e-12; whether they do is known from the sums. */
#ifndef NRM_POWER_SUMS_H
#define NRM_POWER_SUMS_H

#include "kernel/optimizer_kernels.h"
#include <norma/array.h>

/* sum[k - 1] = sum of (2^-exponent x)^2k; the exponent keeps the powers in range. */
typedef struct nrm_power_sums {
    double sum[NRM_POWERS];
    int exponent;
} nrm_power_sums;

enum { NRM_POWER_PIECE = 2048 };

/* M moves by f, and these are the sums of x = direct clip G + through M, over n <= NRM_POWER_PIECE
 * numbers; `exponent` is a guess.  In f32 all powers are computed in f32, and joined in f64. */
nrm_power_sums nrm_power_sums_of(nrm_dtype dtype, int64_t n, const nrm_momentum_factors *f, int exponent, const void *g, void *m);
void nrm_power_sums_add(nrm_power_sums *sums, const nrm_power_sums *more);
double nrm_power_sums_norm(const nrm_power_sums *sums); /* sqrt(sum x^2) */

/* *excess = r^2 - 1 for z = factor 2^-exponent, over `count` numbers.  False: four terms leave
 * more than 1e-12 of r^2. */
bool nrm_power_sums_cosh(const nrm_power_sums *sums, int64_t count, double factor, double *excess);

#endif
