/* coreset.h -- what the files of lp-coreset share.  Private. */
#ifndef NRM_CORESET_H
#define NRM_CORESET_H

#include "base/base.h"
#include "row_draw.h"
#include <norma/lp_coreset.h>

#define NRM_LP_CORESET "lp-coreset"

/* Streams of the seed; a level of merging has so many of its own. */
enum {
    NRM_CORESET_STREAM = 0x240000,
    NRM_CORESET_ROUNDS = 64, /* of root leverage */
    NRM_CORESET_LEVELS = 64,
    NRM_CORESET_LAST = NRM_CORESET_LEVELS - 1, /* the level of the last merge */
    NRM_CORESET_REFERENCE = NRM_CORESET_LEVELS,
    NRM_CORESET_DIRECTIONS
};
static inline uint64_t nrm_coreset_stream(int level, int round)
{
    return NRM_CORESET_STREAM + (uint64_t)level * NRM_CORESET_ROUNDS + (uint64_t)round;
}

/* ---- Scores (coreset_scores.c) ------------------------------------------------------------------- */

/* Rows i of [a b] times scale[i]. */
typedef struct nrm_scored_rows {
    nrm_rows *a, *b; /* b may be NULL */
    int64_t n;
    const double *scale;  /* NULL: 1 */
    const double *user;   /* what stands for the sensitivities, or NULL */
    const double *copies; /* how many rows each stands for, for `uniform` and user; NULL: 1 */
} nrm_scored_rows;

typedef struct nrm_coreset_scores {
    double *s;                   /* n: what rows are drawn by */
    double *sensitivities, *lewis; /* n, or NULL */
    const char *how;             /* of the sensitivities; "none" */
    int64_t rank;                /* -1: not known */
    double total, lewis_error;   /* sum of the sensitivities; NaN: none */
    nrm_status remark;           /* NRM_OK or NRM_NOT_CONVERGED */
} nrm_coreset_scores;

/* Scores of `scheme` (not auto); want: NRM_LP_CORESET_SENSITIVITIES, _LEWIS_WEIGHTS for these too.
 * found is freed by nrm_coreset_scores_free after success and failure alike. */
nrm_status nrm_coreset_score(nrm_ctx *ctx, const nrm_lp_coreset_options *o, int scheme, unsigned want,
                             const nrm_scored_rows *rows, nrm_coreset_scores *found);
void nrm_coreset_scores_free(nrm_ctx *ctx, nrm_coreset_scores *found);

/* B of the header, and the rows that eps and delta ask for; total: the sum of the sensitivities. */
double nrm_coreset_rows(const nrm_lp_coreset_options *o, int scheme, double rank, double total);
/* What d and p alone promise of it. */
double nrm_coreset_most_total(double p, double d);
/* Rows of one round of root leverage. */
double nrm_coreset_round(const nrm_lp_coreset_options *o, double n, double rank);

/* ---- Weighted rows in memory (coreset_reduce.c) ---------------------------------------------------- */

typedef struct nrm_weighted_rows {
    int64_t count, columns;
    int64_t *index; /* rising */
    double *weight, *rows; /* rows: count x columns, of [a b] as they came */
    int64_t index_room, weight_room, rows_room;
} nrm_weighted_rows;

void nrm_weighted_rows_free(nrm_ctx *ctx, nrm_weighted_rows *w);
/* Room for so many in all. */
nrm_status nrm_weighted_rows_room(nrm_ctx *ctx, nrm_weighted_rows *w, int64_t count);
nrm_status nrm_weighted_rows_append(nrm_ctx *ctx, nrm_weighted_rows *w, const nrm_weighted_rows *more);

typedef struct nrm_coreset_reduction {
    const nrm_lp_coreset_options *o;
    int scheme;
    double target;
    int level, round;
    const double *omega, *user; /* by row number, or NULL */
} nrm_coreset_reduction;
typedef struct nrm_coreset_reduced { /* of the last draw */
    double expected, total, lewis_error;
    int64_t rank;
    const char *how;
    nrm_status remark;
} nrm_coreset_reduced;

/* Draw `target` of w's rows, in place; nothing where it has no more.  By this rank alone. */
nrm_status nrm_coreset_reduce(nrm_ctx *ctx, const nrm_coreset_reduction *r, nrm_weighted_rows *w, nrm_coreset_reduced *found);

/* ---- Rows by their numbers (coreset_fetch.c) --------------------------------------------------------- */

/* w's rows, count and index being set, from one pass; every rank gets them all.  second may be NULL.
 * *n: the rows there are. */
nrm_status nrm_coreset_fetch(nrm_ctx *ctx, nrm_rows *a, nrm_rows *b, nrm_weighted_rows *w, nrm_weighted_rows *second, int64_t *n);
/* One pass that only counts. */
nrm_status nrm_coreset_count(nrm_ctx *ctx, nrm_rows *a, nrm_rows *b, int64_t *n);

#endif
