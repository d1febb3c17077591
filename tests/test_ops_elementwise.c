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

/* ---- Two and three arguments -------------------------------------------------------------------- */

#define BINARY(name, expression)                                                     \
    static nrm_node build_##name(nrm_graph *g, const nrm_node *x, const void *user)  \
    {                                                                                \
        (void)g;                                                                     \
        (void)user;                                                                  \
        return nrm_op_##name(x[0], x[1]);                                            \
    }                                                                                \
    static void value_##name(const ops_values *in, double *y, const void *user)      \
    {                                                                                \
        (void)user;                                                                  \
        for (int64_t i = 0; i < in[0].count; i++) {                                  \
            const double a = in[0].x[i], b = in[1].x[i];                             \
            y[i] = (expression);                                                     \
        }                                                                            \
    }
BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a *b)
BINARY(div, a / b)
BINARY(max, a > b ? a : b)
BINARY(min, a < b ? a : b)
BINARY(pow, pow(a, b))
BINARY(less, a < b)
BINARY(less_equal, a <= b)
BINARY(equal, a == b)

/* Two arrays that never meet, as comparisons want it. */
#define LEFT {1, {37}, .low = -2, .high = 2, .distinct = true}
#define RIGHT {1, {37}, .low = -1.97, .high = 2.03, .distinct = true}
#define RECORD2(name_, ...) {.name = #name_, .build = build_##name_, .reference = value_##name_, .input_count = 2, .inputs = {__VA_ARGS__}}

static void test_binary(void **state)
{
    (void)state;
    static const ops_record records[] = {
        RECORD2(add, OPS_SHAPE(1, 37), OPS_SHAPE(1, 37)), RECORD2(sub, OPS_SHAPE(1, 37), OPS_SHAPE(1, 37)), RECORD2(mul, OPS_SHAPE(1, 37), OPS_SHAPE(1, 37)),
        RECORD2(div, OPS_SHAPE(1, 37), {1, {37}, .low = 0.5, .high = 3}), RECORD2(max, LEFT, RIGHT), RECORD2(min, LEFT, RIGHT),
        RECORD2(pow, {1, {37}, .low = 0.3, .high = 3}, OPS_SHAPE(1, 37)), RECORD2(less, LEFT, RIGHT), RECORD2(less_equal, LEFT, RIGHT),
        RECORD2(equal, LEFT, RIGHT),
    };
    ops_check_all(records, (int)(sizeof records / sizeof *records));
}

static nrm_node build_where(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    (void)user;
    return nrm_op_where(x[0], nrm_op_sin(x[1]), nrm_op_square(x[2]));
}
static void value_where(const ops_values *in, double *y, const void *user)
{
    (void)user;
    for (int64_t i = 0; i < 12; i++) y[i] = in[0].x[i % 3] != 0 ? sin(in[1].x[i / 3]) : in[2].x[i] * in[2].x[i];
}

/* The condition's derivative is zero, which differences of a constant condition see too. */
static void test_where(void **state)
{
    (void)state;
    static const double condition[3] = {1, 0, -2};
    ops_record r = {.name = "where", .build = build_where, .reference = value_where, .input_count = 3,
                    .inputs = {{1, {3}, .values = condition}, OPS_SHAPE(2, 4, 1), OPS_SHAPE(2, 4, 3)}};
    r.flags = OPS_NO_DERIVATIVE; /* a difference turns condition 0 into 1e-5 */
    ops_check(&r);
    static const double away[3] = {1, -1, -2};
    r.inputs[0].values = away;
    r.reference = NULL;
    r.flags = 0;
    ops_check(&r);
}

/* ---- Numbers beside an array ---------------------------------------------------------------------- */

static nrm_node build_power(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    return nrm_op_power(x[0], *(const double *)user);
}
static void value_power(const ops_values *in, double *y, const void *user)
{
    for (int64_t i = 0; i < in[0].count; i++) y[i] = pow(in[0].x[i], *(const double *)user);
}

static void test_power(void **state)
{
    (void)state;
    const double exponents[] = {-2.5, -2, -1, -0.5, 0, 0.5, 1, 1.7, 2, 3, 4, 5};
    for (int i = 0; i < 12; i++) {
        ops_record r = {.name = "power", .build = build_power, .reference = value_power, .input_count = 1,
                        .inputs = {{1, {19}, .low = 0.5, .high = 2}}, .user = &exponents[i]};
        ops_check(&r);
        if (exponents[i] != floor(exponents[i])) continue;
        r.inputs[0] = (ops_input){1, {19}, .low = -2, .high = 2, .away = 0.4};
        ops_check(&r);
        if (exponents[i] < 0) continue;
        static const double zeros[19] = {0};
        r.inputs[0].values = zeros; /* x^n is smooth at 0 */
        ops_check(&r);
    }
}

static nrm_node build_numbers(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    (void)user;
    const nrm_node y = nrm_op_shift(nrm_op_scale(x[0], -1.5), 0.25);
    return nrm_op_add(nrm_op_leaky_relu(y, 0.1), nrm_op_square(nrm_op_clamp(y, -1, 0.75)));
}
static void value_numbers(const ops_values *in, double *y, const void *user)
{
    (void)user;
    for (int64_t i = 0; i < in[0].count; i++) {
        const double z = -1.5 * in[0].x[i] + 0.25, c = fmin(fmax(z, -1), 0.75);
        y[i] = (z > 0 ? z : 0.1 * z) + c * c;
    }
}

static nrm_node build_cast(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    (void)user;
    const nrm_node other = nrm_op_cast(x[0], ops_dtype(x[0]) == NRM_F64 ? NRM_F32 : NRM_F64);
    return nrm_op_cast(nrm_op_square(other), ops_dtype(x[0]));
}

/* Through whole numbers: no derivative, so zero. */
static nrm_node build_whole(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    (void)user;
    return nrm_op_add(nrm_op_cast(nrm_op_cast(nrm_op_scale(x[0], 3), NRM_I64), ops_dtype(x[0])), nrm_op_square(x[0]));
}
static void value_whole(const ops_values *in, double *y, const void *user)
{
    (void)user;
    for (int64_t i = 0; i < in[0].count; i++) y[i] = trunc(3 * in[0].x[i]) + in[0].x[i] * in[0].x[i];
}

static void test_numbers(void **state)
{
    (void)state;
    const ops_record records[] = {
        {.name = "scale, shift, leaky_relu, clamp", .build = build_numbers, .reference = value_numbers, .input_count = 1,
         .inputs = {{2, {5, 7}, .low = -1.03, .high = 1.01, .distinct = true}}},
        {.name = "cast", .build = build_cast, .input_count = 1, .inputs = {OPS_SHAPE(1, 9)}, .flags = OPS_NO_DERIVATIVE, .value_tolerance = 1e-6},
        {.name = "cast to i64", .build = build_whole, .reference = value_whole, .input_count = 1,
         .inputs = {{1, {16}, .low = -2.01, .high = 2.02, .distinct = true}}},
    };
    ops_check_all(records, 3);
}

/* ---- Broadcasting ------------------------------------------------------------------------------------- */

static nrm_node build_mixed(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    (void)user;
    return nrm_op_add(nrm_op_mul(x[0], nrm_op_sin(x[1])), nrm_op_div(x[1], nrm_op_shift(nrm_op_square(x[0]), 1)));
}

static int64_t place_in(const ops_input *in, int ndim, const int64_t *digits)
{
    int64_t at = 0;
    for (int i = 0; i < in->ndim; i++) {
        const int64_t d = digits[ndim - in->ndim + i];
        at = at * in->shape[i] + (in->shape[i] == 1 ? 0 : d);
    }
    return at;
}

static void value_mixed(const ops_values *in, double *y, const void *user)
{
    const ops_input *a = user, *b = a + 1;
    int64_t shape[6], digits[6], count = 1;
    const int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int i = 0; i < ndim; i++) {
        const int ia = i - (ndim - a->ndim), ib = i - (ndim - b->ndim);
        const int64_t m = ia < 0 ? 1 : a->shape[ia], n = ib < 0 ? 1 : b->shape[ib];
        shape[i] = m == 1 ? n : m;
        count *= shape[i];
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t left = i;
        for (int k = ndim - 1; k >= 0; k--) {
            digits[k] = left % shape[k];
            left /= shape[k];
        }
        const double p = in[0].x[place_in(a, ndim, digits)], q = in[1].x[place_in(b, ndim, digits)];
        y[i] = p * sin(q) + q / (p * p + 1);
    }
}

#define S OPS_SHAPE
static void test_broadcasting(void **state)
{
    (void)state;
    static const ops_input pairs[][2] = {
        {S(0, 0), S(0, 0)}, {S(0, 0), S(2, 3, 4)}, {S(2, 3, 4), S(1, 1)}, {S(2, 7, 1), S(2, 1, 5)}, {S(1, 5), S(2, 7, 5)},
        {S(2, 7, 1), S(2, 7, 5)}, {S(3, 1, 1, 4), S(2, 3, 1)}, {S(6, 2, 1, 3, 1, 2, 1), S(6, 1, 2, 1, 3, 1, 2)},
        {S(6, 2, 2, 1, 2, 1, 3), S(3, 2, 4, 1)}, {S(2, 0, 4), S(1, 4)}, {S(2, 3, 0), S(2, 3, 1)}, {S(1, 0), S(0, 0)},
        {S(2, 1, 0), S(2, 5, 1)}, {S(3, 40, 30, 5), S(3, 40, 1, 5)}, {S(2, 1300, 3), S(1, 3)}, {S(2, 3, 1300), S(2, 3, 1)},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        ops_record r = {.name = "broadcasting", .build = build_mixed, .reference = value_mixed, .input_count = 2,
                        .inputs = {pairs[i][0], pairs[i][1]}, .user = pairs[i]};
        r.single_tolerance = 1e-4; /* derivatives are sums over thousands */
        ops_check(&r);
    }
}

/* ---- Ends of the range, and where derivatives are a matter of definition ------------------------------- */

typedef nrm_node (*unary_op)(nrm_node);
/* f, f', f'' at x, f64 */
static void derivatives(unary_op f, double x, double *y)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    double *results[3];
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    nrm_node all[3];
    const nrm_node in = nrm_graph_input(g, "x", NRM_F64, 0, NULL);
    all[0] = f(in);
    nrm_graph_gradient(all[0], 1, &in, &all[1]);
    nrm_graph_gradient(all[1], 1, &in, &all[2]);
    ops_evaluate(ctx, 3, all, (void *[]){&x}, (ops_mode){true, true, 1, false}, results);
    for (int i = 0; i < 3; i++) {
        y[i] = *results[i];
        free(results[i]);
    }
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

static nrm_node norm_of_one(nrm_node x) { return nrm_op_sqrt(nrm_op_sum_all(nrm_op_square(x))); }
static nrm_node x_to_the_x(nrm_node x) { return nrm_op_pow(x, x); }
static nrm_node power_of_array(nrm_node x) { return nrm_op_pow(x, nrm_op_add(nrm_op_sub(x, x), nrm_op_scale(nrm_op_exp(x), 0))); }
static nrm_node max_with_itself(nrm_node x) { return nrm_op_max(x, nrm_op_scale(x, 3)); }
static nrm_node min_with_itself(nrm_node x) { return nrm_op_min(x, nrm_op_scale(x, 3)); }
static nrm_node clamped(nrm_node x) { return nrm_op_clamp(x, 0, 2); }

static void test_definitions(void **state)
{
    (void)state;
    const struct { unary_op f; double x, y[3]; } cases[] = {
        {nrm_op_relu, 0, {0, 0, 0}}, {nrm_op_abs, 0, {0, 0, 0}}, {nrm_op_sign, 0, {0, 0, 0}}, {nrm_op_step, 0, {0, 0, 0}},
        {nrm_op_sqrt, 0, {0, 0, 0}}, {norm_of_one, 0, {0, 0, 0}}, {norm_of_one, -3, {3, -1, 0}}, {nrm_op_sqrt, 4, {2, 0.25, -1.0 / 32}},
        {max_with_itself, 0, {0, 1, 0}}, {min_with_itself, 0, {0, 1, 0}}, {clamped, 0, {0, 1, 0}}, {clamped, 2, {2, 1, 0}},
        {clamped, 2.5, {2, 0, 0}}, {power_of_array, 0, {1, 0, NAN}}, {x_to_the_x, 1, {1, 1, 2}},
        {nrm_op_tanh, 800, {1, 0, 0}}, {nrm_op_sigmoid, -800, {0, 0, 0}}, {nrm_op_softplus, 800, {800, 1, 0}},
        {nrm_op_softplus, -800, {0, 0, 0}}, {nrm_op_gelu, -60, {0, 0, 0}}, {nrm_op_gelu, 60, {60, 1, 0}}, {nrm_op_silu, -800, {0, 0, 0}},
        {nrm_op_silu, 800, {800, 1, 0}}, {nrm_op_log_sigmoid, -800, {-800, 1, 0}}, {nrm_op_expm1, 1e-20, {1e-20, 1, 1}},
        {nrm_op_relu, NAN, {NAN, NAN, 0}}, {nrm_op_exp, -INFINITY, {0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double y[3];
        derivatives(cases[i].f, cases[i].x, y);
        for (int k = 0; k < 3; k++) {
            if (isnan(cases[i].y[k]) && !isnan(cases[i].x)) continue; /* not promised */
            if (fabs(y[k] - cases[i].y[k]) > 1e-14 || isnan(y[k]) != isnan(cases[i].y[k]))
                print_error("case %zu, order %d\n", i, k);
            assert_near(y[k], cases[i].y[k], 1e-14);
        }
    }
}

/* Second derivatives where exponent and base are arrays and the base is 0. */
static void test_pow_at_zero(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    double a[4] = {0, 0, 0, 2}, b[4] = {0, 1, 3, 0}, *results[5];
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node in[2] = {nrm_graph_input(g, "a", NRM_F64, 1, (int64_t[]){4}), nrm_graph_input(g, "b", NRM_F64, 1, (int64_t[]){4})};
    nrm_node all[5];
    all[0] = nrm_op_pow(in[0], in[1]);
    nrm_graph_gradient(nrm_op_sum_all(all[0]), 2, in, &all[1]);
    nrm_graph_gradient(nrm_op_sum_all(all[2]), 2, in, &all[3]);
    ops_evaluate(ctx, 5, all, (void *[]){a, b}, (ops_mode){true, true, 1, false}, results);
    assert_all_near(results[0], ((double[]){1, 0, 0, 1}), 4, 0);
    assert_all_near(results[1], ((double[]){0, 1, 0, 0}), 4, 0);
    assert_all_near(results[2], ((double[]){0, 0, 0, log(2)}), 4, 1e-15);
    assert_all_near(results[4], ((double[]){0, 0, 0, log(2) * log(2)}), 4, 1e-15);
    assert_near(results[3][3], 0.5, 1e-15); /* d/da log(a) a^b at b = 0 */
    for (int k = 0; k < 4; k++) assert_true(isfinite(results[3][k]));
    for (int k = 0; k < 5; k++) free(results[k]);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_unary), cmocka_unit_test(test_binary), cmocka_unit_test(test_where), cmocka_unit_test(test_power),
              cmocka_unit_test(test_numbers), cmocka_unit_test(test_broadcasting), cmocka_unit_test(test_definitions),
              cmocka_unit_test(test_pow_at_zero))
