/* norma/select_columns.h -- the columns of a fixed orthogonal basis along which a matrix lies.
 *
 * A is m x n, D orthogonal, of the length of the projected side.
 *     right: S = A D  (D: n x n),  projection = A D_I  (m x rank)
 *     left:  S = D'A  (D: m x m),  projection = D_I'A  (rank x n)
 * I holds the rank indices whose columns (right) or rows (left) of S have the largest p-norms.
 * For p = 2 no other I leaves less of A behind:
 *     |A - up|_F^2 = |A|_F^2 - sum over I of |S_i|_2^2 <= (1 - rank / length) |A|_F^2,       (1)
 * up being the projection taken back, (A D_I) D_I' or D_I (D_I'A). */
#ifndef NORMA_SELECT_COLUMNS_H
#define NORMA_SELECT_COLUMNS_H

#include <norma/method.h>
#include <norma/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_SELECT_COLUMNS_OPTIONS(P)                                                                       \
    P(i64, rank, 0, 0, INT32_MAX, "", "0.2",                                                                \
      "columns to choose, at most the projected side; 0: a quarter of it, up to 128")                       \
    P(choice, basis, NRM_BASIS_DCT2, NRM_BASES, "0.2",                                                      \
      "dct2: cosines as columns; dct3: as rows; hadamard: length a power of two; random: from the seed; identity: coordinates") \
    P(choice, side, NRM_PROJECT_AUTO, NRM_PROJECTED_SIDES, "0.2",                                           \
      "which side is projected; auto: the shorter one, right where the matrix is square")                   \
    P(i64, ell_norm, 2, 1, 2, "", "0.2", "p of the scores: 2 leaves the least behind, 1 is what DCT-AdamW takes") \
    P(choice, transform, NRM_BASIS_AUTO, NRM_BASIS_TRANSFORMS, "0.2",                                       \
      "how S is made: fft, by products (gemm), or fft from length 64 on (auto)")                            \
    P(flag, compare, false, "0.2", "measure what the best projection of that rank leaves, by the SVD")
NRM_OPTIONS(select_columns, NRM_SELECT_COLUMNS_OPTIONS);

#define NRM_SELECT_COLUMNS_INFO(F)                                                                          \
    F(str, side, "", "the projected side: left or right")                                                   \
    F(i64, length, "", "of that side, and of the basis")                                                    \
    F(i64, rank, "", "columns chosen")                                                                      \
    F(f64, norm, "a", "Frobenius norm of a; infinite beyond the range of f64")                              \
    F(f64, residual, "", "|A - up|_F / |A|_F, measured on the numbers; 0 for a zero matrix")                \
    F(f64, captured, "", "share of |A|_F^2 that the projection holds, |projection|_F^2 / |A|_F^2; 1 for a zero matrix") \
    F(f64, bound, "", "sqrt(1 - rank / length), which residual does not exceed where ell_norm is 2")        \
    F(f64, best, "", "compare: least residual of any projection of that rank; else NaN")                    \
    F(f64, seconds, "s", "wall time")
NRM_INFO(select_columns, NRM_SELECT_COLUMNS_INFO);

/* The size of what follows for a matrix of m x n: rank, and the shape of the projection.
 * NRM_E_NULL, _SHAPE, _RANGE. */
NRM_API NRM_NODISCARD nrm_status nrm_select_columns_size(nrm_ctx *ctx, int64_t m, int64_t n,
                                                         const nrm_select_columns_options *options, int64_t *rank,
                                                         int64_t shape[2]);

/*   a              in   m x n, both at least 1, row stride lda >= n, finite
 *   index          out  rank numbers, ascending, from 0
 *   projection     out  contiguous, shape as nrm_select_columns_size says
 *   approximation  out  m x n, contiguous, may be NULL: up of (1)
 *   scores         out  as many as `length`, may be NULL: the p-norms
 *   info           out  may be NULL       options  in  NULL = nrm_select_columns_options_default()
 * Outputs do not overlap a.  Of equal scores the smaller index is chosen.  f32 takes norms and
 * scores in f64, and sums of products in f32.
 * NRM_OK, or with all outputs as they were: NRM_E_NULL, _SHAPE (also hadamard and a length that is
 * no power of two), _RANGE, _ALIAS, _NONFINITE, _OVERFLOW (also what is asked for and leaves the
 * range of its type), _NOMEM.
 * Some 5 m n log2(length) flops by fft, 2 m n length by gemm; 4 m n rank more for the residual.
 * The bits do not depend on the number of threads. */
NRM_API NRM_NODISCARD nrm_status nrm_select_columns_f64(nrm_ctx *ctx, int64_t m, int64_t n, const double *a, int64_t lda,
                                                        int64_t *index, double *projection, double *approximation,
                                                        double *scores, nrm_select_columns_info *info,
                                                        const nrm_select_columns_options *options);
NRM_API NRM_NODISCARD nrm_status nrm_select_columns_f32(nrm_ctx *ctx, int64_t m, int64_t n, const float *a, int64_t lda,
                                                        int64_t *index, float *projection, float *approximation,
                                                        double *scores, nrm_select_columns_info *info,
                                                        const nrm_select_columns_options *options);

#ifdef __cplusplus
}
#endif
#endif
