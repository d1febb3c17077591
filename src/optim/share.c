/* share.c -- the exchanges of a step that ranks share.  Contract: share.h and
 * norma/optim_distributed.h; who holds what: share_out.c.
 *
 *     gradients   every rank sends each block to the rank that holds it, which adds them up
 *     squares     a sum for each block, to all, added in the order of one rank alone
 *     parameters  every rank gets the blocks that others hold
 *
 * Gradients and parameters travel a bounded number of blocks at a time. */
#include "share.h"
#include <norma/optim_distributed.h>

/* ---- Blocks ------------------------------------------------------------------------------------ */

static unsigned char *block_at(const nrm_optimizer *o, const nrm_optimizer_part *b, void *const *arrays)
{
    const nrm_optimizer_slot *s = &o->slots[b->slot];
    return (unsigned char *)arrays[s->tensor] + (s->first + b->first) * (int64_t)nrm_dtype_size(s->dtype);
}

/* Blocks order[begin] .. order[end - 1], to `packed` or from there; returns what follows. */
static unsigned char *pack(const nrm_optimizer *o, int64_t begin, int64_t end, void *const *arrays, unsigned char *packed, bool out)
{
    for (int64_t i = begin; i < end; i++) {
        const nrm_optimizer_part *b = &o->share->blocks[o->share->order[i]];
        const size_t bytes = (size_t)b->count * nrm_dtype_size(o->slots[b->slot].dtype);
        unsigned char *place = block_at(o, b, arrays);
        memcpy(out ? packed : place, out ? place : packed, bytes);
        packed += bytes;
    }
    return packed;
}

/* ---- Gradients --------------------------------------------------------------------------------------- */

enum { TILE = 1024 }; /* sums that stay in the first cache */

/* n sums over ranks of weight times numbers; rank r's begin at from + r stride bytes, in any
 * place: blocks of both types are packed one after another. */
static void add_tile(nrm_dtype dtype, int64_t n, int ranks, const double *weight, const unsigned char *from, int64_t stride, void *to)
{
    double sum[TILE] = {0};
    union { float f32[TILE]; double f64[TILE]; } part;

    for (int r = 0; r < ranks; r++) {
        memcpy(&part, from + r * stride, (size_t)n * nrm_dtype_size(dtype));
        if (dtype == NRM_F32) for (int64_t i = 0; i < n; i++) sum[i] += weight[r] * (double)part.f32[i];
        else for (int64_t i = 0; i < n; i++) sum[i] += weight[r] * part.f64[i];
    }
    if (dtype == NRM_F32) for (int64_t i = 0; i < n; i++) ((float *)to)[i] = (float)sum[i];
    else memcpy(to, sum, (size_t)n * sizeof *sum);
}

/* Block b becomes the weighted sum over ranks; rank r's is at in + r stride. */
static void add_block(const nrm_optimizer *o, const nrm_optimizer_part *b, const unsigned char *in, int64_t stride, void *const *gradients)
{
    const nrm_dtype dtype = o->slots[b->slot].dtype;
    const int64_t size = (int64_t)nrm_dtype_size(dtype);
    unsigned char *to = block_at(o, b, gradients);

    for (int64_t i = 0; i < b->count; i += TILE)
        add_tile(dtype, nrm_min_i64(TILE, b->count - i), o->comm->size, o->share->weight, in + i * size, stride, to + i * size);
}

static nrm_status reduce_round(nrm_ctx *ctx, const nrm_optimizer *o, void *const *gradients, int64_t round)
{
    nrm_share *h = o->share;
    unsigned char *out = h->out;
    int64_t begin, end, stride;

    for (int r = 0; r < o->comm->size; r++) {
        nrm_share_round(o, r, round, &begin, &end, &h->send_bytes[r]);
        out = pack(o, begin, end, gradients, out, true);
    }
    nrm_share_round(o, o->comm->rank, round, &begin, &end, &stride);
    for (int r = 0; r < o->comm->size; r++) h->receive_bytes[r] = stride;
    NRM_TRY(nrm_comm_all_to_all(ctx, o->comm, h->out, h->send_bytes, h->in, h->receive_bytes));
    const unsigned char *in[NRM_SHARE_BLOCKS], *next = h->in;
    for (int64_t i = begin; i < end; i++) {
        in[i - begin] = next;
        next += h->blocks[h->order[i]].count * (int64_t)nrm_dtype_size(o->slots[h->blocks[h->order[i]].slot].dtype);
    }
#pragma omp parallel for schedule(static) num_threads(nrm_threads(ctx)) if (end - begin > 1)
    for (int64_t i = begin; i < end; i++) add_block(o, &h->blocks[h->order[i]], in[i - begin], stride, gradients);
    return NRM_OK;
}

nrm_status nrm_share_reduce(nrm_ctx *ctx, const nrm_optimizer *o, void *const *gradients, double weight)
{
    int64_t bytes[NRM_COMM_MOST];

    for (int r = 0; r < o->comm->size; r++) bytes[r] = (int64_t)sizeof weight;
    NRM_TRY(nrm_comm_all_gather(ctx, o->comm, &weight, o->share->weight, bytes));
    for (int64_t k = 0; k < o->share->rounds; k++) NRM_TRY(reduce_round(ctx, o, gradients, k));
    return NRM_OK;
}

/* Every gradient of this rank, not only what it holds. */
static nrm_status check_own(nrm_ctx *ctx, const nrm_optimizer *o, void *const *parameters, void *const *gradients, double weight,
                            double factor, double max_norm)
{
    const void *const *given = (const void *const *)gradients;

    NRM_REQUIRE(ctx, max_norm > 0, NRM_E_RANGE, "optimizer: max_norm is %g; it must be > 0: use INFINITY to measure alone", max_norm);
    NRM_REQUIRE(ctx, weight >= 0 && isfinite(weight), NRM_E_RANGE,
                "optimizer: the weight of the gradients is %g; it must be finite and at least 0", weight);
    NRM_TRY(nrm_optimizer_check_step(ctx, o, parameters, given, factor));
    return nrm_optimizer_check_blocks(ctx, o, o->share->block_count, o->share->blocks, given, nrm_threads(ctx));
}

static void scale(const nrm_optimizer *o, void *const *gradients, double weight)
{
    for (int64_t i = 0; i < o->block_count; i++) {
        const nrm_optimizer_part *b = &o->blocks[i];
        if (o->slots[b->slot].dtype == NRM_F32) nrm_optimizer_kernels_f32_for(nrm_cpu_isa())->scale(b->count, weight, (float *)(void *)block_at(o, b, gradients));
        else nrm_optimizer_kernels_f64_for(nrm_cpu_isa())->scale(b->count, weight, (double *)(void *)block_at(o, b, gradients));
    }
}

nrm_status nrm_optimizer_step_mean(nrm_ctx *ctx, nrm_optimizer *o, void *const *parameters, void *const *gradients, double weight,
                                   double factor, double max_norm, double *norm)
{
    NRM_REQUIRE(ctx, o, NRM_E_NULL, "optimizer: optimizer, parameters and gradients must not be NULL");
    if (o->comm) {
        NRM_TRY(nrm_comm_agree(ctx, o->comm, check_own(ctx, o, parameters, gradients, weight, factor, max_norm)));
        NRM_TRY(nrm_share_reduce(ctx, o, gradients, weight));
    } else {
        NRM_REQUIRE(ctx, weight >= 0 && isfinite(weight), NRM_E_RANGE,
                    "optimizer: the weight of the gradients is %g; it must be finite and at least 0", weight);
        if (weight != 1) {
            NRM_TRY(nrm_optimizer_check_step(ctx, o, parameters, (const void *const *)gradients, factor));
            scale(o, gradients, weight);
        }
    }
    return nrm_optimizer_step_clipped(ctx, o, parameters, (const void *const *)gradients, factor, max_norm, norm);
}

/* ---- Squares -------------------------------------------------------------------------------------------- */

nrm_status nrm_share_sum_squares(nrm_ctx *ctx, const nrm_optimizer *o, double *sum)
{
    const nrm_share *h = o->share;
    const double *squares = o->squares;
    int64_t count = o->block_count;

    if (o->comm) {
        for (int r = 0; r < o->comm->size; r++) h->send_bytes[r] = (h->first[r + 1] - h->first[r]) * (int64_t)sizeof(double);
        NRM_TRY(nrm_comm_all_gather(ctx, o->comm, o->squares, h->gathered, h->send_bytes));
        count = h->block_count;
        for (int64_t i = 0; i < count; i++) h->squares[h->order[i]] = h->gathered[i];
        squares = h->squares;
    }
    *sum = 0;
    for (int64_t i = 0; i < count; i++) *sum += squares[i];
    return NRM_OK;
}

/* ---- Parameters -------------------------------------------------------------------------------------------- */

nrm_status nrm_share_spread(nrm_ctx *ctx, const nrm_optimizer *o, void *const *parameters)
{
    nrm_share *h = o->share;
    int64_t begin, end, own;

    for (int64_t k = 0; o->comm && k < h->rounds; k++) {
        for (int r = 0; r < o->comm->size; r++) nrm_share_round(o, r, k, &begin, &end, &h->receive_bytes[r]);
        nrm_share_round(o, o->comm->rank, k, &begin, &end, &own);
        pack(o, begin, end, parameters, h->out, true);
        NRM_TRY(nrm_comm_all_gather(ctx, o->comm, h->out, h->in, h->receive_bytes));
        unsigned char *in = h->in;
        for (int r = 0; r < o->comm->size; r++) {
            nrm_share_round(o, r, k, &begin, &end, &own);
            if (r == o->comm->rank) in += own;
            else in = pack(o, begin, end, parameters, in, false);
        }
    }
    return NRM_OK;
}

/* ---- The whole state ------------------------------------------------------------------------------------------ */

/* Bytes of array c that rank r holds. */
static int64_t held_by(const nrm_optimizer *o, const nrm_optimizer_cell *c, int r)
{
    const nrm_optimizer_slot *s = &o->slots[c->slot];
    int64_t held = 0;

    for (int64_t i = o->share->first[r]; i < o->share->first[r + 1]; i++) {
        const nrm_optimizer_part *b = &o->share->blocks[o->share->order[i]];
        if (b->slot == c->slot) held += b->count;
    }
    if (c->form.rows) /* all or nothing; of a tensor without elements rank 0's */
        held = (s->count > 0 ? held == s->count : r == 0) ? nrm_optimizer_state_elements(s, &c->form) : 0;
    return held * (int64_t)nrm_dtype_size(nrm_optimizer_state_dtype(s, &c->form));
}

/* The pieces of an array lie in the order of the ranks: they arrive where they belong. */
static nrm_status gather_cell(nrm_ctx *ctx, nrm_optimizer *o, const nrm_optimizer_cell *c, int root, void *whole)
{
    nrm_share *h = o->share;
    for (int r = 0; r < o->comm->size; r++) {
        h->send_bytes[r] = 0;
        h->receive_bytes[r] = o->comm->rank == root ? held_by(o, c, r) : 0;
    }
    h->send_bytes[root] = held_by(o, c, o->comm->rank);
    return nrm_comm_all_to_all(ctx, o->comm, o->slots[c->slot].state[c->index], h->send_bytes, whole, h->receive_bytes);
}

/* A bundle with room for all of it. */
static nrm_status make_bundle(nrm_ctx *ctx, nrm_optimizer *o, nrm_bundle *b)
{
    const int64_t count = nrm_optimizer_state_count(o);
    const char *name;
    nrm_array view;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, b->items, count, "the state of an optimizer"));
    while (b->count < count) {
        nrm_named *item = &b->items[b->count++];
        nrm_optimizer_state_describe(o, b->count - 1, &name, &view);
        NRM_TRY(nrm_copy_string(ctx, &item->name, name));
        NRM_TRY(nrm_array_create(ctx, &item->array, view.dtype, view.ndim, view.shape));
    }
    return NRM_OK;
}

nrm_status nrm_optimizer_gather_state(nrm_ctx *ctx, nrm_optimizer *o, int root, nrm_bundle *state)
{
    nrm_bundle all = {NULL, 0};
    nrm_status st;

    NRM_REQUIRE(ctx, o && state, NRM_E_NULL, "optimizer: optimizer and state must not be NULL");
    NRM_REQUIRE(ctx, root >= 0 && root < nrm_comm_size(o->comm), NRM_E_RANGE, "optimizer: root is %d; there are ranks 0 to %d", root,
                nrm_comm_size(o->comm) - 1);
    NRM_TRY_DONE(nrm_comm_agree(ctx, o->comm, nrm_comm_rank(o->comm) == root ? make_bundle(ctx, o, &all) : NRM_OK));
    for (int64_t i = 0; o->comm && i < o->cell_count; i++)
        NRM_TRY_DONE(gather_cell(ctx, o, &o->cells[i], root, all.items ? all.items[i + 1].array.data : NULL));
    for (int64_t i = 0; i < all.count; i++) {
        nrm_array view;
        if (!nrm_optimizer_state_at(o, i, NULL, &view)) continue;
        memcpy(all.items[i].array.data, view.data, (size_t)nrm_array_count(&view) * nrm_dtype_size(view.dtype));
    }
    *state = all;
    return NRM_OK;
done:
    nrm_bundle_destroy(ctx, &all);
    return st;
}
