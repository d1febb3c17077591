/* group.c -- which elementwise nodes and reductions become one sweep.
 *
 * A group is a set of nodes over one flat range of elements, or of rows: members are full (a
 * value an element), small (a value a row: what a reduction of rows gives, and what is made
 * of that), or ends (sums over all rows or all elements, which no member reads).  Two groups
 * may join when their ranges agree, every value that passes between them is read in step
 * (a full one element by element, a small one spread along its row), and no path leads from
 * one through outside nodes to the other.
 *
 * Order matters.  A value with one reader goes to its reader first: that saves writing and
 * reading it.  Values with several readers come second.  So what a backward pass makes of a
 * forward value lands in the backward sweep, and is not stored on the way. */
#include "program.h"

enum {
    MOST_ROW = 16384,   /* elements of a row that a tile can hold */
    LONG_TOTAL = 4096,  /* a whole array up to this may be summed as one row and read on */
    MOST_MEMBERS = 48,
    MOST_COLUMNS = 65536
};

typedef enum level { FULL, SMALL, END } level;

typedef struct groups {
    nrm_program *p;
    nrm_graph *g;
    level *level;      /* of a member */
    int64_t *elements, *row; /* of a group; row 0: none */
    int32_t *members;  /* how many */
    int32_t *readers;  /* of a node's array: different nodes, and outputs */
    int32_t *stack, *last; /* last: the greatest member of a group */
    bool *seen;        /* nodes, for walks */
} groups;

static bool is_reduction(const nrm_op_node *n) { return nrm_op_types[n->op]->flags & NRM_OP_REDUCTION; }
static bool is_virtual(const nrm_program *p, int32_t i)
{
    return !p->stored[i] && (nrm_op_types[p->graph->nodes[i]->op]->flags & NRM_OP_VIEW);
}

static bool row_reduction(const nrm_op_node *n)
{
    const int64_t outer = n->attributes[0], count = n->attributes[1], inner = n->attributes[2];
    return inner == 1 && count > 0 && count <= MOST_ROW && (outer > 1 || count <= LONG_TOTAL);
}

static bool end_reduction(const nrm_op_node *n)
{
    return n->op == NRM_OP_reduce_sum && n->attributes[0] == 1 && n->attributes[2] <= MOST_COLUMNS;
}

bool nrm_sweeps(const nrm_op_node *n)
{
    if (is_reduction(n)) return row_reduction(n) || end_reduction(n);
    return nrm_op_types[n->op]->flags & NRM_OP_ELEMENTWISE;
}

/* A group of one, if a sweep can do the node at all. */
static void start(groups *s, int32_t i)
{
    const nrm_op_node *n = s->g->nodes[i];
    const bool reduction = is_reduction(n), rows = reduction && row_reduction(n);

    s->p->group[i] = -1;
    if (!s->p->live[i] || !nrm_sweeps(n)) return;
    s->p->group[i] = i;
    s->level[i] = rows ? SMALL : reduction ? END : FULL;
    s->elements[i] = reduction ? n->attributes[0] * n->attributes[1] * n->attributes[2] : nrm_elements(n);
    s->row[i] = rows ? n->attributes[1] : 0;
    s->members[i] = 1;
    s->last[i] = i;
}

/* ---- May two join? ---------------------------------------------------------------------------------- */

static bool same_access(const nrm_access *a, const nrm_access *b)
{
    return a->base == b->base && a->offset == b->offset && a->count == b->count && a->ndim == b->ndim &&
           memcmp(a->size, b->size, (size_t)a->ndim * sizeof *a->size) == 0 &&
           memcmp(a->stride, b->stride, (size_t)a->ndim * sizeof *a->stride) == 0;
}

static bool in_step(const nrm_access *a, int64_t count) { return nrm_access_whole(a) && a->offset == 0 && a->count == count; }

static bool spread(const nrm_access *a, int64_t elements, int64_t row)
{
    const nrm_access want = nrm_access_make(a->base, 0, 2, (int64_t[]){elements / row, row}, (int64_t[]){1, 0});
    return same_access(a, &want);
}

/* The value of member b, read through `a` by member c. */
static bool can_read(const groups *s, int32_t c, level of_c, const nrm_access *a, level of_b, int64_t elements, int64_t row)
{
    if (of_b == END) return false;
    if (of_b == FULL) return (of_c != SMALL || is_reduction(s->g->nodes[c])) && in_step(a, elements);
    if (of_c == SMALL) return !is_reduction(s->g->nodes[c]) && in_step(a, elements / row);
    return of_c == FULL && spread(a, elements, row);
}

/* Some member of a or b is read by an outside node on which a or b depends. */
static bool would_cycle(groups *s, int32_t a, int32_t b)
{
    const nrm_program *p = s->p;
    const int32_t count = s->g->count;
    int32_t depth = 0, least = count;
    bool found = false;

    for (int32_t i = 0; i < count; i++) s->seen[i] = false;
    for (int32_t i = 0; i < count; i++) {
        if (p->group[i] != a && p->group[i] != b) continue;
        if (i < least) least = i;
        for (int k = 0; k < s->g->nodes[i]->input_count; k++) {
            const int32_t x = p->access[s->g->nodes[i]->inputs[k]].base;
            if (p->group[x] == a || p->group[x] == b || s->seen[x]) continue;
            s->seen[x] = true;
            s->stack[depth++] = x;
        }
    }
    while (depth > 0 && !found) {
        const int32_t x = s->stack[--depth], group = p->group[x];
        if (group >= 0 ? s->last[group] < least : x < least) continue; /* all that it needs is earlier */
        for (int32_t i = group >= 0 ? 0 : x; i <= (group >= 0 ? s->last[group] : x) && !found; i++) {
            if (group >= 0 && p->group[i] != group) continue;
            s->seen[i] = true;
            for (int k = 0; k < s->g->nodes[i]->input_count; k++) {
                const int32_t y = p->access[s->g->nodes[i]->inputs[k]].base;
                if (p->group[y] == a || p->group[y] == b) found = true;
                if (s->seen[y]) continue;
                s->seen[y] = true;
                s->stack[depth++] = y;
            }
        }
    }
    return found;
}

/* Join b into a; true if they could be. */
static bool join(groups *s, int32_t a, int32_t b)
{
    const nrm_program *p = s->p;
    int64_t elements = s->elements[a], row = s->row[a] ? s->row[a] : s->row[b];
    int32_t shrunk = -1; /* this group's full members become small */

    if (s->members[a] + s->members[b] > MOST_MEMBERS || s->g->nodes[s->last[a]]->dtype != s->g->nodes[s->last[b]]->dtype) return false;
    if (s->elements[a] == s->elements[b]) {
        if (s->row[a] && s->row[b] && s->row[a] != s->row[b]) return false;
    } else if (s->row[a] && !s->row[b] && s->elements[b] * s->row[a] == s->elements[a]) {
        shrunk = b;
    } else if (s->row[b] && !s->row[a] && s->elements[a] * s->row[b] == s->elements[b]) {
        shrunk = a;
        elements = s->elements[b];
    } else {
        return false;
    }
    for (int32_t i = 0; i < s->g->count; i++) {
        const int32_t group = p->group[i];
        if (group != a && group != b) continue;
        if (group == shrunk && s->level[i] == END) return false;
        const level of_c = group == shrunk ? SMALL : s->level[i];
        for (int k = 0; k < s->g->nodes[i]->input_count; k++) {
            const nrm_access *access = &p->access[s->g->nodes[i]->inputs[k]];
            const int32_t from = p->group[access->base];
            if (from != a && from != b) continue;
            if (!can_read(s, i, of_c, access, from == shrunk ? SMALL : s->level[access->base], elements, row)) return false;
        }
    }
    if (would_cycle(s, a, b)) return false;
    for (int32_t i = 0; i < s->g->count; i++) {
        if (p->group[i] == shrunk && shrunk >= 0) s->level[i] = SMALL;
        if (p->group[i] == b) p->group[i] = a;
    }
    s->elements[a] = elements;
    s->row[a] = row;
    s->members[a] += s->members[b];
    if (s->last[b] > s->last[a]) s->last[a] = s->last[b];
    return true;
}

/* ---- All of them --------------------------------------------------------------------------------------- */

static void count_readers(groups *s)
{
    const nrm_program *p = s->p;
    for (int32_t i = 0; i < s->g->count; i++) {
        const nrm_op_node *n = s->g->nodes[i];
        if (!p->live[i] || is_virtual(p, i)) continue;
        for (int k = 0; k < n->input_count; k++) {
            bool again = false;
            for (int l = 0; l < k; l++) again = again || p->access[n->inputs[l]].base == p->access[n->inputs[k]].base;
            s->readers[p->access[n->inputs[k]].base] += !again;
        }
    }
    for (int k = 0; k < p->output_count; k++) s->readers[p->access[p->outputs[k]].base] += 2; /* must be stored anyway */
}

static void join_along(groups *s, bool single_reader)
{
    const nrm_program *p = s->p;
    for (int32_t i = 0; i < s->g->count; i++) {
        const nrm_op_node *n = s->g->nodes[i];
        if (p->group[i] < 0) continue;
        for (int k = 0; k < n->input_count; k++) {
            const int32_t x = p->access[n->inputs[k]].base;
            if (p->group[x] < 0 || p->group[x] == p->group[i] || (s->readers[x] == 1) != single_reader) continue;
            join(s, p->group[i], p->group[x]);
        }
    }
}

/* A member is stored if anything outside its group reads it. */
static void find_stored(groups *s)
{
    nrm_program *p = s->p;
    for (int32_t i = 0; i < s->g->count; i++)
        if (p->group[i] >= 0) p->stored[i] = false;
    for (int32_t i = 0; i < s->g->count; i++) {
        if (!p->live[i] || is_virtual(p, i)) continue;
        for (int k = 0; k < s->g->nodes[i]->input_count; k++) {
            const int32_t x = p->access[s->g->nodes[i]->inputs[k]].base;
            if (p->group[x] >= 0 && p->group[x] != p->group[i]) p->stored[x] = true;
        }
    }
    for (int k = 0; k < p->output_count; k++) p->stored[p->access[p->outputs[k]].base] = true;
}

nrm_status nrm_find_groups(nrm_ctx *ctx, nrm_program *p)
{
    const int32_t count = p->graph->count;
    groups s = {.p = p, .g = p->graph};
    nrm_arena arena = {0};
    const int slots[] = {nrm_arena_add(&arena, count, sizeof *s.level), nrm_arena_add(&arena, count, sizeof *s.elements),
                         nrm_arena_add(&arena, count, sizeof *s.row), nrm_arena_add(&arena, count, sizeof *s.members),
                         nrm_arena_add(&arena, count, sizeof *s.readers), nrm_arena_add(&arena, count, sizeof *s.stack),
                         nrm_arena_add(&arena, count, sizeof *s.last), nrm_arena_add(&arena, count, sizeof *s.seen)};
    NRM_TRY(nrm_arena_alloc(ctx, &arena, "a program"));
    s.level = nrm_arena_at(&arena, slots[0]);
    s.elements = nrm_arena_at(&arena, slots[1]);
    s.row = nrm_arena_at(&arena, slots[2]);
    s.members = nrm_arena_at(&arena, slots[3]);
    s.readers = nrm_arena_at(&arena, slots[4]);
    s.stack = nrm_arena_at(&arena, slots[5]);
    s.last = nrm_arena_at(&arena, slots[6]);
    s.seen = nrm_arena_at(&arena, slots[7]);
    for (int32_t i = 0; i < count; i++) start(&s, i);
    count_readers(&s);
    if (p->options.fuse) {
        join_along(&s, true);
        join_along(&s, false);
    }
    if (p->options.optimise) find_stored(&s);
    for (int32_t i = 0; i < count; i++) { /* plan.c and sweep.c want the row of each group, beside its members */
        if (p->group[i] < 0) continue;
        p->group_row[p->group[i]] = s.row[p->group[i]];
        p->group_elements[p->group[i]] = s.elements[p->group[i]];
        p->small[i] = s.level[i] == SMALL;
    }
    nrm_arena_free(ctx, &arena);
    return NRM_OK;
}
