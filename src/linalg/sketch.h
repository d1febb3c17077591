/* sketch.h -- random matrices S (m x n) that compress n rows to m: S A.  Private.
 *
 *   gaussian     S_ij independent N(0, 1/m)
 *   srht         S = (1/sqrt(m)) P H_N D: random signs D, A padded with zero rows to the next
 *                power of two N, Walsh-Hadamard H_N in Sylvester order, m of its rows, without
 *                replacement (m <= N) or with (replace)
 *   srct         S = (1/sqrt(m)) P C D: C circulant of n independent signs, C_ij = g_(i-j mod n),
 *                rows as for srht out of n
 *   bgp          S = B D_gamma Pi (H_N / sqrt(N)) D: a random permutation, independent normals,
 *                sums of N/m consecutive rows; m is a power of two, N/m the least one that is at
 *                least n/m and pool.  Up to N = 2^16 the permutation is one of all N!, drawn by
 *                Fisher and Yates; beyond, a keyed bijection that needs no memory
 *   countsketch  every column of S has one +-1, in a random row
 *   osnap        m in s bands as equal as can be, every column has one +-1/sqrt(s) in each
 *
 * E[S'S] = I for each.  S is a function of (seed, stream, kind, m, n, and the options of its
 * kind) alone: not of the columns, the chunks, the ranks or the threads.
 *
 * Rows come in chunks in any order: S A is a sum over chunks.  For srht, H_N = H_(N/B) (x) H_B,
 * so a chunk of B >= m rows costs one small transform in cache and m row additions, whatever n.
 * bgp uses all N transformed rows: from chunks of B rows it costs N/B times what it costs from
 * one piece, so its chunks are large: 64 MiB to 128 MiB.  srct generates its signs and multiplies, but
 * all n rows at once go through Fourier transforms where that is faster. */
#ifndef NRM_SKETCH_H
#define NRM_SKETCH_H

#include "base/base.h"

#define NRM_SKETCH_KINDS(C)                    \
    C(NRM_SKETCH_GAUSSIAN, "gaussian")         \
    C(NRM_SKETCH_SRHT, "srht")                 \
    C(NRM_SKETCH_SRCT, "srct")                 \
    C(NRM_SKETCH_BGP, "bgp")                   \
    C(NRM_SKETCH_COUNTSKETCH, "countsketch")   \
    C(NRM_SKETCH_OSNAP, "osnap")
typedef enum nrm_sketch_kind {
#define NRM_SKETCH_CONSTANT(constant, word) constant,
    NRM_SKETCH_KINDS(NRM_SKETCH_CONSTANT)
#undef NRM_SKETCH_CONSTANT
} nrm_sketch_kind;

typedef struct nrm_sketch_plan {
    nrm_sketch_kind kind;
    uint64_t seed, stream;
    int64_t m, n;     /* rows of S A and of A */
    int64_t nonzeros; /* osnap: s, 1 .. m */
    int64_t pool;     /* bgp: least N/m; 0 and 1 alike */
    bool replace;     /* srht, srct */
} nrm_sketch_plan;

typedef struct nrm_sketch_sum nrm_sketch_sum;

/* Begin S [A B] for A of d columns and B of q >= 0, d + q >= 1.  NRM_E_RANGE: m < 1, m > N (srht)
 * or n (srct) without replacement, bgp's m no power of two, ...; _SHAPE: n < 1; _ARGUMENT,
 * _OVERFLOW, _NOMEM. */
nrm_status nrm_sketch_begin(nrm_ctx *ctx, const char *who, const nrm_sketch_plan *plan, int64_t d, int64_t q,
                            nrm_sketch_sum **sum);
/* Rows of a chunk: every chunk handed in begins at a multiple of it and has as many rows, but for
 * the last.  A function of the plan and d + q. */
int64_t nrm_sketch_unit(const nrm_sketch_sum *sum);
/* Add rows first .. first + count - 1: a (count x d), b (count x q, NULL if q = 0), finite. count
 * may be several units (an array in memory: all of it at once).  NRM_E_SHAPE: rows that are no
 * whole units, beyond n; _CANCELLED: the sum is worth nothing any more. */
nrm_status nrm_sketch_add(nrm_ctx *ctx, nrm_sketch_sum *sum, int64_t first, int64_t count, const double *a, int64_t lda,
                          const double *b, int64_t ldb);
/* What has been added: m x (d + q), contiguous, row-major, scaled; ranks sum it where it lies.
 * Nothing can be added from then on. */
double *nrm_sketch_values(nrm_sketch_sum *sum);
void nrm_sketch_end(nrm_ctx *ctx, nrm_sketch_sum *sum); /* NULL is fine */

/* sa (m x d, stride ldsa) = S a, a being n x d (stride lda), finite; they must not overlap.
 * NRM_E_RANGE as above; NRM_E_SHAPE, _NONFINITE, _ALIAS, _OVERFLOW, _NOMEM, _CANCELLED.  sa is
 * written at the very end only. */
nrm_status nrm_sketch(nrm_ctx *ctx, const char *who, const nrm_sketch_plan *plan, int64_t d, const double *a, int64_t lda,
                      double *sa, int64_t ldsa);

#endif
