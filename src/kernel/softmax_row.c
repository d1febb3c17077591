/* softmax_row.c -- the typed rows of softmax, for f32 and f64.  Contract: softmax_row.h. */
#include "softmax_row.h"

#define NRM_PASTE_(a, b) a##b
#define NRM_PASTE(a, b) NRM_PASTE_(a, b)

#define REAL float
#define REAL_LOG2E NRM_LOG2E_F32
#define REAL_RINT rintf
#define T(name) NRM_PASTE(name, _f32)
#include "softmax_row_typed.h"
#undef REAL
#undef REAL_LOG2E
#undef REAL_RINT
#undef T

#define REAL double
#define REAL_LOG2E NRM_LOG2E_F64
#define REAL_RINT rint
#define T(name) NRM_PASTE(name, _f64)
#include "softmax_row_typed.h"
