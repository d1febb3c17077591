/* newton_schulz_fit.h -- Newton-Schulz coefficients fitted to a spectrum.  Private.
 *
 * He et al., "ROOT", 2025, arXiv 2511.20626, fit (a, b, c) to shapes and do not say how.  Here:
 *     minimise J = sum of w_i (p^K(sigma_i) - 1)^2                                          (1)
 * over one triple for all K steps, or over a triple for each, by Levenberg and Marquardt from
 * several starts.  The best result is taken whose singular values stay within bounds on the
 * way: sup over t in [0, 1] and k <= K of |p^k(t)| <= NRM_FIT_BOUND.  A triple belongs to
 * its K: with other steps it is another polynomial. */
#ifndef NRM_NEWTON_SCHULZ_FIT_H
#define NRM_NEWTON_SCHULZ_FIT_H

#include "spectrum.h"

enum { NRM_FIT_STEPS = 16 }; /* at most */
#define NRM_FIT_BOUND 1.35

typedef struct nrm_newton_schulz_fit {
    nrm_quintic step[NRM_FIT_STEPS];
    int step_count;    /* 1, or as many as there are steps */
    double objective;  /* J on the spectrum given */
    double sup, sup_at; /* of |p^k| on [0, 1], and where */
    int iterations;    /* of all starts */
} nrm_newton_schulz_fit;

/* steps: 1 .. NRM_FIT_STEPS.  each: a triple for each step.  NRM_E_RANGE, _CANCELLED, _NOMEM. */
nrm_status nrm_newton_schulz_fit_run(nrm_ctx *ctx, const char *who, const nrm_spectrum *spectrum, int steps, bool each,
                                     nrm_newton_schulz_fit *fit);

/* J of (1) and, where not NULL, half its gradient and the matrix of the normal equations
 * (n = 3 or 3 steps; normal: n x n, lower triangle), step[0] serving all steps unless `each`. */
double nrm_newton_schulz_objective(const nrm_spectrum *spectrum, const nrm_quintic *step, int steps, bool each,
                                   double *half_gradient, double *normal);

/* sup over 20001 points t of [0, 1] and k <= steps of |p^k(t)|, INFINITY where it overflows;
 * *at (may be NULL) is the t.  The schedule: step[k], the last from then on. */
double nrm_newton_schulz_sup(const nrm_quintic *step, int step_count, int steps, double *at);

#endif
