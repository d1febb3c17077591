/* test_private_noise.c -- the bits and the noise behind private regression. */
#include "private/discrete.h"
#include "private/gaussian.h"
#include "testkit.h"
#include <norma/private_sparse_regression.h>

/* RFC 8439, section 2.3.2 and appendix A.1, vector 1. */
static void test_chacha20(void **state)
{
    (void)state;
    static const uint32_t first[16] = {0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
                                       0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
    static const uint32_t zero[16] = {0xade0b876, 0x903df1a0, 0xe56a5d40, 0x28bd8653, 0xb819d2bd, 0x1aed8da0, 0xccef36a8, 0xc70d778b,
                                      0x7c5941da, 0x8d485751, 0x3fe02477, 0x374ad8b8, 0xf4b8436a, 0x1ca11815, 0x69b687c3, 0x8665eeb2};
    const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0}, none[8] = {0};
    uint32_t key[8], out[16];

    for (uint32_t i = 0; i < 8; i++) key[i] = 0x03020100 + 0x04040404 * i;
    nrm_chacha20_block(key, 1, nonce, out);
    assert_memory_equal(out, first, sizeof first);
    nrm_chacha20_block(none, 0, none, out);
    assert_memory_equal(out, zero, sizeof zero);
    /* The stream is the blocks one after the other, low word first. */
    nrm_secret secret = nrm_secret_make(none, none);
    assert_true(nrm_secret_u64(&secret) == (zero[0] | (uint64_t)zero[1] << 32));
    for (int i = 1; i < 8; i++) assert_true(nrm_secret_u64(&secret) == (zero[2 * i] | (uint64_t)zero[2 * i + 1] << 32));
    nrm_chacha20_block(none, 1, none, out);
    assert_true(nrm_secret_u64(&secret) == (out[0] | (uint64_t)out[1] << 32));
}

static void test_system(void **state)
{
    (void)state;
    unsigned char a[32] = {0}, b[32] = {0}, none[32] = {0};
    assert_ok(NULL, nrm_os_random(NULL, "t", a, sizeof a));
    assert_ok(NULL, nrm_os_random(NULL, "t", b, sizeof b));
    assert_true(memcmp(a, b, sizeof a) != 0 && memcmp(a, none, sizeof a) != 0);
    nrm_wipe(a, sizeof a);
    assert_memory_equal(a, none, sizeof a);
}

static nrm_secret secret_of(uint32_t number)
{
    const uint32_t key[8] = {number, 77}, nonce[3] = {0};
    return nrm_secret_make(key, nonce);
}

/* Chances of exp(-g), also where g is above 1; 5 standard errors. */
static void test_bernoulli(void **state)
{
    (void)state;
    enum { N = 40000 };
    static const struct { double g; int bits; } cases[] = {{0, 1}, {0.25, 2}, {0.5, 48}, {1, 10}, {1.75, 97}, {3.5, 97}, {0.125, 112}};
    nrm_secret secret = secret_of(1);

    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const nrm_u128 numerator = (nrm_u128)(cases[c].g * 1024) << (cases[c].bits >= 10 ? cases[c].bits - 10 : 0);
        const nrm_u128 given = cases[c].bits >= 10 ? numerator : (nrm_u128)(cases[c].g * (1 << cases[c].bits));
        const double p = exp(-cases[c].g);
        int64_t yes = 0;
        for (int i = 0; i < N; i++) yes += nrm_bernoulli_exp(&secret, given, cases[c].bits);
        if (fabs((double)yes - N * p) > 5 * sqrt(N * p * (1 - p)) + 1e-9) fail_msg("exp(-%g): %lld of %d", cases[c].g, (long long)yes, N);
    }
}

/* Chi-square of small scales against exp(-k^2/2s^2); 20 cells, bound at 1e-6. */
static void test_discrete_gaussian(void **state)
{
    (void)state;
    enum { N = 100000, MOST = 10 };
    nrm_secret secret = secret_of(2);

    for (int bits = 0; bits <= 2; bits++) {
        const double s = 1 << bits;
        double total = 0, chi = 0, seen_outside = N, expected_outside = N;
        int64_t count[2 * MOST + 1] = {0};
        int cells = 0;
        for (int k = -200; k <= 200; k++) total += exp(-k * k / (2 * s * s));
        for (int i = 0; i < N; i++) {
            const int64_t k = nrm_discrete_gaussian(&secret, bits);
            if (k >= -MOST && k <= MOST) count[k + MOST]++;
        }
        for (int k = -MOST; k <= MOST; k++) {
            const double expected = N * exp(-k * k / (2 * s * s)) / total, seen = (double)count[k + MOST];
            if (expected < 20) continue;
            chi += (seen - expected) * (seen - expected) / expected;
            seen_outside -= seen, expected_outside -= expected;
            cells++;
        }
        if (expected_outside > 20) chi += (seen_outside - expected_outside) * (seen_outside - expected_outside) / expected_outside;
        assert_true(cells >= 7 && chi < 65); /* P(chi^2 of 21 > 65) = 2e-6 */
    }
}

/* The scale that messages use: moments, independence of the low bits, and the normal law by cells. */
static void test_large_scale(void **state)
{
    (void)state;
    enum { N = 100000, CELLS = 16 };
    nrm_secret secret = secret_of(3);
    double mean = 0, square = 0, fourth = 0, chi = 0;
    int64_t cell[CELLS] = {0}, low[16] = {0};

    for (int i = 0; i < N; i++) {
        const int64_t k = nrm_discrete_gaussian(&secret, NRM_DISCRETE_MOST);
        const double x = (double)k / 0x1p48, p = 0.5 * erfc(-x / sqrt(2));
        mean += x, square += x * x, fourth += x * x * x * x;
        cell[(int)(p * CELLS) < CELLS ? (int)(p * CELLS) : CELLS - 1]++;
        low[k & 15]++;
    }
    assert_true(fabs(mean / N) < 5 / sqrt(N) && fabs(square / N - 1) < 5 * sqrt(2.0 / N) && fabs(fourth / N - 3) < 5 * sqrt(96.0 / N));
    for (int c = 0; c < CELLS; c++) {
        chi += pow((double)cell[c] - (double)N / CELLS, 2) * CELLS / N;
        chi += pow((double)low[c] - (double)N / 16, 2) * 16 / N;
    }
    assert_true(chi < 80); /* 30 degrees of freedom: 2e-6 */
}

/* sigma_G of the specification, delta recomputed from it, and by sums over a lattice: what a grid
 * adds is below 1 / (2 sigma s). */
static void test_gaussian_mechanism(void **state)
{
    (void)state;
    static const double eps[] = {1e-3, 0.1, 0.5, 1, 3, 10, 100, 1e6}, delta[] = {0.4, 1e-2, 1e-6, 1e-12, 1e-100};

    assert_near(nrm_private_gaussian_sigma(1, 1e-6), 4.224679, 1e-7);
    assert_near(nrm_private_gaussian_sigma(0.5, 5e-7), 8.348320, 1e-7);
    assert_near(nrm_gaussian_classical(1, 1e-6), 5.2988, 1e-4);
    for (size_t i = 0; i < sizeof eps / sizeof *eps; i++)
        for (size_t j = 0; j < sizeof delta / sizeof *delta; j++) {
            const double sigma = nrm_private_gaussian_sigma(eps[i], delta[j]);
            assert_true(isfinite(sigma) && sigma > 0);
            assert_true(nrm_private_gaussian_delta(sigma, eps[i]) <= delta[j]);
            assert_true(nrm_private_gaussian_delta(sigma * (1 - 1e-6), eps[i]) > delta[j]);
            if (i > 0) assert_true(sigma < nrm_private_gaussian_sigma(eps[i - 1], delta[j]));
            if (j > 0) assert_true(sigma > nrm_private_gaussian_sigma(eps[i], delta[j - 1]));
            if (eps[i] <= 1) assert_true(sigma <= nrm_gaussian_classical(eps[i], delta[j]));
        }
    assert_true(isnan(nrm_private_gaussian_sigma(0, 0.1)) && isnan(nrm_private_gaussian_sigma(1, 1)) &&
                isnan(nrm_private_gaussian_sigma(1, 0)) && isnan(nrm_private_gaussian_delta(0, 1)));
    /* Lattice noise of s = 64 units against a shift of 16: sigma = 4. */
    const double s = 64, shift = 16, e = 0.7;
    double total = 0, left = 0;
    for (int k = -2000; k <= 2000; k++) total += exp(-k * k / (2 * s * s));
    for (int k = -2000; k <= 2000; k++) {
        const double p = exp(-k * k / (2 * s * s)) / total, q = exp(-(k - shift) * (k - shift) / (2 * s * s)) / total;
        left += fmax(0, q - exp(e) * p);
    }
    assert_true(fabs(left - nrm_private_gaussian_delta(s / shift, e)) <= 1 / (2 * (s / shift) * s));
}

NRM_TEST_MAIN(cmocka_unit_test(test_chacha20), cmocka_unit_test(test_system), cmocka_unit_test(test_bernoulli),
              cmocka_unit_test(test_discrete_gaussian), cmocka_unit_test(test_large_scale), cmocka_unit_test(test_gaussian_mechanism))
