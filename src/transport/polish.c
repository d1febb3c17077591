/* polish.c -- the optimum on a fixed support.
 *
 * With rows Omega_j allowed in column j the problem is convex:
 *     min <T, C> + (gamma/2)|T|^2,  T >= 0 on the support,  T 1 = a,  T'1 = b,
 * and its semi-dual  <alpha, a> - sum_j max over Omega_j of ...  is the one of objective.c
 * with short columns and no limit: C^1, so L-BFGS converges.  (The specification of the
 * method writes the dual over (alpha, beta); maximising over beta in closed form gives this
 * one, with fewer variables and column sums that are exact.)  If the support admits no plan
 * the semi-dual is unbounded: alpha runs away while the residual stays. */
#include "ot.h"
#include "linalg/linalg.h"

enum { SPARE = 16, PATIENCE = 200, MOST_STEPS = 5000 };
static const double FAR = 1e6; /* in units of the largest cost */

static void free_support(nrm_ctx *ctx, nrm_ot_support *s)
{
    nrm_free(ctx, s->start);
    nrm_free(ctx, s->row);
    nrm_free(ctx, s->cost);
    *s = (nrm_ot_support){0};
}

/* The candidates of column j, best first in value: alpha - c_j, or masses of a plan with the
 * rows it leaves out ranked behind by alpha - c_j. */
static void rank_rows(nrm_ot *ot, int64_t j, const double *alpha, const double *average, nrm_ot_column *w)
{
    const double *mass = average ? average + j * ot->m : NULL;
    double lift = 0;

    w->count = ot->m;
    for (int64_t i = 0; i < ot->m; i++) {
        w->index[i] = i;
        w->value[i] = alpha[i] - nrm_ot_cost(ot, i, j);
        lift = fmax(lift, fabs(w->value[i]));
    }
    if (!mass) return;
    for (int64_t i = 0; i < ot->m; i++)
        if (mass[i] > 0) w->value[i] = 2 * lift + mass[i] / ot->b[j] * (1 + lift);
}

/* At most k rows a column, and no more than a few spare ones beside those that carry mass:
 * the rest cannot help, and k may be m. */
static nrm_status make_support(nrm_ot *ot, const double *alpha, const double *average, nrm_ot_support *s)
{
    nrm_ot_column *w = &ot->columns[0];
    nrm_status st = NRM_OK;

    *s = (nrm_ot_support){0};
    NRM_TRY_DONE(NRM_ALLOC(ot->ctx, s->start, ot->n + 1, "sparse-ot: the support"));
    for (int64_t j = 0; j < ot->n; j++) {
        double tau;
        nrm_ot_column_at(ot, w, j, alpha, 0, &tau);
        s->start[j + 1] = nrm_min_i64(ot->k, 2 * w->count + SPARE);
    }
    s->start[0] = 0;
    for (int64_t j = 0; j < ot->n; j++) s->start[j + 1] += s->start[j];
    NRM_TRY_DONE(NRM_ALLOC(ot->ctx, s->row, s->start[ot->n], "sparse-ot: the support"));
    NRM_TRY_DONE(NRM_ALLOC(ot->ctx, s->cost, s->start[ot->n], "sparse-ot: the support"));
    for (int64_t j = 0; j < ot->n; j++) {
        rank_rows(ot, j, alpha, average, w);
        nrm_ot_keep_largest(w, s->start[j + 1] - s->start[j]);
        for (int64_t i = 0; i < w->count; i++) {
            s->row[s->start[j] + i] = w->index[i];
            s->cost[s->start[j] + i] = nrm_ot_cost(ot, w->index[i], j);
        }
    }
done:
    if (st < 0) free_support(ot->ctx, s);
    return st;
}

/* Every row needs an entry. */
static bool covers(nrm_ot *ot, const nrm_ot_support *s)
{
    double *seen = ot->point;
    memset(seen, 0, (size_t)ot->m * sizeof *seen);
    for (int64_t p = 0; p < s->start[ot->n]; p++) seen[s->row[p]] = 1;
    for (int64_t i = 0; i < ot->m; i++)
        if (seen[i] == 0) return false;
    return true;
}

typedef struct watch {
    nrm_ot *ot; /* first: the objective's user */
    double best;
    int64_t since; /* steps since the residual last fell markedly */
} watch;

static nrm_status objective(nrm_ctx *ctx, void *user, const double *x, double *value, double *gradient)
{
    return nrm_ot_objective(ctx, ((watch *)user)->ot, x, value, gradient);
}

static bool hopeless(void *user, const double *x, const nrm_lbfgs_result *r)
{
    watch *w = user;
    if (r->residual < 0.9 * w->best) {
        w->best = r->residual;
        w->since = 0;
    } else if (++w->since > PATIENCE) {
        return true;
    }
    return nrm_norm_inf(x, w->ot->m) * w->ot->scale > FAR * fmax(w->ot->magnitude, w->ot->gamma);
}

static nrm_lbfgs_options careful(double tol)
{
    nrm_lbfgs_options lo = nrm_lbfgs_options_default();
    lo.memory = 20;
    lo.max_iter = MOST_STEPS;
    lo.tol = fmin(1e-3 * tol, 1e-12);
    lo.first_step = 0.1;
    lo.task = "sparse-ot: polish";
    lo.stop = hopeless;
    return lo;
}

nrm_status nrm_ot_polish(nrm_ot *ot, double tol, const double *alpha, const double *average, double *polished_alpha,
                         nrm_ot_plan *plan, bool *feasible)
{
    nrm_ot_support support;
    nrm_ot fixed = *ot;
    watch user = {&fixed, INFINITY, 0};
    const nrm_lbfgs_options lo = careful(tol);
    nrm_lbfgs_result r;
    double *x = NULL;
    nrm_status st = NRM_OK;

    *plan = (nrm_ot_plan){0};
    *feasible = false;
    fixed.dual = false;
    nrm_ot_restart(ot); /* the bounds of the last evaluation are in memory that both share */
    nrm_ot_restart(&fixed);
    NRM_TRY(make_support(&fixed, alpha, average, &support));
    fixed.support = &support;
    if (!covers(ot, &support)) goto done;
    NRM_TRY_DONE(NRM_ALLOC(ot->ctx, x, ot->m, "sparse-ot: polishing"));
    for (int64_t i = 0; i < ot->m; i++) x[i] = alpha[i] / ot->scale;
    nrm_ot_restart(&fixed);
    NRM_TRY_DONE(nrm_lbfgs(ot->ctx, "sparse-ot", ot->m, objective, &user, x, &lo, &r));
    if (r.residual <= tol) {
        for (int64_t i = 0; i < ot->m; i++) polished_alpha[i] = x[i] * ot->scale;
        NRM_TRY_DONE(nrm_ot_plan_at(&fixed, polished_alpha, plan));
        *feasible = true;
    }
done:
    nrm_free(ot->ctx, x);
    free_support(ot->ctx, &support);
    return st;
}

nrm_status nrm_ot_refine(nrm_ot *ot, double tol, double *alpha)
{
    watch user = {ot, INFINITY, 0};
    const nrm_lbfgs_options lo = careful(tol);
    nrm_lbfgs_result r;
    const bool dual = ot->dual;

    ot->dual = false;
    nrm_ot_restart(ot);
    for (int64_t i = 0; i < ot->m; i++) alpha[i] /= ot->scale;
    const nrm_status st = nrm_lbfgs(ot->ctx, "sparse-ot", ot->m, objective, &user, alpha, &lo, &r);
    for (int64_t i = 0; i < ot->m; i++) alpha[i] *= ot->scale;
    ot->dual = dual;
    return st;
}
