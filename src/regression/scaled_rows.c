/* scaled_rows.c -- contract: scaled_rows.h.  Without factors blocks are handed on as they are. */
#include "scaled_rows.h"

typedef struct scaled_rows {
    nrm_rows base;
    nrm_rows *from;
    const double *factor;
    int64_t length, passes;
} scaled_rows;

static nrm_status scale_dense(nrm_ctx *ctx, scaled_rows *s, nrm_row_block *block)
{
    const int64_t cols = block->cols;
    NRM_TRY(nrm_grow(ctx, &s->base.dense, &s->base.dense_capacity, nrm_max_i64(1, block->count * cols), sizeof(double),
                     "a block of rows"));
    for (int64_t i = 0; i < block->count; i++) {
        const double f = s->factor[block->first + i], *row = block->dense + i * cols;
        for (int64_t j = 0; j < cols; j++) s->base.dense[i * cols + j] = f * row[j];
    }
    block->dense = s->base.dense;
    return NRM_OK;
}

static nrm_status scale_sparse(nrm_ctx *ctx, scaled_rows *s, nrm_row_block *block)
{
    NRM_TRY(nrm_entries_reserve(ctx, &s->base.entries, nrm_max_i64(1, block->indptr[block->count])));
    for (int64_t i = 0; i < block->count; i++)
        for (int64_t k = block->indptr[i]; k < block->indptr[i + 1]; k++)
            s->base.entries.values[k] = s->factor[block->first + i] * block->values[k];
    block->values = s->base.entries.values;
    return NRM_OK;
}

/* From the first row, wherever `from` is. */
static nrm_status start(nrm_ctx *ctx, scaled_rows *s)
{
    if (s->base.at > 0) return NRM_OK;
    s->passes++;
    return s->from->at == 0 && s->from->failed >= 0 && !s->from->ended ? NRM_OK : nrm_rows_rewind(ctx, s->from);
}

static nrm_status scaled_next(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, nrm_row_block *block)
{
    scaled_rows *s = (scaled_rows *)rows;
    const int64_t most = nrm_max_i64(1, NRM_BLOCK_NUMBERS / nrm_max_i64(1, rows->cols));

    NRM_TRY(start(ctx, s));
    NRM_TRY(nrm_rows_next(ctx, s->from, s->factor ? nrm_min_i64(limit, most) : limit, block));
    rows->count = nrm_rows_count(s->from);
    if (!s->factor || block->count == 0) return NRM_OK;
    NRM_REQUIRE(ctx, block->first + block->count <= s->length, NRM_E_SHAPE, "rows: there are more than the %lld rows that were "
                "announced", NRM_LL(s->length));
    return block->dense ? scale_dense(ctx, s, block) : scale_sparse(ctx, s, block);
}

static nrm_status scaled_rewind(nrm_ctx *ctx, nrm_rows *rows) { return nrm_rows_rewind(ctx, ((scaled_rows *)rows)->from); }

static nrm_status scaled_skip(nrm_ctx *ctx, nrm_rows *rows, int64_t n)
{
    scaled_rows *s = (scaled_rows *)rows;
    NRM_TRY(start(ctx, s));
    return nrm_rows_skip(ctx, s->from, n, NULL);
}

static const nrm_rows_kind scaled_kind = {scaled_next, scaled_rewind, scaled_skip, NULL, "a stream"};

nrm_status nrm_scaled_rows(nrm_ctx *ctx, nrm_rows **rows, nrm_rows *from, const double *factor, int64_t length)
{
    scaled_rows *s;
    NRM_TRY(nrm_rows_create(ctx, &s, sizeof *s, &scaled_kind, nrm_rows_cols(from), nrm_rows_count(from)));
    s->from = from;
    s->factor = factor;
    s->length = length;
    *rows = &s->base;
    return NRM_OK;
}

int64_t nrm_scaled_rows_passes(const nrm_rows *rows) { return ((const scaled_rows *)rows)->passes; }
