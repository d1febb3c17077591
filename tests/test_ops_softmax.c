/* Rows in graphs: softmax, causal softmax, log-softmax, cross-entropy, l2_normalise, dropout. */
#include "ops_kit.h"
#include <norma/call.h>
#include "reference/ops_softmax_values.h"

enum { MOST = 512 };

static double pattern_value(int64_t i, int64_t k) { return (double)((i * 37 + i * i * 11 + k * 29) % 97 - 48) / 16; }
static const double *pattern(int64_t k) /* one array a k, below 8 */
{
    static double x[8][MOST];
    for (int64_t i = 0; i < MOST; i++) x[k][i] = pattern_value(i, k);
    return x[k];
}

static const double scale = 0.375, negative = -1.5, eps = 1e-3;

static nrm_node softmax(nrm_graph *g, const nrm_node *x, const void *user) { (void)g, (void)user; return nrm_op_softmax(x[0]); }
static nrm_node causal(nrm_graph *g, const nrm_node *x, const void *user) { (void)g, (void)user; return nrm_op_softmax_causal(x[0], scale); }
static nrm_node causal_negative(nrm_graph *g, const nrm_node *x, const void *user) { (void)g, (void)user; return nrm_op_softmax_causal(x[0], negative); }
static nrm_node log_softmax(nrm_graph *g, const nrm_node *x, const void *user) { (void)g, (void)user; return nrm_op_log_softmax(x[0]); }
static nrm_node cross_entropy(nrm_graph *g, const nrm_node *x, const void *user) { (void)g, (void)user; return nrm_op_cross_entropy(x[0], x[1]); }
static nrm_node l2_normalise(nrm_graph *g, const nrm_node *x, const void *user) { (void)g, (void)user; return nrm_op_l2_normalise(x[0], eps); }
/* The derivative by x[0] for the cotangent x[2] */
static nrm_node cross_entropy_slope(nrm_graph *g, const nrm_node *x, const void *user)
{
    const nrm_node loss = nrm_op_cross_entropy(x[0], x[1]);
    nrm_node dx;
    (void)g, (void)user;
    nrm_graph_vjp(1, &loss, &x[2], 1, x, &dx);
    return dx;
}

typedef struct expected { int64_t count; const double *y; } expected;
#define COUNT_OF(values) (int64_t)(sizeof(values) / sizeof *(values))
#define EXPECTED(values) &(const expected){COUNT_OF(values), values}
static void from_pytorch(const ops_values *inputs, double *y, const void *user)
{
    const expected *e = user;
    (void)inputs;
    memcpy(y, e->y, (size_t)e->count * sizeof *y);
}

static void values(void **state)
{
    static const double target[4] = {2, -1, 5, 0};
    const ops_input rows = {.ndim = 2, .shape = {3, 7}, .values = pattern(1)}, square = {.ndim = 3, .shape = {2, 5, 5}, .values = pattern(2)};
    const ops_input scores = {.ndim = 2, .shape = {4, 6}, .values = pattern(3)}, targets = {.ndim = 1, .shape = {4}, .index = true, .low = -1, .high = 6, .values = target};
    const ops_input weights = {.ndim = 1, .shape = {4}, .values = pattern(4)}, long_rows = {.ndim = 2, .shape = {3, 5}, .values = pattern(5)};
    const ops_record records[] = {
        {"softmax", softmax, from_pytorch, 1, {rows}, .user = EXPECTED(softmax_y)},
        {"log_softmax", log_softmax, from_pytorch, 1, {rows}, .user = EXPECTED(log_softmax_y)},
        {"softmax_causal", causal, from_pytorch, 1, {square}, .user = EXPECTED(causal_y)},
        {"cross_entropy", cross_entropy, from_pytorch, 2, {scores, targets}, .user = EXPECTED(cross_entropy_loss)},
        {"its slope", cross_entropy_slope, from_pytorch, 3, {scores, targets, weights}, .user = EXPECTED(cross_entropy_dx)},
        {"l2_normalise", l2_normalise, from_pytorch, 1, {long_rows}, .user = EXPECTED(l2_normalise_y)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        ops_record r = records[i];
        r.value_tolerance = 2e-15;
        ops_check(&r);
    }
}

/* Rows of one element, of registers, of the long path, of odd lengths; enough that threads share them. */
static void sizes(void **state)
{
    static const int64_t lengths[] = {0, 1, 2, 7, 19, 65, 130, 301};
    (void)state;
    for (int i = 0; i < 8; i++) {
        const int64_t n = lengths[i];
        const ops_record records[] = {{"softmax", softmax, .input_count = 1, .inputs = {OPS_SHAPE(2, 3, n)}},
                                      {"log_softmax", log_softmax, .input_count = 1, .inputs = {OPS_SHAPE(3, 2, 2, n)}},
                                      {"l2_normalise", l2_normalise, .input_count = 1, .inputs = {OPS_SHAPE(2, 3, n)}}};
        ops_check_all(records, n == 0 ? 2 : 3);
    }
    for (int64_t t = 1; t < 80; t = 3 * t + 2) {
        const ops_record r = {"softmax_causal", t % 2 ? causal : causal_negative, .input_count = 1, .inputs = {OPS_SHAPE(3, 2, t, t)}};
        ops_check(&r);
    }
    const ops_record large[] = {{"softmax", softmax, .input_count = 1, .inputs = {OPS_SHAPE(2, 67, 301)}, .flags = OPS_NO_DERIVATIVE},
                                {"log_softmax", log_softmax, .input_count = 1, .inputs = {OPS_SHAPE(2, 67, 301)}, .flags = OPS_NO_DERIVATIVE},
                                {"softmax_causal", causal, .input_count = 1, .inputs = {OPS_SHAPE(2, 151, 151)}, .flags = OPS_NO_DERIVATIVE}};
    ops_check_all(large, 3);
}

static void losses(void **state)
{
    const ops_input scores = OPS_SHAPE(3, 2, 3, 7), targets = {.ndim = 2, .shape = {2, 3}, .index = true, .low = -2, .high = 7}, weights = OPS_SHAPE(2, 2, 3);
    const ops_input many = OPS_SHAPE(2, 200, 65), all = {.ndim = 1, .shape = {200}, .index = true, .low = -5, .high = 65}, each = OPS_SHAPE(1, 200);
    const ops_record records[] = {{"cross_entropy", cross_entropy, .input_count = 2, .inputs = {scores, targets}},
                                  {"its slope", cross_entropy_slope, .input_count = 3, .inputs = {scores, targets, weights}},
                                  {"cross_entropy", cross_entropy, .input_count = 2, .inputs = {many, all}, .flags = OPS_NO_DERIVATIVE},
                                  {"its slope", cross_entropy_slope, .input_count = 3, .inputs = {many, all, each}, .flags = OPS_NO_DERIVATIVE}};
    (void)state;
    ops_check_all(records, 4);
}

/* build's value for `rows` rows of n given elements, in f64 or f32; to be freed. */
static double *rows_of(nrm_node (*build)(nrm_graph *, const nrm_node *, const void *), nrm_dtype dtype, int64_t rows, int64_t n, const double *x)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    double *y;
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node in = ops_constant(nrm_graph_scalar(g, dtype, 0), 2, (int64_t[]){rows, n}, x), out = build(g, &in, NULL);
    ops_evaluate(ctx, 1, &out, NULL, (ops_mode){false, false, 1, false}, &y);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
    return y;
}

/* One entry left, none left, far apart, beyond the fast range, NaN, inf: in registers and on the long path */
static void extremes(void **state)
{
    enum { ROWS = 6, LONG = 150 };
    static double x[ROWS * LONG];
    const double inf = INFINITY;
    (void)state;
    for (int64_t n = 5; n <= LONG; n += LONG - 5) {
        for (int64_t i = 0; i < ROWS * n; i++) x[i] = i / n < 2 ? -inf : i / n == 3 ? -3e38 : 0;
        x[3] = -2.5;
        x[2 * n + 1] = 1e4;
        x[3 * n + 1] = 3e38;
        x[3 * n + 4] = 3e38;
        x[4 * n + n - 1] = NAN;
        x[5 * n + 2] = inf;
        for (int single = 0; single < 2; single++) {
            double *y = rows_of(softmax, single ? NRM_F32 : NRM_F64, ROWS, n, x), *l = rows_of(log_softmax, single ? NRM_F32 : NRM_F64, ROWS, n, x);
            for (int64_t i = 0; i < n; i++) {
                const double left[4] = {i == 3, 0, i == 1, i == 1 || i == 4 ? 0.5 : 0};
                for (int r = 0; r < 4; r++) assert_near(y[r * n + i], left[r], 1e-15);
                if (i == 3) assert_near(l[i], 0, single ? 1e-6 : 1e-15);
                else assert_true(l[i] == -inf);
                assert_true(l[n + i] == -inf);
                assert_near(l[2 * n + i], i == 1 ? 0 : -1e4, single ? 1e-6 : 1e-15);
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
    static const double x[4] = {40, 0, 0, -INFINITY}, one[2] = {1, 1};
    static const float scores[4] = {40, 0, 0, -INFINITY}, weights[2] = {1, 1};
    static const int64_t target[2] = {0, 0};
    for (int single = 0; single < 2; single++) {
        const nrm_dtype dtype = single ? NRM_F32 : NRM_F64;
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        nrm_graph *g;
        double *dx;
        (void)state;
        assert_ok(ctx, nrm_graph_create(ctx, &g));
        const nrm_node in[3] = {nrm_graph_input(g, "x", dtype, 2, (int64_t[]){2, 2}), nrm_graph_input(g, "t", NRM_I64, 1, (int64_t[]){2}),
                                nrm_graph_input(g, "u", dtype, 1, (int64_t[]){2})};
        const nrm_node out = cross_entropy_slope(g, in, NULL);
        void *const data[2][3] = {{(void *)(uintptr_t)x, (void *)(uintptr_t)target, (void *)(uintptr_t)one},
                                  {(void *)(uintptr_t)scores, (void *)(uintptr_t)target, (void *)(uintptr_t)weights}};
        ops_evaluate(ctx, 1, &out, data[single], (ops_mode){true, true, 1, false}, &dx);
        assert_true(fabs(dx[0] / exp(-40) + 1) < (single ? 1e-6 : 1e-14) && fabs(dx[1] / exp(-40) - 1) < (single ? 1e-6 : 1e-14));
        assert_true(dx[2] == 0 && dx[3] == 0);
        free(dx);
        nrm_graph_destroy(g);
        nrm_ctx_destroy(ctx);
    }
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

/* The graph of one call is refused with a sentence that holds `piece`. */
#define REFUSED(ctx, status, piece, call)                 \
    do {                                                  \
        nrm_graph *g;                                     \
        assert_ok(ctx, nrm_graph_create(ctx, &g));        \
        assert_false(nrm_node_valid(call));               \
        assert_status(ctx, nrm_graph_check(g), status);   \
        assert_message(ctx, piece);                       \
        nrm_graph_destroy(g);                             \
    } while (0)

static nrm_node array(nrm_graph *g, nrm_dtype dtype, int64_t m, int64_t n) { return nrm_graph_fill(g, dtype, n < 0 ? 1 : 2, (int64_t[]){m, n}, 0); }

static void refusals(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    REFUSED(ctx, NRM_E_DTYPE, "softmax: ", nrm_op_softmax(array(g, NRM_I64, 2, 3)));
    REFUSED(ctx, NRM_E_SHAPE, "softmax: ", nrm_op_softmax(nrm_graph_scalar(g, NRM_F64, 1)));
    REFUSED(ctx, NRM_E_SHAPE, "softmax_causal: shape 2x3; the last two axes must be equal", nrm_op_softmax_causal(array(g, NRM_F32, 2, 3), 1));
    REFUSED(ctx, NRM_E_RANGE, "softmax_causal: scale is nan", nrm_op_softmax_causal(array(g, NRM_F32, 3, 3), (double)NAN));
    REFUSED(ctx, NRM_E_DTYPE, "cross_entropy: ", nrm_op_cross_entropy(array(g, NRM_F32, 3, 3), array(g, NRM_F32, 3, -1)));
    REFUSED(ctx, NRM_E_SHAPE, "cross_entropy: x has shape 3x4 and the targets 4", nrm_op_cross_entropy(array(g, NRM_F32, 3, 4), array(g, NRM_I64, 4, -1)));
    REFUSED(ctx, NRM_E_RANGE, "l2_normalise: eps is -1", nrm_op_l2_normalise(array(g, NRM_F32, 3, 4), -1));
    REFUSED(ctx, NRM_E_RANGE, "dropout: p is 1; it must lie in [0, 1)", nrm_op_dropout(array(g, NRM_F32, 3, 4), 1, 0));
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
    char *text;
    (void)state;
    for (int i = 0; i < M * N; i++) x[i] = (float)(i + 1);
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node in = nrm_graph_input(g, "x", NRM_F32, 2, (int64_t[]){M, N});
    nrm_node outputs[2] = {nrm_op_dropout(in, 0.25, 3), {NULL, -1}};
    nrm_graph_gradient(nrm_op_sum_all(outputs[0]), 1, &in, &outputs[1]);
    assert_int_equal(nrm_op_dropout(in, 0, 3).index, in.index);
    assert_ok(ctx, nrm_compile(ctx, 2, outputs, NULL, &p));
    assert_ok(ctx, nrm_program_text(ctx, p, &text));
    const char *draw = strstr(text, " = uniform");
    assert_true(draw && !strstr(draw + 1, " = uniform")); /* one draw serves both */
    nrm_free_string(ctx, text);
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

NRM_TEST_MAIN(cmocka_unit_test(values), cmocka_unit_test(sizes), cmocka_unit_test(losses), cmocka_unit_test(extremes),
              cmocka_unit_test(sure_targets), cmocka_unit_test(bad_targets), cmocka_unit_test(refusals), cmocka_unit_test(dropout))
