/* test_top_eigenvector_oja.c -- the baselines: Oja's closed form, the adaptive rates, the
 * bound of Frequent Directions. */
#include "top_eigenvector_data.h"
#include "base/random.h"
#include "streaming/stream.h"

enum { D = 256, COPIES = 60 };

/* 6: on oja_hard all steps commute: v ~ (g1 (1+eta)^k, gj (1+eta/M)^M), in any order. */
static void closed_form(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_OJA);
    nrm_top_eigenvector_info info;
    double g[D], v[D], expected[D];

    o.rate_schedule = NRM_TOP_EIGENVECTOR_FIXED;
    for (uint64_t round = 0; round < 6; round++) {
        const double rates[] = {0.01, 0.7, 2, 3.3, 20, 1e6}, eta = rates[round];
        const int k = 3 + (int)round % 2;
        table t = table_oja_hard(D, k, COPIES, 50 + round);
        nrm_rng rng = nrm_rng_make(round, NRM_STREAM_START);
        double length = 0, start = 0, top = 0;

        nrm_rng_normals(&rng, g, D);
        for (int j = 0; j < D; j++) {
            const double growth = j == 0 ? k * log1p(eta) : COPIES * log1p(eta / COPIES);
            expected[j] = g[j] * exp(growth - COPIES * log1p(eta / COPIES));
            length += expected[j] * expected[j];
            start += g[j] * g[j];
            if (fabs(expected[j]) > fabs(top)) top = expected[j];
        }
        for (int j = 0; j < D; j++) expected[j] *= (top > 0 ? 1 : -1) / sqrt(length);
        assert_ok(ctx, nrm_set_seed(ctx, round));
        o.rate = eta;
        assert_ok(ctx, solve(ctx, &t, v, &info, &o));
        for (int j = 0; j < D; j++) assert_true(fabs(v[j] - expected[j]) <= 1e-10);
        assert_near(info.growth, log(sqrt(length / start)) + COPIES * log1p(eta / COPIES), 1e-10);
        assert_near(info.rate, eta, 0);
        table_free(&t);
    }
    nrm_ctx_destroy(ctx);
}

/* No fixed rate finds e1 with k = 3; the heavy rows do. */
static void no_rate_works(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_OJA);
    double median[3], v[D];

    for (uint64_t round = 0; round < 3; round++) {
        table t = table_oja_hard(D, 3, COPIES, 1 + round);
        const double c[] = {2, 5, 10, 20, 40, 80};
        double best = 0;
        assert_ok(ctx, nrm_set_seed(ctx, 10 + round));
        o.rate_schedule = NRM_TOP_EIGENVECTOR_FIXED;
        for (int i = 0; i < 6; i++) {
            o.rate = c[i] / 3;
            assert_ok(ctx, solve(ctx, &t, v, NULL, &o));
            best = fmax(best, v[0] * v[0]);
        }
        median[round] = best;
        assert_ok(ctx, solve(ctx, &t, v, NULL, NULL));
        assert_near(v[0] * v[0], 1, 1e-3);
        table_free(&t);
    }
    const double low = fmin(median[0], fmin(median[1], median[2]));
    assert_true(low <= 0.2);
    nrm_ctx_destroy(ctx);
}

/* Decaying steps follow the scale of the rows: rows times c give the same answer. */
static void automatic_rates_are_scale_free(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int adaptive = 0; adaptive < 2; adaptive++) {
        nrm_top_eigenvector_options o =
            options_of(adaptive ? NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE : NRM_TOP_EIGENVECTOR_OJA);
        double v[16], w[16];
        for (int power = -200; power <= 200; power += 100) {
            table t = table_spiked(4000, 16, 4, 8);
            nrm_top_eigenvector_info info, other;
            assert_ok(ctx, solve(ctx, &t, v, &info, &o));
            for (int64_t e = 0; e < t.n * 16; e++) t.a[e] = ldexp(t.a[e], power);
            assert_ok(ctx, solve(ctx, &t, w, &other, &o));
            assert_all_near(w, v, 16, 1e-11);
            assert_near(info.growth, other.growth, 1e-11);
            assert_true(quality(ctx, &t, &o, NULL) > 0.9);
            table_free(&t);
        }
    }
    nrm_ctx_destroy(ctx);
}

/* oja-adaptive: one giant row answers itself; too short a stream is said to be so. */
static void adaptive_cases(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE);
    nrm_top_eigenvector_info info;
    double v[16];
    table t = table_spiked(2000, 16, 1.01, 3);
    memset(t.a + 700 * 16, 0, 16 * sizeof(double));
    t.a[700 * 16 + 5] = 3e4;
    assert_ok(ctx, solve(ctx, &t, v, &info, &o));
    assert_near(v[5], 1, 1e-12);
    assert_true(info.trusted);
    table_free(&t);
    t = table_make(3, 16);
    t.a[0] = t.a[17] = t.a[34] = 1e-3;
    nrm_top_eigenvector_options small = o;
    small.rate = 1; /* grows by 1e-6: no rate can be trusted */
    assert_status(ctx, solve(ctx, &t, v, &info, &small), NRM_NOT_CONVERGED);
    assert_false(info.trusted);
    assert_message(ctx, "10 ln d");
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* 0 <= |A x|^2 - |B x|^2 <= |A|_F^2 / l: read off at v, where |B v|^2 is the eigenvalue. */
static void frequent_directions_bound(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int64_t l = 2; l <= 40; l += 2) {
        table t = table_spiked(900, 24, 6, (uint64_t)l);
        nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_FREQUENT_DIRECTIONS);
        nrm_top_eigenvector_info info;
        double v[24], energy = 0;
        for (int64_t e = 0; e < 900 * 24; e++) energy += t.a[e] * t.a[e];
        o.sketch_rows = l;
        o.residual = true;
        assert_ok(ctx, solve(ctx, &t, v, &info, &o));
        const double lost = info.exact_eigenvalue - info.eigenvalue;
        assert_true(lost >= -1e-9 * energy && lost <= energy / (double)l);
        const nrm_top_eigenvector_options exact = options_of(NRM_TOP_EIGENVECTOR_EXACT);
        nrm_top_eigenvector_info whole;
        assert_ok(ctx, solve(ctx, &t, v, &whole, &exact));
        assert_true(whole.eigenvalue <= info.eigenvalue + info.lost + 1e-9 * energy);
        assert_true(info.lost <= energy / (double)l);
        if (l > 24) assert_near(quality(ctx, &t, &o, NULL), 1, 1e-10); /* nothing needs to be lost */
        table_free(&t);
    }
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(closed_form), cmocka_unit_test(no_rate_works),
              cmocka_unit_test(automatic_rates_are_scale_free), cmocka_unit_test(adaptive_cases),
              cmocka_unit_test(frequent_directions_bound))
