/* test_autodiff.c -- derivatives of graphs: shared nodes, high orders, jets, Hessians; names and
 * reading; and what a graph says when something does not fit. */
#include "ops_kit.h"

typedef struct fixture {
    nrm_ctx *ctx;
    nrm_graph *g;
} fixture;
static fixture begin(void)
{
    fixture f = {.ctx = nrm_test_ctx(NULL)};
    assert_ok(f.ctx, nrm_graph_create(f.ctx, &f.g));
    return f;
}
static void end(fixture f)
{
    nrm_graph_destroy(f.g);
    nrm_ctx_destroy(f.ctx);
}
/* Outputs to doubles, to y one after another. */
static void run(fixture f, int count, const nrm_node *nodes, void *const *data, double *y)
{
    double *results[32];
    assert_ok(f.ctx, nrm_graph_check(f.g));
    ops_evaluate(f.ctx, count, nodes, data, (ops_mode){true, true, 1, false}, results);
    for (int k = 0; k < count; k++) {
        const int64_t n = ops_count(nodes[k]);
        memcpy(y, results[k], sizeof *y * (size_t)n);
        y += n;
        free(results[k]);
    }
}

/* ---- Reverse ------------------------------------------------------------------------------------- */

static void test_shared(void **state)
{
    (void)state;
    fixture f = begin();
    double x = 0.7, unused[2] = {1, 2}, y[8];
    const nrm_node in = nrm_graph_input(f.g, "x", NRM_F64, 0, NULL), other = nrm_graph_input(f.g, "unused", NRM_F64, 1, (int64_t[]){2});
    const nrm_node a = nrm_op_square(in), b = nrm_op_mul(a, in), c = nrm_op_mul(b, nrm_op_add(a, a)); /* 2 x^5 */
    nrm_node all[5] = {c};
    nrm_graph_gradient(c, 3, (nrm_node[]){in, other, c}, &all[1]); /* by itself: 1 */
    nrm_graph_gradient(c, 1, &a, &all[4]);                         /* by a node inside: 4 b = 4 x^3 */
    run(f, 5, all, (void *[]){&x, unused}, y);
    assert_near(y[0], 2 * pow(x, 5), 1e-15);
    assert_near(y[1], 10 * pow(x, 4), 1e-14);
    assert_all_near(y + 2, ((double[]){0, 0, 1}), 3, 0);
    /* b x a and a are different paths: db/da = x, so d/da of x a (a + a) with x kept is 4 x a = 4 x^3 */
    assert_near(y[5], 4 * pow(x, 3), 1e-14);
    end(f);
}

static void test_several_outputs(void **state)
{
    (void)state;
    fixture f = begin();
    double x[3] = {1, 2, 3}, w[2] = {5, -1}, y[16];
    const nrm_node in[2] = {nrm_graph_input(f.g, "x", NRM_F64, 1, (int64_t[]){3}), nrm_graph_input(f.g, "w", NRM_F64, 2, (int64_t[]){2, 1})};
    const nrm_node outputs[3] = {nrm_op_mul(in[0], in[1]), nrm_op_square(in[0]), nrm_op_exp(in[1])};
    const nrm_node cotangents[3] = {nrm_graph_fill(f.g, NRM_F64, 2, (int64_t[]){2, 3}, 1), nrm_graph_fill(f.g, NRM_F64, 1, (int64_t[]){3}, 10), {0}};
    nrm_node all[4];
    nrm_graph_vjp(3, outputs, cotangents, 2, in, all);
    const nrm_node tangents[2] = {{0}, nrm_graph_fill(f.g, NRM_F64, 2, (int64_t[]){2, 1}, 2)};
    nrm_graph_jvp(2, in, tangents, 2, outputs, all + 2);
    run(f, 4, all, (void *[]){x, w}, y);
    assert_all_near(y, ((double[]){24, 44, 64, 6, 6}), 5, 0);
    assert_all_near(y + 5, ((double[]){2, 4, 6, 2, 4, 6, 0, 0, 0}), 9, 0);
    end(f);
}

static void test_flat(void **state)
{
    (void)state;
    fixture f = begin();
    double x[3] = {-1, 0.5, 2}, y[12];
    const nrm_node in = nrm_graph_input(f.g, "x", NRM_F64, 1, (int64_t[]){3}), zero = nrm_graph_scalar(f.g, NRM_F64, 0.3);
    nrm_node all[4];
    nrm_graph_gradient(nrm_op_sum_all(nrm_op_mul(nrm_op_stop_gradient(in), in)), 1, &in, &all[0]);
    nrm_graph_gradient(nrm_op_sum_all(nrm_op_add(nrm_op_step(in), nrm_op_less(in, zero))), 1, &in, &all[1]);
    nrm_graph_gradient(nrm_op_sum_all(nrm_op_where(in, in, nrm_op_exp(in))), 1, &in, &all[2]);
    nrm_graph_jvp(1, &in, (nrm_node[]){nrm_graph_fill(f.g, NRM_F64, 1, (int64_t[]){3}, 1)}, 1, (nrm_node[]){nrm_op_add(nrm_op_floor(in), nrm_op_equal(in, in))}, &all[3]);
    run(f, 4, all, (void *[]){x}, y);
    assert_all_near(y, ((double[]){-1, 0.5, 2, 0, 0, 0, 1, 1, 1, 0, 0, 0}), 12, 0);
    end(f);
}

/* ---- Orders ------------------------------------------------------------------------------------------ */

static void test_third_order(void **state)
{
    (void)state;
    fixture f = begin();
    double x = 0.8, y[20];
    const nrm_node in = nrm_graph_input(f.g, "x", NRM_F64, 0, NULL);
    nrm_node all[20];
    const nrm_node functions[5] = {nrm_op_tanh(in), nrm_op_exp(nrm_op_scale(in, 2)), nrm_op_pow(in, nrm_graph_scalar(f.g, NRM_F64, 2.5)), nrm_op_gelu(in), nrm_op_silu(in)};
    for (int k = 0; k < 5; k++) {
        all[4 * k] = functions[k];
        for (int order = 0; order < 3; order++) nrm_graph_gradient(all[4 * k + order], 1, &in, &all[4 * k + order + 1]);
    }
    run(f, 20, all, (void *[]){&x}, y);
    const double t = tanh(x), q = 1 - t * t, e = exp(1.6);
    assert_all_near(y, ((double[]){t, q, -2 * t * q, q * (6 * t * t - 2)}), 4, 1e-14);
    assert_all_near(y + 4, ((double[]){e, 2 * e, 4 * e, 8 * e}), 4, 1e-14);
    assert_all_near(y + 8, ((double[]){pow(x, 2.5), 2.5 * pow(x, 1.5), 3.75 * sqrt(x), 1.875 / sqrt(x)}), 4, 1e-14);
    const double density = exp(-x * x / 2) / sqrt(2 * 3.14159265358979323846), phi = 0.5 * erfc(-x / sqrt(2));
    assert_all_near(y + 12, ((double[]){x * phi, phi + x * density, density * (2 - x * x), density * (x * x * x - 4 * x)}), 4, 1e-14);
    const double s = 1 / (1 + exp(-x)), p = s * (1 - s);
    assert_all_near(y + 16, ((double[]){x * s, s + x * p, p * (2 + x * (1 - 2 * s)), p * (3 * (1 - 2 * s) + x * (1 - 6 * p))}), 4, 1e-14);
    end(f);
}

static void test_jets(void **state)
{
    (void)state;
    enum { N = 7 };
    fixture f = begin();
    double x[2 * N], y[5 * N + 3 * N];
    for (int i = 0; i < 2 * N; i++) x[i] = 0.1 * i - 0.6;
    const nrm_node in = nrm_graph_input(f.g, "xt", NRM_F64, 2, (int64_t[]){N, 2}); /* (x, t) */
    const nrm_node a = ops_constant(in, 2, (int64_t[]){2, 1}, (double[]){1.5, -0.7});
    const nrm_node u = nrm_op_sin(nrm_op_matmul(in, a)); /* sin(1.5 x - 0.7 t) */
    const nrm_node along[2] = {nrm_op_broadcast(ops_constant(in, 1, (int64_t[]){2}, (double[]){1, 0}), 2, (int64_t[]){N, 2}),
                               nrm_op_broadcast(ops_constant(in, 1, (int64_t[]){2}, (double[]){0, 1}), 2, (int64_t[]){N, 2})};
    nrm_node all[8], first[2], second[2], gradient, twice;
    nrm_graph_jet(in, 2, along, u, first, second);
    nrm_graph_jet(in, 1, along, u, &all[5], NULL); /* the first alone */
    nrm_graph_gradient(nrm_op_sum_all(u), 1, &in, &gradient); /* nested reverse for comparison */
    const nrm_node by_x = nrm_op_slice(gradient, 1, 0, 1, 1);
    nrm_graph_gradient(nrm_op_sum_all(by_x), 1, &in, &twice);
    all[0] = u;
    all[1] = first[0];
    all[2] = first[1];
    all[3] = second[0];
    all[4] = second[1];
    all[6] = by_x;
    all[7] = nrm_op_slice(twice, 1, 0, 1, 1);
    run(f, 8, all, (void *[]){x}, y);
    for (int i = 0; i < N; i++) {
        const double z = 1.5 * x[2 * i] - 0.7 * x[2 * i + 1];
        assert_near(y[i], sin(z), 1e-14);
        assert_near(y[N + i], 1.5 * cos(z), 1e-14);
        assert_near(y[2 * N + i], -0.7 * cos(z), 1e-14);
        assert_near(y[3 * N + i], -2.25 * sin(z), 1e-14);
        assert_near(y[4 * N + i], -0.49 * sin(z), 1e-14);
        assert_near(y[5 * N + i], y[N + i], 0);
        assert_near(y[6 * N + i], y[N + i], 1e-14);
        assert_near(y[7 * N + i], y[3 * N + i], 1e-14);
    }
    end(f);
}

static void test_hessians(void **state)
{
    (void)state;
    fixture f = begin();
    double x[3] = {0.5, -1, 2}, y[64];
    const nrm_node in = nrm_graph_input(f.g, "x", NRM_F64, 1, (int64_t[]){3});
    const nrm_node q = ops_constant(in, 2, (int64_t[]){3, 3}, (double[]){2, 1, 0, 1, 3, -1, 0, -1, 4}), v = ops_constant(in, 1, (int64_t[]){3}, (double[]){1, 2, -1});
    const nrm_node column = nrm_op_reshape(in, 2, (int64_t[]){3, 1}), qx = nrm_op_matmul(q, column);
    const nrm_node cubes = nrm_op_sum_all(nrm_op_power(in, 3));
    const nrm_node e = nrm_op_add(nrm_op_scale(nrm_op_sum_all(nrm_op_mul(column, qx)), 0.5), cubes); /* x'Qx/2 + sum x^3: H = Q + 6 diag x */
    nrm_node all[5];
    all[0] = nrm_graph_hessian(e, in);
    all[1] = nrm_graph_hessian_vector(e, in, v);
    all[2] = nrm_graph_jacobian(qx, in); /* (3, 1), (3) */
    all[3] = nrm_graph_jacobian(e, in);
    all[4] = nrm_graph_jacobian(nrm_op_scale(in, 2), nrm_graph_input(f.g, "elsewhere", NRM_F64, 1, (int64_t[]){2}));
    run(f, 5, all, (void *[]){x, x}, y);
    const double h[9] = {5, 1, 0, 1, -3, -1, 0, -1, 16};
    assert_all_near(y, h, 9, 1e-14);
    for (int i = 0; i < 3; i++) assert_near(y[9 + i], h[3 * i] + 2 * h[3 * i + 1] - h[3 * i + 2], 1e-14);
    assert_all_near(y + 12, ((double[]){2, 1, 0, 1, 3, -1, 0, -1, 4}), 9, 0);
    assert_all_near(y + 21, ((double[]){2 * .5 - 1 + .75, .5 - 3 - 2 + 3, 1 + 8 + 12}), 3, 1e-14);
    assert_all_near(y + 24, ((double[6]){0}), 6, 0);
    nrm_node_view view;
    assert_true(nrm_graph_view(f.g, all[2].index, &view));
    assert_true(view.ndim == 3 && view.shape[0] == 3 && view.shape[1] == 1 && view.shape[2] == 3);
    end(f);
}

/* Directions by the thousand in a deep graph must not cost the square of its nodes. */
static void test_forward_grows_evenly(void **state)
{
    (void)state;
    fixture f = begin();
    double x = 0.3, y[2];
    const nrm_node in = nrm_graph_input(f.g, "x", NRM_F64, 0, NULL), one = nrm_graph_scalar(f.g, NRM_F64, 1);
    nrm_node deep = in, all[2];
    for (int i = 0; i < 3000; i++) deep = nrm_op_sin(deep);
    nrm_graph_jet(in, 1, &one, deep, &all[0], &all[1]);
    assert_true(nrm_graph_size(f.g) < 100000);
    run(f, 2, all, (void *[]){&x}, y);
    double z = x, d = 1, dd = 0;
    for (int i = 0; i < 3000; i++) {
        dd = -sin(z) * d * d + cos(z) * dd;
        d *= cos(z);
        z = sin(z);
    }
    assert_near(y[0], d, 1e-10);
    assert_near(y[1], dd, 1e-10);
    end(f);
}

/* ---- Names and reading ---------------------------------------------------------------------------------- */

static void test_names(void **state)
{
    (void)state;
    fixture f = begin();
    nrm_node_view view;
    nrm_node found[4];
    const nrm_node x = nrm_graph_input(f.g, "x", NRM_F32, 1, (int64_t[]){3});
    nrm_graph_push(f.g, "layers.0"); /* a scope may have dots of its own */
    const nrm_node w = nrm_graph_parameter(f.g, "w", NRM_F32, 1, (int64_t[]){3});
    nrm_graph_push(f.g, "inner");
    const nrm_node b = nrm_graph_parameter(f.g, "b", NRM_F32, 0, NULL);
    nrm_graph_pop(f.g);
    const nrm_node c = nrm_graph_input(f.g, "c", NRM_I64, 0, NULL);
    nrm_graph_pop(f.g);
    const nrm_node d = nrm_graph_parameter(f.g, "d", NRM_F32, 0, NULL);
    const nrm_node k = nrm_graph_constant(f.g, NRM_F32, 1, (int64_t[]){2}, (float[]){7, 8});
    const nrm_node y = nrm_op_scale(nrm_op_slice(x, 0, 1, 3, 1), 2.5);
    assert_ok(f.ctx, nrm_graph_check(f.g));
    assert_int_equal(nrm_graph_find(f.g, "layers.0.w").index, w.index);
    assert_int_equal(nrm_graph_find(f.g, "layers.0.inner.b").index, b.index);
    assert_int_equal(nrm_graph_find(f.g, "layers.0.c").index, c.index);
    assert_int_equal(nrm_graph_find(f.g, "d").index, d.index);
    assert_false(nrm_node_valid(nrm_graph_find(f.g, "w")));
    assert_false(nrm_node_valid(nrm_graph_find(f.g, NULL)));
    assert_int_equal(nrm_graph_parameters(f.g, 2, found), 3);
    assert_true(found[0].index == w.index && found[1].index == b.index);
    assert_int_equal(nrm_graph_parameters(f.g, 0, NULL), 3);

    int named = 0;
    for (int32_t i = 0; i < nrm_graph_size(f.g); i++) {
        assert_true(nrm_graph_view(f.g, i, &view));
        assert_int_equal(nrm_graph_node(f.g, i).index, i);
        for (int j = 0; j < view.input_count; j++) assert_true(view.inputs[j] < i);
        named += *view.name != 0;
    }
    assert_int_equal(named, 5);
    assert_false(nrm_graph_view(f.g, -1, &view) || nrm_graph_view(f.g, nrm_graph_size(f.g), &view) || nrm_graph_view(NULL, 0, &view));
    assert_false(nrm_node_valid(nrm_graph_node(f.g, nrm_graph_size(f.g))));
    assert_true(nrm_graph_view(f.g, k.index, &view));
    assert_true(((const float *)view.constant)[1] == 8);
    assert_string_equal(view.operation, "constant");
    assert_true(nrm_graph_view(f.g, y.index, &view));
    assert_string_equal(view.operation, "mul");
    assert_true(nrm_graph_view(f.g, view.inputs[1], &view));
    assert_string_equal(view.operation, "fill");
    assert_true(view.value == 2.5 && view.shape[0] == 2);
    assert_int_equal(nrm_graph_size(NULL), 0);
    end(f);
}

/* The second derivative of a jet makes no tangent of the first again. */
static void test_jets_share(void **state)
{
    (void)state;
    fixture f = begin();
    const int64_t shape[1] = {2};
    nrm_node first, second, again;
    const nrm_node x = nrm_graph_input(f.g, "x", NRM_F64, 1, shape), along = nrm_op_scale(x, 3);
    const nrm_node y = nrm_op_tanh(nrm_op_tanh(nrm_op_tanh(x)));
    const int32_t before = nrm_graph_size(f.g);
    nrm_graph_jet(x, 1, &along, y, &first, &second);
    const int32_t jet = nrm_graph_size(f.g) - before;
    nrm_graph_jvp(1, &x, &along, 1, &y, &first);
    const int32_t tangents = nrm_graph_size(f.g) - before - jet;
    nrm_graph_jvp(1, &x, &along, 1, &first, &again);
    assert_ok(f.ctx, nrm_graph_check(f.g));
    assert_int_equal(nrm_graph_size(f.g) - before - jet, jet + tangents);
    end(f);
}

NRM_TEST_MAIN(cmocka_unit_test(test_shared), cmocka_unit_test(test_several_outputs), cmocka_unit_test(test_flat), cmocka_unit_test(test_third_order),
              cmocka_unit_test(test_jets), cmocka_unit_test(test_jets_share), cmocka_unit_test(test_hessians), cmocka_unit_test(test_forward_grows_evenly), cmocka_unit_test(test_names))
