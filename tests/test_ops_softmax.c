/* Rows in graphs: softmax, causal softmax, log-softmax, cross-entropy, l2_normalise, dropout. */
#include "derivative_kit.h"
#include "reference/ops_softmax_values.h"

static double *pattern(int64_t n, int64_t k)
{
    double *x = malloc((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = (double)((i * 37 + i * i * 11 + k * 29) % 97 - 48) / 16;
    return x;
}

static nrm_node softmax(const nrm_node *x, const void *user) { (void)user; return nrm_op_softmax(x[0]); }
static nrm_node causal(const nrm_node *x, const void *user) { return nrm_op_softmax_causal(x[0], *(const double *)user); }
static nrm_node log_softmax(const nrm_node *x, const void *user) { (void)user; return nrm_op_log_softmax(x[0]); }
static nrm_node cross_entropy(const nrm_node *x, const void *user) { (void)user; return nrm_op_cross_entropy(x[0], x[1]); }
static nrm_node l2_normalise(const nrm_node *x, const void *user) { return nrm_op_l2_normalise(x[0], *(const double *)user); }
/* Its derivative by x with the cotangent of pattern 4 */
static nrm_node cross_entropy_slope(const nrm_node *x, const void *user)
{
    const nrm_node loss = nrm_op_cross_entropy(x[0], x[1]);
    nrm_node dx;
    (void)user;
    nrm_graph_vjp(1, &loss, &x[2], 1, x, &dx);
    return dx;
}

static const double scale = 0.375, eps = 1e-3;

static void check_value(nrm_node (*build)(const nrm_node *x, const void *user), const void *user, kit_input in, int64_t k, const double *expected)
{
    const int64_t n = kit_count(in.ndim, in.shape);
    double *x = pattern(n, k);
    in.values = x;
    const kit_case c = {.build = build, .user = user, .count = 1, .in = {in}};
    double *y = kit_value(&c, NRM_F64, 1), *single = kit_value(&c, NRM_F32, 1);
    assert_all_near(y, expected, n, 4e-16);
    assert_all_near(single, expected, n, 4e-7);
    free(x);
    free(y);
    free(single);
}

static void values(void **state)
{
    (void)state;
    check_value(softmax, NULL, (kit_input){.ndim = 2, .shape = {3, 7}}, 1, softmax_y);
    check_value(log_softmax, NULL, (kit_input){.ndim = 2, .shape = {3, 7}}, 1, log_softmax_y);
    check_value(causal, &scale, (kit_input){.ndim = 3, .shape = {2, 5, 5}}, 2, causal_y);
    check_value(l2_normalise, &eps, (kit_input){.ndim = 2, .shape = {3, 5}}, 5, l2_normalise_y);
}

static void cross_entropy_values(void **state)
{
    static const int64_t target[4] = {2, -1, 5, 0};
    double *x = pattern(24, 3), *u = pattern(4, 4);
    const kit_case loss = {.build = cross_entropy, .count = 2, .in = {{2, {4, 6}, NULL, x}, {1, {4}, target, NULL}}};
    const kit_case slope = {.build = cross_entropy_slope, .count = 3, .in = {{2, {4, 6}, NULL, x}, {1, {4}, target, NULL}, {1, {4}, NULL, u}}};
    double *y = kit_value(&loss, NRM_F64, 1), *dx = kit_value(&slope, NRM_F64, 1), *single = kit_value(&slope, NRM_F32, 1);
    (void)state;
    assert_all_near(y, cross_entropy_loss, 4, 4e-16);
    assert_all_near(dx, cross_entropy_dx, 24, 4e-16);
    assert_all_near(single, cross_entropy_dx, 24, 4e-7);
    free(x);
    free(u);
    free(y);
    free(dx);
    free(single);
}

/* Rows of registers, of the long path, of one element, of odd lengths. */
static void derivatives(void **state)
{
    static const int64_t target[6] = {0, 6, -1, 3, -7, 2};
    static const double negative = -1.5;
    (void)state;
    for (int64_t n = 1; n < 200; n = 2 * n + 5) {
        const kit_case rows = {.build = softmax, .count = 1, .in = {{2, {3, n}, NULL, NULL}}};
        kit_check(&rows);
        const kit_case logs = {.build = log_softmax, .count = 1, .in = {{3, {2, 2, n}, NULL, NULL}}};
        kit_check(&logs);
    }
    for (int64_t t = 1; t < 80; t = 3 * t + 2) {
        const kit_case square = {.build = causal, .user = t % 2 ? &scale : &negative, .count = 1, .in = {{3, {2, t, t}, NULL, NULL}}};
        kit_check(&square);
    }
    const kit_case losses = {.build = cross_entropy, .count = 2, .in = {{3, {2, 3, 7}, NULL, NULL}, {2, {2, 3}, target, NULL}}};
    kit_check(&losses);
    const kit_case slopes = {.build = cross_entropy_slope, .count = 3, .in = {{3, {2, 3, 7}, NULL, NULL}, {2, {2, 3}, target, NULL}, {2, {2, 3}, NULL, NULL}}};
    kit_check(&slopes);
    const kit_case unit = {.build = l2_normalise, .user = &eps, .count = 1, .in = {{2, {4, 9}, NULL, NULL}}};
    kit_check(&unit);
}

/* Enough elements that threads share them. */
static void threads(void **state)
{
    const int64_t rows = 67, n = 301;
    double *x = kit_draw(n * n, 9);
    const kit_case cases[3] = {{.build = softmax, .count = 1, .in = {{2, {rows, n}, NULL, x}}},
                               {.build = log_softmax, .count = 1, .in = {{2, {rows, n}, NULL, x}}},
                               {.build = causal, .user = &scale, .count = 1, .in = {{2, {n, n}, NULL, x}}}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        double *one = kit_value(&cases[i], NRM_F32, 1), *two = kit_value(&cases[i], NRM_F32, 2);
        assert_memory_equal(one, two, (size_t)(rows * n) * sizeof *one);
        free(one);
        free(two);
    }
    free(x);
}

static void extremes(void **state)
{
    enum { N = 5, ROWS = 6, LONG = 150 };
    const double inf = INFINITY;
    /* one entry left, none left, far apart, beyond the fast range, NaN, +inf */
    static double x[ROWS * LONG];
    (void)state;
    for (int64_t n = N; n <= LONG; n += LONG - N) {
        for (int64_t i = 0; i < ROWS * n; i++) x[i] = i / n < 2 ? -inf : i / n == 3 ? -3e38 : 0;
        x[3] = -2.5;
        x[2 * n + 1] = 1e4;
        x[3 * n + 1] = 3e38;
        x[3 * n + 4] = 3e38;
        x[4 * n + n - 1] = NAN;
        x[5 * n + 2] = inf;
        const kit_case rows = {.build = softmax, .count = 1, .in = {{2, {ROWS, n}, NULL, x}}};
        const kit_case logs = {.build = log_softmax, .count = 1, .in = {{2, {ROWS, n}, NULL, x}}};
        for (int d = 0; d < 2; d++) {
            double *y = kit_value(&rows, d ? NRM_F64 : NRM_F32, 1), *l = kit_value(&logs, d ? NRM_F64 : NRM_F32, 1);
            for (int64_t i = 0; i < n; i++) {
                const double expected[4] = {i == 3, 0, i == 1, i == 1 || i == 4 ? 0.5 : 0};
                for (int r = 0; r < 4; r++) assert_near(y[r * n + i], expected[r], 1e-15);
                assert_true(l[i] == (i == 3 ? 0 : -inf) && l[n + i] == -inf);
                assert_near(l[2 * n + i], i == 1 ? 0 : -1e4, 1e-15);
                for (int r = 4; r < 6; r++) assert_true(isnan(y[r * n + i]) && isnan(l[r * n + i]));
            }
            free(y);
            free(l);
        }
    }
}

/* A loss near zero keeps its digits: softmax - 1 is not rounded away. */
static void sure_targets(void **state)
{
    static const int64_t target[2] = {0, 0};
    static const double x[4] = {40, 0, 0, -INFINITY}, one[2] = {1, 1};
    const kit_case slope = {.build = cross_entropy_slope, .count = 3, .in = {{2, {2, 2}, NULL, x}, {1, {2}, target, NULL}, {1, {2}, NULL, one}}};
    double *dx = kit_value(&slope, NRM_F32, 1);
    (void)state;
    assert_true(fabs(dx[0] / exp(-40) + 1) < 1e-6 && fabs(dx[1] / exp(-40) - 1) < 1e-6);
    assert_true(dx[2] == 0 && dx[3] == 0);
    free(dx);
}

static void bad_targets(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *p;
    nrm_instance *run;
    const double x[6] = {0};
    const int64_t target[2] = {-1, 3};
    (void)state;
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node loss = nrm_op_cross_entropy(nrm_graph_input(g, "x", NRM_F64, 2, (int64_t[]){2, 3}), nrm_graph_input(g, "t", NRM_I64, 1, (int64_t[]){2}));
    assert_ok(ctx, nrm_compile(ctx, 1, &loss, NULL, &p));
    assert_ok(ctx, nrm_instance_create(ctx, p, &run));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "x", x));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "t", target));
    assert_status(ctx, nrm_run(ctx, run), NRM_E_RANGE);
    assert_message(ctx, "cross_entropy: the target of row 1 is 3; it must be below the 3 classes");
    nrm_instance_destroy(run);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

static nrm_node array(nrm_graph *g, nrm_dtype dtype, int64_t m, int64_t n) { return nrm_graph_fill(g, dtype, n < 0 ? 1 : 2, (int64_t[]){m, n}, 0); }

static void refusals(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    KIT_REFUSED(ctx, NRM_E_DTYPE, "softmax: ", , nrm_op_softmax(array(g, NRM_I64, 2, 3)));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "softmax: ", , nrm_op_softmax(nrm_graph_scalar(g, NRM_F64, 1)));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "softmax_causal: shape 2x3; the last two axes must be equal", , nrm_op_softmax_causal(array(g, NRM_F32, 2, 3), 1));
    KIT_REFUSED(ctx, NRM_E_RANGE, "softmax_causal: scale is nan", , nrm_op_softmax_causal(array(g, NRM_F32, 3, 3), (double)NAN));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "cross_entropy: ", , nrm_op_cross_entropy(array(g, NRM_F32, 3, 3), array(g, NRM_F32, 3, -1)));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "cross_entropy: x has shape 3x4 and the targets 4", , nrm_op_cross_entropy(array(g, NRM_F32, 3, 4), array(g, NRM_I64, 4, -1)));
    KIT_REFUSED(ctx, NRM_E_RANGE, "l2_normalise: eps is -1", , nrm_op_l2_normalise(array(g, NRM_F32, 3, 4), -1));
    KIT_REFUSED(ctx, NRM_E_RANGE, "dropout: p is 1; it must lie in [0, 1)", , nrm_op_dropout(array(g, NRM_F32, 3, 4), 1, 0));
    nrm_ctx_destroy(ctx);
}

/* The value and the derivative leave out the same elements, scaled by 1 / (1 - p). */
static void dropout(void **state)
{
    enum { M = 100, N = 70 };
    static float x[M * N], again[M * N];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *p;
    nrm_instance *run;
    int64_t kept = 0;
    (void)state;
    for (int i = 0; i < M * N; i++) x[i] = (float)(i + 1);
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node in = nrm_graph_input(g, "x", NRM_F32, 2, (int64_t[]){M, N});
    nrm_node outputs[2] = {nrm_op_dropout(in, 0.25, 3), {NULL, -1}};
    const nrm_node bent = nrm_op_sum_all(nrm_op_square(nrm_op_tanh(nrm_op_matmul(nrm_op_transpose(outputs[0]), outputs[0]))));
    nrm_graph_gradient(nrm_op_add(nrm_op_sum_all(outputs[0]), nrm_op_scale(bent, 0)), 1, &in, &outputs[1]);
    assert_int_equal(nrm_op_dropout(in, 0, 3).index, in.index);
    assert_ok(ctx, nrm_compile(ctx, 2, outputs, NULL, &p));
    assert_ok(ctx, nrm_instance_create(ctx, p, &run));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "x", x));
    nrm_instance_random(run, 11, 5);
    assert_ok(ctx, nrm_run(ctx, run));
    const float *y = nrm_instance_output(run, 0), *dx = nrm_instance_output(run, 1);
    for (int i = 0; i < M * N; i++) {
        assert_near((double)y[i], y[i] != 0 ? (double)x[i] / 0.75 : 0, 1e-6);
        assert_near((double)dx[i], y[i] != 0 ? 1 / 0.75 : 0, 1e-6);
        kept += y[i] != 0;
    }
    assert_true(llabs(kept - M * N * 3 / 4) < 150); /* 4 standard deviations */
    memcpy(again, y, sizeof again);
    nrm_instance_random(run, 11, 6);
    assert_ok(ctx, nrm_run(ctx, run));
    assert_true(memcmp(again, nrm_instance_output(run, 0), sizeof again) != 0);
    nrm_instance_random(run, 11, 5);
    assert_ok(ctx, nrm_run(ctx, run));
    assert_memory_equal(again, nrm_instance_output(run, 0), sizeof again);
    nrm_instance_destroy(run);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(values), cmocka_unit_test(cross_entropy_values), cmocka_unit_test(derivatives), cmocka_unit_test(threads),
              cmocka_unit_test(extremes), cmocka_unit_test(sure_targets), cmocka_unit_test(bad_targets), cmocka_unit_test(refusals),
              cmocka_unit_test(dropout))
