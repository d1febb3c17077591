/* test_lp_coreset.c -- the method lp-coreset: scores, draws, weights.  Merging, the audit and ranks:
 * test_lp_coreset_stream.c; bad input: test_lp_coreset_refused.c. */
#include "lp_coreset_kit.h"
#include "data/formats.h"
#include "regression/row_draw.h"
#include <norma/call.h>

static const double WORKED[8] = {1, 0, 0, 1, 1, 1, 2, -1};

/* Spec 24, items 1, 4, 7: scores of the example; all rows kept are the rows. */
static void test_worked(void **state)
{
    (void)state;
    static const struct { double p, s[4], w[4]; } known[] = {
        {1, {1. / 4, 1. / 3, 1. / 2, 3. / 5}, {.30823533, .42922282, .56235838, .70018348}},
        {1.5, {.20815007, .34858665, .57586016, .72371555}, {.23507598, .39054079, .60355098, .77083224}},
        {2, {3. / 17, 6. / 17, 11. / 17, 14. / 17}, {3. / 17, 6. / 17, 11. / 17, 14. / 17}},
        {3, {.12720120, .35169356, .77738901, .93536768}, {.09537786, .28340667, .72913540, .89208007}},
        {4, {.08940301, .34995961, .87238526, .97755611}, {.04913299, .22382689, .79597898, .93106114}}};
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r;

    for (int k = 0; k < 5; k++) {
        nrm_lp_coreset_options o = with(known[k].p, NRM_LP_CORESET_AUTO, 4);
        o.scores = NRM_LP_SCORES_EXACT;
        assert_ok(ctx, coreset(ctx, 4, 2, WORKED, 31 & ~NRM_LP_CORESET_WITNESS, &r, &info, &o));
        assert_all_near(r.sensitivities, known[k].s, 4, 1e-8);
        assert_all_near(r.lewis_weights, known[k].w, 4, 1e-8);
        assert_near(info.total_sensitivity, known[k].s[0] + known[k].s[1] + known[k].s[2] + known[k].s[3], 1e-8);
        assert_int_equal(r.rows, 4);
        assert_int_equal(info.rank, 2);
        assert_string_equal(info.scores, "exact");
        for (int i = 0; i < 4; i++) assert_true(r.index[i] == i && r.weights[i] == 1 && r.probabilities[i] == 1);
        assert_memory_equal(r.a, WORKED, sizeof WORKED);
        nrm_lp_coreset_release(ctx, &r);
        assert_null(r.index);
    }
    const double column[4] = {1, -2, 0, 4}; /* d = 1: shares of the sum */
    nrm_lp_coreset_options o = with(3, NRM_LP_CORESET_SENSITIVITY, 4);
    assert_ok(ctx, coreset(ctx, 4, 1, column, NRM_LP_CORESET_SENSITIVITIES, &r, &info, &o));
    for (int i = 0; i < 4; i++) assert_near(r.sensitivities[i], pow(fabs(column[i]), 3) / 73, 1e-9);
    nrm_lp_coreset_release(ctx, &r);
    nrm_ctx_destroy(ctx);
}

/* sum min(1, c s) = m against bisection, for scores over many orders, with zeros and equal ones. */
static void test_water(void **state)
{
    (void)state;
    enum { N = 500 };
    double s[N];
    uint64_t seed = 3;

    for (int kind = 0; kind < 4; kind++)
        for (int m = 1; m < 400; m += 57) {
            int positive = 0;
            for (int i = 0; i < N; i++) {
                s[i] = kind == 0 ? 1 : kind == 1 ? pow(0.5, i) : kind == 2 ? exp(3 * nrm_test_normal(&seed)) : i % 3 == 0 ? 0 : nrm_test_uniform(&seed);
                positive += s[i] > 0;
            }
            if (positive <= m) continue;
            const double level = nrm_draw_level(N, s, m);
            double sum = 0, low = 0, high = 1e300;
            for (int i = 0; i < N; i++) sum += nrm_draw_share(level, s[i]);
            assert_near(sum, m, 1e-12);
            for (int k = 0; k < 4000 && high > low * (1 + 1e-15); k++) {
                const double middle = low == 0 ? high / 1e10 : sqrt(low) * sqrt(high);
                double reached = 0;
                for (int i = 0; i < N; i++) reached += fmin(1, middle * s[i]);
                if (reached < m) low = middle;
                else high = middle;
                if (low == 0 && high < 1e-300) break;
            }
            assert_near(level / high, 1, 1e-9);
        }
    assert_true(isinf(nrm_draw_level(3, (double[]){1, 0, 2}, 2)));
    assert_true(nrm_draw_share(INFINITY, 0) == 0 && nrm_draw_share(INFINITY, 1e-300) == 1);
}

/* Every scheme: probabilities sum to m, weights are their inverses, rows with 1 are there; mean and
 * spread of sums over many seeds are what the probabilities say. */
static void check_scheme(int scheme, double p, bool iid, int64_t m)
{
    enum { N = 300, D = 3, SEEDS = 50 };
    static double a[N * D];
    const double x[D] = {0.5, -1, 2};
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_options o = with(p, scheme, m);
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r;
    double share[N], mean = 0, rows = 0, variance = 0, expected = 0, certain = 0;

    make_rows(N, D, 8, a);
    for (int j = 0; j < D; j++) a[7 * D + j] = 0; /* a row of zeros */
    o.iid = iid;
    o.scores = NRM_LP_SCORES_BRACKET;
    for (int k = 0; k < SEEDS; k++) {
        assert_ok(ctx, nrm_set_seed(ctx, (uint64_t)k));
        assert_ok(ctx, coreset(ctx, N, D, a, NRM_LP_CORESET_PROBABILITIES | NRM_LP_CORESET_ROWS, &r, &info, &o));
        if (k == 0) memcpy(share, r.probabilities, sizeof share);
        assert_memory_equal(share, r.probabilities, sizeof share);
        for (int64_t i = 0, at = 0; i < N; i++) {
            const bool kept = at < r.rows && r.index[at] == i;
            assert_true(!kept || share[i] > 0);
            if (share[i] == 1 && !iid) assert_true(kept && r.weights[at] == 1);
            if (kept && !iid) assert_near(r.weights[at], 1 / share[i], 1e-14);
            if (kept && iid) assert_near(r.weights[at] * share[i] * (double)m, rint(r.weights[at] * share[i] * (double)m), 1e-9);
            at += kept;
        }
        mean += sum_of(r.rows, r.index, r.weights, a, D, x, p) / SEEDS;
        rows += (double)r.rows / SEEDS;
        nrm_lp_coreset_release(ctx, &r);
    }
    double sum = 0;
    const double all = sum_of(N, NULL, NULL, a, D, x, p);
    for (int i = 0; i < N; i++) {
        const double f = power_of(a + i * D, D, x, p);
        sum += share[i];
        if (share[i] <= 0) continue;
        variance += iid ? f * f / (share[i] * (double)m) : f * f * (1 / share[i] - 1);
        expected += iid ? 1 - pow(1 - share[i], (double)m) : share[i];
        certain += iid ? 0 : share[i] * (1 - share[i]);
    }
    if (iid) variance -= all * all / (double)m;
    assert_near(sum, iid ? 1 : (double)m, 1e-11);
    assert_near(info.expected, expected, 1e-10);
    assert_true(scheme == NRM_LP_CORESET_UNIFORM || share[7] == 0);
    assert_true(fabs(mean - all) < 4.5 * sqrt(variance / SEEDS));
    assert_true(fabs(rows - expected) < 4.5 * sqrt((iid ? expected : certain) / SEEDS));
    nrm_ctx_destroy(ctx);
}

static void test_schemes(void **state)
{
    (void)state;
    static const struct { int scheme; double p; } all[] = {
        {NRM_LP_CORESET_UNIFORM, 1}, {NRM_LP_CORESET_SENSITIVITY, 1}, {NRM_LP_CORESET_SENSITIVITY, 4}, {NRM_LP_CORESET_LEWIS, 1},
        {NRM_LP_CORESET_LEWIS, 3}, {NRM_LP_CORESET_ROOT_LEVERAGE, 1.5}, {NRM_LP_CORESET_COMBINED, 3}, {NRM_LP_CORESET_AUGMENTED, 1}};
    for (int k = 0; k < 8; k++) {
        check_scheme(all[k].scheme, all[k].p, false, 40);
        check_scheme(all[k].scheme, all[k].p, true, 40);
    }
}

/* Rounds of root leverage are unbiased too. */
static void test_rounds(void **state)
{
    (void)state;
    enum { N = 4000, D = 2, SEEDS = 60 };
    static double a[N * D];
    const double x[D] = {1, 3};
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_options o = with(1.5, NRM_LP_CORESET_ROOT_LEVERAGE, 40);
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r;
    double mean = 0, square = 0;

    o.eps = 1;
    make_rows(N, D, 8, a);
    assert_status(ctx, coreset(ctx, N, D, a, NRM_LP_CORESET_PROBABILITIES, &r, &info, &o), NRM_E_RANGE);
    assert_message(ctx, "root-leverage draws in rounds");
    const double all = sum_of(N, NULL, NULL, a, D, x, 1.5);
    for (int k = 0; k < SEEDS; k++) {
        assert_ok(ctx, nrm_set_seed(ctx, (uint64_t)k));
        assert_ok(ctx, coreset(ctx, N, D, a, 0, &r, &info, &o));
        const double ratio = sum_of(r.rows, r.index, r.weights, a, D, x, 1.5) / all;
        mean += ratio / SEEDS;
        square += (ratio - 1) * (ratio - 1) / SEEDS;
        assert_near(info.expected, 40, 1e-9);
        nrm_lp_coreset_release(ctx, &r);
    }
    assert_true(square < 0.1);
    assert_true(fabs(mean - 1) < 4.5 * sqrt(square / SEEDS));
    nrm_ctx_destroy(ctx);
}

static void same(const nrm_lp_coreset_result *r, const nrm_lp_coreset_result *s)
{
    assert_int_equal(r->rows, s->rows);
    assert_memory_equal(r->index, s->index, (size_t)r->rows * sizeof *r->index);
    assert_memory_equal(r->weights, s->weights, (size_t)r->rows * sizeof *r->weights);
}

static void near(const nrm_lp_coreset_result *r, const nrm_lp_coreset_result *s)
{
    assert_int_equal(r->rows, s->rows);
    assert_memory_equal(r->index, s->index, (size_t)r->rows * sizeof *r->index);
    assert_all_near(r->weights, s->weights, r->rows, 1e-11);
}

/* Bits: threads, seeds, dense and sparse and text, weights of rows as part of them, b as columns. */
static void test_same(void **state)
{
    (void)state;
    enum { N = 3000, D = 4 };
    static double a[N * D], left[N * 3], right[N], omega[N], scaled[N * D];
    static char text[N * D * 32];
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_options o = with(3, NRM_LP_CORESET_COMBINED, 100);
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r, s;
    nrm_rows *rows, *more;
    int length = 0;

    o.scores = NRM_LP_SCORES_BRACKET;
    make_rows(N, D, 2, a);
    for (int i = 0; i < N; i++) {
        omega[i] = 0.5 + i % 5;
        right[i] = a[i * D + 3];
        for (int j = 0; j < D; j++) {
            scaled[i * D + j] = pow(omega[i], 1. / 3) * a[i * D + j];
            if (j < 3) left[i * 3 + j] = a[i * D + j];
            length += snprintf(text + length, sizeof text - (size_t)length, "%.17g%c", a[i * D + j], j < 3 ? ',' : '\n');
        }
    }
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, coreset(ctx, N, D, a, 0, &r, &info, &o));
    assert_ok(ctx, nrm_set_threads(ctx, 2));
    assert_ok(ctx, coreset(ctx, N, D, a, 0, &s, &info, &o));
    same(&r, &s);
    nrm_lp_coreset_release(ctx, &s);
    assert_ok(ctx, nrm_set_seed(ctx, 1));
    assert_ok(ctx, coreset(ctx, N, D, a, 0, &s, &info, &o));
    assert_true(s.rows != r.rows || memcmp(r.index, s.index, (size_t)r.rows * sizeof *r.index) != 0);
    nrm_lp_coreset_release(ctx, &s);
    assert_ok(ctx, nrm_set_seed(ctx, 0));
    assert_ok(ctx, nrm_rows_open_memory(ctx, &rows, "a.csv", text, (size_t)length, 0));
    assert_ok(ctx, nrm_lp_coreset(ctx, &(nrm_lp_coreset_input){.a = rows}, NRM_LP_CORESET_ROWS, &s, &info, &o));
    same(&r, &s);
    nrm_lp_coreset_release(ctx, &s);
    nrm_rows_close(ctx, rows);
    rows = rows_of(ctx, N, 3, left);
    more = rows_of(ctx, N, 1, right);
    assert_ok(ctx, nrm_lp_coreset(ctx, &(nrm_lp_coreset_input){.a = rows, .b = more}, NRM_LP_CORESET_ROWS, &s, &info, &o));
    near(&r, &s);
    assert_true(s.d == 3 && s.q == 1 && s.n == N);
    for (int64_t k = 0; k < s.rows; k++) assert_true(s.b[k] == right[s.index[k]] && s.a[3 * k + 1] == left[3 * s.index[k] + 1]);
    nrm_lp_coreset_release(ctx, &s);
    nrm_rows_close(ctx, rows);
    nrm_rows_close(ctx, more);
    nrm_lp_coreset_release(ctx, &r);
    assert_ok(ctx, coreset(ctx, N, D, scaled, 0, &r, &info, &o));
    rows = rows_of(ctx, N, D, a);
    assert_ok(ctx, nrm_lp_coreset(ctx, &(nrm_lp_coreset_input){.a = rows, .row_weights = omega, .length = N}, 0, &s, &info, &o));
    assert_int_equal(r.rows, s.rows);
    for (int64_t k = 0; k < r.rows; k++) {
        assert_int_equal(r.index[k], s.index[k]);
        assert_near(s.weights[k], r.weights[k] * omega[r.index[k]], 1e-10);
    }
    nrm_rows_close(ctx, rows);
    nrm_lp_coreset_release(ctx, &r);
    nrm_lp_coreset_release(ctx, &s);
    nrm_ctx_destroy(ctx);
}

/* Scores of the user: any scale, read once; rows by eps and delta. */
static void test_user_and_size(void **state)
{
    (void)state;
    enum { N = 500, D = 3 };
    static double a[N * D], score[N];
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_options o = with(1, NRM_LP_CORESET_AUTO, 50);
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r, s;

    make_rows(N, D, 2, a);
    for (int i = 0; i < N; i++) score[i] = i % 4 == 1 ? 0 : 1e-305 * (1 + i % 7);
    nrm_rows *rows = rows_of(ctx, N, D, a);
    assert_ok(ctx, nrm_lp_coreset(ctx, &(nrm_lp_coreset_input){.a = rows, .user_scores = score, .length = N}, 0, &r, &info, &o));
    assert_string_equal(info.scheme, "sensitivity");
    assert_int_equal(info.passes, 1);
    for (int64_t k = 0; k < r.rows; k++) assert_true(r.index[k] % 4 != 1);
    for (int i = 0; i < N; i++) score[i] = i % 4 == 1 ? 0 : 1e300 * (1 + i % 7);
    assert_ok(ctx, nrm_lp_coreset(ctx, &(nrm_lp_coreset_input){.a = rows, .user_scores = score, .length = N}, 0, &s, &info, &o));
    assert_int_equal(r.rows, s.rows);
    for (int64_t k = 0; k < r.rows; k++) assert_true(r.index[k] == s.index[k] && fabs(r.weights[k] / s.weights[k] - 1) < 1e-13);
    nrm_lp_coreset_release(ctx, &r);
    nrm_lp_coreset_release(ctx, &s);
    nrm_rows_close(ctx, rows);
    static const double powers[] = {4, 1};
    for (int k = 0; k < 4; k++) { /* the sensitivities as the user's: what the schemes make of their own */
        nrm_lp_coreset_options with_scores = with(powers[k % 2], k % 2 ? NRM_LP_CORESET_AUGMENTED : NRM_LP_CORESET_COMBINED, 50);
        with_scores.scores = NRM_LP_SCORES_BRACKET;
        assert_ok(ctx, coreset(ctx, N, D, a, NRM_LP_CORESET_SENSITIVITIES, &r, &info, &with_scores));
        with_scores.passes = k < 2 ? NRM_LP_PASSES_MANY : NRM_LP_PASSES_ONE;
        rows = rows_of(ctx, N, D, a);
        assert_ok(ctx, nrm_lp_coreset(ctx, &(nrm_lp_coreset_input){.a = rows, .user_scores = r.sensitivities, .length = N}, 0, &s, &info,
                                      &with_scores));
        assert_string_equal(info.scores, "user");
        near(&r, &s);
        nrm_rows_close(ctx, rows);
        nrm_lp_coreset_release(ctx, &r);
        nrm_lp_coreset_release(ctx, &s);
    }
    static const struct { int scheme; double p, b; } rule[] = {
        {NRM_LP_CORESET_LEWIS, 1, 3}, {NRM_LP_CORESET_LEWIS, 3, 5.196152422706632}, {NRM_LP_CORESET_ROOT_LEVERAGE, 1, 3}};
    o.rows = 0;
    o.eps = 0.6;
    for (int k = 0; k < 3; k++) {
        o.scheme = rule[k].scheme, o.p = rule[k].p;
        assert_ok(ctx, coreset(ctx, N, D, a, 0, &r, &info, &o));
        assert_near(info.expected, ceil(2 * rule[k].b * log(6 / 0.05) / 0.36), 1e-9);
        nrm_lp_coreset_release(ctx, &r);
    }
    static const struct { int scheme; double p; } by_total[] = {
        {NRM_LP_CORESET_SENSITIVITY, 1}, {NRM_LP_CORESET_SENSITIVITY, 4}, {NRM_LP_CORESET_COMBINED, 4}, {NRM_LP_CORESET_AUGMENTED, 1.5}};
    o.scores = NRM_LP_SCORES_APPROXIMATE;
    for (int k = 0; k < 4; k++) {
        const double p = o.p = by_total[k].p;
        o.scheme = by_total[k].scheme;
        assert_ok(ctx, coreset(ctx, N, D, a, 0, &r, &info, &o));
        const double total = info.total_sensitivity;
        const double b = k == 0 ? sqrt(3) * total : k == 1 ? pow(total, 1.5) : k == 2 ? sqrt(3) * total : total + 3;
        assert_true(total > 1 && total < pow(3, fmax(1, p / 2)) * 1.3);
        assert_near(info.expected, ceil(2 * b * log(6 / 0.05) / 0.36), 1e-9);
        assert_string_equal(info.scores, "approximate");
        nrm_lp_coreset_release(ctx, &r);
    }
    o.eps = 0.01; /* more than there are */
    assert_ok(ctx, coreset(ctx, N, D, a, 0, &r, &info, &o));
    assert_true(r.rows == N && info.least_weight == 1 && info.most_weight == 1);
    nrm_lp_coreset_release(ctx, &r);
    nrm_ctx_destroy(ctx);
}

/* A rank below the columns, copies of rows, columns of very different size, powers up to 64. */
static void test_odd(void **state)
{
    (void)state;
    enum { N = 400, D = 4 };
    static double a[N * D];
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r;

    for (int scheme = NRM_LP_CORESET_SENSITIVITY; scheme <= NRM_LP_CORESET_AUGMENTED; scheme++) {
        nrm_lp_coreset_options o = with(scheme == NRM_LP_CORESET_COMBINED ? 3 : 1, scheme, 30);
        o.scores = scheme == NRM_LP_CORESET_SENSITIVITY ? NRM_LP_SCORES_EXACT : NRM_LP_SCORES_BRACKET;
        make_rows(N, D, 2, a);
        for (int i = 0; i < N; i++) {
            a[i * D + 2] = a[i * D] - a[i * D + 1];
            a[i * D + 3] *= 1e-12;
            if (i >= N / 2) memcpy(a + i * D, a + (i - N / 2) * D, D * sizeof *a);
        }
        assert_ok(ctx, coreset(ctx, N, D, a, NRM_LP_CORESET_PROBABILITIES, &r, &info, &o));
        assert_int_equal(info.rank, 3);
        for (int i = 0; i < N / 2; i++) assert_near(r.probabilities[i], r.probabilities[i + N / 2], 1e-6);
        nrm_lp_coreset_release(ctx, &r);
    }
    make_rows(N, D, 2, a);
    nrm_lp_coreset_options o = with(64, NRM_LP_CORESET_AUTO, 30);
    o.scores = NRM_LP_SCORES_BRACKET;
    assert_ok(ctx, coreset(ctx, N, D, a, NRM_LP_CORESET_PROBABILITIES, &r, &info, &o));
    assert_near(info.expected, 30, 1e-9);
    nrm_lp_coreset_release(ctx, &r);
    o.p = 1000;
    assert_ok(ctx, coreset(ctx, N, D, a, 0, &r, &info, &o));
    assert_true(info.p == 64);
    nrm_lp_coreset_release(ctx, &r);
    for (int i = 0; i < N * D; i++) a[i] *= 1e100;
    o = with(1.5, NRM_LP_CORESET_LEWIS, 30);
    assert_ok(ctx, coreset(ctx, N, D, a, 0, &r, &info, &o));
    assert_near(info.expected, 30, 1e-9);
    nrm_lp_coreset_release(ctx, &r);
    nrm_ctx_destroy(ctx);
}

static nrm_status every_example(nrm_ctx *ctx, void *user)
{
    const nrm_method *method = user;
    for (int i = 0; i < method->example_count; i++) {
        const nrm_status status = nrm_example_run(ctx, method, i);
        if (status < 0) return status;
    }
    return NRM_OK;
}

static void test_examples_and_allocation_failures(void **state)
{
    (void)state;
    const nrm_method *method = nrm_method_find("lp-coreset");
    assert_non_null(method);
    nrm_test_allocation_failures(every_example, (void *)(uintptr_t)method, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked), cmocka_unit_test(test_water), cmocka_unit_test(test_schemes), cmocka_unit_test(test_rounds),
              cmocka_unit_test(test_same), cmocka_unit_test(test_user_and_size), cmocka_unit_test(test_odd),
              cmocka_unit_test(test_examples_and_allocation_failures))
