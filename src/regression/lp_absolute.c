/* lp_absolute.c -- p = 1: the linear program by a primal-dual interior-point method (Portnoy and
 * Koenker, Statistical Science 12, 1997; predictor and corrector of Mehrotra), then an exact
 * vertex (lp_vertex.c).
 *
 * With r = u - v, u, v >= 0, and the dual -1 <= lambda <= 1:
 *     min sum u + v   <=>   Y'lambda = 0,  Y z - b = u - v,  u (1 - lambda) = 0,  v (1 + lambda) = 0.
 * lambda = 0 and u, v = max(+-r, 0) + a constant are feasible, and every step keeps them so; the
 * gap is sum u (1 - lambda) + v (1 + lambda).  Newton's step for right-hand sides e, f of the two
 * products, with W = 1 / (u / (1 - lambda) + v / (1 + lambda)) and c = f / (1 + lambda) - e / (1 - lambda)
 * + b - Y z + u - v:
 *     Y' W Y dz = -Y'(lambda + W c),   dlambda = W (Y dz + c),
 *     du = (e + u dlambda) / (1 - lambda),   dv = (f - v dlambda) / (1 + lambda). */
#include "lp_space.h"
#include <float.h>

static const double SHORT = 0.9995; /* of the way to the boundary */
static const double LEAST = 1e-200, MOST = 1 - 1e-15; /* of u and v, of |lambda|: rounding does not take them to the boundary */

typedef struct inner {
    double *u, *v, *move, *first; /* n each; move: dlambda; first: that of the predictor */
    double mean;                  /* of u + v at the start: what is added to both */
    double target;                /* of every product */
    bool correct;                 /* the corrector: with the products of the predictor's moves */
    double primal, dual;          /* steps */
} inner;

static void right_sides(const nrm_lp_space *s, const inner *o, int64_t i, double *e, double *f)
{
    const double up = 1 - s->lambda[i], down = 1 + s->lambda[i];
    *e = o->target - o->u[i] * up;
    *f = o->target - o->v[i] * down;
    if (!o->correct) return;
    const double move = o->first[i]; /* the predictor's target was 0 */
    *e += move * (o->u[i] * move / up - o->u[i]);
    *f -= move * (-o->v[i] * move / down - o->v[i]);
}

static double start_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    inner *o = user;
    for (int64_t i = first; i < first + count; i++) {
        o->u[i] = fmax(s->r[i], 0) + o->mean;
        o->v[i] = fmax(-s->r[i], 0) + o->mean;
        s->lambda[i] = 0;
    }
    return 0;
}

static double gap_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const inner *o = user;
    double sum = 0;
    for (int64_t i = first; i < first + count; i++) sum += o->u[i] * (1 - s->lambda[i]) + o->v[i] * (1 + s->lambda[i]);
    return sum;
}

static double weight_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const inner *o = user;
    for (int64_t i = first; i < first + count; i++)
        s->trial[i] = 1 / (o->u[i] / (1 - s->lambda[i]) + o->v[i] / (1 + s->lambda[i]));
    return 0;
}

static double shift(const nrm_lp_space *s, const inner *o, int64_t i)
{
    double e, f;
    right_sides(s, o, i, &e, &f);
    return f / (1 + s->lambda[i]) - e / (1 - s->lambda[i]) + (o->u[i] - o->v[i] - s->r[i]);
}

static double right_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const inner *o = user;
    for (int64_t i = first; i < first + count; i++) s->work[i] = s->lambda[i] + s->trial[i] * shift(s, o, i);
    return 0;
}

/* dlambda from Y dz in work. */
static double move_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const inner *o = user;
    for (int64_t i = first; i < first + count; i++) o->move[i] = s->trial[i] * (s->work[i] + shift(s, o, i));
    return 0;
}

static double boundary(double x, double move) { return move < 0 ? -x / move : (double)INFINITY; }

/* The longest steps of both sides, to work: two reductions at once, by the smallest. */
static double primal_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const inner *o = user;
    double *most = s->sums + nrm_lp_slot(s, first) * s->d * (s->d + 1);
    most[0] = most[1] = (double)INFINITY;
    for (int64_t i = first; i < first + count; i++) {
        double e, f;
        right_sides(s, o, i, &e, &f);
        const double up = 1 - s->lambda[i], down = 1 + s->lambda[i], move = o->move[i];
        most[0] = fmin(most[0], fmin(boundary(o->u[i], (e + o->u[i] * move) / up), boundary(o->v[i], (f - o->v[i] * move) / down)));
        most[1] = fmin(most[1], fmin(boundary(up, -move), boundary(down, move)));
    }
    return 0;
}

static void steps(nrm_lp_space *s, inner *o)
{
    o->primal = o->dual = 1 / SHORT;
    nrm_lp_each(s, primal_rows, o);
    for (int64_t slot = 0; slot < s->slots; slot++) {
        o->primal = fmin(o->primal, s->sums[slot * s->d * (s->d + 1)]);
        o->dual = fmin(o->dual, s->sums[slot * s->d * (s->d + 1) + 1]);
    }
    o->primal *= SHORT;
    o->dual *= SHORT;
}

/* The gap after the steps. */
static double after_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const inner *o = user;
    double sum = 0;
    for (int64_t i = first; i < first + count; i++) {
        double e, f;
        right_sides(s, o, i, &e, &f);
        const double up = 1 - s->lambda[i], down = 1 + s->lambda[i], move = o->move[i];
        sum += (o->u[i] + o->primal * (e + o->u[i] * move) / up) * (up - o->dual * move) +
               (o->v[i] + o->primal * (f - o->v[i] * move) / down) * (down + o->dual * move);
    }
    return sum;
}

static double take_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    inner *o = user;
    for (int64_t i = first; i < first + count; i++) {
        double e, f;
        right_sides(s, o, i, &e, &f);
        const double up = 1 - s->lambda[i], down = 1 + s->lambda[i], move = o->move[i];
        o->u[i] = fmax(o->u[i] + o->primal * (e + o->u[i] * move) / up, LEAST);
        o->v[i] = fmax(o->v[i] + o->primal * (f - o->v[i] * move) / down, LEAST);
        s->lambda[i] = fmax(-MOST, fmin(MOST, s->lambda[i] + o->dual * move));
    }
    return 0;
}

/* dz to step, dlambda to move, with the factor that is there. */
static void direction(nrm_lp_space *s, inner *o)
{
    nrm_lp_each(s, right_rows, o);
    nrm_lp_transposed(s, s->work, s->step);
    for (int64_t j = 0; j < s->k; j++) s->step[j] *= -1;
    nrm_lp_solve_factored(s, s->step);
    nrm_lp_product(s, s->step, s->work);
    nrm_lp_each(s, move_rows, o);
    steps(s, o);
}

static nrm_status interior_step(nrm_lp_space *s, inner *o, double gap)
{
    nrm_lp_each(s, weight_rows, o);
    NRM_TRY(nrm_lp_factor(s, s->trial));
    o->target = 0;
    o->correct = false;
    direction(s, o);
    if (o->primal < 1 || o->dual < 1) {
        const double left = nrm_lp_each(s, after_rows, o) / gap;
        memcpy(o->first, o->move, (size_t)s->n * sizeof *o->first);
        o->target = left * left * left * gap / (2 * (double)s->n);
        o->correct = true;
        direction(s, o);
    }
    nrm_lp_each(s, take_rows, o);
    for (int64_t j = 0; j < s->k; j++) s->z[j] += o->primal * s->step[j];
    nrm_lp_residual(s, s->z, s->r);
    return NRM_OK;
}

nrm_status nrm_lp_absolute(nrm_lp_space *s)
{
    double *memory;
    nrm_status st;
    int idle = 0;

    NRM_TRY(NRM_ALLOC(s->ctx, memory, 4 * s->n, s->who));
    inner o = {.u = memory, .v = memory + s->n, .move = memory + 2 * s->n, .first = memory + 3 * s->n};
    o.mean = 0.1 * nrm_lp_norm(s, s->r, 1) / (double)s->n;
    nrm_lp_each(s, start_rows, &o);
    double gap = nrm_lp_each(s, gap_rows, &o);
    while (s->iterations < s->max_iter && idle < 3 && gap > 1e-9 * nrm_lp_norm(s, s->r, 1)) {
        NRM_TRY_DONE(interior_step(s, &o, gap));
        const double next = nrm_lp_each(s, gap_rows, &o);
        idle = next < 0.9 * gap ? 0 : idle + 1;
        gap = next;
    }
    nrm_lp_certify(s, s->lambda);
    nrm_lp_each(s, weight_rows, &o);
    st = nrm_lp_vertex(s, s->trial, s->lambda);
done:
    nrm_free(s->ctx, memory);
    return st;
}
