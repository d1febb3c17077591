/* lbfgs.h -- smooth unconstrained minimisation by limited-memory BFGS.  Private.
 *
 * Nocedal & Wright, Numerical Optimization, 2nd ed.: two-loop recursion (alg. 7.4), line
 * search with strong Wolfe conditions by bracketing and zoom (algs. 3.5, 3.6).  Near the
 * optimum, where differences of values drown in rounding, the test on the value is
 * replaced by one on the slope (Hager & Zhang 2005, the approximate Wolfe conditions).  On
 * a function with kinks Wolfe points may not exist: a point of sufficient decrease alone
 * (Armijo) is accepted then, and when even that is missing the search ends STALLED. */
#ifndef NRM_LBFGS_H
#define NRM_LBFGS_H

#include "base/base.h"

/* *value = f(x) and the gradient (n values) at x.  A value that is not finite is taken as
 * "outside": the line search backs off.  A status < 0 ends the minimisation. */
typedef nrm_status (*nrm_objective_fn)(nrm_ctx *ctx, void *user, const double *x, double *value,
                                       double *gradient);

typedef enum nrm_lbfgs_end {
    NRM_LBFGS_CONVERGED, /* |gradient|_inf <= tol */
    NRM_LBFGS_MAX_ITER,
    NRM_LBFGS_STALLED,   /* no point of sufficient decrease along the steepest descent: a kink, or rounding */
    NRM_LBFGS_STOPPED,   /* the stop callback said so */
    NRM_LBFGS_CANCELLED
} nrm_lbfgs_end;

typedef struct nrm_lbfgs_result {
    nrm_lbfgs_end end;
    double value, residual; /* f and |gradient|_inf at the returned x */
    int64_t iterations, evaluations;
    int64_t armijo_only; /* steps without a Wolfe point: > 0 hints at kinks */
} nrm_lbfgs_result;

typedef struct nrm_lbfgs_options {
    int64_t memory, max_iter;
    double tol;        /* on |gradient|_inf */
    double first_step; /* length of the first step, > 0; in the units of x */
    const char *task;  /* for progress; NULL: no reports, but cancellation is still seen */
    /* Called after each step; true ends the minimisation (STOPPED).  NULL: never. */
    bool (*stop)(void *user, const double *x, const nrm_lbfgs_result *so_far);
} nrm_lbfgs_options;

static inline nrm_lbfgs_options nrm_lbfgs_options_default(void)
{
    return (nrm_lbfgs_options){.memory = 10, .max_iter = 500, .tol = 1e-6, .first_step = 1.0};
}

/* Minimise f from x (n values), which becomes the best point found; untouched after a
 * failure.  (2 memory + 7) n doubles of work.  Every end above is NRM_OK. */
nrm_status nrm_lbfgs(nrm_ctx *ctx, const char *who, int64_t n, nrm_objective_fn f, void *user, double *x,
                     const nrm_lbfgs_options *options, nrm_lbfgs_result *result);

#endif
