/* panels.h -- products of matrices that stay in the order in which register blocks read them.
 * Private.
 *
 * For iterations of many products (linalg/newton_schulz.c): what matmul.h packs anew for each
 * product is here the way a matrix is kept.  Its columns form panels of w (the kernel's
 * `panel`, at least the width of a register block); a panel holds its rows one after another:
 *
 *     element (i, j) of a matrix with m rows:  x[(j / w) w up(m) + w i + j % w],
 *
 * up() rounding up to whole panels.  What pads rows and columns is memory that may be written
 * to but never enters a number that counts.  In
 *
 *     c (m x n) = a' b,      a: k x m,  b: k x n,
 *
 * both factors are read along their panels, so nothing is packed; of a symmetric product the
 * blocks on and below the diagonal are enough, and mirroring or transposing moves contiguous
 * w x w squares.
 *
 * An element of c is one chain of fused multiply-adds over rising k, cut at fixed places: its
 * bits depend neither on tiles and threads nor on the instruction set. */
#ifndef NRM_PANELS_H
#define NRM_PANELS_H

#include "base/base.h"
#include "kernel/matmul.h"

enum { NRM_PANEL_MOST = 32 }; /* w, any instruction set */

/* Elements of a matrix in panels of width w; -1: more than can be addressed. */
int64_t nrm_panels_size(int w, int64_t m, int64_t n);

static inline int64_t nrm_panels_up(int w, int64_t n) { return (n + w - 1) / w * w; }

/* top and left of tiles and squares are multiples of w throughout. */
typedef struct nrm_tile { int64_t top, left, rows, columns; } nrm_tile;

#define NRM_PANELS_DECLARE(REAL, TYPE)                                                                          \
    typedef struct nrm_panels_product_##TYPE {                                                                  \
        int64_t m, n, k;                                                                                        \
        const REAL *a, *b;                                                                                      \
        REAL *c;                                                                                                \
        bool lower; /* m = n: register blocks above the diagonal are left out */                                \
    } nrm_panels_product_##TYPE;                                                                                \
    /* A tile of c, in one thread; zeros if k = 0. */                                                           \
    void nrm_panels_multiply_##TYPE(const nrm_matmul_kernel_##TYPE *kernel, const nrm_panels_product_##TYPE *q, \
                                    nrm_tile tile);                                                             \
    /* x (n x n): the part of a tile that lies below the diagonal to its mirror image. */                       \
    void nrm_panels_mirror_##TYPE(const nrm_matmul_kernel_##TYPE *kernel, int64_t n, nrm_tile tile, REAL *x);   \
    /* to (n x m) = x' (m x n): the panel of `to` that begins at column `first`. */                             \
    void nrm_panels_turn_##TYPE(const nrm_matmul_kernel_##TYPE *kernel, int64_t m, int64_t n, int64_t first,    \
                                const REAL *x, REAL *to);                                                       \
    /* Between rows (m x n, row stride ld) and panels, w rows from `first` on.  `turned`: the panels are those  \
     * of the transpose, n x m.  In: padded with zeros. */                                                      \
    void nrm_panels_in_##TYPE(const nrm_matmul_kernel_##TYPE *kernel, int64_t m, int64_t n, int64_t first,      \
                              const REAL *rows, int64_t ld, bool turned, REAL *to);                             \
    void nrm_panels_out_##TYPE(const nrm_matmul_kernel_##TYPE *kernel, int64_t m, int64_t n, int64_t first,     \
                               const REAL *x, bool turned, REAL *rows, int64_t ld)

NRM_PANELS_DECLARE(float, f32);
NRM_PANELS_DECLARE(double, f64);

#endif
