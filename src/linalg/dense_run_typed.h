/* dense_run_typed.h -- the typed parts of dense_run.c, included once for each REAL, with
 * TYPED(name), CBLAS(name) and LAPACK(name).  No include guard on purpose. */

static void TYPED(product)(int threads, bool ta, bool tb, int64_t m, int64_t n, int64_t k, REAL alpha, const REAL *a,
                           const REAL *b, REAL beta, REAL *c)
{
    const int64_t across = blocks(n, TILE), count = blocks(m, TILE) * across;

#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1 && count > 1)
    for (int64_t t = 0; t < count; t++) {
        const int64_t top = t / across * TILE, left = t % across * TILE;
        CBLAS(gemm)(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
                    (int)nrm_min_i64(TILE, m - top), (int)nrm_min_i64(TILE, n - left), (int)k, alpha,
                    ta ? a + top : a + top * k, (int)(ta ? m : k), tb ? b + left * k : b + left, (int)(tb ? k : n), beta,
                    c + top * n + left, (int)n);
    }
}

static void TYPED(combine)(int threads, int64_t n, REAL alpha, const REAL *x, REAL beta, const REAL *y, REAL *out)
{
    const int64_t count = blocks(n, BLOCK);

#pragma omp parallel for num_threads(threads) if (threads > 1 && count > 1)
    for (int64_t block = 0; block < count; block++)
        for (int64_t i = block * BLOCK, end = nrm_min_i64(i + BLOCK, n); i < end; i++) out[i] = alpha * x[i] + beta * y[i];
}

/* Numbers of work beyond the 2 n scales and signs; -1: too many. */
static int64_t TYPED(qr_asks)(int64_t m, int64_t n)
{
    REAL factor = -1, form = -1, none = 0;

    LAPACK(gelqf)(LAPACK_COL_MAJOR, (int)n, (int)m, &none, (int)n, &none, &factor, -1);
    LAPACK(orglq)(LAPACK_COL_MAJOR, (int)n, (int)m, (int)n, &none, (int)n, &none, &form, -1);
    const double asked = fmax((double)factor, (double)form);
    return factor >= 1 && form >= 1 && asked <= INT_MAX / 2 ? (int64_t)asked : -1;
}

static void TYPED(qr)(int64_t m, int64_t n, REAL *a, REAL *work)
{
    REAL *scales = work, *sign = work + n, *rest = work + 2 * n;
    const int count = (int)TYPED(qr_asks)(m, n);

    LAPACK(gelqf)(LAPACK_COL_MAJOR, (int)n, (int)m, a, (int)n, scales, rest, count);
    for (int64_t j = 0; j < n; j++) sign[j] = a[j * n + j] < 0 ? -1 : 1;
    LAPACK(orglq)(LAPACK_COL_MAJOR, (int)n, (int)m, (int)n, a, (int)n, scales, rest, count);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) a[i * n + j] *= sign[j];
}
