/* test_orthogonalise.c -- Newton-Schulz and the exact polar factor. */
#include "linalg/linalg.h"
#include "linalg/orthogonalise.h"
#include "reference/linalg_values.h"
#include "testkit.h"

/* The worked matrix of the NorMuon notes. */
static const double G0[12] = {1, 2, -1, 0, 0, 1, 3, -2, 2, -1, 0, 1};

static const nrm_newton_schulz_set *set(const char *name)
{
    const nrm_newton_schulz_set *found = nrm_newton_schulz_set_find(name);
    assert_non_null(found);
    return found;
}

static void test_table(void **state)
{
    (void)state;
    for (int i = 0; i < nrm_newton_schulz_set_count(); i++) {
        const nrm_newton_schulz_set *s = nrm_newton_schulz_set_at(i);
        assert_ptr_equal(nrm_newton_schulz_set_find(s->name), s);
        assert_true(s->default_steps >= 1 && s->step_count >= 1 && s->safety >= 1 && s->eps > 0 && *s->source);
        for (int j = 0; j < i; j++) assert_string_not_equal(nrm_newton_schulz_set_at(j)->name, s->name);
        const nrm_quintic last = s->step[s->step_count - 1]; /* settles at 1 exactly if it converges */
        if (s->converges) assert_near(last.a + last.b + last.c, 1, 1e-15);
    }
    assert_null(nrm_newton_schulz_set_at(-1));
    assert_null(nrm_newton_schulz_set_at(nrm_newton_schulz_set_count()));
    assert_null(nrm_newton_schulz_set_find("muonn"));
    assert_null(nrm_newton_schulz_set_find(NULL));
}

static void check_values(nrm_ctx *ctx, const char *name, int64_t m, int64_t n, const double *g, const double *expected,
                         double tol)
{
    double x[64], tall[64], residual, tall_residual;
    float single[64];

    memcpy(x, g, (size_t)(m * n) * sizeof *g);
    assert_ok(ctx, nrm_newton_schulz(ctx, "t", m, n, x, n, set(name), 0, &residual));
    assert_all_near(x, expected, m * n, tol);

    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) tall[j * m + i] = g[i * n + j];
    assert_ok(ctx, nrm_newton_schulz(ctx, "t", n, m, tall, m, set(name), 0, &tall_residual));
    for (int64_t i = 0; i < m; i++) /* the transpose goes through the same products: same bits */
        for (int64_t j = 0; j < n; j++) assert_true(tall[j * m + i] == x[i * n + j]);
    assert_true(residual == tall_residual);

    for (int64_t i = 0; i < m * n; i++) single[i] = (float)g[i];
    assert_ok(ctx, nrm_newton_schulz_f32(ctx, "t", m, n, single, n, set(name), 0, &tall_residual));
    for (int64_t i = 0; i < m * n; i++) assert_near((double)single[i], expected[i], 3e-5);
    assert_near(tall_residual, residual, 1e-4);
    double again;
    assert_ok(ctx, nrm_orthogonality_residual(ctx, "t", m, n, x, n, &again));
    assert_near(again, residual, 1e-13);
}

static void test_values(void **state)
{
    (void)state;
    static const double muon[12] = {.4514316604, .7529290038, -.3109954046, -.0126109461, .1656581480, .2731625663,
                                    .8668185984, -.5226596829, .9838765454, -.3341420401, .1782690941, .3325855977};
    static const double express[12] = {.3990504610, .9347153482, -.4098118165, -.0505558108, .0903502661, .2581443841,
                                       .8002475141, -.5033815874, .7403708742, -.3933175172, .1409060769, .3051130764};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double g[35];

    check_values(ctx, "muon", 3, 4, G0, muon, 1e-9);
    check_values(ctx, "polar_express", 3, 4, G0, express, 1e-9);
    pattern(7, 5, 0, g, 5);
    check_values(ctx, "muon", 7, 5, g, ns_muon_7x5, 1e-13);
    check_values(ctx, "cubic_classic", 7, 5, g, ns_cubic_classic_7x5, 1e-13);
    check_values(ctx, "quintic_classic", 7, 5, g, ns_quintic_classic_7x5, 1e-13);
    check_values(ctx, "muon8+2", 7, 5, g, ns_muon8_2_7x5, 1e-13);
    nrm_ctx_destroy(ctx);
}

/* diag(3, 4): the scalar map on 0.6 and 0.8, with the signs of the singular vectors. */
static void test_scalar_map(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double x[4] = {3, 0, 0, -4}, residual;

    assert_ok(ctx, nrm_newton_schulz(ctx, "t", 2, 2, x, 2, set("muon"), 5, &residual));
    assert_all_near(x, ((double[]){0.72287617, 0, 0, -1.11920393}), 4, 1e-6);
    const double a = x[0] * x[0] - 1, b = x[3] * x[3] - 1;
    assert_near(residual, sqrt((a * a + b * b) / 2), 1e-14);
    double y[4] = {3, 0, 0, 4};
    assert_ok(ctx, nrm_newton_schulz(ctx, "t", 2, 2, y, 2, set("polar_express"), 0, NULL));
    assert_all_near(y, ((double[]){0.9467875, 0, 0, 0.87828654}), 4, 1e-5);
    nrm_ctx_destroy(ctx);
}

/* The convergent sets reach the polar factor, also from a condition number of 1e4; zero
 * rows and columns stay exactly zero; the scale of G does not matter. */
static void test_convergence(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *names[3] = {"cubic_classic", "quintic_classic", "muon8+2"};
    double g[35], o[35], x[35], residual;

    pattern(7, 5, 0, g, 5);
    for (int i = 0; i < 7; i++) g[i * 5] *= 1e-4; /* one column far too short */
    assert_ok(ctx, nrm_polar(ctx, "t", 7, 5, g, 5, -1, o, 5, NULL));
    for (int k = 0; k < 3; k++) {
        memcpy(x, g, sizeof g);
        assert_ok(ctx, nrm_newton_schulz(ctx, "t", 7, 5, x, 5, set(names[k]), 60, &residual));
        assert_true(residual < 1e-14);
        assert_all_near(x, o, 35, 1e-10);
    }

    const double scale[4] = {1e300, 1e-3, 1e200, 1e4};
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < 35; i++) x[i] = g[i] * scale[k];
        assert_ok(ctx, nrm_newton_schulz(ctx, "t", 7, 5, x, 5, set("quintic_classic"), 60, &residual));
        assert_all_near(x, o, 35, 1e-10);
    }

    double holes[12] = {0, 0, 0, 0, 3, 1, 0, -2, 1, 1, 0, 1};
    assert_ok(ctx, nrm_newton_schulz(ctx, "t", 3, 4, holes, 4, set("muon"), 0, NULL));
    for (int j = 0; j < 4; j++) assert_true(holes[j] == 0);
    for (int i = 0; i < 3; i++) assert_true(holes[i * 4 + 2] == 0);

    double zero[6] = {0};
    assert_ok(ctx, nrm_newton_schulz(ctx, "t", 2, 3, zero, 3, set("muon"), 0, &residual));
    assert_all_near(zero, ((double[6]){0}), 6, 0);
    assert_near(residual, 1, 0);
    nrm_ctx_destroy(ctx);
}

static void test_polar(void **state)
{
    (void)state;
    static const double polar_g0[12] = {.4240087628, .8333034448, -.3533247066, -.0313622318, .1334085197, .2592380113,
                                        .8158307537, -.4994176626, .8637779979, -.3578276987, .1647707515, .3141615951};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double g[35], o[7 * 6], x[12];
    int64_t rank;

    memcpy(x, G0, sizeof G0);
    assert_ok(ctx, nrm_polar(ctx, "t", 3, 4, x, 4, -1, x, 4, &rank)); /* in place */
    assert_all_near(x, polar_g0, 12, 1e-9);
    assert_int_equal(rank, 3);
    pattern(7, 5, 0, g, 5);
    for (int i = 0; i < 42; i++) o[i] = -9;
    assert_ok(ctx, nrm_polar(ctx, "t", 7, 5, g, 5, -1, o, 6, &rank));
    for (int i = 0; i < 7; i++) {
        assert_all_near(o + i * 6, polar_7x5 + i * 5, 5, 1e-13);
        assert_true(o[i * 6 + 5] == -9);
    }
    /* rank one: U V' of what there is, a partial isometry */
    const double one[6] = {1, 2, 2, 2, 4, 4};
    assert_ok(ctx, nrm_polar(ctx, "t", 2, 3, one, 3, -1, x, 3, &rank));
    assert_int_equal(rank, 1);
    for (int i = 0; i < 6; i++) assert_near(x[i], one[i] / (3 * sqrt(5)), 1e-15);
    const double none[6] = {0};
    assert_ok(ctx, nrm_polar(ctx, "t", 2, 3, none, 3, -1, x, 3, &rank));
    assert_int_equal(rank, 0);
    assert_all_near(x, none, 6, 0);
    nrm_ctx_destroy(ctx);
}

/* A size with several panels of columns and every BLAS kernel edge; f64, f32, threads 1 and 2. */
static void test_larger(void **state)
{
    (void)state;
    enum { M = 133, N = 70 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double *g = malloc(sizeof(double) * M * N), *o = malloc(sizeof(double) * M * N);
    double *x = malloc(sizeof(double) * M * N);
    float *f = malloc(sizeof(float) * M * N);
    double residual;
    uint64_t seed = 8;

    assert_true(g && o && x && f);
    for (int i = 0; i < M * N; i++) g[i] = nrm_test_normal(&seed);
    assert_ok(ctx, nrm_polar(ctx, "t", M, N, g, N, -1, o, N, NULL));
    for (int threads = 1; threads <= 2; threads++) {
        assert_ok(ctx, nrm_set_threads(ctx, threads));
        memcpy(x, g, sizeof(double) * M * N);
        assert_ok(ctx, nrm_newton_schulz(ctx, "t", M, N, x, N, set("quintic_classic"), 20, &residual));
        assert_true(residual < 1e-14);
        assert_all_near(x, o, M * N, 1e-12);
        for (int i = 0; i < M * N; i++) f[i] = (float)g[i];
        assert_ok(ctx, nrm_newton_schulz_f32(ctx, "t", M, N, f, N, set("quintic_classic"), 20, &residual));
        assert_true(residual < 1e-5);
        for (int i = 0; i < M * N; i++) assert_near((double)f[i], o[i], 1e-5);
    }
    free(g); free(o); free(x); free(f);
    nrm_ctx_destroy(ctx);
}

/* Large enough for threads: the same bits with 1 and 2 of them, and for the transpose;
 * f32 near f64; both forms of the steps. */
static void check_threads(nrm_ctx *ctx, int64_t m, int64_t n)
{
    const size_t count = (size_t)(m * n);
    double *g = malloc(count * sizeof *g), *first = malloc(count * sizeof *g), *x = malloc(count * sizeof *g);
    float *first_single = malloc(count * sizeof(float)), *single = malloc(count * sizeof(float));
    uint64_t seed = 21;

    assert_true(g && first && x && first_single && single);
    for (size_t i = 0; i < count; i++) g[i] = nrm_test_normal(&seed);
    for (int threads = 1; threads <= 2; threads++) {
        assert_ok(ctx, nrm_set_threads(ctx, threads));
        memcpy(x, g, count * sizeof *g);
        for (size_t i = 0; i < count; i++) single[i] = (float)g[i];
        assert_ok(ctx, nrm_newton_schulz(ctx, "t", m, n, x, n, set("muon"), 0, NULL));
        assert_ok(ctx, nrm_newton_schulz_f32(ctx, "t", m, n, single, n, set("muon"), 0, NULL));
        if (threads == 1) {
            memcpy(first, x, count * sizeof *x);
            memcpy(first_single, single, count * sizeof *single);
            for (size_t i = 0; i < count; i++) assert_near((double)single[i], x[i], 1e-4);
        }
        assert_memory_equal(x, first, count * sizeof *x);
        assert_memory_equal(single, first_single, count * sizeof *single);
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) x[j * m + i] = g[i * n + j];
        assert_ok(ctx, nrm_newton_schulz(ctx, "t", n, m, x, m, set("muon"), 0, NULL));
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) assert_true(x[j * m + i] == first[i * n + j]);
    }
    free(g); free(first); free(x); free(first_single); free(single);
}

static void test_threads(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    check_threads(ctx, 517, 511); /* and the passes between products */
    check_threads(ctx, 611, 203);
    nrm_ctx_destroy(ctx);
}

static void test_refusals(void **state)
{
    (void)state;
    static const nrm_quintic wild_step[] = {{1e200, 1, 1}};
    static const nrm_newton_schulz_set wild = {.name = "wild", .source = "", .step = wild_step, .step_count = 1,
                                               .default_steps = 5, .safety = 1, .eps = 1e-7};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double x[12], before[12], residual = 7;
    float f[2] = {1, NAN};

    memcpy(x, G0, sizeof G0);
    memcpy(before, x, sizeof x);
    assert_status(ctx, nrm_newton_schulz(ctx, "t", 3, 4, x, 4, NULL, 0, &residual), NRM_E_NULL);
    assert_status(ctx, nrm_newton_schulz(ctx, "t", 3, 4, x, 4, set("muon"), -1, &residual), NRM_E_RANGE);
    assert_status(ctx, nrm_newton_schulz(ctx, "t", 3, 4, x, 3, set("muon"), 0, &residual), NRM_E_SHAPE);
    assert_status(ctx, nrm_newton_schulz(ctx, "t", 0, 4, x, 4, set("muon"), 0, &residual), NRM_E_SHAPE);
    assert_status(ctx, nrm_newton_schulz(ctx, "ns", 3, 4, x, 4, &wild, 0, &residual), NRM_E_OVERFLOW);
    assert_message(ctx, "wild overflows after 5 steps");
    assert_status(ctx, nrm_newton_schulz_f32(ctx, "t", 1, 2, f, 2, set("muon"), 0, NULL), NRM_E_NONFINITE);
    assert_status(ctx, nrm_polar(ctx, "t", 3, 4, x, 4, 1.5, x, 4, NULL), NRM_E_RANGE);
    nrm_cancel(ctx);
    assert_status(ctx, nrm_newton_schulz(ctx, "t", 3, 4, x, 4, set("muon"), 0, &residual), NRM_E_CANCELLED);
    nrm_cancel_clear(ctx);
    assert_memory_equal(x, before, sizeof x);
    assert_true(residual == 7);
    x[5] = -INFINITY;
    assert_status(ctx, nrm_newton_schulz(ctx, "ns", 3, 4, x, 4, set("muon"), 0, &residual), NRM_E_NONFINITE);
    assert_message(ctx, "ns: the matrix[1,1] is -inf");
    assert_status(ctx, nrm_polar(ctx, "t", 3, 4, x, 4, -1, x, 4, NULL), NRM_E_NONFINITE);
    assert_status(ctx, nrm_orthogonality_residual(ctx, "t", 3, 4, x, 4, &residual), NRM_E_NONFINITE);
    nrm_ctx_destroy(ctx);
}

static nrm_status newton_schulz_body(nrm_ctx *ctx, void *user)
{
    return nrm_newton_schulz(ctx, "t", 3, 4, user, 4, nrm_newton_schulz_set_find("muon"), 0, NULL);
}

static nrm_status single_body(nrm_ctx *ctx, void *user)
{
    return nrm_newton_schulz_f32(ctx, "t", 2, 3, user, 3, nrm_newton_schulz_set_find("muon"), 0, NULL);
}

static nrm_status polar_body(nrm_ctx *ctx, void *user)
{
    double residual;
    NRM_TRY(nrm_orthogonality_residual(ctx, "t", 3, 4, G0, 4, &residual));
    return nrm_polar(ctx, "t", 3, 4, G0, 4, -1, user, 4, NULL);
}

static void test_memory(void **state)
{
    (void)state;
    double x[12];
    float f[6] = {1, 2, 3, 3, 2, 2};
    memcpy(x, G0, sizeof G0);
    nrm_test_allocation_failures(newton_schulz_body, x, x, sizeof x);
    assert_near(x[0], .4514316604, 1e-9);
    nrm_test_allocation_failures(single_body, f, f, sizeof f);
    nrm_test_allocation_failures(polar_body, x, x, sizeof x);
    assert_near(x[0], .4240087628, 1e-9);
}

NRM_TEST_MAIN(cmocka_unit_test(test_table), cmocka_unit_test(test_values), cmocka_unit_test(test_scalar_map),
              cmocka_unit_test(test_convergence), cmocka_unit_test(test_polar), cmocka_unit_test(test_larger), cmocka_unit_test(test_threads),
              cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory))
