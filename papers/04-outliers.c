/* 04-outliers.c -- ROOT, Muon and others on benchmark B1 with outliers in the gradients, and what
 * clipping costs.  Claims: 04-root.c.
 *
 * An entry of a matrix gradient is hit with probability 0.002; what is added is 100 times the
 * gradient's RMS times a Student t of 2 degrees of freedom.  All runs of a seed get the same. */
#include "04-parts.h"
#include <math.h>
#include <string.h>

static const double SHARE = 0.002;

typedef struct entry {
    const char *name, *kind, *options;
    double rate, clip_value, clip_norm;
    bool quick; /* part of a quick run */
} entry;

enum { ADAMW, MUON, ROOT, ROOT_OPEN, NOISY_ONLY, MOST = 14 };
static const entry entries[] = {
    [ADAMW] = {"AdamW", "adamw", B1_ADAMW, 0.004, 0, 0, true},
    [MUON] = {"Muon", "muon", "", 0.01, 0, 0, true},
    [ROOT] = {"ROOT, q = 0.9", "root", "", 0.005, 0, 0, true},
    [ROOT_OPEN] = {"ROOT without clipping", "root", "quantile=1", 0.005, 0, 0, false},
    [NOISY_ONLY] = {"ROOT, q = 0.95", "root", "quantile=0.95", 0.005, 0, 0, false},
    {"ROOT, q = 0.8", "root", "quantile=0.8", 0.005, 0, 0, false},
    {"ROOT, q = 0.9, Muon's coefficients", "root", "coefficients=muon", 0.005, 0, 0, false},
    {"ROOT, q = 0.9, a triple a step", "root", "coefficients=each", 0.005, 0, 0, false},
    {"NorMuon", "normuon", "", 0.01, 0, 0, false},
    {"Muon, gradients clipped to norm 1", "muon", "", 0.01, 0, 1, false},
    {"Muon, entries clipped at 0.03", "muon", "", 0.01, 0.03, 0, false},
    {"Muon, entries clipped at 0.01", "muon", "", 0.01, 0.01, 0, true},
    {"Muon, entries clipped at 0.003", "muon", "", 0.01, 0.003, 0, false},
};
_Static_assert(NRM_CLAIM_COUNT(entries) <= MOST, "room for all");

/* The rates are half, once and twice the entry's; a quick run takes one, for its smaller network. */
static int list_contenders(b1_contender *c, int first, int last, double share, bool quick)
{
    int count = 0;

    for (int i = first; i < last; i++) {
        const entry *e = &entries[i];
        if (quick && !e->quick) continue;
        b1_contender *to = &c[count++];
        *to = (b1_contender){.name = e->name, .setup = b1_default(e->kind, e->options, e->rate)};
        to->setup.outliers = share;
        to->setup.clip_value = e->clip_value;
        to->setup.clip_norm = e->clip_norm;
        to->setup.curve_every = 20;
        for (int k = 0; k < (quick ? 1 : 3); k++) to->rates[k] = e->rate * (quick ? 1.5 : k == 0 ? 0.5 : k);
    }
    return count;
}

static const b1_outcome *find(const b1_contender *c, const b1_outcome *o, int count, int which)
{
    for (int i = 0; i < count; i++)
        if (strcmp(c[i].name, entries[which].name) == 0) return &o[i];
    return NULL;
}

/* a's KL over b's, seed by seed; an entry that a quick run leaves out is not measured. */
static void measure_ratio(nrm_reproduction *r, const char *claim, const b1_outcome *a, const b1_outcome *b)
{
    double ratios[B1_MOST_SEEDS];

    for (int k = 0; k < a->seeds; k++) ratios[k] = a->kl[k] / b->kl[k];
    nrm_measure_spread(r, claim, ratios, a->seeds);
    nrm_measure_reason(r, claim, "KL %.4f at rate %g against %.4f at rate %g.", a->mean, a->rate, b->mean, b->rate);
}

/* The best of the runs whose single entries were clipped before the momentum. */
static void measure_entries(nrm_reproduction *r, const b1_contender *c, const b1_outcome *o, int count)
{
    const b1_outcome *root = find(c, o, count, ROOT);
    int best = -1;

    for (int i = 0; i < count; i++)
        if (c[i].setup.clip_value > 0 && (best < 0 || o[i].mean < o[best].mean)) best = i;
    measure_ratio(r, "against-entries", root, &o[best]);
    nrm_measure_reason(r, "against-entries", "KL %.4f against %.4f of '%s'.", root->mean, o[best].mean, c[best].name);
}

nrm_status outliers(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int seeds = r->quick ? 1 : 3;
    b1_contender clean[MOST], noisy[MOST];
    b1_outcome clean_out[MOST], noisy_out[MOST];
    const int cleans = list_contenders(clean, 0, NOISY_ONLY, 0, r->quick);
    const int noisies = list_contenders(noisy, 0, NRM_CLAIM_COUNT(entries), SHARE, r->quick);
    b1_bench *bench;

    nrm_status st = b1_create_usual(r, ctx, &bench);
    if (st >= 0) st = b1_compare(bench, cleans, clean, seeds, clean_out);
    if (st >= 0) st = b1_compare(bench, noisies, noisy, seeds, noisy_out);
    if (st >= 0) {
        b1_show(bench, "Benchmark B1, clean gradients", "Best rate of three a factor 2 apart with the first seed, then all seeds "
                "with it. A quick run takes the middle rate, one seed, and hidden layers of half the width.", cleans, clean, clean_out);
        b1_show(bench, "Benchmark B1, outliers in the gradients", "The same with noise in one entry of 500.", noisies, noisy,
                noisy_out);
        const b1_outcome *root = find(noisy, noisy_out, noisies, ROOT), *clean_root = find(clean, clean_out, cleans, ROOT);
        measure_ratio(r, "outliers", root, find(noisy, noisy_out, noisies, MUON));
        measure_ratio(r, "outliers-adamw", root, find(noisy, noisy_out, noisies, ADAMW));
        measure_ratio(r, "clean", clean_root, find(clean, clean_out, cleans, MUON));
        measure_ratio(r, "clean-better", clean_root, find(clean, clean_out, cleans, MUON));
        measure_ratio(r, "clean-adamw", clean_root, find(clean, clean_out, cleans, ADAMW));
        measure_entries(r, noisy, noisy_out, noisies);
    }
    b1_destroy(bench);
    return st;
}

/* ---- Cost ------------------------------------------------------------------------------------------- */

nrm_status clip_cost(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { MUON_STEP, OPEN_STEP, CLIPPED_STEP, KINDS, SHAPES = 4 };
    static const int64_t shapes[SHAPES][2] = {{256, 256}, {512, 512}, {512, 2048}, {1024, 1024}};
    static const char *const columns[] = {"matrix", "Muon, ms", "ROOT without clipping, ms", "ROOT, ms", "clipping, %"};
    const int count = r->quick ? 1 : SHAPES;
    double ratios[SHAPES];

    nrm_table table = nrm_table_begin(r, "A step, one thread", "Medians of rounds in which all run in turn; f32.", columns, 5);
    for (int i = 0; i < count; i++) {
        b1_timed t[KINDS] = {{.name = "Muon", .kind = "muon", .options = ""},
                             {.name = "ROOT without clipping", .kind = "root", .options = "quantile=1"},
                             {.name = "ROOT", .kind = "root", .options = ""}};
        const nrm_status st = b1_time_steps(r, ctx, shapes[i][0], shapes[i][1], r->quick ? 5 : 11, KINDS, t);
        if (st < 0) return st;
        ratios[i] = t[CLIPPED_STEP].seconds / t[OPEN_STEP].seconds;
        nrm_cell_text(table, "%lld x %lld", (long long)shapes[i][0], (long long)shapes[i][1]);
        for (int k = 0; k < KINDS; k++) nrm_cell_text(table, "%.3g", 1e3 * t[k].seconds);
        nrm_cell_text(table, "%.1f", 100 * (ratios[i] - 1));
    }
    nrm_measure_spread(r, "clip-cost", ratios, count);
    return NRM_OK;
}
