/* stream.h -- what the files of the streaming top eigenvector share.  Private.
 *
 * A stream object is a common part (counts, options, audit) and an engine: one algorithm
 * behind six functions.  The common part cuts what comes into batches, measures and checks
 * every row, hands the batch to the engine and shows the rows to the audit. */
#ifndef NRM_STREAM_H
#define NRM_STREAM_H

#include "kernel/ordered.h"
#include "method/descriptor.h"
#include <norma/io.h>
#include <norma/top_eigenvector.h>

#define NRM_TOP_EIGENVECTOR "top-eigenvector" /* who speaks in messages */

extern const nrm_method nrm_top_eigenvector_method;

/* Streams of random numbers of one seed. */
enum { NRM_STREAM_START = 2600, NRM_STREAM_REFILL, NRM_STREAM_SUBSAMPLE, NRM_STREAM_AUDIT, NRM_STREAM_MERGE };

/* Some rows of a block, measured.  dense: count x columns; else sparse, row i having the
 * entries indptr[i] .. indptr[i + 1] - 1. */
typedef struct nrm_batch {
    int64_t first; /* number of the first row in the stream */
    int64_t count, columns;
    const double *dense;
    const int64_t *indptr, *indices;
    const double *values;
    const double *squares; /* |a|^2 of each row: finite */
} nrm_batch;

nrm_batch nrm_batch_part(const nrm_batch *batch, int64_t first, int64_t count);
/* p (count x k) = A z and y (columns x k) += A' p for all rows of the batch. */
void nrm_batch_product(nrm_ctx *ctx, const nrm_batch *batch, int64_t k, const double *z, double *p);
void nrm_batch_transposed(nrm_ctx *ctx, const nrm_batch *batch, int64_t k, const double *p, double *y);
/* The same for row i alone: p has k numbers. */
void nrm_row_product(const nrm_batch *batch, int64_t i, int64_t k, const double *z, double *p);
void nrm_row_transposed(const nrm_batch *batch, int64_t i, int64_t k, const double *p, double *y);
double nrm_row_dot(const nrm_batch *batch, int64_t i, const double *x);
void nrm_row_copy(const nrm_batch *batch, int64_t i, double *to); /* dense */
/* |a|^2 of the rows of `block`; NRM_E_NONFINITE or _OVERFLOW names the first bad one, and
 * *good is the number of rows before it. */
nrm_status nrm_batch_measure(nrm_ctx *ctx, const nrm_batch *batch, double *squares, int64_t *good);

/* Named memory that makes up a state: what save writes and load reads back. */
enum { NRM_STATE_FIELDS = 32 };
typedef struct nrm_state_field {
    const char *name;
    nrm_dtype dtype; /* NRM_F64 or NRM_I64 */
    int64_t count;
    void *data;
} nrm_state_field;
typedef struct nrm_state_fields {
    int count;
    nrm_state_field field[NRM_STATE_FIELDS];
} nrm_state_fields;
/* A count of rows that a file may hold: sums of a few of them are int64_t too. */
static inline bool nrm_stream_count(int64_t n) { return n >= 0 && n <= INT64_C(1) << 53; }
void nrm_state_add(nrm_state_fields *fields, const char *name, nrm_dtype dtype, int64_t count, const void *data);

/* ---- The audit: a uniform sample of all rows (reservoir.c) ---------------------------------- */

typedef struct nrm_reservoir {
    int64_t capacity, columns, seen;
    double *rows;     /* capacity x columns */
    int64_t *numbers; /* of the rows, in the stream */
} nrm_reservoir;
void nrm_reservoir_destroy(nrm_ctx *ctx, nrm_reservoir *r);
void nrm_reservoir_absorb(nrm_reservoir *r, uint64_t seed, const nrm_batch *batch);
void nrm_reservoir_merge(nrm_reservoir *r, const nrm_reservoir *other, uint64_t seed);
/* |A v|^2 with a 95 % interval: `known` is the exact sum over the `exact_count` rows whose
 * numbers are in `exact`, the rest is estimated from the sample. */
void nrm_reservoir_audit(const nrm_reservoir *r, const double *v, double known, const int64_t *exact,
                         int64_t exact_count, nrm_top_eigenvector_info *info);

/* ---- The engines --------------------------------------------------------------------------------- */

typedef struct nrm_engine {
    nrm_status (*create)(nrm_ctx *ctx, nrm_top_eigenvector_stream *s); /* makes s->state */
    /* Absorb the batch; *taken rows went in (all of them unless it fails). */
    nrm_status (*absorb)(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const nrm_batch *batch, int64_t *taken);
    /* v (unnormalised, not zero) and the algorithm's fields of info. */
    nrm_status (*query)(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, double *v,
                        nrm_top_eigenvector_info *info);
    /* The state with other's, into s; NULL: cannot be. */
    nrm_status (*merge)(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const nrm_top_eigenvector_stream *other);
    void (*fields)(const nrm_top_eigenvector_stream *s, nrm_state_fields *fields);
    nrm_status (*loaded)(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, const char *path); /* check what was read */
    /* Rows known exactly at query, for the audit; NULL: none. */
    int64_t (*exact_rows)(const nrm_top_eigenvector_stream *s, const int64_t **numbers, const double **rows);
    void (*destroy)(nrm_ctx *ctx, void *state);
    const char *name;
} nrm_engine;

extern const nrm_engine nrm_engine_heavy_light, nrm_engine_oja, nrm_engine_oja_adaptive,
    nrm_engine_frequent_directions, nrm_engine_exact;

struct nrm_top_eigenvector_stream {
    nrm_top_eigenvector_options options; /* every 0 that stands for a rule is resolved */
    const nrm_engine *engine;
    void *state;
    int64_t columns, rows;
    int64_t known_rows; /* of the whole input, 0 = unknown */
    int64_t batch;      /* rows worked on at once */
    uint64_t seed;
    double energy;  /* sum of |a|^2 */
    double largest; /* |a|^2 of the longest row */
    int64_t numbers;     /* held, audit included */
    double *squares;     /* batch */
    nrm_reservoir reservoir;
};

/* The stream for the driver: known_rows is the length of the input or 0. */
nrm_status nrm_stream_make(nrm_ctx *ctx, nrm_top_eigenvector_stream **stream, int64_t columns,
                           const nrm_top_eigenvector_options *options, int64_t known_rows, uint64_t seed);
/* Memory of a state, counted in s->numbers, zeroed. */
nrm_status nrm_stream_alloc(nrm_ctx *ctx, nrm_top_eigenvector_stream *s, void *place, int64_t count,
                            int64_t columns, const char *what);
/* |v| = 1 and its largest entry positive.  False for v = 0. */
bool nrm_unit(double *v, int64_t n);
void nrm_info_clear(nrm_top_eigenvector_info *info);
void nrm_info_gap(nrm_top_eigenvector_info *info, double first, double second); /* eigenvalues */

/* ---- Small algebra (small.c) ------------------------------------------------------------------- */

/* Eigenvalues of the symmetric a (n x n), falling, and eigenvectors in the columns of v,
 * on one thread: the bits do not depend on the context's number. */
nrm_status nrm_small_eigen(nrm_ctx *ctx, int64_t n, const double *a, double *w, double *v);
/* c (m x n) = a (m x k) b (k x n), small. */
void nrm_small_product(int64_t m, int64_t n, int64_t k, const double *a, const double *b, double *c);
/* y (d x k) = z r, z orthonormal (d x k), r (k x k, may be NULL); columns of y that depend
 * on others become random directions of the seed, with zero rows in r.  y is kept. */
void nrm_orthonormal_basis(int64_t d, int64_t k, const double *y, double *z, double *r, uint64_t seed,
                           uint64_t stream);

/* Top singular direction of the d x (k + m) matrix [x c, h'], with x (d x k), c (k x k),
 * h (m x d), k or m may be 0.  v (d, unnormalised), squares of the two largest singular
 * values.  *numbers: work space taken. */
typedef struct nrm_two_parts {
    int64_t d, k, m;
    const double *x, *c, *h;
} nrm_two_parts;
nrm_status nrm_two_parts_top(nrm_ctx *ctx, const nrm_two_parts *parts, double *v, double top[2], int64_t *numbers);
double nrm_two_parts_energy(nrm_ctx *ctx, const nrm_two_parts *parts, const double *u, double *work); /* |[xc,h']'u|^2 */

/* ---- More than one pass (power.c) ---------------------------------------------------------------- */

/* Back to row 0, or a sentence that says why that is needed. */
nrm_status nrm_rows_again(nrm_ctx *ctx, nrm_rows *rows);
/* y = A'A v over a fresh pass of the rows, *value = |A v|^2; work: 2 batch numbers. */
typedef struct nrm_gram_pass {
    nrm_rows *rows;
    int64_t batch, count; /* count: rows read by the last pass */
    const char *task;
    double *work;
} nrm_gram_pass;
nrm_status nrm_gram_pass_run(nrm_ctx *ctx, nrm_gram_pass *pass, const double *v, double *y, double *value);
/* |y - value v| / value */
double nrm_residual(int64_t d, const double *y, double value, const double *v);
nrm_status nrm_power_method(nrm_ctx *ctx, nrm_rows *rows, const nrm_top_eigenvector_options *options, double *v,
                            nrm_top_eigenvector_info *info);
/* Rows worked on at once: as asked, or fewer where one row is long work (a cancelled call
 * must stop soon). */
int64_t nrm_batch_rows(const nrm_top_eigenvector_options *options, int64_t columns);

#endif
