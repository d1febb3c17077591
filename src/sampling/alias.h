/* alias.h -- numbers 0 .. n-1 drawn with given probabilities, in constant time each: Walker's
 * tables, made by Vose's rule.  Private. */
#ifndef NRM_SAMPLING_ALIAS_H
#define NRM_SAMPLING_ALIAS_H

#include "base/random.h"

typedef struct nrm_alias {
    int64_t n;
    double *keep;   /* place i gives i with this probability, */
    int64_t *other; /* else this */
} nrm_alias;

/* Weights >= 0, finite, not all 0; n >= 1. */
nrm_status nrm_alias_create(nrm_ctx *ctx, nrm_alias *alias, int64_t n, const double *weights);
void nrm_alias_destroy(nrm_ctx *ctx, nrm_alias *alias); /* becomes {0} */
int64_t nrm_alias_draw(const nrm_alias *alias, nrm_rng *rng);

#endif
