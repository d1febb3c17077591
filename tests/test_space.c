/* test_space.c -- spaces: values, index sets, points and derivatives, against SciPy, Gauss
 * rules and formulas. */
#include "base/random.h"
#include "reference/space_values.h"
#include "sampling/space_parts.h"
#include "testkit.h"

#define PI 3.14159265358979323846

static nrm_space *make(nrm_ctx *ctx, const char *basis, int64_t degree, int64_t dimension, int set)
{
    nrm_space *space = NULL;
    assert_ok(ctx, nrm_space_create(ctx, "t", &(nrm_space_names){basis, degree, dimension, set}, NULL, &space));
    return space;
}

/* Values of SciPy's polynomials, and orthonormality under its Gauss rule. */
static void test_families(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    enum { M = 31 };
    static double phi[REFERENCE_NODES * M], psi[REFERENCE_NODES * M];
    double weight[REFERENCE_NODES];

    for (int f = 0; f < REFERENCE_FAMILIES; f++) {
        const reference_family *r = &reference[f];
        nrm_space *s = make(ctx, r->basis, M - 1, 0, NRM_SPACE_TOTAL);
        assert_true(nrm_space_is_line(s) && nrm_space_size(s) == M && nrm_space_dimension(s) == 1 && nrm_space_points(s) == 0);
        nrm_space_evaluate(s, REFERENCE_POINTS, r->point, phi);
        for (int k = 0; k < REFERENCE_DEGREES; k++)
            for (int p = 0; p < REFERENCE_POINTS; p++)
                assert_near(phi[p * M + reference_degree[k]], r->value[k][p], 2e-12 * fmax(1, fabs(phi[p * M + M - 1])));
        nrm_space_evaluate(s, REFERENCE_NODES, r->node, phi);
        nrm_space_evaluate_weighted(s, REFERENCE_NODES, r->node, psi, weight);
        for (int i = 0; i < M; i++)
            for (int j = 0; j <= i; j++) {
                double sum = 0, again = 0;
                for (int q = 0; q < REFERENCE_NODES; q++) {
                    sum += r->weight[q] * phi[q * M + i] * phi[q * M + j];
                    again += r->weight[q] / weight[q] * psi[q * M + i] * psi[q * M + j];
                }
                assert_near(sum, i == j, 2e-11);
                assert_near(again, i == j, 2e-11);
            }
        nrm_space_destroy(ctx, s);
    }
    nrm_ctx_destroy(ctx);
}

static void test_fourier(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_space *s = make(ctx, "fourier(-1, 3)", 200, 1, NRM_SPACE_TENSOR);
    const double x[3] = {-0.99999, 0.7, 12.5};
    static double phi[3 * 401];

    assert_true(nrm_space_size(s) == 401 && nrm_space_is_line(s));
    nrm_space_evaluate(s, 3, x, phi);
    for (int p = 0; p < 3; p++)
        for (int l = 1; l <= 200; l++) {
            const double angle = 2 * PI * (x[p] + 1) / 4 * l;
            assert_near(phi[p * 401 + 2 * l - 1], sqrt(2) * cos(angle), 2e-12);
            assert_near(phi[p * 401 + 2 * l], sqrt(2) * sin(angle), 2e-12);
        }
    nrm_space_destroy(ctx, s);
    nrm_ctx_destroy(ctx);
}

/* Sets counted by their definition; products; a list; mixed families. */
static void test_index_sets(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int set = 0; set < nrm_space_set_count; set++) {
        int64_t count = 0;
        nrm_space *s = make(ctx, "legendre", 5, 3, set);
        for (int a = 0; a <= 5; a++)
            for (int b = 0; b <= 5; b++)
                for (int c = 0; c <= 5; c++)
                    count += set == NRM_SPACE_TENSOR || (set == NRM_SPACE_TOTAL && a + b + c <= 5) ||
                             (set == NRM_SPACE_HYPERBOLIC && (a + 1) * (b + 1) * (c + 1) <= 6);
        assert_int_equal(nrm_space_size(s), count);
        const int64_t *index = nrm_space_indices(s), expected[12] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
        assert_memory_equal(index, expected, sizeof expected);
        for (int64_t j = 1; j < count; j++) {
            const int64_t *p = index + 3 * (j - 1), *q = p + 3, sum = q[0] + q[1] + q[2] - p[0] - p[1] - p[2];
            assert_true(sum > 0 || (sum == 0 && (p[0] > q[0] || (p[0] == q[0] && p[1] > q[1]))));
        }
        nrm_space_destroy(ctx, s);
    }
    nrm_space *s = make(ctx, "legendre(0,10), fourier,jacobi( 1,0.5 )", 4, 0, NRM_SPACE_TOTAL);
    const double x[3] = {2.5, 1, -0.3};
    double phi[200], first[8], second[12], third[8], weight[1];
    const int64_t m = nrm_space_size(s), *index = nrm_space_indices(s);
    nrm_space *one = make(ctx, "legendre", 4, 1, NRM_SPACE_TOTAL), *two = make(ctx, "fourier", 4, 1, NRM_SPACE_TOTAL);
    nrm_space *three = make(ctx, "jacobi(1,0.5)", 4, 1, NRM_SPACE_TOTAL);
    assert_true(m <= 200 && nrm_space_dimension(s) == 3 && !nrm_space_is_line(s));
    nrm_space_evaluate(s, 1, x, phi);
    nrm_space_evaluate(one, 1, (const double[]){-0.5}, first);
    nrm_space_evaluate(two, 1, x + 1, second);
    nrm_space_evaluate(three, 1, x + 2, third);
    double k = 0;
    for (int64_t j = 0; j < m; j++) {
        assert_true(index[3 * j] + (index[3 * j + 1] + 1) / 2 + index[3 * j + 2] <= 4);
        assert_near(phi[j], first[index[3 * j]] * second[index[3 * j + 1]] * third[index[3 * j + 2]], 1e-14);
        k += phi[j] * phi[j];
    }
    double psi[200];
    nrm_space_evaluate_weighted(s, 1, x, psi, weight);
    assert_near(weight[0], (double)m / k, 1e-14);
    for (int64_t j = 0; j < m; j++) assert_near(psi[j], phi[j] * sqrt(weight[0]), 1e-14);
    nrm_space_destroy(ctx, s), nrm_space_destroy(ctx, one), nrm_space_destroy(ctx, two), nrm_space_destroy(ctx, three);

    const int64_t list[6] = {3, 0, 0, 2, 1, 1};
    const nrm_space_input input = {.index_count = 3, .index_columns = 2, .indices = list};
    assert_ok(ctx, nrm_space_create(ctx, "t", &(nrm_space_names){"hermite", -1, 0, 0}, &input, &s));
    nrm_space_evaluate(s, 1, (const double[]){2, 3}, phi);
    assert_near(phi[0], (8 - 6) / sqrt(6), 1e-15), assert_near(phi[1], (9 - 1) / sqrt(2), 1e-15), assert_near(phi[2], 6, 1e-15);
    nrm_space_destroy(ctx, s);
    nrm_ctx_destroy(ctx);
}

/* Hermite where phi overflows: ratios to phi_m by the recurrence of ratios; and the logarithm of k. */
static void test_far_out(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    enum { M = 1001 };
    nrm_space *s = make(ctx, "hermite", M - 1, 1, NRM_SPACE_TOTAL), *plane;
    const double x[4] = {0.3, 38.5, 100, -1000};
    static double psi[4 * M], ratio[M];
    double weight[4];

    nrm_space_evaluate_weighted(s, 4, x, psi, weight);
    for (int p = 0; p < 4; p++) {
        double square = 0;
        for (int j = 0; j < M; j++) square += psi[p * M + j] * psi[p * M + j];
        assert_near(square, M, 1e-12);
        assert_true(p > 1 || (weight[p] > 0 && weight[p] < 1000));
    }
    assert_true(weight[2] >= 0 && weight[2] < 1e-300 && weight[3] == 0);
    for (int p = 2; p < 4; p++) { /* outside of the zeros phi_k / phi_(k-1) is stable upwards */
        ratio[1] = x[p];
        for (int k = 1; k + 1 < M; k++) ratio[k + 1] = (x[p] - sqrt(k) / ratio[k]) / sqrt(k + 1);
        for (int k = M - 1; k > M - 40; k--) assert_near(psi[p * M + k] / psi[p * M + k - 1], ratio[k], 1e-11);
    }
    nrm_space_destroy(ctx, s);
    plane = make(ctx, "hermite,laguerre", 900, 0, NRM_SPACE_HYPERBOLIC); /* both too large; the row stays finite */
    const int64_t m = nrm_space_size(plane);
    double *row = calloc((size_t)m, sizeof *row), square = 0;
    assert_non_null(row);
    nrm_space_evaluate_weighted(plane, 1, (const double[]){150, 9000}, row, weight);
    for (int64_t j = 0; j < m; j++) square += row[j] * row[j];
    assert_near(square, (double)m, 1e-12);
    free(row);
    nrm_space_destroy(ctx, plane);
    nrm_ctx_destroy(ctx);
}

static void test_derivatives(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_space *s = make(ctx, "legendre(1,5),hermite(0,3),laguerre(0.5,2),fourier(0,1),jacobi(1,-0.5),chebyshev", 2, 0, NRM_SPACE_TOTAL);
    const int64_t m = nrm_space_size(s);
    enum { D = 6 };
    const double x[D] = {1.7, -2, 3.3, 0.3, 0.2, -0.6}, h = 1e-5;
    double *slope = calloc((size_t)(3 * m), sizeof *slope);

    assert_non_null(slope);
    for (int i = 0; i < D; i++) {
        double up[D], down[D];
        memcpy(up, x, sizeof up), memcpy(down, x, sizeof down);
        up[i] += h, down[i] -= h;
        nrm_space_derivative(s, i, 1, x, slope);
        nrm_space_evaluate(s, 1, up, slope + m);
        nrm_space_evaluate(s, 1, down, slope + 2 * m);
        for (int64_t j = 0; j < m; j++) assert_near(slope[j], (slope[m + j] - slope[2 * m + j]) / (2 * h), 2e-7);
    }
    free(slope);
    nrm_space_destroy(ctx, s);
    nrm_ctx_destroy(ctx);
}

static void test_features(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    enum { N = 57, M = 5 };
    double f[N * M], mu[N], phi[N * M], rows[N], psi[N * M], weight[N], c[2 * M], total = 0;
    int count[N] = {0};
    uint64_t seed = 8;
    nrm_space *s;

    for (int i = 0; i < N; i++) {
        rows[i] = i, total += mu[i] = 0.2 + nrm_test_uniform(&seed);
        for (int j = 0; j < M; j++) f[i * M + j] = nrm_test_normal(&seed) + 5;
    }
    nrm_space_input in = {.rows = N, .columns = M, .features = f, .mu = mu};
    const nrm_space_names none = {NULL, -1, 0, 0};
    assert_ok(ctx, nrm_space_create(ctx, "t", &none, &in, &s));
    assert_true(nrm_space_points(s) == N && nrm_space_size(s) == M && nrm_space_dimension(s) == 1 && !nrm_space_is_line(s));
    assert_int_equal(nrm_space_coordinate(s, 0)->family, NRM_FAMILY_FEATURES);
    nrm_space_evaluate(s, N, rows, phi);
    nrm_space_evaluate_weighted(s, N, rows, psi, weight);
    for (int a = 0; a < M; a++)
        for (int b = 0; b < M; b++) {
            double sum = 0;
            for (int i = 0; i < N; i++) sum += mu[i] / total * phi[i * M + a] * phi[i * M + b];
            assert_near(sum, a == b, 1e-13);
        }
    for (int j = 0; j < 2 * M; j++) c[j] = j - 3;
    double back[2 * M];
    memcpy(back, c, sizeof c);
    nrm_space_to_given(s, 2, back);
    for (int i = 0; i < N; i++) { /* phi c = features (R^-1 c) */
        double k = 0;
        for (int l = 0; l < 2; l++) {
            double one = 0, two = 0;
            for (int j = 0; j < M; j++) one += phi[i * M + j] * c[2 * j + l], two += f[i * M + j] * back[2 * j + l];
            assert_near(one, two, 1e-11);
        }
        for (int j = 0; j < M; j++) k += phi[i * M + j] * phi[i * M + j];
        assert_near(weight[i], M / k, 1e-13);
    }
    nrm_rng rng = nrm_rng_make(1, 1);
    enum { DRAWS = 20000 };
    for (int t = 0; t < DRAWS; t++) {
        double x;
        nrm_space_draw_member(s, 3, &rng, &x);
        count[(int)x]++;
    }
    for (int i = 0; i < N; i++) {
        const double p = mu[i] / total * phi[i * M + 3] * phi[i * M + 3];
        assert_true(fabs(count[i] - DRAWS * p) < 4.5 * sqrt(DRAWS * p) + 2);
    }
    memset(count, 0, sizeof count);
    for (int t = 0; t < DRAWS; t++) {
        double x;
        nrm_space_draw_mu(s, &rng, &x);
        count[(int)x]++;
    }
    for (int i = 0; i < N; i++) assert_true(fabs(count[i] - DRAWS * mu[i] / total) < 4.5 * sqrt(DRAWS * mu[i] / total));
    nrm_space_destroy(ctx, s);

    mu[6] = 0;
    assert_status(ctx, nrm_space_create(ctx, "t", &none, &in, &s), NRM_E_RANGE);
    assert_message(ctx, "t: mu[6] is 0; it must be > 0");
    in.mu = NULL;
    for (int i = 0; i < N; i++) f[i * M + 3] = 2 * f[i * M] - f[i * M + 2];
    assert_status(ctx, nrm_space_create(ctx, "t", &none, &in, &s), NRM_E_SINGULAR);
    assert_message(ctx, "t: column 3 of features depends on the columns before it");
    for (int i = 0; i < N; i++) f[i * M + 1] = 0;
    assert_status(ctx, nrm_space_create(ctx, "t", &none, &in, &s), NRM_E_SINGULAR);
    assert_message(ctx, "t: column 1 of features is zero");
    f[2 * M + 4] = NAN;
    assert_status(ctx, nrm_space_create(ctx, "t", &none, &in, &s), NRM_E_NONFINITE);
    assert_message(ctx, "features[2,4]");
    in.rows = 4;
    assert_status(ctx, nrm_space_create(ctx, "t", &none, &in, &s), NRM_E_SHAPE);
    assert_message(ctx, "as many points");
    nrm_ctx_destroy(ctx);
}

/* The same bits on 1 and 2 threads, and whatever points stand beside. */
static void test_threads(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    enum { N = 1003 };
    double *x = calloc(3 * N, sizeof *x), *one = NULL, *two = NULL, w1[N], w2[N];
    uint64_t seed = 4;
    int64_t m = 0;

    for (int i = 0; i < 3 * N; i++) x[i] = 2 * nrm_test_uniform(&seed) - 1;
    for (int threads = 1; threads <= 2; threads++) {
        assert_ok(ctx, nrm_set_threads(ctx, threads));
        nrm_space *s = make(ctx, "legendre", 6, 3, NRM_SPACE_TOTAL);
        m = nrm_space_size(s);
        double *phi = calloc((size_t)(N * m), sizeof *phi);
        nrm_space_evaluate_weighted(s, N, x, phi, threads == 1 ? w1 : w2);
        if (threads == 1) one = phi;
        else two = phi;
        if (threads == 2) {
            double row[84], w;
            assert_true(m == 84);
            nrm_space_evaluate_weighted(s, 1, x + 3 * 500, row, &w);
            assert_memory_equal(row, phi + 500 * m, sizeof row);
        }
        nrm_space_destroy(ctx, s);
    }
    assert_memory_equal(one, two, (size_t)(N * m) * sizeof *one);
    assert_memory_equal(w1, w2, sizeof w1);
    free(x), free(one), free(two);
    nrm_ctx_destroy(ctx);
}

static void refuse(nrm_ctx *ctx, const char *basis, int64_t degree, int64_t dimension, nrm_status status, const char *piece)
{
    nrm_space *s = NULL;
    assert_status(ctx, nrm_space_create(ctx, "t", &(nrm_space_names){basis, degree, dimension, 0}, NULL, &s), status);
    assert_message(ctx, piece);
    assert_null(s);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_space *s;

    refuse(ctx, "legendrx", 2, 1, NRM_E_ARGUMENT, "t: basis has \"legendrx\"; it must be");
    refuse(ctx, "", 2, 1, NRM_E_ARGUMENT, "t: basis has \"\"; it must be legendre");
    refuse(ctx, "legendre,", 2, 0, NRM_E_ARGUMENT, "ends with a comma");
    refuse(ctx, "legendre(1)", 2, 0, NRM_E_ARGUMENT, "the numbers of legendre are none, or (lower,upper)");
    refuse(ctx, "legendre(1,2,3)", 2, 0, NRM_E_ARGUMENT, "the numbers of legendre");
    refuse(ctx, "legendre(1,2", 2, 0, NRM_E_ARGUMENT, "the numbers of legendre");
    refuse(ctx, "legendre(2,1)", 2, 0, NRM_E_RANGE, "goes from 2 to 1");
    refuse(ctx, "jacobi", 2, 0, NRM_E_ARGUMENT, "the numbers of jacobi are (a,b)");
    refuse(ctx, "jacobi(-1,0)", 2, 0, NRM_E_RANGE, "a of jacobi is -1; it must be > -1");
    refuse(ctx, "laguerre(0,-1)", 2, 0, NRM_E_RANGE, "the scale of laguerre is -1");
    refuse(ctx, "hermite(0,inf)", 2, 0, NRM_E_ARGUMENT, "the numbers of hermite");
    refuse(ctx, "hermite,hermite", 2, 3, NRM_E_SHAPE, "basis names 2 coordinates, but the dimension is 3");
    refuse(ctx, "hermite", -1, 1, NRM_E_ARGUMENT, "the space has no degree");
    refuse(ctx, NULL, 50, 20, NRM_E_RANGE, "spans more than 1048576 functions");
    int64_t list[8] = {0, 0, 1, 0, 0, 2, 1, 0};
    nrm_space_input in = {.index_count = 4, .index_columns = 2, .indices = list};
    assert_status(ctx, nrm_space_create(ctx, "t", &(nrm_space_names){NULL, -1, 0, 0}, &in, &s), NRM_E_ARGUMENT);
    assert_message(ctx, "t: row 3 of indices is the same as row 1");
    list[7] = -1;
    assert_status(ctx, nrm_space_create(ctx, "t", &(nrm_space_names){NULL, -1, 0, 0}, &in, &s), NRM_E_RANGE);
    assert_message(ctx, "t: indices[3,1] is -1");
    assert_status(ctx, nrm_space_create(ctx, "t", &(nrm_space_names){NULL, 2, 0, 0}, &in, &s), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_space_create(ctx, "t", &(nrm_space_names){NULL, -1, 3, 0}, &in, &s), NRM_E_SHAPE);

    s = make(ctx, "legendre,laguerre", 2, 0, NRM_SPACE_TOTAL);
    assert_status(ctx, nrm_space_check_points(ctx, "t", "x", s, 2, (const double[]){1, 0, -1, -0.1}), NRM_E_RANGE);
    assert_message(ctx, "at row 1, column 1, outside of the basis's domain");
    assert_status(ctx, nrm_space_check_points(ctx, "t", "x", s, 1, (const double[]){NAN, 0}), NRM_E_NONFINITE);
    assert_ok(ctx, nrm_space_check_points(ctx, "t", "x", s, 1, (const double[]){-1, 0}));
    nrm_space_destroy(ctx, s);
    nrm_ctx_destroy(ctx);
}

static nrm_status attempt(nrm_ctx *ctx, void *user)
{
    nrm_space *s = NULL;
    const nrm_status st = nrm_space_create(ctx, "t", user ? &(nrm_space_names){NULL, -1, 0, 0} : &(nrm_space_names){"hermite,laguerre", 3, 0, 0},
                                           user, &s);
    nrm_space_destroy(ctx, s);
    return st;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    const double f[8] = {1, 2, 1, 3, 1, 5, 1, 0};
    const int64_t list[4] = {1, 0, 0, 0};
    nrm_space_input features = {.rows = 4, .columns = 2, .features = f}, indices = {.index_count = 2, .index_columns = 2, .indices = list};
    nrm_test_allocation_failures(attempt, NULL, NULL, 0);
    nrm_test_allocation_failures(attempt, &features, NULL, 0);
    nrm_test_allocation_failures(attempt, &indices, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_families), cmocka_unit_test(test_fourier), cmocka_unit_test(test_index_sets),
              cmocka_unit_test(test_far_out), cmocka_unit_test(test_derivatives), cmocka_unit_test(test_features),
              cmocka_unit_test(test_threads), cmocka_unit_test(test_refusals), cmocka_unit_test(test_allocation_failures))
