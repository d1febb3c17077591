/* special.c -- incomplete gamma and beta functions, regularised.  Contract: space_parts.h.
 *
 *     P(a, x) = x^a e^-x / Gamma(a + 1) (1 + x/(a+1) + x^2/((a+1)(a+2)) + ...)      x < a + 1
 *     1 - P   = x^a e^-x / Gamma(a) / (x + 1 - a - 1(1-a)/(x + 3 - a - ...))        else
 * and for the beta function the continued fraction of DLMF 8.17.22, by Lentz's method as modified by
 * Thompson and Barnett; I_x(a, b) = 1 - I_(1-x)(b, a) moves x to the side where it is quick. */
#include "space_parts.h"

enum { TERMS = 100000 }; /* some sqrt(a) are needed */

static double nonzero(double x) { return fabs(x) < 1e-300 ? 1e-300 : x; }

static double gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int n = 1; n < TERMS && term > 1e-17 * sum; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum;
}

static double gamma_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1e300, d = 1 / nonzero(b), fraction = d;

    for (int n = 1; n < TERMS; n++) {
        const double an = -n * (n - a);
        b += 2;
        d = 1 / nonzero(an * d + b);
        c = nonzero(b + an / c);
        fraction *= c * d;
        if (fabs(c * d - 1) < 1e-16) break;
    }
    return fraction;
}

double nrm_incomplete_gamma(double a, double log_gamma, double x)
{
    if (!(x > 0)) return 0;
    const double factor = exp(a * log(x) - x - log_gamma);
    return x < a + 1 ? factor * gamma_series(a, x) : 1 - factor * gamma_fraction(a, x);
}

static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / nonzero(1 - (a + b) * x / (a + 1)), fraction = d;

    for (int n = 1; n < TERMS; n++) {
        const double even = n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n));
        const double odd = -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1));
        d = 1 / nonzero(1 + even * d);
        c = nonzero(1 + even / c);
        fraction *= c * d;
        d = 1 / nonzero(1 + odd * d);
        c = nonzero(1 + odd / c);
        fraction *= c * d;
        if (fabs(c * d - 1) < 1e-16) break;
    }
    return fraction;
}

double nrm_incomplete_beta(double a, double b, double log_beta, double x)
{
    if (!(x > 0)) return 0;
    if (!(x < 1)) return 1;
    const double factor = exp(a * log(x) + b * log1p(-x) - log_beta);
    if (x < (a + 1) / (a + b + 2)) return factor * beta_fraction(a, b, x) / a;
    return 1 - factor * beta_fraction(b, a, 1 - x) / b;
}
