/* Muon and NorMuon on matrices whose rows are shared by ranks, against one rank alone. */
#include "optim_kit.h"
#include <norma/optim_distributed.h>
#include <string.h>

enum { RANKS = 5, STEPS = 3 };

typedef struct trial {
    nrm_optimizer_kind kind;
    nrm_dtype dtype;
    const char *options;
    bool local_norm, one_matrix, no_gradient; /* no_gradient: w1 has none */
    double uneven;   /* rows' gradients are scaled from 1 down to 1 / uneven */
    double tolerance; /* 0: the same bits */
    kit alone;
    double worst[RANKS]; /* relative difference of the changes */
    int64_t sent[RANKS], state_bytes[RANKS];
} trial;

static const int64_t heights[] = {6, 7, 5};

static void fill(kit *k, const trial *t)
{
    k->count = 0;
    k->dtype = t->dtype;
    if (!t->one_matrix) kit_add(k, 2, (int64_t[]){7, 5});
    kit_add(k, 2, (int64_t[]){256, 32});
    if (t->one_matrix) return;
    kit_add(k, 2, (int64_t[]){18, 64});
    kit_add(k, 2, (int64_t[]){3, 300});
    kit_add(k, 3, (int64_t[]){18, 4, 3});
    kit_add(k, 2, (int64_t[]){0, 4});
    kit_add(k, 2, (int64_t[]){1, 1});
    k->tensor[4].split_count = 3;
    k->tensor[4].split = heights;
}

static int64_t cols_of(const kit *k, int i) { return k->shape[i][0] ? k->size[i] / k->shape[i][0] : 0; }

static void gradients(kit *k, const trial *t, int step)
{
    kit_gradients(k, step);
    for (int i = 0; i < k->count; i++)
        for (int64_t e = 0; e < k->size[i]; e++) {
            const double row = (double)(e / cols_of(k, i)) / (double)k->shape[i][0];
            const double scale = t->no_gradient && i == 1 ? 0 : t->uneven > 0 ? pow(t->uneven, -row) : 1;
            kit_set(k->dtype, k->gradient[i], e, scale * kit_get(k->dtype, k->gradient[i], e));
        }
}

static void options_of(nrm_ctx *ctx, const trial *t, nrm_optimizer_options *o)
{
    assert_ok(ctx, nrm_optimizer_options_init(ctx, t->kind, o));
    assert_ok(ctx, nrm_optimizer_options_parse(ctx, t->kind, o, t->options));
}

/* This rank's rows of all arrays. */
static void shards(const nrm_comm *comm, const kit *k, void *const *whole, void **shard)
{
    for (int i = 0; i < k->count; i++) {
        int64_t first, count;
        nrm_row_shard(k->shape[i][0], nrm_comm_size(comm), nrm_comm_rank(comm), &first, &count);
        shard[i] = count ? (unsigned char *)whole[i] + first * cols_of(k, i) * (int64_t)nrm_dtype_size(k->dtype) : NULL;
    }
}

/* Elements outside a rank's rows must not change, so the kit is its own witness: whole arrays
 * in which each rank updates its part. */
static nrm_status one_rank(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    trial *t = user;
    kit k, start;
    void *parameter[KIT_TENSORS], *gradient[KIT_TENSORS];
    nrm_optimizer_options options;
    nrm_row_sharded_optimizer *o;
    const int rank = nrm_comm_rank(comm);

    fill(&k, t);
    fill(&start, t);
    options_of(ctx, t, &options);
    assert_ok(ctx, nrm_row_sharded_create(ctx, &o, comm, t->kind, &options, t->local_norm, k.count, k.tensor));
    shards(comm, &k, k.parameter, parameter);
    shards(comm, &k, k.gradient, gradient);
    const int64_t before = nrm_comm_bytes_sent(comm);
    for (int step = 0; step < STEPS; step++) {
        gradients(&k, t, step);
        assert_ok(ctx, nrm_row_sharded_step(ctx, o, parameter, (const void *const *)gradient, 0.5));
    }
    t->sent[rank] = nrm_comm_bytes_sent(comm) - before;
    t->state_bytes[rank] = nrm_row_sharded_state_bytes(o) - 8;
    double difference = 0, size = 0;
    for (int i = 0; i < k.count; i++) {
        int64_t first, count;
        nrm_row_shard(k.shape[i][0], nrm_comm_size(comm), rank, &first, &count);
        const int64_t begin = first * cols_of(&k, i), end = begin + count * cols_of(&k, i);
        for (int64_t e = 0; e < k.size[i]; e++) {
            const double now = kit_get(k.dtype, k.parameter[i], e), was = kit_get(k.dtype, start.parameter[i], e);
            const double expected = kit_get(k.dtype, t->alone.parameter[i], e);
            if (e < begin || e >= end) {
                assert_true(now == was);
            } else if (t->tolerance == 0) {
                assert_true(now == expected);
            } else {
                difference += (now - expected) * (now - expected);
                size += (expected - was) * (expected - was);
            }
        }
    }
    t->worst[rank] = size > 0 ? sqrt(difference / size) : 0;
    nrm_row_sharded_destroy(ctx, o);
    kit_end(&k);
    kit_end(&start);
    return NRM_OK;
}

static void run_alone(nrm_ctx *ctx, trial *t)
{
    nrm_optimizer_options options;
    nrm_optimizer *o;

    options_of(ctx, t, &options);
    fill(&t->alone, t);
    const nrm_optimizer_group group = {t->kind, &options};
    assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &group, t->alone.count, t->alone.tensor));
    for (int step = 0; step < STEPS; step++) {
        gradients(&t->alone, t, step);
        assert_ok(ctx, nrm_optimizer_step(ctx, o, t->alone.parameter, (const void *const *)t->alone.gradient, 0.5));
    }
    nrm_optimizer_destroy(ctx, o);
}

static void rows_shared_give_the_result_of_one_rank(void **state)
{
    (void)state;
    static const trial trials[] = {
        {.kind = NRM_OPTIMIZER_MUON, .dtype = NRM_F64, .options = "weight_decay=0.1"},
        {.kind = NRM_OPTIMIZER_MUON, .dtype = NRM_F32, .options = "coefficients=exact nesterov=false scale=rms"},
        {.kind = NRM_OPTIMIZER_MUON, .dtype = NRM_F32, .options = "coefficients=polar_express cautious_decay=true weight_decay=0.1"},
        {.kind = NRM_OPTIMIZER_NORMUON, .dtype = NRM_F64, .options = "weight_decay=0.1", .tolerance = 1e-13},
        {.kind = NRM_OPTIMIZER_NORMUON, .dtype = NRM_F64, .options = "weight_decay=0.1", .uneven = 100, .tolerance = 1e-13},
        {.kind = NRM_OPTIMIZER_NORMUON, .dtype = NRM_F64, .options = "weight_decay=0.1", .no_gradient = true, .tolerance = 1e-13},
        {.kind = NRM_OPTIMIZER_NORMUON, .dtype = NRM_F64, .options = "variant=paper", .tolerance = 1e-13},
        {.kind = NRM_OPTIMIZER_NORMUON, .dtype = NRM_F64, .options = "axis=long weight_decay=0.1", .tolerance = 1e-13},
        {.kind = NRM_OPTIMIZER_NORMUON, .dtype = NRM_F32, .options = "weight_decay=0.1", .tolerance = 1e-5}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        trial t = trials[i];
        run_alone(ctx, &t);
        assert_ok(ctx, one_rank(ctx, NULL, &t));
        for (int ranks = 2; ranks <= RANKS; ranks++) {
            assert_ok(ctx, nrm_run_ranks(ctx, ranks, one_rank, &t));
            for (int r = 0; r < ranks; r++) assert_true(t.worst[r] <= t.tolerance);
        }
        kit_end(&t.alone);
    }
    nrm_ctx_destroy(ctx);
}

/* A matrix in even shares: every element travels to the owner and back, but the owner's. */
static void every_element_travels_twice(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    trial t = {.kind = NRM_OPTIMIZER_MUON, .dtype = NRM_F64, .options = "", .one_matrix = true};
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    run_alone(ctx, &t);
    for (int ranks = 2; ranks <= 4; ranks *= 2) {
        int64_t sum = 0, state_bytes = 0;
        assert_ok(ctx, nrm_run_ranks(ctx, ranks, one_rank, &t));
        for (int r = 0; r < ranks; r++) {
            sum += t.sent[r];
            state_bytes += t.state_bytes[r];
        }
        const int64_t agreement = ranks * (ranks - 1); /* a byte to each */
        assert_int_equal(sum, STEPS * (2 * 256 * 32 * 8 * (ranks - 1) / ranks + agreement));
        assert_int_equal(state_bytes, 256 * 32 * 8);
    }
    kit_end(&t.alone);
    nrm_ctx_destroy(ctx);
}

/* What the reference does to shards whose rows differ much, and what one shard cannot suffer. */
static void local_norms_undo_the_equalisation(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    trial t = {.kind = NRM_OPTIMIZER_NORMUON, .dtype = NRM_F64, .options = "", .one_matrix = true, .local_norm = true, .uneven = 100, .tolerance = 1};
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    run_alone(ctx, &t);
    assert_ok(ctx, one_rank(ctx, NULL, &t));
    assert_true(t.worst[0] < 1e-13);
    for (int ranks = 2; ranks <= 4; ranks *= 2) {
        double most = 0;
        assert_ok(ctx, nrm_run_ranks(ctx, ranks, one_rank, &t));
        for (int r = 0; r < ranks; r++) most = fmax(most, t.worst[r]);
        assert_true(most > 0.1);
    }
    kit_end(&t.alone);
    nrm_ctx_destroy(ctx);
}

static nrm_status reduce(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    trial *t = user;
    static const double weight[] = {0.5, 0.25, 0.125};
    kit k, out;
    void *shard[KIT_TENSORS];
    nrm_row_sharded_optimizer *o;

    fill(&k, t);
    fill(&out, t);
    assert_ok(ctx, nrm_row_sharded_create(ctx, &o, comm, NRM_OPTIMIZER_MUON, NULL, false, k.count, k.tensor));
    kit_gradients(&k, comm->rank);
    shards(comm, &k, out.gradient, shard);
    assert_ok(ctx, nrm_row_sharded_reduce(ctx, o, (const void *const *)k.gradient, weight[comm->rank], shard));
    for (int i = 0; i < k.count; i++) {
        int64_t first, count;
        nrm_row_shard(k.shape[i][0], comm->size, comm->rank, &first, &count);
        for (int64_t e = 0; e < k.size[i]; e++) {
            double sum = 0;
            for (int r = 0; r < comm->size; r++) sum += weight[r] * kit_value(e, 1 + r + 100 * i);
            const bool mine = e >= first * cols_of(&k, i) && e < (first + count) * cols_of(&k, i);
            assert_near(kit_get(k.dtype, out.gradient[i], e), mine ? sum : 0, 1e-15);
        }
    }
    nrm_row_sharded_destroy(ctx, o);
    kit_end(&k);
    kit_end(&out);
    return NRM_OK;
}

static void gradients_are_reduced_to_shards(void **state)
{
    (void)state;
    trial t = {.dtype = NRM_F64};
    for (int ranks = 1; ranks <= 3; ranks++) assert_ok(NULL, nrm_run_ranks(NULL, ranks, reduce, &t));
}

static nrm_status resume(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    trial *t = user;
    kit k;
    void *parameter[KIT_TENSORS], *gradient[KIT_TENSORS];
    nrm_row_sharded_optimizer *o[2];
    nrm_array from, to;
    const char *name;

    fill(&k, t);
    for (int i = 0; i < 2; i++) assert_ok(ctx, nrm_row_sharded_create(ctx, &o[i], comm, NRM_OPTIMIZER_NORMUON, NULL, false, k.count, k.tensor));
    shards(comm, &k, k.parameter, parameter);
    shards(comm, &k, k.gradient, gradient);
    gradients(&k, t, 0);
    assert_ok(ctx, nrm_row_sharded_step(ctx, o[0], parameter, (const void *const *)gradient, 1));
    assert_int_equal(nrm_row_sharded_state_count(o[0]), 1 + 2 * (k.count + 2)); /* two blocks more */
    for (int64_t i = 0; i < nrm_row_sharded_state_count(o[0]); i++) {
        assert_true(nrm_row_sharded_state_at(o[0], i, &name, &from) && nrm_row_sharded_state_at(o[1], i, NULL, &to));
        memcpy(to.data, from.data, (size_t)nrm_array_count(&from) * nrm_dtype_size(from.dtype));
        if (i == 0) assert_string_equal(name, "optimizer.step");
        if (i == 1) assert_string_equal(name, "normuon.m:w0");
    }
    assert_false(nrm_row_sharded_state_at(o[0], -1, NULL, NULL));
    kit other;
    void *copy[KIT_TENSORS];
    fill(&other, t);
    for (int i = 0; i < k.count; i++) memcpy(other.parameter[i], k.parameter[i], (size_t)k.size[i] * nrm_dtype_size(k.dtype));
    shards(comm, &other, other.parameter, copy);
    gradients(&k, t, 1);
    assert_ok(ctx, nrm_row_sharded_step(ctx, o[0], parameter, (const void *const *)gradient, 1));
    assert_ok(ctx, nrm_row_sharded_step(ctx, o[1], copy, (const void *const *)gradient, 1));
    kit_same(&k, &other);
    for (int i = 0; i < 2; i++) nrm_row_sharded_destroy(ctx, o[i]);
    kit_end(&k);
    kit_end(&other);
    return NRM_OK;
}

static void state_goes_from_one_optimizer_to_another(void **state)
{
    (void)state;
    trial t = {.dtype = NRM_F64};
    assert_ok(NULL, nrm_run_ranks(NULL, 3, resume, &t));
}

/* ---- Refusals ------------------------------------------------------------------------------------- */

typedef struct fault { int what; } fault;
enum { SHAPE, OPTION, NOT_FINITE, MISSING, WRONG_KIND, LOCAL_MUON, TYPES, FAULTS };

static nrm_status one_is_wrong(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const fault *f = user;
    trial t = {.dtype = NRM_F64};
    const bool wrong = comm->rank == 1;
    nrm_muon_options muon = nrm_muon_options_default();
    void *parameter[KIT_TENSORS], *gradient[KIT_TENSORS];
    nrm_row_sharded_optimizer *o;
    kit k, untouched;

    fill(&k, &t);
    fill(&untouched, &t);
    if (wrong && f->what == SHAPE) k.shape[1][1]++;
    if (wrong && f->what == OPTION) muon.scale = NRM_MATRIX_SCALE_RMS;
    if (wrong && f->what == TYPES) k.tensor[2].dtype = NRM_F32;
    nrm_status st = nrm_row_sharded_create(ctx, &o, comm, f->what == WRONG_KIND ? NRM_OPTIMIZER_SGD : NRM_OPTIMIZER_MUON,
                                           f->what == WRONG_KIND ? NULL : &muon, f->what == LOCAL_MUON, k.count, k.tensor);
    if (st >= 0) {
        shards(comm, &k, k.parameter, parameter);
        shards(comm, &k, k.gradient, gradient);
        kit_gradients(&k, 0);
        if (wrong && f->what == NOT_FINITE) ((double *)gradient[2])[2 * 64 + 5] = NAN;
        if (wrong && f->what == MISSING) parameter[0] = NULL;
        st = nrm_row_sharded_step(ctx, o, parameter, (const void *const *)gradient, 1);
        kit_same(&k, &untouched);
        nrm_row_sharded_destroy(ctx, o);
    }
    kit_end(&k);
    kit_end(&untouched);
    return st;
}

static void what_one_rank_cannot_none_does(void **state)
{
    (void)state;
    static const struct { nrm_status status; const char *sentence; } expected[FAULTS] = {
        [SHAPE] = {NRM_E_ARGUMENT, "the tensors of rank 1 are not those of rank 0"},
        [OPTION] = {NRM_E_ARGUMENT, "the groups or options of rank 1 are not those of rank 0"},
        [NOT_FINITE] = {NRM_E_NONFINITE, "rank 1: optimizer: step 1: the gradient of 'w2'[8,5] is nan"},
        [MISSING] = {NRM_E_NULL, "rank 1: optimizer: the parameter of 'w0' is NULL; this rank has 3 rows"},
        [WRONG_KIND] = {NRM_E_UNSUPPORTED, "sgd cannot be sharded by rows"},
        [LOCAL_MUON] = {NRM_E_ARGUMENT, "local_norm is given for muon"},
        [TYPES] = {NRM_E_DTYPE, "rank 1: optimizer: 'w0' is of type f64 and 'w2' of type f32"}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int i = 0; i < FAULTS; i++) {
        fault f = {i};
        assert_status(ctx, nrm_run_ranks(ctx, 3, one_is_wrong, &f), expected[i].status);
        assert_message(ctx, expected[i].sentence);
    }
    nrm_ctx_destroy(ctx);
}

static nrm_status small_life(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    trial t = {.dtype = NRM_F32};
    nrm_row_sharded_optimizer *o;
    kit k;

    (void)user;
    fill(&k, &t);
    const nrm_status st = nrm_row_sharded_create(ctx, &o, comm, NRM_OPTIMIZER_NORMUON, NULL, false, k.count, k.tensor);
    if (st >= 0) nrm_row_sharded_destroy(ctx, o);
    kit_end(&k);
    return st;
}

static nrm_status run_small_life(nrm_ctx *ctx, void *user) { return nrm_run_ranks(ctx, 2, small_life, user); }

static void memory_may_run_out_on_one_rank(void **state)
{
    (void)state;
    nrm_test_allocation_failures(run_small_life, NULL, NULL, 0);
}

static void chunks_cover_all_rows_once(void **state)
{
    (void)state;
    for (int64_t rows = 0; rows < 20; rows++)
        for (int ranks = 1; ranks < 8; ranks++) {
            int64_t next = 0, first, count;
            for (int r = 0; r < ranks; r++) {
                nrm_row_shard(rows, ranks, r, &first, &count);
                assert_int_equal(first, next);
                assert_true(count >= 0 && count <= (rows + ranks - 1) / ranks);
                next += count;
            }
            assert_int_equal(next, rows);
        }
}

NRM_TEST_MAIN(cmocka_unit_test(rows_shared_give_the_result_of_one_rank), cmocka_unit_test(every_element_travels_twice),
              cmocka_unit_test(local_norms_undo_the_equalisation), cmocka_unit_test(gradients_are_reduced_to_shards),
              cmocka_unit_test(state_goes_from_one_optimizer_to_another), cmocka_unit_test(what_one_rank_cannot_none_does),
              cmocka_unit_test(memory_may_run_out_on_one_rank), cmocka_unit_test(chunks_cover_all_rows_once))
