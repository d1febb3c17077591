/* test_softmax_door.c -- softmax through its descriptor: ports, shapes, types, examples. */
#include "testkit.h"
#include <norma/call.h>
#include <norma/softmax.h>

static void test_examples(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_method *method = nrm_method_find("softmax");
    assert_non_null(method);
    for (int i = 0; i < method->example_count; i++) assert_ok(ctx, nrm_example_run(ctx, method, i));
    nrm_ctx_destroy(ctx);
}

/* x of three axes in f32, one row of mask for all, lse of two axes in f64. */
static void test_axes(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_call *call = NULL;
    float x[24];
    const uint8_t mask[] = {1, 0, 1, 1};
    const int64_t shape[] = {2, 3, 4}, row = 4;

    for (int i = 0; i < 24; i++) x[i] = (float)(i % 4);
    assert_ok(ctx, nrm_call_create(ctx, "softmax", &call));
    assert_ok(ctx, nrm_call_input(call, "x", NRM_F32, 3, shape, x));
    assert_ok(ctx, nrm_call_input(call, "mask", NRM_U8, 1, &row, mask));
    assert_ok(ctx, nrm_call_want(call, "lse"));
    assert_ok(ctx, nrm_call_set(call, "algorithm", "two-pass"));
    assert_ok(ctx, nrm_call_run(call));
    const nrm_value *y = nrm_call_output(call, "y"), *lse = nrm_call_output(call, "lse");
    assert_true(y && lse);
    assert_true(y->array.dtype == NRM_F32 && y->array.ndim == 3 && y->array.shape[2] == 4);
    assert_true(lse->array.dtype == NRM_F64 && lse->array.ndim == 2 && lse->array.shape[1] == 3);
    const double total = 1 + exp(2) + exp(3);
    for (int i = 0; i < 24; i++)
        assert_near((double)((const float *)y->array.data)[i], mask[i % 4] ? exp(i % 4) / total : 0, 1e-7);
    for (int i = 0; i < 6; i++) assert_near(((const double *)lse->array.data)[i], log(total), 1e-7);
    const nrm_softmax_info *info = nrm_call_info(call);
    assert_string_equal(info->algorithm, "two-pass");
    assert_int_equal(info->rows, 6);
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
}

static void test_in_place(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_call *call = NULL;
    double x[] = {0, 0, -INFINITY, 0, 0};
    const int64_t shape = 5;

    assert_ok(ctx, nrm_call_create(ctx, "softmax", &call));
    assert_ok(ctx, nrm_call_input(call, "x", NRM_F64, 1, &shape, x));
    assert_ok(ctx, nrm_call_output_into(call, "y", NRM_F64, 1, &shape, x));
    assert_ok(ctx, nrm_call_run(call));
    for (int i = 0; i < 5; i++) assert_near(x[i], i == 2 ? 0 : 0.25, 1e-16);
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
}

static void refused(nrm_ctx *ctx, const char *x, const char *mask, nrm_status status, const char *sentence)
{
    nrm_call *call = NULL;
    assert_ok(ctx, nrm_call_create(ctx, "softmax", &call));
    assert_ok(ctx, nrm_call_input_path(call, "x", x));
    if (mask) assert_ok(ctx, nrm_call_input_path(call, "mask", mask));
    assert_status(ctx, nrm_call_run(call), status);
    assert_message(ctx, sentence);
    nrm_call_destroy(call);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    refused(ctx, "[[1,2],[3,4]]", "[1,0,1]", NRM_E_SHAPE, "mask");
    refused(ctx, "[[1,2],[3,4]]", "[[1,0]]", NRM_E_SHAPE, "mask");
    const int64_t empty[] = {3, 0};
    nrm_call *call = NULL;
    double none = 0;
    assert_ok(ctx, nrm_call_create(ctx, "softmax", &call));
    assert_ok(ctx, nrm_call_input(call, "x", NRM_F64, 2, empty, &none));
    assert_status(ctx, nrm_call_run(call), NRM_E_SHAPE);
    assert_message(ctx, "empty axis");
    nrm_call_destroy(call);
    assert_ok(ctx, nrm_call_create(ctx, "softmax", &call));
    assert_ok(ctx, nrm_call_input(call, "x", NRM_F64, 0, empty, &none));
    assert_status(ctx, nrm_call_run(call), NRM_E_SHAPE);
    assert_message(ctx, "at least one axis");
    nrm_call_destroy(call);
    assert_ok(ctx, nrm_call_create(ctx, "softmax", &call));
    assert_status(ctx, nrm_call_set(call, "algorithm", "two-pas"), NRM_E_ARGUMENT);
    assert_message(ctx, "two-pass");
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_examples), cmocka_unit_test(test_axes), cmocka_unit_test(test_in_place),
              cmocka_unit_test(test_refusals))
