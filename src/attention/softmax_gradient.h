/* softmax_gradient.h -- (4) and (5) for one type.  Part of softmax_backward.c.
 *
 * All cases are one scheme.  p is softmax, from y itself, exp(y), or x and lse;
 *     c = <p, g> or sum g;   dx = alpha p (g - c), alpha (g - p c) or alpha (g - c).
 * Where p is not y it is made in pieces that stay in the first cache. */

#include "softmax_entry.h"

enum { T(PIECE) = 512 };

typedef struct T(gradient) { /* a call */
    nrm_softmax_plan plan;
    nrm_softmax_work *work;
    const KERNELS *k;
    bool jvp;
    const double *lse; /* not NULL: y is the x of the forward call */
    scheme s;
    const nrm_softmax_mask *mask;
    const REAL *y, *g;
    REAL *dx;
    int64_t ldy, ldg, lddx, columns;
    double *parts;
} T(gradient);

typedef struct T(gradient_row) {
    const T(gradient) *t;
    SPAN row; /* what p is made of */
    const REAL *g;
    REAL *dx, lambda, e;
    double lse, c;
    double *part;
    bool exact;
} T(gradient_row);

static SPAN T(part_of)(const SPAN *row, int64_t start, int64_t n)
{
    SPAN s = *row;
    s.x += start;
    if (s.keep) s.keep += start;
    if (s.bias) s.bias += start;
    s.n = n;
    return s;
}

/* p of `n` elements from `start`: y itself, or made in `piece`. */
static const REAL *T(probabilities)(const T(gradient_row) *j, int64_t start, int64_t n, REAL *piece)
{
    if (j->t->s.source == SOURCE_Y) return j->row.x + start;
    const SPAN s = T(part_of)(&j->row, start, n);
    if (j->exact) {
        for (int64_t i = 0; i < n; i++)
            piece[i] = (REAL)(j->lse == -INFINITY ? 0 : exp(T(entry)(&s, j->t->plan.o.alpha, i) - j->lse));
        return piece;
    }
    j->t->k->pair_scale(&s, piece, j->lambda, j->e, false);
    return piece;
}

/* g, without the elements that are excluded: their log-softmax is -inf whatever x is. */
static const REAL *T(gradients)(const T(gradient_row) *j, int64_t start, int64_t n, REAL *piece)
{
    const REAL *z = j->row.x + start, *g = j->g + start;

    if (!j->t->plan.o.log) return g;
    if (j->t->s.source == SOURCE_LSE) { /* z itself */
        SPAN s = T(part_of)(&j->row, start, n);
        j->t->k->shift(&s, piece, 0, 0, false);
        z = piece;
    }
    for (int64_t i = 0; i < n; i++) piece[i] = z[i] == -(REAL)INFINITY ? 0 : g[i];
    return piece;
}

static void T(pass_sum)(void *job, int64_t b)
{
    T(gradient_row) *j = job;
    const int64_t begin = b * j->t->plan.o.block, end = nrm_min_i64(begin + j->t->plan.o.block, j->row.n);
    REAL p[T(PIECE)], g[T(PIECE)];
    double sum = 0;

    for (int64_t i = begin; i < end; i += T(PIECE)) {
        const int64_t n = nrm_min_i64(T(PIECE), end - i);
        const REAL *gradients = T(gradients)(j, i, n, g);
        sum += j->t->s.sum == SUM_G ? j->t->k->sum(n, gradients)
                                    : j->t->k->dot(n, T(probabilities)(j, i, n, p), gradients);
    }
    j->part[b] = sum;
}

/* alpha (g - c), 0 for excluded elements. */
static void T(shift_gradients)(const T(gradient_row) *j, int64_t start, int64_t n)
{
    const REAL alpha = (REAL)j->t->plan.o.alpha, c = (REAL)j->c;
    for (int64_t i = start; i < start + n; i++)
        j->dx[i] = j->row.x[i] == -(REAL)INFINITY ? 0 : alpha * (j->g[i] - c);
}

static void T(pass_write)(void *job, int64_t b)
{
    T(gradient_row) *j = job;
    const KERNELS *k = j->t->k;
    const int64_t begin = b * j->t->plan.o.block, end = nrm_min_i64(begin + j->t->plan.o.block, j->row.n);
    const REAL alpha = (REAL)j->t->plan.o.alpha;
    REAL p[T(PIECE)], g[T(PIECE)];

    for (int64_t i = begin; i < end; i += T(PIECE)) {
        const int64_t n = nrm_min_i64(T(PIECE), end - i);
        if (j->t->s.result == SHIFT) {
            T(shift_gradients)(j, i, n);
            continue;
        }
        const REAL *gradients = T(gradients)(j, i, n, g), *y = T(probabilities)(j, i, n, p);
        if (j->t->s.result == CENTRE) k->centre(n, y, gradients, alpha, j->c, j->dx + i);
        else k->deflate(n, y, gradients, alpha, j->c, j->dx + i);
    }
}

/* exp(z - lse) as (m lambda) 2^(n - e): lambda = exp(e ln2 - lse), near 1. */
static void T(take_lse)(T(gradient_row) *j)
{
    const double e = rint(j->lse * NRM_LOG2E_F64);
    j->exact = !(fabs(j->lse) < 130000) || j->t->plan.o.alpha == 0;
    j->e = (REAL)e;
    j->lambda = (REAL)exp(fma(e, NRM_LN2_HI_F64, -j->lse) + e * NRM_LN2_LO_F64);
}

static bool T(gradient_rows)(void *task, int64_t first, int64_t count, int slot)
{
    const T(gradient) *t = task;
    const nrm_softmax_mask *mask = t->mask;

    for (int64_t r = first; r < first + count; r++) {
        T(gradient_row) j = {.t = t, .g = t->g + r * t->ldg, .dx = t->dx + r * t->lddx, .lambda = 1,
                             .part = t->parts + slot * t->work->blocks,
                             .row = {.x = t->y + r * t->ldy, .n = t->columns, .alpha = 1}};
        if (t->lse) {
            j.row.alpha = (REAL)t->plan.o.alpha;
            if (mask->keep) j.row.keep = mask->keep + r * mask->keep_stride;
            if (mask->bias) j.row.bias = (const REAL *)mask->bias + r * mask->bias_stride;
            if (mask->lengths) j.row.n = mask->lengths[r];
            j.lse = t->lse[r];
            T(take_lse)(&j);
        }
        const int64_t blocks = j.row.n > 0 ? (j.row.n - 1) / t->plan.o.block + 1 : 0;
        nrm_softmax_expect(t->work, 2);
        if (!nrm_softmax_sweep(t->work, T(pass_sum), &j, blocks, false)) return false;
        for (int64_t b = 0; b < blocks; b++) j.c += j.part[b];
        if (!nrm_softmax_sweep(t->work, T(pass_write), &j, blocks, false)) return false;
        for (int64_t i = j.row.n; i < t->columns; i++) j.dx[i] = 0;
    }
    return true;
}

/* `y` is called `name` in messages; everything else is in *t. */
static nrm_status T(gradient_run)(nrm_ctx *ctx, const char *who, const char *name, const char *dx_name, int64_t rows,
                                  T(gradient) *t, const nrm_softmax_options *options)
{
    static const nrm_softmax_mask none = {0};
    const nrm_softmax_shape shape = {who, rows, t->columns, sizeof(REAL)};
    double one;
    nrm_status st;

    NRM_TRY(nrm_softmax_plan_options(ctx, who, options, &t->plan));
    NRM_TRY(nrm_softmax_check_shape(ctx, &shape));
    if (rows == 0) return NRM_OK;
    NRM_TRY(nrm_softmax_check_matrix(ctx, &shape, name, t->y, t->ldy));
    NRM_TRY(nrm_softmax_check_matrix(ctx, &shape, "g", t->g, t->ldg));
    NRM_TRY(nrm_softmax_check_matrix(ctx, &shape, dx_name, t->dx, t->lddx));
    NRM_TRY(nrm_softmax_check_mask(ctx, &shape, t->mask));
    NRM_TRY(nrm_softmax_check_overlap(ctx, &shape, name, t->y, t->ldy, dx_name, t->dx, t->lddx));
    NRM_TRY(nrm_softmax_check_overlap(ctx, &shape, "g", t->g, t->ldg, dx_name, t->dx, t->lddx));
    NRM_TRY(nrm_softmax_check_mask_apart(ctx, &shape, t->mask, dx_name, t->dx, t->lddx));
    NRM_TRY(nrm_softmax_check_apart(ctx, &shape, "lse", t->lse, rows, sizeof *t->lse, dx_name, t->dx, t->lddx));
    nrm_softmax_work work = nrm_softmax_divide(ctx, who, rows, t->columns, t->plan.o.block);
    const int64_t slots = work.by_blocks ? 1 : work.threads;
    t->s = scheme_of(t->lse != NULL, t->jvp, t->plan.o.log);
    t->k = T(kernels)(t->plan.isa);
    t->work = &work;
    t->parts = &one;
    if (!t->mask) t->mask = &none;
    if (slots * work.blocks > 1) NRM_TRY(NRM_ALLOC(ctx, t->parts, slots * work.blocks, "the block sums of softmax"));
    st = nrm_softmax_each_row(&work, 1, T(gradient_rows), t);
    if (t->parts != &one) nrm_free(ctx, t->parts);
    return st;
}

nrm_status T(nrm_softmax_backward)(nrm_ctx *ctx, int64_t rows, int64_t columns, const REAL *y, int64_t ldy,
                                   const REAL *g, int64_t ldg, REAL *dx, int64_t lddx,
                                   const nrm_softmax_options *options)
{
    T(gradient) t = {.y = y, .g = g, .dx = dx, .ldy = ldy, .ldg = ldg, .lddx = lddx, .columns = columns};
    return T(gradient_run)(ctx, "softmax-backward", "y", "dx", rows, &t, options);
}

nrm_status T(nrm_softmax_jvp)(nrm_ctx *ctx, int64_t rows, int64_t columns, const REAL *y, int64_t ldy, const REAL *v,
                              int64_t ldv, REAL *dy, int64_t lddy, const nrm_softmax_options *options)
{
    T(gradient) t = {.jvp = true, .y = y, .g = v, .dx = dy, .ldy = ldy, .ldg = ldv, .lddx = lddy, .columns = columns};
    return T(gradient_run)(ctx, "softmax-jvp", "y", "dy", rows, &t, options);
}

nrm_status T(nrm_softmax_backward_lse)(nrm_ctx *ctx, int64_t rows, int64_t columns, const REAL *x, int64_t ldx,
                                       const nrm_softmax_mask *mask, const double *lse, const REAL *g, int64_t ldg,
                                       REAL *dx, int64_t lddx, const nrm_softmax_options *options)
{
    T(gradient) t = {.lse = lse, .mask = mask, .y = x, .g = g, .dx = dx, .ldy = ldx, .ldg = ldg, .lddx = lddx,
                     .columns = columns};
    NRM_REQUIRE(ctx, lse || rows == 0, NRM_E_NULL,
                "softmax-backward: lse is NULL; give what the forward call returned");
    return T(gradient_run)(ctx, "softmax-backward", "x", "dx", rows, &t, options);
}
