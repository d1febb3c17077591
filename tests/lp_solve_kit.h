/* lp_solve_kit.h -- problems, and proofs from the raw numbers, for the tests of lp_solve.h. */
#ifndef NRM_LP_SOLVE_KIT_H
#define NRM_LP_SOLVE_KIT_H

#include "base/base.h"
#include "regression/lp_solve.h"
#include "testkit.h"
#include <float.h>

enum { MOST = 400, COLUMNS = 24 };
static double rows[MOST * COLUMNS], right[MOST], weights[MOST];

/* As in tests/reference/lp_solve.py. */
static inline void make(int seed, int n, int d)
{
    uint64_t state = (uint64_t)seed;
    for (int i = 0; i < n; i++) {
        right[i] = 0;
        for (int j = 0; j < d; j++) {
            rows[i * d + j] = 2 * nrm_test_uniform(&state) - 1;
            right[i] += rows[i * d + j];
        }
        const double noise = 2 * nrm_test_uniform(&state) - 1;
        right[i] += noise * noise * noise * (i % 7 == 0 ? 20 : 1);
    }
}

static inline nrm_lp_problem problem_of(int n, int d, double p)
{
    return (nrm_lp_problem){.n = n, .d = d, .a = rows, .lda = d, .b = right, .p = p, .threads = 1};
}

static inline double norm_of(const double *v, int n, double p)
{
    double most = 0, sum = 0;
    for (int i = 0; i < n; i++) most = fmax(most, fabs(v[i]));
    if (most == 0 || isinf(p)) return most;
    for (int i = 0; i < n; i++) sum += pow(fabs(v[i]) / most, p);
    return most * pow(sum, 1 / p);
}

/* The norm, the bound and the dual's feasibility from the raw numbers. */
static inline void check_proof(const nrm_lp_problem *o, const double *x, const double *dual, const nrm_lp_answer *answer, double slack)
{
    double r[MOST], scaled[MOST], value = 0, size = 0;
    const int n = (int)o->n;

    for (int i = 0; i < n; i++) {
        const double root = o->weight ? pow(o->weight[i], 1 / o->p) : 1;
        r[i] = -o->b[i];
        for (int64_t j = 0; j < o->d; j++) r[i] += o->a[i * o->lda + j] * x[j];
        r[i] *= root;
        scaled[i] = dual[i] / root;
        value += dual[i] * o->b[i];
        size += fabs(dual[i] * o->b[i]);
    }
    assert_near(answer->norm, norm_of(r, n, o->p), 1e-13);
    assert_near(value, answer->norm_lower, 1e-13 + 1e-14 * size / (1 + fabs(value)));
    assert_true(norm_of(scaled, n, o->p == 1 ? (double)INFINITY : o->p / (o->p - 1)) <= 1 + 1e-12);
    for (int64_t j = 0; j < o->d; j++) {
        double sum = 0, terms = 0;
        for (int i = 0; i < n; i++) {
            sum += dual[i] * o->a[i * o->lda + j];
            terms += fabs(dual[i] * o->a[i * o->lda + j]);
        }
        assert_true(fabs(sum) <= 1e-12 * terms);
    }
    assert_true(answer->norm_lower <= answer->norm);
    assert_true(answer->norm - answer->norm_lower <= slack * answer->norm);
}

static inline void solve(nrm_ctx *ctx, const nrm_lp_problem *o, double *x, nrm_lp_answer *answer, double slack)
{
    double dual[MOST];
    assert_ok(ctx, nrm_lp_solve(ctx, "t", o, x, false, answer, dual, NULL));
    assert_true(answer->converged);
    check_proof(o, x, dual, answer, slack);
}

#endif
