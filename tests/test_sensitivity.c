/* test_sensitivity.c -- l_p sensitivities, against numbers worked out elsewhere. */
#include "testkit.h"
#include "regression/sensitivity.h"
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
    static const struct { double p, s[4]; } known[] = {{1, {1 / 4.0, 1 / 3.0, 1 / 2.0, 3 / 5.0}},
                                                       {1.5, {.20815007, .34858665, .57586016, .72371555}},
                                                       {2, {3 / 17.0, 6 / 17.0, 11 / 17.0, 14 / 17.0}},
                                                       {3, {.12720120, .35169356, .77738901, .93536768}},
                                                       {4, {.08940301, .34995961, .87238526, .97755611}}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_rows *a = stream(ctx, 4, 2, EXAMPLE);
    double s[4], lower[4], upper[4];
    nrm_sensitivity_report report;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_ok(ctx, nrm_lp_sensitivities(ctx, WHO, a, NULL, 4, &(nrm_sensitivity_plan){.p = known[i].p}, s, lower, upper, &report));
        printf("%g: %.17g %.17g %.17g %.17g; %g %lld\n", known[i].p, s[0], s[1], s[2], s[3], upper[3]-lower[3], (long long)report.systems);
        assert_all_near(s, known[i].s, 4, 6e-9);
    }
    nrm_rows_close(ctx, a);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked))
