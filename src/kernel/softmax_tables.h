/* softmax_tables.h -- both tables of one vector instruction set: the body for f32, then for
 * f64.  Included once by softmax_avx2.c and softmax_avx512.c. */
#define NRM_PASTE_(a, b) a##b
#define NRM_PASTE(a, b) NRM_PASTE_(a, b)

#define REAL float
#define VEC vf32
#define V(op) vf32_##op
#define F(name) NRM_PASTE(name, _f32)
#define SPAN nrm_softmax_span_f32
#define LANES VF32_LANES
#define LOG2E NRM_LOG2E_F32
#define EXP_CUTOFF (-110.0f) /* exp of it is below half the least denormal */
#include "softmax_backward_kernels.h"
#include "softmax_vector.h"
#undef REAL
#undef VEC
#undef V
#undef F
#undef SPAN
#undef LANES
#undef LOG2E
#undef EXP_CUTOFF

#define REAL double
#define VEC vf64
#define V(op) vf64_##op
#define F(name) NRM_PASTE(name, _f64)
#define SPAN nrm_softmax_span_f64
#define LANES VF64_LANES
#define LOG2E NRM_LOG2E_F64
#define EXP_CUTOFF (-760.0)
#include "softmax_backward_kernels.h"
#include "softmax_vector.h"

#define TABLE(TYPE, LANES_)                                                                                    \
    {                                                                                                          \
        .isa = ISA, .pair_sum = pair_sum_##TYPE, .pair_scale = pair_scale_##TYPE,                              \
        .online_sum = online_sum_##TYPE, .maximum = maximum_##TYPE,                                            \
        .exp_sum = exp_sum_##TYPE, .exp_scale = exp_scale_##TYPE, .exp_store = exp_store_##TYPE,               \
        .scale = scale_##TYPE, .pair_store = pair_store_##TYPE, .shift = shift_##TYPE,                         \
        .row_most = ROW_VECTORS * LANES_, .row = row_##TYPE, .lanes = LANES_, .narrow = narrow_##TYPE,         \
        .dot = dot_##TYPE, .sum = sum_##TYPE, .centre = centre_##TYPE, .deflate = deflate_##TYPE               \
    }
static const nrm_softmax_kernels_f32 table_f32 = TABLE(f32, VF32_LANES);
static const nrm_softmax_kernels_f64 table_f64 = TABLE(f64, VF64_LANES);
