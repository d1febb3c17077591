/* lp_above.c -- p > 2: Newton's method on F_e = sum_i (|r_i| / m)^e with m = max |r|, which keeps
 * the powers in range,
 *
 *     Y' H Y dz = -m / (e - 1) Y' g,   H = diag((|r| / m)^(e-2)),   g = sgn(r) (|r| / m)^(e-1),
 *
 * (H at least LEAST, or a row met exactly would not be held there) from the least-squares solution;
 * for p > 6 the exponent e grows to p by factors of 1.5, each solution being the next one's start
 * (Adil, Peng and Sachdeva, NeurIPS 2019, grow it alike).  Away from the solution the step is too
 * short by up to e - 1 times: it is doubled while that helps, and halved until it helps at all. */
#include "lp_space.h"

enum { SEARCH = 60 };
static const double GROWTH = 1.5, DIRECT = 6, ENOUGH = 1e-3, LEAST = 1e-14, NOISE = 1e-10;

typedef struct state { double e, m, step; } state;

static double power(double t, double e) { return e == 1 ? t : e == 2 ? t * t : e == 0 ? 1 : pow(t, e); }

/* H to trial, g to lambda; F. */
static double derivatives(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const state *o = user;
    double sum = 0;
    for (int64_t i = first; i < first + count; i++) {
        const double t = fabs(s->r[i]) / o->m, h = power(t, o->e - 2);
        s->trial[i] = fmax(h, LEAST);
        s->lambda[i] = copysign(h * t, s->r[i]);
        sum += h * t * t;
    }
    return sum;
}

/* F at r + step trial. */
static double value_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const state *o = user;
    double sum = 0;
    for (int64_t i = first; i < first + count; i++) sum += power(fabs(s->r[i] + o->step * s->trial[i]) / o->m, o->e);
    return sum;
}

static double value_at(nrm_lp_space *s, state *o, double step)
{
    o->step = step;
    return nrm_lp_each(s, value_rows, o);
}

/* A step along trial that makes F fall, best by factors of 2; 0: none does. */
static double search(nrm_lp_space *s, state *o, double f, double *reached)
{
    double step = 1, at = value_at(s, o, step);

    for (int i = 0; i < SEARCH && !(at < f); i++) at = value_at(s, o, step /= 2);
    *reached = at < f ? at : f;
    if (!(at < f)) return 0;
    for (double next; step >= 1 && (next = value_at(s, o, 2 * step)) < *reached;) {
        step *= 2;
        *reached = next;
    }
    return step;
}

/* One step at exponent o->e; *fall is the relative decrease of F.  Where rounding hides a decrease
 * of the F that is wanted, the whole step. */
static nrm_status newton_step(nrm_lp_space *s, state *o, double *fall)
{
    double reached;

    o->m = nrm_lp_largest(s, s->r);
    const double f = nrm_lp_each(s, derivatives, o);
    NRM_TRY(nrm_lp_factor(s, s->trial));
    nrm_lp_transposed(s, s->lambda, s->step);
    nrm_lp_solve_factored(s, s->step);
    for (int64_t j = 0; j < s->k; j++) s->step[j] *= -o->m / (o->e - 1);
    nrm_lp_product(s, s->step, s->trial);
    double step = search(s, o, f, &reached);
    if (step == 0 && o->e == s->p && value_at(s, o, 1) <= f * (1 + NOISE)) step = 1;
    for (int64_t j = 0; j < s->k; j++) s->z[j] += step * s->step[j];
    nrm_lp_residual(s, s->z, s->r);
    *fall = (f - reached) / f;
    return NRM_OK;
}

/* The bound from g of the residual as it is, which is not 0: the fit is not exact. */
static bool closed(nrm_lp_space *s, state *o)
{
    o->m = nrm_lp_largest(s, s->r);
    nrm_lp_each(s, derivatives, o);
    nrm_lp_certify(s, s->lambda);
    return nrm_lp_closed(s);
}

nrm_status nrm_lp_above(nrm_lp_space *s)
{
    double e = s->p <= DIRECT || s->warm ? s->p : fmin(s->p, 2 * GROWTH), fall;
    int idle = 0;
    bool done = false;

    while (s->iterations < s->max_iter && idle < 4) {
        state o = {.e = e};
        NRM_TRY(newton_step(s, &o, &fall));
        if (e < s->p) {
            if (fall < ENOUGH) e = fmin(s->p, GROWTH * e);
            continue;
        }
        if (done) break;
        done = closed(s, &o); /* once more: x is known to half the digits of the loss */
        idle = fall > 0 ? 0 : idle + 1;
    }
    return NRM_OK;
}
