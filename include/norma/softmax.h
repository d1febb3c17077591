/* norma/softmax.h -- softmax, log-softmax and logsumexp of rows, with their derivatives.
 *
 *     y_i = exp(z_i) / sum_j exp(z_j),   z_i = alpha x_i + bias_i where kept, else -inf   (1)
 *
 * The two-pass algorithm (Dukhan, Ablavatski, "The Two-Pass Softmax Algorithm", 2020, arXiv
 * 2001.04438) carries every exponential as a pair m 2^n, so that no maximum is needed:
 *
 *     pass 1   (s, E) = sum_i ExtExp(z_i)                  reads x                        (2)
 *     pass 2   y_i = (m_i / s) 2^(n_i - E)                 reads x, writes y              (3)
 *
 * Cost a row of N elements, in memory: two-pass 3N words, three-pass with recomputation 4N,
 * with reloading 5N (one word more each for the first write of an ordinary store).
 *
 * What is promised, for every algorithm and instruction set:
 *   - NaN in a row (where kept): the whole row is NaN.  +inf: `infinity` decides.
 *     -inf, excluded entries and -FLT_MAX masks: exactly 0 (-inf in log).
 *     A row with nothing left: `all_masked` decides; its lse is -inf.
 *   - no finite input overflows; rows beyond |z| = 130000 take an exact f64 path.
 *   - relative error of y_i at most 1e-6 (f32), 2e-15 (f64) for two-pass and block-reload,
 *     hence for auto, at alpha = 1 without bias; the others round z - max and lose up to a
 *     digit.  Results below 1.2e-38 (2.2e-308) may be flushed to 0 by one instruction set
 *     and not by another.
 *   - a row of one column (or of length 1) gives exactly 1.
 *   - the same bits for any number of threads.  Bits may differ between algorithms,
 *     instruction sets, and block lengths.
 * The product alpha x (plus bias) is rounded to the type: a relative error |z| 2^-24 more.
 *
 * Rows lie `ld` elements apart, ld >= columns.  The caller owns all memory; pointers must be
 * aligned to their element only.  y may be x itself (same pointer, same ld); any other
 * overlap is refused.  All functions return NRM_OK or
 *   NRM_E_NULL, _SHAPE (no columns, ld too small, negative size), _RANGE (an option, a
 *   length, a target), _ALIAS, _OVERFLOW, _UNSUPPORTED (isa not on this machine), _NOMEM,
 *   outputs untouched; or _CANCELLED: rows already finished are written.
 * Zero rows are done at once. */
#ifndef NORMA_SOFTMAX_H
#define NORMA_SOFTMAX_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

/* block-reload is ours: the exponent of a block's maximum takes the place of the maximum,
 * so one exponential an element and the accuracy of two-pass; what auto uses in cache.
 * online (Milakov, Gimelshein, 2018, arXiv 1805.02867) keeps a running maximum and rescales
 * the sum when it rises: a baseline that auto never takes. */
#define NRM_SOFTMAX_ALGORITHMS(C)                                    \
    C(NRM_SOFTMAX_AUTO, "auto")                                      \
    C(NRM_SOFTMAX_TWO_PASS, "two-pass")                              \
    C(NRM_SOFTMAX_THREE_PASS_RECOMPUTE, "three-pass-recompute")      \
    C(NRM_SOFTMAX_THREE_PASS_RELOAD, "three-pass-reload")            \
    C(NRM_SOFTMAX_BLOCK_RELOAD, "block-reload")                      \
    C(NRM_SOFTMAX_ONLINE, "online")
NRM_CHOICES(nrm_softmax_algorithm, NRM_SOFTMAX_ALGORITHMS);

#define NRM_SOFTMAX_ISAS(C)             \
    C(NRM_SOFTMAX_ISA_AUTO, "auto")     \
    C(NRM_SOFTMAX_ISA_SCALAR, "scalar") \
    C(NRM_SOFTMAX_ISA_AVX2, "avx2")     \
    C(NRM_SOFTMAX_ISA_AVX512, "avx512")
NRM_CHOICES(nrm_softmax_isa, NRM_SOFTMAX_ISAS);

#define NRM_SOFTMAX_NT_STORES(C)          \
    C(NRM_SOFTMAX_NT_AUTO, "auto")        \
    C(NRM_SOFTMAX_NT_NEVER, "never")      \
    C(NRM_SOFTMAX_NT_ALWAYS, "always")
NRM_CHOICES(nrm_softmax_nt_stores, NRM_SOFTMAX_NT_STORES);

#define NRM_SOFTMAX_EMPTY_ROWS(C)            \
    C(NRM_SOFTMAX_EMPTY_ZERO, "zero")        \
    C(NRM_SOFTMAX_EMPTY_NAN, "nan")          \
    C(NRM_SOFTMAX_EMPTY_UNIFORM, "uniform")
NRM_CHOICES(nrm_softmax_empty_row, NRM_SOFTMAX_EMPTY_ROWS);

#define NRM_SOFTMAX_INFINITIES(C)               \
    C(NRM_SOFTMAX_INFINITY_NAN, "nan")          \
    C(NRM_SOFTMAX_INFINITY_UNIFORM, "uniform")
NRM_CHOICES(nrm_softmax_infinity, NRM_SOFTMAX_INFINITIES);

#define NRM_SOFTMAX_OPTIONS(P)                                                                        \
    P(choice, algorithm, NRM_SOFTMAX_AUTO, NRM_SOFTMAX_ALGORITHMS, "0.1",                             \
      "how the passes over memory are arranged; auto goes by the length of a row")                    \
    P(flag, log, false, "0.1", "log-softmax, z - logsumexp(z), in place of softmax")                  \
    P(f64, alpha, 1.0, -DBL_MAX, DBL_MAX, "", "0.1",                                                  \
      "factor on x, the inverse of the temperature; 0 gives the uniform distribution")                \
    P(choice, isa, NRM_SOFTMAX_ISA_AUTO, NRM_SOFTMAX_ISAS, "0.1",                                     \
      "instruction set of the kernels; auto takes the best of the machine")                           \
    P(choice, nt_stores, NRM_SOFTMAX_NT_AUTO, NRM_SOFTMAX_NT_STORES, "0.1",                           \
      "write y around the caches; auto does so when x and y together exceed the last cache")          \
    P(i64, block, 32768, 1024, 16777216, "elements", "0.1",                                           \
      "length of the pieces of a row whose sums are merged in f64; fixes the bits, not the result")   \
    P(choice, all_masked, NRM_SOFTMAX_EMPTY_ZERO, NRM_SOFTMAX_EMPTY_ROWS, "0.1",                      \
      "what a row becomes in which every entry is -inf or excluded")                                  \
    P(choice, infinity, NRM_SOFTMAX_INFINITY_NAN, NRM_SOFTMAX_INFINITIES, "0.1",                      \
      "what a row with +inf becomes: NaN (inf - inf), or uniform over those entries")                 \
    P(flag, guard, true, "0.1",                                                                       \
      "clamp entries and check sums; without it the bare algorithm of the paper runs, for which "     \
      "|z| must stay below 100000 and -inf is not allowed")
NRM_OPTIONS(softmax, NRM_SOFTMAX_OPTIONS);

#define NRM_SOFTMAX_INFO(F)                                                                           \
    F(i64, rows, "", "rows")                                                                          \
    F(i64, columns, "", "elements of a row")                                                          \
    F(i64, slow_rows, "", "rows that needed the exact f64 path: NaN, infinite, all masked, huge")     \
    F(str, algorithm, "", "algorithm that ran")                                                       \
    F(str, isa, "", "instruction set that ran")                                                       \
    F(flag, nt_stores, "", "y was written around the caches")                                         \
    F(f64, bytes, "bytes", "what the passes read and wrote, first-write reads not counted")           \
    F(f64, bandwidth, "GB/s", "bytes per second")                                                     \
    F(f64, seconds, "s", "wall time")
NRM_INFO(softmax, NRM_SOFTMAX_INFO);

/* What takes part in a row, beside x.  NULL pointers: no such mask.  All may be combined. */
typedef struct nrm_softmax_mask {
    const uint8_t *keep;    /* rows x columns, 0 = excluded */
    int64_t keep_stride;    /* >= columns; 0: one row of keep serves all rows */
    const void *bias;       /* rows x columns of x's own type, added to alpha x; -inf excludes */
    int64_t bias_stride;    /* >= columns; 0: one row serves all */
    const int64_t *lengths; /* rows; columns from lengths[i] on are excluded (causal: i + 1) */
} nrm_softmax_mask;

/* (1) for every row.
 *   x     in   rows x columns          mask  in   may be NULL
 *   y     out  rows x columns; NULL: only lse is wanted
 *   lse   out  rows values, logsumexp of z; may be NULL (but not with y)
 *   info  out  may be NULL             options  in  NULL = nrm_softmax_options_default() */
NRM_API NRM_NODISCARD nrm_status nrm_softmax_f32(nrm_ctx *ctx, int64_t rows, int64_t columns, const float *x,
                                                 int64_t ldx, const nrm_softmax_mask *mask, float *y, int64_t ldy,
                                                 double *lse, nrm_softmax_info *info,
                                                 const nrm_softmax_options *options);
NRM_API NRM_NODISCARD nrm_status nrm_softmax_f64(nrm_ctx *ctx, int64_t rows, int64_t columns, const double *x,
                                                 int64_t ldx, const nrm_softmax_mask *mask, double *y, int64_t ldy,
                                                 double *lse, nrm_softmax_info *info,
                                                 const nrm_softmax_options *options);

/* ---- Derivatives -------------------------------------------------------------------------------
 *
 * From the result y and the gradient g with respect to it (options: alpha, log, isa):
 *     softmax      dx = alpha y (g - <y, g>)                                               (4)
 *     log-softmax  dx = alpha (g - exp(y) sum g)                                           (5)
 * <y, g> and the sum are taken in f64.  dx may be g or y.  In log, elements with y = -inf are
 * excluded: constant whatever x is, so their g counts for nothing and their dx is 0. */
NRM_API NRM_NODISCARD nrm_status nrm_softmax_backward_f32(nrm_ctx *ctx, int64_t rows, int64_t columns,
                                                          const float *y, int64_t ldy, const float *g, int64_t ldg,
                                                          float *dx, int64_t lddx, const nrm_softmax_options *options);
NRM_API NRM_NODISCARD nrm_status nrm_softmax_backward_f64(nrm_ctx *ctx, int64_t rows, int64_t columns,
                                                          const double *y, int64_t ldy, const double *g, int64_t ldg,
                                                          double *dx, int64_t lddx, const nrm_softmax_options *options);

/* The same from x and the lse that the forward call returned, so that y need not be kept;
 * y is made again piece by piece.  The options are those of the forward call. */
NRM_API NRM_NODISCARD nrm_status nrm_softmax_backward_lse_f32(nrm_ctx *ctx, int64_t rows, int64_t columns,
                                                              const float *x, int64_t ldx, const nrm_softmax_mask *mask,
                                                              const double *lse, const float *g, int64_t ldg,
                                                              float *dx, int64_t lddx,
                                                              const nrm_softmax_options *options);
NRM_API NRM_NODISCARD nrm_status nrm_softmax_backward_lse_f64(nrm_ctx *ctx, int64_t rows, int64_t columns,
                                                              const double *x, int64_t ldx,
                                                              const nrm_softmax_mask *mask, const double *lse,
                                                              const double *g, int64_t ldg, double *dx, int64_t lddx,
                                                              const nrm_softmax_options *options);

/* Directional derivative along v:  dy = alpha y (v - <y, v>), in log  dy = alpha (v - <exp y, v>). */
NRM_API NRM_NODISCARD nrm_status nrm_softmax_jvp_f32(nrm_ctx *ctx, int64_t rows, int64_t columns, const float *y,
                                                     int64_t ldy, const float *v, int64_t ldv, float *dy, int64_t lddy,
                                                     const nrm_softmax_options *options);
NRM_API NRM_NODISCARD nrm_status nrm_softmax_jvp_f64(nrm_ctx *ctx, int64_t rows, int64_t columns, const double *y,
                                                     int64_t ldy, const double *v, int64_t ldv, double *dy,
                                                     int64_t lddy, const nrm_softmax_options *options);

/* Cross-entropy of each row with its target column, and its gradient times `scale`
 * (1 / rows for the mean):
 *     loss = lse - z_target,   dx_i = alpha scale (softmax_i - [i = target])               (6)
 *   target  in   rows columns numbers; < 0: the row is ignored, loss 0 and dx 0
 *   loss    out  rows values, may be NULL
 *   dx      out  rows x columns, may be NULL, may be x
 * The loss has the absolute error of lse, some 1e-7 in f32, and is never negative; dx at the
 * target is alpha scale expm1(-loss).  A row of -inf alone has loss NaN.  Options as for
 * nrm_softmax, but log must be false. */
NRM_API NRM_NODISCARD nrm_status nrm_cross_entropy_f32(nrm_ctx *ctx, int64_t rows, int64_t columns, const float *x,
                                                       int64_t ldx, const int64_t *target, double scale, double *loss,
                                                       float *dx, int64_t lddx, const nrm_softmax_options *options);
NRM_API NRM_NODISCARD nrm_status nrm_cross_entropy_f64(nrm_ctx *ctx, int64_t rows, int64_t columns, const double *x,
                                                       int64_t ldx, const int64_t *target, double scale, double *loss,
                                                       double *dx, int64_t lddx, const nrm_softmax_options *options);

/* ---- Pairs: softmax of data that arrives in pieces or lies on several machines -------------------
 *
 * sum exp(z) = mantissa 2^exponent.  Zero is (0, -inf).  Each part makes its pair; pairs are
 * merged (over machines: E = max of the exponents, then sum of mantissa 2^(exponent - E));
 * then each part finishes its own y.  Two numbers a row travel. */
typedef struct nrm_softmax_pair { double mantissa, exponent; } nrm_softmax_pair;

NRM_API nrm_softmax_pair nrm_softmax_pair_zero(void);
/* Bitwise commutative; associative up to an ulp, so merge in a fixed order for fixed bits. */
NRM_API nrm_softmax_pair nrm_softmax_pair_merge(nrm_softmax_pair a, nrm_softmax_pair b);
NRM_API double nrm_softmax_pair_lse(nrm_softmax_pair pair); /* log of it; -inf for zero */

/* pair += sum exp(alpha x_i) over n elements, n >= 0, keep may be NULL.  Options: alpha, isa,
 * block.  A NaN makes the mantissa NaN.  NRM_E_RANGE: an entry lies outside -130000 .. 130000
 * and is not -inf: such rows need the row functions. */
NRM_API NRM_NODISCARD nrm_status nrm_softmax_pair_add_f32(nrm_ctx *ctx, nrm_softmax_pair *pair, int64_t n,
                                                          const float *x, const uint8_t *keep,
                                                          const nrm_softmax_options *options);
NRM_API NRM_NODISCARD nrm_status nrm_softmax_pair_add_f64(nrm_ctx *ctx, nrm_softmax_pair *pair, int64_t n,
                                                          const double *x, const uint8_t *keep,
                                                          const nrm_softmax_options *options);
/* y = exp(alpha x) / pair (in log: alpha x - lse) for n elements of the row; y may be x. */
NRM_API NRM_NODISCARD nrm_status nrm_softmax_pair_finish_f32(nrm_ctx *ctx, nrm_softmax_pair pair, int64_t n,
                                                             const float *x, const uint8_t *keep, float *y,
                                                             const nrm_softmax_options *options);
NRM_API NRM_NODISCARD nrm_status nrm_softmax_pair_finish_f64(nrm_ctx *ctx, nrm_softmax_pair pair, int64_t n,
                                                             const double *x, const uint8_t *keep, double *y,
                                                             const nrm_softmax_options *options);

/* ---- Derivatives called by name (norma/call.h) ----------------------------------------------------
 *
 * Parameters of the methods softmax-backward and cross-entropy, and what they report.  The
 * typed functions above take nrm_softmax_options. */

#define NRM_SOFTMAX_BACKWARD_OPTIONS(P)                                              \
    P(flag, log, false, "0.1", "y is the log-softmax")                               \
    P(f64, alpha, 1.0, -DBL_MAX, DBL_MAX, "", "0.1", "factor on x in the forward call")
NRM_OPTIONS(softmax_backward, NRM_SOFTMAX_BACKWARD_OPTIONS);

#define NRM_SOFTMAX_BACKWARD_INFO(F)          \
    F(i64, rows, "", "rows")                  \
    F(i64, columns, "", "elements of a row")  \
    F(f64, seconds, "s", "wall time")
NRM_INFO(softmax_backward, NRM_SOFTMAX_BACKWARD_INFO);

#define NRM_CROSS_ENTROPY_OPTIONS(P)                                                                     \
    P(f64, alpha, 1.0, -DBL_MAX, DBL_MAX, "", "0.1", "factor on x, the inverse of the temperature")      \
    P(f64, scale, 1.0, -DBL_MAX, DBL_MAX, "", "0.1",                                                     \
      "factor on the gradient: 1/rows for that of the mean loss")
NRM_OPTIONS(cross_entropy, NRM_CROSS_ENTROPY_OPTIONS);

#define NRM_CROSS_ENTROPY_INFO(F)                                                             \
    F(i64, rows, "", "rows")                                                                  \
    F(i64, columns, "", "elements of a row")                                                  \
    F(i64, ignored, "", "rows whose target is negative")                                      \
    F(f64, mean, "nats", "mean loss of the rows that are not ignored; NaN if there are none") \
    F(f64, seconds, "s", "wall time")
NRM_INFO(cross_entropy, NRM_CROSS_ENTROPY_INFO);

#ifdef __cplusplus
}
#endif
#endif
