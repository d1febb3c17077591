/* problem.h -- from the caller's arrays to the inner problem of ot.h and back.  Private.
 *
 * k limits the columns of the inner problem.  With axis column they are the caller's
 * columns; with axis row they are the caller's rows, and the inner problem is the
 * transpose: then the cost is stored as it must be already. */
#ifndef NRM_OT_PROBLEM_H
#define NRM_OT_PROBLEM_H

#include "ot.h"

typedef struct nrm_ot_caller {
    int64_t m, n;                /* as the caller sees them */
    const double *a, *b;
    const void *cost;            /* m x n */
    bool f32;
} nrm_ot_caller;

typedef struct nrm_ot_problem {
    nrm_ot_caller caller;
    bool transposed;             /* axis row */
    int64_t rows, columns;       /* of the inner problem, with those without mass */
    int64_t *row_of, *column_of; /* place among them of what was kept: ot.m, ot.n */
    double *mass;                /* ot.a, ot.b */
    void *copy;                  /* of the cost, NULL where the caller's serves */
    double total;
    nrm_ot ot;
} nrm_ot_problem;

/* Check everything the caller gave (not the options) and build the inner problem.  On a
 * failure nothing is held. */
nrm_status nrm_ot_problem_make(nrm_ctx *ctx, const nrm_ot_caller *caller, const nrm_sparse_ot_options *o,
                               nrm_ot_problem *p);
void nrm_ot_problem_end(nrm_ot_problem *p);

/* alpha (caller.m), beta (caller.n) from the inner potentials: mean zero, those of what was
 * left out filled in.  Either may be NULL. */
nrm_status nrm_ot_potentials(nrm_ot_problem *p, const double *inner_alpha, const double *inner_beta, double *alpha,
                             double *beta);
/* The caller's CSR of an inner plan. */
nrm_status nrm_ot_plan_csr(nrm_ot_problem *p, const nrm_ot_plan *plan, nrm_csr *csr);

#endif
