/* lp_system.h -- symmetric systems whose rows differ in size by any factor.  Private. */
#ifndef NRM_LP_SYSTEM_H
#define NRM_LP_SYSTEM_H

#include "base/base.h"

/* G (k x k, lower triangle read, semidefinite) by Cholesky with its diagonal brought to 1 by scale
 * (k), and a ridge where rounding left it indefinite.  factor may not be g.  false: not finite. */
bool nrm_lp_system_factor(int64_t k, const double *g, double *scale, double *factor);
void nrm_lp_system_solve(int64_t k, const double *scale, const double *factor, double *right); /* right <- G^-1 right */

#endif
