/* test_lp_solve_contract.c -- least p-norm of a residual: scales, threads, refusals, memory. */
#include "lp_solve_kit.h"

/* Any scale of b, with p = 64 beyond what |r|^p can hold. */
static void test_scale(void **state)
{
    (void)state;
    static const double powers[] = {1, 1.5, 3, 64}, scales[] = {1e-200, 1e-9, 1e12, 1e200};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int k = 0; k < 4; k++) {
        double x[3];
        nrm_lp_answer one, scaled;
        const nrm_lp_problem o = problem_of(60, 3, powers[k]);
        make(11, 60, 3);
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, x, false, &one, NULL, NULL));
        for (int s = 0; s < 4; s++) {
            make(11, 60, 3);
            for (int i = 0; i < 60; i++) right[i] *= scales[s];
            assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, x, false, &scaled, NULL, NULL));
            assert_near(scaled.norm / scales[s], one.norm, 1e-11);
            assert_true(scaled.converged);
        }
    }
    nrm_ctx_destroy(ctx);
}

/* dx/db = H^-1 A' diag(h), h = (p - 1) |r|^(p-2), against differences. */
static void test_derivative(void **state)
{
    (void)state;
    enum { N = 25, D = 2 };
    static const double powers[] = {1.7, 3, 4};
    const double step = 1e-4;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int k = 0; k < 3; k++) {
        double x[D], up[D], down[D], h[N], m[3] = {0};
        nrm_lp_answer answer;
        make(12, N, D);
        const nrm_lp_problem o = problem_of(N, D, powers[k]);
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, x, false, &answer, NULL, NULL));
        for (int i = 0; i < N; i++) {
            const double *a = rows + i * D;
            h[i] = (o.p - 1) * pow(fabs(a[0] * x[0] + a[1] * x[1] - right[i]), o.p - 2);
            m[0] += h[i] * a[0] * a[0];
            m[1] += h[i] * a[0] * a[1];
            m[2] += h[i] * a[1] * a[1];
        }
        const double det = m[0] * m[2] - m[1] * m[1];
        for (int i = 1; i < N; i += 6) {
            const double *a = rows + i * D, kept = right[i];
            const double expected[D] = {h[i] * (m[2] * a[0] - m[1] * a[1]) / det, h[i] * (m[0] * a[1] - m[1] * a[0]) / det};
            right[i] = kept + step;
            assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, up, false, &answer, NULL, NULL));
            right[i] = kept - step;
            assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, down, false, &answer, NULL, NULL));
            right[i] = kept;
            for (int j = 0; j < D; j++) assert_near((up[j] - down[j]) / (2 * step), expected[j], 2e-3);
        }
    }
    nrm_ctx_destroy(ctx);
}

/* From the answer itself the answer, in fewer systems. */
static void test_warm(void **state)
{
    (void)state;
    static const double powers[] = {1, 1.5, 4, 20};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    make(13, 200, 8);
    for (int k = 0; k < 4; k++) {
        const nrm_lp_problem o = problem_of(200, 8, powers[k]);
        double x[8];
        nrm_lp_answer cold, warm;
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, x, false, &cold, NULL, NULL));
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, x, true, &warm, NULL, NULL));
        assert_near(warm.norm, cold.norm, 1e-10);
        assert_true(warm.converged);
        if (powers[k] > 2) assert_true(warm.iterations < cold.iterations);
    }
    nrm_ctx_destroy(ctx);
}

/* 5000 rows go over all slots: the same bits on one thread and on two. */
static void test_threads(void **state)
{
    (void)state;
    enum { N = 9000, D = 6 };
    static double a[N * D], b[N], dual[2][N];
    static const double powers[] = {1, 1.4, 2, 5};
    uint64_t draw = 14;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int i = 0; i < N; i++) {
        b[i] = nrm_test_normal(&draw);
        for (int j = 0; j < D; j++) a[i * D + j] = nrm_test_normal(&draw);
    }
    for (int k = 0; k < 4; k++) {
        double x[2][D];
        nrm_lp_answer answer[2];
        for (int t = 0; t < 2; t++) {
            const nrm_lp_problem o = {.n = N, .d = D, .a = a, .lda = D, .b = b, .p = powers[k], .threads = 1 + t};
            memset(&answer[t], 0, sizeof answer[t]);
            assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, x[t], false, &answer[t], dual[t], NULL));
        }
        assert_memory_equal(x[0], x[1], sizeof x[0]);
        assert_memory_equal(dual[0], dual[1], sizeof dual[0]);
        assert_true(answer[0].norm == answer[1].norm && answer[0].norm_lower == answer[1].norm_lower);
    }
    nrm_ctx_destroy(ctx);
}

static void expect_refusal(nrm_ctx *ctx, const nrm_lp_problem *o, nrm_status status, const char *piece)
{
    double x[COLUMNS] = {7};
    nrm_lp_answer answer = {.iterations = -7};
    assert_status(ctx, nrm_lp_solve(ctx, "t", o, x, false, &answer, NULL, NULL), status);
    assert_message(ctx, piece);
    assert_true(x[0] == 7 && answer.iterations == -7);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lp_problem o = problem_of(10, 3, 1);
    make(15, 10, 3);
#define EXPECT(change, status, piece) o = problem_of(10, 3, 1), change, expect_refusal(ctx, &o, status, piece)
    EXPECT(o.n = 2, NRM_E_SHAPE, "2 rows and 3 columns");
    EXPECT(o.d = 0, NRM_E_SHAPE, "0 columns");
    EXPECT(o.lda = 2, NRM_E_SHAPE, "row stride");
    EXPECT(o.a = NULL, NRM_E_NULL, "must not be NULL");
    EXPECT(o.p = 0.99, NRM_E_RANGE, "p is 0.99; it must be 1 to 64");
    EXPECT(o.p = 65, NRM_E_RANGE, "p is 65");
    EXPECT(o.p = NAN, NRM_E_RANGE, "p is nan");
    EXPECT(o.tol = -1, NRM_E_RANGE, "tol is -1");
    EXPECT(o.n = INT64_MAX / 8, NRM_E_OVERFLOW, "more than memory can address");
    for (int i = 0; i < 10; i++) weights[i] = 1;
    weights[4] = 0;
    EXPECT(o.weight = weights, NRM_E_RANGE, "the weight of row 4 is 0");
    weights[4] = INFINITY;
    EXPECT(o.weight = weights, NRM_E_RANGE, "the weight of row 4 is inf");
    rows[5] = NAN;
    EXPECT((void)0, NRM_E_NONFINITE, "a is nan at row 1, column 2");
    rows[5] = 0;
    right[9] = -INFINITY;
    EXPECT((void)0, NRM_E_NONFINITE, "b is -inf at row 9");
    make(15, 10, 3);
    assert_status(ctx, nrm_lp_solve(ctx, "t", &o, NULL, false, &(nrm_lp_answer){0}, NULL, NULL), NRM_E_NULL);
    nrm_cancel(ctx);
    EXPECT((void)0, NRM_E_CANCELLED, "stopped on request");
    nrm_ctx_destroy(ctx);
}

/* Too few systems: what there is, and how good it is. */
static void test_not_converged(void **state)
{
    (void)state;
    static const double powers[] = {1, 1.1, 30};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    make(16, 300, 9);
    for (int k = 0; k < 3; k++) {
        nrm_lp_problem o = problem_of(300, 9, powers[k]);
        double x[9], best[9], dual[MOST];
        nrm_lp_answer answer, good;
        assert_ok(ctx, nrm_lp_solve(ctx, "t", &o, best, false, &good, NULL, NULL));
        o.max_iter = 2;
        const nrm_status st = nrm_lp_solve(ctx, "t", &o, x, false, &answer, dual, NULL);
        check_proof(&o, x, dual, &answer, 1);
        assert_true(answer.norm >= good.norm * (1 - 1e-12) && answer.norm_lower <= good.norm * (1 + 1e-12));
        if (powers[k] == 1) continue; /* exchanges alone may get there */
        assert_int_equal(st, NRM_NOT_CONVERGED);
        assert_message(ctx, "after 2 systems");
        assert_false(answer.converged);
    }
    nrm_ctx_destroy(ctx);
}

typedef struct call { nrm_lp_problem problem; double out[COLUMNS + MOST]; } call;

static nrm_status once(nrm_ctx *ctx, void *user)
{
    call *c = user;
    nrm_lp_answer answer;
    return nrm_lp_solve(ctx, "t", &c->problem, c->out, false, &answer, c->out + COLUMNS, NULL);
}

static void test_memory(void **state)
{
    (void)state;
    static const double powers[] = {1, 1.01, 1.5, 2, 3};
    for (int k = 0; k < 5; k++) {
        static call c;
        make(17, 30, 3);
        if (k == 2) for (int i = 0; i < 30; i++) rows[i * 3 + 1] = 0; /* rank 2: the shortest x has memory of its own */
        c = (call){.problem = problem_of(30, 3, powers[k])};
        nrm_test_allocation_failures(once, &c, c.out, sizeof c.out);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_scale), cmocka_unit_test(test_derivative), cmocka_unit_test(test_warm),
              cmocka_unit_test(test_threads), cmocka_unit_test(test_refusals), cmocka_unit_test(test_not_converged),
              cmocka_unit_test(test_memory))
