/* test_nn_init.c -- initial values: moments, bounds, orthogonality, and what they depend on. */
#include "testkit.h"
#include <norma/nn.h>

enum { ROWS = 60, COLS = 40, FIELD = 5, N = ROWS * COLS * FIELD };
static const int64_t shape[3] = {ROWS, COLS, FIELD};

static nrm_status fill(nrm_ctx *ctx, nrm_init init, uint64_t seed, const char *name, double *x)
{
    nrm_array a;
    assert_ok(ctx, nrm_array_view(ctx, &a, NRM_F64, 3, shape, x));
    return nrm_init_fill(ctx, init, seed, name, &a);
}

static void moments(void **state)
{
    (void)state;
    static double x[N];
    const double in = COLS * FIELD, out = ROWS * FIELD;
    /* Truncated at two deviations: variance 1 - 4 phi(2) / (2 Phi(2) - 1). */
    const double cut = 1 - 4 * exp(-2) / sqrt(6.283185307179586) / erf(sqrt(2));
    const struct { nrm_init init; double mean, variance, bound; } cases[] = {
        {{NRM_INIT_NORMAL, 3, 0.5}, 3, 0.25, INFINITY},
        {{NRM_INIT_TRUNCATED_NORMAL, -1, 2}, -1, 4 * cut, 4},
        {{NRM_INIT_UNIFORM, 2, 5}, 3.5, 9 / 12.0, 1.5},
        {{NRM_INIT_XAVIER_UNIFORM, 2, 0}, 0, 4 * 2 / (in + out), 2 * sqrt(6 / (in + out))},
        {{NRM_INIT_XAVIER_NORMAL, 2, 0}, 0, 4 * 2 / (in + out), INFINITY},
        {nrm_init_usual(NRM_INIT_KAIMING_UNIFORM), 0, 2 / in, sqrt(6 / in)},
        {nrm_init_usual(NRM_INIT_KAIMING_NORMAL), 0, 2 / in, INFINITY},
        {nrm_init_usual(NRM_INIT_TORCH), 0, 1 / (3 * in), 1 / sqrt(in)}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double mean = 0, variance = 0, most = 0;
        assert_ok(ctx, fill(ctx, cases[k].init, 7, "w", x));
        for (int i = 0; i < N; i++) mean += x[i] / N;
        for (int i = 0; i < N; i++) {
            variance += (x[i] - mean) * (x[i] - mean) / N;
            most = fmax(most, fabs(x[i] - cases[k].mean));
        }
        assert_true(fabs(mean - cases[k].mean) < 5 * sqrt(cases[k].variance / N));
        assert_true(fabs(variance / cases[k].variance - 1) < 5 * sqrt(2.0 / N));
        assert_true(most <= cases[k].bound);
        if (isfinite(cases[k].bound)) assert_true(most > 0.99 * cases[k].bound);
        else assert_true(most > 3 * sqrt(cases[k].variance)); /* tails */
    }
    const nrm_init_kind fixed[] = {NRM_INIT_ZEROS, NRM_INIT_ONES, NRM_INIT_CONSTANT};
    for (int k = 0; k < 3; k++) {
        assert_ok(ctx, fill(ctx, (nrm_init){fixed[k], k == 2 ? 0.3 : 9, 0}, 7, "w", x));
        for (int i = 0; i < N; i++) assert_true(x[i] == (k == 0 ? 0 : k == 1 ? 1 : 0.3));
    }
    nrm_ctx_destroy(ctx);
}

static void orthogonal(void **state)
{
    (void)state;
    static double x[N];
    static const int64_t shapes[3][4] = {{7, 12, 0, 0}, {12, 7, 0, 0}, {6, 2, 2, 3}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int k = 0; k < 3; k++) {
        nrm_array a;
        assert_ok(ctx, nrm_array_view(ctx, &a, NRM_F64, k == 2 ? 4 : 2, shapes[k], x));
        assert_ok(ctx, nrm_init_fill(ctx, (nrm_init){NRM_INIT_ORTHOGONAL, 1.5, 0}, 3, "w", &a));
        const int64_t m = shapes[k][0], n = k == 2 ? 12 : shapes[k][1], thin = m < n ? m : n;
        for (int64_t i = 0; i < thin; i++)
            for (int64_t j = 0; j < thin; j++) {
                double dot = 0;
                for (int64_t l = 0; l < (m < n ? n : m); l++)
                    dot += m < n ? x[i * n + l] * x[j * n + l] : x[l * n + i] * x[l * n + j];
                assert_near(dot, i == j ? 2.25 : 0, 1e-13);
            }
    }
    nrm_ctx_destroy(ctx);
}

/* A pure function of seed, name and index, whatever the threads, the type, the size. */
static void depends_on_seed_and_name(void **state)
{
    (void)state;
    static double x[N], y[N];
    static float z[N];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_init init = nrm_init_usual(NRM_INIT_NORMAL);
    nrm_array a;
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, fill(ctx, init, 7, "block0.w", x));
    assert_ok(ctx, nrm_set_threads(ctx, 2));
    assert_ok(ctx, fill(ctx, init, 7, "block0.w", y));
    assert_memory_equal(x, y, sizeof x);
    assert_ok(ctx, nrm_array_view(ctx, &a, NRM_F32, 3, shape, z));
    assert_ok(ctx, nrm_init_fill(ctx, init, 7, "block0.w", &a));
    for (int i = 0; i < N; i++) assert_true(z[i] == (float)x[i]);
    assert_ok(ctx, nrm_array_view(ctx, &a, NRM_F64, 1, (int64_t[]){11}, y));
    assert_ok(ctx, nrm_init_fill(ctx, init, 7, "block0.w", &a));
    assert_memory_equal(x, y, 11 * sizeof *x);
    assert_ok(ctx, fill(ctx, init, 7, "block1.w", y));
    int same = 0;
    for (int i = 0; i < N; i++) same += x[i] == y[i];
    assert_ok(ctx, fill(ctx, init, 8, "block0.w", y));
    for (int i = 0; i < N; i++) same += x[i] == y[i];
    assert_int_equal(same, 0);
    nrm_ctx_destroy(ctx);
}

static nrm_status body(nrm_ctx *ctx, void *user)
{
    return fill(ctx, nrm_init_usual(NRM_INIT_ORTHOGONAL), 1, "w", user);
}

static void refuses(void **state)
{
    (void)state;
    static double x[N];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    int64_t whole[2];
    nrm_array a;
    assert_status(ctx, fill(ctx, (nrm_init){NRM_INIT_NORMAL, 0, -1}, 1, "w", x), NRM_E_RANGE);
    assert_message(ctx, "'w' has the standard deviation -1");
    assert_status(ctx, fill(ctx, (nrm_init){NRM_INIT_UNIFORM, 1, 0}, 1, "w", x), NRM_E_RANGE);
    assert_status(ctx, fill(ctx, (nrm_init){NRM_INIT_CONSTANT, NAN, 0}, 1, "w", x), NRM_E_NONFINITE);
    assert_status(ctx, fill(ctx, (nrm_init){nrm_init_kind_count, 0, 0}, 1, "w", x), NRM_E_ARGUMENT);
    assert_status(ctx, fill(ctx, (nrm_init){NRM_INIT_ONES, 0, 0}, 1, NULL, x), NRM_E_NULL);
    assert_ok(ctx, nrm_array_view(ctx, &a, NRM_I64, 1, (int64_t[]){2}, whole));
    assert_status(ctx, nrm_init_fill(ctx, (nrm_init){NRM_INIT_ONES, 0, 0}, 1, "w", &a), NRM_E_DTYPE);
    for (int i = 0; i < N; i++) assert_true(x[i] == 0);
    nrm_test_allocation_failures(body, x, NULL, 0);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(moments), cmocka_unit_test(orthogonal), cmocka_unit_test(depends_on_seed_and_name), cmocka_unit_test(refuses))
