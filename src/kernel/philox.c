/* philox.c -- one block after the other, and choice.  Contract: philox.h. */
#include "philox.h"
#include "base/random.h"
#include "elementwise.h"

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

void nrm_box_muller(int64_t pairs, double *u, double *angle, double *cosine)
{
    const nrm_elementwise_f64 *of = nrm_elementwise_f64_for(nrm_cpu_isa());

    of->unary[NRM_UNARY_log](pairs, u, u);
    for (int64_t p = 0; p < pairs; p++) u[p] *= -2;
    of->unary[NRM_UNARY_sqrt](pairs, u, u);
    of->unary[NRM_UNARY_cos](pairs, angle, cosine);
    of->unary[NRM_UNARY_sin](pairs, angle, angle);
    for (int64_t p = 0; p < pairs; p++) {
        cosine[p] *= u[p];
        angle[p] *= u[p];
    }
}
