/* philox.h -- many blocks of a random stream at once (base/random.h).  Private.
 *
 * All versions give the same bits, those of nrm_rng. */
#ifndef NRM_KERNEL_PHILOX_H
#define NRM_KERNEL_PHILOX_H

#include "kernel/cpu.h"
#include <string.h>

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

/* The 52 upper bits of a word as a number in [1, 2). */
static inline double nrm_one_to_two(uint64_t word)
{
    const uint64_t image = word >> 12 | UINT64_C(0x3ff) << 52;
    double x;
    memcpy(&x, &image, sizeof x);
    return x;
}

/* Box and Muller: of uniform numbers u in (0, 1] and angles, sqrt(-2 ln u) times their cosines, into
 * cosine, and times their sines, in place; u is used up. */
void nrm_box_muller(int64_t pairs, double *u, double *angle, double *cosine);

#endif
