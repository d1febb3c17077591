/* alias.c -- Walker's alias tables (Vose, IEEE Trans. Software Eng. 17, 1991): n places of equal
 * probability, each shared by at most two numbers.  What a place lacks, a number with more than
 * its own place gives.  Contract: alias.h. */
#include "alias.h"
#include "linalg/linalg.h"

nrm_status nrm_alias_create(nrm_ctx *ctx, nrm_alias *alias, int64_t n, const double *weights)
{
    double *keep = NULL;
    int64_t *other = NULL, *stack = NULL, small = 0, large = n;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC(ctx, keep, n, "a table of probabilities"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, other, n, "a table of probabilities"));
    NRM_TRY_DONE(NRM_ALLOC(ctx, stack, n, "a table of probabilities"));
    const double unit = (double)n / nrm_sum(weights, n);
    for (int64_t i = 0; i < n; i++) { /* those that lack from below, those that have more from above */
        keep[i] = unit * weights[i];
        other[i] = i;
        if (keep[i] < 1) stack[small++] = i;
        else stack[--large] = i;
    }
    while (small > 0 && large < n) {
        const int64_t lacks = stack[--small], gives = stack[large];
        other[lacks] = gives;
        keep[gives] -= 1 - keep[lacks];
        if (keep[gives] < 1) {
            large++;
            stack[small++] = gives;
        }
    }
    while (small > 0) keep[stack[--small]] = 1; /* 1 but for rounding */
    *alias = (nrm_alias){.n = n, .keep = keep, .other = other};
    keep = NULL, other = NULL;
done:
    nrm_free(ctx, stack);
    nrm_free(ctx, other);
    nrm_free(ctx, keep);
    return st;
}

void nrm_alias_destroy(nrm_ctx *ctx, nrm_alias *alias)
{
    nrm_free(ctx, alias->keep);
    nrm_free(ctx, alias->other);
    *alias = (nrm_alias){0};
}

int64_t nrm_alias_draw(const nrm_alias *alias, nrm_rng *rng)
{
    const int64_t i = nrm_rng_below(rng, alias->n);
    return nrm_rng_uniform(rng) < alias->keep[i] ? i : alias->other[i];
}
