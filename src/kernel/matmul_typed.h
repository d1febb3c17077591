/* matmul_typed.h -- packing and the loops around the register block, for REAL, F(name).  Part
 * of matmul.c. */

const F(nrm_matmul_kernel) *F2(nrm_matmul_kernel, for)(nrm_isa isa)
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

/* One panel: `count` columns of b (k x count), then zeros. */
static void F(pack_panel)(const F(nrm_matmul_kernel) *kernel, int64_t count, int64_t k, const REAL *b, int64_t b_row, int64_t b_column, REAL *to)
{
    const int width = kernel->width;
    if (count >= width) {
        kernel->pack_b(k, b, b_row, b_column, to);
        return;
    }
    for (int64_t p = 0; p < k; p++)
        for (int j = 0; j < width; j++) to[p * width + j] = j < count ? b[p * b_row + j * b_column] : 0;
}

void F(nrm_matmul_pack)(const F(nrm_matmul_kernel) *kernel, int64_t n, int64_t k, const REAL *b, int64_t b_row, int64_t b_column, REAL *to)
{
    for (int64_t j = 0; j < n; j += kernel->width) F(pack_panel)(kernel, n - j, k, b + j * b_column, b_row, b_column, to + j * k);
}

/* Rows `row` .. of a as panels of the register block's rows side by side. */
static void F(pack_a)(const F(nrm_matmul) *q, const F(nrm_matmul_kernel) *kernel, int64_t row, int64_t rows, int64_t first, int64_t depth, REAL *to)
{
    const int height = kernel->rows;
    const int64_t panels = rows / height, rest = rows % height;
    const REAL *a = q->a + row * q->a_row + first * q->a_column;
    kernel->pack_a(depth, panels, a, q->a_row, q->a_column, to);
    a += panels * height * q->a_row;
    to += panels * height * depth;
    for (int64_t p = 0; p < depth; p++)
        for (int64_t i = 0; i < rest; i++) to[p * height + i] = a[i * q->a_row + p * q->a_column];
}

/* The last columns of c, from `column` on. */
static void F(edge)(const F(nrm_matmul_kernel) *kernel, const F(nrm_matmul_rows) *q, int64_t panel, int64_t column, const REAL *b)
{
    const int height = kernel->rows, columns = (int)(q->n - column);
    const bool tall = kernel->tall && columns <= kernel->width / 2;
    const REAL *start = q->start ? q->start + column : NULL, *a = q->a;
    REAL *c = q->c + column;
    int64_t left = q->m;
    for (; tall && left >= 2 * height; left -= 2 * height, a += 2 * panel, c += 2 * height * q->ldc)
        kernel->tall(columns, q->k, a, q->a_row, q->a_column, panel, b, kernel->width, c, q->ldc, q->add, start);
    for (; left > 0; left -= height, a += panel, c += height * q->ldc)
        kernel->edge[left < height ? left : height](columns, q->k, a, q->a_row, q->a_column, b, kernel->width, c, q->ldc, q->add, start);
}

void F(nrm_matmul_rows_run)(const F(nrm_matmul_kernel) *kernel, const F(nrm_matmul_rows) *q)
{
    const int height = kernel->rows, width = kernel->width;
    const int64_t panel = q->a_panel ? q->a_panel : height * q->a_row, whole = q->n / width * width;
    const REAL *a = q->a;
    for (int64_t i = 0; i < q->m; i += height, a += panel) {
        const int64_t down = q->m - i < height ? q->m - i : height;
        const REAL *b = q->b;
        for (int64_t j = 0; j < whole; j += width, b += q->b_panel)
            kernel->block[down](q->k, a, q->a_row, q->a_column, b, width, q->c + i * q->ldc + j, q->ldc, q->add, q->start ? q->start + j : NULL);
    }
    if (whole < q->n) F(edge)(kernel, q, panel, whole, q->b + whole / width * q->b_panel);
}

/* One block of rows against all packed panels of b. */
static void F(rows_of_c)(const F(nrm_matmul) *q, const F(nrm_matmul_kernel) *kernel, int64_t row, int64_t rows, int64_t column,
                         int64_t columns, int64_t first, int64_t depth, const REAL *packed_b, REAL *packed_a)
{
    const bool add = q->add || first > 0, pack = q->a_column != 1 && rows > 1;
    F(nrm_matmul_rows) part = {.m = rows, .n = columns, .k = depth, .a = q->a + row * q->a_row + first * q->a_column, .a_row = q->a_row,
                               .a_column = q->a_column, .b = packed_b, .b_panel = depth * kernel->width, .c = q->c + row * q->ldc + column,
                               .ldc = q->ldc, .add = add, .start = q->start && !add ? q->start + column : NULL};
    if (pack) {
        F(pack_a)(q, kernel, row, rows, first, depth, packed_a);
        part.a = packed_a;
        part.a_row = 1;
        part.a_column = kernel->rows;
        part.a_panel = kernel->rows * depth;
    }
    F(nrm_matmul_rows_run)(kernel, &part);
}

void F(nrm_matmul_run)(const F(nrm_matmul) *q, void *work, int threads, nrm_isa isa)
{
    const F(nrm_matmul_kernel) *kernel = F2(nrm_matmul_kernel, for)(isa);
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
                F(pack_panel)(kernel, columns - j * width, depth, q->b + first * q->b_row + (column + j * width) * q->b_column, q->b_row,
                              q->b_column, packed_b + j * width * depth);
#pragma omp for schedule(static)
            for (int64_t i = 0; i < blocks; i++) {
                const int64_t row = i * block, rows = q->m - row < block ? q->m - row : block;
                F(rows_of_c)(q, kernel, row, rows, column, columns, first, depth, packed_b,
                             packed_a + omp_get_thread_num() * (int64_t)NRM_MATMUL_DEPTH * BLOCK_ROWS);
            }
        }
    }
}
