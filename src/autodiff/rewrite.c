/* rewrite.c -- the graph copied node by node into the program's own, cleaned up on the way.
 *
 * What no output needs stays behind.  Each node is first looked at for something simpler:
 * x + 0, x 1, x / 1, -(-x), a + (-b), products of constants, views of views, transposes
 * that a product can do itself.  Then for a twin: equal operation, attributes and inputs
 * make one node.  Values may change by rounding only, and by the sign of a zero (c1 (c2 x) becomes
 * (c1 c2) x where c1 c2 is a normal number, which may avoid an overflow on the way); nothing
 * is removed that could turn a NaN or an infinity into a number otherwise. */
#include "kernel/elementwise.h"
#include "program.h"

typedef struct rewriter {
    nrm_ctx *ctx;
    nrm_graph *to;
    bool optimise;
    int32_t *table; /* open addressing over to's nodes, -1 empty */
    int64_t table_size; /* a power of two */
} rewriter;

void nrm_mark_live(const nrm_graph *g, int count, const int32_t *outputs, bool *live)
{
    for (int k = 0; k < count; k++) live[outputs[k]] = true;
    for (int32_t i = g->count - 1; i >= 0; i--)
        for (int k = 0; live[i] && k < g->nodes[i]->input_count; k++) live[g->nodes[i]->inputs[k]] = true;
}

/* ---- Twins -------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static uint64_t bits_of(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static uint64_t hash(const nrm_op_node *n, int count, const nrm_node *inputs)
{
    uint64_t h = mix(mix(mix(0, (uint64_t)n->op), (uint64_t)n->dtype), (uint64_t)n->ndim);
    for (int i = 0; i < n->ndim; i++) h = mix(h, (uint64_t)n->shape[i]);
    for (int i = 0; i < NRM_OP_ATTRIBUTES; i++) h = mix(h, (uint64_t)n->attributes[i]);
    for (int i = 0; i < count; i++) h = mix(h, (uint64_t)inputs[i].index);
    return mix(mix(h, bits_of(n->value)), (uint64_t)(uintptr_t)n->constant);
}

static bool twins(const nrm_op_node *a, const nrm_op_node *b, int count, const nrm_node *inputs)
{
    if (a->op != b->op || a->dtype != b->dtype || a->input_count != count || a->constant != b->constant ||
        bits_of(a->value) != bits_of(b->value) || !nrm_same_dims(a->ndim, a->shape, b->ndim, b->shape) ||
        memcmp(a->attributes, b->attributes, sizeof a->attributes) != 0) return false;
    for (int i = 0; i < count; i++)
        if (a->inputs[i] != inputs[i].index) return false;
    return true;
}

/* The node in the new graph: an equal one that is there, or a new one. */
static nrm_node place(rewriter *w, const nrm_op_node *n, int count, const nrm_node *inputs)
{
    const bool unique = !w->optimise || n->op == NRM_OP_input || n->op == NRM_OP_parameter || n->op == NRM_OP_custom ||
                        n->op == NRM_OP_custom_vjp;
    if (unique) return nrm_emit(w->to, *n, count, inputs);
    const uint64_t mask = (uint64_t)w->table_size - 1;
    uint64_t at = hash(n, count, inputs) & mask;
    for (; w->table[at] >= 0; at = (at + 1) & mask)
        if (twins(w->to->nodes[w->table[at]], n, count, inputs)) return (nrm_node){w->to, w->table[at]};
    const nrm_node made = nrm_emit(w->to, *n, count, inputs);
    if (nrm_node_valid(made)) w->table[at] = made.index;
    return made;
}

/* ---- Something simpler ------------------------------------------------------------------------------ */

static bool is_op(nrm_node x, nrm_op op) { return nrm_at(x)->op == op; }
static bool is_value(nrm_node x, double value) { return is_op(x, NRM_OP_fill) && nrm_at(x)->value == value; }
static nrm_node first(nrm_node x) { return nrm_input(x.graph, x.index, 0); }
static nrm_node second(nrm_node x) { return nrm_input(x.graph, x.index, 1); }

static nrm_node put(rewriter *w, nrm_op op, const nrm_op_node *like, int count, const nrm_node *inputs)
{
    const nrm_op_node n = nrm_new_node(op, like->dtype, like->ndim, like->shape);
    return place(w, &n, count, inputs);
}

static nrm_node put_fill(rewriter *w, const nrm_op_node *like, double value)
{
    nrm_op_node n = nrm_new_node(NRM_OP_fill, like->dtype, like->ndim, like->shape);
    n.value = like->dtype == NRM_F32 ? (double)(float)value : value;
    return place(w, &n, 0, NULL);
}

/* An operation on fills, by the kernel that would do it on arrays. */
static nrm_node fold_fills(rewriter *w, const nrm_op_node *n, int count, const nrm_node *inputs)
{
    double v[3] = {0}, y = 0;
    for (int i = 0; i < count; i++) v[i] = nrm_at(inputs[i])->value;
    if (n->op == NRM_OP_where) return put_fill(w, n, v[0] != 0 ? v[1] : v[2]);
    if (n->dtype == NRM_F32) {
        const nrm_elementwise_f32 *k = nrm_elementwise_f32_for(nrm_cpu_isa());
        const float a = (float)v[0], b = (float)v[1];
        float z;
        if (count == 1) k->unary[n->op - NRM_OP_neg](1, &a, &z);
        else k->binary[n->op - NRM_OP_add](1, &a, &b, &z);
        y = (double)z;
    } else {
        const nrm_elementwise_f64 *k = nrm_elementwise_f64_for(nrm_cpu_isa());
        if (count == 1) k->unary[n->op - NRM_OP_neg](1, &v[0], &y);
        else k->binary[n->op - NRM_OP_add](1, &v[0], &v[1], &y);
    }
    return put_fill(w, n, y);
}

static nrm_node simpler_product(rewriter *w, const nrm_op_node *n, nrm_node a, nrm_node b)
{
    if (is_op(a, NRM_OP_fill)) { /* constants to the right */
        const nrm_node c = a;
        a = b;
        b = c;
    }
    if (is_value(b, 1)) return a;
    if (is_value(b, -1)) return put(w, NRM_OP_neg, n, 1, &a);
    if (is_op(b, NRM_OP_fill) && is_op(a, NRM_OP_mul) && is_op(second(a), NRM_OP_fill)) {
        const double product = nrm_at(second(a))->value * nrm_at(b)->value;
        if (n->dtype == NRM_F32 ? isnormal((float)product) : isnormal(product)) {
            const nrm_node both[2] = {first(a), put_fill(w, n, product)};
            return nrm_node_valid(both[1]) ? put(w, NRM_OP_mul, n, 2, both) : both[1];
        }
    }
    return put(w, NRM_OP_mul, n, 2, (nrm_node[]){a, b});
}

static nrm_node simpler_sum(rewriter *w, const nrm_op_node *n, nrm_node a, nrm_node b)
{
    if (is_value(a, 0)) return b;
    if (is_value(b, 0)) return a;
    if (is_op(b, NRM_OP_neg)) return put(w, NRM_OP_sub, n, 2, (nrm_node[]){a, first(b)});
    if (is_op(a, NRM_OP_neg)) return put(w, NRM_OP_sub, n, 2, (nrm_node[]){b, first(a)});
    if (is_op(a, NRM_OP_fill)) return put(w, NRM_OP_add, n, 2, (nrm_node[]){b, a});
    return put(w, NRM_OP_add, n, 2, (nrm_node[]){a, b});
}

static nrm_node simpler_difference(rewriter *w, const nrm_op_node *n, nrm_node a, nrm_node b)
{
    if (is_value(b, 0)) return a;
    if (is_value(a, 0)) return put(w, NRM_OP_neg, n, 1, &b);
    if (is_op(b, NRM_OP_neg)) return put(w, NRM_OP_add, n, 2, (nrm_node[]){a, first(b)});
    return put(w, NRM_OP_sub, n, 2, (nrm_node[]){a, b});
}

/* A product whose factor is a transposed matrix reads it the other way round. */
static nrm_node simpler_matmul(rewriter *w, const nrm_op_node *n, const nrm_node *inputs)
{
    nrm_op_node changed = *n;
    nrm_node both[2] = {inputs[0], inputs[1]};
    for (int i = 0; i < 2; i++) {
        const nrm_op_node *x = nrm_at(both[i]);
        bool last_two = x->op == NRM_OP_permute && x->attributes[x->ndim - 1] == x->ndim - 2;
        for (int k = 0; last_two && k < x->ndim - 2; k++) last_two = x->attributes[k] == k;
        if (!last_two) continue;
        both[i] = first(both[i]);
        changed.attributes[i] = !changed.attributes[i];
    }
    return place(w, &changed, 2, both);
}

/* Views of views are one view. */
static nrm_node simpler_view(rewriter *w, const nrm_op_node *n, nrm_node x)
{
    const nrm_op_node *inner = nrm_at(x);
    if (inner->op == NRM_OP_fill) return put_fill(w, n, inner->value);
    if (n->op == NRM_OP_stop_gradient) return x;
    if (n->op == NRM_OP_reshape) {
        if (inner->op == NRM_OP_reshape) x = first(x);
        if (nrm_same_dims(n->ndim, n->shape, nrm_at(x)->ndim, nrm_at(x)->shape)) return x;
    }
    if (n->op == NRM_OP_broadcast && inner->op == NRM_OP_broadcast) x = first(x);
    if (n->op == NRM_OP_permute && inner->op == NRM_OP_permute) {
        nrm_op_node both = *n;
        bool moved = false;
        for (int i = 0; i < n->ndim; i++) {
            both.attributes[i] = inner->attributes[n->attributes[i]];
            moved = moved || both.attributes[i] != i;
        }
        x = first(x);
        return moved ? place(w, &both, 1, &x) : x;
    }
    return place(w, n, 1, &x);
}

static nrm_node simpler(rewriter *w, const nrm_op_node *n, int count, const nrm_node *inputs)
{
    const unsigned flags = nrm_op_types[n->op]->flags;
    bool fills = count > 0;
    for (int i = 0; i < count && fills; i++) fills = is_op(inputs[i], NRM_OP_fill);
    if (fills && (flags & NRM_OP_ELEMENTWISE)) return fold_fills(w, n, count, inputs);
    if (fills && n->op == NRM_OP_reduce_sum)
        return put_fill(w, n, n->attributes[1] == 0 ? 0 : nrm_at(inputs[0])->value * (double)n->attributes[1]);
    if (fills && (n->op == NRM_OP_reduce_greatest || n->op == NRM_OP_reduce_least)) return put_fill(w, n, nrm_at(inputs[0])->value);
    if (flags & NRM_OP_VIEW) return simpler_view(w, n, inputs[0]);
    switch (n->op) {
    case NRM_OP_add: return simpler_sum(w, n, inputs[0], inputs[1]);
    case NRM_OP_sub: return simpler_difference(w, n, inputs[0], inputs[1]);
    case NRM_OP_mul: return simpler_product(w, n, inputs[0], inputs[1]);
    case NRM_OP_div:
        if (is_value(inputs[1], 1)) return inputs[0];
        return place(w, n, count, inputs);
    case NRM_OP_neg:
        if (is_op(inputs[0], NRM_OP_neg)) return first(inputs[0]);
        return place(w, n, count, inputs);
    case NRM_OP_matmul: return simpler_matmul(w, n, inputs);
    default: return place(w, n, count, inputs);
    }
}

/* ---- Biases ------------------------------------------------------------------------------------------ */

static int32_t through_reshapes(const nrm_graph *g, int32_t i)
{
    while (g->nodes[i]->op == NRM_OP_reshape) i = g->nodes[i]->inputs[0];
    return i;
}

/* The row that is added to every row of x (n columns), -1 where y is something else. */
static int32_t bias_of(const nrm_graph *g, int32_t y, int64_t n)
{
    const nrm_op_node *wide = g->nodes[y];
    if (wide->op != NRM_OP_broadcast || wide->shape[wide->ndim - 1] != n) return -1;
    const nrm_op_node *row = g->nodes[wide->inputs[0]];
    return row->shape[row->ndim - 1] == n && nrm_elements(row) == n ? through_reshapes(g, wide->inputs[0]) : -1;
}

/* a b + 1 row', the product read by nothing else: the product begins with the row, and the
 * sum becomes a view of it.  Nodes stay in order because the row must be older. */
static nrm_status fold_biases(nrm_ctx *ctx, nrm_graph *g, int count, const int32_t *outputs)
{
    int32_t *readers = NULL;
    bool *live = NULL;
    nrm_status st;
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, readers, g->count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, live, g->count, "a program"));
    nrm_mark_live(g, count, outputs, live);
    for (int k = 0; k < count; k++) readers[outputs[k]]++;
    for (int32_t i = 0; i < g->count; i++)
        for (int k = 0; live[i] && k < g->nodes[i]->input_count; k++) readers[g->nodes[i]->inputs[k]]++;
    for (int32_t i = 0; i < g->count; i++) {
        nrm_op_node *sum = g->nodes[i];
        for (int side = 0; live[i] && sum->op == NRM_OP_add && side < 2; side++) {
            const int32_t x = sum->inputs[side], m = through_reshapes(g, x);
            nrm_op_node *product = g->nodes[m];
            if (product->op != NRM_OP_matmul || product->input_count != 2 || readers[m] != 1 || readers[x] != 1) continue;
            const int64_t n = product->shape[product->ndim - 1];
            const int32_t row = sum->shape[sum->ndim - 1] == n ? bias_of(g, sum->inputs[1 - side], n) : -1;
            if (row < 0 || row >= m) continue;
            int32_t *inputs = nrm_graph_keep(g, 3 * (int64_t)sizeof *inputs), *view = nrm_graph_keep(g, (int64_t)sizeof *view);
            NRM_STOP_IF(!inputs || !view, NRM_E_NOMEM, "compile: no memory for a node");
            inputs[0] = product->inputs[0];
            inputs[1] = product->inputs[1];
            inputs[2] = row;
            product->inputs = inputs;
            product->input_count = 3;
            view[0] = m;
            sum->op = NRM_OP_reshape;
            sum->inputs = view;
            sum->input_count = 1;
        }
    }
done:
    nrm_free(ctx, readers);
    nrm_free(ctx, live);
    return st;
}

/* ---- The copy ------------------------------------------------------------------------------------------ */

static nrm_status copy_node(rewriter *w, const nrm_graph *from, int32_t i, const void *folded, nrm_node *map, nrm_node *inputs)
{
    nrm_op_node n = *from->nodes[i];
    const int count = folded ? 0 : n.input_count;
    NRM_REQUIRE(w->ctx, n.op != NRM_OP_variable, NRM_E_ARGUMENT,
                "compile: a derivative depends on its own direction; the build_vjp of a custom operation must be linear in the cotangents");
    for (int k = 0; k < count; k++) inputs[k] = map[n.inputs[k]];
    n.inputs = NULL;
    n.input_count = 0;
    if (folded) {
        n = nrm_new_node(NRM_OP_constant, n.dtype, n.ndim, n.shape);
        n.constant = folded;
    } else if (n.op == NRM_OP_constant) {
        const int64_t bytes = nrm_elements(&n) * (int64_t)nrm_dtype_size(n.dtype);
        void *copy = nrm_graph_keep(w->to, bytes);
        if (copy && bytes > 0) memcpy(copy, n.constant, (size_t)bytes);
        n.constant = copy;
    } else if (n.op == NRM_OP_input || n.op == NRM_OP_parameter) {
        char *copy = nrm_graph_keep(w->to, (int64_t)strlen(n.name) + 1);
        if (copy) memcpy(copy, n.name, strlen(n.name) + 1);
        n.name = copy;
    } else if (n.custom) {
        n.custom = nrm_custom_keep(w->to, &n.custom->custom, n.custom->output_count, n.custom->outputs);
    }
    map[i] = w->to->status < 0 ? nrm_no_node() : w->optimise ? simpler(w, &n, count, inputs) : place(w, &n, count, inputs);
    return nrm_graph_check(w->to) < 0 ? nrm_fail(w->ctx, w->to->status, "compile: %s", w->to->message) : NRM_OK;
}

/* Inputs and parameters in the graph's order, used or not. */
static nrm_status list_inputs(nrm_ctx *ctx, nrm_program *p, const nrm_graph *from, const nrm_node *map)
{
    int count = 0;
    for (int32_t i = 0; i < from->count; i++) count += from->nodes[i]->op == NRM_OP_input || from->nodes[i]->op == NRM_OP_parameter;
    p->input_count = count;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, p->inputs, count, "a program"));
    NRM_TRY(NRM_ALLOC(ctx, p->input_nodes, count, "a program"));
    count = 0;
    for (int32_t i = 0; i < from->count; i++) {
        const nrm_op_node *n = from->nodes[i];
        if (n->op != NRM_OP_input && n->op != NRM_OP_parameter) continue;
        char *name = nrm_graph_keep(p->graph, (int64_t)strlen(n->name) + 1);
        if (!name) return nrm_fail(ctx, NRM_E_NOMEM, "compile: no memory for the name of an input");
        memcpy(name, n->name, strlen(n->name) + 1);
        nrm_program_array *a = &p->inputs[count];
        *a = (nrm_program_array){.name = name, .parameter = n->op == NRM_OP_parameter, .dtype = n->dtype, .ndim = n->ndim, .count = nrm_elements(n)};
        memcpy(a->shape, n->shape, sizeof a->shape);
        p->input_nodes[count++] = map[i].index;
    }
    return NRM_OK;
}

nrm_status nrm_rewrite(nrm_ctx *ctx, nrm_program *p, int count, const nrm_node *outputs)
{
    const nrm_graph *from = outputs[0].graph;
    rewriter w = {.ctx = ctx, .to = p->graph, .optimise = p->options.optimise, .table_size = 64};
    bool *live = NULL;
    nrm_node *map = NULL, *inputs = NULL;
    const void **folded = NULL;
    int most = 1;
    nrm_status st;

    while (w.table_size < 4 * (int64_t)from->count) w.table_size *= 2;
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, live, from->count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, map, from->count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, w.table, w.table_size, "a program"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, folded, from->count, "a program"));
    for (int k = 0; k < count; k++) p->outputs[k] = outputs[k].index;
    nrm_mark_live(from, count, p->outputs, live);
    for (int32_t i = 0; i < from->count; i++) {
        map[i] = nrm_no_node();
        if (from->nodes[i]->input_count > most) most = from->nodes[i]->input_count;
        p->graph_nodes += live[i];
    }
    for (int64_t i = 0; i < w.table_size; i++) w.table[i] = -1;
    NRM_TRY_DONE(NRM_ALLOC(ctx, inputs, most, "a program"));
    if (w.optimise) NRM_TRY_DONE(nrm_fold(ctx, outputs[0].graph, live, count, outputs, p->graph, folded));
    for (int32_t i = 0; i < from->count; i++)
        if (live[i] || from->nodes[i]->op == NRM_OP_input || from->nodes[i]->op == NRM_OP_parameter)
            NRM_TRY_DONE(copy_node(&w, from, i, folded[i], map, inputs));
    for (int k = 0; k < count; k++) p->outputs[k] = map[outputs[k].index].index;
    if (w.optimise && p->options.fuse) NRM_TRY_DONE(fold_biases(ctx, p->graph, count, p->outputs));
    st = list_inputs(ctx, p, from, map);
done:
    nrm_free(ctx, live);
    nrm_free(ctx, map);
    nrm_free(ctx, w.table);
    nrm_free(ctx, folded);
    nrm_free(ctx, inputs);
    return st;
}
