/* sketch.c -- Gaussian, SRHT and CountSketch.  Contract: sketch.h.
 *
 * Every random number is read at a fixed place of its Philox stream (block number), so the
 * work can be cut anywhere.  The cuts themselves -- blocks of rows, tiles of the product,
 * panels of columns -- are fixed sizes, never shares of the thread count, and each piece is
 * computed by one thread: that fixes every rounding.
 *
 *   gaussian     S_ij is the normal of block i-of-A * m + row-of-S
 *   srht         signs: one bit each from blocks 0, 1, ...; rows: from block CHOICE on
 *   countsketch  column i of S: block i gives the sign and the row */
#include "sketch.h"
#include "base/random.h"
#include "check.h"
#include "linalg.h"
#include "transform.h"
#include <cblas.h>
#include <omp.h>

enum { TILE_M = 64, TILE_D = 256 };
static const int64_t WORTH_A_TEAM = 20000; /* inner steps; waking threads costs about 10 us */
static const uint64_t CHOICE = UINT64_C(1) << 62;

typedef struct job {
    nrm_ctx *ctx;
    const char *who;
    uint64_t seed, stream;
    int64_t m, n, d, lda;
    const double *a;
    double *sa; /* m x d, contiguous, cleared */
    int threads;
} job;

static nrm_rng rng_at(const job *j, uint64_t block)
{
    nrm_rng rng = nrm_rng_make(j->seed, j->stream);
    rng.block = block;
    return rng;
}

static nrm_status check_cancel(const job *j, int64_t done, int64_t total)
{
    NRM_REQUIRE(j->ctx, !nrm_tick(j->ctx, "sketch", (double)done, (double)total, NULL, NAN), NRM_E_CANCELLED,
                "%s: stopped at %lld of %lld of a sketch", j->who, NRM_LL(done), NRM_LL(total));
    return NRM_OK;
}

/* ---- Gaussian ------------------------------------------------------------------------------- */

/* Rows `first` .. `first + count - 1` of S' (count x m). */
static void gaussian_rows(const job *j, int64_t first, int64_t count, double *st)
{
    const double scale = 1 / sqrt((double)j->m);
#pragma omp parallel for num_threads(j->threads) schedule(static) if (count * j->m > WORTH_A_TEAM / 16)
    for (int64_t i = 0; i < count; i++) {
        nrm_rng rng = rng_at(j, (uint64_t)(first + i) * (uint64_t)j->m);
        for (int64_t r = 0; r < j->m; r++) st[i * j->m + r] = scale * nrm_rng_normal(&rng);
    }
}

/* sa += S[:, block] a[block, :], tile by tile, each tile by a BLAS call on one thread. */
static void gaussian_product(const job *j, int64_t first, int64_t count, const double *st)
{
    const int64_t down = (j->m + TILE_M - 1) / TILE_M, across = (j->d + TILE_D - 1) / TILE_D;
#pragma omp parallel num_threads(j->threads) if (count * j->m > WORTH_A_TEAM / j->d)
    {
        const int before = omp_get_max_threads();
        omp_set_num_threads(1); /* a team of one counts as no team for OpenBLAS */
#pragma omp for schedule(dynamic)
        for (int64_t tile = 0; tile < down * across; tile++) {
            const int64_t r = tile / across * TILE_M, c = tile % across * TILE_D;
            cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)nrm_min_i64(TILE_M, j->m - r),
                        (int)nrm_min_i64(TILE_D, j->d - c), (int)count, 1, st + r, (int)j->m,
                        j->a + first * j->lda + c, (int)j->lda, 1, j->sa + r * j->d + c, (int)j->d);
        }
        omp_set_num_threads(before);
    }
}

static nrm_status gaussian(const job *j)
{
    /* About a million normals between two looks at the cancel flag; a function of m alone. */
    const int64_t block = nrm_max_i64(8, nrm_min_i64(256, (1 << 20) / j->m));
    double *st_rows;
    nrm_status st = NRM_OK;

    NRM_TRY(NRM_ALLOC(j->ctx, st_rows, block * j->m, j->who));
    for (int64_t first = 0; first < j->n; first += block) {
        const int64_t count = nrm_min_i64(block, j->n - first);
        NRM_TRY_DONE(check_cancel(j, first, j->n));
        gaussian_rows(j, first, count, st_rows);
        gaussian_product(j, first, count, st_rows);
    }
done:
    nrm_free(j->ctx, st_rows);
    return st;
}

/* ---- SRHT ----------------------------------------------------------------------------------- */

/* The sign of row i of A: bit i of the stream. */
static void signs(const job *j, double *sign)
{
    for (int64_t i = 0; i < j->n; i += 128) {
        nrm_rng rng = rng_at(j, (uint64_t)(i / 128));
        for (int64_t word = 0; word < 4; word++) {
            const uint32_t bits = nrm_rng_u32(&rng);
            for (int64_t b = 0; b < 32; b++)
                if (i + 32 * word + b < j->n) sign[i + 32 * word + b] = bits >> b & 1 ? -1 : 1;
        }
    }
}

static void srht_panel(const job *j, int64_t padded, int64_t number, const double *sign, const int64_t *rows,
                       double *panel)
{
    const int64_t first = number * NRM_PANEL, width = nrm_min_i64(NRM_PANEL, j->d - first);
    const double scale = 1 / sqrt((double)j->m);

    memset(panel, 0, (size_t)(padded * NRM_PANEL) * sizeof *panel);
    for (int64_t i = 0; i < j->n; i++)
        for (int64_t c = 0; c < width; c++) panel[i * NRM_PANEL + c] = sign[i] * j->a[i * j->lda + first + c];
    nrm_hadamard_panel(panel, padded);
    for (int64_t r = 0; r < j->m; r++)
        for (int64_t c = 0; c < width; c++) j->sa[r * j->d + first + c] = scale * panel[rows[r] * NRM_PANEL + c];
}

static nrm_status srht(const job *j)
{
    const int64_t padded = nrm_next_power_of_two(j->n), panels = (j->d + NRM_PANEL - 1) / NRM_PANEL;
    const int64_t threads = nrm_max_i64(1, nrm_min_i64(j->threads, panels));
    nrm_arena arena = {0};
    nrm_status st;

    NRM_REQUIRE(j->ctx, j->m <= padded, NRM_E_RANGE, "%s: an SRHT to %lld rows of %lld (padded to %lld); it "
                "draws rows without replacement: ask for %lld or fewer", j->who, NRM_LL(j->m), NRM_LL(j->n),
                NRM_LL(padded), NRM_LL(padded));
    const int sign_slot = nrm_arena_add(&arena, j->n, sizeof(double));
    const int row_slot = nrm_arena_add(&arena, j->m, sizeof(int64_t));
    const int panel_slot = nrm_arena_add(&arena, threads * padded, NRM_PANEL * sizeof(double));
    NRM_TRY(nrm_arena_alloc(j->ctx, &arena, j->who));
    double *sign = nrm_arena_at(&arena, sign_slot), *panel = nrm_arena_at(&arena, panel_slot);
    int64_t *rows = nrm_arena_at(&arena, row_slot);

    nrm_rng choice = rng_at(j, CHOICE);
    signs(j, sign);
    NRM_TRY_DONE(nrm_rng_choice(j->ctx, &choice, rows, j->m, padded));
    for (int64_t first = 0; first < panels; first += threads) { /* one panel a thread */
        const int64_t round = nrm_min_i64(threads, panels - first);
        NRM_TRY_DONE(check_cancel(j, first, panels));
#pragma omp parallel for num_threads((int)threads) schedule(static, 1) if (padded * NRM_PANEL > WORTH_A_TEAM)
        for (int64_t t = 0; t < round; t++)
            srht_panel(j, padded, first + t, sign, rows, panel + t * padded * NRM_PANEL);
    }
done:
    nrm_arena_free(j->ctx, &arena);
    return st;
}

/* ---- CountSketch ------------------------------------------------------------------------------ */

enum { COUNT_ROWS = 8192, COUNT_COLUMNS = 64 };

static nrm_status countsketch(const job *j)
{
    const int64_t panels = (j->d + COUNT_COLUMNS - 1) / COUNT_COLUMNS;
    int64_t *target;
    nrm_status st = NRM_OK;

    NRM_TRY(NRM_ALLOC(j->ctx, target, COUNT_ROWS, j->who));
    for (int64_t first = 0; first < j->n; first += COUNT_ROWS) {
        const int64_t count = nrm_min_i64(COUNT_ROWS, j->n - first);
        NRM_TRY_DONE(check_cancel(j, first, j->n));
        for (int64_t i = 0; i < count; i++) { /* row r, or ~r for the sign -1 */
            nrm_rng rng = rng_at(j, (uint64_t)(first + i));
            const bool negative = nrm_rng_u32(&rng) & 1;
            const int64_t row = nrm_rng_below(&rng, j->m);
            target[i] = negative ? ~row : row;
        }
#pragma omp parallel for num_threads(j->threads) schedule(static) if (count * j->d > WORTH_A_TEAM)
        for (int64_t p = 0; p < panels; p++)
            for (int64_t i = 0; i < count; i++) {
                const double sign = target[i] < 0 ? -1 : 1;
                const int64_t end = nrm_min_i64((p + 1) * COUNT_COLUMNS, j->d);
                const double *from = j->a + (first + i) * j->lda;
                double *to = j->sa + (target[i] < 0 ? ~target[i] : target[i]) * j->d;
                for (int64_t c = p * COUNT_COLUMNS; c < end; c++) to[c] += sign * from[c];
            }
    }
done:
    nrm_free(j->ctx, target);
    return st;
}

/* ---- The door ----------------------------------------------------------------------------------- */

static size_t span(int64_t rows, int64_t cols, int64_t ld)
{
    return rows > 0 && cols > 0 ? (size_t)((rows - 1) * ld + cols) * sizeof(double) : 0;
}

nrm_status nrm_sketch(nrm_ctx *ctx, const char *who, nrm_sketch_kind kind, uint64_t seed, uint64_t stream,
                      int64_t m, int64_t n, int64_t d, const double *a, int64_t lda, double *sa, int64_t ldsa)
{
    job j = {.ctx = ctx, .who = who, .seed = seed, .stream = stream, .m = m, .n = n, .d = d, .lda = lda, .a = a,
             .threads = nrm_threads(ctx)};
    int64_t count;
    nrm_status st;

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, n, d, a, lda));
    NRM_TRY(nrm_check_shape(ctx, who, "the sketch", 1, m, d, sa, ldsa));
    NRM_REQUIRE(ctx, !nrm_overlap(a, span(n, d, lda), sa, span(m, d, ldsa)), NRM_E_ALIAS,
                "%s: the matrix and its sketch overlap; give the sketch memory of its own", who);
    NRM_REQUIRE(ctx, nrm_mul_size(m, d, &count), NRM_E_OVERFLOW, "%s: a sketch of %lld x %lld is too large", who,
                NRM_LL(m), NRM_LL(d));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, j.sa, count, who));
    switch (kind) {
    case NRM_SKETCH_GAUSSIAN: st = gaussian(&j); break;
    case NRM_SKETCH_SRHT: st = srht(&j); break;
    case NRM_SKETCH_COUNTSKETCH: st = countsketch(&j); break;
    default: st = nrm_fail(ctx, NRM_E_ARGUMENT, "%s: there is no sketch of kind %d", who, (int)kind);
    }
    for (int64_t i = 0; st >= 0 && i < m; i++) memcpy(sa + i * ldsa, j.sa + i * d, (size_t)d * sizeof *sa);
    nrm_free(ctx, j.sa);
    return st;
}
