/* matmul_ref.c -- the register block of matmul.h in plain C: the definition. */
#include "matmul.h"
#include <math.h>

enum { ROWS = 4, WIDTH = 8, PANEL = 16 };

#define BLOCK(REAL, TYPE, FMA)                                                                                   \
    static void block_##TYPE(int rows, int columns, int64_t k, const REAL *a, int64_t a_row, int64_t a_column, const REAL *b, \
                             int64_t b_row, REAL *c, int64_t ldc, bool add, const REAL *start)                   \
    {                                                                                                            \
        for (int i = 0; i < rows; i++)                                                                           \
            for (int j = 0; j < columns; j++) {                                                                  \
                REAL sum = add ? c[i * ldc + j] : start ? start[j] : 0;                                          \
                for (int64_t p = 0; p < k; p++) sum = FMA(a[i * a_row + p * a_column], b[p * b_row + j], sum);   \
                c[i * ldc + j] = sum;                                                                            \
            }                                                                                                    \
    }                                                                                                            \
    BLOCK_OF(REAL, TYPE, 1) BLOCK_OF(REAL, TYPE, 2) BLOCK_OF(REAL, TYPE, 3) BLOCK_OF(REAL, TYPE, 4)              \
    static void pack_b_##TYPE(int64_t depth, const REAL *b, int64_t row, int64_t column, REAL *to)               \
    {                                                                                                            \
        for (int64_t p = 0; p < depth; p++)                                                                      \
            for (int j = 0; j < WIDTH; j++) to[p * WIDTH + j] = b[p * row + j * column];                         \
    }                                                                                                            \
    static void pack_a_##TYPE(int64_t depth, int64_t panels, const REAL *a, int64_t row, int64_t column, REAL *to)\
    {                                                                                                            \
        for (int64_t q = 0; q < panels; q++)                                                                     \
            for (int64_t p = 0; p < depth; p++)                                                                  \
                for (int i = 0; i < ROWS; i++) to[(q * depth + p) * ROWS + i] = a[(q * ROWS + i) * row + p * column];\
    }                                                                                                            \
    static void squares_##TYPE(int64_t m, int64_t n, const REAL *a, int64_t a_row, REAL *to)                     \
    {                                                                                                            \
        for (int64_t i = 0; i < m; i++) {                                                                        \
            to[i] = 0;                                                                                           \
            for (int64_t j = 0; j < n; j++) to[i] = FMA(a[i * a_row + j], a[i * a_row + j], to[i]);              \
        }                                                                                                        \
    }                                                                                                            \
    static void turn_##TYPE(const REAL *from, REAL *to)                                                          \
    {                                                                                                            \
        for (int i = 0; i < PANEL; i++)                                                                          \
            for (int j = 0; j < PANEL; j++) to[j * PANEL + i] = from[i * PANEL + j];                             \
    }                                                                                                            \
    static const nrm_matmul_kernel_##TYPE kernel_##TYPE = {                                                      \
        .rows = ROWS, .width = WIDTH,                                                                            \
        .block = {[1] = block_1_##TYPE, [2] = block_2_##TYPE, [3] = block_3_##TYPE, [4] = block_4_##TYPE},       \
        .edge = {[1] = edge_1_##TYPE, [2] = edge_2_##TYPE, [3] = edge_3_##TYPE, [4] = edge_4_##TYPE},            \
        .pack_b = pack_b_##TYPE, .pack_a = pack_a_##TYPE, .squares = squares_##TYPE, .panel = PANEL,              \
        .turn = turn_##TYPE};                                                                                    \
    const nrm_matmul_kernel_##TYPE *nrm_matmul_kernel_##TYPE##_ref(void) { return &kernel_##TYPE; }
#define BLOCK_OF(REAL, TYPE, ROWS)                                                                               \
    static void block_##ROWS##_##TYPE(int64_t k, const REAL *a, int64_t a_row, int64_t a_column, const REAL *b,  \
                                      int64_t b_row, REAL *c, int64_t ldc, bool add, const REAL *start)          \
    {                                                                                                            \
        block_##TYPE(ROWS, WIDTH, k, a, a_row, a_column, b, b_row, c, ldc, add, start);                          \
    }                                                                                                            \
    static void edge_##ROWS##_##TYPE(int columns, int64_t k, const REAL *a, int64_t a_row, int64_t a_column,     \
                                     const REAL *b, int64_t b_row, REAL *c, int64_t ldc, bool add, const REAL *start) \
    {                                                                                                            \
        block_##TYPE(ROWS, columns, k, a, a_row, a_column, b, b_row, c, ldc, add, start);                        \
    }

BLOCK(float, f32, fmaf)
BLOCK(double, f64, fma)
