/* matmul_avx2.c -- 6 x 2 vectors of 256 bits: 12 sums, 2 of b and 1 of a in 16 registers. */
#include "matmul.h"
#include <string.h>

#if defined(__AVX2__) && defined(__FMA__)

#include "extexp_avx2.h"
#include "matmul_pack.h"

#define ROWS 6
#define BLOCKS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#include "matmul_twice.h"

const nrm_matmul_kernel_f32 *nrm_matmul_kernel_f32_avx2(void) { return &kernel_f32; }
const nrm_matmul_kernel_f64 *nrm_matmul_kernel_f64_avx2(void) { return &kernel_f64; }

#else
const nrm_matmul_kernel_f32 *nrm_matmul_kernel_f32_avx2(void) { return NULL; }
const nrm_matmul_kernel_f64 *nrm_matmul_kernel_f64_avx2(void) { return NULL; }
#endif
