/* 24-parts.c -- contract: 24-parts.h. */
#include "24-parts.h"
#include <math.h>
#include <string.h>

const char *const p24_names[P24_FAMILIES] = {"t", "onehot", "legendre", "spike"};

/* ---- Matrices ------------------------------------------------------------------------------------------- */

/* Student's t with 1.5 (chi-square by its quarters' normals) or 3 degrees of freedom. */
static double draw_t(nrm_draws *draws, double freedom)
{
    const double z = nrm_draw_normal(draws);
    double chi = 0;
    if (freedom == 3) {
        for (int i = 0; i < 3; i++) chi += pow(nrm_draw_normal(draws), 2);
        return z / sqrt(chi / 3);
    }
    /* chi-square of 1.5 = 2 Gamma(3/4) = 2 Gamma(7/4) U^(4/3); Gamma(7/4) by Marsaglia and Tsang. */
    const double d = 1.75 - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = nrm_draw_normal(draws), v = pow(1 + c * x, 3);
        if (v > 0 && log(1 - nrm_draw_uniform(draws)) < 0.5 * x * x + d - d * v + d * log(v)) {
            chi = 2 * d * v * pow(1 - nrm_draw_uniform(draws), 4.0 / 3);
            return z / sqrt(chi / 1.5);
        }
    }
}

static double entry(nrm_draws *draws, int family, int n, int d, int i, int j, int spikes)
{
    if (family == P24_T) return draw_t(draws, 1.5);
    if (family == P24_ONEHOT) return (i % d == j) + 0.01 * nrm_draw_normal(draws);
    if (family == P24_SPIKE) {
        const double normal = nrm_draw_normal(draws);
        if (j < d - spikes) return normal;
        return (i + 7 * j) % (n / 3) == 0 && i < n / 3 * 3 ? 3 : 0;
    }
    const double t = -1 + 2.0 * i / (n - 1);
    double before = 1, p = t;
    if (j == 0) return 1;
    for (int k = 2; k <= j; k++) {
        const double next = ((2 * k - 1) * t * p - (k - 1) * before) / k;
        before = p;
        p = next;
    }
    return p;
}

nrm_status p24_family(nrm_reproduction *r, int family, int n, int d, int spikes, p24_matrix *m)
{
    nrm_draws draws = {r->seed * 97 + (uint64_t)(family + 1)};
    double *sizes = nrm_scratch(r, n, sizeof *sizes);

    *m = (p24_matrix){.n = n, .d = d, .a = nrm_scratch(r, (int64_t)n * d, sizeof *m->a), .b = nrm_scratch(r, n, sizeof *m->b)};
    if (!m->a || !m->b || !sizes) return NRM_E_NOMEM;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < d; j++) m->b[i] += m->a[i * d + j] = entry(&draws, family, n, d, i, j, spikes);
        sizes[i] = fabs(m->b[i]);
    }
    const double size = nrm_median(sizes, n);
    for (int i = 0; i < n; i++) m->b[i] += size * draw_t(&draws, 3);
    return NRM_OK;
}

/* ---- Measurements ------------------------------------------------------------------------------------------ */

static nrm_status open_rows(nrm_ctx *ctx, int64_t n, int64_t d, double *values, nrm_rows **rows)
{
    nrm_array view;
    const int64_t shape[2] = {n, d};
    const nrm_status st = nrm_array_view(ctx, &view, NRM_F64, 2, shape, values);
    return st < 0 ? st : nrm_rows_from_array(ctx, rows, &view);
}

nrm_status p24_coreset(nrm_ctx *ctx, const p24_matrix *m, bool both, const double *scores, unsigned want,
                       const nrm_lp_coreset_options *o, nrm_lp_coreset_result *made, nrm_lp_coreset_info *info)
{
    nrm_lp_coreset_input in = {.user_scores = scores, .length = scores ? m->n : 0};
    nrm_status st = open_rows(ctx, m->n, m->d, m->a, &in.a);
    if (st >= 0 && both) st = open_rows(ctx, m->n, 1, m->b, &in.b);
    if (st >= 0) st = nrm_lp_coreset(ctx, &in, want, made, info, o);
    nrm_rows_close(ctx, in.a);
    nrm_rows_close(ctx, in.b);
    return st;
}

nrm_status p24_sensitivities(nrm_reproduction *r, nrm_ctx *ctx, const p24_matrix *m, double p, bool both, double **scores, double *total)
{
    nrm_lp_coreset_options o = nrm_lp_coreset_options_default();
    nrm_lp_coreset_result made;
    nrm_lp_coreset_info info;

    *scores = nrm_scratch(r, m->n, sizeof **scores);
    if (!*scores) return NRM_E_NOMEM;
    o.p = p;
    o.scheme = NRM_LP_CORESET_SENSITIVITY;
    o.rows = m->n;
    const nrm_status st = p24_coreset(ctx, m, both, NULL, NRM_LP_CORESET_SENSITIVITIES, &o, &made, &info);
    if (st < 0) return st;
    memcpy(*scores, made.sensitivities, (size_t)m->n * sizeof **scores);
    if (total) *total = info.total_sensitivity;
    nrm_lp_coreset_release(ctx, &made);
    return NRM_OK;
}

nrm_status p24_distortion(nrm_ctx *ctx, const p24_matrix *m, const nrm_lp_coreset_options *o, const double *scores, double *distortion)
{
    nrm_lp_coreset_result made;
    nrm_lp_coreset_info info;
    const nrm_status st = p24_coreset(ctx, m, false, scores, 0, o, &made, &info);
    if (st < 0) return st;
    *distortion = info.distortion;
    nrm_lp_coreset_release(ctx, &made);
    return NRM_OK;
}

/* The solution of rows a x = b with weights, and its loss on those of m. */
static nrm_status solve(nrm_ctx *ctx, const p24_matrix *rows, const double *weights, double p, const p24_matrix *m, double *loss)
{
    nrm_lp_regression_options o = nrm_lp_regression_options_default();
    nrm_lp_regression_input in = {.weights = weights, .length = weights ? rows->n : 0};
    nrm_lp_regression_result made;

    o.p = p;
    o.method = NRM_LP_REGRESSION_DIRECT;
    nrm_status st = open_rows(ctx, rows->n, rows->d, rows->a, &in.a);
    if (st >= 0) st = open_rows(ctx, rows->n, 1, rows->b, &in.b);
    if (st >= 0) st = nrm_lp_regression(ctx, &in, 0, &made, NULL, &o);
    nrm_rows_close(ctx, in.a);
    nrm_rows_close(ctx, in.b);
    if (st < 0) return st;
    *loss = 0;
    for (int64_t i = 0; i < m->n; i++) {
        double residual = -m->b[i];
        for (int64_t j = 0; j < m->d; j++) residual += m->a[i * m->d + j] * made.x[j];
        *loss += pow(fabs(residual), p);
    }
    nrm_lp_regression_release(ctx, &made);
    return NRM_OK;
}

nrm_status p24_best(nrm_ctx *ctx, const p24_matrix *m, double p, double *best) { return solve(ctx, m, NULL, p, m, best); }

nrm_status p24_excess(nrm_ctx *ctx, const p24_matrix *m, const nrm_lp_coreset_options *o, const double *scores, double best,
                      double *excess)
{
    nrm_lp_coreset_result made;
    double loss = 0;

    nrm_status st = p24_coreset(ctx, m, true, scores, NRM_LP_CORESET_ROWS, o, &made, NULL);
    if (st < 0) return st;
    const p24_matrix kept = {.n = made.rows, .d = m->d, .a = made.a, .b = made.b};
    st = solve(ctx, &kept, made.weights, o->p, m, &loss);
    nrm_lp_coreset_release(ctx, &made);
    *excess = loss / best - 1;
    return st;
}

/* ---- l_1 regression of many rows ------------------------------------------------------------------------------ */

typedef struct l1 { p24_matrix *m; nrm_lp_regression_options o; nrm_lp_regression_info info; } l1;

static nrm_status fit(nrm_ctx *ctx, void *user)
{
    l1 *c = user;
    nrm_lp_regression_input in = {0};
    nrm_lp_regression_result made;

    nrm_status st = open_rows(ctx, c->m->n, c->m->d, c->m->a, &in.a);
    if (st >= 0) st = open_rows(ctx, c->m->n, 1, c->m->b, &in.b);
    if (st >= 0) st = nrm_lp_regression(ctx, &in, 0, &made, &c->info, &c->o);
    nrm_rows_close(ctx, in.a);
    nrm_rows_close(ctx, in.b);
    if (st >= 0) nrm_lp_regression_release(ctx, &made);
    return st;
}

/* The sample alone, drawn beforehand. */
typedef struct sample { p24_matrix rows; double *weights; const p24_matrix *none; } sample;

static nrm_status fit_sample(nrm_ctx *ctx, void *user)
{
    const sample *c = user;
    double loss;
    return solve(ctx, &c->rows, c->weights, 1, c->none, &loss);
}

nrm_status p24_many_rows(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { D = 20, M = 4000, ROUNDS = 3 };
    const int n = r->quick ? 20000 : 200000, rounds = r->quick ? 1 : ROUNDS;
    nrm_draws draws = {r->seed + 24};
    p24_matrix m = {.n = n, .d = D, .a = nrm_scratch(r, (int64_t)n * D, sizeof *m.a), .b = nrm_scratch(r, n, sizeof *m.b)};
    double seconds[4 * ROUNDS], whole[ROUNDS], alone[ROUNDS];
    nrm_lp_coreset_result drawn;

    if (!m.a || !m.b) return NRM_E_NOMEM;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < D; j++) m.b[i] += m.a[i * D + j] = (i < n / 1000 ? 30 : 1) * nrm_draw_normal(&draws);
        m.b[i] += draw_t(&draws, 1.5);
    }
    nrm_lp_coreset_options co = nrm_lp_coreset_options_default();
    co.rows = M;
    co.scheme = NRM_LP_CORESET_LEWIS;
    nrm_status st = p24_coreset(ctx, &m, true, NULL, NRM_LP_CORESET_ROWS, &co, &drawn, NULL);
    if (st < 0) return st;
    const p24_matrix none = {.n = 0, .d = D};
    sample kept = {{.n = drawn.rows, .d = D, .a = drawn.a, .b = drawn.b}, drawn.weights, &none};
    l1 calls[3];
    for (int k = 0; k < 3; k++) {
        calls[k] = (l1){.m = &m, .o = nrm_lp_regression_options_default()};
        calls[k].o.method = k == 0 ? NRM_LP_REGRESSION_DIRECT : NRM_LP_REGRESSION_CORESET;
        calls[k].o.rows = k == 0 ? 0 : M;
        calls[k].o.scheme = NRM_LP_CORESET_LEWIS;
        calls[k].o.refine = k == 2;
    }
    const nrm_contender contenders[] = {{"all rows", fit, &calls[0]}, {"sample, all of it", fit, &calls[1]},
                                        {"and one round", fit, &calls[2]}, {"sample, solver", fit_sample, &kept}};
    st = nrm_time_in_turn(r, ctx, contenders, 4, rounds, 0, seconds);
    nrm_lp_coreset_release(ctx, &drawn);
    if (st < 0) return st;
    static const char *const columns[] = {"l_1 regression", "seconds", "loss", "excess, %"};
    const nrm_table table = nrm_table_begin(r, "l_1 regression of many rows", NULL, columns, 4);
    for (int k = 0; k < 4; k++) {
        nrm_cell_text(table, "%s", contenders[k].name);
        nrm_cell_number(table, nrm_median(seconds + k * rounds, rounds));
        nrm_cell_number(table, k < 3 ? calls[k].info.objective : NAN);
        nrm_cell_number(table, k < 3 ? 100 * (calls[k].info.objective / calls[0].info.objective - 1) : NAN);
    }
    for (int k = 0; k < rounds; k++) {
        whole[k] = seconds[k] / seconds[rounds + k];
        alone[k] = seconds[k] / seconds[3 * rounds + k];
    }
    nrm_measure(r, "l1-excess", 100 * (calls[1].info.objective / calls[0].info.objective - 1));
    nrm_measure_spread(r, "l1-solve", alone, rounds);
    nrm_measure_spread(r, "l1-whole", whole, rounds);
    nrm_measure_reason(r, "l1-whole", "Norma's solver needs %lld weighted Gram matrices for all rows, and the weights take %lld readings: "
                       "against reweighted least squares, some 200 of them, the same sample wins by more.",
                       (long long)calls[0].info.iterations, (long long)calls[1].info.passes);
    nrm_measure(r, "l1-bound", 100 * calls[2].info.excess);
    return NRM_OK;
}
