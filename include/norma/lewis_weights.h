/* norma/lewis_weights.h -- how much each row of [A b] can matter in the p-norm of [A b] x.
 *
 * a_i are the rows of [A b], k its rank, 1 <= p <= 64.
 *     leverage       tau_i(A) = max over x of (a_i'x)^2 / |A x|_2^2                        (1)
 *     Lewis weights  the one w with w_i = tau_i(W^(1/2 - 1/p) A); sum w = k; p = 2: tau    (2)
 *     sensitivity    s_i = max over x of |a_i'x|^p / |A x|_p^p                             (3)
 *     bracket        p <= 2: w_i k^(p/2 - 1) <= s_i <= w_i
 *                    p >= 2: w_i <= s_i <= min(1, w_i k^(p/2 - 1))                         (4)
 * None changes with A <- A R, R invertible, or with the signs of rows. */
#ifndef NORMA_LEWIS_WEIGHTS_H
#define NORMA_LEWIS_WEIGHTS_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_SENSITIVITY_MEASURES(C)                     \
    C(NRM_SENSITIVITY_AUTO, "auto")                     \
    C(NRM_SENSITIVITY_EXACT, "exact")                   \
    C(NRM_SENSITIVITY_SAMPLE, "sample")
NRM_CHOICES(nrm_sensitivity_measure, NRM_SENSITIVITY_MEASURES);

#define NRM_LEWIS_WEIGHTS_OPTIONS(P)                                                                            \
    P(f64, p, 1.0, 1.0, 64.0, "", "0.2", "of the norm; 2 gives leverage scores")                                \
    P(f64, tol, 1e-10, 0.0, 1.0, "", "0.2", "stop when no weight is further from (2) than this, as a logarithm") \
    P(i64, max_iter, 500, 1, 1000000, "rounds", "0.2", "most rounds, each reading the rows once")               \
    P(choice, measure, NRM_SENSITIVITY_AUTO, NRM_SENSITIVITY_MEASURES, "0.2",                                   \
      "what sensitivities are measured on: all rows (exact), a sample by Lewis weights, or all up to 2000 (auto)") \
    P(i64, sample, 0, 0, INT64_C(1) << 53, "rows", "0.2",                                                       \
      "expected size of the sample; 0: 8 k^max(1, p/2) ln(k + 1), at least 20 k")                               \
    P(i64, draws, 0, 0, 10000000, "rows", "0.2",                                                                  \
      "estimate the total sensitivity from so many rows drawn by weight; 0: not")
NRM_OPTIONS(lewis_weights, NRM_LEWIS_WEIGHTS_OPTIONS);

#define NRM_LEWIS_WEIGHTS_INFO(F)                                                                               \
    F(i64, rows, "rows", "rows read")                                                                           \
    F(i64, columns, "", "of a and b together")                                                                  \
    F(i64, rank, "", "k, of a and b side by side")                                                              \
    F(i64, iterations, "rounds", "rounds after the first")                                                      \
    F(f64, error, "", "max |ln(tau_i / w_i)| of (2), measured on the weights handed out")                       \
    F(f64, sum, "", "of the weights; k but for error")                                                          \
    F(i64, measured, "rows", "rows that sensitivities were measured on; 0: none asked for")                     \
    F(i64, open, "rows", "sensitivities whose enclosure stayed wider than asked for")                           \
    F(f64, total, "", "of all sensitivities, or estimated from draws; NaN where neither was asked for")         \
    F(f64, total_error, "", "standard error of the estimate from draws; else 0")                                \
    F(f64, seconds, "s", "wall time")
NRM_INFO(lewis_weights, NRM_LEWIS_WEIGHTS_INFO);

/*   a            in   the rows, n x d, finite; read from the first one on, several times
 *   b            in   more columns, n x q, NULL: none
 *   n            in   rows of a and b
 *   weights      out  n: w of (2)
 *   sensitivity  out  n, may be NULL: s of (3), measured as the options say
 *   lower, upper out  n each, either may be NULL: lower <= s_i <= upper, certain up to rounding.  By (4),
 *                     widened by what w lacks; where all rows are measured, by the primal and the
 *                     dual value of the regression 1 / s_i = min { |A x|_p^p : a_i'x = 1 }
 *   info         out  may be NULL       options  in  NULL = nrm_lewis_weights_options_default()
 * Rows of zeros have 0.  NRM_OK; NRM_NOT_CONVERGED (max_iter rounds, or info's `open` > 0: what is
 * handed out holds, and info says how well); else all outputs as they were: NRM_E_NULL, _RANGE, _SHAPE
 * (no row, no column, not n rows, a and b of different length), _SINGULAR (draws, and all rows zero),
 * _NONFINITE (naming row and column), _UNSUPPORTED (rows that cannot be read again), _OVERFLOW, _NOMEM,
 * _CANCELLED and what the streams fail with.
 * Cost: a round takes 2 n k^2 flops; a sensitivity one to six weighted Gram matrices of the measured
 * rows, for p = 1 some 3 k products with a vector.  Memory: 4 n numbers, 3 n more with
 * sensitivities, and the measured rows several times.
 * Ranks of the context's communicator share the rows, and all get every number. */
NRM_API NRM_NODISCARD nrm_status nrm_lewis_weights_rows(nrm_ctx *ctx, nrm_rows *a, nrm_rows *b, int64_t n, double *weights,
                                                        double *sensitivity, double *lower, double *upper,
                                                        nrm_lewis_weights_info *info, const nrm_lewis_weights_options *options);

#ifdef __cplusplus
}
#endif
#endif
