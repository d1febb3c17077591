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
    double *in, *out; /* 2n + 2 each, aligned: what is planned for, and stand-ins */
    fftw_plan forward, inverse;
};

/* FFTW reads double[2] where it says fftw_complex, and never writes a preserved input. */
static fftw_complex *as_complex(double *x) { return (fftw_complex *)x; }

static void make_plans(nrm_fft *plan, nrm_fft_kind kind, int n)
{
    const unsigned flags = FFTW_ESTIMATE | FFTW_PRESERVE_INPUT;
#pragma omp critical(nrm_fftw)
    if (kind == NRM_FFT_COMPLEX) {
        plan->forward = fftw_plan_dft_1d(n, as_complex(plan->in), as_complex(plan->out), FFTW_FORWARD, flags);
        plan->inverse = fftw_plan_dft_1d(n, as_complex(plan->in), as_complex(plan->out), FFTW_BACKWARD, flags);
    } else {
        plan->forward = fftw_plan_dft_r2c_1d(n, plan->in, as_complex(plan->out), flags);
        plan->inverse = fftw_plan_dft_c2r_1d(n, as_complex(plan->in), plan->out, flags);
    }
}

nrm_status nrm_fft_create(nrm_ctx *ctx, const char *who, nrm_fft_kind kind, int64_t n, nrm_fft **plan)
{
    nrm_fft *made;
    nrm_status st;

    NRM_REQUIRE(ctx, n >= 1 && n <= INT_MAX / 2, n < 1 ? NRM_E_SHAPE : NRM_E_OVERFLOW,
                "%s: a Fourier transform of length %lld; the length must be 1 to %d", who, NRM_LL(n), INT_MAX / 2);
    NRM_TRY(NRM_ALLOC_ZERO(ctx, made, 1, who));
    made->n = n;
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->in, 2 * n + 2, who));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made->out, 2 * n + 2, who));
    make_plans(made, kind, (int)n);
    NRM_STOP_IF(!made->forward || !made->inverse, NRM_E_NOMEM, "%s: FFTW made no plan of length %lld; "
                "it is short of memory", who, NRM_LL(n));
    *plan = made;
done:
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
    nrm_free(ctx, plan->in);
    nrm_free(ctx, plan->out);
    nrm_free(ctx, plan);
}

/* A plan made for aligned arrays runs two to three times faster than one that may not count
 * on it; arrays that are not aligned go through the plan's own. */
static bool aligned(const double *x) { return fftw_alignment_of((double *)(uintptr_t)x) == 0; }

static double *source(nrm_fft *plan, const double *in, int64_t count)
{
    if (aligned(in)) return (double *)(uintptr_t)in;
    memcpy(plan->in, in, (size_t)count * sizeof *in);
    return plan->in;
}

static double *target(nrm_fft *plan, double *out) { return aligned(out) ? out : plan->out; }

/* out = from / divisor; they may be the same.  A power of two has an exact reciprocal: the
 * same bits, and half the time of a short inverse. */
static void deliver(const double *from, double *out, int64_t count, int64_t divisor)
{
    if (divisor == 1 && from == out) return;
    if ((divisor & (divisor - 1)) == 0)
        for (int64_t i = 0; i < count; i++) out[i] = from[i] * (1 / (double)divisor);
    else
        for (int64_t i = 0; i < count; i++) out[i] = from[i] / (double)divisor;
}

void nrm_fft_forward(nrm_fft *plan, const double *restrict in, double *restrict out)
{
    double *to = target(plan, out);
    fftw_execute_dft(plan->forward, as_complex(source(plan, in, 2 * plan->n)), as_complex(to));
    deliver(to, out, 2 * plan->n, 1);
}

void nrm_fft_inverse(nrm_fft *plan, const double *restrict in, double *restrict out)
{
    double *to = target(plan, out);
    fftw_execute_dft(plan->inverse, as_complex(source(plan, in, 2 * plan->n)), as_complex(to));
    deliver(to, out, 2 * plan->n, plan->n);
}

void nrm_fft_forward_shared(const nrm_fft *plan, double *restrict in, double *restrict out)
{
    fftw_execute_dft(plan->forward, as_complex(in), as_complex(out));
}

void nrm_fft_inverse_shared(const nrm_fft *plan, double *restrict in, double *restrict out)
{
    fftw_execute_dft(plan->inverse, as_complex(in), as_complex(out));
    deliver(out, out, 2 * plan->n, plan->n);
}

void nrm_fft_forward_real(nrm_fft *plan, const double *restrict x, double *restrict spectrum)
{
    double *to = target(plan, spectrum);
    fftw_execute_dft_r2c(plan->forward, source(plan, x, plan->n), as_complex(to));
    deliver(to, spectrum, 2 * (plan->n / 2 + 1), 1);
}

void nrm_fft_inverse_real(nrm_fft *plan, const double *restrict spectrum, double *restrict x)
{
    const int64_t n = plan->n, last = n / 2;
    double *to = target(plan, x);

    memcpy(plan->in, spectrum, (size_t)(2 * (last + 1)) * sizeof *spectrum);
    plan->in[1] = 0;
    if (n % 2 == 0) plan->in[2 * last + 1] = 0;
    fftw_execute_dft_c2r(plan->inverse, as_complex(plan->in), to);
    deliver(to, x, n, n);
}

const char *nrm_fft_backend(void) { return "fftw"; }
double nrm_fft_accuracy(void) { return 1e-15; }
#else
typedef int nrm_fft_fftw_is_not_built;
#endif
