/* test_csv.c -- text: tables, LIBSVM, Matrix Market, JSON; against files of SciPy. */
#include "testkit.h"
#include "reference/formats_values.h"
#include <locale.h>
#include <norma/io.h>

static nrm_status load(nrm_ctx *ctx, const char *name, const char *text, nrm_loaded *l)
{
    return nrm_load_memory(ctx, name, text, strlen(text), l);
}

/* The text is an array of these values. */
static void expect(nrm_ctx *ctx, const char *name, const char *text, int ndim, int64_t rows, int64_t cols, const double *x)
{
    nrm_loaded l;
    assert_ok(ctx, load(ctx, name, text, &l));
    assert_int_equal(l.kind, NRM_LOADED_ARRAY);
    assert_int_equal(l.array.dtype, NRM_F64);
    assert_int_equal(l.array.ndim, ndim);
    assert_int_equal(l.array.shape[0], rows);
    if (ndim == 2) assert_int_equal(l.array.shape[1], cols);
    assert_all_near((double *)l.array.data, x, rows * cols, 0);
    nrm_loaded_destroy(ctx, &l);
}

static void refuse(nrm_ctx *ctx, const char *name, const char *text, const char *piece)
{
    nrm_loaded l = {.format = "untouched"};
    assert_status(ctx, load(ctx, name, text, &l), NRM_E_FORMAT);
    assert_message(ctx, piece);
    if (text[0] != '[') assert_message(ctx, name);
    assert_string_equal(l.format, "untouched");
}

static const double six[] = {1, 2, 3, 4, 5, 6};

static void separators(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    expect(ctx, "x.csv", "1,2,3\n4,5,6\n", 2, 2, 3, six);
    expect(ctx, "x.csv", "1;2;3\r\n4;5;6", 2, 2, 3, six);
    expect(ctx, "x.tsv", "1\t2\t3\n4\t5\t6\n", 2, 2, 3, six);
    expect(ctx, "x", "1|2|3\n4|5|6\n", 2, 2, 3, six);
    expect(ctx, "x.txt", "  1   2\t3\n4 5 6  \n", 2, 2, 3, six);
    expect(ctx, "x.dat", "\xEF\xBB\xBF 1 , 2 ,3\n\"4\", \"5\" ,6\n", 2, 2, 3, six);
    expect(ctx, "x.csv", "# a note\n\n1,2,3\n   \n# more\n4,5,6\n", 2, 2, 3, six);
    expect(ctx, "x.csv", "1\n2\n3\n", 1, 3, 1, six); /* one column is a vector */
    expect(ctx, "x.csv", "1,2,3\n", 2, 1, 3, six);
    expect(ctx, "x.txt", "1\n", 1, 1, 1, six);
    nrm_ctx_destroy(ctx);
}

static void headers(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_loaded l;
    (void)state;

    expect(ctx, "x.csv", "a,b,c\n1,2,3\n4,5,6\n", 2, 2, 3, six);
    expect(ctx, "x.csv", "id,2019,2020\n1,2,3\n4,5,6\n", 2, 2, 3, six);
    assert_ok(ctx, load(ctx, "x.csv", "\"weight, kg\",\"the \"\"b\"\"\" , c\n1,2,3\n", &l));
    assert_int_equal(l.extra.count, 1);
    assert_string_equal(l.extra.items[0].name, "header");
    assert_int_equal(l.extra.items[0].array.shape[0], 20);
    assert_memory_equal(l.extra.items[0].array.data, "weight, kg\nthe \"b\"\nc", 20);
    nrm_loaded_destroy(ctx, &l);
    assert_ok(ctx, load(ctx, "x.csv", "a,b\n", &l)); /* a table of no rows */
    assert_true(l.array.ndim == 2 && l.array.shape[0] == 0 && l.array.shape[1] == 2);
    nrm_loaded_destroy(ctx, &l);
    refuse(ctx, "x.csv", "1,2,x\n4,5,6\n", "line 1 (row 1), column 3: found 'x'"); /* a slip, not a header */
    nrm_ctx_destroy(ctx);
}

static void missing_and_special(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double x[] = {1, NAN, NAN, NAN, NAN, NAN, INFINITY, -INFINITY, INFINITY};
    const double y[] = {1, -0.5, 100000, 1e-5};
    (void)state;
    expect(ctx, "x.csv", "1,,NA\nnan,n/a,Null\ninf,-Infinity,1e999\n", 2, 3, 3, x);
    expect(ctx, "x.csv", "+1,-.5\n1e5,1.E-5\n", 2, 2, 2, y);
    expect(ctx, "x.tsv", "1\t2\t3\n\t\t\n", 2, 2, 3, (const double[]){1, 2, 3, NAN, NAN, NAN});
    char text[300];
    snprintf(text, sizeof text, "%.*s", (int)sizeof file_savetxt, (const char *)file_savetxt);
    expect(ctx, "savetxt.csv", text, 2, 2, 2, (const double[]){0.1, 1 / 3.0, NAN, -INFINITY});
    nrm_ctx_destroy(ctx);
}

static void bad_tables(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    refuse(ctx, "x.csv", "a,b\n1,2\n3,4,5\n", "line 3 (row 2) has 3 fields; the lines before have 2");
    refuse(ctx, "x.csv", "# note\n1,2\n3\n", "line 3 (row 2) has 1 fields");
    refuse(ctx, "x.txt", "1\t\t3\n4\t5\n", "line 2 (row 2) has 2 fields"); /* not three and two numbers between blanks */
    refuse(ctx, "x.txt", "12:30 7\n", "12:30");                             /* no letter: not a name */
    refuse(ctx, "x.csv", "1,2\n3,four\n", "line 2 (row 2), column 2: found 'four'");
    refuse(ctx, "x.csv", "a;b\n1,5;2\n", "decimal point");
    refuse(ctx, "x.csv", "1,\"2\n", "quote");
    refuse(ctx, "x.csv", "\"1\"2,3\n", "quote");
    refuse(ctx, "x.csv", "0x10,2\n", "0x10");
    refuse(ctx, "x.csv", "", "empty");
    refuse(ctx, "x.csv", "# nothing\n\n", "no rows");
    refuse(ctx, "x.csv", "1,\x01\n", "begins with");
    nrm_ctx_destroy(ctx);
}

/* A decimal comma in the locale changes nothing. */
static void any_locale(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    for (size_t i = 0; i < 3; i++) if (setlocale(LC_ALL, names[i])) break;
    expect(ctx, "x.csv", "0.1,12345678901234567890.5\n", 2, 1, 2, (const double[]){0.1, 12345678901234567890.5});
    setlocale(LC_ALL, "C");
    nrm_ctx_destroy(ctx);
}

/* ---- LIBSVM ------------------------------------------------------------------------------------------ */

static void expect_sparse(nrm_ctx *ctx, const char *name, const char *text, int64_t rows, int64_t cols, const double *x)
{
    nrm_loaded l;
    nrm_array a;
    assert_ok(ctx, load(ctx, name, text, &l));
    assert_int_equal(l.kind, NRM_LOADED_CSR);
    assert_ok(ctx, nrm_csr_check(ctx, &l.csr));
    assert_int_equal(l.csr.rows, rows);
    assert_int_equal(l.csr.cols, cols);
    assert_ok(ctx, nrm_csr_to_dense(ctx, &a, &l.csr));
    assert_all_near((double *)a.data, x, rows * cols, 0);
    nrm_array_destroy(ctx, &a);
    nrm_loaded_destroy(ctx, &l);
}

static void libsvm(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_loaded l;
    const double x[] = {0.5, 0, 2, 0, 1, 0};
    (void)state;

    expect_sparse(ctx, "x", "# head\n1 1:0.5 3:2\n\n-1 qid:7 2:1 # tail 9:9\n", 2, 3, x);
    expect_sparse(ctx, "x.svm", "1 0:0.5 2:2\n2 1:1\n", 2, 3, x); /* counts from 0 */
    expect_sparse(ctx, "x.svm", "1\n0\n", 2, 0, x);
    assert_ok(ctx, load(ctx, "x", "1 1:0.5 3:2\n-1.5 2:1\n", &l));
    assert_string_equal(l.extra.items[0].name, "label");
    assert_all_near((double *)l.extra.items[0].array.data, ((const double[]){1, -1.5}), 2, 0);
    nrm_loaded_destroy(ctx, &l);

    refuse(ctx, "x.svm", "1 1:1\n1 3:1 2:1\n", "line 2 (row 2): found '2:1'; indices must ascend");
    refuse(ctx, "x.svm", "1 2:1 2:1\n", "ascend");
    refuse(ctx, "x.svm", "1 -1:1\n", "-1:1");
    refuse(ctx, "x.svm", "1 9223372036854775807:1\n", "whole number");
    refuse(ctx, "x.svm", "1:1 2:2\n", "label");
    refuse(ctx, "x.svm", "1,2 1:1\n", "several labels");
    refuse(ctx, "x.svm", "1 2\n", "index:value");
    refuse(ctx, "x.svm", "1 2:\n", "colon");
    refuse(ctx, "x.svm", "# nothing\n", "no rows");
    nrm_ctx_destroy(ctx);
}

/* ---- Matrix Market -------------------------------------------------------------------------------------- */

static void matrix_market(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_loaded l;
    (void)state;

    expect_sparse(ctx, "x.mtx", "%%MatrixMarket matrix coordinate real general\n% note\n2 2 3\n2 1 1\n1 2 4\n2 1 0.5\n",
                  2, 2, (const double[]){0, 4, 1.5, 0}); /* repeated places add up */
    expect_sparse(ctx, "x", "%%matrixmarket MATRIX Coordinate Pattern General\n1 2 1\n1 2\n", 1, 2, (const double[]){0, 1});
    expect_sparse(ctx, "x", "%%MatrixMarket matrix coordinate integer symmetric\n2 2 2\n1 1 5\n2 1 3\n", 2, 2,
                  (const double[]){5, 3, 3, 0});
    expect_sparse(ctx, "x", "%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n2 1 3\n", 2, 2,
                  (const double[]){0, -3, 3, 0});
    expect_sparse(ctx, "x", "%%MatrixMarket matrix coordinate real general\n0 3 0\n", 0, 3, NULL);
    expect(ctx, "x", "%%MatrixMarket matrix array real general\n2 3\n1\n4\n2 5\n3\n6\n", 2, 2, 3, six);
    expect(ctx, "x", "%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n3\n", 2, 2, 2, (const double[]){1, 2, 2, 3});
    expect(ctx, "x", "%%MatrixMarket matrix array real skew-symmetric\n2 2\n7\n", 2, 2, 2, (const double[]){0, -7, 7, 0});

    /* Of SciPy: the dense matrix is [[0 1.5 0] [0 0 0] [-2.25 0 1e-300]]. */
    const double dense[] = {0, 1.5, 0, 0, 0, 0, -2.25, 0, 1e-300}, sum[] = {0, 1.5, -2.25, 1.5, 0, 0, -2.25, 0, 2e-300};
    char text[1000];
    snprintf(text, sizeof text, "%.*s", (int)sizeof file_mtx_coordinate, (const char *)file_mtx_coordinate);
    expect_sparse(ctx, "scipy.mtx", text, 3, 3, dense);
    snprintf(text, sizeof text, "%.*s", (int)sizeof file_mtx_symmetric, (const char *)file_mtx_symmetric);
    expect_sparse(ctx, "scipy.mtx", text, 3, 3, sum);
    snprintf(text, sizeof text, "%.*s", (int)sizeof file_mtx_array, (const char *)file_mtx_array);
    expect(ctx, "scipy.mtx", text, 2, 2, 3, (const double[]){0, 1, 2, 3, 4, 5});

    assert_status(ctx, load(ctx, "x.mtx", "%%MatrixMarket matrix coordinate real general\n9000000000000000000 1 1\n1 1 1\n", &l),
                  NRM_E_UNSUPPORTED);
    assert_message(ctx, "9000000000000000000 rows");
    nrm_ctx_destroy(ctx);
}

static void bad_matrix_market(void **state)
{
    static const struct { const char *text, *piece; } bad[] = {
        {"coordinate complex general\n1 1 1\n1 1 1 0\n", "complex"},
        {"coordinate real hermitian\n1 1 1\n1 1 1\n", "hermitian"},
        {"array pattern general\n1 1\n", "pattern"},
        {"coordinate real general\n2 2 1\n3 1 1\n", "(3, 1) lies outside 2 x 2"},
        {"coordinate real general\n2 2 1\n0 1 1\n", "count from 1"},
        {"coordinate real general\n2 2 2\n1 1 1\n", "ends after 1 of 2 entries"},
        {"coordinate real general\n2 2 1\n1 1 1\n2 2 2\n", "nothing is expected"},
        {"coordinate real general\n2 2 1\n1 1\n", "row col value"},
        {"coordinate real general\n2 2 1\n1 1 x\n", "row col value"},
        {"coordinate real general\n2 2\n", "rows cols entries"},
        {"coordinate real general\n-2 2 1\n", "rows cols entries"},
        {"coordinate real general\n", "line of sizes"},
        {"coordinate real symmetric\n2 3 0\n", "2 x 3"},
        {"coordinate real symmetric\n2 2 1\n1 2 3\n", "lower triangle"},
        {"coordinate real skew-symmetric\n2 2 1\n1 1 3\n", "diagonal"},
        {"array real general\n2 2\n1\n2\n3\n", "truncated"},
        {"array real general\n1 1\n1\n2\n", "nothing is expected"},
        {"array real general\n3037000500 3037000500\n1\n", "3037000500 x 3037000500"},
        {"array real symmetric\n9223372036854775807 9223372036854775807\n1\n", "9223372036854775807"},
        {"array real general\n1 1\none\n", "one"},
    };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        snprintf(text, sizeof text, "%%%%MatrixMarket matrix %s", bad[i].text);
        refuse(ctx, "x.mtx", text, bad[i].piece);
    }
    refuse(ctx, "x.mtx", "1 1 1\n", "begins with");
    nrm_ctx_destroy(ctx);
}

/* ---- JSON and literals ------------------------------------------------------------------------------------- */

static void literals(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_loaded l;
    (void)state;

    expect(ctx, "x.json", "[[1,2,3],[4,5,6]]", 2, 2, 3, six);
    expect(ctx, "x", " [ 1 , 2.0,\n3e0 ] \n", 1, 3, 1, six);
    expect(ctx, "x", "[null, NaN, \"nan\", \"inf\", \"-inf\", Infinity, -Infinity]", 1, 7, 1,
           (const double[]){NAN, NAN, NAN, INFINITY, -INFINITY, INFINITY, -INFINITY});
    expect(ctx, "x", "[]", 1, 0, 1, NULL);
    expect(ctx, "x", "[[],[]]", 2, 2, 0, NULL);
    assert_ok(ctx, nrm_load(ctx, "[[[[[[[[9007199254740993]]]]]]]]", &l));
    assert_int_equal(l.array.ndim, 8);
    assert_near(*(double *)l.array.data, 9007199254740992.0, 0);
    assert_string_equal(l.format, "json");
    nrm_loaded_destroy(ctx, &l);
    assert_ok(ctx, nrm_load(ctx, "[[[1],[2]]]", &l));
    assert_true(l.array.ndim == 3 && l.array.shape[0] == 1 && l.array.shape[1] == 2 && l.array.shape[2] == 1);
    nrm_loaded_destroy(ctx, &l);

    static const char *const ragged[] = {"[[1,2],[3]]", "[[1],[2,3]]", "[1,[2]]", "[[1],2]", "[[[]],[]]", "[[],[1]]", "[[1],[]]"};
    for (size_t i = 0; i < sizeof ragged / sizeof *ragged; i++) refuse(ctx, "x", ragged[i], "must be alike");
    static const char *const broken[] = {"[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "[1],", "[true]", "[\"a\"]", "[1.2.3]",
                                         "[[]", "[{}]", "[1,\"", "[0x1]"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) refuse(ctx, "x", broken[i], "expected");
    refuse(ctx, "x", "[[[[[[[[[1]]]]]]]]]", "8 deep");
    assert_status(ctx, nrm_load(ctx, "[[1,2],[3,x]]", &l), NRM_E_FORMAT);
    assert_message(ctx, "the literal [[1,2],[3,x]]: found 'x' at character 11");
    nrm_ctx_destroy(ctx);
}

/* ---- Allocation failures -------------------------------------------------------------------------------------- */

static nrm_status load_user(nrm_ctx *ctx, void *user)
{
    nrm_loaded l;
    const nrm_status st = load(ctx, "x", user, &l);
    if (st >= 0) nrm_loaded_destroy(ctx, &l);
    return st;
}

static void allocation_failures(void **state)
{
    char texts[][200] = {"a,b\n1,2\n3,4\n", "1 1:2 3:4\n0 2:1\n", "[[1,2],[3,4]]",
                         "%%MatrixMarket matrix coordinate real general\n2 2 3\n1 2 1\n1 1 4\n1 2 0.5\n",
                         "%%MatrixMarket matrix array real general\n2 1\n1\n2\n"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) nrm_test_allocation_failures(load_user, texts[i], NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(separators), cmocka_unit_test(headers), cmocka_unit_test(missing_and_special),
              cmocka_unit_test(bad_tables), cmocka_unit_test(any_locale), cmocka_unit_test(libsvm),
              cmocka_unit_test(matrix_market), cmocka_unit_test(bad_matrix_market), cmocka_unit_test(literals),
              cmocka_unit_test(allocation_failures))
