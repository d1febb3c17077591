/* check.h -- what the routines of this folder ask of a matrix before they touch it.
 * Private to linalg.  Messages begin with `who`; `name` is the argument in words. */
#ifndef NRM_LINALG_CHECK_H
#define NRM_LINALG_CHECK_H

#include "base/base.h"

/* True if the m x n values (row stride ld) hold no NaN and no Inf; else the first place. */
bool nrm_finite_f64(int64_t m, int64_t n, const double *a, int64_t ld, int64_t *row, int64_t *col);
bool nrm_finite_f32(int64_t m, int64_t n, const float *a, int64_t ld, int64_t *row, int64_t *col);

/* m, n >= least, ld >= n, all within the 32-bit integers of BLAS, m * ld within int64, a not NULL. */
nrm_status nrm_check_shape(nrm_ctx *ctx, const char *who, const char *name, int64_t least, int64_t m,
                           int64_t n, const void *a, int64_t ld);
/* Shape, then finiteness. */
nrm_status nrm_check_f64(nrm_ctx *ctx, const char *who, const char *name, int64_t least, int64_t m,
                         int64_t n, const double *a, int64_t ld);
nrm_status nrm_check_f32(nrm_ctx *ctx, const char *who, const char *name, int64_t least, int64_t m,
                         int64_t n, const float *a, int64_t ld);

/* The workspace LAPACK asked for, as an int; NRM_E_OVERFLOW when a 32-bit integer cannot hold it. */
nrm_status nrm_check_work(nrm_ctx *ctx, const char *who, double asked, int *count);

#endif
