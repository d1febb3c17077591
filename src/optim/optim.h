/* optim.h -- the inside of an optimizer: what the driver holds, and what an optimizer's own
 * file tells it.  Private to src/optim.
 *
 * A rule is one optimizer's mathematics.  It names the arrays of its state and gives either
 * an elementwise update of a piece of a tensor, or the update of a whole matrix; the driver
 * (kinds.c, optimizer.c, setup.c, step.c, state.c) does everything else. */
#ifndef NRM_OPTIM_IMPL_H
#define NRM_OPTIM_IMPL_H

#include "kernel/optimizer_kernels.h"
#include "method/descriptor.h"
#include <norma/comm.h>
#include <norma/optim.h>

enum { NRM_RULE_STATES = 6, NRM_RULE_FACTORS = 12 };

typedef enum nrm_rule_values {
    NRM_RULE_REALS,   /* of the tensor's type, finite */
    NRM_RULE_INDICES, /* i64, in [0, below), ascending, or all 0 (not chosen yet) */
    NRM_RULE_CODES    /* u8 */
} nrm_rule_values;

/* One array of a tensor's state. */
typedef struct nrm_rule_state {
    const char *suffix; /* "m" */
    int64_t rows, cols; /* 0, 0: the tensor's own shape; else a matrix of this shape */
    nrm_rule_values values;
    bool not_negative;  /* what a file holds is checked: this, */
    int64_t below;      /* and this */
    bool any_order;     /* indices need not ascend */
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
    const void *constant;  /* matrices: what `make` made for such a matrix */
    int64_t t, number;     /* the step, from 1; the matrix's own number, for streams of random numbers */
    const char **remark;   /* matrices: a sentence for the log, once for each tensor (static text) */
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
    /* Matrices, may be NULL: do the options fit a matrix of this shape, called `name`? */
    nrm_status (*fits)(nrm_ctx *ctx, const void *options, const char *name, int64_t rows, int64_t cols);
    /* Matrices, may be NULL: what is made once, when the optimizer is, and shared by all
     * matrices of a group with the same type and key (a basis, a plan, fitted coefficients).
     * The key covers all of the options and the shape that it depends on; below 0: none. */
    int64_t (*key)(const void *options, int64_t rows, int64_t cols);
    nrm_status (*make)(nrm_ctx *ctx, const void *options, nrm_dtype dtype, int64_t rows, int64_t cols, void **constant);
    void (*unmake)(nrm_ctx *ctx, void *constant);
} nrm_rule;

extern const nrm_rule nrm_sgd_rule, nrm_adamw_rule, nrm_muon_rule, nrm_normuon_rule, nrm_root_rule, nrm_auon_rule,
    nrm_hybrid_auon_rule, nrm_lion_rule;
extern const nrm_rule nrm_dct_adamw_rule, nrm_trion_rule, nrm_galore_rule, nrm_ldadam_rule, nrm_frugal_rule, nrm_fira_rule,
    nrm_dion_rule;
const nrm_rule *nrm_optimizer_rule(nrm_optimizer_kind kind); /* NULL: no such kind */
nrm_status nrm_optimizer_find_rule(nrm_ctx *ctx, nrm_optimizer_kind kind, const nrm_rule **rule);

/* A tensor; for matrix rules one of its row blocks, where it is split. */
typedef struct nrm_optimizer_slot {
    char *name;            /* the tensor's */
    int64_t tensor, first; /* which, and the element it begins at */
    int64_t block;         /* which row block; -1: not split */
    nrm_dtype dtype;
    int ndim, group;
    int64_t shape[NRM_MAX_NDIM], count, rows, cols;
    int64_t held_first, held; /* elements this rank updates, and has the state of; of a matrix all or none */
    void *state[NRM_RULE_STATES];
    const void *constant; /* what it shares with others */
    const char *remark; /* made by the rule in this step */
    bool remarked;      /* and logged */
} nrm_optimizer_slot;

typedef struct nrm_optimizer_constant { int group; nrm_dtype dtype; int64_t key; void *made; } nrm_optimizer_constant;

typedef struct nrm_optimizer_cell { /* an array of state, for save and restore */
    char *name;
    int64_t slot;
    int index;
    nrm_rule_state form;
} nrm_optimizer_cell;

/* A piece of a slot's elements. */
typedef struct nrm_optimizer_part { int64_t slot, first, count; } nrm_optimizer_part;

typedef struct nrm_optimizer_member { /* a group */
    const nrm_rule *rule;
    nrm_optimizer_options options;
    double factors[NRM_RULE_FACTORS];
} nrm_optimizer_member;

typedef struct nrm_share nrm_share;

struct nrm_optimizer {
    nrm_comm *comm;   /* of the ranks that share it; NULL: alone */
    nrm_share *share; /* which of them updates what (share.h); NULL: alone */
    int64_t tensor_count, slot_count, cell_count, block_count, small_count, large_count, step, state_bytes;
    int group_count, threads; /* threads there is work for */
    int constant_count;
    nrm_optimizer_member *groups;
    nrm_optimizer_slot *slots;
    nrm_optimizer_cell *cells;
    nrm_optimizer_part *blocks;         /* what is held, cut up: what is checked, and updated elementwise */
    double *squares;                    /* of the gradient, a sum for each block */
    int64_t *small, *large;             /* slots that are matrices: one a thread; all threads in one */
    nrm_optimizer_constant *constants;
    int64_t small_work, large_work;     /* bytes, of one thread; of all */
    unsigned char *state, *work;
};

enum { NRM_OPTIMIZER_BLOCK = 32768 }; /* elements of a block: fixed, so that no bit depends on threads */

static inline double nrm_square_sum(nrm_dtype dtype, int64_t n, double unit, const void *x)
{
    return dtype == NRM_F32 ? nrm_optimizer_kernels_f32_for(nrm_cpu_isa())->square_sum(n, unit, x)
                            : nrm_optimizer_kernels_f64_for(nrm_cpu_isa())->square_sum(n, unit, x);
}

/* The array of state `form` of a slot: elements, those held, and the type of one. */
int64_t nrm_optimizer_state_elements(const nrm_optimizer_slot *slot, const nrm_rule_state *form);
int64_t nrm_optimizer_state_held(const nrm_optimizer_slot *slot, const nrm_rule_state *form);
nrm_dtype nrm_optimizer_state_dtype(const nrm_optimizer_slot *slot, const nrm_rule_state *form);

/* optimizer.c: the arguments of _create; groups and slots of an optimizer that has their
 * counts and is zero else. */
nrm_status nrm_optimizer_check_create(nrm_ctx *ctx, const void *place, int group_count, const nrm_optimizer_group *groups,
                                      int64_t tensor_count, const nrm_optimizer_tensor *tensors);
nrm_status nrm_optimizer_load(nrm_ctx *ctx, nrm_optimizer *o, const nrm_optimizer_group *groups,
                              const nrm_optimizer_tensor *tensors);

/* "muon.m:qkv", of a row block "muon.m:qkv#1"; the caller's to free. */
nrm_status nrm_optimizer_state_name(nrm_ctx *ctx, char **name, const char *kind, const char *suffix, const nrm_optimizer_slot *slot);

/* setup.c: an optimizer whose groups and slots are known gets its memory.  Each can be undone
 * after it failed midway. */
nrm_status nrm_optimizer_make_state(nrm_ctx *ctx, nrm_optimizer *o);
nrm_status nrm_optimizer_make_blocks(nrm_ctx *ctx, nrm_optimizer *o);
nrm_status nrm_optimizer_make_matrices(nrm_ctx *ctx, nrm_optimizer *o); /* constants, work */
void nrm_optimizer_link_constants(nrm_optimizer *o); /* each slot to what it shares */
void nrm_optimizer_drop_matrices(nrm_ctx *ctx, nrm_optimizer *o);

/* step.c: the arguments of a step; blocks of gradients that must be finite. */
nrm_status nrm_optimizer_check_step(nrm_ctx *ctx, const nrm_optimizer *o, void *const *parameters,
                                    const void *const *gradients, double factor);
nrm_status nrm_optimizer_check_blocks(nrm_ctx *ctx, const nrm_optimizer *o, int64_t count, const nrm_optimizer_part *blocks,
                                      const void *const *gradients, int threads);

/* state.c: name and form of array i, whoever holds it; false: out of range. */
bool nrm_optimizer_state_describe(nrm_optimizer *o, int64_t i, const char **name, nrm_array *view);

/* "[3,1]" of element `index`. */
void nrm_optimizer_place(char *text, size_t size, int ndim, const int64_t *shape, int64_t index);

#endif
