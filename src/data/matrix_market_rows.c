/* matrix_market_rows.c -- a Matrix Market file as a stream of rows, and writing one.
 *
 * A general coordinate file whose rows ascend is read in constant memory.  The array form
 * goes column by column and a symmetric one has half of a row in later lines: these are
 * loaded whole. */
#include "matrix_market.h"

typedef struct mm_rows {
    nrm_rows base;
    nrm_source *source;
    nrm_mm_header header;
    int64_t seen;      /* entries read */
    nrm_mm_entry next; /* read but not handed out */
    bool waiting;
} mm_rows;

/* Look at the next entry, which must not lie in a row before `row`. */
static nrm_status peek_entry(nrm_ctx *ctx, mm_rows *m, int64_t row)
{
    if (m->waiting || m->seen == m->header.nnz) return NRM_OK;
    NRM_TRY(nrm_mm_read_entry(ctx, m->source, &m->header, m->seen, &m->next));
    NRM_REQUIRE(ctx, m->next.row >= row, NRM_E_FORMAT,
                "%s: line %lld: row %lld comes after row %lld; a stream needs rows in order: sort the entries by row",
                m->source->name, NRM_LL(m->source->line), NRM_LL(m->next.row + 1), NRM_LL(row + 1));
    m->waiting = true;
    if (++m->seen == m->header.nnz) NRM_TRY(nrm_mm_read_end(ctx, m->source));
    return NRM_OK;
}

static nrm_status read_row(nrm_ctx *ctx, mm_rows *m, int64_t row)
{
    nrm_entries *e = &m->base.entries;
    const int64_t begin = e->count;

    for (;;) {
        NRM_TRY(peek_entry(ctx, m, row));
        if (!m->waiting || m->next.row != row) break;
        NRM_TRY(nrm_entries_add(ctx, e, m->next.col, m->next.value));
        m->waiting = false;
    }
    int64_t count = e->count - begin;
    if (count > 1) NRM_TRY(nrm_row_sort(ctx, &m->base.scratch, e->indices + begin, e->values + begin, &count));
    e->count = begin + count;
    return NRM_OK;
}

static nrm_status mm_next(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, nrm_row_block *block)
{
    mm_rows *m = (mm_rows *)rows;
    nrm_entries *e = &rows->entries;

    limit = nrm_min_i64(nrm_min_i64(limit, NRM_BLOCK_NUMBERS), rows->count - rows->at);
    e->count = 0;
    NRM_TRY(nrm_entries_reserve(ctx, e, 1));
    NRM_TRY(nrm_rows_start(ctx, rows, 0, 0));
    while (block->count < limit && e->count < NRM_BLOCK_NUMBERS) {
        NRM_TRY(read_row(ctx, m, rows->at + block->count));
        NRM_TRY(nrm_rows_start(ctx, rows, ++block->count, e->count));
    }
    block->indptr = rows->indptr;
    block->indices = e->indices;
    block->values = e->values;
    return NRM_OK;
}

static nrm_status mm_rewind(nrm_ctx *ctx, nrm_rows *rows)
{
    mm_rows *m = (mm_rows *)rows;
    NRM_TRY(nrm_source_rewind(ctx, m->source));
    m->seen = 0;
    m->waiting = false;
    return nrm_mm_read_header(ctx, m->source, &m->header);
}

static void mm_close(nrm_ctx *ctx, nrm_rows *rows) { nrm_source_close(ctx, ((mm_rows *)rows)->source); }

static const nrm_rows_kind mm_kind = {mm_next, mm_rewind, NULL, mm_close, "a Matrix Market file"};

static nrm_status open_whole(nrm_ctx *ctx, nrm_source *source, const nrm_mm_header *h, nrm_rows **rows)
{
    nrm_loaded loaded = {0};
    nrm_status st;

    NRM_TRY_DONE(nrm_source_settle(ctx, source));
    NRM_TRY_DONE(nrm_mm_read_body(ctx, source, h, &loaded));
    NRM_TRY_DONE(nrm_rows_from_loaded(ctx, rows, &loaded));
    nrm_source_close(ctx, source);
done:
    nrm_loaded_destroy(ctx, &loaded);
    return st;
}

nrm_status nrm_open_matrix_market(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows)
{
    nrm_mm_header h = {0};
    mm_rows *m;

    NRM_TRY(nrm_mm_read_header(ctx, source, &h));
    NRM_TRY(nrm_check_cols(ctx, source, cols, h.cols));
    if (!h.coordinate || h.symmetry != NRM_GENERAL) return open_whole(ctx, source, &h, rows);
    NRM_TRY(nrm_rows_create(ctx, &m, sizeof *m, &mm_kind, h.cols, h.rows));
    m->source = source;
    m->header = h;
    *rows = &m->base;
    return NRM_OK;
}

/* ---- Writing -------------------------------------------------------------------------------------------- */

nrm_status nrm_write_matrix_market(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a)
{
    char text[NRM_SHAPE_LENGTH];
    NRM_REQUIRE(ctx, a->ndim == 1 || a->ndim == 2, NRM_E_SHAPE,
                "%s: Matrix Market holds 1-d and 2-d arrays; this one is %s: use npy", sink->path,
                nrm_shape_text(text, a->ndim, a->shape));
    const bool real = a->dtype == NRM_F32 || a->dtype == NRM_F64;
    const int64_t rows = a->shape[0], cols = a->ndim == 2 ? a->shape[1] : 1;

    NRM_TRY(nrm_sink_text(ctx, sink, "%%%%MatrixMarket matrix array %s general\n%lld %lld\n", real ? "real" : "integer",
                          NRM_LL(rows), NRM_LL(cols)));
    for (int64_t j = 0; j < cols && rows > 0; j++)
        for (int64_t i = 0; i < rows; i++) {
            NRM_TRY(nrm_sink_number(ctx, sink, a->dtype, a->data, i * cols + j));
            NRM_TRY(nrm_sink_text(ctx, sink, "\n"));
        }
    return NRM_OK;
}

nrm_status nrm_write_matrix_market_csr(nrm_ctx *ctx, nrm_sink *sink, const nrm_csr *s)
{
    NRM_TRY(nrm_sink_text(ctx, sink, "%%%%MatrixMarket matrix coordinate real general\n%lld %lld %lld\n", NRM_LL(s->rows),
                          NRM_LL(s->cols), NRM_LL(s->nnz)));
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t k = s->indptr[i]; k < s->indptr[i + 1]; k++) {
            NRM_TRY(nrm_sink_text(ctx, sink, "%lld %lld ", NRM_LL(i + 1), NRM_LL(s->indices[k] + 1)));
            NRM_TRY(nrm_sink_number(ctx, sink, s->dtype, s->values, k));
            NRM_TRY(nrm_sink_text(ctx, sink, "\n"));
        }
    return NRM_OK;
}
