/* op_sort.c -- the order of the last axis: top_indices, argmax, sort.
 *
 * Order: the larger number first (or the smaller), then the lower place.  -0 equals 0.  NaN
 * counts as the largest number, as in PyTorch: first of the largest, last of the smallest.
 * Indices have no derivative; sort is take by them, and has take's.
 *
 * A number becomes an unsigned integer of the same order.  The k-th largest of these is found
 * by counting (linalg/topk.h), and the k chosen ones are sorted byte by byte from the lowest:
 * stable, O(k) a byte, and bytes that all have in common cost nothing. */
#include "graph.h"
#include "linalg/topk.h"
#include <omp.h>

enum { FEW = 32, GROUP = 8, SAMPLED = 1024, SAMPLE = 8, BYTES = 8, ENOUGH = 16384 };

typedef struct entry { uint64_t key; int64_t place; } entry;

/* Entries to and fro between x and other; gives the one that holds the result. */
static entry *sort_falling(int64_t n, entry *x, entry *other)
{
    int64_t count[BYTES][256] = {{0}};
    for (int64_t i = 0; i < n; i++)
        for (int b = 0; b < BYTES; b++) count[b][x[i].key >> 8 * b & 255]++;
    for (int b = 0; b < BYTES; b++) {
        int64_t at = 0;
        if (count[b][x[0].key >> 8 * b & 255] == n) continue;
        for (int value = 255; value >= 0; value--) { /* how many come before becomes where to put the next */
            const int64_t these = count[b][value];
            count[b][value] = at;
            at += these;
        }
        for (int64_t i = 0; i < n; i++) other[count[b][x[i].key >> 8 * b & 255]++] = x[i];
        entry *swapped = x;
        x = other;
        other = swapped;
    }
    return x;
}

/* Of n entries in rising order of places the k that come first in the order of top_indices. */
static void keep_first(int64_t n, int64_t k, entry *x, uint64_t *key)
{
    int64_t above, held = 0;
    for (int64_t i = 0; i < n; i++) key[i] = x[i].key;
    const uint64_t cut = nrm_select_key(key, n, k, &above);
    int64_t equals = k - above;
    for (int64_t i = 0; i < n; i++) {
        const bool equal = x[i].key == cut, kept = x[i].key > cut || (equal && equals > 0);
        equals -= equal;
        x[held] = x[i];
        held += kept;
    }
}

/* Bytes of one row's work: n and k entries, n keys; -1: more than memory can address. */
static int64_t work_of(int64_t n, int64_t k)
{
    int64_t entries, keys, bytes;
    if (k <= FEW) return 0;
    if (!nrm_add_size(n, k, &entries) || !nrm_mul_size(entries, (int64_t)sizeof(entry), &entries) || !nrm_mul_size(n, (int64_t)sizeof(uint64_t), &keys) ||
        !nrm_add_size(entries, keys, &bytes) || !nrm_add_size(bytes, 63, &bytes)) return -1;
    return bytes / 64 * 64;
}

#define REAL float
#define BITS uint32_t
#define T(name) name##_f32
#include "sort_typed.h"
#undef REAL
#undef BITS
#undef T
#define REAL double
#define BITS uint64_t
#define T(name) name##_f64
#include "sort_typed.h"
#undef REAL
#undef BITS
#undef T

/* ---- top_indices: attribute 0: the largest come first ------------------------------------------------ */

static nrm_status run_top_indices(const nrm_op_run *r)
{
    const nrm_op_node *x = r->inputs[0];
    const int64_t n = x->shape[x->ndim - 1], k = r->node->shape[x->ndim - 1];
    if (k == 0) return NRM_OK;
    if (x->dtype == NRM_F32) run_top_f32(r, n, k, nrm_elements(x) / n, r->node->attributes[0]);
    else run_top_f64(r, n, k, nrm_elements(x) / n, r->node->attributes[0]);
    return NRM_OK;
}

static int64_t work_top_indices(const nrm_op_run *r)
{
    const int last = r->node->ndim - 1;
    int64_t bytes;
    return nrm_mul_size(r->threads, work_of(r->inputs[0]->shape[last], r->node->shape[last]), &bytes) ? bytes : -1;
}

static double flops_top_indices(const nrm_op_run *r) { return (double)nrm_elements(r->inputs[0]); }

const nrm_op_type nrm_op_type_top_indices = {.name = "top_indices", .flags = NRM_OP_FLAT, .run = run_top_indices, .work = work_top_indices,
                                             .flops = flops_top_indices};

static nrm_node top_indices(const char *who, nrm_node x, int64_t k, bool largest)
{
    nrm_graph *g = nrm_common_graph(who, 1, &x);
    if (!g || !nrm_want_float(who, x) || !nrm_want_ndim(who, x, 1, NRM_GRAPH_MAX_NDIM)) return nrm_lost(x);
    const nrm_op_node *n = nrm_at(x);
    const int last = n->ndim - 1;
    if (k < 0 || k > n->shape[last])
        return nrm_graph_refuse(g, NRM_E_RANGE, "%s: k is %lld; it must be at least 0 and at most the last axis' %lld elements", who, NRM_LL(k),
                                NRM_LL(n->shape[last]));
    nrm_op_node node = nrm_new_node(NRM_OP_top_indices, NRM_I64, n->ndim, n->shape);
    node.shape[last] = k;
    node.attributes[0] = largest;
    return nrm_emit(g, node, 1, &x);
}

nrm_node nrm_op_top_indices(nrm_node x, int64_t k, bool largest) { return top_indices("top_indices", x, k, largest); }

nrm_node nrm_op_sort(nrm_node x, bool descending)
{
    const int64_t n = nrm_node_valid(x) && nrm_at(x)->ndim > 0 ? nrm_at(x)->shape[nrm_at(x)->ndim - 1] : 0;
    const nrm_node order = top_indices("sort", x, n, descending);
    return nrm_node_valid(order) ? nrm_op_take(x, order) : order;
}

nrm_node nrm_op_argmax(nrm_node x)
{
    if (nrm_node_valid(x) && nrm_at(x)->ndim > 0 && nrm_at(x)->shape[nrm_at(x)->ndim - 1] == 0)
        return nrm_graph_refuse(x.graph, NRM_E_SHAPE, "argmax: the last axis is empty; there is no greatest of nothing");
    const nrm_node first = top_indices("argmax", x, 1, true);
    return nrm_node_valid(first) ? nrm_op_reshape(first, nrm_at(first)->ndim - 1, nrm_at(first)->shape) : first;
}
