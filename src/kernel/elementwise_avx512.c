/* elementwise_avx512.c -- the loops of elementwise.h on vectors of 512 bits. */
#if defined(__GNUC__) && !defined(__clang__)
/* The vectors of a turn mingled, not one after the other: a fifth of the time. */
#pragma GCC optimize("schedule-insns", "sched-pressure")
#endif
#include "elementwise.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)

#include "vector_math_avx512.h"

enum { UNROLL = 4 };
#define ISA NRM_ISA_AVX512
#include "elementwise_tables.h"

const nrm_elementwise_f32 *nrm_elementwise_f32_avx512(void) { return &table_f32; }
const nrm_elementwise_f64 *nrm_elementwise_f64_avx512(void) { return &table_f64; }

#else
const nrm_elementwise_f32 *nrm_elementwise_f32_avx512(void) { return NULL; }
const nrm_elementwise_f64 *nrm_elementwise_f64_avx512(void) { return NULL; }
#endif
