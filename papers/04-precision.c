/* 04-precision.c -- how near Newton-Schulz steps come to the polar factor: by shape, and on the
 * momenta of a training run.  Claims: 04-root.c.
 *
 * A matrix of singular values sigma_i (over its Frobenius norm) is brought to relative distance
 *     error = sqrt(mean_i (p(sigma_i / divisor) - 1)^2)                                     (1)
 * from its polar factor, p being the composed polynomial; singular vectors stay. */
#include "04-parts.h"
#include <math.h>
#include <norma/orthogonalize.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 5, MOST_SNAPSHOTS = 24 };

/* ---- Coefficients from the library ------------------------------------------------------------ */

typedef struct fit {
    double triple[STEPS][3];
    nrm_orthogonalize_coefficients_info info;
} fit;

/* For a shape (rows 0: none), for a list of singular values (count 0: none), or half for each. */
static nrm_status find(nrm_ctx *ctx, nrm_orthogonalize_coefficients_kind kind, int64_t rows, int64_t cols, int64_t count,
                       const double *sigma, fit *found)
{
    nrm_orthogonalize_coefficients_options o = nrm_orthogonalize_coefficients_options_default();
    o.kind = kind;
    o.steps = STEPS;
    o.rows = rows;
    o.cols = cols;
    o.allow_unbounded = true;
    return nrm_orthogonalize_coefficients(ctx, count, sigma, found->triple[0], &found->info, &o);
}

/* (1) */
static double distance(const fit *f, int64_t count, const double *sigma)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++) {
        double x = sigma[i] / f->info.divisor;
        for (int k = 0; k < STEPS; k++) {
            const double *p = f->triple[k], s = x * x;
            x *= p[0] + s * (p[1] + s * p[2]);
        }
        sum += (x - 1) * (x - 1);
    }
    return sqrt(sum / (double)count);
}

/* ---- By shape ------------------------------------------------------------------------------------- */

static const struct { int64_t s, l; } shapes[] = {
    {64, 64}, {64, 256}, {128, 128}, {128, 256}, {256, 256}, {512, 512}, {512, 2048}, {768, 3072}, {1024, 4096},
    {2048, 2048}, {2048, 3072}, {2048, 8192}, {2048, 16384}};
enum { SHAPES = NRM_CLAIM_COUNT(shapes) };
static const int pairs[][2] = {{0, 1}, {2, 3}, {5, 6}, {9, 11}}; /* square, and a rectangle with that short side */

static nrm_status by_shape(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const char *const columns[] = {"shape", "a", "b", "c", "fitted", "Muon", "classic", "Polar Express",
                                          "largest value on the way"};
    static char names[SHAPES][32];
    const char *labels[SHAPES];
    double fitted[SHAPES], muon[SHAPES], polar[SHAPES], gain[SHAPES], harder = 0;

    nrm_table table = nrm_table_begin(r, "Distance from the polar factor by shape", "Relative to it, after five steps; singular "
                                      "values of Gaussian matrices (Marchenko-Pastur).", columns, NRM_CLAIM_COUNT(columns));
    for (int i = 0; i < SHAPES; i++) {
        fit f;
        nrm_status st = nrm_step(r, "shapes", i, SHAPES);
        if (st >= 0) st = find(ctx, NRM_ORTHOGONALIZE_COEFFICIENTS_FIT, shapes[i].s, shapes[i].l, 0, NULL, &f);
        if (st < 0) return st;
        fitted[i] = f.info.error;
        muon[i] = f.info.error_muon;
        polar[i] = f.info.error_polar_express;
        gain[i] = muon[i] / fitted[i];
        snprintf(names[i], sizeof names[i], "%lld x %lld", (long long)shapes[i].s, (long long)shapes[i].l);
        labels[i] = names[i];
        nrm_cell_text(table, "%s", names[i]);
        for (int k = 0; k < 3; k++) nrm_cell_text(table, "%.4f", f.triple[0][k]);
        nrm_cell_text(table, "%.4f", fitted[i]);
        nrm_cell_text(table, "%.4f", muon[i]);
        nrm_cell_text(table, "%.4f", f.info.error_quintic_classic);
        nrm_cell_text(table, "%.4f", polar[i]);
        nrm_cell_text(table, "%.3f", f.info.sup);
    }
    int worst = 0;
    for (int i = 1; i < SHAPES; i++)
        if (gain[i] < gain[worst]) worst = i;
    nrm_measure(r, "shapes", gain[worst]);
    nrm_measure_reason(r, "shapes", "Least at %s; median over the shapes %.1f.", names[worst], nrm_median(gain, SHAPES));
    for (int i = 0; i < NRM_CLAIM_COUNT(pairs); i++) harder += fitted[pairs[i][0]] > fitted[pairs[i][1]];
    nrm_measure(r, "square", harder / NRM_CLAIM_COUNT(pairs));
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "Distance from the polar factor by shape",
        .caption = "Five steps on Gaussian matrices.", .x_label = "matrix", .y_label = "relative distance", .y_from_zero = true});
    nrm_plot_bars(p, "fitted to the shape", labels, fitted, SHAPES);
    nrm_plot_bars(p, "Muon", labels, muon, SHAPES);
    nrm_plot_bars(p, "Polar Express", labels, polar, SHAPES);
    return NRM_OK;
}

/* The four triples of the reference code. */
static nrm_status published(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const int64_t columns[] = {2048, 3072, 8192, 16384};
    double sup[4];
    int worst = 0;
    fit f[4];

    for (int i = 0; i < 4; i++) {
        const nrm_status st = find(ctx, NRM_ORTHOGONALIZE_COEFFICIENTS_TABLE, 2048, columns[i], 0, NULL, &f[i]);
        if (st < 0) return st;
        sup[i] = f[i].info.sup;
        if (sup[i] > sup[worst]) worst = i;
    }
    nrm_measure(r, "bounded", sup[worst]);
    nrm_measure_reason(r, "bounded", "The triple for 2048 x %lld takes %.3f to %.2f; the others stay below %.2f.",
                       (long long)columns[worst], f[worst].info.sup_at, sup[worst], sup[worst == 0 ? 1 : 0] + 0.005);
    nrm_note(r, "Errors of the published triples on Gaussian matrices of their shapes: %.3f, %.3f, %.3f and %.3f.",
             f[0].info.error, f[1].info.error, f[2].info.error, f[3].info.error);
    return NRM_OK;
}

/* ---- Momenta of a run --------------------------------------------------------------------------------- */

/* The singular values of one layer's momenta, snapshot after snapshot. */
typedef struct layer {
    int64_t rows, cols;
    double *sigma;
    int64_t end[MOST_SNAPSHOTS]; /* of each snapshot's */
} layer;

typedef struct album {
    layer layers[B1_MATRICES];
    double step[MOST_SNAPSHOTS];
    int snapshots;
    float *u;
    double *work, *sigma;
} album;

static const float *momentum_of(nrm_optimizer *optimizer, const char *tensor)
{
    char wanted[64];
    const char *name;
    nrm_array view;

    snprintf(wanted, sizeof wanted, "muon.m:%s", tensor);
    for (int64_t i = 0; nrm_optimizer_state_at(optimizer, i, &name, &view); i++)
        if (strcmp(name, wanted) == 0) return view.data;
    return NULL;
}

/* What Muon orthogonalised in this step: U = 0.05 G + 0.95 M.  Singular values below the
 * rounding of its numbers are zeros, and are left out. */
static nrm_status photograph(nrm_ctx *ctx, void *user, const b1_moment *moment)
{
    album *a = user;
    (void)ctx;

    if (a->snapshots == MOST_SNAPSHOTS || moment->step == 1) return NRM_OK; /* the head is zero then: no gradient yet */
    for (int k = 0; k < B1_MATRICES; k++) {
        layer *l = &a->layers[k];
        const int64_t size = l->rows * l->cols, s = l->rows < l->cols ? l->rows : l->cols;
        const float *m = momentum_of(moment->optimizer, moment->tensors[k].name);
        int64_t count = a->snapshots > 0 ? l->end[a->snapshots - 1] : 0;
        double square = 0;
        if (!m) return NRM_E_INTERNAL;
        for (int64_t i = 0; i < size; i++) a->u[i] = 0.05f * moment->gradients[k][i] + 0.95f * m[i];
        b1_singular_values(l->rows, l->cols, a->u, a->work, a->sigma);
        for (int64_t i = 0; i < s; i++) square += a->sigma[i] * a->sigma[i];
        for (int64_t i = 0; i < s; i++)
            if (a->sigma[i] > 1e-7 * sqrt(square)) l->sigma[count++] = a->sigma[i] / sqrt(square);
        l->end[a->snapshots] = count;
    }
    a->step[a->snapshots++] = moment->step;
    return NRM_OK;
}

static nrm_status take_pictures(nrm_reproduction *r, nrm_ctx *ctx, album *a)
{
    static const int64_t sizes[B1_MATRICES][2] = {{128, 64}, {256, 128}, {128, 256}};
    b1_setup setup = b1_default("muon", "", 0.01);
    b1_result result;
    b1_bench *bench;

    memset(a, 0, sizeof *a);
    a->u = nrm_scratch(r, 256 * 128, sizeof *a->u);
    a->work = nrm_scratch(r, 256 * 128, sizeof *a->work);
    a->sigma = nrm_scratch(r, 128, sizeof *a->sigma);
    if (!a->u || !a->work || !a->sigma) return NRM_E_NOMEM;
    for (int k = 0; k < B1_MATRICES; k++) {
        a->layers[k] = (layer){.rows = sizes[k][0], .cols = sizes[k][1], .sigma = nrm_scratch(r, MOST_SNAPSHOTS * 128, sizeof(double))};
        if (!a->layers[k].sigma) return NRM_E_NOMEM;
    }
    setup.watch = photograph;
    setup.watch_user = a;
    setup.watch_every = r->quick ? 50 : 20;
    if (r->quick) setup.steps = 150;
    nrm_status st = b1_create(r, ctx, 128, 256, &bench);
    if (st >= 0) st = b1_train(bench, &setup, &result);
    b1_destroy(bench);
    return st;
}

static void plot_layer(nrm_reproduction *r, const album *a, int which, const double *muon, const double *polar, const double *fitted)
{
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "Distance from the polar factor along a run",
        .caption = "Momentum of one layer trained by Muon; the fit is to all snapshots together.", .x_label = "step",
        .y_label = which == 0 ? "relative distance, W1" : "relative distance, W2", .y_from_zero = true});
    nrm_plot_line(p, "Muon", a->step, muon, a->snapshots);
    nrm_plot_line(p, "Polar Express", a->step, polar, a->snapshots);
    nrm_plot_line(p, "fitted to the momenta", a->step, fitted, a->snapshots);
}

/* One line of the table; *gain: how much nearer the fit to the momenta comes than Muon. */
static nrm_status judge_layer(nrm_reproduction *r, nrm_ctx *ctx, const album *a, int which, nrm_table table, double *gain)
{
    const layer *l = &a->layers[which];
    const int64_t count = l->end[a->snapshots - 1];
    double muon[MOST_SNAPSHOTS], polar[MOST_SNAPSHOTS], fitted[MOST_SNAPSHOTS];
    fit measured, gaussian, mixed, one;

    nrm_status st = find(ctx, NRM_ORTHOGONALIZE_COEFFICIENTS_FIT, 0, 0, count, l->sigma, &measured);
    if (st >= 0) st = find(ctx, NRM_ORTHOGONALIZE_COEFFICIENTS_FIT, l->rows, l->cols, 0, NULL, &gaussian);
    if (st >= 0) st = find(ctx, NRM_ORTHOGONALIZE_COEFFICIENTS_FIT, l->rows, l->cols, count, l->sigma, &mixed);
    for (int i = 0; i < a->snapshots && st >= 0; i++) {
        const int64_t first = i > 0 ? l->end[i - 1] : 0;
        st = find(ctx, NRM_ORTHOGONALIZE_COEFFICIENTS_POLAR_EXPRESS, 0, 0, l->end[i] - first, l->sigma + first, &one);
        muon[i] = one.info.error_muon;
        polar[i] = one.info.error_polar_express;
        fitted[i] = distance(&measured, l->end[i] - first, l->sigma + first);
    }
    if (st < 0) return st;
    *gain = measured.info.error_muon / distance(&measured, count, l->sigma);
    nrm_cell_text(table, "W%d, %lld x %lld", which + 1, (long long)l->rows, (long long)l->cols);
    nrm_cell_text(table, "%.3f", measured.info.error_quintic_classic);
    nrm_cell_text(table, "%.3f", measured.info.error_muon);
    nrm_cell_text(table, "%.3f", measured.info.error_polar_express);
    nrm_cell_text(table, "%.3f", distance(&gaussian, count, l->sigma));
    nrm_cell_text(table, "%.3f", distance(&measured, count, l->sigma));
    nrm_cell_text(table, "%.3f", distance(&mixed, count, l->sigma));
    if (which < 2) plot_layer(r, a, which, muon, polar, fitted);
    return NRM_OK;
}

static nrm_status on_momenta(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const char *const columns[] = {"layer", "classic", "Muon", "Polar Express", "fitted to Gaussian matrices",
                                          "fitted to the momenta", "half and half"};
    album *a = nrm_scratch(r, 1, sizeof *a);
    double gain[B1_MATRICES];

    if (!a) return NRM_E_NOMEM;
    nrm_status st = nrm_step(r, "momenta", 0, 1);
    if (st >= 0) st = take_pictures(r, ctx, a);
    if (st < 0) return st;
    nrm_table table = nrm_table_begin(r, "Distance from the polar factor on momenta", "Muon on benchmark B1; all snapshots of a "
                                      "layer together, five steps.", columns, NRM_CLAIM_COUNT(columns));
    for (int k = 0; k < B1_MATRICES && st >= 0; k++) st = judge_layer(r, ctx, a, k, table, &gain[k]);
    if (st < 0) return st;
    nrm_measure(r, "momenta", fmin(gain[0], fmin(gain[1], gain[2])));
    nrm_measure(r, "momenta-twice", fmin(gain[0], gain[1]));
    nrm_measure_reason(r, "momenta", "Muon's error over the fit's: %.2f, %.2f and %.2f.", gain[0], gain[1], gain[2]);
    nrm_measure_reason(r, "momenta-twice", "%.2f and %.2f.", gain[0], gain[1]);
    return NRM_OK;
}

nrm_status precision(nrm_reproduction *r, nrm_ctx *ctx)
{
    nrm_status st = by_shape(r, ctx);
    if (st >= 0) st = published(r, ctx);
    if (st >= 0) st = on_momenta(r, ctx);
    return st;
}
