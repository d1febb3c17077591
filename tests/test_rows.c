/* test_rows.c -- streams of rows from memory and callbacks. */
#include "rows_kit.h"

static void from_arrays(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double x[] = {1, 2, 3, 4, 5, 6};
    nrm_array a, b;
    nrm_rows *rows = NULL;
    (void)state;

    assert_ok(ctx, nrm_array_view(ctx, &a, NRM_F64, 2, (const int64_t[]){3, 2}, (void *)(uintptr_t)x));
    assert_ok(ctx, nrm_rows_from_array(ctx, &rows, &a));
    assert_int_equal(nrm_rows_count(rows), 3);
    expect_rows(ctx, rows, x, 3, 2);
    for (int t = 0; t < NRM_DTYPE_COUNT; t++) {
        assert_ok(ctx, nrm_array_convert(ctx, &b, (nrm_dtype)t, &a));
        assert_ok(ctx, nrm_rows_from_array(ctx, &rows, &b));
        expect_rows(ctx, rows, x, 3, 2);
        nrm_array_destroy(ctx, &b);
    }
    a.ndim = 1;
    a.shape[0] = 6;
    assert_ok(ctx, nrm_rows_from_array(ctx, &rows, &a)); /* a vector is one column */
    expect_rows(ctx, rows, x, 6, 1);
    a.ndim = 0;
    rows = NULL;
    assert_status(ctx, nrm_rows_from_array(ctx, &rows, &a), NRM_E_SHAPE);
    assert_null(rows);
    assert_status(ctx, nrm_rows_from_array(ctx, NULL, &a), NRM_E_NULL);
    nrm_rows_close(ctx, NULL);
    nrm_ctx_destroy(ctx);
}

static void from_sparse(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    int64_t indptr[] = {0, 1, 1, 3}, indices[] = {1, 0, 2};
    float values[] = {1.5f, -2, 4};
    const double expected[] = {0, 1.5, 0, 0, 0, 0, -2, 0, 4};
    nrm_csr s = {.rows = 3, .cols = 3, .nnz = 3, .indptr = indptr, .indices = indices, .values = values, .dtype = NRM_F32};
    nrm_rows *rows = NULL;
    (void)state;

    assert_ok(ctx, nrm_rows_from_csr(ctx, &rows, &s));
    expect_rows(ctx, rows, expected, 3, 3);
    indices[2] = 3;
    rows = NULL;
    assert_status(ctx, nrm_rows_from_csr(ctx, &rows, &s), NRM_E_FORMAT);
    assert_null(rows);
    nrm_ctx_destroy(ctx);
}

typedef struct counter { int64_t at, end, wrong; } counter;

static int64_t count_up(void *user, int64_t max_rows, int64_t cols, double *dense)
{
    counter *c = user;
    int64_t n = 0;
    if (c->wrong) return c->wrong > 0 ? max_rows + c->wrong : c->wrong;
    for (; n < max_rows && c->at < c->end; n++, c->at++)
        for (int64_t j = 0; j < cols; j++) dense[n * cols + j] = (double)(c->at * cols + j);
    return n;
}

static void from_callbacks(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    counter c = {.end = 5};
    double x[10];
    nrm_rows *rows = NULL;
    nrm_row_block block = {.count = 77};
    (void)state;

    assert_ok(ctx, nrm_rows_from_callback(ctx, &rows, 2, count_up, &c));
    assert_int_equal(nrm_rows_count(rows), -1);
    assert_int_equal(gather(ctx, rows, 2, x, 10), 5);
    for (int i = 0; i < 10; i++) assert_near(x[i], i, 0);
    assert_status(ctx, nrm_rows_rewind(ctx, rows), NRM_E_UNSUPPORTED);
    nrm_rows_close(ctx, rows);

    for (c.wrong = -1; c.wrong <= 1; c.wrong += 2) { /* a failure, and a lie about the rows written */
        assert_ok(ctx, nrm_rows_from_callback(ctx, &rows, 2, count_up, &c));
        assert_status(ctx, nrm_rows_next(ctx, rows, 3, &block), c.wrong < 0 ? NRM_E_IO : NRM_E_RANGE);
        assert_status(ctx, nrm_rows_next(ctx, rows, 3, &block), c.wrong < 0 ? NRM_E_IO : NRM_E_RANGE);
        nrm_rows_close(ctx, rows);
    }
    assert_status(ctx, nrm_rows_from_callback(ctx, &rows, 0, count_up, &c), NRM_E_SHAPE);
    assert_int_equal(block.count, 77);
    nrm_ctx_destroy(ctx);
}

static void bad_calls(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_rows *rows = NULL;
    nrm_row_block block;
    (void)state;

    assert_status(ctx, nrm_rows_open(ctx, &rows, NULL, 0), NRM_E_NULL);
    assert_status(ctx, nrm_rows_open(ctx, &rows, "[[1]]", -1), NRM_E_RANGE);
    assert_status(ctx, nrm_rows_open(ctx, &rows, "[[1,2]]", 3), NRM_E_SHAPE);
    assert_message(ctx, "2 columns");
    assert_ok(ctx, nrm_rows_open(ctx, &rows, "[[1,2],[3,4]]", 2));
    assert_status(ctx, nrm_rows_next(ctx, rows, 0, &block), NRM_E_RANGE);
    assert_status(ctx, nrm_rows_next(ctx, rows, 1, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_rows_next(ctx, NULL, 1, &block), NRM_E_NULL);
    nrm_cancel(ctx);
    assert_status(ctx, nrm_rows_next(ctx, rows, 1, &block), NRM_E_CANCELLED);
    nrm_cancel_clear(ctx);
    expect_rows(ctx, rows, (const double[]){1, 2, 3, 4}, 2, 2);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(from_arrays), cmocka_unit_test(from_sparse), cmocka_unit_test(from_callbacks),
              cmocka_unit_test(bad_calls))
