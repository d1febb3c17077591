/* linf_solve.c -- from triangular factors of S [A b] to the solution and what is known of its
 * error.  Contract: linf.h.
 *
 * R of [S A, S b] is [R_A, Q'S b; 0, R_b]: x' solves R_A x' = Q'S b, |S A x' - S b| is the length of
 * the last columns below row d, and [((S A)'S A)^-1]_jj the square length of row j of R_A^-1.
 *
 * Column j depends on those before it, as far as can be told, where |R_jj| is at most 4 (d + 8)
 * roundings of its own length: Householder's QR errs column by column, so the test does not depend on
 * how columns are scaled. */
#include "linf.h"
#include "base/random.h"
#include "base/student.h"
#include "linalg/linalg.h"
#include <cblas.h>
#include <lapacke.h>
#include <stdlib.h>

nrm_status nrm_linf_solution_make(nrm_ctx *ctx, const nrm_linf_plan *plan, nrm_linf_solution *s)
{
    const int64_t dq = plan->d * plan->q, replicas = plan->exact ? 1 : plan->o.repetitions;
    enum { X, SE, BARS, BOUNDS, R, INVERSE, SCALE, RESIDUAL, EACH_X, EACH_SE, EACH_RESIDUAL, WORK, SLOTS };
    int64_t size[SLOTS] = {dq, dq, dq, dq, 0, 0, plan->d, plan->q, 0, 0, 0, 0};
    bool fits = nrm_mul_size(plan->d, plan->q, &size[X]) && nrm_mul_size(plan->columns, plan->columns, &size[R]) &&
                nrm_mul_size(plan->d, plan->d, &size[INVERSE]) && nrm_mul_size(replicas, size[X], &size[EACH_X]);

    nrm_arena_free(ctx, &s->arena);
    *s = (nrm_linf_solution){.sketch = s->sketch, .gradient = (double)NAN};
    NRM_REQUIRE(ctx, fits, NRM_E_OVERFLOW, NRM_LINF ": %lld columns and %lld right-hand sides are too many", NRM_LL(plan->d),
                NRM_LL(plan->q));
    size[SE] = size[BARS] = size[BOUNDS] = size[X];
    size[EACH_SE] = size[EACH_X];
    size[EACH_RESIDUAL] = replicas * plan->q;
    size[WORK] = nrm_max_i64(2 * plan->d, replicas);
    for (int i = 0; i < SLOTS; i++) nrm_arena_add(&s->arena, size[i], sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &s->arena, NRM_LINF));
    double **place[SLOTS] = {&s->x, &s->se, &s->bars, &s->bounds, &s->r, &s->inverse, &s->scale, &s->residual,
                             &s->each_x, &s->each_se, &s->each_residual, &s->work};
    for (int i = 0; i < SLOTS; i++) *place[i] = nrm_arena_at(&s->arena, i);
    return NRM_OK;
}

void nrm_linf_solution_free(nrm_ctx *ctx, nrm_linf_solution *s)
{
    nrm_arena_free(ctx, &s->arena);
    nrm_free(ctx, s->sketch);
    *s = (nrm_linf_solution){0};
}

/* ---- One replica -------------------------------------------------------------------------------- */

/* Length of rows first .. last of column j of r. */
static double column_norm(int64_t columns, const double *r, int64_t first, int64_t last, int64_t j)
{
    double norm = 0;
    for (int64_t i = first; i <= last; i++) norm = hypot(norm, r[i * columns + j]);
    return norm;
}

/* R_A y = column j above its diagonal: of which columns it is made, by length. */
static int64_t partner_of(int64_t columns, const double *r, int64_t j, double *y)
{
    int64_t best = j;
    double most = 0;
    for (int64_t i = 0; i < j; i++) y[i] = r[i * columns + j];
    cblas_dtrsv(CblasRowMajor, CblasUpper, CblasNoTrans, CblasNonUnit, (int)j, r, (int)columns, y, 1);
    for (int64_t i = 0; i < j; i++) {
        const double part = fabs(y[i]) * column_norm(columns, r, 0, i, i);
        if (part > most) most = part, best = i;
    }
    return best;
}

static int64_t find_deficient(const nrm_linf_plan *plan, const double *r, double *work, int64_t *partner)
{
    const double rounding = 4 * ((double)plan->d + 8) * DBL_EPSILON;
    for (int64_t j = 0; j < plan->d; j++) {
        const double norm = column_norm(plan->columns, r, 0, j, j);
        if (fabs(r[j * plan->columns + j]) > rounding * norm) continue;
        *partner = norm > 0 ? partner_of(plan->columns, r, j, work) : j;
        return j;
    }
    return -1;
}

/* x (d x q), se (d x q) and residuals (q) from r; inverse becomes R_A^-1. */
static void solve_one(const nrm_linf_plan *plan, const double *r, double *inverse, double *x, double *se, double *residual)
{
    const int64_t d = plan->d, q = plan->q, c = plan->columns;
    const double freedom = (double)(plan->m - d);

    for (int64_t i = 0; i < d; i++) {
        memcpy(inverse + i * d, r + i * c, (size_t)d * sizeof *inverse);
        memcpy(x + i * q, r + i * c + d, (size_t)q * sizeof *x);
    }
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, (int)d, (int)q, 1, r, (int)c, x, (int)q);
    LAPACKE_dtrtri_work(LAPACK_COL_MAJOR, 'L', 'N', (int)d, inverse, (int)d); /* the transpose, by columns */
    for (int64_t k = 0; k < q; k++) {
        const double norm = column_norm(c, r, d, d + k, d + k);
        const double deviation = freedom > 0 ? norm / sqrt(freedom) : (double)INFINITY;
        residual[k] = plan->exact ? norm : sqrt((double)plan->m) * deviation;
        for (int64_t i = 0; i < d; i++) se[i * q + k] = plan->exact ? 0 : deviation * nrm_norm2(inverse + i * d, d);
    }
}

/* ---- Norms ---------------------------------------------------------------------------------------- */

/* |op(T) D|_2 of an upper triangle T (stride ld) and D = diag(scale^power), from below, by power
 * iteration; work 2 d. */
static double spectral(CBLAS_TRANSPOSE op, int64_t d, const double *t, int64_t ld, const double *scale, int power, double *work)
{
    const CBLAS_TRANSPOSE back = op == CblasTrans ? CblasNoTrans : CblasTrans;
    nrm_rng rng = nrm_rng_make(0, (uint64_t)d);
    double *v = work, value = 0, before = -1;

    nrm_rng_normals(&rng, v, d);
    for (int i = 0; i < 300 && fabs(value - before) > 1e-6 * value; i++) {
        const double length = nrm_norm2(v, d);
        if (length == 0) return 0;
        for (int64_t j = 0; j < d; j++) v[j] *= (power > 0 ? scale[j] : 1 / scale[j]) / length;
        cblas_dtrmv(CblasRowMajor, CblasUpper, op, CblasNonUnit, (int)d, t, (int)ld, v, 1);
        before = value;
        value = nrm_norm2(v, d);
        if (value == 0) return 0;
        for (int64_t j = 0; j < d; j++) v[j] /= value;
        cblas_dtrmv(CblasRowMajor, CblasUpper, back, CblasNonUnit, (int)d, t, (int)ld, v, 1);
        for (int64_t j = 0; j < d; j++) v[j] *= power > 0 ? scale[j] : 1 / scale[j];
    }
    return value;
}

static void measure_norms(const nrm_linf_plan *plan, nrm_linf_solution *s)
{
    const int64_t d = plan->d, c = plan->columns;
    for (int64_t j = 0; j < d; j++) {
        int exponent = 1;
        if (plan->o.equilibrate) frexp(column_norm(c, s->r, 0, j, j), &exponent);
        s->scale[j] = ldexp(1, exponent - 1);
    }
    s->norm = spectral(CblasNoTrans, d, s->r, c, s->scale, -1, s->work);
    s->inverse_norm = spectral(CblasTrans, d, s->inverse, d, s->scale, 1, s->work);
}

/* ---- All replicas --------------------------------------------------------------------------------- */

static int by_value(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static void medians(int64_t replicas, int64_t count, const double *each, double *sorted, double *median)
{
    for (int64_t i = 0; i < count; i++) {
        for (int64_t k = 0; k < replicas; k++) sorted[k] = each[k * count + i];
        if (replicas > 1) qsort(sorted, (size_t)replicas, sizeof *sorted, by_value);
        median[i] = replicas % 2 ? sorted[replicas / 2] : sorted[replicas / 2 - 1] / 2 + sorted[replicas / 2] / 2;
    }
}

static void bound_errors(const nrm_linf_plan *plan, nrm_linf_solution *s)
{
    const int64_t d = plan->d, q = plan->q;
    const double eps = nrm_linf_eps(plan), tail = (1 - plan->o.confidence) / (2 * (double)d);
    const double t = plan->exact ? 0 : plan->m > d ? nrm_student_quantile(tail, (double)(plan->m - d)) : (double)INFINITY;

    for (int64_t i = 0; i < d; i++)
        for (int64_t k = 0; k < q; k++) {
            s->bars[i * q + k] = plan->exact ? 0 : t * s->se[i * q + k];
            s->bounds[i * q + k] = plan->exact ? 0 : eps / sqrt((double)d) * s->residual[k] * s->inverse_norm / s->scale[i];
        }
}

/* The triangular factor of replica k, in s->r. */
static nrm_status factor_sketch(nrm_ctx *ctx, const nrm_linf_plan *plan, nrm_linf_solution *s, int64_t k)
{
    const double *sketch = s->sketch + k * plan->m * plan->columns;
    nrm_tall_qr *qr;
    int64_t where;

    NRM_REQUIRE(ctx, nrm_all_finite_f64(sketch, plan->m * plan->columns, &where), NRM_E_OVERFLOW,
                NRM_LINF ": the sketch leaves the range of f64; scale a and b down");
    NRM_TRY(nrm_tall_qr_begin(ctx, NRM_LINF, plan->columns, &qr));
    nrm_tall_qr_add(ctx, qr, 0, plan->m, sketch, plan->columns, plan->d, sketch + plan->d, plan->columns);
    const nrm_status st = nrm_tall_qr_alone(ctx, qr, s->r);
    nrm_tall_qr_end(ctx, qr);
    return st;
}

nrm_status nrm_linf_solve(nrm_ctx *ctx, const nrm_linf_plan *plan, nrm_linf_solution *s, int64_t *deficient, int64_t *partner)
{
    const int64_t dq = plan->d * plan->q, replicas = plan->exact ? 1 : plan->o.repetitions;

    for (int64_t k = replicas - 1; k >= 0; k--) { /* the first stays in r and inverse */
        if (!plan->exact) NRM_TRY(factor_sketch(ctx, plan, s, k));
        const nrm_blas_scope scope = nrm_blas_enter_single();
        *deficient = find_deficient(plan, s->r, s->work, partner);
        if (*deficient < 0)
            solve_one(plan, s->r, s->inverse, s->each_x + k * dq, s->each_se + k * dq, s->each_residual + k * plan->q);
        if (k == 0 && *deficient < 0) measure_norms(plan, s);
        nrm_blas_leave(scope);
        if (*deficient >= 0) return NRM_OK;
    }
    medians(replicas, dq, s->each_x, s->work, s->x);
    medians(replicas, dq, s->each_se, s->work, s->se);
    medians(replicas, plan->q, s->each_residual, s->work, s->residual);
    bound_errors(plan, s);
    return NRM_OK;
}
