/* pass.h -- a network made ready for one batch: graph, program, instance, and the batch's
 * memory.  Private. */
#ifndef NRM_TRAIN_PASS_H
#define NRM_TRAIN_PASS_H

#include "dataset.h"
#include <norma/comm.h>
#include <norma/nn.h>
#include <norma/program.h>

typedef struct nrm_pass {
    nrm_network_graph graph;
    nrm_program *program;
    nrm_instance *instance;
    nrm_dtype dtype;
    nrm_batch batch;            /* what the data set fills */
    double *features, *values;  /* the same in f64, where that is the type; else NULL */
    int64_t feature_count, value_count; /* of the whole batch */
    int32_t trained, updates;   /* outputs 1 .. trained are gradients, then the buffers' next values */
} nrm_pass;

/* Outputs.  Training: the mean loss, the gradients of the trained parameters in order, the
 * next values of the buffers.  Evaluation: the rows' losses and the predictions (the greatest
 * logit's place, or the logits where values are predicted). */
enum { NRM_PASS_LOSS, NRM_PASS_GRADIENTS, NRM_PASS_ROWS = 0, NRM_PASS_PREDICTIONS };

nrm_status nrm_pass_create(nrm_ctx *ctx, nrm_pass *pass, const char *who, const nrm_network *network, const nrm_dataset *data,
                           bool training, int64_t batch, nrm_dtype dtype);
void nrm_pass_destroy(nrm_ctx *ctx, nrm_pass *pass); /* {0} is fine */
/* After the data set filled pass->batch: run.  step: of the random streams (dropout). */
nrm_status nrm_pass_run(nrm_ctx *ctx, nrm_pass *pass, uint64_t seed, int64_t step);

/* ---- measure.c ---------------------------------------------------------------------------------- */

typedef struct nrm_measure {
    double loss, accuracy; /* means; accuracy -1 where values are predicted */
    int64_t count;         /* tokens or examples */
} nrm_measure;
/* A part of the data in order, in at most `batches` batches (0: all), which the ranks of comm
 * (may be NULL) share out.  predictions (may be NULL; not with ranks): f64, one a counted row
 * times the values of a row. */
nrm_status nrm_measure_part(nrm_ctx *ctx, nrm_comm *comm, nrm_pass *evaluation, const nrm_dataset *data, nrm_dataset_part part,
                            int64_t batches, nrm_measure *measure, double *predictions);
/* Numbers that nrm_measure_part writes for a whole part. */
int64_t nrm_measure_predictions(const nrm_dataset *data, nrm_dataset_part part);

#endif
