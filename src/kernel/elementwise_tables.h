/* elementwise_tables.h -- both tables of one vector instruction set: the body for f32, then
 * for f64, with the constants of each.  Included once by elementwise_avx2.c and
 * elementwise_avx512.c. */
#include "vector_coefficients.h"

#define NRM_PASTE_(a, b) a##b
#define NRM_PASTE(a, b) NRM_PASTE_(a, b)
#define NRM_INLINE inline __attribute__((always_inline))

#define REAL float
#define VEC vf32
#define V(op) vf32_##op
#define F(name) NRM_PASTE(name, _f32)
#define C(name) NRM_##name##_F32
#define LIBM(name) name##f
#define LANES VF32_LANES
#define ALL_LANES ((1u << VF32_LANES) - 1)
#define LEAST FLT_MIN
#define DENORMAL_FACTOR 0x1p25f
#define DENORMAL_SHIFT 25.0f
#define EXP_LOW (-104.0f) /* exp is 0 from here */
#define EXP_HIGH 89.0f    /* and infinite */
#define EXP_WIDE 130.0f   /* exp_times reaches so far */
#define EXPM1_LOW (-18.0f)
#define TANH_HIGH 9.2f
#define TAIL_K 2.5f
#define TAIL_HIGH 14.5f
#define TWO_THIRDS 0x1.555556p-1f
#define TWO_THIRDS_LOW (-0x1.555556p-26f)
#define LN2_SHORT 0x1.62e4p-1f /* 15 bits, times an exponent exact */
#define LN2_SHORT_REST 0x1.7f7d1cp-20f
#define ROUND_MAGIC 0x1.8p23f
#define HALF_PI_1 0x1.921fb4p+0f /* all three > 0: then n = 0 leaves -0 as it is */
#define HALF_PI_2 0x1.4442d0p-24f
#define HALF_PI_3 0x1.846988p-48f
#define TURN_HIGH 1e5f
#include "elementwise_vector.h"
#undef REAL
#undef VEC
#undef V
#undef F
#undef C
#undef LIBM
#undef LANES
#undef ALL_LANES
#undef LEAST
#undef DENORMAL_FACTOR
#undef DENORMAL_SHIFT
#undef EXP_LOW
#undef EXP_HIGH
#undef EXP_WIDE
#undef EXPM1_LOW
#undef TANH_HIGH
#undef TAIL_K
#undef TAIL_HIGH
#undef TWO_THIRDS
#undef TWO_THIRDS_LOW
#undef LN2_SHORT
#undef LN2_SHORT_REST
#undef ROUND_MAGIC
#undef HALF_PI_1
#undef HALF_PI_2
#undef HALF_PI_3
#undef TURN_HIGH

#define REAL double
#define VEC vf64
#define V(op) vf64_##op
#define F(name) NRM_PASTE(name, _f64)
#define C(name) NRM_##name##_F64
#define LIBM(name) name
#define LANES VF64_LANES
#define ALL_LANES ((1u << VF64_LANES) - 1)
#define LEAST DBL_MIN
#define DENORMAL_FACTOR 0x1p54
#define DENORMAL_SHIFT 54.0
#define EXP_LOW (-746.0)
#define EXP_HIGH 710.0
#define EXP_WIDE 1000.0
#define EXPM1_LOW (-38.0)
#define TANH_HIGH 19.2
#define TAIL_K 4.0
#define TAIL_HIGH 39.0
#define TWO_THIRDS 0x1.5555555555555p-1
#define TWO_THIRDS_LOW 0x1.5555555555555p-55
#define LN2_SHORT 0x1.62e42fefap-1 /* 36 bits */
#define LN2_SHORT_REST 0x1.cf79abc9e3b3ap-40
#define ROUND_MAGIC 0x1.8p52
#define HALF_PI_1 0x1.921fb54442d18p+0
#define HALF_PI_2 0x1.1a62633145c06p-54
#define HALF_PI_3 0x1.c1cd129024e08p-107
#define TURN_HIGH 0x1p30
#include "elementwise_vector.h"
