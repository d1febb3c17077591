/* low_rank_typed.h -- the typed loops of low_rank.c, included once for each REAL, with
 * TYPED(name).  No include guard on purpose. */

static double TYPED(largest)(int threads, int64_t n, const REAL *x)
{
    double most = 0;

#pragma omp parallel for num_threads(threads) reduction(max : most) if (threads > 1 && n > NRM_OPTIMIZER_BLOCK)
    for (int64_t i = 0; i < n; i += NRM_OPTIMIZER_BLOCK) {
        REAL here = 0;
        for (int64_t j = i, end = nrm_min_i64(i + NRM_OPTIMIZER_BLOCK, n); j < end; j++) {
            const REAL size = x[j] < 0 ? -x[j] : x[j];
            here = size > here ? size : here;
        }
        most = (double)here > most ? (double)here : most;
    }
    return most;
}

static void TYPED(signs)(int threads, int64_t n, const REAL *g, REAL least, REAL *x)
{
#pragma omp parallel for num_threads(threads) if (threads > 1 && n > NRM_OPTIMIZER_BLOCK)
    for (int64_t i = 0; i < n; i += NRM_OPTIMIZER_BLOCK)
        for (int64_t j = i, end = nrm_min_i64(i + NRM_OPTIMIZER_BLOCK, n); j < end; j++) {
            const REAL rest = g[j] - x[j];
            x[j] = (REAL)((rest > least) - (rest < -least));
        }
}

/* Right: a row each; left: some columns at a time, top to bottom. */
enum { TYPED(NORM_COLUMNS) = 64 };

static void TYPED(column_norms)(const nrm_low_rank *l, int64_t first, const REAL *low, double *norm)
{
    const int64_t count = nrm_min_i64(TYPED(NORM_COLUMNS), l->cols - first);
    double sum[TYPED(NORM_COLUMNS)] = {0};

    for (int64_t i = 0; i < l->rank; i++)
        for (int64_t j = 0; j < count; j++) {
            const double value = (double)low[i * l->cols + first + j];
            sum[j] += value * value;
        }
    for (int64_t j = 0; j < count; j++) norm[first + j] = sqrt(sum[j]);
}

static void TYPED(norms)(const nrm_low_rank *l, const REAL *low, double *norm)
{
    const int64_t step = l->right ? 1 : TYPED(NORM_COLUMNS);

#pragma omp parallel for num_threads(l->threads) if (l->threads > 1 && l->low > NRM_OPTIMIZER_BLOCK)
    for (int64_t j = 0; j < l->other; j += step)
        if (l->right) norm[j] = sqrt(nrm_square_sum(l->dtype, l->rank, 1, low + j * l->rank));
        else TYPED(column_norms)(l, j, low, norm);
}

static void TYPED(scale)(const nrm_low_rank *l, const double *factor, REAL *a)
{
#pragma omp parallel for num_threads(l->threads) if (l->threads > 1 && l->full > NRM_OPTIMIZER_BLOCK)
    for (int64_t i = 0; i < l->rows; i++)
        for (int64_t j = 0; j < l->cols; j++) a[i * l->cols + j] = (REAL)((double)a[i * l->cols + j] * factor[l->right ? i : j]);
}
