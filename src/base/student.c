/* student.c -- Student's t distribution.  Contract: student.h.
 *
 * With t = sqrt(k) sinh(u), k degrees of freedom,
 *     P(T > t) = Gamma((k + 1) / 2) / (sqrt(pi) Gamma(k / 2)) integral over v > u of cosh(v)^-k,   (1)
 * a smooth integrand that falls without end, for k of 1 as of 10^9: by v = u + exp(y - exp(-y)) / rate,
 * the rate at which it falls at u, the trapezoidal rule in y has all digits from some hundred points
 * (Takahasi and Mori, 1974).  Infinite k: exp(-t^2/2) in place of it.  The ratio of gammas would lose
 * its digits as a difference of logarithms; it has an asymptotic series.
 *
 * ln P is concave in ln t, so Newton's steps on it are beyond the root from the second point on and
 * come down to it. */
#include "student.h"
#include "base.h"

/* Gamma(a + 1/2) / Gamma(a). */
static double gamma_ratio(double a)
{
    double factor = 1;
    for (; a < 20; a++) factor *= a / (a + 0.5); /* both gammas one step up */
    /* sqrt(a) exp of the series of ln Gamma(a + 1/2) - ln Gamma(a), from Bernoulli polynomials */
    const double u = 1 / (a * a);
    return factor * sqrt(a) * exp(-(1.0 / 8 - u * (1.0 / 192 - u * (1.0 / 640 - u * (17.0 / 14336 - u * 31.0 / 18432)))) / a);
}

static double log_cosh(double v)
{
    return v < 1 ? 0.5 * log1p(sinh(v) * sinh(v)) : v + log1p(exp(-2 * v)) - 0.69314718055994530942;
}

/* -ln of the integrand at u + s, less that at u. */
static double fall(double u, double s, double degrees)
{
    return isinf(degrees) ? s * (u + s / 2) : degrees * (log_cosh(u + s) - log_cosh(u));
}

/* ln P(T > t); *slope, which may be NULL, is -d ln P / d ln t. */
static double log_tail(double t, double degrees, double *slope)
{
    const bool normal = isinf(degrees);
    const double u = normal ? t : asinh(t / sqrt(degrees));
    const double rate = normal ? t + 1 : degrees * tanh(u) + sqrt(degrees), step = 1.0 / 16;
    double sum = 0;

    for (int i = -64; i <= 112; i++) {
        const double y = i * step, s = exp(y - exp(-y)) / rate;
        sum += exp(-fall(u, s, degrees)) * s * (1 + exp(-y));
    }
    sum *= step;
    /* d ln t = coth(u) du; the integrand at u is 1 here */
    if (slope) *slope = (normal ? t : tanh(u)) / sum;
    const double front = normal ? 0.39894228040143267794 : gamma_ratio(degrees / 2) / 1.7724538509055160273;
    return log(front * sum) - (normal ? t * t / 2 : degrees * log_cosh(u));
}

double nrm_student_tail(double t, double degrees) { return exp(log_tail(t, degrees, NULL)); }

double nrm_student_quantile(double tail, double degrees)
{
    double t = 1, slope; /* any point will do */

    if (tail >= 0.5) return 0;
    for (int i = 0; i < 1000; i++) {
        const double step = (log_tail(t, degrees, &slope) - log(tail)) / slope;
        t *= exp(fmax(-3, fmin(3, step)));
        if (fabs(step) < 1e-8) break; /* the next step would be its square */
    }
    return t;
}
