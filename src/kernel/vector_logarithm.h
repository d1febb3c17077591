/* vector_logarithm.h -- log, log1p and pow on vectors.  Included as vector_exponential.h is.
 *
 *     x = 2^e m, sqrt(1/2) <= m < sqrt(2), f = m - 1, s = f / (2 + f)
 *     log m = 2 atanh s = f - (f^2/2 - s (f^2/2 + s^2 p(s^2)))       f is exact
 *
 * log, log1p and pow are computed as if the argument were regular; *_regular says where it
 * was, *_mend gives what is right everywhere.
 *
 * pow needs log to a relative 2^-63 (2^-31): there s and the first terms are pairs, a number
 * and what its rounding lost. */

/* log((1 + f) 2^e), f the rest of m. */
static NRM_INLINE VEC F(log_of)(VEC f, VEC e)
{
    const VEC s = V(div)(f, V(add)(V(set1)(2), f)), z = V(mul)(s, s);
    const VEC h = V(mul)(V(mul)(V(set1)((REAL)0.5), f), f);
    const VEC rest = V(fnma)(s, V(fma)(z, POLYNOMIAL(z, LOG), h), h);
    return V(fma)(e, V(set1)(C(LN2_HI)), V(sub)(f, V(fnma)(e, V(set1)(C(LN2_LO)), rest)));
}

static NRM_INLINE V(mask) F(log_regular)(VEC x) /* normal, positive */
{
    return V(both)(V(less_equal)(V(set1)(LEAST), x), V(less)(x, V(set1)((REAL)INFINITY)));
}

static NRM_INLINE VEC F(log)(VEC x)
{
    VEC e;
    const VEC m = V(split)(x, &e);
    return F(log_of)(V(sub)(m, V(set1)(1)), e);
}

/* u = 1 + x loses c; f = m - 1 + c 2^-e.  For e = 0 that is x itself. */
static NRM_INLINE VEC F(log1p)(VEC x)
{
    const VEC one = V(set1)(1), u = V(add)(one, x);
    const VEC c = V(sub)(V(min)(one, x), V(sub)(u, V(max)(one, x)));
    VEC e;
    const VEC m = V(split)(u, &e);
    const VEC f = V(add)(V(sub)(m, one), V(scale)(c, V(sub)(V(set1)(0), e)));
    return V(or)(F(log_of)(f, e), V(sign_bit)(x)); /* -0 */
}

/* The limits put into r = log u. */
static NRM_INLINE VEC F(log_limits)(VEC u, VEC r)
{
    r = V(select)(V(equal)(u, V(set1)(0)), V(set1)(-(REAL)INFINITY), r);
    r = V(select)(V(less)(u, V(set1)(0)), V(set1)((REAL)NAN), r);
    return V(select)(V(less)(u, V(set1)((REAL)INFINITY)), r, u);
}

/* Any x: denormals are made normal first. */
static NRM_INLINE VEC F(log_mend)(VEC x)
{
    const V(mask) low = V(less)(x, V(set1)(LEAST));
    VEC e;
    const VEC m = V(split)(V(mul)(x, V(select)(low, V(set1)(DENORMAL_FACTOR), V(set1)(1))), &e);
    e = V(sub)(e, V(select)(low, V(set1)(DENORMAL_SHIFT), V(set1)(0)));
    return F(log_limits)(x, F(log_of)(V(sub)(m, V(set1)(1)), e));
}

static NRM_INLINE VEC F(log1p_mend)(VEC x, VEC r) { return F(log_limits)(V(add)(V(set1)(1), x), r); }

/* log x as a pair; x normal and positive. */
static NRM_INLINE VEC F(log_pair)(VEC x, VEC *low)
{
    VEC e;
    const VEC one = V(set1)(1), two = V(set1)(2);
    const VEC m = V(split)(x, &e), f = V(sub)(m, one);
    const VEC d = V(add)(m, one), d_low = V(sub)(m, V(sub)(d, one)), r = V(div)(one, d);
    const VEC s = V(mul)(f, r), s_low = V(mul)(V(fnma)(s, d_low, V(fnma)(s, d, f)), r);
    const VEC z = V(mul)(s, s), z_low = V(fma)(V(add)(s, s), s_low, V(fms)(s, s, z));
    /* c = 2/3 + s^2 p(s^2); w = s^2 c; h = 2 + w; log m = s h */
    const VEC p = POLYNOMIAL(z, POW), third = V(set1)(TWO_THIRDS);
    const VEC c = V(fma)(z, p, third), c_low = V(add)(V(fma)(z, p, V(sub)(third, c)), V(set1)(TWO_THIRDS_LOW));
    const VEC w = V(mul)(z, c), w_low = V(add)(V(fms)(z, c, w), V(fma)(z, c_low, V(mul)(z_low, c)));
    const VEC h = V(add)(two, w), h_low = V(add)(V(add)(V(sub)(two, h), w), w_low);
    const VEC l = V(mul)(s, h), l_low = V(add)(V(fms)(s, h, l), V(fma)(s, h_low, V(mul)(s_low, h)));
    const VEC whole = V(mul)(e, V(set1)(LN2_SHORT)), sum = V(add)(whole, l); /* e LN2_SHORT is exact */
    *low = V(add)(V(add)(V(sub)(whole, sum), l), V(fma)(e, V(set1)(LN2_SHORT_REST), l_low));
    return sum;
}

/* exp(b log |a|), negative for a < 0 and odd b; right where pow_regular says so. */
static NRM_INLINE VEC F(pow)(VEC a, VEC b)
{
    const VEC half = V(mul)(V(set1)((REAL)0.5), b);
    VEC low;
    const VEC l = F(log_pair)(V(abs)(a), &low), y = V(mul)(b, l);
    const VEC r = F(exp_times)(y, V(fma)(b, low, V(fms)(b, l, y)), V(set1)(1));
    const VEC flip = V(select)(V(equal)(V(floor)(half), half), V(set1)(0), V(sign_bit)(a));
    return V(select)(V(less_equal)(V(abs)(y), V(set1)(EXP_WIDE)), V(xor)(r, flip), V(set1)((REAL)NAN));
}

/* Not so: a a zero, denormal, infinite, NaN; a negative and b broken; r out of range. */
static NRM_INLINE V(mask) F(pow_regular)(VEC a, VEC b, VEC r)
{
    const VEC size = V(abs)(a);
    const V(mask) real = V(either)(V(less)(V(set1)(0), a), V(equal)(V(floor)(b), b));
    return V(both)(V(both)(F(log_regular)(size), real), V(less_equal)(V(abs)(r), V(set1)((REAL)INFINITY)));
}

static __attribute__((noinline)) VEC F(pow_mend)(VEC a, VEC b, VEC r)
{
    const unsigned good = V(lanes_of)(F(pow_regular)(a, b, r));
    REAL base[LANES], exponent[LANES], result[LANES];
    V(store)(base, a);
    V(store)(exponent, b);
    V(store)(result, r);
    for (int i = 0; i < LANES; i++)
        if (!(good >> i & 1)) result[i] = LIBM(pow)(base[i], exponent[i]);
    return V(load)(result);
}
