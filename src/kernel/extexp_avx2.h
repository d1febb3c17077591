/* extexp_avx2.h -- vectors of 8 floats and 4 doubles, with ExtExp (extexp.h) on them.
 *
 * The same operations as extexp_avx512.h, which explains them.  Powers of two are made by
 * the shift of extexp.h: results below 2^-126 (2^-1022) of their scale are 0.  Include only
 * from files compiled for AVX2 and FMA. */
#ifndef NRM_EXTEXP_AVX2_H
#define NRM_EXTEXP_AVX2_H

#include "extexp.h"
#include <immintrin.h>

typedef __m256 vf32;
typedef __m256d vf64;
enum { VF32_LANES = 8, VF64_LANES = 4 };

static inline vf32 vf32_set1(float a) { return _mm256_set1_ps(a); }
static inline vf64 vf64_set1(double a) { return _mm256_set1_pd(a); }
static inline vf32 vf32_load(const float *p) { return _mm256_loadu_ps(p); }
static inline vf64 vf64_load(const double *p) { return _mm256_loadu_pd(p); }
static inline void vf32_store(float *p, vf32 a) { _mm256_storeu_ps(p, a); }
static inline void vf64_store(double *p, vf64 a) { _mm256_storeu_pd(p, a); }
static inline void vf32_stream(float *p, vf32 a) { _mm256_stream_ps(p, a); }
static inline void vf64_stream(double *p, vf64 a) { _mm256_stream_pd(p, a); }
static inline vf32 vf32_add(vf32 a, vf32 b) { return _mm256_add_ps(a, b); }
static inline vf64 vf64_add(vf64 a, vf64 b) { return _mm256_add_pd(a, b); }
static inline vf32 vf32_sub(vf32 a, vf32 b) { return _mm256_sub_ps(a, b); }
static inline vf64 vf64_sub(vf64 a, vf64 b) { return _mm256_sub_pd(a, b); }
static inline vf32 vf32_mul(vf32 a, vf32 b) { return _mm256_mul_ps(a, b); }
static inline vf64 vf64_mul(vf64 a, vf64 b) { return _mm256_mul_pd(a, b); }
static inline vf32 vf32_div(vf32 a, vf32 b) { return _mm256_div_ps(a, b); }
static inline vf64 vf64_div(vf64 a, vf64 b) { return _mm256_div_pd(a, b); }
static inline vf32 vf32_fma(vf32 a, vf32 b, vf32 c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf64 vf64_fma(vf64 a, vf64 b, vf64 c) { return _mm256_fmadd_pd(a, b, c); }
static inline vf32 vf32_fnma(vf32 a, vf32 b, vf32 c) { return _mm256_fnmadd_ps(a, b, c); }
static inline vf64 vf64_fnma(vf64 a, vf64 b, vf64 c) { return _mm256_fnmadd_pd(a, b, c); }
static inline vf32 vf32_max(vf32 a, vf32 b) { return _mm256_max_ps(a, b); }
static inline vf64 vf64_max(vf64 a, vf64 b) { return _mm256_max_pd(a, b); }
static inline vf32 vf32_round(vf32 a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf64 vf64_round(vf64 a) { return _mm256_round_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

/* Lanes below `count` all ones. */
static inline __m256i vf32_first(int64_t count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline __m256i vf64_first(int64_t count)
{
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}
static inline vf32 vf32_first_of(int64_t count, vf32 a, vf32 other)
{
    return _mm256_blendv_ps(other, a, _mm256_castsi256_ps(vf32_first(count)));
}
static inline vf64 vf64_first_of(int64_t count, vf64 a, vf64 other)
{
    return _mm256_blendv_pd(other, a, _mm256_castsi256_pd(vf64_first(count)));
}
static inline vf32 vf32_load_part(const float *p, int64_t count, float fill)
{
    const __m256i first = vf32_first(count);
    return _mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(p, first), _mm256_castsi256_ps(first));
}
static inline vf64 vf64_load_part(const double *p, int64_t count, double fill)
{
    const __m256i first = vf64_first(count);
    return _mm256_blendv_pd(_mm256_set1_pd(fill), _mm256_maskload_pd(p, first), _mm256_castsi256_pd(first));
}
static inline void vf32_store_part(float *p, int64_t count, vf32 a) { _mm256_maskstore_ps(p, vf32_first(count), a); }
static inline void vf64_store_part(double *p, int64_t count, vf64 a) { _mm256_maskstore_pd(p, vf64_first(count), a); }

static inline vf32 vf32_keep(const uint8_t *keep, vf32 a, vf32 other)
{
    const __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)keep));
    return _mm256_blendv_ps(a, other, _mm256_castsi256_ps(_mm256_cmpeq_epi32(wide, _mm256_setzero_si256())));
}
static inline vf64 vf64_keep(const uint8_t *keep, vf64 a, vf64 other)
{
    int32_t four;
    memcpy(&four, keep, sizeof four);
    const __m256i wide = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
    return _mm256_blendv_pd(a, other, _mm256_castsi256_pd(_mm256_cmpeq_epi64(wide, _mm256_setzero_si256())));
}

#define NRM_REDUCE_F32(OP)                                      \
    a = _mm256_##OP##_ps(a, _mm256_permute2f128_ps(a, a, 1));   \
    a = _mm256_##OP##_ps(a, _mm256_permute_ps(a, 0x4E));        \
    return _mm256_##OP##_ps(a, _mm256_permute_ps(a, 0xB1))
#define NRM_REDUCE_F64(OP)                                      \
    a = _mm256_##OP##_pd(a, _mm256_permute2f128_pd(a, a, 1));   \
    return _mm256_##OP##_pd(a, _mm256_permute_pd(a, 0x5))
static inline vf32 vf32_reduce_add(vf32 a) { NRM_REDUCE_F32(add); }
static inline vf64 vf64_reduce_add(vf64 a) { NRM_REDUCE_F64(add); }
static inline vf32 vf32_reduce_max(vf32 a) { NRM_REDUCE_F32(max); }
static inline vf64 vf64_reduce_max(vf64 a) { NRM_REDUCE_F64(max); }
static inline float vf32_lane0(vf32 a) { return _mm256_cvtss_f32(a); }
static inline double vf64_lane0(vf64 a) { return _mm256_cvtsd_f64(a); }

static inline vf32 vf32_pow2(vf32 d)
{
    d = _mm256_add_ps(_mm256_max_ps(_mm256_set1_ps(NRM_POW2_LEAST_F32), d), _mm256_set1_ps(NRM_POW2_MAGIC_F32));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(d), 23));
}
static inline vf64 vf64_pow2(vf64 d)
{
    d = _mm256_add_pd(_mm256_max_pd(_mm256_set1_pd(NRM_POW2_LEAST_F64), d), _mm256_set1_pd(NRM_POW2_MAGIC_F64));
    return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(d), 52));
}
static inline vf32 vf32_scale(vf32 m, vf32 d) { return _mm256_mul_ps(m, vf32_pow2(d)); }
static inline vf64 vf64_scale(vf64 m, vf64 d) { return _mm256_mul_pd(m, vf64_pow2(d)); }
static inline vf32 vf32_add_scaled(vf32 s, vf32 m, vf32 d) { return _mm256_fmadd_ps(m, vf32_pow2(d), s); }
static inline vf64 vf64_add_scaled(vf64 s, vf64 m, vf64 d) { return _mm256_fmadd_pd(m, vf64_pow2(d), s); }

#include "extexp_polynomial.h"

#endif
