/* test_convolution.c -- convolution and its adjoints against the loops of the formula, against
 * PyTorch, and against each other; the kernels of every instruction set. */
#include "testkit.h"
#include <limits.h>
#include "kernel/convolution.h"
#include "kernel/convolution_kernels.h"
#include "reference/convolution_values.h"

enum { GUARD = 16, MARK = 12345 };

typedef struct sizes {
    int64_t x, w, y;
} sizes;

static sizes sizes_of(const nrm_conv_shape *s)
{
    return (sizes){s->batch * s->in * s->height * s->width, s->out * (s->in / s->groups) * s->kernel[0] * s->kernel[1],
                   s->batch * s->out * s->out_height * s->out_width};
}

#define REAL float
#define F(name) name##_f32
#define TOLERANCE 2e-5
#include "convolution_kit.h"
#undef REAL
#undef F
#undef TOLERANCE

#define REAL double
#define F(name) name##_f64
#define TOLERANCE 1e-13
#include "convolution_kit.h"

typedef struct row {
    int64_t batch, in, out, groups, height, width, kernel[2], stride[2], dilation[2], before[2], after[2];
} row;

static nrm_conv_shape shape_of(row r)
{
    nrm_conv_shape s = {r.batch, r.in, r.out, r.groups, r.height, r.width, {r.kernel[0], r.kernel[1]},
                        {r.stride[0], r.stride[1]}, {r.dilation[0], r.dilation[1]}, {r.before[0], r.before[1]},
                        .out_height = nrm_conv_out_length(r.height, r.kernel[0], r.stride[0], r.dilation[0],
                                                          r.before[0], r.after[0]),
                        .out_width = nrm_conv_out_length(r.width, r.kernel[1], r.stride[1], r.dilation[1],
                                                         r.before[1], r.after[1])};
    return s;
}

static void shapes(void **state)
{
    static const row table[] = {
        /* n  in out g  h   w   kernel  stride  dilation before  after */
        {1, 1, 1, 1, 1, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
        {2, 3, 16, 1, 9, 11, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
        {3, 16, 8, 1, 7, 7, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, /* the tile of 8 rows */
        {2, 5, 7, 1, 13, 10, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}},
        {2, 4, 6, 1, 14, 14, {1, 1}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}, /* phases without taps */
        {2, 3, 5, 1, 11, 17, {3, 2}, {3, 3}, {1, 1}, {1, 0}, {2, 1}},
        {1, 3, 3, 1, 12, 15, {3, 3}, {1, 1}, {2, 3}, {2, 3}, {2, 3}},
        {2, 2, 9, 1, 10, 9, {2, 4}, {2, 3}, {3, 2}, {3, 0}, {1, 4}}, /* stride and dilation share a factor or not */
        {1, 2, 3, 1, 8, 8, {3, 3}, {4, 2}, {2, 4}, {1, 1}, {0, 3}},
        {2, 6, 9, 3, 8, 5, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
        {2, 12, 12, 12, 9, 9, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, /* depthwise */
        {2, 5, 10, 5, 9, 8, {5, 3}, {2, 1}, {1, 1}, {2, 1}, {2, 1}},
        {3, 20, 12, 1, 6, 7, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
        {2, 3, 4, 1, 2, 3, {5, 7}, {1, 1}, {1, 1}, {3, 4}, {2, 3}}, /* kernel larger than the image */
        {1, 2, 3, 1, 3, 3, {3, 3}, {1, 1}, {1, 1}, {5, 4}, {6, 7}}, /* outputs of padding alone */
        {1, 2, 2, 1, 5, 5, {2, 2}, {7, 9}, {1, 1}, {1, 0}, {0, 0}}, /* stride larger than the image */
        {2, 3, 4, 1, 1, 40, {1, 3}, {1, 2}, {1, 1}, {0, 2}, {0, 0}}, /* one dimension, causal */
        {1, 2, 3, 1, 1, 2000, {1, 5}, {1, 1}, {1, 4}, {0, 8}, {0, 8}}, /* bands of columns */
        {1, 2, 3, 1, 2, 1500, {2, 3}, {1, 3}, {1, 1}, {1, 1}, {0, 1}},
        {1, 3, 5, 1, 60, 30, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, /* bands of rows */
        {1, 48, 40, 1, 5, 6, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, /* parts of rows; terms in pieces */
        {40, 2, 3, 1, 5, 6, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},  /* blocks of the batch */
    };
    uint64_t seed = 11;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const nrm_conv_shape s = shape_of(table[i]);
        check_shape_f32(&s, &seed);
        check_shape_f64(&s, &seed);
    }
}

static int64_t between(uint64_t *seed, int64_t low, int64_t high)
{
    return low + (int64_t)(nrm_test_next(seed) % (uint64_t)(high - low + 1));
}

static void random_shapes(void **state)
{
    uint64_t seed = 5;
    int done = 0;

    (void)state;
    while (done < 150) {
        const int64_t groups = between(&seed, 1, 3);
        row r = {between(&seed, 1, 4), groups * between(&seed, 1, 4), groups * between(&seed, 1, 9), groups,
                 between(&seed, 1, 12), between(&seed, 1, 12), {0}, {0}, {0}, {0}, {0}};
        for (int d = 0; d < 2; d++) {
            r.kernel[d] = between(&seed, 1, 4);
            r.stride[d] = between(&seed, 1, 4);
            r.dilation[d] = between(&seed, 1, 3);
            r.before[d] = between(&seed, 0, 4);
            r.after[d] = between(&seed, 0, 3);
        }
        const nrm_conv_shape s = shape_of(r);
        if (s.out_height < 1 || s.out_width < 1) continue;
        if (done++ % 2) check_shape_f32(&s, &seed);
        else check_shape_f64(&s, &seed);
    }
}

static double *pattern(int64_t n, int64_t k)
{
    double *p = malloc((size_t)n * sizeof *p);
    assert_non_null(p);
    for (int64_t i = 0; i < n; i++) p[i] = (double)((i * 37 + i * i * 11 + k * 29) % 97 - 48) / 16;
    return p;
}

static void check_values(row r, const double *y, const double *dx, const double *dw)
{
    const nrm_conv_shape s = shape_of(r);
    const sizes n = sizes_of(&s);
    double *x = pattern(n.x, 1), *w = pattern(n.w, 2), *dy = pattern(n.y, 3);
    double *out = malloc((size_t)(n.x + n.w + n.y) * sizeof *out);

    assert_non_null(out);
    run_f64(&s, NRM_CONV_FORWARD, x, w, out, 1);
    assert_all_near(out, y, n.y, 1e-14);
    run_f64(&s, NRM_CONV_INPUT, dy, w, out, 1);
    assert_all_near(out, dx, n.x, 1e-14);
    run_f64(&s, NRM_CONV_WEIGHT, x, dy, out, 1);
    assert_all_near(out, dw, n.w, 1e-14);
    free(x);
    free(w);
    free(dy);
    free(out);
}

static void pytorch(void **state)
{
    (void)state;
    check_values((row){1, 2, 3, 1, 4, 5, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, plain_y, plain_dx, plain_dw);
    check_values((row){2, 4, 6, 2, 5, 6, {2, 3}, {2, 3}, {2, 1}, {1, 2}, {0, 1}}, mixed_y, mixed_dx, mixed_dw);
    check_values((row){1, 3, 3, 3, 4, 4, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, each_y, each_dx, each_dw);
}

static void kernels(void **state)
{
    uint64_t seed = 21;

    (void)state;
    for (nrm_isa isa = NRM_ISA_SCALAR; isa <= nrm_cpu_isa(); isa++)
        for (int64_t rows = 1; rows <= 17; rows++)
            for (int64_t turn = 0; turn < 6; turn++) {
                const int64_t depth = turn == 5 ? 800 : between(&seed, 1, 30), flat = between(&seed, 1, 130);
                check_kernels_f32(isa, rows, depth, flat, &seed);
                check_kernels_f64(isa, rows, depth, flat, &seed);
            }
}

/* NaN in one image stays there; in padding there is nothing to find. */
static void nonfinite(void **state)
{
    const nrm_conv_shape s = shape_of((row){2, 2, 3, 1, 4, 4, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
    float x[64], w[54], y[96];

    (void)state;
    for (int i = 0; i < 64; i++) x[i] = i == 5 ? NAN : 1; /* row 1, column 1 of the first channel */
    for (int i = 0; i < 54; i++) w[i] = 1;
    run_f32(&s, NRM_CONV_FORWARD, x, w, y, 1);
    for (int i = 0; i < 96; i++) assert_int_equal(isnan(y[i]) != 0, i < 48 && i % 16 / 4 < 3 && i % 4 < 3);
}

static void rules(void **state)
{
    const int64_t huge = INT64_MAX;
    nrm_conv_shape s = shape_of((row){2, 4, 6, 2, 5, 6, {2, 3}, {2, 3}, {2, 1}, {1, 2}, {0, 1}});

    (void)state;
    assert_int_equal(nrm_conv_out_length(28, 3, 2, 1, 1, 1), 14);
    assert_int_equal(nrm_conv_out_length(5, 3, 1, 3, 0, 0), -1);
    assert_int_equal(nrm_conv_out_length(5, 3, 1, 3, 1, 1), 1);
    assert_int_equal(nrm_conv_out_length(5, 0, 1, 1, 0, 0), -1);
    assert_int_equal(nrm_conv_out_length(5, 1, 0, 1, 0, 0), -1);
    assert_int_equal(nrm_conv_out_length(5, 1, 1, 0, 0, 0), -1);
    assert_int_equal(nrm_conv_out_length(5, 1, 1, 1, -1, 0), -1);
    assert_int_equal(nrm_conv_out_length(huge, 1, 1, 1, 1, 0), -1);
    assert_int_equal(nrm_conv_out_length(5, huge, 1, huge, 0, 0), -1);
    assert_true(nrm_conv_shape_valid(&s));
    s.groups = 3;
    assert_false(nrm_conv_shape_valid(&s));
    s.groups = 2;
    s.before[1] = -1;
    assert_false(nrm_conv_shape_valid(&s));
    s.before[1] = 2;
    s.batch = huge / 16;
    assert_false(nrm_conv_shape_valid(&s));
    s = shape_of((row){1, 1, 1, 1, 1 << 20, 1 << 20, {2, 2}, {1, 1}, {1 << 20, 1}, {1 << 20, 0}, {0, 0}});
    assert_true(nrm_conv_shape_valid(&s));
    for (nrm_conv_kind kind = NRM_CONV_FORWARD; kind <= NRM_CONV_WEIGHT; kind++) {
        assert_true(nrm_conv_work_f32(&s, kind, 1) > 0);
        assert_true(nrm_conv_work_f64(&s, kind, 1) > nrm_conv_work_f32(&s, kind, 1));
    }
    s = shape_of((row){1, 1 << 15, 1 << 15, 1, 1 << 12, 1 << 12, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}});
    assert_true(nrm_conv_work_f64(&s, NRM_CONV_FORWARD, 1) > 0);
    s.in = 1LL << 29;
    s.width = s.out_width = 1LL << 10;
    assert_true(nrm_conv_shape_valid(&s));
    assert_int_equal(nrm_conv_work_f64(&s, NRM_CONV_FORWARD, INT_MAX), -1);
}

NRM_TEST_MAIN(cmocka_unit_test(shapes), cmocka_unit_test(random_shapes), cmocka_unit_test(pytorch),
              cmocka_unit_test(kernels), cmocka_unit_test(nonfinite), cmocka_unit_test(rules))
