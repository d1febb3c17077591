/* quantile.h -- a quantile of |x|, exactly, in time linear in n whatever the values.  Private to
 * src/optim. */
#ifndef NRM_QUANTILE_H
#define NRM_QUANTILE_H

#include <norma/array.h>

/* Of the N = ceil(n / stride) numbers |x[0]|, |x[stride]|, ... in ascending order, with
 * h = q (N - 1): the value at floor(h), and the share h - floor(h) of the way to the next.
 * n >= 1, 0 <= q <= 1, x finite.  scratch: N elements of the type.  The same bits for any
 * number of threads. */
double nrm_abs_quantile(nrm_dtype dtype, int64_t n, const void *x, int64_t stride, double q, void *scratch, int threads);

#endif
