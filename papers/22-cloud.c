/* 22-cloud.c -- paper 22: a finite set.  V is spanned by the leading eigenvectors of the kernel
 * exp(-|x - x'|^2 / s^2) on N points, f says which of them belong to a class. */
#include "22-parts.h"
#include <norma/io.h>
#include <stdlib.h>

enum { M = 30, LANES = 16 };

static float dot(int64_t n, const float *a, const float *b)
{
    float lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += a[i + l] * b[i + l];
    for (int l = 0; l < LANES; l++) sum += lane[l];
    for (; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* kernel (n x n), s^2 the mean of |x - x'|^2. */
static nrm_status make_kernel(nrm_reproduction *r, int64_t n, int64_t d, const float *x, float *kernel)
{
    double mean = 0;

    for (int64_t i = 0; i < n; i++) {
        const nrm_status st = nrm_step(r, "kernel", (double)i, (double)n);
        if (st < 0) return st;
        for (int64_t j = 0; j <= i; j++) kernel[i * n + j] = dot(d, x + i * d, x + j * d);
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) {
            const float square = kernel[i * n + i] + kernel[j * n + j] - 2 * kernel[i * n + j];
            kernel[j * n + i] = square;
            mean += 2.0 * (double)square / ((double)n * (double)n);
        }
    for (int64_t i = 0; i < n; i++) {
        kernel[i * n + i] = 1;
        for (int64_t j = 0; j < i; j++) kernel[i * n + j] = kernel[j * n + i] = expf(-kernel[j * n + i] / (float)mean);
    }
    return NRM_OK;
}

static void orthonormalise(int64_t n, float *v)
{
    for (int j = 0; j < M; j++)
        for (int twice = 0; twice < 2; twice++) {
            for (int k = 0; k < j; k++) {
                const float along = dot(n, v + j * n, v + k * n);
                for (int64_t i = 0; i < n; i++) v[j * n + i] -= along * v[k * n + i];
            }
            const float length = sqrtf(dot(n, v + j * n, v + j * n));
            for (int64_t i = 0; i < n; i++) v[j * n + i] /= length;
        }
}

/* Simultaneous iteration; v and w: M x n. */
static nrm_status eigenvectors(nrm_reproduction *r, int64_t n, const float *kernel, float *v, float *w)
{
    enum { ROUNDS = 12 };
    nrm_draws draws = {r->seed};

    for (int64_t i = 0; i < M * n; i++) v[i] = (float)nrm_draw_normal(&draws);
    orthonormalise(n, v);
    for (int k = 0; k < ROUNDS; k++) {
        for (int64_t i = 0; i < n; i++) {
            const nrm_status st = i % 256 ? NRM_OK : nrm_step(r, "eigenvectors", k + (double)i / (double)n, ROUNDS);
            if (st < 0) return st;
            for (int j = 0; j < M; j++) w[j * n + i] = dot(n, kernel + i * n, v + j * n);
        }
        memcpy(v, w, (size_t)(M * n) * sizeof *v);
        orthonormalise(n, v);
    }
    return NRM_OK;
}

/* ---- The points ------------------------------------------------------------------------------------- */

/* Images of digits, f = 1 for the ones with a closed loop: 0, 6, 8, 9. */
static nrm_status load_digits(nrm_reproduction *r, nrm_ctx *ctx, int64_t n, int64_t *d, float **x, double *f)
{
    const char *images = nrm_data_path(r, "mnist/t10k-images-idx3-ubyte.gz"), *labels = nrm_data_path(r, "mnist/t10k-labels-idx1-ubyte.gz");
    nrm_loaded a = {0}, b = {0};
    nrm_status st = NRM_E_IO;

    *x = NULL;
    if (!images || !labels) return NRM_OK;
    st = nrm_load(ctx, images, &a);
    if (st >= 0) st = nrm_load(ctx, labels, &b);
    if (st >= 0 && (a.array.shape[0] < n || b.array.shape[0] < n || a.array.dtype != NRM_U8 || b.array.dtype != NRM_U8)) st = NRM_E_FORMAT;
    if (st >= 0) {
        const unsigned char *pixel = a.array.data, *label = b.array.data;
        *d = nrm_array_count(&a.array) / a.array.shape[0];
        *x = nrm_scratch(r, n * *d, sizeof **x);
        if (!*x) st = NRM_E_NOMEM;
        for (int64_t i = 0; *x && i < n * *d; i++) (*x)[i] = (float)pixel[i] / 255;
        for (int64_t i = 0; *x && i < n; i++) f[i] = label[i] == 0 || label[i] == 6 || label[i] == 8 || label[i] == 9;
    }
    nrm_loaded_destroy(ctx, &a);
    nrm_loaded_destroy(ctx, &b);
    return st;
}

/* Clusters of very different sizes, each a class or not by turns. */
static float *make_cloud(nrm_reproduction *r, int64_t n, int64_t *d, double *f)
{
    enum { DIMENSION = 8, CLUSTERS = 24 };
    float centre[CLUSTERS][DIMENSION], *x = nrm_scratch(r, n * DIMENSION, sizeof *x);
    nrm_draws draws = {r->seed + 1};

    *d = DIMENSION;
    for (int c = 0; c < CLUSTERS; c++)
        for (int k = 0; k < DIMENSION; k++) centre[c][k] = 3 * (float)nrm_draw_normal(&draws);
    for (int64_t i = 0; x && i < n; i++) {
        const int c = (int)(CLUSTERS * pow(nrm_draw_uniform(&draws), 4));
        for (int k = 0; k < DIMENSION; k++) x[i * DIMENSION + k] = centre[c][k] + (float)nrm_draw_normal(&draws);
        f[i] = c % 2;
    }
    return x;
}

/* ---- Designs ---------------------------------------------------------------------------------------- */

static double at_row(const subject *s, const double *x) { return s->values[(int64_t)x[0]]; }

/* Median error of fits to n rows chosen uniformly, weights 1. */
static nrm_status uniform(nrm_reproduction *r, nrm_ctx *ctx, const subject *s, int64_t n, int repeats, double *errors)
{
    double *x = nrm_scratch(r, n, sizeof *x), *y = nrm_scratch(r, n, sizeof *y), *w = nrm_scratch(r, n, sizeof *w), c[M];
    nrm_draws draws = {r->seed + 2};

    if (!x || !y || !w) return NRM_E_NOMEM;
    for (int k = 0; k < repeats; k++) {
        for (int64_t i = 0; i < n; i++) {
            x[i] = (double)(nrm_draw(&draws) % (uint64_t)s->input->rows);
            y[i] = s->values[(int64_t)x[i]], w[i] = 1;
        }
        const nrm_status st = fit_values(ctx, s, n, x, w, y, c, NULL);
        double sum = s->e2;
        if (st < 0 && st != NRM_E_SINGULAR) return st;
        for (int j = 0; j < M; j++) sum += (c[j] - s->best[j]) * (c[j] - s->best[j]);
        errors[k] = st < 0 ? INFINITY : sqrt(sum / s->e2);
    }
    return NRM_OK;
}

/* P f: the fit to all rows, weights 1. */
static nrm_status best_of_cloud(nrm_reproduction *r, nrm_ctx *ctx, subject *s, double *best)
{
    const int64_t n = s->input->rows;
    double *x = nrm_scratch(r, n, sizeof *x), *w = nrm_scratch(r, n, sizeof *w);
    nrm_weighted_least_squares_info info;

    if (!x || !w) return NRM_E_NOMEM;
    for (int64_t i = 0; i < n; i++) x[i] = (double)i, w[i] = 1;
    const nrm_status st = fit_values(ctx, s, n, x, w, s->values, best, &info);
    s->best = best;
    s->e2 = info.residual * info.residual;
    return st;
}

static nrm_status compare(nrm_reproduction *r, nrm_ctx *ctx, const subject *s, const char *title)
{
    study t = {.n = {M, 2 * M, 3 * M, 4 * M, 6 * M, 8 * M, 10 * M, 12 * M, 16 * M, 20 * M, 28 * M}, .sizes = 11, .repeats = r->quick ? 10 : 30};
    double errors[30], others;
    nrm_status st = run_study(r, ctx, s, title, &t);

    if (st >= 0) st = uniform(r, ctx, s, 2 * M, t.repeats, errors);
    if (st < 0) return st;
    const double median = nrm_median(errors, t.repeats), last = (double)t.n[t.sizes - 1];
    others = fmin(points_for(&t, IID, 0.9), last);
    nrm_measure(r, "cloud-stable", points_for(&t, REPEATED, 0.9) / others);
    nrm_measure_reason(r, "cloud-stable", "Nine designs in ten are stable from n = %.0f (repeated DPPs) and %.0f (independent) on; inf: not with %.0f.",
                       points_for(&t, REPEATED, 0.9), points_for(&t, IID, 0.9), last);
    nrm_measure(r, "cloud-uniform", t.median[REPEATED][1] / median);
    nrm_measure_reason(r, "cloud-uniform", "Median error over that of the best fit with %d points: %.3f (two DPPs), %.3f (independent), %.3f (uniform).", 2 * M,
                       t.median[REPEATED][1], t.median[IID][1], median);
    return NRM_OK;
}

nrm_status run_cloud(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int64_t n = r->quick ? 800 : 5000;
    double *f = nrm_scratch(r, n, sizeof *f), *features = nrm_scratch(r, n * M, sizeof *features), best[M] = {0};
    float *kernel = nrm_scratch(r, n * n, sizeof *kernel), *v = nrm_scratch(r, M * n, sizeof *v), *w = nrm_scratch(r, M * n, sizeof *w), *x;
    int64_t d;

    if (!f || !features || !kernel || !v || !w) return NRM_E_NOMEM;
    nrm_status st = load_digits(r, ctx, n, &d, &x, f);
    const bool digits = x;
    if (st >= 0 && !x) x = make_cloud(r, n, &d, f);
    if (st >= 0 && !x) st = NRM_E_NOMEM;
    if (st >= 0) st = make_kernel(r, n, d, x, kernel);
    if (st >= 0) st = eigenvectors(r, n, kernel, v, w);
    if (st < 0) return st;
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < M; j++) features[i * M + j] = sqrt((double)n) * (double)v[j * n + i];
    const nrm_space_input input = {.rows = n, .columns = M, .features = features};
    subject s = {.degree = -1, .input = &input, .f = at_row, .values = f};
    st = best_of_cloud(r, ctx, &s, best);
    if (st < 0) return st;
    nrm_note(r, "The finite set: %lld %s.", (long long)n, digits ? "images of digits; f tells those with a closed loop"
                                                                 : "made points in clusters of different sizes; with --data, images of digits");
    return compare(r, ctx, &s, "Kernel eigenvectors on a finite set, m = 30");
}
