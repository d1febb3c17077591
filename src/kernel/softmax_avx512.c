/* softmax_avx512.c -- the kernels of softmax on vectors of 512 bits. */
#include "softmax_kernels.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)

#include "extexp_avx512.h"

#define NRM_INLINE inline __attribute__((always_inline))
enum { BARE, PLAIN, GENERAL }; /* how a span's elements are taken: softmax_vector.h */
#define ISA NRM_ISA_AVX512

#define SUM_VECTORS 8
#define SUM_ACCUMULATORS 2
#define MAP_VECTORS 4
#define FOLD_VECTORS 4
#define ROW_VECTORS 16
#define ROW_CASES                                                                                      \
    ROW_CASE(1); ROW_CASE(2); ROW_CASE(3); ROW_CASE(4); ROW_CASE(5); ROW_CASE(6); ROW_CASE(7);          \
    ROW_CASE(8); ROW_CASE(9); ROW_CASE(10); ROW_CASE(11); ROW_CASE(12); ROW_CASE(13); ROW_CASE(14);     \
    ROW_CASE(15); ROW_CASE(16);
#include "softmax_tables.h"

const nrm_softmax_kernels_f32 *nrm_softmax_kernels_f32_avx512(void) { return &table_f32; }
const nrm_softmax_kernels_f64 *nrm_softmax_kernels_f64_avx512(void) { return &table_f64; }

#else
const nrm_softmax_kernels_f32 *nrm_softmax_kernels_f32_avx512(void) { return NULL; }
const nrm_softmax_kernels_f64 *nrm_softmax_kernels_f64_avx512(void) { return NULL; }
#endif
