/* one_step.h -- what the first step of an optimizer makes of a matrix, for the pages that look at
 * single steps. */
#ifndef NRM_PAPERS_ONE_STEP_H
#define NRM_PAPERS_ONE_STEP_H

#include "reproduce.h"

/* U of the first step W <- W - U on a matrix of rows x cols, with lr 1 and no decay, in f64.
 * options: "name=value name=value".  Where `state` is not NULL, the state array whose name begins
 * with it ("dct-adamw.e:") goes to `kept`, as large as the matrix; NRM_E_ARGUMENT where there is
 * none of that size. */
NRM_NODISCARD nrm_status first_update(nrm_ctx *ctx, const char *kind, const char *options, int64_t rows, int64_t cols,
                                      const double *gradient, double *update, const char *state, double *kept);

/* Frobenius norm: the 2-norm of all entries. */
double norm_of(const double *x, int64_t n);

#endif
