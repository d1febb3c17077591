/* lp_space.h -- what the solvers of lp_solve.h work on: the rows in a basis in which they are well
 * conditioned, products with them, and the bound.  Private to them.
 *
 *     y_i = w_i^(1/p) a_i T,   b_i <- w_i^(1/p) b_i / unit,   r = Y z - b,   x = unit T z
 *
 * with T = C P R^-1 of full column rank k: C scales columns, P R is a pivoted QR factorisation.
 * Each y_i comes from a triangular solve with its own row, so that a row a million times smaller
 * than another is as exact as that one.
 *
 * Rows are cut into `slots` ranges by n alone, and what is summed over rows is summed in each and
 * then over them, in order. */
#ifndef NRM_LP_SPACE_H
#define NRM_LP_SPACE_H

#include "lp_solve.h"

enum { NRM_LP_WORK = 33 }; /* columns of numbers for LAPACK */

typedef struct nrm_lp_space {
    nrm_ctx *ctx;
    const char *who;
    int threads;
    int64_t n, d, k, slots, block; /* block: rows whose products go to BLAS at once */
    double p, tol;
    int64_t max_iter, iterations;
    bool warm;                      /* z is near the answer */
    double unit, weight_most;       /* of b; of the weights, divided by it */
    nrm_arena arena;
    double *y, *b;                  /* n x d of which k columns are used; n */
    double *r_factor;               /* k x d: R with its columns scaled back, in the order of pivot */
    int64_t *pivot;                 /* d */
    double *sums, *rows;            /* slots x (d + 1) x d, slots x (block + d + NRM_LP_WORK) x d */
    double *partial;                /* slots */
    double *cross;                  /* k x k: Cholesky factor of Y'Y */
    double *gram, *scale, *right;   /* d x d; d; d */
    double *z, *step;               /* d; d */
    double *r, *dual;               /* n; n: the best certificate so far */
    double *trial, *lambda, *work;  /* n each; work is nrm_lp_certify's */
    double lower;                   /* of |r|_p, in these units; 0: none yet */
} nrm_lp_space;

/* NRM_E_RANGE and the like for the problem; memory; the basis.  dependent as in nrm_lp_solve. */
nrm_status nrm_lp_space_make(nrm_ctx *ctx, const char *who, const nrm_lp_problem *problem, bool *dependent, nrm_lp_space *s);
void nrm_lp_space_free(nrm_lp_space *s);
int64_t nrm_lp_slot(const nrm_lp_space *s, int64_t first); /* the slot of a row */
/* x = unit T z; z with Y z = the rows times x / unit, from R. */
nrm_status nrm_lp_to_x(nrm_lp_space *s, const double *z, double *x);
void nrm_lp_to_z(const nrm_lp_space *s, const double *x, double *z);

/* f(user, first, count), on the threads, for the slots' ranges; what it returns is summed. */
typedef double (*nrm_lp_rows_fn)(const nrm_lp_space *s, void *user, int64_t first, int64_t count);
double nrm_lp_each(nrm_lp_space *s, nrm_lp_rows_fn f, void *user);

void nrm_lp_product(nrm_lp_space *s, const double *z, double *out);                      /* Y z */
void nrm_lp_transposed(nrm_lp_space *s, const double *v, double *out);                   /* Y'v */
void nrm_lp_residual(nrm_lp_space *s, const double *z, double *r);                       /* Y z - b */
/* Y' diag(w) Y, factored: s->gram, s->scale; a ridge where rounding left it indefinite. */
nrm_status nrm_lp_factor(nrm_lp_space *s, const double *w);
void nrm_lp_solve_factored(const nrm_lp_space *s, double *g); /* g (k) <- (Y' diag(w) Y)^-1 g */

/* |v|_p of n numbers; p may be infinite. */
double nrm_lp_norm(nrm_lp_space *s, const double *v, double p);
double nrm_lp_largest(nrm_lp_space *s, const double *v);
double nrm_lp_dot(nrm_lp_space *s, const double *x, const double *y);
/* lambda made feasible (Y'lambda = 0, |lambda|_q = 1) is kept in s->dual, and lambda'r in s->lower,
 * where that is the best bound so far. */
void nrm_lp_certify(nrm_lp_space *s, const double *lambda);
/* (|r|_p - lower) / |r|_p <= tol? */
bool nrm_lp_closed(nrm_lp_space *s);

/* The solvers: s->z and s->r from the start in s->z to the answer. */
nrm_status nrm_lp_least_squares(nrm_lp_space *s);
nrm_status nrm_lp_above(nrm_lp_space *s);    /* p > 2 */
nrm_status nrm_lp_between(nrm_lp_space *s);  /* 1 < p < 2 */
nrm_status nrm_lp_absolute(nrm_lp_space *s); /* p = 1 */
nrm_status nrm_lp_vertex(nrm_lp_space *s, const double *weight, const double *lambda); /* from the rows of largest weight */

#endif
