/* test_newton_schulz_fit.c -- spectra, fits, guard, and the coefficients for a shape. */
#include "linalg/fitted_coefficients.h"
#include "linalg/linalg.h"
#include "testkit.h"

static const double G0[12] = {1, 2, -1, 0, 0, 1, 3, -2, 2, -1, 0, 1};

static nrm_spectrum gaussian(nrm_ctx *ctx, int64_t m, int64_t n, double guard)
{
    const nrm_spectrum_source source = {.rows = m, .cols = n};
    nrm_spectrum s;
    assert_ok(ctx, nrm_spectrum_create(ctx, "t", &source, guard, &s));
    return s;
}

/* The moments of the Marchenko-Pastur law, E lambda = 1 and E lambda^2 = 1 + y, up to the 2000
 * quantiles; a rising list; weights that sum to 1. */
static void test_gaussian(void **state)
{
    (void)state;
    static const int64_t shape[5][2] = {{64, 64}, {64, 256}, {2048, 128}, {4, 5}, {100000, 100001}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int i = 0; i < 5; i++) {
        nrm_spectrum s = gaussian(ctx, shape[i][0], shape[i][1], 0.1);
        const double side = (double)(shape[i][0] < shape[i][1] ? shape[i][0] : shape[i][1]);
        const double y = side * side / (double)(shape[i][0] * shape[i][1]);
        double first = 0, second = 0, sum = 0;
        assert_int_equal(s.count, 2400);
        for (int64_t k = 0; k < s.count; k++) {
            assert_true(s.sigma[k] > 0 && s.sigma[k] <= 1);
            assert_true(k == 0 || k == 2000 || s.sigma[k] >= s.sigma[k - 1]);
            sum += s.weight[k];
            if (k >= 2000) continue;
            const double lambda = s.sigma[k] * s.sigma[k] * side;
            first += lambda / 2000, second += lambda * lambda / 2000;
        }
        assert_near(sum, 1, 1e-13);
        assert_near(first, 1, side < 5 ? 0.01 : 1e-4);
        if (side > 5) assert_near(second, 1 + y, 3e-4);
        assert_near(s.sigma[2000], 0.05, 1e-15);
        assert_near(s.sigma[2399], 1, 0);
        nrm_spectrum_destroy(ctx, &s);
    }
    nrm_ctx_destroy(ctx);
}

static void test_measured(void **state)
{
    (void)state;
    const double sigma[4] = {0.8, 0, 1 + 1e-9, 0.5};
    nrm_spectrum_source source = {.count = 4, .sigma = sigma};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_spectrum s, kept;

    assert_ok(ctx, nrm_spectrum_create(ctx, "t", &source, 0, &s));
    assert_int_equal(s.count, 3);
    assert_all_near(s.sigma, ((double[]){0.8, 1, 0.5}), 3, 0);
    assert_all_near(s.weight, ((double[]){1 / 3., 1 / 3., 1 / 3.}), 3, 1e-15);
    nrm_spectrum_destroy(ctx, &s);
    source.rows = 3, source.cols = 4;
    assert_ok(ctx, nrm_spectrum_create(ctx, "t", &source, 0.1, &s)); /* both */
    assert_int_equal(s.count, 2403);
    assert_near(s.weight[0], 0.45 / 2000, 1e-15);
    assert_near(s.weight[2001], 0.45 / 3, 1e-15);
    assert_near(s.weight[2402], 0.1 / 400, 1e-15);
    nrm_spectrum_destroy(ctx, &s);

    memset(&kept, 1, sizeof kept);
    s = kept;
    const struct { nrm_spectrum_source source; nrm_status status; const char *piece; } bad[] = {
        {{0, 0, 0, NULL}, NRM_E_SHAPE, "the spectrum is empty"},
        {{4, 0, 0, NULL}, NRM_E_SHAPE, "the shape is 4 x 0"},
        {{-1, -1, 0, NULL}, NRM_E_SHAPE, "the shape is -1 x -1"},
        {{0, 0, 1, (double[]){0}}, NRM_E_SHAPE, "only zeros"},
        {{0, 0, 2, (double[]){0.5, 1.01}}, NRM_E_RANGE, "spectrum[1] is 1.01"},
        {{0, 0, 1, (double[]){-0.1}}, NRM_E_RANGE, "spectrum[0] is -0.1"},
        {{4, 4, 2, (double[]){0.5, NAN}}, NRM_E_RANGE, "spectrum[1] is nan"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_status(ctx, nrm_spectrum_create(ctx, "t", &bad[i].source, 0.1, &s), bad[i].status);
        assert_message(ctx, bad[i].piece);
        assert_memory_equal(&s, &kept, sizeof s);
    }
    nrm_ctx_destroy(ctx);
}

/* sqrt(J) is the relative distance from the polar factor, for a matrix not fitted to. */
static void test_error(void **state)
{
    (void)state;
    enum { M = 20, N = 30 };
    const char *names[3] = {"muon", "polar_express", "quintic_classic"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double g[M * N], polar[M * N], x[M * N], sigma[M], norm;
    uint64_t seed = 3;
    nrm_spectrum s;

    for (int i = 0; i < M * N; i++) g[i] = nrm_test_normal(&seed);
    norm = nrm_norm_frobenius(M, N, g, N);
    assert_ok(ctx, nrm_svd(ctx, "t", M, N, g, N, NULL, sigma, NULL));
    for (int i = 0; i < M; i++) sigma[i] /= norm;
    assert_ok(ctx, nrm_polar(ctx, "t", M, N, g, N, -1, polar, N, NULL));
    const nrm_spectrum_source source = {.count = M, .sigma = sigma};
    assert_ok(ctx, nrm_spectrum_create(ctx, "t", &source, 0, &s));
    for (int k = 0; k < 3; k++) {
        nrm_newton_schulz_set set = *nrm_newton_schulz_set_find(names[k]);
        set.eps = 0; /* the error knows no eps */
        memcpy(x, g, sizeof g);
        assert_ok(ctx, nrm_newton_schulz(ctx, "t", M, N, x, N, &set, 5, NULL));
        for (int i = 0; i < M * N; i++) x[i] -= polar[i];
        assert_near(nrm_norm_frobenius(M, N, x, N) / sqrt(M), nrm_spectrum_error(&s, &set, 5), 1e-10);
    }
    nrm_spectrum_destroy(ctx, &s);
    nrm_ctx_destroy(ctx);
}

/* The sensitivities beside central differences; the normal matrix beside the differences of
 * the residuals; one triple and a triple for each step, 131 values (a block and a bit). */
static void test_gradient(void **state)
{
    (void)state;
    enum { K = 4, COUNT = 131 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double sigma[COUNT], gradient[3 * K], normal[9 * K * K];
    uint64_t seed = 5;
    nrm_spectrum s;

    for (int i = 0; i < COUNT; i++) sigma[i] = 0.02 + 0.98 * nrm_test_uniform(&seed);
    const nrm_spectrum_source source = {.count = COUNT, .sigma = sigma};
    assert_ok(ctx, nrm_spectrum_create(ctx, "t", &source, 0.1, &s));
    for (int each = 0; each < 2; each++) {
        const int n = each ? 3 * K : 3;
        nrm_quintic step[K];
        for (int k = 0; k < K; k++) step[k] = (nrm_quintic){3 - 0.2 * k * each, -3.5 + 0.3 * k * each, 1.5 - 0.1 * k * each};
        nrm_newton_schulz_objective(&s, step, K, each, gradient, normal);
        double *at = &step[0].a;
        for (int i = 0; i < n; i++) {
            const double h = 1e-6, kept = at[i];
            double jacobian = 0;
            at[i] = kept + h;
            const double above = nrm_newton_schulz_objective(&s, step, K, each, NULL, NULL);
            at[i] = kept - h;
            const double below = nrm_newton_schulz_objective(&s, step, K, each, NULL, NULL);
            at[i] = kept;
            assert_near(2 * gradient[i], (above - below) / (2 * h), 1e-7);
            for (int64_t j = 0; j < s.count; j++) { /* the diagonal of the normal matrix, value by value */
                double up = s.sigma[j], down = s.sigma[j];
                for (int k = 0; k < K; k++) {
                    nrm_quintic p = step[each ? k : 0], q = p;
                    if (!each || i / 3 == k) (&p.a)[i % 3] += h, (&q.a)[i % 3] -= h;
                    up = p.a * up + p.b * pow(up, 3) + p.c * pow(up, 5);
                    down = q.a * down + q.b * pow(down, 3) + q.c * pow(down, 5);
                }
                jacobian += s.weight[j] * (up - down) * (up - down) / (4 * h * h);
            }
            assert_near(normal[i * n + i], jacobian, 1e-7);
        }
    }
    nrm_spectrum_destroy(ctx, &s);
    nrm_ctx_destroy(ctx);
}

/* The reference fits: J with the guard within 0.1 %, errors of fit and competitors, sup. */
static void test_reference(void **state)
{
    (void)state;
    static const struct { int64_t s, l; double objective, a, b, c, fit, muon, classic, express, sup; } row[] = {
        {64, 64, 7.117e-3, 3.154510, -3.554058, 1.376115, .0886, .2104, .2861, .1021, 1.235},
        {64, 256, 1.9e-7, 2.087700, -1.701829, 0.614221, .00033, .2167, .0141, .0921, 1.002},
        {128, 128, 9.910e-3, 3.174049, -3.629728, 1.422626, .1046, .2103, .3398, .1055, 1.233},
        {256, 256, 1.361e-2, 3.203102, -3.728693, 1.477010, .1224, .2066, .4030, .1107, 1.233},
        {512, 2048, 2.509e-5, 2.336156, -2.317894, 0.984854, .0051, .1456, .2672, .0933, 1.008},
        {2048, 2048, 3.238e-2, 3.317120, -4.198973, 1.748867, .1875, .2231, .6472, .1392, 1.220},
        {2048, 8192, 2.805e-4, 2.592801, -3.010329, 1.422767, .0170, .1843, .5503, .0958, 1.026},
    };
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const nrm_spectrum_source source = {.rows = row[i].l, .cols = row[i].s};
        nrm_spectrum s = gaussian(ctx, row[i].s, row[i].l, 0);
        nrm_fitted_coefficients c;
        assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_SHARED, &source, 5, false, &c));
        assert_true(c.objective <= 1.001 * row[i].objective);
        assert_true(c.step_count == 1 && c.steps == 5 && c.sup <= NRM_FIT_BOUND);
        assert_near(c.step[0].a, row[i].a, 5e-6);
        assert_near(c.step[0].b, row[i].b, 5e-6);
        assert_near(c.step[0].c, row[i].c, 5e-6);
        assert_near(c.error, row[i].fit, 6e-5);
        assert_near(nrm_spectrum_error(&s, nrm_newton_schulz_set_find("muon"), 5), row[i].muon, 6e-5);
        assert_near(nrm_spectrum_error(&s, nrm_newton_schulz_set_find("quintic_classic"), 5), row[i].classic, 6e-5);
        assert_near(nrm_spectrum_error(&s, nrm_newton_schulz_set_find("polar_express"), 0), row[i].express, 1.1e-4);
        assert_near(c.sup, row[i].sup, 6e-4);
        nrm_spectrum_destroy(ctx, &s);
    }
    nrm_ctx_destroy(ctx);
}

/* The facts about sup, which say what the guard is for. */
static void test_sup(void **state)
{
    (void)state;
    const nrm_quintic muon = {3.4445, -4.7750, 2.0315}, square = {3.4916, -4.8224, 2.1095};
    double at;

    for (int steps = 1; steps <= 60; steps += 7) assert_near(nrm_newton_schulz_sup(&muon, 1, steps, NULL), 1.2024, 1e-4);
    assert_near(nrm_newton_schulz_sup(&square, 1, 1, &at), 1.2246, 1e-4);
    assert_near(at, 0.559, 1e-3);
    assert_near(nrm_newton_schulz_sup(&square, 1, 5, NULL), 3.31, 3e-3);
    assert_near(log10(nrm_newton_schulz_sup(&square, 1, 8, NULL)), log10(5.5e72), 1e-2);
    assert_true(isinf(nrm_newton_schulz_sup(&square, 1, 10, NULL)));
    const nrm_quintic two[2] = {{1, 0, 0}, {2, 0, 0}}; /* the last one serves the steps that follow */
    assert_near(nrm_newton_schulz_sup(two, 2, 4, &at), 8, 0);
    assert_near(at, 1, 0);
}

/* Every number of steps, thin and huge shapes: admissible, no worse than Muon's triple, and more steps
 * or more freedom never fit worse. */
static void test_all_steps(void **state)
{
    (void)state;
    static const int64_t shape[3][2] = {{1, 1}, {48, 64}, {100000, 100000}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int i = 0; i < 3; i++) {
        const nrm_spectrum_source source = {.rows = shape[i][0], .cols = shape[i][1]};
        nrm_spectrum guarded = gaussian(ctx, shape[i][0], shape[i][1], 0.1);
        double before = INFINITY;
        for (int steps = 1; steps <= (i == 1 ? NRM_FIT_STEPS : 6); steps++) {
            nrm_fitted_coefficients c;
            const nrm_quintic muon = {3.4445, -4.7750, 2.0315};
            assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_SHARED, &source, steps, false, &c));
            assert_true(c.sup <= NRM_FIT_BOUND && c.sup == nrm_newton_schulz_sup(c.step, 1, steps, NULL));
            assert_true(c.objective <= nrm_newton_schulz_objective(&guarded, &muon, steps, false, NULL, NULL));
            assert_true(c.objective <= before);
            before = fmax(c.objective, 1e-20);
        }
        nrm_spectrum_destroy(ctx, &guarded);
    }
    nrm_ctx_destroy(ctx);
}

static void test_each(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int64_t shape[2][2] = {{128, 128}, {2048, 3072}};

    for (int i = 0; i < 2; i++) {
        const nrm_spectrum_source source = {.rows = shape[i][0], .cols = shape[i][1]};
        nrm_fitted_coefficients one, each;
        assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_SHARED, &source, 5, false, &one));
        assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_EACH, &source, 5, false, &each));
        assert_true(each.step_count == 5 && each.sup <= NRM_FIT_BOUND);
        assert_true(each.objective < 0.5 * one.objective);
        assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_EACH, &source, 1, false, &each));
        assert_int_equal(each.step_count, 1);
    }
    nrm_ctx_destroy(ctx);
}

/* Table first, but not where the guard forbids it, nor for other steps or a measured spectrum. */
static void test_table(void **state)
{
    (void)state;
    static const double published[3] = {.128, .039, .063}; /* their errors, 2048 x 3072 on */
    static const int64_t longer[4] = {2048, 3072, 8192, 16384};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_fitted_coefficients c;

    for (int i = 0; i < 4; i++) {
        const nrm_spectrum_source source = {.rows = longer[i], .cols = 2048};
        assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_TABLE, &source, 5, true, &c));
        assert_string_equal(c.source, "table");
        assert_near(c.error, i == 0 ? .198 : published[i - 1], 1e-3);
        assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_TABLE, &source, 5, false, &c));
        assert_string_equal(c.source, c.step[0].b == -4.5790 || c.step[0].b == -3.6674 || c.step[0].b == -3.8221 ? "table" : "fit");
        assert_true(c.sup <= NRM_FIT_BOUND);
        if (i == 0) assert_string_equal(c.source, "fit");
    }
    nrm_spectrum_source source = {.rows = 2048, .cols = 8192};
    assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_TABLE, &source, 4, true, &c));
    assert_string_equal(c.source, "fit");
    source.count = 1, source.sigma = (double[]){0.5};
    assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_TABLE, &source, 5, true, &c));
    assert_string_equal(c.source, "fit");
    source = (nrm_spectrum_source){.rows = 64, .cols = 256};
    assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_TABLE, &source, 5, true, &c));
    assert_string_equal(c.source, "fit");
    nrm_ctx_destroy(ctx);
}

/* The smaller error wins: Polar Express from 256 x 256 on, the fit below and for long shapes. */
static void test_best(void **state)
{
    (void)state;
    static const struct { int64_t m, n; int steps; const char *source; } row[] = {
        {64, 64, 5, "fit"}, {128, 128, 5, "fit"}, {256, 256, 5, "polar_express"}, {2048, 2048, 5, "polar_express"},
        {2048, 8192, 5, "fit"}, {2048, 2048, 6, "polar_express"}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const nrm_spectrum_source source = {.rows = row[i].m, .cols = row[i].n};
        nrm_fitted_coefficients fit, best;
        assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_SHARED, &source, row[i].steps, false, &fit));
        assert_ok(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_BEST, &source, row[i].steps, false, &best));
        assert_string_equal(best.source, row[i].source);
        assert_true(best.error <= fit.error && best.steps == row[i].steps);
        assert_near(best.safety, strcmp(best.source, "fit") == 0 ? 1 : 1.02, 0);
    }
    nrm_ctx_destroy(ctx);
}

/* Coefficients act on a matrix as the table's rows must. */
static void test_given(void **state)
{
    (void)state;
    static const double square[12] = {.3402558185, .6397877179, -.2945258337, -.0074413194, .0606126235, .2722018756,
                                      .8339235193, -.5357448050, .7035569740, -.3011102158, .0680539428, .2948865232};
    static const double flat[12] = {.3997361152, .7847224354, -.3325842604, -.0294775370, .1261069288, .2441516495,
                                    .7684854996, -.4702880235, .8147625967, -.3369529365, .1555844657, .2960131381};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_fitted_coefficients c = {.steps = -7};
    double x[12];

    assert_status(ctx, nrm_given_coefficients(ctx, "root", 1, (double[]){3.4916, -4.8224, 2.1095}, 5, false, &c), NRM_E_RANGE);
    assert_message(ctx, "root: within 5 steps these coefficients bring the singular value 0.");
    assert_message(ctx, "to 3.3");
    assert_message(ctx, "allow_unbounded");
    assert_int_equal(c.steps, -7);
    assert_ok(ctx, nrm_given_coefficients(ctx, "root", 1, (double[]){3.4916, -4.8224, 2.1095}, 5, true, &c));
    nrm_newton_schulz_set set = nrm_fitted_set(&c);
    memcpy(x, G0, sizeof x);
    assert_ok(ctx, nrm_newton_schulz(ctx, "t", 3, 4, x, 4, &set, 0, NULL));
    assert_all_near(x, square, 12, 1e-9);
    assert_ok(ctx, nrm_given_coefficients(ctx, "root", 1, (double[]){2.9794, -3.6674, 1.6207}, 5, false, &c));
    set = nrm_fitted_set(&c);
    memcpy(x, G0, sizeof x);
    assert_ok(ctx, nrm_newton_schulz(ctx, "t", 3, 4, x, 4, &set, 0, NULL));
    assert_all_near(x, flat, 12, 1e-9);

    assert_status(ctx, nrm_given_coefficients(ctx, "t", 0, x, 5, false, &c), NRM_E_SHAPE);
    assert_status(ctx, nrm_given_coefficients(ctx, "t", 1, NULL, 5, false, &c), NRM_E_SHAPE);
    assert_status(ctx, nrm_given_coefficients(ctx, "t", 17, x, 5, false, &c), NRM_E_SHAPE);
    assert_status(ctx, nrm_given_coefficients(ctx, "t", 1, x, 0, false, &c), NRM_E_RANGE);
    assert_status(ctx, nrm_given_coefficients(ctx, "t", 1, x, 101, false, &c), NRM_E_RANGE);
    assert_status(ctx, nrm_given_coefficients(ctx, "t", 2, (double[]){1, 0, 0, 1, INFINITY, 0}, 5, true, &c), NRM_E_NONFINITE);
    assert_message(ctx, "triples[1,1] is NaN or Inf");
    nrm_ctx_destroy(ctx);
}

static nrm_status fit_body(nrm_ctx *ctx, void *user)
{
    const nrm_spectrum_source source = {.rows = 16, .cols = 64};
    return nrm_fit_coefficients(ctx, "t", NRM_FIT_BEST, &source, 2, false, user);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_spectrum_source source = {.rows = 16, .cols = 64};
    nrm_fitted_coefficients c, before;

    memset(&c, 3, sizeof c);
    before = c;
    assert_status(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_SHARED, &source, 0, false, &c), NRM_E_RANGE);
    assert_status(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_SHARED, &source, 17, false, &c), NRM_E_RANGE);
    assert_message(ctx, "t: steps is 17; it must be from 1 to 16");
    nrm_cancel(ctx);
    assert_status(ctx, nrm_fit_coefficients(ctx, "t", NRM_FIT_SHARED, &source, 5, false, &c), NRM_E_CANCELLED);
    nrm_cancel_clear(ctx);
    assert_memory_equal(&c, &before, sizeof c);
    nrm_test_allocation_failures(fit_body, &c, &c, sizeof c);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_gaussian), cmocka_unit_test(test_measured), cmocka_unit_test(test_error),
              cmocka_unit_test(test_gradient), cmocka_unit_test(test_reference), cmocka_unit_test(test_sup),
              cmocka_unit_test(test_all_steps), cmocka_unit_test(test_each), cmocka_unit_test(test_table),
              cmocka_unit_test(test_best), cmocka_unit_test(test_given), cmocka_unit_test(test_refusals))
