/* test_space_draws.c -- points from mu and from phi_j^2 mu, against distribution functions by SciPy and
 * moments by the recurrence. */
#include "base/random.h"
#include "reference/space_values.h"
#include "sampling/space_parts.h"
#include "testkit.h"

static nrm_space *make(nrm_ctx *ctx, const char *basis, int64_t degree, int64_t dimension, int set)
{
    nrm_space *space = NULL;
    assert_ok(ctx, nrm_space_create(ctx, "t", &(nrm_space_names){basis, degree, dimension, set}, NULL, &space));
    return space;
}

/* F_k against SciPy's quadrature. */
static void test_distributions(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int f = 0; f < REFERENCE_FAMILIES; f++) {
        const reference_family *r = &reference[f];
        nrm_space *s = make(ctx, r->basis, 12, 0, NRM_SPACE_TOTAL);
        const nrm_family family = s->axis[0].is.family;
        const bool inverted = family == NRM_FAMILY_HERMITE || family == NRM_FAMILY_LAGUERRE || family == NRM_FAMILY_JACOBI;
        for (int k = 0; k < REFERENCE_DEGREES && reference_degree[k] <= 12 && inverted; k++)
            for (int p = 0; p < REFERENCE_POINTS; p++) {
                double density;
                assert_near(nrm_axis_distribution(&s->axis[0], reference_degree[k], r->point[p], &density), r->distribution[k][p], 1e-10);
                assert_true(density >= 0);
            }
        nrm_space_destroy(ctx, s);
    }
    nrm_ctx_destroy(ctx);
}

/* The distribution functions of draws: the largest distance from SciPy's at its points, in units of
 * the deviation of an empirical distribution. */
static void test_draws(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    enum { N = 4000 };

    for (int f = 0; f < REFERENCE_FAMILIES; f++) {
        const reference_family *r = &reference[f];
        nrm_space *s = make(ctx, r->basis, 12, 0, NRM_SPACE_TOTAL);
        for (int k = 0; k < REFERENCE_DEGREES && reference_degree[k] <= 12; k++) {
            int below[REFERENCE_POINTS] = {0};
            nrm_rng rng = nrm_rng_make(11, (uint64_t)(100 * f + k));
            for (int i = 0; i < N; i++) {
                double x;
                if (k == 0) nrm_space_draw_mu(s, &rng, &x);
                else nrm_space_draw_member(s, reference_degree[k], &rng, &x);
                for (int p = 0; p < REFERENCE_POINTS; p++) below[p] += x <= r->point[p];
            }
            for (int p = 0; p < REFERENCE_POINTS; p++) {
                const double share = r->distribution[k][p], off = below[p] / (double)N - share;
                assert_true(fabs(off) <= 4.5 * sqrt(fmax(share * (1 - share), 0) / N) + 1e-9);
            }
        }
        nrm_space_destroy(ctx, s);
    }
    nrm_ctx_destroy(ctx);
}

/* Far degrees, ends and moments: |x| of hermite 2000 stays near the oscillating part; a mean of phi_j^2 mu by (1). */
static void test_draws_far(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    static const char *basis[6] = {"hermite(3,2)", "laguerre(-0.95)", "jacobi(-0.95,40)", "legendre(2,4)", "chebyshev", "laguerre(300,0.5)"};

    for (int f = 0; f < 6; f++) {
        enum { N = 300, DEGREE = 900 };
        nrm_space *s = make(ctx, basis[f], DEGREE, 0, NRM_SPACE_TOTAL);
        const nrm_axis *axis = &s->axis[0];
        const double b = axis->b[DEGREE], after = f == 0 ? sqrt(DEGREE + 1.0) : b;
        const double mean = axis->is.shift + axis->is.scale * axis->a[DEGREE], deviation = axis->is.scale * sqrt(b * b + after * after);
        nrm_rng rng = nrm_rng_make(5, (uint64_t)f);
        double sum = 0, squares = 0;
        for (int i = 0; i < N; i++) {
            double x;
            nrm_space_draw_member(s, DEGREE, &rng, &x);
            assert_ok(ctx, nrm_space_check_points(ctx, "t", "x", s, 1, &x));
            sum += (x - mean) / deviation, squares += (x - mean) * (x - mean) / (deviation * deviation);
        }
        assert_true(fabs(sum / N) < 4.5 / sqrt(N));
        assert_true(fabs(squares / N - 1) < 4.5 * sqrt(2.0 / N));
        nrm_space_destroy(ctx, s);
    }
    nrm_ctx_destroy(ctx);
}

static void test_product_draws(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_space *s = make(ctx, "fourier,hermite", 3, 2, NRM_SPACE_TENSOR);
    const int64_t *index = nrm_space_indices(s);
    nrm_rng rng = nrm_rng_make(2, 3);
    int64_t j = 0;
    double wave = 0, square = 0;
    enum { N = 4000 };

    while (index[2 * j] != 4 || index[2 * j + 1] != 3) j++;
    for (int i = 0; i < N; i++) { /* sin^2 2t: E cos 4t = -1/2; hermite 3: E x^2 = 7 */
        double x[2];
        nrm_space_draw_member(s, j, &rng, x);
        wave += cos(4 * x[0]) / N, square += x[1] * x[1] / N;
    }
    assert_true(fabs(wave + 0.5) < 4.5 * sqrt(0.25 / N) && fabs(square - 7) < 4.5 * sqrt(26.0 / N));
    nrm_space_destroy(ctx, s);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_distributions), cmocka_unit_test(test_draws), cmocka_unit_test(test_draws_far),
              cmocka_unit_test(test_product_draws))
