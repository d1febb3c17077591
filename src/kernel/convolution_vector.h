/* convolution_vector.h -- the body of the kernels of convolution_kernels.h.
 *
 * Included for f32 and for f64 by convolution_scalar.c, _avx2.c and _avx512.c, which define
 * REAL, VEC, LANES, F(name), LOAD, STORE, SET1, FMA(a, b, c) = a b + c and TOTAL (the sum of
 * the lanes).  A tile keeps 12 sums in registers, rows x vectors, enough to hide the latency
 * of two FMAs a cycle: for 4 rows and 3 vectors a turn is 12 FMAs on 7 loads.  `rows` and
 * `vectors` are constants after inlining. */

/* Add terms k .. end of the sums (k = 0: begin them) of `rows` rows from `row` on at points p on. */
static NRM_INLINE void F(tile)(const F(nrm_conv_correlate) *s, int rows, int vectors, int64_t row, int64_t p, int64_t k,
                               int64_t end)
{
    const int side = rows < NRM_CONV_ROWS ? rows : NRM_CONV_ROWS; /* 8 rows are two blocks of weights */
    const REAL *w = s->w + row * s->depth;
    REAL *y = s->y + row * s->y_stride + p;
    VEC sum[NRM_CONV_VECTORS];

    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            sum[r * vectors + v] = k ? LOAD(y + r * s->y_stride + v * LANES) : SET1(0);
    for (; k < end; k++) {
        const REAL *x = s->x + s->offset[k] + p;
        VEC part[NRM_CONV_VECTORS];
        for (int v = 0; v < vectors; v++) part[v] = LOAD(x + v * LANES);
        for (int r = 0; r < rows; r++) {
            const VEC weight = SET1(w[(r / side * s->depth + k) * side + r % side]);
            for (int v = 0; v < vectors; v++) sum[r * vectors + v] = FMA(weight, part[v], sum[r * vectors + v]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) STORE(y + r * s->y_stride + v * LANES, sum[r * vectors + v]);
}

/* Points outside, then terms, then rows: the first cache keeps the piece of x that all rows
 * use. */
static NRM_INLINE void F(sweep)(const F(nrm_conv_correlate) *s, int64_t first, int64_t end, int rows, int vectors,
                                int64_t begin, int64_t flat)
{
    for (int64_t p = begin; p < flat; p += vectors * LANES)
        for (int64_t k = 0; k < s->depth; k += NRM_CONV_TERMS) {
            const int64_t last = k + NRM_CONV_TERMS < s->depth ? k + NRM_CONV_TERMS : s->depth;
            for (int64_t r = first; r < end; r += rows) F(tile)(s, rows, vectors, r, p, k, last);
        }
}

/* Rows by fours.  Where only one or two vectors are left at the end, a tile of 8 rows and one
 * vector wastes fewer lanes. */
static void F(sweep_whole)(const F(nrm_conv_correlate) *s, int64_t end)
{
    const int vectors = NRM_CONV_VECTORS / NRM_CONV_ROWS;
    const int64_t rest = s->flat % (vectors * LANES), full = s->flat - rest;
    const int64_t pairs = rest > (vectors - 1) * LANES ? 0 : end / 8 * 8;

    F(sweep)(s, 0, end, NRM_CONV_ROWS, vectors, 0, full);
    F(sweep)(s, 0, pairs, 8, 1, full, s->flat);
    F(sweep)(s, pairs, end, NRM_CONV_ROWS, vectors, full, s->flat);
}

static void F(correlate)(const F(nrm_conv_correlate) *s)
{
    const int64_t whole = s->rows / NRM_CONV_ROWS * NRM_CONV_ROWS;
    F(sweep_whole)(s, whole);
    if (s->rows - whole == 3) F(sweep)(s, whole, s->rows, 3, 4, 0, s->flat);
    if (s->rows - whole == 2) F(sweep)(s, whole, s->rows, 2, 6, 0, s->flat);
    if (s->rows - whole == 1) F(sweep)(s, whole, s->rows, 1, 12, 0, s->flat);
}

static NRM_INLINE void F(dots)(const F(nrm_conv_gradient) *s, int rows, int taps, int64_t r, int64_t k)
{
    VEC sum[NRM_CONV_VECTORS];

    for (int a = 0; a < rows * taps; a++) sum[a] = SET1(0);
    for (int64_t image = 0; image < s->images; image++) {
        const REAL *dy = s->dy + image * s->dy_image + r * s->dy_stride, *x[NRM_CONV_VECTORS];
        for (int t = 0; t < taps; t++) x[t] = s->x + image * s->x_image + s->offset[k + t];
        for (int64_t p = 0; p < s->flat; p += LANES) {
            VEC part[NRM_CONV_VECTORS];
            for (int t = 0; t < taps; t++) part[t] = LOAD(x[t] + p);
            for (int q = 0; q < rows; q++) {
                const VEC d = LOAD(dy + q * s->dy_stride + p);
                for (int t = 0; t < taps; t++) sum[q * taps + t] = FMA(d, part[t], sum[q * taps + t]);
            }
        }
    }
    for (int q = 0; q < rows; q++)
        for (int t = 0; t < taps; t++) s->dw[(r + q) * s->depth + k + t] += TOTAL(sum[q * taps + t]);
}

static NRM_INLINE void F(dot_rows)(const F(nrm_conv_gradient) *s, int rows, int64_t r)
{
    int64_t k = 0;
    if (rows == 1)
        for (; k + 9 <= s->depth; k += 9) F(dots)(s, 1, 9, r, k);
    for (; k + 3 <= s->depth; k += 3) F(dots)(s, rows, 3, r, k);
    for (; k < s->depth; k++) F(dots)(s, rows, 1, r, k);
}

static void F(gradient)(const F(nrm_conv_gradient) *s)
{
    int64_t r = 0;
    for (; r + NRM_CONV_ROWS <= s->rows; r += NRM_CONV_ROWS) F(dot_rows)(s, NRM_CONV_ROWS, r);
    for (; r < s->rows; r++) F(dot_rows)(s, 1, r);
}
