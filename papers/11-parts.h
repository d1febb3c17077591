/* 11-parts.h -- the experiments of paper 11, shared by its two files.  Framework: reproduce.h. */
#ifndef NRM_11_PARTS_H
#define NRM_11_PARTS_H

#include "reproduce.h"
#include <math.h>
#include <norma/sparse_ot.h>
#include <string.h>

/* A problem with its plan's numbers; everything lives in the framework's scratch memory. */
typedef struct transport {
    int64_t m, n;
    double *a, *b, *cost;
} transport;

/* m x n with masses 1/m and 1/n; false: no memory. */
static inline bool transport_make(nrm_reproduction *r, transport *t, int64_t m, int64_t n)
{
    *t = (transport){m, n, nrm_scratch(r, m, sizeof(double)), nrm_scratch(r, n, sizeof(double)),
                     nrm_scratch(r, m * n, sizeof(double))};
    if (!t->a || !t->b || !t->cost) return false;
    for (int64_t i = 0; i < m; i++) t->a[i] = 1.0 / (double)m;
    for (int64_t j = 0; j < n; j++) t->b[j] = 1.0 / (double)n;
    return true;
}

/* Squared distances of points in `dim` dimensions; divided by the largest if asked. */
void transport_costs(transport *t, const double *x, const double *y, int dim, bool to_one);

/* Solve; *square_error, where not NULL, is the squared error of all row sums; dense (m x n),
 * where not NULL, the plan (the relaxed one if there is no feasible plan and `relaxed`). */
nrm_status transport_solve(nrm_ctx *ctx, const transport *t, const nrm_sparse_ot_options *o, nrm_sparse_ot_info *info,
                           double *square_error, double *dense, bool relaxed);

nrm_status palettes(nrm_reproduction *r, nrm_ctx *ctx); /* R3, table 1 of the paper */
nrm_status router(nrm_reproduction *r, nrm_ctx *ctx);   /* R4 */

#endif
