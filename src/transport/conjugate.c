/* conjugate.c -- the two building blocks and the k-sparse projection as public functions.
 * Equations: norma/sparse_ot.h; the work is done in column.c. */
#include "method/descriptor.h"
#include "ot.h"

static nrm_status check(nrm_ctx *ctx, const char *who, int64_t m, const double *s, int64_t k, double gamma)
{
    int64_t where;
    char text[NRM_NUMBER_LENGTH];

    nrm_clear_message(ctx);
    nrm_format_f64(text, gamma);
    NRM_REQUIRE(ctx, s, NRM_E_NULL, "%s: the input vector must not be NULL", who);
    NRM_REQUIRE(ctx, m >= 1, NRM_E_SHAPE, "%s: m is %lld; m must be at least 1", who, NRM_LL(m));
    NRM_REQUIRE(ctx, k >= 1, NRM_E_RANGE, "%s: k is %lld; k must be at least 1", who, NRM_LL(k));
    NRM_REQUIRE(ctx, gamma > 0 && isfinite(gamma), NRM_E_RANGE, "%s: gamma is %s; gamma must be > 0 and finite", who,
                text);
    NRM_REQUIRE(ctx, nrm_all_finite_f64(s, m, &where), NRM_E_NONFINITE, "%s: entry %lld is NaN or infinite", who,
                NRM_LL(where));
    return NRM_OK;
}

/* A column with every s_i as a candidate. */
static nrm_status column_of(nrm_ctx *ctx, const char *who, int64_t m, const double *s, nrm_arena *arena,
                            nrm_ot_column *w)
{
    int slot[4];

    *arena = (nrm_arena){0};
    for (int i = 0; i < 4; i++) slot[i] = nrm_arena_add(arena, m, 8);
    NRM_TRY(nrm_arena_alloc(ctx, arena, who));
    *w = (nrm_ot_column){.count = m, .index = nrm_arena_at(arena, slot[0]), .value = nrm_arena_at(arena, slot[1]),
                         .order = nrm_arena_at(arena, slot[2]), .scratch = nrm_arena_at(arena, slot[3])};
    for (int64_t i = 0; i < m; i++) {
        w->index[i] = i;
        w->value[i] = s[i];
    }
    return NRM_OK;
}

static void scatter(const nrm_ot_column *w, int64_t m, double *t)
{
    if (!t) return;
    memset(t, 0, (size_t)m * sizeof *t);
    for (int64_t p = 0; p < w->count; p++) t[w->index[p]] = w->value[p];
}

nrm_status nrm_sparse_conjugate_positive(nrm_ctx *ctx, int64_t m, const double *s, int64_t k, double gamma,
                                         double *value, double *t)
{
    const char *who = "sparse-conjugate-positive";
    nrm_arena arena;
    nrm_ot_column w;

    NRM_TRY(check(ctx, who, m, s, k, gamma));
    NRM_REQUIRE(ctx, value, NRM_E_NULL, "%s: value must not be NULL", who);
    NRM_TRY(column_of(ctx, who, m, s, &arena, &w));
    *value = nrm_ot_column_positive(&w, k, gamma, 0);
    scatter(&w, m, t);
    nrm_arena_free(ctx, &arena);
    return NRM_OK;
}

static nrm_status maximise_mass(nrm_ctx *ctx, const char *who, int64_t m, const double *s, int64_t k, double gamma,
                                double mass, double *value, double *t, double *tau)
{
    nrm_arena arena;
    nrm_ot_column w;
    double threshold;

    NRM_TRY(column_of(ctx, who, m, s, &arena, &w));
    const double best = nrm_ot_column_mass(&w, k, gamma, mass, &threshold);
    if (value) *value = best;
    if (tau) *tau = threshold;
    scatter(&w, m, t);
    nrm_arena_free(ctx, &arena);
    return NRM_OK;
}

nrm_status nrm_sparse_conjugate_mass(nrm_ctx *ctx, int64_t m, const double *s, int64_t k, double gamma, double mass,
                                     double *value, double *t, double *tau)
{
    const char *who = "sparse-conjugate-mass";
    char text[NRM_NUMBER_LENGTH];

    NRM_TRY(check(ctx, who, m, s, k, gamma));
    nrm_format_f64(text, mass);
    NRM_REQUIRE(ctx, value, NRM_E_NULL, "%s: value must not be NULL", who);
    NRM_REQUIRE(ctx, mass > 0 && isfinite(mass), NRM_E_RANGE, "%s: mass is %s; mass must be > 0 and finite", who, text);
    NRM_REQUIRE(ctx, gamma * mass > 0 && isfinite(gamma * mass), NRM_E_OVERFLOW,
                "%s: mass is %s and its product with gamma overflows or vanishes; scale one of them", who, text);
    return maximise_mass(ctx, who, m, s, k, gamma, mass, value, t, tau);
}

nrm_status nrm_sparse_simplex_project(nrm_ctx *ctx, int64_t m, const double *x, int64_t k, double *p)
{
    const char *who = "sparse-simplex-project";

    NRM_TRY(check(ctx, who, m, x, k, 1));
    NRM_REQUIRE(ctx, p, NRM_E_NULL, "%s: p must not be NULL", who);
    return maximise_mass(ctx, who, m, x, k, 1, 1, NULL, p, NULL);
}

nrm_status nrm_sparse_simplex_jvp(nrm_ctx *ctx, int64_t m, const double *p, const double *v, double *w)
{
    int64_t size = 0;
    double sum = 0;

    nrm_clear_message(ctx);
    NRM_REQUIRE(ctx, p && v && w, NRM_E_NULL, "sparse-simplex-jvp: p, v and w must not be NULL");
    NRM_REQUIRE(ctx, m >= 1, NRM_E_SHAPE, "sparse-simplex-jvp: m is %lld; m must be at least 1", NRM_LL(m));
    for (int64_t i = 0; i < m; i++)
        if (p[i] != 0) sum += v[i], size++;
    const double mean = size > 0 ? sum / (double)size : 0;
    for (int64_t i = 0; i < m; i++) w[i] = p[i] != 0 ? v[i] - mean : 0;
    return NRM_OK;
}
