/* top_eigenvector_data.h -- the tables of paper 26 and short ways to call the method. */
#ifndef NRM_TOP_EIGENVECTOR_DATA_H
#define NRM_TOP_EIGENVECTOR_DATA_H

#include "testkit.h"
#include <norma/top_eigenvector.h>

typedef struct table {
    int64_t n, d;
    double *a;
} table;

static inline table table_make(int64_t n, int64_t d)
{
    table t = {n, d, calloc((size_t)(n * d), sizeof(double))};
    assert_non_null(t.a);
    return t;
}

static inline void table_free(table *t) { free(t->a); }

/* Uniform entries; column 2 is long in every row, every 90th row is long as a whole: the
 * table of reference/top_eigenvector.py. */
static inline table table_reference(int64_t n, int64_t d)
{
    uint64_t state = 26;
    table t = table_make(n, d);
    for (int64_t e = 0; e < n * d; e++) t.a[e] = nrm_test_uniform(&state) - 0.5;
    for (int64_t i = 0; i < n; i++) {
        if (d > 2) t.a[i * d + 2] *= 2.5;
        for (int64_t j = 0; j < d && i % 90 == 17; j++) t.a[i * d + j] *= 9;
    }
    return t;
}

/* A reflection that takes e1 to a random direction: x <- x - 2 u (u'x) / u'u, u = e1 - g / |g|. */
static inline void table_reflect(table *t, uint64_t *state)
{
    double *u = calloc((size_t)t->d, sizeof *u), length = 0;
    for (int64_t j = 0; j < t->d; j++) u[j] = nrm_test_normal(state), length += u[j] * u[j];
    for (int64_t j = 0; j < t->d; j++) u[j] = (j == 0) - u[j] / sqrt(length);
    length = 2 * u[0]; /* |e1 - g|^2 for a unit g */
    for (int64_t i = 0; i < t->n; i++) {
        double dot = 0;
        for (int64_t j = 0; j < t->d; j++) dot += u[j] * t->a[i * t->d + j];
        for (int64_t j = 0; j < t->d; j++) t->a[i * t->d + j] -= 2 * dot / length * u[j];
    }
    free(u);
}

static inline void table_swap(table *t, int64_t i, int64_t j)
{
    for (int64_t c = 0; c < t->d; c++) {
        const double kept = t->a[i * t->d + c];
        t->a[i * t->d + c] = t->a[j * t->d + c];
        t->a[j * t->d + c] = kept;
    }
}

static inline void table_shuffle(table *t, uint64_t *state)
{
    for (int64_t i = t->n - 1; i > 0; i--) table_swap(t, i, (int64_t)(nrm_test_next(state) % (uint64_t)(i + 1)));
}

/* N(0, 1) entries, the first coordinate times sqrt(gap). */
static inline table table_spiked(int64_t n, int64_t d, double gap, uint64_t seed)
{
    table t = table_make(n, d);
    for (int64_t e = 0; e < n * d; e++) t.a[e] = nrm_test_normal(&seed) * (e % d == 0 ? sqrt(gap) : 1);
    table_reflect(&t, &seed);
    return t;
}

/* Spike alpha * gap in all rows, and one row that carries the other (1 - alpha) of it. */
static inline table table_mixed(int64_t n, int64_t d, double gap, double alpha, uint64_t seed)
{
    table t = table_make(n, d);
    for (int64_t e = 0; e < n * d; e++) t.a[e] = nrm_test_normal(&seed) * (e % d == 0 ? sqrt(alpha * gap) : 1);
    memset(t.a, 0, (size_t)d * sizeof *t.a);
    t.a[0] = sqrt((1 - alpha) * gap * (double)n);
    table_swap(&t, 0, (int64_t)(nrm_test_next(&seed) % (uint64_t)n));
    table_reflect(&t, &seed);
    return t;
}

/* Spike 1 + size on e1 in all rows, and one row of the same energy at an angle to it. */
static inline table table_angled(int64_t n, int64_t d, double size, double degrees, uint64_t seed)
{
    table t = table_make(n, d);
    for (int64_t e = 0; e < n * d; e++) t.a[e] = nrm_test_normal(&seed) * (e % d == 0 ? sqrt(1 + size) : 1);
    memset(t.a, 0, (size_t)d * sizeof *t.a);
    t.a[0] = sqrt(size * (double)n) * cos(degrees * 0.017453292519943295);
    t.a[1] = sqrt(size * (double)n) * sin(degrees * 0.017453292519943295);
    table_swap(&t, 0, (int64_t)(nrm_test_next(&seed) % (uint64_t)n));
    table_reflect(&t, &seed);
    return t;
}

/* k rows e1; M rows e_j / sqrt(M) for every other j; in random order. */
static inline table table_oja_hard(int64_t d, int64_t k, int64_t M, uint64_t seed)
{
    table t = table_make(k + (d - 1) * M, d);
    for (int64_t i = 0; i < t.n; i++) {
        if (i < k) t.a[i * d] = 1;
        else t.a[i * d + 1 + (i - k) / M] = 1 / sqrt((double)M);
    }
    table_shuffle(&t, &seed);
    return t;
}

static inline nrm_top_eigenvector_options options_of(nrm_top_eigenvector_algorithm algorithm)
{
    nrm_top_eigenvector_options o = nrm_top_eigenvector_options_default();
    o.algorithm = algorithm;
    return o;
}

/* The method over a table held in memory. */
static inline nrm_status solve(nrm_ctx *ctx, const table *t, double *v, nrm_top_eigenvector_info *info,
                               const nrm_top_eigenvector_options *o)
{
    nrm_array a;
    nrm_rows *rows = NULL;
    nrm_status st = nrm_array_view(ctx, &a, NRM_F64, 2, (const int64_t[]){t->n, t->d}, t->a);
    if (st >= 0) st = nrm_rows_from_array(ctx, &rows, &a);
    if (st < 0) return st;
    st = nrm_top_eigenvector(ctx, rows, v, info, o);
    nrm_rows_close(ctx, rows);
    return st;
}

static inline double correlation(const double *u, const double *v, int64_t d)
{
    double dot = 0;
    for (int64_t j = 0; j < d; j++) dot += u[j] * v[j];
    return dot * dot;
}

/* <v, v1>^2 against the exact eigenvector. */
static inline double quality(nrm_ctx *ctx, const table *t, const nrm_top_eigenvector_options *o,
                             nrm_top_eigenvector_info *info)
{
    const nrm_top_eigenvector_options exact = options_of(NRM_TOP_EIGENVECTOR_EXACT);
    double *v = calloc((size_t)(2 * t->d), sizeof *v), found;
    assert_ok(ctx, solve(ctx, t, v, info, o));
    assert_ok(ctx, solve(ctx, t, v + t->d, NULL, &exact));
    found = correlation(v, v + t->d, t->d);
    free(v);
    return found;
}

#endif
