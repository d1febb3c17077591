/* test_volume_laws.c -- the laws of volume-sampling: what is known in closed form, fixed seeds, bounds
 * of about five standard errors. */
#include "linalg/solve_small.h"
#include "volume_kit.h"

static void draw(nrm_ctx *ctx, const nrm_volume_sampling_options *o, nrm_volume_sampling_design *design)
{
    assert_ok(ctx, nrm_volume_sampling(ctx, NULL, NULL, design, NULL, o));
}

/* Var sum x over the blocks of a design, and means of x^2 and (x1 - x2)^2. */
typedef struct moments { double mean, variance, square, apart; } moments;

static moments of_blocks(const nrm_volume_sampling_design *d, int64_t block)
{
    const int64_t blocks = d->points / block;
    moments found = {0, 0, 0, 0};
    for (int64_t b = 0; b < blocks; b++) {
        double sum = 0;
        for (int64_t i = 0; i < block; i++) {
            const double x = d->x[b * block + i];
            sum += x, found.square += x * x;
            assert_true(d->block[b * block + i] == b);
        }
        found.mean += sum, found.variance += sum * sum;
        found.apart += block < 2 ? 0 : pow(d->x[b * block] - d->x[b * block + 1], 2);
    }
    const double n = (double)blocks;
    return (moments){found.mean / n, found.variance / n - found.mean * found.mean / n / n, found.square / n, found.apart / n};
}

/* Items 1, 2, 8: legendre and hermite, by eigenvalues and by the chain rule.  A block is exchangeable. */
static void test_blocks(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int64_t blocks = 4000;
    for (int sampler = NRM_VOLUME_SAMPLING_EIGENVALUES; sampler <= NRM_VOLUME_SAMPLING_CHAIN; sampler++)
        for (int64_t m = 2; m <= 8; m += 3) {
            const double dm = (double)m;
            nrm_volume_sampling_design d = {0};
            nrm_volume_sampling_options o = legendre(m, NRM_VOLUME_SAMPLING_REPEATED_DPP, m * blocks);
            o.sampler = sampler;
            draw(ctx, &o, &d);
            moments found = of_blocks(&d, m);
            const double variance = dm * dm / (4 * dm * dm - 1);
            assert_near(found.variance, variance, 5 * variance * sqrt(2.0 / (double)blocks));
            assert_near(found.mean, 0, 5 * sqrt(variance / (double)blocks));
            double square = 0;
            for (double k = 0; k < dm; k++) square += (k > 0 ? k * k / (4 * k * k - 1) : 0) + (k + 1) * (k + 1) / (4 * (k + 1) * (k + 1) - 1);
            assert_near(found.square, square, 0.02);
            if (m == 2) assert_near(found.apart, 1.6, 0.03);
            for (int64_t i = 0; i < m * m; i++) assert_near(d.gram[i], i % (m + 1) == 0, 0.03);
            nrm_volume_sampling_design_destroy(ctx, &d);

            o.basis = "hermite";
            draw(ctx, &o, &d);
            found = of_blocks(&d, m);
            assert_near(found.variance, dm, 5 * sqrt(2.0 / (double)blocks));
            assert_near(found.square, dm * dm, 0.02 * dm);
            for (int64_t i = 0; i < m * m; i++) assert_near(d.gram[i], i % (m + 1) == 0, 0.03);
            nrm_volume_sampling_design_destroy(ctx, &d);
        }
    nrm_ctx_destroy(ctx);
}

static int rising(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Largest distance between the distribution functions of two samples of n numbers each. */
static double distance(double *a, double *b, int64_t n)
{
    double most = 0;
    qsort(a, (size_t)n, sizeof *a, rising), qsort(b, (size_t)n, sizeof *b, rising);
    for (int64_t i = 0, j = 0; i < n && j < n;) {
        if (a[i] <= b[j]) i++;
        else j++;
        most = fmax(most, fabs((double)(i - j)) / (double)n);
    }
    return most;
}

/* Item 8: the largest point of a block, and any point, have one law by both ways (Kolmogorov and
 * Smirnov, p > 1e-3). */
static void compare_laws(nrm_ctx *ctx, const char *basis, int64_t m)
{
    enum { BLOCKS = 5000 };
    static double largest[2][BLOCKS], any[2][BLOCKS];
    for (int way = 0; way < 2; way++) {
        nrm_volume_sampling_design d = {0};
        nrm_volume_sampling_options o = legendre(m, NRM_VOLUME_SAMPLING_REPEATED_DPP, m * BLOCKS);
        o.basis = basis, o.sampler = way == 0 ? NRM_VOLUME_SAMPLING_EIGENVALUES : NRM_VOLUME_SAMPLING_CHAIN;
        if (strcmp(basis, "fourier") == 0) o.degree = (m - 1) / 2;
        draw(ctx, &o, &d);
        assert_true(d.m == m);
        for (int64_t b = 0; b < BLOCKS; b++) {
            largest[way][b] = -INFINITY, any[way][b] = d.x[b * m];
            for (int64_t i = 0; i < m; i++) largest[way][b] = fmax(largest[way][b], d.x[b * m + i]);
        }
        nrm_volume_sampling_design_destroy(ctx, &d);
    }
    const double allowed = 1.95 * sqrt(2.0 / BLOCKS);
    assert_true(distance(largest[0], largest[1], BLOCKS) < allowed);
    assert_true(distance(any[0], any[1], BLOCKS) < allowed);
}

static void test_two_ways(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    compare_laws(ctx, "legendre", 5);
    compare_laws(ctx, "hermite", 4);
    compare_laws(ctx, "chebyshev", 4);
    compare_laws(ctx, "laguerre", 3);
    compare_laws(ctx, "fourier", 5);
    nrm_ctx_destroy(ctx);
}

/* G = sum over a block of weights phi phi' / block. */
static void block_gram(const nrm_volume_sampling_design *d, int64_t b, int64_t block, double *g)
{
    memset(g, 0, (size_t)(d->m * d->m) * sizeof *g);
    for (int64_t i = b * block; i < (b + 1) * block; i++)
        for (int64_t p = 0; p < d->m; p++)
            for (int64_t q = 0; q < d->m; q++)
                g[p * d->m + q] += d->weights[i] * d->phi[i * d->m + p] * d->phi[i * d->m + q] / (double)block;
}

/* Item 3: the fit of phi_m, which is orthogonal to the space and of norm 1, interpolates it: E c = 0,
 * E |f - fit|^2 = 1 + E |c|^2 = m + 1. */
static void test_interpolation(void **state)
{
    (void)state;
    enum { M = 4, BLOCKS = 8000 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_volume_sampling_design d = {0};
    nrm_volume_sampling_options o = legendre(M, NRM_VOLUME_SAMPLING_REPEATED_DPP, M * BLOCKS);
    double mean[M] = {0}, square = 0;
    draw(ctx, &o, &d);
    for (int64_t b = 0; b < BLOCKS; b++) {
        double a[M * M], c[M];
        memcpy(a, d.phi + b * M * M, sizeof a);
        for (int i = 0; i < M; i++) {
            const double x = d.x[b * M + i];
            c[i] = 3 * (35 * x * x * x * x - 30 * x * x + 3) / 8; /* sqrt(9) P_4 */
        }
        assert_true(nrm_solve_small(M, a, c));
        for (int i = 0; i < M; i++) mean[i] += c[i] / BLOCKS, square += c[i] * c[i] / BLOCKS;
    }
    assert_near(square + 1, M + 1, 0.2); /* times 1 + 5: five standard errors of .22 */
    for (int i = 0; i < M; i++) assert_near(mean[i], 0, 0.06);
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

/* Item 4: a volume sample has E G^-1 = n / (n - m + 1) I, independent points E det G = n! / (n^m (n - m)!). */
static void test_gram(void **state)
{
    (void)state;
    enum { BLOCKS = 6000 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int64_t n = 5; n <= 8; n += 3) {
        double mean[9] = {0};
        nrm_volume_sampling_design d = {0};
        nrm_volume_sampling_options o = legendre(3, NRM_VOLUME_SAMPLING_REPEATED_VOLUME, n * BLOCKS);
        o.block_points = n;
        draw(ctx, &o, &d);
        for (int64_t b = 0; b < BLOCKS; b++)
            for (int j = 0; j < 3; j++) {
                double g[9], e[3] = {j == 0, j == 1, j == 2};
                block_gram(&d, b, n, g);
                assert_true(nrm_solve_small(3, g, e));
                for (int i = 0; i < 3; i++) mean[i * 3 + j] += e[i] / BLOCKS;
            }
        const double expected = (double)n / (double)(n - 2);
        for (int i = 0; i < 9; i++) assert_near(mean[i], i % 4 == 0 ? expected : 0, n == 5 ? 0.25 : 0.08);
        for (int64_t i = 0; i < 9; i++) assert_near(d.gram[i], i % 4 == 0, 0.03);
        nrm_volume_sampling_design_destroy(ctx, &d);
    }
    double determinant = 0, apart = 0; /* and E (x1 - x2)^2 = 14/15, where a DPP has 8/5 */
    nrm_volume_sampling_design d = {0};
    nrm_volume_sampling_options o = legendre(2, NRM_VOLUME_SAMPLING_IID, 5 * BLOCKS);
    draw(ctx, &o, &d);
    for (int64_t b = 0; b < BLOCKS; b++) {
        double g[4];
        block_gram(&d, b, 5, g);
        determinant += (g[0] * g[3] - g[1] * g[2]) / BLOCKS;
        apart += (d.x[5 * b] - d.x[5 * b + 1]) * (d.x[5 * b] - d.x[5 * b + 1]) / BLOCKS;
    }
    assert_near(apart, 14.0 / 15, 0.03);
    assert_near(determinant, 0.8, 0.015);
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

/* Item 5: {1, x} on four points; the points of a DPP differ, those of several DPPs need not (item 7). */
static void test_discrete(void **state)
{
    (void)state;
    enum { BLOCKS = 20000 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double x[4] = {-1, -1.0 / 3, 1.0 / 3, 1}, features[8] = {1, x[0], 1, x[1], 1, x[2], 1, x[3]};
    const nrm_space_input input = {.rows = 4, .columns = 2, .features = features};
    nrm_volume_sampling_options o = nrm_volume_sampling_options_default();
    nrm_volume_sampling_design d = {0};
    double pair[4][4] = {{0}};

    o.points = 2 * BLOCKS;
    assert_ok(ctx, nrm_volume_sampling(ctx, &input, NULL, &d, NULL, &o));
    for (int64_t b = 0; b < BLOCKS; b++) {
        const int64_t i = d.index[2 * b], j = d.index[2 * b + 1];
        assert_true(i != j && i >= 0 && i < 4 && j >= 0 && j < 4 && d.x[2 * b] == (double)i);
        pair[i < j ? i : j][i < j ? j : i] += 1.0 / BLOCKS;
    }
    for (int i = 0; i < 4; i++)
        for (int j = i + 1; j < 4; j++) {
            const double p = 9.0 / 80 * (x[i] - x[j]) * (x[i] - x[j]);
            assert_true(fabs(pair[i][j] - p) <= 5 * sqrt(p * (1 - p) / BLOCKS));
        }
    nrm_volume_sampling_design_destroy(ctx, &d);

    /* unequal mu: P{i, j} ~ mu_i mu_j (x_i - x_j)^2 */
    const double mu[4] = {0.4, 0.3, 0.2, 0.1};
    const nrm_space_input weighted = {.rows = 4, .columns = 2, .features = features, .mu = mu};
    double sum = 0;
    memset(pair, 0, sizeof pair);
    assert_ok(ctx, nrm_volume_sampling(ctx, &weighted, NULL, &d, NULL, &o));
    for (int64_t b = 0; b < BLOCKS; b++) {
        const int64_t i = d.index[2 * b], j = d.index[2 * b + 1];
        pair[i < j ? i : j][i < j ? j : i] += 1.0 / BLOCKS;
    }
    for (int i = 0; i < 4; i++)
        for (int j = i + 1; j < 4; j++) sum += mu[i] * mu[j] * (x[i] - x[j]) * (x[i] - x[j]);
    for (int i = 0; i < 4; i++)
        for (int j = i + 1; j < 4; j++) {
            const double p = mu[i] * mu[j] * (x[i] - x[j]) * (x[i] - x[j]) / sum;
            assert_true(fabs(pair[i][j] - p) <= 5 * sqrt(p * (1 - p) / BLOCKS));
        }
    for (int i = 0; i < 4; i++) assert_near(d.gram[i], i % 3 == 0, 0.03);
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

/* Several variables: E G = I, and the points of a block repel, E det of its Gram matrix being larger
 * than that of independent ones. */
static void test_several_variables(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int set = 0; set < 2; set++) {
        nrm_volume_sampling_design d = {0};
        nrm_volume_sampling_options o = legendre(3, NRM_VOLUME_SAMPLING_REPEATED_DPP, 0);
        o.dimension = 2, o.index_set = set == 0 ? NRM_SPACE_TOTAL : NRM_SPACE_TENSOR, o.basis = set == 0 ? "hermite" : "legendre";
        const int64_t m = set == 0 ? 6 : 9;
        o.points = m * 3000;
        draw(ctx, &o, &d);
        assert_true(d.m == m && d.dimension == 2);
        for (int64_t i = 0; i < m * m; i++) assert_near(d.gram[i], i % (m + 1) == 0, 0.05);
        nrm_volume_sampling_design_destroy(ctx, &d);
    }
    nrm_ctx_destroy(ctx);
}

/* A share of mu: no weight above 1 / mixture, and E G = I for independent points. */
static void test_mixture(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_volume_sampling_design d = {0};
    nrm_volume_sampling_options o = legendre(6, NRM_VOLUME_SAMPLING_IID, 40000);
    o.mixture = 0.5;
    draw(ctx, &o, &d);
    for (int64_t i = 0; i < d.points; i++) {
        double k = 0;
        for (int64_t j = 0; j < 6; j++) k += d.phi[i * 6 + j] * d.phi[i * 6 + j];
        assert_near(d.weights[i], 1 / (0.5 + 0.5 * k / 6), 1e-12);
        assert_true(d.weights[i] <= 2);
    }
    for (int64_t i = 0; i < 36; i++) assert_near(d.gram[i], i % 7 == 0, 0.03);
    nrm_volume_sampling_design_destroy(ctx, &d);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_blocks), cmocka_unit_test(test_two_ways), cmocka_unit_test(test_interpolation),
              cmocka_unit_test(test_gram), cmocka_unit_test(test_discrete), cmocka_unit_test(test_several_variables),
              cmocka_unit_test(test_mixture))
