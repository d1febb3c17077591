/* linf_kit.h -- problems for the tests of linf-regression. */
#ifndef NRM_LINF_KIT_H
#define NRM_LINF_KIT_H

#include "rows_kit.h"
#include <norma/linf_regression.h>

typedef struct table {
    int64_t n, d, q;
    double *a, *b;
} table;

static inline table table_make(int64_t n, int64_t d, int64_t q)
{
    table t = {n, d, q, calloc((size_t)(n * d), sizeof(double)), calloc((size_t)(n * q), sizeof(double))};
    assert_true(t.a && t.b);
    return t;
}

static inline void table_free(table *t)
{
    free(t->a);
    free(t->b);
}

/* A of independent normals, b = A 1 + noise of size `noise`. */
static inline table table_random(int64_t n, int64_t d, int64_t q, double noise, uint64_t seed)
{
    table t = table_make(n, d, q);
    for (int64_t i = 0; i < n * d; i++) t.a[i] = nrm_test_normal(&seed);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < q; k++) {
            double sum = noise * nrm_test_normal(&seed);
            for (int64_t j = 0; j < d; j++) sum += t.a[i * d + j] * (double)(k + 1);
            t.b[i * q + k] = sum;
        }
    return t;
}

/* The counter-example to sparse sketches: A = [I; 0], b spread over D rows outside its range. */
static inline table table_hard(int64_t n, int64_t d, int64_t spread)
{
    table t = table_make(n, d, 1);
    for (int64_t j = 0; j < d; j++) t.a[j * d + j] = 1;
    for (int64_t l = 0; l < spread; l++) t.b[d + l] = 1 / sqrt((double)spread);
    return t;
}

static inline nrm_linf_regression_options with(int sketch, int64_t rows)
{
    nrm_linf_regression_options o = nrm_linf_regression_options_default();
    o.sketch = sketch;
    o.rows = rows;
    return o;
}

/* problem is completed with rows over t, which are closed again. */
static inline nrm_status solve_problem(nrm_ctx *ctx, const table *t, nrm_linf_regression_problem problem,
                                       nrm_linf_regression_results results, nrm_linf_regression_info *info,
                                       const nrm_linf_regression_options *o)
{
    problem.size = sizeof problem;
    results.size = sizeof results;
    problem.a = problem.factors ? NULL : rows_of(ctx, t->n, t->d, t->a);
    problem.b = rows_of(ctx, t->n, t->q, t->b);
    const nrm_status st = (problem.a || problem.factors) && problem.b ? nrm_linf_regression(ctx, &problem, &results, info, o) : NRM_E_NOMEM;
    nrm_rows_close(ctx, problem.a);
    nrm_rows_close(ctx, problem.b);
    return st;
}

static inline nrm_status solve(nrm_ctx *ctx, const table *t, double *x, nrm_linf_regression_info *info,
                               const nrm_linf_regression_options *o)
{
    return solve_problem(ctx, t, (nrm_linf_regression_problem){0}, (nrm_linf_regression_results){.x = x}, info, o);
}

/* x* by Gaussian elimination of the normal equations in long double; residual: |A x* - b| of each
 * right-hand side, may be NULL. */
static inline void solve_exactly(const table *t, double *x, double *residual)
{
    const int64_t d = t->d, q = t->q, c = d + q;
    long double *g = calloc((size_t)(d * c), sizeof *g);
    assert_non_null(g);
    for (int64_t r = 0; r < t->n; r++)
        for (int64_t i = 0; i < d; i++) {
            for (int64_t j = 0; j < d; j++) g[i * c + j] += (long double)t->a[r * d + i] * t->a[r * d + j];
            for (int64_t k = 0; k < q; k++) g[i * c + d + k] += (long double)t->a[r * d + i] * t->b[r * q + k];
        }
    for (int64_t p = 0; p < d; p++)
        for (int64_t i = 0; i < d; i++) {
            const long double factor = i == p ? 0 : g[i * c + p] / g[p * c + p];
            for (int64_t j = p; j < c; j++) g[i * c + j] -= factor * g[p * c + j];
        }
    for (int64_t i = 0; i < d; i++)
        for (int64_t k = 0; k < q; k++) x[i * q + k] = (double)(g[i * c + d + k] / g[i * c + i]);
    free(g);
    for (int64_t k = 0; residual && k < q; k++) {
        double sum = 0;
        for (int64_t r = 0; r < t->n; r++) {
            double left = t->b[r * q + k];
            for (int64_t j = 0; j < d; j++) left -= t->a[r * d + j] * x[j * q + k];
            sum += left * left;
        }
        residual[k] = sqrt(sum);
    }
}

static inline double largest_difference(int64_t n, const double *x, const double *y)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i] - y[i]));
    return most;
}

/* The six kinds that need nothing but rows. */
enum { PLAIN_SKETCHES = NRM_LINF_OSNAP + 1 };

#endif
