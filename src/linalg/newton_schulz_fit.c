/* newton_schulz_fit.c -- least squares for composed quintics.  Contract: newton_schulz_fit.h.
 *
 * With x_0 = sigma, x_{k+1} = a_k x_k + b_k x_k^3 + c_k x_k^5 and d_k = a_k + 3 b_k x_k^2 + 5 c_k x_k^4,
 *     d x_K / d (a_k, b_k, c_k) = (d_{k+1} ... d_{K-1}) (x_k, x_k^3, x_k^5),                 (2)
 * summed over k where one triple serves all steps.  A step of Levenberg and Marquardt solves
 *     (N + lambda diag N) delta = -g,   N = sum w J' J,  g = sum w J' r,  r = x_K - 1        (3)
 *
 * J has several minima and the deepest may be inadmissible: its polynomials grow where the
 * spectrum has no values.  Hence the starts, and the test of each result. */
#include "newton_schulz_fit.h"
#include "polar_express.h"
#include "solve_small.h"

enum {
    LANES = 64,               /* singular values that go through the steps together */
    MOST = 3 * NRM_FIT_STEPS, /* unknowns */
    GRID = 20001,             /* of the bound */
    COARSE = 1001,            /* the same on the way */
    ITERATIONS = 400
};
static const double HUGE_VALUE = 1e300, EXACT = 1e-24; /* J that rounding alone leaves */

/* ---- J and its derivatives ------------------------------------------------------------------- */

typedef struct block {
    double x[NRM_FIT_STEPS + 1][LANES], slope[NRM_FIT_STEPS][LANES], row[MOST][LANES];
} block;

/* x_K, and the slopes on the way. */
static void forward(block *b, const nrm_quintic *step, int steps, bool each)
{
    for (int k = 0; k < steps; k++) {
        const nrm_quintic p = step[each ? k : 0];
        for (int i = 0; i < LANES; i++) {
            const double x = b->x[k][i], s = x * x;
            b->x[k + 1][i] = x * (p.a + s * (p.b + s * p.c));
            b->slope[k][i] = p.a + s * (3 * p.b + s * (5 * p.c));
        }
    }
}

/* (2) */
static void backward(block *b, int steps, bool each)
{
    double through[LANES];

    for (int i = 0; i < LANES; i++) through[i] = 1;
    if (!each) memset(b->row, 0, 3 * sizeof b->row[0]);
    for (int k = steps - 1; k >= 0; k--) {
        double(*row)[LANES] = b->row + (each ? 3 * k : 0);
        if (each) memset(row, 0, 3 * sizeof *row);
        for (int i = 0; i < LANES; i++) {
            const double x = b->x[k][i], s = x * x, first = through[i] * x;
            row[0][i] += first;
            row[1][i] += first * s;
            row[2][i] += first * s * s;
            through[i] *= b->slope[k][i];
        }
    }
}

/* Four sums side by side: one chain of additions would wait for itself. */
static double weighted(const double *w, const double *a, const double *b)
{
    double sum[4] = {0};
    for (int i = 0; i < LANES; i += 4)
        for (int j = 0; j < 4; j++) sum[j] += w[i + j] * a[i + j] * b[i + j];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

double nrm_newton_schulz_objective(const nrm_spectrum *spectrum, const nrm_quintic *step, int steps, bool each,
                                   double *half_gradient, double *normal)
{
    const int n = each ? 3 * steps : 3;
    double objective = 0;
    block b;

    if (half_gradient) memset(half_gradient, 0, (size_t)n * sizeof *half_gradient);
    if (normal) memset(normal, 0, (size_t)(n * n) * sizeof *normal);
    for (int64_t at = 0; at < spectrum->count; at += LANES) {
        const int filled = (int)nrm_min_i64(LANES, spectrum->count - at);
        double w[LANES] = {0}, r[LANES];
        for (int i = 0; i < LANES; i++) b.x[0][i] = spectrum->sigma[at + (i < filled ? i : 0)];
        memcpy(w, spectrum->weight + at, (size_t)filled * sizeof *w); /* lanes without a value weigh 0 */
        forward(&b, step, steps, each);
        for (int i = 0; i < LANES; i++) r[i] = b.x[steps][i] - 1;
        objective += weighted(w, r, r);
        if (!half_gradient && !normal) continue;
        backward(&b, steps, each);
        for (int i = 0; i < n; i++) {
            if (half_gradient) half_gradient[i] += weighted(w, r, b.row[i]);
            for (int j = 0; normal && j <= i; j++) normal[i * n + j] += weighted(w, b.row[i], b.row[j]);
        }
    }
    return objective;
}

static double sup_on(int grid, const nrm_quintic *step, int step_count, int steps, double *at)
{
    double sup = 0, where = 0;

    for (int i = 1; i < grid; i++) {
        const double t = (double)i / (grid - 1);
        double x = t;
        for (int k = 0; k < steps; k++) {
            const nrm_quintic p = step[k < step_count ? k : step_count - 1];
            const double s = x * x;
            x *= p.a + s * (p.b + s * p.c);
            if (fabs(x) <= sup) continue;
            where = t;
            sup = fabs(x) <= HUGE_VALUE ? fabs(x) : (double)INFINITY;
            if (sup > HUGE_VALUE) break;
        }
        if (sup > HUGE_VALUE) break;
    }
    if (at) *at = where;
    return sup;
}

double nrm_newton_schulz_sup(const nrm_quintic *step, int step_count, int steps, double *at)
{
    return sup_on(GRID, step, step_count, steps, at);
}

/* ---- Levenberg and Marquardt ------------------------------------------------------------------- */

typedef struct problem {
    nrm_ctx *ctx;
    const char *who;
    const nrm_spectrum *spectrum;
    int steps, unknowns, iterations;
    bool each;
} problem;

typedef struct point {
    nrm_quintic step[NRM_FIT_STEPS];
    double objective, gradient[MOST], normal[MOST * MOST];
} point;

/* So surely admissible that a coarse grid can tell. */
static bool within(const problem *p, const point *at)
{
    return sup_on(COARSE, at->step, p->unknowns / 3, p->steps, NULL) < 0.995 * NRM_FIT_BOUND;
}

static bool evaluate(const problem *p, point *at)
{
    at->objective = nrm_newton_schulz_objective(p->spectrum, at->step, p->steps, p->each, at->gradient, at->normal);
    return isfinite(at->objective);
}

/* (3): from `at` to `next`, not yet evaluated. */
static bool move(const problem *p, const point *at, double lambda, point *next)
{
    const int n = p->unknowns;
    double system[MOST * MOST], delta[MOST];

    for (int i = 0; i < n; i++) {
        delta[i] = -at->gradient[i];
        for (int j = 0; j < i; j++) system[i * n + j] = system[j * n + i] = at->normal[i * n + j];
        system[i * n + i] = at->normal[i * n + i] * (1 + lambda);
    }
    if (!nrm_solve_small(n, system, delta)) return false;
    for (int k = 0; k < n / 3; k++)
        next->step[k] = (nrm_quintic){at->step[k].a + delta[3 * k], at->step[k].b + delta[3 * k + 1],
                                      at->step[k].c + delta[3 * k + 2]};
    return true;
}

/* From at[0], whose step is set, to a minimum, which is left in at[0]; at[1] is work.  Stops
 * where a step gains less than `gain` of J.  bounded: every point on the way is admissible. */
static nrm_status descend(problem *p, point *at, double gain, bool bounded)
{
    point *now = &at[0], *next = &at[1];
    double lambda = 1e-3;

    if (!evaluate(p, now)) return NRM_OK;
    for (int k = 0; k < ITERATIONS && lambda < 1e14 && now->objective > EXACT; k++, p->iterations++) {
        NRM_REQUIRE(p->ctx, !nrm_tick(p->ctx, "fitting coefficients", k, ITERATIONS, "objective", now->objective),
                    NRM_E_CANCELLED, "%s: stopped while fitting coefficients", p->who);
        if (!move(p, now, lambda, next) || (bounded && !within(p, next)) || !evaluate(p, next) || !(next->objective < now->objective)) {
            lambda *= 4;
            continue;
        }
        const double gained = 1 - next->objective / now->objective;
        point *kept = now;
        now = next, next = kept;
        lambda /= 3;
        if (gained < gain) break;
    }
    if (now != at) at[0] = *now;
    return NRM_OK;
}

/* ---- Starts ---------------------------------------------------------------------------------------- */

/* The classic triple (admissible for any number of steps: there is always a result), Muon's,
 * the four of ROOT's authors, and two between. */
static const nrm_quintic starts[] = {
    {1.875, -1.25, 0.375},     {3.4445, -4.7750, 2.0315}, {3.4916, -4.8224, 2.1095}, {3.4509, -4.5790, 1.9325},
    {2.9794, -3.6674, 1.6207}, {3.1943, -3.8221, 1.5322}, {3, -3.5, 1.5},            {2.5, -3, 1.5},
};

/* Keep the point where it is the best yet.  False: it is not admissible. */
static bool offer(const problem *p, const point *at, nrm_newton_schulz_fit *best)
{
    double where;

    if (!isfinite(at->objective)) return false;
    const int count = p->unknowns / 3;
    const double sup = nrm_newton_schulz_sup(at->step, count, p->steps, &where);
    if (!(sup <= NRM_FIT_BOUND)) return false;
    if (!(at->objective < best->objective)) return true;
    memcpy(best->step, at->step, (size_t)count * sizeof *at->step);
    best->step_count = count;
    best->objective = at->objective;
    best->sup = sup, best->sup_at = where;
    return true;
}

/* From one start: freely, and where that ends outside the bound, within it. */
static nrm_status attempt(problem *p, const nrm_quintic *start, point *at, nrm_newton_schulz_fit *best)
{
    const size_t bytes = (size_t)(p->unknowns / 3) * sizeof *start;
    nrm_quintic kept[NRM_FIT_STEPS];

    memcpy(kept, start, bytes);
    memcpy(at->step, kept, bytes);
    const bool admissible = evaluate(p, at) && offer(p, at, best);
    NRM_TRY(descend(p, at, 1e-6, false));
    if (offer(p, at, best) || !admissible) return NRM_OK;
    memcpy(at->step, kept, bytes);
    NRM_TRY(descend(p, at, 1e-6, true));
    offer(p, at, best);
    return NRM_OK;
}

/* One triple for all steps: all starts roughly, then the best to the end. */
static nrm_status fit_shared(problem *p, point *at, nrm_newton_schulz_fit *best)
{
    for (int i = 0; i < NRM_COUNT(starts) && best->objective > EXACT; i++) NRM_TRY(attempt(p, &starts[i], at, best));
    at->step[0] = best->step[0];
    NRM_TRY(descend(p, at, 1e-15, true));
    offer(p, at, best);
    return NRM_OK;
}

/* A triple for each step: from the shared one, and from greedy sequences for several widths. */
static nrm_status fit_each(problem *p, point *at, nrm_newton_schulz_fit *best)
{
    static const double lower[] = {1e-1, 1e-2, 1e-3, 1e-4};
    nrm_quintic start[NRM_FIT_STEPS];

    for (int k = 0; k < p->steps; k++) start[k] = best->step[0];
    best->objective = INFINITY; /* it comes back as the first of this kind */
    NRM_TRY(attempt(p, start, at, best));
    for (int i = 0; i < NRM_COUNT(lower) && best->objective > EXACT; i++) {
        const nrm_polar_express_options o = {lower[i], p->steps, 0.01, 0.02};
        NRM_TRY(nrm_polar_express(p->ctx, p->who, &o, start, NULL));
        NRM_TRY(attempt(p, start, at, best));
    }
    return NRM_OK;
}

nrm_status nrm_newton_schulz_fit_run(nrm_ctx *ctx, const char *who, const nrm_spectrum *spectrum, int steps, bool each,
                                     nrm_newton_schulz_fit *fit)
{
    nrm_newton_schulz_fit best = {.objective = INFINITY};
    problem p = {.ctx = ctx, .who = who, .spectrum = spectrum, .steps = steps, .unknowns = 3};
    point *at;
    nrm_status st;

    NRM_REQUIRE(ctx, steps >= 1 && steps <= NRM_FIT_STEPS, NRM_E_RANGE, "%s: steps is %d; it must be from 1 to %d for a fit",
                who, steps, NRM_FIT_STEPS);
    NRM_TRY(NRM_ALLOC(ctx, at, 2, who));
    NRM_TRY_DONE(fit_shared(&p, at, &best));
    if (each && steps > 1) {
        p.each = true;
        p.unknowns = 3 * steps;
        NRM_TRY_DONE(fit_each(&p, at, &best));
    }
    best.iterations = p.iterations;
    *fit = best;
    st = NRM_OK;
done:
    nrm_free(ctx, at);
    return st;
}
