/* sparse_ot.c -- the method from end to end.  Problem, equations: norma/sparse_ot.h.
 *
 * Maximise S or D; read the plan off the maximiser; polish it on its support; certify.
 * Where the maximiser leaves ties at the k-th place (it often does for small k) the plan
 * read off violates the row sums, and more than one support is worth a try: the k best rows
 * of alpha - c_j, and the k heaviest of the relaxed plan that the bundle's weights make.
 * The best feasible plan is returned; any feasible plan's cost less S bounds its distance
 * from the optimum of (P).
 *
 * Beyond the specification: the potential of the polished plan belongs to a smaller
 * problem, yet S there is a valid lower bound too, and it is adopted when it is better. */
#include "problem.h"
#include "method/descriptor.h"

static const int64_t AVERAGE_ALWAYS = 1 << 22; /* entries up to which the relaxed plan is made for polishing */

typedef struct job {
    nrm_ctx *ctx;
    const nrm_sparse_ot_options *o;
    nrm_ot_problem problem;
    nrm_ot_solution solution;
    nrm_ot_plan plan, relaxed;
    double *x, *average, *candidate; /* m + n, n x m or NULL, m */
    double dual_residual;
    bool polished, feasible, want_relaxed;
} job;

static double primal(const job *w, const nrm_ot_plan *plan)
{
    return plan->cost + 0.5 * w->problem.ot.gamma * plan->square;
}

/* Take `plan` in the place of the one so far, or free it. */
static void take_if(job *w, bool better, nrm_ot_plan *plan)
{
    nrm_ot_plan_free(w->ctx, better ? &w->plan : plan);
    if (!better) return;
    w->plan = *plan;
    w->polished = true;
}

static nrm_status try_support(job *w, const double *average)
{
    nrm_ot *ot = &w->problem.ot;
    nrm_ot_plan plan;
    bool feasible;

    NRM_TRY(nrm_ot_polish(ot, w->o->tol, w->x, average, w->candidate, &plan, &feasible));
    if (!feasible) return NRM_OK;
    take_if(w, !w->polished || primal(w, &plan) < primal(w, &w->plan), &plan);
    return NRM_OK;
}

/* The maximiser is known to tol, yet its support admits no plan: rows of less mass than tol
 * are missing from it, or their potentials are off.  Maximise on to rounding. */
static nrm_status refine(job *w)
{
    nrm_ot *ot = &w->problem.ot;
    const bool dual = ot->dual;
    nrm_ot_plan plan;

    memcpy(w->candidate, w->x, (size_t)ot->m * sizeof *w->x);
    NRM_TRY(nrm_ot_refine(ot, w->o->tol, w->candidate));
    ot->dual = false;
    const nrm_status st = nrm_ot_plan_at(ot, w->candidate, &plan);
    ot->dual = dual;
    NRM_TRY(st);
    take_if(w, nrm_ot_plan_error(&plan) <= nrm_ot_plan_error(&w->plan), &plan);
    return NRM_OK;
}

/* S at the potential of a polished plan, with the thresholds for beta left in ot->tau. */
static void adopt(job *w)
{
    nrm_ot *ot = &w->problem.ot;
    const bool dual = ot->dual;

    ot->dual = false;
    const double value = nrm_ot_evaluate(ot, w->candidate, NULL);
    if (value > w->solution.value) {
        w->solution.value = value;
        memcpy(w->x, w->candidate, (size_t)ot->m * sizeof *w->x);
        if (dual)
            for (int64_t j = 0; j < ot->n; j++) w->x[ot->m + j] = -ot->tau[j];
    }
    ot->dual = dual;
}

static nrm_status maximise(job *w)
{
    nrm_ot *ot = &w->problem.ot;

    NRM_TRY(nrm_ot_solve(ot, w->o, w->x, w->average, &w->solution));
    NRM_TRY(nrm_ot_plan_at(ot, w->x, &w->plan));
    w->dual_residual = nrm_ot_plan_error(&w->plan);
    if (w->want_relaxed) {
        if (w->solution.kinked) NRM_TRY(nrm_ot_plan_dense(ot, w->average, &w->relaxed));
        else NRM_TRY(nrm_ot_plan_at(ot, w->x, &w->relaxed));
    }
    if (w->o->polish && !w->solution.cancelled) {
        NRM_TRY(try_support(w, NULL));
        if (!w->polished && w->dual_residual <= w->o->tol) NRM_TRY(refine(w));
        if (w->polished) adopt(w);
        const double gap = primal(w, &w->plan) - w->solution.value;
        const bool certain = w->polished && gap <= w->o->tol * fabs(w->solution.value);
        if (!certain && w->solution.kinked && w->average) NRM_TRY(try_support(w, w->average));
        w->solution.cancelled = nrm_cancelled(w->ctx);
    }
    w->feasible = nrm_ot_plan_error(&w->plan) <= w->o->tol;
    return NRM_OK;
}

static void fill_info(const job *w, nrm_sparse_ot_info *info, double seconds)
{
    const nrm_ot_problem *p = &w->problem;
    const double total = p->total, gap = primal(w, &w->plan) - w->solution.value;
    const int64_t rows = p->rows - p->ot.m, columns = p->columns - p->ot.n;
    const double row = w->plan.row_residual * total, column = w->plan.column_residual * total;

    *info = (nrm_sparse_ot_info){
        .value = w->solution.value * total,
        .primal_cost = w->plan.cost * total,
        .primal = primal(w, &w->plan) * total,
        .gap = w->feasible ? (gap == 0 ? 0 : gap / fabs(w->solution.value)) : (double)NAN,
        .row_residual = p->transposed ? column : row,
        .column_residual = p->transposed ? row : column,
        .dual_residual = w->dual_residual * total,
        .feasible = w->feasible,
        .polished = w->polished,
        .k = nrm_min_i64(w->o->k, p->rows),
        .nnz = w->plan.nnz,
        .max_nnz = w->plan.max_nnz,
        .iterations = w->solution.iterations,
        .evaluations = p->ot.evaluations,
        .solver = w->solution.solver,
        .dropped_rows = p->transposed ? columns : rows,
        .dropped_columns = p->transposed ? rows : columns,
        .seconds = seconds,
    };
}

static nrm_status verdict(const job *w)
{
    const nrm_ot_solution *s = &w->solution;
    const double gap = primal(w, &w->plan) - s->value;
    char residual[NRM_NUMBER_LENGTH], tol[NRM_NUMBER_LENGTH];

    nrm_format_f64(tol, w->o->tol);
    if (s->cancelled)
        return nrm_fail(w->ctx, NRM_PARTIAL, "sparse-ot: stopped after %lld iterations; the plan is the best so far",
                        NRM_LL(s->iterations));
    if (!s->converged && !(w->feasible && gap <= w->o->tol * fabs(s->value))) {
        nrm_format_f64(residual, s->residual);
        return nrm_fail(w->ctx, NRM_NOT_CONVERGED,
                        "sparse-ot: %s stopped after %lld iterations at residual %s, tol is %s; raise max_iter or tol, "
                        "or raise k: %s", s->solver, NRM_LL(s->iterations), residual, tol,
                        w->feasible ? "the plan is feasible and its gap certified" : "the plan's marginals are off");
    }
    if (!w->feasible) {
        nrm_format_f32(residual, (float)nrm_ot_plan_error(&w->plan)); /* a share: seven digits say it */
        return nrm_fail(w->ctx, NRM_RELAXED,
                        "sparse-ot: no plan with at most %lld non-zeros a column was found on the optimal support; the "
                        "plan's marginals are off by %s of the mass; raise k, or take relaxed_plan",
                        NRM_LL(w->problem.ot.k), residual);
    }
    return NRM_OK;
}

static nrm_status work_memory(job *w)
{
    const nrm_ot *ot = &w->problem.ot;
    const bool may_kink = ot->k < ot->m && (w->o->solver == NRM_SPARSE_OT_AUTO || w->o->solver == NRM_SPARSE_OT_BUNDLE);

    NRM_TRY(NRM_ALLOC_ZERO(w->ctx, w->x, ot->m + ot->n, "sparse-ot"));
    NRM_TRY(NRM_ALLOC(w->ctx, w->candidate, ot->m, "sparse-ot"));
    if (w->want_relaxed || (may_kink && w->o->polish && ot->m * ot->n <= AVERAGE_ALWAYS))
        NRM_TRY(NRM_ALLOC_ZERO(w->ctx, w->average, ot->m * ot->n, "sparse-ot: the relaxed plan"));
    return NRM_OK;
}

static nrm_status solve(nrm_ctx *ctx, const nrm_ot_caller *caller, nrm_csr *plan, double *alpha, double *beta,
                        nrm_csr *relaxed, nrm_sparse_ot_info *info, const nrm_sparse_ot_options *options)
{
    const double start = nrm_now();
    nrm_sparse_ot_options o;
    job w = {.ctx = ctx, .o = &o, .want_relaxed = relaxed != NULL};
    nrm_csr csr = {0}, relaxed_csr = {0};
    nrm_status st = NRM_OK;

    nrm_clear_message(ctx);
    NRM_TRY(nrm_options_load(ctx, &nrm_sparse_ot_method, options, &o));
    NRM_TRY(nrm_ot_problem_make(ctx, caller, &o, &w.problem));
    nrm_ot *ot = &w.problem.ot;
    NRM_TRY_DONE(work_memory(&w));
    NRM_TRY_DONE(maximise(&w));

    if (plan) NRM_TRY_DONE(nrm_ot_plan_csr(&w.problem, &w.plan, &csr));
    if (relaxed) NRM_TRY_DONE(nrm_ot_plan_csr(&w.problem, &w.relaxed, &relaxed_csr));
    const double *inner_beta = w.x + ot->m;
    if (!ot->dual) { /* beta = -tau at the final alpha */
        nrm_ot_restart(ot);
        w.solution.value = nrm_ot_evaluate(ot, w.x, NULL);
        for (int64_t j = 0; j < ot->n; j++) w.x[ot->m + j] = -ot->tau[j];
    }
    NRM_TRY_DONE(nrm_ot_potentials(&w.problem, w.x, inner_beta, alpha, beta)); /* writes once nothing can fail */
    if (plan) *plan = csr;
    if (relaxed) *relaxed = relaxed_csr;
    if (info) fill_info(&w, info, nrm_now() - start);
    st = verdict(&w);
done:
    if (st < 0) {
        nrm_csr_destroy(ctx, &csr);
        nrm_csr_destroy(ctx, &relaxed_csr);
    }
    nrm_ot_plan_free(ctx, &w.plan);
    nrm_ot_plan_free(ctx, &w.relaxed);
    nrm_free(ctx, w.average);
    nrm_free(ctx, w.candidate);
    nrm_free(ctx, w.x);
    nrm_ot_problem_end(&w.problem);
    return st;
}

nrm_status nrm_sparse_ot(nrm_ctx *ctx, int64_t m, int64_t n, const double *a, const double *b, const double *cost,
                         nrm_csr *plan, double *alpha, double *beta, nrm_csr *relaxed, nrm_sparse_ot_info *info,
                         const nrm_sparse_ot_options *options)
{
    return solve(ctx, &(nrm_ot_caller){m, n, a, b, cost, false}, plan, alpha, beta, relaxed, info, options);
}

nrm_status nrm_sparse_ot_f32(nrm_ctx *ctx, int64_t m, int64_t n, const double *a, const double *b, const float *cost,
                             nrm_csr *plan, double *alpha, double *beta, nrm_csr *relaxed, nrm_sparse_ot_info *info,
                             const nrm_sparse_ot_options *options)
{
    return solve(ctx, &(nrm_ot_caller){m, n, a, b, cost, true}, plan, alpha, beta, relaxed, info, options);
}
