/* adamw.c -- Adam with decoupled weight decay.
 *
 * Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2:
 *     m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2
 *     w <- (1 - eta lambda) w - eta (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 * The two corrections are folded into the rate and the root: one pass over g, m, v, w. */
#include "optim.h"

typedef nrm_adamw_options nrm_this_options;
static const nrm_param params[] = {NRM_ADAMW_OPTIONS(NRM_PARAM)};
static const nrm_method adamw_method = {.name = "adamw", .summary = "Adam with decoupled weight decay", .params = params,
                                        .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    static const nrm_rule_state states[] = {{.suffix = "m"}, {.suffix = "v", .not_negative = true}};
    (void)options, (void)rows, (void)cols;
    if (i >= NRM_COUNT(states)) return false;
    *s = states[i];
    return true;
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_adamw_options *o = options;
    const double eta = o->lr * now->factor;
    const nrm_adamw_factors f = {.clip = now->clip, .beta1 = o->beta1, .beta2 = o->beta2, .eps = o->eps,
                                 .root = 1 / sqrt(1 - pow(o->beta2, (double)now->t)), .keep = 1 - eta * o->weight_decay,
                                 .rate = eta / (1 - pow(o->beta1, (double)now->t))};
    memcpy(out, &f, sizeof f);
}

static void update(const nrm_rule_piece *p)
{
    nrm_adamw_factors f;
    memcpy(&f, p->factors, sizeof f);
    if (p->dtype == NRM_F32)
        nrm_optimizer_kernels_f32_for(nrm_cpu_isa())->adamw(p->n, &f, p->gradient, p->state[0], p->state[1], p->parameter);
    else
        nrm_optimizer_kernels_f64_for(nrm_cpu_isa())->adamw(p->n, &f, p->gradient, p->state[0], p->state[1], p->parameter);
}

const nrm_rule nrm_adamw_rule = {.method = &adamw_method, .state = state, .factors = factors, .update = update};
