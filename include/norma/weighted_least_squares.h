/* norma/weighted_least_squares.h -- the weighted least-squares fit of measured values in a space
 * V = span(phi_1 .. phi_m) that is orthonormal in L2(mu).
 *
 *     fit = argmin over v in V of (1/n) sum_i w_i (y_i - v(x_i))^2,   w(x) = m / k(x),   k = |phi|^2   (1)
 *     G = (1/n) sum_i w_i phi(x_i) phi(x_i)'                                                           (2)
 *
 * with e^2 = |f - Pf|^2 in L2(mu), Pf the best fit there is:
 *     |f - fit|^2 <= e^2 + |f - Pf|_n^2 / lambda_min(G)                for these very points           (3)
 *     |f - fit| <= (1 + sqrt(mean weight / lambda_min)) min over v of sup |f - v|                      (4)
 * and where a point has the density k/m, E |f - Pf|_n^2 = e^2.  The points come from volume-sampling,
 * or from anywhere: lambda_min tells whether they serve.
 *
 * A. Nouy, B. Michel, arXiv 2312.14057. */
#ifndef NORMA_WEIGHTED_LEAST_SQUARES_H
#define NORMA_WEIGHTED_LEAST_SQUARES_H

#include <norma/space.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_WEIGHTED_LEAST_SQUARES_OPTIONS(P)                                                                \
    NRM_SPACE_OPTIONS(P)                                                                                     \
    P(f64, delta, 0.5, NRM_POSITIVE, 1.0 - DBL_EPSILON, "", "0.2", "what is stable: lambda_min >= 1 - delta") \
    P(flag, one_pass, false, "0.2",                                                                          \
      "read the points once, as they come: no leave-one-out error, nothing for single points")
NRM_OPTIONS(weighted_least_squares, NRM_WEIGHTED_LEAST_SQUARES_OPTIONS);

#define NRM_WEIGHTED_LEAST_SQUARES_INFO(F)                                                                   \
    F(i64, m, "", "functions of the space")                                                                  \
    F(i64, points, "", "n")                                                                                  \
    F(i64, dimension, "", "numbers of a point")                                                              \
    F(f64, lambda_min, "", "least eigenvalue of G: |f - fit|^2 is at most e^2 + |f - Pf|_n^2 / lambda_min")  \
    F(f64, lambda_max, "", "largest eigenvalue of G")                                                        \
    F(flag, stable, "", "lambda_min >= 1 - delta")                                                           \
    F(f64, residual, "y", "root of the mean of weight times residual^2")                                     \
    F(f64, leave_one_out, "y",                                                                               \
      "root of the mean of weight times (value - prediction by the fit without that point)^2; infinite where a point alone decides on a function; NaN with one_pass") \
    F(f64, noise_variance, "y^2", "residual^2 n / (n - m), for values with independent noise; NaN for n = m") \
    F(f64, mean_weight, "", "mean of the weights, 1 on average for points of the density k/m")               \
    F(f64, uniform_factor, "", "1 + sqrt(mean_weight / lambda_min): the L2 error is at most that times the least uniform error in V") \
    F(f64, iid_probability, "", "n independent points of the density k/m are stable with at least this probability (Chernoff)") \
    F(f64, expected_factor, "", "1 + 1 / ((1 - delta) iid_probability): E |f - fit|^2 of stable such points is at most that times e^2") \
    F(i64, passes, "", "times the points were read")                                                         \
    F(f64, seconds, "s", "wall time")
NRM_INFO(weighted_least_squares, NRM_WEIGHTED_LEAST_SQUARES_INFO);

/* What is fitted; streams of as many rows, read from their beginning.
 *   x         points of d numbers; NULL: the rows of the features in their order
 *   weights   one number > 0 each; NULL: m / k(x)
 *   y         q >= 1 values each, finite
 *   x_new     new_count x d, contiguous: where to predict; NULL for none */
typedef struct nrm_weighted_least_squares_input {
    nrm_rows *x, *weights, *y;
    const nrm_space_input *space; /* NULL: nothing */
    int64_t new_count;
    const double *x_new;
} nrm_weighted_least_squares_input;

enum { /* what is wanted beside the coefficients */
    NRM_LEAST_SQUARES_FITTED = 1,     /* n x q each; not with one_pass */
    NRM_LEAST_SQUARES_RESIDUALS = 2,
    NRM_LEAST_SQUARES_LEVERAGE = 4,   /* n */
    NRM_LEAST_SQUARES_GRAM = 8,
    NRM_LEAST_SQUARES_INDICES = 16,   /* not for features */
    NRM_LEAST_SQUARES_PREDICTIONS = 32,
    NRM_LEAST_SQUARES_GRADIENT = 64   /* not for features */
};

/* Memory of the context the call was made with: nrm_weighted_least_squares_release.  NULL: not wanted. */
typedef struct nrm_weighted_least_squares_result {
    int64_t m, dimension, n, q, new_count;
    double *coefficients; /* m x q: of phi, in the order of the indices; of the features as given */
    double *fitted, *residuals; /* n x q: fit(x_i), y_i - fit(x_i) */
    double *leverage;     /* n: (w_i / n) phi(x_i)' G^-1 phi(x_i) */
    double *gram;         /* m x m: G, of the orthonormal functions */
    int64_t *indices;     /* m x dimension */
    double *predictions;  /* new_count x q: fit(x_new) */
    double *gradient;     /* new_count x q x dimension: its derivatives */
} nrm_weighted_least_squares_result;

/* Fit.
 *   result   out  any content; written only on success
 *   want     in   NRM_LEAST_SQUARES_ bits
 *   info     out  may be NULL        options  in  NULL = nrm_weighted_least_squares_options_default()
 * NRM_OK, or with all outputs as they were: NRM_E_NULL, _ARGUMENT, _SHAPE (fewer points than functions,
 * lengths that differ), _RANGE (a point outside of the domain, a weight <= 0 or infinite, each with its
 * row), _NONFINITE (row and column named), _SINGULAR (points that leave a function undecided, features
 * that depend on each other), _UNSUPPORTED (rows that cannot be read again, without one_pass),
 * _OVERFLOW, _NOMEM, _CANCELLED.
 * By QR of diag(sqrt(w)) phi, some 2 n m^2 flops a pass.  Memory: some 40 (m + q)^2 numbers and what is
 * wanted, whatever n.  The bits do not depend on the number of threads.  Among ranks (norma/comm.h) each
 * has the same rows and gets the same answer. */
NRM_API NRM_NODISCARD nrm_status nrm_weighted_least_squares(nrm_ctx *ctx, const nrm_weighted_least_squares_input *input,
                                                            unsigned want, nrm_weighted_least_squares_result *result,
                                                            nrm_weighted_least_squares_info *info,
                                                            const nrm_weighted_least_squares_options *options);
NRM_API void nrm_weighted_least_squares_release(nrm_ctx *ctx, nrm_weighted_least_squares_result *result); /* becomes {0} */

#ifdef __cplusplus
}
#endif
#endif
