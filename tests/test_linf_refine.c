/* test_linf_refine.c -- refinement, scaling, medians and Kronecker factors of linf-regression. */
#include "linalg/tensor_sketch.h"
#include "linf_kit.h"
#include <norma/call.h>

/* ---- Refinement ---------------------------------------------------------------------------------- */

/* |A'(b - A x)| / (|A|_F |r|) of right-hand side k. */
static double gradient_of(const table *t, const double *x, int64_t k)
{
    double squares = 0, of_a = 0, of_r = 0, *g = calloc((size_t)t->d, sizeof *g);
    assert_non_null(g);
    for (int64_t i = 0; i < t->n; i++) {
        double r = t->b[i * t->q + k];
        for (int64_t j = 0; j < t->d; j++) r -= t->a[i * t->d + j] * x[j * t->q + k];
        for (int64_t j = 0; j < t->d; j++) g[j] += t->a[i * t->d + j] * r, of_a += t->a[i * t->d + j] * t->a[i * t->d + j];
        of_r += r * r;
    }
    for (int64_t j = 0; j < t->d; j++) squares += g[j] * g[j];
    free(g);
    return sqrt(squares / of_a / of_r);
}

static void test_refine(void **state)
{
    (void)state;
    enum { D = 10, Q = 2 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(2000, D, Q, 1, 41);
    double x[D * Q], again[D * Q], bars[D * Q], se[D * Q], exact[D * Q], residual[Q];
    nrm_linf_regression_info info;

    solve_exactly(&t, exact, residual);
    for (int sketch = 0; sketch < PLAIN_SKETCHES; sketch++) {
        nrm_linf_regression_options o = with(sketch, 64);
        double before = 0;
        for (o.refine = 0; o.refine <= 60; o.refine = o.refine ? 10 * o.refine : 6) {
            assert_ok(ctx, nrm_set_threads(ctx, 1));
            const nrm_linf_regression_results r = {.x = x, .error_bars = bars, .standard_errors = se};
            const nrm_status st = solve_problem(ctx, &t, (nrm_linf_regression_problem){0}, r, &info, &o);
            const double error = largest_difference(D * Q, x, exact);
            assert_int_equal(st, o.refine == 6 ? NRM_NOT_CONVERGED : NRM_OK);
            for (int i = 0; o.refine > 0 && i < D * Q; i++) assert_true(fabs(x[i] - exact[i]) <= bars[i] && isnan(se[i]));
            assert_true(info.error >= error);
            if (o.refine == 6) assert_true(error < before / 20 && info.steps == 6 && info.passes == 1 + 1 + 6 + 1);
            if (o.refine == 6) assert_near(info.gradient / gradient_of(&t, x, 0), 1, 3);
            before = error;
        }
        assert_true(before < 1e-12 && info.gradient <= 1e-12 && info.steps < 45);
        assert_true(gradient_of(&t, x, 0) < 1e-12 && gradient_of(&t, x, 1) < 1e-12);
        assert_near(info.residual, fmax(residual[0], residual[1]), 1e-12);
        o.refine = 60;
        assert_ok(ctx, nrm_set_threads(ctx, 2));
        assert_ok(ctx, solve(ctx, &t, again, NULL, &o));
        assert_memory_equal(x, again, sizeof x);
    }
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* Condition 1e8: refinement ends where Householder's QR of all rows does. */
static void test_ill_conditioned(void **state)
{
    (void)state;
    enum { N = 1500, D = 6 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(N, D, 1, 1e-3, 43);
    nrm_linf_regression_options o = with(NRM_LINF_SRHT, 48);
    nrm_linf_regression_info info;
    double x[D], exact[D];

    for (int i = 0; i < N; i++) {
        const double third = t.a[i * D + 1] + 1e-8 * t.a[i * D + 3];
        t.b[i] += third - t.a[i * D + 3];
        t.a[i * D + 3] = third;
    }
    o.rows = N;
    assert_ok(ctx, solve(ctx, &t, exact, &info, &o));
    assert_true(info.exact && info.condition > 1e7 && info.condition < 1e10);
    o.rows = 48, o.refine = 100, o.tolerance = 1e-13;
    const nrm_status st = solve(ctx, &t, x, &info, &o);
    assert_true(st == NRM_OK && info.gradient < 2e-9 && info.steps < 50);
    for (int j = 0; j < D; j++) assert_true(fabs(x[j] - exact[j]) < 1e-4 * fabs(exact[3])); /* of some 1e3 */
    /* The exact solution refined: little is left to do. */
    o.rows = N, o.tolerance = 1e-11;
    assert_ok(ctx, solve(ctx, &t, x, &info, &o));
    assert_true(info.exact && info.steps <= 2 && info.gradient < 2e-9);
    /* Consistent equations: what is left of b is rounding, and no direction can be told from it. */
    table u = table_random(N, D, 1, 0, 44);
    o = with(NRM_LINF_SRHT, 48), o.refine = 50;
    assert_ok(ctx, solve(ctx, &u, x, &info, &o));
    assert_true(info.gradient == 0 && info.steps == 0);
    for (int j = 0; j < D; j++) assert_near(x[j], 1, 1e-12);
    table_free(&t), table_free(&u);
    nrm_ctx_destroy(ctx);
}

typedef struct stopper { int left; } stopper;

static int stop_refining(void *user, const nrm_progress *progress)
{
    stopper *s = user;
    return strcmp(progress->task, "refine") == 0 && s->left-- <= 0;
}

/* Stopped by one report after the other until a step has been taken. */
static void test_stopped(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(20000, 20, 1, 1, 45);
    nrm_linf_regression_options o = with(NRM_LINF_SRHT, 60);
    nrm_linf_regression_info info;
    double x[20], exact[20];
    stopper s = {0};
    nrm_status st = NRM_OK;

    o.refine = 1000000, o.tolerance = 0;
    solve_exactly(&t, exact, NULL);
    for (int reports = 1; reports < 100 && st != NRM_PARTIAL; reports++) {
        s.left = reports;
        assert_ok(ctx, nrm_set_progress(ctx, stop_refining, &s));
        st = solve(ctx, &t, x, &info, &o);
        nrm_cancel_clear(ctx);
        assert_true(st == NRM_PARTIAL || st == NRM_E_CANCELLED);
    }
    assert_int_equal(st, NRM_PARTIAL);
    assert_message(ctx, "stopped on request after");
    assert_true(info.steps > 0 && largest_difference(20, x, exact) <= info.error);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* ---- Scaling and medians ----------------------------------------------------------------------------- */

static void test_equilibrate(void **state)
{
    (void)state;
    enum { D = 4 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(500, D, 1, 1, 51);
    const double scale[D] = {1, 1024, 0x1p-20, 8};
    nrm_linf_regression_options o = with(NRM_LINF_SRHT, 64);
    double plain[D], x[D], bounds[D], even[D];
    nrm_linf_regression_info info, scaled;

    for (int i = 0; i < 500; i++)
        for (int j = 0; j < D; j++) t.a[i * D + j] *= scale[j];
    assert_ok(ctx, solve_problem(ctx, &t, (nrm_linf_regression_problem){0}, (nrm_linf_regression_results){.x = plain, .bounds = even}, &info, &o));
    o.equilibrate = true;
    assert_ok(ctx, solve_problem(ctx, &t, (nrm_linf_regression_problem){0}, (nrm_linf_regression_results){.x = x, .bounds = bounds}, &scaled, &o));
    assert_memory_equal(x, plain, sizeof x);
    assert_true(info.condition > 1e8 && scaled.condition < 10);
    for (int j = 0; j < D; j++) {
        assert_true(even[j] == info.bound);
        assert_near(bounds[j] * scale[j] / (bounds[0] * scale[0]), 1, 1); /* lengths agree up to 2 */
        assert_true(fabs(x[j] - 1 / scale[j]) < bounds[j]);
    }
    assert_true(bounds[1] < even[1] / 1e6 && scaled.bound == bounds[2]);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* Medians of replicas, each solved by its matrix written out. */
static void test_repetitions(void **state)
{
    (void)state;
    enum { N = 80, D = 3, M = 16 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    table t = table_random(N, D, 1, 1, 52);
    double unit[N * N] = {0}, s[M * N], each[4][D], se[4][D], x[D], middle[D];

    for (int i = 0; i < N; i++) unit[i * N + i] = 1;
    for (int sketch = 0; sketch < PLAIN_SKETCHES; sketch++) {
        for (uint64_t k = 0; k < 4; k++) {
            const nrm_sketch_plan plan = {.kind = (nrm_sketch_kind)sketch, .stream = k, .m = M, .n = N, .nonzeros = 8};
            const nrm_linf_regression_problem p = {.s = s, .s_rows = M, .s_columns = N, .lds = N};
            const nrm_linf_regression_options o = with(NRM_LINF_USER, 0);
            assert_ok(ctx, nrm_sketch(ctx, "t", &plan, N, unit, N, s, N));
            assert_ok(ctx, solve_problem(ctx, &t, p, (nrm_linf_regression_results){.x = each[k], .standard_errors = se[k]}, NULL, &o));
        }
        for (int count = 3; count <= 4; count++) {
            nrm_linf_regression_options o = with(sketch, M);
            o.repetitions = count;
            assert_ok(ctx, solve_problem(ctx, &t, (nrm_linf_regression_problem){0}, (nrm_linf_regression_results){.x = x, .standard_errors = middle}, NULL, &o));
            for (int j = 0; j < D; j++) { /* below and above as many */
                int below = 0, above = 0;
                for (int k = 0; k < count; k++) below += each[k][j] < x[j] - 1e-9, above += each[k][j] > x[j] + 1e-9;
                assert_true(below == count / 2 && above == count / 2);
                for (int k = below = above = 0; k < count; k++) below += se[k][j] < middle[j] - 1e-9, above += se[k][j] > middle[j] + 1e-9;
                assert_true(below == count / 2 && above == count / 2);
            }
        }
    }
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* ---- Kronecker factors --------------------------------------------------------------------------------- */

typedef struct kronecker { table one, two, three, all; nrm_linf_regression_problem p; } kronecker;

static kronecker make_kronecker(void)
{
    kronecker k = {.one = table_random(7, 2, 1, 1, 61), .two = table_random(5, 3, 1, 1, 62), .three = table_random(4, 1, 1, 1, 63)};
    k.all = table_make(140, 6, 1);
    for (int64_t i = 0; i < 140; i++) {
        const int64_t r1 = i / 20, r2 = i / 4 % 5, r3 = i % 4;
        for (int c = 0; c < 6; c++) k.all.a[i * 6 + c] = k.one.a[r1 * 2 + c / 3] * k.two.a[r2 * 3 + c % 3] * k.three.a[r3];
        k.all.b[i] = k.one.b[r1] * k.two.b[r2] * k.three.b[r3];
    }
    k.p.factors = 3;
    const table *each[3] = {&k.one, &k.two, &k.three};
    for (int f = 0; f < 3; f++) {
        k.p.a_factors[f] = (nrm_linf_regression_factor){each[f]->a, each[f]->n, each[f]->d, each[f]->d};
        k.p.b_factors[f] = (nrm_linf_regression_factor){each[f]->b, each[f]->n, 1, 1};
    }
    return k;
}

static void free_kronecker(kronecker *k) { table_free(&k->one), table_free(&k->two), table_free(&k->three), table_free(&k->all); }

static nrm_status solve_factors(nrm_ctx *ctx, const kronecker *k, bool of_b, nrm_linf_regression_results r,
                                nrm_linf_regression_info *info, const nrm_linf_regression_options *o)
{
    nrm_linf_regression_problem p = k->p;
    p.size = sizeof p;
    r.size = sizeof r;
    if (!of_b) {
        memset(p.b_factors, 0, sizeof p.b_factors);
        p.b = rows_of(ctx, 140, 1, k->all.b);
    }
    const nrm_status st = of_b || p.b ? nrm_linf_regression(ctx, &p, &r, info, o) : NRM_E_NOMEM;
    nrm_rows_close(ctx, p.b);
    return st;
}

static void test_factors(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kronecker k = make_kronecker();
    double exact[6], x[6], s[50 * 6];
    nrm_linf_regression_info info;

    solve_exactly(&k.all, exact, NULL);
    for (int sketch = NRM_LINF_TENSOR_SRHT; sketch <= NRM_LINF_TENSOR_SRCT; sketch++)
        for (int of_b = 0; of_b < 2; of_b++) {
            nrm_linf_regression_options o = with(sketch, 50);
            const nrm_tensor_plan plan = {.kind = sketch == NRM_LINF_TENSOR_SRHT ? NRM_SKETCH_SRHT : NRM_SKETCH_SRCT, .m = 50,
                                          .factors = 3, .n = {7, 5, 4}};
            nrm_array sa;
            o.repetitions = 1;
            assert_ok(ctx, solve_factors(ctx, &k, of_b, (nrm_linf_regression_results){.x = x, .sa = &sa}, &info, &o));
            assert_ok(ctx, nrm_tensor_sketch_array(ctx, "t", &plan, 6, k.all.a, 6, s, 6));
            assert_all_near(sa.data, s, 50 * 6, 1e-12);
            nrm_array_destroy(ctx, &sa);
            assert_true(info.total_rows == 140 && info.rows == 50 && !info.exact && strcmp(info.guarantee, "observed") == 0);
            if (sketch == NRM_LINF_TENSOR_SRHT) assert_true(largest_difference(6, x, exact) < info.error);
            o.repetitions = 3, o.refine = 100;
            assert_ok(ctx, solve_factors(ctx, &k, of_b, (nrm_linf_regression_results){.x = x}, &info, &o));
            assert_all_near(x, exact, 6, 1e-11);
            o = with(sketch, 140);
            assert_ok(ctx, solve_factors(ctx, &k, of_b, (nrm_linf_regression_results){.x = x}, &info, &o));
            assert_all_near(x, exact, 6, 1e-12);
            assert_true(info.exact);
        }
    for (int sketch = 0; sketch < PLAIN_SKETCHES; sketch++) { /* the others read the rows they stand for */
        double y[6];
        const nrm_linf_regression_options o = with(sketch, 32);
        assert_ok(ctx, solve_factors(ctx, &k, true, (nrm_linf_regression_results){.x = x}, NULL, &o));
        assert_ok(ctx, solve(ctx, &k.all, y, NULL, &o));
        assert_all_near(x, y, 6, 1e-11);
    }
    free_kronecker(&k);
    nrm_ctx_destroy(ctx);
}

static void test_factors_refused(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    kronecker k = make_kronecker();
    double x[6];
    const nrm_linf_regression_results r = {.x = x};
    const nrm_linf_regression_options o = with(NRM_LINF_TENSOR_SRHT, 50);

    assert_status(ctx, solve(ctx, &k.all, x, NULL, &o), NRM_E_ARGUMENT);
    assert_message(ctx, "a tensor sketch wants the Kronecker factors of a");
    k.two.a[7] = NAN;
    assert_status(ctx, solve_factors(ctx, &k, true, r, NULL, &o), NRM_E_NONFINITE);
    assert_message(ctx, "a2 is nan at row 2, column 1");
    k.two.a[7] = 1, k.all.b[130] = NAN;
    assert_status(ctx, solve_factors(ctx, &k, false, r, NULL, &o), NRM_E_NONFINITE);
    assert_message(ctx, "b is nan at row 130, column 0");
    k.p.b_factors[1].rows = 4;
    assert_status(ctx, solve_factors(ctx, &k, true, r, NULL, &o), NRM_E_SHAPE);
    assert_message(ctx, "factor 2 of b has 4 rows and that of a 5");
    k.p.b_factors[1].rows = 5;
    k.p.a_factors[2].values = NULL;
    assert_status(ctx, solve_factors(ctx, &k, true, r, NULL, &o), NRM_E_NULL);
    k.p.a_factors[2].values = k.three.a, k.p.factors = 4;
    assert_status(ctx, solve_factors(ctx, &k, true, r, NULL, &o), NRM_E_RANGE);
    free_kronecker(&k);
    nrm_ctx_destroy(ctx);
}

typedef struct factors_at { const kronecker *k; int of_b; double *x; } factors_at;

static nrm_status attempt_factors(nrm_ctx *ctx, void *user)
{
    const factors_at *at = user;
    const nrm_linf_regression_options o = with(NRM_LINF_TENSOR_SRHT, 50);
    return solve_factors(ctx, at->k, at->of_b, (nrm_linf_regression_results){.x = at->x}, NULL, &o);
}

static void test_factors_without_memory(void **state)
{
    (void)state;
    kronecker k = make_kronecker();
    double x[6] = {0};
    for (int of_b = 0; of_b < 2; of_b++) nrm_test_allocation_failures(attempt_factors, &(factors_at){&k, of_b, x}, x, sizeof x);
    free_kronecker(&k);
}

/* By name: f32 is computed in f64, a2 makes a the first factor, and what does not belong together is
 * refused. */
static nrm_status call(nrm_ctx *ctx, nrm_dtype dtype, void *a, void *b, double *a2, double *b2, const char *sketch, double *x)
{
    const int64_t of_a[2] = {6, 2}, of_b[2] = {a2 && !b2 ? 12 : 6, 1}, of_a2[2] = {2, 1};
    nrm_call *c;
    assert_ok(ctx, nrm_call_create(ctx, "linf-regression", &c));
    assert_ok(ctx, nrm_call_input(c, "a", dtype, 2, of_a, a));
    assert_ok(ctx, nrm_call_input(c, "b", dtype, 1, of_b, b));
    if (a2) assert_ok(ctx, nrm_call_input(c, "a2", NRM_F64, 2, of_a2, a2));
    if (b2) assert_ok(ctx, nrm_call_input(c, "b2", NRM_F64, 1, of_a2, b2));
    assert_ok(ctx, nrm_call_set(c, "sketch", sketch));
    assert_ok(ctx, nrm_call_set(c, "rows", "4"));
    const nrm_status st = nrm_call_run(c);
    if (st >= 0) memcpy(x, nrm_call_output(c, "x")->array.data, 2 * sizeof *x);
    nrm_call_destroy(c);
    return st;
}

static void test_calls(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[12], b[12], x[2], y[2], two[2] = {1, 2};
    float single[12], of_b[12];
    uint64_t seed = 71;

    for (int i = 0; i < 12; i++) a[i] = (double)(single[i] = (float)nrm_test_normal(&seed));
    for (int i = 0; i < 12; i++) b[i] = (double)(of_b[i] = (float)nrm_test_normal(&seed));
    assert_ok(ctx, call(ctx, NRM_F64, a, b, NULL, NULL, "srht", x));
    assert_ok(ctx, call(ctx, NRM_F32, single, of_b, NULL, NULL, "srht", y));
    assert_memory_equal(x, y, sizeof x);
    assert_ok(ctx, call(ctx, NRM_F64, a, b, two, two, "tensor-srht", x)); /* a (x) [1 2]', b (x) [1 2]' */
    assert_ok(ctx, call(ctx, NRM_F64, a, b, two, NULL, "tensor-srht", y));
    assert_status(ctx, call(ctx, NRM_F64, a, b, NULL, two, "tensor-srht", y), NRM_E_ARGUMENT);
    assert_message(ctx, "factor 2 of a or b is given without the others that belong to it");
    assert_status(ctx, call(ctx, NRM_F64, a, b, NULL, NULL, "tensor-srht", y), NRM_E_ARGUMENT);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_calls), cmocka_unit_test(test_refine), cmocka_unit_test(test_ill_conditioned), cmocka_unit_test(test_stopped),
              cmocka_unit_test(test_equilibrate), cmocka_unit_test(test_repetitions), cmocka_unit_test(test_factors),
              cmocka_unit_test(test_factors_refused), cmocka_unit_test(test_factors_without_memory))
