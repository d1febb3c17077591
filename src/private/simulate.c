/* simulate.c -- the method on a table.  Contract: norma/private_sparse_regression.h, simulate.h.
 *
 * One pass.  iht's groups follow each other in the rows, so a round ends when the pass comes to
 * its group's end: ranks, whose chunks interleave, add up there and all go on with one theta. */
#include "simulate.h"
#include "roles.h"
#include "base/random.h"
#include "method/descriptor.h"
#include "linalg/linalg.h"
#include <norma/comm.h>
#include <omp.h>

static const uint64_t CLIENTS = UINT64_C(0x4e03) << 48;

/* ---- iht ------------------------------------------------------------------------------------------- */

int64_t nrm_private_gradients_work(const nrm_private_plan *p) { return 7 * (p->d + 1); }

void nrm_private_gradients(nrm_private_run *run, const nrm_row_chunk *chunk, int64_t from, int64_t to)
{
    nrm_private_server *s = run->server;
    const nrm_private_plan *p = &s->plan;
    const int64_t d = p->d;
    int64_t clipped = 0, nonfinite = 0;

#pragma omp parallel num_threads(run->threads) reduction(+ : clipped, nonfinite) if ((to - from) * d > 20000)
    {
        double *work = run->work + omp_get_thread_num() * run->each, *v = work, *box = work + d;
        int64_t *units = (int64_t *)(void *)(work + 2 * d), *sum = (int64_t *)(void *)(work + 3 * d);
        memset(sum, 0, (size_t)d * sizeof *sum);
#pragma omp for schedule(static)
        for (int64_t i = from; i < to; i++) {
            nrm_private_record_report report;
            nrm_rng rng = nrm_rng_make(run->seed, CLIENTS);
            rng.block = (uint64_t)(chunk->first + i);
            const uint64_t seed = nrm_rng_u64(&rng), coin = nrm_rng_u64(&rng);
            const double norm = nrm_private_gradient(p, chunk->a + i * chunk->lda, chunk->b[i * chunk->ldb], s->theta, box, v, &report);
            const int64_t sign = nrm_private_sign(p, v, norm, seed, coin, units, work + 4 * d) ? 1 : -1;
            for (int64_t j = 0; j < d; j++) sum[j] += sign * units[j]; /* at most 2^13 rows of 2^44 */
            clipped += report.clipped;
            nonfinite += report.nonfinite;
        }
#pragma omp critical(nrm_private_sums)
        for (int64_t j = 0; j < d; j++) s->sums[j] += sum[j];
    }
    run->clipped += clipped;
    run->nonfinite += nonfinite;
    s->messages += to - from;
    s->total += to - from;
}

static nrm_status end_round(nrm_ctx *ctx, nrm_private_run *run)
{
    NRM_TRY(nrm_private_server_share(ctx, run->server));
    return nrm_private_server_next_round(ctx, run->server);
}

/* Rows of a chunk, group by group.  *met: a failure that all ranks share. */
static nrm_status take_gradients(nrm_ctx *ctx, nrm_private_run *run, const nrm_row_chunk *chunk, bool *met)
{
    nrm_private_server *s = run->server;
    const int64_t rounds = s->plan.o.rounds;

    for (int64_t at = 0;;) {
        const int64_t end = s->round <= rounds ? nrm_private_group_end(&s->plan, run->users, s->round) - chunk->first : INT64_MAX;
        if (at >= end) {
            const nrm_status st = end_round(ctx, run);
            *met = st < 0;
            if (st < 0) return st;
            continue;
        }
        if (at == chunk->count) return NRM_OK;
        const int64_t to = nrm_min_i64(end, chunk->count);
        if (s->round <= rounds) nrm_private_gradients(run, chunk, at, to);
        at = to;
    }
}

/* ---- Both ------------------------------------------------------------------------------------------- */

static nrm_status pass_over(nrm_ctx *ctx, nrm_private_run *run, nrm_rows *x, nrm_rows *y)
{
    nrm_private_server *s = run->server;
    const bool iht = s->plan.o.mode == NRM_PRIVATE_IHT;
    const int64_t unit = nrm_max_i64(NRM_PRIVATE_BLOCK, nrm_row_pass_unit(s->plan.d) / NRM_PRIVATE_BLOCK * NRM_PRIVATE_BLOCK);
    nrm_row_pass *pass = NULL;
    nrm_row_chunk chunk;
    bool met = false;
    int64_t rows;

    nrm_status st = nrm_private_pass_begin(ctx, x, y, unit, "private regression", &pass);
    while (st >= 0) {
        st = nrm_row_pass_next(ctx, pass, &chunk);
        if (st < 0 || chunk.count == 0) break;
        if (iht) st = take_gradients(ctx, run, &chunk, &met);
        else nrm_private_sums(run, &chunk);
    }
    if (iht && st >= 0) { /* chunk.first is the number of all rows: the rounds that others' rows end */
        chunk.count = 0;
        st = take_gradients(ctx, run, &chunk, &met);
    }
    /* The others wait at the end of their round. */
    if (iht && st < 0 && !met && s->round <= s->plan.o.rounds) st = nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st);
    NRM_TRY(nrm_row_pass_end(ctx, &pass, st, &rows));
    NRM_REQUIRE(ctx, rows == run->users, NRM_E_SHAPE, NRM_PRIVATE ": x has %lld rows and users is %lld; they must be the same, or users 0",
                NRM_LL(rows), NRM_LL(run->users));
    return iht ? NRM_OK : nrm_private_server_share(ctx, s);
}

static nrm_status prepare(nrm_ctx *ctx, nrm_rows *x, nrm_rows *y, nrm_rows *public_x, const nrm_private_sparse_regression_options *options,
                          nrm_private_run *run)
{
    nrm_private_sparse_regression_options o;
    nrm_private_plan plan;
    int64_t size;

    NRM_TRY(nrm_options_load(ctx, &nrm_private_sparse_regression_method, options, &o));
    NRM_REQUIRE(ctx, nrm_rows_cols(y) == 1, NRM_E_SHAPE, NRM_PRIVATE ": y has %lld columns; it must have one", NRM_LL(nrm_rows_cols(y)));
    run->users = o.users;
    if (run->users == 0) NRM_TRY(nrm_row_pass_count(ctx, NRM_PRIVATE, "x", "give users", x, &run->users, NULL));
    NRM_REQUIRE(ctx, run->users > 0, NRM_E_SHAPE, NRM_PRIVATE ": x has no rows; somebody must take part");
    NRM_TRY(nrm_private_plan_make(ctx, nrm_rows_cols(x), run->users, options, &plan));
    NRM_REQUIRE(ctx, (plan.o.mode == NRM_PRIVATE_NLDP_PUBLIC) == (public_x != NULL), NRM_E_ARGUMENT, NRM_PRIVATE ": public_x is %s; "
                "nldp-public needs it and other modes have no use for it", public_x ? "given" : "missing");
    NRM_TRY(nrm_private_server_make(ctx, &run->server, &plan));
    run->seed = nrm_seed(ctx);
    run->threads = nrm_threads(ctx);
    run->each = nrm_padded(8 * (plan.o.mode == NRM_PRIVATE_IHT ? nrm_private_gradients_work(&plan) : nrm_private_sums_work(&plan))) / 8;
    NRM_REQUIRE(ctx, nrm_mul_size(run->each, run->threads, &size), NRM_E_OVERFLOW, NRM_PRIVATE ": %lld columns are too many for memory",
                NRM_LL(plan.d));
    return NRM_ALLOC(ctx, run->work, size, NRM_PRIVATE);
}

static nrm_status run_all(nrm_ctx *ctx, nrm_private_run *run, nrm_rows *x, nrm_rows *y, nrm_rows *public_x, double *theta, double *raw,
                          nrm_private_sparse_regression_info *info)
{
    const nrm_private_plan *p = &run->server->plan;
    double counts[2];

    NRM_TRY(pass_over(ctx, run, x, y));
    if (p->o.mode != NRM_PRIVATE_IHT) {
        run->server->total = run->server->messages;
        const nrm_status st = p->o.each_message ? NRM_OK : nrm_private_sum_noise(ctx, run);
        NRM_TRY(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    }
    counts[0] = (double)run->clipped, counts[1] = (double)run->nonfinite;
    NRM_TRY(nrm_sum_ranks(ctx, NRM_PRIVATE, counts, 2));
    NRM_TRY(nrm_private_server_estimate(ctx, run->server, public_x, theta, raw, info));
    info->clipped = (int64_t)counts[0], info->nonfinite = (int64_t)counts[1];
    if (p->o.mode == NRM_PRIVATE_IHT) info->unused = run->users - nrm_private_group_end(p, run->users, p->o.rounds);
    return NRM_OK;
}

nrm_status nrm_private_sparse_regression(nrm_ctx *ctx, nrm_rows *x, nrm_rows *y, nrm_rows *public_x, double *theta, double *raw,
                                         nrm_private_sparse_regression_info *info,
                                         const nrm_private_sparse_regression_options *options)
{
    const double start = nrm_now();
    nrm_private_sparse_regression_info found;
    nrm_private_run run = {.users = 0};

    NRM_REQUIRE(ctx, x && y && theta, NRM_E_NULL, NRM_PRIVATE ": x, y and theta must not be NULL");
    const nrm_blas_scope scope = nrm_blas_enter_single();
    nrm_status st = prepare(ctx, x, y, public_x, options, &run);
    st = nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st);
    if (st >= 0) st = run_all(ctx, &run, x, y, public_x, theta, raw, &found);
    nrm_blas_leave(scope);
    if (st >= 0 && info) {
        *info = found;
        info->seconds = nrm_now() - start;
    }
    nrm_free(ctx, run.work);
    nrm_private_server_destroy(ctx, run.server);
    return st;
}
