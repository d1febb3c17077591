/* output.c -- what `run` functions share: making outputs, looking for NaN and Inf. */
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

/* x * 0 is 0 for finite x and NaN otherwise: the sums of blocks tell without a branch,
 * and only a bad block is searched. */
bool nrm_all_finite_f64(const double *x, int64_t n, int64_t *where)
{
    enum { BLOCK = 1024 };
    for (int64_t start = 0; start < n; start += BLOCK) {
        const int64_t end = nrm_min_i64(start + BLOCK, n);
        double lane[8] = {0};
        int64_t i = start;
        for (; i + 8 <= end; i += 8)
            for (int j = 0; j < 8; j++) lane[j] += x[i + j] * 0;
        for (; i < end; i++) lane[0] += x[i] * 0;
        double sum = 0;
        for (int j = 0; j < 8; j++) sum += lane[j];
        if (sum == 0) continue;
        for (i = start; i < end && isfinite(x[i]); i++) {}
        if (where) *where = i;
        return false;
    }
    return true;
}

bool nrm_all_finite_f32(const float *x, int64_t n, int64_t *where)
{
    enum { BLOCK = 1024 };
    for (int64_t start = 0; start < n; start += BLOCK) {
        const int64_t end = nrm_min_i64(start + BLOCK, n);
        float lane[16] = {0};
        int64_t i = start;
        for (; i + 16 <= end; i += 16)
            for (int j = 0; j < 16; j++) lane[j] += x[i + j] * 0;
        for (; i < end; i++) lane[0] += x[i] * 0;
        float sum = 0;
        for (int j = 0; j < 16; j++) sum += lane[j];
        if (sum == 0) continue;
        for (i = start; i < end && isfinite(x[i]); i++) {}
        if (where) *where = i;
        return false;
    }
    return true;
}
