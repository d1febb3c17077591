/* coreset_fetch.c -- rows picked out by their numbers in one pass.  Contract: coreset.h.  Each rank
 * picks from its own chunks; the others have zeros in those places, and the sum has every row. */
#include "coreset.h"
#include "data/row_pass.h"
#include <norma/comm.h>

/* A list and how far it has been walked along. */
typedef struct picking { nrm_weighted_rows *w; int64_t at; } picking;

static void pick(picking *p, const nrm_row_chunk *c, int64_t d)
{
    nrm_weighted_rows *w = p->w;
    while (p->at < w->count && w->index[p->at] < c->first) p->at++; /* another rank's */
    for (; p->at < w->count && w->index[p->at] < c->first + c->count; p->at++) {
        const int64_t i = w->index[p->at] - c->first;
        double *to = w->rows + p->at * w->columns;
        memcpy(to, c->a + i * c->lda, (size_t)d * sizeof *to);
        if (c->b) memcpy(to + d, c->b + i * c->ldb, (size_t)(w->columns - d) * sizeof *to);
    }
}

static nrm_status pass_over(nrm_ctx *ctx, nrm_rows *a, nrm_rows *b, picking *lists, int count, int64_t *n)
{
    const int64_t d = nrm_rows_cols(a), unit = nrm_row_pass_unit(d + nrm_rows_cols(b));
    nrm_row_pass *pass;
    nrm_row_chunk chunk;

    nrm_status st = nrm_row_pass_begin(ctx, NRM_LP_CORESET, a, b, unit, "rows", &pass);
    while (st >= 0) {
        st = nrm_row_pass_next(ctx, pass, &chunk);
        if (st < 0 || chunk.count == 0) break;
        for (int k = 0; k < count; k++) pick(&lists[k], &chunk, d);
    }
    return nrm_row_pass_end(ctx, &pass, st, n);
}

nrm_status nrm_coreset_count(nrm_ctx *ctx, nrm_rows *a, nrm_rows *b, int64_t *n) { return pass_over(ctx, a, b, NULL, 0, n); }

nrm_status nrm_coreset_fetch(nrm_ctx *ctx, nrm_rows *a, nrm_rows *b, nrm_weighted_rows *w, nrm_weighted_rows *second, int64_t *n)
{
    picking lists[2] = {{w, 0}, {second, 0}};
    const int count = second ? 2 : 1;
    nrm_status st = NRM_OK;

    for (int k = 0; k < count && st >= 0; k++) {
        st = nrm_weighted_rows_room(ctx, lists[k].w, lists[k].w->count);
        if (st >= 0) memset(lists[k].w->rows, 0, (size_t)(lists[k].w->count * lists[k].w->columns) * sizeof *w->rows);
    }
    NRM_TRY(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    NRM_TRY(pass_over(ctx, a, b, lists, count, n));
    for (int k = 0; k < count; k++)
        NRM_TRY(nrm_sum_ranks(ctx, NRM_LP_CORESET, lists[k].w->rows, lists[k].w->count * lists[k].w->columns));
    return NRM_OK;
}
