/* power_sums.c -- even powers, in a range that f64 holds.  Contract: power_sums.h. */
#include "power_sums.h"
#include "base/base.h"

enum { STEP = 16 }; /* exponents are multiples of it: neighbours share one, and scaling is exact */

/* Up to NRM_POWER_PIECE numbers are summed at a time.  Where the sum of their scaled squares is between
 * these bounds, the largest lies in [2^-15, 2^15.5], and f32 holds its 8th power. */
static const double LEAST = 0x1p-19, MOST = 0x1p31;

/* A better exponent for sums of squares that are out of bounds; the scale itself must be a number. */
static int better(nrm_dtype dtype, int exponent, double squares)
{
    const int most = dtype == NRM_F32 ? 112 : 1008;
    const double middle = sqrt(LEAST * MOST);
    const double off = squares == 0 ? -most : squares < INFINITY ? STEP * rint(log2(squares / middle) / (2 * STEP)) : most;
    return (int)fmax(-most, fmin(most, exponent + off));
}

nrm_power_sums nrm_power_sums_of(nrm_dtype dtype, int64_t n, const nrm_momentum_factors *f, int exponent, const void *g, void *m)
{
    nrm_momentum_factors now = *f;
    nrm_power_sums s = {.exponent = exponent};

    for (int tries = 0; tries < 4; tries++) {
        const double unit = ldexp(1, -s.exponent);
        if (dtype == NRM_F32) nrm_optimizer_kernels_f32_for(nrm_cpu_isa())->momentum_powers(n, &now, unit, g, m, s.sum);
        else nrm_optimizer_kernels_f64_for(nrm_cpu_isa())->momentum_powers(n, &now, unit, g, m, s.sum);
        const int next = better(dtype, s.exponent, s.sum[0]);
        if ((s.sum[0] >= LEAST && s.sum[0] <= MOST) || next == s.exponent) break;
        s.exponent = next;
        now.momentum = 1, now.rest = 0; /* M has moved */
    }
    return s;
}

void nrm_power_sums_add(nrm_power_sums *sums, const nrm_power_sums *more)
{
    if (more->sum[0] == 0) return;
    if (sums->sum[0] == 0) sums->exponent = more->exponent;
    const int common = sums->exponent > more->exponent ? sums->exponent : more->exponent;
    const double own = ldexp(1, 2 * (sums->exponent - common)), other = ldexp(1, 2 * (more->exponent - common));
    double a = own, b = other;

    for (int k = 0; k < NRM_POWERS; k++, a *= own, b *= other) sums->sum[k] = a * sums->sum[k] + b * more->sum[k];
    sums->exponent = common;
}

double nrm_power_sums_norm(const nrm_power_sums *sums) { return ldexp(sqrt(sums->sum[0]), sums->exponent); }

bool nrm_power_sums_cosh(const nrm_power_sums *sums, int64_t count, double factor, double *excess)
{
    const double t = 4 * factor * factor; /* (2 z)^2 */
    double term = 1, total = 0;

    for (int k = 1; k <= NRM_POWERS; k++) {
        term *= t / ((2 * k - 1) * (2 * k));
        total += term * sums->sum[k - 1];
    }
    /* max x^2 <= (sum x^8)^(1/4), and every further term is at most `ratio` of the one before. */
    const double last = sums->sum[NRM_POWERS - 1], square = sqrt(sqrt(last));
    const double ratio = t * square / ((2 * NRM_POWERS + 1) * (2 * NRM_POWERS + 2));
    *excess = total / (2 * (double)count);
    return ratio < 0.5 && term * last * ratio / (1 - ratio) / (2 * (double)count) <= 1e-12 * (1 + *excess);
}
