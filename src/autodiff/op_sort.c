/* op_sort.c -- places of the largest or smallest elements of the last axis, and what is built
 * from them: sort, argmax.
 *
 * top_indices: attributes k, largest.  Equal elements: the lower place first.  A NaN counts as
 * larger than everything.  Values are f64 while they are compared, which keeps their order. */
#include "graph.h"
#include <omp.h>
#include <stdlib.h>

typedef struct place { double value; int64_t at; } place;

/* a before b, falling; the sign of the values is turned where the smallest are wanted. */
static bool before(place a, place b)
{
    const bool na = a.value != a.value, nb = b.value != b.value;
    if (na || nb) return na && nb ? a.at < b.at : na;
    return a.value != b.value ? a.value > b.value : a.at < b.at;
}

static bool before_rising(place a, place b)
{
    const bool na = a.value != a.value, nb = b.value != b.value;
    if (na || nb) return na && nb ? a.at < b.at : nb;
    return a.value != b.value ? a.value < b.value : a.at < b.at;
}

static int compare_falling(const void *a, const void *b) { return before(*(const place *)a, *(const place *)b) ? -1 : 1; }
static int compare_rising(const void *a, const void *b) { return before_rising(*(const place *)a, *(const place *)b) ? -1 : 1; }

static void one_row(const nrm_op_run *r, int64_t row, int64_t n, int64_t k, bool largest, place *work)
{
    enum { FEW = 16 };
    int64_t *out = (int64_t *)r->out + row * k, held = 0;
    const bool all = k > FEW;
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = row * n + i;
        const place p = {r->inputs[0]->dtype == NRM_F32 ? (double)((const float *)r->in[0])[at] : ((const double *)r->in[0])[at], i};
        if (all) {
            work[i] = p;
            continue;
        }
        /* The best so far, in order. */
        int64_t slot = held;
        while (slot > 0 && (largest ? before(p, work[slot - 1]) : before_rising(p, work[slot - 1]))) {
            if (slot < k) work[slot] = work[slot - 1];
            slot--;
        }
        if (slot < k) work[slot] = p;
        if (held < k) held++;
    }
    if (all) qsort(work, (size_t)n, sizeof *work, largest ? compare_falling : compare_rising);
    for (int64_t j = 0; j < k; j++) out[j] = work[j].at;
}

static nrm_status run_top_indices(const nrm_op_run *r)
{
    const int64_t n = r->inputs[0]->shape[r->inputs[0]->ndim - 1], k = r->node->attributes[0];
    const int64_t rows = k > 0 ? nrm_elements(r->node) / k : 0;
    const bool largest = r->node->attributes[1];
#pragma omp parallel for num_threads(r->threads) schedule(static) if (rows * n > 4096)
    for (int64_t row = 0; row < rows; row++) one_row(r, row, n, k, largest, (place *)r->work + omp_get_thread_num() * n);
    return NRM_OK;
}

static int64_t work_top_indices(const nrm_op_run *r)
{
    int64_t bytes;
    if (!nrm_mul_size(r->inputs[0]->shape[r->inputs[0]->ndim - 1], (int64_t)sizeof(place) * r->threads, &bytes)) return -1;
    return bytes;
}
const nrm_op_type nrm_op_type_top_indices = {.name = "top_indices", .flags = NRM_OP_FLAT, .run = run_top_indices, .work = work_top_indices};

nrm_node nrm_op_top_indices(nrm_node x, int64_t k, bool largest)
{
    nrm_graph *g = nrm_common_graph("top_indices", 1, &x);
    if (!g || !nrm_want_float("top_indices", x) || !nrm_want_ndim("top_indices", x, 1, NRM_GRAPH_MAX_NDIM)) return nrm_lost(x);
    const nrm_op_node *n = nrm_at(x);
    const int64_t size = n->shape[n->ndim - 1];
    if (k < 0 || k > size)
        return nrm_graph_refuse(g, NRM_E_RANGE, "top_indices: k is %lld; it must be 0 to the %lld elements of the last axis", NRM_LL(k), NRM_LL(size));
    nrm_op_node node = nrm_new_node(NRM_OP_top_indices, NRM_I64, n->ndim, n->shape);
    node.shape[node.ndim - 1] = k;
    node.attributes[0] = k;
    node.attributes[1] = largest;
    return nrm_emit(g, node, 1, &x);
}

nrm_node nrm_op_sort(nrm_node x, bool descending)
{
    if (!nrm_node_valid(x) || nrm_at(x)->ndim < 1) return nrm_op_top_indices(x, 0, descending);
    return nrm_op_take(x, nrm_op_top_indices(x, nrm_at(x)->shape[nrm_at(x)->ndim - 1], descending));
}

nrm_node nrm_op_argmax(nrm_node x)
{
    const nrm_node top = nrm_op_top_indices(x, 1, true);
    return nrm_node_valid(top) ? nrm_op_reshape(top, nrm_at(top)->ndim - 1, nrm_at(top)->shape) : top;
}
