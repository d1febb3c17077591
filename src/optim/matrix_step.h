/* matrix_step.h -- what the rules that orthogonalise share: the momentum and its look-ahead,
 * the orthogonalisation, the scale by shape, the descent.  Private to src/optim.
 *
 *     d = clip G,   M <- mu M + (1 - mu) d,   U = nesterov ? (1 - mu) d + mu M : M      (ema)
 *     d = clip G,   M <- mu M + d,            U = nesterov ? d + mu M : M               (sum)
 *     O = orthogonalise(U)                                     (linalg/orthogonalise.h)
 *     W <- (1 - eta lambda) W - rate O;   cautious: an element decays only where O moves it
 *                                         towards 0 anyway (sign W = sign O)
 *
 * Passes run over blocks of a fixed size, so that no bit depends on the threads. */
#ifndef NRM_MATRIX_STEP_H
#define NRM_MATRIX_STEP_H

#include "linalg/orthogonalise.h"
#include "optim.h"

/* ---- Blocks ------------------------------------------------------------------------------------ */

/* A kernel of the table for dtype; array arguments are void pointers. */
#define NRM_KERNEL(dtype, name, ...)                                                          \
    ((dtype) == NRM_F32 ? nrm_optimizer_kernels_f32_for(nrm_cpu_isa())->name(__VA_ARGS__)     \
                        : nrm_optimizer_kernels_f64_for(nrm_cpu_isa())->name(__VA_ARGS__))

static inline void *nrm_matrix_at(nrm_dtype dtype, void *x, int64_t i)
{
    return (unsigned char *)x + i * (int64_t)nrm_dtype_size(dtype);
}

static inline const void *nrm_matrix_const_at(nrm_dtype dtype, const void *x, int64_t i)
{
    return (const unsigned char *)x + i * (int64_t)nrm_dtype_size(dtype);
}

/* ---- Options, which begin alike for all these rules ---------------------------------------------- */

static inline const nrm_matrix_options *nrm_matrix_options_of(const void *options)
{
    return &((const nrm_optimizer_options *)options)->matrix;
}

/* What a step needs of them; fits the factors of a rule. */
typedef struct nrm_matrix_factors {
    nrm_momentum_factors momentum;
    double eta, keep; /* keep = 1 - eta lambda */
} nrm_matrix_factors;

/* Of rules whose state is the momentum alone. */
bool nrm_matrix_state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s);
/* Of rules that need no other numbers. */
void nrm_matrix_rule_factors(const void *options, const nrm_rule_moment *now, double *out);
nrm_status nrm_matrix_check(nrm_ctx *ctx, const char *who, const nrm_matrix_options *o);
nrm_matrix_factors nrm_matrix_step_factors(const nrm_matrix_options *o, const nrm_rule_moment *now);
nrm_momentum_factors nrm_matrix_momentum_factors(double momentum, bool sum, bool nesterov, double clip);
double nrm_matrix_scale_of(int scale, int64_t rows, int64_t cols); /* nrm_matrix_scale */
/* The schedule that `coefficients` names, with the options' steps, eps and safety; exact: step NULL. */
nrm_newton_schulz_set nrm_matrix_schedule(const nrm_matrix_options *o);
/* Another schedule with the options' steps, eps and safety. */
nrm_newton_schulz_set nrm_matrix_adjusted(const nrm_matrix_options *o, nrm_newton_schulz_set schedule);

/* ---- The pieces of a step -------------------------------------------------------------------------- */

/* Bytes of work of nrm_matrix_orthogonalise, a multiple of 64; -1: too many. */
int64_t nrm_matrix_work(bool exact, nrm_dtype dtype, int64_t rows, int64_t cols);
/* M = p->state[0] and U, which is the beginning of p->work. */
void *nrm_matrix_momentum(const nrm_rule_piece *p, const nrm_momentum_factors *f);
/* O, from U at the beginning of p->work; it lies in p->work. */
void *nrm_matrix_orthogonalise(const nrm_rule_piece *p, const nrm_newton_schulz_set *schedule);
/* W <- keep W - rate O, over p->n elements. */
void nrm_matrix_descend(const nrm_rule_piece *p, double keep, bool cautious, double rate, const void *o);

#endif
