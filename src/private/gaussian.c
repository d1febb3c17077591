/* gaussian.c -- contract and equation (1): gaussian.h.
 *
 * With a = 1/(2 sigma) - eps sigma, b = 1/(2 sigma) + eps sigma we have e^eps phi(b) = phi(a), so
 *     delta = Phi(a) - phi(a) M(b),   M(x) = Phi(-x) / phi(x)   (Mills' ratio),
 * and for a <= 0, where both terms are small, delta = phi(a) (M(-a) - M(b)): no e^eps that
 * overflows, no difference of numbers near 1.  delta falls as sigma grows: bisection. */
#include "gaussian.h"
#include <math.h>

static const double SQRT_HALF_PI = 1.2533141373155002512, SQRT_HALF = 0.70710678118654752440, LOG_SQRT_2PI = 0.91893853320467274178;

/* x >= 0.  Beyond 6 the continued fraction 1/(x + 1/(x + 2/(x + ...))). */
static double mills(double x)
{
    if (x < 6) return SQRT_HALF_PI * exp(0.5 * x * x) * erfc(x * SQRT_HALF);
    double tail = x;
    for (int k = 60; k >= 1; k--) tail = x + k / tail;
    return 1 / tail;
}

double nrm_gaussian_delta(double sigma, double eps)
{
    const double half = 0.5 / sigma, a = half - eps * sigma, b = half + eps * sigma;
    const double density = exp(-0.5 * a * a - LOG_SQRT_2PI);

    if (a <= 0) return density * (mills(-a) - mills(b));
    return 0.5 * erfc(-a * SQRT_HALF) - density * mills(b);
}

double nrm_gaussian_sigma(double eps, double delta)
{
    double low = -80, high = 80; /* ln sigma */
    while (high - low > 1e-15 * (1 + fabs(high))) {
        const double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) break;
        if (nrm_gaussian_delta(exp(middle), eps) <= delta) high = middle;
        else low = middle;
    }
    return exp(high) * (1 + 1e-12);
}

double nrm_gaussian_classical(double eps, double delta) { return sqrt(2 * log(1.25 / delta)) / eps; }
