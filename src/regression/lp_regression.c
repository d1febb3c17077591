/* lp_regression.c -- the x whose residual has the least p-norm.  Contract and equations:
 * norma/lp_regression.h; rows in memory: lp_solve.c; more of them: lp_sampled.c. */
#include "lp_job.h"
#include "lp_solve.h"
#include <norma/comm.h>
#include <stdio.h>

enum { DIRECT_NUMBERS = 1 << 24, NAMED = 8 };

/* ---- Checks -------------------------------------------------------------------------------------------- */

static nrm_status check_weights(nrm_ctx *ctx, const nrm_lp_regression_input *in)
{
    NRM_REQUIRE(ctx, !in->weights || in->length >= 1, NRM_E_SHAPE, NRM_LP_REGRESSION ": there are %lld weights; there must be one a row",
                NRM_LL(in->length));
    for (int64_t i = 0; in->weights && i < in->length; i++)
        NRM_REQUIRE(ctx, in->weights[i] > 0 && isfinite(in->weights[i]), isfinite(in->weights[i]) ? NRM_E_RANGE : NRM_E_NONFINITE,
                    NRM_LP_REGRESSION ": the weight of row %lld is %g; it must be > 0 and finite: leave out rows that do not count",
                    NRM_LL(i), in->weights[i]);
    return NRM_OK;
}

static nrm_status load(nrm_ctx *ctx, const nrm_lp_regression_input *in, unsigned want, const nrm_lp_regression_options *options,
                       nrm_lp_job *j)
{
    NRM_REQUIRE(ctx, in && in->a && in->b, NRM_E_NULL, NRM_LP_REGRESSION ": in and its rows a and b must not be NULL");
    NRM_TRY(nrm_options_load(ctx, &nrm_lp_regression_method, options, &j->o));
    j->in = in;
    j->want = want;
    j->d = nrm_rows_cols(in->a);
    NRM_REQUIRE(ctx, j->d >= 1, NRM_E_SHAPE, NRM_LP_REGRESSION ": a has %lld columns; it must have at least one", NRM_LL(j->d));
    NRM_REQUIRE(ctx, nrm_rows_cols(in->b) == 1, NRM_E_SHAPE, NRM_LP_REGRESSION ": b has %lld columns; it must have one: fit one column "
                "at a time", NRM_LL(nrm_rows_cols(in->b)));
    NRM_REQUIRE(ctx, j->o.rows == 0 || j->o.rows >= j->d + 2, NRM_E_RANGE, NRM_LP_REGRESSION ": rows is %lld; with %lld columns it must "
                "be at least %lld", NRM_LL(j->o.rows), NRM_LL(j->d), NRM_LL(j->d + 2));
    NRM_TRY(check_weights(ctx, in));
    if (j->o.p > NRM_LP_P_MOST) {
        nrm_warn(ctx, NRM_LP_REGRESSION ": p is %g; %d is used in its place, which weighs little but the largest residuals", j->o.p,
                 NRM_LP_P_MOST);
        j->o.p = NRM_LP_P_MOST;
    }
    return NRM_OK;
}

void nrm_lp_warn_dependent(nrm_ctx *ctx, int64_t d, const bool *dependent)
{
    char names[NAMED * 24 + 8] = "";
    int64_t count = 0;
    size_t used = 0;

    for (int64_t i = 0; i < d; i++) {
        if (!dependent[i] || ++count > NAMED) continue;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%lld", count > 1 ? ", " : "", NRM_LL(i));
    }
    if (count > 0)
        nrm_warn(ctx, NRM_LP_REGRESSION ": column%s %s%s of a %s zero or made up by others; of all x with the same residual the shortest "
                 "is given", count > 1 ? "s" : "", names, count > NAMED ? ", ..." : "", count > 1 ? "are" : "is");
}

/* ---- All rows in memory ---------------------------------------------------------------------------------- */

static nrm_status check_count(nrm_ctx *ctx, const nrm_lp_job *j, int64_t n)
{
    NRM_REQUIRE(ctx, !j->in->weights || j->in->length == n, NRM_E_SHAPE, NRM_LP_REGRESSION ": there are %lld weights and %lld rows; there "
                "must be one a row", NRM_LL(j->in->length), NRM_LL(n));
    return NRM_OK;
}

static void write_residual(const nrm_lp_rows *rows, int64_t d, const double *x, double *residual)
{
    for (int64_t i = 0; i < rows->n; i++) {
        residual[i] = -rows->b[i];
        for (int64_t l = 0; l < d; l++) residual[i] += rows->a[i * d + l] * x[l];
    }
}

static nrm_status solve_rows(nrm_ctx *ctx, nrm_lp_job *j, const nrm_lp_rows *rows, bool *dependent)
{
    const nrm_lp_problem problem = {.n = rows->n, .d = j->d, .a = rows->a, .lda = j->d, .b = rows->b, .weight = j->in->weights,
                                    .p = j->o.p, .tol = j->o.tol, .max_iter = j->o.max_iter};
    nrm_lp_regression_result *made = &j->made;
    nrm_lp_answer answer;

    NRM_TRY(NRM_ALLOC(ctx, made->x, j->d, NRM_LP_REGRESSION));
    if (j->want & NRM_LP_REGRESSION_RESIDUAL) NRM_TRY(NRM_ALLOC(ctx, made->residual, rows->n, NRM_LP_REGRESSION));
    if (j->want & NRM_LP_REGRESSION_DUAL) NRM_TRY(NRM_ALLOC(ctx, made->dual, rows->n, NRM_LP_REGRESSION));
    j->remark = nrm_lp_solve(ctx, NRM_LP_REGRESSION, &problem, made->x, false, &answer, made->dual, dependent);
    if (j->remark < 0) return j->remark;
    if (made->residual) write_residual(rows, j->d, made->x, made->residual);
    made->d = j->d;
    made->n = rows->n;
    j->info.norm = j->info.start_norm = answer.norm;
    j->info.lower = answer.norm_lower;
    j->info.rank = answer.rank;
    j->info.iterations = answer.iterations;
    j->info.rows_read = rows->n;
    j->info.passes++;
    return NRM_OK;
}

nrm_status nrm_lp_direct(nrm_ctx *ctx, nrm_lp_job *j, const nrm_lp_rows *rows)
{
    bool *dependent;

    j->info.method = "direct";
    NRM_TRY(check_count(ctx, j, rows->n));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, dependent, j->d, NRM_LP_REGRESSION));
    const nrm_status st = solve_rows(ctx, j, rows, dependent);
    if (st >= 0) nrm_lp_warn_dependent(ctx, j->d, dependent);
    nrm_free(ctx, dependent);
    return st;
}

/* ---- Which ------------------------------------------------------------------------------------------------ */

static nrm_status rewind_rows(nrm_ctx *ctx, const nrm_lp_regression_input *in)
{
    nrm_status st = nrm_rows_rewind(ctx, in->a);
    if (st >= 0) st = nrm_rows_rewind(ctx, in->b);
    return st < 0 ? nrm_fail_prefix(ctx, st, NRM_LP_REGRESSION ": the method coreset reads the rows more than once; take direct, which "
                                    "keeps them in memory") : NRM_OK;
}

/* auto takes the rows as they are while they are few; how many there are may only turn out so. */
static nrm_status work(nrm_ctx *ctx, nrm_lp_job *j)
{
    const int64_t known = nrm_rows_count(j->in->a), most = DIRECT_NUMBERS / (j->d + 1);
    nrm_lp_rows rows = {0};
    bool all = false;

    if (j->o.method == NRM_LP_REGRESSION_DIRECT || (j->o.method == NRM_LP_REGRESSION_AUTO && known <= most)) {
        const bool any = j->o.method == NRM_LP_REGRESSION_DIRECT;
        NRM_TRY(nrm_lp_rows_gather(ctx, j->in, any ? INT64_MAX : DIRECT_NUMBERS, &rows, &all));
    }
    if (all) {
        const nrm_status st = nrm_comm_agree(ctx, nrm_ctx_comm(ctx), nrm_lp_direct(ctx, j, &rows));
        nrm_lp_rows_free(ctx, &rows);
        return st;
    }
    NRM_REQUIRE(ctx, !(j->want & NRM_LP_REGRESSION_DUAL) || j->o.refine > 0, NRM_E_ARGUMENT, NRM_LP_REGRESSION ": the dual of all rows "
                "comes from a round of refinement, and refine is 0; set it to 1 or more");
    NRM_TRY(rewind_rows(ctx, j->in));
    return nrm_lp_sampled(ctx, j);
}

void nrm_lp_proof(nrm_lp_regression_info *info)
{
    info->objective = pow(info->norm, info->p);
    info->gap = info->lower == 0 || info->norm == 0 ? 0 : (info->norm - info->lower) / info->norm;
    info->excess = info->gap == 0 ? 0 : expm1(-info->p * log1p(-info->gap));
}

void nrm_lp_regression_release(nrm_ctx *ctx, nrm_lp_regression_result *result)
{
    if (!result) return;
    nrm_free(ctx, result->x);
    nrm_free(ctx, result->residual);
    nrm_free(ctx, result->dual);
    *result = (nrm_lp_regression_result){0};
}

nrm_status nrm_lp_regression(nrm_ctx *ctx, const nrm_lp_regression_input *in, unsigned want, nrm_lp_regression_result *result,
                             nrm_lp_regression_info *info, const nrm_lp_regression_options *options)
{
    const double start = nrm_now();
    nrm_lp_job j = {0};

    NRM_REQUIRE(ctx, result, NRM_E_NULL, NRM_LP_REGRESSION ": result must not be NULL");
    NRM_TRY(load(ctx, in, want, options, &j));
    j.info = (nrm_lp_regression_info){.p = j.o.p, .columns = j.d, .lower = NAN, .coreset_norm = NAN};
    const nrm_status st = work(ctx, &j);
    if (st < 0) {
        nrm_lp_regression_release(ctx, &j.made);
        return st;
    }
    nrm_lp_proof(&j.info);
    j.info.seconds = nrm_now() - start;
    *result = j.made;
    if (info) *info = j.info;
    return j.remark;
}
