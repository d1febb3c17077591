/* op_dropout.c -- elements left out at random: x mask, mask = [draw > p] / (1 - p).
 *
 * The mask depends on no input, so its one node serves the value and every derivative: the
 * elements left out are the same in both directions. */
#include "graph.h"

nrm_node nrm_op_dropout(nrm_node x, double p, int64_t stream)
{
    nrm_graph *g = nrm_common_graph("dropout", 1, &x);
    if (!g || !nrm_want_float("dropout", x)) return nrm_lost(x);
    if (!(p >= 0 && p < 1)) return nrm_graph_refuse(g, NRM_E_RANGE, "dropout: p is %g; it must lie in [0, 1)", p);
    if (p == 0) return x;
    const nrm_op_node *n = nrm_at(x);
    const nrm_node draw = nrm_graph_uniform(g, n->dtype, n->ndim, n->shape, stream);
    if (!nrm_node_valid(draw)) return draw;
    const nrm_node kept = nrm_op_less(nrm_like(draw, p), draw);
    return nrm_op_mul(x, nrm_op_scale(kept, 1 / (1 - p)));
}
