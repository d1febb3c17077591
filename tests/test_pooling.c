/* test_pooling.c -- pooling against PyTorch and against its definition. */
#include "testkit.h"
#include "kernel/pooling.h"
#include "reference/convolution_values.h"

static void fill(double *p, int64_t n, int64_t k)
{
    for (int64_t i = 0; i < n; i++) p[i] = (double)((i * 37 + i * i * 11 + k * 29) % 97 - 48) / 16;
}

static void pytorch(void **state)
{
    nrm_pool_shape s = {.planes = 2, .height = 5, .width = 6, .kernel = 3, .stride = 2, .pad = 1};
    double x[60], y[18], dy[18], dx[60];
    int64_t index[18];

    (void)state;
    assert_true(nrm_pool_shape_fill(&s));
    assert_int_equal(s.out_height, 3);
    assert_int_equal(s.out_width, 3);
    fill(x, 60, 4);
    fill(dy, 18, 5);
    for (int threads = 1; threads <= 2; threads++) {
        nrm_max_pool_f64(&s, x, index, threads);
        assert_memory_equal(index, largest_index, sizeof index);
        nrm_max_pool_take_f64(&s, x, index, y, threads);
        for (int p = 0; p < 18; p++) assert_true(y[p] == x[p / 9 * 30 + largest_index[p]]);
        nrm_max_pool_adjoint_f64(&s, dy, index, dx, threads);
        assert_all_near(dx, largest_dx, 60, 1e-15);
        nrm_average_pool_f64(&s, x, y, threads);
        assert_all_near(y, mean_y, 18, 1e-15);
        nrm_average_pool_adjoint_f64(&s, dy, dx, threads);
        assert_all_near(dx, mean_dx, 60, 1e-15);
    }
}

/* <pool(x), y> = <x, adjoint(y)>, for both kinds, any shape. */
static void adjoints(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int turn = 0; turn < 200; turn++) {
        nrm_pool_shape s = {.planes = 3, .height = 1 + turn % 7, .width = 1 + turn % 9, .kernel = 1 + turn % 4,
                            .stride = 1 + turn % 3, .pad = turn % 2};
        float x[189], y[800], dx[189], pooled[800];
        int64_t index[800];
        if (!nrm_pool_shape_fill(&s)) continue;
        const int64_t size = s.planes * s.height * s.width, points = s.planes * s.out_height * s.out_width;
        double form[2][2] = {{0}};

        assert_true(points <= 800);
        for (int64_t q = 0; q < size; q++) x[q] = (float)nrm_test_normal(&seed);
        for (int64_t p = 0; p < points; p++) y[p] = (float)nrm_test_normal(&seed);
        for (int kind = 0; kind < 2; kind++) {
            if (kind) {
                nrm_average_pool_f32(&s, x, pooled, 2);
                nrm_average_pool_adjoint_f32(&s, y, dx, 2);
            } else {
                nrm_max_pool_f32(&s, x, index, 2);
                nrm_max_pool_take_f32(&s, x, index, pooled, 2);
                nrm_max_pool_adjoint_f32(&s, y, index, dx, 2);
            }
            for (int64_t p = 0; p < points; p++) form[kind][0] += (double)pooled[p] * (double)y[p];
            for (int64_t q = 0; q < size; q++) form[kind][1] += (double)x[q] * (double)dx[q];
            assert_true(fabs(form[kind][0] - form[kind][1]) <= 1e-5 * (double)points);
        }
    }
}

static void choice(void **state)
{
    nrm_pool_shape s = {.planes = 1, .height = 2, .width = 3, .kernel = 2, .stride = 1, .pad = 0};
    const float ties[6] = {1, 2, 2, 2, 0, 2}, nans[6] = {1, NAN, NAN, INFINITY, 0, 2};
    const float low[6] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
    int64_t index[2];

    (void)state;
    assert_true(nrm_pool_shape_fill(&s));
    nrm_max_pool_f32(&s, ties, index, 1);
    assert_true(index[0] == 1 && index[1] == 1); /* the first of equals */
    nrm_max_pool_f32(&s, nans, index, 1);
    assert_true(index[0] == 1 && index[1] == 1); /* the first NaN */
    nrm_max_pool_f32(&s, low, index, 1);
    assert_true(index[0] == 0 && index[1] == 1);
}

static void rules(void **state)
{
    static const nrm_pool_shape bad[] = {
        {.planes = 1, .height = 4, .width = 4, .kernel = 2, .stride = 2, .pad = 2}, /* a window of padding */
        {.planes = 1, .height = 4, .width = 4, .kernel = 5, .stride = 2, .pad = 0}, /* none fits */
        {.planes = 1, .height = 0, .width = 4, .kernel = 2, .stride = 2, .pad = 0},
        {.planes = 1, .height = 4, .width = 4, .kernel = 2, .stride = 0, .pad = 0},
        {.planes = 1, .height = 4, .width = 4, .kernel = 0, .stride = 1, .pad = 0},
        {.planes = 1, .height = 4, .width = 4, .kernel = 2, .stride = 1, .pad = -1},
        {.planes = 1, .height = INT64_MAX, .width = 4, .kernel = 2, .stride = 1, .pad = 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nrm_pool_shape s = bad[i];
        assert_false(nrm_pool_shape_fill(&s));
        assert_memory_equal(&s, &bad[i], sizeof s);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(pytorch), cmocka_unit_test(adjoints), cmocka_unit_test(choice), cmocka_unit_test(rules))
