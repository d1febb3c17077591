/* coreset_job.h -- a call of lp-coreset under way.  Private. */
#ifndef NRM_CORESET_JOB_H
#define NRM_CORESET_JOB_H

#include "coreset.h"
#include "method/descriptor.h"

typedef struct nrm_coreset_job {
    const nrm_lp_coreset_input *in;
    nrm_lp_coreset_options o; /* p at most 64 */
    unsigned want;
    int64_t d, q, columns, n; /* n -1: not known yet */
    int scheme;
    bool direct; /* scores are known without the rows */
    bool many;
    bool fetched; /* kept holds the rows */
    nrm_rows *a, *b;   /* of in, counting passes */
    double *scale;     /* omega^(1/p), NULL: 1 */
    double *user;      /* scores of the user, the largest 1 */
    double *shares;    /* q_i */
    double *witness;
    nrm_coreset_scores scores;
    nrm_weighted_rows kept;
    nrm_lp_coreset_info info;
    nrm_status remark;
} nrm_coreset_job;

extern const nrm_method nrm_lp_coreset_method;

#endif
