/* test_lp_regression.c -- the method lp-regression: rows in memory and through a coreset. */
#include "base/base.h"
#include "data/formats.h"
#include "testkit.h"
#include <norma/comm.h>
#include <norma/io.h>
#include <norma/lp_regression.h>

enum { N = 9000, D = 4 };
static double rows[N * D], right[N], weights[N];

/* Rows of even size but for some, heavy noise. */
static void make(uint64_t seed)
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
static nrm_ctx *one_thread(void)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    return ctx;
}

typedef struct streams { nrm_rows *a, *b; } streams;

static streams open_rows(nrm_ctx *ctx, int64_t n, int64_t d, double *a, int64_t of_b, double *b)
{
    nrm_array view;
    streams s;
    assert_ok(ctx, nrm_array_view(ctx, &view, NRM_F64, 2, (const int64_t[]){n, d}, a));
    assert_ok(ctx, nrm_rows_from_array(ctx, &s.a, &view));
    assert_ok(ctx, nrm_array_view(ctx, &view, NRM_F64, 1, &of_b, b));
    assert_ok(ctx, nrm_rows_from_array(ctx, &s.b, &view));
    return s;
}

static void close_rows(nrm_ctx *ctx, streams s)
{
    nrm_rows_close(ctx, s.a);
    nrm_rows_close(ctx, s.b);
}

static nrm_lp_regression_options options_of(double p, int method, int64_t refine)
{
    nrm_lp_regression_options o = nrm_lp_regression_options_default();
    o.p = p;
    o.method = method;
    o.refine = refine;
    o.scheme = NRM_LP_CORESET_LEWIS; /* quicker than sensitivities, which auto takes up to 10000 rows */
    return o;
}

/* All of `rows`, with everything wanted. */
static nrm_status fit(nrm_ctx *ctx, const double *w, const nrm_lp_regression_options *o, nrm_lp_regression_result *made,
                      nrm_lp_regression_info *info)
{
    const streams s = open_rows(ctx, N, D, rows, N, right);
    const nrm_lp_regression_input in = {.a = s.a, .b = s.b, .weights = w, .length = w ? N : 0};
    const bool dual = o->method == NRM_LP_REGRESSION_DIRECT || o->refine > 0;
    const nrm_status st = nrm_lp_regression(ctx, &in, NRM_LP_REGRESSION_RESIDUAL | (dual ? NRM_LP_REGRESSION_DUAL : 0), made, info, o);
    close_rows(ctx, s);
    return st;
}

static double norm_of(int64_t n, const double *v, const double *factor, double sign, double p)
{
    double most = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(v[i]) * (factor ? pow(factor[i], sign) : 1));
    if (most == 0 || isinf(p)) return most;
    for (int64_t i = 0; i < n; i++) sum += pow(fabs(v[i]) * (factor ? pow(factor[i], sign) : 1) / most, p);
    return most * pow(sum, 1 / p);
}

/* What info says, from the raw rows. */
static void check_proof(const double *w, const nrm_lp_regression_result *made, const nrm_lp_regression_info *info)
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

/* A coreset is within the gap it proves of the exact answer, and rounds of Newton close it. */
static void test_coreset(void **state)
{
    (void)state;
    static const struct { double p, start, gap, refined; } cases[] = {
        {1, 1.01, 0.1, 1 + 1e-4}, {1.1, 1.01, 0.03, 1 + 1e-5}, {1.5, 1.02, 3e-3, 1 + 1e-7}, {2, 1.02, 1e-10, 1 + 1e-10},
        {3, 1.02, 1e-2, 1 + 1e-8}, {6, 1.05, 5e-2, 1 + 1e-6}};
    nrm_ctx *ctx = one_thread();
    make(1);
    for (int k = 0; k < NRM_COUNT(cases); k++)
        for (int weighted = k % 2; weighted < 2; weighted++) {
            const double *w = weighted ? weights : NULL;
            nrm_lp_regression_result exact, made;
            nrm_lp_regression_info best, info;
            nrm_lp_regression_options o = options_of(cases[k].p, NRM_LP_REGRESSION_DIRECT, 1);
            assert_ok(ctx, fit(ctx, w, &o, &exact, &best));
            check_proof(w, &exact, &best);
            assert_string_equal(best.method, "direct");
            assert_true(best.gap <= 1e-10 && best.coreset_rows == 0 && best.passes == 1 && best.rows_read == N);
            for (int64_t refine = 0; refine <= 4; refine += 1 + 2 * (refine > 0)) {
                o = options_of(cases[k].p, NRM_LP_REGRESSION_CORESET, refine);
                o.rows = 1500;
                assert_ok(ctx, fit(ctx, w, &o, &made, &info));
                check_proof(w, &made, &info);
                assert_string_equal(info.method, "coreset");
                assert_true(info.norm >= best.norm * (1 - 1e-12) && info.start_norm <= best.norm * cases[k].start);
                assert_true(info.coreset_rows > 1000 && info.coreset_rows < 2000 && info.rank == D);
                if (refine == 0) assert_true(isnan(info.lower) && isnan(info.gap) && info.norm == info.start_norm);
                else assert_true(info.lower <= best.norm * (1 + 1e-12) && info.gap <= cases[k].gap && info.norm <= info.start_norm);
                if (refine >= 3) assert_true(info.norm <= best.norm * cases[k].refined);
                nrm_lp_regression_release(ctx, &made);
            }
            nrm_lp_regression_release(ctx, &exact);
        }
    nrm_ctx_destroy(ctx);
}

/* As many rows as there are: the coreset is the data. */
static void test_all_rows(void **state)
{
    (void)state;
    nrm_ctx *ctx = one_thread();
    make(2);
    for (int k = 0; k < 2; k++) {
        nrm_lp_regression_options o = options_of(1 + k, NRM_LP_REGRESSION_DIRECT, 0);
        nrm_lp_regression_result exact, made;
        nrm_lp_regression_info best, info;
        assert_ok(ctx, fit(ctx, NULL, &o, &exact, &best));
        o.method = NRM_LP_REGRESSION_CORESET;
        o.rows = N;
        o.scheme = NRM_LP_CORESET_UNIFORM;
        assert_ok(ctx, fit(ctx, NULL, &o, &made, &info));
        assert_int_equal(info.coreset_rows, N);
        assert_all_near(made.x, exact.x, D, 1e-12);
        assert_near(info.norm, info.coreset_norm, 1e-12);
        nrm_lp_regression_release(ctx, &made);
        nrm_lp_regression_release(ctx, &exact);
    }
    nrm_ctx_destroy(ctx);
}

/* Without a method: few numbers directly; more, and rows that only turn out to be more, by a coreset. */
static void test_auto(void **state)
{
    (void)state;
    enum { MANY = 1700000 };
    nrm_lp_regression_options o = options_of(2, NRM_LP_REGRESSION_AUTO, 0);
    nrm_lp_regression_result made;
    nrm_lp_regression_info info;
    nrm_ctx *ctx = one_thread();
    make(3);
    assert_ok(ctx, fit(ctx, NULL, &o, &made, &info));
    assert_string_equal(info.method, "direct");
    nrm_lp_regression_release(ctx, &made);
    o.scheme = NRM_LP_CORESET_UNIFORM;
    o.rows = 4000;
    double *a = calloc((size_t)MANY * 9, sizeof *a), *b = calloc(MANY, sizeof *b); /* 10 MANY > 2^24 */
    assert_non_null(a);
    assert_non_null(b);
    for (int i = 0; i < MANY; i++) {
        a[i * 9 + i % 9] = 1;
        b[i] = i % 9 + (i % 2 ? 0.5 : -0.5);
    }
    const streams s = open_rows(ctx, MANY, 9, a, MANY, b);
    const nrm_lp_regression_input in = {.a = s.a, .b = s.b};
    assert_ok(ctx, nrm_lp_regression(ctx, &in, 0, &made, &info, &o));
    assert_string_equal(info.method, "coreset");
    assert_true(made.residual == NULL && made.dual == NULL);
    for (int j = 0; j < 9; j++) assert_near(made.x[j], j, 0.05);
    nrm_lp_regression_release(ctx, &made);
    close_rows(ctx, s);
    free(a);
    free(b);
    nrm_ctx_destroy(ctx);
}

static int64_t fill(void *user, int64_t most, int64_t cols, double *dense)
{
    int64_t *at = user;
    const int64_t count = nrm_min_i64(most, N - *at);
    memcpy(dense, (cols == 1 ? right : rows) + *at * cols, (size_t)(count * cols) * sizeof *dense);
    *at += count;
    return count;
}

/* Rows that come once, and do not say how many they are. */
static void test_callback(void **state)
{
    (void)state;
    nrm_ctx *ctx = one_thread();
    nrm_lp_regression_options o = options_of(1, NRM_LP_REGRESSION_AUTO, 1);
    nrm_lp_regression_result made, exact;
    nrm_lp_regression_info info;
    make(4);
    assert_ok(ctx, fit(ctx, NULL, &o, &exact, &info));
    for (int coreset = 0; coreset < 2; coreset++) {
        int64_t at_a = 0, at_b = 0;
        nrm_rows *a, *b;
        assert_ok(ctx, nrm_rows_from_callback(ctx, &a, D, fill, &at_a));
        assert_ok(ctx, nrm_rows_from_callback(ctx, &b, 1, fill, &at_b));
        const nrm_lp_regression_input in = {.a = a, .b = b};
        o.method = coreset ? NRM_LP_REGRESSION_CORESET : NRM_LP_REGRESSION_AUTO;
        if (coreset) {
            assert_status(ctx, nrm_lp_regression(ctx, &in, 0, &made, &info, &o), NRM_E_UNSUPPORTED);
            assert_message(ctx, "take direct");
        } else {
            assert_ok(ctx, nrm_lp_regression(ctx, &in, 0, &made, &info, &o));
            assert_memory_equal(made.x, exact.x, D * sizeof(double));
            nrm_lp_regression_release(ctx, &made);
        }
        nrm_rows_close(ctx, a);
        nrm_rows_close(ctx, b);
    }
    nrm_lp_regression_release(ctx, &exact);
    nrm_ctx_destroy(ctx);
}

/* A chunk of the text has rows in sparse form and in two files' worth of blocks. */
static void test_text(void **state)
{
    (void)state;
    enum { ROWS = 500 };
    static char text[ROWS * 128], text_b[ROWS * 40];
    int used = 0, used_b = 0;
    nrm_ctx *ctx = one_thread();
    nrm_lp_regression_result made, exact;
    nrm_lp_regression_info info;
    make(5);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < D; j++)
            used += snprintf(text + used, sizeof text - (size_t)used, "%.17g%c", rows[i * D + j], j + 1 < D ? ',' : '\n');
        used_b += snprintf(text_b + used_b, sizeof text_b - (size_t)used_b, "%.17g\n", right[i]);
    }
    for (int coreset = 0; coreset < 2; coreset++) {
        nrm_lp_regression_options o = options_of(1.5, coreset ? NRM_LP_REGRESSION_CORESET : NRM_LP_REGRESSION_DIRECT, 1);
        o.rows = 300;
        const streams s = open_rows(ctx, ROWS, D, rows, ROWS, right);
        assert_ok(ctx, nrm_lp_regression(ctx, &(nrm_lp_regression_input){.a = s.a, .b = s.b}, 0, &exact, &info, &o));
        close_rows(ctx, s);
        nrm_rows *a, *b;
        assert_ok(ctx, nrm_rows_open_memory(ctx, &a, "a.csv", text, (size_t)used, 0));
        assert_ok(ctx, nrm_rows_open_memory(ctx, &b, "b.csv", text_b, (size_t)used_b, 0));
        assert_ok(ctx, nrm_lp_regression(ctx, &(nrm_lp_regression_input){.a = a, .b = b}, 0, &made, &info, &o));
        assert_memory_equal(made.x, exact.x, D * sizeof(double));
        nrm_rows_close(ctx, a);
        nrm_rows_close(ctx, b);
        nrm_lp_regression_release(ctx, &made);
        nrm_lp_regression_release(ctx, &exact);
    }
    nrm_ctx_destroy(ctx);
}

typedef struct answer { nrm_lp_regression_options o; double x[D], residual[N], dual[N], norm, lower; int64_t coreset_rows; } answer;

static nrm_status on_rank(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    answer *all = user, *mine = &all[nrm_comm_rank(comm)];
    nrm_lp_regression_result made;
    nrm_lp_regression_info info;
    NRM_TRY(fit(ctx, weights, &all->o, &made, &info));
    memcpy(mine->x, made.x, sizeof mine->x);
    memcpy(mine->residual, made.residual, sizeof mine->residual);
    memcpy(mine->dual, made.dual, sizeof mine->dual);
    mine->norm = info.norm;
    mine->lower = info.lower;
    mine->coreset_rows = info.coreset_rows;
    nrm_lp_regression_release(ctx, &made);
    return NRM_OK;
}

/* 1, 2, 3 ranks, 1 and 2 threads: the threads to the bit, the ranks to rounding. */
static void test_ranks_and_threads(void **state)
{
    (void)state;
    static const double powers[] = {1, 1.5, 3};
    static answer one, found[3];
    nrm_ctx *ctx = one_thread();
    make(6);
    for (int k = 0; k < 6; k += 1 + (k == 0)) {
        one.o = found[0].o = options_of(powers[k % 3], k < 3 ? NRM_LP_REGRESSION_DIRECT : NRM_LP_REGRESSION_CORESET, 2);
        one.o.rows = found[0].o.rows = 1000;
        assert_ok(ctx, nrm_set_threads(ctx, 1));
        assert_ok(ctx, nrm_run_ranks(ctx, 1, on_rank, &one));
        assert_ok(ctx, nrm_set_threads(ctx, 2));
        assert_ok(ctx, nrm_run_ranks(ctx, 1, on_rank, found));
        assert_memory_equal(found[0].x, one.x, sizeof one.x);
        assert_memory_equal(found[0].dual, one.dual, sizeof one.dual);
        assert_true(found[0].norm == one.norm && found[0].lower == one.lower);
        for (int ranks = 2; ranks <= 3; ranks++) {
            assert_ok(ctx, nrm_run_ranks(ctx, ranks, on_rank, found));
            for (int r = 0; r < ranks; r++) {
                assert_int_equal(found[r].coreset_rows, one.coreset_rows);
                assert_all_near(found[r].x, one.x, D, 1e-10);
                assert_all_near(found[r].residual, one.residual, N, 1e-9);
                assert_near(found[r].norm, one.norm, 1e-12);
                assert_near(found[r].lower, one.lower, 1e-8);
                assert_memory_equal(found[r].x, found[0].x, sizeof one.x);
            }
        }
    }
    nrm_ctx_destroy(ctx);
}

static void note(void *user, nrm_log_level level, const char *message)
{
    if (level == NRM_LOG_WARNING) snprintf(user, 400, "%s", message);
}

/* Columns that do nothing are named; p beyond 64; an exact fit; a zero matrix. */
static void test_remarks(void **state)
{
    (void)state;
    char said[400] = "";
    nrm_ctx *ctx = one_thread();
    nrm_lp_regression_result made;
    nrm_lp_regression_info info;
    assert_ok(ctx, nrm_set_log(ctx, note, said));
    for (int coreset = 0; coreset < 2; coreset++) {
        nrm_lp_regression_options o = options_of(1.5, coreset ? NRM_LP_REGRESSION_CORESET : NRM_LP_REGRESSION_DIRECT, 2);
        o.rows = 1000;
        make(7);
        for (int i = 0; i < N; i++) {
            rows[i * D + 1] = 0;
            rows[i * D + 3] = rows[i * D] + rows[i * D + 2];
        }
        assert_ok(ctx, fit(ctx, NULL, &o, &made, &info));
        assert_int_equal(info.rank, 2);
        assert_non_null(strstr(said, "columns "));
        assert_non_null(strstr(said, " of a are zero or made up by others"));
        assert_non_null(strstr(said, "1"));
        assert_true(made.x[1] == 0 && info.gap < 1e-4);
        check_proof(NULL, &made, &info);
        nrm_lp_regression_release(ctx, &made);

        make(8);
        o.p = 1000;
        assert_ok(ctx, fit(ctx, NULL, &o, &made, &info));
        assert_non_null(strstr(said, "p is 1000; 64 is used in its place"));
        assert_true(info.p == 64);
        nrm_lp_regression_release(ctx, &made);

        o.p = 1;
        for (int i = 0; i < N; i++) right[i] = rows[i * D] - 2 * rows[i * D + 2];
        assert_ok(ctx, fit(ctx, NULL, &o, &made, &info));
        assert_all_near(made.x, ((const double[]){1, 0, -2, 0}), D, 1e-12);
        assert_true(info.lower == 0 && info.gap == 0 && info.excess == 0 && info.norm < 1e-9);
        nrm_lp_regression_release(ctx, &made);

        memset(rows, 0, sizeof rows);
        for (int i = 0; i < N; i++) right[i] = 1;
        assert_ok(ctx, fit(ctx, NULL, &o, &made, &info));
        assert_true(info.rank == 0 && made.x[0] == 0 && info.norm == N && info.gap < 1e-14);
        nrm_lp_regression_release(ctx, &made);
    }
    nrm_ctx_destroy(ctx);
}

/* Residuals of 1e8 and p = 64: the sum of powers leaves f64, the norm and its proof do not. */
static void test_large_powers(void **state)
{
    (void)state;
    nrm_ctx *ctx = one_thread();
    make(9);
    for (int i = 0; i < N; i++) right[i] *= 1e8;
    for (int coreset = 0; coreset < 2; coreset++) {
        nrm_lp_regression_options o = options_of(64, coreset ? NRM_LP_REGRESSION_CORESET : NRM_LP_REGRESSION_DIRECT, 8);
        o.rows = 2000;
        nrm_lp_regression_result made;
        nrm_lp_regression_info info;
        assert_ok(ctx, fit(ctx, NULL, &o, &made, &info));
        assert_true(isinf(info.objective) && isfinite(info.norm) && info.lower <= info.norm && info.gap < (coreset ? 0.3 : 1e-9));
        nrm_lp_regression_release(ctx, &made);
    }
    nrm_ctx_destroy(ctx);
}

static void expect_refusal(nrm_ctx *ctx, const nrm_lp_regression_input *in, unsigned want, const nrm_lp_regression_options *o,
                           nrm_status status, const char *piece)
{
    nrm_lp_regression_result made = {.d = -7};
    nrm_lp_regression_info info = {.rank = -7};
    assert_status(ctx, nrm_lp_regression(ctx, in, want, &made, &info, o), status);
    assert_message(ctx, piece);
    assert_true(made.d == -7 && info.rank == -7 && !made.x);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = one_thread();
    make(10);
    for (int way = NRM_LP_REGRESSION_DIRECT; way <= NRM_LP_REGRESSION_CORESET; way++) {
        nrm_lp_regression_options o = options_of(1, way, 0);
        streams s = open_rows(ctx, N, D, rows, N, right), few = open_rows(ctx, 3, D, rows, 3, right);
        streams shorter = open_rows(ctx, N, D, rows, N - 9, right), wide = open_rows(ctx, N, D, rows, N, right);
        const nrm_lp_regression_input in = {.a = s.a, .b = s.b};
        expect_refusal(ctx, NULL, 0, &o, NRM_E_NULL, "must not be NULL");
        expect_refusal(ctx, &(nrm_lp_regression_input){.a = s.a}, 0, &o, NRM_E_NULL, "must not be NULL");
        expect_refusal(ctx, &(nrm_lp_regression_input){.a = few.a, .b = few.b}, 0, &o, NRM_E_SHAPE, "3 rows");
        expect_refusal(ctx, &(nrm_lp_regression_input){.a = s.a, .b = wide.a}, 0, &o, NRM_E_SHAPE, "b has 4 columns; it must have one");
        expect_refusal(ctx, &(nrm_lp_regression_input){.a = shorter.a, .b = shorter.b}, 0, &o, NRM_E_SHAPE, "b ends before row 8991");
        nrm_lp_regression_options bad = o;
        bad.p = 0.5;
        expect_refusal(ctx, &in, 0, &bad, NRM_E_RANGE, "p is 0.5");
        bad.p = NAN;
        expect_refusal(ctx, &in, 0, &bad, NRM_E_RANGE, "p is");
        bad = o;
        bad.rows = D + 1;
        expect_refusal(ctx, &in, 0, &bad, NRM_E_RANGE, "rows is 5; with 4 columns it must be at least 6");
        weights[17] = 0;
        expect_refusal(ctx, &(nrm_lp_regression_input){.a = s.a, .b = s.b, .weights = weights, .length = N}, 0, &o, NRM_E_RANGE,
                       "the weight of row 17 is 0");
        weights[17] = NAN;
        expect_refusal(ctx, &(nrm_lp_regression_input){.a = s.a, .b = s.b, .weights = weights, .length = N}, 0, &o, NRM_E_NONFINITE,
                       "the weight of row 17 is nan");
        weights[17] = 1;
        expect_refusal(ctx, &(nrm_lp_regression_input){.a = s.a, .b = s.b, .weights = weights, .length = N - 1}, 0, &o, NRM_E_SHAPE,
                       "there must be one a row");
        rows[8000 * D + 2] = INFINITY;
        expect_refusal(ctx, &in, 0, &o, NRM_E_NONFINITE, "inf at row 8000, column 2");
        rows[8000 * D + 2] = 0;
        right[12] = NAN;
        expect_refusal(ctx, &in, 0, &o, NRM_E_NONFINITE, "nan at row 12");
        right[12] = 0;
        if (way == NRM_LP_REGRESSION_CORESET)
            expect_refusal(ctx, &in, NRM_LP_REGRESSION_DUAL, &o, NRM_E_ARGUMENT, "refine is 0; set it to 1 or more");
        nrm_cancel(ctx);
        expect_refusal(ctx, &in, 0, &o, NRM_E_CANCELLED, "stopped on request");
        nrm_cancel_clear(ctx);
        close_rows(ctx, s);
        close_rows(ctx, few);
        close_rows(ctx, shorter);
        close_rows(ctx, wide);
    }
    assert_status(ctx, nrm_lp_regression(ctx, NULL, 0, NULL, NULL, NULL), NRM_E_NULL);
    nrm_lp_regression_release(ctx, NULL);
    nrm_ctx_destroy(ctx);
}

typedef struct call { nrm_lp_regression_options o; double x[2]; } call;

static nrm_status once(nrm_ctx *ctx, void *user)
{
    call *c = user;
    nrm_lp_regression_result made;
    streams s = {0};
    nrm_array view;
    NRM_TRY(nrm_array_view(ctx, &view, NRM_F64, 2, (const int64_t[]){200, 2}, rows));
    nrm_status st = nrm_rows_from_array(ctx, &s.a, &view);
    if (st >= 0) st = nrm_array_view(ctx, &view, NRM_F64, 1, (const int64_t[]){200}, right);
    if (st >= 0) st = nrm_rows_from_array(ctx, &s.b, &view);
    if (st >= 0)
        st = nrm_lp_regression(ctx, &(nrm_lp_regression_input){.a = s.a, .b = s.b}, NRM_LP_REGRESSION_RESIDUAL | NRM_LP_REGRESSION_DUAL,
                               &made, NULL, &c->o);
    if (st >= 0) {
        memcpy(c->x, made.x, sizeof c->x);
        nrm_lp_regression_release(ctx, &made);
    }
    if (s.a) nrm_rows_close(ctx, s.a);
    if (s.b) nrm_rows_close(ctx, s.b);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    make(11);
    for (int k = 0; k < 4; k++) {
        static call c;
        c = (call){.o = options_of(k % 2 ? 1 : 3, k < 2 ? NRM_LP_REGRESSION_DIRECT : NRM_LP_REGRESSION_CORESET, 1)};
        c.o.rows = 60;
        nrm_test_allocation_failures(once, &c, c.x, sizeof c.x);
    }
}

/* The memory of a coreset does not grow with the rows but for some numbers each. */
static void test_memory_of_streams(void **state)
{
    (void)state;
    int64_t peak[2];
    make(12);
    for (int k = 0; k < 2; k++) {
        const int64_t n = k ? N : N / 2;
        nrm_test_memory memory = {.fail_at = -1};
        nrm_ctx *ctx = nrm_test_ctx(&memory);
        nrm_lp_regression_options o = options_of(1.5, NRM_LP_REGRESSION_CORESET, 1);
        nrm_lp_regression_result made;
        o.rows = 200;
        const streams s = open_rows(ctx, n, D, rows, n, right);
        assert_ok(ctx, nrm_lp_regression(ctx, &(nrm_lp_regression_input){.a = s.a, .b = s.b}, 0, &made, NULL, &o));
        nrm_lp_regression_release(ctx, &made);
        close_rows(ctx, s);
        peak[k] = memory.peak_bytes;
        nrm_ctx_destroy(ctx);
    }
    assert_true(peak[1] - peak[0] <= N / 2 * 6 * 8);
}

NRM_TEST_MAIN(cmocka_unit_test(test_coreset), cmocka_unit_test(test_all_rows), cmocka_unit_test(test_auto), cmocka_unit_test(test_callback),
              cmocka_unit_test(test_text), cmocka_unit_test(test_ranks_and_threads), cmocka_unit_test(test_remarks),
              cmocka_unit_test(test_large_powers), cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory),
              cmocka_unit_test(test_memory_of_streams))
