/* linf_plan.c -- how many rows: of A, and of the sketch.  Contract: linf.h.
 *
 *     sharp      m = d + 1 + ceil(2 d ln(2 d / delta) / eps^2)
 *     corrected  m = ceil(C d ln(8 d / delta) / eps^2)
 *     paper      m = ceil(C d ln(n / delta)^3 / eps^2)
 *
 * sharp is no published rule: by (2) of the header a coordinate's standard deviation, given S A, is
 * |r| / sqrt(m) times the root of a diagonal entry of ((S A)'S A)^-1, on average at most
 * |A^+|^2 m / (m - d - 1); d normal numbers of that deviation exceed (eps / sqrt(d)) |r| |A^+| with
 * probability delta or less if m - d - 1 is 2 d ln(2 d / delta) / eps^2. */
#include "linf.h"
#include "data/rows.h"
#include "method/descriptor.h"
#include "linalg/transform.h"
#include <norma/comm.h>

static bool is_sparse(int sketch) { return sketch == NRM_LINF_COUNTSKETCH || sketch == NRM_LINF_OSNAP; }

/* S depends on n. */
static bool wants_n(const nrm_linf_regression_options *o)
{
    return o->sketch == NRM_LINF_SRHT || o->sketch == NRM_LINF_SRCT || o->sketch == NRM_LINF_BGP ||
           (o->rows == 0 && o->rule == NRM_LINF_PAPER);
}

static nrm_status check_problem(nrm_ctx *ctx, const nrm_linf_plan *plan)
{
    const nrm_linf_regression_problem *p = &plan->problem;
    const nrm_linf_regression_options *o = &plan->o;

    NRM_REQUIRE(ctx, p->a && p->b, NRM_E_NULL, NRM_LINF ": a and b must not be NULL where no Kronecker factors are given");
    NRM_REQUIRE(ctx, plan->d >= 1 && plan->q >= 1, NRM_E_SHAPE, NRM_LINF ": a has %lld columns and b %lld; each must "
                "have at least one", NRM_LL(plan->d), NRM_LL(plan->q));
    NRM_REQUIRE(ctx, plan->d <= INT32_MAX - plan->q, NRM_E_OVERFLOW, NRM_LINF ": a has %lld columns and b %lld; that is "
                "too many", NRM_LL(plan->d), NRM_LL(plan->q));
    NRM_REQUIRE(ctx, o->columns == 0 || o->columns == plan->d, NRM_E_SHAPE, NRM_LINF ": a has %lld columns, but columns "
                "is %lld; leave it at 0 unless the input cannot tell", NRM_LL(plan->d), NRM_LL(o->columns));
    NRM_REQUIRE(ctx, o->delta < 0.5, NRM_E_RANGE, NRM_LINF ": delta is %g; it must be below 1/2", o->delta);
    if (o->sketch != NRM_LINF_USER) {
        NRM_REQUIRE(ctx, !p->s, NRM_E_ARGUMENT, NRM_LINF ": s is given, but sketch is not user; leave one out");
        return NRM_OK;
    }
    NRM_REQUIRE(ctx, p->s, NRM_E_ARGUMENT, NRM_LINF ": sketch is user and s is missing; give s, or take another sketch");
    NRM_REQUIRE(ctx, o->repetitions == 1, NRM_E_RANGE, NRM_LINF ": repetitions is %lld and s is given; one matrix is one "
                "repetition", NRM_LL(o->repetitions));
    NRM_REQUIRE(ctx, o->rows == 0 || o->rows == p->s_rows, NRM_E_SHAPE, NRM_LINF ": rows is %lld, but s has %lld; leave "
                "rows at 0", NRM_LL(o->rows), NRM_LL(p->s_rows));
    NRM_REQUIRE(ctx, p->s_rows <= INT32_MAX && p->s_columns <= INT32_MAX && p->lds >= p->s_columns, NRM_E_SHAPE,
                NRM_LINF ": s is %lld x %lld with a row stride of %lld", NRM_LL(p->s_rows), NRM_LL(p->s_columns), NRM_LL(p->lds));
    for (int64_t i = 0, where; i < p->s_rows; i++)
        NRM_REQUIRE(ctx, nrm_all_finite_f64(p->s + i * p->lds, p->s_columns, &where), NRM_E_NONFINITE,
                    NRM_LINF ": s is %g at [%lld,%lld]; it must be finite", p->s[i * p->lds + where], NRM_LL(i), NRM_LL(where));
    return NRM_OK;
}

static nrm_status find_n(nrm_ctx *ctx, nrm_linf_plan *plan, int64_t *passes)
{
    const nrm_linf_regression_problem *p = &plan->problem;
    const int64_t of_a = nrm_rows_count(p->a), of_b = nrm_rows_count(p->b), given = plan->o.total_rows;

    NRM_REQUIRE(ctx, of_a < 0 || of_b < 0 || of_a == of_b, NRM_E_SHAPE, NRM_LINF ": a has %lld rows and b %lld; they must "
                "have the same number", NRM_LL(of_a), NRM_LL(of_b));
    plan->n = of_a >= 0 ? of_a : of_b >= 0 ? of_b : given > 0 ? given : p->s ? p->s_columns : -1;
    NRM_REQUIRE(ctx, given == 0 || given == plan->n, NRM_E_SHAPE, NRM_LINF ": a has %lld rows, but total_rows is %lld; "
                "leave it at 0 unless the input cannot tell", NRM_LL(plan->n), NRM_LL(given));
    if (plan->n < 0 && wants_n(&plan->o)) {
        const bool paper = plan->o.rule == NRM_LINF_PAPER && plan->o.rows == 0;
        NRM_TRY(nrm_row_pass_count(ctx, NRM_LINF, "a", paper ? "give total_rows" : "give total_rows, or take sketch gaussian", p->a,
                                   &plan->n, passes));
    }
    NRM_REQUIRE(ctx, plan->n < 0 || plan->n >= plan->d, NRM_E_SHAPE, NRM_LINF ": a is %lld x %lld; it must have at least "
                "as many rows as columns: leave columns out", NRM_LL(plan->n), NRM_LL(plan->d));
    NRM_REQUIRE(ctx, !p->s || plan->n == p->s_columns, NRM_E_SHAPE, NRM_LINF ": s has %lld columns, but a has %lld rows; "
                "they must be equal", NRM_LL(p->s_columns), NRM_LL(plan->n));
    return NRM_OK;
}

static double rule_rows(const nrm_linf_plan *plan)
{
    const nrm_linf_regression_options *o = &plan->o;
    const double d = (double)plan->d, square = o->eps * o->eps;
    switch (o->rule) {
    case NRM_LINF_CORRECTED: return ceil(o->constant * d * log(8 * d / o->delta) / square);
    case NRM_LINF_PAPER: return ceil(o->constant * d * pow(log((double)plan->n / o->delta), 3) / square);
    default: return d + 1 + ceil(2 * d * log(2 * d / o->delta) / square);
    }
}

double nrm_linf_eps(const nrm_linf_plan *plan)
{
    const nrm_linf_regression_options *o = &plan->o;
    const double d = (double)plan->d, m = (double)plan->m;
    if (plan->exact) return 0;
    switch (o->rule) {
    case NRM_LINF_CORRECTED: return sqrt(o->constant * d * log(8 * d / o->delta) / m);
    case NRM_LINF_PAPER: return sqrt(o->constant * d * pow(log((double)plan->n / o->delta), 3) / m);
    default: return plan->m > plan->d + 1 ? sqrt(2 * d * log(2 * d / o->delta) / (m - d - 1)) : (double)INFINITY;
    }
}

/* bgp: N / m at least C (d + 1) L^2 / kappa^2, kappa = c / sqrt(d), L = ln(C n m d / (kappa delta)).
 * The constants are open; here C = 1, c = 1/4. */
static nrm_status strict_pool(nrm_ctx *ctx, nrm_linf_plan *plan)
{
    const double d = (double)plan->d, kappa = 0.25 / sqrt(d);
    const double l = log((double)plan->n * (double)plan->m * d / (kappa * plan->o.delta));
    const double pool = ceil((d + 1) * l * l / (kappa * kappa));

    NRM_REQUIRE(ctx, pool * (double)plan->m <= 0x1p31, NRM_E_OVERFLOW, NRM_LINF ": strict asks for %.3g padded rows; that "
                "is out of reach: leave strict out", pool * (double)plan->m);
    plan->pool = (int64_t)pool;
    return NRM_OK;
}

nrm_status nrm_linf_plan_rows(nrm_ctx *ctx, nrm_linf_plan *plan, double m)
{
    const nrm_linf_regression_options *o = &plan->o;
    const double n = plan->n < 0 ? (double)INFINITY : (double)plan->n;

    if (o->sketch == NRM_LINF_BGP && m < n) {
        const double rounded = (double)nrm_next_power_of_two((int64_t)m);
        if (rounded > m) nrm_warn(ctx, NRM_LINF ": bgp has a power of two of rows: %.0f in place of %.0f", rounded, m);
        m = rounded;
    }
    plan->exact = m >= n && o->sketch != NRM_LINF_USER;
    if (plan->exact) {
        if (o->rows == 0 && o->rule != NRM_LINF_SHARP)
            nrm_warn(ctx, NRM_LINF ": eps %g asks for %.0f rows of %lld; the exact solution is computed", o->eps, m, NRM_LL(plan->n));
        plan->m = plan->n;
        return NRM_OK;
    }
    NRM_REQUIRE(ctx, m <= INT32_MAX, NRM_E_OVERFLOW, NRM_LINF ": %.0f rows of a sketch are too many; ask for a larger eps", m);
    plan->m = (int64_t)m;
    NRM_REQUIRE(ctx, plan->m >= plan->d, NRM_E_RANGE, NRM_LINF ": a sketch of %lld rows is asked for and a has %lld columns; "
                "it must have at least as many rows: %lld or more", NRM_LL(plan->m), NRM_LL(plan->d), NRM_LL(plan->d + 1));
    if (plan->m == plan->d)
        nrm_warn(ctx, NRM_LINF ": a sketch with as many rows as a has columns solves any b exactly; the error has no "
                 "finite variance and no error bars: ask for more rows");
    if (o->sketch == NRM_LINF_BGP && o->strict) NRM_TRY(strict_pool(ctx, plan));
    return NRM_OK;
}

nrm_status nrm_linf_plan_make(nrm_ctx *ctx, const nrm_linf_regression_problem *problem,
                              const nrm_linf_regression_options *options, nrm_linf_plan *plan, int64_t *passes)
{
    *plan = (nrm_linf_plan){.n = -1};
    NRM_REQUIRE(ctx, problem, NRM_E_NULL, NRM_LINF ": problem must not be NULL");
    memcpy(&plan->problem, problem, problem->size < sizeof *problem ? problem->size : sizeof *problem);
    NRM_TRY(nrm_options_load(ctx, &nrm_linf_regression_method, options, &plan->o));
    NRM_TRY(nrm_linf_tensor_rows(ctx, plan));
    plan->d = nrm_rows_cols(plan->problem.a);
    plan->q = nrm_rows_cols(plan->problem.b);
    plan->columns = plan->d + plan->q;
    NRM_TRY(check_problem(ctx, plan));
    NRM_TRY(find_n(ctx, plan, passes));
    const nrm_linf_regression_options *o = &plan->o;
    if (o->rows == 0 && is_sparse(o->sketch))
        nrm_warn(ctx, NRM_LINF ": eps is given, but a sparse sketch has no coordinate-wise guarantee: a few coordinates can "
                 "be far off; take srht, or look at what refine measures");
    return nrm_linf_plan_rows(ctx, plan, o->sketch == NRM_LINF_USER ? (double)plan->problem.s_rows
                                         : o->rows > 0              ? (double)o->rows
                                                                    : rule_rows(plan));
}

void nrm_linf_plan_end(nrm_ctx *ctx, nrm_linf_plan *plan)
{
    nrm_rows_close(ctx, plan->made_a);
    nrm_rows_close(ctx, plan->made_b);
    plan->made_a = plan->made_b = NULL;
}

nrm_status nrm_linf_check_count(nrm_ctx *ctx, const nrm_linf_plan *plan, int64_t rows)
{
    NRM_REQUIRE(ctx, rows >= plan->n, NRM_E_SHAPE, NRM_LINF ": a and b end before row %lld, but %lld rows were announced", NRM_LL(rows),
                NRM_LL(plan->n));
    NRM_REQUIRE(ctx, rows == plan->n, NRM_E_SHAPE, NRM_LINF ": a and b go on at row %lld, but %lld rows were announced",
                NRM_LL(plan->n), NRM_LL(plan->n));
    return NRM_OK;
}
