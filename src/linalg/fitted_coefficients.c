/* fitted_coefficients.c -- table, fit, and choice.  Contract: fitted_coefficients.h.
 *
 * He et al., "ROOT", 2025, arXiv 2511.20626.  Departures: shapes without an entry are fitted,
 * where the authors' program falls back on Muon's triple; and an entry must pass the guard. */
#include "fitted_coefficients.h"
#include "polar_express.h"

enum { TABLE_STEPS = 5, MOST_STEPS = 100 };
static const double GUARD = 0.1; /* share of the guard in what is fitted to */

static const struct entry { int64_t s, l; nrm_quintic triple; } table[] = {
    {2048, 2048, {3.4916, -4.8224, 2.1095}},
    {2048, 3072, {3.4509, -4.5790, 1.9325}},
    {2048, 8192, {2.9794, -3.6674, 1.6207}},
    {2048, 16384, {3.1943, -3.8221, 1.5322}},
};

nrm_newton_schulz_set nrm_fitted_set(const nrm_fitted_coefficients *made)
{
    return (nrm_newton_schulz_set){.name = made->source, .source = "fitted_coefficients.c", .step = made->step,
                                   .step_count = made->step_count, .default_steps = made->steps,
                                   .safety = made->safety, .eps = made->eps};
}

/* With the normalisation of Muon, its sup, and its error where there is a spectrum. */
static void complete(nrm_fitted_coefficients *c, const char *source, int steps, const nrm_spectrum *spectrum)
{
    c->source = source;
    c->steps = steps;
    if (c->safety == 0) c->safety = 1, c->eps = 1e-7;
    c->sup = nrm_newton_schulz_sup(c->step, c->step_count, steps, &c->sup_at);
    const nrm_newton_schulz_set set = nrm_fitted_set(c);
    c->error = spectrum ? nrm_spectrum_error(spectrum, &set, steps) : (double)NAN;
}

static bool from_table(const nrm_spectrum_source *source, int steps, bool allow_unbounded, const nrm_spectrum *plain,
                       nrm_fitted_coefficients *made)
{
    const int64_t s = nrm_min_i64(source->rows, source->cols), l = nrm_max_i64(source->rows, source->cols);

    if (steps != TABLE_STEPS || source->count > 0) return false; /* made for another spectrum or polynomial */
    for (int i = 0; i < NRM_COUNT(table); i++) {
        if (table[i].s != s || table[i].l != l) continue;
        *made = (nrm_fitted_coefficients){.step = {table[i].triple}, .step_count = 1, .objective = NAN};
        complete(made, "table", steps, plain);
        return allow_unbounded || made->sup <= NRM_FIT_BOUND;
    }
    return false;
}

static nrm_status fitted(nrm_ctx *ctx, const char *who, const nrm_spectrum_source *source, int steps, bool each,
                         const nrm_spectrum *plain, nrm_fitted_coefficients *made)
{
    nrm_newton_schulz_fit fit;
    nrm_spectrum guarded;

    NRM_TRY(nrm_spectrum_create(ctx, who, source, GUARD, &guarded));
    const nrm_status st = nrm_newton_schulz_fit_run(ctx, who, &guarded, steps, each, &fit);
    nrm_spectrum_destroy(ctx, &guarded);
    if (st < 0) return st;
    *made = (nrm_fitted_coefficients){.step_count = fit.step_count, .objective = fit.objective,
                                      .iterations = fit.iterations};
    memcpy(made->step, fit.step, (size_t)fit.step_count * sizeof *fit.step);
    complete(made, "fit", steps, plain);
    return NRM_OK;
}

/* The named set where it has as many steps, else one generated like it. */
static nrm_status polar_express(nrm_ctx *ctx, const char *who, int steps, const nrm_spectrum *plain,
                                nrm_fitted_coefficients *made)
{
    const nrm_newton_schulz_set *named = nrm_newton_schulz_set_find("polar_express");
    const nrm_polar_express_options o = {1e-3, steps, 0.02, 0.02};

    *made = (nrm_fitted_coefficients){.step_count = steps, .safety = named->safety, .eps = named->eps, .objective = NAN};
    if (steps == named->step_count) memcpy(made->step, named->step, (size_t)steps * sizeof *named->step);
    else NRM_TRY(nrm_polar_express(ctx, who, &o, made->step, NULL));
    complete(made, "polar_express", steps, plain);
    return NRM_OK;
}

nrm_status nrm_fit_coefficients(nrm_ctx *ctx, const char *who, nrm_fit_kind kind, const nrm_spectrum_source *source,
                                int steps, bool allow_unbounded, nrm_fitted_coefficients *made)
{
    nrm_fitted_coefficients found, other;
    nrm_spectrum plain;
    nrm_status st = NRM_OK;

    NRM_REQUIRE(ctx, steps >= 1 && steps <= NRM_FIT_STEPS, NRM_E_RANGE,
                "%s: steps is %d; it must be from 1 to %d for fitted coefficients", who, steps, NRM_FIT_STEPS);
    NRM_TRY(nrm_spectrum_create(ctx, who, source, 0, &plain));
    if (kind != NRM_FIT_TABLE || !from_table(source, steps, allow_unbounded, &plain, &found))
        NRM_TRY_DONE(fitted(ctx, who, source, steps, kind == NRM_FIT_EACH, &plain, &found));
    if (kind == NRM_FIT_BEST) {
        NRM_TRY_DONE(polar_express(ctx, who, steps, &plain, &other));
        if (other.error < found.error) {
            other.iterations = found.iterations;
            found = other;
        }
    }
    *made = found;
done:
    nrm_spectrum_destroy(ctx, &plain);
    return st;
}

nrm_status nrm_given_coefficients(nrm_ctx *ctx, const char *who, int64_t count, const double *triples, int steps,
                                  bool allow_unbounded, nrm_fitted_coefficients *made)
{
    nrm_fitted_coefficients c = {.objective = NAN};
    int64_t where;

    NRM_REQUIRE(ctx, triples && count >= 1 && count <= NRM_FIT_STEPS, NRM_E_SHAPE,
                "%s: %lld triples of coefficients are given; give from 1 to %d", who, NRM_LL(triples ? count : 0),
                NRM_FIT_STEPS);
    NRM_REQUIRE(ctx, steps >= 1 && steps <= MOST_STEPS, NRM_E_RANGE, "%s: steps is %d; it must be from 1 to %d", who, steps,
                MOST_STEPS);
    NRM_REQUIRE(ctx, nrm_all_finite_f64(triples, 3 * count, &where), NRM_E_NONFINITE,
                "%s: triples[%lld,%lld] is NaN or Inf; coefficients must be finite", who, NRM_LL(where / 3),
                NRM_LL(where % 3));
    c.step_count = (int)count;
    for (int k = 0; k < c.step_count; k++)
        c.step[k] = (nrm_quintic){triples[3 * k], triples[3 * k + 1], triples[3 * k + 2]};
    complete(&c, "given", steps, NULL);
    NRM_REQUIRE(ctx, allow_unbounded || c.sup <= NRM_FIT_BOUND, NRM_E_RANGE,
                "%s: within %d steps these coefficients bring the singular value %.4g to %.4g; none may exceed %g: choose "
                "others, or set allow_unbounded", who, steps, c.sup_at, c.sup, NRM_FIT_BOUND);
    *made = c;
    return NRM_OK;
}
