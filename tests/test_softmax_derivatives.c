/* test_softmax_derivatives.c -- backward passes, directional derivative, cross-entropy and
 * pairs: against NumPy, finite differences, the adjoint identity, and whole rows. */
#include "kernel/cpu.h"
#include "reference/softmax_values.h"
#include "testkit.h"
#include <float.h>
#include <norma/softmax.h>

enum { R = VALUE_ROWS, N = VALUE_COLS, COUNT = R * N };

static nrm_softmax_options options_of(int isa, bool log_wanted)
{
    nrm_softmax_options o = nrm_softmax_options_default();
    o.isa = isa;
    o.log = log_wanted;
    o.alpha = value_alpha;
    return o;
}

static void narrow(float *to, const double *from, int n)
{
    for (int i = 0; i < n; i++) to[i] = (float)from[i];
}

static void near_f32(const float *got, const double *expected, int n)
{
    for (int i = 0; i < n; i++) assert_near((double)got[i], expected[i], 1e-6);
}

static void test_backward(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)nrm_cpu_isa() + 1; isa++)
        for (int log_wanted = 0; log_wanted < 2; log_wanted++) {
            const nrm_softmax_options o = options_of(isa, log_wanted);
            const double *y = log_wanted ? value_log_y : value_y, *expected = log_wanted ? value_log_dx : value_dx;
            const double *along = log_wanted ? value_log_jvp : value_dx;
            nrm_softmax_mask mask = {value_keep, N, value_bias, N, NULL};
            double dx[COUNT];
            float y32[COUNT], g32[COUNT], x32[COUNT], bias32[COUNT], dx32[COUNT];
            narrow(y32, y, COUNT), narrow(g32, value_g, COUNT), narrow(x32, value_x, COUNT);
            narrow(bias32, value_bias, COUNT);

            assert_ok(NULL, nrm_softmax_backward_f64(NULL, R, N, y, N, value_g, N, dx, N, &o));
            assert_all_near(dx, expected, COUNT, 1e-15);
            assert_ok(NULL, nrm_softmax_backward_lse_f64(NULL, R, N, value_x, N, &mask, value_lse, value_g, N, dx, N,
                                                         &o));
            assert_all_near(dx, expected, COUNT, 4e-15);
            assert_ok(NULL, nrm_softmax_jvp_f64(NULL, R, N, y, N, value_g, N, dx, N, &o));
            assert_all_near(dx, along, COUNT, 1e-15);
            mask.bias = bias32;
            assert_ok(NULL, nrm_softmax_backward_f32(NULL, R, N, y32, N, g32, N, dx32, N, &o));
            near_f32(dx32, expected, COUNT);
            assert_ok(NULL, nrm_softmax_backward_lse_f32(NULL, R, N, x32, N, &mask, value_lse, g32, N, dx32, N, &o));
            near_f32(dx32, expected, COUNT);
            assert_ok(NULL, nrm_softmax_jvp_f32(NULL, R, N, y32, N, g32, N, y32, N, &o)); /* in place */
            near_f32(y32, along, COUNT);
            assert_ok(NULL, nrm_softmax_backward_lse_f32(NULL, R, N, x32, N, &mask, value_lse, g32, N, g32, N, &o));
            near_f32(g32, expected, COUNT);
        }
}

/* Central differences of <g, softmax(x)> at a long row with masked entries; <v, J'g> = <g, J v>. */
static void test_differences(void **state)
{
    (void)state;
    enum { LONG = 2600 };
    static double x[LONG], g[LONG], v[LONG], y[LONG], plus[LONG], minus[LONG], dx[LONG], again[LONG], dy[LONG];
    static uint8_t keep[LONG];
    const nrm_softmax_mask mask = {.keep = keep};
    uint64_t seed = 5;
    double lse;

    for (int i = 0; i < LONG; i++) {
        x[i] = 2 * nrm_test_normal(&seed);
        g[i] = nrm_test_normal(&seed);
        v[i] = nrm_test_normal(&seed);
        keep[i] = nrm_test_uniform(&seed) < 0.9;
    }
    for (int log_wanted = 0; log_wanted < 2; log_wanted++) {
        nrm_softmax_options o = options_of(0, log_wanted);
        o.block = 1024;
        assert_ok(NULL, nrm_softmax_f64(NULL, 1, LONG, x, LONG, &mask, y, LONG, &lse, NULL, &o));
        assert_ok(NULL, nrm_softmax_backward_f64(NULL, 1, LONG, y, LONG, g, LONG, dx, LONG, &o));
        assert_ok(NULL, nrm_softmax_backward_lse_f64(NULL, 1, LONG, x, LONG, &mask, &lse, g, LONG, again, LONG, &o));
        assert_all_near(again, dx, LONG, 1e-12);
        assert_ok(NULL, nrm_softmax_jvp_f64(NULL, 1, LONG, y, LONG, v, LONG, dy, LONG, &o));
        double left = 0, right = 0, sum = 0;
        for (int i = 0; i < LONG; i++) {
            left += v[i] * dx[i];
            right += keep[i] ? g[i] * dy[i] : 0;
            sum += dx[i];
        }
        assert_near(left, right, 1e-11);
        assert_near(sum, 0, 1e-11);
        for (int k = 0; k < LONG; k += 487) {
            const double h = 1e-5, at = x[k];
            double slope = 0;
            x[k] = at + h;
            assert_ok(NULL, nrm_softmax_f64(NULL, 1, LONG, x, LONG, &mask, plus, LONG, NULL, NULL, &o));
            x[k] = at - h;
            assert_ok(NULL, nrm_softmax_f64(NULL, 1, LONG, x, LONG, &mask, minus, LONG, NULL, NULL, &o));
            x[k] = at;
            for (int i = 0; i < LONG; i++)
                if (keep[i]) slope += g[i] * (plus[i] - minus[i]) / (2 * h);
            assert_near(dx[k], slope, 1e-8);
        }
    }
}

/* Rows whose lse is not a number of ordinary size. */
static void test_backward_odd_rows(void **state)
{
    (void)state;
    const float x[] = {-INFINITY, -INFINITY, 2e5f, 2e5f - 1, NAN, 1, 0, 0}, g[] = {1, 2, 1, 2, 1, 2, 1, 5};
    const int64_t lengths[] = {2, 2, 2, 1};
    const nrm_softmax_mask mask = {.lengths = lengths};
    double lse[4];
    float y[8], from_y[8], from_lse[8];

    assert_ok(NULL, nrm_softmax_f32(NULL, 4, 2, x, 2, &mask, y, 2, lse, NULL, NULL));
    assert_ok(NULL, nrm_softmax_backward_f32(NULL, 4, 2, y, 2, g, 2, from_y, 2, NULL));
    assert_ok(NULL, nrm_softmax_backward_lse_f32(NULL, 4, 2, x, 2, &mask, lse, g, 2, from_lse, 2, NULL));
    for (int i = 0; i < 8; i++) assert_near((double)from_lse[i], (double)from_y[i], 1e-6);
    assert_true(from_lse[0] == 0 && from_lse[1] == 0 && isnan(from_lse[4]));
    assert_near((double)from_lse[2], -0.19661193, 1e-6); /* -e / (1 + e)^2 */
    assert_true(from_lse[6] == 0 && from_lse[7] == 0);
}

static void test_cross_entropy(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)nrm_cpu_isa() + 1; isa++) {
        const nrm_softmax_options o = options_of(isa, false);
        double loss[R], dx[COUNT];
        float x[COUNT];
        narrow(x, value_x, COUNT);
        assert_ok(NULL, nrm_cross_entropy_f64(NULL, R, N, value_x, N, value_target, value_scale, loss, dx, N, &o));
        assert_all_near(loss, value_loss, R, 1e-15);
        assert_all_near(dx, value_cross_dx, COUNT, 1e-15);
        assert_ok(NULL, nrm_cross_entropy_f32(NULL, R, N, x, N, value_target, value_scale, loss, NULL, 0, &o));
        assert_all_near(loss, value_loss, R, 1e-6);
        assert_ok(NULL, nrm_cross_entropy_f32(NULL, R, N, x, N, value_target, value_scale, NULL, x, N, &o));
        near_f32(x, value_cross_dx, COUNT);
    }
    /* A target that is all but certain keeps its digits in f64 and is never negative in
     * f32; an ignored row is 0. */
    const double sure[] = {20, 0, 0, 1, 2, 3};
    const float sure32[] = {20, 0, 0, 1, 2, 3};
    const int64_t target[] = {0, -100};
    double loss[2], dx[6];
    float dx32[6];
    assert_ok(NULL, nrm_cross_entropy_f64(NULL, 2, 3, sure, 3, target, 1, loss, dx, 3, NULL));
    assert_near(loss[0] / 4.1223072363803954e-09, 1, 2e-6);
    assert_near(dx[0] / -4.1223072278786775e-09, 1, 2e-6);
    assert_true(loss[1] == 0 && dx[3] == 0 && dx[4] == 0 && dx[5] == 0);
    assert_ok(NULL, nrm_cross_entropy_f32(NULL, 2, 3, sure32, 3, target, 1, loss, dx32, 3, NULL));
    assert_true(loss[0] >= 0 && loss[0] < 2e-7 && dx32[0] <= 0);
    /* Every algorithm, long rows, entries beyond the pairs' range. */
    enum { LONG = 2500 };
    static float x[LONG], y[LONG], gradient[LONG];
    double lse;
    uint64_t seed = 6;
    for (int far = 0; far < 2; far++) {
        for (int i = 0; i < LONG; i++) x[i] = (float)(3 * nrm_test_normal(&seed) + far * 2e5);
        assert_ok(NULL, nrm_softmax_f32(NULL, 1, LONG, x, LONG, NULL, y, LONG, &lse, NULL, NULL));
        for (int a = 0; a < nrm_softmax_algorithm_count; a++) {
            const int64_t k = 77;
            nrm_softmax_options o = nrm_softmax_options_default();
            o.algorithm = a;
            o.block = 1024;
            assert_ok(NULL, nrm_cross_entropy_f32(NULL, 1, LONG, x, LONG, &k, 0.5, loss, gradient, LONG, &o));
            assert_near(loss[0], lse - (double)x[k], 1e-6);
            for (int i = 0; i < LONG; i++)
                assert_near((double)gradient[i], 0.5 * ((double)y[i] - (i == k)), 1e-6);
        }
    }
}

static void test_pairs(void **state)
{
    (void)state;
    enum { LONG = 5000 };
    static float x[LONG], y[LONG], whole[LONG];
    static uint8_t keep[LONG];
    uint64_t seed = 7;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_softmax_pair zero = nrm_softmax_pair_zero();

    for (int i = 0; i < LONG; i++) {
        x[i] = (float)(40 * nrm_test_normal(&seed));
        keep[i] = nrm_test_uniform(&seed) < 0.8;
    }
    for (int log_wanted = 0; log_wanted < 2; log_wanted++)
        for (int isa = 0; isa <= (int)nrm_cpu_isa() + 1; isa++) {
            nrm_softmax_options o = options_of(isa, log_wanted);
            nrm_softmax_pair sum = zero;
            double lse;
            o.block = 1024;
            for (int at = 0, n = 1; at < LONG; at += n, n = n * 3 < LONG - at ? n * 3 : LONG - at)
                assert_ok(ctx, nrm_softmax_pair_add_f32(ctx, &sum, n, x + at, keep + at, &o));
            const nrm_softmax_mask mask = {.keep = keep};
            assert_ok(ctx, nrm_softmax_f32(ctx, 1, LONG, x, LONG, &mask, whole, LONG, &lse, NULL, &o));
            assert_near(nrm_softmax_pair_lse(sum), lse, 1e-8);
            assert_ok(ctx, nrm_softmax_pair_finish_f32(ctx, sum, 2000, x, keep, y, &o));
            assert_ok(ctx, nrm_softmax_pair_finish_f32(ctx, sum, LONG - 2000, x + 2000, keep + 2000, y + 2000, &o));
            for (int i = 0; i < LONG; i++) assert_near((double)y[i], (double)whole[i], 1e-6);
        }

    /* Commutative in every bit, zero is neutral, far apart exponents drop out. */
    for (int i = 0; i < 1000; i++) {
        const nrm_softmax_pair a = {0.7 + nrm_test_uniform(&seed), rint(80 * nrm_test_normal(&seed))};
        const nrm_softmax_pair b = {0.7 + nrm_test_uniform(&seed), rint(80 * nrm_test_normal(&seed))};
        const nrm_softmax_pair ab = nrm_softmax_pair_merge(a, b), ba = nrm_softmax_pair_merge(b, a);
        const nrm_softmax_pair a0 = nrm_softmax_pair_merge(a, zero);
        assert_memory_equal(&ab, &ba, sizeof ab);
        assert_memory_equal(&a, &a0, sizeof a);
    }
    const nrm_softmax_pair none = nrm_softmax_pair_merge(zero, zero);
    assert_true(none.mantissa == 0 && none.exponent == -INFINITY && nrm_softmax_pair_lse(none) == -INFINITY);

    /* NaN, nothing kept, out of range. */
    nrm_softmax_pair p = zero;
    float odd[3] = {1, NAN, 2};
    assert_ok(ctx, nrm_softmax_pair_add_f32(ctx, &p, 3, odd, NULL, NULL));
    assert_true(isnan(p.mantissa) && isnan(nrm_softmax_pair_lse(p)));
    assert_true(isnan(nrm_softmax_pair_merge(zero, p).mantissa));
    p = zero;
    odd[0] = odd[1] = odd[2] = -INFINITY;
    assert_ok(ctx, nrm_softmax_pair_add_f32(ctx, &p, 3, odd, NULL, NULL));
    assert_memory_equal(&p, &zero, sizeof p);
    assert_ok(ctx, nrm_softmax_pair_add_f32(ctx, &p, 0, NULL, NULL, NULL));
    assert_ok(ctx, nrm_softmax_pair_finish_f32(ctx, p, 3, odd, NULL, y, NULL));
    assert_true(y[0] == 0 && y[1] == 0 && y[2] == 0);
    for (int i = 0; i < 3; i++) {
        odd[0] = i == 0 ? 2e5f : i == 1 ? INFINITY : -2e5f;
        assert_status(ctx, nrm_softmax_pair_add_f32(ctx, &p, 3, odd, NULL, NULL), NRM_E_RANGE);
        assert_memory_equal(&p, &zero, sizeof p);
    }
    assert_message(ctx, "whole rows");
    nrm_ctx_destroy(ctx);
}

static void test_threads(void **state)
{
    (void)state;
    enum { LONG = 150000 };
    static float x[LONG], y[LONG], dx[2][LONG];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 8;
    nrm_softmax_pair p[2] = {nrm_softmax_pair_zero(), nrm_softmax_pair_zero()};
    double loss[2];
    const int64_t target = 3;
    nrm_softmax_options o = nrm_softmax_options_default();

    o.block = 4096;
    for (int i = 0; i < LONG; i++) x[i] = (float)nrm_test_normal(&seed);
    assert_ok(ctx, nrm_softmax_f32(ctx, 1, LONG, x, LONG, NULL, y, LONG, NULL, NULL, &o));
    for (int pass = 0; pass < 4; pass++) {
        const int64_t rows = pass == 1 ? 150 : 1;
        for (int t = 0; t < 2; t++) {
            assert_ok(ctx, nrm_set_threads(ctx, t + 1));
            if (pass < 2)
                assert_ok(ctx, nrm_softmax_backward_f32(ctx, rows, LONG / rows, y, LONG / rows, x, LONG / rows, dx[t],
                                                        LONG / rows, &o));
            if (pass == 2)
                assert_ok(ctx, nrm_cross_entropy_f32(ctx, 1, LONG, x, LONG, &target, 1, &loss[t], dx[t], LONG, &o));
            if (pass == 3) assert_ok(ctx, nrm_softmax_pair_add_f32(ctx, &p[t], LONG, x, NULL, &o));
        }
        assert_memory_equal(dx[0], dx[1], sizeof dx[0]);
    }
    assert_memory_equal(&loss[0], &loss[1], sizeof loss[0]);
    assert_memory_equal(&p[0], &p[1], sizeof p[0]);
    nrm_ctx_destroy(ctx);
}

typedef struct failing { const float *x; float *y; int which; } failing;

static nrm_status call_with_little_memory(nrm_ctx *ctx, void *user)
{
    const failing *f = user;
    const int64_t target = 7;
    nrm_softmax_options o = nrm_softmax_options_default();
    nrm_softmax_pair pair = nrm_softmax_pair_zero();
    o.block = 1024;
    if (f->which == 0) return nrm_softmax_backward_f32(ctx, 1, 5000, f->x, 5000, f->x, 5000, f->y, 5000, &o);
    if (f->which == 1) return nrm_cross_entropy_f32(ctx, 1, 5000, f->x, 5000, &target, 1, NULL, f->y, 5000, &o);
    return nrm_softmax_pair_add_f32(ctx, &pair, 5000, f->x, NULL, &o);
}

static void test_memory(void **state)
{
    (void)state;
    static float x[5000], y[5000];
    for (int which = 0; which < 3; which++) {
        failing f = {x, y, which};
        memset(y, 0, sizeof y);
        nrm_test_allocation_failures(call_with_little_memory, &f, y, sizeof y);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    float x[10] = {0}, y[10] = {0};
    double loss = 0;
    int64_t target = 5;
    nrm_softmax_options o = nrm_softmax_options_default();

    assert_status(ctx, nrm_softmax_backward_f32(ctx, 1, 5, NULL, 5, x, 5, y, 5, NULL), NRM_E_NULL);
    assert_message(ctx, "y is NULL");
    assert_status(ctx, nrm_softmax_backward_f32(ctx, 1, 5, x, 5, x, 4, y, 5, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_softmax_backward_f32(ctx, 1, 5, x, 5, x, 5, x + 1, 5, NULL), NRM_E_ALIAS);
    assert_status(ctx, nrm_softmax_backward_lse_f32(ctx, 1, 5, x, 5, NULL, NULL, x, 5, y, 5, NULL), NRM_E_NULL);
    assert_ok(ctx, nrm_softmax_backward_f32(ctx, 0, 0, NULL, 0, NULL, 0, NULL, 0, NULL));
    assert_status(ctx, nrm_cross_entropy_f32(ctx, 1, 5, x, 5, &target, 1, &loss, NULL, 0, NULL), NRM_E_RANGE);
    assert_message(ctx, "below the 5 columns");
    target = 4;
    assert_status(ctx, nrm_cross_entropy_f32(ctx, 1, 5, x, 5, &target, (double)NAN, &loss, NULL, 0, NULL), NRM_E_RANGE);
    assert_status(ctx, nrm_cross_entropy_f32(ctx, 1, 5, x, 5, NULL, 1, &loss, NULL, 0, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_cross_entropy_f32(ctx, 1, 5, x, 5, &target, 1, NULL, NULL, 0, NULL), NRM_E_NULL);
    o.log = true;
    assert_status(ctx, nrm_cross_entropy_f32(ctx, 1, 5, x, 5, &target, 1, &loss, NULL, 0, &o), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_softmax_pair_add_f32(ctx, NULL, 5, x, NULL, NULL), NRM_E_NULL);
    nrm_softmax_pair p = nrm_softmax_pair_zero();
    assert_status(ctx, nrm_softmax_pair_add_f32(ctx, &p, -5, x, NULL, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_softmax_pair_finish_f32(ctx, p, 5, x, NULL, x + 1, NULL), NRM_E_ALIAS);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_backward), cmocka_unit_test(test_differences),
              cmocka_unit_test(test_backward_odd_rows), cmocka_unit_test(test_cross_entropy),
              cmocka_unit_test(test_pairs), cmocka_unit_test(test_threads), cmocka_unit_test(test_memory),
              cmocka_unit_test(test_refusals))
