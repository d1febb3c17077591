/* above.c -- scalar version and choice.  Contract: above.h. */
#include "above.h"

/* A place is written for every entry and kept by moving the count: no branch to mispredict. */
#define NRM_ABOVE_SCALAR(name, type)                                                       \
    static int64_t above_##name(const double *restrict x, const type *restrict y, int64_t n, \
                                double bound, int64_t *restrict index, double *restrict value) \
    {                                                                                      \
        int64_t count = 0;                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                  \
            const double d = x[i] - (double)y[i];                                          \
            index[count] = i;                                                              \
            value[count] = d;                                                              \
            count += d > bound;                                                            \
        }                                                                                  \
        return count;                                                                      \
    }                                                                                      \
    static double peak_##name(const double *restrict x, const type *restrict y, int64_t n) \
    {                                                                                      \
        double most = x[0] - (double)y[0];                                                 \
        for (int64_t i = 1; i < n; i++) {                                                  \
            const double d = x[i] - (double)y[i];                                          \
            most = d > most ? d : most;                                                    \
        }                                                                                  \
        return most;                                                                       \
    }
NRM_ABOVE_SCALAR(f64, double)
NRM_ABOVE_SCALAR(f32, float)

const nrm_above_kernels nrm_above_scalar = {above_f64, above_f32, peak_f64, peak_f32};

const nrm_above_kernels *nrm_above_kernels_for(nrm_isa isa)
{
#if defined(__x86_64__)
    if (isa == NRM_ISA_AVX512) return &nrm_above_avx512;
    if (isa == NRM_ISA_AVX2) return &nrm_above_avx2;
#endif
    (void)isa;
    return &nrm_above_scalar;
}
