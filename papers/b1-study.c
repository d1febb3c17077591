/* b1-study.c -- several optimizers on benchmark B1 (b1.h): the best rate of each, then seeds. */
#include "b1-parts.h"
#include <math.h>

static int count_rates(const b1_contender *c)
{
    int n = 0;
    while (n < B1_MOST_RATES && c->rates[n] > 0) n++;
    return n;
}

typedef struct progress { int done, total; } progress;

static nrm_status train(b1_bench *bench, const b1_contender *c, double rate, int seed, progress *p, b1_result *result)
{
    b1_setup setup = c->setup;
    const nrm_status st = nrm_step(bench->r, c->name, p->done++, p->total);
    if (st < 0) return st;
    setup.lr = rate;
    setup.seed = (uint64_t)seed;
    return b1_train(bench, &setup, result);
}

static nrm_status study(b1_bench *bench, const b1_contender *c, int seeds, progress *p, b1_outcome *out)
{
    const int rates = count_rates(c);
    double seconds[B1_MOST_SEEDS];
    b1_result result;
    int best = 0;

    *out = (b1_outcome){.seeds = seeds, .least = INFINITY, .most = -INFINITY};
    for (int k = 0; k < rates; k++) {
        const nrm_status st = train(bench, c, c->rates[k], 0, p, &result);
        if (st < 0) return st;
        out->rate_kl[k] = result.kl;
        if (k > 0 && !(result.kl < out->rate_kl[best])) continue;
        best = k;
        out->first = result;
    }
    out->rate = c->rates[best];
    out->at_edge = rates > 1 && (best == 0 || best == rates - 1);
    for (int k = 0; k < seeds; k++) {
        if (k == 0) {
            result = out->first;
        } else {
            const nrm_status st = train(bench, c, out->rate, k, p, &result);
            if (st < 0) return st;
        }
        out->kl[k] = result.kl;
        out->mean += result.kl / seeds;
        out->least = fmin(out->least, result.kl);
        out->most = fmax(out->most, result.kl);
        seconds[k] = result.matrix_seconds;
    }
    out->matrix_seconds = nrm_median(seconds, seeds);
    return NRM_OK;
}

nrm_status b1_compare(b1_bench *bench, int count, const b1_contender *contenders, int seeds, b1_outcome *outcomes)
{
    progress p = {0, 0};

    if (seeds < 1 || seeds > B1_MOST_SEEDS) return NRM_E_RANGE;
    for (int c = 0; c < count; c++) {
        if (count_rates(&contenders[c]) == 0) return NRM_E_ARGUMENT;
        p.total += count_rates(&contenders[c]) + seeds - 1;
    }
    for (int c = 0; c < count; c++) {
        const nrm_status st = study(bench, &contenders[c], seeds, &p, &outcomes[c]);
        if (st < 0) return st;
    }
    return NRM_OK;
}

void b1_show(b1_bench *bench, const char *title, const char *caption, int count, const b1_contender *contenders,
             const b1_outcome *outcomes)
{
    static const char *const columns[] = {"optimizer", "rate", "KL, mean of the seeds", "least", "most",
                                          "ms a step of the optimizer", "state / parameters"};
    nrm_table table = nrm_table_begin(bench->r, title, caption, columns, NRM_CLAIM_COUNT(columns));
    bool curves = false;

    for (int c = 0; c < count; c++) {
        const b1_outcome *o = &outcomes[c];
        nrm_cell_text(table, "%s", contenders[c].name);
        nrm_cell_text(table, "%g%s", o->rate, o->at_edge ? " (end of the grid)" : "");
        nrm_cell_text(table, "%.4f", o->mean);
        nrm_cell_text(table, "%.4f", o->least);
        nrm_cell_text(table, "%.4f", o->most);
        nrm_cell_text(table, "%.3g", 1e3 * o->matrix_seconds / contenders[c].setup.steps);
        nrm_cell_text(table, "%.3f", (double)o->first.state_bytes / (double)o->first.parameter_bytes);
        curves = curves || o->first.points > 2;
    }
    if (!curves) return;
    nrm_plot plot = nrm_plot_begin(bench->r, &(nrm_plot_options){.title = title, .caption = "The first seed, at the best rate.",
        .x_label = "step", .y_label = "KL", .y_log = true});
    for (int c = 0; c < count; c++) {
        const b1_result *first = &outcomes[c].first;
        if (first->points > 2 && isfinite(first->kl)) nrm_plot_line(plot, contenders[c].name, first->at, first->curve, first->points);
    }
}
