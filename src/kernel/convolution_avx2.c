/* convolution_avx2.c -- the kernels of convolution on vectors of 256 bits, with FMA. */
#include "convolution_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define NRM_INLINE inline __attribute__((always_inline))

static NRM_INLINE float total_f32(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static NRM_INLINE double total_f64(__m256d v)
{
    const __m128d s = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

#define REAL float
#define VEC __m256
#define LANES 8
#define F(name) name##_f32
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define SET1 _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define TOTAL total_f32
#include "convolution_vector.h"
const nrm_conv_kernels_f32 nrm_conv_avx2_f32 = {correlate_f32, gradient_f32};
#include "convolution_undefine.h"

#define REAL double
#define VEC __m256d
#define LANES 4
#define F(name) name##_f64
#define LOAD _mm256_loadu_pd
#define STORE _mm256_storeu_pd
#define SET1 _mm256_set1_pd
#define FMA _mm256_fmadd_pd
#define TOTAL total_f64
#include "convolution_vector.h"
const nrm_conv_kernels_f64 nrm_conv_avx2_f64 = {correlate_f64, gradient_f64};
#endif
