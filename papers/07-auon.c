/* 07-auon.c -- what the paper on AuON claims, measured here.  Framework: reproduce.h; benchmark
 * B1: b1.h.
 *
 * For a momentum matrix g of N entries, AuON's update is U = X / r with
 *     X = g / |g|_F,     r = sqrt(mean cosh^2(gamma X)),
 * and since cosh^2 is convex in X^2, Jensen's inequality and its counterpart at the corners give
 *     cosh(gamma / sqrt N) <= r <= sqrt(1 + sinh^2(gamma) / N):
 * r is 1 up to 0.7 / N (gamma = 1), whatever g is.  The tests of the brake below follow from that. */
#include "b1.h"
#include "one_step.h"
#include <math.h>
#include <string.h>

enum { SEEDS = 3, MOST_SIDE = 2048 };

static const nrm_claim claims[] = {
    {.id = "auon-adamw", .statement = "AuON, which keeps half of AdamW's state, ends near AdamW",
     .where = "section 4.2: CIFAR-10 accuracy", .figure = "76.22 and 76.32 %", .unit = "ratio of KL", .relation = NRM_AT_MOST,
     .holds = 1.08, .direction = 1.2},
    {.id = "hybrid-muon", .statement = "Hybrid-AuON with five Newton-Schulz steps ends where Muon ends", .where = "table 1",
     .figure = "0.0422 and 0.0375", .unit = "ratio of KL", .relation = NRM_AT_MOST, .holds = 1.05, .direction = 1.15},
    {.id = "time", .statement = "A step of AuON is many times cheaper than one of Muon, on the matrices of B1",
     .where = "abstract: linear time; figure 2", .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 8, .direction = 2},
    {.id = "linear", .statement = "AuON's time grows linearly with the entries of the matrix: as n^2 for n x n", .where = "title, figure 2",
     .figure = "2", .unit = "power of n", .relation = NRM_WITHIN, .target = 2, .holds = 0.25, .direction = 0.5},
    {.id = "cubic", .statement = "Newton-Schulz, which it replaces, grows as n^3", .where = "figure 2", .figure = "3",
     .unit = "power of n", .relation = NRM_WITHIN, .target = 3, .holds = 0.3, .direction = 0.6},
    {.id = "hybrid-time", .statement = "One Newton-Schulz step in the hybrid costs far less than Muon's five, at the largest size",
     .where = "figure 2", .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 3, .direction = 1.5},
    {.id = "spectral", .statement = "The update's spectral norm is at most its Frobenius norm, and that is below 1",
     .where = "section 3", .figure = "below 1", .unit = "of the matrices", .relation = NRM_TRUE},
    {.id = "bounds", .statement = "The divisor r lies between cosh(gamma / sqrt N) and sqrt(1 + sinh^2(gamma) / N)",
     .where = "derived: Jensen's inequality", .figure = "", .unit = "of the matrices", .relation = NRM_TRUE},
    {.id = "brake", .statement = "An outlier in the gradient makes r brake the step, by 10 % or more", .where = "abstract of v4: emergency brake",
     .figure = "", .unit = "% on 64 x 64 with one entry of 10^4", .relation = NRM_AT_LEAST, .holds = 10, .direction = 1},
    {.id = "nsgd", .statement = "AuON trains like normalised SGD with momentum, which has no r at all", .where = "derived from the bounds of r",
     .figure = "", .unit = "relative distance of the weights", .relation = NRM_AT_MOST, .holds = 1e-3, .direction = 1e-2},
    {.id = "semi-orthogonal", .statement = "AuON's update is better conditioned than the momentum it is made of",
     .where = "title, section 3: semi-orthogonal", .figure = "", .unit = "ratio of conditions", .relation = NRM_AT_MOST, .holds = 0.5, .direction = 0.95},
    {.id = "outliers", .statement = "With outliers in the gradients AuON, braked, ends no higher than Muon", .where = "abstract of v4: emergency brake",
     .figure = "", .unit = "ratio of KL", .relation = NRM_AT_MOST, .holds = 1, .direction = 1.05},
    {.id = "state", .statement = "AuON keeps one number a weight, half of AdamW's two", .where = "section 3",
     .figure = "1/2", .unit = "x", .relation = NRM_WITHIN, .target = 0.5, .holds = 0.01, .direction = 0.05},
};

/* The forms of the paper and of its repository (gamma = 1.5, no norm, five steps in the hybrid). */
#define AUON "variant=paper"
#define HYBRID_1 "variant=repo hybrid_steps=1"
#define HYBRID_5 "variant=repo hybrid_steps=5"

/* ---- Losses ------------------------------------------------------------------------------------------- */

enum { ADAMW, MUON, AUON_PAPER, AUON_REPO, HYBRID_PAPER, HYBRID_REPO_1, HYBRID_REPO_5, LOSSES };

static nrm_status run_losses(nrm_reproduction *r, b1_bench *bench)
{
    b1_contender c[LOSSES] = {
        [ADAMW] = {"AdamW", b1_default("adamw", B1_ADAMW, 0), {0.0015, 0.003, 0.006}},
        [MUON] = {"Muon", b1_default("muon", "", 0), {0.005, 0.01, 0.02}},
        [AUON_PAPER] = {"AuON, paper", b1_default("auon", AUON, 0), {0.05, 0.1, 0.2, 0.4, 0.8, 1.6}},
        [AUON_REPO] = {"AuON, repository", b1_default("auon", "variant=repo", 0), {2, 8, 32, 128}},
        [HYBRID_PAPER] = {"Hybrid, paper: 1 step", b1_default("hybrid-auon", "variant=paper hybrid_steps=1", 0), {0.01, 0.025, 0.05, 0.1}},
        [HYBRID_REPO_1] = {"Hybrid, repository, 1 step", b1_default("hybrid-auon", HYBRID_1, 0), {0.01, 0.025, 0.05, 0.1}},
        [HYBRID_REPO_5] = {"Hybrid, repository: 5 steps", b1_default("hybrid-auon", HYBRID_5, 0), {0.005, 0.01, 0.02, 0.04}}};
    b1_outcome out[LOSSES];
    double auon[SEEDS], hybrid[SEEDS];
    const int seeds = r->quick ? 1 : SEEDS;

    for (int i = 0; i < LOSSES; i++) {
        c[i].setup.curve_every = i == AUON_REPO ? 0 : 20; /* as many curves as there are colours */
        if (r->quick) c[i].setup.steps = 200, c[i].rates[0] = c[i].rates[1], c[i].rates[1] = c[i].rates[2], c[i].rates[2] = 0;
    }
    const nrm_status st = b1_compare(bench, LOSSES, c, seeds, out);
    if (st < 0) return st;
    b1_show(bench, "Losses on B1", "KL of the student from the teacher over all contexts, after the last step, by the best rate.", LOSSES, c, out);
    for (int s = 0; s < seeds; s++) {
        auon[s] = out[AUON_PAPER].kl[s] / out[ADAMW].kl[s];
        hybrid[s] = out[HYBRID_REPO_5].kl[s] / out[MUON].kl[s];
    }
    nrm_measure_spread(r, "auon-adamw", auon, seeds);
    nrm_measure_reason(r, "auon-adamw", "KL %.4f and %.4f, means over %d seed%s; Muon's is %.4f.", out[AUON_PAPER].mean, out[ADAMW].mean, seeds,
                       seeds > 1 ? "s" : "", out[MUON].mean);
    nrm_measure_spread(r, "hybrid-muon", hybrid, seeds);
    nrm_measure_reason(r, "hybrid-muon", "KL %.4f and %.4f; with one step %.4f.", out[HYBRID_REPO_5].mean, out[MUON].mean, out[HYBRID_REPO_1].mean);
    nrm_measure(r, "state", (double)out[AUON_PAPER].first.state_bytes / (double)out[ADAMW].first.state_bytes);
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "AuON's loss by its rate", .x_label = "rate", .y_label = "KL after the last step",
        .caption = "The first seed. Dashed: AdamW at its best rate.", .x_log = true});
    int rates = 0;
    while (rates < B1_MOST_RATES && c[AUON_PAPER].rates[rates] > 0) rates++;
    nrm_plot_line(p, "AuON, paper", c[AUON_PAPER].rates, out[AUON_PAPER].rate_kl, rates);
    nrm_plot_mark_y(p, "AdamW", out[ADAMW].first.kl);
    return NRM_OK;
}

static nrm_status run_outliers(nrm_reproduction *r, b1_bench *bench)
{
    enum { ALL = 4 };
    b1_contender c[ALL] = {{"AdamW", b1_default("adamw", B1_ADAMW, 0), {0.003, 0.006, 0.012}},
                           {"Muon", b1_default("muon", "", 0), {0.005, 0.01, 0.02}},
                           {"AuON, paper", b1_default("auon", AUON, 0), {0.05, 0.1, 0.2, 0.4}},
                           {"Hybrid, repository: 5 steps", b1_default("hybrid-auon", HYBRID_5, 0), {0.005, 0.01, 0.02}}};
    b1_outcome out[ALL];
    double ratio[SEEDS];
    const int seeds = r->quick ? 1 : SEEDS;

    for (int i = 0; i < ALL; i++) {
        c[i].setup.outliers = 0.002;
        if (r->quick) c[i].setup.steps = 200, c[i].rates[0] = c[i].rates[1], c[i].rates[1] = 0;
    }
    const nrm_status st = b1_compare(bench, ALL, c, seeds, out);
    if (st < 0) return st;
    b1_show(bench, "Losses on B1 with outliers in the gradients", "Two in a thousand entries get 100 times the gradient's RMS times a Student t of "
            "2 degrees of freedom, as in paper 04.", ALL, c, out);
    for (int s = 0; s < seeds; s++) ratio[s] = out[2].kl[s] / out[1].kl[s];
    nrm_measure_spread(r, "outliers", ratio, seeds);
    nrm_measure_reason(r, "outliers", "KL %.4f (AuON) and %.4f (Muon); AdamW %.4f, Hybrid %.4f. An entry of 10^4 in a 64 x 64 matrix moves r by "
                       "less than 2 parts in 10^4: nothing brakes.", out[2].mean, out[1].mean, out[0].mean, out[3].mean);
    return NRM_OK;
}

/* ---- Normalised SGD in AuON's place ---------------------------------------------------------------------- */

/* A copy of the weights that takes steps of normalised SGD on the gradients of the same run. */
typedef struct shadow {
    double *weights[B1_MATRICES], *momentum[B1_MATRICES], *begin[B1_MATRICES];
    double lr, beta, distance;
    int steps;
} shadow;

static nrm_status follow_shadow(nrm_ctx *ctx, void *user, const b1_moment *moment)
{
    shadow *s = user;
    double apart = 0, way = 0;
    (void)ctx;
    for (int p = 0; p < B1_MATRICES; p++) {
        const int64_t rows = moment->tensors[p].shape[0], cols = moment->tensors[p].shape[1], n = rows * cols;
        const float *w = moment->weights[p], *g = moment->gradients[p];
        double *m = s->momentum[p], square = 0;
        for (int64_t i = 0; i < n; i++) {
            m[i] = s->beta * m[i] + (1 - s->beta) * (double)g[i];
            const double ahead = s->beta * m[i] + (1 - s->beta) * (double)g[i];
            square += ahead * ahead;
        }
        const double factor = fmin(1, (double)(s->steps - moment->step + 1) / (0.4 * s->steps));
        const double step = s->lr * factor * sqrt(fmax(1, (double)rows / (double)cols)) / sqrt(square);
        for (int64_t i = 0; i < n; i++) {
            if (moment->step == 1) s->weights[p][i] = s->begin[p][i] = (double)w[i]; /* begin together */
            else s->weights[p][i] -= step * (s->beta * m[i] + (1 - s->beta) * (double)g[i]);
            apart += (s->weights[p][i] - (double)w[i]) * (s->weights[p][i] - (double)w[i]);
            way += ((double)w[i] - s->begin[p][i]) * ((double)w[i] - s->begin[p][i]);
        }
    }
    s->distance = way > 0 ? sqrt(apart / way) : 0;
    return NRM_OK;
}

static nrm_status run_shadow(nrm_reproduction *r, b1_bench *bench)
{
    enum { MOST = 256 * 128 };
    shadow s = {.lr = 0.2, .beta = 0.95, .steps = r->quick ? 200 : 400};
    b1_setup setup = b1_default("auon", AUON, s.lr);
    b1_result result;

    for (int p = 0; p < B1_MATRICES; p++) {
        s.weights[p] = nrm_scratch(r, MOST, sizeof(double));
        s.momentum[p] = nrm_scratch(r, MOST, sizeof(double));
        s.begin[p] = nrm_scratch(r, MOST, sizeof(double));
        if (!s.weights[p] || !s.momentum[p] || !s.begin[p]) return NRM_E_NOMEM;
    }
    setup.steps = s.steps;
    setup.watch = follow_shadow;
    setup.watch_user = &s;
    setup.watch_every = 1;
    const nrm_status st = b1_train(bench, &setup, &result);
    if (st < 0) return st;
    nrm_measure(r, "nsgd", s.distance);
    nrm_note(r, "Beside AuON stands normalised SGD: the same momentum, divided by its Frobenius norm alone. After %d steps on the same gradients "
             "its weights are %.1e of the way apart from AuON's.", s.steps, s.distance);
    return NRM_OK;
}

/* ---- One step: norms, the divisor, orthogonality ------------------------------------------------------------ */

enum { SIDE = 64 };

/* The largest singular value, and that over the least. */
static void singular(const double *a, float *single, double *work, double *largest, double *condition)
{
    double sigma[SIDE];
    for (int i = 0; i < SIDE * SIDE; i++) single[i] = (float)a[i];
    b1_singular_values(SIDE, SIDE, single, work, sigma);
    *largest = sigma[0];
    *condition = sigma[0] / sigma[SIDE - 1];
}

/* Gaussian; with one huge entry; of rank 1 and noise; equal sizes; one entry alone. */
enum { GAUSSIAN, SPIKE, RANK_1, SIGNS, ALONE, MATRICES };
static const char *const names[MATRICES] = {"Gaussian", "one entry of 10^4", "rank 1 and noise", "signs", "one entry alone"};
static void draw_matrix(int which, nrm_draws *draws, double *g)
{
    double left[SIDE], right[SIDE];
    for (int i = 0; i < SIDE; i++) left[i] = nrm_draw_normal(draws), right[i] = nrm_draw_normal(draws);
    for (int i = 0; i < SIDE * SIDE; i++) {
        const double z = nrm_draw_normal(draws);
        g[i] = which == ALONE ? 0 : which == SIGNS ? copysign(1, z) : which == RANK_1 ? left[i / SIDE] * right[i % SIDE] + 0.01 * z : z;
    }
    if (which == SPIKE || which == ALONE) g[5 * SIDE + 7] = 1e4;
}

static nrm_status run_matrices(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { N = SIDE * SIDE, UPDATES = 3 };
    static const char *const columns[] = {"g", "r - 1", "least possible", "most possible", "|U|_2", "|U|_F", "condition of g", "of AuON's U",
                                          "of Hybrid's, 1 step", "of Hybrid's, 5 steps"};
    static const char *const kinds[UPDATES] = {"auon", "hybrid-auon", "hybrid-auon"}, *const options[UPDATES] = {AUON, HYBRID_1, HYBRID_5};
    double *g = nrm_scratch(r, N, sizeof *g), *u = nrm_scratch(r, N, sizeof *u), *work = nrm_scratch(r, N, sizeof *work);
    float *single = nrm_scratch(r, N, sizeof *single);
    nrm_draws draws = {r->seed + 7};
    int inside = 0, below = 0;

    if (!g || !u || !work || !single) return NRM_E_NOMEM;
    const double least = cosh(1 / sqrt(N)), most = sqrt(1 + sinh(1) * sinh(1) / N);
    nrm_table table = nrm_table_begin(r, "One step on 64 x 64", "r from the norm of the update, gamma = 1. Condition: the largest singular value over the "
                                      "least; 1 is orthogonal up to scale.", columns, NRM_CLAIM_COUNT(columns));
    for (int which = 0; which < MATRICES; which++) {
        double largest, condition[1 + UPDATES], divisor = 0;
        draw_matrix(which, &draws, g);
        singular(g, single, work, &largest, &condition[0]);
        nrm_cell_text(table, "%s", names[which]);
        for (int k = 0; k < UPDATES; k++) {
            const nrm_status st = first_update(ctx, kinds[k], options[k], SIDE, SIDE, g, u, NULL, NULL);
            if (st < 0) return st;
            singular(u, single, work, &largest, &condition[1 + k]);
            if (k > 0) continue;
            const double frobenius = norm_of(u, N);
            divisor = 1 / frobenius;
            inside += divisor >= least * (1 - 2e-7) && divisor <= most * (1 + 2e-7); /* eps_norm, eps_rms */
            below += largest <= frobenius * (1 + 1e-6) && frobenius < 1;
            nrm_cell_number(table, divisor - 1);
            nrm_cell_number(table, least - 1);
            nrm_cell_number(table, most - 1);
            nrm_cell_number(table, largest);
            nrm_cell_number(table, frobenius);
        }
        for (int k = 0; k <= UPDATES; k++) nrm_cell_number(table, condition[k]);
        if (which == SPIKE) nrm_measure(r, "brake", 100 * (divisor - 1));
        if (which != GAUSSIAN) continue;
        nrm_measure(r, "semi-orthogonal", condition[1] / condition[0]);
        nrm_measure_reason(r, "semi-orthogonal", "U is g times a number: its singular values keep their ratios, %.0f from end to end. Hybrid with five "
                           "steps: %.1f.", condition[1], condition[UPDATES]);
    }
    nrm_measure(r, "bounds", (double)inside / MATRICES);
    nrm_measure(r, "spectral", (double)below / MATRICES);
    nrm_measure_reason(r, "brake", "r is at most sqrt(1 + sinh^2(1) / N), so on N = %d entries no gradient can change the step by more than %.1e "
                       "relative.", N, most - 1);
    return NRM_OK;
}

/* ---- Time --------------------------------------------------------------------------------------------------- */

enum { FAST, HYBRID_FAST, HYBRID_SLOW, SLOW, TIMED, MOST_SIZES = 5 };
static const b1_timed timed_all[TIMED] = {{.name = "AuON", .kind = "auon", .options = AUON},
                                          {.name = "Hybrid-AuON, 1 step", .kind = "hybrid-auon", .options = HYBRID_1},
                                          {.name = "Hybrid-AuON, 5 steps", .kind = "hybrid-auon", .options = HYBRID_5},
                                          {.name = "Muon, 5 steps", .kind = "muon", .options = ""}};

/* Slope of log y over log x by least squares: the power of x that y grows with. */
static double growth(const double *x, const double *y, int n)
{
    double mx = 0, my = 0, xx = 0, xy = 0;
    for (int i = 0; i < n; i++) mx += log(x[i]) / n, my += log(y[i]) / n;
    for (int i = 0; i < n; i++) {
        xx += (log(x[i]) - mx) * (log(x[i]) - mx);
        xy += (log(x[i]) - mx) * (log(y[i]) - my);
    }
    return xy / xx;
}

static nrm_status run_sizes(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const char *const columns[] = {"n", "AuON, ms", "ns a weight", "Hybrid, 1 step, ms", "Hybrid, 5 steps, ms", "Muon, ms", "Muon / AuON"};
    const int sizes = r->quick ? 3 : MOST_SIZES;
    double x[MOST_SIZES], y[TIMED][MOST_SIZES], weight[MOST_SIZES];

    nrm_table table = nrm_table_begin(r, "Time of a step on n x n", "Median of interleaved rounds, single precision, one thread; momentum and weights "
                                      "included.", columns, NRM_CLAIM_COUNT(columns));
    for (int i = 0; i < sizes; i++) {
        const int64_t n = (int64_t)128 << i;
        b1_timed timed[TIMED];
        memcpy(timed, timed_all, sizeof timed);
        const nrm_status st = b1_time_steps(r, ctx, n, n, i == MOST_SIZES - 1 ? 3 : 5, TIMED, timed);
        if (st < 0) return st;
        x[i] = (double)n;
        for (int c = 0; c < TIMED; c++) y[c][i] = timed[c].seconds;
        weight[i] = 1e9 * y[FAST][i] / (x[i] * x[i]);
        nrm_cell_number(table, x[i]);
        nrm_cell_number(table, 1e3 * y[FAST][i]);
        nrm_cell_number(table, weight[i]);
        for (int c = 1; c < TIMED; c++) nrm_cell_number(table, 1e3 * y[c][i]);
        nrm_cell_number(table, y[SLOW][i] / y[FAST][i]);
    }
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "Time of a step on n x n", .x_label = "n", .y_label = "seconds", .x_log = true,
        .y_log = true, .caption = "Straight lines: twice the side, four times the time (AuON) or eight times (Newton-Schulz)."});
    for (int c = 0; c < TIMED; c++) nrm_plot_line(p, timed_all[c].name, x, y[c], sizes);
    nrm_measure(r, "linear", growth(x, y[FAST], sizes));
    nrm_measure_reason(r, "linear", "%.2f ns a weight at n = %.0f, %.2f at n = %.0f: a step of a large matrix reads and writes memory, one of a small "
                       "matrix the caches.", weight[0], x[0], weight[sizes - 1], x[sizes - 1]);
    nrm_measure(r, "cubic", growth(x, y[SLOW], sizes));
    nrm_measure(r, "hybrid-time", y[SLOW][sizes - 1] / y[HYBRID_FAST][sizes - 1]);
    return NRM_OK;
}

/* The three matrices of B1, as in the runs. */
static nrm_status run_times(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { REPEATS = 3 };
    static const int64_t shapes[B1_MATRICES][2] = {{128, 64}, {256, 128}, {128, 256}};
    double ratio[REPEATS], fast = 0, slow = 0;
    nrm_status st = NRM_OK;

    for (int k = 0; k < REPEATS && st >= 0; k++) {
        fast = slow = 0;
        for (int i = 0; i < B1_MATRICES && st >= 0; i++) {
            b1_timed timed[2] = {timed_all[FAST], timed_all[SLOW]};
            st = b1_time_steps(r, ctx, shapes[i][0], shapes[i][1], 5, 2, timed);
            fast += timed[0].seconds;
            slow += timed[1].seconds;
        }
        ratio[k] = slow / fast;
    }
    if (st < 0) return st;
    nrm_measure_spread(r, "time", ratio, REPEATS);
    nrm_measure_reason(r, "time", "%.3f ms (Muon) and %.3f ms (AuON) a step, one thread.", 1e3 * slow, 1e3 * fast);
    return NRM_OK;
}

/* ---- The experiment --------------------------------------------------------------------------------------------- */

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    b1_bench *bench;
    const int threads = nrm_threads(ctx);

    nrm_status st = run_matrices(r, ctx);
    if (st >= 0) st = nrm_set_threads(ctx, 1); /* times that a busy machine disturbs least */
    if (st >= 0) st = run_times(r, ctx);
    if (st >= 0) st = run_sizes(r, ctx);
    if (nrm_set_threads(ctx, threads) < 0 || st < 0) return st;
    if ((st = b1_create(r, ctx, 128, 256, &bench)) < 0) return st;
    st = run_losses(r, bench);
    if (st >= 0) st = run_shadow(r, bench);
    if (st >= 0) st = run_outliers(r, bench);
    b1_destroy(bench);
    nrm_note(r, "The paper's tables do not say which of two forms made them: its formulas divide by the Frobenius norm (\"paper\"), its code does not "
             "(\"repository\"). Their rates differ by the size of the gradient.");
    return st;
}

const nrm_paper nrm_paper_07 = {
    .number = 7,
    .about = "Steps on single matrices, whose norms are compared with what the formulas allow; the time of a step by size against Muon; and B1, a small "
             "language model from a random teacher with an exact loss, on which each optimizer is given the best of a few rates.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
