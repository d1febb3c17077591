/* error_feedback_typed.h -- the codes of error_feedback.c, included once for each REAL, with
 * TYPED(name).  No include guard on purpose. */

/* A row of a = clip g + unit q + least. */
static inline void TYPED(add_row)(int64_t cols, int bits, REAL clip, const REAL *g, const unsigned char *codes, REAL least, REAL unit,
                                  REAL *a)
{
    for (int64_t j = 0; j < cols; j++) a[j] = clip * g[j] + (unit * (REAL)code_at(codes, bits, j) + least);
}

static void TYPED(add)(const nrm_rule_piece *p, int bits, REAL clip, const unsigned char *codes, const REAL *ranges, REAL *a)
{
    const REAL *g = p->gradient;
    const int64_t cols = p->cols, bytes = code_bytes(bits, cols);

#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->rows; i++)
        if (bits == 8) TYPED(add_row)(cols, 8, clip, g + i * cols, codes + i * bytes, ranges[2 * i], ranges[2 * i + 1], a + i * cols);
        else TYPED(add_row)(cols, 4, clip, g + i * cols, codes + i * bytes, ranges[2 * i], ranges[2 * i + 1], a + i * cols);
}

/* (a - back - least) / unit is at least 0, and at most `largest` but for rounding. */
static inline unsigned TYPED(code)(REAL a, REAL back, double least, double unit, int largest)
{
    const int code = (int)(((double)(a - back) - least) / unit + 0.5);
    return (unsigned)(code < largest ? code : largest);
}

/* The codes of row a - back. */
static void TYPED(keep_row)(int64_t cols, int bits, const REAL *a, const REAL *back, unsigned char *codes, REAL *range)
{
    const int largest = (1 << bits) - 1;
    REAL least = a[0] - back[0], most = least;

    for (int64_t j = 1; j < cols; j++) {
        const REAL x = a[j] - back[j];
        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    const double unit = (double)(REAL)(((double)most - (double)least) / largest), from = (double)least;
    const bool flat = !(unit > 0 && isfinite(unit));
    range[0] = least;
    range[1] = flat ? 0 : (REAL)unit;
    memset(codes, 0, (size_t)code_bytes(bits, cols));
    if (flat) return;
    if (bits == 8)
        for (int64_t j = 0; j < cols; j++) codes[j] = (unsigned char)TYPED(code)(a[j], back[j], from, unit, 255);
    else
        for (int64_t j = 0; j < cols; j++)
            codes[j / 2] = (unsigned char)(codes[j / 2] | TYPED(code)(a[j], back[j], from, unit, 15) << 4 * (j % 2));
}

static void TYPED(keep)(const nrm_rule_piece *p, int bits, const REAL *a, const REAL *back, unsigned char *codes, REAL *ranges)
{
    const int64_t cols = p->cols, bytes = code_bytes(bits, cols);

#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->rows; i++)
        TYPED(keep_row)(cols, bits, a + i * cols, back + i * cols, codes + i * bytes, ranges + 2 * i);
}
