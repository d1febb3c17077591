/* matmul_twice.h -- the register blocks of matmul_micro.h for f32 and for f64, out of the vectors
 * included before and ROWS, BLOCKS. */

#define F(name) name##_f32
#define V(name) vf32_##name
#define VECTOR vf32
#define REAL float
#define LANES VF32_LANES
#include "matmul_micro.h"
#undef F
#undef V
#undef VECTOR
#undef REAL
#undef LANES
#define F(name) name##_f64
#define V(name) vf64_##name
#define VECTOR vf64
#define REAL double
#define LANES VF64_LANES
#include "matmul_micro.h"
