/* above_avx512.c -- eight differences a register, packed by the compress instruction.  The
 * packed register is stored whole (compress straight to memory is microcode on some
 * machines): hence NRM_ABOVE_ROOM.  Contract: above.h. */
#include "above.h"

#if defined(__x86_64__)
#include <immintrin.h>

static inline __m512d load_f64(const double *y) { return _mm512_loadu_pd(y); }
static inline __m512d load_f32(const float *y) { return _mm512_cvtps_pd(_mm256_loadu_ps(y)); }
static inline __m512d tail_f64(__mmask8 m, const double *y) { return _mm512_maskz_loadu_pd(m, y); }
static inline __m512d tail_f32(__mmask8 m, const float *y) { return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(m, y)); }

static inline int64_t put(__mmask8 mask, __m512d d, int64_t first, int64_t *index, double *value)
{
    const __m512i lane = _mm512_add_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), _mm512_set1_epi64(first));
    _mm512_storeu_pd(value, _mm512_maskz_compress_pd(mask, d));
    _mm512_storeu_si512(index, _mm512_maskz_compress_epi64(mask, lane));
    return __builtin_popcount(mask);
}

#define NRM_ABOVE_AVX512(name, type)                                                        \
    static int64_t above_##name(const double *restrict x, const type *restrict y, int64_t n, \
                                double bound, int64_t *restrict index, double *restrict value) \
    {                                                                                       \
        const __m512d limit = _mm512_set1_pd(bound);                                        \
        int64_t count = 0, i = 0;                                                           \
        for (; i + 32 <= n; i += 32) {                                                      \
            __m512d d[4];                                                                   \
            __mmask8 mask[4];                                                               \
            for (int p = 0; p < 4; p++) {                                                   \
                d[p] = _mm512_sub_pd(load_f64(x + i + 8 * p), load_##name(y + i + 8 * p));  \
                mask[p] = _mm512_cmp_pd_mask(d[p], limit, _CMP_GT_OQ);                      \
            }                                                                               \
            if (!(mask[0] | mask[1] | mask[2] | mask[3])) continue;                         \
            for (int p = 0; p < 4; p++)                                                     \
                if (mask[p]) count += put(mask[p], d[p], i + 8 * p, index + count, value + count); \
        }                                                                                   \
        for (; i < n; i += 8) {                                                             \
            const __mmask8 here = (__mmask8)(n - i >= 8 ? 0xff : (1u << (n - i)) - 1);      \
            const __m512d d = _mm512_sub_pd(tail_f64(here, x + i), tail_##name(here, y + i)); \
            const __mmask8 mask = _mm512_mask_cmp_pd_mask(here, d, limit, _CMP_GT_OQ);      \
            if (mask) count += put(mask, d, i, index + count, value + count);               \
        }                                                                                   \
        return count;                                                                       \
    }                                                                                       \
    static double peak_##name(const double *restrict x, const type *restrict y, int64_t n)  \
    {                                                                                       \
        __m512d p = _mm512_set1_pd(x[0] - (double)y[0]), q = p;                             \
        int64_t i = 0;                                                                      \
        for (; i + 16 <= n; i += 16) {                                                      \
            p = _mm512_max_pd(p, _mm512_sub_pd(load_f64(x + i), load_##name(y + i)));       \
            q = _mm512_max_pd(q, _mm512_sub_pd(load_f64(x + i + 8), load_##name(y + i + 8))); \
        }                                                                                   \
        for (; i < n; i += 8) {                                                             \
            const __mmask8 here = (__mmask8)(n - i >= 8 ? 0xff : (1u << (n - i)) - 1);      \
            const __m512d d = _mm512_sub_pd(tail_f64(here, x + i), tail_##name(here, y + i)); \
            p = _mm512_mask_max_pd(p, here, p, d);                                          \
        }                                                                                   \
        return _mm512_reduce_max_pd(_mm512_max_pd(p, q));                                   \
    }
NRM_ABOVE_AVX512(f64, double)
NRM_ABOVE_AVX512(f32, float)

const nrm_above_kernels nrm_above_avx512 = {above_f64, above_f32, peak_f64, peak_f32};
#endif
