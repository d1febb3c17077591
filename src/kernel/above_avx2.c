/* above_avx2.c -- sixteen differences a turn; most turns hold nothing above the bound and
 * cost four compares and one branch.  Contract: above.h. */
#include "above.h"

#if defined(__x86_64__)
#include <immintrin.h>

static inline __m256d load_f64(const double *y) { return _mm256_loadu_pd(y); }
static inline __m256d load_f32(const float *y) { return _mm256_cvtps_pd(_mm_loadu_ps(y)); }

#define NRM_ABOVE_AVX2(name, type)                                                          \
    static int64_t above_##name(const double *restrict x, const type *restrict y, int64_t n, \
                                double bound, int64_t *restrict index, double *restrict value) \
    {                                                                                       \
        const __m256d limit = _mm256_set1_pd(bound);                                        \
        int64_t count = 0, i = 0;                                                           \
        for (; i + 16 <= n; i += 16) {                                                      \
            unsigned mask = 0;                                                              \
            for (int part = 0; part < 4; part++) {                                          \
                const __m256d d = _mm256_sub_pd(load_f64(x + i + 4 * part), load_##name(y + i + 4 * part)); \
                mask |= (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(d, limit, _CMP_GT_OQ)) << (4 * part); \
            }                                                                               \
            for (; mask; mask &= mask - 1) {                                                \
                const int64_t at = i + __builtin_ctz(mask);                                 \
                index[count] = at;                                                          \
                value[count++] = x[at] - (double)y[at];                                     \
            }                                                                               \
        }                                                                                   \
        for (; i < n; i++) {                                                                \
            const double d = x[i] - (double)y[i];                                           \
            if (d > bound) { index[count] = i; value[count++] = d; }                        \
        }                                                                                   \
        return count;                                                                       \
    }                                                                                       \
    static double peak_##name(const double *restrict x, const type *restrict y, int64_t n)  \
    {                                                                                       \
        double most = x[0] - (double)y[0], part[4];                                         \
        int64_t i = 0;                                                                      \
        if (n >= 8) {                                                                       \
            __m256d p = _mm256_set1_pd(most), q = p;                                        \
            for (; i + 8 <= n; i += 8) {                                                    \
                p = _mm256_max_pd(p, _mm256_sub_pd(load_f64(x + i), load_##name(y + i)));   \
                q = _mm256_max_pd(q, _mm256_sub_pd(load_f64(x + i + 4), load_##name(y + i + 4))); \
            }                                                                               \
            _mm256_storeu_pd(part, _mm256_max_pd(p, q));                                    \
            for (int k = 0; k < 4; k++) most = part[k] > most ? part[k] : most;             \
        }                                                                                   \
        for (; i < n; i++) {                                                                \
            const double d = x[i] - (double)y[i];                                           \
            most = d > most ? d : most;                                                     \
        }                                                                                   \
        return most;                                                                        \
    }
NRM_ABOVE_AVX2(f64, double)
NRM_ABOVE_AVX2(f32, float)

const nrm_above_kernels nrm_above_avx2 = {above_f64, above_f32, peak_f64, peak_f32};
#endif
