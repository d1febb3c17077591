/* ordered_avx512.c -- eight numbers a vector, fused multiply-add.  Contract: ordered.h. */
#include "ordered.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define NRM_LANES 8
#define NRM_ORDERED_TABLE nrm_ordered_avx512
typedef __m512d vector;
static inline vector load(const double *x) { return _mm512_loadu_pd(x); }
static inline void store(double *x, vector v) { _mm512_storeu_pd(x, v); }
static inline vector spread(double x) { return _mm512_set1_pd(x); }
static inline vector multiply_add(vector a, vector b, vector c) { return _mm512_fmadd_pd(a, b, c); }
static inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
#include "ordered.inc"
#endif
