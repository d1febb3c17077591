/* output.c -- what `run` functions share: making outputs. */
#include "data/data.h"
#include "descriptor.h"

/* The caller's own memory, where there is some: it must fit. */
static nrm_status check_memory(nrm_ctx *ctx, const nrm_value *out, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    char given[NRM_SHAPE_LENGTH], made[NRM_SHAPE_LENGTH];
    const nrm_array *a = &out->array;

    NRM_REQUIRE(ctx, a->dtype == dtype, NRM_E_DTYPE, "the memory given for %s holds %s; it must hold %s",
                out->name, nrm_dtype_name(a->dtype), nrm_dtype_name(dtype));
    NRM_REQUIRE(ctx, a->ndim == ndim && memcmp(a->shape, shape, (size_t)ndim * sizeof *shape) == 0, NRM_E_SHAPE,
                "the memory given for %s has shape %s; it must have %s",
                out->name, nrm_shape_text(given, a->ndim, a->shape), nrm_shape_text(made, ndim, shape));
    return NRM_OK;
}

nrm_status nrm_output_array(nrm_ctx *ctx, nrm_value *out, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    if (!out->wanted) return NRM_OK;
    if (out->kind == NRM_VALUE_ARRAY) return check_memory(ctx, out, dtype, ndim, shape);
    NRM_TRY(nrm_array_create(ctx, &out->array, dtype, ndim, shape));
    out->kind = NRM_VALUE_ARRAY;
    return NRM_OK;
}

nrm_status nrm_output_csr_check(nrm_ctx *ctx, const nrm_value *out, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    const int64_t shape[2] = {rows, cols};
    return out->wanted && out->kind == NRM_VALUE_ARRAY ? check_memory(ctx, out, dtype, 2, shape) : NRM_OK;
}

void nrm_output_csr(nrm_ctx *ctx, nrm_value *out, nrm_csr *csr)
{
    if (out->kind == NRM_VALUE_ARRAY) {
        nrm_csr_scatter(out->array.data, csr);
        nrm_csr_destroy(ctx, csr);
        return;
    }
    out->csr = *csr;
    out->kind = NRM_VALUE_CSR;
    *csr = (nrm_csr){0};
}
