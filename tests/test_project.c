/* test_project.c -- top-k, projections and proximal operators. */
#include "linalg/project.h"
#include "linalg/linalg.h"
#include "reference/linalg_values.h"
#include "testkit.h"

enum { MOST = 5000 };

/* ---- Top-k against sorting everything ------------------------------------------------------- */

static const double *ranked; /* the values that `before` compares */
static int before(const void *left, const void *right)
{
    const int64_t i = *(const int64_t *)left, j = *(const int64_t *)right;
    const double a = ranked[i] > -INFINITY ? ranked[i] : -INFINITY, b = ranked[j] > -INFINITY ? ranked[j] : -INFINITY;
    if (a != b) return a > b ? -1 : 1;
    return i < j ? -1 : 1;
}

static void check_top_k(const double *s, int64_t n, int64_t k)
{
    static int64_t expected[MOST], index[MOST + 1], scratch[MOST + 1];
    static double magnitude[MOST];

    for (int64_t i = 0; i < n; i++) expected[i] = i;
    ranked = s;
    qsort(expected, (size_t)n, sizeof *expected, before);
    index[k] = scratch[n] = -77; /* guards */
    nrm_top_k(s, n, k, index, scratch);
    assert_memory_equal(index, expected, (size_t)k * sizeof *index);
    assert_true(index[k] == -77 && scratch[n] == -77);

    for (int64_t i = 0; i < n; i++) {
        magnitude[i] = fabs(s[i]);
        expected[i] = i;
    }
    ranked = magnitude;
    qsort(expected, (size_t)n, sizeof *expected, before);
    nrm_top_k_magnitude(s, n, k, index, scratch);
    assert_memory_equal(index, expected, (size_t)k * sizeof *index);
}

/* Inputs that hurt: ties everywhere, sorted both ways, constant, all scales, +-0, Inf, NaN. */
static void make(int shape, double *s, int64_t n, uint64_t *seed)
{
    for (int64_t i = 0; i < n; i++) {
        const double u = nrm_test_normal(seed);
        const double special[6] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1};
        switch (shape) {
        case 0: s[i] = u; break;
        case 1: s[i] = (double)(nrm_test_next(seed) % 5) - 2; break;
        case 2: s[i] = (double)i; break;
        case 3: s[i] = (double)(n - i); break;
        case 4: s[i] = -3; break;
        case 5: s[i] = ldexp(u, (int)(nrm_test_next(seed) % 2000) - 1000); break;
        case 6: s[i] = special[nrm_test_next(seed) % 6]; break;
        default: s[i] = 1 + (double)(nrm_test_next(seed) % 1000) * 0x1p-52; break; /* neighbours */
        }
    }
}

static void test_top_k(void **state)
{
    (void)state;
    static double s[MOST];
    const int64_t lengths[] = {1, 2, 7, 8, 9, 31, 33, 64, 100, 1000, MOST};
    uint64_t seed = 1;

    for (int shape = 0; shape < 8; shape++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            const int64_t n = lengths[l], counts[] = {1, 2, 5, 31, 32, 33, n / 2, n - 1, n};
            make(shape, s, n, &seed);
            for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
                if (counts[c] >= 1 && counts[c] <= n) check_top_k(s, n, counts[c]);
        }
}

static void test_ties(void **state)
{
    (void)state;
    const double s[6] = {1, 3, 3, -3, 3, 0};
    int64_t index[4], scratch[6];

    nrm_top_k(s, 6, 4, index, scratch);
    assert_memory_equal(index, ((int64_t[]){1, 2, 4, 0}), sizeof index);
    nrm_top_k_magnitude(s, 6, 4, index, scratch);
    assert_memory_equal(index, ((int64_t[]){1, 2, 3, 4}), sizeof index);
    double x[6];
    memcpy(x, s, sizeof s);
    nrm_project_top_k(x, 6, 2, scratch);
    assert_all_near(x, ((double[]){0, 3, 3, 0, 0, 0}), 6, 0);
    nrm_project_top_k(x, 6, 0, scratch);
    assert_all_near(x, ((double[]){0, 0, 0, 0, 0, 0}), 6, 0);
    memcpy(x, s, sizeof s);
    nrm_project_top_k(x, 6, 9, scratch);
    assert_memory_equal(x, s, sizeof s);
}

/* ---- The simplex ------------------------------------------------------------------------------- */

static void test_simplex_reference(void **state)
{
    (void)state;
    double x[61], scratch[61];
    int64_t places[61];

    pattern(1, 61, 5, x, 61);
    nrm_project_simplex(x, 61, 2.5, scratch);
    assert_all_near(x, simplex_61, 61, 1e-14);
    pattern(1, 61, 5, x, 61);
    nrm_project_simplex(x, 61, 400, scratch);
    assert_all_near(x, simplex_wide_61, 61, 1e-14);
    pattern(1, 61, 5, x, 61);
    nrm_project_simplex_sparse(x, 61, 2.5, 3, places);
    assert_all_near(x, simplex_sparse_3_of_61, 61, 1e-14);
    pattern(1, 61, 5, x, 61);
    nrm_project_simplex_sparse(x, 61, 400, 40, places);
    assert_all_near(x, simplex_sparse_40_of_61, 61, 1e-14);
    pattern(1, 61, 5, x, 61);
    nrm_project_ball1(x, 61, 7, scratch);
    assert_all_near(x, ball1_61, 61, 1e-14);
}

/* What makes z the projection of x: z >= 0, sum z = r, and x_i - z_i the same number
 * (tau) on the support and at most tau off it. */
static void check_simplex(const double *x, const double *z, int64_t n, double total, double tol)
{
    double tau = NAN, sum = 0;

    for (int64_t i = 0; i < n; i++) {
        sum += z[i];
        assert_true(z[i] >= 0);
        if (z[i] > 0 && isnan(tau)) tau = x[i] - z[i];
    }
    assert_near(sum / total, 1, tol);
    for (int64_t i = 0; i < n; i++) {
        if (z[i] > 0) assert_true(fabs(x[i] - z[i] - tau) <= tol * (total + fabs(x[i])));
        else assert_true(x[i] - tau <= tol * (total + fabs(x[i])));
    }
}

static void test_simplex_conditions(void **state)
{
    (void)state;
    static double x[MOST], z[MOST], scratch[MOST];
    const double totals[] = {1e-6, 1, 300, 1e9};
    uint64_t seed = 4;

    for (int shape = 0; shape < 5; shape++)
        for (int t = 0; t < 4; t++)
            for (int64_t n = 1; n <= MOST; n = n * 3 + 1) {
                make(shape, x, n, &seed);
                memcpy(z, x, (size_t)n * sizeof *x);
                nrm_project_simplex(z, n, totals[t], scratch);
                check_simplex(x, z, n, totals[t], 1e-11);
            }

    /* An offset of 1e8 costs no digit of the sum. */
    for (int64_t i = 0; i < 1000; i++) z[i] = 1e8 + nrm_test_uniform(&seed);
    nrm_project_simplex(z, 1000, 1, scratch);
    assert_near(nrm_sum(z, 1000), 1, 1e-13);
    double extreme[3] = {1e308, -1e308, 9e307};
    nrm_project_simplex(extreme, 3, 1, scratch);
    assert_all_near(extreme, ((double[]){1, 0, 0}), 3, 0);
    double one[1] = {-5};
    nrm_project_simplex(one, 1, 3, scratch);
    assert_near(one[0], 3, 0);
}

/* Drops one entry a pass for as long as rounding lets it: the bisection must take over
 * and agree with sorting. */
static void test_simplex_slow_descent(void **state)
{
    (void)state;
    static double x[MOST], u[MOST], z[MOST], scratch[MOST];
    double level = -1;

    for (int64_t i = 0; i < MOST; i++) {
        x[i] = i == 0 ? 0 : level;
        level *= 1 - 1.0 / (double)(MOST - i + 1);
    }
    memcpy(z, x, sizeof x);
    memcpy(u, x, sizeof x);
    for (int64_t i = 0; i < MOST; i++) u[i] = x[i == 0 ? 0 : MOST - i]; /* falling */
    int64_t support = 0;
    const double tau = nrm_simplex_threshold(u, MOST, 1.5, &support);
    nrm_project_simplex(z, MOST, 1.5, scratch);
    for (int64_t i = 0; i < MOST; i++) assert_near(z[i], fmax(x[i] - tau, 0), 1e-13);
}

static void test_simplex_sparse(void **state)
{
    (void)state;
    static double x[MOST], z[MOST], kept[MOST], scratch[MOST];
    static int64_t places[MOST], index[MOST];
    uint64_t seed = 8;

    for (int shape = 0; shape < 5; shape++)
        for (int64_t k = 1; k <= 200; k = 2 * k + 1) {
            const int64_t n = 333;
            make(shape, x, n, &seed);
            memcpy(z, x, (size_t)n * sizeof *x);
            nrm_project_simplex_sparse(z, n, 2, k, places);
            nrm_top_k(x, n, k, index, places);
            for (int64_t j = 0; j < k; j++) kept[j] = x[index[j]];
            nrm_project_simplex(kept, k, 2, scratch);
            int64_t support = 0;
            for (int64_t j = 0; j < k; j++) {
                assert_near(z[index[j]], kept[j], 1e-14);
                z[index[j]] = 0;
            }
            for (int64_t i = 0; i < n; i++) support += z[i] != 0;
            assert_int_equal(support, 0);
        }
    double same[5] = {1, 1, 1, 1, 1};
    nrm_project_simplex_sparse(same, 5, 1, 2, places); /* ties: the lowest indices */
    assert_all_near(same, ((double[]){0.5, 0.5, 0, 0, 0}), 5, 1e-15);
}

static void test_threshold(void **state)
{
    (void)state;
    const double u[4] = {3, 2, 1, -5};
    int64_t support = 0;

    assert_near(nrm_simplex_threshold(u, 4, 1.5, &support), 1.75, 1e-15); /* (3 + 2 - 1.5) / 2 */
    assert_int_equal(support, 2);
    assert_near(nrm_simplex_threshold(u, 4, 0.5, &support), 2.5, 1e-15);
    assert_int_equal(support, 1);
    assert_near(nrm_simplex_threshold(u, 4, 100, NULL), (1 - 100) / 4.0, 1e-13);
    assert_near(nrm_simplex_threshold(u, 1, 2, &support), 1, 1e-15);
}

/* ---- The rest ------------------------------------------------------------------------------------- */

static void test_balls_and_box(void **state)
{
    (void)state;
    double x[3] = {3, 0, -4}, scratch[4];

    nrm_project_ball2(x, 3, 10);
    assert_all_near(x, ((double[]){3, 0, -4}), 3, 0);
    nrm_project_ball2(x, 3, 1);
    assert_all_near(x, ((double[]){0.6, 0, -0.8}), 3, 1e-15);
    nrm_project_ball2(x, 3, 0);
    assert_all_near(x, ((double[]){0, 0, 0}), 3, 0);
    double huge[2] = {1.5e308, -1.5e308};
    nrm_project_ball2(huge, 2, 1);
    assert_all_near(huge, ((double[]){sqrt(0.5), -sqrt(0.5)}), 2, 1e-15);

    double y[4] = {0.2, -0.3, 0, 0.4};
    nrm_project_ball1(y, 4, 1, scratch);
    assert_all_near(y, ((double[]){0.2, -0.3, 0, 0.4}), 4, 0);
    nrm_project_ball1(y, 4, 0.3, scratch); /* tau = 0.2 */
    assert_all_near(y, ((double[]){0, -0.1, 0, 0.2}), 4, 1e-15);

    double z[4] = {-2, 0.5, 7, -0.0};
    nrm_project_box(z, 4, -1, 1);
    assert_all_near(z, ((double[]){-1, 0.5, 1, 0}), 4, 0);
    nrm_project_box(z, 4, -INFINITY, 0.75);
    assert_all_near(z, ((double[]){-1, 0.5, 0.75, 0}), 4, 0);
    nrm_project_simplex(z, 0, 1, scratch); /* nothing to do is no error */
    nrm_project_ball1(z, 0, 1, scratch);
    nrm_project_ball2(z, 0, 1);
}

static void test_proximal(void **state)
{
    (void)state;
    double x[5] = {3, -0.5, 0.5, -2, 0}, y[4] = {2, -2.0001, 1.9, -5}, g[2] = {3, 4};

    nrm_prox_l1(x, 5, 0.5);
    assert_all_near(x, ((double[]){2.5, 0, 0, -1.5, 0}), 5, 0);
    nrm_prox_l0(y, 4, 2); /* threshold 2 */
    assert_all_near(y, ((double[]){0, -2.0001, 0, -5}), 4, 0);
    nrm_prox_group_l2(g, 2, 2.5);
    assert_all_near(g, ((double[]){1.5, 2}), 2, 1e-15);
    nrm_prox_group_l2(g, 2, 2.5);
    assert_all_near(g, ((double[]){0, 0}), 2, 0);

    /* prox of w|.|: no nearby point has a smaller w|z|_1 + |z - x|^2 / 2. */
    uint64_t seed = 6;
    for (int trial = 0; trial < 200; trial++) {
        const double from = 2 * nrm_test_normal(&seed), weight = nrm_test_uniform(&seed);
        double z = from;
        nrm_prox_l1(&z, 1, weight);
        const double best = weight * fabs(z) + 0.5 * (z - from) * (z - from);
        for (double step = -0.5; step <= 0.5; step += 0.01) {
            const double at = z + step;
            assert_true(weight * fabs(at) + 0.5 * (at - from) * (at - from) >= best - 1e-15);
        }
    }
}

NRM_TEST_MAIN(cmocka_unit_test(test_top_k), cmocka_unit_test(test_ties), cmocka_unit_test(test_simplex_reference),
              cmocka_unit_test(test_simplex_conditions), cmocka_unit_test(test_simplex_slow_descent),
              cmocka_unit_test(test_simplex_sparse), cmocka_unit_test(test_threshold),
              cmocka_unit_test(test_balls_and_box), cmocka_unit_test(test_proximal))
