/* lp_system.c -- contract: lp_system.h.  One thread: no bit depends on how many there are. */
#include "lp_system.h"
#include "linalg/linalg.h"
#include <cblas.h>
#include <lapacke.h>

static bool factor_scaled(int64_t k, const double *g, const double *scale, double ridge, double *factor)
{
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j <= i; j++) factor[i * k + j] = g[i * k + j] * scale[i] * scale[j] + (i == j ? ridge : 0);
    return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (int)k, factor, (int)k) == 0;
}

bool nrm_lp_system_factor(int64_t k, const double *g, double *scale, double *factor)
{
    bool done = false;

    for (int64_t i = 0; i < k; i++) scale[i] = g[i * k + i] > 0 ? 1 / sqrt(g[i * k + i]) : 1;
    const nrm_blas_scope scope = nrm_blas_enter_single();
    for (double ridge = 0; !done && ridge < 1; ridge = ridge > 0 ? 100 * ridge : 1e-15) done = factor_scaled(k, g, scale, ridge, factor);
    nrm_blas_leave(scope);
    return done;
}

void nrm_lp_system_solve(int64_t k, const double *scale, const double *factor, double *right)
{
    const int size = (int)k;
    const nrm_blas_scope scope = nrm_blas_enter_single();
    for (int i = 0; i < size; i++) right[i] *= scale[i];
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, size, factor, size, right, 1);
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, size, factor, size, right, 1);
    for (int i = 0; i < size; i++) right[i] *= scale[i];
    nrm_blas_leave(scope);
}
