/* 11-colours-router.c -- colour transfer between two palettes, and routing tokens to experts.
 * Claims: 11-sparse-ot.c. */
#include "11-parts.h"

/* ---- Palettes ---------------------------------------------------------------------------------------- */

/* Uniform colours of the cube, the targets to the power 1.5: darker, as between two photographs. */
static void draw_palettes(transport *t, double *x, double *y, uint64_t seed)
{
    nrm_draws draws = {seed};
    for (int64_t q = 0; q < 3 * t->m; q++) x[q] = nrm_draw_uniform(&draws);
    for (int64_t q = 0; q < 3 * t->n; q++) y[q] = pow(nrm_draw_uniform(&draws), 1.5);
    transport_costs(t, x, y, 3, false);
}

/* Entropic transport, plain Sinkhorn in the logarithm; its plan is dense. */
static void sinkhorn(const transport *t, double epsilon, int rounds, double *f, double *g, double *cost,
                     double *square_error)
{
    const int64_t m = t->m, n = t->n;
    memset(f, 0, (size_t)m * sizeof *f);
    for (int round = 0; round < rounds; round++) {
        for (int64_t j = 0; j < n; j++) {
            double most = -INFINITY, sum = 0;
            for (int64_t i = 0; i < m; i++) most = fmax(most, f[i] - t->cost[i * n + j]);
            for (int64_t i = 0; i < m; i++) sum += exp((f[i] - t->cost[i * n + j] - most) / epsilon);
            g[j] = epsilon * (log(t->b[j]) - log(sum)) - most;
        }
        for (int64_t i = 0; i < m && round + 1 < rounds; i++) {
            double most = -INFINITY, sum = 0;
            for (int64_t j = 0; j < n; j++) most = fmax(most, g[j] - t->cost[i * n + j]);
            for (int64_t j = 0; j < n; j++) sum += exp((g[j] - t->cost[i * n + j] - most) / epsilon);
            f[i] = epsilon * (log(t->a[i]) - log(sum)) - most;
        }
    }
    *cost = *square_error = 0;
    for (int64_t i = 0; i < m; i++) {
        double row = -t->a[i];
        for (int64_t j = 0; j < n; j++) {
            const double mass = exp((f[i] + g[j] - t->cost[i * n + j]) / epsilon);
            row += mass;
            *cost += mass * t->cost[i * n + j];
        }
        *square_error += row * row;
    }
}

typedef struct plan_kind { const char *name; int64_t k; double gamma; } plan_kind; /* k 0: no limit */

static nrm_status palette_row(nrm_ctx *ctx, const transport *t, const plan_kind *kind, nrm_table table, double *share,
                              double *paper_error, bool *exact)
{
    nrm_sparse_ot_options o = nrm_sparse_ot_options_default();
    nrm_sparse_ot_info info, paper;
    double error;

    o.k = kind->k > 0 ? kind->k : t->m;
    o.gamma = kind->gamma;
    o.solver = NRM_SPARSE_OT_LBFGS;
    o.polish = false;
    o.tol = 1e-3;
    nrm_status st = transport_solve(ctx, t, &o, &paper, paper_error, NULL, false);
    if (st < 0) return st;
    o.solver = NRM_SPARSE_OT_AUTO;
    o.polish = true;
    o.tol = 1e-6;
    o.max_iter = 2000;
    st = transport_solve(ctx, t, &o, &info, &error, NULL, false);
    if (st < 0) return st;
    *share = (double)info.nnz / (double)(t->m * t->n);
    *exact = info.feasible;
    nrm_cell_text(table, "%s", kind->name);
    nrm_cell_text(table, "%.4f", 100 * (double)paper.nnz / (double)(t->m * t->n));
    nrm_cell_text(table, "%.6f", paper.primal_cost);
    nrm_cell_number(table, *paper_error);
    nrm_cell_text(table, "%.4f", 100 * *share);
    nrm_cell_text(table, "%.6f", info.primal_cost);
    nrm_cell_number(table, error);
    if (info.feasible) nrm_cell_text(table, "%.2g", 100 * info.gap);
    else nrm_cell_text(table, "none");
    nrm_cell_text(table, "%.2f", info.seconds);
    return NRM_OK;
}

nrm_status palettes(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const plan_kind kinds[] = {{"k = 1, gamma 1 (masses are equal: exact)", 1, 1}, {"k = 2, gamma 1", 2, 1}, {"k = 4, gamma 1", 4, 1},
                                      {"k = 8, gamma 1", 8, 1}, {"quadratic, gamma 0.1", 0, 0.1},
                                      {"quadratic, gamma 0.01", 0, 0.01}};
    enum { KINDS = NRM_CLAIM_COUNT(kinds), ONE = 0, TWO = 1, LIMITED = 4, QUADRATIC = 4 };
    static const char *const columns[] = {"plan", "non-zeros, %", "cost", "squared row error", "non-zeros here, %",
                                          "cost here", "squared row error here", "gap, %", "seconds"};
    const int64_t colours = r->quick ? 64 : 256;
    double share[KINDS], error[KINDS], cost, square, exact_rows = 0;
    bool exact[KINDS];
    transport t;
    double *x = nrm_scratch(r, 6 * colours, sizeof *x), *f = nrm_scratch(r, 2 * colours, sizeof *f);

    if (!x || !f || !transport_make(r, &t, colours, colours)) return NRM_E_NOMEM;
    draw_palettes(&t, x, x + 3 * colours, r->seed + 7);
    nrm_table table = nrm_table_begin(r, "Colour transfer", "The first three numbers as the paper obtains them, by L-BFGS "
                                      "alone to 1e-3 (a colour weighs 1/256); then with the bundle and polishing.", columns, 9);
    for (int q = 0; q < KINDS; q++) {
        nrm_status st = nrm_step(r, "palettes", q, KINDS);
        if (st >= 0) st = palette_row(ctx, &t, &kinds[q], table, &share[q], &error[q], &exact[q]);
        if (st < 0) return st;
        exact_rows += q < LIMITED && exact[q];
    }
    sinkhorn(&t, 0.01, r->quick ? 100 : 500, f, f + colours, &cost, &square);
    nrm_cell_text(table, "Sinkhorn, epsilon 0.01");
    nrm_cell_text(table, "100");
    nrm_cell_text(table, "%.6f", cost);
    nrm_cell_number(table, square);
    for (int q = 4; q < 9; q++) nrm_cell_text(table, "-");

    nrm_measure(r, "colours-one", share[ONE] * (double)colours);
    nrm_measure(r, "colours-two", share[TWO] / share[QUADRATIC]);
    if (share[TWO] > share[QUADRATIC])
        nrm_measure_reason(r, "colours-two", "Between these palettes the quadratic plan of gamma 0.1 has %.4f %% non-zeros, "
                           "close to the %.4f %% of a permutation, against %.4f %% for k = 2; the paper's palettes "
                           "are of two photographs",
                           100 * share[QUADRATIC], 100 / (double)colours, 100 * share[TWO]);
    nrm_measure(r, "colours-error", ((error[TWO] < error[ONE]) + (error[QUADRATIC] < error[TWO])) / 2.0);
    if (!(error[TWO] < error[ONE]))
        nrm_measure_reason(r, "colours-error", "k = 1 has a squared error of %.1e and k = 2 of %.1e: with %d colours of "
                           "equal mass the optimum for k = 1 is a permutation, which L-BFGS can reach", error[ONE],
                           error[TWO], (int)colours);
    nrm_measure(r, "colours-exact", exact_rows / LIMITED);
    nrm_note(r, "The palettes are %d uniform colours of the cube, the targets raised to the power 1.5, each of equal mass; "
             "the paper's photographs are clustered by k-means, with unequal masses.", (int)colours);
    return NRM_OK;
}

/* ---- The router ---------------------------------------------------------------------------------------- */

enum { TOKENS = 256, EXPERTS = 16, CAPACITY = TOKENS / EXPERTS, DRAWS = 20 };

/* Each token asks for its dearest expert in order of tokens; a full expert turns it away. */
static void route_top(const double *score, double *dropped, double *spread)
{
    int asked[EXPERTS] = {0}, none = 0, most = 0;
    for (int i = 0; i < TOKENS; i++) {
        int best = 0;
        for (int e = 1; e < EXPERTS; e++)
            if (score[i * EXPERTS + e] > score[i * EXPERTS + best]) best = e;
        if (asked[best]++ >= CAPACITY) none++;
    }
    for (int e = 0; e < EXPERTS; e++) most = asked[e] > most ? asked[e] : most;
    *dropped = (double)none / TOKENS;
    *spread = (double)most / CAPACITY;
}

/* Sinkhorn on the logits balances the experts before each token takes its best. */
static void balance(const double *logits, double *score)
{
    double column[EXPERTS] = {0};
    for (int round = 0; round < 50; round++)
        for (int e = 0; e < EXPERTS; e++) {
            double sum = 0;
            for (int i = 0; i < TOKENS; i++) {
                double all = 0;
                for (int q = 0; q < EXPERTS; q++) all += exp(logits[i * EXPERTS + q] + column[q]);
                sum += exp(logits[i * EXPERTS + e] + column[e]) / all;
            }
            column[e] -= log(sum / CAPACITY);
        }
    for (int i = 0; i < TOKENS; i++)
        for (int e = 0; e < EXPERTS; e++) score[i * EXPERTS + e] = logits[i * EXPERTS + e] + column[e];
}

nrm_status router(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { TOP, SINKHORN, OT_20, OT_500, ROUTERS };
    static const char *const names[] = {"top-1 with capacity", "Sinkhorn, then top-1", "k-sparse, 20 steps",
                                        "k-sparse, 500 steps"};
    static const char *const columns[] = {"router", "tokens without an expert, %", "greatest load asked, of capacity"};
    const int draws = r->quick ? 5 : DRAWS;
    double dropped[ROUTERS][DRAWS], load[ROUTERS][DRAWS], ratio[DRAWS], most = 0, medians[ROUTERS];
    double *logits = nrm_scratch(r, TOKENS * EXPERTS, sizeof *logits), *score = nrm_scratch(r, TOKENS * EXPERTS, sizeof *score);

    if (!logits || !score) return NRM_E_NOMEM;
    for (int d = 0; d < draws; d++) {
        nrm_draws stream = {r->seed * 1000 + 500 + (uint64_t)d};
        nrm_status st = nrm_step(r, "router", d, draws);
        if (st < 0) return st;
        for (int i = 0; i < TOKENS; i++) /* expert e is favoured by 2 e / E */
            for (int e = 0; e < EXPERTS; e++) logits[i * EXPERTS + e] = nrm_draw_normal(&stream) + 2.0 * e / EXPERTS;
        route_top(logits, &dropped[TOP][d], &load[TOP][d]);
        balance(logits, score);
        route_top(score, &dropped[SINKHORN][d], &load[SINKHORN][d]);
        for (int q = OT_20; q <= OT_500; q++) {
            nrm_sparse_ot_router_options o = nrm_sparse_ot_router_options_default();
            nrm_sparse_ot_router_info info;
            nrm_csr combine;
            o.adam_iters = q == OT_20 ? 20 : 500;
            st = nrm_sparse_ot_router(ctx, TOKENS, EXPERTS, logits, &combine, NULL, &info, &o);
            if (st < 0) return st;
            nrm_csr_destroy(ctx, &combine);
            dropped[q][d] = (double)info.unassigned / TOKENS;
            load[q][d] = (double)info.max_load / CAPACITY;
            most = fmax(most, load[q][d]);
        }
        ratio[d] = dropped[OT_20][d] / dropped[TOP][d];
    }
    nrm_table table = nrm_table_begin(r, "Routing 256 tokens to 16 experts", "Medians; capacity 16 tokens an expert, "
                                      "logits N(0,1) + 2e/16.", columns, 3);
    for (int q = 0; q < ROUTERS; q++) {
        medians[q] = 100 * nrm_median(dropped[q], draws);
        nrm_cell_text(table, "%s", names[q]);
        nrm_cell_number(table, medians[q]);
        nrm_cell_number(table, nrm_median(load[q], draws));
    }
    nrm_measure(r, "router-load", most);
    nrm_measure_spread(r, "router-dropped", ratio, draws);
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "Tokens without an expert", .caption = "Median share.",
        .x_label = "router", .y_label = "%", .y_from_zero = true});
    nrm_plot_bars(p, "without an expert", names, medians, ROUTERS);
    return NRM_OK;
}
