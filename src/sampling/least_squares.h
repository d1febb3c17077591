/* least_squares.h -- a weighted least-squares fit under way.  Private to weighted_least_squares*.c. */
#ifndef NRM_LEAST_SQUARES_H
#define NRM_LEAST_SQUARES_H

#include "data/row_pass.h"
#include "space.h"
#include <norma/comm.h>
#include <norma/weighted_least_squares.h>

#define NRM_LEAST_SQUARES_WHO "weighted-least-squares"

/* psi_i = sqrt(w_i) phi(x_i); R of the rows (psi_i, sqrt(w_i) y_i) holds the whole fit:
 *     R = [R11 R12; 0 R22],   coefficients R11^-1 R12,   G = R11'R11 / n,   residual |R22|. */
typedef struct nrm_fit {
    nrm_ctx *ctx;
    const nrm_weighted_least_squares_input *in;
    const nrm_space *space;
    int64_t m, d, q, n, unit; /* unit: rows of a chunk */
    double *r;                /* (m + q) x (m + q), upper */
    double *own;              /* m x q: coefficients of the orthonormal functions */
    /* Of a chunk. */
    double *psi, *x, *weight, *root, *value; /* unit x m; unit x 1: row numbers; unit; sqrt(weight); sqrt(weight) y */
    double weight_sum;
} nrm_fit;

/* One pass over all points; fn has the arrays of each chunk filled in.  Every rank comes here. */
typedef nrm_status (*nrm_fit_fn)(nrm_fit *f, const nrm_row_chunk *chunk, void *user);
nrm_status nrm_fit_pass(nrm_fit *f, const char *task, nrm_fit_fn fn, void *user, int64_t *rows);

/* least_squares_points.c.  The second pass: what is wanted of fitted, residuals and leverage, and the
 * leave-one-out error.  Every rank comes here, with the status so far. */
nrm_status nrm_fit_points(nrm_fit *f, nrm_status before, unsigned want, nrm_weighted_least_squares_result *made, double *leave_one_out);
/* Predictions and gradient at in->x_new, as wanted. */
nrm_status nrm_fit_predict(nrm_fit *f, unsigned want, nrm_weighted_least_squares_result *made);

#endif
