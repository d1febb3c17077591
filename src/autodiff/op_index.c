/* op_index.c -- elements chosen by index, and their adjoints, which add them back.
 *
 *     gather        y[i...] = table[index[i], ...]             rows
 *     scatter_add   y[r, ...] = sum over index[i] = r of x[i, ...]
 *     take          y[..., j] = x[..., index[..., j]]           along the last axis
 *     take_adjoint  y[..., k] = sum over index[..., j] = k of x[..., j]
 *
 * Each of a pair is the other's derivative.  Sums go in rising order of position: scatter_add
 * gives every thread columns of its own, take_adjoint rows.  An index outside ends the run. */
#include "graph.h"
#include "kernel/elementwise.h"

/* All of index in 0 .. bound - 1. */
static nrm_status check_range(const nrm_op_run *r, const int64_t *index, int64_t count, int64_t bound)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < count; i++) bad += (uint64_t)index[i] >= (uint64_t)bound;
    if (bad == 0) return NRM_OK;
    int64_t i = 0;
    while ((uint64_t)index[i] < (uint64_t)bound) i++;
    return nrm_fail(r->ctx, NRM_E_RANGE, "%s: index %lld (element %lld) is outside 0 to %lld", nrm_op_types[r->node->op]->name,
                    NRM_LL(index[i]), NRM_LL(i), NRM_LL(bound - 1));
}

/* Bytes of what follows the first axis. */
static int64_t row_elements(const nrm_op_node *table)
{
    int64_t count = 1;
    for (int i = 1; i < table->ndim; i++) count *= table->shape[i];
    return count;
}

/* ---- Rows -------------------------------------------------------------------------------------- */

static nrm_status run_gather(const nrm_op_run *r)
{
    const int64_t *index = r->in[1], count = nrm_elements(r->inputs[1]);
    const int64_t bytes = row_elements(r->inputs[0]) * (int64_t)nrm_dtype_size(r->node->dtype);
    NRM_TRY(check_range(r, index, count, r->inputs[0]->shape[0]));
#pragma omp parallel for num_threads(r->threads) schedule(static) if (count * bytes > 65536)
    for (int64_t i = 0; i < count; i++) memcpy((char *)r->out + i * bytes, (const char *)r->in[0] + index[i] * bytes, (size_t)bytes);
    return NRM_OK;
}

static void vjp_gather(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    if (wanted[0]) gradients[0] = nrm_op_scatter_add(u, nrm_input(g, node, 1), nrm_at(nrm_input(g, node, 0))->shape[0]);
}
const nrm_op_type nrm_op_type_gather = {.name = "gather", .vjp = vjp_gather, .run = run_gather};

nrm_node nrm_op_gather(nrm_node table, nrm_node index)
{
    const nrm_node both[2] = {table, index};
    nrm_graph *g = nrm_common_graph("gather", 2, both);
    if (!g || !nrm_want_index("gather", index) || !nrm_want_ndim("gather", table, 1, NRM_GRAPH_MAX_NDIM)) return nrm_lost(table);
    const nrm_op_node *t = nrm_at(table), *i = nrm_at(index);
    nrm_op_node node = nrm_new_node(NRM_OP_gather, t->dtype, i->ndim, i->shape);
    for (int k = 1; k < t->ndim && node.ndim < NRM_GRAPH_MAX_NDIM; k++) node.shape[node.ndim++] = t->shape[k];
    if (i->ndim + t->ndim - 1 > NRM_GRAPH_MAX_NDIM) node.ndim = i->ndim + t->ndim - 1; /* which nrm_emit refuses */
    return nrm_emit(g, node, 2, both);
}

#define SCATTER(REAL, TYPE)                                                                                  \
    static void scatter_##TYPE(const nrm_op_run *r, int64_t count, int64_t columns)                          \
    {                                                                                                        \
        enum { PIECE = 256 };                                                                                \
        const nrm_elementwise_##TYPE *k = nrm_elementwise_##TYPE##_for(nrm_cpu_isa());                       \
        const int64_t *index = r->in[1], pieces = (columns + PIECE - 1) / PIECE;                             \
        const REAL *x = r->in[0];                                                                            \
        REAL *y = r->out;                                                                                    \
        _Pragma("omp parallel for num_threads(r->threads) schedule(static) if (pieces > 1 && count * columns > 65536)") \
        for (int64_t p = 0; p < pieces; p++) {                                                               \
            const int64_t at = p * PIECE, n = nrm_min_i64(PIECE, columns - at);                              \
            for (int64_t i = 0; i < count; i++) k->accumulate(n, x + i * columns + at, y + index[i] * columns + at); \
        }                                                                                                    \
    }
SCATTER(float, f32)
SCATTER(double, f64)

static nrm_status run_scatter_add(const nrm_op_run *r)
{
    const int64_t count = nrm_elements(r->inputs[1]), columns = row_elements(r->node);
    NRM_TRY(check_range(r, r->in[1], count, r->node->shape[0]));
    memset(r->out, 0, (size_t)nrm_elements(r->node) * nrm_dtype_size(r->node->dtype));
    if (r->node->dtype == NRM_F32) scatter_f32(r, count, columns);
    else scatter_f64(r, count, columns);
    return NRM_OK;
}

static void vjp_scatter_add(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    if (wanted[0]) gradients[0] = nrm_op_gather(u, nrm_input(g, node, 1));
}
const nrm_op_type nrm_op_type_scatter_add = {.name = "scatter_add", .vjp = vjp_scatter_add, .run = run_scatter_add};

nrm_node nrm_op_scatter_add(nrm_node x, nrm_node index, int64_t rows)
{
    char tx[NRM_NODE_TEXT], ti[NRM_NODE_TEXT];
    const nrm_node both[2] = {x, index};
    nrm_graph *g = nrm_common_graph("scatter_add", 2, both);
    if (!g || !nrm_want_float("scatter_add", x) || !nrm_want_index("scatter_add", index)) return nrm_lost(x);
    const nrm_op_node *a = nrm_at(x), *i = nrm_at(index);
    bool fits = a->ndim >= i->ndim;
    for (int k = 0; fits && k < i->ndim; k++) fits = a->shape[k] == i->shape[k];
    if (!fits)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "scatter_add: x has shape %s and the index %s; x must begin with the index' axes",
                                nrm_node_text(tx, x), nrm_node_text(ti, index));
    if (a->ndim - i->ndim + 1 > NRM_GRAPH_MAX_NDIM)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "scatter_add: the result would have %d dimensions; at most %d are possible", a->ndim - i->ndim + 1, NRM_GRAPH_MAX_NDIM);
    nrm_op_node node = nrm_new_node(NRM_OP_scatter_add, a->dtype, 1, &rows);
    for (int k = i->ndim; k < a->ndim; k++) node.shape[node.ndim++] = a->shape[k];
    return nrm_emit(g, node, 2, both);
}

/* ---- Along the last axis ------------------------------------------------------------------------- */

#define TAKE(REAL, TYPE)                                                                                     \
    static void take_##TYPE(const nrm_op_run *r, int64_t rows, int64_t n, int64_t chosen)                    \
    {                                                                                                        \
        const int64_t *index = r->in[1];                                                                     \
        const REAL *x = r->in[0];                                                                            \
        REAL *y = r->out;                                                                                    \
        _Pragma("omp parallel for num_threads(r->threads) schedule(static) if (rows * chosen > 16384)")      \
        for (int64_t i = 0; i < rows; i++)                                                                   \
            for (int64_t j = 0; j < chosen; j++) y[i * chosen + j] = x[i * n + index[i * chosen + j]];       \
    }                                                                                                        \
    static void take_adjoint_##TYPE(const nrm_op_run *r, int64_t rows, int64_t n, int64_t chosen)            \
    {                                                                                                        \
        const int64_t *index = r->in[1];                                                                     \
        const REAL *x = r->in[0];                                                                            \
        REAL *y = r->out;                                                                                    \
        _Pragma("omp parallel for num_threads(r->threads) schedule(static) if (rows * n > 16384)")           \
        for (int64_t i = 0; i < rows; i++) {                                                                 \
            memset(y + i * n, 0, (size_t)n * sizeof *y);                                                     \
            for (int64_t j = 0; j < chosen; j++) y[i * n + index[i * chosen + j]] += x[i * chosen + j];      \
        }                                                                                                    \
    }
TAKE(float, f32)
TAKE(double, f64)

static int64_t last_size(const nrm_op_node *n) { return n->shape[n->ndim - 1]; }

static nrm_status run_take(const nrm_op_run *r)
{
    const int64_t chosen = last_size(r->node), n = last_size(r->inputs[0]), rows = chosen > 0 ? nrm_elements(r->node) / chosen : 0;
    NRM_TRY(check_range(r, r->in[1], rows * chosen, n));
    if (r->node->dtype == NRM_F32) take_f32(r, rows, n, chosen);
    else take_f64(r, rows, n, chosen);
    return NRM_OK;
}

static nrm_status run_take_adjoint(const nrm_op_run *r)
{
    const int64_t n = last_size(r->node), chosen = last_size(r->inputs[0]), rows = n > 0 ? nrm_elements(r->node) / n : 0;
    NRM_TRY(check_range(r, r->in[1], nrm_elements(r->inputs[1]), n));
    if (r->node->dtype == NRM_F32) take_adjoint_f32(r, rows, n, chosen);
    else take_adjoint_f64(r, rows, n, chosen);
    return NRM_OK;
}

static void vjp_take(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    if (wanted[0]) gradients[0] = nrm_op_take_adjoint(u, nrm_input(g, node, 1), last_size(nrm_at(nrm_input(g, node, 0))));
}
static void vjp_take_adjoint(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    if (wanted[0]) gradients[0] = nrm_op_take(u, nrm_input(g, node, 1));
}
const nrm_op_type nrm_op_type_take = {.name = "take", .vjp = vjp_take, .run = run_take};
const nrm_op_type nrm_op_type_take_adjoint = {.name = "take_adjoint", .vjp = vjp_take_adjoint, .run = run_take_adjoint};

static nrm_node take(nrm_op op, nrm_node x, nrm_node index, int64_t n)
{
    const char *who = nrm_op_types[op]->name;
    char tx[NRM_NODE_TEXT], ti[NRM_NODE_TEXT];
    const nrm_node both[2] = {x, index};
    nrm_graph *g = nrm_common_graph(who, 2, both);
    if (!g || !nrm_want_float(who, x) || !nrm_want_index(who, index) || !nrm_want_ndim(who, x, 1, NRM_GRAPH_MAX_NDIM)) return nrm_lost(x);
    const nrm_op_node *a = nrm_at(x), *i = nrm_at(index);
    bool fits = a->ndim == i->ndim;
    for (int k = 0; fits && k < a->ndim - 1; k++) fits = a->shape[k] == i->shape[k];
    if (op == NRM_OP_take_adjoint) fits = fits && last_size(a) == last_size(i);
    if (!fits)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "%s: x has shape %s and the index %s; all axes but the last must agree%s", who, nrm_node_text(tx, x),
                                nrm_node_text(ti, index), op == NRM_OP_take_adjoint ? ", and that too" : "");
    nrm_op_node node = nrm_new_node(op, a->dtype, i->ndim, i->shape);
    if (op == NRM_OP_take_adjoint) node.shape[node.ndim - 1] = n;
    return nrm_emit(g, node, 2, both);
}

nrm_node nrm_op_take(nrm_node x, nrm_node index) { return take(NRM_OP_take, x, index, 0); }
nrm_node nrm_op_take_adjoint(nrm_node x, nrm_node index, int64_t n) { return take(NRM_OP_take_adjoint, x, index, n); }
