/* plan.c -- the plan T = [t_1 ... t_n] as sparse columns, its sums and its cost. */
#include "ot.h"
#include <omp.h>

void nrm_ot_plan_free(nrm_ctx *ctx, nrm_ot_plan *plan)
{
    nrm_free(ctx, plan->start);
    nrm_free(ctx, plan->row);
    nrm_free(ctx, plan->mass);
    *plan = (nrm_ot_plan){0};
}

/* Lengths start[j + 1] become places. */
static nrm_status allocate(nrm_ot *ot, nrm_ot_plan *plan)
{
    plan->start[0] = 0;
    for (int64_t j = 0; j < ot->n; j++) {
        plan->max_nnz = nrm_max_i64(plan->max_nnz, plan->start[j + 1]);
        plan->start[j + 1] += plan->start[j];
    }
    plan->nnz = plan->start[ot->n];
    NRM_TRY(NRM_ALLOC(ot->ctx, plan->row, plan->nnz, "sparse-ot: the plan"));
    return NRM_ALLOC(ot->ctx, plan->mass, plan->nnz, "sparse-ot: the plan");
}

/* Sums over the entries in their order, on one thread: cheap beside the plan's making. */
static nrm_status measure(nrm_ot *ot, nrm_ot_plan *plan)
{
    double *row_sum;

    NRM_TRY(NRM_ALLOC_ZERO(ot->ctx, row_sum, ot->m, "sparse-ot: row sums"));
    for (int64_t j = 0; j < ot->n; j++) {
        double sum = 0, cost = 0, square = 0;
        for (int64_t p = plan->start[j]; p < plan->start[j + 1]; p++) {
            const double t = plan->mass[p];
            sum += t;
            square += t * t;
            cost += t * nrm_ot_cost(ot, plan->row[p], j);
            row_sum[plan->row[p]] += t;
        }
        plan->cost += cost;
        plan->square += square;
        plan->column_residual = fmax(plan->column_residual, fabs(sum - ot->b[j]));
    }
    for (int64_t i = 0; i < ot->m; i++)
        plan->row_residual = fmax(plan->row_residual, fabs(row_sum[i] - ot->a[i]));
    nrm_free(ot->ctx, row_sum);
    return NRM_OK;
}

/* Twice over the columns: lengths, then entries. */
static void columns(nrm_ot *ot, const double *x, nrm_ot_plan *plan, bool fill)
{
#pragma omp parallel for num_threads(ot->threads) schedule(static) if (ot->m * ot->n > NRM_OT_WORTH_THREADS)
    for (int64_t j = 0; j < ot->n; j++) {
        nrm_ot_column *w = &ot->columns[omp_get_thread_num()];
        double tau;
        nrm_ot_column_at(ot, w, j, x, 0, &tau);
        if (!fill) {
            plan->start[j + 1] = w->count;
            continue;
        }
        memcpy(plan->row + plan->start[j], w->index, (size_t)w->count * sizeof *w->index);
        memcpy(plan->mass + plan->start[j], w->value, (size_t)w->count * sizeof *w->value);
    }
}

nrm_status nrm_ot_plan_at(nrm_ot *ot, const double *x, nrm_ot_plan *plan)
{
    nrm_status st = NRM_OK;

    *plan = (nrm_ot_plan){0};
    nrm_ot_restart(ot); /* each column by itself */
    NRM_TRY_DONE(NRM_ALLOC(ot->ctx, plan->start, ot->n + 1, "sparse-ot: the plan"));
    columns(ot, x, plan, false);
    NRM_TRY_DONE(allocate(ot, plan));
    columns(ot, x, plan, true);
    NRM_TRY_DONE(measure(ot, plan));
done:
    if (st < 0) nrm_ot_plan_free(ot->ctx, plan);
    return st;
}

nrm_status nrm_ot_plan_dense(nrm_ot *ot, const double *dense, nrm_ot_plan *plan)
{
    nrm_status st = NRM_OK;

    *plan = (nrm_ot_plan){0};
    NRM_TRY_DONE(NRM_ALLOC(ot->ctx, plan->start, ot->n + 1, "sparse-ot: the plan"));
    for (int64_t j = 0; j < ot->n; j++) {
        int64_t count = 0;
        for (int64_t i = 0; i < ot->m; i++) count += dense[j * ot->m + i] != 0;
        plan->start[j + 1] = count;
    }
    NRM_TRY_DONE(allocate(ot, plan));
    for (int64_t j = 0, p = 0; j < ot->n; j++)
        for (int64_t i = 0; i < ot->m; i++) {
            if (dense[j * ot->m + i] == 0) continue;
            plan->row[p] = i;
            plan->mass[p++] = dense[j * ot->m + i];
        }
    NRM_TRY_DONE(measure(ot, plan));
done:
    if (st < 0) nrm_ot_plan_free(ot->ctx, plan);
    return st;
}
