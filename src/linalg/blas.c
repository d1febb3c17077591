/* blas.c -- threads for BLAS, and the matrix product.  Contract: linalg.h.
 *
 * The OpenMP build of OpenBLAS asks omp_get_max_threads() at every call.  That number
 * belongs to the calling thread alone (OpenMP's nthreads-var), so setting it and putting
 * it back changes nothing for anybody else: no global state of OpenBLAS is touched. */
#include "check.h"
#include "linalg.h"
#include <cblas.h>
#include <omp.h>

nrm_blas_scope nrm_blas_enter(nrm_ctx *ctx)
{
    const nrm_blas_scope scope = {omp_get_max_threads()};
    omp_set_num_threads(nrm_threads(ctx));
    return scope;
}

nrm_blas_scope nrm_blas_enter_single(void)
{
    const nrm_blas_scope scope = {omp_get_max_threads()};
    omp_set_num_threads(1);
    return scope;
}

void nrm_blas_leave(nrm_blas_scope scope) { omp_set_num_threads(scope.threads); }

nrm_status nrm_gemm(nrm_ctx *ctx, const char *who, char transpose_a, char transpose_b, int64_t m, int64_t n,
                    int64_t k, double alpha, const double *a, int64_t lda, const double *b, int64_t ldb,
                    double beta, double *c, int64_t ldc)
{
    const bool ta = transpose_a == 't', tb = transpose_b == 't';

    NRM_REQUIRE(ctx, (ta || transpose_a == 'n') && (tb || transpose_b == 'n'), NRM_E_ARGUMENT,
                "%s: transposed is '%c', '%c'; it must be 'n' or 't'", who, transpose_a, transpose_b);
    NRM_REQUIRE(ctx, isfinite(alpha) && isfinite(beta), NRM_E_NONFINITE,
                "%s: alpha is %g and beta %g; both must be finite", who, alpha, beta);
    NRM_TRY(nrm_check_f64(ctx, who, "the left factor", 0, ta ? k : m, ta ? m : k, a, lda));
    NRM_TRY(nrm_check_f64(ctx, who, "the right factor", 0, tb ? n : k, tb ? k : n, b, ldb));
    if (beta == 0) NRM_TRY(nrm_check_shape(ctx, who, "the product", 0, m, n, c, ldc));
    else NRM_TRY(nrm_check_f64(ctx, who, "the product", 0, m, n, c, ldc));
    if (m == 0 || n == 0) return NRM_OK;
    if (k == 0) { /* an empty sum; BLAS may be given a NULL factor here */
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
        return NRM_OK;
    }

    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m, (int)n,
                (int)k, alpha, a, (int)nrm_max_i64(lda, 1), b, (int)nrm_max_i64(ldb, 1), beta, c,
                (int)nrm_max_i64(ldc, 1));
    nrm_blas_leave(scope);
    return NRM_OK;
}
