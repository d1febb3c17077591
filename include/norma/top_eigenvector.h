/* norma/top_eigenvector.h -- top eigenvector of A'A from one pass over the rows of A.
 *
 *     v = argmax |A v|^2 over |v| = 1,   A = n rows of d columns, read once, in random order
 *
 * Kacham and Woodruff, "Approximating the Top Eigenvector in Random Order Streams",
 * NeurIPS 2024.  The stream is cut into blocks; a block of rows in random order is a
 * uniform sample, so one power step per block, Z <- orth(B'(B Z)), converges as long as no
 * row is so long that it dominates its block.  The longest rows are therefore stored and
 * treated exactly.  Memory: (2 width + stored_rows) d + O(width^2 + stored_rows) numbers,
 * whatever n.  Time: 4 n d width flop.
 *
 * The guarantee needs rows in random order (shuffle a sorted table first); `order_suspect`
 * tells when they look ordered.  Oja's rule, its adaptive form, Frequent Directions, the
 * block power method without stored rows, the power method and the exact eigenvector are
 * here too, behind the same door, to compare with. */
#ifndef NORMA_TOP_EIGENVECTOR_H
#define NORMA_TOP_EIGENVECTOR_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_TOP_EIGENVECTOR_ALGORITHMS(C)                              \
    C(NRM_TOP_EIGENVECTOR_HEAVY_LIGHT, "heavy-light")                  \
    C(NRM_TOP_EIGENVECTOR_OJA, "oja")                                  \
    C(NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE, "oja-adaptive")                \
    C(NRM_TOP_EIGENVECTOR_POWER, "power")                              \
    C(NRM_TOP_EIGENVECTOR_FREQUENT_DIRECTIONS, "frequent-directions")  \
    C(NRM_TOP_EIGENVECTOR_BLOCK_POWER, "block-power")                  \
    C(NRM_TOP_EIGENVECTOR_EXACT, "exact")
NRM_CHOICES(nrm_top_eigenvector_algorithm, NRM_TOP_EIGENVECTOR_ALGORITHMS);

#define NRM_TOP_EIGENVECTOR_SCHEDULES(C)        \
    C(NRM_TOP_EIGENVECTOR_DOUBLING, "doubling") \
    C(NRM_TOP_EIGENVECTOR_EQUAL, "equal")
NRM_CHOICES(nrm_top_eigenvector_schedule, NRM_TOP_EIGENVECTOR_SCHEDULES);

#define NRM_TOP_EIGENVECTOR_COMBINES(C)   \
    C(NRM_TOP_EIGENVECTOR_RITZ, "ritz")   \
    C(NRM_TOP_EIGENVECTOR_PICK, "pick")   \
    C(NRM_TOP_EIGENVECTOR_LIGHT, "light")
NRM_CHOICES(nrm_top_eigenvector_combine, NRM_TOP_EIGENVECTOR_COMBINES);

#define NRM_TOP_EIGENVECTOR_RATES(C)            \
    C(NRM_TOP_EIGENVECTOR_DECAYING, "decaying") \
    C(NRM_TOP_EIGENVECTOR_FIXED, "fixed")
NRM_CHOICES(nrm_top_eigenvector_rate, NRM_TOP_EIGENVECTOR_RATES);

#define NRM_TOP_EIGENVECTOR_OPTIONS(P)                                                              \
    P(choice, algorithm, NRM_TOP_EIGENVECTOR_HEAVY_LIGHT, NRM_TOP_EIGENVECTOR_ALGORITHMS, "0.1",    \
      "how to find the direction")                                                                  \
    P(i64, width, 8, 1, 64, "vectors", "0.1",                                                       \
      "heavy-light, block-power: vectors iterated together; at most the number of columns is used") \
    P(i64, stored_rows, 32, 0, 10000, "rows", "0.1",                                                \
      "heavy-light: so many of the longest rows are stored and treated exactly")                    \
    P(choice, schedule, NRM_TOP_EIGENVECTOR_DOUBLING, NRM_TOP_EIGENVECTOR_SCHEDULES, "0.1",         \
      "blocks that double in length, or equal blocks (the number of rows must be known)")           \
    P(i64, blocks, 0, 0, 1000000, "", "0.1",                                                        \
      "equal schedule: number of blocks; 0 = max(4, ceil(log2 columns))")                           \
    P(i64, first_block, 0, 0, INT64_C(1) << 53, "rows", "0.1",                                      \
      "doubling schedule: length of the first block; 0 = max(64, 2 columns)")                       \
    P(i64, rows, 0, 0, INT64_C(1) << 53, "rows", "0.1",                                             \
      "number of rows, where the input cannot tell and it is known; 0 = as the input says")         \
    P(f64, theta, 0.0, 0.0, 1.0, "", "0.1",                                                         \
      "a row is heavy when its square is at least theta times the sum of all squares; "             \
      "0 = 1 / (columns ln(columns)^2)")                                                            \
    P(choice, combine, NRM_TOP_EIGENVECTOR_RITZ, NRM_TOP_EIGENVECTOR_COMBINES, "0.1",               \
      "final step: both parts together, the better of the two, or the light part alone")            \
    P(f64, subsample, 0.0, 0.0, 1e9, "", "0.1",                                                     \
      "keep about subsample * columns * ln(columns) rows of a block, chosen by length; 0 = all")    \
    P(i64, batch, 64, 1, 4096, "rows", "0.1", "rows worked on at once; no bit of the result depends on it") \
    P(choice, rate_schedule, NRM_TOP_EIGENVECTOR_DECAYING, NRM_TOP_EIGENVECTOR_RATES, "0.1",        \
      "oja: step rate / t at row t, or rate at every row")                                          \
    P(f64, rate, 0.0, 0.0, 1e300, "1/a^2", "0.1",                                                   \
      "oja: step size (decaying, 0 = columns / mean square length so far); oja-adaptive: the "      \
      "largest (0 = columns / square length of the first row)")                                     \
    P(i64, rates, 32, 1, 64, "", "0.1", "oja-adaptive: so many rates, each half the one before")    \
    P(i64, sketch_rows, 0, 0, 10000, "rows", "0.1",                                                 \
      "frequent-directions: rows of the sketch (twice that in memory); 0 = width + stored_rows / 2") \
    P(f64, tolerance, 1e-10, 0.0, 1.0, "", "0.1",                                                   \
      "power: stop at |A'Av - lambda v| <= tolerance * lambda")                                     \
    P(i64, max_iter, 1000, 1, 1000000000, "passes", "0.1", "power: most passes over the rows")      \
    P(i64, audit_rows, 0, 0, 1000000, "rows", "0.1",                                                \
      "keep so many rows drawn uniformly and estimate |Av|^2 from them with an interval; 0 = no audit") \
    P(flag, residual, false, "0.1",                                                                 \
      "read the rows a second time for the exact |Av|^2 and residual")                              \
    P(i64, columns, 0, 0, INT64_C(1) << 53, "", "0.1",                                              \
      "numbers in a row, where the input cannot tell (sparse rows from a pipe); 0 = as the input says")

NRM_OPTIONS(top_eigenvector, NRM_TOP_EIGENVECTOR_OPTIONS);

#define NRM_TOP_EIGENVECTOR_INFO(F)                                                                 \
    F(i64, rows, "rows", "rows read")                                                               \
    F(i64, columns, "", "numbers in a row")                                                         \
    F(i64, stored_numbers, "numbers", "f64 and i64 numbers the algorithm holds, whatever the number of rows") \
    F(i64, peak_numbers, "numbers", "the same with the work space of the final step")               \
    F(f64, eigenvalue, "a^2", "estimate of |Av|^2, the top eigenvalue of A'A")                      \
    F(f64, gap, "", "estimate of R = lambda1 / lambda2; infinite for rank one, NaN where unknown")  \
    F(i64, heavy_count, "rows", "stored rows that are heavy")                                       \
    F(flag, heavy_overflow, "", "a heavy row could not be stored: give more stored_rows")           \
    F(flag, order_suspect, "", "the rows do not look randomly ordered: shuffle them")               \
    F(flag, gap_too_small, "", "gap below 1.2: the direction is not identifiable")                  \
    F(flag, trusted, "", "oja-adaptive: a rate grew enough, or a row was long enough, to be believed") \
    F(f64, order_projection, "", "largest |z| between the parts of a block for |a'Z|^2; 6 raises order_suspect") \
    F(f64, order_length, "", "largest |z| between the parts of a block for |a|^2; 6 raises order_suspect")   \
    F(i64, blocks, "", "power steps taken: blocks completed, or passes of the power method")        \
    F(i64, evictions, "rows", "stored rows that longer ones pushed out")                            \
    F(f64, rate, "1/a^2", "oja: the last step size; oja-adaptive: the rate chosen")                 \
    F(f64, growth, "", "oja: ln of the factor by which the vector grew")                            \
    F(f64, lost, "a^2", "frequent-directions: the top eigenvalue lies in eigenvalue .. eigenvalue + lost") \
    F(f64, audit, "a^2", "|Av|^2 estimated from the audit's rows; NaN without audit")               \
    F(f64, audit_low, "a^2", "lower end of its 95 % interval")                                      \
    F(f64, audit_high, "a^2", "upper end of its 95 % interval")                                     \
    F(f64, exact_eigenvalue, "a^2", "|Av|^2 from a second pass; NaN without residual")              \
    F(f64, residual, "", "|A'Av - lambda v| / lambda, lambda = |Av|^2, from all rows; NaN where not measured") \
    F(i64, passes, "", "times the rows were read")                                                  \
    F(f64, rows_per_second, "1/s", "rows read, all passes, over seconds")                           \
    F(f64, seconds, "s", "wall time")

NRM_INFO(top_eigenvector, NRM_TOP_EIGENVECTOR_INFO);

/* Top eigenvector of A'A for the rows of a stream.
 *   rows     in   at least one row, all finite; read from where it stands to its end (the
 *                 power method and `residual` rewind it first and read it more than once)
 *   v        out  nrm_rows_cols(rows) numbers, |v| = 1, largest |v[i]| positive (the first
 *                 of equals); the caller's
 *   info     out  may be NULL
 *   options  in   NULL = nrm_top_eigenvector_options_default()
 * Returns NRM_OK; NRM_NOT_CONVERGED (power: max_iter passes; oja-adaptive: no rate can be
 * trusted); NRM_PARTIAL (cancelled: v is the answer for the rows read so far).  Failures
 * leave v and info as they were: NRM_E_NULL, _RANGE, _ARGUMENT (equal blocks without the
 * number of rows; a fixed rate of 0), _SHAPE (no rows), _NONFINITE (naming row and
 * column), _OVERFLOW (squares overflow), _SINGULAR (all rows zero: no direction),
 * _UNSUPPORTED (a second pass over rows that cannot be read again), _CANCELLED (before
 * any row), _NOMEM and what the stream itself fails with.
 * order_suspect and gap_too_small are told to the log hook as warnings too.
 * The bits of the result depend on the rows, their order, the options and the seed of
 * ctx, not on batch or threads; rows given sparse and dense give the same bits in
 * heavy-light and block-power. */
NRM_API NRM_NODISCARD nrm_status nrm_top_eigenvector(nrm_ctx *ctx, nrm_rows *rows, double *v,
                                                     nrm_top_eigenvector_info *info,
                                                     const nrm_top_eigenvector_options *options);

/* ---- The same step by step --------------------------------------------------------------
 *
 *     nrm_top_eigenvector_stream *stream;
 *     nrm_top_eigenvector_stream_create(ctx, &stream, columns, NULL);
 *     while (...) nrm_top_eigenvector_stream_absorb(ctx, stream, &block);
 *     nrm_top_eigenvector_stream_query(ctx, stream, v, &info);      at any time, any number
 *     nrm_top_eigenvector_stream_destroy(ctx, stream);              of times
 *
 * The object must be used with contexts of one allocator.  `power` and `residual` need
 * the rows again and are refused here (NRM_E_ARGUMENT). */
typedef struct nrm_top_eigenvector_stream nrm_top_eigenvector_stream;

/* The random start comes from the seed of ctx: streams of the same seed, columns and
 * options start alike, which is what lets merge add their first blocks. */
NRM_API NRM_NODISCARD nrm_status nrm_top_eigenvector_stream_create(nrm_ctx *ctx,
                                                                   nrm_top_eigenvector_stream **stream,
                                                                   int64_t columns,
                                                                   const nrm_top_eigenvector_options *options);
/* Absorb the block's rows, dense or sparse (block->first is not looked at).  After a
 * failure (NRM_E_SHAPE, _NULL: nothing taken; _NONFINITE, _OVERFLOW, _NOMEM, _CANCELLED)
 * the rows before the one that failed are in: nrm_top_eigenvector_stream_rows tells how
 * many the stream holds, and the call may be repeated with the rest. */
NRM_API NRM_NODISCARD nrm_status nrm_top_eigenvector_stream_absorb(nrm_ctx *ctx,
                                                                   nrm_top_eigenvector_stream *stream,
                                                                   const nrm_row_block *block);
NRM_API int64_t nrm_top_eigenvector_stream_rows(const nrm_top_eigenvector_stream *stream);
NRM_API int64_t nrm_top_eigenvector_stream_columns(const nrm_top_eigenvector_stream *stream);
/* The answer for the rows so far; the stream is not changed.  Statuses and outputs as
 * nrm_top_eigenvector; info's passes, seconds and rows_per_second are 1, 0 and 0. */
NRM_API NRM_NODISCARD nrm_status nrm_top_eigenvector_stream_query(nrm_ctx *ctx,
                                                                  const nrm_top_eigenvector_stream *stream,
                                                                  double *v, nrm_top_eigenvector_info *info);
/* Add other's rows to stream, as if they had come after its own; other is not changed.
 * Stored rows: the longest of both.  Blocks: added while both iterate the same vectors
 * (shards of one table, same seed, first block), else the longer one wins.  Both must
 * have the same columns, algorithm and sizes (NRM_E_ARGUMENT).  Oja's rule depends on the
 * order of rows and cannot be merged: NRM_E_UNSUPPORTED.  After NRM_E_NOMEM stream is
 * unchanged. */
NRM_API NRM_NODISCARD nrm_status nrm_top_eigenvector_stream_merge(nrm_ctx *ctx,
                                                                  nrm_top_eigenvector_stream *stream,
                                                                  const nrm_top_eigenvector_stream *other);
/* Write everything the stream holds to an npz or safetensors file, and make a stream
 * from such a file: it goes on with the same bits.  NRM_E_FORMAT names what does not fit. */
NRM_API NRM_NODISCARD nrm_status nrm_top_eigenvector_stream_save(nrm_ctx *ctx,
                                                                 const nrm_top_eigenvector_stream *stream,
                                                                 const char *path);
NRM_API NRM_NODISCARD nrm_status nrm_top_eigenvector_stream_load(nrm_ctx *ctx,
                                                                 nrm_top_eigenvector_stream **stream,
                                                                 const char *path);
NRM_API void nrm_top_eigenvector_stream_destroy(nrm_ctx *ctx, nrm_top_eigenvector_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
