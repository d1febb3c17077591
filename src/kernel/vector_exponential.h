/* vector_exponential.h -- exp and what is made of it, on vectors.
 *
 * Included for f32 and f64, after the operations of vector_math_*.h, by elementwise_vector.h,
 * which defines VEC, REAL, V(op), F(name), C(name).
 *
 *     exp      n = rint(x log2 e), t = x - n ln2, e^x = 2^n (1 + t + t^2 q(t))
 *     expm1    2^n - 1 + 2^n t + 2^n t^2 q(t): for n = 0 nothing cancels
 *     tanh     E / (E + 2), E = expm1(2 |x|)
 *     sigmoid  e = e^-|x|: 1 / (1 + e), on the left e / (1 + e)
 *     softplus max(x, 0) + log(1 + e)
 *     erf      1 - erfc; below 3/4 a polynomial
 *     gelu     x Phi(x), Phi(-a) = exp(-a^2 / 2) G(a), where G(a) (a + k) is smooth on all
 *              a >= 0: a polynomial in (a - k) / (a + k).  So the tail keeps its relative
 *              accuracy, and the slope Phi + x phi needs no second exponential.
 *
 * Infinities are met by clamping to where the result has reached its limit; a NaN passes
 * the clamps because it stands second in max and min. */

/* c[0] + c[1] x + ...: pairs first, then Horner in x^2, which halves the waiting. */
static NRM_INLINE VEC F(polynomial)(VEC x, const REAL *c, int count)
{
    const VEC square = V(mul)(x, x);
    int k = count - 1 - (count - 1) % 2;
    VEC p = k == count - 1 ? V(set1)(c[k]) : V(fma)(x, V(set1)(c[k + 1]), V(set1)(c[k]));
    for (k -= 2; k >= 0; k -= 2) p = V(fma)(p, square, V(fma)(x, V(set1)(c[k + 1]), V(set1)(c[k])));
    return p;
}
#define POLYNOMIAL(x, name) F(polynomial)(x, C(name), (int)(sizeof C(name) / sizeof *C(name)))

/* t and n; n LN2_SHORT and its difference to x are exact. */
static NRM_INLINE VEC F(reduce)(VEC x, VEC *n)
{
    *n = V(round)(V(mul)(x, V(set1)(C(LOG2E))));
    const VEC t = V(fnma)(*n, V(set1)(LN2_SHORT), x);
    return V(fnma)(*n, V(set1)(LN2_SHORT_REST), t);
}

/* 1 + t + t^2 q(t) */
static NRM_INLINE VEC F(exp_reduced)(VEC t)
{
    const VEC one = V(set1)(1);
    return V(fma)(t, V(fma)(t, POLYNOMIAL(t, EXP), one), one);
}

/* exp(x) for |x| <= EXP_WIDE. */
static NRM_INLINE VEC F(exp_inside)(VEC x)
{
    VEC n;
    const VEC t = F(reduce)(x, &n);
    return V(ldexp)(F(exp_reduced)(t), n);
}

/* exp(x + low) factor for a small correction low; rounds well where the product is denormal. */
static NRM_INLINE VEC F(exp_times)(VEC x, VEC low, VEC factor)
{
    VEC n;
    const VEC t = F(reduce)(x, &n);
    return V(ldexp)(V(mul)(F(exp_reduced)(V(add)(t, low)), factor), n);
}

static NRM_INLINE VEC F(exp)(VEC x)
{
    return F(exp_inside)(V(min)(V(set1)(EXP_HIGH), V(max)(V(set1)(EXP_LOW), x)));
}

/* (exp(x) - 1) / 2 = *first + *second for x in [EXPM1_LOW, EXP_HIGH], *first the greater;
 * the half, since 2^n may overflow. */
static NRM_INLINE void F(expm1_half)(VEC x, VEC *first, VEC *second)
{
    VEC n;
    const VEC t = F(reduce)(x, &n), half = V(set1)((REAL)0.5);
    const VEC s = V(scale)(V(set1)(1), V(sub)(n, V(set1)(1)));
    *first = V(fma)(s, t, V(sub)(s, half));
    *second = V(mul)(s, V(mul)(V(mul)(t, t), POLYNOMIAL(t, EXP)));
}

static NRM_INLINE VEC F(expm1)(VEC x)
{
    VEC first, second;
    F(expm1_half)(V(min)(V(set1)(EXP_HIGH), V(max)(V(set1)(EXPM1_LOW), x)), &first, &second);
    const VEC half = V(add)(first, second);
    return V(or)(V(add)(half, half), V(sign_bit)(x)); /* -0 */
}

/* h / (h + 1), h = expm1(2 |x|) / 2; as h - h h / (h + 1) where that rounds less. */
static NRM_INLINE VEC F(tanh)(VEC x)
{
    const VEC a = V(min)(V(set1)(TANH_HIGH), V(abs)(x));
    VEC first, second;
    F(expm1_half)(V(add)(a, a), &first, &second);
    const VEC h = V(add)(first, second), q = V(div)(h, V(add)(h, V(set1)(1)));
    const VEC fine = V(add)(first, V(fnma)(h, q, second));
    return V(or)(V(select)(V(less)(h, V(set1)((REAL)0.5)), fine, q), V(sign_bit)(x));
}

/* e^-|x|, rounded once below the least normal number too. */
static NRM_INLINE VEC F(exp_below)(VEC x)
{
    return F(exp_inside)(V(max)(V(set1)(EXP_LOW), V(or)(x, V(set1)((REAL)-0.0))));
}

/* The quotient by d = 1 + e, and most of what d has lost by rounding put back. */
static NRM_INLINE VEC F(sigmoid)(VEC x)
{
    const VEC e = F(exp_below)(x), one = V(set1)(1), d = V(add)(one, e);
    const VEC q = V(div)(V(select)(V(is_negative)(x), e, one), d);
    return V(fnma)(q, V(sub)(e, V(sub)(d, one)), q);
}

static NRM_INLINE VEC F(silu)(VEC x)
{
    return V(mul)(V(max)(V(set1)(EXP_LOW), x), F(sigmoid)(x)); /* not -inf 0 */
}

/* s (1 + x c), s = sigmoid(x), c = sigmoid(-x). */
static NRM_INLINE VEC F(silu_slope)(VEC x)
{
    const VEC one = V(set1)(1);
    x = V(min)(V(set1)(-EXP_LOW), V(max)(V(set1)(EXP_LOW), x));
    const VEC e = F(exp_below)(x), most = V(div)(one, V(add)(one, e)), least = V(mul)(e, most);
    const VEC s = V(select)(V(is_negative)(x), least, most), c = V(select)(V(is_negative)(x), most, least);
    return V(mul)(s, V(fma)(x, c, one));
}

/* f - log(1 + f) = f^2/2 - s (f^2/2 + s^2 p(s^2)), s = f / (2 + f): what f is too much. */
static NRM_INLINE VEC F(softplus)(VEC x)
{
    const VEC f = F(exp_below)(x), s = V(div)(f, V(add)(V(set1)(2), f)), z = V(mul)(s, s);
    const VEC h = V(mul)(V(mul)(V(set1)((REAL)0.5), f), f);
    const VEC rest = V(fnma)(s, V(fma)(z, POLYNOMIAL(z, LOG1P), h), h);
    return V(add)(V(max)(V(set1)(0), x), V(sub)(f, rest));
}

/* G(a) = Phi(-a) exp(a^2 / 2), a >= 0. */
static NRM_INLINE VEC F(tail)(VEC a)
{
    const VEC r = V(div)(V(set1)(1), V(add)(a, V(set1)(TAIL_K)));
    const VEC u = V(fms)(V(add)(a, a), r, V(set1)(1)); /* (a - k) / (a + k), best near a = 0 */
    return V(mul)(r, POLYNOMIAL(u, TAIL));
}

/* exp(-c a^2) factor for c = 1/2 or 1, with what the square loses by rounding. */
static NRM_INLINE VEC F(gauss_times)(VEC a, REAL c, VEC factor)
{
    const VEC ca = V(mul)(V(set1)(-c), a), square = V(mul)(ca, a);
    return F(exp_times)(square, V(fms)(ca, a, square), factor);
}

static NRM_INLINE VEC F(erf)(VEC x)
{
    const VEC a = V(min)(V(set1)(6), V(abs)(x)), z = V(mul)(a, a);
    const VEC near = V(fma)(a, POLYNOMIAL(z, ERF), a);
    const VEC half = F(gauss_times)(a, 1, F(tail)(V(mul)(V(set1)((REAL)1.4142135623730950488), a)));
    const VEC far = V(fnma)(V(set1)(2), half, V(set1)(1));
    return V(or)(V(select)(V(less)(a, V(set1)((REAL)0.75)), near, far), V(sign_bit)(x));
}

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|) */
static NRM_INLINE VEC F(gelu)(VEC x)
{
    const VEC a = V(min)(V(set1)(TAIL_HIGH), V(abs)(x));
    return V(sub)(V(max)(V(set1)(0), x), F(gauss_times)(a, (REAL)0.5, V(mul)(a, F(tail)(a))));
}

/* On the left Phi(-a) - a phi(a), on the right 1 less that. */
static NRM_INLINE VEC F(gelu_slope)(VEC x)
{
    const VEC a = V(min)(V(set1)(TAIL_HIGH), V(abs)(x));
    const VEC factor = V(fnma)(V(set1)((REAL)0.39894228040143267794), a, F(tail)(a));
    const VEC left = F(gauss_times)(a, (REAL)0.5, factor);
    return V(select)(V(is_negative)(x), left, V(sub)(V(set1)(1), left));
}
