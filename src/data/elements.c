/* elements.c -- blocks of binary elements (npy, idx, safetensors): a whole array, and a
 * stream of rows. */
#include "formats.h"

enum { RAW_BYTES = 1 << 16 };

static nrm_status fail_u64(nrm_ctx *ctx, const nrm_source *source, int64_t i)
{
    return nrm_fail(ctx, NRM_E_RANGE, "%s: element %lld is an unsigned 64-bit number above %lld, the largest i64; "
                    "save it as f64", source->name, NRM_LL(i), NRM_LL(INT64_MAX));
}

/* Bytes of `count` elements, known to follow unless the source is a pipe. */
static nrm_status check_room(nrm_ctx *ctx, const nrm_source *source, nrm_wire wire, int ndim, const int64_t *shape,
                             int64_t *bytes)
{
    char text[NRM_SHAPE_LENGTH];
    int64_t count;

    NRM_REQUIRE(ctx, nrm_shape_count(ndim, shape, &count) && nrm_mul_size(count, nrm_wire_size(wire), bytes) &&
                *bytes <= nrm_source_most(source), NRM_E_FORMAT,
                "%s: declares %s elements of %lld bytes, but at most %lld bytes follow; the file is truncated or "
                "damaged: fetch or make it again", source->name, nrm_shape_text(text, ndim, shape),
                NRM_LL(nrm_wire_size(wire)), NRM_LL(nrm_source_most(source)));
    return NRM_OK;
}

static nrm_status decode_all(nrm_ctx *ctx, nrm_source *source, nrm_wire wire, nrm_array *a)
{
    const int64_t n = nrm_array_count(a), size = nrm_wire_size(wire), piece = RAW_BYTES / size;
    const size_t step = nrm_dtype_size(a->dtype);
    unsigned char *raw, *to = a->data;
    int64_t where;
    nrm_status st = NRM_OK;

    NRM_TRY(NRM_ALLOC(ctx, raw, RAW_BYTES, "a reader's buffer"));
    for (int64_t done = 0; done < n; done += piece) {
        const int64_t m = nrm_min_i64(piece, n - done);
        NRM_TRY_DONE(nrm_source_read(ctx, source, raw, m * size, "the elements"));
        if (!nrm_wire_decode(wire, raw, m, to + (size_t)done * step, &where)) {
            st = fail_u64(ctx, source, done + where);
            goto done;
        }
    }
done:
    nrm_free(ctx, raw);
    return st;
}

nrm_status nrm_read_elements(nrm_ctx *ctx, nrm_source *source, nrm_wire wire, int ndim, const int64_t *shape,
                             nrm_array *a)
{
    nrm_array fresh = {0};
    int64_t bytes;

    NRM_TRY(check_room(ctx, source, wire, ndim, shape, &bytes));
    NRM_TRY(nrm_array_create_raw(ctx, &fresh, nrm_wire_dtype(wire), ndim, shape));
    const nrm_status st = nrm_wire_is_native(wire) ? nrm_source_read(ctx, source, fresh.data, bytes, "the elements")
                                                   : decode_all(ctx, source, wire, &fresh);
    if (st < 0) nrm_array_destroy(ctx, &fresh);
    else *a = fresh;
    return st;
}

nrm_status nrm_check_cols(nrm_ctx *ctx, const nrm_source *source, int64_t want, int64_t cols)
{
    NRM_REQUIRE(ctx, want == 0 || want == cols, NRM_E_SHAPE, "%s: has %lld columns; %lld are asked for", source->name,
                NRM_LL(cols), NRM_LL(want));
    return NRM_OK;
}

/* ---- The stream ------------------------------------------------------------------------------------ */

typedef struct element_rows {
    nrm_rows base;
    nrm_source *source;
    nrm_wire wire;
    bool fortran;
    int64_t start; /* where the elements begin */
    unsigned char *raw;
    double *column;
} element_rows;

static nrm_status next_in_order(nrm_ctx *ctx, element_rows *e, int64_t n)
{
    const int64_t size = nrm_wire_size(e->wire), piece = RAW_BYTES / size;

    for (int64_t done = 0; done < n; done += piece) {
        const int64_t m = nrm_min_i64(piece, n - done);
        NRM_TRY(nrm_source_read(ctx, e->source, e->raw, m * size, "the rows"));
        if (!nrm_wire_decode_f64(e->wire, e->raw, m, e->base.dense + done))
            return fail_u64(ctx, e->source, e->base.at * e->base.cols + done);
    }
    return NRM_OK;
}

/* Column-major: a piece of every column, wherever it lies. */
static nrm_status next_across(nrm_ctx *ctx, element_rows *e, int64_t rows)
{
    const int64_t size = nrm_wire_size(e->wire), cols = e->base.cols;

    for (int64_t j = 0; j < cols; j++) {
        const int64_t first = j * e->base.count + e->base.at;
        NRM_TRY(nrm_source_read_at(ctx, e->source, e->start + first * size, e->raw, rows * size));
        if (!nrm_wire_decode_f64(e->wire, e->raw, rows, e->column)) return fail_u64(ctx, e->source, first);
        for (int64_t i = 0; i < rows; i++) e->base.dense[i * cols + j] = e->column[i];
        NRM_REQUIRE(ctx, !nrm_cancelled(ctx), NRM_E_CANCELLED, "%s: reading stopped on request", e->source->name);
    }
    return NRM_OK;
}

static nrm_status element_next(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, nrm_row_block *block)
{
    element_rows *e = (element_rows *)rows;
    int64_t most = 0;

    limit = nrm_min_i64(limit, rows->count - rows->at);
    if (limit == 0) return nrm_source_finish(ctx, e->source);
    NRM_TRY(nrm_rows_dense(ctx, rows, limit, &most));
    if (e->fortran) most = nrm_min_i64(most, RAW_BYTES / nrm_wire_size(e->wire));
    NRM_TRY(e->fortran ? next_across(ctx, e, most) : next_in_order(ctx, e, most * rows->cols));
    block->count = most;
    block->dense = rows->dense;
    return NRM_OK;
}

static nrm_status element_rewind(nrm_ctx *ctx, nrm_rows *rows)
{
    element_rows *e = (element_rows *)rows;
    NRM_TRY(nrm_source_rewind(ctx, e->source));
    return nrm_source_skip(ctx, e->source, e->start, "the header");
}

/* Column-major rows are read from where they lie: nothing to do. */
static nrm_status element_skip(nrm_ctx *ctx, nrm_rows *rows, int64_t n)
{
    element_rows *e = (element_rows *)rows;
    return e->fortran ? NRM_OK : nrm_source_skip(ctx, e->source, n * rows->cols * nrm_wire_size(e->wire), "the rows");
}

static void element_close(nrm_ctx *ctx, nrm_rows *rows)
{
    element_rows *e = (element_rows *)rows;
    nrm_free(ctx, e->raw);
    nrm_free(ctx, e->column);
    nrm_source_close(ctx, e->source);
}

static const nrm_rows_kind element_kind = {element_next, element_rewind, element_skip, element_close, "a binary file"};

nrm_status nrm_open_elements(nrm_ctx *ctx, nrm_source *source, nrm_wire wire, int64_t count, int64_t cols,
                             bool fortran, nrm_rows **rows)
{
    element_rows *e;
    int64_t bytes;
    nrm_status st;

    NRM_TRY(check_room(ctx, source, wire, 2, (const int64_t[]){count, cols}, &bytes));
    fortran = fortran && count > 1 && cols > 1;
    NRM_REQUIRE(ctx, !fortran || (source->regular && !source->inflater), NRM_E_UNSUPPORTED,
                "%s: is in Fortran order, whose rows cannot be read one after another from a pipe or through gzip; "
                "save it in C order", source->name);
    NRM_TRY(nrm_rows_create(ctx, &e, sizeof *e, &element_kind, cols, count));
    e->wire = wire;
    e->fortran = fortran;
    e->start = source->taken;
    NRM_TRY_DONE(NRM_ALLOC(ctx, e->raw, RAW_BYTES, "a reader's buffer"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, e->column, RAW_BYTES / nrm_wire_size(wire), "a reader's column"));
    e->source = source;
    *rows = &e->base;
    return NRM_OK;
done:
    nrm_rows_close(ctx, &e->base);
    return st;
}
