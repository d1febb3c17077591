/* test_private_protocol.c -- one record, one message, and the server that takes it in: laws of the
 * randomisers, an audit of what they promise, bytes, states, ledgers. */
#include "private/server.h"
#include "testkit.h"
#include <norma/private_protocol.h>

typedef nrm_private_sparse_regression_options choices;

static choices with(int mode, double eps)
{
    choices o = nrm_private_sparse_regression_options_default();
    o.mode = mode, o.eps = eps, o.tau1 = 1, o.tau2 = 2, o.k = 1, o.kprime = 1, o.rounds = 2;
    return o;
}

static nrm_private_plan plan_of(int64_t d, choices o)
{
    nrm_private_plan plan;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_private_plan_make(ctx, d, 0, &o, &plan));
    nrm_ctx_destroy(ctx);
    return plan;
}

static nrm_private_source *seeded(nrm_ctx *ctx, uint64_t seed)
{
    nrm_private_source *source;
    assert_ok(ctx, nrm_private_source_seeded(ctx, &source, seed));
    return source;
}

/* Spec, items 1 and 2: length, mean, chance of agreement. */
static void test_sphere(void **state)
{
    (void)state;
    enum { N = 400000 };
    choices o = with(NRM_PRIVATE_IHT, 1);
    o.radius = NRM_PRIVATE_RADIUS_SCORE, o.score_bound = 1;
    assert_near(plan_of(3, o).norm, 4.3279068275, 1e-10);
    assert_near(plan_of(2, o).norm, 3.3991300737, 1e-10);
    assert_near(plan_of(16, o).norm, 10.6803720820, 1e-10);
    assert_near(plan_of(1, o).norm, (exp(1) + 1) / (exp(1) - 1), 1e-12);

    const nrm_private_plan p = plan_of(3, o);
    const double v[3] = {0.3, -0.2, 0.5}, norm = sqrt(0.38), unit = ldexp(p.norm, -NRM_PRIVATE_SPHERE);
    nrm_secret secret = nrm_secret_make((const uint32_t[8]){5}, (const uint32_t[3]){0});
    double mean[3] = {0}, square[3] = {0}, work[12];
    int64_t units[3], agrees = 0;
    for (int i = 0; i < N; i++) {
        const uint64_t seed = nrm_secret_u64(&secret), coin = nrm_secret_u64(&secret);
        const double sign = nrm_private_sign(&p, v, norm, seed, coin, units, work) ? unit : -unit;
        double length = 0, along = 0;
        for (int j = 0; j < 3; j++) {
            const double z = sign * (double)units[j];
            mean[j] += z / N, square[j] += z * z / N;
            length += z * z, along += z * v[j];
        }
        agrees += along > 0;
        assert_true(fabs(sqrt(length) - p.norm) <= 1e-12 * p.norm);
    }
    for (int j = 0; j < 3; j++) {
        assert_true(fabs(mean[j] - v[j]) <= 4 * sqrt(square[j] / N));
        assert_true(fabs(square[j] - p.norm * p.norm / 3) < 0.02 * square[j]); /* uniform but for its sign */
    }
    const double chance = 0.5 + norm * (exp(1) - 1) / (2 * (exp(1) + 1));
    assert_true(fabs((double)agrees - N * chance) < 4 * sqrt(N * chance * (1 - chance)));
}

/* The chances of the two signs, as integers: their ratio is at most e^eps for every eps. */
static void test_sign_is_private(void **state)
{
    (void)state;
    static const double eps[] = {1e-6, 1e-3, 0.1, 0.5, 1, 2, 5, 20, 40, 44, 100, 1e7};
    for (size_t i = 0; i < sizeof eps / sizeof *eps; i++) {
        choices o = with(NRM_PRIVATE_IHT, eps[i]);
        const nrm_private_plan p = plan_of(5, o);
        const long double least = (long double)p.least, ratio = (0x1p64L - least) / least;
        assert_true(logl(ratio) <= (long double)eps[i]);
        if (eps[i] < 40) assert_true(logl(ratio) >= (long double)eps[i] * (1 - 1e-6L));
        /* The extremes of the coin: with |v| = r agreement is certain just below 2^64 - least. */
        double work[18];
        const double v[5] = {1, 0, 0, 0, 0};
        int64_t units[5];
        const uint64_t last = (uint64_t)0 - p.least;
        const bool most = nrm_private_sign(&p, v, p.radius, 9, last - 1, units, work), none = nrm_private_sign(&p, v, p.radius, 9, last, units, work);
        assert_true(most == (units[0] >= 0) && none != most);
        const bool half = nrm_private_sign(&p, v, 0, 9, (UINT64_C(1) << 63) - 1, units, work);
        assert_true(half == (units[0] >= 0) && nrm_private_sign(&p, v, 0, 9, UINT64_C(1) << 63, units, work) != half);
        assert_true(nrm_private_sign(&p, v, 2 * p.radius, 9, last, units, work) == none); /* too long a v does not help */
    }
}

static double number_of(const unsigned char *message, int64_t k) { return (double)(int64_t)nrm_private_get_u64(message + NRM_PRIVATE_HEADER + 8 * k); }

/* Spec, item 3: noise of every number, both calibrations, against the formulas written out. */
static void check_sds(int calibration, int mode, const double expected[3])
{
    enum { D = 3, N = 40000 };
    choices o = with(mode, 0.9);
    o.calibration = calibration, o.r = 1.5, o.delta = 1e-5;
    const nrm_private_plan p = plan_of(D, o);
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_private_source *source = seeded(ctx, 7);
    const double x[D] = {0.5, -1, 0.25}, y = 0.75;
    unsigned char message[128];
    double sum[9] = {0}, square[9] = {0}, of_part[3] = {0};
    int64_t cells[3] = {0}, at = 0;

    for (int i = 0; i < N; i++) {
        assert_ok(ctx, nrm_private_randomize(ctx, source, i, D, x, y, NULL, message, NULL, &o));
        for (int64_t k = 0; k < p.numbers; k++) {
            const double z = number_of(message, k) / 0x1p48;
            sum[k] += z, square[k] += z * z;
        }
    }
    for (int64_t i = p.covariance > 0 ? 0 : D; i <= D; i++)
        for (int64_t j = i < D ? i : 0; j < D; j++, at++) {
            const int part = i == D ? NRM_PART_MOMENT : (int)nrm_private_part_of(i, j);
            const double mean = sum[at] / N, truth = i == D ? x[j] * y : x[i] * x[j];
            assert_true(fabs(mean * p.sd[part] - truth) < 5 * p.sd[part] / sqrt(N));
            of_part[part] += square[at] / N - mean * mean;
            cells[part]++;
        }
    for (int part = 0; part < 3; part++) {
        if (cells[part] == 0) continue;
        assert_near(sqrt(of_part[part] / (double)cells[part]), 1, 0.01);
        assert_near(p.sd[part] / expected[part], 1, 1e-9);
    }
    nrm_private_source_close(ctx, source);
    nrm_ctx_destroy(ctx);
}

static void test_sds(void **state)
{
    (void)state;
    const double eps = 0.9, delta = 1e-5, r = 1.5, tau1 = 1, tau2 = 2, d = 3, g = nrm_private_gaussian_sigma(eps, delta), a = sqrt(0.5);
    check_sds(NRM_PRIVATE_TIGHT, NRM_PRIVATE_NLDP, (const double[3]){sqrt(2) * r * r * g / a, r * r * g / a, 2 * r * tau2 * g / a});
    check_sds(NRM_PRIVATE_TIGHT, NRM_PRIVATE_ISOTROPIC, (const double[3]){0, 0, 2 * r * tau2 * g});
    const double s1 = sqrt(32 * pow(r, 4) * log(2.5 / delta)) / eps, s2 = sqrt(32 * d * tau1 * tau1 * tau2 * tau2 * log(2.5 / delta)) / eps;
    check_sds(NRM_PRIVATE_PAPER, NRM_PRIVATE_NLDP, (const double[3]){s1, s1, s2});
    const double alone = sqrt(8 * d * tau1 * tau1 * tau2 * tau2 * log(1.25 / delta)) / eps;
    check_sds(NRM_PRIVATE_PAPER, NRM_PRIVATE_NLDP_PUBLIC, (const double[3]){0, 0, alone});
}

/* The empirical audit: the most that any threshold on the likelihood ratio tells two records apart,
 * max P(T > t | record) - e^eps P(T > t | other), is delta -- not more, and (the worst pair) not less. */
static void audit(choices o, const double x[2], const double y[2], double reached, double most)
{
    enum { N = 60000, BINS = 4000 };
    static int64_t count[2][BINS];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_private_source *source = seeded(ctx, 11);
    unsigned char message[64];
    double gap = 0, above[2] = {0};

    memset(count, 0, sizeof count);
    for (int which = 0; which < 2; which++)
        for (int i = 0; i < N; i++) {
            const double theta = 0;
            assert_ok(ctx, nrm_private_randomize(ctx, source, which * N + i, 1, &x[which], y[which], &theta, message, NULL, &o));
            double t = number_of(message, 0) / 0x1p48;
            if (o.mode == NRM_PRIVATE_IHT) {
                int64_t unit;
                double work[6];
                nrm_private_direction(nrm_private_get_u64(message + NRM_PRIVATE_HEADER), 1, &unit, work);
                t = (message[NRM_PRIVATE_HEADER + 8] ? 1 : -1) * (unit > 0 ? 1 : -1);
            }
            const double bin = (t + 20) / 40 * BINS;
            count[which][bin < 0 ? 0 : bin >= BINS ? BINS - 1 : (int)bin]++;
        }
    for (int sign = 0; sign < 2; sign++, above[0] = above[1] = 0)
        for (int b = 0; b < BINS; b++) {
            const int at = sign ? b : BINS - 1 - b;
            for (int which = 0; which < 2; which++) above[which] += (double)count[which][at] / N;
            gap = fmax(gap, fmax(above[0] - exp(o.eps) * above[1], above[1] - exp(o.eps) * above[0]));
        }
    if (gap > most || gap < reached) fail_msg("mode %d: %g, expected %g to %g", o.mode, gap, reached, most);
    nrm_private_source_close(ctx, source);
    nrm_ctx_destroy(ctx);
}

static void test_audit(void **state)
{
    (void)state;
    choices o = with(NRM_PRIVATE_ISOTROPIC, 0.5);
    const double one[2] = {1, 1}, apart[2] = {2, -2}, wild[2] = {1e300, NAN}, other[2] = {-INFINITY, 5};
    o.delta = 0.05;
    audit(o, one, apart, 0.05 - 0.008, 0.05 + 0.008); /* 3 s.e. of 60000: 0.006 and e^eps of it */
    audit(o, wild, other, -1, 0.05 + 0.008);
    o.calibration = NRM_PRIVATE_PAPER;
    audit(o, one, apart, -1, 0.05 + 0.008);
    o = with(NRM_PRIVATE_IHT, 1);
    o.radius = NRM_PRIVATE_RADIUS_SCORE, o.score_bound = 1;
    audit(o, one, apart, -0.01, 0.015); /* delta 0: no threshold tells more than e^eps */
    o.eps = 3;
    audit(o, one, apart, -0.01, 0.08); /* e^3 standard errors */
}

/* Spec, item 7: the paper's radius holds by itself; what the server sends cannot break it. */
static void test_gradient(void **state)
{
    (void)state;
    enum { D = 6, N = 200000 };
    choices o = with(NRM_PRIVATE_IHT, 1);
    o.k = 1, o.kprime = 3;
    const nrm_private_plan p = plan_of(D, o);
    uint64_t seed = 3;
    double box[D], v[D];

    assert_near(p.radius, sqrt(D) * (sqrt(3) + 2), 1e-14);
    for (int i = 0; i < N; i++) {
        double x[D], theta[D] = {0}, plain[D], square = 0, residual = 0, norm = 0;
        const double y = i % 5 == 0 ? 1e308 : 10 * nrm_test_normal(&seed);
        for (int j = 0; j < D; j++) x[j] = i % 7 == 0 ? (i % 2 ? 1e300 : -1e300) : i % 11 == 0 ? (i % 3 ? NAN : INFINITY) : 3 * nrm_test_normal(&seed);
        for (int j = 0; j < 3; j++) theta[(i + j) % D] = nrm_test_normal(&seed);
        for (int j = 0; j < D; j++) square += theta[j] * theta[j];
        for (int j = 0; j < D; j++) theta[j] /= fmax(1, sqrt(square));
        nrm_private_record_report report;
        const double got = nrm_private_gradient(&p, x, y, theta, box, v, &report);
        assert_true(report.nonfinite == (i % 7 != 0 && i % 11 == 0));
        for (int j = 0; j < D; j++) {
            plain[j] = !isfinite(x[j]) ? 0 : x[j] > 1 ? 1 : x[j] < -1 ? -1 : x[j];
            residual += plain[j] * theta[j];
        }
        residual -= y > 2 ? 2 : y < -2 ? -2 : y;
        for (int j = 0; j < D; j++) {
            assert_true(fabs(v[j] - plain[j] * residual) < 1e-12);
            norm += plain[j] * plain[j] * residual * residual;
        }
        assert_true(sqrt(norm) <= p.radius * (1 + 1e-14) && got <= p.radius);
    }
    const double x[D] = {1, 1, 1, 1, 1, 1}, bad[D] = {1e300, 1e300, 1e300, 1e300, 1e300, 1e300};
    assert_true(nrm_private_gradient(&p, x, 0, bad, box, v, NULL) <= p.radius);
    double norm = 0;
    for (int j = 0; j < D; j++) norm += v[j] * v[j];
    assert_near(sqrt(norm), p.radius, 1e-14);
}

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

NRM_TEST_MAIN(cmocka_unit_test(test_sphere), cmocka_unit_test(test_sign_is_private), cmocka_unit_test(test_sds),
              cmocka_unit_test(test_audit), cmocka_unit_test(test_gradient), cmocka_unit_test(test_sources),
              cmocka_unit_test(test_any_record), cmocka_unit_test(test_sums), cmocka_unit_test(test_hostile),
              cmocka_unit_test(test_parameters), cmocka_unit_test(test_rounds), cmocka_unit_test(test_ledger),
              cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory))
