/* sparse_ot_method.c -- the descriptor of sparse-ot and its untyped door. */
#include "method/descriptor.h"
#include "ot.h"

static const nrm_port inputs[] = {
    {.name = "a", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "m", .unit = "mass",
     .since = "0.1", .text = "masses of the rows, >= 0; rows of mass 0 are left out"},
    {.name = "b", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n", .unit = "mass",
     .since = "0.1", .text = "masses of the columns, >= 0, with the same total"},
    {.name = "cost", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_FLOATS, .shape = "m,n", .unit = "cost",
     .since = "0.1", .text = "cost of moving a unit of mass; single precision is kept so in memory"},
};
static const nrm_port outputs[] = {
    {.name = "plan", .accepts = NRM_ACCEPT_CSR, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "m,n", .unit = "mass",
     .since = "0.1", .text = "the transport plan, at most k non-zeros in each column"},
    {.name = "alpha", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "m",
     .flags = NRM_PORT_OPTIONAL, .unit = "cost", .since = "0.1",
     .text = "potentials of the rows, mean zero: the derivative of the value by a, up to a constant"},
    {.name = "beta", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "n",
     .flags = NRM_PORT_OPTIONAL, .unit = "cost", .since = "0.1",
     .text = "potentials of the columns: the derivative of the value by b"},
    {.name = "relaxed_plan", .accepts = NRM_ACCEPT_CSR, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "m,n",
     .flags = NRM_PORT_ON_REQUEST, .unit = "mass", .since = "0.1",
     .text = "plan of the convex relaxation: right marginals, possibly more than k non-zeros in a column"},
};
static const nrm_example examples[] = {
    {"Four sources, two targets, no limit that binds",
     "a=[0.4,0.3,0.2,0.1] b=[0.6,0.4] cost=[[0,1],[1,0],[0.5,0.6],[0.2,0.9]] k=3",
     "plan=[[0.4,0],[0,0.3],[0.1,0.1],[0.1,0]] info.value=0.27 info.primal=0.27 info.gap=0 info.max_nnz=3", 1e-5},
    {"One source for each target: with equal masses, an assignment",
     "a=[1,1,1] b=[1,1,1] cost=[[4,1,3],[2,0,5],[3,2,2]] k=1",
     "plan=[[0,1,0],[1,0,0],[0,0,1]] info.value=6.5 info.primal_cost=5 info.gap=0", 1e-5},
    {"At most one target for each source",
     "a=[0.5,0.2,0.3] b=[0.7,0.3] cost=[[0,1],[1,0.5],[0.8,0.1]] k=1 axis=row gamma=0.1",
     "plan=[[0.5,0],[0.2,0],[0,0.3]] info.primal_cost=0.23 info.max_nnz=1", 1e-6},
};

NRM_DESCRIBE(sparse_ot, NRM_SPARSE_OT_OPTIONS, NRM_SPARSE_OT_INFO);

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_array *cost = &in[2].array;
    const int64_t m = cost->shape[0], n = cost->shape[1];
    const double *a = in[0].array.data, *b = in[1].array.data;
    nrm_csr plan = {0}, relaxed = {0};

    NRM_TRY(nrm_output_csr_check(ctx, &out[0], NRM_F64, m, n));
    NRM_TRY(nrm_output_csr_check(ctx, &out[3], NRM_F64, m, n));
    NRM_TRY(nrm_output_array(ctx, &out[1], NRM_F64, 1, &m));
    NRM_TRY(nrm_output_array(ctx, &out[2], NRM_F64, 1, &n));
    nrm_csr *plan_place = out[0].wanted ? &plan : NULL, *relaxed_place = out[3].wanted ? &relaxed : NULL;
    double *alpha = out[1].wanted ? out[1].array.data : NULL, *beta = out[2].wanted ? out[2].array.data : NULL;
    const nrm_status st =
        cost->dtype == NRM_F32
            ? nrm_sparse_ot_f32(ctx, m, n, a, b, cost->data, plan_place, alpha, beta, relaxed_place, info, options)
            : nrm_sparse_ot(ctx, m, n, a, b, cost->data, plan_place, alpha, beta, relaxed_place, info, options);
    if (st < 0) return st;
    if (plan_place) nrm_output_csr(ctx, &out[0], &plan);
    if (relaxed_place) nrm_output_csr(ctx, &out[3], &relaxed);
    return st;
}

const nrm_method nrm_sparse_ot_method = {
    .name = "sparse-ot",
    .summary = "optimal transport with at most k non-zeros in each column of the plan",
    .details =
        "Moves the masses a to the masses b at least cost <T, C> + (gamma/2)|T|^2, with at most k sources for each "
        "target (axis row: at most k targets for each source). Small k gives plans close to exact transport, k = m "
        "gives transport with a quadratic penalty; k between them keeps the plan sparse and the problem easy.\n\n"
        "The problem is not convex. Its concave dual is maximised; the value is a lower bound on the cost of every "
        "k-sparse plan, and gap says how far the plan returned can be from the best. Where the dual's maximiser "
        "leaves ties, often for small k, the plan read off it misses some row sums; polishing then solves again on "
        "the support that was found. If no feasible plan is found there, the status is relaxed and the residuals "
        "say by how much the marginals are missed.\n\n"
        "Rows and columns without mass are left out. Totals that differ by less than 1e-6 are made equal by scaling "
        "b. A similarity S is handled as the cost -S.",
    .paper = "T. Liu, J. Puigcerver, M. Blondel, Sparsity-Constrained Optimal Transport, ICLR 2023",
    .paper_number = 11,
    .domain = "transport",
    .since = "0.1",
    NRM_DESCRIBED(sparse_ot),
    .run = run,
};
