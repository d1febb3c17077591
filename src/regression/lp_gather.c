/* lp_gather.c -- the rows of a stream in memory, on every rank.  Contract: lp_job.h. */
#include "lp_job.h"
#include <norma/comm.h>

enum { CHUNK = 4096 };

typedef struct store { /* chunks of this rank, end to end */
    int64_t count, room_a, room_b, d;
    double *a, *b;
} store;

static nrm_status keep(nrm_ctx *ctx, store *s, const nrm_row_chunk *c)
{
    int64_t numbers;
    NRM_REQUIRE(ctx, nrm_mul_size(s->count + c->count, s->d, &numbers) && numbers < INT64_MAX / 64, NRM_E_OVERFLOW,
                NRM_LP_REGRESSION ": more than %lld rows of %lld columns do not fit in memory; take the method coreset", NRM_LL(s->count),
                NRM_LL(s->d));
    NRM_TRY(nrm_grow(ctx, &s->a, &s->room_a, numbers, sizeof *s->a, NRM_LP_REGRESSION));
    NRM_TRY(nrm_grow(ctx, &s->b, &s->room_b, s->count + c->count, sizeof *s->b, NRM_LP_REGRESSION));
    for (int64_t i = 0; i < c->count; i++) {
        memcpy(s->a + (s->count + i) * s->d, c->a + i * c->lda, (size_t)s->d * sizeof *s->a);
        s->b[s->count + i] = c->b[i * c->ldb];
    }
    s->count += c->count;
    return NRM_OK;
}

/* n numbers of `width` a row, the chunks of this rank at their places, then summed over the ranks. */
static nrm_status spread(nrm_ctx *ctx, int64_t n, int64_t width, double **values)
{
    const nrm_comm *comm = nrm_ctx_comm(ctx);
    const int64_t ranks = nrm_comm_size(comm), rank = nrm_comm_rank(comm);
    double *all;
    int64_t from = 0;

    NRM_TRY(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), NRM_ALLOC_ZERO(ctx, all, n * width, NRM_LP_REGRESSION)));
    for (int64_t first = rank * CHUNK; first < n; first += ranks * CHUNK) {
        const int64_t count = nrm_min_i64(CHUNK, n - first);
        memcpy(all + first * width, *values + from * width, (size_t)(count * width) * sizeof *all);
        from += count;
    }
    const nrm_status st = nrm_sum_ranks(ctx, NRM_LP_REGRESSION, all, n * width);
    nrm_free(ctx, *values);
    *values = all;
    return st;
}

void nrm_lp_rows_free(nrm_ctx *ctx, nrm_lp_rows *rows)
{
    nrm_free(ctx, rows->a);
    nrm_free(ctx, rows->b);
    *rows = (nrm_lp_rows){0};
}

nrm_status nrm_lp_rows_gather(nrm_ctx *ctx, const nrm_lp_regression_input *in, int64_t most, nrm_lp_rows *rows, bool *all)
{
    store s = {.d = nrm_rows_cols(in->a)};
    nrm_row_pass *pass;
    nrm_row_chunk c;
    nrm_status st;
    double over = 0;

    *rows = (nrm_lp_rows){0};
    NRM_TRY(nrm_row_pass_begin(ctx, NRM_LP_REGRESSION, in->a, in->b, CHUNK, "reading rows", &pass));
    for (;;) {
        st = nrm_row_pass_next(ctx, pass, &c);
        if (st < 0 || c.count == 0) break;
        over = c.first + c.count > most / (s.d + 1);
        if (over > 0) break;
        st = keep(ctx, &s, &c);
        if (st < 0) break;
    }
    st = nrm_row_pass_end(ctx, &pass, st, &rows->n);
    rows->a = s.a;
    rows->b = s.b;
    if (st >= 0) st = nrm_sum_ranks(ctx, NRM_LP_REGRESSION, &over, 1);
    *all = over == 0;
    if (st >= 0 && *all && nrm_comm_size(nrm_ctx_comm(ctx)) > 1) {
        st = spread(ctx, rows->n, s.d, &rows->a);
        if (st >= 0) st = spread(ctx, rows->n, 1, &rows->b);
    }
    if (st < 0 || !*all) nrm_lp_rows_free(ctx, rows);
    return st;
}
