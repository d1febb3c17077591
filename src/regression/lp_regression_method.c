/* lp_regression_method.c -- the method lp-regression: its untyped door and its descriptor.  The
 * work: lp_regression.c. */
#include "lp_job.h"

static nrm_status give(nrm_ctx *ctx, nrm_value *out, int64_t count, const double *values)
{
    if (!out->wanted) return NRM_OK;
    NRM_TRY(nrm_output_array(ctx, out, NRM_F64, 1, &count));
    memcpy(out->array.data, values, (size_t)count * sizeof *values);
    return NRM_OK;
}

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    enum { X, RESIDUAL, DUAL };
    const bool weighted = in[2].kind == NRM_VALUE_ARRAY;
    const nrm_lp_regression_input input = {.a = in[0].rows, .b = in[1].rows, .weights = weighted ? in[2].array.data : NULL,
                                           .length = weighted ? in[2].array.shape[0] : 0};
    nrm_lp_regression_result made = {0};
    unsigned want = 0;

    if (out[RESIDUAL].wanted) want |= NRM_LP_REGRESSION_RESIDUAL;
    if (out[DUAL].wanted) want |= NRM_LP_REGRESSION_DUAL;
    const nrm_status st = nrm_lp_regression(ctx, &input, want, &made, info, options);
    nrm_status given = st;
    if (given >= 0) given = give(ctx, &out[X], made.d, made.x);
    if (given >= 0) given = give(ctx, &out[RESIDUAL], made.n, made.residual);
    if (given >= 0) given = give(ctx, &out[DUAL], made.n, made.dual);
    nrm_lp_regression_release(ctx, &made);
    return given < 0 ? given : st;
}

#define ARRAY_OF(dtype) .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(dtype), .since = "0.2"
static const nrm_port inputs[] = {
    {.name = "a", .accepts = NRM_ACCEPT_ARRAY | NRM_ACCEPT_CSR | NRM_ACCEPT_ROWS, .dtypes = NRM_FLOATS, .shape = "n,d", .unit = "",
     .since = "0.2", .text = "the rows, dense or sparse, at least as many as columns"},
    {.name = "b", .accepts = NRM_ACCEPT_ARRAY | NRM_ACCEPT_CSR | NRM_ACCEPT_ROWS, .dtypes = NRM_FLOATS, .shape = "n|n,1", .unit = "b",
     .since = "0.2", .text = "the right side, a number for every row"},
    {.name = "weights", ARRAY_OF(NRM_F64), .shape = "n", .flags = NRM_PORT_OPTIONAL, .unit = "",
     .text = "what each row counts in the sum of |.|^p, > 0; 1 where there are none"}};
static const nrm_port outputs[] = {
    {.name = "x", ARRAY_OF(NRM_F64), .shape = "d", .unit = "b / a", .text = "the coefficients"},
    {.name = "residual", ARRAY_OF(NRM_F64), .shape = "n", .flags = NRM_PORT_ON_REQUEST, .unit = "b", .text = "a x - b"},
    {.name = "dual", ARRAY_OF(NRM_F64), .shape = "n", .flags = NRM_PORT_ON_REQUEST, .unit = "",
     .text = "the proof: y with a'y = 0, q-norm at most 1 (1/p + 1/q = 1) and b'y = lower"}};
static const nrm_example examples[] = {
    {"Least absolute deviations: two rows are met exactly", "a=[[1,0],[0,1],[1,1],[2,-1]] b=[1,2,2,1]",
     "x=[1,1] residual=[0,-1,0,0] info.objective=1 info.lower=1 info.rank=2", 1e-12},
    {"The same with p = 3", "a=[[1,0],[0,1],[1,1],[2,-1]] b=[1,2,2,1] p=3",
     "x=[1.0453194159,1.4241398440] info.objective=0.331614920174 info.gap=0", 1e-8},
    {"Weights, and an outlier that does not matter", "a=[[1],[1],[1],[1]] b=[3,4,4.5,1000] weights=[1,2,1,1]",
     "x=[4] info.objective=997.5", 1e-12}};

NRM_DESCRIBE(lp_regression, NRM_LP_REGRESSION_OPTIONS, NRM_LP_REGRESSION_INFO);
const nrm_method nrm_lp_regression_method = {
    .name = NRM_LP_REGRESSION,
    .summary = "the x whose residual has the least p-norm, with a proof of how near it is",
    .details =
        "Finds the x that makes the sum of |a x - b|^p least: p = 1 is least absolute deviations, which outliers do not move, "
        "p = 2 least squares, and a large p makes the largest residual small. Zero columns and columns that others make up are named "
        "in a warning, and x is then the shortest.\n\n"
        "Rows that fit in memory are solved as they are: p = 1 exactly, by an interior-point method that ends in a vertex; other p by "
        "Newton's method. More rows are sampled: a coreset of a and b is solved, the solution is measured on all rows, and refine "
        "rounds of Newton's method on all rows take it further. Memory then does not grow with the rows.\n\n"
        "norm is measured on all rows, and lower is proved: no x has a smaller norm. gap and excess say what that leaves open, and "
        "dual is the proof itself. Without refinement a coreset proves nothing about the rows that were not drawn, and lower is not a "
        "number.",
    .paper = "D. P. Woodruff, T. Yasuda, Sharper Bounds for l_p Sensitivity Sampling, ICML 2023, arXiv 2306.00732",
    .paper_number = 24,
    .domain = "regression",
    .since = "0.2",
    NRM_DESCRIBED(lp_regression),
    .run = run,
    .ranks = true};
