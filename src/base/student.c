/* student.c -- Student's t distribution.  Contract: student.h.
 *
 * With x = degrees / (degrees + t^2), a = degrees / 2 and b = 1/2,
 *     P(T > t) = I_x(a, b) / 2,   I the regularised incomplete beta function,               (1)
 *     I_x(a, b) = x^a (1 - x)^b / (a B(a, b)) K,   I_x(a, b) = 1 - I_(1-x)(b, a),           (2)
 * K the continued fraction of DLMF 8.17.22, which converges fast for x < (a + 1) / (a + b + 2);
 * beyond, (2) has no cancellation since P is then near 1/2.  B(a, 1/2) would lose all digits as a
 * difference of logarithms of large a; there Gamma(a + 1/2) / Gamma(a) is taken by its asymptotic
 * series.  ln P is concave in ln t, so Newton's steps on it are beyond the root from the second point
 * on and come down to it. */
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

/* The continued fraction of (2), by the method of Lentz. */
static double fraction(double x, double a, double b)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1), value;
    d = 1 / d;
    value = d;
    for (int i = 1; i < 100000; i++) {
        const double k = i, even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
        const double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1));
        d = 1 / (1 + even * d);
        c = 1 + even / c;
        value *= c * d;
        d = 1 / (1 + odd * d);
        c = 1 + odd / c;
        const double change = c * d;
        value *= change;
        if (fabs(change - 1) < 1e-16) break;
    }
    return value;
}

double nrm_student_tail(double t, double degrees)
{
    if (isinf(degrees)) return 0.5 * erfc(t / sqrt(2.0));
    if (t == 0) return 0.5;
    const double ratio = t / degrees * t, a = degrees / 2; /* x = 1 / (1 + ratio) */
    /* x^a (1 - x)^(1/2) / B(a, 1/2), with B = Gamma(a) sqrt(pi) / Gamma(a + 1/2) */
    const double front = exp(-a * log1p(ratio)) * sqrt(ratio / (1 + ratio)) * gamma_ratio(a) / 1.7724538509055160273;
    if (1 / (1 + ratio) < (a + 1) / (a + 2.5)) return 0.5 * front / a * fraction(1 / (1 + ratio), a, 0.5);
    return 0.5 - front * fraction(ratio / (1 + ratio), 0.5, a); /* front / (1/2) / 2 */
}

/* -d ln P / d ln t. */
static double slope(double t, double degrees, double tail)
{
    if (isinf(degrees)) return t * 0.39894228040143267794 * exp(-t * t / 2) / tail;
    const double density = gamma_ratio(degrees / 2) / sqrt(3.14159265358979323846 * degrees) *
                           exp(-(degrees + 1) / 2 * log1p(t / degrees * t));
    return t * density / tail;
}

double nrm_student_quantile(double tail, double degrees)
{
    if (tail >= 0.5) return 0;
    double t = 1; /* any point will do */
    for (int i = 0; i < 200; i++) {
        const double p = nrm_student_tail(t, degrees);
        if (p == 0) { /* beyond the range: nearer */
            t = sqrt(t);
            continue;
        }
        const double step = log(p / tail) / slope(t, degrees, p);
        const double next = t * exp(fmax(-3, fmin(3, step)));
        if (fabs(step) < 1e-8) return next; /* the next step would be its square */
        t = next;
    }
    return t;
}
