/* convolution_scalar.c -- the kernels of convolution one number at a time (a lane of 1, and a
 * product that rounds before the sum), and the choice of kernels. */
#include "convolution_kernels.h"

#define NRM_INLINE inline __attribute__((always_inline))
#define LANES 1
#define LOAD(p) (*(p))
#define STORE(p, v) (*(p) = (v))
#define SET1(v) (v)
#define FMA(a, b, c) ((a) * (b) + (c))
#define TOTAL(v) (v)

#define REAL float
#define VEC float
#define F(name) name##_f32
#include "convolution_vector.h"
const nrm_conv_kernels_f32 nrm_conv_scalar_f32 = {correlate_f32, gradient_f32};
#undef REAL
#undef VEC
#undef F

#define REAL double
#define VEC double
#define F(name) name##_f64
#include "convolution_vector.h"
const nrm_conv_kernels_f64 nrm_conv_scalar_f64 = {correlate_f64, gradient_f64};

const nrm_conv_kernels_f32 *nrm_conv_kernels_for_f32(nrm_isa isa)
{
#if defined(__x86_64__)
    if (isa == NRM_ISA_AVX512) return &nrm_conv_avx512_f32;
    if (isa == NRM_ISA_AVX2) return &nrm_conv_avx2_f32;
#endif
    (void)isa;
    return &nrm_conv_scalar_f32;
}

const nrm_conv_kernels_f64 *nrm_conv_kernels_for_f64(nrm_isa isa)
{
#if defined(__x86_64__)
    if (isa == NRM_ISA_AVX512) return &nrm_conv_avx512_f64;
    if (isa == NRM_ISA_AVX2) return &nrm_conv_avx2_f64;
#endif
    (void)isa;
    return &nrm_conv_scalar_f64;
}
