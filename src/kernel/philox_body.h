/* philox_body.h -- Philox4x32-10 (base/random.c) on vectors: a block a lane of 64 bits, of whose
 * halves the products read the lower one; SETS vectors take turns, since a round is a chain.
 * Included once, after WIDE (the vector), OP(name) (its intrinsics), SPREAD, STEPS (0, 1, ... in
 * the lanes) and TABLE are defined. */

enum { LANES = (int)sizeof(WIDE) / 8, SETS = 2 };

static inline __attribute__((always_inline)) void rounds(uint64_t seed, WIDE c0[SETS], WIDE c1[SETS], WIDE c2[SETS], WIDE c3[SETS])
{
    const WIDE m0 = SPREAD(0xD2511F53), m1 = SPREAD(0xCD9E8D57);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);

    for (int round = 0; round < 10; round++) {
        const WIDE key0 = SPREAD(k0), key1 = SPREAD(k1);
        for (int s = 0; s < SETS; s++) {
            const WIDE p0 = OP(mul_epu32)(m0, c0[s]), p1 = OP(mul_epu32)(m1, c2[s]);
            c0[s] = XOR(XOR(OP(srli_epi64)(p1, 32), c1[s]), key0);
            c1[s] = p1;
            c2[s] = XOR(XOR(OP(srli_epi64)(p0, 32), c3[s]), key1);
            c3[s] = p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/* The lower halves of a and b side by side. */
static inline WIDE join(WIDE a, WIDE b)
{
    return OR(OP(srli_epi64)(OP(slli_epi64)(a, 32), 32), OP(slli_epi64)(b, 32));
}

/* SETS LANES blocks from `first` on. */
static inline __attribute__((always_inline)) void some(uint64_t seed, uint64_t stream, uint64_t first, uint64_t *low, uint64_t *high)
{
    WIDE c0[SETS], c1[SETS], c2[SETS], c3[SETS];
    for (int s = 0; s < SETS; s++) {
        c0[s] = OP(add_epi64)(SPREAD(first + (uint64_t)(s * LANES)), STEPS);
        c1[s] = OP(srli_epi64)(c0[s], 32);
        c2[s] = SPREAD(stream);
        c3[s] = SPREAD(stream >> 32);
    }
    rounds(seed, c0, c1, c2, c3);
    for (int s = 0; s < SETS; s++) {
        const WIDE of_low = join(c0[s], c1[s]), of_high = join(c2[s], c3[s]);
        memcpy(low + s * LANES, &of_low, sizeof of_low);
        memcpy(high + s * LANES, &of_high, sizeof of_high);
    }
}

static void blocks(uint64_t seed, uint64_t stream, uint64_t first, int64_t count, uint64_t *low, uint64_t *high)
{
    uint64_t last_low[SETS * LANES], last_high[SETS * LANES];
    int64_t i = 0;

    for (; i + SETS * LANES <= count; i += SETS * LANES) some(seed, stream, first + (uint64_t)i, low + i, high + i);
    if (i == count) return;
    some(seed, stream, first + (uint64_t)i, last_low, last_high);
    memcpy(low + i, last_low, (size_t)(count - i) * sizeof *low);
    memcpy(high + i, last_high, (size_t)(count - i) * sizeof *high);
}

const nrm_philox_kernels TABLE = {blocks};
