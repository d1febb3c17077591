/* philox_avx512.c -- eight lanes.  Contract: philox.h. */
#include "philox.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __m512i
#define OP(name) _mm512_##name
#define XOR _mm512_xor_si512
#define OR _mm512_or_si512
#define SPREAD(x) _mm512_set1_epi64((int64_t)(x))
#define STEPS _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7)
#define TABLE nrm_philox_avx512
#include "philox_body.h"
#endif
