/* extexp_avx512.h -- vectors of 16 floats and 8 doubles, with ExtExp (extexp.h) on them.
 *
 * vf32_NAME and vf64_NAME have the same meaning, so that one kernel body serves both types
 * (softmax_vector.h) and, with extexp_avx2.h, both instruction sets.  Include only from
 * files compiled for AVX-512 F, DQ, BW, VL. */
#ifndef NRM_EXTEXP_AVX512_H
#define NRM_EXTEXP_AVX512_H

#include "extexp.h"
#include <immintrin.h>

typedef __m512 vf32;
typedef __m512d vf64;
enum { VF32_LANES = 16, VF64_LANES = 8 };

static inline vf32 vf32_set1(float a) { return _mm512_set1_ps(a); }
static inline vf64 vf64_set1(double a) { return _mm512_set1_pd(a); }
static inline vf32 vf32_load(const float *p) { return _mm512_loadu_ps(p); }
static inline vf64 vf64_load(const double *p) { return _mm512_loadu_pd(p); }
static inline void vf32_store(float *p, vf32 a) { _mm512_storeu_ps(p, a); }
static inline void vf64_store(double *p, vf64 a) { _mm512_storeu_pd(p, a); }
/* Around the caches; p is 64-byte aligned. */
static inline void vf32_stream(float *p, vf32 a) { _mm512_stream_ps(p, a); }
static inline void vf64_stream(double *p, vf64 a) { _mm512_stream_pd(p, a); }
static inline vf32 vf32_add(vf32 a, vf32 b) { return _mm512_add_ps(a, b); }
static inline vf64 vf64_add(vf64 a, vf64 b) { return _mm512_add_pd(a, b); }
static inline vf32 vf32_sub(vf32 a, vf32 b) { return _mm512_sub_ps(a, b); }
static inline vf64 vf64_sub(vf64 a, vf64 b) { return _mm512_sub_pd(a, b); }
static inline vf32 vf32_mul(vf32 a, vf32 b) { return _mm512_mul_ps(a, b); }
static inline vf64 vf64_mul(vf64 a, vf64 b) { return _mm512_mul_pd(a, b); }
static inline vf32 vf32_div(vf32 a, vf32 b) { return _mm512_div_ps(a, b); }
static inline vf64 vf64_div(vf64 a, vf64 b) { return _mm512_div_pd(a, b); }
static inline vf32 vf32_fma(vf32 a, vf32 b, vf32 c) { return _mm512_fmadd_ps(a, b, c); } /* a b + c */
static inline vf64 vf64_fma(vf64 a, vf64 b, vf64 c) { return _mm512_fmadd_pd(a, b, c); }
static inline vf32 vf32_fnma(vf32 a, vf32 b, vf32 c) { return _mm512_fnmadd_ps(a, b, c); } /* c - a b */
static inline vf64 vf64_fnma(vf64 a, vf64 b, vf64 c) { return _mm512_fnmadd_pd(a, b, c); }
/* max(a, b) is b where either is a NaN: keep the value that may be one in b. */
static inline vf32 vf32_max(vf32 a, vf32 b) { return _mm512_max_ps(a, b); }
static inline vf64 vf64_max(vf64 a, vf64 b) { return _mm512_max_pd(a, b); }
static inline vf32 vf32_round(vf32 a) { return _mm512_roundscale_ps(a, 0); } /* nearest, ties to even */
static inline vf64 vf64_round(vf64 a) { return _mm512_roundscale_pd(a, 0); }

static inline __mmask16 vf32_first(int64_t count) { return (__mmask16)((1u << count) - 1); }
static inline __mmask8 vf64_first(int64_t count) { return (__mmask8)((1u << count) - 1); }
/* The first `count` < LANES lanes of a, the rest of other. */
static inline vf32 vf32_first_of(int64_t count, vf32 a, vf32 other) { return _mm512_mask_mov_ps(other, vf32_first(count), a); }
static inline vf64 vf64_first_of(int64_t count, vf64 a, vf64 other) { return _mm512_mask_mov_pd(other, vf64_first(count), a); }
/* The first `count` < LANES elements; the other lanes are `fill`. */
static inline vf32 vf32_load_part(const float *p, int64_t count, float fill)
{
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), vf32_first(count), p);
}
static inline vf64 vf64_load_part(const double *p, int64_t count, double fill)
{
    return _mm512_mask_loadu_pd(_mm512_set1_pd(fill), vf64_first(count), p);
}
static inline void vf32_store_part(float *p, int64_t count, vf32 a)
{
    _mm512_mask_storeu_ps(p, vf32_first(count), a);
}
static inline void vf64_store_part(double *p, int64_t count, vf64 a)
{
    _mm512_mask_storeu_pd(p, vf64_first(count), a);
}

/* a where keep[lane] is not 0, else other. */
static inline vf32 vf32_keep(const uint8_t *keep, vf32 a, vf32 other)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)keep);
    return _mm512_mask_mov_ps(other, _mm_test_epi8_mask(bytes, bytes), a);
}
static inline vf64 vf64_keep(const uint8_t *keep, vf64 a, vf64 other)
{
    const __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)keep);
    return _mm512_mask_mov_pd(other, (__mmask8)_mm_test_epi8_mask(bytes, bytes), a);
}

/* Written out, because _mm512_reduce_* leaves the order of the sum to the compiler. */
#define NRM_REDUCE_F32(OP)                                                             \
    a = _mm512_##OP##_ps(a, _mm512_shuffle_f32x4(a, a, 0x4E));                         \
    a = _mm512_##OP##_ps(a, _mm512_shuffle_f32x4(a, a, 0xB1));                         \
    a = _mm512_##OP##_ps(a, _mm512_permute_ps(a, 0x4E));                               \
    return _mm512_##OP##_ps(a, _mm512_permute_ps(a, 0xB1))
#define NRM_REDUCE_F64(OP)                                                             \
    a = _mm512_##OP##_pd(a, _mm512_shuffle_f64x2(a, a, 0x4E));                         \
    a = _mm512_##OP##_pd(a, _mm512_shuffle_f64x2(a, a, 0xB1));                         \
    return _mm512_##OP##_pd(a, _mm512_permute_pd(a, 0x55))
static inline vf32 vf32_reduce_add(vf32 a) { NRM_REDUCE_F32(add); } /* in every lane */
static inline vf64 vf64_reduce_add(vf64 a) { NRM_REDUCE_F64(add); }
static inline vf32 vf32_reduce_max(vf32 a) { NRM_REDUCE_F32(max); }
static inline vf64 vf64_reduce_max(vf64 a) { NRM_REDUCE_F64(max); }
static inline float vf32_lane0(vf32 a) { return _mm512_cvtss_f32(a); }
static inline double vf64_lane0(vf64 a) { return _mm512_cvtsd_f64(a); }

/* m 2^d for d <= 0, d = -inf included; denormal results are exact. */
static inline vf32 vf32_scale(vf32 m, vf32 d) { return _mm512_scalef_ps(m, d); }
static inline vf64 vf64_scale(vf64 m, vf64 d) { return _mm512_scalef_pd(m, d); }
static inline vf32 vf32_add_scaled(vf32 s, vf32 m, vf32 d) { return _mm512_add_ps(s, _mm512_scalef_ps(m, d)); }
static inline vf64 vf64_add_scaled(vf64 s, vf64 m, vf64 d) { return _mm512_add_pd(s, _mm512_scalef_pd(m, d)); }

#include "extexp_polynomial.h"

#endif
