/* lp_space.c -- products with the rows, their weighted Gram matrix, the bound.  Contract: lp_space.h;
 * the basis itself: lp_basis.c. */
#include "linalg/linalg.h"
#include "lp_space.h"
#include "lp_system.h"
#include <cblas.h>
#include <omp.h>

static int64_t slot_first(const nrm_lp_space *s, int64_t slot) { return slot * (s->n / s->slots) + nrm_min_i64(slot, s->n % s->slots); }

/* ---- Passes over the rows ------------------------------------------------------------------------- */

double nrm_lp_each(nrm_lp_space *s, nrm_lp_rows_fn f, void *user)
{
    double total = 0;

    if (s->threads == 1 || s->slots == 1) {
        for (int64_t slot = 0; slot < s->slots; slot++) {
            const int64_t first = slot_first(s, slot);
            s->partial[slot] = f(s, user, first, slot_first(s, slot + 1) - first);
        }
    } else {
#pragma omp parallel for schedule(dynamic, 1) num_threads(s->threads)
        for (int64_t slot = 0; slot < s->slots; slot++) {
            const int64_t first = slot_first(s, slot);
            s->partial[slot] = f(s, user, first, slot_first(s, slot + 1) - first);
        }
    }
    for (int64_t slot = 0; slot < s->slots; slot++) total += s->partial[slot];
    return total;
}

int64_t nrm_lp_slot(const nrm_lp_space *s, int64_t first)
{
    const int64_t size = s->n / s->slots, longer = s->n % s->slots;
    return first < longer * (size + 1) ? first / (size + 1) : (first - longer) / size;
}

typedef struct product { const double *z; double *out; bool minus_b; } product;

static double product_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const product *p = user;
    for (int64_t i = first; i < first + count; i++) {
        const double *y = s->y + i * s->d;
        double sum[4] = {p->minus_b ? -s->b[i] : 0};
        int64_t j = 0;
        for (; j + 4 <= s->k; j += 4)
            for (int64_t l = 0; l < 4; l++) sum[l] += y[j + l] * p->z[j + l];
        for (; j < s->k; j++) sum[0] += y[j] * p->z[j];
        p->out[i] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
    return 0;
}

void nrm_lp_product(nrm_lp_space *s, const double *z, double *out) { nrm_lp_each(s, product_rows, &(product){z, out, false}); }
void nrm_lp_residual(nrm_lp_space *s, const double *z, double *r) { nrm_lp_each(s, product_rows, &(product){z, r, true}); }

static double transposed_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const double *v = user;
    double *sum = s->sums + nrm_lp_slot(s, first) * s->d * (s->d + 1);
    memset(sum, 0, (size_t)s->k * sizeof *sum);
    for (int64_t i = first; i < first + count; i++) {
        const double *y = s->y + i * s->d, c = v[i];
        for (int64_t j = 0; j < s->k; j++) sum[j] += c * y[j];
    }
    return 0;
}

void nrm_lp_transposed(nrm_lp_space *s, const double *v, double *out)
{
    nrm_lp_each(s, transposed_rows, (void *)(uintptr_t)v);
    for (int64_t j = 0; j < s->k; j++) {
        out[j] = 0;
        for (int64_t slot = 0; slot < s->slots; slot++) out[j] += s->sums[slot * s->d * (s->d + 1) + j];
    }
}

/* ---- Weighted least squares -------------------------------------------------------------------------- */

/* The lower triangle of Y' diag(w) Y of a range of rows; BLAS on one thread. */
static double gram_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const double *w = user;
    const int64_t slot = nrm_lp_slot(s, first), k = s->k;
    double *sum = s->sums + slot * s->d * (s->d + 1), *rows = s->rows + slot * (s->block + s->d + NRM_LP_WORK) * s->d;

    const nrm_blas_scope scope = nrm_blas_enter_single();
    for (int64_t i = 0; i < count; i += s->block) {
        const int64_t m = nrm_min_i64(s->block, count - i);
        for (int64_t l = 0; l < m; l++) {
            const double *y = s->y + (first + i + l) * s->d, c = sqrt(w[first + i + l]);
            for (int64_t j = 0; j < k; j++) rows[l * k + j] = c * y[j];
        }
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)k, (int)m, 1, rows, (int)k, i ? 1 : 0, sum, (int)k);
    }
    nrm_blas_leave(scope);
    return 0;
}

nrm_status nrm_lp_factor(nrm_lp_space *s, const double *w)
{
    const int64_t k = s->k, stride = s->d * (s->d + 1);
    double *g = s->sums;

    NRM_REQUIRE(s->ctx, !nrm_tick(s->ctx, "solving", (double)s->iterations, (double)s->max_iter, NULL, NAN), NRM_E_CANCELLED,
                "%s: stopped on request", s->who);
    s->iterations++;
    nrm_lp_each(s, gram_rows, (void *)(uintptr_t)w);
    for (int64_t slot = 1; slot < s->slots; slot++)
        for (int64_t i = 0; i < k * k; i++) g[i] += s->sums[slot * stride + i];
    NRM_REQUIRE(s->ctx, nrm_lp_system_factor(k, g, s->scale, s->gram), NRM_E_INTERNAL,
                "%s: a weighted Gram matrix has no Cholesky factor", s->who);
    return NRM_OK;
}

void nrm_lp_solve_factored(const nrm_lp_space *s, double *g) { nrm_lp_system_solve(s->k, s->scale, s->gram, g); }

/* z = (Y'Y)^-1 Y'b by two corrections, which is as good as by QR where Y'Y is near I.  The factor
 * stays in s->cross for the projections. */
nrm_status nrm_lp_least_squares(nrm_lp_space *s)
{
    for (int64_t i = 0; i < s->n; i++) s->trial[i] = 1;
    NRM_TRY(nrm_lp_factor(s, s->trial));
    memset(s->z, 0, (size_t)s->k * sizeof *s->z);
    for (int turn = 0; turn < 3; turn++) {
        nrm_lp_residual(s, s->z, s->r);
        nrm_lp_transposed(s, s->r, s->right);
        nrm_lp_solve_factored(s, s->right);
        for (int64_t j = 0; j < s->k; j++) s->z[j] -= s->right[j];
    }
    nrm_lp_residual(s, s->z, s->r);
    for (int64_t i = 0; i < s->k; i++)
        for (int64_t j = 0; j <= i; j++) s->cross[i * s->k + j] = s->gram[i * s->k + j] / s->scale[i];
    return NRM_OK;
}

/* ---- Norms and the bound ------------------------------------------------------------------------------ */

typedef struct powers { const double *v; double p, unit; } powers;

static double largest_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const powers *o = user;
    double *most = s->sums + nrm_lp_slot(s, first) * s->d * (s->d + 1);
    *most = 0;
    for (int64_t i = first; i < first + count; i++) *most = fmax(*most, fabs(o->v[i]));
    return 0;
}

static double power_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const powers *o = user;
    double sum = 0;
    (void)s;
    for (int64_t i = first; i < first + count; i++) {
        const double t = fabs(o->v[i]) * o->unit;
        sum += o->p == 1 ? t : o->p == 2 ? t * t : pow(t, o->p);
    }
    return sum;
}

double nrm_lp_largest(nrm_lp_space *s, const double *v)
{
    double most = 0;
    nrm_lp_each(s, largest_rows, &(powers){.v = v});
    for (int64_t slot = 0; slot < s->slots; slot++) most = fmax(most, s->sums[slot * s->d * (s->d + 1)]);
    return most;
}

double nrm_lp_norm(nrm_lp_space *s, const double *v, double p)
{
    const double most = nrm_lp_largest(s, v);
    if (most == 0 || isinf(p)) return most;
    return most * pow(nrm_lp_each(s, power_rows, &(powers){v, p, 1 / most}), 1 / p);
}

typedef struct pair { const double *x, *y; } pair;

static double dot_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    const pair *o = user;
    double sum = 0;
    (void)s;
    for (int64_t i = first; i < first + count; i++) sum += o->x[i] * o->y[i];
    return sum;
}

double nrm_lp_dot(nrm_lp_space *s, const double *x, const double *y) { return nrm_lp_each(s, dot_rows, &(pair){x, y}); }

static double project_rows(const nrm_lp_space *s, void *user, int64_t first, int64_t count)
{
    double *v = user;
    for (int64_t i = first; i < first + count; i++) {
        const double *y = s->y + i * s->d;
        double sum = 0;
        for (int64_t j = 0; j < s->k; j++) sum += y[j] * s->right[j];
        v[i] -= sum;
    }
    return 0;
}

/* Twice: Y'lambda = 0 to rounding also where the first took most of lambda away. */
void nrm_lp_certify(nrm_lp_space *s, const double *lambda)
{
    const int k = (int)s->k;
    double *work = s->work;
    const nrm_blas_scope scope = nrm_blas_enter_single();

    memcpy(work, lambda, (size_t)s->n * sizeof *work);
    for (int turn = 0; turn < 2 && k > 0; turn++) {
        nrm_lp_transposed(s, work, s->right);
        cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, k, s->cross, k, s->right, 1);
        cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, k, s->cross, k, s->right, 1);
        nrm_lp_each(s, project_rows, work);
    }
    nrm_blas_leave(scope);
    const double q = s->p == 1 ? (double)INFINITY : s->p / (s->p - 1), size = nrm_lp_norm(s, work, q);
    const double value = nrm_lp_dot(s, work, s->r);
    if (!(size > 0) || !(value / size > s->lower)) return;
    s->lower = value / size;
    for (int64_t i = 0; i < s->n; i++) s->dual[i] = work[i] / size;
}

bool nrm_lp_closed(nrm_lp_space *s)
{
    const double value = nrm_lp_norm(s, s->r, s->p);
    return value - s->lower <= s->tol * value;
}
