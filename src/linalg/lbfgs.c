/* lbfgs.c -- contract and sources: lbfgs.h.
 *
 *     d = -H g,   H = the BFGS update of (s'y / y'y) I by the last pairs s = x+ - x, y = g+ - g
 *     accept x + t d when   f(t) <= f(0) + c1 t f'(0)   and   |f'(t)| <= c2 |f'(0)|       (W)
 * or, when |f(t) - f(0)| is rounding,   f'(t) <= (2 c1 - 1) f'(0)   in place of the first (AW). */
#include "lbfgs.h"
#include "linalg/linalg.h"

static const double C1 = 1e-4, C2 = 0.9;
static const double ROUNDING = 1e-14; /* relative to |f|: differences below are noise */
enum { MOST_TRIALS = 40 };

/* A point: f, its slope along the line at step t, x and gradient. */
typedef struct point {
    double t, value, slope;
    double *x, *gradient;
} point;

typedef struct state {
    nrm_ctx *ctx;
    nrm_objective_fn f;
    void *user;
    int64_t n, memory, pairs, newest; /* pairs held; place of the newest */
    double *s, *y, *rho, *weight;     /* memory x n, memory x n, memory, memory */
    double *direction;
    point at, low, trial;
    nrm_lbfgs_result *result;
} state;

static void swap(point *a, point *b)
{
    const point kept = *a;
    *a = *b;
    *b = kept;
}

static void axpy(int64_t n, double factor, const double *restrict x, double *restrict y)
{
    for (int64_t i = 0; i < n; i++) y[i] += factor * x[i];
}

/* direction <- -H gradient. */
static void two_loops(state *w)
{
    const int64_t n = w->n;
    double *d = w->direction;

    for (int64_t i = 0; i < n; i++) d[i] = -w->at.gradient[i];
    for (int64_t q = 0; q < w->pairs; q++) { /* newest first */
        const int64_t p = (w->newest - q + w->memory) % w->memory;
        w->weight[p] = w->rho[p] * nrm_dot(w->s + p * n, d, n);
        axpy(n, -w->weight[p], w->y + p * n, d);
    }
    if (w->pairs > 0) {
        const double *y = w->y + w->newest * n;
        const double scale = 1 / (w->rho[w->newest] * nrm_dot(y, y, n));
        for (int64_t i = 0; i < n; i++) d[i] *= scale;
    }
    for (int64_t q = w->pairs - 1; q >= 0; q--) { /* oldest first */
        const int64_t p = (w->newest - q + w->memory) % w->memory;
        const double back = w->rho[p] * nrm_dot(w->y + p * n, d, n);
        axpy(n, w->weight[p] - back, w->s + p * n, d);
    }
}

/* Keep the pair of the step at -> low; skipped unless s'y > 0, so that H stays positive.
 * It is made in the place of the oldest one, which is gone either way when all are taken. */
static void remember(state *w)
{
    const int64_t n = w->n, place = (w->newest + 1) % w->memory;
    double *s = w->s + place * n, *y = w->y + place * n;

    for (int64_t i = 0; i < n; i++) {
        s[i] = w->low.x[i] - w->at.x[i];
        y[i] = w->low.gradient[i] - w->at.gradient[i];
    }
    const double curvature = nrm_dot(s, y, n);
    if (!(curvature > 1e-16 * nrm_dot(y, y, n))) {
        if (w->pairs == w->memory) w->pairs--;
        return;
    }
    w->rho[place] = 1 / curvature;
    w->newest = place;
    if (w->pairs < w->memory) w->pairs++;
}

static nrm_status evaluate(state *w, double t)
{
    point *p = &w->trial;

    p->t = t;
    for (int64_t i = 0; i < w->n; i++) p->x[i] = w->at.x[i] + t * w->direction[i];
    NRM_TRY(w->f(w->ctx, w->user, p->x, &p->value, p->gradient));
    w->result->evaluations++;
    p->slope = nrm_dot(p->gradient, w->direction, w->n);
    return NRM_OK;
}

/* Where between two ends the cubic through values and slopes is least, kept off the ends. */
static double between(const point *low, double high_t, double high_value, double high_slope)
{
    const double width = high_t - low->t;
    const double theta = 3 * (low->value - high_value) / width + low->slope + high_slope;
    const double root = theta * theta - low->slope * high_slope;
    double t = low->t + 0.5 * width;

    if (root >= 0 && isfinite(root)) {
        const double gamma = width < 0 ? -sqrt(root) : sqrt(root);
        const double part = (gamma - low->slope + theta) / (2 * gamma - low->slope + high_slope);
        if (isfinite(part)) t = low->t + fmin(0.9, fmax(0.1, part)) * width;
    }
    return t;
}

static bool cancelled(state *w, const nrm_lbfgs_options *o)
{
    const nrm_lbfgs_result *r = w->result;
    return o->task ? nrm_tick(w->ctx, o->task, (double)r->iterations, (double)o->max_iter, "residual", r->residual)
                   : nrm_cancelled(w->ctx);
}

/* Along the direction from w->at, first trying `t`.  On return w->low is the accepted
 * point; w->low.t = 0 where no point of sufficient decrease was found.  Looks at the cancel
 * flag after every trial, for a search may take forty. */
static nrm_status line_search(state *w, const nrm_lbfgs_options *o, double t)
{
    const double f0 = w->at.value, slope0 = w->at.slope, noise = ROUNDING * fabs(f0);
    double high_t = 0, high_value = 0, high_slope = 0;
    bool bracketed = false;

    w->low.t = 0, w->low.value = f0, w->low.slope = slope0;
    for (int trial = 0; trial < MOST_TRIALS; trial++) {
        NRM_TRY(evaluate(w, t));
        const point *p = &w->trial;
        const bool finite = isfinite(p->value) && isfinite(p->slope);
        const bool enough = finite && (p->value <= f0 + C1 * t * slope0 ||
                                       (p->value <= f0 + noise && p->slope <= (2 * C1 - 1) * slope0));
        if (!enough || p->value > w->low.value + noise) {
            high_t = t, high_value = p->value, high_slope = p->slope;
            bracketed = true;
        } else {
            const bool wolfe = fabs(p->slope) <= -C2 * slope0;
            /* Past a minimum as seen from the old low end: that end closes the bracket. */
            if (!wolfe && p->slope * (bracketed ? high_t - w->low.t : 1) >= 0) {
                high_t = w->low.t, high_value = w->low.value, high_slope = w->low.slope;
                bracketed = true;
            }
            swap(&w->low, &w->trial);
            if (wolfe) return NRM_OK;
        }
        if (!bracketed) {
            t *= 4;
            if (!isfinite(t) || t > 1e30) break;
        } else if (isfinite(high_value) && isfinite(high_slope)) {
            t = between(&w->low, high_t, high_value, high_slope);
        } else {
            t = w->low.t + 0.25 * (high_t - w->low.t);
        }
        if (bracketed && fabs(high_t - w->low.t) <= 1e-14 * fmax(high_t, w->low.t)) break;
        if (cancelled(w, o)) break;
    }
    if (w->low.t > 0) w->result->armijo_only++;
    return NRM_OK;
}

static nrm_lbfgs_end iterate_end(state *w, const nrm_lbfgs_options *o, bool *ended)
{
    nrm_lbfgs_result *r = w->result;

    *ended = true;
    r->value = w->at.value;
    r->residual = nrm_norm_inf(w->at.gradient, w->n);
    if (r->residual <= o->tol) return NRM_LBFGS_CONVERGED;
    if (cancelled(w, o)) return NRM_LBFGS_CANCELLED;
    if (o->stop && o->stop(w->user, w->at.x, r)) return NRM_LBFGS_STOPPED;
    if (r->iterations >= o->max_iter) return NRM_LBFGS_MAX_ITER;
    *ended = false;
    return NRM_LBFGS_MAX_ITER;
}

static nrm_status iterate(state *w, const nrm_lbfgs_options *o)
{
    nrm_lbfgs_result *r = w->result;

    for (;;) {
        bool ended;
        r->end = iterate_end(w, o, &ended);
        if (ended) return NRM_OK;

        two_loops(w);
        w->at.slope = nrm_dot(w->at.gradient, w->direction, w->n);
        if (!(w->at.slope < 0)) { /* rounding has spoilt H */
            w->pairs = 0;
            two_loops(w);
            w->at.slope = nrm_dot(w->at.gradient, w->direction, w->n);
        }
        const double length = sqrt(nrm_dot(w->direction, w->direction, w->n));
        NRM_TRY(line_search(w, o, w->pairs > 0 ? 1 : o->first_step / length));
        if (w->low.t == 0) {
            if (w->pairs == 0 && !nrm_cancelled(w->ctx)) {
                r->end = NRM_LBFGS_STALLED;
                return NRM_OK;
            }
            w->pairs = 0; /* once more along the steepest descent */
            continue;
        }
        r->iterations++;
        remember(w);
        swap(&w->at, &w->low);
    }
}

nrm_status nrm_lbfgs(nrm_ctx *ctx, const char *who, int64_t n, nrm_objective_fn f, void *user, double *x,
                     const nrm_lbfgs_options *options, nrm_lbfgs_result *result)
{
    const int64_t memory = nrm_max_i64(1, options->memory);
    nrm_arena arena = {0};
    nrm_lbfgs_result r = {0};
    int64_t pairs_size = 0;
    nrm_status st = NRM_OK;

    NRM_REQUIRE(ctx, nrm_mul_size(memory, n, &pairs_size), NRM_E_OVERFLOW,
                "%s: %lld pairs of %lld values are more than memory can address", who, NRM_LL(memory), NRM_LL(n));
    int slot[11];
    for (int i = 0; i < 2; i++) slot[i] = nrm_arena_add(&arena, pairs_size, sizeof(double));
    for (int i = 2; i < 4; i++) slot[i] = nrm_arena_add(&arena, memory, sizeof(double));
    for (int i = 4; i < 11; i++) slot[i] = nrm_arena_add(&arena, n, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));

    double *place[11];
    for (int i = 0; i < 11; i++) place[i] = nrm_arena_at(&arena, slot[i]);
    state w = {.ctx = ctx, .f = f, .user = user, .n = n, .memory = memory, .newest = memory - 1,
               .s = place[0], .y = place[1], .rho = place[2], .weight = place[3], .direction = place[4],
               .at = {.x = place[5], .gradient = place[6]}, .low = {.x = place[7], .gradient = place[8]},
               .trial = {.x = place[9], .gradient = place[10]}, .result = &r};

    memcpy(w.at.x, x, (size_t)n * sizeof *x);
    NRM_TRY_DONE(f(ctx, user, w.at.x, &w.at.value, w.at.gradient));
    r.evaluations = 1;
    NRM_STOP_IF(!isfinite(w.at.value), NRM_E_NONFINITE, "%s: the objective is not finite at the first point", who);
    NRM_TRY_DONE(iterate(&w, options));
    memcpy(x, w.at.x, (size_t)n * sizeof *x);
    *result = r;
    st = NRM_OK;
done:
    nrm_arena_free(ctx, &arena);
    return st;
}
