/* save.c -- nrm_save and its sisters: which format the name asks for, then its writer. */
#include "formats.h"
#include <stdio.h>

typedef enum target { TO_NPY, TO_NPZ, TO_CSV, TO_TSV, TO_TXT, TO_MTX, TO_JSON, TO_SVM, TO_SAFETENSORS, TO_NONE } target;
static const char *const extensions[] = {"npy", "npz", "csv", "tsv", "txt", "mtx", "json", "svm", "safetensors"};

enum { EXTENSION_LENGTH = 16 };

static void find_extension(const char *path, char extension[EXTENSION_LENGTH])
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    const char *dot = strrchr(base, '.');

    extension[0] = '\0';
    if (dot && dot != base && strlen(dot + 1) < EXTENSION_LENGTH)
        for (size_t i = 0; i <= strlen(dot + 1); i++)
            extension[i] = (char)(dot[i + 1] >= 'A' && dot[i + 1] <= 'Z' ? dot[i + 1] - 'A' + 'a' : dot[i + 1]);
    if (strcmp(extension, "libsvm") == 0) memcpy(extension, "svm", 4);
}

static target target_of(const char *extension)
{
    target to = TO_NPY;
    while (to < TO_NONE && strcmp(extension, extensions[to]) != 0) to++;
    return to;
}

static bool is_stream(const char *path) { return strcmp(path, "-") == 0 || strncmp(path, "/dev/", 5) == 0; }

/* The format of a path: by its extension; devices and standard output get text. */
static nrm_status find_target(nrm_ctx *ctx, const char *path, target *to)
{
    char extension[EXTENSION_LENGTH];

    find_extension(path, extension);
    *to = is_stream(path) ? TO_CSV : target_of(extension);
    if (*to != TO_NONE) return NRM_OK;
    return nrm_fail(ctx, NRM_E_ARGUMENT, "%s: %s%s does not say a format that Norma writes; end the name with .npy, .npz, "
                    ".csv, .tsv, .txt, .mtx, .json, .svm or .safetensors", path, *extension ? "." : "",
                    *extension ? extension : "the name");
}

static nrm_status check_array(nrm_ctx *ctx, const nrm_array *a)
{
    NRM_REQUIRE(ctx, (unsigned)a->dtype < NRM_DTYPE_COUNT && a->ndim >= 0 && a->ndim <= NRM_MAX_NDIM, NRM_E_ARGUMENT,
                "save: the array has dtype %d and %d dimensions; make it with nrm_array_create", (int)a->dtype, a->ndim);
    NRM_REQUIRE(ctx, a->data || nrm_array_count(a) == 0, NRM_E_NULL, "save: the array has no data");
    return NRM_OK;
}

static nrm_status write_one(nrm_ctx *ctx, nrm_sink *sink, target to, const nrm_array *a)
{
    char name[] = "data";
    nrm_named item = {name, *a};
    const nrm_bundle bundle = {&item, 1};

    switch (to) {
    case TO_NPY: return nrm_write_npy(ctx, sink, a);
    case TO_NPZ: return nrm_write_npz(ctx, sink, &bundle);
    case TO_CSV: return nrm_write_table(ctx, sink, a, ',');
    case TO_TSV: return nrm_write_table(ctx, sink, a, '\t');
    case TO_TXT: return nrm_write_table(ctx, sink, a, ' ');
    case TO_MTX: return nrm_write_matrix_market(ctx, sink, a);
    case TO_JSON: return nrm_write_json(ctx, sink, a);
    case TO_SAFETENSORS: return nrm_write_safetensors(ctx, sink, &bundle);
    case TO_SVM: return nrm_write_libsvm(ctx, sink, a);
    case TO_NONE: break;
    }
    return nrm_fail(ctx, NRM_E_INTERNAL, "save: a format without a writer");
}

nrm_status nrm_save(nrm_ctx *ctx, const char *path, const nrm_array *a)
{
    nrm_sink sink;
    target to = TO_NONE;

    NRM_REQUIRE(ctx, path && a, NRM_E_NULL, "save: path and a must not be NULL");
    NRM_TRY(check_array(ctx, a));
    NRM_TRY(find_target(ctx, path, &to));
    NRM_TRY(nrm_sink_open(ctx, &sink, path));
    return nrm_sink_close(ctx, &sink, write_one(ctx, &sink, to, a));
}

nrm_status nrm_save_text(nrm_ctx *ctx, const char *path, const nrm_array *text)
{
    nrm_sink sink;
    char extension[EXTENSION_LENGTH];

    NRM_REQUIRE(ctx, path && text, NRM_E_NULL, "save: path and text must not be NULL");
    NRM_TRY(check_array(ctx, text));
    NRM_REQUIRE(ctx, text->dtype == NRM_U8 && text->ndim == 1, NRM_E_DTYPE,
                "save: a text is %s with %d dimensions; it must be u8 with one", nrm_dtype_name(text->dtype), text->ndim);
    find_extension(path, extension);
    const target to = is_stream(path) ? TO_NONE : target_of(extension);
    if (to != TO_NONE && to != TO_TXT) return nrm_save(ctx, path, text);
    NRM_TRY(nrm_sink_open(ctx, &sink, path));
    return nrm_sink_close(ctx, &sink, nrm_sink_write(ctx, &sink, text->data, nrm_array_count(text)));
}

nrm_status nrm_save_csr(nrm_ctx *ctx, const char *path, const nrm_csr *s)
{
    nrm_sink sink;
    nrm_array dense = {0};
    target to = TO_NONE;

    NRM_REQUIRE(ctx, path && s, NRM_E_NULL, "save: path and s must not be NULL");
    NRM_TRY(nrm_csr_check(ctx, s));
    NRM_TRY(find_target(ctx, path, &to));
    if (to != TO_MTX && to != TO_SVM) {
        NRM_TRY(nrm_csr_to_dense(ctx, &dense, s));
        const nrm_status st = nrm_save(ctx, path, &dense);
        nrm_array_destroy(ctx, &dense);
        return st;
    }
    NRM_TRY(nrm_sink_open(ctx, &sink, path));
    return nrm_sink_close(ctx, &sink, to == TO_MTX ? nrm_write_matrix_market_csr(ctx, &sink, s)
                                                   : nrm_write_libsvm_csr(ctx, &sink, s));
}

static nrm_status check_names(nrm_ctx *ctx, const nrm_bundle *bundle)
{
    for (int64_t i = 0; i < bundle->count; i++) {
        const char *name = bundle->items[i].name;
        NRM_REQUIRE(ctx, name && *name, NRM_E_ARGUMENT, "save: array %lld of the bundle has no name", NRM_LL(i));
        NRM_TRY(check_array(ctx, &bundle->items[i].array));
        for (int64_t k = 0; k < i; k++)
            NRM_REQUIRE(ctx, strcmp(name, bundle->items[k].name) != 0, NRM_E_ARGUMENT,
                        "save: two arrays of the bundle are called '%s'; names must differ", name);
    }
    return NRM_OK;
}

nrm_status nrm_save_bundle(nrm_ctx *ctx, const char *path, const nrm_bundle *bundle)
{
    nrm_sink sink;
    target to = TO_NONE;

    NRM_REQUIRE(ctx, path && bundle && (bundle->items || bundle->count == 0), NRM_E_NULL,
                "save: path and bundle must not be NULL");
    NRM_TRY(check_names(ctx, bundle));
    NRM_TRY(find_target(ctx, path, &to));
    NRM_REQUIRE(ctx, to == TO_NPZ || to == TO_SAFETENSORS, NRM_E_ARGUMENT,
                "%s: several arrays go to one file as .npz or .safetensors only", path);
    NRM_TRY(nrm_sink_open(ctx, &sink, path));
    return nrm_sink_close(ctx, &sink, to == TO_NPZ ? nrm_write_npz(ctx, &sink, bundle)
                                                   : nrm_write_safetensors(ctx, &sink, bundle));
}
