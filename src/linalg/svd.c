/* svd.c -- singular values, symmetric eigenvalues, least squares.  Contract: linalg.h.
 *
 * LAPACK reads the row-major a (m x n) as its transpose, and
 *     a = U S V'   <=>   a' = V S U' ,
 * so LAPACK's left vectors, column by column, are our V' row by row, and its V' is our U:
 * nothing is transposed.  Divide and conquer (dgesdd, dsyevd) is tried first; QR iteration
 * (dgesvd, dsyev), slower and nearly infallible, takes over where dgesdd does not converge
 * or where the workspace, 4 p^2 values for p = min(m, n), outgrows a 32-bit integer. */
#include "check.h"
#include "linalg.h"
#include <lapacke.h>

/* 4 p^2 must be well below 2^31, and is not to be asked for beyond: LAPACK itself computes
 * it in 32 bits.  (A test sets 0 here to reach the code for large sizes.) */
#ifndef NRM_LARGEST_DIVIDED
#define NRM_LARGEST_DIVIDED 20000
#endif

/* A copy of a, contiguous; rows of length n, or transposed into rows of length m. */
static void copy_rows(int64_t m, int64_t n, const double *a, int64_t lda, double *to)
{
    for (int64_t i = 0; i < m; i++) memcpy(to + i * n, a + i * lda, (size_t)n * sizeof *a);
}

enum { TILE = 32 };
static void copy_transposed(int64_t m, int64_t n, const double *a, int64_t lda, double *to, int64_t ldt)
{
    for (int64_t top = 0; top < m; top += TILE)
        for (int64_t left = 0; left < n; left += TILE)
            for (int64_t j = left; j < nrm_min_i64(left + TILE, n); j++)
                for (int64_t i = top; i < nrm_min_i64(top + TILE, m); i++) to[j * ldt + i] = a[i * lda + j];
}

typedef struct svd_work {
    double *a, *s, *u, *vt; /* copy of the matrix, results */
    lapack_int *integers;
} svd_work;

/* 0, or LAPACK's info.  The matrix in w->a is used up. */
static nrm_status divide_and_conquer(nrm_ctx *ctx, const char *who, int m, int n, char job, svd_work *w,
                                     int *info)
{
    const int p = m < n ? m : n;
    double asked = 0, *work;
    int count;

    *info = 1;
    if (p > NRM_LARGEST_DIVIDED) return NRM_OK;
    LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, job, n, m, w->a, n, w->s, w->vt, n, w->u, p, &asked, -1, w->integers);
    NRM_TRY(nrm_check_work(ctx, who, asked, &count));
    NRM_TRY(NRM_ALLOC(ctx, work, count, who));
    *info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, job, n, m, w->a, n, w->s, w->vt, n, w->u, p, work, count,
                                w->integers);
    nrm_free(ctx, work);
    return NRM_OK;
}

static nrm_status qr_iteration(nrm_ctx *ctx, const char *who, int m, int n, char job, svd_work *w, int *info)
{
    const int p = m < n ? m : n;
    double asked = 0, *work;
    int count;

    LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, job, job, n, m, w->a, n, w->s, w->vt, n, w->u, p, &asked, -1);
    NRM_TRY(nrm_check_work(ctx, who, asked, &count));
    NRM_TRY(NRM_ALLOC(ctx, work, count, who));
    *info = LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, job, job, n, m, w->a, n, w->s, w->vt, n, w->u, p, work, count);
    nrm_free(ctx, work);
    return NRM_OK;
}

nrm_status nrm_svd(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *a, int64_t lda,
                   double *u, double *s, double *vt)
{
    nrm_arena arena = {0};
    nrm_status st;
    int info = 0;

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, m, n, a, lda));
    NRM_REQUIRE(ctx, s, NRM_E_NULL, "%s: the place for the singular values is NULL", who);
    const int64_t p = nrm_min_i64(m, n), vectors = u || vt ? p : 0;
    const int a_slot = nrm_arena_add(&arena, m * n, sizeof(double));
    const int s_slot = nrm_arena_add(&arena, p, sizeof(double));
    const int u_slot = nrm_arena_add(&arena, m * vectors, sizeof(double));
    const int vt_slot = nrm_arena_add(&arena, n * vectors, sizeof(double));
    const int integer_slot = nrm_arena_add(&arena, 8 * p, sizeof(lapack_int));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    svd_work w = {nrm_arena_at(&arena, a_slot), nrm_arena_at(&arena, s_slot), nrm_arena_at(&arena, u_slot),
                  nrm_arena_at(&arena, vt_slot), nrm_arena_at(&arena, integer_slot)};
    const char job = vectors ? 'S' : 'N';

    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    copy_rows(m, n, a, lda, w.a);
    NRM_TRY_DONE(divide_and_conquer(ctx, who, (int)m, (int)n, job, &w, &info));
    if (info != 0) {
        copy_rows(m, n, a, lda, w.a);
        NRM_TRY_DONE(qr_iteration(ctx, who, (int)m, (int)n, job, &w, &info));
    }
    NRM_STOP_IF(info != 0, NRM_E_INTERNAL, "%s: LAPACK found no singular values of a %lld x %lld matrix "
                "(info %d); scale it and try again", who, NRM_LL(m), NRM_LL(n), info);
    memcpy(s, w.s, (size_t)p * sizeof *s);
    if (u) memcpy(u, w.u, (size_t)(m * p) * sizeof *u);
    if (vt) memcpy(vt, w.vt, (size_t)(n * p) * sizeof *vt);
done:
    nrm_blas_leave(scope);
    nrm_arena_free(ctx, &arena);
    return st;
}

static nrm_status eigen_in_place(nrm_ctx *ctx, const char *who, int n, char job, double *a, double *w, int *info)
{
    double asked = 0, *work;
    lapack_int integer_asked = 0, *integers = NULL;
    int count;
    nrm_status st;

    if (n > NRM_LARGEST_DIVIDED) {
        LAPACKE_dsyev_work(LAPACK_COL_MAJOR, job, 'U', n, a, n, w, &asked, -1);
        NRM_TRY(nrm_check_work(ctx, who, asked, &count));
        NRM_TRY(NRM_ALLOC(ctx, work, count, who));
        *info = LAPACKE_dsyev_work(LAPACK_COL_MAJOR, job, 'U', n, a, n, w, work, count);
        nrm_free(ctx, work);
        return NRM_OK;
    }
    LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, job, 'U', n, a, n, w, &asked, -1, &integer_asked, -1);
    NRM_TRY(nrm_check_work(ctx, who, asked, &count));
    NRM_TRY(NRM_ALLOC(ctx, work, count, who));
    NRM_TRY_DONE(NRM_ALLOC(ctx, integers, nrm_max_i64(integer_asked, 1), who));
    *info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, job, 'U', n, a, n, w, work, count, integers, integer_asked);
done:
    nrm_free(ctx, integers);
    nrm_free(ctx, work);
    return st;
}

/* Our lower triangle is LAPACK's upper one; its eigenvectors come as our rows. */
nrm_status nrm_eigen_symmetric(nrm_ctx *ctx, const char *who, int64_t n, const double *a, int64_t lda,
                               double *w, double *v)
{
    double *copy, *values;
    int64_t row = 0, col = 0, bad = 0;
    nrm_status st;
    int info = 0;

    NRM_TRY(nrm_check_shape(ctx, who, "the matrix", 1, n, n, a, lda));
    NRM_REQUIRE(ctx, w, NRM_E_NULL, "%s: the place for the eigenvalues is NULL", who);
    for (; bad < n && nrm_finite_f64(1, bad + 1, a + bad * lda, lda, &row, &col);) bad++;
    NRM_REQUIRE(ctx, bad == n, NRM_E_NONFINITE, "%s: the matrix[%lld,%lld] is %g; every value must be "
                "finite: clean the input", who, NRM_LL(bad), NRM_LL(col), a[bad * lda + col]);
    NRM_TRY(NRM_ALLOC(ctx, copy, n * n + n, who));
    values = copy + n * n;
    for (int64_t i = 0; i < n; i++) {
        memcpy(copy + i * n, a + i * lda, (size_t)(i + 1) * sizeof *a);
        memset(copy + i * n + i + 1, 0, (size_t)(n - i - 1) * sizeof *a);
    }

    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    NRM_TRY_DONE(eigen_in_place(ctx, who, (int)n, v ? 'V' : 'N', copy, values, &info));
    NRM_STOP_IF(info != 0, NRM_E_INTERNAL, "%s: LAPACK found no eigenvalues of a %lld x %lld matrix (info %d); "
                "scale it and try again", who, NRM_LL(n), NRM_LL(n), info);
    memcpy(w, values, (size_t)n * sizeof *w);
    if (v) copy_transposed(n, n, copy, n, v, n);
done:
    nrm_blas_leave(scope);
    nrm_free(ctx, copy);
    return st;
}

nrm_status nrm_least_squares(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *a, int64_t lda,
                             const double *b, double *x, double rcond, int64_t *rank)
{
    nrm_arena arena = {0};
    const int64_t longer = nrm_max_i64(m, n), p = nrm_min_i64(m, n);
    double asked = 0, *work = NULL;
    lapack_int integer_asked = 0, *integers = NULL, found = 0;
    nrm_status st;
    int count, info;

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, m, n, a, lda));
    NRM_TRY(nrm_check_f64(ctx, who, "the right-hand side", 1, 1, m, b, m));
    NRM_REQUIRE(ctx, x, NRM_E_NULL, "%s: the place for the solution is NULL", who);
    NRM_REQUIRE(ctx, rcond < 1, NRM_E_RANGE, "%s: rcond is %g; it must be below 1, negative for the default",
                who, rcond);
    if (rcond < 0) rcond = (double)longer * 0x1p-52;
    const int a_slot = nrm_arena_add(&arena, m * n, sizeof(double));
    const int b_slot = nrm_arena_add(&arena, longer, sizeof(double));
    const int s_slot = nrm_arena_add(&arena, p, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    double *at = nrm_arena_at(&arena, a_slot), *y = nrm_arena_at(&arena, b_slot), *s = nrm_arena_at(&arena, s_slot);

    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    const int rows = (int)m, cols = (int)n, ldy = (int)longer;
    copy_transposed(m, n, a, lda, at, m);
    memcpy(y, b, (size_t)m * sizeof *y);
    LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, rows, cols, 1, at, rows, y, ldy, s, rcond, &found, &asked, -1,
                        &integer_asked);
    NRM_TRY_DONE(nrm_check_work(ctx, who, asked, &count));
    NRM_TRY_DONE(NRM_ALLOC(ctx, work, count, who));
    NRM_TRY_DONE(NRM_ALLOC(ctx, integers, nrm_max_i64(integer_asked, 1), who));
    info = LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, rows, cols, 1, at, rows, y, ldy, s, rcond, &found, work, count,
                               integers);
    NRM_STOP_IF(info != 0, NRM_E_INTERNAL, "%s: LAPACK's singular values of a %lld x %lld matrix did not "
                "converge (info %d); scale it and try again", who, NRM_LL(m), NRM_LL(n), info);
    memcpy(x, y, (size_t)n * sizeof *x);
    if (rank) *rank = found;
done:
    nrm_blas_leave(scope);
    nrm_free(ctx, integers);
    nrm_free(ctx, work);
    nrm_arena_free(ctx, &arena);
    return st;
}
