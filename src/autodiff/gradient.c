/* gradient.c -- derivatives of graphs: each is built from more nodes of the same graph.
 *
 * Reverse.  Cotangents flow from y back to x through the vjp of every operation between
 * them, each visited once, in falling order of nodes; several contributions are added.
 *
 * Forward.  vjp(u) of a node is linear in u, and its transpose is the Jacobian-vector
 * product:  J t = d/du <vjp(u), t>.  So a placeholder u goes backwards through the node,
 * and the tangents t of the inputs backwards through that; u itself drops out.  One rule an
 * operation serves every direction and order, at no cost when running.  Jets are forward
 * over forward, the second pass with the tangents of the first. */
#include "graph.h"

/* The part of the graph that a reverse pass sees, from the first x to the last y: a forward
 * pass makes one for every node, which must not cost the whole graph each time. */
typedef struct span {
    int32_t first, end;
    bool *mark;     /* depends on x; of node first + i */
    nrm_node *sums; /* its cotangent so far */
} span;

static bool marked(const span *s, int32_t node) { return node >= s->first && node < s->end && s->mark[node - s->first]; }

static void mark_dependents(const nrm_graph *g, int count, const nrm_node *x, span *s)
{
    for (int i = 0; i < count; i++)
        if (x[i].index < s->end) s->mark[x[i].index - s->first] = true;
    for (int32_t i = s->first; i < s->end; i++)
        for (int k = 0; k < g->nodes[i]->input_count && !s->mark[i - s->first]; k++) s->mark[i - s->first] = marked(s, g->nodes[i]->inputs[k]);
}

/* x are nodes of the graph of y. */
static bool all_of(nrm_graph *g, const char *who, int count, const nrm_node *x)
{
    for (int i = 0; i < count; i++) {
        if (nrm_node_valid(x[i]) && x[i].graph == g) continue;
        nrm_graph_refuse(g, NRM_E_ARGUMENT, "%s: argument %d, by which to differentiate, is no node of this graph", who, i + 1);
        return false;
    }
    return true;
}

static void add_cotangent(nrm_node *sum, nrm_node term)
{
    if (nrm_node_valid(term)) *sum = nrm_node_valid(*sum) ? nrm_op_add(*sum, term) : term;
}

/* One node: its cotangent to its inputs. */
static void pull_back(nrm_graph *g, int32_t node, span *s)
{
    const nrm_op_node *n = g->nodes[node];
    const nrm_op_type *type = nrm_op_types[n->op];
    nrm_node few[8], *gradients = few;
    bool few_wanted[8], *wanted = few_wanted;

    if (type->flags & NRM_OP_FLAT) return;
    if (!type->vjp) {
        nrm_graph_refuse(g, NRM_E_UNSUPPORTED, "%s: this operation has no derivative; use nrm_op_stop_gradient where none is meant", type->name);
        return;
    }
    if (n->input_count > 8) { /* a concat of many */
        gradients = nrm_graph_keep(g, n->input_count * (int64_t)sizeof *gradients);
        wanted = nrm_graph_keep(g, n->input_count * (int64_t)sizeof *wanted);
        if (!gradients || !wanted) return;
    }
    for (int k = 0; k < n->input_count; k++) {
        gradients[k] = nrm_no_node();
        wanted[k] = marked(s, n->inputs[k]);
    }
    type->vjp(g, node, s->sums[node - s->first], wanted, gradients);
    for (int k = 0; k < n->input_count; k++)
        if (wanted[k]) add_cotangent(&s->sums[n->inputs[k] - s->first], gradients[k]);
}

void nrm_graph_vjp(int outputs, const nrm_node *y, const nrm_node *cotangents, int count, const nrm_node *x,
                   nrm_node *gradients)
{
    nrm_graph *g = nrm_common_graph("gradient", outputs, y);
    span s = {.first = INT32_MAX};

    for (int i = 0; i < count; i++) gradients[i] = outputs > 0 ? nrm_lost(y[0]) : nrm_no_node();
    if (!g || g->status < 0 || !all_of(g, "gradient", count, x)) return;
    for (int k = 0; k < outputs; k++) {
        char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
        if (y[k].index >= s.end) s.end = y[k].index + 1;
        if (!cotangents[k].graph) continue;
        if (!nrm_node_valid(cotangents[k]) || cotangents[k].graph != g || nrm_at(cotangents[k])->dtype != nrm_at(y[k])->dtype ||
            !nrm_same_dims(nrm_at(cotangents[k])->ndim, nrm_at(cotangents[k])->shape, nrm_at(y[k])->ndim, nrm_at(y[k])->shape)) {
            nrm_graph_refuse(g, NRM_E_SHAPE, "gradient: the cotangent of output %d has shape %s; it must be the output's %s",
                             k + 1, nrm_node_valid(cotangents[k]) ? nrm_node_text(ta, cotangents[k]) : "none", nrm_node_text(tb, y[k]));
            return;
        }
    }
    for (int i = 0; i < count; i++) s.first = x[i].index < s.first ? x[i].index : s.first;
    if (s.first > s.end) s.first = s.end;
    const int64_t length = s.end - s.first;
    if (NRM_ALLOC_ZERO(g->ctx, s.mark, length, "derivatives") < 0 || NRM_ALLOC(g->ctx, s.sums, length, "derivatives") < 0) {
        nrm_graph_refuse(g, NRM_E_NOMEM, "gradient: no memory for %lld cotangents", NRM_LL(length));
        goto done;
    }
    mark_dependents(g, count, x, &s);
    for (int64_t i = 0; i < length; i++) s.sums[i] = nrm_no_node();
    for (int k = 0; k < outputs; k++)
        if (marked(&s, y[k].index) && cotangents[k].graph) add_cotangent(&s.sums[y[k].index - s.first], cotangents[k]);
    for (int32_t i = s.end - 1; i >= s.first && g->status >= 0; i--)
        if (marked(&s, i) && nrm_node_valid(s.sums[i - s.first]) && g->nodes[i]->input_count > 0) pull_back(g, i, &s);
    for (int i = 0; i < count && g->status >= 0; i++) {
        const bool reached = marked(&s, x[i].index) && nrm_node_valid(s.sums[x[i].index - s.first]);
        gradients[i] = reached ? s.sums[x[i].index - s.first] : nrm_like(x[i], 0);
    }
done:
    nrm_free(g->ctx, s.mark);
    nrm_free(g->ctx, s.sums);
}

void nrm_graph_gradient(nrm_node y, int count, const nrm_node *x, nrm_node *gradients)
{
    char text[NRM_NODE_TEXT];
    nrm_graph *g = nrm_common_graph("gradient", 1, &y);
    for (int i = 0; i < count; i++) gradients[i] = nrm_lost(y);
    if (!g || !nrm_want_float("gradient", y)) return;
    if (nrm_elements(nrm_at(y)) != 1) {
        nrm_graph_refuse(g, NRM_E_SHAPE, "gradient: y has shape %s; it must be a scalar: give nrm_graph_vjp a cotangent", nrm_node_text(text, y));
        return;
    }
    const nrm_node one = nrm_like(y, 1);
    nrm_graph_vjp(1, &y, &one, count, x, gradients);
}

/* ---- Forward ---------------------------------------------------------------------------------------- */

/* The tangent of one node from those of its inputs. */
static nrm_node push_forward(nrm_graph *g, int32_t node, const nrm_node *tangents)
{
    enum { MOST = 16 };
    const nrm_op_node *n = g->nodes[node];
    const nrm_op_type *type = nrm_op_types[n->op];
    nrm_node few[MOST], terms[MOST], cotangents[MOST], result, *gradients = few, *y = terms, *t = cotangents;
    bool few_wanted[MOST], *wanted = few_wanted, any = false;
    int count = 0;

    if (type->flags & NRM_OP_FLAT) return (nrm_node){g, -1};
    if (n->input_count > MOST) {
        gradients = nrm_graph_keep(g, 3 * n->input_count * (int64_t)sizeof *gradients);
        wanted = nrm_graph_keep(g, n->input_count * (int64_t)sizeof *wanted);
        if (!gradients || !wanted) return (nrm_node){g, -1};
        y = gradients + n->input_count;
        t = y + n->input_count;
    }
    for (int k = 0; k < n->input_count; k++) {
        gradients[k] = nrm_no_node();
        wanted[k] = nrm_node_valid(tangents[n->inputs[k]]);
        any = any || wanted[k];
    }
    if (!any) return (nrm_node){g, -1};
    if (!type->vjp)
        return nrm_graph_refuse(g, NRM_E_UNSUPPORTED, "%s: this operation has no derivative; use nrm_op_stop_gradient where none is meant", type->name);
    const nrm_node u = nrm_variable(g, n->dtype, n->ndim, n->shape);
    if (!nrm_node_valid(u)) return u;
    type->vjp(g, node, u, wanted, gradients);
    for (int k = 0; k < n->input_count; k++) {
        if (!wanted[k] || !nrm_node_valid(gradients[k])) continue;
        y[count] = gradients[k];
        t[count++] = tangents[n->inputs[k]];
    }
    if (count == 0) return (nrm_node){g, -1};
    nrm_graph_vjp(count, y, t, 1, &u, &result);
    return result;
}

/* Tangents of nodes 0 .. end, invalid where they are zero or not needed so far. */
typedef struct flow {
    nrm_node *tangents;
    int64_t capacity;
    int32_t end;
} flow;

/* Room for the tangents of all nodes up to the last y. */
static bool reach(nrm_graph *g, flow *f, int outputs, const nrm_node *y)
{
    int32_t end = f->end;
    for (int k = 0; k < outputs; k++)
        if (y[k].index >= end) end = y[k].index + 1;
    if (nrm_grow(g->ctx, &f->tangents, &f->capacity, end, sizeof *f->tangents, "derivatives") < 0) {
        nrm_graph_refuse(g, NRM_E_NOMEM, "jvp: no memory for %d tangents", end);
        return false;
    }
    while (f->end < end) f->tangents[f->end++] = nrm_no_node();
    return true;
}

static bool seed(nrm_graph *g, flow *f, int count, const nrm_node *x, const nrm_node *given)
{
    for (int i = 0; i < count; i++) {
        char ta[NRM_NODE_TEXT], tb[NRM_NODE_TEXT];
        if (!given[i].graph || x[i].index >= f->end) continue;
        if (!nrm_node_valid(given[i]) || given[i].graph != g || nrm_at(given[i])->dtype != nrm_at(x[i])->dtype ||
            !nrm_same_dims(nrm_at(given[i])->ndim, nrm_at(given[i])->shape, nrm_at(x[i])->ndim, nrm_at(x[i])->shape)) {
            nrm_graph_refuse(g, NRM_E_SHAPE, "jvp: tangent %d has shape %s; it must be that of its argument, %s", i + 1,
                             nrm_node_valid(given[i]) ? nrm_node_text(ta, given[i]) : "none", nrm_node_text(tb, x[i]));
            return false;
        }
        f->tangents[x[i].index] = given[i];
    }
    return true;
}

/* On to y: only what y needs and no earlier call has made.  From y back, then forward. */
static void advance(nrm_graph *g, flow *f, int outputs, const nrm_node *y, nrm_node *tangents_y)
{
    bool *mark = NULL;
    const int32_t end = f->end;
    if (NRM_ALLOC_ZERO(g->ctx, mark, end, "derivatives") < 0) {
        nrm_graph_refuse(g, NRM_E_NOMEM, "jvp: no memory for %d tangents", end);
        return;
    }
    for (int k = 0; k < outputs; k++) mark[y[k].index] = true;
    for (int32_t i = end - 1; i >= 0; i--)
        for (int k = 0; mark[i] && k < g->nodes[i]->input_count; k++) mark[g->nodes[i]->inputs[k]] = true;
    for (int32_t i = 0; i < end && g->status >= 0; i++)
        if (mark[i] && !nrm_node_valid(f->tangents[i]) && g->nodes[i]->input_count > 0) f->tangents[i] = push_forward(g, i, f->tangents);
    for (int k = 0; k < outputs && g->status >= 0; k++)
        tangents_y[k] = nrm_node_valid(f->tangents[y[k].index]) ? f->tangents[y[k].index] : nrm_like(y[k], 0);
    nrm_free(g->ctx, mark);
}

void nrm_graph_jvp(int count, const nrm_node *x, const nrm_node *given, int outputs, const nrm_node *y,
                   nrm_node *tangents_y)
{
    nrm_graph *g = nrm_common_graph("jvp", outputs, y);
    flow f = {0};

    for (int k = 0; k < outputs; k++) tangents_y[k] = nrm_lost(y[k]);
    if (!g || g->status < 0 || !all_of(g, "jvp", count, x)) return;
    if (reach(g, &f, outputs, y) && seed(g, &f, count, x, given)) advance(g, &f, outputs, y, tangents_y);
    nrm_free(g->ctx, f.tangents);
}

/* The second derivative goes on from the tangents of the first: those of y's own nodes are
 * there already, and a reverse pass that follows sees each of them once. */
void nrm_graph_jet(nrm_node x, int directions, const nrm_node *tangents, nrm_node y, nrm_node *first, nrm_node *second)
{
    for (int k = 0; k < directions; k++) {
        nrm_graph *g = nrm_common_graph("jvp", 1, &y);
        flow f = {0};
        first[k] = nrm_lost(y);
        if (second) second[k] = nrm_lost(y);
        if (!g || g->status < 0 || !all_of(g, "jvp", 1, &x)) continue;
        if (reach(g, &f, 1, &y) && seed(g, &f, 1, &x, &tangents[k])) advance(g, &f, 1, &y, &first[k]);
        if (second && nrm_node_valid(first[k]) && reach(g, &f, 1, &first[k])) advance(g, &f, 1, &first[k], &second[k]);
        nrm_free(g->ctx, f.tangents);
    }
}

nrm_node nrm_graph_hessian_vector(nrm_node y, nrm_node x, nrm_node v)
{
    nrm_node gradient, product;
    nrm_graph_gradient(y, 1, &x, &gradient);
    nrm_graph_jvp(1, &x, &v, 1, &gradient, &product);
    return product;
}

/* ---- Whole matrices ------------------------------------------------------------------------------------ */

nrm_node nrm_graph_jacobian(nrm_node y, nrm_node x)
{
    nrm_node both[2] = {y, x}, row;
    nrm_graph *g = nrm_common_graph("jacobian", 2, both);
    if (!g) return nrm_lost(y);
    const nrm_op_node ny = *nrm_at(y), nx = *nrm_at(x);
    const int64_t rows = nrm_elements(&ny);
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    if (ny.ndim + nx.ndim > NRM_GRAPH_MAX_NDIM || rows > 4096 || rows == 0)
        return nrm_graph_refuse(g, NRM_E_SHAPE, "jacobian: y has %lld elements and %d dimensions, x %d; at most 4096 elements and %d "
                                "dimensions together are possible", NRM_LL(rows), ny.ndim, nx.ndim, NRM_GRAPH_MAX_NDIM);
    nrm_node *all = nrm_graph_keep(g, rows * (int64_t)sizeof *all);
    const nrm_node flat = nrm_op_reshape(y, 1, &rows);
    if (!all || !nrm_node_valid(flat)) return nrm_lost(y);
    for (int64_t i = 0; i < rows; i++) {
        const nrm_node element = nrm_op_reshape(nrm_op_slice(flat, 0, i, i + 1, 1), 0, NULL);
        nrm_graph_gradient(element, 1, &x, &row);
        if (!nrm_node_valid(row)) return row;
        shape[0] = 1;
        for (int k = 0; k < nx.ndim && k < NRM_GRAPH_MAX_NDIM - 1; k++) shape[k + 1] = nx.shape[k];
        all[i] = nrm_op_reshape(row, nx.ndim == NRM_GRAPH_MAX_NDIM ? nx.ndim : nx.ndim + 1, nx.ndim == NRM_GRAPH_MAX_NDIM ? nx.shape : shape);
    }
    for (int k = 0; k < ny.ndim; k++) shape[k] = ny.shape[k];
    for (int k = 0; k < nx.ndim; k++) shape[ny.ndim + k] = nx.shape[k];
    return nrm_op_reshape(nrm_op_concat((int)rows, all, 0), ny.ndim + nx.ndim, shape);
}

nrm_node nrm_graph_hessian(nrm_node y, nrm_node x)
{
    nrm_node gradient;
    nrm_graph_gradient(y, 1, &x, &gradient);
    return nrm_graph_jacobian(gradient, x);
}
