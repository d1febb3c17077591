/* coreset_scores.c -- what rows are drawn by, and how many: the schemes of norma/lp_coreset.h.
 *
 * Weights omega are part of the rows, omega^(1/p) a: |omega^(1/p) a x|^p = omega |a x|^p.
 *
 * combined, p > 2: row i counts as k_i = max(1, n sigma_i / S) copies of itself over k_i^(1/p), each
 * of sensitivity at most S / n, and a copy is drawn by the mean of leverage and equality,
 *     s_i = k_i (l_i / (k_i d) + 1 / sum k),
 * l_i / k_i being the leverage of a copy: l is that of the rows times k^(1/2 - 1/p). */
#include "coreset.h"
#include "linalg/leverage.h"
#include "linalg/linalg.h"
#include "scaled_rows.h"
#include "sensitivity.h"
#include <norma/comm.h>

double nrm_coreset_most_total(double p, double d) { return pow(d, fmax(1, 0.5 * p)); }

double nrm_coreset_rows(const nrm_lp_coreset_options *o, int scheme, double rank, double total)
{
    const double p = o->p, d = fmax(rank, 1);
    double b = pow(d, fmax(1, 0.5 * p));

    if (scheme == NRM_LP_CORESET_SENSITIVITY) b = p <= 2 ? pow(d, 1 - 0.5 * p) * total : pow(total, 2 - 2 / p);
    else if (scheme == NRM_LP_CORESET_COMBINED) b = pow(d, 2 / p) * pow(total, 2 - 4 / p);
    else if (scheme == NRM_LP_CORESET_AUGMENTED) b = total + d;
    else if (scheme == NRM_LP_CORESET_ROOT_LEVERAGE) b = d;
    return ceil(2 * b * log(2 * d / o->delta) / (o->eps * o->eps));
}

double nrm_coreset_round(const nrm_lp_coreset_options *o, double n, double rank)
{
    return ceil(pow(o->eps, -o->p) * pow(n, 1 - 0.5 * o->p) * pow(fmax(rank, 1), 0.5 * o->p) * log(fmax(n, 2)));
}

/* ---- The parts ------------------------------------------------------------------------------------- */

/* After what a rank did alone, before what all do. */
static nrm_status agree(nrm_ctx *ctx, nrm_status st) { return nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st); }

typedef struct scaling { nrm_rows *a, *b; } scaling;

static void scaling_end(nrm_ctx *ctx, scaling *s)
{
    nrm_rows_close(ctx, s->a);
    nrm_rows_close(ctx, s->b);
}

static nrm_status scaling_begin(nrm_ctx *ctx, const nrm_scored_rows *rows, const double *scale, scaling *s)
{
    *s = (scaling){0};
    nrm_status st = nrm_scaled_rows(ctx, &s->a, rows->a, scale, rows->n);
    if (st >= 0 && rows->b) st = nrm_scaled_rows(ctx, &s->b, rows->b, scale, rows->n);
    st = agree(ctx, st);
    if (st < 0) scaling_end(ctx, s);
    return st;
}

static nrm_status leverage(nrm_ctx *ctx, const nrm_scored_rows *rows, const double *scale, double *tau, int64_t *rank)
{
    scaling s;
    NRM_TRY(scaling_begin(ctx, rows, scale, &s));
    const nrm_status st = nrm_leverage_scores(ctx, NRM_LP_CORESET, s.a, s.b, rows->n, tau, rank);
    scaling_end(ctx, &s);
    return st;
}

/* Weights into found->lewis, once; report goes with them. */
static nrm_status lewis(nrm_ctx *ctx, const nrm_lp_coreset_options *o, unsigned want, const nrm_scored_rows *rows,
                        nrm_coreset_scores *found, nrm_lewis_report *report)
{
    const double tol = o->lewis_tol > 0 ? o->lewis_tol : want & NRM_LP_CORESET_LEWIS_WEIGHTS ? 1e-10 : 1e-3;
    scaling s;

    if (found->lewis) return NRM_OK;
    NRM_TRY(agree(ctx, NRM_ALLOC(ctx, found->lewis, rows->n, NRM_LP_CORESET)));
    NRM_TRY(scaling_begin(ctx, rows, rows->scale, &s));
    const nrm_status st = nrm_lewis_weights(ctx, NRM_LP_CORESET, s.a, s.b, rows->n, o->p, tol, o->lewis_iterations, found->lewis,
                                            report);
    scaling_end(ctx, &s);
    if (st == NRM_NOT_CONVERGED) found->remark = st;
    if (st < 0) return st;
    found->rank = report->rank;
    found->lewis_error = report->error;
    return NRM_OK;
}

/* A regression for each row, on all rows or on a sample, is some 30 Gram matrices: what may be spent
 * without being asked is a second or a few.  The 64 is for what is done to a row beside it. */
static int affordable(const nrm_scored_rows *rows, double p)
{
    const double n = (double)rows->n, d = (double)(nrm_rows_cols(rows->a) + nrm_rows_cols(rows->b));
    const double sample = (double)nrm_sensitivity_rows(p, (int64_t)d), each = 30 * n * (d * d + 64);

    if (each * n <= 5e9) return NRM_LP_SCORES_EXACT;
    return each * fmin(n, sample) <= 1e10 ? NRM_LP_SCORES_APPROXIMATE : NRM_LP_SCORES_BRACKET;
}

static nrm_status solved(nrm_ctx *ctx, const nrm_lp_coreset_options *o, bool exact, unsigned want, const nrm_scored_rows *rows,
                         nrm_coreset_scores *found)
{
    const double tol = o->newton_tol > 0 ? o->newton_tol : want & NRM_LP_CORESET_SENSITIVITIES && exact ? 1e-10 : 1e-3;
    const nrm_sensitivity_plan plan = {.p = o->p, .rows = exact ? rows->n : 0, .tol = tol};
    nrm_sensitivity_report report;
    scaling s;

    NRM_TRY(scaling_begin(ctx, rows, rows->scale, &s));
    const nrm_status st = nrm_lp_sensitivities(ctx, NRM_LP_CORESET, s.a, s.b, rows->n, &plan, found->sensitivities, NULL, NULL, &report);
    scaling_end(ctx, &s);
    if (st < 0) return st;
    if (st == NRM_NOT_CONVERGED) found->remark = st;
    found->rank = report.rank;
    found->how = exact || report.rows == rows->n ? "exact" : "approximate";
    return NRM_OK;
}

static nrm_status sensitivities(nrm_ctx *ctx, const nrm_lp_coreset_options *o, unsigned want, const nrm_scored_rows *rows,
                                nrm_coreset_scores *found, nrm_lewis_report *report)
{
    const int way = o->scores == NRM_LP_SCORES_AUTO ? affordable(rows, o->p) : o->scores;

    NRM_TRY(agree(ctx, NRM_ALLOC(ctx, found->sensitivities, rows->n, NRM_LP_CORESET)));
    if (rows->user) {
        found->how = "user";
        for (int64_t i = 0; i < rows->n; i++) found->sensitivities[i] = rows->user[i] * (rows->copies ? rows->copies[i] : 1);
    } else if (o->p == 2) {
        found->how = "exact";
        NRM_TRY(leverage(ctx, rows, rows->scale, found->sensitivities, &found->rank));
    } else if (way == NRM_LP_SCORES_BRACKET) {
        found->how = "bracket";
        NRM_TRY(lewis(ctx, o, want, rows, found, report));
        nrm_lewis_bracket(rows->n, o->p, found->lewis, report, NULL, found->sensitivities);
    } else {
        NRM_TRY(solved(ctx, o, way == NRM_LP_SCORES_EXACT, want, rows, found));
    }
    found->total = nrm_sum(found->sensitivities, rows->n);
    return NRM_OK;
}

/* ---- The schemes ------------------------------------------------------------------------------------ */

static nrm_status combined(nrm_ctx *ctx, const nrm_lp_coreset_options *o, const nrm_scored_rows *rows, nrm_coreset_scores *found)
{
    const int64_t n = rows->n;
    const double per = (double)n / found->total, power = 0.5 - 1 / o->p;
    double *scale, copies = 0;

    NRM_TRY(agree(ctx, NRM_ALLOC(ctx, scale, n, NRM_LP_CORESET)));
    for (int64_t i = 0; i < n; i++) {
        const double k = fmax(1, per * found->sensitivities[i]);
        copies += k;
        scale[i] = pow(k, power) * (rows->scale ? rows->scale[i] : 1);
    }
    const nrm_status st = leverage(ctx, rows, scale, found->s, &found->rank);
    nrm_free(ctx, scale);
    NRM_TRY(st);
    for (int64_t i = 0; i < n; i++) {
        const bool zero = !(found->s[i] > 0) && !(found->sensitivities[i] > 0);
        found->s[i] = zero ? 0 : found->s[i] / (double)nrm_max_i64(found->rank, 1) + fmax(1, per * found->sensitivities[i]) / copies;
    }
    return NRM_OK;
}

static nrm_status augmented(nrm_ctx *ctx, const nrm_scored_rows *rows, nrm_coreset_scores *found)
{
    NRM_TRY(leverage(ctx, rows, rows->scale, found->s, &found->rank));
    for (int64_t i = 0; i < rows->n; i++)
        found->s[i] = found->s[i] / (double)nrm_max_i64(found->rank, 1) + found->sensitivities[i] / found->total;
    return NRM_OK;
}

static nrm_status not_all_zero(nrm_ctx *ctx, int64_t n, const nrm_coreset_scores *found)
{
    for (int64_t i = 0; i < n; i++)
        if (found->s[i] > 0) return NRM_OK;
    return nrm_fail(ctx, NRM_E_SINGULAR, NRM_LP_CORESET ": every row is 0; there is nothing to keep: give rows that are not all 0");
}

nrm_status nrm_coreset_score(nrm_ctx *ctx, const nrm_lp_coreset_options *o, int scheme, unsigned want,
                             const nrm_scored_rows *rows, nrm_coreset_scores *found)
{
    const bool sensitive = scheme == NRM_LP_CORESET_SENSITIVITY || scheme == NRM_LP_CORESET_COMBINED ||
                           scheme == NRM_LP_CORESET_AUGMENTED;
    const int64_t n = rows->n;
    nrm_lewis_report report;

    *found = (nrm_coreset_scores){.how = "none", .rank = -1, .total = NAN, .lewis_error = NAN, .remark = NRM_OK};
    NRM_TRY(agree(ctx, NRM_ALLOC(ctx, found->s, n, NRM_LP_CORESET)));
    if (scheme == NRM_LP_CORESET_LEWIS || want & NRM_LP_CORESET_LEWIS_WEIGHTS) NRM_TRY(lewis(ctx, o, want, rows, found, &report));
    if (sensitive || want & NRM_LP_CORESET_SENSITIVITIES) NRM_TRY(sensitivities(ctx, o, want, rows, found, &report));
    switch (scheme) {
    case NRM_LP_CORESET_LEWIS: memcpy(found->s, found->lewis, (size_t)n * sizeof *found->s); break;
    case NRM_LP_CORESET_SENSITIVITY: memcpy(found->s, found->sensitivities, (size_t)n * sizeof *found->s); break;
    case NRM_LP_CORESET_COMBINED: NRM_TRY(combined(ctx, o, rows, found)); break;
    case NRM_LP_CORESET_AUGMENTED: NRM_TRY(augmented(ctx, rows, found)); break;
    case NRM_LP_CORESET_ROOT_LEVERAGE:
        NRM_TRY(leverage(ctx, rows, rows->scale, found->s, &found->rank));
        for (int64_t i = 0; i < n; i++) found->s[i] = pow(found->s[i], 0.5 * o->p);
        break;
    default:
        for (int64_t i = 0; i < n; i++) found->s[i] = rows->copies ? rows->copies[i] : 1;
    }
    return not_all_zero(ctx, n, found);
}

void nrm_coreset_scores_free(nrm_ctx *ctx, nrm_coreset_scores *found)
{
    nrm_free(ctx, found->s);
    nrm_free(ctx, found->sensitivities);
    nrm_free(ctx, found->lewis);
    found->s = found->sensitivities = found->lewis = NULL;
}
