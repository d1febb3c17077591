/* norma/space.h -- how a finite-dimensional space V = span(phi_1 .. phi_m), orthonormal in L2(mu)
 * for a probability measure mu, is named: the options and inputs that volume-sampling and
 * weighted-least-squares share, so that a design drawn by the one is fitted by the other.
 *
 *   basis        mu of a coordinate                       functions of a coordinate
 *   legendre     uniform on [-1, 1]                       polynomials
 *   hermite      normal, mean 0, deviation 1              polynomials
 *   chebyshev    dx / (pi sqrt(1 - x^2)) on [-1, 1]       polynomials
 *   jacobi(a,b)  c (1 - x)^a (1 + x)^b dx on [-1, 1]      polynomials; a, b > -1
 *   laguerre(a)  c x^a e^-x dx on [0, inf)                polynomials; a > -1, 0 if left out
 *   fourier      uniform on [0, 2 pi)                     1, sqrt2 cos x, sqrt2 sin x, sqrt2 cos 2x, ...
 *
 * Numbers move and stretch mu: legendre(lower,upper), chebyshev(lower,upper), fourier(lower,upper),
 * hermite(mean,deviation), jacobi(a,b,lower,upper), laguerre(a,scale).  One name serves every
 * coordinate; names with commas between give each its own, "legendre(0,10),hermite".
 * Polynomials have positive leading coefficients.
 *
 * In several coordinates phi_alpha(x) = prod_i phi_(alpha_i)(x_i), alpha in an index set of degree p:
 *     total       sum of alpha_i <= p
 *     tensor      every alpha_i <= p
 *     hyperbolic  prod (alpha_i + 1) <= p + 1
 * or in a given list.  Of fourier, alpha_i = 2 l - 1 and 2 l are cosine and sine of frequency l, and
 * the sets look at l.  Functions are in the order of the sum, then of alpha, the first larger first.
 *
 * Or the space is spanned by the columns of a given matrix of features: points are its rows, mu has
 * a weight for each of them, and phi is made orthonormal by QR of diag(sqrt(mu)) features. */
#ifndef NORMA_SPACE_H
#define NORMA_SPACE_H

#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRM_SPACE_SETS(C)                   \
    C(NRM_SPACE_TOTAL, "total")             \
    C(NRM_SPACE_TENSOR, "tensor")           \
    C(NRM_SPACE_HYPERBOLIC, "hyperbolic")
NRM_CHOICES(nrm_space_set, NRM_SPACE_SETS);

#define NRM_SPACE_OPTIONS(P)                                                                                \
    P(text, basis, NULL, "", "0.2",                                                                         \
      "legendre, hermite, chebyshev, jacobi(a,b), laguerre(a) or fourier, one for all coordinates or, with " \
      "commas, one for each; legendre(lower,upper) and hermite(mean,deviation) move and stretch it; none: " \
      "legendre, or the features where they are given")                                                     \
    P(i64, degree, -1, -1, 1000000, "", "0.2", "p of the index set; -1: none, a list of indices or features instead") \
    P(i64, dimension, 0, 0, 10000, "", "0.2", "coordinates of a point; 0: as the basis and the points have, else 1") \
    P(choice, index_set, NRM_SPACE_TOTAL, NRM_SPACE_SETS, "0.2",                                            \
      "total: degrees sum up to at most p; tensor: each is at most p; hyperbolic: the product of degrees + 1 is at most p + 1")

/* What a space takes beside its options; zeros: nothing. */
typedef struct nrm_space_input {
    int64_t rows, columns;   /* of the features */
    const double *features;  /* rows x columns, columns <= rows */
    const double *mu;        /* rows weights > 0, scaled to the sum 1; NULL: 1 / rows each */
    int64_t index_count, index_columns;
    const int64_t *indices;  /* index_count x index_columns: a list in place of an index set */
} nrm_space_input;

#ifdef __cplusplus
}
#endif
#endif
