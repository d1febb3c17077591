/* matmul_pack.h -- packing for matmul.h by vectors of 256 bits: squares turned on their
 * diagonal in registers.  Include only from files compiled for AVX2 or more. */
#ifndef NRM_MATMUL_PACK_H
#define NRM_MATMUL_PACK_H

#include <immintrin.h>
#include <stdint.h>

/* to[p * width + j] = from[j * step + p], p and j below 8. */
static inline void turn_f32(const float *from, int64_t step, float *to, int64_t width)
{
    for (int p = 0; p < 8; p += 4) {
        __m256 a[4], b[4];
        for (int i = 0; i < 4; i++) /* rows i and i + 4 side by side */
            a[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from + i * step + p)), _mm_loadu_ps(from + (i + 4) * step + p), 1);
        for (int i = 0; i < 4; i += 2) {
            b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
            b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
        }
        for (int i = 0; i < 2; i++) {
            _mm256_storeu_ps(to + (p + 2 * i) * width, _mm256_shuffle_ps(b[i], b[i + 2], 0x44));
            _mm256_storeu_ps(to + (p + 2 * i + 1) * width, _mm256_shuffle_ps(b[i], b[i + 2], 0xEE));
        }
    }
}

/* The same, p and j below 4. */
static inline void turn_f64(const double *from, int64_t step, double *to, int64_t width)
{
    __m256d a[4], b[4];
    for (int i = 0; i < 4; i++) a[i] = _mm256_loadu_pd(from + i * step);
    for (int i = 0; i < 4; i += 2) {
        b[i] = _mm256_unpacklo_pd(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_pd(a[i], a[i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        _mm256_storeu_pd(to + i * width, _mm256_permute2f128_pd(b[i], b[i + 2], 0x20));
        _mm256_storeu_pd(to + (i + 2) * width, _mm256_permute2f128_pd(b[i], b[i + 2], 0x31));
    }
}
enum { TURN_f32 = 8, TURN_f64 = 4 };

#endif
