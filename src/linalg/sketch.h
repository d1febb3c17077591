/* sketch.h -- random matrices S (m x n) that compress n rows to m: S A.  Private.
 *
 *   gaussian     S_ij independent N(0, 1/m)                     2 m n d operations + m n normals
 *   srht         S = (1/sqrt(m)) P H_N D: random signs D, A padded with zero rows to the next
 *                power of two N, Walsh-Hadamard H_N, m of its rows without replacement
 *                (m <= N)                                       N d log N additions
 *   countsketch  every column of S has one +-1, in a random row                n d additions
 *
 * E[S'S] = I for each.  S is a function of (seed, stream, kind, m, n) alone: not of d, not
 * of the thread count; and S A has the same bits for any thread count. */
#ifndef NRM_SKETCH_H
#define NRM_SKETCH_H

#include "base/base.h"

typedef enum nrm_sketch_kind { NRM_SKETCH_GAUSSIAN, NRM_SKETCH_SRHT, NRM_SKETCH_COUNTSKETCH } nrm_sketch_kind;

/* sa (m x d, stride ldsa) = S a, a being n x d (stride lda), finite; they must not overlap.
 * NRM_E_RANGE if an srht wants more rows than N; NRM_E_SHAPE, _NONFINITE, _ALIAS, _OVERFLOW,
 * _NOMEM, _CANCELLED.  sa is written at the very end only. */
nrm_status nrm_sketch(nrm_ctx *ctx, const char *who, nrm_sketch_kind kind, uint64_t seed, uint64_t stream,
                      int64_t m, int64_t n, int64_t d, const double *a, int64_t lda, double *sa, int64_t ldsa);

#endif
