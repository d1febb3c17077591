/* test_elementwise.c -- every elementwise kernel of every instruction set against long double.
 *
 * The bounds are the promise: an error is at most so many units in the last place of the
 * result, or at most `absolute` max(1, |x|), which is for functions that cross zero (their
 * tails, too, are denormal numbers times x). */
#include "testkit.h"
#include "kernel/elementwise.h"
#include <float.h>

enum { SWEEP = 20000 };

static const struct {
    const char *name;
    double ulps[2], absolute[2]; /* f32, f64 */
} bounds[NRM_UNARY_COUNT] = {
#define EXACT(name) [NRM_UNARY_##name] = {#name, {0, 0}, {0, 0}}
#define BOUND(name, f32, f64) [NRM_UNARY_##name] = {#name, {f32, f64}, {0, 0}}
#define LOOSE(name, f32, f64) [NRM_UNARY_##name] = {#name, {f32, f64}, {1e-7, 2e-16}}
    EXACT(neg), EXACT(abs), EXACT(sign), EXACT(step), EXACT(relu), EXACT(floor),
    BOUND(square, 0.5, 0.501), BOUND(reciprocal, 0.5, 0.501), BOUND(sqrt, 0.5, 0.501), BOUND(rsqrt, 1.5, 1.5),
    BOUND(exp, 1, 1), BOUND(expm1, 1.5, 2), BOUND(log, 1, 1), BOUND(log1p, 1.5, 1.5),
    BOUND(sin, 2, 2), BOUND(cos, 2, 2), BOUND(tanh, 2, 2.5), BOUND(sigmoid, 2, 2.5), BOUND(softplus, 2.2, 2.5),
    BOUND(erf, 2, 2.5), LOOSE(gelu, 4, 5), LOOSE(gelu_slope, 4, 5), LOOSE(silu, 4, 4), LOOSE(silu_slope, 4, 4),
};
static const char *const binary_name[NRM_BINARY_COUNT] = {
#define NAME(name) #name,
    NRM_OP_BINARY_LIST(NAME)};

static long double logistic(long double x) { return x > 0 ? 1 / (1 + expl(-x)) : expl(x) / (1 + expl(x)); }
static long double phi(long double x) { return erfcl(-x * 0.70710678118654752440084436210484903928L) / 2; }

static long double unary_reference(nrm_unary op, long double x)
{
    const bool right = x > 0;
    switch (op) {
    case NRM_UNARY_neg: return -x;
    case NRM_UNARY_abs: return fabsl(x);
    case NRM_UNARY_sign: return isnan(x) ? x : right - (x < 0);
    case NRM_UNARY_step: return isnan(x) ? x : right;
    case NRM_UNARY_square: return x * x;
    case NRM_UNARY_reciprocal: return 1 / x;
    case NRM_UNARY_sqrt: return sqrtl(x);
    case NRM_UNARY_rsqrt: return 1 / sqrtl(x);
    case NRM_UNARY_exp: return expl(x);
    case NRM_UNARY_expm1: return expm1l(x);
    case NRM_UNARY_log: return logl(x);
    case NRM_UNARY_log1p: return log1pl(x);
    case NRM_UNARY_sin: return sinl(x);
    case NRM_UNARY_cos: return cosl(x);
    case NRM_UNARY_tanh: return tanhl(x);
    case NRM_UNARY_sigmoid: return logistic(x);
    case NRM_UNARY_softplus: return (right ? x : 0) + log1pl(expl(-fabsl(x)));
    case NRM_UNARY_relu: return x < 0 ? 0 : x;
    case NRM_UNARY_gelu: return isinf(x) ? (right ? x : 0) : x * phi(x);
    case NRM_UNARY_gelu_slope:
        return isinf(x) ? right : phi(x) + x * 0.39894228040143267793994605993438187L * expl(-x * x / 2);
    case NRM_UNARY_silu: return isinf(x) ? (right ? x : 0) : x * logistic(x);
    case NRM_UNARY_silu_slope: return isinf(x) ? right : logistic(x) * (1 + x * logistic(-x));
    case NRM_UNARY_erf: return erfl(x);
    case NRM_UNARY_floor: return floorl(x);
    default: return (long double)NAN;
    }
}

static long double binary_reference(nrm_binary op, long double a, long double b)
{
    const bool none = isnan(a) || isnan(b);
    switch (op) {
    case NRM_BINARY_add: return a + b;
    case NRM_BINARY_sub: return a - b;
    case NRM_BINARY_mul: return a * b;
    case NRM_BINARY_div: return a / b;
    case NRM_BINARY_max: return none ? (long double)NAN : fmaxl(a, b);
    case NRM_BINARY_min: return none ? (long double)NAN : fminl(a, b);
    case NRM_BINARY_pow: return powl(a, b);
    case NRM_BINARY_less: return a < b;
    case NRM_BINARY_less_equal: return a <= b;
    case NRM_BINARY_equal: return a == b;
    default: return (long double)NAN;
    }
}

#define NRM_PASTE_(a, b) a##b
#define NRM_PASTE(a, b) NRM_PASTE_(a, b)

#define nrm_elementwise_for_f32 nrm_elementwise_f32_for
#define nrm_elementwise_for_f64 nrm_elementwise_f64_for

#define REAL float
#define F(name) NRM_PASTE(name, _f32)
#define KIND 0
#define EPSILON FLT_EPSILON
#define LEAST FLT_MIN
#define MOST FLT_MAX
#define TINY 0x1p-149f
#define FMA fmaf
#include "elementwise_typed.h"
#undef REAL
#undef F
#undef KIND
#undef EPSILON
#undef LEAST
#undef MOST
#undef TINY
#undef FMA

#define REAL double
#define F(name) NRM_PASTE(name, _f64)
#define KIND 1
#define EPSILON DBL_EPSILON
#define LEAST DBL_MIN
#define MOST DBL_MAX
#define TINY 0x1p-1074
#define FMA fma
#include "elementwise_typed.h"

NRM_TEST_MAIN(cmocka_unit_test(unary_values_f32), cmocka_unit_test(unary_values_f64),
              cmocka_unit_test(binary_values_f32), cmocka_unit_test(binary_values_f64),
              cmocka_unit_test(tails_f32), cmocka_unit_test(tails_f64),
              cmocka_unit_test(reductions_f32), cmocka_unit_test(reductions_f64))
