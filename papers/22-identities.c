/* 22-identities.c -- paper 22: means that are known exactly, by many draws of small designs. */
#include "22-parts.h"

static nrm_status variance(nrm_reproduction *r, nrm_ctx *ctx, const char *claim, const char *basis, double exact, int draws)
{
    enum { M = 6 };
    const subject s = {.basis = basis, .degree = M - 1, .dimension = 1};
    double square = 0;

    for (int i = 0; i < draws; i++) {
        nrm_volume_sampling_design d = {0};
        const nrm_status st = draw_design(ctx, &s, NRM_VOLUME_SAMPLING_DPP, M, r->seed + (uint64_t)i, &d, NULL);
        double sum = 0;
        if (st < 0) return st;
        for (int k = 0; k < M; k++) sum += d.x[k];
        square += sum * sum / draws; /* the mean is 0 */
        nrm_volume_sampling_design_destroy(ctx, &d);
    }
    nrm_measure(r, claim, square / exact);
    nrm_measure_reason(r, claim, "%.4f in %d draws, where it is %.4f; the standard error is %.1f %%.", square, draws, exact, 100 * sqrt(2.0 / draws));
    return NRM_OK;
}

/* Errors of interpolants, alone and averaged by four. */
static nrm_status interpolation(nrm_reproduction *r, nrm_ctx *ctx, int draws)
{
    enum { M = 4, GROUP = 4 };
    double best[M], c[M], mean[M] = {0}, alone = 0, averaged = 0;
    const double whole = project("legendre", runge, M, best);
    subject s = {.basis = "legendre", .degree = M - 1, .dimension = 1, .best = best, .e2 = whole};

    for (int j = 0; j < M; j++) s.e2 -= best[j] * best[j];
    for (int i = 0; i < draws; i++) {
        nrm_volume_sampling_design d = {0};
        double y[M], off = s.e2, off_mean = s.e2;
        nrm_status st = draw_design(ctx, &s, NRM_VOLUME_SAMPLING_DPP, M, r->seed + 7 + (uint64_t)i, &d, NULL);
        for (int k = 0; st >= 0 && k < M; k++) y[k] = runge(d.x[k]);
        if (st >= 0) st = fit_values(ctx, &s, M, d.x, d.weights, y, c, NULL);
        nrm_volume_sampling_design_destroy(ctx, &d);
        if (st < 0) return st;
        for (int j = 0; j < M; j++) {
            off += (c[j] - best[j]) * (c[j] - best[j]);
            mean[j] = (i % GROUP ? mean[j] : 0) + c[j] / GROUP;
            off_mean += (mean[j] - best[j]) * (mean[j] - best[j]);
        }
        alone += off / s.e2 / draws;
        if (i % GROUP == GROUP - 1) averaged += off_mean / s.e2 * GROUP / draws;
    }
    nrm_measure(r, "interpolation", alone);
    nrm_measure_reason(r, "interpolation", "The mean of %d interpolants.", draws);
    nrm_measure(r, "averaged", averaged);
    nrm_measure_reason(r, "averaged", "The mean of %d averages of %d interpolants.", draws / GROUP, GROUP);
    return NRM_OK;
}

/* Volume samples, m = 3, n = 6: trace of G^-1 (3 x 3) and the bias of coefficients. */
static double inverse_trace(const double *g)
{
    const double a = g[4] * g[8] - g[5] * g[7], b = g[3] * g[8] - g[5] * g[6], c = g[3] * g[7] - g[4] * g[6];
    return (a + g[0] * g[8] - g[2] * g[6] + g[0] * g[4] - g[1] * g[3]) / (g[0] * a - g[1] * b + g[2] * c);
}

static nrm_status volume_samples(nrm_reproduction *r, nrm_ctx *ctx, int draws)
{
    enum { M = 3, N = 6 };
    double best[M], c[M], mean[M] = {0}, square[M] = {0}, trace = 0, worst = 0;
    subject s = {.basis = "legendre", .degree = M - 1, .dimension = 1, .best = best};

    project("legendre", runge, M, best);
    for (int i = 0; i < draws; i++) {
        nrm_volume_sampling_design d = {0};
        double y[N];
        nrm_status st = draw_design(ctx, &s, NRM_VOLUME_SAMPLING_VOLUME, N, r->seed + 11 + (uint64_t)i, &d, NULL);
        for (int k = 0; st >= 0 && k < N; k++) y[k] = runge(d.x[k]);
        if (st >= 0) st = fit_values(ctx, &s, N, d.x, d.weights, y, c, NULL);
        if (st >= 0) trace += inverse_trace(d.gram) / M / draws;
        nrm_volume_sampling_design_destroy(ctx, &d);
        if (st < 0) return st;
        for (int j = 0; j < M; j++) mean[j] += (c[j] - best[j]) / draws, square[j] += (c[j] - best[j]) * (c[j] - best[j]) / draws;
    }
    for (int j = 0; j < M; j++) worst = fmax(worst, fabs(mean[j]) / sqrt((square[j] - mean[j] * mean[j]) / draws));
    nrm_measure(r, "unbiased", worst);
    nrm_measure_reason(r, "unbiased", "m = 3, n = 6, %d fits of 1 / (1 + 5 x^2).", draws);
    nrm_measure(r, "inverse", trace);
    nrm_measure_reason(r, "inverse", "The mean trace over m of %d designs.", draws);
    return NRM_OK;
}

static nrm_status determinant(nrm_reproduction *r, nrm_ctx *ctx, int draws)
{
    const subject s = {.basis = "hermite", .degree = 1, .dimension = 1};
    double mean = 0;

    for (int i = 0; i < draws; i++) {
        nrm_volume_sampling_design d = {0};
        const nrm_status st = draw_design(ctx, &s, NRM_VOLUME_SAMPLING_IID, 5, r->seed + 13 + (uint64_t)i, &d, NULL);
        if (st < 0) return st;
        mean += (d.gram[0] * d.gram[3] - d.gram[1] * d.gram[2]) / draws;
        nrm_volume_sampling_design_destroy(ctx, &d);
    }
    nrm_measure(r, "determinant", mean);
    return NRM_OK;
}

/* The deterministic bound, and conditioning, on designs that are often unstable: m = 6, n = 12. */
static nrm_status bounds(nrm_reproduction *r, nrm_ctx *ctx, int draws)
{
    enum { M = 6, N = 12 };
    double best[M], c[M];
    subject s = {.basis = "legendre", .degree = M - 1, .dimension = 1, .best = best, .e2 = project("legendre", runge, M, best)};
    int within = 0, stable = 0;

    for (int j = 0; j < M; j++) s.e2 -= best[j] * best[j];
    for (int i = 0; i < draws; i++) {
        nrm_volume_sampling_design d = {0};
        nrm_volume_sampling_options o = nrm_volume_sampling_options_default();
        nrm_volume_sampling_info info;
        double y[N], empirical = 0, error = s.e2;
        o.basis = s.basis, o.degree = s.degree, o.points = N, o.condition = i % 2;
        nrm_status st = nrm_set_seed(ctx, r->seed + 17 + (uint64_t)i);
        if (st >= 0) st = nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o);
        for (int k = 0; st >= 0 && k < N; k++) {
            double off = y[k] = runge(d.x[k]);
            for (int j = 0; j < M; j++) off -= best[j] * d.phi[k * M + j];
            empirical += d.weights[k] * off * off / N;
        }
        if (st >= 0) st = fit_values(ctx, &s, N, d.x, d.weights, y, c, NULL);
        nrm_volume_sampling_design_destroy(ctx, &d);
        if (st < 0) return st;
        for (int j = 0; j < M; j++) error += (c[j] - best[j]) * (c[j] - best[j]);
        within += error <= (s.e2 + empirical / info.lambda_min) * (1 + 1e-9);
        stable += i % 2 && info.lambda_min >= STABLE;
    }
    nrm_measure(r, "bound", (double)within / draws);
    nrm_measure(r, "conditioned", (double)stable / (draws / 2));
    nrm_measure_reason(r, "conditioned", "m = 6, n = 12, delta = 1/2, %d designs.", draws / 2);
    return NRM_OK;
}

nrm_status run_identities(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int draws = r->quick ? 6000 : 40000;
    nrm_status st = nrm_step(r, "identities", 0, 5);

    if (st >= 0) st = variance(r, ctx, "variance-legendre", "legendre", 36.0 / 143, draws);
    if (st >= 0) st = variance(r, ctx, "variance-hermite", "hermite", 6, draws);
    if (st >= 0) st = nrm_step(r, "identities", 1, 5);
    if (st >= 0) st = interpolation(r, ctx, draws);
    if (st >= 0) st = nrm_step(r, "identities", 2, 5);
    if (st >= 0) st = volume_samples(r, ctx, draws);
    if (st >= 0) st = nrm_step(r, "identities", 3, 5);
    if (st >= 0) st = determinant(r, ctx, draws);
    if (st >= 0) st = nrm_step(r, "identities", 4, 5);
    return st < 0 ? st : bounds(r, ctx, r->quick ? 200 : 1000);
}
