/* ldadam.c -- Adam in a subspace that follows the gradient, with moments turned into it.
 *
 * Robert et al., "LDAdam: adaptive optimization from low-dimensional gradient statistics", ICLR
 * 2025.  At step t, s = t - 1 steps done, written for the left side (m <= n):
 *     A = G + E
 *     t = 1:  P = the leading singular vectors of A
 *     else:   B = rho P_old M / (1 - b1^s) + (1 - rho) A,  P = Q of the QR of B B'P_old
 *     g = P'A,  E = A - P g
 *     C = P'P_old,  M' = C M,  E += b1 / (1 - b1) (P_old M - P M')
 *     c1 = 1 - b1^s,  c2 = 1 - b2^s:
 *     V <- |c2 ((C C) (V / c2 - (M / c1)^2) + (M' / c1)^2)|,  M <- M'        (C C elementwise)
 *     M <- b1 M + (1 - b1) g,  V <- b2 V + (1 - b2) g g
 *     W <- (1 - eta lambda) W - eta P ((M / (1 - b1^t)) / ((V / (1 - b2^t))^(1/2) + eps)) */
#include "subspace.h"

typedef nrm_ldadam_options nrm_this_options;
static const nrm_param params[] = {NRM_LDADAM_OPTIONS(NRM_PARAM)};
static const nrm_method ldadam_method = {.name = "ldadam", .summary = "Adam in a subspace that follows the gradient, with error feedback",
                                         .params = params, .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

typedef struct step_factors { nrm_adamw_factors adam; double clip, eta, c1, c2; } step_factors;
enum { M, V, SUBSPACE, ERROR };

static nrm_low_rank shape(const nrm_this_options *o, nrm_dtype dtype, int threads, int64_t rows, int64_t cols)
{
    return nrm_low_rank_of(dtype, threads, o->side, false, o->rank, rows, cols);
}

static nrm_status fits(nrm_ctx *ctx, const void *options, const char *name, int64_t rows, int64_t cols)
{
    const nrm_this_options *o = options;
    const nrm_low_rank l = shape(o, NRM_F64, 1, rows, cols);
    /* The first P are singular vectors: there are no more than the shorter side. */
    return nrm_rank_fits(ctx, "ldadam", name, l.rank, nrm_min_i64(l.side, l.other), rows, cols);
}

static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    const nrm_this_options *o = options;
    const nrm_low_rank l = shape(o, NRM_F64, 1, rows, cols);

    *s = i == SUBSPACE ? (nrm_rule_state){.suffix = "projector", .rows = l.side, .cols = l.rank}
         : i == ERROR  ? (nrm_rule_state){.suffix = "error"}
                       : nrm_low_rank_state(&l, i == M ? "m" : "v", i == V);
    return i < ERROR + (o->error_feedback ? 1 : 0);
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_this_options *o = options;
    const double eta = o->lr * now->factor, done = (double)(now->t - 1);
    step_factors f = {.adam = nrm_low_rank_adam_factors(o->beta1, o->beta2, o->eps, now->t), .clip = now->clip, .eta = eta,
                      .c1 = 1 - pow(o->beta1, done), .c2 = 1 - pow(o->beta2, done)};
    f.adam.keep = 1 - eta * o->weight_decay;
    memcpy(out, &f, sizeof f);
}

/* Two of G's shape; three of down(G)'s; P_old; C; of the SVD or the QR. */
typedef struct work_places { nrm_low_rank l; void *a, *b, *low, *turned, *u, *old, *c, *factor; } work_places;

static work_places lay_out(const nrm_rule_piece *p, nrm_layout *at)
{
    const nrm_low_rank l = shape(p->options, p->dtype, p->threads, p->rows, p->cols);
    const int64_t size = (int64_t)nrm_dtype_size(p->dtype), svd = nrm_leading_work(l.right, l.rows, l.cols), qr = nrm_qr_work(l.dtype, l.side, l.rank);
    work_places w = {.l = l};

    w.a = nrm_layout_take(at, l.full, size);
    w.b = nrm_layout_take(at, l.full, size);
    w.low = nrm_layout_take(at, l.low, size);
    w.turned = nrm_layout_take(at, l.low, size);
    w.u = nrm_layout_take(at, l.low, size);
    w.old = nrm_layout_take(at, l.side, l.rank * size);
    w.c = nrm_layout_take(at, l.rank, l.rank * size);
    w.factor = nrm_layout_take(at, svd < 0 || qr < 0 ? -1 : nrm_max_i64(svd, qr), 1);
    return w;
}

static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    const nrm_rule_piece p = nrm_piece_of_shape(options, dtype, rows, cols);
    nrm_layout at = {0};

    lay_out(&p, &at);
    return at.used;
}

/* One step of block power iteration from P_old: p becomes P. */
static void follow(const nrm_rule_piece *p, const work_places *w, double c1, void *projector)
{
    const nrm_this_options *o = p->options;
    const nrm_low_rank *l = &w->l;

    memcpy(w->b, w->a, (size_t)l->full * nrm_dtype_size(l->dtype));
    nrm_low_rank_up(l, w->old, o->rho / c1, p->state[M], 1 - o->rho, w->b);
    nrm_low_rank_down(l, w->old, w->b, w->low);
    if (l->right) nrm_dense_product(l->dtype, l->threads, 't', 'n', l->side, l->rank, l->other, 1, w->b, w->low, 0, projector);
    else nrm_dense_product(l->dtype, l->threads, 'n', 't', l->side, l->rank, l->other, 1, w->b, w->low, 0, projector);
    nrm_qr_run(l->dtype, l->side, l->rank, projector, w->factor);
}

/* out = C x, or x C' where P is on the right. */
static void turn(const work_places *w, const void *x, void *out)
{
    const nrm_low_rank *l = &w->l;
    if (l->right) nrm_dense_product(l->dtype, l->threads, 'n', 't', l->rows, l->rank, l->rank, 1, x, w->c, 0, out);
    else nrm_dense_product(l->dtype, l->threads, 'n', 'n', l->rank, l->cols, l->rank, 1, w->c, x, 0, out);
}

/* C, M', what E gains (in w->a already), V and M. */
static void turn_moments(const nrm_rule_piece *p, const work_places *w, const step_factors *f)
{
    const nrm_this_options *o = p->options;
    const nrm_low_rank *l = &w->l;
    const double lost = o->beta1 / (1 - o->beta1);
    void *m = p->state[M], *v = p->state[V];

    nrm_dense_product(l->dtype, l->threads, 't', 'n', l->rank, l->rank, l->side, 1, p->state[SUBSPACE], w->old, 0, w->c);
    turn(w, m, w->turned);
    nrm_low_rank_up(l, w->old, lost, m, 1, w->a);
    nrm_low_rank_up(l, p->state[SUBSPACE], -lost, w->turned, 1, w->a);
    for (int64_t i = 0; i < l->rank * l->rank; i++) {
        const double c = nrm_real_get(l->dtype, w->c, i);
        nrm_real_set(l->dtype, w->c, i, c * c);
    }
    for (int64_t i = 0; i < l->low; i++) {
        const double mean = nrm_real_get(l->dtype, m, i) / f->c1;
        nrm_real_set(l->dtype, v, i, nrm_real_get(l->dtype, v, i) / f->c2 - mean * mean);
    }
    turn(w, v, w->u);
    for (int64_t i = 0; i < l->low; i++) {
        const double mean = nrm_real_get(l->dtype, w->turned, i) / f->c1;
        nrm_real_set(l->dtype, v, i, fabs(f->c2 * (nrm_real_get(l->dtype, w->u, i) + mean * mean)));
    }
    memcpy(m, w->turned, (size_t)l->low * nrm_dtype_size(l->dtype));
}

static void update(const nrm_rule_piece *p)
{
    const nrm_this_options *o = p->options;
    nrm_layout at = {.base = p->work};
    void *projector = p->state[SUBSPACE];
    step_factors f;

    memcpy(&f, p->factors, sizeof f);
    const work_places w = lay_out(p, &at);
    const nrm_low_rank *l = &w.l;
    nrm_dense_combine(p->dtype, p->threads, p->n, f.clip, p->gradient, o->error_feedback ? 1 : 0,
                      o->error_feedback ? p->state[ERROR] : p->gradient, w.a);
    if (p->t == 1) {
        nrm_leading_run(l->dtype, l->right, l->rows, l->cols, l->rank, w.a, projector, w.factor);
    } else {
        memcpy(w.old, projector, (size_t)(l->side * l->rank) * nrm_dtype_size(l->dtype));
        follow(p, &w, f.c1, projector);
    }
    nrm_low_rank_down(l, projector, w.a, w.low);
    nrm_low_rank_up(l, projector, -1, w.low, 1, w.a);
    if (p->t > 1) turn_moments(p, &w, &f);
    if (o->error_feedback) memcpy(p->state[ERROR], w.a, (size_t)l->full * nrm_dtype_size(l->dtype));
    nrm_low_rank_adam(l, &f.adam, w.low, p->state[M], p->state[V], w.u);
    nrm_low_rank_up(l, projector, 1, w.u, 0, w.b);
    nrm_matrix_descend(p, f.adam.keep, false, f.eta, w.b);
}

const nrm_rule nrm_ldadam_rule = {.method = &ldadam_method, .matrix = true, .state = state, .factors = factors, .update = update,
                                  .work = work, .fits = fits};
