/* hadamard_avx2.c -- the table built for AVX2.  Contract: hadamard.h. */
#include "hadamard.h"
#include <string.h>

#if defined(__x86_64__)
#define BYTES 32
#define TABLE nrm_hadamard_avx2
#include "hadamard_body.h"
#endif
