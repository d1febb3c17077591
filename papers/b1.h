/* b1.h -- benchmark B1: the small language model on which the optimizers of papers 04, 07, 14
 * and 18 are compared.  Framework: reproduce.h.
 *
 * The teacher is a random network over contexts (a, b) of 64 tokens, drawn independently with
 * p(a) ~ 1 / (a + 1).  With embeddings T_aj = N(0, 1) / sqrt(j + 1), j = 0 .. 31, and A, B
 * (64 x 64) of entries 3 N(0, 1) / sqrt(64), the next token follows
 *     q(. | a, b) = softmax(B tanh(A [T_a; T_b])).
 * The student learns from samples:
 *     x = [E_a; E_b],  h1 = relu(W1 x),  h2 = relu(W2 h1),  h3 = h1 + W3 h2,  logits = O h3.
 * All 4096 contexts are enumerated, so what is compared is exact:
 *     KL = sum over contexts of p(a) p(b) KL(q || student).
 *
 * A matrix optimizer trains W1, W2, W3, AdamW trains E and O; f32, one thread, batches of 128,
 * 400 steps, the rate constant for 60 % of them and then linear to 0.  A run takes a second or
 * two.  Equal seeds mean equal initial weights, batches and noise, whatever the optimizer:
 * compare runs in pairs.
 *
 *     b1_bench *bench;
 *     nrm_status st = b1_create_usual(r, ctx, &bench);
 *     b1_setup setup = b1_default("muon", "coefficients=polar_express", 0.01);
 *     if (st >= 0) st = b1_train(bench, &setup, &result);
 *     b1_destroy(bench); */
#ifndef NRM_PAPERS_B1_H
#define NRM_PAPERS_B1_H

#include "reproduce.h"
#include <norma/optim.h>

enum {
    B1_TOKENS = 64, B1_CONTEXTS = B1_TOKENS * B1_TOKENS, B1_WIDTH = 32, B1_BATCH = 128,
    B1_MATRICES = 3,     /* W1, W2, W3 */
    B1_MOST_POINTS = 64, /* of a curve */
    B1_MOST_RATES = 8, B1_MOST_SEEDS = 5
};

/* AdamW on the matrices as the papers run it. */
#define B1_ADAMW "beta2=0.95"

/* ---- One run --------------------------------------------------------------------------- */

/* A moment of a run, just after step `step` (from 1) of the matrix optimizer. */
typedef struct b1_moment {
    int step;
    const nrm_optimizer_tensor *tensors;   /* W1, W2, W3: names and shapes */
    const float *weights[B1_MATRICES];     /* after the step */
    const float *gradients[B1_MATRICES];   /* that the step was given: corrupted, clipped */
    nrm_optimizer *optimizer;              /* of the matrices: state "muon.m:W1", ... */
} b1_moment;
typedef nrm_status (*b1_watch_fn)(nrm_ctx *ctx, void *user, const b1_moment *moment); /* < 0 ends the run */

typedef struct b1_setup {
    const char *kind;      /* of the matrix optimizer: "muon" */
    const char *options;   /* "name=value name=value", over the kind's defaults with weight_decay = 0; "" */
    double lr;             /* its base step */
    double rest_lr;        /* AdamW's on E and O: 3e-3 */
    int steps;             /* 400 */
    uint64_t seed;         /* of initial weights, batches and noise; added to the seed of r: 0, 1, 2 */
    /* Outliers: every entry of a matrix gradient gets, with this probability, outlier_size times
     * the gradient's RMS times a Student t of 2 degrees of freedom. */
    double outliers;       /* 0; the papers' pages: 0.002 */
    double outlier_size;   /* 100 */
    double clip_value;     /* then entries of matrix gradients are clipped to +-clip_value; 0: not */
    double clip_norm;      /* then all gradients together to this norm; 0: not */
    int curve_every;       /* KL is evaluated at every so many steps and at both ends; 0: the end alone */
    b1_watch_fn watch;     /* called after step 1 and at every watch_every steps; NULL: never */
    void *watch_user;
    int watch_every;
} b1_setup;

b1_setup b1_default(const char *kind, const char *options, double lr);

typedef struct b1_result {
    double kl;                      /* at the end; infinity after steps that diverged */
    int points;                     /* of the curve, the start included */
    double at[B1_MOST_POINTS], curve[B1_MOST_POINTS];
    double matrix_seconds;          /* in the matrix optimizer's steps, all together */
    double rest_seconds;            /* in AdamW's on E and O */
    double network_seconds;         /* in loss and gradients */
    int64_t state_bytes;            /* of the matrix optimizer */
    int64_t parameter_bytes;        /* of W1, W2, W3 */
} b1_result;

/* Teacher, student and compiled programs for hidden sizes hidden1 (W1's rows) and hidden2
 * (W2's rows): 128 and 256 usually, 64 and 512 for the wide variant.  The teacher follows the
 * seed of r.  bench is NULL after a failure. */
typedef struct b1_bench b1_bench;
NRM_NODISCARD nrm_status b1_create(nrm_reproduction *r, nrm_ctx *ctx, int64_t hidden1, int64_t hidden2, b1_bench **bench);
/* The usual one: 128 and 256; in a quick run 64 and 128, where best rates are half as large again. */
NRM_NODISCARD nrm_status b1_create_usual(nrm_reproduction *r, nrm_ctx *ctx, b1_bench **bench);
void b1_destroy(b1_bench *bench); /* NULL is fine */
/* A kind or option that does not exist is NRM_E_ARGUMENT with its sentence in ctx. */
NRM_NODISCARD nrm_status b1_train(b1_bench *bench, const b1_setup *setup, b1_result *result);

/* ---- The best rate, several seeds ---------------------------------------------------------- */

typedef struct b1_contender {
    const char *name;                /* in tables, plots and the progress line */
    b1_setup setup;                  /* lr and seed are set by the study */
    double rates[B1_MOST_RATES];     /* tried with seed 0, up to the first 0 */
} b1_contender;

typedef struct b1_outcome {
    double rate;                     /* the best one */
    bool at_edge;                    /* it is the first or last of several rates: look further */
    double rate_kl[B1_MOST_RATES];   /* KL of every rate tried, seed 0 */
    int seeds;
    double kl[B1_MOST_SEEDS];        /* with the best rate, by seed */
    double mean, least, most;        /* over the seeds */
    double matrix_seconds;           /* median over the seeds */
    b1_result first;                 /* seed 0, the best rate: its curve and times */
} b1_outcome;

/* Every contender's rates with seed 0, then the best rate with seeds 1 .. seeds-1. */
NRM_NODISCARD nrm_status b1_compare(b1_bench *bench, int count, const b1_contender *contenders, int seeds,
                                    b1_outcome *outcomes);
/* The usual table (name, rate, KL by seed, mean, optimizer milliseconds a step, state against
 * the parameters) and plot (curves of seed 0, where there are any). */
void b1_show(b1_bench *bench, const char *title, const char *caption, int count, const b1_contender *contenders,
             const b1_outcome *outcomes);

/* ---- For the rest of these papers' pages --------------------------------------------------------- */

/* An optimizer of one kind from text, as in b1_setup. */
NRM_NODISCARD nrm_status b1_optimizer(nrm_ctx *ctx, const char *kind, const char *options, double lr, int64_t count,
                                      const nrm_optimizer_tensor *tensors, nrm_optimizer **optimizer);

/* The rate's factor in a step, from 0: 1 for 60 % of the steps, then linear to 0. */
double b1_factor(int step, int steps);

/* What b1_setup calls outliers, for one gradient of n entries. */
void b1_add_outliers(float *g, int64_t n, double share, double size, nrm_draws *noise);

/* Steps of optimizers over one matrix of f32, all in turn (nrm_time_in_turn). */
enum { B1_MOST_TIMED = 8 };
typedef struct b1_timed {
    const char *name, *kind, *options;
    double seconds;        /* median of the rounds */
    int64_t state_bytes;
} b1_timed;
/* rounds: 1 .. 15. */
NRM_NODISCARD nrm_status b1_time_steps(nrm_reproduction *r, nrm_ctx *ctx, int64_t rows, int64_t cols, int rounds,
                                       int count, b1_timed *timed);

/* sigma gets the min(rows, cols) singular values, falling.  work: rows * cols numbers. */
void b1_singular_values(int64_t rows, int64_t cols, const float *a, double *work, double *sigma);

#endif
