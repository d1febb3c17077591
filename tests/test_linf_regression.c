/* test_linf_regression.c -- the statements of the specification, against independent solutions. */
#include "base/student.h"
#include "linalg/sketch.h"
#include "linf_kit.h"

/* Items 3 and 11 of the specification: by a matrix of one's own. */
static void test_worked(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[8] = {1, 2, 0, 1, 1, -1, 3, 1}, b[4] = {1, 2, 3, 5}, x[2];
    const double s[12] = {1, -1, 1, -1, 1, -1, -1, 1, 1, 1, -1, -1}; /* rows 0, 2, 3 of H D, unscaled */
    const table t = {4, 2, 1, a, b};
    nrm_linf_regression_options o = with(NRM_LINF_USER, 0);
    nrm_linf_regression_problem p = {.s = s, .s_rows = 3, .s_columns = 4, .lds = 4};
    nrm_linf_regression_info info;
    nrm_array sa, sb;

    assert_ok(ctx, solve_problem(ctx, &t, p, (nrm_linf_regression_results){.x = x, .sa = &sa, .sb = &sb}, &info, &o));
    assert_all_near(x, ((double[]){17.0 / 15, -8.0 / 15}), 2, 1e-15);
    assert_all_near(sa.data, ((double[]){-1, -1, 3, 3, -3, 3}), 6, 0);
    assert_all_near(sb.data, ((double[]){-3, 1, -5}), 3, 0);
    nrm_array_destroy(ctx, &sa);
    nrm_array_destroy(ctx, &sb);
    o = with(NRM_LINF_SRHT, 0);
    assert_ok(ctx, solve(ctx, &t, x, &info, &o));
    assert_all_near(x, ((double[]){109.0 / 61, -10.0 / 61}), 2, 1e-15);
    assert_true(info.exact && info.rows == 4 && info.bound == 0 && info.error == 0);
    nrm_ctx_destroy(ctx);
}

/* S = M^(1/2) of Proposition 2.2: an embedding with concentrated coordinates whose x'_1 does not
 * fall with d.  On the span of e_1, v and e_(d+1), v = e_2, M is the 3 x 3 matrix below; else 1. */
static void test_counter_example(void **state)
{
    (void)state;
    enum { D = 6, N = D + 1 };
    const double rho = 0.05, alpha = 0.05;
    const double m3[3][3] = {{1, -rho, 0}, {-rho, 1, alpha}, {0, alpha, 1}};
    double root[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, s[N * N] = {0}, x[D];
    const int place[3] = {0, 1, D};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_make(N, D, 1);
    nrm_linf_regression_options o = with(NRM_LINF_USER, 0);
    nrm_linf_regression_problem p = {.s = s, .s_rows = N, .s_columns = N, .lds = N};

    for (int turn = 0; turn < 60; turn++) /* R <- R + (M - R^2) / 2, from I, commuting with M */
        for (double square[3][3], done = 0; done < 1; done++) {
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++) square[i][j] = root[i][0] * root[0][j] + root[i][1] * root[1][j] + root[i][2] * root[2][j];
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++) root[i][j] += (m3[i][j] - square[i][j]) / 2;
        }
    for (int i = 0; i < N; i++) s[i * N + i] = 1;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) s[place[i] * N + place[j]] = root[i][j];
    for (int j = 0; j < D; j++) t.a[j * D + j] = 1;
    t.b[D] = 1;
    assert_ok(ctx, solve_problem(ctx, &t, p, (nrm_linf_regression_results){.x = x}, NULL, &o));
    assert_near(fabs(x[0]), 0.0025062656641604, 1e-12);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* Items 5 and 7: consistent equations, and what a change of A and b does to x. */
static void test_equivariance(void **state)
{
    (void)state;
    enum { N = 300, D = 5 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double z[D] = {1, -2, 0.5, 3, -1};
    for (int sketch = 0; sketch < PLAIN_SKETCHES; sketch++) {
        const nrm_linf_regression_options o = with(sketch, 64);
        nrm_linf_regression_info info;
        table t = table_random(N, D, 1, 0, 3), u = table_random(N, D, 1, 1, 4), v = table_random(N, D, 1, 1, 4);
        double x[D], y[D], ones[D] = {1, 1, 1, 1, 1};
        assert_ok(ctx, solve(ctx, &t, x, &info, &o));
        assert_all_near(x, ones, D, 1e-12);
        assert_true(info.residual < 1e-12 && info.error < 1e-12 && !info.exact && info.rows == 64);
        assert_ok(ctx, solve(ctx, &u, x, NULL, &o));
        for (int i = 0; i < N; i++)
            for (int j = 0; j < D; j++) v.b[i] += v.a[i * D + j] * z[j];
        assert_ok(ctx, solve(ctx, &v, y, NULL, &o));
        for (int j = 0; j < D; j++) assert_near(y[j], x[j] + z[j], 1e-12);
        for (int i = 0; i < N; i++) { /* A R, R = 3 I with a 2 above the diagonal: x = R y */
            double *row = v.a + i * D;
            for (int j = D - 1; j >= 0; j--) row[j] = 3 * row[j] + (j > 0 ? 2 * row[j - 1] : 0);
            v.b[i] = u.b[i];
        }
        assert_ok(ctx, solve(ctx, &v, y, NULL, &o));
        for (int j = 0; j < D; j++) assert_near(3 * y[j] + (j + 1 < D ? 2 * y[j + 1] : 0), x[j], 1e-12);
        table_free(&t), table_free(&u), table_free(&v);
    }
    nrm_ctx_destroy(ctx);
}

/* Item 6: several right-hand sides are columns on their own, and the compression is that of
 * linalg/sketch.h; one column; threads. */
static void test_columns(void **state)
{
    (void)state;
    enum { N = 333, D = 7, Q = 3, M = 64 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_seed(ctx, 11));
    for (int sketch = 0; sketch < PLAIN_SKETCHES; sketch++) {
        table t = table_random(N, D, Q, 1, 5), one = table_make(N, D, 1), thin = table_random(N, 1, 1, 1, 6);
        const nrm_linf_regression_options o = with(sketch, M);
        const nrm_sketch_plan plan = {.kind = (nrm_sketch_kind)sketch, .seed = 11, .m = M, .n = N, .nonzeros = 8};
        double x[D * Q], y[D], bars[D * Q], again[D * Q], se[D * Q], bounds[D * Q], s[M * D];
        nrm_linf_regression_info info, other;
        nrm_array sa;
        assert_ok(ctx, nrm_set_threads(ctx, 1));
        assert_ok(ctx, solve_problem(ctx, &t, (nrm_linf_regression_problem){0}, (nrm_linf_regression_results){.x = x, .error_bars = bars,
                                     .standard_errors = se, .bounds = bounds, .sa = &sa}, &info, &o));
        assert_ok(ctx, nrm_sketch(ctx, "t", &plan, D, t.a, D, s, D));
        assert_all_near(sa.data, s, M * D, 1e-13);
        nrm_array_destroy(ctx, &sa);
        assert_ok(ctx, nrm_set_threads(ctx, 2));
        assert_ok(ctx, solve(ctx, &t, again, NULL, &o));
        assert_memory_equal(x, again, sizeof x);
        memcpy(one.a, t.a, N * D * sizeof(double));
        double residual = 0;
        for (int k = 0; k < Q; k++) {
            for (int i = 0; i < N; i++) one.b[i] = t.b[i * Q + k];
            assert_ok(ctx, solve(ctx, &one, y, &other, &o));
            residual = fmax(residual, other.residual);
            double widest = 0, bound = 0;
            for (int j = 0; j < D; j++) {
                assert_near(y[j], x[j * Q + k], 1e-12);
                assert_near(bars[j * Q + k], se[j * Q + k] * nrm_student_quantile(0.05 / (2 * D), M - D), 1e-12);
                widest = fmax(widest, bars[j * Q + k]), bound = fmax(bound, bounds[j * Q + k]);
            }
            assert_near(other.error, widest, 1e-12), assert_near(other.bound, bound, 1e-12);
        }
        assert_near(info.residual, residual, 1e-12);
        assert_near(info.bound, info.eps / sqrt(D) * info.residual * info.inverse_norm, 1e-12);
        assert_ok(ctx, solve(ctx, &thin, y, NULL, &o));
        assert_near(y[0], 1, 0.5);
        table_free(&t), table_free(&one), table_free(&thin);
    }
    nrm_ctx_destroy(ctx);
}

/* Item 6 again: all N rows of a Hadamard transform are an isometry, and lose nothing. */
static void test_isometry(void **state)
{
    (void)state;
    enum { N = 12, PADDED = 16, D = 3 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(N, D, 1, 1, 8);
    const nrm_sketch_plan plan = {.kind = NRM_SKETCH_SRHT, .seed = 4, .m = PADDED, .n = N};
    const nrm_linf_regression_options o = with(NRM_LINF_USER, 0);
    double s[PADDED * N], unit[N * N] = {0}, x[D], exact[D];

    for (int i = 0; i < N; i++) unit[i * N + i] = 1;
    assert_ok(ctx, nrm_sketch(ctx, "t", &plan, N, unit, N, s, N));
    const nrm_linf_regression_problem p = {.s = s, .s_rows = PADDED, .s_columns = N, .lds = N};
    solve_exactly(&t, exact, NULL);
    assert_ok(ctx, solve_problem(ctx, &t, p, (nrm_linf_regression_results){.x = x}, NULL, &o));
    assert_all_near(x, exact, D, 1e-14);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* Item 9: the exact laws of the Gaussian sketch, over 2000 seeds. */
static void test_laws(void **state)
{
    (void)state;
    enum { N = 60, D = 6, M = 40, DRAWS = 2000 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_linf_regression_options o = with(NRM_LINF_GAUSSIAN, M);
    table t = table_random(N, D, 1, 1, 21);
    double exact[D], residual, of_x = 0, of_x2 = 0, of_r = 0;

    solve_exactly(&t, exact, &residual);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        nrm_linf_regression_info info;
        double x[D], moved = 0;
        assert_ok(ctx, nrm_set_seed(ctx, seed));
        assert_ok(ctx, solve(ctx, &t, x, &info, &o));
        for (int i = 0; i < N; i++) {
            double sum = 0;
            for (int j = 0; j < D; j++) sum += t.a[i * D + j] * (x[j] - exact[j]);
            moved += sum * sum;
        }
        of_x += moved / (residual * residual) / DRAWS;
        of_x2 += pow(moved / (residual * residual), 2) / DRAWS;
        of_r += pow(info.residual / residual, 2) / DRAWS; /* (m - d) / m has been divided out */
    }
    const double deviation = sqrt((of_x2 - of_x * of_x) / DRAWS);
    assert_true(fabs(of_x - (double)D / (M - D - 1)) < 4 * deviation && deviation < 0.003);
    assert_near(of_r, 1, 4 * sqrt(2.0 / (M - D) / DRAWS));
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* Item 12: pointwise intervals hold what they promise, and so do the simultaneous bars. */
static void expect_coverage(nrm_ctx *ctx, const table *t, int sketch, double least, double most)
{
    enum { D = 16, M = 128, SEEDS = 130 };
    const nrm_linf_regression_options o = with(sketch, M);
    const double quantile = nrm_student_quantile(0.025, M - D);
    double exact[D];
    int inside = 0, together = 0;

    solve_exactly(t, exact, NULL);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        double x[D], se[D], bars[D];
        assert_ok(ctx, nrm_set_seed(ctx, seed));
        assert_ok(ctx, solve_problem(ctx, t, (nrm_linf_regression_problem){0}, (nrm_linf_regression_results){.x = x,
                                     .standard_errors = se, .error_bars = bars}, NULL, &o));
        bool all = true;
        for (int j = 0; j < D; j++) {
            inside += fabs(x[j] - exact[j]) <= quantile * se[j];
            all = all && fabs(x[j] - exact[j]) <= bars[j];
        }
        together += all;
    }
    const double covered = (double)inside / (D * SEEDS);
    if (covered < least || covered > most) fail_msg("sketch %d covers %g", sketch, covered);
    assert_true(together >= (int)(0.88 * SEEDS));
}

/* n far above m: rows drawn without replacement err less than the law says where they are a good
 * part of all, and bgp more where its pools are of few.  The Gaussian law asks for no such thing. */
static void test_coverage(void **state)
{
    (void)state;
    static const struct { int sketch; int64_t n; } dense[] = {
        {NRM_LINF_GAUSSIAN, 200}, {NRM_LINF_SRHT, 2048}, {NRM_LINF_SRCT, 2000}, {NRM_LINF_BGP, 2048}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    for (int i = 0; i < 4; i++) {
        table random = table_random(dense[i].n, 16, 1, 1, 33), hard = table_hard(dense[i].n, 16, 16);
        expect_coverage(ctx, &random, dense[i].sketch, 0.93, 0.97);
        expect_coverage(ctx, &hard, dense[i].sketch, 0.93, 0.97);
        table_free(&random), table_free(&hard);
    }
    nrm_ctx_destroy(ctx);
}

/* The bound holds for dense sketches at the size of the rule, and a sparse one breaks it. */
static void test_dense_and_sparse(void **state)
{
    (void)state;
    enum { D = 32, SEEDS = 30 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_hard(2048, D, 8);
    nrm_linf_regression_options o = with(NRM_LINF_SRHT, 0);
    int broken[2] = {0, 0};

    o.eps = 1, o.delta = 0.1;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (int sparse = 0; sparse < 2; sparse++) {
            double x[D], worst = 0;
            nrm_linf_regression_info info;
            o.sketch = sparse ? NRM_LINF_COUNTSKETCH : NRM_LINF_SRHT;
            assert_ok(ctx, nrm_set_seed(ctx, seed));
            const nrm_status st = solve(ctx, &t, x, &info, &o);
            if (sparse && st == NRM_E_SINGULAR) { /* two columns of the identity met, twice */
                broken[sparse]++;
                continue;
            }
            assert_int_equal(st, NRM_OK);
            assert_int_equal(info.rows, info.retries > 0 ? 894 : 447); /* 33 + ceil(64 ln 640) */
            assert_near(info.eps, info.retries > 0 ? sqrt(414.0 / 861) : 1, 2e-3);
            for (int j = 0; j < D; j++) worst = fmax(worst, fabs(x[j]));
            broken[sparse] += info.retries > 0 || worst > 1 / sqrt(D); /* |r| = |A^+| = 1 */
        }
    assert_true(broken[0] == 0 && broken[1] >= 5);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked), cmocka_unit_test(test_counter_example), cmocka_unit_test(test_equivariance),
              cmocka_unit_test(test_columns), cmocka_unit_test(test_isometry), cmocka_unit_test(test_laws),
              cmocka_unit_test(test_coverage), cmocka_unit_test(test_dense_and_sparse))
