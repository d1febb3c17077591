/* describe.c -- a program in numbers, as text, and as a picture for Graphviz. */
#include "program.h"
#include <stdio.h>

/* ---- Numbers ---------------------------------------------------------------------------------- */

static double node_flops(const nrm_program *p, int32_t node)
{
    const nrm_op_node *n = p->graph->nodes[node];
    const nrm_op_node *few[8] = {NULL};
    if (nrm_op_types[n->op]->flops && n->input_count <= 8) {
        for (int k = 0; k < n->input_count; k++) few[k] = p->graph->nodes[n->inputs[k]];
        const nrm_op_run run = {.node = n, .inputs = few};
        return nrm_op_types[n->op]->flops(&run);
    }
    return nrm_op_types[n->op]->flags & (NRM_OP_VIEW | NRM_OP_SOURCE) ? 0 : (double)nrm_elements(n);
}

static double bytes_of(const nrm_op_node *n) { return (double)nrm_elements(n) * (double)nrm_dtype_size(n->dtype); }

/* Arrays that the step reads from outside, each once, and those that it leaves. */
static double step_bytes(const nrm_program *p, const nrm_step *s)
{
    double sum = 0;
    for (int32_t k = 0; k < s->node_count; k++) {
        const int32_t i = p->step_nodes[s->first_node + k];
        const nrm_op_node *n = p->graph->nodes[i];
        if (p->stored[i]) sum += bytes_of(n);
        for (int j = 0; j < n->input_count; j++) {
            const int32_t x = p->access[n->inputs[j]].base;
            bool counted = !p->stored[x];
            for (int32_t l = 0; l <= k && !counted; l++) {
                const nrm_op_node *earlier = p->graph->nodes[p->step_nodes[s->first_node + l]];
                for (int m = 0; m < (l == k ? j : earlier->input_count); m++) counted = counted || p->access[earlier->inputs[m]].base == x;
                counted = counted || p->step_nodes[s->first_node + l] == x;
            }
            if (!counted) sum += bytes_of(p->graph->nodes[x]);
        }
    }
    return sum;
}

nrm_program_stats nrm_program_statistics(const nrm_program *p)
{
    nrm_program_stats stats = NRM_ZERO;
    if (!p) return stats;
    stats.graph_nodes = p->graph_nodes;
    stats.steps = p->step_count;
    stats.arena_bytes = p->arena_bytes;
    stats.array_bytes = p->array_bytes;
    for (int32_t i = 0; i < p->graph->count; i++) stats.program_nodes += p->live[i];
    for (int32_t s = 0; s < p->step_count; s++) {
        const nrm_step *step = &p->steps[s];
        if (step->kind == NRM_STEP_SWEEP && step->node_count > 1) stats.fused_nodes += step->node_count;
        stats.bytes += step_bytes(p, step);
        for (int32_t k = 0; k < step->node_count; k++) stats.flops += node_flops(p, p->step_nodes[step->first_node + k]);
    }
    return stats;
}

/* ---- Text ----------------------------------------------------------------------------------------- */

typedef struct pen { nrm_ctx *ctx; char *text; int64_t capacity, length; nrm_status st; } pen;

static void write_text(pen *w, const char *format, ...) NRM_PRINTF(2, 3);
static void write_text(pen *w, const char *format, ...)
{
    char line[512];
    va_list list;
    va_start(list, format);
    const int length = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (w->st < 0 || length < 0) return;
    const int64_t kept = nrm_min_i64(length, (int64_t)sizeof line - 1);
    w->st = nrm_grow(w->ctx, &w->text, &w->capacity, w->length + kept + 1, 1, "a description");
    if (w->st < 0) return;
    memcpy(w->text + w->length, line, (size_t)kept + 1);
    w->length += kept;
}

static const char *kind_word(nrm_step_kind kind)
{
    static const char *const words[] = {"sweep", "product", "copy", "operation"};
    return words[kind];
}

/* Quotes and backslashes of a name would end Graphviz's strings. */
static void write_name(pen *w, const char *name)
{
    for (; *name; name++) write_text(w, "%s%c", *name == '"' || *name == '\\' ? "\\" : "", *name);
}

static void write_node(pen *w, const nrm_program *p, int32_t i)
{
    const nrm_op_node *n = p->graph->nodes[i];
    char shape[NRM_NODE_TEXT], number[NRM_NUMBER_LENGTH];
    write_text(w, "%%%d = %s", i, nrm_op_types[n->op]->name);
    if (*n->name) {
        write_text(w, " ");
        write_name(w, n->name);
    }
    if (n->op == NRM_OP_fill) {
        nrm_format_f64(number, n->value);
        write_text(w, " %s", number);
    }
    for (int k = 0; k < n->input_count; k++) {
        const bool turned = n->op == NRM_OP_matmul && k < 2 && n->attributes[k]; /* read as its transpose */
        write_text(w, "%s%%%d%s", k ? ", " : " ", n->inputs[k], turned ? "'" : "");
    }
    write_text(w, " : %s %s", nrm_dtype_name(n->dtype), nrm_dims_text(shape, n->ndim, n->shape));
}

static nrm_status finish(nrm_ctx *ctx, pen *w, char **text)
{
    if (w->st < 0) nrm_free(ctx, w->text);
    else *text = w->text;
    return w->st;
}

nrm_status nrm_program_text(nrm_ctx *ctx, const nrm_program *p, char **text)
{
    pen w = {.ctx = ctx};
    NRM_REQUIRE(ctx, p && text, NRM_E_NULL, "program: %s is NULL", p ? "the place for the text" : "the program");
    const nrm_program_stats stats = nrm_program_statistics(p);
    write_text(&w, "%lld nodes, %lld after cleaning up, %lld steps, %lld nodes fused; arena %lld bytes of %lld, %.4g flop, %.4g bytes moved\n",
               NRM_LL(stats.graph_nodes), NRM_LL(stats.program_nodes), NRM_LL(stats.steps), NRM_LL(stats.fused_nodes),
               NRM_LL(stats.arena_bytes), NRM_LL(stats.array_bytes), stats.flops, stats.bytes);
    for (int32_t s = 0; s < p->step_count; s++) {
        const nrm_step *step = &p->steps[s];
        write_text(&w, "step %d: %s", s, kind_word(step->kind));
        if (step->kind == NRM_STEP_SWEEP)
            write_text(&w, " of %lld elements, rows of %lld, tiles of %lld, %d registers", NRM_LL(step->sweep->elements), NRM_LL(step->sweep->row),
                       NRM_LL(step->sweep->tile), step->sweep->slots);
        write_text(&w, "\n");
        for (int32_t k = 0; k < step->node_count; k++) {
            const int32_t i = p->step_nodes[step->first_node + k];
            write_text(&w, "    ");
            write_node(&w, p, i);
            if (p->stored[i]) write_text(&w, "  at %lld", NRM_LL(p->place[i].offset));
            write_text(&w, "\n");
        }
    }
    return finish(ctx, &w, text);
}

nrm_status nrm_program_graphviz(nrm_ctx *ctx, const nrm_program *p, char **text)
{
    pen w = {.ctx = ctx};
    NRM_REQUIRE(ctx, p && text, NRM_E_NULL, "program: %s is NULL", p ? "the place for the text" : "the program");
    write_text(&w, "digraph program {\n  node [shape=box, fontname=\"monospace\", fontsize=10];\n");
    for (int32_t s = 0; s < p->step_count; s++) {
        const nrm_step *step = &p->steps[s];
        write_text(&w, "  subgraph cluster_%d { label=\"%d: %s\"; color=gray;", s, s, kind_word(step->kind));
        for (int32_t k = 0; k < step->node_count; k++) write_text(&w, " n%d;", p->step_nodes[step->first_node + k]);
        write_text(&w, " }\n");
    }
    for (int32_t i = 0; i < p->graph->count; i++) {
        if (!p->live[i]) continue;
        write_text(&w, "  n%d [label=\"", i);
        write_node(&w, p, i);
        write_text(&w, "\"%s];\n", p->stored[i] ? ", style=bold" : "");
        for (int k = 0; k < p->graph->nodes[i]->input_count; k++) write_text(&w, "  n%d -> n%d;\n", p->graph->nodes[i]->inputs[k], i);
    }
    write_text(&w, "}\n");
    return finish(ctx, &w, text);
}
