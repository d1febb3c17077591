/* objective.c -- the dual objectives over all columns, in parallel.
 *
 *     S(alpha)       = <alpha, a> - sum_j Omega*_bj(alpha - c_j),      gradient a - T 1
 *     D(alpha, beta) = <alpha, a> + <beta, b> - sum_j Omega*_+(alpha + beta_j - c_j),
 *                                                         gradient (a - T 1, b - T'1)
 *
 * One evaluation reads the cost once, a column at a time; the entries above a lower bound
 * of the column's threshold, few of them, are packed into a list (kernel/above.h) and all
 * further work is on the list.  For D the bound is the threshold itself, -beta_j.  For S it
 * comes from the last evaluation, in two ways.  tau_j rises with every entry of alpha and
 * moves by c when alpha moves by c 1, hence
 *     tau_j(alpha) >= tau_j(seen) + min_i (alpha_i - seen_i),                          (1)
 * and any rows A, at most k of them, give a threshold that is not above the true one:
 *     tau_j(alpha) >= (sum_{i in A} (alpha_i - C_ij) - gamma b_j) / |A|,               (2)
 * which is sharp for A = the last support.  The first evaluation uses (2) with the largest
 * entry alone, one more pass over a column that is in cache by then.  The list always
 * contains the support and the sums run over the support, so the bound that is used does
 * not change the result.
 *
 * Row sums: each block of columns has its own, added up in the order of the blocks. */
#include "ot.h"
#include "linalg/linalg.h"
#include <float.h>
#include <omp.h>

enum { MOST_BLOCKS = 64, COLUMNS_A_BLOCK = 8 };

nrm_status nrm_ot_prepare(nrm_ot *ot)
{
    const int64_t room = ot->m + NRM_ABOVE_ROOM;
    int64_t size = 0;

    ot->kernels = nrm_above_kernels_for(nrm_cpu_isa());
    ot->threads = nrm_threads(ot->ctx);
    ot->blocks = nrm_max_i64(1, nrm_min_i64(ot->n / COLUMNS_A_BLOCK, MOST_BLOCKS));
    if (ot->threads > ot->blocks) ot->threads = (int)ot->blocks;
    ot->warm = false;
    NRM_REQUIRE(ot->ctx, nrm_mul_size(nrm_max_i64(ot->blocks, 4 * (int64_t)ot->threads), room, &size), NRM_E_OVERFLOW,
                "sparse-ot: a problem of %lld x %lld is more than memory can address", NRM_LL(ot->m), NRM_LL(ot->n));

    nrm_arena *arena = &ot->arena;
    const int tau = nrm_arena_add(arena, ot->n, sizeof(double)), seen = nrm_arena_add(arena, ot->m, sizeof(double));
    const int point = nrm_arena_add(arena, ot->m + ot->n, sizeof(double));
    const int columns = nrm_arena_add(arena, ot->threads, sizeof *ot->columns);
    const int sums = nrm_arena_add(arena, ot->blocks * ot->m, sizeof(double));
    const int values = nrm_arena_add(arena, ot->blocks, sizeof(double));
    const int work = nrm_arena_add(arena, 4 * ot->threads * room, sizeof(double));
    const int kept_count = nrm_arena_add(arena, ot->n, sizeof(int32_t));
    const int kept = nrm_arena_add(arena, ot->n, NRM_OT_KEPT * sizeof(int32_t));
    NRM_TRY(nrm_arena_alloc(ot->ctx, arena, "sparse-ot"));
    ot->tau = nrm_arena_at(arena, tau);
    ot->seen = nrm_arena_at(arena, seen);
    ot->point = nrm_arena_at(arena, point);
    ot->columns = nrm_arena_at(arena, columns);
    ot->block_sum = nrm_arena_at(arena, sums);
    ot->block_value = nrm_arena_at(arena, values);
    ot->kept_count = nrm_arena_at(arena, kept_count);
    ot->kept = nrm_arena_at(arena, kept);
    for (int t = 0; t < ot->threads; t++) {
        unsigned char *base = (unsigned char *)nrm_arena_at(arena, work) + (size_t)(4 * t * room) * sizeof(double);
        const size_t step = (size_t)room * sizeof(double);
        ot->columns[t] = (nrm_ot_column){.index = (void *)base, .value = (void *)(base + step),
                                         .order = (void *)(base + 2 * step), .scratch = (void *)(base + 3 * step)};
    }
    return NRM_OK;
}

void nrm_ot_release(nrm_ot *ot) { nrm_arena_free(ot->ctx, &ot->arena); }

static int64_t above(const nrm_ot *ot, int64_t j, const double *alpha, double bound, nrm_ot_column *w)
{
    const int64_t at = j * ot->m;
    return ot->f32 ? ot->kernels->above_f32(alpha, (const float *)ot->cost + at, ot->m, bound, w->index, w->value)
                   : ot->kernels->above_f64(alpha, (const double *)ot->cost + at, ot->m, bound, w->index, w->value);
}

/* The candidates of column j above `bound`, or all that the support allows. */
static void collect(const nrm_ot *ot, int64_t j, const double *alpha, double bound, nrm_ot_column *w)
{
    if (!ot->support) {
        w->count = above(ot, j, alpha, bound, w);
        return;
    }
    w->count = 0;
    for (int64_t p = ot->support->start[j]; p < ot->support->start[j + 1]; p++) {
        const int64_t row = ot->support->row[p];
        const double s = alpha[row] - ot->support->cost[p];
        w->index[w->count] = row;
        w->value[w->count] = s;
        w->count += s > bound;
    }
}

/* (2) from the support kept of column j. */
static double support_bound(const nrm_ot *ot, int64_t j, const double *alpha)
{
    const int32_t *kept = ot->kept + j * NRM_OT_KEPT, count = ot->kept_count[j];
    double sum = 0, size = 0;

    if (count == 0 || ot->support) return -INFINITY;
    for (int32_t p = 0; p < count; p++) {
        const double s = alpha[kept[p]] - nrm_ot_cost(ot, kept[p], j);
        sum += s;
        size += fabs(s);
    }
    const double need = ot->gamma * ot->b[j];
    return (sum - need - 64 * DBL_EPSILON * (size + need)) / (double)count;
}

double nrm_ot_column_at(nrm_ot *ot, nrm_ot_column *w, int64_t j, const double *x, double shift, double *tau)
{
    if (ot->dual) {
        const double beta = x[ot->m + j];
        collect(ot, j, x, -beta, w);
        *tau = -beta;
        return nrm_ot_column_positive(w, ot->k, ot->gamma, beta);
    }
    w->count = 0;
    if (ot->warm) collect(ot, j, x, fmax(ot->tau[j] + shift, support_bound(ot, j, x)), w);
    if (w->count == 0) { /* no bound yet, or rounding has lifted it above everything */
        double bound = -INFINITY;
        if (!ot->support) {
            const int64_t at = j * ot->m;
            const double peak = ot->f32 ? ot->kernels->peak_f32(x, (const float *)ot->cost + at, ot->m)
                                        : ot->kernels->peak_f64(x, (const double *)ot->cost + at, ot->m);
            const double need = ot->gamma * ot->b[j];
            bound = peak - need - 8 * DBL_EPSILON * (fabs(peak) + need) - DBL_MIN;
        }
        collect(ot, j, x, bound, w);
    }
    return nrm_ot_column_mass(w, ot->k, ot->gamma, ot->b[j], tau);
}

/* (1), lowered by what rounding may do to tau and to the differences. */
static double bound_shift(const nrm_ot *ot, const double *alpha)
{
    double least = INFINITY, size = ot->magnitude;
    for (int64_t i = 0; i < ot->m; i++) {
        const double move = alpha[i] - ot->seen[i];
        least = move < least ? move : least;
        size = fabs(alpha[i]) > size ? fabs(alpha[i]) : size;
    }
    return least - 64 * DBL_EPSILON * (size + ot->gamma);
}

static void keep_support(nrm_ot *ot, int64_t j, const nrm_ot_column *w)
{
    int32_t *kept = ot->kept + j * NRM_OT_KEPT;
    const bool fits = w->count <= NRM_OT_KEPT && ot->m <= INT32_MAX;

    if (ot->dual) return;
    ot->kept_count[j] = fits ? (int32_t)w->count : 0;
    for (int64_t p = 0; p < ot->kept_count[j]; p++) kept[p] = (int32_t)w->index[p];
}

double nrm_ot_evaluate(nrm_ot *ot, const double *x, double *gradient)
{
    const double shift = ot->warm && !ot->dual ? bound_shift(ot, x) : 0;
    const int64_t work = ot->support ? ot->support->start[ot->n] : ot->m * ot->n;

#pragma omp parallel for num_threads(ot->threads) schedule(dynamic, 1) if (work > NRM_OT_WORTH_THREADS)
    for (int64_t block = 0; block < ot->blocks; block++) {
        const int64_t first = block * ot->n / ot->blocks, end = (block + 1) * ot->n / ot->blocks;
        nrm_ot_column *w = &ot->columns[omp_get_thread_num()];
        double *row_sum = ot->block_sum + block * ot->m, value = 0;

        memset(row_sum, 0, (size_t)ot->m * sizeof *row_sum);
        for (int64_t j = first; j < end; j++) {
            double tau, column_sum = 0;
            value += nrm_ot_column_at(ot, w, j, x, shift, &tau);
            ot->tau[j] = tau;
            keep_support(ot, j, w);
            for (int64_t p = 0; p < w->count; p++) {
                row_sum[w->index[p]] += w->value[p];
                column_sum += w->value[p];
            }
            if (ot->dual && gradient) gradient[ot->m + j] = ot->b[j] - column_sum;
        }
        ot->block_value[block] = value;
    }
    ot->evaluations++;

    double conjugates = 0;
    for (int64_t block = 0; block < ot->blocks; block++) conjugates += ot->block_value[block];
    if (gradient) {
        memcpy(gradient, ot->a, (size_t)ot->m * sizeof *gradient);
        for (int64_t block = 0; block < ot->blocks; block++)
            for (int64_t i = 0; i < ot->m; i++) gradient[i] -= ot->block_sum[block * ot->m + i];
    }
    if (!ot->dual) {
        memcpy(ot->seen, x, (size_t)ot->m * sizeof *x);
        ot->warm = true;
    }
    const double linear = nrm_dot(x, ot->a, ot->m) + (ot->dual ? nrm_dot(x + ot->m, ot->b, ot->n) : 0);
    return linear - conjugates;
}

nrm_status nrm_ot_objective(nrm_ctx *ctx, void *user, const double *x, double *value, double *gradient)
{
    nrm_ot *ot = user;
    const int64_t size = nrm_ot_size(ot);

    (void)ctx;
    for (int64_t i = 0; i < size; i++) ot->point[i] = ot->scale * x[i];
    *value = -nrm_ot_evaluate(ot, ot->point, gradient) / ot->scale;
    for (int64_t i = 0; i < size; i++) gradient[i] = -gradient[i];
    return NRM_OK;
}
