/* matmul_typed.h -- packing and the loops around the register block, for REAL, F(name).  Part
 * of matmul.c. */

static const F(nrm_matmul_kernel) *F(kernel_for)(nrm_isa isa)
{
    const F(nrm_matmul_kernel) *kernel = NULL;
#if defined(__x86_64__)
    if (isa >= NRM_ISA_AVX512) kernel = F2(nrm_matmul_kernel, avx512)();
    if (!kernel && isa >= NRM_ISA_AVX2) kernel = F2(nrm_matmul_kernel, avx2)();
#endif
    (void)isa;
    return kernel ? kernel : F2(nrm_matmul_kernel, ref)();
}

/* Elements of packed b, as many as a product with these n and k can need. */
static int64_t F(packed)(int64_t n, int64_t k)
{
    const int64_t depth = k < NRM_MATMUL_DEPTH ? k : NRM_MATMUL_DEPTH, columns = n < NRM_MATMUL_COLUMNS ? n : NRM_MATMUL_COLUMNS;
    return depth * (columns + NRM_MATMUL_MOST_WIDTH);
}

int64_t F(nrm_matmul_work)(int64_t n, int64_t k, int threads)
{
    return ((F(packed)(n, k) + (int64_t)threads * NRM_MATMUL_DEPTH * BLOCK_ROWS) * (int64_t)sizeof(REAL) + 63) / 64 * 64;
}

/* The panel of b from `column` on, k from `first` on: zeros beyond n. */
static void F(pack_b)(const F(nrm_matmul) *q, const F(nrm_matmul_kernel) *kernel, int64_t column, int64_t first, int64_t depth, REAL *to)
{
    const REAL *b = q->b + first * q->b_row + column * q->b_column;
    const int width = kernel->width;
    if (q->n - column >= width) {
        kernel->pack_b(depth, b, q->b_row, q->b_column, to);
        return;
    }
    const int count = (int)(q->n - column);
    for (int64_t p = 0; p < depth; p++)
        for (int j = 0; j < width; j++) to[p * width + j] = j < count ? b[p * q->b_row + j * q->b_column] : 0;
}

/* Rows `row` .. of a as panels of the register block's rows side by side; the last is filled with zeros. */
static void F(pack_a)(const F(nrm_matmul) *q, const F(nrm_matmul_kernel) *kernel, int64_t row, int64_t rows, int64_t first, int64_t depth, REAL *to)
{
    const int height = kernel->rows;
    for (int64_t r = 0; r < rows; r += height, to += depth * height) {
        const REAL *a = q->a + (row + r) * q->a_row + first * q->a_column;
        if (rows - r >= height) {
            kernel->pack_a(depth, a, q->a_row, q->a_column, to);
            continue;
        }
        for (int64_t p = 0; p < depth; p++)
            for (int i = 0; i < height; i++) to[p * height + i] = i < rows - r ? a[i * q->a_row + p * q->a_column] : 0;
    }
}

/* The part of a register block that lies inside c: by way of a whole one. */
static void F(edge)(const F(nrm_matmul_kernel) *kernel, int64_t k, const REAL *a, int64_t a_row, int64_t a_column, int rows,
                    const REAL *b, int columns, REAL *c, int64_t ldc, bool add, const REAL *start)
{
    REAL row[NRM_MATMUL_MOST_WIDTH];
    REAL whole[NRM_MATMUL_MOST_ROWS * NRM_MATMUL_MOST_WIDTH], panel[NRM_MATMUL_DEPTH * NRM_MATMUL_MOST_ROWS];
    if (rows < kernel->rows && a_column != kernel->rows) { /* rows that are not there are zeros */
        for (int64_t p = 0; p < k; p++)
            for (int i = 0; i < kernel->rows; i++) panel[p * kernel->rows + i] = i < rows ? a[i * a_row + p * a_column] : 0;
        a = panel;
        a_row = 1;
        a_column = kernel->rows;
    }
    for (int i = 0; add && i < kernel->rows; i++)
        for (int j = 0; j < kernel->width; j++) whole[i * kernel->width + j] = i < rows && j < columns ? c[i * ldc + j] : 0;
    for (int j = 0; start && j < kernel->width; j++) row[j] = j < columns ? start[j] : 0;
    kernel->block(k, a, a_row, a_column, b, whole, kernel->width, add, start ? row : NULL);
    for (int i = 0; i < rows; i++) memcpy(c + i * ldc, whole + i * kernel->width, (size_t)columns * sizeof *c);
}

/* One block of rows against all packed panels of b. */
static void F(rows_of_c)(const F(nrm_matmul) *q, const F(nrm_matmul_kernel) *kernel, int64_t row, int64_t rows, int64_t column,
                         int64_t columns, int64_t first, int64_t depth, const REAL *packed_b, REAL *packed_a, bool add)
{
    const bool pack = q->a_column != 1 && rows > 1;
    const int height = kernel->rows, width = kernel->width;
    if (pack) F(pack_a)(q, kernel, row, rows, first, depth, packed_a);
    for (int64_t i = 0; i < rows; i += height) {
        const int down = (int)(rows - i < height ? rows - i : height);
        const REAL *a = pack ? packed_a + i * depth : q->a + (row + i) * q->a_row + first * q->a_column;
        const int64_t a_row = pack ? 1 : q->a_row, a_column = pack ? height : q->a_column;
        for (int64_t j = 0; j < columns; j += width) {
            const REAL *b = packed_b + j * depth;
            const int across = (int)(columns - j < width ? columns - j : width);
            REAL *c = q->c + (row + i) * q->ldc + column + j;
            const REAL *start = q->start && !add ? q->start + column + j : NULL;
            if (down == height && across == width) kernel->block(depth, a, a_row, a_column, b, c, q->ldc, add, start);
            else F(edge)(kernel, depth, a, a_row, a_column, down, b, across, c, q->ldc, add, start);
        }
    }
}

void F(nrm_matmul_run)(const F(nrm_matmul) *q, void *work, int threads, nrm_isa isa)
{
    const F(nrm_matmul_kernel) *kernel = F(kernel_for)(isa);
    const int width = kernel->width;
    REAL *packed_b = work, *packed_a = packed_b + F(packed)(q->n, q->k);
    /* Blocks of rows: whole register blocks, enough of them for the threads. */
    const int64_t panels = (q->m + kernel->rows - 1) / kernel->rows, most = BLOCK_ROWS / kernel->rows;
    const int64_t share = (panels + 2 * threads - 1) / (2 * threads), block = (share < most ? share : most) * kernel->rows;
    const int64_t blocks = (q->m + block - 1) / block;

    if ((double)q->m * (double)q->n * (double)q->k < 65536) threads = 1;
#pragma omp parallel num_threads(threads) if (threads > 1)
    for (int64_t column = 0; column < q->n; column += NRM_MATMUL_COLUMNS) {
        const int64_t columns = q->n - column < NRM_MATMUL_COLUMNS ? q->n - column : NRM_MATMUL_COLUMNS;
        for (int64_t first = 0; first < q->k; first += NRM_MATMUL_DEPTH) {
            const int64_t depth = q->k - first < NRM_MATMUL_DEPTH ? q->k - first : NRM_MATMUL_DEPTH;
#pragma omp for schedule(static)
            for (int64_t j = 0; j < (columns + width - 1) / width; j++)
                F(pack_b)(q, kernel, column + j * width, first, depth, packed_b + j * width * depth);
#pragma omp for schedule(static)
            for (int64_t i = 0; i < blocks; i++) {
                const int64_t row = i * block, rows = q->m - row < block ? q->m - row : block;
                F(rows_of_c)(q, kernel, row, rows, column, columns, first, depth, packed_b,
                             packed_a + omp_get_thread_num() * (int64_t)NRM_MATMUL_DEPTH * BLOCK_ROWS, q->add || first > 0);
            }
        }
    }
}
