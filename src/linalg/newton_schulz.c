/* newton_schulz.c -- the Newton-Schulz iteration in f64 and f32.
 * Contract and equations: orthogonalise.h; the body: newton_schulz_typed.h.
 *
 * Departures from the plain formula: X is always brought into s x l form, so that G and G'
 * go through the very same products.  All matrices lie in panels (kernel/panels.h) from the
 * first step to the last.  Of symmetric matrices the lower triangle alone is computed, tile by
 * tile, and mirrored; X is turned on its diagonal once for each X X'.  A step is
 *     Z = a I + b A + c A^2,   X <- Z X.
 * The threads share tiles; no bit depends on how the matrix is cut into them.
 *
 * In (3) rounding in R grows with the slope of the polynomial at 0 squared, a step; a phase of
 * five steps keeps f32 as near to f64 as (2) is (tests/test_optim.c). */
#include "check.h"
#include "kernel/optimizer_kernels.h"
#include "kernel/panels.h"
#include "orthogonalise.h"
#include <omp.h>

enum {
    MOST_TILE = 256,   /* rows and columns of a product's tile: its part of a factor stays in the second cache */
    LEAST_TILE = 64,
    WORTH = 1 << 18,   /* elements from which threads share the passes between products, */
    WORTH_PRODUCTS = 1 << 24, /* and multiply-adds of a product from which they share anything */
    GRAM_ASPECT = 2,   /* l / s from which (3) is cheaper than (2) */
    PHASE = 5          /* steps of (3) before R is formed afresh */
};

/* What all products have in common; cancellation is looked for where ctx is not NULL. */
typedef struct place {
    nrm_ctx *ctx;
    const char *who;
    int step, steps, threads;
    int64_t tile;
    const nrm_matmul_kernel_f32 *kernel_f32;
    const nrm_matmul_kernel_f64 *kernel_f64;
} place;

/* Panels of n columns. */
static int64_t panels(int w, int64_t n) { return (n + w - 1) / w; }

static int64_t tiles(const place *at, int64_t n) { return (n + at->tile - 1) / at->tile; }

static int64_t lower_tiles(const place *at, int64_t s) { return tiles(at, s) * (tiles(at, s) + 1) / 2; }

/* Tiles are as large as leaves enough of them for the threads. */
static place place_of(nrm_ctx *ctx, const char *who, int64_t s, int64_t l, int steps, int threads)
{
    if ((double)s * (double)s * (double)l < WORTH_PRODUCTS) threads = 1;
    place at = {.ctx = ctx, .who = who, .steps = steps, .threads = threads, .tile = MOST_TILE,
                .kernel_f32 = nrm_matmul_kernel_f32_for(nrm_cpu_isa()), .kernel_f64 = nrm_matmul_kernel_f64_for(nrm_cpu_isa())};

    while (threads > 1 && at.tile > LEAST_TILE && lower_tiles(&at, s) < 4 * threads) at.tile /= 2;
    return at;
}

/* Between pieces, on the calling thread: shall all stop? */
static bool stopped(const place *at, nrm_ctx *ctx, bool *stop)
{
    bool now;
    if (ctx && omp_get_thread_num() == 0 && nrm_tick(ctx, "Newton-Schulz", at->step, at->steps, NULL, NAN)) {
#pragma omp atomic write
        *stop = true;
    }
#pragma omp atomic read
    now = *stop;
    return now;
}

/* Piece t of a pass or product. */
typedef void piece(const void *job, int64_t t);

/* All pieces; by all threads only if that pays: a parallel region for one thread alone costs
 * as much as a pass through a small matrix.  False: stopped, which happens only given ctx. */
static bool share(const place *at, nrm_ctx *ctx, bool pays, int64_t count, piece *run, const void *job)
{
    bool stop = false;

    if (at->threads > 1 && pays && count > 1) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(at->threads)
        for (int64_t t = 0; t < count; t++)
            if (!stopped(at, ctx, &stop)) run(job, t);
    } else {
        for (int64_t t = 0; t < count && !stopped(at, ctx, &stop); t++) run(job, t);
    }
    return !stop;
}

static nrm_status cancelled(const place *at)
{
    return nrm_fail(at->ctx, NRM_E_CANCELLED, "%s: stopped at Newton-Schulz step %d of %d", at->who, at->step,
                    at->steps);
}

static nrm_tile tile_at(const place *at, int64_t m, int64_t n, int64_t down, int64_t across)
{
    const int64_t top = down * at->tile, left = across * at->tile;
    return (nrm_tile){top, left, nrm_min_i64(at->tile, m - top), nrm_min_i64(at->tile, n - left)};
}

/* Tile t of a lower triangle, counted row by row. */
static nrm_tile lower_tile(const place *at, int64_t s, int64_t t)
{
    int64_t i = 0;
    for (; t > i; i++) t -= i + 1;
    return tile_at(at, s, s, i, t);
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

static int64_t square_count(int64_t s, int64_t l) { return gram_form(s, l) ? 4 : 2; }

/* X twice, and the squares; in the wider panels of the two types. */
int64_t nrm_newton_schulz_work(int64_t m, int64_t n)
{
    const int w = nrm_matmul_kernel_f32_for(nrm_cpu_isa())->panel;
    const int64_t s = nrm_min_i64(m, n), l = nrm_max_i64(m, n), area = nrm_panels_size(w, s, l), square = nrm_panels_size(w, s, s);
    int64_t work;
    if (area < 0 || square < 0 || square > INT64_MAX / 8 || area > INT64_MAX / 8 ||
        !nrm_add_size(2 * area, square_count(s, l) * square, &work))
        return -1;
    return work;
}

#define REAL double
#define TYPED(name) name##_f64
#define KERNELS_FOR nrm_optimizer_kernels_f64_for
#include "newton_schulz_typed.h"
#undef REAL
#undef TYPED
#undef KERNELS_FOR

#define REAL float
#define TYPED(name) name##_f32
#define KERNELS_FOR nrm_optimizer_kernels_f32_for
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
    const place at = place_of(ctx, who, s, l, 0, nrm_threads(ctx));
    const int w = at.kernel_f64->panel;
    nrm_arena arena = {0};

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, m, n, x, ld));
    const int copy_slot = nrm_arena_add(&arena, nrm_panels_size(w, s, l), sizeof(double));
    const int turned_slot = nrm_arena_add(&arena, nrm_panels_size(w, s, l), sizeof(double));
    const int gram_slot = nrm_arena_add(&arena, nrm_panels_size(w, s, s), sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    double *copy = nrm_arena_at(&arena, copy_slot), *gram = nrm_arena_at(&arena, gram_slot);
    into_panels_f64(&at, m, n, x, ld, copy);
    const bool done = own_product_f64(&at, s, l, copy, nrm_arena_at(&arena, turned_slot), gram);
    if (done) *residual = residual_f64(&at, s, gram);
    nrm_arena_free(ctx, &arena);
    return done ? NRM_OK : cancelled(&at);
}
