/* test_save.c -- writing: everything comes back, nothing is left half-written. */
#define _XOPEN_SOURCE 700
#include "testkit.h"
#include <dirent.h>
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
    const double whole[] = {0, 7, 0, 0, 0, 0, 2, 0, 255};
    const nrm_array from = view(NRM_F64, 2, 3, 3, whole);
    for (int t = 0; t < NRM_DTYPE_COUNT; t++) { /* dense arrays write their entries that are not 0 */
        const char *path = nrm_test_temp("dense.svm");
        nrm_loaded l;
        nrm_array a, back;
        assert_ok(ctx, nrm_array_convert(ctx, &a, (nrm_dtype)t, &from));
        assert_ok(ctx, nrm_save(ctx, path, &a));
        assert_ok(ctx, nrm_load(ctx, path, &l));
        assert_int_equal(l.csr.nnz, 3);
        assert_ok(ctx, nrm_csr_to_dense(ctx, &back, &l.csr));
        assert_memory_equal(back.data, whole, sizeof whole);
        nrm_array_destroy(ctx, &a);
        nrm_array_destroy(ctx, &back);
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

/* ---- Allocation failures ------------------------------------------------------------------------- */

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

/* A text goes out byte for byte, unless the name is that of an array. */
static void texts(void **state)
{
    static const char bytes[] = "one\r\n\xff\0two";
    static const char *const plain[] = {"t.txt", "t.TXT", "t.md", "t.npy.old", "t", ".npy"};
    static const char *const arrays[] = {"t.npy", "t.csv", "t.json", "t.safetensors"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_array text = view(NRM_U8, 1, sizeof bytes - 1, 0, bytes), empty = view(NRM_U8, 1, 0, 0, NULL);
    const nrm_array table = view(NRM_U8, 2, 2, 2, bytes), numbers = view(NRM_F64, 1, 2, 0, sample);
    nrm_loaded l;
    (void)state;

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        char path[4096], got[32];
        snprintf(path, sizeof path, "%s", nrm_test_temp("texts"));
        mkdir(path, 0777);
        snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", plain[i]);
        for (int empties = 0; empties < 2; empties++) {
            assert_ok(ctx, nrm_save_text(ctx, path, empties ? &empty : &text));
            FILE *f = fopen(path, "rb");
            assert_non_null(f);
            assert_int_equal(fread(got, 1, sizeof got, f), empties ? 0 : sizeof bytes - 1);
            fclose(f);
            if (!empties) assert_memory_equal(got, bytes, sizeof bytes - 1);
        }
        remove(path);
    }
    rmdir(nrm_test_temp("texts"));
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        const char *path = nrm_test_temp(arrays[i]);
        assert_ok(ctx, nrm_save_text(ctx, path, &text));
        assert_ok(ctx, nrm_load(ctx, path, &l));
        const nrm_array *a = l.kind == NRM_LOADED_BUNDLE ? &l.bundle.items[0].array : &l.array;
        assert_int_equal(nrm_array_count(a), sizeof bytes - 1);
        nrm_loaded_destroy(ctx, &l);
        remove(path);
    }
    const char *path = nrm_test_temp("t.txt");
    assert_status(ctx, nrm_save_text(ctx, path, &table), NRM_E_DTYPE);
    assert_message(ctx, "a text is u8 with 2 dimensions; it must be u8 with one");
    assert_status(ctx, nrm_save_text(ctx, path, &numbers), NRM_E_DTYPE);
    assert_status(ctx, nrm_save_text(ctx, path, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_save_text(ctx, NULL, &text), NRM_E_NULL);
    assert_false(exists(path));
    assert_ok(ctx, nrm_save_text(ctx, "/dev/null", &text));
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(arrays_come_back), cmocka_unit_test(texts), cmocka_unit_test(floats_print_short), cmocka_unit_test(odd_shapes),
              cmocka_unit_test(sparse_comes_back), cmocka_unit_test(bundles_come_back),
              cmocka_unit_test(a_failure_leaves_the_old_file), cmocka_unit_test(devices_and_links),
              cmocka_unit_test(standard_output), cmocka_unit_test(allocation_failures))
