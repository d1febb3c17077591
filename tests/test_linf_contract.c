/* test_linf_contract.c -- linf-regression refuses what it must, and gives the same answer however
 * the rows come. */
#include "linf_kit.h"
#include "data/formats.h"
#include <norma/comm.h>

static void keep_warning(void *user, nrm_log_level level, const char *message)
{
    if (level == NRM_LOG_WARNING) snprintf(user, 400, "%s", message);
}

/* ---- Sizes ------------------------------------------------------------------------------------- */

static void test_sizes(void **state)
{
    (void)state;
    char warning[400] = "";
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(200, 5, 1, 1, 1);
    nrm_linf_regression_options o = with(NRM_LINF_GAUSSIAN, 0);
    nrm_linf_regression_info info;
    double x[5], bars[5], exact[5];

    assert_ok(ctx, nrm_set_log(ctx, keep_warning, warning));
    solve_exactly(&t, exact, NULL);
    o.eps = 1, o.delta = 0.1;
    assert_ok(ctx, solve(ctx, &t, x, &info, &o));
    assert_int_equal(info.rows, 6 + (int)ceil(10 * log(100)));
    assert_true(info.eps <= 1 && info.eps > 0.98 && !info.exact && strcmp(info.guarantee, "law") == 0);
    o.rule = NRM_LINF_CORRECTED;
    assert_ok(ctx, solve(ctx, &t, x, &info, &o));
    assert_int_equal(info.rows, (int)ceil(5 * log(400)));
    assert_string_equal(warning, "");
    o.rule = NRM_LINF_PAPER; /* beyond n: exact, and told */
    assert_ok(ctx, solve(ctx, &t, x, &info, &o));
    assert_true(info.exact && info.rows == 200 && info.eps == 0 && strcmp(info.sketch, "none") == 0);
    assert_all_near(x, exact, 5, 1e-13);
    assert_non_null(strstr(warning, "asks for 2196 rows of 200; the exact solution is computed"));
    o = with(NRM_LINF_SRHT, 200); /* as many as there are */
    assert_ok(ctx, solve(ctx, &t, x, &info, &o));
    assert_true(info.exact);
    assert_all_near(x, exact, 5, 1e-13);
    o = with(NRM_LINF_BGP, 50);
    assert_ok(ctx, solve(ctx, &t, x, &info, &o));
    assert_int_equal(info.rows, 64);
    assert_non_null(strstr(warning, "bgp has a power of two of rows: 64 in place of 50"));
    o = with(NRM_LINF_COUNTSKETCH, 0);
    o.eps = 1, o.delta = 0.1;
    assert_ok(ctx, solve(ctx, &t, x, &info, &o));
    assert_non_null(strstr(warning, "no coordinate-wise guarantee"));
    assert_string_equal(info.guarantee, "none");
    o = with(NRM_LINF_SRHT, 5); /* m = d */
    assert_ok(ctx, solve_problem(ctx, &t, (nrm_linf_regression_problem){0}, (nrm_linf_regression_results){.x = x, .error_bars = bars}, &info, &o));
    assert_non_null(strstr(warning, "no finite variance"));
    assert_true(isinf(bars[0]) && isinf(info.error) && isinf(info.bound));
    o.rows = 4;
    assert_status(ctx, solve(ctx, &t, x, &info, &o), NRM_E_RANGE);
    assert_message(ctx, "a sketch of 4 rows is asked for and a has 5 columns; it must have at least as many rows: 6 or more");
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* Padding by the theorem; a small case of it, and one out of reach. */
static void test_strict(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(20, 1, 1, 1, 9), wide = table_random(40, 30, 1, 1, 9);
    nrm_linf_regression_options o = with(NRM_LINF_BGP, 8);
    double x[30];
    o.strict = true; /* 16 (d + 1) ln(n m d / (kappa delta))^2 = 32 * 121: pools of 4096 */
    assert_ok(ctx, solve(ctx, &t, x, NULL, &o));
    assert_near(x[0], 1, 0.9);
    o.rows = 32, o.delta = 1e-300, o.sketch = NRM_LINF_BGP;
    assert_status(ctx, solve(ctx, &wide, x, NULL, &o), NRM_E_OVERFLOW);
    assert_message(ctx, "that is out of reach: leave strict out");
    table_free(&t), table_free(&wide);
    nrm_ctx_destroy(ctx);
}

/* ---- What is refused ------------------------------------------------------------------------------ */

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(40, 3, 1, 1, 2), flat = table_random(2, 3, 1, 1, 2), longer = table_random(41, 3, 1, 1, 2);
    nrm_linf_regression_options o = with(NRM_LINF_GAUSSIAN, 10);
    nrm_linf_regression_info info = {.rows = 77};
    double x[3] = {5, 5, 5}, s[8] = {0};

    assert_status(ctx, solve(ctx, &flat, x, &info, &o), NRM_E_SHAPE);
    assert_message(ctx, "linf-regression: a is 2 x 3; it must have at least as many rows as columns");
    nrm_linf_regression_problem p = {.size = sizeof p, .a = rows_of(ctx, 40, 3, t.a), .b = rows_of(ctx, 41, 1, longer.b)};
    nrm_linf_regression_results r = {.size = sizeof r, .x = x};
    assert_status(ctx, nrm_linf_regression(ctx, &p, &r, &info, &o), NRM_E_SHAPE);
    assert_message(ctx, "a has 40 rows and b 41");
    assert_status(ctx, nrm_linf_regression(ctx, NULL, &r, &info, &o), NRM_E_NULL);
    assert_status(ctx, nrm_linf_regression(ctx, &p, NULL, &info, &o), NRM_E_NULL);
    nrm_rows_close(ctx, p.a), nrm_rows_close(ctx, p.b), t.a[17 * 3 + 2] = NAN;
    assert_status(ctx, solve(ctx, &t, x, &info, &o), NRM_E_NONFINITE);
    assert_message(ctx, "a is nan at row 17, column 2");
    t.a[17 * 3 + 2] = 1, t.b[30] = INFINITY;
    assert_status(ctx, solve(ctx, &t, x, &info, &o), NRM_E_NONFINITE);
    assert_message(ctx, "b is inf at row 30, column 0");
    t.b[30] = 1;
    for (int i = 0; i < 3; i++) {
        nrm_linf_regression_options wrong = o;
        if (i == 0) wrong.eps = 0;
        if (i == 1) wrong.eps = 1.5;
        if (i == 2) wrong.delta = 0.5;
        assert_status(ctx, solve(ctx, &t, x, &info, &wrong), NRM_E_RANGE);
    }
    assert_message(ctx, "delta is 0.5; it must be below 1/2");
    o.sketch = NRM_LINF_USER;
    assert_status(ctx, solve(ctx, &t, x, &info, &o), NRM_E_ARGUMENT);
    assert_message(ctx, "sketch is user and s is missing");
    p = (nrm_linf_regression_problem){.s = s, .s_rows = 4, .s_columns = 2, .lds = 2};
    assert_status(ctx, solve_problem(ctx, &t, p, r, &info, &o), NRM_E_SHAPE);
    assert_message(ctx, "rows is 10, but s has 4");
    o.rows = 0;
    assert_status(ctx, solve_problem(ctx, &t, p, r, &info, &o), NRM_E_SHAPE);
    assert_message(ctx, "s has 2 columns, but a has 40 rows");
    s[5] = NAN;
    assert_status(ctx, solve_problem(ctx, &t, p, r, &info, &o), NRM_E_NONFINITE);
    assert_message(ctx, "s is nan at [2,1]");
    o.sketch = NRM_LINF_SRHT;
    assert_status(ctx, solve_problem(ctx, &t, p, r, &info, &o), NRM_E_ARGUMENT);
    o.sketch = NRM_LINF_OSNAP, o.rows = 10, o.nonzeros = 11;
    assert_status(ctx, solve(ctx, &t, x, &info, &o), NRM_E_RANGE);
    for (int i = 0; i < 40 * 3; i++) t.a[i] = 1e308 * (i % 2 ? 1 : -1);
    o = with(NRM_LINF_SRHT, 10);
    assert_status(ctx, solve(ctx, &t, x, &info, &o), NRM_E_OVERFLOW);
    assert_message(ctx, "scale a and b down");
    assert_true(x[0] == 5 && x[2] == 5 && info.rows == 77);
    table_free(&t), table_free(&flat), table_free(&longer);
    nrm_ctx_destroy(ctx);
}

/* Zero and dependent columns are named, by the exact solution and by a second sketch. */
static void test_rank(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_linf_regression_info info;
    for (int exact = 0; exact < 2; exact++)
        for (int sketch = 0; sketch < PLAIN_SKETCHES; sketch++) {
            table t = table_random(exact ? 30 : 400, 4, 1, 1, 7);
            const nrm_linf_regression_options o = with(sketch, exact ? 30 : 64);
            double x[4] = {5, 5, 5, 5};
            for (int64_t i = 0; i < t.n; i++) t.a[i * 4 + 2] = 0;
            assert_status(ctx, solve(ctx, &t, x, NULL, &o), NRM_E_SINGULAR);
            assert_message(ctx, exact ? "column 2 is zero in a; leave it out" : "column 2 is zero in two sketches of a");
            for (int64_t i = 0; i < t.n; i++) t.a[i * 4 + 2] = 3 * t.a[i * 4 + 1] + 0.25 * t.a[i * 4];
            assert_status(ctx, solve(ctx, &t, x, NULL, &o), NRM_E_SINGULAR);
            assert_message(ctx, "a combination of the columns before it, column 1 above all");
            assert_message(ctx, exact ? "column 2 is, in a," : "column 2 is, in two sketches of a,");
            for (int64_t i = 0; i < t.n; i++) t.a[i * 4 + 2] = 1e-200 * (double)(i % 7); /* small is not dependent */
            assert_ok(ctx, solve(ctx, &t, x, &info, &o));
            table_free(&t);
        }
    /* A sparse sketch of the identity mostly loses rank, a second one of twice the rows less often. */
    table t = table_hard(4000, 8, 1);
    const nrm_linf_regression_options o = with(NRM_LINF_COUNTSKETCH, 30);
    int again = 0, lost = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        double x[8];
        assert_ok(ctx, nrm_set_seed(ctx, seed));
        const nrm_status st = solve(ctx, &t, x, &info, &o);
        assert_true(st == NRM_OK || st == NRM_E_SINGULAR);
        lost += st < 0;
        again += st == NRM_OK && info.retries == 1;
        if (st == NRM_OK) assert_int_equal(info.rows, info.retries ? 60 : 30);
    }
    assert_true(again > 5 && lost > 0);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* ---- However the rows come -------------------------------------------------------------------------- */

typedef struct pipe_user { const double *x; int64_t at, n, columns; } pipe_user;

static int64_t fill(void *user, int64_t most, int64_t columns, double *dense)
{
    pipe_user *p = user;
    const int64_t count = most < 7 ? most : 7, left = p->n - p->at, take = count < left ? count : left;
    memcpy(dense, p->x + p->at * columns, (size_t)(take * columns) * sizeof *dense);
    p->at += take;
    return take;
}

/* Both as pipes, whose length nobody knows. */
static nrm_status solve_pipe(nrm_ctx *ctx, const table *t, double *x, nrm_linf_regression_info *info, const nrm_linf_regression_options *o)
{
    pipe_user of_a = {t->a, 0, t->n, t->d}, of_b = {t->b, 0, t->n, t->q};
    nrm_linf_regression_problem p = {.size = sizeof p};
    const nrm_linf_regression_results r = {.size = sizeof r, .x = x};
    assert_ok(ctx, nrm_rows_from_callback(ctx, &p.a, t->d, fill, &of_a));
    assert_ok(ctx, nrm_rows_from_callback(ctx, &p.b, t->q, fill, &of_b));
    const nrm_status st = nrm_linf_regression(ctx, &p, &r, info, o);
    nrm_rows_close(ctx, p.a), nrm_rows_close(ctx, p.b);
    return st;
}

static void test_pipes(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(1000, 3, 2, 1, 12), few = table_random(50, 3, 2, 1, 12), two = table_random(2, 3, 2, 1, 12);
    nrm_linf_regression_info info;
    double x[6], y[6], exact[6];

    for (int sketch = 0; sketch < PLAIN_SKETCHES; sketch++) {
        nrm_linf_regression_options o = with(sketch, 64);
        const bool free_of_n = sketch == NRM_LINF_GAUSSIAN || sketch >= NRM_LINF_COUNTSKETCH;
        assert_ok(ctx, solve(ctx, &t, x, &info, &o));
        if (free_of_n) {
            assert_ok(ctx, solve_pipe(ctx, &t, y, &info, &o));
            assert_all_near(y, x, 6, 1e-12);
            assert_true(info.total_rows == 1000 && info.passes == 1 && !info.exact);
            assert_ok(ctx, solve_pipe(ctx, &few, y, &info, &o)); /* fewer than m after all */
            solve_exactly(&few, exact, NULL);
            assert_all_near(y, exact, 6, 1e-13);
            assert_true(info.exact && info.rows == 50);
            assert_status(ctx, solve_pipe(ctx, &two, y, &info, &o), NRM_E_SHAPE);
            assert_message(ctx, "a is 2 x 3");
        } else {
            assert_status(ctx, solve_pipe(ctx, &t, y, &info, &o), NRM_E_UNSUPPORTED);
            assert_message(ctx, "the number of rows of a must be known and this stream cannot tell it: give total_rows, or take sketch gaussian");
        }
        o.total_rows = 1000;
        assert_ok(ctx, solve_pipe(ctx, &t, y, &info, &o));
        assert_all_near(y, x, 6, 1e-11);
        o.total_rows = 1001;
        assert_status(ctx, solve_pipe(ctx, &t, y, &info, &o), NRM_E_SHAPE);
        assert_message(ctx, "a and b end before row 1000, but 1001 rows were announced");
        o.total_rows = 999;
        assert_status(ctx, solve_pipe(ctx, &t, y, &info, &o), NRM_E_SHAPE);
        assert_message(ctx, "a and b go on at row 999, but 999 rows were announced");
        assert_status(ctx, solve(ctx, &t, y, &info, &o), NRM_E_SHAPE);
        assert_message(ctx, "a has 1000 rows, but total_rows is 999");
        o.total_rows = 1000, o.refine = 3;
        assert_status(ctx, solve_pipe(ctx, &t, y, &info, &o), NRM_E_UNSUPPORTED);
        assert_message(ctx, "refine reads a and b more than once");
    }
    table_free(&t), table_free(&few), table_free(&two);
    nrm_ctx_destroy(ctx);
}

/* A text of n rows, counted first; the row where b ends early is named. */
static void test_text_and_sparse(void **state)
{
    (void)state;
    enum { N = 120 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_make(N, 3, 1);
    char of_a[N * 16], of_b[N * 8];
    int na = 0, nb = 0;
    uint64_t seed = 3;
    int64_t indptr[N + 1] = {0}, indices[3 * N];
    double values[3 * N], x[3], y[3];
    nrm_linf_regression_info info;

    for (int i = 0; i < N; i++) {
        indptr[i + 1] = indptr[i];
        for (int j = 0; j < 3; j++) {
            const int v = (int)(nrm_test_next(&seed) % 7) - 3;
            t.a[i * 3 + j] = v;
            na += snprintf(of_a + na, sizeof of_a - (size_t)na, "%d%c", v, j < 2 ? ',' : '\n');
            if (v == 0) continue;
            indices[indptr[i + 1]] = j, values[indptr[i + 1]++] = v;
        }
        t.b[i] = (int)(nrm_test_next(&seed) % 100);
        nb += snprintf(of_b + nb, sizeof of_b - (size_t)nb, "%d\n", (int)t.b[i]);
    }
    const nrm_csr csr = {.rows = N, .cols = 3, .nnz = indptr[N], .indptr = indptr, .indices = indices, .values = values, .dtype = NRM_F64};
    for (int sketch = 0; sketch < PLAIN_SKETCHES; sketch++) {
        const nrm_linf_regression_options o = with(sketch, 32);
        nrm_linf_regression_problem p = {.size = sizeof p};
        const nrm_linf_regression_results r = {.size = sizeof r, .x = y};
        assert_ok(ctx, solve(ctx, &t, x, NULL, &o));
        assert_ok(ctx, nrm_rows_open_memory(ctx, &p.a, "a.csv", of_a, (size_t)na, 0));
        assert_ok(ctx, nrm_rows_open_memory(ctx, &p.b, "b.csv", of_b, (size_t)nb, 0));
        assert_ok(ctx, nrm_linf_regression(ctx, &p, &r, &info, &o));
        assert_all_near(y, x, 3, 1e-12);
        assert_int_equal(info.passes, sketch == NRM_LINF_SRHT || sketch == NRM_LINF_SRCT || sketch == NRM_LINF_BGP ? 2 : 1);
        nrm_rows_close(ctx, p.b);
        assert_ok(ctx, nrm_rows_open_memory(ctx, &p.b, "b.csv", of_b, (size_t)nb - 3, 0));
        assert_status(ctx, nrm_linf_regression(ctx, &p, &r, &info, &o), NRM_E_SHAPE);
        assert_message(ctx, "b ends before row 119, but a goes on");
        nrm_rows_close(ctx, p.a), nrm_rows_close(ctx, p.b);
        assert_ok(ctx, nrm_rows_from_csr(ctx, &p.a, &csr));
        p.b = rows_of(ctx, N, 1, t.b);
        assert_ok(ctx, nrm_linf_regression(ctx, &p, &r, &info, &o));
        assert_all_near(y, x, 3, 1e-12);
        nrm_rows_close(ctx, p.a), nrm_rows_close(ctx, p.b);
    }
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* ---- Ranks -------------------------------------------------------------------------------------------- */

typedef struct rank_user { const table *t; const nrm_linf_regression_options *o; const double *alone; } rank_user;

static nrm_status one_rank(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const rank_user *u = user;
    nrm_linf_regression_info info;
    double x[8];
    (void)comm;
    const nrm_status st = solve(ctx, u->t, x, &info, u->o);
    if (u->alone && st >= 0) assert_true(largest_difference(u->t->d * u->t->q, x, u->alone) < 1e-12);
    return st;
}

static void test_ranks(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(3000, 4, 2, 1, 31), bad = table_random(3000, 4, 2, 1, 31);
    bad.a[2900 * 4 + 1] = NAN;
    for (int sketch = 0; sketch <= PLAIN_SKETCHES; sketch++) /* the last: exact */
        for (int refine = 0; refine <= 30; refine += 30) {
            nrm_linf_regression_options o = with(sketch % PLAIN_SKETCHES, sketch < PLAIN_SKETCHES ? 64 : 3000);
            double x[8];
            o.refine = refine;
            assert_ok(ctx, solve(ctx, &t, x, NULL, &o));
            for (int ranks = 1; ranks <= 3; ranks++) {
                rank_user good = {&t, &o, x}, wrong = {&bad, &o, NULL};
                assert_ok(ctx, nrm_run_ranks(ctx, ranks, one_rank, &good));
                if (refine > 0) continue;
                assert_status(ctx, nrm_run_ranks(ctx, ranks, one_rank, &wrong), NRM_E_NONFINITE);
                assert_message(ctx, "a is nan at row 2900, column 1");
            }
        }
    table_free(&t), table_free(&bad);
    nrm_ctx_destroy(ctx);
}

/* ---- Failures ------------------------------------------------------------------------------------------ */

typedef struct attempt_at { const table *t; nrm_linf_regression_options o; double *x; } attempt_at;

static nrm_status attempt(nrm_ctx *ctx, void *user)
{
    const attempt_at *at = user;
    nrm_array sa = {0}, sb = {0};
    const nrm_status st = solve_problem(ctx, at->t, (nrm_linf_regression_problem){0},
                                        (nrm_linf_regression_results){.x = at->x, .sa = &sa, .sb = &sb}, NULL, &at->o);
    nrm_array_destroy(ctx, &sa), nrm_array_destroy(ctx, &sb);
    return st;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    table t = table_random(90, 3, 1, 1, 14);
    double x[3] = {0};
    for (int sketch = 0; sketch < PLAIN_SKETCHES; sketch++) {
        attempt_at at = {&t, with(sketch, 16), x};
        at.o.repetitions = 2, at.o.refine = 40;
        nrm_test_allocation_failures(attempt, &at, x, sizeof x);
    }
    attempt_at exact = {&t, with(NRM_LINF_SRHT, 90), x};
    nrm_test_allocation_failures(attempt, &exact, x, sizeof x);
    table_free(&t);
}

static int stop_at(void *user, const nrm_progress *progress)
{
    int *left = user;
    (void)progress;
    return (*left)-- <= 0;
}

static void test_cancel(void **state)
{
    (void)state;
    table t = table_random(300, 3, 1, 1, 14);
    double x[3] = {5, 5, 5};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_linf_regression_options o = with(NRM_LINF_SRHT, 16);
    int left = 0;
    assert_ok(ctx, nrm_set_progress(ctx, stop_at, &left));
    assert_status(ctx, solve(ctx, &t, x, NULL, &o), NRM_E_CANCELLED);
    assert_true(x[0] == 5);
    assert_ok(ctx, nrm_set_progress(ctx, NULL, NULL)); /* the request stays */
    assert_status(ctx, solve(ctx, &t, x, NULL, &o), NRM_E_CANCELLED);
    nrm_cancel_clear(ctx);
    assert_ok(ctx, solve(ctx, &t, x, NULL, &o));
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_sizes), cmocka_unit_test(test_strict), cmocka_unit_test(test_refusals), cmocka_unit_test(test_rank),
              cmocka_unit_test(test_pipes), cmocka_unit_test(test_text_and_sparse), cmocka_unit_test(test_ranks),
              cmocka_unit_test(test_allocation_failures), cmocka_unit_test(test_cancel))
