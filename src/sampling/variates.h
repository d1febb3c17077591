/* variates.h -- gamma and beta variates from a random stream.  Private. */
#ifndef NRM_SAMPLING_VARIATES_H
#define NRM_SAMPLING_VARIATES_H

#include "base/random.h"

double nrm_rng_gamma(nrm_rng *rng, double shape);     /* density x^(shape - 1) e^-x, shape > 0 */
double nrm_rng_beta(nrm_rng *rng, double a, double b); /* density x^(a - 1) (1 - x)^(b - 1), a, b > 0 */

#endif
