/* array.c -- dense row-major arrays: create, view, convert, destroy. */
#include "data.h"
#include <stdio.h>

const char *nrm_dtype_name(nrm_dtype dtype)
{
    switch (dtype) {
#define CASE(constant, name, type, numpy) case constant: return name;
        NRM_DTYPE_LIST(CASE)
#undef CASE
    case NRM_DTYPE_COUNT: break;
    }
    return "unknown";
}

size_t nrm_dtype_size(nrm_dtype dtype)
{
    switch (dtype) {
#define CASE(constant, name, type, numpy) case constant: return sizeof(type);
        NRM_DTYPE_LIST(CASE)
#undef CASE
    case NRM_DTYPE_COUNT: break;
    }
    return 0;
}

const char *nrm_shape_text(char text[NRM_SHAPE_LENGTH], int ndim, const int64_t *shape)
{
    int at = snprintf(text, NRM_SHAPE_LENGTH, ndim == 0 ? "()" : "%s", "");
    for (int i = 0; i < ndim && i < NRM_MAX_NDIM; i++)
        at += snprintf(text + at, (size_t)(NRM_SHAPE_LENGTH - at), "%s%lld", i ? "x" : "", NRM_LL(shape[i]));
    return text;
}

bool nrm_shape_count(int ndim, const int64_t *shape, int64_t *count)
{
    int64_t product = 1;
    bool zero = false;

    for (int i = 0; i < ndim; i++) {
        if (shape[i] == 0) zero = true;
        else if (!nrm_mul_size(product, shape[i], &product)) return false;
    }
    *count = zero ? 0 : product;
    return true;
}

/* All checks of a new array, and the number of its elements. */
static nrm_status check_array(nrm_ctx *ctx, const nrm_array *a, nrm_dtype dtype, int ndim,
                              const int64_t *shape, int64_t *count)
{
    char text[NRM_SHAPE_LENGTH];
    int64_t bytes;

    NRM_REQUIRE(ctx, a && (shape || ndim == 0), NRM_E_NULL, "array: a and shape must not be NULL");
    NRM_REQUIRE(ctx, (unsigned)dtype < NRM_DTYPE_COUNT, NRM_E_DTYPE,
                "array: dtype is %d; it must be one of nrm_dtype, 0 to %d", (int)dtype, NRM_DTYPE_COUNT - 1);
    NRM_REQUIRE(ctx, ndim >= 0 && ndim <= NRM_MAX_NDIM, NRM_E_SHAPE,
                "array: ndim is %d; it must be 0 to %d", ndim, NRM_MAX_NDIM);
    for (int i = 0; i < ndim; i++)
        NRM_REQUIRE(ctx, shape[i] >= 0, NRM_E_SHAPE, "array: shape is %s; every size must be >= 0",
                    nrm_shape_text(text, ndim, shape));
    NRM_REQUIRE(ctx, nrm_shape_count(ndim, shape, count) &&
                nrm_mul_size(*count, (int64_t)nrm_dtype_size(dtype), &bytes), NRM_E_OVERFLOW,
                "array: shape %s of %s is more than memory can address", nrm_shape_text(text, ndim, shape),
                nrm_dtype_name(dtype));
    return NRM_OK;
}

static void fill_in(nrm_array *a, void *data, nrm_dtype dtype, int ndim, const int64_t *shape, bool owned)
{
    nrm_array fresh = {.data = data, .dtype = dtype, .ndim = ndim, .owned = owned};
    for (int i = 0; i < ndim; i++) fresh.shape[i] = shape[i];
    *a = fresh; /* at the end: shape may be a's own */
}

nrm_status nrm_array_create_raw(nrm_ctx *ctx, nrm_array *a, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    int64_t count;
    void *data;

    NRM_TRY(check_array(ctx, a, dtype, ndim, shape, &count));
    NRM_TRY(nrm_alloc_bytes(ctx, &data, count, nrm_dtype_size(dtype), "an array"));
    fill_in(a, data, dtype, ndim, shape, true);
    return NRM_OK;
}

nrm_status nrm_array_create(nrm_ctx *ctx, nrm_array *a, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    NRM_TRY(nrm_array_create_raw(ctx, a, dtype, ndim, shape));
    memset(a->data, 0, (size_t)nrm_array_count(a) * nrm_dtype_size(dtype));
    return NRM_OK;
}

nrm_status nrm_array_view(nrm_ctx *ctx, nrm_array *a, nrm_dtype dtype, int ndim, const int64_t *shape,
                          void *data)
{
    int64_t count;

    NRM_TRY(check_array(ctx, a, dtype, ndim, shape, &count));
    NRM_REQUIRE(ctx, data || count == 0, NRM_E_NULL, "array: data is NULL for %lld elements", NRM_LL(count));
    NRM_REQUIRE(ctx, (uintptr_t)data % nrm_dtype_size(dtype) == 0, NRM_E_ARGUMENT,
                "array: data is not aligned for %s; its address must be a multiple of %zu",
                nrm_dtype_name(dtype), nrm_dtype_size(dtype));
    fill_in(a, data, dtype, ndim, shape, false);
    return NRM_OK;
}

void nrm_array_destroy(nrm_ctx *ctx, nrm_array *a)
{
    if (!a) return;
    if (a->owned) nrm_free(ctx, a->data);
    *a = (nrm_array){0};
}

int64_t nrm_array_count(const nrm_array *a)
{
    int64_t count = 0;
    return a && nrm_shape_count(a->ndim, a->shape, &count) ? count : 0;
}
