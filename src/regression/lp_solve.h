/* lp_solve.h -- min over x of sum_i w_i |a_i'x - b_i|^p for rows in memory, 1 <= p <= 64, with a
 * bound below that proves how good the answer is.  Private. */
#ifndef NRM_LP_SOLVE_H
#define NRM_LP_SOLVE_H

#include "base/base.h"

enum { NRM_LP_P_MOST = 64 };

typedef struct nrm_lp_problem {
    int64_t n, d;         /* n >= d >= 1 */
    const double *a;      /* n x d, row stride lda, finite */
    int64_t lda;
    const double *b;      /* n, finite */
    const double *weight; /* n, > 0 and finite; NULL: ones */
    double p, tol;        /* tol of (norm - norm_lower) / norm; 0: 1e-10 */
    int64_t max_iter;     /* linear systems solved; 0: 500 */
    int threads;          /* 0: those of ctx.  1 for callers that are parallel themselves (ctx NULL) */
} nrm_lp_problem;

typedef struct nrm_lp_answer {
    double objective, lower;  /* sum w |r|^p and a bound below its least value; may overflow to inf */
    double norm, norm_lower;  /* their p-th roots, which cannot */
    int64_t iterations, rank; /* rank of a */
    bool converged;           /* the gap is at most tol, or what rounding alone makes of r */
} nrm_lp_answer;

/* x (d): out, and where `warm` the point to begin from.  Where the rank is below d: of all best
 * points with the chosen a x the one of least 2-norm.  p = 1: a vertex (rank residuals are 0),
 * optimal where converged.  b in the range of a: an exact fit, lower 0.
 *     dual (n, may be NULL): y with a'y = 0, (sum_i (|y_i| / w_i^(1/p))^q)^(1/q) <= 1 where
 *     1/p + 1/q = 1 (p = 1: |y_i| <= w_i), and b'y = norm_lower
 * which is the proof: b'y = -r'y <= norm for every x.  Zeros where norm_lower is 0.
 * Some ten to forty weighted Gram matrices of n d^2 flops, n (d + 12) doubles of memory.  Bits do
 * not depend on the threads.  dependent (d, may be NULL): true for a column that is zero or that
 * others make up; as many as d - rank.
 * NRM_OK, _NOT_CONVERGED (max_iter, or rounding leaves a larger gap); NRM_E_NULL, _SHAPE, _RANGE
 * (p, tol, weight), _NONFINITE, _OVERFLOW, _NOMEM, _CANCELLED: outputs as they were. */
nrm_status nrm_lp_solve(nrm_ctx *ctx, const char *who, const nrm_lp_problem *problem, double *x, bool warm,
                        nrm_lp_answer *answer, double *dual, bool *dependent);

#endif
