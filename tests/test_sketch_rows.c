/* test_sketch_rows.c -- a sketch as a sum over chunks of rows of [A B]. */
#include "linalg/sketch.h"
#include "testkit.h"

enum { KINDS = 8, STREAM = 3 };

static nrm_sketch_plan plan_of(int number, int64_t m, int64_t n)
{
    static const nrm_sketch_kind kinds[KINDS] = {NRM_SKETCH_GAUSSIAN, NRM_SKETCH_SRHT, NRM_SKETCH_SRHT, NRM_SKETCH_SRCT,
                                                 NRM_SKETCH_SRCT, NRM_SKETCH_BGP, NRM_SKETCH_COUNTSKETCH, NRM_SKETCH_OSNAP};
    return (nrm_sketch_plan){.kind = kinds[number], .seed = 9, .stream = STREAM, .m = m, .n = n, .nonzeros = 5,
                             .replace = number == 2 || number == 4, .pool = number == 5 ? 3 : 0};
}

static double *normals(int64_t count, uint64_t seed)
{
    double *x = malloc((size_t)count * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) x[i] = nrm_test_normal(&seed);
    return x;
}

/* [A B] in one piece, of n x (d + q). */
static double *whole(nrm_ctx *ctx, const nrm_sketch_plan *plan, int64_t d, int64_t q, const double *a, const double *b)
{
    double *ab = malloc((size_t)(plan->n * (d + q)) * sizeof *ab), *sa = malloc((size_t)(plan->m * (d + q)) * sizeof *sa);
    assert_true(ab && sa);
    for (int64_t i = 0; i < plan->n; i++) {
        memcpy(ab + i * (d + q), a + i * d, (size_t)d * sizeof *ab);
        memcpy(ab + i * (d + q) + d, b + i * q, (size_t)q * sizeof *ab);
    }
    assert_ok(ctx, nrm_sketch(ctx, "t", plan, d + q, ab, d + q, sa, d + q));
    free(ab);
    return sa;
}

/* The chunks backwards: every chunk is `units` units, the last what is left. */
static void stream(nrm_ctx *ctx, const nrm_sketch_plan *plan, int64_t units, int64_t d, int64_t q, const double *a,
                   const double *b, const double *expected)
{
    nrm_sketch_sum *sum;
    assert_ok(ctx, nrm_sketch_begin(ctx, "t", plan, d, q, &sum));
    const int64_t unit = nrm_sketch_unit(sum) * units;
    assert_true(unit >= 1);
    for (int64_t chunk = (plan->n - 1) / unit; chunk >= 0; chunk--) {
        const int64_t first = chunk * unit, count = plan->n - first < unit ? plan->n - first : unit;
        assert_ok(ctx, nrm_sketch_add(ctx, sum, first, count, a + first * d, d, q > 0 ? b + first * q : NULL, q));
    }
    assert_all_near(nrm_sketch_values(sum), expected, plan->m * (d + q), 1e-11);
    assert_ptr_equal(nrm_sketch_values(sum), nrm_sketch_values(sum));
    assert_status(ctx, nrm_sketch_add(ctx, sum, 0, plan->n, a, d, b, q), NRM_E_ARGUMENT);
    nrm_sketch_end(ctx, sum);
}

/* Chunks in another order give the sketch of the whole, for tall, for short, for odd sizes. */
static void test_chunks(void **state)
{
    (void)state;
    static const int64_t sizes[][4] = { /* m, n, d, q */
        {64, 20011, 11, 2}, {8, 5000, 3, 0}, {256, 4096, 8, 1}, {16, 16, 5, 1}, {1, 1, 1, 1}, {32, 1025, 0, 1}, {128, 9000, 17, 3},
    };
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    assert_ok(ctx, nrm_set_threads(ctx, 2));
    for (int size = 0; size < (int)(sizeof sizes / sizeof *sizes); size++) {
        const int64_t m = sizes[size][0], n = sizes[size][1], d = sizes[size][2], q = sizes[size][3];
        double *a = normals(n * d + 1, 1), *b = normals(n * q + 1, 2);
        for (int number = 0; number < KINDS; number++) {
            nrm_sketch_plan plan = plan_of(number, m, n);
            if (plan.nonzeros > m) plan.nonzeros = m;
            double *expected = whole(ctx, &plan, d, q, a, b);
            stream(ctx, &plan, 1, d, q, a, b, expected);
            stream(ctx, &plan, 3, d, q, a, b, expected);
            free(expected);
        }
        free(a);
        free(b);
    }
    nrm_ctx_destroy(ctx);
}

/* Odd numbers of rows; what needs a power of two is left out. */
static void test_odd(void **state)
{
    (void)state;
    static const int64_t rows[] = {3, 7, 65, 77, 129, 300};
    enum { N = 1531, D = 9 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double *a = normals(N * D, 1), *b = normals(N, 2);

    for (int i = 0; i < 6; i++)
        for (int number = 0; number < KINDS; number++) {
            nrm_sketch_plan plan = plan_of(number, rows[i], N);
            if (plan.kind == NRM_SKETCH_BGP) continue;
            if (plan.nonzeros > plan.m) plan.nonzeros = plan.m;
            double *expected = whole(ctx, &plan, D, 1, a, b);
            stream(ctx, &plan, 1, D, 1, a, b, expected);
            free(expected);
        }
    free(a);
    free(b);
    nrm_ctx_destroy(ctx);
}

/* The bits of a stream do not depend on the threads either. */
static void test_threads(void **state)
{
    (void)state;
    enum { M = 64, N = 12345, D = 13 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double *a = normals(N * D, 1), *kept = malloc(sizeof(double) * M * D);
    nrm_sketch_sum *sum;

    assert_non_null(kept);
    for (int number = 0; number < KINDS; number++)
        for (int threads = 1; threads <= 3; threads++) {
            const nrm_sketch_plan plan = plan_of(number, M, N);
            assert_ok(ctx, nrm_set_threads(ctx, threads));
            assert_ok(ctx, nrm_sketch_begin(ctx, "t", &plan, D, 0, &sum));
            const int64_t unit = nrm_sketch_unit(sum);
            for (int64_t first = 0; first < N; first += unit)
                assert_ok(ctx, nrm_sketch_add(ctx, sum, first, N - first < unit ? N - first : unit, a + first * D, D, NULL, 0));
            if (threads == 1) memcpy(kept, nrm_sketch_values(sum), sizeof(double) * M * D);
            else assert_memory_equal(kept, nrm_sketch_values(sum), sizeof(double) * M * D);
            nrm_sketch_end(ctx, sum);
        }
    free(a);
    free(kept);
    nrm_ctx_destroy(ctx);
}

/* The unit, and with it the memory, does not grow with n. */
static void test_unit(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int number = 0; number < KINDS; number++) {
        int64_t units[2], peaks[2];
        for (int k = 0; k < 2; k++) {
            nrm_test_memory memory = {.fail_at = -1};
            nrm_ctx *counted = nrm_test_ctx(&memory);
            const nrm_sketch_plan plan = plan_of(number, 1024, k == 0 ? INT64_C(1) << 30 : INT64_C(1) << 45);
            nrm_sketch_sum *sum;
            assert_ok(counted, nrm_sketch_begin(counted, "t", &plan, 20, 1, &sum));
            units[k] = nrm_sketch_unit(sum);
            peaks[k] = memory.peak_bytes;
            nrm_sketch_end(counted, sum);
            nrm_ctx_destroy(counted);
            assert_int_equal(memory.live, 0);
        }
        assert_int_equal(units[0], units[1]);
        assert_int_equal(peaks[0], peaks[1]);
        assert_true(units[0] * 21 * 8 <= 1 << 27);
    }
    nrm_ctx_destroy(ctx);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_sketch_plan plan = plan_of(0, 4, 1000);
    double *a = normals(1000 * 2, 1);
    nrm_sketch_sum *sum;

    assert_status(ctx, nrm_sketch_begin(ctx, "t", &plan, 0, 0, &sum), NRM_E_SHAPE);
    assert_null(sum);
    assert_status(ctx, nrm_sketch_begin(ctx, "t", &plan, -1, 2, &sum), NRM_E_SHAPE);
    assert_status(ctx, nrm_sketch_begin(ctx, "t", &plan, INT64_MAX, INT64_MAX, &sum), NRM_E_OVERFLOW);
    assert_ok(ctx, nrm_sketch_begin(ctx, "t", &plan, 2, 0, &sum));
    const int64_t unit = nrm_sketch_unit(sum);
    assert_status(ctx, nrm_sketch_add(ctx, sum, 1, unit, a, 2, NULL, 0), NRM_E_SHAPE);
    assert_message(ctx, "takes whole chunks of 256 rows");
    assert_status(ctx, nrm_sketch_add(ctx, sum, 0, unit - 1, a, 2, NULL, 0), NRM_E_SHAPE);
    assert_status(ctx, nrm_sketch_add(ctx, sum, 0, 1001, a, 2, NULL, 0), NRM_E_SHAPE);
    assert_status(ctx, nrm_sketch_add(ctx, sum, -unit, unit, a, 2, NULL, 0), NRM_E_SHAPE);
    assert_status(ctx, nrm_sketch_add(ctx, sum, 0, unit, a, 1, NULL, 0), NRM_E_SHAPE);
    assert_status(ctx, nrm_sketch_add(ctx, sum, 0, unit, NULL, 2, NULL, 0), NRM_E_NULL);
    assert_ok(ctx, nrm_sketch_add(ctx, sum, 1000, 0, NULL, 2, NULL, 0)); /* no rows: nothing */
    for (int64_t i = 0; i < 8; i++) assert_true(nrm_sketch_values(sum)[i] == 0);
    nrm_sketch_end(ctx, sum);
    nrm_sketch_end(ctx, NULL);
    free(a);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_chunks), cmocka_unit_test(test_odd), cmocka_unit_test(test_threads),
              cmocka_unit_test(test_unit), cmocka_unit_test(test_refusals))
