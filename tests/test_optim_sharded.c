/* An optimizer shared by ranks against the same optimizer alone: bit for bit. */
#include "optim_kit.h"
#include <norma/method.h>
#include <norma/optim_distributed.h>
#include <string.h>

enum { RANKS = 4, STEPS = 3 };

typedef struct trial {
    nrm_optimizer_kind kind;
    nrm_dtype dtype;
    bool large;       /* tensors of many blocks */
    kit alone;        /* after STEPS steps alone */
    nrm_bundle state; /* of that */
    double norm;
    int64_t state_bytes[RANKS], total_bytes;
} trial;

static const int64_t heights[] = {6, 7, 5};

/* Matrices of the specification, a split one, vectors, something empty. */
static void fill(kit *k, const trial *t)
{
    k->count = 0;
    k->dtype = t->dtype;
    kit_add(k, 2, (int64_t[]){7, 5});
    kit_add(k, 2, (int64_t[]){256, 32});
    kit_add(k, 2, (int64_t[]){18, 64});
    kit_add(k, 2, (int64_t[]){3, 300});
    kit_add(k, 1, (int64_t[]){11});
    kit_add(k, 0, NULL);
    kit_add(k, 2, (int64_t[]){0, 4});
    kit_add(k, 3, (int64_t[]){4, 3, 5});
    k->tensor[2].split_count = 3;
    k->tensor[2].split = heights;
    if (t->large) {
        kit_add(k, 1, (int64_t[]){100001});
        kit_add(k, 1, (int64_t[]){77777});
        kit_add(k, 1, (int64_t[]){32768});
    }
    nrm_optimizer_route(k->count, k->tensor, 0, 1);
}

/* The defaults, but a rank that small matrices have. */
static nrm_status make(nrm_ctx *ctx, nrm_optimizer **o, nrm_comm *comm, const trial *t, const kit *k)
{
    nrm_optimizer_options options;
    const nrm_optimizer_group groups[] = {{t->kind, &options}, {nrm_optimizer_kind_takes_matrices(t->kind) ? NRM_OPTIMIZER_ADAMW : t->kind, NULL}};
    int count;
    const nrm_status st = nrm_optimizer_options_init(ctx, t->kind, &options);
    const nrm_param *params = nrm_optimizer_params(t->kind, &count);

    if (st < 0) return nrm_comm_agree(ctx, comm, st);
    for (int i = 0; i < count; i++)
        if (strcmp(params[i].name, "rank") == 0 && nrm_optimizer_options_set(ctx, t->kind, &options, "rank", "3") < 0) return NRM_E_INTERNAL;
    return nrm_optimizer_create_sharded(ctx, o, comm, 2, groups, k->count, k->tensor);
}

static void same_state(const nrm_bundle *a, const nrm_bundle *b)
{
    assert_int_equal(a->count, b->count);
    for (int64_t i = 0; i < a->count; i++) {
        const nrm_array *x = &a->items[i].array, *y = &b->items[i].array;
        assert_string_equal(a->items[i].name, b->items[i].name);
        assert_int_equal(nrm_array_count(x), nrm_array_count(y));
        assert_memory_equal(x->data, y->data, (size_t)nrm_array_count(x) * nrm_dtype_size(x->dtype));
    }
}

static void steps(nrm_ctx *ctx, nrm_optimizer *o, kit *k, int first, int end, double *norm)
{
    for (int step = first; step < end; step++) {
        kit_gradients(k, step);
        assert_ok(ctx, nrm_optimizer_step_clipped(ctx, o, k->parameter, (const void *const *)k->gradient, 0.5, 100.0, norm));
    }
}

static nrm_status one_rank(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    trial *t = user;
    kit k;
    nrm_optimizer *o, *again;
    nrm_bundle state;
    double norm;

    fill(&k, t);
    assert_ok(ctx, make(ctx, &o, comm, t, &k));
    steps(ctx, o, &k, 0, STEPS, &norm);
    kit_same(&k, &t->alone);
    assert_true(norm == t->norm);
    assert_int_equal(nrm_optimizer_steps(o), STEPS);
    t->state_bytes[nrm_comm_rank(comm)] = nrm_optimizer_state_bytes(o) - 8;

    /* The state comes together, on the last rank, and a new optimizer goes on with it. */
    const int root = nrm_comm_size(comm) - 1;
    assert_ok(ctx, nrm_optimizer_gather_state(ctx, o, root, &state));
    if (nrm_comm_rank(comm) == root) same_state(&state, &t->state);
    else assert_int_equal(state.count, 0);
    nrm_bundle_destroy(ctx, &state);
    assert_ok(ctx, make(ctx, &again, comm, t, &k));
    assert_ok(ctx, nrm_optimizer_load_state(ctx, again, &t->state));
    assert_ok(ctx, nrm_optimizer_gather_state(ctx, again, 0, &state));
    if (nrm_comm_rank(comm) == 0) same_state(&state, &t->state);
    nrm_bundle_destroy(ctx, &state);
    nrm_optimizer_destroy(ctx, o);
    nrm_optimizer_destroy(ctx, again);
    kit_end(&k);
    return NRM_OK;
}

static void compare(nrm_ctx *ctx, trial *t, int threads)
{
    nrm_optimizer *o;
    fill(&t->alone, t);
    assert_ok(ctx, make(ctx, &o, NULL, t, &t->alone));
    steps(ctx, o, &t->alone, 0, STEPS, &t->norm);
    t->total_bytes = nrm_optimizer_state_bytes(o) - 8;
    assert_ok(ctx, nrm_optimizer_gather_state(ctx, o, 0, &t->state));
    nrm_optimizer_destroy(ctx, o);
    assert_ok(ctx, nrm_set_threads(ctx, threads));
    for (int ranks = 1; ranks <= RANKS; ranks++) {
        int64_t sum = 0, most = 0;
        assert_ok(ctx, nrm_run_ranks(ctx, ranks, one_rank, t));
        for (int r = 0; r < ranks; r++) {
            sum += t->state_bytes[r];
            if (t->state_bytes[r] > most) most = t->state_bytes[r];
        }
        assert_true(sum >= t->total_bytes && sum <= t->total_bytes + 1024);
        if (t->large && !nrm_optimizer_kind_takes_matrices(t->kind)) assert_true(most * ranks < t->total_bytes * 13 / 10 + 300000);
    }
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    nrm_bundle_destroy(ctx, &t->state);
    kit_end(&t->alone);
}

static void every_kind_gives_the_bits_of_one_rank(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    for (int kind = 0; kind < nrm_optimizer_kind_count; kind++)
        for (int type = 0; type < (kind <= NRM_OPTIMIZER_MUON ? 2 : 1); type++) {
            trial t = {.kind = (nrm_optimizer_kind)kind, .dtype = type ? NRM_F32 : NRM_F64, .large = kind == NRM_OPTIMIZER_ADAMW && type};
            compare(ctx, &t, kind == NRM_OPTIMIZER_MUON && type ? 2 : 1);
        }
    nrm_ctx_destroy(ctx);
}

/* ---- Gradients of their own ---------------------------------------------------------------------- */

static const double weight[RANKS] = {0.1, 0.4, 0.3, 0.2};

static nrm_status own_gradients(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    trial *t = user;
    kit k, sum;
    nrm_optimizer *o, *alone;
    double norm, expected;

    fill(&k, t);
    fill(&sum, t);
    assert_ok(ctx, make(ctx, &o, comm, t, &k));
    assert_ok(ctx, make(ctx, &alone, NULL, t, &sum));
    for (int step = 0; step < STEPS; step++) {
        kit_gradients(&k, 10 * step + nrm_comm_rank(comm));
        for (int i = 0; i < k.count; i++)
            for (int64_t e = 0; e < k.size[i]; e++) {
                double total = 0;
                for (int r = 0; r < nrm_comm_size(comm); r++) total += weight[r] * kit_value(e, 1 + 10 * step + r + 100 * i);
                kit_set(sum.dtype, sum.gradient[i], e, total);
            }
        assert_ok(ctx, nrm_optimizer_step_mean(ctx, o, k.parameter, k.gradient, weight[nrm_comm_rank(comm)], 1, 10, &norm));
        assert_ok(ctx, nrm_optimizer_step_clipped(ctx, alone, sum.parameter, (const void *const *)sum.gradient, 1, 10, &expected));
        assert_true(norm == expected);
        kit_same(&k, &sum);
    }
    nrm_optimizer_destroy(ctx, o);
    nrm_optimizer_destroy(ctx, alone);
    kit_end(&k);
    kit_end(&sum);
    return NRM_OK;
}

static void gradients_of_all_ranks_are_averaged(void **state)
{
    (void)state;
    for (int type = 0; type < 2; type++) {
        trial t = {.kind = NRM_OPTIMIZER_MUON, .dtype = type ? NRM_F32 : NRM_F64, .large = type};
        for (int ranks = 2; ranks <= RANKS; ranks++) assert_ok(NULL, nrm_run_ranks(NULL, ranks, own_gradients, &t));
    }
}

/* Many rounds of an exchange: more blocks than travel at once. */
static nrm_status long_line(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const int64_t n = 70 * 32768 + 17;
    float *w = calloc((size_t)n, sizeof *w), *g = malloc((size_t)n * sizeof *g);
    const nrm_optimizer_tensor tensor = {.name = "w", .dtype = NRM_F32, .ndim = 1, .shape = &n};
    nrm_sgd_options sgd = nrm_sgd_options_default();
    const nrm_optimizer_group group = {NRM_OPTIMIZER_SGD, &sgd};
    nrm_optimizer *o;

    (void)user;
    sgd.lr = 1;
    for (int64_t i = 0; i < n; i++) g[i] = (float)(i % 1000 + comm->rank);
    assert_ok(ctx, nrm_optimizer_create_sharded(ctx, &o, comm, 1, &group, 1, &tensor));
    const int64_t before = nrm_comm_bytes_sent(comm);
    assert_ok(ctx, nrm_optimizer_step_mean(ctx, o, (void *[]){w}, (void *[]){g}, 0.5, 1, INFINITY, NULL));
    for (int64_t i = 0; i < n; i++) assert_true(w[i] == -((float)(i % 1000) + 0.5f));
    /* Two ranks: half the gradients away, half the parameters away. */
    assert_in_range(nrm_comm_bytes_sent(comm) - before, 4 * n - 300000, 4 * n + 300000);
    nrm_optimizer_destroy(ctx, o);
    free(w);
    free(g);
    return NRM_OK;
}

static void long_tensors_travel_in_rounds(void **state)
{
    (void)state;
    assert_ok(NULL, nrm_run_ranks(NULL, 2, long_line, NULL));
}

/* ---- Refusals --------------------------------------------------------------------------------------- */

typedef struct fault { int what; } fault;
enum { FEWER, SHAPE, OPTION, KIND, OWN_MISTAKE };

static nrm_status disagree(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const fault *f = user;
    trial t = {.kind = NRM_OPTIMIZER_MUON, .dtype = NRM_F64};
    nrm_muon_options muon = nrm_muon_options_default();
    kit k;
    nrm_optimizer *o;

    fill(&k, &t);
    nrm_optimizer_group groups[] = {{NRM_OPTIMIZER_MUON, &muon}, {NRM_OPTIMIZER_ADAMW, NULL}};
    if (comm->rank == 1) {
        if (f->what == FEWER) k.count--;
        if (f->what == SHAPE) k.shape[0][1]++;
        if (f->what == OPTION) muon.momentum = 0.9;
        if (f->what == KIND) groups[1].kind = NRM_OPTIMIZER_SGD;
        if (f->what == OWN_MISTAKE) k.tensor[3].name = "";
    }
    const nrm_status st = nrm_optimizer_create_sharded(ctx, &o, comm, 2, groups, k.count, k.tensor);
    if (comm->rank == 1 && f->what == FEWER) k.count++;
    kit_end(&k);
    assert_int_equal(st, NRM_E_ARGUMENT);
    return st;
}

static void ranks_that_mean_something_else_are_told(void **state)
{
    (void)state;
    static const char *const sentence[] = {
        [FEWER] = "rank 1 has 7 tensors and rank 0 has 8", [SHAPE] = "the tensors of rank 1 are not those of rank 0",
        [OPTION] = "the groups or options of rank 1", [KIND] = "the groups or options of rank 1",
        [OWN_MISTAKE] = "rank 1: optimizer: tensor 3 has no name"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int i = FEWER; i <= OWN_MISTAKE; i++) {
        fault f = {i};
        assert_status(ctx, nrm_run_ranks(ctx, 3, disagree, &f), NRM_E_ARGUMENT);
        assert_message(ctx, sentence[i]);
    }
    nrm_ctx_destroy(ctx);
}

/* Rank 2 brings a gradient that is not finite, or is asked to stop, or has no gradients. */
enum { NAN_HERE, CANCEL, NO_GRADIENT, NAN_MEAN };

static nrm_status one_fails(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    const fault *f = user;
    trial t = {.kind = NRM_OPTIMIZER_MUON, .dtype = NRM_F32};
    kit k, untouched;
    nrm_optimizer *o;

    fill(&k, &t);
    fill(&untouched, &t);
    assert_ok(ctx, make(ctx, &o, comm, &t, &k));
    kit_gradients(&k, 0);
    if (comm->rank == 2 && f->what == NAN_HERE) /* of all tensors: what it holds is among them */
        for (int i = 0; i < k.count; i++) kit_set(k.dtype, k.gradient[i], k.size[i] > 0 ? k.size[i] - 1 : 0, NAN);
    if (comm->rank == 2 && f->what == NAN_MEAN) ((float *)k.gradient[1])[33] = INFINITY;
    if (comm->rank == 2 && f->what == CANCEL) nrm_cancel(ctx);
    void *kept = k.gradient[0];
    if (comm->rank == 2 && f->what == NO_GRADIENT) k.gradient[0] = NULL;
    const nrm_status st = f->what == NAN_MEAN ? nrm_optimizer_step_mean(ctx, o, k.parameter, k.gradient, 1, 1, INFINITY, NULL)
                                              : kit_step(ctx, o, &k);
    kit_same(&k, &untouched);
    assert_int_equal(nrm_optimizer_steps(o), 0);
    k.gradient[0] = kept;
    nrm_optimizer_destroy(ctx, o);
    kit_end(&k);
    kit_end(&untouched);
    return st;
}

static void what_one_rank_cannot_none_does(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    fault f = {NAN_HERE};
    assert_status(ctx, nrm_run_ranks(ctx, 3, one_fails, &f), NRM_E_NONFINITE);
    assert_message(ctx, "rank 2: optimizer: step 1: the gradient of");
    f.what = NAN_MEAN;
    assert_status(ctx, nrm_run_ranks(ctx, 3, one_fails, &f), NRM_E_NONFINITE);
    assert_message(ctx, "rank 2: optimizer: step 1: the gradient of 'w1'[1,1] is inf");
    f.what = CANCEL;
    assert_status(ctx, nrm_run_ranks(ctx, 3, one_fails, &f), NRM_E_CANCELLED);
    f.what = NO_GRADIENT;
    assert_status(ctx, nrm_run_ranks(ctx, 3, one_fails, &f), NRM_E_NULL);
    assert_message(ctx, "rank 2: optimizer: the gradient of 'w0' is NULL");
    nrm_ctx_destroy(ctx);
}

static nrm_status small_life(nrm_ctx *ctx, nrm_comm *comm, void *user)
{
    trial t = {.kind = NRM_OPTIMIZER_MUON, .dtype = NRM_F32};
    kit k;
    nrm_optimizer *o;
    nrm_bundle state;
    nrm_status st;

    (void)user;
    fill(&k, &t);
    st = make(ctx, &o, comm, &t, &k);
    if (st >= 0) {
        kit_gradients(&k, 0);
        st = kit_step(ctx, o, &k);
        if (st >= 0) st = nrm_optimizer_gather_state(ctx, o, 0, &state);
        if (st >= 0) nrm_bundle_destroy(ctx, &state);
        nrm_optimizer_destroy(ctx, o);
    }
    kit_end(&k);
    return st;
}

static nrm_status run_small_life(nrm_ctx *ctx, void *user) { return nrm_run_ranks(ctx, 2, small_life, user); }

/* Rank 0 has no memory; rank 1 must fail with it. */
static void memory_may_run_out_on_one_rank(void **state)
{
    (void)state;
    nrm_test_allocation_failures(run_small_life, NULL, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(every_kind_gives_the_bits_of_one_rank), cmocka_unit_test(gradients_of_all_ranks_are_averaged),
              cmocka_unit_test(long_tensors_travel_in_rounds), cmocka_unit_test(ranks_that_mean_something_else_are_told),
              cmocka_unit_test(what_one_rank_cannot_none_does), cmocka_unit_test(memory_may_run_out_on_one_rank))
