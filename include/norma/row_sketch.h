/* norma/row_sketch.h -- the rows of a tall matrix compressed to a few random combinations.
 *
 *     sa = S a,   a n x d,   S m x n random,   E[S'S] = I,                                       (1)
 *
 *   gaussian     S_ij independent N(0, 1/m)
 *   srht         (1/sqrt(m)) P H D: signs D, Walsh-Hadamard H of the next power of two, m rows P of it
 *   srct         (1/sqrt(m)) P C D: C circulant of signs
 *   bgp          B G Q (H / sqrt(N)) D: permutation Q, normals G, sums B of N/m rows; m a power of two
 *   countsketch  one entry +-1 in every column
 *   osnap        `nonzeros` entries +-1/sqrt(nonzeros) in every column, one in each band of rows
 *
 * (1): Song, Ye, Yin and Zhang, ICML 2023, and its correction of 2026 (bgp).  |S a y| is near |a y|
 * for every y once m is some multiple of d.  One pass over a, memory for S a and a chunk of rows. */
#ifndef NORMA_ROW_SKETCH_H
#define NORMA_ROW_SKETCH_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_ROW_SKETCHES(C)                          \
    C(NRM_ROW_SKETCH_GAUSSIAN, "gaussian")           \
    C(NRM_ROW_SKETCH_SRHT, "srht")                   \
    C(NRM_ROW_SKETCH_SRCT, "srct")                   \
    C(NRM_ROW_SKETCH_BGP, "bgp")                     \
    C(NRM_ROW_SKETCH_COUNTSKETCH, "countsketch")     \
    C(NRM_ROW_SKETCH_OSNAP, "osnap")
NRM_CHOICES(nrm_row_sketch_kind, NRM_ROW_SKETCHES);

#define NRM_ROW_SKETCH_OPTIONS(P)                                                                             \
    P(i64, rows, NRM_REQUIRED_I64, 1, INT32_MAX, "rows", "0.2", "of the sketch, m; bgp: rounded up to a power of two") \
    P(choice, sketch, NRM_ROW_SKETCH_SRHT, NRM_ROW_SKETCHES, "0.2",                                           \
      "S: gaussian, of fast transforms (srht, srct, bgp), or sparse (countsketch, osnap)")                    \
    P(i64, nonzeros, 8, 1, INT32_MAX, "", "0.2", "osnap: entries in a column of S, at most rows")             \
    P(i64, pool, 1, 1, INT64_C(1) << 40, "", "0.2", "bgp: least number of transformed rows in a sum")         \
    P(flag, replace, false, "0.2", "srht, srct: draw rows of the transform with replacement")                 \
    P(i64, total_rows, 0, 0, INT64_C(1) << 53, "rows", "0.2",                                                 \
      "n, where the input cannot tell and it is known; 0: as the input says, or counted")
NRM_OPTIONS(row_sketch, NRM_ROW_SKETCH_OPTIONS);

#define NRM_ROW_SKETCH_INFO(F)                      \
    F(i64, rows, "rows", "m")                       \
    F(i64, total_rows, "rows", "n")                 \
    F(i64, passes, "", "over a: 1, or 2 where its rows had to be counted") \
    F(f64, seconds, "s", "wall time")
NRM_INFO(row_sketch, NRM_ROW_SKETCH_INFO);

/* The m of what follows: rows, or the next power of two.  NRM_E_RANGE, and what the options say. */
NRM_API NRM_NODISCARD nrm_status nrm_row_sketch_rows(nrm_ctx *ctx, const nrm_row_sketch_options *options, int64_t *m);

/*   a        in   n x d, both at least 1, from the first row on (rewound where it has been read)
 *   sa       out  m x d, contiguous; m as nrm_row_sketch_rows says
 *   info     out  may be NULL       options  in
 * S is a function of the context's seed, m, n and the options.  NRM_OK, or with sa as it was: NRM_E_NULL,
 * _RANGE (m above what can be drawn without replacement; nonzeros above m), _SHAPE (a ends early), _NONFINITE
 * (row and column named), _UNSUPPORTED (rows that must be counted and cannot be read again), _OVERFLOW,
 * _NOMEM, _CANCELLED, and what the stream says.
 * Some n d log2 m additions for srht, 2 n m d flops for gaussian, n d for countsketch.  The bits do not
 * depend on the number of threads; ranks of the context's communicator share the rows. */
NRM_API NRM_NODISCARD nrm_status nrm_row_sketch(nrm_ctx *ctx, nrm_rows *a, double *sa, nrm_row_sketch_info *info,
                                                const nrm_row_sketch_options *options);

#ifdef __cplusplus
}
#endif
#endif
