/* test_fft.c -- Fourier, cosine and Walsh-Hadamard transforms.  Tolerances follow
 * nrm_fft_accuracy(), so the same file tests both FFT backends. */
#include "linalg/fft.h"
#include "linalg/linalg.h"
#include "linalg/transform.h"
#include "reference/linalg_values.h"
#include "testkit.h"

static double tolerance(void) { return 20 * nrm_fft_accuracy(); }

/* |a - b|_2 <= tol |b|_2 */
static void assert_close(const double *a, const double *b, int64_t n, double tol)
{
    double gap = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        gap += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    if (sqrt(gap) > tol * sqrt(size)) fail_msg("relative error %g > %g", sqrt(gap / size), tol);
}

static void check_reference(nrm_ctx *ctx, int64_t n, const double *complex_values, const double *real_values,
                            const double *cosine_values)
{
    double x[32], imaginary[32], z[64], spectrum[64], back[64];
    nrm_fft *plan;
    nrm_dct *dct;

    pattern(1, n, 6, x, n);
    pattern(1, n, 7, imaginary, n);
    for (int64_t i = 0; i < n; i++) {
        z[2 * i] = x[i];
        z[2 * i + 1] = imaginary[i];
    }
    assert_ok(ctx, nrm_fft_create(ctx, "t", NRM_FFT_COMPLEX, n, &plan));
    nrm_fft_forward(plan, z, spectrum);
    assert_close(spectrum, complex_values, 2 * n, tolerance());
    nrm_fft_inverse(plan, spectrum, back);
    assert_close(back, z, 2 * n, tolerance());
    nrm_fft_destroy(ctx, plan);

    assert_ok(ctx, nrm_fft_create(ctx, "t", NRM_FFT_REAL, n, &plan));
    nrm_fft_forward_real(plan, x, spectrum);
    assert_close(spectrum, real_values, 2 * (n / 2 + 1), tolerance());
    assert_true(spectrum[1] == 0 && (n % 2 || spectrum[n + 1] == 0));
    spectrum[1] = 5; /* read as 0 */
    if (n % 2 == 0) spectrum[n + 1] = -7;
    nrm_fft_inverse_real(plan, spectrum, back);
    assert_close(back, x, n, tolerance());
    nrm_fft_destroy(ctx, plan);

    assert_ok(ctx, nrm_dct_create(ctx, "t", n, &dct));
    nrm_dct2(dct, x, back);
    assert_close(back, cosine_values, n, tolerance());
    nrm_dct3(dct, back, back); /* in place */
    assert_close(back, x, n, tolerance());
    nrm_dct_destroy(ctx, dct);
}

static void test_reference(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    check_reference(ctx, 1, fft_1, rfft_1, dct2_1);
    check_reference(ctx, 2, fft_2, rfft_2, dct2_2);
    check_reference(ctx, 5, fft_5, rfft_5, dct2_5);
    check_reference(ctx, 12, fft_12, rfft_12, dct2_12);
    check_reference(ctx, 17, fft_17, rfft_17, dct2_17);
    nrm_ctx_destroy(ctx);
}

/* Lengths of every kind: round trip, Parseval, real against complex, unaligned memory. */
static void test_lengths(void **state)
{
    (void)state;
    const int64_t lengths[] = {3, 4, 6, 7, 8, 30, 64, 97, 100, 210, 243, 1000, 1024, 2187, 4099};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 2;

    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        const int64_t n = lengths[l];
        double *memory = calloc((size_t)(8 * n + 9), sizeof *memory);
        assert_non_null(memory);
        double *z = memory + 1, *out = z + 2 * n, *back = out + 2 * n + 2, *real = back + 2 * n;
        nrm_fft *complex_plan, *real_plan;
        double before = 0, after = 0;

        for (int64_t i = 0; i < n; i++) z[2 * i] = real[i] = nrm_test_normal(&seed);
        assert_ok(ctx, nrm_fft_create(ctx, "t", NRM_FFT_COMPLEX, n, &complex_plan));
        assert_ok(ctx, nrm_fft_create(ctx, "t", NRM_FFT_REAL, n, &real_plan));
        nrm_fft_forward(complex_plan, z, out);
        nrm_fft_inverse(complex_plan, out, back);
        assert_close(back, z, 2 * n, tolerance() * 5);
        for (int64_t i = 0; i < 2 * n; i++) {
            before += z[i] * z[i];
            after += out[i] * out[i];
        }
        assert_near(after / ((double)n * before), 1, tolerance() * 5);
        nrm_fft_forward_real(real_plan, real, back);
        assert_close(back, out, 2 * (n / 2 + 1), tolerance() * 5);
        nrm_fft_inverse_real(real_plan, back, out);
        assert_close(out, real, n, tolerance() * 5);
        nrm_fft_destroy(ctx, complex_plan);
        nrm_fft_destroy(ctx, real_plan);
        free(memory);
    }
    nrm_ctx_destroy(ctx);
}

/* The range of doubles is kept by a backend that computes in f32, too. */
static void test_range(void **state)
{
    (void)state;
    const double scale[4] = {1e300, 1e-300, 1e-5, 0};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_fft *plan;

    for (int kind = 0; kind < 2; kind++) {
        assert_ok(ctx, nrm_fft_create(ctx, "t", kind ? NRM_FFT_REAL : NRM_FFT_COMPLEX, 8, &plan));
        for (int s = 0; s < 4; s++) {
            double x[16] = {0}, spectrum[18], back[16] = {0}, expected[16];
            for (int i = 0; i < 16; i++) expected[i] = x[i] = scale[s] * (i % 5 - 2);
            if (kind) {
                nrm_fft_forward_real(plan, x, spectrum);
                nrm_fft_inverse_real(plan, spectrum, back);
            } else {
                nrm_fft_forward(plan, x, spectrum);
                nrm_fft_inverse(plan, spectrum, back);
            }
            for (int i = 0; i < (kind ? 8 : 16); i++)
                assert_true(fabs(back[i] - expected[i]) <= tolerance() * 3 * scale[s]);
        }
        nrm_fft_destroy(ctx, plan);
    }
    nrm_ctx_destroy(ctx);
}

static void test_bad_lengths(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_fft *plan = NULL;
    nrm_dct *dct = NULL;

    assert_status(ctx, nrm_fft_create(ctx, "fft", NRM_FFT_REAL, 0, &plan), NRM_E_SHAPE);
    assert_message(ctx, "fft: a Fourier transform of length 0");
    assert_status(ctx, nrm_fft_create(ctx, "fft", NRM_FFT_REAL, INT64_MAX, &plan), NRM_E_OVERFLOW);
    assert_status(ctx, nrm_dct_create(ctx, "t", -1, &dct), NRM_E_SHAPE);
    assert_true(!plan && !dct);
    nrm_fft_destroy(ctx, NULL);
    nrm_dct_destroy(ctx, NULL);
    assert_true(strcmp(nrm_fft_backend(), "fftw") == 0 || strcmp(nrm_fft_backend(), "kissfft") == 0);
    nrm_ctx_destroy(ctx);
}

/* Plans are made, used and ended by several threads at once, each its own. */
static void test_threads(void **state)
{
    (void)state;
    enum { JOBS = 16, N = 60 };
    double spectrum[JOBS][2 * (N / 2 + 1)];
    nrm_status status[JOBS];

#pragma omp parallel for num_threads(4) schedule(static, 1)
    for (int job = 0; job < JOBS; job++) {
        double x[N];
        nrm_fft *plan = NULL;
        pattern(1, N, 6, x, N);
        status[job] = nrm_fft_create(NULL, "t", NRM_FFT_REAL, N, &plan);
        if (status[job] == NRM_OK) nrm_fft_forward_real(plan, x, spectrum[job]);
        nrm_fft_destroy(NULL, plan);
    }
    for (int job = 0; job < JOBS; job++) {
        assert_int_equal(status[job], NRM_OK);
        assert_memory_equal(spectrum[job], spectrum[0], sizeof spectrum[0]);
    }
}

/* ---- Cosine transform ---------------------------------------------------------------------- */

static void test_dct_matrix(void **state)
{
    (void)state;
    const int64_t lengths[] = {1, 2, 3, 8, 45, 64};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    uint64_t seed = 9;

    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        const int64_t n = lengths[l], ld = n + 2;
        double *c = calloc((size_t)(n * ld), sizeof *c), x[64], fast[64], slow[64];
        nrm_dct *plan;
        assert_non_null(c);
        assert_ok(ctx, nrm_dct_matrix(ctx, "t", n, c, ld));
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++)
                assert_near(nrm_dot(c + i * ld, c + j * ld, n), i == j, 1e-15 * (double)n);
        assert_ok(ctx, nrm_dct_create(ctx, "t", n, &plan));
        for (int64_t i = 0; i < n; i++) x[i] = nrm_test_normal(&seed);
        for (int64_t i = 0; i < n; i++) slow[i] = nrm_dot(c + i * ld, x, n);
        nrm_dct2(plan, x, fast);
        assert_close(fast, slow, n, tolerance());
        nrm_dct3(plan, fast, slow);
        assert_close(slow, x, n, tolerance());
        nrm_dct_destroy(ctx, plan);
        free(c);
    }
    /* the worked numbers of the DCT low-rank paper's notes */
    double y[5];
    nrm_dct *plan;
    assert_ok(ctx, nrm_dct_create(ctx, "t", 5, &plan));
    nrm_dct2(plan, (double[]){1, 2, 3, 4, 5}, y);
    assert_all_near(y, ((double[]){6.7082039325, -3.1494998890, 0, -.2839902278, 0}), 5, 1e-10 + tolerance());
    nrm_dct_destroy(ctx, plan);
    assert_status(ctx, nrm_dct_matrix(ctx, "t", 0, y, 1), NRM_E_SHAPE);
    nrm_ctx_destroy(ctx);
}

/* ---- Walsh-Hadamard --------------------------------------------------------------------------- */

static void test_hadamard(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double x[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    assert_ok(ctx, nrm_hadamard(ctx, "t", 8, x, false));
    assert_all_near(x, ((double[]){36, -4, -8, 0, -16, 0, 0, 0}), 8, 0);
    assert_ok(ctx, nrm_hadamard(ctx, "t", 4, x, true));
    assert_all_near(x, ((double[]){12, 16, 20, 24}), 4, 0);
    assert_ok(ctx, nrm_hadamard(ctx, "t", 1, x, true));
    assert_near(x[0], 12, 0);

    /* entry (i, j) is (-1)^popcount(i & j); H H = n I; every length through both kernels */
    for (int64_t n = 1; n <= 4096; n *= 2) {
        double *column = calloc((size_t)n, sizeof *column);
        assert_non_null(column);
        const int64_t j = n * 5 / 7;
        column[j] = 1;
        assert_ok(ctx, nrm_hadamard(ctx, "t", n, column, false));
        for (int64_t i = 0; i < n; i++)
            assert_true(column[i] == (__builtin_popcountll((unsigned long long)(i & j)) % 2 ? -1 : 1));
        assert_ok(ctx, nrm_hadamard(ctx, "t", n, column, false));
        for (int64_t i = 0; i < n; i++) assert_true(column[i] == (i == j ? (double)n : 0));
        free(column);
    }
    assert_status(ctx, nrm_hadamard(ctx, "h", 6, x, false), NRM_E_SHAPE);
    assert_message(ctx, "pad with zeros to 8");
    assert_status(ctx, nrm_hadamard(ctx, "h", 0, x, false), NRM_E_SHAPE);
    assert_status(ctx, nrm_hadamard(ctx, "h", 4, NULL, false), NRM_E_NULL);
    assert_int_equal(nrm_next_power_of_two(1025), 2048);
    assert_int_equal(nrm_next_power_of_two(1), 1);
    assert_int_equal(nrm_next_power_of_two(INT64_MAX), -1);
    nrm_ctx_destroy(ctx);
}

static void test_hadamard_columns(void **state)
{
    (void)state;
    enum { N = 4096, COLUMNS = 21, LD = 24 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double small[16 * 5], *x = malloc(sizeof(double) * N * LD), *twice = malloc(sizeof(double) * N * LD), column[N];
    uint64_t seed = 3;

    assert_true(x && twice);
    pattern(16, 3, 8, small, 5);
    assert_ok(ctx, nrm_hadamard_columns(ctx, "t", 16, 3, small, 5, false));
    for (int i = 0; i < 16; i++) assert_all_near(small + i * 5, hadamard_16 + i * 3, 3, 0);

    for (int i = 0; i < N * LD; i++) twice[i] = x[i] = nrm_test_normal(&seed);
    for (int64_t i = 0; i < N; i++) column[i] = x[i * LD + 19];
    const double outside = x[LD - 1];
    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, nrm_hadamard_columns(ctx, "t", N, COLUMNS, x, LD, true));
    assert_ok(ctx, nrm_set_threads(ctx, 2));
    assert_ok(ctx, nrm_hadamard_columns(ctx, "t", N, COLUMNS, twice, LD, true));
    assert_memory_equal(x, twice, sizeof(double) * N * LD);
    assert_true(x[LD - 1] == outside);
    assert_ok(ctx, nrm_hadamard(ctx, "t", N, column, true));
    for (int64_t i = 0; i < N; i++) assert_near(x[i * LD + 19], column[i], 1e-13);

    nrm_cancel(ctx);
    assert_status(ctx, nrm_hadamard_columns(ctx, "t", N, COLUMNS, x, LD, true), NRM_E_CANCELLED);
    assert_memory_equal(x, twice, sizeof(double) * N * LD);
    nrm_cancel_clear(ctx);
    assert_ok(ctx, nrm_hadamard_columns(ctx, "t", N, 0, NULL, 0, true));
    assert_status(ctx, nrm_hadamard_columns(ctx, "t", 12, 2, x, LD, true), NRM_E_SHAPE);
    free(x);
    free(twice);
    nrm_ctx_destroy(ctx);
}

/* ---- Memory that runs out ------------------------------------------------------------------------ */

static nrm_status make_plans(nrm_ctx *ctx, void *user)
{
    nrm_fft *fft = NULL;
    nrm_dct *dct = NULL;
    double c[9], x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, *out = user;

    NRM_TRY(nrm_fft_create(ctx, "t", NRM_FFT_COMPLEX, 6, &fft));
    nrm_fft_destroy(ctx, fft);
    NRM_TRY(nrm_dct_matrix(ctx, "t", 3, c, 3));
    NRM_TRY(nrm_hadamard_columns(ctx, "t", 4, 2, x, 2, true));
    NRM_TRY(nrm_dct_create(ctx, "t", 6, &dct));
    nrm_dct2(dct, x, out);
    nrm_dct_destroy(ctx, dct);
    return NRM_OK;
}

static void test_memory(void **state)
{
    (void)state;
    double out[6] = {0};
    nrm_test_allocation_failures(make_plans, out, out, sizeof out);
    assert_true(out[0] != 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_reference), cmocka_unit_test(test_lengths), cmocka_unit_test(test_range),
              cmocka_unit_test(test_bad_lengths), cmocka_unit_test(test_threads), cmocka_unit_test(test_dct_matrix),
              cmocka_unit_test(test_hadamard), cmocka_unit_test(test_hadamard_columns),
              cmocka_unit_test(test_memory))
