/* test_leverage.c -- leverage scores and Lewis weights, against numbers worked out elsewhere. */
#include "testkit.h"
#include "linalg/leverage.h"
#include <norma/comm.h>

#define WHO "test"

static const double EXAMPLE[8] = {1, 0, 0, 1, 1, 1, 2, -1};

static nrm_rows *stream(nrm_ctx *ctx, int64_t n, int64_t d, const double *a)
{
    const nrm_array array = {.dtype = NRM_F64, .ndim = 2, .shape = {n, d}, .data = (void *)(uintptr_t)a};
    nrm_rows *rows = NULL;
    assert_ok(ctx, nrm_rows_from_array(ctx, &rows, &array));
    return rows;
}

static void test_worked(void **state)
{
    (void)state;
    static const struct { double p, w[4]; } known[] = {{1, {.30823533, .42922282, .56235838, .70018348}},
                                                       {1.5, {.23507598, .39054079, .60355098, .77083224}},
                                                       {2, {3 / 17.0, 6 / 17.0, 11 / 17.0, 14 / 17.0}},
                                                       {3, {.09537786, .28340667, .72913540, .89208007}},
                                                       {4, {.04913299, .22382689, .79597898, .93106114}}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_rows *a = stream(ctx, 4, 2, EXAMPLE);
    double w[4], tau[4];
    int64_t rank;
    nrm_lewis_report report;

    assert_ok(ctx, nrm_leverage_scores(ctx, WHO, a, NULL, 4, tau, &rank));
    assert_int_equal(rank, 2);
    assert_all_near(tau, known[2].w, 4, 1e-15);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_ok(ctx, nrm_lewis_weights(ctx, WHO, a, NULL, 4, known[i].p, 1e-12, 500, w, &report));
        assert_all_near(w, known[i].w, 4, 6e-9);
        assert_near(report.sum, 2, 1e-12);
        assert_true(report.error <= 1e-12 && report.rank == 2);
    }
    nrm_rows_close(ctx, a);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked))
