/* lp_full.h -- passes over all rows of an l_p regression around a point x.  Private.
 *
 * Lengths are measured in `unit`; row i is w_i^(1/p) (a_i, b_i), r = A x - b.  Of the loss, smoothed
 * for p < 2,
 *     p >= 2:  |r|^p / p                  g = sgn(r) |r|^(p-1)      h = (p-1) max(|r|^(p-2), 1e-14)
 *     p < 2:   (r^2 + delta^2)^(p/2) / p  g = r q^(p/2-1)           h = q^(p/2-2) ((p-1) r^2 + delta^2)
 * with q = r^2 + delta^2.  Newton's step dx solves A'HA dx = -A'g, and lambda = g + H A dx has
 * A'lambda = 0. */
#ifndef NRM_LP_FULL_H
#define NRM_LP_FULL_H

#include "data/row_pass.h"

/* (sum |v|^e)^(1/e) = most sum^(1/e): no power leaves the range of f64.  e may be infinite. */
typedef struct nrm_power_sum { double most, sum; } nrm_power_sum;
void nrm_power_sum_add(nrm_power_sum *s, double e, double v);
void nrm_power_sum_join(nrm_power_sum *s, double e, const nrm_power_sum *other);
double nrm_power_sum_norm(const nrm_power_sum *s, double e);

typedef struct nrm_lp_full {
    nrm_ctx *ctx;
    const char *who;
    nrm_rows *a, *b;
    const double *weights; /* length of them, or NULL */
    int64_t length, n;     /* n: rows, once a pass has counted them */
    double p, unit, delta; /* delta: in units */
    int64_t d, k;          /* columns; of them those that are not left alone */
    int64_t *keep;         /* k */
    double *basis;         /* k x k, upper: steps are taken in A[:, keep] R^-1 */
    int64_t passes, systems;
} nrm_lp_full;

/* The norm of r, and the largest entries of r and of b. */
typedef struct nrm_lp_measure { double norm, r_most, b_most; } nrm_lp_measure;
nrm_status nrm_lp_full_measure(nrm_lp_full *f, const double *x, nrm_lp_measure *found);

/* dx (d) at x. */
nrm_status nrm_lp_full_step(nrm_lp_full *f, const double *x, double *dx);

/* The norm at x + step dx for the steps tried, and |lambda|_q-scaled lambda'r: the bound. */
enum { NRM_LP_STEPS = 6 };
extern const double nrm_lp_steps[NRM_LP_STEPS];
typedef struct nrm_lp_trial { double norm[NRM_LP_STEPS], lower, size; } nrm_lp_trial; /* size: |lambda|_q */
nrm_status nrm_lp_full_try(nrm_lp_full *f, const double *x, const double *dx, nrm_lp_trial *found);

/* residual (n) at `at`; dual (n), -w^(1/p) lambda / size at x for dx.  Either may be NULL. */
nrm_status nrm_lp_full_write(nrm_lp_full *f, const double *at, double *residual, const double *x, const double *dx, double size,
                             double *dual);

#endif
