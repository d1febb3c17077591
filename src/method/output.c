/* output.c -- what `run` functions share: making outputs. */
#include "data/data.h"
#include "descriptor.h"

nrm_status nrm_output_array(nrm_ctx *ctx, nrm_value *out, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    char given[NRM_SHAPE_LENGTH], made[NRM_SHAPE_LENGTH];

    if (!out->wanted) return NRM_OK;
    if (out->kind == NRM_VALUE_NONE) {
        NRM_TRY(nrm_array_create(ctx, &out->array, dtype, ndim, shape));
        out->kind = NRM_VALUE_ARRAY;
        return NRM_OK;
    }
    const nrm_array *a = &out->array; /* the caller's memory */
    NRM_REQUIRE(ctx, a->dtype == dtype, NRM_E_DTYPE, "the memory given for %s holds %s; it must hold %s",
                out->name, nrm_dtype_name(a->dtype), nrm_dtype_name(dtype));
    NRM_REQUIRE(ctx, a->ndim == ndim && memcmp(a->shape, shape, (size_t)ndim * sizeof *shape) == 0, NRM_E_SHAPE,
                "the memory given for %s has shape %s; it must have %s",
                out->name, nrm_shape_text(given, a->ndim, a->shape), nrm_shape_text(made, ndim, shape));
    return NRM_OK;
}

nrm_status nrm_output_csr(nrm_ctx *ctx, nrm_value *out, nrm_dtype dtype, int64_t rows, int64_t cols, int64_t nnz)
{
    if (!out->wanted) return NRM_OK;
    NRM_REQUIRE(ctx, out->kind == NRM_VALUE_NONE, NRM_E_UNSUPPORTED,
                "%s is sparse and cannot be written into memory given beforehand", out->name);
    NRM_TRY(nrm_csr_create(ctx, &out->csr, dtype, rows, cols, nnz));
    out->kind = NRM_VALUE_CSR;
    return NRM_OK;
}
