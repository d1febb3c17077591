/* A training run that ranks share, as threads of one process, against one rank alone. */
#define _POSIX_C_SOURCE 200809L
#include "data/data.h"
#include "testkit.h"
#include <norma/norma.h>

enum { RANKS = 4, STEPS = 12 };

typedef struct shared_run {
    nrm_train_options o;
    const nrm_array *x, *y;
    double losses[RANKS][2 * STEPS];
    nrm_train_info info[RANKS];
    int cancel;  /* this rank is asked to stop, -1: none, */
    int reports; /* when it has reported the end of so many validations */
} shared_run;

static nrm_train_options tiny(void)
{
    nrm_train_options o = nrm_train_options_default();
    o.model = "{\"model\":\"gpt\",\"layers\":1,\"width\":16,\"heads\":2}";
    o.precision = NRM_PRECISION_F64;
    o.steps = STEPS;
    o.batch = 12;
    o.context = 8;
    o.evaluate_every = 5;
    o.evaluate_batches = 3;
    o.validation = 0.001;
    o.lr = 0.01;
    return o;
}

/* The last batch of a validation is always reported, by the rank that had it. */
static int stop(void *user, const nrm_progress *p)
{
    int *reports = user;
    return strcmp(p->task, "validation") == 0 && p->done >= p->total && --*reports == 0;
}

static nrm_status one_rank(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    shared_run *s = user;
    const int rank = nrm_comm_rank(comm);
    if (s->cancel == rank) assert_ok(ctx, nrm_set_progress(ctx, stop, &s->reports));
    const nrm_status st = nrm_train(ctx, s->x, s->y, &s->o, s->losses[rank], &s->info[rank]);
    if (s->cancel == rank) assert_ok(ctx, nrm_set_progress(ctx, NULL, NULL));
    return st;
}

static nrm_ctx *one_thread(void)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    return ctx;
}

/* Losses, validation, parameters and state of `ranks` ranks are those of one. */
static void compare(nrm_ctx *ctx, shared_run *alone, shared_run *s, int ranks)
{
    assert_ok(ctx, nrm_run_ranks(ctx, ranks, one_rank, s));
    int64_t state = 0;
    for (int r = 0; r < ranks; r++) {
        assert_all_near(s->losses[r], alone->losses[0], STEPS, 1e-9);
        assert_memory_equal(s->losses[r], s->losses[0], STEPS * sizeof(double));
        assert_near(s->info[r].validation_loss, alone->info[0].validation_loss, 1e-9);
        assert_near(s->info[r].accuracy, alone->info[0].accuracy, 1e-12);
        assert_int_equal(s->info[r].ranks, ranks);
        assert_true(ranks == 1 ? s->info[r].bytes_sent == 0 : s->info[r].bytes_sent > 0);
        state += s->info[r].state_bytes - 8;
    }
    assert_int_equal(state, alone->info[0].state_bytes - 8);
}

static void losses_are_those_of_one_rank(void **state)
{
    (void)state;
    nrm_ctx *ctx = one_thread();
    static const struct { int optimizer; int64_t batch, accumulate; } runs[] = {
        {NRM_OPTIMIZER_ADAMW, 12, 1}, {NRM_OPTIMIZER_NORMUON, 12, 2}, {NRM_OPTIMIZER_SGD, 10, 1}, {NRM_OPTIMIZER_MUON, 5, 3}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        shared_run alone = {.o = tiny(), .cancel = -1}, s;
        alone.o.optimizer = runs[i].optimizer;
        alone.o.batch = runs[i].batch; /* 10 and 5 are not shared evenly */
        alone.o.accumulate = runs[i].accumulate;
        assert_ok(ctx, one_rank(ctx, NULL, &alone));
        for (int ranks = 1; ranks <= RANKS; ranks++) {
            s = alone;
            compare(ctx, &alone, &s, ranks);
        }
    }
    nrm_ctx_destroy(ctx);
}

static double largest_difference(nrm_ctx *ctx, const char *a, const char *b)
{
    char path[512];
    nrm_loaded x, y;
    double most = 0;
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", a);
    assert_ok(ctx, nrm_load(ctx, path, &x));
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", b);
    assert_ok(ctx, nrm_load(ctx, path, &y));
    assert_int_equal(x.bundle.count, y.bundle.count);
    for (int64_t i = 0; i < x.bundle.count; i++) {
        const nrm_array *p = &x.bundle.items[i].array, *q = nrm_bundle_find(&y.bundle, x.bundle.items[i].name);
        assert_non_null(q);
        if (p->dtype == NRM_F64 && strcmp(x.bundle.items[i].name, "run.json") != 0)
            for (int64_t e = 0; e < nrm_array_count(p); e++) most = fmax(most, fabs(((const double *)p->data)[e] - ((const double *)q->data)[e]));
    }
    nrm_loaded_destroy(ctx, &x);
    nrm_loaded_destroy(ctx, &y);
    return most;
}

/* Three ranks stop in the middle (rank 2 is asked to), two go on, one ends it. */
static void a_run_goes_from_some_ranks_to_others(void **state)
{
    (void)state;
    nrm_ctx *ctx = one_thread();
    char *whole = strdup(nrm_test_temp("ranks-whole")), *cut = strdup(nrm_test_temp("ranks-cut"));
    shared_run alone = {.o = tiny(), .cancel = -1}, s = {.o = tiny(), .cancel = 2, .reports = 1};
    alone.o.optimizer = s.o.optimizer = NRM_OPTIMIZER_NORMUON;
    alone.o.folder = whole;
    assert_ok(ctx, one_rank(ctx, NULL, &alone));
    s.o.folder = cut;
    assert_status(ctx, nrm_run_ranks(ctx, 3, one_rank, &s), NRM_PARTIAL);
    assert_message(ctx, "stopped on request after step 5 of 12; the checkpoint is written");
    for (int r = 0; r < 3; r++) assert_int_equal(s.info[r].steps, 5);
    nrm_cancel_clear(ctx);
    s.o.resume = cut;
    s.cancel = 0;
    s.reports = 2; /* it begins with the validation it owes */
    assert_status(ctx, nrm_run_ranks(ctx, 2, one_rank, &s), NRM_PARTIAL);
    assert_int_equal(s.info[1].steps, 10);
    nrm_cancel_clear(ctx);
    s.cancel = -1;
    assert_ok(ctx, one_rank(ctx, NULL, &s));
    assert_all_near(s.losses[0], alone.losses[0], STEPS, 1e-9);
    assert_true(largest_difference(ctx, whole, cut) < 1e-8);
    free(whole);
    free(cut);
    nrm_ctx_destroy(ctx);
}

/* Dropout: other masks on every rank, the same in every run.  Batch norm: running statistics
 * of all ranks. */
static void runs_repeat(void **state)
{
    (void)state;
    static const char *const models[] = {"{\"model\":\"gpt\",\"layers\":1,\"width\":16,\"heads\":2,\"dropout\":0.3}",
                                         "{\"model\":\"convnet\",\"channels\":[4]}"};
    nrm_ctx *ctx = one_thread();
    for (int i = 0; i < 2; i++) {
        shared_run s = {.o = tiny(), .cancel = -1}, again;
        s.o.model = models[i];
        if (i == 1) s.o.kind = NRM_DATASET_IMAGES;
        again = s;
        assert_ok(ctx, nrm_run_ranks(ctx, 2, one_rank, &s));
        assert_ok(ctx, nrm_run_ranks(ctx, 2, one_rank, &again));
        assert_memory_equal(s.losses, again.losses, sizeof s.losses);
        assert_true(s.info[0].validation_loss == again.info[1].validation_loss);
    }
    nrm_ctx_destroy(ctx);
}

/* ---- Refusals ----------------------------------------------------------------------------------- */

enum { SEED, DATA, SMALL_BATCH, WHOLE_BATCH, BLOW_UP, NO_FOLDER };

static nrm_status one_differs(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const int *what = user;
    nrm_train_options o = tiny();
    double x[24], y[12];
    for (int i = 0; i < 12; i++) x[2 * i] = i % 3, x[2 * i + 1] = i % 2, y[i] = i % 5;
    nrm_array ax, ay;
    assert_ok(ctx, nrm_array_view(ctx, &ax, NRM_F64, 2, (int64_t[]){12, 2}, x));
    assert_ok(ctx, nrm_array_view(ctx, &ay, NRM_F64, 1, (int64_t[]){12}, y));
    if (*what == SEED && comm->rank == 1) assert_ok(ctx, nrm_set_seed(ctx, 5));
    if (*what == DATA && comm->rank == 1) o.data = "/there/is/nothing";
    if (*what == SMALL_BATCH) o.batch = 2;
    if (*what == NO_FOLDER) o.folder = "/there/is/nothing";
    if (*what == WHOLE_BATCH || *what == BLOW_UP) {
        o.model = "mlp";
        o.target = NRM_TARGET_VALUE;
        o.validation = 0;
        o.batch = 6;
    }
    if (*what == WHOLE_BATCH) o.optimizer = NRM_TRAIN_LBFGS;
    if (*what == BLOW_UP && comm->rank == 1) y[0] = 1e200, y[1] = -1e200; /* squares overflow */
    const bool table = *what == WHOLE_BATCH || *what == BLOW_UP;
    return nrm_train(ctx, table ? &ax : NULL, table ? &ay : NULL, &o, NULL, NULL);
}

static void what_one_rank_cannot_none_does(void **state)
{
    (void)state;
    static const struct { int what; nrm_status status; const char *sentence; } expected[] = {
        {SEED, NRM_E_ARGUMENT, "rank 1 has other data, another seed or other options than rank 0"},
        {DATA, NRM_E_IO, "rank 1: /there/is/nothing"},
        {SMALL_BATCH, NRM_E_RANGE, "batch is 2 and there are 3 ranks"},
        {WHOLE_BATCH, NRM_E_UNSUPPORTED, "lbfgs, which ranks cannot share"},
        {BLOW_UP, NRM_E_NONFINITE, "rank 1: train: the loss of step"},
        {NO_FOLDER, NRM_E_IO, "rank 0: train: the folder /there/is/nothing cannot be made"}};
    nrm_ctx *ctx = one_thread();
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        int what = expected[i].what;
        assert_status(ctx, nrm_run_ranks(ctx, 3, one_differs, &what), expected[i].status);
        assert_message(ctx, expected[i].sentence);
    }
    nrm_ctx_destroy(ctx);
}

static nrm_status short_run(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    nrm_train_options o = tiny();
    (void)comm, (void)user;
    o.steps = 1;
    o.context = 4;
    o.batch = 2;
    o.evaluate_batches = 2;
    return nrm_train(ctx, NULL, NULL, &o, NULL, NULL);
}

static nrm_status run_short_run(nrm_ctx *ctx, void *user) { return nrm_run_ranks(ctx, 2, short_run, user); }

static void memory_may_run_out_on_one_rank(void **state)
{
    (void)state;
    nrm_test_allocation_failures(run_short_run, NULL, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(losses_are_those_of_one_rank), cmocka_unit_test(a_run_goes_from_some_ranks_to_others),
              cmocka_unit_test(runs_repeat), cmocka_unit_test(what_one_rank_cannot_none_does), cmocka_unit_test(memory_may_run_out_on_one_rank))
