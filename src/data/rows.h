/* rows.h -- how a stream of rows is built: one struct per kind of stream begins with
 * an nrm_rows, whose table of functions says how to go on.  Private. */
#ifndef NRM_ROWS_H
#define NRM_ROWS_H

#include "data.h"

typedef struct nrm_rows_kind {
    /* The next rows into *block: rows->at is the number of the first one, limit the
     * most to give, >= 1.  The caller counts rows->at on. */
    nrm_status (*next)(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, nrm_row_block *block);
    nrm_status (*rewind)(nrm_ctx *ctx, nrm_rows *rows); /* NULL: cannot */
    /* Pass over the next n of the rows->count - rows->at that are left; NULL: they are read.
     * The caller counts rows->at on. */
    nrm_status (*skip)(nrm_ctx *ctx, nrm_rows *rows, int64_t n);
    void (*close)(nrm_ctx *ctx, nrm_rows *rows);        /* what the kind added; NULL: nothing */
    const char *name;                                   /* "a callback" */
} nrm_rows_kind;

struct nrm_rows {
    const nrm_rows_kind *kind;
    int64_t cols, count, at; /* count -1: unknown */
    bool ended;
    nrm_status failed; /* a stream that has failed stays so until it is rewound */
    /* Memory of the last block, kept from call to call. */
    double *dense;
    int64_t *indptr;
    int64_t dense_capacity, indptr_capacity;
    nrm_entries entries, scratch;
};

/* A dense block holds at most this many numbers (8 MiB) unless one row is longer; a
 * sparse block ends after the row that reaches it. */
enum { NRM_BLOCK_NUMBERS = 1 << 20 };
/* The longest dense row: 1 GiB. */
enum { NRM_DENSE_COLS_MOST = 1 << 27 };

/* A zeroed struct of `bytes` that begins with an nrm_rows. */
nrm_status nrm_rows_create(nrm_ctx *ctx, void *place, size_t bytes, const nrm_rows_kind *kind, int64_t cols,
                           int64_t count);
/* Rows that a dense block may hold, and memory for them in rows->dense. */
nrm_status nrm_rows_dense(nrm_ctx *ctx, nrm_rows *rows, int64_t limit, int64_t *most);
/* Note that row `row` of a sparse block begins at `entry`. */
nrm_status nrm_rows_start(nrm_ctx *ctx, nrm_rows *rows, int64_t row, int64_t entry);
/* All rows lie in one f64 array: a block of any length costs no memory. */
bool nrm_rows_in_place(const nrm_rows *rows);
/* A stream that owns what it reads from: *loaded (ARRAY or CSR) becomes {0}. */
nrm_status nrm_rows_from_loaded(nrm_ctx *ctx, nrm_rows **rows, nrm_loaded *loaded);

#endif
