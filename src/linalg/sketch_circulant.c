/* sketch_circulant.c -- contract: sketch_circulant.h; and srct of a whole matrix (sketch.h).
 *
 * C x is the cyclic convolution of g and x: inverse(forward(g) forward(x)).  C is real, so two
 * columns go through one complex transform, as its real and its imaginary part. */
#include "sketch_circulant.h"
#include "fft.h"
#include "sketch_family.h"

enum { SHORT = 32 };

struct nrm_circulant {
    int64_t n;
    nrm_fft *plan;
    double *g; /* its spectrum, or itself where there is no plan */
};

bool nrm_circulant_is_fast(int64_t n) { return n > SHORT && n <= INT32_MAX / 2 && nrm_fft_accuracy() < 1e-14; }

nrm_status nrm_circulant_create(nrm_ctx *ctx, const char *who, int64_t n, const double *g, nrm_circulant **circulant)
{
    nrm_circulant *c;
    double *x = NULL;
    nrm_status st;

    *circulant = NULL;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, c, 1, who));
    c->n = n;
    NRM_TRY_DONE(NRM_ALLOC(ctx, c->g, 2 * n, who));
    if (nrm_circulant_is_fast(n)) {
        NRM_TRY_DONE(nrm_fft_create(ctx, who, NRM_FFT_COMPLEX, n, &c->plan));
        NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, x, 2 * n, who));
        for (int64_t i = 0; i < n; i++) x[2 * i] = g[i];
        nrm_fft_forward_shared(c->plan, x, c->g);
    } else {
        memcpy(c->g, g, (size_t)n * sizeof *g);
    }
    *circulant = c;
done:
    nrm_free(ctx, x);
    if (st < 0) nrm_circulant_destroy(ctx, c);
    return st;
}

void nrm_circulant_destroy(nrm_ctx *ctx, nrm_circulant *c)
{
    if (!c) return;
    nrm_fft_destroy(ctx, c->plan);
    nrm_free(ctx, c->g);
    nrm_free(ctx, c);
}

static void by_sums(const nrm_circulant *c, double *restrict x, double *restrict work)
{
    const int64_t n = c->n;
    for (int64_t i = 0; i < n; i++) {
        double first = 0, second = 0;
        for (int64_t j = 0; j < n; j++) {
            const double g = c->g[i >= j ? i - j : i - j + n];
            first += g * x[2 * j];
            second += g * x[2 * j + 1];
        }
        work[2 * i] = first;
        work[2 * i + 1] = second;
    }
    memcpy(x, work, (size_t)(2 * n) * sizeof *x);
}

void nrm_circulant_apply(const nrm_circulant *c, double *restrict x, double *restrict work)
{
    if (!c->plan) {
        by_sums(c, x, work);
        return;
    }
    nrm_fft_forward_shared(c->plan, x, work);
    for (int64_t k = 0; k < c->n; k++) {
        const double re = work[2 * k], im = work[2 * k + 1], g = c->g[2 * k], h = c->g[2 * k + 1];
        work[2 * k] = g * re - h * im;
        work[2 * k + 1] = g * im + h * re;
    }
    nrm_fft_inverse_shared(c->plan, work, x);
}

/* ---- srct of all rows at once ------------------------------------------------------------------- */

/* Columns c and c + 1 of [A B] under the signs. */
static void load(const nrm_sketch_sum *sum, const nrm_sketch_rows *rows, const double *sign, int64_t c, int64_t width,
                 double *x)
{
    const int64_t n = sum->plan.n;

    if (width == 1)
        for (int64_t i = 0; i < n; i++) x[2 * i + 1] = 0;
    for (int64_t j = 0; j < width; j++) {
        const bool of_a = c + j < sum->d;
        const double *from = of_a ? rows->a + c + j : rows->b + c + j - sum->d;
        const int64_t ld = of_a ? rows->lda : rows->ldb;
        for (int64_t i = 0; i < n; i++) x[2 * i + j] = sign[i] * from[i * ld];
    }
}

nrm_status nrm_sketch_circulant(nrm_ctx *ctx, nrm_sketch_sum *sum, const nrm_sketch_rows *rows, const int64_t *chosen)
{
    const int64_t n = sum->plan.n, pairs = (sum->columns + 1) / 2, threads = nrm_min_i64(sum->threads, pairs);
    const int64_t room = nrm_padded(2 * n * (int64_t)sizeof(double)) / (int64_t)sizeof(double);
    nrm_arena arena = {0};
    nrm_circulant *circulant = NULL;
    nrm_status st;

    const int sign_slot = nrm_arena_add(&arena, n, sizeof(double));
    const int work_slot = nrm_arena_add(&arena, 2 * threads * room, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, sum->who));
    double *sign = nrm_arena_at(&arena, sign_slot);
    double *work = nrm_arena_at(&arena, work_slot);
    nrm_sketch_signs(&sum->plan, NRM_SKETCH_CIRCULANT, 0, n, sign);
    NRM_TRY_DONE(nrm_circulant_create(ctx, sum->who, n, sign, &circulant));
    nrm_sketch_signs(&sum->plan, 0, 0, n, sign);
    for (int64_t first = 0; first < pairs; first += threads) {
        const int64_t round = nrm_min_i64(threads, pairs - first);
        NRM_TRY_DONE(nrm_sketch_tick(ctx, sum, first * n / pairs));
#pragma omp parallel for num_threads((int)threads) schedule(static, 1) if (n * sum->columns > NRM_SKETCH_TEAM)
        for (int64_t t = 0; t < round; t++) {
            const int64_t c = 2 * (first + t), width = nrm_min_i64(2, sum->columns - c);
            double *x = work + 2 * t * room;
            load(sum, rows, sign, c, width, x);
            nrm_circulant_apply(circulant, x, x + room);
            for (int64_t r = 0; r < sum->plan.m; r++)
                for (int64_t j = 0; j < width; j++) sum->values[r * sum->columns + c + j] += x[2 * chosen[r] + j];
        }
    }
done:
    nrm_circulant_destroy(ctx, circulant);
    nrm_arena_free(ctx, &arena);
    return st;
}
