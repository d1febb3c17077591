/* softmax_entry.h -- what every typed part of softmax needs: the kernel table and one
 * element in f64.  Included after REAL, T(name) and T2(name, suffix). */

#define SPAN T(nrm_softmax_span)
#define KERNELS T(nrm_softmax_kernels)

static const KERNELS *T(kernels)(nrm_isa isa)
{
    switch (isa) {
    case NRM_ISA_AVX512: return T2(nrm_softmax_kernels, _avx512)();
    case NRM_ISA_AVX2: return T2(nrm_softmax_kernels, _avx2)();
    default: return T2(nrm_softmax_kernels, _scalar)();
    }
}

/* z_i in f64.  alpha = 0 keeps what excludes or dominates: 0 * inf would be NaN. */
static double T(entry)(const SPAN *s, double alpha, int64_t i)
{
    const double x = (double)s->x[i];
    if (s->keep && !s->keep[i]) return -INFINITY;
    return (alpha == 0 && isinf(x) ? x : alpha * x) + (s->bias ? (double)s->bias[i] : 0);
}
