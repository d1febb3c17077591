/* test_nn_networks.c -- networks from configurations: values and gradients against PyTorch,
 * names and counts, and what bad configurations are told. */
#include "nn_kit.h"

static nrm_network *network_of(nrm_ctx *ctx, const char *config)
{
    nrm_network *network;
    assert_ok(ctx, nrm_network_create(ctx, config, NULL, &network));
    return network;
}

static nrm_network_graph graph_of(nrm_ctx *ctx, const char *config, bool training, int64_t batch, nrm_dtype dtype)
{
    nrm_network *network = network_of(ctx, config);
    nrm_network_options o = nrm_network_options_default();
    nrm_network_graph g;
    o.training = training;
    o.batch = batch;
    o.dtype = dtype;
    assert_ok(ctx, nrm_network_build(ctx, network, &o, &g));
    nrm_network_destroy(network); /* the graph does not need it */
    return g;
}

static const char small_gpt[] = "{\"model\": \"gpt\", \"layers\": 2, \"width\": 8, \"heads\": 2, \"context\": 5, \"vocabulary\": 7}";

static void gpt_values_agree(void **state)
{
    (void)state;
    static const int64_t x[15] = {0, 3, 6, 1, 2, 5, 5, 4, 0, 3, 1, 2, 3, 4, 5}, y[15] = {3, 6, 1, 2, -100, 5, 4, 0, 3, 1, -100, 3, 4, 5, 6};
    static double numbers[KIT_NUMBERS];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_network_graph g = graph_of(ctx, small_gpt, true, 3, NRM_F64);
    const int64_t count = kit_run(ctx, g.nn, g.loss.mean, 2, (nrm_node[]){g.loss.mean, g.logits}, 0, NULL, x, y, numbers);
    assert_int_equal(count, sizeof gpt_values / sizeof(double));
    nrm_assert_all_near(numbers, gpt_values, count, 1e-11, "gpt", __FILE__, __LINE__);
    nrm_nn_destroy(g.nn);
    nrm_ctx_destroy(ctx);
}

static void convnet_values_agree(void **state)
{
    (void)state;
    static const int64_t y[3] = {2, 0, 1};
    static double numbers[KIT_NUMBERS];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_network_graph g = graph_of(ctx, "{\"model\": \"convnet\", \"image\": [1, 6, 5], \"channels\": [2, 4], \"classes\": 3}", true, 3, NRM_F64);
    const int64_t count = kit_run(ctx, g.nn, g.loss.mean, 2, (nrm_node[]){g.loss.mean, g.logits}, 0, NULL, NULL, y, numbers);
    assert_int_equal(count, sizeof convnet_values / sizeof(double));
    nrm_assert_all_near(numbers, convnet_values, count, 1e-11, "convnet", __FILE__, __LINE__);
    nrm_nn_destroy(g.nn);
    nrm_ctx_destroy(ctx);
}

/* Layer by layer the same as the configuration. */
static void mlp_is_its_layers(void **state)
{
    (void)state;
    static double a[KIT_NUMBERS], b[KIT_NUMBERS];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_network_graph g = graph_of(ctx, "{\"model\": \"mlp\", \"inputs\": 2, \"outputs\": 3, \"widths\": [5, 4], \"activation\": \"tanh\"}", true, 6, NRM_F64);
    const int64_t count = kit_run(ctx, g.nn, nrm_op_sum_all(g.logits), 1, &g.logits, 1, &g.x, NULL, NULL, a);
    nrm_nn *nn = kit_nn(ctx, true);
    const nrm_node x = nrm_graph_input(nrm_nn_graph(nn), "x", NRM_F64, 2, (int64_t[]){6, 2});
    nrm_node h = nrm_op_tanh(nrm_nn_linear(nn, "a", x, 5, true, nrm_init_usual(NRM_INIT_TORCH)));
    h = nrm_op_tanh(nrm_nn_linear(nn, "b", h, 4, true, nrm_init_usual(NRM_INIT_TORCH)));
    h = nrm_nn_linear(nn, "c", h, 3, true, nrm_init_usual(NRM_INIT_TORCH));
    assert_int_equal(kit_run(ctx, nn, nrm_op_sum_all(h), 1, &h, 1, &x, NULL, NULL, b), count);
    assert_memory_equal(a, b, (size_t)count * sizeof *a);
    nrm_nn_destroy(nn);
    nrm_nn_destroy(g.nn);
    nrm_ctx_destroy(ctx);
}

/* ---- Counts, names, tying ------------------------------------------------------------------------- */

static int64_t elements(nrm_ctx *ctx, const char *config)
{
    nrm_network_graph g = graph_of(ctx, config, true, 2, NRM_F32);
    nrm_parameters *p;
    assert_ok(ctx, nrm_parameters_create(ctx, g.nn, &p));
    const int64_t count = nrm_parameters_elements(p);
    nrm_parameters_destroy(p);
    nrm_nn_destroy(g.nn);
    return count;
}

static int64_t gpt_count(int64_t l, int64_t w, int64_t t, int64_t v, bool bias, bool tie, bool place)
{
    const int64_t b = bias, norm = w + b * w;
    const int64_t block = 2 * norm + 3 * w * w + b * 3 * w + w * w + b * w + 4 * w * w + b * 4 * w + 4 * w * w + b * w;
    return v * w * (tie ? 1 : 2) + (place ? t * w : 0) + l * block + norm;
}

static void counts(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_int_equal(elements(ctx, "{\"model\": \"gpt\"}"), gpt_count(4, 128, 64, 256, true, true, true));
    assert_int_equal(elements(ctx, "{\"model\": \"gpt\", \"tie\": false, \"bias\": false, \"position\": \"rope\", \"layers\": 3}"),
                     gpt_count(3, 128, 64, 256, false, false, false));
    assert_int_equal(elements(ctx, "{\"model\": \"gpt\", \"position\": \"sinusoidal\", \"width\": 12, \"vocabulary\": 5}"),
                     gpt_count(4, 12, 64, 5, true, true, false));
    assert_int_equal(elements(ctx, "{\"model\": \"mlp\", \"inputs\": 2, \"outputs\": 1, \"widths\": [50, 50, 50, 50]}"), 3 * 50 + 3 * 51 * 50 + 51);
    assert_int_equal(elements(ctx, "{\"model\": \"mlp\", \"inputs\": 3, \"outputs\": 2, \"widths\": [], \"bias\": false}"), 6);
    assert_int_equal(elements(ctx, "{\"model\": \"mlp\", \"inputs\": 3, \"outputs\": 2, \"widths\": [4], \"norm\": \"batch\", \"activation\": \"householder\"}"),
                     16 + 8 + 2 + 10);
    /* stem, then two convolutions a stage and a shortcut where the channels change, norms beside each */
    assert_int_equal(elements(ctx, "{\"model\": \"convnet\"}"),
                     9 * 16 + 2 * 9 * 16 * 16 + 9 * 16 * 32 + 9 * 32 * 32 + 16 * 32 + 9 * 32 * 64 + 9 * 64 * 64 + 32 * 64 +
                     2 * (3 * 16 + 3 * 32 + 3 * 64) + 65 * 10);
    assert_int_equal(elements(ctx, "{\"model\": \"convnet\", \"norm\": \"none\", \"channels\": [3], \"blocks\": 2}"), 9 * 3 + 3 + 4 * (81 + 3) + 40);
    nrm_ctx_destroy(ctx);
}

static void names_and_flags(void **state)
{
    (void)state;
    static const struct { const char *name; unsigned flags; } want[] = {
        {"embedding.weight", NRM_PARAMETER_EMBEDDING | NRM_PARAMETER_HEAD}, {"position.weight", NRM_PARAMETER_EMBEDDING},
        {"blocks.0.norm1.weight", NRM_PARAMETER_NO_DECAY}, {"blocks.0.norm1.bias", NRM_PARAMETER_NO_DECAY},
        {"blocks.0.attention.qkv.weight", 0}, {"blocks.0.attention.qkv.bias", NRM_PARAMETER_NO_DECAY},
        {"blocks.0.attention.projection.weight", 0}, {"blocks.0.attention.projection.bias", NRM_PARAMETER_NO_DECAY},
        {"blocks.0.norm2.weight", NRM_PARAMETER_NO_DECAY}, {"blocks.0.norm2.bias", NRM_PARAMETER_NO_DECAY},
        {"blocks.0.feed_forward.up.weight", 0}, {"blocks.0.feed_forward.up.bias", NRM_PARAMETER_NO_DECAY},
        {"blocks.0.feed_forward.down.weight", 0}, {"blocks.0.feed_forward.down.bias", NRM_PARAMETER_NO_DECAY},
        {"blocks.1.norm1.weight", NRM_PARAMETER_NO_DECAY}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_network_graph g = graph_of(ctx, small_gpt, true, 2, NRM_F32), untied = graph_of(ctx,
        "{\"model\": \"gpt\", \"tie\": false}", true, 1, NRM_F32);
    nrm_parameter p;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_true(nrm_nn_parameter_at(g.nn, (int64_t)i, &p, NULL, NULL));
        assert_string_equal(p.name, want[i].name);
        assert_int_equal(p.flags, want[i].flags);
    }
    assert_false(nrm_node_valid(nrm_graph_find(nrm_nn_graph(g.nn), "head.weight")));
    assert_true(nrm_node_valid(nrm_graph_find(nrm_nn_graph(g.nn), "x")) && nrm_node_valid(nrm_graph_find(nrm_nn_graph(g.nn), "y")));
    assert_true(nrm_nn_parameter_at(untied.nn, nrm_nn_parameter_count(untied.nn) - 1, &p, NULL, NULL));
    assert_string_equal(p.name, "head.weight");
    assert_int_equal(p.flags, NRM_PARAMETER_HEAD);
    assert_true(nrm_nn_parameter_at(untied.nn, 0, &p, NULL, NULL));
    assert_int_equal(p.flags, NRM_PARAMETER_EMBEDDING);
    nrm_nn_destroy(g.nn);
    nrm_nn_destroy(untied.nn);
    nrm_ctx_destroy(ctx);
}

/* Mode, batch and type change neither names nor shapes; initial f32 values are rounded f64 ones. */
static void one_set_of_parameters(void **state)
{
    (void)state;
    static const char *const configs[] = {small_gpt, "{\"model\": \"convnet\", \"channels\": [4, 8], \"dropout\": 0.5}",
                                          "{\"model\": \"mlp\", \"inputs\": 3, \"outputs\": 2, \"norm\": \"batch\", \"loss\": \"huber\"}"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int k = 0; k < 3; k++) {
        nrm_network_graph a = graph_of(ctx, configs[k], true, 4, NRM_F32), b = graph_of(ctx, configs[k], false, 1, NRM_F64);
        nrm_parameters *p, *q;
        nrm_parameter u, v;
        assert_ok(ctx, nrm_parameters_create(ctx, a.nn, &p));
        assert_ok(ctx, nrm_parameters_create(ctx, b.nn, &q));
        assert_int_equal(nrm_parameters_count(p), nrm_parameters_count(q));
        assert_ok(ctx, nrm_parameters_initialise(ctx, p, 5));
        assert_ok(ctx, nrm_parameters_initialise(ctx, q, 5));
        for (int64_t i = 0; nrm_parameters_at(p, i, &u); i++) {
            assert_true(nrm_parameters_at(q, i, &v));
            assert_string_equal(u.name, v.name);
            assert_int_equal(nrm_array_count(&u.array), nrm_array_count(&v.array));
            for (int64_t j = 0; j < nrm_array_count(&u.array); j++) assert_true(((float *)u.array.data)[j] == (float)((double *)v.array.data)[j]);
        }
        nrm_parameters_destroy(p);
        nrm_parameters_destroy(q);
        nrm_nn_destroy(a.nn);
        nrm_nn_destroy(b.nn);
    }
    nrm_ctx_destroy(ctx);
}

/* Every choice of every key builds and differentiates. */
static void every_choice(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (const char *const *model = nrm_network_models(); *model; model++) {
        nrm_network_key key;
        for (int i = 0; nrm_network_key_at(*model, i, &key); i++) {
            assert_true(key.name && key.type && key.help);
            for (int w = 0; key.words && key.words[w]; w++) {
                char config[256];
                nrm_node by[KIT_MOST], gradients[KIT_MOST];
                nrm_program *program;
                snprintf(config, sizeof config, "{\"model\": \"%s\", %s\"dropout\": 0.1, \"%s\": \"%s\"}", *model,
                         strcmp(*model, "mlp") == 0 ? "\"inputs\": 4, \"outputs\": 2, " : "", key.name, key.words[w]);
                nrm_network_graph g = graph_of(ctx, config, true, 3, NRM_F32);
                const int count = nrm_nn_trained(g.nn, KIT_MOST, by);
                assert_true(count <= KIT_MOST);
                nrm_graph_gradient(g.loss.mean, count, by, gradients);
                assert_ok(ctx, nrm_compile(ctx, count, gradients, NULL, &program));
                nrm_program_destroy(program);
                nrm_nn_destroy(g.nn);
            }
        }
    }
    nrm_ctx_destroy(ctx);
}

/* ---- Configurations -------------------------------------------------------------------------------- */

static void configurations(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_network *a = network_of(ctx, "{\"model\": \"gpt\", \"layers\": 2, \"dropout\": 0.1, \"tie\": false}"), *b, *c;
    nrm_network_key key;
    for (int i = 0; nrm_network_key_at("gpt", i, &key); i++) {
        char text[64];
        snprintf(text, sizeof text, "\"%s\": ", key.name);
        assert_non_null(strstr(nrm_network_config(a), text)); /* every key with its value */
    }
    assert_non_null(strstr(nrm_network_config(a), "\"layers\": 2"));
    assert_non_null(strstr(nrm_network_config(a), "\"activation\": \"gelu\""));
    b = network_of(ctx, nrm_network_config(a));
    assert_string_equal(nrm_network_config(a), nrm_network_config(b));
    assert_string_equal(nrm_network_model(b), "gpt");
    /* What the fallback says counts where the configuration is silent; its other keys do not matter. */
    assert_ok(ctx, nrm_network_create(ctx, "{\"widths\": [3], \"inputs\": 7}",
                                      "{\"model\": \"mlp\", \"inputs\": 2, \"outputs\": 5, \"vocabulary\": 9}", &c));
    assert_non_null(strstr(nrm_network_config(c), "\"inputs\": 7, \"outputs\": 5, \"widths\": [3]"));
    assert_false(nrm_network_key_at("gpt", -1, &key) || nrm_network_key_at("gpt", 1000, &key) || nrm_network_key_at("bert", 0, &key));
    nrm_network_destroy(a);
    nrm_network_destroy(b);
    nrm_network_destroy(c);
    nrm_ctx_destroy(ctx);
}

/* docs/networks.md has a row for every key, with its usual value. */
static void documented(void **state)
{
    (void)state;
    static char text[65536];
    nrm_network_key key;
    FILE *file = fopen(NRM_SOURCE_DIR "/docs/networks.md", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    for (const char *const *model = nrm_network_models(); *model; model++) {
        char want[256];
        snprintf(want, sizeof want, "\n### %s\n", *model);
        const char *section = strstr(text, want);
        assert_non_null(section);
        for (int i = 0; nrm_network_key_at(*model, i, &key); i++) {
            snprintf(want, sizeof want, "\n| `%s` | %s | %s%s%s |", key.name, key.type, key.usual ? "`" : "",
                     key.usual ? key.usual : "must be given", key.usual ? "`" : "");
            section = strstr(section, want); /* in the table's order */
            assert_non_null(section);
            assert_non_null(strstr(section, key.help));
        }
    }
    for (int i = 0; nrm_nn_activations()[i]; i++) assert_non_null(strstr(text, nrm_nn_activations()[i]));
}

static void bad_configurations(void **state)
{
    (void)state;
    static const struct { const char *config; nrm_status status; const char *says; } cases[] = {
        {"", NRM_E_FORMAT, "not understood"}, {"[1]", NRM_E_FORMAT, "no object"}, {"{\"model\": \"gpt\",}", NRM_E_FORMAT, "not understood"},
        {"{\"model\": \"gpt\", \"layers\": 1, \"layers\": 2}", NRM_E_FORMAT, "not understood"},
        {"{}", NRM_E_ARGUMENT, "'model' is missing"}, {"{\"model\": 3}", NRM_E_ARGUMENT, "'model' is 3"},
        {"{\"model\": \"covnet\"}", NRM_E_ARGUMENT, "the nearest is convnet"},
        {"{\"model\": \"gpt\", \"widht\": 3}", NRM_E_ARGUMENT, "no key 'widht'; the nearest is width"},
        {"{\"model\": \"gpt\", \"channels\": [3]}", NRM_E_ARGUMENT, "no key 'channels'"},
        {"{\"model\": \"gpt\", \"layers\": 0}", NRM_E_RANGE, "'layers' is 0; it must lie between 1 and 1000"},
        {"{\"model\": \"gpt\", \"layers\": 2.5}", NRM_E_DTYPE, "'layers' is 2.5; it must be a whole number"},
        {"{\"model\": \"gpt\", \"layers\": \"4\"}", NRM_E_DTYPE, "'layers' is \"4\""},
        {"{\"model\": \"gpt\", \"tie\": 1}", NRM_E_DTYPE, "'tie' is 1; it must be true or false"},
        {"{\"model\": \"gpt\", \"dropout\": 1}", NRM_E_RANGE, "'dropout' is 1"}, {"{\"model\": \"gpt\", \"dropout\": null}", NRM_E_DTYPE, "null"},
        {"{\"model\": \"gpt\", \"activation\": \"gelo\"}", NRM_E_ARGUMENT, "the nearest is gelu"},
        {"{\"model\": \"gpt\", \"activation\": 1}", NRM_E_DTYPE, "must be a word"},
        {"{\"model\": \"gpt\", \"heads\": 3}", NRM_E_RANGE, "'heads' is 3; it must divide 'width', which is 128"},
        {"{\"model\": \"gpt\", \"heads\": 128, \"position\": \"rope\"}", NRM_E_RANGE, "a head has 1 features"},
        {"{\"model\": \"mlp\", \"outputs\": 1}", NRM_E_ARGUMENT, "'inputs' is missing"},
        {"{\"model\": \"mlp\", \"inputs\": 1, \"outputs\": 1, \"widths\": 5}", NRM_E_DTYPE, "'widths' is 5; it must be a list"},
        {"{\"model\": \"mlp\", \"inputs\": 1, \"outputs\": 1, \"widths\": [5, -1]}", NRM_E_RANGE, "'widths' is -1"},
        {"{\"model\": \"mlp\", \"inputs\": 1, \"outputs\": 1, \"widths\": [5, true]}", NRM_E_DTYPE, "'widths' is true"},
        {"{\"model\": \"mlp\", \"inputs\": 1, \"outputs\": 1, \"label_smoothing\": 0.1}", NRM_E_ARGUMENT, "belongs to cross_entropy"},
        {"{\"model\": \"convnet\", \"image\": [28, 28]}", NRM_E_SHAPE, "channels, height, width"},
        {"{\"model\": \"convnet\", \"channels\": []}", NRM_E_SHAPE, "'channels' is empty"},
        {"{\"model\": \"convnet\", \"norm\": \"group\", \"channels\": [12]}", NRM_E_RANGE, "'groups' is 8"}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_network *network = NULL;
    char many[1024] = "{\"model\": \"convnet\", \"channels\": [1";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_status(ctx, nrm_network_create(ctx, cases[i].config, NULL, &network), cases[i].status);
        assert_message(ctx, cases[i].says);
        assert_null(network);
    }
    for (int i = 0; i < 64; i++) strcat(many, ", 1");
    strcat(many, "]}");
    assert_status(ctx, nrm_network_create(ctx, many, NULL, &network), NRM_E_RANGE);
    assert_message(ctx, "'channels' has 65 entries");
    assert_status(ctx, nrm_network_create(ctx, NULL, NULL, &network), NRM_E_NULL);
    assert_status(ctx, nrm_network_create(ctx, "{\"model\": \"gpt\"}", "{", &network), NRM_E_FORMAT);
    nrm_network_destroy(NULL);

    network = network_of(ctx, small_gpt);
    nrm_network_options o = nrm_network_options_default();
    nrm_network_graph g = {0};
    o.length = 6;
    assert_status(ctx, nrm_network_build(ctx, network, &o, &g), NRM_E_RANGE);
    assert_message(ctx, "length is 6; it must not exceed the context 5");
    o.length = 0;
    o.batch = 0;
    assert_status(ctx, nrm_network_build(ctx, network, &o, &g), NRM_E_RANGE);
    o.batch = 1;
    o.dtype = NRM_I64;
    assert_status(ctx, nrm_network_build(ctx, network, &o, &g), NRM_E_DTYPE);
    o.size = 3;
    assert_status(ctx, nrm_network_build(ctx, network, &o, &g), NRM_E_ARGUMENT);
    assert_null(g.nn);
    nrm_network_destroy(network);
    nrm_ctx_destroy(ctx);
}

static nrm_status body(nrm_ctx *ctx, void *user)
{
    nrm_network *network = NULL;
    nrm_network_graph g = {0};
    nrm_parameters *p = NULL, *q = NULL;
    nrm_status st = nrm_network_create(ctx, user, NULL, &network);
    if (st >= 0) st = nrm_network_build(ctx, network, NULL, &g);
    if (st >= 0) st = nrm_parameters_create(ctx, g.nn, &p);
    if (st >= 0) st = nrm_parameters_like(ctx, p, &q);
    nrm_parameters_destroy(p);
    nrm_parameters_destroy(q);
    nrm_nn_destroy(g.nn);
    nrm_network_destroy(network);
    return st;
}

static void survives_no_memory(void **state)
{
    (void)state;
    nrm_test_allocation_failures(body, "{\"model\": \"gpt\", \"layers\": 1, \"position\": \"rope\"}", NULL, 0);
    nrm_test_allocation_failures(body, "{\"model\": \"gpt\", \"layers\": 1, \"position\": \"sinusoidal\"}", NULL, 0);
    nrm_test_allocation_failures(body, "{\"model\": \"mlp\", \"inputs\": 2, \"outputs\": 2, \"norm\": \"layer\"}", NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(gpt_values_agree), cmocka_unit_test(convnet_values_agree), cmocka_unit_test(mlp_is_its_layers),
              cmocka_unit_test(counts), cmocka_unit_test(names_and_flags), cmocka_unit_test(one_set_of_parameters),
              cmocka_unit_test(every_choice), cmocka_unit_test(configurations), cmocka_unit_test(documented), cmocka_unit_test(bad_configurations),
              cmocka_unit_test(survives_no_memory))
