/* access.c -- views read where they lie.
 *
 * A view (reshape, permute, broadcast, slice) is strides into the array that it shows.  A
 * sweep can read through any of them, a product through most, other operations through
 * contiguous ones; where that fails the view becomes an array of its own, made by a copy. */
#include "program.h"

nrm_access nrm_access_make(int32_t base, int64_t offset, int ndim, const int64_t *shape, const int64_t *stride)
{
    nrm_access a = {.base = base, .offset = offset, .count = 1};
    for (int i = 0; i < ndim; i++) a.count *= shape[i];
    for (int i = 0; i < ndim; i++) {
        const int last = a.ndim - 1;
        if (shape[i] == 1) continue;
        if (last >= 0 && a.stride[last] == stride[i] * shape[i]) { /* steps on where the last ended */
            a.size[last] *= shape[i];
            a.stride[last] = stride[i];
        } else {
            a.size[a.ndim] = shape[i];
            a.stride[a.ndim++] = stride[i];
        }
    }
    return a;
}

bool nrm_access_axes(const nrm_access *a, int ndim, const int64_t *shape, int64_t *stride)
{
    int at = a->ndim - 1;
    int64_t left = at >= 0 ? a->size[at] : 1, step = at >= 0 ? a->stride[at] : 0;
    for (int i = ndim - 1; i >= 0; i--) {
        stride[i] = 0;
        if (shape[i] == 1 || a->count == 0) continue;
        if (left == 1 && at > 0) {
            at--;
            left = a->size[at];
            step = a->stride[at];
        }
        if (left % shape[i] != 0) return false;
        stride[i] = step;
        left /= shape[i];
        step *= shape[i];
    }
    return true;
}

static nrm_access whole(int32_t node, const nrm_op_node *n)
{
    const int64_t count = nrm_elements(n), one = 1;
    return nrm_access_make(node, 0, 1, &count, &one);
}

/* The access of a view by that of its input; false: the input must be stored. */
static bool view_access(const nrm_op_node *n, const nrm_op_node *x, const nrm_access *from, nrm_access *to)
{
    int64_t in[NRM_GRAPH_MAX_NDIM] = {0}, out[NRM_GRAPH_MAX_NDIM] = {0}, offset = from->offset;
    if (n->op == NRM_OP_reshape || n->op == NRM_OP_stop_gradient) {
        *to = *from;
        return true;
    }
    if (!nrm_access_axes(from, x->ndim, x->shape, in)) return false;
    for (int i = 0; i < n->ndim; i++) {
        if (n->op == NRM_OP_permute) out[i] = in[n->attributes[i]];
        else if (n->op == NRM_OP_broadcast) out[i] = x->shape[i] == 1 ? 0 : in[i];
        else out[i] = i == n->attributes[0] ? in[i] * n->attributes[2] : in[i];
    }
    if (n->op == NRM_OP_slice) offset += n->attributes[1] * in[n->attributes[0]];
    *to = nrm_access_make(from->base, offset, n->ndim, n->shape, out);
    return true;
}

bool nrm_view_of(const nrm_program *p, int32_t node, nrm_access *access)
{
    const int32_t x = p->graph->nodes[node]->inputs[0];
    return view_access(p->graph->nodes[node], p->graph->nodes[x], &p->access[x], access);
}

/* One round; true if a view had to be stored, so that accesses change. */
static bool round_of_accesses(nrm_program *p)
{
    bool changed = false;
    for (int32_t i = 0; i < p->graph->count; i++) {
        const nrm_op_node *n = p->graph->nodes[i];
        const unsigned flags = nrm_op_types[n->op]->flags;
        if (!p->live[i]) continue;
        p->access[i] = whole(i, n);
        if (flags & NRM_OP_VIEW) {
            nrm_access view;
            if (!nrm_view_of(p, i, &view)) p->stored[n->inputs[0]] = changed = true;
            else if (!p->stored[i]) p->access[i] = view;
            continue;
        }
        for (int k = 0; k < n->input_count; k++) {
            const int32_t x = n->inputs[k];
            const bool sweeps = nrm_sweeps(n);
            const bool fits = sweeps || (n->op == NRM_OP_matmul && k < 2 ? nrm_product_reads(p, i, k) : nrm_access_whole(&p->access[x]));
            /* A fill is a number for a sweep and must be an array for the others; so must a
             * view that does not fit. */
            if (!p->stored[x] && (!fits || (!sweeps && p->graph->nodes[p->access[x].base]->op == NRM_OP_fill)))
                p->stored[x] = changed = true;
        }
    }
    return changed;
}

/* Outputs are contiguous arrays. */
static void store_outputs(nrm_program *p)
{
    for (int k = 0; k < p->output_count; k++) {
        const int32_t i = p->outputs[k];
        if (p->graph->nodes[i]->op == NRM_OP_fill || !nrm_access_whole(&p->access[i])) p->stored[i] = true;
    }
}

void nrm_find_accesses(nrm_program *p)
{
    for (int32_t i = 0; i < p->graph->count; i++) {
        const nrm_op_node *n = p->graph->nodes[i];
        const bool view = nrm_op_types[n->op]->flags & NRM_OP_VIEW;
        p->stored[i] = p->live[i] && (p->options.optimise ? !view && n->op != NRM_OP_fill : true);
    }
    while (round_of_accesses(p)) {}
    store_outputs(p);
    while (round_of_accesses(p)) {}
}
