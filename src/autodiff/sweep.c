/* sweep.c -- a group of nodes as instructions on tiles.
 *
 * Members in order, one instruction each, with loads before their first use and a spread
 * where a value of a row meets values of elements.  Registers are tiles of scratch memory,
 * handed out by a scan over the instructions: a value's register is free again after its
 * last reader, which may write its own result there.  What must be stored is computed where
 * it shall lie. */
#include "program.h"

enum { TILE_BYTES = 8192, TILE_BYTES_MANY = 4096, MANY_SLOTS = 4, END_BLOCKS = 32, PLAIN_BLOCKS = 256 };

typedef struct maker {
    nrm_program *p;
    nrm_sweep *s;
    int32_t group;
    nrm_operand operands[NRM_SWEEP_OPERANDS];
    nrm_instruction instructions[NRM_SWEEP_OPERANDS];
    int operand_count, instruction_count;
    const int32_t *members; /* nodes, rising */
    int *result;   /* of a member: its operand */
    int *widened;  /* of a small one: its spread, -1 */
    int32_t member_count;
    bool full;     /* too many operands */
} maker;

static int add_operand(maker *m, nrm_operand operand)
{
    if (m->operand_count == NRM_SWEEP_OPERANDS) {
        m->full = true;
        return 0;
    }
    operand.slot = -1;
    m->operands[m->operand_count] = operand;
    return m->operand_count++;
}

static void add_instruction(maker *m, nrm_instruction instruction)
{
    if (m->instruction_count == NRM_SWEEP_OPERANDS) m->full = true;
    else m->instructions[m->instruction_count++] = instruction;
}

static bool equal_access(const nrm_access *a, const nrm_access *b)
{
    if (a->base != b->base || a->offset != b->offset || a->ndim != b->ndim || a->count != b->count) return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->size[i] != b->size[i] || a->stride[i] != b->stride[i]) return false;
    return true;
}

/* An array of other members' making, through an access. */
static int outside_operand(maker *m, const nrm_access *access, bool small)
{
    const bool whole = nrm_access_whole(access);
    for (int i = 0; i < m->operand_count; i++) {
        const nrm_operand *o = &m->operands[i];
        if ((o->kind == NRM_OPERAND_MEMORY || o->kind == NRM_OPERAND_LOAD) && o->small == small && equal_access(&o->access, access)) return i;
    }
    const int made = add_operand(m, (nrm_operand){.kind = whole ? NRM_OPERAND_MEMORY : NRM_OPERAND_LOAD, .small = small, .access = *access});
    if (!whole) add_instruction(m, (nrm_instruction){.kind = NRM_DO_LOAD, .small = small, .to = made, .a = -1, .b = -1, .c = -1, .node = access->base});
    return made;
}

/* A node's number among the members. */
static int32_t number_of(const maker *m, int32_t node)
{
    int32_t low = 0, high = m->member_count;
    while (high - low > 1) {
        const int32_t middle = (low + high) / 2;
        if (m->members[middle] <= node) low = middle;
        else high = middle;
    }
    return low;
}

/* What member `node` reads as input k; `small`: the member's own level. */
static int read_operand(maker *m, int32_t node, int k, bool small)
{
    const nrm_program *p = m->p;
    const nrm_access *access = &p->access[p->graph->nodes[node]->inputs[k]];
    const int32_t x = access->base;
    if (p->graph->nodes[x]->op == NRM_OP_fill) return add_operand(m, (nrm_operand){.kind = NRM_OPERAND_VALUE, .value = p->graph->nodes[x]->value});
    if (p->group[x] != m->group) return outside_operand(m, access, small);
    const int32_t number = number_of(m, x);
    if (!p->small[x] || small) return m->result[number];
    if (m->widened[number] < 0) {
        m->widened[number] = add_operand(m, (nrm_operand){.kind = NRM_OPERAND_SCRATCH});
        add_instruction(m, (nrm_instruction){.kind = NRM_DO_SPREAD, .to = m->widened[number], .a = m->result[number], .b = -1, .c = -1, .node = x});
    }
    return m->widened[number];
}

/* A number as a register full of it: one that is there, or the operand itself, which nobody
 * else reads. */
static int as_array(maker *m, int operand, bool small)
{
    nrm_operand *o = &m->operands[operand];
    if (o->kind != NRM_OPERAND_VALUE) return operand;
    for (int i = 0; i < m->operand_count; i++)
        if (m->operands[i].kind == NRM_OPERAND_FILLED && m->operands[i].small == small && memcmp(&m->operands[i].value, &o->value, sizeof o->value) == 0) return i;
    *o = (nrm_operand){.kind = NRM_OPERAND_FILLED, .small = small, .value = o->value, .slot = -1};
    return operand;
}

static void add_member(maker *m, int32_t number)
{
    const nrm_program *p = m->p;
    const int32_t i = m->members[number];
    const nrm_op_node *n = p->graph->nodes[i];
    const bool reduction = nrm_op_types[n->op]->flags & NRM_OP_REDUCTION, small = p->small[i];
    nrm_instruction d = {.small = small, .a = -1, .b = -1, .c = -1, .node = i};

    d.a = read_operand(m, i, 0, small && !reduction);
    if (n->input_count > 1) d.b = read_operand(m, i, 1, small);
    if (n->input_count > 2) d.c = read_operand(m, i, 2, small);
    if (reduction && small) {
        d.kind = NRM_DO_ROW_REDUCE;
        d.operation = n->op == NRM_OP_reduce_sum ? 0 : n->op == NRM_OP_reduce_greatest ? 1 : 2;
        d.a = as_array(m, d.a, false);
    } else if (reduction) {
        d.kind = n->attributes[2] == 1 ? NRM_DO_TOTAL : NRM_DO_COLUMN_SUM;
        d.columns = n->attributes[2];
        d.a = as_array(m, d.a, false);
    } else if (n->op == NRM_OP_where) {
        d.kind = NRM_DO_WHERE;
        d.a = as_array(m, d.a, small);
        d.b = as_array(m, d.b, small);
        d.c = as_array(m, d.c, small);
    } else if (n->input_count == 2) {
        d.kind = NRM_DO_BINARY;
        d.operation = (int)n->op - (int)NRM_OP_add;
        if (m->operands[d.a].kind == NRM_OPERAND_VALUE && m->operands[d.b].kind == NRM_OPERAND_VALUE) d.a = as_array(m, d.a, small);
    } else {
        d.kind = NRM_DO_UNARY;
        d.operation = (int)n->op - (int)NRM_OP_neg;
        d.a = as_array(m, d.a, small);
    }
    const nrm_access own = nrm_access_make(i, 0, 1, (int64_t[]){nrm_elements(n)}, (int64_t[]){1});
    const bool in_memory = p->stored[i] || (reduction && !small);
    d.to = add_operand(m, (nrm_operand){.kind = in_memory ? NRM_OPERAND_MEMORY : NRM_OPERAND_SCRATCH, .small = small, .access = own});
    m->result[number] = d.to;
    m->widened[number] = -1;
    add_instruction(m, d);
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

static bool reads(const nrm_instruction *d, int operand) { return d->a == operand || d->b == operand || d->c == operand; }

static void give_slots(maker *m)
{
    bool taken[NRM_SWEEP_OPERANDS] = {false};
    int last[NRM_SWEEP_OPERANDS], slots = 0;

    for (int i = 0; i < m->operand_count; i++) {
        last[i] = -1;
        for (int k = 0; k < m->instruction_count; k++)
            if (reads(&m->instructions[k], i)) last[i] = k;
        const nrm_operand *o = &m->operands[i];
        if (o->kind == NRM_OPERAND_FILLED || (o->kind == NRM_OPERAND_LOAD && o->repeats)) m->operands[i].slot = slots++; /* kept for all tiles */
    }
    for (int i = 0; i < slots; i++) taken[i] = true;
    for (int k = 0; k < m->instruction_count; k++) {
        const nrm_instruction *d = &m->instructions[k];
        const bool in_place = d->kind == NRM_DO_UNARY || d->kind == NRM_DO_BINARY || d->kind == NRM_DO_WHERE;
        nrm_operand *to = &m->operands[d->to];
        for (int round = 0; round < 2; round++) {
            if (round == (in_place ? 0 : 1)) { /* what ends here is free, before or after the result takes its place */
                for (int i = 0; i < m->operand_count; i++)
                    if (last[i] == k && m->operands[i].slot >= 0 && m->operands[i].kind != NRM_OPERAND_FILLED && !m->operands[i].repeats)
                        taken[m->operands[i].slot] = false;
            } else if ((to->kind == NRM_OPERAND_SCRATCH || to->kind == NRM_OPERAND_LOAD) && to->slot < 0) {
                int slot = 0;
                while (taken[slot]) slot++;
                to->slot = slot;
                taken[slot] = last[d->to] > k;
                if (slot >= slots) slots = slot + 1;
            }
        }
    }
    m->s->slots = slots;
}

/* ---- Tiles ------------------------------------------------------------------------------------------------ */

static int64_t period(const nrm_operand *o) /* of a load that repeats along the range; 0: it does not */
{
    if (o->kind != NRM_OPERAND_LOAD || o->small) return 0;
    if (o->access.ndim == 1 && o->access.stride[0] == 0) return 1;
    return o->access.ndim == 2 && o->access.stride[0] == 0 ? o->access.size[1] : 0;
}

static void choose_tiles(maker *m, int64_t bytes)
{
    nrm_sweep *s = m->s;
    const int64_t size = (int64_t)nrm_dtype_size(s->dtype);
    int64_t tile = bytes / size;
    if (s->row > 0) tile = nrm_max_i64(tile / s->row, 1) * s->row;
    for (int i = 0; i < m->operand_count && s->row == 0; i++) {
        const int64_t length = period(&m->operands[i]);
        if (length > 1 && length <= tile) {
            tile = tile / length * length;
            break;
        }
    }
    if (tile > s->elements) tile = s->elements;
    s->tile = tile;
    s->tiles = tile > 0 ? (s->elements + tile - 1) / tile : 0;
    for (int i = 0; i < m->operand_count; i++) {
        const int64_t length = period(&m->operands[i]);
        m->operands[i].repeats = length > 0 && tile % length == 0;
    }
}

static void place_partials(maker *m, nrm_step *step)
{
    nrm_sweep *s = m->s;
    const int64_t size = (int64_t)nrm_dtype_size(s->dtype);
    bool ends = false;
    int64_t widest = 1, at = 0;
    for (int k = 0; k < m->instruction_count; k++) {
        const nrm_instruction *d = &m->instructions[k];
        ends = ends || d->kind == NRM_DO_COLUMN_SUM || d->kind == NRM_DO_TOTAL;
        if (d->kind == NRM_DO_COLUMN_SUM) widest = nrm_max_i64(widest, d->columns);
    }
    /* A block of an end has enough elements to pay for the merging of its sums. */
    const int64_t enough = ends ? nrm_max_i64(1, (8 * widest + s->tile - 1) / nrm_max_i64(s->tile, 1)) : 1;
    s->blocks = nrm_max_i64(1, nrm_min_i64(s->tiles / enough, ends ? END_BLOCKS : PLAIN_BLOCKS));
    for (int k = 0; k < m->instruction_count; k++) {
        nrm_instruction *d = &m->instructions[k];
        if (d->kind != NRM_DO_COLUMN_SUM && d->kind != NRM_DO_TOTAL) continue;
        d->partial = at;
        at += nrm_padded(s->blocks * (d->kind == NRM_DO_TOTAL ? 8 : d->columns * size));
    }
    step->work = at;
}

/* Field by field: the tables are large, and graphs have thousands of sweeps. */
static void begin(maker *m, nrm_program *p, nrm_sweep *s, const nrm_step *step)
{
    m->p = p;
    m->s = s;
    m->group = step->group;
    m->members = p->step_nodes + step->first_node;
    m->member_count = step->node_count;
    m->operand_count = m->instruction_count = 0;
    m->result = m->widened = NULL;
    m->full = false;
}

nrm_status nrm_sweep_make(nrm_ctx *ctx, nrm_program *p, nrm_step *step)
{
    maker *m = NULL;
    nrm_sweep *s = nrm_graph_keep(p->graph, sizeof *s);
    nrm_status st;

    NRM_REQUIRE(ctx, s, NRM_E_NOMEM, "compile: no memory for a sweep");
    NRM_TRY(NRM_ALLOC(ctx, m, 1, "a program"));
    begin(m, p, s, step);
    NRM_TRY_DONE(NRM_ALLOC(ctx, m->result, step->node_count, "a program"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, m->widened, step->node_count, "a program"));
    *s = (nrm_sweep){.dtype = p->graph->nodes[step->node]->dtype, .elements = p->group_elements[step->group], .row = p->group_row[step->group]};
    for (int32_t k = 0; k < step->node_count; k++) add_member(m, k);
    NRM_STOP_IF(m->full, NRM_E_INTERNAL, "compile: a sweep of %d nodes has too many operands", step->node_count);
    choose_tiles(m, TILE_BYTES);
    give_slots(m);
    if (s->slots > MANY_SLOTS && s->tile * (int64_t)nrm_dtype_size(s->dtype) > TILE_BYTES_MANY) { /* a smaller tile may repeat differently */
        for (int i = 0; i < m->operand_count; i++) m->operands[i].slot = -1;
        choose_tiles(m, TILE_BYTES_MANY);
        give_slots(m);
    }
    place_partials(m, step);
    s->slot_bytes = nrm_padded(s->tile * (int64_t)nrm_dtype_size(s->dtype));
    p->scratch_bytes = nrm_max_i64(p->scratch_bytes, s->slots * s->slot_bytes);
    s->operand_count = m->operand_count;
    s->instruction_count = m->instruction_count;
    s->operands = nrm_graph_keep(p->graph, m->operand_count * (int64_t)sizeof *s->operands);
    s->instructions = nrm_graph_keep(p->graph, m->instruction_count * (int64_t)sizeof *s->instructions);
    NRM_STOP_IF(!s->operands || !s->instructions, NRM_E_NOMEM, "compile: no memory for a sweep");
    memcpy(s->operands, m->operands, (size_t)m->operand_count * sizeof *s->operands);
    memcpy(s->instructions, m->instructions, (size_t)m->instruction_count * sizeof *s->instructions);
    step->sweep = s;
done:
    nrm_free(ctx, m->result);
    nrm_free(ctx, m->widened);
    nrm_free(ctx, m);
    return st;
}
