/* volume_sampling.c -- designs for weighted least squares.  Contract: norma/volume_sampling.h; how
 * points are drawn and judged: dpp_line.c, dpp_chain.c, design.c, design_gram.c.
 *
 * A trial is `boost` draws, of which the one with the largest lambda_min counts; without `condition`
 * there is one trial, with it another until the best is stable.  A draw is looked at closely only if
 * it beats the best so far, which one Cholesky factorisation of H - n lambda I tells: of many draws
 * the eigenvalues of a few records are computed.
 *
 * Departures from the paper's summary, where mathematics asks for them:
 * - Of a volume sample the Chernoff bound holds for the n - m independent points, whose Gram matrix
 *   alone must reach (1 - delta) n / (n - m); the same with points given before.
 * - mixture is refused where all points come from DPPs: their law does not know nu, and weights other
 *   than m / k would make G biased.
 * - The factor of the almost sure bound is computed for the design at hand: |g|_n^2 is at most the
 *   mean weight times sup |g|^2, which needs no upper bound of w. */
#include "linalg/linalg.h"
#include "volume_sampling_plan.h"

#define WHO NRM_VOLUME_SAMPLING_WHO

/* In the arena.  Rows of psi, weights and x: first the points given before. */
typedef struct places {
    double *x, *psi, *weights;                /* of the draw at hand */
    double *best_x, *best_psi, *best_weights; /* new points alone */
    double *before, *h, *best_h, *draw, *eigen;
    int64_t *left;
} places;

/* What came out of the trials. */
typedef struct result {
    int64_t trials, rejections, proposals, stay;
    double least, most; /* extreme eigenvalues of the best; -1: no draw yet */
} result;

static nrm_status lay_out(nrm_ctx *ctx, const nrm_volume_plan *p, nrm_arena *arena, places *at)
{
    const int64_t n = p->rule.points, total = p->kept + n, m = p->m, d = p->dimension;
    const int64_t draw = nrm_design_draw_work(&p->rule, nrm_threads(ctx)), eigen = nrm_design_eigen_work(m);
    int64_t numbers;

    NRM_REQUIRE(ctx, draw >= 0 && eigen >= 0 && nrm_mul_size(total, nrm_max_i64(m, d), &numbers) && numbers <= INT64_MAX / 64 && m < INT32_MAX &&
                    total < INT32_MAX,
                NRM_E_OVERFLOW, WHO ": %lld points of a space of %lld functions are more than memory can address", NRM_LL(total), NRM_LL(m));
    const int64_t counts[11] = {total * d, total * m, total, n * d, n * m, n, m * m, m * m, m * m, draw, eigen};
    double **pointers[11] = {&at->x, &at->psi, &at->weights, &at->best_x, &at->best_psi, &at->best_weights,
                             &at->before, &at->h, &at->best_h, &at->draw, &at->eigen};
    int slot[11];
    for (int i = 0; i < 11; i++) slot[i] = nrm_arena_add(arena, counts[i], sizeof(double));
    const int left = nrm_arena_add(arena, total, sizeof *at->left);
    NRM_TRY(nrm_arena_alloc(ctx, arena, WHO));
    for (int i = 0; i < 11; i++) *pointers[i] = nrm_arena_at(arena, slot[i]);
    at->left = nrm_arena_at(arena, left);
    return NRM_OK;
}

/* ---- Drawing ---------------------------------------------------------------------------------------- */

/* The points given before: their rows of psi, weights, and the matrix that every draw adds to. */
static nrm_status take_start(nrm_ctx *ctx, const nrm_volume_plan *p, const nrm_volume_sampling_start *start, const places *at)
{
    const int64_t m = p->m, kept = p->kept;

    if (kept == 0) return NRM_OK;
    memcpy(at->x, start->x, (size_t)(kept * p->dimension) * sizeof *at->x);
    nrm_design_weigh(p->rule.space, p->rule.mixture, kept, at->x, at->psi, at->weights);
    for (int64_t i = 0; i < kept; i++) {
        NRM_REQUIRE(ctx, isfinite(at->weights[i]), NRM_E_SINGULAR,
                    WHO ": all functions of the space vanish at start[%lld]; no weight of that point makes sense: leave it out", NRM_LL(i));
        if (!start->weights) continue;
        const double scale = sqrt(start->weights[i] / at->weights[i]);
        for (int64_t j = 0; j < m; j++) at->psi[i * m + j] *= scale;
        at->weights[i] = start->weights[i];
    }
    nrm_design_gram(nrm_threads(ctx), m, kept, at->psi, NULL, at->before);
    return NRM_OK;
}

/* The draw in x, psi, weights and h becomes the best one. */
static void keep_best(const nrm_volume_plan *p, const places *at)
{
    const int64_t n = p->rule.points, k = p->kept, m = p->m, d = p->dimension;

    memcpy(at->best_x, at->x + k * d, (size_t)(n * d) * sizeof *at->x);
    memcpy(at->best_psi, at->psi + k * m, (size_t)(n * m) * sizeof *at->psi);
    memcpy(at->best_weights, at->weights + k, (size_t)n * sizeof *at->weights);
    memcpy(at->best_h, at->h, (size_t)(m * m) * sizeof *at->h);
}

static nrm_status one_draw(nrm_ctx *ctx, const nrm_volume_plan *p, const places *at, result *r)
{
    const int64_t n = p->rule.points, k = p->kept, m = p->m, d = p->dimension, total = k + n;
    double least, most;

    const nrm_status st = nrm_design_draw(ctx, WHO, &p->rule, r->trials, at->draw, at->x + k * d, &r->proposals);
    NRM_REQUIRE(ctx, st != NRM_E_CANCELLED, st, WHO ": stopped on request");
    NRM_REQUIRE(ctx, st >= 0, st, WHO ": a point of the DPP could not be found; the basis is not orthonormal to working precision: scale the features");
    nrm_design_weigh(p->rule.space, p->rule.mixture, n, at->x + k * d, at->psi + k * m, at->weights + k);
    nrm_design_gram(nrm_threads(ctx), m, n, at->psi + k * m, k > 0 ? at->before : NULL, at->h);
    r->trials++;
    if (r->trials > 1 && !nrm_design_above(m, at->h, r->least * (double)total, at->eigen)) return NRM_OK;
    NRM_REQUIRE(ctx, nrm_design_extremes(m, at->h, (double)total, at->eigen, &least, &most), NRM_E_INTERNAL,
                WHO ": LAPACK found no eigenvalues of the Gram matrix");
    if (r->trials > 1 && least <= r->least) return NRM_OK;
    r->least = least, r->most = most;
    keep_best(p, at);
    return NRM_OK;
}

/* Trials until one is stable.  NRM_NOT_CONVERGED: none was; NRM_PARTIAL: stopped after one draw or more. */
static nrm_status trials(nrm_ctx *ctx, const nrm_volume_plan *p, const places *at, result *r)
{
    for (;; r->rejections++) {
        for (int64_t b = 0; b < p->boost; b++) {
            const nrm_status st = one_draw(ctx, p, at, r);
            if (st == NRM_E_CANCELLED && r->trials > 0)
                return nrm_fail(ctx, NRM_PARTIAL, WHO ": stopped on request after %lld designs; the best of them, lambda_min %g, is given",
                                NRM_LL(r->trials), r->least);
            if (st < 0) return st;
        }
        if (!p->condition || r->least >= 1 - p->delta) return NRM_OK;
        if (r->rejections == p->max_reject) {
            r->rejections++;
            return nrm_fail(ctx, NRM_NOT_CONVERGED, WHO ": unstable: the best of %lld designs has lambda_min %g, below 1 - delta = %g; "
                            "draw more points, or allow a larger delta or max_reject", NRM_LL(r->trials), r->least, 1 - p->delta);
        }
    }
}

/* ---- What is handed over ---------------------------------------------------------------------------- */

/* Leave points out; left and r->stay tell which remain of all, psi has their rows, best_h and r what
 * their matrix is. */
static nrm_status thin(nrm_ctx *ctx, const nrm_volume_plan *p, const places *at, bool stopped, result *r)
{
    const int64_t total = p->kept + p->rule.points, m = p->m;

    r->stay = total;
    for (int64_t i = 0; i < total; i++) at->left[i] = i;
    memcpy(at->psi + p->kept * m, at->best_psi, (size_t)(p->rule.points * m) * sizeof *at->psi);
    if (!p->greedy || stopped || !(r->least >= 1 - p->delta)) return NRM_OK;
    NRM_TRY(nrm_design_thin(ctx, WHO, m, total, p->kept, 1 - p->delta, at->psi, at->best_h, at->left, &r->stay));
    nrm_design_gram(nrm_threads(ctx), m, r->stay, at->psi, NULL, at->best_h);
    NRM_REQUIRE(ctx, nrm_design_extremes(m, at->best_h, (double)r->stay, at->eigen, &r->least, &r->most), NRM_E_INTERNAL,
                WHO ": LAPACK found no eigenvalues of the Gram matrix");
    return NRM_OK;
}

static nrm_status make_design(nrm_ctx *ctx, const nrm_volume_plan *p, int64_t points, nrm_volume_sampling_design *made)
{
    nrm_status st;

    *made = (nrm_volume_sampling_design){.points = points, .dimension = p->dimension, .m = p->m};
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->x, points * p->dimension, WHO));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->weights, points, WHO));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->block, points, WHO));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->phi, points * p->m, WHO));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->gram, p->m * p->m, WHO));
    if (nrm_space_points(p->rule.space) > 0) NRM_TRY_DONE(NRM_ALLOC(ctx, made->index, points, WHO));
done:
    if (st < 0) nrm_volume_sampling_design_destroy(ctx, made);
    return st;
}

/* phi = psi / sqrt(w), or evaluated where w is so small that phi itself nearly overflows. */
static void fill_phi(const nrm_volume_plan *p, const places *at, int64_t i, nrm_volume_sampling_design *made)
{
    const int64_t m = p->m;

    if (made->weights[i] < 1e-200) {
        nrm_space_evaluate(p->rule.space, 1, made->x + i * p->dimension, made->phi + i * m);
        return;
    }
    const double scale = 1 / sqrt(made->weights[i]);
    for (int64_t j = 0; j < m; j++) made->phi[i * m + j] = scale * at->psi[i * m + j];
}

static void fill(const nrm_volume_plan *p, const places *at, nrm_volume_sampling_design *made)
{
    const int64_t d = p->dimension, m = p->m;

    for (int64_t i = 0; i < made->points; i++) {
        const int64_t from = at->left[i], own = from - p->kept;
        memcpy(made->x + i * d, own < 0 ? at->x + from * d : at->best_x + own * d, (size_t)d * sizeof *made->x);
        made->weights[i] = own < 0 ? at->weights[from] : at->best_weights[own];
        made->block[i] = own < 0 ? -1 : p->rule.dpp ? own / p->rule.unit : own;
        if (made->index) made->index[i] = (int64_t)made->x[i];
        fill_phi(p, at, i, made);
    }
    for (int64_t i = 0; i < m * m; i++) made->gram[i] = at->best_h[i] / (double)made->points;
}

static void report(const nrm_volume_plan *p, const result *r, const nrm_volume_sampling_design *made, nrm_volume_sampling_info *info)
{
    const double n = (double)p->rule.points, total = n + (double)p->kept, block = p->rule.dpp ? (double)p->rule.unit : 1;
    const double m = (double)p->m, bound = m / (1 - p->rule.mixture);
    /* What counts are independent matrices: blocks, of norm at most m, or points; one volume sample
     * counts for its independent points. */
    const bool blocks = p->rule.dpp && (p->rule.points > p->rule.unit || p->rule.unit == p->m);
    const double alone = p->rule.dpp && !blocks ? m : 0, per = blocks ? block : 1;

    *info = (nrm_volume_sampling_info){
        .m = p->m, .dimension = p->dimension, .points = made->points, .kept = p->kept, .removed = p->kept + p->rule.points - made->points,
        .blocks = p->rule.dpp ? (p->rule.points + p->rule.unit - 1) / p->rule.unit : p->rule.points,
        .lambda_min = r->least, .lambda_max = r->most, .stable = r->least >= 1 - p->delta,
        .trials = r->trials, .rejections = r->rejections, .proposals = r->proposals,
        .sampler = !p->rule.dpp ? "none" : p->rule.line.model ? "eigenvalues" : "chain",
        .uniform_factor = r->least > 0 ? 1 + sqrt(nrm_sum(made->weights, made->points) / (double)made->points / r->least) : INFINITY,
        .probability_bound = nrm_design_probability(p->m, bound, (n - alone) / per, total / per, p->delta),
        .points_wanted = alone + per * nrm_design_wanted(p->m, bound, (alone + (double)p->kept) / per, p->delta, p->eta)};
}

nrm_status nrm_volume_sampling_run(nrm_ctx *ctx, const nrm_volume_plan *p, const nrm_volume_sampling_start *start,
                                   nrm_volume_sampling_design *design, nrm_volume_sampling_info *info)
{
    nrm_arena arena = {0};
    nrm_volume_sampling_design made = {0};
    places at = {0};
    result r = {.least = -1};
    nrm_status st, remark;

    NRM_TRY(lay_out(ctx, p, &arena, &at));
    NRM_TRY_DONE(take_start(ctx, p, start, &at));
    NRM_TRY_DONE(trials(ctx, p, &at, &r));
    remark = st;
    NRM_TRY_DONE(thin(ctx, p, &at, remark == NRM_PARTIAL, &r));
    NRM_TRY_DONE(make_design(ctx, p, r.stay, &made));
    fill(p, &at, &made);
    report(p, &r, &made, info);
    *design = made;
    st = remark;
done:
    nrm_arena_free(ctx, &arena);
    return st;
}

void nrm_volume_sampling_design_destroy(nrm_ctx *ctx, nrm_volume_sampling_design *design)
{
    if (!design) return;
    nrm_free(ctx, design->x);
    nrm_free(ctx, design->index);
    nrm_free(ctx, design->weights);
    nrm_free(ctx, design->block);
    nrm_free(ctx, design->phi);
    nrm_free(ctx, design->gram);
    *design = (nrm_volume_sampling_design){0};
}
