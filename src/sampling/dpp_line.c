/* dpp_line.c -- projection DPPs in one variable as eigenvalues of random matrices.
 * Contract: dpp_line.h.
 *
 * The m points of the DPP of all polynomials of degree < m have the density
 *     const * prod_{i<j} (x_i - x_j)^2 prod dmu(x_i),
 * which is that of the eigenvalues of the classical unitary ensembles.  Dumitriu and Edelman
 * (2002), Killip and Nenciu (2004) found tridiagonal matrices of independent entries with the
 * same eigenvalues; G(s) is a gamma variable of shape s, B(s, t) a beta variable:
 *     hermite   diagonal N(0, 1), off-diagonal_i^2 = G(m - i)
 *     laguerre  L L', L lower bidiagonal: L_ii^2 = G(m - i + 1 + a), L_(i+1)i^2 = G(m - i)
 *     jacobi    L L' on [0, 1], x = 2 y - 1: L_ii^2 = (1 - c_(2i-2)) c_(2i-1),
 *               L_(i+1)i^2 = (1 - c_(2i-1)) c_2i, c_0 = 0,
 *               c_(2i-1) = B(m - i + b + 1, m - i + a + 1), c_2i = B(m - i, m - i + a + b + 1)
 * O(m^2) for the eigenvalues alone.  Those of L L' are squares of singular values, found by
 * differences and quotients to high relative accuracy: none is negative.
 *
 * Trigonometric polynomials: eigenvalues exp(i theta) of a Haar unitary matrix.  With independent
 * g_k of uniform phase, |g_k|^2 = B(1, k + 1), the phase (Killip and Stoiciu 2009)
 *     psi_0 = theta,  psi_(k+1) = psi_k + theta - 2 arg(1 - g_k exp(i psi_k))
 * rises by 2 pi m as theta goes once round, and the points are where psi_(m-1) is a uniform
 * number modulo 2 pi. */
#include "dpp_line.h"
#include "variates.h"
#include <lapacke.h>

static const double TURN = 6.283185307179586476925;

int64_t nrm_dpp_line_work(int64_t m) { return 6 * m; }

static bool hermite(int64_t m, nrm_rng *rng, double *work, double *x)
{
    for (int64_t i = 0; i < m; i++) x[i] = nrm_rng_normal(rng);
    for (int64_t i = 1; i < m; i++) work[i - 1] = sqrt(nrm_rng_gamma(rng, (double)(m - i)));
    return LAPACKE_dsterf_work((lapack_int)m, x, work) == 0;
}

/* Squares of the singular values of the bidiagonal with the diagonal x and beside it work's first
 * m - 1 numbers, rising. */
static bool squares(int64_t m, double *work, double *x)
{
    const lapack_int n = (lapack_int)m;

    if (LAPACKE_dbdsqr_work(LAPACK_COL_MAJOR, 'L', n, 0, 0, 0, x, work, NULL, 1, NULL, 1, NULL, 1, work + m) != 0) return false;
    for (int64_t i = 0; i < m - 1 - i; i++) {
        const double kept = x[i];
        x[i] = x[m - 1 - i];
        x[m - 1 - i] = kept;
    }
    for (int64_t i = 0; i < m; i++) x[i] *= x[i];
    return true;
}

static bool laguerre(double a, int64_t m, nrm_rng *rng, double *work, double *x)
{
    for (int64_t i = 1; i <= m; i++) x[i - 1] = sqrt(nrm_rng_gamma(rng, (double)(m - i + 1) + a));
    for (int64_t i = 1; i < m; i++) work[i - 1] = sqrt(nrm_rng_gamma(rng, (double)(m - i)));
    return squares(m, work, x);
}

static bool jacobi(double a, double b, int64_t m, nrm_rng *rng, double *work, double *x)
{
    double before = 0; /* c_(2i-2) */

    for (int64_t i = 1; i <= m; i++) {
        const double left = (double)(m - i), odd = nrm_rng_beta(rng, left + b + 1, left + a + 1);
        x[i - 1] = sqrt((1 - before) * odd);
        if (i == m) break;
        before = nrm_rng_beta(rng, left, left + a + b + 1);
        work[i - 1] = sqrt((1 - odd) * before);
    }
    if (!squares(m, work, x)) return false;
    for (int64_t i = 0; i < m; i++) x[i] = fmin(2 * x[i] - 1, 1); /* 1 up to rounding */
    return true;
}

/* psi_(m-1) and its derivative, which is positive; g holds m - 1 complex numbers.  z = exp(i psi_k)
 * goes on by products, kept on the circle by a step of Newton's; 1 - g z lies right of 0, so that two
 * of them have the sum of their angles within (-pi, pi): one atan2 does for both. */
static double phase(int64_t m, const double *g, double theta, double *slope)
{
    const double turn_re = cos(theta), turn_im = sin(theta);
    double re = turn_re, im = turn_im, rise = 1, angle = 0, pair_re = 1, pair_im = 0;

    for (int64_t k = 0; k < m - 1; k++) {
        const double a = 1 - (g[2 * k] * re - g[2 * k + 1] * im), b = -(g[2 * k] * im + g[2 * k + 1] * re);
        const double inverse = 1 / (a * a + b * b), modulus = g[2 * k] * g[2 * k] + g[2 * k + 1] * g[2 * k + 1];
        rise = 1 + rise * (1 - modulus) * inverse;
        const double product_re = pair_re * a - pair_im * b, product_im = pair_re * b + pair_im * a;
        if (k % 2 == 1) {
            angle += atan2(product_im, product_re);
            pair_re = 1, pair_im = 0;
        } else {
            pair_re = product_re, pair_im = product_im;
        }
        /* turned by theta, then by -2 arg(a + ib): the square of (a - ib) / |a - ib| */
        const double c = (a * a - b * b) * inverse, s = -2 * a * b * inverse;
        const double wide = re * turn_re - im * turn_im, high = re * turn_im + im * turn_re;
        re = wide * c - high * s;
        im = wide * s + high * c;
        const double onto = 1.5 - 0.5 * (re * re + im * im);
        re *= onto, im *= onto;
    }
    *slope = rise;
    return (double)m * theta - 2 * (angle + atan2(pair_im, pair_re));
}

/* psi(theta) = target between low and high: Newton's steps, halving where they leave or stall. */
static double crossing(int64_t m, const double *g, double target, double low, double high)
{
    double theta = 0.5 * (low + high), before = high - low;

    for (int step = 0; step < 200 && high - low > 4e-16 * TURN; step++) {
        double slope;
        const double off = phase(m, g, theta, &slope) - target;
        if (off < 0) low = theta;
        else high = theta;
        const double next = theta - off / slope, move = fabs(next - theta);
        if (move <= 2e-16 * TURN) break;
        if (next > low && next < high && move < 0.5 * before) theta = next, before = move;
        else theta = 0.5 * (low + high), before = high - low;
    }
    return theta;
}

static void circular(int64_t m, nrm_rng *rng, double *work, double *x)
{
    double *g = work, slope, low = 0;
    int64_t found = 0;

    for (int64_t k = 0; k < m - 1; k++) {
        const double radius = sqrt(nrm_rng_beta(rng, 1, (double)(k + 1))), angle = TURN * nrm_rng_uniform(rng);
        g[2 * k] = radius * cos(angle);
        g[2 * k + 1] = radius * sin(angle);
    }
    const double at_low = phase(m, g, 0, &slope);
    double target = at_low + TURN * nrm_rng_uniform(rng);
    for (int64_t cell = 1; cell <= m; cell++) { /* psi at the ends of m equal parts brackets the points */
        const double high = TURN * (double)cell / (double)m;
        const double at_high = cell < m ? phase(m, g, high, &slope) : at_low + TURN * (double)m;
        double from = low;
        for (; found < m && (target <= at_high || cell == m); target += TURN) {
            from = crossing(m, g, target, from, high);
            x[found++] = fmin(from, nextafter(TURN, 0));
        }
        low = high;
    }
}

bool nrm_dpp_line_draw(const nrm_dpp_line *line, int64_t m, nrm_rng *rng, double *work, double *x)
{
    switch (line->model) {
    case NRM_DPP_HERMITE: return hermite(m, rng, work, x);
    case NRM_DPP_JACOBI: return jacobi(line->a, line->b, m, rng, work, x);
    case NRM_DPP_LAGUERRE: return laguerre(line->a, m, rng, work, x);
    case NRM_DPP_CIRCULAR: circular(m, rng, work, x); return true;
    default: return false;
    }
}
