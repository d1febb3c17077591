/* test_files.c -- recognising files, writing them, and what is said when that fails. */
#define _XOPEN_SOURCE 700
#include "testkit.h"
#include <dirent.h>
#include <errno.h>
#include <norma/io.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const double sample[] = {0, 0.1, -2.5, 1e-300, 4, 1e300, -0.0, 8, 1.0 / 3, 10, 11, 12};

static nrm_array view(nrm_dtype dtype, int ndim, int64_t rows, int64_t cols, const void *data)
{
    nrm_array a = {.data = (void *)(uintptr_t)data, .dtype = dtype, .ndim = ndim, .shape = {rows, cols}};
    return a;
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

/* Files of a folder whose name begins so: the temporary ones beside a target. */
static int count_files(const char *path)
{
    const char *base = strrchr(path, '/');
    char folder[4096];
    int count = 0;
    struct dirent *entry;
    snprintf(folder, sizeof folder, "%.*s", (int)(base - path), path);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while ((entry = readdir(dir))) count += strncmp(entry->d_name, base + 1, strlen(base + 1)) == 0;
    closedir(dir);
    return count;
}

/* ---- Round trips ------------------------------------------------------------------------------ */

/* Everything that was written comes back with the same bits, in every format that holds it. */
static void arrays_come_back(void **state)
{
    static const char *const names[] = {"a.npy", "a.npz", "a.safetensors", "a.csv", "a.tsv", "a.txt", "a.mtx", "a.json"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_array from = view(NRM_F64, 2, 3, 4, sample);
    nrm_array whole, converted;
    double round[12];
    (void)state;

    for (int i = 0; i < 12; i++) round[i] = i;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int t = 0; t < NRM_DTYPE_COUNT; t++) {
            const char *path = nrm_test_temp(names[i]);
            nrm_loaded l;
            const nrm_array start = t == NRM_F64 ? from : view(NRM_F64, 2, 3, 4, round);
            assert_ok(ctx, nrm_array_convert(ctx, &whole, (nrm_dtype)t, &start));
            assert_ok(ctx, nrm_save(ctx, path, &whole));
            assert_int_equal(count_files(path), 1);
            assert_ok(ctx, nrm_load(ctx, path, &l));
            nrm_array *got = l.kind == NRM_LOADED_BUNDLE ? &l.bundle.items[0].array : &l.array;
            if (l.kind == NRM_LOADED_BUNDLE) assert_string_equal(l.bundle.items[0].name, "data");
            if (i < 3) assert_int_equal(got->dtype, t);
            assert_true(got->ndim == 2 && got->shape[0] == 3 && got->shape[1] == 4);
            assert_ok(ctx, nrm_array_convert(ctx, &converted, NRM_F64, got));
            assert_memory_equal(converted.data, start.data, sizeof sample);
            nrm_array_destroy(ctx, &whole);
            nrm_array_destroy(ctx, &converted);
            nrm_loaded_destroy(ctx, &l);
            unlink(path);
        }
    nrm_ctx_destroy(ctx);
}

static void floats_print_short(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const float x[] = {0.1f, 16777216, -INFINITY, NAN};
    const nrm_array a = view(NRM_F32, 1, 4, 0, x);
    char text[100] = "";
    (void)state;

    const char *path = nrm_test_temp("short.csv");
    assert_ok(ctx, nrm_save(ctx, path, &a));
    FILE *file = fopen(path, "r");
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_string_equal(text, "0.1\n16777216\n-inf\nnan\n");
    unlink(path);
    path = nrm_test_temp("short.json");
    assert_ok(ctx, nrm_save(ctx, path, &a));
    memset(text, 0, sizeof text);
    file = fopen(path, "r");
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_string_equal(text, "[0.1, 16777216, \"-inf\", \"nan\"]\n");
    unlink(path);
    nrm_ctx_destroy(ctx);
}

static void odd_shapes(void **state)
{
    static const char *const names[] = {"odd.npy", "odd.npz", "odd.safetensors", "odd.json"};
    static const int64_t shapes[][3] = {{0, 3, 2}, {2, 0, 3}, {1, 1, 1}, {2, 1, 3}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_array a;
    nrm_loaded l;
    (void)state;

    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) {
            const char *path = nrm_test_temp(names[i]);
            assert_ok(ctx, nrm_array_create(ctx, &a, NRM_F64, 3, shapes[k]));
            assert_ok(ctx, nrm_save(ctx, path, &a));
            assert_ok(ctx, nrm_load(ctx, path, &l));
            const nrm_array *got = l.kind == NRM_LOADED_BUNDLE ? &l.bundle.items[0].array : &l.array;
            assert_int_equal(got->shape[0], shapes[k][0]);
            if (i < 3 || shapes[k][0] > 0) assert_int_equal(got->shape[1], shapes[k][1]);
            nrm_array_destroy(ctx, &a);
            nrm_loaded_destroy(ctx, &l);
            unlink(path);
        }
    a = view(NRM_F64, 0, 0, 0, sample); /* a scalar */
    assert_ok(ctx, nrm_save(ctx, nrm_test_temp("scalar.npy"), &a));
    assert_ok(ctx, nrm_save(ctx, nrm_test_temp("scalar.csv"), &a));
    assert_status(ctx, nrm_save(ctx, nrm_test_temp("scalar.mtx"), &a), NRM_E_SHAPE);
    assert_status(ctx, nrm_save(ctx, nrm_test_temp("scalar.json"), &a), NRM_E_SHAPE);
    a = view(NRM_F64, 3, 2, 2, sample);
    a.shape[2] = 3;
    const char *path = nrm_test_temp("cube.csv");
    assert_status(ctx, nrm_save(ctx, path, &a), NRM_E_SHAPE);
    assert_message(ctx, "2x2x3");
    assert_int_equal(count_files(path), 0);
    nrm_ctx_destroy(ctx);
}

static void sparse_comes_back(void **state)
{
    static const char *const names[] = {"s.mtx", "s.svm", "s.npy", "s.csv"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    int64_t indptr[] = {0, 1, 1, 3}, indices[] = {1, 0, 2};
    double values[] = {0.1, -2, 4e-300};
    const double dense[] = {0, 0.1, 0, 0, 0, 0, -2, 0, 4e-300};
    const nrm_csr s = {.rows = 3, .cols = 3, .nnz = 3, .indptr = indptr, .indices = indices, .values = values, .dtype = NRM_F64};
    (void)state;

    for (size_t i = 0; i < 4; i++) {
        const char *path = nrm_test_temp(names[i]);
        nrm_loaded l;
        nrm_array a = {0};
        assert_ok(ctx, nrm_save_csr(ctx, path, &s));
        assert_ok(ctx, nrm_load(ctx, path, &l));
        assert_int_equal(l.kind, i < 2 ? NRM_LOADED_CSR : NRM_LOADED_ARRAY);
        if (i < 2) assert_ok(ctx, nrm_csr_to_dense(ctx, &a, &l.csr));
        assert_memory_equal(i < 2 ? a.data : l.array.data, dense, sizeof dense);
        nrm_array_destroy(ctx, &a);
        nrm_loaded_destroy(ctx, &l);
        unlink(path);
    }
    indices[2] = 3;
    assert_status(ctx, nrm_save_csr(ctx, nrm_test_temp("s.mtx"), &s), NRM_E_FORMAT);
    nrm_ctx_destroy(ctx);
}

static void bundles_come_back(void **state)
{
    static const char *const names[] = {"b.npz", "b.safetensors"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    char first[] = "layer.0/weight", second[] = "\xC3\xA9t\xC3\xA9 \"x\"";
    const int64_t whole[] = {INT64_MIN, 7};
    nrm_named items[] = {{first, view(NRM_F64, 2, 3, 4, sample)}, {second, view(NRM_I64, 1, 2, 0, whole)}};
    nrm_bundle bundle = {items, 2};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        const char *path = nrm_test_temp(names[i]);
        nrm_loaded l;
        assert_ok(ctx, nrm_save_bundle(ctx, path, &bundle));
        assert_ok(ctx, nrm_load(ctx, path, &l));
        assert_int_equal(l.bundle.count, 2);
        assert_string_equal(l.bundle.items[0].name, first);
        assert_string_equal(l.bundle.items[1].name, second);
        assert_memory_equal(l.bundle.items[0].array.data, sample, sizeof sample);
        assert_memory_equal(l.bundle.items[1].array.data, whole, sizeof whole);
        nrm_loaded_destroy(ctx, &l);
        unlink(path);
    }
    assert_status(ctx, nrm_save_bundle(ctx, nrm_test_temp("b.csv"), &bundle), NRM_E_ARGUMENT);
    items[1].name = first;
    assert_status(ctx, nrm_save_bundle(ctx, nrm_test_temp("b.npz"), &bundle), NRM_E_ARGUMENT);
    assert_message(ctx, "layer.0/weight");
    items[1].name = (char[]){"\xFF"};
    const char *path = nrm_test_temp("b.safetensors");
    assert_status(ctx, nrm_save_bundle(ctx, path, &bundle), NRM_E_ARGUMENT);
    assert_int_equal(count_files(path), 0);
    nrm_ctx_destroy(ctx);
}

/* ---- Nothing half-written ------------------------------------------------------------------------- */

static void a_failure_leaves_the_old_file(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    static double large[200000];
    const nrm_array small = view(NRM_F64, 2, 3, 4, sample), big = view(NRM_F64, 1, 200000, 0, large);
    struct rlimit old, limit;
    nrm_loaded l;
    char path[4096];
    (void)state;

    snprintf(path, sizeof path, "%s", nrm_test_temp("limited.npy"));
    assert_ok(ctx, nrm_save(ctx, path, &small));
    /* The system refuses to let files grow beyond 100 kB: a full disk, as the writer sees it. */
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = 100000;
    setrlimit(RLIMIT_FSIZE, &limit);
    const nrm_status st = nrm_save(ctx, path, &big);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_status(ctx, st, NRM_E_IO);
    assert_message(ctx, "limited.npy: cannot be written: File too large");
    assert_int_equal(count_files(path), 1); /* no temporary file beside it */
    assert_ok(ctx, nrm_load(ctx, path, &l));
    assert_memory_equal(l.array.data, sample, sizeof sample);
    nrm_loaded_destroy(ctx, &l);

    nrm_cancel(ctx);
    assert_status(ctx, nrm_save(ctx, path, &big), NRM_E_CANCELLED);
    assert_int_equal(count_files(path), 1);
    assert_status(ctx, nrm_load(ctx, path, &l), NRM_E_CANCELLED);
    nrm_cancel_clear(ctx);
    unlink(path);
    nrm_ctx_destroy(ctx);
}

static void devices_and_links(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_array a = view(NRM_F64, 2, 3, 4, sample);
    char target[4096], link[4096];
    struct stat info;
    nrm_loaded l;
    (void)state;

    if (exists("/dev/full")) {
        assert_status(ctx, nrm_save(ctx, "/dev/full", &a), NRM_E_IO);
        assert_message(ctx, "/dev/full: cannot be written: No space left on device");
        assert_true(exists("/dev/full"));
    }
    assert_ok(ctx, nrm_save(ctx, "/dev/null", &a));

    /* A link stays a link; the mode of the file behind it stays too. */
    snprintf(target, sizeof target, "%s", nrm_test_temp("target.npy"));
    snprintf(link, sizeof link, "%s", nrm_test_temp("link.npy"));
    assert_ok(ctx, nrm_save(ctx, target, &a));
    assert_int_equal(chmod(target, 0640), 0);
    assert_int_equal(symlink(target, link), 0);
    assert_ok(ctx, nrm_save(ctx, link, &a));
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_ok(ctx, nrm_load(ctx, link, &l));
    nrm_loaded_destroy(ctx, &l);
    unlink(link);
    unlink(target);
    nrm_ctx_destroy(ctx);
}

static void standard_output(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_array a = view(NRM_F64, 2, 1, 3, sample);
    char text[64] = "";
    int ends[2];
    (void)state;

    fflush(stdout);
    const int old = dup(STDOUT_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDOUT_FILENO);
    const nrm_status st = nrm_save(ctx, "-", &a);
    dup2(old, STDOUT_FILENO);
    close(old);
    close(ends[1]);
    assert_status(ctx, st, NRM_OK);
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    close(ends[0]);
    assert_string_equal(text, "0,0.1,-2.5\n");
    nrm_ctx_destroy(ctx);
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
    assert_message(ctx, "nearest is .np");
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

/* ---- Progress, failures, real data ----------------------------------------------------------------------- */

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

typedef struct saving { nrm_array a; nrm_csr s; char path[4096]; } saving;

static nrm_status save_user(nrm_ctx *ctx, void *user)
{
    const saving *s = user;
    const nrm_status st = nrm_save(ctx, s->path, &s->a);
    if (st < 0) assert_int_equal(count_files(s->path), 0);
    return st;
}

static void allocation_failures(void **state)
{
    static const char *const names[] = {"f.npy", "f.npz", "f.csv", "f.mtx", "f.json", "f.svm"};
    saving s = {.a = view(NRM_F64, 2, 3, 4, sample)};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(s.path, sizeof s.path, "%s", nrm_test_temp(names[i]));
        nrm_test_allocation_failures(save_user, &s, &s.a, sizeof s.a);
        unlink(s.path);
    }
}

static void real_libsvm(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *path = nrm_test_data("libsvm/a9a");
    nrm_loaded l;
    double ones = 0;
    (void)state;

    if (!path) skip();
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
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *path = nrm_test_data("mnist/t10k-images-idx3-ubyte.gz");
    nrm_loaded l;
    (void)state;

    if (!path) skip();
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

NRM_TEST_MAIN(cmocka_unit_test(arrays_come_back), cmocka_unit_test(floats_print_short), cmocka_unit_test(odd_shapes),
              cmocka_unit_test(sparse_comes_back), cmocka_unit_test(bundles_come_back),
              cmocka_unit_test(a_failure_leaves_the_old_file), cmocka_unit_test(devices_and_links),
              cmocka_unit_test(standard_output), cmocka_unit_test(bad_paths), cmocka_unit_test(what_it_is_not),
              cmocka_unit_test(content_before_name), cmocka_unit_test(progress_is_reported),
              cmocka_unit_test(allocation_failures), cmocka_unit_test(real_libsvm), cmocka_unit_test(real_idx))
