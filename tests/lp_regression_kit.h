/* lp_regression_kit.h -- rows, and proofs from the raw numbers, for the tests of lp-regression. */
#ifndef NRM_LP_REGRESSION_KIT_H
#define NRM_LP_REGRESSION_KIT_H

#include "base/base.h"
#include "testkit.h"
#include <norma/io.h>
#include <norma/lp_regression.h>

enum { N = 9000, D = 4 };
static double rows[N * D], right[N], weights[N];

/* Rows of even size but for some, heavy noise. */
static inline void make(uint64_t seed)
{
    uint64_t state = seed;
    for (int i = 0; i < N; i++) {
        const double size = i % 700 == 3 ? 20 : 1, u = nrm_test_uniform(&state) - 0.5;
        right[i] = 0.1 * tan(2.8 * u);
        weights[i] = 0.5 + nrm_test_uniform(&state);
        for (int j = 0; j < D; j++) {
            rows[i * D + j] = size * nrm_test_normal(&state);
            right[i] += (j + 1) * rows[i * D + j];
        }
    }
}

/* Small work is slower on two threads, and on many machines tests share the cores. */
static inline nrm_ctx *one_thread(void)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    return ctx;
}

typedef struct streams { nrm_rows *a, *b; } streams;

static inline streams open_rows(nrm_ctx *ctx, int64_t n, int64_t d, double *a, int64_t of_b, double *b)
{
    nrm_array view;
    streams s;
    assert_ok(ctx, nrm_array_view(ctx, &view, NRM_F64, 2, (const int64_t[]){n, d}, a));
    assert_ok(ctx, nrm_rows_from_array(ctx, &s.a, &view));
    assert_ok(ctx, nrm_array_view(ctx, &view, NRM_F64, 1, &of_b, b));
    assert_ok(ctx, nrm_rows_from_array(ctx, &s.b, &view));
    return s;
}

static inline void close_rows(nrm_ctx *ctx, streams s)
{
    nrm_rows_close(ctx, s.a);
    nrm_rows_close(ctx, s.b);
}

static inline nrm_lp_regression_options options_of(double p, int method, int64_t refine)
{
    nrm_lp_regression_options o = nrm_lp_regression_options_default();
    o.p = p;
    o.method = method;
    o.refine = refine;
    o.scheme = NRM_LP_CORESET_LEWIS; /* quicker than sensitivities, which auto takes up to 10000 rows */
    return o;
}

/* All of `rows`, with everything wanted. */
static inline nrm_status fit(nrm_ctx *ctx, const double *w, const nrm_lp_regression_options *o, nrm_lp_regression_result *made,
                      nrm_lp_regression_info *info)
{
    const streams s = open_rows(ctx, N, D, rows, N, right);
    const nrm_lp_regression_input in = {.a = s.a, .b = s.b, .weights = w, .length = w ? N : 0};
    const bool dual = o->method == NRM_LP_REGRESSION_DIRECT || o->refine > 0;
    const nrm_status st = nrm_lp_regression(ctx, &in, NRM_LP_REGRESSION_RESIDUAL | (dual ? NRM_LP_REGRESSION_DUAL : 0), made, info, o);
    close_rows(ctx, s);
    return st;
}

static inline double norm_of(int64_t n, const double *v, const double *factor, double sign, double p)
{
    double most = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(v[i]) * (factor ? pow(factor[i], sign) : 1));
    if (most == 0 || isinf(p)) return most;
    for (int64_t i = 0; i < n; i++) sum += pow(fabs(v[i]) * (factor ? pow(factor[i], sign) : 1) / most, p);
    return most * pow(sum, 1 / p);
}

/* What info says, from the raw rows. */
static inline void check_proof(const double *w, const nrm_lp_regression_result *made, const nrm_lp_regression_info *info)
{
    const double p = info->p;
    double value = 0, size = 0;

    assert_int_equal(made->n, N);
    for (int i = 0; i < N; i++) {
        double r = -right[i];
        for (int j = 0; j < D; j++) r += rows[i * D + j] * made->x[j];
        assert_near(made->residual[i], r, 1e-12);
    }
    assert_near(info->norm, norm_of(N, made->residual, w, 1 / p, p), 1e-12);
    assert_near(info->objective, pow(info->norm, p), 1e-12);
    if (!made->dual) return;
    for (int i = 0; i < N; i++) {
        value += made->dual[i] * right[i];
        size += fabs(made->dual[i] * right[i]);
    }
    assert_true(fabs(value - info->lower) <= 1e-11 * size);
    assert_true(norm_of(N, made->dual, w, -1 / p, p == 1 ? (double)INFINITY : p / (p - 1)) <= 1 + 1e-12);
    for (int j = 0; j < D; j++) {
        double sum = 0, terms = 0;
        for (int i = 0; i < N; i++) {
            sum += made->dual[i] * rows[i * D + j];
            terms += fabs(made->dual[i] * rows[i * D + j]);
        }
        assert_true(fabs(sum) <= 1e-11 * terms);
    }
    assert_true(info->lower <= info->norm);
    assert_near(info->gap, (info->norm - info->lower) / info->norm, 1e-12);
    assert_near(info->excess, pow(info->norm / info->lower, p) - 1, 1e-9);
}

#endif
