/* error_feedback_typed.h -- the codes of error_feedback.c, included once for each REAL, with
 * TYPED(name).  No include guard on purpose. */

/* a = clip g + unit q + least */
static void TYPED(add)(const nrm_rule_piece *p, int bits, REAL clip, const unsigned char *codes, const REAL *ranges, REAL *a)
{
    const REAL *g = p->gradient;
    const int64_t cols = p->cols, bytes = code_bytes(bits, cols);

#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->rows; i++) {
        const REAL least = ranges[2 * i], unit = ranges[2 * i + 1];
        for (int64_t j = 0; j < cols; j++)
            a[i * cols + j] = clip * g[i * cols + j] + (unit * (REAL)code_at(codes + i * bytes, bits, j) + least);
    }
}

/* The codes of row a - back. */
static void TYPED(keep_row)(int64_t cols, int bits, const REAL *a, const REAL *back, unsigned char *codes, REAL *range)
{
    const double largest = (1 << bits) - 1;
    REAL least = a[0] - back[0], most = least;

    for (int64_t j = 1; j < cols; j++) {
        const REAL x = a[j] - back[j];
        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    const double unit = (double)(REAL)(((double)most - (double)least) / largest);
    const bool flat = !(unit > 0 && isfinite(unit));
    memset(codes, 0, (size_t)code_bytes(bits, cols));
    for (int64_t j = 0; j < cols && !flat; j++) {
        const double q = floor(((double)(a[j] - back[j]) - (double)least) / unit + 0.5);
        const unsigned code = (unsigned)fmin(q, largest);
        if (bits == 8) codes[j] = (unsigned char)code;
        else codes[j / 2] = (unsigned char)(codes[j / 2] | code << 4 * (j % 2));
    }
    range[0] = least;
    range[1] = flat ? 0 : (REAL)unit;
}

static void TYPED(keep)(const nrm_rule_piece *p, int bits, const REAL *a, const REAL *back, unsigned char *codes, REAL *ranges)
{
    const int64_t cols = p->cols, bytes = code_bytes(bits, cols);

#pragma omp parallel for num_threads(p->threads) if (p->threads > 1)
    for (int64_t i = 0; i < p->rows; i++)
        TYPED(keep_row)(cols, bits, a + i * cols, back + i * cols, codes + i * bytes, ranges + 2 * i);
}
