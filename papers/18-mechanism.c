/* 18-mechanism.c -- what the step of every neuron looks like, and what it costs.  Claims: 18-normuon.c.
 *
 * Regression with uneven neurons: W* is 256 x 32 of N(0, 1) / sqrt(32), and row i of the
 * gradient is scaled by s_i = 10^(-2 i / 255):
 *     G = diag(s) (W X - Y) X' / 64,   Y = W* X + N(0, 0.01),   X (32 x 64) of N(0, 1).
 * Orthogonalising removes the scales between directions, not those between rows. */
#include "18-parts.h"
#include <math.h>
#include <string.h>

enum { ROWS = 256, COLS = 32, SAMPLES = 64, SIZE = ROWS * COLS, STEPS = 40, QUARTER = 3 * ROWS / 4, MOST_SEEDS = 3 };
static const double rates[] = {0.04, 0.08, 0.16, 0.32, 0.64};
enum { RATES = NRM_CLAIM_COUNT(rates), COMMON = 2 }; /* of the claim at one rate for all */

typedef struct method { const char *name, *kind, *options; } method;
static const method methods[] = {
    {"Muon", "muon", ""}, {"Muon, Polar Express", "muon", "coefficients=polar_express"},
    {"NorMuon", "normuon", ""}, {"NorMuon, Polar Express", "normuon", "coefficients=polar_express"}};
enum { MUON, MUON_PE, NORMUON, NORMUON_PE, METHODS };

/* ---- The regression -------------------------------------------------------------------------- */

typedef struct regression {
    double target[SIZE], scale[ROWS], x[COLS * SAMPLES], residual[ROWS * SAMPLES];
    float w[SIZE], before[SIZE], gradient[SIZE];
    nrm_draws draws;
} regression;

static void start(regression *g, uint64_t seed)
{
    g->draws = (nrm_draws){seed};
    for (int i = 0; i < SIZE; i++) g->target[i] = nrm_draw_normal(&g->draws) / sqrt(COLS);
    for (int i = 0; i < ROWS; i++) g->scale[i] = pow(10, -2.0 * i / (ROWS - 1));
    memset(g->w, 0, sizeof g->w);
}

static void draw_gradient(regression *g)
{
    for (int i = 0; i < COLS * SAMPLES; i++) g->x[i] = nrm_draw_normal(&g->draws);
    for (int i = 0; i < ROWS; i++) {
        double *residual = g->residual + i * SAMPLES;
        for (int k = 0; k < SAMPLES; k++) residual[k] = -0.1 * nrm_draw_normal(&g->draws);
        for (int j = 0; j < COLS; j++) {
            const double error = (double)g->w[i * COLS + j] - g->target[i * COLS + j];
            for (int k = 0; k < SAMPLES; k++) residual[k] += error * g->x[j * SAMPLES + k];
        }
        for (int j = 0; j < COLS; j++) {
            double sum = 0;
            for (int k = 0; k < SAMPLES; k++) sum += residual[k] * g->x[j * SAMPLES + k];
            g->gradient[i * COLS + j] = (float)(g->scale[i] * sum / SAMPLES);
        }
    }
}

/* `count` steps of a run of `total`, whose rate is constant for 60 % and then falls to 0. */
static nrm_status descend(nrm_ctx *ctx, regression *g, const method *m, double rate, int count, int total)
{
    const nrm_optimizer_tensor tensor = {.name = "W", .dtype = NRM_F32, .ndim = 2, .shape = (int64_t[]){ROWS, COLS}};
    nrm_optimizer *optimizer;
    nrm_status st = b1_optimizer(ctx, m->kind, m->options, rate, 1, &tensor, &optimizer);

    for (int i = 0; i < count && st >= 0; i++) {
        draw_gradient(g);
        memcpy(g->before, g->w, sizeof g->w);
        st = nrm_optimizer_step(ctx, optimizer, (void *[]){g->w}, (const void *[]){g->gradient}, b1_factor(i, total));
    }
    nrm_optimizer_destroy(ctx, optimizer);
    return st;
}

/* Mean over rows first .. 255 of |w_i - w*_i|^2. */
static double row_error(const regression *g, int first)
{
    double sum = 0;
    for (int i = first * COLS; i < SIZE; i++) sum += ((double)g->w[i] - g->target[i]) * ((double)g->w[i] - g->target[i]);
    return sum / (ROWS - first);
}

/* The last step: its row norms, falling order not kept; the largest over the smallest; its
 * condition number. */
static void look_at_step(regression *g, double *norms, double *spread, double *condition)
{
    double sigma[COLS], least = INFINITY, most = 0;

    for (int i = 0; i < SIZE; i++) g->before[i] -= g->w[i];
    for (int i = 0; i < ROWS; i++) {
        double square = 0;
        for (int j = 0; j < COLS; j++) square += (double)g->before[i * COLS + j] * (double)g->before[i * COLS + j];
        norms[i] = sqrt(square);
        least = fmin(least, norms[i]);
        most = fmax(most, norms[i]);
    }
    *spread = most / least;
    b1_singular_values(ROWS, COLS, g->before, g->residual, sigma); /* residual: as work, it is larger */
    *condition = sigma[0] / sigma[COLS - 1];
}

/* ---- What is reported ----------------------------------------------------------------------------- */

typedef struct figures {
    double last[RATES][MOST_SEEDS], all[RATES][MOST_SEEDS]; /* errors: of the last quarter of the rows, of all */
    double spread[MOST_SEEDS], condition[MOST_SEEDS];
} figures;

static void plot_rows(nrm_reproduction *r, double norms[METHODS][ROWS])
{
    double row[ROWS];
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "Length of every neuron's step",
        .caption = "Step 50 of 300, first seed; rows to the right have the smaller gradients.",
        .x_label = "row", .y_label = "norm of the row of the update", .y_from_zero = true});
    for (int i = 0; i < ROWS; i++) row[i] = i;
    nrm_plot_line(p, methods[MUON].name, row, norms[MUON], ROWS);
    nrm_plot_line(p, methods[NORMUON].name, row, norms[NORMUON], ROWS);
}

static nrm_status measure_method(nrm_ctx *ctx, regression *g, const method *m, uint64_t seed, int k, figures *f, double *norms)
{
    for (int i = 0; i < RATES; i++) {
        start(g, seed);
        const nrm_status st = descend(ctx, g, m, rates[i], STEPS, STEPS);
        if (st < 0) return st;
        f->last[i][k] = row_error(g, QUARTER);
        f->all[i][k] = row_error(g, 0);
    }
    start(g, seed);
    const nrm_status st = descend(ctx, g, m, rates[COMMON], 50, 300);
    if (st >= 0) look_at_step(g, norms, &f->spread[k], &f->condition[k]);
    return st;
}

/* The rate at which the error of all rows is least, by the median of the seeds. */
static int best_rate(const figures *f, int seeds)
{
    int best = 0;
    for (int i = 1; i < RATES; i++)
        if (nrm_median(f->all[i], seeds) < nrm_median(f->all[best], seeds)) best = i;
    return best;
}

static void judge(nrm_reproduction *r, const figures *f, int seeds)
{
    double gain[2 * MOST_SEEDS], tuned[2 * MOST_SEEDS], condition[2 * MOST_SEEDS], spread[2 * MOST_SEEDS];

    for (int k = 0; k < 2 * seeds; k++) {
        const int s = k / 2;
        const figures *from = &f[k % 2 ? MUON_PE : MUON], *to = &f[k % 2 ? NORMUON_PE : NORMUON];
        gain[k] = from->last[COMMON][s] / to->last[COMMON][s];
        tuned[k] = from->last[best_rate(from, seeds)][s] / to->last[best_rate(to, seeds)][s];
        spread[k] = to->spread[s];
        condition[k] = to->condition[s];
    }
    nrm_measure_spread(r, "last-quarter", gain, 2 * seeds);
    nrm_measure_spread(r, "last-quarter-tuned", tuned, 2 * seeds);
    nrm_measure_reason(r, "last-quarter-tuned", "Best rates: Muon %g and %g (Polar Express), NorMuon %g and %g.",
                       rates[best_rate(&f[MUON], seeds)], rates[best_rate(&f[MUON_PE], seeds)],
                       rates[best_rate(&f[NORMUON], seeds)], rates[best_rate(&f[NORMUON_PE], seeds)]);
    nrm_measure_spread(r, "row-spread", spread, 2 * seeds);
    nrm_measure_reason(r, "row-spread", "Muon's rows: %.1f with its own coefficients, %.1f with Polar Express.",
                       nrm_median(f[MUON].spread, seeds), nrm_median(f[MUON_PE].spread, seeds));
    nrm_measure_spread(r, "condition", condition, 2 * seeds);
    nrm_measure_reason(r, "condition", "Muon's update: %.2f and %.2f.", nrm_median(f[MUON].condition, seeds),
                       nrm_median(f[MUON_PE].condition, seeds));
}

static void show(nrm_reproduction *r, const figures *f, int seeds)
{
    static const char *const columns[] = {"optimizer", "rate 0.04", "0.08", "0.16", "0.32", "0.64", "longest row / shortest",
                                          "condition number"};
    nrm_table table = nrm_table_begin(r, "Neurons whose gradients span two decades", "Mean squared distance of the rows from the "
                                      "true ones after 40 steps (1 at the start): all rows, and the last quarter. The update "
                                      "looked at is step 50 of 300 at rate 0.16. Medians of the seeds.", columns, RATES + 3);
    for (int m = 0; m < METHODS; m++) {
        nrm_cell_text(table, "%s", methods[m].name);
        for (int i = 0; i < RATES; i++)
            nrm_cell_text(table, "%.3f, %.3f", nrm_median(f[m].all[i], seeds), nrm_median(f[m].last[i], seeds));
        nrm_cell_text(table, "%.2f", nrm_median(f[m].spread, seeds));
        nrm_cell_text(table, "%.2f", nrm_median(f[m].condition, seeds));
    }
}

nrm_status mechanism(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int seeds = r->quick ? 1 : MOST_SEEDS;
    regression *g = nrm_scratch(r, 1, sizeof *g);
    double(*norms)[ROWS] = nrm_scratch(r, METHODS, sizeof *norms);
    figures f[METHODS];

    if (!g || !norms) return NRM_E_NOMEM;
    for (int k = seeds - 1; k >= 0; k--) /* the first seed last: its rows are shown */
        for (int m = 0; m < METHODS; m++) {
            nrm_status st = nrm_step(r, "uneven neurons", (seeds - 1 - k) * METHODS + m, seeds * METHODS);
            if (st >= 0) st = measure_method(ctx, g, &methods[m], (r->seed + 1) * 100 + (uint64_t)k, k, &f[m], norms[m]);
            if (st < 0) return st;
        }
    show(r, f, seeds);
    judge(r, f, seeds);
    plot_rows(r, norms);
    return NRM_OK;
}

/* ---- Norms of shards ------------------------------------------------------------------------------- */

/* The first step of NorMuon from Muon's O: rows of equal length, |O|_F kept; here kept by each
 * of `parts` shards of rows for itself.  Relative distance from the whole matrix's. */
static double shard_deviation(const float *o, int parts)
{
    double whole = 0, share[ROWS] = {0}, length[ROWS], distance = 0;

    for (int i = 0; i < ROWS; i++) {
        double square = 0;
        for (int j = 0; j < COLS; j++) square += (double)o[i * COLS + j] * (double)o[i * COLS + j];
        share[i * parts / ROWS] += square;
        whole += square;
    }
    for (int i = 0; i < ROWS; i++) { /* rows of both are parallel to O's: only lengths differ */
        length[i] = sqrt(share[i * parts / ROWS] * parts / ROWS);
        distance += (length[i] - sqrt(whole / ROWS)) * (length[i] - sqrt(whole / ROWS));
    }
    return sqrt(distance / whole);
}

nrm_status shards(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const int parts[] = {2, 4, 8};
    static const char *const columns[] = {"shards", "relative deviation of the update"};
    regression *g = nrm_scratch(r, 1, sizeof *g);
    double deviation[3];

    if (!g) return NRM_E_NOMEM;
    start(g, r->seed);
    for (int i = 0; i < SIZE; i++) g->gradient[i] = (float)(g->scale[i / COLS] * nrm_draw_normal(&g->draws));
    const nrm_optimizer_tensor tensor = {.name = "W", .dtype = NRM_F32, .ndim = 2, .shape = (int64_t[]){ROWS, COLS}};
    nrm_optimizer *muon;
    nrm_status st = b1_optimizer(ctx, "muon", "", 1, 1, &tensor, &muon);
    if (st >= 0) st = nrm_optimizer_step(ctx, muon, (void *[]){g->w}, (const void *[]){g->gradient}, 1);
    nrm_optimizer_destroy(ctx, muon);
    if (st < 0) return st;

    nrm_table table = nrm_table_begin(r, "Norms of shards in place of the matrix's", "256 x 32, row scales over two decades, "
                                      "first step: every shard keeps its own norm.", columns, 2);
    for (int i = 0; i < 3; i++) {
        deviation[i] = shard_deviation(g->w, parts[i]);
        nrm_cell_text(table, "%d", parts[i]);
        nrm_cell_text(table, "%.3f", deviation[i]);
    }
    nrm_measure_spread(r, "shard-norm", deviation, 3);
    return NRM_OK;
}

/* ---- Time and memory ------------------------------------------------------------------------------------ */

nrm_status overhead(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { ADAMW_STEP, MUON_STEP, NORMUON_STEP, KINDS, SHAPES = 5 };
    static const int64_t shapes[SHAPES][2] = {{128, 128}, {256, 256}, {512, 512}, {512, 2048}, {2048, 512}};
    static const char *const columns[] = {"matrix", "AdamW, ms", "Muon, ms", "NorMuon, ms", "NorMuon over Muon, %",
                                          "state of AdamW, bytes", "of Muon", "of NorMuon"};
    const int count = r->quick ? 2 : SHAPES;
    double ratios[SHAPES];

    nrm_table table = nrm_table_begin(r, "A step, one thread", "Medians of rounds in which all run in turn; f32.", columns, 8);
    for (int i = 0; i < count; i++) {
        b1_timed t[KINDS] = {{.name = "AdamW", .kind = "adamw", .options = ""}, {.name = "Muon", .kind = "muon", .options = ""},
                             {.name = "NorMuon", .kind = "normuon", .options = ""}};
        const nrm_status st = b1_time_steps(r, ctx, shapes[i][0], shapes[i][1], r->quick ? 3 : 15, KINDS, t);
        if (st < 0) return st;
        ratios[i] = t[NORMUON_STEP].seconds / t[MUON_STEP].seconds;
        nrm_cell_text(table, "%lld x %lld", (long long)shapes[i][0], (long long)shapes[i][1]);
        for (int k = 0; k < KINDS; k++) nrm_cell_text(table, "%.3g", 1e3 * t[k].seconds);
        nrm_cell_text(table, "%.1f", 100 * (ratios[i] - 1));
        for (int k = 0; k < KINDS; k++) nrm_cell_text(table, "%lld", (long long)t[k].state_bytes);
    }
    nrm_measure_spread(r, "overhead", ratios, count);
    nrm_measure_reason(r, "overhead", "The extra passes over the matrix weigh most where it is small: %.3f at 128 x 128, "
                       "%.3f at 256 x 256.", ratios[0], ratios[1]);
    return NRM_OK;
}
