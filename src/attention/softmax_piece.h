/* softmax_piece.h -- the pair of a piece of a row and its last pass, for one type.  Part of
 * softmax_pair.c. */

#include "softmax_entry.h"

typedef struct T(chunk) {
    const nrm_softmax_plan *plan;
    const KERNELS *k;
    SPAN span;
    REAL *y, lambda, e, hi, lo;
    nrm_extexp *part;
} T(chunk);

static SPAN T(block_of)(const T(chunk) *c, int64_t b)
{
    SPAN s = c->span;
    const int64_t start = b * c->plan->o.block;
    s.x += start;
    if (s.keep) s.keep += start;
    s.n = nrm_min_i64(c->plan->o.block, s.n - start);
    return s;
}

static void T(pass_add)(void *job, int64_t b)
{
    T(chunk) *c = job;
    const SPAN s = T(block_of)(c, b);
    c->part[b] = c->k->pair_sum(&s);
}

/* The largest entry of a block that the pair kernels refused, as the pair (1, entry):
 * NaN where there is one, -inf where all are excluded. */
static void T(pass_range)(void *job, int64_t b)
{
    T(chunk) *c = job;
    const SPAN s = T(block_of)(c, b);
    double top = -INFINITY;
    for (int64_t i = 0; i < s.n; i++) {
        const double z = T(entry)(&s, c->plan->o.alpha, i);
        top = isnan(z) || isnan(top) ? NAN : fmax(top, z);
    }
    c->part[b] = (nrm_extexp){1, top};
}

static void T(pass_finish)(void *job, int64_t b)
{
    T(chunk) *c = job;
    const SPAN s = T(block_of)(c, b);
    REAL *y = c->y + b * c->plan->o.block;
    if (c->plan->o.log) c->k->shift(&s, y, c->hi, c->lo, c->plan->stream);
    else c->k->pair_scale(&s, y, c->lambda, c->e, c->plan->stream);
}

/* The sum of a piece that is not sane: NaN, nothing, or out of range. */
static nrm_status T(odd_sum)(nrm_ctx *ctx, nrm_softmax_work *work, T(chunk) *c, nrm_extexp *total)
{
    double top = -INFINITY;

    NRM_REQUIRE(ctx, nrm_softmax_sweep(work, T(pass_range), c, work->blocks, false), NRM_E_CANCELLED,
                "softmax-pair: stopped on request");
    for (int64_t b = 0; b < work->blocks; b++)
        top = isnan(c->part[b].exponent) || isnan(top) ? NAN : fmax(top, c->part[b].exponent);
    if (isnan(top)) *total = (nrm_extexp){NAN, 0};
    else if (top == -INFINITY) *total = nrm_extexp_zero();
    else
        return nrm_fail(ctx, NRM_E_RANGE, "softmax-pair: the largest entry is %g; pairs are exact between -130000 "
                        "and 130000: use the functions of whole rows", top);
    return NRM_OK;
}

nrm_status T(nrm_softmax_pair_add)(nrm_ctx *ctx, nrm_softmax_pair *pair, int64_t n, const REAL *x,
                                   const uint8_t *keep, const nrm_softmax_options *options)
{
    const nrm_softmax_shape shape = {"softmax-pair", 1, n, sizeof *x};
    nrm_softmax_plan plan;
    nrm_extexp one, total;
    nrm_status st = NRM_OK;

    NRM_TRY(nrm_softmax_plan_options(ctx, shape.who, options, &plan));
    NRM_REQUIRE(ctx, pair, NRM_E_NULL, "softmax-pair: pair is NULL; begin with nrm_softmax_pair_zero()");
    NRM_REQUIRE(ctx, n >= 0, NRM_E_SHAPE, "softmax-pair: n is %lld; it must not be negative", NRM_LL(n));
    if (n == 0) return NRM_OK;
    NRM_TRY(nrm_softmax_check_shape(ctx, &shape));
    NRM_TRY(nrm_softmax_check_matrix(ctx, &shape, "x", x, n));
    nrm_softmax_work work = nrm_softmax_divide(ctx, shape.who, 1, n, plan.o.block);
    T(chunk) c = {.plan = &plan, .k = T(kernels)(plan.isa), .part = &one,
                  .span = {.x = x, .keep = keep, .n = n, .alpha = (REAL)plan.o.alpha, .far = n > 1 << 19}};
    if (work.blocks > 1) NRM_TRY(NRM_ALLOC(ctx, c.part, work.blocks, "the block sums of softmax"));
    NRM_STOP_IF(!nrm_softmax_sweep(&work, T(pass_add), &c, work.blocks, false), NRM_E_CANCELLED,
                "softmax-pair: stopped on request");
    total = c.part[0];
    for (int64_t b = 1; b < work.blocks; b++) total = nrm_extexp_add(total, c.part[b]);
    if (!nrm_extexp_sane(total)) NRM_TRY_DONE(T(odd_sum)(ctx, &work, &c, &total));
    *pair = nrm_softmax_pair_merge(*pair, (nrm_softmax_pair){total.mantissa, total.exponent});
done:
    if (c.part != &one) nrm_free(ctx, c.part);
    return st;
}

nrm_status T(nrm_softmax_pair_finish)(nrm_ctx *ctx, nrm_softmax_pair pair, int64_t n, const REAL *x,
                                      const uint8_t *keep, REAL *y, const nrm_softmax_options *options)
{
    const nrm_softmax_shape shape = {"softmax-pair", 1, n, sizeof *x};
    nrm_softmax_plan plan;
    double hi = 0, lo = 0;

    NRM_TRY(nrm_softmax_plan_options(ctx, shape.who, options, &plan));
    NRM_REQUIRE(ctx, n >= 0, NRM_E_SHAPE, "softmax-pair: n is %lld; it must not be negative", NRM_LL(n));
    if (n == 0) return NRM_OK;
    NRM_TRY(nrm_softmax_check_shape(ctx, &shape));
    NRM_TRY(nrm_softmax_check_matrix(ctx, &shape, "x", x, n));
    NRM_TRY(nrm_softmax_check_matrix(ctx, &shape, "y", y, n));
    NRM_TRY(nrm_softmax_check_overlap(ctx, &shape, "x", x, n, "y", y, n));
    nrm_softmax_plan_passes(&plan, &shape, (const void *)x == (const void *)y, true);
    nrm_softmax_work work = nrm_softmax_divide(ctx, shape.who, 1, n, plan.o.block);
    T(chunk) c = {.plan = &plan, .k = T(kernels)(plan.isa), .y = y,
                  .span = {.x = x, .keep = keep, .n = n, .alpha = (REAL)plan.o.alpha, .far = n > 1 << 19}};
    const bool empty = pair.mantissa == 0; /* every entry is excluded */
    if (!empty) nrm_extexp_log((nrm_extexp){pair.mantissa, pair.exponent}, &hi, &lo);
    c.hi = (REAL)hi;
    c.lo = (REAL)((hi - (double)c.hi) + lo);
    c.e = empty ? 0 : (REAL)pair.exponent;
    c.lambda = empty ? 0 : (REAL)(1 / pair.mantissa);
    return nrm_softmax_sweep(&work, T(pass_finish), &c, work.blocks, false)
               ? NRM_OK : nrm_fail(ctx, NRM_E_CANCELLED, "softmax-pair: stopped on request");
}
