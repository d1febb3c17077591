/* test_dpp_line.c -- DPPs in one variable by eigenvalues: moments of linear statistics that
 * orthogonal polynomials give in closed form.
 *
 * With x phi_k = beta_(k+1) phi_(k+1) + alpha_k phi_k + beta_k phi_(k-1):
 *     E sum x = sum alpha_k,  Var sum x = beta_m^2,  E sum x^2 = sum alpha_k^2 + beta_k^2 + beta_(k+1)^2. */
#include "sampling/dpp_line.h"
#include "sampling/variates.h"
#include "testkit.h"

enum { MOST = 64 };

static double jacobi_alpha(double a, double b, double k)
{
    const double s = 2 * k + a + b;
    return k == 0 ? (b - a) / (a + b + 2) : (b * b - a * a) / (s * (s + 2));
}

static double jacobi_beta2(double a, double b, double k)
{
    const double s = 2 * k + a + b;
    if (k == 0) return 0;
    if (k == 1) return 4 * (1 + a) * (1 + b) / ((2 + a + b) * (2 + a + b) * (3 + a + b));
    return 4 * k * (k + a) * (k + b) * (k + a + b) / (s * s * (s + 1) * (s - 1));
}

static double alpha(const nrm_dpp_line *l, double k)
{
    return l->model == NRM_DPP_HERMITE ? 0 : l->model == NRM_DPP_LAGUERRE ? 2 * k + 1 + l->a : jacobi_alpha(l->a, l->b, k);
}

static double beta2(const nrm_dpp_line *l, double k)
{
    return l->model == NRM_DPP_HERMITE ? k : l->model == NRM_DPP_LAGUERRE ? k * (k + l->a) : jacobi_beta2(l->a, l->b, k);
}

/* Means within five standard errors, the variance of sum x within five of its own. */
static void check_moments(nrm_dpp_line line, int64_t m, int draws)
{
    double work[6 * MOST], x[MOST], mean = 0, variance = 0, square = 0;
    double sum1 = 0, sum2 = 0, sum3 = 0, sum4 = 0, squares1 = 0, squares2 = 0;

    for (int64_t k = 0; k < m; k++) {
        const double a = alpha(&line, (double)k);
        mean += a;
        square += a * a + beta2(&line, (double)k) + beta2(&line, (double)k + 1);
    }
    variance = beta2(&line, (double)m);
    for (int d = 0; d < draws; d++) {
        nrm_rng rng = nrm_rng_make(5, (uint64_t)d);
        double s = -mean, q = 0;
        assert_true(nrm_dpp_line_draw(&line, m, &rng, work, x));
        for (int64_t i = 0; i < m; i++) {
            s += x[i], q += x[i] * x[i];
            assert_true(i == 0 || x[i] > x[i - 1]);
            if (line.model == NRM_DPP_JACOBI) assert_true(fabs(x[i]) <= 1);
            if (line.model == NRM_DPP_LAGUERRE) assert_true(x[i] > 0);
        }
        sum1 += s, sum2 += s * s, sum3 += s * s * s, sum4 += s * s * s * s, squares1 += q, squares2 += q * q;
    }
    const double n = draws, found = sum2 / n, spread = sqrt((sum4 / n - found * found) / n);
    assert_true(fabs(sum1 / n) <= 5 * sqrt(found / n));
    assert_true(fabs(found - variance) <= 5 * spread);
    assert_true(fabs(squares1 / n - square) <= 5 * sqrt((squares2 / n - squares1 * squares1 / n / n) / n));
}

static void test_polynomials(void **state)
{
    (void)state;
    const nrm_dpp_line lines[] = {{NRM_DPP_JACOBI, 0, 0}, {NRM_DPP_HERMITE, 0, 0}, {NRM_DPP_JACOBI, -0.5, -0.5}, {NRM_DPP_JACOBI, 1.5, -0.3},
                                  {NRM_DPP_JACOBI, -0.9, 2}, {NRM_DPP_LAGUERRE, 0, 0}, {NRM_DPP_LAGUERRE, 2.5, 0}, {NRM_DPP_LAGUERRE, -0.7, 0}};
    const int64_t sizes[] = {1, 2, 5, 16};
    for (size_t l = 0; l < sizeof lines / sizeof *lines; l++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) check_moments(lines[l], sizes[s], 4000);
}

/* Spec 22, item 2: E (x1 - x2)^2 = 8/5 for legendre, m = 2. */
static void test_distance(void **state)
{
    (void)state;
    const nrm_dpp_line legendre = {NRM_DPP_JACOBI, 0, 0};
    double work[12], x[2], sum = 0;
    const int draws = 20000;
    for (int d = 0; d < draws; d++) {
        nrm_rng rng = nrm_rng_make(6, (uint64_t)d);
        assert_true(nrm_dpp_line_draw(&legendre, 2, &rng, work, x));
        sum += (x[1] - x[0]) * (x[1] - x[0]);
    }
    assert_near(sum / draws, 1.6, 0.012);
}

/* The eigenvalues of a Haar unitary matrix: E |sum exp(ikx)|^2 = min(k, m), of independent points
 * it would be m; and the phases are those of exact angles. */
static void test_circular(void **state)
{
    (void)state;
    const nrm_dpp_line circular = {NRM_DPP_CIRCULAR, 0, 0};
    double work[6 * MOST], x[MOST];
    for (int64_t m = 1; m <= 9; m += 2) {
        double square[13] = {0}, re[13] = {0}, im[13] = {0};
        const int draws = 4000;
        for (int d = 0; d < draws; d++) {
            nrm_rng rng = nrm_rng_make(7, (uint64_t)d);
            assert_true(nrm_dpp_line_draw(&circular, m, &rng, work, x));
            for (int64_t i = 0; i < m; i++) assert_true(x[i] >= 0 && x[i] < 6.2831853071795865 && (i == 0 || x[i] > x[i - 1]));
            for (int k = 1; k <= 12; k++) {
                double c = 0, s = 0;
                for (int64_t i = 0; i < m; i++) c += cos(k * x[i]), s += sin(k * x[i]);
                square[k] += c * c + s * s, re[k] += c, im[k] += s;
            }
        }
        for (int k = 1; k <= 12; k++) {
            const double expected = k < m ? k : (double)m; /* |.|^2 is near exponential: its deviation is its mean */
            assert_true(fabs(square[k] / draws - expected) <= 5 * expected / sqrt(draws));
            assert_true(hypot(re[k], im[k]) / draws <= 5 * sqrt(expected / draws));
        }
    }
}

static void test_variates(void **state)
{
    (void)state;
    const double shapes[] = {0.2, 0.7, 1, 2.5, 40};
    nrm_rng rng = nrm_rng_make(8, 0);
    const int draws = 20000;
    for (int s = 0; s < 5; s++) {
        const double a = shapes[s];
        double sum = 0, square = 0, part = 0, part2 = 0;
        for (int d = 0; d < draws; d++) {
            const double x = nrm_rng_gamma(&rng, a), y = nrm_rng_beta(&rng, a, 1.5);
            sum += x, square += (x - a) * (x - a), part += y, part2 += y * y;
        }
        assert_true(fabs(sum / draws - a) <= 5 * sqrt(a / draws));
        assert_true(fabs(square / draws - a) <= 5 * sqrt((2 * a * a + 6 * a) / draws));
        assert_near(part / draws, a / (a + 1.5), 0.02);
        assert_near(part2 / draws, a * (a + 1) / ((a + 1.5) * (a + 2.5)), 0.02);
    }
    assert_true(isfinite(nrm_rng_beta(&rng, 1e-4, 1e-4)));
}

NRM_TEST_MAIN(cmocka_unit_test(test_polynomials), cmocka_unit_test(test_distance), cmocka_unit_test(test_circular),
              cmocka_unit_test(test_variates))
