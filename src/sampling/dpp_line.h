/* dpp_line.h -- projection DPPs in one variable as eigenvalues of random matrices.  Private. */
#ifndef NRM_DPP_LINE_H
#define NRM_DPP_LINE_H

#include "base/random.h"

/* The space: polynomials of degree below m in L2(mu), or (circular) trigonometric polynomials,
 * m odd.  a and b: exponents of jacobi; a: of laguerre. */
typedef enum nrm_dpp_model {
    NRM_DPP_NO_MODEL,
    NRM_DPP_HERMITE,  /* mu = N(0, 1) */
    NRM_DPP_JACOBI,   /* mu ~ (1 - x)^a (1 + x)^b on [-1, 1], a, b > -1 */
    NRM_DPP_LAGUERRE, /* mu ~ x^a e^-x, a > -1 */
    NRM_DPP_CIRCULAR  /* mu uniform on [0, 2 pi) */
} nrm_dpp_model;

typedef struct nrm_dpp_line {
    nrm_dpp_model model;
    double a, b;
} nrm_dpp_line;

int64_t nrm_dpp_line_work(int64_t m); /* doubles */
/* m >= 1 points to x, rising.  False where LAPACK finds no eigenvalues. */
bool nrm_dpp_line_draw(const nrm_dpp_line *line, int64_t m, nrm_rng *rng, double *work, double *x);

#endif
