/* test_private_sparse_regression.c -- the whole method on a table: limits without noise, rates,
 * ranks and threads, public rows, refusals, roles by name. */
#include "private/server.h"
#include "rows_kit.h"
#include <norma/call.h>
#include <norma/comm.h>
#include <norma/private_protocol.h>

typedef nrm_private_sparse_regression_options choices;
typedef nrm_private_sparse_regression_info report;

enum { D = 16 };
static const double TRUTH[D] = {0.46188021535170061160, -0.46188021535170061160, 0.46188021535170061160}; /* .8 / sqrt 3 */

/* The specification's data: x in {-1, 1}^d, noise uniform with sd .3, rows by number. */
typedef struct source { uint64_t seed; int64_t at, n, fail_at; bool want_y; } source;

static int64_t fill(void *user, int64_t most, int64_t cols, double *dense)
{
    source *s = user;
    int64_t made = 0;
    (void)cols;
    for (; made < most && s->at < s->n; made++, s->at++) {
        if (s->at == s->fail_at) return -1;
        uint64_t state = s->seed + (uint64_t)s->at * 0x123456789;
        const uint64_t bits = nrm_test_next(&state);
        const double noise = (2 * nrm_test_uniform(&state) - 1) * 0.3 * sqrt(3);
        double y = noise;
        for (int j = 0; j < D; j++) {
            const double x = bits >> j & 1 ? 1 : -1;
            y += x * TRUTH[j];
            if (!s->want_y) dense[made * D + j] = x;
        }
        if (s->want_y) dense[made] = y;
    }
    return made;
}

static choices base(int mode, int64_t users)
{
    choices o = nrm_private_sparse_regression_options_default();
    o.mode = mode, o.tau1 = 1, o.tau2 = 2, o.users = users, o.k = 3, o.kprime = 6, o.rounds = 8, o.eta = 0.5;
    return o;
}

static double size_of_error(const double *theta)
{
    double sum = 0;
    for (int j = 0; j < D; j++) sum += (theta[j] - TRUTH[j]) * (theta[j] - TRUTH[j]);
    return sqrt(sum);
}

static nrm_status run_on(nrm_ctx *ctx, int64_t n, int64_t fail_at, const choices *o, double *theta, double *raw, report *info)
{
    source of_x = {5, 0, n, fail_at, false}, of_y = {5, 0, n, -1, true}, of_p = {99, 0, 3000, -1, false};
    nrm_rows *x, *y, *p = NULL;
    assert_ok(NULL, nrm_rows_from_callback(ctx, &x, D, fill, &of_x));
    assert_ok(NULL, nrm_rows_from_callback(ctx, &y, 1, fill, &of_y));
    if (o->mode == NRM_PRIVATE_NLDP_PUBLIC) assert_ok(NULL, nrm_rows_from_callback(ctx, &p, D, fill, &of_p));
    const nrm_status st = nrm_private_sparse_regression(ctx, x, y, p, theta, raw, info, o);
    nrm_rows_close(ctx, x);
    nrm_rows_close(ctx, y);
    nrm_rows_close(ctx, p);
    return st;
}

/* ---- Without noise (spec, item 4) and the threshold (item 5) ----------------------------------------- */

static void test_limit(void **state)
{
    (void)state;
    enum { N = 4000, C = 3 };
    static double x[N * C], y[N];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 8;
    double gram[C * C] = {0}, moment[C] = {0}, theta[C], raw[C];
    report info;

    for (int i = 0; i < N; i++) {
        y[i] = 0.1 * nrm_test_normal(&seed);
        for (int j = 0; j < C; j++) {
            x[i * C + j] = 2 * nrm_test_uniform(&seed) - 1 + (j > 0 ? 0.4 * x[i * C] : 0);
            y[i] += (j == 1 ? 0.6 : j == 2 ? -0.02 : 0) * x[i * C + j];
        }
        for (int a = 0; a < C; a++) {
            moment[a] += x[i * C + a] * y[i] / N;
            for (int b = 0; b < C; b++) gram[a * C + b] += x[i * C + a] * x[i * C + b] / N;
        }
    }
    nrm_rows *rows_x = rows_of(ctx, N, C, x), *rows_y = rows_of(ctx, N, 1, y);
    choices o = nrm_private_sparse_regression_options_default();
    o.eps = 1e7, o.delta = 0.5, o.r = 3, o.tau2 = 3, o.threshold = 0.05;
    for (int each = 0; each < 2; each++) {
        o.each_message = each;
        assert_ok(ctx, nrm_private_sparse_regression(ctx, rows_x, rows_y, NULL, theta, raw, &info, &o));
        assert_true(info.messages == N && info.clipped == 0 && info.nonfinite == 0 && !info.not_pd);
        for (int a = 0; a < C; a++) { /* normal equations of raw */
            double sum = -moment[a];
            for (int b = 0; b < C; b++) sum += gram[a * C + b] * raw[b];
            assert_true(fabs(sum) < 5e-4);
            const double cut = fmax(fabs(raw[a]) - 0.05, 0);
            assert_near(theta[a], raw[a] < 0 ? -cut : cut, 1e-15);
        }
        assert_int_equal(info.support, 1);
    }
    /* The refit on the support is the regression on that column alone. */
    o.refit = true;
    assert_ok(ctx, nrm_private_sparse_regression(ctx, rows_x, rows_y, NULL, theta, raw, &info, &o));
    assert_true(theta[0] == 0 && theta[2] == 0 && fabs(theta[1] - moment[1] / gram[4]) < 1e-3);
    nrm_rows_close(ctx, rows_x);
    nrm_rows_close(ctx, rows_y);
    nrm_ctx_destroy(ctx);
}

/* The soft threshold is the least |.|_1 in the box |theta - raw|_inf <= lambda: every point of the box
 * has |theta|_1 >= s'theta >= s'raw - lambda |s|_1 for s in {-1, 0, 1}^d, and the answer meets that. */
static void test_threshold(void **state)
{
    (void)state;
    enum { C = 5 };
    nrm_private_plan p;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 2;
    choices o = base(NRM_PRIVATE_ISOTROPIC, 100);
    o.threshold = 0.3;
    assert_ok(ctx, nrm_private_plan_make(ctx, C, 0, &o, &p));
    for (int turn = 0; turn < 200; turn++) {
        double u[C], theta[C], raw[C], norm = 0, best = 0;
        report info;
        nrm_private_info_begin(&p, &info);
        for (int j = 0; j < C; j++) u[j] = 0.6 * nrm_test_normal(&seed);
        assert_ok(ctx, nrm_private_solve(ctx, &p, 100, NULL, false, u, theta, raw, &info));
        for (int j = 0; j < C; j++) {
            assert_true(fabs(theta[j] - raw[j]) <= 0.3 + 1e-15);
            norm += fabs(theta[j]);
        }
        for (int code = 0; code < 243; code++) { /* 3^5 dual points */
            double value = 0;
            for (int j = 0, c = code; j < C; j++, c /= 3) value += (c % 3 - 1) * raw[j] - 0.3 * (c % 3 != 1);
            best = fmax(best, value);
        }
        assert_near(norm, best, 1e-14);
    }
    nrm_ctx_destroy(ctx);
}

/* Many users, hardly any randomness in the sign: ordinary iterative hard thresholding. */
static void test_plain_iht(void **state)
{
    (void)state;
    enum { N = 160000 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    choices o = base(NRM_PRIVATE_IHT, N);
    double theta[D], expected[D] = {0};
    report info;

    o.eps = 1e6, o.radius = NRM_PRIVATE_RADIUS_SCORE, o.score_bound = 12, o.rounds = 4, o.eta = 1;
    assert_ok(ctx, run_on(ctx, N, -1, &o, theta, NULL, &info));
    assert_int_equal(info.clipped, 0);
    /* E x (x'theta - y) = theta - truth: a step of 1 ends at the truth. */
    for (int j = 0; j < D; j++) expected[j] = TRUTH[j];
    const double noise = 12 * sqrt(1.5707963) / sqrt(N / 4.0); /* of an entry */
    for (int j = 0; j < D; j++) assert_true(fabs(theta[j] - expected[j]) < 5 * noise);
    assert_int_equal(info.support, 6);
    assert_near(info.message_norm, 10.6803720820 * 12 * tanh(0.5), 1e-8);
    nrm_ctx_destroy(ctx);
}

/* ---- Rates (item 9) ------------------------------------------------------------------------------------- */

/* Root mean square of raw errors over seeds, times sqrt(n). */
static double constant(int mode, int64_t n, double eps, int seeds)
{
    double sum = 0, theta[D], raw[D];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    choices o = base(mode, n);
    o.eps = eps;
    for (int s = 0; s < seeds; s++) {
        assert_ok(ctx, nrm_set_seed(ctx, (uint64_t)s + 1));
        assert_ok(ctx, run_on(ctx, n, -1, &o, theta, raw, NULL));
        sum += pow(size_of_error(raw), 2) / seeds;
    }
    nrm_ctx_destroy(ctx);
    return sqrt(sum * (double)n);
}

static void test_rates(void **state)
{
    (void)state;
    /* sd of an entry is 2 r tau2 sigma / sqrt n, r = 4: the error sqrt(16) times that. */
    const double expected = 4 * 2 * 4 * 2 * nrm_private_gaussian_sigma(1, 1e-6);
    const double few = constant(NRM_PRIVATE_ISOTROPIC, 10000, 1, 20), many = constant(NRM_PRIVATE_ISOTROPIC, 640000, 1, 8);
    assert_true(fabs(few / expected - 1) < 0.2 && fabs(many / few - 1) < 0.25);
    const double publicly = constant(NRM_PRIVATE_NLDP_PUBLIC, 10000, 1, 20);
    assert_true(fabs(publicly / expected - 1) < 0.25);
    const double quarter = constant(NRM_PRIVATE_ISOTROPIC, 10000, 0.25, 20);
    assert_true(fabs(quarter / (4 * few) - 1) < 0.15); /* the same streams: their ratio is that of the sigmas */
}

/* ---- Ranks and threads ------------------------------------------------------------------------------------ */

typedef struct shared { choices o; double theta[3][D], raw[3][D]; report info[3]; int64_t fail_at, rows; } shared;

static nrm_status one_rank(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    shared *s = user;
    const int r = nrm_comm_rank(comm);
    return run_on(ctx, s->rows, r == nrm_comm_size(comm) - 1 ? s->fail_at : -1, &s->o, s->theta[r], s->raw[r], &s->info[r]);
}

static void test_ranks(void **state)
{
    (void)state;
    enum { N = 23456 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int mode = 0; mode < 2 * nrm_private_mode_count; mode++) {
        shared alone = {.o = base(mode / 2, N), .fail_at = -1, .rows = N}, s = alone;
        if (mode == 2 * NRM_PRIVATE_IHT + 1) s.o.update = NRM_PRIVATE_SOFT, s.o.average = true, s.o.growth = 1.6, s.o.threshold_factor = 0.2;
        else s.o.each_message = mode % 2;
        alone.o = s.o;
        assert_ok(ctx, nrm_set_threads(ctx, 1));
        assert_ok(ctx, one_rank(ctx, NULL, &alone));
        for (int threads = 1; threads <= 2; threads++)
            for (int ranks = 1; ranks <= 3; ranks++) {
                assert_ok(ctx, nrm_set_threads(ctx, threads));
                assert_ok(ctx, nrm_run_ranks(ctx, ranks, one_rank, &s));
                for (int r = 0; r < ranks; r++) {
                    if (mode / 2 == NRM_PRIVATE_NLDP_PUBLIC) assert_all_near(s.theta[r], alone.theta[0], D, 1e-12);
                    else assert_memory_equal(s.theta[r], alone.theta[0], sizeof s.theta[r]);
                    assert_true(s.info[r].messages == alone.info[0].messages && s.info[r].clipped == alone.info[0].clipped);
                }
            }
        /* A stream that fails on one rank, early, within and after the rounds, or is too short for all. */
        for (int64_t fail = 0; fail < N; fail += 7777) {
            s.fail_at = fail;
            assert_status(ctx, nrm_run_ranks(ctx, 3, one_rank, &s), NRM_E_IO);
        }
        s.fail_at = -1, s.rows = N / 2;
        assert_status(ctx, nrm_run_ranks(ctx, 2, one_rank, &s), NRM_E_SHAPE);
        assert_message(ctx, "x has 11728 rows and users is 23456");
    }
    nrm_ctx_destroy(ctx);
}

/* ---- Records and public rows --------------------------------------------------------------------------------- */

static void test_records(void **state)
{
    (void)state;
    double x[8] = {1, NAN, 0.5, 0.5, INFINITY, 1, 3, 4}, y[4] = {1, 1, NAN, 9}, theta[2], raw[2];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    choices o = nrm_private_sparse_regression_options_default();
    report info;

    o.eps = 1e7, o.delta = 0.5, o.r = 2.5, o.tau2 = 3, o.mode = NRM_PRIVATE_ISOTROPIC, o.threshold = 0, o.each_message = true;
    nrm_rows *rows_x = rows_of(ctx, 4, 2, x), *rows_y = rows_of(ctx, 4, 1, y);
    assert_ok(ctx, nrm_private_sparse_regression(ctx, rows_x, rows_y, NULL, theta, raw, &info, &o));
    assert_true(info.nonfinite == 2 && info.clipped == 1 && info.messages == 4);
    /* Messages (1, 0) 1, (.5, .5) 1, (0, 1) 0, (1.5, 2) 3. */
    assert_true(fabs(raw[0] - (1 + 0.5 + 0 + 4.5) / 4) < 0.02 && fabs(raw[1] - (0 + 0.5 + 0 + 6) / 4) < 0.02);
    nrm_rows_close(ctx, rows_x);
    nrm_rows_close(ctx, rows_y);
    nrm_ctx_destroy(ctx);
}

static nrm_status with_public(nrm_ctx *ctx, int64_t rows, double *data, double *theta)
{
    double x[6] = {1, -1, 0.5, 0.5, 1, 0}, y[2] = {1, 0};
    choices o = nrm_private_sparse_regression_options_default();
    o.mode = NRM_PRIVATE_NLDP_PUBLIC, o.tau2 = 1, o.r = 9;
    nrm_rows *rows_x = rows_of(ctx, 2, 3, x), *rows_y = rows_of(ctx, 2, 1, y), *rows_p = rows_of(ctx, rows, 3, data);
    const nrm_status st = nrm_private_sparse_regression(ctx, rows_x, rows_y, rows_p, theta, NULL, NULL, &o);
    nrm_rows_close(ctx, rows_x);
    nrm_rows_close(ctx, rows_y);
    nrm_rows_close(ctx, rows_p);
    return st;
}

static void test_public(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double copy[12] = {1, 2, 1, 3, 1, 3, 0, 5, 0, 2, 2, 2}, zero[12] = {1, 0, 1, 2, 0, 3, 4, 0, 1, 1, 0, 1}, good[12] = {1, 2, 1, 3, 1, 0, 0, 5, 0, 2, 2, 2};
    double theta[3] = {7, 7, 7};

    assert_status(ctx, with_public(ctx, 4, copy, theta), NRM_E_SINGULAR);
    assert_message(ctx, "public_x is rank-deficient: column 2 is a combination of the columns before it");
    assert_status(ctx, with_public(ctx, 4, zero, theta), NRM_E_SINGULAR);
    assert_message(ctx, "column 1 is zero");
    assert_status(ctx, with_public(ctx, 2, good, theta), NRM_E_SINGULAR);
    good[4] = NAN;
    assert_status(ctx, with_public(ctx, 4, good, theta), NRM_E_NONFINITE);
    assert_message(ctx, "public_x is nan at row 1, column 1");
    assert_true(theta[0] == 7 && theta[2] == 7);
    good[4] = 1;
    assert_ok(ctx, with_public(ctx, 4, good, theta));
    nrm_ctx_destroy(ctx);
}

/* ---- Refusals and memory ------------------------------------------------------------------------------------------ */

static void test_refusals(void **state)
{
    (void)state;
    double x[6] = {1, -1, 0.5, 0.5, 1, 0}, y[6] = {1, 0, 1}, theta[2] = {7, 7};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    choices o = nrm_private_sparse_regression_options_default();
    nrm_rows *rows_x = rows_of(ctx, 3, 2, x), *rows_y = rows_of(ctx, 3, 1, y), *short_y = rows_of(ctx, 2, 1, y),
             *wide_y = rows_of(ctx, 3, 2, y), *none = rows_of(ctx, 0, 2, x);
#define REFUSED(x_, y_, p_, status, piece)                                                                        \
    assert_status(ctx, nrm_private_sparse_regression(ctx, x_, y_, p_, theta, NULL, NULL, &o), status); \
    assert_message(ctx, piece)
    REFUSED(rows_x, short_y, NULL, NRM_E_SHAPE, "y ends before row 2, but x goes on");
    REFUSED(rows_x, wide_y, NULL, NRM_E_SHAPE, "y has 2 columns");
    REFUSED(none, rows_y, NULL, NRM_E_SHAPE, "x has no rows");
    REFUSED(rows_x, rows_y, rows_x, NRM_E_ARGUMENT, "public_x is given");
    o.mode = NRM_PRIVATE_NLDP_PUBLIC;
    REFUSED(rows_x, rows_y, NULL, NRM_E_ARGUMENT, "public_x is missing");
    o.mode = NRM_PRIVATE_IHT, o.k = 1, o.rounds = 4;
    REFUSED(rows_x, rows_y, NULL, NRM_E_RANGE, "3 users are fewer than the 4 rounds");
    o.rounds = 0, o.users = 5;
    REFUSED(rows_x, rows_y, NULL, NRM_E_SHAPE, "x has 3 rows and users is 5");
    o.users = 3;
    nrm_cancel(ctx);
    REFUSED(rows_x, rows_y, NULL, NRM_E_CANCELLED, "stopped");
    nrm_cancel_clear(ctx);
    assert_status(ctx, nrm_private_sparse_regression(ctx, NULL, rows_y, NULL, theta, NULL, NULL, &o), NRM_E_NULL);
    assert_true(theta[0] == 7 && theta[1] == 7);
    assert_ok(ctx, nrm_private_sparse_regression(ctx, rows_x, rows_y, NULL, theta, NULL, NULL, &o));
    nrm_rows *const all[] = {rows_x, rows_y, short_y, wide_y, none};
    for (int i = 0; i < 5; i++) nrm_rows_close(ctx, all[i]);

    source of_x = {5, 0, 50, -1, false}, of_y = {5, 0, 50, -1, true}; /* of unknown length, read once */
    assert_ok(ctx, nrm_rows_from_callback(ctx, &rows_x, D, fill, &of_x));
    assert_ok(ctx, nrm_rows_from_callback(ctx, &rows_y, 1, fill, &of_y));
    o.users = 0;
    REFUSED(rows_x, rows_y, NULL, NRM_E_UNSUPPORTED, "give users");
    nrm_rows_close(ctx, rows_x);
    nrm_rows_close(ctx, rows_y);
    nrm_ctx_destroy(ctx);
}

typedef struct memory_case { choices o; double theta[D]; } memory_case;

static nrm_status in_memory(nrm_ctx *ctx, void *user)
{
    static double x[400 * D], y[400];
    memory_case *m = user;
    source of_x = {5, 0, 400, -1, false}, of_y = {5, 0, 400, -1, true};
    nrm_array view;
    nrm_rows *rows[3] = {NULL};
    nrm_status st;

    fill(&of_x, 400, D, x), fill(&of_y, 400, 1, y);
    assert_ok(NULL, nrm_array_view(NULL, &view, NRM_F64, 2, (const int64_t[2]){400, D}, x));
    st = nrm_rows_from_array(ctx, &rows[0], &view);
    if (st >= 0 && m->o.mode == NRM_PRIVATE_NLDP_PUBLIC) st = nrm_rows_from_array(ctx, &rows[2], &view);
    assert_ok(NULL, nrm_array_view(NULL, &view, NRM_F64, 1, (const int64_t[1]){400}, y));
    if (st >= 0) st = nrm_rows_from_array(ctx, &rows[1], &view);
    if (st >= 0) st = nrm_private_sparse_regression(ctx, rows[0], rows[1], rows[2], m->theta, NULL, NULL, &m->o);
    for (int i = 0; i < 3; i++) nrm_rows_close(ctx, rows[i]);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    for (int mode = 0; mode < nrm_private_mode_count; mode++) {
        memory_case m = {.o = base(mode, 0)};
        m.o.refit = true;
        nrm_test_allocation_failures(in_memory, &m, m.theta, sizeof m.theta);
    }
}

/* Streams: the memory does not grow with n. */
static void test_streaming(void **state)
{
    (void)state;
    int64_t peak[2];
    for (int turn = 0; turn < 2; turn++) {
        nrm_test_memory memory;
        nrm_ctx *ctx = nrm_test_ctx(&memory);
        const choices o = base(NRM_PRIVATE_NLDP, turn == 0 ? 20000 : 100000);
        double theta[D];
        assert_ok(ctx, run_on(ctx, o.users, -1, &o, theta, NULL, NULL));
        peak[turn] = memory.peak_bytes;
        nrm_ctx_destroy(ctx);
    }
    assert_int_equal(peak[0], peak[1]);
}

/* ---- By name --------------------------------------------------------------------------------------------------------- */

static nrm_call *call_of(nrm_ctx *ctx, const char *role, int round, const char *const *settings)
{
    nrm_call *call;
    char number[16];
    snprintf(number, sizeof number, "%d", round);
    assert_ok(ctx, nrm_call_create(ctx, "private-sparse-regression", &call));
    assert_ok(ctx, nrm_call_set(call, "role", role));
    assert_ok(ctx, nrm_call_set(call, "round", number));
    for (int i = 0; settings[i]; i += 2) assert_ok(ctx, nrm_call_set(call, settings[i], settings[i + 1]));
    return call;
}

/* Two rounds of iht: reports of clients to a server, its state between them; and what goes wrong. */
static void test_by_name(void **state)
{
    (void)state;
    enum { N = 3000, C = 3 };
    static double x[N * C], y[N];
    const char *const settings[] = {"mode", "iht", "k", "1", "kprime", "2", "tau1", "1", "tau2", "1", "radius", "score", "eps", "6", "users", "6000", "rounds", "2", NULL};
    const char *state_file = nrm_test_temp("state.npz"), *ledger = nrm_test_temp("spent.npz");
    char first[32];
    double theta[C] = {0};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 31;

    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < C; j++) x[i * C + j] = nrm_test_next(&seed) & 1 ? 1 : -1;
            y[i] = 0.5 * x[i * C + 1];
        }
        nrm_call *call = call_of(ctx, "client", round, settings);
        snprintf(first, sizeof first, "%d", (round - 1) * N);
        assert_ok(ctx, nrm_call_set(call, "first_user", first));
        assert_ok(ctx, nrm_call_set(call, "ledger", ledger));
        assert_ok(ctx, nrm_call_input(call, "x", NRM_F64, 2, (const int64_t[2]){N, C}, x));
        assert_ok(ctx, nrm_call_input(call, "y", NRM_F64, 1, (const int64_t[1]){N}, y));
        assert_ok(ctx, nrm_call_input(call, "theta", NRM_F64, 1, (const int64_t[1]){C}, theta));
        assert_ok(ctx, nrm_call_run(call));
        const nrm_private_sparse_regression_info *info = nrm_call_info(call);
        assert_true(info->secure && info->messages == N && info->most_epsilon == 6 && info->delta == 0);
        const nrm_value *reports = nrm_call_output(call, "reports");
        assert_true(reports->array.dtype == NRM_U8 && reports->array.shape[0] == N && reports->array.shape[1] == 33);
        assert_null(nrm_call_output(call, "coefficients"));

        nrm_call *server = call_of(ctx, "server", 1, settings);
        assert_ok(ctx, nrm_call_input(server, "received", NRM_U8, 2, reports->array.shape, reports->array.data));
        if (round == 2) assert_ok(ctx, nrm_call_set(server, "state", state_file));
        assert_ok(ctx, nrm_call_set(server, "save_state", state_file));
        assert_ok(ctx, nrm_call_want(server, "next_theta"));
        assert_ok(ctx, nrm_call_run(server));
        memcpy(theta, nrm_call_output(server, "next_theta")->array.data, sizeof theta);
        assert_memory_equal(theta, nrm_call_output(server, "coefficients")->array.data, sizeof theta);
        info = nrm_call_info(server);
        assert_true(info->round == round && info->messages == (int64_t)round * N && info->clipped == -1);
        nrm_call_destroy(server);

        /* The same reports for another round, or twice in one. */
        server = call_of(ctx, "server", 1, settings);
        assert_ok(ctx, nrm_call_set(server, "state", state_file));
        assert_ok(ctx, nrm_call_input(server, "received", NRM_U8, 2, reports->array.shape, reports->array.data));
        assert_status(ctx, nrm_call_run(server), NRM_E_ARGUMENT);
        assert_message(ctx, "(received row 0)");
        nrm_call_destroy(server);
        if (round == 1) {
            memcpy((unsigned char *)reports->array.data + 33 * 7, (unsigned char *)reports->array.data + 33 * 70, 33);
            server = call_of(ctx, "server", 1, settings);
            assert_ok(ctx, nrm_call_input(server, "received", NRM_U8, 2, reports->array.shape, reports->array.data));
            assert_status(ctx, nrm_call_run(server), NRM_E_ARGUMENT);
            assert_message(ctx, "same random bits");
            nrm_call_destroy(server);
        }
        nrm_call_destroy(call);
    }
    assert_true(fabs(theta[1] - 0.5) < 0.1 && fabs(theta[0]) < 0.1 && fabs(theta[2]) < 0.1);
    nrm_private_ledger *spent;
    assert_ok(ctx, nrm_private_ledger_load(ctx, &spent, ledger));
    assert_int_equal(nrm_private_ledger_spent(spent, 5999, NULL, NULL), 1);
    assert_int_equal(nrm_private_ledger_spent(spent, 6000, NULL, NULL), 0);
    nrm_private_ledger_destroy(ctx, spent);
    nrm_call *again = call_of(ctx, "client", 2, settings);
    assert_ok(ctx, nrm_call_set(again, "ledger", ledger));
    assert_ok(ctx, nrm_call_input_path(again, "x", "[[1,1,1]]"));
    assert_ok(ctx, nrm_call_input_path(again, "y", "[1]"));
    assert_ok(ctx, nrm_call_input_path(again, "theta", "[0,0,0]"));
    assert_status(ctx, nrm_call_run(again), NRM_E_ARGUMENT);
    assert_message(ctx, "user 0 has spent eps 6");
    nrm_call_destroy(again);
    remove(state_file);
    remove(ledger);
    nrm_ctx_destroy(ctx);
}

/* What a role lacks, and a chosen seed that a ledger has seen. */
static void test_roles(void **state)
{
    (void)state;
    const char *const none[] = {NULL}, *const ledger = nrm_test_temp("seeds.npz");
    const struct { const char *role, *x, *theta, *received; nrm_status status; const char *piece; } cases[] = {
        {"client", NULL, NULL, NULL, NRM_E_ARGUMENT, "input x is missing; role client needs records"},
        {"simulate", "[[1]]", NULL, NULL, NRM_E_ARGUMENT, "input y is missing; role simulate"},
        {"server", NULL, NULL, NULL, NRM_E_ARGUMENT, "there are no messages"},
        {"server", NULL, NULL, "[[1,2,3]]", NRM_E_FORMAT, "received rows have 3 bytes"},
        {"server", NULL, NULL, "[[1,2.5,3]]", NRM_E_RANGE, ""}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nrm_call *call = call_of(ctx, cases[i].role, 1, none);
        assert_ok(ctx, nrm_call_set(call, "tau2", "1"));
        if (cases[i].x) assert_ok(ctx, nrm_call_input_path(call, "x", cases[i].x));
        if (cases[i].received) assert_ok(ctx, nrm_call_input_path(call, "received", cases[i].received));
        const nrm_status st = nrm_call_run(call);
        assert_true(st == cases[i].status || (st == NRM_E_FORMAT && cases[i].status == NRM_E_RANGE));
        assert_message(ctx, cases[i].piece);
        nrm_call_destroy(call);
    }
    /* A saved problem has no seed where none was chosen: its clients are as secure. */
    const char *saved = nrm_test_temp("problem.npz");
    for (int turn = 0; turn < 2; turn++) {
        nrm_call *call;
        if (turn == 0) {
            call = call_of(ctx, "client", 1, none);
            assert_ok(ctx, nrm_call_set(call, "tau2", "1"));
            assert_ok(ctx, nrm_call_input_path(call, "x", "[[1]]"));
            assert_ok(ctx, nrm_call_input_path(call, "y", "[1]"));
            assert_ok(ctx, nrm_call_save_problem(call, saved));
        } else {
            assert_ok(ctx, nrm_call_load_problem(ctx, saved, &call));
        }
        assert_ok(ctx, nrm_call_run(call));
        assert_true(((const report *)nrm_call_info(call))->secure);
        nrm_call_destroy(call);
    }
    remove(saved);
    assert_ok(ctx, nrm_set_seed(ctx, 12));
    for (int turn = 0; turn < 2; turn++) {
        nrm_call *call = call_of(ctx, "client", 1, none);
        assert_ok(ctx, nrm_call_set(call, "tau2", "1"));
        assert_ok(ctx, nrm_call_set(call, "ledger", ledger));
        assert_ok(ctx, nrm_call_set(call, "first_user", turn ? "5" : "0"));
        assert_ok(ctx, nrm_call_input_path(call, "x", "[[1]]"));
        assert_ok(ctx, nrm_call_input_path(call, "y", "[1]"));
        assert_status(ctx, nrm_call_run(call), turn ? NRM_E_ARGUMENT : NRM_OK);
        if (turn) assert_message(ctx, "the seed 12 was used before");
        else assert_false(((const report *)nrm_call_info(call))->secure);
        nrm_call_destroy(call);
    }
    remove(ledger);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_limit), cmocka_unit_test(test_threshold), cmocka_unit_test(test_plain_iht), cmocka_unit_test(test_rates),
              cmocka_unit_test(test_ranks), cmocka_unit_test(test_records), cmocka_unit_test(test_public), cmocka_unit_test(test_refusals),
              cmocka_unit_test(test_memory), cmocka_unit_test(test_streaming), cmocka_unit_test(test_by_name), cmocka_unit_test(test_roles))
