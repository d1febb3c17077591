/* sparse_ot_data.h -- problems and short ways to solve them, for the tests of sparse-ot. */
#ifndef NRM_SPARSE_OT_DATA_H
#define NRM_SPARSE_OT_DATA_H

#include "testkit.h"
#include <norma/sparse_ot.h>

enum { NRM_SPARSE_OT_SOLVERS_COUNT = nrm_sparse_ot_solver_count };

typedef struct problem {
    int64_t m, n;
    double *a, *b, *cost;
} problem;

static inline problem problem_make(int64_t m, int64_t n)
{
    problem p = {m, n, calloc((size_t)m, sizeof(double)), calloc((size_t)n, sizeof(double)),
                 calloc((size_t)(m * n), sizeof(double))};
    assert_true(p.a && p.b && p.cost);
    return p;
}

static inline void problem_free(problem *p)
{
    free(p->a);
    free(p->b);
    free(p->cost);
}

static inline void to_unit_mass(double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    for (int64_t i = 0; i < n; i++) x[i] /= sum;
}

/* The 4 x 2 example of the specification. */
static inline problem problem_example(void)
{
    problem p = problem_make(4, 2);
    const double a[] = {0.4, 0.3, 0.2, 0.1}, b[] = {0.6, 0.4}, cost[] = {0, 1, 1, 0, 0.5, 0.6, 0.2, 0.9};
    memcpy(p.a, a, sizeof a);
    memcpy(p.b, b, sizeof b);
    memcpy(p.cost, cost, sizeof cost);
    return p;
}

/* 32 bins: N(10,4) to N(16,5), or N(16,5) to halves of N(8,5) and N(24,5); squared distance. */
static inline problem problem_bins(int split)
{
    problem p = problem_make(32, 32);
    double left[32], right[32];
    for (int i = 0; i < 32; i++) {
        p.a[i] = split ? exp(-0.5 * (i - 16) * (i - 16) / 25.0) : exp(-0.5 * (i - 10) * (i - 10) / 16.0);
        p.b[i] = exp(-0.5 * (i - 16) * (i - 16) / 25.0);
        left[i] = exp(-0.5 * (i - 8) * (i - 8) / 25.0);
        right[i] = exp(-0.5 * (i - 24) * (i - 24) / 25.0);
        for (int j = 0; j < 32; j++) p.cost[i * 32 + j] = (i - j) * (i - j) / 961.0;
    }
    to_unit_mass(left, 32);
    to_unit_mass(right, 32);
    for (int i = 0; split && i < 32; i++) p.b[i] = 0.5 * left[i] + 0.5 * right[i];
    to_unit_mass(p.a, 32);
    to_unit_mass(p.b, 32);
    return p;
}

/* Random costs in [0, 1) and masses in 0.1 .. 1.1 before scaling: as in reference/sparse_ot.py. */
static inline problem problem_random(int64_t m, int64_t n, uint64_t seed)
{
    problem p = problem_make(m, n);
    for (int64_t e = 0; e < m * n; e++) p.cost[e] = nrm_test_uniform(&seed);
    for (int64_t i = 0; i < m; i++) p.a[i] = nrm_test_uniform(&seed) + 0.1;
    for (int64_t j = 0; j < n; j++) p.b[j] = nrm_test_uniform(&seed) + 0.1;
    to_unit_mass(p.a, m);
    to_unit_mass(p.b, n);
    return p;
}

static inline problem problem_uniform(int64_t m, int64_t n, uint64_t seed)
{
    problem p = problem_random(m, n, seed);
    for (int64_t i = 0; i < m; i++) p.a[i] = 1.0 / (double)m;
    for (int64_t j = 0; j < n; j++) p.b[j] = 1.0 / (double)n;
    return p;
}

static inline problem problem_transpose(const problem *p)
{
    problem t = problem_make(p->n, p->m);
    memcpy(t.a, p->b, (size_t)p->n * sizeof *t.a);
    memcpy(t.b, p->a, (size_t)p->m * sizeof *t.b);
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) t.cost[j * p->m + i] = p->cost[i * p->n + j];
    return t;
}

static inline nrm_sparse_ot_options options_of(int64_t k, double gamma)
{
    nrm_sparse_ot_options o = nrm_sparse_ot_options_default();
    o.k = k;
    o.gamma = gamma;
    return o;
}

typedef struct solution {
    nrm_ctx *ctx;
    nrm_status status;
    nrm_sparse_ot_info info;
    double *plan, *relaxed; /* dense, m x n */
    double *alpha, *beta;
} solution;

static inline double *dense_of(nrm_ctx *ctx, nrm_csr *s)
{
    double *dense = calloc((size_t)(s->rows * s->cols), sizeof(double));
    assert_non_null(dense);
    assert_ok(ctx, nrm_csr_check(ctx, s));
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t q = s->indptr[i]; q < s->indptr[i + 1]; q++)
            dense[i * s->cols + s->indices[q]] = ((const double *)s->values)[q];
    nrm_csr_destroy(ctx, s);
    return dense;
}

/* status -1: whatever is not a failure. */
static inline solution solve(const problem *p, const nrm_sparse_ot_options *o, nrm_status status)
{
    solution s = {.ctx = nrm_test_ctx(NULL)};
    nrm_csr plan, relaxed;
    s.alpha = calloc((size_t)p->m, sizeof(double));
    s.beta = calloc((size_t)p->n, sizeof(double));
    s.status = nrm_sparse_ot(s.ctx, p->m, p->n, p->a, p->b, p->cost, &plan, s.alpha, s.beta, &relaxed, &s.info, o);
    if ((int)status == -1) assert_true(s.status >= 0);
    else assert_status(s.ctx, s.status, status);
    s.plan = dense_of(s.ctx, &plan);
    s.relaxed = dense_of(s.ctx, &relaxed);
    return s;
}

static inline void solution_free(solution *s)
{
    free(s->plan);
    free(s->relaxed);
    free(s->alpha);
    free(s->beta);
    nrm_ctx_destroy(s->ctx);
}

static inline double marginal_error(const problem *p, const double *plan)
{
    double most = 0;
    for (int64_t i = 0; i < p->m; i++) {
        double sum = 0;
        for (int64_t j = 0; j < p->n; j++) sum += plan[i * p->n + j];
        most = fmax(most, fabs(sum - p->a[i]));
    }
    for (int64_t j = 0; j < p->n; j++) {
        double sum = 0;
        for (int64_t i = 0; i < p->m; i++) sum += plan[i * p->n + j];
        most = fmax(most, fabs(sum - p->b[j]));
    }
    return most;
}

static inline double plan_cost(const problem *p, const double *plan)
{
    double sum = 0;
    for (int64_t e = 0; e < p->m * p->n; e++) sum += plan[e] * p->cost[e];
    return sum;
}

/* S(alpha) and a - T 1 by the public building block. */
static inline double semi_dual(const problem *p, const double *alpha, int64_t k, double gamma, double *gradient)
{
    double value = 0;
    if (p->m < 1) return 0;
    double *s = calloc((size_t)p->m, sizeof *s), *t = calloc((size_t)p->m, sizeof *t);
    for (int64_t i = 0; i < p->m; i++) {
        value += alpha[i] * p->a[i];
        if (gradient) gradient[i] = p->a[i];
    }
    for (int64_t j = 0; j < p->n; j++) {
        double omega;
        for (int64_t i = 0; i < p->m; i++) s[i] = alpha[i] - p->cost[i * p->n + j];
        assert_int_equal(nrm_sparse_conjugate_mass(NULL, p->m, s, k, gamma, p->b[j], &omega, t, NULL), NRM_OK);
        value -= omega;
        for (int64_t i = 0; gradient && i < p->m; i++) gradient[i] -= t[i];
    }
    free(s);
    free(t);
    return value;
}

#endif
