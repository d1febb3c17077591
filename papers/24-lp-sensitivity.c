/* 24-lp-sensitivity.c -- what the paper on l_p sensitivity sampling claims, measured here.
 * Framework: reproduce.h; matrices, and l_1 regression of many rows: 24-parts.c. */
#include "24-parts.h"
#include <math.h>
#include <norma/io.h>
#include <string.h>

static const nrm_claim claims[] = {
    {.id = "schemes", .statement = "On t and spike every importance scheme distorts at most half as much as uniform sampling "
     "(largest ratio of the medians)", .where = "theorems in words; distortion over all x, 200 of 2000 rows", .figure = "",
     .unit = "x", .relation = NRM_AT_MOST, .holds = 0.5, .direction = 1},
    {.id = "excess", .statement = "and so does the excess loss of l_p regression on the sample (median of the ratios)",
     .where = "derived; the same rows with b", .figure = "", .unit = "x", .relation = NRM_AT_MOST, .holds = 0.5, .direction = 1},
    {.id = "total", .statement = "For p > 2 the total sensitivity is far below the worst case d^(p/2) (largest share of it, p = 3)",
     .where = "companion, NeurIPS 2023, in words", .figure = "", .unit = "", .relation = NRM_AT_MOST, .holds = 0.8,
     .direction = 1},
    {.id = "bump", .statement = "For p > 2 leverage scores are not enough: their distortion over that of sensitivities, p = 4",
     .where = "motivation of the combined scheme; one large among 5000 small rows a column", .figure = "", .unit = "x",
     .relation = NRM_AT_LEAST, .holds = 5, .direction = 1.5},
    {.id = "rows-needed", .statement = "Rows needed for distortion 0.3 grow with the total sensitivity, not with d^(p/2), which is "
     "the same for all: rows at the largest over rows at the smallest", .where = "bound S^(2-2/p); p = 4, spikes in more and more columns",
     .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 1.5, .direction = 1.0001},
    {.id = "l1-excess", .statement = "l_1 regression on 4000 of 200 000 rows is near the best loss (excess)",
     .where = "derived; d = 20, Lewis weights, Student-t noise", .figure = "", .unit = "%", .relation = NRM_AT_MOST, .holds = 1,
     .direction = 3},
    {.id = "l1-solve", .statement = "and solving the sample is faster than solving all rows", .where = "the same; the solver alone",
     .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 20, .direction = 2},
    {.id = "l1-whole", .statement = "also with the time for the weights and the draw", .where = "the same; all of it", .figure = "",
     .unit = "x", .relation = NRM_AT_LEAST, .holds = 4, .direction = 1},
    {.id = "l1-bound", .statement = "One round of Newton's method on all rows proves the loss within a few percent of the best",
     .where = "Norma's addition", .figure = "", .unit = "%", .relation = NRM_AT_MOST, .holds = 3, .direction = 10},
};

/* ---- Schemes ------------------------------------------------------------------------------------------ */

typedef struct contender { const char *name; int scheme; bool by_sensitivity; } contender;

enum { SCHEMES = 4, POWERS = 2, KEPT = 200, MOST_SEEDS = 10 };

static const contender *contenders_for(double p)
{
    static const contender low[SCHEMES] = {{"uniform", NRM_LP_CORESET_UNIFORM, false},
                                           {"sensitivity", NRM_LP_CORESET_SENSITIVITY, true},
                                           {"lewis", NRM_LP_CORESET_LEWIS, false},
                                           {"root leverage", NRM_LP_CORESET_ROOT_LEVERAGE, false}};
    static const contender high[SCHEMES] = {{"uniform", NRM_LP_CORESET_UNIFORM, false},
                                            {"sensitivity", NRM_LP_CORESET_SENSITIVITY, true},
                                            {"lewis", NRM_LP_CORESET_LEWIS, false},
                                            {"combined", NRM_LP_CORESET_COMBINED, true}};
    return p <= 2 ? low : high;
}

/* Distortion and excess of every seed: distortion of A's coreset, excess on that of [A b]. */
static nrm_status measure_scheme(nrm_reproduction *r, nrm_ctx *ctx, const p24_matrix *m, double p, const contender *c, int seeds,
                                 const double *of_a, const double *of_both, double best, double *distortion, double *excess)
{
    for (int seed = 0; seed < seeds; seed++) {
        nrm_lp_coreset_options o = nrm_lp_coreset_options_default();
        nrm_status st = nrm_set_seed(ctx, r->seed + (uint64_t)seed);
        o.p = p;
        o.scheme = c->scheme;
        o.rows = KEPT;
        o.audit = true;
        if (st >= 0) st = p24_distortion(ctx, m, &o, c->by_sensitivity ? of_a : NULL, &distortion[seed]);
        o.audit = false;
        if (st >= 0) st = p24_excess(ctx, m, &o, c->by_sensitivity ? of_both : NULL, best, &excess[seed]);
        if (st < 0) return st;
    }
    return nrm_set_seed(ctx, r->seed);
}

static nrm_status compare_schemes(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const double powers[POWERS] = {1.5, 3};
    static const char *const columns[] = {"matrix, p", "scheme", "distortion", "excess, %", "total sensitivity", "d^max(1, p/2)"};
    const int seeds = r->quick ? 2 : MOST_SEEDS, n = r->quick ? 400 : 2000;
    const nrm_table table = nrm_table_begin(r, "Schemes", "Medians over seeds; 200 rows kept.", columns, 6);
    double worst = 0, share = 0, ratios[P24_FAMILIES * POWERS * SCHEMES];
    int ratio_count = 0;

    for (int family = 0; family < P24_FAMILIES; family++)
        for (int k = 0; k < POWERS; k++) {
            const double p = powers[k], cap = pow(P24_COLUMNS, fmax(1, p / 2));
            const bool counted = family == P24_T || family == P24_SPIKE;
            double uniform[2] = {0}, total, best, *of_a, *of_both;
            p24_matrix m;
            nrm_status st = nrm_step(r, "schemes", family * POWERS + k, P24_FAMILIES * POWERS);
            if (st >= 0) st = p24_family(r, family, n, P24_COLUMNS, family == P24_SPIKE, &m);
            if (st >= 0) st = p24_sensitivities(r, ctx, &m, p, false, &of_a, &total);
            if (st >= 0) st = p24_sensitivities(r, ctx, &m, p, true, &of_both, NULL);
            if (st >= 0) st = p24_best(ctx, &m, p, &best);
            if (p > 2) share = fmax(share, total / cap);
            for (int c = 0; st >= 0 && c < SCHEMES; c++) {
                double distortion[MOST_SEEDS], excess[MOST_SEEDS];
                const contender *one = &contenders_for(p)[c];
                st = measure_scheme(r, ctx, &m, p, one, seeds, of_a, of_both, best, distortion, excess);
                if (st < 0) break;
                const double d = nrm_median(distortion, seeds), e = nrm_median(excess, seeds);
                nrm_cell_text(table, "%s, %g", p24_names[family], p);
                nrm_cell_text(table, "%s", one->name);
                nrm_cell_number(table, d);
                nrm_cell_number(table, 100 * e);
                nrm_cell_number(table, total);
                nrm_cell_number(table, cap);
                if (c == 0) {
                    uniform[0] = d;
                    uniform[1] = e;
                } else if (counted) {
                    worst = fmax(worst, d / uniform[0]);
                    ratios[ratio_count++] = e / uniform[1];
                }
            }
            if (st < 0) return st;
        }
    nrm_measure(r, "schemes", worst);
    nrm_measure(r, "excess", nrm_median(ratios, ratio_count));
    nrm_measure(r, "total", share);
    return NRM_OK;
}

/* ---- Leverage is not enough ------------------------------------------------------------------------------ */

/* One row of 1 and N of c a column: scores and distortion in closed form, for x is 1-sparse at worst. */
static nrm_status bump(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { D = 20 };
    const int small = 5000, n = D * (small + 1), seeds = r->quick ? 3 : 10;
    const double c = pow(small, -0.3), sum4 = 1 + small * pow(c, 4), sum2 = 1 + small * c * c;
    static const char *const names[] = {"uniform", "leverage", "sensitivity"}, *const columns[] = {"rows by", "distortion"};
    const nrm_table table = nrm_table_begin(r, "One large row a column", "p = 4, 400 rows, medians over seeds.", columns, 2);
    double *a = nrm_scratch(r, (int64_t)n * D, sizeof *a), *scores = nrm_scratch(r, n, sizeof *scores), found[3];

    if (!a || !scores) return NRM_E_NOMEM;
    for (int i = 0; i < n; i++) a[i * D + i / (small + 1)] = i % (small + 1) == 0 ? 1 : c;
    for (int by = 0; by < 3; by++) {
        double distortion[10];
        for (int i = 0; i < n; i++) {
            const double t = i % (small + 1) == 0 ? 1 : c;
            scores[i] = by == 0 ? 1 : by == 1 ? t * t / sum2 : pow(t, 4) / sum4;
        }
        for (int seed = 0; seed < seeds; seed++) {
            double sum[D] = {0};
            nrm_lp_coreset_result kept;
            nrm_lp_coreset_options o = nrm_lp_coreset_options_default();
            o.p = 4;
            o.rows = 400;
            o.scheme = NRM_LP_CORESET_SENSITIVITY;
            nrm_status st = nrm_set_seed(ctx, r->seed + (uint64_t)seed);
            if (st >= 0) st = p24_coreset(ctx, &(p24_matrix){.n = n, .d = D, .a = a}, false, scores, 0, &o, &kept, NULL);
            if (st < 0) return st;
            for (int64_t i = 0; i < kept.rows; i++) {
                const int64_t row = kept.index[i];
                sum[row / (small + 1)] += kept.weights[i] * (row % (small + 1) == 0 ? 1 : pow(c, 4));
            }
            nrm_lp_coreset_release(ctx, &kept);
            distortion[seed] = 0;
            for (int j = 0; j < D; j++) distortion[seed] = fmax(distortion[seed], fabs(sum[j] / sum4 - 1));
        }
        found[by] = nrm_median(distortion, seeds);
        nrm_cell_text(table, "%s", names[by]);
        nrm_cell_number(table, found[by]);
    }
    nrm_measure(r, "bump", found[1] / found[2]);
    nrm_measure_reason(r, "bump", "%.2f by leverage, %.2f by sensitivities, %.2f equally.", found[1], found[2], found[0]);
    return nrm_set_seed(ctx, r->seed);
}

/* ---- Rows against total sensitivity ------------------------------------------------------------------------ */

static nrm_status rows_needed(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { POINTS = 6, FIRST = 20, LAST = 1600 };
    const int seeds = r->quick ? 2 : 5, n = r->quick ? 400 : 2000, step = r->quick ? 5 : 1;
    double totals[POINTS], needed[POINTS], least = INFINITY, most = 0, at_least = 0, at_most = 0;
    int points = 0;

    for (int spikes = 0; spikes < POINTS; spikes += step) {
        double *scores, total, rows = FIRST;
        p24_matrix m;
        nrm_status st = nrm_step(r, "rows needed", spikes, POINTS);
        if (st >= 0) st = p24_family(r, P24_SPIKE, n, P24_COLUMNS, spikes, &m);
        if (st >= 0) st = p24_sensitivities(r, ctx, &m, 4, false, &scores, &total);
        for (; st >= 0 && rows < LAST; rows *= 1.4) {
            double distortion[5];
            for (int seed = 0; st >= 0 && seed < seeds; seed++) {
                nrm_lp_coreset_options o = nrm_lp_coreset_options_default();
                o.p = 4;
                o.scheme = NRM_LP_CORESET_SENSITIVITY;
                o.rows = (int64_t)rows;
                o.audit = true;
                st = nrm_set_seed(ctx, r->seed + (uint64_t)seed);
                if (st >= 0) st = p24_distortion(ctx, &m, &o, scores, &distortion[seed]);
            }
            if (st >= 0 && nrm_median(distortion, seeds) <= 0.3) break;
        }
        if (st < 0) return st;
        totals[points] = total;
        needed[points++] = floor(rows);
        if (total < least) least = total, at_least = floor(rows);
        if (total > most) most = total, at_most = floor(rows);
    }
    const nrm_plot plot = nrm_plot_begin(r, &(nrm_plot_options){.title = "Rows for distortion 0.3", .x_label = "total sensitivity, p = 4",
        .y_label = "rows", .y_from_zero = true, .caption = "Spikes in 0 to 5 of six columns; d^(p/2) = 36 for all."});
    nrm_plot_points(plot, "by sensitivities", totals, needed, points);
    nrm_measure(r, "rows-needed", at_most / at_least);
    nrm_measure_reason(r, "rows-needed", "Total sensitivity %.1f needs %.0f rows, %.1f needs %.0f.", least, at_least, most, at_most);
    return nrm_set_seed(ctx, r->seed);
}

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    nrm_status st = compare_schemes(r, ctx);
    if (st >= 0) st = bump(r, ctx);
    if (st >= 0) st = rows_needed(r, ctx);
    if (st >= 0) st = p24_many_rows(r, ctx);
    nrm_note(r, "The paper has theorems and no experiments; matrices, sizes and limits are those of Norma's specification. A quick run "
             "takes 400 rows, two seeds and 20 000 rows for l_1.");
    return st;
}

const nrm_paper nrm_paper_24 = {
    .number = 24,
    .about = "Four families of matrices are sampled in four ways each, and the worst distortion that a search finds, and the excess loss "
             "of l_p regression on the sample, are compared with those of uniform sampling; then a matrix on which leverage scores fail, "
             "the rows needed against the total sensitivity, and l_1 regression of many rows against the exact solution.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
