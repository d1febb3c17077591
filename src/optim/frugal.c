/* frugal.c -- AdamW in a subspace, the sign of the gradient in the rest.
 *
 * Zmushko et al., "FRUGAL: memory-efficient optimization by reducing state overhead for scalable
 * training", 2024:
 *     t - 1 mod T = 0:  a new P from G (singular vectors, random columns, columns of a basis),
 *                       M = V = 0, and the steps of the corrections begin anew: s = (t - 1) mod T + 1
 *     W <- (1 - eta lambda) W,   g = down(G),  M <- b1 M + (1 - b1) g,  V <- b2 V + (1 - b2) g g
 *     W <- W - eta up((M / (1 - b1^s)) / ((V / (1 - b2^s))^(1/2) + eps))
 *     W <- W - eta residual_scale sign(G - up(g))
 * A residual that is zero but for rounding has no sign: of |x| <= 8 eps max |G| it is 0. */
#include "subspace.h"

typedef nrm_frugal_options nrm_this_options;
static const nrm_param params[] = {NRM_FRUGAL_OPTIONS(NRM_PARAM)};
static const nrm_method frugal_method = {.name = "frugal", .summary = "AdamW in a subspace, the sign of the gradient in the rest",
                                         .params = params, .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

typedef struct step_factors { nrm_adamw_factors adam; double clip, eta; } step_factors;

static nrm_projector projector(const nrm_this_options *o) { return NRM_PROJECTOR_OF("frugal", o, o->projector, 0, o->density); }

NRM_PROJECTOR_FUNCTIONS(projector)
NRM_PROJECTOR_ADAM_FUNCTIONS(projector)

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_this_options *o = options;
    const double eta = o->lr * now->factor;
    step_factors f = {.adam = nrm_low_rank_adam_factors(o->beta1, o->beta2, o->eps, (now->t - 1) % o->update_gap + 1),
                      .clip = now->clip, .eta = eta};
    f.adam.keep = 1 - eta * o->weight_decay;
    memcpy(out, &f, sizeof f);
}

static void update(const nrm_rule_piece *p)
{
    const nrm_this_options *o = p->options;
    const double eps = p->dtype == NRM_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    const nrm_projector from = projector(o);
    nrm_layout at = {.base = p->work};
    step_factors f;

    memcpy(&f, p->factors, sizeof f);
    nrm_subspace_work w = nrm_subspace_work_at(&from, p, &at);
    const size_t low_bytes = (size_t)w.subspace.l.low * nrm_dtype_size(p->dtype);
    const bool anew = (p->t - 1) % o->update_gap == 0;
    nrm_subspace_begin(&w, p, f.clip, anew);
    if (anew) memset(p->state[NRM_SUBSPACE_M], 0, low_bytes), memset(p->state[NRM_SUBSPACE_V], 0, low_bytes);
    nrm_subspace_up(&w.subspace, w.low, w.room);
    nrm_low_rank_signs(p->dtype, p->threads, p->n, w.g, 8 * eps * nrm_low_rank_largest(p->dtype, p->threads, p->n, w.g), w.room);
    nrm_matrix_descend(p, f.adam.keep, false, f.eta * o->residual_scale, w.room);
    nrm_low_rank_adam(&w.subspace.l, &f.adam, w.low, p->state[NRM_SUBSPACE_M], p->state[NRM_SUBSPACE_V], w.u);
    nrm_subspace_up(&w.subspace, w.u, w.room);
    nrm_matrix_descend(p, 1, false, f.eta, w.room);
}

const nrm_rule nrm_frugal_rule = {.method = &frugal_method, .matrix = true, .state = state, .factors = factors, .update = update,
                                  .work = work, .fits = fits, .key = key, .make = make, .unmake = nrm_projector_unmake};
