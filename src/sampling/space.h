/* space.h -- finite-dimensional spaces V = span(phi_1 .. phi_m), orthonormal in L2(mu), of
 * functions on a product domain or on N points.  Names and index sets: norma/space.h.  Private.
 *
 *     NRM_TRY(NRM_SPACE_CREATE(ctx, who, &options, &input, &space));   options: NRM_SPACE_OPTIONS
 *
 * k(x) = |phi(x)|^2 is the inverse Christoffel function, its integral is m.
 * Features: points are row numbers 0 .. N-1, as double; phi_i = Q_i / sqrt(mu_i) with
 * diag(sqrt(mu)) F = Q R.  Values at a point depend on the point alone, not on those beside it
 * nor on threads.  A space is not changed by its functions: several threads may use it. */
#ifndef NRM_SPACE_H
#define NRM_SPACE_H

#include "base/random.h"
#include <norma/space.h>

typedef enum nrm_family {
    NRM_FAMILY_LEGENDRE, NRM_FAMILY_HERMITE, NRM_FAMILY_CHEBYSHEV, NRM_FAMILY_JACOBI, NRM_FAMILY_LAGUERRE, NRM_FAMILY_FOURIER,
    NRM_FAMILY_FEATURES
} nrm_family;

/* x = shift + scale t, t being the family's own variable ([-1, 1], [0, inf), [0, 2 pi) or the line). */
typedef struct nrm_coordinate {
    nrm_family family;
    double alpha, beta; /* jacobi; alpha: laguerre */
    double shift, scale;
} nrm_coordinate;

typedef struct nrm_space nrm_space;

/* The values of the options of the same names. */
typedef struct nrm_space_names {
    const char *basis;
    int64_t degree, dimension;
    int index_set;
} nrm_space_names;

/* input: NULL or {0} for none.  NRM_E_ARGUMENT, _RANGE, _SHAPE, _NONFINITE, _SINGULAR (features that
 * depend on each other, by column), _OVERFLOW, _NOMEM.  Runs on nrm_threads(ctx) threads from then on. */
nrm_status nrm_space_create(nrm_ctx *ctx, const char *who, const nrm_space_names *names, const nrm_space_input *input,
                            nrm_space **space);
#define NRM_SPACE_CREATE(ctx, who, o, input, space)                                                                    \
    nrm_space_create((ctx), (who), &(nrm_space_names){(o)->basis, (o)->degree, (o)->dimension, (o)->index_set}, (input), (space))
void nrm_space_destroy(nrm_ctx *ctx, nrm_space *space); /* NULL is fine */

int64_t nrm_space_size(const nrm_space *space);      /* m */
int64_t nrm_space_dimension(const nrm_space *space); /* numbers of a point; 1 for features */
int64_t nrm_space_points(const nrm_space *space);    /* N of features, 0 for families */
const int64_t *nrm_space_indices(const nrm_space *space); /* m x dimension; NULL for features */
const nrm_coordinate *nrm_space_coordinate(const nrm_space *space, int64_t i); /* family FEATURES: nothing else set */
/* One coordinate and phi_j of degree (fourier: index) j, j = 0 .. m-1. */
bool nrm_space_is_line(const nrm_space *space);
/* Every point lies in the domain (features: is a row number); else NRM_E_NONFINITE or _RANGE names
 * the row of `name` that does not, counted from `first`. */
nrm_status nrm_space_check_points_from(nrm_ctx *ctx, const char *who, const char *name, const nrm_space *space, int64_t first,
                                       int64_t count, const double *x);
nrm_status nrm_space_check_points(nrm_ctx *ctx, const char *who, const char *name, const nrm_space *space, int64_t count,
                                  const double *x);

/* phi (count x m) at the points x (count x dimension); features: x holds row numbers. */
void nrm_space_evaluate(const nrm_space *space, int64_t count, const double *x, double *phi);
/* The same divided by sqrt(k / m) row by row, so that every row has the norm sqrt(m), and
 * weight[i] = m / k(x_i): neither overflows where phi itself does (hermite, |x| > 38).
 * Where k(x) = 0: the row is 0 and the weight infinite. */
void nrm_space_evaluate_weighted(const nrm_space *space, int64_t count, const double *x, double *phi, double *weight);
/* d phi / d x_i (count x m); not for features. */
void nrm_space_derivative(const nrm_space *space, int64_t i, int64_t count, const double *x, double *phi);
/* Features: coefficients (m x q) of the orthonormal basis become those of the features, R^-1 c;
 * families: nothing to do. */
void nrm_space_to_given(const nrm_space *space, int64_t q, double *coefficients);

void nrm_space_draw_mu(const nrm_space *space, nrm_rng *rng, double *x);             /* x ~ mu */
void nrm_space_draw_member(const nrm_space *space, int64_t j, nrm_rng *rng, double *x); /* x ~ phi_j^2 mu */
void nrm_space_draw_optimal(const nrm_space *space, nrm_rng *rng, double *x);        /* x ~ (k / m) mu */

#endif
