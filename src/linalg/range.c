/* range.c -- contract: range.h.
 *
 * For S A = Q R and a sketch S that changes no length |S A x| by more than a factor c, the singular
 * values of A R^-1 lie within [1/c, c], whatever the condition of A.  Columns are first brought
 * to length 1, which makes the rank independent of their units:
 *     S A = Q R,   R = R1 D,   R1 = U s V',   T = D^-1 R1^-1,  or D^-1 V_k s_k^-1 for rank k < d. */
#include "range.h"
#include "alone.h"
#include <float.h>
#include <lapacke.h>

/* Length of column j of R, which is upper triangular. */
static double column_length(const double *r, int64_t d, int64_t j, double *column)
{
    for (int64_t i = 0; i <= j; i++) column[i] = r[i * d + j];
    return nrm_norm2(column, j + 1);
}

/* R <- R1, D^-1; columns of zeros (and of denormals) stay 0. */
static void unit_columns(double *r, int64_t d, double *inverse, double *column)
{
    for (int64_t j = 0; j < d; j++) {
        const double length = column_length(r, d, j, column);
        const bool zero = !(length >= DBL_MIN);
        inverse[j] = zero ? 0 : 1 / length;
        for (int64_t i = 0; i <= j; i++) r[i * d + j] = zero ? 0 : r[i * d + j] / length;
    }
}

/* T from R (d x d), which is used up. */
static nrm_status basis_of(nrm_ctx *ctx, const char *who, int64_t n, int64_t d, double *r, double *t, int64_t *rank, bool *triangular)
{
    double *s, *vt, *inverse, *column;
    int64_t k = 0;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, s, d * d + 3 * d, who));
    vt = s + d, inverse = vt + d * d, column = inverse + d;
    unit_columns(r, d, inverse, column);
    NRM_TRY_DONE(nrm_svd(ctx, who, d, d, r, d, NULL, s, vt));
    while (k < d && s[k] > (16 * (double)d + sqrt((double)n)) * DBL_EPSILON * s[0]) k++;
    *rank = k;
    *triangular = k == d;
    if (*triangular) {
        NRM_STOP_IF(LAPACKE_dtrtri_work(LAPACK_COL_MAJOR, 'L', 'N', (int)d, r, (int)d) != 0, NRM_E_INTERNAL,
                    "%s: a triangle of full rank has no inverse", who);
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++) t[i * d + j] = j < i ? 0 : inverse[i] * r[i * d + j];
    } else
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < k; j++) t[i * k + j] = inverse[i] * vt[j * d + i] / s[j];
done:
    nrm_free(ctx, s);
    return st;
}

/* The rows themselves, m x d. */
static nrm_status read_rows(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, double *rows)
{
    const int64_t da = nrm_rows_cols(a), d = da + (b ? nrm_rows_cols(b) : 0);
    nrm_row_pass *pass = NULL;
    nrm_row_chunk chunk;
    int64_t seen = 0;

    nrm_status st = nrm_row_pass_begin(ctx, who, a, b, nrm_row_pass_unit(d), "range", &pass);
    while (st >= 0) {
        st = nrm_row_pass_next(ctx, pass, &chunk);
        if (st < 0 || chunk.count == 0) break;
        if (chunk.first + chunk.count > n)
            st = nrm_fail(ctx, NRM_E_SHAPE, "%s: a has more than %lld rows; it must have as many", who, NRM_LL(n));
        for (int64_t i = 0; st >= 0 && i < chunk.count; i++) {
            memcpy(rows + (chunk.first + i) * d, chunk.a + i * chunk.lda, (size_t)da * sizeof *rows);
            if (b) memcpy(rows + (chunk.first + i) * d + da, chunk.b + i * chunk.ldb, (size_t)(d - da) * sizeof *rows);
        }
    }
    NRM_TRY(nrm_row_pass_end(ctx, &pass, st, &seen));
    NRM_REQUIRE(ctx, seen == n, NRM_E_SHAPE, "%s: a has %lld rows; it must have %lld", who, NRM_LL(seen), NRM_LL(n));
    return nrm_sum_ranks(ctx, who, rows, n * d);
}

nrm_status nrm_range_basis(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, double *t, int64_t *rank,
                           bool *triangular)
{
    const int64_t d = nrm_rows_cols(a) + (b ? nrm_rows_cols(b) : 0), m = nrm_max_i64(n, d);
    double *sketch = NULL, *r = NULL;
    nrm_status st;
    int64_t size;

    NRM_REQUIRE(ctx, nrm_mul_size(m, d, &size), NRM_E_OVERFLOW, "%s: a has %lld columns; that is more than memory can address", who,
                NRM_LL(d));
    const nrm_alone before = nrm_alone_enter(ctx);
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, sketch, size, who)); /* rows beyond n stay 0 */
    NRM_TRY_DONE(NRM_ALLOC(ctx, r, d * d, who));
    NRM_TRY_DONE(read_rows(ctx, who, a, b, n, sketch));
    NRM_TRY_DONE(nrm_qr(ctx, who, m, d, sketch, d, r));
    NRM_TRY_DONE(basis_of(ctx, who, n, d, r, t, rank, triangular));
done:
    nrm_alone_leave(ctx, before);
    nrm_free(ctx, sketch);
    nrm_free(ctx, r);
    return st;
}
