/* test_program_run.c -- runs: no memory asked for, many at a time, stopped, watched, repeated;
 * and what is left when memory ends. */
#include "ops_kit.h"
#include <omp.h>

static nrm_node layer(nrm_node x, const char *name, int64_t in, int64_t out)
{
    nrm_graph *g = x.graph;
    nrm_graph_push(g, name);
    const nrm_node w = nrm_graph_parameter(g, "w", NRM_F64, 2, (int64_t[]){out, in}), b = nrm_graph_parameter(g, "b", NRM_F64, 1, &out);
    nrm_graph_pop(g);
    return nrm_op_linear(x, w, b);
}

enum { ROWS = 37, IN = 5, HIDDEN = 16, WEIGHTS = HIDDEN * IN + HIDDEN + HIDDEN + 1 };

/* A small network: the loss and its gradient. */
static nrm_status network(nrm_ctx *ctx, nrm_graph **g, nrm_program **p)
{
    nrm_node parameters[4], outputs[5];
    const nrm_status st = nrm_graph_create(ctx, g);
    if (st < 0) return st;
    const nrm_node x = nrm_graph_input(*g, "x", NRM_F64, 2, (int64_t[]){ROWS, IN});
    const nrm_node y = layer(nrm_op_tanh(layer(x, "first", IN, HIDDEN)), "second", HIDDEN, 1);
    const nrm_node noise = nrm_graph_uniform(*g, NRM_F64, 2, (int64_t[]){ROWS, 1}, 4);
    outputs[0] = nrm_op_mean_all(nrm_op_square(nrm_op_sub(y, noise)));
    nrm_graph_parameters(*g, 4, parameters);
    if (nrm_graph_check(*g) < 0) return nrm_graph_check(*g); /* then there are fewer parameters */
    nrm_graph_gradient(outputs[0], 4, parameters, outputs + 1);
    if (nrm_graph_check(*g) < 0) return nrm_graph_check(*g);
    return nrm_compile(ctx, 5, outputs, NULL, p);
}

static void fill(double *x, int n)
{
    for (int i = 0; i < n; i++) x[i] = sin(1 + 0.7 * i) * 0.5;
}
static void bind(nrm_ctx *ctx, nrm_instance *run, const double *x, const double *w)
{
    assert_ok(ctx, nrm_instance_bind(ctx, run, "x", x));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "first.w", w));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "first.b", w + HIDDEN * IN));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "second.w", w + HIDDEN * IN + HIDDEN));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "second.b", w + HIDDEN * IN + 2 * HIDDEN));
}

static void test_no_allocation(void **state)
{
    (void)state;
    ops_memory memory;
    nrm_ctx *ctx = ops_ctx(&memory, 0xFF);
    nrm_graph *g;
    nrm_program *p;
    nrm_instance *run;
    double x[ROWS * IN], w[WEIGHTS];
    fill(x, ROWS * IN);
    fill(w, WEIGHTS);
    assert_ok(ctx, network(ctx, &g, &p));
    nrm_graph_destroy(g); /* the program stands alone */
    assert_ok(ctx, nrm_instance_create(ctx, p, &run));
    bind(ctx, run, x, w);
    const int64_t before = memory.requests;
    for (int i = 0; i < 5; i++) assert_ok(ctx, nrm_run(ctx, run));
    assert_int_equal(memory.requests, before);
    nrm_instance_destroy(run);
    nrm_program_destroy(p);
    nrm_ctx_destroy(ctx);
    assert_int_equal(memory.live, 0);
}

/* Instances of one program in several threads, each with a context of its own. */
static void test_instances(void **state)
{
    (void)state;
    enum { INSTANCES = 4 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *p;
    double x[ROWS * IN], w[INSTANCES][WEIGHTS], losses[INSTANCES] = {0}, gradients[INSTANCES][HIDDEN];
    int failed = 0;
    fill(x, ROWS * IN);
    assert_ok(ctx, network(ctx, &g, &p));
    for (int round = 0; round < 2; round++) {
#pragma omp parallel for num_threads(round ? 4 : 1) reduction(+ : failed)
        for (int k = 0; k < INSTANCES; k++) {
            nrm_ctx *own = NULL;
            nrm_instance *run = NULL;
            fill(w[k], WEIGHTS);
            w[k][3] += k;
            bool good = nrm_ctx_create(&own, NULL) == NRM_OK && nrm_instance_create(own, p, &run) == NRM_OK;
            const double *arrays[5] = {x, w[k], w[k] + HIDDEN * IN, w[k] + HIDDEN * IN + HIDDEN, w[k] + HIDDEN * IN + 2 * HIDDEN};
            for (int i = 0; i < 5 && good; i++) good = nrm_instance_bind_at(own, run, i, arrays[i]) == NRM_OK;
            for (int i = 0; i < 20 && good; i++) {
                good = nrm_run(own, run) == NRM_OK;
                const double loss = *(const double *)nrm_instance_output(run, 0);
                if (round + i > 0) good = good && loss == losses[k] && memcmp(gradients[k], nrm_instance_output(run, 2), sizeof *gradients) == 0;
                losses[k] = loss;
                memcpy(gradients[k], nrm_instance_output(run, 2), sizeof *gradients);
            }
            failed += !good;
            nrm_instance_destroy(run);
            nrm_ctx_destroy(own);
        }
        assert_int_equal(failed, 0);
    }
    for (int k = 1; k < INSTANCES; k++) assert_true(losses[k] != losses[0]);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

static void test_cancelled_and_watched(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *p;
    nrm_instance *run;
    double x[ROWS * IN], w[WEIGHTS];
    fill(x, ROWS * IN);
    fill(w, WEIGHTS);
    assert_ok(ctx, network(ctx, &g, &p));
    assert_ok(ctx, nrm_instance_create(ctx, p, &run));
    bind(ctx, run, x, w);
    nrm_cancel(ctx);
    assert_status(ctx, nrm_run(ctx, run), NRM_E_CANCELLED);
    nrm_cancel_clear(ctx);
    nrm_instance_watch(run, true);
    assert_ok(ctx, nrm_run(ctx, run));
    x[7] = NAN;
    assert_status(ctx, nrm_run(ctx, run), NRM_E_NONFINITE);
    assert_message(ctx, "of a matmul of shape 37x16 (near parameter 'first.");
    x[7] = 0;
    w[HIDDEN * IN + HIDDEN + 1] = -INFINITY; /* the second layer's weight */
    assert_status(ctx, nrm_run(ctx, run), NRM_E_NONFINITE);
    assert_message(ctx, "(near parameter 'second.");
    nrm_instance_watch(run, false);
    assert_ok(ctx, nrm_run(ctx, run));
    assert_status(ctx, nrm_run(ctx, NULL), NRM_E_NULL);
    nrm_instance_destroy(run);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

/* Numbers are a function of seed, stream, step and place alone. */
static void test_uniform(void **state)
{
    (void)state;
    enum { N = 20001 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *p;
    nrm_instance *run;
    double *first = malloc(sizeof *first * N), mean = 0, square = 0;
    float *single = malloc(sizeof *single * N);
    assert_true(first && single);
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node nodes[5] = {nrm_graph_uniform(g, NRM_F64, 1, (int64_t[]){N}, 3), nrm_graph_uniform(g, NRM_F64, 2, (int64_t[]){3, 2}, 3),
                               nrm_graph_uniform(g, NRM_F64, 1, (int64_t[]){N}, 4), nrm_graph_uniform(g, NRM_F32, 1, (int64_t[]){N}, 3),
                               nrm_graph_uniform(g, NRM_F64, 1, (int64_t[]){N}, INT64_C(3) + (INT64_C(1) << 32))};
    assert_ok(ctx, nrm_compile(ctx, 5, nodes, NULL, &p));
    for (int round = 0; round < 6; round++) { /* 1, 2: repeated, on two threads; then another seed, step, high half of the step */
        assert_ok(ctx, nrm_set_threads(ctx, 1 + round % 2));
        assert_ok(ctx, nrm_instance_create(ctx, p, &run));
        nrm_instance_random(run, round == 3 ? 43 : 42, round == 4 ? 8 : round == 5 ? 7 + (UINT64_C(1) << 32) : 7);
        assert_ok(ctx, nrm_run(ctx, run));
        const double *u = nrm_instance_output(run, 0);
        const float *s = nrm_instance_output(run, 3);
        if (round == 0) {
            memcpy(first, u, sizeof *first * N);
            memcpy(single, s, sizeof *single * N);
            for (int i = 0; i < N; i++) {
                assert_true(u[i] >= 0 && u[i] < 1 && s[i] >= 0 && s[i] < 1);
                mean += u[i] / N;
                square += u[i] * u[i] / N;
            }
            assert_near(mean, 0.5, 0.01);
            assert_near(square, 1. / 3, 0.01);
        }
        const bool same = memcmp(u, first, sizeof *first * N) == 0 && memcmp(s, single, sizeof *single * N) == 0;
        assert_true(same == (round < 3));
        assert_memory_equal(nrm_instance_output(run, 1), u, 6 * sizeof *u); /* the same stream, another shape */
        assert_true(memcmp(nrm_instance_output(run, 2), u, sizeof *u * 8) != 0 && memcmp(nrm_instance_output(run, 4), u, sizeof *u * 8) != 0);
        nrm_instance_destroy(run);
    }
    free(first);
    free(single);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

/* ---- Memory that ends -------------------------------------------------------------------------------------- */

typedef struct ending { double x[ROWS * IN], w[WEIGHTS], loss; } ending;
static nrm_status body(nrm_ctx *ctx, void *user)
{
    ending *e = user;
    nrm_graph *g = NULL;
    nrm_program *p = NULL;
    nrm_instance *run = NULL;
    nrm_status st = network(ctx, &g, &p);
    if (st >= 0) st = nrm_instance_create(ctx, p, &run);
    if (st >= 0) {
        bind(ctx, run, e->x, e->w);
        st = nrm_run(ctx, run);
    }
    if (st >= 0) e->loss = *(const double *)nrm_instance_output(run, 0);
    nrm_instance_destroy(run);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    return st;
}

/* Forward derivatives, constants to fold, operations with many inputs, text. */
static nrm_status other_body(nrm_ctx *ctx, void *user)
{
    nrm_graph *g = NULL;
    nrm_program *p = NULL;
    nrm_node many[20], first, second, outputs[3];
    (void)user;
    nrm_status st = nrm_graph_create(ctx, &g);
    if (st < 0) return st;
    const nrm_node x = nrm_graph_input(g, "x", NRM_F64, 1, (int64_t[]){4}), c = nrm_graph_constant(g, NRM_F64, 1, (int64_t[]){4}, (double[]){1, 2, 3, 4});
    for (int i = 0; i < 20; i++) many[i] = nrm_op_sin(x);
    const nrm_node y = nrm_op_mul(nrm_op_concat(20, many, 0), nrm_op_sum_all(nrm_op_exp(c)));
    nrm_graph_jet(x, 1, &c, y, &first, &second);
    outputs[0] = second;
    outputs[1] = nrm_graph_hessian(nrm_op_sum_all(nrm_op_power(x, 3)), x);
    outputs[2] = first;
    st = nrm_graph_check(g);
    if (st >= 0) st = nrm_compile(ctx, 3, outputs, NULL, &p);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    ending e;
    fill(e.x, ROWS * IN);
    fill(e.w, WEIGHTS);
    e.loss = -7;
    nrm_test_allocation_failures(body, &e, &e.loss, sizeof e.loss);
    assert_true(e.loss > 0);
    nrm_test_allocation_failures(other_body, NULL, NULL, 0);
}

/* ---- A large graph ------------------------------------------------------------------------------------------- */

/* Two thousand nodes and their derivatives.  NRM_PRINT_TIMES=1 prints how long it took. */
static void test_large(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *p;
    nrm_node d[2], all[3];
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node x = nrm_graph_input(g, "x", NRM_F64, 2, (int64_t[]){16, 8}), w = nrm_graph_parameter(g, "w", NRM_F64, 2, (int64_t[]){8, 8});
    nrm_node y = x;
    for (int i = 0; nrm_graph_size(g) < 2000; i++) {
        const nrm_node z = nrm_op_sub(y, nrm_op_mean(y, 1, (int[]){1}, true));
        y = nrm_op_add(y, nrm_op_gelu(nrm_op_matmul(nrm_op_mul(z, nrm_op_rsqrt(nrm_op_shift(nrm_op_mean(nrm_op_square(z), 1, (int[]){1}, true), 1e-5))), w)));
    }
    all[0] = nrm_op_mean_all(nrm_op_square(y));
    nrm_graph_gradient(all[0], 2, (nrm_node[]){x, w}, d);
    all[1] = d[0];
    all[2] = d[1];
    const double start = omp_get_wtime();
    assert_ok(ctx, nrm_compile(ctx, 3, all, NULL, &p));
    const double seconds = omp_get_wtime() - start;
    const nrm_program_stats stats = nrm_program_statistics(p);
    if (getenv("NRM_PRINT_TIMES"))
        print_message("%lld nodes, %lld steps, arena %lld of %lld bytes, compiled in %.4f s\n", (long long)stats.program_nodes, (long long)stats.steps,
                      (long long)stats.arena_bytes, (long long)stats.array_bytes, seconds);
    assert_true(stats.program_nodes > 4000 && stats.fused_nodes > stats.program_nodes / 2);
    assert_true(stats.arena_bytes < stats.array_bytes);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_no_allocation), cmocka_unit_test(test_instances), cmocka_unit_test(test_cancelled_and_watched),
              cmocka_unit_test(test_uniform), cmocka_unit_test(test_memory), cmocka_unit_test(test_large))
