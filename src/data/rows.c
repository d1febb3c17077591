/* rows.c -- streams of rows: the common part, and streams from arrays, sparse
 * matrices and callbacks.  Streams from files: *_rows.c. */
#include "rows.h"

nrm_status nrm_rows_create(nrm_ctx *ctx, void *place, size_t bytes, const nrm_rows_kind *kind, int64_t cols,
                           int64_t count)
{
    nrm_rows *rows;
    NRM_TRY(nrm_alloc_zeroed(ctx, &rows, 1, bytes, "a stream of rows"));
    rows->kind = kind;
    rows->cols = cols;
    rows->count = count;
    memcpy(place, &rows, sizeof rows);
    return NRM_OK;
}

nrm_status nrm_rows_dense(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, int64_t *most)
{
    NRM_REQUIRE(ctx, rows->cols <= NRM_DENSE_COLS_MOST, NRM_E_UNSUPPORTED,
                "rows: %lld columns; a stream of dense rows has at most %d", NRM_LL(rows->cols),
                NRM_DENSE_COLS_MOST);
    *most = nrm_min_i64(limit, nrm_max_i64(1, NRM_BLOCK_NUMBERS / nrm_max_i64(1, rows->cols)));
    return nrm_grow(ctx, &rows->dense, &rows->dense_capacity, nrm_max_i64(1, *most * rows->cols),
                    sizeof(double), "a block of rows");
}

nrm_status nrm_rows_start(nrm_ctx *ctx, nrm_rows *rows, int64_t row, int64_t entry)
{
    NRM_TRY(nrm_grow(ctx, &rows->indptr, &rows->indptr_capacity, row + 1, sizeof(int64_t), "a block's row starts"));
    rows->indptr[row] = entry;
    return NRM_OK;
}

int64_t nrm_rows_cols(const nrm_rows *rows) { return rows ? rows->cols : 0; }
int64_t nrm_rows_count(const nrm_rows *rows) { return rows ? rows->count : 0; }

nrm_status nrm_rows_next(nrm_ctx *ctx, nrm_rows *rows, int64_t max_rows, nrm_row_block *block)
{
    NRM_REQUIRE(ctx, rows && block, NRM_E_NULL, "rows: rows and block must not be NULL");
    NRM_REQUIRE(ctx, max_rows >= 1, NRM_E_RANGE, "rows: max_rows is %lld; it must be at least 1", NRM_LL(max_rows));
    NRM_REQUIRE(ctx, rows->failed >= 0, rows->failed,
                "rows: this stream failed before row %lld; rewind it or open it again", NRM_LL(rows->at));
    NRM_REQUIRE(ctx, !nrm_cancelled(ctx), NRM_E_CANCELLED, "rows: stopped on request before row %lld",
                NRM_LL(rows->at));
    nrm_row_block fresh = {.first = rows->at, .cols = rows->cols};

    if (!rows->ended) {
        const nrm_status st = rows->kind->next(ctx, rows, max_rows, &fresh);
        if (st < 0) {
            /* Memory may come back and a request to stop may be withdrawn, but rows may be lost. */
            rows->failed = st;
            return st;
        }
        rows->at += fresh.count;
        if (fresh.count == 0) {
            rows->ended = true;
            rows->count = rows->at;
        }
    }
    if (fresh.count == 0) fresh.dense = fresh.values = NULL;
    *block = fresh;
    return NRM_OK;
}

nrm_status nrm_rows_skip(nrm_ctx *ctx, nrm_rows *rows, int64_t count, int64_t *skipped)
{
    nrm_row_block block;
    int64_t left = count;

    NRM_REQUIRE(ctx, rows, NRM_E_NULL, "rows: rows must not be NULL");
    NRM_REQUIRE(ctx, count >= 0, NRM_E_RANGE, "rows: %lld rows to pass over; it must be at least 0", NRM_LL(count));
    if (rows->kind->skip && rows->count >= 0 && rows->failed >= 0 && !rows->ended) {
        left = nrm_min_i64(count, rows->count - rows->at);
        const nrm_status st = rows->kind->skip(ctx, rows, left);
        if (st < 0) rows->failed = st;
        NRM_TRY(st);
        rows->at += left;
        if (skipped) *skipped = left;
        return NRM_OK;
    }
    for (; left > 0; left -= block.count) {
        NRM_TRY(nrm_rows_next(ctx, rows, left, &block));
        if (block.count == 0) break;
    }
    if (skipped) *skipped = count - left;
    return NRM_OK;
}

nrm_status nrm_rows_rewind(nrm_ctx *ctx, nrm_rows *rows)
{
    NRM_REQUIRE(ctx, rows, NRM_E_NULL, "rows: rows must not be NULL");
    NRM_REQUIRE(ctx, rows->kind->rewind, NRM_E_UNSUPPORTED,
                "rows: %s cannot be read twice; use a file or an array", rows->kind->name);
    NRM_TRY(rows->kind->rewind(ctx, rows));
    rows->at = 0;
    rows->ended = false;
    rows->failed = NRM_OK;
    return NRM_OK;
}

void nrm_rows_close(nrm_ctx *ctx, nrm_rows *rows)
{
    if (!rows) return;
    if (rows->kind->close) rows->kind->close(ctx, rows);
    nrm_free(ctx, rows->dense);
    nrm_free(ctx, rows->indptr);
    nrm_entries_free(ctx, &rows->entries);
    nrm_entries_free(ctx, &rows->scratch);
    nrm_free(ctx, rows);
}

/* ---- From an array or a sparse matrix, borrowed or owned ------------------------------- */

typedef struct memory_rows {
    nrm_rows base;
    nrm_loaded from;
} memory_rows;

static nrm_status memory_rewind(nrm_ctx *ctx, nrm_rows *rows)
{
    (void)ctx;
    (void)rows; /* rows->at says it all */
    return NRM_OK;
}

static nrm_status memory_skip(nrm_ctx *ctx, nrm_rows *rows, int64_t n)
{
    (void)n;
    return memory_rewind(ctx, rows);
}

static void memory_close(nrm_ctx *ctx, nrm_rows *rows)
{
    nrm_loaded_destroy(ctx, &((memory_rows *)rows)->from);
}

static nrm_status array_next(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, nrm_row_block *block)
{
    const nrm_array *a = &((memory_rows *)rows)->from.array;
    const int64_t left = rows->count - rows->at;
    int64_t most = 0;

    if (left == 0) return NRM_OK;
    if (a->dtype == NRM_F64) { /* no copy */
        block->count = nrm_min_i64(limit, left);
        block->dense = (const double *)a->data + rows->at * rows->cols;
        return NRM_OK;
    }
    NRM_TRY(nrm_rows_dense(ctx, rows, nrm_min_i64(limit, left), &most));
    const int64_t n = most * rows->cols, from = rows->at * rows->cols;
    for (int64_t i = 0; i < n; i++) switch (a->dtype) {
        case NRM_F32: rows->dense[i] = (double)((const float *)a->data)[from + i]; break;
        case NRM_I32: rows->dense[i] = ((const int32_t *)a->data)[from + i]; break;
        case NRM_I64: rows->dense[i] = (double)((const int64_t *)a->data)[from + i]; break;
        case NRM_U8: rows->dense[i] = ((const uint8_t *)a->data)[from + i]; break;
        case NRM_F64: case NRM_DTYPE_COUNT: break;
        }
    block->count = most;
    block->dense = rows->dense;
    return NRM_OK;
}

static nrm_status csr_next(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, nrm_row_block *block)
{
    const nrm_csr *s = &((memory_rows *)rows)->from.csr;
    const int64_t first = s->indptr[rows->at], left = s->rows - rows->at;
    int64_t count = 0, n = 0;

    if (left == 0) return NRM_OK;
    NRM_TRY(nrm_rows_start(ctx, rows, 0, 0));
    while (count < nrm_min_i64(limit, left) && n < NRM_BLOCK_NUMBERS && count < NRM_BLOCK_NUMBERS) {
        count++;
        n = s->indptr[rows->at + count] - first;
        NRM_TRY(nrm_rows_start(ctx, rows, count, n));
    }
    if (s->dtype == NRM_F32) {
        NRM_TRY(nrm_entries_reserve(ctx, &rows->entries, n));
        for (int64_t k = 0; k < n; k++) rows->entries.values[k] = (double)((const float *)s->values)[first + k];
        block->values = rows->entries.values;
    } else {
        block->values = (const double *)s->values + first;
    }
    block->count = count;
    block->indptr = rows->indptr;
    block->indices = s->indices + first;
    return NRM_OK;
}

static const nrm_rows_kind array_kind = {array_next, memory_rewind, memory_skip, memory_close, "an array"};
static const nrm_rows_kind csr_kind = {csr_next, memory_rewind, memory_skip, memory_close, "a sparse matrix"};

bool nrm_rows_in_place(const nrm_rows *rows)
{
    return rows->kind == &array_kind && ((const memory_rows *)rows)->from.array.dtype == NRM_F64;
}

static nrm_status from_array(nrm_ctx *ctx, nrm_rows **rows, const nrm_array *a)
{
    memory_rows *m;
    char text[NRM_SHAPE_LENGTH];

    NRM_REQUIRE(ctx, a->ndim == 1 || a->ndim == 2, NRM_E_SHAPE,
                "rows: the array is %s; rows come from a 2-d array, or a 1-d one as one column",
                nrm_shape_text(text, a->ndim, a->shape));
    NRM_REQUIRE(ctx, a->data || nrm_array_count(a) == 0, NRM_E_NULL, "rows: the array has no data");
    NRM_TRY(nrm_rows_create(ctx, &m, sizeof *m, &array_kind, a->ndim == 2 ? a->shape[1] : 1, a->shape[0]));
    m->from.array = *a;
    m->from.array.owned = false;
    *rows = &m->base;
    return NRM_OK;
}

nrm_status nrm_rows_from_array(nrm_ctx *ctx, nrm_rows **rows, const nrm_array *a)
{
    NRM_REQUIRE(ctx, rows && a, NRM_E_NULL, "rows: rows and a must not be NULL");
    return from_array(ctx, rows, a);
}

nrm_status nrm_rows_from_csr(nrm_ctx *ctx, nrm_rows **rows, const nrm_csr *s)
{
    memory_rows *m;

    NRM_REQUIRE(ctx, rows && s, NRM_E_NULL, "rows: rows and s must not be NULL");
    NRM_TRY(nrm_csr_check(ctx, s));
    NRM_TRY(nrm_rows_create(ctx, &m, sizeof *m, &csr_kind, s->cols, s->rows));
    m->from.csr = *s;
    m->from.csr.owned = false;
    *rows = &m->base;
    return NRM_OK;
}

nrm_status nrm_rows_from_loaded(nrm_ctx *ctx, nrm_rows **rows, nrm_loaded *loaded)
{
    if (loaded->kind == NRM_LOADED_CSR) NRM_TRY(nrm_rows_from_csr(ctx, rows, &loaded->csr));
    else NRM_TRY(from_array(ctx, rows, &loaded->array));
    ((memory_rows *)*rows)->from = *loaded; /* with its owned flags */
    *loaded = (nrm_loaded){0};
    return NRM_OK;
}

/* ---- From a callback ---------------------------------------------------------------------- */

typedef struct callback_rows {
    nrm_rows base;
    nrm_rows_fill_fn fill;
    void *user;
} callback_rows;

static nrm_status callback_next(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, nrm_row_block *block)
{
    const callback_rows *c = (const callback_rows *)rows;
    int64_t most = 0;

    NRM_TRY(nrm_rows_dense(ctx, rows, limit, &most));
    const int64_t count = c->fill(c->user, most, rows->cols, rows->dense);
    NRM_REQUIRE(ctx, count >= 0, NRM_E_IO, "rows: the callback failed with %lld before row %lld", NRM_LL(count),
                NRM_LL(rows->at));
    NRM_REQUIRE(ctx, count <= most, NRM_E_RANGE,
                "rows: the callback says it wrote %lld rows; it was asked for at most %lld", NRM_LL(count),
                NRM_LL(most));
    block->count = count;
    block->dense = rows->dense;
    return NRM_OK;
}

static const nrm_rows_kind callback_kind = {callback_next, NULL, NULL, NULL, "a callback"};

nrm_status nrm_rows_from_callback(nrm_ctx *ctx, nrm_rows **rows, int64_t cols, nrm_rows_fill_fn fill, void *user)
{
    callback_rows *c;

    NRM_REQUIRE(ctx, rows && fill, NRM_E_NULL, "rows: rows and fill must not be NULL");
    NRM_REQUIRE(ctx, cols >= 1, NRM_E_SHAPE, "rows: cols is %lld; it must be at least 1", NRM_LL(cols));
    NRM_TRY(nrm_rows_create(ctx, &c, sizeof *c, &callback_kind, cols, -1));
    c->fill = fill;
    c->user = user;
    *rows = &c->base;
    return NRM_OK;
}
