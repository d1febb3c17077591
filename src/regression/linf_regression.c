/* linf_regression.c -- the method: sizes, a pass, the small problem, and where its rank falls short, once
 * more.  Contract and equations: norma/linf_regression.h.
 *
 * Departures from the 2023 paper: rows of srht are drawn without replacement unless `replace` says
 * otherwise (never worse); the default rule for m comes from the Gaussian law, the paper's constant
 * being open and its rule mostly beyond n; error bars are an addition.  The paper's proof for srht has
 * a gap that its authors found; for bgp the statement is a theorem. */
#include "linf.h"
#include <norma/comm.h>

static const char *const guarantees[] = {
    [NRM_LINF_GAUSSIAN] = "law",     [NRM_LINF_SRHT] = "observed",    [NRM_LINF_SRCT] = "observed", [NRM_LINF_BGP] = "theorem",
    [NRM_LINF_COUNTSKETCH] = "none", [NRM_LINF_OSNAP] = "none",       [NRM_LINF_USER] = "unknown",
    [NRM_LINF_TENSOR_SRHT] = "observed", [NRM_LINF_TENSOR_SRCT] = "observed"};
#define WORD(constant, word) word,
static const char *const sketch_words[] = {NRM_LINF_SKETCHES(WORD)};
#undef WORD

/* One compression of plan->m rows, or none, and its solution. */
static nrm_status attempt(nrm_ctx *ctx, nrm_linf_plan *plan, uint64_t stream, nrm_linf_solution *s, int64_t *deficient,
                          int64_t *partner)
{
    const int64_t replicas = plan->o.repetitions;
    int64_t size;
    nrm_status st = nrm_linf_solution_make(ctx, plan, s);

    nrm_free(ctx, s->sketch);
    s->sketch = NULL;
    if (st >= 0 && !plan->exact) {
        if (nrm_mul_size(plan->m, plan->columns, &size) && nrm_mul_size(size, replicas, &size))
            st = NRM_ALLOC(ctx, s->sketch, size, NRM_LINF);
        else
            st = nrm_fail(ctx, NRM_E_OVERFLOW, NRM_LINF ": %lld sketches of %lld x %lld are too large", NRM_LL(replicas), NRM_LL(plan->m),
                          NRM_LL(plan->columns));
    }
    NRM_TRY(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    if (plan->exact) NRM_TRY(nrm_linf_exact(ctx, plan, s->r));
    else if (plan->o.sketch == NRM_LINF_TENSOR_SRHT || plan->o.sketch == NRM_LINF_TENSOR_SRCT)
        NRM_TRY(nrm_linf_tensor_compress(ctx, plan, stream, s->sketch));
    else NRM_TRY(nrm_linf_compress(ctx, plan, stream, s->sketch, s->r));
    return nrm_linf_solve(ctx, plan, s, deficient, partner);
}

static nrm_status refuse(nrm_ctx *ctx, const nrm_linf_plan *plan, int64_t j, int64_t partner)
{
    const char *where = plan->exact ? "a" : "two sketches of a";
    if (j == partner)
        return nrm_fail(ctx, NRM_E_SINGULAR, NRM_LINF ": column %lld is zero in %s; leave it out", NRM_LL(j), where);
    return nrm_fail(ctx, NRM_E_SINGULAR, NRM_LINF ": column %lld is, in %s, a combination of the columns before it, column %lld above "
                    "all; leave one of them out%s", NRM_LL(j), where, NRM_LL(partner),
                    plan->exact ? "" : ", or raise rows if a itself is of full rank");
}

static void report(const nrm_linf_plan *plan, const nrm_linf_solution *s, nrm_linf_regression_info *info)
{
    info->sketch = plan->exact ? "none" : sketch_words[plan->o.sketch];
    info->guarantee = plan->exact ? "exact" : guarantees[plan->o.sketch];
    info->total_rows = plan->n;
    info->rows = plan->exact ? plan->n : plan->m;
    info->exact = plan->exact;
    info->eps = nrm_linf_eps(plan);
    info->inverse_norm = s->inverse_norm;
    info->condition = s->norm * s->inverse_norm;
    info->residual = info->bound = info->error = 0;
    for (int64_t k = 0; k < plan->q; k++) info->residual = fmax(info->residual, s->residual[k]);
    for (int64_t i = 0; i < plan->d * plan->q; i++) {
        info->bound = fmax(info->bound, s->bounds[i]);
        info->error = fmax(info->error, s->bars[i]);
    }
    info->gradient = s->gradient;
    info->steps = s->steps;
    info->passes += s->passes;
}

/* Better refused before the first pass than after it. */
static nrm_status check_again(nrm_ctx *ctx, const nrm_linf_plan *plan)
{
    nrm_status st = plan->o.refine > 0 ? nrm_rows_rewind(ctx, plan->problem.a) : NRM_OK;
    if (st >= 0 && plan->o.refine > 0) st = nrm_rows_rewind(ctx, plan->problem.b);
    if (st < 0) st = nrm_fail_prefix(ctx, st, NRM_LINF ": refine reads a and b more than once");
    return nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st);
}

nrm_status nrm_linf_run(nrm_ctx *ctx, const nrm_linf_regression_problem *problem, const nrm_linf_regression_options *options,
                        nrm_linf_plan *plan, nrm_linf_solution *s, nrm_linf_regression_info *info)
{
    const double start = nrm_now();
    int64_t deficient, partner = 0;

    *info = (nrm_linf_regression_info){.gradient = (double)NAN};
    NRM_TRY(nrm_linf_plan_make(ctx, problem, options, plan, &info->passes));
    NRM_TRY(check_again(ctx, plan));
    NRM_TRY(attempt(ctx, plan, 0, s, &deficient, &partner));
    info->passes++;
    if (deficient >= 0 && !plan->exact && plan->o.sketch != NRM_LINF_USER) {
        info->retries = 1;
        NRM_TRY(nrm_linf_plan_rows(ctx, plan, 2 * (double)plan->m));
        NRM_TRY(attempt(ctx, plan, UINT64_C(1) << 32, s, &deficient, &partner));
        info->passes++;
    }
    if (deficient >= 0) return refuse(ctx, plan, deficient, partner);
    const nrm_status st = plan->o.refine > 0 ? nrm_linf_refine(ctx, plan, s) : NRM_OK;
    report(plan, s, info);
    info->seconds = nrm_now() - start;
    return st;
}

void nrm_linf_copy_sketch(const nrm_linf_plan *plan, const nrm_linf_solution *s, double *sa, double *sb)
{
    const double *from = plan->exact ? s->r : s->sketch;
    const int64_t d = plan->d, q = plan->q;
    for (int64_t i = 0; i < nrm_linf_sketch_rows(plan); i++, from += plan->columns) {
        if (sa) memcpy(sa + i * d, from, (size_t)d * sizeof *sa);
        if (sb) memcpy(sb + i * q, from + d, (size_t)q * sizeof *sb);
    }
}

static nrm_status make_sketches(nrm_ctx *ctx, const nrm_linf_plan *plan, const nrm_linf_solution *s,
                                const nrm_linf_regression_results *results)
{
    const int64_t m = nrm_linf_sketch_rows(plan), of_a[2] = {m, plan->d}, of_b[2] = {m, plan->q};
    nrm_array sa = {0}, sb = {0};

    if (results->sa) NRM_TRY(nrm_array_create(ctx, &sa, NRM_F64, 2, of_a));
    const nrm_status st = results->sb ? nrm_array_create(ctx, &sb, NRM_F64, 2, of_b) : NRM_OK;
    if (st < 0) {
        nrm_array_destroy(ctx, &sa);
        return st;
    }
    nrm_linf_copy_sketch(plan, s, sa.data, sb.data);
    if (results->sa) *results->sa = sa;
    if (results->sb) *results->sb = sb;
    return NRM_OK;
}

nrm_status nrm_linf_regression(nrm_ctx *ctx, const nrm_linf_regression_problem *problem,
                               const nrm_linf_regression_results *results, nrm_linf_regression_info *info,
                               const nrm_linf_regression_options *options)
{
    nrm_linf_regression_results r = {0};
    nrm_linf_regression_info found;
    nrm_linf_solution s = {0};
    nrm_linf_plan plan = {0};
    nrm_status st;

    NRM_REQUIRE(ctx, results && results->x, NRM_E_NULL, NRM_LINF ": results and its x must not be NULL");
    memcpy(&r, results, results->size < sizeof r ? results->size : sizeof r);
    const nrm_status run = st = nrm_linf_run(ctx, problem, options, &plan, &s, &found);
    if (st < 0) goto done;
    NRM_TRY_DONE(make_sketches(ctx, &plan, &s, &r));
    const size_t bytes = (size_t)(plan.d * plan.q) * sizeof(double);
    memcpy(r.x, s.x, bytes);
    if (r.error_bars) memcpy(r.error_bars, s.bars, bytes);
    if (r.standard_errors) memcpy(r.standard_errors, s.se, bytes);
    if (r.bounds) memcpy(r.bounds, s.bounds, bytes);
    if (info) *info = found;
    st = run;
done:
    nrm_linf_plan_end(ctx, &plan);
    nrm_linf_solution_free(ctx, &s);
    return st;
}
