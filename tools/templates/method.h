/* norma/@c@.h -- ONE LINE: what it computes.
 *
 *     y = factor x                                                              (1)
 *
 * (1): AUTHORS, TITLE, YEAR, eq. N.  Cost: n multiplications, one read and one write. */
#ifndef NORMA_@C@_H
#define NORMA_@C@_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

/*    kind  name     default  least     most     unit  since   text */
#define NRM_@C@_OPTIONS(P) \
    P(f64,  factor,  2.0,     -DBL_MAX, DBL_MAX, "",   "@since@", "what x is multiplied by")
NRM_OPTIONS(@c@, NRM_@C@_OPTIONS);

#define NRM_@C@_INFO(F)                  \
    F(i64, count, "", "numbers written") \
    F(f64, seconds, "s", "wall time")
NRM_INFO(@c@, NRM_@C@_INFO);

/* y = factor x.
 *   x        in   n values, n >= 1, all finite
 *   y        out  n values; may be x itself, must not overlap it otherwise
 *   info     out  may be NULL
 *   options  in   NULL = defaults
 * NRM_E_NULL, _SHAPE, _RANGE, _NONFINITE, _ALIAS; then y and info are untouched. */
NRM_API NRM_NODISCARD nrm_status nrm_@c@(nrm_ctx *ctx, int64_t n, const double *x, double *y,
    nrm_@c@_info *info, const nrm_@c@_options *options);

#ifdef __cplusplus
}
#endif
#endif
