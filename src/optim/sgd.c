/* sgd.c -- stochastic gradient descent with momentum.
 *
 *     d = g + lambda w,   m <- mu m + d,   w <- w - eta m             (heavy ball, Polyak 1964)
 *                                          w <- w - eta (d + mu m)    (Nesterov's form)
 *
 * as torch.optim.SGD with dampening 0; decoupled: d = g, and w shrinks by 1 - eta lambda. */
#include "optim.h"

typedef nrm_sgd_options nrm_this_options;
static const nrm_param params[] = {NRM_SGD_OPTIONS(NRM_PARAM)};
static const nrm_method sgd_method = {.name = "sgd", .summary = "gradient descent with momentum", .params = params,
                                      .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

static nrm_status check(nrm_ctx *ctx, const void *options)
{
    const nrm_sgd_options *o = options;
    NRM_REQUIRE(ctx, !o->nesterov || o->momentum > 0, NRM_E_ARGUMENT,
                "sgd: nesterov is set and momentum is 0; looking ahead needs momentum > 0: set it, or leave nesterov out");
    return NRM_OK;
}

static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    const nrm_sgd_options *o = options;
    (void)rows, (void)cols;
    *s = (nrm_rule_state){.suffix = "m"};
    return i == 0 && o->momentum > 0;
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_sgd_options *o = options;
    const double eta = o->lr * now->factor;
    const nrm_sgd_factors f = {
        .clip = now->clip, .l2 = o->decoupled ? 0 : o->weight_decay, .momentum = o->momentum, .direct = o->nesterov ? 1 : 0,
        .through = o->nesterov ? o->momentum : 1, .keep = o->decoupled ? 1 - eta * o->weight_decay : 1, .rate = eta};
    memcpy(out, &f, sizeof f);
}

#define NRM_SGD_UPDATE(TYPE)                                                                                    \
    do {                                                                                                        \
        const nrm_optimizer_kernels_##TYPE *k = nrm_optimizer_kernels_##TYPE##_for(nrm_cpu_isa());              \
        if (p->state[0]) k->sgd_momentum(p->n, &f, p->gradient, p->state[0], p->parameter);                     \
        else k->sgd(p->n, &f, p->gradient, p->parameter);                                                       \
    } while (0)

static void update(const nrm_rule_piece *p)
{
    nrm_sgd_factors f;
    memcpy(&f, p->factors, sizeof f);
    if (p->dtype == NRM_F32) NRM_SGD_UPDATE(f32);
    else NRM_SGD_UPDATE(f64);
}

const nrm_rule nrm_sgd_rule = {.method = &sgd_method, .check = check, .state = state, .factors = factors, .update = update};
