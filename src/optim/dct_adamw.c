/* dct_adamw.c -- Adam in a subspace of fixed frequencies, with error feedback.
 *
 * Modoranu et al., "SVD-free low-rank adaptive gradient optimization for large language
 * models", arXiv 2505.17967, for a matrix and a fixed orthogonal basis D (linalg/basis.h):
 *     1. W <- (1 - eta lambda) W
 *     2. A = G + E
 *     3. t = 1 or t mod T = 0: I = the columns of D that A lies along;  a = down(A) = A D_I
 *     4. E <- A - up(a)
 *     5. a new I: M and V follow their columns; those of new columns begin at 0
 *     6. M <- b1 M + (1 - b1) a,  V <- b2 V + (1 - b2) a a
 *     7. W <- W - eta up((M / (1 - b1^t)) / ((V / (1 - b2^t))^(1/2) + eps))
 *
 * The paper turns M and V by D_old' D_new.  Both are columns of one orthogonal matrix, so that
 * this is a partial permutation of 0 and 1: a merge of two sorted lists, no product, and V
 * stays as positive as it was.  Not rotated, slots are ordered by falling score, as the
 * published code has them.  Codes of E use all 2^bits levels (there, 15 steps for 8 bits too).
 * Matrices with a side of max_shape or more get plain AdamW. */
#include "error_feedback.h"
#include "subspace.h"

typedef nrm_dct_adamw_options nrm_this_options;
static const nrm_param params[] = {NRM_DCT_ADAMW_OPTIONS(NRM_PARAM)};
static const nrm_method dct_adamw_method = {.name = "dct-adamw", .summary = "Adam in a subspace of fixed frequencies, with error feedback",
                                            .params = params, .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

typedef struct step_factors { nrm_adamw_factors adam; double clip, eta; } step_factors;
enum { M, V, INDEX, ERROR };

static bool is_huge(const nrm_this_options *o, int64_t rows, int64_t cols) { return rows >= o->max_shape || cols >= o->max_shape; }

static nrm_projector projector(const nrm_this_options *o)
{
    return NRM_PROJECTOR_OF("dct-adamw", o, NRM_PROJECTOR_OF_BASIS(o->basis), o->rank, 0);
}

static nrm_status fits(nrm_ctx *ctx, const void *options, const char *name, int64_t rows, int64_t cols)
{
    const nrm_projector p = projector(options);
    return is_huge(options, rows, cols) ? NRM_OK : nrm_projector_fits(ctx, &p, name, rows, cols);
}

static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    const nrm_this_options *o = options;
    const nrm_projector p = projector(o);
    const nrm_low_rank l = nrm_projector_shape(&p, NRM_F64, 1, rows, cols);

    if (is_huge(o, rows, cols)) {
        *s = (nrm_rule_state){.suffix = i == M ? "m" : "v", .not_negative = i == V};
        return i <= V;
    }
    if (i >= ERROR) return nrm_error_feedback_state(o->error_feedback, i - ERROR, rows, cols, s);
    *s = i == INDEX ? nrm_projector_state(&p, rows, cols) : nrm_low_rank_state(&l, i == M ? "m" : "v", i == V);
    s->any_order = !o->rotate;
    return true;
}

static int64_t key(const void *options, int64_t rows, int64_t cols)
{
    const nrm_projector p = projector(options);
    return is_huge(options, rows, cols) ? -1 : nrm_projector_key(&p, rows, cols);
}

static nrm_status make(nrm_ctx *ctx, const void *options, nrm_dtype dtype, int64_t rows, int64_t cols, void **constant)
{
    const nrm_projector p = projector(options);
    return nrm_projector_make(ctx, &p, dtype, rows, cols, constant);
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_this_options *o = options;
    const double eta = o->lr * now->factor;
    step_factors f = {.adam = nrm_low_rank_adam_factors(o->beta1, o->beta2, o->eps, now->t), .clip = now->clip, .eta = eta};
    f.adam.keep = 1 - eta * o->weight_decay;
    memcpy(out, &f, sizeof f);
}

/* A; S, then up(...); a; u, also room for rotating; the new I; where each new column was. */
typedef struct work_places { void *a, *s, *low, *u; int64_t *index, *source; nrm_subspace subspace; } work_places;

static work_places lay_out(const nrm_rule_piece *p, nrm_layout *at)
{
    const nrm_projector from = projector(p->options);
    const int64_t size = (int64_t)nrm_dtype_size(p->dtype);
    work_places w;

    nrm_subspace_lay_out(&w.subspace, &from, p, at);
    const nrm_low_rank *l = &w.subspace.l;
    w.a = nrm_layout_take(at, l->full, size);
    w.s = nrm_layout_take(at, l->full, size);
    w.low = nrm_layout_take(at, l->low, size);
    w.u = nrm_layout_take(at, l->low, size);
    w.index = nrm_layout_take(at, l->rank, sizeof(int64_t));
    w.source = nrm_layout_take(at, l->rank, sizeof(int64_t));
    return w;
}

static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    const nrm_rule_piece p = nrm_piece_of_shape(options, dtype, rows, cols);
    nrm_layout at = {0};

    if (is_huge(options, rows, cols)) return 0;
    lay_out(&p, &at);
    return at.used;
}

/* x, of down(G)'s shape, in the order of the new columns. */
static void follow(const nrm_low_rank *l, const int64_t *source, void *x, void *room)
{
    const size_t size = nrm_dtype_size(l->dtype), length = (l->right ? 1 : (size_t)l->cols) * size;
    const int64_t lines = l->right ? l->rows : 1;

    memcpy(room, x, (size_t)l->low * size);
#pragma omp parallel for num_threads(l->threads) if (l->threads > 1 && l->low > NRM_OPTIMIZER_BLOCK)
    for (int64_t i = 0; i < lines; i++)
        for (int64_t k = 0; k < l->rank; k++) {
            unsigned char *to = (unsigned char *)x + (size_t)(i * l->rank + k) * length;
            const unsigned char *from = (const unsigned char *)room + (size_t)(i * l->rank + source[k]) * length;
            if (source[k] < 0) memset(to, 0, length);
            else memcpy(to, from, length);
        }
}

/* Both lists ascend. */
static void rotate(const nrm_low_rank *l, const int64_t *old, const work_places *w, void *m, void *v)
{
    int64_t at = 0;
    for (int64_t k = 0; k < l->rank; k++) {
        while (at < l->rank && old[at] < w->index[k]) at++;
        w->source[k] = at < l->rank && old[at] == w->index[k] ? at : -1;
    }
    follow(l, w->source, m, w->u);
    follow(l, w->source, v, w->u);
}

static void update_huge(const nrm_rule_piece *p, const step_factors *f)
{
    nrm_adamw_factors adam = f->adam;
    adam.clip = f->clip, adam.rate *= f->eta;
#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK)
        NRM_KERNEL(p->dtype, adamw, nrm_min_i64(NRM_OPTIMIZER_BLOCK, p->n - i), &adam, nrm_matrix_const_at(p->dtype, p->gradient, i),
                   nrm_matrix_at(p->dtype, p->state[M], i), nrm_matrix_at(p->dtype, p->state[V], i),
                   nrm_matrix_at(p->dtype, p->parameter, i));
}

/* 3: a, from A. */
static void project(const nrm_rule_piece *p, work_places *w)
{
    const nrm_this_options *o = p->options;
    const nrm_basis_view *v = &w->subspace.view;
    int64_t *index = w->subspace.index;

    if (p->t > 1 && p->t % o->update_gap != 0) {
        nrm_subspace_down(&w->subspace, w->a, w->s, w->low);
        return;
    }
    nrm_basis_forward(v, w->a, w->s);
    nrm_basis_select(v, (int)o->ell_norm, !o->rotate, w->s, w->index);
    nrm_basis_take(v, w->s, w->index, w->low);
    if (o->rotate && p->t > 1) rotate(&w->subspace.l, index, w, p->state[M], p->state[V]);
    memcpy(index, w->index, (size_t)v->rank * sizeof *index);
}

static void update(const nrm_rule_piece *p)
{
    const nrm_this_options *o = p->options;
    nrm_layout at = {.base = p->work};
    step_factors f;

    memcpy(&f, p->factors, sizeof f);
    if (is_huge(o, p->rows, p->cols)) {
        update_huge(p, &f);
        return;
    }
    work_places w = lay_out(p, &at);
    nrm_subspace_open(&w.subspace, p, p->state[INDEX]);
    nrm_error_feedback_add(o->error_feedback, p, f.clip, p->state + ERROR, w.a);
    project(p, &w);
    if (o->error_feedback != NRM_ERROR_FEEDBACK_OFF) {
        nrm_subspace_up(&w.subspace, w.low, w.s);
        nrm_error_feedback_keep(o->error_feedback, p, w.a, w.s, p->state + ERROR);
    }
    nrm_low_rank_adam(&w.subspace.l, &f.adam, w.low, p->state[M], p->state[V], w.u);
    nrm_subspace_up(&w.subspace, w.u, w.s);
    nrm_matrix_descend(p, f.adam.keep, false, f.eta, w.s);
}

const nrm_rule nrm_dct_adamw_rule = {.method = &dct_adamw_method, .matrix = true, .state = state, .factors = factors, .update = update,
                                     .work = work, .fits = fits, .key = key, .make = make, .unmake = nrm_projector_unmake};
