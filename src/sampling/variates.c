/* variates.c -- gamma by Marsaglia and Tsang ("A simple method for generating gamma variables",
 * ACM TOMS 26, 2000): d (1 + c z)^3 for normal z has nearly the density of shape d + 1/3; what is
 * too much is rejected, some 5 % at worst.  A shape below 1 is one above times U^(1 / shape).
 * Contract: variates.h. */
#include "variates.h"

static double gamma_above_one(nrm_rng *rng, double shape)
{
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);

    for (;;) {
        const double z = nrm_rng_normal(rng), u = 1 - nrm_rng_uniform(rng), root = 1 + c * z;
        if (root <= 0) continue;
        const double v = root * root * root;
        if (log(u) < 0.5 * z * z + d - d * v + d * log(v)) return d * v;
    }
}

double nrm_rng_gamma(nrm_rng *rng, double shape)
{
    if (shape >= 1) return gamma_above_one(rng, shape);
    const double u = 1 - nrm_rng_uniform(rng); /* in (0, 1] */
    return gamma_above_one(rng, shape + 1) * pow(u, 1 / shape);
}

double nrm_rng_beta(nrm_rng *rng, double a, double b)
{
    for (;;) {
        const double x = nrm_rng_gamma(rng, a), y = nrm_rng_gamma(rng, b);
        if (x + y > 0) return x / (x + y); /* both underflow where a and b are tiny: again */
    }
}
