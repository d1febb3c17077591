/* matrix_step.c -- the pieces of a step that orthogonalises.  Contract: matrix_step.h. */
#include "matrix_step.h"

/* ---- Options --------------------------------------------------------------------------------------- */

nrm_status nrm_matrix_check(nrm_ctx *ctx, const char *who, const nrm_matrix_options *o)
{
    NRM_REQUIRE(ctx, o->safety == 0 || o->safety >= 1, NRM_E_RANGE,
                "%s: safety is %g; singular values must not exceed 1: it must be >= 1, or 0 for that of the coefficients", who,
                o->safety);
    return NRM_OK;
}

nrm_momentum_factors nrm_matrix_momentum_factors(double momentum, bool sum, bool nesterov, double clip)
{
    const double rest = sum ? 1 : 1 - momentum;
    return (nrm_momentum_factors){.clip = clip, .momentum = momentum, .rest = rest, .direct = nesterov ? rest : 0,
                                  .through = nesterov ? momentum : 1};
}

/* The momentum of step t rises from momentum_start in a straight line. */
static double momentum_at(const nrm_matrix_options *o, int64_t t)
{
    if (t > o->momentum_warmup) return o->momentum;
    return o->momentum_start + (o->momentum - o->momentum_start) * ((double)(t - 1) / (double)o->momentum_warmup);
}

nrm_matrix_factors nrm_matrix_step_factors(const nrm_matrix_options *o, const nrm_rule_moment *now)
{
    const double eta = o->lr * now->factor;
    return (nrm_matrix_factors){.momentum = nrm_matrix_momentum_factors(momentum_at(o, now->t), o->momentum_form == NRM_MOMENTUM_SUM,
                                                                        o->nesterov, now->clip),
                                .eta = eta, .keep = 1 - eta * o->weight_decay};
}

void nrm_matrix_rule_factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_matrix_factors f = nrm_matrix_step_factors(nrm_matrix_options_of(options), now);
    memcpy(out, &f, sizeof f);
}

bool nrm_matrix_state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    (void)options, (void)rows, (void)cols;
    *s = (nrm_rule_state){.suffix = "m"};
    return i == 0;
}

double nrm_matrix_scale_of(int scale, int64_t rows, int64_t cols)
{
    const double m = (double)rows, n = (double)cols;
    switch (scale) {
    case NRM_MATRIX_SCALE_SPECTRAL: return sqrt(m / n);
    case NRM_MATRIX_SCALE_RMS: return 0.2 * sqrt(fmax(m, n));
    case NRM_MATRIX_SCALE_NONE: return 1;
    default: return sqrt(fmax(1, m / n));
    }
}

/* The words of the option are the names of the sets. */
nrm_newton_schulz_set nrm_matrix_schedule(const nrm_matrix_options *o)
{
#define NRM_SET_NAME(constant, word) word,
    static const char *const name[] = {NRM_ORTHOGONALISERS(NRM_SET_NAME)};
    nrm_newton_schulz_set schedule = {.name = "exact"};

    if (o->coefficients != NRM_ORTHOGONALISE_EXACT) schedule = *nrm_newton_schulz_set_find(name[o->coefficients]);
    return nrm_matrix_adjusted(o, schedule);
}

nrm_newton_schulz_set nrm_matrix_adjusted(const nrm_matrix_options *o, nrm_newton_schulz_set schedule)
{
    if (o->steps > 0) schedule.default_steps = (int)o->steps;
    if (o->eps > 0) schedule.eps = o->eps;
    if (o->safety > 0) schedule.safety = o->safety;
    return schedule;
}

/* ---- Orthogonalisation ------------------------------------------------------------------------------- */

int64_t nrm_matrix_work(bool exact, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    const int64_t size = (int64_t)nrm_dtype_size(dtype);
    int64_t bytes, polar = 0;

    if (!nrm_mul_size(nrm_newton_schulz_work(rows, cols), size, &bytes) || bytes > INT64_MAX - 64) return -1;
    if (!exact) return nrm_padded(bytes);
    if (!nrm_mul_size(nrm_polar_work(rows, cols), (int64_t)sizeof(double), &polar)) return -1;
    return nrm_add_size(nrm_padded(rows * cols * size), polar, &bytes) && bytes <= INT64_MAX - 64 ? nrm_padded(bytes) : -1;
}

/* The polar factor, found in f64 behind U, back in U. */
static void *exact(const nrm_rule_piece *p)
{
    double *wide = (double *)((unsigned char *)p->work + nrm_padded(p->n * (int64_t)nrm_dtype_size(p->dtype)));

    for (int64_t i = 0; i < p->n; i++) wide[i] = nrm_real_get(p->dtype, p->work, i);
    nrm_polar_run(p->rows, p->cols, wide);
    for (int64_t i = 0; i < p->n; i++) nrm_real_set(p->dtype, p->work, i, wide[i]);
    return p->work;
}

void *nrm_matrix_orthogonalise(const nrm_rule_piece *p, const nrm_newton_schulz_set *schedule)
{
    if (!schedule->step) return exact(p);
    if (p->dtype == NRM_F32) return nrm_newton_schulz_run_f32(p->rows, p->cols, p->work, schedule, 0, p->threads);
    return nrm_newton_schulz_run_f64(p->rows, p->cols, p->work, schedule, 0, p->threads);
}

/* ---- Passes --------------------------------------------------------------------------------------------- */

void *nrm_matrix_momentum(const nrm_rule_piece *p, const nrm_momentum_factors *f)
{
#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK)
        NRM_KERNEL(p->dtype, momentum, nrm_min_i64(NRM_OPTIMIZER_BLOCK, p->n - i), f, nrm_matrix_const_at(p->dtype, p->gradient, i),
                   nrm_matrix_at(p->dtype, p->state[0], i), nrm_matrix_at(p->dtype, p->work, i));
    return p->work;
}

void nrm_matrix_descend(const nrm_rule_piece *p, double keep, bool cautious, double rate, const void *o)
{
#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK) {
        const int64_t n = nrm_min_i64(NRM_OPTIMIZER_BLOCK, p->n - i);
        const void *d = nrm_matrix_const_at(p->dtype, o, i);
        void *w = nrm_matrix_at(p->dtype, p->parameter, i);
        if (cautious) NRM_KERNEL(p->dtype, descend_cautious, n, keep, rate, d, w);
        else NRM_KERNEL(p->dtype, descend, n, keep, rate, d, w);
    }
}
