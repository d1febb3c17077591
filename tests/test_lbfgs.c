/* test_lbfgs.c -- L-BFGS on functions whose minima are known, and where it must give up. */
#include "testkit.h"
#include "linalg/lbfgs.h"

/* ---- Functions -------------------------------------------------------------------------------- */

typedef struct counted {
    int64_t n, calls, fail_at;
} counted;

static nrm_status rosenbrock(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    (void)ctx;
    counted *c = user;
    *value = 0;
    c->calls++;
    for (int64_t i = 0; i < c->n; i++) g[i] = 0;
    for (int64_t i = 0; i + 1 < c->n; i++) {
        const double p = x[i + 1] - x[i] * x[i], q = 1 - x[i];
        *value += 100 * p * p + q * q;
        g[i] += -400 * p * x[i] - 2 * q;
        g[i + 1] += 200 * p;
    }
    return NRM_OK;
}

/* sum d_i (x_i - 1)^2 / 2 with d from 1 to 1e4. */
static double weight(int64_t i, int64_t n) { return pow(1e4, (double)i / (double)(n - 1)); }
static nrm_status quadratic(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    (void)ctx;
    counted *c = user;
    *value = 0;
    c->calls++;
    for (int64_t i = 0; i < c->n; i++) {
        const double d = weight(i, c->n);
        *value += 0.5 * d * (x[i] - 1) * (x[i] - 1);
        g[i] = d * (x[i] - 1);
    }
    return NRM_OK;
}

/* -sum log(1 - x_i^2) + x_i: infinite outside the box, so long steps meet a wall. */
static nrm_status barrier(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    (void)ctx;
    counted *c = user;
    *value = 0;
    for (int64_t i = 0; i < c->n; i++) {
        const double room = 1 - x[i] * x[i];
        *value += room > 0 ? x[i] - log(room) : INFINITY;
        g[i] = 1 + 2 * x[i] / room;
    }
    return NRM_OK;
}

static nrm_status kink(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    (void)ctx;
    (void)user;
    *value = fabs(x[0]) + 3 * fabs(x[1] - 0.5);
    g[0] = x[0] >= 0 ? 1 : -1;
    g[1] = x[1] >= 0.5 ? 3 : -3;
    return NRM_OK;
}

static nrm_status unbounded(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    (void)ctx;
    (void)user;
    *value = -x[0];
    g[0] = -1;
    return NRM_OK;
}

static nrm_status failing(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    counted *c = user;
    if (c->calls >= c->fail_at) return NRM_E_INTERNAL;
    return rosenbrock(ctx, user, x, value, g);
}

static nrm_status not_a_number(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    (void)ctx;
    (void)user;
    *value = (double)NAN;
    g[0] = x[0];
    return NRM_OK;
}

/* ---- Tests -------------------------------------------------------------------------------------- */

static void finds_minima(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lbfgs_options o = nrm_lbfgs_options_default();
    nrm_lbfgs_result r;
    o.tol = 1e-9;
    for (int64_t n = 2; n <= 30; n += 7) {
        for (int64_t memory = 1; memory <= 20; memory += 19) {
            counted c = {.n = n};
            double x[30];
            o.memory = memory;
            o.max_iter = 20000;
            for (int64_t i = 0; i < n; i++) x[i] = i % 2 ? 1 : -1.2;
            assert_ok(ctx, nrm_lbfgs(ctx, "test", n, rosenbrock, &c, x, &o, &r));
            assert_int_equal(r.end, NRM_LBFGS_CONVERGED);
            assert_int_equal(r.evaluations, c.calls);
            assert_true(r.residual <= 1e-9);
            if (n == 2) assert_true(r.iterations < 200 || memory == 1);
            double g[30], value;
            assert_ok(ctx, rosenbrock(ctx, &c, x, &value, g)); /* the report is true of x */
            assert_true(value == r.value);
        }
    }
    counted c = {.n = 50};
    double x[50] = {0};
    o.memory = 10;
    assert_ok(ctx, nrm_lbfgs(ctx, "test", 50, quadratic, &c, x, &o, &r));
    assert_int_equal(r.end, NRM_LBFGS_CONVERGED);
    assert_true(r.iterations < 1500); /* SciPy's L-BFGS-B needs 1066 to 1e-8 */
    for (int i = 0; i < 50; i++) assert_near(x[i], 1, 1e-9);
    nrm_ctx_destroy(ctx);
}

/* The first step may be absurd: bracketing brings it back, walls of infinity included. */
static void any_first_step(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lbfgs_options o = nrm_lbfgs_options_default();
    nrm_lbfgs_result r;
    counted c = {.n = 4};
    o.tol = 1e-8;
    for (double step = 1e-8; step < 1e9; step *= 1e4) {
        double x[4] = {0.3, -0.2, 0, 0.9};
        o.first_step = step;
        assert_ok(ctx, nrm_lbfgs(ctx, "test", 4, barrier, &c, x, &o, &r));
        assert_int_equal(r.end, NRM_LBFGS_CONVERGED);
        for (int i = 0; i < 4; i++) assert_near(x[i], 1 - sqrt(2), 1e-8); /* 1 + 2x/(1-x^2) = 0 */
    }
    nrm_ctx_destroy(ctx);
}

static void ends_at_its_limits(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lbfgs_options o = nrm_lbfgs_options_default();
    nrm_lbfgs_result r;
    counted c = {.n = 2};
    double x[2] = {-1.2, 1}, kept[2] = {-1.2, 1};

    o.max_iter = 3;
    assert_ok(ctx, nrm_lbfgs(ctx, "test", 2, rosenbrock, &c, x, &o, &r));
    assert_int_equal(r.end, NRM_LBFGS_MAX_ITER);
    assert_int_equal(r.iterations, 3);
    assert_true(r.value < 24.2); /* where it began */

    double y[2] = {0.3, 0.1};
    o.max_iter = 500;
    assert_ok(ctx, nrm_lbfgs(ctx, "test", 2, kink, NULL, y, &o, &r));
    assert_true(r.end == NRM_LBFGS_STALLED || r.end == NRM_LBFGS_MAX_ITER);
    assert_true(r.armijo_only > 0);
    assert_true(r.value < 0.3 + 1.2);

    double z[1] = {0};
    o.max_iter = 5;
    assert_ok(ctx, nrm_lbfgs(ctx, "test", 1, unbounded, NULL, z, &o, &r));
    assert_true(r.end != NRM_LBFGS_CONVERGED && r.value < -1e6);

    memcpy(x, kept, sizeof x);
    o.max_iter = 500;
    c = (counted){.n = 2, .fail_at = 7};
    assert_status(ctx, nrm_lbfgs(ctx, "test", 2, failing, &c, x, &o, &r), NRM_E_INTERNAL);
    assert_memory_equal(x, kept, sizeof x); /* untouched */
    assert_status(ctx, nrm_lbfgs(ctx, "test", 1, not_a_number, NULL, z, &o, &r), NRM_E_NONFINITE);
    assert_message(ctx, "not finite");

    nrm_cancel(ctx);
    assert_ok(ctx, nrm_lbfgs(ctx, "test", 2, rosenbrock, &c, x, &o, &r));
    assert_int_equal(r.end, NRM_LBFGS_CANCELLED);
    nrm_ctx_destroy(ctx);
}

static bool after_two(void *user, const double *x, const nrm_lbfgs_result *r)
{
    (void)user;
    (void)x;
    return r->iterations >= 2;
}

static void stops_when_told(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lbfgs_options o = nrm_lbfgs_options_default();
    nrm_lbfgs_result r;
    counted c = {.n = 2};
    double x[2] = {-1.2, 1};
    o.stop = after_two;
    assert_ok(ctx, nrm_lbfgs(ctx, "test", 2, rosenbrock, &c, x, &o, &r));
    assert_int_equal(r.end, NRM_LBFGS_STOPPED);
    assert_int_equal(r.iterations, 2);
    nrm_ctx_destroy(ctx);
}

/* A pair without curvature is not kept, and takes its place from the oldest: with memory 1
 * the next direction is that of steepest descent.  The answers are a script. */
typedef struct script {
    int call;
    double x[2]; /* of the fourth call */
} script;
static nrm_status scripted(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    static const double gradient[][2] = {{-1, 0}, {-0.5, 0}, {-0.25, 1e20}};
    script *s = user;
    (void)ctx;
    if (s->call == 3) {
        memcpy(s->x, x, sizeof s->x);
        return NRM_E_INTERNAL;
    }
    *value = -s->call;
    memcpy(g, gradient[s->call++], sizeof gradient[0]);
    return NRM_OK;
}

static void forgets_a_pair_without_curvature(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lbfgs_options o = nrm_lbfgs_options_default();
    nrm_lbfgs_result r;
    script s = {0};
    double x[2] = {0, 0};
    o.memory = 1;
    assert_int_equal(nrm_lbfgs(ctx, "test", 2, scripted, &s, x, &o, &r), NRM_E_INTERNAL);
    assert_int_equal(s.call, 3);
    assert_near(s.x[0], 2, 1e-12); /* from (2, 0), a step of length 1 along -g */
    assert_near(s.x[1], -1, 1e-12);
    nrm_ctx_destroy(ctx);
}

/* On a function that refuses every step the search takes forty trials: a request to stop is
 * seen after the one that made it. */
static nrm_status rising(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    int *calls = user;
    *value = *calls;
    g[0] = -1;
    (void)x;
    if (++*calls == 5) nrm_cancel(ctx);
    return NRM_OK;
}

static void cancelled_inside_a_search(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lbfgs_options o = nrm_lbfgs_options_default();
    nrm_lbfgs_result r;
    double x[1] = {3};
    int calls = 0;
    assert_ok(ctx, nrm_lbfgs(ctx, "test", 1, rising, &calls, x, &o, &r));
    assert_int_equal(r.end, NRM_LBFGS_CANCELLED);
    assert_int_equal(calls, 5);
    assert_true(x[0] == 3 && r.value == 0);
    nrm_ctx_destroy(ctx);
}

static double start[2];
static nrm_status body(nrm_ctx *ctx, void *user)
{
    nrm_lbfgs_options o = nrm_lbfgs_options_default();
    nrm_lbfgs_result r;
    start[0] = -1.2, start[1] = 1;
    return nrm_lbfgs(ctx, "test", 2, rosenbrock, user, start, &o, &r);
}

static void survives_no_memory(void **state)
{
    (void)state;
    counted c = {.n = 2};
    nrm_test_allocation_failures(body, &c, NULL, 0);
    nrm_lbfgs_options o = nrm_lbfgs_options_default();
    nrm_lbfgs_result r;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_status(ctx, nrm_lbfgs(ctx, "test", INT64_MAX / 4, rosenbrock, &c, start, &o, &r), NRM_E_OVERFLOW);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(finds_minima), cmocka_unit_test(any_first_step), cmocka_unit_test(ends_at_its_limits),
              cmocka_unit_test(stops_when_told), cmocka_unit_test(forgets_a_pair_without_curvature),
              cmocka_unit_test(cancelled_inside_a_search), cmocka_unit_test(survives_no_memory))
