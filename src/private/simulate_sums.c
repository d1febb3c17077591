/* simulate_sums.c -- Gaussian modes of a simulation.  Contract: simulate.h.
 *
 * The server sees sums only, so the noise of n messages may be drawn once, with n times the
 * variance: the law of the estimate is the same.  Records are added in blocks of fixed rows, each
 * rounded to the grid once. */
#include "simulate.h"
#include <cblas.h>
#include <omp.h>

static const double GRID = 281474976710656.0; /* 2^48 */
static const uint64_t MESSAGE_NOISE = UINT64_C(0x4e01) << 48, SUM_NOISE = UINT64_C(0x4e02) << 48;

int64_t nrm_private_sums_work(const nrm_private_plan *p)
{
    const int64_t d = p->d, rows = (p->covariance > 0 ? NRM_PRIVATE_BLOCK : 1) * d, square = p->covariance > 0 ? d * d : 0;
    const int64_t noise = p->o.each_message ? 3 * (p->numbers + 1) : 0;
    return rows + square + 2 * d + noise;
}

/* What one thread works on. */
typedef struct block { double *rows, *covariance, *box, *moment, *noise; } block;

static block lay_out(const nrm_private_plan *p, double *work)
{
    const int64_t d = p->d, rows = (p->covariance > 0 ? NRM_PRIVATE_BLOCK : 1) * d, square = p->covariance > 0 ? d * d : 0;
    return (block){.rows = work, .covariance = work + rows, .box = work + rows + square, .moment = work + rows + square + d,
                   .noise = work + rows + square + 2 * d};
}

/* One message's noise into the sums of its block. */
static void add_noise(const nrm_private_run *run, const block *b, int64_t row)
{
    const nrm_private_plan *p = &run->server->plan;
    const int64_t d = p->d;
    const double *z = b->noise;

    nrm_private_normals(run->seed, MESSAGE_NOISE | (uint64_t)row, p->numbers, b->noise, b->noise + p->numbers + 1);
    for (int64_t i = 0; p->covariance > 0 && i < d; i++)
        for (int64_t j = i; j < d; j++) b->covariance[i * d + j] += p->sd[nrm_private_part_of(i, j)] * *z++;
    for (int64_t j = 0; j < d; j++) b->moment[j] += p->sd[NRM_PART_MOMENT] * *z++;
}

/* The block's sums as integers; additions of integers commute, so any thread may come first. */
static void add_block(nrm_private_server *s, const block *b)
{
    const nrm_private_plan *p = &s->plan;
    const int64_t d = p->d;
    nrm_i128 *sum = s->sums;

#pragma omp critical(nrm_private_sums)
    {
        for (int64_t i = 0; p->covariance > 0 && i < d; i++)
            for (int64_t j = i; j < d; j++) *sum++ += (nrm_i128)nearbyint(b->covariance[i * d + j] / p->unit[nrm_private_part_of(i, j)]);
        for (int64_t j = 0; j < d; j++) *sum++ += (nrm_i128)nearbyint(b->moment[j] / p->unit[NRM_PART_MOMENT]);
    }
}

static void one_block(const nrm_private_run *run, const nrm_row_chunk *chunk, int64_t from, int64_t to, const block *b,
                      int64_t *clipped, int64_t *nonfinite)
{
    const nrm_private_plan *p = &run->server->plan;
    const int64_t d = p->d;
    nrm_private_record_report report;

    memset(b->moment, 0, (size_t)d * sizeof(double));
    for (int64_t i = from; i < to; i++) {
        double *ball = b->rows + (p->covariance > 0 ? (i - from) * d : 0);
        const double y = nrm_private_cut(p, chunk->a + i * chunk->lda, chunk->b[i * chunk->ldb], ball, p->ball ? NULL : b->box, &report);
        const double *x = p->ball ? ball : b->box;
        for (int64_t j = 0; j < d; j++) b->moment[j] += x[j] * y;
        *clipped += report.clipped;
        *nonfinite += report.nonfinite;
    }
    if (p->covariance > 0)
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)d, (int)(to - from), 1, b->rows, (int)d, 0, b->covariance, (int)d);
    for (int64_t i = from; p->o.each_message && i < to; i++) add_noise(run, b, chunk->first + i);
    add_block(run->server, b);
}

void nrm_private_sums(nrm_private_run *run, const nrm_row_chunk *chunk)
{
    const int64_t blocks = (chunk->count + NRM_PRIVATE_BLOCK - 1) / NRM_PRIVATE_BLOCK;
    int64_t clipped = 0, nonfinite = 0;

#pragma omp parallel for num_threads(run->threads) schedule(dynamic, 1) reduction(+ : clipped, nonfinite) if (blocks > 1)
    for (int64_t k = 0; k < blocks; k++) {
        const block b = lay_out(&run->server->plan, run->work + omp_get_thread_num() * run->each);
        one_block(run, chunk, k * NRM_PRIVATE_BLOCK, nrm_min_i64((k + 1) * NRM_PRIVATE_BLOCK, chunk->count), &b, &clipped, &nonfinite);
    }
    run->clipped += clipped;
    run->nonfinite += nonfinite;
    run->server->messages += chunk->count;
}

nrm_status nrm_private_sum_noise(nrm_ctx *ctx, nrm_private_run *run)
{
    const int64_t count = run->server->plan.numbers;
    const double scale = sqrt((double)run->server->messages) * GRID;
    double *z;

    NRM_TRY(NRM_ALLOC(ctx, z, 3 * (count + 1), NRM_PRIVATE));
    nrm_private_normals(run->seed, SUM_NOISE, count, z, z + count + 1);
    for (int64_t i = 0; i < count; i++) run->server->sums[i] += (nrm_i128)nearbyint(scale * z[i]);
    nrm_free(ctx, z);
    return NRM_OK;
}
