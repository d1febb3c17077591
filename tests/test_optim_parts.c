/* test_optim_parts.c -- kernels, clipping, L-BFGS. */
#include "base/base.h"
#include "kernel/optimizer_kernels.h"
#include "testkit.h"
#include <norma/optim.h>

/* ---- Kernels: every table gives the same bits, at every length and offset ------------------------- */

#define CHECK_KERNELS(TYPE, REAL)                                                                                       \
    static void check_##TYPE(const nrm_optimizer_kernels_##TYPE *a, const nrm_optimizer_kernels_##TYPE *b)              \
    {                                                                                                                   \
        enum { N = 139 };                                                                                               \
        const nrm_sgd_factors sgd = {0.9, 0.1, 0.9, 0.3, 0.7, 0.99, 0.02};                                                   \
        const nrm_adamw_factors adamw = {1.1, 0.9, 0.95, 1e-8, 3.1, 0.98, 0.01};                                             \
        const nrm_momentum_factors momentum = {0.7, 0.95, 0.05, 0.05, 0.95};                                                       \
        const nrm_lion_factors lion = {0.8, 0.9, 0.99, 0.98, 0.01};                                                     \
        double sums[2][N] = {{0}}, rates[N], powers[2][NRM_POWERS];                                                     \
        for (int i = 0; i < N; i++) rates[i] = 0.01 * i;                                                                \
        REAL x[2][5][N];                                                                                                \
        for (int n = 0; n < N; n++) {                                                                                   \
            uint64_t seed = 7;                                                                                          \
            for (int i = 0; i < 5 * N; i++)                                                                             \
                x[0][i / N][i % N] = x[1][i / N][i % N] =                                                               \
                    (REAL)(i / N == 2 ? nrm_test_uniform(&seed) : nrm_test_normal(&seed));                              \
            for (int t = 0; t < 2; t++) {                                                                               \
                const nrm_optimizer_kernels_##TYPE *k = t ? b : a;                                                      \
                const int64_t m = n - n / 3;                                                                            \
                k->sgd(m, &sgd, x[t][0], x[t][3]);                                                                      \
                k->sgd_momentum(m, &sgd, x[t][0], x[t][1] + n / 3, x[t][3]);                                            \
                k->adamw(m, &adamw, x[t][0], x[t][1], x[t][2] + n / 3, x[t][3]);                                        \
                k->lion(m, &lion, x[t][0], x[t][1] + n / 3, x[t][3]);                                                   \
                k->momentum(m, &momentum, x[t][0], x[t][1], x[t][4]);                                                   \
                k->descend(m, 0.9, 0.1, x[t][4], x[t][3]);                                                              \
                k->descend_cautious(m, 0.9, 0.1, x[t][4], x[t][3]);                                                     \
                k->momentum_powers(m, &momentum, 0.5, x[t][0], x[t][1], powers[t]);                                     \
                k->descend_momentum(m, &momentum, 0.9, 0.1, x[t][0], x[t][1], x[t][3]);                                 \
                k->descend_columns(m, 0.9, n % 2, rates, x[t][4], x[t][3]);                                             \
                k->add_squares(m, x[t][4], sums[t]);                                                                    \
                k->clamp(m, 0.25, x[t][4]);                                                                             \
                k->scale(m, 0.3, x[t][4]);                                                                              \
            }                                                                                                           \
            assert_memory_equal(x[0], x[1], sizeof x[0]);                                                               \
            assert_memory_equal(powers[0], powers[1], sizeof powers[0]);                                                \
            assert_memory_equal(sums[0], sums[1], sizeof sums[0]);                                                      \
            assert_true(a->square_sum(n, 0.5, x[0][0]) == b->square_sum(n, 0.5, x[0][0]));                              \
            double sum = 0;                                                                                             \
            for (int i = 0; i < n; i++) sum += 0.25 * (double)x[0][0][i] * (double)x[0][0][i];                          \
            assert_near(b->square_sum(n, 0.5, x[0][0]), sum, 1e-13);                                                    \
            assert_true(b->finite(n, x[0][0]));                                                                         \
            for (int i = 0; i < n; i++) {                                                                               \
                const REAL was = x[0][0][i];                                                                            \
                x[0][0][i] = i % 2 ? (REAL)NAN : (REAL)-INFINITY;                                                       \
                assert_false(b->finite(n, x[0][0]));                                                                    \
                assert_true(b->finite(i, x[0][0]));                                                                     \
                x[0][0][i] = was;                                                                                       \
            }                                                                                                           \
        }                                                                                                               \
    }
CHECK_KERNELS(f32, float)
CHECK_KERNELS(f64, double)

static void test_kernels(void **unused)
{
    (void)unused;
    for (int isa = 0; isa <= (int)nrm_cpu_isa(); isa++) {
        check_f32(&nrm_optimizer_f32_scalar, nrm_optimizer_kernels_f32_for((nrm_isa)isa));
        check_f64(&nrm_optimizer_f64_scalar, nrm_optimizer_kernels_f64_for((nrm_isa)isa));
    }
}

/* ---- Clipping ------------------------------------------------------------------------------------ */

static void test_clip(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[] = {3, 0}, b[] = {4}, norm = -1;
    void *g[] = {a, NULL, b};
    const int64_t sizes[] = {2, 0, 1};
    assert_ok(ctx, nrm_clip_gradients(ctx, 3, NRM_F64, g, sizes, INFINITY, &norm));
    assert_true(norm == 5 && a[0] == 3);
    assert_ok(ctx, nrm_clip_gradients(ctx, 3, NRM_F64, g, sizes, 5, &norm));
    assert_true(norm == 5 && a[0] == 3 && b[0] == 4);
    assert_ok(ctx, nrm_clip_gradients(ctx, 3, NRM_F64, g, sizes, 1, &norm));
    assert_near(a[0], 0.6, 1e-15);
    assert_near(b[0], 0.8, 1e-15);
    a[0] = 3e300, b[0] = 4e300; /* squares overflow */
    assert_ok(ctx, nrm_clip_gradients(ctx, 3, NRM_F64, g, sizes, 1, &norm));
    assert_near(norm, 5e300, 1e-15);
    assert_near(a[0], 0.6, 1e-15);
    a[0] = 3e-300, b[0] = 4e-300; /* squares underflow */
    assert_ok(ctx, nrm_clip_gradients(ctx, 3, NRM_F64, g, sizes, 1, &norm));
    assert_near(norm * 1e300, 5, 1e-14);
    a[0] = 0, b[0] = 0;
    assert_ok(ctx, nrm_clip_gradients(ctx, 3, NRM_F64, g, sizes, 1, &norm));
    assert_true(norm == 0);
    a[0] = 7, b[0] = NAN;
    assert_status(ctx, nrm_clip_gradients(ctx, 3, NRM_F64, g, sizes, 1, &norm), NRM_E_NONFINITE);
    assert_message(ctx, "element 0 of gradient 2 is nan");
    assert_true(a[0] == 7 && norm == 0);
    assert_status(ctx, nrm_clip_gradients(ctx, 3, NRM_F64, g, sizes, 0, &norm), NRM_E_RANGE);
    assert_status(ctx, nrm_clip_gradients(ctx, 3, NRM_I64, g, sizes, 1, &norm), NRM_E_DTYPE);
    assert_status(ctx, nrm_clip_gradients(ctx, 3, NRM_F64, NULL, sizes, 1, &norm), NRM_E_NULL);
    assert_status(ctx, nrm_clip_gradients(ctx, 1, NRM_F64, g, (int64_t[]){-1}, 1, &norm), NRM_E_SHAPE);

    enum { LONG = 300 * 32768 + 7 }; /* more blocks than one wave holds */
    float *x = malloc(LONG * sizeof *x);
    for (int64_t i = 0; i < LONG; i++) x[i] = i % 2 ? 2 : -2;
    assert_ok(ctx, nrm_clip_gradients(ctx, 1, NRM_F32, (void *[]){x}, (int64_t[]){LONG}, 1, &norm));
    assert_near(norm, 2 * sqrt((double)LONG), 1e-14);
    for (int64_t i = 0; i < LONG; i += 997) assert_near((double)x[i], (i % 2 ? 1 : -1) / sqrt((double)LONG), 1e-7);
    free(x);
    nrm_ctx_destroy(ctx);
}

/* ---- L-BFGS --------------------------------------------------------------------------------------- */

/* Rosenbrock's valley over two tensors, (x) and (y, z...): sum 100 (p[i+1] - p[i]^2)^2 + (1 - p[i])^2 */
enum { VALLEY = 6 };
static nrm_status valley(nrm_ctx *ctx, void *user, const double *const *p, double *value, double *const *g)
{
    double x[VALLEY], d[VALLEY] = {0};
    int *calls = user;
    if (++*calls < 0) return nrm_fail(ctx, NRM_E_UNSUPPORTED, "the objective gave up");
    *value = 0;
    for (int i = 0; i < VALLEY; i++) x[i] = i < 1 ? p[0][i] : p[2][i - 1];
    for (int i = 0; i + 1 < VALLEY; i++) {
        const double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
        *value += 100 * a * a + b * b;
        d[i] += -400 * a * x[i] - 2 * b;
        d[i + 1] += 200 * a;
    }
    for (int i = 0; i < VALLEY; i++) (i < 1 ? g[0] : g[2] - 1)[i] = d[i];
    return NRM_OK;
}

static void test_lbfgs(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_lbfgs_minimise_options o = nrm_lbfgs_minimise_options_default();
    nrm_lbfgs_minimise_info info = {0};
    double a[1] = {-1.2}, b[5] = {1, -1.2, 1, -1.2, 1};
    double *p[] = {a, NULL, b};
    const int64_t sizes[] = {1, 0, 5};
    int calls = 0;
    o.tolerance = 1e-9;
    assert_ok(ctx, nrm_lbfgs_minimise(ctx, 3, sizes, p, valley, &calls, &o, &info));
    assert_true(info.residual <= 1e-9 && info.evaluations == calls && info.iterations > 5 && !info.stalled);
    assert_near(a[0], 1, 1e-8);
    for (int i = 0; i < 5; i++) assert_near(b[i], 1, 1e-8);

    a[0] = -1.2, o.max_iter = 3;
    assert_status(ctx, nrm_lbfgs_minimise(ctx, 3, sizes, p, valley, &calls, &o, &info), NRM_NOT_CONVERGED);
    assert_message(ctx, "max_iter came after 3 steps");
    const double before = a[0];
    calls = INT32_MIN;
    assert_status(ctx, nrm_lbfgs_minimise(ctx, 3, sizes, p, valley, &calls, &o, &info), NRM_E_UNSUPPORTED);
    assert_true(a[0] == before);
    a[0] = NAN;
    assert_status(ctx, nrm_lbfgs_minimise(ctx, 3, sizes, p, valley, &calls, &o, &info), NRM_E_NONFINITE);
    a[0] = 1, o.memory = 0;
    assert_status(ctx, nrm_lbfgs_minimise(ctx, 3, sizes, p, valley, &calls, &o, &info), NRM_E_RANGE);
    assert_status(ctx, nrm_lbfgs_minimise(ctx, 3, sizes, p, NULL, &calls, NULL, &info), NRM_E_NULL);
    assert_status(ctx, nrm_lbfgs_minimise(ctx, 1, (int64_t[]){0}, p, valley, &calls, NULL, &info), NRM_E_SHAPE);
    calls = 0, nrm_cancel(ctx);
    assert_status(ctx, nrm_lbfgs_minimise(ctx, 3, sizes, p, valley, &calls, NULL, &info), NRM_PARTIAL);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_kernels), cmocka_unit_test(test_clip), cmocka_unit_test(test_lbfgs))
