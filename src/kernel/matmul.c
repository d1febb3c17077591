/* matmul.c -- the loops of matmul.h. */
#include "matmul.h"
#include <omp.h>
#include <string.h>

enum { BLOCK_ROWS = 168 }; /* of a packed for one thread: a multiple of every register block's rows (4, 6, 14) */

#define F(name) name##_f32
#define F2(name, isa) name##_f32_##isa
#define REAL float
#include "matmul_typed.h"
#undef F
#undef F2
#undef REAL
#define F(name) name##_f64
#define F2(name, isa) name##_f64_##isa
#define REAL double
#include "matmul_typed.h"
