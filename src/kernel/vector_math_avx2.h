/* vector_math_avx2.h -- comparisons, choices and bits of floats, on the vectors of
 * extexp_avx2.h.  The same operations as vector_math_avx512.h, which explains them.  A mask
 * is a vector: only the sign bit of a lane counts. */
#ifndef NRM_VECTOR_MATH_AVX2_H
#define NRM_VECTOR_MATH_AVX2_H

#include "extexp_avx2.h"
#include <float.h>

typedef __m256 vf32_mask;
typedef __m256d vf64_mask;

static inline vf32 vf32_fms(vf32 a, vf32 b, vf32 c) { return _mm256_fmsub_ps(a, b, c); }
static inline vf64 vf64_fms(vf64 a, vf64 b, vf64 c) { return _mm256_fmsub_pd(a, b, c); }
static inline vf32 vf32_min(vf32 a, vf32 b) { return _mm256_min_ps(a, b); }
static inline vf64 vf64_min(vf64 a, vf64 b) { return _mm256_min_pd(a, b); }
static inline vf32 vf32_sqrt(vf32 a) { return _mm256_sqrt_ps(a); }
static inline vf64 vf64_sqrt(vf64 a) { return _mm256_sqrt_pd(a); }
static inline vf32 vf32_floor(vf32 a) { return _mm256_floor_ps(a); }
static inline vf64 vf64_floor(vf64 a) { return _mm256_floor_pd(a); }

static inline vf32 vf32_sign_bit(vf32 a) { return _mm256_and_ps(a, _mm256_set1_ps(-0.0f)); }
static inline vf64 vf64_sign_bit(vf64 a) { return _mm256_and_pd(a, _mm256_set1_pd(-0.0)); }
static inline vf32 vf32_abs(vf32 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline vf64 vf64_abs(vf64 a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }
static inline vf32 vf32_or(vf32 a, vf32 b) { return _mm256_or_ps(a, b); }
static inline vf64 vf64_or(vf64 a, vf64 b) { return _mm256_or_pd(a, b); }
static inline vf32 vf32_xor(vf32 a, vf32 b) { return _mm256_xor_ps(a, b); }
static inline vf64 vf64_xor(vf64 a, vf64 b) { return _mm256_xor_pd(a, b); }

static inline vf32_mask vf32_less(vf32 a, vf32 b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline vf64_mask vf64_less(vf64 a, vf64 b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
static inline vf32_mask vf32_less_equal(vf32 a, vf32 b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
static inline vf64_mask vf64_less_equal(vf64 a, vf64 b) { return _mm256_cmp_pd(a, b, _CMP_LE_OQ); }
static inline vf32_mask vf32_equal(vf32 a, vf32 b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline vf64_mask vf64_equal(vf64 a, vf64 b) { return _mm256_cmp_pd(a, b, _CMP_EQ_OQ); }
static inline vf32_mask vf32_is_nan(vf32 a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
static inline vf64_mask vf64_is_nan(vf64 a) { return _mm256_cmp_pd(a, a, _CMP_UNORD_Q); }
static inline vf32_mask vf32_is_negative(vf32 a) { return a; }
static inline vf64_mask vf64_is_negative(vf64 a) { return a; }
static inline vf32_mask vf32_both(vf32_mask a, vf32_mask b) { return _mm256_and_ps(a, b); }
static inline vf64_mask vf64_both(vf64_mask a, vf64_mask b) { return _mm256_and_pd(a, b); }
static inline vf32_mask vf32_either(vf32_mask a, vf32_mask b) { return _mm256_or_ps(a, b); }
static inline vf64_mask vf64_either(vf64_mask a, vf64_mask b) { return _mm256_or_pd(a, b); }
static inline unsigned vf32_lanes_of(vf32_mask m) { return (unsigned)_mm256_movemask_ps(m); }
static inline unsigned vf64_lanes_of(vf64_mask m) { return (unsigned)_mm256_movemask_pd(m); }
static inline vf32 vf32_select(vf32_mask m, vf32 a, vf32 b) { return _mm256_blendv_ps(b, a, m); }
static inline vf64 vf64_select(vf64_mask m, vf64 a, vf64 b) { return _mm256_blendv_pd(b, a, m); }

static inline vf32 vf32_sign_of_bit(vf32 z, int bit)
{
    return vf32_sign_bit(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(z), 31 - bit)));
}
static inline vf64 vf64_sign_of_bit(vf64 z, int bit)
{
    return vf64_sign_bit(_mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(z), 63 - bit)));
}

/* Two factors of half the exponent each: only the second product rounds. */
static inline vf32 vf32_ldexp(vf32 m, vf32 n)
{
    const __m256i one = _mm256_castps_si256(_mm256_set1_ps(1.0f));
    const __m256i whole = _mm256_castps_si256(_mm256_add_ps(n, _mm256_set1_ps(0x1.8p23f)));
    const __m256i half = _mm256_srli_epi32(whole, 1), rest = _mm256_sub_epi32(whole, half);
    const __m256i a = _mm256_add_epi32(_mm256_slli_epi32(half, 23), one);
    const __m256i b = _mm256_add_epi32(_mm256_slli_epi32(rest, 23), one);
    return _mm256_mul_ps(_mm256_mul_ps(m, _mm256_castsi256_ps(a)), _mm256_castsi256_ps(b));
}
static inline vf64 vf64_ldexp(vf64 m, vf64 n)
{
    const __m256i one = _mm256_castpd_si256(_mm256_set1_pd(1.0));
    const __m256i whole = _mm256_castpd_si256(_mm256_add_pd(n, _mm256_set1_pd(0x1.8p52)));
    const __m256i half = _mm256_srli_epi64(whole, 1), rest = _mm256_sub_epi64(whole, half);
    const __m256i a = _mm256_add_epi64(_mm256_slli_epi64(half, 52), one);
    const __m256i b = _mm256_add_epi64(_mm256_slli_epi64(rest, 52), one);
    return _mm256_mul_pd(_mm256_mul_pd(m, _mm256_castsi256_pd(a)), _mm256_castsi256_pd(b));
}

/* Counted from the bits of sqrt(1/2), the exponent field is e and the rest says how far m
 * lies above sqrt(1/2). */
static inline vf32 vf32_split(vf32 x, vf32 *e)
{
    const __m256i least = _mm256_set1_epi32(0x3f3504f3);
    const __m256i above = _mm256_sub_epi32(_mm256_castps_si256(x), least);
    *e = _mm256_cvtepi32_ps(_mm256_srai_epi32(above, 23));
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_and_si256(above, _mm256_set1_epi32(0x7fffff)), least));
}
static inline vf64 vf64_split(vf64 x, vf64 *e)
{
    const __m256i least = _mm256_set1_epi64x(0x3fe6a09e667f3bcd);
    const __m256i above = _mm256_sub_epi64(_mm256_castpd_si256(x), least);
    /* + 1024 makes the exponent positive; put under 2^52's it is a double */
    const __m256i field = _mm256_srli_epi64(_mm256_add_epi64(above, _mm256_set1_epi64x(INT64_C(1024) << 52)), 52);
    const __m256d shifted = _mm256_castsi256_pd(_mm256_or_si256(field, _mm256_castpd_si256(_mm256_set1_pd(0x1p52))));
    *e = _mm256_sub_pd(shifted, _mm256_set1_pd(0x1p52 + 1024));
    return _mm256_castsi256_pd(
        _mm256_add_epi64(_mm256_and_si256(above, _mm256_set1_epi64x(0xfffffffffffff)), least));
}

#endif
