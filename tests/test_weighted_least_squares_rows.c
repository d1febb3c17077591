/* test_weighted_least_squares_rows.c -- fits of streams: their bits, memory, ranks. */
#include "weighted_kit.h"
#include <norma/comm.h>

enum { LONG_N = 3001, LONG_D = 2, LONG_Q = 2 };
typedef struct long_data { double x[LONG_N * LONG_D], w[LONG_N], y[LONG_N * LONG_Q]; } long_data;
static long_data data;

static void make_long(void)
{
    uint64_t seed = 12;
    for (int i = 0; i < LONG_N; i++) {
        double *x = data.x + LONG_D * i;
        x[0] = 2 * nrm_test_uniform(&seed) - 1, x[1] = nrm_test_normal(&seed);
        data.w[i] = 0.5 + nrm_test_uniform(&seed);
        data.y[2 * i] = exp(x[0]) * cos(x[1]), data.y[2 * i + 1] = nrm_test_normal(&seed);
    }
}

typedef struct feed { const double *values; int64_t cols, at, end; } feed;

static int64_t fill(void *user, int64_t most, int64_t cols, double *dense)
{
    feed *f = user;
    int64_t count = f->end - f->at < most ? f->end - f->at : most;
    if (count > 77) count = 77;
    memcpy(dense, f->values + f->at * cols, (size_t)(count * cols) * sizeof *dense);
    f->at += count;
    return count;
}

static nrm_status stream_fit(nrm_ctx *ctx, int64_t of_w, result_of *r, info_of *info, bool one_pass)
{
    feed x = {data.x, LONG_D, 0, LONG_N}, w = {data.w, 1, 0, of_w}, y = {data.y, LONG_Q, 0, LONG_N};
    input_of in = {0};
    options_of o = with("legendre,hermite", 4);
    o.one_pass = one_pass;
    assert_ok(ctx, nrm_rows_from_callback(ctx, &in.x, LONG_D, fill, &x));
    assert_ok(ctx, nrm_rows_from_callback(ctx, &in.weights, 1, fill, &w));
    assert_ok(ctx, nrm_rows_from_callback(ctx, &in.y, LONG_Q, fill, &y));
    const nrm_status st = nrm_weighted_least_squares(ctx, &in, NRM_LEAST_SQUARES_GRAM, r, info, &o);
    nrm_rows_close(ctx, in.x), nrm_rows_close(ctx, in.weights), nrm_rows_close(ctx, in.y);
    return st;
}

static void test_streams_and_threads(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    options_of o = with("legendre,hermite", 4);
    result_of r = {0}, s = {0}, t = {0};
    info_of info, again, once;

    make_long();
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, fit(ctx, LONG_N, LONG_D, LONG_Q, data.x, data.w, data.y, (input_of){0}, EVERY_POINT | NRM_LEAST_SQUARES_GRAM, &r, &info, &o));
    assert_ok(ctx, nrm_set_threads(ctx, 2));
    assert_ok(ctx, fit(ctx, LONG_N, LONG_D, LONG_Q, data.x, data.w, data.y, (input_of){0}, EVERY_POINT | NRM_LEAST_SQUARES_GRAM, &s, &again, &o));
    assert_memory_equal(r.coefficients, s.coefficients, (size_t)(r.m * LONG_Q) * sizeof(double));
    assert_memory_equal(r.residuals, s.residuals, sizeof data.y);
    assert_memory_equal(r.leverage, s.leverage, sizeof data.w);
    assert_true(info.leave_one_out == again.leave_one_out && info.lambda_min == again.lambda_min);
    assert_ok(ctx, stream_fit(ctx, LONG_N, &t, &once, true));
    assert_memory_equal(r.coefficients, t.coefficients, (size_t)(r.m * LONG_Q) * sizeof(double));
    assert_memory_equal(r.gram, t.gram, (size_t)(r.m * r.m) * sizeof(double));
    assert_true(isnan(once.leave_one_out) && once.residual == info.residual && once.passes == 1 && once.points == LONG_N);
    nrm_weighted_least_squares_release(ctx, &r), nrm_weighted_least_squares_release(ctx, &s), nrm_weighted_least_squares_release(ctx, &t);
    assert_status(ctx, stream_fit(ctx, LONG_N, &t, &once, false), NRM_E_UNSUPPORTED);
    assert_status(ctx, stream_fit(ctx, LONG_N - 5, &t, &once, true), NRM_E_SHAPE);
    assert_message(ctx, "weights ends before row 2996, but y goes on");
    nrm_ctx_destroy(ctx);
}

/* Memory that does not grow with n. */
static void test_memory(void **state)
{
    (void)state;
    int64_t peak[2];

    make_long();
    for (int k = 0; k < 2; k++) {
        nrm_test_memory memory = {.fail_at = -1};
        nrm_ctx *ctx = nrm_test_ctx(&memory);
        const int64_t n = k ? LONG_N : LONG_N / 3;
        options_of o = with("legendre", 4);
        result_of r = {0};
        input_of in = {0};
        feed x = {data.y, 1, 0, n}, y = {data.w, 1, 0, n};
        for (int i = 0; i < LONG_N; i++) data.y[i] = 2.0 * i / LONG_N - 1;
        o.one_pass = true;
        assert_ok(ctx, nrm_set_threads(ctx, 1));
        assert_ok(ctx, nrm_rows_from_callback(ctx, &in.x, 1, fill, &x));
        assert_ok(ctx, nrm_rows_from_callback(ctx, &in.y, 1, fill, &y));
        assert_ok(ctx, nrm_weighted_least_squares(ctx, &in, 0, &r, NULL, &o));
        peak[k] = memory.peak_bytes;
        nrm_rows_close(ctx, in.x), nrm_rows_close(ctx, in.y);
        nrm_weighted_least_squares_release(ctx, &r);
        nrm_ctx_destroy(ctx);
        assert_int_equal(memory.live, 0);
    }
    assert_int_equal(peak[0], peak[1]);
}

typedef struct rank_work { double coefficients[15 * LONG_Q], leverage[LONG_N], loo, lambda; } rank_work;

static nrm_status rank_fit(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    rank_work *work = (rank_work *)user + nrm_comm_rank(comm);
    options_of o = with("legendre,hermite", 4);
    result_of r = {0};
    info_of info;

    const nrm_status st = fit(ctx, LONG_N, LONG_D, LONG_Q, data.x, data.w, data.y, (input_of){0}, EVERY_POINT, &r, &info, &o);
    if (st < 0) return st;
    memcpy(work->coefficients, r.coefficients, sizeof work->coefficients);
    memcpy(work->leverage, r.leverage, sizeof work->leverage);
    work->loo = info.leave_one_out, work->lambda = info.lambda_min;
    nrm_weighted_least_squares_release(ctx, &r);
    return NRM_OK;
}

static nrm_status rank_refused(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    (void)comm, (void)user;
    return rank_fit(ctx, comm, user);
}

static void test_ranks(void **state)
{
    (void)state;
    static rank_work work[1 + 2 + 3];
    const int64_t first[4] = {0, 0, 1, 3};

    nrm_ctx *ctx = nrm_test_ctx(NULL);

    make_long();
    for (int ranks = 1; ranks <= 3; ranks++) {
        assert_ok(ctx, nrm_run_ranks(ctx, ranks, rank_fit, work + first[ranks]));
        for (int k = 0; k < ranks; k++) {
            const rank_work *its = work + first[ranks] + k;
            assert_all_near(its->coefficients, work->coefficients, 15 * LONG_Q, 1e-13);
            assert_all_near(its->leverage, work->leverage, LONG_N, 1e-13);
            assert_near(its->loo, work->loo, 1e-13), assert_near(its->lambda, work->lambda, 1e-13);
            assert_memory_equal(its->coefficients, work[first[ranks]].coefficients, sizeof its->coefficients);
        }
    }
    data.y[LONG_Q * 2700 + 1] = NAN; /* one rank finds it, all fail */
    assert_status(ctx, nrm_run_ranks(ctx, 3, rank_refused, work), NRM_E_NONFINITE);
    assert_message(ctx, "y is nan at row 2700, column 1");
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_streams_and_threads), cmocka_unit_test(test_memory), cmocka_unit_test(test_ranks))
