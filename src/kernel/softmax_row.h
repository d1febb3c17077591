/* softmax_row.h -- whole rows of softmax in one thread, by the kernels of softmax_kernels.h.
 * Private.
 *
 * z = alpha x.  A row that fits the registers is done there; a longer one takes the maximum,
 * the exponentials (kept in y) and a scaling.  What those cannot do (NaN, infinities, entries
 * beyond +-130000, a single element) is done in f64 with an explicit maximum.  A NaN or +inf
 * makes the whole row NaN; a row of -inf has nothing in it: 0, and -inf for its logarithm.
 * y may be x.  A row's bits depend on the row alone. */
#ifndef NRM_SOFTMAX_ROW_H
#define NRM_SOFTMAX_ROW_H

#include "softmax_kernels.h"

/* The best kernels of this machine and build. */
const nrm_softmax_kernels_f32 *nrm_softmax_best_f32(void);
const nrm_softmax_kernels_f64 *nrm_softmax_best_f64(void);

/* y = factor softmax(z). */
void nrm_softmax_row_f32(const nrm_softmax_kernels_f32 *k, int64_t n, const float *x, float alpha, float factor, float *y);
void nrm_softmax_row_f64(const nrm_softmax_kernels_f64 *k, int64_t n, const double *x, double alpha, double factor, double *y);

/* log sum exp(z) = *hi + *lo, |lo| <= half an ulp of hi. */
void nrm_softmax_row_log_f32(const nrm_softmax_kernels_f32 *k, int64_t n, const float *x, float alpha, double *hi, double *lo);
void nrm_softmax_row_log_f64(const nrm_softmax_kernels_f64 *k, int64_t n, const double *x, double alpha, double *hi, double *lo);

#endif
