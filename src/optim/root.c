/* root.c -- Muon made robust to outliers and to shape.
 *
 * He et al., "ROOT: robust orthogonalized optimizer for neural network training",
 * arXiv 2511.20626, as their program computes it:
 *     M <- mu M + G,   g = G + mu M   (Nesterov; else g = M)
 *     e = quantile_q(|g_ij|) + 1e-9,   B = clip(g, -e, e)
 *     U = orthogonalise(B), with coefficients for the shape of the matrix
 *     W <- (1 - eta lambda) W - eta scale(m, n) U,   scale = 0.2 sqrt(max(m, n))
 *
 * g - B, what is above e, minimises |g - O|_F^2 / 2 + e |O|_1: outliers, which are dropped.  With
 * q = 1 nothing is above e, and this is Muon with the sum form of the momentum.  Where more than
 * q of all entries are zero e would be zero, and nothing is clipped.  Coefficients are looked
 * up or fitted when the optimizer is made (linalg/fitted_coefficients.h). */
#include "linalg/fitted_coefficients.h"
#include "matrix_step.h"
#include "quantile.h"

typedef nrm_root_options nrm_this_options;
static const nrm_param params[] = {NRM_ROOT_OPTIONS(NRM_PARAM)};
static const nrm_method root_method = {.name = "root", .summary = "momentum without outliers, orthogonalised for its shape",
                                       .params = params, .param_count = NRM_COUNT(params),
                                       .options_size = sizeof(nrm_this_options)};

enum { FITTED_STEPS = 5, SAMPLE = 65536 };

static nrm_status check(nrm_ctx *ctx, const void *options)
{
    const nrm_root_options *o = options;
    NRM_REQUIRE(ctx, o->eps_mode != NRM_ROOT_FIXED || o->threshold > 0, NRM_E_RANGE,
                "root: eps_mode is fixed and threshold is %g; entries are clipped at threshold: it must be > 0", o->threshold);
    return nrm_matrix_check(ctx, "root", nrm_matrix_options_of(options));
}

/* ---- Coefficients for a shape ------------------------------------------------------------------------ */

/* Those behind the named sets are made for each shape, by value of what they depend on. */
static int64_t key(const void *options, int64_t rows, int64_t cols)
{
    const nrm_root_options *o = options;
    const struct { int64_t s, l, kind, steps, unbounded; double a, b, c; } made_of = {
        nrm_min_i64(rows, cols), nrm_max_i64(rows, cols), o->coefficients, o->steps, o->allow_unbounded, o->a, o->b, o->c};

    if (o->coefficients < NRM_ROOT_TABLE) return -1;
    const uint64_t hash = nrm_hash(NRM_HASH_START, &made_of, sizeof made_of);
    return (int64_t)((hash ^ hash >> 32) & INT64_MAX);
}

static nrm_status make(nrm_ctx *ctx, const void *options, nrm_dtype dtype, int64_t rows, int64_t cols, void **constant)
{
    const nrm_root_options *o = options;
    const nrm_spectrum_source gaussian = {.rows = rows, .cols = cols};
    const int steps = o->steps > 0 ? (int)o->steps : FITTED_STEPS;
    nrm_fitted_coefficients *made;
    nrm_status st;
    (void)dtype;

    NRM_TRY(NRM_ALLOC(ctx, made, 1, "the coefficients of root"));
    if (o->coefficients == NRM_ROOT_USER) {
        st = nrm_given_coefficients(ctx, "root", 1, (const double[]){o->a, o->b, o->c}, steps, o->allow_unbounded, made);
    } else {
        const nrm_fit_kind kind = o->coefficients == NRM_ROOT_TABLE  ? NRM_FIT_TABLE
                                  : o->coefficients == NRM_ROOT_FIT  ? NRM_FIT_SHARED
                                  : o->coefficients == NRM_ROOT_BEST ? NRM_FIT_BEST : NRM_FIT_EACH;
        st = nrm_fit_coefficients(ctx, "root", kind, &gaussian, steps, o->allow_unbounded, made);
    }
    if (st < 0) nrm_free(ctx, made);
    else *constant = made;
    return st;
}

static void unmake(nrm_ctx *ctx, void *constant) { nrm_free(ctx, constant); }

static nrm_newton_schulz_set schedule_of(const nrm_rule_piece *p)
{
    const nrm_matrix_options *o = nrm_matrix_options_of(p->options);
    return p->constant ? nrm_matrix_adjusted(o, nrm_fitted_set(p->constant)) : nrm_matrix_schedule(o);
}

static int64_t work(const void *options, nrm_dtype dtype, int64_t rows, int64_t cols)
{
    return nrm_matrix_work(nrm_matrix_options_of(options)->coefficients == NRM_ORTHOGONALISE_EXACT, dtype, rows, cols);
}

/* ---- The step ----------------------------------------------------------------------------------------------- */

/* e for g, which is at the beginning of p->work (the rest of it is free); INFINITY: clip nothing. */
static double threshold(const nrm_rule_piece *p, const void *g)
{
    const nrm_root_options *o = p->options;
    const int64_t stride = o->eps_mode == NRM_ROOT_SAMPLED ? (p->n - 1) / SAMPLE + 1 : 1;
    void *scratch = nrm_matrix_at(p->dtype, p->work, p->n);

    if (o->eps_mode == NRM_ROOT_FIXED) return o->threshold;
    if (o->quantile == 1) return INFINITY;
    const double e = nrm_abs_quantile(p->dtype, p->n, g, stride, o->quantile, scratch, p->threads);
    if (e > 0) return e + 1e-9;
    if (nrm_abs_quantile(p->dtype, p->n, g, stride, 1, scratch, p->threads) > 0)
        *p->remark = "more of its momentum is zero than the quantile asks for: not clipped";
    return INFINITY;
}

static void clip(const nrm_rule_piece *p, double e, void *g)
{
#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->n; i += NRM_OPTIMIZER_BLOCK)
        NRM_KERNEL(p->dtype, clamp, nrm_min_i64(NRM_OPTIMIZER_BLOCK, p->n - i), e, nrm_matrix_at(p->dtype, g, i));
}

static void update(const nrm_rule_piece *p)
{
    const nrm_matrix_options *o = nrm_matrix_options_of(p->options);
    const nrm_newton_schulz_set schedule = schedule_of(p);
    nrm_matrix_factors f;

    memcpy(&f, p->factors, sizeof f);
    void *g = nrm_matrix_momentum(p, &f.momentum);
    const double e = threshold(p, g);
    if (e < INFINITY) clip(p, e, g);
    const void *u = nrm_matrix_orthogonalise(p, &schedule);
    nrm_matrix_descend(p, f.keep, o->cautious_decay, f.eta * nrm_matrix_scale_of(o->scale, p->rows, p->cols), u);
}

const nrm_rule nrm_root_rule = {.method = &root_method, .matrix = true, .check = check, .state = nrm_matrix_state, .factors = nrm_matrix_rule_factors,
                                .update = update, .work = work, .key = key, .make = make, .unmake = unmake};
