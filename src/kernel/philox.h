/* philox.h -- many blocks of a random stream at once (base/random.h).  Private.
 *
 * All versions give the same bits, those of nrm_rng. */
#ifndef NRM_KERNEL_PHILOX_H
#define NRM_KERNEL_PHILOX_H

#include "kernel/cpu.h"

typedef struct nrm_philox_kernels {
    /* Blocks first .. first + count - 1 of stream (seed, stream): low has the first two words of
     * each, the first of them in its lower half; high the other two. */
    void (*blocks)(uint64_t seed, uint64_t stream, uint64_t first, int64_t count, uint64_t *low, uint64_t *high);
} nrm_philox_kernels;

extern const nrm_philox_kernels nrm_philox_scalar;
#if defined(__x86_64__)
extern const nrm_philox_kernels nrm_philox_avx2, nrm_philox_avx512;
#endif
const nrm_philox_kernels *nrm_philox_kernels_for(nrm_isa isa);

#endif
