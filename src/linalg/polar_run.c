/* polar_run.c -- the polar factor in memory sized beforehand.  Contract: orthogonalise.h.
 *
 * U V' in rows is V U' in the columns that BLAS counts by. */
#include "dense_run.h"
#include "linalg.h"
#include "orthogonalise.h"
#include <cblas.h>

int64_t nrm_polar_work(int64_t m, int64_t n) { return nrm_svd_work(m, n); }

void nrm_polar_run(int64_t m, int64_t n, double *work)
{
    const int64_t p = nrm_min_i64(m, n);
    int64_t kept = 0;
    nrm_svd_factors f = {0};

    if (nrm_svd_run(m, n, work, &f))
        while (kept < p && f.s[kept] > (double)nrm_max_i64(m, n) * 0x1p-52 * f.s[0]) kept++;
    if (kept == 0) {
        memset(work, 0, (size_t)(m * n) * sizeof *work);
        return;
    }
    const nrm_blas_scope scope = nrm_blas_enter_single();
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)m, (int)kept, 1, f.vt, (int)n, f.u, (int)p, 0, work,
                (int)n);
    nrm_blas_leave(scope);
}
