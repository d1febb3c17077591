/* test_sensitivity.c -- l_p sensitivities, against numbers worked out elsewhere. */
#include "rows_kit.h"
#include "linalg/leverage.h"
#include "reference/leverage_values.h"
#include "regression/sensitivity.h"
#include <norma/comm.h>

#define WHO "test"
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const double EXAMPLE[8] = {1, 0, 0, 1, 1, 1, 2, -1};

static void normals(int64_t count, uint64_t seed, double *a)
{
    for (int64_t i = 0; i < count; i++) a[i] = nrm_test_normal(&seed);
}

/* All rows measured: the enclosure is closed to `gap`. */
static nrm_sensitivity_report exact(nrm_ctx *ctx, int64_t n, int64_t d, const double *a, double p, double gap, double *s)
{
    nrm_rows *rows = rows_of(ctx, n, d, a);
    double *lower = malloc((size_t)n * sizeof *lower), *upper = malloc((size_t)n * sizeof *upper);
    nrm_sensitivity_report report;

    assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, rows, NULL, n, &(nrm_sensitivity_plan){.p = p, .rows = n}, s, lower, upper, &report));
    for (int64_t i = 0; i < n; i++) {
        assert_true(lower[i] == s[i] && upper[i] >= lower[i] * (1 - 1e-13) && upper[i] <= 1);
        assert_near(upper[i], lower[i], gap);
    }
    assert_true(report.rows == n && report.open == 0);
    free(lower), free(upper);
    nrm_rows_close(ctx, rows);
    return report;
}

/* Items 4, 5 and 8 of paper 24. */
static void test_worked(void **state)
{
    (void)state;
    static const struct { double p, s[4], total, tol; } known[] = {
        {1, {1 / 4.0, 1 / 3.0, 1 / 2.0, 3 / 5.0}, 101 / 60.0, 1e-15},
        {1.5, {.20815007, .34858665, .57586016, .72371555}, 0, 6e-9},
        {2, {3 / 17.0, 6 / 17.0, 11 / 17.0, 14 / 17.0}, 2, 1e-15},
        {3, {.12720120, .35169356, .777389008914, .93536768}, 2.191651449, 6e-9},
        {4, {.08940301, .34995961, .87238526, .97755611}, 0, 6e-9}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double s[4], greatest = 0;

    for (int i = 0; i < COUNT(known); i++) {
        const nrm_sensitivity_report report = exact(ctx, 4, 2, EXAMPLE, known[i].p, 1e-9, s);
        assert_int_equal(report.rank, 2);
        assert_all_near(s, known[i].s, 4, known[i].tol);
        if (known[i].total > 0) assert_near(report.total, known[i].total, fmax(known[i].tol, 1e-9));
        assert_true(s[3] >= greatest);
        greatest = s[3];
    }
    nrm_ctx_destroy(ctx);
}

static void test_values(void **state)
{
    (void)state;
    static const struct { double p; const double *s; } known[] = {{1, sensitivity_17x4_1}, {1.5, sensitivity_17x4_1_5},
                                                                  {3, sensitivity_17x4_3}, {8, sensitivity_17x4_8}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[17 * 4], s[17];

    for (int i = 0; i < 17; i++) /* as in tests/reference/leverage.py */
        for (int j = 0; j < 4; j++) a[i * 4 + j] = (double)((i * 37 + j * 61 + i * j * 11 + i * i * 5) % 97 - 48) / 16;
    for (int k = 0; k < COUNT(known); k++) {
        exact(ctx, 17, 4, a, known[k].p, 1e-9, s);
        assert_all_near(s, known[k].s, 17, 1e-9);
    }
    nrm_ctx_destroy(ctx);
}

/* Item 1: one column, the identity, rows of one entry each. */
static void test_sparse(void **state)
{
    (void)state;
    static const double ps[] = {1, 1.1, 1.5, 2, 4, 16, 64};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[30 * 3] = {0}, s[30], sum[3];
    uint64_t seed = 3;

    for (int k = 0; k < COUNT(ps); k++) {
        const double column[4] = {3, -1, 0, 2}, identity[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
        const double all = pow(3, ps[k]) + 1 + pow(2, ps[k]), expected[4] = {pow(3, ps[k]) / all, 1 / all, 0, pow(2, ps[k]) / all};
        exact(ctx, 4, 1, column, ps[k], 1e-12, s);
        assert_all_near(s, expected, 4, 1e-13);
        exact(ctx, 3, 3, identity, ps[k], 1e-9, s);
        for (int i = 0; i < 3; i++) assert_near(s[i], 1, 1e-12);
    }
    for (int i = 0; i < 30; i++) a[i * 3 + i % 3] = (i % 2 ? -1 : 1) * (0.1 + nrm_test_uniform(&seed));
    for (int k = 0; k < COUNT(ps); k++) {
        for (int j = 0; j < 3; j++) sum[j] = 0;
        for (int i = 0; i < 30; i++) sum[i % 3] += pow(fabs(a[i * 3 + i % 3]), ps[k]);
        exact(ctx, 30, 3, a, ps[k], 1e-8, s);
        for (int i = 0; i < 30; i++) assert_near(s[i] * sum[i % 3], pow(fabs(a[i * 3 + i % 3]), ps[k]), 1e-11);
    }
    nrm_ctx_destroy(ctx);
}

/* Items 2, 3 and 8: between the weights, at most d^max(1, p/2) in all; A R and signs change nothing; a
 * row split into k has its sensitivity split; the greatest grows with p.  Dependent columns and
 * rows of zeros, too. */
static void test_relations(void **state)
{
    (void)state;
    enum { N = 40, D = 4, K = 3 };
    static const double ps[] = {1, 1.3, 2, 3, 7};
    const double r[D * D] = {1e4, 2, 0, 1, 0, 1, 3, 0, 0, 0, 1e-3, 1, 0, 0, 0, 2};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[(N + K - 1) * D], wide[N * (D + 1)], other[(N + K - 1) * D], s[N + K], again[N + K], w[N], greatest = 0;

    normals(N * D, 17, a);
    memset(a + 5 * D, 0, sizeof(double) * D);
    for (int k = 0; k < COUNT(ps); k++) {
        const double p = ps[k];
        double most = 0;
        const nrm_sensitivity_report report = exact(ctx, N, D, a, p, 1e-8, s);
        nrm_lewis_report lewis;
        nrm_rows *rows = rows_of(ctx, N, D, a);
        assert_ok(ctx, nrm_lewis_weights(ctx, WHO, rows, NULL, N, p, 1e-11, 500, w, &lewis));
        nrm_rows_close(ctx, rows);
        assert_true(report.total <= pow(D, fmax(1, p / 2)) * (1 + 1e-13) && s[5] == 0);
        for (int i = 0; i < N; i++) {
            const double far = w[i] * pow(D, p / 2 - 1);
            assert_true(s[i] >= (p < 2 ? far : w[i]) * (1 - 1e-8) && s[i] <= (p < 2 ? w[i] : far) * (1 + 1e-8));
            most = fmax(most, s[i]);
        }
        assert_true(most >= greatest * (1 - 1e-12));
        greatest = most;
        for (int i = 0; i < N; i++)
            for (int j = 0; j < D; j++) {
                double sum = 0;
                for (int l = 0; l < D; l++) sum += a[i * D + l] * r[l * D + j];
                other[i * D + j] = wide[i * (D + 1) + j] = (i % 3 ? 1 : -1) * 1e-20 * sum;
                wide[i * (D + 1) + D] = wide[i * (D + 1)] - other[i * D + 1];
            }
        exact(ctx, N, D, other, p, 1e-8, again);
        assert_all_near(again, s, N, 1e-8);
        assert_int_equal(exact(ctx, N, D + 1, wide, p, 1e-8, again).rank, D);
        assert_all_near(again, s, N, 1e-8);
        memcpy(other, a, sizeof(double) * N * D);
        for (int c = 0; c < K; c++)
            for (int j = 0; j < D; j++) other[(c == 0 ? 7 : N + c - 1) * D + j] = pow(K, -1 / p) * a[7 * D + j];
        exact(ctx, N + K - 1, D, other, p, 1e-8, again);
        for (int i = 0; i < N + K - 1; i++) assert_near(again[i], i == 7 || i >= N ? s[7] / K : s[i], 1e-8);
    }
    nrm_ctx_destroy(ctx);
}

/* ---- On a sample --------------------------------------------------------------------------------- */

enum { MANY = 700, WIDE = 3, MORE = 1 };

static void heavy(double *a, int64_t d)
{
    uint64_t seed = 41;
    for (int64_t i = 0; i < MANY * d; i++) a[i] = nrm_test_normal(&seed) / (0.05 + nrm_test_uniform(&seed));
}

/* Within 1.6 of the exact ones, their total within 1.1, and within the proven bounds. */
static void test_sample(void **state)
{
    (void)state;
    static double a[MANY * (WIDE + MORE)], s[MANY], lower[MANY], upper[MANY], of_all[MANY];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int64_t n = MANY;

    heavy(a, WIDE + MORE);
    nrm_rows *rows = rows_of(ctx, n, WIDE + MORE, a);
    for (int k = 0; k < 3; k++) {
        const double p = (double[]){1, 1.5, 4}[k];
        nrm_sensitivity_plan plan = {.p = p, .rows = 250};
        nrm_sensitivity_report report, all, drawn;
        assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, rows, NULL, n, &plan, s, lower, upper, &report));
        assert_true(report.rows > 150 && report.rows < 350 && report.solved == n && report.rank == WIDE + MORE);
        plan.rows = 0;
        plan.draws = 60;
        assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, rows, NULL, n, &plan, NULL, NULL, NULL, &drawn));
        assert_true(drawn.solved <= 60 && drawn.total_error > 0 && drawn.total_error < 0.1 * drawn.total);
        plan = (nrm_sensitivity_plan){.p = p, .rows = n, .tol = 1e-6};
        assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, rows, NULL, n, &plan, of_all, NULL, NULL, &all));
        for (int i = 0; i < MANY; i++) {
            assert_true(lower[i] <= of_all[i] * (1 + 1e-5) && of_all[i] <= upper[i] * (1 + 1e-5));
            assert_true(lower[i] <= s[i] && s[i] <= upper[i]);
            assert_true(s[i] < 1.6 * of_all[i] && of_all[i] < 1.6 * s[i]);
        }
        assert_near(report.total / all.total, 1, 0.06);
        assert_true(fabs(drawn.total - all.total) < 5 * drawn.total_error + 0.25 * all.total);
    }
    nrm_rows_close(ctx, rows);
    nrm_ctx_destroy(ctx);
}

typedef struct shared { const double *a, *b; double p, expected[MANY], total; } shared;

static nrm_status on_rank(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const shared *s = user;
    static const nrm_sensitivity_plan plan = {.rows = 120};
    nrm_rows *a = rows_of(ctx, MANY, WIDE, s->a), *b = rows_of(ctx, MANY, MORE, s->b);
    double *found = malloc(MANY * sizeof *found);
    nrm_sensitivity_plan o = plan;
    nrm_sensitivity_report report;
    (void)comm;

    o.p = s->p;
    assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, a, b, MANY, &o, found, NULL, NULL, &report));
    assert_all_near(found, s->expected, MANY, 1e-12);
    assert_int_equal(report.solved, MANY);
    o.draws = 40;
    assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, a, b, MANY, &o, NULL, NULL, NULL, &report));
    assert_near(report.total, s->total, 1e-12);
    free(found);
    nrm_rows_close(ctx, a);
    nrm_rows_close(ctx, b);
    return NRM_OK;
}

/* The same bits for any number of threads, the same numbers for any number of ranks. */
static void test_threads_and_ranks(void **state)
{
    (void)state;
    static double glued[MANY * (WIDE + MORE)], a[MANY * WIDE], b[MANY * MORE], found[MANY];
    static shared s = {.a = a, .b = b};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_sensitivity_report report;

    heavy(glued, WIDE + MORE);
    for (int i = 0; i < MANY; i++) {
        memcpy(a + i * WIDE, glued + i * (WIDE + MORE), WIDE * sizeof *a);
        memcpy(b + i * MORE, glued + i * (WIDE + MORE) + WIDE, MORE * sizeof *b);
    }
    for (s.p = 1; s.p <= 3; s.p += 2) {
        nrm_rows *rows = rows_of(ctx, MANY, WIDE + MORE, glued);
        for (int threads = 1; threads <= 2; threads++) {
            nrm_sensitivity_plan plan = {.p = s.p, .rows = 120};
            assert_ok(ctx, nrm_set_threads(ctx, threads));
            assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, rows, NULL, MANY, &plan, found, NULL, NULL, &report));
            if (threads == 1) memcpy(s.expected, found, sizeof found);
            assert_memory_equal(found, s.expected, sizeof found);
            plan.draws = 40;
            assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, rows, NULL, MANY, &plan, NULL, NULL, NULL, &report));
            if (threads == 1) s.total = report.total;
            assert_true(s.total == report.total);
        }
        nrm_rows_close(ctx, rows);
        for (int ranks = 2; ranks <= 3; ranks++) assert_ok(ctx, nrm_run_ranks(ctx, ranks, on_rank, &s));
    }
    nrm_ctx_destroy(ctx);
}

/* ---- What is refused -------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double s[4] = {7, 7, 7, 7}, zeros[8] = {0}, bad[8] = {1, 0, 0, INFINITY, 1, 1, 2, -1};
    nrm_rows *a = rows_of(ctx, 4, 2, EXAMPLE), *zero = rows_of(ctx, 4, 2, zeros), *infinite = rows_of(ctx, 4, 2, bad);
    nrm_sensitivity_report report = {.rank = 9};

    for (int k = 0; k < 8; k++) {
        const nrm_sensitivity_plan plans[8] = {{.p = 0.9}, {.p = NAN}, {.p = 64.5}, {.p = 1, .rows = -1}, {.p = 1, .draws = -1},
                                               {.p = 1, .tol = -1}, {.p = 1, .tol = 1}, {.p = 1, .max_iter = -1}};
        assert_status(ctx, nrm_lp_sensitivities(ctx, WHO, a, NULL, 4, &plans[k], s, NULL, NULL, &report), NRM_E_RANGE);
    }
    const nrm_sensitivity_plan plan = {.p = 3}, draws = {.p = 3, .draws = 5}, square = {.p = 2};
    assert_status(ctx, nrm_lp_sensitivities(ctx, WHO, a, NULL, 5, &plan, s, NULL, NULL, &report), NRM_E_SHAPE);
    assert_status(ctx, nrm_lp_sensitivities(ctx, WHO, a, NULL, 3, &plan, s, NULL, NULL, &report), NRM_E_SHAPE);
    assert_status(ctx, nrm_lp_sensitivities(ctx, WHO, infinite, NULL, 4, &plan, s, NULL, NULL, &report), NRM_E_NONFINITE);
    assert_message(ctx, "row 1, column 1");
    assert_status(ctx, nrm_lp_sensitivities(ctx, WHO, zero, NULL, 4, &draws, s, NULL, NULL, &report), NRM_E_SINGULAR);
    nrm_cancel(ctx);
    assert_status(ctx, nrm_lp_sensitivities(ctx, WHO, a, NULL, 4, &plan, s, NULL, NULL, &report), NRM_E_CANCELLED);
    nrm_cancel_clear(ctx);
    for (int i = 0; i < 4; i++) assert_true(s[i] == 7);
    assert_int_equal(report.rank, 9);
    assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, zero, NULL, 4, &plan, s, NULL, NULL, &report));
    assert_true(report.rank == 0 && report.total == 0 && s[0] == 0 && s[3] == 0);
    s[0] = 7;
    assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, zero, NULL, 4, &square, s, NULL, NULL, &report));
    assert_true(report.rank == 0 && s[0] == 0);
    assert_true(nrm_sensitivity_rows(1, 10) == 200 && nrm_sensitivity_rows(4, 10) == 1919 && nrm_sensitivity_rows(64, 50) == INT64_MAX);
    nrm_rows_close(ctx, a);
    nrm_rows_close(ctx, zero);
    nrm_rows_close(ctx, infinite);
    nrm_ctx_destroy(ctx);
}

typedef struct memory_case { const double *a; double s[60]; } memory_case;

static nrm_status all_ways(nrm_ctx *ctx, void *user)
{
    memory_case *c = user;
    const nrm_array array = {.dtype = NRM_F64, .ndim = 2, .shape = {60, 2}, .data = (void *)(uintptr_t)c->a};
    nrm_rows *rows = NULL;
    nrm_sensitivity_report report;
    double s[60];
    nrm_status st = nrm_rows_from_array(ctx, &rows, &array);
    for (int64_t draws = 0; draws <= 5 && st >= 0; draws += 5)
        st = nrm_lp_sensitivities(ctx, WHO, rows, NULL, 60, &(nrm_sensitivity_plan){.p = 3, .rows = 50, .draws = draws}, s, NULL, NULL, &report);
    if (st >= 0) memcpy(c->s, s, sizeof s);
    nrm_rows_close(ctx, rows);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    double a[120];
    memory_case c = {.a = a};
    normals(120, 4, a);
    nrm_test_allocation_failures(all_ways, &c, c.s, sizeof c.s);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked), cmocka_unit_test(test_values), cmocka_unit_test(test_sparse), cmocka_unit_test(test_relations),
              cmocka_unit_test(test_sample), cmocka_unit_test(test_threads_and_ranks), cmocka_unit_test(test_refused),
              cmocka_unit_test(test_memory))
