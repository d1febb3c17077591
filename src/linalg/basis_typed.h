/* basis_typed.h -- the typed loops of basis.c, included once for each REAL, with TYPED(name).
 * No include guard on purpose. */

/* D_I, n x rank. */
static void TYPED(columns)(const nrm_basis_view *v, const int64_t *index, REAL *columns)
{
    const nrm_basis *b = v->basis;
    const int64_t n = b->n, rank = v->rank;

#pragma omp parallel for num_threads(v->threads) if (v->threads > 1 && n * rank > WORTH_THREADS)
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < rank; k++) {
            const int64_t j = index[k];
            columns[i * rank + k] = b->matrix ? ((const REAL *)b->matrix)[i * n + j]
                                    : b->kind == NRM_BASIS_IDENTITY ? (REAL)(i == j)
                                                                    : (REAL)formula(b->kind, n, b->cosine, i, j);
        }
}

/* Sums over the rows of at most CHUNK columns, top to bottom. */
static void TYPED(column_scores)(int64_t rows, int64_t cols, int64_t count, int norm, const REAL *s, double *score)
{
    double sum[CHUNK] = {0};

    for (int64_t i = 0; i < rows; i++, s += cols)
        if (norm == 1)
            for (int64_t j = 0; j < count; j++) sum[j] += fabs((double)s[j]);
        else
            for (int64_t j = 0; j < count; j++) sum[j] += (double)s[j] * (double)s[j];
    memcpy(score, sum, (size_t)count * sizeof *score);
}

static double TYPED(row_score)(int64_t n, int norm, const REAL *s)
{
    enum { SUMS = 8 };
    double sum[SUMS] = {0}, total = 0;
    int64_t j = 0;

    for (; j + SUMS <= n; j += SUMS)
        for (int k = 0; k < SUMS; k++) {
            const double x = (double)s[j + k];
            sum[k] += norm == 1 ? fabs(x) : x * x;
        }
    for (int k = 0; j < n; j++, k++) {
        const double x = (double)s[j];
        sum[k] += norm == 1 ? fabs(x) : x * x;
    }
    for (int k = 0; k < SUMS; k++) total += sum[k];
    return total;
}

static void TYPED(scores)(const nrm_basis_view *v, int norm, const REAL *s, double *score)
{
    const int64_t step = v->right ? CHUNK : 1;

#pragma omp parallel for num_threads(v->threads) if (v->threads > 1 && v->rows * v->cols > WORTH_THREADS)
    for (int64_t j = 0; j < v->basis->n; j += step)
        if (v->right) TYPED(column_scores)(v->rows, v->cols, nrm_min_i64(step, v->cols - j), norm, s + j, score + j);
        else score[j] = TYPED(row_score)(v->cols, norm, s + j * v->cols);
}

static void TYPED(take)(const nrm_basis_view *v, const REAL *s, const int64_t *index, REAL *low)
{
    const int64_t lines = v->right ? v->rows : v->rank, cols = v->cols, rank = v->rank;

#pragma omp parallel for num_threads(v->threads) if (v->threads > 1 && lines * (v->right ? rank : cols) > WORTH_THREADS)
    for (int64_t i = 0; i < lines; i++)
        if (v->right)
            for (int64_t k = 0; k < rank; k++) low[i * rank + k] = s[i * cols + index[k]];
        else memcpy(low + i * cols, s + index[i] * cols, (size_t)cols * sizeof *s);
}

/* The S that has `low` at I and zeros elsewhere. */
static void TYPED(put)(const nrm_basis_view *v, const REAL *low, const int64_t *index, REAL *s)
{
    const int64_t cols = v->cols, rank = v->rank;

#pragma omp parallel for num_threads(v->threads) if (v->threads > 1 && v->rows * cols > WORTH_THREADS)
    for (int64_t i = 0; i < v->rows; i++) {
        memset(s + i * cols, 0, (size_t)cols * sizeof *s);
        for (int64_t k = 0; v->right && k < rank; k++) s[i * cols + index[k]] = low[i * rank + k];
    }
    for (int64_t k = 0; !v->right && k < rank; k++) memcpy(s + index[k] * cols, low + k * cols, (size_t)cols * sizeof *s);
}
