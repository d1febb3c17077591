/* tall_qr.c -- R of a tall matrix in one pass.  Contract: tall_qr.h.
 *
 * A block of rows under the factor so far is factored again: R of [R; A_1] is R of all rows
 * (Golub and Van Loan, sec. 5.2; TSQR of Demmel and others).  Blocks go to `lanes` factors in turn,
 * which threads work on side by side, each with one thread of LAPACK; lanes and blocks depend on
 * the number of columns alone, and so do the bits.  Row-major rows are the columns of the
 * transpose, so A = Q R is A' = R'Q', dgelqf of the transpose. */
#include "tall_qr.h"
#include "check.h"
#include "data/row_pass.h"
#include "linalg.h"
#include <lapacke.h>
#include <norma/comm.h>
#include <omp.h>

struct nrm_tall_qr {
    const char *who;
    int64_t columns, unit, lanes, size; /* size: numbers of a lane's stack */
    int threads, count;                 /* count: numbers of LAPACK's work */
    double *stack;                      /* lanes x (columns + unit) x columns: R, then a block */
    double *work, *tau;                 /* one a thread; tau is columns long */
    bool used[8];
};

nrm_status nrm_tall_qr_begin(nrm_ctx *ctx, const char *who, int64_t columns, nrm_tall_qr **qr)
{
    const int64_t unit = nrm_max_i64(64, columns <= 512 ? 4 * columns : 2 * columns);
    double asked = 0;
    int64_t size;
    nrm_tall_qr *q;
    nrm_status st;

    *qr = NULL;
    NRM_REQUIRE(ctx, nrm_mul_size(columns + unit, columns, &size) && size <= INT64_MAX / 1024 && columns + unit <= INT32_MAX,
                NRM_E_OVERFLOW, "%s: %lld columns are too many for an exact solution", who, NRM_LL(columns));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, q, 1, who));
    *q = (nrm_tall_qr){.who = who, .columns = columns, .unit = unit, .lanes = columns <= 256 ? 8 : columns <= 512 ? 4 : 2,
                       .size = size, .threads = nrm_threads(ctx)};
    LAPACKE_dgelqf_work(LAPACK_COL_MAJOR, (int)columns, (int)(columns + unit), NULL, (int)columns, NULL, &asked, -1);
    NRM_TRY_DONE(nrm_check_work(ctx, who, asked, &q->count));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, q->stack, q->lanes * size, who));
    NRM_TRY_DONE(NRM_ALLOC(ctx, q->work, (int64_t)q->threads * (q->count + columns), who));
    *qr = q;
done:
    if (st < 0) nrm_tall_qr_end(ctx, q);
    return st;
}

int64_t nrm_tall_qr_unit(const nrm_tall_qr *qr) { return qr->unit; }

void nrm_tall_qr_end(nrm_ctx *ctx, nrm_tall_qr *qr)
{
    if (!qr) return;
    nrm_free(ctx, qr->stack);
    nrm_free(ctx, qr->work);
    nrm_free(ctx, qr);
}

/* R of the first columns + rows rows of a stack, in place; zeros below its diagonal. */
static void factor(const nrm_tall_qr *qr, double *stack, int64_t rows, double *work)
{
    const int64_t c = qr->columns;
    LAPACKE_dgelqf_work(LAPACK_COL_MAJOR, (int)c, (int)(c + rows), stack, (int)c, work, work + c, qr->count);
    for (int64_t i = 1; i < c; i++) memset(stack + i * c, 0, (size_t)i * sizeof *stack);
}

void nrm_tall_qr_add(nrm_ctx *ctx, nrm_tall_qr *qr, int64_t first, int64_t count, const double *a, int64_t lda,
                     int64_t d, const double *b, int64_t ldb)
{
    const int64_t c = qr->columns, blocks = (count + qr->unit - 1) / qr->unit, start = first / qr->unit;
    (void)ctx;

    for (int64_t at = 0; at < blocks; at += qr->lanes) { /* a round: at most one block of each lane */
        const int64_t round = nrm_min_i64(qr->lanes, blocks - at);
#pragma omp parallel num_threads(qr->threads) if (round > 1)
        {
            const nrm_blas_scope scope = nrm_blas_enter_single();
            double *work = qr->work + omp_get_thread_num() * (qr->count + c);
#pragma omp for schedule(dynamic)
            for (int64_t k = 0; k < round; k++) {
                const int64_t from = (at + k) * qr->unit, rows = nrm_min_i64(qr->unit, count - from);
                const int64_t lane = (start + at + k) % qr->lanes;
                double *stack = qr->stack + lane * qr->size, *to = stack + c * c;
                for (int64_t i = 0; i < rows; i++, to += c) {
                    memcpy(to, a + (from + i) * lda, (size_t)d * sizeof *to);
                    if (d < c) memcpy(to + d, b + (from + i) * ldb, (size_t)(c - d) * sizeof *to);
                }
                factor(qr, stack, rows, work);
                qr->used[lane] = true;
            }
            nrm_blas_leave(scope);
        }
    }
}

/* The factor of all lanes, in the first. */
static void join_lanes(nrm_tall_qr *qr)
{
    const int64_t square = qr->columns * qr->columns;
    for (int64_t lane = 1; lane < qr->lanes; lane++) {
        if (!qr->used[lane]) continue;
        memcpy(qr->stack + square, qr->stack + lane * qr->size, (size_t)square * sizeof *qr->stack);
        factor(qr, qr->stack, qr->columns, qr->work);
        qr->used[lane] = false;
    }
}

nrm_status nrm_tall_qr_alone(nrm_ctx *ctx, nrm_tall_qr *qr, double *r)
{
    const int64_t c = qr->columns;
    const nrm_blas_scope scope = nrm_blas_enter_single();
    int64_t where;

    join_lanes(qr);
    nrm_blas_leave(scope);
    NRM_REQUIRE(ctx, nrm_all_finite_f64(qr->stack, c * c, &where), NRM_E_OVERFLOW,
                "%s: the lengths of the columns leave the range of f64; scale them down", qr->who);
    for (int64_t i = 0; i < c; i++) {
        const double sign = qr->stack[i * c + i] < 0 ? -1 : 1;
        for (int64_t j = 0; j < c; j++) r[i * c + j] = j < i ? 0 : sign * qr->stack[i * c + j];
    }
    return NRM_OK;
}

nrm_status nrm_tall_qr_finish(nrm_ctx *ctx, nrm_tall_qr *qr, double *r)
{
    nrm_comm *comm = nrm_ctx_comm(ctx);
    const int64_t square = qr->columns * qr->columns, ranks = nrm_comm_size(comm);
    double *factors;
    nrm_status st;

    if (ranks == 1) return nrm_tall_qr_alone(ctx, qr, r);
    st = NRM_ALLOC_ZERO(ctx, factors, ranks * square, qr->who);
    NRM_TRY_DONE(nrm_comm_agree(ctx, comm, st));
    const nrm_blas_scope scope = nrm_blas_enter_single();
    join_lanes(qr);
    memcpy(factors + nrm_comm_rank(comm) * square, qr->stack, (size_t)square * sizeof *factors);
    st = nrm_sum_ranks(ctx, qr->who, factors, ranks * square);
    memset(qr->stack, 0, (size_t)square * sizeof *qr->stack);
    for (int64_t rank = 0; st >= 0 && rank < ranks; rank++) { /* the factors of all, one under another */
        memcpy(qr->stack + square, factors + rank * square, (size_t)square * sizeof *factors);
        factor(qr, qr->stack, qr->columns, qr->work);
    }
    nrm_blas_leave(scope);
    if (st >= 0) st = nrm_tall_qr_alone(ctx, qr, r);
done:
    nrm_free(ctx, factors);
    return st;
}
