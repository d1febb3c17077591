/* op_scan.c -- sums and linear recurrences along an axis.
 *
 *     cumulative_sum   y_i = x_0 + ... + x_i  (exclusive: to x_{i-1})
 *     linear_scan      h_i = a_i h_{i-1} + b_i,   h_{-1} = 0
 *
 * The adjoint of a cumulative sum is the one from the other end.  With cotangent u of h,
 *
 *     g_i = u_i + a_{i+1} g_{i+1},   b: g,   a_i: g_i h_{i-1},
 *
 * and g is a scan again, from the other end, so every order of derivative is made of scans.
 * Sums are added up in f64 whatever the type; the recurrence is computed in its type. */
#include "graph.h"

enum { PIECE = 256, ENOUGH = 16384 }; /* elements of `inner` done together */

/* attributes of both: outer, count, inner, reverse, exclusive, axis */
typedef struct scan { int64_t outer, count, inner; bool reverse, exclusive; } scan;

static scan scan_of(const nrm_op_node *n)
{
    return (scan){n->attributes[0], n->attributes[1], n->attributes[2], n->attributes[3], n->attributes[4]};
}

static nrm_op_node scan_node(nrm_op op, const nrm_op_node *x, int axis, bool reverse, bool exclusive)
{
    nrm_op_node node = nrm_new_node(op, x->dtype, x->ndim, x->shape);
    node.attributes[0] = node.attributes[2] = 1;
    node.attributes[1] = x->shape[axis];
    for (int i = 0; i < x->ndim; i++)
        if (i != axis) node.attributes[i < axis ? 0 : 2] *= x->shape[i];
    node.attributes[3] = reverse;
    node.attributes[4] = exclusive;
    node.attributes[5] = axis;
    return node;
}

#define REAL float
#define T(name) name##_f32
#include "scan_typed.h"
#undef REAL
#undef T
#define REAL double
#define T(name) name##_f64
#include "scan_typed.h"
#undef REAL
#undef T

static nrm_status run_scan(const nrm_op_run *r)
{
    if (r->node->dtype == NRM_F32) run_scan_f32(r);
    else run_scan_f64(r);
    return NRM_OK;
}

/* ---- Cumulative sum ------------------------------------------------------------------------------ */

static void vjp_cumulative_sum(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *n = g->nodes[node];
    (void)wanted;
    gradients[0] = nrm_op_cumulative_sum(u, (int)n->attributes[5], n->attributes[4], !n->attributes[3]);
}
const nrm_op_type nrm_op_type_cumulative_sum = {.name = "cumulative_sum", .vjp = vjp_cumulative_sum, .run = run_scan};

nrm_node nrm_op_cumulative_sum(nrm_node x, int axis, bool exclusive, bool reverse)
{
    nrm_graph *g = nrm_common_graph("cumulative_sum", 1, &x);
    if (!g || !nrm_want_float("cumulative_sum", x)) return nrm_lost(x);
    const int a = nrm_axis(g, "cumulative_sum", nrm_at(x)->ndim, axis);
    if (a < 0) return nrm_lost(x);
    return nrm_emit(g, scan_node(NRM_OP_cumulative_sum, nrm_at(x), a, reverse, exclusive), 1, &x);
}

/* ---- Linear recurrence ------------------------------------------------------------------------------ */

/* Element i of the result is x_{i-1} (forward) or x_{i+1}, and 0 where there is none. */
static nrm_node moved(nrm_node x, int axis, bool forward)
{
    if (!nrm_node_valid(x)) return x;
    const int64_t n = nrm_at(x)->shape[axis];
    const nrm_node rest = nrm_op_slice(x, axis, forward ? 0 : 1, forward ? n - 1 : n, 1);
    return nrm_op_pad(rest, axis, forward, !forward, 0);
}

static void vjp_linear_scan(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *n = g->nodes[node];
    const int axis = (int)n->attributes[5];
    const bool reverse = n->attributes[3];
    if (nrm_elements(n) == 0) return;
    const nrm_node back = nrm_op_linear_scan(moved(nrm_input(g, node, 0), axis, reverse), u, axis, !reverse);
    if (wanted[0]) gradients[0] = nrm_op_mul(back, moved(nrm_self(g, node), axis, !reverse));
    if (wanted[1]) gradients[1] = back;
}
static double flops_linear_scan(const nrm_op_run *r) { return 2 * (double)nrm_elements(r->node); }
const nrm_op_type nrm_op_type_linear_scan = {.name = "linear_scan", .vjp = vjp_linear_scan, .run = run_scan, .flops = flops_linear_scan};

nrm_node nrm_op_linear_scan(nrm_node a, nrm_node b, int axis, bool reverse)
{
    const nrm_node both[2] = {a, b};
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    nrm_graph *g = nrm_common_graph("linear_scan", 2, both);
    if (!g || !nrm_want_float("linear_scan", a)) return nrm_lost(a);
    const nrm_op_node *x = nrm_at(a), *y = nrm_at(b);
    if (x->dtype != y->dtype || !nrm_same_dims(x->ndim, x->shape, y->ndim, y->shape))
        return nrm_graph_refuse(g, NRM_E_SHAPE, "linear_scan: a is %s %s and b %s %s; dtype and shape must agree", nrm_dtype_name(x->dtype),
                                nrm_node_text(ta, a), nrm_dtype_name(y->dtype), nrm_node_text(tb, b));
    const int at = nrm_axis(g, "linear_scan", x->ndim, axis);
    if (at < 0) return nrm_lost(a);
    return nrm_emit(g, scan_node(NRM_OP_linear_scan, x, at, reverse, false), 2, both);
}
