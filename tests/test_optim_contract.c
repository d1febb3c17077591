/* test_optim_contract.c -- routing, options, refusals that change nothing, state by name,
 * resuming, memory, threads, clipped steps. */
#include "base/base.h"
#include "optim_kit.h"
#include <omp.h>

#define SHAPE(...) (sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__}

/* A small network: two hidden matrices, a kernel, an embedding, a head, gains, a scalar. */
static const nrm_optimizer_group GROUPS[] = {{NRM_OPTIMIZER_MUON, NULL}, {NRM_OPTIMIZER_ADAMW, NULL}};

static void network(kit *k, nrm_dtype dtype)
{
    *k = (kit){.dtype = dtype};
    kit_add(k, SHAPE(9, 7));
    kit_add(k, SHAPE(11, 40));
    kit_add(k, SHAPE(6, 3, 3, 3));
    kit_add(k, SHAPE(50, 8));
    k->tensor[3].flags = NRM_OPTIMIZER_EMBEDDING;
    kit_add(k, SHAPE(30, 8));
    k->tensor[4].flags = NRM_OPTIMIZER_HEAD;
    kit_add(k, SHAPE(17));
    kit_add(k, 0, NULL);
    kit_add(k, SHAPE(1, 9));
    nrm_optimizer_route(k->count, k->tensor, 0, 1);
}

static void test_route(void **unused)
{
    (void)unused;
    const int want[] = {0, 0, 0, 1, 1, 1, 1, 1};
    kit k;
    network(&k, NRM_F32);
    for (int i = 0; i < k.count; i++) assert_int_equal(k.tensor[i].group, want[i]);
    kit_add(&k, SHAPE(2, 2, 2, 2, 2));
    nrm_optimizer_route(k.count, k.tensor, 0, 1);
    assert_int_equal(k.tensor[8].group, 1);
    kit_end(&k);
}

static void test_option_lists(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_optimizer_options o, before;

    assert_ok(ctx, nrm_optimizer_options_init(ctx, NRM_OPTIMIZER_MUON, &o));
    assert_ok(ctx, nrm_optimizer_options_parse(ctx, NRM_OPTIMIZER_MUON, &o, " lr=0.5,nesterov=0\tscale=rms,, steps=3 "));
    assert_true(o.muon.lr == 0.5 && !o.muon.nesterov && o.muon.scale == NRM_MATRIX_SCALE_RMS && o.muon.steps == 3);
    assert_ok(ctx, nrm_optimizer_options_parse(ctx, NRM_OPTIMIZER_MUON, &o, ""));
    before = o;
    assert_status(ctx, nrm_optimizer_options_parse(ctx, NRM_OPTIMIZER_MUON, &o, "lr=2 momentum"), NRM_E_ARGUMENT);
    assert_message(ctx, "muon: 'momentum' is not an option with a value; write name=value");
    assert_status(ctx, nrm_optimizer_options_parse(ctx, NRM_OPTIMIZER_MUON, &o, "lr=2 lr=-1"), NRM_E_RANGE);
    char lengthy[400] = {0};
    memset(lengthy, 'x', sizeof lengthy - 1);
    assert_status(ctx, nrm_optimizer_options_parse(ctx, NRM_OPTIMIZER_MUON, &o, lengthy), NRM_E_ARGUMENT);
    assert_memory_equal(&o, &before, sizeof o);
    nrm_ctx_destroy(ctx);
}

static void test_options(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_optimizer_kind kind;
    nrm_optimizer_options o;
    int count;

    for (int i = 0; i < nrm_optimizer_kind_count; i++) {
        assert_ok(ctx, nrm_optimizer_kind_find(ctx, nrm_optimizer_kind_name((nrm_optimizer_kind)i), &kind));
        assert_int_equal(kind, i);
        assert_ok(ctx, nrm_optimizer_options_init(ctx, kind, &o));
        assert_non_null(nrm_optimizer_params(kind, &count));
        assert_true(count >= 4);
        assert_ok(ctx, nrm_optimizer_options_set(ctx, kind, &o, "lr", "0.25"));
    }
    kind = NRM_OPTIMIZER_MUON;
    assert_ok(ctx, nrm_optimizer_options_init(ctx, kind, &o));
    assert_ok(ctx, nrm_optimizer_options_set(ctx, kind, &o, "lr", "0.25"));
    assert_true(o.muon.lr == 0.25 && o.muon.momentum == 0.95);
    assert_ok(ctx, nrm_optimizer_options_set(ctx, kind, &o, "coefficients", "polar-express"));
    assert_int_equal(o.muon.coefficients, NRM_ORTHOGONALISE_POLAR_EXPRESS);
    assert_status(ctx, nrm_optimizer_options_set(ctx, kind, &o, "coefficients", "muonn"), NRM_E_ARGUMENT);
    assert_message(ctx, "quintic_classic");
    assert_status(ctx, nrm_optimizer_options_set(ctx, kind, &o, "momentun", "1"), NRM_E_ARGUMENT);
    assert_message(ctx, "did you mean momentum?");
    assert_status(ctx, nrm_optimizer_options_set(ctx, kind, &o, "momentum", "1"), NRM_E_RANGE);
    assert_true(o.muon.momentum == 0.95);
    assert_status(ctx, nrm_optimizer_kind_find(ctx, "adam", &kind), NRM_E_ARGUMENT);
    assert_message(ctx, "did you mean adamw?");
    assert_status(ctx, nrm_optimizer_options_init(ctx, (nrm_optimizer_kind)77, &o), NRM_E_ARGUMENT);
    assert_string_equal(nrm_optimizer_kind_name((nrm_optimizer_kind)77), "unknown");
    assert_true(nrm_optimizer_kind_takes_matrices(NRM_OPTIMIZER_MUON) && !nrm_optimizer_kind_takes_matrices(NRM_OPTIMIZER_SGD));
    nrm_ctx_destroy(ctx);
}

static void refuse(nrm_ctx *ctx, nrm_status status, const char *piece, nrm_optimizer_group group, nrm_optimizer_tensor t)
{
    nrm_optimizer *o = NULL;
    assert_status(ctx, nrm_optimizer_create(ctx, &o, 1, &group, 1, &t), status);
    assert_message(ctx, piece);
    assert_null(o);
}

static void test_create_refusals(void **unused)
{
    (void)unused;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    const int64_t live = memory.live;
    const nrm_optimizer_group adamw = {NRM_OPTIMIZER_ADAMW, NULL}, muon = {NRM_OPTIMIZER_MUON, NULL};
    const nrm_optimizer_tensor fine = {.name = "w", .dtype = NRM_F32, .ndim = 2, .shape = (int64_t[]){3, 4}};
    nrm_optimizer_tensor t = fine;
    nrm_optimizer *o;

    t.ndim = 1, refuse(ctx, NRM_E_SHAPE, "'w' needs a matrix (got 1-d); use the adamw group", muon, t);
    t.ndim = 0, refuse(ctx, NRM_E_SHAPE, "(got 0-d)", muon, t);
    t.ndim = 5, t.shape = (int64_t[]){2, 2, 2, 2, 2}, refuse(ctx, NRM_E_SHAPE, "(got 5-d)", muon, t);
    t = fine, t.split_count = 2, t.split = (int64_t[]){1, 1};
    refuse(ctx, NRM_E_SHAPE, "sums to 2; it must sum to its 3 rows", muon, t);
    t.split = (int64_t[]){3, 0}, refuse(ctx, NRM_E_SHAPE, "split[1] of 'w' is 0", muon, t);
    t = fine, t.group = 1, refuse(ctx, NRM_E_RANGE, "the group of 'w' is 1", adamw, t);
    t = fine, t.dtype = NRM_I64, refuse(ctx, NRM_E_DTYPE, "'w' is of type i64", adamw, t);
    t = fine, t.name = "", refuse(ctx, NRM_E_ARGUMENT, "has no name", adamw, t);
    t = fine, t.shape = (int64_t[]){3, -1}, refuse(ctx, NRM_E_SHAPE, "shape of 'w'", adamw, t);
    t.shape = (int64_t[]){INT64_MAX / 2, 4}, refuse(ctx, NRM_E_SHAPE, "shape of 'w'", adamw, t);
    t = fine, t.shape = NULL, refuse(ctx, NRM_E_SHAPE, "no shape", adamw, t);
    assert_status(ctx, nrm_optimizer_create(ctx, &o, 1, &adamw, 2, (nrm_optimizer_tensor[]){fine, fine}), NRM_E_ARGUMENT);
    assert_message(ctx, "both called 'w'");
    assert_status(ctx, nrm_optimizer_create(ctx, &o, 0, &adamw, 1, &fine), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_optimizer_create(ctx, NULL, 1, &adamw, 1, &fine), NRM_E_NULL);

    nrm_sgd_options sgd = nrm_sgd_options_default();
    sgd.lr = 0, refuse(ctx, NRM_E_RANGE, "lr is 0; it must be > 0", (nrm_optimizer_group){NRM_OPTIMIZER_SGD, &sgd}, fine);
    sgd = nrm_sgd_options_default(), sgd.nesterov = true;
    refuse(ctx, NRM_E_ARGUMENT, "needs momentum > 0", (nrm_optimizer_group){NRM_OPTIMIZER_SGD, &sgd}, fine);
    nrm_adamw_options a = nrm_adamw_options_default();
    a.beta2 = 1, refuse(ctx, NRM_E_RANGE, "adamw: beta2 is 1", (nrm_optimizer_group){NRM_OPTIMIZER_ADAMW, &a}, fine);
    a = nrm_adamw_options_default(), a.eps = 0;
    refuse(ctx, NRM_E_RANGE, "adamw: eps is 0", (nrm_optimizer_group){NRM_OPTIMIZER_ADAMW, &a}, fine);
    nrm_muon_options m = nrm_muon_options_default();
    m.coefficients = 99, refuse(ctx, NRM_E_RANGE, "muon: coefficients", (nrm_optimizer_group){NRM_OPTIMIZER_MUON, &m}, fine);
    refuse(ctx, NRM_E_ARGUMENT, "kind is 99", (nrm_optimizer_group){(nrm_optimizer_kind)99, NULL}, fine);
    assert_int_equal(memory.live, live);
    nrm_optimizer_destroy(ctx, NULL);
    nrm_ctx_destroy(ctx);
}

/* A gradient that is not finite, anywhere: nothing moves, and the sentence finds it. */
static void test_nonfinite(void **unused)
{
    (void)unused;
    const nrm_dtype dtypes[] = {NRM_F32, NRM_F64};
    for (int d = 0; d < 2; d++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        nrm_optimizer *o;
        nrm_array view;
        kit k, twin;
        network(&k, dtypes[d]), network(&twin, dtypes[d]);
        assert_ok(ctx, nrm_optimizer_create(ctx, &o, 2, GROUPS, k.count, k.tensor));
        const double bad[] = {NAN, INFINITY, -INFINITY};
        for (int b = 0; b < 3; b++) {
            kit_gradients(&k, 0);
            kit_set(k.dtype, k.gradient[5], 16, NAN);
            kit_set(k.dtype, k.gradient[1], 43, bad[b]);
            assert_status(ctx, nrm_optimizer_check(ctx, o, k.parameter, (const void *const *)k.gradient, 1), NRM_E_NONFINITE);
            assert_status(ctx, kit_step(ctx, o, &k), NRM_E_NONFINITE);
            assert_message(ctx, "the gradient of 'w1'[1,3] is ");
            kit_same(&k, &twin);
            for (int64_t i = 1; nrm_optimizer_state_at(o, i, NULL, &view); i++)
                for (int64_t e = 0; e < nrm_array_count(&view); e++) assert_true(kit_get(view.dtype, view.data, e) == 0);
            assert_int_equal(nrm_optimizer_steps(o), 0);
        }
        kit_gradients(&k, 0);
        const void *gradients[KIT_TENSORS];
        memcpy(gradients, k.gradient, sizeof gradients);
        assert_status(ctx, nrm_optimizer_step(ctx, o, k.parameter, gradients, -1), NRM_E_RANGE);
        assert_status(ctx, nrm_optimizer_step(ctx, o, k.parameter, gradients, NAN), NRM_E_RANGE);
        assert_status(ctx, nrm_optimizer_step(ctx, o, NULL, gradients, 1), NRM_E_NULL);
        gradients[2] = NULL;
        assert_status(ctx, nrm_optimizer_step(ctx, o, k.parameter, gradients, 1), NRM_E_NULL);
        assert_message(ctx, "the gradient of 'w2' is NULL");
        gradients[2] = k.parameter[2];
        assert_status(ctx, nrm_optimizer_step(ctx, o, k.parameter, gradients, 1), NRM_E_ALIAS);
        gradients[2] = k.gradient[2];
        nrm_cancel(ctx);
        assert_status(ctx, nrm_optimizer_step(ctx, o, k.parameter, gradients, 1), NRM_E_CANCELLED);
        nrm_cancel_clear(ctx);
        kit_same(&k, &twin);
        assert_ok(ctx, nrm_optimizer_step(ctx, o, k.parameter, gradients, 1));
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k), kit_end(&twin);
        nrm_ctx_destroy(ctx);
    }
}

/* ---- State ---------------------------------------------------------------------------------- */

static nrm_bundle bundle_of(nrm_optimizer *o)
{
    nrm_bundle b = {calloc((size_t)nrm_optimizer_state_count(o), sizeof(nrm_named)), nrm_optimizer_state_count(o)};
    for (int64_t i = 0; i < b.count; i++) {
        const char *name;
        assert_true(nrm_optimizer_state_at(o, i, &name, &b.items[i].array));
        b.items[i].name = (char *)(uintptr_t)name;
    }
    return b;
}

static void test_resume(void **unused)
{
    (void)unused;
    const char *files[] = {"optim.safetensors", "optim.npz"};
    for (int f = 0; f < 2; f++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        nrm_optimizer *o, *again;
        nrm_loaded loaded;
        kit k, resumed;
        network(&k, NRM_F32), network(&resumed, NRM_F32);
        assert_ok(ctx, nrm_optimizer_create(ctx, &o, 2, GROUPS, k.count, k.tensor));
        kit_steps(ctx, o, &k, 0, 5);
        nrm_bundle b = bundle_of(o);
        assert_string_equal(b.items[0].name, "optimizer.step");
        assert_string_equal(b.items[1].name, "muon.m:w0");
        assert_int_equal(b.items[3].array.ndim, 4);
        assert_int_equal(b.count, 1 + 3 + 2 * 5);
        assert_true(nrm_optimizer_state_bytes(o) == 8 + 4 * (63 + 440 + 162 + 2 * (400 + 240 + 17 + 1 + 9)));
        assert_ok(ctx, nrm_save_bundle(ctx, nrm_test_temp(files[f]), &b));
        for (int i = 0; i < k.count; i++) memcpy(resumed.parameter[i], k.parameter[i], (size_t)k.size[i] * 4);
        kit_steps(ctx, o, &k, 5, 9);

        assert_ok(ctx, nrm_load(ctx, nrm_test_temp(files[f]), &loaded));
        assert_ok(ctx, nrm_optimizer_create(ctx, &again, 2, GROUPS, resumed.count, resumed.tensor));
        assert_ok(ctx, nrm_optimizer_load_state(ctx, again, &loaded.bundle));
        assert_int_equal(nrm_optimizer_steps(again), 5);
        kit_steps(ctx, again, &resumed, 5, 9);
        kit_same(&k, &resumed);
        assert_false(nrm_optimizer_state_at(o, -1, NULL, NULL));
        assert_false(nrm_optimizer_state_at(o, b.count, NULL, NULL));
        nrm_loaded_destroy(ctx, &loaded);
        nrm_optimizer_destroy(ctx, o);
        nrm_optimizer_destroy(ctx, again);
        free(b.items);
        kit_end(&k), kit_end(&resumed);
        nrm_ctx_destroy(ctx);
    }
}

/* Options that change between steps: the same as another optimizer that takes the state over. */
static void test_options_that_change(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int64_t shape[] = {5, 3};
    const nrm_optimizer_tensor tensor = {.name = "w", .dtype = NRM_F64, .ndim = 2, .shape = shape, .split_count = 2,
                                         .split = (int64_t[]){2, 3}};
    nrm_muon_options options = nrm_muon_options_default();
    const nrm_optimizer_group group = {NRM_OPTIMIZER_MUON, &options};
    double w[15], other[15], g[15];
    void *const parameter[] = {w}, *const others[] = {other};
    const void *const gradient[] = {g};
    nrm_optimizer *o, *fresh;

    for (int i = 0; i < 15; i++) w[i] = sin(i), g[i] = cos(3 * i);
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &group, 1, &tensor));
    assert_ok(ctx, nrm_optimizer_step(ctx, o, parameter, gradient, 1));
    memcpy(other, w, sizeof w);
    options.lr = 0.5, options.coefficients = NRM_ORTHOGONALISE_EXACT; /* needs other work */
    assert_ok(ctx, nrm_optimizer_create(ctx, &fresh, 1, &group, 1, &tensor));
    nrm_bundle b = bundle_of(o);
    assert_int_equal(b.count, 3);
    assert_string_equal(b.items[2].name, "muon.m:w#1");
    assert_int_equal(b.items[2].array.shape[0], 3);
    assert_ok(ctx, nrm_optimizer_load_state(ctx, fresh, &b));
    assert_ok(ctx, nrm_optimizer_set_options(ctx, o, 0, &options));
    assert_ok(ctx, nrm_optimizer_step(ctx, o, parameter, gradient, 1));
    assert_ok(ctx, nrm_optimizer_step(ctx, fresh, others, gradient, 1));
    assert_memory_equal(w, other, sizeof w);
    options.momentum = 2;
    assert_status(ctx, nrm_optimizer_set_options(ctx, o, 0, &options), NRM_E_RANGE);
    assert_status(ctx, nrm_optimizer_set_options(ctx, o, 1, NULL), NRM_E_RANGE);
    free(b.items);
    nrm_optimizer_destroy(ctx, o);
    nrm_optimizer_destroy(ctx, fresh);

    nrm_sgd_options sgd = nrm_sgd_options_default();
    const nrm_optimizer_group plain = {NRM_OPTIMIZER_SGD, &sgd};
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &plain, 1, &tensor));
    sgd.momentum = 0.5;
    assert_status(ctx, nrm_optimizer_set_options(ctx, o, 0, &sgd), NRM_E_ARGUMENT);
    assert_message(ctx, "would change the state that 'w' has");
    nrm_optimizer_destroy(ctx, o);
    nrm_ctx_destroy(ctx);
}

/* Each way a file can be wrong: the state that is there stays. */
static void test_load_refusals(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_optimizer *o, *from;
    kit k;
    network(&k, NRM_F32);
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 2, GROUPS, k.count, k.tensor));
    assert_ok(ctx, nrm_optimizer_create(ctx, &from, 2, GROUPS, k.count, k.tensor));
    kit_steps(ctx, o, &k, 0, 2);
    kit_steps(ctx, from, &k, 0, 3);
    nrm_bundle own = bundle_of(o), b = bundle_of(from);
    float *kept[16];
    for (int64_t i = 1; i < own.count; i++) {
        const size_t bytes = (size_t)nrm_array_count(&own.items[i].array) * 4;
        kept[i] = malloc(bytes);
        memcpy(kept[i], own.items[i].array.data, bytes);
    }
    nrm_named *last = &b.items[b.count - 1], *v = &b.items[5], saved = *last;
    char other[] = "adamw.v:w9";
    int64_t negative = -3;
    float *value = v->array.data, was = value[0];
    assert_string_equal(v->name, "adamw.v:w3");

#define REFUSED(status, piece)                                                                 \
    do {                                                                                       \
        assert_status(ctx, nrm_optimizer_load_state(ctx, o, &b), status);                      \
        assert_message(ctx, piece);                                                            \
        assert_int_equal(nrm_optimizer_steps(o), 2);                                           \
        for (int64_t i = 1; i < own.count; i++)                                                \
            assert_memory_equal(kept[i], own.items[i].array.data, (size_t)nrm_array_count(&own.items[i].array) * 4); \
    } while (0)

    last->name = other;
    REFUSED(NRM_E_ARGUMENT, "'adamw.v:w7' is missing");
    *last = saved, last->array.shape[0] = 9, last->array.shape[1] = 1;
    REFUSED(NRM_E_SHAPE, "'adamw.v:w7' has shape (9, 1); the tensor needs (1, 9)");
    *last = saved, last->array.dtype = NRM_F64;
    REFUSED(NRM_E_DTYPE, "'adamw.v:w7' is of type f64; it must be f32");
    *last = saved, value[0] = NAN;
    REFUSED(NRM_E_NONFINITE, "'adamw.v:w3'[0,0]");
    value[0] = -1;
    REFUSED(NRM_E_RANGE, "'adamw.v:w3'[0,0] is -1");
    value[0] = was, b.items[0].array.data = &negative;
    REFUSED(NRM_E_RANGE, "'optimizer.step' is -3");
    b.items[0].array.dtype = NRM_F64;
    REFUSED(NRM_E_DTYPE, "'optimizer.step' is of type f64");
    b.count = 0;
    REFUSED(NRM_E_ARGUMENT, "'optimizer.step' is missing");
    assert_status(ctx, nrm_optimizer_load_state(ctx, o, NULL), NRM_E_NULL);

    for (int64_t i = 1; i < own.count; i++) free(kept[i]);
    free(own.items), free(b.items);
    nrm_optimizer_destroy(ctx, o);
    nrm_optimizer_destroy(ctx, from);
    kit_end(&k);
    nrm_ctx_destroy(ctx);
}

/* ---- Memory and threads ------------------------------------------------------------------------ */

static void test_no_allocation(void **unused)
{
    (void)unused;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    const int64_t live = memory.live;
    for (int c = 0; c < nrm_orthogonaliser_count; c++) {
        nrm_muon_options options = nrm_muon_options_default();
        nrm_optimizer *o;
        kit k;
        options.coefficients = c;
        network(&k, NRM_F32);
        assert_ok(ctx, nrm_optimizer_create(ctx, &o, 2, (nrm_optimizer_group[]){{NRM_OPTIMIZER_MUON, &options}, GROUPS[1]},
                                            k.count, k.tensor));
        memory.requests = 0;
        kit_steps(ctx, o, &k, 0, 3);
        assert_ok(ctx, nrm_clip_gradients(ctx, k.count, k.dtype, k.gradient, k.size, 0.1, NULL));
        assert_int_equal(memory.requests, 0);
        nrm_optimizer_destroy(ctx, o);
        assert_int_equal(memory.live, live);
        kit_end(&k);
    }
    nrm_ctx_destroy(ctx);
}

static nrm_status create_body(nrm_ctx *ctx, void *user)
{
    const kit *k = user;
    nrm_optimizer *o;
    NRM_TRY(nrm_optimizer_create(ctx, &o, 2, GROUPS, k->count, k->tensor));
    nrm_optimizer_destroy(ctx, o);
    return NRM_OK;
}

static void test_allocation_failures(void **unused)
{
    (void)unused;
    kit k;
    network(&k, NRM_F64);
    nrm_test_allocation_failures(create_body, &k, NULL, 0);
    kit_end(&k);
}

/* Large matrices of both forms, many small ones, a long vector: 1, 2 and 3 threads. */
static void test_threads(void **unused)
{
    (void)unused;
    kit k[3];
    double norm[3];
    for (int t = 0; t < 3; t++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        nrm_optimizer *o;
        assert_ok(ctx, nrm_set_threads(ctx, t + 1));
        k[t] = (kit){.dtype = NRM_F32};
        kit_add(&k[t], SHAPE(520, 523));
        kit_add(&k[t], SHAPE(1201, 401));
        kit_add(&k[t], SHAPE(100003));
        for (int i = 0; i < 9; i++) kit_add(&k[t], SHAPE(17 + i, 70));
        nrm_optimizer_route(k[t].count, k[t].tensor, 0, 1);
        assert_ok(ctx, nrm_optimizer_create(ctx, &o, 2, GROUPS, k[t].count, k[t].tensor));
        const int before = omp_get_max_threads();
        kit_steps(ctx, o, &k[t], 0, 2);
        assert_ok(ctx, nrm_clip_gradients(ctx, k[t].count, k[t].dtype, k[t].gradient, k[t].size, 1.5, &norm[t]));
        assert_int_equal(omp_get_max_threads(), before);
        nrm_optimizer_destroy(ctx, o);
        nrm_ctx_destroy(ctx);
    }
    for (int t = 1; t < 3; t++) {
        kit_same(&k[0], &k[t]);
        assert_true(norm[t] == norm[0]);
        for (int i = 0; i < k[0].count; i++) assert_memory_equal(k[0].gradient[i], k[t].gradient[i], (size_t)k[0].size[i] * 4);
    }
    for (int t = 0; t < 3; t++) kit_end(&k[t]);
}

/* An optimizer made with one thread serves a context that has more now. */
static void test_more_threads_later(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_optimizer *o, *p;
    kit k, twin;
    network(&k, NRM_F64), network(&twin, NRM_F64);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 2, GROUPS, k.count, k.tensor));
    assert_ok(ctx, nrm_optimizer_create(ctx, &p, 2, GROUPS, k.count, k.tensor));
    kit_steps(ctx, p, &twin, 0, 3);
    assert_ok(ctx, nrm_set_threads(ctx, 3));
    kit_steps(ctx, o, &k, 0, 3);
    kit_same(&k, &twin);
    nrm_optimizer_destroy(ctx, o);
    nrm_optimizer_destroy(ctx, p);
    kit_end(&k), kit_end(&twin);
    nrm_ctx_destroy(ctx);
}

/* A clipped step is clipping and a step; gradients stay. */
static void test_clipped_step(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_optimizer *o, *p;
    kit k, twin;
    network(&k, NRM_F64), network(&twin, NRM_F64);
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 2, GROUPS, k.count, k.tensor));
    assert_ok(ctx, nrm_optimizer_create(ctx, &p, 2, GROUPS, k.count, k.tensor));
    for (int step = 0; step < 3; step++) {
        double norm = 0, same = 0;
        const double most = step == 2 ? INFINITY : 0.5;
        kit_gradients(&k, step), kit_gradients(&twin, step);
        assert_ok(ctx, nrm_clip_gradients(ctx, twin.count, twin.dtype, twin.gradient, twin.size, most, &same));
        assert_ok(ctx, kit_step(ctx, p, &twin));
        assert_ok(ctx, nrm_optimizer_step_clipped(ctx, o, k.parameter, (const void *const *)k.gradient, 1, most, &norm));
        assert_true(norm == same && norm > 10);
        kit_same(&k, &twin);
        assert_true(kit_get(k.dtype, k.gradient[5], 3) == kit_value(3, 1 + step + 500));
    }
    double norm = -1;
    kit_set(k.dtype, k.gradient[3], 10, INFINITY);
    assert_status(ctx, nrm_optimizer_step_clipped(ctx, o, k.parameter, (const void *const *)k.gradient, 1, 1, &norm),
                  NRM_E_NONFINITE);
    assert_message(ctx, "'w3'[1,2] is inf");
    kit_set(k.dtype, k.gradient[3], 10, 1e200); /* its square overflows */
    assert_status(ctx, nrm_optimizer_step_clipped(ctx, o, k.parameter, (const void *const *)k.gradient, 1, 0, &norm), NRM_E_RANGE);
    assert_true(norm == -1);
    kit_same(&k, &twin);
    assert_ok(ctx, nrm_optimizer_step_clipped(ctx, o, k.parameter, (const void *const *)k.gradient, 1, 1, &norm));
    assert_near(norm / 1e200, 1, 1e-15);
    nrm_optimizer_destroy(ctx, o);
    nrm_optimizer_destroy(ctx, p);
    kit_end(&k), kit_end(&twin);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_route), cmocka_unit_test(test_options), cmocka_unit_test(test_option_lists),
              cmocka_unit_test(test_options_that_change), cmocka_unit_test(test_create_refusals),
              cmocka_unit_test(test_nonfinite), cmocka_unit_test(test_resume), cmocka_unit_test(test_load_refusals),
              cmocka_unit_test(test_no_allocation), cmocka_unit_test(test_allocation_failures),
              cmocka_unit_test(test_threads), cmocka_unit_test(test_more_threads_later), cmocka_unit_test(test_clipped_step))
