/* solve.c -- maximising the dual objective: L-BFGS, the proximal bundle, Adam, subgradient.
 *
 * All work on x = (alpha, beta) / scale, scale being the range of the cost, and on the
 * objective over the total mass and over scale: then first steps and proximal weights mean
 * the same for every problem.  Adam's step is in the units of the cost, as in the paper. */
#include "ot.h"
#include "linalg/linalg.h"

/* What the solvers call back with: the problem first, then what each needs. */
typedef struct kink_watch {
    nrm_ot *ot;
    int64_t iterations, armijo_only; /* at the last look */
} kink_watch;

/* average <- carried average + sum lambda_i T(point_i), as dense columns. */
typedef struct averaging {
    nrm_ot *ot;
    double *average;
    bool cancelled; /* on the way: the average is worth nothing */
} averaging;

static nrm_status add_plans(nrm_ctx *ctx, void *user, double carried, int64_t count, const double *lambda,
                            const double *points)
{
    averaging *w = user;
    nrm_ot *ot = w->ot;
    const int64_t size = nrm_ot_size(ot);

    for (int64_t i = 0; i < ot->m * ot->n; i++) w->average[i] *= carried;
    for (int64_t q = 0; q < count; q++) {
        nrm_ot_plan plan;
        if (lambda[q] == 0) continue;
        /* Up to a hundred plans, two evaluations each: too long to sit out. */
        w->cancelled = w->cancelled || nrm_tick(ctx, "sparse-ot: relaxed plan", (double)q, (double)count, "weight",
                                                lambda[q]);
        if (w->cancelled) return NRM_OK;
        for (int64_t i = 0; i < size; i++) ot->point[i] = ot->scale * points[q * size + i];
        NRM_TRY(nrm_ot_plan_at(ot, ot->point, &plan));
        for (int64_t j = 0; j < ot->n; j++)
            for (int64_t p = plan.start[j]; p < plan.start[j + 1]; p++)
                w->average[j * ot->m + plan.row[p]] += lambda[q] * plan.mass[p];
        nrm_ot_plan_free(ctx, &plan);
    }
    return NRM_OK;
}

static nrm_status bundle_objective(nrm_ctx *ctx, void *user, const double *x, double *value, double *gradient)
{
    return nrm_ot_objective(ctx, ((averaging *)user)->ot, x, value, gradient);
}

static nrm_status watched_objective(nrm_ctx *ctx, void *user, const double *x, double *value, double *gradient)
{
    return nrm_ot_objective(ctx, ((kink_watch *)user)->ot, x, value, gradient);
}

/* Half of the last ten steps found no Wolfe point: a kink, which costs tens of evaluations a
 * step and is the bundle's business. */
static bool on_a_kink(void *user, const double *x, const nrm_lbfgs_result *r)
{
    kink_watch *w = user;
    (void)x;
    if (r->iterations < w->iterations + 10) return false;
    const bool kinked = r->armijo_only - w->armijo_only >= 5;
    w->iterations = r->iterations;
    w->armijo_only = r->armijo_only;
    return kinked;
}

static nrm_status lbfgs(nrm_ot *ot, const nrm_sparse_ot_options *o, double *x, nrm_ot_solution *s)
{
    nrm_lbfgs_options lo = nrm_lbfgs_options_default();
    nrm_lbfgs_result r;
    kink_watch user = {ot, 0, 0};

    lo.memory = o->memory;
    lo.max_iter = o->max_iter;
    lo.tol = o->tol;
    lo.first_step = 0.1;
    lo.task = "sparse-ot: lbfgs";
    if (o->solver == NRM_SPARSE_OT_AUTO && ot->k < ot->m) lo.stop = on_a_kink;
    NRM_TRY(nrm_lbfgs(ot->ctx, "sparse-ot", nrm_ot_size(ot), watched_objective, &user, x, &lo, &r));
    s->value = -r.value * ot->scale;
    s->residual = r.residual;
    s->iterations += r.iterations;
    s->converged = r.end == NRM_LBFGS_CONVERGED;
    s->cancelled = r.end == NRM_LBFGS_CANCELLED;
    s->solver = "lbfgs";
    return NRM_OK;
}

static nrm_status bundle(nrm_ot *ot, const nrm_sparse_ot_options *o, double *x, double *average, nrm_ot_solution *s)
{
    averaging user = {ot, average, false};
    nrm_proximal_bundle_options bo = nrm_proximal_bundle_options_default();
    nrm_proximal_bundle_result r;

    bo.residual_tol = o->tol;
    bo.tol = o->tol * fmin(1, fmax(fabs(s->value) / ot->scale, 1e-6));
    bo.max_iter = o->max_iter;
    bo.task = "sparse-ot: bundle";
    bo.average = average ? add_plans : NULL;
    NRM_TRY(nrm_proximal_bundle(ot->ctx, "sparse-ot", nrm_ot_size(ot), bundle_objective, &user, x, &bo, &r));
    s->value = -r.value * ot->scale;
    s->residual = r.residual;
    s->iterations += r.iterations;
    s->converged = r.end == NRM_PROXIMAL_BUNDLE_CONVERGED;
    s->cancelled = r.end == NRM_PROXIMAL_BUNDLE_CANCELLED || user.cancelled;
    s->kinked = !user.cancelled;
    s->solver = "bundle";
    return NRM_OK;
}

nrm_status nrm_ot_adam(nrm_ot *ot, const char *who, double lr, int64_t steps, double *x, nrm_ot_solution *s)
{
    const int64_t size = nrm_ot_size(ot);
    const double decay1 = 0.9, decay2 = 0.999, epsilon = 1e-8;
    double *gradient, *mean, *square, left1 = 1, left2 = 1;
    int64_t where;

    NRM_TRY(NRM_ALLOC_ZERO(ot->ctx, gradient, 3 * size, "sparse-ot: adam"));
    mean = gradient + size;
    square = mean + size;
    for (int64_t t = 1; t <= steps && !s->cancelled; t++) {
        nrm_ot_evaluate(ot, x, gradient);
        left1 *= decay1;
        left2 *= decay2;
        for (int64_t i = 0; i < size; i++) {
            const double g = gradient[i];
            mean[i] = decay1 * mean[i] + (1 - decay1) * g;
            square[i] = decay2 * square[i] + (1 - decay2) * g * g;
            x[i] += lr * (mean[i] / (1 - left1)) / (sqrt(square[i] / (1 - left2)) + epsilon);
        }
        s->iterations++;
        s->cancelled = nrm_tick(ot->ctx, "sparse-ot: adam", (double)t, (double)steps, "residual",
                                nrm_norm_inf(gradient, size));
    }
    s->value = nrm_ot_evaluate(ot, x, gradient);
    s->residual = nrm_norm_inf(gradient, size);
    s->solver = "adam";
    nrm_free(ot->ctx, gradient);
    NRM_REQUIRE(ot->ctx, nrm_all_finite_f64(x, size, &where), NRM_E_OVERFLOW,
                "%s: lr is %g; with steps of that length the potentials overflow: choose a smaller one", who, lr);
    return NRM_OK;
}

/* x += 0.5/sqrt(t) g, keeping the best: a baseline, sublinear by nature. */
static nrm_status subgradient(nrm_ot *ot, const nrm_sparse_ot_options *o, double *x, nrm_ot_solution *s)
{
    const int64_t size = nrm_ot_size(ot);
    double *gradient, *at;

    NRM_TRY(NRM_ALLOC_ZERO(ot->ctx, gradient, 2 * size, "sparse-ot: subgradient"));
    at = gradient + size;
    memcpy(at, x, (size_t)size * sizeof *x);
    s->value = -INFINITY;
    s->solver = "subgradient";
    for (int64_t t = 0; t <= o->max_iter; t++) {
        const double value = nrm_ot_evaluate(ot, at, gradient);
        const double residual = nrm_norm_inf(gradient, size);
        if (value > s->value) {
            s->value = value;
            s->residual = residual;
            memcpy(x, at, (size_t)size * sizeof *x);
        }
        s->iterations = t;
        s->converged = s->residual <= o->tol;
        s->cancelled = nrm_tick(ot->ctx, "sparse-ot: subgradient", (double)t, (double)o->max_iter, "residual",
                                residual);
        if (s->converged || s->cancelled) break;
        for (int64_t i = 0; i < size; i++) at[i] += 0.5 / sqrt((double)t + 1) * ot->scale * gradient[i];
    }
    nrm_free(ot->ctx, gradient);
    return NRM_OK;
}

nrm_status nrm_ot_solve(nrm_ot *ot, const nrm_sparse_ot_options *o, double *x, double *average, nrm_ot_solution *s)
{
    const int64_t size = nrm_ot_size(ot);

    if (o->solver == NRM_SPARSE_OT_ADAM) {
        NRM_TRY(nrm_ot_adam(ot, "sparse-ot", o->lr, o->adam_iters, x, s));
        s->converged = s->residual <= o->tol;
        return NRM_OK;
    }
    if (o->solver == NRM_SPARSE_OT_SUBGRADIENT) return subgradient(ot, o, x, s);

    for (int64_t i = 0; i < size; i++) x[i] /= ot->scale;
    nrm_status st = NRM_OK;
    if (o->solver != NRM_SPARSE_OT_BUNDLE) st = lbfgs(ot, o, x, s);
    else s->value = ot->scale;
    const bool stalled = o->solver == NRM_SPARSE_OT_AUTO && !s->converged && !s->cancelled && ot->k < ot->m;
    if (st >= 0 && (stalled || o->solver == NRM_SPARSE_OT_BUNDLE)) st = bundle(ot, o, x, average, s);
    for (int64_t i = 0; i < size; i++) x[i] *= ot->scale;
    return st;
}
