/* lp_sampled.c -- lp-regression of more rows than memory holds: a coreset of [A b] is solved, x is
 * measured on all rows, and Newton's method goes on from it.  Contract and equations:
 * norma/lp_regression.h, lp_full.h.
 *
 * The coreset's own dual proves nothing about the other rows.  Newton's step on all rows does: its
 * lambda = g + H A dx is feasible by construction, and off the best one only by the square of dx.
 * For p < 2 the loss is smoothed, by less in every round. */
#include "lp_job.h"
#include "lp_space.h"
#include "linalg/linalg.h"
#include <cblas.h>
#include <norma/comm.h>

enum { PATIENCE = 3 }; /* rounds without a better x */
static const double CUT = 1.5, ENOUGH = 1e-4; /* p below which lambda is cut; relative gain of the bound worth a pass */
static const double TINY = 1e-100, WIDTH = 0.4; /* first delta over the usual residual */
static const double EXACT = 1e-13; /* largest residual over largest b of an exact fit, to rounding */

typedef struct best_dual { double *x, *dx, *c, size, delta; int cuts; } best_dual; /* of the bound */

typedef struct sampled {
    nrm_lp_full full;
    nrm_lp_coreset_result coreset;
    nrm_arena arena;
    double *x, *dx, *c; /* d, d, CUTS x d */
    best_dual best;
    double norm;
} sampled;

/* ---- The coreset ------------------------------------------------------------------------------------ */

static nrm_status draw(nrm_ctx *ctx, nrm_lp_job *j, sampled *s)
{
    const nrm_lp_coreset_input in = {.a = j->in->a, .b = j->in->b, .row_weights = j->in->weights, .length = j->in->length};
    nrm_lp_coreset_options o = nrm_lp_coreset_options_default();
    nrm_lp_coreset_info info;

    o.p = j->o.p;
    o.scheme = j->o.scheme;
    o.rows = j->o.rows;
    o.eps = j->o.eps;
    o.delta = j->o.delta;
    const nrm_status st = nrm_lp_coreset(ctx, &in, NRM_LP_CORESET_ROWS, &s->coreset, &info, &o);
    if (st < 0) return nrm_fail_prefix(ctx, st, NRM_LP_REGRESSION);
    j->info.coreset_rows = s->coreset.rows;
    j->info.passes += info.passes;
    NRM_REQUIRE(ctx, s->coreset.rows >= j->d, NRM_E_RANGE, NRM_LP_REGRESSION ": the coreset has %lld rows for %lld columns; draw more: "
                "set rows", NRM_LL(s->coreset.rows), NRM_LL(j->d));
    return NRM_OK;
}

/* Sizes that no outlier moves far, of residuals and of rows in the basis: geometric means, each row
 * counted as often as it stands for rows. */
static void usual_sizes(const nrm_lp_job *j, sampled *s, double most)
{
    const int64_t k = s->full.k;
    double sum = 0, length = 0, count = 0, *y = s->full.rows;

    for (int64_t i = 0; i < s->coreset.rows; i++) {
        const double *a = s->coreset.a + i * j->d, own = j->in->weights ? j->in->weights[s->coreset.index[i]] : 1;
        const double root = pow(own, 1 / j->o.p), times = s->coreset.weights[i] / own;
        double r = -s->coreset.b[i];
        for (int64_t l = 0; l < j->d; l++) r += a[l] * s->x[l];
        for (int64_t l = 0; l < k; l++) y[l] = root * a[s->full.keep[l]];
        cblas_dtrsv(CblasRowMajor, CblasUpper, CblasTrans, CblasNonUnit, (int)k, s->full.basis, (int)k, y, 1);
        const double size = nrm_norm2(y, k);
        if (size == 0) continue;
        sum += times * log(fmax(fabs(r) * root, 1e-12 * most));
        length += times * log(size);
        count += times;
    }
    s->full.delta = WIDTH * exp(sum / count) / most;
    s->full.usual = exp(length / count);
}

/* x, the basis and the columns that steps are taken in. */
static nrm_status solve(nrm_ctx *ctx, nrm_lp_job *j, sampled *s)
{
    const nrm_lp_problem problem = {.n = s->coreset.rows, .d = j->d, .a = s->coreset.a, .lda = j->d, .b = s->coreset.b,
                                    .weight = s->coreset.weights, .p = j->o.p, .tol = j->o.tol, .max_iter = j->o.max_iter};
    nrm_lp_answer answer;
    nrm_lp_space space = {.ctx = ctx};
    bool *dependent;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, dependent, j->d, NRM_LP_REGRESSION));
    nrm_status st = nrm_lp_solve(ctx, NRM_LP_REGRESSION, &problem, s->x, false, &answer, NULL, dependent);
    if (st >= 0) {
        j->info.coreset_norm = answer.norm;
        j->info.iterations = answer.iterations;
        j->info.rank = answer.rank;
        nrm_lp_warn_dependent(ctx, j->d, dependent);
        st = nrm_lp_space_make(ctx, NRM_LP_REGRESSION, &problem, NULL, &space);
    }
    if (st >= 0) {
        s->full.k = space.k;
        for (int64_t i = 0; i < space.k; i++) {
            s->full.keep[i] = space.pivot[i];
            memcpy(s->full.basis + i * space.k, space.r_factor + i * j->d, (size_t)space.k * sizeof(double));
        }
    }
    nrm_lp_space_free(&space);
    nrm_free(ctx, dependent);
    return nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st);
}

/* ---- All rows ------------------------------------------------------------------------------------------ */

static void keep_bound(nrm_lp_job *j, sampled *s, const nrm_lp_lambda *l, const nrm_lp_trial *t)
{
    const size_t size = (size_t)j->d * sizeof(double);

    if (!(t->lower > j->info.lower) && !isnan(j->info.lower)) return;
    j->info.lower = t->lower;
    memcpy(s->best.x, l->x, size);
    memcpy(s->best.dx, l->dx, size);
    memcpy(s->best.c, l->c, NRM_LP_CUTS * size);
    s->best.cuts = l->cuts;
    s->best.size = t->size;
    s->best.delta = s->full.delta;
}

/* The bound of a step, and for p near 1 of its lambda cut, a pass each, while that still helps. */
static nrm_status try_step(nrm_lp_job *j, sampled *s, nrm_lp_trial *found)
{
    const bool cut = j->o.p < CUT && s->full.k > 0;
    nrm_lp_lambda l = {.x = s->x, .dx = s->dx, .c = s->c};
    nrm_lp_trial t;

    NRM_TRY(nrm_lp_full_try(&s->full, &l, cut ? s->c : NULL, found));
    keep_bound(j, s, &l, found);
    for (l.cuts = 1; cut && l.cuts <= NRM_LP_CUTS; l.cuts++) {
        const double before = j->info.lower;
        NRM_TRY(nrm_lp_full_try(&s->full, &l, l.cuts < NRM_LP_CUTS ? s->c + l.cuts * j->d : NULL, &t));
        keep_bound(j, s, &l, &t);
        if (j->info.lower - before <= ENOUGH * before) break;
    }
    return NRM_OK;
}

/* One round; *moved: x has become better. */
static nrm_status round_of_newton(nrm_lp_job *j, sampled *s, bool *moved)
{
    nrm_lp_trial t;
    int best = 0;

    NRM_TRY(nrm_lp_full_step(&s->full, s->x, s->dx));
    NRM_TRY(try_step(j, s, &t));
    for (int i = 1; i < NRM_LP_STEPS; i++)
        if (t.norm[i] < t.norm[best]) best = i;
    *moved = t.norm[best] < s->norm;
    if (*moved) {
        s->norm = t.norm[best];
        for (int64_t i = 0; i < j->d; i++) s->x[i] += nrm_lp_steps[best] * s->dx[i];
    }
    s->full.delta *= *moved && best <= 1 && j->o.p > 1 ? 0.1 : 0.3; /* p = 1: the system is of the rows within delta alone */
    return NRM_OK;
}

static nrm_status refine(nrm_lp_job *j, sampled *s)
{
    for (int64_t round = 0, idle = 0; round < j->o.refine && idle < PATIENCE; round++) {
        bool moved;
        NRM_TRY(round_of_newton(j, s, &moved));
        if (s->norm - j->info.lower <= j->o.tol * s->norm) break;
        idle = moved ? 0 : idle + 1;
    }
    return NRM_OK;
}

static nrm_status measure(nrm_lp_job *j, sampled *s)
{
    nrm_lp_measure m;

    NRM_TRY(nrm_lp_full_measure(&s->full, s->x, &m));
    s->norm = j->info.start_norm = m.norm;
    j->info.rows_read = s->full.n;
    if (m.r_most <= EXACT * m.b_most) {
        j->info.lower = 0;
        return NRM_OK;
    }
    s->full.unit = m.r_most;
    if (s->full.k == 0) { /* a is zero, and so is A'lambda */
        s->full.delta = TINY;
        return j->o.refine > 0 ? try_step(j, s, &(nrm_lp_trial){0}) : NRM_OK;
    }
    usual_sizes(j, s, m.r_most);
    return refine(j, s);
}

/* ---- The call --------------------------------------------------------------------------------------------- */

static nrm_status make_room(nrm_ctx *ctx, nrm_lp_job *j, sampled *s)
{
    const int64_t d = j->d;
    int64_t square;

    NRM_REQUIRE(ctx, nrm_mul_size(d, d, &square) && square < INT64_MAX / 1024, NRM_E_OVERFLOW, NRM_LP_REGRESSION ": a has %lld columns; "
                "that is more than memory can address", NRM_LL(d));
    const int keep = nrm_arena_add(&s->arena, d, sizeof(int64_t)), square_slot = nrm_arena_add(&s->arena, 2 * square + d, sizeof(double));
    const int vectors = nrm_arena_add(&s->arena, (4 + 2 * NRM_LP_CUTS) * d, sizeof(double));
    const int sums = nrm_arena_add(&s->arena, NRM_LP_FULL_SLOTS * (square + d), sizeof(double));
    const int rows = nrm_arena_add(&s->arena, NRM_LP_FULL_SLOTS * NRM_LP_FULL_BLOCK * d, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &s->arena, NRM_LP_REGRESSION));
    s->full = (nrm_lp_full){.ctx = ctx, .who = NRM_LP_REGRESSION, .a = j->in->a, .b = j->in->b, .weights = j->in->weights,
                            .length = j->in->length, .p = j->o.p, .unit = 1, .d = d, .keep = nrm_arena_at(&s->arena, keep),
                            .basis = nrm_arena_at(&s->arena, square_slot)};
    s->full.factor = s->full.basis + square;
    s->full.scale = s->full.factor + square;
    s->full.gram = nrm_arena_at(&s->arena, sums);
    s->full.right = s->full.gram + NRM_LP_FULL_SLOTS * square;
    s->full.rows = nrm_arena_at(&s->arena, rows);
    s->x = nrm_arena_at(&s->arena, vectors);
    s->dx = s->x + d;
    s->c = s->dx + d;
    s->best.x = s->c + NRM_LP_CUTS * d;
    s->best.dx = s->best.x + d;
    s->best.c = s->best.dx + d;
    s->best.size = 1;
    return NRM_OK;
}

static nrm_status write_lists(nrm_ctx *ctx, nrm_lp_job *j, sampled *s)
{
    nrm_lp_regression_result *made = &j->made;

    if (j->want == 0) return NRM_OK;
    nrm_status st = NRM_OK;
    if (j->want & NRM_LP_REGRESSION_RESIDUAL) st = NRM_ALLOC_ZERO(ctx, made->residual, s->full.n, NRM_LP_REGRESSION);
    if (st >= 0 && j->want & NRM_LP_REGRESSION_DUAL) st = NRM_ALLOC_ZERO(ctx, made->dual, s->full.n, NRM_LP_REGRESSION);
    NRM_TRY(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    double *dual = j->info.lower > 0 ? made->dual : NULL;
    s->full.delta = s->best.delta;
    const nrm_lp_lambda l = {s->best.x, s->best.dx, s->best.c, s->best.cuts};
    return nrm_lp_full_write(&s->full, s->x, made->residual, &l, s->best.size, dual);
}

nrm_status nrm_lp_sampled(nrm_ctx *ctx, nrm_lp_job *j)
{
    sampled s = {.norm = NAN};
    nrm_status st;

    j->info.method = "coreset";
    NRM_TRY_DONE(make_room(ctx, j, &s));
    NRM_TRY_DONE(draw(ctx, j, &s));
    NRM_TRY_DONE(solve(ctx, j, &s));
    NRM_TRY_DONE(measure(j, &s));
    NRM_TRY_DONE(write_lists(ctx, j, &s));
    NRM_TRY_DONE(NRM_ALLOC(ctx, j->made.x, j->d, NRM_LP_REGRESSION));
    memcpy(j->made.x, s.x, (size_t)j->d * sizeof *s.x);
    j->made.d = j->d;
    j->made.n = s.full.n;
    j->info.norm = s.norm;
    if (j->info.lower > s.norm) j->info.lower = s.norm; /* by rounding; NaN stays */
    j->info.iterations += s.full.systems;
    j->info.passes += s.full.passes;
done:
    nrm_lp_coreset_release(ctx, &s.coreset);
    nrm_arena_free(ctx, &s.arena);
    return st;
}
