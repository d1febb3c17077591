/* extexp_polynomial.h -- ExtExp (extexp.h) on vectors of either instruction set.  Included
 * by extexp_avx2.h and extexp_avx512.h, which define the operations. */

/* exp(x) = m 2^n: returns m, sets n.  For |x| <= 2^17 (see NRM_EXTEXP_LOW). */
static inline vf32 vf32_extexp(vf32 x, vf32 *n)
{
    *n = vf32_round(vf32_mul(x, vf32_set1(NRM_LOG2E_F32)));
    vf32 t = vf32_fnma(*n, vf32_set1(NRM_LN2_HI_F32), x);
    t = vf32_fnma(*n, vf32_set1(NRM_LN2_LO_F32), t);
    vf32 p = vf32_fma(t, vf32_set1(NRM_EXP_F32_C5), vf32_set1(NRM_EXP_F32_C4));
    p = vf32_fma(p, t, vf32_set1(NRM_EXP_F32_C3));
    p = vf32_fma(p, t, vf32_set1(NRM_EXP_F32_C2));
    p = vf32_fma(p, t, vf32_set1(NRM_EXP_F32_C1));
    return vf32_fma(p, t, vf32_set1(1.0f));
}

/* The Taylor polynomial of degree 13, remainder 4e-18. */
static inline vf64 vf64_extexp(vf64 x, vf64 *n)
{
    *n = vf64_round(vf64_mul(x, vf64_set1(NRM_LOG2E_F64)));
    vf64 t = vf64_fnma(*n, vf64_set1(NRM_LN2_HI_F64), x);
    t = vf64_fnma(*n, vf64_set1(NRM_LN2_LO_F64), t);
    vf64 p = vf64_fma(t, vf64_set1(1 / 6227020800.0), vf64_set1(1 / 479001600.0));
    p = vf64_fma(p, t, vf64_set1(1 / 39916800.0));
    p = vf64_fma(p, t, vf64_set1(1 / 3628800.0));
    p = vf64_fma(p, t, vf64_set1(1 / 362880.0));
    p = vf64_fma(p, t, vf64_set1(1 / 40320.0));
    p = vf64_fma(p, t, vf64_set1(1 / 5040.0));
    p = vf64_fma(p, t, vf64_set1(1 / 720.0));
    p = vf64_fma(p, t, vf64_set1(1 / 120.0));
    p = vf64_fma(p, t, vf64_set1(1 / 24.0));
    p = vf64_fma(p, t, vf64_set1(1 / 6.0));
    p = vf64_fma(p, t, vf64_set1(0.5));
    p = vf64_fma(p, t, vf64_set1(1.0));
    return vf64_fma(p, t, vf64_set1(1.0));
}
