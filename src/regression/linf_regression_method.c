/* linf_regression_method.c -- linf-regression described. */
#include "linf.h"
#include "method/descriptor.h"

enum { A, B, S };
enum { X, ERROR_BARS, STANDARD_ERRORS, BOUNDS, SA, SB, OUTPUTS };

static nrm_status make_outputs(nrm_ctx *ctx, const nrm_linf_plan *plan, nrm_value *out)
{
    const int64_t of_x[2] = {plan->d, plan->q};
    const int64_t m = nrm_linf_sketch_rows(plan), of_sa[2] = {m, plan->d}, of_sb[2] = {m, plan->q};
    const int ndim = plan->q == 1 ? 1 : 2;

    for (int i = X; i <= BOUNDS; i++) NRM_TRY(nrm_output_array(ctx, &out[i], NRM_F64, ndim, of_x));
    NRM_TRY(nrm_output_array(ctx, &out[SA], NRM_F64, 2, of_sa));
    return nrm_output_array(ctx, &out[SB], NRM_F64, ndim, of_sb);
}

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    nrm_linf_regression_problem problem = {.size = sizeof problem, .a = in[A].rows, .b = in[B].rows};
    nrm_linf_solution s = {0};
    nrm_linf_plan plan;
    nrm_status st;

    if (in[S].kind == NRM_VALUE_ARRAY) {
        problem.s = in[S].array.data;
        problem.s_rows = in[S].array.shape[0];
        problem.s_columns = problem.lds = in[S].array.shape[1];
    }
    const nrm_status found = st = nrm_linf_run(ctx, &problem, options, &plan, &s, info);
    if (st < 0) goto done;
    NRM_TRY_DONE(make_outputs(ctx, &plan, out));
    const double *from[] = {s.x, s.bars, s.se, s.bounds};
    for (int i = X; i <= BOUNDS; i++)
        if (out[i].wanted) memcpy(out[i].array.data, from[i], (size_t)(plan.d * plan.q) * sizeof(double));
    nrm_linf_copy_sketch(&plan, &s, out[SA].wanted ? out[SA].array.data : NULL, out[SB].wanted ? out[SB].array.data : NULL);
    st = found;
done:
    nrm_linf_solution_free(ctx, &s);
    return st;
}

#define ROWS (NRM_ACCEPT_ARRAY | NRM_ACCEPT_CSR | NRM_ACCEPT_ROWS)
static const nrm_port inputs[] = {
    {.name = "a", .accepts = ROWS, .dtypes = NRM_FLOATS, .shape = "n,d", .unit = "", .since = "0.2",
     .text = "the rows of the matrix, dense or sparse, n >= d; a stream of any length is read once"},
    {.name = "b", .accepts = ROWS, .dtypes = NRM_FLOATS, .shape = "n,q", .unit = "", .since = "0.2",
     .text = "the right-hand sides, row by row; a vector is one of them"},
    {.name = "s", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "m,n", .flags = NRM_PORT_OPTIONAL,
     .unit = "", .since = "0.2", .text = "the compressing matrix, for the sketch user"}};
#define OF_X .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "d|d,q", .since = "0.2"
static const nrm_port outputs[] = {
    {.name = "x", OF_X, .unit = "b/a", .text = "the solution, a column for each right-hand side"},
    {.name = "error_bars", OF_X, .flags = NRM_PORT_ON_REQUEST, .unit = "b/a",
     .text = "half-widths of intervals about x that hold the exact solution, all together with probability confidence"},
    {.name = "standard_errors", OF_X, .flags = NRM_PORT_ON_REQUEST, .unit = "b/a",
     .text = "of each coordinate of x as an estimate of the exact solution; NaN where x was refined"},
    {.name = "bounds", OF_X, .flags = NRM_PORT_ON_REQUEST, .unit = "b/a",
     .text = "the bound of each coordinate: all alike unless equilibrate"},
    {.name = "sa", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "m,d", .flags = NRM_PORT_ON_REQUEST,
     .unit = "a", .since = "0.2", .text = "the compressed matrix S a; where exact, d + q rows with the same least-squares problem"},
    {.name = "sb", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "m|m,q", .flags = NRM_PORT_ON_REQUEST,
     .unit = "b", .since = "0.2", .text = "S b, of the same S"}};

static const nrm_example examples[] = {
    {"Four rows need no compression", "a=[[1,2],[0,1],[1,-1],[3,1]] b=[1,2,3,5]",
     "x=[1.7868852459016393,-0.16393442622950818] info.exact=1 info.error=0 info.total_rows=4", 1e-12},
    {"A compression of one's own", "a=[[1,2],[0,1],[1,-1],[3,1]] b=[1,2,3,5] s=[[1,-1,1,-1],[1,-1,-1,1],[1,1,-1,-1]] sketch=user",
     "x=[1.1333333333333333,-0.5333333333333333] info.rows=3", 1e-12},
    {"Consistent equations are solved exactly by any compression",
     "a=[[1,0],[1,1],[1,2],[1,3],[1,4],[1,5],[1,6],[1,7]] b=[2,5,8,11,14,17,20,23] rows=4 sketch=gaussian",
     "x=[2,3] info.rows=4 info.residual=0", 1e-10}};

NRM_DESCRIBE(linf_regression, NRM_LINF_REGRESSION_OPTIONS, NRM_LINF_REGRESSION_INFO);
const nrm_method nrm_linf_regression_method = {
    .name = NRM_LINF,
    .summary = "least squares of tall data from one pass, with error bars for every coordinate",
    .details =
        "Multiplies a and b by one random matrix S of a few rows and solves the small least-squares problem that is left. A dense S "
        "spreads the error evenly: no coordinate of x is singled out, and bound says how far any can be off. Sparse sketches, "
        "countsketch and osnap, are faster and lack that: on some data they spoil a single coordinate.\n\n"
        "rows sets the size of S, or eps and delta do through a rule. Where that many rows are no fewer than those of a, the exact "
        "solution is computed, in one pass too. The paper's rule mostly asks for more rows than there are; sharp is what the "
        "law of the Gaussian sketch gives.\n\n"
        "error_bars come from the compressed residual. With gaussian they are exact: the intervals hold the exact solution with probability "
        "confidence. With srht, srct and bgp they are observed to be as good, with sparse sketches they are not to be relied on. "
        "refine goes on from there to the exact solution, a pass a step, and measures what is left; the error bars then are bounds "
        "from that.\n\n"
        "What to rely on: S is a function of the seed, the same however a is stored, cut or shared out; x, where a has a dependent "
        "or zero column, is refused by name and not made up; the memory does not grow with the number of rows.",
    .paper = "Z. Song, M. Ye, J. Yin, L. Zhang, A Nearly-Optimal Bound for Fast Regression with l-infinity Guarantee, ICML 2023, "
             "arXiv 2302.00248",
    .paper_number = 6,
    .domain = "regression",
    .since = "0.2",
    NRM_DESCRIBED(linf_regression),
    .run = run,
    .ranks = true};
