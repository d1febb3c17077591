/* space_draw.c -- points from mu and from phi_j^2 mu, exactly.  Contract: space.h.
 *
 * In one coordinate, with u = phi_k, v = phi_(k-1) and w the density of mu (in the family's own
 * variable t), phi_k^2 w is drawn
 *   legendre   by rejection from the arcsine law: Bernstein's (1 - t^2)^(1/2) phi_k^2 <= 4 / pi
 *              makes phi_k^2 pi sqrt(1 - t^2) / 4 a probability, 1/2 on average;
 *   chebyshev, fourier  by rejection from mu: phi_k^2 / 2 = cos^2 or sin^2;
 *   the others by inversion of the distribution function F_k, which has a closed form:
 *     hermite    F_k - F_(k-1) = -w u v / sqrt(k),                                 F_0 = Phi
 *     laguerre   F_k - F_(k-1) = -t w u' (b_k u + k v) / (k b_k),                  F_0 = P(alpha + 1, t)
 *     jacobi     F_k - F_(k-1) = w (A u^2 + B u v + C v^2)                         F_0 = I_((1+t)/2)(beta + 1, alpha + 1)
 *                A = (t + h) / (2k + s + 1), C = (t + h) / (2k + s - 1), h = (beta - alpha) s / (2k + s)^2,
 *                B = (2k + s)(h^2 - 1) / ((2k + s + 1)(2k + s - 1) b_k), s = alpha + beta.
 * Each is checked by differentiation, with the structure relation of the family; for jacobi, v goes
 * out by (1 - t^2) u' = (g - k t) u + e v, e = (2k + s + 1) b_k, g = k (alpha - beta) / (2k + s): a
 * factor 1 - t^2 comes out, without which w (t -> +-1) would blow up the rounding errors.  The
 * first step of jacobi is written out: there 2k + s - 1 may vanish.
 *
 * F is inverted by Newton's method kept inside a bracket that is halved where a step leaves it;
 * values carry a binary exponent, as phi overflows and w underflows where their product matters. */
#include "space_parts.h"

static const double pi = 3.141592653589793;

static double open_uniform(nrm_rng *rng) /* (0, 1) */
{
    return ((double)(nrm_rng_u64(rng) >> 12) + 0.5) * 0x1p-52;
}

/* ---- Distribution functions ---------------------------------------------------------------------- */

/* phi_k, phi_(k-1) and phi_k' at t, times 2^-exponent. */
typedef struct triple {
    double u, v, slope, slope_before;
    int exponent;
} triple;

static void step(const nrm_axis *axis, double t, int64_t k, triple *p)
{
    const double a = axis->a[k - 1], b = axis->b[k - 1], inverse = axis->inverse[k];
    const double slope = ((t - a) * p->slope + p->u - b * p->slope_before) * inverse, next = ((t - a) * p->u - b * p->v) * inverse;

    *p = (triple){.u = next, .v = p->u, .slope = slope, .slope_before = p->slope, .exponent = p->exponent};
    if (fabs(next) + fabs(slope) < 0x1p300) return;
    p->u *= 0x1p-300, p->v *= 0x1p-300, p->slope *= 0x1p-300, p->slope_before *= 0x1p-300;
    p->exponent += 300;
}

static double log_density(const nrm_axis *axis, double t)
{
    const nrm_coordinate *c = &axis->is;
    if (c->family == NRM_FAMILY_HERMITE) return -0.5 * t * t - 0.5 * log(2 * pi);
    if (c->family == NRM_FAMILY_LAGUERRE) return axis->log_norm + c->alpha * log(t) - t;
    return axis->log_norm + c->alpha * log1p(-t) + c->beta * log1p(t);
}

static double first_distribution(const nrm_axis *axis, double t)
{
    const double alpha = axis->is.alpha, beta = axis->is.beta;
    if (axis->is.family == NRM_FAMILY_HERMITE) return 0.5 * erfc(-t * sqrt(0.5));
    if (axis->is.family == NRM_FAMILY_LAGUERRE) return nrm_incomplete_gamma(alpha + 1, -axis->log_norm, t);
    return nrm_incomplete_beta(beta + 1, alpha + 1, -axis->log_norm - (alpha + beta + 1) * log(2), 0.5 * (1 + t));
}

static double jacobi_increment(const nrm_axis *axis, double t, double k, const triple *p)
{
    const double alpha = axis->is.alpha, beta = axis->is.beta, s = alpha + beta, along = 2 * k + s, b = axis->b[(int64_t)k];
    const double sigma = (1 - t) * (1 + t);

    if (k == 1) { /* sigma w (q0 + q1 t), times v^2 = 4^-exponent */
        const double q1 = -1 / ((s + 3) * b * b), q0 = ((beta - alpha) * q1 + 2 * axis->a[0] / (b * b)) / (s + 2);
        return sigma * (q0 + q1 * t) * p->v * p->v;
    }
    const double h = (beta - alpha) / along * (s / along), e = (along + 1) * b, g = k * (alpha - beta) / along;
    const double middle = along * (h * h - 1) / ((along + 1) * (along - 1) * b), last = (t + h) / (along - 1);
    const double t1 = -(k / e) * (k / e) / (along - 1), t0 = h / (along + 1) - middle * g / e + h / (along - 1) * (g / e) * (g / e);
    const double slope = p->slope / e, line = g - k * t;
    return sigma * (p->u * p->u * (t0 + t1 * t) + middle * p->u * slope + last * (sigma * slope * slope - 2 * line / e * p->u * slope));
}

double nrm_axis_distribution(const nrm_axis *axis, int64_t k, double t, double *density)
{
    const nrm_family family = axis->is.family;
    const double log_w = log_density(axis, t);
    double sum = first_distribution(axis, t), w = exp(log_w);
    triple p = {.u = 1};

    for (int64_t j = 1; j <= k; j++) {
        const int before = p.exponent;
        const double b = axis->b[j];
        step(axis, t, j, &p);
        if (p.exponent != before) w = exp(log_w + 2 * log(2) * p.exponent);
        if (family == NRM_FAMILY_HERMITE) sum -= w * p.u * p.v / b;
        else if (family == NRM_FAMILY_LAGUERRE) sum -= w * t * p.slope * (p.u + (double)j / b * p.v) / (double)j;
        else sum += w * jacobi_increment(axis, t, (double)j, &p);
    }
    *density = w * p.u * p.u;
    return sum;
}

/* t in [lower, upper] with F_k(t) = target. */
static double solve(const nrm_axis *axis, int64_t k, double target, double lower, double upper)
{
    double t = 0.5 * (lower + upper), density;

    for (int i = 0; i < 200 && t > lower && t < upper; i++) {
        const double off = nrm_axis_distribution(axis, k, t, &density) - target;
        const double newton = t - off / density;
        if (off < 0) lower = t;
        else upper = t;
        if (fabs(newton - t) <= 1e-16 * fabs(t)) break;
        t = newton > lower && newton < upper ? newton : 0.5 * (lower + upper);
    }
    return t;
}

static double invert(const nrm_axis *axis, int64_t k, nrm_rng *rng)
{
    const double target = open_uniform(rng);
    double lower = -1, upper = 1, density;

    if (axis->is.family != NRM_FAMILY_JACOBI) {
        while (nrm_axis_distribution(axis, k, upper, &density) < target && upper < 1e15) upper *= 2;
        lower = axis->is.family == NRM_FAMILY_LAGUERRE ? 0 : -upper;
        while (lower < 0 && nrm_axis_distribution(axis, k, lower, &density) > target && lower > -1e15) lower *= 2;
    }
    return solve(axis, k, target, lower, upper);
}

/* ---- Rejection ------------------------------------------------------------------------------------ */

static double legendre(const nrm_axis *axis, int64_t k, nrm_rng *rng)
{
    for (;;) {
        const double angle = pi * nrm_rng_uniform(rng), t = cos(angle);
        triple p = {.u = 1};
        for (int64_t j = 1; j <= k; j++) step(axis, t, j, &p);
        if (nrm_rng_uniform(rng) < p.u * p.u * pi * sin(angle) / 4) return t;
    }
}

/* An angle of [0, range) with the density of cos^2(l angle), or sin^2. */
static double wave(double range, double l, bool sine, nrm_rng *rng)
{
    for (;;) {
        const double angle = range * nrm_rng_uniform(rng), value = sine ? sin(l * angle) : cos(l * angle);
        if (nrm_rng_uniform(rng) < value * value) return angle;
    }
}

static double draw(const nrm_axis *axis, int64_t k, nrm_rng *rng)
{
    double t, lower, upper;

    switch (axis->is.family) {
    case NRM_FAMILY_LEGENDRE: t = k > 0 ? legendre(axis, k, rng) : 2 * nrm_rng_uniform(rng) - 1; break;
    case NRM_FAMILY_CHEBYSHEV: t = cos(wave(pi, (double)k, false, rng)); break;
    case NRM_FAMILY_FOURIER: t = wave(2 * pi, (double)((k + 1) / 2), k > 0 && k % 2 == 0, rng); break;
    case NRM_FAMILY_HERMITE: t = k > 0 ? invert(axis, k, rng) : nrm_rng_normal(rng); break;
    default: t = invert(axis, k, rng);
    }
    nrm_axis_bounds(axis, &lower, &upper);
    return fmin(upper, fmax(lower, axis->is.shift + axis->is.scale * t));
}

/* ---- Features ------------------------------------------------------------------------------------- */

/* The first row whose running sum exceeds a share of the whole. */
static int64_t search(const double *sum, int64_t rows, nrm_rng *rng)
{
    const double target = nrm_rng_uniform(rng) * sum[rows - 1];
    int64_t lower = 0, upper = rows - 1;

    while (lower < upper) {
        const int64_t middle = lower + (upper - lower) / 2;
        if (sum[middle] > target) upper = middle;
        else lower = middle + 1;
    }
    return lower;
}

/* Row i of probability Q_ij^2: by rejection from its leverage, m trials on average. */
static double draw_row(const nrm_space *s, int64_t j, nrm_rng *rng)
{
    for (;;) {
        const int64_t i = search(s->leverage_sum, s->rows, rng);
        const double *row = s->q + i * s->m;
        double square = 0;
        for (int64_t l = 0; l < s->m; l++) square += row[l] * row[l];
        if (nrm_rng_uniform(rng) * square < row[j] * row[j]) return (double)i;
    }
}

void nrm_space_draw_mu(const nrm_space *s, nrm_rng *rng, double *x)
{
    if (!s->axis) x[0] = (double)search(s->mu_sum, s->rows, rng);
    for (int64_t i = 0; s->axis && i < s->dimension; i++) x[i] = draw(&s->axis[i], 0, rng);
}

void nrm_space_draw_member(const nrm_space *s, int64_t j, nrm_rng *rng, double *x)
{
    if (!s->axis) x[0] = draw_row(s, j, rng);
    for (int64_t i = 0; s->axis && i < s->dimension; i++) x[i] = draw(&s->axis[i], s->index[j * s->dimension + i], rng);
}

/* The mean of the members; rows by their leverage. */
void nrm_space_draw_optimal(const nrm_space *s, nrm_rng *rng, double *x)
{
    if (!s->axis) x[0] = (double)search(s->leverage_sum, s->rows, rng);
    else nrm_space_draw_member(s, nrm_rng_below(rng, s->m), rng, x);
}
