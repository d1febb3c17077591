/* design.c -- points drawn by a scheme.  Contract: design.h.
 *
 * Streams.  Point number g of a design, drawn independently, has the stream (draw, g); the DPP that
 * begins with point g has the stream (draw, g) of another kind.  So a design can be drawn by any
 * number of threads, and a longer design begins with the shorter one of the same seed. */
#include "design.h"
#include "linalg/linalg.h"
#include <omp.h>

static nrm_rng stream(const nrm_design_rule *rule, int64_t draw, int64_t point, bool dpp)
{
    return nrm_rng_make(rule->seed, (uint64_t)draw << 33 | (uint64_t)(rule->first + point) << 1 | dpp);
}

static int64_t unit_work(const nrm_design_rule *rule)
{
    const int64_t m = nrm_space_size(rule->space), d = nrm_space_dimension(rule->space);
    const int64_t own = !rule->dpp ? 0 : rule->line.model ? nrm_dpp_line_work(m) : nrm_dpp_chain_work(m, d);
    int64_t sum;

    return own >= 0 && nrm_add_size(own, d + 7, &sum) ? sum / 8 * 8 : -1;
}

int64_t nrm_design_draw_work(const nrm_design_rule *rule, int threads)
{
    const int64_t own = unit_work(rule);
    int64_t product;

    return own >= 0 && nrm_mul_size(own, threads, &product) ? product : -1;
}

/* Rows of x in random order; `kept` has the room of one. */
static void shuffle(nrm_rng *rng, int64_t count, int64_t d, double *x, double *kept)
{
    const size_t bytes = (size_t)d * sizeof *x;

    for (int64_t i = count - 1; i > 0; i--) {
        const int64_t j = nrm_rng_below(rng, i + 1);
        memcpy(kept, x + i * d, bytes);
        memcpy(x + i * d, x + j * d, bytes);
        memcpy(x + j * d, kept, bytes);
    }
}

/* The unit that begins with point `begin`. */
static nrm_status draw_unit(const nrm_design_rule *rule, const nrm_dpp_watch *watch, int64_t draw, int64_t begin, double *work, double *x,
                            int64_t *proposals)
{
    const nrm_space *space = rule->space;
    const int64_t m = nrm_space_size(space), d = nrm_space_dimension(space), count = nrm_min_i64(rule->unit, rule->points - begin);
    nrm_rng own = stream(rule, draw, begin, true);

    if (rule->dpp && rule->line.model) {
        if (!nrm_dpp_line_draw(&rule->line, m, &own, work, x)) return NRM_E_INTERNAL;
        for (int64_t i = 0; i < m; i++) x[i] = rule->shift + rule->scale * x[i];
    } else if (rule->dpp) {
        NRM_TRY(nrm_dpp_chain_draw(rule->space, watch, &own, work, x, proposals));
    }
    for (int64_t i = rule->dpp ? m : 0; i < count; i++) {
        nrm_rng rng = stream(rule, draw, begin + i, false);
        if (rule->mixture > 0 && nrm_rng_uniform(&rng) < rule->mixture) nrm_space_draw_mu(space, &rng, x + i * d);
        else nrm_space_draw_optimal(space, &rng, x + i * d);
    }
    if (rule->dpp) shuffle(&own, count, d, x, work);
    return NRM_OK;
}

nrm_status nrm_design_draw(nrm_ctx *ctx, const char *who, const nrm_design_rule *rule, int64_t draw, double *work, double *x,
                           int64_t *proposals)
{
    const int64_t d = nrm_space_dimension(rule->space), units = (rule->points + rule->unit - 1) / rule->unit, own = unit_work(rule);
    const int threads = nrm_threads(ctx);
    atomic_bool stop = false;
    int64_t looked_at = 0;
    int worst = NRM_OK;

    const nrm_blas_scope scope = nrm_blas_enter_single();
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) reduction(+ : looked_at) reduction(min : worst) if (threads > 1 && units > 1)
    for (int64_t u = 0; u < units; u++) {
        const int thread = omp_get_thread_num();
        const nrm_dpp_watch watch = {thread == 0 ? ctx : NULL, who, &stop};
        if (thread == 0 && nrm_tick(ctx, who, (double)u, (double)units, "draw", (double)draw)) stop = true;
        const nrm_status st = stop ? NRM_E_CANCELLED
                                   : draw_unit(rule, &watch, draw, u * rule->unit, work + thread * own, x + u * rule->unit * d, &looked_at);
        if ((int)st < worst) worst = (int)st;
    }
    nrm_blas_leave(scope);
    *proposals += looked_at;
    return (nrm_status)worst;
}

/* psi has come with the weight m / k, infinite where psi is 0; with a share t of mu the weight is 1 / (t + (1 - t) k / m). */
static void mix(double mixture, int64_t m, double *psi, double *weight)
{
    if (mixture == 0) return;
    if (isinf(*weight)) {
        *weight = 1 / mixture;
        return;
    }
    const double share = mixture * *weight + 1 - mixture, scale = 1 / sqrt(share);
    *weight /= share;
    for (int64_t j = 0; j < m; j++) psi[j] *= scale;
}

void nrm_design_weigh(const nrm_space *space, double mixture, int64_t count, const double *x, double *psi, double *weights)
{
    const int64_t m = nrm_space_size(space);

    nrm_space_evaluate_weighted(space, count, x, psi, weights);
    for (int64_t i = 0; i < count; i++) mix(mixture, m, psi + i * m, weights + i);
}
