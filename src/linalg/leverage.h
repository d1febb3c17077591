/* leverage.h -- leverage scores and l_p Lewis weights of the rows of [A b].  Private.
 *
 *     leverage   tau_i = a_i' (A'A)^+ a_i = max over x of (a_i'x)^2 / |Ax|_2^2
 *     Lewis      the one w > 0 with w_i = tau_i(W^(1/2 - 1/p) A); for p = 2 the leverage
 *
 * Both sum to the rank; rows of zeros have 0.  They do not change with A <- A R, R invertible.
 * For the sensitivity s_i = max over x of |a_i'x|^p / |Ax|_p^p they give the bracket
 *     p <= 2:   w_i k^(p/2 - 1) <= s_i <= w_i            k the rank
 *     p >= 2:   w_i <= s_i <= min(1, w_i k^(p/2 - 1)),
 * which nrm_lewis_bracket widens by what the weights lack of being exact.
 *
 * Rows are read in chunks and shared by the ranks; every rank gets all n numbers.  Bits do not
 * depend on the threads; other numbers of ranks agree to rounding. */
#ifndef NRM_LEVERAGE_H
#define NRM_LEVERAGE_H

#include "data/row_pass.h"

enum { NRM_LEWIS_P_MOST = 64 };

/* tau of n rows; b NULL: of A alone.  *rank, which may be NULL, is that of [A b], decided at
 * max(n, d) eps of its columns brought to length 1.  Error of tau: some eps cond(A), cond with
 * columns of length 1.  Passes over the rows: 2 of n d^2 flops each, or 4 where columns are near to
 * dependent.
 * NRM_E_SHAPE: not n rows, no row or no column; _NONFINITE, _UNSUPPORTED (a stream that cannot be
 * read again), _OVERFLOW, _NOMEM, _CANCELLED.  A failure leaves tau and rank as they were. */
nrm_status nrm_leverage_scores(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, double *tau, int64_t *rank);

typedef struct nrm_lewis_report {
    int64_t iterations, rank;
    double error; /* max |ln(tau_i(W^(1/2 - 1/p) A) / w_i)|, measured on the w handed out; 0 for p = 2 */
    double sum;   /* of w; the rank but for `error` */
} nrm_lewis_report;

/* w of n rows, 1 <= p <= NRM_LEWIS_P_MOST, by rounds of one pass each, 2 n d^2 flops (3 where cond(A) is
 * above 1e4), a logarithm and an exponential a row: until error <= tol (NRM_OK), for max_iter >= 1
 * rounds after the first, or until it falls no more (NRM_NOT_CONVERGED: w and the report are good
 * for what the error says).  An error of 1e-10 takes 18 rounds for p = 1, 20 for p = 4, some 100
 * to 200 for p = 64.  report may be NULL.  Memory: 2 n numbers.  Statuses as above, and
 * NRM_E_RANGE (p, tol, max_iter). */
nrm_status nrm_lewis_weights(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, double p, double tol,
                             int64_t max_iter, double *w, nrm_lewis_report *report);

/* The bracket of the sensitivities, for w of any error; lower, upper: n numbers, either may be
 * NULL.  lower may be w. */
void nrm_lewis_bracket(int64_t n, double p, const double *w, const nrm_lewis_report *report, double *lower, double *upper);

#endif
