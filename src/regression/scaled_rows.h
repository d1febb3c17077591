/* scaled_rows.h -- the rows of another stream, each times a factor.  Private. */
#ifndef NRM_SCALED_ROWS_H
#define NRM_SCALED_ROWS_H

#include "data/rows.h"

/* Row i of `from` times factor[i], or as it is where factor is NULL.  Both are borrowed; factor has
 * a number for every row that comes: where `from` holds more rows, `length` not being negative, the
 * stream fails with NRM_E_SHAPE.  Rows that hold something not finite stay so. */
nrm_status nrm_scaled_rows(nrm_ctx *ctx, nrm_rows **rows, nrm_rows *from, const double *factor, int64_t length);
/* Times the rows have been begun from the first one. */
int64_t nrm_scaled_rows_passes(const nrm_rows *rows);

#endif
