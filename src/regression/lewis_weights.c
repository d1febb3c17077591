/* lewis_weights.c -- the method: Lewis weights, their bracket and sensitivities.  Contract and
 * equations: norma/lewis_weights.h.  The work: linalg/leverage.c and sensitivity.c.
 *
 * The account of the paper that this follows has of (4), for p > 2, the upper bound alone.  The
 * lower one, w_i <= s_i, holds too: linalg/leverage.c derives both, also for weights that are not exact. */
#include "linalg/leverage.h"
#include "method/descriptor.h"
#include "sensitivity.h"
#include <norma/comm.h>
#include <norma/lewis_weights.h>

#define WHO "lewis-weights"
enum { EXACT_MOST = 2000 }; /* rows that auto measures on, all of them */

extern const nrm_method nrm_lewis_weights_method;

typedef struct outputs_of { double *weights, *sensitivity, *lower, *upper; } outputs_of;

static nrm_status measure(nrm_ctx *ctx, nrm_rows *a, nrm_rows *b, int64_t n, const nrm_lewis_weights_options *o, const outputs_of *to,
                          nrm_sensitivity_report *report)
{
    const bool all = o->measure == NRM_SENSITIVITY_EXACT || (o->measure == NRM_SENSITIVITY_AUTO && n <= EXACT_MOST);
    nrm_sensitivity_plan plan = {.p = o->p, .rows = all ? n : o->sample};
    nrm_sensitivity_report drawn;
    nrm_status st = NRM_OK, st_drawn = NRM_OK;

    if (to->sensitivity || (all && (to->lower || to->upper)))
        st = nrm_lp_sensitivities(ctx, WHO, a, b, n, &plan, to->sensitivity, to->lower, to->upper, report);
    if (st < 0 || o->draws == 0) return st;
    plan.draws = o->draws;
    st_drawn = nrm_lp_sensitivities(ctx, WHO, a, b, n, &plan, NULL, NULL, NULL, &drawn);
    if (st_drawn < 0) return st_drawn;
    report->rows = drawn.rows;
    report->open += drawn.open;
    if (report->solved == 0) report->total = drawn.total, report->total_error = drawn.total_error;
    return st > 0 ? st : st_drawn;
}

static nrm_status compute(nrm_ctx *ctx, nrm_rows *a, nrm_rows *b, int64_t n, const nrm_lewis_weights_options *o, const outputs_of *to,
                          nrm_lewis_weights_info *info)
{
    nrm_sensitivity_report report = {.total = NAN};
    nrm_lewis_report lewis;

    const nrm_status st = nrm_lewis_weights(ctx, WHO, a, b, n, o->p, o->tol, o->max_iter, to->weights, &lewis);
    if (st < 0) return st;
    nrm_lewis_bracket(n, o->p, to->weights, &lewis, to->lower, to->upper);
    const nrm_status measured = measure(ctx, a, b, n, o, to, &report);
    if (measured < 0) return measured;
    *info = (nrm_lewis_weights_info){.rows = n, .columns = nrm_rows_cols(a) + (b ? nrm_rows_cols(b) : 0), .rank = lewis.rank,
                                     .iterations = lewis.iterations, .error = lewis.error, .sum = lewis.sum, .measured = report.rows,
                                     .open = report.open, .total = report.total, .total_error = report.total_error};
    return st > 0 ? st : measured;
}

/* The outputs are made aside, so that a failure leaves them as they were. */
nrm_status nrm_lewis_weights_rows(nrm_ctx *ctx, nrm_rows *a, nrm_rows *b, int64_t n, double *weights, double *sensitivity, double *lower,
                                  double *upper, nrm_lewis_weights_info *info, const nrm_lewis_weights_options *options)
{
    const double start = nrm_now();
    double *const caller[4] = {weights, sensitivity, lower, upper};
    nrm_lewis_weights_options o;
    nrm_lewis_weights_info found;
    double *aside[4] = {NULL};

    NRM_TRY(nrm_options_load(ctx, &nrm_lewis_weights_method, options, &o));
    NRM_REQUIRE(ctx, a && weights, NRM_E_NULL, WHO ": a and weights must not be NULL");
    NRM_REQUIRE(ctx, n >= 1, NRM_E_SHAPE, WHO ": a has %lld rows; it must have at least one", NRM_LL(n));
    nrm_status st = NRM_OK;
    for (int i = 0; i < 4 && st >= 0; i++)
        if (caller[i]) st = NRM_ALLOC(ctx, aside[i], n, WHO);
    st = nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st);
    if (st >= 0) st = compute(ctx, a, b, n, &o, &(outputs_of){aside[0], aside[1], aside[2], aside[3]}, &found);
    for (int i = 0; i < 4; i++) {
        if (st >= 0 && caller[i]) memcpy(caller[i], aside[i], (size_t)n * sizeof *weights);
        nrm_free(ctx, aside[i]);
    }
    if (st < 0) return st;
    found.seconds = nrm_now() - start;
    if (info) *info = found;
    return st == NRM_NOT_CONVERGED ? nrm_fail(ctx, st, WHO ": the weights are exact to %.3g after %lld rounds, and %lld sensitivities are "
                                              "open; allow more rounds, or a larger tol", found.error, NRM_LL(found.iterations),
                                              NRM_LL(found.open)) : st;
}

/* ---- The method -------------------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    nrm_rows *a = in[0].rows, *b = in[1].kind == NRM_VALUE_NONE ? NULL : in[1].rows;
    double *to[4];
    int64_t n;

    NRM_TRY(nrm_row_pass_count(ctx, WHO, "a", "its rows are read many times: give a file or an array", a, &n, NULL));
    for (int i = 0; i < 4; i++) {
        NRM_TRY(nrm_output_array(ctx, &out[i], NRM_F64, 1, &n));
        to[i] = i == 0 || out[i].wanted ? out[i].array.data : NULL;
    }
    return nrm_lewis_weights_rows(ctx, a, b, n, to[0], to[1], to[2], to[3], info, options);
}

#define ROWS_PORT (NRM_ACCEPT_ARRAY | NRM_ACCEPT_CSR | NRM_ACCEPT_ROWS)
static const nrm_port inputs[] = {
    {.name = "a", .accepts = ROWS_PORT, .dtypes = NRM_FLOATS, .shape = "n,d", .unit = "", .since = "0.2",
     .text = "the rows, dense or sparse; they are read several times, in pieces"},
    {.name = "b", .accepts = ROWS_PORT, .dtypes = NRM_FLOATS, .shape = "n,q", .flags = NRM_PORT_OPTIONAL, .unit = "", .since = "0.2",
     .text = "more columns, such as the right-hand side of a regression"}};
static const nrm_port outputs[] = {
    {.name = "weights", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n", .unit = "", .since = "0.2",
     .text = "the Lewis weights"},
    {.name = "sensitivity", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n", .flags = NRM_PORT_ON_REQUEST,
     .unit = "", .since = "0.2", .text = "the sensitivities; a regression a row"},
    {.name = "lower", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n", .flags = NRM_PORT_ON_REQUEST,
     .unit = "", .since = "0.2", .text = "no sensitivity is below this"},
    {.name = "upper", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n", .flags = NRM_PORT_ON_REQUEST,
     .unit = "", .since = "0.2", .text = "or above this"}};
static const nrm_example examples[] = {
    {"Weights and sensitivities in the sum of magnitudes", "a=[[1,0],[0,1],[1,1],[2,-1]] measure=exact",
     "weights=[0.30823533,0.42922282,0.56235838,0.70018348] sensitivity=[0.25,0.3333333333,0.5,0.6] "
     "lower=[0.25,0.3333333333,0.5,0.6] upper=[0.25,0.3333333333,0.5,0.6] info.rank=2 info.sum=2",
     1e-8},
    {"Leverage scores", "a=[[1,0],[0,1],[1,1],[2,-1]] p=2",
     "weights=[0.1764705882,0.3529411765,0.6470588235,0.8235294118] info.error=0", 1e-9},
    {"Two columns that share no row", "a=[[1],[0],[0]] b=[[0],[3],[4]] p=4", "weights=[1,0.2403560831,0.7596439169]", 1e-9}};

NRM_DESCRIBE(lewis_weights, NRM_LEWIS_WEIGHTS_OPTIONS, NRM_LEWIS_WEIGHTS_INFO);
const nrm_method nrm_lewis_weights_method = {
    .name = WHO,
    .summary = "how much each row of a tall matrix can matter in the p-norm: leverage, Lewis weights, sensitivities",
    .details =
        "A row matters as far as some x makes it a large part of the p-norm of a x: its sensitivity. Sampling rows by it, or by "
        "Lewis weights, which cost a few readings of the rows, keeps that norm for every x at once; uniform sampling may lose "
        "the only row that holds a direction.\n\n"
        "With p = 2 all are the leverage scores. For other p weights enclose sensitivities within a power of the rank: lower and "
        "upper are that bracket, or with measure exact the primal and dual values of a regression for each row. With b the rows "
        "are those of a and b side by side, which is what sampling for a regression wants.\n\n"
        "Whatever the condition of a, the work is done in coordinates in which it is close to 1; columns that others make up "
        "count once, as rank says, and columns may be in any units.\n\n"
        "error bounds how far the weights are from their equation. The numbers do not depend on the number of threads; among "
        "ranks they agree to rounding.",
    .paper = "D. P. Woodruff, T. Yasuda, Sharper Bounds for l_p Sensitivity Sampling, ICML 2023, arXiv 2306.00732; M. B. Cohen, "
             "R. Peng, l_p Row Sampling by Lewis Weights, STOC 2015, arXiv 1412.0588",
    .paper_number = 24,
    .domain = "regression",
    .since = "0.2",
    NRM_DESCRIBED(lewis_weights),
    .run = run,
    .ranks = true};
