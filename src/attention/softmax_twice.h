/* softmax_twice.h -- includes the file NRM_BODY for f32 and then for f64, with REAL, its
 * log2 e and rint, T(name) = name_f32 and T2(name, suffix).  No include guard on purpose. */

#define T2(name, suffix) NRM_PASTE(T(name), suffix)

#define REAL float
#define REAL_LOG2E NRM_LOG2E_F32
#define REAL_RINT rintf
#define T(name) NRM_PASTE(name, _f32)
#include NRM_BODY
#undef REAL
#undef REAL_LOG2E
#undef REAL_RINT
#undef T
#undef SPAN
#undef KERNELS

#define REAL double
#define REAL_LOG2E NRM_LOG2E_F64
#define REAL_RINT rint
#define T(name) NRM_PASTE(name, _f64)
#include NRM_BODY
#undef REAL
#undef REAL_LOG2E
#undef REAL_RINT
#undef T
#undef SPAN
#undef KERNELS

#undef T2
#undef NRM_BODY
