/* convolution_avx512.c -- the kernels of convolution on vectors of 512 bits. */
#include "convolution_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define NRM_INLINE inline __attribute__((always_inline))

#define REAL float
#define VEC __m512
#define LANES 16
#define F(name) name##_f32
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define SET1 _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define TOTAL _mm512_reduce_add_ps
#include "convolution_vector.h"
const nrm_conv_kernels_f32 nrm_conv_avx512_f32 = {correlate_f32, gradient_f32};
#include "convolution_undefine.h"

#define REAL double
#define VEC __m512d
#define LANES 8
#define F(name) name##_f64
#define LOAD _mm512_loadu_pd
#define STORE _mm512_storeu_pd
#define SET1 _mm512_set1_pd
#define FMA _mm512_fmadd_pd
#define TOTAL _mm512_reduce_add_pd
#include "convolution_vector.h"
const nrm_conv_kernels_f64 nrm_conv_avx512_f64 = {correlate_f64, gradient_f64};
#endif
