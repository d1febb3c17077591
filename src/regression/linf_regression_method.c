/* linf_regression_method.c -- linf-regression described. */
#include "linf.h"
#include "method/descriptor.h"
#include <norma/comm.h>

enum { A, B, S, A2, B2 = A2 + NRM_LINF_FACTORS - 1 }; /* inputs */
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

/* Stream `in` read whole, as the first factor. */
static nrm_status first_factor(nrm_ctx *ctx, const nrm_value *in, double **memory, nrm_linf_regression_factor *factor)
{
    const int64_t columns = nrm_rows_cols(in->rows);
    int64_t rows;
    NRM_TRY(nrm_linf_read_rows(ctx, in->name, in->rows, memory, &rows));
    *factor = (nrm_linf_regression_factor){*memory, rows, columns, columns};
    return NRM_OK;
}

/* Where a2 is given, a is the first Kronecker factor, and b where b2 is. */
static nrm_status take_factors(nrm_ctx *ctx, const nrm_value *in, nrm_linf_regression_problem *p, double *memory[2])
{
    const bool of_b = in[B2].kind == NRM_VALUE_ARRAY;

    for (int f = 0; f < NRM_LINF_FACTORS - 1; f++) {
        const nrm_value *a = &in[A2 + f], *b = &in[B2 + f];
        const nrm_array *at[2] = {&a->array, &b->array};
        if (a->kind == NRM_VALUE_ARRAY) p->factors = f + 2;
        NRM_REQUIRE(ctx, (b->kind != NRM_VALUE_ARRAY || a->kind == NRM_VALUE_ARRAY) && (a->kind != NRM_VALUE_ARRAY || p->factors == f + 2) &&
                    (!of_b || a->kind == b->kind), NRM_E_ARGUMENT, NRM_LINF ": factor %d of a or b is given without the others that "
                    "belong to it", f + 2);
        if (a->kind == NRM_VALUE_ARRAY)
            p->a_factors[f + 1] = (nrm_linf_regression_factor){at[0]->data, at[0]->shape[0], at[0]->shape[1], at[0]->shape[1]};
        const int64_t columns = of_b && at[1]->ndim == 2 ? at[1]->shape[1] : 1;
        if (b->kind == NRM_VALUE_ARRAY)
            p->b_factors[f + 1] = (nrm_linf_regression_factor){at[1]->data, at[1]->shape[0], columns, columns};
    }
    if (p->factors == 0) return NRM_OK;
    NRM_TRY(first_factor(ctx, &in[A], &memory[0], &p->a_factors[0]));
    p->a = NULL;
    if (!of_b) return NRM_OK;
    p->b = NULL;
    return first_factor(ctx, &in[B], &memory[1], &p->b_factors[0]);
}

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    nrm_linf_regression_problem problem = {.size = sizeof problem, .a = in[A].rows, .b = in[B].rows};
    nrm_linf_solution s = {0};
    nrm_linf_plan plan = {0};
    double *memory[2] = {NULL, NULL};
    nrm_status st;

    if (in[S].kind == NRM_VALUE_ARRAY) {
        problem.s = in[S].array.data;
        problem.s_rows = in[S].array.shape[0];
        problem.s_columns = problem.lds = in[S].array.shape[1];
    }
    st = take_factors(ctx, in, &problem, memory);
    NRM_TRY_DONE(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    const nrm_status found = st = nrm_linf_run(ctx, &problem, options, &plan, &s, info);
    if (st < 0) goto done;
    NRM_TRY_DONE(make_outputs(ctx, &plan, out));
    const double *from[] = {s.x, s.bars, s.se, s.bounds};
    for (int i = X; i <= BOUNDS; i++)
        if (out[i].wanted) memcpy(out[i].array.data, from[i], (size_t)(plan.d * plan.q) * sizeof(double));
    nrm_linf_copy_sketch(&plan, &s, out[SA].wanted ? out[SA].array.data : NULL, out[SB].wanted ? out[SB].array.data : NULL);
    st = found;
done:
    nrm_linf_plan_end(ctx, &plan);
    nrm_linf_solution_free(ctx, &s);
    nrm_free(ctx, memory[0]);
    nrm_free(ctx, memory[1]);
    return st;
}

#define ROWS (NRM_ACCEPT_ARRAY | NRM_ACCEPT_CSR | NRM_ACCEPT_ROWS)
static const nrm_port inputs[] = {
    {.name = "a", .accepts = ROWS, .dtypes = NRM_FLOATS, .shape = "n,d", .unit = "", .since = "0.2",
     .text = "the rows of the matrix, dense or sparse, n >= d; a stream of any length is read once"},
    {.name = "b", .accepts = ROWS, .dtypes = NRM_FLOATS, .shape = "r,q", .unit = "", .since = "0.2",
     .text = "the right-hand sides, row by row, as many rows as a; a vector is one of them"},
    {.name = "s", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "m,r", .flags = NRM_PORT_OPTIONAL,
     .unit = "", .since = "0.2", .text = "the compressing matrix, for the sketch user"},
#define FACTOR .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .flags = NRM_PORT_OPTIONAL, .unit = "", .since = "0.2"
    {.name = "a2", FACTOR, .shape = "n2,d2",
     .text = "second Kronecker factor of the matrix, a being the first: row i n2 + j is row i of a times row j of a2"},
    {.name = "a3", FACTOR, .shape = "n3,d3", .text = "third Kronecker factor"},
    {.name = "b2", FACTOR, .shape = "n2|n2,q2", .text = "with a2: second Kronecker factor of b, b being the first; without it b has all rows"},
    {.name = "b3", FACTOR, .shape = "n3|n3,q3", .text = "third Kronecker factor of b"}};
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
     "x=[2,3] info.rows=4 info.residual=0", 1e-10},
    {"A Kronecker product, by its factors", "a=[[1,0],[1,1],[1,2]] a2=[[1],[2]] b=[1,3,5] b2=[1,2] sketch=tensor-srht",
     "x=[1,2] info.total_rows=6 info.exact=1", 1e-12}};

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
        "A matrix that is a Kronecker product can be given by its factors; the tensor sketches never form it.\n\n"
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
