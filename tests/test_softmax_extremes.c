/* test_softmax_extremes.c -- softmax of rows with NaN, infinities, huge entries, masks, or
 * nothing at all. */
#include "softmax_kit.h"

/* NaN, infinities, huge values, in every position class of a long and a short row. */
static void test_policies(void **state)
{
    (void)state;
    enum { N = 3000 };
    static float x[N], y[N];
    FOR_ALL (o) {
        o.block = 1024;
        for (int n = 5; n <= N; n = n * 6 + 1)
            for (int at = 0; at < n; at += n / 5) {
                double lse;
                for (int i = 0; i < n; i++) x[i] = (float)(i % 7) - 3;
                x[at] = NAN;
                row_f32(x, n, y, &lse, &o);
                for (int i = 0; i < n; i++) assert_true(isnan(y[i]));
                assert_true(isnan(lse));
                x[at] = INFINITY;
                row_f32(x, n, y, &lse, &o);
                assert_true(isnan(y[0]) && isnan(y[n - 1]) && isinf(lse));
                o.infinity = NRM_SOFTMAX_INFINITY_UNIFORM;
                row_f32(x, n, y, &lse, &o);
                for (int i = 0; i < n; i++) assert_true(y[i] == (i == at ? 1 : 0));
                o.infinity = NRM_SOFTMAX_INFINITY_NAN;
                x[at] = 3e38f;
                row_f32(x, n, y, &lse, &o);
                for (int i = 0; i < n; i++) assert_true(y[i] == (i == at ? 1 : 0));
                assert_near(lse, (double)3e38f, 0);
                x[at] = -FLT_MAX;
                row_f32(x, n, y, &lse, &o);
                assert_true(y[at] == 0 && isfinite(lse) && lse > 0);
                x[at] = -INFINITY;
                row_f32(x, n, y, &lse, &o);
                assert_true(y[at] == 0 && isfinite(lse) && lse > 0);
                for (int i = 0; i < n; i++) x[i] = i == at ? -2e5f : -INFINITY;
                row_f32(x, n, y, &lse, &o);
                for (int i = 0; i < n; i++) assert_true(y[i] == (i == at ? 1 : 0));
                assert_near(lse, -2e5, 0);
                for (int i = 0; i < n; i++) x[i] = -FLT_MAX; /* all alike: uniform */
                row_f32(x, n, y, &lse, &o);
                for (int i = 0; i < n; i++) assert_near((double)y[i], 1.0 / n, 1e-7);
            }
    }
}

static void test_empty_rows(void **state)
{
    (void)state;
    float x[40], y[40];
    double lse;
    for (int i = 0; i < 40; i++) x[i] = -INFINITY;
    FOR_ALL (o) {
        for (int n = 1; n <= 40; n += 3) {
            row_f32(x, n, y, &lse, &o);
            for (int i = 0; i < n; i++) assert_true(y[i] == 0);
            assert_true(lse == -INFINITY);
            o.all_masked = NRM_SOFTMAX_EMPTY_NAN;
            row_f32(x, n, y, &lse, &o);
            for (int i = 0; i < n; i++) assert_true(isnan(y[i]));
            o.all_masked = NRM_SOFTMAX_EMPTY_UNIFORM;
            row_f32(x, n, y, &lse, &o);
            for (int i = 0; i < n; i++) assert_near((double)y[i], 1.0 / n, 1e-7);
            o.all_masked = NRM_SOFTMAX_EMPTY_ZERO;
            o.log = true;
            row_f32(x, n, y, &lse, &o);
            for (int i = 0; i < n; i++) assert_true(y[i] == -INFINITY);
            o.log = false;
        }
    }
}

/* Masks of all kinds give what -inf entries give. */
static void test_masks(void **state)
{
    (void)state;
    enum { ROWS = 21, COLS = 67, LD = 71 };
    static float x[ROWS * LD], z[ROWS * LD], bias[COLS], y[ROWS * LD], expected[ROWS * LD];
    static uint8_t keep[ROWS * COLS];
    int64_t lengths[ROWS];
    uint64_t seed = 2;

    for (int cols = 3; cols <= COLS; cols += 16)
        FOR_ALL (o) {
            o.alpha = -0.5;
            for (int r = 0; r < ROWS; r++) lengths[r] = r * cols / (ROWS - 1);
            for (int j = 0; j < cols; j++) bias[j] = j % 5 == 4 ? -INFINITY : (float)(j % 4);
            for (int r = 0; r < ROWS; r++)
                for (int j = 0; j < cols; j++) {
                    keep[r * COLS + j] = nrm_test_uniform(&seed) < 0.7 ? 200 : 0;
                    x[r * LD + j] = keep[r * COLS + j] ? (float)nrm_test_normal(&seed) : NAN; /* not looked at */
                    const bool kept = keep[r * COLS + j] && j < lengths[r];
                    z[r * LD + j] = kept ? -0.5f * x[r * LD + j] + bias[j] : -INFINITY;
                }
            const nrm_softmax_mask mask = {.keep = keep, .keep_stride = COLS, .bias = bias, .lengths = lengths};
            nrm_softmax_options plain = o;
            nrm_softmax_info info;
            plain.alpha = 1;
            for (int log_wanted = 0; log_wanted < 2; log_wanted++) {
                o.log = plain.log = log_wanted;
                assert_ok(NULL, nrm_softmax_f32(NULL, ROWS, cols, x, LD, &mask, y, LD, NULL, &info, &o));
                assert_ok(NULL, nrm_softmax_f32(NULL, ROWS, cols, z, LD, NULL, expected, LD, NULL, NULL, &plain));
                assert_true(cols < 20 || info.slow_rows < 4);
                for (int r = 0; r < ROWS; r++)
                    for (int j = 0; j < cols; j++) {
                        const double a = (double)y[r * LD + j], b = (double)expected[r * LD + j];
                        assert_near(a, b, 1e-6);
                        assert_true(log_wanted || (a == 0) == (b == 0));
                    }
            }
        }
}

static void test_alpha_zero(void **state)
{
    (void)state;
    const float x[] = {1, -INFINITY, 1e30f, -4, 2};
    const uint8_t keep[] = {1, 1, 1, 0, 1};
    const nrm_softmax_mask mask = {.keep = keep};
    FOR_ALL (o) {
        float y[5];
        o.alpha = 0;
        assert_ok(NULL, nrm_softmax_f32(NULL, 1, 5, x, 5, &mask, y, 5, NULL, NULL, &o));
        for (int i = 0; i < 5; i++) assert_near((double)y[i], i == 1 || i == 3 ? 0 : 1.0 / 3, 1e-7);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_policies), cmocka_unit_test(test_empty_rows), cmocka_unit_test(test_masks),
              cmocka_unit_test(test_alpha_zero))
