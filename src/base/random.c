/* random.c -- Philox4x32-10 and what is drawn from it.  Contract: random.h.
 *
 * A round maps (c0,c1,c2,c3), key (k0,k1) to
 *     (hi(M1 c2) ^ c1 ^ k0,  lo(M1 c2),  hi(M0 c0) ^ c3 ^ k1,  lo(M0 c0))
 * and bumps the key by the Weyl constants W0, W1; ten rounds. */
#include "random.h"

void nrm_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    const uint64_t M0 = 0xD2511F53u, M1 = 0xCD9E8D57u;
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = M0 * c0, p1 = M1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0; out[1] = c1; out[2] = c2; out[3] = c3;
}

nrm_rng nrm_rng_make(uint64_t seed, uint64_t stream)
{
    return (nrm_rng){.seed = seed, .stream = stream};
}

uint32_t nrm_rng_u32(nrm_rng *rng)
{
    if (rng->left == 0) {
        const uint32_t counter[4] = {(uint32_t)rng->block, (uint32_t)(rng->block >> 32),
                                     (uint32_t)rng->stream, (uint32_t)(rng->stream >> 32)};
        const uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)};
        nrm_philox4x32(counter, key, rng->word);
        rng->block++;
        rng->left = 4;
    }
    return rng->word[4 - rng->left--];
}

uint64_t nrm_rng_u64(nrm_rng *rng)
{
    const uint64_t low = nrm_rng_u32(rng);
    return low | (uint64_t)nrm_rng_u32(rng) << 32;
}

double nrm_rng_uniform(nrm_rng *rng) { return (double)(nrm_rng_u64(rng) >> 11) * 0x1p-53; }

/* One value from two uniforms, the sine twin thrown away: no state between calls, so
 * the i-th normal of a stream is a function of i alone. */
double nrm_rng_normal(nrm_rng *rng)
{
    const double u = 1 - nrm_rng_uniform(rng), v = nrm_rng_uniform(rng); /* u in (0, 1] */
    return sqrt(-2 * log(u)) * cos(6.283185307179586476925 * v);
}

__extension__ typedef unsigned __int128 u128;

/* Lemire's multiply-shift with rejection (2019); the division only where it may matter. */
int64_t nrm_rng_below(nrm_rng *rng, int64_t n)
{
    const uint64_t range = (uint64_t)n;
    for (;;) {
        const u128 product = (u128)nrm_rng_u64(rng) * range;
        const uint64_t rest = (uint64_t)product;
        if (rest >= range || rest >= (0 - range) % range) return (int64_t)(product >> 64);
    }
}

void nrm_rng_normals(nrm_rng *rng, double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = nrm_rng_normal(rng);
}

void nrm_rng_uniforms(nrm_rng *rng, double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = nrm_rng_uniform(rng);
}

static void shuffle(nrm_rng *rng, int64_t *p, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = nrm_rng_below(rng, i + 1), kept = p[i];
        p[i] = p[j];
        p[j] = kept;
    }
}

void nrm_rng_permutation(nrm_rng *rng, int64_t *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) p[i] = i;
    shuffle(rng, p, n);
}

/* Floyd: for j = n-k .. n-1 draw t in 0..j; take t, or j if t is taken already.  The
 * set is an open-addressed hash table of at least 2k places. */
nrm_status nrm_rng_choice(nrm_ctx *ctx, nrm_rng *rng, int64_t *out, int64_t k, int64_t n)
{
    NRM_REQUIRE(ctx, k >= 0 && k <= n, NRM_E_RANGE, "choice: %lld different numbers out of %lld",
                NRM_LL(k), NRM_LL(n));
    int64_t places = 4, *table;
    while (places < 2 * k) places *= 2;
    NRM_TRY(NRM_ALLOC(ctx, table, places, "choice"));
    for (int64_t i = 0; i < places; i++) table[i] = -1;

    for (int64_t i = 0, j = n - k; j < n; j++, i++) {
        int64_t value = nrm_rng_below(rng, j + 1);
        for (int again = 0; again < 2; again++) {
            uint64_t place = ((uint64_t)value * 0x9E3779B97F4A7C15u) & (uint64_t)(places - 1);
            while (table[place] >= 0 && table[place] != value) place = (place + 1) & (uint64_t)(places - 1);
            if (table[place] < 0) { table[place] = value; break; }
            value = j; /* taken: j itself is new, no earlier draw could reach it */
        }
        out[i] = value;
    }
    shuffle(rng, out, k);
    nrm_free(ctx, table);
    return NRM_OK;
}
