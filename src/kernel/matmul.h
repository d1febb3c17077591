/* matmul.h -- matrix products for the sizes that training has.  Private.
 *
 *     c = a b   or   c += a b   or   c = a b + 1 start'
 *
 * c m x n with row stride ldc, a m x k, b k x n, start a row that every row of c begins with
 * (the bias of a layer).
 *
 * a and b have any strides by row and by column, so transposes and slices are read where
 * they lie.  BLAS does this too; what it costs there for products of some hundred rows is a
 * pass that clears c, a pass that packs a, and the handing over to threads, together a fifth
 * of the time of a small network's step.
 *
 * The way of Goto and van de Geijn ("Anatomy of high-performance matrix multiplication",
 * 2008): b is packed into panels as wide as the register block, all threads together; each
 * thread takes blocks of rows of a, which are read in place where a row is contiguous and
 * packed where a column is.  An element of c is one chain of fused multiply-adds over rising
 * k, cut every NRM_MATMUL_DEPTH: its bits depend neither on the threads nor on m and n. */
#ifndef NRM_MATMUL_H
#define NRM_MATMUL_H

#include "kernel/cpu.h"
#include <stdbool.h>

enum {
    NRM_MATMUL_DEPTH = 256, /* of a packed panel: with the register block's width it half fills the first cache */
    NRM_MATMUL_COLUMNS = 1024, /* of b packed at once */
    NRM_MATMUL_MOST_ROWS = 16, /* of a register block, any instruction set */
    NRM_MATMUL_MOST_WIDTH = 64
};

#define NRM_MATMUL_DECLARE(REAL, TYPE)                                                                        \
    typedef struct nrm_matmul_##TYPE {                                                                        \
        int64_t m, n, k;                                                                                      \
        const REAL *a;                                                                                        \
        int64_t a_row, a_column; /* strides in elements */                                                    \
        const REAL *b;                                                                                        \
        int64_t b_row, b_column;                                                                              \
        REAL *c;                                                                                              \
        int64_t ldc;                                                                                          \
        bool add; /* c += */                                                                                  \
        const REAL *start; /* n values, NULL: zeros; not with add */                                          \
    } nrm_matmul_##TYPE;                                                                                      \
    /* Register blocks: block[r] does r <= rows rows x width of c from a (its rows by pointer steps) and b,   \
     * whose rows of width values lie b_row apart (packed: width).  Writes them whole (add: onto what is      \
     * there; start: onto a row's width). */                                                                  \
    typedef struct nrm_matmul_kernel_##TYPE {                                                                 \
        int rows, width;                                                                                      \
        void (*block[NRM_MATMUL_MOST_ROWS + 1])(int64_t k, const REAL *a, int64_t a_row, int64_t a_column,    \
                                                const REAL *b, int64_t b_row, REAL *c, int64_t ldc, bool add, \
                                                const REAL *start);                                           \
        /* The same for c's last columns, fewer than width; and 2 rows x columns <= width / 2, the second      \
         * half of the rows from a + next on, NULL: none. */                                                  \
        void (*edge[NRM_MATMUL_MOST_ROWS + 1])(int columns, int64_t k, const REAL *a, int64_t a_row,          \
                                               int64_t a_column, const REAL *b, int64_t b_row, REAL *c,       \
                                               int64_t ldc, bool add, const REAL *start);                     \
        void (*tall)(int columns, int64_t k, const REAL *a, int64_t a_row, int64_t a_column, int64_t next,    \
                     const REAL *b, int64_t b_row, REAL *c, int64_t ldc, bool add, const REAL *start);        \
        /* A whole panel: to[p * width + j] = b[p * row + j * column] for p < depth, j < width; and of a      \
         * several: to[(q * depth + p) * rows + i] = a[(q * rows + i) * row + p * column], q < panels. */     \
        void (*pack_b)(int64_t depth, const REAL *b, int64_t row, int64_t column, REAL *to);                  \
        void (*pack_a)(int64_t depth, int64_t panels, const REAL *a, int64_t row, int64_t column, REAL *to);  \
        /* to[i] = sum of the squares of n numbers at a + i * a_row, i < m; n a multiple of width. */            \
        void (*squares)(int64_t m, int64_t n, const REAL *a, int64_t a_row, REAL *to);                        \
        /* to[j * panel + i] = from[i * panel + j] for i, j < panel, the width of panels.h. */                \
        int panel;                                                                                            \
        void (*turn)(const REAL *from, REAL *to);                                                             \
    } nrm_matmul_kernel_##TYPE;                                                                               \
    const nrm_matmul_kernel_##TYPE *nrm_matmul_kernel_##TYPE##_ref(void);                                     \
    const nrm_matmul_kernel_##TYPE *nrm_matmul_kernel_##TYPE##_avx2(void);   /* NULL: not in this build */    \
    const nrm_matmul_kernel_##TYPE *nrm_matmul_kernel_##TYPE##_avx512(void);                                  \
    const nrm_matmul_kernel_##TYPE *nrm_matmul_kernel_##TYPE##_for(nrm_isa isa); /* the best at most isa */      \
    /* In two parts, in one thread: many blocks of rows against one b (k x n), packed as panels of            \
     * k * width one after another, zeros beyond n.  A product may begin at a later row p of it (b + p        \
     * width) and end at an earlier one. */                                                                   \
    void nrm_matmul_pack_##TYPE(const nrm_matmul_kernel_##TYPE *kernel, int64_t n, int64_t k, const REAL *b,  \
                                int64_t b_row, int64_t b_column, REAL *to);                                   \
    typedef struct nrm_matmul_rows_##TYPE {                                                                   \
        int64_t m, n, k;                                                                                      \
        const REAL *a;                                                                                        \
        int64_t a_row, a_column;                                                                              \
        int64_t a_panel; /* elements from kernel->rows rows of a to the next, 0: rows * a_row */              \
        const REAL *b;                                                                                        \
        int64_t b_panel; /* elements from a panel of b to the next */                                         \
        REAL *c;                                                                                              \
        int64_t ldc;                                                                                          \
        bool add;                                                                                             \
        const REAL *start;                                                                                    \
    } nrm_matmul_rows_##TYPE;                                                                                 \
    void nrm_matmul_rows_run_##TYPE(const nrm_matmul_kernel_##TYPE *kernel, const nrm_matmul_rows_##TYPE *rows); \
    /* One product on `threads` threads, in work of nrm_matmul_work_TYPE bytes, 64-byte aligned. */           \
    int64_t nrm_matmul_work_##TYPE(int64_t n, int64_t k, int threads);                                        \
    void nrm_matmul_run_##TYPE(const nrm_matmul_##TYPE *product, void *work, int threads, nrm_isa isa)

NRM_MATMUL_DECLARE(float, f32);
NRM_MATMUL_DECLARE(double, f64);

#endif
