/* finite.c -- looking for NaN and Inf.
 *
 * x - x is 0 for a finite x and NaN otherwise: a block is judged by one sum, without a
 * branch for each value, and only a bad block is searched. */
#include "base.h"

enum { BLOCK = 1024, LANES = 16 };

#define NRM_DEFINE_ALL_FINITE(suffix, type)                                         \
    static bool block_finite_##suffix(const type *x, int64_t n)                     \
    {                                                                               \
        type lane[LANES] = {0}, sum = 0;                                            \
        int64_t i = 0;                                                              \
        for (; i + LANES <= n; i += LANES)                                          \
            for (int j = 0; j < LANES; j++) lane[j] += x[i + j] - x[i + j];         \
        for (; i < n; i++) sum += x[i] - x[i];                                      \
        for (int j = 0; j < LANES; j++) sum += lane[j];                             \
        return sum == 0;                                                            \
    }                                                                               \
    bool nrm_all_finite_##suffix(const type *x, int64_t n, int64_t *where)          \
    {                                                                               \
        for (int64_t start = 0; start < n; start += BLOCK) {                        \
            if (block_finite_##suffix(x + start, nrm_min_i64(BLOCK, n - start))) continue; \
            int64_t i = start;                                                      \
            while (isfinite(x[i])) i++;                                             \
            *where = i;                                                             \
            return false;                                                           \
        }                                                                           \
        return true;                                                                \
    }
NRM_DEFINE_ALL_FINITE(f64, double)
NRM_DEFINE_ALL_FINITE(f32, float)
