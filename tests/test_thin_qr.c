/* test_thin_qr.c -- thin QR of tall matrices: Q'Q = I, A = QR, R as Householder's, whatever the
 * condition; threads. */
#include "linalg/linalg.h"
#include "linalg/thin_qr.h"
#include "testkit.h"

/* cond: columns from 1 to 1 / cond apart from a common direction. */
static void check(int64_t m, int64_t n, double cond)
{
    const size_t bytes = (size_t)(m * n) * sizeof(double), square = (size_t)(n * n) * sizeof(double);
    double *a = malloc(bytes), *q = malloc(bytes), *again = malloc(bytes), *r = malloc(square), *other = malloc(square), *g = malloc(square);
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = (uint64_t)(m + n);

    assert_true(a && q && again && r && other && g);
    for (int64_t i = 0; i < m; i++) {
        const double common = nrm_test_normal(&seed);
        for (int64_t j = 0; j < n; j++) a[i * n + j] = (common + nrm_test_normal(&seed) / cond) * pow(10, (double)(j % 7) - 3);
    }
    memcpy(q, a, bytes);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, nrm_thin_qr(ctx, "test", m, n, q, r));
    assert_ok(ctx, nrm_gemm(ctx, "test", 't', 'n', n, n, m, 1, q, n, q, n, 0, g, n));
    for (int64_t i = 0; i < n * n; i++) assert_near(g[i], i % (n + 1) == 0, 1e-13);
    for (int64_t i = 0; i < n; i++) {
        assert_true(r[i * (n + 1)] > 0);
        for (int64_t j = 0; j < i; j++) assert_true(r[i * n + j] == 0);
    }
    memcpy(again, a, bytes);
    assert_ok(ctx, nrm_gemm(ctx, "test", 'n', 'n', m, n, n, -1, q, n, r, n, 1, again, n)); /* A - QR */
    for (int64_t i = 0; i < m * n; i++) assert_near(again[i] / pow(10, (double)(i % n % 7) - 3), 0, 1e-12);
    memcpy(again, a, bytes);
    assert_ok(ctx, nrm_set_threads(ctx, 3));
    assert_ok(ctx, nrm_thin_qr(ctx, "test", m, n, again, other));
    assert_memory_equal(again, q, bytes);
    assert_memory_equal(other, r, square);
    memcpy(again, a, bytes);
    assert_ok(ctx, nrm_qr(ctx, "test", m, n, again, n, other));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++) assert_near(r[i * n + j] / other[j * (n + 1)], other[i * n + j] / other[j * (n + 1)], 1e-11 * cond);
    free(a), free(q), free(again), free(r), free(other), free(g);
    nrm_ctx_destroy(ctx);
}

static void test_factors(void **state)
{
    (void)state;
    check(3000, 7, 0.01), check(4001, 50, 1), check(2000, 9, 1e3), check(900, 1, 1); /* by Cholesky */
    check(3000, 7, 1e8), check(40, 30, 1), check(5, 5, 1), check(100, 8, 1);          /* by reflections */
}

/* Columns that depend on others show in R's diagonal; what is 0 is 0. */
static void test_dependent(void **state)
{
    (void)state;
    enum { M = 1000, N = 4 };
    static double a[M * N];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double r[N * N];
    uint64_t seed = 1;
    for (int i = 0; i < M; i++) {
        a[i * N] = nrm_test_normal(&seed), a[i * N + 1] = nrm_test_normal(&seed), a[i * N + 3] = 0;
        a[i * N + 2] = a[i * N] - 2 * a[i * N + 1];
    }
    assert_ok(ctx, nrm_thin_qr(ctx, "test", M, N, a, r));
    assert_true(fabs(r[10]) < 1e-12 && r[15] == 0 && r[0] > 20 && r[5] > 20);
    nrm_ctx_destroy(ctx);
}

static nrm_status attempt(nrm_ctx *ctx, void *user)
{
    double a[200], r[4];
    (void)user;
    for (int i = 0; i < 200; i++) a[i] = sin(i * i);
    return nrm_thin_qr(ctx, "test", 100, 2, a, r);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    nrm_test_allocation_failures(attempt, NULL, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_factors), cmocka_unit_test(test_dependent), cmocka_unit_test(test_allocation_failures))
