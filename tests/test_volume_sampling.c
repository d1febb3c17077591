/* test_volume_sampling.c -- the contract of volume-sampling: schemes, conditions, points added and left
 * out, features and candidates, what is reported, threads.  Laws: test_volume_laws.c; bad input and
 * memory: test_volume_refusals.c. */
#include "volume_kit.h"

/* Item 6: a function of the space is found to rounding; m = 1: w = 1, G = 1. */
static void test_schemes(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int basis = 0; basis < 3; basis++)
        for (int scheme = 0; scheme < nrm_volume_sampling_scheme_count; scheme++) {
            const int64_t m = basis == 2 ? 1 : 5;
            nrm_volume_sampling_options o = legendre(m, scheme, 0);
            nrm_volume_sampling_design d = {0};
            nrm_volume_sampling_info info;
            o.basis = basis == 1 ? "hermite" : "legendre";
            assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
            const int64_t n = d.points;
            assert_int_equal(n, scheme == NRM_VOLUME_SAMPLING_DPP ? m : 4 * m);
            check_design(ctx, &d, &info);
            assert_string_equal(info.sampler, scheme == NRM_VOLUME_SAMPLING_IID ? "none" : "eigenvalues");
            assert_true(info.trials == 1 && info.rejections == 0 && info.kept == 0 && info.removed == 0);
            double *a = malloc((size_t)(n * m + n) * sizeof *a), *b = a + n * m, c[5];
            int64_t rank;
            assert_non_null(a);
            for (int64_t i = 0; i < n; i++) {
                b[i] = 0;
                for (int64_t j = 0; j < m; j++) a[i * m + j] = sqrt(d.weights[i]) * d.phi[i * m + j], b[i] += a[i * m + j] * (double)(j - 2);
            }
            assert_ok(ctx, nrm_least_squares(ctx, "test", n, m, a, m, b, c, -1, &rank));
            for (int64_t j = 0; j < m; j++) assert_near(c[j], (double)(j - 2), 1e-9);
            if (m == 1)
                for (int64_t i = 0; i < n; i++) assert_near(d.weights[i], 1, 1e-15);
            free(a);
            nrm_volume_sampling_design_destroy(ctx, &d);
        }
    nrm_ctx_destroy(ctx);
}

/* Item 9, and the best of several; what is counted. */
static void test_condition(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_volume_sampling_options o = legendre(6, NRM_VOLUME_SAMPLING_REPEATED_DPP, 12);
    nrm_volume_sampling_design d = {0};
    nrm_volume_sampling_info info;
    double before = -1;

    o.condition = true;
    for (uint64_t seed = 0; seed < 20; seed++) {
        assert_ok(ctx, nrm_set_seed(ctx, seed));
        assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
        assert_true(info.stable && info.lambda_min >= 0.5 && info.trials == info.rejections + 1);
        check_design(ctx, &d, &info);
        nrm_volume_sampling_design_destroy(ctx, &d);
    }
    o.condition = false;
    for (o.boost = 1; o.boost <= 81; o.boost *= 3) { /* the draws of a smaller number are among those of a larger */
        assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
        assert_true(info.trials == o.boost && info.lambda_min >= before);
        before = info.lambda_min;
        check_design(ctx, &d, &info);
        nrm_volume_sampling_design_destroy(ctx, &d);
    }
    o.condition = true, o.boost = 4;
    assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
    assert_true(info.stable && info.trials == 4 * (info.rejections + 1));
    nrm_volume_sampling_design_destroy(ctx, &d);

    o = legendre(10, NRM_VOLUME_SAMPLING_DPP, 0); /* never stable */
    o.condition = true, o.delta = 0.1, o.max_reject = 20;
    assert_status(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o), NRM_NOT_CONVERGED);
    assert_message(ctx, "volume-sampling: unstable: the best of 21 designs has lambda_min ");
    assert_true(d.points == 10 && info.trials == 21 && info.rejections == 21 && !info.stable);
    check_design(ctx, &d, &info);
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

static void test_greedy(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_volume_sampling_options o = legendre(10, NRM_VOLUME_SAMPLING_REPEATED_DPP, 60);
    nrm_volume_sampling_design d = {0};
    nrm_volume_sampling_info info;

    o.condition = o.greedy = true;
    for (uint64_t seed = 0; seed < 10; seed++) {
        assert_ok(ctx, nrm_set_seed(ctx, seed));
        assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
        assert_true(info.lambda_min >= 0.5 && info.removed == 60 - d.points);
        assert_true(d.points >= 10 && d.points <= 14); /* the specification's prototype: 10 to 13 */
        check_design(ctx, &d, &info);
        nrm_volume_sampling_design_destroy(ctx, &d);
    }
    o.condition = false, o.delta = 1e-6; /* not stable: nothing goes */
    assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
    assert_true(d.points == 60 && info.removed == 0 && !info.stable);
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

/* Blocks added to a design are those that a longer design of the same seed has. */
static void test_extend(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int schemes[] = {NRM_VOLUME_SAMPLING_REPEATED_DPP, NRM_VOLUME_SAMPLING_IID, NRM_VOLUME_SAMPLING_REPEATED_VOLUME};
    for (int s = 0; s < 3; s++)
        for (int sampler = 0; sampler < nrm_volume_sampling_sampler_count; sampler++) {
            nrm_volume_sampling_options o = legendre(4, schemes[s], 16);
            nrm_volume_sampling_design first = {0}, second = {0}, whole = {0};
            nrm_volume_sampling_info info, of_whole;
            o.sampler = sampler;
            assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &first, NULL, &o));
            const nrm_volume_sampling_start plain = {16, 1, first.x, NULL}, weighed = {16, 1, first.x, first.weights};
            assert_ok(ctx, nrm_volume_sampling(ctx, NULL, &plain, &second, &info, &o));
            o.points = 32;
            assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &whole, &of_whole, &o));
            assert_true(second.points == 32 && info.kept == 16 && second.block[15] == -1 && second.block[16] == 0);
            assert_memory_equal(second.x, whole.x, 32 * sizeof *second.x);
            assert_all_near(second.weights, whole.weights, 32, 1e-14);
            assert_all_near(second.gram, whole.gram, 16, 1e-13);
            check_design(ctx, &second, &info);
            nrm_volume_sampling_design_destroy(ctx, &second);
            o.points = 16, o.greedy = true, o.delta = 0.9;
            assert_ok(ctx, nrm_volume_sampling(ctx, NULL, &weighed, &second, &info, &o));
            assert_true(second.points >= 16 && info.removed > 0); /* the old ones stay */
            assert_memory_equal(second.x, whole.x, 16 * sizeof *second.x);
            check_design(ctx, &second, &info);
            nrm_volume_sampling_design_destroy(ctx, &second);
            nrm_volume_sampling_design_destroy(ctx, &whole);
            nrm_volume_sampling_design_destroy(ctx, &first);
        }
    /* weights given are taken as they are */
    const double x[2] = {-0.5, 0.5}, w[2] = {3, 0.25};
    const nrm_volume_sampling_start start = {2, 1, x, w};
    nrm_volume_sampling_options o = legendre(2, NRM_VOLUME_SAMPLING_DPP, 2);
    nrm_volume_sampling_design d = {0};
    assert_ok(ctx, nrm_volume_sampling(ctx, NULL, &start, &d, NULL, &o));
    assert_true(d.points == 4 && d.weights[0] == 3 && d.weights[1] == 0.25);
    double g = 0;
    for (int i = 0; i < 4; i++) g += d.weights[i] * d.phi[2 * i] * d.phi[2 * i + 1] / 4;
    assert_near(d.gram[1], g, 1e-14);
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

/* Item 10, and features by themselves: F and F R have one space. */
static void test_rotation(void **state)
{
    (void)state;
    enum { N = 300, M = 7 };
    static double f[N * M], g[N * M];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double r[M * M];
    uint64_t seed = 4;
    for (int i = 0; i < N * M; i++) f[i] = nrm_test_normal(&seed);
    for (int i = 0; i < M * M; i++) r[i] = nrm_test_normal(&seed);
    assert_ok(ctx, nrm_gemm(ctx, "test", 'n', 'n', N, M, M, 1, f, M, r, M, 0, g, M));
    for (int scheme = 0; scheme < nrm_volume_sampling_scheme_count; scheme++) {
        nrm_volume_sampling_options o = nrm_volume_sampling_options_default();
        nrm_volume_sampling_design a = {0}, b = {0};
        nrm_volume_sampling_info one, two;
        o.scheme = scheme;
        assert_ok(ctx, nrm_volume_sampling(ctx, &(nrm_space_input){.rows = N, .columns = M, .features = f}, NULL, &a, &one, &o));
        assert_ok(ctx, nrm_volume_sampling(ctx, &(nrm_space_input){.rows = N, .columns = M, .features = g}, NULL, &b, &two, &o));
        assert_memory_equal(a.index, b.index, (size_t)a.points * sizeof *a.index);
        assert_near(one.lambda_min, two.lambda_min, 1e-10);
        assert_near(one.lambda_max, two.lambda_max, 1e-10);
        check_design(ctx, &a, &one);
        nrm_volume_sampling_design_destroy(ctx, &a);
        nrm_volume_sampling_design_destroy(ctx, &b);
    }
    nrm_ctx_destroy(ctx);
}

/* As many rows as functions: a DPP takes every row once. */
static void test_all_rows(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double f[36];
    bool seen[6] = {false};
    uint64_t seed = 9;
    nrm_volume_sampling_options o = nrm_volume_sampling_options_default();
    nrm_volume_sampling_design d = {0};
    for (int i = 0; i < 36; i++) f[i] = nrm_test_normal(&seed);
    o.scheme = NRM_VOLUME_SAMPLING_DPP;
    assert_ok(ctx, nrm_volume_sampling(ctx, &(nrm_space_input){.rows = 6, .columns = 6, .features = f}, NULL, &d, NULL, &o));
    for (int i = 0; i < 6; i++) {
        assert_false(seen[d.index[i]]);
        seen[d.index[i]] = true;
        assert_near(d.weights[i], 1, 1e-12);
    }
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

/* Among candidates: points are some of them, a polynomial is found to rounding by its values there, and
 * a DPP of {1, x} on four points has the law of the same features. */
static void test_candidates(void **state)
{
    (void)state;
    enum { N = 500, M = 10 };
    static double x[N * 2], mu[N];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_volume_sampling_options o = legendre(4, NRM_VOLUME_SAMPLING_REPEATED_DPP, 0);
    nrm_volume_sampling_design d = {0}, more = {0};
    nrm_volume_sampling_info info;
    uint64_t seed = 3;

    for (int i = 0; i < N; i++) {
        const double angle = 6 * nrm_test_uniform(&seed), radius = sqrt(nrm_test_uniform(&seed));
        x[2 * i] = radius * cos(angle), x[2 * i + 1] = radius * sin(angle), mu[i] = 1 + nrm_test_uniform(&seed);
    }
    const nrm_volume_sampling_candidates candidates = {N, 2, x};
    const nrm_space_input input = {.mu = mu};
    assert_ok(ctx, nrm_volume_sampling_among(ctx, &candidates, &input, NULL, &d, &info, &o));
    assert_true(d.m == M && d.points == 4 * M && d.dimension == 2);
    for (int64_t i = 0; i < d.points; i++) assert_true(d.index[i] < N && memcmp(d.x + 2 * i, x + 2 * d.index[i], 16) == 0);
    check_design(ctx, &d, &info);
    double numbers[4 * M];
    for (int i = 0; i < 4 * M; i++) numbers[i] = (double)d.index[i];
    o.points = M;
    assert_ok(ctx, nrm_volume_sampling_among(ctx, &candidates, &input, &(nrm_volume_sampling_start){4 * M, 1, numbers, NULL}, &more, &info, &o));
    assert_true(more.points == 5 * M && info.kept == 4 * M);
    assert_memory_equal(more.index, d.index, 4 * M * sizeof *d.index);
    assert_memory_equal(more.x, d.x, 8 * M * sizeof *d.x);
    check_design(ctx, &more, &info);
    nrm_volume_sampling_design_destroy(ctx, &more);
    nrm_volume_sampling_design_destroy(ctx, &d);

    assert_status(ctx, nrm_volume_sampling_among(ctx, &(nrm_volume_sampling_candidates){M - 1, 2, x}, NULL, NULL, &d, NULL, &o), NRM_E_SHAPE);
    assert_message(ctx, "volume-sampling: there are 9 candidates, but the space has 10 functions");
    for (int i = 0; i < N; i++) x[2 * i + 1] = x[2 * i]; /* all on a line */
    assert_status(ctx, nrm_volume_sampling_among(ctx, &candidates, NULL, NULL, &d, NULL, &o), NRM_E_SINGULAR);
    x[7] = 1.5;
    assert_status(ctx, nrm_volume_sampling_among(ctx, &candidates, NULL, NULL, &d, NULL, &o), NRM_E_RANGE);
    assert_message(ctx, "candidates is 1.5 at row 3");
    assert_status(ctx, nrm_volume_sampling_among(ctx, &candidates, &(nrm_space_input){.rows = N, .columns = 2, .features = x}, NULL, &d, NULL, &o),
                  NRM_E_ARGUMENT);
    assert_status(ctx, nrm_volume_sampling_among(ctx, NULL, NULL, NULL, &d, NULL, &o), NRM_E_NULL);
    o.dimension = 3;
    assert_status(ctx, nrm_volume_sampling_among(ctx, &candidates, NULL, NULL, &d, NULL, &o), NRM_E_SHAPE);
    nrm_ctx_destroy(ctx);
}

/* Section H.  d(1/2) = .15343. */
static void test_guarantees(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_volume_sampling_options o = legendre(10, NRM_VOLUME_SAMPLING_IID, 200);
    nrm_volume_sampling_design d = {0};
    nrm_volume_sampling_info info;
    const double rate = 0.5 + 0.5 * log(0.5), wanted = ceil(10 * log(10 / 0.01) / rate);

    assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
    assert_true(info.points_wanted == wanted); /* 451 */
    assert_near(info.probability_bound, 1 - 10 * exp(-rate * 200 / 10), 1e-12);
    nrm_volume_sampling_design_destroy(ctx, &d);
    o.mixture = 0.5, o.points = 1000;
    assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
    assert_true(info.points_wanted == ceil(20 * log(10 / 0.01) / rate));
    nrm_volume_sampling_design_destroy(ctx, &d);
    o.mixture = 0, o.scheme = NRM_VOLUME_SAMPLING_REPEATED_DPP;
    assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
    assert_true(info.points_wanted == 10 * wanted && info.blocks == 100);
    assert_near(info.probability_bound, fmax(0, 1 - 10 * exp(-rate * 100 / 10)), 1e-12);
    nrm_volume_sampling_design_destroy(ctx, &d);
    o.scheme = NRM_VOLUME_SAMPLING_VOLUME;
    assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
    const double n = info.points_wanted, needed = 0.5 * n / (n - 10), fewer = 0.5 * (n - 1) / (n - 11);
    assert_true(10 * exp(-(1 - needed + needed * log(needed)) * (n - 10) / 10) <= 0.01);
    assert_true(10 * exp(-(1 - fewer + fewer * log(fewer)) * (n - 11) / 10) > 0.01);
    nrm_volume_sampling_design_destroy(ctx, &d);
    o.scheme = NRM_VOLUME_SAMPLING_DPP, o.points = 10;
    assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, &d, &info, &o));
    assert_true(info.probability_bound == 0);
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

static void same_bits(nrm_ctx *ctx, const nrm_space_input *input, const nrm_volume_sampling_options *o)
{
    nrm_volume_sampling_design d[2] = {{0}, {0}};
    nrm_volume_sampling_info info[2];
    for (int t = 0; t < 2; t++) {
        assert_ok(ctx, nrm_set_threads(ctx, t == 0 ? 1 : 3));
        assert_ok(ctx, nrm_volume_sampling(ctx, input, NULL, &d[t], &info[t], o));
    }
    assert_memory_equal(d[0].x, d[1].x, (size_t)(d[0].points * d[0].dimension) * sizeof *d[0].x);
    assert_memory_equal(d[0].weights, d[1].weights, (size_t)d[0].points * sizeof *d[0].weights);
    assert_memory_equal(d[0].phi, d[1].phi, (size_t)(d[0].points * d[0].m) * sizeof *d[0].phi);
    assert_memory_equal(d[0].gram, d[1].gram, (size_t)(d[0].m * d[0].m) * sizeof *d[0].gram);
    assert_true(info[0].lambda_min == info[1].lambda_min && info[0].proposals == info[1].proposals);
    for (int t = 0; t < 2; t++) nrm_volume_sampling_design_destroy(ctx, &d[t]);
}

static void test_threads(void **state)
{
    (void)state;
    enum { N = 5000, M = 9 };
    static double f[N * M];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 4;
    for (int i = 0; i < N * M; i++) f[i] = nrm_test_normal(&seed);
    const nrm_space_input input = {.rows = N, .columns = M, .features = f};
    for (int scheme = 0; scheme < nrm_volume_sampling_scheme_count; scheme++) {
        nrm_volume_sampling_options o = legendre(M, scheme, scheme == NRM_VOLUME_SAMPLING_DPP ? 0 : 54 * M);
        same_bits(ctx, NULL, &o);
        o.sampler = NRM_VOLUME_SAMPLING_CHAIN, o.greedy = true;
        same_bits(ctx, NULL, &o);
        o.degree = -1, o.basis = NULL, o.sampler = NRM_VOLUME_SAMPLING_AUTO;
        same_bits(ctx, &input, &o);
    }
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_schemes), cmocka_unit_test(test_condition), cmocka_unit_test(test_greedy),
              cmocka_unit_test(test_extend), cmocka_unit_test(test_rotation), cmocka_unit_test(test_all_rows),
              cmocka_unit_test(test_candidates), cmocka_unit_test(test_guarantees), cmocka_unit_test(test_threads))
