/* lion.c -- the sign of the momentum.
 *
 * Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2:
 *     w <- (1 - eta lambda) w - eta sign(b1 m + (1 - b1) g),   m <- b2 m + (1 - b2) g
 * Every element moves by eta, or (sign(0) = 0) not at all. */
#include "optim.h"

typedef nrm_lion_options nrm_this_options;
static const nrm_param params[] = {NRM_LION_OPTIONS(NRM_PARAM)};
static const nrm_method lion_method = {.name = "lion", .summary = "the sign of the momentum", .params = params,
                                       .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    (void)options, (void)rows, (void)cols;
    *s = (nrm_rule_state){.suffix = "m"};
    return i == 0;
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_lion_options *o = options;
    const double eta = o->lr * now->factor;
    const nrm_lion_factors f = {.clip = now->clip, .beta1 = o->beta1, .beta2 = o->beta2, .keep = 1 - eta * o->weight_decay,
                                .rate = eta};
    memcpy(out, &f, sizeof f);
}

static void update(const nrm_rule_piece *p)
{
    nrm_lion_factors f;
    memcpy(&f, p->factors, sizeof f);
    if (p->dtype == NRM_F32) nrm_optimizer_kernels_f32_for(nrm_cpu_isa())->lion(p->n, &f, p->gradient, p->state[0], p->parameter);
    else nrm_optimizer_kernels_f64_for(nrm_cpu_isa())->lion(p->n, &f, p->gradient, p->state[0], p->parameter);
}

const nrm_rule nrm_lion_rule = {.method = &lion_method, .state = state, .factors = factors, .update = update};
