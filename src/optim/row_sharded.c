/* row_sharded.c -- a step of Muon or NorMuon on matrices of which every rank has some rows.
 * Contract: norma/optim_distributed.h; the equations: muon.c, normuon.c.
 *
 *   1. each rank: M and U of its rows                  (elementwise)
 *   2. rows of U to the owner of their matrix          (all to all)
 *   3. each owner: O = orthogonalise(U), whole
 *   4. rows of O back                                  (all to all)
 *   5. NorMuon, each rank: v and H of its rows, its part of |O|^2 and |H|^2
 *   6. the 2 N parts added up                          (one sum)
 *   7. each rank: its rows of W
 *
 * The norm of U that step 3 divides by is that of the whole matrix: with a part of it singular values
 * might exceed 1 and the iteration diverge.  Every element travels twice, to its owner and
 * back: 2 m n (P - 1) / P of a matrix in all. */
#include "row_sharded.h"

/* This rank's rows of a matrix as a piece for the rules' functions. */
static nrm_rule_piece piece_of(const nrm_row_sharded_optimizer *o, int64_t slot, void *const *parameters,
                               const void *const *gradients, int threads)
{
    const nrm_optimizer_slot *s = &o->frame->slots[slot];
    const nrm_row_matrix *m = &o->matrices[slot];
    return (nrm_rule_piece){.dtype = o->dtype, .n = m->rows * s->cols, .rows = m->rows, .cols = s->cols, .threads = threads,
                            .parameter = m->rows ? nrm_matrix_at(o->dtype, parameters[s->tensor], m->place) : NULL,
                            .gradient = m->rows ? nrm_matrix_const_at(o->dtype, gradients[s->tensor], m->place) : NULL,
                            .state = {nrm_matrix_at(o->dtype, o->m, m->packed)}, .work = nrm_matrix_at(o->dtype, o->u, m->packed)};
}

/* ---- Looking -------------------------------------------------------------------------------------- */

static nrm_status check_shard(nrm_ctx *ctx, const nrm_row_sharded_optimizer *o, int64_t slot, void *const *parameters,
                              const void *const *gradients)
{
    const nrm_optimizer_slot *s = &o->frame->slots[slot];
    const nrm_row_matrix *m = &o->matrices[slot];
    const size_t bytes = (size_t)(m->rows * s->cols) * nrm_dtype_size(o->dtype);
    char place[64];
    int64_t where = 0, first;

    if (m->rows == 0) return NRM_OK;
    NRM_REQUIRE(ctx, parameters[s->tensor] && gradients[s->tensor], NRM_E_NULL, "optimizer: the %s of '%s' is NULL; this rank has %lld rows of it",
                parameters[s->tensor] ? "gradient" : "parameter", s->name, NRM_LL(m->rows));
    const nrm_rule_piece p = piece_of(o, slot, parameters, gradients, 1);
    NRM_REQUIRE(ctx, !nrm_overlap(p.parameter, bytes, p.gradient, bytes), NRM_E_ALIAS,
                "optimizer: '%s' overlaps its gradient; they must be different memory", s->name);
    const bool fine = o->dtype == NRM_F32 ? nrm_all_finite_f32(p.gradient, p.n, &where) : nrm_all_finite_f64(p.gradient, p.n, &where);
    if (fine) return NRM_OK;
    nrm_row_sharded_rows(o, slot, nrm_comm_rank(o->frame->comm), &first);
    nrm_optimizer_place(place, sizeof place, 2, (const int64_t[]){o->tensor_rows[s->tensor], s->cols}, s->first + first * s->cols + where);
    return nrm_fail(ctx, NRM_E_NONFINITE, "optimizer: step %lld: the gradient of '%s'%s is %g; every gradient must be finite: look at the "
                    "loss, lower the rate or clip (parameters and state are unchanged)", NRM_LL(o->frame->step + 1), s->name, place,
                    nrm_real_get(o->dtype, p.gradient, where));
}

static nrm_status look(nrm_ctx *ctx, const nrm_row_sharded_optimizer *o, void *const *parameters, const void *const *gradients, double factor)
{
    NRM_REQUIRE(ctx, (parameters && gradients) || o->frame->slot_count == 0, NRM_E_NULL, "optimizer: parameters and gradients must not be NULL");
    NRM_REQUIRE(ctx, factor >= 0 && isfinite(factor), NRM_E_RANGE,
                "optimizer: the factor of the rate is %g; it must be finite and at least 0", factor);
    for (int64_t i = 0; i < o->frame->slot_count; i++) NRM_TRY(check_shard(ctx, o, i, parameters, gradients));
    NRM_REQUIRE(ctx, !nrm_cancelled(ctx), NRM_E_CANCELLED, "optimizer: stopped before step %lld", NRM_LL(o->frame->step + 1));
    return NRM_OK;
}

/* ---- Orthogonalisation ------------------------------------------------------------------------------ */

/* Bytes to every owner, and of every rank's rows of the matrices owned here. */
static void count_bytes(const nrm_row_sharded_optimizer *o)
{
    const int ranks = nrm_comm_size(o->frame->comm), rank = nrm_comm_rank(o->frame->comm);
    const int64_t size = (int64_t)nrm_dtype_size(o->dtype);
    int64_t first;

    for (int r = 0; r < ranks; r++) o->to[r] = o->from[r] = 0;
    for (int64_t i = 0; i < o->frame->slot_count; i++) {
        const nrm_row_matrix *m = &o->matrices[i];
        o->to[m->owner] += m->rows * o->frame->slots[i].cols * size;
        for (int r = 0; r < ranks && m->owner == rank; r++) o->from[r] += nrm_row_sharded_rows(o, i, r, &first) * o->frame->slots[i].cols * size;
    }
    for (int64_t r = 0, at = 0; r < ranks; at += o->from[r++]) o->cursor[r] = at;
}

/* Rows of a matrix owned here, of all ranks, from where they arrived to `whole` or back. */
static void assemble(const nrm_row_sharded_optimizer *o, int64_t slot, unsigned char *whole, bool back)
{
    const int64_t row = o->frame->slots[slot].cols * (int64_t)nrm_dtype_size(o->dtype);
    int64_t first;

    for (int r = 0; r < nrm_comm_size(o->frame->comm); r++) {
        const int64_t bytes = nrm_row_sharded_rows(o, slot, r, &first) * row;
        unsigned char *arrived = (unsigned char *)o->owned + o->cursor[r], *place = whole + first * row;
        if (bytes) memcpy(back ? arrived : place, back ? place : arrived, (size_t)bytes);
        if (back) o->cursor[r] += bytes;
    }
}

static nrm_status orthogonalise(nrm_ctx *ctx, nrm_row_sharded_optimizer *o, int threads)
{
    const nrm_newton_schulz_set schedule = nrm_matrix_schedule(nrm_matrix_options_of(&o->frame->groups[0].options));

    count_bytes(o);
    NRM_TRY(nrm_comm_all_to_all(ctx, o->frame->comm, o->u, o->to, o->owned, o->from));
    for (int64_t k = 0; k < o->frame->slot_count; k++) {
        const nrm_optimizer_slot *s = &o->frame->slots[o->order[k]];
        if (o->matrices[o->order[k]].owner != nrm_comm_rank(o->frame->comm) || s->count == 0) continue;
        const nrm_rule_piece whole = {.dtype = o->dtype, .n = s->count, .rows = s->rows, .cols = s->cols, .threads = threads, .work = o->work};
        assemble(o, o->order[k], o->work, false);
        assemble(o, o->order[k], nrm_matrix_orthogonalise(&whole, &schedule), true);
    }
    return nrm_comm_all_to_all(ctx, o->frame->comm, o->owned, o->from, o->u, o->to);
}

/* ---- NorMuon ------------------------------------------------------------------------------------------- */

/* Squares of all lines, columns added up over the ranks; v; the parts of the norms. */
static nrm_status normalise(nrm_ctx *ctx, nrm_row_sharded_optimizer *o, int threads)
{
    const nrm_normuon_options *options = &o->frame->groups[0].options.normuon;
    const int64_t slots = o->frame->slot_count;

    for (int64_t i = 0; i < slots; i++) {
        const nrm_row_matrix *m = &o->matrices[i];
        const void *q = nrm_matrix_at(o->dtype, o->u, m->packed);
        const int64_t cols = o->frame->slots[i].cols;
        if (m->by_columns) nrm_normuon_column_squares(o->dtype, m->rows, cols, q, threads, o->by + m->first_line);
        else nrm_normuon_row_squares(o->dtype, m->rows, cols, q, threads, o->by + m->first_line);
    }
    NRM_TRY(nrm_comm_sum(ctx, o->frame->comm, NRM_F64, o->columns, o->by, o->sum_work));
    for (int64_t i = 0; i < slots; i++) {
        const nrm_row_matrix *m = &o->matrices[i];
        const nrm_optimizer_slot *s = &o->frame->slots[i];
        const nrm_normuon_sums part = nrm_normuon_lines(o->dtype, m->lines, m->by_columns ? s->rows : s->cols, options->beta2, nrm_normuon_eps(options),
                                                        nrm_matrix_at(o->dtype, o->v, m->first_line), o->by + m->first_line);
        /* Every rank has all columns: they count once. */
        const bool counts = !m->by_columns || nrm_comm_rank(o->frame->comm) == 0 || o->local_norm;
        o->sums[2 * i] = counts ? part.o : 0;
        o->sums[2 * i + 1] = counts ? part.h : 0;
    }
    return o->local_norm ? NRM_OK : nrm_comm_sum(ctx, o->frame->comm, NRM_F64, 2 * slots, o->sums, o->sum_work);
}

static void descend_normuon(const nrm_row_sharded_optimizer *o, int64_t slot, const nrm_rule_piece *p, const nrm_matrix_factors *f)
{
    const nrm_normuon_options *options = &o->frame->groups[0].options.normuon;
    const nrm_row_matrix *m = &o->matrices[slot];
    /* The paper's root mean square is of what is normalised together. */
    const bool shard_alone = o->local_norm && !m->by_columns && options->variant == NRM_NORMUON_PAPER;
    const double rate = nrm_normuon_rate(options, f->eta, shard_alone ? p->rows : o->frame->slots[slot].rows, p->cols,
                                         (nrm_normuon_sums){o->sums[2 * slot], o->sums[2 * slot + 1]});
    nrm_normuon_descend(p->dtype, p->rows, p->cols, m->by_columns, f->keep, options->cautious_decay, rate, o->by + m->first_line, p->work,
                        p->threads, p->parameter);
}

/* ---- The step ------------------------------------------------------------------------------------------- */

nrm_status nrm_row_sharded_step(nrm_ctx *ctx, nrm_row_sharded_optimizer *o, void *const *parameters, const void *const *gradients, double factor)
{
    double made[NRM_RULE_FACTORS];
    nrm_matrix_factors f;

    NRM_REQUIRE(ctx, o, NRM_E_NULL, "optimizer: the optimizer must not be NULL");
    nrm_optimizer *frame = o->frame;
    const nrm_optimizer_member *g = &frame->groups[0];
    const int threads = nrm_threads(ctx);
    NRM_TRY(nrm_comm_agree(ctx, frame->comm, look(ctx, o, parameters, gradients, factor)));

    g->rule->factors(&g->options, &(nrm_rule_moment){.factor = factor, .clip = 1, .t = ++frame->step}, made);
    memcpy(&f, made, sizeof f);
    for (int64_t i = 0; i < frame->slot_count; i++) {
        const nrm_rule_piece p = piece_of(o, i, parameters, gradients, threads);
        nrm_matrix_momentum(&p, &f.momentum);
    }
    NRM_TRY(orthogonalise(ctx, o, threads));
    if (o->normuon) NRM_TRY(normalise(ctx, o, threads));
    for (int64_t i = 0; i < frame->slot_count; i++) {
        const nrm_rule_piece p = piece_of(o, i, parameters, gradients, threads);
        const nrm_matrix_options *options = nrm_matrix_options_of(&g->options);
        if (o->normuon) descend_normuon(o, i, &p, &f);
        else nrm_matrix_descend(&p, f.keep, options->cautious_decay, f.eta * nrm_matrix_scale_of(options->scale, frame->slots[i].rows, p.cols), p.work);
    }
    return NRM_OK;
}

/* ---- Gradients ------------------------------------------------------------------------------------------- */

/* The shards of a tensor lie one after another in it: nothing is packed. */
static nrm_status reduce_tensor(nrm_ctx *ctx, nrm_row_sharded_optimizer *o, const void *gradient, int64_t rows, int64_t cols, const double *weight,
                                void *shard)
{
    const int ranks = nrm_comm_size(o->frame->comm), rank = nrm_comm_rank(o->frame->comm);
    const int64_t size = (int64_t)nrm_dtype_size(o->dtype);
    int64_t first, count, own;

    nrm_row_shard(rows, ranks, rank, &first, &own);
    for (int r = 0; r < ranks; r++) {
        nrm_row_shard(rows, ranks, r, &first, &count);
        o->to[r] = count * cols * size;
        o->from[r] = own * cols * size;
    }
    NRM_TRY(nrm_comm_all_to_all(ctx, o->frame->comm, gradient, o->to, o->reduce_work, o->from));
    for (int64_t i = 0; i < own * cols; i++) {
        double sum = 0;
        for (int r = 0; r < ranks; r++) sum += weight[r] * nrm_real_get(o->dtype, o->reduce_work, r * own * cols + i);
        nrm_real_set(o->dtype, shard, i, sum);
    }
    return NRM_OK;
}

nrm_status nrm_row_sharded_reduce(nrm_ctx *ctx, nrm_row_sharded_optimizer *o, const void *const *gradients, double weight, void *const *shards)
{
    int64_t bytes[NRM_COMM_MOST];
    double weights[NRM_COMM_MOST];
    nrm_status st = NRM_OK;

    NRM_REQUIRE(ctx, o, NRM_E_NULL, "optimizer: the optimizer must not be NULL");
    if (!gradients || !shards || !(weight >= 0 && isfinite(weight)))
        st = nrm_fail(ctx, NRM_E_RANGE, "optimizer: gradients and shards must not be NULL, and the weight (%g) finite and at least 0", weight);
    for (int64_t i = 0; st >= 0 && i < o->frame->slot_count; i++) {
        const nrm_optimizer_slot *s = &o->frame->slots[i];
        if (s->count && (!gradients[s->tensor] || (o->matrices[i].rows && !shards[s->tensor])))
            st = nrm_fail(ctx, NRM_E_NULL, "optimizer: the gradient or the shard of '%s' is NULL", s->name);
    }
    NRM_TRY(nrm_comm_agree(ctx, o->frame->comm, st));
    for (int r = 0; r < nrm_comm_size(o->frame->comm); r++) bytes[r] = (int64_t)sizeof weight;
    NRM_TRY(nrm_comm_all_gather(ctx, o->frame->comm, &weight, weights, bytes));
    for (int64_t i = 0; i < o->frame->slot_count; i++) {
        const nrm_optimizer_slot *s = &o->frame->slots[i];
        if (s->block <= 0 && s->count) /* a tensor once */
            NRM_TRY(reduce_tensor(ctx, o, gradients[s->tensor], o->tensor_rows[s->tensor], s->cols, weights, shards[s->tensor]));
    }
    return NRM_OK;
}
