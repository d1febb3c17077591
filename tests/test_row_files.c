/* test_row_files.c -- streams of rows from files of every format, and from pipes. */
#define _POSIX_C_SOURCE 200809L
#include "rows_kit.h"
#include <unistd.h>

static const double sample[] = {1, 0, 2.5, 0, -3, 0, 4, 0, 0, 0, 0, 5};

/* The same 4 x 3 matrix through every format that streams. */
static void every_format(void **state)
{
    static const char *const names[] = {"rows.npy", "rows.csv", "rows.txt", "rows.tsv", "rows.mtx", "rows.svm", "rows.json"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_array a;
    nrm_rows *rows;
    (void)state;

    assert_ok(ctx, nrm_array_view(ctx, &a, NRM_F64, 2, (const int64_t[]){4, 3}, (void *)(uintptr_t)sample));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int64_t cols = 0; cols <= 3; cols += 3) {
            const char *path = nrm_test_temp(names[i]);
            assert_ok(ctx, nrm_save(ctx, path, &a));
            assert_ok(ctx, nrm_rows_open(ctx, &rows, path, cols));
            expect_rows(ctx, rows, sample, 4, 3);
            if (i != 5) assert_status(ctx, nrm_rows_open(ctx, &rows, path, 4), NRM_E_SHAPE);
            unlink(path);
        }
    nrm_ctx_destroy(ctx);
}

/* Every element type of npy as a stream, and a u64 that f64 rows do not take. */
static void every_type(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double whole[] = {1, 0, 200, 3, 4, 5};
    unsigned char file[128 + 8] = "\x93NUMPY\x01";
    nrm_array a, b;
    nrm_rows *rows;
    nrm_row_block block;
    (void)state;

    assert_ok(ctx, nrm_array_view(ctx, &a, NRM_F64, 2, (const int64_t[]){2, 3}, (void *)(uintptr_t)whole));
    for (int t = 0; t < NRM_DTYPE_COUNT; t++) {
        const char *path = nrm_test_temp("type.npy");
        assert_ok(ctx, nrm_array_convert(ctx, &b, (nrm_dtype)t, &a));
        assert_ok(ctx, nrm_save(ctx, path, &b));
        assert_ok(ctx, nrm_rows_open(ctx, &rows, path, 0));
        expect_rows(ctx, rows, whole, 2, 3);
        nrm_array_destroy(ctx, &b);
        unlink(path);
    }
    memset(file + 10, ' ', 118);
    memset(file + 128, 0xFF, 8);
    file[8] = 118;
    memcpy(file + 10, "{'descr': '<u8', 'fortran_order': False, 'shape': (1, 1)}", 57);
    const char *path = write_file("u64.npy", file, sizeof file);
    assert_ok(ctx, nrm_rows_open(ctx, &rows, path, 0));
    assert_status(ctx, nrm_rows_next(ctx, rows, 1, &block), NRM_E_RANGE);
    assert_message(ctx, "element 0");
    nrm_rows_close(ctx, rows);
    unlink(path);
    nrm_ctx_destroy(ctx);
}

static void coordinate_rows(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_rows *rows;
    nrm_row_block block;
    (void)state;

    static const char sorted[] = "%%MatrixMarket matrix coordinate real general\n4 3 6\n"
                                 "1 3 2\n1 1 1\n1 3 0.5\n2 2 -3\n3 1 4\n4 3 5\n"; /* columns out of order, one twice */
    assert_ok(ctx, nrm_rows_open(ctx, &rows, write_file("sorted.mtx", sorted, sizeof sorted - 1), 0));
    assert_ok(ctx, nrm_rows_next(ctx, rows, 4, &block));
    assert_null(block.dense);
    assert_int_equal(block.indptr[1], 2);
    assert_int_equal(block.indices[1], 2);
    assert_ok(ctx, nrm_rows_rewind(ctx, rows));
    expect_rows(ctx, rows, sample, 4, 3);

    static const char unsorted[] = "%%MatrixMarket matrix coordinate real general\n4 3 2\n3 1 4\n1 1 1\n";
    assert_ok(ctx, nrm_rows_open(ctx, &rows, write_file("unsorted.mtx", unsorted, sizeof unsorted - 1), 0));
    assert_status(ctx, nrm_rows_next(ctx, rows, 4, &block), NRM_E_FORMAT);
    assert_message(ctx, "row 1 comes after row 3");
    nrm_rows_close(ctx, rows);

    static const char symmetric[] = "%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n2 1 3\n1 1 1\n";
    assert_ok(ctx, nrm_rows_open(ctx, &rows, write_file("symmetric.mtx", symmetric, sizeof symmetric - 1), 2));
    expect_rows(ctx, rows, (const double[]){1, 3, 3, 0}, 2, 2);

    static const char cut[] = "%%MatrixMarket matrix coordinate real general\n4 3 2\n1 1 4\n";
    assert_ok(ctx, nrm_rows_open(ctx, &rows, write_file("cut.mtx", cut, sizeof cut - 1), 0));
    assert_status(ctx, nrm_rows_next(ctx, rows, 4, &block), NRM_E_FORMAT);
    assert_message(ctx, "1 of 2 entries");
    nrm_rows_close(ctx, rows);
    nrm_ctx_destroy(ctx);
}

static void libsvm_rows(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_rows *rows;
    nrm_row_block block;
    (void)state;

    static const char zero_based[] = "1 1:7\n-1 0:2 2:3 # note\n";
    const char *path = write_file("zero.svm", zero_based, sizeof zero_based - 1);
    assert_ok(ctx, nrm_rows_open(ctx, &rows, path, 0));
    assert_int_equal(nrm_rows_count(rows), 2); /* the first pass counted them */
    expect_rows(ctx, rows, (const double[]){0, 7, 0, 2, 0, 3}, 2, 3);
    assert_ok(ctx, nrm_rows_open(ctx, &rows, path, 3)); /* not scanned: takes indices from 1, then sees the 0 */
    assert_status(ctx, nrm_rows_next(ctx, rows, 9, &block), NRM_E_FORMAT);
    assert_message(ctx, "counts from 0");
    nrm_rows_close(ctx, rows);

    static const char wide[] = "1 1:7\n1 4:1\n";
    assert_ok(ctx, nrm_rows_open(ctx, &rows, write_file("wide.svm", wide, sizeof wide - 1), 3));
    assert_ok(ctx, nrm_rows_next(ctx, rows, 1, &block));
    assert_status(ctx, nrm_rows_next(ctx, rows, 1, &block), NRM_E_SHAPE);
    assert_message(ctx, "index 4");
    nrm_rows_close(ctx, rows);
    nrm_ctx_destroy(ctx);
}

/* Column-major elements, read a piece of every column at a time. */
static void fortran_rows(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_rows *rows;
    unsigned char file[128 + 6 * 4] = "\x93NUMPY\x01";
    const float columns[] = {1, 3, 5, 2, 4, 6};
    (void)state;

    memset(file + 10, ' ', 118);
    file[8] = 118;
    memcpy(file + 10, "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2)}", 56);
    memcpy(file + 128, columns, sizeof columns);
    assert_ok(ctx, nrm_rows_open(ctx, &rows, write_file("fortran.npy", file, sizeof file), 0));
    expect_rows(ctx, rows, (const double[]){1, 2, 3, 4, 5, 6}, 3, 2);
    file[8] = 119; /* now a byte is missing at the end */
    rows = NULL;
    assert_status(ctx, nrm_rows_open(ctx, &rows, write_file("short.npy", file, sizeof file), 0), NRM_E_FORMAT);
    assert_message(ctx, "truncated");
    assert_null(rows);
    nrm_ctx_destroy(ctx);
}

/* Memory does not grow with the file: 3 MB of text in a few hundred kilobytes. */
static void constant_memory(void **state)
{
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    const char *path = nrm_test_temp("long.csv");
    FILE *file = fopen(path, "w");
    nrm_rows *rows;
    nrm_row_block block;
    double sum = 0;
    (void)state;

    for (int i = 0; i < 300000; i++) fprintf(file, "%d,1.5\n", i);
    fclose(file);
    assert_ok(ctx, nrm_rows_open(ctx, &rows, path, 0));
    do {
        assert_ok(ctx, nrm_rows_next(ctx, rows, 100, &block));
        for (int64_t i = 0; i < block.count; i++) sum += block.dense[2 * i];
    } while (block.count > 0);
    assert_near(sum, 299999.0 * 300000 / 2, 0);
    assert_true(memory.peak_bytes < 400000);
    nrm_rows_close(ctx, rows);
    assert_int_equal(memory.live, 1); /* the context */
    unlink(path);
    nrm_ctx_destroy(ctx);
}

/* ---- Standard input ------------------------------------------------------------------------------ */

/* Put bytes on a pipe in place of standard input. */
static int pipe_in(const void *bytes, size_t size)
{
    int ends[2];
    const int old = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, size), (ssize_t)size);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    return old;
}

static void restore_input(int old)
{
    dup2(old, STDIN_FILENO);
    close(old);
}

static void expect_piped(nrm_ctx *ctx, const void *bytes, size_t size, int64_t cols)
{
    nrm_rows *rows;
    double x[12];
    const int old = pipe_in(bytes, size);
    assert_ok(ctx, nrm_rows_open(ctx, &rows, "-", cols));
    assert_int_equal(gather(ctx, rows, 2, x, 12), 4);
    assert_all_near(x, sample, 12, 0);
    assert_status(ctx, nrm_rows_rewind(ctx, rows), NRM_E_UNSUPPORTED);
    nrm_rows_close(ctx, rows);
    restore_input(old);
}

static void from_pipes(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    unsigned char npy[128 + sizeof sample] = "\x93NUMPY\x01";
    nrm_rows *rows = NULL;
    (void)state;

    static const char csv[] = "a,b,c\n1,0,2.5\n0,-3,0\n4,0,0\n0,0,5\n";
    static const char svm[] = "1 1:1 3:2.5\n1 2:-3\n1 1:4\n1 3:5\n";
    static const char mtx[] = "%%MatrixMarket matrix coordinate real general\n4 3 5\n1 1 1\n1 3 2.5\n2 2 -3\n3 1 4\n4 3 5\n";
    expect_piped(ctx, csv, sizeof csv - 1, 0);
    expect_piped(ctx, svm, sizeof svm - 1, 3);
    expect_piped(ctx, mtx, sizeof mtx - 1, 0);
    memset(npy + 10, ' ', 118);
    npy[8] = 118;
    memcpy(npy + 10, "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3)}", 57);
    memcpy(npy + 128, sample, sizeof sample);
    expect_piped(ctx, npy, sizeof npy, 3);

    /* The array form goes column by column: the pipe is read whole first, and can be rewound. */
    static const char columns[] = "%%MatrixMarket matrix array real general\n4 3\n1\n0\n4\n0\n0\n-3\n0\n0\n2.5\n0\n0\n5\n";
    int old = pipe_in(columns, sizeof columns - 1);
    assert_ok(ctx, nrm_rows_open(ctx, &rows, "-", 0));
    restore_input(old);
    expect_rows(ctx, rows, sample, 4, 3);
    rows = NULL;

    old = pipe_in(svm, sizeof svm - 1); /* the columns cannot be counted first */
    assert_status(ctx, nrm_rows_open(ctx, &rows, "-", 0), NRM_E_ARGUMENT);
    restore_input(old);
    memcpy(npy + 10, "{'descr': '<f8', 'fortran_order': True, 'shape': (4, 3)} ", 57);
    old = pipe_in(npy, sizeof npy);
    assert_status(ctx, nrm_rows_open(ctx, &rows, "-", 0), NRM_E_UNSUPPORTED);
    assert_message(ctx, "standard input");
    restore_input(old);
    old = pipe_in("", 0);
    assert_status(ctx, nrm_rows_open(ctx, &rows, "-", 0), NRM_E_FORMAT);
    assert_message(ctx, "empty");
    restore_input(old);
    assert_null(rows);
    nrm_ctx_destroy(ctx);
}

/* Whole files from a pipe. */
static void load_from_pipes(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    unsigned char npy[128 + sizeof sample] = "\x93NUMPY\x01";
    nrm_loaded l;
    (void)state;

    memset(npy + 10, ' ', 118);
    npy[8] = 118;
    memcpy(npy + 10, "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3)}", 57);
    memcpy(npy + 128, sample, sizeof sample);
    int old = pipe_in(npy, sizeof npy);
    assert_ok(ctx, nrm_load(ctx, "-", &l));
    restore_input(old);
    assert_memory_equal(l.array.data, sample, sizeof sample);
    nrm_loaded_destroy(ctx, &l);
    old = pipe_in("[[1,2]]", 7);
    assert_ok(ctx, nrm_load(ctx, "-", &l));
    restore_input(old);
    assert_int_equal(l.array.shape[1], 2);
    nrm_loaded_destroy(ctx, &l);
    old = pipe_in(npy, sizeof npy - 1);
    assert_status(ctx, nrm_load(ctx, "-", &l), NRM_E_FORMAT);
    restore_input(old);
    assert_message(ctx, "standard input: declares 4x3 elements of 8 bytes, but at most 95 bytes follow");
    nrm_ctx_destroy(ctx);
}

/* ---- Failures and real data ------------------------------------------------------------------------ */

static nrm_status read_through(nrm_ctx *ctx, void *user)
{
    nrm_rows *rows = NULL;
    nrm_row_block block = {.count = 1};
    nrm_status st = nrm_rows_open(ctx, &rows, user, 0);
    for (int pass = 0; pass < 2 && st >= 0; pass++) {
        do st = nrm_rows_next(ctx, rows, 2, &block);
        while (st >= 0 && block.count > 0);
        if (st >= 0) st = nrm_rows_rewind(ctx, rows);
    }
    nrm_rows_close(ctx, rows);
    return st;
}

static void allocation_failures(void **state)
{
    static const char *const names[] = {"fail.npy", "fail.csv", "fail.svm", "fail.mtx", "fail.json"};
    static const char mtx[] = "%%MatrixMarket matrix coordinate real general\n2 3 3\n1 3 1\n1 1 2\n2 2 -3\n";
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_array a;
    char path[4096];
    (void)state;

    assert_ok(ctx, nrm_array_view(ctx, &a, NRM_F64, 2, (const int64_t[]){4, 3}, (void *)(uintptr_t)sample));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s", nrm_test_temp(names[i]));
        assert_ok(ctx, nrm_save(ctx, path, &a));
        nrm_test_allocation_failures(read_through, path, NULL, 0);
    }
    snprintf(path, sizeof path, "%s", write_file("fail2.mtx", mtx, sizeof mtx - 1));
    nrm_test_allocation_failures(read_through, path, NULL, 0);
    nrm_ctx_destroy(ctx);
}

static void real_data(void **state)
{
    nrm_rows *rows;
    nrm_row_block block;
    int64_t count = 0;
    double sum = 0;
    const char *digits = nrm_test_data("mnist/t10k-images-idx3-ubyte.gz");
    (void)state;

    if (!digits) skip();
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_rows_open(ctx, &rows, digits, 784));
    do {
        assert_ok(ctx, nrm_rows_next(ctx, rows, 999, &block));
        for (int64_t i = 0; i < block.count * 784; i++) sum += block.dense[i];
        count += block.count;
    } while (block.count > 0);
    assert_int_equal(count, 10000);
    assert_near(sum / (10000.0 * 784), 33.7912, 1e-4); /* the known mean of the test digits: 0.1325 of 255 */
    nrm_rows_close(ctx, rows);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(every_format), cmocka_unit_test(every_type), cmocka_unit_test(coordinate_rows), cmocka_unit_test(libsvm_rows),
              cmocka_unit_test(fortran_rows), cmocka_unit_test(constant_memory), cmocka_unit_test(from_pipes),
              cmocka_unit_test(load_from_pipes), cmocka_unit_test(allocation_failures), cmocka_unit_test(real_data))
