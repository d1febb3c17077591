/* lp_job.h -- a call of lp-regression under way.  Private. */
#ifndef NRM_LP_JOB_H
#define NRM_LP_JOB_H

#include "lp_full.h"
#include "method/descriptor.h"
#include <norma/lp_regression.h>

#define NRM_LP_REGRESSION "lp-regression"

typedef struct nrm_lp_job {
    const nrm_lp_regression_input *in;
    nrm_lp_regression_options o; /* p at most 64 */
    unsigned want;
    int64_t d;
    nrm_lp_regression_result made;
    nrm_lp_regression_info info;
    nrm_status remark;
} nrm_lp_job;

extern const nrm_method nrm_lp_regression_method;

/* All rows in memory. */
typedef struct nrm_lp_rows { int64_t n; double *a, *b; } nrm_lp_rows; /* n x d, n */
/* Rows of a and b to the end, on every rank, or until there are more than `most` numbers: *all false
 * then, and nothing is kept.  One pass. */
nrm_status nrm_lp_rows_gather(nrm_ctx *ctx, const nrm_lp_regression_input *in, int64_t most, nrm_lp_rows *rows, bool *all);
void nrm_lp_rows_free(nrm_ctx *ctx, nrm_lp_rows *rows);

/* result and info of j. */
nrm_status nrm_lp_direct(nrm_ctx *ctx, nrm_lp_job *j, const nrm_lp_rows *rows);
nrm_status nrm_lp_sampled(nrm_ctx *ctx, nrm_lp_job *j);
/* A warning that names the columns which `dependent` marks. */
void nrm_lp_warn_dependent(nrm_ctx *ctx, int64_t d, const bool *dependent);
/* gap and excess from norm and lower. */
void nrm_lp_proof(nrm_lp_regression_info *info);

#endif
