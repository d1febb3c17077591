/* fft.h -- one-dimensional Fourier transforms behind a plan.  Private.
 *
 *     X_k = sum_j x_j exp(-2 pi i j k / n)          forward
 *     x_j = (1/n) sum_k X_k exp(2 pi i j k / n)     inverse
 *
 * Complex values are interleaved (re, im).  A real transform keeps the n/2 + 1 values
 * X_0 .. X_{n/2}; the rest are their conjugates.  Backends: FFTW (f64), KissFFT (f32 inside,
 * permissive licence), chosen when the library is built.  A plan serves one thread at a
 * time, except as said below; the bits of a transform do not depend on threads.  NaN and Inf spread, they do not
 * hurt.  An n without large prime factors is fastest; every n >= 1 works. */
#ifndef NRM_FFT_H
#define NRM_FFT_H

#include "base/base.h"

typedef struct nrm_fft nrm_fft;
typedef enum nrm_fft_kind { NRM_FFT_COMPLEX, NRM_FFT_REAL } nrm_fft_kind;

nrm_status nrm_fft_create(nrm_ctx *ctx, const char *who, nrm_fft_kind kind, int64_t n, nrm_fft **plan);
void nrm_fft_destroy(nrm_ctx *ctx, nrm_fft *plan); /* NULL is fine */

/* Complex plans: n values (2n doubles) each way.  in and out must not overlap. */
void nrm_fft_forward(nrm_fft *plan, const double *restrict in, double *restrict out);
void nrm_fft_inverse(nrm_fft *plan, const double *restrict in, double *restrict out);
/* The same for several threads at once with one plan: in and out are 64-byte aligned, and in
 * is used up. */
void nrm_fft_forward_shared(const nrm_fft *plan, double *restrict in, double *restrict out);
void nrm_fft_inverse_shared(const nrm_fft *plan, double *restrict in, double *restrict out);
/* Real plans: n doubles <-> 2 (n/2 + 1) doubles.  The inverse reads the imaginary parts of
 * X_0 and (n even) X_{n/2} as 0. */
void nrm_fft_forward_real(nrm_fft *plan, const double *restrict x, double *restrict spectrum);
void nrm_fft_inverse_real(nrm_fft *plan, const double *restrict spectrum, double *restrict x);

const char *nrm_fft_backend(void); /* "fftw", "kissfft" */
/* Relative two-norm error to expect of one transform (n up to about 2^20, no prime factor
 * above a few hundred): 1e-15 for FFTW, 1e-6 for KissFFT. */
double nrm_fft_accuracy(void);

#endif
