/* coreset_merge.c -- a coreset from one pass over any number of rows: merge and reduce.  Contract:
 * coreset_job.h.
 *
 * A block of `unit` rows is reduced to a coreset of about 2 m; FAN of those, end to end, are again
 * some `unit` rows and are reduced likewise, with a draw of their own, and so on: a counter to the
 * base FAN whose digits are heaps of coresets.  At the end all heaps together, oldest first, are
 * reduced to m.  A row is drawn once for each level, log(n / unit) / log FAN + 2 times; the variance
 * of a level is half of the last one's, because inner coresets are twice as large.  Binary merging,
 * which the paper's readers know, has three times as many levels for the same memory.
 *
 * Among ranks a round is one block of each: a rank reduces its own, all get all, and each does the
 * same merging in the order of the blocks.  A merge reads an eighth of what the blocks had, so most
 * of the work is shared; and the answer is that of one rank, as draws are keyed by row numbers. */
#include "coreset_job.h"
#include "data/row_pass.h"
#include <norma/comm.h>

enum { FAN = 8, INNER = 2, BLOCK_NUMBERS = 1 << 22, BLOCK_NUMBERS_MOST = 1 << 28 };

typedef struct heaps {
    nrm_coreset_job *j;
    nrm_coreset_reduction reduction;
    int64_t unit, fan;
    nrm_weighted_rows heap[NRM_CORESET_LEVELS];
    int64_t held[NRM_CORESET_LEVELS]; /* coresets in it */
    int top;                          /* highest heap in use */
    bool single;                      /* the first block was all there is */
    nrm_coreset_reduced found;
} heaps;

static void note(heaps *h, const nrm_coreset_reduced *found)
{
    const nrm_status remark = h->found.remark != NRM_OK ? h->found.remark : found->remark;
    if (found->rank >= 0) h->found = *found;
    h->found.expected = found->expected;
    h->found.remark = remark;
}

static nrm_status reduce(nrm_ctx *ctx, heaps *h, int level, double target, nrm_weighted_rows *w)
{
    nrm_coreset_reduction r = h->reduction;
    nrm_coreset_reduced found;

    r.level = level;
    r.target = target;
    NRM_TRY(nrm_coreset_reduce(ctx, &r, w, &found));
    note(h, &found);
    return NRM_OK;
}

/* One more coreset of level 0; full heaps are reduced into the next. */
static nrm_status push(nrm_ctx *ctx, heaps *h, const nrm_weighted_rows *block)
{
    NRM_TRY(nrm_weighted_rows_append(ctx, &h->heap[0], block));
    h->held[0]++;
    for (int k = 0; h->held[k] == h->fan; k++) {
        NRM_TRY(reduce(ctx, h, k + 1, h->reduction.target, &h->heap[k]));
        NRM_TRY(nrm_weighted_rows_append(ctx, &h->heap[k + 1], &h->heap[k]));
        h->held[k + 1]++;
        h->heap[k].count = h->held[k] = 0;
        if (k + 1 > h->top) h->top = k + 1;
    }
    return NRM_OK;
}

/* The rows of a chunk with their weights, reduced unless they are all there is. */
static nrm_status make_block(nrm_ctx *ctx, heaps *h, const nrm_row_chunk *c, nrm_weighted_rows *w)
{
    const nrm_coreset_job *j = h->j;
    const double *omega = j->in->row_weights;

    w->count = 0;
    if (c->count == 0) return NRM_OK;
    NRM_REQUIRE(ctx, (!omega && !j->user) || c->first + c->count <= j->in->length, NRM_E_SHAPE, NRM_LP_CORESET ": a has more rows "
                "than there are row_weights or user_scores, %lld; there must be one a row", NRM_LL(j->in->length));
    NRM_TRY(nrm_weighted_rows_room(ctx, w, c->count));
    for (int64_t i = 0; i < c->count; i++) {
        double *to = w->rows + i * w->columns;
        w->index[i] = c->first + i;
        w->weight[i] = omega ? omega[c->first + i] : 1;
        memcpy(to, c->a + i * c->lda, (size_t)j->d * sizeof *to);
        if (c->b) memcpy(to + j->d, c->b + i * c->ldb, (size_t)j->q * sizeof *to);
    }
    w->count = c->count;
    if (c->first == 0 && c->count < h->unit) return NRM_OK;
    return reduce(ctx, h, 0, h->reduction.target, w);
}

/* ---- Rounds of all ranks ---------------------------------------------------------------------------- */

static int64_t cells(const nrm_weighted_rows *w) { return w->count * (w->columns + 2); }

static void pack(const nrm_weighted_rows *w, double *cell)
{
    memcpy(cell, w->index, (size_t)w->count * sizeof *w->index);
    memcpy(cell + w->count, w->weight, (size_t)w->count * sizeof *w->weight);
    memcpy(cell + 2 * w->count, w->rows, (size_t)(w->count * w->columns) * sizeof *w->rows);
}

static nrm_status unpack(nrm_ctx *ctx, nrm_weighted_rows *w, int64_t count, const double *cell)
{
    NRM_TRY(nrm_weighted_rows_room(ctx, w, count));
    w->count = count;
    memcpy(w->index, cell, (size_t)count * sizeof *w->index);
    memcpy(w->weight, cell + count, (size_t)count * sizeof *w->weight);
    memcpy(w->rows, cell + 2 * count, (size_t)(count * w->columns) * sizeof *w->rows);
    return NRM_OK;
}

/* What a rank says of its block before it sends it. */
typedef struct block_said { int64_t rows, kept; } block_said;

/* Everybody's block onto the heaps, in the order of the rows; *end: one was short. */
static nrm_status exchange(nrm_ctx *ctx, heaps *h, int64_t rows, nrm_weighted_rows *mine, bool *end)
{
    nrm_comm *comm = nrm_ctx_comm(ctx);
    const int size = nrm_comm_size(comm);
    block_said *said = NULL;
    int64_t *bytes = NULL, total = 0;
    double *send = NULL, *receive = NULL;

    nrm_status st = NRM_ALLOC(ctx, said, size, NRM_LP_CORESET);
    if (st >= 0) st = NRM_ALLOC(ctx, bytes, size, NRM_LP_CORESET);
    if (st >= 0) st = NRM_ALLOC(ctx, send, cells(mine), NRM_LP_CORESET);
    NRM_TRY_DONE(nrm_comm_agree(ctx, comm, st));
    for (int r = 0; r < size; r++) bytes[r] = sizeof *said;
    NRM_TRY_DONE(nrm_comm_all_gather(ctx, comm, &(block_said){rows, mine->count}, said, bytes));
    *end = false;
    for (int r = 0; r < size; r++) {
        bytes[r] = said[r].kept * (mine->columns + 2) * (int64_t)sizeof *send;
        total += said[r].kept * (mine->columns + 2);
        *end |= said[r].rows < h->unit;
    }
    pack(mine, send);
    NRM_TRY_DONE(nrm_comm_agree(ctx, comm, NRM_ALLOC(ctx, receive, total, NRM_LP_CORESET)));
    NRM_TRY_DONE(nrm_comm_all_gather(ctx, comm, send, receive, bytes));
    const double *at = receive;
    for (int r = 0; r < size && st >= 0; r++) {
        st = unpack(ctx, mine, said[r].kept, at);
        at += cells(mine);
        if (st >= 0 && said[r].rows > 0) st = push(ctx, h, mine);
    }
    h->single = size > 0 && said[0].rows < h->unit && h->top == 0 && h->held[0] <= 1;
    st = nrm_comm_agree(ctx, comm, st);
done:
    nrm_free(ctx, said);
    nrm_free(ctx, bytes);
    nrm_free(ctx, send);
    nrm_free(ctx, receive);
    return st;
}

static nrm_status read_all(nrm_ctx *ctx, heaps *h, int64_t *rows)
{
    nrm_comm *comm = nrm_ctx_comm(ctx);
    nrm_weighted_rows block = {.columns = h->j->columns};
    nrm_row_pass *pass;
    nrm_row_chunk chunk = {0};
    bool end = false;

    nrm_status st = nrm_row_pass_begin(ctx, NRM_LP_CORESET, h->j->a, h->j->b, h->unit, "coresets of blocks", &pass);
    st = nrm_comm_agree(ctx, comm, st);
    while (st >= 0 && !end) {
        st = nrm_row_pass_next(ctx, pass, &chunk);
        if (st >= 0) st = make_block(ctx, h, &chunk, &block);
        if (nrm_comm_size(comm) > 1) {
            st = nrm_comm_agree(ctx, comm, st);
            if (st >= 0) st = exchange(ctx, h, chunk.count, &block, &end);
        } else if (st >= 0) {
            end = chunk.count < h->unit;
            h->single = end && chunk.first == 0;
            if (chunk.count > 0) st = push(ctx, h, &block);
        }
    }
    while (st >= 0 && chunk.count > 0) st = nrm_row_pass_next(ctx, pass, &chunk); /* past the others' last rows */
    nrm_weighted_rows_free(ctx, &block);
    return nrm_row_pass_end(ctx, &pass, st, rows);
}

/* ---- The whole ------------------------------------------------------------------------------------- */

static nrm_status plan(nrm_ctx *ctx, heaps *h, double *m)
{
    nrm_coreset_job *j = h->j;
    const double columns = (double)j->columns;

    if (j->o.scores == NRM_LP_SCORES_AUTO) j->o.scores = NRM_LP_SCORES_BRACKET; /* what a block can afford, a million cannot */

    *m = (double)j->o.rows;
    if (j->o.rows == 0)
        *m = fmax(nrm_coreset_rows(&j->o, j->scheme, columns, nrm_coreset_most_total(j->o.p, columns)), columns + 1);
    NRM_REQUIRE(ctx, *m * columns * INNER * 2 <= BLOCK_NUMBERS_MOST, NRM_E_RANGE, NRM_LP_CORESET ": %.4g rows of %lld numbers are to "
                "be kept; too many to merge in memory: set rows, or take a larger eps", *m, NRM_LL(j->columns));
    const int64_t inner = INNER * (int64_t)*m;
    h->fan = nrm_max_i64(2, nrm_min_i64(FAN, BLOCK_NUMBERS / j->columns / inner));
    h->unit = h->fan * inner;
    h->reduction = (nrm_coreset_reduction){.o = &j->o, .scheme = j->scheme, .target = (double)inner, .omega = j->in->row_weights,
                                           .user = j->user};
    h->found = (nrm_coreset_reduced){.rank = -1, .total = NAN, .lewis_error = NAN, .how = "none", .remark = NRM_OK};
    for (int k = 0; k < NRM_CORESET_LEVELS; k++) h->heap[k].columns = j->columns;
    return NRM_OK;
}

static nrm_status finish(nrm_ctx *ctx, heaps *h, double m)
{
    nrm_coreset_job *j = h->j;

    for (int k = h->top; k >= 0; k--) {
        NRM_TRY(nrm_weighted_rows_append(ctx, &j->kept, &h->heap[k]));
        nrm_weighted_rows_free(ctx, &h->heap[k]);
    }
    if (j->o.audit) NRM_TRY(nrm_weighted_rows_append(ctx, &j->reference, &j->kept));
    NRM_TRY(reduce(ctx, h, h->single ? 0 : NRM_CORESET_LAST, m, &j->kept));
    NRM_REQUIRE(ctx, j->kept.count > 0, NRM_E_SINGULAR, NRM_LP_CORESET ": every row is 0; there is nothing to keep: give rows that are "
                "not all 0");
    j->info.levels = h->single ? 1 : h->top + 2;
    j->info.expected = h->found.expected;
    j->info.rank = h->found.rank;
    j->info.total_sensitivity = h->found.total;
    j->info.lewis_error = h->found.lewis_error;
    j->info.scores = h->found.how;
    if (h->found.remark != NRM_OK) j->remark = h->found.remark;
    j->fetched = true;
    j->reference_is_all = h->single;
    return NRM_OK;
}

nrm_status nrm_coreset_merge(nrm_ctx *ctx, nrm_coreset_job *j)
{
    heaps h = {.j = j};
    double m;

    NRM_TRY(plan(ctx, &h, &m));
    nrm_status st = read_all(ctx, &h, &j->n);
    if (st >= 0) st = nrm_coreset_check_count(ctx, j, j->n);
    if (st >= 0) st = nrm_comm_agree(ctx, nrm_ctx_comm(ctx), finish(ctx, &h, m));
    for (int k = 0; k < NRM_CORESET_LEVELS; k++) nrm_weighted_rows_free(ctx, &h.heap[k]);
    return st;
}
