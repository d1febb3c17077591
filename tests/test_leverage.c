/* test_leverage.c -- leverage scores, Lewis weights and their bracket of rows that are streamed. */
#include "rows_kit.h"
#include "linalg/leverage.h"
#include "linalg/range.h"
#include "reference/leverage_values.h"
#include <norma/comm.h>

#define WHO "test"
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const double EXAMPLE[8] = {1, 0, 0, 1, 1, 1, 2, -1};

/* As in tests/reference/leverage.py. */
static void pattern(int64_t m, int64_t n, double *a)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) a[i * n + j] = (double)((i * 37 + j * 61 + i * j * 11 + i * i * 5) % 97 - 48) / 16;
}

static void nearly_dependent(int64_t m, int64_t n, int shift, double *a)
{
    pattern(m, n, a);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 1; j < n; j++) a[i * n + j] = a[i * n] + ldexp(a[i * n + j], -shift);
}

static void normals(int64_t count, uint64_t seed, double *a)
{
    for (int64_t i = 0; i < count; i++) a[i] = nrm_test_normal(&seed);
}

static void leverage(nrm_ctx *ctx, int64_t n, int64_t d, const double *a, double *tau, int64_t *rank)
{
    nrm_rows *rows = rows_of(ctx, n, d, a);
    assert_ok(ctx, nrm_leverage_scores(ctx, WHO, rows, NULL, n, tau, rank));
    nrm_rows_close(ctx, rows);
}

static nrm_lewis_report lewis(nrm_ctx *ctx, int64_t n, int64_t d, const double *a, double p, double *w)
{
    nrm_rows *rows = rows_of(ctx, n, d, a);
    nrm_lewis_report report;
    assert_ok(ctx, nrm_lewis_weights(ctx, WHO, rows, NULL, n, p, 1e-12, 500, w, &report));
    assert_true(report.error <= 1e-12);
    nrm_rows_close(ctx, rows);
    return report;
}

/* Item 4 of paper 24. */
static void test_worked(void **state)
{
    (void)state;
    static const struct { double p, w[4]; } known[] = {{1, {.30823533, .42922282, .56235838, .70018348}},
                                                       {1.5, {.23507598, .39054079, .60355098, .77083224}},
                                                       {2, {3 / 17.0, 6 / 17.0, 11 / 17.0, 14 / 17.0}},
                                                       {3, {.09537786, .28340667, .72913540, .89208007}},
                                                       {4, {.04913299, .22382689, .79597898, .93106114}}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double w[4], tau[4];
    int64_t rank;

    leverage(ctx, 4, 2, EXAMPLE, tau, &rank);
    assert_int_equal(rank, 2);
    assert_all_near(tau, known[2].w, 4, 1e-15);
    for (int i = 0; i < COUNT(known); i++) {
        const nrm_lewis_report report = lewis(ctx, 4, 2, EXAMPLE, known[i].p, w);
        assert_all_near(w, known[i].w, 4, 6e-9);
        assert_near(report.sum, 2, 1e-12);
        assert_int_equal(report.rank, 2);
    }
    nrm_ctx_destroy(ctx);
}

/* Exact rational numbers; conditions 1e6 and 1e8, and powers of up to 1e10 side by side.  An entry
 * is known to eps, and so a score to eps times the condition. */
static void test_leverage_values(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[40 * 9], tau[40];
    int64_t rank;

    pattern(23, 5, a);
    leverage(ctx, 23, 5, a, tau, &rank);
    assert_all_near(tau, leverage_23x5, 23, 1e-14);
    nearly_dependent(40, 4, 20, a);
    leverage(ctx, 40, 4, a, tau, &rank);
    assert_int_equal(rank, 4);
    assert_all_near(tau, leverage_dependent_20, 40, 1e-9);
    nearly_dependent(40, 4, 26, a);
    leverage(ctx, 40, 4, a, tau, &rank);
    assert_int_equal(rank, 4);
    assert_all_near(tau, leverage_dependent_26, 40, 1e-7);
    for (int i = 0; i < 30; i++)
        for (int j = 0; j < 9; j++) a[i * 9 + j] = pow((i + 1) / 16.0, j);
    leverage(ctx, 30, 9, a, tau, &rank);
    assert_all_near(tau, leverage_powers, 30, 1e-10);
    nrm_ctx_destroy(ctx);
}

static void test_lewis_values(void **state)
{
    (void)state;
    static const struct { double p; const double *w; } known[] = {{1, lewis_23x5_1}, {1.25, lewis_23x5_1_25}, {3, lewis_23x5_3},
                                                                  {4, lewis_23x5_4}, {6, lewis_23x5_6}, {16, lewis_23x5_16}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[23 * 5], w[23];

    pattern(23, 5, a);
    for (int i = 0; i < COUNT(known); i++) {
        lewis(ctx, 23, 5, a, known[i].p, w);
        assert_all_near(w, known[i].w, 23, 1e-11);
    }
    nrm_ctx_destroy(ctx);
}

/* Item 1: one column, the identity, rows of one entry each. */
static void test_sparse(void **state)
{
    (void)state;
    static const double ps[] = {1, 1.5, 2, 3, 4, 64};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[30 * 3] = {0}, w[30], sum[3];
    uint64_t seed = 3;

    for (int k = 0; k < COUNT(ps); k++) {
        const double column[4] = {3, -1, 0, 2}, identity[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
        const double all = pow(3, ps[k]) + 1 + pow(2, ps[k]), expected[4] = {pow(3, ps[k]) / all, 1 / all, 0, pow(2, ps[k]) / all};
        lewis(ctx, 4, 1, column, ps[k], w);
        assert_all_near(w, expected, 4, 1e-11);
        lewis(ctx, 3, 3, identity, ps[k], w);
        for (int i = 0; i < 3; i++) assert_near(w[i], 1, 1e-14);
    }
    for (int i = 0; i < 30; i++) a[i * 3 + i % 3] = (i % 2 ? -1 : 1) * (0.1 + nrm_test_uniform(&seed));
    for (int k = 0; k < COUNT(ps) - 1; k++) {
        for (int j = 0; j < 3; j++) sum[j] = 0;
        for (int i = 0; i < 30; i++) sum[i % 3] += pow(fabs(a[i * 3 + i % 3]), ps[k]);
        lewis(ctx, 30, 3, a, ps[k], w);
        for (int i = 0; i < 30; i++) assert_near(w[i] * sum[i % 3], pow(fabs(a[i * 3 + i % 3]), ps[k]), 1e-11);
    }
    nrm_ctx_destroy(ctx);
}

/* Items 2 and 3: the sum; A R, c A, signs; a row split into k copies k^(-1/p) a. */
static void test_invariance(void **state)
{
    (void)state;
    enum { N = 50, D = 4, K = 3 };
    static const double ps[] = {1, 1.5, 2, 3, 5};
    const double r[D * D] = {1e6, 2, 0, 1, 0, 1, 3, 0, 0, 0, 1e-5, 1, 0, 0, 0, 2};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[(N + K - 1) * D], other[(N + K - 1) * D], w[N + K], again[N + K];

    normals(N * D, 11, a);
    for (int k = 0; k < COUNT(ps); k++) {
        const double p = ps[k];
        const nrm_lewis_report report = lewis(ctx, N, D, a, p, w);
        assert_near(report.sum, D, 1e-10);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < D; j++) {
                double sum = 0;
                for (int l = 0; l < D; l++) sum += a[i * D + l] * r[l * D + j];
                other[i * D + j] = (i % 3 ? 1 : -1) * 1e-30 * sum;
            }
        lewis(ctx, N, D, other, p, again);
        assert_all_near(again, w, N, 1e-10);
        memcpy(other, a, sizeof(double) * N * D);
        for (int c = 0; c < K; c++)
            for (int j = 0; j < D; j++) other[(c == 0 ? 7 : N + c - 1) * D + j] = pow(K, -1 / p) * a[7 * D + j];
        lewis(ctx, N + K - 1, D, other, p, again);
        for (int i = 0; i < N + K - 1; i++) assert_near(again[i], i == 7 || i >= N ? w[7] / K : w[i], 1e-10);
    }
    nrm_ctx_destroy(ctx);
}

/* Columns that others make up, rows of zeros, fewer rows than columns, nothing at all. */
static void test_rank(void **state)
{
    (void)state;
    enum { N = 60, D = 6 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[N * D], part[N * 4], w[N], expected[N];
    int64_t rank;

    normals(N * 4, 5, part);
    memset(part + 3 * 4, 0, sizeof(double) * 8);
    for (int i = 0; i < N; i++) {
        const double *x = part + i * 4;
        const double row[D] = {x[0], 1e-6 * x[1], x[0] - 3 * x[1], x[2], 0, 1e5 * x[3]};
        memcpy(a + i * D, row, sizeof row);
    }
    leverage(ctx, N, 4, part, expected, &rank);
    leverage(ctx, N, D, a, w, &rank);
    assert_int_equal(rank, 4);
    assert_all_near(w, expected, N, 1e-10);
    assert_true(w[3] == 0 && w[4] == 0 && w[5] > 0);
    for (double p = 1; p <= 4; p += 1.5) {
        lewis(ctx, N, 4, part, p, expected);
        const nrm_lewis_report report = lewis(ctx, N, D, a, p, w);
        assert_int_equal(report.rank, 4);
        assert_near(report.sum, 4, 1e-10);
        assert_all_near(w, expected, N, 1e-9);
        assert_true(w[3] == 0 && w[4] == 0 && w[5] > 0);
    }
    leverage(ctx, 3, 6, a, w, &rank);
    assert_int_equal(rank, 3);
    for (int i = 0; i < 3; i++) assert_near(w[i], 1, 1e-12);
    memset(a, 0, sizeof a);
    leverage(ctx, N, D, a, w, &rank);
    assert_int_equal(rank, 0);
    const nrm_lewis_report report = lewis(ctx, N, D, a, 3, w);
    assert_true(report.rank == 0 && report.sum == 0);
    for (int i = 0; i < N; i++) assert_true(w[i] == 0);
    nrm_ctx_destroy(ctx);
}

/* Many rows, so that the first basis comes from a sketch: few of them hold a direction, others are
 * 1e150 long.  Known: columns times R of two blocks that share no row. */
static void test_tall(void **state)
{
    (void)state;
    enum { N = 20000, D = 7 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double *a = calloc(N * D, sizeof *a), *part = malloc(N * D * sizeof *part), *w = malloc(N * sizeof *w), *other = malloc(N * sizeof *w);
    int64_t rank;

    normals(N * D, 8, part);
    for (int i = 0; i < N; i++) {
        const double *x = part + i * D;
        if (i % 5000 == 17) a[i * D + 6] = 1e-3 * x[6]; /* four rows have the last column */
        else for (int j = 0; j < 5; j++) a[i * D + j] = (j == 2 ? 1e150 : 1) * (x[j] + x[0]);
        a[i * D + 5] = a[i * D] - 2 * a[i * D + 1];
    }
    leverage(ctx, N, D, a, w, &rank);
    assert_int_equal(rank, 6);
    double of_last = 0, sum = 0;
    for (int i = 17; i < N; i += 5000) of_last += a[i * D + 6] * a[i * D + 6];
    for (int i = 17; i < N; i += 5000) assert_near(w[i] * of_last, a[i * D + 6] * a[i * D + 6], 1e-12);
    for (int i = 0; i < N; i++) sum += w[i];
    assert_near(sum, 6, 1e-11);
    for (int i = 0; i < N; i++) memset(a + i * D, 0, sizeof *a * D), memcpy(a + i * D, part + i * D, sizeof *a * 4);
    lewis(ctx, N, D, a, 1, w);
    for (int i = 0; i < N; i++) memcpy(part + i * 4, a + i * D, sizeof *a * 4);
    lewis(ctx, N, 4, part, 1, other);
    assert_all_near(w, other, N, 1e-11);
    free(a), free(part), free(w), free(other);
    nrm_ctx_destroy(ctx);
}

/* The bracket holds for rounded weights too: s from a fine search in two dimensions. */
static void test_bracket(void **state)
{
    (void)state;
    enum { N = 12, STEPS = 20000 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[N * 2], w[N], lower[N], upper[N], s[N];

    normals(N * 2, 21, a);
    nrm_rows *rows = rows_of(ctx, N, 2, a);
    for (int k = 0; k < 6; k++) {
        const double p = (double[]){1, 1.3, 2, 2.7, 5, 12}[k];
        memset(s, 0, sizeof s);
        for (int step = 0; step < STEPS; step++) {
            const double angle = 3.14159265358979 * step / STEPS;
            double sum = 0, part[N];
            for (int i = 0; i < N; i++) sum += part[i] = pow(fabs(a[i * 2] * cos(angle) + a[i * 2 + 1] * sin(angle)), p);
            for (int i = 0; i < N; i++) s[i] = fmax(s[i], part[i] / sum);
        }
        for (int64_t rounds = 1; rounds <= 64; rounds *= 8) {
            nrm_lewis_report report;
            const nrm_status st = nrm_lewis_weights(ctx, WHO, rows, NULL, N, p, 1e-10, rounds, w, &report);
            assert_true(st == (report.error <= 1e-10 ? NRM_OK : NRM_NOT_CONVERGED));
            nrm_lewis_bracket(N, p, w, &report, lower, upper);
            for (int i = 0; i < N; i++) assert_true(lower[i] <= s[i] * (1 + 1e-6) && s[i] <= upper[i] * (1 + 1e-12));
            if (report.error > 1e-9) continue;
            for (int i = 0; i < N; i++) assert_near(upper[i], fmin(1, p < 2 ? w[i] : w[i] * pow(2, p / 2 - 1)), 1e-8);
            for (int i = 0; i < N; i++) assert_near(lower[i], p < 2 ? w[i] * pow(2, p / 2 - 1) : w[i], 1e-8);
        }
    }
    nrm_rows_close(ctx, rows);
    nrm_ctx_destroy(ctx);
}

/* ---- Threads, ranks, streams -------------------------------------------------------------------------- */

enum { MANY = 70000, WIDE = 3, MORE = 2 };
typedef struct shared { const double *a, *b, *glued; double expected[2][MANY]; } shared;

static nrm_status on_rank(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const shared *s = user;
    nrm_rows *a = rows_of(ctx, MANY, WIDE, s->a), *b = rows_of(ctx, MANY, MORE, s->b);
    double *w = malloc(MANY * sizeof *w);
    int64_t rank;
    nrm_lewis_report report;
    (void)comm;

    assert_ok(ctx, nrm_leverage_scores(ctx, WHO, a, b, MANY, w, &rank));
    assert_int_equal(rank, WIDE + MORE);
    assert_all_near(w, s->expected[0], MANY, 1e-15);
    assert_ok(ctx, nrm_lewis_weights(ctx, WHO, a, b, MANY, 1.5, 1e-6, 50, w, &report));
    assert_all_near(w, s->expected[1], MANY, 1e-14);
    assert_near(report.sum, WIDE + MORE, 1e-6);
    free(w);
    nrm_rows_close(ctx, a);
    nrm_rows_close(ctx, b);
    return NRM_OK;
}

static void test_threads_and_ranks(void **state)
{
    (void)state;
    shared *s = calloc(1, sizeof *s);
    double *glued = malloc(MANY * (WIDE + MORE) * sizeof *glued), *a = malloc(MANY * WIDE * sizeof *a), *b = malloc(MANY * MORE * sizeof *b);
    double *w = malloc(MANY * sizeof *w);
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    normals(MANY * (WIDE + MORE), 31, glued);
    for (int i = 0; i < MANY; i++) {
        memcpy(a + i * WIDE, glued + i * (WIDE + MORE), WIDE * sizeof *a);
        memcpy(b + i * MORE, glued + i * (WIDE + MORE) + WIDE, MORE * sizeof *b);
    }
    *s = (shared){.a = a, .b = b, .glued = glued};
    for (int threads = 1; threads <= 3; threads++) {
        nrm_rows *rows = rows_of(ctx, MANY, WIDE + MORE, glued);
        int64_t rank;
        assert_ok(ctx, nrm_set_threads(ctx, threads));
        assert_ok(ctx, nrm_leverage_scores(ctx, WHO, rows, NULL, MANY, w, &rank));
        if (threads == 1) memcpy(s->expected[0], w, MANY * sizeof *w);
        assert_memory_equal(w, s->expected[0], MANY * sizeof *w);
        assert_ok(ctx, nrm_lewis_weights(ctx, WHO, rows, NULL, MANY, 1.5, 1e-6, 50, w, NULL));
        if (threads == 1) memcpy(s->expected[1], w, MANY * sizeof *w);
        assert_memory_equal(w, s->expected[1], MANY * sizeof *w);
        nrm_rows_close(ctx, rows);
    }
    for (int ranks = 1; ranks <= 3; ranks++) assert_ok(ctx, nrm_run_ranks(ctx, ranks, on_rank, s));
    free(s), free(glued), free(a), free(b), free(w);
    nrm_ctx_destroy(ctx);
}

/* Sparse rows, whose blocks end anywhere, give the bits of dense ones. */
static void test_csr(void **state)
{
    (void)state;
    enum { N = 3000, D = 5 };
    static double a[N * D], values[N * D], dense[N], sparse[N];
    static int64_t indptr[N + 1], indices[N * D];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 77;

    for (int i = 0; i < N; i++) {
        indptr[i + 1] = indptr[i];
        for (int j = 0; j < D; j++) {
            if (nrm_test_uniform(&seed) < 0.6) continue;
            a[i * D + j] = values[indptr[i + 1]] = nrm_test_normal(&seed);
            indices[indptr[i + 1]++] = j;
        }
    }
    const nrm_csr csr = {.rows = N, .cols = D, .dtype = NRM_F64, .nnz = indptr[N], .indptr = indptr, .indices = indices, .values = values};
    nrm_rows *rows = NULL;
    assert_ok(ctx, nrm_rows_from_csr(ctx, &rows, &csr));
    lewis(ctx, N, D, a, 3, dense);
    assert_ok(ctx, nrm_lewis_weights(ctx, WHO, rows, NULL, N, 3, 1e-12, 500, sparse, NULL));
    assert_memory_equal(dense, sparse, sizeof dense);
    nrm_rows_close(ctx, rows);
    nrm_ctx_destroy(ctx);
}

/* ---- What is refused ------------------------------------------------------------------------------------ */

static int64_t no_rows_again(void *user, int64_t most, int64_t cols, double *dense)
{
    int64_t *left = user;
    const int64_t count = most < *left ? most : *left;
    for (int64_t i = 0; i < count * cols; i++) dense[i] = 1;
    *left -= count;
    return count;
}

static void test_refused(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_rows *a = rows_of(ctx, 4, 2, EXAMPLE), *callback = NULL;
    double w[4] = {7, 7, 7, 7};
    double bad[8] = {1, 0, 0, 1, 1, NAN, 2, -1};
    int64_t left = 4, rank = 9;

    assert_status(ctx, nrm_lewis_weights(ctx, WHO, a, NULL, 4, 0.5, 1e-10, 9, w, NULL), NRM_E_RANGE);
    assert_message(ctx, "p is 0.5");
    assert_status(ctx, nrm_lewis_weights(ctx, WHO, a, NULL, 4, NAN, 1e-10, 9, w, NULL), NRM_E_RANGE);
    assert_status(ctx, nrm_lewis_weights(ctx, WHO, a, NULL, 4, 65, 1e-10, 9, w, NULL), NRM_E_RANGE);
    assert_status(ctx, nrm_lewis_weights(ctx, WHO, a, NULL, 4, 3, -1, 9, w, NULL), NRM_E_RANGE);
    assert_status(ctx, nrm_lewis_weights(ctx, WHO, a, NULL, 4, 3, 1e-10, 0, w, NULL), NRM_E_RANGE);
    assert_status(ctx, nrm_leverage_scores(ctx, WHO, a, NULL, 5, w, &rank), NRM_E_SHAPE);
    assert_message(ctx, "a has 4 rows; it must have 5");
    assert_status(ctx, nrm_leverage_scores(ctx, WHO, a, NULL, 0, w, &rank), NRM_E_SHAPE);
    assert_ok(ctx, nrm_rows_from_callback(ctx, &callback, 2, no_rows_again, &left));
    assert_status(ctx, nrm_leverage_scores(ctx, WHO, callback, NULL, 4, w, &rank), NRM_E_UNSUPPORTED);
    nrm_rows_close(ctx, callback);
    left = 4;
    assert_ok(ctx, nrm_rows_from_callback(ctx, &callback, 2, no_rows_again, &left));
    assert_status(ctx, nrm_leverage_scores(ctx, WHO, callback, NULL, 3, w, &rank), NRM_E_SHAPE);
    assert_message(ctx, "more than 3 rows");
    nrm_rows_close(ctx, callback);
    left = 4;
    assert_ok(ctx, nrm_rows_from_callback(ctx, &callback, 2, no_rows_again, &left));
    assert_status(ctx, nrm_leverage_scores(ctx, WHO, callback, NULL, 5, w, &rank), NRM_E_SHAPE);
    nrm_rows_close(ctx, callback);
    nrm_rows *rows = rows_of(ctx, 4, 2, bad), *three = rows_of(ctx, 3, 2, EXAMPLE);
    assert_status(ctx, nrm_lewis_weights(ctx, WHO, rows, NULL, 4, 1, 1e-10, 9, w, NULL), NRM_E_NONFINITE);
    assert_message(ctx, "row 2, column 1");
    assert_status(ctx, nrm_leverage_scores(ctx, WHO, a, three, 4, w, &rank), NRM_E_SHAPE);
    nrm_cancel(ctx);
    assert_status(ctx, nrm_leverage_scores(ctx, WHO, a, NULL, 4, w, &rank), NRM_E_CANCELLED);
    for (int i = 0; i < 4; i++) assert_true(w[i] == 7);
    assert_int_equal(rank, 9);
    nrm_rows_close(ctx, a);
    nrm_rows_close(ctx, rows);
    nrm_rows_close(ctx, three);
    nrm_ctx_destroy(ctx);
}

typedef struct memory_case { const double *a; double w[400]; } memory_case;

static nrm_status both(nrm_ctx *ctx, void *user)
{
    memory_case *c = user;
    const nrm_array array = {.dtype = NRM_F64, .ndim = 2, .shape = {400, 4}, .data = (void *)(uintptr_t)c->a};
    nrm_rows *rows = NULL;
    int64_t rank;
    double tau[400];
    nrm_status st = nrm_rows_from_array(ctx, &rows, &array);
    if (st >= 0) st = nrm_leverage_scores(ctx, WHO, rows, NULL, 400, tau, &rank);
    if (st >= 0) st = nrm_lewis_weights(ctx, WHO, rows, NULL, 400, 1, 1e-6, 100, c->w, NULL);
    nrm_rows_close(ctx, rows);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    double a[1600];
    memory_case c = {.a = a};
    normals(1600, 4, a);
    for (int i = 0; i < 400; i++) a[i * 4 + 3] = a[i * 4]; /* so that directions left out are checked */
    nrm_test_allocation_failures(both, &c, c.w, sizeof c.w);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked), cmocka_unit_test(test_leverage_values), cmocka_unit_test(test_lewis_values),
              cmocka_unit_test(test_sparse), cmocka_unit_test(test_invariance), cmocka_unit_test(test_rank), cmocka_unit_test(test_tall),
              cmocka_unit_test(test_bracket), cmocka_unit_test(test_threads_and_ranks), cmocka_unit_test(test_csr),
              cmocka_unit_test(test_refused), cmocka_unit_test(test_memory))
