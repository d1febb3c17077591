/* norma/lp_regression.h -- the x whose residual has the least p-norm, for a few rows and for many.
 *
 *     least over x of  F(x) = sum_i w_i |a_i'x - b_i|^p,     p >= 1,  w_i > 0 (1 unless given)     (1)
 *
 * p = 1: least absolute deviations; p = 2: least squares; the larger p, the nearer to the least
 * largest residual.  |r|_p stands for (sum_i w_i |r_i|^p)^(1/p).
 *
 * The proof.  Every y with A'y = 0 and (sum_i (|y_i| w_i^(-1/p))^q)^(1/q) <= 1, 1/p + 1/q = 1
 * (p = 1: |y_i| <= w_i), gives for every x
 *     b'y <= |A x - b|_p.                                                                           (2)
 * `lower` is such a b'y, found with x.
 *
 * Rows that fit in memory are solved as they are (direct).  Of others a coreset is drawn
 * (norma/lp_coreset.h) of [A b] and solved, and x is measured on all rows (Woodruff & Yasuda, ICML
 * 2023).  Rounds of Newton's method on all rows (refine) then take x from there; each gives a y:
 * with g and h the first and second derivatives of the loss in the residuals,
 *     A'diag(h) A dx = -A'g,   y ~ -(g + diag(h) A dx),                                              (3)
 * so that A'y = 0, and (2) falls short of |r|_p by the square of what x lacks. */
#ifndef NORMA_LP_REGRESSION_H
#define NORMA_LP_REGRESSION_H

#include <norma/lp_coreset.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_LP_REGRESSION_METHODS(C)                \
    C(NRM_LP_REGRESSION_AUTO, "auto")               \
    C(NRM_LP_REGRESSION_DIRECT, "direct")           \
    C(NRM_LP_REGRESSION_CORESET, "coreset")
NRM_CHOICES(nrm_lp_regression_way, NRM_LP_REGRESSION_METHODS);

#define NRM_LP_REGRESSION_OPTIONS(P)                                                                         \
    P(f64, p, 1, 1, DBL_MAX, "", "0.2", "the norm; beyond 64, 64 stands for the largest residual")           \
    P(choice, method, NRM_LP_REGRESSION_AUTO, NRM_LP_REGRESSION_METHODS, "0.2",                              \
      "direct: all rows in memory; coreset: a sample of them, measured on all; auto: direct up to 2^24 numbers") \
    P(i64, rows, 0, 0, INT64_MAX, "", "0.2",                                                                 \
      "coreset: rows to draw on average, at least two more than there are columns; 0: by eps and delta")     \
    P(f64, eps, 0.25, NRM_POSITIVE, 1, "", "0.2", "coreset: relative error of the loss that rows = 0 is made for") \
    P(f64, delta, 0.05, NRM_POSITIVE, 0.5, "", "0.2", "coreset: probability of failing that rows = 0 is made for") \
    P(choice, scheme, NRM_LP_CORESET_AUTO, NRM_LP_CORESET_SCHEMES, "0.2", "coreset: what rows are drawn by, as in lp-coreset") \
    P(i64, refine, 1, 0, 1000, "", "0.2",                                                                    \
      "coreset: rounds of Newton's method on all rows afterwards, of 2 readings, p < 1.5 up to 5; the bound needs one")   \
    P(f64, tol, 1e-10, NRM_POSITIVE, 0.5, "", "0.2", "gap at which to stop")                                 \
    P(i64, max_iter, 500, 1, 1000000, "", "0.2", "most linear systems to solve for rows in memory")
NRM_OPTIONS(lp_regression, NRM_LP_REGRESSION_OPTIONS);

#define NRM_LP_REGRESSION_INFO(F)                                                                            \
    F(str, method, "", "direct or coreset")                                                                  \
    F(f64, p, "", "the norm used")                                                                           \
    F(f64, objective, "b^p", "sum of w |r|^p over all rows; infinite beyond the range of f64")               \
    F(f64, norm, "b", "its p-th root, the norm of the residual, measured on all rows")                       \
    F(f64, lower, "b", "proved: no x has a smaller norm; NaN where no bound was sought (refine 0)")          \
    F(f64, gap, "", "(norm - lower) / norm; 0 for an exact fit")                                             \
    F(f64, excess, "", "proved: the objective is above its least value by at most this share of that")      \
    F(f64, start_norm, "b", "coreset: norm on all rows before any refinement; direct: norm")                 \
    F(f64, coreset_norm, "b", "coreset: norm on the coreset of its own solution; else NaN")                  \
    F(i64, rows_read, "", "rows of a")                                                                       \
    F(i64, columns, "", "of a")                                                                              \
    F(i64, rank, "", "of a, or of its coreset")                                                              \
    F(i64, coreset_rows, "", "rows drawn; 0 for direct")                                                     \
    F(i64, iterations, "", "linear systems solved, in memory and on all rows")                               \
    F(i64, passes, "", "times the rows were read")                                                           \
    F(f64, seconds, "s", "wall time")
NRM_INFO(lp_regression, NRM_LP_REGRESSION_INFO);

/* What is fitted.
 *   a        rows of d >= 1 numbers, at least d of them, finite; read from their beginning
 *   b        as many rows of one number
 *   weights  w: `length` numbers > 0, the number of rows, or NULL */
typedef struct nrm_lp_regression_input {
    nrm_rows *a, *b;
    const double *weights;
    int64_t length;
} nrm_lp_regression_input;

enum { /* what is wanted beside x; each takes memory for all rows */
    NRM_LP_REGRESSION_RESIDUAL = 1,
    NRM_LP_REGRESSION_DUAL = 2
};

/* Memory of the context the call was made with: nrm_lp_regression_release.  NULL: not wanted. */
typedef struct nrm_lp_regression_result {
    int64_t d, n;
    double *x;        /* d */
    double *residual; /* n: A x - b */
    double *dual;     /* n: y of (2) with b'y = lower; zeros for an exact fit */
} nrm_lp_regression_result;

/* x for in's rows.
 *   result   out  any content; written only where the status is not negative
 *   want     in   NRM_LP_REGRESSION_ bits
 *   info     out  may be NULL        options  in  NULL = nrm_lp_regression_options_default()
 * Where columns are zero or depend on others (a warning names them) x is the shortest of those
 * with its residual; after a refinement, with no more than that promise for the coreset.  p = 1,
 * direct: a vertex, rank residuals being 0.  NRM_OK; NRM_NOT_CONVERGED (direct: the gap is above
 * tol); or, with outputs as they were: NRM_E_NULL, _SHAPE (fewer rows than columns, b not of one
 * column, lengths that differ), _RANGE (p < 1, a weight that is not > 0, rows below d + 2),
 * _ARGUMENT (the dual of a coreset without refinement), _NONFINITE (row and column named),
 * _SINGULAR (coreset: all rows are 0), _UNSUPPORTED (coreset: rows that cannot be read again),
 * _OVERFLOW, _NOMEM, _CANCELLED.
 * direct: some ten to forty systems of n d^2 flops, n (2 d + 15) numbers of memory; coreset: that
 * for its rows, and passes; the memory does not depend on n but for a number or two a row.
 * Bits do not depend on the threads.  Among ranks (norma/comm.h) each has the same rows and gets
 * the same answer. */
NRM_API NRM_NODISCARD nrm_status nrm_lp_regression(nrm_ctx *ctx, const nrm_lp_regression_input *in, unsigned want,
                                                   nrm_lp_regression_result *result, nrm_lp_regression_info *info,
                                                   const nrm_lp_regression_options *options);
NRM_API void nrm_lp_regression_release(nrm_ctx *ctx, nrm_lp_regression_result *result); /* becomes {0}; NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
