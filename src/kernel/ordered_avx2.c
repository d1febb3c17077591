/* ordered_avx2.c -- four numbers a vector, fused multiply-add.  Contract: ordered.h. */
#include "ordered.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define NRM_LANES 4
#define NRM_ORDERED_TABLE nrm_ordered_avx2
typedef __m256d vector;
static inline vector load(const double *x) { return _mm256_loadu_pd(x); }
static inline void store(double *x, vector v) { _mm256_storeu_pd(x, v); }
static inline vector spread(double x) { return _mm256_set1_pd(x); }
static inline vector multiply_add(vector a, vector b, vector c) { return _mm256_fmadd_pd(a, b, c); }
static inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
#include "ordered.inc"
#endif
