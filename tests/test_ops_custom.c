/* test_ops_custom.c -- operations of the user's own: values, both kinds of derivative, several
 * outputs, indices among the inputs, failing on the way. */
#include "ops_kit.h"

static int cookie; /* what the callbacks are given */

/* ---- A gather with two outputs: y = x[i]^2, z = sum x^3 ------------------------------------------- */

static nrm_status forward(nrm_ctx *ctx, void *user, const nrm_custom_array *in, const nrm_custom_array *out, void *work)
{
    (void)ctx;
    assert_ptr_equal(user, &cookie);
    assert_true((uintptr_t)work % 64 == 0 && (uintptr_t)out[0].data % 64 == 0 && (uintptr_t)out[1].data % 64 == 0);
    memset(work, 0x55, 1000);
    const int64_t *index = in[1].data;
    assert_true(in[1].dtype == NRM_I64 && in[0].ndim == 1 && out[0].ndim == 2 && out[1].ndim == 0);
    double sum = 0;
    for (int64_t k = 0; k < in[0].shape[0]; k++) {
        const double x = in[0].dtype == NRM_F32 ? (double)((const float *)in[0].data)[k] : ((const double *)in[0].data)[k];
        sum += x * x * x;
    }
    for (int64_t k = 0; k < out[0].shape[0] * out[0].shape[1]; k++) {
        if (in[0].dtype == NRM_F32) ((float *)out[0].data)[k] = ((const float *)in[0].data)[index[k]] * ((const float *)in[0].data)[index[k]];
        else ((double *)out[0].data)[k] = ((const double *)in[0].data)[index[k]] * ((const double *)in[0].data)[index[k]];
    }
    if (in[0].dtype == NRM_F32) *(float *)out[1].data = (float)sum;
    else *(double *)out[1].data = sum;
    return NRM_OK;
}

static double get(const nrm_custom_array *a, int64_t i)
{
    return a->dtype == NRM_F32 ? (double)((const float *)a->data)[i] : ((const double *)a->data)[i];
}
static void set(const nrm_custom_array *a, int64_t i, double value)
{
    if (a->dtype == NRM_F32) ((float *)a->data)[i] = (float)value;
    else ((double *)a->data)[i] = value;
}

static nrm_status backward(nrm_ctx *ctx, void *user, const nrm_custom_array *in, const nrm_custom_array *out,
                           const nrm_custom_array *cotangents, const nrm_custom_array *gradients, void *work)
{
    (void)ctx;
    (void)user;
    memset(work, 0x66, 128);
    assert_null(gradients[1].data);
    assert_near(get(&out[0], 0), get(&in[0], ((const int64_t *)in[1].data)[0]) * get(&in[0], ((const int64_t *)in[1].data)[0]), 1e-6);
    for (int64_t k = 0; k < in[0].shape[0]; k++) set(&gradients[0], k, 3 * get(&in[0], k) * get(&in[0], k) * get(&cotangents[1], 0));
    for (int64_t k = 0; k < out[0].shape[0] * out[0].shape[1]; k++) {
        const int64_t at = ((const int64_t *)in[1].data)[k];
        set(&gradients[0], at, get(&gradients[0], at) + 2 * get(&in[0], at) * get(&cotangents[0], k));
    }
    return NRM_OK;
}

static const nrm_custom with_vjp = {.name = "gather two", .forward = forward, .vjp = backward, .work_bytes = 1000, .vjp_work_bytes = 128,
                                    .user = &cookie};
static const nrm_custom_output two_outputs[2] = {OPS_SHAPE(2, 2, 3), OPS_SHAPE(0, 0)};

static nrm_node build(nrm_graph *g, const nrm_node *x, const void *user)
{
    nrm_node out[2];
    (void)g;
    nrm_op_custom(user, 2, x, ops_dtype(x[0]), 2, two_outputs, out);
    return nrm_op_mul(nrm_op_sin(out[0]), out[1]);
}
static nrm_node build_first(nrm_graph *g, const nrm_node *x, const void *user) /* the other output has no cotangent */
{
    nrm_node out[2];
    (void)g;
    nrm_op_custom(user, 2, (nrm_node[]){nrm_op_sin(x[0]), x[1]}, ops_dtype(x[0]), 2, two_outputs, out);
    return out[0];
}
static void value(const ops_values *in, double *y, const void *user)
{
    double sum = 0;
    (void)user;
    for (int k = 0; k < 5; k++) sum += pow(in[0].x[k], 3);
    for (int k = 0; k < 6; k++) y[k] = sin(pow(in[0].x[in[1].i[k]], 2)) * sum;
}

#define INPUTS {OPS_SHAPE(1, 5), {.ndim = 2, .shape = {2, 3}, .index = true, .low = 0, .high = 5}}

static void test_numeric(void **state)
{
    (void)state;
    const ops_record records[] = {
        {.name = "two outputs", .build = build, .reference = value, .input_count = 2, .inputs = INPUTS, .flags = OPS_ONE_DERIVATIVE, .user = &with_vjp},
        {.name = "one of two", .build = build_first, .input_count = 2, .inputs = INPUTS, .flags = OPS_ONE_DERIVATIVE, .user = &with_vjp}};
    ops_check_all(records, 2);
}

/* ---- A derivative of operations: every order --------------------------------------------------------- */

static nrm_status cube(nrm_ctx *ctx, void *user, const nrm_custom_array *in, const nrm_custom_array *out, void *work)
{
    (void)ctx;
    (void)user;
    (void)work;
    for (int64_t k = 0; k < in[0].shape[0]; k++) {
        set(&out[0], k, pow(get(&in[0], k), 3));
        set(&out[1], k, get(&in[0], k) * get(&in[1], k));
    }
    return NRM_OK;
}
static void build_vjp(void *user, const nrm_node *in, const nrm_node *out, const nrm_node *u, nrm_node *gradients)
{
    (void)user;
    assert_true(nrm_node_valid(out[0]) && nrm_node_valid(out[1]));
    gradients[0] = nrm_op_add(nrm_op_mul(u[0], nrm_op_scale(nrm_op_square(in[0]), 3)), nrm_op_mul(u[1], in[1]));
    gradients[1] = nrm_op_mul(u[1], in[0]);
}
static const nrm_custom with_build = {.name = "cube", .forward = cube, .build_vjp = build_vjp};

static nrm_node build_cube(nrm_graph *g, const nrm_node *x, const void *user)
{
    nrm_node out[2];
    static const nrm_custom_output shapes[2] = {OPS_SHAPE(1, 7), OPS_SHAPE(1, 7)};
    (void)g;
    (void)user;
    nrm_op_custom(&with_build, 2, x, ops_dtype(x[0]), 2, shapes, out);
    return nrm_op_concat(2, (nrm_node[]){nrm_op_sin(out[0]), nrm_op_mul(out[1], out[0])}, 0);
}
static void value_cube(const ops_values *in, double *y, const void *user)
{
    (void)user;
    for (int k = 0; k < 7; k++) {
        const double x = in[0].x[k];
        y[k] = sin(x * x * x);
        y[7 + k] = x * in[1].x[k] * x * x * x;
    }
}

static void test_built(void **state)
{
    (void)state;
    const ops_record r = {.name = "cube", .build = build_cube, .reference = value_cube, .input_count = 2,
                          .inputs = {{.ndim = 1, .shape = {7}, .low = -1.2, .high = 1.2}, OPS_SHAPE(1, 7)}, .second_tolerance = 1e-5};
    ops_check(&r);
}

/* ---- Failing ------------------------------------------------------------------------------------------- */

static nrm_status failing(nrm_ctx *ctx, void *user, const nrm_custom_array *in, const nrm_custom_array *out, void *work)
{
    (void)user;
    (void)in;
    (void)work;
    set(&out[0], 0, 1);
    assert_status(ctx, nrm_set_threads(ctx, -1), NRM_E_RANGE); /* leaves a sentence, to be passed on */
    return NRM_E_SINGULAR;
}

static void nonlinear_vjp(void *user, const nrm_node *in, const nrm_node *out, const nrm_node *u, nrm_node *gradients)
{
    (void)user;
    (void)out;
    gradients[0] = nrm_op_mul(nrm_op_square(u[0]), in[0]);
}

static nrm_status first_only(nrm_ctx *ctx, void *user, const nrm_custom_array *in, const nrm_custom_array *out, void *work)
{
    (void)ctx;
    (void)user;
    (void)work;
    set(&out[0], 0, get(&in[0], 0));
    return NRM_OK;
}

typedef struct place { nrm_ctx *ctx; nrm_graph *g; nrm_node x, y; } place;
static place one(const nrm_custom *custom, int inputs, nrm_dtype dtype, int outputs, nrm_custom_output shape)
{
    place p = {.ctx = nrm_test_ctx(NULL)};
    nrm_node many[20], out[40];
    nrm_custom_output shapes[40];
    assert_ok(p.ctx, nrm_graph_create(p.ctx, &p.g));
    p.x = nrm_graph_input(p.g, "x", NRM_F64, 1, (int64_t[]){1});
    for (int i = 0; i < 20; i++) many[i] = p.x;
    for (int i = 0; i < 40; i++) shapes[i] = shape;
    nrm_op_custom(custom, inputs, many, dtype, outputs, shapes, out);
    p.y = out[0];
    return p;
}
static void refused(place p, nrm_status status, const char *sentence)
{
    nrm_program *program;
    assert_false(nrm_node_valid(p.y));
    assert_status(p.ctx, nrm_graph_check(p.g), status);
    assert_message(p.ctx, sentence);
    assert_status(p.ctx, nrm_compile(p.ctx, 1, &p.y, NULL, &program), status); /* the node still knows its graph */
    assert_status(p.ctx, nrm_compile(p.ctx, 2, (nrm_node[]){p.x, p.y}, NULL, &program), status);
    nrm_graph_destroy(p.g);
    nrm_ctx_destroy(p.ctx);
}

static void test_failing(void **state)
{
    (void)state;
    static const nrm_custom fails = {.name = "fails", .forward = failing}, bent = {.name = "bent", .forward = first_only, .build_vjp = nonlinear_vjp};
    static const nrm_custom numeric = {.name = "numeric", .forward = first_only, .vjp = backward};
    static const nrm_custom_output shape = OPS_SHAPE(1, 1);
    nrm_program *program;
    nrm_instance *run;
    nrm_node d;
    double x = 2;

    place p = one(&fails, 1, NRM_F64, 1, shape); /* the status and sentence of its own */
    assert_ok(p.ctx, nrm_compile(p.ctx, 1, &p.y, NULL, &program));
    assert_ok(p.ctx, nrm_instance_create(p.ctx, program, &run));
    assert_ok(p.ctx, nrm_instance_bind(p.ctx, run, "x", &x));
    assert_status(p.ctx, nrm_run(p.ctx, run), NRM_E_SINGULAR);
    assert_message(p.ctx, "threads is -1");
    nrm_instance_destroy(run);
    nrm_program_destroy(program);
    nrm_graph_gradient(nrm_op_sum_all(p.y), 1, &p.x, &d); /* it was given no derivative */
    p.y = d;
    refused(p, NRM_E_UNSUPPORTED, "custom: 'fails' was given no derivative");

    p = one(&bent, 1, NRM_F64, 1, shape); /* forward finds that a derivative is not linear */
    nrm_graph_jvp(1, &p.x, (nrm_node[]){nrm_graph_fill(p.g, NRM_F64, 1, (int64_t[]){1}, 1)}, 1, &p.y, &d);
    assert_status(p.ctx, nrm_compile(p.ctx, 1, &d, NULL, &program), NRM_E_ARGUMENT);
    assert_message(p.ctx, "linear in the cotangents");
    nrm_graph_destroy(p.g);
    nrm_ctx_destroy(p.ctx);

    p = one(&numeric, 1, NRM_F64, 1, shape); /* a numeric derivative has none itself */
    nrm_graph_gradient(nrm_op_sum_all(p.y), 1, &p.x, &d);
    assert_ok(p.ctx, nrm_graph_check(p.g));
    nrm_graph_gradient(nrm_op_sum_all(nrm_op_square(d)), 1, &p.x, &p.y);
    refused(p, NRM_E_UNSUPPORTED, "the vjp of 'numeric' has no derivative itself");
}

static void test_refusals(void **state)
{
    (void)state;
    static const nrm_custom good = {.name = "good", .forward = first_only}, nameless = {.forward = first_only}, idle = {.name = "idle"};
    static const nrm_custom owing = {.name = "owing", .forward = first_only, .work_bytes = -1};
    static const nrm_custom_output shape = OPS_SHAPE(1, 1), negative = OPS_SHAPE(1, -1), huge = OPS_SHAPE(3, INT64_C(1) << 31, INT64_C(1) << 31, 2);
    static const nrm_custom_output deep = {.ndim = 7};
    refused(one(NULL, 1, NRM_F64, 1, shape), NRM_E_NULL, "custom: the operation, its name or its forward function is NULL");
    refused(one(&nameless, 1, NRM_F64, 1, shape), NRM_E_NULL, "NULL");
    refused(one(&idle, 1, NRM_F64, 1, shape), NRM_E_NULL, "NULL");
    refused(one(&good, 20, NRM_F64, 1, shape), NRM_E_ARGUMENT, "'good' has 20 inputs");
    refused(one(&good, 1, NRM_F64, 40, shape), NRM_E_ARGUMENT, "40 outputs");
    refused(one(&good, 1, NRM_I64, 1, shape), NRM_E_ARGUMENT, "dtype i64");
    refused(one(&owing, 1, NRM_F64, 1, shape), NRM_E_ARGUMENT, "work of 0 bytes or more");
    refused(one(&good, 1, NRM_F32, 1, shape), NRM_E_DTYPE, "input 1 of 'good' is f64");
    refused(one(&good, 1, NRM_F64, 1, negative), NRM_E_SHAPE, "output 1 of 'good'");
    refused(one(&good, 1, NRM_F64, 1, huge), NRM_E_SHAPE, "output 1 of 'good'");
    refused(one(&good, 1, NRM_F64, 1, deep), NRM_E_SHAPE, "output 1 of 'good'");
}

/* Nothing to complain of in the gaps between the outputs. */
static void test_watched(void **state)
{
    (void)state;
    ops_memory memory;
    nrm_ctx *ctx = ops_ctx(&memory, 0xFF);
    nrm_graph *g;
    nrm_program *program;
    nrm_instance *run;
    nrm_node all[4], in[2];
    double x[5] = {1, 2, 3, 4, 5};
    int64_t index[6] = {0, 1, 2, 3, 4, 0};
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    in[0] = nrm_graph_input(g, "x", NRM_F64, 1, (int64_t[]){5});
    in[1] = nrm_graph_input(g, "i", NRM_I64, 2, (int64_t[]){2, 3});
    nrm_op_custom(&with_vjp, 2, in, NRM_F64, 2, two_outputs, all);
    nrm_graph_gradient(nrm_op_sum_all(nrm_op_mul(all[0], all[1])), 1, in, &all[2]);
    assert_ok(ctx, nrm_compile(ctx, 3, all, NULL, &program));
    assert_ok(ctx, nrm_instance_create(ctx, program, &run));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "x", x));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "i", index));
    nrm_instance_watch(run, true);
    assert_ok(ctx, nrm_run(ctx, run));
    nrm_instance_destroy(run);
    nrm_program_destroy(program);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_numeric), cmocka_unit_test(test_built), cmocka_unit_test(test_failing), cmocka_unit_test(test_refusals),
              cmocka_unit_test(test_watched))
