/* solve_small.h -- systems of a few equations, without LAPACK's calls and memory.  Private. */
#ifndef NRM_LINALG_SOLVE_SMALL_H
#define NRM_LINALG_SOLVE_SMALL_H

#include "base/base.h"

/* a x = b by elimination with row exchanges: a (n x n, contiguous) is destroyed, b becomes x.
 * False where a pivot is 0 or not finite; b is then of no use. */
bool nrm_solve_small(int n, double *a, double *b);

#endif
