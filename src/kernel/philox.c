/* philox.c -- one block after the other, and choice.  Contract: philox.h. */
#include "philox.h"
#include "base/random.h"

static void blocks(uint64_t seed, uint64_t stream, uint64_t first, int64_t count, uint64_t *low, uint64_t *high)
{
    nrm_rng rng = nrm_rng_make(seed, stream);
    rng.block = first;
    for (int64_t i = 0; i < count; i++) {
        low[i] = nrm_rng_u64(&rng);
        high[i] = nrm_rng_u64(&rng);
    }
}

const nrm_philox_kernels nrm_philox_scalar = {blocks};

const nrm_philox_kernels *nrm_philox_kernels_for(nrm_isa isa)
{
#if defined(__x86_64__)
    if (isa == NRM_ISA_AVX512) return &nrm_philox_avx512;
    if (isa == NRM_ISA_AVX2) return &nrm_philox_avx2;
#endif
    (void)isa;
    return &nrm_philox_scalar;
}
