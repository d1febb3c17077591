/* extexp.h -- exponentials that cannot overflow: the pair (mantissa, exponent).
 *
 * A number v >= 0 is kept as m * 2^n with n an integer stored in floating point, so n is
 * not bound by the exponent range of the type.  Zero is (0, -inf).
 *
 *     ExtExp(x):  n = rint(x log2 e)
 *                 t = x - n ln2_hi - n ln2_lo            |t| <= ln2 / 2 (Cody-Waite)
 *                 m = c0 + t (c1 + t (c2 + ...))         sqrt(1/2) <= m <= sqrt(2)
 *     add:        e = max(n1, n2),  m = m1 2^(n1-e) + m2 2^(n2-e)
 *
 * Dukhan and Ablavatski, "The Two-Pass Softmax Algorithm", 2020, section 4.  Both factors
 * of an addition are powers of two <= 1, so the rescaling rounds nothing.
 *
 * Departure from the paper: x is raised to at least NRM_EXTEXP_LOW.  Without that, x = -inf
 * and x = -FLT_MAX (the usual masks) make t a NaN.  A raised entry weighs 2^-189097 and is
 * exactly zero beside any sum whose exponent exceeds -188000 (NRM_EXTEXP_SANE); results
 * outside |exponent| < 188000 must be recomputed with an explicit maximum.
 *
 * The vector forms are in extexp_avx2.h and extexp_avx512.h. */
#ifndef NRM_EXTEXP_H
#define NRM_EXTEXP_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NRM_EXTEXP_LOW (-131072.0) /* -2^17; 2^17 log2 e = 189097 */
#define NRM_EXTEXP_SANE 188000.0

#define NRM_LOG2E_F32 0x1.715476p+0f
#define NRM_LN2_HI_F32 0x1.62E43p-1f /* ln2 = hi + lo to 1.1e-16; for use with fma */
#define NRM_LN2_LO_F32 (-0x1.05C61p-29f)
/* Degree-5 minimax of exp on [-ln2/2, ln2/2]: 9.2e-8 exactly, 1.6e-7 evaluated in f32. */
#define NRM_EXP_F32_C1 0x1.FFFFF6p-1f
#define NRM_EXP_F32_C2 0x1.FFFDC6p-2f
#define NRM_EXP_F32_C3 0x1.555A80p-3f
#define NRM_EXP_F32_C4 0x1.573A1Ap-5f
#define NRM_EXP_F32_C5 0x1.0F9F9Cp-7f

#define NRM_LOG2E_F64 0x1.71547652b82fep+0
#define NRM_LN2_HI_F64 0x1.62e42fefa39efp-1
#define NRM_LN2_LO_F64 0x1.abc9e3b39803fp-56

/* 1.5 * 2^p + bias: d + magic has d + bias in its low bits, which a shift moves into the
 * exponent field.  d = -bias gives 0.  For -bias <= d <= 0. */
#define NRM_POW2_MAGIC_F32 0x1.8000FEp23f
#define NRM_POW2_MAGIC_F64 0x1.80000000003ffp52
#define NRM_POW2_LEAST_F32 (-127.0f)
#define NRM_POW2_LEAST_F64 (-1023.0)

typedef struct nrm_extexp { double mantissa, exponent; } nrm_extexp;

static inline nrm_extexp nrm_extexp_zero(void) { return (nrm_extexp){0, -INFINITY}; }

/* 2^d for integer-valued d <= 0; 0 below 2^-1022; NaN for NaN. */
static inline double nrm_pow2_f64(double d)
{
    if (!(d >= -1022)) return d != d ? d : 0;
    const uint64_t bits = (uint64_t)(int64_t)(d + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The sum of two pairs; the order of the two does not matter to a bit. */
static inline nrm_extexp nrm_extexp_add(nrm_extexp a, nrm_extexp b)
{
    const double e = a.exponent > b.exponent ? a.exponent : b.exponent;
    if (e == -INFINITY) return (nrm_extexp){a.mantissa + b.mantissa, e};
    return (nrm_extexp){a.mantissa * nrm_pow2_f64(a.exponent - e) + b.mantissa * nrm_pow2_f64(b.exponent - e), e};
}

/* True where the pair is exact as it stands: no NaN, no infinity, not only raised entries. */
static inline bool nrm_extexp_sane(nrm_extexp v)
{
    return v.mantissa > 0 && v.mantissa < INFINITY && v.exponent > -NRM_EXTEXP_SANE && v.exponent < NRM_EXTEXP_SANE;
}

/* log(m 2^e) = *hi + *lo, |lo| <= half an ulp of hi; e * ln2_hi is not exact, the fma says by how much. */
static inline void nrm_extexp_log(nrm_extexp v, double *hi, double *lo)
{
    const double product = v.exponent * NRM_LN2_HI_F64;
    const double rest = fma(v.exponent, NRM_LN2_HI_F64, -product) + v.exponent * NRM_LN2_LO_F64;
    const double mantissa = log(v.mantissa);
    const double sum = product + mantissa, back = sum - product;
    const double error = (product - (sum - back)) + (mantissa - back);
    *hi = sum + (error + rest);
    *lo = (sum - *hi) + (error + rest);
}

#endif
