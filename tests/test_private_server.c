/* test_private_server.c -- sources of noise, bytes of messages, servers, states, ledgers, refusals. */
#include "private_kit.h"

/* ---- Sources --------------------------------------------------------------------------------------- */

static int warnings;
static void listen(void *user, nrm_log_level level, const char *message)
{
    (void)user;
    warnings += level == NRM_LOG_WARNING && strstr(message, "NOT PRIVATE") != NULL;
}

static void test_sources(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const choices o = with(NRM_PRIVATE_ISOTROPIC, 1);
    nrm_private_source *source;
    const double x = 0.5;
    unsigned char a[64], b[64], c[64];

    warnings = 0;
    assert_ok(ctx, nrm_set_log(ctx, listen, NULL));
    assert_ok(ctx, nrm_private_source_open(ctx, &source)); /* nobody chose a seed */
    assert_true(nrm_private_source_secure(source) && warnings == 0);
    assert_ok(ctx, nrm_private_randomize(ctx, source, 0, 1, &x, 1, NULL, a, NULL, &o));
    assert_ok(ctx, nrm_private_randomize(ctx, source, 0, 1, &x, 1, NULL, b, NULL, &o));
    assert_memory_not_equal(a, b, 32);
    nrm_private_source_close(ctx, source);

    assert_ok(ctx, nrm_set_seed(ctx, 0)); /* chosen, though 0 */
    assert_ok(ctx, nrm_private_source_open(ctx, &source));
    assert_true(!nrm_private_source_secure(source) && warnings == 1);
    assert_ok(ctx, nrm_private_randomize(ctx, source, 4, 1, &x, 1, NULL, a, NULL, &o));
    assert_status(ctx, nrm_private_randomize(ctx, source, 4, 1, &x, 1, NULL, b, NULL, &o), NRM_E_ARGUMENT);
    assert_message(ctx, "the seed was used for user 4");
    assert_status(ctx, nrm_private_randomize(ctx, source, 3, 1, &x, 1, NULL, b, NULL, &o), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_private_randomize(ctx, source, -1, 1, &x, 1, NULL, b, NULL, &o), NRM_E_RANGE);
    assert_ok(ctx, nrm_private_randomize(ctx, source, 5, 1, &x, 1, NULL, b, NULL, &o));
    assert_memory_not_equal(a, b, 32);
    nrm_private_source_close(ctx, source);
    source = seeded(ctx, 0);
    assert_ok(ctx, nrm_private_randomize(ctx, source, 4, 1, &x, 1, NULL, c, NULL, &o));
    assert_memory_equal(a, c, 32);
    assert_int_equal(warnings, 2);
    nrm_private_source_close(ctx, source);
    nrm_private_source_close(ctx, NULL);
    nrm_ctx_destroy(ctx);
}

/* A message is made whatever the record is, and of the same size. */
static void test_any_record(void **state)
{
    (void)state;
    static const double odd[] = {0, NAN, INFINITY, -INFINITY, 1e308, -1e308, 5e-324};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_private_source *source = seeded(ctx, 1);
    nrm_private_server *server;
    int64_t user = 0;

    for (int mode = 0; mode < nrm_private_mode_count; mode++) {
        const choices o = with(mode, 1);
        const int64_t bytes = nrm_private_message_bytes(mode, 2);
        unsigned char message[128];
        assert_true(bytes > 0 && bytes <= (int64_t)sizeof message);
        assert_ok(ctx, nrm_private_server_create(ctx, &server, 2, &o));
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 7; j++) {
                const double x[2] = {odd[i], odd[j]}, theta[2] = {0, 0};
                nrm_private_record_report report;
                assert_ok(ctx, nrm_private_randomize(ctx, source, user++, 2, x, odd[(i + j) % 7], theta, message, &report, &o));
                assert_true(report.nonfinite == !(isfinite(x[0]) && isfinite(x[1]) && isfinite(odd[(i + j) % 7])));
                assert_true(report.clipped == (fabs(odd[(i + j) % 7]) == 1e308 || fabs(x[0]) == 1e308 || fabs(x[1]) == 1e308));
                assert_ok(ctx, nrm_private_server_absorb(ctx, server, message, bytes));
            }
        assert_int_equal(nrm_private_server_messages(server), 49);
        nrm_private_server_destroy(ctx, server);
    }
    assert_int_equal(nrm_private_message_bytes(NRM_PRIVATE_IHT, 100), 33);
    assert_int_equal(nrm_private_message_bytes(7, 3), -1);
    assert_int_equal(nrm_private_message_bytes(0, 0), -1);
    nrm_private_source_close(ctx, source);
    nrm_ctx_destroy(ctx);
}

/* ---- Servers ---------------------------------------------------------------------------------------- */

/* `count` messages end to end. */
static unsigned char *messages_of(nrm_ctx *ctx, const choices *o, int64_t d, int64_t count, const double *theta)
{
    const int64_t bytes = nrm_private_message_bytes(o->mode, d);
    nrm_private_source *source = seeded(ctx, 21);
    unsigned char *all = malloc((size_t)(count * bytes));
    uint64_t state = 4;
    double x[8];

    assert_non_null(all);
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = 0; j < d; j++) x[j] = nrm_test_normal(&state);
        assert_ok(ctx, nrm_private_randomize(ctx, source, i, d, x, x[0], theta, all + i * bytes, NULL, o));
    }
    nrm_private_source_close(ctx, source);
    return all;
}

static bool same_sums(const nrm_private_server *a, const nrm_private_server *b)
{
    return memcmp(a->sums, b->sums, (size_t)a->plan.numbers * sizeof *a->sums) == 0 && a->messages == b->messages;
}

/* Spec, item 6. */
static void test_sums(void **state)
{
    (void)state;
    enum { D = 4, N = 50 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double theta[D] = {0};

    for (int mode = 0; mode < nrm_private_mode_count; mode++) {
        const choices o = with(mode, 2);
        const int64_t bytes = nrm_private_message_bytes(mode, D);
        unsigned char *all = messages_of(ctx, &o, D, N, theta);
        nrm_private_server *forward, *backward, *half[2];
        assert_ok(ctx, nrm_private_server_create(ctx, &forward, D, &o));
        assert_ok(ctx, nrm_private_server_create(ctx, &backward, D, &o));
        for (int h = 0; h < 2; h++) assert_ok(ctx, nrm_private_server_create(ctx, &half[h], D, &o));
        for (int i = 0; i < N; i++) {
            assert_ok(ctx, nrm_private_server_absorb(ctx, forward, all + i * bytes, bytes));
            assert_ok(ctx, nrm_private_server_absorb(ctx, backward, all + (N - 1 - i) * bytes, bytes));
            assert_ok(ctx, nrm_private_server_absorb(ctx, half[i % 2], all + i * bytes, bytes));
        }
        assert_true(same_sums(forward, backward) && !same_sums(forward, half[0]));
        if (mode != NRM_PRIVATE_IHT) { /* the numbers, added by hand */
            for (int64_t k = 0; k < forward->plan.numbers; k++) {
                nrm_i128 sum = 0;
                for (int i = 0; i < N; i++) sum += (int64_t)nrm_private_get_u64(all + i * bytes + NRM_PRIVATE_HEADER + 8 * k);
                assert_true(sum == forward->sums[k]);
            }
        }
        assert_ok(ctx, nrm_private_server_merge(ctx, half[0], half[1]));
        assert_true(same_sums(forward, half[0]));
        assert_status(ctx, nrm_private_server_merge(ctx, forward, forward), NRM_E_ALIAS);
        /* To a file and back. */
        const char *path = nrm_test_temp("server.npz");
        nrm_private_server *loaded;
        assert_ok(ctx, nrm_private_server_save(ctx, forward, path));
        assert_ok(ctx, nrm_private_server_load(ctx, &loaded, path, D, &o));
        assert_true(same_sums(forward, loaded) && loaded->total == N && loaded->round == 1);
        nrm_private_server_destroy(ctx, loaded);
        choices other = o;
        other.eps = 3;
        assert_status(ctx, nrm_private_server_load(ctx, &loaded, path, D, &other), NRM_E_ARGUMENT);
        assert_message(ctx, "other parameters");
        assert_status(ctx, nrm_private_server_load(ctx, &loaded, path, D + 1, &o), NRM_E_FORMAT);
        forward->sums[0] = (nrm_i128)1 << 100;
        assert_ok(ctx, nrm_private_server_save(ctx, forward, path));
        assert_status(ctx, nrm_private_server_load(ctx, &loaded, path, D, &o), NRM_E_FORMAT);
        assert_message(ctx, "cannot make");
        remove(path);
        assert_ok(ctx, nrm_private_server_create(ctx, &loaded, D, &other));
        assert_status(ctx, nrm_private_server_merge(ctx, loaded, half[0]), NRM_E_ARGUMENT);
        for (int h = 0; h < 2; h++) nrm_private_server_destroy(ctx, half[h]);
        nrm_private_server_destroy(ctx, loaded);
        nrm_private_server_destroy(ctx, forward);
        nrm_private_server_destroy(ctx, backward);
        free(all);
    }
    nrm_ctx_destroy(ctx);
}

/* Damage anywhere is refused, and so are honest bytes that say what no client says. */
static void test_hostile(void **state)
{
    (void)state;
    enum { D = 2 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double theta[D] = {0};

    for (int mode = 0; mode < nrm_private_mode_count; mode++) {
        const choices o = with(mode, 1);
        const int64_t bytes = nrm_private_message_bytes(mode, D);
        unsigned char *m = messages_of(ctx, &o, D, 1, theta), copy[128];
        nrm_private_server *server, *fresh;
        assert_ok(ctx, nrm_private_server_create(ctx, &server, D, &o));
        assert_ok(ctx, nrm_private_server_create(ctx, &fresh, D, &o));
        for (int64_t at = 0; at < bytes; at++) {
            memcpy(copy, m, (size_t)bytes);
            copy[at] ^= (unsigned char)(1 << at % 8);
            assert_true(nrm_private_server_absorb(ctx, server, copy, bytes) < 0 && nrm_message(ctx)[0] != '\0');
            assert_true(nrm_private_server_absorb(ctx, server, m, at) < 0);
        }
        memcpy(copy, m, (size_t)bytes);
        assert_true(nrm_private_server_absorb(ctx, server, copy, bytes + 1) < 0);
        assert_true(nrm_private_server_absorb(ctx, server, NULL, 5) < 0);
        nrm_private_header header = {D, mode == NRM_PRIVATE_IHT, nrm_private_round_hash(&server->plan, 1, server->theta)};
        if (mode == NRM_PRIVATE_IHT) {
            copy[NRM_PRIVATE_HEADER + 8] = 2;
            nrm_private_seal(mode, &header, copy);
            assert_status(ctx, nrm_private_server_absorb(ctx, server, copy, bytes), NRM_E_FORMAT);
            assert_message(ctx, "sign");
        } else {
            nrm_private_put_u64(copy + bytes - 12, UINT64_C(1) << 63);
            nrm_private_seal(mode, &header, copy);
            assert_status(ctx, nrm_private_server_absorb(ctx, server, copy, bytes), NRM_E_FORMAT);
            assert_message(ctx, "no client sends more");
        }
        assert_true(same_sums(server, fresh)); /* nothing of all that went in */
        header.hash++;
        nrm_private_seal(mode, &header, copy);
        assert_status(ctx, nrm_private_server_absorb(ctx, server, copy, bytes), NRM_E_ARGUMENT);
        assert_message(ctx, "other parameters");
        header.round += 4;
        nrm_private_seal(mode, &header, copy);
        assert_status(ctx, nrm_private_server_absorb(ctx, server, copy, bytes), NRM_E_ARGUMENT);
        assert_message(ctx, "of round");
        assert_ok(ctx, nrm_private_server_absorb(ctx, server, m, bytes));
        nrm_private_server_destroy(ctx, server);
        nrm_private_server_destroy(ctx, fresh);
        free(m);
    }
    nrm_ctx_destroy(ctx);
}

/* Parameters that a message depends on change its hash; those that it does not, do not. */
static void test_parameters(void **state)
{
    (void)state;
    const choices o = with(NRM_PRIVATE_NLDP, 1);
    choices c = o;
    const uint64_t hash = plan_of(3, o).hash;
    assert_true(plan_of(4, o).hash != hash);
#define CHANGES(member, value) c = o, c.member = (value), assert_true(plan_of(3, c).hash != hash)
    CHANGES(eps, 1.5), CHANGES(delta, 1e-7), CHANGES(r, 2), CHANGES(tau2, 3), CHANGES(split, 0.4), CHANGES(calibration, NRM_PRIVATE_PAPER);
    CHANGES(mode, NRM_PRIVATE_ISOTROPIC);
    c = o, c.threshold = 3, c.refit = true, c.kappa_min = 1, c.users = 77, c.tau1 = 9;
    assert_true(plan_of(3, c).hash == hash);
    const choices i = with(NRM_PRIVATE_IHT, 1);
    c = i, c.kprime = 2;
    assert_true(plan_of(3, c).hash != plan_of(3, i).hash);
    c = i, c.eta = 0.3, c.rounds = 9, c.delta = 0, c.r = 7;
    assert_true(plan_of(3, c).hash == plan_of(3, i).hash);
}

/* Spec, item 8, and the rounds. */
static void test_rounds(void **state)
{
    (void)state;
    enum { D = 5 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    choices o = with(NRM_PRIVATE_IHT, 1);
    nrm_private_server *s;
    double theta[D], zeros[D] = {0};

    o.kprime = 2, o.eta = 1;
    assert_ok(ctx, nrm_private_server_create(ctx, &s, D, &o));
    assert_status(ctx, nrm_private_server_next_round(ctx, s), NRM_E_ARGUMENT);
    assert_message(ctx, "round 1 has no messages");
    assert_status(ctx, nrm_private_server_estimate(ctx, s, NULL, theta, NULL, NULL), NRM_E_ARGUMENT);
    const double gradient[D] = {-0.3, 0.4, 0.4, -0.1, -0.4}, unit = ldexp(s->plan.norm, -NRM_PRIVATE_SPHERE);
    for (int j = 0; j < D; j++) s->sums[j] = (nrm_i128)nearbyint(gradient[j] / unit);
    s->messages = s->total = 1;
    assert_ok(ctx, nrm_private_server_next_round(ctx, s));
    const double expected[D] = {0, -0.4, -0.4, 0, 0}; /* of equal entries the first */
    assert_all_near(nrm_private_server_theta(s), expected, D, 1e-9);
    for (int j = 0; j < D; j++) s->sums[j] = (nrm_i128)nearbyint(j == 1 ? 5 / unit : 0);
    s->messages = 1, s->total = 2;
    assert_ok(ctx, nrm_private_server_next_round(ctx, s));
    assert_int_equal(nrm_private_server_round(s), 3);
    const double length = sqrt(5.4 * 5.4 + 0.4 * 0.4), ball[D] = {0, -5.4 / length, -0.4 / length, 0, 0};
    assert_all_near(nrm_private_server_theta(s), ball, D, 1e-9);
    /* A message for another theta is refused. */
    unsigned char message[64];
    nrm_private_source *source = seeded(ctx, 2);
    o.round = 3;
    assert_ok(ctx, nrm_private_randomize(ctx, source, 0, D, zeros, 0, zeros, message, NULL, &o));
    assert_status(ctx, nrm_private_server_absorb(ctx, s, message, 33), NRM_E_ARGUMENT);
    assert_message(ctx, "another theta");
    assert_ok(ctx, nrm_private_randomize(ctx, source, 1, D, zeros, 0, nrm_private_server_theta(s), message, NULL, &o));
    assert_ok(ctx, nrm_private_server_absorb(ctx, s, message, 33));
    theta[0] = NAN;
    assert_status(ctx, nrm_private_randomize(ctx, source, 2, D, zeros, 0, theta, message, NULL, &o), NRM_E_NONFINITE);
    assert_status(ctx, nrm_private_randomize(ctx, source, 2, D, zeros, 0, NULL, message, NULL, &o), NRM_E_NULL);
    nrm_private_source_close(ctx, source);
    nrm_private_server_destroy(ctx, s);
    o = with(NRM_PRIVATE_NLDP, 1);
    assert_ok(ctx, nrm_private_server_create(ctx, &s, D, &o));
    assert_status(ctx, nrm_private_server_next_round(ctx, s), NRM_E_ARGUMENT);
    nrm_private_server_destroy(ctx, s);
    nrm_ctx_destroy(ctx);
}

/* ---- Ledgers ---------------------------------------------------------------------------------------- */

static void test_ledger(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_private_ledger *l, *back;
    double eps, delta;
    const char *path = nrm_test_temp("ledger.npz");

    assert_ok(ctx, nrm_private_ledger_create(ctx, &l));
    for (int64_t user = -300; user < 300; user++) assert_ok(ctx, nrm_private_ledger_charge(ctx, l, user * 1000003, 0.5, 1e-6, false));
    assert_status(ctx, nrm_private_ledger_charge(ctx, l, 7 * 1000003, 0.5, 1e-6, false), NRM_E_ARGUMENT);
    assert_message(ctx, "user 7000021 has spent eps 0.5");
    assert_ok(ctx, nrm_private_ledger_charge(ctx, l, 7 * 1000003, 0.25, 0, true));
    assert_int_equal(nrm_private_ledger_spent(l, 7 * 1000003, &eps, &delta), 2);
    assert_near(eps, 0.75, 0), assert_near(delta, 1e-6, 0);
    assert_int_equal(nrm_private_ledger_spent(l, 1, &eps, &delta), 0);
    assert_true(eps == 0 && delta == 0);
    assert_status(ctx, nrm_private_ledger_charge(ctx, l, 1, 0, 0, false), NRM_E_RANGE);
    assert_status(ctx, nrm_private_ledger_charge(ctx, l, 1, 1, 1, false), NRM_E_RANGE);
    assert_ok(ctx, nrm_private_ledger_seed(ctx, l, UINT64_MAX));
    assert_status(ctx, nrm_private_ledger_seed(ctx, l, UINT64_MAX), NRM_E_ARGUMENT);
    assert_message(ctx, "was used before");
    assert_ok(ctx, nrm_private_ledger_save(ctx, l, path));
    assert_ok(ctx, nrm_private_ledger_load(ctx, &back, path));
    assert_int_equal(nrm_private_ledger_spent(back, 7 * 1000003, &eps, &delta), 2);
    assert_near(eps, 0.75, 0);
    assert_int_equal(nrm_private_ledger_spent(back, -300 * 1000003, NULL, NULL), 1);
    assert_status(ctx, nrm_private_ledger_seed(ctx, back, UINT64_MAX), NRM_E_ARGUMENT);
    nrm_private_ledger_destroy(ctx, back);
    nrm_private_ledger_destroy(ctx, l);
    nrm_private_ledger_destroy(ctx, NULL);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("[1,2]", file);
    fclose(file);
    assert_true(nrm_private_ledger_load(ctx, &back, path) < 0 && back == NULL);
    remove(path);
    nrm_ctx_destroy(ctx);
}

/* ---- Refusals ---------------------------------------------------------------------------------------- */

static void refused(choices o, int64_t d, nrm_status status, const char *piece)
{
    nrm_private_plan plan;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_status(ctx, nrm_private_plan_make(ctx, d, 0, &o, &plan), status);
    assert_message(ctx, piece);
    nrm_ctx_destroy(ctx);
}

static void test_refusals(void **state)
{
    (void)state;
    choices o;
#define REFUSED(mode_, change, d, status, piece) o = with(mode_, 1), change, refused(o, d, status, piece)
    REFUSED(NRM_PRIVATE_NLDP, o.eps = 0, 2, NRM_E_RANGE, "eps");
    REFUSED(NRM_PRIVATE_NLDP, o.eps = -1, 2, NRM_E_RANGE, "eps");
    REFUSED(NRM_PRIVATE_NLDP, o.delta = 0, 2, NRM_E_RANGE, "delta is 0");
    REFUSED(NRM_PRIVATE_ISOTROPIC, o.delta = 1, 2, NRM_E_RANGE, "delta is 1");
    REFUSED(NRM_PRIVATE_NLDP, o.delta = 1e-16, 2, NRM_E_RANGE, "grid");
    REFUSED(NRM_PRIVATE_NLDP, (o.calibration = NRM_PRIVATE_PAPER, o.eps = 2.1), 2, NRM_E_RANGE, "classical Gaussian mechanism invalid above 2, use tight");
    REFUSED(NRM_PRIVATE_NLDP_PUBLIC, (o.calibration = NRM_PRIVATE_PAPER, o.eps = 1.1), 2, NRM_E_RANGE, "classical Gaussian mechanism invalid above 1, use tight");
    REFUSED(NRM_PRIVATE_NLDP, o.r = -1, 2, NRM_E_RANGE, "r is -1");
    REFUSED(NRM_PRIVATE_NLDP, o.tau2 = -1, 2, NRM_E_RANGE, "tau2 is -1");
    REFUSED(NRM_PRIVATE_NLDP, o.tau2 = 0, 2, NRM_E_RANGE, "tau2 is 0 and users is not known");
    REFUSED(NRM_PRIVATE_NLDP, o.split = 1, 2, NRM_E_RANGE, "split is 1");
    REFUSED(NRM_PRIVATE_NLDP, o.threshold = -0.5, 2, NRM_E_RANGE, "threshold is -0.5");
    REFUSED(NRM_PRIVATE_NLDP, (void)0, 0, NRM_E_SHAPE, "0 columns");
    REFUSED(NRM_PRIVATE_IHT, o.k = 0, 2, NRM_E_RANGE, "k is 0");
    REFUSED(NRM_PRIVATE_IHT, o.k = 3, 2, NRM_E_RANGE, "k is 3, but x has 2 columns");
    REFUSED(NRM_PRIVATE_IHT, o.kprime = 3, 2, NRM_E_RANGE, "kprime is 3");
    REFUSED(NRM_PRIVATE_IHT, (o.users = 3, o.rounds = 4), 2, NRM_E_RANGE, "3 users are fewer than the 4 rounds");
    REFUSED(NRM_PRIVATE_IHT, (o.average = true, o.rounds = 0), 2, NRM_E_RANGE, "average needs");
    REFUSED(NRM_PRIVATE_IHT, o.eps = 1e-15, 2, NRM_E_RANGE, "eps is 1e-15");
    REFUSED(NRM_PRIVATE_NLDP, o.r = 1e-160, 2, NRM_E_RANGE, "do not fit");

    nrm_ctx *ctx = nrm_test_ctx(NULL);
    o = nrm_private_sparse_regression_options_default();
    assert_ok(ctx, nrm_private_suggest(ctx, 100000, 16, 3, 1, 2, &o));
    assert_true(o.users == 100000 && o.k == 3 && o.kprime == 6 && o.tau2 == 2 && o.r == 4 && o.score_bound == 2);
    assert_status(ctx, nrm_private_suggest(ctx, 0, 16, 3, 1, 2, &o), NRM_E_RANGE);
    assert_status(ctx, nrm_private_suggest(ctx, 9, 16, 17, 1, 2, &o), NRM_E_RANGE);
    assert_status(ctx, nrm_private_suggest(ctx, 9, 16, 3, 0, 2, &o), NRM_E_RANGE);
    assert_status(ctx, nrm_private_suggest(ctx, 9, 16, 3, 1, 2, NULL), NRM_E_NULL);
    nrm_ctx_destroy(ctx);
}

/* ---- Memory ------------------------------------------------------------------------------------------- */

static nrm_status whole(nrm_ctx *ctx, void *user)
{
    const choices *o = user;
    const double x[2] = {0.5, -1}, theta[2] = {0};
    nrm_private_source *source = NULL;
    nrm_private_server *server = NULL, *loaded = NULL;
    nrm_private_ledger *ledger = NULL, *back = NULL;
    unsigned char message[128];
    const char *path = nrm_test_temp("memory.npz");
    nrm_status st = nrm_private_source_seeded(ctx, &source, 1);

    if (st >= 0) st = nrm_private_randomize(ctx, source, 0, 2, x, 1, theta, message, NULL, o);
    if (st >= 0) st = nrm_private_server_create(ctx, &server, 2, o);
    if (st >= 0) st = nrm_private_server_absorb(ctx, server, message, nrm_private_message_bytes(o->mode, 2));
    if (st >= 0) st = nrm_private_server_save(ctx, server, path);
    if (st >= 0) st = nrm_private_server_load(ctx, &loaded, path, 2, o);
    if (st >= 0) st = nrm_private_ledger_create(ctx, &ledger);
    for (int user_number = 0; st >= 0 && user_number < 40; user_number++) st = nrm_private_ledger_charge(ctx, ledger, user_number, 1, 0, false);
    if (st >= 0) st = nrm_private_ledger_seed(ctx, ledger, 3);
    if (st >= 0) st = nrm_private_ledger_save(ctx, ledger, path);
    if (st >= 0) st = nrm_private_ledger_load(ctx, &back, path);
    double answer[2];
    if (st >= 0) st = nrm_private_server_estimate(ctx, loaded, NULL, answer, NULL, NULL);
    nrm_private_source_close(ctx, source);
    nrm_private_server_destroy(ctx, server);
    nrm_private_server_destroy(ctx, loaded);
    nrm_private_ledger_destroy(ctx, ledger);
    nrm_private_ledger_destroy(ctx, back);
    remove(path);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    choices o = with(NRM_PRIVATE_NLDP, 1);
    o.refit = true;
    nrm_test_allocation_failures(whole, &o, NULL, 0);
    o = with(NRM_PRIVATE_IHT, 1);
    nrm_test_allocation_failures(whole, &o, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_sources), cmocka_unit_test(test_any_record), cmocka_unit_test(test_sums),
              cmocka_unit_test(test_hostile), cmocka_unit_test(test_parameters), cmocka_unit_test(test_rounds),
              cmocka_unit_test(test_ledger), cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory))
