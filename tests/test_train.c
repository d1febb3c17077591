/* Training, evaluating, generating: runs that learn, stop, go on and are refused. */
#define _POSIX_C_SOURCE 200809L
#include "data/data.h"
#include "testkit.h"
#include <norma/norma.h>
#include <sys/stat.h>

static const char TINY_GPT[] = "{\"model\":\"gpt\",\"layers\":1,\"width\":16,\"heads\":2}";
static const char TINY_MLP[] = "{\"model\":\"mlp\",\"widths\":[16],\"activation\":\"tanh\"}";

static nrm_train_options tiny(int64_t steps)
{
    nrm_train_options o = nrm_train_options_default();
    o.model = TINY_GPT;
    o.steps = steps;
    o.batch = 4;
    o.context = 16;
    o.evaluate_every = steps;
    o.evaluate_batches = 2;
    o.validation = 0.01;
    o.lr = 0.01;
    return o;
}

/* All tensors of two checkpoints are the same bytes. */
static void assert_same_checkpoints(nrm_ctx *ctx, const char *a, const char *b, bool but_run)
{
    char path[2][512];
    nrm_loaded x, y;
    snprintf(path[0], sizeof path[0], "%s/checkpoint.safetensors", a);
    snprintf(path[1], sizeof path[1], "%s/checkpoint.safetensors", b);
    assert_ok(ctx, nrm_load(ctx, path[0], &x));
    assert_ok(ctx, nrm_load(ctx, path[1], &y));
    assert_int_equal(x.bundle.count, y.bundle.count);
    for (int64_t i = 0; i < x.bundle.count; i++) {
        const nrm_named *p = &x.bundle.items[i];
        const nrm_array *q = nrm_bundle_find(&y.bundle, p->name);
        assert_non_null(q);
        if (but_run && strcmp(p->name, "run.json") == 0) continue; /* paths and resume differ */
        assert_int_equal(nrm_array_count(&p->array), nrm_array_count(q));
        if (memcmp(p->array.data, q->data, (size_t)nrm_array_count(q) * nrm_dtype_size(q->dtype)) != 0) fail_msg("%s differs", p->name);
    }
    nrm_loaded_destroy(ctx, &x);
    nrm_loaded_destroy(ctx, &y);
}

static void test_text_is_learnt(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_train_options o = tiny(120);
    nrm_train_info info;
    double losses[120];
    (void)state;
    o.optimizer = NRM_OPTIMIZER_ADAMW;
    assert_ok(ctx, nrm_train(ctx, NULL, NULL, &o, losses, &info));
    assert_near(losses[0], log(256), 0.05);
    assert_true(losses[119] < losses[0] - 1.5 && info.loss == losses[119]);
    assert_true(info.validation_loss < 4.5 && info.accuracy > 0.1 && info.steps == 120 && info.best_step == 120);
    nrm_ctx_destroy(ctx);
}

static void test_threads_do_not_matter(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_train_options o = tiny(6);
    char *one = strdup(nrm_test_temp("train-one")), *two = strdup(nrm_test_temp("train-two"));
    (void)state;
    o.optimizer = NRM_OPTIMIZER_MUON;
    o.accumulate = 2;
    o.folder = one;
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL));
    o.folder = two;
    assert_ok(ctx, nrm_set_threads(ctx, 2));
    assert_ok(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL));
    assert_same_checkpoints(ctx, one, two, true);
    free(one);
    free(two);
    nrm_ctx_destroy(ctx);
}

/* Stops a run by its progress once so many tokens are done. */
static int stop_at(void *user, const nrm_progress *p)
{
    const double *limit = user;
    return strncmp(p->task, "training", 8) == 0 && p->done >= *limit;
}

static void test_a_stopped_run_goes_on_with_the_same_bits(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_train_options o = tiny(40);
    char *whole = strdup(nrm_test_temp("train-whole")), *cut = strdup(nrm_test_temp("train-cut"));
    nrm_train_info info;
    double limit = 1, losses[40], again[40];
    (void)state;
    o.model = "{\"model\":\"gpt\",\"layers\":1,\"width\":16,\"heads\":2,\"dropout\":0.2}";
    o.evaluate_every = 7;
    o.folder = whole;
    assert_ok(ctx, nrm_train(ctx, NULL, NULL, &o, losses, NULL));
    o.folder = cut;
    assert_ok(ctx, nrm_set_progress(ctx, stop_at, &limit));
    assert_status(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, &info), NRM_PARTIAL);
    assert_message(ctx, "stopped on request after step");
    assert_message(ctx, "the checkpoint is written");
    assert_true(info.steps >= 1 && info.steps < 40);
    assert_ok(ctx, nrm_set_progress(ctx, NULL, NULL));
    nrm_cancel_clear(ctx);
    o.resume = cut;
    assert_ok(ctx, nrm_train(ctx, NULL, NULL, &o, again, &info));
    assert_int_equal(info.steps, 40);
    assert_memory_equal(losses, again, sizeof losses);
    assert_same_checkpoints(ctx, whole, cut, true);
    free(whole);
    free(cut);
    nrm_ctx_destroy(ctx);
}

static void test_tables(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    enum { N = 200 };
    static double x[N][2], y[N];
    nrm_array ax, ay;
    nrm_train_options o = nrm_train_options_default();
    nrm_train_info info;
    uint64_t seed = 1;
    (void)state;
    for (int i = 0; i < N; i++) {
        x[i][0] = nrm_test_normal(&seed);
        x[i][1] = nrm_test_normal(&seed);
        y[i] = x[i][0] * x[i][1] > 0;
    }
    assert_ok(ctx, nrm_array_view(ctx, &ax, NRM_F64, 2, (int64_t[]){N, 2}, x));
    assert_ok(ctx, nrm_array_view(ctx, &ay, NRM_F64, 1, (int64_t[]){N}, y));
    o.model = TINY_MLP;
    o.steps = 300;
    o.lr = 0.02;
    assert_ok(ctx, nrm_train(ctx, &ax, &ay, &o, NULL, &info));
    assert_true(info.accuracy >= 0.85); /* a linear model stays near 0.5 */
    for (int i = 0; i < N; i++) y[i] = sin(2 * x[i][0]) + x[i][1];
    o.target = NRM_TARGET_VALUE;
    o.optimizer = NRM_TRAIN_LBFGS;
    o.lr = 0;
    assert_ok(ctx, nrm_train(ctx, &ax, &ay, &o, NULL, &info));
    assert_true(info.loss < 0.01 && info.accuracy == -1);
    nrm_ctx_destroy(ctx);
}

static void test_images(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_train_options o = nrm_train_options_default();
    nrm_train_info info;
    (void)state;
    o.kind = NRM_DATASET_IMAGES;
    o.model = "{\"model\":\"convnet\",\"channels\":[8,16]}";
    o.steps = 100;
    o.batch = 32;
    o.lr = 0.5;
    o.optimizer = NRM_OPTIMIZER_SGD;
    o.evaluate_every = 100;
    assert_ok(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, &info));
    assert_true(info.accuracy > 0.5); /* one in ten by chance */
    nrm_ctx_destroy(ctx);
}

static void test_evaluate_and_generate(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_train_options o = tiny(30);
    nrm_evaluate_options e = nrm_evaluate_options_default();
    nrm_generate_options g = nrm_generate_options_default();
    nrm_train_info trained;
    nrm_evaluate_info told;
    nrm_generate_info wrote;
    nrm_array predictions, text, again;
    char *out = strdup(nrm_test_temp("train-eval"));
    (void)state;
    o.folder = out;
    assert_ok(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, &trained));
    e.checkpoint = g.checkpoint = out;
    assert_ok(ctx, nrm_evaluate(ctx, NULL, NULL, &e, &predictions, &told));
    assert_near(told.loss, trained.validation_loss, 1e-6); /* other batches, other order of sums */
    assert_near(told.perplexity, exp(told.loss), 1e-12);
    assert_int_equal(nrm_array_count(&predictions), told.count);
    g.prompt = "The ";
    g.tokens = 25;
    assert_ok(ctx, nrm_generate(ctx, &g, &text, &wrote));
    assert_int_equal(text.shape[0], 29);
    assert_memory_equal(text.data, "The ", 4);
    assert_ok(ctx, nrm_generate(ctx, &g, &again, NULL));
    assert_memory_equal(text.data, again.data, 29);
    nrm_array_destroy(ctx, &again);
    assert_ok(ctx, nrm_set_seed(ctx, 5));
    assert_ok(ctx, nrm_generate(ctx, &g, &again, NULL));
    assert_true(memcmp(text.data, again.data, 29) != 0);
    nrm_array_destroy(ctx, &text);
    nrm_array_destroy(ctx, &again);
    nrm_array_destroy(ctx, &predictions);
    g.temperature = 0; /* the most likely token has the largest log-likelihood of all choices */
    assert_ok(ctx, nrm_generate(ctx, &g, &text, &wrote));
    assert_true(wrote.log_likelihood > -5.6 && wrote.log_likelihood < 0);
    nrm_array_destroy(ctx, &text);
    free(out);
    nrm_ctx_destroy(ctx);
}

static void write_file(const char *path, const char *content, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(content, 1, size, f), size);
    fclose(f);
}

static void test_bad_input(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_train_options o = tiny(3);
    char *path = strdup(nrm_test_temp("train-bad.txt")), *out = strdup(nrm_test_temp("train-bad")), *config = strdup(nrm_test_temp("train.json"));
    (void)state;
    o.model = "{\"model\":\"gpt\",\"layer\":2}";
    assert_status(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL), NRM_E_ARGUMENT);
    assert_message(ctx, "the nearest is layers");
    o.model = "gtp";
    assert_status(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL), NRM_E_IO);
    assert_message(ctx, "neither gpt, convnet, mlp");
    o = tiny(3);
    o.data = path;
    write_file(path, "", 0);
    assert_true(nrm_train(ctx, NULL, NULL, &o, NULL, NULL) < 0);
    assert_message(ctx, "empty");
    write_file(path, "a\0b\1\2\0\0\0\0\0\0\0\0\0\0", 15);
    o.kind = NRM_DATASET_TEXT;
    assert_status(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL), NRM_E_FORMAT);
    write_file(path, "short text", 10);
    assert_status(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL), NRM_E_SHAPE);
    assert_message(ctx, "context");
    o = tiny(3);
    o.lr = 1e30;
    o.clip = 0;
    o.optimizer = NRM_OPTIMIZER_SGD;
    assert_status(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL), NRM_E_NONFINITE);
    assert_message(ctx, "step ");
    /* A checkpoint of another network names the tensor and both shapes. */
    o = tiny(2);
    o.folder = out;
    assert_ok(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL));
    o.resume = out;
    o.steps = 1;
    assert_status(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL), NRM_E_RANGE);
    assert_message(ctx, "counts from the beginning");
    o.steps = 4;
    o.model = "{\"model\":\"gpt\",\"layers\":2,\"width\":16,\"heads\":2}";
    assert_status(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL), NRM_E_ARGUMENT);
    assert_message(ctx, "is not the model that is given");
    o.resume = path;
    assert_true(nrm_train(ctx, NULL, NULL, &o, NULL, NULL) < 0);
    /* A configuration from a file. */
    write_file(config, TINY_GPT, sizeof TINY_GPT - 1);
    o = tiny(1);
    o.model = config;
    assert_ok(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, NULL));
    free(path);
    free(out);
    free(config);
    nrm_ctx_destroy(ctx);
}

static void test_patience(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_train_options o = tiny(200);
    nrm_train_info info;
    (void)state;
    o.lr = 1e-12; /* nothing changes, so nothing gains */
    o.evaluate_every = 2;
    o.patience = 3;
    assert_ok(ctx, nrm_train(ctx, NULL, NULL, &o, NULL, &info));
    assert_true(info.early && info.steps < 40);
    nrm_ctx_destroy(ctx);
}

static nrm_status train_once(nrm_ctx *ctx, void *user)
{
    return nrm_train(ctx, NULL, NULL, user, NULL, NULL);
}

static void test_memory_that_runs_out(void **state)
{
    nrm_train_options o = tiny(1);
    (void)state;
    o.context = 4;
    o.batch = 1;
    o.evaluate_batches = 1;
    nrm_test_allocation_failures(train_once, &o, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_text_is_learnt), cmocka_unit_test(test_threads_do_not_matter),
              cmocka_unit_test(test_a_stopped_run_goes_on_with_the_same_bits), cmocka_unit_test(test_tables), cmocka_unit_test(test_images),
              cmocka_unit_test(test_evaluate_and_generate), cmocka_unit_test(test_bad_input), cmocka_unit_test(test_patience),
              cmocka_unit_test(test_memory_that_runs_out))
