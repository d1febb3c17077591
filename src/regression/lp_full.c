/* lp_full.c -- contract and equations: lp_full.h.
 *
 * A chunk is cut into SLOTS blocks, which threads share.  What block j of every chunk yields is
 * summed in slot j, in the order of the chunks, then over the slots, then over the ranks. */
#include "lp_full.h"
#include "linalg/linalg.h"
#include "lp_system.h"
#include <cblas.h>
#include <float.h>
#include <norma/comm.h>

enum { SLOTS = 16, BLOCK = 256 };
static const double LEAST = 1e-14; /* of |r|^(p-2): a row met exactly is still held */
const double nrm_lp_steps[NRM_LP_STEPS] = {1, 2, 0.5, 0.25, 0.0625, 0.015625};

/* ---- Sums of powers --------------------------------------------------------------------------------- */

static double power(double t, double e)
{
    return e == 1 ? t : e == 2 ? t * t : e == 1.5 ? t * sqrt(t) : e == 3 ? t * t * t : e == 4 ? t * t * (t * t) : pow(t, e);
}

void nrm_power_sum_add(nrm_power_sum *s, double e, double v)
{
    const double size = fabs(v);
    if (size > s->most) {
        s->sum = isinf(e) ? 1 : s->sum * power(s->most / size, e) + 1;
        s->most = size;
    } else if (size > 0 && !isinf(e)) {
        s->sum += power(size / s->most, e);
    }
}

void nrm_power_sum_join(nrm_power_sum *s, double e, const nrm_power_sum *other)
{
    const nrm_power_sum *big = s->most >= other->most ? s : other, *small = big == s ? other : s;
    if (big->most == 0) return;
    const double sum = isinf(e) ? 1 : big->sum + small->sum * power(small->most / big->most, e);
    *s = (nrm_power_sum){big->most, sum};
}

double nrm_power_sum_norm(const nrm_power_sum *s, double e)
{
    return s->most == 0 || isinf(e) ? s->most : s->most * pow(s->sum, 1 / e);
}

/* ---- A pass ------------------------------------------------------------------------------------------ */

enum { SUMS = NRM_LP_STEPS + 1 };
typedef struct slot {
    nrm_power_sum sum[SUMS]; /* of the steps tried, or r first; then lambda */
    double r_most, b_most, value;
} slot;

typedef struct job {
    nrm_lp_full *f;
    const double *x, *dx, *at; /* at: of the residual */
    double q, size;
    bool system, trial;
    double *residual, *dual;
    slot *slots;
    double *gram, *right, *rows; /* SLOTS of k x k, k, BLOCK x k */
} job;

static double dot(int64_t d, const double *x, const double *y)
{
    double sum[2] = {0, 0};
    int64_t j = 0;
    for (; j + 2 <= d; j += 2) {
        sum[0] += x[j] * y[j];
        sum[1] += x[j + 1] * y[j + 1];
    }
    return sum[0] + sum[1] + (j < d ? x[j] * y[j] : 0);
}

static double root_weight(const nrm_lp_full *f, int64_t row)
{
    return f->weights ? (f->p == 1 ? f->weights[row] : pow(f->weights[row], 1 / f->p)) : 1;
}

static void derivatives(const nrm_lp_full *f, double r, double *g, double *h)
{
    if (f->p >= 2) {
        const double t = fabs(r), s = f->p == 2 ? 1 : power(t, f->p - 2);
        *g = copysign(s * t, r);
        *h = (f->p - 1) * fmax(s, LEAST);
    } else {
        const double q = r * r + f->delta * f->delta, s = f->p == 1 ? 1 / sqrt(q) : pow(q, f->p / 2 - 1);
        *g = r * s;
        *h = s / q * ((f->p - 1) * r * r + f->delta * f->delta);
    }
}

/* Rows of a block that go into the system: Y = root A[:, keep] R^-1, g'Y, Y'HY. */
static void add_system(const job *o, int which, const nrm_row_chunk *c, int64_t first, int64_t count)
{
    const nrm_lp_full *f = o->f;
    const int64_t k = f->k;
    double *rows = o->rows + which * BLOCK * k, *right = o->right + which * k, *gram = o->gram + which * k * k, g[BLOCK], h[BLOCK];

    for (int64_t i = 0; i < count; i++) {
        const double *a = c->a + (first + i) * c->lda, root = root_weight(f, c->first + first + i);
        derivatives(f, root * (dot(f->d, a, o->x) - c->b[(first + i) * c->ldb]) / f->unit, &g[i], &h[i]);
        for (int64_t j = 0; j < k; j++) rows[i * k + j] = root * a[f->keep[j]];
    }
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, (int)count, (int)k, 1, f->basis, (int)k, rows, (int)k);
    for (int64_t i = 0; i < count; i++) {
        const double s = sqrt(h[i]);
        for (int64_t j = 0; j < k; j++) {
            right[j] += g[i] * rows[i * k + j];
            rows[i * k + j] *= s;
        }
    }
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)k, (int)count, 1, rows, (int)k, 1, gram, (int)k);
}

static void add_trial(const job *o, slot *s, double root, const double *a, double b)
{
    const nrm_lp_full *f = o->f;
    const double r = root * (dot(f->d, a, o->x) - b) / f->unit, move = root * dot(f->d, a, o->dx) / f->unit;
    double g, h;

    derivatives(f, r, &g, &h);
    const double lambda = g + h * move;
    for (int t = 0; t < NRM_LP_STEPS; t++) nrm_power_sum_add(&s->sum[t], f->p, r + nrm_lp_steps[t] * move);
    nrm_power_sum_add(&s->sum[NRM_LP_STEPS], o->q, lambda);
    s->value += lambda * r;
}

static void write_row(const job *o, double root, const double *a, double b, int64_t row)
{
    const nrm_lp_full *f = o->f;
    double g, h;

    if (o->residual) o->residual[row] = dot(f->d, a, o->at) - b;
    if (!o->dual) return;
    derivatives(f, root * (dot(f->d, a, o->x) - b) / f->unit, &g, &h);
    o->dual[row] = -root * (g + h * root * dot(f->d, a, o->dx) / f->unit) / o->size;
}

static void block_rows(const job *o, int which, const nrm_row_chunk *c, int64_t first, int64_t count)
{
    const nrm_lp_full *f = o->f;
    slot *s = &o->slots[which];

    if (o->system) add_system(o, which, c, first, count);
    for (int64_t i = first; !o->system && i < first + count; i++) {
        const double *a = c->a + i * c->lda, b = c->b[i * c->ldb], root = root_weight(f, c->first + i);
        if (o->trial) add_trial(o, s, root, a, b);
        else if (o->residual || o->dual) write_row(o, root, a, b, c->first + i);
        else {
            const double r = root * (dot(f->d, a, o->x) - b);
            nrm_power_sum_add(&s->sum[0], f->p, r);
            s->r_most = fmax(s->r_most, fabs(r));
            s->b_most = fmax(s->b_most, fabs(root * b));
        }
    }
}

static void chunk_rows(const job *o, const nrm_row_chunk *c)
{
    const int threads = nrm_threads(o->f->ctx);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1 && c->count > BLOCK)
    for (int which = 0; which < SLOTS; which++) {
        const int64_t first = which * BLOCK;
        if (first >= c->count) continue;
        const nrm_blas_scope scope = nrm_blas_enter_single();
        block_rows(o, which, c, first, nrm_min_i64(BLOCK, c->count - first));
        nrm_blas_leave(scope);
    }
}

static nrm_status check_length(const nrm_lp_full *f, const nrm_row_chunk *c)
{
    NRM_REQUIRE(f->ctx, !f->weights || c->first + c->count <= f->length, NRM_E_SHAPE, "%s: there are %lld weights, and a has more "
                "rows; there must be one a row", f->who, NRM_LL(f->length));
    return NRM_OK;
}

static nrm_status pass_rows(job *o, const char *task)
{
    nrm_lp_full *f = o->f;
    nrm_row_pass *pass;
    nrm_row_chunk c;
    nrm_status st;

    NRM_TRY(nrm_row_pass_begin(f->ctx, f->who, f->a, f->b, SLOTS * BLOCK, task, &pass));
    f->passes++;
    for (;;) {
        st = nrm_row_pass_next(f->ctx, pass, &c);
        if (st < 0 || c.count == 0) break;
        st = check_length(f, &c);
        if (st < 0) break;
        chunk_rows(o, &c);
    }
    return nrm_row_pass_end(f->ctx, &pass, st, &f->n);
}

/* ---- Over slots and ranks ----------------------------------------------------------------------------- */

/* `count` numbers of every rank, end to end, by one sum. */
static nrm_status gather_ranks(const nrm_lp_full *f, const double *mine, int64_t count, double *all)
{
    const nrm_comm *comm = nrm_ctx_comm(f->ctx);
    const int64_t ranks = nrm_comm_size(comm);
    memset(all, 0, (size_t)(ranks * count) * sizeof *all);
    memcpy(all + nrm_comm_rank(comm) * count, mine, (size_t)count * sizeof *all);
    return nrm_sum_ranks(f->ctx, f->who, all, ranks * count);
}

static void join(const job *o, slot *into, const slot *from)
{
    for (int t = 0; t < SUMS; t++) nrm_power_sum_join(&into->sum[t], t < NRM_LP_STEPS ? o->f->p : o->q, &from->sum[t]);
    into->r_most = fmax(into->r_most, from->r_most);
    into->b_most = fmax(into->b_most, from->b_most);
    into->value += from->value;
}

static nrm_status join_all(const job *o, slot *total)
{
    enum { COUNT = sizeof(slot) / sizeof(double) };
    const int64_t ranks = nrm_comm_size(nrm_ctx_comm(o->f->ctx));
    double *all;
    slot mine = {0};

    for (int which = 0; which < SLOTS; which++) join(o, &mine, &o->slots[which]);
    *total = mine;
    if (ranks == 1) return NRM_OK;
    nrm_status st = nrm_comm_agree(o->f->ctx, nrm_ctx_comm(o->f->ctx), NRM_ALLOC(o->f->ctx, all, ranks * COUNT, o->f->who));
    if (st < 0) return st;
    st = gather_ranks(o->f, (const double *)&mine, COUNT, all);
    *total = (slot){0};
    for (int64_t rank = 0; st >= 0 && rank < ranks; rank++) {
        slot one;
        memcpy(&one, all + rank * COUNT, sizeof one);
        join(o, total, &one);
    }
    nrm_free(o->f->ctx, all);
    return st;
}

static nrm_status run_sums(job *o, const char *task, slot *total)
{
    slot slots[SLOTS] = {0};
    o->slots = slots;
    NRM_TRY(pass_rows(o, task));
    return join_all(o, total);
}

/* ---- The passes --------------------------------------------------------------------------------------- */

nrm_status nrm_lp_full_measure(nrm_lp_full *f, const double *x, nrm_lp_measure *found)
{
    slot total;
    job o = {.f = f, .x = x, .q = 1};

    NRM_TRY(run_sums(&o, "measuring", &total));
    NRM_REQUIRE(f->ctx, !f->weights || f->n == f->length, NRM_E_SHAPE, "%s: there are %lld weights and %lld rows; there must be one "
                "a row", f->who, NRM_LL(f->length), NRM_LL(f->n));
    *found = (nrm_lp_measure){nrm_power_sum_norm(&total.sum[0], f->p), total.r_most, total.b_most};
    NRM_REQUIRE(f->ctx, isfinite(found->norm), NRM_E_OVERFLOW, "%s: the residual leaves the range of f64; scale a and b down", f->who);
    return NRM_OK;
}

nrm_status nrm_lp_full_try(nrm_lp_full *f, const double *x, const double *dx, nrm_lp_trial *found)
{
    slot total;
    job o = {.f = f, .x = x, .dx = dx, .trial = true, .q = f->p == 1 ? (double)INFINITY : f->p / (f->p - 1)};

    NRM_TRY(run_sums(&o, "measuring the step", &total));
    for (int t = 0; t < NRM_LP_STEPS; t++) found->norm[t] = f->unit * nrm_power_sum_norm(&total.sum[t], f->p);
    found->size = nrm_power_sum_norm(&total.sum[NRM_LP_STEPS], o.q);
    found->lower = found->size > 0 ? fmax(0, f->unit * total.value / found->size) : 0;
    return NRM_OK;
}

/* The solution of the system in `right`. */
static nrm_status solve(const nrm_lp_full *f, const double *gram, double *right)
{
    const int64_t k = f->k;
    double *work;

    NRM_TRY(NRM_ALLOC(f->ctx, work, k + k * k, f->who));
    const bool done = nrm_lp_system_factor(k, gram, work, work + k);
    if (done) nrm_lp_system_solve(k, work, work + k, right);
    nrm_free(f->ctx, work);
    NRM_REQUIRE(f->ctx, done, NRM_E_OVERFLOW, "%s: the sums over all rows leave the range of f64; scale a and b down", f->who);
    return NRM_OK;
}

nrm_status nrm_lp_full_step(nrm_lp_full *f, const double *x, double *dx)
{
    const int64_t k = f->k, size = k * k + k;
    nrm_arena arena = {0};
    slot slots[SLOTS] = {0};
    job o = {.f = f, .x = x, .system = true, .q = 1, .slots = slots};
    nrm_status st;

    const int gram = nrm_arena_add(&arena, SLOTS * size, sizeof(double)), rows = nrm_arena_add(&arena, SLOTS * BLOCK * k, sizeof(double));
    NRM_TRY(nrm_comm_agree(f->ctx, nrm_ctx_comm(f->ctx), nrm_arena_alloc(f->ctx, &arena, f->who)));
    o.gram = nrm_arena_at(&arena, gram);
    o.right = o.gram + SLOTS * k * k;
    o.rows = nrm_arena_at(&arena, rows);
    NRM_TRY_DONE(pass_rows(&o, "a Newton step on all rows"));
    for (int which = 1; which < SLOTS; which++) {
        for (int64_t i = 0; i < k * k; i++) o.gram[i] += o.gram[which * k * k + i];
        for (int64_t i = 0; i < k; i++) o.right[i] += o.right[which * k + i];
    }
    NRM_TRY_DONE(nrm_sum_ranks(f->ctx, f->who, o.gram, k * k));
    NRM_TRY_DONE(nrm_sum_ranks(f->ctx, f->who, o.right, k));
    st = nrm_comm_agree(f->ctx, nrm_ctx_comm(f->ctx), solve(f, o.gram, o.right));
    if (st < 0) goto done;
    f->systems++;
    const nrm_blas_scope scope = nrm_blas_enter_single();
    cblas_dtrsv(CblasRowMajor, CblasUpper, CblasNoTrans, CblasNonUnit, (int)k, f->basis, (int)k, o.right, 1);
    nrm_blas_leave(scope);
    memset(dx, 0, (size_t)f->d * sizeof *dx);
    for (int64_t j = 0; j < k; j++) dx[f->keep[j]] = -f->unit * o.right[j];
done:
    nrm_arena_free(f->ctx, &arena);
    return st;
}

nrm_status nrm_lp_full_write(nrm_lp_full *f, const double *at, double *residual, const double *x, const double *dx, double size,
                             double *dual)
{
    slot slots[SLOTS] = {0};
    job o = {.f = f, .x = x, .dx = dx, .at = at, .size = size, .residual = residual, .dual = dual, .q = 1, .slots = slots};

    if (residual) memset(residual, 0, (size_t)f->n * sizeof *residual);
    if (dual) memset(dual, 0, (size_t)f->n * sizeof *dual);
    NRM_TRY(pass_rows(&o, "writing residuals"));
    if (residual) NRM_TRY(nrm_sum_ranks(f->ctx, f->who, residual, f->n));
    return dual ? nrm_sum_ranks(f->ctx, f->who, dual, f->n) : NRM_OK;
}
