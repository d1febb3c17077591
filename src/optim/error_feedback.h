/* error_feedback.h -- the error E of a projection, kept between steps as it is or in codes of
 * a few bits.  Private to src/optim.
 *
 * Codes: a row x_1 .. x_n becomes q_i = floor((x_i - least) / unit + 1/2),
 * unit = (most - least) / (2^bits - 1), and comes back as unit q_i + least; a row of equal
 * numbers has unit 0 and comes back exactly.  Two codes of 4 bits share a byte. */
#ifndef NRM_ERROR_FEEDBACK_H
#define NRM_ERROR_FEEDBACK_H

#include "optim.h"

/* The arrays of state: the i-th of them, from 0; false: no more. */
bool nrm_error_feedback_state(int kind, int i, int64_t rows, int64_t cols, nrm_rule_state *s);
/* a = clip g + E; state: the arrays, in the order above. */
void nrm_error_feedback_add(int kind, const nrm_rule_piece *p, double clip, void *const *state, void *a);
/* E = a - back, where back is up(down(a)). */
void nrm_error_feedback_keep(int kind, const nrm_rule_piece *p, const void *a, const void *back, void *const *state);

#endif
