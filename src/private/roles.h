/* roles.h -- the roles client and server on whole tables, for calls by name.  Private. */
#ifndef NRM_PRIVATE_ROLES_H
#define NRM_PRIVATE_ROLES_H

#include "data/row_pass.h"
#include "server.h"

/* A pass over records, whose NaN and Inf have a meaning. */
nrm_status nrm_private_pass_begin(nrm_ctx *ctx, nrm_rows *x, nrm_rows *y, int64_t unit, const char *task, nrm_row_pass **pass);

/* Every row (x, y) to a message of `bytes` bytes at reports; charges the ledger of the options. */
nrm_status nrm_private_client_rows(nrm_ctx *ctx, nrm_rows *x, nrm_rows *y, const double *theta, int64_t count, unsigned char *reports,
                                   nrm_private_sparse_regression_info *info, const nrm_private_sparse_regression_options *options);

/* A server that has absorbed the rows of received (NULL: none; bytes as numbers) after the state
 * of the options, has ended its round and is saved, as they say. */
nrm_status nrm_private_server_rows(nrm_ctx *ctx, nrm_rows *received, const nrm_private_sparse_regression_options *options,
                                   nrm_private_server **server);

#endif
