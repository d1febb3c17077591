/* test_orthogonalize.c -- the methods orthogonalize and orthogonalize-coefficients. */
#include "linalg/linalg.h"
#include "linalg/orthogonalise.h"
#include "testkit.h"
#include <norma/orthogonalize.h>

static const double G0[12] = {1, 2, -1, 0, 0, 1, 3, -2, 2, -1, 0, 1};

static nrm_orthogonalize_options with(int coefficients)
{
    nrm_orthogonalize_options o = nrm_orthogonalize_options_default();
    o.coefficients = coefficients;
    return o;
}

/* |X X' - I|_F / sqrt(s) on the smaller side, written out. */
static double residual_of(int64_t m, int64_t n, const double *x)
{
    const int64_t s = m < n ? m : n, l = m < n ? n : m;
    double sum = 0;
    for (int64_t i = 0; i < s; i++)
        for (int64_t j = 0; j < s; j++) {
            double dot = -(double)(i == j);
            for (int64_t k = 0; k < l; k++) dot += m < n ? x[i * n + k] * x[j * n + k] : x[k * n + i] * x[k * n + j];
            sum += dot * dot;
        }
    return sqrt(sum / (double)s);
}

/* Every kind of coefficients, wide and tall, f64 and f32: what info says, recomputed from the
 * numbers handed in and out. */
static void test_info(void **state)
{
    (void)state;
    static const int64_t shape[3][2] = {{5, 9}, {9, 5}, {6, 6}};
    static const double triples[6] = {3.4445, -4.7750, 2.0315, 1.875, -1.25, 0.375};
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int k = 0; k < 3; k++)
        for (int c = 0; c < nrm_orthogonalize_coefficient_set_count; c++) {
            const int64_t m = shape[k][0], n = shape[k][1], s = m < n ? m : n;
            double a[45], q[45], polar[45], sigma[6], r[45], sum = 0;
            float f[45], g[45];
            nrm_orthogonalize_options o = with(c);
            nrm_orthogonalize_info info, single;
            uint64_t seed = 11;
            const int64_t count = c == NRM_ORTHOGONALIZE_GIVEN ? 2 : 0;

            o.compare = true;
            for (int i = 0; i < m * n; i++) a[i] = (double)(f[i] = (float)nrm_test_normal(&seed)), sum += a[i] * a[i];
            assert_ok(ctx, nrm_orthogonalize_f64(ctx, m, n, a, n, count, count ? triples : NULL, q, n, &info, &o));
            assert_near(info.norm, sqrt(sum), 1e-14);
            assert_near(info.residual, residual_of(m, n, q), 1e-13);
            assert_ok(ctx, nrm_polar(ctx, "t", m, n, a, n, -1, polar, n, NULL));
            for (int i = 0; i < m * n; i++) r[i] = q[i] - polar[i];
            assert_near(info.error, nrm_norm_frobenius(m, n, r, n) / sqrt((double)s), 1e-13);
            assert_ok(ctx, nrm_svd(ctx, "t", m, n, q, n, NULL, sigma, NULL));
            assert_near(info.largest, sigma[0], 1e-13);
            assert_near(info.smallest, sigma[s - 1], 1e-13);
            assert_int_equal(info.rank, s);
            assert_int_equal(isnan(info.expected) != 0, !(c >= NRM_ORTHOGONALIZE_ROOT && c <= NRM_ORTHOGONALIZE_EACH));
            if (c == NRM_ORTHOGONALIZE_EXACT) assert_true(info.residual < 1e-14 && info.steps == 0 && info.error < 1e-14);
            else assert_true(info.steps >= 5);

            assert_ok(ctx, nrm_orthogonalize_f32(ctx, m, n, f, n, count, count ? triples : NULL, g, n, &single, &o));
            for (int i = 0; i < m * n; i++) assert_near((double)g[i], q[i], 2e-4), r[i] = (double)g[i];
            assert_near(single.residual, residual_of(m, n, r), 1e-5);
            assert_string_equal(single.source, info.source);
            assert_near(single.norm, info.norm, 1e-15);
        }
    nrm_ctx_destroy(ctx);
}

static void test_worked(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_orthogonalize_options o = with(NRM_ORTHOGONALIZE_MUON);
    nrm_orthogonalize_info info;
    double x[12], y[12], generated[12];

    o.compare = true;
    assert_ok(ctx, nrm_orthogonalize_f64(ctx, 3, 4, G0, 4, 0, NULL, x, 4, &info, &o));
    assert_near(info.norm, 5.0990195136, 1e-9);
    assert_near(info.largest, 1.1338288068, 1e-9);
    assert_near(info.smallest, 0.9073361594, 1e-9);
    assert_near(x[0], .4514316604, 1e-9);
    for (int i = 0; i < 12; i++) y[i] = 1e12 * G0[i]; /* scale does not matter */
    assert_ok(ctx, nrm_orthogonalize_f64(ctx, 3, 4, y, 4, 0, NULL, y, 4, NULL, NULL)); /* in place */
    assert_all_near(y, x, 12, 1e-7);

    o = with(NRM_ORTHOGONALIZE_POLAR_EXPRESS);
    assert_ok(ctx, nrm_orthogonalize_f64(ctx, 3, 4, G0, 4, 0, NULL, x, 4, &info, &o));
    assert_near(x[1], .9347153482, 1e-9);
    o = with(NRM_ORTHOGONALIZE_GENERATED);
    assert_ok(ctx, nrm_orthogonalize_f64(ctx, 3, 4, G0, 4, 0, NULL, generated, 4, &info, &o));
    assert_all_near(generated, x, 12, 1e-12); /* the published coefficients are those of the defaults */
    assert_string_equal(info.source, "generated");

    /* zero rows and columns stay zero, bit for bit; strides; nothing between the rows is touched */
    double padded[4 * 6] = {0}, out[4 * 7];
    for (int i = 0; i < 3; i++) memcpy(padded + 6 * i, G0 + 4 * i, 4 * sizeof *G0);
    for (int i = 0; i < 28; i++) out[i] = -9;
    assert_ok(ctx, nrm_orthogonalize_f64(ctx, 4, 5, padded, 6, 0, NULL, out, 7, NULL, NULL));
    o = with(NRM_ORTHOGONALIZE_MUON);
    assert_ok(ctx, nrm_orthogonalize_f64(ctx, 3, 4, G0, 4, 0, NULL, x, 4, NULL, &o));
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 7; j++) {
            if (j > 4) assert_true(out[7 * i + j] == -9);
            else if (i < 3 && j < 4) assert_near(out[7 * i + j], x[4 * i + j], 1e-15);
            else assert_true(out[7 * i + j] == 0);
        }
    const double zero[6] = {0};
    for (int c = 0; c < NRM_ORTHOGONALIZE_GIVEN; c++) {
        o = with(c);
        o.compare = true;
        assert_ok(ctx, nrm_orthogonalize_f64(ctx, 2, 3, zero, 3, 0, NULL, x, 3, &info, &o));
        assert_all_near(x, zero, 6, 0);
        assert_true(info.rank == 0 && info.error == 0 && info.largest == 0 && info.norm == 0 && info.residual == 1);
    }
    nrm_ctx_destroy(ctx);
}

/* Which singular values count is rcond's to say. */
static void test_rank(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_orthogonalize_options o = with(NRM_ORTHOGONALIZE_EXACT);
    nrm_orthogonalize_info info;
    const double near_one[6] = {1, 2, 2, 2, 4, 4.0001};
    double q[6];

    assert_ok(ctx, nrm_orthogonalize_f64(ctx, 2, 3, near_one, 3, 0, NULL, q, 3, &info, &o));
    assert_int_equal(info.rank, 2);
    assert_near(info.residual, 0, 1e-12);
    o.rcond = 1e-3;
    assert_ok(ctx, nrm_orthogonalize_f64(ctx, 2, 3, near_one, 3, 0, NULL, q, 3, &info, &o));
    assert_int_equal(info.rank, 1);
    assert_near(info.residual, sqrt(0.5), 1e-9); /* one singular value 1, one 0 */
    nrm_ctx_destroy(ctx);
}

static void test_refusals(void **state)
{
    (void)state;
    static const double wild[3] = {3.4916, -4.8224, 2.1095};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_orthogonalize_options o = nrm_orthogonalize_options_default();
    nrm_orthogonalize_info info, kept;
    double a[12], q[12], before[12];
    float f[2] = {1, INFINITY}, g[2] = {5, 5};

    memcpy(a, G0, sizeof a);
    for (int i = 0; i < 12; i++) q[i] = before[i] = 7;
    memset(&info, 1, sizeof info);
    kept = info;
#define REFUSED(status, ...) assert_status(ctx, nrm_orthogonalize_f64(ctx, __VA_ARGS__, &info, &o), status)
    REFUSED(NRM_E_NULL, 3, 4, NULL, 4, 0, NULL, q, 4);
    REFUSED(NRM_E_NULL, 3, 4, a, 4, 0, NULL, NULL, 4);
    REFUSED(NRM_E_SHAPE, 0, 4, a, 4, 0, NULL, q, 4);
    REFUSED(NRM_E_SHAPE, 3, 4, a, 3, 0, NULL, q, 4);
    REFUSED(NRM_E_SHAPE, 3, 4, a, 4, 0, NULL, q, 3);
    REFUSED(NRM_E_ALIAS, 2, 4, a, 4, 0, NULL, a + 4, 4);
    REFUSED(NRM_E_ARGUMENT, 3, 4, a, 4, 1, wild, q, 4);
    assert_message(ctx, "triples do nothing");
    o.coefficients = NRM_ORTHOGONALIZE_GIVEN;
    REFUSED(NRM_E_ARGUMENT, 3, 4, a, 4, 0, NULL, q, 4);
    REFUSED(NRM_E_RANGE, 3, 4, a, 4, 1, wild, q, 4);
    assert_message(ctx, "orthogonalize: within 5 steps these coefficients bring the singular value 0.");
    assert_message(ctx, "allow_unbounded");
    o.coefficients = NRM_ORTHOGONALIZE_FIT;
    o.steps = 17;
    REFUSED(NRM_E_RANGE, 3, 4, a, 4, 0, NULL, q, 4);
    assert_message(ctx, "steps is 17; it must be from 1 to 16");
    o.coefficients = NRM_ORTHOGONALIZE_GENERATED;
    o.steps = 65;
    REFUSED(NRM_E_RANGE, 3, 4, a, 4, 0, NULL, q, 4);
    o.steps = 101;
    REFUSED(NRM_E_RANGE, 3, 4, a, 4, 0, NULL, q, 4);
    o = with(99);
    REFUSED(NRM_E_RANGE, 3, 4, a, 4, 0, NULL, q, 4);
    o = with(NRM_ORTHOGONALIZE_MUON);
    nrm_cancel(ctx);
    REFUSED(NRM_E_CANCELLED, 3, 4, a, 4, 0, NULL, q, 4);
    nrm_cancel_clear(ctx);
    a[6] = NAN;
    REFUSED(NRM_E_NONFINITE, 3, 4, a, 4, 0, NULL, q, 4);
    assert_message(ctx, "orthogonalize: a[1,2] is nan");
    assert_all_near(q, before, 12, 0);
    assert_memory_equal(&info, &kept, sizeof info);
    assert_status(ctx, nrm_orthogonalize_f32(ctx, 1, 2, f, 2, 0, NULL, g, 2, NULL, NULL), NRM_E_NONFINITE);
    assert_true(g[0] == 5 && g[1] == 5);
    nrm_ctx_destroy(ctx);
}

/* Coefficients that grow are taken when asked for, and act. */
static void test_unbounded(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_orthogonalize_options o = with(NRM_ORTHOGONALIZE_GIVEN);
    double x[12];

    o.allow_unbounded = true;
    assert_ok(ctx, nrm_orthogonalize_f64(ctx, 3, 4, G0, 4, 1, (double[]){3.4916, -4.8224, 2.1095}, x, 4, NULL, &o));
    assert_near(x[0], .3402558185, 1e-9);
    assert_near(x[11], .2948865232, 1e-9);
    o.steps = 3;
    assert_status(ctx, nrm_orthogonalize_f64(ctx, 3, 4, G0, 4, 1, (double[]){1e200, 1, 1}, x, 4, NULL, &o), NRM_E_OVERFLOW);
    nrm_ctx_destroy(ctx);
}

static void test_threads(void **state)
{
    (void)state;
    enum { M = 90, N = 300 };
    static const int sets[2] = {NRM_ORTHOGONALIZE_BEST, NRM_ORTHOGONALIZE_EXACT};
    double *a = malloc(sizeof(double) * M * N), *one = malloc(sizeof(double) * M * N), *two = malloc(sizeof(double) * M * N);
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_orthogonalize_info info[2];
    uint64_t seed = 2;

    assert_true(a && one && two);
    for (int i = 0; i < M * N; i++) a[i] = nrm_test_normal(&seed);
    for (int k = 0; k < 2; k++) {
        nrm_orthogonalize_options o = with(sets[k]);
        o.compare = true;
        assert_ok(ctx, nrm_set_threads(ctx, 1));
        assert_ok(ctx, nrm_orthogonalize_f64(ctx, M, N, a, N, 0, NULL, one, N, &info[0], &o));
        assert_ok(ctx, nrm_set_threads(ctx, 2));
        assert_ok(ctx, nrm_orthogonalize_f64(ctx, M, N, a, N, 0, NULL, two, N, &info[1], &o));
        assert_int_equal(nrm_threads(ctx), 2);
        assert_memory_equal(one, two, sizeof(double) * M * N);
        assert_true(info[0].residual == info[1].residual && info[0].error == info[1].error);
        assert_true(info[0].largest == info[1].largest && info[0].smallest == info[1].smallest);
    }
    free(a);
    free(one);
    free(two);
    nrm_ctx_destroy(ctx);
}

/* ---- orthogonalize-coefficients ------------------------------------------------------------------- */

static void test_coefficients(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_orthogonalize_coefficients_options o = nrm_orthogonalize_coefficients_options_default();
    nrm_orthogonalize_coefficients_info info;
    const nrm_newton_schulz_set *named = nrm_newton_schulz_set_find("polar_express");
    double c[64 * 3];

    assert_ok(ctx, nrm_orthogonalize_coefficients(ctx, 0, NULL, c, &info, NULL));
    for (int k = 0; k < 5; k++) assert_all_near(c + 3 * k, &named->step[k].a, 3, 1e-13);
    assert_near(info.slope, 970.07, 1e-5);
    assert_near(info.lowest, 0.8588726435, 1e-9);
    assert_true(isnan(info.error) && isnan(info.objective));
    assert_string_equal(info.source, "generated");

    o.rows = 256, o.cols = 256;
    assert_ok(ctx, nrm_orthogonalize_coefficients(ctx, 0, NULL, c, &info, &o));
    assert_near(info.error, info.error_polar_express, 1e-12);
    assert_near(info.error_muon, .2066, 1e-4);
    o.kind = NRM_ORTHOGONALIZE_COEFFICIENTS_FIT;
    assert_ok(ctx, nrm_orthogonalize_coefficients(ctx, 0, NULL, c, &info, &o));
    assert_near(info.error, .1224, 1e-4);
    for (int k = 0; k < 5; k++) assert_all_near(c + 3 * k, ((double[]){3.203102, -3.728693, 1.477010}), 3, 2e-6);
    assert_near(info.slope, pow(3.203102, 5), 1e-4);
    o.kind = NRM_ORTHOGONALIZE_COEFFICIENTS_BEST;
    assert_ok(ctx, nrm_orthogonalize_coefficients(ctx, 0, NULL, c, &info, &o));
    assert_string_equal(info.source, "polar_express");
    assert_near(info.divisor, 1.02, 0);

    /* a measured spectrum: better there than the fit to a Gaussian one, and mixed lies between */
    const double low[4] = {0.95, 0.3, 0.02, 0.01};
    double error[3];
    o = nrm_orthogonalize_coefficients_options_default();
    o.kind = NRM_ORTHOGONALIZE_COEFFICIENTS_FIT;
    for (int mixed = 0; mixed < 2; mixed++) {
        o.rows = o.cols = mixed ? 512 : 0;
        assert_ok(ctx, nrm_orthogonalize_coefficients(ctx, 4, low, c, &info, &o));
        double sum = 0;
        for (int i = 0; i < 4; i++) { /* on the measured values alone */
            double x = low[i];
            for (int k = 0; k < 5; k++) x = c[3 * k] * x + c[3 * k + 1] * pow(x, 3) + c[3 * k + 2] * pow(x, 5);
            sum += (x - 1) * (x - 1) / 4;
        }
        error[mixed] = sqrt(sum);
        if (!mixed) assert_near(info.error, error[0], 1e-12);
    }
    assert_true(error[0] < error[1] && error[0] < 0.25);
    o.rows = 2048, o.cols = 2048, o.kind = NRM_ORTHOGONALIZE_COEFFICIENTS_TABLE, o.allow_unbounded = true;
    assert_ok(ctx, nrm_orthogonalize_coefficients(ctx, 0, NULL, c, &info, &o));
    assert_all_near(c + 12, ((double[]){3.4916, -4.8224, 2.1095}), 3, 0);
    assert_near(info.sup, 3.31, 3e-3);
    o.allow_unbounded = false;
    assert_ok(ctx, nrm_orthogonalize_coefficients(ctx, 0, NULL, c, &info, &o));
    assert_string_equal(info.source, "fit");
    nrm_ctx_destroy(ctx);
}

static void test_coefficients_refused(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_orthogonalize_coefficients_options o = nrm_orthogonalize_coefficients_options_default();
    nrm_orthogonalize_coefficients_info info, kept;
    double c[64 * 3] = {7};

    memset(&info, 1, sizeof info);
    kept = info;
#define BAD(status, count, spectrum) assert_status(ctx, nrm_orthogonalize_coefficients(ctx, count, spectrum, c, &info, &o), status)
    BAD(NRM_E_NULL, 2, NULL);
    BAD(NRM_E_NULL, -1, c);
    assert_status(ctx, nrm_orthogonalize_coefficients(ctx, 0, NULL, NULL, &info, &o), NRM_E_NULL);
    BAD(NRM_E_RANGE, 1, ((double[]){1.5}));
    assert_message(ctx, "orthogonalize-coefficients: spectrum[0] is 1.5");
    o.rows = 5;
    BAD(NRM_E_SHAPE, 0, NULL);
    o.rows = 0, o.kind = NRM_ORTHOGONALIZE_COEFFICIENTS_EACH;
    BAD(NRM_E_SHAPE, 0, NULL);
    assert_message(ctx, "the spectrum is empty");
    o.rows = o.cols = 4, o.steps = 17;
    BAD(NRM_E_RANGE, 0, NULL);
    o.steps = 5, o.lower = 0;
    BAD(NRM_E_RANGE, 0, NULL);
    o.lower = 0.5, o.kind = NRM_ORTHOGONALIZE_COEFFICIENTS_POLAR_EXPRESS, o.steps = 12, o.safety = 0.5, o.cushion = 0.9;
    BAD(NRM_E_RANGE, 0, NULL);
    assert_true(c[0] == 7);
    assert_memory_equal(&info, &kept, sizeof info);
    nrm_ctx_destroy(ctx);
}

/* ---- Memory ------------------------------------------------------------------- */

static nrm_status whole_body(nrm_ctx *ctx, void *user)
{
    nrm_orthogonalize_options o = with(NRM_ORTHOGONALIZE_FIT);
    o.compare = true;
    o.steps = 1;
    return nrm_orthogonalize_f64(ctx, 3, 4, G0, 4, 0, NULL, user, 4, NULL, &o);
}

static nrm_status exact_body(nrm_ctx *ctx, void *user)
{
    const nrm_orthogonalize_options o = with(NRM_ORTHOGONALIZE_EXACT);
    const float a[6] = {1, 2, 3, 3, 2, 2};
    return nrm_orthogonalize_f32(ctx, 2, 3, a, 3, 0, NULL, user, 3, NULL, &o);
}

static nrm_status coefficients_body(nrm_ctx *ctx, void *user)
{
    nrm_orthogonalize_coefficients_options o = nrm_orthogonalize_coefficients_options_default();
    o.kind = NRM_ORTHOGONALIZE_COEFFICIENTS_BEST, o.rows = 3, o.cols = 9, o.steps = 2;
    return nrm_orthogonalize_coefficients(ctx, 0, NULL, user, NULL, &o);
}

static void test_memory(void **state)
{
    (void)state;
    double q[12] = {0};
    float f[6] = {0};
    nrm_test_allocation_failures(whole_body, q, q, sizeof q);
    nrm_test_allocation_failures(exact_body, f, f, sizeof f);
    nrm_test_allocation_failures(coefficients_body, q, q, 6 * sizeof *q);
}

NRM_TEST_MAIN(cmocka_unit_test(test_info), cmocka_unit_test(test_worked), cmocka_unit_test(test_rank),
              cmocka_unit_test(test_refusals), cmocka_unit_test(test_unbounded), cmocka_unit_test(test_threads),
              cmocka_unit_test(test_coefficients), cmocka_unit_test(test_coefficients_refused), cmocka_unit_test(test_memory))
