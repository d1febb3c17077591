/* newton_schulz.c -- the Newton-Schulz iteration in f64 and f32.
 * Contract and equations: orthogonalise.h; the body: newton_schulz_typed.h.
 *
 * Departure from the plain formula: X is always copied into s x l form, so that G and G'
 * go through the very same products, and A is formed by its lower triangle alone (syrk),
 * as is A^2 = A A'; symm then reads one triangle.  Products are cut into panels of about
 * PANEL_FLOPS so that a cancellation is seen in time. */
#include "check.h"
#include "linalg.h"
#include "orthogonalise.h"
#include <cblas.h>

static const double PANEL_FLOPS = 2e9;
enum { LEAST_PANEL = 64 };

/* Columns of a panel of an s-row product of 2 s^2 flops a column. */
static int64_t panel_width(int64_t s)
{
    const double width = PANEL_FLOPS / (2.0 * (double)s * (double)s);
    return width < LEAST_PANEL ? LEAST_PANEL : width > 0x1p30 ? INT64_C(1) << 30 : (int64_t)width;
}

typedef struct place { nrm_ctx *ctx; const char *who; int step, steps; } place;

static nrm_status check_cancel(const place *at)
{
    NRM_REQUIRE(at->ctx, !nrm_tick(at->ctx, "Newton-Schulz", at->step, at->steps, NULL, NAN), NRM_E_CANCELLED,
                "%s: stopped at Newton-Schulz step %d of %d", at->who, at->step, at->steps);
    return NRM_OK;
}

static nrm_status check_set(nrm_ctx *ctx, const char *who, const nrm_newton_schulz_set *set, int steps)
{
    NRM_REQUIRE(ctx, set && set->step && set->step_count > 0, NRM_E_NULL,
                "%s: the coefficient set is NULL; find one by name", who);
    NRM_REQUIRE(ctx, steps >= 0, NRM_E_RANGE, "%s: steps is %d; it must be >= 0, 0 for the set's own number",
                who, steps);
    return NRM_OK;
}

#define REAL double
#define TYPED(name) name##_f64
#define CBLAS(name) cblas_d##name
#include "newton_schulz_typed.h"
#undef REAL
#undef TYPED
#undef CBLAS

#define REAL float
#define TYPED(name) name##_f32
#define CBLAS(name) cblas_s##name
#include "newton_schulz_typed.h"

nrm_status nrm_newton_schulz(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *x, int64_t ld,
                             const nrm_newton_schulz_set *set, int steps, double *residual)
{
    NRM_TRY(check_set(ctx, who, set, steps));
    return run_f64(ctx, who, m, n, x, ld, set, steps > 0 ? steps : set->default_steps, residual);
}

nrm_status nrm_newton_schulz_f32(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, float *x, int64_t ld,
                                 const nrm_newton_schulz_set *set, int steps, double *residual)
{
    NRM_TRY(check_set(ctx, who, set, steps));
    return run_f32(ctx, who, m, n, x, ld, set, steps > 0 ? steps : set->default_steps, residual);
}

nrm_status nrm_orthogonality_residual(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *x,
                                      int64_t ld, double *residual)
{
    const int64_t s = nrm_min_i64(m, n), l = nrm_max_i64(m, n);
    const place at = {ctx, who, 0, 0};
    nrm_arena arena = {0};
    nrm_status st;

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, m, n, x, ld));
    const int copy_slot = nrm_arena_add(&arena, s * l, sizeof(double));
    const int gram_slot = nrm_arena_add(&arena, s * s, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    double *copy = nrm_arena_at(&arena, copy_slot), *gram = nrm_arena_at(&arena, gram_slot);
    load_f64(m, n, x, ld, copy, 1, 1);
    const nrm_blas_scope scope = nrm_blas_enter(ctx);
    st = gram_f64(&at, s, l, copy, gram);
    nrm_blas_leave(scope);
    if (st >= 0) *residual = residual_f64(s, gram);
    nrm_arena_free(ctx, &arena);
    return st;
}
