/* 06-laws.c -- paper 6: the exact laws of the Gaussian sketch, and how often error bars hold.
 *
 * Given S A, x' - x is normal with covariance (|r|^2 / m) ((S A)'S A)^-1, independent of
 * |S A x' - S b|^2 ~ (|r|^2 / m) chi-squared of m - d degrees. */
#include "06-parts.h"
#include <math.h>

nrm_status run_gaussian_law(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { N = 48, D = 6, M = 40 };
    const int rounds = r->quick ? 2000 : 12000;
    const nrm_linf_regression_options o = sketch_of(NRM_LINF_GAUSSIAN, M);
    double solution_square = 0, residual_square = 0;
    problem p;
    solution found;

    if (!problem_make(r, &p, N * (D + 1))) return NRM_E_NOMEM;
    make_hard(&p, N, D, 16); /* A'A = I, so |A (x' - x)| = |x'| */
    for (int k = 0; k < rounds; k++) {
        nrm_status st = nrm_step(r, "Gaussian law", k, rounds);
        if (st >= 0) st = solve(ctx, &p, r->seed * 100000 + (uint64_t)k, &o, NULL, &found);
        if (st < 0) return st;
        for (int j = 0; j < D; j++) solution_square += found.x[j] * found.x[j] / rounds;
        residual_square += found.info.residual * found.info.residual / rounds; /* times (m - d) / m: |S A x' - S b|^2 */
    }
    nrm_measure(r, "law-solution", solution_square * (M - D - 1) / D);
    nrm_measure_reason(r, "law-solution", "d = 6, m = 40, %d draws: %.4f, by the law %.4f.", rounds, solution_square, (double)D / (M - D - 1));
    nrm_measure(r, "law-residual", residual_square);
    nrm_measure_reason(r, "law-residual", "%.4f, by the law %.4f.", residual_square * (M - D) / M, (double)(M - D) / M);
    return NRM_OK;
}

/* The share of runs in which every coordinate lies within its bar; none where S A has lost rank. */
static nrm_status coverage(nrm_reproduction *r, nrm_ctx *ctx, const problem *p, int sketch, int64_t rows, int rounds, double *share)
{
    const nrm_linf_regression_options o = sketch_of(sketch, rows);
    solution found;
    int held = 0;

    for (int k = 0; k < rounds; k++) {
        nrm_status st = nrm_step(r, "error bars", k, rounds);
        if (st >= 0) st = solve(ctx, p, r->seed * 100000 + (uint64_t)k, &o, NULL, &found);
        if (st < 0 && st != NRM_E_SINGULAR) return st;
        bool all = st >= 0;
        for (int64_t j = 0; j < p->d && all; j++) all = fabs(found.x[j] - p->x[j]) <= found.bars[j];
        held += all;
    }
    *share = (double)held / rounds;
    return NRM_OK;
}

nrm_status run_coverage(nrm_reproduction *r, nrm_ctx *ctx)
{
    enum { N = 2048, D = 16, M = 128, GAUSSIAN = 0, COUNTSKETCH = 4, SKETCHES = 5 };
    static const int sketches[SKETCHES] = {NRM_LINF_GAUSSIAN, NRM_LINF_SRHT, NRM_LINF_SRCT, NRM_LINF_BGP, NRM_LINF_COUNTSKETCH};
    static const char *const names[SKETCHES] = {"gaussian", "srht", "srct", "bgp", "countsketch"};
    static const char *const columns[] = {"sketch", "random", "hard, D = 16"};
    const int rounds = r->quick ? 200 : 1000;
    double share[2][SKETCHES], least = 1;
    nrm_draws draws = {r->seed + 61};
    problem p;

    if (!problem_make(r, &p, N * (D + 1))) return NRM_E_NOMEM;
    for (int i = 0; i < 2; i++) {
        nrm_status st = NRM_OK;
        if (i == 0) st = make_random(ctx, &p, N, D, &draws);
        else make_hard(&p, N, D, 16);
        for (int c = 0; c < SKETCHES && st >= 0; c++) {
            st = coverage(r, ctx, &p, sketches[c], M, rounds, &share[i][c]);
            if (c != GAUSSIAN && c != COUNTSKETCH) least = fmin(least, share[i][c]);
        }
        if (st < 0) return st;
    }
    nrm_table table = nrm_table_begin(r, "Error bars that should hold in 95 % of the runs", "All d = 16 coordinates at once (Bonferroni); n = 2048, m = 128.", columns, 3);
    for (int c = 0; c < SKETCHES; c++) {
        nrm_cell_text(table, "%s", names[c]);
        for (int i = 0; i < 2; i++) nrm_cell_text(table, "%.1f %%", 100 * share[i][c]);
    }
    nrm_measure(r, "bars-gaussian", share[1][GAUSSIAN]);
    nrm_measure(r, "bars-dense", least);
    nrm_measure_reason(r, "bars-dense", "The least of six; a share of %d runs has a standard error of %.1f %%.", rounds, 100 * sqrt(0.95 * 0.05 / rounds));
    nrm_measure(r, "bars-sparse", share[1][COUNTSKETCH]);
    nrm_measure_reason(r, "bars-sparse", "Runs in which the compression lost a column, at m and at 2 m, count as failures.");
    return NRM_OK;
}
