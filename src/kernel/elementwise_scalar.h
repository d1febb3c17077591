/* elementwise_scalar.h -- the loops of elementwise.h in portable C: their definition.
 *
 * Included for f32 and for f64 by elementwise_ref.c, which defines REAL, F(name), LIBM(name)
 * and LOW, where exp has reached 0. */

static inline REAL F(exp_below)(REAL x) { return LIBM(exp)(-LIBM(fabs)(x)); }
static inline REAL F(sigmoid)(REAL x)
{
    const REAL e = F(exp_below)(x), d = 1 + e, q = (x < 0 ? e : 1) / d;
    return q - q * (e - (d - 1)); /* what d lost by rounding */
}
/* Inside [LOW, -LOW], which keeps infinity times 0 away; a NaN stays. */
static inline REAL F(inside)(REAL x) { return x < LOW ? LOW : x > -LOW ? -LOW : x; }
static inline REAL F(silu)(REAL x) { return (x < LOW ? LOW : x) * F(sigmoid)(x); }
static inline REAL F(silu_slope)(REAL x)
{
    x = F(inside)(x);
    return F(sigmoid)(x) * (1 + x * F(sigmoid)(-x));
}
static inline double F(phi)(REAL x) { return 0.5 * erfc(-0.70710678118654752440 * (double)x); }
static inline REAL F(gelu)(REAL x) { return (REAL)((double)(x < LOW ? LOW : x) * F(phi)(x)); }
static inline REAL F(gelu_slope)(REAL x)
{
    const double z = (double)F(inside)(x);
    return (REAL)(F(phi)(x) + z * 0.39894228040143267794 * exp(-0.5 * z * z));
}

#define UNARY(name, expression)                                     \
    static void F(unary_##name)(int64_t n, const REAL *v, REAL *y)  \
    {                                                               \
        for (int64_t i = 0; i < n; i++) {                           \
            const REAL x = v[i];                                    \
            y[i] = (expression);                                    \
        }                                                           \
    }
UNARY(neg, -x)
UNARY(abs, LIBM(fabs)(x))
UNARY(sign, x != x ? x : (REAL)((x > 0) - (x < 0)))
UNARY(step, x != x ? x : (REAL)(x > 0))
UNARY(square, x * x)
UNARY(reciprocal, 1 / x)
UNARY(sqrt, LIBM(sqrt)(x))
UNARY(rsqrt, 1 / LIBM(sqrt)(x))
UNARY(exp, LIBM(exp)(x))
UNARY(expm1, LIBM(expm1)(x))
UNARY(log, LIBM(log)(x))
UNARY(log1p, LIBM(log1p)(x))
UNARY(sin, LIBM(sin)(x))
UNARY(cos, LIBM(cos)(x))
UNARY(tanh, LIBM(tanh)(x))
UNARY(sigmoid, F(sigmoid)(x))
UNARY(softplus, (x > 0 ? x : 0) + LIBM(log1p)(F(exp_below)(x)))
UNARY(relu, 0 > x ? 0 : x)
UNARY(gelu, F(gelu)(x))
UNARY(gelu_slope, F(gelu_slope)(x))
UNARY(silu, F(silu)(x))
UNARY(silu_slope, F(silu_slope)(x))
UNARY(erf, LIBM(erf)(x))
UNARY(floor, LIBM(floor)(x))
#undef UNARY

#define BINARY_LOOP(name, parameter_a, parameter_b, element_a, element_b, expression)      \
    static void F(name)(int64_t n, const REAL parameter_a, const REAL parameter_b, REAL *y) \
    {                                                                                      \
        for (int64_t i = 0; i < n; i++) {                                                  \
            const REAL a = element_a, b = element_b;                                       \
            y[i] = (expression);                                                           \
        }                                                                                  \
    }
#define BINARY(name, expression)                                              \
    BINARY_LOOP(binary_##name, *u, *v, u[i], v[i], expression)                \
    BINARY_LOOP(binary_vs_##name, *u, v, u[i], v, expression)                 \
    BINARY_LOOP(binary_sv_##name, u, *v, u, v[i], expression)
BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a * b)
BINARY(div, a / b)
BINARY(max, a != a ? a : a > b ? a : b)
BINARY(min, a != a ? a : a < b ? a : b)
BINARY(pow, LIBM(pow)(a, b))
BINARY(less, (REAL)(a < b))
BINARY(less_equal, (REAL)(a <= b))
BINARY(equal, (REAL)(a == b))
#undef BINARY
#undef BINARY_LOOP

static void F(where)(int64_t n, const REAL *condition, const REAL *a, const REAL *b, REAL *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = condition[i] != 0 ? a[i] : b[i];
}
static void F(accumulate)(int64_t n, const REAL *x, REAL *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = x[i] + y[i];
}
static void F(axpy)(int64_t n, REAL a, const REAL *x, REAL *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = LIBM(fma)(a, x[i], y[i]);
}
static void F(fill)(int64_t n, REAL value, REAL *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = value;
}

/* In SUMS partial sums, as the vectors have them: the error grows with n / SUMS. */
static REAL F(sum)(int64_t n, const REAL *x)
{
    enum { SUMS = 16 };
    REAL s[SUMS] = {0};
    int64_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
        for (int k = 0; k < SUMS; k++) s[k] += x[i + k];
    for (int k = 0; i + k < n; k++) s[k] += x[i + k];
    for (int half = SUMS / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++) s[k] += s[k + half];
    return s[0];
}
static REAL F(greatest)(int64_t n, const REAL *x)
{
    REAL most = -(REAL)INFINITY;
    for (int64_t i = 0; i < n; i++) most = most != most || most > x[i] ? most : x[i];
    return most;
}
static REAL F(least)(int64_t n, const REAL *x)
{
    REAL most = (REAL)INFINITY;
    for (int64_t i = 0; i < n; i++) most = most != most || most < x[i] ? most : x[i];
    return most;
}

static void F(softmax_row)(int64_t n, int64_t room, REAL scale, REAL *x)
{
    REAL most = -(REAL)INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) most = most > scale * x[i] ? most : scale * x[i]; /* a NaN shows itself in the sum */
    if (most == -(REAL)INFINITY) most = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] = LIBM(exp)(scale * x[i] - most);
    const REAL factor = sum == 0 ? 0 : 1 / sum;
    for (int64_t i = 0; i < room; i++) x[i] = i < n ? factor * x[i] : 0;
}
static void F(softmax)(int rows, int64_t n, int64_t grow, int64_t room, REAL scale, REAL *x, int64_t ld)
{
    for (int r = 0; r < rows; r++) F(softmax_row)(n + r * grow, room, scale, x + r * ld);
}
static void F(softmax_slope)(int rows, int64_t n, int64_t grow, int64_t room, REAL scale, const REAL *p, REAL *g, int64_t ld)
{
    for (int r = 0; r < rows; r++, n += grow, p += ld, g += ld) {
        REAL sum = 0;
        for (int64_t i = 0; i < n; i++) sum = LIBM(fma)(p[i], g[i], sum);
        for (int64_t i = 0; i < room; i++) g[i] = i < n ? scale * p[i] * (g[i] - sum) : 0;
    }
}

#include "elementwise_table.h"
