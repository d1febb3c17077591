/* test_softmax.c -- softmax against the worked numbers of the paper's specification, a
 * NumPy reference and its promises: lengths, threads, place, memory, refusals. */
#include "reference/softmax_values.h"
#include "softmax_kit.h"

static void test_worked_numbers(void **state)
{
    (void)state;
    const float x[] = {1000, 1001, 999, -1000};
    const double expected[] = {0.24472847105479767, 0.6652409557748219, 0.09003057317038046, 0};
    FOR_ALL (o) {
        float y[4];
        double lse;
        row_f32(x, 4, y, &lse, &o);
        for (int i = 0; i < 4; i++) assert_near((double)y[i], expected[i], 2e-7);
        assert_true(y[3] == 0);
        assert_near(lse, 1001.4076059644443, 3e-10);
    }
    nrm_softmax_pair pair = nrm_softmax_pair_zero();
    const double wide[] = {1000, 1001, 999, -1000};
    assert_ok(NULL, nrm_softmax_pair_add_f64(NULL, &pair, 4, wide, NULL, NULL));
    assert_near(pair.exponent, 1444, 0);
    assert_near(pair.mantissa, 1.6538025891539709, 1e-15); /* the specification prints ...0016: 2e-14 off */
}

/* A single element's pair is its ExtExp. */
static void test_extexp(void **state)
{
    (void)state;
    for (int isa = NRM_SOFTMAX_ISA_SCALAR; isa <= (int)nrm_cpu_isa() + 1; isa++)
        for (size_t i = 0; i + 1 < sizeof value_point / sizeof *value_point; i++) {
            const nrm_softmax_options o = options_of(NRM_SOFTMAX_AUTO, (nrm_softmax_isa)isa);
            nrm_softmax_pair narrow = nrm_softmax_pair_zero(), wide = narrow;
            const float x = (float)value_point[i];
            assert_ok(NULL, nrm_softmax_pair_add_f32(NULL, &narrow, 1, &x, NULL, &o));
            assert_near(narrow.exponent, value_exponent[i], 0);
            assert_near(narrow.mantissa, value_mantissa[i], 1.5e-7);
            assert_ok(NULL, nrm_softmax_pair_add_f64(NULL, &wide, 1, &value_point[i], NULL, &o));
            assert_near(wide.exponent, value_exponent[i], 0);
            assert_near(wide.mantissa, value_mantissa[i], 2e-16);
        }
}

enum { COUNT = VALUE_ROWS * VALUE_COLS };

static void test_numpy_values(void **state)
{
    (void)state;
    FOR_ALL (o) {
        float x[COUNT], bias[COUNT], narrow[COUNT];
        double y[COUNT], lse[VALUE_ROWS];
        nrm_softmax_mask mask = {.keep = value_keep, .keep_stride = VALUE_COLS, .bias = value_bias,
                                 .bias_stride = VALUE_COLS};
        o.alpha = value_alpha;
        for (int log_wanted = 0; log_wanted < 2; log_wanted++) {
            const double *expected = log_wanted ? value_log_y : value_y;
            o.log = log_wanted;
            assert_ok(NULL, nrm_softmax_f64(NULL, VALUE_ROWS, VALUE_COLS, value_x, VALUE_COLS, &mask, y, VALUE_COLS,
                                            lse, NULL, &o));
            assert_all_near(y, expected, COUNT, 4e-15);
            assert_all_near(lse, value_lse, VALUE_ROWS, 4e-15);
            for (int i = 0; i < COUNT; i++) {
                x[i] = (float)value_x[i];
                bias[i] = (float)value_bias[i];
            }
            mask.bias = bias;
            assert_ok(NULL, nrm_softmax_f32(NULL, VALUE_ROWS, VALUE_COLS, x, VALUE_COLS, &mask, narrow, VALUE_COLS,
                                            lse, NULL, &o));
            for (int i = 0; i < COUNT; i++) assert_near((double)narrow[i], expected[i], 1e-6);
            assert_all_near(lse, value_lse, VALUE_ROWS, 1e-6);
            mask.bias = value_bias;
        }
    }
}

static void test_far_row(void **state)
{
    (void)state;
    float x[1000], y[1000];
    double lse, sum;
    for (int i = 0; i < 1000; i++) x[i] = (float)(-30000 + cos(0.1 * i));
    FOR_ALL (o) {
        row_f32(x, 1000, y, &lse, &o);
        assert_near(lse, value_far_lse[0], 2e-11);
        sum = 0;
        for (int i = 0; i < 1000; i++) sum += (double)y[i];
        assert_near(sum, 1, 1e-6);
    }
}

/* Every length around the vector, register, block limits, against long double. */
static void test_lengths(void **state)
{
    (void)state;
    enum { MOST = 2100 };
    static float x[MOST], y[MOST + 8];
    static double reference[MOST], xd[MOST], yd[MOST + 8];
    uint64_t seed = 1;

    for (int i = 0; i < MOST; i++) xd[i] = x[i] = (float)(8 * nrm_test_normal(&seed));
    for (int64_t n = 1; n <= MOST; n = n < 300 ? n + 1 : n * 4 / 3) {
        double top = -INFINITY, sum = 0, lse;
        for (int i = 0; i < n; i++) top = fmax(top, xd[i]);
        for (int i = 0; i < n; i++) sum += reference[i] = exp(xd[i] - top);
        FOR_ALL (o) {
            const int64_t shift = n % 8; /* y unaligned */
            /* z - max is rounded by three passes and online, nothing is in pairs */
            const bool rounds = strncmp(names[algorithm_], "three", 5) == 0 || algorithm_ == NRM_SOFTMAX_ONLINE;
            const double tolerance = rounds ? 6e-6 : 1e-6;
            if (n % 3) o.nt_stores = NRM_SOFTMAX_NT_ALWAYS;
            o.block = 1024;
            for (int i = 0; i < MOST + 8; i++) y[i] = 7, yd[i] = 7;
            row_f32(x, n, y + shift, &lse, &o);
            assert_near(lse, top + log(sum), 3e-7);
            for (int i = 0; i < n; i++) {
                const double exact = reference[i] / sum;
                assert_true(fabs((double)y[shift + i] - exact) <= tolerance * exact + 1.2e-38);
                assert_true(y[shift + i] >= 0 && y[shift + i] <= 1);
            }
            if (shift) assert_true(y[shift - 1] == 7);
            assert_true(y[shift + n] == 7); /* nothing beyond the row */
            assert_ok(NULL, nrm_softmax_f64(NULL, 1, n, xd, n, NULL, yd + shift, n, &lse, NULL, &o));
            assert_near(lse, top + log(sum), 1e-15);
            for (int i = 0; i < n; i++)
                assert_true(fabs(yd[shift + i] - reference[i] / sum) <= 2e-14 * reference[i] / sum);
            assert_true(yd[shift + n] == 7);
        }
    }
    row_f32(x, 1, y, NULL, NULL);
    assert_true(y[0] == 1);
}

/* Online: the maximum rises at every element, once, or never; lanes and blocks differ in
 * theirs; excluded entries and a lane of nothing else need no exact path. */
static void test_online(void **state)
{
    (void)state;
    enum { N = 5003, SLOPES = 4 };
    static const double slope[SLOPES] = {0.01, -0.01, 1.25, -1.25};
    static double x[N], y[N], expected[N];
    static float narrow[N], narrow_y[N];
    nrm_softmax_info info;

    for (int isa = 1; isa <= (int)nrm_cpu_isa() + 1; isa++)
        for (int k = 0; k < SLOPES; k++) {
            nrm_softmax_options o = options_of(NRM_SOFTMAX_ONLINE, (nrm_softmax_isa)isa);
            double sum = 0, lse;
            const double top = slope[k] * (slope[k] > 0 ? N - 1 : 0);
            o.block = 1024;
            for (int i = 0; i < N; i++) {
                narrow[i] = (float)(slope[k] * i);
                x[i] = (double)narrow[i];
                if (i % 16 == 5) narrow[i] = -INFINITY, x[i] = i % 3 ? -INFINITY : -DBL_MAX;
                sum += expected[i] = exp(x[i] - top);
            }
            assert_ok(NULL, nrm_softmax_f64(NULL, 1, N, x, N, NULL, y, N, &lse, &info, &o));
            assert_near(lse, top + log(sum), 2e-15);
            assert_true(info.slow_rows == 0 && info.bytes == 3 * sizeof y);
            assert_string_equal(info.algorithm, "online");
            for (int i = 0; i < N; i++) assert_near(y[i], expected[i] / sum, 4e-15);
            assert_ok(NULL, nrm_softmax_f32(NULL, 1, N, narrow, N, NULL, narrow_y, N, &lse, &info, &o));
            assert_near(lse, top + log(sum), 1e-6);
            assert_true(info.slow_rows == 0);
            for (int i = 0; i < N; i++) assert_near((double)narrow_y[i], expected[i] / sum, 2e-6);
            assert_ok(NULL, nrm_softmax_f32(NULL, 1, N, narrow, N, NULL, NULL, N, &lse, &info, &o));
            assert_near(info.bytes, sizeof narrow, 0);
        }
}

/* Softmax does not change under a shift of x, up to the rounding of x. */
static void test_shift(void **state)
{
    (void)state;
    enum { N = 500 };
    float x[N], y[N], moved[N];
    uint64_t seed = 3;
    for (int i = 0; i < N; i++) x[i] = (float)(rint(3 * nrm_test_normal(&seed) * 1024) / 1024);
    for (int isa = 1; isa <= (int)nrm_cpu_isa() + 1; isa++)
        for (int k = -1000; k <= 1000; k += 400) {
            const nrm_softmax_options o = options_of(NRM_SOFTMAX_TWO_PASS, (nrm_softmax_isa)isa);
            row_f32(x, N, y, NULL, &o);
            for (int i = 0; i < N; i++) moved[i] = x[i] + (float)k;
            row_f32(moved, N, moved, NULL, &o);
            for (int i = 0; i < N; i++) assert_true(fabsf(moved[i] - y[i]) <= 1e-6f * y[i]);
        }
}

/* Same bits for 1, 2, 3 threads; in place as beside. */
static void test_threads_and_place(void **state)
{
    (void)state;
    enum { N = 200001 };
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), *again = malloc(N * sizeof *again);
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 4;

    assert_true(x && y && again);
    for (int i = 0; i < N; i++) x[i] = (float)(5 * nrm_test_normal(&seed));
    for (int shape = 0; shape < 4; shape++) {
        const int64_t cols = shape == 0 ? N : shape == 1 ? 1000 : shape == 2 ? 7 : 66667, rows = N / cols;
        FOR_ALL (o) {
            double lse[2][3], *sums = rows <= 3 ? lse[0] : NULL;
            if (algorithm_ % 2) o.nt_stores = NRM_SOFTMAX_NT_ALWAYS;
            o.block = 1024;
            assert_ok(ctx, nrm_set_threads(ctx, 1));
            assert_ok(ctx, nrm_softmax_f32(ctx, rows, cols, x, cols, NULL, y, cols, sums, NULL, &o));
            for (int threads = 2; threads <= 3; threads++) {
                assert_ok(ctx, nrm_set_threads(ctx, threads));
                memset(again, 0, N * sizeof *again);
                assert_ok(ctx, nrm_softmax_f32(ctx, rows, cols, x, cols, NULL, again, cols, sums ? lse[1] : NULL,
                                               NULL, &o));
                assert_memory_equal(y, again, (size_t)(rows * cols) * sizeof *y);
                if (sums) assert_memory_equal(lse[0], lse[1], (size_t)rows * sizeof(double));
            }
            memcpy(again, x, N * sizeof *x);
            assert_ok(ctx, nrm_softmax_f32(ctx, rows, cols, again, cols, NULL, again, cols, NULL, NULL, &o));
            for (int64_t i = 0; i < rows * cols; i++) assert_true(fabsf(again[i] - y[i]) <= 1e-37f);
        }
    }
    nrm_ctx_destroy(ctx);
    free(x), free(y), free(again);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    float x[40] = {0}, y[40];
    nrm_softmax_options o = nrm_softmax_options_default();
    const int64_t length = 6;

    for (int i = 0; i < 40; i++) y[i] = 3;
    assert_status(ctx, nrm_softmax_f32(ctx, 2, 0, x, 0, NULL, y, 0, NULL, NULL, NULL), NRM_E_SHAPE);
    assert_message(ctx, "empty axis");
    assert_ok(ctx, nrm_softmax_f32(ctx, 0, 0, NULL, 0, NULL, NULL, 0, NULL, NULL, NULL));
    assert_ok(ctx, nrm_softmax_f32(ctx, 0, 5, NULL, 5, NULL, NULL, 5, NULL, NULL, NULL));
    assert_status(ctx, nrm_softmax_f32(ctx, -1, 5, x, 5, NULL, y, 5, NULL, NULL, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_softmax_f32(ctx, 2, 5, NULL, 5, NULL, y, 5, NULL, NULL, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_softmax_f32(ctx, 2, 5, x, 5, NULL, NULL, 5, NULL, NULL, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_softmax_f32(ctx, 2, 5, x, 4, NULL, y, 5, NULL, NULL, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_softmax_f32(ctx, 2, 5, x, 5, NULL, y, 4, NULL, NULL, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_softmax_f32(ctx, 2, 5, x, 5, NULL, x + 3, 5, NULL, NULL, NULL), NRM_E_ALIAS);
    assert_status(ctx, nrm_softmax_f32(ctx, 2, 5, x, 5, NULL, x, 6, NULL, NULL, NULL), NRM_E_ALIAS);
    /* What is read for the second row must not be what the first one wrote. */
    double z[16] = {0}, other[12] = {0};
    const nrm_softmax_mask masks[] = {{.bias = z}, {.bias = z + 1, .bias_stride = 5}, {.keep = (const uint8_t *)z},
                                      {.lengths = (const int64_t *)(const void *)(z + 4)}};
    for (int i = 0; i < 4; i++) {
        assert_status(ctx, nrm_softmax_f64(ctx, 2, 5, other, 5, &masks[i], z, 5, NULL, NULL, NULL), NRM_E_ALIAS);
        assert_status(ctx, nrm_softmax_backward_lse_f64(ctx, 2, 5, other, 5, &masks[i], other, other, 5, z, 5, NULL),
                      NRM_E_ALIAS);
    }
    assert_status(ctx, nrm_softmax_f64(ctx, 2, 5, other, 5, NULL, z, 5, z + 9, NULL, NULL), NRM_E_ALIAS);
    assert_status(ctx, nrm_softmax_f64(ctx, 2, 5, other, 5, NULL, NULL, 5, other + 9, NULL, NULL), NRM_E_ALIAS);
    assert_ok(ctx, nrm_softmax_f64(ctx, 2, 5, other, 5, NULL, z, 5, z + 10, NULL, NULL));
    const nrm_softmax_mask beside = {.bias = z + 3, .bias_stride = 6}; /* two column ranges of one matrix */
    assert_ok(ctx, nrm_softmax_f64(ctx, 2, 3, other, 3, &beside, z, 6, NULL, NULL, NULL));
    assert_ok(ctx, nrm_softmax_f32(ctx, 2, 5, x, 10, NULL, x + 5, 10, NULL, NULL, NULL)); /* columns apart */
    assert_status(ctx, nrm_softmax_f32(ctx, INT64_MAX / 2, 5, x, 5, NULL, y, 5, NULL, NULL, NULL), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_softmax_f32(ctx, 8, 5, x, INT64_MAX / 4, NULL, y, 5, NULL, NULL, NULL), NRM_E_OVERFLOW);
    const nrm_softmax_mask narrow = {.keep = (uint8_t *)y, .keep_stride = 4}, longer = {.lengths = &length};
    assert_status(ctx, nrm_softmax_f32(ctx, 2, 5, x, 5, &narrow, y, 5, NULL, NULL, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_softmax_f32(ctx, 1, 5, x, 5, &longer, y, 5, NULL, NULL, NULL), NRM_E_RANGE);
    o.alpha = INFINITY;
    assert_status(ctx, nrm_softmax_f32(ctx, 1, 5, x, 5, NULL, y, 5, NULL, NULL, &o), NRM_E_RANGE);
    o.alpha = NAN;
    assert_status(ctx, nrm_softmax_f32(ctx, 1, 5, x, 5, NULL, y, 5, NULL, NULL, &o), NRM_E_RANGE);
    o = nrm_softmax_options_default();
    o.block = 1;
    assert_status(ctx, nrm_softmax_f32(ctx, 1, 5, x, 5, NULL, y, 5, NULL, NULL, &o), NRM_E_RANGE);
    if (nrm_cpu_isa() < NRM_ISA_AVX512) {
        o = options_of(NRM_SOFTMAX_AUTO, NRM_SOFTMAX_ISA_AVX512);
        assert_status(ctx, nrm_softmax_f32(ctx, 1, 5, x, 5, NULL, y, 5, NULL, NULL, &o), NRM_E_UNSUPPORTED);
    }
    for (int i = 0; i < 40; i++) assert_true(y[i] == 3);
    nrm_ctx_destroy(ctx);
}

typedef struct failing { float *x, *y; } failing;

static nrm_status call_with_little_memory(nrm_ctx *ctx, void *user)
{
    const failing *f = user;
    nrm_softmax_options o = nrm_softmax_options_default();
    o.block = 1024;
    o.algorithm = NRM_SOFTMAX_TWO_PASS;
    return nrm_softmax_f32(ctx, 1, 5000, f->x, 5000, NULL, f->y, 5000, NULL, NULL, &o);
}

static void test_memory(void **state)
{
    (void)state;
    static float x[5000], y[5000];
    failing f = {x, y};
    nrm_test_allocation_failures(call_with_little_memory, &f, y, sizeof y);
}

static int stop(void *user, const nrm_progress *progress)
{
    (void)progress;
    return ++*(int *)user > 1;
}

static void test_cancel(void **state)
{
    (void)state;
    static float x[2 * 6000000]; /* untouched zeros */
    int seen = 0;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, nrm_set_progress(ctx, stop, &seen));
    nrm_cancel(ctx);
    assert_status(ctx, nrm_softmax_f32(ctx, 1, 6000000, x, 6000000, NULL, x + 6000000, 6000000, NULL, NULL, NULL),
                  NRM_E_CANCELLED);
    assert_status(ctx, nrm_softmax_f32(ctx, 60000, 100, x, 100, NULL, x + 6000000, 100, NULL, NULL, NULL),
                  NRM_E_CANCELLED);
    assert_message(ctx, "stopped on request");
    assert_true(x[6000000] == 0 || x[6000000] == 0.01f);
    nrm_ctx_destroy(ctx);
}

static void test_info(void **state)
{
    (void)state;
    float x[600], y[600];
    nrm_softmax_info info;
    nrm_softmax_options o = options_of(NRM_SOFTMAX_TWO_PASS, NRM_SOFTMAX_ISA_SCALAR);
    for (int i = 0; i < 600; i++) x[i] = (float)i;
    x[350] = NAN;
    assert_ok(NULL, nrm_softmax_f32(NULL, 2, 300, x, 300, NULL, y, 300, NULL, &info, &o));
    assert_int_equal(info.rows, 2);
    assert_int_equal(info.columns, 300);
    assert_int_equal(info.slow_rows, 1);
    assert_string_equal(info.algorithm, "two-pass");
    assert_string_equal(info.isa, "scalar");
    assert_near(info.bytes, 3 * 600 * 4, 0);
    assert_true(info.seconds >= 0 && info.bandwidth >= 0 && !info.nt_stores);
    assert_ok(NULL, nrm_softmax_f32(NULL, 2, 300, x, 300, NULL, y, 300, NULL, &info, NULL));
    assert_string_equal(info.algorithm, "block-reload");
    assert_string_equal(info.isa, nrm_isa_name(nrm_cpu_isa()));
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked_numbers), cmocka_unit_test(test_extexp),
              cmocka_unit_test(test_numpy_values), cmocka_unit_test(test_far_row), cmocka_unit_test(test_lengths),
              cmocka_unit_test(test_online), cmocka_unit_test(test_shift), cmocka_unit_test(test_threads_and_place),
              cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory), cmocka_unit_test(test_cancel),
              cmocka_unit_test(test_info))
