/* row_pass.h -- one pass over the rows of A, or of [A b], in chunks of a fixed number of rows,
 * shared among the ranks of the context.  Private.
 *
 *     NRM_TRY(nrm_row_pass_begin(ctx, who, a, b, 4096, "sketch", &pass));
 *     do st = nrm_row_pass_next(ctx, pass, &chunk);
 *     while (st >= 0 && chunk.count > 0 && (st = work(&chunk)) >= 0);
 *     NRM_TRY(nrm_row_pass_end(ctx, &pass, st, &n));
 *     NRM_TRY(nrm_sum_ranks(ctx, who, totals, count));
 *
 * Chunk c holds the rows [c unit, (c + 1) unit), fewer only at the end of all, and belongs to
 * rank c mod P.  Every rank has streams of the same rows and passes over the others' chunks:
 * what a chunk yields depends neither on P nor on how the stream cuts its blocks.  Memory:
 * `unit` rows, none where they lie in an f64 array. */
#ifndef NRM_ROW_PASS_H
#define NRM_ROW_PASS_H

#include "base/base.h"

typedef struct nrm_row_chunk {
    int64_t first, count; /* rows; count is 0 at the end */
    const double *a;      /* count x columns of a, row stride lda; finite unless nrm_row_pass_trust */
    int64_t lda;
    const double *b;      /* the same of b, NULL without one */
    int64_t ldb;
    const double *c; /* the same of what nrm_row_pass_beside added */
    int64_t ldc;
} nrm_row_chunk;

typedef struct nrm_row_pass nrm_row_pass;

/* Streams that have been read before are rewound.  b NULL: only a.  task is what the progress
 * line says (static).  NRM_E_UNSUPPORTED where a stream cannot be rewound. */
nrm_status nrm_row_pass_begin(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t unit, const char *task,
                              nrm_row_pass **pass);
/* How messages call a and b, for instance "x" and "y" (static), instead of "a" and "b". */
void nrm_row_pass_names(nrm_row_pass *pass, const char *a, const char *b);
/* A third stream, before the first chunk; c NULL: none.  Fails as nrm_row_pass_begin does; the pass
 * is then still to be ended. */
nrm_status nrm_row_pass_beside(nrm_ctx *ctx, nrm_row_pass *pass, nrm_rows *c, const char *name);
/* Rows are not searched for NaN and Inf: an earlier pass has found none, or they have a meaning. */
void nrm_row_pass_trust(nrm_row_pass *pass);
/* The next chunk of this rank; its memory lasts until the next call.  NRM_E_NONFINITE names row
 * and column, _SHAPE the row at which a or b ends before the other, _CANCELLED. */
nrm_status nrm_row_pass_next(nrm_ctx *ctx, nrm_row_pass *pass, nrm_row_chunk *chunk);
/* Ends the pass, which becomes NULL, after success or failure alike: every rank comes here with
 * the status of its share, and all fail if one did.  *rows, which may be NULL, is the number of
 * rows seen by all, known after success. */
nrm_status nrm_row_pass_end(nrm_ctx *ctx, nrm_row_pass **pass, nrm_status status, int64_t *rows);

/* The number of rows, as the stream says or by reading it through, on every rank alike; *passes,
 * which may be NULL, counts that.  `name` is the stream in messages; where it can be read only once,
 * NRM_E_UNSUPPORTED says so and what to do (remedy, as "give total_rows"). */
nrm_status nrm_row_pass_count(nrm_ctx *ctx, const char *who, const char *name, const char *remedy, nrm_rows *rows, int64_t *n,
                              int64_t *passes);

/* Where a trusting pass has come to numbers that are not finite: NRM_E_NONFINITE names the first
 * row of a or b (may be NULL) that is not, NRM_OK says that all rows are.  Reads all of both. */
nrm_status nrm_row_pass_blame(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b);

/* Rows of a chunk of `columns` numbers that fit a cache of about 1 MiB; a function of columns alone. */
int64_t nrm_row_pass_unit(int64_t columns);

/* values[i] becomes its sum over the context's ranks; nothing to do for one rank. */
nrm_status nrm_sum_ranks(nrm_ctx *ctx, const char *who, double *values, int64_t count);

#endif
