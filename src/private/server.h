/* server.h -- the sums of a server, and the answer made from them.  Private. */
#ifndef NRM_PRIVATE_SERVER_H
#define NRM_PRIVATE_SERVER_H

#include "protocol.h"

struct nrm_private_server {
    nrm_private_plan plan;
    int64_t round, messages, total, averaged; /* messages: of this round; averaged: rounds in `average` */
    uint64_t hash;                            /* of a message of this round */
    double threshold;                         /* iht, soft: of the last round */
    nrm_i128 *sums;                           /* of the numbers, in units of their grid or of 2^-44 */
    double *theta, *average;                  /* iht: d each; average is a sum of thetas */
    int64_t *units;                           /* d of work, and 3 (d + 1) doubles */
    double *work;
};

/* A server without messages; the plan is copied. */
nrm_status nrm_private_server_make(nrm_ctx *ctx, nrm_private_server **made, const nrm_private_plan *plan);
/* Means of the messages as numbers: covariance (d x d, symmetric; not touched where none is sent)
 * and moment (d). */
void nrm_private_means(const nrm_private_server *server, double *covariance, double *moment);
/* C, u to raw = C^-1 u, theta = its soft threshold, and what info says of them.  covariance is
 * d x d and is overwritten; NULL for I.  `noisy`: its eigenvalues may have to be raised. */
nrm_status nrm_private_solve(nrm_ctx *ctx, const nrm_private_plan *plan, int64_t messages, double *covariance, bool noisy,
                             const double *moment, double *theta, double *raw, nrm_private_sparse_regression_info *info);
/* Mean of x x' over public rows (shared by the ranks), d x d.  NRM_E_SINGULAR names the column. */
nrm_status nrm_private_public_covariance(nrm_ctx *ctx, const nrm_private_plan *plan, nrm_rows *x, double *covariance);
/* Sums and messages of all ranks, on each. */
nrm_status nrm_private_server_share(nrm_ctx *ctx, nrm_private_server *server);

#endif
