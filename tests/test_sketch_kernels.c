/* test_sketch_kernels.c -- Hadamard transforms and random bits: every instruction set gives the bits
 * of the plain version, and that is right. */
#include "base/random.h"
#include "kernel/hadamard.h"
#include "kernel/philox.h"
#include "testkit.h"

enum { W = NRM_HADAMARD_WIDTH, MOST = 4096 };

static double *numbers(int64_t count, uint64_t seed)
{
    double *x = malloc((size_t)count * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) x[i] = nrm_test_normal(&seed);
    return x;
}

/* The plain version against the definition: H_ij = (-1)^|i & j|. */
static void test_definition(void **state)
{
    (void)state;
    double panel[64 * W], from[64 * W];
    uint64_t seed = 4;

    for (int n = 1; n <= 64; n *= 2) {
        for (int i = 0; i < n * W; i++) from[i] = panel[i] = nrm_test_normal(&seed);
        nrm_hadamard_scalar.transform(panel, n);
        for (int i = 0; i < n; i++)
            for (int c = 0; c < W; c++) {
                double sum = 0;
                for (int j = 0; j < n; j++) sum += (__builtin_parity((unsigned)(i & j)) ? -1 : 1) * from[j * W + c];
                assert_near(panel[i * W + c], sum, 1e-13);
            }
    }
}

static void test_instruction_sets(void **state)
{
    (void)state;
    enum { LD = 67, ROWS = 777 };
    double *a = numbers(MOST * LD, 1), *plain = malloc(sizeof(double) * MOST * W), *other = malloc(sizeof(double) * MOST * W);
    double sign[MOST], factor[ROWS], sums[2][ROWS * W] = {{0}}, one[2][W];
    int32_t row[ROWS];
    int64_t place[ROWS];
    uint64_t seed = 2;

    assert_true(plain && other);
    for (int i = 0; i < MOST; i++) sign[i] = nrm_test_next(&seed) & 1 ? -1 : 1;
    for (int isa = NRM_ISA_AVX2; isa <= (int)nrm_cpu_isa(); isa++) {
        const nrm_hadamard_kernels *k = nrm_hadamard_kernels_for((nrm_isa)isa), *scalar = &nrm_hadamard_scalar;
        for (int64_t n = 1; n <= MOST; n *= 2) {
            scalar->transform_of(a, LD, sign, n, plain, NULL);
            k->transform_of(a, LD, sign, n, other, n >= 64 ? a : NULL); /* calling ahead changes nothing */
            assert_memory_equal(plain, other, sizeof(double) * (size_t)(n * W));
            for (int64_t i = 0; i < n * W; i++) other[i] = sign[i / W] * a[i / W * LD + i % W];
            k->transform(other, n);
            assert_memory_equal(plain, other, sizeof(double) * (size_t)(n * W));
        }
        for (int r = 0; r < ROWS; r++) {
            place[r] = row[r] = (int32_t)(nrm_test_next(&seed) % MOST);
            factor[r] = nrm_test_normal(&seed);
        }
        scalar->add_rows(ROWS, row, sign, plain, sums[0], MOST, NULL, 0);
        k->add_rows(ROWS, row, sign, plain, sums[1], MOST, a, LD);
        assert_memory_equal(sums[0], sums[1], sizeof sums[0]);
        for (int r = 0; r < ROWS; r++) assert_true(sums[0][r * W + 3] == sign[r] * plain[row[r] * W + 3]);
        memset(sums, 0, sizeof sums);
        scalar->weigh_rows(ROWS, place, factor, plain, one[0]);
        k->weigh_rows(ROWS, place, factor, plain, one[1]);
        assert_memory_equal(one[0], one[1], sizeof one[0]);
    }
    free(a); free(plain); free(other);
}

/* The pooled transform's worked example: N = 4, m = 2, D = (+, -, +, -), perm = (2, 0, 3, 1),
 * gamma = (1, -1, 2, 1/2), and rows of [A b]. */
static void test_pooled_example(void **state)
{
    (void)state;
    const double ab[4][3] = {{1, 2, 1}, {0, 1, 2}, {1, -1, 3}, {3, 1, 5}}, sign[4] = {1, -1, 1, -1};
    const double gamma[4] = {1, -1, 2, 0.5}, expected[2][3] = {{2, 2, 2}, {-1.75, 3.75, -2.25}};
    const int64_t perm[4] = {2, 0, 3, 1};
    double a[4 * W] = {0}, panel[4 * W], sum[W];

    for (int i = 0; i < 4; i++) memcpy(a + i * W, ab[i], sizeof ab[i]);
    nrm_hadamard_scalar.transform_of(a, W, sign, 4, panel, NULL);
    for (int j = 0; j < 2; j++) {
        nrm_hadamard_scalar.weigh_rows(2, perm + 2 * j, gamma + 2 * j, panel, sum);
        for (int c = 0; c < 3; c++) assert_near(sum[c] / 2, expected[j][c], 1e-15);
    }
}

/* All versions against the stream itself, at counts that end in the middle of a vector. */
static void test_philox(void **state)
{
    (void)state;
    enum { MOST_BLOCKS = 70 };
    static const uint64_t firsts[] = {0, 5, UINT32_MAX - 3, UINT64_MAX - 2};
    uint64_t low[MOST_BLOCKS + 1], high[MOST_BLOCKS + 1];

    for (int isa = NRM_ISA_SCALAR; isa <= (int)nrm_cpu_isa(); isa++)
        for (int f = 0; f < 4; f++)
            for (int64_t count = 0; count <= MOST_BLOCKS; count += 1 + count / 5) {
                nrm_rng rng = nrm_rng_make(0x123456789abcdef0u, 0xfedcba9876543210u);
                rng.block = firsts[f];
                low[count] = high[count] = 77;
                nrm_philox_kernels_for((nrm_isa)isa)->blocks(rng.seed, rng.stream, firsts[f], count, low, high);
                for (int64_t i = 0; i < count; i++) {
                    assert_true(low[i] == nrm_rng_u64(&rng));
                    assert_true(high[i] == nrm_rng_u64(&rng));
                }
                assert_true(low[count] == 77 && high[count] == 77); /* nothing beyond */
            }
}

NRM_TEST_MAIN(cmocka_unit_test(test_definition), cmocka_unit_test(test_instruction_sets), cmocka_unit_test(test_pooled_example),
              cmocka_unit_test(test_philox))
