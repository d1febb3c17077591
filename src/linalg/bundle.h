/* bundle.h -- minimisation of a convex function with kinks: the proximal bundle method.
 * Private.
 *
 * Kiwiel 1990; Lemarechal & Sagastizabal 1997; Bonnans, Gilbert, Lemarechal & Sagastizabal,
 * Numerical Optimization, 2nd ed., ch. 10.  The function is modelled from below by cuts
 *     f(x) >= f(c) + g_i'(x - c) - e_i,     e_i >= 0,  c the centre,
 * and each step minimises model + (u/2)|x - c|^2.  What it returns beside the point is its
 * proof: ghat = sum lambda_i g_i with error ehat is an ehat-subgradient at c, so that
 *     f(x) >= f(c) + ghat'(x - c) - ehat     for every x.
 * lambda also weighs whatever else belongs to the cuts, for instance primal solutions of a
 * Lagrangian: see `average`. */
#ifndef NRM_LINALG_BUNDLE_H
#define NRM_LINALG_BUNDLE_H

#include "linalg/lbfgs.h" /* nrm_objective_fn: any subgradient serves */

typedef enum nrm_proximal_bundle_end {
    NRM_PROXIMAL_BUNDLE_CONVERGED, /* |ghat|^2 / 2u + ehat <= tol max(1, |f|) with |ghat|_inf <= residual_tol */
    NRM_PROXIMAL_BUNDLE_MAX_ITER,
    NRM_PROXIMAL_BUNDLE_STALLED,   /* the model and the function agree to rounding: nothing left to gain */
    NRM_PROXIMAL_BUNDLE_CANCELLED
} nrm_proximal_bundle_end;

typedef struct nrm_proximal_bundle_result {
    nrm_proximal_bundle_end end;
    double value;            /* f at the returned x */
    double residual, error;  /* |ghat|_inf and ehat */
    int64_t iterations, evaluations, serious;
} nrm_proximal_bundle_result;

typedef struct nrm_proximal_bundle_options {
    double tol;          /* on the gap |ghat|^2 / 2u + ehat, relative to max(1, |f|) */
    double residual_tol; /* and on |ghat|_inf */
    int64_t max_iter;    /* evaluations beyond the first */
    int64_t cuts, keep;  /* most cuts held; how many survive when they are full */
    double weight;       /* first u, > 0 */
    const char *task;    /* for progress; NULL: none */
    /* If not NULL: told whenever the cuts are merged into one and once at the end,
     *     average <- carried * average + sum_i lambda[i] F(point i),   carried + sum lambda = 1,
     * point i being points + i n, where cut i was made.  The first `carried` is 0. */
    nrm_status (*average)(nrm_ctx *ctx, void *user, double carried, int64_t count, const double *lambda,
                          const double *points);
} nrm_proximal_bundle_options;

static inline nrm_proximal_bundle_options nrm_proximal_bundle_options_default(void)
{
    return (nrm_proximal_bundle_options){.tol = 1e-8, .residual_tol = 1e-6, .max_iter = 500, .cuts = 120,
                                         .keep = 60, .weight = 1};
}

/* Minimise convex f from x (n values), which becomes the best point found; untouched after
 * a failure.  About cuts (n + 2 cuts) doubles of work, cuts n more with `average`.  Every
 * end above is NRM_OK. */
nrm_status nrm_proximal_bundle(nrm_ctx *ctx, const char *who, int64_t n, nrm_objective_fn f, void *user,
                               double *x, const nrm_proximal_bundle_options *options,
                               nrm_proximal_bundle_result *result);

/* lambda <- argmin over the unit simplex of (1/2u) lambda'G lambda + e'lambda; gram is
 * count x count with row stride ld, lambda a feasible start.  An active-set method: exact up
 * to rounding, weights outside the support are 0.  work: count (count + 2) doubles, member:
 * count places. */
void nrm_bundle_weights(int64_t count, const double *gram, int64_t ld, const double *error, double u,
                        double *lambda, double *work, int64_t *member);

#endif
