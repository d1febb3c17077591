/* volume_kit.h -- what the tests of volume-sampling share. */
#ifndef NRM_VOLUME_KIT_H
#define NRM_VOLUME_KIT_H

#include "linalg/linalg.h"
#include "testkit.h"
#include <norma/volume_sampling.h>

static inline nrm_volume_sampling_options legendre(int64_t m, int scheme, int64_t points)
{
    nrm_volume_sampling_options o = nrm_volume_sampling_options_default();
    o.basis = "legendre", o.degree = m - 1, o.scheme = scheme, o.points = points;
    return o;
}

static inline void extremes(nrm_ctx *ctx, int64_t m, const double *g, double *least, double *most)
{
    double *values = malloc((size_t)m * sizeof *values);
    assert_non_null(values);
    assert_ok(ctx, nrm_eigen_symmetric(ctx, "test", m, g, m, values, NULL));
    *least = values[0], *most = values[m - 1];
    free(values);
}

/* What the design says of itself: w = m / k, G and its eigenvalues from phi and w, the factor. */
static inline void check_design(nrm_ctx *ctx, const nrm_volume_sampling_design *d, const nrm_volume_sampling_info *info)
{
    const int64_t n = d->points, m = d->m;
    double *g = calloc((size_t)(m * m), sizeof *g), sum = 0, least, most;
    assert_non_null(g);
    assert_true(info->points == n && info->m == m && info->dimension == d->dimension);
    for (int64_t i = 0; i < n; i++) {
        double k = 0;
        for (int64_t j = 0; j < m; j++) k += d->phi[i * m + j] * d->phi[i * m + j];
        assert_near(d->weights[i], (double)m / k, 1e-10);
        sum += d->weights[i];
        for (int64_t p = 0; p < m; p++)
            for (int64_t q = 0; q < m; q++) g[p * m + q] += d->weights[i] * d->phi[i * m + p] * d->phi[i * m + q] / (double)n;
    }
    assert_all_near(d->gram, g, m * m, 1e-12);
    extremes(ctx, m, g, &least, &most);
    assert_near(info->lambda_min, least, 1e-11);
    assert_near(info->lambda_max, most, 1e-11);
    assert_near(info->uniform_factor, 1 + sqrt(sum / (double)n / least), 1e-8);
    free(g);
}

#endif
