/* sensitivity_newton.h -- min |Yx|_p with t'x = 1, for many t and one Y: by Newton's method for p > 1
 * (sensitivity_newton.c), along edges for p = 1 (sensitivity_edges.c).  Private to sensitivity.h. */
#ifndef NRM_SENSITIVITY_NEWTON_H
#define NRM_SENSITIVITY_NEWTON_H

#include "base/base.h"
#include "kernel/elementwise.h"
#include "kernel/matmul.h"

/* Y in two orders, and the factor of Y'Y; read by all threads. */
typedef struct nrm_newton_rows {
    double p, tol;
    int64_t m, r, wide;       /* wide: r rounded up to whole register blocks */
    const double *y;          /* m x wide, padded with zeros */
    const double *columns;    /* r x m */
    const double *cross;      /* r x r: L L' = Y'Y */
    const nrm_matmul_kernel_f64 *kernel;
    const nrm_elementwise_f64 *loops;
} nrm_newton_rows;

typedef struct nrm_newton_answer {
    double norm, lower; /* of |Yx|_p: at the x found, and a bound for every x */
    int64_t systems;
    bool closed;        /* (norm - lower) / norm <= tol */
} nrm_newton_answer;

int64_t nrm_newton_work(int64_t m, int64_t r, int64_t wide); /* doubles, for one t; -1: too many */
nrm_newton_answer nrm_newton_least(const nrm_newton_rows *rows, const double *t, double *work);
int64_t nrm_edges_work(int64_t m, int64_t r);
nrm_newton_answer nrm_edges_least(const nrm_newton_rows *rows, const double *t, double *work); /* p = 1 */
/* a (n x n, row-major, lower triangle) = L L' in place; false where it is not positive.  x <- (L L')^-1 x. */
bool nrm_newton_factor(int64_t n, double *a);
void nrm_newton_solve(int64_t n, const double *l, double *x);

#endif
