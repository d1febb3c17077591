/* discrete.h -- Bernoulli and Gaussian noise on integers, exactly.  Private.
 *
 * Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy", NeurIPS 2020.  Only
 * comparisons of uniform integers are made: no logarithm, no rounding, so the laws are exact and
 * no low bit of a number tells what it was added to (Mironov, CCS 2012). */
#ifndef NRM_DISCRETE_H
#define NRM_DISCRETE_H

#include "secure.h"

__extension__ typedef unsigned __int128 nrm_u128;
__extension__ typedef __int128 nrm_i128;

/* The largest binary scale of the noise: (|Y| - s)^2 of the sampler must fit 128 bits. */
enum { NRM_DISCRETE_MOST = 48 };

/* True with probability exp(-numerator / 2^bits), any numerator, 0 <= bits <= 112. */
bool nrm_bernoulli_exp(nrm_secret *secret, nrm_u128 numerator, int bits);
/* P(k) proportional to exp(-k^2 / (2 s^2)) on the integers, s = 2^bits, 0 <= bits <= NRM_DISCRETE_MOST. */
int64_t nrm_discrete_gaussian(nrm_secret *secret, int bits);

#endif
