/* philox_avx2.c -- four lanes.  Contract: philox.h. */
#include "philox.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __m256i
#define OP(name) _mm256_##name
#define XOR _mm256_xor_si256
#define OR _mm256_or_si256
#define SPREAD(x) _mm256_set1_epi64x((int64_t)(x))
#define STEPS _mm256_setr_epi64x(0, 1, 2, 3)
#define TABLE nrm_philox_avx2
#include "philox_body.h"
#endif
