/* galore.c -- Adam in the subspace of the leading singular vectors.
 *
 * Zhao et al., "GaLore: memory-efficient LLM training by gradient low-rank projection", ICML
 * 2024, with AdamW as its authors publish it:
 *     t - 1 mod T = 0:  P = the leading left (right) singular vectors of G
 *     g = down(G),  M <- b1 M + (1 - b1) g,  V <- b2 V + (1 - b2) g g
 *     W <- W - eta alpha (1 - b2^t)^(1/2) / (1 - b1^t) up(M / (V^(1/2) + eps))
 *     W <- (1 - eta lambda) W
 * M and V stay as they are when P changes.  The signs of singular vectors, which are free, are
 * those of dense_run.h: what follows a second P does not depend on LAPACK. */
#include "subspace.h"

typedef nrm_galore_options nrm_this_options;
static const nrm_param params[] = {NRM_GALORE_OPTIONS(NRM_PARAM)};
static const nrm_method galore_method = {.name = "galore", .summary = "Adam in the subspace of the leading singular vectors",
                                         .params = params, .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

typedef struct step_factors { nrm_adamw_factors adam; double clip, eta; } step_factors;

static nrm_projector projector(const nrm_this_options *o) { return NRM_PROJECTOR_OF("galore", o, o->projector, o->rank, 0); }

NRM_PROJECTOR_FUNCTIONS(projector)
NRM_PROJECTOR_ADAM_FUNCTIONS(projector)

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_this_options *o = options;
    const double eta = o->lr * now->factor;
    step_factors f = {.adam = nrm_low_rank_adam_factors(o->beta1, o->beta2, o->eps, now->t), .clip = now->clip, .eta = eta};
    f.adam.rate /= f.adam.root; /* eps is added to V^(1/2) as it is */
    f.adam.root = 1;
    f.adam.keep = 1 - eta * o->weight_decay;
    memcpy(out, &f, sizeof f);
}

static void update(const nrm_rule_piece *p)
{
    const nrm_this_options *o = p->options;
    const nrm_projector from = projector(o);
    nrm_layout at = {.base = p->work};
    step_factors f;

    memcpy(&f, p->factors, sizeof f);
    nrm_subspace_work w = nrm_subspace_work_at(&from, p, &at);
    nrm_subspace_begin(&w, p, f.clip, (p->t - 1) % o->update_gap == 0);
    nrm_low_rank_adam(&w.subspace.l, &f.adam, w.low, p->state[NRM_SUBSPACE_M], p->state[NRM_SUBSPACE_V], w.u);
    nrm_subspace_up(&w.subspace, w.u, w.room);
    nrm_matrix_descend(p, f.adam.keep, false, f.adam.keep * f.eta * o->alpha, w.room);
}

const nrm_rule nrm_galore_rule = {.method = &galore_method, .matrix = true, .state = state, .factors = factors, .update = update,
                                  .work = work, .fits = fits, .key = key, .make = make, .unmake = nrm_projector_unmake};
