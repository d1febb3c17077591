/* low_rank.h -- what the rules that work in a subspace share.  Private to src/optim.
 *
 * G is rows x cols.  P has orthonormal columns, `side` rows and `rank` columns.
 *     right: side = cols, down(G) = G P   (rows x rank),  up(a) = a P'
 *     left:  side = rows, down(G) = P'G   (rank x cols),  up(a) = P a
 * Passes run over blocks of a fixed size, so that no bit depends on the threads. */
#ifndef NRM_LOW_RANK_H
#define NRM_LOW_RANK_H

#include "linalg/basis.h"
#include "linalg/dense_run.h"
#include "matrix_step.h"

typedef struct nrm_low_rank {
    nrm_dtype dtype;
    int threads;
    bool right;
    int64_t rows, cols, side, other, rank;
    int64_t full, low; /* elements of G, of down(G) */
} nrm_low_rank;

/* square_right: what `auto` says of a square matrix. */
nrm_low_rank nrm_low_rank_of(nrm_dtype dtype, int threads, int side_option, bool square_right, int64_t rank, int64_t rows, int64_t cols);
/* An array of state of the shape of down(G). */
nrm_rule_state nrm_low_rank_state(const nrm_low_rank *l, const char *suffix, bool not_negative);

/* ---- Work: laid out once with base NULL to learn its size, once for each step ------------------- */

typedef struct nrm_layout { unsigned char *base; int64_t used; } nrm_layout; /* used -1: too large */
/* count elements of `size` bytes, 64-byte aligned; NULL without a base. */
void *nrm_layout_take(nrm_layout *at, int64_t count, int64_t size);
/* The piece of a rule's `work` function: shape and options alone. */
static inline nrm_rule_piece nrm_piece_of_shape(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    return (nrm_rule_piece){.options = options, .dtype = dtype, .n = rows * cols, .rows = rows, .cols = cols, .threads = 1};
}

/* ---- Passes ------------------------------------------------------------------------------------- */

void nrm_low_rank_down(const nrm_low_rank *l, const void *p, const void *g, void *low);
/* a = alpha up(low) + beta a */
void nrm_low_rank_up(const nrm_low_rank *l, const void *p, double alpha, const void *low, double beta, void *a);
/* What Adam makes of its options and the step t: root and rate 1 / (1 - beta^t), and so on. */
nrm_adamw_factors nrm_low_rank_adam_factors(double beta1, double beta2, double eps, int64_t t);
/* m, v and u = rate m / (root v^(1/2) + eps), of down(G)'s shape; the factors' own clip and keep
 * do not count. */
void nrm_low_rank_adam(const nrm_low_rank *l, const nrm_adamw_factors *f, const void *g, void *m, void *v, void *u);
/* x <- x / |x|, column by column, |x| + eps in f64. */
void nrm_low_rank_normalise_columns(nrm_dtype dtype, int64_t rows, int64_t cols, double eps, void *x);
double nrm_low_rank_largest(nrm_dtype dtype, int threads, int64_t n, const void *x); /* max |x_i| */
/* x <- sign(g - x), 0 where it is at most `least` in size. */
void nrm_low_rank_signs(nrm_dtype dtype, int threads, int64_t n, const void *g, double least, void *x);
/* Norms of the columns (left) or rows (right) of down(G), in f64: `other` of them. */
void nrm_low_rank_norms(const nrm_low_rank *l, const void *low, double *norm);
/* Columns (left) or rows (right) of a times `factor`. */
void nrm_low_rank_scale(const nrm_low_rank *l, const double *factor, void *a);

#endif
