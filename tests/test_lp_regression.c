/* test_lp_regression.c -- the method lp-regression: rows in memory and through a coreset. */
#include "lp_regression_kit.h"
#include "data/formats.h"

/* A coreset is within the gap it proves of the exact answer, and rounds of Newton close it. */
static void test_coreset(void **state)
{
    (void)state;
    static const struct { double p, start, gap, refined; } cases[] = {
        {1, 1.01, 0.1, 1 + 1e-4}, {1.1, 1.01, 0.03, 1 + 1e-5}, {1.5, 1.02, 3e-3, 1 + 1e-7}, {2, 1.02, 1e-10, 1 + 1e-10},
        {3, 1.02, 1e-2, 1 + 1e-8}, {6, 1.05, 5e-2, 1 + 1e-6}};
    nrm_ctx *ctx = one_thread();
    make(1);
    for (int k = 0; k < NRM_COUNT(cases); k++)
        for (int weighted = k % 2; weighted < 2; weighted++) {
            const double *w = weighted ? weights : NULL;
            nrm_lp_regression_result exact, made;
            nrm_lp_regression_info best, info;
            nrm_lp_regression_options o = options_of(cases[k].p, NRM_LP_REGRESSION_DIRECT, 1);
            assert_ok(ctx, fit(ctx, w, &o, &exact, &best));
            check_proof(w, &exact, &best);
            assert_string_equal(best.method, "direct");
            assert_true(best.gap <= 1e-10 && best.coreset_rows == 0 && best.passes == 1 && best.rows_read == N);
            for (int64_t refine = 0; refine <= 4; refine += 1 + 2 * (refine > 0)) {
                o = options_of(cases[k].p, NRM_LP_REGRESSION_CORESET, refine);
                o.rows = 1500;
                assert_ok(ctx, fit(ctx, w, &o, &made, &info));
                check_proof(w, &made, &info);
                assert_string_equal(info.method, "coreset");
                assert_true(info.norm >= best.norm * (1 - 1e-12) && info.start_norm <= best.norm * cases[k].start);
                assert_true(info.coreset_rows > 1000 && info.coreset_rows < 2000 && info.rank == D);
                if (refine == 0) assert_true(isnan(info.lower) && isnan(info.gap) && info.norm == info.start_norm);
                else assert_true(info.lower <= best.norm * (1 + 1e-12) && info.gap <= cases[k].gap && info.norm <= info.start_norm);
                if (refine >= 3) assert_true(info.norm <= best.norm * cases[k].refined);
                nrm_lp_regression_release(ctx, &made);
            }
            nrm_lp_regression_release(ctx, &exact);
        }
    nrm_ctx_destroy(ctx);
}

/* As many rows as there are: the coreset is the data. */
static void test_all_rows(void **state)
{
    (void)state;
    nrm_ctx *ctx = one_thread();
    make(2);
    for (int k = 0; k < 2; k++) {
        nrm_lp_regression_options o = options_of(1 + k, NRM_LP_REGRESSION_DIRECT, 0);
        nrm_lp_regression_result exact, made;
        nrm_lp_regression_info best, info;
        assert_ok(ctx, fit(ctx, NULL, &o, &exact, &best));
        o.method = NRM_LP_REGRESSION_CORESET;
        o.rows = N;
        o.scheme = NRM_LP_CORESET_UNIFORM;
        assert_ok(ctx, fit(ctx, NULL, &o, &made, &info));
        assert_int_equal(info.coreset_rows, N);
        assert_all_near(made.x, exact.x, D, 1e-12);
        assert_near(info.norm, info.coreset_norm, 1e-12);
        nrm_lp_regression_release(ctx, &made);
        nrm_lp_regression_release(ctx, &exact);
    }
    nrm_ctx_destroy(ctx);
}

/* Without a method: few numbers directly; more, and rows that only turn out to be more, by a coreset. */
static void test_auto(void **state)
{
    (void)state;
    enum { MANY = 1700000 };
    nrm_lp_regression_options o = options_of(2, NRM_LP_REGRESSION_AUTO, 0);
    nrm_lp_regression_result made;
    nrm_lp_regression_info info;
    nrm_ctx *ctx = one_thread();
    make(3);
    assert_ok(ctx, fit(ctx, NULL, &o, &made, &info));
    assert_string_equal(info.method, "direct");
    nrm_lp_regression_release(ctx, &made);
    o.scheme = NRM_LP_CORESET_UNIFORM;
    o.rows = 4000;
    double *a = calloc((size_t)MANY * 9, sizeof *a), *b = calloc(MANY, sizeof *b); /* 10 MANY > 2^24 */
    assert_non_null(a);
    assert_non_null(b);
    for (int i = 0; i < MANY; i++) {
        a[i * 9 + i % 9] = 1;
        b[i] = i % 9 + (i % 2 ? 0.5 : -0.5);
    }
    const streams s = open_rows(ctx, MANY, 9, a, MANY, b);
    const nrm_lp_regression_input in = {.a = s.a, .b = s.b};
    assert_ok(ctx, nrm_lp_regression(ctx, &in, 0, &made, &info, &o));
    assert_string_equal(info.method, "coreset");
    assert_true(made.residual == NULL && made.dual == NULL);
    for (int j = 0; j < 9; j++) assert_near(made.x[j], j, 0.05);
    nrm_lp_regression_release(ctx, &made);
    close_rows(ctx, s);
    free(a);
    free(b);
    nrm_ctx_destroy(ctx);
}

static int64_t fill(void *user, int64_t most, int64_t cols, double *dense)
{
    int64_t *at = user;
    const int64_t count = nrm_min_i64(most, N - *at);
    memcpy(dense, (cols == 1 ? right : rows) + *at * cols, (size_t)(count * cols) * sizeof *dense);
    *at += count;
    return count;
}

/* Rows that come once, and do not say how many they are. */
static void test_callback(void **state)
{
    (void)state;
    nrm_ctx *ctx = one_thread();
    nrm_lp_regression_options o = options_of(1, NRM_LP_REGRESSION_AUTO, 1);
    nrm_lp_regression_result made, exact;
    nrm_lp_regression_info info;
    make(4);
    assert_ok(ctx, fit(ctx, NULL, &o, &exact, &info));
    for (int coreset = 0; coreset < 2; coreset++) {
        int64_t at_a = 0, at_b = 0;
        nrm_rows *a, *b;
        assert_ok(ctx, nrm_rows_from_callback(ctx, &a, D, fill, &at_a));
        assert_ok(ctx, nrm_rows_from_callback(ctx, &b, 1, fill, &at_b));
        const nrm_lp_regression_input in = {.a = a, .b = b};
        o.method = coreset ? NRM_LP_REGRESSION_CORESET : NRM_LP_REGRESSION_AUTO;
        if (coreset) {
            assert_status(ctx, nrm_lp_regression(ctx, &in, 0, &made, &info, &o), NRM_E_UNSUPPORTED);
            assert_message(ctx, "take direct");
        } else {
            assert_ok(ctx, nrm_lp_regression(ctx, &in, 0, &made, &info, &o));
            assert_memory_equal(made.x, exact.x, D * sizeof(double));
            nrm_lp_regression_release(ctx, &made);
        }
        nrm_rows_close(ctx, a);
        nrm_rows_close(ctx, b);
    }
    nrm_lp_regression_release(ctx, &exact);
    nrm_ctx_destroy(ctx);
}

/* A chunk of the text has rows in sparse form and in two files' worth of blocks. */
static void test_text(void **state)
{
    (void)state;
    enum { ROWS = 500 };
    static char text[ROWS * 128], text_b[ROWS * 40];
    int used = 0, used_b = 0;
    nrm_ctx *ctx = one_thread();
    nrm_lp_regression_result made, exact;
    nrm_lp_regression_info info;
    make(5);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < D; j++)
            used += snprintf(text + used, sizeof text - (size_t)used, "%.17g%c", rows[i * D + j], j + 1 < D ? ',' : '\n');
        used_b += snprintf(text_b + used_b, sizeof text_b - (size_t)used_b, "%.17g\n", right[i]);
    }
    for (int coreset = 0; coreset < 2; coreset++) {
        nrm_lp_regression_options o = options_of(1.5, coreset ? NRM_LP_REGRESSION_CORESET : NRM_LP_REGRESSION_DIRECT, 1);
        o.rows = 300;
        const streams s = open_rows(ctx, ROWS, D, rows, ROWS, right);
        assert_ok(ctx, nrm_lp_regression(ctx, &(nrm_lp_regression_input){.a = s.a, .b = s.b}, 0, &exact, &info, &o));
        close_rows(ctx, s);
        nrm_rows *a, *b;
        assert_ok(ctx, nrm_rows_open_memory(ctx, &a, "a.csv", text, (size_t)used, 0));
        assert_ok(ctx, nrm_rows_open_memory(ctx, &b, "b.csv", text_b, (size_t)used_b, 0));
        assert_ok(ctx, nrm_lp_regression(ctx, &(nrm_lp_regression_input){.a = a, .b = b}, 0, &made, &info, &o));
        assert_memory_equal(made.x, exact.x, D * sizeof(double));
        nrm_rows_close(ctx, a);
        nrm_rows_close(ctx, b);
        nrm_lp_regression_release(ctx, &made);
        nrm_lp_regression_release(ctx, &exact);
    }
    nrm_ctx_destroy(ctx);
}

/* Residuals of 1e8 and p = 64: the sum of powers leaves f64, the norm and its proof do not. */
static void test_large_powers(void **state)
{
    (void)state;
    nrm_ctx *ctx = one_thread();
    make(9);
    for (int i = 0; i < N; i++) right[i] *= 1e8;
    for (int coreset = 0; coreset < 2; coreset++) {
        nrm_lp_regression_options o = options_of(64, coreset ? NRM_LP_REGRESSION_CORESET : NRM_LP_REGRESSION_DIRECT, 8);
        o.rows = 2000;
        nrm_lp_regression_result made;
        nrm_lp_regression_info info;
        assert_ok(ctx, fit(ctx, NULL, &o, &made, &info));
        assert_true(isinf(info.objective) && isfinite(info.norm) && info.lower <= info.norm && info.gap < (coreset ? 0.3 : 1e-9));
        nrm_lp_regression_release(ctx, &made);
    }
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_coreset), cmocka_unit_test(test_all_rows), cmocka_unit_test(test_auto),
              cmocka_unit_test(test_callback), cmocka_unit_test(test_text), cmocka_unit_test(test_large_powers))
