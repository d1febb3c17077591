/* data.h -- what the files of src/data share: shapes in words, elements as they lie
 * in files, bundles.  Private. */
#ifndef NRM_DATA_H
#define NRM_DATA_H

#include "base/base.h"
#include <norma/io.h>

/* "3x4", "()" for a scalar; returns text. */
enum { NRM_SHAPE_LENGTH = 192 };
const char *nrm_shape_text(char text[NRM_SHAPE_LENGTH], int ndim, const int64_t *shape);
/* The product of shape; false where it overflows (zeros left out, so that every
 * partial product fits too). */
bool nrm_shape_count(int ndim, const int64_t *shape, int64_t *count);
/* nrm_array_create without clearing the memory: for readers that fill all of it. */
nrm_status nrm_array_create_raw(nrm_ctx *ctx, nrm_array *a, nrm_dtype dtype, int ndim, const int64_t *shape);

/* ---- Elements as they lie in files -------------------------------------------------
 *     constant        bytes  becomes */
#define NRM_WIRE_LIST(W)          \
    W(NRM_WIRE_BOOL, 1, NRM_U8)   \
    W(NRM_WIRE_U8,   1, NRM_U8)   \
    W(NRM_WIRE_I8,   1, NRM_I32)  \
    W(NRM_WIRE_I16,  2, NRM_I32)  \
    W(NRM_WIRE_U16,  2, NRM_I32)  \
    W(NRM_WIRE_I32,  4, NRM_I32)  \
    W(NRM_WIRE_U32,  4, NRM_I64)  \
    W(NRM_WIRE_I64,  8, NRM_I64)  \
    W(NRM_WIRE_U64,  8, NRM_I64)  \
    W(NRM_WIRE_F16,  2, NRM_F32)  \
    W(NRM_WIRE_BF16, 2, NRM_F32)  \
    W(NRM_WIRE_F32,  4, NRM_F32)  \
    W(NRM_WIRE_F64,  8, NRM_F64)

typedef enum nrm_wire_type {
#define NRM_WIRE_ENUM(constant, bytes, dtype) constant,
    NRM_WIRE_LIST(NRM_WIRE_ENUM)
#undef NRM_WIRE_ENUM
} nrm_wire_type;

typedef struct nrm_wire {
    nrm_wire_type type;
    bool big; /* most significant byte first */
} nrm_wire;

int64_t nrm_wire_size(nrm_wire wire);
nrm_dtype nrm_wire_dtype(nrm_wire wire);
bool nrm_wire_is_native(nrm_wire wire); /* the bytes are the values: no decoding needed */
/* n elements at `raw` (any alignment, not the memory of `to`) to nrm_wire_dtype values.
 * false: a u64 above INT64_MAX, its position in *where. */
bool nrm_wire_decode(nrm_wire wire, const void *raw, int64_t n, void *to, int64_t *where);
bool nrm_wire_decode_f64(nrm_wire wire, const void *raw, int64_t n, double *to);

/* Fill rows x cols elements of the matrix's own type; s is sound (nrm_csr_check). */
void nrm_csr_scatter(void *dense, const nrm_csr *s);

/* ---- Bundles --------------------------------------------------------------------------- */

/* Append an array under a name; the array becomes the bundle's (destroyed when
 * this fails). */
nrm_status nrm_bundle_add(nrm_ctx *ctx, nrm_bundle *bundle, int64_t *capacity, const char *name, nrm_array *array);

/* ---- Sparse rows ----------------------------------------------------------------------- */

/* Columns and values that grow by appending. */
typedef struct nrm_entries {
    int64_t *indices;
    double *values;
    int64_t count, index_capacity, value_capacity;
} nrm_entries;
nrm_status nrm_entries_reserve(nrm_ctx *ctx, nrm_entries *e, int64_t count); /* room for so many in all */
nrm_status nrm_entries_add(nrm_ctx *ctx, nrm_entries *e, int64_t index, double value);
void nrm_entries_free(nrm_ctx *ctx, nrm_entries *e);

/* Order n entries of one row by column, keeping the order of equal columns, and add
 * those up; *n becomes the entries left.  scratch grows as needed and is the caller's. */
nrm_status nrm_row_sort(nrm_ctx *ctx, nrm_entries *scratch, int64_t *indices, double *values, int64_t *n);

#endif
