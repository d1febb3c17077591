/* private_kit.h -- parameters and sources for the tests of private regression. */
#ifndef NRM_PRIVATE_KIT_H
#define NRM_PRIVATE_KIT_H

#include "private/server.h"
#include "testkit.h"

typedef nrm_private_sparse_regression_options choices;

static inline choices with(int mode, double eps)
{
    choices o = nrm_private_sparse_regression_options_default();
    o.mode = mode, o.eps = eps, o.tau1 = 1, o.tau2 = 2, o.k = 1, o.kprime = 1, o.rounds = 2;
    return o;
}

static inline nrm_private_plan plan_of(int64_t d, choices o)
{
    nrm_private_plan plan;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_private_plan_make(ctx, d, 0, &o, &plan));
    nrm_ctx_destroy(ctx);
    return plan;
}

static inline nrm_private_source *seeded(nrm_ctx *ctx, uint64_t seed)
{
    nrm_private_source *source;
    assert_ok(ctx, nrm_private_source_seeded(ctx, &source, seed));
    return source;
}

#endif
