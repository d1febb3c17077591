/* op_reduce.c -- sums, greatest and least elements over axes.
 *
 * A reduction node sees its input as (outer, count, inner) and keeps the middle as 1's:
 * attributes[0..2].  Reductions over scattered axes are chains of such nodes, the last axes
 * first, where most elements go.  The tile machine does those with inner = 1 or outer = 1;
 * run() here does the rest: rows of `inner` are added up in rising order. */
#include "graph.h"
#include "kernel/elementwise.h"
#include <float.h>

enum { BLOCK = 512 }; /* elements of `inner` done together: the accumulator stays in L1 */

/* op: 0 sum, 1 greatest, 2 least */
#define REDUCE(REAL, TYPE)                                                                                        \
    static void reduce_##TYPE(const nrm_op_run *r, int op)                                                        \
    {                                                                                                             \
        const nrm_elementwise_##TYPE *k = nrm_elementwise_##TYPE##_for(nrm_cpu_isa());                            \
        const int64_t outer = r->node->attributes[0], count = r->node->attributes[1], inner = r->node->attributes[2]; \
        const int64_t pieces = (inner + BLOCK - 1) / BLOCK;                                                       \
        const REAL none = op == 0 ? 0 : op == 1 ? (REAL)-INFINITY : (REAL)INFINITY;                               \
        const REAL *x = r->in[0];                                                                                 \
        REAL *y = r->out;                                                                                         \
        _Pragma("omp parallel for num_threads(r->threads) schedule(static) if (outer * count * inner > 16384)")   \
        for (int64_t p = 0; p < outer * pieces; p++) {                                                            \
            const int64_t o = p / pieces, at = p % pieces * BLOCK, n = nrm_min_i64(inner - at, BLOCK);            \
            REAL *to = y + o * inner + at;                                                                        \
            if (inner == 1) {                                                                                     \
                const REAL *row = x + o * count;                                                                  \
                *to = op == 0 ? k->sum(count, row) : op == 1 ? k->greatest(count, row) : k->least(count, row);    \
                continue;                                                                                         \
            }                                                                                                     \
            k->fill(n, none, to);                                                                                 \
            for (int64_t i = 0; i < count; i++) {                                                                 \
                const REAL *row = x + (o * count + i) * inner + at;                                               \
                if (op == 0) k->accumulate(n, row, to);                                                           \
                else k->binary[op == 1 ? NRM_BINARY_max : NRM_BINARY_min](n, to, row, to);                        \
            }                                                                                                     \
        }                                                                                                         \
    }
REDUCE(float, f32)
REDUCE(double, f64)

static nrm_status run_reduce(const nrm_op_run *r)
{
    const int op = r->node->op == NRM_OP_reduce_sum ? 0 : r->node->op == NRM_OP_reduce_greatest ? 1 : 2;
    if (r->node->dtype == NRM_F32) reduce_f32(r, op);
    else reduce_f64(r, op);
    return NRM_OK;
}

static double flops_reduce(const nrm_op_run *r)
{
    return (double)r->node->attributes[0] * (double)r->node->attributes[1] * (double)r->node->attributes[2];
}

static void vjp_sum(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_op_node *x = nrm_at(nrm_input(g, node, 0));
    (void)wanted;
    gradients[0] = nrm_op_broadcast(u, x->ndim, x->shape);
}

/* Equal shares to all places that attain the extreme. */
static void vjp_extreme(nrm_graph *g, int32_t node, nrm_node u, const bool *wanted, nrm_node *gradients)
{
    const nrm_node x = nrm_input(g, node, 0), mask = nrm_op_equal(x, nrm_self(g, node));
    (void)wanted;
    if (!nrm_node_valid(mask)) return;
    const nrm_node shares = nrm_op_sum_to(mask, nrm_at(u)->ndim, nrm_at(u)->shape);
    gradients[0] = nrm_op_mul(mask, nrm_op_div(u, shares));
}

const nrm_op_type nrm_op_type_reduce_sum = {.name = "sum", .flags = NRM_OP_REDUCTION, .vjp = vjp_sum, .run = run_reduce, .flops = flops_reduce};
const nrm_op_type nrm_op_type_reduce_greatest = {.name = "greatest", .flags = NRM_OP_REDUCTION, .vjp = vjp_extreme, .run = run_reduce, .flops = flops_reduce};
const nrm_op_type nrm_op_type_reduce_least = {.name = "least", .flags = NRM_OP_REDUCTION, .vjp = vjp_extreme, .run = run_reduce, .flops = flops_reduce};

/* ---- Building ------------------------------------------------------------------------------------ */

/* One node for the axes first .. last. */
static nrm_node reduce_run(nrm_op op, nrm_node x, int first, int last)
{
    const nrm_op_node *n = nrm_at(x);
    nrm_op_node node = nrm_new_node(op, n->dtype, n->ndim, n->shape);
    for (int i = 0; i < 3; i++) node.attributes[i] = 1;
    for (int i = 0; i < n->ndim; i++) node.attributes[i < first ? 0 : i > last ? 2 : 1] *= n->shape[i];
    for (int i = first; i <= last; i++) node.shape[i] = 1;
    return nrm_emit(x.graph, node, 1, &x);
}

/* The first axis of the run of reduced ones that ends at `last`.  Axes of size 1 may join it:
 * nothing changes for them. */
static int start_of_run(const nrm_op_node *x, const bool *out, int last)
{
    while (last > 0 && (out[last - 1] || x->shape[last - 1] == 1)) last--;
    return last;
}

/* x with the reduced axes last.  A chain of extremes would not share a derivative equally
 * among the places that attain them. */
static nrm_node bring_together(nrm_node x, bool *out)
{
    const int ndim = nrm_at(x)->ndim;
    int order[NRM_GRAPH_MAX_NDIM], at = 0;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < ndim; i++)
            if (out[i] == (round == 1)) order[at++] = i;
    at = 0;
    for (int i = 0; i < ndim; i++) at += !out[i];
    for (int i = 0; i < ndim; i++) out[i] = i >= at;
    return nrm_op_permute(x, order);
}

static nrm_node reduce(nrm_op op, nrm_node x, int count, const int *axes, bool keep)
{
    const char *who = nrm_op_types[op]->name;
    bool out[NRM_GRAPH_MAX_NDIM] = {false};
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    int ndim = 0, runs = 0;
    nrm_graph *g = nrm_common_graph(who, 1, &x);

    if (!g || !nrm_want_float(who, x)) return nrm_lost(x);
    const nrm_op_node before = *nrm_at(x);
    for (int i = 0; i < count; i++) {
        const int axis = nrm_axis(g, who, before.ndim, axes[i]);
        if (axis < 0) return nrm_lost(x);
        if (out[axis]) return nrm_graph_refuse(g, NRM_E_ARGUMENT, "%s: axis %d is given twice", who, axis);
        if (op != NRM_OP_reduce_sum && before.shape[axis] == 0)
            return nrm_graph_refuse(g, NRM_E_SHAPE, "%s: axis %d is empty; there is no extreme of nothing", who, axis);
        out[axis] = true;
    }
    for (int i = 0; i < before.ndim; i++)
        if (keep || !out[i]) shape[ndim++] = out[i] ? 1 : before.shape[i];
    for (int last = before.ndim - 1; last >= 0; last--) {
        if (!out[last] || before.shape[last] == 1) continue;
        last = start_of_run(&before, out, last);
        runs++;
    }
    if (runs > 1 && op != NRM_OP_reduce_sum) x = bring_together(x, out);
    for (int last = before.ndim - 1; last >= 0 && nrm_node_valid(x); last--) {
        if (!out[last] || nrm_at(x)->shape[last] == 1) continue;
        const int first = start_of_run(nrm_at(x), out, last);
        x = reduce_run(op, x, first, last);
        last = first;
    }
    return nrm_node_valid(x) ? nrm_op_reshape(x, ndim, shape) : x;
}

nrm_node nrm_op_sum(nrm_node x, int count, const int *axes, bool keep) { return reduce(NRM_OP_reduce_sum, x, count, axes, keep); }
nrm_node nrm_op_greatest(nrm_node x, int count, const int *axes, bool keep) { return reduce(NRM_OP_reduce_greatest, x, count, axes, keep); }
nrm_node nrm_op_least(nrm_node x, int count, const int *axes, bool keep) { return reduce(NRM_OP_reduce_least, x, count, axes, keep); }

nrm_node nrm_op_mean(nrm_node x, int count, const int *axes, bool keep)
{
    const nrm_node sum = nrm_op_sum(x, count, axes, keep);
    if (!nrm_node_valid(sum)) return sum;
    const int64_t all = nrm_elements(nrm_at(x)), left = nrm_elements(nrm_at(sum));
    if (left == 0) return sum;
    if (all == 0) return nrm_graph_refuse(x.graph, NRM_E_SHAPE, "mean: an empty array has no mean");
    return nrm_op_scale(sum, (double)left / (double)all);
}

static const int every_axis[NRM_GRAPH_MAX_NDIM] = {0, 1, 2, 3, 4, 5};
nrm_node nrm_op_sum_all(nrm_node x) { return nrm_node_valid(x) ? nrm_op_sum(x, nrm_at(x)->ndim, every_axis, false) : x; }
nrm_node nrm_op_mean_all(nrm_node x) { return nrm_node_valid(x) ? nrm_op_mean(x, nrm_at(x)->ndim, every_axis, false) : x; }

/* The greatest is taken out and kept finite, so that rows of -inf or inf give -inf or inf. */
nrm_node nrm_op_logsumexp(nrm_node x, int count, const int *axes, bool keep)
{
    nrm_node top = nrm_op_stop_gradient(nrm_op_greatest(x, count, axes, true));
    if (!nrm_node_valid(top)) return top;
    const double most = nrm_at(x)->dtype == NRM_F32 ? (double)FLT_MAX : DBL_MAX;
    top = nrm_op_clamp(top, -most, most);
    const nrm_node sum = nrm_op_add(nrm_op_log(nrm_op_sum(nrm_op_exp(nrm_op_sub(x, top)), count, axes, true)), top);
    if (keep || !nrm_node_valid(sum)) return sum;
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    int ndim = 0;
    bool out[NRM_GRAPH_MAX_NDIM] = {false};
    for (int i = 0; i < count; i++) out[axes[i] < 0 ? axes[i] + nrm_at(x)->ndim : axes[i]] = true;
    for (int i = 0; i < nrm_at(x)->ndim; i++)
        if (!out[i]) shape[ndim++] = nrm_at(x)->shape[i];
    return nrm_op_reshape(sum, ndim, shape);
}

nrm_node nrm_op_sum_to(nrm_node x, int ndim, const int64_t *shape)
{
    char from[NRM_NODE_TEXT], to[NRM_NODE_TEXT];
    int axes[NRM_GRAPH_MAX_NDIM], count = 0;
    nrm_graph *g = nrm_common_graph("sum_to", 1, &x);
    if (!g) return nrm_lost(x);
    const nrm_op_node *n = nrm_at(x);
    bool fits = ndim <= n->ndim;
    for (int i = 0; i < n->ndim && fits; i++) {
        const int64_t size = i < n->ndim - ndim ? 1 : shape[i - (n->ndim - ndim)];
        if (size == 1 && n->shape[i] != 1) axes[count++] = i;
        else fits = size == n->shape[i];
    }
    if (!fits) return nrm_graph_refuse(g, NRM_E_SHAPE, "sum_to: shape %s does not broadcast to %s", nrm_dims_text(to, ndim, shape), nrm_node_text(from, x));
    return nrm_op_reshape(nrm_op_sum(x, count, axes, true), ndim, shape);
}
