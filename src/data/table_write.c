/* table_write.c -- arrays as text: rows of numbers, and nested JSON lists. */
#include "formats.h"

nrm_status nrm_write_table(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a, char separator)
{
    char text[NRM_SHAPE_LENGTH];
    NRM_REQUIRE(ctx, a->ndim <= 2, NRM_E_SHAPE, "%s: text holds arrays of at most 2 dimensions; this one is %s: use npy",
                sink->path, nrm_shape_text(text, a->ndim, a->shape));
    const int64_t cols = a->ndim == 2 ? a->shape[1] : 1, n = nrm_array_count(a);

    for (int64_t i = 0; i < n; i++) {
        NRM_TRY(nrm_sink_number(ctx, sink, a->dtype, a->data, i));
        NRM_TRY(nrm_sink_write(ctx, sink, (i + 1) % cols == 0 ? "\n" : &separator, 1));
    }
    return NRM_OK;
}

/* JSON has no NaN and no infinities: strings stand for them. */
static nrm_status write_scalar(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a, int64_t i)
{
    const double v = a->dtype == NRM_F64 ? ((const double *)a->data)[i]
                   : a->dtype == NRM_F32 ? (double)((const float *)a->data)[i] : 0;
    if (isfinite(v)) return nrm_sink_number(ctx, sink, a->dtype, a->data, i);
    return nrm_sink_text(ctx, sink, isnan(v) ? "\"nan\"" : v > 0 ? "\"inf\"" : "\"-inf\"");
}

/* The brackets that open or close before element i: those of all axes whose inner size
 * divides i. */
static int axes_at(const nrm_array *a, int64_t i)
{
    int64_t inner = 1;
    int k = a->ndim;
    while (k > 0 && i % (inner * a->shape[k - 1]) == 0) inner *= a->shape[--k];
    return a->ndim - k;
}

static nrm_status write_brackets(nrm_ctx *ctx, nrm_sink *sink, char bracket, int count)
{
    for (int k = 0; k < count; k++) NRM_TRY(nrm_sink_write(ctx, sink, &bracket, 1));
    return NRM_OK;
}

/* Lists with nothing in them, down to the first axis of size 0. */
static nrm_status write_empty(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a, int axis)
{
    NRM_TRY(nrm_sink_text(ctx, sink, "["));
    for (int64_t i = 0; i < a->shape[axis]; i++) {
        if (i > 0) NRM_TRY(nrm_sink_text(ctx, sink, ", "));
        NRM_TRY(write_empty(ctx, sink, a, axis + 1)); /* at most NRM_MAX_NDIM deep */
    }
    return nrm_sink_text(ctx, sink, "]");
}

nrm_status nrm_write_json(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a)
{
    const int64_t n = nrm_array_count(a);

    NRM_REQUIRE(ctx, a->ndim >= 1, NRM_E_SHAPE, "%s: a JSON file holds a list; this array is one number: use npy or csv",
                sink->path);
    if (n == 0) NRM_TRY(write_empty(ctx, sink, a, 0));
    for (int64_t i = 0; i < n; i++) {
        if (i > 0) NRM_TRY(nrm_sink_text(ctx, sink, axes_at(a, i) > 0 ? ",\n" : ", "));
        NRM_TRY(write_brackets(ctx, sink, '[', axes_at(a, i)));
        NRM_TRY(write_scalar(ctx, sink, a, i));
        NRM_TRY(write_brackets(ctx, sink, ']', axes_at(a, i + 1)));
    }
    return nrm_sink_text(ctx, sink, "\n");
}
