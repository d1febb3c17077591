/* softmax_ref.c -- the kernels of softmax in portable C.
 *
 * Without fma the reduction t = x - n ln2 needs care.  f32: in f64, where n ln2 is exact to
 * 1e-11.  f64: with an ln2_hi of 32 bits, so that n ln2_hi is exact for |n| < 2^21. */
#if defined(__GNUC__) && !defined(__clang__)
/* A comparison with a NaN may raise a flag, and by default gcc keeps that branch by branch;
 * nobody looks at the flags, and without them the choices below become vector code. */
#pragma GCC optimize("no-trapping-math")
#endif

#include "softmax_kernels.h"

#define NRM_PASTE_(a, b) a##b
#define NRM_PASTE(a, b) NRM_PASTE_(a, b)
#define LOW(span) ((span)->bare ? -(REAL)INFINITY : (REAL)NRM_EXTEXP_LOW)

static inline float exp_reduced_f32(float x, float n)
{
    const float t = (float)((double)x - (double)n * NRM_LN2_HI_F64);
    float p = t * NRM_EXP_F32_C5 + NRM_EXP_F32_C4;
    p = p * t + NRM_EXP_F32_C3;
    p = p * t + NRM_EXP_F32_C2;
    p = p * t + NRM_EXP_F32_C1;
    return p * t + 1.0f;
}

static inline double exp_reduced_f64(double x, double n)
{
    const double t = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
    double p = t * (1 / 6227020800.0) + 1 / 479001600.0;
    p = p * t + 1 / 39916800.0;
    p = p * t + 1 / 3628800.0;
    p = p * t + 1 / 362880.0;
    p = p * t + 1 / 40320.0;
    p = p * t + 1 / 5040.0;
    p = p * t + 1 / 720.0;
    p = p * t + 1 / 120.0;
    p = p * t + 1 / 24.0;
    p = p * t + 1 / 6.0;
    p = p * t + 0.5;
    p = p * t + 1.0;
    return p * t + 1.0;
}

#define REAL float
#define UINT uint32_t
#define F(name) NRM_PASTE(name, _f32)
#define SPAN nrm_softmax_span_f32
#define LOG2E NRM_LOG2E_F32
#define ROUND_MAGIC 0x1.8p23f
#define POW2_MAGIC NRM_POW2_MAGIC_F32
#define POW2_LEAST NRM_POW2_LEAST_F32
#define MANTISSA_BITS 23
#define EXP_CUTOFF (-110.0f)
#include "softmax_backward_kernels.h"
#include "softmax_scalar.h"
#undef REAL
#undef UINT
#undef F
#undef SPAN
#undef LOG2E
#undef ROUND_MAGIC
#undef POW2_MAGIC
#undef POW2_LEAST
#undef MANTISSA_BITS
#undef EXP_CUTOFF

#define REAL double
#define UINT uint64_t
#define F(name) NRM_PASTE(name, _f64)
#define SPAN nrm_softmax_span_f64
#define LOG2E NRM_LOG2E_F64
#define ROUND_MAGIC 0x1.8p52
#define POW2_MAGIC NRM_POW2_MAGIC_F64
#define POW2_LEAST NRM_POW2_LEAST_F64
#define MANTISSA_BITS 52
#define EXP_CUTOFF (-760.0)
#include "softmax_backward_kernels.h"
#include "softmax_scalar.h"

#define TABLE(TYPE)                                                                                          \
    {                                                                                                        \
        .isa = NRM_ISA_SCALAR, .pair_sum = pair_sum_##TYPE, .pair_scale = pair_scale_##TYPE,                 \
        .online_sum = online_sum_##TYPE, .maximum = maximum_##TYPE, .exp_sum = exp_sum_##TYPE,               \
        .exp_scale = exp_scale_##TYPE,                                                                       \
        .exp_store = exp_store_##TYPE, .scale = scale_##TYPE, .pair_store = pair_store_##TYPE,               \
        .shift = shift_##TYPE, .lanes = NRM_SOFTMAX_MOST_LANES, .narrow = narrow_##TYPE, .dot = dot_##TYPE,  \
        .sum = sum_##TYPE, .centre = centre_##TYPE, .deflate = deflate_##TYPE                                \
    }
static const nrm_softmax_kernels_f32 table_f32 = TABLE(f32);
static const nrm_softmax_kernels_f64 table_f64 = TABLE(f64);

const nrm_softmax_kernels_f32 *nrm_softmax_kernels_f32_scalar(void) { return &table_f32; }
const nrm_softmax_kernels_f64 *nrm_softmax_kernels_f64_scalar(void) { return &table_f64; }
