/* test_private_protocol.c -- the laws of a client's message, and an audit of what they promise. */
#include "private_kit.h"

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

NRM_TEST_MAIN(cmocka_unit_test(test_sphere), cmocka_unit_test(test_sign_is_private), cmocka_unit_test(test_sds),
              cmocka_unit_test(test_audit), cmocka_unit_test(test_gradient))
