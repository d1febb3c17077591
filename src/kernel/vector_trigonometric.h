/* vector_trigonometric.h -- sin and cos on vectors.  Included as vector_exponential.h is.
 *
 *     n = rint(x 2 / pi), t = x - n pi/2 in three parts of pi/2 (with fma the first
 *     difference is exact), |t| <= pi/4 and a little
 *     sin t = t + t^3 p(t^2), cos t = 1 - t^2/2 + t^4 q(t^2); n mod 4 chooses and signs
 *
 * n comes from adding 1.5 2^23 (1.5 2^52), which leaves it in the low bits.  Arguments beyond
 * TURN_HIGH, infinities and NaN go to the C library. */

static NRM_INLINE VEC F(turn)(VEC x, bool sine)
{
    const VEC magic = V(set1)(ROUND_MAGIC), one = V(set1)(1);
    const VEC shifted = V(fma)(x, V(set1)((REAL)0.63661977236758134308), magic), n = V(sub)(shifted, magic);
    VEC t = V(fnma)(n, V(set1)(HALF_PI_1), x);
    t = V(fnma)(n, V(set1)(HALF_PI_2), t);
    t = V(fnma)(n, V(set1)(HALF_PI_3), t);

    const VEC z = V(mul)(t, t), a = V(abs)(t);
    VEC s = V(fma)(V(mul)(a, z), POLYNOMIAL(z, SIN), a);
    s = V(or)(s, V(sign_bit)(t)); /* put on last, so that -0 stays */
    const VEC c = V(fma)(V(mul)(z, z), POLYNOMIAL(z, COS), V(fnma)(z, V(set1)((REAL)0.5), one));

    const V(mask) odd = V(is_negative)(V(sign_of_bit)(shifted, 0));
    const VEC r = sine ? V(select)(odd, c, s) : V(select)(odd, s, c);
    VEC flip = V(sign_of_bit)(shifted, 1);
    if (!sine) flip = V(xor)(flip, V(sign_of_bit)(shifted, 0)); /* cos: in the second and third quarter */
    return V(xor)(r, flip);
}

static NRM_INLINE VEC F(sin)(VEC x) { return F(turn)(x, true); }
static NRM_INLINE VEC F(cos)(VEC x) { return F(turn)(x, false); }

static NRM_INLINE V(mask) F(turn_regular)(VEC x) { return V(less_equal)(V(abs)(x), V(set1)(TURN_HIGH)); }

/* The lanes outside by the C library. */
static NRM_INLINE VEC F(turn_mend)(VEC x, VEC r, bool sine)
{
    const unsigned good = V(lanes_of)(F(turn_regular)(x));
    REAL argument[LANES], result[LANES];
    V(store)(argument, x);
    V(store)(result, r);
    for (int i = 0; i < LANES; i++)
        if (!(good >> i & 1)) result[i] = sine ? LIBM(sin)(argument[i]) : LIBM(cos)(argument[i]);
    return V(load)(result);
}
