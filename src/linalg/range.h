/* range.h -- a basis in which the columns of [A b] are nearly orthonormal.  Private. */
#ifndef NRM_RANGE_H
#define NRM_RANGE_H

#include "data/row_pass.h"

/* T (d x d, d the columns of [A b], of which the first *rank columns are written, contiguous rows of
 * *rank) so that [A b] T has full rank and a condition of a few units: from the Gram matrix where
 * that is far from singular, else from the QR factorisation of a sketch of the n rows, or of the
 * rows where they are few.  *triangular: T is upper triangular (full rank).  The rank counts
 * singular values above max(n, d) eps of the largest, columns brought to length 1; *condition:
 * about the ratio of the largest to the least of those; *orthonormal: [A b] T is, to 1e-12.  Both may be
 * NULL.  One pass or two; no bit depends on the threads, and the same T on every rank. */
nrm_status nrm_range_basis(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, double *t, int64_t *rank,
                           bool *triangular, double *condition, bool *orthonormal);

/* The first of these ways alone (range_gram.c): *found tells whether it led to T, then d x d. */
nrm_status nrm_range_by_gram(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, double *t, double *condition, bool *found);

#endif
