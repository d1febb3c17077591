/* test_top_eigenvector.c -- the method against its independent reference, the statements
 * of its specification, and bad input. */
#include "top_eigenvector_data.h"
#include "reference/top_eigenvector_values.h"
#include "streaming/heavy_light.h"

enum { D = 13, N = 1500 };

static nrm_ctx *context(uint64_t seed)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_seed(ctx, seed));
    return ctx;
}

/* ---- The reference in NumPy -------------------------------------------------------------- */

static void agrees(const double *reference, const nrm_top_eigenvector_options *o, double tol)
{
    nrm_ctx *ctx = context(7);
    table t = table_reference(N, D);
    nrm_top_eigenvector_info info;
    double v[D];

    assert_ok(ctx, solve(ctx, &t, v, &info, o));
    assert_all_near(v, reference, D, tol);
    if (o->algorithm == NRM_TOP_EIGENVECTOR_OJA) {
        assert_near(info.growth, reference[D], 1e-11);
    } else if (o->algorithm == NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE) {
        assert_near(info.rate, reference[D], 1e-14);
        assert_true(info.trusted);
    } else {
        assert_near(info.eigenvalue, reference[D], tol);
        assert_near(info.gap, reference[D + 1], tol);
    }
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

static void reference_heavy_light(void **state)
{
    (void)state;
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_HEAVY_LIGHT), p;
    o.width = 3;
    o.stored_rows = 5;
    agrees(reference_ritz_doubling, &o, 1e-12);
    p = o, p.schedule = NRM_TOP_EIGENVECTOR_EQUAL, p.blocks = 5;
    agrees(reference_ritz_equal, &p, 1e-12);
    p = o, p.width = 4, p.stored_rows = 6, p.first_block = 440;
    agrees(reference_ritz_last_block, &p, 1e-12);
    p = o, p.combine = NRM_TOP_EIGENVECTOR_PICK;
    agrees(reference_pick, &p, 1e-12);
    p = o, p.combine = NRM_TOP_EIGENVECTOR_LIGHT;
    agrees(reference_light, &p, 1e-12);
    p = o, p.algorithm = NRM_TOP_EIGENVECTOR_BLOCK_POWER, p.width = 2;
    agrees(reference_block_power, &p, 1e-12);
    p = o, p.width = 20, p.stored_rows = 0; /* clipped to d */
    agrees(reference_full_width, &p, 1e-12);
    p = o, p.subsample = 3;
    agrees(reference_subsampled, &p, 1e-12);
    p = o, p.stored_rows = 20; /* k + K > d */
    agrees(reference_many_stored, &p, 1e-12);
}

static void reference_baselines(void **state)
{
    (void)state;
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_OJA);
    agrees(reference_oja_decaying, &o, 1e-12);
    o.rate = 0.02;
    o.rate_schedule = NRM_TOP_EIGENVECTOR_FIXED;
    agrees(reference_oja_fixed, &o, 1e-12);
    o = options_of(NRM_TOP_EIGENVECTOR_OJA_ADAPTIVE);
    o.rates = 16;
    agrees(reference_oja_adaptive, &o, 1e-12);
    o = options_of(NRM_TOP_EIGENVECTOR_FREQUENT_DIRECTIONS);
    o.sketch_rows = 4;
    agrees(reference_frequent_directions, &o, 1e-11);
    o = options_of(NRM_TOP_EIGENVECTOR_EXACT);
    agrees(reference_exact, &o, 1e-12);
    o = options_of(NRM_TOP_EIGENVECTOR_POWER);
    o.tolerance = 1e-14;
    nrm_ctx *ctx = context(7);
    table t = table_reference(N, D);
    nrm_top_eigenvector_info info;
    double v[D];
    assert_ok(ctx, solve(ctx, &t, v, &info, &o));
    assert_all_near(v, reference_exact, D, 1e-12);
    assert_near(info.eigenvalue, reference_exact[D], 1e-12);
    assert_true(info.passes < 60); /* it stops when it may: 3.53^-60 is far below 1e-14 */
    table_free(&t);
    t = table_reference(200, 150); /* more columns than a stripe of the Gram matrix */
    o.tolerance = 1e-10;
    o.max_iter = 100000;
    const nrm_top_eigenvector_options exact = options_of(NRM_TOP_EIGENVECTOR_EXACT);
    double x[150], y[150];
    assert_ok(ctx, solve(ctx, &t, x, NULL, &o));
    assert_ok(ctx, solve(ctx, &t, y, NULL, &exact));
    assert_near(correlation(x, y, 150), 1, 1e-9);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* ---- What must hold ------------------------------------------------------------------------ */

/* 2: rows <= stored_rows is exact; equal rows give their direction; one column. */
static void exact_when_all_rows_are_stored(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(0);
    for (int64_t n = 1; n <= 32; n += 5) {
        table t = table_reference(n, 9);
        nrm_top_eigenvector_info info;
        assert_near(quality(ctx, &t, NULL, &info), 1, 1e-12);
        assert_int_equal(info.rows, n);
        assert_int_equal(info.blocks, 0);
        assert_false(info.heavy_overflow);
        if (n == 1) assert_true(isinf(info.gap) || info.gap > 1e14);
        table_free(&t);
    }
    table alike = table_make(200, 4);
    for (int64_t e = 0; e < 800; e++) alike.a[e] = (const double[]){1, -2, 0, 2}[e % 4];
    double v[4];
    nrm_top_eigenvector_info info;
    assert_ok(ctx, solve(ctx, &alike, v, &info, NULL));
    assert_all_near(v, ((double[]){-1 / 3.0, 2 / 3.0, 0, -2 / 3.0}), 4, 1e-12); /* the first of the largest is positive */
    assert_near(info.eigenvalue, 1800, 1e-12);
    assert_false(info.order_suspect);
    table_free(&alike);

    table column = table_make(300, 1);
    for (int64_t i = 0; i < 300; i++) column.a[i] = -1;
    assert_ok(ctx, solve(ctx, &column, v, &info, NULL));
    assert_near(v[0], 1, 0);
    assert_near(info.eigenvalue, 300, 1e-12);
    table_free(&column);
    nrm_ctx_destroy(ctx);
}

/* A stream whose first vectors the test chooses. */
static nrm_top_eigenvector_stream *stream_from(nrm_ctx *ctx, const table *t, int64_t width, const double *z)
{
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_BLOCK_POWER);
    nrm_top_eigenvector_stream *s;
    o.width = width;
    o.schedule = NRM_TOP_EIGENVECTOR_EQUAL;
    o.blocks = 1;
    o.rows = t->n;
    assert_ok(ctx, nrm_top_eigenvector_stream_create(ctx, &s, t->d, &o));
    nrm_heavy_light *hl = s->state;
    memcpy(hl->z, z, (size_t)(t->d * width) * sizeof *z);
    const nrm_row_block block = {.count = t->n, .cols = t->d, .dense = t->a};
    assert_ok(ctx, nrm_top_eigenvector_stream_absorb(ctx, s, &block));
    return s;
}

/* 3: one block started at v1 returns v1.  4: rotated rows and a rotated start rotate the
 * answer; scaled rows scale the eigenvalue alone. */
static void one_block_and_rotation(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(3);
    table t = table_reference(400, 6);
    const nrm_top_eigenvector_options exact = options_of(NRM_TOP_EIGENVECTOR_EXACT);
    nrm_top_eigenvector_info info, found;
    double v1[6], v[6], w[6], z[12], rotated[12], q[36];

    assert_ok(ctx, solve(ctx, &t, v1, &info, &exact));
    nrm_top_eigenvector_stream *s = stream_from(ctx, &t, 1, v1);
    assert_ok(ctx, nrm_top_eigenvector_stream_query(ctx, s, v, &found));
    assert_all_near(v, v1, 6, 1e-12);
    assert_near(found.eigenvalue, info.eigenvalue, 1e-12);
    nrm_top_eigenvector_stream_destroy(ctx, s);

    for (int64_t e = 0; e < 36; e++) q[e] = (double)(e / 6 == e % 6) - 2 * (1.0 + (double)(e / 6)) * (1.0 + (double)(e % 6)) / 91;
    memset(z, 0, sizeof z);
    z[0] = 1;          /* e1, e2 as columns */
    z[3] = 1;
    memset(rotated, 0, sizeof rotated);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            for (int c = 0; c < 2; c++) rotated[i * 2 + c] += q[j * 6 + i] * z[j * 2 + c];
    table turned = table_make(400, 6);
    for (int64_t i = 0; i < 400; i++)
        for (int j = 0; j < 6; j++)
            for (int c = 0; c < 6; c++) turned.a[i * 6 + j] += t.a[i * 6 + c] * q[c * 6 + j];
    s = stream_from(ctx, &t, 2, z);
    assert_ok(ctx, nrm_top_eigenvector_stream_query(ctx, s, v, &info));
    nrm_top_eigenvector_stream_destroy(ctx, s);
    s = stream_from(ctx, &turned, 2, rotated);
    assert_ok(ctx, nrm_top_eigenvector_stream_query(ctx, s, w, &found));
    nrm_top_eigenvector_stream_destroy(ctx, s);
    memset(v1, 0, sizeof v1);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) v1[i] += q[j * 6 + i] * v[j];
    assert_near(correlation(v1, w, 6), 1, 1e-13);
    assert_near(found.eigenvalue, info.eigenvalue, 1e-12);
    assert_near(found.gap, info.gap, 1e-11);
    table_free(&turned);

    for (int power = -300; power <= 300; power += 100) { /* to the last bit: powers of two */
        table scaled = table_reference(400, 6);
        for (int64_t e = 0; e < 2400; e++) scaled.a[e] = ldexp(scaled.a[e], power);
        assert_ok(ctx, solve(ctx, &t, v, &info, NULL));
        assert_ok(ctx, solve(ctx, &scaled, w, &found, NULL));
        assert_all_near(w, v, 6, 1e-13);
        assert_near(ldexp(found.eigenvalue, -2 * power), info.eigenvalue, 1e-13);
        assert_near(found.gap, info.gap, 1e-12);
        table_free(&scaled);
    }
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* 5: width = d, nothing stored: the answer is that of the Gram matrix of the last block. */
static void full_width_is_the_block_gram(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(1);
    table t = table_reference(700, 5), block = table_make(448, 5);
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_BLOCK_POWER);
    const nrm_top_eigenvector_options exact = options_of(NRM_TOP_EIGENVECTOR_EXACT);
    nrm_top_eigenvector_info info, found;
    double v[5], w[5];

    /* blocks of 64, 128, 256; then 252 rows of a block of 512, which serve */
    memcpy(block.a, t.a + 448 * 5, 252 * 5 * sizeof(double));
    block.n = 252;
    assert_ok(ctx, solve(ctx, &t, v, &info, &o));
    assert_ok(ctx, solve(ctx, &block, w, &found, &exact));
    assert_all_near(v, w, 5, 1e-11);
    assert_near(info.eigenvalue, found.eigenvalue * 700 / 252, 1e-11);
    assert_near(info.gap, found.gap, 1e-10);
    assert_int_equal(info.blocks, 3);
    table_free(&t);
    table_free(&block);
    nrm_ctx_destroy(ctx);
}

/* 7 in small: permuted rows change the answer within statistical error. */
static void permutations(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(5);
    table t = table_spiked(20000, 64, 2, 11);
    const nrm_top_eigenvector_options exact = options_of(NRM_TOP_EIGENVECTOR_EXACT);
    uint64_t seed = 12;
    double v1[64], v[64];
    int good = 0, suspect = 0;

    assert_ok(ctx, solve(ctx, &t, v1, NULL, &exact));
    for (int round = 0; round < 20; round++) {
        nrm_top_eigenvector_info info;
        table_shuffle(&t, &seed);
        assert_ok(ctx, solve(ctx, &t, v, &info, NULL));
        good += correlation(v, v1, 64) >= 0.97;
        suspect += info.order_suspect;
        assert_true(info.evictions >= 120 && info.evictions <= 300); /* K ln(n / K) = 206 */
    }
    assert_true(good >= 19);
    assert_int_equal(suspect, 0);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* The table of the specification, one draw of each. */
static void instances(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(9);
    nrm_top_eigenvector_options pick = options_of(NRM_TOP_EIGENVECTOR_HEAVY_LIGHT);
    const nrm_top_eigenvector_options light = options_of(NRM_TOP_EIGENVECTOR_BLOCK_POWER);
    const nrm_top_eigenvector_options exact = options_of(NRM_TOP_EIGENVECTOR_EXACT);
    nrm_top_eigenvector_info info;
    double v[64];
    pick.combine = NRM_TOP_EIGENVECTOR_PICK;

    table t = table_oja_hard(256, 3, 60, 1);
    assert_near(quality(ctx, &t, NULL, &info), 1, 1e-3);
    assert_near(quality(ctx, &t, &pick, NULL), 1, 1e-3);
    assert_true(quality(ctx, &t, &light, NULL) < 0.05);
    assert_near(info.eigenvalue, 3, 1e-9);
    table_free(&t);

    t = table_mixed(20000, 64, 4, 0.05, 2);
    assert_true(quality(ctx, &t, NULL, &info) > 0.99);
    assert_int_equal(info.heavy_count, 1);
    assert_false(info.heavy_overflow);
    assert_true(quality(ctx, &t, &light, &info) < 0.05);
    assert_true(info.heavy_overflow); /* nothing stored: the heavy row is among the others */
    table_free(&t);

    for (int i = 0; i < 2; i++) { /* pick = cos^2(phi / 2) */
        t = table_angled(20000, 64, 10, i ? 45 : 30, 3);
        assert_true(quality(ctx, &t, NULL, &info) > 0.99);
        assert_true(info.gap > 4); /* the estimate knows little of lambda2: N has rank 8 */
        assert_ok(ctx, solve(ctx, &t, v, &info, &exact));
        assert_near(info.gap, i ? 4.61 : 8.38, 0.1);
        assert_near(quality(ctx, &t, &pick, NULL), i ? 0.854 : 0.933, 0.015);
        table_free(&t);
    }
    nrm_ctx_destroy(ctx);
}

/* Negative control: rows sorted by |a.v1|, either way, or its largest third first. */
static int by_key(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sorted_rows_are_suspect(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(2);
    const nrm_top_eigenvector_options exact = options_of(NRM_TOP_EIGENVECTOR_EXACT);
    enum { ROWS = 20000, COLS = 64, CELLS = COLS + 1 };
    table t = table_spiked(ROWS, COLS, 2, 21);
    double v1[COLS], *keyed = calloc((size_t)ROWS * CELLS, sizeof *keyed);
    uint64_t seed = 4;

    assert_ok(ctx, solve(ctx, &t, v1, NULL, &exact));
    for (int order = 0; order < 3; order++) {
        nrm_top_eigenvector_info info;
        double v[COLS], key[ROWS], third;
        for (int64_t i = 0; i < ROWS; i++) {
            double dot = 0;
            for (int j = 0; j < COLS; j++) dot += t.a[i * COLS + j] * v1[j];
            keyed[i * CELLS] = key[i] = fabs(dot);
            memcpy(keyed + i * CELLS + 1, t.a + i * COLS, sizeof v);
        }
        qsort(key, ROWS, sizeof *key, by_key);
        third = key[ROWS * 2 / 3];
        for (int64_t i = 0; i < ROWS; i++) {
            if (order == 0) keyed[i * CELLS] *= -1;
            if (order == 2) keyed[i * CELLS] = (keyed[i * CELLS] > third ? 0 : 1) + nrm_test_uniform(&seed);
        }
        qsort(keyed, ROWS, CELLS * sizeof *keyed, by_key);
        for (int64_t i = 0; i < ROWS; i++) memcpy(t.a + i * COLS, keyed + i * CELLS + 1, sizeof v);
        assert_ok(ctx, solve(ctx, &t, v, &info, NULL));
        print_message("order %d: correlation %.4f, |z| %.1f and %.1f\n", order, correlation(v, v1, COLS),
                      info.order_projection, info.order_length);
        assert_true(correlation(v, v1, COLS) < 0.05);
        assert_true(info.order_suspect);
    }
    free(keyed);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* Heavy tails in random order raise no alarm (they would on the rows absorbed alone). */
static void heavy_tails_are_not_suspect(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(2);
    uint64_t seed = 31;
    for (int round = 0; round < 30; round++) {
        table t = table_make(8000, 8);
        nrm_top_eigenvector_info info;
        double v[8];
        for (int64_t i = 0; i < t.n; i++) {
            const double length = pow(1 - nrm_test_uniform(&seed), -1 / (1.0 + round % 3));
            for (int j = 0; j < 8; j++) t.a[i * 8 + j] = length * nrm_test_normal(&seed);
        }
        assert_ok(ctx, solve(ctx, &t, v, &info, NULL));
        assert_false(info.order_suspect);
        table_free(&t);
    }
    nrm_ctx_destroy(ctx);
}

/* 10, for every algorithm: |v| = 1, gap >= 1, the largest entry positive, one pass. */
static void invariants(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(0);
    for (int algorithm = 0; algorithm < nrm_top_eigenvector_algorithm_count; algorithm++) {
        for (int64_t d = 1; d <= 33; d += 4) {
            table t = table_reference(300, d);
            nrm_top_eigenvector_options o = options_of((nrm_top_eigenvector_algorithm)algorithm);
            nrm_top_eigenvector_info info;
            double v[64], length = 0, largest = 0;
            o.residual = true;
            o.audit_rows = 50;
            o.tolerance = 1e-3;
            assert_true(solve(ctx, &t, v, &info, &o) >= 0);
            for (int64_t j = 0; j < d; j++) {
                length += v[j] * v[j];
                if (fabs(v[j]) > fabs(largest)) largest = v[j];
            }
            assert_near(length, 1, 1e-14);
            assert_true(largest > 0);
            assert_true(isnan(info.gap) || info.gap >= 1);
            assert_int_equal(info.rows, 300);
            assert_int_equal(info.columns, d);
            assert_true(info.stored_numbers > 0 && info.peak_numbers >= info.stored_numbers);
            assert_true(info.exact_eigenvalue > 0 && info.residual >= 0);
            if (algorithm != NRM_TOP_EIGENVECTOR_POWER) {
                assert_int_equal(info.passes, 2);
                assert_true(info.audit_low <= info.audit && info.audit <= info.audit_high);
            }
            table_free(&t);
        }
    }
    nrm_ctx_destroy(ctx);
}

/* ---- Certificates ---------------------------------------------------------------------------- */

static void residual_is_recomputed(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(8);
    table t = table_reference(600, 11);
    for (int algorithm = 0; algorithm < nrm_top_eigenvector_algorithm_count; algorithm++) {
        nrm_top_eigenvector_options o = options_of((nrm_top_eigenvector_algorithm)algorithm);
        nrm_top_eigenvector_info info;
        double v[11], y[11] = {0}, value = 0, sum = 0;
        o.residual = true;
        o.tolerance = 1e-6;
        assert_true(solve(ctx, &t, v, &info, &o) >= 0);
        for (int64_t i = 0; i < t.n; i++) {
            double dot = 0;
            for (int j = 0; j < 11; j++) dot += t.a[i * 11 + j] * v[j];
            for (int j = 0; j < 11; j++) y[j] += dot * t.a[i * 11 + j];
            value += dot * dot;
        }
        for (int j = 0; j < 11; j++) sum += (y[j] / value - v[j]) * (y[j] / value - v[j]);
        assert_near(info.exact_eigenvalue, value, 1e-12);
        assert_near(info.residual, sqrt(sum), 1e-10);
    }
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* The audit: exact when every row is in the sample; else its interval covers about 95 %. */
static void audit_covers(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(0);
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_HEAVY_LIGHT);
    nrm_top_eigenvector_info info;
    double v[16];
    int covered = 0;

    o.residual = true;
    o.audit_rows = 500;
    table t = table_mixed(400, 16, 4, 0.3, 1);
    assert_ok(ctx, solve(ctx, &t, v, &info, &o));
    assert_near(info.audit, info.exact_eigenvalue, 1e-12);
    assert_near(info.audit_high - info.audit_low, 0, 1e-9);
    table_free(&t);
    o.audit_rows = 200;
    for (int round = 0; round < 100; round++) {
        t = table_mixed(2000, 16, 4, 0.3, 100 + (uint64_t)round);
        assert_ok(ctx, nrm_set_seed(ctx, (uint64_t)round));
        assert_ok(ctx, solve(ctx, &t, v, &info, &o));
        covered += info.audit_low <= info.exact_eigenvalue && info.exact_eigenvalue <= info.audit_high;
        table_free(&t);
    }
    assert_true(covered >= 86); /* 95 expected; 86 is four standard deviations below */
    nrm_ctx_destroy(ctx);
}

/* ---- Bad input --------------------------------------------------------------------------------- */

static int64_t ten_rows(void *user, int64_t most, int64_t cols, double *dense)
{
    int64_t *left = user, count = *left < most ? *left : most;
    for (int64_t e = 0; e < count * cols; e++) dense[e] = (double)(e % 7) - 2;
    *left -= count;
    return count;
}

static void bad_input(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(0);
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_HEAVY_LIGHT);
    nrm_top_eigenvector_info info = {.rows = 77}, before = info;
    double v[D] = {42};
    table t = table_reference(100, D);

    assert_status(ctx, nrm_top_eigenvector(ctx, NULL, v, NULL, NULL), NRM_E_NULL);
    t.n = 0;
    assert_status(ctx, solve(ctx, &t, v, &info, NULL), NRM_E_SHAPE);
    assert_message(ctx, "no rows");
    t.n = 100;
    t.a[40 * D + 3] = NAN;
    assert_status(ctx, solve(ctx, &t, v, &info, NULL), NRM_E_NONFINITE);
    assert_message(ctx, "a[40,3] is nan");
    o.algorithm = NRM_TOP_EIGENVECTOR_POWER;
    assert_status(ctx, solve(ctx, &t, v, &info, &o), NRM_E_NONFINITE);
    t.a[40 * D + 3] = -INFINITY;
    assert_status(ctx, solve(ctx, &t, v, &info, NULL), NRM_E_NONFINITE);
    t.a[40 * D + 3] = 1e200;
    assert_status(ctx, solve(ctx, &t, v, &info, NULL), NRM_E_OVERFLOW);
    assert_message(ctx, "row 40");
    for (int64_t e = 0; e < 100 * D; e++) t.a[e] = 1e153; /* every row fits, their sum does not */
    assert_status(ctx, solve(ctx, &t, v, &info, NULL), NRM_E_OVERFLOW);
    memset(t.a, 0, 100 * D * sizeof *t.a);
    for (int algorithm = 0; algorithm < nrm_top_eigenvector_algorithm_count; algorithm++) {
        o = options_of((nrm_top_eigenvector_algorithm)algorithm);
        assert_status(ctx, solve(ctx, &t, v, &info, &o), NRM_E_SINGULAR);
    }
    table_free(&t);

    t = table_reference(100, D);
    o = options_of(NRM_TOP_EIGENVECTOR_HEAVY_LIGHT);
    o.width = 65;
    assert_status(ctx, solve(ctx, &t, v, &info, &o), NRM_E_RANGE);
    o.width = 8, o.stored_rows = -1;
    assert_status(ctx, solve(ctx, &t, v, &info, &o), NRM_E_RANGE);
    o.stored_rows = 32, o.theta = NAN;
    assert_status(ctx, solve(ctx, &t, v, &info, &o), NRM_E_RANGE);
    o = options_of(NRM_TOP_EIGENVECTOR_OJA), o.rate_schedule = NRM_TOP_EIGENVECTOR_FIXED;
    assert_status(ctx, solve(ctx, &t, v, &info, &o), NRM_E_ARGUMENT);
    assert_message(ctx, "rate");
    o = options_of(NRM_TOP_EIGENVECTOR_POWER), o.max_iter = 2;
    assert_status(ctx, solve(ctx, &t, v, &info, &o), NRM_NOT_CONVERGED);
    assert_int_equal(info.passes, 2);
    info = before;
    v[0] = 42;

    int64_t left = 10;
    nrm_rows *rows;
    assert_ok(ctx, nrm_rows_from_callback(ctx, &rows, 3, ten_rows, &left));
    assert_status(ctx, nrm_top_eigenvector(ctx, rows, v, &info, &o), NRM_E_UNSUPPORTED);
    o = options_of(NRM_TOP_EIGENVECTOR_HEAVY_LIGHT), o.residual = true;
    assert_status(ctx, nrm_top_eigenvector(ctx, rows, v, &info, &o), NRM_E_UNSUPPORTED);
    assert_int_equal(left, 10); /* refused before the first row */
    o.residual = false, o.schedule = NRM_TOP_EIGENVECTOR_EQUAL;
    assert_status(ctx, nrm_top_eigenvector(ctx, rows, v, &info, &o), NRM_E_ARGUMENT);
    assert_message(ctx, "give rows");
    assert_memory_equal(&info, &before, sizeof info);
    assert_near(v[0], 42, 0);
    o.rows = 4; /* fewer than come: the last block takes the rest */
    o.stored_rows = 1;
    assert_ok(ctx, nrm_top_eigenvector(ctx, rows, v, &info, &o));
    assert_int_equal(info.rows, 10);
    assert_int_equal(info.blocks, 3);
    nrm_rows_close(ctx, rows);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* Flags: two equal directions; more heavy rows than places. */
static void flags(void **state)
{
    (void)state;
    nrm_ctx *ctx = context(0);
    nrm_top_eigenvector_options o = options_of(NRM_TOP_EIGENVECTOR_HEAVY_LIGHT);
    nrm_top_eigenvector_info info;
    double v[64];
    table t = table_spiked(6000, 8, 1, 5);
    assert_ok(ctx, solve(ctx, &t, v, &info, NULL));
    assert_true(info.gap_too_small);
    table_free(&t);
    t = table_spiked(6000, 8, 4, 5);
    for (int64_t i = 0; i < 10; i++) t.a[(600 * i + 5) * 8] = 500;
    o.stored_rows = 10;
    assert_ok(ctx, solve(ctx, &t, v, &info, &o));
    assert_int_equal(info.heavy_count, 10);
    assert_false(info.heavy_overflow); /* exactly as many as places */
    o.stored_rows = 9;
    assert_ok(ctx, solve(ctx, &t, v, &info, &o));
    assert_true(info.heavy_overflow);
    assert_false(info.gap_too_small);
    table_free(&t);

    t = table_make(4, 1); /* squares 100, 25, 1, 1 of 127 */
    memcpy(t.a, ((double[]){1, 5, 10, 1}), 4 * sizeof(double));
    o.stored_rows = 1;
    o.theta = 25 / 127.0;
    assert_ok(ctx, solve(ctx, &t, v, &info, &o));
    assert_true(info.heavy_overflow);
    o.theta = 26 / 127.0;
    assert_ok(ctx, solve(ctx, &t, v, &info, &o));
    assert_false(info.heavy_overflow);
    assert_int_equal(info.heavy_count, 1);
    o.theta = 101 / 127.0;
    assert_ok(ctx, solve(ctx, &t, v, &info, &o));
    assert_int_equal(info.heavy_count, 0);
    table_free(&t);
    nrm_ctx_destroy(ctx);
}

/* ---- Parts ------------------------------------------------------------------------------------- */

/* Z'Z = I and Y = Z R to rounding, for columns that nearly, or exactly, depend on others. */
static void orthonormal_basis(void **state)
{
    (void)state;
    enum { ROWS = 40, COLS = 5 };
    uint64_t seed = 6;
    for (int kind = 0; kind < 4; kind++) {
        double y[ROWS * COLS], z[ROWS * COLS], r[COLS * COLS];
        for (int i = 0; i < ROWS; i++) {
            double *row = y + i * COLS;
            for (int j = 0; j < COLS; j++) row[j] = nrm_test_normal(&seed);
            if (kind == 1) row[2] = row[0] + 1e-9 * row[2];   /* nearly dependent */
            if (kind == 2) row[1] = 3 * row[0], row[4] = 0;   /* dependent; zero */
            for (int j = 0; j < COLS && kind == 3; j++) row[j] *= 1e300;
        }
        nrm_orthonormal_basis(ROWS, COLS, y, z, r, 1, 2);
        for (int a = 0; a < COLS; a++)
            for (int b = 0; b < COLS; b++) {
                double dot = 0;
                for (int i = 0; i < ROWS; i++) dot += z[i * COLS + a] * z[i * COLS + b];
                assert_near(dot, a == b, 1e-14);
                if (b < a) assert_near(r[a * COLS + b], 0, 0);
            }
        for (int i = 0; i < ROWS; i++)
            for (int b = 0; b < COLS; b++) {
                double sum = 0;
                for (int a = 0; a < COLS; a++) sum += z[i * COLS + a] * r[a * COLS + b];
                assert_true(fabs(sum - y[i * COLS + b]) <= 1e-14 * (kind == 3 ? 1e302 : 10));
            }
        assert_near(r[1 * COLS + 1] == 0, kind == 2, 0); /* replaced columns have no part in Y */
        assert_near(r[4 * COLS + 4] == 0, kind == 2, 0);
    }
}

/* z by hand; blocks do not mix; shards of one block add up. */
static void order_check_by_hand(void **state)
{
    (void)state;
    nrm_order_check all = {0}, shard[2] = {0};
    uint64_t seed = 5;
    double worst[2], sum[2] = {0}, squares[2] = {0};

    for (int i = 0; i < 50; i++) { /* 32 rows, then 18: too few to compare; then 32 + 32 */
        nrm_order_note(&all, i % 2 ? 1.0 : 3.0, 7);
        nrm_order_worst(&all, worst);
        assert_true(worst[0] == 0 && worst[1] == 0);
    }
    for (int i = 50; i < 64; i++) nrm_order_note(&all, 101 + i % 2, 7);
    for (int i = 0; i < 64; i++) {
        const double x = i >= 50 ? 101 + i % 2 : i % 2 ? 1 : 3;
        sum[i / 32] += x / 32;
        squares[i / 32] += x * x / 32;
    }
    const double error = sqrt((squares[0] - sum[0] * sum[0]) / 32 + (squares[1] - sum[1] * sum[1]) / 32);
    nrm_order_worst(&all, worst);
    assert_near(worst[0], (sum[1] - sum[0]) / error, 1e-12);
    assert_near(worst[1], 0, 0); /* equal lengths */

    memset(&all, 0, sizeof all);
    for (int block = 0; block < 5; block++) { /* other vectors, other projections: no alarm */
        for (int i = 0; i < 64 << block; i++) nrm_order_note(&all, pow(5, block) + 1e-2 * nrm_test_normal(&seed), 1);
        nrm_order_close(&all);
    }
    assert_true(all.worst[0] > 0 && all.worst[0] < NRM_ORDER_LIMIT);

    memset(&all, 0, sizeof all);
    for (int i = 0; i < 40; i++) { /* shards in step: parts of 32 and 8 rows each */
        const double a = nrm_test_normal(&seed), b = nrm_test_normal(&seed);
        nrm_order_note(&shard[0], a, b * b);
        nrm_order_note(&shard[1], b, a * a);
        nrm_order_part *part = &all.part[i >= 32];
        const double value[2][2] = {{a, b * b}, {b, a * a}};
        for (int k = 0; k < 2; k++, part->count++)
            for (int j = 0; j < 2; j++) part->mean[j] += value[k][j]; /* sums, for now */
    }
    nrm_order_add(&shard[0], &shard[1]);
    for (int i = 0; i < 2; i++) {
        assert_near(shard[0].part[i].count, all.part[i].count, 0);
        for (int j = 0; j < 2; j++)
            assert_near(shard[0].part[i].mean[j], all.part[i].mean[j] / all.part[i].count, 1e-13);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(reference_heavy_light), cmocka_unit_test(reference_baselines),
              cmocka_unit_test(exact_when_all_rows_are_stored), cmocka_unit_test(one_block_and_rotation),
              cmocka_unit_test(full_width_is_the_block_gram), cmocka_unit_test(permutations),
              cmocka_unit_test(instances), cmocka_unit_test(sorted_rows_are_suspect),
              cmocka_unit_test(heavy_tails_are_not_suspect), cmocka_unit_test(invariants),
              cmocka_unit_test(residual_is_recomputed), cmocka_unit_test(audit_covers),
              cmocka_unit_test(bad_input), cmocka_unit_test(flags),
              cmocka_unit_test(orthonormal_basis), cmocka_unit_test(order_check_by_hand))
