/* Sums over a long batch in pieces: against one program over the whole batch. */
#include "testkit.h"
#include <norma/norma.h>

enum { N = 105, D = 7, PIECE = 5 };

typedef struct model { nrm_graph *graph; nrm_node outputs[3]; } model;

/* sum of log cosh(x w) over the rows, its gradient by w, and by a scale. */
static model build(nrm_ctx *ctx, int64_t rows)
{
    model m;
    nrm_node p[2];
    assert_ok(ctx, nrm_graph_create(ctx, &m.graph));
    const nrm_node x = nrm_graph_input(m.graph, "x", NRM_F64, 2, (int64_t[]){rows, D});
    p[0] = nrm_graph_parameter(m.graph, "w", NRM_F64, 2, (int64_t[]){D, 3});
    p[1] = nrm_graph_parameter(m.graph, "s", NRM_F64, 0, NULL);
    const nrm_node z = nrm_op_mul(nrm_op_matmul(x, p[0]), p[1]);
    m.outputs[0] = nrm_op_sum_all(nrm_op_log(nrm_op_add(nrm_op_exp(z), nrm_op_exp(nrm_op_neg(z)))));
    nrm_graph_gradient(m.outputs[0], 2, p, m.outputs + 1);
    assert_ok(ctx, nrm_graph_check(m.graph));
    return m;
}

static double x[N * D], w[D * 3], s = 0.7;

static void fill(void)
{
    uint64_t seed = 3;
    for (int i = 0; i < N * D; i++) x[i] = nrm_test_normal(&seed);
    for (int i = 0; i < D * 3; i++) w[i] = nrm_test_normal(&seed);
}

/* One program over all rows. */
static void whole(nrm_ctx *ctx, double *loss, double *dw, double *ds)
{
    model m = build(ctx, N);
    nrm_program *program;
    nrm_instance *i;
    assert_ok(ctx, nrm_compile(ctx, 3, m.outputs, NULL, &program));
    assert_ok(ctx, nrm_instance_create(ctx, program, &i));
    assert_ok(ctx, nrm_instance_bind(ctx, i, "x", x));
    assert_ok(ctx, nrm_instance_bind(ctx, i, "w", w));
    assert_ok(ctx, nrm_instance_bind(ctx, i, "s", &s));
    assert_ok(ctx, nrm_run(ctx, i));
    *loss = *(const double *)nrm_instance_output(i, 0);
    memcpy(dw, nrm_instance_output(i, 1), D * 3 * sizeof *dw);
    *ds = *(const double *)nrm_instance_output(i, 2);
    nrm_instance_destroy(i);
    nrm_program_destroy(program);
    nrm_graph_destroy(m.graph);
}

static void test_sums(void **state)
{
    double loss, dw[D * 3], ds, first[D * 3], bound[D * 3];
    (void)state;
    fill();
    for (int threads = 1; threads <= 2; threads++) {
        nrm_test_memory memory = {.fail_at = -1};
        nrm_ctx *ctx = nrm_test_ctx(&memory);
        nrm_program *program;
        nrm_pieces *p;
        assert_ok(ctx, nrm_set_threads(ctx, threads));
        whole(ctx, &loss, dw, &ds);
        model m = build(ctx, PIECE);
        assert_ok(ctx, nrm_compile(ctx, 3, m.outputs, NULL, &program));
        assert_ok(ctx, nrm_pieces_create(ctx, program, &p));
        assert_ok(ctx, nrm_pieces_bind(ctx, p, "x", x, PIECE * D * (int64_t)sizeof *x));
        assert_ok(ctx, nrm_pieces_bind(ctx, p, "w", w, 0));
        assert_ok(ctx, nrm_pieces_bind(ctx, p, "s", &s, 0));
        const int64_t before = memory.requests;
        assert_ok(ctx, nrm_pieces_run(ctx, p, N / PIECE, 0.5));
        assert_int_equal(memory.requests, before); /* a run allocates nothing */
        assert_near(*(const double *)nrm_pieces_output(p, 0), 0.5 * loss, 1e-13);
        for (int i = 0; i < D * 3; i++) assert_near(((const double *)nrm_pieces_output(p, 1))[i], 0.5 * dw[i], 1e-12);
        assert_near(*(const double *)nrm_pieces_output(p, 2), 0.5 * ds, 1e-12);
        if (threads == 1) memcpy(first, nrm_pieces_output(p, 1), sizeof first);
        else assert_memory_equal(first, nrm_pieces_output(p, 1), sizeof first); /* the same bits */
        assert_ok(ctx, nrm_pieces_bind_output(ctx, p, 1, bound));
        assert_ok(ctx, nrm_pieces_run(ctx, p, N / PIECE, 0.5));
        assert_memory_equal(first, bound, sizeof first);
        nrm_pieces_destroy(p);
        nrm_program_destroy(program);
        nrm_graph_destroy(m.graph);
        nrm_ctx_destroy(ctx);
        assert_int_equal(memory.live, 0);
    }
}

static void test_contract(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    model m = build(ctx, PIECE);
    nrm_program *program;
    nrm_pieces *p;
    (void)state;
    fill();
    assert_ok(ctx, nrm_compile(ctx, 3, m.outputs, NULL, &program));
    assert_ok(ctx, nrm_pieces_create(ctx, program, &p));
    assert_status(ctx, nrm_pieces_run(ctx, p, 2, 1), NRM_E_ARGUMENT);
    assert_message(ctx, "'x' is not bound");
    assert_status(ctx, nrm_pieces_bind(ctx, p, "y", x, 8), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_pieces_run(ctx, p, 0, 1), NRM_E_RANGE);
    assert_status(ctx, nrm_pieces_run(ctx, p, 1, NAN), NRM_E_NONFINITE);
    assert_status(ctx, nrm_pieces_bind_output(ctx, p, 3, x), NRM_E_RANGE);
    assert_null(nrm_pieces_output(p, 3));
    assert_ok(ctx, nrm_pieces_bind(ctx, p, "x", x, 0));
    assert_ok(ctx, nrm_pieces_bind(ctx, p, "w", w, 0));
    assert_ok(ctx, nrm_pieces_bind(ctx, p, "s", &s, 0));
    nrm_cancel(ctx);
    assert_status(ctx, nrm_pieces_run(ctx, p, 3, 1), NRM_E_CANCELLED);
    nrm_cancel_clear(ctx);
    nrm_pieces_destroy(p);
    nrm_program_destroy(program);
    const nrm_node index = nrm_graph_range(m.graph, NRM_I64, 3);
    assert_ok(ctx, nrm_compile(ctx, 1, &index, NULL, &program));
    assert_status(ctx, nrm_pieces_create(ctx, program, &p), NRM_E_DTYPE);
    nrm_program_destroy(program);
    nrm_graph_destroy(m.graph);
    nrm_ctx_destroy(ctx);
}

/* The masks of dropout differ from piece to piece and repeat with the step. */
static void test_random_streams(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *program;
    nrm_pieces *p;
    double sums[3];
    (void)state;
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node sum = nrm_op_sum_all(nrm_graph_uniform(g, NRM_F64, 1, (int64_t[]){10}, 4));
    assert_ok(ctx, nrm_compile(ctx, 1, &sum, NULL, &program));
    assert_ok(ctx, nrm_pieces_create(ctx, program, &p));
    for (int k = 0; k < 3; k++) {
        nrm_pieces_random(p, 1, k == 1 ? 3 : 0);
        assert_ok(ctx, nrm_pieces_run(ctx, p, 3, 1));
        sums[k] = *(const double *)nrm_pieces_output(p, 0);
    }
    assert_true(sums[0] == sums[2] && sums[0] != sums[1] && fabs(sums[0] - 15) < 5);
    nrm_pieces_destroy(p);
    nrm_program_destroy(program);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

static nrm_status run_once(nrm_ctx *ctx, void *user)
{
    nrm_graph *g = NULL;
    nrm_program *program = NULL;
    nrm_pieces *p = NULL;
    (void)user;
    nrm_status st = nrm_graph_create(ctx, &g);
    if (st >= 0) {
        const nrm_node y = nrm_op_sum_all(nrm_op_square(nrm_graph_input(g, "x", NRM_F64, 1, (int64_t[]){D})));
        st = nrm_compile(ctx, 1, &y, NULL, &program);
    }
    if (st >= 0) st = nrm_pieces_create(ctx, program, &p);
    if (st >= 0) st = nrm_pieces_bind(ctx, p, "x", x, D * (int64_t)sizeof *x);
    if (st >= 0) st = nrm_pieces_run(ctx, p, N, 1);
    nrm_pieces_destroy(p);
    nrm_program_destroy(program);
    nrm_graph_destroy(g);
    return st;
}

static void test_memory_that_runs_out(void **state)
{
    (void)state;
    nrm_test_allocation_failures(run_once, NULL, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_sums), cmocka_unit_test(test_contract), cmocka_unit_test(test_random_streams),
              cmocka_unit_test(test_memory_that_runs_out))
