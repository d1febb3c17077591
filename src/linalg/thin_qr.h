/* thin_qr.h -- thin QR of a matrix with many more rows than columns, in passes over blocks of rows.
 * Private. */
#ifndef NRM_THIN_QR_H
#define NRM_THIN_QR_H

#include "base/base.h"

/* q (m x n, contiguous, overwrites a; m >= n), r (n x n, upper, diagonal >= 0), as nrm_qr, in a
 * fraction of its time; the bits do not depend on the threads. */
nrm_status nrm_thin_qr(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *a, double *r);

#endif
