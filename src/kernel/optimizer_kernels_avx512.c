/* optimizer_kernels_avx512.c -- the tables built for AVX-512.  Contract: optimizer_kernels.h. */
#include "optimizer_kernels.h"
#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#define REAL float
#define F(name) name##_f32
#define ROOT sqrtf
#define TABLE nrm_optimizer_kernels_f32 nrm_optimizer_f32_avx512
#include "optimizer_kernels_body.h"
#undef REAL
#undef F
#undef ROOT
#undef TABLE

#define REAL double
#define F(name) name##_f64
#define ROOT sqrt
#define TABLE nrm_optimizer_kernels_f64 nrm_optimizer_f64_avx512
#include "optimizer_kernels_body.h"
#endif
