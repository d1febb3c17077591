/* elementwise_softmax.h -- softmax of some short rows and its derivative on vectors, for the
 * loops of elementwise.h.  Included by elementwise_vector.h.
 *
 * Rows lie in whole vectors, so what lies beyond a row's end may be read: it is replaced by
 * -inf, whose exponential is 0.  All rows are gone through to the end of the longest, one
 * pass after another: the loops are of one length, and the folding of one row's vector hides
 * behind the work on the next. */

/* a before column n, other from there on, in the vector at column i. */
static NRM_INLINE VEC F(before)(int64_t n, int64_t i, VEC a, VEC other)
{
    const int64_t left = n - i;
    if (left >= LANES) return a;
    return V(first_of)(left > 0 ? left : 0, a, other);
}

/* exp(z), z <= 0; the shift makes denormal results 0. */
static NRM_INLINE VEC F(exp_falling)(VEC z)
{
    VEC e;
    const VEC t = F(reduce)(V(max)(V(set1)(EXP_LOW), z), &e);
    return V(scale)(F(exp_reduced)(t), e);
}

/* Columns below `whole` (of whole vectors) belong to every row; `end` is that of the longest. */
static NRM_INLINE VEC F(most_of)(int64_t n, int64_t whole, int64_t end, VEC scale, const REAL *x)
{
    VEC most = V(set1)(-(REAL)INFINITY);
    int64_t i = 0;
    for (; i < whole; i += LANES) most = V(max)(most, V(mul)(scale, V(load)(x + i)));
    for (; i < end; i += LANES) most = V(max)(most, F(before)(n, i, V(mul)(scale, V(load)(x + i)), V(set1)(-(REAL)INFINITY)));
    most = V(reduce_max)(most); /* may have lost a NaN: the sum will not */
    return V(select)(V(equal)(most, V(set1)(-(REAL)INFINITY)), V(set1)(0), most);
}

/* x = exp(scale x - most); the sum. */
static NRM_INLINE VEC F(exp_row)(int64_t n, int64_t whole, int64_t end, VEC scale, VEC most, REAL *x)
{
    VEC sum = V(set1)(0);
    int64_t i = 0;
    for (; i < whole; i += LANES) {
        const VEC e = F(exp_falling)(V(fms)(scale, V(load)(x + i), most));
        V(store)(x + i, e);
        sum = V(add)(sum, e);
    }
    for (; i < end; i += LANES) {
        const VEC z = F(before)(n, i, V(fms)(scale, V(load)(x + i), most), V(set1)(-(REAL)INFINITY)), e = F(exp_falling)(z);
        V(store)(x + i, e);
        sum = V(add)(sum, e);
    }
    return V(reduce_add)(sum);
}

static void F(softmax)(int rows, int64_t n, int64_t grow, int64_t room, REAL scale, REAL *x, int64_t ld)
{
    VEC fold[NRM_ELEMENTWISE_ROWS];
    const VEC factor = V(set1)(scale), zero = V(set1)(0);
    const int64_t whole = n / LANES * LANES, end = n + (rows - 1) * grow;
    for (int r = 0; r < rows; r++) fold[r] = F(most_of)(n + r * grow, whole, end, factor, x + r * ld);
    for (int r = 0; r < rows; r++) fold[r] = F(exp_row)(n + r * grow, whole, end, factor, fold[r], x + r * ld);
    for (int r = 0; r < rows; r++) fold[r] = V(select)(V(equal)(fold[r], zero), zero, V(div)(V(set1)(1), fold[r]));
    for (int r = 0; r < rows; r++) {
        REAL *row = x + r * ld;
        int64_t i = 0;
        for (; i < whole; i += LANES) V(store)(row + i, V(mul)(fold[r], V(load)(row + i)));
        for (; i < end; i += LANES) V(store)(row + i, F(before)(n + r * grow, i, V(mul)(fold[r], V(load)(row + i)), zero));
        for (; i < room; i += LANES) V(store)(row + i, zero);
    }
}

/* p is 0 from a row's end on, as softmax leaves it, but g may be anything there. */
static void F(softmax_slope)(int rows, int64_t n, int64_t grow, int64_t room, REAL scale, const REAL *p, REAL *g, int64_t ld)
{
    VEC sum[NRM_ELEMENTWISE_ROWS];
    const VEC factor = V(set1)(scale), zero = V(set1)(0);
    const int64_t whole = n / LANES * LANES, end = n + (rows - 1) * grow;
    for (int r = 0; r < rows; r++) {
        const REAL *weight = p + r * ld, *from = g + r * ld;
        int64_t i = 0;
        sum[r] = zero;
        for (; i < whole; i += LANES) sum[r] = V(fma)(V(load)(weight + i), V(load)(from + i), sum[r]);
        for (; i < end; i += LANES) sum[r] = V(fma)(V(load)(weight + i), F(before)(n + r * grow, i, V(load)(from + i), zero), sum[r]);
        sum[r] = V(reduce_add)(sum[r]);
    }
    for (int r = 0; r < rows; r++) {
        const REAL *weight = p + r * ld;
        REAL *to = g + r * ld;
        int64_t i = 0;
        for (; i < end; i += LANES) {
            const VEC slope = V(mul)(V(mul)(factor, V(load)(weight + i)), V(sub)(V(load)(to + i), sum[r]));
            V(store)(to + i, i < whole ? slope : F(before)(n + r * grow, i, slope, zero));
        }
        for (; i < room; i += LANES) V(store)(to + i, zero);
    }
}
