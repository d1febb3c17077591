/* test_tensor_sketch.c -- sketches of Kronecker products against the same S on the product. */
#include "linalg/tensor_sketch.h"
#include "linalg/transform.h"
#include "testkit.h"

enum { K = 3, ROWS = 5 * 4 * 6, COLUMNS = 2 * 3 * 1, M = 7 };
static const int64_t N[K] = {5, 4, 6}, D[K] = {2, 3, 1};

static nrm_tensor_plan plan_of(nrm_sketch_kind kind, uint64_t seed, int64_t m)
{
    nrm_tensor_plan plan = {.kind = kind, .seed = seed, .stream = 4, .m = m, .factors = K};
    memcpy(plan.n, N, sizeof N);
    return plan;
}

/* The factors, and their Kronecker product (ROWS x COLUMNS). */
static void make(nrm_tensor_factor factor[K], double a[K][6 * 4], double *product)
{
    uint64_t seed = 1;
    for (int j = 0; j < K; j++) {
        for (int i = 0; i < 24; i++) a[j][i] = nrm_test_normal(&seed);
        factor[j] = (nrm_tensor_factor){D[j], a[j], D[j] + 1};
    }
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t c = 0; c < COLUMNS; c++) {
            const int64_t row[K] = {i / 24, i / 6 % 4, i % 6}, column[K] = {c / 3, c % 3, 0};
            product[i * COLUMNS + c] = 1;
            for (int j = 0; j < K; j++) product[i * COLUMNS + c] *= a[j][row[j] * (D[j] + 1) + column[j]];
        }
}

/* S itself, m x ROWS: the sketch of the identity as a general array. */
static void matrix(nrm_ctx *ctx, const nrm_tensor_plan *plan, double *s)
{
    double *identity = calloc(ROWS * ROWS, sizeof *identity);
    assert_non_null(identity);
    for (int64_t i = 0; i < ROWS; i++) identity[i * ROWS + i] = 1;
    assert_ok(ctx, nrm_tensor_sketch_array(ctx, "t", plan, ROWS, identity, ROWS, s, ROWS));
    free(identity);
}

/* The factored sketch, that of the explicit product, and S times the product agree. */
static void test_product(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_tensor_factor factor[K];
    double a[K][24], sa[M * 8], array[M * COLUMNS], direct[M * COLUMNS], *s = malloc(sizeof(double) * M * ROWS);
    double *product = malloc(sizeof(double) * ROWS * COLUMNS);

    assert_true(s && product);
    make(factor, a, product);
    for (int kind = 0; kind < 2; kind++) {
        const nrm_tensor_plan plan = plan_of(kind ? NRM_SKETCH_SRCT : NRM_SKETCH_SRHT, 3, M);
        for (int i = 0; i < M * 8; i++) sa[i] = -1;
        assert_ok(ctx, nrm_tensor_sketch(ctx, "t", &plan, factor, sa, 8));
        assert_ok(ctx, nrm_tensor_sketch_array(ctx, "t", &plan, COLUMNS, product, COLUMNS, array, COLUMNS));
        matrix(ctx, &plan, s);
        for (int r = 0; r < M; r++)
            for (int c = 0; c < COLUMNS; c++) {
                direct[r * COLUMNS + c] = 0;
                for (int i = 0; i < ROWS; i++) direct[r * COLUMNS + c] += s[r * ROWS + i] * product[i * COLUMNS + c];
            }
        for (int r = 0; r < M; r++) {
            assert_all_near(sa + r * 8, array + r * COLUMNS, COLUMNS, 1e-13);
            assert_all_near(sa + r * 8, direct + r * COLUMNS, COLUMNS, 1e-13);
            assert_true(sa[r * 8 + 6] == -1);
        }
        for (int i = 0; i < M * ROWS; i++) assert_near(fabs(s[i]), 1 / sqrt(M), 1e-14);
    }
    free(s);
    free(product);
    nrm_ctx_destroy(ctx);
}

/* H_n1 (x) H_n2 of x (x) y is H x (x) H y. */
static void test_kronecker_of_hadamard(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double x[4] = {1, -2, 0.5, 3}, y[8] = {2, 1, 0, -1, 4, 0.25, -3, 1}, z[32];

    for (int i = 0; i < 32; i++) z[i] = x[i / 8] * y[i % 8];
    assert_ok(ctx, nrm_hadamard(ctx, "t", 4, x, false));
    assert_ok(ctx, nrm_hadamard(ctx, "t", 8, y, false));
    assert_ok(ctx, nrm_hadamard(ctx, "t", 32, z, false));
    for (int i = 0; i < 32; i++) assert_near(z[i], x[i / 8] * y[i % 8], 1e-14);
    nrm_ctx_destroy(ctx);
}

/* A long circulant goes by Fourier transforms: against C written out. */
static void test_long_circulant(void **state)
{
    (void)state;
    enum { LONG = 75, SMALL = 3, R = 40, Q = 3 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_tensor_plan plan = {.kind = NRM_SKETCH_SRCT, .seed = 5, .m = R, .factors = 2, .n = {LONG, SMALL}};
    double *identity = calloc(LONG * SMALL * LONG * SMALL, sizeof *identity), *s = malloc(sizeof(double) * R * LONG * SMALL);
    double b[LONG * SMALL * Q], sb[R * Q];
    uint64_t seed = 8;

    assert_true(identity && s);
    for (int i = 0; i < LONG * SMALL; i++) identity[i * LONG * SMALL + i] = 1;
    for (int i = 0; i < LONG * SMALL * Q; i++) b[i] = nrm_test_normal(&seed);
    assert_ok(ctx, nrm_tensor_sketch_array(ctx, "t", &plan, LONG * SMALL, identity, LONG * SMALL, s, LONG * SMALL));
    assert_ok(ctx, nrm_tensor_sketch_array(ctx, "t", &plan, Q, b, Q, sb, Q));
    for (int r = 0; r < R; r++)
        for (int c = 0; c < Q; c++) {
            double sum = 0;
            for (int i = 0; i < LONG * SMALL; i++) {
                assert_near(fabs(s[r * LONG * SMALL + i]), 1 / sqrt(R), 1e-13);
                sum += s[r * LONG * SMALL + i] * b[i * Q + c];
            }
            assert_near(sb[r * Q + c], sum, 1e-12);
        }
    free(identity);
    free(s);
    nrm_ctx_destroy(ctx);
}

/* E[S'S] = I, as in test_sketch.c. */
static void test_expectation(void **state)
{
    (void)state;
    enum { TRIALS = 4000, ALL = 6, R = 3 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int kind = 0; kind < 2; kind++) {
        double mean[ALL * ALL] = {0}, s[R * ALL], identity[ALL * ALL] = {0};
        for (int i = 0; i < ALL; i++) identity[i * ALL + i] = 1;
        for (uint64_t trial = 0; trial < TRIALS; trial++) {
            const nrm_tensor_plan plan = {.kind = kind ? NRM_SKETCH_SRCT : NRM_SKETCH_SRHT, .seed = trial, .m = R, .factors = 2,
                                          .n = {2, 3}};
            assert_ok(ctx, nrm_tensor_sketch_array(ctx, "t", &plan, ALL, identity, ALL, s, ALL));
            for (int i = 0; i < ALL; i++)
                for (int j = 0; j < ALL; j++)
                    for (int k = 0; k < R; k++) mean[i * ALL + j] += s[k * ALL + i] * s[k * ALL + j] / TRIALS;
        }
        for (int i = 0; i < ALL; i++)
            for (int j = 0; j < ALL; j++) assert_true(fabs(mean[i * ALL + j] - (i == j)) < 5 / sqrt(1.0 * R * TRIALS));
    }
    nrm_ctx_destroy(ctx);
}

static void test_threads(void **state)
{
    (void)state;
    enum { R = 300 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_tensor_factor factor[2];
    uint64_t seed = 2;
    double *a = malloc(sizeof(double) * 70 * 40 * 2), *kept = malloc(sizeof(double) * R * 100), *other = malloc(sizeof(double) * R * 100);

    assert_true(a && kept && other);
    for (int i = 0; i < 70 * 40 * 2; i++) a[i] = nrm_test_normal(&seed);
    for (int j = 0; j < 2; j++) factor[j] = (nrm_tensor_factor){10, a + j * 1000, 10};
    for (int kind = 0; kind < 2; kind++)
        for (int threads = 1; threads <= 3; threads++) {
            const nrm_tensor_plan plan = {.kind = kind ? NRM_SKETCH_SRCT : NRM_SKETCH_SRHT, .m = R, .factors = 2, .n = {70, 40}};
            double *sa = threads == 1 ? kept : other, sb[2][2 * R];
            assert_ok(ctx, nrm_set_threads(ctx, threads));
            assert_ok(ctx, nrm_tensor_sketch(ctx, "t", &plan, factor, sa, 100));
            if (threads > 1) assert_memory_equal(kept, other, sizeof(double) * R * 100);
            assert_ok(ctx, nrm_tensor_sketch_array(ctx, "t", &plan, 2, a, 2, sb[0], 2));
            assert_ok(ctx, nrm_set_threads(ctx, 1));
            assert_ok(ctx, nrm_tensor_sketch_array(ctx, "t", &plan, 2, a, 2, sb[1], 2));
            assert_memory_equal(sb[0], sb[1], sizeof sb[0]);
        }
    free(a); free(kept); free(other);
    nrm_ctx_destroy(ctx);
}

static void refuse(nrm_ctx *ctx, nrm_tensor_plan plan, const nrm_tensor_factor *factor, nrm_status status, const char *message)
{
    double sa[M * COLUMNS], before[M * COLUMNS];
    for (int i = 0; i < M * COLUMNS; i++) before[i] = sa[i] = i;
    assert_status(ctx, nrm_tensor_sketch(ctx, "s", &plan, factor, sa, COLUMNS), status);
    assert_message(ctx, message);
    assert_memory_equal(sa, before, sizeof sa);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_tensor_factor factor[K];
    double a[K][24], product[ROWS * COLUMNS], sb[M];
    nrm_tensor_plan plan = plan_of(NRM_SKETCH_SRHT, 1, M);

    make(factor, a, product);
    plan.kind = NRM_SKETCH_GAUSSIAN;
    refuse(ctx, plan, factor, NRM_E_ARGUMENT, "it must be srht or srct");
    plan = plan_of(NRM_SKETCH_SRHT, 1, 0);
    refuse(ctx, plan, factor, NRM_E_RANGE, "at least one");
    plan = plan_of(NRM_SKETCH_SRHT, 1, M);
    plan.factors = 9;
    refuse(ctx, plan, factor, NRM_E_RANGE, "it takes 1 to 8");
    plan = plan_of(NRM_SKETCH_SRHT, 1, M);
    plan.n[1] = 0;
    refuse(ctx, plan, factor, NRM_E_SHAPE, "factor 2 has 0 rows");
    plan.n[1] = INT64_MAX / 2;
    refuse(ctx, plan, factor, NRM_E_OVERFLOW, "multiply to more");
    plan = plan_of(NRM_SKETCH_SRHT, 1, M);
    factor[1].lda = 2;
    refuse(ctx, plan, factor, NRM_E_SHAPE, "factor 2 has a row stride of 2");
    make(factor, a, product);
    factor[2].a = NULL;
    refuse(ctx, plan, factor, NRM_E_NULL, "factor 3 is NULL");
    make(factor, a, product);
    a[1][4 * 2 + 1] = NAN;
    refuse(ctx, plan, factor, NRM_E_NONFINITE, "factor 2[2,1] is nan");
    make(factor, a, product);
    assert_status(ctx, nrm_tensor_sketch(ctx, "s", &plan, factor, a[0], COLUMNS), NRM_E_ALIAS);
    assert_status(ctx, nrm_tensor_sketch_array(ctx, "s", &plan, 1, product, 1, product + 1, 1), NRM_E_ALIAS);
    assert_status(ctx, nrm_tensor_sketch_array(ctx, "s", &plan, 1, NULL, 1, sb, 1), NRM_E_NULL);
    product[3] = INFINITY;
    assert_status(ctx, nrm_tensor_sketch_array(ctx, "s", &plan, 1, product, 1, sb, 1), NRM_E_NONFINITE);
    nrm_cancel(ctx);
    refuse(ctx, plan, factor, NRM_E_CANCELLED, "stopped on request");
    nrm_ctx_destroy(ctx);
}

typedef struct job { nrm_sketch_kind kind; double sa[2 * M]; } job;

static nrm_status body(nrm_ctx *ctx, void *user)
{
    job *j = user;
    double x[40];
    for (int i = 0; i < 40; i++) x[i] = i % 7;
    const nrm_tensor_factor factor[2] = {{1, x, 1}, {1, x + 1, 1}};
    const nrm_tensor_plan plan = {.kind = j->kind, .m = M, .factors = 2, .n = {40, 3}};
    double array[120];
    for (int i = 0; i < 120; i++) array[i] = i;
    NRM_TRY(nrm_tensor_sketch_array(ctx, "t", &plan, 1, array, 1, j->sa + M, 1));
    const nrm_status st = nrm_tensor_sketch(ctx, "t", &plan, factor, j->sa, 1);
    if (st < 0) memset(j->sa + M, 0, M * sizeof(double));
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        job j = {kind ? NRM_SKETCH_SRCT : NRM_SKETCH_SRHT, {0}};
        nrm_test_allocation_failures(body, &j, j.sa, sizeof j.sa);
        assert_true(j.sa[0] != 0 && j.sa[M] != 0);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_product), cmocka_unit_test(test_kronecker_of_hadamard), cmocka_unit_test(test_long_circulant),
              cmocka_unit_test(test_expectation), cmocka_unit_test(test_threads), cmocka_unit_test(test_refusals),
              cmocka_unit_test(test_memory))
