/* linf_sketch.c -- passes over [A b] that end in a small matrix with (nearly) the same problem.
 * Contract: linf.h. */
#include "linf.h"
#include "data/row_pass.h"
#include "data/rows.h"
#include "kernel/matmul.h"
#include <norma/comm.h>

/* ---- Any pass ---------------------------------------------------------------------------------- */

nrm_status nrm_linf_pass(nrm_ctx *ctx, const nrm_linf_plan *plan, int64_t unit, bool trust, const char *task,
                         nrm_linf_chunk_fn work, void *user, nrm_status before, int64_t *rows)
{
    const nrm_linf_regression_problem *p = &plan->problem;
    nrm_row_pass *pass = NULL;
    nrm_row_chunk chunk;
    int64_t seen = 0;
    nrm_status st = before;

    if (st >= 0) st = nrm_row_pass_begin(ctx, NRM_LINF, p->a, p->b, unit, task, &pass);
    if (st >= 0 && trust) nrm_row_pass_trust(pass);
    while (st >= 0 && (st = nrm_row_pass_next(ctx, pass, &chunk)) >= 0 && chunk.count > 0) {
        const int64_t end = chunk.first + chunk.count;
        if (plan->n >= 0 && (end > plan->n || (chunk.count < unit && end < plan->n))) st = nrm_linf_check_count(ctx, plan, end);
        if (st >= 0) st = work(ctx, user, &chunk);
    }
    NRM_TRY(nrm_row_pass_end(ctx, &pass, st, &seen));
    if (rows) *rows = seen;
    return plan->n >= 0 ? nrm_linf_check_count(ctx, plan, seen) : NRM_OK;
}

/* ---- The triangular factor ---------------------------------------------------------------------- */

typedef struct factor_user { const nrm_linf_plan *plan; nrm_tall_qr *qr; } factor_user;

static nrm_status factor_chunk(nrm_ctx *ctx, void *user, const nrm_row_chunk *k)
{
    const factor_user *u = user;
    nrm_tall_qr_add(ctx, u->qr, k->first, k->count, k->a, k->lda, u->plan->d, k->b, k->ldb);
    return NRM_OK;
}

nrm_status nrm_linf_exact(nrm_ctx *ctx, const nrm_linf_plan *plan, double *r)
{
    factor_user user = {plan, NULL};
    nrm_status st = nrm_tall_qr_begin(ctx, NRM_LINF, plan->columns, &user.qr);
    const int64_t unit = st < 0 ? 1 : nrm_tall_qr_unit(user.qr) * (nrm_rows_in_place(plan->problem.a) ? 8 : 1);

    st = nrm_linf_pass(ctx, plan, unit, false, "exact solution", factor_chunk, &user, st, NULL);
    if (st >= 0) st = nrm_tall_qr_finish(ctx, user.qr, r);
    nrm_tall_qr_end(ctx, user.qr);
    return st;
}

/* ---- Sketches --------------------------------------------------------------------------------------- */

typedef struct sums {
    const nrm_linf_plan *plan;
    int64_t count; /* of replicas; 0: s is given */
    nrm_sketch_sum **at;
    double *values; /* s is given: S [A b] so far */
    void *work;
    int threads;
    nrm_tall_qr *early; /* n unknown: of the first m rows or more, should they be all */
    double *padded;     /* n unknown: a chunk filled up with zeros */
} sums;

static int64_t unit_of(const sums *s) { return s->count > 0 ? nrm_sketch_unit(s->at[0]) : 256; }

/* values += S[:, chunk] [A b]. */
static void add_given(const sums *s, const nrm_row_chunk *k)
{
    const nrm_linf_regression_problem *p = &s->plan->problem;
    nrm_matmul_f64 product = {.m = p->s_rows, .n = s->plan->d, .k = k->count, .a = p->s + k->first, .a_row = p->lds, .a_column = 1,
                              .b = k->a, .b_row = k->lda, .b_column = 1, .c = s->values, .ldc = s->plan->columns, .add = true};
    nrm_matmul_run_f64(&product, s->work, s->threads, nrm_cpu_isa());
    product.n = s->plan->q, product.b = k->b, product.b_row = k->ldb, product.c += s->plan->d;
    nrm_matmul_run_f64(&product, s->work, s->threads, nrm_cpu_isa());
}

/* A chunk as long as all others: zero rows change no sum. */
static nrm_row_chunk fill_up(const sums *s, const nrm_row_chunk *k)
{
    const int64_t d = s->plan->d, q = s->plan->q, unit = unit_of(s);
    double *a = s->padded, *b = a + unit * d;

    memset(a, 0, (size_t)(unit * (d + q)) * sizeof *a);
    for (int64_t i = 0; i < k->count; i++) {
        memcpy(a + i * d, k->a + i * k->lda, (size_t)d * sizeof *a);
        memcpy(b + i * q, k->b + i * k->ldb, (size_t)q * sizeof *b);
    }
    return (nrm_row_chunk){.first = k->first, .count = unit, .a = a, .lda = d, .b = b, .ldb = q};
}

static nrm_status sketch_chunk(nrm_ctx *ctx, void *user, const nrm_row_chunk *chunk)
{
    const sums *s = user;
    nrm_row_chunk k = *chunk;

    if (s->early && k.first < s->plan->m)
        nrm_tall_qr_add(ctx, s->early, k.first, k.count, k.a, k.lda, s->plan->d, k.b, k.ldb);
    if (s->padded && k.count < unit_of(s)) k = fill_up(s, chunk);
    if (s->count == 0) add_given(s, &k);
    for (int64_t i = 0; i < s->count; i++)
        NRM_TRY(nrm_sketch_add(ctx, s->at[i], k.first, k.count, k.a, k.lda, k.b, k.ldb));
    return NRM_OK;
}

static nrm_status begin(nrm_ctx *ctx, sums *s, uint64_t stream)
{
    const nrm_linf_plan *plan = s->plan;
    const nrm_linf_regression_options *o = &plan->o;
    nrm_sketch_plan of = {.kind = (nrm_sketch_kind)o->sketch, .seed = nrm_seed(ctx), .stream = stream, .m = plan->m,
                          .n = plan->n < 0 ? INT64_C(1) << 60 : plan->n, .pool = plan->pool, .replace = o->replace,
                          .nonzeros = o->nonzeros > 0 ? o->nonzeros : nrm_min_i64(8, plan->m)};

    if (o->sketch == NRM_LINF_USER) {
        const int64_t bytes = nrm_matmul_work_f64(nrm_max_i64(plan->d, plan->q), unit_of(s), s->threads);
        return nrm_alloc_bytes(ctx, &s->work, bytes, 1, NRM_LINF);
    }
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s->at, o->repetitions, NRM_LINF));
    for (; s->count < o->repetitions; s->count++, of.stream++)
        NRM_TRY(nrm_sketch_begin(ctx, NRM_LINF, &of, plan->d, plan->q, &s->at[s->count]));
    if (plan->n >= 0) return NRM_OK;
    NRM_TRY(nrm_tall_qr_begin(ctx, NRM_LINF, plan->columns, &s->early));
    return NRM_ALLOC(ctx, s->padded, unit_of(s) * plan->columns, NRM_LINF);
}

static void end(nrm_ctx *ctx, sums *s)
{
    for (int64_t i = 0; i < s->count; i++) nrm_sketch_end(ctx, s->at[i]);
    nrm_free(ctx, s->at);
    nrm_free(ctx, s->work);
    nrm_free(ctx, s->padded);
    nrm_tall_qr_end(ctx, s->early);
}

/* What is not finite in the rows shows in every sketch of them: looking at the sketch spares a reading.
 * Rows that are finite and too large are found by those who solve. */
static nrm_status check_values(nrm_ctx *ctx, const nrm_linf_plan *plan, const double *sketch, int64_t count)
{
    int64_t where;
    return nrm_all_finite_f64(sketch, count, &where) ? NRM_OK
                                                     : nrm_row_pass_blame(ctx, NRM_LINF, plan->problem.a, plan->problem.b);
}

nrm_status nrm_linf_compress(nrm_ctx *ctx, nrm_linf_plan *plan, uint64_t stream, double *sketch, double *r)
{
    const int64_t size = plan->m * plan->columns;
    sums s = {.plan = plan, .values = sketch, .threads = nrm_threads(ctx)};
    const bool in_place = nrm_rows_in_place(plan->problem.a) && nrm_rows_in_place(plan->problem.b);
    const bool whole = in_place && plan->o.sketch != NRM_LINF_USER && nrm_comm_size(nrm_ctx_comm(ctx)) == 1;
    int64_t rows = 0;
    nrm_status st = begin(ctx, &s, stream);

    if (st >= 0 && s.count == 0) memset(sketch, 0, (size_t)size * sizeof *sketch);
    NRM_TRY_DONE(nrm_linf_pass(ctx, plan, st < 0 ? 1 : whole ? plan->n : unit_of(&s), in_place, "sketch", sketch_chunk, &s, st, &rows));
    if (plan->n < 0) {
        plan->n = rows;
        plan->exact = rows <= plan->m;
        NRM_STOP_IF(rows < plan->d, NRM_E_SHAPE, NRM_LINF ": a is %lld x %lld; it must have at least as many rows as columns: "
                    "leave columns out", NRM_LL(rows), NRM_LL(plan->d));
    }
    if (plan->exact) {
        st = nrm_tall_qr_finish(ctx, s.early, r);
        goto done;
    }
    for (int64_t i = 0; i < s.count; i++)
        memcpy(sketch + i * size, nrm_sketch_values(s.at[i]), (size_t)size * sizeof *sketch);
    NRM_TRY_DONE(nrm_sum_ranks(ctx, NRM_LINF, sketch, nrm_max_i64(s.count, 1) * size));
    st = check_values(ctx, plan, sketch, nrm_max_i64(s.count, 1) * size);
done:
    end(ctx, &s);
    return st;
}
