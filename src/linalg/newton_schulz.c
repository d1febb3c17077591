/* newton_schulz.c -- the Newton-Schulz iteration in f64 and f32.
 * Contract and equations: orthogonalise.h; the body: newton_schulz_typed.h.
 *
 * Departures from the plain formula: X is always brought into s x l form, so that G and G'
 * go through the very same products.  Of symmetric matrices the lower triangle alone is
 * computed, tile by tile, and mirrored; a step is X <- (a I + b A + c A^2) X, one product.
 * Tiles have a fixed size and one BLAS thread each: the threads share tiles, and no bit
 * depends on how many they are.
 *
 * In (3) rounding in R grows with the slope of the polynomial at 0 squared, a step; a phase of
 * five steps keeps f32 as near to f64 as (2) is (tests/test_optim.c). */
#include "check.h"
#include "linalg.h"
#include "orthogonalise.h"
#include <cblas.h>
#include <omp.h>

enum {
    TILE = 256,        /* rows and columns of a product's tile: BLAS is at full speed from here on */
    TURN = 32,         /* of the square pieces in which matrices are transposed */
    GRAM_ASPECT = 2,   /* l / s from which (3) is cheaper than (2) */
    PHASE = 5          /* steps of (3) before R is formed afresh */
};

/* Where cancellation is looked for; ctx NULL: nowhere. */
typedef struct place { nrm_ctx *ctx; const char *who; int step, steps, threads; } place;

/* Between tiles, on the calling thread: shall all stop? */
static bool stopped(const place *at, bool *stop)
{
    bool now;
    if (at->ctx && omp_get_thread_num() == 0 && nrm_tick(at->ctx, "Newton-Schulz", at->step, at->steps, NULL, NAN)) {
#pragma omp atomic write
        *stop = true;
    }
#pragma omp atomic read
    now = *stop;
    return now;
}

static nrm_status cancelled(const place *at)
{
    return nrm_fail(at->ctx, NRM_E_CANCELLED, "%s: stopped at Newton-Schulz step %d of %d", at->who, at->step,
                    at->steps);
}

static int64_t tiles(int64_t n) { return (n + TILE - 1) / TILE; }

/* Tile t of a lower triangle, counted row by row, by its top left corner. */
static void lower_tile(int64_t t, int64_t *top, int64_t *left)
{
    int64_t i = 0;
    for (; t > i; i++) t -= i + 1;
    *top = i * TILE;
    *left = t * TILE;
}

static nrm_status check_set(nrm_ctx *ctx, const char *who, const nrm_newton_schulz_set *set, int steps)
{
    NRM_REQUIRE(ctx, set && set->step && set->step_count > 0, NRM_E_NULL,
                "%s: the coefficient set is NULL; find one by name", who);
    NRM_REQUIRE(ctx, steps >= 0, NRM_E_RANGE, "%s: steps is %d; it must be >= 0, 0 for the set's own number",
                who, steps);
    return NRM_OK;
}

static nrm_quintic coefficients(const nrm_newton_schulz_set *set, int k)
{
    return set->step[k < set->step_count ? k : set->step_count - 1];
}

static bool gram_form(int64_t s, int64_t l) { return l / s >= GRAM_ASPECT; }

int64_t nrm_newton_schulz_work(int64_t m, int64_t n)
{
    const int64_t s = nrm_min_i64(m, n);
    int64_t area, square, work;
    if (!nrm_mul_size(m, n, &area) || !nrm_mul_size(s, s, &square) || square > INT64_MAX / 8 ||
        area > INT64_MAX / 8 || !nrm_add_size(2 * area, (gram_form(s, nrm_max_i64(m, n)) ? 4 : 2) * square, &work))
        return -1;
    return work;
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
    const place at = {ctx, who, 0, 0, nrm_threads(ctx)};
    nrm_arena arena = {0};

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, m, n, x, ld));
    const int copy_slot = nrm_arena_add(&arena, s * l, sizeof(double));
    const int gram_slot = nrm_arena_add(&arena, s * s, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    double *copy = nrm_arena_at(&arena, copy_slot), *gram = nrm_arena_at(&arena, gram_slot);
    scaled_f64(m, n, x, ld, copy, m > n, 1, 1);
    const nrm_blas_scope scope = nrm_blas_enter_single();
    const bool done = lower_product_f64(&at, s, l, copy, copy, 1, 0, gram);
    nrm_blas_leave(scope);
    if (done) *residual = residual_f64(s, gram);
    nrm_arena_free(ctx, &arena);
    return done ? NRM_OK : cancelled(&at);
}
