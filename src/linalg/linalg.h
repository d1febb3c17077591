/* linalg.h -- dense linear algebra for the methods: a thin typed layer over BLAS and
 * LAPACK.  Private.  Row-major, f64 unless a name says f32; `ld` is the row stride.
 *
 * Every routine first checks that its input is finite (an Inf makes dgesdd of some
 * OpenBLAS loop for ever), refuses sizes over INT_MAX, runs BLAS on nrm_threads(ctx)
 * threads, takes its workspace from ctx and leaves outputs untouched when it fails.
 * Messages begin with `who`, the caller's name.  Bits may depend on the thread count
 * where BLAS threads a product; call with one thread for fixed bits. */
#ifndef NRM_LINALG_H
#define NRM_LINALG_H

#include "base/base.h"

/* Run a block of BLAS calls on the context's threads:
 *     nrm_blas_scope scope = nrm_blas_enter(ctx);  cblas_dgemm(...);  nrm_blas_leave(scope); */
typedef struct nrm_blas_scope { int threads; } nrm_blas_scope;
nrm_blas_scope nrm_blas_enter(nrm_ctx *ctx);
/* The same with one thread for every BLAS call, of this thread and of those it starts. */
nrm_blas_scope nrm_blas_enter_single(void);
void nrm_blas_leave(nrm_blas_scope scope);

/* c (m x n) = alpha op(a) op(b) + beta c; op(a) is m x k.  transposed: 'n' or 't'. */
nrm_status nrm_gemm(nrm_ctx *ctx, const char *who, char transpose_a, char transpose_b, int64_t m, int64_t n,
                    int64_t k, double alpha, const double *a, int64_t lda, const double *b, int64_t ldb,
                    double beta, double *c, int64_t ldc);

/* Thin QR, m >= n: q (m x n, overwrites a), r (n x n upper, may be NULL); diagonal of r >= 0. */
nrm_status nrm_qr(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *a, int64_t lda, double *r);
/* Orthonormal basis of the columns of a (m x n, m >= n), in place.  Columns that depend on
 * earlier ones (below 1e-12 of the longest) are replaced by random directions from `seed`;
 * *rank tells how many were kept. */
nrm_status nrm_orthonormalise(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *a, int64_t lda,
                              uint64_t seed, int64_t *rank);
/* Thin SVD a = u diag(s) vt: u (m x p), s (p, falling), vt (p x n), p = min(m, n); u, vt may be NULL. */
nrm_status nrm_svd(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *a, int64_t lda,
                   double *u, double *s, double *vt);
/* Symmetric a (n x n, lower triangle read) = v diag(w) v': w rising, v's columns (may be NULL). */
nrm_status nrm_eigen_symmetric(nrm_ctx *ctx, const char *who, int64_t n, const double *a, int64_t lda,
                               double *w, double *v);
/* a = l l' (lower, upper part zeroed), in place.  NRM_E_SINGULAR names the failing minor. */
nrm_status nrm_cholesky(nrm_ctx *ctx, const char *who, int64_t n, double *a, int64_t lda);
nrm_status nrm_cholesky_solve(nrm_ctx *ctx, const char *who, int64_t n, const double *l, int64_t lda,
                              int64_t columns, double *b, int64_t ldb); /* b (n x columns) in place */
/* min |a x - b|: least-norm by SVD (dgelsd), rank decided at rcond (< 0: eps max(m, n)). */
nrm_status nrm_least_squares(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *a, int64_t lda,
                             const double *b, double *x, double rcond, int64_t *rank);

/* Norms.  Two-norms are scaled: no overflow or underflow for finite input. */
double nrm_norm2(const double *x, int64_t n);
double nrm_norm1(const double *x, int64_t n);
double nrm_norm_inf(const double *x, int64_t n);
double nrm_norm_frobenius(int64_t m, int64_t n, const double *a, int64_t lda);
/* |a|_2 by power iteration on a'a from a random start: *value <= |a|_2 <= *upper, the upper
 * bound certified (Frobenius and residual based); stops at rtol or max_iter. */
nrm_status nrm_norm_spectral(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *a, int64_t lda,
                             double rtol, int64_t max_iter, double *value, double *upper);
/* Sums with a fixed tree: same bits for any thread count, error O(log n). */
double nrm_sum(const double *x, int64_t n);
double nrm_dot(const double *x, const double *y, int64_t n);

#endif
