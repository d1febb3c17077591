/* softmax_rows.h -- a row through the passes of each algorithm.  Included by softmax.c for
 * REAL = float, T(name) = name_f32 and for double, f64.
 *
 * A row is cut into blocks of plan.o.block elements.  A pass does one block and leaves a
 * pair or a sum in part[block]; the parts are merged in f64 in the order of the blocks.
 * So blocks, not threads, fix every bit. */

#include "softmax_entry.h"

typedef struct T(task) { /* a call */
    const nrm_softmax_plan *plan;
    nrm_softmax_work *work;
    const KERNELS *k;
    const nrm_softmax_mask *mask; /* never NULL */
    const REAL *x;
    REAL *y;
    double *lse;
    int64_t ldx, ldy, columns;
    nrm_extexp *parts; /* work->blocks for each slot */
    REAL *buffers;     /* columns for each slot, where plan->buffered */
    int64_t slow_rows;
} T(task);

typedef struct T(job) { /* a row */
    T(task) *t;
    SPAN row;
    REAL *y, *kept;   /* kept: where reloading leaves the exponentials */
    nrm_extexp *part; /* one a block */
    int64_t blocks;
    double lse;
    REAL e, lambda, mu, hi, lo; /* of the pass in work */
    double factor;              /* y is this times softmax */
    bool wants_lse;             /* to return it, or for the logarithm */
    bool one_exponent;          /* block-reload in place: e for all blocks */
    double top, total, value;   /* softmax_exact.h */
    bool at_infinity;
} T(job);

typedef enum T(outcome) { T(DONE), T(SLOW), T(STOPPED) } T(outcome);

static SPAN T(piece)(const T(job) *j, int64_t b, int64_t *start)
{
    SPAN s = j->row;
    const int64_t block = j->t->plan->o.block;
    *start = b * block;
    s.x += *start;
    if (s.keep) s.keep += *start;
    if (s.bias) s.bias += *start;
    s.n = nrm_min_i64(block, s.n - *start);
    return s;
}

static bool T(sweep)(T(job) *j, nrm_softmax_pass pass, bool backwards)
{
    return nrm_softmax_sweep(j->t->work, pass, j, j->blocks, backwards);
}

static nrm_extexp T(merge)(const T(job) *j)
{
    nrm_extexp total = j->part[0];
    for (int64_t b = 1; b < j->blocks; b++) total = nrm_extexp_add(total, j->part[b]);
    return total;
}

/* ---- Two-pass (2), (3) ------------------------------------------------------------------------- */

static void T(pass_pair_sum)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    j->part[b] = j->t->k->pair_sum(&s);
}

static void T(pass_pair_scale)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    j->t->k->pair_scale(&s, j->y + start, j->lambda, j->e, j->t->plan->stream);
}

static void T(pass_shift)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    j->t->k->shift(&s, j->y + start, j->hi, j->lo, j->t->plan->stream);
}

/* Set the factors of the last pass, and lse where someone wants it. */
static void T(take_total)(T(job) *j, nrm_extexp total)
{
    double hi, lo;

    j->e = (REAL)total.exponent;
    j->lambda = (REAL)(j->factor / total.mantissa);
    if (!j->wants_lse) return;
    nrm_extexp_log(total, &hi, &lo);
    j->lse = hi + lo;
    j->hi = (REAL)hi;
    j->lo = (REAL)((hi - (double)j->hi) + lo);
}

static T(outcome) T(two_pass)(T(job) *j)
{
    const nrm_softmax_plan *plan = j->t->plan;
    const nrm_softmax_pass last = plan->o.log ? T(pass_shift) : T(pass_pair_scale);

    nrm_softmax_expect(j->t->work, 2);
    if (!T(sweep)(j, T(pass_pair_sum), false)) return T(STOPPED);
    const nrm_extexp total = T(merge)(j);
    if (plan->o.guard && !nrm_extexp_sane(total)) return T(SLOW);
    T(take_total)(j, total);
    /* Around the caches, the end of x is still there: begin with it. */
    if (j->y && !T(sweep)(j, last, plan->stream)) return T(STOPPED);
    return T(DONE);
}

/* ---- Three-pass, as the paper has it --------------------------------------------------------------- */

static void T(pass_maximum)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    j->part[b] = (nrm_extexp){1, (double)j->t->k->maximum(&s)};
}

static void T(pass_exp_sum)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    j->part[b].mantissa = j->t->k->exp_sum(&s, j->mu);
}

static void T(pass_exp_store)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    j->part[b].mantissa = j->t->k->exp_store(&s, j->y + start, j->mu);
}

static void T(pass_exp_scale)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    j->t->k->exp_scale(&s, j->y + start, j->mu, j->lambda, j->t->plan->stream);
}

static void T(pass_scale)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    j->t->k->scale(s.n, j->y + start, j->y + start, j->lambda, false);
}

static double T(merge_maximum)(const T(job) *j)
{
    double top = j->part[0].exponent;
    for (int64_t b = 1; b < j->blocks; b++) top = fmax(top, j->part[b].exponent);
    return top;
}

/* Set the factors of the last pass for the maximum j->mu and sum exp(z - mu). */
static void T(take_sum)(T(job) *j, double sum)
{
    j->lambda = (REAL)(j->factor / sum);
    if (!j->wants_lse) return;
    j->hi = j->mu;
    j->lo = (REAL)log(sum);
    j->lse = (double)j->mu + log(sum);
}

static T(outcome) T(three_pass)(T(job) *j, bool reload)
{
    const nrm_softmax_plan *plan = j->t->plan;
    double sum = 0;

    nrm_softmax_expect(j->t->work, 3);
    if (!T(sweep)(j, T(pass_maximum), false)) return T(STOPPED);
    j->mu = (REAL)T(merge_maximum)(j);
    if (plan->o.guard && !isfinite(j->mu)) return T(SLOW);
    if (!T(sweep)(j, reload ? T(pass_exp_store) : T(pass_exp_sum), false)) return T(STOPPED);
    for (int64_t b = 0; b < j->blocks; b++) sum += j->part[b].mantissa;
    /* Not a number only by a NaN of x; in place, reloading has kept it as one. */
    if (plan->o.guard && !isfinite(sum)) return T(SLOW);
    T(take_sum)(j, sum);
    const nrm_softmax_pass last = plan->o.log ? T(pass_shift) : reload ? T(pass_scale) : T(pass_exp_scale);
    if (j->y && !T(sweep)(j, last, plan->stream && !reload)) return T(STOPPED);
    return T(DONE);
}

/* ---- Online: the maximum and the sum in one pass -------------------------------------------------- */

static void T(pass_online_sum)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    j->part[b] = j->t->k->online_sum(&s);
}

static T(outcome) T(online)(T(job) *j)
{
    const nrm_softmax_plan *plan = j->t->plan;
    const nrm_softmax_pass last = plan->o.log ? T(pass_shift) : T(pass_exp_scale);
    double sum = 0;

    nrm_softmax_expect(j->t->work, 2);
    if (!T(sweep)(j, T(pass_online_sum), false)) return T(STOPPED);
    const double mu = T(merge_maximum)(j);
    for (int64_t b = 0; b < j->blocks; b++) sum += j->part[b].mantissa * exp(j->part[b].exponent - mu);
    /* At the kernel's least maximum, entries may lie below it. */
    if (plan->o.guard && !(isfinite(sum) && mu > NRM_EXTEXP_LOW)) return T(SLOW);
    j->mu = (REAL)mu;
    T(take_sum)(j, sum);
    if (j->y && !T(sweep)(j, last, plan->stream)) return T(STOPPED);
    return T(DONE);
}

/* ---- Block-reload ------------------------------------------------------------------------------------ */

/* The exponent that no element of the block exceeds: n = rint(z log2 e) rises with z. */
static REAL T(exponent_of)(REAL top)
{
    return REAL_RINT((top > (REAL)NRM_EXTEXP_LOW ? top : (REAL)NRM_EXTEXP_LOW) * REAL_LOG2E);
}

static void T(pass_block_store)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    const REAL e = j->one_exponent ? j->e : T(exponent_of)(j->t->k->maximum(&s));
    j->part[b] = (nrm_extexp){j->t->k->pair_store(&s, j->kept + start, e), (double)e};
}

static void T(pass_block_scale)(void *job, int64_t b)
{
    T(job) *j = job;
    int64_t start;
    const SPAN s = T(piece)(j, b, &start);
    const REAL lambda = j->lambda * (REAL)nrm_pow2_f64(j->part[b].exponent - (double)j->e);
    j->t->k->scale(s.n, j->kept + start, j->y + start, lambda, j->t->plan->stream);
}

static T(outcome) T(block_reload)(T(job) *j)
{
    const nrm_softmax_plan *plan = j->t->plan;

    /* In place x is gone after the first block is stored, so whether the fast path can do
     * the row must be known before: one reading more for the maximum. */
    nrm_softmax_expect(j->t->work, 2);
    j->one_exponent = plan->in_place;
    if (plan->in_place) {
        nrm_softmax_expect(j->t->work, 3);
        if (!T(sweep)(j, T(pass_maximum), false)) return T(STOPPED);
        const REAL top = (REAL)T(merge_maximum)(j);
        j->e = T(exponent_of)(top);
        if (!nrm_extexp_sane((nrm_extexp){1, (double)j->e})) return T(SLOW);
    }
    if (!T(sweep)(j, T(pass_block_store), false)) return T(STOPPED);
    const nrm_extexp total = T(merge)(j);
    if (!nrm_extexp_sane(total)) return T(SLOW);
    T(take_total)(j, total);
    return T(sweep)(j, T(pass_block_scale), false) ? T(DONE) : T(STOPPED);
}

#include "softmax_exact.h"

/* ---- A row, a group of narrow rows ------------------------------------------------------------------- */

static void T(fill)(REAL *y, int64_t n, REAL value)
{
    for (int64_t i = 0; i < n; i++) y[i] = value;
}

static T(job) T(job_of)(T(task) *t, int64_t r, int slot)
{
    const nrm_softmax_mask *mask = t->mask;
    const nrm_softmax_options *o = &t->plan->o;
    T(job) j = {.t = t, .factor = 1,
                .row = {.x = t->x + r * t->ldx, .n = t->columns, .alpha = (REAL)o->alpha, .bare = !o->guard,
                        .far = t->plan->far}};

    if (mask->keep) j.row.keep = mask->keep + r * mask->keep_stride;
    if (mask->bias) j.row.bias = (const REAL *)mask->bias + r * mask->bias_stride;
    if (mask->lengths) j.row.n = mask->lengths[r];
    j.blocks = j.row.n > 0 ? (j.row.n - 1) / o->block + 1 : 0;
    j.part = t->parts + slot * t->work->blocks;
    if (t->y) j.y = t->y + r * t->ldy;
    j.kept = t->buffers ? t->buffers + slot * t->columns : j.y;
    return j;
}

static T(outcome) T(fast_row)(T(job) *j)
{
    const nrm_softmax_plan *plan = j->t->plan;
    const KERNELS *k = j->t->k;

    if (j->row.n < 2 || plan->o.alpha == 0) return T(SLOW);
    if (plan->short_rows && j->row.n <= k->row_most) {
        const nrm_extexp total = k->row(&j->row, j->y);
        if (!nrm_extexp_sane(total)) return T(SLOW);
        T(take_total)(j, total);
        if (j->factor != 1) k->scale(j->row.n, j->y, j->y, (REAL)j->factor, false);
        return T(DONE);
    }
    switch (plan->algorithm) {
    case NRM_SOFTMAX_BLOCK_RELOAD: return T(block_reload)(j);
    case NRM_SOFTMAX_THREE_PASS_RECOMPUTE: return T(three_pass)(j, false);
    case NRM_SOFTMAX_THREE_PASS_RELOAD: return T(three_pass)(j, true);
    case NRM_SOFTMAX_ONLINE: return T(online)(j);
    default: return T(two_pass)(j);
    }
}

/* The whole row, by whatever path; j->lse is set. */
static bool T(do_row)(T(job) *j)
{
    T(outcome) outcome = T(fast_row)(j);
    const int64_t columns = j->t->columns;
    REAL rest = j->t->plan->o.log ? -(REAL)INFINITY : 0; /* beyond the row's length */

    if (outcome == T(SLOW)) {
        outcome = T(exact_row)(j, &rest);
        if (outcome == T(DONE) && j->y && j->factor != 1)
            j->t->k->scale(j->row.n, j->y, j->y, (REAL)j->factor, false);
    }
    if (outcome == T(STOPPED)) return false;
    if (j->y) T(fill)(j->y + j->row.n, columns - j->row.n, rest);
    return true;
}

static bool T(one_row)(T(task) *t, int64_t r, int slot)
{
    T(job) j = T(job_of)(t, r, slot);
    j.wants_lse = t->lse || t->plan->o.log;
    if (!T(do_row)(&j)) return false;
    if (t->lse) t->lse[r] = j.lse;
    return true;
}

#include "softmax_short.h"

static bool T(rows)(void *task, int64_t first, int64_t count, int slot)
{
    T(task) *t = task;
    if (T(is_narrow)(t)) {
        for (int64_t r = 0; r < count; r += t->k->lanes)
            T(narrow_rows)(t, first + r, nrm_min_i64(t->k->lanes, count - r), slot);
        return true;
    }
    const bool direct = T(is_direct)(t);
    for (int64_t r = first; r < first + count; r++)
        if (!(direct && T(direct_row)(t, r, slot)) && !T(one_row)(t, r, slot)) return false;
    return true;
}

/* ---- The call ------------------------------------------------------------------------------------------ */

/* rows(task, ...) over all rows, with the memory that each slot needs. */
static nrm_status T(run_task)(nrm_ctx *ctx, T(task) *t, int64_t unit, nrm_softmax_rows_fn rows, void *task)
{
    const nrm_softmax_work *work = t->work;
    const int64_t slots = work->by_blocks ? 1 : work->threads;
    nrm_extexp one;
    nrm_arena arena = {0};
    nrm_status st = NRM_OK;

    t->parts = &one;
    if (slots * work->blocks > 1 || t->plan->buffered) {
        int64_t values = 0;
        const bool fits = nrm_mul_size(t->plan->buffered ? slots : 0, t->columns, &values);
        const int parts = nrm_arena_add(&arena, slots * work->blocks, sizeof *t->parts);
        const int buffers = nrm_arena_add(&arena, fits ? values : -1, sizeof *t->buffers);
        NRM_TRY(nrm_arena_alloc(ctx, &arena, "the block sums of softmax"));
        t->parts = nrm_arena_at(&arena, parts);
        t->buffers = t->plan->buffered ? nrm_arena_at(&arena, buffers) : NULL;
    }
    st = nrm_softmax_each_row(t->work, unit, rows, task);
    nrm_arena_free(ctx, &arena);
    return st;
}
