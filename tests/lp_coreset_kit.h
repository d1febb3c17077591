/* lp_coreset_kit.h -- what the tests of lp-coreset share. */
#ifndef NRM_LP_CORESET_KIT_H
#define NRM_LP_CORESET_KIT_H

#include "rows_kit.h"
#include <norma/lp_coreset.h>

/* One thread: many small calls. */
static inline nrm_ctx *quiet_ctx(void)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    return ctx;
}

/* One call on rows in memory, all checked for what a coreset always is. */
static inline nrm_status coreset(nrm_ctx *ctx, int64_t n, int64_t d, const double *a, unsigned want, nrm_lp_coreset_result *r,
                                 nrm_lp_coreset_info *info, const nrm_lp_coreset_options *o)
{
    nrm_rows *rows = rows_of(ctx, n, d, a);
    const nrm_lp_coreset_input in = {.a = rows};
    const nrm_status st = nrm_lp_coreset(ctx, &in, want, r, info, o);
    nrm_rows_close(ctx, rows);
    if (st < 0) return st;
    for (int64_t k = 0; k < r->rows; k++) {
        assert_true(r->index[k] >= 0 && r->index[k] < n && (k == 0 || r->index[k] > r->index[k - 1]));
        assert_true(r->weights[k] > 0 && isfinite(r->weights[k]));
        if (r->a) assert_memory_equal(r->a + k * d, a + r->index[k] * d, (size_t)d * sizeof *a);
    }
    assert_int_equal(info->rows, r->rows);
    assert_int_equal(info->rows_read, n);
    return st;
}

static inline nrm_lp_coreset_options with(double p, int scheme, int64_t rows)
{
    nrm_lp_coreset_options o = nrm_lp_coreset_options_default();
    o.p = p, o.scheme = scheme, o.rows = rows;
    return o;
}

/* Rows of unequal importance: normal entries, some rows large, the last column rare. */
static inline void make_rows(int64_t n, int64_t d, uint64_t seed, double *a)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < d; j++) {
            const double size = i % 37 == 5 ? 8 : 1, rare = j == d - 1 && i % 101 != 3 ? 0.02 : 1;
            a[i * d + j] = size * rare * nrm_test_normal(&seed);
        }
}

static inline double power_of(const double *row, int64_t d, const double *x, double p)
{
    double y = 0;
    for (int64_t j = 0; j < d; j++) y += row[j] * x[j];
    return pow(fabs(y), p);
}

/* sum of weight |row x|^p over the rows named by index, or all. */
static inline double sum_of(int64_t count, const int64_t *index, const double *weight, const double *a, int64_t d, const double *x, double p)
{
    double sum = 0;
    for (int64_t k = 0; k < count; k++) sum += (weight ? weight[k] : 1) * power_of(a + (index ? index[k] : k) * d, d, x, p);
    return sum;
}

#endif
