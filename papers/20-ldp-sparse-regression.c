/* 20-ldp-sparse-regression.c -- what the paper on sparse regression from one private message a
 * person claims, measured here.  The paper has no experiment: its rates are the claims, with the
 * measurements of independent re-implementations.  People: 20-people.c; audit: 20-audit.c. */
#include "20-parts.h"
#include <math.h>

static const nrm_claim claims[] = {
    {.id = "public", .statement = "Public rows in place of a private covariance: at 4 million users the error is a fifth or less",
     .where = "theorems on NLDP with and without public data", .figure = "sqrt(dk) in place of d sqrt(k)", .unit = "x", .relation = NRM_AT_LEAST,
     .holds = 5, .direction = 1},
    {.id = "tight", .statement = "The same privacy by one joint release with the least noise: at 4 million users a fifth of the error or less",
     .where = "derived: calibration", .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 5, .direction = 1},
    {.id = "interactive", .statement = "Rounds do better than one message each, with the paper's noise for both", .where = "abstract, section 4",
     .figure = "k sqrt(d) against d sqrt(k)", .unit = "x", .relation = NRM_AT_LEAST, .holds = 1, .direction = 1},
    {.id = "interactive-tight", .statement = "Rounds with a clipped score do better than one message with the least noise", .where = "derived",
     .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 1, .direction = 1},
    {.id = "rate-n", .statement = "With public rows the error falls as n^-1/2", .where = "theorem on NLDP with public data",
     .figure = "-1/2", .unit = "exponent", .relation = NRM_WITHIN, .target = -0.5, .holds = 0.1, .direction = 0.2},
    {.id = "rate-n-iht", .statement = "With ln n rounds the error falls as n^-1/2", .where = "theorem on LDP-IHT", .figure = "-1/2, up to logs",
     .unit = "exponent", .relation = NRM_WITHIN, .target = -0.5, .holds = 0.1, .direction = 0.2},
    {.id = "rate-eps", .statement = "With public rows the error grows as 1/eps for eps up to 1", .where = "theorem on NLDP with public data",
     .figure = "-1", .unit = "exponent", .relation = NRM_WITHIN, .target = -1, .holds = 0.1, .direction = 0.2},
    {.id = "rate-d", .statement = "The error after the threshold grows no faster than sqrt(d) where the covariance need not be sent",
     .where = "theorem on NLDP with public data", .figure = "sqrt(dk), up to logs", .unit = "exponent", .relation = NRM_AT_MOST, .holds = 0.65,
     .direction = 0.8},
    {.id = "rate-d-private", .statement = "With a private covariance it grows no faster than d", .where = "theorem on NLDP", .figure = "d sqrt(k), up to logs",
     .unit = "exponent", .relation = NRM_AT_MOST, .holds = 1.2, .direction = 1.4},
    {.id = "rate-d-iht", .statement = "With rounds it grows no faster than sqrt(d)", .where = "theorem on LDP-IHT", .figure = "k sqrt(d), up to logs",
     .unit = "exponent", .relation = NRM_AT_MOST, .holds = 0.65, .direction = 0.8},
    {.id = "rate-k", .statement = "It grows no faster than sqrt(k) where the covariance need not be sent", .where = "theorem on NLDP with public data",
     .figure = "sqrt(dk), up to logs", .unit = "exponent", .relation = NRM_AT_MOST, .holds = 0.6, .direction = 0.75},
    {.id = "rate-k-iht", .statement = "With rounds and the paper's radius it grows no faster than k", .where = "theorem on LDP-IHT",
     .figure = "k sqrt(d), up to logs", .unit = "exponent", .relation = NRM_AT_MOST, .holds = 1.1, .direction = 1.3},
    {.id = "hundred", .statement = "d = 100, k = 4, 1.6 million users: the literal LDP-IHT with k' = 2k ends between .4 and .65",
     .where = "re-implementations of algorithm 2", .figure = ".41 to .63", .unit = "error", .relation = NRM_WITHIN, .target = 0.52, .holds = 0.13,
     .direction = 0.25},
    {.id = "hundred-8k", .statement = "With the paper's k' = 8k it is worse than the zero vector there", .where = "re-implementations of algorithm 2",
     .figure = "1.16 to 1.28", .unit = "error", .relation = NRM_AT_LEAST, .holds = 1, .direction = 0.8},
    {.id = "hundred-score", .statement = "Clipping the whole gradient brings that to .23 or less", .where = "re-implementations of algorithm 2",
     .figure = ".20 to .23", .unit = "error", .relation = NRM_AT_MOST, .holds = 0.23, .direction = 0.41},
    {.id = "audit", .statement = "No threshold on a message tells two records apart better than eps and delta allow", .where = "definition of LDP",
     .figure = "", .unit = "of the audits", .relation = NRM_TRUE},
    {.id = "audit-tight", .statement = "The audit can see: it finds all of delta where the noise is the least possible", .where = "derived",
     .figure = "", .unit = "of the audits", .relation = NRM_TRUE},
};

typedef nrm_private_sparse_regression_options choices;

enum { PAPER, PAPER_PUBLIC, TIGHT, TIGHT_PUBLIC, IHT_SCORE, IHT_PAPER, WAYS };
static const char *const names[WAYS] = {"nldp, paper", "public, paper", "nldp, tight", "public, tight", "iht, score", "iht, paper"};

/* The specification's setting; score_bound is 2 at d = 16. */
static choices way(int which, const people *p)
{
    choices o = nrm_private_sparse_regression_options_default();
    o.tau1 = 1, o.tau2 = 2, o.k = p->k, o.kprime = 2 * p->k, o.rounds = 8, o.eta = 0.5, o.score_bound = 0.5 * sqrt(p->d);
    if (which == PAPER || which == PAPER_PUBLIC) o.calibration = NRM_PRIVATE_PAPER;
    if (which == PAPER_PUBLIC || which == TIGHT_PUBLIC) o.mode = NRM_PRIVATE_NLDP_PUBLIC;
    if (which >= IHT_SCORE) o.mode = NRM_PRIVATE_IHT;
    if (which == IHT_SCORE) o.radius = NRM_PRIVATE_RADIUS_SCORE;
    return o;
}

/* Root mean squares over `seeds` draws of people and noise. */
static nrm_status mean_errors(nrm_reproduction *r, nrm_ctx *ctx, people p, const choices *o, int seeds, double *raw, double *final,
                              nrm_private_sparse_regression_info *info)
{
    double squares[2] = {0};
    for (int s = 0; s < seeds; s++) {
        double one[2];
        p.seed = r->seed * 100 + (uint64_t)s;
        nrm_status st = nrm_step(r, "people", s, seeds);
        if (st >= 0) st = errors_of(ctx, &p, o, r->seed + 31 * (uint64_t)s + 1, &one[0], &one[1], info);
        if (st < 0) return st;
        for (int i = 0; i < 2; i++) squares[i] += one[i] * one[i] / seeds;
    }
    *raw = sqrt(squares[0]), *final = sqrt(squares[1]);
    return NRM_OK;
}

/* ---- The table ------------------------------------------------------------------------------------ */

static nrm_status run_table(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const char *const columns[] = {"n", "nldp, paper", "public, paper", "nldp, tight", "public, tight", "iht, score C = 2", "iht, paper radius"};
    static const double full[] = {1e5, 1e6, 4e6}, quick[] = {2e4, 1e5};
    const double *sizes = r->quick ? quick : full;
    const int count = r->quick ? 2 : 3, seeds = r->quick ? 2 : 3;
    double raw[WAYS][3], final[WAYS][3];
    nrm_table table = nrm_table_begin(r, "Error by number of users", "d = 16, k = 3, |theta| = .8, eps = 1, delta = 1e-6: before and after the "
                                      "threshold; (np): the noisy covariance was not positive definite. Root mean square over the draws.", columns, 7);
    nrm_plot plot = nrm_plot_begin(r, &(nrm_plot_options){.title = "Error by number of users", .caption = "Before the threshold; .8 is the zero vector.",
                                   .x_label = "users", .y_label = "error", .x_log = true, .y_log = true});

    for (int i = 0; i < count; i++) {
        nrm_cell_text(table, "%.0f", sizes[i]);
        for (int w = 0; w < WAYS; w++) {
            const people p = {.n = (int64_t)sizes[i], .d = 16, .k = 3, .length = 0.8};
            const choices o = way(w, &p);
            nrm_private_sparse_regression_info info;
            const nrm_status st = mean_errors(r, ctx, p, &o, seeds, &raw[w][i], &final[w][i], &info);
            if (st < 0) return st;
            if (w >= IHT_SCORE) nrm_cell_text(table, "%.3f", final[w][i]);
            else nrm_cell_text(table, "%.3f, %.3f%s", raw[w][i], final[w][i], info.not_pd ? " (np)" : "");
        }
    }
    for (int w = 0; w < WAYS; w++) nrm_plot_line(plot, names[w], sizes, raw[w], count);
    nrm_plot_mark_y(plot, "zero vector", 0.8);
    const int last = count - 1;
    nrm_measure(r, "rate-n", slope_of(sizes, raw[TIGHT_PUBLIC], count));
    nrm_measure(r, "interactive", raw[PAPER][last] / raw[IHT_PAPER][last]);
    nrm_measure(r, "interactive-tight", raw[TIGHT][last] / raw[IHT_SCORE][last]);
    if (r->quick) {
        static const char *const large[] = {"public", "tight"};
        for (int i = 0; i < 2; i++) nrm_not_measured(r, large[i], "It takes millions of users; a quick run has %.0f", sizes[last]);
        return NRM_OK;
    }
    nrm_measure(r, "public", raw[PAPER][last] / raw[PAPER_PUBLIC][last]);
    nrm_measure(r, "tight", raw[PAPER][last] / raw[TIGHT][last]);
    nrm_measure_reason(r, "tight", "With %.0f users the errors before the threshold are %.3g and %.3g", sizes[last], raw[PAPER][last], raw[TIGHT][last]);
    return NRM_OK;
}

/* ---- Error against one thing at a time ------------------------------------------------------------- */

enum { EPS, COLUMNS, SPARSITY, USERS };

typedef struct sweep {
    const char *claim, *title, *label;
    int way, what, count;
    double values[5];
    double users;
    bool raw, full_only;
} sweep; /* rates are up to logs: errors by columns are divided by sqrt(ln d), which the threshold has */

static const sweep sweeps[] = {
    {"rate-eps", "Error by eps, public rows, before the threshold", "eps", TIGHT_PUBLIC, EPS, 4, {0.125, 0.25, 0.5, 1}, 2e5, true, false},
    {NULL, "Error by eps, rounds", "eps", IHT_SCORE, EPS, 4, {0.125, 0.25, 0.5, 1}, 1e6, true, true},
    {"rate-n-iht", "Error by users, ln n rounds", "n", IHT_SCORE, USERS, 3, {1e5, 6e5, 4e6}, 4e6, true, true},
    {"rate-d", "Error by columns, public rows, after the threshold", "d", TIGHT_PUBLIC, COLUMNS, 4, {8, 16, 32, 64}, 4e6, false, true},
    {"rate-d-private", "Error by columns, private covariance, after the threshold", "d", TIGHT, COLUMNS, 4, {4, 6, 9, 13}, 4e6, false, true},
    {"rate-d-iht", "Error by columns, rounds", "d", IHT_SCORE, COLUMNS, 4, {8, 16, 32, 64}, 1e6, false, true},
    {"rate-k", "Error by entries, public rows, after the threshold", "k", TIGHT_PUBLIC, SPARSITY, 4, {1, 2, 4, 8}, 4e6, false, true},
    {"rate-k-iht", "Error by entries, rounds, paper radius", "k", IHT_PAPER, SPARSITY, 4, {1, 2, 4, 8}, 4e6, false, true}};

static nrm_status run_sweep(nrm_reproduction *r, nrm_ctx *ctx, const sweep *s)
{
    double error[5], scaled[5];
    for (int i = 0; i < s->count; i++) {
        people p = {.n = (int64_t)s->users, .d = 16, .k = 3, .length = 0.8};
        double raw, final;
        if (s->what == COLUMNS) p.d = (int)s->values[i];
        if (s->what == SPARSITY) p.k = (int)s->values[i];
        choices o = way(s->way, &p);
        if (s->what == EPS) o.eps = s->values[i];
        if (s->what == USERS) p.n = (int64_t)s->values[i], o.rounds = 0;
        const nrm_status st = mean_errors(r, ctx, p, &o, r->quick || s->users > 1e6 ? 2 : 4, &raw, &final, NULL);
        if (st < 0) return st;
        error[i] = s->raw ? raw : final;
        scaled[i] = s->what == COLUMNS ? error[i] / sqrt(log(s->values[i])) : error[i];
    }
    if (s->claim) {
        nrm_measure(r, s->claim, slope_of(s->values, scaled, s->count));
        nrm_measure_reason(r, s->claim, "Errors %.3g to %.3g from %s = %g to %g, with %.0f users", error[0], error[s->count - 1], s->label, s->values[0],
                           s->values[s->count - 1], s->users);
    }
    nrm_plot plot = nrm_plot_begin(r, &(nrm_plot_options){.title = s->title, .x_label = s->label, .y_label = "error", .x_log = true, .y_log = true});
    nrm_plot_line(plot, names[s->way], s->values, error, s->count);
    return NRM_OK;
}

static nrm_status run_sweeps(nrm_reproduction *r, nrm_ctx *ctx)
{
    for (int i = 0; i < NRM_CLAIM_COUNT(sweeps); i++) {
        if (r->quick && sweeps[i].full_only) {
            if (sweeps[i].claim) nrm_not_measured(r, sweeps[i].claim, "It takes %.0f users at several sizes; a quick run has fewer", sweeps[i].users);
            continue;
        }
        const nrm_status st = run_sweep(r, ctx, &sweeps[i]);
        if (st < 0) return st;
    }
    return NRM_OK;
}

/* ---- A hundred columns -------------------------------------------------------------------------------- */

static nrm_status run_hundred(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const struct { const char *claim; int kprime; bool score; } cases[] = {{"hundred", 8, false}, {"hundred-8k", 32, false}, {"hundred-score", 8, true}};
    people p = {.n = 1600000, .d = 100, .k = 4, .normal = true, .length = 1};
    double error[2];

    for (int i = 0; i < 3; i++) {
        if (r->quick) {
            nrm_not_measured(r, cases[i].claim, "It takes 1.6 million users of 100 columns, which is too long for a quick run");
            continue;
        }
        choices o = nrm_private_sparse_regression_options_default();
        o.mode = NRM_PRIVATE_IHT, o.k = 4, o.kprime = cases[i].kprime, o.tau1 = o.tau2 = 0.1 * sqrt(log((double)p.n));
        if (cases[i].score) o.radius = NRM_PRIVATE_RADIUS_SCORE, o.score_bound = 2, o.tau1 = o.tau2 = 5;
        for (int s = 0; s < 2; s++) {
            p.seed = r->seed + 500 + (uint64_t)s;
            nrm_status st = nrm_step(r, "a hundred columns", 2 * i + s, 6);
            if (st >= 0) st = errors_of(ctx, &p, &o, r->seed + (uint64_t)s, NULL, &error[s], NULL);
            if (st < 0) return st;
        }
        nrm_measure_spread(r, cases[i].claim, error, 2);
    }
    return NRM_OK;
}

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    nrm_status st = run_table(r, ctx);
    if (st >= 0) st = run_sweeps(r, ctx);
    if (st >= 0) st = run_hundred(r, ctx);
    if (st >= 0) st = run_audit(r, ctx);
    if (st >= 0) st = run_adult(r, ctx);
    nrm_note(r, "The specification's real data, people of the 2018 American Community Survey, is not used; those of the census of 1994 are.");
    nrm_note(r, "x has independent signs and the noise of y is uniform with sd .3; with a hundred columns both are normal. Noise comes from "
                "the simulation's streams, in the audit from the client's own generator with a chosen seed.");
    return st;
}

const nrm_paper nrm_paper_20 = {
    .number = 20,
    .about = "People with one record each send one private message, and a server fits a sparse regression. Error against the number of users, eps, "
             "columns and entries for the non-interactive protocol (with private and with public covariance) and for the one in rounds, with the paper's "
             "noise and with the least that the same guarantee allows; and an audit: the client's messages of two neighbouring records are told apart as "
             "well as can be.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
