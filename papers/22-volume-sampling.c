/* 22-volume-sampling.c -- paper 22: points for weighted least squares that repel each other against
 * independent ones.  Identities of the laws: 22-identities.c; a finite set: 22-cloud.c. */
#include "22-parts.h"
#include <stdlib.h>

static const nrm_claim claims[] = {
    {.id = "legendre-points", .statement = "Repeated DPPs are stable (lambda_min >= 1/2, 9 times in 10) with fewer points than independent ones and volume samples: Legendre",
     .where = "numerical section", .figure = "much smaller n", .unit = "ratio of n", .relation = NRM_AT_MOST, .holds = 0.5, .direction = 0.9},
    {.id = "hermite-points", .statement = "The same for Hermite", .where = "numerical section", .figure = "much smaller n", .unit = "ratio of n",
     .relation = NRM_AT_MOST, .holds = 0.5, .direction = 0.9},
    {.id = "legendre-error", .statement = "With n = 2 m points of two DPPs the fit is near the best one: Legendre", .where = "numerical section",
     .figure = "", .unit = "median error", .relation = NRM_AT_MOST, .holds = 1.35, .direction = 1.6},
    {.id = "hermite-error", .statement = "The same for Hermite", .where = "numerical section", .figure = "", .unit = "median error",
     .relation = NRM_AT_MOST, .holds = 1.35, .direction = 1.6},
    {.id = "iid-error", .statement = "With as many independent points it is not", .where = "numerical section", .figure = "",
     .unit = "least median error", .relation = NRM_AT_LEAST, .holds = 1.6, .direction = 1.35},
    {.id = "volume-error", .statement = "With n = m points a volume sample is far better than independent points", .where = "numerical section", .figure = "",
     .unit = "ratio of medians", .relation = NRM_AT_MOST, .holds = 0.5, .direction = 0.9},
    {.id = "three-points", .statement = "Three variables, total degree 4 (m = 35): repeated DPPs are stable with fewer points", .where = "numerical section",
     .figure = "", .unit = "ratio of n", .relation = NRM_AT_MOST, .holds = 0.5, .direction = 0.9},
    {.id = "three-error", .statement = "There two DPPs leave less error than 2 m independent points", .where = "numerical section", .figure = "",
     .unit = "ratio of medians", .relation = NRM_AT_MOST, .holds = 0.85, .direction = 1},
    {.id = "conditioned", .statement = "Conditioned designs always have lambda_min >= 1 - delta", .where = "section on conditioning", .figure = "always",
     .unit = "of the designs", .relation = NRM_TRUE},
    {.id = "bound", .statement = "|f - fit|^2 <= |f - Pf|^2 + |f - Pf|_n^2 / lambda_min, for every design", .where = "deterministic bound", .figure = "",
     .unit = "of the designs", .relation = NRM_TRUE},
    {.id = "variance-legendre", .statement = "The sum of the points of a DPP of m polynomials has the variance b_m^2: Legendre, m = 6: 36/143",
     .where = "derived from the law", .figure = "0.2517", .unit = "ratio", .relation = NRM_WITHIN, .target = 1, .holds = 0.05},
    {.id = "variance-hermite", .statement = "The same for Hermite, m = 6: 6", .where = "derived from the law", .figure = "6", .unit = "ratio",
     .relation = NRM_WITHIN, .target = 1, .holds = 0.05},
    {.id = "interpolation", .statement = "With n = m points of a DPP the mean of |f - fit|^2 is exactly (m + 1) |f - Pf|^2; m = 4",
     .where = "theorem on n = m", .figure = "5", .unit = "x |f - Pf|^2", .relation = NRM_WITHIN, .target = 5, .holds = 0.6},
    {.id = "averaged", .statement = "The mean of r such interpolants has (1 + m/r) |f - Pf|^2; m = 4, r = 4", .where = "derived from the theorem on n = m",
     .figure = "2", .unit = "x |f - Pf|^2", .relation = NRM_WITHIN, .target = 2, .holds = 0.2},
    {.id = "unbiased", .statement = "Coefficients from volume samples are unbiased (largest deviation in standard errors)", .where = "theorem on E c = c",
     .figure = "0", .unit = "standard errors", .relation = NRM_AT_MOST, .holds = 4, .direction = 4},
    {.id = "inverse", .statement = "The mean of G^-1 is n / (n - m + 1) I for volume samples; m = 3, n = 6", .where = "derived from the law", .figure = "1.5",
     .unit = "", .relation = NRM_WITHIN, .target = 1.5, .holds = 0.08},
    {.id = "determinant", .statement = "The mean of det G is n! / (n^m (n - m)!) for independent points; m = 2, n = 5", .where = "derived from the law", .figure = "0.8",
     .unit = "", .relation = NRM_WITHIN, .target = 0.8, .holds = 0.03},
    {.id = "cloud-stable", .statement = "On a finite set with kernel eigenvectors repeated DPPs are stable with fewer points than independent ones",
     .where = "discrete case", .figure = "", .unit = "ratio of n", .relation = NRM_AT_MOST, .holds = 0.5, .direction = 0.9},
    {.id = "cloud-uniform", .statement = "There two DPPs leave less error than as many points chosen uniformly", .where = "discrete case", .figure = "",
     .unit = "ratio of medians", .relation = NRM_AT_MOST, .holds = 0.8, .direction = 1},
};

const char *const scheme_names[SCHEMES] = {"independent", "volume", "repeated DPP"};
const int scheme_of[SCHEMES] = {NRM_VOLUME_SAMPLING_IID, NRM_VOLUME_SAMPLING_VOLUME, NRM_VOLUME_SAMPLING_REPEATED_DPP};

/* ---- One trial -------------------------------------------------------------------------------------- */

nrm_status draw_design(nrm_ctx *ctx, const subject *s, int scheme, int64_t n, uint64_t seed, nrm_volume_sampling_design *design,
                       nrm_volume_sampling_info *info)
{
    nrm_volume_sampling_options o = nrm_volume_sampling_options_default();
    o.basis = s->basis, o.degree = s->degree, o.dimension = s->dimension, o.index_set = s->index_set;
    o.scheme = scheme, o.points = n;
    const nrm_status st = nrm_set_seed(ctx, seed);
    return st < 0 ? st : nrm_volume_sampling(ctx, s->input, NULL, design, info, &o);
}

nrm_status fit_values(nrm_ctx *ctx, const subject *s, int64_t n, const double *x, const double *weights, const double *y, double *coefficients,
                      nrm_weighted_least_squares_info *info)
{
    nrm_weighted_least_squares_options o = nrm_weighted_least_squares_options_default();
    nrm_weighted_least_squares_input in = {.space = s->input};
    nrm_weighted_least_squares_result fit = {0};
    nrm_rows **streams[3] = {&in.x, &in.weights, &in.y};
    const double *values[3] = {x, weights, y};
    nrm_status st = NRM_OK;

    o.basis = s->basis, o.degree = s->degree, o.dimension = s->dimension, o.index_set = s->index_set, o.one_pass = true;
    for (int k = 0; k < 3 && st >= 0; k++) {
        nrm_array a;
        if (!values[k]) continue;
        st = nrm_array_view(ctx, &a, NRM_F64, 2, (const int64_t[]){n, k == 0 && s->dimension > 1 ? s->dimension : 1}, (void *)(uintptr_t)values[k]);
        if (st >= 0) st = nrm_rows_from_array(ctx, streams[k], &a);
    }
    if (st >= 0) st = nrm_weighted_least_squares(ctx, &in, 0, &fit, info, &o);
    if (st >= 0) memcpy(coefficients, fit.coefficients, (size_t)fit.m * sizeof *coefficients);
    nrm_weighted_least_squares_release(ctx, &fit);
    for (int k = 0; k < 3; k++) nrm_rows_close(ctx, *streams[k]);
    return st;
}

/* |f - fit|^2 = |f - P f|^2 + |fit - P f|^2 */
static double error_of(const subject *s, int64_t m, const double *coefficients)
{
    double sum = s->e2;
    for (int64_t j = 0; j < m; j++) sum += (coefficients[j] - s->best[j]) * (coefficients[j] - s->best[j]);
    return sqrt(sum / s->e2);
}

nrm_status run_trial(nrm_ctx *ctx, const subject *s, int scheme, int64_t n, uint64_t seed, trial *t)
{
    nrm_volume_sampling_design design = {0};
    nrm_volume_sampling_info drawn;
    nrm_status st = draw_design(ctx, s, scheme, n, seed, &design, &drawn);
    double *y = NULL, *c = NULL;

    if (st < 0) return st;
    y = malloc((size_t)n * sizeof *y), c = malloc((size_t)design.m * sizeof *c);
    st = y && c ? NRM_OK : NRM_E_NOMEM;
    for (int64_t i = 0; st >= 0 && i < n; i++) y[i] = s->f(s, design.x + i * design.dimension);
    if (st >= 0) st = fit_values(ctx, s, n, design.x, design.weights, y, c, NULL);
    *t = (trial){drawn.lambda_min, st >= 0 ? error_of(s, design.m, c) : INFINITY};
    free(y);
    free(c);
    nrm_volume_sampling_design_destroy(ctx, &design);
    return st == NRM_E_SINGULAR ? NRM_OK : st; /* points that decide on nothing: an error without bound */
}

/* ---- Best fits -------------------------------------------------------------------------------------- */

double runge(double x) { return 1 / (1 + 5 * x * x); }
double bump(double x) { return exp(-0.25 * (x - 1) * (x - 1)); }
double peak(double x) { return exp(-x * x) / (1 + x * x); }

/* Legendre: x = cos t, where the trapezoidal sum of a smooth periodic function has no error but
 * rounding; hermite: the same on the line. */
double project(const char *basis, double (*f)(double), int64_t m, double *coefficients)
{
    enum { NODES = 20000 };
    const bool hermite = strcmp(basis, "hermite") == 0;
    const double pi = 3.14159265358979323846;
    double square = 0;

    for (int64_t j = 0; j < m; j++) coefficients[j] = 0;
    for (int i = 0; i < NODES; i++) {
        const double t = (i + 0.5) / NODES, x = hermite ? 24 * t - 12 : cos(pi * t);
        const double step = hermite ? 24 * exp(-0.5 * x * x) / sqrt(2 * pi) / NODES : 0.5 * pi * sin(pi * t) / NODES;
        double before = 0, phi = 1;
        square += step * f(x) * f(x);
        for (int64_t j = 0; j < m; j++) {
            const double k = (double)j + 1, b = hermite ? sqrt(k) : k / sqrt(4 * k * k - 1);
            const double a = hermite ? sqrt(k - 1) : j == 0 ? 0 : (k - 1) / sqrt(4 * (k - 1) * (k - 1) - 1);
            const double next = (x * phi - a * before) / b;
            coefficients[j] += step * f(x) * phi;
            before = phi, phi = next;
        }
    }
    return square;
}

/* ---- Tables ----------------------------------------------------------------------------------------- */

double points_for(const study *t, int scheme, double share)
{
    for (int k = 0; k < t->sizes; k++)
        if (t->stable[scheme][k] >= share) return (double)t->n[k];
    return INFINITY;
}

static void show(nrm_reproduction *r, const char *title, const study *t, double least[SCHEMES][SIZES])
{
    static const char *const columns[] = {"n", "independent", "volume", "repeated DPP"};
    double x[SIZES];

    nrm_table table = nrm_table_begin(r, title, "Share of designs with lambda_min at least 1/2 / at least 0.1 / median of |f - fit| / |f - Pf|.", columns, 4);
    for (int k = 0; k < t->sizes; k++) {
        nrm_cell_number(table, x[k] = (double)t->n[k]);
        for (int c = 0; c < SCHEMES; c++) nrm_cell_text(table, "%.2f / %.2f / %.2f", t->stable[c][k], least[c][k], t->median[c][k]);
    }
    nrm_plot p = nrm_plot_begin(r, &(nrm_plot_options){.title = title, .caption = "Share of designs with lambda_min at least 1/2.", .x_label = "points",
                                                       .y_label = "share", .y_from_zero = true});
    for (int c = 0; c < SCHEMES; c++) nrm_plot_line(p, scheme_names[c], x, t->stable[c], t->sizes);
    nrm_plot_mark_y(p, "0.9", 0.9);
}

nrm_status run_study(nrm_reproduction *r, nrm_ctx *ctx, const subject *s, const char *title, study *t)
{
    double *errors = nrm_scratch(r, t->repeats, sizeof *errors), least[SCHEMES][SIZES];

    if (!errors) return NRM_E_NOMEM;
    for (int k = 0; k < t->sizes; k++)
        for (int c = 0; c < SCHEMES; c++) {
            int stable = 0, weak = 0;
            nrm_status st = nrm_step(r, title, k * SCHEMES + c, t->sizes * SCHEMES);
            for (int i = 0; i < t->repeats && st >= 0; i++) {
                trial one = {0};
                st = run_trial(ctx, s, scheme_of[c], t->n[k], r->seed + (uint64_t)(1000 * k + i), &one);
                stable += one.lambda_min >= STABLE, weak += one.lambda_min >= 0.1;
                errors[i] = one.error;
            }
            if (st < 0) return st;
            t->stable[c][k] = (double)stable / t->repeats, least[c][k] = (double)weak / t->repeats;
            t->median[c][k] = nrm_median(errors, t->repeats);
        }
    show(r, title, t, least);
    return NRM_OK;
}

static void measure_points(nrm_reproduction *r, const char *claim, const study *t)
{
    const double last = (double)t->n[t->sizes - 1], others = fmin(points_for(t, IID, 0.9), points_for(t, VOLUME, 0.9));
    nrm_measure(r, claim, points_for(t, REPEATED, 0.9) / fmin(others, last));
    nrm_measure_reason(r, claim, "Nine designs in ten are stable from n = %.0f (repeated DPPs), %.0f (volume) and %.0f (independent) on; inf: not with %.0f.",
                       points_for(t, REPEATED, 0.9), points_for(t, VOLUME, 0.9), points_for(t, IID, 0.9), last);
}

/* ---- One variable ----------------------------------------------------------------------------------- */

static double on_line(const subject *s, const double *x) { return strcmp(s->basis, "hermite") == 0 ? bump(*x) : runge(*x); }

static nrm_status run_line(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { M = 10 };
    static const char *const basis[2] = {"legendre", "hermite"};
    static const char *const titles[2] = {"Legendre, m = 10, f = 1 / (1 + 5 x^2)", "Hermite, m = 10, f = exp(-(x - 1)^2 / 4)"};
    double iid = INFINITY, volume = 0;

    for (int b = 0; b < 2; b++) {
        study t = {.n = {10, 20, 30, 40, 50, 60, 80, 100, 120, 140, 160, 200}, .sizes = 12, .repeats = r->quick ? 40 : 200};
        double c[M];
        subject s = {.basis = basis[b], .degree = M - 1, .dimension = 1, .f = on_line, .best = c};
        s.e2 = project(basis[b], b ? bump : runge, M, c);
        for (int j = 0; j < M; j++) s.e2 -= c[j] * c[j];
        const nrm_status st = run_study(r, ctx, &s, titles[b], &t);
        if (st < 0) return st;
        measure_points(r, b ? "hermite-points" : "legendre-points", &t);
        nrm_measure(r, b ? "hermite-error" : "legendre-error", t.median[REPEATED][1]);
        iid = fmin(iid, t.median[IID][1]);
        volume = fmax(volume, t.median[VOLUME][0] / t.median[IID][0]);
        nrm_note(r, "%s: |f - Pf| = %.4g.", titles[b], sqrt(s.e2));
    }
    nrm_measure(r, "iid-error", iid);
    nrm_measure(r, "volume-error", volume);
    return NRM_OK;
}

/* ---- Three variables -------------------------------------------------------------------------------- */

enum { DEGREE = 4, SPACE = 35 };

static double in_space(const subject *s, const double *x)
{
    (void)s;
    return peak(x[0]) * peak(x[1]) * peak(x[2]);
}

/* In the order of the sum of degrees, then of degrees, the first larger first. */
static double best_in_space(double *best)
{
    double c[DEGREE + 1];
    const double square = project("legendre", peak, DEGREE + 1, c);
    double left = square * square * square;
    int j = 0;

    for (int sum = 0; sum <= DEGREE; sum++)
        for (int a = sum; a >= 0; a--)
            for (int b = sum - a; b >= 0; b--) {
                best[j] = c[a] * c[b] * c[sum - a - b];
                left -= best[j] * best[j];
                j++;
            }
    return left;
}

static nrm_status run_space(nrm_reproduction *r, nrm_ctx *ctx)
{
    study t = {.n = {35, 70, 105, 140, 175, 210, 280, 350, 420, 490, 560, 700, 840}, .sizes = 13, .repeats = r->quick ? 8 : 50};
    double best[SPACE];
    const subject s = {.basis = "legendre", .degree = DEGREE, .dimension = 3, .index_set = NRM_SPACE_TOTAL, .f = in_space, .best = best,
                       .e2 = best_in_space(best)};
    const nrm_status st = run_study(r, ctx, &s, "Legendre, three variables, total degree 4, m = 35", &t);
    if (st < 0) return st;
    measure_points(r, "three-points", &t);
    nrm_measure(r, "three-error", t.median[REPEATED][1] / t.median[IID][1]);
    nrm_measure_reason(r, "three-error", "Median error over |f - Pf| with 70 points: %.3f and %.3f.", t.median[REPEATED][1], t.median[IID][1]);
    return NRM_OK;
}

static nrm_status run(nrm_reproduction *r, nrm_ctx *ctx)
{
    const int threads = nrm_threads(ctx);
    nrm_status st = nrm_set_threads(ctx, 1); /* thousands of designs of a few points */

    if (st >= 0) st = run_line(r, ctx);
    if (st >= 0) st = run_space(r, ctx);
    if (st >= 0) st = run_identities(r, ctx);
    if (st >= 0) st = run_cloud(r, ctx);
    if (nrm_set_threads(ctx, threads) < 0 || nrm_set_seed(ctx, r->seed) < 0) return NRM_E_INTERNAL;
    return st;
}

const nrm_paper nrm_paper_22 = {
    .number = 22,
    .about = "Designs of n points are drawn by three schemes for the same space, f is measured there and fitted by weighted least squares: how often "
             "lambda_min of the Gram matrix is at least 1/2, and how far the fit is from the best one. Polynomials of one variable (Legendre and "
             "Hermite, m = 10) and of three (m = 35), and 30 eigenvectors of a Gaussian kernel on images of digits, or on a made cloud without "
             "--data. Then identities of the laws, by many draws of small designs. Every design comes from volume-sampling, every fit from "
             "weighted-least-squares.",
    .claims = claims,
    .claim_count = NRM_CLAIM_COUNT(claims),
    .run = run,
};
