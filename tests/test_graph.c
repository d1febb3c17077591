/* test_graph.c -- building needs no checks: what does not fit poisons the graph, and the first
 * cause is told, with the operation, the shapes and the rule. */
#include "ops_kit.h"

typedef struct kit { /* what the wrong calls are made from */
    nrm_ctx *ctx;
    nrm_graph *g;
    nrm_node v3, v4, m34, m45, single, index, deep, none;
} kit;

static kit begin(void)
{
    kit k = {.ctx = nrm_test_ctx(NULL)};
    assert_ok(k.ctx, nrm_graph_create(k.ctx, &k.g));
    k.v3 = nrm_graph_input(k.g, "v3", NRM_F64, 1, (int64_t[]){3});
    k.v4 = nrm_graph_input(k.g, "v4", NRM_F64, 1, (int64_t[]){4});
    k.m34 = nrm_graph_input(k.g, "m34", NRM_F64, 2, (int64_t[]){3, 4});
    k.m45 = nrm_graph_input(k.g, "m45", NRM_F64, 2, (int64_t[]){4, 5});
    k.single = nrm_graph_input(k.g, "single", NRM_F32, 1, (int64_t[]){3});
    k.index = nrm_graph_input(k.g, "index", NRM_I64, 1, (int64_t[]){3});
    k.deep = nrm_graph_input(k.g, "deep", NRM_F64, 6, (int64_t[]){1, 1, 1, 1, 3, 4});
    assert_ok(k.ctx, nrm_graph_check(k.g));
    return k;
}

/* The call gives an invalid node; the graph, later calls and compiling give the cause. */
static void check(kit k, nrm_node wrong, nrm_status status, const char *sentence)
{
    nrm_program *program = NULL;
    assert_false(nrm_node_valid(wrong));
    assert_status(k.ctx, nrm_graph_check(k.g), status);
    assert_message(k.ctx, sentence);
    assert_false(nrm_node_valid(nrm_op_add(wrong, k.v3)));
    assert_false(nrm_node_valid(nrm_op_sin(k.v3)));
    assert_false(nrm_node_valid(nrm_op_matmul(k.v3, k.v4))); /* the first cause is kept */
    assert_false(nrm_node_valid(nrm_graph_scalar(k.g, NRM_F64, 1)));
    assert_status(k.ctx, nrm_compile(k.ctx, 1, &k.v3, NULL, &program), status);
    assert_message(k.ctx, sentence);
    assert_null(program);
    nrm_graph_destroy(k.g);
    nrm_ctx_destroy(k.ctx);
}

#define WRONG(call, status, sentence)      \
    do {                                   \
        const kit k = begin();             \
        check(k, (call), status, sentence); \
    } while (0)

static void test_elementwise(void **state)
{
    (void)state;
    WRONG(nrm_op_add(k.v3, k.v4), NRM_E_SHAPE, "add: shapes 3 and 4 do not broadcast");
    WRONG(nrm_op_pow(k.m34, k.v3), NRM_E_SHAPE, "pow: shapes 3x4 and 3 do not broadcast");
    WRONG(nrm_op_mul(k.v3, k.single), NRM_E_DTYPE, "mul: the arguments are f64 and f32; both must be f32 or both f64: use nrm_op_cast");
    WRONG(nrm_op_less(k.index, k.index), NRM_E_DTYPE, "less: the argument is i64");
    WRONG(nrm_op_tanh(k.index), NRM_E_DTYPE, "tanh: the argument is i64; it must be f32 or f64");
    WRONG(nrm_op_scale(k.index, 2), NRM_E_DTYPE, "scale: the argument is i64");
    WRONG(nrm_op_power(k.index, 2.5), NRM_E_DTYPE, "power: the argument is i64");
    WRONG(nrm_op_where(k.single, k.v3, k.v3), NRM_E_DTYPE, "where: the arguments are f32 and f64");
    WRONG(nrm_op_where(k.v3, k.m34, k.v4), NRM_E_SHAPE, "where: shapes 3 and 3x4 do not broadcast");
    WRONG(nrm_op_clamp(k.v3, 2, 1), NRM_E_RANGE, "clamp: the bounds are 2 and 1");
    WRONG(nrm_op_clamp(k.v3, NAN, 1), NRM_E_RANGE, "clamp");
    WRONG(nrm_op_cast(k.v3, NRM_U8), NRM_E_DTYPE, "cast: dtype");
    WRONG(nrm_op_add(k.v3, k.none), NRM_E_NULL, "add: argument 2 is no node");
    WRONG(nrm_op_add(k.none, k.v3), NRM_E_NULL, "add: argument 1 is no node");
    WRONG(nrm_op_sin((nrm_node){k.g, 1000}), NRM_E_NULL, "sin: argument 1 is no node");
    const kit other = begin();
    WRONG(nrm_op_add(k.v3, other.v3), NRM_E_ARGUMENT, "add: argument 2 belongs to another graph");
    assert_ok(other.ctx, nrm_graph_check(other.g));
    nrm_graph_destroy(other.g);
    nrm_ctx_destroy(other.ctx);
}

static void test_others(void **state)
{
    (void)state;
    static const int twice[2] = {1, -1}, far[1] = {2};
    static const int64_t wide[7] = {1, 1, 1, 1, 1, 1, 3};
    WRONG(nrm_op_sum(k.m34, 2, twice, false), NRM_E_ARGUMENT, "sum: axis 1 is given twice");
    WRONG(nrm_op_greatest(k.m34, 1, far, false), NRM_E_RANGE, "greatest: axis is 2; an array of 2 dimensions has axes -2 to 1");
    WRONG(nrm_op_least(nrm_op_slice(k.v3, 0, 0, 0, 1), 1, (int[]){0}, true), NRM_E_SHAPE, "least: axis 0 is empty");
    WRONG(nrm_op_mean_all(nrm_op_slice(k.v3, 0, 0, 0, 1)), NRM_E_SHAPE, "mean: an empty array has no mean");
    WRONG(nrm_op_sum_all(k.index), NRM_E_DTYPE, "sum: the argument is i64");
    WRONG(nrm_op_logsumexp(k.v3, 1, far, false), NRM_E_RANGE, "axis is 2");
    WRONG(nrm_op_sum_to(k.m34, 1, (int64_t[]){3}), NRM_E_SHAPE, "sum_to: shape 3 does not broadcast to 3x4");
    WRONG(nrm_op_sum_to(k.v3, 2, (int64_t[]){1, 3}), NRM_E_SHAPE, "sum_to: shape 1x3 does not broadcast to 3");
    WRONG(nrm_op_reshape(k.m34, 2, (int64_t[]){5, -1}), NRM_E_SHAPE, "reshape: 3x4 has 12 elements and does not become 5x-1");
    WRONG(nrm_op_reshape(k.m34, 2, (int64_t[]){-1, -1}), NRM_E_SHAPE, "reshape");
    WRONG(nrm_op_reshape(k.v3, 7, wide), NRM_E_SHAPE, "reshape: 7 dimensions are asked for; at most 6 are possible");
    WRONG(nrm_op_broadcast(k.v3, 7, wide), NRM_E_SHAPE, "broadcast: shape 3 does not stretch to");
    WRONG(nrm_op_broadcast(k.m34, 1, (int64_t[]){4}), NRM_E_SHAPE, "broadcast: shape 3x4 does not stretch to 4");
    WRONG(nrm_op_permute(k.m34, twice), NRM_E_ARGUMENT, "permute: axis 1 is given twice");
    WRONG(nrm_op_permute(k.v3, far), NRM_E_RANGE, "permute: axis is 2");
    WRONG(nrm_op_transpose(k.v3), NRM_E_SHAPE, "transpose: the argument has shape 3; it must have 2 to 6 dimensions");
    WRONG(nrm_op_slice(k.v3, 0, 1, 5, 1), NRM_E_RANGE, "slice: 1 to 5 of axis 0, which has 3 elements");
    WRONG(nrm_op_slice(k.v3, 0, 2, 1, 1), NRM_E_RANGE, "in rising order");
    WRONG(nrm_op_slice(k.v3, 0, -4, 1, 1), NRM_E_RANGE, "slice: -4 to 1");
    WRONG(nrm_op_slice(k.v3, 0, 0, 3, 0), NRM_E_RANGE, "slice: step is 0");
    WRONG(nrm_op_slice(k.v3, 1, 0, 3, 1), NRM_E_RANGE, "slice: axis is 1");
    WRONG(nrm_op_pad(k.v3, 0, -1, 0, 0), NRM_E_RANGE, "pad: before -1, after 0, gap 0");
    WRONG(nrm_op_pad(k.v3, 0, INT64_MAX, 1, 0), NRM_E_OVERFLOW, "pad");
    WRONG(nrm_op_pad(k.v3, 0, 0, 0, INT64_MAX), NRM_E_OVERFLOW, "pad");
    WRONG(nrm_op_pad(k.v3, 0, INT64_MAX / 4, 0, 0), NRM_E_OVERFLOW, "pad: an array of shape");
    WRONG(nrm_op_pad_circular(k.v3, 0, 4, 0), NRM_E_RANGE, "pad_circular: before 4, after 0");
    WRONG(nrm_op_roll(k.v3, 3, 1), NRM_E_RANGE, "roll: axis is 3");
    WRONG(nrm_op_concat(2, (nrm_node[]){k.v3, k.single}, 0), NRM_E_SHAPE, "concat: argument 2 is f32 3 and the first f64 3");
    WRONG(nrm_op_concat(2, (nrm_node[]){k.m34, k.m45}, 0), NRM_E_SHAPE, "all axes but axis 0 must agree");
    WRONG(nrm_op_matmul(k.m34, k.m34), NRM_E_SHAPE, "matmul: 3x4 times 3x4; the left factor has 4 columns and the right one 3 rows");
    WRONG(nrm_op_matmul_transposed(k.m45, true, k.m34, false), NRM_E_SHAPE, "matmul: 4x5' times 3x4; the left factor has 4 columns");
    WRONG(nrm_op_matmul(k.v3, k.m34), NRM_E_SHAPE, "matmul: the argument has shape 3");
    WRONG(nrm_op_matmul(k.m34, nrm_op_cast(k.m45, NRM_F32)), NRM_E_DTYPE, "matmul: the factors are f64 and f32");
    WRONG(nrm_op_matmul(nrm_op_broadcast(k.m34, 3, (int64_t[]){2, 3, 4}), nrm_op_broadcast(k.m45, 3, (int64_t[]){3, 4, 5})), NRM_E_SHAPE, "batch axes that do not broadcast");
    WRONG(nrm_op_linear(k.m34, k.m45, k.none), NRM_E_SHAPE, "matmul: 3x4 times 4x5'");
}

static void test_sources(void **state)
{
    (void)state;
    static const int64_t negative[2] = {2, -3}, huge[3] = {INT64_C(1) << 31, INT64_C(1) << 31, 2}, seven[7] = {1, 1, 1, 1, 1, 1, 1};
    char name[301];
    memset(name, 'a', 300);
    name[300] = 0;
    WRONG(nrm_graph_input(k.g, "v3", NRM_F64, 0, NULL), NRM_E_ARGUMENT, "input: the name 'v3' is taken");
    WRONG(nrm_graph_parameter(k.g, "v3", NRM_F64, 0, NULL), NRM_E_ARGUMENT, "parameter: the name 'v3' is taken");
    WRONG(nrm_graph_input(k.g, "", NRM_F64, 0, NULL), NRM_E_ARGUMENT, "input: it has no name");
    WRONG(nrm_graph_input(k.g, NULL, NRM_F64, 0, NULL), NRM_E_ARGUMENT, "input: it has no name");
    WRONG(nrm_graph_input(k.g, "x", NRM_U8, 0, NULL), NRM_E_DTYPE, "input: 'x' is of dtype");
    WRONG(nrm_graph_parameter(k.g, "x", NRM_I64, 0, NULL), NRM_E_DTYPE, "parameter: 'x' is i64");
    WRONG(nrm_graph_input(k.g, "x", NRM_F64, 2, negative), NRM_E_SHAPE, "input: shape 2x-3 has a negative entry");
    WRONG(nrm_graph_input(k.g, "x", NRM_F64, 7, seven), NRM_E_SHAPE, "input: the result would have 7 dimensions");
    WRONG(nrm_graph_input(k.g, "x", NRM_F64, -1, seven), NRM_E_SHAPE, "input: the result would have -1 dimensions");
    WRONG(nrm_graph_fill(k.g, NRM_F32, 3, huge, 0), NRM_E_OVERFLOW, "fill: an array of shape 2147483648x2147483648x2 has more bytes");
    WRONG(nrm_graph_fill(k.g, NRM_I64, 0, NULL, 0.5), NRM_E_RANGE, "fill: value is 0.5; an i64 fill needs a whole number");
    WRONG(nrm_graph_fill(k.g, NRM_U8, 0, NULL, 0), NRM_E_DTYPE, "fill: dtype");
    WRONG(nrm_graph_constant(k.g, NRM_F64, 1, (int64_t[]){2}, NULL), NRM_E_NULL, "constant: its elements are NULL");
    WRONG(nrm_graph_constant(k.g, NRM_F64, 7, seven, name), NRM_E_SHAPE, "7 dimensions");
    WRONG(nrm_graph_range(k.g, NRM_F64, -1), NRM_E_SHAPE, "range: shape -1 has a negative entry");
    WRONG(nrm_graph_uniform(k.g, NRM_I64, 0, NULL, 1), NRM_E_DTYPE, "uniform: dtype is i64");
    WRONG(nrm_graph_refuse(k.g, NRM_E_INFEASIBLE, "layer: %d heads", 3), NRM_E_INFEASIBLE, "layer: 3 heads");
    WRONG((nrm_graph_pop(k.g), k.none), NRM_E_ARGUMENT, "graph: more scopes are popped than were pushed");
    WRONG((nrm_graph_push(k.g, ""), k.none), NRM_E_ARGUMENT, "the scope '' is empty");
    WRONG((nrm_graph_push(k.g, NULL), k.none), NRM_E_ARGUMENT, "the scope '' is empty");
    WRONG((nrm_graph_push(k.g, name), k.none), NRM_E_ARGUMENT, "makes names too long");
    const kit k = begin(); /* as many scopes as there can be */
    for (int i = 0; i < 127; i++) nrm_graph_push(k.g, "s");
    assert_ok(k.ctx, nrm_graph_check(k.g));
    for (int i = 0; i < 127; i++) nrm_graph_pop(k.g);
    assert_true(nrm_node_valid(nrm_graph_find(k.g, "v3")));
    nrm_graph_push(k.g, "out");
    assert_true(nrm_node_valid(nrm_graph_input(k.g, "x", NRM_F64, 0, NULL)) && nrm_node_valid(nrm_graph_find(k.g, "out.x")));
    nrm_graph_destroy(k.g);
    nrm_ctx_destroy(k.ctx);
}

static nrm_node vjp(nrm_node y, nrm_node u, nrm_node x)
{
    nrm_node d;
    nrm_graph_vjp(1, &y, &u, 1, &x, &d);
    return d;
}
static nrm_node jvp(nrm_node y, nrm_node t, nrm_node x)
{
    nrm_node d;
    nrm_graph_jvp(1, &x, &t, 1, &y, &d);
    return d;
}
static nrm_node gradient(nrm_node y, nrm_node x)
{
    nrm_node d;
    nrm_graph_gradient(y, 1, &x, &d);
    return d;
}

static void test_derivatives(void **state)
{
    (void)state;
    WRONG(gradient(k.v3, k.v3), NRM_E_SHAPE, "gradient: y has shape 3; it must be a scalar: give nrm_graph_vjp a cotangent");
    WRONG(gradient(nrm_op_reshape(nrm_op_slice(k.index, 0, 0, 1, 1), 0, NULL), k.v3), NRM_E_DTYPE, "gradient: the argument is i64");
    WRONG(gradient(nrm_op_sum_all(k.v3), k.none), NRM_E_ARGUMENT, "gradient: argument 1, by which to differentiate, is no node of this graph");
    WRONG(jvp(k.v3, k.v3, k.none), NRM_E_ARGUMENT, "jvp: argument 1, by which to differentiate");
    WRONG(vjp(nrm_op_sin(k.v3), k.v4, k.v3), NRM_E_SHAPE, "gradient: the cotangent of output 1 has shape 4; it must be the output's 3");
    WRONG(vjp(nrm_op_sin(k.v3), k.single, k.v3), NRM_E_SHAPE, "gradient: the cotangent of output 1");
    WRONG(jvp(nrm_op_sin(k.v3), k.v4, k.v3), NRM_E_SHAPE, "jvp: tangent 1 has shape 4; it must be that of its argument, 3");
    WRONG(nrm_graph_jacobian(k.deep, k.v3), NRM_E_SHAPE, "jacobian: y has 12 elements and 6 dimensions, x 1");
    WRONG(nrm_graph_hessian(k.v3, k.v3), NRM_E_SHAPE, "gradient: y has shape 3; it must be a scalar");
    WRONG(nrm_graph_hessian_vector(nrm_op_sum_all(k.v3), k.v3, k.v4), NRM_E_SHAPE, "jvp: tangent 1 has shape 4");
}

static void test_compiling(void **state)
{
    (void)state;
    const kit k = begin(), other = begin();
    nrm_program *program = NULL;
    nrm_instance *run;
    nrm_graph *none = NULL;
    nrm_compile_options options = nrm_compile_options_default();
    options.size = 3;
    assert_status(k.ctx, nrm_graph_create(k.ctx, NULL), NRM_E_NULL);
    assert_status(k.ctx, nrm_compile(k.ctx, 0, &k.v3, NULL, &program), NRM_E_ARGUMENT);
    assert_status(k.ctx, nrm_compile(k.ctx, 1, NULL, NULL, &program), NRM_E_ARGUMENT);
    assert_status(k.ctx, nrm_compile(k.ctx, 1, &k.v3, NULL, NULL), NRM_E_NULL);
    assert_status(k.ctx, nrm_compile(k.ctx, 1, &k.v3, &options, &program), NRM_E_ARGUMENT);
    assert_message(k.ctx, "options.size is 3");
    assert_status(k.ctx, nrm_compile(k.ctx, 2, (nrm_node[]){k.v3, k.none}, NULL, &program), NRM_E_ARGUMENT);
    assert_message(k.ctx, "output 2 is no node");
    assert_status(k.ctx, nrm_compile(k.ctx, 2, (nrm_node[]){k.v3, other.v3}, NULL, &program), NRM_E_ARGUMENT);
    assert_message(k.ctx, "output 2 belongs to another graph");
    assert_status(k.ctx, nrm_instance_create(k.ctx, program, &run), NRM_E_NULL);
    assert_int_equal(nrm_graph_check(none), NRM_E_NULL);
    assert_false(nrm_node_valid(nrm_graph_input(none, "x", NRM_F64, 0, NULL)) || nrm_node_valid(nrm_graph_scalar(none, NRM_F64, 1)));
    nrm_graph_push(none, "a");
    nrm_graph_pop(none);
    nrm_graph_destroy(none);
    nrm_program_destroy(NULL);
    nrm_instance_destroy(NULL);
    assert_null(program);
    nrm_graph_destroy(k.g);
    nrm_graph_destroy(other.g);
    nrm_ctx_destroy(k.ctx);
    nrm_ctx_destroy(other.ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_elementwise), cmocka_unit_test(test_others), cmocka_unit_test(test_sources), cmocka_unit_test(test_derivatives),
              cmocka_unit_test(test_compiling))
