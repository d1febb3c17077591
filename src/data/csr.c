/* csr.c -- compressed sparse rows: create, check, make dense, order a row. */
#include "data.h"

static nrm_status check_sizes(nrm_ctx *ctx, nrm_dtype dtype, int64_t rows, int64_t cols, int64_t nnz)
{
    int64_t slots;
    NRM_REQUIRE(ctx, dtype == NRM_F32 || dtype == NRM_F64, NRM_E_DTYPE,
                "csr: dtype is %s; values must be f32 or f64", nrm_dtype_name(dtype));
    NRM_REQUIRE(ctx, rows >= 0 && cols >= 0 && nnz >= 0, NRM_E_SHAPE,
                "csr: %lld x %lld with %lld entries; no size may be negative", NRM_LL(rows), NRM_LL(cols),
                NRM_LL(nnz));
    NRM_REQUIRE(ctx, nrm_add_size(rows, 1, &slots), NRM_E_OVERFLOW,
                "csr: %lld rows are more than memory can address", NRM_LL(rows));
    return NRM_OK;
}

nrm_status nrm_csr_create(nrm_ctx *ctx, nrm_csr *s, nrm_dtype dtype, int64_t rows, int64_t cols, int64_t nnz)
{
    nrm_csr fresh = {.rows = rows, .cols = cols, .nnz = nnz, .dtype = dtype, .owned = true};
    nrm_status st;

    NRM_REQUIRE(ctx, s, NRM_E_NULL, "csr: s must not be NULL");
    NRM_TRY(check_sizes(ctx, dtype, rows, cols, nnz));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, fresh.indptr, rows + 1, "row starts of a sparse matrix"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, fresh.indices, nnz, "columns of a sparse matrix"));
    NRM_TRY_DONE(nrm_alloc_zeroed(ctx, &fresh.values, nnz, nrm_dtype_size(dtype), "values of a sparse matrix"));
    *s = fresh;
    return NRM_OK;
done:
    nrm_csr_destroy(ctx, &fresh);
    return st;
}

void nrm_csr_destroy(nrm_ctx *ctx, nrm_csr *s)
{
    if (!s) return;
    if (s->owned) {
        nrm_free(ctx, s->indptr);
        nrm_free(ctx, s->indices);
        nrm_free(ctx, s->values);
    }
    *s = (nrm_csr){0};
}

static nrm_status check_row(nrm_ctx *ctx, const nrm_csr *s, int64_t i)
{
    int64_t last = -1;
    for (int64_t k = s->indptr[i]; k < s->indptr[i + 1]; k++) {
        const int64_t j = s->indices[k];
        NRM_REQUIRE(ctx, j >= 0 && j < s->cols, NRM_E_FORMAT,
                    "csr: row %lld has column %lld; columns go from 0 to %lld", NRM_LL(i), NRM_LL(j),
                    NRM_LL(s->cols - 1));
        NRM_REQUIRE(ctx, j > last, NRM_E_FORMAT,
                    "csr: row %lld has column %lld after column %lld; columns must ascend: sort the "
                    "row and add up repeated columns", NRM_LL(i), NRM_LL(j), NRM_LL(last));
        last = j;
    }
    return NRM_OK;
}

nrm_status nrm_csr_check(nrm_ctx *ctx, const nrm_csr *s)
{
    NRM_REQUIRE(ctx, s, NRM_E_NULL, "csr: s must not be NULL");
    NRM_TRY(check_sizes(ctx, s->dtype, s->rows, s->cols, s->nnz));
    NRM_REQUIRE(ctx, s->indptr && ((s->indices && s->values) || s->nnz == 0), NRM_E_NULL,
                "csr: indptr, indices and values must not be NULL");
    NRM_REQUIRE(ctx, s->indptr[0] == 0, NRM_E_FORMAT, "csr: row 0 starts at entry %lld; it must start at 0",
                NRM_LL(s->indptr[0]));
    for (int64_t i = 0; i < s->rows; i++)
        NRM_REQUIRE(ctx, s->indptr[i + 1] >= s->indptr[i] && s->indptr[i + 1] <= s->nnz, NRM_E_FORMAT,
                    "csr: row %lld goes from entry %lld to %lld of %lld; row starts must not fall or "
                    "pass the end", NRM_LL(i), NRM_LL(s->indptr[i]), NRM_LL(s->indptr[i + 1]), NRM_LL(s->nnz));
    NRM_REQUIRE(ctx, s->indptr[s->rows] == s->nnz, NRM_E_FORMAT,
                "csr: the rows end at entry %lld of %lld; they must use all", NRM_LL(s->indptr[s->rows]),
                NRM_LL(s->nnz));
    for (int64_t i = 0; i < s->rows; i++) NRM_TRY(check_row(ctx, s, i));
    return NRM_OK;
}

void nrm_csr_scatter(void *dense, const nrm_csr *s)
{
    memset(dense, 0, (size_t)(s->rows * s->cols) * nrm_dtype_size(s->dtype));
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t k = s->indptr[i]; k < s->indptr[i + 1]; k++) {
            const int64_t at = i * s->cols + s->indices[k];
            if (s->dtype == NRM_F32) ((float *)dense)[at] = ((const float *)s->values)[k];
            else ((double *)dense)[at] = ((const double *)s->values)[k];
        }
}

nrm_status nrm_csr_to_dense(nrm_ctx *ctx, nrm_array *a, const nrm_csr *s)
{
    NRM_REQUIRE(ctx, a, NRM_E_NULL, "csr: a must not be NULL");
    NRM_TRY(nrm_csr_check(ctx, s));
    NRM_TRY(nrm_array_create_raw(ctx, a, s->dtype, 2, (const int64_t[]){s->rows, s->cols}));
    nrm_csr_scatter(a->data, s);
    return NRM_OK;
}

/* ---- Entries -------------------------------------------------------------------------- */

nrm_status nrm_entries_reserve(nrm_ctx *ctx, nrm_entries *e, int64_t count)
{
    NRM_TRY(nrm_grow(ctx, &e->indices, &e->index_capacity, count, sizeof *e->indices, "columns of entries"));
    return nrm_grow(ctx, &e->values, &e->value_capacity, count, sizeof *e->values, "values of entries");
}

nrm_status nrm_entries_add(nrm_ctx *ctx, nrm_entries *e, int64_t index, double value)
{
    if (e->count == e->value_capacity) NRM_TRY(nrm_entries_reserve(ctx, e, e->count + 1));
    e->indices[e->count] = index;
    e->values[e->count++] = value;
    return NRM_OK;
}

void nrm_entries_free(nrm_ctx *ctx, nrm_entries *e)
{
    nrm_free(ctx, e->indices);
    nrm_free(ctx, e->values);
    *e = (nrm_entries){0};
}

/* ---- One row in order ----------------------------------------------------------------- */

/* Merge the runs [low, middle) and [middle, high) of (x, v) into (y, w), the left first
 * among equals. */
static void merge(const int64_t *x, const double *v, int64_t *y, double *w, int64_t low, int64_t middle,
                  int64_t high)
{
    int64_t a = low, b = middle;
    for (int64_t k = low; k < high; k++) {
        const int64_t from = a < middle && (b >= high || x[a] <= x[b]) ? a++ : b++;
        y[k] = x[from];
        w[k] = v[from];
    }
}

static nrm_status merge_sort(nrm_ctx *ctx, nrm_entries *scratch, int64_t *indices, double *values, int64_t n)
{
    NRM_TRY(nrm_entries_reserve(ctx, scratch, n));
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t low = 0; low < n; low += 2 * width)
            merge(indices, values, scratch->indices, scratch->values, low, nrm_min_i64(low + width, n),
                  nrm_min_i64(low + 2 * width, n));
        memcpy(indices, scratch->indices, (size_t)n * sizeof *indices);
        memcpy(values, scratch->values, (size_t)n * sizeof *values);
    }
    return NRM_OK;
}

nrm_status nrm_row_sort(nrm_ctx *ctx, nrm_entries *scratch, int64_t *indices, double *values, int64_t *n)
{
    bool falls = false, repeats = false;
    int64_t left = 0;

    for (int64_t k = 1; k < *n; k++) {
        falls |= indices[k] < indices[k - 1];
        repeats |= indices[k] == indices[k - 1];
    }
    if (falls) NRM_TRY(merge_sort(ctx, scratch, indices, values, *n));
    if (!falls && !repeats) return NRM_OK;
    for (int64_t k = 0; k < *n; k++) {
        if (left > 0 && indices[left - 1] == indices[k]) {
            values[left - 1] += values[k];
        } else {
            indices[left] = indices[k];
            values[left++] = values[k];
        }
    }
    *n = left;
    return NRM_OK;
}
