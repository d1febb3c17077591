/* tensor_sketch.h -- sketches of A = A_1 (x) ... (x) A_k, which is never formed.  Private.
 *
 *     srht   S = (1/sqrt(m)) P (H D_1 (x) ... (x) H D_k)       each A_j padded to a power of two
 *     srct   S = (1/sqrt(m)) P (C_1 D_1 (x) ... (x) C_k D_k)
 *
 * with rows (x (x) y)_(i n_2 + j) = x_i y_j, P of m rows drawn uniformly and independently (with
 * replacement), D_j signs and C_j circulants of their own.  Row t of S A is 1/sqrt(m) times the
 * Kronecker product of row i_tj of H D_j A_j over j.  S is a function of the plan alone: use the
 * same plan for A and for b. */
#ifndef NRM_TENSOR_SKETCH_H
#define NRM_TENSOR_SKETCH_H

#include "sketch.h"

enum { NRM_TENSOR_FACTORS = 8 }; /* at most */

typedef struct nrm_tensor_plan {
    nrm_sketch_kind kind; /* NRM_SKETCH_SRHT, NRM_SKETCH_SRCT */
    uint64_t seed, stream;
    int64_t m;
    int factors;                   /* k, 1 .. NRM_TENSOR_FACTORS */
    int64_t n[NRM_TENSOR_FACTORS]; /* rows of A_j */
} nrm_tensor_plan;

typedef struct nrm_tensor_factor {
    int64_t d; /* columns */
    const double *a; /* n[j] x d, row stride lda */
    int64_t lda;
} nrm_tensor_factor;

/* sa (m x d_1 ... d_k, stride ldsa) = S (A_1 (x) ... (x) A_k); a Kronecker b is one of d_j = 1.
 * O(sum_j n_j log n_j d_j + m prod_j d_j).  NRM_E_ARGUMENT: kind; _RANGE: m, k; _SHAPE, _NULL,
 * _NONFINITE (names the factor), _OVERFLOW: prod n_j or prod d_j, _ALIAS, _NOMEM, _CANCELLED.  sa is
 * written at the very end only. */
nrm_status nrm_tensor_sketch(nrm_ctx *ctx, const char *who, const nrm_tensor_plan *plan, const nrm_tensor_factor *factor,
                             double *sa, int64_t ldsa);
/* sb (m x q, stride ldsb) = S b for any b of n_1 ... n_k rows (q columns, stride ldb): k transforms
 * of it, O(q n log n), and twice its padded size in memory. */
nrm_status nrm_tensor_sketch_array(nrm_ctx *ctx, const char *who, const nrm_tensor_plan *plan, int64_t q, const double *b,
                                   int64_t ldb, double *sb, int64_t ldsb);

#endif
