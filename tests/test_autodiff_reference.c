/* test_autodiff_reference.c -- networks, their derivatives, and derivatives of those, against
 * PyTorch (reference/make_autodiff.py). */
#include "ops_kit.h"
#include "reference/autodiff_values.h"

enum { MOST = 6 };

static double *pattern(int64_t m, int64_t n, int k)
{
    double *x = malloc(sizeof *x * (size_t)(m * n));
    assert_non_null(x);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) x[i * n + j] = (double)((i * 37 + j * 61 + i * j * 11 + k * 29) % 97 - 48) / 64;
    return x;
}

typedef struct network {
    nrm_ctx *ctx;
    nrm_graph *g;
    nrm_node parameters[MOST];
    void *data[MOST + 2];
    int count; /* of parameters; data has those, then inputs */
    int data_count;
} network;

static void begin(network *n, int layers, const int64_t *sizes)
{
    *n = (network){.ctx = nrm_test_ctx(NULL)};
    assert_ok(n->ctx, nrm_graph_create(n->ctx, &n->g));
    for (int k = 0; k < layers; k++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", k);
        n->parameters[2 * k] = nrm_graph_parameter(n->g, name, NRM_F64, 2, (int64_t[]){sizes[k + 1], sizes[k]});
        snprintf(name, sizeof name, "b%d", k);
        n->parameters[2 * k + 1] = nrm_graph_parameter(n->g, name, NRM_F64, 1, &sizes[k + 1]);
        n->data[n->data_count++] = pattern(sizes[k + 1], sizes[k], 2 * k + 1);
        n->data[n->data_count++] = pattern(1, sizes[k + 1], 2 * k + 2);
    }
    n->count = 2 * layers;
}

static nrm_node input(network *n, const char *name, int64_t rows, int64_t columns, int k)
{
    n->data[n->data_count++] = pattern(rows, columns, k);
    return nrm_graph_input(n->g, name, NRM_F64, 2, (int64_t[]){rows, columns});
}

static nrm_node layer_norm(nrm_node x)
{
    const nrm_node centred = nrm_op_sub(x, nrm_op_mean(x, 1, (int[]){-1}, true));
    return nrm_op_mul(centred, nrm_op_rsqrt(nrm_op_shift(nrm_op_mean(nrm_op_square(centred), 1, (int[]){-1}, true), 1e-5)));
}

static nrm_node output(const network *n, nrm_node x, nrm_node (*activation)(nrm_node), bool norm)
{
    for (int k = 0; k < n->count; k += 2) {
        x = nrm_op_linear(x, n->parameters[k], n->parameters[k + 1]);
        if (k + 2 < n->count) x = activation(x);
        if (k + 2 < n->count && norm) x = layer_norm(x);
    }
    return x;
}

/* Outputs one after another against `expected`. */
static void check(network *n, int count, const nrm_node *nodes, const double *expected, double tol)
{
    for (int threads = 1; threads <= 2; threads++) {
        double *results[MOST];
        assert_ok(n->ctx, nrm_graph_check(n->g));
        ops_evaluate(n->ctx, count, nodes, n->data, (ops_mode){true, true, threads, threads == 2}, results);
        const double *e = expected;
        for (int k = 0; k < count; k++) {
            assert_all_near(results[k], e, ops_count(nodes[k]), tol);
            e += ops_count(nodes[k]);
            free(results[k]);
        }
    }
}

static void end(network *n)
{
    for (int k = 0; k < n->data_count; k++) free(n->data[k]);
    nrm_graph_destroy(n->g);
    nrm_ctx_destroy(n->ctx);
}

static void regression(nrm_node (*activation)(nrm_node), bool norm, const double *value, const double *gradients, const double *second)
{
    network n;
    nrm_node first[MOST], twice[MOST], squares;
    begin(&n, 3, (int64_t[]){3, 8, 6, 2});
    const nrm_node x = input(&n, "x", 11, 3, 9), y = input(&n, "y", 11, 2, 10);
    const nrm_node loss = nrm_op_mean_all(nrm_op_square(nrm_op_sub(output(&n, x, activation, norm), y)));
    nrm_graph_gradient(loss, n.count, n.parameters, first);
    squares = nrm_op_sum_all(nrm_op_square(first[0]));
    for (int k = 1; k < n.count; k++) squares = nrm_op_add(squares, nrm_op_sum_all(nrm_op_square(first[k])));
    nrm_graph_gradient(squares, n.count, n.parameters, twice);
    check(&n, 1, &loss, value, 1e-14);
    check(&n, n.count, first, gradients, 1e-13);
    check(&n, n.count, twice, second, 1e-12);
    end(&n);
}

static void test_regression(void **state)
{
    (void)state;
    regression(nrm_op_tanh, false, tanh_loss, tanh_gradients, tanh_second);
    regression(nrm_op_gelu, true, gelu_norm_loss, gelu_norm_gradients, gelu_norm_second);
}

/* u_t - u_xx by jets, and its loss's gradient by reverse over forward over forward. */
static void test_heat(void **state)
{
    (void)state;
    network n;
    nrm_node first[2], second[2], gradients[MOST];
    begin(&n, 3, (int64_t[]){2, 10, 10, 1});
    const nrm_node z = input(&n, "z", 13, 2, 5), u = output(&n, z, nrm_op_tanh, false);
    const nrm_node along[2] = {nrm_op_broadcast(ops_constant(z, 1, (int64_t[]){2}, (double[]){1, 0}), 2, (int64_t[]){13, 2}),
                               nrm_op_broadcast(ops_constant(z, 1, (int64_t[]){2}, (double[]){0, 1}), 2, (int64_t[]){13, 2})};
    nrm_graph_jet(z, 2, along, u, first, second);
    const nrm_node loss = nrm_op_mean_all(nrm_op_square(nrm_op_sub(first[1], second[0])));
    nrm_graph_gradient(loss, n.count, n.parameters, gradients);
    check(&n, 1, &second[0], heat_xx, 1e-13);
    check(&n, 1, &loss, heat_loss, 1e-13);
    check(&n, n.count, gradients, heat_gradients, 1e-12);
    end(&n);
}

static nrm_node logsumexp(nrm_node x) { return nrm_op_logsumexp(x, 1, (int[]){1}, false); }

static void test_others(void **state)
{
    (void)state;
    const struct { nrm_node (*f)(nrm_node); const double *value, *second; } cases[] = {
        {nrm_op_gelu, gelu_value, gelu_second}, {nrm_op_gelu_tanh, gelu_tanh_value, gelu_tanh_second}, {nrm_op_silu, silu_value, silu_second},
        {nrm_op_softplus, softplus_value, softplus_second}, {nrm_op_log_sigmoid, log_sigmoid_value, log_sigmoid_second},
        {logsumexp, logsumexp_value, logsumexp_second}, {nrm_op_sigmoid, sigmoid_value, sigmoid_second}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        network n;
        nrm_node d, second;
        begin(&n, 0, NULL);
        const nrm_node raw = input(&n, "x", 4, 7, 3), x = nrm_op_scale(raw, 6), y = cases[k].f(x);
        nrm_graph_gradient(nrm_op_sum_all(y), 1, &x, &d);
        nrm_graph_gradient(nrm_op_sum_all(nrm_op_square(d)), 1, &x, &second);
        check(&n, 1, &y, cases[k].value, 1e-14);
        check(&n, 1, &second, cases[k].second, 1e-13);
        end(&n);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_regression), cmocka_unit_test(test_heat), cmocka_unit_test(test_others))
