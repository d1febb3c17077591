/* hadamard.c -- the table for any machine, and choice.  Contract: hadamard.h. */
#include "hadamard.h"
#include <string.h>

#define BYTES 16
#define TABLE nrm_hadamard_scalar
#include "hadamard_body.h"

const nrm_hadamard_kernels *nrm_hadamard_kernels_for(nrm_isa isa)
{
#if defined(__x86_64__)
    if (isa == NRM_ISA_AVX512) return &nrm_hadamard_avx512;
    if (isa == NRM_ISA_AVX2) return &nrm_hadamard_avx2;
#endif
    (void)isa;
    return &nrm_hadamard_scalar;
}
