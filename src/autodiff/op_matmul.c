/* op_matmul.c -- products of the last two axes, the others in step.
 *
 * attributes[0], [1]: the left, the right factor is transposed.  Each factor is either a
 * plain matrix, used for every product, or has the batch axes of the result.  With
 * y = op(a) op(b) and cotangent u:   a: u op(b)',   b: op(a)' u,   transposed where a, b are.
 * product.c computes it, reading permuted and sliced arguments where they lie. */
#include "graph.h"

static double flops_matmul(const nrm_op_run *r)
{
    const nrm_op_node *a = r->inputs[0];
    const int64_t k = a->shape[a->ndim - (r->node->attributes[0] ? 2 : 1)];
    return 2 * (double)nrm_elements(r->node) * (double)k;
}

/* A plain matrix that served a batch gets the sum over it. */
static nrm_node sum_batch(nrm_node gradient, nrm_node of)
{
    if (!nrm_node_valid(gradient) || nrm_at(gradient)->ndim == nrm_at(of)->ndim) return gradient;
    return nrm_op_sum_to(gradient, nrm_at(of)->ndim, nrm_at(of)->shape);
}

static void vjp_matmul(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_node a = nrm_input(g, node, 0), b = nrm_input(g, node, 1);
    const bool ta = g->nodes[node]->attributes[0], tb = g->nodes[node]->attributes[1];
    if (wanted[0]) gradients[0] = sum_batch(ta ? nrm_op_matmul_transposed(b, tb, u, true) : nrm_op_matmul_transposed(u, false, b, !tb), a);
    if (wanted[1]) gradients[1] = sum_batch(tb ? nrm_op_matmul_transposed(u, true, a, ta) : nrm_op_matmul_transposed(a, !ta, u, false), b);
}
const nrm_op_type nrm_op_type_matmul = {.name = "matmul", .vjp = vjp_matmul, .flops = flops_matmul};

/* The batch axes of both, broadcast; false, poisoned, where they do not fit. */
static bool common_batch(nrm_graph *g, nrm_node a, nrm_node b, int *ndim, int64_t *shape)
{
    const nrm_op_node *x = nrm_at(a), *y = nrm_at(b);
    const int na = x->ndim - 2, nb = y->ndim - 2;
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    *ndim = na > nb ? na : nb;
    for (int i = 1; i <= *ndim; i++) {
        const int64_t m = i <= na ? x->shape[na - i] : 1, n = i <= nb ? y->shape[nb - i] : 1;
        if (m != n && m != 1 && n != 1) {
            nrm_graph_refuse(g, NRM_E_SHAPE, "matmul: shapes %s and %s have batch axes that do not broadcast", nrm_node_text(ta, a), nrm_node_text(tb, b));
            return false;
        }
        shape[*ndim - i] = m == 1 ? n : m;
    }
    return true;
}

/* x with the batch axes `shape`, unless it is a plain matrix. */
static nrm_node with_batch(nrm_node x, int ndim, const int64_t *shape)
{
    const nrm_op_node *n = nrm_at(x);
    int64_t whole[NRM_GRAPH_MAX_NDIM];
    if (n->ndim == 2 || ndim + 2 > NRM_GRAPH_MAX_NDIM) return x;
    for (int i = 0; i < ndim; i++) whole[i] = shape[i];
    whole[ndim] = n->shape[n->ndim - 2];
    whole[ndim + 1] = n->shape[n->ndim - 1];
    return nrm_op_broadcast(x, ndim + 2, whole);
}

nrm_node nrm_op_matmul_transposed(nrm_node a, bool transpose_a, nrm_node b, bool transpose_b)
{
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    int batch;
    nrm_node both[2] = {a, b};
    nrm_graph *g = nrm_common_graph("matmul", 2, both);
    if (!g || !nrm_want_float("matmul", a) || !nrm_want_ndim("matmul", a, 2, NRM_GRAPH_MAX_NDIM) ||
        !nrm_want_ndim("matmul", b, 2, NRM_GRAPH_MAX_NDIM)) return nrm_lost(a);
    const nrm_op_node *x = nrm_at(a), *y = nrm_at(b);
    const int64_t m = x->shape[x->ndim - (transpose_a ? 1 : 2)], k = x->shape[x->ndim - (transpose_a ? 2 : 1)];
    const int64_t l = y->shape[y->ndim - (transpose_b ? 1 : 2)], n = y->shape[y->ndim - (transpose_b ? 2 : 1)];
    if (x->dtype != y->dtype)
        return nrm_graph_refuse(g, NRM_E_DTYPE, "matmul: the factors are %s and %s; both must be f32 or both f64", nrm_dtype_name(x->dtype), nrm_dtype_name(y->dtype));
    if (k != l)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "matmul: %s%s times %s%s; the left factor has %lld columns and the right one %lld rows",
                                nrm_node_text(ta, a), transpose_a ? "'" : "", nrm_node_text(tb, b), transpose_b ? "'" : "", NRM_LL(k), NRM_LL(l));
    if (!common_batch(g, a, b, &batch, shape)) return nrm_lost(a);
    shape[batch] = m;
    if (x->ndim > 2 && y->ndim == 2 && !transpose_a) { /* one product of all rows */
        shape[batch + 1] = n;
        if (k == 0) return nrm_graph_fill(g, x->dtype, batch + 2, shape, 0); /* which -1 could not tell */
        const nrm_node rows = nrm_op_reshape(a, 2, (int64_t[]){-1, k});
        if (!nrm_node_valid(rows)) return rows;
        return nrm_op_reshape(nrm_op_matmul_transposed(rows, false, b, transpose_b), batch + 2, shape);
    }
    both[0] = with_batch(a, batch, shape);
    both[1] = with_batch(b, batch, shape);
    if (!nrm_node_valid(both[0]) || !nrm_node_valid(both[1])) return nrm_lost(a);
    if (batch + 2 > NRM_GRAPH_MAX_NDIM)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "matmul: the result would have %d dimensions; at most %d are possible", batch + 2, NRM_GRAPH_MAX_NDIM);
    shape[batch + 1] = n;
    nrm_op_node node = nrm_new_node(NRM_OP_matmul, nrm_at(a)->dtype, batch + 2, shape);
    node.attributes[0] = transpose_a;
    node.attributes[1] = transpose_b;
    return nrm_emit(g, node, 2, both);
}

nrm_node nrm_op_matmul(nrm_node a, nrm_node b) { return nrm_op_matmul_transposed(a, false, b, false); }

nrm_node nrm_op_linear(nrm_node x, nrm_node w, nrm_node bias)
{
    if (!nrm_node_valid(x) || !nrm_node_valid(w)) return nrm_op_matmul(x, w);
    const bool vector = nrm_at(x)->ndim == 1;
    if (vector) x = nrm_op_reshape(x, 2, (int64_t[]){1, -1});
    nrm_node y = nrm_op_matmul_transposed(x, false, w, true);
    if (bias.graph) y = nrm_op_add(y, bias);
    return vector && nrm_node_valid(y) ? nrm_op_reshape(y, 1, (int64_t[]){-1}) : y;
}
