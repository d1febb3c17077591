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

enum { SLOTS = NRM_LP_FULL_SLOTS, BLOCK = NRM_LP_FULL_BLOCK };
static const double BEYOND = 1e-10, LEAST = 1e-14; /* of |r|^(p-2): a row met exactly is still held */
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

typedef struct block block;
typedef struct job {
    nrm_lp_full *f;
    nrm_lp_lambda l;
    const double *at; /* of the residual */
    double q, size;
    bool next;
    double *residual, *dual;
    slot slots[SLOTS];
    void (*run)(struct job *o, block *b); /* several at the same time, of different slots */
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

static void derivatives(const nrm_lp_full *f, double r, double delta, double *g, double *h)
{
    if (f->p >= 2) {
        const double t = fabs(r), s = f->p == 2 ? 1 : power(t, f->p - 2);
        *g = copysign(s * t, r);
        *h = (f->p - 1) * fmax(s, LEAST);
    } else if (f->p == 1) {
        const bool inside = fabs(r) < delta;
        *g = inside ? r / delta : copysign(1, r);
        *h = (inside ? 1 : BEYOND) / delta;
    } else {
        const double q = r * r + delta * delta, s = pow(q, f->p / 2 - 1);
        *g = r * s;
        *h = s / q * ((f->p - 1) * r * r + delta * delta);
    }
}

/* ---- A block of rows ------------------------------------------------------------------------------------ */

struct block {
    const nrm_row_chunk *c;
    int64_t first, count; /* in the chunk */
    int which;            /* slot */
    double root[BLOCK], r[BLOCK], delta[BLOCK]; /* w^(1/p); in units */
    double *rows;         /* count x k: root A[:, keep] R^-1 where they were asked for */
};

static const double *row_of(const block *b, int64_t i) { return b->c->a + (b->first + i) * b->c->lda; }

/* Roots and residuals at x; with `rows` these in the basis, and delta by their lengths. */
static void begin_block(const job *o, block *b, bool rows)
{
    const nrm_lp_full *f = o->f;
    const int64_t k = f->k;

    for (int64_t i = 0; i < b->count; i++) {
        b->root[i] = root_weight(f, b->c->first + b->first + i);
        b->r[i] = b->root[i] * (dot(f->d, row_of(b, i), o->l.x) - b->c->b[(b->first + i) * b->c->ldb]) / f->unit;
        b->delta[i] = f->delta;
    }
    if (!rows || k == 0) return;
    b->rows = f->rows + b->which * BLOCK * k;
    for (int64_t i = 0; i < b->count; i++)
        for (int64_t j = 0; j < k; j++) b->rows[i * k + j] = b->root[i] * row_of(b, i)[f->keep[j]];
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, (int)b->count, (int)k, 1, f->basis, (int)k, b->rows,
                (int)k);
    for (int64_t i = 0; f->p < 2 && i < b->count; i++)
        b->delta[i] *= fmax(1, sqrt(dot(k, b->rows + i * k, b->rows + i * k)) / f->usual);
}

/* g'Y, Y'HY. */
static void add_system(job *o, block *b)
{
    const int64_t k = o->f->k;
    double *right = o->f->right + b->which * k, *gram = o->f->gram + b->which * k * k, g, h;

    begin_block(o, b, true);
    for (int64_t i = 0; i < b->count; i++) {
        double *row = b->rows + i * k;
        derivatives(o->f, b->r[i], b->delta[i], &g, &h);
        const double s = sqrt(h);
        for (int64_t j = 0; j < k; j++) {
            right[j] += g * row[j];
            row[j] *= s;
        }
    }
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)k, (int)b->count, 1, b->rows, (int)k, 1, gram, (int)k);
}

static double cut(const nrm_lp_full *f, const block *b, int64_t i, double move, double lambda)
{
    const double r = b->r[i], delta = b->delta[i];
    const double most = f->p == 1 ? 1 : pow(fmax(sqrt(r * r + delta * delta), fabs(r + move)), f->p - 1);
    return fmax(-most, fmin(most, lambda));
}

/* lambda of row i; *move is a'dx, *once_more what one more cut makes of it. */
static double lambda_of(const job *o, const block *b, int64_t i, double *move, double *once_more)
{
    const nrm_lp_full *f = o->f;
    const double by = b->root[i] / f->unit;
    double g, h;

    derivatives(f, b->r[i], b->delta[i], &g, &h);
    *move = by * dot(f->d, row_of(b, i), o->l.dx);
    double lambda = g + h * *move;
    for (int c = 0; c < o->l.cuts; c++)
        lambda = cut(f, b, i, *move, lambda) - h * by * dot(f->d, row_of(b, i), o->l.c + c * f->d);
    *once_more = o->next ? cut(f, b, i, *move, lambda) : 0;
    return lambda;
}

static void add_trial(job *o, block *b)
{
    const nrm_lp_full *f = o->f;
    slot *s = &o->slots[b->which];
    double move, once_more, *right = f->right + b->which * f->k;

    begin_block(o, b, f->p < 2);
    for (int64_t i = 0; i < b->count; i++) {
        const double lambda = lambda_of(o, b, i, &move, &once_more);
        for (int t = 0; o->l.cuts == 0 && t < NRM_LP_STEPS; t++) nrm_power_sum_add(&s->sum[t], f->p, b->r[i] + nrm_lp_steps[t] * move);
        nrm_power_sum_add(&s->sum[NRM_LP_STEPS], o->q, lambda);
        s->value += lambda * b->r[i];
        for (int64_t j = 0; o->next && j < f->k; j++) right[j] += once_more * b->rows[i * f->k + j];
    }
}

static void write_rows(job *o, block *b)
{
    double move, once_more;

    begin_block(o, b, o->f->p < 2 && o->dual);
    for (int64_t i = 0; i < b->count; i++) {
        const int64_t row = b->c->first + b->first + i;
        if (o->residual) o->residual[row] = dot(o->f->d, row_of(b, i), o->at) - b->c->b[(b->first + i) * b->c->ldb];
        if (o->dual) o->dual[row] = -b->root[i] * lambda_of(o, b, i, &move, &once_more) / o->size;
    }
}

static void add_measure(job *o, block *b)
{
    slot *s = &o->slots[b->which];

    begin_block(o, b, false);
    for (int64_t i = 0; i < b->count; i++) {
        nrm_power_sum_add(&s->sum[0], o->f->p, b->r[i]);
        s->r_most = fmax(s->r_most, fabs(b->r[i]));
        s->b_most = fmax(s->b_most, fabs(b->root[i] * b->c->b[(b->first + i) * b->c->ldb]) / o->f->unit);
    }
}

static void chunk_rows(job *o, const nrm_row_chunk *c)
{
    const int threads = nrm_threads(o->f->ctx);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1 && c->count > BLOCK)
    for (int which = 0; which < SLOTS; which++) {
        block b = {.c = c, .first = which * BLOCK, .which = which};
        if (b.first >= c->count) continue;
        b.count = nrm_min_i64(BLOCK, c->count - b.first);
        const nrm_blas_scope scope = nrm_blas_enter_single();
        o->run(o, &b);
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

/* The sums of g'Y and the like that the slots hold, over slots and ranks, to the first. */
static nrm_status sum_slots(const nrm_lp_full *f, double *values, int64_t count)
{
    for (int which = 1; which < SLOTS; which++)
        for (int64_t i = 0; i < count; i++) values[i] += values[which * count + i];
    return nrm_sum_ranks(f->ctx, f->who, values, count);
}

/* ---- The passes --------------------------------------------------------------------------------------- */

nrm_status nrm_lp_full_measure(nrm_lp_full *f, const double *x, nrm_lp_measure *found)
{
    slot total;
    job o = {.f = f, .l = {.x = x}, .q = 1, .run = add_measure};

    NRM_TRY(pass_rows(&o, "measuring"));
    NRM_TRY(join_all(&o, &total));
    NRM_REQUIRE(f->ctx, !f->weights || f->n == f->length, NRM_E_SHAPE, "%s: there are %lld weights and %lld rows; there must be one "
                "a row", f->who, NRM_LL(f->length), NRM_LL(f->n));
    *found = (nrm_lp_measure){f->unit * nrm_power_sum_norm(&total.sum[0], f->p), f->unit * total.r_most, f->unit * total.b_most};
    NRM_REQUIRE(f->ctx, isfinite(found->norm), NRM_E_OVERFLOW, "%s: the residual leaves the range of f64; scale a and b down", f->who);
    return NRM_OK;
}

/* Of the system of the last step. */
static void solve_and_turn(const nrm_lp_full *f, double *right, double *dx)
{
    const nrm_blas_scope scope = nrm_blas_enter_single();
    nrm_lp_system_solve(f->k, f->scale, f->factor, right);
    cblas_dtrsv(CblasRowMajor, CblasUpper, CblasNoTrans, CblasNonUnit, (int)f->k, f->basis, (int)f->k, right, 1);
    nrm_blas_leave(scope);
    memset(dx, 0, (size_t)f->d * sizeof *dx);
    for (int64_t j = 0; j < f->k; j++) dx[f->keep[j]] = f->unit * right[j];
}

nrm_status nrm_lp_full_try(nrm_lp_full *f, const nrm_lp_lambda *l, double *next, nrm_lp_trial *found)
{
    slot total;
    job o = {.f = f, .l = *l, .next = next != NULL, .q = f->p == 1 ? (double)INFINITY : f->p / (f->p - 1), .run = add_trial};

    memset(f->right, 0, (size_t)(SLOTS * f->k) * sizeof *f->right);
    NRM_TRY(pass_rows(&o, "measuring the step"));
    NRM_TRY(join_all(&o, &total));
    for (int t = 0; t < NRM_LP_STEPS; t++) found->norm[t] = f->unit * nrm_power_sum_norm(&total.sum[t], f->p);
    found->size = nrm_power_sum_norm(&total.sum[NRM_LP_STEPS], o.q);
    found->lower = found->size > 0 ? fmax(0, f->unit * total.value / found->size) : 0;
    if (!next) return NRM_OK;
    NRM_TRY(sum_slots(f, f->right, f->k));
    solve_and_turn(f, f->right, next);
    return NRM_OK;
}

nrm_status nrm_lp_full_step(nrm_lp_full *f, const double *x, double *dx)
{
    const int64_t k = f->k;
    job o = {.f = f, .l = {.x = x}, .q = 1, .run = add_system};

    memset(f->gram, 0, (size_t)(SLOTS * k * k) * sizeof *f->gram);
    memset(f->right, 0, (size_t)(SLOTS * k) * sizeof *f->right);
    NRM_TRY(pass_rows(&o, "a Newton step on all rows"));
    NRM_TRY(sum_slots(f, f->gram, k * k));
    NRM_TRY(sum_slots(f, f->right, k));
    NRM_REQUIRE(f->ctx, nrm_lp_system_factor(k, f->gram, f->scale, f->factor), NRM_E_OVERFLOW, "%s: the sums over all rows leave the "
                "range of f64; scale a and b down", f->who); /* on every rank: the sums are the same */
    f->systems++;
    for (int64_t j = 0; j < k; j++) f->right[j] *= -1;
    solve_and_turn(f, f->right, dx);
    return NRM_OK;
}

nrm_status nrm_lp_full_write(nrm_lp_full *f, const double *at, double *residual, const nrm_lp_lambda *l, double size, double *dual)
{
    job o = {.f = f, .l = *l, .at = at, .size = size, .residual = residual, .dual = dual, .q = 1, .run = write_rows};

    if (residual) memset(residual, 0, (size_t)f->n * sizeof *residual);
    if (dual) memset(dual, 0, (size_t)f->n * sizeof *dual);
    NRM_TRY(pass_rows(&o, "writing residuals"));
    if (residual) NRM_TRY(nrm_sum_ranks(f->ctx, f->who, residual, f->n));
    return dual ? nrm_sum_ranks(f->ctx, f->who, dual, f->n) : NRM_OK;
}
