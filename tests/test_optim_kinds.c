/* test_optim_kinds.c -- what every optimizer promises, of every kind and its main options:
 * the same bits for any number of threads, a resumed run that goes on with the same bits,
 * no allocation in a step, failures of memory, zero gradients, f32 beside f64, split tensors. */
#include "base/base.h"
#include "optim_kit.h"

static const struct { const char *kind, *options; } CASES[] = {
    {"sgd", "momentum=0.9 nesterov=1 weight_decay=0.1"},
    {"adamw", ""},
    {"lion", "lr=0.01 weight_decay=0.1"},
    {"muon", "momentum_form=sum cautious_decay=1 weight_decay=0.1 momentum_warmup=3"},
    {"muon", "coefficients=exact"},
    {"normuon", "weight_decay=0.1"},
    {"normuon", "variant=paper cautious_decay=1 weight_decay=0.1"},
    {"normuon", "axis=long"},
    {"auon", "weight_decay=0.1"},
    {"auon", "variant=repo lr=0.02 nesterov=0 gamma=20"},
    {"hybrid-auon", "weight_decay=0.1"},
    {"hybrid-auon", "variant=repo"},
    {"root", "coefficients=muon"},
    {"root", "coefficients=user a=2 b=-1.5 c=0.5 quantile=0.7 nesterov=0"},
    {"root", "coefficients=muon eps_mode=sampled"},
    {"dct-adamw", "rank=1 weight_decay=0.1"},
    {"dct-adamw", "rank=1 update_gap=2 error_feedback=4bit basis=random"},
    {"dct-adamw", "rank=1 rotate=0 error_feedback=8bit max_shape=20"},
    {"trion", "rank=1 weight_decay=0.1"},
    {"trion", "rank=1 transform=fft coefficients=exact"},
    {"galore", "rank=1 update_gap=2"},
    {"ldadam", "rank=1"},
    {"frugal", "update_gap=2 weight_decay=0.1"},
    {"frugal", "update_gap=2 projector=columns density=0.5"},
    {"fira", "rank=1 update_gap=2 projector=dct2 weight_decay=0.1"},
    {"dion", "rank=1"},
};

static void matrices(kit *k, nrm_dtype dtype)
{
    *k = (kit){.dtype = dtype};
    kit_add(k, 2, (int64_t[]){9, 7});
    kit_add(k, 2, (int64_t[]){5, 31});
    kit_add(k, 4, (int64_t[]){23, 2, 2, 2});
    kit_add(k, 2, (int64_t[]){1, 6});
}

static void save(nrm_optimizer *o, nrm_bundle *b, void **copies)
{
    b->count = nrm_optimizer_state_count(o);
    b->items = calloc((size_t)b->count, sizeof *b->items);
    for (int64_t i = 0; i < b->count; i++) {
        const char *name;
        nrm_array *a = &b->items[i].array;
        assert_true(nrm_optimizer_state_at(o, i, &name, a));
        b->items[i].name = (char *)(uintptr_t)name;
        const size_t bytes = (size_t)nrm_array_count(a) * nrm_dtype_size(a->dtype);
        copies[i] = malloc(bytes + 1);
        memcpy(copies[i], a->data, bytes);
        a->data = copies[i];
    }
}

static void test_resume(void **unused)
{
    (void)unused;
    for (int c = 0; c < NRM_COUNT(CASES); c++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        void *copies[KIT_TENSORS];
        nrm_bundle b;
        kit k, later;
        matrices(&k, NRM_F32), matrices(&later, NRM_F32);
        nrm_optimizer *o = kit_optimizer(ctx, &k, CASES[c].kind, CASES[c].options);
        kit_steps(ctx, o, &k, 0, 3);
        save(o, &b, copies);
        for (int i = 0; i < k.count; i++) memcpy(later.parameter[i], k.parameter[i], (size_t)k.size[i] * 4);
        kit_steps(ctx, o, &k, 3, 6);
        nrm_optimizer *again = kit_optimizer(ctx, &later, CASES[c].kind, CASES[c].options);
        assert_ok(ctx, nrm_optimizer_load_state(ctx, again, &b));
        kit_steps(ctx, again, &later, 3, 6);
        kit_same(&k, &later);
        for (int64_t i = 0; i < b.count; i++) free(copies[i]);
        free(b.items);
        nrm_optimizer_destroy(ctx, o), nrm_optimizer_destroy(ctx, again);
        kit_end(&k), kit_end(&later);
        nrm_ctx_destroy(ctx);
    }
}

static void test_threads(void **unused)
{
    (void)unused;
    for (int c = 0; c < NRM_COUNT(CASES); c++) {
        kit k[3];
        if (strstr(CASES[c].options, "exact")) continue; /* slow where large, and LAPACK has one thread */
        for (int t = 0; t < 3; t++) {
            nrm_ctx *ctx = nrm_test_ctx(NULL);
            assert_ok(ctx, nrm_set_threads(ctx, t + 1));
            matrices(&k[t], NRM_F32);
            kit_add(&k[t], 2, (int64_t[]){261, 277}); /* large: all threads in it */
            kit_add(&k[t], 2, (int64_t[]){258, 600});
            nrm_optimizer *o = kit_optimizer(ctx, &k[t], CASES[c].kind, CASES[c].options);
            kit_steps(ctx, o, &k[t], 0, 2);
            nrm_optimizer_destroy(ctx, o);
            nrm_ctx_destroy(ctx);
            if (t) kit_same(&k[0], &k[t]);
        }
        for (int t = 0; t < 3; t++) kit_end(&k[t]);
    }
}

static void test_no_allocation(void **unused)
{
    (void)unused;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    const int64_t live = memory.live;
    for (int c = 0; c < NRM_COUNT(CASES); c++) {
        kit k;
        matrices(&k, NRM_F64);
        nrm_optimizer *o = kit_optimizer(ctx, &k, CASES[c].kind, CASES[c].options);
        memory.requests = 0;
        kit_steps(ctx, o, &k, 0, 3);
        assert_int_equal(memory.requests, 0);
        nrm_optimizer_destroy(ctx, o);
        assert_int_equal(memory.live, live);
        kit_end(&k);
    }
    nrm_ctx_destroy(ctx);
}

typedef struct recipe { nrm_optimizer_group group; const kit *k; } recipe;

static nrm_status create_body(nrm_ctx *ctx, void *user)
{
    const recipe *r = user;
    nrm_optimizer *o;
    NRM_TRY(nrm_optimizer_create(ctx, &o, 1, &r->group, r->k->count, r->k->tensor));
    nrm_optimizer_destroy(ctx, o);
    return NRM_OK;
}

static void test_allocation_failures(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int c = 0; c < NRM_COUNT(CASES); c++) {
        nrm_optimizer_options options;
        kit k;
        recipe r = {{NRM_OPTIMIZER_SGD, &options}, &k};
        matrices(&k, NRM_F32);
        assert_ok(ctx, nrm_optimizer_kind_find(ctx, CASES[c].kind, &r.group.kind));
        assert_ok(ctx, nrm_optimizer_options_init(ctx, r.group.kind, &options));
        assert_ok(ctx, nrm_optimizer_options_parse(ctx, r.group.kind, &options, CASES[c].options));
        nrm_test_allocation_failures(create_body, &r, NULL, 0);
        kit_end(&k);
    }
    nrm_ctx_destroy(ctx);
}

/* No gradient at all: weights decay at most, nothing becomes NaN; then a gradient comes. */
static void test_zero_gradient(void **unused)
{
    (void)unused;
    for (int c = 0; c < NRM_COUNT(CASES); c++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        kit k;
        matrices(&k, NRM_F32);
        nrm_optimizer *o = kit_optimizer(ctx, &k, CASES[c].kind, CASES[c].options);
        for (int step = 0; step < 3; step++) {
            if (step == 2) kit_gradients(&k, step);
            assert_ok(ctx, kit_step(ctx, o, &k));
            for (int i = 0; i < k.count; i++)
                for (int64_t e = 0; e < k.size[i]; e++) {
                    const double now = kit_get(k.dtype, k.parameter[i], e), was = kit_value(e, 0);
                    assert_true(isfinite(now));
                    if (step < 2) assert_true(fabs(now) <= fabs(was) && fabs(now) >= 0.9 * fabs(was));
                }
        }
        nrm_optimizer_destroy(ctx, o);
        kit_end(&k);
        nrm_ctx_destroy(ctx);
    }
}

static void test_single(void **unused)
{
    (void)unused;
    for (int c = 0; c < NRM_COUNT(CASES); c++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        kit k, twin;
        matrices(&k, NRM_F32), matrices(&twin, NRM_F64);
        nrm_optimizer *o = kit_optimizer(ctx, &k, CASES[c].kind, CASES[c].options);
        nrm_optimizer *p = kit_optimizer(ctx, &twin, CASES[c].kind, CASES[c].options);
        for (uint64_t step = 0; step < 4; step++) {
            kit_normal_gradients(&k, step), kit_normal_gradients(&twin, step);
            assert_ok(ctx, kit_step(ctx, o, &k));
            assert_ok(ctx, kit_step(ctx, p, &twin));
        }
        for (int i = 0; i < k.count; i++)
            for (int64_t e = 0; e < k.size[i]; e++)
                assert_near(kit_get(NRM_F32, k.parameter[i], e), kit_get(NRM_F64, twin.parameter[i], e), 1e-4);
        nrm_optimizer_destroy(ctx, o), nrm_optimizer_destroy(ctx, p);
        kit_end(&k), kit_end(&twin);
        nrm_ctx_destroy(ctx);
    }
}

/* Row blocks of a split tensor are updated as tensors of their own. */
static void test_split(void **unused)
{
    (void)unused;
    for (int c = 0; c < NRM_COUNT(CASES); c++) {
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        kit fused = {.dtype = NRM_F32}, apart = {.dtype = NRM_F32};
        kit_add(&fused, 2, (int64_t[]){12, 5});
        fused.tensor[0].split_count = 2, fused.tensor[0].split = (int64_t[]){7, 5};
        kit_add(&apart, 2, (int64_t[]){7, 5});
        kit_add(&apart, 2, (int64_t[]){5, 5});
        float *w = fused.parameter[0], *g = fused.gradient[0];
        nrm_optimizer *o = kit_optimizer(ctx, &fused, CASES[c].kind, CASES[c].options);
        nrm_optimizer *p = kit_optimizer(ctx, &apart, CASES[c].kind, CASES[c].options);
        for (int i = 0; i < 25; i++) ((float *)apart.parameter[1])[i] = w[35 + i];
        for (int step = 0; step < 3; step++) {
            kit_gradients(&fused, step), kit_gradients(&apart, step);
            memcpy(apart.gradient[1], g + 35, 25 * sizeof *g);
            assert_ok(ctx, kit_step(ctx, o, &fused));
            assert_ok(ctx, kit_step(ctx, p, &apart));
            assert_memory_equal(w, apart.parameter[0], 35 * sizeof *w);
            assert_memory_equal(w + 35, apart.parameter[1], 25 * sizeof *w);
        }
        nrm_optimizer_destroy(ctx, o), nrm_optimizer_destroy(ctx, p);
        kit_end(&fused), kit_end(&apart);
        nrm_ctx_destroy(ctx);
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_resume), cmocka_unit_test(test_threads), cmocka_unit_test(test_no_allocation),
              cmocka_unit_test(test_allocation_failures), cmocka_unit_test(test_zero_gradient), cmocka_unit_test(test_single),
              cmocka_unit_test(test_split))
