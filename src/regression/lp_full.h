/* lp_full.h -- passes over all rows of an l_p regression around a point x.  Private.
 *
 * Lengths are measured in `unit`; row i is w_i^(1/p) (a_i, b_i), r = A x - b.  Of the loss, smoothed
 * for p < 2,
 *     p >= 2:  |r|^p / p                  g = sgn(r) |r|^(p-1)      h = (p-1) max(|r|^(p-2), 1e-14)
 *     p < 2:   (r^2 + delta^2)^(p/2) / p  g = r q^(p/2-1)           h = q^(p/2-2) ((p-1) r^2 + delta^2)
 *     p = 1:   Huber's: r^2 / (2 delta)   g = r / delta             h = 1 / delta  where |r| < delta,
 *              |r| - delta / 2 beyond     g = sgn(r)                h = 1e-10 / delta
 * with q = r^2 + delta^2.  delta grows with the length of the row in the basis where it is longer than
 * usual: such a row's residual moves that much more.  Newton's step dx solves A'HA dx = -A'g, and lambda = g + H A dx has
 * A'lambda = 0.
 *
 * For p near 1 a few rows that dx moves far have a lambda above what a solution can have, m = 1
 * (p = 1) or max(q^((p-1)/2), |r + A dx|^(p-1)), and would spoil the bound of all.  They are cut to
 * it, and what that leaves of A'lambda is taken out by the system that is there, some times over:
 *     lambda <- cut(lambda) - H A c,   A'HA c = A'cut(lambda). */
#ifndef NRM_LP_FULL_H
#define NRM_LP_FULL_H

#include "data/row_pass.h"

/* (sum |v|^e)^(1/e) = most sum^(1/e): no power leaves the range of f64.  e may be infinite. */
typedef struct nrm_power_sum { double most, sum; } nrm_power_sum;
void nrm_power_sum_add(nrm_power_sum *s, double e, double v);
void nrm_power_sum_join(nrm_power_sum *s, double e, const nrm_power_sum *other);
double nrm_power_sum_norm(const nrm_power_sum *s, double e);

enum { NRM_LP_FULL_SLOTS = 16, NRM_LP_FULL_BLOCK = 256 };

typedef struct nrm_lp_full {
    nrm_ctx *ctx;
    const char *who;
    nrm_rows *a, *b;
    const double *weights; /* length of them, or NULL */
    int64_t length, n;     /* n: rows, once a pass has counted them */
    double p, unit, delta; /* delta: in units, of a row no longer than usual */
    double usual;          /* length of a row in the basis */
    int64_t d, k;          /* columns; of them those that are not left alone */
    int64_t *keep;         /* k */
    double *basis;         /* k x k, upper: steps are taken in A[:, keep] R^-1 */
    double *factor, *scale; /* k x k, k: of the last step's system */
    double *gram, *right, *rows; /* work: SLOTS of k x k, of k, of BLOCK x k */
    int64_t passes, systems;
} nrm_lp_full;

/* The norm of r, and the largest entries of r and of b. */
typedef struct nrm_lp_measure { double norm, r_most, b_most; } nrm_lp_measure;
nrm_status nrm_lp_full_measure(nrm_lp_full *f, const double *x, nrm_lp_measure *found);

/* dx (d) at x. */
nrm_status nrm_lp_full_step(nrm_lp_full *f, const double *x, double *dx);

/* What makes a lambda: at x for dx, cut `cuts` times with the c (d each) end to end. */
enum { NRM_LP_CUTS = 3 };
typedef struct nrm_lp_lambda { const double *x, *dx, *c; int cuts; } nrm_lp_lambda;

/* The norm at x + step dx for the steps tried (where l has no cuts), and the bound lambda'r / size,
 * size being |lambda|_q.  next (d) may be NULL: the c that one more cut needs. */
enum { NRM_LP_STEPS = 6 };
extern const double nrm_lp_steps[NRM_LP_STEPS];
typedef struct nrm_lp_trial { double norm[NRM_LP_STEPS], lower, size; } nrm_lp_trial;
nrm_status nrm_lp_full_try(nrm_lp_full *f, const nrm_lp_lambda *l, double *next, nrm_lp_trial *found);

/* residual (n) at `at`; dual (n), -w^(1/p) lambda / size.  Either may be NULL. */
nrm_status nrm_lp_full_write(nrm_lp_full *f, const double *at, double *residual, const nrm_lp_lambda *l, double size, double *dual);

#endif
