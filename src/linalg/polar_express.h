/* polar_express.h -- Newton-Schulz coefficients by greedy minimax: each step has the odd quintic
 * that brings what the steps before left nearest to 1.  Private.
 *
 * Amsel, Persson, Musco, Gower, "The Polar Express", 2025, arXiv 2505.16932.  A matrix whose
 * singular values lie in [l, u] has them in [p(l), p(u)] after the step with
 *     p = argmin over odd quintics of max |p(t) - 1|, t in [max(l, cushion u), u]            (1)
 * scaled so that p(l) + p(u) = 2 where the cushion has cut the interval.  Every step but the
 * last has its argument divided by 1 + safety, for singular values that rounding pushes out
 * of the interval. */
#ifndef NRM_POLAR_EXPRESS_H
#define NRM_POLAR_EXPRESS_H

#include "orthogonalise.h"

enum { NRM_POLAR_EXPRESS_STEPS = 64 }; /* at most */

typedef struct nrm_polar_express_options {
    double lower;   /* least singular value that is to reach 1, the largest being 1; in (0, 1) */
    int steps;      /* 1 .. 64 */
    double safety;  /* 0 .. 1 */
    double cushion; /* 0 .. below 1: values under cushion times the largest are not fitted to */
} nrm_polar_express_options;

/* step: the coefficients of each step.  *lowest (may be NULL): [lower, 1] ends within
 * [*lowest, 2 - *lowest].  NRM_E_RANGE: an argument, or a combination of them that doubles
 * cannot follow (a large cushion with a large safety).  The published tables come out to
 * 2e-14 in each coefficient: (1e-3, 5, 0.02, 0.02), and (1e-3, 8, 0, 0.02407327424182761), whose
 * seventh and eighth step are printed as the limit (15/8, -10/8, 3/8) and come out up to 2e-6
 * from it, the interval left being [0.9988, 1.0012]. */
nrm_status nrm_polar_express(nrm_ctx *ctx, const char *who, const nrm_polar_express_options *options,
                             nrm_quintic *step, double *lowest);

#endif
