/* test_lp_solve.c -- least p-norm of a residual for rows in memory. */
#include "lp_solve_kit.h"
#include "lp_solve_data.h"

/* The specification's example. */
static void test_worked(void **state)
{
    (void)state;
    static const double a4[8] = {1, 0, 0, 1, 1, 1, 2, -1}, b4[4] = {1, 2, 2, 1};
    static const struct { double p, x[2], objective; } cases[] = {
        {1, {1, 1}, 1},
        {1.5, {1.04487209, 1.22261099}, .881696664910},
        {3, {1.04531942, 1.42413984}, .331614920174},
        {4, {1.03311044, 1.44858103}, .167666044537}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int i = 0; i < 4; i++) {
        const nrm_lp_problem o = {4, 2, a4, 2, b4, NULL, cases[i].p, 0, 0, 1};
        double x[2];
        nrm_lp_answer answer;
        solve(ctx, &o, x, &answer, 1e-10);
        assert_all_near(x, cases[i].x, 2, 5e-9);
        assert_near(answer.objective, cases[i].objective, 1e-11);
        assert_int_equal(answer.rank, 2);
        assert_near(answer.lower, pow(answer.norm_lower, o.p), 1e-12);
    }
    nrm_ctx_destroy(ctx);
}

/* SciPy's HiGHS and BFGS. */
static void test_reference(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int c = 0; c < NRM_COUNT(lp_cases); c++)
        for (int k = 0; k < NRM_COUNT(lp_powers); k++) {
            const nrm_lp_problem o = problem_of(lp_cases[c].n, lp_cases[c].d, lp_powers[k]);
            double x[COLUMNS];
            nrm_lp_answer answer;
            make(lp_cases[c].seed, lp_cases[c].n, lp_cases[c].d);
            solve(ctx, &o, x, &answer, 1e-10);
            assert_near(answer.objective, lp_cases[c].least[k], 1e-9);
        }
    nrm_ctx_destroy(ctx);
}

/* Every p, also next to 1 and at the end; p = 1 meets as many rows as there are columns. */
static void test_powers(void **state)
{
    (void)state;
    static const double powers[] = {1, 1.00001, 1.0001, 1.01, 1.1, 1.2, 1.7, 1.99, 2, 2.01, 5, 6, 6.5, 17, 40, 64};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    make(5, 150, 6);
    for (int k = 0; k < NRM_COUNT(powers); k++) {
        const nrm_lp_problem o = problem_of(150, 6, powers[k]);
        double x[6];
        int met = 0;
        nrm_lp_answer answer;
        solve(ctx, &o, x, &answer, 1e-10);
        for (int i = 0; i < 150; i++) {
            double r = -right[i];
            for (int j = 0; j < 6; j++) r += rows[i * 6 + j] * x[j];
            met += fabs(r) < 1e-13;
        }
        if (powers[k] == 1) assert_int_equal(met, 6);
    }
    nrm_ctx_destroy(ctx);
}

/* A weight is a repetition: k rows alike count as one of weight k. */
static void test_weights(void **state)
{
    (void)state;
    enum { N = 30, D = 3 };
    static const double powers[] = {1, 1.4, 2, 3, 9};
    double many[3 * N * D], many_right[3 * N];
    int total = 0;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    make(6, N, D);
    for (int i = 0; i < N; i++) {
        weights[i] = 1 + i % 3;
        for (int k = 0; k < 1 + i % 3; k++, total++) {
            memcpy(many + total * D, rows + i * D, D * sizeof(double));
            many_right[total] = right[i];
        }
    }
    for (int k = 0; k < 5; k++) {
        nrm_lp_problem o = problem_of(N, D, powers[k]);
        double x[D], y[D];
        nrm_lp_answer one, other;
        o.weight = weights;
        solve(ctx, &o, x, &one, 1e-10);
        const nrm_lp_problem repeated = {.n = total, .d = D, .a = many, .lda = D, .b = many_right, .p = powers[k]};
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &repeated, y, false, &other, NULL, NULL));
        assert_near(one.norm, other.norm, 1e-11);
        if (powers[k] > 1) assert_all_near(x, y, D, 1e-6);
        for (int i = 0; i < N; i++) weights[i] *= 1e200; /* the scale of the weights is nothing to x */
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, y, false, &other, NULL, NULL));
        assert_near(other.norm / pow(1e200, 1 / o.p), one.norm, 1e-11);
        for (int i = 0; i < N; i++) weights[i] /= 1e200;
    }
    nrm_ctx_destroy(ctx);
}

/* Columns that are zero or made up by others: the shortest x, and which they are. */
static void test_rank(void **state)
{
    (void)state;
    enum { N = 40, D = 5 };
    static const double powers[] = {1, 1.5, 2, 4};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int k = 0; k < 4; k++) {
        double x[D], plain[D], dual[MOST], full = 0;
        bool dependent[D];
        nrm_lp_answer answer, alone;
        make(7, N, 3);
        const nrm_lp_problem o3 = problem_of(N, 3, powers[k]);
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &o3, plain, false, &alone, NULL, NULL));
        for (int i = N; i-- > 0;) { /* columns 0, 0, 1, zero, 2 with column 2 twice column 1 of the three */
            const double row[D] = {rows[i * 3], rows[i * 3 + 1], 2 * rows[i * 3 + 1], 0, rows[i * 3 + 2]};
            memcpy(rows + i * D, row, sizeof row);
        }
        const nrm_lp_problem o = problem_of(N, D, powers[k]);
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, x, false, &answer, dual, dependent));
        check_proof(&o, x, dual, &answer, 1e-10);
        assert_int_equal(answer.rank, 3);
        assert_near(answer.norm, alone.norm, 1e-11);
        assert_true(dependent[3]);
        assert_true(dependent[1] != dependent[2]);
        assert_false(dependent[0] || dependent[4]);
        assert_true(x[3] == 0);
        assert_near(x[2], 2 * x[1], 1e-10); /* shortest: along (1, 2) */
        assert_near(x[1] + 2 * x[2], plain[1], 1e-6);
        for (int j = 0; j < D; j++) full += x[j] * x[j];
        assert_true(full <= plain[0] * plain[0] + plain[1] * plain[1] + plain[2] * plain[2] + 1e-6);
    }
    nrm_ctx_destroy(ctx);
}

static void test_zero_matrix(void **state)
{
    (void)state;
    static const double powers[] = {1, 1.5, 2, 7};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    memset(rows, 0, sizeof rows);
    for (int i = 0; i < 6; i++) right[i] = i - 2;
    for (int k = 0; k < 4; k++) {
        const nrm_lp_problem o = problem_of(6, 2, powers[k]);
        double x[2] = {3, 3};
        nrm_lp_answer answer;
        solve(ctx, &o, x, &answer, 1e-14);
        assert_true(x[0] == 0 && x[1] == 0 && answer.rank == 0);
    }
    memset(right, 0, sizeof right);
    const nrm_lp_problem o = problem_of(6, 2, 1);
    double x[2];
    nrm_lp_answer answer;
    solve(ctx, &o, x, &answer, 0);
    assert_true(answer.norm == 0 && answer.norm_lower == 0);
    nrm_ctx_destroy(ctx);
}

/* b in the range of a, also where rows are as many as columns. */
static void test_exact_fit(void **state)
{
    (void)state;
    static const double powers[] = {1, 1.3, 2, 3, 20};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int square = 0; square < 2; square++)
        for (int k = 0; k < 5; k++) {
            const int n = square ? 4 : 50;
            double x[4], dual[MOST];
            nrm_lp_answer answer;
            make(8, n, 4);
            for (int i = 0; i < n; i++) right[i] = rows[i * 4] - 2 * rows[i * 4 + 1] + 3e3 * rows[i * 4 + 3];
            const nrm_lp_problem o = problem_of(n, 4, powers[k]);
            assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, x, false, &answer, dual, NULL));
            assert_true(answer.converged && answer.norm_lower == 0 && answer.norm < 1e-10);
            assert_all_near(x, ((const double[]){1, -2, 0, 3e3}), 4, 1e-10);
            for (int i = 0; i < n; i++) assert_true(dual[i] == 0);
        }
    nrm_ctx_destroy(ctx);
}

/* Outliers in b do not move p = 1; a row a million million times another is met. */
static void test_outliers(void **state)
{
    (void)state;
    enum { N = 100, D = 4 };
    double x[D], y[D], saved[N];
    nrm_lp_answer answer;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    make(9, N, D);
    const nrm_lp_problem o = problem_of(N, D, 1);
    solve(ctx, &o, x, &answer, 1e-12);
    memcpy(saved, right, sizeof saved);
    for (int i = 0; i < N; i++) { /* farther out on its own side */
        double r = -right[i];
        for (int j = 0; j < D; j++) r += rows[i * D + j] * x[j];
        if (i % 9 == 0 && fabs(r) > 1e-9) right[i] -= copysign(1e12, r);
    }
    solve(ctx, &o, y, &answer, 1e-9);
    assert_all_near(y, x, D, 1e-9);
    memcpy(right, saved, sizeof saved);
    for (int j = 0; j < D; j++) rows[j] *= 1e12;
    right[0] *= 1e12;
    static const double powers[] = {1, 1.5, 2, 3};
    for (int k = 0; k < 4; k++) {
        const nrm_lp_problem heavy = problem_of(N, D, powers[k]);
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &heavy, x, false, &answer, NULL, NULL));
        double r = -right[0];
        for (int j = 0; j < D; j++) r += rows[j] * x[j];
        assert_true(fabs(r) < 1e-2 && answer.norm < 1e4);
    }
    nrm_ctx_destroy(ctx);
}

/* The fit does not depend on the basis: nearly equal columns, columns of any size. */
static void test_ill_conditioned(void **state)
{
    (void)state;
    enum { N = 120, D = 4 };
    static const double powers[] = {1, 1.2, 1.5, 2, 3, 12};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int k = 0; k < 6; k++) {
        double x[D];
        nrm_lp_answer well, ill;
        const nrm_lp_problem o = problem_of(N, D, powers[k]);
        make(10, N, D);
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, x, false, &well, NULL, NULL));
        for (int i = 0; i < N; i++) {
            rows[i * D + 1] = rows[i * D] + 0x1p-26 * rows[i * D + 1];
            rows[i * D + 2] *= 1e150;
            rows[i * D + 3] *= 1e-150;
        }
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, x, false, &ill, NULL, NULL));
        assert_int_equal(ill.rank, D);
        assert_near(ill.norm, well.norm, 1e-8);
    }
    nrm_ctx_destroy(ctx);
}

/* Rows twice, rows of zeros, integers: many residuals are equal, many vertices degenerate. */
static void test_degenerate(void **state)
{
    (void)state;
    enum { N = 240, D = 5 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int seed = 1; seed <= 6; seed++) {
        uint64_t draw = (uint64_t)seed;
        double x[D];
        nrm_lp_answer answer;
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < D; j++) rows[i * D + j] = i % 10 == 9 ? 0 : floor(3 * nrm_test_uniform(&draw)) - 1;
            right[i] = floor(5 * nrm_test_uniform(&draw));
            if (i >= N / 2) {
                memcpy(rows + i * D, rows + (i - N / 2) * D, D * sizeof(double));
                right[i] = right[i - N / 2];
            }
        }
        for (int k = 0; k < 3; k++) {
            const nrm_lp_problem o = problem_of(N, D, k == 0 ? 1 : k == 1 ? 1.05 : 30);
            solve(ctx, &o, x, &answer, 1e-10);
        }
    }
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked), cmocka_unit_test(test_reference), cmocka_unit_test(test_powers),
              cmocka_unit_test(test_weights), cmocka_unit_test(test_rank), cmocka_unit_test(test_zero_matrix),
              cmocka_unit_test(test_exact_fit), cmocka_unit_test(test_outliers), cmocka_unit_test(test_ill_conditioned),
              cmocka_unit_test(test_degenerate))
