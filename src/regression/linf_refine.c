/* linf_refine.c -- from the sketched solution to the exact one.  Contract: linf.h.
 *
 * The singular values of A R^-1, R from the sketch, lie in about [1 / (1 + rho), 1 / (1 - rho)],
 * rho = sqrt(d / m), so conjugate gradients on R^-T A'A R^-1 y = R^-T A'b gain a factor of about
 * 1 / rho a step.  With p = R^-1 y this is, in vectors of length d alone,
 *
 *     g = A'(b - A x),  z = R^-1 R^-T g,  p = z
 *     h = A'(A p)                             one pass: A_c'(A_c p) chunk by chunk
 *     alpha = g'z / p'h,  x += alpha p,  g -= alpha h,  beta = g'z of now / before,  p = z + beta p
 *
 * the iterates of LSQR on A R^-1 without its vectors of length n.  g is measured from the rows at the
 * start and at the end; where the end does not confirm what the recurrence says, the iteration begins
 * again from there.
 *
 * The error of what is left is (A'A)^-1 g, and (A'A)^-1 <= (1 + rho)^2 (R'R)^-1, so coordinate j is
 * within (1 + rho)^2 |row j of R^-1| |R^-T g| of the exact one. */
#include "linf.h"
#include "kernel/ordered.h"
#include "linalg/linalg.h"
#include <cblas.h>

typedef struct state {
    const nrm_linf_plan *plan;
    nrm_linf_solution *s;
    nrm_arena arena;
    double *g, *z, *p, *h;   /* d x q */
    double *partial;         /* d x q: of a chunk */
    double *t;               /* unit x q */
    double *gz, *rr, *bb;    /* q: g'z, |b - A x|^2, |b|^2 */
    const double *v;         /* what the pass multiplies: p, or x for b - A x */
    double *sum;             /* where it adds: h or g */
    int64_t unit;
} state;

static nrm_status make(nrm_ctx *ctx, state *w)
{
    const int64_t d = w->plan->d, q = w->plan->q;
    double **place[] = {&w->g, &w->z, &w->p, &w->h, &w->partial, &w->t, &w->gz, &w->rr, &w->bb};
    const int64_t size[] = {d * q + 2 * q, d * q, d * q, d * q, d * q, w->unit * q, q, 0, 0};

    for (int i = 0; i < NRM_COUNT(size); i++) nrm_arena_add(&w->arena, size[i], sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &w->arena, NRM_LINF));
    for (int i = 0; i < NRM_COUNT(size); i++) *place[i] = nrm_arena_at(&w->arena, i);
    w->rr = w->g + d * q; /* summed over ranks with g */
    w->bb = w->rr + q;
    return NRM_OK;
}

/* ---- Passes --------------------------------------------------------------------------------------- */

static nrm_status product_chunk(nrm_ctx *ctx, void *user, const nrm_row_chunk *k)
{
    const state *w = user;
    const int64_t d = w->plan->d, q = w->plan->q;
    const bool residual = w->sum == w->g;

    memset(w->t, 0, (size_t)(k->count * q) * sizeof *w->t);
    memset(w->partial, 0, (size_t)(d * q) * sizeof *w->partial);
    nrm_ordered_product(ctx, k->count, d, q, k->a, k->lda, w->v, q, w->t, q);
    for (int64_t i = 0; residual && i < k->count; i++)
        for (int64_t c = 0; c < q; c++) {
            const double b = k->b[i * k->ldb + c], r = b - w->t[i * q + c];
            w->t[i * q + c] = r;
            w->rr[c] += r * r;
            w->bb[c] += b * b;
        }
    nrm_ordered_transposed(ctx, k->count, d, q, k->a, k->lda, w->t, q, w->partial, q);
    for (int64_t i = 0; i < d * q; i++) w->sum[i] += w->partial[i];
    return NRM_OK;
}

static nrm_status run_pass(nrm_ctx *ctx, state *w, const double *v, double *sum, nrm_status before)
{
    const int64_t numbers = w->plan->d * w->plan->q + (sum == w->g ? 2 * w->plan->q : 0);
    w->v = v;
    w->sum = sum;
    if (before >= 0) memset(sum, 0, (size_t)numbers * sizeof *sum);
    NRM_TRY(nrm_linf_pass(ctx, w->plan, w->unit, true, "refine", product_chunk, w, before, NULL));
    w->s->passes++;
    return nrm_sum_ranks(ctx, NRM_LINF, sum, numbers);
}

/* ---- Products of d numbers -------------------------------------------------------------------------- */

static double column_dot(const state *w, const double *x, const double *y, int64_t k)
{
    double sum = 0;
    for (int64_t i = 0; i < w->plan->d; i++) sum += x[i * w->plan->q + k] * y[i * w->plan->q + k];
    return sum;
}

/* z = R^-T g or, both, R^-1 R^-T g. */
static void precondition(const state *w, bool both)
{
    const int d = (int)w->plan->d, q = (int)w->plan->q, c = (int)w->plan->columns;
    const nrm_blas_scope scope = nrm_blas_enter_single();
    memcpy(w->z, w->g, (size_t)(w->plan->d * w->plan->q) * sizeof *w->z);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, d, q, 1, w->s->r, c, w->z, q);
    if (both) cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, d, q, 1, w->s->r, c, w->z, q);
    nrm_blas_leave(scope);
}

/* |A'r| / (|A| |r|) of right-hand side k, the columns of A divided by the scales; 0 where what is left
 * of b is rounding. */
static double gradient(const state *w, int64_t k)
{
    double norm = 0;
    if (w->rr[k] <= w->plan->o.tolerance * w->plan->o.tolerance * w->bb[k]) return 0;
    for (int64_t i = 0; i < w->plan->d; i++) norm = hypot(norm, w->g[i * w->plan->q + k] / w->s->scale[i]);
    return norm / (w->s->norm * sqrt(w->rr[k]));
}

/* Below the tolerance, or below what a backward stable solution leaves: |A| |x| / |r| roundings. */
static bool is_done(const state *w, int64_t k)
{
    double norm = 0;
    for (int64_t i = 0; i < w->plan->d; i++) norm = hypot(norm, w->s->x[i * w->plan->q + k] * w->s->scale[i]);
    return gradient(w, k) <= fmax(w->plan->o.tolerance, DBL_EPSILON * w->s->norm * norm / sqrt(w->rr[k]));
}

static bool all_done(const state *w)
{
    for (int64_t k = 0; k < w->plan->q; k++)
        if (!is_done(w, k)) return false;
    return true;
}

/* ---- The iteration ------------------------------------------------------------------------------------ */

/* x and g one step on along p, whose h is known; right-hand sides that are done stay. */
static void advance(state *w)
{
    const int64_t d = w->plan->d, q = w->plan->q;
    for (int64_t k = 0; k < q; k++) {
        const double ph = column_dot(w, w->p, w->h, k), alpha = ph > 0 && !is_done(w, k) ? w->gz[k] / ph : 0;
        for (int64_t i = 0; i < d; i++) {
            w->s->x[i * q + k] += alpha * w->p[i * q + k];
            w->g[i * q + k] -= alpha * w->h[i * q + k];
        }
        w->rr[k] = fmax(0, w->rr[k] - alpha * w->gz[k]);
    }
}

/* z and g'z from g; p = z, or z + beta p. */
static void direct(state *w, bool afresh)
{
    const int64_t d = w->plan->d, q = w->plan->q;
    precondition(w, true);
    for (int64_t k = 0; k < q; k++) {
        const double before = w->gz[k];
        w->gz[k] = column_dot(w, w->g, w->z, k);
        const double beta = afresh || !(before > 0) ? 0 : w->gz[k] / before;
        for (int64_t i = 0; i < d; i++) w->p[i * q + k] = w->z[i * q + k] + beta * w->p[i * q + k];
    }
}

static nrm_status iterate(nrm_ctx *ctx, state *w, nrm_status before)
{
    const nrm_linf_regression_options *o = &w->plan->o;

    for (;;) { /* from a measured gradient to the next */
        NRM_TRY(run_pass(ctx, w, w->s->x, w->g, before));
        w->s->gradient = 0;
        for (int64_t k = 0; k < w->plan->q; k++) w->s->gradient = fmax(w->s->gradient, gradient(w, k));
        if (all_done(w) || w->s->steps == o->refine) return NRM_OK;
        bool afresh = true;
        do {
            direct(w, afresh);
            afresh = false;
            NRM_TRY(run_pass(ctx, w, w->p, w->h, NRM_OK));
            advance(w);
            w->s->steps++;
        } while (w->s->steps < o->refine && !all_done(w));
    }
}

/* What is known of the error now: of x, whose gradient has been measured. */
static void bound_errors(state *w)
{
    const int64_t d = w->plan->d, q = w->plan->q;
    const double rho = w->plan->exact ? 0 : sqrt((double)d / (double)w->plan->m), factor = (1 + rho) * (1 + rho);
    nrm_linf_solution *s = w->s;

    precondition(w, false);
    for (int64_t k = 0; k < q; k++) {
        const double length = sqrt(column_dot(w, w->z, w->z, k));
        s->residual[k] = sqrt(w->rr[k]);
        for (int64_t i = 0; i < d; i++) {
            s->se[i * q + k] = (double)NAN;
            s->bars[i * q + k] = factor * nrm_norm2(s->inverse + i * d, d) * length + DBL_EPSILON * fabs(s->x[i * q + k]);
        }
    }
}

nrm_status nrm_linf_refine(nrm_ctx *ctx, const nrm_linf_plan *plan, nrm_linf_solution *s)
{
    state w = {.plan = plan, .s = s, .unit = nrm_row_pass_unit(plan->columns)};
    nrm_status st = make(ctx, &w);

    st = iterate(ctx, &w, st);
    if (st == NRM_E_CANCELLED && s->steps > 0)
        st = nrm_fail(ctx, NRM_PARTIAL, NRM_LINF ": stopped on request after %lld steps of refinement; x is the point reached, and "
                      "its error bars are those of the start", NRM_LL(s->steps));
    if (st == NRM_OK) {
        bound_errors(&w);
        if (!all_done(&w))
            st = nrm_fail(ctx, NRM_NOT_CONVERGED, NRM_LINF ": |A'r| / (|A| |r|) is %.3g after %lld steps, above tolerance %g; raise "
                          "refine or tolerance", s->gradient, NRM_LL(s->steps), plan->o.tolerance);
    }
    nrm_arena_free(ctx, &w.arena);
    return st;
}
