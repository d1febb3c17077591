/* simulate.h -- clients and server in one pass over a table.  Private.
 *
 * The clients' noise comes from Philox streams keyed by the row's number: the same whatever the
 * threads and ranks.  What they would send goes into a server as integers. */
#ifndef NRM_PRIVATE_SIMULATE_H
#define NRM_PRIVATE_SIMULATE_H

#include "data/row_pass.h"
#include "server.h"

typedef struct nrm_private_run {
    nrm_private_server *server;
    uint64_t seed;
    int threads;
    int64_t users, clipped, nonfinite;
    double *work; /* threads * each */
    int64_t each;
} nrm_private_run;

enum { NRM_PRIVATE_BLOCK = 256 }; /* rows whose numbers are added as doubles, then made integers */

/* Doubles of work of a thread. */
int64_t nrm_private_sums_work(const nrm_private_plan *plan);
int64_t nrm_private_gradients_work(const nrm_private_plan *plan);
/* Gaussian modes: the numbers of a chunk, with noise where every message has its own. */
void nrm_private_sums(nrm_private_run *run, const nrm_row_chunk *chunk);
/* The noise of n messages at once: N(0, n) standard deviations. */
nrm_status nrm_private_sum_noise(nrm_ctx *ctx, nrm_private_run *run);
/* iht: rows `from` .. `to` - 1 of a chunk, in the server's round. */
void nrm_private_gradients(nrm_private_run *run, const nrm_row_chunk *chunk, int64_t from, int64_t to);

#endif
