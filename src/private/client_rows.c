/* client_rows.c -- the role client: a table whose rows are people.  Contract: roles.h. */
#define _POSIX_C_SOURCE 200809L
#include "roles.h"
#include <norma/comm.h>
#include <unistd.h>

typedef struct job {
    nrm_private_plan plan;
    nrm_private_source *source;
    nrm_private_ledger *ledger;
    const double *theta;
    unsigned char *reports;
    int64_t bytes, count;
    nrm_private_sparse_regression_info *info;
} job;

nrm_status nrm_private_pass_begin(nrm_ctx *ctx, nrm_rows *x, nrm_rows *y, int64_t unit, const char *task, nrm_row_pass **pass)
{
    NRM_TRY(nrm_row_pass_begin(ctx, NRM_PRIVATE, x, y, unit, task, pass));
    nrm_row_pass_names(*pass, "x", "y");
    nrm_row_pass_trust(*pass);
    return NRM_OK;
}

static nrm_status charge(nrm_ctx *ctx, job *j, int64_t user)
{
    const nrm_private_sparse_regression_options *o = &j->plan.o;
    double eps, delta;

    if (!j->ledger) return NRM_OK;
    NRM_TRY(nrm_private_ledger_charge(ctx, j->ledger, user, o->eps, o->mode == NRM_PRIVATE_IHT ? 0 : o->delta, o->again));
    nrm_private_ledger_spent(j->ledger, user, &eps, &delta);
    j->info->most_epsilon = fmax(j->info->most_epsilon, eps);
    j->info->most_delta = fmax(j->info->most_delta, delta);
    return NRM_OK;
}

static nrm_status take_chunk(nrm_ctx *ctx, job *j, const nrm_row_chunk *chunk)
{
    for (int64_t i = 0; i < chunk->count; i++) {
        const int64_t row = chunk->first + i, user = j->plan.o.first_user + row;
        nrm_private_record_report report;
        NRM_REQUIRE(ctx, row < j->count, NRM_E_SHAPE, NRM_PRIVATE ": x goes on after the %lld rows that it was said to have", NRM_LL(j->count));
        NRM_TRY(charge(ctx, j, user));
        NRM_TRY(nrm_private_randomize_planned(ctx, &j->plan, j->source, user, chunk->a + i * chunk->lda, chunk->b[i * chunk->ldb], j->theta,
                                              j->reports + row * j->bytes, &report));
        j->info->clipped += report.clipped;
        j->info->nonfinite += report.nonfinite;
    }
    return NRM_OK;
}

static nrm_status take_all(nrm_ctx *ctx, job *j, nrm_rows *x, nrm_rows *y)
{
    nrm_row_pass *pass = NULL;
    nrm_row_chunk chunk;
    int64_t rows;

    nrm_status st = nrm_private_pass_begin(ctx, x, y, 256, "randomizing", &pass);
    while (st >= 0) {
        st = nrm_row_pass_next(ctx, pass, &chunk);
        if (st < 0 || chunk.count == 0) break;
        st = take_chunk(ctx, j, &chunk);
    }
    NRM_TRY(nrm_row_pass_end(ctx, &pass, st, &rows));
    NRM_REQUIRE(ctx, rows == j->count, NRM_E_SHAPE, NRM_PRIVATE ": x ends after %lld rows and was said to have %lld", NRM_LL(rows),
                NRM_LL(j->count));
    j->info->messages = rows;
    return NRM_OK;
}

static nrm_status open_ledger(nrm_ctx *ctx, job *j)
{
    const char *path = j->plan.o.ledger;
    if (!path) return NRM_OK;
    NRM_TRY(access(path, F_OK) == 0 ? nrm_private_ledger_load(ctx, &j->ledger, path) : nrm_private_ledger_create(ctx, &j->ledger));
    return nrm_private_source_secure(j->source) ? NRM_OK : nrm_private_ledger_seed(ctx, j->ledger, nrm_seed(ctx));
}

nrm_status nrm_private_client_rows(nrm_ctx *ctx, nrm_rows *x, nrm_rows *y, const double *theta, int64_t count, unsigned char *reports,
                                   nrm_private_sparse_regression_info *info, const nrm_private_sparse_regression_options *options)
{
    job j = {.theta = theta, .reports = reports, .count = count, .info = info};
    nrm_status st;

    NRM_REQUIRE(ctx, nrm_comm_size(nrm_ctx_comm(ctx)) == 1, NRM_E_ARGUMENT, NRM_PRIVATE ": role client runs in one process; a person's "
                "record is not shared among several");
    NRM_REQUIRE(ctx, nrm_rows_cols(y) == 1, NRM_E_SHAPE, NRM_PRIVATE ": y has %lld columns; it must have one", NRM_LL(nrm_rows_cols(y)));
    NRM_TRY(nrm_private_plan_make(ctx, nrm_rows_cols(x), 0, options, &j.plan));
    NRM_REQUIRE(ctx, theta || j.plan.o.mode != NRM_PRIVATE_IHT, NRM_E_ARGUMENT, NRM_PRIVATE ": theta is missing; iht needs what the server "
                "sent for this round, zeros for the first");
    j.bytes = nrm_private_message_bytes(j.plan.o.mode, j.plan.d);
    nrm_private_info_begin(&j.plan, info);
    info->clipped = info->nonfinite = 0;
    NRM_TRY_DONE(nrm_private_source_open(ctx, &j.source));
    info->secure = nrm_private_source_secure(j.source);
    NRM_TRY_DONE(open_ledger(ctx, &j));
    NRM_TRY_DONE(take_all(ctx, &j, x, y));
    if (j.ledger) st = nrm_private_ledger_save(ctx, j.ledger, j.plan.o.ledger);
done:
    nrm_private_ledger_destroy(ctx, j.ledger);
    nrm_private_source_close(ctx, j.source);
    return st;
}
