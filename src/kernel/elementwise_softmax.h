/* elementwise_softmax.h -- softmax of a row and its derivative on vectors, for the loops of
 * elementwise.h.  Included by elementwise_vector.h.
 *
 * Rows are short (a block of an attention, in the first cache) and lie in whole vectors, so
 * what lies beyond n may be read: it is replaced by -inf, and its exponential is 0. */

/* scale x from i on, -inf beyond n. */
static NRM_INLINE VEC F(scaled)(int64_t n, int64_t i, VEC scale, const REAL *x)
{
    const VEC z = V(mul)(scale, V(load)(x + i));
    return i + LANES <= n ? z : V(first_of)(n - i, z, V(set1)(-(REAL)INFINITY));
}

/* exp(z), z <= 0; the shift makes denormal results 0. */
static NRM_INLINE VEC F(exp_falling)(VEC z)
{
    VEC e;
    const VEC t = F(reduce)(V(max)(V(set1)(EXP_LOW), z), &e);
    return V(scale)(F(exp_reduced)(t), e);
}

static void F(softmax)(int64_t n, int64_t room, REAL scale, REAL *x)
{
    const VEC factor = V(set1)(scale);
    VEC m0 = V(set1)(-(REAL)INFINITY), m1 = m0, s0 = V(set1)(0), s1 = s0;
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        m0 = V(max)(m0, V(mul)(factor, V(load)(x + i)));
        m1 = V(max)(m1, V(mul)(factor, V(load)(x + i + LANES)));
    }
    for (; i < n; i += LANES) m0 = V(max)(m0, F(scaled)(n, i, factor, x));
    VEC most = V(reduce_max)(V(max)(m0, m1)); /* may have lost a NaN: the sum will not */
    most = V(select)(V(equal)(most, V(set1)(-(REAL)INFINITY)), V(set1)(0), most);
    for (i = 0; i + 2 * LANES <= n; i += 2 * LANES) {
        const VEC first = F(exp_falling)(V(sub)(V(mul)(factor, V(load)(x + i)), most));
        const VEC second = F(exp_falling)(V(sub)(V(mul)(factor, V(load)(x + i + LANES)), most));
        V(store)(x + i, first);
        V(store)(x + i + LANES, second);
        s0 = V(add)(s0, first);
        s1 = V(add)(s1, second);
    }
    for (; i < n; i += LANES) {
        const VEC e = F(exp_falling)(V(sub)(F(scaled)(n, i, factor, x), most));
        V(store)(x + i, e);
        s0 = V(add)(s0, e);
    }
    const VEC sum = V(reduce_add)(V(add)(s0, s1)), zero = V(set1)(0);
    const VEC share = V(select)(V(equal)(sum, zero), zero, V(div)(V(set1)(1), sum));
    for (i = 0; i < n; i += LANES) V(store)(x + i, V(mul)(share, V(load)(x + i)));
    if (n % LANES) V(store)(x + i - LANES, V(first_of)(n % LANES, V(load)(x + i - LANES), zero));
    for (; i < room; i += LANES) V(store)(x + i, zero);
}

/* p is 0 from n on, as softmax leaves it, but g may be anything there. */
static void F(softmax_slope)(int64_t n, int64_t room, REAL scale, const REAL *p, REAL *g)
{
    const VEC factor = V(set1)(scale), zero = V(set1)(0);
    VEC s0 = zero, s1 = zero;
    int64_t i = 0;
    if (n % LANES) {
        const int64_t last = n - n % LANES;
        V(store)(g + last, V(first_of)(n % LANES, V(load)(g + last), zero));
    }
    for (; i + LANES < n; i += 2 * LANES) {
        s0 = V(fma)(V(load)(p + i), V(load)(g + i), s0);
        s1 = V(fma)(V(load)(p + i + LANES), V(load)(g + i + LANES), s1);
    }
    if (i < n) s0 = V(fma)(V(load)(p + i), V(load)(g + i), s0);
    const VEC sum = V(reduce_add)(V(add)(s0, s1));
    for (i = 0; i < n; i += LANES) V(store)(g + i, V(mul)(V(mul)(factor, V(load)(p + i)), V(sub)(V(load)(g + i), sum)));
    if (n % LANES) V(store)(g + i - LANES, V(first_of)(n % LANES, V(load)(g + i - LANES), zero)); /* a NaN in sum */
    for (; i < room; i += LANES) V(store)(g + i, zero);
}
