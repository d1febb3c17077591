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
    int32_t *next, *tail; /* the members of a group: from the one that names it to its tail, -1 after it */
    int32_t *order, *at;  /* the units, -1 where there is none; where a unit stands in it */
    int32_t *seen, walk;  /* units seen in this walk have its number */
    int32_t *stack;
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
    s->tail[i] = i;
    s->next[i] = -1;
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

/* ---- Circles ------------------------------------------------------------------------------------------
 * A unit is a group or a node without one.  s->order lists the units so that each comes after
 * all that it needs (the index of a node says nothing of the late members of its group), so
 * the search for a path from one unit back to another may leave out all that comes before it. */

static int32_t unit_of(const groups *s, int32_t node) { return s->p->group[node] >= 0 ? s->p->group[node] : node; }

/* Put the units that node i reads on the stack, those after `early`; true if one is `early`. */
static bool walk_inputs(groups *s, int32_t i, int32_t early, int32_t *depth)
{
    bool found = false;
    for (int k = 0; k < s->g->nodes[i]->input_count; k++) {
        const int32_t u = unit_of(s, s->p->access[s->g->nodes[i]->inputs[k]].base);
        found = found || u == early;
        if (s->seen[u] == s->walk || s->at[u] <= s->at[early]) continue;
        s->seen[u] = s->walk;
        s->stack[(*depth)++] = u;
    }
    return found;
}

/* `late` needs an outside unit that needs `early`.  Else the units that it needs and that come
 * after `early` are marked as seen. */
static bool would_cycle(groups *s, int32_t early, int32_t late)
{
    int32_t depth = 0;
    bool found = false;
    s->seen[late] = ++s->walk;
    for (int32_t i = late; i >= 0; i = s->next[i]) walk_inputs(s, i, early, &depth);
    while (depth > 0 && !found)
        for (int32_t u = s->stack[--depth], i = u; i >= 0 && !found; i = s->p->group[u] >= 0 ? s->next[i] : -1) found = walk_inputs(s, i, early, &depth);
    return found;
}

/* The order after the join: what `late` needs, the joint unit, all others in between. */
static void reorder(groups *s, int32_t early, int32_t late, int32_t joint)
{
    const int32_t end = s->at[late];
    int32_t to = s->at[early], others = 0;
    for (int32_t q = to; q <= end; q++) {
        const int32_t u = s->order[q];
        s->order[q] = -1;
        if (u < 0 || u == early || u == late) continue;
        if (s->seen[u] != s->walk) s->stack[others++] = u;
        else s->order[s->at[u] = to++] = u;
    }
    s->order[s->at[joint] = to++] = joint;
    for (int32_t k = 0; k < others; k++) s->order[s->at[s->stack[k]] = to++] = s->stack[k];
}

/* The members of `in` can read what a and b hold, once `shrunk` is small. */
static bool can_read_all(const groups *s, int32_t in, int32_t a, int32_t b, int32_t shrunk, int64_t elements, int64_t row)
{
    const nrm_program *p = s->p;
    for (int32_t i = in; i >= 0; i = s->next[i]) {
        if (in == shrunk && s->level[i] == END) return false;
        const level of_c = in == shrunk ? SMALL : s->level[i];
        for (int k = 0; k < s->g->nodes[i]->input_count; k++) {
            const nrm_access *access = &p->access[s->g->nodes[i]->inputs[k]];
            const int32_t from = p->group[access->base];
            if (from != a && from != b) continue;
            if (!can_read(s, i, of_c, access, from == shrunk ? SMALL : s->level[access->base], elements, row)) return false;
        }
    }
    return true;
}

/* Join b into a; true if they could be. */
static bool join(groups *s, int32_t a, int32_t b)
{
    int64_t elements = s->elements[a], row = s->row[a] ? s->row[a] : s->row[b];
    int32_t shrunk = -1; /* this group's full members become small */

    if (s->members[a] + s->members[b] > MOST_MEMBERS || s->g->nodes[a]->dtype != s->g->nodes[b]->dtype) return false;
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
    const int32_t early = s->at[a] < s->at[b] ? a : b, late = early == a ? b : a;
    if (!can_read_all(s, a, a, b, shrunk, elements, row) || !can_read_all(s, b, a, b, shrunk, elements, row) || would_cycle(s, early, late)) return false;
    reorder(s, early, late, a);
    for (int32_t i = shrunk; i >= 0; i = s->next[i]) s->level[i] = SMALL;
    for (int32_t i = b; i >= 0; i = s->next[i]) s->p->group[i] = a;
    s->next[s->tail[a]] = b;
    s->tail[a] = s->tail[b];
    s->elements[a] = elements;
    s->row[a] = row;
    s->members[a] += s->members[b];
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
                         nrm_arena_add(&arena, count, sizeof *s.order), nrm_arena_add(&arena, count, sizeof *s.seen),
                         nrm_arena_add(&arena, count, sizeof *s.next), nrm_arena_add(&arena, count, sizeof *s.tail),
                         nrm_arena_add(&arena, count, sizeof *s.at)};
    NRM_TRY(nrm_arena_alloc(ctx, &arena, "a program"));
    s.level = nrm_arena_at(&arena, slots[0]);
    s.elements = nrm_arena_at(&arena, slots[1]);
    s.row = nrm_arena_at(&arena, slots[2]);
    s.members = nrm_arena_at(&arena, slots[3]);
    s.readers = nrm_arena_at(&arena, slots[4]);
    s.stack = nrm_arena_at(&arena, slots[5]);
    s.order = nrm_arena_at(&arena, slots[6]);
    s.seen = nrm_arena_at(&arena, slots[7]);
    s.next = nrm_arena_at(&arena, slots[8]);
    s.tail = nrm_arena_at(&arena, slots[9]);
    s.at = nrm_arena_at(&arena, slots[10]);
    for (int32_t i = 0; i < count; i++) {
        s.order[i] = s.at[i] = i;
        start(&s, i);
    }
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
