/* test_sketch.c -- Gaussian, SRHT and CountSketch. */
#include "linalg/linalg.h"
#include "linalg/sketch.h"
#include "reference/linalg_values.h"
#include "testkit.h"

static const uint64_t SEED = 12345678901234567890u;
static const nrm_sketch_kind KINDS[3] = {NRM_SKETCH_GAUSSIAN, NRM_SKETCH_SRHT, NRM_SKETCH_COUNTSKETCH};

/* S itself: the sketch of the identity. */
static void matrix(nrm_ctx *ctx, nrm_sketch_kind kind, uint64_t seed, int64_t m, int64_t n, double *s)
{
    double *identity = calloc((size_t)(n * n), sizeof *identity);
    assert_non_null(identity);
    for (int64_t i = 0; i < n; i++) identity[i * n + i] = 1;
    assert_ok(ctx, nrm_sketch(ctx, "t", kind, seed, 7, m, n, n, identity, n, s, n));
    free(identity);
}

/* The same numbers from a Philox and a sketch written in Python. */
static void test_reference(void **state)
{
    (void)state;
    const double *expected[3] = {sketch_gaussian, sketch_srht, sketch_count};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[11 * 5], sa[4 * 6];

    for (int kind = 0; kind < 3; kind++) {
        for (int i = 0; i < 55; i++) a[i] = NAN; /* between the rows */
        for (int i = 0; i < 24; i++) sa[i] = -1;
        pattern(11, 3, 9, a, 5);
        assert_ok(ctx, nrm_sketch(ctx, "t", KINDS[kind], SEED, 7, 4, 11, 3, a, 5, sa, 6));
        for (int i = 0; i < 4; i++) {
            assert_all_near(sa + i * 6, expected[kind] + i * 3, 3, 1e-13);
            assert_true(sa[i * 6 + 3] == -1);
        }
    }
    nrm_ctx_destroy(ctx);
}

/* Each family's own shape. */
static void test_structure(void **state)
{
    (void)state;
    enum { M = 16, N = 13 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double s[M * N];

    matrix(ctx, NRM_SKETCH_COUNTSKETCH, 1, M, N, s);
    for (int j = 0; j < N; j++) {
        int filled = 0;
        for (int i = 0; i < M; i++) {
            filled += s[i * N + j] != 0;
            assert_true(s[i * N + j] == 0 || fabs(s[i * N + j]) == 1);
        }
        assert_int_equal(filled, 1);
    }
    /* m = N, the padded length: every row is drawn, so S'S = I */
    matrix(ctx, NRM_SKETCH_SRHT, 1, M, N, s);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < M; k++) sum += s[k * N + i] * s[k * N + j];
            assert_near(sum, i == j, 1e-15);
        }
    matrix(ctx, NRM_SKETCH_SRHT, 1, 5, N, s);
    for (int i = 0; i < 5 * N; i++) assert_near(fabs(s[i]), 1 / sqrt(5), 1e-15);
    nrm_ctx_destroy(ctx);
}

/* E[S'S] = I: the mean over TRIALS seeds, off by at most five standard errors.  One entry
 * of S'S has a variance of at most 3/m. */
static void test_expectation(void **state)
{
    (void)state;
    enum { M = 4, N = 6, TRIALS = 2000 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int kind = 0; kind < 3; kind++) {
        double mean[N * N] = {0}, s[M * N];
        for (uint64_t trial = 0; trial < TRIALS; trial++) {
            matrix(ctx, KINDS[kind], trial, M, N, s);
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++)
                    for (int k = 0; k < M; k++) mean[i * N + j] += s[k * N + i] * s[k * N + j] / TRIALS;
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
    enum { M = 70, N = 9001, D = 75 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double *a = malloc(sizeof(double) * N * D), *first = malloc(sizeof(double) * M * D),
           *other = malloc(sizeof(double) * M * D);
    uint64_t seed = 5;

    assert_true(a && first && other);
    for (int i = 0; i < N * D; i++) a[i] = nrm_test_normal(&seed);
    for (int kind = 0; kind < 3; kind++) {
        for (int threads = 1; threads <= 3; threads++) {
            assert_ok(ctx, nrm_set_threads(ctx, threads));
            assert_ok(ctx, nrm_sketch(ctx, "t", KINDS[kind], 3, 1, M, N, D, a, D, threads == 1 ? first : other, D));
            if (threads > 1) assert_memory_equal(first, other, sizeof(double) * M * D);
        }
        assert_ok(ctx, nrm_sketch(ctx, "t", KINDS[kind], 3, 1, M, N, 10, a, D, other, D));
        for (int i = 0; i < M; i++) assert_all_near(other + i * D, first + i * D, 10, 1e-12);
        assert_ok(ctx, nrm_sketch(ctx, "t", KINDS[kind], 4, 1, M, N, D, a, D, other, D));
        assert_memory_not_equal(first, other, sizeof(double) * M * D);
        assert_ok(ctx, nrm_sketch(ctx, "t", KINDS[kind], 3, 2, M, N, D, a, D, other, D));
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

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[6] = {1, 2, 3, 4, 5, 6}, sa[40], before[40];

    for (int i = 0; i < 40; i++) before[i] = sa[i] = i;
    assert_status(ctx, nrm_sketch(ctx, "s", NRM_SKETCH_SRHT, 1, 1, 5, 3, 2, a, 2, sa, 2), NRM_E_RANGE);
    assert_message(ctx, "ask for 4 or fewer");
    assert_status(ctx, nrm_sketch(ctx, "s", (nrm_sketch_kind)9, 1, 1, 2, 3, 2, a, 2, sa, 2), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_sketch(ctx, "s", NRM_SKETCH_GAUSSIAN, 1, 1, 0, 3, 2, a, 2, sa, 2), NRM_E_SHAPE);
    assert_status(ctx, nrm_sketch(ctx, "s", NRM_SKETCH_GAUSSIAN, 1, 1, 2, 3, 2, a, 1, sa, 2), NRM_E_SHAPE);
    assert_status(ctx, nrm_sketch(ctx, "s", NRM_SKETCH_GAUSSIAN, 1, 1, INT64_MAX, 3, 2, a, 2, sa, 2), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_sketch(ctx, "s", NRM_SKETCH_GAUSSIAN, 1, 1, 2, 3, 2, NULL, 2, sa, 2), NRM_E_NULL);
    assert_status(ctx, nrm_sketch(ctx, "s", NRM_SKETCH_GAUSSIAN, 1, 1, 1, 3, 2, a, 2, a + 4, 2), NRM_E_ALIAS);
    a[3] = INFINITY;
    for (int kind = 0; kind < 3; kind++)
        assert_status(ctx, nrm_sketch(ctx, "s", KINDS[kind], 1, 1, 2, 3, 2, a, 2, sa, 2), NRM_E_NONFINITE);
    assert_message(ctx, "s: the matrix[1,1] is inf");
    a[3] = 4;
    nrm_cancel(ctx);
    for (int kind = 0; kind < 3; kind++)
        assert_status(ctx, nrm_sketch(ctx, "s", KINDS[kind], 1, 1, 2, 3, 2, a, 2, sa, 2), NRM_E_CANCELLED);
    assert_memory_equal(sa, before, sizeof sa);
    nrm_ctx_destroy(ctx);
}

typedef struct job { nrm_sketch_kind kind; double sa[8]; } job;

static nrm_status sketch_body(nrm_ctx *ctx, void *user)
{
    job *j = user;
    const double a[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    return nrm_sketch(ctx, "t", j->kind, 1, 1, 4, 5, 2, a, 2, j->sa, 2);
}

static void test_memory(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        job j = {KINDS[kind], {0}};
        nrm_test_allocation_failures(sketch_body, &j, j.sa, sizeof j.sa);
        assert_true(nrm_norm2(j.sa, 8) > 0);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_reference), cmocka_unit_test(test_structure), cmocka_unit_test(test_expectation),
              cmocka_unit_test(test_determinism), cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory))
