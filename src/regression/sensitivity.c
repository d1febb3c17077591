/* sensitivity.c -- contract: sensitivity.h.
 *
 * What |Ax|_p is measured on, C, are all rows, or a sample of them by Lewis weights w (row_draw.h),
 * scaled by q_i^(-1/p).  In a basis T of C, whitened for its own Lewis weights, Y = C T is well
 * conditioned and x = t / |t|^2 near to the answer for row a_i, t = T'a_i.
 *
 * The total of K draws (section 4e of the account of the paper): row I by w, sum s = E[(sum w) s_I / w_I]. */
#include "sensitivity.h"
#include "linalg/alone.h"
#include "linalg/leverage.h"
#include "linalg/linalg.h"
#include "linalg/range.h"
#include "row_draw.h"
#include "sensitivity_row.h"
#include <norma/comm.h>

static const uint64_t STREAM_SAMPLE = UINT64_C(0x53656e7369746976), STREAM_DRAWS = UINT64_C(0x53656e73546f7461);
static const double LEWIS_TOL = 1e-3, ROUGH_TOL = 0.1;
enum { LEWIS_ROUNDS = 200, CHUNK = 256 };

typedef struct job {
    nrm_ctx *ctx;
    const char *who;
    nrm_rows *a, *b;
    int64_t n, da, d;
    nrm_sensitivity_plan plan;
    bool sampled;
    double *w;              /* Lewis weights; where sampled or draws */
    nrm_lewis_report lewis;
    nrm_drawn sample, draws;
    int64_t m, r;           /* rows of C and its rank */
    double *c, *t;          /* m x d; d x r */
    double *y;              /* m x r */
    double *lower, *upper;  /* n each, of this rank's rows at first */
    nrm_sensitivity_report report;
} job;

int64_t nrm_sensitivity_rows(double p, int64_t rank)
{
    const double k = (double)rank, rows = fmax(8 * pow(k, fmax(1, 0.5 * p)) * log(k + 1), 20 * k);
    return rows < 9e18 ? (int64_t)ceil(rows) : INT64_MAX;
}

/* ---- The rows measured on ------------------------------------------------------------------------ */

/* Rows of a chunk that are in C, to their places; *at goes along the list of those drawn. */
static void take(const job *j, const nrm_row_chunk *chunk, int64_t *at)
{
    const nrm_drawn *drawn = &j->sample;

    while (j->sampled && *at < drawn->count && drawn->place[*at] < chunk->first) (*at)++; /* another rank's */
    for (int64_t i = 0; i < chunk->count; i++) {
        const int64_t row = chunk->first + i;
        if (j->sampled && (*at == drawn->count || drawn->place[*at] != row)) continue;
        double *to = j->c + (j->sampled ? *at : row) * j->d;
        const double scale = j->sampled ? pow(drawn->factor[*at], 1 / j->plan.p) : 1;
        for (int64_t k = 0; k < j->da; k++) to[k] = scale * chunk->a[i * chunk->lda + k];
        for (int64_t k = j->da; k < j->d; k++) to[k] = scale * chunk->b[i * chunk->ldb + k - j->da];
        (*at)++;
    }
}

/* C, on every rank: each reads its chunks and knows the places of all. */
static nrm_status read_c(job *j)
{
    nrm_row_pass *pass = NULL;
    nrm_row_chunk chunk;
    int64_t seen = 0, at = 0, size = 0;

    j->m = j->sampled ? j->sample.count : j->n;
    nrm_free(j->ctx, j->c);
    j->c = NULL;
    nrm_status st = nrm_mul_size(j->m, j->d, &size) ? NRM_ALLOC_ZERO(j->ctx, j->c, size, j->who)
                                                    : nrm_fail(j->ctx, NRM_E_OVERFLOW, "%s: a is too large for memory", j->who);
    if (st >= 0) st = nrm_row_pass_begin(j->ctx, j->who, j->a, j->b, nrm_row_pass_unit(j->d), "sensitivities: rows", &pass);
    while (st >= 0) {
        st = nrm_row_pass_next(j->ctx, pass, &chunk);
        if (st < 0 || chunk.count == 0) break;
        if (chunk.first + chunk.count > j->n)
            st = nrm_fail(j->ctx, NRM_E_SHAPE, "%s: a has more than %lld rows; it must have as many", j->who, NRM_LL(j->n));
        else take(j, &chunk, &at);
    }
    NRM_TRY(nrm_row_pass_end(j->ctx, &pass, st, &seen));
    NRM_REQUIRE(j->ctx, seen == j->n, NRM_E_SHAPE, "%s: a has %lld rows; it must have %lld", j->who, NRM_LL(seen), NRM_LL(j->n));
    return nrm_sum_ranks(j->ctx, j->who, j->c, j->m * j->d);
}

/* Rows m x d as a stream, which every rank has all of. */
static nrm_status open_c(const job *j, double *c, nrm_rows **rows)
{
    const nrm_array array = {.dtype = NRM_F64, .ndim = 2, .shape = {j->m, j->d}, .data = c};
    *rows = NULL;
    return nrm_comm_agree(j->ctx, nrm_ctx_comm(j->ctx), nrm_rows_from_array(j->ctx, rows, &array));
}

/* C <- W^(1/2 - 1/p) C, with rough Lewis weights of its own. */
static nrm_status weigh(job *j, double *c)
{
    nrm_rows *rows;
    double *w = NULL;

    nrm_status st = nrm_comm_agree(j->ctx, nrm_ctx_comm(j->ctx), NRM_ALLOC(j->ctx, w, j->m, j->who));
    if (st >= 0) st = open_c(j, c, &rows);
    if (st >= 0) {
        st = nrm_lewis_weights(j->ctx, j->who, rows, NULL, j->m, j->plan.p, ROUGH_TOL, LEWIS_ROUNDS, w, NULL);
        nrm_rows_close(j->ctx, rows);
    }
    for (int64_t i = 0; st >= 0 && i < j->m; i++) {
        const double scale = w[i] > 0 ? pow(w[i], 0.5 - 1 / j->plan.p) : 0;
        for (int64_t k = 0; k < j->d; k++) c[i * j->d + k] *= scale;
    }
    nrm_free(j->ctx, w);
    return st;
}

static nrm_status find_basis(job *j)
{
    double *c;
    nrm_rows *rows;
    bool triangular;

    nrm_status st = NRM_ALLOC(j->ctx, c, j->m * j->d, j->who);
    NRM_TRY(nrm_comm_agree(j->ctx, nrm_ctx_comm(j->ctx), st));
    memcpy(c, j->c, (size_t)(j->m * j->d) * sizeof *c);
    st = weigh(j, c);
    if (st >= 0) st = open_c(j, c, &rows);
    if (st >= 0) {
        st = nrm_range_basis(j->ctx, j->who, rows, NULL, j->m, j->t, &j->r, &triangular, NULL, NULL);
        nrm_rows_close(j->ctx, rows);
    }
    nrm_free(j->ctx, c);
    return st;
}

/* C and its basis; a sample that has lost a direction is made twice as large. */
static nrm_status measure_on(job *j)
{
    double m = (double)(j->plan.rows > 0 ? j->plan.rows : j->sampled ? nrm_sensitivity_rows(j->plan.p, j->lewis.rank) : j->n);

    for (;; m *= 2) {
        j->sampled = j->sampled && m < (double)j->n;
        if (j->sampled) {
            const nrm_draw_plan plan = {.m = m, .seed = nrm_seed(j->ctx), .stream = STREAM_SAMPLE};
            nrm_drawn_free(j->ctx, &j->sample);
            j->sample = (nrm_drawn){0};
            const nrm_status st = nrm_draw_rows(j->ctx, j->who, &plan, j->n, j->w, &j->sample);
            NRM_TRY(nrm_comm_agree(j->ctx, nrm_ctx_comm(j->ctx), st));
        }
        NRM_TRY(read_c(j));
        j->r = 0;
        if (j->m > 0) NRM_TRY(find_basis(j));
        if (!j->sampled || j->r == j->lewis.rank) return NRM_OK;
    }
}

/* to (count x r) = [a b] T, a and b being rows of da and d - da numbers. */
static nrm_status to_basis(const job *j, int64_t count, const double *a, int64_t lda, const double *b, int64_t ldb, double *to)
{
    const nrm_alone alone = nrm_alone_enter(j->ctx);
    nrm_status st = nrm_gemm(j->ctx, j->who, 'n', 'n', count, j->r, j->da, 1, a, lda, j->t, j->r, 0, to, j->r);
    if (st >= 0 && b) st = nrm_gemm(j->ctx, j->who, 'n', 'n', count, j->r, j->d - j->da, 1, b, ldb, j->t + j->da * j->r, j->r, 1, to, j->r);
    nrm_alone_leave(j->ctx, alone);
    return st;
}

/* ---- All regressions ------------------------------------------------------------------------------- */

static nrm_status note(job *j, int64_t row, const nrm_sensitivity_of_row *answer)
{
    NRM_REQUIRE(j->ctx, answer->status >= 0, answer->status, "%s: the regression of row %lld failed: %s", j->who, NRM_LL(row),
                nrm_status_text(answer->status));
    j->lower[row] = fmin(1, answer->lower);
    j->upper[row] = fmin(1, answer->upper);
    j->report.solved++;
    j->report.open += answer->status > 0;
    j->report.systems += answer->systems;
    return NRM_OK;
}

/* A chunk's rows that are asked for, side by side in target, numbers in row; *at goes along the draws. */
static nrm_status do_chunk(job *j, const nrm_sensitivity_bench *bench, const nrm_row_chunk *chunk, double *target, int64_t *row,
                           nrm_sensitivity_of_row *answer, int64_t *at)
{
    const bool drawn = j->plan.draws > 0;
    int64_t count = 0;

    NRM_TRY(to_basis(j, chunk->count, chunk->a, chunk->lda, chunk->b, chunk->ldb, target));
    for (int64_t i = 0; i < chunk->count; i++) {
        while (drawn && *at < j->draws.count && j->draws.place[*at] < chunk->first + i) (*at)++;
        if (drawn && (*at == j->draws.count || j->draws.place[*at] != chunk->first + i)) continue;
        row[count] = chunk->first + i;
        memmove(target + count++ * j->r, target + i * j->r, (size_t)j->r * sizeof *target);
    }
    nrm_sensitivity_solve(bench, count, target, answer);
    for (int64_t i = 0; i < count; i++) NRM_TRY(note(j, row[i], &answer[i]));
    return NRM_OK;
}

static nrm_status pass_over(job *j, const nrm_sensitivity_bench *bench, double *target, int64_t *row, nrm_sensitivity_of_row *answer)
{
    nrm_row_pass *pass = NULL;
    nrm_row_chunk chunk;
    int64_t at = 0;

    nrm_status st = nrm_row_pass_begin(j->ctx, j->who, j->a, j->b, CHUNK, "sensitivities", &pass);
    while (st >= 0) {
        st = nrm_row_pass_next(j->ctx, pass, &chunk);
        if (st < 0 || chunk.count == 0) break;
        st = chunk.first + chunk.count <= j->n ? do_chunk(j, bench, &chunk, target, row, answer, &at) : NRM_E_INTERNAL;
    }
    NRM_TRY(nrm_row_pass_end(j->ctx, &pass, st, NULL));
    double counts[3] = {(double)j->report.solved, (double)j->report.open, (double)j->report.systems};
    NRM_TRY(nrm_sum_ranks(j->ctx, j->who, counts, 3));
    j->report.solved = (int64_t)counts[0], j->report.open = (int64_t)counts[1], j->report.systems = (int64_t)counts[2];
    NRM_TRY(nrm_sum_ranks(j->ctx, j->who, j->lower, j->n));
    return nrm_sum_ranks(j->ctx, j->who, j->upper, j->n);
}

static nrm_status solve_all(job *j)
{
    nrm_sensitivity_bench bench = {.ctx = j->ctx, .who = j->who, .p = j->plan.p, .max_iter = j->plan.max_iter, .m = j->m, .r = j->r,
                                   .tol = j->plan.tol > 0 ? j->plan.tol : j->sampled ? 1e-3 : 1e-10, .threads = nrm_threads(j->ctx)};
    double *target = NULL;
    int64_t *row = NULL;
    nrm_sensitivity_of_row *answer = NULL;

    if (j->r == 0) return NRM_OK; /* zeros */
    nrm_status st = NRM_ALLOC(j->ctx, j->y, j->m * j->r, j->who);
    if (st >= 0) st = NRM_ALLOC(j->ctx, target, CHUNK * j->r, j->who);
    if (st >= 0) st = NRM_ALLOC(j->ctx, row, CHUNK, j->who);
    if (st >= 0) st = NRM_ALLOC(j->ctx, answer, CHUNK, j->who);
    if (st >= 0) st = to_basis(j, j->m, j->c, j->d, j->d > j->da ? j->c + j->da : NULL, j->d, j->y);
    bench.y = j->y;
    if (st >= 0) st = nrm_sensitivity_bench_make(&bench);
    NRM_TRY_DONE(nrm_comm_agree(j->ctx, nrm_ctx_comm(j->ctx), st));
    st = pass_over(j, &bench, target, row, answer);
done:
    nrm_sensitivity_bench_free(&bench);
    nrm_free(j->ctx, target);
    nrm_free(j->ctx, row);
    nrm_free(j->ctx, answer);
    return st;
}

/* ---- Draws ------------------------------------------------------------------------------------------- */

static nrm_status draw(job *j)
{
    const nrm_draw_plan plan = {.m = (double)j->plan.draws, .iid = true, .seed = nrm_seed(j->ctx), .stream = STREAM_DRAWS};

    NRM_REQUIRE(j->ctx, j->lewis.rank > 0, NRM_E_SINGULAR, "%s: all rows are zero; there is nothing to draw", j->who);
    const nrm_status st = nrm_draw_rows(j->ctx, j->who, &plan, j->n, j->w, &j->draws);
    return nrm_comm_agree(j->ctx, nrm_ctx_comm(j->ctx), st);
}

/* The mean of (sum w) s / w over the draws, and its standard error. */
static void estimate_total(job *j)
{
    const double k = (double)j->plan.draws;
    double total = 0, squares = 0;

    for (int64_t i = 0; i < j->draws.count; i++) total += j->draws.factor[i] * j->lower[j->draws.place[i]];
    for (int64_t i = 0; i < j->draws.count; i++) {
        const int64_t row = j->draws.place[i];
        const double value = j->lewis.sum * (j->lower[row] / j->w[row]), times = j->draws.factor[i] * k * j->w[row] / j->lewis.sum;
        squares += times * (value - total) * (value - total);
    }
    j->report.total = total;
    j->report.total_error = k > 1 ? sqrt(squares / (k - 1) / k) : INFINITY;
}

/* ---- The whole ----------------------------------------------------------------------------------------- */

static nrm_status check(const job *j)
{
    const nrm_sensitivity_plan *o = &j->plan;
    NRM_REQUIRE(j->ctx, j->n >= 1 && j->d >= 1, NRM_E_SHAPE, "%s: a is %lld x %lld; it must have at least one row and one column", j->who,
                NRM_LL(j->n), NRM_LL(j->d));
    NRM_REQUIRE(j->ctx, o->p >= 1 && o->p <= NRM_LEWIS_P_MOST, NRM_E_RANGE, "%s: p is %g; it must be 1 to %d", j->who, o->p, NRM_LEWIS_P_MOST);
    NRM_REQUIRE(j->ctx, o->rows >= 0 && o->draws >= 0 && o->max_iter >= 0, NRM_E_RANGE,
                "%s: rows is %lld, draws %lld, the most systems %lld; they must be at least 0", j->who, NRM_LL(o->rows), NRM_LL(o->draws),
                NRM_LL(o->max_iter));
    NRM_REQUIRE(j->ctx, o->tol >= 0 && o->tol < 1, NRM_E_RANGE, "%s: the tolerance is %g; it must be 0 to 1", j->who, o->tol);
    return NRM_OK;
}

/* Lewis weights where they are needed, and what is decided by them. */
static nrm_status prepare(job *j)
{
    const bool draws = j->plan.draws > 0;

    j->sampled = j->plan.rows < j->n && (j->plan.rows > 0 || nrm_sensitivity_rows(j->plan.p, nrm_min_i64(j->d, j->n)) < j->n);
    nrm_status st = NRM_ALLOC(j->ctx, j->t, j->d * j->d, j->who);
    if (st >= 0) st = NRM_ALLOC_ZERO(j->ctx, j->lower, 2 * j->n, j->who);
    if (st >= 0 && (draws || j->sampled)) st = NRM_ALLOC(j->ctx, j->w, j->n, j->who);
    NRM_TRY(nrm_comm_agree(j->ctx, nrm_ctx_comm(j->ctx), st));
    j->upper = j->lower + j->n;
    if (j->w) NRM_TRY(nrm_lewis_weights(j->ctx, j->who, j->a, j->b, j->n, j->plan.p, LEWIS_TOL, LEWIS_ROUNDS, j->w, &j->lewis));
    return draws ? draw(j) : NRM_OK;
}

/* What the regressions have found.  A sample's own bounds say nothing of all rows: the weights' do. */
static void hand_out(job *j, double *s, double *lower, double *upper)
{
    const size_t bytes = (size_t)j->n * sizeof *s;
    const double *least = j->lower;

    if (j->sampled) {
        nrm_lewis_bracket(j->n, j->plan.p, j->w, &j->lewis, j->w, j->upper);
        least = j->w;
        for (int64_t i = 0; i < j->n; i++) j->lower[i] = fmin(fmax(j->lower[i], least[i]), j->upper[i]);
    }
    j->report.total = nrm_sum(j->lower, j->n);
    if (s) memcpy(s, j->lower, bytes);
    if (lower) memcpy(lower, least, bytes);
    if (upper) memcpy(upper, j->upper, bytes);
}

static void release(job *j)
{
    nrm_free(j->ctx, j->w);
    nrm_drawn_free(j->ctx, &j->sample);
    nrm_drawn_free(j->ctx, &j->draws);
    nrm_free(j->ctx, j->c);
    nrm_free(j->ctx, j->t);
    nrm_free(j->ctx, j->y);
    nrm_free(j->ctx, j->lower);
}

/* p = 2: leverage scores. */
static nrm_status leverage(job *j, double *s, double *lower, double *upper)
{
    double *const caller[3] = {s, lower, upper};
    double *tau;

    nrm_status st = NRM_ALLOC(j->ctx, tau, j->n, j->who);
    st = nrm_comm_agree(j->ctx, nrm_ctx_comm(j->ctx), st);
    if (st >= 0) st = nrm_leverage_scores(j->ctx, j->who, j->a, j->b, j->n, tau, &j->report.rank);
    if (st >= 0) {
        for (int k = 0; k < 3; k++)
            if (caller[k]) memcpy(caller[k], tau, (size_t)j->n * sizeof *tau);
        j->report.rows = j->n;
        j->report.total = nrm_sum(tau, j->n);
    }
    nrm_free(j->ctx, tau);
    return st;
}

static nrm_status by_regressions(job *j, double *s, double *lower, double *upper)
{
    nrm_status st = prepare(j);
    if (st >= 0) st = measure_on(j);
    if (st >= 0) st = solve_all(j);
    if (st < 0) return st;
    if (j->plan.draws > 0) estimate_total(j);
    else hand_out(j, s, lower, upper);
    j->report.rank = j->r;
    j->report.rows = j->m;
    return j->report.open > 0 ? NRM_NOT_CONVERGED : NRM_OK;
}

nrm_status nrm_lp_sensitivities(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, const nrm_sensitivity_plan *plan,
                                double *s, double *lower, double *upper, nrm_sensitivity_report *report)
{
    job j = {.ctx = ctx, .who = who, .a = a, .b = b, .n = n, .da = nrm_rows_cols(a), .plan = *plan};
    nrm_status st;

    j.d = j.da + (b ? nrm_rows_cols(b) : 0);
    NRM_TRY(check(&j));
    st = j.plan.p == 2 && j.plan.draws == 0 ? leverage(&j, s, lower, upper) : by_regressions(&j, s, lower, upper);
    if (st >= 0 && report) *report = j.report;
    release(&j);
    return st;
}
