/* cpu.h -- which instruction set the kernels run on, and the sizes of the caches. */
#ifndef NRM_CPU_H
#define NRM_CPU_H

#include <stdint.h>

typedef enum nrm_isa { NRM_ISA_SCALAR, NRM_ISA_AVX2, NRM_ISA_AVX512, NRM_ISA_COUNT } nrm_isa;

nrm_isa nrm_cpu_isa(void); /* the best this machine has (AVX2 means with FMA) */
const char *nrm_isa_name(nrm_isa isa);

typedef struct nrm_cache_sizes { int64_t l1, l2, l3; } nrm_cache_sizes; /* data bytes seen by one core */
nrm_cache_sizes nrm_cpu_caches(void); /* as the system says; 32 KiB, 1 MiB, 32 MiB where it does not */

#endif
