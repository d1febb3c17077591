/* trion.c -- momentum, orthogonalised in a subspace of fixed frequencies.
 *
 * Modoranu et al., arXiv 2505.17967, for a matrix and a fixed orthogonal basis D:
 *     1. B <- B + G
 *     2. I = the columns of D that B lies along;  b = down(B) = B D_I
 *     3. B <- B - (1 - mu) up(b)          so that what was left out is kept whole
 *     4. o = orthogonalise(b), of the low-rank shape
 *     5. W <- (1 - eta lambda) W - eta scale(m, n) up(o)
 * With rank = the projected side this is Muon without Nesterov, B <- mu (B + G): Newton-Schulz
 * commutes with D. */
#include "subspace.h"

typedef nrm_trion_options nrm_this_options;
static const nrm_param params[] = {NRM_TRION_OPTIONS(NRM_PARAM)};
static const nrm_method trion_method = {.name = "trion", .summary = "momentum, orthogonalised in a subspace of fixed frequencies",
                                        .params = params, .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

typedef struct step_factors { double clip, eta, keep; } step_factors;

static nrm_projector projector(const nrm_this_options *o)
{
    return NRM_PROJECTOR_OF("trion", o, NRM_PROJECTOR_OF_BASIS(o->basis), o->rank, 0);
}

NRM_PROJECTOR_FUNCTIONS(projector)

static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    (void)options, (void)rows, (void)cols;
    *s = (nrm_rule_state){.suffix = "b"};
    return i == 0;
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_this_options *o = options;
    const double eta = o->lr * now->factor;
    const step_factors f = {.clip = now->clip, .eta = eta, .keep = 1 - eta * o->weight_decay};
    memcpy(out, &f, sizeof f);
}

/* S, then up(...); I; b, then o, where the orthogonalisation wants it. */
typedef struct work_places { void *s, *low; int64_t *index; nrm_subspace subspace; } work_places;

static work_places lay_out(const nrm_rule_piece *p, nrm_layout *at)
{
    const nrm_this_options *o = p->options;
    const nrm_projector from = projector(o);
    work_places w;

    nrm_subspace_lay_out(&w.subspace, &from, p, at);
    const nrm_low_rank *l = &w.subspace.l;
    w.s = nrm_layout_take(at, l->full, (int64_t)nrm_dtype_size(l->dtype));
    w.index = nrm_layout_take(at, l->rank, sizeof(int64_t));
    w.low = nrm_layout_take(at, nrm_matrix_work(o->coefficients == NRM_ORTHOGONALISE_EXACT, l->dtype,
                                                l->right ? l->rows : l->rank, l->right ? l->rank : l->cols), 1);
    return w;
}

static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    const nrm_rule_piece p = nrm_piece_of_shape(options, dtype, rows, cols);
    nrm_layout at = {0};

    lay_out(&p, &at);
    return at.used;
}

/* 4 */
static const void *orthogonalised(const nrm_rule_piece *p, const work_places *w)
{
    const nrm_this_options *o = p->options;
    const nrm_low_rank *l = &w->subspace.l;
    nrm_matrix_options options = nrm_matrix_options_default();
    nrm_rule_piece small = *p;

    options.coefficients = o->coefficients, options.steps = o->steps;
    const nrm_newton_schulz_set schedule = nrm_matrix_schedule(&options);
    small.rows = l->right ? l->rows : l->rank, small.cols = l->right ? l->rank : l->cols;
    small.n = l->low, small.work = w->low;
    return nrm_matrix_orthogonalise(&small, &schedule);
}

static void update(const nrm_rule_piece *p)
{
    const nrm_this_options *o = p->options;
    nrm_layout at = {.base = p->work};
    void *b = p->state[0];
    step_factors f;

    memcpy(&f, p->factors, sizeof f);
    work_places w = lay_out(p, &at);
    nrm_subspace_open(&w.subspace, p, w.index);
    const nrm_basis_view *v = &w.subspace.view;
    nrm_dense_combine(p->dtype, p->threads, p->n, 1, b, f.clip, p->gradient, b);
    nrm_basis_forward(v, b, w.s);
    nrm_basis_select(v, (int)o->ell_norm, false, w.s, w.index);
    nrm_basis_take(v, w.s, w.index, w.low);
    nrm_basis_up(v, w.low, w.index, w.s);
    nrm_dense_combine(p->dtype, p->threads, p->n, 1, b, o->momentum - 1, w.s, b);
    nrm_basis_up(v, orthogonalised(p, &w), w.index, w.s);
    nrm_matrix_descend(p, f.keep, false, f.eta * nrm_matrix_scale_of(o->scale, p->rows, p->cols), w.s);
}

const nrm_rule nrm_trion_rule = {.method = &trion_method, .matrix = true, .state = state, .factors = factors, .update = update,
                                 .work = work, .fits = fits, .key = key, .make = make, .unmake = nrm_projector_unmake};
