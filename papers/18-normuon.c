/* 18-normuon.c -- what the paper on NorMuon claims, measured here.
 * Framework: reproduce.h; the benchmark: b1.h; regression, shards, time: 18-mechanism.c. */
#include "18-parts.h"
#include <math.h>

static const nrm_claim claims[] = {
    {.id = "below-adamw", .statement = "NorMuon ends below AdamW: KL over AdamW's, both at their best rate",
     .where = "abstract, in the direction; benchmark B1, limit of 8 %", .figure = "better", .unit = "x",
     .relation = NRM_AT_MOST, .holds = 0.92, .direction = 1},
    {.id = "muon-below-adamw", .statement = "So does Muon", .where = "the same", .figure = "better", .unit = "x",
     .relation = NRM_AT_MOST, .holds = 0.92, .direction = 1},
    {.id = "steps-adamw", .statement = "Steps saved: NorMuon reaches AdamW's final loss in a shorter run",
     .where = "abstract; 1.1B parameters", .figure = "21.74 %", .unit = "%", .relation = NRM_AT_LEAST, .holds = 20,
     .direction = 5},
    {.id = "below-muon", .statement = "NorMuon ends below Muon, seed by seed, where hidden layers are four and more times "
     "as tall as wide", .where = "abstract, in the direction; B1 with W2 512 x 64, Polar Express in both",
     .figure = "better", .unit = "of the seeds", .relation = NRM_TRUE, .holds = 1, .direction = 0.6},
    {.id = "steps-muon", .statement = "Steps saved against Muon, in the same setting", .where = "abstract; 1.1B parameters",
     .figure = "11.31 %", .unit = "%", .relation = NRM_AT_LEAST, .holds = 10, .direction = 0.5},
    {.id = "last-quarter", .statement = "Neurons with small gradients are learnt faster: error of the last quarter of the "
     "rows, Muon over NorMuon, at one rate for both", .where = "derived from the motivation; uneven regression", .figure = "",
     .unit = "x", .relation = NRM_AT_LEAST, .holds = 1.8, .direction = 1.1},
    {.id = "last-quarter-tuned", .statement = "and when each runs at the rate that is best for it over all rows",
     .where = "the same; a fair comparison", .figure = "", .unit = "x", .relation = NRM_AT_LEAST, .holds = 1.8, .direction = 1.1},
    {.id = "row-spread", .statement = "The rows of NorMuon's update have even lengths (longest over shortest)",
     .where = "figure 1, in words", .figure = "even", .unit = "x", .relation = NRM_AT_MOST, .holds = 2.5, .direction = 5},
    {.id = "condition", .statement = "and the update stays well conditioned", .where = "figure 1, in words", .figure = "low",
     .unit = "x", .relation = NRM_AT_MOST, .holds = 5, .direction = 10},
    {.id = "memory", .statement = "State is comparable to Muon's: one number a row more", .where = "abstract",
     .figure = "comparable", .unit = "x Muon's", .relation = NRM_AT_MOST, .holds = 1.02, .direction = 1.1},
    {.id = "overhead", .statement = "A step takes hardly longer than Muon's (median over the shapes)",
     .where = "overhead table; recalled, unverified", .figure = "about 3 %", .unit = "x", .relation = NRM_AT_MOST,
     .holds = 1.05, .direction = 1.15},
    {.id = "shard-norm", .statement = "Rescaling every shard by its own norm, as the reference code does, undoes much of "
     "the equalisation (relative deviation of the update)", .where = "derived; 2, 4 and 8 shards", .figure = "",
     .relation = NRM_AT_LEAST, .holds = 0.5, .direction = 0.1},
};

/* ---- The usual width ---------------------------------------------------------------------------- */

enum { ADAMW, MUON, MUON_PE, CODE, PAPER, EXACT, CONTENDERS }; /* a quick run: without the last */

static void contend(b1_contender *c, const char *name, const char *kind, const char *options, double rate, bool tune)
{
    *c = (b1_contender){.name = name, .setup = b1_default(kind, options, rate)};
    c->setup.curve_every = 20;
    for (int i = 0; i < (tune ? 3 : 1); i++) c->rates[i] = rate * (!tune ? 1 : i == 0 ? 0.5 : i);
}

static void list_contenders(b1_contender *c, bool quick)
{
    const double unit = quick ? 0.015 : 0.01;
    contend(&c[ADAMW], "AdamW", "adamw", B1_ADAMW, 0.4 * unit, !quick);
    contend(&c[MUON], "Muon", "muon", "", unit, !quick);
    contend(&c[MUON_PE], "Muon, Polar Express", "muon", "coefficients=polar_express", unit, !quick);
    contend(&c[CODE], "NorMuon", "normuon", "", unit, !quick);
    contend(&c[PAPER], "NorMuon, the paper's form", "normuon", "variant=paper", 0.5 * unit, !quick);
    contend(&c[EXACT], "Muon, exact polar factor", "muon", "coefficients=exact", unit, false);
}

static void measure_ratios(nrm_reproduction *r, const char *claim, const b1_outcome *above, const b1_outcome *below)
{
    double ratios[B1_MOST_SEEDS];
    for (int k = 0; k < above->seeds; k++) ratios[k] = above->kl[k] / below->kl[k];
    nrm_measure_spread(r, claim, ratios, above->seeds);
    nrm_measure_reason(r, claim, "KL %.4f at rate %g against %.4f at rate %g.", above->mean, above->rate, below->mean,
                       below->rate);
}

/* ---- Steps saved ------------------------------------------------------------------------------------- */

/* Runs `less` steps shorter at a time, each with its whole schedule, until the loss is no longer
 * below `level`; the length in between by the logarithm of the loss.  *saved: percent of c's
 * own length. */
static nrm_status steps_saved(b1_bench *bench, const b1_contender *c, double rate, int seed, int less, double own,
                              double level, double *saved)
{
    const int full = c->setup.steps;
    double longer = full, longer_kl = own;

    *saved = own > level ? -INFINITY : 100; /* it never gets there; no length was too short */
    for (int steps = full - less; own <= level && steps >= full / 4; steps -= less) {
        b1_setup setup = c->setup;
        b1_result result;
        setup.lr = rate;
        setup.seed = (uint64_t)seed;
        setup.steps = steps;
        setup.curve_every = 0;
        const nrm_status st = b1_train(bench, &setup, &result);
        if (st < 0) return st;
        if (result.kl > level) {
            const double share = log(level / longer_kl) / log(result.kl / longer_kl);
            *saved = 100 * (1 - (longer + share * (steps - longer)) / full);
            break;
        }
        longer = steps;
        longer_kl = result.kl;
    }
    return NRM_OK;
}

static nrm_status measure_saved(nrm_reproduction *r, b1_bench *bench, const char *claim, const b1_contender *c,
                                const b1_outcome *mine, const b1_outcome *other, int seeds)
{
    const int less = r->quick ? 40 : 20;
    double saved[B1_MOST_SEEDS];

    for (int k = 0; k < seeds; k++) {
        nrm_status st = nrm_step(r, claim, k, seeds);
        if (st >= 0) st = steps_saved(bench, c, mine->rate, k, less, mine->kl[k], other->kl[k], &saved[k]);
        if (st < 0) return st;
    }
    nrm_measure_spread(r, claim, saved, seeds);
    nrm_measure_reason(r, claim, "Runs of 400 steps and of %d fewer at a time, each with its whole schedule; -inf where the "
                       "full run does not get there.", less);
    return NRM_OK;
}

static nrm_status usual_width(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int seeds = r->quick ? 1 : 3, count = r->quick ? EXACT : CONTENDERS;
    b1_contender contenders[CONTENDERS];
    b1_outcome outcomes[CONTENDERS];
    b1_bench *bench;

    list_contenders(contenders, r->quick);
    nrm_status st = b1_create_usual(r, ctx, &bench);
    if (st >= 0) st = b1_compare(bench, count, contenders, seeds, outcomes);
    if (st >= 0) {
        b1_show(bench, "Benchmark B1", "400 steps; best rate of three a factor 2 apart with the first seed, then all seeds with "
                "it. A quick run takes the middle rate, one seed, and hidden layers of half the width.", count, contenders, outcomes);
        measure_ratios(r, "below-adamw", &outcomes[CODE], &outcomes[ADAMW]);
        measure_ratios(r, "muon-below-adamw", &outcomes[MUON], &outcomes[ADAMW]);
        nrm_measure(r, "memory", (double)outcomes[CODE].first.state_bytes / (double)outcomes[MUON].first.state_bytes);
        nrm_measure_reason(r, "memory", "%lld bytes against %lld, and %lld of AdamW, for W1, W2 and W3.",
                           (long long)outcomes[CODE].first.state_bytes, (long long)outcomes[MUON].first.state_bytes,
                           (long long)outcomes[ADAMW].first.state_bytes);
        st = measure_saved(r, bench, "steps-adamw", &contenders[CODE], &outcomes[CODE], &outcomes[ADAMW], seeds);
    }
    b1_destroy(bench);
    return st;
}

/* ---- Tall layers -------------------------------------------------------------------------------------- */

static nrm_status wide(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { WIDE_MUON, WIDE_NORMUON, WIDE_MUON_5, WIDE_NORMUON_5, WIDE_ADAMW, WIDE, SEEDS = B1_MOST_SEEDS };
    b1_contender c[WIDE];
    b1_outcome o[WIDE];
    b1_bench *bench;
    double better = 0, ratio[SEEDS];

    contend(&c[WIDE_MUON], "Muon, Polar Express", "muon", "coefficients=polar_express", 0.015, true);
    contend(&c[WIDE_NORMUON], "NorMuon, Polar Express", "normuon", "coefficients=polar_express", 0.015, true);
    contend(&c[WIDE_MUON_5], "Muon", "muon", "", 0.015, true);
    contend(&c[WIDE_NORMUON_5], "NorMuon", "normuon", "", 0.015, true);
    contend(&c[WIDE_ADAMW], "AdamW", "adamw", B1_ADAMW, 0.006, true);
    nrm_status st = b1_create(r, ctx, 64, 512, &bench);
    if (st >= 0) st = b1_compare(bench, WIDE, c, SEEDS, o);
    if (st >= 0) {
        b1_show(bench, "B1 with tall layers", "W1 64 x 64, W2 512 x 64, W3 64 x 512; else as before.", WIDE, c, o);
        for (int k = 0; k < SEEDS; k++) {
            ratio[k] = o[WIDE_NORMUON].kl[k] / o[WIDE_MUON].kl[k];
            better += ratio[k] < 1;
        }
        nrm_measure(r, "below-muon", better / SEEDS);
        nrm_measure_reason(r, "below-muon", "KL over Muon's: median %.4f over %d seeds.", nrm_median(ratio, SEEDS), SEEDS);
        st = measure_saved(r, bench, "steps-muon", &c[WIDE_NORMUON], &o[WIDE_NORMUON], &o[WIDE_MUON], SEEDS);
    }
    b1_destroy(bench);
    return st;
}

/* ---- The experiment ------------------------------------------------------------------------------------ */

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int threads = nrm_threads(ctx);
    nrm_status st = usual_width(r, ctx);
    if (r->quick) {
        nrm_not_measured(r, "below-muon", "a gain this small needs the seeds of a full run");
        nrm_not_measured(r, "steps-muon", "a gain this small needs the seeds of a full run");
    } else if (st >= 0) {
        st = wide(r, ctx);
    }
    if (st >= 0) st = nrm_set_threads(ctx, 1);
    if (st >= 0) st = mechanism(r, ctx);
    if (st >= 0) st = shards(r, ctx);
    if (st >= 0) st = overhead(r, ctx);
    if (st >= 0) st = nrm_set_threads(ctx, threads);
    nrm_note(r, "The paper trains language models of 124M to 5.4B parameters. Here the network has 74 thousand hidden "
                "weights: the direction of the comparison can be seen, its size cannot.");
    return st;
}

const nrm_paper nrm_paper_18 = {
    .number = 18,
    .about = "A small language model learns a known distribution, with the distance from it computed exactly (benchmark B1), "
             "under AdamW, Muon and NorMuon at their best rates and equal seeds; a regression whose neurons have gradients "
             "of very different sizes; and the time and memory of a step. One thread.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
