/* discrete.c -- contract: discrete.h.
 *
 * exp(-g) for 0 <= g <= 1 is the chance that the first failure in a row of coins with
 * chances g/1, g/2, g/3, ... comes at an odd place:
 *     P(K > k) = g^k / k!,   P(K odd) = 1 - g + g^2/2! - ... = exp(-g);
 * for larger g it is that of exp(-1) so often as g holds it, and of the rest.  A coin g/k is a
 * uniform integer below g's numerator and another out of 1 .. k that is 1.
 *
 * Discrete Laplace of scale t: |X| = U + t V, U uniform on 0 .. t-1 kept with chance
 * exp(-U/t), V the number of successes of exp(-1).  Discrete Gaussian of scale s = t: X kept
 * with chance exp(-(|X| - s)^2 / (2 s^2)); some three in four are. */
#include "discrete.h"

/* True with chance g / 2^bits, g < 2^bits; a uniform integer is drawn as far as it must be. */
static bool below(nrm_secret *secret, nrm_u128 g, int bits)
{
    const int high = bits > 64 ? 64 : bits, low = bits - high;
    if (g == 0) return false;
    const uint64_t drawn = nrm_secret_u64(secret) >> (64 - high), top = (uint64_t)(g >> low);
    if (low == 0 || drawn != top) return drawn < top;
    return nrm_secret_u64(secret) >> (64 - low) < ((uint64_t)g & (UINT64_MAX >> (64 - low)));
}

/* Uniform on 0 .. n-1, n >= 1: multiply and shift, rejecting what would make some likelier. */
static uint64_t uniform(nrm_secret *secret, uint64_t n)
{
    const uint64_t unfair = (0 - n) % n;
    for (;;) {
        const nrm_u128 product = (nrm_u128)nrm_secret_u64(secret) * n;
        if ((uint64_t)product >= unfair) return (uint64_t)(product >> 64);
    }
}

/* exp(-g / 2^bits), g <= 2^bits. */
static bool exp_small(nrm_secret *secret, nrm_u128 g, int bits)
{
    const bool one = g >> bits != 0;
    uint64_t k = 1;
    while ((k == 1 || uniform(secret, k) == 0) && (one || below(secret, g, bits))) k++;
    return k % 2 == 1;
}

bool nrm_bernoulli_exp(nrm_secret *secret, nrm_u128 numerator, int bits)
{
    const nrm_u128 one = (nrm_u128)1 << bits;
    for (nrm_u128 whole = numerator >> bits; whole > 0; whole--)
        if (!exp_small(secret, one, bits)) return false;
    return exp_small(secret, numerator & (one - 1), bits);
}

int64_t nrm_discrete_gaussian(nrm_secret *secret, int bits)
{
    const nrm_u128 one = 1;
    const uint64_t s = UINT64_C(1) << bits;

    for (;;) {
        const uint64_t u = bits == 0 ? 0 : nrm_secret_u64(secret) >> (64 - bits);
        if (!nrm_bernoulli_exp(secret, u, bits)) continue;
        uint64_t v = 0;
        while (nrm_bernoulli_exp(secret, one << bits, bits)) v++;
        const bool negative = nrm_secret_bit(secret);
        if (negative && u == 0 && v == 0) continue; /* zero once only */
        if (v >> (62 - bits)) continue;             /* below exp(-2^13): no number would hold it */
        const uint64_t x = u + (v << bits), off = x > s ? x - s : s - x;
        if (!nrm_bernoulli_exp(secret, (nrm_u128)off * off, 2 * bits + 1)) continue;
        return negative ? -(int64_t)x : (int64_t)x;
    }
}
