/* setup.c -- the memory of an optimizer: state, blocks, what matrices share, work.  The parts:
 * optim.h. */
#include "optim.h"
#include <stdio.h>

/* ---- State ------------------------------------------------------------------------------------- */

int64_t nrm_optimizer_state_elements(const nrm_optimizer_slot *s, const nrm_rule_state *form)
{
    return form->rows ? form->rows * form->cols : s->count;
}

/* Arrays of a shape of their own are with whoever holds all of the slot. */
int64_t nrm_optimizer_state_held(const nrm_optimizer_slot *s, const nrm_rule_state *form)
{
    if (!form->rows) return s->held;
    return s->held == s->count ? form->rows * form->cols : 0;
}

nrm_dtype nrm_optimizer_state_dtype(const nrm_optimizer_slot *s, const nrm_rule_state *form)
{
    return form->values == NRM_RULE_INDICES ? NRM_I64 : form->values == NRM_RULE_CODES ? NRM_U8 : s->dtype;
}

static int64_t state_bytes(const nrm_optimizer_slot *s, const nrm_rule_state *form)
{
    return nrm_optimizer_state_held(s, form) * (int64_t)nrm_dtype_size(nrm_optimizer_state_dtype(s, form));
}

nrm_status nrm_optimizer_state_name(nrm_ctx *ctx, char **name, const char *kind, const char *suffix, const nrm_optimizer_slot *s)
{
    const size_t size = strlen(kind) + strlen(suffix) + strlen(s->name) + 24;
    char block[22] = "";

    NRM_TRY(NRM_ALLOC(ctx, *name, (int64_t)size, "the name of a state"));
    if (s->block >= 0) snprintf(block, sizeof block, "#%lld", NRM_LL(s->block));
    snprintf(*name, size, "%s.%s:%s%s", kind, suffix, s->name, block);
    return NRM_OK;
}

/* The cells, with their names, and one block of zeros for all of them. */
nrm_status nrm_optimizer_make_state(nrm_ctx *ctx, nrm_optimizer *o)
{
    nrm_rule_state form;
    int64_t bytes = 0, cell = 0, at = 0;

    for (int64_t i = 0; i < o->slot_count; i++) {
        const nrm_optimizer_slot *s = &o->slots[i];
        const nrm_optimizer_member *g = &o->groups[s->group];
        for (int k = 0; k < NRM_RULE_STATES && g->rule->state(&g->options, k, s->rows, s->cols, &form); k++) {
            o->cell_count++;
            NRM_REQUIRE(ctx, nrm_add_size(bytes, nrm_padded(state_bytes(s, &form)), &bytes), NRM_E_OVERFLOW,
                        "optimizer: its state is more than memory can address");
        }
    }
    NRM_TRY(NRM_ALLOC_ZERO(ctx, o->cells, o->cell_count, "the state of an optimizer"));
    NRM_TRY(nrm_alloc_zeroed(ctx, &o->state, bytes, 1, "the state of an optimizer"));
    for (int64_t i = 0; i < o->slot_count; i++) {
        nrm_optimizer_slot *s = &o->slots[i];
        const nrm_optimizer_member *g = &o->groups[s->group];
        for (int k = 0; k < NRM_RULE_STATES && g->rule->state(&g->options, k, s->rows, s->cols, &form); k++) {
            nrm_optimizer_cell *c = &o->cells[cell++];
            *c = (nrm_optimizer_cell){.slot = i, .index = k, .form = form};
            s->state[k] = o->state + at;
            at += nrm_padded(state_bytes(s, &form));
            o->state_bytes += state_bytes(s, &form);
            NRM_TRY(nrm_optimizer_state_name(ctx, &c->name, g->rule->method->name, form.suffix, s));
        }
    }
    return NRM_OK;
}

/* ---- Blocks ---------------------------------------------------------------------------------------- */

nrm_status nrm_optimizer_make_blocks(nrm_ctx *ctx, nrm_optimizer *o)
{
    int64_t at = 0;

    for (int64_t i = 0; i < o->slot_count; i++)
        o->block_count += (o->slots[i].held + NRM_OPTIMIZER_BLOCK - 1) / NRM_OPTIMIZER_BLOCK;
    NRM_TRY(NRM_ALLOC(ctx, o->blocks, o->block_count, "the blocks of an optimizer"));
    NRM_TRY(NRM_ALLOC(ctx, o->squares, o->block_count, "the blocks of an optimizer"));
    for (int64_t i = 0; i < o->slot_count; i++) {
        const int64_t end = o->slots[i].held_first + o->slots[i].held;
        for (int64_t first = o->slots[i].held_first; first < end; first += NRM_OPTIMIZER_BLOCK)
            o->blocks[at++] = (nrm_optimizer_part){i, first, nrm_min_i64(NRM_OPTIMIZER_BLOCK, end - first)};
    }
    return NRM_OK;
}

/* ---- Matrices ----------------------------------------------------------------------------------------- */

static bool is_matrix(const nrm_optimizer *o, const nrm_optimizer_slot *s)
{
    return o->groups[s->group].rule->matrix && s->held > 0;
}

/* What slot s shares; NULL: nothing, or not made yet. */
static const nrm_optimizer_constant *constant_of(const nrm_optimizer *o, const nrm_optimizer_slot *s, int64_t *key)
{
    const nrm_optimizer_member *g = &o->groups[s->group];

    *key = g->rule->key && is_matrix(o, s) ? g->rule->key(&g->options, s->rows, s->cols) : -1;
    for (int i = 0; *key >= 0 && i < o->constant_count; i++) {
        const nrm_optimizer_constant *c = &o->constants[i];
        if (c->group == s->group && c->dtype == s->dtype && c->key == *key) return c;
    }
    return NULL;
}

static nrm_status make_constant(nrm_ctx *ctx, nrm_optimizer *o, const nrm_optimizer_slot *s)
{
    const nrm_optimizer_member *g = &o->groups[s->group];
    int64_t key;

    if (constant_of(o, s, &key) || key < 0) return NRM_OK;
    nrm_optimizer_constant *c = &o->constants[o->constant_count];
    *c = (nrm_optimizer_constant){.group = s->group, .dtype = s->dtype, .key = key};
    NRM_TRY(g->rule->make(ctx, &g->options, s->dtype, s->rows, s->cols, &c->made));
    o->constant_count++;
    return NRM_OK;
}

void nrm_optimizer_link_constants(nrm_optimizer *o)
{
    int64_t key;
    for (int64_t i = 0; i < o->slot_count; i++) {
        const nrm_optimizer_constant *c = constant_of(o, &o->slots[i], &key);
        o->slots[i].constant = c ? c->made : NULL;
    }
}

static double matrix_cost(const nrm_optimizer_slot *s)
{
    return (double)s->rows * (double)s->cols * (double)nrm_min_i64(s->rows, s->cols);
}

/* One matrix: to the small ones or the large ones, with the work it needs.  Small ones must
 * balance among the threads, and not be so large that work space for each thread hurts. */
static nrm_status add_matrix(nrm_ctx *ctx, nrm_optimizer *o, int64_t slot, double all)
{
    const double ONE_TILE = 256.0 * 256 * 256, SMALL = 512.0 * 512 * 512;
    const nrm_optimizer_slot *s = &o->slots[slot];
    const nrm_optimizer_member *g = &o->groups[s->group];
    const double cost = matrix_cost(s);
    const int64_t bytes = g->rule->work(&g->options, s->dtype, s->rows, s->cols);

    NRM_REQUIRE(ctx, bytes >= 0 && bytes <= INT64_MAX / 65536 - 64, NRM_E_OVERFLOW,
                "%s: '%s' with %lld rows of %lld needs more work space than can be addressed", g->rule->method->name, s->name,
                NRM_LL(s->rows), NRM_LL(s->cols));
    if (cost <= ONE_TILE || (cost <= SMALL && 2 * o->threads * cost <= all)) {
        o->small[o->small_count++] = slot;
        o->small_work = nrm_max_i64(o->small_work, nrm_padded(bytes));
    } else {
        o->large[o->large_count++] = slot;
        o->large_work = nrm_max_i64(o->large_work, nrm_padded(bytes));
    }
    return NRM_OK;
}

nrm_status nrm_optimizer_make_matrices(nrm_ctx *ctx, nrm_optimizer *o)
{
    int64_t count = 0;
    double all = 0;

    o->small_count = o->large_count = o->small_work = o->large_work = 0;
    o->constant_count = 0;
    for (int64_t i = 0; i < o->slot_count; i++) {
        if (!is_matrix(o, &o->slots[i])) continue;
        count++;
        all += matrix_cost(&o->slots[i]);
    }
    NRM_TRY(NRM_ALLOC(ctx, o->small, count, "the matrices of an optimizer"));
    NRM_TRY(NRM_ALLOC(ctx, o->large, count, "the matrices of an optimizer"));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, o->constants, count, "the matrices of an optimizer"));
    for (int64_t i = 0; i < o->slot_count; i++) {
        if (!is_matrix(o, &o->slots[i])) continue;
        NRM_TRY(add_matrix(ctx, o, i, all));
        NRM_TRY(make_constant(ctx, o, &o->slots[i]));
    }
    nrm_optimizer_link_constants(o);
    /* Either all threads are in one large matrix, or each has a small one. */
    const int64_t teams = nrm_min_i64(o->threads, nrm_max_i64(1, o->small_count));
    return nrm_alloc_zeroed(ctx, &o->work, nrm_max_i64(o->large_work, teams * o->small_work), 1,
                            "the work space of an optimizer");
}

void nrm_optimizer_drop_matrices(nrm_ctx *ctx, nrm_optimizer *o)
{
    for (int i = 0; i < o->constant_count; i++) {
        const nrm_rule *rule = o->groups[o->constants[i].group].rule;
        if (rule->unmake) rule->unmake(ctx, o->constants[i].made);
    }
    nrm_free(ctx, o->constants);
    nrm_free(ctx, o->small);
    nrm_free(ctx, o->large);
    nrm_free(ctx, o->work);
}
