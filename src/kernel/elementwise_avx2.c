/* elementwise_avx2.c -- the loops of elementwise.h on vectors of 256 bits, with FMA. */
#if defined(__GNUC__) && !defined(__clang__)
/* The vectors of a turn mingled, not one after the other: a fifth of the time. */
#pragma GCC optimize("schedule-insns", "sched-pressure")
#endif
#include "elementwise.h"

#if defined(__AVX2__) && defined(__FMA__)

#include "vector_math_avx2.h"

enum { UNROLL = 4 };
#define ISA NRM_ISA_AVX2
#include "elementwise_tables.h"

const nrm_elementwise_f32 *nrm_elementwise_f32_avx2(void) { return &table_f32; }
const nrm_elementwise_f64 *nrm_elementwise_f64_avx2(void) { return &table_f64; }

#else
const nrm_elementwise_f32 *nrm_elementwise_f32_avx2(void) { return NULL; }
const nrm_elementwise_f64 *nrm_elementwise_f64_avx2(void) { return NULL; }
#endif
