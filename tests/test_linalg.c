/* test_linalg.c -- dense linear algebra against NumPy's values and against identities. */
#include "base/random.h"
#include "linalg/linalg.h"
#include "reference/linalg_values.h"
#include "testkit.h"

enum { STRIDE = 11 }; /* rows are further apart than they are long, with NaN between */

static void fill(double *a, int64_t count, double value)
{
    for (int64_t i = 0; i < count; i++) a[i] = value;
}

/* pattern(m, n, k) with stride STRIDE among NaN. */
static void strided(int64_t m, int64_t n, int64_t k, double *a)
{
    fill(a, m * STRIDE, NAN);
    pattern(m, n, k, a, STRIDE);
}

static double gap(int64_t m, int64_t n, const double *a, int64_t lda, const double *b, int64_t ldb)
{
    double most = 0;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) most = fmax(most, fabs(a[i * lda + j] - b[i * ldb + j]));
    return most;
}

/* max |q'q - I| for the columns of q (m x n). */
static double column_gap(int64_t m, int64_t n, const double *q, int64_t ld)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = -(i == j);
            for (int64_t k = 0; k < m; k++) sum += q[k * ld + i] * q[k * ld + j];
            most = fmax(most, fabs(sum));
        }
    return most;
}

static void test_gemm(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[7 * STRIDE], b[7 * STRIDE], c[5 * STRIDE], small[4] = {1, 2, 3, 4}, out[4] = {NAN, NAN, NAN, NAN};

    strided(7, 5, 0, a);
    strided(7, 3, 1, b);
    strided(5, 3, 4, c);
    assert_ok(ctx, nrm_gemm(ctx, "t", 't', 'n', 5, 3, 7, 0.5, a, STRIDE, b, STRIDE, -2, c, STRIDE));
    assert_true(gap(5, 3, c, STRIDE, product_tn, 3) < 1e-12);
    assert_true(isnan(c[3])); /* nothing between the rows was written */

    assert_ok(ctx, nrm_gemm(ctx, "t", 'n', 't', 2, 2, 2, 1, small, 2, small, 2, 0, out, 2));
    assert_all_near(out, ((double[]){5, 11, 11, 25}), 4, 0); /* beta 0 does not read out */
    assert_ok(ctx, nrm_gemm(ctx, "t", 'n', 'n', 2, 2, 0, 1, NULL, 0, NULL, 2, 3, out, 2));
    assert_all_near(out, ((double[]){15, 33, 33, 75}), 4, 0); /* an empty sum */
    assert_ok(ctx, nrm_gemm(ctx, "t", 'n', 'n', 0, 2, 2, 1, NULL, 2, small, 2, 0, NULL, 2));

    assert_status(ctx, nrm_gemm(ctx, "t", 'x', 'n', 2, 2, 2, 1, small, 2, small, 2, 0, out, 2), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_gemm(ctx, "t", 'n', 'n', 2, 2, 2, NAN, small, 2, small, 2, 0, out, 2), NRM_E_NONFINITE);
    assert_status(ctx, nrm_gemm(ctx, "t", 'n', 'n', 2, 2, 2, 1, small, 1, small, 2, 0, out, 2), NRM_E_SHAPE);
    assert_status(ctx, nrm_gemm(ctx, "t", 'n', 'n', -1, 2, 2, 1, small, 2, small, 2, 0, out, 2), NRM_E_SHAPE);
    assert_status(ctx, nrm_gemm(ctx, "t", 'n', 'n', 2, 2, 2, 1, NULL, 2, small, 2, 0, out, 2), NRM_E_NULL);
    nrm_ctx_destroy(ctx);
}

static void test_qr(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[7 * STRIDE], q[7 * STRIDE], r[25];

    strided(7, 5, 0, a);
    memcpy(q, a, sizeof a);
    assert_ok(ctx, nrm_qr(ctx, "t", 7, 5, q, STRIDE, r));
    assert_all_near(r, qr_r_7x5, 25, 1e-13);
    assert_true(gap(7, 5, q, STRIDE, qr_q_7x5, 5) < 1e-14);
    assert_true(isnan(q[5]));

    double again[7 * STRIDE];
    memcpy(again, a, sizeof a);
    assert_ok(ctx, nrm_qr(ctx, "t", 7, 5, again, STRIDE, NULL));
    assert_true(gap(7, 5, q, STRIDE, again, STRIDE) == 0);

    double one[1] = {-3}, corner = 0;
    assert_ok(ctx, nrm_qr(ctx, "t", 1, 1, one, 1, &corner));
    assert_near(one[0], -1, 1e-15);
    assert_near(corner, 3, 1e-15);

    double zero[12] = {0}, rz[9];
    assert_ok(ctx, nrm_qr(ctx, "t", 4, 3, zero, 3, rz));
    assert_true(column_gap(4, 3, zero, 3) < 1e-15);
    assert_all_near(rz, ((double[9]){0}), 9, 0);

    assert_status(ctx, nrm_qr(ctx, "qr", 3, 4, a, STRIDE, r), NRM_E_SHAPE);
    assert_message(ctx, "qr: the matrix is 3 x 4");
    nrm_ctx_destroy(ctx);
}

/* Hilbert's matrix has condition number 1e16 at 12: Q stays orthogonal all the same. */
static void test_qr_ill_conditioned(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[144], q[144], r[144], back[144];

    for (int i = 0; i < 144; i++) q[i] = a[i] = 1.0 / (i / 12 + i % 12 + 1);
    assert_ok(ctx, nrm_qr(ctx, "t", 12, 12, q, 12, r));
    assert_true(column_gap(12, 12, q, 12) < 1e-14);
    assert_ok(ctx, nrm_gemm(ctx, "t", 'n', 'n', 12, 12, 12, 1, q, 12, r, 12, 0, back, 12));
    assert_true(gap(12, 12, a, 12, back, 12) < 1e-15);
    for (int i = 0; i < 12; i++) assert_true(r[i * 13] >= 0);
    nrm_ctx_destroy(ctx);
}

static void test_orthonormalise(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[7 * STRIDE];
    int64_t rank = -1;

    strided(7, 5, 0, a);
    assert_ok(ctx, nrm_orthonormalise(ctx, "t", 7, 5, a, STRIDE, 1, &rank));
    assert_int_equal(rank, 5);
    assert_true(gap(7, 5, a, STRIDE, qr_q_7x5, 5) < 1e-14);
    assert_true(isnan(a[5]));

    /* e1, e1, e2: a Householder QR puts e2 into the column of the second e1 and finds
     * nothing left for the third; the third is independent all the same. */
    double b[9] = {1, 1, 0, 0, 0, 1, 0, 0, 0};
    assert_ok(ctx, nrm_orthonormalise(ctx, "t", 3, 3, b, 3, 1, &rank));
    assert_int_equal(rank, 2);
    assert_true(column_gap(3, 3, b, 3) < 1e-15);
    assert_near(fabs(b[0]), 1, 1e-15);
    assert_near(fabs(b[3 + 2]), 1, 1e-15); /* third column is e2 */
    assert_near(fabs(b[6 + 1]), 1, 1e-14); /* and the second is what is left: e3 */

    double zero[24] = {0}, again[24] = {0}, other[24] = {0};
    assert_ok(ctx, nrm_orthonormalise(ctx, "t", 6, 4, zero, 4, 5, &rank));
    assert_int_equal(rank, 0);
    assert_true(column_gap(6, 4, zero, 4) < 1e-15);
    assert_ok(ctx, nrm_orthonormalise(ctx, "t", 6, 4, again, 4, 5, NULL));
    assert_memory_equal(zero, again, sizeof zero);
    assert_ok(ctx, nrm_orthonormalise(ctx, "t", 6, 4, other, 4, 6, NULL));
    assert_memory_not_equal(zero, other, sizeof zero); /* the seed matters */

    /* Nearly dependent: 1e-8 is above the threshold, 1e-13 below; huge scale. */
    double near_columns[12] = {1, 1, 1, 0, 1e-8, 0, 0, 0, 1e-13, 0, 0, 0};
    for (int i = 0; i < 12; i++) near_columns[i] *= 1e305;
    assert_ok(ctx, nrm_orthonormalise(ctx, "t", 4, 3, near_columns, 3, 1, &rank));
    assert_int_equal(rank, 2);
    assert_true(column_gap(4, 3, near_columns, 3) < 1e-14);
    double tiny[4] = {5e-324, 0, 0, 5e-324};
    assert_ok(ctx, nrm_orthonormalise(ctx, "t", 2, 2, tiny, 2, 1, &rank));
    assert_int_equal(rank, 2);
    assert_all_near(tiny, ((double[]){1, 0, 0, 1}), 4, 0);
    assert_status(ctx, nrm_orthonormalise(ctx, "t", 2, 3, b, 3, 1, &rank), NRM_E_SHAPE);
    nrm_ctx_destroy(ctx);
}

static void check_svd(nrm_ctx *ctx, int64_t m, int64_t n, int64_t k, const double *expected)
{
    const int64_t p = m < n ? m : n;
    double a[12 * STRIDE], u[144], s[12], vt[144], back[144], values[12];

    strided(m, n, k, a);
    assert_ok(ctx, nrm_svd(ctx, "t", m, n, a, STRIDE, u, s, vt));
    if (expected) assert_all_near(s, expected, p, 1e-13);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            back[i * n + j] = 0;
            for (int64_t l = 0; l < p; l++) back[i * n + j] += u[i * p + l] * s[l] * vt[l * n + j];
        }
    assert_true(gap(m, n, a, STRIDE, back, n) < 1e-13);
    assert_true(column_gap(m, p, u, p) < 1e-14);
    for (int64_t i = 1; i < p; i++) assert_true(s[i] <= s[i - 1]);
    assert_ok(ctx, nrm_svd(ctx, "t", m, n, a, STRIDE, NULL, values, NULL));
    assert_all_near(values, s, p, 1e-13);
    double only[144];
    assert_ok(ctx, nrm_svd(ctx, "t", m, n, a, STRIDE, NULL, values, only));
    assert_all_near(only, vt, p * n, 1e-13);
}

static void test_svd(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    check_svd(ctx, 7, 5, 0, svd_7x5);
    check_svd(ctx, 5, 9, 1, svd_5x9);
    check_svd(ctx, 1, 9, 2, NULL);
    check_svd(ctx, 9, 1, 2, NULL);
    check_svd(ctx, 1, 1, 3, NULL);
    check_svd(ctx, 6, 6, 4, NULL);

    double huge[4] = {3e307, 0, 0, 4e307}, s[2];
    assert_ok(ctx, nrm_svd(ctx, "t", 2, 2, huge, 2, NULL, s, NULL));
    assert_near(s[0] / 4e307, 1, 1e-14);
    assert_near(s[1] / 3e307, 1, 1e-14);
    nrm_ctx_destroy(ctx);
}

static void test_eigen(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[6 * STRIDE], full[36], w[6], v[36], values[6];

    strided(6, 6, 2, a);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) full[i * 6 + j] = a[(i > j ? i : j) * STRIDE + (i > j ? j : i)];
    for (int i = 0; i < 6; i++)
        for (int j = i + 1; j < 6; j++) a[i * STRIDE + j] = INFINITY; /* never read */
    assert_ok(ctx, nrm_eigen_symmetric(ctx, "t", 6, a, STRIDE, w, v));
    assert_all_near(w, eigen_6, 6, 1e-13);
    assert_true(column_gap(6, 6, v, 6) < 1e-14);
    for (int k = 0; k < 6; k++)
        for (int i = 0; i < 6; i++) {
            double sum = 0;
            for (int j = 0; j < 6; j++) sum += full[i * 6 + j] * v[j * 6 + k];
            assert_near(sum, w[k] * v[i * 6 + k], 1e-13);
        }
    assert_ok(ctx, nrm_eigen_symmetric(ctx, "t", 6, a, STRIDE, values, NULL));
    assert_all_near(values, w, 6, 1e-13);
    a[3 * STRIDE + 1] = NAN;
    assert_status(ctx, nrm_eigen_symmetric(ctx, "eig", 6, a, STRIDE, w, v), NRM_E_NONFINITE);
    assert_message(ctx, "eig: the matrix[3,1] is nan");
    nrm_ctx_destroy(ctx);
}

static void test_cholesky(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[35], g[25], gram[25], b[5 * STRIDE], x[5 * STRIDE];

    pattern(7, 5, 0, a, 5);
    memset(g, 0, sizeof g);
    for (int i = 0; i < 5; i++) g[i * 6] = 1;
    assert_ok(ctx, nrm_gemm(ctx, "t", 't', 'n', 5, 5, 7, 1, a, 5, a, 5, 1, g, 5));
    memcpy(gram, g, sizeof g);
    for (int i = 0; i < 5; i++)
        for (int j = i + 1; j < 5; j++) g[i * 5 + j] = NAN; /* never read */
    assert_ok(ctx, nrm_cholesky(ctx, "t", 5, g, 5));
    assert_all_near(g, cholesky_5, 25, 1e-13);

    strided(5, 3, 1, b);
    memcpy(x, b, sizeof b);
    assert_ok(ctx, nrm_cholesky_solve(ctx, "t", 5, g, 5, 3, x, STRIDE));
    for (int i = 0; i < 5; i++)
        for (int c = 0; c < 3; c++) {
            double sum = 0;
            for (int j = 0; j < 5; j++) sum += gram[i * 5 + j] * x[j * STRIDE + c];
            assert_near(sum, b[i * STRIDE + c], 1e-12);
        }

    double indefinite[9] = {4, 7, 7, 2, 1, 7, 0, 0, 1}, before[9];
    indefinite[4] = 1; /* the leading 2 x 2 minor is 4 - 4 = 0 */
    memcpy(before, indefinite, sizeof before);
    assert_status(ctx, nrm_cholesky(ctx, "chol", 3, indefinite, 3), NRM_E_SINGULAR);
    assert_message(ctx, "minor of order 2");
    assert_memory_equal(indefinite, before, sizeof before);
    double singular[4] = {1, 0, 1, 0};
    assert_status(ctx, nrm_cholesky_solve(ctx, "t", 2, singular, 2, 1, x, 1), NRM_E_SINGULAR);
    nrm_ctx_destroy(ctx);
}

static void test_least_squares(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[7 * STRIDE], b[7], x[9], left[8], right[12], low[24];
    int64_t rank = 0;

    strided(7, 5, 0, a);
    pattern(7, 1, 3, b, 1);
    assert_ok(ctx, nrm_least_squares(ctx, "t", 7, 5, a, STRIDE, b, x, -1, &rank));
    assert_int_equal(rank, 5);
    assert_all_near(x, lstsq_7x5, 5, 1e-13);

    pattern(4, 2, 0, left, 2);
    pattern(2, 6, 1, right, 6);
    assert_ok(ctx, nrm_gemm(ctx, "t", 'n', 'n', 4, 6, 2, 1, left, 2, right, 6, 0, low, 6));
    pattern(4, 1, 3, b, 1);
    assert_ok(ctx, nrm_least_squares(ctx, "t", 4, 6, low, 6, b, x, 1e-10, &rank));
    assert_int_equal(rank, 2);
    assert_all_near(x, lstsq_rank2, 6, 1e-13);

    double zero[6] = {0};
    assert_ok(ctx, nrm_least_squares(ctx, "t", 2, 3, zero, 3, b, x, -1, &rank));
    assert_int_equal(rank, 0);
    assert_all_near(x, ((double[]){0, 0, 0}), 3, 0);
    assert_status(ctx, nrm_least_squares(ctx, "t", 2, 3, zero, 3, b, x, 2, &rank), NRM_E_RANGE);
    nrm_ctx_destroy(ctx);
}

/* One NaN or Inf anywhere is refused by every routine, which leaves its outputs alone. */
static void test_not_finite(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double bad[3] = {NAN, INFINITY, -INFINITY};

    for (int64_t place = 0; place < 30; place++) {
        double a[30], before[30], s[5] = {7, 7, 7, 7, 7}, u[30], value = 7, upper = 7, b[6] = {0}, x[5];
        int64_t rank = 7;
        pattern(6, 5, 0, a, 5);
        a[place] = bad[place % 3];
        memcpy(before, a, sizeof a);
        assert_status(ctx, nrm_svd(ctx, "t", 6, 5, a, 5, u, s, NULL), NRM_E_NONFINITE);
        assert_status(ctx, nrm_qr(ctx, "t", 6, 5, a, 5, NULL), NRM_E_NONFINITE);
        assert_status(ctx, nrm_orthonormalise(ctx, "t", 6, 5, a, 5, 1, &rank), NRM_E_NONFINITE);
        assert_status(ctx, nrm_least_squares(ctx, "t", 6, 5, a, 5, b, x, -1, &rank), NRM_E_NONFINITE);
        assert_status(ctx, nrm_norm_spectral(ctx, "t", 6, 5, a, 5, 1e-8, 10, &value, &upper), NRM_E_NONFINITE);
        assert_status(ctx, nrm_gemm(ctx, "t", 't', 'n', 5, 5, 6, 1, a, 5, a, 5, 0, u, 5), NRM_E_NONFINITE);
        assert_memory_equal(a, before, sizeof a);
        assert_true(s[0] == 7 && value == 7 && upper == 7 && rank == 7);
    }
    nrm_ctx_destroy(ctx);
}

/* Sizes that do not fit are refused before anything is read. */
static void test_sizes(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int64_t large = INT64_C(1) << 31;
    double a[1] = {1}, s[1];
    int64_t rank;

    assert_status(ctx, nrm_svd(ctx, "t", large, 1, a, 1, NULL, s, NULL), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_svd(ctx, "t", 1, 1, a, large, NULL, s, NULL), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_svd(ctx, "t", 1, large, a, large, NULL, s, NULL), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_svd(ctx, "t", 0, 1, a, 1, NULL, s, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_svd(ctx, "t", 1, 0, a, 1, NULL, s, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_svd(ctx, "t", 1, 1, NULL, 1, NULL, s, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_svd(ctx, "t", 1, 1, a, 1, NULL, NULL, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_cholesky(ctx, "t", large, a, large), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_orthonormalise(ctx, "t", large, 1, a, 1, 1, &rank), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_gemm(ctx, "t", 'n', 'n', 1, 1, large, 1, a, large, a, 1, 0, s, 1), NRM_E_OVERFLOW);
    nrm_ctx_destroy(ctx);
}

static void test_norms(void **state)
{
    (void)state;
    const double x[5] = {3, -4, 0, 12, -84};
    const double tiny[2] = {3e-200, 4e-200}, huge[2] = {3e200, -4e200}, least[3] = {5e-324, 5e-324, 0};
    const double block[8] = {1, 2, NAN, NAN, 2, 4, NAN, NAN};

    assert_near(nrm_norm2(x, 5), 85, 1e-15);
    assert_near(nrm_norm1(x, 5), 103, 0);
    assert_near(nrm_norm_inf(x, 5), 84, 0);
    assert_near(nrm_norm2(tiny, 2) / 5e-200, 1, 1e-15);
    assert_near(nrm_norm2(huge, 2) / 5e200, 1, 1e-15);
    assert_near(nrm_norm2(least, 2) / 5e-324, 1, 0); /* sqrt(2) of the least double rounds to one */
    assert_near(nrm_norm2(x, 0), 0, 0);
    assert_near(nrm_norm_frobenius(2, 2, block, 4), 5, 1e-15);
    assert_true(isinf(nrm_norm2((double[]){1, -INFINITY}, 2)));
    assert_true(isnan(nrm_norm2((double[]){1, NAN}, 2)));
    assert_true(isnan(nrm_norm_inf((double[]){1, NAN, 2}, 3)));
    assert_true(isinf(nrm_norm_inf((double[]){1, -INFINITY}, 2)));
    assert_true(isinf(nrm_norm2((double[]){1.7e308, 1.7e308}, 2))); /* the norm is no double */
}

/* The tree: exact where rounding cannot hide, close where naive sums are not. */
static void test_sums(void **state)
{
    (void)state;
    enum { N = 100003 };
    double *x = malloc(N * sizeof *x);

    assert_non_null(x);
    for (int64_t n = 0; n < 1100; n++) { /* every remainder of lanes and leaves */
        for (int64_t i = 0; i < n; i++) x[i] = (double)(i + 1);
        assert_true(nrm_sum(x, n) == 0.5 * (double)n * (double)(n + 1));
        assert_true(nrm_dot(x, x, n) == (double)(n * (n + 1) * (2 * n + 1) / 6));
        assert_true(nrm_norm1(x, n) == nrm_sum(x, n));
    }
    fill(x, N, 0.1);
    double naive = 0;
    for (int64_t i = 0; i < N; i++) naive += x[i];
    assert_true(fabs(nrm_sum(x, N) - 10000.3) < 1e-11);
    assert_true(fabs(naive - 10000.3) > 1e-9);
    free(x);
}

static void test_spectral(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[7 * STRIDE], value, upper;

    strided(7, 5, 0, a);
    assert_ok(ctx, nrm_norm_spectral(ctx, "t", 7, 5, a, STRIDE, 1e-12, 10000, &value, &upper));
    assert_near(value, svd_7x5[0], 1e-12);
    assert_true(upper >= svd_7x5[0]);
    assert_int_equal(nrm_norm_spectral(ctx, "t", 7, 5, a, STRIDE, 1e-12, 1, &value, &upper), NRM_NOT_CONVERGED);
    assert_true(value <= svd_7x5[0] * (1 + 1e-15) && upper >= svd_7x5[0]);

    /* One singular value dominates: the bound is sharp, whatever the scale. */
    const double scale[3] = {1, 1e300, 1e-300};
    for (int k = 0; k < 3; k++) {
        const double diagonal[6] = {3 * scale[k], 0, 0, 0, 1 * scale[k], 0};
        assert_ok(ctx, nrm_norm_spectral(ctx, "t", 2, 3, diagonal, 3, 1e-10, 1000, &value, &upper));
        assert_near(value / scale[k], 3, 1e-14);
        assert_near(upper / scale[k], 3, 1e-12);
        assert_true(upper >= 3 * scale[k]);
    }
    const double zero[4] = {0};
    assert_ok(ctx, nrm_norm_spectral(ctx, "t", 2, 2, zero, 2, 1e-10, 10, &value, &upper));
    assert_true(value == 0 && upper == 0);
    assert_status(ctx, nrm_norm_spectral(ctx, "t", 2, 2, zero, 2, -1, 10, &value, &upper), NRM_E_RANGE);
    nrm_cancel(ctx);
    assert_status(ctx, nrm_norm_spectral(ctx, "t", 7, 5, a, STRIDE, 0, 1000, &value, &upper), NRM_E_CANCELLED);
    nrm_ctx_destroy(ctx);
}

/* ---- Memory that runs out ---------------------------------------------------------------------- */

typedef struct outputs {
    double a[35], q[9], s[5], u[35], vt[25], w[4], v[16], g[16], x[5], value, upper;
    int64_t rank[2];
} outputs;

/* Everything that allocates, into a scratch first and to the outputs when all have run. */
static nrm_status everything(nrm_ctx *ctx, void *user)
{
    outputs *out = user, o = *out;
    double b[7];

    pattern(7, 5, 0, o.a, 5);
    pattern(7, 1, 3, b, 1);
    NRM_TRY(nrm_svd(ctx, "t", 7, 5, o.a, 5, o.u, o.s, o.vt));
    NRM_TRY(nrm_eigen_symmetric(ctx, "t", 4, o.a, 5, o.w, o.v));
    NRM_TRY(nrm_least_squares(ctx, "t", 7, 5, o.a, 5, b, o.x, -1, &o.rank[0]));
    NRM_TRY(nrm_norm_spectral(ctx, "t", 7, 5, o.a, 5, 0.1, 1000, &o.value, &o.upper));
    NRM_TRY(nrm_gemm(ctx, "t", 't', 'n', 4, 4, 7, 1, o.a, 5, o.a, 5, 0, o.g, 4));
    NRM_TRY(nrm_cholesky(ctx, "t", 4, o.g, 4));
    NRM_TRY(nrm_qr(ctx, "t", 7, 5, o.a, 5, NULL));
    memset(o.q, 0, sizeof o.q);
    NRM_TRY(nrm_orthonormalise(ctx, "t", 3, 3, o.q, 3, 1, &o.rank[1]));
    *out = o;
    return NRM_OK;
}

static nrm_status svd_alone(nrm_ctx *ctx, void *user)
{
    double *out = user, a[35];
    pattern(7, 5, 0, a, 5);
    return nrm_svd(ctx, "t", 7, 5, a, 5, out, out + 35, out + 40);
}

static nrm_status orthonormalise_alone(nrm_ctx *ctx, void *user)
{
    return nrm_orthonormalise(ctx, "t", 4, 3, user, 3, 1, NULL);
}

static void test_memory(void **state)
{
    (void)state;
    outputs out = {.value = 1};
    double results[65] = {0}, dependent[12] = {1, 1, 0, 2, 2, 1, 3, 3, 0, 4, 4, 0};

    nrm_test_allocation_failures(everything, &out, &out, sizeof out);
    assert_all_near(out.s, svd_7x5, 5, 1e-13);
    nrm_test_allocation_failures(svd_alone, results, results, sizeof results);
    assert_all_near(results + 35, svd_7x5, 5, 1e-13);
    nrm_test_allocation_failures(orthonormalise_alone, dependent, dependent, sizeof dependent);
    assert_true(column_gap(4, 3, dependent, 3) < 1e-14);
}

/* Larger sizes, so that LAPACK's blocked code runs; one and two threads agree. */
static void test_larger(void **state)
{
    (void)state;
    enum { M = 150, N = 90 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double *a = malloc(sizeof(double) * M * N), *q = malloc(sizeof(double) * M * N), s[2][N];
    double *r = malloc(sizeof(double) * N * N), *back = malloc(sizeof(double) * M * N);
    uint64_t seed = 3;

    assert_true(a && q && r && back);
    for (int i = 0; i < M * N; i++) q[i] = a[i] = nrm_test_normal(&seed);
    for (int threads = 1; threads <= 2; threads++) {
        assert_ok(ctx, nrm_set_threads(ctx, threads));
        assert_ok(ctx, nrm_svd(ctx, "t", M, N, a, N, NULL, s[threads - 1], NULL));
    }
    assert_all_near(s[0], s[1], N, 1e-13);
    assert_ok(ctx, nrm_qr(ctx, "t", M, N, q, N, r));
    assert_true(column_gap(M, N, q, N) < 1e-13);
    assert_ok(ctx, nrm_gemm(ctx, "t", 'n', 'n', M, N, N, 1, q, N, r, N, 0, back, N));
    assert_true(gap(M, N, a, N, back, N) < 1e-13);
    double sum = 0;
    for (int i = 0; i < N; i++) sum += s[0][i] * s[0][i];
    assert_near(sqrt(sum), nrm_norm_frobenius(M, N, a, N), 1e-13);
    free(a); free(q); free(r); free(back);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_gemm), cmocka_unit_test(test_qr), cmocka_unit_test(test_qr_ill_conditioned),
              cmocka_unit_test(test_orthonormalise), cmocka_unit_test(test_svd), cmocka_unit_test(test_eigen),
              cmocka_unit_test(test_cholesky), cmocka_unit_test(test_least_squares), cmocka_unit_test(test_not_finite),
              cmocka_unit_test(test_sizes), cmocka_unit_test(test_norms), cmocka_unit_test(test_sums),
              cmocka_unit_test(test_spectral), cmocka_unit_test(test_memory), cmocka_unit_test(test_larger))
