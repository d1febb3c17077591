/* basis.h -- one fixed orthogonal basis D for matrices with a side of length n, and the choice
 * of its columns that a matrix lies along.  Private.
 *
 * A is rows x cols.  right: n = cols, S = A D, A_low = A D_I (rows x rank).
 *                    left:  n = rows, S = D'A, A_low = D_I'A (rank x cols).
 * I are the rank indices j with the largest scores |S_j|_p, the p-norm of column j (right) or
 * row j (left); S S' = A A' or S'S = A'A, and for p = 2 no other I leaves less of A behind:
 *     |A - up(down(A))|_F^2 = |A|_F^2 - sum_{j in I} score_j^2 <= (1 - rank / n) |A|_F^2.
 * S is a fast transform of every row (column) where the basis has one, else a product.
 *
 *     nrm_basis_view v = {.basis = b, .right = true, .rows = m, .cols = n, .rank = r, .threads = t, .work = w};
 *     nrm_basis_forward(&v, a, s);              S
 *     nrm_basis_select(&v, 1, false, s, index); I
 *     nrm_basis_take(&v, s, index, low);        A D_I is read off S
 *     nrm_basis_up(&v, low, index, back);       back = A_low D_I'
 *
 * Arrays are contiguous, finite and of the basis's type.  Nothing is checked or allocated after
 * nrm_basis_create; one basis serves several threads at once.  Work is cut into pieces by size
 * alone: no bit depends on the threads. */
#ifndef NRM_BASIS_H
#define NRM_BASIS_H

#include "fft.h"
#include <norma/optim.h>

typedef struct nrm_basis {
    nrm_basis_kind kind;
    nrm_dtype dtype;
    int64_t n;
    bool fast;        /* by the transform; else by `matrix` */
    void *matrix;     /* D, n x n, of dtype; NULL where it is fast */
    nrm_fft *fft;     /* the rest: fast cosine bases */
    double *cosine;   /* cos(pi t / (2n)), t = 0 .. 4n - 1 */
} nrm_basis;

typedef struct nrm_basis_view {
    const nrm_basis *basis;
    bool right;
    int64_t rows, cols, rank; /* 1 <= rank <= basis->n */
    int threads;
    void *work; /* nrm_basis_work bytes, 64-byte aligned */
} nrm_basis_view;

/* A rank that is asked for, or for 0 the usual one: a quarter of the side, 1 to 128. */
static inline int64_t nrm_usual_rank(int64_t asked, int64_t side)
{
    return asked > 0 ? asked : nrm_max_i64(1, nrm_min_i64(128, side / 4));
}

/* random: the Q of a Gaussian matrix from `seed`.  NRM_E_SHAPE: hadamard and n no power of two. */
nrm_status nrm_basis_create(nrm_ctx *ctx, const char *who, nrm_basis_kind kind, nrm_basis_transform transform, int64_t n,
                            uint64_t seed, nrm_dtype dtype, nrm_basis **basis);
void nrm_basis_destroy(nrm_ctx *ctx, nrm_basis *basis); /* NULL is fine */
nrm_status nrm_basis_check(nrm_ctx *ctx, const char *who, nrm_basis_kind kind, int64_t n);
/* Before there is a basis; -1: too many. */
int64_t nrm_basis_work(nrm_basis_kind kind, nrm_basis_transform transform, nrm_dtype dtype, bool right, int64_t rows,
                       int64_t cols, int64_t rank);

void nrm_basis_forward(const nrm_basis_view *v, const void *a, void *s); /* S; a and s do not overlap */
void nrm_basis_inverse(const nrm_basis_view *v, const void *s, void *a); /* A from S */
/* The scores of S, n doubles in the work: sums of |S_ij|, or of S_ij^2 for norm 2. */
const double *nrm_basis_scores(const nrm_basis_view *v, int norm, const void *s);
/* I, ascending, or by falling score; of equal scores the smaller index. */
void nrm_basis_select(const nrm_basis_view *v, int norm, bool falling, const void *s, int64_t *index);
void nrm_basis_take(const nrm_basis_view *v, const void *s, const int64_t *index, void *low); /* S_I */
/* A_low with I given; room: rows x cols, used up. */
void nrm_basis_down(const nrm_basis_view *v, const void *a, const int64_t *index, void *room, void *low);
/* A_low D_I' or D_I A_low. */
void nrm_basis_up(const nrm_basis_view *v, const void *low, const int64_t *index, void *a);
/* D_I, n x rank. */
void nrm_basis_columns(const nrm_basis_view *v, const int64_t *index, void *columns);

/* basis_fast.c: the transform of every row or column; inverse: back.  to may be from. */
int64_t nrm_basis_fast_work(nrm_basis_kind kind, bool right, int64_t rows, int64_t cols);
void nrm_basis_fast(const nrm_basis_view *v, bool inverse, const void *from, void *to, void *work);

#endif
