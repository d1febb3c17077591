/* test_program.c -- compiling, binding and running: the contract of norma/program.h. */
#include "ops_kit.h"
#include <norma/call.h>

typedef struct fixture {
    nrm_ctx *ctx;
    nrm_graph *g;
    nrm_program *p;
    nrm_instance *run;
} fixture;

static fixture begin(void)
{
    fixture f = {.ctx = nrm_test_ctx(NULL)};
    assert_ok(f.ctx, nrm_graph_create(f.ctx, &f.g));
    return f;
}
static void ready(fixture *f, int count, const nrm_node *outputs)
{
    assert_ok(f->ctx, nrm_compile(f->ctx, count, outputs, NULL, &f->p));
    assert_ok(f->ctx, nrm_instance_create(f->ctx, f->p, &f->run));
}
static void end(fixture f)
{
    nrm_instance_destroy(f.run);
    nrm_program_destroy(f.p);
    nrm_graph_destroy(f.g);
    nrm_ctx_destroy(f.ctx);
}
static const double *output(const fixture *f, int k) { return nrm_instance_output(f->run, k); }
static nrm_node vector(fixture f, const char *name, int64_t n) { return nrm_graph_input(f.g, name, NRM_F64, 1, &n); }

/* ---- Binding ---------------------------------------------------------------------------------------- */

static void test_binding(void **state)
{
    (void)state;
    fixture f = begin();
    double x[3] = {1, 2, 3}, w[3] = {4, 5, 6}, out[3];
    nrm_program_array array;
    const nrm_node in = vector(f, "input", 3), idle = vector(f, "idle", 9);
    const nrm_node weight = nrm_graph_parameter(f.g, "weight", NRM_F64, 1, (int64_t[]){3});
    const nrm_node y = nrm_op_mul(in, weight);
    (void)idle;
    ready(&f, 1, &y);
    assert_int_equal(nrm_program_input_count(f.p), 3);
    assert_int_equal(nrm_program_output_count(f.p), 1);
    assert_true(nrm_program_input(f.p, 1, &array) && !array.used && !array.parameter && array.count == 9);
    assert_string_equal(array.name, "idle");
    assert_true(nrm_program_input(f.p, 2, &array) && array.used && array.parameter && array.ndim == 1 && array.shape[0] == 3);
    assert_true(nrm_program_output(f.p, 0, &array) && array.dtype == NRM_F64 && array.count == 3 && !*array.name);
    assert_false(nrm_program_input(f.p, 3, &array) || nrm_program_input(f.p, -1, &array) || nrm_program_output(f.p, 1, &array) || nrm_program_input(NULL, 0, &array));

    assert_status(f.ctx, nrm_run(f.ctx, f.run), NRM_E_ARGUMENT);
    assert_message(f.ctx, "'input' is not bound");
    assert_ok(f.ctx, nrm_instance_bind(f.ctx, f.run, "input", x));
    assert_status(f.ctx, nrm_run(f.ctx, f.run), NRM_E_ARGUMENT);
    assert_message(f.ctx, "'weight' is not bound");
    assert_status(f.ctx, nrm_instance_bind(f.ctx, f.run, "wieght", w), NRM_E_ARGUMENT);
    assert_message(f.ctx, "there is no input 'wieght'; did you mean 'weight'?");
    assert_status(f.ctx, nrm_instance_bind(f.ctx, f.run, "something else", w), NRM_E_ARGUMENT);
    assert_status(f.ctx, nrm_instance_bind(f.ctx, f.run, "weight", NULL), NRM_E_NULL);
    assert_status(f.ctx, nrm_instance_bind(f.ctx, NULL, "weight", w), NRM_E_NULL);
    assert_status(f.ctx, nrm_instance_bind_at(f.ctx, f.run, 3, w), NRM_E_RANGE);
    assert_status(f.ctx, nrm_instance_bind_output(f.ctx, f.run, 1, w), NRM_E_RANGE);
    assert_ok(f.ctx, nrm_instance_bind_at(f.ctx, f.run, 2, w));
    assert_ok(f.ctx, nrm_run(f.ctx, f.run)); /* "idle" need not be bound */
    assert_all_near(output(&f, 0), ((double[]){4, 10, 18}), 3, 0);
    assert_null(nrm_instance_output(f.run, 1));

    assert_ok(f.ctx, nrm_instance_bind_output(f.ctx, f.run, 0, out));
    x[0] = -1; /* read anew by every run */
    assert_ok(f.ctx, nrm_run(f.ctx, f.run));
    assert_ptr_equal(output(&f, 0), out);
    assert_all_near(out, ((double[]){-4, 10, 18}), 3, 0);
    assert_ok(f.ctx, nrm_instance_bind_output(f.ctx, f.run, 0, NULL));
    x[0] = 7;
    assert_ok(f.ctx, nrm_run(f.ctx, f.run));
    assert_near(output(&f, 0)[0], 28, 0);
    assert_near(out[0], -4, 0);
    end(f);
}

/* Outputs of every kind, in the instance and bound: views, inputs, fills, constants, one node
 * twice, a part of another output, empty, scalar. */
static void test_outputs(void **state)
{
    (void)state;
    enum { COUNT = 14 };
    static const double expected[COUNT][6] = {{1, 4, 2, 5, 3, 6}, {1, 2, 3, 4, 5, 6}, {7, 7}, {8, 9}, {2, 4, 6, 8, 10, 12}, {2, 4, 6, 8, 10, 12}, {8, 10, 12},
                                              {0}, {21}, {3}, {9}, {4, 5, 6}, {0, 1, 2}, {2, 8, 4, 10, 6, 12}};
    static const int64_t counts[COUNT] = {6, 6, 2, 2, 6, 6, 3, 0, 1, 1, 1, 3, 3, 6};
    for (int way = 0; way < 4; way++) { /* optimised or not, bound or not */
        fixture f = begin();
        double x[6] = {1, 2, 3, 4, 5, 6}, *results[COUNT];
        const nrm_node in = nrm_graph_input(f.g, "x", NRM_F64, 2, (int64_t[]){2, 3});
        const nrm_node twice = nrm_op_scale(in, 2), constant = nrm_graph_constant(f.g, NRM_F64, 1, (int64_t[]){2}, (double[]){8, 9});
        const nrm_node nodes[COUNT] = {nrm_op_transpose(in), in, nrm_graph_fill(f.g, NRM_F64, 1, (int64_t[]){2}, 7), constant, twice, twice,
                                       nrm_op_slice(twice, 0, 1, 2, 1), nrm_op_slice(in, 0, 0, 0, 1), nrm_op_sum_all(in), nrm_graph_scalar(f.g, NRM_F64, 3),
                                       nrm_op_slice(constant, 0, 1, 2, 1), nrm_op_slice(in, 0, 1, 2, 1), nrm_graph_range(f.g, NRM_I64, 3), nrm_op_transpose(twice)};
        ops_evaluate(f.ctx, COUNT, nodes, (void *[]){x}, (ops_mode){way & 1, true, 1, way & 2}, results);
        for (int k = 0; k < COUNT; k++) {
            assert_int_equal(ops_count(nodes[k]), counts[k]);
            assert_all_near(results[k], expected[k], counts[k], 0);
            free(results[k]);
        }
        end(f);
    }
}

/* ---- What the passes do ---------------------------------------------------------------------------------- */

static void test_cleaning(void **state)
{
    (void)state;
    fixture f = begin();
    double x[4] = {1, 2, 3, 4};
    const nrm_node in = vector(f, "x", 4), zero = nrm_graph_scalar(f.g, NRM_F64, 0);
    const nrm_node table = ops_constant(in, 1, (int64_t[]){4}, (double[]){1, 0, -1, 2});
    const nrm_node heavy = nrm_op_exp(nrm_op_sin(nrm_op_mul(table, table)));         /* folded */
    const nrm_node a = nrm_op_tanh(in), b = nrm_op_tanh(in);                          /* one */
    const nrm_node same = nrm_op_neg(nrm_op_neg(nrm_op_add(nrm_op_scale(in, 1), zero))); /* x itself */
    const nrm_node y = nrm_op_sum_all(nrm_op_mul(nrm_op_mul(nrm_op_add(a, b), heavy), same));
    ready(&f, 1, &y);
    const nrm_program_stats stats = nrm_program_statistics(f.p);
    assert_true(stats.graph_nodes >= 17 && stats.program_nodes <= 8);
    assert_int_equal(stats.steps, 1);
    assert_int_equal(stats.fused_nodes, 5);
    assert_true(stats.arena_bytes <= stats.array_bytes);
    assert_near(stats.bytes, 4 * 8 + 4 * 8 + 8, 0); /* x, the constant, the sum */
    assert_ok(f.ctx, nrm_instance_bind(f.ctx, f.run, "x", x));
    assert_ok(f.ctx, nrm_run(f.ctx, f.run));
    double expected = 0;
    for (int i = 0; i < 4; i++) expected += 2 * tanh(x[i]) * exp(sin(pow(((double[]){1, 0, -1, 2})[i], 2))) * x[i];
    assert_near(*output(&f, 0), expected, 1e-14);
    assert_true(nrm_program_statistics(NULL).steps == 0);
    end(f);
}

/* Factors are joined only where their product is a number as good as they are. */
static void test_factors(void **state)
{
    (void)state;
    fixture f = begin();
    double x[2] = {1e-300, 1e200};
    float z[2] = {1e-30f, 1e25f};
    const nrm_node in = vector(f, "x", 2), single = nrm_graph_input(f.g, "z", NRM_F32, 1, (int64_t[]){2});
    const nrm_node y[5] = {nrm_op_scale(nrm_op_scale(in, 1e200), 1e200), nrm_op_scale(nrm_op_scale(in, 1e-200), 1e-200), nrm_op_scale(nrm_op_scale(in, 3), 0.25),
                           nrm_op_scale(nrm_op_scale(single, 1e25), 1e25), nrm_op_sum_all(nrm_graph_fill(f.g, NRM_F64, 2, (int64_t[]){0, 3}, INFINITY))};
    ready(&f, 5, y);
    assert_ok(f.ctx, nrm_instance_bind(f.ctx, f.run, "x", x));
    assert_ok(f.ctx, nrm_instance_bind(f.ctx, f.run, "z", z));
    assert_ok(f.ctx, nrm_run(f.ctx, f.run));
    assert_near(output(&f, 0)[0] * 1e-100, 1, 1e-14);
    assert_near(output(&f, 1)[1] * 1e200, 1, 1e-14);
    assert_near(output(&f, 2)[1], 0.75e200, 1e-14);
    assert_near((double)((const float *)nrm_instance_output(f.run, 3))[0] * 1e-20, 1, 1e-6);
    assert_near(*output(&f, 4), 0, 0);
    end(f);
}

/* {y, z} is one sweep, early by y and late by z; joining a and b would make a circle of the two:
 * b needs a roll of y, and z a roll of a. */
static void test_no_circle(void **state)
{
    (void)state;
    fixture f = begin();
    double p[6] = {1, 2, 3, 4, 5, 6}, q[6] = {.1, .2, .3, .4, .5, .6};
    const nrm_node in = vector(f, "p", 6), other = vector(f, "q", 6);
    const nrm_node y = nrm_op_sin(in), rolled = nrm_op_roll(y, 0, 1), a = nrm_op_cos(other);
    const nrm_node both[2] = {nrm_op_mul(y, nrm_op_roll(a, 0, 2)), nrm_op_mul(a, rolled)};
    ready(&f, 2, both);
    assert_ok(f.ctx, nrm_instance_bind(f.ctx, f.run, "p", p));
    assert_ok(f.ctx, nrm_instance_bind(f.ctx, f.run, "q", q));
    assert_ok(f.ctx, nrm_run(f.ctx, f.run));
    for (int i = 0; i < 6; i++) {
        assert_near(output(&f, 0)[i], sin(p[i]) * cos(q[(i + 4) % 6]), 1e-15);
        assert_near(output(&f, 1)[i], cos(q[i]) * sin(p[(i + 5) % 6]), 1e-15);
    }
    end(f);
}

/* z may not lie where a does: a's first element is read again after z is written. */
static void test_no_overwriting(void **state)
{
    (void)state;
    fixture f = begin();
    double x[64], c = 3;
    for (int i = 0; i < 64; i++) x[i] = 0.01 * i + 0.5;
    const nrm_node in = vector(f, "x", 64), scalar = nrm_graph_input(f.g, "c", NRM_F64, 0, NULL);
    const nrm_node a = nrm_op_roll(nrm_op_tanh(in), 0, 1), first = nrm_op_reshape(nrm_op_slice(a, 0, 0, 1, 1), 0, NULL);
    const nrm_node u = nrm_op_mul(first, scalar), z = nrm_op_exp(a);
    const nrm_node both[2] = {z, nrm_op_mul(nrm_op_mul(nrm_op_sum_all(z), u), first)};
    ready(&f, 2, both);
    assert_ok(f.ctx, nrm_instance_bind(f.ctx, f.run, "x", x));
    assert_ok(f.ctx, nrm_instance_bind(f.ctx, f.run, "c", &c));
    assert_ok(f.ctx, nrm_run(f.ctx, f.run));
    double sum = 0;
    for (int i = 0; i < 64; i++) sum += exp(tanh(x[i]));
    assert_near(*output(&f, 1), sum * 3 * pow(tanh(x[63]), 2), 1e-14);
    end(f);
}

/* The most registers and numbers that one sweep can ask for: small members, each with two
 * numbers of its own and spread over rows. */
static void test_many_operands(void **state)
{
    (void)state;
    fixture f = begin();
    double x[40], sum[8] = {0};
    for (int i = 0; i < 40; i++) x[i] = 0.05 * i - 1;
    const nrm_node in = nrm_graph_input(f.g, "x", NRM_F64, 2, (int64_t[]){8, 5});
    const nrm_node total = nrm_op_sum(in, 1, (int[]){1}, true);
    nrm_node y = in;
    for (int i = 0; i < 60; i++) {
        const nrm_node c = nrm_op_where(total, nrm_graph_scalar(f.g, NRM_F64, 1 + 0.001 * i), nrm_graph_scalar(f.g, NRM_F64, 2 + 0.001 * i));
        y = nrm_op_add(y, c);
    }
    ready(&f, 1, &y);
    assert_ok(f.ctx, nrm_instance_bind(f.ctx, f.run, "x", x));
    assert_ok(f.ctx, nrm_run(f.ctx, f.run));
    for (int i = 0; i < 40; i++) sum[i / 5] += x[i];
    for (int i = 0; i < 40; i++) assert_near(output(&f, 0)[i], x[i] + 60 * (sum[i / 5] != 0 ? 1 : 2) + 0.001 * 59 * 30, 1e-13);
    end(f);
}

static void test_descriptions(void **state)
{
    (void)state;
    fixture f = begin();
    char *text = NULL;
    nrm_program *none = NULL;
    const nrm_node in = vector(f, "quo\"te\\", 4), w = nrm_graph_parameter(f.g, "w", NRM_F64, 2, (int64_t[]){4, 4});
    const nrm_node y = nrm_op_roll(nrm_op_sin(nrm_op_matmul(nrm_op_reshape(in, 2, (int64_t[]){1, 4}), w)), 1, 1);
    ready(&f, 1, &y);
    assert_ok(f.ctx, nrm_program_text(f.ctx, f.p, &text));
    assert_non_null(strstr(text, "step 0: product"));
    assert_non_null(strstr(text, "step 1: sweep of 4 elements"));
    assert_non_null(strstr(text, "= sin %"));
    assert_non_null(strstr(text, "= concat %"));
    nrm_free_string(f.ctx, text);
    assert_ok(f.ctx, nrm_program_graphviz(f.ctx, f.p, &text));
    assert_int_equal(strncmp(text, "digraph program {", 17), 0);
    assert_non_null(strstr(text, "quo\\\"te\\\\"));
    assert_non_null(strstr(text, " -> n"));
    int depth = 0;
    for (const char *c = text; *c; c++) depth += (*c == '{') - (*c == '}');
    assert_int_equal(depth, 0);
    nrm_free_string(f.ctx, text);
    assert_status(f.ctx, nrm_program_text(f.ctx, none, &text), NRM_E_NULL);
    assert_status(f.ctx, nrm_program_graphviz(f.ctx, f.p, NULL), NRM_E_NULL);
    end(f);
}

NRM_TEST_MAIN(cmocka_unit_test(test_binding), cmocka_unit_test(test_outputs), cmocka_unit_test(test_cleaning), cmocka_unit_test(test_factors),
              cmocka_unit_test(test_no_circle), cmocka_unit_test(test_no_overwriting), cmocka_unit_test(test_many_operands), cmocka_unit_test(test_descriptions))
