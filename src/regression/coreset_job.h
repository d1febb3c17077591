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
    nrm_weighted_rows kept, reference; /* reference: what the audit looks at in place of all rows */
    bool reference_is_all;
    nrm_lp_coreset_info info;
    nrm_status remark;
} nrm_coreset_job;

extern const nrm_method nrm_lp_coreset_method;

/* The rows that came against those announced and the columns. */
nrm_status nrm_coreset_check_count(nrm_ctx *ctx, const nrm_coreset_job *j, int64_t n);
/* kept, with index and weight, and with rows where they are wanted or must be read; expected, levels
 * and what the scores say into info; with o.audit also the reference.
 *   draw (coreset_many.c)     by scores of all j->n rows
 *   merge (coreset_merge.c)   in one pass over any number of rows; sets n */
nrm_status nrm_coreset_draw(nrm_ctx *ctx, nrm_coreset_job *j);
nrm_status nrm_coreset_merge(nrm_ctx *ctx, nrm_coreset_job *j);
/* witness, info.distortion (coreset_audit.c): one more pass unless the reference is all rows. */
nrm_status nrm_coreset_audit(nrm_ctx *ctx, nrm_coreset_job *j);

#endif
