/* row_draw.h -- rows drawn by their scores.  Private.
 *
 *   independent   row i with q_i = min(1, c s_i), c such that the q_i sum to m; factor 1 / q_i
 *   iid           m draws with s_i / sum s; a row drawn k times has the factor k sum s / (m s_i)
 *
 * Either way E[sum over drawn of factor_i f_i] = sum of f_i over the rows with s_i > 0.  The draw of
 * a row depends on (seed, stream) and its number alone, with iid on those of all. */
#ifndef NRM_ROW_DRAW_H
#define NRM_ROW_DRAW_H

#include "base/base.h"

typedef struct nrm_drawn {
    int64_t count;
    int64_t *place;   /* in the scores, rising */
    double *factor;
    double expected;  /* mean of count */
    int64_t place_room, factor_room;
} nrm_drawn;

/* c of the above for scores from 0 to about 1; INFINITY where at most m are positive, which are
 * then taken for certain. */
double nrm_draw_level(int64_t n, const double *s, double m);
static inline double nrm_draw_share(double level, double s) { return s <= 0 ? 0 : fmin(1, level * s); }

typedef struct nrm_draw_plan {
    double m;
    bool iid;
    uint64_t seed, stream;
    const int64_t *number; /* of the rows in place 0, 1, ..., rising; NULL: the place itself */
} nrm_draw_plan;

/* drawn begins as {0} and is freed by nrm_drawn_free after success and failure alike. */
nrm_status nrm_draw_rows(nrm_ctx *ctx, const char *who, const nrm_draw_plan *plan, int64_t n, const double *s, nrm_drawn *drawn);
void nrm_drawn_free(nrm_ctx *ctx, nrm_drawn *drawn);
/* q_i, with iid s_i / sum s. */
void nrm_draw_shares(const nrm_draw_plan *plan, int64_t n, const double *s, double *share);

#endif
