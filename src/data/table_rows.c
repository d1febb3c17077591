/* table_rows.c -- a text table as a whole array, and as a stream of rows. */
#include "table.h"

static nrm_status keep_header(nrm_ctx *ctx, const nrm_table *t, nrm_loaded *loaded)
{
    nrm_array names = {0};
    int64_t capacity = 0;

    if (!t->has_header) return NRM_OK;
    NRM_TRY(nrm_array_create_raw(ctx, &names, NRM_U8, 1, &t->names_length));
    if (t->names_length > 0) memcpy(names.data, t->names, (size_t)t->names_length);
    return nrm_bundle_add(ctx, &loaded->extra, &capacity, "header", &names);
}

nrm_status nrm_read_table(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded)
{
    nrm_table t = {0};
    double *data = NULL;
    int64_t capacity = 0, count = 0, need;
    nrm_status st;

    NRM_TRY_DONE(nrm_table_open(ctx, &t, source));
    for (;; count++) {
        bool ended;
        NRM_STOP_IF(!nrm_mul_size(count + 1, t.cols, &need), NRM_E_OVERFLOW, "%s: too many numbers", source->name);
        NRM_TRY_DONE(nrm_grow(ctx, &data, &capacity, need, sizeof(double), "a table"));
        NRM_TRY_DONE(nrm_table_next(ctx, &t, data + count * t.cols, &ended));
        if (ended) break;
    }
    NRM_TRY_DONE(keep_header(ctx, &t, loaded));
    /* One column is a vector. */
    loaded->array = (nrm_array){.data = data, .dtype = NRM_F64, .ndim = t.cols == 1 ? 1 : 2,
                                .shape = {count, t.cols == 1 ? 0 : t.cols}, .owned = true};
    data = NULL;
    loaded->kind = NRM_LOADED_ARRAY;
done:
    nrm_free(ctx, data);
    nrm_table_close(ctx, &t);
    return st;
}

/* ---- The stream ---------------------------------------------------------------------------------- */

typedef struct table_rows {
    nrm_rows base;
    nrm_table table;
} table_rows;

static nrm_status table_next(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, nrm_row_block *block)
{
    nrm_table *t = &((table_rows *)rows)->table;
    int64_t most = 0;

    NRM_TRY(nrm_rows_dense(ctx, rows, limit, &most));
    while (block->count < most) {
        bool ended = false;
        NRM_TRY(nrm_table_next(ctx, t, rows->dense + block->count * rows->cols, &ended));
        if (ended) break;
        block->count++;
    }
    block->dense = rows->dense;
    return NRM_OK;
}

static nrm_status table_rewind(nrm_ctx *ctx, nrm_rows *rows)
{
    return nrm_table_rewind(ctx, &((table_rows *)rows)->table);
}

static void table_close(nrm_ctx *ctx, nrm_rows *rows)
{
    nrm_table *t = &((table_rows *)rows)->table;
    nrm_table_close(ctx, t);
    nrm_source_close(ctx, t->source);
}

static const nrm_rows_kind table_kind = {table_next, table_rewind, NULL, table_close, "a table"};

nrm_status nrm_open_table(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows)
{
    nrm_table t = {0};
    table_rows *r;
    nrm_status st;

    NRM_TRY(nrm_table_open(ctx, &t, source));
    NRM_TRY_DONE(nrm_check_cols(ctx, source, cols, t.cols));
    NRM_TRY_DONE(nrm_rows_create(ctx, &r, sizeof *r, &table_kind, t.cols, -1));
    r->table = t;
    *rows = &r->base;
    return NRM_OK;
done:
    nrm_table_close(ctx, &t);
    return st;
}
