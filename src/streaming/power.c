/* power.c -- the power method over a stream that can be read again.
 *
 *     y = A'(A v),   lambda = |A v|^2,   v <- y / |y|                                    (1)
 *
 * until |y - lambda v| <= tolerance lambda: the residual bounds the distance of lambda to
 * an eigenvalue of A'A, relative to lambda.  One pass over the rows a step. */
#include "stream.h"
#include "base/random.h"

int64_t nrm_batch_rows(const nrm_top_eigenvector_options *o, int64_t columns)
{
    double vectors = 1;
    if (o->algorithm == NRM_TOP_EIGENVECTOR_EXACT) vectors = (double)columns / 4;
    else if (o->algorithm == NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE) vectors = (double)o->rates;
    else if (o->algorithm != NRM_TOP_EIGENVECTOR_POWER) vectors = (double)o->width;
    const double most = 2e8 / ((double)columns * fmax(vectors, 1));
    return most >= (double)o->batch ? o->batch : nrm_max_i64((int64_t)most, 1);
}

nrm_status nrm_rows_again(nrm_ctx *ctx, nrm_rows *rows)
{
    const nrm_status st = nrm_rows_rewind(ctx, rows);
    return st < 0 ? nrm_fail_prefix(ctx, st, NRM_TOP_EIGENVECTOR ": algorithm power and residual read the rows more "
                                    "than once")
                  : st;
}

nrm_status nrm_gram_pass_run(nrm_ctx *ctx, nrm_gram_pass *pass, const double *v, double *y, double *value)
{
    const int64_t d = nrm_rows_cols(pass->rows), total = nrm_rows_count(pass->rows);
    double *squares = pass->work, *p = squares + pass->batch;
    nrm_row_block block;

    NRM_TRY(nrm_rows_again(ctx, pass->rows));
    memset(y, 0, (size_t)d * sizeof *y);
    *value = 0;
    pass->count = 0;
    for (;;) {
        int64_t good;
        if (nrm_tick(ctx, pass->task, (double)pass->count, (double)total, "eigenvalue", *value))
            return nrm_fail(ctx, NRM_E_CANCELLED, NRM_TOP_EIGENVECTOR ": stopped on request at row %lld",
                            NRM_LL(pass->count));
        NRM_TRY(nrm_rows_next(ctx, pass->rows, pass->batch, &block));
        if (block.count == 0) return NRM_OK;
        const nrm_batch batch = {pass->count, block.count, d, block.dense, block.indptr, block.indices,
                                 block.values, NULL};
        NRM_TRY(nrm_batch_measure(ctx, &batch, squares, &good));
        nrm_batch_product(ctx, &batch, 1, v, p);
        nrm_batch_transposed(ctx, &batch, 1, p, y);
        for (int64_t i = 0; i < block.count; i++) *value += p[i] * p[i];
        NRM_REQUIRE(ctx, isfinite(*value), NRM_E_OVERFLOW, NRM_TOP_EIGENVECTOR ": |A v|^2 overflows; scale a down");
        pass->count += block.count;
    }
}

double nrm_residual(int64_t d, const double *y, double value, const double *v)
{
    double sum = 0;
    for (int64_t j = 0; j < d; j++) {
        const double r = y[j] / value - v[j];
        sum += r * r;
    }
    return sqrt(sum);
}

/* The iteration in x; y is work.  *steps counts the passes whose residual is known. */
static nrm_status iterate(nrm_ctx *ctx, nrm_gram_pass *pass, const nrm_top_eigenvector_options *o, double *x,
                          double *y, int64_t *steps, double *value, double *residual)
{
    const int64_t d = nrm_rows_cols(pass->rows);
    double next;

    for (;;) {
        NRM_TRY(nrm_gram_pass_run(ctx, pass, x, y, &next));
        NRM_REQUIRE(ctx, pass->count > 0, NRM_E_SHAPE, NRM_TOP_EIGENVECTOR ": a has no rows; give at least one");
        NRM_REQUIRE(ctx, next > 0, NRM_E_SINGULAR, NRM_TOP_EIGENVECTOR ": A'A v is 0; all rows are zero and no "
                    "direction is better than another");
        *value = next;
        *residual = nrm_residual(d, y, next, x);
        if (++*steps == o->max_iter || *residual <= o->tolerance) return NRM_OK;
        memcpy(x, y, (size_t)d * sizeof *x);
        nrm_unit(x, d);
    }
}

nrm_status nrm_power_method(nrm_ctx *ctx, nrm_rows *rows, const nrm_top_eigenvector_options *o, double *v,
                            nrm_top_eigenvector_info *info)
{
    const int64_t d = nrm_rows_cols(rows), batch = nrm_batch_rows(o, d);
    nrm_rng rng = nrm_rng_make(nrm_seed(ctx), NRM_STREAM_START);
    int64_t steps = 0;
    double value = 0, residual = 0, *x;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, x, 2 * d + 2 * batch, NRM_TOP_EIGENVECTOR));
    nrm_gram_pass pass = {rows, batch, 0, "power method", x + 2 * d};
    nrm_rng_normals(&rng, x, d);
    nrm_unit(x, d);
    st = iterate(ctx, &pass, o, x, x + d, &steps, &value, &residual);
    if (st == NRM_E_CANCELLED && steps > 0)
        st = nrm_fail(ctx, NRM_PARTIAL, NRM_TOP_EIGENVECTOR ": stopped on request after %lld passes; v is the "
                      "direction reached", NRM_LL(steps));
    if (st < 0) goto done;
    if (st == NRM_OK && residual > o->tolerance)
        st = nrm_fail(ctx, NRM_NOT_CONVERGED, NRM_TOP_EIGENVECTOR ": the residual is %g after %lld passes, above "
                      "tolerance %g; raise max_iter or tolerance", residual, NRM_LL(steps), o->tolerance);
    nrm_unit(x, d);
    memcpy(v, x, (size_t)d * sizeof *v);
    info->rows = pass.count;
    info->columns = d;
    info->stored_numbers = info->peak_numbers = 2 * d + 2 * batch;
    info->eigenvalue = info->exact_eigenvalue = value;
    info->residual = residual;
    info->blocks = info->passes = steps;
done:
    nrm_free(ctx, x);
    return st;
}
