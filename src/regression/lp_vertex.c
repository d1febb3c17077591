/* lp_vertex.c -- p = 1: an optimal vertex, by the exchanges of Barrodale and Roberts (SIAM J. Numer.
 * Anal. 10, 1973) from the rows that the interior-point method points at.
 *
 * k independent rows B with residual 0 make z = Y_B^-1 b_B.  With signs s of the other residuals
 *     lambda_B = -Y_B^-T sum over others of s_i y_i;
 * |lambda_B| <= 1 proves z optimal, (lambda_B, s) being the dual.  Else the row q with the largest
 * |lambda_q| leaves: r_q moves away from 0 with its sign, the loss falling at the rate |lambda_q| - 1,
 * and the step goes past residuals that change sign until it would rise again; that row enters. */
#include "linalg/linalg.h"
#include "lp_space.h"
#include <cblas.h>
#include <float.h>
#include <lapacke.h>

static const double ZERO = 1e-13, DUAL_TOL = 1e-10, SMALL = 1e-11;

typedef struct breakpoint { double at, rise; int64_t row; } breakpoint;

typedef struct vertex {
    int64_t *basis;         /* k rows */
    double *inverse;        /* Y_B^-1, k x k */
    double *sign;           /* n: 0 for rows of the basis */
    double *multiplier;     /* k */
    double *row;            /* k */
    breakpoint *heap;       /* n */
} vertex;

/* ---- The first basis -------------------------------------------------------------------------------- */

typedef struct ranked { double weight; int64_t row; } ranked;

static int heavier(const void *x, const void *y)
{
    const ranked *a = x, *b = y;
    if (a->weight != b->weight) return a->weight < b->weight ? 1 : -1;
    return (a->row > b->row) - (a->row < b->row);
}

/* k of `count` rows by pivoted QR of those times sqrt(weight). */
static nrm_status pick(nrm_lp_space *s, int64_t count, const ranked *order, int64_t *basis)
{
    const int64_t k = s->k;
    double *work;
    lapack_int *pivot = NULL;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(s->ctx, work, count * k + k + 3 * count + 1 + (count + 1) * 32, s->who));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(s->ctx, pivot, count, s->who));
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < k; j++) work[i * k + j] = sqrt(order[i].weight / order[0].weight) * s->y[order[i].row * s->d + j];
    const nrm_blas_scope scope = nrm_blas_enter_single();
    LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, (int)k, (int)count, work, (int)k, pivot, work + count * k, work + count * k + k,
                        (int)(3 * count + 1 + (count + 1) * 32));
    nrm_blas_leave(scope);
    for (int64_t j = 0; j < k; j++) basis[j] = order[pivot[j] - 1].row;
done:
    nrm_free(s->ctx, work);
    nrm_free(s->ctx, pivot);
    return st;
}

static nrm_status first_basis(nrm_lp_space *s, const double *weight, int64_t count, int64_t *basis)
{
    ranked *order;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(s->ctx, order, s->n, s->who));
    for (int64_t i = 0; i < s->n; i++) order[i] = (ranked){weight[i], i};
    qsort(order, (size_t)s->n, sizeof *order, heavier);
    st = pick(s, count, order, basis);
    nrm_free(s->ctx, order);
    return st;
}

/* ---- A basis --------------------------------------------------------------------------------------- */

/* The inverse; false where the rows are dependent. */
static bool invert(const nrm_lp_space *s, vertex *v, lapack_int *pivot, double *work)
{
    const int k = (int)s->k;

    for (int64_t i = 0; i < k; i++) memcpy(v->inverse + i * k, s->y + v->basis[i] * s->d, (size_t)k * sizeof(double));
    const nrm_blas_scope scope = nrm_blas_enter_single(); /* of the transpose, which LAPACK sees, by the same numbers */
    const bool done = LAPACKE_dgetrf_work(LAPACK_COL_MAJOR, k, k, v->inverse, k, pivot) == 0 &&
                      LAPACKE_dgetri_work(LAPACK_COL_MAJOR, k, v->inverse, k, pivot, work, 32 * k) == 0;
    nrm_blas_leave(scope);
    int64_t where;
    if (!done || !nrm_all_finite_f64(v->inverse, (int64_t)k * k, &where)) return false;
    return nrm_norm_inf(v->inverse, (int64_t)k * k) < 1e14;
}

/* z, residuals and signs of the basis; where a residual is rounding alone, lambda's sign. */
static void settle(nrm_lp_space *s, vertex *v, const double *lambda)
{
    const int64_t k = s->k;
    double size = 0;

    memset(s->z, 0, (size_t)k * sizeof *s->z);
    for (int turn = 0; turn < 2; turn++) {
        for (int64_t q = 0; q < k; q++) {
            const double *y = s->y + v->basis[q] * s->d;
            double left = s->b[v->basis[q]];
            for (int64_t j = 0; j < k; j++) left -= y[j] * s->z[j];
            v->row[q] = left;
        }
        for (int64_t j = 0; j < k; j++)
            for (int64_t q = 0; q < k; q++) s->z[j] += v->inverse[j * k + q] * v->row[q];
    }
    for (int64_t j = 0; j < k; j++) size = fmax(size, fabs(s->z[j]));
    nrm_lp_residual(s, s->z, s->r);
    for (int64_t i = 0; i < s->n; i++) {
        const double least = ZERO * (size * nrm_norm_inf(s->y + i * s->d, k) + fabs(s->b[i]));
        if (fabs(s->r[i]) <= least) s->r[i] = 0;
        v->sign[i] = copysign(1, s->r[i] == 0 ? lambda[i] : s->r[i]);
    }
    for (int64_t q = 0; q < k; q++) {
        s->r[v->basis[q]] = 0;
        v->sign[v->basis[q]] = 0;
    }
}

static nrm_status load(nrm_lp_space *s, vertex *v, const double *lambda, bool *independent)
{
    double *work;
    lapack_int *pivot = NULL;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(s->ctx, work, 32 * s->k, s->who));
    NRM_TRY_DONE(NRM_ALLOC(s->ctx, pivot, s->k, s->who));
    *independent = invert(s, v, pivot, work);
    if (*independent) settle(s, v, lambda);
done:
    nrm_free(s->ctx, pivot);
    nrm_free(s->ctx, work);
    return st;
}

/* lambda_B; the place that leaves: the largest |lambda|, or (first) the first row that may; -1: optimal. */
static int64_t leaving(nrm_lp_space *s, vertex *v, bool first)
{
    const int64_t k = s->k;
    int64_t best = -1;

    nrm_lp_transposed(s, v->sign, s->right);
    for (int64_t q = 0; q < k; q++) {
        double sum = 0;
        for (int64_t j = 0; j < k; j++) sum -= v->inverse[j * k + q] * s->right[j];
        v->multiplier[q] = sum;
        if (fabs(sum) <= 1 + DUAL_TOL) continue;
        if (best < 0 || (first ? v->basis[q] < v->basis[best] : fabs(sum) > fabs(v->multiplier[best]))) best = q;
    }
    return best;
}

/* ---- The exchange ------------------------------------------------------------------------------------ */

static bool before(const breakpoint *x, const breakpoint *y)
{
    if (x->at != y->at) return x->at < y->at;
    return x->rise != y->rise ? x->rise > y->rise : x->row < y->row;
}

static void sift(breakpoint *heap, int64_t count, int64_t i)
{
    const breakpoint moved = heap[i];
    for (int64_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &moved)) break;
        heap[i] = heap[child];
    }
    heap[i] = moved;
}

/* Where the loss stops falling along u from the slope (< 0): signs of the residuals on the way are
 * turned.  The entering row, or -1. */
static int64_t entering(nrm_lp_space *s, vertex *v, const double *u, double slope, double *step)
{
    const double least = SMALL * nrm_lp_largest(s, u);
    int64_t count = 0;

    for (int64_t i = 0; i < s->n; i++)
        if (v->sign[i] * u[i] < -least) v->heap[count++] = (breakpoint){fabs(s->r[i] / u[i]), 2 * fabs(u[i]), i};
    for (int64_t i = count / 2; i-- > 0;) sift(v->heap, count, i);
    while (count > 0) {
        const breakpoint top = v->heap[0];
        slope += top.rise;
        if (slope >= 0) {
            *step = top.at;
            return top.row;
        }
        v->sign[top.row] *= -1;
        v->heap[0] = v->heap[--count];
        if (count > 0) sift(v->heap, count, 0);
    }
    return -1;
}

/* Place q leaves; *step is how far z went.  false: nothing enters, which rounding alone can cause. */
static bool exchange(nrm_lp_space *s, vertex *v, int64_t q, double *step)
{
    const int64_t k = s->k;
    const double way = copysign(1, v->multiplier[q]);
    double *u = s->work;

    for (int64_t j = 0; j < k; j++) s->step[j] = way * v->inverse[j * k + q];
    nrm_lp_product(s, s->step, u);
    for (int64_t l = 0; l < k; l++) u[v->basis[l]] = l == q ? way : 0;
    const int64_t row = entering(s, v, u, 1 - fabs(v->multiplier[q]), step);
    if (row < 0) return false;
    for (int64_t j = 0; j < k; j++) s->z[j] += *step * s->step[j];
    for (int64_t i = 0; i < s->n; i++) s->r[i] += *step * u[i];
    s->r[row] = 0;
    v->sign[row] = 0;
    v->sign[v->basis[q]] = way;
    v->basis[q] = row;
    for (int64_t l = 0; l < k; l++) {
        v->row[l] = 0;
        for (int64_t j = 0; j < k; j++) v->row[l] += s->y[row * s->d + j] * v->inverse[j * k + l];
    }
    const double pivot = v->row[q];
    v->row[q] -= 1;
    for (int64_t j = 0; j < k; j++) {
        const double c = v->inverse[j * k + q] / pivot;
        for (int64_t l = 0; l < k; l++) v->inverse[j * k + l] -= c * v->row[l];
    }
    return true;
}

/* To an optimal vertex, or as many exchanges as are sensible. */
static nrm_status descend(nrm_lp_space *s, vertex *v)
{
    const int64_t most = 1000 + 50 * s->k;
    bool fresh = true, independent = true; /* fresh: the inverse is not the work of exchanges */
    int64_t idle = 0;

    for (int64_t turn = 0; turn < most; turn++) {
        double step = 0;
        NRM_REQUIRE(s->ctx, !nrm_tick(s->ctx, "exchanging rows", (double)turn, (double)most, NULL, NAN), NRM_E_CANCELLED,
                    "%s: stopped on request", s->who);
        const int64_t q = leaving(s, v, idle > s->k + 10);
        const bool moved = q >= 0 && exchange(s, v, q, &step);
        if (!moved && fresh) break;
        idle = step > 0 ? 0 : idle + 1;
        fresh = !moved || turn % 50 == 49;
        if (fresh) NRM_TRY(load(s, v, v->sign, &independent));
        if (!independent) break;
    }
    return NRM_OK;
}

/* ---- The vertex --------------------------------------------------------------------------------------- */

static nrm_status make_vertex(nrm_ctx *ctx, nrm_arena *arena, const nrm_lp_space *s, vertex *v)
{
    const int64_t k = s->k;
    const int basis = nrm_arena_add(arena, k, sizeof(int64_t)), inverse = nrm_arena_add(arena, k * k, sizeof(double));
    const int sign = nrm_arena_add(arena, s->n, sizeof(double)), small = nrm_arena_add(arena, 3 * k, sizeof(double));
    const int heap = nrm_arena_add(arena, s->n, sizeof(breakpoint));
    NRM_TRY(nrm_arena_alloc(ctx, arena, s->who));
    *v = (vertex){.basis = nrm_arena_at(arena, basis), .inverse = nrm_arena_at(arena, inverse), .sign = nrm_arena_at(arena, sign),
                  .multiplier = nrm_arena_at(arena, small), .heap = nrm_arena_at(arena, heap)};
    v->row = v->multiplier + k;
    return NRM_OK;
}

nrm_status nrm_lp_vertex(nrm_lp_space *s, const double *weight, const double *lambda)
{
    nrm_arena arena = {0};
    vertex v;
    bool independent;
    nrm_status st;
    double *inner = NULL;
    const double before_it = nrm_lp_norm(s, s->r, 1);

    NRM_TRY(NRM_ALLOC(s->ctx, inner, s->k, s->who));
    memcpy(inner, s->z, (size_t)s->k * sizeof *inner);
    NRM_TRY_DONE(make_vertex(s->ctx, &arena, s, &v));
    NRM_TRY_DONE(first_basis(s, weight, nrm_min_i64(s->n, 4 * s->k + 32), v.basis));
    NRM_TRY_DONE(load(s, &v, lambda, &independent));
    if (!independent) {
        NRM_TRY_DONE(first_basis(s, weight, s->n, v.basis));
        NRM_TRY_DONE(load(s, &v, lambda, &independent));
    }
    if (independent) NRM_TRY_DONE(descend(s, &v));
    for (int64_t q = 0; independent && q < s->k; q++) v.sign[v.basis[q]] = fmax(-1, fmin(1, v.multiplier[q]));
    if (independent) nrm_lp_certify(s, v.sign);
    if (!independent || nrm_lp_norm(s, s->r, 1) > before_it) memcpy(s->z, inner, (size_t)s->k * sizeof *inner);
    nrm_lp_residual(s, s->z, s->r);
done:
    nrm_arena_free(s->ctx, &arena);
    nrm_free(s->ctx, inner);
    return st;
}
