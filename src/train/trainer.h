/* trainer.h -- a training run, between its parts.  Private.
 *
 *   train.c        the run: set-up, steps, validation, the end
 *   trainer_setup.c  data, network, optimizer from the options
 *   checkpoint.c   writing and reading the state of a run
 *   full_batch.c   L-BFGS on the whole training part
 *   record.c       log, losses, curve
 *   ranks.c        a batch shared by ranks
 *   evaluate.c, generate.c   the other two methods */
#ifndef NRM_TRAINER_H
#define NRM_TRAINER_H

#include "log.h"
#include "pass.h"
#include "ranks.h"
#include "schedule.h"
#include <jansson.h>

/* What a checkpoint says of a run beside its arrays. */
typedef struct nrm_run_state {
    int64_t step;          /* whole steps done */
    uint64_t seed;         /* of data, initial values and streams */
    double best_loss;      /* least validation loss, INFINITY before the first */
    int64_t best_step, without_gain; /* validations since */
} nrm_run_state;

typedef struct nrm_trainer {
    const char *who;       /* "train" */
    nrm_train_options o;
    nrm_dtype dtype;
    nrm_dataset *data;
    nrm_dataset_about about;
    nrm_network *network;
    nrm_ranks ranks;       /* who shares the run */
    nrm_pass training, evaluation;
    nrm_parameters *parameters, *gradients, *summed; /* summed: with accumulate > 1 */
    int64_t trained;
    void **parameter, **gradient; /* of the trained ones, in order */
    int64_t *sizes;
    nrm_optimizer *optimizer;
    nrm_schedule schedule;
    nrm_run_state state;
    /* The record: a value a step; step, loss, accuracy a validation. */
    double *losses, *validations;
    int64_t loss_capacity, validation_count, validation_capacity;
    nrm_run_log *log;
    double began, trained_seconds, optimizer_seconds; /* trained_seconds: steps alone, of this call */
    int64_t trained_examples;
    double first_step;
} nrm_trainer;

/* ---- trainer_setup.c */
/* Options of the data set out of those of a run (state: JSON of a checkpoint, or NULL). */
nrm_dataset_options nrm_trainer_dataset_options(const nrm_train_options *o, uint64_t seed, const char *state);
/* Make network, passes, parameters (initialised) for t->data.  config: of a checkpoint, or
 * NULL.  Then the optimizer, which all ranks make together. */
nrm_status nrm_trainer_setup(nrm_ctx *ctx, nrm_trainer *t, const char *config);
nrm_status nrm_trainer_optimizer(nrm_ctx *ctx, nrm_trainer *t);
void nrm_trainer_destroy(nrm_ctx *ctx, nrm_trainer *t);
/* The network for a data set: `model` as the option says. */
nrm_status nrm_trainer_network(nrm_ctx *ctx, const char *who, const char *model, const nrm_dataset *data, int64_t context,
                               nrm_network **network);

/* ---- checkpoint.c */
/* folder/name, or folder itself where it is no folder (nrm_free). */
nrm_status nrm_path_in(nrm_ctx *ctx, const char *folder, const char *name, char **path);
/* What a checkpoint holds; texts are nrm_free's. */
typedef struct nrm_checkpoint {
    nrm_loaded file;
    nrm_run_state state;
    json_t *run;                 /* the run: state and options */
    char *network, *data;        /* JSON: the network's configuration, what was learnt from the data */
} nrm_checkpoint;
nrm_status nrm_checkpoint_open(nrm_ctx *ctx, const char *who, const char *path, nrm_checkpoint *checkpoint);
void nrm_checkpoint_close(nrm_ctx *ctx, nrm_checkpoint *checkpoint); /* {0} is fine */
/* The options of the run that wrote it; texts live as long as the checkpoint. */
nrm_status nrm_checkpoint_options(nrm_ctx *ctx, const char *who, const nrm_checkpoint *checkpoint, nrm_train_options *o);
/* By all ranks; one writes. */
nrm_status nrm_checkpoint_save(nrm_ctx *ctx, nrm_trainer *t);
/* Parameters, optimizer, record of a trainer that was set up: nothing is changed by a failure. */
nrm_status nrm_checkpoint_restore(nrm_ctx *ctx, nrm_trainer *t, const nrm_checkpoint *checkpoint);

/* ---- record.c: files are written by one rank alone; a failure is not agreed yet */
nrm_status nrm_record_begin(nrm_ctx *ctx, nrm_trainer *t, bool resumed);
nrm_status nrm_record_step(nrm_ctx *ctx, nrm_trainer *t, double loss, double lr, double norm);
nrm_status nrm_record_validation(nrm_ctx *ctx, nrm_trainer *t, const nrm_measure *m);
nrm_status nrm_record_end(nrm_ctx *ctx, nrm_trainer *t); /* the curve */

/* ---- full_batch.c */
nrm_status nrm_train_full_batch(nrm_ctx *ctx, nrm_trainer *t);

#endif
