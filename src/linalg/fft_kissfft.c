/* fft_kissfft.c -- the FFT interface on KissFFT.  Contract: fft.h.
 *
 * Distributions ship KissFFT in single precision, so the transform itself runs in f32:
 * nrm_fft_accuracy() says so.  Values are scaled to at most 1 by a power of two on the way
 * in and back on the way out, so that the range of doubles is kept even though the
 * precision is not.  Real lengths use the half-length transform where n is even (KissFFT
 * has no other) and the complex one where n is odd.  All plans lie in the context's memory. */
#if defined(NRM_FFT_KISSFFT)
#include "fft.h"
#include <kiss_fft.h>
#include <kiss_fftr.h>
#include <limits.h>

struct nrm_fft {
    int64_t n;
    bool half; /* real and even: the plans are kiss_fftr's */
    void *forward, *inverse;
    kiss_fft_cpx *in, *out; /* n + 1 each; real data lies in the same places as scalars */
};

/* Memory for a plan, of the size that KissFFT asks for. */
static nrm_status make_plan(nrm_ctx *ctx, const char *who, bool half, int n, int inverse, void **plan)
{
    size_t bytes = 0;

    if (half) kiss_fftr_alloc(n, inverse, NULL, &bytes);
    else kiss_fft_alloc(n, inverse, NULL, &bytes);
    NRM_TRY(nrm_alloc_bytes(ctx, plan, (int64_t)bytes, 1, who));
    void *made = half ? (void *)kiss_fftr_alloc(n, inverse, *plan, &bytes)
                      : (void *)kiss_fft_alloc(n, inverse, *plan, &bytes);
    NRM_REQUIRE(ctx, made, NRM_E_INTERNAL, "%s: KissFFT made no plan of length %d", who, n);
    return NRM_OK;
}

nrm_status nrm_fft_create(nrm_ctx *ctx, const char *who, nrm_fft_kind kind, int64_t n, nrm_fft **plan)
{
    nrm_fft *made;
    nrm_status st;

    NRM_REQUIRE(ctx, n >= 1 && n <= INT_MAX / 16, n < 1 ? NRM_E_SHAPE : NRM_E_OVERFLOW,
                "%s: a Fourier transform of length %lld; the length must be 1 to %d", who, NRM_LL(n), INT_MAX / 16);
    NRM_TRY(NRM_ALLOC_ZERO(ctx, made, 1, who));
    made->n = n;
    made->half = kind == NRM_FFT_REAL && n % 2 == 0;
    NRM_TRY_DONE(make_plan(ctx, who, made->half, (int)n, 0, &made->forward));
    NRM_TRY_DONE(make_plan(ctx, who, made->half, (int)n, 1, &made->inverse));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->in, n + 1, who));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->out, n + 1, who));
    *plan = made;
done:
    if (st < 0) nrm_fft_destroy(ctx, made);
    return st;
}

void nrm_fft_destroy(nrm_ctx *ctx, nrm_fft *plan)
{
    if (!plan) return;
    nrm_free(ctx, plan->forward);
    nrm_free(ctx, plan->inverse);
    nrm_free(ctx, plan->in);
    nrm_free(ctx, plan->out);
    nrm_free(ctx, plan);
}

/* The power of two that brings the largest |x| to [1/2, 1); 0 for zeros, NaN and Inf. */
static int exponent_of(const double *x, int64_t count)
{
    double most = 0;
    int exponent = 0;
    for (int64_t i = 0; i < count; i++) most = fabs(x[i]) > most ? fabs(x[i]) : most;
    if (most > 0 && isfinite(most)) frexp(most, &exponent);
    return exponent;
}

/* count doubles to the plan's input, scaled; the transforms' scalars lie one after another. */
static void load(const double *x, int64_t count, int exponent, float *to)
{
    const double first = ldexp(1, -exponent / 2), second = ldexp(1, -exponent + exponent / 2);
    for (int64_t i = 0; i < count; i++) to[i] = (float)(x[i] * first * second);
}

static void store(const float *from, int64_t count, int exponent, double divisor, double *x)
{
    const double first = ldexp(1, exponent / 2), second = ldexp(1, exponent - exponent / 2);
    for (int64_t i = 0; i < count; i++) x[i] = (double)from[i] / divisor * first * second;
}

static void complex_transform(nrm_fft *plan, void *direction, const double *in, double *out, double divisor)
{
    const int exponent = exponent_of(in, 2 * plan->n);
    load(in, 2 * plan->n, exponent, (float *)plan->in);
    kiss_fft((kiss_fft_cfg)direction, plan->in, plan->out);
    store((float *)plan->out, 2 * plan->n, exponent, divisor, out);
}

void nrm_fft_forward(nrm_fft *plan, const double *restrict in, double *restrict out)
{
    complex_transform(plan, plan->forward, in, out, 1);
}

void nrm_fft_inverse(nrm_fft *plan, const double *restrict in, double *restrict out)
{
    complex_transform(plan, plan->inverse, in, out, (double)plan->n);
}

/* The two arrays in turn hold the values in f32, since the plan's own belong to one thread. */
static void shared_transform(const nrm_fft *plan, void *direction, double *in, double *out, double divisor)
{
    const int exponent = exponent_of(in, 2 * plan->n);
    load(in, 2 * plan->n, exponent, (float *)(void *)out);
    kiss_fft((kiss_fft_cfg)direction, (kiss_fft_cpx *)(void *)out, (kiss_fft_cpx *)(void *)in);
    store((float *)(void *)in, 2 * plan->n, exponent, divisor, out);
}

void nrm_fft_forward_shared(const nrm_fft *plan, double *restrict in, double *restrict out)
{
    shared_transform(plan, plan->forward, in, out, 1);
}

void nrm_fft_inverse_shared(const nrm_fft *plan, double *restrict in, double *restrict out)
{
    shared_transform(plan, plan->inverse, in, out, (double)plan->n);
}

void nrm_fft_forward_real(nrm_fft *plan, const double *restrict x, double *restrict spectrum)
{
    const int64_t n = plan->n, count = n / 2 + 1;
    const int exponent = exponent_of(x, n);

    if (plan->half) {
        load(x, n, exponent, (float *)plan->in);
        kiss_fftr((kiss_fftr_cfg)plan->forward, (float *)plan->in, plan->out);
    } else {
        load(x, n, exponent, (float *)plan->out);
        for (int64_t j = n - 1; j >= 0; j--) plan->in[j] = (kiss_fft_cpx){((float *)plan->out)[j], 0};
        kiss_fft((kiss_fft_cfg)plan->forward, plan->in, plan->out);
    }
    store((float *)plan->out, 2 * count, exponent, 1, spectrum);
    spectrum[1] = 0;
    if (n % 2 == 0) spectrum[2 * count - 1] = 0;
}

void nrm_fft_inverse_real(nrm_fft *plan, const double *restrict spectrum, double *restrict x)
{
    const int64_t n = plan->n, count = n / 2 + 1;
    const int exponent = exponent_of(spectrum, 2 * count);

    load(spectrum, 2 * count, exponent, (float *)plan->in);
    plan->in[0].i = 0;
    if (plan->half) {
        plan->in[count - 1].i = 0;
        kiss_fftri((kiss_fftr_cfg)plan->inverse, plan->in, (float *)plan->out);
    } else { /* the other half are the conjugates; the result is real */
        for (int64_t k = count; k < n; k++) plan->in[k] = (kiss_fft_cpx){plan->in[n - k].r, -plan->in[n - k].i};
        kiss_fft((kiss_fft_cfg)plan->inverse, plan->in, plan->out);
        for (int64_t j = 0; j < n; j++) ((float *)plan->in)[j] = plan->out[j].r;
    }
    store(plan->half ? (float *)plan->out : (float *)plan->in, n, exponent, (double)n, x);
}

const char *nrm_fft_backend(void) { return "kissfft"; }
double nrm_fft_accuracy(void) { return 1e-6; }
#else
typedef int nrm_fft_kissfft_is_not_built;
#endif
