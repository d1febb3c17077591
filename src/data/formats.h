/* formats.h -- the readers and writers, one file each, and what they share.  Private. */
#ifndef NRM_FORMATS_H
#define NRM_FORMATS_H

#include "data.h"
#include "rows.h"
#include "sink.h"
#include "source.h"

/* A reader takes a source from its first byte and fills *loaded (given {0}) with all it
 * makes; the caller destroys *loaded when it fails.  The source is regular (settled). */
typedef nrm_status (*nrm_read_fn)(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded);
nrm_status nrm_read_npy(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded);
nrm_status nrm_read_npz(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded);
nrm_status nrm_read_table(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded);
nrm_status nrm_read_libsvm(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded);
nrm_status nrm_read_matrix_market(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded);
nrm_status nrm_read_idx(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded);
nrm_status nrm_read_safetensors(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded);
nrm_status nrm_read_json(nrm_ctx *ctx, nrm_source *source, nrm_loaded *loaded);

/* An opener makes a stream that owns the source, once it succeeds. */
typedef nrm_status (*nrm_open_fn)(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows);
nrm_status nrm_open_npy(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows);
nrm_status nrm_open_table(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows);
nrm_status nrm_open_libsvm(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows);
nrm_status nrm_open_matrix_market(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows);
nrm_status nrm_open_idx(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows);

/* nrm_rows_open for a source from anywhere; closes it also when it fails. */
nrm_status nrm_rows_open_source(nrm_ctx *ctx, nrm_source *source, int64_t cols, nrm_rows **rows);
nrm_status nrm_rows_open_memory(nrm_ctx *ctx, nrm_rows **rows, const char *name, const void *bytes, size_t size,
                                int64_t cols);

/* ---- Elements in a block of bytes: npy, idx, safetensors --------------------------------- */

/* Check that shape fits what the source can still hold, make the array, read it. */
nrm_status nrm_read_elements(nrm_ctx *ctx, nrm_source *source, nrm_wire wire, int ndim, const int64_t *shape,
                             nrm_array *a);
/* A stream of such rows: shape[0] rows of all the rest, from where the source stands.
 * Column-major (fortran) needs a regular, plain source. */
nrm_status nrm_open_elements(nrm_ctx *ctx, nrm_source *source, nrm_wire wire, int64_t count, int64_t cols,
                             bool fortran, nrm_rows **rows);
/* The caller of nrm_rows_open asked for `want` columns (0: any). */
nrm_status nrm_check_cols(nrm_ctx *ctx, const nrm_source *source, int64_t want, int64_t cols);

/* The npy header: what lies before the elements. */
typedef struct nrm_npy_header {
    nrm_wire wire;
    bool fortran;
    int ndim;
    int64_t shape[NRM_MAX_NDIM];
} nrm_npy_header;
nrm_status nrm_read_npy_header(nrm_ctx *ctx, nrm_source *source, nrm_npy_header *header);
/* Header of an array in version 1.0, padded to 64 bytes; returns its length. */
enum { NRM_NPY_HEADER_MOST = 512 };
int64_t nrm_npy_header_text(const nrm_array *a, unsigned char header[NRM_NPY_HEADER_MOST]);

/* ---- Text ------------------------------------------------------------------------------------ */

/* A piece of text, not ended by 0. */
typedef struct nrm_span {
    const char *begin, *end;
} nrm_span;
static inline bool nrm_is_blank(char c) { return c == ' ' || c == '\t'; }
nrm_span nrm_trim(nrm_span s);
bool nrm_span_is(nrm_span s, const char *word); /* whatever the case of letters */
/* The next piece between blanks, taken off the front of *rest; empty at the end. */
nrm_span nrm_next_word(nrm_span *rest);
/* For messages: at most 40 bytes, the unprintable ones as '?'. */
enum { NRM_QUOTE_LENGTH = 48 };
const char *nrm_quote(char text[NRM_QUOTE_LENGTH], nrm_span s);

/* ---- Writers ------------------------------------------------------------------------------------ */

typedef nrm_status (*nrm_write_fn)(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a);
nrm_status nrm_write_npy(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a);
nrm_status nrm_write_json(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a);
nrm_status nrm_write_matrix_market(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a);
nrm_status nrm_write_matrix_market_csr(nrm_ctx *ctx, nrm_sink *sink, const nrm_csr *s);
nrm_status nrm_write_libsvm(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a);
nrm_status nrm_write_libsvm_csr(nrm_ctx *ctx, nrm_sink *sink, const nrm_csr *s);
nrm_status nrm_write_table(nrm_ctx *ctx, nrm_sink *sink, const nrm_array *a, char separator);
nrm_status nrm_write_npz(nrm_ctx *ctx, nrm_sink *sink, const nrm_bundle *bundle);
nrm_status nrm_write_safetensors(nrm_ctx *ctx, nrm_sink *sink, const nrm_bundle *bundle);

#endif
