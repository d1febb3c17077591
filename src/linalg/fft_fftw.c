/* fft_fftw.c -- the FFT interface on FFTW 3.  Contract: fft.h.
 *
 * FFTW's planner keeps state of its own and is not thread-safe; its remedy,
 * fftw_make_planner_thread_safe, lives in libfftw3_threads, a second thread pool we do not
 * want.  A named OpenMP critical section is one lock for the whole process, whatever made
 * the threads, and guards all our planning; a program that plans with FFTW on its own
 * while it calls Norma has to lock that out itself.  Execution is thread-safe.
 * FFTW_ESTIMATE plans without timing: the same plan, hence the same bits, every time.
 * Plans live in FFTW's own memory, beyond the context's allocator. */
#if defined(NRM_FFT_FFTW)
#include "fft.h"
#include <fftw3.h>
#include <limits.h>

struct nrm_fft {
    int64_t n;
    double *spectrum; /* real inverse: the cleaned copy of the input */
    fftw_plan forward, inverse;
};

/* FFTW reads double[2] where it says fftw_complex, and never writes a preserved input. */
static fftw_complex *as_complex(const double *x) { return (fftw_complex *)(uintptr_t)x; }
static double *as_real(const double *x) { return (double *)(uintptr_t)x; }

static void make_plans(nrm_fft *plan, nrm_fft_kind kind, int n, double *in, double *out)
{
    const unsigned flags = FFTW_ESTIMATE | FFTW_UNALIGNED | FFTW_PRESERVE_INPUT;
#pragma omp critical(nrm_fftw)
    if (kind == NRM_FFT_COMPLEX) {
        plan->forward = fftw_plan_dft_1d(n, as_complex(in), as_complex(out), FFTW_FORWARD, flags);
        plan->inverse = fftw_plan_dft_1d(n, as_complex(in), as_complex(out), FFTW_BACKWARD, flags);
    } else {
        plan->forward = fftw_plan_dft_r2c_1d(n, in, as_complex(out), flags);
        plan->inverse = fftw_plan_dft_c2r_1d(n, as_complex(in), out, flags);
    }
}

nrm_status nrm_fft_create(nrm_ctx *ctx, const char *who, nrm_fft_kind kind, int64_t n, nrm_fft **plan)
{
    nrm_fft *made;
    double *scratch = NULL;
    nrm_status st;

    NRM_REQUIRE(ctx, n >= 1 && n <= INT_MAX / 2, n < 1 ? NRM_E_SHAPE : NRM_E_OVERFLOW,
                "%s: a Fourier transform of length %lld; the length must be 1 to %d", who, NRM_LL(n), INT_MAX / 2);
    NRM_TRY(NRM_ALLOC_ZERO(ctx, made, 1, who));
    made->n = n;
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->spectrum, 2 * (n / 2 + 1), who));
    NRM_TRY_DONE(NRM_ALLOC(ctx, scratch, 4 * n + 4, who)); /* planning wants to see two arrays */
    make_plans(made, kind, (int)n, scratch, scratch + 2 * n + 2);
    NRM_STOP_IF(!made->forward || !made->inverse, NRM_E_NOMEM, "%s: FFTW made no plan of length %lld; "
                "it is short of memory", who, NRM_LL(n));
    *plan = made;
done:
    nrm_free(ctx, scratch);
    if (st < 0) nrm_fft_destroy(ctx, made);
    return st;
}

void nrm_fft_destroy(nrm_ctx *ctx, nrm_fft *plan)
{
    if (!plan) return;
#pragma omp critical(nrm_fftw)
    {
        if (plan->forward) fftw_destroy_plan(plan->forward);
        if (plan->inverse) fftw_destroy_plan(plan->inverse);
    }
    nrm_free(ctx, plan->spectrum);
    nrm_free(ctx, plan);
}

static void divide(double *x, int64_t count, int64_t n)
{
    for (int64_t i = 0; i < count; i++) x[i] /= (double)n;
}

void nrm_fft_forward(nrm_fft *plan, const double *restrict in, double *restrict out)
{
    fftw_execute_dft(plan->forward, as_complex(in), as_complex(out));
}

void nrm_fft_inverse(nrm_fft *plan, const double *restrict in, double *restrict out)
{
    fftw_execute_dft(plan->inverse, as_complex(in), as_complex(out));
    divide(out, 2 * plan->n, plan->n);
}

void nrm_fft_forward_real(nrm_fft *plan, const double *restrict x, double *restrict spectrum)
{
    fftw_execute_dft_r2c(plan->forward, as_real(x), as_complex(spectrum));
}

void nrm_fft_inverse_real(nrm_fft *plan, const double *restrict spectrum, double *restrict x)
{
    const int64_t n = plan->n, last = n / 2;
    memcpy(plan->spectrum, spectrum, (size_t)(2 * (last + 1)) * sizeof *spectrum);
    plan->spectrum[1] = 0;
    if (n % 2 == 0) plan->spectrum[2 * last + 1] = 0;
    fftw_execute_dft_c2r(plan->inverse, as_complex(plan->spectrum), x);
    divide(x, n, n);
}

const char *nrm_fft_backend(void) { return "fftw"; }
double nrm_fft_accuracy(void) { return 1e-15; }
#else
typedef int nrm_fft_fftw_is_not_built;
#endif
