/* elementwise_ref.c -- the scalar loops, and the choice of a table.  Contract: elementwise.h. */
#include "elementwise.h"
#include <math.h>

#define NRM_PASTE_(a, b) a##b
#define NRM_PASTE(a, b) NRM_PASTE_(a, b)
#define ISA NRM_ISA_SCALAR

#define REAL float
#define F(name) NRM_PASTE(name, _f32)
#define LIBM(name) name##f
#define LOW (-104.0f)
#include "elementwise_scalar.h"
#undef REAL
#undef F
#undef LIBM
#undef LOW

#define REAL double
#define F(name) NRM_PASTE(name, _f64)
#define LIBM(name) name
#define LOW (-746.0)
#include "elementwise_scalar.h"

#define CHOICE(TYPE)                                                                  \
    const nrm_elementwise_##TYPE *nrm_elementwise_##TYPE##_for(nrm_isa isa)           \
    {                                                                                 \
        const nrm_elementwise_##TYPE *table = NULL;                                   \
        if (isa >= NRM_ISA_AVX512) table = nrm_elementwise_##TYPE##_avx512();         \
        if (!table && isa >= NRM_ISA_AVX2) table = nrm_elementwise_##TYPE##_avx2();   \
        return table ? table : &table_##TYPE;                                         \
    }
CHOICE(f32)
CHOICE(f64)
