/* muon.c -- momentum, orthogonalised.
 *
 * Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024:
 *     M <- mu M + (1 - mu) G,   U = (1 - mu) G + mu M   (Nesterov; else U = M)
 *     O = orthogonalise(U)
 *     W <- (1 - eta lambda) W - eta scale(m, n) O
 *
 * The pieces, with the other form of the momentum and of the decay: matrix_step.h.  The form
 * M <- mu M + G gives the same O, up to the eps of the orthogonalisation.  G is not written to.
 * G = 0 gives U = 0 at first, O = 0 and no step. */
#include "matrix_step.h"

typedef nrm_muon_options nrm_this_options;
static const nrm_param params[] = {NRM_MUON_OPTIONS(NRM_PARAM)};
static const nrm_method muon_method = {.name = "muon", .summary = "momentum, orthogonalised", .params = params,
                                       .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

static nrm_status check(nrm_ctx *ctx, const void *options)
{
    return nrm_matrix_check(ctx, "muon", nrm_matrix_options_of(options));
}

static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    return nrm_matrix_work(nrm_matrix_options_of(options)->coefficients == NRM_ORTHOGONALISE_EXACT, dtype, rows, cols);
}

static void update(const nrm_rule_piece *p)
{
    const nrm_matrix_options *o = nrm_matrix_options_of(p->options);
    const nrm_newton_schulz_set schedule = nrm_matrix_schedule(o);
    nrm_matrix_factors f;

    memcpy(&f, p->factors, sizeof f);
    nrm_matrix_momentum(p, &f.momentum);
    const void *q = nrm_matrix_orthogonalise(p, &schedule);
    nrm_matrix_descend(p, f.keep, o->cautious_decay, f.eta * nrm_matrix_scale_of(o->scale, p->rows, p->cols), q);
}

const nrm_rule nrm_muon_rule = {.method = &muon_method, .matrix = true, .check = check, .state = nrm_matrix_state, .factors = nrm_matrix_rule_factors,
                                .update = update, .work = work};
