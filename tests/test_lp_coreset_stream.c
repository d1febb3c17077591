/* test_lp_coreset_stream.c -- lp-coreset in one pass, among ranks, and its audit. */
#include "lp_coreset_kit.h"
#include "data/formats.h"
#include <norma/comm.h>

/* Rows made on the fly: no stream can hold them, none can be read twice. */
typedef struct made { int64_t at, n; uint64_t seed; } made;

static void made_row(int64_t i, int64_t d, uint64_t seed, double *row)
{
    uint64_t state = seed + (uint64_t)i * 0x9e3779b9u;
    const double size = i % 41 == 3 ? 6 : 1;
    for (int64_t j = 0; j < d; j++) row[j] = size * nrm_test_normal(&state) * (j == d - 1 && i % 499 != 8 ? 0.01 : 1);
}

static int64_t fill(void *user, int64_t most, int64_t cols, double *dense)
{
    made *m = user;
    int64_t k = 0;
    for (; k < most && m->at < m->n; k++, m->at++) made_row(m->at, cols, m->seed, dense + k * cols);
    return k;
}

static double sum_of_made(int64_t n, int64_t d, uint64_t seed, const double *x, double p)
{
    double row[16], sum = 0;
    for (int64_t i = 0; i < n; i++) made_row(i, d, seed, row), sum += power_of(row, d, x, p);
    return sum;
}

static nrm_status once(nrm_ctx *ctx, int64_t n, int64_t d, nrm_lp_coreset_result *r, nrm_lp_coreset_info *info,
                       const nrm_lp_coreset_options *o)
{
    made m = {.n = n, .seed = 77};
    nrm_rows *rows;
    NRM_TRY(nrm_rows_from_callback(ctx, &rows, d, fill, &m));
    const nrm_status st = nrm_lp_coreset(ctx, &(nrm_lp_coreset_input){.a = rows}, NRM_LP_CORESET_ROWS, r, info, o);
    nrm_rows_close(ctx, rows);
    return st;
}

/* Merged coresets: the sizes, no bias, an error that the levels explain, for every x. */
static void check_merged(int scheme, double p, bool iid)
{
    enum { D = 3, M = 60, N = 12000, SEEDS = 12 };
    static const double x[4][D] = {{1, 0, 0}, {1, -2, 1}, {0, 0, 1}, {3, 1, -100}};
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_options o = with(p, scheme, M);
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r;
    double mean[4] = {0}, square[4] = {0}, all[4], row[D];

    o.iid = iid;
    for (int t = 0; t < 4; t++) all[t] = sum_of_made(N, D, 77, x[t], p);
    for (int k = 0; k < SEEDS; k++) {
        assert_ok(ctx, nrm_set_seed(ctx, (uint64_t)k));
        assert_ok(ctx, once(ctx, N, D, &r, &info, &o));
        assert_true(info.levels == 3 && info.passes == 1 && info.rows_read == N && info.rows == r.rows);
        if (!iid) assert_near(info.expected, M, 1e-9);
        assert_true(r.rows > M / 2 && r.rows < 2 * M);
        for (int64_t i = 0; i < r.rows; i++) {
            assert_true(i == 0 || r.index[i] > r.index[i - 1]);
            made_row(r.index[i], D, 77, row);
            assert_memory_equal(r.a + i * D, row, sizeof row);
        }
        for (int t = 0; t < 4; t++) {
            const double ratio = sum_of(r.rows, NULL, r.weights, r.a, D, x[t], p) / all[t];
            mean[t] += ratio / SEEDS;
            square[t] += (ratio - 1) * (ratio - 1) / SEEDS;
        }
        nrm_lp_coreset_release(ctx, &r);
    }
    for (int t = 0; t < 4 && scheme != NRM_LP_CORESET_UNIFORM; t++) {
        assert_true(fabs(mean[t] - 1) < 4.5 * sqrt(square[t] / SEEDS));
        assert_true(sqrt(square[t]) < 0.5); /* d / m a level, half of it inside: sqrt(3 / 60 (1 + 2 / 2)) = 0.32 */
    }
    nrm_ctx_destroy(ctx);
}

static void test_merged(void **state)
{
    (void)state;
    check_merged(NRM_LP_CORESET_LEWIS, 1, false);
    check_merged(NRM_LP_CORESET_COMBINED, 4, false);
    check_merged(NRM_LP_CORESET_ROOT_LEVERAGE, 1.5, true);
    check_merged(NRM_LP_CORESET_UNIFORM, 1, false);
}

/* Memory: the logarithm of the rows. */
static void test_memory(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    nrm_lp_coreset_options o = with(1, NRM_LP_CORESET_ROOT_LEVERAGE, 30);
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r;
    int64_t peak[2];

    assert_ok(ctx, nrm_set_threads(ctx, 1));
    for (int k = 0; k < 2; k++) {
        memory.peak_bytes = memory.live_bytes;
        assert_ok(ctx, once(ctx, k ? 64000 : 4000, 3, &r, &info, &o));
        nrm_lp_coreset_release(ctx, &r);
        peak[k] = memory.peak_bytes;
    }
    assert_true(peak[1] < peak[0] + 200000); /* 64 000 rows have 1.5 MB, 60 000 numbers 0.5 MB */
    nrm_ctx_destroy(ctx);
}

/* One block is all rows: the bits of many passes.  All rows kept where they are few. */
static void test_single_block(void **state)
{
    (void)state;
    enum { N = 700, D = 3 };
    static double a[N * D];
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r, s;

    make_rows(N, D, 4, a);
    for (int scheme = NRM_LP_CORESET_UNIFORM; scheme <= NRM_LP_CORESET_AUGMENTED; scheme++) {
        nrm_lp_coreset_options o = with(scheme == NRM_LP_CORESET_COMBINED ? 3 : 1, scheme, 50);
        o.passes = NRM_LP_PASSES_MANY, o.scores = NRM_LP_SCORES_BRACKET;
        assert_ok(ctx, coreset(ctx, N, D, a, 0, &r, &info, &o));
        o.passes = NRM_LP_PASSES_ONE;
        assert_ok(ctx, coreset(ctx, N, D, a, 0, &s, &info, &o));
        assert_true(info.passes == 1 && info.levels == 1);
        assert_int_equal(r.rows, s.rows);
        assert_memory_equal(r.index, s.index, (size_t)r.rows * sizeof *r.index);
        assert_all_near(r.weights, s.weights, r.rows, 1e-12);
        nrm_lp_coreset_release(ctx, &r);
        nrm_lp_coreset_release(ctx, &s);
        o.rows = N + 1;
        assert_ok(ctx, coreset(ctx, N, D, a, 0, &s, &info, &o));
        assert_true(s.rows == N && info.least_weight == 1 && info.most_weight == 1);
        nrm_lp_coreset_release(ctx, &s);
    }
    nrm_lp_coreset_options o = with(4, NRM_LP_CORESET_COMBINED, 0); /* more than memory is meant for */
    o.passes = NRM_LP_PASSES_ONE, o.eps = 1e-6;
    assert_status(ctx, coreset(ctx, N, D, a, 0, &s, &info, &o), NRM_E_RANGE);
    assert_message(ctx, "too many to merge in memory: set rows");
    nrm_ctx_destroy(ctx);
}

/* Merged or not, and with its audit: the bits of one thread. */
static void test_threads(void **state)
{
    (void)state;
    enum { N = 3000, D = 3 };
    static double a[N * D];
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_info info, again;
    nrm_lp_coreset_result r, s;

    make_rows(N, D, 4, a);
    for (int passes = NRM_LP_PASSES_ONE; passes <= NRM_LP_PASSES_MANY; passes++) {
        nrm_lp_coreset_options o = with(1.5, NRM_LP_CORESET_LEWIS, 20);
        o.passes = passes, o.audit = true;
        assert_ok(ctx, nrm_set_threads(ctx, 1));
        assert_ok(ctx, coreset(ctx, N, D, a, NRM_LP_CORESET_WITNESS, &r, &info, &o));
        assert_ok(ctx, nrm_set_threads(ctx, 2));
        assert_ok(ctx, coreset(ctx, N, D, a, NRM_LP_CORESET_WITNESS, &s, &again, &o));
        assert_int_equal(r.rows, s.rows);
        assert_memory_equal(r.index, s.index, (size_t)r.rows * sizeof *r.index);
        assert_memory_equal(r.weights, s.weights, (size_t)r.rows * sizeof *r.weights);
        assert_memory_equal(r.witness, s.witness, D * sizeof *r.witness);
        assert_true(info.distortion == again.distortion);
        nrm_lp_coreset_release(ctx, &r);
        nrm_lp_coreset_release(ctx, &s);
    }
    nrm_ctx_destroy(ctx);
}

/* Of d = 2 columns a scan of the half circle finds the distortion; the audit finds what it finds. */
static void test_audit(void **state)
{
    (void)state;
    enum { N = 17000, D = 2, SCAN = 100 };
    static double a[N * D];
    static const struct { double p; int scheme, rows, passes; bool weighted; } all[] = {
        {1, NRM_LP_CORESET_LEWIS, 40, NRM_LP_PASSES_MANY, false},     {4, NRM_LP_CORESET_LEWIS, 40, NRM_LP_PASSES_MANY, false},
        {1.5, NRM_LP_CORESET_UNIFORM, 40, NRM_LP_PASSES_MANY, false}, {3, NRM_LP_CORESET_COMBINED, 40, NRM_LP_PASSES_ONE, false},
        {2, NRM_LP_CORESET_LEWIS, 40, NRM_LP_PASSES_MANY, true},      {1, NRM_LP_CORESET_LEWIS, N, NRM_LP_PASSES_MANY, false}};
    static double omega[N];
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r;

    make_rows(N, D, 4, a);
    for (int i = 0; i < N; i++) omega[i] = 1 + i % 3;
    for (int k = 0; k < 6; k++) {
        nrm_lp_coreset_options o = with(all[k].p, all[k].scheme, all[k].rows);
        const double *weight = all[k].weighted ? omega : NULL;
        nrm_rows *rows = rows_of(ctx, N, D, a);
        double most = 0;

        o.audit = true, o.passes = all[k].passes;
        assert_ok(ctx, nrm_lp_coreset(ctx, &(nrm_lp_coreset_input){.a = rows, .row_weights = weight, .length = N},
                                      NRM_LP_CORESET_WITNESS, &r, &info, &o));
        const double *x = r.witness;
        const double ratio = sum_of(r.rows, r.index, r.weights, a, D, x, o.p) / sum_of(N, NULL, weight, a, D, x, o.p);
        assert_near(fabs(ratio - 1), info.distortion, 1e-10);
        assert_near(x[0] * x[0] + x[1] * x[1], 1, 1e-14);
        for (int t = 0; t < SCAN; t++) { /* finer where the last column is alone */
            const double angle = t % 2 ? 3.14159265358979 * t / SCAN : 1.5707963267949 + 0.2 * pow((double)(t - SCAN / 2) / (SCAN / 2), 3);
            const double y[2] = {cos(angle), sin(angle)};
            most = fmax(most, fabs(sum_of(r.rows, r.index, r.weights, a, D, y, o.p) / sum_of(N, NULL, weight, a, D, y, o.p) - 1));
        }
        assert_true(info.distortion >= 0.97 * most - 1e-12);
        assert_true(all[k].rows < N ? info.distortion > 0.01 : info.distortion < 1e-12);
        nrm_lp_coreset_release(ctx, &r);
        nrm_rows_close(ctx, rows);
    }
    nrm_ctx_destroy(ctx);
}

/* Importance against equality where few rows are all there is of a column (the paper's spikes), and
 * eps: the rule's number of rows keeps the promise. */
static void test_quality(void **state)
{
    (void)state;
    enum { N = 2000, D = 6 };
    static double a[N * D];
    nrm_ctx *ctx = quiet_ctx();
    nrm_lp_coreset_info info;
    nrm_lp_coreset_result r;
    uint64_t seed = 6;

    for (int i = 0; i < N * D; i++) a[i] = i % D == D - 1 ? 0 : nrm_test_normal(&seed);
    a[5 * D + D - 1] = a[700 * D + D - 1] = a[1500 * D + D - 1] = 3;
    for (int k = 0; k < 3; k++) {
        static const double powers[] = {1, 1.5, 3};
        double found[2];
        for (int scheme = 0; scheme < 2; scheme++) {
            nrm_lp_coreset_options o = with(powers[k], scheme ? NRM_LP_CORESET_LEWIS : NRM_LP_CORESET_UNIFORM, 200);
            o.audit = true;
            assert_ok(ctx, coreset(ctx, N, D, a, 0, &r, &info, &o));
            found[scheme] = info.distortion;
            nrm_lp_coreset_release(ctx, &r);
        }
        assert_true(found[1] <= 0.5 * found[0]);
    }
    nrm_lp_coreset_options o = with(1.5, NRM_LP_CORESET_LEWIS, 0);
    o.audit = true, o.eps = 0.3;
    assert_ok(ctx, coreset(ctx, N, D, a, 0, &r, &info, &o));
    assert_true(info.expected < N / 2 && info.distortion <= 0.3);
    nrm_lp_coreset_release(ctx, &r);
    nrm_ctx_destroy(ctx);
}

/* ---- Ranks ------------------------------------------------------------------------------------------ */

enum { RANK_ROWS = 4000, RANK_COLS = 3 };
static double rank_a[RANK_ROWS * RANK_COLS];
static char rank_text[RANK_ROWS * RANK_COLS * 28];

typedef struct shared {
    nrm_lp_coreset_options o;
    bool text;
    nrm_lp_coreset_result alone;
    nrm_lp_coreset_info info;
} shared;

static nrm_status take_part(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    shared *s = user;
    nrm_lp_coreset_result r;
    nrm_lp_coreset_info info;
    nrm_rows *rows;

    if (s->text) assert_ok(ctx, nrm_rows_open_memory(ctx, &rows, "a.csv", rank_text, strlen(rank_text), 0));
    else rows = rows_of(ctx, RANK_ROWS, RANK_COLS, rank_a);
    const nrm_status st = nrm_lp_coreset(ctx, &(nrm_lp_coreset_input){.a = rows}, NRM_LP_CORESET_ROWS | NRM_LP_CORESET_WITNESS, &r, &info, &s->o);
    nrm_rows_close(ctx, rows);
    if (st < 0) return st;
    if (nrm_comm_size(comm) == 1) {
        s->alone = r, s->info = info;
        return st;
    }
    assert_int_equal(r.rows, s->alone.rows);
    assert_memory_equal(r.index, s->alone.index, (size_t)r.rows * sizeof *r.index);
    assert_all_near(r.weights, s->alone.weights, r.rows, 1e-11);
    assert_memory_equal(r.a, s->alone.a, (size_t)(r.rows * r.d) * sizeof *r.a);
    assert_all_near(r.witness, s->alone.witness, r.d, 1e-9);
    assert_near(info.distortion, s->info.distortion, 1e-10);
    assert_int_equal(info.levels, s->info.levels);
    assert_int_equal(info.passes, s->info.passes);
    assert_int_equal(info.rows_read, RANK_ROWS);
    nrm_lp_coreset_release(ctx, &r);
    return st;
}

static void make_rank_rows(void)
{
    int length = 0;
    make_rows(RANK_ROWS, RANK_COLS, 4, rank_a);
    for (int i = 0; i < RANK_ROWS * RANK_COLS; i++)
        length += snprintf(rank_text + length, sizeof rank_text - (size_t)length, "%.17g%c", rank_a[i], i % RANK_COLS == RANK_COLS - 1 ? '\n' : ',');
}

static void test_ranks(void **state)
{
    (void)state;
    static const struct { double p; int scheme, passes; bool text; } all[] = {
        {1, NRM_LP_CORESET_LEWIS, NRM_LP_PASSES_MANY, false},         {3, NRM_LP_CORESET_COMBINED, NRM_LP_PASSES_MANY, true},
        {1.5, NRM_LP_CORESET_ROOT_LEVERAGE, NRM_LP_PASSES_ONE, true}, {1, NRM_LP_CORESET_LEWIS, NRM_LP_PASSES_ONE, false},
        {1, NRM_LP_CORESET_UNIFORM, NRM_LP_PASSES_AUTO, false}};
    nrm_ctx *ctx = quiet_ctx();

    make_rank_rows();
    for (int k = 0; k < 5; k++) {
        shared s = {.o = with(all[k].p, all[k].scheme, 20), .text = all[k].text};
        s.o.passes = all[k].passes, s.o.scores = NRM_LP_SCORES_BRACKET, s.o.audit = true;
        for (int ranks = 1; ranks <= 3; ranks++) assert_ok(ctx, nrm_run_ranks(ctx, ranks, take_part, &s));
        nrm_lp_coreset_release(ctx, &s.alone);
    }
    rank_a[RANK_COLS * 3000] = NAN; /* one rank's row is everybody's failure */
    for (int passes = NRM_LP_PASSES_ONE; passes <= NRM_LP_PASSES_MANY; passes++) {
        shared s = {.o = with(1, NRM_LP_CORESET_LEWIS, 40)};
        s.o.passes = passes, s.o.audit = true;
        for (int ranks = 1; ranks <= 3; ranks++) {
            assert_int_equal(nrm_run_ranks(ctx, ranks, take_part, &s), NRM_E_NONFINITE);
            assert_message(ctx, "a is nan at row 3000, column 0");
        }
    }
    nrm_ctx_destroy(ctx);
}

/* ---- Memory and cancelling --------------------------------------------------------------------------- */

typedef struct failing { double p; int scheme, passes; bool iid, text; } failing;

static nrm_status whole(nrm_ctx *ctx, void *user)
{
    enum { N = 800, D = 2 };
    static double a[N * D], omega[N];
    const failing *f = user;
    nrm_lp_coreset_options o = with(f->p, f->scheme, 6);
    nrm_lp_coreset_result r;
    nrm_array view;
    nrm_rows *rows = NULL, *more = NULL;

    make_rows(N, D, 4, a);
    for (int i = 0; i < N; i++) omega[i] = 1 + i % 2;
    o.passes = f->passes, o.iid = f->iid, o.audit = true, o.scores = NRM_LP_SCORES_BRACKET, o.eps = 1;
    nrm_status st = nrm_set_threads(ctx, 1);
    if (st >= 0) st = nrm_array_view(ctx, &view, NRM_F64, 2, (int64_t[]){N, D}, a);
    if (st >= 0) st = nrm_rows_from_array(ctx, &rows, &view);
    if (st >= 0) st = nrm_array_view(ctx, &view, NRM_F64, 2, (int64_t[]){N, 1}, omega);
    if (st >= 0) st = nrm_rows_from_array(ctx, &more, &view);
    if (st >= 0) st = nrm_lp_coreset(ctx, &(nrm_lp_coreset_input){.a = rows, .b = more, .row_weights = omega, .length = N},
                                     NRM_LP_CORESET_ROWS | NRM_LP_CORESET_WITNESS, &r, NULL, &o);
    if (st >= 0) nrm_lp_coreset_release(ctx, &r);
    nrm_rows_close(ctx, rows);
    nrm_rows_close(ctx, more);
    return st;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    failing all[] = {{1, NRM_LP_CORESET_LEWIS, NRM_LP_PASSES_MANY, false, false},
                     {3, NRM_LP_CORESET_COMBINED, NRM_LP_PASSES_ONE, true, false},
                     {1.5, NRM_LP_CORESET_ROOT_LEVERAGE, NRM_LP_PASSES_MANY, false, false},
                     {1, NRM_LP_CORESET_UNIFORM, NRM_LP_PASSES_AUTO, true, false}};
    for (int k = 0; k < 4; k++) nrm_test_allocation_failures(whole, &all[k], NULL, 0);
}

static int stop_at(void *user, const nrm_progress *progress)
{
    (void)progress;
    return --*(int *)user < 0;
}

static void test_cancel(void **state)
{
    (void)state;
    nrm_ctx *ctx = quiet_ctx();
    failing all[] = {{1, NRM_LP_CORESET_LEWIS, NRM_LP_PASSES_MANY, false, false}, {1, NRM_LP_CORESET_LEWIS, NRM_LP_PASSES_ONE, false, false}};
    for (int k = 0; k < 2; k++) {
        nrm_cancel(ctx);
        assert_int_equal(whole(ctx, &all[k]), NRM_E_CANCELLED);
        nrm_cancel_clear(ctx);
        int left = 0;
        assert_ok(ctx, nrm_set_progress(ctx, stop_at, &left));
        assert_int_equal(whole(ctx, &all[k]), NRM_E_CANCELLED);
        assert_ok(ctx, nrm_set_progress(ctx, NULL, NULL));
        nrm_cancel_clear(ctx);
        assert_true(whole(ctx, &all[k]) >= 0);
    }
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_merged), cmocka_unit_test(test_memory), cmocka_unit_test(test_single_block), cmocka_unit_test(test_threads),
              cmocka_unit_test(test_audit), cmocka_unit_test(test_quality), cmocka_unit_test(test_ranks),
              cmocka_unit_test(test_allocation_failures), cmocka_unit_test(test_cancel))
