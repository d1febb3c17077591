/* ranks.h -- a training run that the ranks of a communicator share: each takes some rows of
 * every batch.  Private.  Alone, these do the plain thing or nothing. */
#ifndef NRM_TRAIN_RANKS_H
#define NRM_TRAIN_RANKS_H

#include "pass.h"
#include <norma/comm.h>

typedef struct nrm_ranks {
    nrm_comm *comm;             /* NULL: alone */
    int64_t batch, first, rows; /* of the whole batch; this rank's */
    double weight;              /* rows / batch: what this rank's means count */
    int64_t *indices;           /* of the whole batch */
    void *work;                 /* to add up a loss, a measure, a buffer */
    int64_t sent;               /* bytes before this run */
} nrm_ranks;

/* comm and batch are known, parameters may be NULL.  NRM_E_RANGE: a rank would have no rows. */
nrm_status nrm_ranks_share(nrm_ctx *ctx, nrm_ranks *ranks, const char *who);
/* Memory to average the buffers. */
nrm_status nrm_ranks_prepare(nrm_ctx *ctx, nrm_ranks *ranks, const nrm_parameters *parameters);
void nrm_ranks_free(nrm_ctx *ctx, nrm_ranks *ranks);
bool nrm_ranks_writes(const nrm_ranks *ranks); /* files are one rank's */
/* All ranks have the same numbers here: else all fail, told the rank that differs. */
nrm_status nrm_ranks_same(nrm_ctx *ctx, const nrm_ranks *ranks, const char *who, int count, const int64_t *numbers);

/* This rank's rows of batch number `step`, and its own random streams for it. */
nrm_status nrm_ranks_batch(nrm_ctx *ctx, const nrm_ranks *ranks, const nrm_dataset *data, uint64_t seed, int64_t step,
                           const nrm_batch *batch);
int64_t nrm_ranks_stream(const nrm_ranks *ranks, int64_t step);

/* The weighted mean of a number over the ranks. */
nrm_status nrm_ranks_mean(nrm_ctx *ctx, const nrm_ranks *ranks, double *value);
/* Running statistics, which each rank has of its own rows, become their weighted means. */
nrm_status nrm_ranks_average_buffers(nrm_ctx *ctx, const nrm_ranks *ranks, nrm_parameters *parameters);

#endif
