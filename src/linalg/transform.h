/* transform.h -- fast orthogonal transforms: Walsh-Hadamard and cosine.  Private. */
#ifndef NRM_TRANSFORM_H
#define NRM_TRANSFORM_H

#include "base/base.h"

/* Walsh-Hadamard in natural (Sylvester) order: H_1 = [1], H_2k = [H_k H_k; H_k -H_k], so
 * H H = n I; orthonormal divides by sqrt(n).  n must be a power of two (NRM_E_SHAPE).
 * In place; O(n log n) additions a column; the same bits for any thread count. */
nrm_status nrm_hadamard(nrm_ctx *ctx, const char *who, int64_t n, double *x, bool orthonormal);
/* H X for a row-major n x columns matrix: every column is transformed.  Cancelled, or out
 * of memory: columns transformed so far stay so -- the one routine of this folder that is
 * not all or nothing, for want of room for a second X. */
nrm_status nrm_hadamard_columns(nrm_ctx *ctx, const char *who, int64_t n, int64_t columns, double *x, int64_t ld,
                                bool orthonormal);
/* The kernel: H applied to the columns of a contiguous n x NRM_PANEL block, unscaled. */
enum { NRM_PANEL = 8 };
void nrm_hadamard_panel(double *panel, int64_t n);
bool nrm_is_power_of_two(int64_t n);
int64_t nrm_next_power_of_two(int64_t n); /* the least one >= n; -1 if it is not an int64_t */

/* Orthonormal cosine transforms of any length n >= 1 with
 *     C[k][j] = w_k cos(pi k (2j + 1) / (2n)),  w_0 = sqrt(1/n), w_k = sqrt(2/n):
 * DCT-II is y = C x, DCT-III its inverse x = C' y.  By one real FFT of length n each, with
 * the accuracy of that FFT.  x and y may be the same.  A plan serves one thread at a time. */
typedef struct nrm_dct nrm_dct;
nrm_status nrm_dct_create(nrm_ctx *ctx, const char *who, int64_t n, nrm_dct **plan);
void nrm_dct_destroy(nrm_ctx *ctx, nrm_dct *plan);
void nrm_dct2(nrm_dct *plan, const double *x, double *y);
void nrm_dct3(nrm_dct *plan, const double *y, double *x);
/* C itself, n x n, to the last bit of cos; 4n doubles of work. */
nrm_status nrm_dct_matrix(nrm_ctx *ctx, const char *who, int64_t n, double *c, int64_t ld);
void nrm_dct_cosines(int64_t n, double *cosine); /* cos(pi t / (2n)), t = 0 .. 4n - 1 */

#endif
