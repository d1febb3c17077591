/* op_fft_typed.h -- the passes of op_fft.c for REAL and T(name) = name_f32 or name_f64. */

/* Complex transforms along a leading axis; from and to may be the same array. */
static void T(along)(const transform *t, int axis, const REAL *from, REAL *to)
{
    const int64_t n = t->length[axis], inner = t->inner[axis], tiles = (inner + LANES - 1) / LANES, jobs = t->outer[axis] * tiles;
#pragma omp parallel for num_threads(t->threads) schedule(static) if (t->outer[axis] * inner * n > SMALL)
    for (int64_t job = 0; job < jobs; job++) {
        const int64_t first = job % tiles * LANES, lanes = nrm_min_i64(LANES, inner - first), at = 2 * (job / tiles * n * inner + first);
        nrm_fft *plan = t->plans->of[omp_get_thread_num()][axis];
        double *in = lines_of(t), *out = in + LANES * t->stride;
        for (int64_t j = 0; j < n; j++) {
            const REAL *x = from + at + 2 * j * inner;
            for (int64_t lane = 0; lane < lanes; lane++) {
                in[lane * t->stride + 2 * j] = (double)x[2 * lane];
                in[lane * t->stride + 2 * j + 1] = (double)x[2 * lane + 1];
            }
        }
        for (int64_t lane = 0; lane < lanes; lane++)
            (t->inverse ? nrm_fft_inverse : nrm_fft_forward)(plan, in + lane * t->stride, out + lane * t->stride);
        for (int64_t j = 0; j < n; j++) {
            REAL *y = to + at + 2 * j * inner;
            for (int64_t lane = 0; lane < lanes; lane++) {
                y[2 * lane] = (REAL)out[lane * t->stride + 2 * j];
                y[2 * lane + 1] = (REAL)out[lane * t->stride + 2 * j + 1];
            }
        }
    }
}

/* Real transforms of the rows: n reals to or from a half spectrum. */
static void T(rows)(const transform *t, const REAL *from, REAL *to)
{
    const int last = t->dimensions - 1;
    const int64_t n = t->length[last], half = 2 * (n / 2 + 1), taken = t->inverse ? half : n, given = t->inverse ? n : half;
#pragma omp parallel for num_threads(t->threads) schedule(static) if (t->outer[last] * n > SMALL)
    for (int64_t row = 0; row < t->outer[last]; row++) {
        nrm_fft *plan = t->plans->of[omp_get_thread_num()][last];
        double *in = lines_of(t), *out = in + LANES * t->stride;
        for (int64_t j = 0; j < taken; j++) in[j] = (double)from[row * taken + j];
        (t->inverse ? nrm_fft_inverse_real : nrm_fft_forward_real)(plan, in, out);
        for (int64_t j = 0; j < given; j++) to[row * given + j] = (REAL)out[j];
    }
}

static void T(rfft)(const transform *t, const REAL *x, REAL *y)
{
    T(rows)(t, x, y);
    for (int axis = t->dimensions - 2; axis >= 0; axis--) T(along)(t, axis, y, y);
}

static void T(irfft)(const transform *t, const REAL *y, REAL *spectrum, REAL *x)
{
    for (int axis = 0; axis < t->dimensions - 1; axis++) T(along)(t, axis, axis == 0 ? y : spectrum, spectrum);
    T(rows)(t, t->dimensions == 1 ? y : spectrum, x);
}
