/* 24-parts.h -- matrices and measurements of 24-lp-sensitivity.c; defined in 24-parts.c. */
#ifndef P24_PARTS_H
#define P24_PARTS_H

#include "reproduce.h"
#include <norma/lp_regression.h>

enum { P24_T, P24_ONEHOT, P24_LEGENDRE, P24_SPIKE, P24_FAMILIES, P24_COLUMNS = 6 };
extern const char *const p24_names[P24_FAMILIES];

typedef struct p24_matrix { int64_t n, d; double *a, *b; } p24_matrix; /* the framework's memory */

/* spikes: so many of the last columns are zero but for three entries. */
nrm_status p24_family(nrm_reproduction *r, int family, int n, int d, int spikes, p24_matrix *m);

/* A coreset of A, or of [A b]; scores: sensitivities, or NULL. */
nrm_status p24_coreset(nrm_ctx *ctx, const p24_matrix *m, bool both, const double *scores, unsigned want,
                       const nrm_lp_coreset_options *o, nrm_lp_coreset_result *made, nrm_lp_coreset_info *info);
nrm_status p24_sensitivities(nrm_reproduction *r, nrm_ctx *ctx, const p24_matrix *m, double p, bool both, double **scores, double *total);
nrm_status p24_distortion(nrm_ctx *ctx, const p24_matrix *m, const nrm_lp_coreset_options *o, const double *scores, double *distortion);
/* The least loss, sum |r|^p; and by how much that of a coreset's solution is above it. */
nrm_status p24_best(nrm_ctx *ctx, const p24_matrix *m, double p, double *best);
nrm_status p24_excess(nrm_ctx *ctx, const p24_matrix *m, const nrm_lp_coreset_options *o, const double *scores, double best,
                      double *excess);

nrm_status p24_many_rows(nrm_reproduction *r, nrm_ctx *ctx);

#endif
