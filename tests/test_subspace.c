/* test_subspace.c -- fixed orthogonal bases and the choice of their columns (linalg/basis.h),
 * and the factorisations of linalg/dense_run.h: worked numbers, plain products as the
 * reference, bounds that hold for every matrix. */
#include "linalg/basis.h"
#include "linalg/dense_run.h"
#include "linalg/linalg.h"
#include "linalg/transform.h"
#include "testkit.h"

static const double G0[12] = {1, 2, -1, 0, 0, 1, 3, -2, 2, -1, 0, 1};

/* What a test needs of a view: memory of exactly the sizes promised. */
typedef struct lab { nrm_ctx *ctx; nrm_basis *basis; nrm_basis_view v; void *work; } lab;

static lab lab_make(nrm_basis_kind kind, nrm_basis_transform transform, nrm_dtype dtype, bool right, int64_t m, int64_t n, int64_t rank)
{
    lab l = {.ctx = nrm_test_ctx(NULL)};
    const int64_t bytes = nrm_basis_work(kind, transform, dtype, right, m, n, rank);
    assert_true(bytes > 0);
    assert_ok(l.ctx, nrm_basis_create(l.ctx, "test", kind, transform, right ? n : m, 5, dtype, &l.basis));
    assert_ok(l.ctx, nrm_alloc_bytes(l.ctx, &l.work, bytes, 1, "test"));
    l.v = (nrm_basis_view){.basis = l.basis, .right = right, .rows = m, .cols = n, .rank = rank, .threads = 1, .work = l.work};
    return l;
}

static void lab_end(lab *l)
{
    nrm_free(l->ctx, l->work);
    nrm_basis_destroy(l->ctx, l->basis);
    nrm_ctx_destroy(l->ctx);
}

static void fill(double *x, int64_t n, uint64_t seed)
{
    for (int64_t i = 0; i < n; i++) x[i] = nrm_test_normal(&seed);
}

/* D as basis.h has it, column by column. */
static void whole(lab *l, double *d)
{
    int64_t index[512];
    const int64_t n = l->basis->n, rank = l->v.rank;
    for (int64_t j = 0; j < n; j++) index[j] = j;
    l->v.rank = n;
    nrm_basis_columns(&l->v, index, d);
    l->v.rank = rank;
}

/* s = a d or d'a, by three loops. */
static void reference(bool right, int64_t m, int64_t n, const double *a, const double *d, double *s)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t k = 0; k < (right ? n : m); k++) sum += right ? a[i * n + k] * d[k * n + j] : d[k * m + i] * a[k * n + j];
            s[i * n + j] = sum;
        }
}

static const double ACCURACY = 1e-12;

static void test_cosine_matrix(void **unused)
{
    (void)unused;
    const double want[9] = {0.5773502692, 0.5773502692, 0.5773502692, 0.7071067812, 0, -0.7071067812,
                            0.4082482905, -0.8164965809, 0.4082482905};
    double d[9], e[9];
    lab l = lab_make(NRM_BASIS_DCT3, NRM_BASIS_GEMM, NRM_F64, true, 3, 3, 3);
    whole(&l, d);
    assert_all_near(d, want, 9, 1e-9);
    lab_end(&l);
    l = lab_make(NRM_BASIS_DCT2, NRM_BASIS_GEMM, NRM_F64, true, 3, 3, 3);
    whole(&l, e);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) assert_true(e[i * 3 + j] == d[j * 3 + i]);
    lab_end(&l);
}

/* D'D = I for every basis; the transform, the product and three loops agree; back again. */
static void check_basis(nrm_basis_kind kind, nrm_basis_transform transform, bool right, int64_t m, int64_t n)
{
    static double a[40 * 512], s[40 * 512], want[40 * 512], back[40 * 512], d[512 * 512];
    lab l = lab_make(kind, transform, NRM_F64, right, m, n, 1);
    const double tolerance = l.basis->fft ? fmax(ACCURACY, 10 * nrm_fft_accuracy()) : ACCURACY;
    const int64_t side = l.basis->n;

    whole(&l, d);
    for (int64_t i = 0; i < side; i += nrm_max_i64(1, side / 7))
        for (int64_t j = 0; j < side; j++) {
            double sum = 0;
            for (int64_t k = 0; k < side; k++) sum += d[k * side + i] * d[k * side + j];
            assert_near(sum, i == j, 1e-13);
        }
    fill(a, m * n, (uint64_t)(m * 1000 + n));
    reference(right, m, n, a, d, want);
    nrm_basis_forward(&l.v, a, s);
    assert_all_near(s, want, m * n, tolerance);
    nrm_basis_inverse(&l.v, s, back);
    assert_all_near(back, a, m * n, tolerance);
    lab_end(&l);
}

static void test_transforms(void **unused)
{
    (void)unused;
    const int64_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 12, 16, 31, 63, 64, 97, 128};
    for (int i = 0; i < NRM_COUNT(lengths); i++)
        for (int transform = NRM_BASIS_AUTO; transform <= NRM_BASIS_GEMM; transform++) {
            const int64_t n = lengths[i];
            for (int kind = 0; kind < nrm_basis_kind_count; kind++) {
                if (kind == NRM_BASIS_HADAMARD && !nrm_is_power_of_two(n)) continue;
                check_basis((nrm_basis_kind)kind, (nrm_basis_transform)transform, true, 1 + i * 3, n);
                check_basis((nrm_basis_kind)kind, (nrm_basis_transform)transform, false, n, 2 + i * 3);
            }
        }
    check_basis(NRM_BASIS_DCT2, NRM_BASIS_FFT, true, 37, 500);
    check_basis(NRM_BASIS_DCT2, NRM_BASIS_FFT, false, 500, 37);
}

static void test_worked_selection(void **unused)
{
    (void)unused;
    const double want[12] = {1.7320508076, 1.1547005384, 1.1547005384, -0.5773502692, -0.7071067812, 2.1213203436,
                             -0.7071067812, -0.7071067812, 1.2247448714, -0.4082482905, -2.8577380332, 2.0412414523};
    for (int transform = NRM_BASIS_AUTO; transform <= NRM_BASIS_GEMM; transform++) {
        double s[12], low[12], again[12], back[12], room[12], turned[12], swapped[12];
        int64_t index[3];
        lab l = lab_make(NRM_BASIS_DCT2, (nrm_basis_transform)transform, NRM_F64, false, 3, 4, 2);
        const double tolerance = fmax(1e-9, 10 * nrm_fft_accuracy());
        nrm_basis_forward(&l.v, G0, s);
        assert_all_near(s, want, 12, tolerance);
        assert_all_near(nrm_basis_scores(&l.v, 1, s), ((double[]){4.618802154, 4.242640687, 6.531972647}), 3, tolerance);
        assert_all_near(nrm_basis_scores(&l.v, 2, s), ((double[]){6, 6, 14}), 3, tolerance);
        for (l.v.rank = 1; l.v.rank <= 2; l.v.rank++) {
            nrm_basis_select(&l.v, 1, false, s, index);
            assert_int_equal(index[l.v.rank - 1], 2);
            if (l.v.rank == 2) assert_int_equal(index[0], 0);
            nrm_basis_take(&l.v, s, index, low);
            nrm_basis_up(&l.v, low, index, back);
            double rest = 0;
            for (int i = 0; i < 12; i++) rest += (G0[i] - back[i]) * (G0[i] - back[i]);
            assert_near(rest, l.v.rank == 1 ? 12 : 6, tolerance);
            nrm_basis_down(&l.v, back, index, room, again); /* a projection: once more changes nothing */
            assert_all_near(again, low, 4 * l.v.rank, tolerance);
        }
        l.v.rank = 2;
        nrm_basis_select(&l.v, 1, true, s, index);
        assert_true(index[0] == 2 && index[1] == 0);
        lab_end(&l);
        /* The transposed problem. */
        for (int i = 0; i < 12; i++) turned[i % 4 * 3 + i / 4] = G0[i];
        l = lab_make(NRM_BASIS_DCT2, (nrm_basis_transform)transform, NRM_F64, true, 4, 3, 2);
        nrm_basis_forward(&l.v, turned, swapped);
        for (int i = 0; i < 12; i++) assert_near(swapped[i % 4 * 3 + i / 4], s[i], tolerance);
        nrm_basis_select(&l.v, 1, false, swapped, index);
        assert_true(index[0] == 0 && index[1] == 2);
        lab_end(&l);
    }
}

/* p = 2 is the best choice for this basis, never better than the SVD, never worse than the mean. */
static void test_optimal(void **unused)
{
    (void)unused;
    enum { M = 9, N = 6 };
    double a[M * N], s[M * N], sigma[N];
    int64_t index[N];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int rank = 1; rank <= N; rank++) {
        lab l = lab_make(NRM_BASIS_DCT2, NRM_BASIS_GEMM, NRM_F64, true, M, N, rank);
        fill(a, M * N, (uint64_t)rank);
        nrm_basis_forward(&l.v, a, s);
        double score[N], all = 0, kept = 0, svd = 0, best = 0;
        memcpy(score, nrm_basis_scores(&l.v, 2, s), sizeof score);
        nrm_basis_select(&l.v, 2, false, s, index);
        for (int j = 0; j < N; j++) all += score[j];
        for (int j = 0; j < rank; j++) kept += score[index[j]];
        for (int set = 0; set < 1 << N; set++) {
            double sum = 0;
            for (int j = 0; j < N; j++) sum += set >> j & 1 ? score[j] : 0;
            if (__builtin_popcount((unsigned)set) == rank) best = fmax(best, sum);
        }
        assert_ok(ctx, nrm_svd(ctx, "test", M, N, a, N, NULL, sigma, NULL));
        for (int j = rank; j < N; j++) svd += sigma[j] * sigma[j];
        assert_near(kept, best, 1e-13);
        assert_true(all - kept <= (1 - rank / (double)N) * all + 1e-12 && all - kept >= svd - 1e-12);
        lab_end(&l);
    }
    nrm_ctx_destroy(ctx);
}

/* Ties go to the smaller index; the 1-norm can pick what the 2-norm would not. */
static void test_scores(void **unused)
{
    (void)unused;
    double s[16 * 2], equal[2 * 40];
    int64_t index[40];
    lab l = lab_make(NRM_BASIS_IDENTITY, NRM_BASIS_AUTO, NRM_F64, true, 16, 2, 1);
    for (int i = 0; i < 16; i++) s[2 * i] = i == 0, s[2 * i + 1] = 0.15;
    assert_all_near(nrm_basis_scores(&l.v, 1, s), ((double[]){1, 2.4}), 2, 1e-14);
    assert_all_near(nrm_basis_scores(&l.v, 2, s), ((double[]){1, 0.36}), 2, 1e-14);
    nrm_basis_select(&l.v, 1, false, s, index);
    assert_int_equal(index[0], 1);
    nrm_basis_select(&l.v, 2, false, s, index);
    assert_int_equal(index[0], 0);
    lab_end(&l);
    l = lab_make(NRM_BASIS_IDENTITY, NRM_BASIS_AUTO, NRM_F64, true, 2, 40, 35);
    for (int i = 0; i < 80; i++) equal[i] = i % 40 == 7 ? 2 : 1;
    for (int falling = 0; falling < 2; falling++)
        for (l.v.rank = 1; l.v.rank <= 35; l.v.rank += 34) {
            nrm_basis_select(&l.v, 1, falling, equal, index);
            if (falling || l.v.rank == 1) assert_int_equal(index[0], 7);
            else
                for (int k = 0; k < 35; k++) assert_int_equal(index[k], k);
        }
    lab_end(&l);
}

/* All of the basis gives the matrix back; down by columns is what the whole transform says. */
static void test_down_and_up(void **unused)
{
    (void)unused;
    enum { M = 70, N = 96, AREA = M * N };
    static double a[AREA], s[AREA], low[AREA], want[AREA], back[AREA];
    int64_t index[N];
    for (int right = 0; right < 2; right++)
        for (int kind = 0; kind < nrm_basis_kind_count; kind++) {
            const int64_t m = right ? N : M, n = right ? M : N;
            if (kind == NRM_BASIS_HADAMARD) continue;
            for (int64_t rank = 5; rank <= M; rank += 65) { /* by columns, by the transform */
                lab l = lab_make((nrm_basis_kind)kind, NRM_BASIS_AUTO, NRM_F64, right, m, n, rank);
                const double tolerance = fmax(1e-13, 10 * nrm_fft_accuracy());
                fill(a, AREA, 9);
                nrm_basis_forward(&l.v, a, s);
                nrm_basis_select(&l.v, 2, false, s, index);
                nrm_basis_take(&l.v, s, index, want);
                nrm_basis_down(&l.v, a, index, back, low);
                assert_all_near(low, want, rank * (right ? m : n), tolerance);
                nrm_basis_up(&l.v, low, index, back);
                if (rank == M) assert_all_near(back, a, AREA, tolerance);
                nrm_basis_down(&l.v, back, index, s, low);
                assert_all_near(low, want, rank * (right ? m : n), tolerance);
                lab_end(&l);
            }
        }
}

/* f32 beside f64, and the same bits for one and two threads. */
static void test_types_and_threads(void **unused)
{
    (void)unused;
    enum { M = 260, N = 640, AREA = M * N };
    static float a[AREA], s[AREA], low[2][AREA], back[2][AREA];
    static double wide[AREA], exact[AREA];
    static int64_t index[2][N];
    uint64_t seed = 3;
    for (int i = 0; i < AREA; i++) a[i] = (float)nrm_test_normal(&seed), wide[i] = (double)a[i];
    for (int kind = 0; kind < 4; kind++)
        for (int right = 0; right < 2; right++) {
            const int64_t m = right ? N : M, n = right ? M : N, side = M;
            nrm_basis_kind basis = kind == 2 ? NRM_BASIS_RANDOM : kind == 1 ? NRM_BASIS_DCT3 : NRM_BASIS_DCT2;
            const int64_t rank = kind == 3 ? 8 : 200;
            lab l = lab_make(basis, NRM_BASIS_AUTO, NRM_F64, right, m, n, rank);
            nrm_basis_forward(&l.v, wide, exact);
            lab_end(&l);
            l = lab_make(basis, NRM_BASIS_AUTO, NRM_F32, right, m, n, rank);
            for (int t = 0; t < 2; t++) {
                l.v.threads = 1 + t;
                nrm_basis_forward(&l.v, a, s);
                for (int i = 0; i < AREA; i += 97) assert_near((double)s[i], exact[i], 1e-5);
                nrm_basis_select(&l.v, 1 + right, false, s, index[t]);
                nrm_basis_down(&l.v, a, index[t], s, low[t]);
                nrm_basis_up(&l.v, low[t], index[t], back[t]);
            }
            assert_memory_equal(index[0], index[1], (size_t)rank * sizeof(int64_t));
            assert_memory_equal(low[0], low[1], (size_t)(rank * (AREA / side)) * sizeof(float));
            assert_memory_equal(back[0], back[1], sizeof back[0]);
            lab_end(&l);
        }
}

/* A matrix with smooth structure lies along few cosines (spec 14, reproduction c). */
static void test_smooth(void **unused)
{
    (void)unused;
    enum { N = 256, RANK = 32 };
    static double a[N * N], s[N * N], low[N * N], back[N * N], sigma[N];
    int64_t index[RANK];
    uint64_t seed = 1;
    double rest[nrm_basis_kind_count] = {0}, svd = 0;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) a[i * N + j] = exp(-abs(i - j) / 20.0) + 0.05 * nrm_test_normal(&seed);
    const double all = nrm_norm2(a, N * N);
    for (int kind = 0; kind < nrm_basis_kind_count; kind++) {
        lab l = lab_make((nrm_basis_kind)kind, NRM_BASIS_AUTO, NRM_F64, true, N, N, RANK);
        nrm_basis_forward(&l.v, a, s);
        nrm_basis_select(&l.v, 1, false, s, index);
        nrm_basis_take(&l.v, s, index, low);
        nrm_basis_up(&l.v, low, index, back);
        for (int i = 0; i < N * N; i++) back[i] -= a[i];
        rest[kind] = nrm_norm2(back, N * N) / all;
        lab_end(&l);
    }
    assert_ok(ctx, nrm_svd(ctx, "test", N, N, a, N, NULL, sigma, NULL));
    svd = nrm_norm2(sigma + RANK, N - RANK) / all;
    assert_true(rest[NRM_BASIS_DCT2] <= 1.15 * svd && rest[NRM_BASIS_DCT2] >= svd);
    assert_true(rest[NRM_BASIS_DCT2] <= 0.25 * rest[NRM_BASIS_RANDOM]);
    nrm_ctx_destroy(ctx);
}

static void test_refusals(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_basis *b = NULL;
    assert_status(ctx, nrm_basis_create(ctx, "test", NRM_BASIS_HADAMARD, NRM_BASIS_AUTO, 12, 0, NRM_F64, &b), NRM_E_SHAPE);
    assert_message(ctx, "basis is hadamard and the projected side is 12; it must be a power of two");
    assert_status(ctx, nrm_basis_create(ctx, "test", NRM_BASIS_DCT2, NRM_BASIS_AUTO, 0, 0, NRM_F64, &b), NRM_E_SHAPE);
    assert_status(ctx, nrm_basis_create(ctx, "test", NRM_BASIS_DCT2, NRM_BASIS_AUTO, INT64_C(1) << 40, 0, NRM_F64, &b), NRM_E_OVERFLOW);
    assert_null(b);
    assert_true(nrm_basis_work(NRM_BASIS_DCT2, NRM_BASIS_FFT, NRM_F64, true, 4, INT64_C(1) << 40, 3) == -1);
    assert_true(nrm_basis_work(NRM_BASIS_DCT2, NRM_BASIS_FFT, NRM_F64, true, 4, 4, 5) == -1);
    assert_true(nrm_qr_work(NRM_F64, INT64_C(1) << 40, 2) == -1 && nrm_leading_work(true, INT64_C(1) << 40, 2) == -1 &&
                nrm_leading_work(false, INT64_C(1) << 40, 2) == -1);
    nrm_ctx_destroy(ctx);
}

static nrm_status make_and_drop(nrm_ctx *ctx, void *user)
{
    const int kind = *(const int *)user;
    nrm_basis *b = NULL;
    const nrm_status st = nrm_basis_create(ctx, "test", (nrm_basis_kind)kind, NRM_BASIS_AUTO, kind == NRM_BASIS_DCT2 ? 100 : 8, 1, NRM_F32, &b);
    if (st < 0) assert_null(b);
    nrm_basis_destroy(ctx, b);
    return st;
}

static void test_memory(void **unused)
{
    (void)unused;
    for (int kind = 0; kind < nrm_basis_kind_count; kind++) nrm_test_allocation_failures(make_and_drop, &kind, NULL, 0);
}

/* ---- Factorisations -------------------------------------------------------------------------------- */

static void test_qr(void **unused)
{
    (void)unused;
    enum { M = 37, N = 9 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double a[M * N], q[M * N], r[N * N];
    float single[M * N];
    void *work;
    fill(a, M * N, 4);
    for (int i = 0; i < M; i++) a[i * N + 5] = i % 2 ? 0 : a[i * N + 4]; /* no matter */
    memcpy(q, a, sizeof q);
    assert_ok(ctx, nrm_alloc_bytes(ctx, &work, nrm_qr_work(NRM_F64, M, N), 1, "test"));
    nrm_qr_run(NRM_F64, M, N, q, work);
    assert_ok(ctx, nrm_gemm(ctx, "test", 't', 'n', N, N, M, 1, q, N, a, N, 0, r, N)); /* R = Q'A is upper, its diagonal > 0 */
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) assert_true(i == j ? r[i * N + j] > 0 : fabs(r[i * N + j]) < 1e-13);
    for (int i = 0; i < M * N; i++) single[i] = (float)a[i];
    nrm_qr_run(NRM_F32, M, N, single, work); /* f32 needs less */
    for (int i = 0; i < M * N; i++) assert_near((double)single[i], q[i], 1e-5);
    memset(q, 0, sizeof q); /* of nothing: still orthonormal columns */
    nrm_qr_run(NRM_F64, M, N, q, work);
    assert_ok(ctx, nrm_gemm(ctx, "test", 't', 'n', N, N, M, 1, q, N, q, N, 0, r, N));
    for (int i = 0; i < N * N; i++) assert_near(r[i], i % (N + 1) == 0, 1e-14);
    nrm_free(ctx, work);
    nrm_ctx_destroy(ctx);
}

static void test_leading(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double p[3 * 2], t[12], q[3 * 2], zero[12] = {0};
    float g[12], single[3 * 2];
    void *work;
    assert_ok(ctx, nrm_alloc_bytes(ctx, &work, nrm_max_i64(nrm_leading_work(false, 3, 4), nrm_leading_work(true, 4, 3)), 1, "test"));
    nrm_leading_run(NRM_F64, false, 3, 4, 2, G0, p, work);
    double rest = 0;
    for (int j = 0; j < 4; j++) {
        double along[2] = {0}, all = 0;
        for (int i = 0; i < 3; i++) {
            all += G0[i * 4 + j] * G0[i * 4 + j];
            for (int k = 0; k < 2; k++) along[k] += p[i * 2 + k] * G0[i * 4 + j];
        }
        rest += all - along[0] * along[0] - along[1] * along[1];
    }
    assert_near(rest, 4.9009805, 1e-7);
    for (int k = 0; k < 2; k++) {
        double most = 0;
        for (int i = 0; i < 3; i++) most = fabs(p[i * 2 + k]) > fabs(most) ? p[i * 2 + k] : most;
        assert_true(most > 0);
    }
    for (int i = 0; i < 12; i++) t[i % 4 * 3 + i / 4] = G0[i], g[i] = (float)G0[i];
    nrm_leading_run(NRM_F64, true, 4, 3, 2, t, q, work);
    assert_all_near(q, p, 6, 1e-14);
    nrm_leading_run(NRM_F32, false, 3, 4, 2, g, single, work);
    for (int i = 0; i < 6; i++) assert_near((double)single[i], p[i], 1e-6);
    nrm_leading_run(NRM_F64, false, 3, 4, 2, zero, p, work);
    for (int k = 0; k < 4; k++) assert_near(p[k / 2] * p[k % 2] + p[2 + k / 2] * p[2 + k % 2] + p[4 + k / 2] * p[4 + k % 2], k % 3 == 0, 1e-14);
    nrm_free(ctx, work);
    nrm_ctx_destroy(ctx);
}

/* Of all shapes and both sides: the vectors that the SVD finds, up to sign. */
static void test_leading_shapes(void **unused)
{
    (void)unused;
    enum { MOST = 40 };
    const int64_t shapes[][2] = {{40, 7}, {7, 40}, {40, 20}, {20, 40}, {19, 20}, {20, 20}, {1, 9}, {9, 1}};
    double a[MOST * MOST], u[MOST * MOST], s[MOST], vt[MOST * MOST], p[MOST * MOST];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int c = 0; c < NRM_COUNT(shapes); c++)
        for (int right = 0; right < 2; right++) {
            const int64_t m = shapes[c][0], n = shapes[c][1], least = nrm_min_i64(m, n), length = right ? n : m;
            const int64_t rank = nrm_min_i64(least, 5);
            void *work;
            fill(a, m * n, (uint64_t)c);
            assert_ok(ctx, nrm_alloc_bytes(ctx, &work, nrm_leading_work(right, m, n), 1, "test"));
            nrm_leading_run(NRM_F64, right, m, n, rank, a, p, work);
            assert_ok(ctx, nrm_svd(ctx, "test", m, n, a, n, u, s, vt));
            for (int64_t k = 0; k < rank; k++) {
                double most = 0, dot = 0;
                for (int64_t i = 0; i < length; i++) {
                    dot += p[i * rank + k] * (right ? vt[k * n + i] : u[i * least + k]);
                    most = fabs(p[i * rank + k]) > fabs(most) ? p[i * rank + k] : most;
                }
                assert_near(fabs(dot), 1, 1e-12);
                assert_true(most > 0);
            }
            nrm_free(ctx, work);
        }
    nrm_ctx_destroy(ctx);
}

static void test_products(void **unused)
{
    (void)unused;
    enum { M = 300, N = 270, K = 19 };
    static double a[M * K], b[K * N], at[M * K], bt[K * N], c[2][M * N];
    fill(a, M * K, 1), fill(b, K * N, 2);
    for (int i = 0; i < M * K; i++) at[i % K * M + i / K] = a[i];
    for (int i = 0; i < K * N; i++) bt[i % N * K + i / N] = b[i];
    for (int form = 0; form < 4; form++) {
        for (int threads = 1; threads <= 2; threads++) {
            for (int i = 0; i < M * N; i++) c[threads - 1][i] = i;
            nrm_dense_product(NRM_F64, threads, form & 1 ? 't' : 'n', form & 2 ? 't' : 'n', M, N, K, 2, form & 1 ? at : a,
                            form & 2 ? bt : b, 0.5, c[threads - 1]);
        }
        assert_memory_equal(c[0], c[1], sizeof c[0]);
        for (int i = 0; i < M * N; i += 101) {
            double sum = 0;
            for (int k = 0; k < K; k++) sum += a[i / N * K + k] * b[k * N + i % N];
            assert_near(c[0][i], 2 * sum + 0.5 * i, 1e-13);
        }
    }
    nrm_dense_combine(NRM_F64, 2, M * N, 3, c[0], -1, c[1], c[1]);
    for (int i = 0; i < M * N; i++) assert_true(c[1][i] == 3 * c[0][i] - c[0][i]);
}

NRM_TEST_MAIN(cmocka_unit_test(test_cosine_matrix), cmocka_unit_test(test_transforms), cmocka_unit_test(test_worked_selection),
              cmocka_unit_test(test_optimal), cmocka_unit_test(test_scores), cmocka_unit_test(test_down_and_up),
              cmocka_unit_test(test_types_and_threads), cmocka_unit_test(test_smooth), cmocka_unit_test(test_refusals),
              cmocka_unit_test(test_memory), cmocka_unit_test(test_qr), cmocka_unit_test(test_leading),
              cmocka_unit_test(test_leading_shapes), cmocka_unit_test(test_products))
