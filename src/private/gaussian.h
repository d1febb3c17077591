/* gaussian.h -- how much Gaussian noise (eps, delta) takes.  Private.
 *
 * Noise N(0, sigma^2 I) on a vector that changes by at most 1 in length is (eps, delta)-private
 * if and only if (Balle, Wang, "Improving the Gaussian mechanism", ICML 2018)
 *     Phi(1/(2 sigma) - eps sigma) - e^eps Phi(-1/(2 sigma) - eps sigma) <= delta.            (1) */
#ifndef NRM_GAUSSIAN_H
#define NRM_GAUSSIAN_H

/* The left side of (1); sigma > 0, eps >= 0. */
double nrm_gaussian_delta(double sigma, double eps);
/* The least sigma with (1), rounded up in the 12th digit; eps > 0, 0 < delta < 1. */
double nrm_gaussian_sigma(double eps, double delta);
/* sqrt(2 ln(1.25/delta)) / eps, which is enough for eps <= 1 only. */
double nrm_gaussian_classical(double eps, double delta);

#endif
