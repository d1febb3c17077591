/* optimizer_kernels.c -- the tables for any machine, and choice.  Contract: optimizer_kernels.h. */
#include "optimizer_kernels.h"
#include <math.h>
#include <string.h>

#define REAL float
#define F(name) name##_f32
#define ROOT sqrtf
#define TABLE nrm_optimizer_kernels_f32 nrm_optimizer_f32_scalar
#include "optimizer_kernels_body.h"
#undef REAL
#undef F
#undef ROOT
#undef TABLE

#define REAL double
#define F(name) name##_f64
#define ROOT sqrt
#define TABLE nrm_optimizer_kernels_f64 nrm_optimizer_f64_scalar
#include "optimizer_kernels_body.h"

#if defined(__x86_64__)
#define CHOOSE(isa, TYPE)                                                \
    ((isa) == NRM_ISA_AVX512 ? &nrm_optimizer_##TYPE##_avx512            \
     : (isa) == NRM_ISA_AVX2 ? &nrm_optimizer_##TYPE##_avx2 : &nrm_optimizer_##TYPE##_scalar)
#else
#define CHOOSE(isa, TYPE) ((void)(isa), &nrm_optimizer_##TYPE##_scalar)
#endif

const nrm_optimizer_kernels_f32 *nrm_optimizer_kernels_f32_for(nrm_isa isa) { return CHOOSE(isa, f32); }
const nrm_optimizer_kernels_f64 *nrm_optimizer_kernels_f64_for(nrm_isa isa) { return CHOOSE(isa, f64); }
