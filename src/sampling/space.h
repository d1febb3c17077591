/* space.h -- finite-dimensional spaces V = span(phi_1 .. phi_m), orthonormal in L2(mu), of
 * functions on a product domain or on N points.  Private.
 *
 *   families   legendre   mu = dx/2 on [-1, 1]            hermite    mu = N(0, 1)
 *              chebyshev  mu = dx/(pi sqrt(1 - x^2))       jacobi(a, b), laguerre
 *              fourier    mu = dx/(2 pi) on [0, 2 pi): 1, sqrt(2) cos kx, sqrt(2) sin kx
 *   tensor products phi_alpha(x) = prod_i phi_(alpha_i)(x_i), alpha in an index set:
 *              tensor (max <= p), total (sum <= p), hyperbolic (prod (alpha_i + 1) <= p + 1), or a
 *              given list
 *   features   rows of an N x m matrix with weights mu_i > 0 on its rows (default 1/N), made
 *              orthonormal by QR of diag(sqrt(mu)) Phi: points are row numbers, dimension 1
 *
 * k(x) = |phi(x)|^2 is the inverse Christoffel function, its integral is m. */
#ifndef NRM_SPACE_H
#define NRM_SPACE_H

#include "base/base.h"
#include "base/random.h"

typedef struct nrm_space nrm_space;

void nrm_space_destroy(nrm_ctx *ctx, nrm_space *space); /* NULL is fine */
int64_t nrm_space_size(const nrm_space *space);      /* m */
int64_t nrm_space_dimension(const nrm_space *space); /* numbers of a point; 1 for features */
int64_t nrm_space_points(const nrm_space *space);    /* N of features, 0 for families */
/* phi (count x m) at the points x (count x dimension); features: x holds row numbers. */
void nrm_space_evaluate(const nrm_space *space, int64_t count, const double *x, double *phi);
/* The same divided by sqrt(k / m) row by row, so that every row has the norm sqrt(m), and
 * weight[i] = m / k(x_i): neither overflows where phi itself does (hermite, |x| > 38). */
void nrm_space_evaluate_weighted(const nrm_space *space, int64_t count, const double *x, double *phi, double *weight);
void nrm_space_draw_mu(const nrm_space *space, nrm_rng *rng, double *x);             /* x ~ mu */
void nrm_space_draw_member(const nrm_space *space, int64_t j, nrm_rng *rng, double *x); /* x ~ phi_j^2 mu */

#endif
