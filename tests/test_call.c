/* Calls by name: names, inputs in every form, outputs, reports, saved problems. */
#include "testkit.h"
#include <jansson.h>
#include <norma/call.h>

static const double A[2] = {0.5, 0.5}, B[3] = {0.25, 0.25, 0.5}, COST[6] = {0, 1, 2, 2, 1, 0};

static nrm_call *new_call(nrm_ctx *ctx, const char *method)
{
    nrm_call *call;
    assert_ok(ctx, nrm_call_create(ctx, method, &call));
    return call;
}

static void give(nrm_ctx *ctx, nrm_call *call, const char *port, nrm_dtype dtype, int64_t rows, int64_t cols,
                 const void *data)
{
    const int64_t shape[2] = {rows, cols};
    assert_ok(ctx, nrm_call_input(call, port, dtype, cols ? 2 : 1, shape, data));
}

static nrm_call *transport(nrm_ctx *ctx)
{
    nrm_call *call = new_call(ctx, "sparse-ot");
    give(ctx, call, "a", NRM_F64, 2, 0, A);
    give(ctx, call, "b", NRM_F64, 3, 0, B);
    give(ctx, call, "cost", NRM_F64, 2, 3, COST);
    assert_ok(ctx, nrm_call_set(call, "k", "2"));
    return call;
}

static void test_names(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_call *call = NULL;
    const int64_t shape[1] = {2};

    assert_status(ctx, nrm_call_create(ctx, "sparse-to", &call), NRM_E_ARGUMENT);
    assert_message(ctx, "did you mean 'sparse-ot'?");
    assert_null(call);
    assert_status(ctx, nrm_call_create(ctx, "zzzzzzzzz", &call), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_call_create(ctx, NULL, &call), NRM_E_NULL);
    call = new_call(ctx, "sparse_ot");
    assert_string_equal(nrm_call_method(call)->name, "sparse-ot");
    assert_status(ctx, nrm_call_set(call, "gama", "1"), NRM_E_ARGUMENT);
    assert_message(ctx, "did you mean 'gamma'?");
    assert_status(ctx, nrm_call_input(call, "cots", NRM_F64, 1, shape, A), NRM_E_ARGUMENT);
    assert_message(ctx, "did you mean 'cost'?");
    assert_status(ctx, nrm_call_want(call, "plam"), NRM_E_ARGUMENT);
    assert_ok(ctx, nrm_call_set(call, "max-iter", "7"));
    assert_status(ctx, nrm_call_set(call, "max_iter", "8"), NRM_E_ARGUMENT);
    assert_message(ctx, "given twice");
    assert_ok(ctx, nrm_call_input(call, "a", NRM_F64, 1, shape, A));
    assert_status(ctx, nrm_call_input_path(call, "a", "x.npy"), NRM_E_ARGUMENT);
    assert_message(ctx, "given twice");
    assert_ok(ctx, nrm_call_want(call, "plan"));
    assert_status(ctx, nrm_call_want(call, "plan"), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_call_set(call, "gamma", "0"), NRM_E_RANGE);
    assert_message(ctx, "gamma is 0; it must be > 0");
    assert_ok(ctx, nrm_call_input_path(call, "b", "-"));
    assert_status(ctx, nrm_call_input_path(call, "cost", "-"), NRM_E_ARGUMENT);
    assert_message(ctx, "standard input");
    nrm_call_destroy(call);
    nrm_call_destroy(NULL);
    assert_int_equal(nrm_call_run(NULL), NRM_E_NULL);
    assert_null(nrm_call_output(NULL, "y"));
    nrm_ctx_destroy(ctx);
}

static void test_missing_and_misshapen(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_call *call = new_call(ctx, "sparse-ot");

    assert_status(ctx, nrm_call_run(call), NRM_E_ARGUMENT); /* k, before anything is read */
    assert_message(ctx, "k is missing");
    assert_ok(ctx, nrm_call_set(call, "k", "1"));
    assert_status(ctx, nrm_call_run(call), NRM_E_ARGUMENT);
    assert_message(ctx, "input a is missing");
    give(ctx, call, "a", NRM_F64, 2, 0, A);
    give(ctx, call, "b", NRM_F64, 3, 0, B);
    give(ctx, call, "cost", NRM_F64, 3, 2, COST);
    assert_status(ctx, nrm_call_run(call), NRM_E_SHAPE);
    assert_message(ctx, "cost has shape 3x2, but m is 2 (from a)");
    nrm_call_destroy(call);

    call = new_call(ctx, "sparse-ot");
    assert_ok(ctx, nrm_call_set(call, "k", "1"));
    give(ctx, call, "a", NRM_F64, 2, 2, COST);
    give(ctx, call, "b", NRM_F64, 3, 0, B);
    give(ctx, call, "cost", NRM_F64, 2, 3, COST);
    assert_status(ctx, nrm_call_run(call), NRM_E_SHAPE);
    assert_message(ctx, "a has shape 2x2; it must be (m)");
    nrm_call_destroy(call);

    call = new_call(ctx, "sparse-ot"); /* a column and a row are vectors too */
    assert_ok(ctx, nrm_call_set(call, "k", "2"));
    give(ctx, call, "a", NRM_F64, 2, 1, A);
    give(ctx, call, "b", NRM_F64, 1, 3, B);
    give(ctx, call, "cost", NRM_F64, 2, 3, COST);
    assert_true(nrm_call_run(call) >= 0);
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
}

static void test_run_and_outputs(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    nrm_call *call = transport(ctx);
    const char *json;
    nrm_value plan;

    assert_null(nrm_call_output(call, "plan"));
    assert_null(nrm_call_info(call));
    assert_status(ctx, nrm_call_report(call, &json), NRM_E_ARGUMENT);
    assert_true(nrm_call_run(call) >= 0);
    assert_status(ctx, nrm_call_run(call), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_call_set(call, "gamma", "2"), NRM_E_ARGUMENT);
    assert_non_null(nrm_call_info(call));
    assert_non_null(nrm_call_output(call, "alpha"));
    assert_null(nrm_call_output(call, "nothing"));
    assert_ok(ctx, nrm_call_take(call, "plan", &plan));
    assert_null(nrm_call_output(call, "plan"));
    assert_status(ctx, nrm_call_take(call, "plan", &plan), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_call_write(call, "plan", "/nowhere/x.npy"), NRM_E_ARGUMENT);

    assert_ok(ctx, nrm_call_report(call, &json));
    json_t *root = json_loads(json, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "method")), "sparse-ot");
    assert_string_equal(json_string_value(json_object_get(root, "version")), NRM_VERSION);
    assert_true(json_integer_value(json_object_get(json_object_get(root, "parameters"), "k")) == 2);
    assert_true(json_is_number(json_object_get(json_object_get(root, "parameters"), "gamma")));
    assert_true(json_object_size(json_object_get(root, "info")) == (size_t)nrm_call_method(call)->info_count);
    assert_true(json_is_number(json_object_get(root, "seconds")) && json_is_integer(json_object_get(root, "seed")));
    json_decref(root);
    nrm_call_destroy(call);
    nrm_csr_destroy(ctx, &plan.csr);
    nrm_array_destroy(ctx, &plan.array);
    assert_int_equal(memory.live, 1);
    nrm_ctx_destroy(ctx);
}

/* f32 stays f32; a mixture is widened; integers become f64; the caller's memory is used. */
static void test_element_types(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const float x32[2] = {0, 0};
    const int32_t whole[2] = {3, 3};
    const uint8_t mask[2] = {1, 1};
    float y32[2] = {7, 7};
    double y64[2];
    const int64_t two[1] = {2};

    nrm_call *call = new_call(ctx, "softmax");
    give(ctx, call, "x", NRM_F32, 2, 0, x32);
    give(ctx, call, "mask", NRM_U8, 2, 0, mask);
    assert_ok(ctx, nrm_call_output_into(call, "y", NRM_F32, 1, two, y32));
    assert_ok(ctx, nrm_call_run(call));
    assert_true(nrm_call_output(call, "y")->array.data == y32 && y32[0] == 0.5f);
    nrm_call_destroy(call);
    assert_true(y32[1] == 0.5f); /* still the caller's */

    call = new_call(ctx, "softmax");
    give(ctx, call, "x", NRM_I32, 2, 0, whole);
    assert_ok(ctx, nrm_call_run(call));
    assert_int_equal(nrm_call_output(call, "y")->array.dtype, NRM_F64);
    nrm_call_destroy(call);

    call = new_call(ctx, "softmax");
    give(ctx, call, "x", NRM_F32, 2, 0, x32);
    assert_ok(ctx, nrm_call_output_into(call, "y", NRM_F64, 1, two, y64));
    assert_status(ctx, nrm_call_run(call), NRM_E_DTYPE);
    nrm_call_destroy(call);

    const int64_t three[1] = {3};
    float longer[3] = {7, 7, 7};
    call = new_call(ctx, "softmax");
    give(ctx, call, "x", NRM_F32, 2, 0, x32);
    assert_ok(ctx, nrm_call_output_into(call, "y", NRM_F32, 1, three, longer));
    assert_status(ctx, nrm_call_run(call), NRM_E_SHAPE);
    assert_true(longer[0] == 7);
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
}

/* The same rows as array, sparse matrix, stream, callback, file, literal: the same vector. */
static int64_t fill_rows(void *user, int64_t max_rows, int64_t cols, double *dense)
{
    int *calls = user;
    assert_true(max_rows >= 3 && cols == 2);
    if ((*calls)++) return 0;
    const double rows[6] = {3, 0, 0, 1, 0, 2};
    memcpy(dense, rows, sizeof rows);
    return 3;
}

static void test_rows_in_every_form(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double rows[6] = {3, 0, 0, 1, 0, 2}, values[3] = {3, 1, 2};
    const int64_t indptr[4] = {0, 1, 2, 3}, indices[3] = {0, 1, 1};
    const char *file = nrm_test_temp("rows.npy");
    const int64_t shape[2] = {3, 2};
    nrm_array array;
    int calls = 0;

    assert_ok(ctx, nrm_array_create(ctx, &array, NRM_F64, 2, shape));
    memcpy(array.data, rows, sizeof rows);
    assert_ok(ctx, nrm_save(ctx, file, &array));
    for (int form = 0; form < 5; form++) {
        nrm_call *call = new_call(ctx, "top-eigenvector");
        if (form == 0) give(ctx, call, "a", NRM_F64, 3, 2, rows);
        if (form == 1) assert_ok(ctx, nrm_call_input_csr(call, "a", NRM_F64, 3, 2, indptr, indices, values));
        if (form == 2) assert_ok(ctx, nrm_call_input_callback(call, "a", 2, fill_rows, &calls));
        if (form == 3) assert_ok(ctx, nrm_call_input_path(call, "a", file));
        if (form == 4) assert_ok(ctx, nrm_call_input_path(call, "a", "[[3,0],[0,1],[0,2]]"));
        if (nrm_call_run(call) < 0) fail_msg("form %d: %s", form, nrm_message(ctx));
        const double *v = nrm_call_output(call, "v")->array.data;
        assert_near(fabs(v[0]), 1, 1e-12);
        assert_near(v[1], 0, 1e-12);
        nrm_call_destroy(call);
    }
    remove(file);
    nrm_array_destroy(ctx, &array);
    nrm_ctx_destroy(ctx);
}

static void test_saved_problem(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *file = nrm_test_temp("problem.npz"), *plain = nrm_test_temp("plain.npz");
    nrm_call *call = transport(ctx), *again = NULL;

    assert_ok(ctx, nrm_set_seed(ctx, 77));
    assert_ok(ctx, nrm_call_set(call, "gamma", "0.3"));
    assert_ok(ctx, nrm_call_save_problem(call, file));
    assert_true(nrm_call_run(call) >= 0);
    assert_ok(ctx, nrm_set_seed(ctx, 0));
    assert_ok(ctx, nrm_call_load_problem(ctx, file, &again));
    assert_true(nrm_seed(ctx) == 77);
    assert_true(nrm_call_run(again) >= 0);
    const nrm_array *x = &nrm_call_output(call, "alpha")->array, *y = &nrm_call_output(again, "alpha")->array;
    assert_memory_equal(x->data, y->data, sizeof(double) * (size_t)nrm_array_count(x));
    nrm_call_destroy(call);
    nrm_call_destroy(again);

    double one = 1;
    nrm_named item = {.name = (char[]){"x"}};
    assert_ok(ctx, nrm_array_view(ctx, &item.array, NRM_F64, 0, NULL, &one));
    const nrm_bundle bundle = {&item, 1};
    assert_ok(ctx, nrm_save_bundle(ctx, plain, &bundle));
    assert_status(ctx, nrm_call_load_problem(ctx, plain, &again), NRM_E_FORMAT);
    assert_message(ctx, "is no saved problem");
    assert_status(ctx, nrm_call_load_problem(ctx, "/nowhere/x.npz", &again), NRM_E_IO);

    call = new_call(ctx, "top-eigenvector"); /* rows of a file, or here a literal, are saved whole */
    assert_ok(ctx, nrm_call_input_path(call, "a", "[[1,2],[0,1]]"));
    assert_ok(ctx, nrm_call_save_problem(call, file));
    nrm_call_destroy(call);
    assert_ok(ctx, nrm_call_load_problem(ctx, file, &again));
    assert_true(nrm_call_run(again) >= 0);
    assert_near(((const double *)nrm_call_output(again, "v")->array.data)[1], 0.92387953251128674, 1e-12);
    nrm_call_destroy(again);
    int calls = 0; /* a stream is read once: it cannot be */
    call = new_call(ctx, "top-eigenvector");
    assert_ok(ctx, nrm_call_input_callback(call, "a", 2, fill_rows, &calls));
    assert_status(ctx, nrm_call_save_problem(call, file), NRM_E_UNSUPPORTED);
    nrm_call_destroy(call);
    remove(file);
    remove(plain);
    nrm_ctx_destroy(ctx);
}

/* Rows handed over as a sparse matrix, or loaded from a LIBSVM file, are saved as their parts. */
static void test_saved_sparse_rows(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    const char *problem = nrm_test_temp("sparse.npz"), *rows = nrm_test_temp("rows.svm");
    const double values[3] = {3, 1, 2};
    const int64_t indptr[4] = {0, 1, 2, 3}, indices[3] = {0, 1, 1};
    FILE *file = fopen(rows, "w");

    assert_non_null(file);
    assert_true(fputs("0 1:3\n0 2:1\n0 2:2\n", file) >= 0);
    fclose(file);
    for (int form = 0; form < 2; form++) {
        nrm_call *call = new_call(ctx, "top-eigenvector"), *again;
        if (form) assert_ok(ctx, nrm_call_input_path(call, "a", rows));
        else assert_ok(ctx, nrm_call_input_csr(call, "a", NRM_F64, 3, 2, indptr, indices, values));
        assert_ok(ctx, nrm_set_seed(ctx, UINT64_MAX)); /* beyond JSON's integers */
        assert_ok(ctx, nrm_call_save_problem(call, problem));
        nrm_call_destroy(call);
        assert_ok(ctx, nrm_set_seed(ctx, 0));
        assert_ok(ctx, nrm_call_load_problem(ctx, problem, &again));
        assert_true(nrm_seed(ctx) == UINT64_MAX);
        if (nrm_call_run(again) < 0) fail_msg("%s", nrm_message(ctx));
        assert_near(fabs(((const double *)nrm_call_output(again, "v")->array.data)[0]), 1, 1e-12);
        const char *json;
        assert_ok(ctx, nrm_call_report(again, &json));
        assert_non_null(strstr(json, "\"stream\": true"));
        assert_non_null(strstr(json, "18446744073709551615"));
        nrm_call_destroy(again);
    }
    remove(problem);
    remove(rows);
    assert_int_equal(memory.live, 1);
    nrm_ctx_destroy(ctx);
}

/* Saved problems are files, and so hostile: parts missing, or at odds with each other. */
static void test_broken_saved_problem(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *path = nrm_test_temp("broken.npz");
    static const char good[] = "{\"method\":\"top-eigenvector\",\"parameters\":{\"width\":1},\"seed\":3}";
    static const char *const texts[] = {"{\"method\":\"nothing\"}", "{", "{\"method\":\"top-eigenvector\",\"parameters\":{\"widht\":1}}",
                                        "{\"method\":\"top-eigenvector\",\"parameters\":{\"theta\":7.5}}", good, good, good};
    int64_t indptr[3] = {0, 1, 2}, indices[2] = {0, 1}, shape[2] = {2, 2};
    double values[2] = {1, 2};

    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
        int64_t length = (int64_t)strlen(texts[i]), three = 3, two = i == 4 ? 1 : 2;
        char text[128];
        memcpy(text, texts[i], (size_t)length + 1);
        indices[1] = i == 5 ? 9 : 1; /* a column out of range */
        shape[0] = i == 6 ? 5 : 2;   /* rows that indptr does not have */
        nrm_named items[5] = {{.name = (char[]){"norma-call"}}, {.name = (char[]){"a.indptr"}}, {.name = (char[]){"a.indices"}},
                              {.name = (char[]){"a.values"}}, {.name = (char[]){"a.shape"}}};
        assert_ok(ctx, nrm_array_view(ctx, &items[0].array, NRM_U8, 1, &length, text));
        assert_ok(ctx, nrm_array_view(ctx, &items[1].array, NRM_I64, 1, &three, indptr));
        assert_ok(ctx, nrm_array_view(ctx, &items[2].array, NRM_I64, 1, &two, indices));
        const int64_t both = 2;
        assert_ok(ctx, nrm_array_view(ctx, &items[3].array, NRM_F64, 1, &both, values));
        assert_ok(ctx, nrm_array_view(ctx, &items[4].array, NRM_I64, 1, &both, shape));
        const nrm_bundle bundle = {items, 5};
        nrm_call *call = NULL;
        assert_ok(ctx, nrm_save_bundle(ctx, path, &bundle));
        if (nrm_call_load_problem(ctx, path, &call) >= 0) fail_msg("broken problem %d was loaded", i);
        assert_null(call);
        assert_true(*nrm_message(ctx));
    }
    remove(path);
    nrm_ctx_destroy(ctx);
}

/* A port for whole arrays refuses a stream; a sparse output fills dense memory given before. */
static void test_forms_that_do_not_fit(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int64_t indptr[3] = {0, 1, 2}, indices[2] = {0, 1};
    const float values[2] = {1, 2};
    nrm_call *call = new_call(ctx, "softmax");
    int calls = 0;

    assert_ok(ctx, nrm_call_input_callback(call, "x", 2, fill_rows, &calls));
    assert_status(ctx, nrm_call_run(call), NRM_E_ARGUMENT);
    assert_message(ctx, "x is a stream of rows; it must be a whole array");
    nrm_call_destroy(call);
    assert_int_equal(nrm_call_input_rows(NULL, "x", NULL), NRM_E_NULL);

    call = new_call(ctx, "softmax"); /* sparse becomes dense, in its own type */
    assert_ok(ctx, nrm_call_input_csr(call, "x", NRM_F32, 2, 2, indptr, indices, values));
    assert_ok(ctx, nrm_call_run(call));
    assert_int_equal(nrm_call_output(call, "y")->array.dtype, NRM_F32);
    assert_near((double)((const float *)nrm_call_output(call, "y")->array.data)[3], 0.88079707797788231, 1e-6);
    nrm_call_destroy(call);

    double plan[6];
    const int64_t both[2] = {2, 3};
    call = transport(ctx);
    assert_ok(ctx, nrm_call_output_into(call, "plan", NRM_F64, 2, both, plan));
    assert_true(nrm_call_run(call) >= 0);
    nrm_call_destroy(call);
    double columns[3] = {0};
    for (int i = 0; i < 6; i++) columns[i % 3] += plan[i];
    assert_all_near(columns, B, 3, 1e-9);

    const int64_t turned[2] = {3, 2};
    call = transport(ctx);
    assert_ok(ctx, nrm_call_output_into(call, "plan", NRM_F64, 2, turned, plan));
    assert_status(ctx, nrm_call_run(call), NRM_E_SHAPE);
    assert_message(ctx, "the memory given for plan has shape 3x2; it must have 2x3");
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
}

static void test_bundle_members(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *file = nrm_test_temp("members.npz");
    char member[4200];
    double x[2] = {0, 0}, w[2] = {0, 1};
    const int64_t two[1] = {2};
    nrm_named items[2] = {{.name = (char[]){"u"}}, {.name = (char[]){"w"}}};

    assert_ok(ctx, nrm_array_view(ctx, &items[0].array, NRM_F64, 1, two, x));
    assert_ok(ctx, nrm_array_view(ctx, &items[1].array, NRM_F64, 1, two, w));
    const nrm_bundle bundle = {items, 2};
    assert_ok(ctx, nrm_save_bundle(ctx, file, &bundle));

    nrm_call *call = new_call(ctx, "softmax");
    assert_ok(ctx, nrm_call_input_path(call, "x", file));
    assert_status(ctx, nrm_call_run(call), NRM_E_ARGUMENT);
    assert_message(ctx, "FILE:ARRAY");
    nrm_call_destroy(call);
    for (int i = 0; i < 2; i++) {
        call = new_call(ctx, "softmax");
        snprintf(member, sizeof member, "%s:%s", file, i ? "missing" : "u");
        assert_ok(ctx, nrm_call_input_path(call, "x", member));
        if (i) { /* tried again: the path is whole, what was loaded is released */
            for (int again = 0; again < 2; again++) {
                assert_status(ctx, nrm_call_run(call), NRM_E_ARGUMENT);
                assert_message(ctx, "holds no array 'missing'");
            }
        } else assert_ok(ctx, nrm_call_run(call));
        nrm_call_destroy(call);
    }

    /* Rows too: the only array of a file is taken, of several one must be named. */
    double rows[4] = {3, 0, 0, 1};
    const int64_t square[2] = {2, 2};
    nrm_named one = {.name = (char[]){"u"}};
    assert_ok(ctx, nrm_array_view(ctx, &one.array, NRM_F64, 2, square, rows));
    const nrm_bundle single = {&one, 1};
    for (int count = 1; count <= 2; count++) {
        assert_ok(ctx, nrm_save_bundle(ctx, file, count == 1 ? &single : &bundle));
        call = new_call(ctx, "top-eigenvector");
        assert_ok(ctx, nrm_call_input_path(call, "a", file));
        if (count == 1) assert_ok(ctx, nrm_call_run(call));
        else assert_status(ctx, nrm_call_run(call), NRM_E_ARGUMENT);
        nrm_call_destroy(call);
    }
    assert_message(ctx, "FILE:ARRAY");
    remove(file);
    nrm_ctx_destroy(ctx);
}

static void test_methods_json(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    char *text;

    assert_ok(ctx, nrm_methods_json(ctx, &text));
    json_t *list = json_loads(text, 0, NULL);
    assert_true(json_array_size(list) == (size_t)nrm_method_count());
    size_t i;
    json_t *method;
    json_array_foreach(list, i, method) {
        const nrm_method *m = nrm_method_at((int)i);
        assert_string_equal(json_string_value(json_object_get(method, "name")), m->name);
        assert_true(json_array_size(json_object_get(method, "inputs")) == (size_t)m->input_count);
        assert_true(json_array_size(json_object_get(method, "outputs")) == (size_t)m->output_count);
        assert_true(json_array_size(json_object_get(method, "parameters")) == (size_t)m->param_count);
        assert_true(json_array_size(json_object_get(method, "examples")) == (size_t)m->example_count);
    }
    json_decref(list);
    nrm_free_string(ctx, text);
    nrm_ctx_destroy(ctx);
}

/* jansson allocates for itself; everything else of a call goes through the context. */
static nrm_status whole_call(nrm_ctx *ctx, void *user)
{
    nrm_call *call = NULL;
    const int64_t two[1] = {2}, three[1] = {3}, both[2] = {2, 3};
    (void)user;
    nrm_status st = nrm_call_create(ctx, "sparse-ot", &call);
    if (st >= 0) st = nrm_call_input(call, "a", NRM_F64, 1, two, A);
    if (st >= 0) st = nrm_call_input(call, "b", NRM_F64, 1, three, B);
    if (st >= 0) st = nrm_call_input(call, "cost", NRM_F64, 2, both, COST);
    if (st >= 0) st = nrm_call_set(call, "k", "2");
    if (st >= 0) st = nrm_call_run(call);
    nrm_call_destroy(call);
    return st;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    nrm_test_allocation_failures(whole_call, NULL, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_names), cmocka_unit_test(test_missing_and_misshapen),
              cmocka_unit_test(test_run_and_outputs), cmocka_unit_test(test_element_types),
              cmocka_unit_test(test_rows_in_every_form), cmocka_unit_test(test_saved_problem),
              cmocka_unit_test(test_saved_sparse_rows), cmocka_unit_test(test_broken_saved_problem),
              cmocka_unit_test(test_forms_that_do_not_fit),
              cmocka_unit_test(test_bundle_members), cmocka_unit_test(test_methods_json),
              cmocka_unit_test(test_allocation_failures))
