/* sketch_circulant.c -- srct of a whole matrix by Fourier transforms.  Contract: sketch.h.
 *
 * C x is the cyclic convolution of g and x: inverse(forward(g) forward(x)).  C is real, so two
 * columns go through one complex transform, as its real and its imaginary part. */
#include "fft.h"
#include "sketch_family.h"
#include <omp.h>

typedef struct convolution {
    const nrm_sketch_sum *sum;
    const nrm_sketch_rows *rows;
    const int64_t *chosen;
    const nrm_fft *plan;
    const uint64_t *sign;
    const double *spectrum; /* of g */
} convolution;

/* Columns c and c + 1 of S A, unscaled, through two arrays of 2n. */
static void two_columns(const convolution *v, int64_t c, double *x, double *y)
{
    const nrm_sketch_sum *sum = v->sum;
    const int64_t n = sum->plan.n, width = nrm_min_i64(2, sum->columns - c);

    for (int64_t i = 0; i < n; i++) x[2 * i + 1] = 0;
    for (int64_t j = 0; j < width; j++) {
        const bool of_a = c + j < sum->d;
        const double *from = of_a ? v->rows->a + c + j : v->rows->b + c + j - sum->d;
        const int64_t ld = of_a ? v->rows->lda : v->rows->ldb;
        for (int64_t i = 0; i < n; i++) x[2 * i + j] = v->sign[i] >> 63 ? -from[i * ld] : from[i * ld];
    }
    nrm_fft_forward_shared(v->plan, x, y);
    for (int64_t k = 0; k < n; k++) {
        const double re = y[2 * k], im = y[2 * k + 1], g = v->spectrum[2 * k], h = v->spectrum[2 * k + 1];
        y[2 * k] = g * re - h * im;
        y[2 * k + 1] = g * im + h * re;
    }
    nrm_fft_inverse_shared(v->plan, y, x);
    for (int64_t r = 0; r < sum->plan.m; r++)
        for (int64_t j = 0; j < width; j++) sum->values[r * sum->columns + c + j] += x[2 * v->chosen[r] + j];
}

nrm_status nrm_sketch_circulant(nrm_ctx *ctx, nrm_sketch_sum *sum, const nrm_sketch_rows *rows, const int64_t *chosen)
{
    const int64_t n = sum->plan.n, pairs = (sum->columns + 1) / 2, threads = nrm_min_i64(sum->threads, pairs);
    const int64_t room = nrm_padded(2 * n * (int64_t)sizeof(double)) / (int64_t)sizeof(double);
    nrm_arena arena = {0};
    nrm_fft *plan = NULL;
    nrm_status st;

    const int sign_slot = nrm_arena_add(&arena, n, sizeof(uint64_t)), g_slot = nrm_arena_add(&arena, room, sizeof(double));
    const int work_slot = nrm_arena_add(&arena, 2 * threads * room, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, sum->who));
    uint64_t *sign = nrm_arena_at(&arena, sign_slot);
    double *spectrum = nrm_arena_at(&arena, g_slot), *work = nrm_arena_at(&arena, work_slot);
    NRM_TRY_DONE(nrm_fft_create(ctx, sum->who, NRM_FFT_COMPLEX, n, &plan));
    nrm_sketch_signs(&sum->plan, NRM_SKETCH_CIRCULANT, 0, n, sign);
    for (int64_t i = 0; i < n; i++) {
        work[2 * i] = sign[i] >> 63 ? -1 : 1;
        work[2 * i + 1] = 0;
    }
    nrm_fft_forward_shared(plan, work, spectrum);
    nrm_sketch_signs(&sum->plan, 0, 0, n, sign);
    const convolution v = {sum, rows, chosen, plan, sign, spectrum};
    for (int64_t first = 0; first < pairs; first += threads) {
        const int64_t round = nrm_min_i64(threads, pairs - first);
        NRM_TRY_DONE(nrm_sketch_tick(ctx, sum, first * n / pairs));
#pragma omp parallel for num_threads((int)threads) schedule(static, 1)
        for (int64_t t = 0; t < round; t++)
            two_columns(&v, 2 * (first + t), work + 2 * t * room, work + (2 * t + 1) * room);
    }
done:
    nrm_fft_destroy(ctx, plan);
    nrm_arena_free(ctx, &arena);
    return st;
}
