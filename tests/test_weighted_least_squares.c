/* test_weighted_least_squares.c -- the fit against what defines it: exact functions, the normal
 * equations, refits without a point. */
#include "weighted_kit.h"

/* f of the space comes back, with its gradient, from points that are anywhere: every family, two
 * columns of y, given weights or not. */
static void test_exact(void **state)
{
    (void)state;
    static const char *basis[5] = {"legendre(0,2)", "hermite(1,3)", "laguerre(0.5,2),chebyshev(0,2)", "jacobi(0.3,-0.6),legendre,hermite", "legendre(0,2)"};
    static const int64_t dimension[5] = {1, 2, 2, 3, 2};
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int f = 0; f < 5; f++) {
        enum { N = 90, MOST_D = 3, Q = 2 };
        const int64_t d = dimension[f];
        double x[N * MOST_D], y[N * Q], w[N];
        options_of o = with(basis[f], 3);
        result_of r = {0};
        info_of info;
        uint64_t seed = (uint64_t)f + 1;
        o.index_set = f == 4 ? NRM_SPACE_TENSOR : NRM_SPACE_TOTAL;
        for (int i = 0; i < N; i++) {
            double s = 0;
            for (int c = 0; c < d; c++) s += (c + 1) * (x[i * d + c] = nrm_test_uniform(&seed));
            w[i] = 0.5 + nrm_test_uniform(&seed);
            y[2 * i] = s * s * s - 2 * s + 1, y[2 * i + 1] = s;
        }
        for (int weighted = 0; weighted < 2; weighted++) {
            assert_ok(ctx, fit(ctx, N, d, Q, x, weighted ? w : NULL, y, (input_of){.new_count = N, .x_new = x},
                               EVERY_POINT | NRM_LEAST_SQUARES_PREDICTIONS | NRM_LEAST_SQUARES_GRADIENT | NRM_LEAST_SQUARES_INDICES, &r, &info, &o));
            assert_true(info.m == r.m && info.points == N && info.dimension == d && info.passes == 2 && r.q == Q);
            assert_true(info.residual < 1e-9 && info.leave_one_out < 1e-8 && r.indices[0] == 0);
            for (int i = 0; i < N; i++) {
                double s = 0, lever = 0;
                for (int c = 0; c < d; c++) s += (c + 1) * x[i * d + c];
                for (int l = 0; l < Q; l++) {
                    assert_near(r.fitted[Q * i + l], y[Q * i + l], 1e-9);
                    assert_near(r.predictions[Q * i + l], y[Q * i + l], 1e-8);
                    assert_near(r.residuals[Q * i + l], y[Q * i + l] - r.fitted[Q * i + l], 1e-14);
                    for (int c = 0; c < d; c++)
                        assert_near(r.gradient[(Q * i + l) * d + c], (c + 1) * (l == 0 ? 3 * s * s - 2 : 1), 1e-6);
                }
                lever = r.leverage[i];
                assert_true(lever > 0 && lever < 1 + 1e-12);
            }
            nrm_weighted_least_squares_release(ctx, &r);
        }
    }
    nrm_ctx_destroy(ctx);
}

/* Fit, residual, G, leverage and leave-one-out error from their definitions, on Legendre of degree 2. */
static void test_definitions(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    enum { N = 11, M = 3 };
    double x[N], y[N], phi[N][M], w[N], gram[M][M] = {{0}}, square = 0, lost = 0, lever = 0, mean = 0;
    options_of o = with("legendre", 2);
    result_of r = {0}, left = {0};
    info_of info;
    uint64_t seed = 3;

    for (int i = 0; i < N; i++) {
        x[i] = 2 * nrm_test_uniform(&seed) - 1, y[i] = nrm_test_normal(&seed);
        phi[i][0] = 1, phi[i][1] = sqrt(3) * x[i], phi[i][2] = sqrt(5) * (1.5 * x[i] * x[i] - 0.5);
        w[i] = M / (1 + phi[i][1] * phi[i][1] + phi[i][2] * phi[i][2]);
        mean += w[i] / N;
    }
    assert_ok(ctx, fit(ctx, N, 1, 1, x, NULL, y, (input_of){0}, EVERY_POINT | NRM_LEAST_SQUARES_GRAM, &r, &info, &o));
    for (int a = 0; a < M; a++) {
        double normal = 0;
        for (int i = 0; i < N; i++) {
            normal += w[i] * phi[i][a] * r.residuals[i];
            for (int b = 0; b < M; b++) gram[a][b] += w[i] * phi[i][a] * phi[i][b] / N;
        }
        assert_near(normal, 0, 1e-13);
    }
    for (int i = 0; i < N; i++) {
        double fitted = 0;
        for (int a = 0; a < M; a++) fitted += r.coefficients[a] * phi[i][a];
        assert_near(fitted, r.fitted[i], 1e-13);
        square += w[i] * r.residuals[i] * r.residuals[i] / N;
        lever += r.leverage[i];
    }
    assert_all_near(r.gram, &gram[0][0], M * M, 1e-13);
    assert_near(gram[0][0] + gram[1][1] + gram[2][2], M, 1e-13); /* w k = m */
    assert_near(lever, M, 1e-12);
    assert_near(info.residual, sqrt(square), 1e-13);
    assert_near(info.noise_variance, square * N / (N - M), 1e-13);
    assert_near(info.mean_weight, mean, 1e-14);
    assert_near(info.uniform_factor, 1 + sqrt(mean / info.lambda_min), 1e-14);
    assert_true(info.lambda_min > 0 && info.lambda_min <= 1 && info.lambda_max >= 1 && info.stable == (info.lambda_min >= 0.5));
    /* det(G - lambda I) = 0 at both ends */
    const double ends[2] = {info.lambda_min, info.lambda_max};
    for (int e = 0; e < 2; e++) {
        double g[M][M];
        memcpy(g, gram, sizeof g);
        for (int a = 0; a < M; a++) g[a][a] -= ends[e];
        assert_near(g[0][0] * (g[1][1] * g[2][2] - g[1][2] * g[2][1]) - g[0][1] * (g[1][0] * g[2][2] - g[1][2] * g[2][0]) +
                        g[0][2] * (g[1][0] * g[2][1] - g[1][1] * g[2][0]), 0, 1e-13);
    }
    for (int i = 0; i < N; i++) { /* refit without point i */
        double u[N], v[N];
        for (int k = 0, at = 0; k < N; k++)
            if (k != i) u[at] = x[k], v[at++] = y[k];
        assert_ok(ctx, fit(ctx, N - 1, 1, 1, u, NULL, v, (input_of){.new_count = 1, .x_new = x + i}, NRM_LEAST_SQUARES_PREDICTIONS, &left, NULL, &o));
        lost += w[i] * (y[i] - left.predictions[0]) * (y[i] - left.predictions[0]) / N;
        nrm_weighted_least_squares_release(ctx, &left);
    }
    assert_near(info.leave_one_out, sqrt(lost), 1e-12);
    nrm_weighted_least_squares_release(ctx, &r);
    assert_ok(ctx, fit(ctx, M, 1, 1, x, NULL, y, (input_of){0}, 0, &r, &info, &o)); /* n = m interpolates */
    assert_true(info.residual < 1e-13 && isnan(info.noise_variance) && isinf(info.leave_one_out) && r.gram == NULL && r.fitted == NULL);
    assert_true(info.iid_probability == 0 && isinf(info.expected_factor));
    nrm_weighted_least_squares_release(ctx, &r);
    o.degree = 0; /* constants: w = 1, G = 1 */
    assert_ok(ctx, fit(ctx, N, 1, 1, x, NULL, y, (input_of){0}, 0, &r, &info, &o));
    assert_near(info.lambda_min, 1, 1e-15), assert_near(info.lambda_max, 1, 1e-15), assert_near(info.mean_weight, 1, 1e-15);
    assert_near(info.iid_probability, 1 - exp(-(0.5 + 0.5 * log(0.5)) * N), 1e-14);
    assert_near(info.expected_factor, 1 + 2 / info.iid_probability, 1e-14);
    nrm_weighted_least_squares_release(ctx, &r);
    nrm_ctx_destroy(ctx);
}

/* Any basis of the same features has the same eigenvalues and fit; coefficients are those of the
 * features given; rows by number are the same as all rows in order. */
static void test_features(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    enum { N = 40, M = 4 };
    double f[N * M], g[N * M], y[N], mu[N], x[N], weights[N];
    const double t[M][M] = {{1, 2, 0, -1}, {0, 1, 3, 2}, {0.5, 0, 1, 1}, {-1, 1, 0, 2}};
    options_of o = nrm_weighted_least_squares_options_default();
    result_of a = {0}, b = {0};
    info_of one, two;
    uint64_t seed = 6;

    for (int i = 0; i < N; i++) {
        x[i] = i, y[i] = nrm_test_normal(&seed), mu[i] = 1 + nrm_test_uniform(&seed), weights[i] = 1;
        for (int j = 0; j < M; j++) f[i * M + j] = nrm_test_normal(&seed);
        for (int j = 0; j < M; j++) {
            g[i * M + j] = 0;
            for (int l = 0; l < M; l++) g[i * M + j] += f[i * M + l] * t[l][j];
        }
    }
    const nrm_space_input given = {.rows = N, .columns = M, .features = f, .mu = mu}, turned = {.rows = N, .columns = M, .features = g, .mu = mu};
    assert_ok(ctx, fit(ctx, N, 1, 1, NULL, NULL, y, (input_of){.space = &given}, EVERY_POINT, &a, &one, &o));
    assert_ok(ctx, fit(ctx, N, 1, 1, x, NULL, y, (input_of){.space = &turned, .new_count = N, .x_new = x},
                       EVERY_POINT | NRM_LEAST_SQUARES_PREDICTIONS, &b, &two, &o));
    assert_near(one.lambda_min, two.lambda_min, 1e-12), assert_near(one.lambda_max, two.lambda_max, 1e-12);
    assert_near(one.leave_one_out, two.leave_one_out, 1e-12);
    assert_all_near(a.fitted, b.fitted, N, 1e-12);
    assert_all_near(a.leverage, b.leverage, N, 1e-12);
    assert_all_near(b.predictions, b.fitted, N, 1e-12);
    for (int i = 0; i < N; i++) {
        double mine = 0, its = 0;
        for (int j = 0; j < M; j++) mine += f[i * M + j] * a.coefficients[j], its += g[i * M + j] * b.coefficients[j];
        assert_near(mine, a.fitted[i], 1e-12), assert_near(its, b.fitted[i], 1e-12);
    }
    nrm_weighted_least_squares_release(ctx, &a), nrm_weighted_least_squares_release(ctx, &b);
    assert_ok(ctx, fit(ctx, N, 1, 1, NULL, weights, y, (input_of){.space = &given}, EVERY_POINT, &a, &one, &o)); /* plain least squares */
    for (int j = 0; j < M; j++) {
        double normal = 0;
        for (int i = 0; i < N; i++) normal += f[i * M + j] * a.residuals[i];
        assert_near(normal, 0, 1e-11);
    }
    nrm_weighted_least_squares_release(ctx, &a);
    nrm_ctx_destroy(ctx);
}

/* Hermite where phi and k leave f64: the fit of a constant is a constant. */
static void test_far_out(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    enum { N = 401 };
    double x[N], y[N];
    options_of o = with("hermite", 150);
    result_of r = {0};
    info_of info;

    for (int i = 0; i < N; i++) x[i] = 0.12 * (i - 200), y[i] = 2;
    x[N - 1] = 42;
    assert_ok(ctx, fit(ctx, N, 1, 1, x, NULL, y, (input_of){0}, EVERY_POINT, &r, &info, &o));
    assert_near(r.coefficients[0], 2, 1e-9);
    for (int j = 1; j <= 150; j++) assert_near(r.coefficients[j], 0, 1e-9);
    nrm_weighted_least_squares_release(ctx, &r);
    x[7] = 1e6; /* k there is beyond f64, and so the weight 0 */
    assert_status(ctx, fit(ctx, N, 1, 1, x, NULL, y, (input_of){0}, 0, &r, &info, &o), NRM_E_RANGE);
    assert_message(ctx, "the weight m / k(x) is 0 at row 7");
    nrm_ctx_destroy(ctx);
}

/* ---- Refusals --------------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double x[6] = {-0.5, 0, 0.5, 1, 0.25, -1}, y[6] = {1, 2, 3, 4, 5, 6}, w[6] = {1, 1, 1, 1, 1, 1};
    const int64_t odd[1] = {1}, twice[3] = {0, 2, 0};
    options_of o = with("legendre", 2);
    result_of r = {.m = 77};
    info_of info = {.m = 77};
    const input_of none = {0};

    o.degree = 6;
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, none, 0, &r, &info, &o), NRM_E_SHAPE);
    assert_message(ctx, "weighted-least-squares: there are 6 points for 7 functions; there must be at least as many");
    o.degree = -1;
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, none, 0, &r, &info, &o), NRM_E_ARGUMENT);
    assert_message(ctx, "the space has no degree");
    o.degree = 2;
    y[4] = NAN;
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, none, 0, &r, &info, &o), NRM_E_NONFINITE);
    assert_message(ctx, "weighted-least-squares: y is nan at row 4, column 0");
    y[4] = 5, w[3] = 0;
    assert_status(ctx, fit(ctx, 6, 1, 1, x, w, y, none, 0, &r, &info, &o), NRM_E_RANGE);
    assert_message(ctx, "weights has 0 at row 3; a weight must be > 0");
    w[3] = INFINITY;
    assert_status(ctx, fit(ctx, 6, 1, 1, x, w, y, none, 0, &r, &info, &o), NRM_E_NONFINITE);
    assert_message(ctx, "weights is inf at row 3");
    x[2] = 1.0001;
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, none, 0, &r, &info, &o), NRM_E_RANGE);
    assert_message(ctx, "x is 1.0001");
    assert_message(ctx, "at row 2, column 0, outside of the basis's domain, -1 to 1");
    x[2] = NAN;
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, none, 0, &r, &info, &o), NRM_E_NONFINITE);
    assert_message(ctx, "x is nan at row 2");
    for (int i = 0; i < 6; i++) x[i] = i % 2 ? 0.5 : -0.5; /* two different points, three functions */
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, none, 0, &r, &info, &o), NRM_E_SINGULAR);
    assert_message(ctx, "the points do not decide on function 2 of the space");
    const nrm_space_input list = {.index_count = 1, .index_columns = 1, .indices = odd};
    const nrm_space_input dup = {.index_count = 3, .index_columns = 1, .indices = twice};
    o.degree = -1, x[1] = 0;
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, (input_of){.space = &list}, 0, &r, &info, &o), NRM_E_RANGE);
    assert_message(ctx, "k(x) is 0 at row 1");
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, (input_of){.space = &dup}, 0, &r, &info, &o), NRM_E_ARGUMENT);
    assert_message(ctx, "row 2 of indices is the same as row 0");
    o.degree = 1;
    assert_status(ctx, fit(ctx, 6, 1, 1, NULL, NULL, y, none, 0, &r, &info, &o), NRM_E_ARGUMENT);
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, none, NRM_LEAST_SQUARES_PREDICTIONS, &r, &info, &o), NRM_E_ARGUMENT);
    assert_status(ctx, fit(ctx, 3, 2, 1, x, w, y, (input_of){.new_count = 1, .x_new = (const double[]){0, 3}}, NRM_LEAST_SQUARES_PREDICTIONS, &r, &info, &o), NRM_E_RANGE);
    assert_message(ctx, "x_new is 3");
    o.one_pass = true;
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, none, NRM_LEAST_SQUARES_FITTED, &r, &info, &o), NRM_E_ARGUMENT);
    o.one_pass = false, o.dimension = 2;
    assert_status(ctx, fit(ctx, 6, 1, 1, x, NULL, y, none, 0, &r, &info, &o), NRM_E_SHAPE);
    assert_message(ctx, "x has 1 columns; a point of this space has 2");
    const double f[12] = {1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2}, number[2] = {0, 6};
    const nrm_space_input same = {.rows = 6, .columns = 2, .features = f}, single = {.rows = 6, .columns = 1, .features = w};
    o = nrm_weighted_least_squares_options_default();
    w[3] = 1;
    assert_status(ctx, fit(ctx, 6, 1, 1, NULL, NULL, y, (input_of){.space = &same}, 0, &r, &info, &o), NRM_E_SINGULAR);
    assert_message(ctx, "column 1 of features depends on");
    assert_status(ctx, fit(ctx, 2, 1, 1, number, NULL, y, (input_of){.space = &single}, 0, &r, &info, &o), NRM_E_RANGE);
    assert_message(ctx, "row 1 of x is 6; it must be the number of a row of features, 0 to 5");
    assert_status(ctx, fit(ctx, 6, 1, 1, NULL, NULL, y, (input_of){.space = &single}, NRM_LEAST_SQUARES_GRADIENT, &r, &info, &o), NRM_E_ARGUMENT);
    o.degree = 1;
    assert_status(ctx, fit(ctx, 6, 1, 1, NULL, NULL, y, (input_of){.space = &single}, 0, &r, &info, &o), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_weighted_least_squares(ctx, NULL, 0, &r, &info, &o), NRM_E_NULL);
    assert_true(r.m == 77 && info.m == 77);
    nrm_ctx_destroy(ctx);
}

static nrm_status attempt(nrm_ctx *ctx, void *user)
{
    const nrm_array x = {.data = (double[]){-0.5, 0, 0.5, 1, 0.25, -1}, .dtype = NRM_F64, .ndim = 1, .shape = {6}};
    const nrm_space_input space = {.rows = 6, .columns = 2, .features = user};
    input_of in = {.new_count = 1, .x_new = (const double[]){0}, .space = user ? &space : NULL};
    options_of o = user ? nrm_weighted_least_squares_options_default() : with("legendre", 2);
    result_of r = {0};
    nrm_status st = nrm_rows_from_array(ctx, &in.y, &x);

    if (st >= 0 && !user) st = nrm_rows_from_array(ctx, &in.x, &x);
    if (st >= 0)
        st = nrm_weighted_least_squares(ctx, &in, user ? EVERY_POINT | NRM_LEAST_SQUARES_GRAM | NRM_LEAST_SQUARES_PREDICTIONS : 127, &r, NULL, &o);
    nrm_rows_close(ctx, in.x), nrm_rows_close(ctx, in.y);
    nrm_weighted_least_squares_release(ctx, &r);
    return st;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    double f[12] = {1, 2, 1, 3, 1, 5, 1, 0, 1, 1, 1, -4};
    nrm_test_allocation_failures(attempt, NULL, NULL, 0);
    nrm_test_allocation_failures(attempt, f, NULL, 0);
}

static int always(void *user, const nrm_progress *progress)
{
    (void)progress, (void)user;
    return 1;
}

static void test_cancel(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double x[3] = {0, 0.5, 1};
    options_of o = with("legendre", 1);
    result_of r = {0};

    assert_ok(ctx, nrm_set_progress(ctx, always, NULL));
    assert_status(ctx, fit(ctx, 3, 1, 1, x, NULL, x, (input_of){0}, 0, &r, NULL, &o), NRM_E_CANCELLED);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_exact), cmocka_unit_test(test_definitions), cmocka_unit_test(test_features), cmocka_unit_test(test_far_out),
              cmocka_unit_test(test_refusals), cmocka_unit_test(test_allocation_failures), cmocka_unit_test(test_cancel))
