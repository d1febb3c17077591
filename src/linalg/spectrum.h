/* spectrum.h -- singular values of a matrix over its Frobenius norm, as a weighted list: what
 * Newton-Schulz coefficients are fitted to and judged by.  Private. */
#ifndef NRM_SPECTRUM_H
#define NRM_SPECTRUM_H

#include "orthogonalise.h"

typedef struct nrm_spectrum {
    int64_t count;
    double *sigma;  /* in (0, 1] */
    double *weight; /* their sum is 1 */
} nrm_spectrum;

enum {
    NRM_SPECTRUM_QUANTILES = 2000, /* of a Gaussian spectrum */
    NRM_SPECTRUM_GUARDS = 400      /* of the guard */
};

/* What to list.  Shape alone: the Gaussian spectrum, of an s x l matrix of independent normal
 * numbers for large s and l at the ratio s / l (Marchenko-Pastur), at NRM_SPECTRUM_QUANTILES
 * quantiles.  Values alone: those measured.  Both: half the weight each. */
typedef struct nrm_spectrum_source {
    int64_t rows, cols;  /* 0, 0: no Gaussian part */
    int64_t count;       /* 0: nothing measured */
    const double *sigma; /* count numbers in [0, 1], up to 1e-6 of rounding; zeros stay zero
                            whatever the coefficients and are left out */
} nrm_spectrum_source;

/* Also appends, with the share `guard` (0 <= guard < 1) of all weight, NRM_SPECTRUM_GUARDS points
 * log-uniform on [0.05, 1]: values that the matrix at hand lacks and another may have.
 * NRM_E_SHAPE (one side without the other, nothing at all, only zeros), _RANGE (a value by its
 * index), _NOMEM. */
nrm_status nrm_spectrum_create(nrm_ctx *ctx, const char *who, const nrm_spectrum_source *source, double guard,
                               nrm_spectrum *spectrum);
void nrm_spectrum_destroy(nrm_ctx *ctx, nrm_spectrum *spectrum);

/* sqrt(sum of weight (p(sigma / safety) - 1)^2) for the composed polynomial p: the relative
 * distance in the Frobenius norm of the result of Newton-Schulz from the polar factor. */
double nrm_spectrum_error(const nrm_spectrum *spectrum, const nrm_newton_schulz_set *set, int steps);

#endif
