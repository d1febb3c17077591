/* auon.c -- momentum scaled by the root of the mean of cosh^2 of its entries; and the same behind
 * Newton-Schulz steps.
 *
 * Maity, "AuON: a linear-time alternative to semi-orthogonal momentum updates", arXiv 2509.24320.
 * M and g as in Muon (g = (1 - mu) G + mu M), N = m n, X = g / (|g|_F + eps_norm);
 *     paper   r = sqrt(mean cosh^2(gamma X)),   U = X / (r + eps_rms)
 *     repo    the same r,                       U = g / (r + eps_rms)          (size of the gradient)
 * hybrid, with Y = NS(g), K steps with Muon's triple:
 *     paper   r = sqrt(mean cosh^2(gamma Y)),   U = Y / (r + eps_rms)
 *     repo    r = sqrt(mean cosh^2(gamma Y / (|Y|_F + eps_norm))),   U = Y / (r + eps_rms)
 * and W <- (1 - eta lambda) W - eta scale(m, n) U.
 *
 * r is 1 + gamma^2 / (2 N) or a little more: U is normalised (paper) or plain (repo) momentum, up
 * to a factor that a real layer does not feel.  It costs no look at the matrix of its own: the
 * pass that moves M sums the even powers of g (power_sums.h), a second one moves W.  Where the
 * powers do not suffice (few large numbers, large gamma), cosh itself is summed. */
#include "matrix_step.h"
#include "power_sums.h"

/* A matrix in a step.  What is scaled is g = direct clip x + through M, with x = G; or, with Y made,
 * x = Y and factors that leave M as it is. */
typedef struct auon {
    const nrm_rule_piece *p;
    nrm_matrix_factors f;
    const void *x;
    nrm_power_sums *parts; /* of every block */
} auon;

static int64_t blocks_of(int64_t n) { return (n + NRM_OPTIMIZER_BLOCK - 1) / NRM_OPTIMIZER_BLOCK; }

static const nrm_auon_options *options_of(const void *options) { return &((const nrm_optimizer_options *)options)->auon; }

/* ---- Options ------------------------------------------------------------------------------------------- */

static nrm_status check_family(nrm_ctx *ctx, const char *who, const nrm_auon_options *o)
{
    NRM_REQUIRE(ctx, o->gamma >= 0 || o->gamma == -1, NRM_E_RANGE,
                "%s: gamma is %g; it must be from 0 to 20, or -1 for that of the variant (paper 1, repo 1.5)", who, o->gamma);
    NRM_REQUIRE(ctx, o->lr * o->weight_decay < 1, NRM_E_RANGE,
                "%s: lr times weight_decay is %g; decay would flip the sign of the weights: it must be below 1", who,
                o->lr * o->weight_decay);
    return NRM_OK;
}

static nrm_status check_auon(nrm_ctx *ctx, const void *o) { return check_family(ctx, "auon", options_of(o)); }
static nrm_status check_hybrid(nrm_ctx *ctx, const void *o) { return check_family(ctx, "hybrid-auon", options_of(o)); }

static double gamma_of(const nrm_auon_options *o)
{
    return o->gamma >= 0 ? o->gamma : o->variant == NRM_AUON_REPO ? 1.5 : 1;
}

static int steps_of(const nrm_auon_options *o)
{
    return o->hybrid_steps >= 0 ? (int)o->hybrid_steps : o->variant == NRM_AUON_REPO ? 5 : 1;
}

static double scale_of(const nrm_auon_options *o, int64_t rows, int64_t cols)
{
    if (o->scale != NRM_AUON_SCALE_AUTO) return nrm_matrix_scale_of(o->scale, rows, cols);
    return o->variant == NRM_AUON_REPO ? 1 : nrm_matrix_scale_of(NRM_MATRIX_SCALE_MATCH_FAN, rows, cols);
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_auon_options *o = options_of(options);
    const double eta = o->lr * now->factor;
    const nrm_matrix_factors f = {.momentum = nrm_matrix_momentum_factors(o->momentum, false, o->nesterov, now->clip),
                                  .eta = eta, .keep = 1 - eta * o->weight_decay};
    memcpy(out, &f, sizeof f);
}

/* Sums for every block, and behind them the work of Newton-Schulz. */
static int64_t sums_bytes(int64_t n) { return nrm_padded(blocks_of(n) * (int64_t)sizeof(nrm_power_sums)); }

static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    const int64_t newton_schulz = steps_of(options_of(options)) > 0 ? nrm_matrix_work(false, dtype, rows, cols) : 0;
    int64_t bytes;
    return nrm_add_size(newton_schulz, sums_bytes(rows * cols), &bytes) ? bytes : -1;
}

/* ---- r ----------------------------------------------------------------------------------------------------- */

/* The sums of a block; M moves. */
static nrm_power_sums block_sums(const auon *a, int64_t first, int64_t end)
{
    const nrm_dtype dtype = a->p->dtype;
    nrm_power_sums sums = {.exponent = 0};

    for (int64_t i = first; i < end; i += NRM_POWER_PIECE) {
        const nrm_power_sums more =
            nrm_power_sums_of(dtype, nrm_min_i64(NRM_POWER_PIECE, end - i), &a->f.momentum, sums.exponent,
                              nrm_matrix_const_at(dtype, a->x, i), nrm_matrix_at(dtype, a->p->state[0], i));
        nrm_power_sums_add(&sums, &more);
    }
    return sums;
}

static nrm_power_sums all_sums(const auon *a)
{
    const nrm_rule_piece *p = a->p;
    nrm_power_sums sums = {.exponent = 0};

#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK)
        a->parts[i / NRM_OPTIMIZER_BLOCK] = block_sums(a, i, nrm_min_i64(p->n, i + NRM_OPTIMIZER_BLOCK));
    for (int64_t b = 0; b < blocks_of(p->n); b++) nrm_power_sums_add(&sums, &a->parts[b]);
    return sums;
}

/* sinh^2(z x), summed over a block: cosh^2 is 1 more. */
static double block_sinh(const auon *a, double z, int64_t first, int64_t end)
{
    const nrm_rule_piece *p = a->p;
    const nrm_momentum_factors *f = &a->f.momentum;
    double sum = 0;

    for (int64_t i = first; i < end; i++) {
        const double x = f->direct * f->clip * nrm_real_get(p->dtype, a->x, i) +
                         f->through * nrm_real_get(p->dtype, p->state[0], i);
        const double s = sinh(z * x);
        sum += s * s;
    }
    return sum;
}

/* r for numbers that count z times. */
static double brake(const auon *a, const nrm_power_sums *sums, double z)
{
    const nrm_rule_piece *p = a->p;
    double excess;

    if (!nrm_power_sums_cosh(sums, p->n, ldexp(z, sums->exponent), &excess)) {
#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
        for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK)
            a->parts[i / NRM_OPTIMIZER_BLOCK].sum[0] = block_sinh(a, z, i, nrm_min_i64(p->n, i + NRM_OPTIMIZER_BLOCK));
        excess = 0;
        for (int64_t b = 0; b < blocks_of(p->n); b++) excess += a->parts[b].sum[0] / (double)p->n;
    }
    return sqrt(1 + excess);
}

/* ---- The step --------------------------------------------------------------------------------------------------- */

/* W <- keep W - rate g; g and the rate in units of 2^exponent, so that both are in range. */
static void descend(const auon *a, double rate, int exponent)
{
    const nrm_rule_piece *p = a->p;
    nrm_momentum_factors f = a->f.momentum;

    f.direct = ldexp(f.direct, -exponent), f.through = ldexp(f.through, -exponent);
#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK)
        NRM_KERNEL(p->dtype, descend_momentum, nrm_min_i64(NRM_OPTIMIZER_BLOCK, p->n - i), &f, a->f.keep, rate,
                   nrm_matrix_const_at(p->dtype, a->x, i), nrm_matrix_const_at(p->dtype, p->state[0], i),
                   nrm_matrix_at(p->dtype, p->parameter, i));
}

/* x = Y: g after Newton-Schulz steps. */
static void orthogonalise(const nrm_auon_options *o, auon *a, int steps)
{
    nrm_newton_schulz_set schedule = *nrm_newton_schulz_set_find("muon");
    nrm_rule_piece behind = *a->p; /* the sums */

    behind.work = (unsigned char *)behind.work + sums_bytes(behind.n);
    schedule.default_steps = steps, schedule.eps = o->eps_norm;
    nrm_matrix_momentum(&behind, &a->f.momentum);
    a->x = nrm_matrix_orthogonalise(&behind, &schedule);
    a->f.momentum = (nrm_momentum_factors){.clip = 1, .momentum = 1, .rest = 0, .direct = 1, .through = 0};
}

static void update(const nrm_rule_piece *p)
{
    const nrm_auon_options *o = options_of(p->options);
    const bool vector = p->rows == 1 || p->cols == 1, hybrid = steps_of(o) > 0 && !vector, repo = o->variant == NRM_AUON_REPO;
    auon a = {.p = p, .x = p->gradient, .parts = p->work};
    double rate = 0;

    memcpy(&a.f, p->factors, sizeof a.f);
    if (steps_of(o) > 0 && vector) *p->remark = "a vector has nothing to orthogonalise: hybrid_steps counts as 0";
    if (hybrid) orthogonalise(o, &a, steps_of(o));
    const nrm_power_sums sums = all_sums(&a);
    const double norm = nrm_power_sums_norm(&sums);
    if (norm > 0) {
        const double X = hybrid && !repo ? 1 : norm + o->eps_norm, U = repo || hybrid ? 1 : X; /* what each is g over */
        const double r = brake(&a, &sums, gamma_of(o) / X);
        rate = ldexp(1, sums.exponent) / U * (a.f.eta * scale_of(o, p->rows, p->cols) / (r + o->eps_rms));
    }
    descend(&a, rate, sums.exponent);
}

/* ---- The two rules -------------------------------------------------------------------------------------------------- */

_Static_assert(sizeof(nrm_hybrid_auon_options) == sizeof(nrm_auon_options), "one list of options");

typedef nrm_auon_options nrm_this_options;
static const nrm_param auon_params[] = {NRM_AUON_OPTIONS(NRM_PARAM)};
static const nrm_method auon_method = {.name = "auon", .summary = "momentum over its norm and the mean of its cosh",
                                       .params = auon_params, .param_count = NRM_COUNT(auon_params),
                                       .options_size = sizeof(nrm_auon_options)};
const nrm_rule nrm_auon_rule = {.method = &auon_method, .matrix = true, .check = check_auon, .state = nrm_matrix_state, .factors = factors,
                                .update = update, .work = work};

static const nrm_param hybrid_params[] = {NRM_HYBRID_AUON_OPTIONS(NRM_PARAM)};
static const nrm_method hybrid_method = {.name = "hybrid-auon",
                                         .summary = "momentum, orthogonalised a little, over the mean of its cosh",
                                         .params = hybrid_params, .param_count = NRM_COUNT(hybrid_params),
                                         .options_size = sizeof(nrm_hybrid_auon_options)};
const nrm_rule nrm_hybrid_auon_rule = {.method = &hybrid_method, .matrix = true, .check = check_hybrid, .state = nrm_matrix_state,
                                       .factors = factors, .update = update, .work = work};
