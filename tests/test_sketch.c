/* test_sketch.c -- the random matrices S: their numbers, structure, laws and bits. */
#include "linalg/linalg.h"
#include "linalg/sketch.h"
#include "reference/linalg_values.h"
#include "testkit.h"

static const uint64_t SEED = 12345678901234567890u;
enum { KINDS = 7 }; /* srht also with replacement */

static nrm_sketch_plan plan_of(int number, uint64_t seed, int64_t m, int64_t n)
{
    static const nrm_sketch_kind kinds[KINDS] = {NRM_SKETCH_GAUSSIAN, NRM_SKETCH_SRHT, NRM_SKETCH_SRHT, NRM_SKETCH_SRCT,
                                                 NRM_SKETCH_BGP, NRM_SKETCH_COUNTSKETCH, NRM_SKETCH_OSNAP};
    return (nrm_sketch_plan){.kind = kinds[number], .seed = seed, .stream = 7, .m = m, .n = n, .nonzeros = 3,
                             .replace = number == 2};
}

/* S itself: the sketch of the identity. */
static void matrix(nrm_ctx *ctx, const nrm_sketch_plan *plan, double *s)
{
    const int64_t n = plan->n;
    double *identity = calloc((size_t)(n * n), sizeof *identity);
    assert_non_null(identity);
    for (int64_t i = 0; i < n; i++) identity[i * n + i] = 1;
    assert_ok(ctx, nrm_sketch(ctx, "t", plan, n, identity, n, s, n));
    free(identity);
}

/* The same numbers from a Philox and sketches written in Python. */
static void test_reference(void **state)
{
    (void)state;
    const double *expected[KINDS] = {sketch_gaussian, sketch_srht, sketch_srht_replace, sketch_srct, sketch_bgp,
                                     sketch_count, sketch_osnap};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[11 * 5], sa[4 * 6];

    for (int number = 0; number < KINDS; number++) {
        const nrm_sketch_plan plan = plan_of(number, SEED, 4, 11);
        for (int i = 0; i < 55; i++) a[i] = NAN; /* between the rows */
        for (int i = 0; i < 24; i++) sa[i] = -1;
        pattern(11, 3, 9, a, 5);
        assert_ok(ctx, nrm_sketch(ctx, "t", &plan, 3, a, 5, sa, 6));
        for (int i = 0; i < 4; i++) {
            assert_all_near(sa + i * 6, expected[number] + i * 3, 3, 1e-13);
            assert_true(sa[i * 6 + 3] == -1);
        }
    }
    nrm_ctx_destroy(ctx);
}

/* The seeds that draw the worked example, D = (+, -, +, -), rows 0, 2, 3 of H: one case of
 * 16 times 24, which three others equal (D times row k of H, rows xor k). */
static void test_worked_example(void **state)
{
    (void)state;
    const double ab[12] = {1, 2, 1, 0, 1, 2, 1, -1, 3, 3, 1, 5}, expected[9] = {-1, -1, -3, 3, 3, 1, -3, 3, -5};
    const double drawn[12] = {1, -1, 1, -1, 1, -1, -1, 1, 1, 1, -1, -1}; /* those rows of H D */
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double s[12], sa[9];
    int found = 0;

    for (uint64_t seed = 0; seed < 5000; seed++) {
        const nrm_sketch_plan plan = plan_of(1, seed, 3, 4);
        matrix(ctx, &plan, s);
        bool same = true;
        for (int i = 0; i < 12; i++) same = same && s[i] * drawn[i] > 0;
        if (!same) continue;
        found++;
        assert_ok(ctx, nrm_sketch(ctx, "t", &plan, 3, ab, 3, sa, 3));
        for (int i = 0; i < 9; i++) assert_near(sqrt(3) * sa[i], expected[i], 1e-14);
    }
    assert_in_range(found, 25, 85); /* 52 expected: signs and rows are uniform */
    nrm_ctx_destroy(ctx);
}

static void gram(int64_t m, int64_t n, const double *s, int64_t i, int64_t j, double *sum)
{
    *sum = 0;
    for (int64_t k = 0; k < m; k++) *sum += s[k * n + i] * s[k * n + j];
}

/* Each family's own shape. */
static void test_structure(void **state)
{
    (void)state;
    enum { M = 16, N = 13 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double s[M * N], sum;

    for (int number = 5; number < KINDS; number++) {
        const int64_t bands = number == 5 ? 1 : 3;
        nrm_sketch_plan plan = plan_of(number, 1, M, N);
        matrix(ctx, &plan, s);
        for (int64_t j = 0; j < N; j++)
            for (int64_t band = 0; band < bands; band++) {
                int filled = 0;
                for (int64_t i = band * M / bands; i < (band + 1) * M / bands; i++) {
                    filled += s[i * N + j] != 0;
                    assert_true(s[i * N + j] == 0 || fabs(fabs(s[i * N + j]) - 1 / sqrt((double)bands)) < 1e-15);
                }
                assert_int_equal(filled, 1);
            }
    }
    /* m = N, the padded length: every row is drawn, so S'S = I */
    nrm_sketch_plan plan = plan_of(1, 1, M, N);
    matrix(ctx, &plan, s);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            gram(M, N, s, i, j, &sum);
            assert_near(sum, i == j, 1e-15);
        }
    for (int number = 1; number <= 3; number++) {
        plan = plan_of(number, 1, 5, N);
        matrix(ctx, &plan, s);
        for (int i = 0; i < 5 * N; i++) assert_near(fabs(s[i]), 1 / sqrt(5), 1e-15);
    }
    nrm_ctx_destroy(ctx);
}

/* srct: row r of S, without D, is g turned by row_r; every row of C is there when m = n, so the
 * columns of S have the circulant's inner products, which depend on the distance alone. */
static void test_circulant(void **state)
{
    (void)state;
    enum { N = 9 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_sketch_plan plan = plan_of(3, 2, N, N);
    double s[N * N], sum, of_distance[N];

    matrix(ctx, &plan, s);
    for (int i = 0; i < N; i++)
        for (int distance = 0; distance < N; distance++) {
            gram(N, N, s, i, (i + distance) % N, &sum);
            if (i == 0) of_distance[distance] = fabs(sum);
            assert_near(fabs(sum), of_distance[distance], 1e-14); /* up to the signs D */
        }
    nrm_ctx_destroy(ctx);
}

/* bgp: |S_ji| sqrt(N), taken over a block's positions, is |sum of +-gamma|; with one position a
 * block all columns of a row agree, and rows are orthogonal up to their lengths. */
static void test_pooled(void **state)
{
    (void)state;
    enum { M = 16 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_sketch_plan plan = plan_of(4, 3, M, M);
    double s[M * M];

    matrix(ctx, &plan, s);
    for (int i = 0; i < M; i++)
        for (int k = 0; k < M; k++) {
            double sum = 0;
            assert_near(fabs(s[i * M + k]), fabs(s[i * M]), 1e-14);
            for (int j = 0; j < M; j++) sum += s[i * M + j] * s[k * M + j];
            if (i != k) assert_near(sum, 0, 1e-14);
        }
    /* a pool of 8 is a different S, of N = 128 */
    double pooled[M * M];
    plan.pool = 5;
    matrix(ctx, &plan, pooled);
    assert_memory_not_equal(s, pooled, sizeof s);
    assert_true(fabs(fabs(pooled[0]) - fabs(pooled[1])) > 1e-6);
    nrm_ctx_destroy(ctx);
}

/* E[S'S] = I: the mean over TRIALS seeds, off by at most five standard errors.  One entry
 * of S'S has a variance of at most 3/m. */
static void test_expectation(void **state)
{
    (void)state;
    enum { M = 4, N = 6, TRIALS = 2000 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int number = 0; number < KINDS; number++) {
        double mean[N * N] = {0}, s[M * N], sum;
        for (uint64_t trial = 0; trial < TRIALS; trial++) {
            const nrm_sketch_plan plan = plan_of(number, trial, M, N);
            matrix(ctx, &plan, s);
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++) {
                    gram(M, N, s, i, j, &sum);
                    mean[i * N + j] += sum / TRIALS;
                }
        }
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                assert_true(fabs(mean[i * N + j] - (i == j)) < 5 * sqrt(3.0 / M / TRIALS));
    }
    nrm_ctx_destroy(ctx);
}

/* The same bits for 1, 2 and 3 threads, at sizes that are cut in several pieces; S does
 * not depend on d; streams and seeds differ. */
static void test_determinism(void **state)
{
    (void)state;
    enum { M = 64, N = 9001, D = 75 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double *a = malloc(sizeof(double) * N * D), *first = malloc(sizeof(double) * M * D),
           *other = malloc(sizeof(double) * M * D);
    uint64_t seed = 5;

    assert_true(a && first && other);
    for (int i = 0; i < N * D; i++) a[i] = nrm_test_normal(&seed);
    for (int number = 0; number < KINDS; number++) {
        nrm_sketch_plan plan = plan_of(number, 3, M, N);
        for (int threads = 1; threads <= 3; threads++) {
            assert_ok(ctx, nrm_set_threads(ctx, threads));
            assert_ok(ctx, nrm_sketch(ctx, "t", &plan, D, a, D, threads == 1 ? first : other, D));
            if (threads > 1) assert_memory_equal(first, other, sizeof(double) * M * D);
        }
        assert_ok(ctx, nrm_sketch(ctx, "t", &plan, 10, a, D, other, D));
        for (int i = 0; i < M; i++) assert_all_near(other + i * D, first + i * D, 10, 1e-12);
        plan.seed = 4;
        assert_ok(ctx, nrm_sketch(ctx, "t", &plan, D, a, D, other, D));
        assert_memory_not_equal(first, other, sizeof(double) * M * D);
        plan.seed = 3;
        plan.stream = 2;
        assert_ok(ctx, nrm_sketch(ctx, "t", &plan, D, a, D, other, D));
        assert_memory_not_equal(first, other, sizeof(double) * M * D);
        /* and it keeps lengths: |S a_0|^2 within a few sqrt(2/m) of |a_0|^2 */
        double before = 0, after = 0;
        for (int i = 0; i < N; i++) before += a[i * D] * a[i * D];
        for (int i = 0; i < M; i++) after += first[i * D] * first[i * D];
        assert_true(fabs(after / before - 1) < 5 * sqrt(2.0 / M));
    }
    free(a); free(first); free(other);
    nrm_ctx_destroy(ctx);
}

static void refuse(nrm_ctx *ctx, nrm_sketch_plan plan, int64_t d, const double *a, int64_t lda, double *sa,
                   nrm_status status, const char *message)
{
    assert_status(ctx, nrm_sketch(ctx, "s", &plan, d, a, lda, sa, 2), status);
    assert_message(ctx, message);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[6] = {1, 2, 3, 4, 5, 6}, sa[40], before[40];
    nrm_sketch_plan plan = plan_of(0, 1, 2, 3);

    for (int i = 0; i < 40; i++) before[i] = sa[i] = i;
    refuse(ctx, plan_of(1, 1, 5, 3), 2, a, 2, sa, NRM_E_RANGE, "ask for 4 or fewer");
    refuse(ctx, plan_of(3, 1, 4, 3), 2, a, 2, sa, NRM_E_RANGE, "ask for 3 or fewer");
    refuse(ctx, plan_of(4, 1, 3, 3), 2, a, 2, sa, NRM_E_RANGE, "must be a power of two: ask for 4");
    refuse(ctx, plan_of(6, 1, 2, 3), 2, a, 2, sa, NRM_E_RANGE, "3 nonzeros in a column of a sketch of 2 rows");
    plan = plan_of(4, 1, 2, 3);
    plan.pool = -1;
    refuse(ctx, plan, 2, a, 2, sa, NRM_E_RANGE, "a pool of -1 rows");
    plan.pool = INT64_MAX;
    refuse(ctx, plan, 2, a, 2, sa, NRM_E_OVERFLOW, "too large");
    plan = plan_of(0, 1, 2, 3);
    plan.kind = (nrm_sketch_kind)9;
    refuse(ctx, plan, 2, a, 2, sa, NRM_E_ARGUMENT, "no sketch of kind 9");
    for (int number = 0; number < KINDS; number++) {
        refuse(ctx, plan_of(number, 1, 0, 3), 2, a, 2, sa, NRM_E_SHAPE, "the sketch");
        refuse(ctx, plan_of(number, 1, 2, 3), 2, a, 1, sa, NRM_E_SHAPE, "the matrix");
        refuse(ctx, plan_of(number, 1, INT64_MAX, 3), 2, a, 2, sa, NRM_E_OVERFLOW, "the sketch");
        refuse(ctx, plan_of(number, 1, 2, 3), 2, NULL, 2, sa, NRM_E_NULL, "the matrix");
    }
    refuse(ctx, plan_of(0, 1, 1, 3), 2, a, 2, a + 4, NRM_E_ALIAS, "overlap");
    a[3] = INFINITY;
    for (int number = 0; number < KINDS; number++)
        refuse(ctx, plan_of(number, 1, 2, 3), 2, a, 2, sa, NRM_E_NONFINITE, "s: the matrix[1,1] is inf");
    a[3] = 4;
    nrm_cancel(ctx);
    for (int number = 0; number < KINDS - 1; number++)
        refuse(ctx, plan_of(number, 1, 2, 3), 2, a, 2, sa, NRM_E_CANCELLED, "stopped at row 0 of 3 of a sketch");
    assert_memory_equal(sa, before, sizeof sa);
    nrm_ctx_destroy(ctx);
}

typedef struct job { int number; double sa[8]; } job;

static nrm_status sketch_body(nrm_ctx *ctx, void *user)
{
    job *j = user;
    const double a[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const nrm_sketch_plan plan = plan_of(j->number, 1, 4, 5);
    return nrm_sketch(ctx, "t", &plan, 2, a, 2, j->sa, 2);
}

static void test_memory(void **state)
{
    (void)state;
    for (int number = 0; number < KINDS; number++) {
        job j = {number, {0}};
        nrm_test_allocation_failures(sketch_body, &j, j.sa, sizeof j.sa);
        assert_true(nrm_norm2(j.sa, 8) > 0);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_reference), cmocka_unit_test(test_worked_example), cmocka_unit_test(test_structure),
              cmocka_unit_test(test_circulant), cmocka_unit_test(test_pooled), cmocka_unit_test(test_expectation),
              cmocka_unit_test(test_determinism), cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory))
