/* fira.c -- GaLore, and the rest of the gradient at the pace that Adam sets in the subspace.
 *
 * Chen et al., "Fira: can we achieve full-rank training of LLMs under low-rank constraint?", 2024:
 *     P, g, M, V as in galore.c;   psi = M / (V^(1/2) + eps)
 *     phi = |psi| / (|g| + 1e-8), a number for each column of G (row, where P is on the right)
 *     S = phi (G - alpha up(g));   S <- S / (max(|S| / (|S_before| + 1e-8), limit) / limit)
 *     W <- W - eta (1 - b2^t)^(1/2) / (1 - b1^t) (alpha up(psi) + S),   W <- (1 - eta lambda) W
 * |S_before| = 0 means that there was none yet. */
#include "subspace.h"

typedef nrm_fira_options nrm_this_options;
static const nrm_param params[] = {NRM_FIRA_OPTIONS(NRM_PARAM)};
static const nrm_method fira_method = {.name = "fira", .summary = "GaLore with the rest of the gradient, scaled as Adam scales its subspace",
                                       .params = params, .param_count = NRM_COUNT(params), .options_size = sizeof(nrm_this_options)};

static const double TINY = 1e-8;
typedef struct step_factors { nrm_adamw_factors adam; double clip, keep, rate; } step_factors;
enum { NORM = NRM_SUBSPACE_STATES };

static nrm_projector projector(const nrm_this_options *o) { return NRM_PROJECTOR_OF("fira", o, o->projector, o->rank, 0); }

NRM_PROJECTOR_FUNCTIONS(projector)

static bool state(const void *options, int i, int64_t rows, int64_t cols, nrm_rule_state *s)
{
    const nrm_projector p = projector(options);
    if (nrm_projector_adam_state(&p, i, rows, cols, s)) return true;
    *s = (nrm_rule_state){.suffix = "rest_norm", .rows = 1, .cols = 1, .not_negative = true};
    return i == NORM;
}

static void factors(const void *options, const nrm_rule_moment *now, double *out)
{
    const nrm_this_options *o = options;
    const double eta = o->lr * now->factor;
    step_factors f = {.adam = nrm_low_rank_adam_factors(o->beta1, o->beta2, o->eps, now->t), .clip = now->clip};
    f.keep = 1 - eta * o->weight_decay;
    f.rate = eta * f.adam.rate / f.adam.root;
    f.adam.root = f.adam.rate = 1; /* u is psi */
    memcpy(out, &f, sizeof f);
}

/* In w.g: G, then S. */
typedef struct work_places { nrm_subspace_work w; double *phi, *norm, *squares; } work_places;

static work_places lay_out(const nrm_rule_piece *p, nrm_layout *at)
{
    const nrm_projector from = projector(p->options);
    work_places places = {.w = nrm_subspace_work_at(&from, p, at)};

    places.phi = nrm_layout_take(at, places.w.subspace.l.other, sizeof(double));
    places.norm = nrm_layout_take(at, places.w.subspace.l.other, sizeof(double));
    places.squares = nrm_layout_take(at, p->n / NRM_OPTIMIZER_BLOCK + 1, sizeof(double));
    return places;
}

static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    const nrm_rule_piece p = nrm_piece_of_shape(options, dtype, rows, cols);
    nrm_layout at = {0};

    lay_out(&p, &at);
    return at.used;
}

/* |x|_F, by blocks of a fixed size. */
static double norm_of(const nrm_rule_piece *p, const void *x, double *squares)
{
    double sum = 0;

#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK)
        squares[i / NRM_OPTIMIZER_BLOCK] = nrm_square_sum(p->dtype, nrm_min_i64(NRM_OPTIMIZER_BLOCK, p->n - i), 1,
                                                          nrm_matrix_const_at(p->dtype, x, i));
    for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK) sum += squares[i / NRM_OPTIMIZER_BLOCK];
    return sqrt(sum);
}

/* What S counts, 1 or less, so that it does not grow too fast. */
static double limited(const nrm_rule_piece *p, double norm)
{
    const double limit = ((const nrm_this_options *)p->options)->growth_limit, before = nrm_real_get(p->dtype, p->state[NORM], 0);
    const double share = before > 0 ? limit / fmax(norm / (before + TINY), limit) : 1;
    nrm_real_set(p->dtype, p->state[NORM], 0, share * norm);
    return share;
}

static void update(const nrm_rule_piece *p)
{
    const nrm_this_options *o = p->options;
    nrm_layout at = {.base = p->work};
    step_factors f;

    memcpy(&f, p->factors, sizeof f);
    work_places places = lay_out(p, &at);
    nrm_subspace_work *w = &places.w;
    const nrm_low_rank *l = &w->subspace.l;
    nrm_subspace_begin(w, p, f.clip, (p->t - 1) % o->update_gap == 0);
    nrm_low_rank_adam(l, &f.adam, w->low, p->state[NRM_SUBSPACE_M], p->state[NRM_SUBSPACE_V], w->u);

    nrm_low_rank_norms(l, w->u, places.phi);
    nrm_low_rank_norms(l, w->low, places.norm);
    for (int64_t i = 0; i < l->other; i++) places.phi[i] /= places.norm[i] + TINY;
    nrm_subspace_up(&w->subspace, w->low, w->room);
    nrm_dense_combine(p->dtype, p->threads, p->n, 1, w->g, -o->alpha, w->room, w->g);
    nrm_low_rank_scale(l, places.phi, w->g);
    const double share = limited(p, norm_of(p, w->g, places.squares));
    nrm_subspace_up(&w->subspace, w->u, w->room);
    nrm_dense_combine(p->dtype, p->threads, p->n, o->alpha, w->room, share, w->g, w->room);
    nrm_matrix_descend(p, f.keep, false, f.keep * f.rate, w->room);
}

const nrm_rule nrm_fira_rule = {.method = &fira_method, .matrix = true, .state = state, .factors = factors, .update = update,
                                .work = work, .fits = fits, .key = key, .make = make, .unmake = nrm_projector_unmake};
