/* whiten.h -- a pass over the rows of [A b] in the coordinates of a basis T.  Private.
 *
 *     y_i = T'(a_i, b_i),    g_i = |y_i|^2,    G = sum_i f_i^2 y_i y_i'
 *
 * where the caller makes the factors f_i out of the squares g_i, block by block, from several
 * threads.  Each row is read once; y lives in a block that the second cache holds.  With T = R^-1
 * of a QR factorisation g are leverage scores, and with G = L L' the next basis is T L^-T: the
 * coordinates stay nearly orthonormal, so that squaring them loses nothing.
 *
 * Rounding moves y_i by eps cond(A), each T in another way.  Where that is too much T is kept as
 * T0 times what is near to orthonormal, and y_i made in two steps: the first always rounds alike,
 * as if the rows had been others.  That costs n d^2 flops more.
 *
 * The sums of G go over SLOTS blocks side by side, then over the ranks: no bit depends on the
 * threads. */
#ifndef NRM_WHITEN_H
#define NRM_WHITEN_H

#include "data/row_pass.h"
#include "kernel/matmul.h"

enum { NRM_WHITEN_SLOTS = 16 };

typedef struct nrm_whiten {
    nrm_ctx *ctx;
    const char *who, *task;
    nrm_rows *a, *b;
    int64_t n;
    /* The rest is the pass's own. */
    const nrm_matmul_kernel_f64 *kernel;
    int64_t columns_a, columns; /* of A, of [A b] */
    int64_t rank, wide;         /* columns of T; rounded up to whole register blocks */
    bool triangular, staged, as_it_is;
    int64_t block, unit;        /* rows */
    int threads;
    nrm_arena arena;
    double *t, *packed, *gram, *rows, *square, *factor;
    double *packed_first, *rows_first; /* staged: T0, and rows in its coordinates */
} nrm_whiten;

/* Of rows first .. first + count - 1 the squares, for which factor[0 .. count-1] is to be set;
 * slot tells apart what may be called at the same time. */
typedef void (*nrm_whiten_fn)(void *user, int slot, int64_t first, int64_t count, const double *square, double *factor);

/* n rows or NRM_E_SHAPE, also from the passes.  NRM_E_OVERFLOW, _NOMEM. */
nrm_status nrm_whiten_begin(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, const char *task, nrm_whiten *w);
void nrm_whiten_end(nrm_whiten *w); /* {0} is fine */
/* T (columns x rank); triangular: zero where row > column; staged: it is T0.  NRM_E_NOMEM. */
nrm_status nrm_whiten_basis(nrm_whiten *w, int64_t rank, bool triangular, bool staged, const double *t);
void nrm_whiten_as_it_is(nrm_whiten *w); /* T = I: y is the row */
/* The rows must have been found finite before.  fn NULL: factors 1.  gram (rank x rank, both triangles) NULL: not made. */
nrm_status nrm_whiten_pass(nrm_whiten *w, nrm_whiten_fn fn, void *user, double *gram);
/* T <- T L^-T, L L' = gram, which is used up.  NRM_E_SINGULAR. */
nrm_status nrm_whiten_renew(nrm_whiten *w, double *gram);

#endif
