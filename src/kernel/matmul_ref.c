/* matmul_ref.c -- the register block of matmul.h in plain C: the definition. */
#include "matmul.h"
#include <math.h>

enum { ROWS = 4, WIDTH = 8 };

#define BLOCK(REAL, TYPE, FMA)                                                                                  \
    static void block_##TYPE(int64_t k, const REAL *a, int64_t a_row, int64_t a_column, const REAL *b, REAL *c, \
                             int64_t ldc, bool add, const REAL *start)                                                           \
    {                                                                                                           \
        for (int i = 0; i < ROWS; i++)                                                                          \
            for (int j = 0; j < WIDTH; j++) {                                                                   \
                REAL sum = add ? c[i * ldc + j] : start ? start[j] : 0;                                         \
                for (int64_t p = 0; p < k; p++) sum = FMA(a[i * a_row + p * a_column], b[p * WIDTH + j], sum);  \
                c[i * ldc + j] = sum;                                                                           \
            }                                                                                                   \
    }                                                                                                           \
    static void pack_b_##TYPE(int64_t depth, const REAL *b, int64_t row, int64_t column, REAL *to)              \
    {                                                                                                           \
        for (int64_t p = 0; p < depth; p++)                                                                     \
            for (int j = 0; j < WIDTH; j++) to[p * WIDTH + j] = b[p * row + j * column];                        \
    }                                                                                                           \
    static void pack_a_##TYPE(int64_t depth, const REAL *a, int64_t row, int64_t column, REAL *to)              \
    {                                                                                                           \
        for (int64_t p = 0; p < depth; p++)                                                                     \
            for (int i = 0; i < ROWS; i++) to[p * ROWS + i] = a[i * row + p * column];                          \
    }                                                                                                           \
    static const nrm_matmul_kernel_##TYPE kernel_##TYPE = {                                                     \
        .rows = ROWS, .width = WIDTH, .block = block_##TYPE, .pack_b = pack_b_##TYPE, .pack_a = pack_a_##TYPE}; \
    const nrm_matmul_kernel_##TYPE *nrm_matmul_kernel_##TYPE##_ref(void) { return &kernel_##TYPE; }

BLOCK(float, f32, fmaf)
BLOCK(double, f64, fma)
