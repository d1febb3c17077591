/* lp_basis.c -- the basis in which the solvers work.  Contract: lp_space.h.
 *
 * R comes from QR factorisations of blocks in cache, each stacked under the R of those before it
 * (Demmel, Grigori, Hoemmen and Langou, SIAM J. Sci. Comput. 34, 2012), and then, d x d, with
 * column pivoting, which decides the rank.  Where that finds less than d, rows of different sizes
 * may be the reason: the rank of D A is that of A for every diagonal D > 0, so it is asked for
 * again of the rows brought to one size, and a second factorisation makes up for the D. */
#include "linalg/dense_run.h"
#include "linalg/linalg.h"
#include "lp_space.h"
#include <cblas.h>
#include <float.h>
#include <lapacke.h>

/* ---- Checks -------------------------------------------------------------------------------------- */

static nrm_status check_rows(nrm_ctx *ctx, const char *who, const nrm_lp_problem *o)
{
    int64_t where;
    for (int64_t i = 0; i < o->n; i++) {
        NRM_REQUIRE(ctx, nrm_all_finite_f64(o->a + i * o->lda, o->d, &where), NRM_E_NONFINITE,
                    "%s: a is %g at row %lld, column %lld; it must be finite: remove or mend that row", who,
                    o->a[i * o->lda + where], NRM_LL(i), NRM_LL(where));
        NRM_REQUIRE(ctx, isfinite(o->b[i]), NRM_E_NONFINITE, "%s: b is %g at row %lld; it must be finite: remove or mend that row",
                    who, o->b[i], NRM_LL(i));
        NRM_REQUIRE(ctx, !o->weight || (o->weight[i] > 0 && isfinite(o->weight[i])), NRM_E_RANGE,
                    "%s: the weight of row %lld is %g; weights must be finite and > 0: leave out rows that do not count", who,
                    NRM_LL(i), o->weight[i]);
    }
    return NRM_OK;
}

static nrm_status check(nrm_ctx *ctx, const char *who, const nrm_lp_problem *o)
{
    int64_t size;

    NRM_REQUIRE(ctx, o->a && o->b, NRM_E_NULL, "%s: a and b must not be NULL", who);
    NRM_REQUIRE(ctx, o->d >= 1, NRM_E_SHAPE, "%s: a has %lld columns; it must have at least one", who, NRM_LL(o->d));
    NRM_REQUIRE(ctx, o->n >= o->d, NRM_E_SHAPE, "%s: a has %lld rows and %lld columns; regression wants at least as many rows as "
                "columns", who, NRM_LL(o->n), NRM_LL(o->d));
    NRM_REQUIRE(ctx, o->lda >= o->d, NRM_E_SHAPE, "%s: the row stride of a is %lld; it must be at least its %lld columns", who,
                NRM_LL(o->lda), NRM_LL(o->d));
    NRM_REQUIRE(ctx, o->p >= 1 && o->p <= NRM_LP_P_MOST, NRM_E_RANGE, "%s: p is %g; it must be 1 to %d", who, o->p, NRM_LP_P_MOST);
    NRM_REQUIRE(ctx, o->tol >= 0 && o->tol < 1, NRM_E_RANGE, "%s: tol is %g; it must be 0 or more, and less than 1", who, o->tol);
    NRM_REQUIRE(ctx, o->d < (1 << 20) && nrm_mul_size(o->n, o->d + 16, &size) && size < INT64_MAX / 64, NRM_E_OVERFLOW,
                "%s: a is %lld x %lld; that is more than memory can address", who, NRM_LL(o->n), NRM_LL(o->d));
    return check_rows(ctx, who, o);
}

/* ---- The rows, scaled --------------------------------------------------------------------------- */

static double power_of_two(double most) { return most > 0 ? ldexp(1, ilogb(most)) : 1; }

/* w_i^(1/p) a_i with columns, and b, brought to sizes of about 1 by powers of two: 1 / scale. */
static void take_rows(nrm_lp_space *s, const nrm_lp_problem *o, double *scale)
{
    const int64_t d = s->d;
    double b_most = 0;

    s->weight_most = 1;
    if (o->weight) s->weight_most = nrm_norm_inf(o->weight, o->n);
    for (int64_t j = 0; j < d; j++) scale[j] = 0;
    for (int64_t i = 0; i < o->n; i++) {
        const double root = o->weight ? pow(o->weight[i] / s->weight_most, 1 / o->p) : 1;
        for (int64_t j = 0; j < d; j++) {
            s->y[i * d + j] = root * o->a[i * o->lda + j];
            scale[j] = fmax(scale[j], fabs(s->y[i * d + j]));
        }
        s->b[i] = root * o->b[i];
        b_most = fmax(b_most, fabs(s->b[i]));
    }
    s->unit = power_of_two(b_most);
    for (int64_t j = 0; j < d; j++) scale[j] = power_of_two(scale[j]);
    for (int64_t i = 0; i < o->n; i++) {
        for (int64_t j = 0; j < d; j++) s->y[i * d + j] /= scale[j];
        s->b[i] /= s->unit;
    }
}

/* ---- QR ------------------------------------------------------------------------------------------ */

/* The upper triangle r (d x d, row-major) becomes that of it and `more` rows of `rows` below;
 * equal: each first brought to largest entry 1. */
static void stack(const nrm_lp_space *s, double *r, int64_t more, const double *rows, bool equal, double *work)
{
    const int64_t d = s->d, m = d + more;

    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) work[j * m + i] = j < i ? 0 : r[i * d + j];
    for (int64_t i = 0; i < more; i++) {
        const double most = equal ? nrm_norm_inf(rows + i * d, d) : 1, by = most > 0 ? 1 / most : 1;
        for (int64_t j = 0; j < d; j++) work[j * m + d + i] = by * rows[i * d + j];
    }
    LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, (int)m, (int)d, work, (int)m, work + m * d, work + (m + 1) * d, (int)(32 * d));
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) r[i * d + j] = j < i ? 0 : work[j * m + i];
}

static double triangle_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const int64_t slot = nrm_lp_slot(s, first), d = s->d;
    double *r = s->sums + slot * d * (d + 1), *work = s->rows + slot * (s->block + d + NRM_LP_WORK) * d;

    memset(r, 0, (size_t)(d * d) * sizeof *r);
    const nrm_blas_scope scope = nrm_blas_enter_single();
    for (int64_t i = 0; i < count; i += s->block)
        stack(s, r, nrm_min_i64(s->block, count - i), s->y + (first + i) * d, *(const bool *)user, work);
    nrm_blas_leave(scope);
    return 0;
}

/* R of the rows in s->y, or of those with all sizes equal. */
static void triangle(nrm_lp_space *s, bool equal, double *r)
{
    const int64_t d = s->d;

    nrm_lp_each(s, triangle_rows, &equal);
    memcpy(r, s->sums, (size_t)(d * d) * sizeof *r);
    const nrm_blas_scope scope = nrm_blas_enter_single();
    for (int64_t slot = 1; slot < s->slots; slot++) stack(s, r, d, s->sums + slot * d * (d + 1), false, s->rows);
    nrm_blas_leave(scope);
}

/* r (d x d) with columns brought to length 1 (scale) becomes the R of its pivoted factorisation. */
static nrm_status pivoted(nrm_lp_space *s, double *r, double *scale, int64_t *rank)
{
    const int64_t d = s->d;
    double *work;
    lapack_int *pivot = NULL;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(s->ctx, work, d * d + 36 * d + 1, s->who));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(s->ctx, pivot, d, s->who));
    for (int64_t j = 0; j < d; j++) {
        for (int64_t i = 0; i < d; i++) work[j * d + i] = r[i * d + j];
        scale[j] = nrm_norm2(work + j * d, d);
        if (scale[j] == 0) scale[j] = 1;
        for (int64_t i = 0; i < d; i++) work[j * d + i] /= scale[j];
    }
    const nrm_blas_scope scope = nrm_blas_enter_single();
    LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, (int)d, (int)d, work, (int)d, pivot, work + d * d, work + d * (d + 1), (int)(35 * d + 1));
    nrm_blas_leave(scope);
    const double least = (double)nrm_max_i64(s->n, 16) * DBL_EPSILON * fabs(work[0]);
    for (*rank = 0; *rank < d && fabs(work[*rank * (d + 1)]) > least;) ++*rank;
    for (int64_t j = 0; j < d; j++) {
        s->pivot[j] = pivot[j] - 1;
        for (int64_t i = 0; i < d; i++) r[i * d + j] = i <= j ? work[j * d + i] : 0;
    }
done:
    nrm_free(s->ctx, work);
    nrm_free(s->ctx, pivot);
    return st;
}

/* ---- Y -------------------------------------------------------------------------------------------- */

typedef struct change { const double *r, *scale; const int64_t *pivot; } change; /* pivot NULL: in place */

/* The first k columns of a range become those of Y P R^-1, P R of leading dimension d. */
static double change_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const change *c = user;
    const int64_t d = s->d, k = s->k;
    double *row = s->rows + nrm_lp_slot(s, first) * (s->block + d + NRM_LP_WORK) * d;

    for (int64_t i = first; c->pivot && i < first + count; i++) {
        double *y = s->y + i * d;
        for (int64_t j = 0; j < k; j++) row[j] = y[c->pivot[j]] / c->scale[c->pivot[j]];
        memcpy(y, row, (size_t)k * sizeof *y);
        memset(y + k, 0, (size_t)(d - k) * sizeof *y);
    }
    const nrm_blas_scope scope = nrm_blas_enter_single();
    for (int64_t i = 0; i < count && k > 0; i += s->block)
        cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, (int)nrm_min_i64(s->block, count - i), (int)k,
                    1, c->r, (int)d, s->y + (first + i) * d, (int)d);
    nrm_blas_leave(scope);
    return 0;
}

/* r (d x d), scale, pivot, the rank: then Y and the R that takes x to z. */
static nrm_status make_basis(nrm_lp_space *s, double *r, double *again, const double *size, double *scale)
{
    const int64_t d = s->d;
    int64_t rank;

    triangle(s, false, r);
    NRM_TRY(pivoted(s, r, scale, &rank));
    const bool equal = rank < d;
    if (equal) {
        triangle(s, true, r);
        NRM_TRY(pivoted(s, r, scale, &rank));
    }
    s->k = rank;
    nrm_lp_each(s, change_rows, &(change){r, scale, s->pivot});
    for (int64_t i = 0; i < rank; i++)
        for (int64_t j = 0; j < d; j++) s->r_factor[i * d + j] = r[i * d + j];
    if (equal && rank > 0) {
        triangle(s, false, again);
        nrm_lp_each(s, change_rows, &(change){.r = again});
        const nrm_blas_scope scope = nrm_blas_enter_single();
        cblas_dtrmm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, (int)rank, (int)d, 1, again, (int)d,
                    s->r_factor, (int)d);
        nrm_blas_leave(scope);
    }
    for (int64_t i = 0; i < rank; i++)
        for (int64_t j = 0; j < d; j++) s->r_factor[i * d + j] *= scale[s->pivot[j]] * size[s->pivot[j]];
    return NRM_OK;
}

nrm_status nrm_lp_space_make(nrm_ctx *ctx, const char *who, const nrm_lp_problem *o, bool *dependent, nrm_lp_space *s)
{
    *s = (nrm_lp_space){.ctx = ctx};
    NRM_TRY(check(ctx, who, o));
    const int64_t n = o->n, d = o->d, block = nrm_max_i64(nrm_min_i64(256, n), 2 * d);
    const int64_t slots = nrm_max_i64(1, nrm_min_i64(16, n / nrm_max_i64(512, 4 * d)));
    *s = (nrm_lp_space){.ctx = ctx, .who = who, .threads = o->threads > 0 ? o->threads : nrm_threads(ctx), .n = n, .d = d,
                        .slots = slots, .block = block, .p = o->p, .tol = o->tol > 0 ? o->tol : 1e-10,
                        .max_iter = o->max_iter > 0 ? o->max_iter : 500};
    nrm_arena *arena = &s->arena;
    const int y = nrm_arena_add(arena, n * d, sizeof(double)), rows = nrm_arena_add(arena, 6 * n, sizeof(double));
    const int sums = nrm_arena_add(arena, slots * d * (d + 1), sizeof(double));
    const int work = nrm_arena_add(arena, slots * (block + d + NRM_LP_WORK) * d, sizeof(double));
    const int partial = nrm_arena_add(arena, slots, sizeof(double)), square = nrm_arena_add(arena, 5 * d * d, sizeof(double));
    const int small = nrm_arena_add(arena, 6 * d, sizeof(double)), pivot = nrm_arena_add(arena, d, sizeof(int64_t));
    NRM_TRY(nrm_arena_alloc(ctx, arena, who));
    s->y = nrm_arena_at(arena, y);
    s->b = nrm_arena_at(arena, rows);
    s->r = s->b + n;
    s->dual = s->r + n;
    s->trial = s->dual + n;
    s->lambda = s->trial + n;
    s->work = s->lambda + n;
    s->sums = nrm_arena_at(arena, sums);
    s->rows = nrm_arena_at(arena, work);
    s->partial = nrm_arena_at(arena, partial);
    s->r_factor = nrm_arena_at(arena, square);
    s->cross = s->r_factor + d * d;
    s->gram = s->cross + d * d;
    s->scale = nrm_arena_at(arena, small);
    s->right = s->scale + d;
    s->z = s->right + d;
    s->step = s->z + d;
    s->pivot = nrm_arena_at(arena, pivot);
    take_rows(s, o, s->step + d);
    NRM_TRY(make_basis(s, s->gram + d * d, s->gram + 2 * d * d, s->step + d, s->scale));
    if (dependent) {
        for (int64_t j = 0; j < d; j++) dependent[s->pivot[j]] = j >= s->k;
    }
    return NRM_OK;
}

void nrm_lp_space_free(nrm_lp_space *s) { nrm_arena_free(s->ctx, &s->arena); }

/* ---- x and z ---------------------------------------------------------------------------------------- */

/* v (d) from its first k numbers z: of all with R v = z the shortest.  R' = Q L': v = Q L^-1 z with
 * L = R Q. */
static nrm_status shortest(const nrm_lp_space *s, double *v)
{
    const int64_t d = s->d, k = s->k;
    nrm_arena arena = {0};

    const int q_slot = nrm_arena_add(&arena, d * k, sizeof(double)), l_slot = nrm_arena_add(&arena, k * k + k, sizeof(double));
    const int work = nrm_arena_add(&arena, nrm_qr_work(NRM_F64, d, k), 1);
    NRM_TRY(nrm_arena_alloc(s->ctx, &arena, s->who));
    double *q = nrm_arena_at(&arena, q_slot), *l = nrm_arena_at(&arena, l_slot), *z = l + k * k;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < k; j++) q[i * k + j] = s->r_factor[j * d + i];
    nrm_qr_run(NRM_F64, d, k, q, nrm_arena_at(&arena, work));
    memcpy(z, v, (size_t)k * sizeof *z);
    const nrm_blas_scope scope = nrm_blas_enter_single();
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)k, (int)k, (int)d, 1, s->r_factor, (int)d, q, (int)k, 0, l, (int)k);
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (int)k, l, (int)k, z, 1);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)d, (int)k, 1, q, (int)k, z, 1, 0, v, 1);
    nrm_blas_leave(scope);
    nrm_arena_free(s->ctx, &arena);
    return NRM_OK;
}

nrm_status nrm_lp_to_x(nrm_lp_space *s, const double *z, double *x)
{
    const int64_t d = s->d, k = s->k;
    double *v = s->right; /* d */

    memset(x, 0, (size_t)d * sizeof *x);
    if (k == 0) return NRM_OK;
    memcpy(v, z, (size_t)k * sizeof *v);
    if (k < d) NRM_TRY(shortest(s, v));
    else {
        const nrm_blas_scope scope = nrm_blas_enter_single();
        cblas_dtrsv(CblasRowMajor, CblasUpper, CblasNoTrans, CblasNonUnit, (int)d, s->r_factor, (int)d, v, 1);
        nrm_blas_leave(scope);
    }
    for (int64_t j = 0; j < d; j++) x[s->pivot[j]] = s->unit * v[j];
    return NRM_OK;
}

void nrm_lp_to_z(const nrm_lp_space *s, const double *x, double *z)
{
    for (int64_t i = 0; i < s->k; i++) {
        z[i] = 0;
        for (int64_t j = 0; j < s->d; j++) z[i] += s->r_factor[i * s->d + j] * x[s->pivot[j]] / s->unit;
    }
}
