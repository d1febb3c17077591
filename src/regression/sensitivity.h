/* sensitivity.h -- l_p sensitivities of the rows of [A b].  Private.
 *
 *     s_i = max over x of |a_i'x|^p / |Ax|_p^p = 1 / min { |Ax|_p^p : a_i'x = 1 },   1 <= p <= 64
 *
 * Each is an l_p regression with one unknown fewer: x = x0 + N z, a_i'x0 = 1, N a basis of what is
 * orthogonal to a_i.  Its primal and dual values enclose s_i.  They sum to at most
 * rank^max(1, p/2), and do not change with A <- A R, R invertible. */
#ifndef NRM_SENSITIVITY_H
#define NRM_SENSITIVITY_H

#include "data/row_pass.h"

typedef struct nrm_sensitivity_plan {
    double p;
    /* Rows of a sample by Lewis weights on which |Ax|_p is measured, expected number; 0: as many as
     * it takes for a factor near 1, nrm_sensitivity_rows(); n or more: all rows, s_i as it is. */
    int64_t rows;
    /* 0: s_i of all rows.  Else only of so many rows, drawn with replacement by Lewis weights: the
     * total alone. */
    int64_t draws;
    double tol;       /* of an l_p norm, relative; 0: 1e-10 with all rows, else 1e-3 */
    int64_t max_iter; /* linear systems of each regression; 0: 500 */
} nrm_sensitivity_plan;

typedef struct nrm_sensitivity_report {
    int64_t rank, rows;         /* rows: those |Ax|_p was measured on */
    int64_t solved, open;       /* regressions; those whose enclosure stayed wider than tol */
    int64_t systems;            /* linear systems solved in all */
    double total, total_error;  /* of s; draws > 0: estimated, with its standard error, else error 0 */
} nrm_sensitivity_report;

/* 8 k^max(1, p/2) ln(k + 1) and at least 20 k; beyond all int64_t: INT64_MAX. */
int64_t nrm_sensitivity_rows(double p, int64_t rank);

/* Of n rows: s, the estimate; lower <= s_i <= upper, which is proven: by the regression where all
 * rows are measured (s is lower then), else by Lewis weights, between whose bounds s is held.  Each
 * may be NULL; all NULL for draws.  Rows of zeros have 0.
 * Cost: a regression a row, for p > 1 one (a sample) to six (all rows) weighted Gram matrices of rows x
 * rank, for p = 1 some 2 to 3 rank products with one vector; the rows are shared by the threads and by the
 * ranks.  Memory: the sample, three times more and twice a thread, and 3 n numbers.
 * The sample and the draws come from the seed of ctx and the number of a row.  Bits do not
 * depend on the threads, other than those of ranks agree to rounding.
 * NRM_NOT_CONVERGED: open > 0, the bounds hold; NRM_E_SHAPE (not n rows), _RANGE, _SINGULAR (draws and
 * rows of zeros alone), _NONFINITE, _UNSUPPORTED, _OVERFLOW, _NOMEM, _CANCELLED: outputs as they were. */
nrm_status nrm_lp_sensitivities(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, const nrm_sensitivity_plan *plan,
                                double *s, double *lower, double *upper, nrm_sensitivity_report *report);

#endif
