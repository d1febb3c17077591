/* 06-parts.h -- the experiments of paper 6, shared by its files.  Framework: reproduce.h. */
#ifndef NRM_06_PARTS_H
#define NRM_06_PARTS_H

#include "reproduce.h"
#include <norma/linf_regression.h>

enum { MOST_D = 128 };

/* A least-squares problem with its exact answer. */
typedef struct problem {
    int64_t n, d;
    double *a, *b;          /* n x d, n */
    double x[MOST_D];       /* the solution */
    double residual, inverse_norm; /* |r| and |A^+| */
} problem;

/* The memory of a problem of at most `numbers` = n (d + 1); false without. */
bool problem_make(nrm_reproduction *r, problem *p, int64_t numbers);
/* A = [I; 0], b spread over D of the other rows: x = 0, |r| = |A^+| = 1. */
void make_hard(problem *p, int64_t n, int64_t d, int64_t spread);
/* A of normals, b = A 1 + normals; solved exactly. */
nrm_status make_random(nrm_ctx *ctx, problem *p, int64_t n, int64_t d, nrm_draws *draws);
/* x, residual and inverse_norm of given a and b. */
nrm_status solve_exactly(nrm_ctx *ctx, problem *p);

/* x (and half-widths, residual, ... where asked) from one sketch.  s: for NRM_LINF_USER, m x n. */
typedef struct solution { double x[MOST_D], bars[MOST_D]; nrm_linf_regression_info info; } solution;
nrm_status solve(nrm_ctx *ctx, const problem *p, uint64_t seed, const nrm_linf_regression_options *o, const double *s,
                 solution *found);
nrm_linf_regression_options sketch_of(int sketch, int64_t rows);
double largest_error(const problem *p, const solution *found); /* |x' - x|_inf */
/* sqrt(d) |x' - x|_inf / (|r| |A^+|): the claim is that it is at most eps. */
double scaled_error(const problem *p, const solution *found);

/* 06-laws.c */
nrm_status run_coverage(nrm_reproduction *r, nrm_ctx *ctx);        /* error bars */
nrm_status run_gaussian_law(nrm_reproduction *r, nrm_ctx *ctx);    /* exact laws */
/* 06-counterexamples.c */
nrm_status run_counterexamples(nrm_reproduction *r, nrm_ctx *ctx); /* against proofs: given sketches */
nrm_status run_tensor(nrm_reproduction *r, nrm_ctx *ctx);
nrm_status run_real(nrm_reproduction *r, nrm_ctx *ctx);

#endif
