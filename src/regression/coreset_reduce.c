/* coreset_reduce.c -- weighted rows in memory, and a coreset of them.  Contract: coreset.h.
 *
 * A row of weight w stands for w rows: it is scored as w^(1/p) times itself, and kept with q it has
 * the weight w / q.  So a coreset of a coreset is one of the first rows, unbiased as long as each
 * draw is independent of those before: every level has a stream of its own.
 *
 * Root leverage, p < 2: tau_i^(p/2) of n rows may sum to n^(1 - p/2) d^(p/2), many more than d.  A
 * draw of m_1 = eps^-p n^(1 - p/2) d^(p/2) ln n rows is safe, and then n is m_1: after O(log log n)
 * rounds it no longer halves, and the last draw takes the target. */
#include "coreset.h"
#include <norma/comm.h>

void nrm_weighted_rows_free(nrm_ctx *ctx, nrm_weighted_rows *w)
{
    nrm_free(ctx, w->index);
    nrm_free(ctx, w->weight);
    nrm_free(ctx, w->rows);
    *w = (nrm_weighted_rows){.columns = w->columns};
}

nrm_status nrm_weighted_rows_room(nrm_ctx *ctx, nrm_weighted_rows *w, int64_t count)
{
    int64_t numbers;
    NRM_REQUIRE(ctx, nrm_mul_size(count, w->columns, &numbers), NRM_E_OVERFLOW, NRM_LP_CORESET ": %lld rows of %lld numbers are too "
                "many for memory; keep fewer rows", NRM_LL(count), NRM_LL(w->columns));
    NRM_TRY(nrm_grow(ctx, &w->index, &w->index_room, count, sizeof *w->index, NRM_LP_CORESET));
    NRM_TRY(nrm_grow(ctx, &w->weight, &w->weight_room, count, sizeof *w->weight, NRM_LP_CORESET));
    return nrm_grow(ctx, &w->rows, &w->rows_room, numbers, sizeof *w->rows, NRM_LP_CORESET);
}

nrm_status nrm_weighted_rows_append(nrm_ctx *ctx, nrm_weighted_rows *w, const nrm_weighted_rows *more)
{
    if (more->count == 0) return NRM_OK;
    NRM_TRY(nrm_weighted_rows_room(ctx, w, w->count + more->count));
    memcpy(w->index + w->count, more->index, (size_t)more->count * sizeof *w->index);
    memcpy(w->weight + w->count, more->weight, (size_t)more->count * sizeof *w->weight);
    memcpy(w->rows + w->count * w->columns, more->rows, (size_t)(more->count * w->columns) * sizeof *w->rows);
    w->count += more->count;
    return NRM_OK;
}

/* Only the rows drawn stay. */
static void keep(nrm_weighted_rows *w, const nrm_drawn *drawn)
{
    for (int64_t k = 0; k < drawn->count; k++) {
        const int64_t i = drawn->place[k];
        w->index[k] = w->index[i];
        w->weight[k] = w->weight[i] * drawn->factor[k];
        memmove(w->rows + k * w->columns, w->rows + i * w->columns, (size_t)w->columns * sizeof *w->rows);
    }
    w->count = drawn->count;
}

/* Scores of w's rows: the streams of them and what they are scaled by live here only. */
static nrm_status score(nrm_ctx *ctx, const nrm_coreset_reduction *r, const nrm_weighted_rows *w, nrm_coreset_scores *found)
{
    const int64_t n = w->count, shape[2] = {n, w->columns};
    nrm_scored_rows rows = {.n = n};
    double *work;
    nrm_array view;

    *found = (nrm_coreset_scores){0};
    NRM_TRY(NRM_ALLOC(ctx, work, 3 * n, NRM_LP_CORESET));
    for (int64_t i = 0; i < n; i++) {
        work[i] = pow(w->weight[i], 1 / r->o->p);
        work[n + i] = w->weight[i] / (r->omega ? r->omega[w->index[i]] : 1);
        work[2 * n + i] = r->user ? r->user[w->index[i]] : 0;
    }
    rows.scale = work;
    rows.copies = work + n;
    rows.user = r->user ? work + 2 * n : NULL;
    nrm_status st = nrm_array_view(ctx, &view, NRM_F64, 2, shape, w->rows);
    if (st >= 0) st = nrm_rows_from_array(ctx, &rows.a, &view);
    if (st >= 0) st = nrm_coreset_score(ctx, r->o, r->scheme, 0, &rows, found);
    nrm_rows_close(ctx, rows.a);
    nrm_free(ctx, work);
    return st;
}

static bool all_zero(const nrm_weighted_rows *w)
{
    for (int64_t i = 0; i < w->count * w->columns; i++)
        if (w->rows[i] != 0) return false;
    return true;
}

static nrm_status draw(nrm_ctx *ctx, const nrm_coreset_reduction *r, int round, double target, const double *s, nrm_weighted_rows *w,
                       nrm_coreset_reduced *found)
{
    const nrm_draw_plan plan = {.m = target, .iid = r->o->iid, .seed = nrm_seed(ctx), .stream = nrm_coreset_stream(r->level, round),
                                .number = w->index};
    nrm_drawn drawn = {0};

    const nrm_status st = nrm_draw_rows(ctx, NRM_LP_CORESET, &plan, w->count, s, &drawn);
    if (st >= 0) keep(w, &drawn);
    found->expected = drawn.expected;
    nrm_drawn_free(ctx, &drawn);
    return st;
}

static nrm_status reduce(nrm_ctx *ctx, const nrm_coreset_reduction *r, nrm_weighted_rows *w, nrm_coreset_reduced *found)
{
    for (int round = r->round;; round++) {
        nrm_coreset_scores scores;
        double target = r->target;

        if ((double)w->count <= target) {
            if (round == r->round) found->expected = (double)w->count;
            return NRM_OK;
        }
        if (all_zero(w)) { /* a part of the rows: the others may not be */
            w->count = 0;
            return NRM_OK;
        }
        nrm_status st = score(ctx, r, w, &scores);
        if (st >= 0 && r->scheme == NRM_LP_CORESET_ROOT_LEVERAGE && round < NRM_CORESET_ROUNDS - 1) {
            const double next = nrm_coreset_round(r->o, (double)w->count, (double)scores.rank);
            if (next > target && next < 0.5 * (double)w->count) target = next;
        }
        if (st >= 0) st = draw(ctx, r, round, target, scores.s, w, found);
        nrm_coreset_scores_free(ctx, &scores);
        NRM_TRY(st);
        found->rank = scores.rank;
        found->total = scores.total;
        found->lewis_error = scores.lewis_error;
        found->how = scores.how;
        if (scores.remark != NRM_OK) found->remark = scores.remark;
        if (target <= r->target) return NRM_OK;
    }
}

nrm_status nrm_coreset_reduce(nrm_ctx *ctx, const nrm_coreset_reduction *r, nrm_weighted_rows *w, nrm_coreset_reduced *found)
{
    nrm_comm *comm = nrm_ctx_comm(ctx);

    *found = (nrm_coreset_reduced){.total = NAN, .lewis_error = NAN, .rank = -1, .how = "none", .remark = NRM_OK};
    if (ctx) NRM_TRY(nrm_set_comm(ctx, NULL));
    const nrm_status st = reduce(ctx, r, w, found);
    if (ctx) (void)!nrm_set_comm(ctx, comm); /* it was taken before */
    return st;
}
