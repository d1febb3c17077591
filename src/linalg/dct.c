/* dct.c -- orthonormal cosine transforms by a real FFT.  Contract: transform.h.
 *
 * Makhoul, "A fast cosine transform in one and two dimensions", IEEE Trans. ASSP 28 (1980):
 * with v = (x_0, x_2, x_4, ..., x_5, x_3, x_1) and V = FFT(v), theta_k = pi k / (2n),
 *     z_k = V_k exp(-i theta_k),   y_k = 2 s_k Re z_k,   y_{n-k} = -2 s_{n-k} Im z_k     (1)
 * for k = 0 .. n/2, with s_0 = 1/sqrt(4n), s_k = 1/sqrt(2n); V_{n-k} is V_k's conjugate, so
 * half of V gives all of y.  DCT-III runs (1) backwards. */
#include "check.h"
#include "fft.h"
#include "transform.h"

struct nrm_dct {
    int64_t n;
    nrm_fft *fft;
    double *v;        /* n */
    double *spectrum; /* n/2 + 1 complex */
    double *twiddle;  /* cos, sin of theta_k for k = 0 .. n/2 */
};

static const double PI = 3.14159265358979323846;

nrm_status nrm_dct_create(nrm_ctx *ctx, const char *who, int64_t n, nrm_dct **plan)
{
    nrm_dct *made;
    const int64_t half = n / 2 + 1;
    nrm_status st;

    NRM_REQUIRE(ctx, n >= 1, NRM_E_SHAPE, "%s: a cosine transform of length %lld; the length must be 1 or more",
                who, NRM_LL(n));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, made, 1, who));
    made->n = n;
    NRM_TRY_DONE(nrm_fft_create(ctx, who, NRM_FFT_REAL, n, &made->fft));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->v, n, who));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->spectrum, 2 * half, who));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->twiddle, 2 * half, who));
    for (int64_t k = 0; k < half; k++) {
        const double theta = PI * (double)k / (2 * (double)n);
        made->twiddle[2 * k] = cos(theta);
        made->twiddle[2 * k + 1] = sin(theta);
    }
    *plan = made;
done:
    if (st < 0) nrm_dct_destroy(ctx, made);
    return st;
}

void nrm_dct_destroy(nrm_ctx *ctx, nrm_dct *plan)
{
    if (!plan) return;
    nrm_fft_destroy(ctx, plan->fft);
    nrm_free(ctx, plan->v);
    nrm_free(ctx, plan->spectrum);
    nrm_free(ctx, plan->twiddle);
    nrm_free(ctx, plan);
}

void nrm_dct2(nrm_dct *plan, const double *x, double *y)
{
    const int64_t n = plan->n;
    double *v = plan->v;

    for (int64_t j = 0; 2 * j < n; j++) v[j] = x[2 * j];
    for (int64_t j = 0; 2 * j + 1 < n; j++) v[n - 1 - j] = x[2 * j + 1];
    nrm_fft_forward_real(plan->fft, v, plan->spectrum);
    const double scale = 2 / sqrt(2 * (double)n);
    for (int64_t k = 0; 2 * k <= n; k++) {
        const double re = plan->spectrum[2 * k], im = plan->spectrum[2 * k + 1];
        const double c = plan->twiddle[2 * k], s = plan->twiddle[2 * k + 1];
        y[k] = scale * (re * c + im * s);
        if (k > 0 && 2 * k < n) y[n - k] = -scale * (im * c - re * s);
    }
    y[0] *= sqrt(0.5);
}

void nrm_dct3(nrm_dct *plan, const double *y, double *x)
{
    const int64_t n = plan->n;
    const double scale = 0.5 * sqrt(2 * (double)n);
    double *v = plan->v, *spectrum = plan->spectrum;

    spectrum[0] = scale * sqrt(2) * y[0];
    spectrum[1] = 0;
    for (int64_t k = 1; 2 * k <= n; k++) {
        const double re = scale * y[k], im = -scale * y[n - k];
        const double c = plan->twiddle[2 * k], s = plan->twiddle[2 * k + 1];
        spectrum[2 * k] = re * c - im * s;
        spectrum[2 * k + 1] = re * s + im * c;
    }
    nrm_fft_inverse_real(plan->fft, spectrum, v);
    for (int64_t j = 0; 2 * j < n; j++) x[2 * j] = v[j];
    for (int64_t j = 0; 2 * j + 1 < n; j++) x[2 * j + 1] = v[n - 1 - j];
}

void nrm_dct_cosines(int64_t n, double *cosine)
{
    for (int64_t t = 0; t < 4 * n; t++) { /* t folded into [0, n/2] */
        int64_t folded = t > 2 * n ? 4 * n - t : t;
        const double sign = folded > n ? -1 : 1;
        folded = folded > n ? 2 * n - folded : folded;
        cosine[t] = sign * (2 * folded <= n ? cos(PI * (double)folded / (2 * (double)n))
                                            : sin(PI * (double)(n - folded) / (2 * (double)n)));
    }
}

/* k (2j + 1) is taken modulo 4n as an integer, so cos never sees a large argument. */
nrm_status nrm_dct_matrix(nrm_ctx *ctx, const char *who, int64_t n, double *c, int64_t ld)
{
    double *cosine;

    NRM_TRY(nrm_check_shape(ctx, who, "the cosine matrix", 1, n, n, c, ld));
    NRM_TRY(NRM_ALLOC(ctx, cosine, 4 * n, who));
    nrm_dct_cosines(n, cosine);
    for (int64_t k = 0; k < n; k++) {
        const double weight = sqrt((k == 0 ? 1 : 2) / (double)n);
        int64_t t = k;
        for (int64_t j = 0; j < n; j++) {
            c[k * ld + j] = weight * cosine[t];
            t += 2 * k;
            if (t >= 4 * n) t -= 4 * n;
        }
    }
    nrm_free(ctx, cosine);
    return NRM_OK;
}
