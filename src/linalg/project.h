/* project.h -- projections and proximal operators.  Private; plain loops, f64.
 * Ties are always broken by the lowest index. */
#ifndef NRM_PROJECT_H
#define NRM_PROJECT_H

#include "base/base.h"

/* The k largest of s (n), 1 <= k <= n: indices in falling order of value, ties by lowest
 * index.  scratch holds n int64.  O(n + k log k). */
void nrm_top_k(const double *s, int64_t n, int64_t k, int64_t *index, int64_t *scratch);
void nrm_top_k_magnitude(const double *s, int64_t n, int64_t k, int64_t *index, int64_t *scratch);

/* u (k values, falling): the threshold tau with sum_i [u_i - tau]_+ = total > 0, and how
 * many entries stay positive. */
double nrm_simplex_threshold(const double *u, int64_t k, double total, int64_t *support);

/* x <- nearest point of { x >= 0, sum x = total }; scratch n doubles.  O(n log n) at worst. */
void nrm_project_simplex(double *x, int64_t n, double total, double *scratch);
/* ... with at most k non-zeros; scratch: n int64. */
void nrm_project_simplex_sparse(double *x, int64_t n, double total, int64_t k, int64_t *scratch);
void nrm_project_box(double *x, int64_t n, double least, double most);
void nrm_project_ball2(double *x, int64_t n, double radius);
void nrm_project_ball1(double *x, int64_t n, double radius, double *scratch);
void nrm_project_top_k(double *x, int64_t n, int64_t k, int64_t *scratch); /* keep k of largest |x| */
void nrm_prox_l1(double *x, int64_t n, double weight);  /* soft threshold */
void nrm_prox_l0(double *x, int64_t n, double weight);  /* hard threshold: keep |x| > sqrt(2 weight) */
void nrm_prox_group_l2(double *x, int64_t n, double weight); /* block soft threshold */

#endif
