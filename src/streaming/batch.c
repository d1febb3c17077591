/* batch.c -- rows, dense or sparse, under one roof.  Contract: stream.h. */
#include "stream.h"

nrm_batch nrm_batch_part(const nrm_batch *batch, int64_t first, int64_t count)
{
    nrm_batch part = *batch;
    part.first += first;
    part.count = count;
    if (batch->dense) part.dense += first * batch->columns;
    else part.indptr += first;
    if (batch->squares) part.squares += first;
    return part;
}

static const nrm_ordered_kernels *kernels(void) { return nrm_ordered_kernels_for(nrm_cpu_isa()); }

static const double *dense_row(const nrm_batch *batch, int64_t i) { return batch->dense + i * batch->columns; }

void nrm_row_product(const nrm_batch *batch, int64_t i, int64_t k, const double *z, double *p)
{
    memset(p, 0, (size_t)k * sizeof *p);
    if (batch->dense) {
        kernels()->product(1, batch->columns, k, dense_row(batch, i), batch->columns, z, k, p, k);
    } else {
        const int64_t begin = batch->indptr[i], count = batch->indptr[i + 1] - begin;
        kernels()->sparse_product(count, batch->indices + begin, batch->values + begin, k, z, k, p);
    }
}

void nrm_row_transposed(const nrm_batch *batch, int64_t i, int64_t k, const double *p, double *y)
{
    if (batch->dense) {
        kernels()->transposed(1, batch->columns, k, dense_row(batch, i), batch->columns, p, k, y, k);
    } else {
        const int64_t begin = batch->indptr[i], count = batch->indptr[i + 1] - begin;
        kernels()->sparse_transposed(count, batch->indices + begin, batch->values + begin, k, p, y, k);
    }
}

void nrm_batch_product(nrm_ctx *ctx, const nrm_batch *batch, int64_t k, const double *z, double *p)
{
    if (batch->dense) {
        memset(p, 0, (size_t)(batch->count * k) * sizeof *p);
        nrm_ordered_product(ctx, batch->count, batch->columns, k, batch->dense, batch->columns, z, k, p, k);
    } else {
        for (int64_t i = 0; i < batch->count; i++) nrm_row_product(batch, i, k, z, p + i * k);
    }
}

void nrm_batch_transposed(nrm_ctx *ctx, const nrm_batch *batch, int64_t k, const double *p, double *y)
{
    if (batch->dense)
        nrm_ordered_transposed(ctx, batch->count, batch->columns, k, batch->dense, batch->columns, p, k, y, k);
    else
        for (int64_t i = 0; i < batch->count; i++) nrm_row_transposed(batch, i, k, p + i * k, y);
}

double nrm_row_dot(const nrm_batch *batch, int64_t i, const double *x)
{
    if (batch->dense) return kernels()->dot(batch->columns, dense_row(batch, i), x);
    const int64_t begin = batch->indptr[i], count = batch->indptr[i + 1] - begin;
    return kernels()->sparse_dot(count, batch->indices + begin, batch->values + begin, x);
}

void nrm_row_copy(const nrm_batch *batch, int64_t i, double *to)
{
    const size_t bytes = (size_t)batch->columns * sizeof *to;

    if (batch->dense) {
        memcpy(to, dense_row(batch, i), bytes);
        return;
    }
    memset(to, 0, bytes);
    for (int64_t e = batch->indptr[i]; e < batch->indptr[i + 1]; e++) to[batch->indices[e]] = batch->values[e];
}

/* A row whose |a|^2 is not finite: a NaN, an infinity, or squares too large. */
static nrm_status bad_row(nrm_ctx *ctx, const nrm_batch *batch, int64_t i)
{
    const int64_t begin = batch->dense ? i * batch->columns : batch->indptr[i];
    const int64_t end = batch->dense ? begin + batch->columns : batch->indptr[i + 1];
    const double *values = batch->dense ? batch->dense : batch->values;

    for (int64_t e = begin; e < end; e++)
        NRM_REQUIRE(ctx, isfinite(values[e]), NRM_E_NONFINITE,
                    NRM_TOP_EIGENVECTOR ": a[%lld,%lld] is %g; every value must be finite: clean the input",
                    NRM_LL(batch->first + i), NRM_LL(batch->dense ? e - begin : batch->indices[e]), values[e]);
    return nrm_fail(ctx, NRM_E_OVERFLOW, NRM_TOP_EIGENVECTOR ": the squares of row %lld of a overflow; "
                    "values must stay below 1e150: scale a down", NRM_LL(batch->first + i));
}

nrm_status nrm_batch_measure(nrm_ctx *ctx, const nrm_batch *batch, double *squares, int64_t *good)
{
    const nrm_ordered_kernels *k = kernels();

    for (int64_t i = 0; i < batch->count; i++) {
        *good = i;
        if (batch->dense) {
            squares[i] = k->dot(batch->columns, dense_row(batch, i), dense_row(batch, i));
        } else {
            const int64_t begin = batch->indptr[i];
            squares[i] = k->sparse_square(batch->indptr[i + 1] - begin, batch->indices + begin,
                                          batch->values + begin);
        }
        if (!isfinite(squares[i])) return bad_row(ctx, batch, i);
    }
    *good = batch->count;
    return NRM_OK;
}
