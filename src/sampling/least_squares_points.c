/* least_squares_points.c -- what a fit says of single points.  Contract: least_squares.h.
 *
 * With V = psi R11^-1, whose rows are those of Q: the leverage of point i is |V_i|^2, its fitted value
 * times sqrt(w) is V_i R12, and the fit without it misses y_i by residual_i / (1 - leverage_i). */
#include "least_squares.h"
#include "linalg/alone.h"
#include <cblas.h>

#define WHO NRM_LEAST_SQUARES_WHO
enum { BLOCK = 64, NEW_BLOCK = 256 };

typedef struct second_pass {
    double *fitted, *residuals, *leverage; /* n x q, n x q, n; NULL: not wanted */
    double *lost;                          /* unit: sum over the columns of (sqrt(w) residual / (1 - leverage))^2 */
    double sum;
} second_pass;

/* Point i of a chunk, whose row of psi is a row of Q by now. */
static void look_at(const nrm_fit *f, const nrm_row_chunk *chunk, int64_t i, second_pass *p)
{
    const int64_t m = f->m, q = f->q, c = m + q, row = chunk->first + i;
    const double *v = f->psi + i * m, *y = chunk->a + i * chunk->lda;
    double leverage = 0, lost = 0;

    for (int64_t j = 0; j < m; j++) leverage += v[j] * v[j];
    for (int64_t l = 0; l < q; l++) {
        double fitted = 0;
        for (int64_t j = 0; j < m; j++) fitted += v[j] * f->r[j * c + m + l];
        const double residual = f->value[i * q + l] - fitted, without = residual / (1 - leverage);
        lost += f->n > m && 1 - leverage > 1e-12 ? without * without : INFINITY;
        if (p->fitted) p->fitted[row * q + l] = fitted / f->root[i];
        if (p->residuals) p->residuals[row * q + l] = y[l] - fitted / f->root[i];
    }
    if (p->leverage) p->leverage[row] = leverage;
    p->lost[i] = lost;
}

static nrm_status look_at_chunk(nrm_fit *f, const nrm_row_chunk *chunk, void *user)
{
    const int64_t m = f->m;
    second_pass *p = user;

#pragma omp parallel num_threads(nrm_threads(f->ctx)) if (chunk->count > BLOCK)
    {
        const nrm_blas_scope scope = nrm_blas_enter_single();
#pragma omp for schedule(static)
        for (int64_t first = 0; first < chunk->count; first += BLOCK) {
            const int64_t count = nrm_min_i64(BLOCK, chunk->count - first);
            cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, (int)count, (int)m, 1, f->r, (int)(m + f->q),
                        f->psi + first * m, (int)m);
            for (int64_t i = first; i < first + count; i++) look_at(f, chunk, i, p);
        }
        nrm_blas_leave(scope);
    }
    p->sum += nrm_sum(p->lost, chunk->count);
    return NRM_OK;
}

static nrm_status reserve(nrm_fit *f, unsigned want, nrm_weighted_least_squares_result *made, second_pass *p)
{
    const int64_t numbers = f->n * f->q; /* as y, which has passed */

    if (want & NRM_LEAST_SQUARES_FITTED) NRM_TRY(NRM_ALLOC_ZERO(f->ctx, made->fitted, numbers, WHO));
    if (want & NRM_LEAST_SQUARES_RESIDUALS) NRM_TRY(NRM_ALLOC_ZERO(f->ctx, made->residuals, numbers, WHO));
    if (want & NRM_LEAST_SQUARES_LEVERAGE) NRM_TRY(NRM_ALLOC_ZERO(f->ctx, made->leverage, f->n, WHO));
    p->fitted = made->fitted, p->residuals = made->residuals, p->leverage = made->leverage;
    return NRM_ALLOC(f->ctx, p->lost, f->unit, WHO);
}

nrm_status nrm_fit_points(nrm_fit *f, nrm_status before, unsigned want, nrm_weighted_least_squares_result *made, double *leave_one_out)
{
    second_pass p = {0};
    int64_t rows = 0;
    nrm_status st = nrm_comm_agree(f->ctx, nrm_ctx_comm(f->ctx), before >= 0 ? reserve(f, want, made, &p) : before);

    if (st >= 0) st = nrm_fit_pass(f, "residuals", look_at_chunk, &p, &rows);
    nrm_free(f->ctx, p.lost);
    NRM_TRY(st);
    NRM_REQUIRE(f->ctx, rows == f->n, NRM_E_SHAPE, WHO ": y had %lld rows when first read, and %lld now", NRM_LL(f->n), NRM_LL(rows));
    NRM_TRY(nrm_sum_ranks(f->ctx, WHO, &p.sum, 1));
    if (p.fitted) NRM_TRY(nrm_sum_ranks(f->ctx, WHO, p.fitted, f->n * f->q));
    if (p.residuals) NRM_TRY(nrm_sum_ranks(f->ctx, WHO, p.residuals, f->n * f->q));
    if (p.leverage) NRM_TRY(nrm_sum_ranks(f->ctx, WHO, p.leverage, f->n));
    *leave_one_out = sqrt(p.sum / ((double)f->n * (double)f->q));
    return NRM_OK;
}

/* ---- New points ------------------------------------------------------------------------------------- */

/* to[i * stride + l * step] = sum over j of phi_ij own_jl. */
static void combine(const nrm_fit *f, int64_t count, const double *phi, double *to, int64_t stride, int64_t step)
{
#pragma omp parallel for schedule(static) num_threads(nrm_threads(f->ctx)) if (count * f->m > 1 << 14)
    for (int64_t i = 0; i < count; i++)
        for (int64_t l = 0; l < f->q; l++) {
            double sum = 0;
            for (int64_t j = 0; j < f->m; j++) sum += phi[i * f->m + j] * f->own[j * f->q + l];
            to[i * stride + l * step] = sum;
        }
}

static void predict_block(const nrm_fit *f, int64_t first, int64_t count, double *phi, nrm_weighted_least_squares_result *made)
{
    const int64_t q = f->q, d = f->d;
    const double *x = f->in->x_new + first * d;

    if (made->predictions) {
        nrm_space_evaluate(f->space, count, x, phi);
        combine(f, count, phi, made->predictions + first * q, q, 1);
    }
    for (int64_t i = 0; made->gradient && i < d; i++) {
        nrm_space_derivative(f->space, i, count, x, phi);
        combine(f, count, phi, made->gradient + first * q * d + i, q * d, d);
    }
}

nrm_status nrm_fit_predict(nrm_fit *f, unsigned want, nrm_weighted_least_squares_result *made)
{
    const int64_t count = f->in->new_count;
    nrm_ctx *ctx = f->ctx;
    int64_t values, slopes;
    double *phi = NULL;
    nrm_status st = NRM_OK;

    if (!(want & (NRM_LEAST_SQUARES_PREDICTIONS | NRM_LEAST_SQUARES_GRADIENT))) return NRM_OK;
    NRM_REQUIRE(ctx, nrm_mul_size(count, f->q, &values) && nrm_mul_size(values, f->d, &slopes), NRM_E_OVERFLOW,
                WHO ": predictions at %lld points are more than memory can address", NRM_LL(count));
    made->new_count = count;
    if (want & NRM_LEAST_SQUARES_PREDICTIONS) NRM_TRY_DONE(NRM_ALLOC(ctx, made->predictions, values, WHO));
    if (want & NRM_LEAST_SQUARES_GRADIENT) NRM_TRY_DONE(NRM_ALLOC(ctx, made->gradient, slopes, WHO));
    NRM_TRY_DONE(NRM_ALLOC(ctx, phi, NEW_BLOCK * f->m, WHO));
    for (int64_t first = 0; first < count; first += NEW_BLOCK) {
        NRM_STOP_IF(nrm_tick(ctx, "predictions", (double)first, (double)count, NULL, NAN), NRM_E_CANCELLED, WHO ": stopped on request");
        predict_block(f, first, nrm_min_i64(NEW_BLOCK, count - first), phi, made);
    }
done:
    nrm_free(ctx, phi);
    return st;
}
