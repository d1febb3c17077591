/* panels_typed.h -- the body of panels.c for REAL, F(name).  No include guard on purpose. */

/* c's square at (i, j), rows and columns of it as far as they go, from `depth` rows of the
 * panels at a and b. */
static void F(square)(const F(nrm_matmul_kernel) *kernel, const F(nrm_panels_product) *q, const split *rows, int64_t i, int64_t j,
                      int64_t depth, const REAL *a, const REAL *b, bool add, REAL *c)
{
    const int w = kernel->panel, width = kernel->width, columns = (int)nrm_min_i64(w, q->n - j);

    for (int left = 0; left < columns; left += width) {
        const bool half = columns - left <= width / 2;
        for (int r = 0; r < rows->count; r++) {
            const int top = rows->top[r], high = rows->top[r + 1] - top;
            if (q->lower && i + top + high <= j + left) continue;
            if (half)
                kernel->edge[high](width / 2, depth, a + top, 1, w, b + left, w, c + top * w + left, w, add, NULL);
            else
                kernel->block[high](depth, a + top, 1, w, b + left, w, c + top * w + left, w, add, NULL);
        }
    }
}

void F(nrm_panels_multiply)(const F(nrm_matmul_kernel) *kernel, const F(nrm_panels_product) *q, nrm_tile tile)
{
    const int w = kernel->panel;
    const int64_t deep = nrm_panels_up(w, q->k), high = nrm_panels_up(w, q->m), step = DEPTH_BYTES / (w * (int64_t)sizeof(REAL));
    const split whole = split_of(w, kernel->rows), last = split_of((int)(w - (high - q->m)), kernel->rows);

    for (int64_t p = 0; p == 0 || p < q->k; p += step)
        for (int64_t j = tile.left; j < tile.left + tile.columns; j += w)
            for (int64_t i = q->lower ? nrm_max_i64(tile.top, j) : tile.top; i < tile.top + tile.rows; i += w)
                F(square)(kernel, q, i + w <= q->m ? &whole : &last, i, j, nrm_min_i64(step, q->k - p), q->a + i * deep + p * w,
                          q->b + j * deep + p * w, p > 0, q->c + j * high + i * w);
}

void F(nrm_panels_mirror)(const F(nrm_matmul_kernel) *kernel, int64_t n, nrm_tile tile, REAL *x)
{
    const int w = kernel->panel;
    const int64_t high = nrm_panels_up(w, n);
    REAL image[NRM_PANEL_MOST * NRM_PANEL_MOST];

    for (int64_t j = tile.left; j < tile.left + tile.columns; j += w)
        for (int64_t i = nrm_max_i64(j, tile.top); i < tile.top + tile.rows; i += w) {
            REAL *at = x + j * high + i * w;
            if (i > j) {
                kernel->turn(at, x + i * high + j * w);
                continue;
            }
            kernel->turn(at, image);
            for (int r = 0; r < w; r++)
                for (int k = r + 1; k < w; k++) at[r * w + k] = image[r * w + k];
        }
}

void F(nrm_panels_turn)(const F(nrm_matmul_kernel) *kernel, int64_t m, int64_t n, int64_t first, const REAL *x, REAL *to)
{
    const int w = kernel->panel;
    const int64_t high = nrm_panels_up(w, m);

    to += first * nrm_panels_up(w, n);
    for (int64_t j = 0; j < n; j += w) kernel->turn(x + j * high + first * w, to + j * w);
}

void F(nrm_panels_in)(const F(nrm_matmul_kernel) *kernel, int64_t m, int64_t n, int64_t first, const REAL *rows, int64_t ld,
                      bool turned, REAL *to)
{
    const int w = kernel->panel;
    const int64_t high = nrm_panels_up(w, m), count = nrm_min_i64(w, m - first);
    REAL square[NRM_PANEL_MOST * NRM_PANEL_MOST];

    for (int64_t j = 0; j < n; j += w) {
        const int64_t columns = nrm_min_i64(w, n - j);
        REAL *at = turned ? square : to + j * high + first * w;
        if (count < w || columns < w) memset(at, 0, (size_t)(w * w) * sizeof *at);
        for (int64_t i = 0; i < count; i++) memcpy(at + i * w, rows + (first + i) * ld + j, (size_t)columns * sizeof *at);
        if (turned) kernel->turn(square, to + first * nrm_panels_up(w, n) + j * w);
    }
}

void F(nrm_panels_out)(const F(nrm_matmul_kernel) *kernel, int64_t m, int64_t n, int64_t first, const REAL *x, bool turned,
                       REAL *rows, int64_t ld)
{
    const int w = kernel->panel;
    const int64_t high = nrm_panels_up(w, m), count = nrm_min_i64(w, m - first);
    REAL square[NRM_PANEL_MOST * NRM_PANEL_MOST];

    for (int64_t j = 0; j < n; j += w) {
        const REAL *at = x + j * high + first * w;
        if (turned) {
            kernel->turn(x + first * nrm_panels_up(w, n) + j * w, square);
            at = square;
        }
        for (int64_t i = 0; i < count; i++)
            memcpy(rows + (first + i) * ld + j, at + i * w, (size_t)nrm_min_i64(w, n - j) * sizeof *rows);
    }
}
