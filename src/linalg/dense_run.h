/* dense_run.h -- products and factorisations for callers who run them again and again: sizes
 * are asked for beforehand, nothing is checked or allocated.  Private.
 *
 * Matrices are contiguous, row-major, f32 or f64 (`dtype`), finite.  Every call of BLAS and
 * LAPACK runs on one thread; products are cut into tiles by size alone, which the threads
 * share: no bit depends on how many they are.  Work is in bytes, 64-byte aligned; -1: more
 * than BLAS can count. */
#ifndef NRM_DENSE_RUN_H
#define NRM_DENSE_RUN_H

#include "base/base.h"
#include <norma/array.h>

/* c (m x n) = alpha op(a) op(b) + beta c; op(a) is m x k; a and b are transposed ('t') or not
 * ('n').  m, n, k >= 1. */
void nrm_dense_product(nrm_dtype dtype, int threads, char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k,
                     double alpha, const void *a, const void *b, double beta, void *c);
/* out = alpha x + beta y, n elements; out may be x or y. */
void nrm_dense_combine(nrm_dtype dtype, int threads, int64_t n, double alpha, const void *x, double beta, const void *y,
                     void *out);

/* a (m x n, m >= n) becomes the Q of its thin QR factorisation; the diagonal of R is >= 0.
 * Columns that depend on earlier ones become what the reflections make of them: Q'Q = I always. */
int64_t nrm_qr_work(nrm_dtype dtype, int64_t m, int64_t n);
void nrm_qr_run(nrm_dtype dtype, int64_t m, int64_t n, void *a, void *work);

/* Thin SVD in f64, a = u diag(s) vt, p = min(m, n): the first m n of work are a, and are used
 * up; the results lie in work.  false, in the event, not known to occur with finite input, that
 * LAPACK does not converge.  nrm_svd_work counts doubles. */
typedef struct nrm_svd_factors { double *u, *s, *vt; } nrm_svd_factors; /* m x p, p, p x n */
int64_t nrm_svd_work(int64_t m, int64_t n);
bool nrm_svd_run(int64_t m, int64_t n, double *work, nrm_svd_factors *factors);

/* The rank leading singular vectors of a (m x n), right or left ones, as the columns of p (n or
 * m rows).  The sign of a vector is free: here its entry of largest size, the first of them, is
 * positive. */
int64_t nrm_leading_work(bool right, int64_t m, int64_t n);
void nrm_leading_run(nrm_dtype dtype, bool right, int64_t m, int64_t n, int64_t rank, const void *a, void *p, void *work);

#endif
