/* test_nn_layers.c -- every layer, value and gradients, against PyTorch in f64. */
#include "nn_kit.h"

#define INPUT(nn, name, ...) \
    nrm_graph_input(nrm_nn_graph(nn), name, NRM_F64, (int)(sizeof((int64_t[]){__VA_ARGS__}) / 8), (int64_t[]){__VA_ARGS__})
static const nrm_init usual = {NRM_INIT_TORCH, 0, 0};

static void norms(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_nn *nn = kit_nn(ctx, true);
    nrm_node x = INPUT(nn, "x", 2, 3, 5);
    KIT_COMPARE(ctx, nn, nrm_nn_layer_norm(nn, "n", x, 1e-5, true), 1, &x, layer_norm_values);
    nrm_nn_destroy(nn);
    nn = kit_nn(ctx, true);
    x = INPUT(nn, "x", 2, 3, 5);
    KIT_COMPARE(ctx, nn, nrm_nn_rms_norm(nn, "n", x, 1e-6), 1, &x, rms_norm_values);
    nrm_nn_destroy(nn);
    nn = kit_nn(ctx, true);
    x = INPUT(nn, "x", 2, 6, 2, 3);
    KIT_COMPARE(ctx, nn, nrm_nn_group_norm(nn, "n", x, 3, 1e-5), 1, &x, group_norm_values);
    nrm_nn_destroy(nn);
    nrm_ctx_destroy(ctx);
}

/* Training gives the buffers' next values too; evaluation reads them and changes none. */
static void batch_norm(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_nn *nn = kit_nn(ctx, true);
    nrm_node x = INPUT(nn, "x", 3, 2, 2, 2);
    KIT_COMPARE(ctx, nn, nrm_nn_batch_norm(nn, "n", x, 0.1, 1e-5), 1, &x, batch_norm_training_values);
    assert_int_equal(nrm_nn_updates(nn, 0, NULL), 2);
    nrm_nn_destroy(nn);
    nn = kit_nn(ctx, false);
    x = INPUT(nn, "x", 3, 2, 2, 2);
    const nrm_node y = nrm_nn_batch_norm(nn, "n", x, 0.1, 1e-5);
    assert_int_equal(nrm_nn_updates(nn, 0, NULL), 0);
    static double numbers[KIT_NUMBERS];
    const int64_t count = kit_run(ctx, nn, kit_loss(nn, y), 1, &y, 1, &x, NULL, NULL, numbers);
    assert_int_equal(count, sizeof batch_norm_evaluation_values / sizeof(double) - 4); /* without the buffers */
    nrm_assert_all_near(numbers, batch_norm_evaluation_values, count, 1e-12, "evaluation", __FILE__, __LINE__);
    nrm_nn_destroy(nn);
    nrm_ctx_destroy(ctx);
}

/* All second derivatives of a batch norm are those of the formula written out. */
static nrm_node written_out(nrm_node x, nrm_node w, nrm_node b)
{
    const int first = 0;
    const nrm_node c = nrm_op_sub(x, nrm_op_mean(x, 1, &first, true));
    const nrm_node var = nrm_op_mean(nrm_op_square(c), 1, &first, true);
    return nrm_op_add(nrm_op_mul(nrm_op_div(c, nrm_op_sqrt(nrm_op_shift(var, 1e-5))), w), b);
}

static void batch_norm_twice(void **state)
{
    (void)state;
    static double numbers[2][KIT_NUMBERS];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int k = 0; k < 2; k++) {
        nrm_nn *nn = kit_nn(ctx, true);
        const nrm_node x = INPUT(nn, "x", 5, 3);
        nrm_node y = nrm_nn_batch_norm(nn, "n", x, 0.1, 1e-5);
        if (k == 1) y = written_out(x, nrm_graph_find(nrm_nn_graph(nn), "n.weight"), nrm_graph_find(nrm_nn_graph(nn), "n.bias"));
        const nrm_node loss = kit_loss(nn, nrm_op_tanh(y)), hessian = nrm_graph_hessian(loss, x);
        assert_true(kit_run(ctx, nn, loss, 1, &hessian, 1, &x, NULL, NULL, numbers[k]) >= 15 * 15 + 15);
        nrm_nn_destroy(nn);
    }
    assert_all_near(numbers[0], numbers[1], 15 * 15 + 15, 1e-11);
    assert_true(fabs(numbers[0][16]) > 1e-3); /* there is something to compare */
    nrm_ctx_destroy(ctx);
}

static void attention(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_attention_options o = nrm_attention_options_default();
    nrm_nn *nn = kit_nn(ctx, true);
    nrm_node x = INPUT(nn, "x", 2, 4, 6);
    o.heads = 2;
    o.causal = true;
    KIT_COMPARE(ctx, nn, nrm_nn_attention(nn, "a", x, (nrm_node){0}, &o), 1, &x, attention_values);
    nrm_parameter p;
    assert_true(nrm_nn_parameter_at(nn, 0, &p, NULL, NULL));
    assert_string_equal(p.name, "a.qkv.weight");
    assert_int_equal(p.split_count, 3);
    for (int i = 0; i < 3; i++) assert_int_equal(p.split[i], 6);
    nrm_nn_destroy(nn);

    nn = kit_nn(ctx, true);
    nrm_node both[2] = {INPUT(nn, "x", 2, 3, 6), INPUT(nn, "m", 2, 5, 4)};
    o.heads = 3;
    o.causal = false;
    KIT_COMPARE(ctx, nn, nrm_nn_attention(nn, "a", both[0], both[1], &o), 2, both, cross_attention_values);
    nrm_nn_destroy(nn);

    nn = kit_nn(ctx, true);
    x = INPUT(nn, "x", 1, 2, 4, 6);
    KIT_COMPARE(ctx, nn, nrm_nn_rope(nn, x, 10000), 1, &x, rope_values);
    nrm_nn_destroy(nn);
    nrm_ctx_destroy(ctx);
}

/* A kernel of the caller's: it gets the heads, and may declare parameters. */
static nrm_node gate(void *user, nrm_nn *nn, nrm_node q, nrm_node k, nrm_node v, bool causal)
{
    nrm_node_view view;
    ++*(int *)user;
    assert_true(causal && nrm_node_valid(k));
    assert_true(nrm_graph_view(nrm_nn_graph(nn), q.index, &view));
    const int64_t want[4] = {2, 3, 4, 2};
    for (int i = 0; i < 4; i++) assert_int_equal(view.shape[i], want[i]);
    const nrm_node w = nrm_nn_parameter(nn, "gate", 1, (int64_t[]){2}, nrm_init_usual(NRM_INIT_ONES), 0);
    return nrm_op_mul(nrm_op_mul(q, w), v);
}

static void attention_by_the_caller(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_nn *nn = kit_nn(ctx, true);
    nrm_attention_options o = nrm_attention_options_default();
    int calls = 0;
    o.heads = 3;
    o.causal = true;
    o.kernel = gate;
    o.user = &calls;
    nrm_nn_attention(nn, "a", INPUT(nn, "x", 2, 4, 6), (nrm_node){0}, &o);
    assert_ok(ctx, nrm_graph_check(nrm_nn_graph(nn)));
    assert_int_equal(calls, 1);
    assert_true(nrm_node_valid(nrm_graph_find(nrm_nn_graph(nn), "a.gate")));
    nrm_nn_destroy(nn);
    nrm_ctx_destroy(ctx);
}

static void positions(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_nn *nn = kit_nn(ctx, true);
    static double numbers[KIT_NUMBERS];
    nrm_node x = INPUT(nn, "x", 2, 4, 6), y = nrm_nn_position_sinusoidal(nn, x, 10000);
    kit_run(ctx, nn, nrm_op_sum_all(y), 1, &y, 1, &x, NULL, NULL, numbers);
    for (int i = 0; i < 48; i++) {
        const int p = i / 6 % 4, f = i % 6;
        const double angle = p / pow(10000, (f - f % 2) / 6.0);
        assert_near(numbers[i], pattern(100, i) + (f % 2 ? cos(angle) : sin(angle)), 1e-14);
    }
    nrm_nn_destroy(nn);

    nn = kit_nn(ctx, true);
    x = INPUT(nn, "x", 2, 4, 6);
    y = nrm_nn_position_learned(nn, "p", x, 5, usual);
    kit_run(ctx, nn, nrm_op_sum_all(y), 1, &y, 1, &x, NULL, NULL, numbers);
    for (int i = 0; i < 48; i++) assert_near(numbers[i], pattern(100, i) + pattern(0, i % 24), 1e-15);
    for (int i = 0; i < 30; i++) assert_near(numbers[96 + i], i < 24 ? 2 : 0, 0); /* the fifth row is not used */
    nrm_nn_destroy(nn);
    nrm_ctx_destroy(ctx);
}

#define ACTIVATION(kind) {#kind, activation_##kind, (int64_t)(sizeof activation_##kind / sizeof(double))}
static void activations(void **state)
{
    (void)state;
    static const struct { const char *kind; const double *values; int64_t count; } cases[] = {
        ACTIVATION(identity), ACTIVATION(relu), ACTIVATION(leaky_relu), ACTIVATION(gelu), ACTIVATION(gelu_tanh), ACTIVATION(silu),
        ACTIVATION(tanh), ACTIVATION(sigmoid), ACTIVATION(softplus), ACTIVATION(sin), ACTIVATION(square_relu), ACTIVATION(maxmin),
        ACTIVATION(groupsort), ACTIVATION(fullsort), ACTIVATION(householder)};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    int named = 0;
    while (nrm_nn_activations()[named]) named++;
    assert_int_equal(named, sizeof cases / sizeof *cases);
    for (int i = 0; i < named; i++) {
        nrm_nn *nn = kit_nn(ctx, true);
        nrm_node x = INPUT(nn, "x", 3, 6);
        kit_compare(ctx, nn, nrm_nn_activation(nn, "act", x, cases[i].kind, -1), 1, &x, cases[i].values, cases[i].count, cases[i].kind);
        nrm_nn_destroy(nn);
    }
    /* Along another axis the same numbers, with the axes exchanged. */
    for (int i = 11; i < named; i++) {
        static double numbers[KIT_NUMBERS];
        nrm_nn *nn = kit_nn(ctx, true);
        nrm_node x = INPUT(nn, "x", 3, 6);
        const nrm_node y = nrm_op_transpose(nrm_nn_activation(nn, "act", nrm_op_transpose(x), cases[i].kind, 0));
        kit_run(ctx, nn, kit_loss(nn, y), 1, &y, 1, &x, NULL, NULL, numbers);
        nrm_assert_all_near(numbers, cases[i].values, cases[i].count, 1e-12, cases[i].kind, __FILE__, __LINE__);
        nrm_nn_destroy(nn);
    }
    nrm_ctx_destroy(ctx);
}

/* loss.mean and its gradient by x against the reference; sum and count agree with the rows. */
static void one_loss(nrm_ctx *ctx, nrm_nn *nn, nrm_node x, nrm_nn_loss loss, const int64_t *y, double rows, const double *values, int64_t count)
{
    static double numbers[KIT_NUMBERS];
    const nrm_node outs[4] = {loss.sum, loss.count, loss.rows, loss.mean};
    const int64_t got = kit_run(ctx, nn, loss.mean, 4, outs, 1, &x, NULL, y, numbers);
    double sum = 0;
    for (int i = 2; i < 6; i++) sum += numbers[i];
    assert_int_equal(got, count + 6);
    assert_near(numbers[1], rows, 0);
    assert_near(numbers[0], sum, 1e-14);
    assert_near(numbers[0] / rows, numbers[6], 1e-14);
    nrm_assert_all_near(numbers + 6, values, count, 1e-12, "loss", __FILE__, __LINE__);
}

static void losses(void **state)
{
    (void)state;
    static const int64_t target[4] = {2, -100, 0, 3};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int smooth = 0; smooth < 2; smooth++) {
        nrm_nn *nn = kit_nn(ctx, true);
        nrm_node x = INPUT(nn, "x", 4, 5), y = nrm_graph_input(nrm_nn_graph(nn), "y", NRM_I64, 1, (int64_t[]){4});
        one_loss(ctx, nn, x, nrm_nn_cross_entropy(nn, x, y, smooth ? 0.1 : 0), target, 3, smooth ? smoothed_values : cross_entropy_values, 21);
        nrm_nn_destroy(nn);
    }
    for (int kind = 0; kind < 4; kind++) {
        nrm_nn *nn = kit_nn(ctx, true);
        nrm_node x = INPUT(nn, "x", 4, 3), m = INPUT(nn, "m", 4, 3);
        const nrm_nn_loss loss = kind == 0 ? nrm_nn_mse(nn, x, m) : kind == 1 ? nrm_nn_l1(nn, x, m)
                                 : kind == 2 ? nrm_nn_huber(nn, x, m, 0.4) : nrm_nn_bce_with_logits(nn, x, m);
        const double *values = kind == 0 ? mse_values : kind == 1 ? l1_values : kind == 2 ? huber_values : bce_values;
        one_loss(ctx, nn, x, loss, NULL, 4, values, 13);
        nrm_nn_destroy(nn);
    }
    /* Nothing counts: 0, not NaN. */
    static const int64_t none[4] = {-1, -1, -1, -1};
    static double numbers[KIT_NUMBERS];
    nrm_nn *nn = kit_nn(ctx, true);
    nrm_node x = INPUT(nn, "x", 4, 5), y = nrm_graph_input(nrm_nn_graph(nn), "y", NRM_I64, 1, (int64_t[]){4});
    const nrm_node mean = nrm_nn_cross_entropy(nn, x, y, 0.1).mean;
    kit_run(ctx, nn, mean, 1, &mean, 1, &x, NULL, none, numbers);
    for (int i = 0; i < 21; i++) assert_near(numbers[i], 0, 0);
    nrm_nn_destroy(nn);
    nrm_ctx_destroy(ctx);
}

/* Dropout: off in evaluation; in training the kept ones are scaled, and two names differ. */
static void dropout(void **state)
{
    (void)state;
    static double numbers[KIT_NUMBERS];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_nn *nn = kit_nn(ctx, false);
    nrm_node x = INPUT(nn, "x", 40, 50);
    assert_int_equal(nrm_nn_dropout(nn, "d", x, 0.25).index, x.index);
    nrm_nn_destroy(nn);
    nn = kit_nn(ctx, true);
    x = INPUT(nn, "x", 40, 50);
    assert_int_equal(nrm_nn_dropout(nn, "d", x, 0).index, x.index);
    const nrm_node y[2] = {nrm_nn_dropout(nn, "a", x, 0.25), nrm_nn_dropout(nn, "b", x, 0.25)};
    kit_run(ctx, nn, nrm_op_sum_all(y[0]), 2, y, 1, &x, NULL, NULL, numbers);
    int kept = 0, differ = 0, some = 0;
    for (int i = 0; i < 2000; i++) {
        if (pattern(100, i) == 0) continue;
        some++;
        const bool on = numbers[i] != 0;
        assert_near(numbers[i], on ? pattern(100, i) / 0.75 : 0, 1e-15);
        assert_near(numbers[4000 + i], on ? 1 / 0.75 : 0, 1e-15); /* the same mask in the derivative */
        kept += on;
        differ += on != (numbers[2000 + i] != 0);
    }
    assert_true(fabs(kept - 0.75 * some) < 5 * sqrt(some * 0.75 * 0.25));
    assert_true(differ > some / 4);
    nrm_nn_destroy(nn);
    nrm_ctx_destroy(ctx);
}

/* ---- Arguments that do not fit: the first sentence -------------------------------------------- */

typedef nrm_node (*build_fn)(nrm_nn *nn, nrm_node x);
static nrm_node bad_linear(nrm_nn *nn, nrm_node x) { return nrm_nn_linear(nn, "l", x, 0, true, usual); }
static nrm_node no_input(nrm_nn *nn, nrm_node x) { (void)x; return nrm_nn_linear(nn, "l", (nrm_node){0}, 3, true, usual); }
static nrm_node bad_conv(nrm_nn *nn, nrm_node x) { return nrm_nn_conv2d(nn, "c", x, 4, 3, nrm_conv_options_default(), true, usual); }
static nrm_node bad_eps(nrm_nn *nn, nrm_node x) { return nrm_nn_layer_norm(nn, "n", x, 0, true); }
static nrm_node bad_groups(nrm_nn *nn, nrm_node x) { return nrm_nn_group_norm(nn, "n", x, 4, 1e-5); }
static nrm_node bad_momentum(nrm_nn *nn, nrm_node x) { return nrm_nn_batch_norm(nn, "n", x, -1, 1e-5); }
static nrm_node bad_name(nrm_nn *nn, nrm_node x) { return nrm_nn_activation(nn, "a", x, "rellu", -1); }
static nrm_node bad_pairs(nrm_nn *nn, nrm_node x) { return nrm_nn_activation(nn, "a", x, "maxmin", 1); }
static nrm_node bad_sort(nrm_nn *nn, nrm_node x) { return nrm_nn_group_sort(nn, x, -1, 4); }
static nrm_node bad_axis(nrm_nn *nn, nrm_node x) { return nrm_nn_group_sort(nn, x, 3, 2); }
static nrm_node bad_drop(nrm_nn *nn, nrm_node x) { return nrm_nn_dropout(nn, "d", x, 1); }
static nrm_node bad_residual(nrm_nn *nn, nrm_node x) { return nrm_nn_residual(nn, x, nrm_nn_linear(nn, "l", x, 1, true, usual)); }
static nrm_node bad_length(nrm_nn *nn, nrm_node x) { return nrm_nn_position_learned(nn, "p", x, 4, usual); }
static nrm_node bad_base(nrm_nn *nn, nrm_node x) { return nrm_nn_rope(nn, x, 1); }
static nrm_node odd_rope(nrm_nn *nn, nrm_node x) { return nrm_nn_rope(nn, nrm_op_slice(x, -1, 0, 5, 1), 10000); }
static nrm_node bad_index(nrm_nn *nn, nrm_node x) { return nrm_nn_embedding(nn, "e", x, 3, 4, usual, NULL); }
static nrm_node same_name(nrm_nn *nn, nrm_node x) { return nrm_nn_linear(nn, "l", nrm_nn_linear(nn, "l", x, 6, true, usual), 6, true, usual); }
static nrm_node bad_shapes(nrm_nn *nn, nrm_node x) { return nrm_nn_mse(nn, x, nrm_op_slice(x, 0, 0, 1, 1)).mean; }
static nrm_node bad_delta(nrm_nn *nn, nrm_node x) { return nrm_nn_huber(nn, x, x, 0).mean; }
static nrm_node bad_smoothing(nrm_nn *nn, nrm_node x)
{
    return nrm_nn_cross_entropy(nn, x, nrm_graph_input(nrm_nn_graph(nn), "y", NRM_I64, 2, (int64_t[]){2, 5}), 1).mean;
}
static nrm_node bad_heads(nrm_nn *nn, nrm_node x)
{
    nrm_attention_options o = nrm_attention_options_default();
    o.heads = 4;
    return nrm_nn_attention(nn, "a", x, (nrm_node){0}, &o);
}
static nrm_node bad_memory(nrm_nn *nn, nrm_node x)
{
    nrm_attention_options o = nrm_attention_options_default();
    o.causal = true;
    return nrm_nn_attention(nn, "a", x, INPUT(nn, "m", 2, 3, 6), &o);
}
static nrm_node bad_split(nrm_nn *nn, nrm_node x)
{
    const nrm_node y = nrm_nn_linear(nn, "l", x, 6, false, usual);
    nrm_nn_split(nn, 2, (int64_t[]){3, 4});
    return y;
}
static nrm_node bad_buffer(nrm_nn *nn, nrm_node x)
{
    const nrm_node b = nrm_nn_buffer(nn, "b", 1, (int64_t[]){3}, usual);
    nrm_nn_buffer_next(nn, b, x);
    return x;
}

static void refuses(void **state)
{
    (void)state;
    static const struct { build_fn build; nrm_status status; const char *says; } cases[] = {
        {bad_linear, NRM_E_RANGE, "out is 0"}, {no_input, NRM_E_NULL, "no node"}, {bad_conv, NRM_E_SHAPE, "2x5x6"},
        {bad_eps, NRM_E_RANGE, "eps is 0"}, {bad_groups, NRM_E_RANGE, "divide the 5 channels"}, {bad_momentum, NRM_E_RANGE, "momentum is -1"},
        {bad_name, NRM_E_ARGUMENT, "the nearest is relu"}, {bad_pairs, NRM_E_SHAPE, "axis 1 has 5"}, {bad_sort, NRM_E_SHAPE, "multiple of the group's 4"},
        {bad_axis, NRM_E_RANGE, "axis is 3"}, {bad_drop, NRM_E_RANGE, "p is 1"}, {bad_residual, NRM_E_SHAPE, "2x5x1"}, {bad_length, NRM_E_SHAPE, "5 rows"},
        {bad_base, NRM_E_RANGE, "base is 1"}, {odd_rope, NRM_E_SHAPE, "even"}, {bad_index, NRM_E_DTYPE, "i64"}, {same_name, NRM_E_ARGUMENT, "l.weight"},
        {bad_shapes, NRM_E_SHAPE, "1x5x6"}, {bad_delta, NRM_E_RANGE, "delta is 0"}, {bad_smoothing, NRM_E_RANGE, "smoothing is 1"},
        {bad_heads, NRM_E_RANGE, "heads is 4"}, {bad_memory, NRM_E_SHAPE, "one length"}, {bad_split, NRM_E_SHAPE, "sum to 7"}, {bad_buffer, NRM_E_SHAPE, "'b'"}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nrm_nn *nn = kit_nn(ctx, true);
        const nrm_node x = INPUT(nn, "x", 2, 5, 6);
        cases[i].build(nn, x);
        assert_status(ctx, nrm_graph_check(nrm_nn_graph(nn)), cases[i].status);
        assert_message(ctx, cases[i].says);
        assert_false(nrm_node_valid(nrm_nn_linear(nn, "after", x, 3, true, usual)));
        nrm_nn_destroy(nn);
    }
    nrm_nn *nn;
    assert_status(ctx, nrm_nn_create(ctx, &nn, NRM_I64, true), NRM_E_DTYPE);
    assert_status(ctx, nrm_nn_create(ctx, NULL, NRM_F32, true), NRM_E_NULL);
    nrm_nn_destroy(NULL);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(norms), cmocka_unit_test(batch_norm), cmocka_unit_test(batch_norm_twice), cmocka_unit_test(attention), cmocka_unit_test(attention_by_the_caller),
              cmocka_unit_test(positions), cmocka_unit_test(activations), cmocka_unit_test(losses), cmocka_unit_test(dropout),
              cmocka_unit_test(refuses))
