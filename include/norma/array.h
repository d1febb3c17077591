/* norma/array.h -- dense n-d arrays, sparse rows (CSR), and streams of rows.
 *
 * Everything is row-major, sizes and indices are int64_t, and a structure either
 * owns its memory (made by a _create or a reader, ended by _destroy with the same
 * context) or is a view of the caller's (made by nrm_array_view, nothing to end). */
#ifndef NORMA_ARRAY_H
#define NORMA_ARRAY_H

#include <norma/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/*      constant  name   C type    NumPy */
#define NRM_DTYPE_LIST(D)        \
    D(NRM_F32, "f32", float,   "<f4") \
    D(NRM_F64, "f64", double,  "<f8") \
    D(NRM_I32, "i32", int32_t, "<i4") \
    D(NRM_I64, "i64", int64_t, "<i8") \
    D(NRM_U8,  "u8",  uint8_t, "|u1")

typedef enum nrm_dtype {
#define NRM_DTYPE_ENUM(constant, name, type, numpy) constant,
    NRM_DTYPE_LIST(NRM_DTYPE_ENUM)
#undef NRM_DTYPE_ENUM
    NRM_DTYPE_COUNT
} nrm_dtype;

NRM_API const char *nrm_dtype_name(nrm_dtype dtype); /* "f32" */
NRM_API size_t nrm_dtype_size(nrm_dtype dtype);      /* bytes of an element */

enum { NRM_MAX_NDIM = 8 };

/* Contiguous row-major array; ndim 0 is a scalar with one element. */
typedef struct nrm_array {
    void *data;
    nrm_dtype dtype;
    int ndim;
    int64_t shape[NRM_MAX_NDIM];
    bool owned; /* data came from nrm_array_create and goes with _destroy */
} nrm_array;

/* Make an array of zeros; shape has ndim entries >= 0.  `a` is overwritten.
 * NRM_E_NULL, _DTYPE, _SHAPE, _OVERFLOW (naming the shape), _NOMEM. */
NRM_API NRM_NODISCARD nrm_status nrm_array_create(nrm_ctx *ctx, nrm_array *a, nrm_dtype dtype,
                                                  int ndim, const int64_t *shape);
/* A view of caller's memory; same checks, no allocation. */
NRM_API NRM_NODISCARD nrm_status nrm_array_view(nrm_ctx *ctx, nrm_array *a, nrm_dtype dtype,
                                                int ndim, const int64_t *shape, void *data);
/* Copy `from` into a new owned array of `dtype`, converting values (nearest float;
 * to an integer type only values it holds exactly, else NRM_E_RANGE with the value). */
NRM_API NRM_NODISCARD nrm_status nrm_array_convert(nrm_ctx *ctx, nrm_array *to, nrm_dtype dtype,
                                                   const nrm_array *from);
NRM_API void nrm_array_destroy(nrm_ctx *ctx, nrm_array *a); /* becomes {0}; views and NULL too */
NRM_API int64_t nrm_array_count(const nrm_array *a);        /* elements */

/* Compressed sparse rows: row i holds entries indptr[i] .. indptr[i+1]-1 of
 * indices (columns, ascending within a row) and values (f32 or f64). */
typedef struct nrm_csr {
    int64_t rows, cols, nnz;
    int64_t *indptr;  /* rows + 1 */
    int64_t *indices; /* nnz */
    void *values;     /* nnz of dtype */
    nrm_dtype dtype;
    bool owned;
} nrm_csr;

NRM_API NRM_NODISCARD nrm_status nrm_csr_create(nrm_ctx *ctx, nrm_csr *s, nrm_dtype dtype,
                                                int64_t rows, int64_t cols, int64_t nnz);
/* Check the structure: indptr from 0 to nnz and never falling, columns in range
 * and ascending.  NRM_E_FORMAT names the first row that is wrong. */
NRM_API NRM_NODISCARD nrm_status nrm_csr_check(nrm_ctx *ctx, const nrm_csr *s);
NRM_API NRM_NODISCARD nrm_status nrm_csr_to_dense(nrm_ctx *ctx, nrm_array *a, const nrm_csr *s);
NRM_API void nrm_csr_destroy(nrm_ctx *ctx, nrm_csr *s);

/* A stream of rows, read once in order, in memory that does not grow with its
 * length.  Opened from a file (norma/io.h), an array, a CSR or a callback. */
typedef struct nrm_rows nrm_rows;

/* Some consecutive rows, as f64.  Dense: `dense` is count x cols.  Sparse: dense
 * is NULL and indptr (count + 1, from 0), indices, values are as in nrm_csr.
 * The memory is the stream's and lasts until its next call. */
typedef struct nrm_row_block {
    int64_t first; /* number of the first row in the stream, from 0 */
    int64_t count, cols;
    const double *dense;
    const int64_t *indptr, *indices;
    const double *values;
} nrm_row_block;

NRM_API NRM_NODISCARD nrm_status nrm_rows_from_array(nrm_ctx *ctx, nrm_rows **rows, const nrm_array *a);
NRM_API NRM_NODISCARD nrm_status nrm_rows_from_csr(nrm_ctx *ctx, nrm_rows **rows, const nrm_csr *s);

/* fill writes up to max_rows rows of cols doubles and returns how many; 0 ends
 * the stream, < 0 is a failure the stream reports as NRM_E_IO. */
typedef int64_t (*nrm_rows_fill_fn)(void *user, int64_t max_rows, int64_t cols, double *dense);
NRM_API NRM_NODISCARD nrm_status nrm_rows_from_callback(nrm_ctx *ctx, nrm_rows **rows, int64_t cols,
                                                        nrm_rows_fill_fn fill, void *user);

NRM_API int64_t nrm_rows_cols(const nrm_rows *rows);  /* columns of every row */
NRM_API int64_t nrm_rows_count(const nrm_rows *rows); /* rows in all, -1 while unknown */
/* The next at most max_rows rows; block->count is 0 at the end.  NRM_E_FORMAT
 * and _NONFINITE name the row (NaN in a stream is the caller's to refuse: it is
 * passed on), _IO, _NOMEM. */
NRM_API NRM_NODISCARD nrm_status nrm_rows_next(nrm_ctx *ctx, nrm_rows *rows, int64_t max_rows,
                                               nrm_row_block *block);
/* Pass over the next `count` rows; *skipped, which may be NULL, is fewer where they end
 * before.  Arrays and plain binary files go there at once, others are read and checked. */
NRM_API NRM_NODISCARD nrm_status nrm_rows_skip(nrm_ctx *ctx, nrm_rows *rows, int64_t count, int64_t *skipped);
/* Start again at row 0.  NRM_E_UNSUPPORTED for pipes and callbacks. */
NRM_API NRM_NODISCARD nrm_status nrm_rows_rewind(nrm_ctx *ctx, nrm_rows *rows);
NRM_API void nrm_rows_close(nrm_ctx *ctx, nrm_rows *rows);

#ifdef __cplusplus
}
#endif
#endif
