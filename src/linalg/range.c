/* range.c -- contract: range.h.
 *
 * For S A = Q R and a sketch S that changes no length |A x| by more than a factor c, the singular
 * values of A R^-1 lie within [1/c, c], whatever the condition of A.  Columns are first brought
 * to length 1, which makes the rank independent of their units:
 *     S A = Q R,   R = R1 D,   R1 = U s V',   T = D^-1 R1^-1,  or D^-1 V_k s_k^-1 for rank k < d.
 * S has four entries a column (osnap) and costs one reading of the rows.  Rank S A <= rank A: where
 * some directions N of D^-1 V are left out, |A N| is measured on all rows, and if it is not
 * rounding a sketch of twice as many rows is taken; the last of them are the rows themselves.  So
 * chance decides about the time alone.  (Most matrices do not come here: range_gram.c.) */
#include "range.h"
#include "alone.h"
#include "sketch.h"
#include "whiten.h"
#include <float.h>
#include <lapacke.h>
#include <norma/comm.h>

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

/* Relative to columns of length 1: of the QR factorisation, and of the sums of the sketch. */
static double rounding(int64_t n, int64_t d) { return (16 * (double)d + sqrt((double)n)) * DBL_EPSILON; }

/* T from R (d x d), which is used up; null (d x (d - rank)): the directions left out. */
static nrm_status basis_of(nrm_ctx *ctx, const char *who, int64_t n, int64_t d, double *r, double *t, double *null, int64_t *rank,
                           bool *triangular, double *condition)
{
    double *s, *vt, *inverse, *column;
    int64_t k = 0;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, s, d * d + 3 * d, who));
    vt = s + d, inverse = vt + d * d, column = inverse + d;
    unit_columns(r, d, inverse, column);
    NRM_TRY_DONE(nrm_svd(ctx, who, d, d, r, d, NULL, s, vt));
    while (k < d && s[k] > rounding(n, d) * s[0]) k++;
    *rank = k;
    *condition = k > 0 ? s[0] / s[k - 1] : 1;
    *triangular = k == d;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = k; j < d; j++) null[i * (d - k) + j - k] = inverse[i] * vt[j * d + i];
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

/* ---- Few rows that stand for all ---------------------------------------------------------------- */

/* A chunk into rows (columns d) or, where there is one, the sketch. */
static nrm_status take(nrm_ctx *ctx, const nrm_row_chunk *chunk, int64_t da, int64_t d, nrm_sketch_sum *sketch, double *rows)
{
    if (sketch) return nrm_sketch_add(ctx, sketch, chunk->first, chunk->count, chunk->a, chunk->lda, chunk->b, chunk->ldb);
    for (int64_t i = 0; i < chunk->count; i++) {
        double *to = rows + (chunk->first + i) * d;
        memcpy(to, chunk->a + i * chunk->lda, (size_t)da * sizeof *to);
        if (chunk->b) memcpy(to + da, chunk->b + i * chunk->ldb, (size_t)(d - da) * sizeof *to);
    }
    return NRM_OK;
}

/* S [A b], or the rows themselves: m x d, cleared. */
static nrm_status few_rows(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, int64_t m, double *rows)
{
    enum { UNITS = 4 }; /* of the sketch, in a chunk */
    const int64_t da = nrm_rows_cols(a), d = da + (b ? nrm_rows_cols(b) : 0);
    nrm_sketch_sum *sketch = NULL;
    nrm_row_pass *pass = NULL;
    nrm_row_chunk chunk;
    int64_t seen = 0;
    nrm_status st = NRM_OK;

    if (m < n) st = nrm_sketch_begin(ctx, who, &(nrm_sketch_plan){.kind = NRM_SKETCH_OSNAP, .m = m, .n = n, .nonzeros = 4}, da, d - da, &sketch);
    if (st >= 0) st = nrm_row_pass_begin(ctx, who, a, b, sketch ? UNITS * nrm_sketch_unit(sketch) : nrm_row_pass_unit(d), "range", &pass);
    while (st >= 0) {
        st = nrm_row_pass_next(ctx, pass, &chunk);
        if (st < 0 || chunk.count == 0) break;
        if (chunk.first + chunk.count > n)
            st = nrm_fail(ctx, NRM_E_SHAPE, "%s: a has more than %lld rows; it must have as many", who, NRM_LL(n));
        else st = take(ctx, &chunk, da, d, sketch, rows);
    }
    NRM_TRY_DONE(nrm_row_pass_end(ctx, &pass, st, &seen));
    NRM_STOP_IF(seen != n, NRM_E_SHAPE, "%s: a has %lld rows; it must have %lld", who, NRM_LL(seen), NRM_LL(n));
    if (sketch) memcpy(rows, nrm_sketch_values(sketch), (size_t)(m * d) * sizeof *rows);
    st = nrm_sum_ranks(ctx, who, rows, (m < n ? m : n) * d);
done:
    nrm_sketch_end(ctx, sketch);
    return st;
}

/* *lost: the directions left out are some that A has. */
static nrm_status check_null(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, int64_t d, int64_t count,
                             const double *null, double *gram, bool *lost)
{
    enum { MARGIN = 30 }; /* of a sketch's lengths, between its own verdict and this one */
    nrm_whiten w = {0};
    double sum = 0;

    nrm_status st = nrm_whiten_begin(ctx, who, a, b, n, "range", &w);
    NRM_TRY_DONE(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    NRM_TRY_DONE(nrm_whiten_basis(&w, count, false, false, null));
    NRM_TRY_DONE(nrm_whiten_pass(&w, NULL, NULL, gram));
    for (int64_t i = 0; i < count; i++) sum += gram[i * count + i];
    *lost = sqrt(sum) > MARGIN * sqrt((double)d) * rounding(n, d);
done:
    nrm_whiten_end(&w);
    return st;
}

/* T from m rows that stand for all. */
static nrm_status basis_from(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, int64_t m, int64_t d, double *t,
                             int64_t *rank, bool *triangular, double *condition, bool *lost)
{
    double *rows = NULL, *r = NULL;
    int64_t size = 0;
    nrm_status st = nrm_mul_size(m, d, &size) ? NRM_OK : nrm_fail(ctx, NRM_E_OVERFLOW, "%s: a has %lld columns; that is more than memory "
                                                                  "can address", who, NRM_LL(d));
    if (st >= 0) st = NRM_ALLOC_ZERO(ctx, rows, size, who);
    if (st >= 0) st = NRM_ALLOC(ctx, r, 2 * d * d, who);
    NRM_TRY_DONE(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    NRM_TRY_DONE(few_rows(ctx, who, a, b, n, m, rows));
    const nrm_alone before = nrm_alone_enter(ctx);
    st = nrm_qr(ctx, who, m, d, rows, d, r);
    if (st >= 0) st = basis_of(ctx, who, n, d, r, t, r + d * d, rank, triangular, condition);
    nrm_alone_leave(ctx, before);
    NRM_TRY_DONE(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    *lost = false;
    if (m < n && *rank < d) st = check_null(ctx, who, a, b, n, d, d - *rank, r + d * d, r, lost);
done:
    nrm_free(ctx, rows);
    nrm_free(ctx, r);
    return st;
}

nrm_status nrm_range_basis(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, double *t, int64_t *rank,
                           bool *triangular, double *condition, bool *orthonormal)
{
    const int64_t d = nrm_rows_cols(a) + (b ? nrm_rows_cols(b) : 0), least = 4 * d + 64;
    double ratio = 1;
    bool found = false, lost = true;

    if (n > 2 * least) NRM_TRY(nrm_range_by_gram(ctx, who, a, b, n, t, &ratio, &found));
    if (found) *rank = d, *triangular = true;
    for (int64_t m = least; !found && lost; m *= 2)
        NRM_TRY(basis_from(ctx, who, a, b, n, n <= 2 * m ? nrm_max_i64(n, d) : m, d, t, rank, triangular, &ratio, &lost));
    if (condition) *condition = ratio;
    if (orthonormal) *orthonormal = found;
    return NRM_OK;
}
