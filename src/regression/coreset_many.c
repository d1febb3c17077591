/* coreset_many.c -- a coreset by scores of all rows.  Contract: coreset_job.h.
 *
 * The audit's reference is drawn here too, several times as large and from a stream of its own, so
 * that one pass picks the rows of both.  It is drawn by scores that see what matters: where the
 * scheme's do not, as with equal ones, by Lewis weights. */
#include "coreset_job.h"
#include <norma/comm.h>

#define WHO NRM_LP_CORESET

enum { REFERENCE_TIMES = 4, REFERENCE_LEAST = 16384, REFERENCE_NUMBERS = 1 << 22 };

static nrm_status agree(nrm_ctx *ctx, nrm_status st) { return nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st); }

/* The rows that `drawn` names, as far as their numbers and weights go. */
static nrm_status name_rows(nrm_ctx *ctx, const nrm_coreset_job *j, const nrm_drawn *drawn, nrm_weighted_rows *w)
{
    NRM_TRY(nrm_weighted_rows_room(ctx, w, drawn->count));
    for (int64_t k = 0; k < drawn->count; k++) {
        w->index[k] = drawn->place[k];
        w->weight[k] = drawn->factor[k] * (j->in->row_weights ? j->in->row_weights[drawn->place[k]] : 1);
    }
    w->count = drawn->count;
    return NRM_OK;
}

static nrm_status draw(nrm_ctx *ctx, nrm_coreset_job *j, double m, const double *s)
{
    nrm_draw_plan plan = {.m = m, .iid = j->o.iid, .seed = nrm_seed(ctx), .stream = nrm_coreset_stream(0, 0)};
    nrm_drawn drawn = {0};

    nrm_status st = nrm_draw_rows(ctx, WHO, &plan, j->n, s, &drawn);
    if (st >= 0 && j->want & NRM_LP_CORESET_PROBABILITIES) {
        st = NRM_ALLOC(ctx, j->shares, j->n, WHO);
        if (st >= 0) nrm_draw_shares(&plan, j->n, s, j->shares);
    }
    if (st >= 0) st = name_rows(ctx, j, &drawn, &j->kept);
    j->info.expected = drawn.expected;
    nrm_drawn_free(ctx, &drawn);
    return st;
}

/* All rows, likewise. */
static nrm_status name_all(nrm_ctx *ctx, const nrm_coreset_job *j, nrm_weighted_rows *w)
{
    NRM_TRY(nrm_weighted_rows_room(ctx, w, j->n));
    for (int64_t i = 0; i < j->n; i++) {
        w->index[i] = i;
        w->weight[i] = j->in->row_weights ? j->in->row_weights[i] : 1;
    }
    w->count = j->n;
    return NRM_OK;
}

static nrm_status keep_all(nrm_ctx *ctx, nrm_coreset_job *j)
{
    if (j->want & NRM_LP_CORESET_PROBABILITIES) NRM_TRY(NRM_ALLOC(ctx, j->shares, j->n, WHO));
    for (int64_t i = 0; i < j->n && j->shares; i++) j->shares[i] = 1;
    j->info.expected = (double)j->n;
    return name_all(ctx, j, &j->kept);
}

/* Rows of the first draw of root leverage; m where it is the only one. */
static double first_draw(const nrm_coreset_job *j, double m)
{
    if (j->scheme != NRM_LP_CORESET_ROOT_LEVERAGE) return m;
    const double first = nrm_coreset_round(&j->o, (double)j->n, (double)j->info.rank);
    return first > m && first < 0.5 * (double)j->n ? first : m;
}

static nrm_status draw_many(nrm_ctx *ctx, nrm_coreset_job *j)
{
    const bool all_kept = j->o.rows >= j->n;
    const unsigned lists = j->want & (NRM_LP_CORESET_SENSITIVITIES | NRM_LP_CORESET_LEWIS_WEIGHTS);
    const nrm_scored_rows rows = {.a = j->a, .b = j->b, .n = j->n, .scale = j->scale, .user = j->user};

    if (!all_kept || lists) {
        NRM_TRY(nrm_coreset_score(ctx, &j->o, j->scheme, j->want, &rows, &j->scores));
        j->info.rank = j->scores.rank;
        j->info.scores = j->scores.how;
        j->info.total_sensitivity = j->scores.total;
        j->info.lewis_error = j->scores.lewis_error;
        if (j->scores.remark != NRM_OK) j->remark = j->scores.remark;
    }
    double m = (double)j->o.rows;
    if (j->o.rows == 0) {
        const double rank = j->info.rank > 0 ? (double)j->info.rank : (double)j->columns;
        m = fmax(nrm_coreset_rows(&j->o, j->scheme, rank, j->scores.total), (double)j->columns + 1);
    }
    if (m >= (double)j->n) return agree(ctx, keep_all(ctx, j));
    const double first = first_draw(j, m);
    NRM_REQUIRE(ctx, first == m || !(j->want & NRM_LP_CORESET_PROBABILITIES), NRM_E_RANGE, WHO ": root-leverage draws in rounds here, "
                "and rows have no probability known beforehand; leave out the probabilities, or take another scheme");
    NRM_TRY(agree(ctx, draw(ctx, j, first, j->scores.s)));
    if (first == m) return NRM_OK;
    int64_t n;
    NRM_TRY(nrm_coreset_fetch(ctx, j->a, j->b, &j->kept, NULL, &n));
    j->fetched = true;
    const nrm_coreset_reduction r = {.o = &j->o, .scheme = j->scheme, .target = m, .round = 1, .omega = j->in->row_weights};
    nrm_coreset_reduced found;
    NRM_TRY(agree(ctx, nrm_coreset_reduce(ctx, &r, &j->kept, &found)));
    j->info.expected = found.expected;
    return NRM_OK;
}

/* ---- The audit's reference ------------------------------------------------------------------------------- */

static nrm_status reference_rows(nrm_ctx *ctx, nrm_coreset_job *j, double m, const double *s)
{
    const nrm_draw_plan plan = {.m = m, .seed = nrm_seed(ctx), .stream = nrm_coreset_stream(NRM_CORESET_REFERENCE, 0)};
    nrm_drawn drawn = {0};

    nrm_status st = nrm_draw_rows(ctx, WHO, &plan, j->n, s, &drawn);
    if (st >= 0) st = name_rows(ctx, j, &drawn, &j->reference);
    nrm_drawn_free(ctx, &drawn);
    return st;
}

static nrm_status name_reference(nrm_ctx *ctx, nrm_coreset_job *j)
{
    const int64_t most = nrm_max_i64(REFERENCE_LEAST, REFERENCE_TIMES * j->kept.count);
    const int64_t m = nrm_max_i64(nrm_min_i64(most, REFERENCE_NUMBERS / j->columns), 2 * j->kept.count);
    const bool blind = j->scheme == NRM_LP_CORESET_UNIFORM || j->user;
    nrm_coreset_scores scores = {0};

    j->reference_is_all = m >= j->n;
    if (j->reference_is_all) return agree(ctx, name_all(ctx, j, &j->reference));
    if (blind || !j->scores.s) {
        const nrm_scored_rows rows = {.a = j->a, .b = j->b, .n = j->n, .scale = j->scale};
        const nrm_status st = nrm_coreset_score(ctx, &j->o, NRM_LP_CORESET_LEWIS, 0, &rows, &scores);
        if (st < 0) {
            nrm_coreset_scores_free(ctx, &scores);
            return st;
        }
    }
    const nrm_status st = agree(ctx, reference_rows(ctx, j, (double)m, scores.s ? scores.s : j->scores.s));
    nrm_coreset_scores_free(ctx, &scores);
    return st;
}

nrm_status nrm_coreset_draw(nrm_ctx *ctx, nrm_coreset_job *j)
{
    int64_t n = j->n;

    NRM_TRY(nrm_coreset_check_count(ctx, j, n));
    NRM_TRY(draw_many(ctx, j));
    j->info.levels = 1;
    if (j->o.audit) NRM_TRY(name_reference(ctx, j));
    if (j->o.audit || (!j->fetched && (j->direct || j->want & NRM_LP_CORESET_ROWS))) {
        NRM_TRY(nrm_coreset_fetch(ctx, j->a, j->b, &j->kept, j->o.audit ? &j->reference : NULL, &n));
        NRM_REQUIRE(ctx, n == j->n, NRM_E_SHAPE, WHO ": a has %lld rows, but %lld were announced", NRM_LL(n), NRM_LL(j->n));
    }
    return NRM_OK;
}
