/* optim.h -- the inside of an optimizer: what the driver holds, and what an optimizer's own
 * file tells it.  Private to src/optim.
 *
 * A rule is one optimizer's mathematics.  It names the arrays of its state and gives either
 * an elementwise update of a piece of a tensor, or the update of a whole matrix; the driver
 * (optimizer.c, step.c, state.c) does everything else. */
#ifndef NRM_OPTIM_IMPL_H
#define NRM_OPTIM_IMPL_H

#include "kernel/optimizer_kernels.h"
#include "method/descriptor.h"
#include <norma/optim.h>

enum { NRM_RULE_STATES = 4, NRM_RULE_FACTORS = 12 };

/* One array of a tensor's state. */
typedef struct nrm_rule_state {
    const char *suffix; /* "m" */
    int64_t rows, cols; /* 0, 0: the tensor's own shape; else a matrix of this shape */
    bool not_negative;  /* what a file holds is checked */
} nrm_rule_state;

/* A step: the t-th, from 1; eta = lr factor; gradients count clip times. */
typedef struct nrm_rule_moment { double factor, clip; int64_t t; } nrm_rule_moment;

/* What a step hands to a rule: a piece of n elements of a tensor, or a matrix of rows x cols. */
typedef struct nrm_rule_piece {
    nrm_dtype dtype;
    int64_t n, rows, cols;
    void *parameter;
    const void *gradient;
    void *state[NRM_RULE_STATES];
    const void *options;
    const double *factors; /* NRM_RULE_FACTORS numbers the rule made for this step */
    int threads;           /* matrices: may be used inside */
    void *work;            /* matrices: as many bytes as `work` asked for, 64-byte aligned */
} nrm_rule_piece;

typedef struct nrm_rule {
    const nrm_method *method; /* name and options alone */
    bool matrix;
    /* Beyond the ranges: do the options fit each other?  NULL: always. */
    nrm_status (*check)(nrm_ctx *ctx, const void *options);
    /* The i-th array of state for a tensor seen as rows x cols; false: no more. */
    bool (*state)(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *state);
    /* Numbers that are the same for all tensors of a step. */
    void (*factors)(const void *options, const nrm_rule_moment *now, double *factors);
    void (*update)(const nrm_rule_piece *piece);
    /* Matrices: bytes of work for one of rows x cols; -1: too large. */
    int64_t (*work)(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols);
} nrm_rule;

extern const nrm_rule nrm_sgd_rule, nrm_adamw_rule, nrm_muon_rule;
const nrm_rule *nrm_optimizer_rule(nrm_optimizer_kind kind); /* NULL: no such kind */

typedef struct nrm_optimizer_slot { /* a tensor */
    char *name;
    nrm_dtype dtype;
    int ndim, group;
    int64_t shape[NRM_MAX_NDIM], count, rows, cols;
    void *state[NRM_RULE_STATES];
} nrm_optimizer_slot;

typedef struct nrm_optimizer_cell { /* an array of state, for save and restore */
    char *name;
    int64_t slot;
    int index;
    nrm_rule_state form;
} nrm_optimizer_cell;

/* A piece of a tensor's elements (elementwise rules), or rows of it (matrix rules). */
typedef struct nrm_optimizer_part { int64_t slot, first, count; } nrm_optimizer_part;

typedef struct nrm_optimizer_member { /* a group */
    const nrm_rule *rule;
    nrm_optimizer_options options;
    double factors[NRM_RULE_FACTORS];
} nrm_optimizer_member;

struct nrm_optimizer {
    int64_t slot_count, cell_count, block_count, small_count, large_count, step, state_bytes;
    int group_count, threads; /* threads there is work for */
    nrm_optimizer_member *groups;
    nrm_optimizer_slot *slots;
    nrm_optimizer_cell *cells;
    nrm_optimizer_part *blocks;         /* every tensor, cut up: what is checked, and updated elementwise */
    double *squares;                    /* of the gradient, a sum for each block */
    nrm_optimizer_part *small, *large;  /* matrices: one a thread; all threads in one */
    int64_t small_work, large_work;     /* bytes, of one thread; of all */
    unsigned char *state, *work;
};

enum { NRM_OPTIMIZER_BLOCK = 32768 }; /* elements of a block: fixed, so that no bit depends on threads */

static inline double nrm_square_sum(nrm_dtype dtype, int64_t n, double unit, const void *x)
{
    return dtype == NRM_F32 ? nrm_optimizer_kernels_f32_for(nrm_cpu_isa())->square_sum(n, unit, x)
                            : nrm_optimizer_kernels_f64_for(nrm_cpu_isa())->square_sum(n, unit, x);
}

/* "[3,1]" of element `index`. */
void nrm_optimizer_place(char *text, size_t size, int ndim, const int64_t *shape, int64_t index);

#endif
