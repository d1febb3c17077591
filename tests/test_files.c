/* test_files.c -- recognising files, and what is said when they are not what they should be. */
#define _XOPEN_SOURCE 700
#include "testkit.h"
#include <norma/io.h>
#include <sys/stat.h>
#include <unistd.h>

static const double sample[] = {0, 0.1, -2.5, 1e-300, 4, 1e300, -0.0, 8, 1.0 / 3, 10, 11, 12};

static nrm_array view(nrm_dtype dtype, int ndim, int64_t rows, int64_t cols, const void *data)
{
    nrm_array a = {.data = (void *)(uintptr_t)data, .dtype = dtype, .ndim = ndim, .shape = {rows, cols}};
    return a;
}

/* ---- What is said ------------------------------------------------------------------------------------- */

static void bad_paths(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_array a = view(NRM_F64, 2, 3, 4, sample);
    nrm_loaded l = {.format = "untouched"};
    (void)state;

    assert_status(ctx, nrm_load(ctx, "no/such/file.npy", &l), NRM_E_IO);
    assert_message(ctx, "no/such/file.npy: there is no such file");
    assert_status(ctx, nrm_load(ctx, "/tmp", &l), NRM_E_IO);
    assert_message(ctx, "/tmp: this is a folder");
    assert_status(ctx, nrm_load(ctx, NULL, &l), NRM_E_NULL);
    assert_status(ctx, nrm_load(ctx, "x", NULL), NRM_E_NULL);
    assert_string_equal(l.format, "untouched");

    assert_status(ctx, nrm_save(ctx, "no/such/file.npy", &a), NRM_E_IO);
    assert_message(ctx, "folder does not exist");
    assert_status(ctx, nrm_save(ctx, "file.npi", &a), NRM_E_ARGUMENT);
    assert_message(ctx, "file.npi: .npi does not say a format");
    assert_status(ctx, nrm_save(ctx, "file", &a), NRM_E_ARGUMENT);
    assert_message(ctx, ".safetensors");
    assert_status(ctx, nrm_save(ctx, NULL, &a), NRM_E_NULL);
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", nrm_test_temp("folder.npy"));
    mkdir(folder, 0777);
    assert_status(ctx, nrm_save(ctx, folder, &a), NRM_E_IO);
    assert_message(ctx, "this is a folder");
    assert_status(ctx, nrm_load(ctx, folder, &l), NRM_E_IO);
    rmdir(folder);
    nrm_ctx_destroy(ctx);
}

static void what_it_is_not(void **state)
{
    static const struct { const char *name, *bytes, *piece; } files[] = {
        {"x.npy", "1,2\n3,4\n", "begins with '1,2?3,4?'; a .npy file begins with"},
        {"x.npz", "hello", "a .npz file begins with PK"},
        {"x.mtx", "3 3 1\n", "%%MatrixMarket"},
        {"x.h5", "\x89HDF\r\n\x1a\n____", "an HDF5 file"},
        {"x.pkl", "\x80\x04\x95____", "pickle"},
        {"x.csv", "\xFF\xFE" "1_,_", "UTF-16"},
        {"x.mat", "MATLAB 5.0 MAT-file", "a MATLAB file"},
        {"x.onnx", "\x08\x07\x12\x07", "expected npy, npz"},
        {"x.csv.gz", "\x1f\x8b\x08____________", "compressed data"},
    };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        nrm_loaded l = {.format = "untouched"};
        assert_status(ctx, nrm_load_memory(ctx, files[i].name, files[i].bytes, strlen(files[i].bytes), &l), NRM_E_FORMAT);
        assert_message(ctx, files[i].name);
        assert_message(ctx, files[i].piece);
        assert_string_equal(l.format, "untouched");
    }
    nrm_ctx_destroy(ctx);
}

/* Content decides: a wrong name does no harm where the content is plain. */
static void content_before_name(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    static const struct { const char *name, *bytes, *format; } files[] = {
        {"x.csv", "[[1,2]]", "json"}, {"x.npy", "%%MatrixMarket matrix array real general\n1 1\n1\n", "matrix-market"},
        {"x", "1 1:2\n", "libsvm"}, {"x", "1\n1 1:2\n", "libsvm"}, {"x.svm", "1\n", "libsvm"}, {"x", "1 2\n", "csv"},
        {"x.csv", "a b:2\n", "csv"}};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        nrm_loaded l;
        assert_ok(ctx, nrm_load_memory(ctx, files[i].name, files[i].bytes, strlen(files[i].bytes), &l));
        assert_string_equal(l.format, files[i].format);
        nrm_loaded_destroy(ctx, &l);
    }
    nrm_ctx_destroy(ctx);
}

/* ---- Progress, real data ----------------------------------------------------------------------- */

static int note(void *user, const nrm_progress *progress)
{
    assert_true(progress->done >= 0 && strcmp(progress->task, "reading") == 0);
    return ++*(int *)user > 1000000;
}

static void progress_is_reported(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    static double large[200000];
    const nrm_array big = view(NRM_F64, 1, 200000, 0, large);
    const char *path = nrm_test_temp("progress.npy");
    int calls = 0;
    nrm_loaded l;
    (void)state;

    assert_ok(ctx, nrm_save(ctx, path, &big));
    assert_ok(ctx, nrm_set_progress(ctx, note, &calls));
    assert_ok(ctx, nrm_load(ctx, path, &l));
    assert_true(calls > 0);
    nrm_loaded_destroy(ctx, &l);
    unlink(path);
    nrm_ctx_destroy(ctx);
}

static void real_libsvm(void **state)
{
    const char *path = nrm_test_data("libsvm/a9a");
    nrm_loaded l;
    double ones = 0;
    (void)state;

    if (!path) skip();
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_load(ctx, path, &l)); /* has no extension */
    assert_string_equal(l.format, "libsvm");
    assert_ok(ctx, nrm_csr_check(ctx, &l.csr));
    assert_true(l.csr.rows > 32000 && l.csr.cols >= 122 && l.csr.cols <= 123);
    for (int64_t k = 0; k < l.csr.nnz; k++) ones += ((double *)l.csr.values)[k];
    assert_near(ones, (double)l.csr.nnz, 0); /* all features are binary */
    assert_int_equal(l.extra.items[0].array.shape[0], l.csr.rows);
    nrm_loaded_destroy(ctx, &l);
    nrm_ctx_destroy(ctx);
}

static void real_idx(void **state)
{
    const char *path = nrm_test_data("mnist/t10k-images-idx3-ubyte.gz");
    nrm_loaded l;
    (void)state;

    if (!path) skip();
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_load(ctx, path, &l));
    assert_true(l.array.dtype == NRM_U8 && l.array.ndim == 3);
    assert_true(l.array.shape[0] == 10000 && l.array.shape[1] == 28 && l.array.shape[2] == 28);
    nrm_loaded_destroy(ctx, &l);
    path = nrm_test_data("mnist/t10k-labels-idx1-ubyte.gz");
    if (!path) skip();
    assert_ok(ctx, nrm_load(ctx, path, &l));
    assert_memory_equal(l.array.data, "\7\2\1\0\4\1\4\x9\5\x9", 10); /* the ten first test digits */
    nrm_loaded_destroy(ctx, &l);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(bad_paths), cmocka_unit_test(what_it_is_not), cmocka_unit_test(content_before_name),
              cmocka_unit_test(progress_is_reported), cmocka_unit_test(real_libsvm), cmocka_unit_test(real_idx))
