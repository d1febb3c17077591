/* sensitivity_row.h -- the regressions of sensitivity.h, many at once.  Private to it. */
#ifndef NRM_SENSITIVITY_ROW_H
#define NRM_SENSITIVITY_ROW_H

#include "base/base.h"
#include "sensitivity_newton.h"

typedef struct nrm_sensitivity_bench {
    nrm_ctx *ctx;
    const char *who;
    double p, tol;
    int64_t max_iter, m, r;
    const double *y; /* m x r, of full rank: what |Ax|_p is measured on */
    int threads;
    nrm_arena arena;
    nrm_newton_rows newton;
    int64_t newton_room;
    double *reduced, *right, *z, *newton_work; /* of each thread: m x (r - 1), m, r, newton_room */
} nrm_sensitivity_bench;

typedef struct nrm_sensitivity_of_row {
    double lower, upper; /* 1 / opt lies between, were m all rows */
    int64_t systems;
    nrm_status status;
} nrm_sensitivity_of_row;

nrm_status nrm_sensitivity_bench_make(nrm_sensitivity_bench *bench); /* memory, from the rest; NRM_E_OVERFLOW, _NOMEM */
void nrm_sensitivity_bench_free(nrm_sensitivity_bench *bench);
/* answer[i] for the rows target (count x r), on all threads. */
void nrm_sensitivity_solve(const nrm_sensitivity_bench *bench, int64_t count, const double *target, nrm_sensitivity_of_row *answer);

#endif
