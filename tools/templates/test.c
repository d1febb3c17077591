/* @cli@: the paper's worked numbers, bad input, memory.  Reference: reference/@c@.py. */
#include "testkit.h"
#include <norma/call.h>
#include <norma/@c@.h>

static void test_worked_numbers(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double x[3] = {1, -2, 0.5}, expected[3] = {3, -6, 1.5};
    nrm_@c@_options options = nrm_@c@_options_default();
    nrm_@c@_info info;
    double y[3];

    options.factor = 3;
    assert_ok(ctx, nrm_@c@(ctx, 3, x, y, &info, &options));
    assert_all_near(y, expected, 3, 0);
    assert_int_equal(info.count, 3);
    nrm_ctx_destroy(ctx);
}

static void test_bad_input(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double x[2] = {1, NAN}, y[2] = {7, 7};

    assert_status(ctx, nrm_@c@(ctx, 2, x, y, NULL, NULL), NRM_E_NONFINITE);
    assert_message(ctx, "x[1]");
    assert_status(ctx, nrm_@c@(ctx, 0, x, y, NULL, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_@c@(ctx, 2, NULL, y, NULL, NULL), NRM_E_NULL);
    assert_true(y[0] == 7 && y[1] == 7); /* untouched */
    nrm_ctx_destroy(ctx);
}

static nrm_status every_example(nrm_ctx *ctx, void *user)
{
    const nrm_method *method = user;
    for (int i = 0; i < method->example_count; i++) {
        const nrm_status status = nrm_example_run(ctx, method, i);
        if (status < 0) return status;
    }
    return NRM_OK;
}

static void test_examples_and_allocation_failures(void **state)
{
    (void)state;
    const nrm_method *method = nrm_method_find("@cli@");
    assert_non_null(method);
    nrm_test_allocation_failures(every_example, (void *)(uintptr_t)method, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked_numbers), cmocka_unit_test(test_bad_input),
              cmocka_unit_test(test_examples_and_allocation_failures))
