/* b1-parts.h -- the inside of benchmark B1, shared by its files. */
#ifndef NRM_PAPERS_B1_PARTS_H
#define NRM_PAPERS_B1_PARTS_H

#include "b1.h"
#include <norma/program.h>

/* The student's parameters: the matrices first, then what AdamW trains. */
enum { B1_W1, B1_W2, B1_W3, B1_EMBEDDING, B1_HEAD, B1_PARAMETERS };

typedef struct b1_batch { int64_t contexts[B1_BATCH * 2], targets[B1_BATCH]; } b1_batch;

/* The teacher and the tables to draw from it. */
typedef struct b1_teacher {
    float *probability, *logarithm; /* (4096, 64): q and log q */
    double *cumulative;             /* (4096, 64): sums of q along a row */
    double weight[B1_TOKENS];       /* p(a) */
    double cumulative_weight[B1_TOKENS];
} b1_teacher;

struct b1_bench {
    nrm_reproduction *r;
    nrm_ctx *ctx;
    int threads; /* of ctx, before */
    b1_teacher teacher;
    nrm_optimizer_tensor tensors[B1_PARAMETERS];
    int64_t shapes[B1_PARAMETERS][2], sizes[B1_PARAMETERS];
    float *weights[B1_PARAMETERS], *gradients[B1_PARAMETERS];
    b1_batch *batch;
    int64_t *contexts; /* (4096, 2): all of them */
    nrm_program *training, *measuring;
    nrm_instance *training_run, *measuring_run;
};

/* The stream of numbers of one use. */
typedef enum b1_use { B1_TEACHER, B1_INITIAL, B1_BATCHES, B1_NOISE, B1_USES } b1_use;
static inline nrm_draws b1_draws(const nrm_reproduction *r, uint64_t seed, b1_use use)
{
    return (nrm_draws){((r->seed + 1) * 1000 + seed) * B1_USES + (uint64_t)use};
}

nrm_status b1_make_teacher(nrm_reproduction *r, b1_teacher *teacher);
void b1_draw_batch(const b1_teacher *teacher, nrm_draws *draws, b1_batch *batch);
/* Compile and bind: sizes, weights and gradients stand. */
nrm_status b1_make_student(b1_bench *bench);
void b1_initial_weights(b1_bench *bench, uint64_t seed);
/* Outliers and clipping, as the setup asks. */
nrm_status b1_disturb(b1_bench *bench, const b1_setup *setup, nrm_draws *noise);
nrm_status b1_measure(b1_bench *bench, double *kl);

#endif
