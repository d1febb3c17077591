/* router.c -- routing tokens to experts by sparse transport.  Problem: norma/sparse_ot.h.
 *
 * S = softmax(G) along each token; C = -S; token mass 1, expert mass p/E; Adam on the
 * semi-dual from 0 for a fixed number of steps.
 *   experts choose: the columns of the inner problem are the experts, k = capacity;
 *   tokens choose:  the columns are the tokens, and S is stored as it must be.
 * Inside, masses are over the total p and gamma is times p, as everywhere in this folder:
 * Adam's steps do not change when its gradients are all scaled (but for epsilon).
 *
 * The reference implementation subtracts gamma p (p - 1)/2 in place of gamma p^2/2 from the
 * value, a constant. */
#include "method/descriptor.h"
#include "ot.h"

/* Everything but the options' ranges; *count = tokens experts. */
static nrm_status check(nrm_ctx *ctx, int64_t tokens, int64_t experts, const double *logits, double gamma,
                        int64_t *count)
{
    int64_t where, bytes;

    NRM_REQUIRE(ctx, logits, NRM_E_NULL, "sparse-ot-router: logits must not be NULL");
    NRM_REQUIRE(ctx, tokens >= 1 && experts >= 1, NRM_E_SHAPE,
                "sparse-ot-router: logits are %lld x %lld; there must be tokens and experts", NRM_LL(tokens),
                NRM_LL(experts));
    NRM_REQUIRE(ctx, nrm_mul_size(tokens, experts, count) && nrm_mul_size(*count, (int64_t)sizeof *logits, &bytes),
                NRM_E_OVERFLOW, "sparse-ot-router: %lld x %lld logits are more than memory can address", NRM_LL(tokens),
                NRM_LL(experts));
    NRM_REQUIRE(ctx, nrm_all_finite_f64(logits, *count, &where), NRM_E_NONFINITE,
                "sparse-ot-router: logits[%lld, %lld] is NaN or infinite", NRM_LL(where / experts),
                NRM_LL(where % experts));
    NRM_REQUIRE(ctx, isfinite(gamma * (double)tokens), NRM_E_OVERFLOW,
                "sparse-ot-router: gamma is %g; gamma times the %lld tokens overflows: choose a smaller one", gamma,
                NRM_LL(tokens));
    return NRM_OK;
}

static void softmax_row(const double *g, int64_t n, double *s)
{
    double most = g[0], sum = 0;
    for (int64_t e = 1; e < n; e++) most = fmax(most, g[e]);
    for (int64_t e = 0; e < n; e++) sum += s[e] = exp(g[e] - most);
    for (int64_t e = 0; e < n; e++) s[e] /= sum;
}

/* ceil(p c / E), rounded up to a multiple of 4, at most p. */
static int64_t capacity(int64_t tokens, int64_t experts, double factor)
{
    const double wanted = ceil((double)tokens * factor / (double)experts);
    return wanted < (double)tokens ? nrm_min_i64(tokens, ((int64_t)wanted + 3) / 4 * 4) : tokens;
}

/* S of the logits, and the inner problem's costs -S (column by column) and equal masses. */
static void pose(nrm_ot *ot, bool by_token, const double *logits, double *s, double *cost, double *mass)
{
    const int64_t tokens = by_token ? ot->n : ot->m, experts = by_token ? ot->m : ot->n;

    for (int64_t i = 0; i < tokens; i++) softmax_row(logits + i * experts, experts, s + i * experts);
    for (int64_t i = 0; i < tokens; i++)
        for (int64_t e = 0; e < experts; e++) cost[by_token ? i * experts + e : e * tokens + i] = -s[i * experts + e];
    for (int64_t i = 0; i < ot->m; i++) mass[i] = 1 / (double)ot->m;
    for (int64_t j = 0; j < ot->n; j++) mass[ot->m + j] = 1 / (double)ot->n;
    ot->a = mass;
    ot->b = mass + ot->m;
    ot->cost = cost;
}

/* Inner columns to rows of tokens; weights of the softmax or of the plan. */
static nrm_status combine_of(nrm_ot *ot, bool by_token, const double *softmax, bool softmax_weights,
                             const nrm_ot_plan *plan, double total, nrm_csr *combine)
{
    const int64_t tokens = by_token ? ot->n : ot->m, experts = by_token ? ot->m : ot->n;

    NRM_TRY(nrm_csr_create(ot->ctx, combine, NRM_F64, tokens, experts, plan->nnz));
    double *values = combine->values;
    int64_t *start = combine->indptr;
    memset(start, 0, (size_t)(tokens + 1) * sizeof *start);
    for (int64_t j = 0; j < ot->n; j++)
        for (int64_t q = plan->start[j]; q < plan->start[j + 1]; q++) start[1 + (by_token ? j : plan->row[q])]++;
    for (int64_t i = 0; i < tokens; i++) start[i + 1] += start[i];
    for (int64_t j = 0; j < ot->n; j++)
        for (int64_t q = plan->start[j]; q < plan->start[j + 1]; q++) {
            const int64_t token = by_token ? j : plan->row[q], expert = by_token ? plan->row[q] : j;
            const int64_t at = start[token]++;
            combine->indices[at] = expert;
            values[at] = softmax_weights ? softmax[token * experts + expert] : plan->mass[q] * total;
        }
    memmove(start + 1, start, (size_t)tokens * sizeof *start);
    start[0] = 0;
    return NRM_OK;
}

static nrm_status describe(nrm_ctx *ctx, const nrm_csr *combine, int64_t k, double residual,
                           nrm_sparse_ot_router_info *info)
{
    int64_t *load_of;

    NRM_TRY(NRM_ALLOC_ZERO(ctx, load_of, combine->cols, "sparse-ot-router"));
    *info = (nrm_sparse_ot_router_info){.k = k, .assigned = combine->nnz, .residual = residual, .min_load = INT64_MAX};
    for (int64_t i = 0; i < combine->rows; i++) info->unassigned += combine->indptr[i] == combine->indptr[i + 1];
    for (int64_t q = 0; q < combine->nnz; q++) load_of[combine->indices[q]]++;
    for (int64_t e = 0; e < combine->cols; e++) {
        info->max_load = nrm_max_i64(info->max_load, load_of[e]);
        info->min_load = nrm_min_i64(info->min_load, load_of[e]);
    }
    nrm_free(ctx, load_of);
    return NRM_OK;
}

nrm_status nrm_sparse_ot_router(nrm_ctx *ctx, int64_t tokens, int64_t experts, const double *logits, nrm_csr *combine,
                                double *softmax, nrm_sparse_ot_router_info *info,
                                const nrm_sparse_ot_router_options *options)
{
    const double start = nrm_now();
    nrm_sparse_ot_router_options o;
    nrm_sparse_ot_router_info facts;
    nrm_ot ot = {0};
    nrm_ot_plan plan = {0};
    nrm_ot_solution solution = {0};
    nrm_csr csr = {0};
    double *s = NULL, *cost = NULL, *mass = NULL, *x = NULL;
    int64_t count = 0;
    nrm_status st = NRM_OK;

    nrm_clear_message(ctx);
    NRM_TRY(nrm_options_load(ctx, &nrm_sparse_ot_router_method, options, &o));
    NRM_REQUIRE(ctx, combine, NRM_E_NULL, "sparse-ot-router: combine must not be NULL");
    NRM_TRY(check(ctx, tokens, experts, logits, o.gamma, &count));

    const bool by_token = o.kind == NRM_SPARSE_OT_TOKENS_CHOOSE;
    const double total = (double)tokens;
    ot = (nrm_ot){.ctx = ctx, .m = by_token ? experts : tokens, .n = by_token ? tokens : experts,
                  .gamma = o.gamma * total, .magnitude = 1, .scale = 1};
    ot.k = nrm_min_i64(ot.m, by_token ? o.k : capacity(tokens, experts, o.capacity_factor));
    NRM_TRY_DONE(NRM_ALLOC(ctx, s, count, "sparse-ot-router: softmax"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, cost, count, "sparse-ot-router: costs"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, mass, ot.m + ot.n, "sparse-ot-router: masses"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, x, ot.m, "sparse-ot-router: potentials"));
    pose(&ot, by_token, logits, s, cost, mass);
    NRM_TRY_DONE(nrm_ot_prepare(&ot));
    NRM_TRY_DONE(nrm_ot_adam(&ot, "sparse-ot-router", o.lr, o.adam_iters, x, &solution));
    NRM_TRY_DONE(nrm_ot_plan_at(&ot, x, &plan));
    NRM_TRY_DONE(combine_of(&ot, by_token, s, o.softmax_weights, &plan, total, &csr));
    NRM_TRY_DONE(describe(ctx, &csr, ot.k, nrm_ot_plan_error(&plan) * total, &facts));
    *combine = csr;
    if (softmax) memcpy(softmax, s, (size_t)count * sizeof *s);
    facts.seconds = nrm_now() - start;
    if (info) *info = facts;
    st = solution.cancelled ? nrm_fail(ctx, NRM_PARTIAL, "sparse-ot-router: stopped after %lld steps",
                                       NRM_LL(solution.iterations)) : NRM_OK;
done:
    if (st < 0) nrm_csr_destroy(ctx, &csr);
    nrm_ot_plan_free(ctx, &plan);
    nrm_ot_release(&ot);
    nrm_free(ctx, x);
    nrm_free(ctx, mass);
    nrm_free(ctx, cost);
    nrm_free(ctx, s);
    return st;
}

nrm_status nrm_sparse_ot_router_backward(nrm_ctx *ctx, const nrm_csr *combine, const double *softmax,
                                         const double *combine_gradient, double *logits_gradient)
{
    nrm_clear_message(ctx);
    NRM_REQUIRE(ctx, combine && softmax && combine_gradient && logits_gradient, NRM_E_NULL,
                "sparse-ot-router-backward: no argument may be NULL");
    NRM_TRY(nrm_csr_check(ctx, combine));
    const size_t bytes = (size_t)(combine->rows * combine->cols) * sizeof *logits_gradient;
    NRM_REQUIRE(ctx, !nrm_overlap(logits_gradient, bytes, softmax, bytes) &&
                !nrm_overlap(logits_gradient, bytes, combine_gradient, (size_t)combine->nnz * sizeof *combine_gradient),
                NRM_E_ALIAS, "sparse-ot-router-backward: logits_gradient overlaps an input; give it memory of its own");
    /* ds_e = g_e at the chosen places; dG = s (ds - <s, ds>). */
    for (int64_t i = 0; i < combine->rows; i++) {
        const double *s = softmax + i * combine->cols;
        double *row = logits_gradient + i * combine->cols, mean = 0;
        memset(row, 0, (size_t)combine->cols * sizeof *row);
        for (int64_t q = combine->indptr[i]; q < combine->indptr[i + 1]; q++) {
            row[combine->indices[q]] = combine_gradient[q];
            mean += s[combine->indices[q]] * combine_gradient[q];
        }
        for (int64_t e = 0; e < combine->cols; e++) row[e] = s[e] * (row[e] - mean);
    }
    return NRM_OK;
}
