/* vector_math_avx512.h -- comparisons, choices and bits of floats, on the vectors of
 * extexp_avx512.h.  Comparisons with a NaN are false. */
#ifndef NRM_VECTOR_MATH_AVX512_H
#define NRM_VECTOR_MATH_AVX512_H

#include "extexp_avx512.h"
#include <float.h>

typedef __mmask16 vf32_mask;
typedef __mmask8 vf64_mask;

static inline vf32 vf32_fms(vf32 a, vf32 b, vf32 c) { return _mm512_fmsub_ps(a, b, c); } /* a b - c */
static inline vf64 vf64_fms(vf64 a, vf64 b, vf64 c) { return _mm512_fmsub_pd(a, b, c); }
static inline vf32 vf32_min(vf32 a, vf32 b) { return _mm512_min_ps(a, b); } /* b where either is a NaN */
static inline vf64 vf64_min(vf64 a, vf64 b) { return _mm512_min_pd(a, b); }
static inline vf32 vf32_sqrt(vf32 a) { return _mm512_sqrt_ps(a); }
static inline vf64 vf64_sqrt(vf64 a) { return _mm512_sqrt_pd(a); }
static inline vf32 vf32_floor(vf32 a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF); }
static inline vf64 vf64_floor(vf64 a) { return _mm512_roundscale_pd(a, _MM_FROUND_TO_NEG_INF); }

static inline vf32 vf32_sign_bit(vf32 a) { return _mm512_and_ps(a, _mm512_set1_ps(-0.0f)); } /* and nothing else */
static inline vf64 vf64_sign_bit(vf64 a) { return _mm512_and_pd(a, _mm512_set1_pd(-0.0)); }
static inline vf32 vf32_abs(vf32 a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
static inline vf64 vf64_abs(vf64 a) { return _mm512_andnot_pd(_mm512_set1_pd(-0.0), a); }
static inline vf32 vf32_or(vf32 a, vf32 b) { return _mm512_or_ps(a, b); }
static inline vf64 vf64_or(vf64 a, vf64 b) { return _mm512_or_pd(a, b); }
static inline vf32 vf32_xor(vf32 a, vf32 b) { return _mm512_xor_ps(a, b); }
static inline vf64 vf64_xor(vf64 a, vf64 b) { return _mm512_xor_pd(a, b); }

static inline vf32_mask vf32_less(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vf64_mask vf64_less(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
static inline vf32_mask vf32_less_equal(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
static inline vf64_mask vf64_less_equal(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
static inline vf32_mask vf32_equal(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline vf64_mask vf64_equal(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
static inline vf32_mask vf32_is_nan(vf32 a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
static inline vf64_mask vf64_is_nan(vf64 a) { return _mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q); }
/* The sign bit. */
static inline vf32_mask vf32_is_negative(vf32 a) { return _mm512_movepi32_mask(_mm512_castps_si512(a)); }
static inline vf64_mask vf64_is_negative(vf64 a) { return _mm512_movepi64_mask(_mm512_castpd_si512(a)); }
static inline vf32_mask vf32_both(vf32_mask a, vf32_mask b) { return (vf32_mask)(a & b); }
static inline vf64_mask vf64_both(vf64_mask a, vf64_mask b) { return (vf64_mask)(a & b); }
static inline vf32_mask vf32_either(vf32_mask a, vf32_mask b) { return (vf32_mask)(a | b); }
static inline vf64_mask vf64_either(vf64_mask a, vf64_mask b) { return (vf64_mask)(a | b); }
static inline unsigned vf32_lanes_of(vf32_mask m) { return m; } /* lane i is bit i */
static inline unsigned vf64_lanes_of(vf64_mask m) { return m; }
/* a where m, else b. */
static inline vf32 vf32_select(vf32_mask m, vf32 a, vf32 b) { return _mm512_mask_mov_ps(b, m, a); }
static inline vf64 vf64_select(vf64_mask m, vf64 a, vf64 b) { return _mm512_mask_mov_pd(b, m, a); }

/* A bit of an integer to the sign bit, the others 0; z is the integer plus 1.5 2^23 (1.5 2^52). */
static inline vf32 vf32_sign_of_bit(vf32 z, unsigned bit)
{
    return vf32_sign_bit(_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(z), 31 - bit)));
}
static inline vf64 vf64_sign_of_bit(vf64 z, unsigned bit)
{
    return vf64_sign_bit(_mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(z), 63 - bit)));
}

/* m 2^n, rounded once, overflow and denormals included; n an integer, |n| <= 240 (2000). */
static inline vf32 vf32_ldexp(vf32 m, vf32 n) { return _mm512_scalef_ps(m, n); }
static inline vf64 vf64_ldexp(vf64 m, vf64 n) { return _mm512_scalef_pd(m, n); }

/* A positive normal x as m 2^e with sqrt(1/2) <= m < sqrt(2): counted from the bits of
 * sqrt(1/2), the exponent field is e and the rest says how far m lies above sqrt(1/2). */
static inline vf32 vf32_split(vf32 x, vf32 *e)
{
    const __m512i least = _mm512_set1_epi32(0x3f3504f3);
    const __m512i above = _mm512_sub_epi32(_mm512_castps_si512(x), least);
    *e = _mm512_cvtepi32_ps(_mm512_srai_epi32(above, 23));
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_and_si512(above, _mm512_set1_epi32(0x7fffff)), least));
}
static inline vf64 vf64_split(vf64 x, vf64 *e)
{
    const __m512i least = _mm512_set1_epi64(0x3fe6a09e667f3bcd);
    const __m512i above = _mm512_sub_epi64(_mm512_castpd_si512(x), least);
    *e = _mm512_cvtepi64_pd(_mm512_srai_epi64(above, 52));
    return _mm512_castsi512_pd(
        _mm512_add_epi64(_mm512_and_si512(above, _mm512_set1_epi64(0xfffffffffffff)), least));
}

#endif
