/* test_ops_elementwise.c -- each operation on elements, its broadcasting and its derivatives. */
#include "ops_kit.h"

/* ---- One argument ------------------------------------------------------------------------------ */

#define UNARY(name, expression)                                                                    \
    static nrm_node build_##name(nrm_graph *g, const nrm_node *x, const void *user)                \
    {                                                                                              \
        (void)g;                                                                                   \
        (void)user;                                                                                \
        return nrm_op_##name(x[0]);                                                                \
    }                                                                                              \
    static void value_##name(const ops_values *in, double *y, const void *user)                    \
    {                                                                                              \
        (void)user;                                                                                \
        for (int64_t i = 0; i < in[0].count; i++) {                                                \
            const double x = in[0].x[i];                                                           \
            y[i] = (expression);                                                                   \
        }                                                                                          \
    }
#define PHI(x) (0.5 * erfc(-(x) / sqrt(2)))
#define DENSITY(x) (exp(-(x) * (x) / 2) / sqrt(2 * 3.14159265358979323846))
#define SIGMOID(x) (1 / (1 + exp(-(x))))
UNARY(neg, -x)
UNARY(abs, fabs(x))
UNARY(sign, (x > 0) - (x < 0))
UNARY(step, x > 0)
UNARY(square, x *x)
UNARY(reciprocal, 1 / x)
UNARY(sqrt, sqrt(x))
UNARY(rsqrt, 1 / sqrt(x))
UNARY(exp, exp(x))
UNARY(expm1, expm1(x))
UNARY(log, log(x))
UNARY(log1p, log1p(x))
UNARY(sin, sin(x))
UNARY(cos, cos(x))
UNARY(tanh, tanh(x))
UNARY(sigmoid, SIGMOID(x))
UNARY(softplus, log1p(exp(x)))
UNARY(relu, x > 0 ? x : 0)
UNARY(gelu, x *PHI(x))
UNARY(gelu_slope, PHI(x) + x * DENSITY(x))
UNARY(silu, x *SIGMOID(x))
UNARY(silu_slope, SIGMOID(x) + x * SIGMOID(x) * SIGMOID(-x))
UNARY(erf, erf(x))
UNARY(floor, floor(x))
UNARY(gelu_tanh, x / 2 * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x))))
UNARY(log_sigmoid, -log1p(exp(-x)))
UNARY(stop_gradient, x)

/* `range` and size: odd, so that vectors have a rest. */
#define RECORD(name_, ...) {.name = #name_, .build = build_##name_, .reference = value_##name_, .input_count = 1, .inputs = {{1, {37}, __VA_ARGS__}}}
#define ANYWHERE .low = -3, .high = 3
#define POSITIVE .low = 0.3, .high = 4
#define NO_KINK .low = -3, .high = 3, .away = 0.1

static void test_unary(void **state)
{
    (void)state;
    static const double between[5] = {-1.5, -0.25, 0.25, 1.5, 2.75};
    static const ops_record records[] = {
        RECORD(neg, ANYWHERE), RECORD(abs, NO_KINK), RECORD(sign, NO_KINK), RECORD(step, NO_KINK), RECORD(square, ANYWHERE),
        RECORD(reciprocal, .low = 0.4, .high = 3), RECORD(sqrt, POSITIVE), RECORD(rsqrt, POSITIVE), RECORD(exp, ANYWHERE),
        RECORD(expm1, ANYWHERE), RECORD(log, POSITIVE), RECORD(log1p, .low = -0.6, .high = 3), RECORD(sin, ANYWHERE), RECORD(cos, ANYWHERE),
        RECORD(tanh, ANYWHERE), RECORD(sigmoid, ANYWHERE), RECORD(softplus, ANYWHERE), RECORD(relu, NO_KINK), RECORD(gelu, ANYWHERE),
        RECORD(gelu_slope, ANYWHERE), RECORD(silu, ANYWHERE), RECORD(silu_slope, ANYWHERE), RECORD(erf, ANYWHERE),
        {.name = "floor", .build = build_floor, .reference = value_floor, .input_count = 1, .inputs = {{1, {5}, .values = between}}},
        RECORD(gelu_tanh, ANYWHERE), RECORD(log_sigmoid, ANYWHERE),
    };
    ops_check_all(records, (int)(sizeof records / sizeof *records));
    ops_record stop = RECORD(stop_gradient, ANYWHERE);
    stop.flags = OPS_NO_DERIVATIVE;
    ops_check(&stop);
}

NRM_TEST_MAIN(cmocka_unit_test(test_unary))
