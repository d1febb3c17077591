/* sensitivity_row.c -- contract: sensitivity_row.h.
 *
 * For a target t, in the coordinates of Y, x = t / |t|^2 + N z where N are the last r - 1 columns of
 * the reflection H = I - beta v v' that takes t to a multiple of the first axis:
 *     min over z of |Y N z + Y t / |t|^2|_p  =  s^(-1/p).
 * Of one column there is nothing to choose: s = |t|^p / sum |y_j|^p. */
#include "sensitivity_row.h"
#include "linalg/linalg.h"
#include "lp_solve.h"
#include <omp.h>

nrm_status nrm_sensitivity_bench_make(nrm_sensitivity_bench *b)
{
    const int64_t free_columns = b->r - 1;
    int64_t area;

    NRM_REQUIRE(b->ctx, nrm_mul_size(b->m, nrm_max_i64(free_columns, 1), &area) && nrm_mul_size(area, b->threads, &area),
                NRM_E_OVERFLOW, "%s: %lld rows of %lld numbers for each thread are more than memory can address", b->who,
                NRM_LL(b->m), NRM_LL(b->r));
    const int reduced = nrm_arena_add(&b->arena, area, sizeof *b->y), right = nrm_arena_add(&b->arena, b->threads * b->m, sizeof *b->y);
    const int z = nrm_arena_add(&b->arena, b->threads * b->r, sizeof *b->y);
    NRM_TRY(nrm_arena_alloc(b->ctx, &b->arena, b->who));
    b->reduced = nrm_arena_at(&b->arena, reduced), b->right = nrm_arena_at(&b->arena, right), b->z = nrm_arena_at(&b->arena, z);
    return NRM_OK;
}

void nrm_sensitivity_bench_free(nrm_sensitivity_bench *b) { nrm_arena_free(b->ctx, &b->arena); }

/* Y N and -Y t / |t|^2, |t| = length; v: r numbers of room. */
static void reduce(const nrm_sensitivity_bench *b, const double *t, double length, double *v, double *reduced, double *right)
{
    const int64_t r = b->r;
    double square = 0;

    for (int64_t j = 0; j < r; j++) v[j] = t[j] / length;
    v[0] += copysign(1, t[0]);
    for (int64_t j = 0; j < r; j++) square += v[j] * v[j];
    for (int64_t i = 0; i < b->m; i++) {
        const double *y = b->y + i * r;
        double along_v = 0, along_t = 0;
        for (int64_t j = 0; j < r; j++) {
            along_v += y[j] * v[j];
            along_t += y[j] * (t[j] / length);
        }
        for (int64_t j = 1; j < r; j++) reduced[i * (r - 1) + j - 1] = y[j] - 2 * along_v / square * v[j];
        right[i] = -along_t / length;
    }
}

static nrm_sensitivity_of_row of_one_column(const nrm_sensitivity_bench *b, double t)
{
    double sum = 0;
    for (int64_t i = 0; i < b->m; i++) sum += pow(fabs(b->y[i] / t), b->p);
    return (nrm_sensitivity_of_row){.lower = 1 / sum, .upper = 1 / sum};
}

/* norm^-p, at most `most`. */
static double inverse_power(double norm, double p, double most) { return norm > 0 ? fmin(most, pow(norm, -p)) : most; }

static nrm_sensitivity_of_row of_row(const nrm_sensitivity_bench *b, const double *t)
{
    const int64_t thread = omp_get_thread_num(), r = b->r;
    double *reduced = b->reduced + thread * b->m * nrm_max_i64(r - 1, 1), *right = b->right + thread * b->m, *z = b->z + thread * r;
    nrm_lp_answer answer = {0};

    const double length = nrm_norm2(t, r);
    if (length == 0) return (nrm_sensitivity_of_row){0};
    if (r == 1) return of_one_column(b, t[0]);
    reduce(b, t, length, z, reduced, right);
    const nrm_lp_problem problem = {.n = b->m, .d = r - 1, .a = reduced, .lda = r - 1, .b = right, .p = b->p, .tol = b->tol,
                                    .max_iter = b->max_iter, .threads = 1};
    const nrm_status st = nrm_lp_solve(NULL, b->who, &problem, z, false, &answer, NULL, NULL);
    if (st < 0) return (nrm_sensitivity_of_row){.status = st};
    return (nrm_sensitivity_of_row){.lower = inverse_power(answer.norm, b->p, INFINITY), .status = st,
                                    .upper = inverse_power(answer.norm_lower, b->p, INFINITY), .systems = answer.iterations};
}

void nrm_sensitivity_solve(const nrm_sensitivity_bench *b, int64_t count, const double *target, nrm_sensitivity_of_row *answer)
{
#pragma omp parallel for num_threads(b->threads) schedule(dynamic, 1) if (b->threads > 1 && count > 1)
    for (int64_t i = 0; i < count; i++) answer[i] = of_row(b, target + i * b->r);
}
