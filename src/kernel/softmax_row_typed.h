/* softmax_row_typed.h -- softmax_row.c for REAL and T(name) = name_f32 or name_f64. */

#define KERNELS T(nrm_softmax_kernels)
#define SPAN T(nrm_softmax_span)

const KERNELS *T(nrm_softmax_best)(void)
{
    const nrm_isa isa = nrm_cpu_isa();
    const KERNELS *k = NULL;
    if (isa == NRM_ISA_AVX512) k = NRM_PASTE(T(nrm_softmax_kernels), _avx512)();
    if (!k && isa >= NRM_ISA_AVX2) k = NRM_PASTE(T(nrm_softmax_kernels), _avx2)();
    return k ? k : NRM_PASTE(T(nrm_softmax_kernels), _scalar)();
}

/* ---- In f64, for any entries --------------------------------------------------------------------- */

/* The greatest z (NaN where there is a NaN or +inf) and sum exp(z - top) >= 1; 0 for a row of -inf. */
static double T(exact_sum)(int64_t n, const REAL *x, double alpha, double *top)
{
    double sum = 0;
    *top = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        const double z = alpha * (double)x[i];
        if (!(z < INFINITY)) return *top = NAN;
        *top = fmax(*top, z);
    }
    if (*top == -INFINITY) return 0;
    for (int64_t i = 0; i < n; i++) sum += exp(alpha * (double)x[i] - *top);
    return sum;
}

static void T(exact_row)(int64_t n, const REAL *x, double alpha, double factor, REAL *y)
{
    double top;
    const double sum = T(exact_sum)(n, x, alpha, &top);
    for (int64_t i = 0; i < n; i++) y[i] = sum == 0 ? 0 : (REAL)(factor * (exp(alpha * (double)x[i] - top) / sum));
}

/* ---- By the kernels ---------------------------------------------------------------------------------- */

/* false: the row is as it was, and needs the other way. */
static bool T(fast_row)(const KERNELS *k, const SPAN *s, REAL factor, REAL *y)
{
    if (s->n <= k->row_most) {
        if (!nrm_extexp_sane(k->row(s, y))) return false;
        if (factor != 1) k->scale(s->n, y, y, factor, false);
        return true;
    }
    /* rint(z log2 e) of the greatest: no power of two in the row exceeds 1. */
    const REAL e = REAL_RINT(k->maximum(s) * REAL_LOG2E);
    if (!nrm_extexp_sane((nrm_extexp){1, (double)e})) return false;
    const double sum = k->pair_store(s, y, e);
    if (!isfinite(sum)) { /* by a NaN in the row, which `maximum` may lose; y has it too */
        for (int64_t i = 0; i < s->n; i++) y[i] = (REAL)NAN;
        return true;
    }
    k->scale(s->n, y, y, (REAL)((double)factor / sum), false);
    return true;
}

void T(nrm_softmax_row)(const KERNELS *k, int64_t n, const REAL *x, REAL alpha, REAL factor, REAL *y)
{
    const SPAN s = {.x = x, .n = n, .alpha = alpha};
    if (n < 2 || !T(fast_row)(k, &s, factor, y)) T(exact_row)(n, x, (double)alpha, (double)factor, y);
}

void T(nrm_softmax_row_log)(const KERNELS *k, int64_t n, const REAL *x, REAL alpha, double *hi, double *lo)
{
    const SPAN s = {.x = x, .n = n, .alpha = alpha};
    double top = 0;

    if (n > 1) {
        const nrm_extexp pair = k->pair_sum(&s);
        if (nrm_extexp_sane(pair)) {
            nrm_extexp_log(pair, hi, lo);
            return;
        }
    }
    const double rest = log(T(exact_sum)(n, x, (double)alpha, &top));
    *hi = top + rest;
    *lo = isfinite(*hi) ? rest - (*hi - top) : 0;
}

#undef KERNELS
#undef SPAN
