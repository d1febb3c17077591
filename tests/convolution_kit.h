/* convolution_kit.h -- the body of test_convolution.c, included for f32 and f64 with REAL,
 * F(name) and TOLERANCE. */

/* n numbers between two guards. */
static REAL *F(guarded)(int64_t n)
{
    REAL *p = malloc((size_t)(n + 2 * GUARD) * sizeof *p);
    assert_non_null(p);
    for (int64_t i = 0; i < n + 2 * GUARD; i++) p[i] = (REAL)(i < GUARD || i >= GUARD + n ? MARK : NAN);
    return p + GUARD;
}

static void F(release)(REAL *p, int64_t n)
{
    for (int64_t i = 1; i <= GUARD; i++) assert_true(p[-i] == (REAL)MARK && p[n + i - 1] == (REAL)MARK);
    free(p - GUARD);
}

static REAL *F(random)(int64_t n, uint64_t *seed)
{
    REAL *p = F(guarded)(n);
    for (int64_t i = 0; i < n; i++) p[i] = (REAL)nrm_test_normal(seed);
    return p;
}

/* One of the three by `threads`, in work full of NaN and no longer than was asked for. */
static void F(run)(const nrm_conv_shape *s, nrm_conv_kind kind, const REAL *a, const REAL *b, REAL *out, int threads)
{
    const int64_t bytes = F(nrm_conv_work)(s, kind, threads);
    assert_true(bytes >= 0);
    unsigned char *work = aligned_alloc(64, (size_t)bytes + 64);
    assert_non_null(work);
    memset(work, 255, (size_t)bytes + 64);
    if (kind == NRM_CONV_FORWARD) F(nrm_conv_forward)(s, a, b, out, work, threads);
    else if (kind == NRM_CONV_INPUT) F(nrm_conv_input)(s, a, b, out, work, threads);
    else F(nrm_conv_weight)(s, a, b, out, work, threads);
    for (int64_t i = bytes; i < bytes + 64; i++) assert_int_equal(work[i], 255);
    free(work);
}

/* The fast way against the loops of the formula, and the bits of 1 and 2 threads. */
static void F(against_loops)(const nrm_conv_shape *s, nrm_conv_kind kind, const REAL *a, const REAL *b, REAL *out,
                             int64_t n)
{
    REAL *loops = F(guarded)(n), *again = F(guarded)(n);
    double size = 1;

    F(run)(s, kind, a, b, out, 1);
    if (kind == NRM_CONV_FORWARD) F(nrm_conv_forward_ref)(s, a, b, loops);
    else if (kind == NRM_CONV_INPUT) F(nrm_conv_input_ref)(s, a, b, loops);
    else F(nrm_conv_weight_ref)(s, a, b, loops);
    for (int64_t i = 0; i < n; i++) size = fmax(size, fabs((double)loops[i]));
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)out[i] - (double)loops[i]) <= TOLERANCE * size))
            fail_msg("kind %d, entry %lld: %.9g, loops %.9g", (int)kind, (long long)i, (double)out[i],
                     (double)loops[i]);
    F(run)(s, kind, a, b, again, 2);
    assert_memory_equal(out, again, (size_t)n * sizeof *out);
    F(release)(loops, n);
    F(release)(again, n);
}

static double F(inner)(const REAL *a, const REAL *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* All of a shape; the three results are derivatives of one form:
 * <conv(x, w), y> = <x, input(y, w)> = <w, weight(x, y)>. */
static void F(check_shape)(const nrm_conv_shape *s, uint64_t *seed)
{
    const sizes n = sizes_of(s);
    REAL *x = F(random)(n.x, seed), *w = F(random)(n.w, seed), *y = F(random)(n.y, seed);
    REAL *forward = F(guarded)(n.y), *input = F(guarded)(n.x), *weight = F(guarded)(n.w);

    assert_true(nrm_conv_shape_valid(s));
    F(against_loops)(s, NRM_CONV_FORWARD, x, w, forward, n.y);
    F(against_loops)(s, NRM_CONV_INPUT, y, w, input, n.x);
    F(against_loops)(s, NRM_CONV_WEIGHT, x, y, weight, n.w);
    const double scale = sqrt(F(inner)(forward, forward, n.y) * F(inner)(y, y, n.y));
    const double form = F(inner)(forward, y, n.y);
    assert_true(fabs(F(inner)(input, x, n.x) - form) <= TOLERANCE * (1 + scale));
    assert_true(fabs(F(inner)(weight, w, n.w) - form) <= TOLERANCE * (1 + scale));
    F(release)(x, n.x);
    F(release)(w, n.w);
    F(release)(y, n.y);
    F(release)(forward, n.y);
    F(release)(input, n.x);
    F(release)(weight, n.w);
}

/* Kernels of every instruction set on one span: rows, depth and flat of all remainders. */
static void F(check_kernels)(nrm_isa isa, int64_t rows, int64_t depth, int64_t flat, uint64_t *seed)
{
    const int64_t images = 2, stride = flat + NRM_CONV_SLACK, dy_stride = (flat + 15) / 16 * 16;
    const int64_t x_size = images * (3 * depth + stride);
    REAL *x = F(random)(x_size, seed), *w = F(random)(rows * depth, seed), *y = F(guarded)(rows * stride);
    REAL *dy = F(random)(images * rows * dy_stride, seed), *dw = F(random)(rows * depth, seed);
    REAL *before = F(guarded)(rows * depth);
    int64_t *offset = malloc((size_t)depth * sizeof *offset);

    assert_non_null(offset);
    for (int64_t k = 0; k < depth; k++) offset[k] = (k * 7) % (3 * depth);
    for (int64_t i = 0; i < images * rows * dy_stride; i++)
        if (i % dy_stride >= flat) dy[i] = 0;
    memcpy(before, dw, (size_t)(rows * depth) * sizeof *dw);
    F(nrm_conv_kernels_for)(isa)->correlate(&(F(nrm_conv_correlate)){
        .rows = rows, .depth = depth, .flat = flat, .x = x, .w = w, .offset = offset, .y = y, .y_stride = stride});
    F(nrm_conv_kernels_for)(isa)->gradient(&(F(nrm_conv_gradient)){
        .rows = rows, .depth = depth, .flat = flat, .images = images, .x_image = x_size / images,
        .dy_image = rows * dy_stride, .x = x, .dy = dy, .dy_stride = dy_stride, .offset = offset, .dw = dw});
    for (int64_t r = 0; r < rows; r++) {
        const int64_t block = r / 4 * 4, side = rows - block < 4 ? rows - block : 4;
        for (int64_t p = 0; p < flat; p++) {
            double sum = 0;
            for (int64_t k = 0; k < depth; k++)
                sum += (double)w[block * depth + k * side + r - block] * (double)x[offset[k] + p];
            assert_near((double)y[r * stride + p], sum, TOLERANCE * sqrt((double)depth));
        }
        for (int64_t k = 0; k < depth; k++) {
            double sum = (double)before[r * depth + k];
            for (int64_t p = 0; p < images * flat; p++)
                sum += (double)dy[(p / flat * rows + r) * dy_stride + p % flat] *
                       (double)x[p / flat * (x_size / images) + offset[k] + p % flat];
            assert_near((double)dw[r * depth + k], sum, TOLERANCE * sqrt((double)flat));
        }
    }
    free(offset);
    F(release)(x, x_size);
    F(release)(w, rows * depth);
    F(release)(y, rows * stride);
    F(release)(dy, images * rows * dy_stride);
    F(release)(dw, rows * depth);
    F(release)(before, rows * depth);
}
