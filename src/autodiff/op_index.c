/* op_index.c -- elements chosen by indices, and their adjoints.
 *
 *     gather     y[i, :] = x[index[i], :]            scatter_add   y[index[i], :] += x[i, :]
 *     take       y[o, j] = x[o, index[o, j]]         take_adjoint  y[o, index[o, j]] += x[o, j]
 *
 * Those of one line are each other's transposes, so each is the other's derivative, and every
 * order exists.  The indices are checked at the start of every run, before anything is read
 * or written by them. */
#include "scatter.h"

enum { PIECE = 4096, ENOUGH = 32768 };

/* ---- Rows: gather, scatter_add ------------------------------------------------------------------- */

static nrm_status run_gather(const nrm_op_run *r)
{
    const int64_t *index = r->in[1], n = nrm_elements(r->inputs[1]);
    const int64_t bytes = nrm_width_from(r->inputs[0], 1) * (int64_t)nrm_dtype_size(r->node->dtype);
    const char *x = r->in[0];
    char *y = r->out;
    NRM_TRY(nrm_check_indices(r, 1, "the index", r->inputs[0]->shape[0]));
#pragma omp parallel for num_threads(r->threads) schedule(static) if ((double)n * (double)bytes > 8 * ENOUGH)
    for (int64_t i = 0; i < n; i++) {
        if (bytes == 4) memcpy(y + i * 4, x + index[i] * 4, 4);
        else if (bytes == 8) memcpy(y + i * 8, x + index[i] * 8, 8);
        else memcpy(y + i * bytes, x + index[i] * bytes, (size_t)bytes);
    }
    return NRM_OK;
}

static void vjp_gather(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_node table = nrm_input(g, node, 0);
    if (wanted[0] && nrm_is_float(nrm_at(table)->dtype))
        gradients[0] = nrm_op_scatter_add(u, nrm_input(g, node, 1), nrm_at(table)->shape[0]);
}
const nrm_op_type nrm_op_type_gather = {.name = "gather", .vjp = vjp_gather, .run = run_gather};

nrm_node nrm_op_gather(nrm_node table, nrm_node index)
{
    const nrm_node both[2] = {table, index};
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    nrm_graph *g = nrm_common_graph("gather", 2, both);
    if (!g || !nrm_want_index("gather", index) || !nrm_want_ndim("gather", table, 1, NRM_GRAPH_MAX_NDIM)) return nrm_lost(table);
    const nrm_op_node *x = nrm_at(table), *i = nrm_at(index);
    const int ndim = i->ndim + x->ndim - 1;
    if (ndim > NRM_GRAPH_MAX_NDIM)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "gather: a table of shape %s by an index of shape %s would have %d dimensions; at most %d are possible",
                                nrm_node_text(ta, table), nrm_node_text(tb, index), ndim, NRM_GRAPH_MAX_NDIM);
    for (int k = 0; k < ndim; k++) shape[k] = k < i->ndim ? i->shape[k] : x->shape[k - i->ndim + 1];
    return nrm_emit(g, nrm_new_node(NRM_OP_gather, x->dtype, ndim, shape), 2, both);
}

static nrm_status run_scatter_add(const nrm_op_run *r) { return nrm_scatter_run(r, false); }
static double flops_scatter_add(const nrm_op_run *r) { return (double)nrm_elements(r->inputs[0]); }

static void vjp_scatter_add(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    if (wanted[0]) gradients[0] = nrm_op_gather(u, nrm_input(g, node, 1));
}
const nrm_op_type nrm_op_type_scatter_add = {.name = "scatter_add", .vjp = vjp_scatter_add, .run = run_scatter_add, .flops = flops_scatter_add};

nrm_node nrm_op_scatter_add(nrm_node x, nrm_node index, int64_t rows)
{
    const nrm_node both[2] = {x, index};
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    int64_t shape[NRM_GRAPH_MAX_NDIM + 1] = {rows};
    nrm_graph *g = nrm_common_graph("scatter_add", 2, both);
    if (!g || !nrm_want_float("scatter_add", x) || !nrm_want_index("scatter_add", index)) return nrm_lost(x);
    const nrm_op_node *n = nrm_at(x), *i = nrm_at(index);
    if (rows < 0) return nrm_graph_refuse(g, NRM_E_RANGE, "scatter_add: rows is %lld; it must be at least 0", NRM_LL(rows));
    if (n->ndim < i->ndim || !nrm_same_dims(i->ndim, i->shape, i->ndim, n->shape))
        return nrm_graph_refuse(g, NRM_E_SHAPE, "scatter_add: x has shape %s and the index %s; x's shape must begin with the index's",
                                nrm_node_text(ta, x), nrm_node_text(tb, index));
    for (int k = i->ndim; k < n->ndim; k++) shape[k - i->ndim + 1] = n->shape[k];
    return nrm_emit(g, nrm_new_node(NRM_OP_scatter_add, n->dtype, n->ndim - i->ndim + 1, shape), 2, both);
}

/* ---- Along the last axis: take, take_adjoint ------------------------------------------------------- */

static int64_t last_axis(const nrm_op_node *node) { return node->shape[node->ndim - 1]; }

/* Pieces of rows, so that a single long row is shared out too. */
#define TAKE(WORD)                                                                                                          \
    static void take_##WORD(const nrm_op_run *r)                                                                            \
    {                                                                                                                       \
        const int64_t n = last_axis(r->inputs[0]), k = last_axis(r->node);                                                  \
        const int64_t outer = k > 0 ? nrm_elements(r->node) / k : 0, pieces = (k + PIECE - 1) / PIECE, *index = r->in[1];   \
        const WORD *x = r->in[0];                                                                                           \
        WORD *y = r->out;                                                                                                   \
        _Pragma("omp parallel for num_threads(r->threads) schedule(static) if (outer * k > ENOUGH)")                        \
        for (int64_t p = 0; p < outer * pieces; p++) {                                                                      \
            const int64_t o = p / pieces, first = p % pieces * PIECE, end = nrm_min_i64(first + PIECE, k);                  \
            for (int64_t j = first; j < end; j++) y[o * k + j] = x[o * n + index[o * k + j]];                               \
        }                                                                                                                   \
    }
TAKE(uint32_t)
TAKE(uint64_t)

static nrm_status run_take(const nrm_op_run *r)
{
    NRM_TRY(nrm_check_indices(r, 1, "the index", last_axis(r->inputs[0])));
    if (nrm_dtype_size(r->node->dtype) == 4) take_uint32_t(r);
    else take_uint64_t(r);
    return NRM_OK;
}

static void vjp_take(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *x = nrm_at(nrm_input(g, node, 0));
    if (wanted[0] && nrm_is_float(x->dtype)) gradients[0] = nrm_op_take_adjoint(u, nrm_input(g, node, 1), last_axis(x));
}
const nrm_op_type nrm_op_type_take = {.name = "take", .vjp = vjp_take, .run = run_take};

/* An axis to take along, and leading axes that agree. */
static bool take_fits(nrm_graph *g, const char *who, nrm_node x, nrm_node index)
{
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    if (!nrm_want_index(who, index) || !nrm_want_ndim(who, x, 1, NRM_GRAPH_MAX_NDIM)) return false;
    const nrm_op_node *n = nrm_at(x), *i = nrm_at(index);
    if (n->ndim == i->ndim && nrm_same_dims(n->ndim - 1, n->shape, i->ndim - 1, i->shape)) return true;
    nrm_graph_refuse(g, NRM_E_SHAPE, "%s: x has shape %s and the index %s; all axes but the last must agree", who,
                     nrm_node_text(ta, x), nrm_node_text(tb, index));
    return false;
}

nrm_node nrm_op_take(nrm_node x, nrm_node index)
{
    const nrm_node both[2] = {x, index};
    nrm_graph *g = nrm_common_graph("take", 2, both);
    if (!g || !take_fits(g, "take", x, index)) return nrm_lost(x);
    return nrm_emit(g, nrm_new_node(NRM_OP_take, nrm_at(x)->dtype, nrm_at(index)->ndim, nrm_at(index)->shape), 2, both);
}

#define TAKE_ADJOINT(REAL, TYPE)                                                                                  \
    static void take_adjoint_##TYPE(const nrm_op_run *r)                                                          \
    {                                                                                                             \
        const int64_t n = last_axis(r->node), k = last_axis(r->inputs[0]), *index = r->in[1];                     \
        const int64_t outer = n > 0 ? nrm_elements(r->node) / n : 0;                                              \
        const REAL *x = r->in[0];                                                                                 \
        REAL *y = r->out;                                                                                         \
        _Pragma("omp parallel for num_threads(r->threads) schedule(static) if (outer * (n + k) > ENOUGH)")        \
        for (int64_t o = 0; o < outer; o++) {                                                                     \
            memset(y + o * n, 0, (size_t)n * sizeof *y);                                                          \
            for (int64_t j = 0; j < k; j++) y[o * n + index[o * k + j]] += x[o * k + j];                          \
        }                                                                                                         \
    }
TAKE_ADJOINT(float, f32)
TAKE_ADJOINT(double, f64)

static nrm_status run_take_adjoint(const nrm_op_run *r)
{
    NRM_TRY(nrm_check_indices(r, 1, "the index", last_axis(r->node)));
    if (r->node->dtype == NRM_F32) take_adjoint_f32(r);
    else take_adjoint_f64(r);
    return NRM_OK;
}

static void vjp_take_adjoint(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    if (wanted[0]) gradients[0] = nrm_op_take(u, nrm_input(g, node, 1));
}
const nrm_op_type nrm_op_type_take_adjoint = {.name = "take_adjoint", .vjp = vjp_take_adjoint, .run = run_take_adjoint, .flops = flops_scatter_add};

nrm_node nrm_op_take_adjoint(nrm_node x, nrm_node index, int64_t n)
{
    const nrm_node both[2] = {x, index};
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    nrm_graph *g = nrm_common_graph("take_adjoint", 2, both);
    if (!g || !nrm_want_float("take_adjoint", x) || !take_fits(g, "take_adjoint", x, index)) return nrm_lost(x);
    if (n < 0) return nrm_graph_refuse(g, NRM_E_RANGE, "take_adjoint: n is %lld; it must be at least 0", NRM_LL(n));
    if (last_axis(nrm_at(x)) != last_axis(nrm_at(index)))
        return nrm_graph_refuse(g, NRM_E_SHAPE, "take_adjoint: x has shape %s and the index %s; they must agree", nrm_node_text(ta, x), nrm_node_text(tb, index));
    nrm_op_node node = nrm_new_node(NRM_OP_take_adjoint, nrm_at(x)->dtype, nrm_at(x)->ndim, nrm_at(x)->shape);
    node.shape[node.ndim - 1] = n;
    return nrm_emit(g, node, 2, both);
}
