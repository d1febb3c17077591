/* spectrum.c -- Marchenko-Pastur quantiles, measured values, the guard.  Contract: spectrum.h.
 *
 * With y = s / l, the eigenvalues of X X' / l for an s x l Gaussian X fill [(1 - y^1/2)^2,
 * (1 + y^1/2)^2] = [middle - half, middle + half].  On lambda(t) = middle - half cos t, 0 <= t <= pi, their
 * density
 *     f(t) = (half sin t)^2 / (2 pi y lambda(t))                                            (1)
 * is smooth, also at y = 1, where lambda(0) = 0 and f(0) = 2 / pi.  Its integral (trapezoids) is
 * inverted linearly; sigma = (lambda / s)^1/2 since the eigenvalues have the mean 1.
 *
 * The law is that of large matrices; at its edge it puts sigma over 1 for s < 4, where 1 is
 * taken. */
#include "spectrum.h"

enum { NODES = 20001 };
static const double PI = 3.14159265358979323846, GUARD_LEAST = 0.05, ROUNDING = 1e-6;

typedef struct law { double y, middle, half; } law;

static double eigenvalue(const law *w, double t) { return w->middle - w->half * cos(t); }

/* (1) */
static double density(const law *w, double t)
{
    const double lambda = eigenvalue(w, t), height = w->half * sin(t);
    return lambda > 0 ? height * height / (2 * PI * w->y * lambda) : 2 / PI;
}

static void gaussian(int64_t s, int64_t l, int count, double *sigma)
{
    const double y = (double)s / (double)l, root = sqrt(y), gap = PI / (NODES - 1);
    const double least = (1 - root) * (1 - root), most = (1 + root) * (1 + root);
    const law w = {y, (least + most) / 2, (most - least) / 2};
    double before = density(&w, 0), mass = 0, all = 0;
    int filled = 0;

    for (int k = 1; k < NODES; k++) all += (density(&w, (k - 1) * gap) + density(&w, k * gap)) / 2;
    for (int k = 1; k < NODES && filled < count; k++) {
        const double now = density(&w, k * gap), step = (before + now) / 2 / all;
        for (; filled < count; filled++) {
            const double wanted = (filled + 0.5) / count;
            if (wanted > mass + step && k + 1 < NODES) break;
            const double t = (k - 1 + fmin((wanted - mass) / step, 1)) * gap;
            sigma[filled] = fmin(sqrt(eigenvalue(&w, t) / (double)s), 1);
        }
        mass += step;
        before = now;
    }
}

static nrm_status check(nrm_ctx *ctx, const char *who, const nrm_spectrum_source *source)
{
    bool positive = false;

    NRM_REQUIRE(ctx, source->rows >= 0 && source->cols >= 0 && (source->rows == 0) == (source->cols == 0), NRM_E_SHAPE,
                "%s: the shape is %lld x %lld; give both sides, each at least 1", who, NRM_LL(source->rows),
                NRM_LL(source->cols));
    NRM_REQUIRE(ctx, source->rows > 0 || source->count > 0, NRM_E_SHAPE,
                "%s: the spectrum is empty; give the shape of the matrix, or singular values", who);
    for (int64_t i = 0; i < source->count; i++) {
        const double v = source->sigma[i];
        NRM_REQUIRE(ctx, v >= 0 && v <= 1 + ROUNDING, NRM_E_RANGE, "%s: spectrum[%lld] is %g; singular values must be from 0 "
                    "to 1: divide them by the Frobenius norm of the matrix", who, NRM_LL(i), v);
        positive = positive || v > 0;
    }
    NRM_REQUIRE(ctx, positive || source->count == 0, NRM_E_SHAPE,
                "%s: the spectrum has only zeros, which no coefficients move", who);
    return NRM_OK;
}

nrm_status nrm_spectrum_create(nrm_ctx *ctx, const char *who, const nrm_spectrum_source *source, double guard,
                               nrm_spectrum *spectrum)
{
    int64_t measured = 0, all, n = 0;

    NRM_TRY(check(ctx, who, source));
    for (int64_t i = 0; i < source->count; i++) measured += source->sigma[i] > 0;
    const int quantiles = source->rows > 0 ? NRM_SPECTRUM_QUANTILES : 0, guards = guard > 0 ? NRM_SPECTRUM_GUARDS : 0;
    NRM_REQUIRE(ctx, nrm_add_size(measured, quantiles + guards, &all) && nrm_mul_size(2, all, &n), NRM_E_OVERFLOW,
                "%s: the spectrum has %lld values, too many to list", who, NRM_LL(measured));
    nrm_spectrum made = {.count = all};
    NRM_TRY(NRM_ALLOC(ctx, made.sigma, n, who));
    made.weight = made.sigma + all;

    if (quantiles > 0)
        gaussian(nrm_min_i64(source->rows, source->cols), nrm_max_i64(source->rows, source->cols), quantiles, made.sigma);
    n = quantiles;
    for (int64_t i = 0; i < source->count; i++)
        if (source->sigma[i] > 0) made.sigma[n++] = fmin(source->sigma[i], 1);
    for (int i = 0; i < guards; i++) made.sigma[n++] = GUARD_LEAST * pow(1 / GUARD_LEAST, (double)i / (guards - 1));

    const double share = (1 - guard) / ((quantiles > 0) + (measured > 0));
    for (int64_t i = 0; i < all; i++) {
        const int64_t alike = i < quantiles ? quantiles : i < quantiles + measured ? measured : guards;
        made.weight[i] = (i < quantiles + measured ? share : guard) / (double)alike;
    }
    *spectrum = made;
    return NRM_OK;
}

void nrm_spectrum_destroy(nrm_ctx *ctx, nrm_spectrum *spectrum)
{
    nrm_free(ctx, spectrum->sigma);
    *spectrum = (nrm_spectrum){0};
}

double nrm_spectrum_error(const nrm_spectrum *spectrum, const nrm_newton_schulz_set *set, int steps)
{
    double sum = 0;

    if (steps <= 0) steps = set->default_steps;
    for (int64_t i = 0; i < spectrum->count; i++) {
        double x = spectrum->sigma[i] / set->safety;
        for (int k = 0; k < steps; k++) {
            const nrm_quintic p = set->step[k < set->step_count ? k : set->step_count - 1];
            x *= p.a + x * x * (p.b + x * x * p.c);
        }
        sum += spectrum->weight[i] * (x - 1) * (x - 1);
    }
    return sqrt(sum);
}
