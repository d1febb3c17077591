/* test_select_columns.c -- the method select-columns, against sums written out. */
#include "testkit.h"
#include <norma/select_columns.h>

static const double G0[12] = {1, 2, -1, 0, 0, 1, 3, -2, 2, -1, 0, 1};

static nrm_select_columns_options with(int64_t rank, int basis, int side, int64_t ell_norm)
{
    nrm_select_columns_options o = nrm_select_columns_options_default();
    o.rank = rank, o.basis = basis, o.side = side, o.ell_norm = ell_norm;
    return o;
}

/* Spec 14, item 2: ranks 1 and 2 of the example, and its transpose. */
static void test_worked(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_select_columns_options o = with(1, NRM_BASIS_DCT2, NRM_PROJECT_AUTO, 1);
    nrm_select_columns_info info;
    double low[8], other[8], scores[3], turned[12];
    int64_t index[2];

    o.compare = true;
    assert_ok(ctx, nrm_select_columns_f64(ctx, 3, 4, G0, 4, index, low, NULL, scores, &info, &o));
    assert_string_equal(info.side, "left");
    assert_int_equal(index[0], 2);
    assert_near(scores[0], 4.6188021535, 1e-9), assert_near(scores[1], 4.2426406871, 1e-9), assert_near(scores[2], 6.5319726474, 1e-9);
    assert_near(info.residual * info.residual * 26, 12, 1e-12);
    assert_near(info.captured * 26, 14, 1e-12);
    assert_near(info.best * info.best * 26, 10.9009805, 1e-7);
    assert_near(info.bound * info.bound * 26, 17.3333333333, 1e-9);
    o.rank = 2, o.ell_norm = 2; /* the first two scores are equal but for rounding */
    assert_ok(ctx, nrm_select_columns_f64(ctx, 3, 4, G0, 4, index, low, NULL, scores, &info, &o));
    assert_int_equal(index[1], 2);
    assert_near(scores[0] * scores[0], 6, 1e-12), assert_near(scores[1] * scores[1], 6, 1e-12), assert_near(scores[2] * scores[2], 14, 1e-12);
    assert_near(info.residual * info.residual * 26, 6, 1e-12);
    assert_near(info.best * info.best * 26, 4.9009805, 1e-7);
    o.ell_norm = 1;
    assert_ok(ctx, nrm_select_columns_f64(ctx, 3, 4, G0, 4, index, low, NULL, scores, &info, &o));
    assert_true(index[0] == 0 && index[1] == 2);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) turned[j * 3 + i] = G0[i * 4 + j];
    assert_ok(ctx, nrm_select_columns_f64(ctx, 4, 3, turned, 3, index, other, NULL, NULL, &info, &o));
    assert_string_equal(info.side, "right");
    for (int k = 0; k < 2; k++)
        for (int j = 0; j < 4; j++) assert_near(other[j * 2 + k], low[k * 4 + j], 1e-13);
    nrm_ctx_destroy(ctx);
}

/* D of cosines and of Hadamard, from their formulas. */
static double formula(int kind, int64_t n, int64_t i, int64_t j)
{
    if (kind == NRM_BASIS_IDENTITY) return i == j;
    if (kind == NRM_BASIS_HADAMARD) return (__builtin_popcountll((unsigned long long)(i & j)) % 2 ? -1 : 1) / sqrt((double)n);
    const int64_t k = kind == NRM_BASIS_DCT3 ? i : j, x = kind == NRM_BASIS_DCT3 ? j : i;
    return sqrt((k == 0 ? 1 : 2) / (double)n) * cos(3.14159265358979323846 * (double)k * (2 * (double)x + 1) / (2 * (double)n));
}

/* What the outputs say of each other and of a: every basis, both sides, both types, strides, fft
 * and products, threads. */
static void check_case(int64_t m, int64_t n, int kind, int side, int transform)
{
    enum { MOST = 64 * 80 };
    static double a[MOST], low[MOST], up[MOST], again[MOST];
    static float single[MOST], single_low[MOST], single_up[MOST];
    int64_t index[80], other[80], rank, shape[2], lda = n + 3;
    double scores[80], sum = 0, left = 0, held = 0, chosen_scores = 0;
    uint64_t seed = (uint64_t)(m * 100 + n + kind);
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_select_columns_options o = with(0, kind, side, 2);
    nrm_select_columns_info info, after;

    o.transform = transform, o.compare = true;
    for (int64_t i = 0; i < m * lda; i++) a[i] = (double)(single[i] = (float)nrm_test_normal(&seed));
    assert_ok(ctx, nrm_select_columns_size(ctx, m, n, &o, &rank, shape));
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, nrm_select_columns_f64(ctx, m, n, a, lda, index, low, up, scores, &info, &o));
    const bool right = strcmp(info.side, "right") == 0;
    const int64_t length = right ? n : m;
    assert_true(rank == (length / 4 > 1 ? length / 4 : 1) && info.rank == rank && info.length == length);
    assert_true(shape[0] == (right ? m : rank) && shape[1] == (right ? rank : n));
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            const double off = a[i * lda + j] - up[i * n + j];
            sum += a[i * lda + j] * a[i * lda + j], left += off * off;
        }
    assert_near(info.norm, sqrt(sum), 1e-13);
    assert_near(info.residual, sqrt(left / sum), 1e-12);
    assert_true(info.residual <= info.bound + 1e-14);
    assert_true(info.residual >= info.best - 1e-14);
    for (int64_t i = 0; i < shape[0] * shape[1]; i++) held += low[i] * low[i];
    for (int64_t r = 0; r < rank; r++) chosen_scores += scores[index[r]] * scores[index[r]];
    assert_near(info.captured, held / sum, 1e-13);
    assert_near(info.captured, chosen_scores / sum, 1e-12);
    assert_near(info.captured, 1 - left / sum, 1e-12);
    for (int64_t k = 0, kept = 0; k < length; k++) { /* none left out is better than one taken */
        const bool chosen = kept < rank && index[kept] == k;
        for (int64_t r = 0; r < rank; r++) assert_true(chosen || scores[k] <= scores[index[r]]);
        kept += chosen;
    }
    if (kind != NRM_BASIS_RANDOM)
        for (int64_t i = 0; i < shape[0]; i++)
            for (int64_t j = 0; j < shape[1]; j++) {
                double entry = 0;
                for (int64_t k = 0; k < length; k++)
                    entry += right ? a[i * lda + k] * formula(kind, length, k, index[j]) : formula(kind, length, k, index[i]) * a[k * lda + j];
                assert_near(low[i * shape[1] + j], entry, 1e-12);
            }
    assert_ok(ctx, nrm_set_threads(ctx, 2));
    assert_ok(ctx, nrm_select_columns_f64(ctx, m, n, a, lda, other, again, NULL, NULL, &after, &o));
    assert_memory_equal(other, index, (size_t)rank * sizeof *index);
    assert_memory_equal(again, low, (size_t)(shape[0] * shape[1]) * sizeof *low);
    assert_true(after.residual == info.residual && after.captured == info.captured && after.best == info.best);
    assert_ok(ctx, nrm_select_columns_f32(ctx, m, n, single, lda, other, single_low, single_up, NULL, &after, &o));
    assert_memory_equal(other, index, (size_t)rank * sizeof *index);
    for (int64_t i = 0; i < shape[0] * shape[1]; i++) assert_near((double)single_low[i], low[i], 2e-5);
    assert_near(after.residual, info.residual, 1e-6);
    assert_near(after.captured, info.captured, 1e-6);
    nrm_ctx_destroy(ctx);
}

static void test_all(void **state)
{
    (void)state;
    for (int side = 0; side < nrm_projected_side_count; side++)
        for (int transform = 0; transform < nrm_basis_transform_count; transform++)
            for (int kind = 0; kind < nrm_basis_kind_count; kind++) {
                check_case(16, 64, kind, side, transform);
                if (kind == NRM_BASIS_HADAMARD) continue;
                check_case(7, 5, kind, side, transform);
                check_case(1, 9, kind, side, transform);
                check_case(67, 70, kind, side, transform);
            }
}

static void test_extremes(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_select_columns_options o = with(2, NRM_BASIS_DCT2, NRM_PROJECT_AUTO, 2);
    nrm_select_columns_info info;
    double a[12] = {0}, low[12], up[12];
    float f[12], single_low[8];
    int64_t index[3];

    o.compare = true;
    assert_ok(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 4, index, low, up, NULL, &info, &o));
    assert_true(index[0] == 0 && index[1] == 1 && info.residual == 0 && info.captured == 1 && info.norm == 0 && info.best == 0);
    for (int i = 0; i < 12; i++) a[i] = 1e-300 * G0[i];
    assert_ok(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 4, index, low, up, NULL, &info, &o));
    assert_near(info.residual, sqrt(6.0 / 26), 1e-12);
    assert_near(info.best, 0.4341648, 1e-6);
    for (int i = 0; i < 12; i++) a[i] = 1e300 * G0[i];
    assert_ok(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 4, index, low, up, NULL, &info, &o));
    assert_near(info.residual, sqrt(6.0 / 26), 1e-12);
    assert_near(info.captured, 20.0 / 26, 1e-12);
    o.rank = 3, o.compare = false;
    assert_ok(ctx, nrm_select_columns_f64(ctx, 3, 4, G0, 4, index, low, up, NULL, &info, &o));
    assert_true(info.residual < 1e-15 && info.bound == 0);
    assert_near(info.captured, 1, 1e-14);
    for (int i = 0; i < 12; i++) f[i] = 3e38f;
    o.rank = 2;
    index[0] = 77;
    assert_status(ctx, nrm_select_columns_f32(ctx, 3, 4, f, 4, index, single_low, NULL, NULL, &info, &o), NRM_E_OVERFLOW);
    assert_message(ctx, "select-columns: the projection is out of the range of its type; scale a down");
    assert_int_equal(index[0], 77);
    nrm_ctx_destroy(ctx);
}

/* Entries within the range of f64, norms of two rows beyond it: refused where the norms are asked for. */
static void test_norms_out_of_range(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_select_columns_options o = with(1, NRM_BASIS_IDENTITY, NRM_PROJECT_LEFT, 2);
    nrm_select_columns_info info = {.rank = 77};
    const double a[4] = {1, 2, 1.5e308, -1.5e308};
    double low[2] = {5, 5}, scores[2] = {6, 6};
    int64_t index[1] = {77};

    for (o.ell_norm = 1; o.ell_norm <= 2; o.ell_norm++) {
        assert_status(ctx, nrm_select_columns_f64(ctx, 2, 2, a, 2, index, low, NULL, scores, &info, &o), NRM_E_OVERFLOW);
        assert_message(ctx, "select-columns: score 1 is out of the range of f64; scale a down");
        assert_true(index[0] == 77 && low[0] == 5 && low[1] == 5 && scores[0] == 6 && scores[1] == 6 && info.rank == 77);
    }
    o.ell_norm = 2;
    assert_ok(ctx, nrm_select_columns_f64(ctx, 2, 2, a, 2, index, low, NULL, NULL, &info, &o));
    assert_true(index[0] == 1 && low[0] == a[2] && low[1] == a[3] && isinf(info.norm));
    assert_near(info.captured, 1, 1e-15);
    nrm_ctx_destroy(ctx);
}

/* Spec 14, item 3: no other two columns leave less for p = 2; for p = 1 the bound can fail. */
static void test_optimal(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_select_columns_options o = with(2, NRM_BASIS_DCT3, NRM_PROJECT_RIGHT, 2);
    nrm_select_columns_info info;
    double a[45], s[32], low[18], least = INFINITY;
    int64_t index[2];
    uint64_t seed = 3;

    for (int i = 0; i < 45; i++) a[i] = nrm_test_normal(&seed);
    assert_ok(ctx, nrm_select_columns_f64(ctx, 9, 5, a, 5, index, low, NULL, NULL, &info, &o));
    for (int p = 0; p < 5; p++)
        for (int q = p + 1; q < 5; q++) {
            double left = 0;
            for (int i = 0; i < 9; i++) {
                double along[2] = {0, 0};
                for (int k = 0; k < 5; k++)
                    along[0] += a[i * 5 + k] * formula(o.basis, 5, k, p), along[1] += a[i * 5 + k] * formula(o.basis, 5, k, q);
                for (int k = 0; k < 5; k++) {
                    const double off = a[i * 5 + k] - along[0] * formula(o.basis, 5, k, p) - along[1] * formula(o.basis, 5, k, q);
                    left += off * off;
                }
            }
            least = fmin(least, sqrt(left));
        }
    assert_near(info.residual * info.norm, least, 1e-12);

    for (int i = 0; i < 16; i++) s[2 * i] = i == 0, s[2 * i + 1] = 0.15;
    o = with(1, NRM_BASIS_IDENTITY, NRM_PROJECT_RIGHT, 1);
    assert_ok(ctx, nrm_select_columns_f64(ctx, 16, 2, s, 2, index, low, NULL, NULL, &info, &o));
    assert_true(index[0] == 1 && info.residual > info.bound);
    assert_near(info.residual * info.residual * 1.36, 1, 1e-12);
    o.ell_norm = 2;
    assert_ok(ctx, nrm_select_columns_f64(ctx, 16, 2, s, 2, index, low, NULL, NULL, &info, &o));
    assert_true(index[0] == 0 && info.residual <= info.bound);
    nrm_ctx_destroy(ctx);
}

static void test_refusals(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_select_columns_options o = with(4, NRM_BASIS_DCT2, NRM_PROJECT_AUTO, 2);
    double a[12], low[16];
    int64_t index[4], rank, shape[2];

    memcpy(a, G0, sizeof a);
    assert_status(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 4, index, low, NULL, NULL, NULL, &o), NRM_E_RANGE);
    assert_message(ctx, "select-columns: rank is 4; the left side of a, 3 x 4, has 3 columns of the basis: it must be 1 to that");
    o = with(1, NRM_BASIS_HADAMARD, NRM_PROJECT_AUTO, 2);
    assert_status(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 4, index, low, NULL, NULL, NULL, &o), NRM_E_SHAPE);
    assert_message(ctx, "must be a power of two");
    o.side = NRM_PROJECT_RIGHT;
    assert_ok(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 4, index, low, NULL, NULL, NULL, &o));
    o.ell_norm = 3;
    assert_status(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 4, index, low, NULL, NULL, NULL, &o), NRM_E_RANGE);
    assert_status(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 3, index, low, NULL, NULL, NULL, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_select_columns_f64(ctx, 0, 4, a, 4, index, low, NULL, NULL, NULL, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_select_columns_f64(ctx, 3, 4, NULL, 4, index, low, NULL, NULL, NULL, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 4, index, NULL, NULL, NULL, NULL, NULL), NRM_E_NULL);
    assert_status(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 4, index, a + 4, NULL, NULL, NULL, NULL), NRM_E_ALIAS);
    assert_status(ctx, nrm_select_columns_f64(ctx, INT64_C(1) << 40, INT64_C(1) << 40, a, 4, index, low, NULL, NULL, NULL, NULL), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_select_columns_size(ctx, 3, 4, NULL, NULL, shape), NRM_E_NULL);
    assert_status(ctx, nrm_select_columns_size(ctx, 3, -4, NULL, &rank, shape), NRM_E_SHAPE);
    a[7] = NAN;
    assert_status(ctx, nrm_select_columns_f64(ctx, 3, 4, a, 4, index, low, NULL, NULL, NULL, NULL), NRM_E_NONFINITE);
    assert_message(ctx, "[1,3]");
    nrm_ctx_destroy(ctx);
}

typedef struct attempt_at { int basis, transform; double *low; } attempt_at;

static nrm_status attempt(nrm_ctx *ctx, void *user)
{
    const attempt_at *at = user;
    nrm_select_columns_options o = with(2, at->basis, NRM_PROJECT_AUTO, 2);
    double scores[3];
    int64_t index[2];
    o.compare = true, o.transform = at->transform;
    return nrm_select_columns_f64(ctx, 3, 4, G0, 4, index, at->low, NULL, scores, NULL, &o);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    double low[8] = {0};
    attempt_at products = {NRM_BASIS_RANDOM, NRM_BASIS_AUTO, low}, fast = {NRM_BASIS_DCT2, NRM_BASIS_FFT, low};
    nrm_test_allocation_failures(attempt, &products, low, sizeof low);
    nrm_test_allocation_failures(attempt, &fast, low, sizeof low);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked), cmocka_unit_test(test_all), cmocka_unit_test(test_extremes),
              cmocka_unit_test(test_norms_out_of_range), cmocka_unit_test(test_optimal),
              cmocka_unit_test(test_refusals), cmocka_unit_test(test_allocation_failures))
