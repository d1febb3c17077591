/* factor.c -- QR, orthonormal bases, Cholesky.  Contract: linalg.h.
 *
 * LAPACK is column-major: the row-major a (m x n, stride lda) is its a' (n x m).  No copy
 * is made, each factorisation is taken of the transpose instead:
 *     a = Q R         <=>  a' = R' Q',   the LQ factorisation of a'
 *     a = L L'        <=>  a' = U' U with U = L' in the upper triangle of a'. */
#include "base/random.h"
#include "check.h"
#include "linalg.h"
#include <cblas.h>
#include <lapacke.h>

static const double DEPENDENT = 1e-12; /* of the longest column */

/* LQ of the n x m transpose, in place; reflectors' scales to tau. */
static nrm_status lq(nrm_ctx *ctx, const char *who, int m, int n, double *a, int lda, double *tau,
                     double **work, int *count)
{
    double factor = 0, form = 0;

    LAPACKE_dgelqf_work(LAPACK_COL_MAJOR, n, m, a, lda, tau, &factor, -1);
    LAPACKE_dorglq_work(LAPACK_COL_MAJOR, n, m, n, a, lda, tau, &form, -1);
    NRM_TRY(nrm_check_work(ctx, who, fmax(factor, form), count));
    NRM_TRY(NRM_ALLOC(ctx, *work, *count, who));
    LAPACKE_dgelqf_work(LAPACK_COL_MAJOR, n, m, a, lda, tau, *work, *count);
    return NRM_OK;
}

/* The sign of each r[j][j] goes into q's column j and r's row j: the diagonal is >= 0. */
static void take_r(int64_t n, const double *a, int64_t lda, double *r, double *sign)
{
    for (int64_t j = 0; j < n; j++) sign[j] = a[j * lda + j] < 0 ? -1 : 1;
    if (!r) return;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) r[i * n + j] = j < i ? 0 : sign[i] * a[i * lda + j];
}

nrm_status nrm_qr(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *a, int64_t lda, double *r)
{
    double *tau, *sign, *work = NULL;
    int count;
    nrm_status st;

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, m, n, a, lda));
    NRM_REQUIRE(ctx, m >= n, NRM_E_SHAPE, "%s: the matrix is %lld x %lld; QR wants at least as many rows "
                "as columns: transpose it", who, NRM_LL(m), NRM_LL(n));
    NRM_TRY(NRM_ALLOC(ctx, tau, 2 * n, who));
    sign = tau + n;

    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    NRM_TRY_DONE(lq(ctx, who, (int)m, (int)n, a, (int)lda, tau, &work, &count));
    take_r(n, a, lda, r, sign);
    LAPACKE_dorglq_work(LAPACK_COL_MAJOR, (int)n, (int)m, (int)n, a, (int)lda, tau, work, count);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) a[i * lda + j] *= sign[j];
done:
    nrm_blas_leave(scope);
    nrm_free(ctx, work);
    nrm_free(ctx, tau);
    return st;
}

/* x - Q Q'x for the rows 0 .. count-1 of q, twice: once leaves errors of size eps |x|, which
 * is not small against what is left of a nearly dependent x. */
static void remove_span(int64_t m, int64_t count, const double *q, double *x, double *coefficient)
{
    for (int pass = 0; pass < 2 && count > 0; pass++) {
        cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)count, (int)m, 1, q, (int)m, x, 1, 0, coefficient, 1);
        cblas_dgemv(CblasRowMajor, CblasTrans, (int)count, (int)m, -1, q, (int)m, coefficient, 1, 1, x, 1);
    }
}

static void scale(double *x, int64_t n, double factor)
{
    for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

/* Gram-Schmidt, twice, column by column: first the columns that are independent of those
 * kept before them, then random directions for the others.  In this order the kept ones
 * span what a's columns span, which a Householder QR does not promise after a zero pivot.
 * `a` has been scaled to max 1; q takes n rows of length m. */
static int64_t gram_schmidt(int64_t m, int64_t n, const double *a, double *q, int64_t *place, uint64_t seed,
                            double longest, double *coefficient)
{
    int64_t rank = 0, end = n;

    for (int64_t j = 0; j < n; j++) {
        double *x = q + rank * m;
        for (int64_t i = 0; i < m; i++) x[i] = a[i * n + j];
        remove_span(m, rank, q, x, coefficient);
        const double left = nrm_norm2(x, m);
        if (left > DEPENDENT * longest) {
            scale(x, m, 1 / left);
            place[rank++] = j;
        } else {
            place[--end] = j;
        }
    }
    for (int64_t k = rank; k < n; k++) {
        double *x = q + k * m, left = 0;
        nrm_rng rng = nrm_rng_make(seed, (uint64_t)place[k]);
        while (left < 1e-8) { /* random directions lie in a given subspace with probability 0 */
            nrm_rng_normals(&rng, x, m);
            remove_span(m, k, q, x, coefficient);
            left = nrm_norm2(x, m);
        }
        scale(x, m, 1 / left);
    }
    return rank;
}

/* The common case: QR of the copy, all pivots well above the threshold. */
static nrm_status plain_basis(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *a, double *q,
                              double longest, bool *independent)
{
    double *r;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, r, n * n, who));
    memcpy(q, a, (size_t)(m * n) * sizeof *q);
    NRM_TRY_DONE(nrm_qr(ctx, who, m, n, q, n, r));
    *independent = true;
    for (int64_t j = 0; j < n; j++) *independent = *independent && r[j * n + j] > DEPENDENT * longest;
done:
    nrm_free(ctx, r);
    return st;
}

nrm_status nrm_orthonormalise(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *a, int64_t lda,
                              uint64_t seed, int64_t *rank)
{
    nrm_arena arena = {0};
    double largest = 0, longest = 0;
    bool independent = false;
    nrm_status st;

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, m, n, a, lda));
    NRM_REQUIRE(ctx, m >= n, NRM_E_SHAPE, "%s: the matrix is %lld x %lld; %lld columns of length %lld cannot "
                "be orthonormal", who, NRM_LL(m), NRM_LL(n), NRM_LL(n), NRM_LL(m));
    const int copy_slot = nrm_arena_add(&arena, m * n, sizeof(double));
    const int q_slot = nrm_arena_add(&arena, m * n, sizeof(double));
    const int work_slot = nrm_arena_add(&arena, nrm_max_i64(m, n), sizeof(double));
    const int place_slot = nrm_arena_add(&arena, n, sizeof(int64_t));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    double *copy = nrm_arena_at(&arena, copy_slot), *q = nrm_arena_at(&arena, q_slot);
    double *work = nrm_arena_at(&arena, work_slot);
    int64_t *place = nrm_arena_at(&arena, place_slot), kept = n;

    /* Scaled by a power of two, so that no product can overflow; the basis is the same. */
    for (int64_t i = 0; i < m; i++) largest = fmax(largest, nrm_norm_inf(a + i * lda, n));
    const double unit = largest > 0 ? ldexp(1, (int)fmin(1000, -ilogb(largest))) : 1;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            copy[i * n + j] = unit * a[i * lda + j];
            work[j] += copy[i * n + j] * copy[i * n + j]; /* the arena came cleared */
        }
    for (int64_t j = 0; j < n; j++) longest = fmax(longest, sqrt(work[j]));

    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    st = plain_basis(ctx, who, m, n, copy, q, longest, &independent);
    if (st >= 0 && independent) {
        for (int64_t i = 0; i < m; i++) memcpy(a + i * lda, q + i * n, (size_t)n * sizeof *a);
    } else if (st >= 0) {
        kept = gram_schmidt(m, n, copy, q, place, seed, longest, work);
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = 0; i < m; i++) a[i * lda + place[j]] = q[j * m + i];
    }
    if (st >= 0 && rank) *rank = kept;
    nrm_blas_leave(scope);
    nrm_arena_free(ctx, &arena);
    return st;
}

/* `a` keeps its content until the factor is known to exist. */
nrm_status nrm_cholesky(nrm_ctx *ctx, const char *who, int64_t n, double *a, int64_t lda)
{
    double *l;
    int64_t row = 0, col = 0, bad = 0;
    nrm_status st = NRM_OK;

    NRM_TRY(nrm_check_shape(ctx, who, "the matrix", 1, n, n, a, lda));
    for (; bad < n && nrm_finite_f64(1, bad + 1, a + bad * lda, lda, &row, &col);) bad++;
    NRM_REQUIRE(ctx, bad == n, NRM_E_NONFINITE, "%s: the matrix[%lld,%lld] is %g; every value must be "
                "finite: clean the input", who, NRM_LL(bad), NRM_LL(col), a[bad * lda + col]);
    NRM_TRY(NRM_ALLOC(ctx, l, n * n, who));
    for (int64_t i = 0; i < n; i++) {
        memcpy(l + i * n, a + i * lda, (size_t)(i + 1) * sizeof *l);
        memset(l + i * n + i + 1, 0, (size_t)(n - i - 1) * sizeof *l);
    }

    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    const int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (int)n, l, (int)n);
    nrm_blas_leave(scope);
    NRM_STOP_IF(info != 0, NRM_E_SINGULAR, "%s: the matrix is not positive definite: its leading minor of "
                "order %d is not positive; add a ridge to its diagonal", who, info);
    for (int64_t i = 0; i < n; i++) memcpy(a + i * lda, l + i * n, (size_t)n * sizeof *a);
done:
    nrm_free(ctx, l);
    return st;
}

nrm_status nrm_cholesky_solve(nrm_ctx *ctx, const char *who, int64_t n, const double *l, int64_t lda,
                              int64_t columns, double *b, int64_t ldb)
{
    NRM_TRY(nrm_check_f64(ctx, who, "the factor", 1, n, n, l, lda));
    NRM_TRY(nrm_check_f64(ctx, who, "the right-hand side", 0, n, columns, b, ldb));
    for (int64_t i = 0; i < n; i++)
        NRM_REQUIRE(ctx, l[i * lda + i] != 0, NRM_E_SINGULAR, "%s: the factor has a zero at [%lld,%lld] of "
                    "its diagonal; it is no Cholesky factor", who, NRM_LL(i), NRM_LL(i));
    if (columns == 0) return NRM_OK;

    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)n, (int)columns, 1, l,
                (int)lda, b, (int)ldb);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (int)n, (int)columns, 1, l,
                (int)lda, b, (int)ldb);
    nrm_blas_leave(scope);
    return NRM_OK;
}
