/* csr_typed.h -- products with sparse matrices for one type: REAL, T(name), KERNELS.  Part of
 * op_csr.c. */

static void T(product)(const nrm_op_run *r, int64_t n)
{
    const T(nrm_elementwise) *k = KERNELS(nrm_cpu_isa());
    const int64_t *indptr = r->in[0], *index = r->in[1], rows = r->node->shape[0];
    const REAL *values = r->in[2], *dense = r->in[3];
    REAL *y = r->out;
#pragma omp parallel for num_threads(r->threads) schedule(dynamic, CHUNK) if ((double)indptr[rows] * (double)(n + MORE) > ENOUGH)
    for (int64_t i = 0; i < rows; i++) {
        if (n == 1) {
            REAL sum = 0;
            for (int64_t e = indptr[i]; e < indptr[i + 1]; e++) sum += values[e] * dense[index[e]];
            y[i] = sum;
            continue;
        }
        k->fill(n, 0, y + i * n);
        for (int64_t e = indptr[i]; e < indptr[i + 1]; e++) k->axpy(n, values[e], dense + index[e] * n, y + i * n);
    }
}

/* Its part of the transposed product, rows in rising order. */
static void T(transposed)(const nrm_op_run *r, nrm_scatter_part p, int64_t n)
{
    const T(nrm_elementwise) *k = KERNELS(nrm_cpu_isa());
    const int64_t *indptr = r->in[0], *index = r->in[1], rows = r->inputs[3]->shape[0], m = p.column_end - p.column;
    const REAL *values = r->in[2], *dense = r->in[3];
    REAL *y = r->out;
    for (int64_t j = p.row; j < p.row_end; j++) k->fill(m, 0, y + j * n + p.column);
    for (int64_t i = 0; i < rows; i++) {
        const REAL *from = dense + i * n + p.column;
        for (int64_t e = indptr[i]; e < indptr[i + 1]; e++) {
            if (index[e] < p.row || index[e] >= p.row_end) continue;
            REAL *to = y + index[e] * n + p.column;
            if (n == 1) *to += values[e] * *from;
            else k->axpy(m, values[e], from, to);
        }
    }
}

/* The inner product of two rows: pieces that stay in the first cache. */
static REAL T(inner)(const T(nrm_elementwise) *k, int64_t n, const REAL *a, const REAL *b)
{
    REAL both[PIECE], sum = 0;
    if (n < NARROW) {
        for (int64_t j = 0; j < n; j++) sum += a[j] * b[j];
        return sum;
    }
    for (int64_t at = 0; at < n; at += PIECE) {
        const int64_t m = nrm_min_i64(PIECE, n - at);
        k->binary[NRM_BINARY_mul](m, a + at, b + at, both);
        sum += k->sum(m, both);
    }
    return sum;
}

static void T(sampled)(const nrm_op_run *r, int64_t n)
{
    const T(nrm_elementwise) *k = KERNELS(nrm_cpu_isa());
    const int64_t *indptr = r->in[0], *index = r->in[1], rows = r->inputs[2]->shape[0];
    const REAL *a = r->in[2], *b = r->in[3];
    REAL *y = r->out;
#pragma omp parallel for num_threads(r->threads) schedule(dynamic, CHUNK) if ((double)indptr[rows] * (double)(n + MORE) > ENOUGH)
    for (int64_t i = 0; i < rows; i++)
        for (int64_t e = indptr[i]; e < indptr[i + 1]; e++) y[e] = T(inner)(k, n, a + i * n, b + index[e] * n);
}
