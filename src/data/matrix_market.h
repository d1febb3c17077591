/* matrix_market.h -- header and entries of a Matrix Market file, shared by the reader
 * and the stream.  Private. */
#ifndef NRM_MATRIX_MARKET_H
#define NRM_MATRIX_MARKET_H

#include "formats.h"

typedef enum nrm_symmetry { NRM_GENERAL, NRM_SYMMETRIC, NRM_SKEW } nrm_symmetry;

typedef struct nrm_mm_header {
    bool coordinate, pattern;
    nrm_symmetry symmetry;
    int64_t rows, cols, nnz; /* nnz: entries that the file lists */
} nrm_mm_header;

typedef struct nrm_mm_entry {
    int64_t row, col; /* from 0 */
    double value;
} nrm_mm_entry;

nrm_status nrm_mm_read_header(nrm_ctx *ctx, nrm_source *source, nrm_mm_header *h);
/* Entry number `seen` of a coordinate file. */
nrm_status nrm_mm_read_entry(nrm_ctx *ctx, nrm_source *source, const nrm_mm_header *h, int64_t seen,
                             nrm_mm_entry *entry);
/* Nothing but comments may follow the last entry. */
nrm_status nrm_mm_read_end(nrm_ctx *ctx, nrm_source *source);
/* The whole, from behind the header. */
nrm_status nrm_mm_read_body(nrm_ctx *ctx, nrm_source *source, const nrm_mm_header *h, nrm_loaded *loaded);

#endif
