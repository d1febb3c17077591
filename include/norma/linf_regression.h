/* norma/linf_regression.h -- least squares from a small random compression of the rows, with
 * every coordinate of the solution close to the exact one.
 *
 *     x* = argmin |A x - b|,   x' = argmin |S A x - S b|,   A n x d, S m x n random, d <= m << n.
 *
 * Song, Ye, Yin and Zhang, "A Nearly-Optimal Bound for Fast Regression with l_inf Guarantee",
 * ICML 2023, and its correction by Song and Zhang of 2026, ask for
 *     |x' - x*|_inf <= (eps / sqrt(d)) |A x* - b| |A^+|                                       (1)
 * with probability 1 - delta, which a dense S gives and a sparse one does not.  For a Gaussian S,
 * given S A, x' - x* is exactly normal, with covariance (|r|^2 / m) ((S A)'S A)^-1, independent of
 * |S A x' - S b|^2, which is |r|^2 / m times chi-squared of m - d degrees.  So
 *     se_j^2 = |S A x' - S b|^2 / (m - d)  [((S A)'S A)^-1]_jj,                               (2)
 *     |x'_j - x*_j| <= t se_j,  t the quantile of Student's distribution of m - d degrees,    (3)
 * and (1) holds for m = d + 1 + ceil(2 d ln(2 d / delta) / eps^2), the rule `sharp`.
 *
 * A and b are read once, and once more for every step of refinement; memory is that of the
 * compression, whatever n. */
#ifndef NORMA_LINF_REGRESSION_H
#define NORMA_LINF_REGRESSION_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_LINF_SKETCHES(C)                   \
    C(NRM_LINF_GAUSSIAN, "gaussian")           \
    C(NRM_LINF_SRHT, "srht")                   \
    C(NRM_LINF_SRCT, "srct")                   \
    C(NRM_LINF_BGP, "bgp")                     \
    C(NRM_LINF_COUNTSKETCH, "countsketch")     \
    C(NRM_LINF_OSNAP, "osnap")                 \
    C(NRM_LINF_USER, "user")                   \
    C(NRM_LINF_TENSOR_SRHT, "tensor-srht")     \
    C(NRM_LINF_TENSOR_SRCT, "tensor-srct")
NRM_CHOICES(nrm_linf_sketch, NRM_LINF_SKETCHES);

#define NRM_LINF_RULES(C)                \
    C(NRM_LINF_SHARP, "sharp")           \
    C(NRM_LINF_CORRECTED, "corrected")   \
    C(NRM_LINF_PAPER, "paper")
NRM_CHOICES(nrm_linf_rule, NRM_LINF_RULES);

#define NRM_LINF_REGRESSION_OPTIONS(P)                                                                       \
    P(choice, sketch, NRM_LINF_SRHT, NRM_LINF_SKETCHES, "0.2",                                               \
      "S: dense (gaussian, srht, srct, bgp), sparse (countsketch, osnap), given (user), or of Kronecker factors") \
    P(i64, rows, 0, 0, INT32_MAX, "rows", "0.2", "of the compression, m; 0: by the rule")                    \
    P(choice, rule, NRM_LINF_SHARP, NRM_LINF_RULES, "0.2",                                                   \
      "m from eps and delta: sharp d + 1 + 2 d ln(2 d/delta)/eps^2, corrected C d ln(8 d/delta)/eps^2, "     \
      "paper C d ln(n/delta)^3/eps^2")                                                                       \
    P(f64, eps, 0.5, NRM_POSITIVE, 1.0, "", "0.2", "of the bound, where the rule sets m")                    \
    P(f64, delta, 0.01, NRM_POSITIVE, 0.5, "", "0.2", "probability that the bound fails, below 1/2")         \
    P(f64, constant, 1.0, NRM_POSITIVE, 1e12, "", "0.2", "C of the rules corrected and paper, which leave it open") \
    P(flag, replace, false, "0.2", "srht, srct: draw the rows with replacement, as the paper does")          \
    P(i64, nonzeros, 0, 0, INT32_MAX, "", "0.2", "osnap: entries in a column of S; 0: 8, or m where that is less") \
    P(flag, strict, false, "0.2", "bgp: pad with zeros as far as the theorem asks, some d^2 times m")        \
    P(i64, repetitions, 1, 1, 1000, "", "0.2", "independent compressions, made in one pass; x is the median of each coordinate") \
    P(flag, equilibrate, false, "0.2", "bound each coordinate with columns brought to a length of 1 to 2")   \
    P(i64, refine, 0, 0, 1000000, "steps", "0.2",                                                            \
      "most steps towards the exact solution, each one more pass over a and b")                              \
    P(f64, tolerance, 1e-12, 0.0, 1.0, "", "0.2", "refine: stop at |A'r| <= tolerance |A| |r|, or where only rounding is left") \
    P(f64, confidence, 0.95, NRM_POSITIVE, 1 - 1e-12, "", "0.2", "of the error bars of one right-hand side, together") \
    P(i64, total_rows, 0, 0, INT64_C(1) << 53, "rows", "0.2",                                                \
      "n, where the input cannot tell and it is known; 0: as the input says, or counted")                    \
    P(i64, columns, 0, 0, INT64_C(1) << 31, "", "0.2",                                                       \
      "numbers in a row of a, where the input cannot tell (sparse rows from a pipe); 0: as the input says")
NRM_OPTIONS(linf_regression, NRM_LINF_REGRESSION_OPTIONS);

#define NRM_LINF_REGRESSION_INFO(F)                                                                          \
    F(str, sketch, "", "S: as asked, or none where the solution is the exact one")                           \
    F(str, guarantee, "", "of the bound: exact (no compression), law (gaussian), theorem (bgp, constant left open), " \
      "observed (srht, srct, and of factors), none (sparse), unknown (user)")                                \
    F(i64, total_rows, "rows", "n")                                                                          \
    F(i64, rows, "rows", "m; n where the solution is the exact one")                                         \
    F(flag, exact, "", "m would have reached n: solved without compression")                                 \
    F(i64, retries, "", "compressions thrown away because their rank fell short")                            \
    F(f64, eps, "", "of the bound at this m, by the rule; 0 where exact")                                    \
    F(f64, residual, "b", "|A x* - b|, largest of the right-hand sides: estimated; exact or refined: computed") \
    F(f64, inverse_norm, "1/a", "|A^+|, estimated from the compression; exact: computed")                    \
    F(f64, condition, "", "|A| |A^+|, of the same")                                                          \
    F(f64, bound, "x", "(eps / sqrt(d)) |r| |A^+|: every coordinate's error, with probability 1 - delta")    \
    F(f64, error, "x", "largest error bar: what no coordinate's error exceeds, with probability confidence") \
    F(f64, gradient, "", "refine: |A'r| / (|A| |r|) measured on all rows, largest of the right-hand sides; else NaN") \
    F(i64, steps, "", "of refinement")                                                                       \
    F(i64, passes, "", "over a and b")                                                                       \
    F(f64, seconds, "s", "wall time")
NRM_INFO(linf_regression, NRM_LINF_REGRESSION_INFO);

/* A matrix of rows x columns, both at least 1, row stride >= columns, finite. */
typedef struct nrm_linf_regression_factor {
    const double *values;
    int64_t rows, columns, stride;
} nrm_linf_regression_factor;
enum { NRM_LINF_FACTORS = 3 }; /* at most */

/* What is solved.
 *   a, b  n x d and n x q, d, q >= 1, from the first row on (rewound where they have been read)
 *   s     user: m x n with row stride lds >= n, m >= d
 *   a_factors, b_factors  in place of a: a is the Kronecker product of so many, the last one running
 *         fastest; b is that of b_factors (as many rows) where these are there, else any b.  The tensor
 *         sketches form no a and read b whole; all else makes the rows of a one by one. */
typedef struct nrm_linf_regression_problem {
    size_t size; /* sizeof(nrm_linf_regression_problem) */
    nrm_rows *a, *b;
    const double *s;
    int64_t s_rows, s_columns, lds;
    int factors; /* 0: a is given */
    nrm_linf_regression_factor a_factors[NRM_LINF_FACTORS], b_factors[NRM_LINF_FACTORS];
} nrm_linf_regression_problem;

/* Where the results go.  x must be there, others may be NULL; d x q and contiguous but for sa
 * (m x d) and sb (m x q), which are made by the call (nrm_array_destroy ends them). */
typedef struct nrm_linf_regression_results {
    size_t size; /* sizeof(nrm_linf_regression_results) */
    double *x;
    double *error_bars;      /* half-widths of intervals that hold together for each right-hand side */
    double *standard_errors; /* (2); refined: NaN */
    double *bounds;          /* (1), coordinate by coordinate: alike unless equilibrate */
    nrm_array *sa, *sb;      /* S a, S b of the first compression; exact: the triangular factor of [a b] */
} nrm_linf_regression_results;

/* info may be NULL; options NULL = nrm_linf_regression_options_default().
 * NRM_OK, NRM_NOT_CONVERGED (refine ended above the tolerance), NRM_PARTIAL (stopped on request
 * while refining), or with all results as they were: NRM_E_NULL, _ARGUMENT, _RANGE, _SHAPE (rows
 * that end early, n < d), _NONFINITE (row and column named), _SINGULAR (the column named; after a
 * second compression of 2 m rows), _UNSUPPORTED (a stream that cannot be read again and must be),
 * _OVERFLOW, _NOMEM, _CANCELLED, and what the streams say.
 * Some n (d + q) log2 m additions for srht, 2 n m (d + q) flops for gaussian, then 3 m (d + q)^2;
 * memory 2 m (d + q) numbers and chunks of rows.  The bits do not depend on the number of threads;
 * ranks of the context's communicator (norma/comm.h) share the rows, and the answer is that of one
 * to rounding. */
NRM_API NRM_NODISCARD nrm_status nrm_linf_regression(nrm_ctx *ctx, const nrm_linf_regression_problem *problem,
                                                     const nrm_linf_regression_results *results,
                                                     nrm_linf_regression_info *info,
                                                     const nrm_linf_regression_options *options);

#ifdef __cplusplus
}
#endif
#endif
