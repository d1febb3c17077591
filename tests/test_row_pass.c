/* test_row_pass.c -- one pass over the rows of [A b], shared by ranks. */
#include "data/formats.h"
#include "data/row_pass.h"
#include "rows_kit.h"
#include <norma/comm.h>

enum { ROWS = 23, COLS = 3 };
static double all_a[ROWS * COLS], all_b[ROWS];
static char as_text[ROWS * COLS * 8];

static void make(void)
{
    for (int i = 0; i < ROWS * COLS; i++) all_a[i] = i;
    for (int i = 0; i < ROWS; i++) all_b[i] = -i;
    int n = 0;
    for (int i = 0; i < ROWS; i++)
        n += snprintf(as_text + n, sizeof as_text - (size_t)n, "%d,%d,%d\n", 3 * i, 3 * i + 1, 3 * i + 2);
}

/* The same rows from text, whose length is not known beforehand. */
static nrm_rows *rows_of_text(nrm_ctx *ctx)
{
    nrm_rows *rows;
    assert_ok(ctx, nrm_rows_open_memory(ctx, &rows, "a.csv", as_text, strlen(as_text), 0));
    return rows;
}

/* Every rank adds what it sees into a table of its own; the sum has every row once. */
typedef struct shared { int64_t unit; bool text; } shared;

static nrm_status share(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const shared *s = user;
    double seen[ROWS * (COLS + 1) + 1] = {0};
    nrm_row_pass *pass;
    nrm_row_chunk c;
    nrm_status st;
    int64_t n;

    nrm_rows *a = s->text ? rows_of_text(ctx) : rows_of(ctx, ROWS, COLS, all_a), *b = rows_of(ctx, ROWS, 1, all_b);
    for (int turn = 0; turn < 2; turn++) { /* again: rewound */
        assert_ok(ctx, nrm_row_pass_begin(ctx, "t", a, b, s->unit, "testing", &pass));
        for (;;) {
            st = nrm_row_pass_next(ctx, pass, &c);
            if (st < 0 || c.count == 0) break;
            assert_int_equal(c.first % s->unit, 0);
            assert_int_equal(c.first / s->unit % nrm_comm_size(comm), nrm_comm_rank(comm));
            assert_int_equal(c.count, nrm_min_i64(s->unit, ROWS - c.first));
            for (int64_t i = 0; i < c.count; i++) {
                for (int64_t j = 0; j < COLS; j++) seen[(c.first + i) * 4 + j] += c.a[i * c.lda + j];
                seen[(c.first + i) * 4 + 3] += c.b[i * c.ldb];
            }
        }
        NRM_TRY(nrm_row_pass_end(ctx, &pass, st, &n));
        assert_int_equal(n, ROWS);
    }
    NRM_TRY(nrm_sum_ranks(ctx, "t", seen, ROWS * 4));
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < 4; j++) assert_true(seen[i * 4 + j] == 2 * (j < 3 ? all_a[i * 3 + j] : all_b[i]));
    nrm_rows_close(ctx, a);
    nrm_rows_close(ctx, b);
    return NRM_OK;
}

static void test_ranks(void **state)
{
    (void)state;
    static const int64_t units[] = {1, 4, 23, 100};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    make();
    for (int ranks = 1; ranks <= 3; ranks++)
        for (int u = 0; u < 4; u++)
            for (int text = 0; text < 2; text++)
                assert_ok(ctx, nrm_run_ranks(ctx, ranks, share, &(shared){units[u], text}));
    nrm_ctx_destroy(ctx);
}

/* One rank's mistake is everybody's, with the row's number. */
static nrm_status refuse(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    (void)comm;
    const int64_t of_b = *(const int64_t *)user;
    nrm_rows *a = rows_of(ctx, ROWS, COLS, all_a), *b = rows_of(ctx, of_b, 1, all_b);
    nrm_row_pass *pass;
    nrm_row_chunk c;
    nrm_status st;

    assert_ok(ctx, nrm_row_pass_begin(ctx, "t", a, b, 4, "testing", &pass));
    do st = nrm_row_pass_next(ctx, pass, &c);
    while (st >= 0 && c.count > 0);
    st = nrm_row_pass_end(ctx, &pass, st, NULL);
    nrm_rows_close(ctx, a);
    nrm_rows_close(ctx, b);
    return st;
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    make();
    for (int ranks = 1; ranks <= 3; ranks++) {
        int64_t of_b = ROWS - 9;
        assert_int_equal(nrm_run_ranks(ctx, ranks, refuse, &of_b), NRM_E_SHAPE);
        assert_message(ctx, "b ends before row 14, but a goes on");
        of_b = ROWS;
        all_a[19 * COLS + 1] = NAN;
        assert_int_equal(nrm_run_ranks(ctx, ranks, refuse, &of_b), NRM_E_NONFINITE);
        assert_message(ctx, "t: a is nan at row 19, column 1; it must be finite");
        make();
    }
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_ranks), cmocka_unit_test(test_refusals))
