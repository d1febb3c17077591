/* convert.c -- values of one element type to another.
 *
 * To a float: the nearest one, rounded once (an i64 goes to f32 directly, not through
 * f64).  To an integer: only a value that the type holds exactly. */
#include "data.h"

/* A loop over x of every source type; the body sees `v`, the value in its own type. */
#define EACH_TYPE(BODY)                                                                           \
    switch (from->dtype) {                                                                        \
    case NRM_F32: { const float *x = from->data; BODY } break;                                    \
    case NRM_F64: { const double *x = from->data; BODY } break;                                   \
    case NRM_I32: { const int32_t *x = from->data; BODY } break;                                  \
    case NRM_I64: { const int64_t *x = from->data; BODY } break;                                  \
    case NRM_U8: { const uint8_t *x = from->data; BODY } break;                                   \
    case NRM_DTYPE_COUNT: break;                                                                  \
    }

static void to_f32(float *y, const nrm_array *from, int64_t n)
{
    EACH_TYPE(for (int64_t i = 0; i < n; i++) y[i] = (float)x[i];)
}

static void to_f64(double *y, const nrm_array *from, int64_t n)
{
    EACH_TYPE(for (int64_t i = 0; i < n; i++) y[i] = (double)x[i];)
}

/* 2^63 is the first double above every i64; NaN fails the comparisons. */
static bool double_to_i64(double v, int64_t *w)
{
    if (!(v >= -0x1p63 && v < 0x1p63 && v == floor(v))) return false;
    *w = (int64_t)v;
    return true;
}

/* Element i of an array as an i64; false where it is not one. */
static bool element_i64(const nrm_array *a, int64_t i, int64_t *w)
{
    switch (a->dtype) {
    case NRM_F32: return double_to_i64((double)((const float *)a->data)[i], w);
    case NRM_F64: return double_to_i64(((const double *)a->data)[i], w);
    case NRM_I32: *w = ((const int32_t *)a->data)[i]; return true;
    case NRM_I64: *w = ((const int64_t *)a->data)[i]; return true;
    case NRM_U8: *w = ((const uint8_t *)a->data)[i]; return true;
    case NRM_DTYPE_COUNT: break;
    }
    return false;
}

static int64_t to_integers(void *to, nrm_dtype dtype, const nrm_array *from, int64_t n)
{
    const int64_t least = dtype == NRM_I64 ? INT64_MIN : dtype == NRM_I32 ? INT32_MIN : 0;
    const int64_t most = dtype == NRM_I64 ? INT64_MAX : dtype == NRM_I32 ? INT32_MAX : UINT8_MAX;

    for (int64_t i = 0; i < n; i++) {
        int64_t w;
        if (!element_i64(from, i, &w) || w < least || w > most) return i;
        if (dtype == NRM_I64) ((int64_t *)to)[i] = w;
        else if (dtype == NRM_I32) ((int32_t *)to)[i] = (int32_t)w;
        else ((uint8_t *)to)[i] = (uint8_t)w;
    }
    return -1;
}

static nrm_status fail_element(nrm_ctx *ctx, const nrm_array *from, int64_t i, nrm_dtype dtype)
{
    char value[NRM_NUMBER_LENGTH];
    if (from->dtype == NRM_F32) nrm_format_f32(value, ((const float *)from->data)[i]);
    else if (from->dtype == NRM_F64) nrm_format_f64(value, ((const double *)from->data)[i]);
    else {
        int64_t w = 0;
        element_i64(from, i, &w);
        return nrm_fail(ctx, NRM_E_RANGE, "convert: element %lld is %lld, which %s does not hold",
                        NRM_LL(i), NRM_LL(w), nrm_dtype_name(dtype));
    }
    return nrm_fail(ctx, NRM_E_RANGE, "convert: element %lld is %s, which %s does not hold exactly",
                    NRM_LL(i), value, nrm_dtype_name(dtype));
}

nrm_status nrm_array_convert(nrm_ctx *ctx, nrm_array *to, nrm_dtype dtype, const nrm_array *from)
{
    nrm_array fresh = {0};

    NRM_REQUIRE(ctx, to && from, NRM_E_NULL, "convert: to and from must not be NULL");
    NRM_REQUIRE(ctx, (unsigned)from->dtype < NRM_DTYPE_COUNT, NRM_E_DTYPE,
                "convert: from has dtype %d, which is none", (int)from->dtype);
    const int64_t n = nrm_array_count(from);
    NRM_REQUIRE(ctx, from->data || n == 0, NRM_E_NULL, "convert: from has no data");
    NRM_TRY(nrm_array_create_raw(ctx, &fresh, dtype, from->ndim, from->shape));

    if (dtype == from->dtype) {
        if (n > 0) memcpy(fresh.data, from->data, (size_t)n * nrm_dtype_size(dtype));
    } else if (dtype == NRM_F32) {
        to_f32(fresh.data, from, n);
    } else if (dtype == NRM_F64) {
        to_f64(fresh.data, from, n);
    } else {
        const int64_t wrong = to_integers(fresh.data, dtype, from, n);
        if (wrong >= 0) {
            nrm_array_destroy(ctx, &fresh);
            return fail_element(ctx, from, wrong, dtype);
        }
    }
    *to = fresh;
    return NRM_OK;
}
