/* op_softmax.c -- rows of the last axis: softmax, its logarithm, the cross-entropy loss.
 *
 *     y = softmax(x):       x: y (u - sum u y)
 *     l = log softmax(x):   x: u - exp(l) sum u
 *     L = -log softmax(x)_target:   x: S = u (softmax(x) - onehot), a node of its own:
 *         u: sum v (softmax(x) - onehot),   x: u y (v - sum v y)
 *
 * A row is one pass of the kernels (kernel/softmax_row.h), rows run in parallel; loss and
 * slope do the exponentials once each.  NaN or +inf make a row NaN, a row of -inf is 0. */
#include "graph.h"
#include "kernel/softmax_row.h"

enum { BLOCK = 4096 }; /* elements that one thread takes at a time, in whole rows */

static const int last_axis[1] = {-1};

static nrm_node row_sum(nrm_node x) { return nrm_op_sum(x, 1, last_axis, true); }

/* How the rows of x are divided: `each` in one piece, so that causal rows, which grow, are shared evenly. */
typedef struct row_blocks { int64_t rows, columns, each, count; } row_blocks;

static row_blocks blocks_of(const nrm_op_node *x)
{
    row_blocks b = {.columns = x->shape[x->ndim - 1], .rows = 1};
    for (int i = 0; i < x->ndim - 1; i++) b.rows *= x->shape[i];
    b.each = nrm_max_i64(1, BLOCK / nrm_max_i64(1, b.columns));
    b.count = (b.rows + b.each - 1) / b.each;
    return b;
}

#define NRM_PASTE_(a, b) a##b
#define NRM_PASTE(a, b) NRM_PASTE_(a, b)
#define REAL float
#define T(name) NRM_PASTE(name, _f32)
#include "op_softmax_typed.h"
#undef REAL
#undef T
#define REAL double
#define T(name) NRM_PASTE(name, _f64)
#include "op_softmax_typed.h"

/* An exponential and a division are counted as one operation each, as elsewhere. */
static double flops_rows(const nrm_op_run *r) { return 3 * (double)nrm_elements(r->inputs[0]); }

/* ---- Softmax: attributes[0] causal; value: the scale ---------------------------------------------- */

static nrm_status run_softmax(const nrm_op_run *r)
{
    if (r->node->dtype == NRM_F32) softmax_f32(r);
    else softmax_f64(r);
    return NRM_OK;
}

static nrm_node softmax_slope(nrm_node y, nrm_node u) /* y (u - sum u y) */
{
    return nrm_op_mul(y, nrm_op_sub(u, row_sum(nrm_op_mul(u, y))));
}

static void vjp_softmax(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    (void)wanted;
    gradients[0] = nrm_op_scale(softmax_slope(nrm_self(g, node), u), g->nodes[node]->value);
}
const nrm_op_type nrm_op_type_softmax = {.name = "softmax", .vjp = vjp_softmax, .run = run_softmax, .flops = flops_rows};

static nrm_node emit_rows(nrm_op op, const char *who, nrm_node x, bool causal, double scale)
{
    nrm_graph *g = nrm_common_graph(who, 1, &x);
    if (!g || !nrm_want_float(who, x) || !nrm_want_ndim(who, x, causal ? 2 : 1, NRM_GRAPH_MAX_NDIM)) return nrm_lost(x);
    const nrm_op_node *n = nrm_at(x);
    char text[NRM_NODE_TEXT];
    if (causal && n->shape[n->ndim - 1] != n->shape[n->ndim - 2])
        return nrm_graph_refuse(g, NRM_E_SHAPE, "%s: shape %s; the last two axes must be equal: row i sees columns 0 to i", who, nrm_node_text(text, x));
    if (!isfinite(scale)) return nrm_graph_refuse(g, NRM_E_RANGE, "%s: scale is %g; it must be finite", who, scale);
    nrm_op_node node = nrm_new_node(op, n->dtype, n->ndim, n->shape);
    node.attributes[0] = causal;
    node.value = scale;
    return nrm_emit(g, node, 1, &x);
}

nrm_node nrm_op_softmax(nrm_node x) { return emit_rows(NRM_OP_softmax, "softmax", x, false, 1); }
nrm_node nrm_op_softmax_causal(nrm_node x, double scale) { return emit_rows(NRM_OP_softmax, "softmax_causal", x, true, scale); }

/* ---- Its logarithm --------------------------------------------------------------------------------- */

static nrm_status run_log_softmax(const nrm_op_run *r)
{
    if (r->node->dtype == NRM_F32) log_softmax_f32(r);
    else log_softmax_f64(r);
    return NRM_OK;
}

static void vjp_log_softmax(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    (void)wanted;
    gradients[0] = nrm_op_sub(u, nrm_op_mul(nrm_op_exp(nrm_self(g, node)), row_sum(u)));
}
const nrm_op_type nrm_op_type_log_softmax = {.name = "log_softmax", .vjp = vjp_log_softmax, .run = run_log_softmax, .flops = flops_rows};

nrm_node nrm_op_log_softmax(nrm_node x) { return emit_rows(NRM_OP_log_softmax, "log_softmax", x, false, 1); }

/* ---- Cross-entropy: inputs x, target --------------------------------------------------------------------- */

static nrm_status check_targets(const nrm_op_run *r)
{
    const int64_t rows = nrm_elements(r->inputs[1]), classes = r->inputs[0]->shape[r->inputs[0]->ndim - 1];
    const int64_t *target = r->in[1];
    for (int64_t i = 0; i < rows; i++)
        NRM_REQUIRE(r->ctx, target[i] < classes, NRM_E_RANGE, "cross_entropy: the target of row %lld is %lld; it must be below "
                    "the %lld classes (negative: row ignored)", NRM_LL(i), NRM_LL(target[i]), NRM_LL(classes));
    return NRM_OK;
}

static nrm_status run_cross_entropy(const nrm_op_run *r)
{
    NRM_TRY(check_targets(r));
    if (r->node->dtype == NRM_F32) cross_entropy_f32(r);
    else cross_entropy_f64(r);
    return NRM_OK;
}

static nrm_status run_cross_entropy_slope(const nrm_op_run *r)
{
    NRM_TRY(check_targets(r));
    if (r->node->dtype == NRM_F32) cross_entropy_slope_f32(r);
    else cross_entropy_slope_f64(r);
    return NRM_OK;
}

/* u (softmax(x) - onehot), u and target of x's leading axes */
static nrm_node cross_entropy_slope(nrm_node x, nrm_node target, nrm_node u)
{
    const nrm_node all[3] = {x, target, u};
    nrm_graph *g = nrm_common_graph("cross_entropy", 3, all);
    if (!g) return nrm_lost(x);
    return nrm_emit(g, nrm_new_node(NRM_OP_cross_entropy_slope, nrm_at(x)->dtype, nrm_at(x)->ndim, nrm_at(x)->shape), 3, all);
}

static void vjp_cross_entropy(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    if (wanted[0]) gradients[0] = cross_entropy_slope(nrm_input(g, node, 0), nrm_input(g, node, 1), u);
}

static void vjp_cross_entropy_slope(nrm_graph *g, int32_t node, nrm_node v, const bool *wanted, nrm_node *gradients)
{
    const nrm_node x = nrm_input(g, node, 0), target = nrm_input(g, node, 1), u = nrm_input(g, node, 2);
    if (wanted[2]) {
        const nrm_node slope = cross_entropy_slope(x, target, nrm_like(u, 1));
        gradients[2] = nrm_op_sum(nrm_op_mul(v, slope), 1, last_axis, false);
    }
    if (!wanted[0]) return;
    /* Rows that are ignored have no second derivative either. */
    const nrm_node ignored = nrm_op_less(nrm_op_cast(target, nrm_at(u)->dtype), nrm_like(u, 0));
    const nrm_node weight = nrm_op_where(ignored, nrm_like(u, 0), u);
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    for (int i = 0; i < nrm_at(u)->ndim; i++) shape[i] = nrm_at(u)->shape[i];
    shape[nrm_at(u)->ndim] = 1;
    gradients[0] = nrm_op_mul(nrm_op_reshape(weight, nrm_at(x)->ndim, shape), softmax_slope(nrm_op_softmax(x), v));
}

const nrm_op_type nrm_op_type_cross_entropy = {.name = "cross_entropy", .vjp = vjp_cross_entropy, .run = run_cross_entropy, .flops = flops_rows};
const nrm_op_type nrm_op_type_cross_entropy_slope = {.name = "cross_entropy_slope", .vjp = vjp_cross_entropy_slope,
                                                     .run = run_cross_entropy_slope, .flops = flops_rows};

nrm_node nrm_op_cross_entropy(nrm_node x, nrm_node target)
{
    const nrm_node both[2] = {x, target};
    char tx[NRM_NODE_TEXT], tt[NRM_NODE_TEXT];
    nrm_graph *g = nrm_common_graph("cross_entropy", 2, both);
    if (!g || !nrm_want_float("cross_entropy", x) || !nrm_want_index("cross_entropy", target) ||
        !nrm_want_ndim("cross_entropy", x, 1, NRM_GRAPH_MAX_NDIM)) return nrm_lost(x);
    const nrm_op_node *n = nrm_at(x), *t = nrm_at(target);
    if (!nrm_same_dims(n->ndim - 1, n->shape, t->ndim, t->shape))
        return nrm_graph_refuse(g, NRM_E_SHAPE, "cross_entropy: x has shape %s and the targets %s; targets must have x's shape without "
                                "the last axis, the classes", nrm_node_text(tx, x), nrm_node_text(tt, target));
    return nrm_emit(g, nrm_new_node(NRM_OP_cross_entropy, n->dtype, n->ndim - 1, n->shape), 2, both);
}

/* ---- Rows of length one ------------------------------------------------------------------------------------ */

nrm_node nrm_op_l2_normalise(nrm_node x, double eps)
{
    nrm_graph *g = nrm_common_graph("l2_normalise", 1, &x);
    if (!g || !nrm_want_float("l2_normalise", x) || !nrm_want_ndim("l2_normalise", x, 1, NRM_GRAPH_MAX_NDIM)) return nrm_lost(x);
    if (!(eps >= 0 && eps < INFINITY))
        return nrm_graph_refuse(g, NRM_E_RANGE, "l2_normalise: eps is %g; it must be finite and at least 0", eps);
    const nrm_node length = nrm_op_sqrt(row_sum(nrm_op_square(x)));
    return nrm_node_valid(length) ? nrm_op_div(x, nrm_op_max(length, nrm_like(length, eps))) : length;
}
