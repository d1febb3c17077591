/* matmul_avx512.c -- 14 x 2 vectors of 512 bits: 28 sums, 2 of b and 1 of a in 32 registers. */
#include "matmul.h"
#include <string.h>

#if defined(__AVX512F__)

#include "extexp_avx512.h"
#include "matmul_pack.h"

#define ROWS 14
#define BLOCKS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#include "matmul_twice.h"

const nrm_matmul_kernel_f32 *nrm_matmul_kernel_f32_avx512(void) { return &kernel_f32; }
const nrm_matmul_kernel_f64 *nrm_matmul_kernel_f64_avx512(void) { return &kernel_f64; }

#else
const nrm_matmul_kernel_f32 *nrm_matmul_kernel_f32_avx512(void) { return NULL; }
const nrm_matmul_kernel_f64 *nrm_matmul_kernel_f64_avx512(void) { return NULL; }
#endif
