/* polar_run.c -- the polar factor in memory sized beforehand.  Contract: orthogonalise.h.
 *
 * LAPACK counts columns first: to it the m x n matrix G is G' (n x m) = V S U', so the factors
 * it returns are V (n x p) and U' (p x m), and U V' in rows is V U' in its columns. */
#include "linalg.h"
#include "orthogonalise.h"
#include <cblas.h>
#include <lapacke.h>
#include <limits.h>

/* Places in work, in doubles; -1 where LAPACK cannot count so far. */
typedef struct layout { int64_t a, v, u, s, integers, lwork, work, total; } layout;

static bool lay_out(int64_t m, int64_t n, layout *at)
{
    const int64_t p = nrm_min_i64(m, n);
    double asked = -1, none = 0;
    lapack_int integer = 0;

    if (m > INT_MAX / 16 || n > INT_MAX / 16) return false; /* every product below is in range then */
    LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)n, (int)m, &none, (int)n, &none, &none, (int)n, &none, (int)p,
                        &asked, -1, &integer);
    if (!(asked >= 1 && asked <= INT_MAX)) return false;
    at->a = 0, at->v = m * n, at->u = at->v + n * p, at->s = at->u + p * m, at->integers = at->s + p;
    at->work = at->integers + 4 * p; /* 8 p integers of at most 4 bytes */
    at->lwork = (int64_t)asked;
    at->total = at->work + at->lwork;
    return true;
}

int64_t nrm_polar_work(int64_t m, int64_t n)
{
    layout at;
    return lay_out(m, n, &at) ? at.total : -1;
}

void nrm_polar_run(int64_t m, int64_t n, double *work)
{
    const int64_t p = nrm_min_i64(m, n);
    int64_t kept = 0;
    layout at;

    if (!lay_out(m, n, &at)) return;
    double *v = work + at.v, *u = work + at.u, *s = work + at.s;
    lapack_int *integers = (lapack_int *)(void *)(work + at.integers);
    const nrm_blas_scope scope = nrm_blas_enter_single();
    const int info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)n, (int)m, work, (int)n, s, v, (int)n, u, (int)p,
                                         work + at.work, (int)at.lwork, integers);
    while (info == 0 && kept < p && s[kept] > (double)nrm_max_i64(m, n) * 0x1p-52 * s[0]) kept++;
    if (kept == 0) memset(work, 0, (size_t)(m * n) * sizeof *work);
    else
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)m, (int)kept, 1, v, (int)n, u, (int)p, 0,
                    work, (int)n);
    nrm_blas_leave(scope);
}
