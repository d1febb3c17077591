/* random.h -- counter-based random streams: Philox4x32-10.
 *
 * Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 * A stream is (seed, stream number); its i-th block of four 32-bit words is a pure
 * function of (seed, stream, i), so work can be split over threads in any way without
 * changing a bit.  Give every independent use its own stream number. */
#ifndef NRM_RANDOM_H
#define NRM_RANDOM_H

#include "base.h"

void nrm_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

typedef struct nrm_rng {
    uint64_t seed, stream, block; /* block: number of the next block */
    uint32_t word[4];
    int left; /* words of the current block not used yet */
} nrm_rng;

nrm_rng nrm_rng_make(uint64_t seed, uint64_t stream);
uint32_t nrm_rng_u32(nrm_rng *rng);
uint64_t nrm_rng_u64(nrm_rng *rng);
double nrm_rng_uniform(nrm_rng *rng);              /* [0, 1), 53 bits */
double nrm_rng_normal(nrm_rng *rng);               /* N(0, 1), Box-Muller, one pair of words a value */
int64_t nrm_rng_below(nrm_rng *rng, int64_t n);    /* 0 .. n-1 without bias, n >= 1 */
void nrm_rng_normals(nrm_rng *rng, double *x, int64_t n);
void nrm_rng_uniforms(nrm_rng *rng, double *x, int64_t n);
void nrm_rng_permutation(nrm_rng *rng, int64_t *p, int64_t n); /* Fisher-Yates of 0 .. n-1 */
/* k different numbers out of 0 .. n-1 in random order (k <= n), O(k) memory beyond out
 * when k is small: Floyd's algorithm, then a shuffle. */
nrm_status nrm_rng_choice(nrm_ctx *ctx, nrm_rng *rng, int64_t *out, int64_t k, int64_t n);

#endif
