/* op_shape.c -- the same elements in another shape or order: reshape, permute, broadcast,
 * slice (views: read where they lie), pad and concat (copies). */
#include "graph.h"
#include "data/data.h"

/* ---- Reshape ---------------------------------------------------------------------------------- */

static void vjp_reshape(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *x = nrm_at(nrm_input(g, node, 0));
    (void)wanted;
    gradients[0] = nrm_op_reshape(u, x->ndim, x->shape);
}
const nrm_op_type nrm_op_type_reshape = {.name = "reshape", .flags = NRM_OP_VIEW, .vjp = vjp_reshape};

nrm_node nrm_op_reshape(nrm_node x, int ndim, const int64_t *shape)
{
    char from[NRM_NODE_TEXT], to[NRM_NODE_TEXT];
    nrm_graph *g = nrm_common_graph("reshape", 1, &x);
    if (!g) return nrm_lost(x);
    if (nrm_same_dims(ndim, shape, nrm_at(x)->ndim, nrm_at(x)->shape)) return x;
    if (ndim < 0 || ndim > NRM_GRAPH_MAX_NDIM)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "reshape: %d dimensions are asked for; at most %d are possible", ndim, NRM_GRAPH_MAX_NDIM);
    nrm_op_node node = nrm_new_node(NRM_OP_reshape, nrm_at(x)->dtype, ndim, shape);
    const int64_t all = nrm_elements(nrm_at(x));
    int64_t known = 1;
    int open = -1;
    bool fits = true;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] == -1 && open < 0) open = i;
        else fits = fits && shape[i] >= 0 && nrm_mul_size(known, shape[i], &known);
    }
    if (open >= 0) {
        fits = fits && known > 0 && all % known == 0;
        if (fits) node.shape[open] = all / known;
    } else {
        fits = fits && known == all;
    }
    if (!fits)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "reshape: %s has %lld elements and does not become %s", nrm_node_text(from, x),
                                NRM_LL(all), nrm_dims_text(to, ndim, shape));
    if (nrm_at(x)->op == NRM_OP_fill) return nrm_graph_fill(g, node.dtype, ndim, node.shape, nrm_at(x)->value);
    return nrm_emit(g, node, 1, &x);
}

/* ---- Permute: attributes[i] is the axis of x that axis i shows ------------------------------------- */

static void vjp_permute(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *n = g->nodes[node];
    int inverse[NRM_GRAPH_MAX_NDIM] = {0};
    (void)wanted;
    for (int i = 0; i < n->ndim; i++) inverse[n->attributes[i]] = i;
    gradients[0] = nrm_op_permute(u, inverse);
}
const nrm_op_type nrm_op_type_permute = {.name = "permute", .flags = NRM_OP_VIEW, .vjp = vjp_permute};

nrm_node nrm_op_permute(nrm_node x, const int *axes)
{
    bool seen[NRM_GRAPH_MAX_NDIM] = {false}, moved = false;
    nrm_graph *g = nrm_common_graph("permute", 1, &x);
    if (!g) return nrm_lost(x);
    const nrm_op_node *n = nrm_at(x);
    nrm_op_node node = nrm_new_node(NRM_OP_permute, n->dtype, n->ndim, n->shape);
    for (int i = 0; i < n->ndim; i++) {
        const int axis = nrm_axis(g, "permute", n->ndim, axes[i]);
        if (axis < 0) return nrm_lost(x);
        if (seen[axis]) return nrm_graph_refuse(g, NRM_E_ARGUMENT, "permute: axis %d is given twice", axis);
        seen[axis] = true;
        moved = moved || axis != i;
        node.attributes[i] = axis;
        node.shape[i] = n->shape[axis];
    }
    if (!moved) return x;
    if (n->op == NRM_OP_fill) return nrm_graph_fill(g, node.dtype, node.ndim, node.shape, n->value);
    return nrm_emit(g, node, 1, &x);
}

nrm_node nrm_op_transpose(nrm_node x)
{
    int axes[NRM_GRAPH_MAX_NDIM] = {0, 1, 2, 3, 4, 5};
    if (!nrm_node_valid(x) || !nrm_want_ndim("transpose", x, 2, NRM_GRAPH_MAX_NDIM)) return nrm_lost(x);
    const int n = nrm_at(x)->ndim;
    axes[n - 1] = n - 2;
    axes[n - 2] = n - 1;
    return nrm_op_permute(x, axes);
}

/* ---- Broadcast: the input has the result's ndim, and size 1 where it is repeated -------------------- */

static void vjp_broadcast(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *x = nrm_at(nrm_input(g, node, 0));
    (void)wanted;
    gradients[0] = nrm_op_sum_to(u, x->ndim, x->shape);
}
const nrm_op_type nrm_op_type_broadcast = {.name = "broadcast", .flags = NRM_OP_VIEW, .vjp = vjp_broadcast};

nrm_node nrm_op_broadcast(nrm_node x, int ndim, const int64_t *shape)
{
    char from[NRM_NODE_TEXT], to[NRM_NODE_TEXT];
    int64_t aligned[NRM_GRAPH_MAX_NDIM];
    nrm_graph *g = nrm_common_graph("broadcast", 1, &x);
    if (!g) return nrm_lost(x);
    const nrm_op_node n = *nrm_at(x);
    if (nrm_same_dims(ndim, shape, n.ndim, n.shape)) return x;
    bool fits = n.ndim <= ndim && ndim <= NRM_GRAPH_MAX_NDIM;
    for (int i = 0; fits && i < ndim; i++) {
        const int from_axis = i - (ndim - n.ndim);
        aligned[i] = from_axis < 0 ? 1 : n.shape[from_axis];
        fits = aligned[i] == shape[i] || aligned[i] == 1;
    }
    if (!fits)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "broadcast: shape %s does not stretch to %s; counted from the right, sizes "
                                "must be equal or 1", nrm_node_text(from, x), nrm_dims_text(to, ndim, shape));
    if (n.op == NRM_OP_fill) return nrm_graph_fill(g, n.dtype, ndim, shape, n.value);
    x = nrm_op_reshape(x, ndim, aligned);
    if (!nrm_node_valid(x) || nrm_same_dims(ndim, shape, ndim, aligned)) return x;
    return nrm_emit(g, nrm_new_node(NRM_OP_broadcast, n.dtype, ndim, shape), 1, &x);
}

/* ---- Slice: attributes axis, start, step ------------------------------------------------------------- */

static void vjp_slice(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *n = g->nodes[node], *x = nrm_at(nrm_input(g, node, 0));
    const int axis = (int)n->attributes[0];
    const int64_t start = n->attributes[1], step = n->attributes[2], count = n->shape[axis];
    (void)wanted;
    if (count == 0) gradients[0] = nrm_like(nrm_input(g, node, 0), 0);
    else gradients[0] = nrm_op_pad(u, axis, start, x->shape[axis] - (start + (count - 1) * step + 1), step - 1);
}
const nrm_op_type nrm_op_type_slice = {.name = "slice", .flags = NRM_OP_VIEW, .vjp = vjp_slice};

nrm_node nrm_op_slice(nrm_node x, int axis, int64_t start, int64_t stop, int64_t step)
{
    nrm_graph *g = nrm_common_graph("slice", 1, &x);
    const int a = g ? nrm_axis(g, "slice", nrm_at(x)->ndim, axis) : -1;
    if (a < 0) return nrm_lost(x);
    const nrm_op_node *n = nrm_at(x);
    const int64_t size = n->shape[a], from = start < 0 ? start + size : start, to = stop < 0 ? stop + size : stop;
    if (step < 1) return nrm_graph_refuse(g, NRM_E_RANGE, "slice: step is %lld; it must be at least 1", NRM_LL(step));
    if (from < 0 || from > to || to > size)
        return nrm_graph_refuse(g, NRM_E_RANGE, "slice: %lld to %lld of axis %d, which has %lld elements; the bounds must "
                                "lie within it in rising order", NRM_LL(start), NRM_LL(stop), a, NRM_LL(size));
    if (from == 0 && to == size && step == 1) return x;
    nrm_op_node node = nrm_new_node(NRM_OP_slice, n->dtype, n->ndim, n->shape);
    node.shape[a] = (to - from) / step + ((to - from) % step != 0);
    node.attributes[0] = a;
    node.attributes[1] = from;
    node.attributes[2] = node.shape[a] > 1 ? step : 1; /* a huge one would overflow in strides */
    if (n->op == NRM_OP_fill) return nrm_graph_fill(g, n->dtype, n->ndim, node.shape, n->value);
    return nrm_emit(g, node, 1, &x);
}

/* ---- Copies seen as (outer, count, inner) bytes -------------------------------------------------------- */

typedef struct blocks { int64_t outer, count, inner; } blocks; /* inner in bytes */

static blocks blocks_of(const nrm_op_node *n, int axis)
{
    blocks b = {1, n->shape[axis], (int64_t)nrm_dtype_size(n->dtype)};
    for (int i = 0; i < axis; i++) b.outer *= n->shape[i];
    for (int i = axis + 1; i < n->ndim; i++) b.inner *= n->shape[i];
    return b;
}

/* ---- Pad: attributes axis, before, gap ------------------------------------------------------------------ */

static nrm_status run_pad(const nrm_op_run *r)
{
    const int axis = (int)r->node->attributes[0];
    const int64_t before = r->node->attributes[1], every = r->node->attributes[2] + 1;
    const blocks from = blocks_of(r->inputs[0], axis), to = blocks_of(r->node, axis);
#pragma omp parallel for num_threads(r->threads) schedule(static) if (to.outer * to.count * to.inner > 65536)
    for (int64_t o = 0; o < to.outer; o++) {
        const char *x = (const char *)r->in[0] + o * from.count * from.inner;
        char *y = (char *)r->out + o * to.count * to.inner;
        memset(y, 0, (size_t)(to.count * to.inner));
        y += before * to.inner;
        if (every == 1) memcpy(y, x, (size_t)(from.count * from.inner));
        else for (int64_t i = 0; i < from.count; i++) memcpy(y + i * every * to.inner, x + i * from.inner, (size_t)from.inner);
    }
    return NRM_OK;
}

static void vjp_pad(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *n = g->nodes[node];
    const int axis = (int)n->attributes[0];
    const int64_t before = n->attributes[1], every = n->attributes[2] + 1, count = nrm_at(nrm_input(g, node, 0))->shape[axis];
    (void)wanted;
    gradients[0] = nrm_op_slice(u, axis, before, count == 0 ? before : before + (count - 1) * every + 1, every);
}
const nrm_op_type nrm_op_type_pad = {.name = "pad", .vjp = vjp_pad, .run = run_pad};

nrm_node nrm_op_pad(nrm_node x, int axis, int64_t before, int64_t after, int64_t gap)
{
    int64_t size, gaps;
    nrm_graph *g = nrm_common_graph("pad", 1, &x);
    const int a = g ? nrm_axis(g, "pad", nrm_at(x)->ndim, axis) : -1;
    if (a < 0) return nrm_lost(x);
    if (before < 0 || after < 0 || gap < 0)
        return nrm_graph_refuse(g, NRM_E_RANGE, "pad: before %lld, after %lld, gap %lld; none may be negative", NRM_LL(before), NRM_LL(after), NRM_LL(gap));
    const nrm_op_node *n = nrm_at(x);
    const int64_t count = n->shape[a];
    if (before == 0 && after == 0 && (gap == 0 || count < 2)) return x;
    if (!nrm_mul_size(count > 0 ? count - 1 : 0, gap, &gaps) || !nrm_add_size(count, gaps, &size) ||
        !nrm_add_size(size, before, &size) || !nrm_add_size(size, after, &size))
        return nrm_graph_refuse(g, NRM_E_OVERFLOW, "pad: the result is larger than memory can address");
    nrm_op_node node = nrm_new_node(NRM_OP_pad, n->dtype, n->ndim, n->shape);
    node.shape[a] = size;
    node.attributes[0] = a;
    node.attributes[1] = before;
    node.attributes[2] = count > 1 ? gap : 0;
    return nrm_emit(g, node, 1, &x);
}

/* ---- Concat: attributes axis --------------------------------------------------------------------------------- */

static nrm_status run_concat(const nrm_op_run *r)
{
    const int axis = (int)r->node->attributes[0];
    const blocks to = blocks_of(r->node, axis);
    int64_t at = 0;
    for (int k = 0; k < r->node->input_count; k++) {
        const blocks from = blocks_of(r->inputs[k], axis);
        const int64_t bytes = from.count * from.inner;
#pragma omp parallel for num_threads(r->threads) schedule(static) if (to.outer * bytes > 65536)
        for (int64_t o = 0; o < to.outer; o++)
            memcpy((char *)r->out + o * to.count * to.inner + at, (const char *)r->in[k] + o * bytes, (size_t)bytes);
        at += bytes;
    }
    return NRM_OK;
}

static void vjp_concat(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const int axis = (int)g->nodes[node]->attributes[0], count = g->nodes[node]->input_count;
    int64_t at = 0;
    for (int k = 0; k < count; k++) {
        const int64_t size = nrm_at(nrm_input(g, node, k))->shape[axis];
        if (wanted[k]) gradients[k] = nrm_op_slice(u, axis, at, at + size, 1);
        at += size;
    }
}
const nrm_op_type nrm_op_type_concat = {.name = "concat", .vjp = vjp_concat, .run = run_concat};

nrm_node nrm_op_concat(int count, const nrm_node *x, int axis)
{
    char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
    nrm_graph *g = nrm_common_graph("concat", count, x);
    const int a = g ? nrm_axis(g, "concat", nrm_at(x[0])->ndim, axis) : -1;
    if (a < 0) return (count > 0 ? nrm_lost(x[0]) : nrm_no_node());
    if (count == 1) return x[0];
    nrm_op_node node = nrm_new_node(NRM_OP_concat, nrm_at(x[0])->dtype, nrm_at(x[0])->ndim, nrm_at(x[0])->shape);
    node.attributes[0] = a;
    for (int k = 1; k < count; k++) {
        const nrm_op_node *n = nrm_at(x[k]);
        bool fits = n->ndim == node.ndim && n->dtype == node.dtype;
        for (int i = 0; fits && i < node.ndim; i++) fits = i == a || n->shape[i] == node.shape[i];
        if (!fits || !nrm_add_size(node.shape[a], n->shape[a], &node.shape[a]))
            return nrm_graph_refuse(g, NRM_E_SHAPE, "concat: argument %d is %s %s and the first %s %s; dtype and all axes "
                                    "but axis %d must agree", k + 1, nrm_dtype_name(n->dtype), nrm_node_text(ta, x[k]),
                                    nrm_dtype_name(node.dtype), nrm_node_text(tb, x[0]), a);
    }
    return nrm_emit(g, node, count, x);
}

/* ---- Built from these ------------------------------------------------------------------------------------------- */

nrm_node nrm_op_roll(nrm_node x, int axis, int64_t shift)
{
    nrm_graph *g = nrm_common_graph("roll", 1, &x);
    const int a = g ? nrm_axis(g, "roll", nrm_at(x)->ndim, axis) : -1;
    if (a < 0) return nrm_lost(x);
    const int64_t n = nrm_at(x)->shape[a];
    if (n == 0) return x;
    const int64_t by = (shift % n + n) % n;
    if (by == 0) return x;
    const nrm_node parts[2] = {nrm_op_slice(x, a, n - by, n, 1), nrm_op_slice(x, a, 0, n - by, 1)};
    return nrm_op_concat(2, parts, a);
}

nrm_node nrm_op_pad_circular(nrm_node x, int axis, int64_t before, int64_t after)
{
    nrm_node parts[3];
    int count = 0;
    nrm_graph *g = nrm_common_graph("pad_circular", 1, &x);
    const int a = g ? nrm_axis(g, "pad_circular", nrm_at(x)->ndim, axis) : -1;
    if (a < 0) return nrm_lost(x);
    const int64_t n = nrm_at(x)->shape[a];
    if (before < 0 || after < 0 || before > n || after > n)
        return nrm_graph_refuse(g, NRM_E_RANGE, "pad_circular: before %lld, after %lld; both must lie between 0 and the axis' %lld elements",
                                NRM_LL(before), NRM_LL(after), NRM_LL(n));
    if (before > 0) parts[count++] = nrm_op_slice(x, a, n - before, n, 1);
    parts[count++] = x;
    if (after > 0) parts[count++] = nrm_op_slice(x, a, 0, after, 1);
    return nrm_op_concat(count, parts, a);
}
