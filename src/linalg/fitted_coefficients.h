/* fitted_coefficients.h -- Newton-Schulz coefficients for one shape of matrix: from the table
 * of ROOT's authors, fitted, or the better of a fit and Polar Express; and those a user gives,
 * guarded.  Private. */
#ifndef NRM_FITTED_COEFFICIENTS_H
#define NRM_FITTED_COEFFICIENTS_H

#include "newton_schulz_fit.h"

typedef enum nrm_fit_kind {
    NRM_FIT_TABLE,    /* the authors' triple where there is one for shape and steps that passes the
                         guard (or need not), else a fit */
    NRM_FIT_SHARED,   /* one triple fitted for all steps */
    NRM_FIT_BEST,     /* that, or Polar Express where it has the smaller error */
    NRM_FIT_EACH      /* a triple fitted for each step */
} nrm_fit_kind;

/* By value, without memory of its own: what lasts of the search. */
typedef struct nrm_fitted_coefficients {
    nrm_quintic step[NRM_FIT_STEPS];
    int step_count, steps;  /* the last triple serves the steps from step_count on */
    double safety, eps;     /* as nrm_newton_schulz_set */
    const char *source;     /* "table", "fit", "polar_express", "given" */
    double error;           /* nrm_spectrum_error on the spectrum without guard; NaN for given ones */
    double objective;       /* J of the fit, with the guard; NaN where nothing was fitted */
    double sup, sup_at;     /* nrm_newton_schulz_sup over the steps */
    int iterations;
} nrm_fitted_coefficients;

/* For matrices with the spectrum of `source` (spectrum.h); steps 1 .. NRM_FIT_STEPS.  Some 10 to
 * 20 ms for the default of 5 steps, 100 ms for NRM_FIT_EACH.  The authors' triple for
 * 2048 x 2048 lets singular values reach 3.3 in its 5 steps: it is passed over unless
 * allow_unbounded.  NRM_E_RANGE, _SHAPE, _CANCELLED, _NOMEM: *made is as it was. */
nrm_status nrm_fit_coefficients(nrm_ctx *ctx, const char *who, nrm_fit_kind kind, const nrm_spectrum_source *source,
                                int steps, bool allow_unbounded, nrm_fitted_coefficients *made);

/* count triples (1 .. NRM_FIT_STEPS) of a user's, for steps >= 1.  NRM_E_NONFINITE; NRM_E_RANGE where
 * the polynomials leave NRM_FIT_BOUND, with the sup and where, unless allow_unbounded. */
nrm_status nrm_given_coefficients(nrm_ctx *ctx, const char *who, int64_t count, const double *triples, int steps,
                                  bool allow_unbounded, nrm_fitted_coefficients *made);

/* As the functions of orthogonalise.h take it: a view, which lives as long as *made lies where
 * it does. */
nrm_newton_schulz_set nrm_fitted_set(const nrm_fitted_coefficients *made);

#endif
