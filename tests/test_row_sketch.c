/* row-sketch: the method against linalg/sketch.h, streams, ranks, bad input, memory.  What S is:
 * test_sketch.c, test_sketch_rows.c. */
#include "linalg/sketch.h"
#include "testkit.h"
#include <norma/call.h>
#include <norma/comm.h>
#include <norma/row_sketch.h>

enum { N = 5000, D = 9, M = 64, KINDS = 6 };

static double *table(void)
{
    static double a[N * D];
    static bool made;
    uint64_t seed = 3;
    for (int i = 0; i < N * D && !made; i++) a[i] = nrm_test_normal(&seed);
    made = true;
    return a;
}

static nrm_row_sketch_options with(int kind, int64_t rows)
{
    nrm_row_sketch_options o = nrm_row_sketch_options_default();
    o.sketch = kind;
    o.rows = rows;
    return o;
}

static nrm_status run(nrm_ctx *ctx, int64_t n, int64_t d, void *a, double *sa, nrm_row_sketch_info *info,
                      const nrm_row_sketch_options *o)
{
    const int64_t shape[2] = {n, d};
    nrm_array view;
    nrm_rows *rows;

    nrm_status st = nrm_array_view(ctx, &view, NRM_F64, 2, shape, a);
    if (st >= 0) st = nrm_rows_from_array(ctx, &rows, &view);
    if (st < 0) return st;
    st = nrm_row_sketch(ctx, rows, sa, info, o);
    nrm_rows_close(ctx, rows);
    return st;
}

/* The same as the private sketch with the context's seed. */
static void test_array(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double *a = table(), sa[M * D], expected[M * D];
    nrm_row_sketch_info info;

    assert_ok(ctx, nrm_set_seed(ctx, 77));
    for (int kind = 0; kind < KINDS; kind++) {
        const nrm_row_sketch_options o = with(kind, M - (kind == NRM_ROW_SKETCH_BGP)); /* 63 becomes 64 */
        const nrm_sketch_plan plan = {.kind = (nrm_sketch_kind)kind, .seed = 77, .stream = 6, .m = M, .n = N, .nonzeros = 8, .pool = 1};
        assert_ok(ctx, run(ctx, N, D, a, sa, &info, &o));
        assert_ok(ctx, nrm_sketch(ctx, "t", &plan, D, a, D, expected, D));
        assert_all_near(sa, expected, M * D, 1e-12);
        assert_int_equal(info.rows, M);
        assert_int_equal(info.total_rows, N);
        assert_int_equal(info.passes, 1);
    }
    nrm_ctx_destroy(ctx);
}

typedef struct source { const double *a; int64_t at, n; } source;

static int64_t fill(void *user, int64_t most, int64_t cols, double *dense)
{
    source *s = user;
    const int64_t left = s->n - s->at, few = most < 701 ? most : 701, count = left < few ? left : few;
    memcpy(dense, s->a + s->at * cols, (size_t)(count * cols) * sizeof *dense);
    s->at += count;
    return count;
}

static nrm_status from_callback(nrm_ctx *ctx, int64_t n, int64_t announced, double *sa, nrm_row_sketch_options o)
{
    source s = {table(), 0, n};
    nrm_rows *rows;
    nrm_status st = nrm_rows_from_callback(ctx, &rows, D, fill, &s);
    if (st < 0) return st;
    o.total_rows = announced;
    st = nrm_row_sketch(ctx, rows, sa, NULL, &o);
    nrm_rows_close(ctx, rows);
    return st;
}

/* A stream, and the same table as a sparse matrix. */
static void test_stream(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double sa[M * D], expected[M * D];

    for (int kind = 0; kind < KINDS; kind++) {
        const nrm_row_sketch_options o = with(kind, M);
        assert_ok(ctx, run(ctx, N, D, table(), expected, NULL, &o));
        assert_ok(ctx, from_callback(ctx, N, N, sa, o));
        assert_all_near(sa, expected, M * D, 1e-12);
    }
    for (int i = 0; i < M * D; i++) expected[i] = sa[i] = i;
    const nrm_row_sketch_options o = with(NRM_ROW_SKETCH_SRHT, M);
    assert_status(ctx, from_callback(ctx, N, 0, sa, o), NRM_E_UNSUPPORTED);
    assert_message(ctx, "give total_rows");
    assert_status(ctx, from_callback(ctx, N, N + 1, sa, o), NRM_E_SHAPE);
    assert_message(ctx, "a ends before row 5000, but 5001 rows were announced");
    assert_status(ctx, from_callback(ctx, N, N - 1, sa, o), NRM_E_SHAPE);
    assert_message(ctx, "a goes on at row 4999");
    assert_memory_equal(sa, expected, sizeof sa);
    nrm_ctx_destroy(ctx);
}

static void test_threads(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double kept[M * D], sa[M * D];

    for (int kind = 0; kind < KINDS; kind++)
        for (int threads = 1; threads <= 2; threads++) {
            const nrm_row_sketch_options o = with(kind, M);
            assert_ok(ctx, nrm_set_threads(ctx, threads));
            assert_ok(ctx, run(ctx, N, D, table(), threads == 1 ? kept : sa, NULL, &o));
            if (threads == 2) assert_memory_equal(kept, sa, sizeof sa);
        }
    nrm_ctx_destroy(ctx);
}

typedef struct shared { const double *expected; int kind; } shared;

static nrm_status on_rank(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    (void)comm;
    const shared *s = user;
    double sa[M * D];
    const nrm_row_sketch_options o = with(s->kind, M);

    NRM_TRY(from_callback(ctx, N, N, sa, o));
    for (int i = 0; i < M * D; i++)
        if (fabs(sa[i] - s->expected[i]) > 1e-12 * (1 + fabs(sa[i]))) return NRM_E_INTERNAL;
    NRM_TRY(run(ctx, N, D, table(), sa, NULL, &o));
    for (int i = 0; i < M * D; i++)
        if (fabs(sa[i] - s->expected[i]) > 1e-12 * (1 + fabs(sa[i]))) return NRM_E_INTERNAL;
    return NRM_OK;
}

static void test_ranks(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double expected[M * D];

    for (int kind = 0; kind < KINDS; kind++) {
        const nrm_row_sketch_options o = with(kind, M);
        shared s = {expected, kind};
        assert_ok(ctx, run(ctx, N, D, table(), expected, NULL, &o));
        for (int ranks = 1; ranks <= 3; ranks++) assert_ok(ctx, nrm_run_ranks(ctx, ranks, on_rank, &s));
    }
    nrm_ctx_destroy(ctx);
}

static void refuse(nrm_ctx *ctx, int64_t n, int64_t d, double *a, nrm_row_sketch_options o, nrm_status status, const char *message)
{
    double sa[64], before[64];
    for (int i = 0; i < 64; i++) before[i] = sa[i] = i;
    assert_status(ctx, run(ctx, n, d, a, sa, NULL, &o), status);
    assert_message(ctx, message);
    assert_memory_equal(sa, before, sizeof sa);
}

static void test_bad_input(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    nrm_row_sketch_options o = with(NRM_ROW_SKETCH_OSNAP, 4);

    refuse(ctx, 6, 2, a, nrm_row_sketch_options_default(), NRM_E_ARGUMENT, "rows");
    refuse(ctx, 6, 2, a, with(NRM_ROW_SKETCH_SRHT, 0), NRM_E_RANGE, "rows");
    refuse(ctx, 6, 2, a, with(NRM_ROW_SKETCH_SRHT, 9), NRM_E_RANGE, "ask for 8 or fewer");
    refuse(ctx, 6, 2, a, with(NRM_ROW_SKETCH_SRCT, 7), NRM_E_RANGE, "ask for 6 or fewer");
    refuse(ctx, 6, 2, a, o, NRM_E_RANGE, "8 nonzeros in a column of a sketch of 4 rows");
    o = with(NRM_ROW_SKETCH_SRHT, 4);
    o.total_rows = 7;
    refuse(ctx, 6, 2, a, o, NRM_E_SHAPE, "a has 6 rows, but total_rows is 7");
    for (int kind = 0; kind < KINDS; kind++) {
        o = with(kind, 4);
        o.nonzeros = 2;
        a[7] = kind % 2 ? (double)NAN : (double)-INFINITY;
        refuse(ctx, 6, 2, a, o, NRM_E_NONFINITE, "at row 3, column 1");
        a[7] = 8;
    }
    a[0] = a[2] = a[4] = a[6] = a[8] = a[10] = 1.7e308;
    refuse(ctx, 6, 2, a, with(NRM_ROW_SKETCH_GAUSSIAN, 4), NRM_E_OVERFLOW, "leaves the range of f64");
    o = with(NRM_ROW_SKETCH_SRHT, 4);
    assert_status(ctx, nrm_row_sketch(ctx, NULL, a, NULL, &o), NRM_E_NULL);
    assert_status(ctx, nrm_row_sketch_rows(ctx, &o, NULL), NRM_E_NULL);
    nrm_cancel(ctx);
    refuse(ctx, 6, 2, a, o, NRM_E_CANCELLED, "row-sketch: stopped on request");
    nrm_ctx_destroy(ctx);
}

static nrm_status every_example(nrm_ctx *ctx, void *user)
{
    const nrm_method *method = user;
    for (int i = 0; i < method->example_count; i++) {
        const nrm_status status = nrm_example_run(ctx, method, i);
        if (status < 0) return status;
    }
    return NRM_OK;
}

static void test_examples_and_allocation_failures(void **state)
{
    (void)state;
    const nrm_method *method = nrm_method_find("row-sketch");
    assert_non_null(method);
    nrm_test_allocation_failures(every_example, (void *)(uintptr_t)method, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_array), cmocka_unit_test(test_stream), cmocka_unit_test(test_threads),
              cmocka_unit_test(test_ranks), cmocka_unit_test(test_bad_input),
              cmocka_unit_test(test_examples_and_allocation_failures))
