/* softmax_avx2.c -- the kernels of softmax on vectors of 256 bits, with FMA. */
#include "softmax_kernels.h"

#if defined(__AVX2__) && defined(__FMA__)

#include "extexp_avx2.h"

#define NRM_INLINE inline __attribute__((always_inline))
enum { BARE, PLAIN, GENERAL }; /* how a span's elements are taken: softmax_vector.h */
#define ISA NRM_ISA_AVX2

#define SUM_VECTORS 8
#define SUM_ACCUMULATORS 2
#define MAP_VECTORS 4
#define FOLD_VECTORS 4
#define ROW_VECTORS 8
#define ROW_CASES                                                                              \
    ROW_CASE(1); ROW_CASE(2); ROW_CASE(3); ROW_CASE(4); ROW_CASE(5); ROW_CASE(6); ROW_CASE(7); \
    ROW_CASE(8);
#include "softmax_tables.h"

const nrm_softmax_kernels_f32 *nrm_softmax_kernels_f32_avx2(void) { return &table_f32; }
const nrm_softmax_kernels_f64 *nrm_softmax_kernels_f64_avx2(void) { return &table_f64; }

#else
const nrm_softmax_kernels_f32 *nrm_softmax_kernels_f32_avx2(void) { return NULL; }
const nrm_softmax_kernels_f64 *nrm_softmax_kernels_f64_avx2(void) { return NULL; }
#endif
