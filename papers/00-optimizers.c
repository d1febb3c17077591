/* 00-optimizers.c -- the page "optimizers": every optimizer of the library trains the same small
 * GPT on the same tokens, each at the best of its own few rates.  Framework: reproduce.h. */
#include "00-gpt.h"
#include <math.h>

enum { RATES = 3, SEEDS = 3, KINDS = nrm_optimizer_kind_count };

static const nrm_claim claims[] = {
    {.id = "normuon-adamw", .statement = "NorMuon reaches AdamW's last loss in fewer steps",
     .where = "paper 18, abstract; 1.1 billion parameters", .figure = "21.74 % fewer", .unit = "% fewer steps",
     .relation = NRM_AT_LEAST, .holds = 20, .direction = 1},
    {.id = "normuon-muon", .statement = "NorMuon reaches Muon's last loss in fewer steps", .where = "paper 18, abstract",
     .figure = "11.31 % fewer", .unit = "% fewer steps", .relation = NRM_AT_LEAST, .holds = 10, .direction = 1},
    {.id = "normuon-time", .statement = "A step of NorMuon takes hardly longer than one of Muon",
     .where = "paper 18, overhead table", .figure = "about 3 %", .unit = "x", .relation = NRM_AT_MOST, .holds = 1.03,
     .direction = 1.15},
    {.id = "orthogonal", .statement = "Muon, NorMuon, ROOT and Hybrid-AuON all end below AdamW",
     .where = "papers 04, 07, 18: loss tables", .figure = "lower", .unit = "of all pairs of runs", .relation = NRM_TRUE, .direction = 0.75},
    {.id = "hybrid-muon", .statement = "Hybrid-AuON with five steps ends where Muon ends", .where = "paper 07, table 1",
     .figure = "1.04 and 1.04", .unit = "ratio of perplexities", .relation = NRM_AT_MOST, .holds = 1.01, .direction = 1.03},
    {.id = "auon-adamw", .statement = "AuON, without a product of matrices, ends near AdamW", .where = "paper 07, section 4.2 (images)",
     .figure = "equal accuracy", .unit = "ratio of perplexities", .relation = NRM_AT_MOST, .holds = 1.03, .direction = 1.1},
    {.id = "dct-ldadam", .statement = "DCT-AdamW ends no higher than LDAdam", .where = "paper 14, table of the 800M run",
     .figure = "13.69 and 13.91", .unit = "ratio of perplexities", .relation = NRM_AT_MOST, .holds = 1, .direction = 1.04},
    {.id = "dct-adamw", .statement = "DCT-AdamW stays near AdamW of full rank", .where = "paper 14, table of the 800M run",
     .figure = "13.69 and 11.73", .unit = "ratio of perplexities", .relation = NRM_AT_MOST, .holds = 1.17, .direction = 1.25},
    {.id = "trion-dion", .statement = "Trion, with columns of a DCT, ends below Dion, with power steps and QR",
     .where = "paper 14, table 1", .figure = "15.30 and 15.64", .unit = "ratio of perplexities", .relation = NRM_AT_MOST,
     .holds = 0.98, .direction = 1},
    {.id = "trion-muon", .statement = "Trion ends near Muon, which keeps all directions", .where = "paper 14, table 1",
     .figure = "15.30 and 14.99", .unit = "ratio of perplexities", .relation = NRM_AT_MOST, .holds = 1.03, .direction = 1.1},
};

/* ---- Contenders ------------------------------------------------------------------------------------ */

/* Options and rates of every kind.  Low rank is the usual one: a quarter of full rank. */
typedef struct setting { const char *options; double rates[RATES]; } setting;
static const setting settings[KINDS] = {
    [NRM_OPTIMIZER_SGD] = {"momentum=0.9 nesterov=1", {0.1, 0.3, 1}},
    [NRM_OPTIMIZER_ADAMW] = {"beta2=0.99", {4e-3, 8e-3, 1.6e-2}},
    [NRM_OPTIMIZER_LION] = {"", {1.5e-3, 3e-3, 6e-3}},
    [NRM_OPTIMIZER_MUON] = {"", {0.01, 0.02, 0.04}},
    [NRM_OPTIMIZER_NORMUON] = {"", {0.01, 0.02, 0.04}},
    [NRM_OPTIMIZER_ROOT] = {"", {0.01, 0.02, 0.04}},
    [NRM_OPTIMIZER_AUON] = {"", {0.025, 0.05, 0.1}},
    [NRM_OPTIMIZER_HYBRID_AUON] = {"variant=repo hybrid_steps=5", {0.02, 0.04, 0.08}},
    [NRM_OPTIMIZER_DCT_ADAMW] = {"", {8e-3, 1.6e-2, 3.2e-2}},
    [NRM_OPTIMIZER_TRION] = {"", {0.02, 0.04, 0.08}},
    [NRM_OPTIMIZER_GALORE] = {"", {0.032, 0.064, 0.128}},
    [NRM_OPTIMIZER_LDADAM] = {"", {8e-3, 1.6e-2, 3.2e-2}},
    [NRM_OPTIMIZER_FRUGAL] = {"", {4e-3, 8e-3, 1.6e-2}},
    [NRM_OPTIMIZER_FIRA] = {"", {1.6e-2, 3.2e-2, 6.4e-2}},
    [NRM_OPTIMIZER_DION] = {"", {0.01, 0.02, 0.04}},
};

typedef struct contender {
    const char *kind, *options;
    const double *rates;
    double tried[RATES];  /* last loss of every rate, seed 0 */
    int best;
    gpt_result runs[SEEDS];
    double loss, least, most, steps_saved, seconds, network; /* medians over the seeds */
} contender;

typedef struct page {
    nrm_reproduction *r;
    nrm_ctx *ctx;
    gpt_bench *bench;
    gpt_about about;
    int seeds;
    contender *all;
} page;

static nrm_status list_contenders(page *p)
{
    p->all = nrm_scratch(p->r, KINDS, sizeof *p->all);
    if (!p->all) return NRM_E_NOMEM;
    for (int i = 0; i < KINDS; i++) {
        contender *c = &p->all[i];
        c->kind = nrm_optimizer_kind_name((nrm_optimizer_kind)i);
        c->rates = settings[i].rates;
        c->options = settings[i].options;
    }
    return NRM_OK;
}

/* ---- Runs -------------------------------------------------------------------------------------------- */

/* The rates with seed 0 (a quick run: the middle one alone), the best again with the others. */
static nrm_status train(page *p, int which)
{
    contender *c = &p->all[which];
    const int first = p->r->quick ? RATES / 2 : 0, end = p->r->quick ? first + 1 : RATES;
    const double runs = KINDS * (end - first + p->seeds - 1);
    double done = which * (end - first + p->seeds - 1);

    c->best = first;
    for (int k = 0; k < RATES; k++) c->tried[k] = NAN;
    for (int k = first; k < end; k++) {
        gpt_result result;
        nrm_status st = nrm_step(p->r, c->kind, done++, runs);
        if (st >= 0) st = gpt_run(p->bench, c->kind, c->options, c->rates[k], 0, &result);
        if (st < 0) return st;
        c->tried[k] = result.last;
        if (k > first && !(result.last < c->tried[c->best])) continue;
        c->best = k;
        c->runs[0] = result;
    }
    for (int s = 1; s < p->seeds; s++) {
        nrm_status st = nrm_step(p->r, c->kind, done++, runs);
        if (st >= 0) st = gpt_run(p->bench, c->kind, c->options, c->rates[c->best], (uint64_t)s, &c->runs[s]);
        if (st < 0) return st;
    }
    return NRM_OK;
}

/* ---- What comes out ------------------------------------------------------------------------------------ */

/* The step, between those that were measured, where a run first is at `loss`; NaN: never. */
static double steps_to(const gpt_result *run, double loss)
{
    for (int i = 1; i < GPT_POINTS; i++) {
        if (!(run->loss[i] <= loss)) continue;
        const double before = run->loss[i - 1], share = before > loss ? (before - loss) / (before - run->loss[i]) : 0;
        return run->at[i - 1] + share * (run->at[i] - run->at[i - 1]);
    }
    return NAN;
}

/* Steps, in per cent of all, that `run` needs fewer than `other` to other's last loss; where it
 * never gets there, minus those that other needs fewer to run's. */
static double saved(const gpt_result *run, const gpt_result *other)
{
    const double all = run->at[GPT_POINTS - 1], ahead = steps_to(run, other->last), behind = steps_to(other, run->last);
    return isfinite(ahead) ? 100 * (1 - ahead / all) : 100 * (behind / all - 1);
}

static void summarise(page *p)
{
    const contender *adamw = &p->all[NRM_OPTIMIZER_ADAMW];
    for (int i = 0; i < KINDS; i++) {
        contender *c = &p->all[i];
        double loss[SEEDS], gain[SEEDS], seconds[SEEDS], network[SEEDS];
        c->least = INFINITY;
        c->most = 0;
        for (int s = 0; s < p->seeds; s++) {
            loss[s] = c->runs[s].last;
            gain[s] = saved(&c->runs[s], &adamw->runs[s]);
            seconds[s] = c->runs[s].matrix_seconds;
            network[s] = c->runs[s].network_seconds + c->runs[s].rest_seconds;
            c->least = fmin(c->least, loss[s]);
            c->most = fmax(c->most, loss[s]);
        }
        c->loss = nrm_median(loss, p->seeds);
        c->steps_saved = nrm_median(gain, p->seeds);
        c->seconds = nrm_median(seconds, p->seeds);
        c->network = nrm_median(network, p->seeds);
    }
}

static void show_table(page *p)
{
    static const char *const columns[] = {"optimizer", "rate", "last loss", "least", "most", "steps saved, %", "ms a step",
                                          "of these its own", "share, %", "state, bytes", "numbers a weight"};
    nrm_table t = nrm_table_begin(p->r, "Every optimizer at its best rate",
        "Medians over the seeds. Loss: nats a byte on the validation part. Steps saved: fewer than AdamW needs, on the way to AdamW's last "
        "loss. Own time and state are those of the hidden matrices.", columns, 11);
    for (int i = 0; i < KINDS; i++) {
        const contender *c = &p->all[i];
        nrm_cell_text(t, "%s", c->kind);
        nrm_cell_number(t, c->rates[c->best]);
        nrm_cell_text(t, "%.4f", c->loss);
        nrm_cell_text(t, "%.4f", c->least);
        nrm_cell_text(t, "%.4f", c->most);
        nrm_cell_text(t, i == NRM_OPTIMIZER_ADAMW ? "0" : "%.1f", c->steps_saved);
        nrm_cell_text(t, "%.2f", 1e3 * (c->seconds + c->network));
        nrm_cell_text(t, "%.3f", 1e3 * c->seconds);
        nrm_cell_text(t, "%.1f", 100 * c->seconds / (c->seconds + c->network));
        nrm_cell_number(t, (double)c->runs[0].state_bytes);
        nrm_cell_text(t, "%.2f", (double)c->runs[0].state_bytes / (4.0 * (double)p->about.matrix_parameters));
    }
}

static void show_rates(page *p)
{
    static const char *const columns[] = {"optimizer", "options", "rate", "loss", "rate", "loss", "rate", "loss"};
    nrm_table t = nrm_table_begin(p->r, "Rates tried", "Last loss with the first seed; infinity: the run diverged.", columns, 8);
    for (int i = 0; i < KINDS; i++) {
        const contender *c = &p->all[i];
        nrm_cell_text(t, "%s", c->kind);
        nrm_cell_text(t, "%s", *c->options ? c->options : "usual");
        for (int k = 0; k < RATES; k++) {
            nrm_cell_number(t, c->rates[k]);
            nrm_cell_text(t, "%.4f", c->tried[k]);
        }
        if (c->best == 0 || c->best == RATES - 1)
            nrm_note(p->r, "%s: the best rate, %g, is the %s one tried; a wider grid might find a better one.", c->kind,
                     c->rates[c->best], c->best == 0 ? "least" : "greatest");
    }
}

static void show_curves(page *p, const char *title, int count, const nrm_optimizer_kind *kinds)
{
    double middle[GPT_POINTS], low[GPT_POINTS], high[GPT_POINTS];
    nrm_plot plot = nrm_plot_begin(p->r, &(nrm_plot_options){.title = title, .x_label = "steps", .y_label = "validation loss, nats a byte",
        .caption = "Each at its best rate; the line is the median of the seeds, the band their range."});
    for (int k = 0; k < count; k++) {
        const contender *c = &p->all[kinds[k]];
        for (int i = 0; i < GPT_POINTS; i++) {
            double loss[SEEDS];
            for (int s = 0; s < p->seeds; s++) loss[s] = c->runs[s].loss[i];
            middle[i] = nrm_median(loss, p->seeds);
            low[i] = high[i] = middle[i];
            for (int s = 0; s < p->seeds; s++) low[i] = fmin(low[i], loss[s]), high[i] = fmax(high[i], loss[s]);
        }
        /* From the second point on: the start, equal for all, would flatten the rest. */
        nrm_plot_band(plot, c->kind, c->runs[0].at + 1, middle + 1, low + 1, high + 1, GPT_POINTS - 1);
    }
}

static void show_costs(page *p)
{
    const char *labels[KINDS];
    double seconds[KINDS], state[KINDS];
    for (int i = 0; i < KINDS; i++) {
        labels[i] = p->all[i].kind;
        seconds[i] = 1e3 * p->all[i].seconds;
        state[i] = (double)p->all[i].runs[0].state_bytes / (4.0 * (double)p->about.matrix_parameters);
    }
    nrm_plot time = nrm_plot_begin(p->r, &(nrm_plot_options){.title = "Time of the optimizer", .x_label = "", .y_label = "ms a step",
        .caption = "Hidden matrices alone, measured during the runs.", .y_from_zero = true});
    nrm_plot_bars(time, "its own step", labels, seconds, KINDS);
    nrm_plot memory = nrm_plot_begin(p->r, &(nrm_plot_options){.title = "Memory of the optimizer", .x_label = "",
        .y_label = "state: numbers a weight", .caption = "Buffers of error feedback are counted.", .y_from_zero = true});
    nrm_plot_bars(memory, "state", labels, state, KINDS);
}

/* ---- Claims -------------------------------------------------------------------------------------------- */

static void claim_saved(page *p, const char *id, nrm_optimizer_kind kind, nrm_optimizer_kind of)
{
    const contender *c = &p->all[kind], *other = &p->all[of];
    double value[SEEDS];
    for (int s = 0; s < p->seeds; s++) value[s] = saved(&c->runs[s], &other->runs[s]);
    nrm_measure_spread(p->r, id, value, p->seeds);
    nrm_measure_reason(p->r, id, "Last losses %.4f (%s) and %.4f (%s) after %lld steps of %lld tokens with %lld weights in matrices.", c->loss,
                       c->kind, other->loss, other->kind, (long long)p->about.steps, (long long)(p->about.batch * p->about.context),
                       (long long)p->about.matrix_parameters);
}

static void claim_perplexity(page *p, const char *id, nrm_optimizer_kind kind, nrm_optimizer_kind of)
{
    const contender *c = &p->all[kind], *other = &p->all[of];
    double value[SEEDS];
    for (int s = 0; s < p->seeds; s++) value[s] = exp(c->runs[s].last - other->runs[s].last);
    nrm_measure_spread(p->r, id, value, p->seeds);
    nrm_measure_reason(p->r, id, "Perplexities of a byte: %.3f (%s) and %.3f (%s).", exp(c->loss), c->kind, exp(other->loss), other->kind);
}

static void claim_orthogonal(page *p)
{
    static const nrm_optimizer_kind kinds[] = {NRM_OPTIMIZER_MUON, NRM_OPTIMIZER_NORMUON, NRM_OPTIMIZER_ROOT, NRM_OPTIMIZER_HYBRID_AUON};
    const contender *adamw = &p->all[NRM_OPTIMIZER_ADAMW];
    int below = 0;
    for (int k = 0; k < NRM_CLAIM_COUNT(kinds); k++)
        for (int s = 0; s < p->seeds; s++) below += p->all[kinds[k]].runs[s].last < adamw->runs[s].last;
    nrm_measure(p->r, "orthogonal", (double)below / (p->seeds * NRM_CLAIM_COUNT(kinds)));
}

/* Muon and NorMuon in turn, on the widest matrix of a layer. */
static nrm_status claim_time(page *p)
{
    enum { REPEATS = 5 };
    double ratio[REPEATS];
    b1_timed timed[] = {{.name = "Muon", .kind = "muon", .options = ""}, {.name = "NorMuon", .kind = "normuon", .options = ""}};

    for (int k = 0; k < REPEATS; k++) {
        const nrm_status st = b1_time_steps(p->r, p->ctx, 4 * p->about.width, p->about.width, 5, 2, timed);
        if (st < 0) return st;
        ratio[k] = timed[1].seconds / timed[0].seconds;
    }
    nrm_measure_spread(p->r, "normuon-time", ratio, REPEATS);
    nrm_measure_reason(p->r, "normuon-time", "%.3f ms (NorMuon) and %.3f ms (Muon) on %lld x %lld.", 1e3 * timed[1].seconds, 1e3 * timed[0].seconds,
                       (long long)(4 * p->about.width), (long long)p->about.width);
    return NRM_OK;
}

static nrm_status judge(page *p)
{
    claim_saved(p, "normuon-adamw", NRM_OPTIMIZER_NORMUON, NRM_OPTIMIZER_ADAMW);
    claim_saved(p, "normuon-muon", NRM_OPTIMIZER_NORMUON, NRM_OPTIMIZER_MUON);
    claim_orthogonal(p);
    claim_perplexity(p, "hybrid-muon", NRM_OPTIMIZER_HYBRID_AUON, NRM_OPTIMIZER_MUON);
    claim_perplexity(p, "auon-adamw", NRM_OPTIMIZER_AUON, NRM_OPTIMIZER_ADAMW);
    claim_perplexity(p, "dct-ldadam", NRM_OPTIMIZER_DCT_ADAMW, NRM_OPTIMIZER_LDADAM);
    claim_perplexity(p, "dct-adamw", NRM_OPTIMIZER_DCT_ADAMW, NRM_OPTIMIZER_ADAMW);
    claim_perplexity(p, "trion-dion", NRM_OPTIMIZER_TRION, NRM_OPTIMIZER_DION);
    claim_perplexity(p, "trion-muon", NRM_OPTIMIZER_TRION, NRM_OPTIMIZER_MUON);
    return claim_time(p);
}

/* ---- The experiment -------------------------------------------------------------------------------------- */

static nrm_status train_all(page *p)
{
    static const nrm_optimizer_kind classes[] = {NRM_OPTIMIZER_ADAMW, NRM_OPTIMIZER_SGD, NRM_OPTIMIZER_LION, NRM_OPTIMIZER_AUON,
                                                 NRM_OPTIMIZER_MUON};
    static const nrm_optimizer_kind orthogonal[] = {NRM_OPTIMIZER_ADAMW, NRM_OPTIMIZER_MUON, NRM_OPTIMIZER_NORMUON,
                                                    NRM_OPTIMIZER_ROOT, NRM_OPTIMIZER_HYBRID_AUON};
    static const nrm_optimizer_kind adaptive[] = {NRM_OPTIMIZER_ADAMW, NRM_OPTIMIZER_DCT_ADAMW, NRM_OPTIMIZER_GALORE,
                                                  NRM_OPTIMIZER_LDADAM, NRM_OPTIMIZER_FRUGAL, NRM_OPTIMIZER_FIRA};
    static const nrm_optimizer_kind momenta[] = {NRM_OPTIMIZER_ADAMW, NRM_OPTIMIZER_MUON, NRM_OPTIMIZER_TRION,
                                                 NRM_OPTIMIZER_DION};
    const gpt_about *a = &p->about;

    nrm_status st = list_contenders(p);
    for (int i = 0; i < KINDS && st >= 0; i++) st = train(p, i);
    if (st < 0) return st;
    summarise(p);
    show_curves(p, "Loss: entry by entry, normalised, orthogonalised", NRM_CLAIM_COUNT(classes), classes);
    show_curves(p, "Loss: Muon and its relatives", NRM_CLAIM_COUNT(orthogonal), orthogonal);
    show_curves(p, "Loss: AdamW's state at low rank", NRM_CLAIM_COUNT(adaptive), adaptive);
    show_curves(p, "Loss: momenta of low rank", NRM_CLAIM_COUNT(momenta), momenta);
    show_costs(p);
    show_table(p);
    show_rates(p);
    nrm_note(p->r, "Text: %s, %lld bytes, %lld different ones, the last tenth for validation. GPT of %lld layers, width %lld, context %lld: %lld "
             "numbers, %lld of them in hidden matrices. %lld steps of %lld tokens, %d seed%s; the rate rises in the first twentieth and falls to 0 "
             "in the last two fifths. No weight decay; gradients are clipped to norm 1. One thread.", a->text, (long long)a->bytes, (long long)a->vocabulary, (long long)a->layers,
             (long long)a->width, (long long)a->context, (long long)a->parameters, (long long)a->matrix_parameters, (long long)a->steps,
             (long long)(a->batch * a->context), p->seeds, p->seeds > 1 ? "s" : "");
    nrm_note(p->r, "Embeddings, biases and norms are AdamW's in every run, at the same rate. The papers train models ten thousand times as large on "
             "a thousand times as many tokens; what is compared here is the order, not the distance.");
    return judge(p);
}

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    page p = {.r = r, .ctx = ctx, .seeds = r->quick ? 1 : SEEDS};

    nrm_status st = gpt_create(r, ctx, &p.bench);
    if (st < 0) return st;
    p.about = gpt_describe(p.bench);
    st = train_all(&p);
    gpt_destroy(p.bench);
    return st;
}

const nrm_paper nrm_paper_optimizers = {
    .slug = "optimizers",
    .title = "Optimizers side by side on a small GPT",
    .about = "A small GPT learns a real text, byte by byte, with every optimizer of the library: the same initial "
             "weights, the same tokens, each optimizer at the best of three rates, the best again with two more seeds. With --data the text is "
             "Shakespeare, else Norma's own documents.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
