/* ordered.h -- products of a few long rows in a fixed order of sums.  Private.
 *
 * Every entry of a result is one chain of additions, in the order of the summation index
 * and starting from what is there, so its bits depend neither on how the caller cuts rows
 * and columns into pieces nor on the number of threads, and zeros that a sparse row leaves
 * out change nothing.  (BLAS promises none of the three.)  The two products are the whole
 * arithmetic of a power step  y <- A'(A z)  on k vectors at once.
 *
 * Versions with fused multiply-add round once where the scalar one rounds twice: the bits
 * are those of the instruction set.  Nothing is read past the sizes given. */
#ifndef NRM_ORDERED_H
#define NRM_ORDERED_H

#include "base/base.h"
#include "kernel/cpu.h"

typedef struct nrm_ordered_kernels {
    /* p (m x k) += a (m x n) z (n x k). */
    void (*product)(int64_t m, int64_t n, int64_t k, const double *a, int64_t lda, const double *z,
                    int64_t ldz, double *p, int64_t ldp);
    /* y (n x k) += a' p, with a (m x n) and p (m x k). */
    void (*transposed)(int64_t m, int64_t n, int64_t k, const double *a, int64_t lda, const double *p,
                       int64_t ldp, double *y, int64_t ldy);
    /* The same for one row given by `count` entries; `index` NULL: entry e is column e, and
     * zeros are skipped. */
    void (*sparse_product)(int64_t count, const int64_t *index, const double *value, int64_t k,
                           const double *z, int64_t ldz, double *p);
    void (*sparse_transposed)(int64_t count, const int64_t *index, const double *value, int64_t k,
                              const double *p, double *y, int64_t ldy);
    /* x'y in eight chains, entry j in chain j mod 8; the sparse form has the same bits as
     * the dense one on the same row. */
    double (*dot)(int64_t n, const double *x, const double *y);
    double (*sparse_dot)(int64_t count, const int64_t *index, const double *value, const double *y);
    double (*sparse_square)(int64_t count, const int64_t *index, const double *value);
    /* y += c x. */
    void (*axpy)(int64_t n, double c, const double *x, double *y);
} nrm_ordered_kernels;

extern const nrm_ordered_kernels nrm_ordered_scalar;
#if defined(__x86_64__)
extern const nrm_ordered_kernels nrm_ordered_avx2, nrm_ordered_avx512;
#endif
const nrm_ordered_kernels *nrm_ordered_kernels_for(nrm_isa isa);

/* The products over the context's threads (rows of p, columns of a), where that pays. */
void nrm_ordered_product(nrm_ctx *ctx, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                         const double *z, int64_t ldz, double *p, int64_t ldp);
void nrm_ordered_transposed(nrm_ctx *ctx, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                            const double *p, int64_t ldp, double *y, int64_t ldy);
/* g (m x m) = b b' for m rows of n. */
void nrm_ordered_row_gram(nrm_ctx *ctx, int64_t m, int64_t n, const double *b, int64_t ldb, double *g,
                          int64_t ldg);

#endif
