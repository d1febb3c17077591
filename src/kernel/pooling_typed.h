/* pooling_typed.h -- the body of pooling.c, included once for each REAL with F(name).  No
 * include guard on purpose. */

/* The place of the largest entry of a window; a NaN is larger than all that is not. */
static inline int64_t F(largest)(const REAL *x, int64_t width, window w)
{
    int64_t at = w.top * width + w.left;
    REAL best = x[at];

    for (int64_t row = w.top; row < w.bottom; row++)
        for (int64_t column = w.left; column < w.right; column++) {
            const REAL value = x[row * width + column];
            if (value > best || (isnan(value) && !isnan(best))) {
                best = value;
                at = row * width + column;
            }
        }
    return at;
}

void F(nrm_max_pool)(const nrm_pool_shape *s, const REAL *x, int64_t *index, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t plane = 0; plane < s->planes; plane++)
        for (int64_t i = 0; i < s->out_height; i++)
            for (int64_t j = 0; j < s->out_width; j++)
                index[(plane * s->out_height + i) * s->out_width + j] =
                    F(largest)(x + plane * s->height * s->width, s->width, window_at(s, i, j));
}

void F(nrm_max_pool_take)(const nrm_pool_shape *s, const REAL *x, const int64_t *index, REAL *y, int threads)
{
    const int64_t points = s->out_height * s->out_width, size = s->height * s->width;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t plane = 0; plane < s->planes; plane++)
        for (int64_t p = plane * points; p < (plane + 1) * points; p++) y[p] = x[plane * size + index[p]];
}

void F(nrm_max_pool_adjoint)(const nrm_pool_shape *s, const REAL *dy, const int64_t *index, REAL *dx, int threads)
{
    const int64_t points = s->out_height * s->out_width, size = s->height * s->width;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t plane = 0; plane < s->planes; plane++) {
        for (int64_t q = plane * size; q < (plane + 1) * size; q++) dx[q] = 0;
        for (int64_t p = plane * points; p < (plane + 1) * points; p++) dx[plane * size + index[p]] += dy[p];
    }
}

void F(nrm_average_pool)(const nrm_pool_shape *s, const REAL *x, REAL *y, int threads)
{
    const double count = (double)s->kernel * (double)s->kernel;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t plane = 0; plane < s->planes; plane++)
        for (int64_t p = 0; p < s->out_height * s->out_width; p++) {
            const window w = window_at(s, p / s->out_width, p % s->out_width);
            double sum = 0;
            for (int64_t row = w.top; row < w.bottom; row++)
                for (int64_t column = w.left; column < w.right; column++)
                    sum += (double)x[(plane * s->height + row) * s->width + column];
            y[plane * s->out_height * s->out_width + p] = (REAL)(sum / count);
        }
}

void F(nrm_average_pool_adjoint)(const nrm_pool_shape *s, const REAL *dy, REAL *dx, int threads)
{
    const double count = (double)s->kernel * (double)s->kernel;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t plane = 0; plane < s->planes; plane++) {
        REAL *to = dx + plane * s->height * s->width;
        for (int64_t q = 0; q < s->height * s->width; q++) to[q] = 0;
        for (int64_t p = 0; p < s->out_height * s->out_width; p++) {
            const window w = window_at(s, p / s->out_width, p % s->out_width);
            const REAL share = (REAL)((double)dy[plane * s->out_height * s->out_width + p] / count);
            for (int64_t row = w.top; row < w.bottom; row++)
                for (int64_t column = w.left; column < w.right; column++) to[row * s->width + column] += share;
        }
    }
}
