/* ot.h -- the parts of sparse-ot and what they share.  Private.
 *
 * Inside, the problem has total mass 1, only rows and columns with mass, the cost stored
 * column by column, and k limits columns.  Scaling back: with t the true total,
 * T = t T', S = t S', gamma' = gamma t; alpha, beta and tau are the same. */
#ifndef NRM_OT_H
#define NRM_OT_H

#include "base/base.h"
#include "kernel/above.h"
#include "linalg/bundle.h"
#include "linalg/lbfgs.h"
#include <norma/sparse_ot.h>

extern const nrm_method nrm_sparse_ot_method, nrm_sparse_ot_router_method;

/* Entries, some half a millisecond of work: below, meeting costs more than it saves. */
enum { NRM_OT_WORTH_THREADS = 1 << 21 };

/* ---- One column (column.c) ---- */

/* Candidates for the support of one column, rising in index; then the maximiser itself. */
typedef struct nrm_ot_column {
    int64_t count;
    int64_t *index;           /* m + NRM_ABOVE_ROOM */
    double *value;            /* m + NRM_ABOVE_ROOM: s_i, then t_i */
    int64_t *order, *scratch; /* m each, for nrm_top_k */
} nrm_ot_column;

/* Keep the k largest candidates, ties to the lowest index. */
void nrm_ot_keep_largest(nrm_ot_column *w, int64_t k);
/* The candidates hold every s_i > tau; on return the support and t of Omega*_b.  Returns
 * Omega*_b(s), *tau the threshold. */
double nrm_ot_column_mass(nrm_ot_column *w, int64_t k, double gamma, double mass, double *tau);
/* The candidates hold every s_i > -beta; on return the support and t of Omega*_+(s + beta). */
double nrm_ot_column_positive(nrm_ot_column *w, int64_t k, double gamma, double beta);

/* ---- The problem and its objectives (objective.c) ---- */

/* Rows allowed in each column: entries start[j] .. start[j+1]-1, rising in row. */
typedef struct nrm_ot_support {
    int64_t *start, *row;
    double *cost;
} nrm_ot_support;

enum { NRM_OT_KEPT = 48 }; /* rows of a column's support remembered from the last evaluation */

typedef struct nrm_ot {
    nrm_ctx *ctx;
    int64_t m, n, k;    /* rows, columns, most entries of a column (<= m) */
    const double *a, *b; /* m, n: totals 1 */
    double gamma;
    const void *cost;   /* n x m: column j starts at j m */
    bool f32;           /* of float, else of double */
    double scale;       /* range of the cost: the unit in which the solvers work */
    const nrm_ot_support *support; /* NULL: all rows */
    bool dual;          /* objective: D of (alpha, beta), else S of alpha */
    int64_t evaluations;

    const nrm_above_kernels *kernels;
    double *tau, *seen; /* n, m: thresholds at the last evaluation of S, and alpha there */
    bool warm;
    int32_t *kept_count, *kept; /* n, n x NRM_OT_KEPT: its support (count 0: too long to keep) */
    double magnitude;   /* largest |cost| */
    double *point;      /* m + n: x in the units of the cost */
    int threads;
    nrm_ot_column *columns; /* one a thread */
    int64_t blocks;     /* fixed blocks of columns, so that sums have one order */
    double *block_sum, *block_value; /* blocks x m, blocks */
    nrm_arena arena;
} nrm_ot;

static inline int64_t nrm_ot_size(const nrm_ot *ot) { return ot->m + (ot->dual ? ot->n : 0); }
static inline double nrm_ot_cost(const nrm_ot *ot, int64_t row, int64_t column)
{
    const int64_t at = column * ot->m + row;
    return ot->f32 ? (double)((const float *)ot->cost)[at] : ((const double *)ot->cost)[at];
}

/* Work memory for a problem whose first members (to `dual`) are set. */
nrm_status nrm_ot_prepare(nrm_ot *ot);
void nrm_ot_release(nrm_ot *ot);
/* Value and (super)gradient of the objective at x = alpha, or (alpha, beta); gradient may
 * be NULL.  S leaves the thresholds in ot->tau. */
double nrm_ot_evaluate(nrm_ot *ot, const double *x, double *gradient);
/* What the solvers minimise: -objective(scale x) / scale.  user: the nrm_ot. */
nrm_status nrm_ot_objective(nrm_ctx *ctx, void *user, const double *x, double *value, double *gradient);
/* One column at x, from all rows it may have; the thread's own work memory. */
double nrm_ot_column_at(nrm_ot *ot, nrm_ot_column *w, int64_t j, const double *x, double shift, double *tau);
/* Forget what the last evaluation left: before another support or objective. */
static inline void nrm_ot_restart(nrm_ot *ot) { ot->warm = false; }

/* ---- Plans (plan.c) ---- */

typedef struct nrm_ot_plan {
    int64_t nnz, max_nnz;
    int64_t *start, *row; /* n + 1; nnz, rising in a column */
    double *mass;
    double cost, square;  /* <T, C>, |T|_F^2 */
    double row_residual, column_residual;
} nrm_ot_plan;

/* The plan at x, with its sums.  On a failure plan is {0}. */
nrm_status nrm_ot_plan_at(nrm_ot *ot, const double *x, nrm_ot_plan *plan);
void nrm_ot_plan_free(nrm_ctx *ctx, nrm_ot_plan *plan);
static inline double nrm_ot_plan_error(const nrm_ot_plan *p) { return fmax(p->row_residual, p->column_residual); }
/* A plan from dense columns (n x m); zeros are left out. */
nrm_status nrm_ot_plan_dense(nrm_ot *ot, const double *dense, nrm_ot_plan *plan);

/* ---- Solvers of the dual (solve.c) ---- */

typedef struct nrm_ot_solution {
    double value, residual;  /* at x; |gradient|_inf, or that of the bundle's aggregate */
    int64_t iterations;
    bool converged, cancelled, kinked; /* kinked: a bundle has run, and averaged to its end */
    const char *solver;
} nrm_ot_solution;

/* Maximise from x, which becomes the best point.  average: n x m, or NULL: receives the
 * relaxed plan where a bundle runs (`kinked`). */
nrm_status nrm_ot_solve(nrm_ot *ot, const nrm_sparse_ot_options *o, double *x, double *average,
                        nrm_ot_solution *solution);
/* Adam as the router uses it: `steps` steps of length about lr, in the units of the cost. */
nrm_status nrm_ot_adam(nrm_ot *ot, const char *who, double lr, int64_t steps, double *x, nrm_ot_solution *solution);

/* ---- Polishing (polish.c) ---- */

/* Solve on a fixed support: the top-k rows at alpha, or, with `average`, of those masses.
 * plan becomes the optimum on the support, alpha (m) its potential.  *feasible false where
 * the support admits no plan with both marginals (within tol); plan is {0} then. */
nrm_status nrm_ot_polish(nrm_ot *ot, double tol, const double *alpha, const double *average, double *polished_alpha,
                         nrm_ot_plan *plan, bool *feasible);
/* Maximise S further from an alpha that is optimal to tol: as far as rounding goes. */
nrm_status nrm_ot_refine(nrm_ot *ot, double tol, double *alpha);

#endif
