/* linf.h -- what the files of the method linf-regression share.  Private to src/regression. */
#ifndef NRM_LINF_H
#define NRM_LINF_H

#include "base/base.h"
#include "data/row_pass.h"
#include "linalg/sketch.h"
#include "linalg/tall_qr.h"
#include <norma/linf_regression.h>

#define NRM_LINF "linf-regression"
extern const nrm_method nrm_linf_regression_method;

/* What is to be done; plain data, the same on every rank. */
typedef struct nrm_linf_plan {
    nrm_linf_regression_problem problem;
    nrm_linf_regression_options o;
    int64_t n, d, q, columns; /* columns = d + q; n is -1 where it is not known before the end */
    int64_t m;                /* rows of the sketch */
    bool exact;
    int64_t pool; /* bgp */
    nrm_rows *made_a, *made_b; /* from factors: problem's a and b, ended by _plan_end */
} nrm_linf_plan;

/* What comes out. */
typedef struct nrm_linf_solution {
    nrm_arena arena;
    double *x, *se, *bars, *bounds;  /* d x q: medians of the replicas */
    double *r, *inverse;             /* columns x columns, [R Q'b]; d x d, R^-1 of the first replica */
    double *scale;                   /* d: powers of two by which the columns are divided for the bounds */
    double *residual;                /* q: |A x* - b| */
    double inverse_norm, norm;       /* |A^+| and |A|, of the columns so divided */
    double *each_x, *each_se, *each_residual; /* of the replicas, one after another */
    double *work;                    /* 2 d, replicas */
    double *sketch;                  /* replicas x m x columns, NULL where exact */
    int64_t n, steps, passes;
    double gradient;
} nrm_linf_solution;

/* ---- linf_plan.c: sizes ------------------------------------------------------------------------ */

/* Options and shapes are checked and n found, if need be by a pass (counted in *passes).  The plan is
 * ended by the caller, also after a failure. */
nrm_status nrm_linf_plan_make(nrm_ctx *ctx, const nrm_linf_regression_problem *problem,
                              const nrm_linf_regression_options *options, nrm_linf_plan *plan, int64_t *passes);
void nrm_linf_plan_end(nrm_ctx *ctx, nrm_linf_plan *plan);
/* m rows, as the kind can have them: fewer than n, or the exact solution. */
nrm_status nrm_linf_plan_rows(nrm_ctx *ctx, nrm_linf_plan *plan, double m);
double nrm_linf_eps(const nrm_linf_plan *plan); /* for which the rule gives plan->m */
nrm_status nrm_linf_check_count(nrm_ctx *ctx, const nrm_linf_plan *plan, int64_t rows); /* rows that came */

/* ---- linf_sketch.c: passes ---------------------------------------------------------------------- */

/* One pass: work for every chunk of this rank, of `unit` rows.  before: the status of what was done
 * alone; where it is a failure, or work is on some rank, all ranks fail.  Rows are counted into *rows
 * (may be NULL) and, where n is known, compared with it.  trust: rows are not searched for NaN and Inf. */
typedef nrm_status (*nrm_linf_chunk_fn)(nrm_ctx *ctx, void *user, const nrm_row_chunk *chunk);
nrm_status nrm_linf_pass(nrm_ctx *ctx, const nrm_linf_plan *plan, int64_t unit, bool trust, const char *task,
                         nrm_linf_chunk_fn work, void *user, nrm_status before, int64_t *rows);
/* S [A b] of every replica: replicas x m x columns.  Streams of random numbers from `stream` on.  Where
 * n was not known, plan->n becomes it, and where it is no more than m, plan->exact, and r is as from
 * nrm_linf_exact. */
nrm_status nrm_linf_compress(nrm_ctx *ctx, nrm_linf_plan *plan, uint64_t stream, double *sketch, double *r);
/* The triangular factor of [A b], columns x columns. */
nrm_status nrm_linf_exact(nrm_ctx *ctx, const nrm_linf_plan *plan, double *r);

/* ---- linf_tensor.c: Kronecker factors ------------------------------------------------------------- */

/* Where factors are given, problem's a and b become streams of the rows they stand for. */
nrm_status nrm_linf_tensor_rows(nrm_ctx *ctx, nrm_linf_plan *plan);
/* All rows of a stream, checked; *values is freed by the caller. */
nrm_status nrm_linf_read_rows(nrm_ctx *ctx, const char *name, nrm_rows *rows, double **values, int64_t *count);
/* As nrm_linf_compress, by a tensor sketch. */
nrm_status nrm_linf_tensor_compress(nrm_ctx *ctx, const nrm_linf_plan *plan, uint64_t stream, double *sketch);

/* ---- linf_solve.c: from the sketch to the solution ------------------------------------------------ */

nrm_status nrm_linf_solution_make(nrm_ctx *ctx, const nrm_linf_plan *plan, nrm_linf_solution *s);
void nrm_linf_solution_free(nrm_ctx *ctx, nrm_linf_solution *s);
/* Solve all replicas.  *deficient is the first column that depends on those before it, or -1; then
 * *partner is the one it depends on most, itself where it is zero. */
nrm_status nrm_linf_solve(nrm_ctx *ctx, const nrm_linf_plan *plan, nrm_linf_solution *s, int64_t *deficient,
                          int64_t *partner);

/* ---- linf_refine.c -------------------------------------------------------------------------------- */

nrm_status nrm_linf_refine(nrm_ctx *ctx, const nrm_linf_plan *plan, nrm_linf_solution *s);

/* ---- linf_regression.c ------------------------------------------------------------------------------ */

/* Everything but the copies to the results.  plan and s are ended by the caller, also after a failure. */
nrm_status nrm_linf_run(nrm_ctx *ctx, const nrm_linf_regression_problem *problem,
                        const nrm_linf_regression_options *options, nrm_linf_plan *plan, nrm_linf_solution *s,
                        nrm_linf_regression_info *info);
/* Of the outputs sa and sb. */
static inline int64_t nrm_linf_sketch_rows(const nrm_linf_plan *plan) { return plan->exact ? plan->columns : plan->m; }
void nrm_linf_copy_sketch(const nrm_linf_plan *plan, const nrm_linf_solution *s, double *sa, double *sb);

#endif
