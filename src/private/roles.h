/* roles.h -- the roles client and server on whole tables, for calls by name.  Private. */
#ifndef NRM_PRIVATE_ROLES_H
#define NRM_PRIVATE_ROLES_H

#include "server.h"

/* The number of rows, by reading them if need be. */
nrm_status nrm_private_count_rows(nrm_ctx *ctx, nrm_rows *x, int64_t *count);

/* Every row (x, y) to a message of `bytes` bytes at reports; charges the ledger of the options. */
nrm_status nrm_private_client_rows(nrm_ctx *ctx, nrm_rows *x, nrm_rows *y, const double *theta, int64_t count, unsigned char *reports,
                                   nrm_private_sparse_regression_info *info, const nrm_private_sparse_regression_options *options);

/* A server that has absorbed the rows of received (NULL: none; bytes as numbers) after the state
 * of the options, has ended its round and is saved, as they say. */
nrm_status nrm_private_server_rows(nrm_ctx *ctx, nrm_rows *received, const nrm_private_sparse_regression_options *options,
                                   nrm_private_server **server);

#endif
