/* test_array.c -- dense arrays and sparse rows. */
#include "testkit.h"
#include <norma/array.h>

static void create_zeros_and_view(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_array a, v, scalar;
    double x[6] = {1, 2, 3, 4, 5, 6};
    (void)state;

    assert_ok(ctx, nrm_array_create(ctx, &a, NRM_I32, 3, (const int64_t[]){2, 3, 5}));
    assert_int_equal(nrm_array_count(&a), 30);
    assert_true(a.owned && (uintptr_t)a.data % 64 == 0);
    for (int i = 0; i < 30; i++) assert_int_equal(((int32_t *)a.data)[i], 0);
    nrm_array_destroy(ctx, &a);
    assert_null(a.data);
    assert_int_equal(nrm_array_count(&a), 1); /* {0} is a scalar's shape without memory */

    assert_ok(ctx, nrm_array_view(ctx, &v, NRM_F64, 2, (const int64_t[]){2, 3}, x));
    assert_true(!v.owned && v.data == x);
    nrm_array_destroy(ctx, &v); /* leaves x alone */
    assert_near(x[5], 6, 0);

    assert_ok(ctx, nrm_array_create(ctx, &scalar, NRM_U8, 0, NULL));
    assert_int_equal(nrm_array_count(&scalar), 1);
    nrm_array_destroy(ctx, &scalar);
    assert_ok(ctx, nrm_array_create(ctx, &a, NRM_F32, 2, (const int64_t[]){0, 7}));
    assert_true(a.data != NULL && nrm_array_count(&a) == 0);
    nrm_array_destroy(ctx, &a);
    nrm_array_destroy(ctx, NULL);
    nrm_ctx_destroy(ctx);
}

static void bad_arrays_leave_the_output(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_array a = {.ndim = 77};
    double x[3] = {0};
    const int64_t large[] = {INT64_C(1) << 40, INT64_C(1) << 40}, zero_large[] = {INT64_C(1) << 40, 0, INT64_C(1) << 40};
    (void)state;

    assert_status(ctx, nrm_array_create(ctx, NULL, NRM_F64, 0, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_array_create(ctx, &a, NRM_F64, 1, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_array_create(ctx, &a, NRM_DTYPE_COUNT, 0, NULL), NRM_E_DTYPE);
    assert_status(ctx, nrm_array_create(ctx, &a, (nrm_dtype)-1, 0, NULL), NRM_E_DTYPE);
    assert_status(ctx, nrm_array_create(ctx, &a, NRM_F64, 9, large), NRM_E_SHAPE);
    assert_status(ctx, nrm_array_create(ctx, &a, NRM_F64, -1, large), NRM_E_SHAPE);
    assert_status(ctx, nrm_array_create(ctx, &a, NRM_F64, 2, (const int64_t[]){3, -1}), NRM_E_SHAPE);
    assert_message(ctx, "3x-1");
    assert_status(ctx, nrm_array_create(ctx, &a, NRM_F64, 2, large), NRM_E_OVERFLOW);
    assert_message(ctx, "1099511627776x1099511627776");
    assert_status(ctx, nrm_array_create(ctx, &a, NRM_F64, 3, zero_large), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_array_create(ctx, &a, NRM_F64, 1, (const int64_t[]){INT64_MAX}), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_array_view(ctx, &a, NRM_F64, 1, (const int64_t[]){3}, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_array_view(ctx, &a, NRM_F64, 1, (const int64_t[]){1}, (char *)x + 1), NRM_E_ARGUMENT);
    assert_int_equal(a.ndim, 77);
    assert_status(NULL, nrm_array_create(NULL, &a, NRM_F64, 2, large), NRM_E_OVERFLOW);
    nrm_ctx_destroy(ctx);
}

static void convert_rounds_to_the_nearest(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    /* The second lies halfway between floats once it is a double: rounding twice would differ. */
    int64_t whole[] = {3, (INT64_C(1) << 60) + (INT64_C(1) << 36) + 1, INT64_MIN};
    double real[] = {0.1, -1e300, NAN};
    nrm_array from, to;
    (void)state;

    assert_ok(ctx, nrm_array_view(ctx, &from, NRM_I64, 1, (const int64_t[]){3}, whole));
    assert_ok(ctx, nrm_array_convert(ctx, &to, NRM_F32, &from));
    assert_true(((float *)to.data)[0] == 3.0f);
    assert_true(((float *)to.data)[1] == 0x1.000002p60f);
    assert_true(((float *)to.data)[2] == -0x1p63f);
    nrm_array_destroy(ctx, &to);
    assert_ok(ctx, nrm_array_convert(ctx, &to, NRM_F64, &from));
    assert_true(((double *)to.data)[2] == -0x1p63);
    nrm_array_destroy(ctx, &to);

    assert_ok(ctx, nrm_array_view(ctx, &from, NRM_F64, 1, (const int64_t[]){3}, real));
    assert_ok(ctx, nrm_array_convert(ctx, &to, NRM_F32, &from));
    assert_true(((float *)to.data)[0] == 0.1f && isinf(((float *)to.data)[1]) && isnan(((float *)to.data)[2]));
    nrm_array_destroy(ctx, &to);
    nrm_ctx_destroy(ctx);
}

static void expect_refused(nrm_ctx *ctx, nrm_dtype dtype, double value, const char *piece)
{
    nrm_array from, to = {.ndim = 77};
    double x[] = {1, value};
    assert_ok(ctx, nrm_array_view(ctx, &from, NRM_F64, 1, (const int64_t[]){2}, x));
    assert_status(ctx, nrm_array_convert(ctx, &to, dtype, &from), NRM_E_RANGE);
    assert_message(ctx, piece);
    assert_message(ctx, "element 1");
    assert_int_equal(to.ndim, 77);
}

static void convert_to_integers_only_exactly(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double fine[] = {-0.0, 255, 7};
    float whole[] = {-0x1p63f};
    int64_t large[] = {256};
    nrm_array from, to;
    (void)state;

    assert_ok(ctx, nrm_array_view(ctx, &from, NRM_F64, 1, (const int64_t[]){3}, fine));
    assert_ok(ctx, nrm_array_convert(ctx, &to, NRM_U8, &from));
    assert_int_equal(((uint8_t *)to.data)[1], 255);
    nrm_array_destroy(ctx, &to);
    assert_ok(ctx, nrm_array_view(ctx, &from, NRM_F32, 1, (const int64_t[]){1}, whole));
    assert_ok(ctx, nrm_array_convert(ctx, &to, NRM_I64, &from));
    assert_true(*(int64_t *)to.data == INT64_MIN);
    nrm_array_destroy(ctx, &to);

    expect_refused(ctx, NRM_U8, 256, "256");
    expect_refused(ctx, NRM_U8, -1, "-1");
    expect_refused(ctx, NRM_I32, 0.5, "0.5");
    expect_refused(ctx, NRM_I32, 2147483648.0, "2147483648");
    expect_refused(ctx, NRM_I64, 0x1p63, "i64");
    expect_refused(ctx, NRM_I64, NAN, "nan");
    expect_refused(ctx, NRM_I64, INFINITY, "inf");
    assert_ok(ctx, nrm_array_view(ctx, &from, NRM_I64, 1, (const int64_t[]){1}, large));
    assert_status(ctx, nrm_array_convert(ctx, &to, NRM_U8, &from), NRM_E_RANGE);
    assert_message(ctx, "256");
    nrm_ctx_destroy(ctx);
}

/* Every pair of types carries small whole numbers there and back. */
static void convert_every_pair(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double x[] = {0, 1, 100, 255};
    nrm_array start, a, b, c;
    (void)state;

    assert_ok(ctx, nrm_array_view(ctx, &start, NRM_F64, 2, (const int64_t[]){2, 2}, x));
    for (int i = 0; i < NRM_DTYPE_COUNT; i++)
        for (int j = 0; j < NRM_DTYPE_COUNT; j++) {
            assert_ok(ctx, nrm_array_convert(ctx, &a, (nrm_dtype)i, &start));
            assert_ok(ctx, nrm_array_convert(ctx, &b, (nrm_dtype)j, &a));
            assert_ok(ctx, nrm_array_convert(ctx, &c, NRM_F64, &b));
            assert_true(b.ndim == 2 && b.shape[1] == 2 && (int)b.dtype == j);
            assert_all_near((double *)c.data, x, 4, 0);
            nrm_array_destroy(ctx, &a);
            nrm_array_destroy(ctx, &b);
            nrm_array_destroy(ctx, &c);
        }
    nrm_ctx_destroy(ctx);
}

static void names_and_sizes(void **state)
{
    (void)state;
    assert_string_equal(nrm_dtype_name(NRM_F32), "f32");
    assert_string_equal(nrm_dtype_name(NRM_U8), "u8");
    assert_string_equal(nrm_dtype_name(NRM_DTYPE_COUNT), "unknown");
    assert_int_equal(nrm_dtype_size(NRM_I32), 4);
    assert_int_equal(nrm_dtype_size((nrm_dtype)99), 0);
}

/* ---- Sparse rows ----------------------------------------------------------------------------- */

/* [0 1.5 0; 0 0 0; -2 0 4] */
static void fill_sample(nrm_csr *s)
{
    const int64_t indptr[] = {0, 1, 1, 3}, indices[] = {1, 0, 2};
    const double values[] = {1.5, -2, 4};
    memcpy(s->indptr, indptr, sizeof indptr);
    memcpy(s->indices, indices, sizeof indices);
    memcpy(s->values, values, sizeof values);
}

static void csr_to_dense(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_csr s;
    nrm_array a;
    const double expected[] = {0, 1.5, 0, 0, 0, 0, -2, 0, 4};
    (void)state;

    assert_ok(ctx, nrm_csr_create(ctx, &s, NRM_F64, 3, 3, 3));
    assert_status(ctx, nrm_csr_check(ctx, &s), NRM_E_FORMAT); /* zeros: the rows do not use all entries */
    fill_sample(&s);
    assert_ok(ctx, nrm_csr_check(ctx, &s));
    assert_ok(ctx, nrm_csr_to_dense(ctx, &a, &s));
    assert_all_near((double *)a.data, expected, 9, 0);
    nrm_array_destroy(ctx, &a);
    nrm_csr_destroy(ctx, &s);
    nrm_csr_destroy(ctx, NULL);

    assert_ok(ctx, nrm_csr_create(ctx, &s, NRM_F32, 0, 5, 0));
    assert_ok(ctx, nrm_csr_check(ctx, &s));
    assert_ok(ctx, nrm_csr_to_dense(ctx, &a, &s));
    assert_int_equal(nrm_array_count(&a), 0);
    nrm_array_destroy(ctx, &a);
    nrm_csr_destroy(ctx, &s);
    nrm_ctx_destroy(ctx);
}

static void csr_check_names_the_row(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_csr s;
    nrm_array a = {.ndim = 77};
    (void)state;

    assert_ok(ctx, nrm_csr_create(ctx, &s, NRM_F64, 3, 3, 3));
    fill_sample(&s);
    s.indices[1] = 2; /* row 2 repeats column 2 */
    assert_status(ctx, nrm_csr_check(ctx, &s), NRM_E_FORMAT);
    assert_message(ctx, "row 2");
    fill_sample(&s);
    s.indices[2] = 3;
    assert_status(ctx, nrm_csr_to_dense(ctx, &a, &s), NRM_E_FORMAT);
    assert_message(ctx, "column 3");
    fill_sample(&s);
    s.indices[0] = -1;
    assert_status(ctx, nrm_csr_check(ctx, &s), NRM_E_FORMAT);
    fill_sample(&s);
    s.indptr[1] = 3; /* row 1 would end before it starts */
    assert_status(ctx, nrm_csr_check(ctx, &s), NRM_E_FORMAT);
    assert_message(ctx, "row 1");
    fill_sample(&s);
    s.indptr[2] = 4;
    assert_status(ctx, nrm_csr_check(ctx, &s), NRM_E_FORMAT);
    fill_sample(&s);
    s.indptr[0] = 1;
    assert_status(ctx, nrm_csr_check(ctx, &s), NRM_E_FORMAT);
    assert_int_equal(a.ndim, 77);
    nrm_csr_destroy(ctx, &s);

    assert_status(ctx, nrm_csr_create(ctx, &s, NRM_I32, 1, 1, 1), NRM_E_DTYPE);
    assert_status(ctx, nrm_csr_create(ctx, &s, NRM_F64, -1, 1, 1), NRM_E_SHAPE);
    assert_status(ctx, nrm_csr_create(ctx, &s, NRM_F64, INT64_MAX, 1, 1), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_csr_create(ctx, NULL, NRM_F64, 1, 1, 1), NRM_E_NULL);
    nrm_ctx_destroy(ctx);
}

static nrm_status make_and_convert(nrm_ctx *ctx, void *user)
{
    nrm_array a = {0}, b = {0};
    nrm_csr s = {0};
    nrm_status st = nrm_csr_create(ctx, &s, NRM_F64, 3, 3, 3);
    (void)user;
    if (st >= 0) fill_sample(&s);
    if (st >= 0) st = nrm_csr_to_dense(ctx, &a, &s);
    if (st >= 0) st = nrm_array_convert(ctx, &b, NRM_F32, &a);
    nrm_csr_destroy(ctx, &s);
    nrm_array_destroy(ctx, &a);
    nrm_array_destroy(ctx, &b);
    return st;
}

static void allocation_failures(void **state)
{
    (void)state;
    nrm_test_allocation_failures(make_and_convert, NULL, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(create_zeros_and_view), cmocka_unit_test(bad_arrays_leave_the_output),
              cmocka_unit_test(convert_rounds_to_the_nearest), cmocka_unit_test(convert_to_integers_only_exactly),
              cmocka_unit_test(convert_every_pair), cmocka_unit_test(names_and_sizes), cmocka_unit_test(csr_to_dense),
              cmocka_unit_test(csr_check_names_the_row), cmocka_unit_test(allocation_failures))
