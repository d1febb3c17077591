/* test_bundle.c -- the proximal bundle on functions with kinks whose minima are known, and
 * the proof that it returns. */
#include "testkit.h"
#include "linalg/bundle.h"

/* ---- Functions ------------------------------------------------------------------------------------ */

/* max_i (q_i'x + |x - c|^2 w / 2) over `pieces` random planes. */
typedef struct planes {
    int64_t n, pieces, calls;
    double curvature;
    const double *q; /* pieces x n */
} planes;

static nrm_status highest(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    (void)ctx;
    planes *p = user;
    int64_t at = 0;
    double square = 0;
    *value = -INFINITY;
    p->calls++;
    for (int64_t i = 0; i < p->pieces; i++) {
        double sum = 0;
        for (int64_t k = 0; k < p->n; k++) sum += p->q[i * p->n + k] * x[k];
        if (sum > *value) { *value = sum; at = i; }
    }
    for (int64_t k = 0; k < p->n; k++) {
        square += x[k] * x[k];
        g[k] = p->q[at * p->n + k] + p->curvature * x[k];
    }
    *value += 0.5 * p->curvature * square;
    return NRM_OK;
}

/* Lemarechal's MAXQUAD (n = 10, five pieces): f* = -0.8414083345964 (from x = 1). */
static nrm_status maxquad(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    (void)ctx;
    (void)user;
    *value = -INFINITY;
    for (int l = 1; l <= 5; l++) {
        double a[10][10], b[10], f = 0, trial[10];
        for (int i = 1; i <= 10; i++) {
            b[i - 1] = exp((double)i / l) * sin((double)(i * l));
            double row = 0;
            for (int j = 1; j <= 10; j++) {
                const int low = i < j ? i : j, high = i < j ? j : i;
                a[i - 1][j - 1] = i == j ? 0 : exp((double)low / high) * cos((double)(i * j)) * sin((double)l);
                row += fabs(a[i - 1][j - 1]);
            }
            a[i - 1][i - 1] = i * fabs(sin((double)l)) / 10 + row;
        }
        for (int i = 0; i < 10; i++) {
            double sum = 0;
            for (int j = 0; j < 10; j++) sum += a[i][j] * x[j];
            f += x[i] * sum - b[i] * x[i];
            trial[i] = 2 * sum - b[i];
        }
        if (f > *value) {
            *value = f;
            memcpy(g, trial, sizeof trial);
        }
    }
    return NRM_OK;
}

/* |x_0| + 100 |x_1 - x_0|, a steep valley. */
static nrm_status valley(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    (void)ctx;
    (void)user;
    const double s = x[1] - x[0] >= 0 ? 100 : -100;
    *value = fabs(x[0]) + fabs(100 * (x[1] - x[0]));
    g[0] = (x[0] >= 0 ? 1 : -1) - s;
    g[1] = s;
    return NRM_OK;
}

/* ---- The quadratic programme ------------------------------------------------------------------------- */

static void weights_are_optimal(void **state)
{
    (void)state;
    uint64_t seed = 5;
    enum { MOST = 40, DIM = 12 };
    static double cut[MOST][DIM], gram[MOST * MOST], work[MOST * (MOST + 2)];
    for (int64_t count = 1; count <= MOST; count += 3) {
        double error[MOST], lambda[MOST] = {0};
        int64_t member[MOST];
        const double u = 0.1 + 5 * nrm_test_uniform(&seed);
        for (int64_t i = 0; i < count; i++) {
            error[i] = i == 0 ? 0 : 0.3 * nrm_test_uniform(&seed);
            for (int k = 0; k < DIM; k++) cut[i][k] = nrm_test_normal(&seed) + 0.3;
            if (i % 7 == 3) memcpy(cut[i], cut[i - 1], sizeof cut[i]); /* doubles: a singular matrix */
        }
        for (int64_t i = 0; i < count; i++)
            for (int64_t j = 0; j < count; j++) {
                gram[i * MOST + j] = 0;
                for (int k = 0; k < DIM; k++) gram[i * MOST + j] += cut[i][k] * cut[j][k];
            }
        lambda[count / 2] = 1;
        nrm_bundle_weights(count, gram, MOST, error, u, lambda, work, member);
        double sum = 0, level = 0, least = INFINITY;
        for (int64_t i = 0; i < count; i++) {
            double price = error[i];
            for (int64_t j = 0; j < count; j++) price += gram[i * MOST + j] * lambda[j] / u;
            assert_true(lambda[i] >= 0);
            sum += lambda[i];
            level += lambda[i] * price;
            least = fmin(least, price);
        }
        assert_near(sum, 1, 1e-14);
        assert_near(level, least, 1e-10); /* no cut outside would lower it: Karush, Kuhn, Tucker */
    }
}

/* ---- Minima --------------------------------------------------------------------------------------------- */

static void finds_minima(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_proximal_bundle_options o = nrm_proximal_bundle_options_default();
    nrm_proximal_bundle_result r;
    double x[10];

    for (int i = 0; i < 10; i++) x[i] = 1;
    o.tol = 1e-10, o.residual_tol = 1e-4, o.max_iter = 2000;
    assert_ok(ctx, nrm_proximal_bundle(ctx, "test", 10, maxquad, NULL, x, &o, &r));
    assert_int_equal(r.end, NRM_PROXIMAL_BUNDLE_CONVERGED);
    assert_near(r.value, -0.8414083345964, 1e-8);

    double v[2] = {3, -7};
    assert_ok(ctx, nrm_proximal_bundle(ctx, "test", 2, valley, NULL, v, &o, &r));
    assert_int_equal(r.end, NRM_PROXIMAL_BUNDLE_STALLED); /* |g|^2 is 2e4: 1e-10 is below the rounding of (QP) */
    assert_true(r.iterations < 100);
    assert_near(r.value, 0, 1e-8);
    nrm_ctx_destroy(ctx);
}

/* The returned ghat and ehat bound f from below; few cuts force merging all the way. */
typedef struct averaged {
    planes p; /* first: highest() is called with this */
    double point[8]; /* average of the points of the cuts */
    double total;
    int64_t told;
} averaged;

static nrm_status average(nrm_ctx *ctx, void *user, double carried, int64_t count, const double *lambda,
                          const double *points)
{
    (void)ctx;
    averaged *a = user;
    double sum = carried;
    if (a->told == 0) assert_true(carried == 0);
    for (int64_t k = 0; k < a->p.n; k++) a->point[k] *= carried;
    for (int64_t i = 0; i < count; i++) {
        sum += lambda[i];
        for (int64_t k = 0; k < a->p.n; k++) a->point[k] += lambda[i] * points[i * a->p.n + k];
    }
    assert_near(sum, 1, 1e-12);
    a->told++;
    return NRM_OK;
}

static void works_with_few_cuts(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 9;
    enum { N = 8, PIECES = 30 };
    double q[PIECES * N], reference = 0;
    for (int i = 0; i < PIECES * N; i++) q[i] = nrm_test_normal(&seed) + 1; /* the optimum is not 0 */

    for (int64_t cuts = 100; cuts > 0; cuts = cuts == 100 ? 20 : cuts == 20 ? 10 : 0) {
        averaged a = {.p = {.n = N, .pieces = PIECES, .curvature = 0.5, .q = q}};
        nrm_proximal_bundle_options o = nrm_proximal_bundle_options_default();
        nrm_proximal_bundle_result r;
        double x[N] = {0};
        o.cuts = cuts, o.keep = cuts / 2, o.max_iter = 20000;
        o.tol = 1e-9, o.residual_tol = 1e-5;
        o.average = average;
        assert_ok(ctx, nrm_proximal_bundle(ctx, "test", N, highest, &a, x, &o, &r));
        assert_int_equal(r.end, NRM_PROXIMAL_BUNDLE_CONVERGED);
        assert_true(r.residual <= 1e-5 && r.error >= 0);
        assert_int_equal(r.evaluations, a.p.calls);
        if (cuts == 100) reference = r.value;
        assert_near(r.value, reference, 1e-7);
        assert_true(cuts > 10 || a.told > 1); /* it did merge */
        /* The optimum: 0 = average of the active planes + curvature x; the average of the
         * points weighs the same gradients. */
        for (int k = 0; k < N; k++) assert_near(a.point[k], x[k], 1e-3);
    }
    nrm_ctx_destroy(ctx);
}

static nrm_status outside(nrm_ctx *ctx, void *user, const double *x, double *value, double *g)
{
    (void)ctx;
    (void)user;
    *value = x[0] < -0.5 ? (double)NAN : x[0];
    g[0] = 1;
    return NRM_OK;
}

static void ends_at_its_limits(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_proximal_bundle_options o = nrm_proximal_bundle_options_default();
    nrm_proximal_bundle_result r;
    double x[10] = {0}, y[1] = {0};

    o.max_iter = 3;
    assert_ok(ctx, nrm_proximal_bundle(ctx, "test", 10, maxquad, NULL, x, &o, &r));
    assert_int_equal(r.end, NRM_PROXIMAL_BUNDLE_MAX_ITER);
    assert_int_equal(r.iterations, 3);
    assert_status(ctx, nrm_proximal_bundle(ctx, "test", 1, outside, NULL, y, &o, &r), NRM_E_NONFINITE);
    assert_true(y[0] == 0);
    nrm_cancel(ctx);
    assert_ok(ctx, nrm_proximal_bundle(ctx, "test", 10, maxquad, NULL, x, &o, &r));
    assert_int_equal(r.end, NRM_PROXIMAL_BUNDLE_CANCELLED);
    nrm_ctx_destroy(ctx);
}

static nrm_status body(nrm_ctx *ctx, void *user)
{
    nrm_proximal_bundle_options o = nrm_proximal_bundle_options_default();
    nrm_proximal_bundle_result r;
    double x[10] = {0};
    (void)user;
    o.max_iter = 10;
    return nrm_proximal_bundle(ctx, "test", 10, maxquad, NULL, x, &o, &r);
}

static void survives_no_memory(void **state)
{
    (void)state;
    nrm_test_allocation_failures(body, NULL, NULL, 0);
    nrm_proximal_bundle_options o = nrm_proximal_bundle_options_default();
    nrm_proximal_bundle_result r;
    double x[1] = {0};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_status(ctx, nrm_proximal_bundle(ctx, "test", INT64_MAX / 4, maxquad, NULL, x, &o, &r), NRM_E_OVERFLOW);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(weights_are_optimal), cmocka_unit_test(finds_minima),
              cmocka_unit_test(works_with_few_cuts), cmocka_unit_test(ends_at_its_limits),
              cmocka_unit_test(survives_no_memory))
