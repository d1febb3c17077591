/* sphere.c -- uniform directions out of 64 bits, and the sign that a client gives one.
 * Contract: protocol.h.
 *
 * Duchi, Jordan, Wainwright (JASA 2018): u = b v/|v| with b = 1 at chance 1/2 + |v|/(2r), T = 1 at
 * chance e^eps/(1 + e^eps), z uniform on the half of the sphere where T <z, u> > 0.  A direction g
 * drawn first and then given the sign of T <g, u> has the same law.  So a message is the seed of
 * g and a sign: 9 bytes whatever d.  That g is made by Philox and rounded is of no concern to
 * privacy, which rests on the sign alone (protocol.c); for the estimate E z = v it must look
 * uniform, and does.
 *
 * Coordinates are multiples of 2^-44: adding 1.5 * 2^8 to |x| <= 1 leaves the multiple in the low
 * bits of the sum.  Sums of directions are sums of integers, whatever the order. */
#include "kernel/philox.h"
#include "protocol.h"

static const double TWO_PI = 6.283185307179586476925, LIFT = 0x1.8p8;
static const uint64_t DIRECTION = UINT64_C(0x4e524d2d64697265);

/* n words to numbers in (0, scale], where they lie. */
static void to_uniform(double *x, int64_t n, double scale)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        x[i] = scale * (2 - nrm_one_to_two(bits));
    }
}

/* Pair i from block i: the cosines, then the sines. */
void nrm_private_normals(uint64_t seed, uint64_t stream, int64_t n, double *z, double *work)
{
    const int64_t pairs = (n + 1) / 2;
    double *u = work, *angle = work + pairs;

    nrm_philox_kernels_for(nrm_cpu_isa())->blocks(seed, stream, 0, pairs, (uint64_t *)(void *)u, (uint64_t *)(void *)angle);
    to_uniform(u, pairs, 1);
    to_uniform(angle, pairs, TWO_PI);
    nrm_box_muller(pairs, u, angle, z);
    memcpy(z + pairs, angle, (size_t)(n - pairs) * sizeof *z);
}

void nrm_private_direction(uint64_t seed, int64_t d, int64_t *units, double *work)
{
    double *z = work;

    nrm_private_normals(seed, DIRECTION, d, z, work + d + 1);
    double square = nrm_private_dot(z, z, d);
    if (square == 0) z[0] = square = 1; /* no seed is known to do that */
    const double by = 1 / sqrt(square);
    uint64_t zero;
    memcpy(&zero, &LIFT, sizeof zero);
    for (int64_t j = 0; j < d; j++) {
        const double lifted = z[j] * by + LIFT;
        uint64_t bits;
        memcpy(&bits, &lifted, sizeof bits);
        units[j] = (int64_t)(bits - zero);
    }
}

bool nrm_private_sign(const nrm_private_plan *plan, const double *v, double norm, uint64_t seed, uint64_t coin, int64_t *units,
                      double *work)
{
    const uint64_t half = UINT64_C(1) << 63, room = half - plan->least;
    const double share = plan->radius > 0 ? norm / plan->radius : 0;

    nrm_private_direction(seed, plan->d, units, work);
    const double along = nrm_private_dot(v, work, plan->d);
    /* share <= 1, but the product may round up: the bound on the chance is kept by the minimum. */
    const double lean = share * (double)room;
    const uint64_t extra = !(lean > 0) ? 0 : lean >= (double)room ? room : (uint64_t)lean;
    const bool agrees = coin < half + extra;
    return agrees == (along >= 0);
}
