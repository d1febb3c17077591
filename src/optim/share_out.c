/* share_out.c -- which rank holds what, and that all ranks mean the same optimizer.
 *
 * Every rank computes the same plan from the same shapes; nothing is sent but a checksum.
 * Matrices are not cut: they go, in order of cost 4 s^2 l + 2 s^3 (a Newton-Schulz step on
 * s x l, s <= l), each to the rank that has least so far (Graham, "Bounds on multiprocessing
 * timing anomalies", SIAM J. Appl. Math. 1969: at most 4/3 of the best).  Elements of other
 * tensors are interchangeable: their blocks, laid end to end, are cut into as many pieces of
 * equal length as there are ranks, so that each has one range of a tensor. */
#include "share.h"
#include <stdlib.h>

typedef struct priced { double cost; int64_t slot; } priced;

/* The most expensive first, then by number: the same order everywhere. */
static int dearer(const void *a, const void *b)
{
    const priced *x = a, *y = b;
    if (x->cost != y->cost) return x->cost > y->cost ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

static bool is_matrix(const nrm_optimizer *o, int64_t slot) { return o->groups[o->slots[slot].group].rule->matrix; }

nrm_status nrm_share_deal_matrices(nrm_ctx *ctx, const nrm_optimizer *o, int32_t *owner_of)
{
    const int ranks = nrm_comm_size(o->comm);
    priced *matrices = NULL;
    double *load = NULL;
    int64_t count = 0;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC(ctx, matrices, o->slot_count, "the plan of shared work"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, load, ranks, "the plan of shared work"));
    for (int64_t i = 0; i < o->slot_count; i++) {
        const double s = (double)nrm_min_i64(o->slots[i].rows, o->slots[i].cols), l = (double)nrm_max_i64(o->slots[i].rows, o->slots[i].cols);
        if (is_matrix(o, i)) matrices[count++] = (priced){4 * s * s * l + 2 * s * s * s, i};
    }
    if (count > 0) qsort(matrices, (size_t)count, sizeof *matrices, dearer);
    for (int64_t i = 0; i < count; i++) {
        int least = 0;
        for (int r = 1; r < ranks; r++)
            if (load[r] < load[least]) least = r;
        load[least] += matrices[i].cost;
        owner_of[matrices[i].slot] = least;
    }
done:
    nrm_free(ctx, matrices);
    nrm_free(ctx, load);
    return st;
}

/* Blocks of all slots with their owners; *line is the length of the elementwise ones. */
static void cut_blocks(const nrm_optimizer *o, const int32_t *owner_of, nrm_share *h)
{
    int64_t line = 0, at = 0, block = 0;

    for (int64_t i = 0; i < o->slot_count; i++) line += is_matrix(o, i) ? 0 : o->slots[i].count;
    const int64_t each = nrm_max_i64(1, line / o->comm->size + (line % o->comm->size > 0));
    for (int64_t i = 0; i < o->slot_count; i++)
        for (int64_t first = 0; first < o->slots[i].count; first += NRM_OPTIMIZER_BLOCK) {
            const int64_t count = nrm_min_i64(NRM_OPTIMIZER_BLOCK, o->slots[i].count - first);
            h->blocks[block] = (nrm_optimizer_part){i, first, count};
            if (is_matrix(o, i)) {
                h->owner[block++] = owner_of[i];
                continue;
            }
            h->owner[block++] = (int32_t)nrm_min_i64(o->comm->size - 1, (at + count / 2) / each);
            at += count;
        }
}

/* Blocks by owner, each owner's in order. */
static void sort_by_owner(const nrm_optimizer *o, nrm_share *h)
{
    int64_t at = 0;
    for (int r = 0; r < o->comm->size; r++) {
        h->first[r] = at;
        for (int64_t b = 0; b < h->block_count; b++)
            if (h->owner[b] == r) h->order[at++] = b;
    }
    h->first[o->comm->size] = at;
}

static void hold(nrm_optimizer *o, const nrm_share *h)
{
    for (int64_t i = h->first[o->comm->rank]; i < h->first[o->comm->rank + 1]; i++) {
        const nrm_optimizer_part *b = &h->blocks[h->order[i]];
        nrm_optimizer_slot *s = &o->slots[b->slot];
        if (s->held == 0) s->held_first = b->first;
        s->held += b->count;
    }
}

/* ---- Rounds of an exchange: some blocks of every owner, so that its memory is bounded -------------- */

static int64_t block_bytes(const nrm_optimizer *o, const nrm_share *h, int64_t i)
{
    const nrm_optimizer_part *b = &h->blocks[h->order[i]];
    return b->count * (int64_t)nrm_dtype_size(o->slots[b->slot].dtype);
}

void nrm_share_round(const nrm_optimizer *o, int rank, int64_t round, int64_t *begin, int64_t *end, int64_t *bytes)
{
    const nrm_share *h = o->share;
    const int64_t blocks = nrm_max_i64(1, NRM_SHARE_BLOCKS / o->comm->size);

    *begin = nrm_min_i64(h->first[rank] + round * blocks, h->first[rank + 1]);
    *end = nrm_min_i64(*begin + blocks, h->first[rank + 1]);
    *bytes = 0;
    for (int64_t i = *begin; i < *end; i++) *bytes += block_bytes(o, h, i);
}

/* How many rounds, and what the largest needs. */
static nrm_status make_rounds(nrm_ctx *ctx, const nrm_optimizer *o, nrm_share *h)
{
    int64_t most = 1, begin, end, bytes, own = 0;

    for (bool more = true; more; h->rounds += more) {
        int64_t all = 0;
        more = false;
        for (int r = 0; r < o->comm->size; r++) {
            nrm_share_round(o, r, h->rounds, &begin, &end, &bytes);
            more = more || end > begin;
            all += bytes;
            if (r == o->comm->rank) own = bytes;
        }
        most = nrm_max_i64(most, nrm_max_i64(all, own * o->comm->size));
    }
    NRM_TRY(NRM_ALLOC(ctx, h->out, most, "the exchange of shared work"));
    return NRM_ALLOC(ctx, h->in, most, "the exchange of shared work");
}

/* ---- Set-up -------------------------------------------------------------------------------------------- */

static nrm_status make_plan(nrm_ctx *ctx, nrm_optimizer *o)
{
    nrm_share *h = o->share;
    int32_t *owner_of = NULL;
    nrm_status st;

    for (int64_t i = 0; i < o->slot_count; i++)
        h->block_count += (o->slots[i].count + NRM_OPTIMIZER_BLOCK - 1) / NRM_OPTIMIZER_BLOCK;
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, owner_of, o->slot_count, "the plan of shared work"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, h->blocks, h->block_count, "the plan of shared work"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, h->owner, h->block_count, "the plan of shared work"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, h->order, h->block_count, "the plan of shared work"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, h->first, o->comm->size + 1, "the plan of shared work"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, h->gathered, h->block_count, "the plan of shared work"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, h->squares, h->block_count, "the plan of shared work"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, h->weight, o->comm->size, "the plan of shared work"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, h->send_bytes, o->comm->size, "the plan of shared work"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, h->receive_bytes, o->comm->size, "the plan of shared work"));
    NRM_TRY_DONE(nrm_share_deal_matrices(ctx, o, owner_of));
    cut_blocks(o, owner_of, h);
    sort_by_owner(o, h);
    hold(o, h);
    st = make_rounds(ctx, o, h);
done:
    nrm_free(ctx, owner_of);
    return st;
}

nrm_status nrm_share_out(nrm_ctx *ctx, nrm_optimizer *o)
{
    if (o->comm) {
        NRM_TRY(NRM_ALLOC_ZERO(ctx, o->share, 1, "the plan of shared work"));
        return make_plan(ctx, o);
    }
    for (int64_t i = 0; i < o->slot_count; i++) o->slots[i].held = o->slots[i].count;
    return NRM_OK;
}

void nrm_share_free(nrm_ctx *ctx, nrm_share *h)
{
    if (!h) return;
    nrm_free(ctx, h->blocks);
    nrm_free(ctx, h->owner);
    nrm_free(ctx, h->order);
    nrm_free(ctx, h->first);
    nrm_free(ctx, h->gathered);
    nrm_free(ctx, h->squares);
    nrm_free(ctx, h->weight);
    nrm_free(ctx, h->send_bytes);
    nrm_free(ctx, h->receive_bytes);
    nrm_free(ctx, h->out);
    nrm_free(ctx, h->in);
    nrm_free(ctx, h);
}

/* ---- Do all mean the same? -------------------------------------------------------------------------------- */

/* Of all option values: the struct itself has gaps that no one fills. */
static void mix_options(uint64_t *hash, const nrm_method *method, const void *options)
{
    *hash = nrm_hash(*hash, method->name, strlen(method->name));
    for (int i = 0; i < method->param_count; i++) {
        const nrm_param *p = &method->params[i];
        const bool real = p->kind == NRM_KIND_F64;
        const double number = real ? nrm_option_f64(p, options) : 0;
        const int64_t whole = real || p->kind == NRM_KIND_TEXT ? 0 : nrm_option_i64(p, options);
        *hash = nrm_hash(*hash, &number, sizeof number);
        *hash = nrm_hash(*hash, &whole, sizeof whole);
    }
}

static void mix_slot(uint64_t *hash, const nrm_optimizer_slot *s)
{
    const int64_t head[] = {(int64_t)s->dtype, s->ndim, s->tensor, s->first, s->group};
    *hash = nrm_hash(*hash, s->name, strlen(s->name) + 1);
    *hash = nrm_hash(*hash, head, sizeof head);
    *hash = nrm_hash(*hash, s->shape, (size_t)s->ndim * sizeof *s->shape);
}

static nrm_status compare(nrm_ctx *ctx, nrm_comm *comm, const int64_t own[3])
{
    enum { COUNT, TENSORS, OPTIONS, SUMS };
    int64_t bytes[NRM_COMM_MOST], *all = NULL;
    nrm_status st;

    /* Failing here alone would leave the others waiting. */
    NRM_TRY_DONE(nrm_comm_agree(ctx, comm, NRM_ALLOC(ctx, all, SUMS * (int64_t)nrm_comm_size(comm), "a comparison of ranks")));
    for (int r = 0; r < nrm_comm_size(comm); r++) bytes[r] = SUMS * (int64_t)sizeof *own;
    NRM_TRY_DONE(nrm_comm_all_gather(ctx, comm, own, all, bytes));
    for (int r = 1; r < nrm_comm_size(comm); r++) {
        const int64_t *sums = all + SUMS * r;
        NRM_STOP_IF(sums[COUNT] != all[COUNT], NRM_E_ARGUMENT,
                    "optimizer: rank %d has %lld tensors and rank 0 has %lld; all ranks must give the same", r, NRM_LL(sums[COUNT]),
                    NRM_LL(all[COUNT]));
        NRM_STOP_IF(sums[TENSORS] != all[TENSORS], NRM_E_ARGUMENT, "optimizer: the tensors of rank %d are not those of rank 0 "
                    "(names, types, shapes, groups or splits differ); all ranks must give the same", r);
        NRM_STOP_IF(sums[OPTIONS] != all[OPTIONS], NRM_E_ARGUMENT,
                    "optimizer: the groups or options of rank %d are not those of rank 0; all ranks must give the same", r);
    }
done:
    nrm_free(ctx, all);
    return st;
}

nrm_status nrm_share_compare(nrm_ctx *ctx, const nrm_optimizer *o)
{
    uint64_t tensors = NRM_HASH_START, options = NRM_HASH_START;

    if (!o->comm) return NRM_OK;
    for (int64_t i = 0; i < o->slot_count; i++) mix_slot(&tensors, &o->slots[i]);
    for (int i = 0; i < o->group_count; i++) mix_options(&options, o->groups[i].rule->method, &o->groups[i].options);
    return compare(ctx, o->comm, (int64_t[]){o->tensor_count, (int64_t)tensors, (int64_t)options});
}
