/* weighted_kit.h -- what the tests of weighted-least-squares share. */
#ifndef NRM_TEST_WEIGHTED_KIT_H
#define NRM_TEST_WEIGHTED_KIT_H

#include "rows_kit.h"
#include <norma/weighted_least_squares.h>

typedef nrm_weighted_least_squares_options options_of;
typedef nrm_weighted_least_squares_input input_of;
typedef nrm_weighted_least_squares_result result_of;
typedef nrm_weighted_least_squares_info info_of;

enum { EVERY_POINT = NRM_LEAST_SQUARES_FITTED | NRM_LEAST_SQUARES_RESIDUALS | NRM_LEAST_SQUARES_LEVERAGE };

static inline options_of with(const char *basis, int64_t degree)
{
    options_of o = nrm_weighted_least_squares_options_default();
    o.basis = basis, o.degree = degree;
    return o;
}

/* Arrays as streams: one call. */
static inline nrm_status fit(nrm_ctx *ctx, int64_t n, int64_t d, int64_t q, const double *x, const double *w, const double *y, input_of extra,
                      unsigned want, result_of *r, info_of *info, const options_of *o)
{
    extra.x = x ? rows_of(ctx, n, d, x) : NULL;
    extra.weights = w ? rows_of(ctx, n, 1, w) : NULL;
    extra.y = rows_of(ctx, n, q, y);
    const nrm_status st = nrm_weighted_least_squares(ctx, &extra, want, r, info, o);
    nrm_rows_close(ctx, extra.x), nrm_rows_close(ctx, extra.weights), nrm_rows_close(ctx, extra.y);
    return st;
}

#endif
