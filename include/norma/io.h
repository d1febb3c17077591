/* norma/io.h -- readers and writers.  Formats and their limits: docs/file-formats.md.
 *
 * A path "-" is standard input or output.  A reader goes by content first (magic
 * bytes, also through gzip) and by extension second.  Numbers are read and written
 * independently of the locale; doubles round-trip.  A writer writes a temporary
 * file beside the target and renames it, so a failure leaves nothing half-written. */
#ifndef NORMA_IO_H
#define NORMA_IO_H

#include <norma/array.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nrm_loaded_kind { NRM_LOADED_ARRAY, NRM_LOADED_CSR, NRM_LOADED_BUNDLE } nrm_loaded_kind;

/* A named array of a bundle (npz, safetensors), or of a LIBSVM file's labels. */
typedef struct nrm_named {
    char *name; /* owned by the bundle */
    nrm_array array;
} nrm_named;

typedef struct nrm_bundle {
    nrm_named *items;
    int64_t count;
} nrm_bundle;

/* What a file holds.  ARRAY: npy, csv and other text tables, idx, Matrix Market
 * array.  CSR: Matrix Market coordinate, LIBSVM (labels in `extra`, name
 * "label").  BUNDLE: npz, safetensors. */
typedef struct nrm_loaded {
    nrm_loaded_kind kind;
    nrm_array array;
    nrm_csr csr;
    nrm_bundle bundle;
    nrm_bundle extra;   /* labels, column names as "header" (u8, joined by \n) */
    const char *format; /* "npy", "csv", ...; static */
} nrm_loaded;

/* Read a whole file.  A path that starts with '[' is taken as a literal JSON
 * array: "[[1,2],[3,4]]".  FORMAT and IO messages name the path, what was found
 * there and what is expected. */
NRM_API NRM_NODISCARD nrm_status nrm_load(nrm_ctx *ctx, const char *path, nrm_loaded *loaded);
/* The same from memory (name gives the extension and appears in messages). */
NRM_API NRM_NODISCARD nrm_status nrm_load_memory(nrm_ctx *ctx, const char *name, const void *bytes,
                                                 size_t size, nrm_loaded *loaded);
NRM_API void nrm_loaded_destroy(nrm_ctx *ctx, nrm_loaded *loaded);

/* Write an array: npy, csv, txt, mtx (1-d and 2-d), json, safetensors (one tensor
 * "data"), npz (one array "data"); by extension, "-" writes text (csv). */
NRM_API NRM_NODISCARD nrm_status nrm_save(nrm_ctx *ctx, const char *path, const nrm_array *a);
/* Write a CSR matrix: mtx (coordinate), svm (labels 0); npy and csv go dense. */
NRM_API NRM_NODISCARD nrm_status nrm_save_csr(nrm_ctx *ctx, const char *path, const nrm_csr *s);
/* Write a text (u8, 1-d) as its bytes; a name that ends with .npy, .csv or another array
 * format but .txt asks for the array of numbers. */
NRM_API NRM_NODISCARD nrm_status nrm_save_text(nrm_ctx *ctx, const char *path, const nrm_array *text);
/* Write a bundle: npz or safetensors. */
NRM_API NRM_NODISCARD nrm_status nrm_save_bundle(nrm_ctx *ctx, const char *path, const nrm_bundle *bundle);
NRM_API void nrm_bundle_destroy(nrm_ctx *ctx, nrm_bundle *bundle);

/* Open a file of rows as a stream: npy (2-d), csv/text, LIBSVM, Matrix Market
 * (row-sorted coordinate, or array), idx, or a literal; "-" reads text or npy from
 * standard input.  cols 0 = as the file says; LIBSVM needs one extra pass over a
 * file then, and cannot come from a pipe without it. */
NRM_API NRM_NODISCARD nrm_status nrm_rows_open(nrm_ctx *ctx, nrm_rows **rows, const char *path,
                                               int64_t cols);

#ifdef __cplusplus
}
#endif
#endif
