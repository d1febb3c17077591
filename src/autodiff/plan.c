/* plan.c -- the order of the steps, how long each array lives, and where.
 *
 * Steps go by the index of their last node, those they need first.  An array lives from the
 * step that makes it to the last that reads it; the arena is filled step by step with the
 * best fit among the gaps.  A sweep may write over an array that it reads for the last time,
 * element by element in step. */
#include "program.h"

enum { FOREVER = INT32_MAX };

typedef struct block { int64_t offset, bytes; int32_t last; int32_t node; } block;

typedef struct planner {
    nrm_ctx *ctx;
    nrm_program *p;
    int32_t *unit;  /* of a node: the node that names its step, -1 */
    int32_t *final; /* of a unit: its last node */
    int32_t *first, *next; /* of a unit, of a node: the members in rising order, -1 at the end */
    int8_t *state;  /* of a unit: 0 to do, 1 begun, 2 done */
    int32_t *stack;
    int32_t *last;  /* of a node: the last step that reads its array */
    int32_t *made;  /* of a node: the step that makes it */
    block *blocks;  /* in use, by offset */
    int32_t block_count;
    int32_t node_fill; /* step_nodes so far */
} planner;

/* ---- Steps ------------------------------------------------------------------------------------- */

static bool is_step(const nrm_program *p, int32_t i)
{
    const nrm_op_node *n = p->graph->nodes[i];
    if (!p->live[i] || n->op == NRM_OP_input || n->op == NRM_OP_parameter || n->op == NRM_OP_constant) return false;
    if (n->op == NRM_OP_fill || (nrm_op_types[n->op]->flags & NRM_OP_VIEW)) return p->stored[i];
    return true;
}

static nrm_step_kind kind_of(const nrm_program *p, int32_t i)
{
    const nrm_op_node *n = p->graph->nodes[i];
    if (p->group[i] >= 0) return NRM_STEP_SWEEP;
    if (nrm_op_types[n->op]->flags & NRM_OP_VIEW) return NRM_STEP_COPY;
    return n->op == NRM_OP_matmul ? NRM_STEP_PRODUCT : NRM_STEP_OPERATION;
}

/* Arrays that node i reads: a copy reads what its input shows. */
static int32_t base_of(const nrm_program *p, int32_t i, int k) { return p->access[p->graph->nodes[i]->inputs[k]].base; }

static nrm_status add_step(planner *a, int32_t unit)
{
    nrm_program *p = a->p;
    nrm_step *s = &p->steps[p->step_count];
    *s = (nrm_step){.kind = kind_of(p, a->final[unit]), .node = a->final[unit], .group = p->group[unit], .first_node = a->node_fill};
    for (int32_t i = a->first[unit]; i >= 0; i = a->next[i]) {
        p->step_nodes[a->node_fill++] = i;
        a->made[i] = p->step_count;
        for (int k = 0; k < p->graph->nodes[i]->input_count; k++)
            if (a->last[base_of(p, i, k)] < p->step_count) a->last[base_of(p, i, k)] = p->step_count;
    }
    s->node_count = a->node_fill - s->first_node;
    p->step_count++;
    return NRM_OK;
}

/* The unit and, before it, all that it needs. */
static nrm_status schedule(planner *a, int32_t unit)
{
    const nrm_program *p = a->p;
    int32_t depth = 0;
    a->stack[depth++] = unit;
    while (depth > 0) {
        const int32_t u = a->stack[depth - 1];
        bool ready = true;
        if (a->state[u] == 2) {
            depth--;
            continue;
        }
        a->state[u] = 1;
        for (int32_t i = a->first[u]; i >= 0 && ready; i = a->next[i]) {
            for (int k = 0; k < p->graph->nodes[i]->input_count && ready; k++) {
                const int32_t need = a->unit[base_of(p, i, k)];
                if (need < 0 || need == u || a->state[need] == 2) continue;
                NRM_REQUIRE(a->ctx, a->state[need] == 0, NRM_E_INTERNAL, "compile: steps depend on each other in a circle");
                a->stack[depth++] = need;
                ready = false;
            }
        }
        if (!ready) continue;
        a->state[u] = 2;
        depth--;
        NRM_TRY(add_step(a, u));
    }
    return NRM_OK;
}

static nrm_status make_steps(planner *a)
{
    nrm_program *p = a->p;
    int32_t units = 0;
    for (int32_t i = 0; i < p->graph->count; i++) {
        a->last[i] = a->made[i] = a->first[i] = -1;
        a->unit[i] = is_step(p, i) ? (p->group[i] >= 0 ? p->group[i] : i) : -1;
        if (a->unit[i] >= 0) a->final[a->unit[i]] = i;
    }
    for (int32_t i = p->graph->count - 1; i >= 0; i--) {
        if (a->unit[i] < 0) continue;
        units += a->final[a->unit[i]] == i;
        a->next[i] = a->first[a->unit[i]];
        a->first[a->unit[i]] = i;
    }
    NRM_TRY(NRM_ALLOC_ZERO(a->ctx, p->steps, units, "a program"));
    NRM_TRY(NRM_ALLOC_ZERO(a->ctx, p->step_nodes, p->graph->count, "a program"));
    /* Sources come when they are needed. */
    for (int32_t i = 0; i < p->graph->count; i++)
        if (a->unit[i] >= 0 && a->final[a->unit[i]] == i && !(nrm_op_types[p->graph->nodes[i]->op]->flags & NRM_OP_SOURCE))
            NRM_TRY(schedule(a, a->unit[i]));
    for (int k = 0; k < p->output_count; k++) {
        const int32_t base = p->access[p->outputs[k]].base;
        if (a->unit[base] >= 0) NRM_TRY(schedule(a, a->unit[base]));
        a->last[base] = FOREVER;
    }
    return NRM_OK;
}

/* ---- Memory ---------------------------------------------------------------------------------------- */

static int64_t bytes_of(const nrm_op_node *n) { return nrm_padded(nrm_elements(n) * (int64_t)nrm_dtype_size(n->dtype)); }

static void insert(planner *a, int32_t at, block b)
{
    memmove(&a->blocks[at + 1], &a->blocks[at], (size_t)(a->block_count - at) * sizeof b);
    a->blocks[at] = b;
    a->block_count++;
    if (b.offset + b.bytes > a->p->arena_bytes) a->p->arena_bytes = b.offset + b.bytes;
}

/* The smallest gap that holds it, or the end. */
static int64_t allocate(planner *a, int64_t bytes, int32_t last, int32_t node)
{
    int64_t end = 0, best = INT64_MAX;
    int32_t place = a->block_count;
    for (int32_t i = 0; i < a->block_count; i++) {
        const int64_t gap = a->blocks[i].offset - end;
        if (gap >= bytes && gap < best) {
            best = gap;
            place = i;
        }
        end = a->blocks[i].offset + a->blocks[i].bytes;
    }
    if (place < a->block_count) end = place > 0 ? a->blocks[place - 1].offset + a->blocks[place - 1].bytes : 0;
    insert(a, place, (block){end, bytes, last, node});
    a->p->array_bytes += bytes;
    return end;
}

static void release(planner *a, int32_t step)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < a->block_count; i++)
        if (a->blocks[i].last >= step) a->blocks[kept++] = a->blocks[i];
    a->block_count = kept;
}

/* The sweep reads node x element by element, in step with y, for the last time no later than
 * it writes y. */
static bool may_overwrite(const nrm_sweep *s, int32_t x, int32_t y)
{
    int last_read = -1, write = -1;
    bool small = false;
    for (int k = 0; k < s->instruction_count; k++) {
        const nrm_instruction *d = &s->instructions[k];
        const bool same_place = d->kind == NRM_DO_UNARY || d->kind == NRM_DO_BINARY || d->kind == NRM_DO_WHERE;
        if (d->node != y || !same_place || s->operands[d->to].access.base != y) continue;
        write = k;
        small = s->operands[d->to].small;
    }
    for (int o = 0; o < s->operand_count; o++) {
        const nrm_operand *operand = &s->operands[o];
        if ((operand->kind != NRM_OPERAND_MEMORY && operand->kind != NRM_OPERAND_LOAD) || operand->access.base != x) continue;
        if (operand->kind == NRM_OPERAND_LOAD || operand->access.offset != 0 || operand->small != small) return false;
        for (int k = last_read + 1; k < s->instruction_count; k++) {
            const nrm_instruction *d = &s->instructions[k];
            if (d->a == o || d->b == o || d->c == o) last_read = k;
        }
    }
    return last_read >= 0 && write >= last_read;
}

static bool take_over(planner *a, const nrm_step *s, int32_t step, int32_t y)
{
    const nrm_op_node *n = a->p->graph->nodes[y];
    if (s->kind != NRM_STEP_SWEEP || !a->p->options.optimise) return false;
    for (int32_t b = 0; b < a->block_count; b++) {
        block *have = &a->blocks[b];
        if (have->node < 0 || have->last != step || a->p->graph->nodes[have->node]->dtype != n->dtype ||
            nrm_elements(a->p->graph->nodes[have->node]) != nrm_elements(n) || !may_overwrite(s->sweep, have->node, y)) continue;
        a->p->place[y] = (nrm_place){.kind = NRM_PLACE_ARENA, .offset = have->offset, .output = -1};
        a->p->array_bytes += have->bytes;
        have->node = y;
        have->last = a->last[y];
        return true;
    }
    return false;
}

static nrm_status place_step(planner *a, int32_t step)
{
    nrm_program *p = a->p;
    nrm_step *s = &p->steps[step];
    release(a, step);
    if (s->kind == NRM_STEP_SWEEP) NRM_TRY(nrm_sweep_make(a->ctx, p, s));
    if (s->kind == NRM_STEP_PRODUCT) s->work = nrm_product_work(p, s);
    if (s->kind == NRM_STEP_OPERATION && nrm_op_types[p->graph->nodes[s->node]->op]->work) {
        nrm_op_run run;
        const nrm_op_node *few[8], **inputs = few;
        const int count = p->graph->nodes[s->node]->input_count;
        if (count > 8) NRM_TRY(NRM_ALLOC(a->ctx, inputs, count, "a program"));
        nrm_step_record(p, NULL, s, &run, inputs, NULL);
        run.threads = p->threads;
        s->work = nrm_op_types[run.node->op]->work(&run);
        if (inputs != few) nrm_free(a->ctx, inputs);
        NRM_REQUIRE(a->ctx, s->work >= 0, NRM_E_OVERFLOW, "compile: the work of an operation is larger than memory can address");
    }
    for (int32_t k = 0; k < s->node_count; k++) {
        const int32_t i = p->step_nodes[s->first_node + k];
        if (!p->stored[i]) continue;
        if (!p->options.optimise) a->last[i] = FOREVER;
        if (take_over(a, s, step, i)) continue;
        p->place[i] = (nrm_place){.kind = NRM_PLACE_ARENA, .offset = allocate(a, bytes_of(p->graph->nodes[i]), a->last[i], i), .output = -1};
    }
    if (s->work > 0) s->work_offset = allocate(a, nrm_padded(s->work), step, -1);
    return NRM_OK;
}

static void place_sources(nrm_program *p)
{
    for (int32_t i = 0; i < p->graph->count; i++) {
        p->place[i].output = -1;
        if (p->live[i] && p->graph->nodes[i]->op == NRM_OP_constant) p->place[i].kind = NRM_PLACE_CONSTANT;
    }
    for (int k = 0; k < p->input_count; k++) {
        p->inputs[k].used = p->input_nodes[k] >= 0 && p->live[p->input_nodes[k]];
        if (p->inputs[k].used) p->place[p->input_nodes[k]] = (nrm_place){.kind = NRM_PLACE_BOUND, .index = k, .output = -1};
    }
}

/* An output that is an array of its own can be made where the caller wants it. */
static void place_outputs(nrm_program *p)
{
    for (int k = 0; k < p->output_count; k++) {
        const nrm_access *a = &p->access[p->outputs[k]];
        nrm_place *place = &p->place[a->base];
        if (place->kind == NRM_PLACE_ARENA && place->output < 0 && a->offset == 0 &&
            a->count == nrm_elements(p->graph->nodes[a->base])) place->output = k;
    }
}

nrm_status nrm_plan(nrm_ctx *ctx, nrm_program *p)
{
    const int32_t count = p->graph->count;
    planner a = {.ctx = ctx, .p = p};
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC(ctx, a.unit, count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, a.final, count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, a.first, count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, a.next, count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, a.state, count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, a.stack, count + 1, "a program"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, a.last, count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, a.made, count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, a.blocks, 2 * (int64_t)count + 1, "a program"));
    NRM_TRY_DONE(make_steps(&a));
    place_sources(p);
    for (int32_t s = 0; s < p->step_count; s++) NRM_TRY_DONE(place_step(&a, s));
    place_outputs(p);
done:
    nrm_free(ctx, a.unit);
    nrm_free(ctx, a.final);
    nrm_free(ctx, a.first);
    nrm_free(ctx, a.next);
    nrm_free(ctx, a.state);
    nrm_free(ctx, a.stack);
    nrm_free(ctx, a.last);
    nrm_free(ctx, a.made);
    nrm_free(ctx, a.blocks);
    return st;
}
