/* 11-sparse-ot.c -- what the paper on sparsity-constrained transport claims, measured here:
 * the limits, the middle ground, smoothness and the certified gap.  Colours and the router:
 * 11-colours-router.c. */
#include "11-parts.h"

enum { POINTS = 40, MOST_INSTANCES = 10, BINS = 32 };
static const int64_t ks[] = {1, 2, 4, 8, POINTS};
enum { KS = NRM_CLAIM_COUNT(ks) };

static const nrm_claim claims[] = {
    {.id = "limit-one", .statement = "With k = 1 the problem is exact transport: S is its cost plus (gamma/2)|b|^2",
     .where = "section 3; 32 bins, N(10,4) to N(16,5), gamma 0.1 and 1", .figure = "equal", .unit = "relative difference",
     .relation = NRM_AT_MOST, .holds = 1e-5, .direction = 1e-3},
    {.id = "limit-m", .statement = "With k = m the problem is transport with a quadratic penalty",
     .where = "section 3; the same bins against an independent solver", .figure = "equal", .unit = "relative difference",
     .relation = NRM_AT_MOST, .holds = 1e-6, .direction = 1e-4},
    {.id = "middle", .statement = "The optimal value falls with k from exact transport to the quadratic one",
     .where = "section 4, figure 1: k is a middle ground", .figure = "non-increasing", .unit = "share of pairs",
     .relation = NRM_TRUE, .holds = 1, .direction = 0.9},
    {.id = "columns", .statement = "No column of the plan ever has more than k non-zeros", .where = "abstract",
     .figure = "", .unit = "share of plans", .relation = NRM_TRUE, .holds = 1},
    {.id = "smoother", .statement = "The objective becomes smoother as k grows: what L-BFGS leaves of the marginals' "
     "error falls from k = 4 to 8 to m", .where = "section 4: solver comparison", .figure = "iterations fall with k",
     .unit = "share of steps", .relation = NRM_TRUE, .holds = 1, .direction = 0.5},
    {.id = "effort", .statement = "Its effort falls too: evaluations at k = 4 over those at k = m",
     .where = "section 4: solver comparison", .figure = "> 1", .unit = "x", .relation = NRM_AT_LEAST, .holds = 2,
     .direction = 1},
    {.id = "gap", .statement = "For k >= 2 the k-sparse plan is optimal within 1 %, certified (worst case)",
     .where = "Norma's polishing; the paper has no certificate", .figure = "", .unit = "%", .relation = NRM_AT_MOST,
     .holds = 1, .direction = 5},
    {.id = "feasible", .statement = "The k-sparse plan has exactly the marginals that were asked for", .where = "Norma's polishing",
     .figure = "", .unit = "share of plans", .relation = NRM_TRUE, .holds = 1, .direction = 0.9},
    {.id = "colours-one", .statement = "Colour transfer: with k = 1 a plan between 256 colours has 256 non-zeros",
     .where = "table of colour transfer", .figure = "0.390625 %", .unit = "n times the share of non-zeros",
     .relation = NRM_WITHIN, .target = 1, .holds = 1e-9},
    {.id = "colours-two", .statement = "With k = 2, gamma = 1 it has fewer non-zeros than the quadratic plan of "
     "gamma = 0.1", .where = "table of colour transfer", .figure = "0.7019 % against 0.8255 %", .unit = "ratio",
     .relation = NRM_AT_MOST, .holds = 1, .direction = 1.1},
    {.id = "colours-error", .statement = "L-BFGS to 1e-3 leaves the rows of small k wrong: the squared error falls from "
     "k = 1 to 2 to the quadratic plan", .where = "table of colour transfer", .figure = "2.6e-3, 4.8e-4, 1.5e-7",
     .unit = "share of steps", .relation = NRM_TRUE, .holds = 1, .direction = 0.5},
    {.id = "colours-exact", .statement = "Here the rows are exact for every k of the table (share of k)",
     .where = "Norma's bundle and polishing", .figure = "", .unit = "share", .relation = NRM_TRUE, .holds = 1,
     .direction = 0.5},
    {.id = "router-load", .statement = "As a router, no expert gets more tokens than its capacity, without any "
     "tie-breaking", .where = "section on mixtures of experts", .figure = "<= capacity", .unit = "of capacity",
     .relation = NRM_AT_MOST, .holds = 1},
    {.id = "router-dropped", .statement = "Fewer tokens are left without an expert than by top-k routing",
     .where = "section on mixtures of experts (V-MoE figures not seen)", .figure = "", .unit = "ratio",
     .relation = NRM_AT_MOST, .holds = 0.9, .direction = 1},
};

/* ---- Shared --------------------------------------------------------------------------------------- */

void transport_costs(transport *t, const double *x, const double *y, int dim, bool to_one)
{
    double most = 0;
    for (int64_t i = 0; i < t->m; i++)
        for (int64_t j = 0; j < t->n; j++) {
            double sum = 0;
            for (int k = 0; k < dim; k++) sum += (x[i * dim + k] - y[j * dim + k]) * (x[i * dim + k] - y[j * dim + k]);
            t->cost[i * t->n + j] = sum;
            most = fmax(most, sum);
        }
    for (int64_t e = 0; to_one && e < t->m * t->n; e++) t->cost[e] /= most;
}

nrm_status transport_solve(nrm_ctx *ctx, const transport *t, const nrm_sparse_ot_options *o, nrm_sparse_ot_info *info,
                           double *square_error, double *dense, bool relaxed)
{
    nrm_csr plan, other;
    const nrm_status st = nrm_sparse_ot(ctx, t->m, t->n, t->a, t->b, t->cost, &plan, NULL, NULL, relaxed ? &other : NULL,
                                        info, o);
    if (st < 0) return st;
    if (relaxed && !info->feasible) {
        const nrm_csr kept = plan;
        plan = other;
        other = kept;
    }
    const double *values = plan.values;
    double error = 0;
    if (dense) memset(dense, 0, (size_t)(t->m * t->n) * sizeof *dense);
    for (int64_t i = 0; i < t->m; i++) {
        double sum = -t->a[i];
        for (int64_t q = plan.indptr[i]; q < plan.indptr[i + 1]; q++) {
            sum += values[q];
            if (dense) dense[i * t->n + plan.indices[q]] = values[q];
        }
        error += sum * sum;
    }
    if (square_error) *square_error = error;
    nrm_csr_destroy(ctx, &plan);
    if (relaxed) nrm_csr_destroy(ctx, &other);
    return st == NRM_PARTIAL ? NRM_E_CANCELLED : NRM_OK;
}

/* ---- The limits, on 32 bins -------------------------------------------------------------------------- */

static double bell(double x, double mean, double spread) { return exp(-0.5 * (x - mean) * (x - mean) / (spread * spread)); }

static void bins(transport *t)
{
    double sum_a = 0, sum_b = 0, x[BINS];
    for (int i = 0; i < BINS; i++) {
        x[i] = i;
        sum_a += t->a[i] = bell(i, 10, 4);
        sum_b += t->b[i] = bell(i, 16, 5);
    }
    for (int i = 0; i < BINS; i++) t->a[i] /= sum_a, t->b[i] /= sum_b;
    transport_costs(t, x, x, 1, true);
}

static nrm_status limits(nrm_reproduction *r, nrm_ctx *ctx)
{
    /* Exact cost by SciPy's linear programme, quadratic values by its L-BFGS-B on the dual:
     * tests/reference/sparse_ot.py. */
    static const double gamma[] = {0.1, 1}, exact = 0.03804189216869831;
    static const double quadratic[] = {0.03954760509801901, 0.045770136417848176};
    double one = 0, all = 0, square = 0;
    transport t;
    double *plan = nrm_scratch(r, BINS * BINS, sizeof *plan);
    nrm_sparse_ot_info info;
    nrm_sparse_ot_options o = nrm_sparse_ot_options_default();

    if (!plan || !transport_make(r, &t, BINS, BINS)) return NRM_E_NOMEM;
    bins(&t);
    for (int j = 0; j < BINS; j++) square += t.b[j] * t.b[j];
    for (int g = 0; g < 2; g++) {
        o.gamma = gamma[g];
        o.k = 1;
        nrm_status st = transport_solve(ctx, &t, &o, &info, NULL, NULL, false);
        if (st < 0) return st;
        const double expected = exact + 0.5 * gamma[g] * square;
        one = fmax(one, fabs(info.value - expected) / expected);
        o.k = BINS;
        st = transport_solve(ctx, &t, &o, &info, NULL, NULL, false);
        if (st < 0) return st;
        all = fmax(all, fabs(info.value - quadratic[g]) / quadratic[g]);
    }
    nrm_measure(r, "limit-one", one);
    nrm_measure(r, "limit-m", all);

    static const struct { int64_t k; double gamma; const char *title; } shown[] = {
        {BINS, 0.1, "Plan of 32 bins: quadratic, gamma = 0.1"}, {2, 1, "Plan of 32 bins: k = 2, gamma = 1"}};
    for (int s = 0; s < 2; s++) {
        o.k = shown[s].k, o.gamma = shown[s].gamma;
        const nrm_status st = transport_solve(ctx, &t, &o, &info, NULL, plan, false);
        if (st < 0) return st;
        nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = shown[s].title,
            .caption = info.feasible ? "Rows are sources, columns targets." :
            "Rows are sources, columns targets. The plan is the maximiser of the semi-dual, as in the paper: its "
            "column sums are exact and its row sums are not.", .x_label = "target bin", .y_label = "source bin"});
        nrm_plot_heat(p, "mass", plan, BINS, BINS);
    }
    return NRM_OK;
}

/* ---- Middle ground, smoothness, gap: random points ------------------------------------------------------ */

/* x ~ N(0, I), y ~ N(0, I) [[1,-.7],[-.7,1]] + 4, squared distances over the largest. */
static void points(transport *t, double *x, double *y, nrm_draws *draws)
{
    for (int i = 0; i < 2 * POINTS; i++) x[i] = nrm_draw_normal(draws);
    for (int j = 0; j < POINTS; j++) {
        const double u = nrm_draw_normal(draws), v = nrm_draw_normal(draws);
        y[2 * j] = u - 0.7 * v + 4;
        y[2 * j + 1] = v - 0.7 * u + 4;
    }
    transport_costs(t, x, y, 2, true);
}

typedef struct outcome { /* [k][instance] */
    double value[KS][MOST_INSTANCES], gap[KS][MOST_INSTANCES], evaluations[KS][MOST_INSTANCES];
    double residual[KS][MOST_INSTANCES], support[KS][MOST_INSTANCES];
    double within, feasible; /* counts */
} outcome;

static nrm_status one_instance(nrm_ctx *ctx, const transport *t, int instance, outcome *out)
{
    for (int c = 0; c < KS; c++) {
        nrm_sparse_ot_options o = nrm_sparse_ot_options_default();
        nrm_sparse_ot_info info;
        o.k = ks[c];
        o.solver = NRM_SPARSE_OT_LBFGS; /* what the paper's code runs */
        o.polish = false;
        o.tol = 1e-8;
        o.max_iter = 1000;
        nrm_status st = transport_solve(ctx, t, &o, &info, NULL, NULL, false);
        if (st < 0) return st;
        out->evaluations[c][instance] = (double)info.evaluations;
        out->residual[c][instance] = info.dual_residual;
        o = nrm_sparse_ot_options_default();
        o.k = ks[c];
        o.max_iter = 1000;
        st = transport_solve(ctx, t, &o, &info, NULL, NULL, false);
        if (st < 0) return st;
        out->value[c][instance] = info.value;
        out->gap[c][instance] = 100 * info.gap;
        out->support[c][instance] = (double)info.max_nnz;
        out->within += info.max_nnz <= ks[c];
        out->feasible += info.feasible;
    }
    return NRM_OK;
}

static void judge_points(nrm_reproduction *r, const outcome *out, int instances)
{
    static const char *const columns[] = {"k", "S", "L-BFGS evaluations", "error it leaves", "certified gap, %",
                                          "column support"};
    double falls = 0, smoother = 0, worst = 0, residual[KS], evaluations[KS], axis[KS], value[KS];

    nrm_table table = nrm_table_begin(r, "Random points, 40 to 40", "Medians. The error is the largest of a row sum after "
                                      "L-BFGS alone (at most 1000 iterations, tol 1e-8); the gap is after the bundle and "
                                      "polishing.", columns, 6);
    for (int c = 0; c < KS; c++) {
        axis[c] = (double)ks[c];
        value[c] = nrm_median(out->value[c], instances);
        residual[c] = nrm_median(out->residual[c], instances);
        evaluations[c] = nrm_median(out->evaluations[c], instances);
        nrm_cell_number(table, axis[c]);
        nrm_cell_text(table, "%.5f", value[c]);
        nrm_cell_number(table, evaluations[c]);
        nrm_cell_number(table, residual[c]);
        nrm_cell_number(table, nrm_median(out->gap[c], instances));
        nrm_cell_number(table, nrm_median(out->support[c], instances));
        for (int i = 0; i < instances; i++) {
            if (c > 0) falls += out->value[c][i] <= out->value[c - 1][i] + 1e-6;
            if (c > 0) worst = isnan(out->gap[c][i]) ? INFINITY : fmax(worst, out->gap[c][i]);
        }
    }
    for (int c = 3; c < KS; c++) smoother += residual[c] < residual[c - 1]; /* from 4 to 8, from 8 to m */
    nrm_measure(r, "middle", falls / ((KS - 1) * instances));
    nrm_measure(r, "columns", out->within / (KS * instances));
    nrm_measure(r, "smoother", smoother / (KS - 3));
    nrm_measure(r, "effort", evaluations[2] / evaluations[KS - 1]);
    nrm_measure(r, "gap", worst);
    nrm_measure(r, "feasible", out->feasible / (KS * instances));
    nrm_note(r, "k = 1 converges on the random points because equal masses make the optimum a permutation; on the bins, "
             "whose masses differ, L-BFGS stops short and the bundle is needed.");

    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "The value falls to the quadratic one",
        .caption = "Median dual optimum; the dashed line is k = m.", .x_label = "k", .y_label = "S", .x_log = true});
    nrm_plot_line(p, "S", axis, value, KS);
    nrm_plot_mark_y(p, "quadratic", value[KS - 1]);
    p = nrm_plot_begin(r, &(nrm_plot_options){.title = "What L-BFGS leaves", .caption = "Largest error of a row sum after "
        "L-BFGS alone: kinks for small k, none for k = m.", .x_label = "k", .y_label = "error, of total mass 1",
        .x_log = true, .y_log = true});
    nrm_plot_line(p, "error", axis + 1, residual + 1, KS - 1);
}

static nrm_status random_points(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int instances = r->quick ? 4 : MOST_INSTANCES;
    outcome *out = nrm_scratch(r, 1, sizeof *out);
    double *x = nrm_scratch(r, 4 * POINTS, sizeof *x);
    transport t;

    if (!out || !x || !transport_make(r, &t, POINTS, POINTS)) return NRM_E_NOMEM;
    for (int i = 0; i < instances; i++) {
        nrm_draws draws = {r->seed * 100 + (uint64_t)i};
        nrm_status st = nrm_step(r, "random points", i, instances);
        if (st < 0) return st;
        points(&t, x, x + 2 * POINTS, &draws);
        st = one_instance(ctx, &t, i, out);
        if (st < 0) return st;
    }
    judge_points(r, out, instances);
    return NRM_OK;
}

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    nrm_status (*const parts[])(nrm_reproduction *, nrm_ctx *) = {limits, random_points, palettes, router};
    for (int p = 0; p < NRM_CLAIM_COUNT(parts); p++) {
        const nrm_status st = parts[p](r, ctx);
        if (st < 0) return st;
    }
    return NRM_OK;
}

const nrm_paper nrm_paper_11 = {
    .number = 11,
    .about = "Transport with at most k non-zeros in a column, on 32 bins (the paper's one-dimensional example), on random "
             "points in the plane, between two synthetic palettes of colours in place of the paper's photographs, and as "
             "a router of tokens to experts. L-BFGS alone is what the paper's code runs; the bundle, polishing and the "
             "certificate are Norma's.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
