/* test_lp_regression_contract.c -- the method lp-regression: ranks, threads, remarks, refusals, memory. */
#include "lp_regression_kit.h"
#include <norma/comm.h>

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

NRM_TEST_MAIN(cmocka_unit_test(test_ranks_and_threads), cmocka_unit_test(test_remarks), cmocka_unit_test(test_refusals),
              cmocka_unit_test(test_memory), cmocka_unit_test(test_memory_of_streams))
