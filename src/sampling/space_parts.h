/* space_parts.h -- what the files of a space share: its struct, coordinates, index sets.  Private. */
#ifndef NRM_SPACE_PARTS_H
#define NRM_SPACE_PARTS_H

#include "space.h"

/* A coordinate with its recurrence up to index `most`,
 *     b[k+1] phi_(k+1) = (t - a[k]) phi_k - b[k] phi_(k-1),   phi_0 = 1.                        (1)
 * Fourier has none. */
typedef struct nrm_axis {
    nrm_coordinate is;
    int64_t most;
    double *a, *b, *inverse; /* most + 1 each; inverse: 1 / b; in one block at a */
    double log_norm;         /* of the density: log c, see space_draw.c */
    /* The functions with index k here: member[start[k]] .. member[start[k + 1] - 1] */
    int64_t *start, *member; /* most + 2 and m */
} nrm_axis;

struct nrm_space {
    int64_t m, dimension, rows;
    int threads;
    int64_t *index; /* m x dimension */
    nrm_axis *axis; /* dimension; NULL: features */
    double *q;      /* features: rows x m, orthonormal columns */
    double *mu, *mu_sum, *leverage_sum; /* rows; running sums, the last one exact */
    double *r;      /* m x m, upper: diag(sqrt(mu)) F = q r */
};

/* space_axis.c.  The coordinates that `basis` names, one or `dimension` of them; dimension 0: as
 * many as there are names. */
nrm_status nrm_axes_parse(nrm_ctx *ctx, const char *who, const char *basis, int64_t dimension, nrm_axis **axis, int64_t *count);
nrm_status nrm_axis_prepare(nrm_ctx *ctx, const char *who, int64_t most, nrm_axis *axis); /* a, b, inverse, log_norm */
void nrm_axis_bounds(const nrm_axis *axis, double *lower, double *upper); /* of the domain, in x */
static inline double nrm_axis_inward(const nrm_axis *axis, double x) { return (x - axis->is.shift) / axis->is.scale; }

/* space_index.c.  m x dimension indices of a set of degree `degree`, or those given, checked. */
nrm_status nrm_index_set(nrm_ctx *ctx, const char *who, int set, int64_t degree, int64_t dimension, const nrm_axis *axis,
                         int64_t **index, int64_t *m);
nrm_status nrm_index_list(nrm_ctx *ctx, const char *who, const nrm_space_input *input, int64_t **index, int64_t *m);
nrm_status nrm_index_buckets(nrm_ctx *ctx, const char *who, int64_t m, int64_t dimension, int64_t i, const int64_t *index,
                             nrm_axis *axis); /* start, member */

/* space_features.c */
nrm_status nrm_space_features(nrm_ctx *ctx, const char *who, const nrm_space_input *input, nrm_space *space);

/* space_draw.c.  hermite, laguerre, jacobi: F_k(t), the distribution function of phi_k^2 mu in the
 * family's own variable, and its density. */
double nrm_axis_distribution(const nrm_axis *axis, int64_t k, double t, double *density);

/* special.c: gamma(a, x) / Gamma(a) and the incomplete beta function I_x(a, b); the logarithms of
 * Gamma(a) and B(a, b) are given. */
double nrm_incomplete_gamma(double a, double log_gamma, double x);
double nrm_incomplete_beta(double a, double b, double log_beta, double x);

#endif
