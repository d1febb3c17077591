/* 20-parts.h -- the people that paper 20 is tried on, and the audit of what they send. */
#ifndef NRM_20_PARTS_H
#define NRM_20_PARTS_H

#include "reproduce.h"
#include <norma/private_protocol.h>

enum { MOST_D = 128 };

/* n people by number: x of independent signs, or normal; y = x'theta + noise; theta has length
 * `length` and k entries, of alternating sign or (normal) normal. */
typedef struct people {
    uint64_t seed;
    int64_t n;
    int d, k;
    bool normal;   /* x normal and noise normal of sd .5; else signs and noise uniform of sd .3 */
    double length; /* of theta */
} people;

void truth_of(const people *p, double *theta);
/* Errors |raw - truth| and |theta - truth| of the method; public rows where the mode takes them. */
nrm_status errors_of(nrm_ctx *ctx, const people *p, const nrm_private_sparse_regression_options *o, uint64_t seed, double *raw,
                     double *final, nrm_private_sparse_regression_info *info);

/* Least-squares slope of ln y in ln x. */
double slope_of(const double *x, const double *y, int n);

nrm_status run_audit(nrm_reproduction *r, nrm_ctx *ctx);
nrm_status run_adult(nrm_reproduction *r, nrm_ctx *ctx);

#endif
