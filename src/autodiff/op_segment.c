/* op_segment.c -- rows in groups: sums, means, greatest elements and softmax of each.
 *
 * Row i of x belongs to segment id[i]; ids come in any order.  The sum is scatter_add, the
 * others are built from it and gather.  An empty segment is harmless in every derivative: its
 * -inf is read by no row, and where a number of rows divides, it counts as one. */
#include "scatter.h"
#include <float.h>

/* x (rows, ...) of f32 or f64, one id a row. */
static bool segments_fit(const char *who, nrm_node x, nrm_node id, int64_t segments)
{
    const nrm_node both[2] = {x, id};
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    nrm_graph *g = nrm_common_graph(who, 2, both);
    if (!g || !nrm_want_float(who, x) || !nrm_want_index(who, id)) return false;
    if (segments < 0) {
        nrm_graph_refuse(g, NRM_E_RANGE, "%s: the number of segments is %lld; it must be at least 0", who, NRM_LL(segments));
        return false;
    }
    if (nrm_at(id)->ndim == 1 && nrm_at(x)->ndim >= 1 && nrm_at(x)->shape[0] == nrm_at(id)->shape[0]) return true;
    nrm_graph_refuse(g, NRM_E_SHAPE, "%s: x has shape %s and the ids %s; there must be one id for each row of x", who,
                     nrm_node_text(ta, x), nrm_node_text(tb, id));
    return false;
}

nrm_node nrm_op_segment_sum(nrm_node x, nrm_node id, int64_t segments)
{
    return segments_fit("segment_sum", x, id, segments) ? nrm_op_scatter_add(x, id, segments) : nrm_lost(x);
}

/* a, one for each segment or row or more, at least 1. */
static nrm_node at_least_one(nrm_node a) { return nrm_node_valid(a) ? nrm_op_max(a, nrm_like(a, 1)) : a; }

nrm_node nrm_op_segment_mean(nrm_node x, nrm_node id, int64_t segments)
{
    int64_t shape[NRM_GRAPH_MAX_NDIM] = {segments, 1, 1, 1, 1, 1};
    if (!segments_fit("segment_mean", x, id, segments)) return nrm_lost(x);
    const nrm_node ones = nrm_graph_fill(x.graph, nrm_at(x)->dtype, 1, nrm_at(id)->shape, 1);
    const nrm_node rows = at_least_one(nrm_op_scatter_add(ones, id, segments));
    const nrm_node sum = nrm_op_scatter_add(x, id, segments);
    if (!nrm_node_valid(rows) || !nrm_node_valid(sum)) return nrm_lost(x);
    return nrm_op_div(sum, nrm_op_reshape(rows, nrm_at(x)->ndim, shape));
}

/* ---- Greatest ----------------------------------------------------------------------------------- */

static nrm_status run_segment_greatest(const nrm_op_run *r) { return nrm_scatter_run(r, true); }
static double flops_segment_greatest(const nrm_op_run *r) { return (double)nrm_elements(r->inputs[0]); }

/* Equal shares to all rows that attain it. */
static void vjp_segment_greatest(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_node x = nrm_input(g, node, 0), id = nrm_input(g, node, 1);
    if (!wanted[0]) return;
    const nrm_node mask = nrm_op_equal(x, nrm_op_gather(nrm_self(g, node), id));
    if (!nrm_node_valid(mask)) return;
    const nrm_node shares = at_least_one(nrm_op_scatter_add(mask, id, g->nodes[node]->shape[0]));
    gradients[0] = nrm_op_mul(mask, nrm_op_gather(nrm_op_div(u, shares), id));
}
const nrm_op_type nrm_op_type_segment_greatest = {.name = "segment_greatest", .vjp = vjp_segment_greatest, .run = run_segment_greatest,
                                                  .flops = flops_segment_greatest};

nrm_node nrm_op_segment_greatest(nrm_node x, nrm_node id, int64_t segments)
{
    const nrm_node both[2] = {x, id};
    if (!segments_fit("segment_greatest", x, id, segments)) return nrm_lost(x);
    nrm_op_node node = nrm_new_node(NRM_OP_segment_greatest, nrm_at(x)->dtype, nrm_at(x)->ndim, nrm_at(x)->shape);
    node.shape[0] = segments;
    return nrm_emit(x.graph, node, 2, both);
}

/* ---- Softmax --------------------------------------------------------------------------------------- */

/* exp(x - m) / sum exp(x - m) with m the segment's greatest, which is kept finite so that -inf
 * gives 0.  The factor exp(-m) drops out, and with it m's derivative.  The sum has a term
 * exp(0), so it is less than one only where all is -inf: there, too, every row gets 0. */
nrm_node nrm_op_segment_softmax(nrm_node x, nrm_node id, int64_t segments)
{
    if (!segments_fit("segment_softmax", x, id, segments)) return nrm_lost(x);
    const double most = nrm_at(x)->dtype == NRM_F32 ? (double)FLT_MAX : DBL_MAX;
    const nrm_node greatest = nrm_op_clamp(nrm_op_stop_gradient(nrm_op_segment_greatest(x, id, segments)), -most, most);
    if (!nrm_node_valid(greatest)) return greatest;
    const nrm_node weights = nrm_op_exp(nrm_op_sub(x, nrm_op_gather(greatest, id)));
    if (!nrm_node_valid(weights)) return weights;
    return nrm_op_div(weights, nrm_op_gather(at_least_one(nrm_op_scatter_add(weights, id, segments)), id));
}
