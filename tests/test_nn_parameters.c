/* test_nn_parameters.c -- the memory of parameters, buffers after a step, checkpoints. */
#include "testkit.h"
#include <norma/call.h>
#include <norma/nn.h>
#include <unistd.h>

static const char config[] = "{\"model\": \"mlp\", \"inputs\": 3, \"outputs\": 2, \"widths\": [5], \"norm\": \"batch\"}";

typedef struct subject {
    nrm_network_graph g;
    nrm_parameters *p;
} subject;

static subject make(nrm_ctx *ctx, const char *text, nrm_dtype dtype, uint64_t seed)
{
    nrm_network *network;
    nrm_network_options o = nrm_network_options_default();
    subject s;
    o.batch = 4;
    o.dtype = dtype;
    assert_ok(ctx, nrm_network_create(ctx, text, NULL, &network));
    assert_ok(ctx, nrm_network_build(ctx, network, &o, &s.g));
    assert_ok(ctx, nrm_parameters_create(ctx, s.g.nn, &s.p));
    assert_ok(ctx, nrm_parameters_initialise(ctx, s.p, seed));
    nrm_network_destroy(network);
    return s;
}

static void destroy(subject s)
{
    nrm_parameters_destroy(s.p);
    nrm_nn_destroy(s.g.nn);
}

static double *numbers(const nrm_parameters *p, const char *name)
{
    nrm_parameter q;
    assert_true(nrm_parameters_at(p, nrm_parameters_find(p, name), &q));
    return q.array.data;
}

/* One block in order, 64-byte steps, the trained ones first. */
static void memory(void **state)
{
    (void)state;
    static const char *const names[] = {"layers.0.linear.weight", "layers.0.linear.bias", "layers.0.norm.weight", "layers.0.norm.bias",
                                        "output.weight", "output.bias", "layers.0.norm.running_mean", "layers.0.norm.running_var"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    subject s = make(ctx, config, NRM_F64, 1);
    nrm_parameters *like;
    nrm_parameter p, before;
    assert_int_equal(nrm_parameters_count(s.p), 8);
    assert_int_equal(nrm_parameters_trained(s.p), 6);
    assert_int_equal(nrm_parameters_elements(s.p), 15 + 5 + 10 + 12);
    for (int64_t i = 0; i < 8; i++) {
        assert_true(nrm_parameters_at(s.p, i, &p));
        assert_string_equal(p.name, names[i]);
        assert_int_equal(nrm_parameters_find(s.p, names[i]), i);
        assert_int_equal((uintptr_t)p.array.data % 64, 0);
        assert_int_equal((p.flags & NRM_PARAMETER_BUFFER) != 0, i >= 6);
        if (i > 0) assert_int_equal((char *)p.array.data - (char *)before.array.data, (nrm_array_count(&before.array) * 8 + 63) / 64 * 64);
        before = p;
    }
    assert_false(nrm_parameters_at(s.p, 8, &p) || nrm_parameters_at(s.p, -1, &p));
    assert_int_equal(nrm_parameters_find(s.p, "output"), -1);
    assert_true(numbers(s.p, "layers.0.norm.running_var")[4] == 1 && numbers(s.p, "layers.0.norm.running_mean")[4] == 0);
    assert_ok(ctx, nrm_parameters_like(ctx, s.p, &like));
    assert_int_equal(nrm_parameters_elements(like), nrm_parameters_elements(s.p));
    assert_true(numbers(like, "output.weight") != numbers(s.p, "output.weight") && numbers(like, "output.weight")[3] == 0);
    nrm_parameters_destroy(like);
    nrm_parameters_destroy(NULL);
    destroy(s);
    nrm_ctx_destroy(ctx);
}

/* Two training steps of a batch norm: the running mean follows by hand. */
static void buffers_follow(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_nn *nn;
    nrm_parameters *p, *other;
    nrm_program *program;
    nrm_instance *run;
    nrm_node out[3];
    const double x[4] = {1, 10, 5, 20};
    assert_ok(ctx, nrm_nn_create(ctx, &nn, NRM_F64, true));
    out[0] = nrm_nn_batch_norm(nn, "n", nrm_graph_input(nrm_nn_graph(nn), "x", NRM_F64, 2, (int64_t[]){2, 2}), 0.5, 1e-5);
    assert_int_equal(nrm_nn_updates(nn, 2, out + 1), 2);
    assert_ok(ctx, nrm_compile(ctx, 3, out, NULL, &program));
    assert_ok(ctx, nrm_parameters_create(ctx, nn, &p));
    assert_ok(ctx, nrm_parameters_initialise(ctx, p, 1));
    assert_ok(ctx, nrm_instance_create(ctx, program, &run));
    assert_ok(ctx, nrm_parameters_bind(ctx, p, run));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "x", x));
    for (int step = 0; step < 2; step++) {
        assert_ok(ctx, nrm_run(ctx, run));
        assert_ok(ctx, nrm_parameters_update(ctx, p, nn, run, 1));
    }
    assert_near(numbers(p, "n.running_mean")[0], 0.75 * 3, 1e-15);
    assert_near(numbers(p, "n.running_mean")[1], 0.75 * 15, 1e-15);
    assert_near(numbers(p, "n.running_var")[0], 0.25 + 0.75 * 8, 1e-14);
    assert_near(numbers(p, "n.running_var")[1], 0.25 + 0.75 * 50, 1e-14);
    assert_status(ctx, nrm_parameters_update(ctx, p, nn, run, 2), NRM_E_ARGUMENT); /* not enough outputs */
    assert_near(numbers(p, "n.running_mean")[0], 2.25, 1e-15);
    subject s = make(ctx, config, NRM_F64, 1);
    other = s.p;
    assert_status(ctx, nrm_parameters_update(ctx, other, nn, run, 1), NRM_E_ARGUMENT);
    assert_message(ctx, "n.running_mean");
    destroy(s);
    nrm_instance_destroy(run);
    nrm_program_destroy(program);
    nrm_parameters_destroy(p);
    nrm_nn_destroy(nn);
    nrm_ctx_destroy(ctx);
}

static void bind_refuses_another_network(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    subject a = make(ctx, config, NRM_F64, 1), b = make(ctx, config, NRM_F32, 1);
    nrm_program *program;
    nrm_instance *run;
    assert_ok(ctx, nrm_compile(ctx, 1, &a.g.logits, NULL, &program));
    assert_ok(ctx, nrm_instance_create(ctx, program, &run));
    assert_status(ctx, nrm_parameters_bind(ctx, b.p, run), NRM_E_SHAPE);
    assert_message(ctx, "'layers.0.linear.weight' is f32 5x3 and the program wants f64 5x3");
    nrm_instance_destroy(run);
    nrm_program_destroy(program);
    destroy(a);
    destroy(b);
    nrm_ctx_destroy(ctx);
}

/* ---- Checkpoints --------------------------------------------------------------------------------- */

static void equal(const nrm_parameters *a, const nrm_parameters *b)
{
    nrm_parameter p, q;
    for (int64_t i = 0; nrm_parameters_at(a, i, &p); i++) {
        assert_true(nrm_parameters_at(b, i, &q));
        assert_memory_equal(p.array.data, q.array.data, (size_t)nrm_array_count(&p.array) * nrm_dtype_size(p.array.dtype));
    }
}

static void round_trip(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    subject a = make(ctx, config, NRM_F64, 1), b = make(ctx, config, NRM_F64, 2), c = make(ctx, config, NRM_F32, 3);
    int64_t step = 41;
    char text[] = "{\"model\": \"mlp\"}";
    nrm_named items[2] = {{(char *)(uintptr_t)"step", {.data = &step, .dtype = NRM_I64}},
                          {(char *)(uintptr_t)"network", {.data = text, .dtype = NRM_U8, .ndim = 1, .shape = {(int64_t)strlen(text)}}}};
    const nrm_bundle more = {items, 2};
    static const char *const files[] = {"checkpoint.safetensors", "checkpoint.npz"};
    for (int k = 0; k < 2; k++) {
        char path[4096];
        nrm_loaded loaded;
        char *back;
        snprintf(path, sizeof path, "%s", nrm_test_temp(files[k]));
        assert_ok(ctx, nrm_parameters_save(ctx, a.p, &more, path));
        assert_ok(ctx, nrm_load(ctx, path, &loaded));
        assert_int_equal(loaded.bundle.count, 10);
        assert_ok(ctx, nrm_parameters_load(ctx, b.p, &loaded.bundle));
        equal(a.p, b.p);
        assert_ok(ctx, nrm_parameters_load(ctx, c.p, &loaded.bundle)); /* f64 to f32 */
        nrm_parameter p;
        assert_true(nrm_parameters_at(c.p, 0, &p));
        for (int i = 0; i < 15; i++) assert_true(((float *)p.array.data)[i] == (float)numbers(a.p, p.name)[i]);
        assert_int_equal(*(int64_t *)nrm_bundle_find(&loaded.bundle, "step")->data, 41);
        assert_ok(ctx, nrm_bundle_text(ctx, &loaded.bundle, "network", &back));
        assert_string_equal(back, text);
        nrm_free_string(ctx, back);
        assert_status(ctx, nrm_bundle_text(ctx, &loaded.bundle, "step", &back), NRM_E_DTYPE);
        assert_status(ctx, nrm_bundle_text(ctx, &loaded.bundle, "tokenizer", &back), NRM_E_ARGUMENT);
        assert_null(nrm_bundle_find(&loaded.bundle, "nothing"));
        nrm_loaded_destroy(ctx, &loaded);
        unlink(path);
        assert_ok(ctx, nrm_parameters_initialise(ctx, b.p, 2));
    }
    items[0].name = (char *)(uintptr_t)"output.bias";
    assert_status(ctx, nrm_parameters_save(ctx, a.p, &more, nrm_test_temp("twice.safetensors")), NRM_E_ARGUMENT);
    assert_message(ctx, "'output.bias' occurs twice");
    items[0].name = items[1].name;
    assert_status(ctx, nrm_parameters_save(ctx, a.p, &more, nrm_test_temp("twice.safetensors")), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_parameters_save(ctx, a.p, NULL, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_parameters_save(ctx, a.p, NULL, "/no/such/folder/c.safetensors"), NRM_E_IO);
    destroy(a);
    destroy(b);
    destroy(c);
    nrm_ctx_destroy(ctx);
}

/* What does not fit is named, and nothing is changed. */
static void mismatches(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    subject a = make(ctx, config, NRM_F64, 1), wide = make(ctx, "{\"model\": \"mlp\", \"inputs\": 3, \"outputs\": 2, \"widths\": [6], \"norm\": \"batch\"}", NRM_F64, 1);
    subject b = make(ctx, config, NRM_F64, 2), kept = make(ctx, config, NRM_F64, 2);
    char path[4096];
    nrm_loaded loaded;
    snprintf(path, sizeof path, "%s", nrm_test_temp("other.safetensors"));
    assert_ok(ctx, nrm_parameters_save(ctx, wide.p, NULL, path));
    assert_ok(ctx, nrm_load(ctx, path, &loaded));
    assert_status(ctx, nrm_parameters_load(ctx, b.p, &loaded.bundle), NRM_E_SHAPE);
    assert_message(ctx, "tensor 'layers.0.linear.weight' has shape 6x3; this network's has 5x3");
    equal(b.p, kept.p);
    nrm_loaded_destroy(ctx, &loaded);

    assert_ok(ctx, nrm_parameters_save(ctx, a.p, NULL, path));
    assert_ok(ctx, nrm_load(ctx, path, &loaded));
    for (int64_t i = 0; i < loaded.bundle.count; i++) /* the last one looked for */
        if (strcmp(loaded.bundle.items[i].name, "layers.0.norm.running_var") == 0) loaded.bundle.items[i].name[22] = 'b';
    assert_status(ctx, nrm_parameters_load(ctx, b.p, &loaded.bundle), NRM_E_ARGUMENT);
    assert_message(ctx, "no tensor 'layers.0.norm.running_var' (the nearest is 'layers.0.norm.running_bar')");
    equal(b.p, kept.p);
    int32_t whole[2] = {1, 2};
    for (int64_t i = 0; i < loaded.bundle.count; i++) {
        nrm_named *n = &loaded.bundle.items[i];
        if (strcmp(n->name, "output.bias") != 0) continue;
        nrm_array_destroy(ctx, &n->array);
        n->array = (nrm_array){.data = whole, .dtype = NRM_I32, .ndim = 1, .shape = {2}};
    }
    assert_status(ctx, nrm_parameters_load(ctx, b.p, &loaded.bundle), NRM_E_DTYPE);
    assert_message(ctx, "'output.bias' is i32");
    equal(b.p, kept.p);
    nrm_loaded_destroy(ctx, &loaded);
    unlink(path);
    destroy(a);
    destroy(b);
    destroy(kept);
    destroy(wide);
    nrm_ctx_destroy(ctx);
}

static nrm_status save_body(nrm_ctx *ctx, void *user)
{
    const subject *s = user;
    return nrm_parameters_save(ctx, s->p, NULL, nrm_test_temp("nomem.safetensors"));
}

static void survives_no_memory(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    subject s = make(ctx, config, NRM_F64, 1);
    nrm_test_allocation_failures(save_body, &s, NULL, 0);
    unlink(nrm_test_temp("nomem.safetensors"));
    destroy(s);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(memory), cmocka_unit_test(buffers_follow), cmocka_unit_test(bind_refuses_another_network),
              cmocka_unit_test(round_trip), cmocka_unit_test(mismatches), cmocka_unit_test(survives_no_memory))
