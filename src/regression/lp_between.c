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
#include <cblas.h>
#include <float.h>

enum { SEARCH = 40 };
static const double NEAR = 1.02, LEAST_DELTA = 1e-30, SETTLED = 1e-3, ROUNDING = 4 * DBL_EPSILON;

typedef struct state {
    double p, delta, step, fall;
    double z_size;      /* |z|_1 */
    const double *size; /* n: max |y_ij| */
} state;

/* delta^2 of a row: not less than what rounding makes of r, below which (1) cannot be followed. */
static double delta_squared(const nrm_lp_space *s, const state *o, int64_t i)
{
    const double least = ROUNDING * (o->size[i] * o->z_size + fabs(s->b[i])), delta = fmax(o->delta, least);
    return delta * delta;
}


/* W to trial, q^(p/2-1) r to work; the loss. */
static double derivatives(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const state *o = user;
    double sum = 0;
    for (int64_t i = first; i < first + count; i++) {
        const double r = s->r[i], q = r * r + delta_squared(s, o, i), root = sqrt(q), power = pow(root, o->p - 2);
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
        sum += pow(r * r + delta_squared(s, o, i), o->p / 2);
    }
    return sum;
}

/* lambda of (2), as far along as the step goes, within its bound at the new r. */
static double multiplier_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const state *o = user;
    for (int64_t i = first; i < first + count; i++) {
        const double r = s->r[i], q = r * r + delta_squared(s, o, i), power = pow(q, o->p / 2 - 1);
        const double w = power * fmax(1 - (2 - o->p) * s->lambda[i] * r / (power * q), o->p - 1);
        const double lambda = s->lambda[i] + fmin(o->step, 1) * (power * r + w * s->trial[i] - s->lambda[i]);
        s->lambda[i] = lambda;
    }
    return 0;
}

static double clip_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const state *o = user;
    for (int64_t i = first; i < first + count; i++) {
        const double r = s->r[i], most = pow(r * r + delta_squared(s, o, i), (o->p - 1) / 2);
        s->lambda[i] = fmax(-most, fmin(most, s->lambda[i]));
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
    o->z_size = cblas_dasum((int)s->k, s->z, 1);
    const double f = nrm_lp_each(s, derivatives, o);

    NRM_TRY(nrm_lp_factor(s, s->trial));
    nrm_lp_transposed(s, s->work, s->step);
    nrm_lp_solve_factored(s, s->step);
    for (int64_t j = 0; j < s->k; j++) s->step[j] *= -1;
    nrm_lp_product(s, s->step, s->trial);
    o->step = 1;
    double at = nrm_lp_each(s, value_rows, o);
    for (int i = 0; i < SEARCH && !(at <= f); i++) {
        o->step /= 2;
        at = nrm_lp_each(s, value_rows, o);
    }
    o->fall = (f - at) / f;
    nrm_lp_each(s, multiplier_rows, o);
    for (int64_t j = 0; j < s->k; j++) s->z[j] += o->step * s->step[j];
    nrm_lp_residual(s, s->z, s->r);
    return NRM_OK;
}

/* Near 1 the answer is near that for p = 1, and so is its dual. */
static nrm_status begin_at_one(nrm_lp_space *s)
{
    const double p = s->p;

    s->p = 1;
    const nrm_status st = nrm_lp_absolute(s);
    s->p = p;
    s->lower = 0;
    if (st < 0) return st;
    memcpy(s->lambda, s->dual, (size_t)s->n * sizeof *s->lambda);
    nrm_lp_certify(s, s->lambda);
    return NRM_OK;
}

static double size_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    double *size = user;
    for (int64_t i = first; i < first + count; i++) {
        size[i] = 0;
        for (int64_t j = 0; j < s->k; j++) size[i] = fmax(size[i], fabs(s->y[i * s->d + j]));
    }
    return 0;
}

/* Until the gap has closed and two steps more, which x, known to half the digits of the loss,
 * needs; or until the bound no longer grows. */
static nrm_status iterate(nrm_lp_space *s, state *o)
{
    for (int idle = 0, more = 2; s->iterations < s->max_iter && idle < 25;) {
        const double lower = s->lower;
        NRM_TRY(newton_step(s, o));
        nrm_lp_certify(s, s->lambda);
        nrm_lp_each(s, clip_rows, o);
        if (nrm_lp_closed(s) && more-- == 0) break;
        idle = s->lower <= lower * (1 + 1e-14) ? idle + 1 : 0;
        if (o->step > 0.9) o->delta = fmax((o->fall < SETTLED ? 0.1 : 0.5) * o->delta, LEAST_DELTA);
    }
    return NRM_OK;
}

nrm_status nrm_lp_between(nrm_lp_space *s)
{
    double *size;

    if (s->p < NEAR) NRM_TRY(begin_at_one(s));
    NRM_TRY(NRM_ALLOC(s->ctx, size, s->n, s->who));
    nrm_lp_each(s, size_rows, size);
    state o = {.p = s->p, .delta = (s->p < NEAR ? 1e-2 : 1) * usual_size(s), .size = size};
    if (s->p >= NEAR) memset(s->lambda, 0, (size_t)s->n * sizeof *s->lambda);
    const nrm_status st = iterate(s, &o);
    nrm_free(s->ctx, size);
    return st;
}
