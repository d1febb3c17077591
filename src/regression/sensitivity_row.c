/* sensitivity_row.c -- contract: sensitivity_row.h.
 *
 * For a target t, in the coordinates of Y, x = t / |t|^2 + N z where N are the last r - 1 columns of
 * the reflection H = I - beta v v' that takes t to a multiple of the first axis:
 *     min over z of |Y N z + Y t / |t|^2|_p  =  s^(-1/p).
 * Of one column there is nothing to choose: s = |t|^p / sum |y_j|^p.
 *
 * Solving these one by one forms Y N and its factorisation for each.  sensitivity_newton.c and, for
 * p = 1, sensitivity_edges.c do without, and some ten times faster; what they leave open goes to
 * lp_solve.c. */
#include "sensitivity_row.h"
#include "linalg/linalg.h"
#include "lp_solve.h"
#include <omp.h>

/* Y in the orders that sensitivity_newton.c wants, and the factor of Y'Y. */
static void make_newton(nrm_sensitivity_bench *b, double *rows, double *columns, double *cross)
{
    nrm_newton_rows *o = &b->newton;
    const int64_t m = b->m, r = b->r;

    *o = (nrm_newton_rows){.p = b->p, .tol = b->tol, .m = m, .r = r, .wide = o->wide, .y = rows, .columns = columns, .cross = cross,
                           .kernel = o->kernel, .loops = nrm_elementwise_f64_for(nrm_cpu_isa())};
    memset(rows, 0, (size_t)(m * o->wide) * sizeof *rows);
    memset(cross, 0, (size_t)(r * r) * sizeof *cross);
    for (int64_t i = 0; i < m; i++) {
        memcpy(rows + i * o->wide, b->y + i * r, (size_t)r * sizeof *rows);
        for (int64_t j = 0; j < r; j++) columns[j * m + i] = b->y[i * r + j];
        for (int64_t j = 0; j < r; j++)
            for (int64_t k = 0; k <= j; k++) cross[j * r + k] += b->y[i * r + j] * b->y[i * r + k];
    }
    if (!nrm_newton_factor(r, cross)) b->newton_room = 0; /* then it is not used */
}

nrm_status nrm_sensitivity_bench_make(nrm_sensitivity_bench *b)
{
    const nrm_matmul_kernel_f64 *kernel = nrm_matmul_kernel_f64_for(nrm_cpu_isa());
    const int64_t m = b->m, r = b->r, wide = (r + kernel->width - 1) / kernel->width * kernel->width, threads = b->threads;
    int64_t area, room = 0;

    if (r > 1) room = b->p > 1 ? nrm_newton_work(m, r, wide) : nrm_edges_work(m, r);
    NRM_REQUIRE(b->ctx, room >= 0 && nrm_mul_size(m, wide, &area) && nrm_mul_size(area, threads, &area) && nrm_mul_size(room, threads, &area),
                NRM_E_OVERFLOW, "%s: %lld rows of %lld numbers for each thread are more than memory can address", b->who, NRM_LL(m),
                NRM_LL(r));
    b->newton_room = room;
    b->newton = (nrm_newton_rows){.wide = wide, .kernel = kernel};
    const int reduced = nrm_arena_add(&b->arena, threads * m * nrm_max_i64(r - 1, 1), sizeof *b->y);
    const int right = nrm_arena_add(&b->arena, threads * m, sizeof *b->y), z = nrm_arena_add(&b->arena, threads * r, sizeof *b->y);
    const int work = nrm_arena_add(&b->arena, threads * room, sizeof *b->y);
    const int rows = nrm_arena_add(&b->arena, room > 0 ? m * wide : 0, sizeof *b->y);
    const int columns = nrm_arena_add(&b->arena, room > 0 ? m * r : 0, sizeof *b->y);
    const int cross = nrm_arena_add(&b->arena, room > 0 ? r * r : 0, sizeof *b->y);
    NRM_TRY(nrm_arena_alloc(b->ctx, &b->arena, b->who));
    b->reduced = nrm_arena_at(&b->arena, reduced), b->right = nrm_arena_at(&b->arena, right), b->z = nrm_arena_at(&b->arena, z);
    b->newton_work = nrm_arena_at(&b->arena, work);
    if (room > 0) make_newton(b, nrm_arena_at(&b->arena, rows), nrm_arena_at(&b->arena, columns), nrm_arena_at(&b->arena, cross));
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

/* True: found, and closed. */
static bool with_all(const nrm_sensitivity_bench *b, const double *t, nrm_sensitivity_of_row *row)
{
    if (b->newton_room == 0) return false;
    double *work = b->newton_work + omp_get_thread_num() * b->newton_room;
    const nrm_newton_answer answer = b->p > 1 ? nrm_newton_least(&b->newton, t, work) : nrm_edges_least(&b->newton, t, work);
    *row = (nrm_sensitivity_of_row){.lower = inverse_power(answer.norm, b->p, INFINITY), .systems = answer.systems,
                                    .upper = inverse_power(answer.lower, b->p, INFINITY)};
    return answer.closed;
}

static nrm_sensitivity_of_row of_row(const nrm_sensitivity_bench *b, const double *t)
{
    nrm_sensitivity_of_row row;
    const int64_t thread = omp_get_thread_num(), r = b->r;
    double *reduced = b->reduced + thread * b->m * nrm_max_i64(r - 1, 1), *right = b->right + thread * b->m, *z = b->z + thread * r;
    nrm_lp_answer answer = {0};

    const double length = nrm_norm2(t, r);
    if (length == 0) return (nrm_sensitivity_of_row){0};
    if (r == 1) return of_one_column(b, t[0]);
    if (with_all(b, t, &row)) return row;
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
