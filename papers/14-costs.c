/* 14-costs.c -- paper 14: time of a step by size and rank, what projections leave, memory. */
#include "14-parts.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 5 };

/* ---- Time ----------------------------------------------------------------------------------------------- */

enum { DCT, DCT_KEPT, TRION, DION, LDADAM, SVD, SVD_KEPT, TIMED };
static const struct { const char *title, *kind, *options; } timed[TIMED] = {
    [DCT] = {"DCT-AdamW", "dct-adamw", DCT_EVERY_STEP},   [DCT_KEPT] = {"DCT-AdamW, columns kept", "dct-adamw", DCT_ONCE},
    [TRION] = {"Trion", "trion", ""},                     [DION] = {"Dion", "dion", ""},
    [LDADAM] = {"LDAdam", "ldadam", ""},                  [SVD] = {"GaLore, SVD every step", "galore", SVD_EVERY_STEP},
    [SVD_KEPT] = {"GaLore, subspace kept", "galore", SVD_ONCE},
};

/* Median seconds of the first `count` contenders on n x n with rank r. */
static nrm_status time_size(nrm_reproduction *r, nrm_ctx *ctx, int64_t n, int64_t rank, int count, double *seconds)
{
    b1_timed all[TIMED];
    char options[TIMED][80];

    for (int i = 0; i < count; i++) {
        snprintf(options[i], sizeof options[i], "%s rank=%lld", timed[i].options, (long long)rank);
        all[i] = (b1_timed){.name = timed[i].title, .kind = timed[i].kind, .options = options[i]};
    }
    const nrm_status st = b1_time_steps(r, ctx, n, n, count > SVD && n > 512 ? 3 : ROUNDS, count, all);
    for (int i = 0; i < count && st >= 0; i++) seconds[i] = all[i].seconds;
    return st;
}

static nrm_table begin_times(nrm_reproduction *r, const char *title, const char *first, const char *caption, int count)
{
    const char *columns[1 + TIMED] = {first};
    for (int i = 0; i < count; i++) columns[1 + i] = timed[i].title;
    return nrm_table_begin(r, title, caption, columns, 1 + count);
}

static nrm_status by_size(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { SIZES = 4, RANK = 32 };
    const int sizes = r->quick ? 2 : SIZES;
    double x[SIZES], y[TIMED][SIZES], seconds[TIMED];

    nrm_table table = begin_times(r, "Milliseconds of a step on n x n, rank 32", "n", "Median of interleaved rounds, single precision, one thread.", TIMED);
    for (int i = 0; i < sizes; i++) {
        const int64_t n = (int64_t)128 << i;
        const nrm_status st = time_size(r, ctx, n, RANK, TIMED, seconds);
        if (st < 0) return st;
        nrm_cell_number(table, x[i] = (double)n);
        for (int c = 0; c < TIMED; c++) nrm_cell_number(table, 1e3 * (y[c][i] = seconds[c]));
    }
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "Time of a step on n x n, rank 32", .x_label = "n", .y_label = "seconds", .x_log = true,
        .y_log = true});
    for (int c = 0; c < SVD_KEPT; c++) nrm_plot_line(p, timed[c].title, x, y[c], sizes);
    const double svd = seconds[SVD] - seconds[SVD_KEPT];
    nrm_measure(r, "svd-time", svd / seconds[DCT]);
    nrm_measure_reason(r, "svd-time", "n = %.0f: %.2f ms the step of DCT-AdamW, %.1f ms the SVD (a step of GaLore with one, less a step without). With "
                       "columns that are kept, DCT-AdamW's step takes %.2f ms.", x[sizes - 1], 1e3 * seconds[DCT], 1e3 * svd, 1e3 * seconds[DCT_KEPT]);
    return NRM_OK;
}

static nrm_status by_rank(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { RANKS = 5, SHOWN = LDADAM + 1 };
    const int64_t n = r->quick ? 256 : 1024, least = n / 32;
    double x[RANKS], y[SHOWN][RANKS], seconds[TIMED];
    int faster = 0, compared = 0;

    char title[80];
    snprintf(title, sizeof title, "Milliseconds of a step on %lld x %lld by rank", (long long)n, (long long)n);
    nrm_table table = begin_times(r, title, "rank", "As above.", SHOWN);
    for (int i = 0; i < RANKS; i++) {
        const nrm_status st = time_size(r, ctx, n, least << i, SHOWN, seconds);
        if (st < 0) return st;
        nrm_cell_number(table, x[i] = (double)(least << i));
        for (int c = 0; c < SHOWN; c++) nrm_cell_number(table, 1e3 * (y[c][i] = seconds[c]));
        if ((least << i) < n / 8) continue;
        compared++;
        faster += seconds[TRION] < seconds[DION];
    }
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = title, .x_label = "rank", .y_label = "seconds", .x_log = true, .y_log = true});
    for (int c = 0; c < SHOWN; c++) nrm_plot_line(p, timed[c].title, x, y[c], RANKS);
    const double dct = y[DCT][RANKS - 1] / y[DCT][0], dion = y[DION][RANKS - 1] / y[DION][0];
    nrm_measure(r, "rank-time", dct / dion);
    nrm_measure_reason(r, "rank-time", "From rank %.0f to %.0f the step takes %.1f times as long (DCT-AdamW) and %.1f times (Dion).", x[0], x[RANKS - 1], dct, dion);
    nrm_measure(r, "dion-time", (double)faster / compared);
    nrm_measure_reason(r, "dion-time", "At rank %.0f: %.2f ms (Trion, of which Newton-Schulz on %lld x %.0f is a part) and %.2f ms (Dion).", x[2],
                       1e3 * y[TRION][2], (long long)n, x[2], 1e3 * y[DION][2]);
    return NRM_OK;
}

nrm_status run_times(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int threads = nrm_threads(ctx);
    nrm_status st = nrm_set_threads(ctx, 1); /* what a busy machine disturbs least */
    if (st >= 0) st = by_size(r, ctx);
    if (st >= 0) st = by_rank(r, ctx);
    return nrm_set_threads(ctx, threads) < 0 ? NRM_E_INTERNAL : st;
}

/* ---- What projections leave ------------------------------------------------------------------------------- */

enum { SIDE = 256, RANK = 32, CELLS = SIDE * SIDE };
enum { BEST, DCT2, DCT2_TWO, DCT3, HADAMARD, RANDOM_BASIS, IDENTITY, BASES };
static const struct { const char *title, *kind, *options, *state; } bases[BASES] = {
    [BEST] = {"SVD", "ldadam", "rank=32", "ldadam.error:"},
    [DCT2] = {"DCT-II, 1-norm", "dct-adamw", "rank=32 basis=dct2", "dct-adamw.error:"},
    [DCT2_TWO] = {"DCT-II, 2-norm", "dct-adamw", "rank=32 basis=dct2 ell_norm=2", "dct-adamw.error:"},
    [DCT3] = {"DCT-III", "dct-adamw", "rank=32 basis=dct3", "dct-adamw.error:"},
    [HADAMARD] = {"Hadamard", "dct-adamw", "rank=32 basis=hadamard", "dct-adamw.error:"},
    [RANDOM_BASIS] = {"random", "dct-adamw", "rank=32 basis=random", "dct-adamw.error:"},
    [IDENTITY] = {"single columns", "dct-adamw", "rank=32 basis=identity", "dct-adamw.error:"},
};

enum { SMOOTH, GAUSSIAN, LOW_RANK, MATRICES };
static void draw_matrix(int which, nrm_draws *draws, double *g)
{
    enum { HIDDEN = 8 };
    double left[SIDE][HIDDEN], right[SIDE][HIDDEN];
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < HIDDEN; k++) left[i][k] = nrm_draw_normal(draws), right[i][k] = nrm_draw_normal(draws);
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            double *x = &g[i * SIDE + j];
            *x = (which == SMOOTH ? 0.05 : which == GAUSSIAN ? 1 : 0.2) * nrm_draw_normal(draws);
            if (which == SMOOTH) *x += exp(-abs(i - j) / 20.0);
            for (int k = 0; which == LOW_RANK && k < HIDDEN; k++) *x += left[i][k] * right[j][k];
        }
}

/* The error buffer after a first step is what the projection left of the gradient. */
nrm_status run_projections(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const char *const columns[] = {"basis", "smooth", "Gaussian", "rank 8 and noise"};
    double *g = nrm_scratch(r, (int64_t)MATRICES * CELLS, sizeof *g), *u = nrm_scratch(r, CELLS, sizeof *u), *e = nrm_scratch(r, CELLS, sizeof *e);
    double left[BASES][MATRICES];
    const char *labels[BASES];
    nrm_draws draws = {r->seed + 3};
    int within = 0;

    if (!g || !u || !e) return NRM_E_NOMEM;
    for (int k = 0; k < MATRICES; k++) draw_matrix(k, &draws, g + (ptrdiff_t)k * CELLS);
    nrm_table table = nrm_table_begin(r, "What a projection to rank 32 leaves of 256 x 256", "Norm of the rest over that of the matrix. Smooth: exp(-|i - j| / 20) "
                                      "and noise of 0.05.", columns, 1 + MATRICES);
    for (int b = 0; b < BASES; b++) {
        nrm_cell_text(table, "%s", labels[b] = bases[b].title);
        for (int k = 0; k < MATRICES; k++) {
            const double *a = g + (ptrdiff_t)k * CELLS;
            const nrm_status st = first_update(ctx, bases[b].kind, bases[b].options, SIDE, SIDE, a, u, bases[b].state, e);
            if (st < 0) return st;
            left[b][k] = norm_of(e, CELLS) / norm_of(a, CELLS);
            nrm_cell_text(table, "%.3f", left[b][k]);
        }
    }
    for (int k = 0; k < MATRICES; k++) within += left[DCT2_TWO][k] <= sqrt(1 - (double)RANK / SIDE);
    nrm_measure(r, "bound", (double)within / MATRICES);
    nrm_measure(r, "smooth", left[DCT2][SMOOTH] / left[BEST][SMOOTH]);
    nrm_measure(r, "smooth-random", left[DCT2][SMOOTH] / left[RANDOM_BASIS][SMOOTH]);
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = "What a projection to rank 32 leaves", .x_label = "", .y_label = "share of the norm",
        .y_from_zero = true});
    for (int k = 0; k < MATRICES; k++) {
        double height[BASES];
        for (int b = 0; b < BASES; b++) height[b] = left[b][k];
        nrm_plot_bars(p, columns[1 + k], labels, height, BASES);
    }
    return NRM_OK;
}

/* ---- Memory ----------------------------------------------------------------------------------------------- */

enum { KEPT_DCT, KEPT_DCT_8, KEPT_DCT_NONE, KEPT_TRION, KEPT_DION, KEPT_LDADAM, KEPT_GALORE, KEPT_ADAMW, KEPT_MUON, KEPT };
static const struct { const char *title, *kind, *options, *formula; } kept[KEPT] = {
    [KEPT_DCT] = {"DCT-AdamW", "dct-adamw", "rank=128", "mn + 2 r max(m, n)"},
    [KEPT_DCT_8] = {"... feedback in 8 bits", "dct-adamw", "rank=128 error_feedback=8bit", "mn / 4 + 2 r max(m, n)"},
    [KEPT_DCT_NONE] = {"... no feedback", "dct-adamw", "rank=128 error_feedback=off", "2 r max(m, n)"},
    [KEPT_TRION] = {"Trion", "trion", "rank=128", "mn"},
    [KEPT_DION] = {"Dion", "dion", "rank=128", "mn + r n"},
    [KEPT_LDADAM] = {"LDAdam", "ldadam", "rank=128", "mn + 2 r max(m, n) + r min(m, n)"},
    [KEPT_GALORE] = {"GaLore", "galore", "rank=128", "2 r max(m, n) + r min(m, n)"},
    [KEPT_ADAMW] = {"AdamW", "adamw", "", "2 mn"},
    [KEPT_MUON] = {"Muon", "muon", "", "mn"},
};

nrm_status run_memory(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { SHAPES = 3 };
    static const int64_t shapes[SHAPES][2] = {{512, 512}, {2048, 512}, {512, 2048}};
    static const char *const columns[] = {"optimizer", "512 x 512", "2048 x 512", "512 x 2048", "formula"};
    double numbers[KEPT][SHAPES], ratio[SHAPES];
    int less = 0;

    nrm_table table = nrm_table_begin(r, "State, numbers a weight, rank 128", "Bytes of all state arrays over those of the matrix in single precision; work space "
                                      "and the shared basis are not state.", columns, NRM_CLAIM_COUNT(columns));
    for (int i = 0; i < KEPT; i++) {
        nrm_cell_text(table, "%s", kept[i].title);
        for (int k = 0; k < SHAPES; k++) {
            const nrm_optimizer_tensor tensor = {.name = "W", .dtype = NRM_F32, .ndim = 2, .shape = shapes[k]};
            nrm_optimizer *optimizer;
            const nrm_status st = b1_optimizer(ctx, kept[i].kind, kept[i].options, 1e-3, 1, &tensor, &optimizer);
            if (st < 0) return st;
            numbers[i][k] = (double)nrm_optimizer_state_bytes(optimizer) / (4.0 * (double)(shapes[k][0] * shapes[k][1]));
            nrm_optimizer_destroy(ctx, optimizer);
            nrm_cell_text(table, "%.3f", numbers[i][k]);
        }
        nrm_cell_text(table, "%s", kept[i].formula);
    }
    for (int k = 0; k < SHAPES; k++) {
        ratio[k] = numbers[KEPT_DCT_8][k] / numbers[KEPT_LDADAM][k];
        less += numbers[KEPT_TRION][k] < numbers[KEPT_DION][k];
    }
    nrm_measure_spread(r, "memory", ratio, SHAPES);
    nrm_measure_reason(r, "memory", "On 512 x 512 of rank 128: %.2f numbers a weight, LDAdam %.2f; with feedback in full precision %.2f.", numbers[KEPT_DCT_8][0],
                       numbers[KEPT_LDADAM][0], numbers[KEPT_DCT][0]);
    nrm_measure(r, "trion-memory", (double)less / SHAPES);
    return NRM_OK;
}
