/* lp_between.c -- 1 < p < 2: Newton's method on the optimality conditions with the dual kept as an
 * unknown of its own, as Chan, Golub and Mulet (SIAM J. Sci. Comput. 20, 1999) have it for total
 * variation, where p = 1.
 *
 * With q = r^2 + delta^2 the smoothed loss sum q^(p/2) / p is least where Y'lambda = 0 and
 *
 *     q^(1 - p/2) lambda = r.                                                              (1)
 *
 * Newton on the loss takes lambda out of (1) before the derivative is taken, and overshoots where
 * r nearly vanishes; the derivative of (1) itself does not:
 *
 *     Y' W Y dz = -Y' (q^(p/2 - 1) r),   W = q^(p/2 - 1) (1 - (2 - p) lambda r q^(-p/2)),  (2)
 *     lambda + dlambda = q^(p/2 - 1) r + W Y dz.
 *
 * lambda = 0 gives the weights of reweighted least squares and lambda of (1) those of Newton;
 * |lambda| <= q^((p-1)/2) is kept, so that W > 0 and dz descends.  delta falls with every good
 * step.  The bound comes from lambda, which is known to more digits than |r|^(p-1) where r is
 * rounding. */
#include "lp_space.h"

enum { SEARCH = 40 };
static const double LEAST_DELTA = 1e-25;

typedef struct state { double p, delta, step; } state;

/* W to trial, q^(p/2-1) r to work; the loss. */
static double derivatives(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const state *o = user;
    double sum = 0;
    for (int64_t i = first; i < first + count; i++) {
        const double r = s->r[i], q = r * r + o->delta * o->delta, root = sqrt(q), power = pow(root, o->p - 2);
        s->work[i] = power * r;
        s->trial[i] = power * fmax(1 - (2 - o->p) * s->lambda[i] * r / (power * q), o->p - 1);
        sum += power * q;
    }
    return sum;
}

static double value_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const state *o = user;
    double sum = 0;
    for (int64_t i = first; i < first + count; i++) {
        const double r = s->r[i] + o->step * s->trial[i];
        sum += pow(r * r + o->delta * o->delta, o->p / 2);
    }
    return sum;
}

/* lambda of (2), as far along as the step goes, within its bound at the new r. */
static double multiplier_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const state *o = user;
    for (int64_t i = first; i < first + count; i++) {
        const double r = s->r[i], q = r * r + o->delta * o->delta, power = pow(q, o->p / 2 - 1);
        const double w = power * fmax(1 - (2 - o->p) * s->lambda[i] * r / (power * q), o->p - 1);
        const double lambda = s->lambda[i] + fmin(o->step, 1) * (power * r + w * s->trial[i] - s->lambda[i]);
        const double next = r + o->step * s->trial[i], most = pow(next * next + o->delta * o->delta, (o->p - 1) / 2);
        s->lambda[i] = fmax(-most, fmin(most, lambda));
    }
    return 0;
}

static double logarithm_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const double least = *(const double *)user;
    double sum = 0;
    for (int64_t i = first; i < first + count; i++) sum += log(fmax(fabs(s->r[i]), least));
    return sum;
}

/* The geometric mean of |r|, which no outlier moves far. */
static double usual_size(nrm_lp_space *s)
{
    double least = 1e-12 * nrm_lp_largest(s, s->r);
    return least > 0 ? exp(nrm_lp_each(s, logarithm_rows, &least) / (double)s->n) : 0;
}

static nrm_status newton_step(nrm_lp_space *s, state *o)
{
    const double f = nrm_lp_each(s, derivatives, o);

    NRM_TRY(nrm_lp_factor(s, s->trial));
    nrm_lp_transposed(s, s->work, s->step);
    nrm_lp_solve_factored(s, s->step);
    for (int64_t j = 0; j < s->k; j++) s->step[j] *= -1;
    nrm_lp_product(s, s->step, s->trial);
    o->step = 1;
    for (int i = 0; i < SEARCH && !(nrm_lp_each(s, value_rows, o) <= f); i++) o->step /= 2;
    nrm_lp_each(s, multiplier_rows, o);
    for (int64_t j = 0; j < s->k; j++) s->z[j] += o->step * s->step[j];
    nrm_lp_residual(s, s->z, s->r);
    return NRM_OK;
}

nrm_status nrm_lp_between(nrm_lp_space *s)
{
    state o = {.p = s->p, .delta = usual_size(s)};
    int idle = 0, more = 2; /* steps after the gap has closed: x is known to half the digits of the loss */

    memset(s->lambda, 0, (size_t)s->n * sizeof *s->lambda);
    while (s->iterations < s->max_iter && idle < 20) {
        const double lower = s->lower;
        NRM_TRY(newton_step(s, &o));
        nrm_lp_certify(s, s->lambda);
        if (nrm_lp_closed(s, NULL) && more-- == 0) break;
        idle = o.delta <= LEAST_DELTA && s->lower <= lower ? idle + 1 : 0;
        if (o.step > 0.9) o.delta = fmax(0.1 * o.delta, LEAST_DELTA);
        else if (o.step > 0.2) o.delta = fmax(0.5 * o.delta, LEAST_DELTA);
    }
    return NRM_OK;
}
