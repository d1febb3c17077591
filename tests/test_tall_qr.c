/* test_tall_qr.c -- the triangular factor of a tall matrix, chunk by chunk. */
#include "linalg/tall_qr.h"
#include "testkit.h"
#include <norma/comm.h>

enum { ROWS = 700, COLUMNS = 9, D = 7 };
static double all[ROWS * COLUMNS];

static void make(void)
{
    uint64_t seed = 5;
    for (int i = 0; i < ROWS * COLUMNS; i++) all[i] = nrm_test_normal(&seed) * (1 + i % COLUMNS);
}

static void add(nrm_ctx *ctx, nrm_tall_qr *qr, int64_t first, int64_t count)
{
    const double *a = all + first * COLUMNS;
    nrm_tall_qr_add(ctx, qr, first, count, a, COLUMNS, D, a + D, COLUMNS);
}

static nrm_status factor(nrm_ctx *ctx, int64_t rows, int64_t step, double *r)
{
    nrm_tall_qr *qr;
    nrm_status st = nrm_tall_qr_begin(ctx, "t", COLUMNS, &qr);
    if (st < 0) return st;
    for (int64_t first = 0; first < rows; first += step) add(ctx, qr, first, rows - first < step ? rows - first : step);
    st = nrm_tall_qr_finish(ctx, qr, r);
    nrm_tall_qr_end(ctx, qr);
    return st;
}

static void expect_factor(int64_t rows, const double *r)
{
    for (int i = 0; i < COLUMNS; i++)
        for (int j = 0; j < COLUMNS; j++) {
            double gram = 0, product = 0;
            for (int64_t k = 0; k < rows; k++) gram += all[k * COLUMNS + i] * all[k * COLUMNS + j];
            for (int k = 0; k < COLUMNS; k++) product += r[k * COLUMNS + i] * r[k * COLUMNS + j];
            assert_near(product, gram, 1e-11);
            if (j < i) assert_true(r[i * COLUMNS + j] == 0);
        }
    for (int i = 0; i < COLUMNS; i++) assert_true(r[i * COLUMNS + i] >= 0);
}

static void test_factor(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double r[COLUMNS * COLUMNS], again[COLUMNS * COLUMNS];
    make();
    for (int64_t rows = 0; rows <= ROWS; rows += 1 + rows / 3)
        for (int64_t step = 5; step <= ROWS; step *= 9) {
            assert_ok(ctx, nrm_set_threads(ctx, 1));
            assert_ok(ctx, factor(ctx, rows, step, r));
            expect_factor(rows, r);
            assert_ok(ctx, nrm_set_threads(ctx, 2));
            assert_ok(ctx, factor(ctx, rows, step, again));
            assert_memory_equal(r, again, sizeof r);
        }
    all[3] = 1e308, all[3 + COLUMNS] = -1e308, all[3 + 2 * COLUMNS] = 1.5e308;
    assert_status(ctx, factor(ctx, 30, 30, r), NRM_E_OVERFLOW);
    assert_message(ctx, "leave the range of f64");
    assert_status(ctx, nrm_tall_qr_begin(ctx, "t", INT64_C(1) << 40, &(nrm_tall_qr *){0}), NRM_E_OVERFLOW);
    nrm_ctx_destroy(ctx);
}

/* Ranks with every third chunk each; the last has none of the first two. */
static nrm_status share(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    double r[COLUMNS * COLUMNS];
    nrm_tall_qr *qr;
    (void)user;
    assert_ok(ctx, nrm_tall_qr_begin(ctx, "t", COLUMNS, &qr));
    for (int64_t c = nrm_comm_rank(comm); c * 100 < ROWS; c += nrm_comm_size(comm)) add(ctx, qr, c * 100, 100);
    assert_ok(ctx, nrm_tall_qr_finish(ctx, qr, r));
    expect_factor(ROWS, r);
    nrm_tall_qr_end(ctx, qr);
    return NRM_OK;
}

static void test_ranks(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    make();
    for (int ranks = 1; ranks <= 9; ranks += 1 + ranks / 3) assert_ok(ctx, nrm_run_ranks(ctx, ranks, share, NULL));
    nrm_ctx_destroy(ctx);
}

static nrm_status attempt(nrm_ctx *ctx, void *user) { return factor(ctx, 300, 300, user); }

static void test_allocation_failures(void **state)
{
    (void)state;
    double r[COLUMNS * COLUMNS] = {0};
    make();
    nrm_test_allocation_failures(attempt, r, r, sizeof r);
}

NRM_TEST_MAIN(cmocka_unit_test(test_factor), cmocka_unit_test(test_ranks), cmocka_unit_test(test_allocation_failures))
