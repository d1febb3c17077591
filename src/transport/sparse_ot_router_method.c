/* sparse_ot_router_method.c -- the descriptor of sparse-ot-router and its untyped door. */
#include "method/descriptor.h"
#include "ot.h"

static const nrm_port inputs[] = {
    {.name = "logits", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "tokens,experts",
     .unit = "", .since = "0.1", .text = "score of each token for each expert, before the softmax"},
};
static const nrm_port outputs[] = {
    {.name = "combine", .accepts = NRM_ACCEPT_CSR, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "tokens,experts",
     .unit = "", .since = "0.1", .text = "weight of each chosen (token, expert) pair; no entry elsewhere"},
    {.name = "softmax", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .shape = "tokens,experts",
     .flags = NRM_PORT_OPTIONAL, .unit = "", .since = "0.1",
     .text = "softmax of the logits of each token, which the backward pass needs"},
};
static const nrm_example examples[] = {
    {"All prefer the first expert: the four tokens that want it most have it",
     "logits=[[7,0],[6,0],[5,0],[4,0],[3,0],[2,0],[1,0],[0,0]]",
     "combine=[[0.999089,0],[0.997527,0],[0.993307,0],[0.982014,0],[0,0.047426],[0,0.119203],[0,0.268941],[0,0.5]] "
     "info.k=4 info.max_load=4 info.min_load=4 info.unassigned=0",
     1e-6},
    {"Each token takes one expert", "logits=[[2,0],[0,2],[1,0],[0,1]] kind=tokens-choose k=1",
     "combine=[[0.880797,0],[0,0.880797],[0.731059,0],[0,0.731059]] info.assigned=4 info.residual=0",
     1e-6},
    {"The plan as weights: two experts that are liked alike share a token",
     "logits=[[1,1,0],[1,1,0],[0,0,2]] kind=tokens-choose k=2 gamma=0.1 softmax_weights=false",
     "combine=[[0.5,0.5,0],[0.5,0.5,0],[0,0,1]] info.residual=0", 1e-12},
};

NRM_DESCRIBE(sparse_ot_router, NRM_SPARSE_OT_ROUTER_OPTIONS, NRM_SPARSE_OT_ROUTER_INFO);

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_array *logits = &in[0].array;
    nrm_csr combine = {0};

    NRM_TRY(nrm_output_csr_check(ctx, &out[0], NRM_F64, logits->shape[0], logits->shape[1]));
    NRM_TRY(nrm_output_array(ctx, &out[1], NRM_F64, 2, logits->shape));
    double *softmax = out[1].wanted ? out[1].array.data : NULL;
    const nrm_status st = nrm_sparse_ot_router(ctx, logits->shape[0], logits->shape[1], logits->data, &combine,
                                               softmax, info, options);
    if (st < 0) return st;
    nrm_output_csr(ctx, &out[0], &combine);
    return st;
}

const nrm_method nrm_sparse_ot_router_method = {
    .name = "sparse-ot-router",
    .summary = "tokens to experts by sparse transport: no expert above its capacity, or at most k experts a token",
    .details =
        "The softmax S of the logits says how well each expert suits each token. Every token carries mass 1, every "
        "expert takes tokens/experts, and the plan of transport with cost -S and weight gamma of the quadratic term "
        "is found by a fixed number of steps of Adam on the semi-dual, from 0.\n\n"
        "experts-choose limits each expert to its capacity: tokens/experts times capacity_factor, rounded up, then "
        "up to a multiple of 4, at most all tokens. A token may then have several experts or none. tokens-choose "
        "limits each token to k experts; then every token has one, and loads are balanced as far as the steps went: "
        "residual says how far.\n\n"
        "The weights are softmax entries at the chosen places, so a gradient flows through the softmax while the "
        "places count as constant. Without softmax_weights they are the entries of the plan, in tokens.\n\n"
        "The limits hold by construction, whatever the number of steps; ties go to the lowest index.",
    .paper = "T. Liu, J. Puigcerver, M. Blondel, Sparsity-Constrained Optimal Transport, ICLR 2023",
    .paper_number = 11,
    .domain = "transport",
    .since = "0.1",
    NRM_DESCRIBED(sparse_ot_router),
    .run = run,
};
