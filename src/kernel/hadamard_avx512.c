/* hadamard_avx512.c -- the table built for AVX-512.  Contract: hadamard.h. */
#include "hadamard.h"
#include <string.h>

#if defined(__x86_64__)
#define BYTES 64
#define TABLE nrm_hadamard_avx512
#include "hadamard_body.h"
#endif
