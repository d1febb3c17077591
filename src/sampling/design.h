/* design.h -- designs: points drawn by a scheme, their Gram matrix, points left out again, and what
 * theory promises.  Private.
 *
 * psi_i = sqrt(w(x_i)) phi(x_i), so that G = (1/n) sum psi_i psi_i'. */
#ifndef NRM_DESIGN_H
#define NRM_DESIGN_H

#include "dpp_chain.h"
#include "dpp_line.h"

/* A design: `points` points in units of `unit` (the last may be shorter), each drawn on its own;
 * point number 0 has the number `first` in the whole design, and streams go by that number. */
typedef struct nrm_design_rule {
    const nrm_space *space;
    nrm_dpp_line line;   /* NRM_DPP_NO_MODEL: by the chain rule */
    double shift, scale; /* a point is shift + scale times the line's */
    int64_t points, unit, first;
    bool dpp;       /* a unit begins with the m points of a DPP; the others are independent */
    double mixture; /* share of mu in those */
    uint64_t seed;
} nrm_design_rule;

int64_t nrm_design_draw_work(const nrm_design_rule *rule, int threads); /* doubles; -1: too many */
/* Draw number `draw` (< 2^31) to x (points x dimension).  NRM_E_INTERNAL, _CANCELLED. */
nrm_status nrm_design_draw(nrm_ctx *ctx, const char *who, const nrm_design_rule *rule, int64_t draw, double *work, double *x,
                           int64_t *proposals);

/* psi (count x m) and w at points; where k(x) = 0, psi is 0 and w is 1 / mixture (infinite). */
void nrm_design_weigh(const nrm_space *space, double mixture, int64_t count, const double *x, double *psi, double *weights);

/* h (m x m) = psi' psi + before (m x m; NULL: 0). */
void nrm_design_gram(int threads, int64_t m, int64_t count, const double *psi, const double *before, double *h);
int64_t nrm_design_eigen_work(int64_t m); /* doubles; -1 */
/* lambda_min(h) > level, by Cholesky's factorisation. */
bool nrm_design_above(int64_t m, const double *h, double level, double *work);
/* Extreme eigenvalues of h / count; false where LAPACK finds none. */
bool nrm_design_extremes(int64_t m, const double *h, double count, double *work, double *least, double *most);

/* Leave out points of psi (count x m, h = psi' psi) from number `kept` on, as long as lambda_min of
 * what is left is above level; left[] gets the numbers of those that stay, rising, *stay how many.
 * psi and h are used up.  NRM_E_NOMEM, _CANCELLED. */
nrm_status nrm_design_thin(nrm_ctx *ctx, const char *who, int64_t m, int64_t count, int64_t kept, double level, double *psi, double *h,
                           int64_t *left, int64_t *stay);

/* Theory: P(lambda_min(G) >= 1 - delta) >= 1 - m exp(-d(delta) N / bound), d(t) = t + (1 - t) ln(1 - t),
 * for N independent positive semidefinite matrices of mean I and norm at most `bound` (Tropp).  Here
 * only N of a design's `total` such matrices count, the others are arbitrary. */
double nrm_design_probability(int64_t m, double bound, double counted, double total, double delta);
/* The least N for which that is 1 - eta, other matrices besides them being `others`; infinite. */
double nrm_design_wanted(int64_t m, double bound, double others, double delta, double eta);

#endif
