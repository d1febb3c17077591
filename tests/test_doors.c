/* test_doors.c -- sparse-ot-router, softmax-backward and cross-entropy through their
 * descriptors: examples, shapes and types, agreement with the typed functions, bad input,
 * memory, threads, cancelling. */
#include "testkit.h"
#include <norma/call.h>
#include <norma/softmax.h>
#include <norma/sparse_ot.h>

static nrm_call *call_of(nrm_ctx *ctx, const char *method)
{
    nrm_call *call = NULL;
    assert_ok(ctx, nrm_call_create(ctx, method, &call));
    return call;
}

static const void *data_of(const nrm_call *call, const char *port) { return nrm_call_output(call, port)->array.data; }

static void fill(double *x, int64_t n, uint64_t seed)
{
    for (int64_t i = 0; i < n; i++) x[i] = nrm_test_normal(&seed);
}

static void examples(void **state)
{
    (void)state;
    static const char *const methods[] = {"sparse-ot-router", "softmax-backward", "cross-entropy"};
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    for (int m = 0; m < 3; m++) {
        const nrm_method *method = nrm_method_find(methods[m]);
        assert_non_null(method);
        for (int e = 0; e < method->example_count; e++) assert_ok(ctx, nrm_example_run(ctx, method, e));
        assert_int_equal(memory.live, 1);
    }
    nrm_ctx_destroy(ctx);
}

/* ---- softmax-backward -------------------------------------------------------------------------------- */

enum { ROWS = 6, COLUMNS = 5, ALL = ROWS * COLUMNS };
static const int64_t three_axes[] = {2, 3, COLUMNS};

static void backward_agrees(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double x[ALL], y[ALL], g[ALL], dx[ALL];
    nrm_softmax_options o = nrm_softmax_options_default();
    fill(x, ALL, 1);
    fill(g, ALL, 2);
    x[7] = INFINITY; /* times alpha: excluded */
    for (int log_softmax = 0; log_softmax < 2; log_softmax++) {
        o.log = log_softmax;
        o.alpha = -1.5;
        assert_ok(ctx, nrm_softmax_f64(ctx, ROWS, COLUMNS, x, COLUMNS, NULL, y, COLUMNS, NULL, NULL, &o));
        assert_true(y[7] == (log_softmax ? -INFINITY : 0));
        assert_ok(ctx, nrm_softmax_backward_f64(ctx, ROWS, COLUMNS, y, COLUMNS, g, COLUMNS, dx, COLUMNS, &o));
        nrm_call *call = call_of(ctx, "softmax-backward");
        assert_ok(ctx, nrm_call_input(call, "y", NRM_F64, 3, three_axes, y));
        assert_ok(ctx, nrm_call_input(call, "gradient", NRM_F64, 3, three_axes, g));
        assert_ok(ctx, nrm_call_set(call, "log", log_softmax ? "true" : "false"));
        assert_ok(ctx, nrm_call_set(call, "alpha", "-1.5"));
        assert_ok(ctx, nrm_call_run(call));
        const nrm_array *out = &nrm_call_output(call, "dx")->array;
        assert_true(out->dtype == NRM_F64 && out->ndim == 3 && memcmp(out->shape, three_axes, sizeof three_axes) == 0);
        assert_memory_equal(out->data, dx, sizeof dx);
        assert_true(dx[7] == 0);
        const nrm_softmax_backward_info *info = nrm_call_info(call);
        assert_int_equal(info->rows, ROWS);
        assert_int_equal(info->columns, COLUMNS);
        assert_true(info->seconds >= 0 && info->seconds < 5);
        nrm_call_destroy(call);
    }
    nrm_ctx_destroy(ctx);
}

/* <g, y(x)> by differences, both methods called by name. */
static double weighted_softmax(nrm_ctx *ctx, const double *x, const double *g, const char *log_softmax)
{
    double sum = 0;
    nrm_call *call = call_of(ctx, "softmax");
    assert_ok(ctx, nrm_call_input(call, "x", NRM_F64, 3, three_axes, x));
    assert_ok(ctx, nrm_call_set(call, "alpha", "0.7"));
    assert_ok(ctx, nrm_call_set(call, "log", log_softmax));
    assert_ok(ctx, nrm_call_run(call));
    const double *y = data_of(call, "y");
    for (int i = 0; i < ALL; i++) sum += g[i] * y[i];
    nrm_call_destroy(call);
    return sum;
}

static void backward_is_the_derivative(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double x[ALL], g[ALL], y[ALL];
    fill(x, ALL, 3);
    fill(g, ALL, 4);
    for (int l = 0; l < 2; l++) {
        const char *log_softmax = l ? "true" : "false";
        nrm_softmax_options o = nrm_softmax_options_default();
        o.alpha = 0.7;
        o.log = l;
        assert_ok(ctx, nrm_softmax_f64(ctx, ROWS, COLUMNS, x, COLUMNS, NULL, y, COLUMNS, NULL, NULL, &o));
        nrm_call *call = call_of(ctx, "softmax-backward");
        assert_ok(ctx, nrm_call_input(call, "y", NRM_F64, 3, three_axes, y));
        assert_ok(ctx, nrm_call_input(call, "gradient", NRM_F64, 3, three_axes, g));
        assert_ok(ctx, nrm_call_set(call, "alpha", "0.7"));
        assert_ok(ctx, nrm_call_set(call, "log", log_softmax));
        assert_ok(ctx, nrm_call_run(call));
        const double *dx = data_of(call, "dx");
        for (int i = 0; i < ALL; i++) {
            const double kept = x[i], h = 1e-5;
            x[i] = kept + h;
            const double above = weighted_softmax(ctx, x, g, log_softmax);
            x[i] = kept - h;
            const double below = weighted_softmax(ctx, x, g, log_softmax);
            x[i] = kept;
            assert_near(dx[i], (above - below) / (2 * h), 1e-8);
        }
        nrm_call_destroy(call);
    }
    nrm_ctx_destroy(ctx);
}

/* f32 stays f32; f32 beside f64 is f64; dx in the place of either input; rows of length 1. */
static void backward_types_and_places(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int64_t four = 4, column[] = {4, 1};
    for (int place = 0; place < 3; place++) {
        float y[] = {0.1f, 0.2f, 0.3f, 0.4f}, g[] = {1, 2, 3, 4};
        float *into = place == 1 ? y : g;
        nrm_call *call = call_of(ctx, "softmax-backward");
        assert_ok(ctx, nrm_call_input(call, "y", NRM_F32, 1, &four, y));
        assert_ok(ctx, nrm_call_input(call, "gradient", NRM_F32, 1, &four, g));
        if (place) assert_ok(ctx, nrm_call_output_into(call, "dx", NRM_F32, 1, &four, into));
        assert_ok(ctx, nrm_call_run(call));
        assert_true(nrm_call_output(call, "dx")->array.dtype == NRM_F32);
        const float *dx = data_of(call, "dx");
        if (place) assert_ptr_equal(dx, into);
        for (int i = 0; i < 4; i++) assert_near((double)dx[i], 0.1 * (i + 1) * (i + 1 - 3.0), 1e-7);
        nrm_call_destroy(call);
    }
    const float y[] = {0.1f, 0.2f, 0.3f, 0.4f};
    const double g[] = {1, 2, 3, 4};
    for (int shape = 0; shape < 2; shape++) {
        nrm_call *call = call_of(ctx, "softmax-backward");
        assert_ok(ctx, nrm_call_input(call, "y", NRM_F32, 1 + shape, shape ? column : &four, y));
        assert_ok(ctx, nrm_call_input(call, "gradient", NRM_F64, 1 + shape, shape ? column : &four, g));
        assert_ok(ctx, nrm_call_run(call));
        assert_true(nrm_call_output(call, "dx")->array.dtype == NRM_F64);
        nrm_call_destroy(call);
    }
    nrm_ctx_destroy(ctx);
}

/* ---- cross-entropy ------------------------------------------------------------------------------------- */

static void cross_entropy_agrees(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double x[ALL], loss[ROWS], dx[ALL], mean = 0;
    const int64_t target[ROWS] = {4, 0, -1, 2, -7, 1};
    const int32_t narrow[ROWS] = {4, 0, -1, 2, -7, 1};
    nrm_softmax_options o = nrm_softmax_options_default();
    fill(x, ALL, 5);
    o.alpha = 2;
    assert_ok(ctx, nrm_cross_entropy_f64(ctx, ROWS, COLUMNS, x, COLUMNS, target, 0.25, loss, dx, COLUMNS, &o));
    for (int r = 0; r < ROWS; r++) mean += loss[r] / 4;
    for (int type = 0; type < 2; type++) {
        nrm_call *call = call_of(ctx, "cross-entropy");
        assert_ok(ctx, nrm_call_input(call, "x", NRM_F64, 3, three_axes, x));
        assert_ok(ctx, nrm_call_input(call, "target", type ? NRM_I32 : NRM_I64, 2, three_axes,
                                      type ? (const void *)narrow : target));
        assert_ok(ctx, nrm_call_set(call, "alpha", "2"));
        assert_ok(ctx, nrm_call_set(call, "scale", "0.25"));
        assert_ok(ctx, nrm_call_run(call));
        const nrm_array *losses = &nrm_call_output(call, "loss")->array;
        const nrm_array *gradient = &nrm_call_output(call, "gradient")->array;
        assert_true(losses->dtype == NRM_F64 && losses->ndim == 2 && losses->shape[1] == 3);
        assert_true(gradient->dtype == NRM_F64 && gradient->ndim == 3 && gradient->shape[2] == COLUMNS);
        assert_memory_equal(losses->data, loss, sizeof loss);
        assert_memory_equal(gradient->data, dx, sizeof dx);
        const nrm_cross_entropy_info *info = nrm_call_info(call);
        assert_true(info->rows == ROWS && info->columns == COLUMNS && info->ignored == 2);
        assert_near(info->mean, mean, 1e-15);
        nrm_call_destroy(call);
    }
    /* By the definition. */
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int c = 0; c < COLUMNS; c++) sum += exp(2 * x[r * COLUMNS + c]);
        assert_near(loss[r], target[r] < 0 ? 0 : log(sum) - 2 * x[r * COLUMNS + target[r]], 1e-14);
        for (int c = 0; c < COLUMNS; c++)
            assert_near(dx[r * COLUMNS + c],
                        target[r] < 0 ? 0 : 0.5 * (exp(2 * x[r * COLUMNS + c]) / sum - (c == target[r])), 1e-14);
    }
    nrm_ctx_destroy(ctx);
}

/* One row with its class as a number or as an array of one; in place in f32. */
static void cross_entropy_of_one_row(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const int64_t shape = 2, one = 1, target = 1;
    for (int ndim = 0; ndim < 2; ndim++) {
        float x[] = {0, 0};
        nrm_call *call = call_of(ctx, "cross-entropy");
        assert_ok(ctx, nrm_call_input(call, "x", NRM_F32, 1, &shape, x));
        assert_ok(ctx, nrm_call_input(call, "target", NRM_I64, ndim, &one, &target));
        assert_ok(ctx, nrm_call_output_into(call, "gradient", NRM_F32, 1, &shape, x));
        assert_ok(ctx, nrm_call_run(call));
        assert_int_equal(nrm_call_output(call, "loss")->array.ndim, ndim);
        assert_near(*(const double *)data_of(call, "loss"), log(2), 1e-7);
        assert_near((double)x[0], 0.5, 1e-7);
        assert_near((double)x[1], -0.5, 1e-7);
        nrm_call_destroy(call);
    }
    nrm_ctx_destroy(ctx);
}

/* What the details say of rows with infinities and NaN, and of nothing at all. */
static void cross_entropy_extremes(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double inf = INFINITY, x[] = {0, -inf, 0, -inf, -inf, -inf, 1, (double)NAN, 3};
    const int64_t target[] = {1, 0, 0}, shape[] = {3, 3}, ignored[] = {-1, -1, -1}, none[] = {0, 3};
    nrm_call *call = call_of(ctx, "cross-entropy");
    assert_ok(ctx, nrm_call_input(call, "x", NRM_F64, 2, shape, x));
    assert_ok(ctx, nrm_call_input(call, "target", NRM_I64, 1, shape, target));
    assert_ok(ctx, nrm_call_run(call));
    const double *loss = data_of(call, "loss"), *dx = data_of(call, "gradient");
    assert_true(loss[0] == inf && isnan(loss[1]) && isnan(loss[2]));
    assert_near(dx[0], 0.5, 1e-15);
    assert_true(dx[1] == -1);
    assert_true(isnan(dx[6]) && isnan(dx[7]) && isnan(dx[8]));
    nrm_call_destroy(call);

    for (int empty = 0; empty < 2; empty++) {
        call = call_of(ctx, "cross-entropy");
        assert_ok(ctx, nrm_call_input(call, "x", NRM_F64, 2, empty ? none : shape, x));
        assert_ok(ctx, nrm_call_input(call, "target", NRM_I64, 1, empty ? none : shape, ignored));
        assert_ok(ctx, nrm_call_run(call));
        const nrm_cross_entropy_info *info = nrm_call_info(call);
        assert_true(isnan(info->mean));
        assert_int_equal(info->ignored, empty ? 0 : 3);
        dx = data_of(call, "gradient");
        for (int i = 0; i < 9 && !empty; i++) assert_true(dx[i] == 0);
        nrm_call_destroy(call);
    }
    nrm_ctx_destroy(ctx);
}

/* ---- sparse-ot-router ------------------------------------------------------------------------------------ */

enum { TOKENS = 24, EXPERTS = 3 };
static const int64_t routed[] = {TOKENS, EXPERTS};

static void same_csr(const nrm_csr *a, const nrm_csr *b)
{
    assert_true(a->rows == b->rows && a->cols == b->cols && a->nnz == b->nnz);
    assert_memory_equal(a->indptr, b->indptr, (size_t)(a->rows + 1) * sizeof *a->indptr);
    assert_memory_equal(a->indices, b->indices, (size_t)a->nnz * sizeof *a->indices);
    assert_memory_equal(a->values, b->values, (size_t)a->nnz * sizeof(double));
}

static void router_agrees(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double logits[TOKENS * EXPERTS], softmax[TOKENS * EXPERTS];
    nrm_sparse_ot_router_info facts;
    nrm_csr combine;
    fill(logits, TOKENS * EXPERTS, 7);
    for (int kind = 0; kind < 2; kind++) {
        nrm_sparse_ot_router_options o = nrm_sparse_ot_router_options_default();
        o.kind = kind;
        o.capacity_factor = 1.4; /* ceil(11.2) = 12 -> 12 */
        o.k = 2;
        o.gamma = 0.3;
        o.lr = 0.05;
        o.adam_iters = 7;
        o.softmax_weights = false;
        assert_ok(ctx, nrm_sparse_ot_router(ctx, TOKENS, EXPERTS, logits, &combine, softmax, &facts, &o));
        nrm_call *call = call_of(ctx, "sparse-ot-router");
        assert_ok(ctx, nrm_call_input(call, "logits", NRM_F64, 2, routed, logits));
        assert_ok(ctx, nrm_call_set(call, "kind", kind ? "tokens-choose" : "experts-choose"));
        assert_ok(ctx, nrm_call_set(call, "capacity_factor", "1.4"));
        assert_ok(ctx, nrm_call_set(call, "k", "2"));
        assert_ok(ctx, nrm_call_set(call, "gamma", "0.3"));
        assert_ok(ctx, nrm_call_set(call, "lr", "0.05"));
        assert_ok(ctx, nrm_call_set(call, "adam_iters", "7"));
        assert_ok(ctx, nrm_call_set(call, "softmax_weights", "false"));
        assert_ok(ctx, nrm_call_run(call));
        same_csr(&nrm_call_output(call, "combine")->csr, &combine);
        assert_memory_equal(data_of(call, "softmax"), softmax, sizeof softmax);
        const nrm_sparse_ot_router_info *info = nrm_call_info(call);
        assert_int_equal(info->k, kind ? 2 : 12);
        assert_true(info->k == facts.k && info->assigned == facts.assigned && info->unassigned == facts.unassigned);
        assert_true(info->max_load == facts.max_load && info->min_load == facts.min_load);
        assert_true(info->residual == facts.residual && facts.seconds >= 0 && info->seconds < 5);
        nrm_call_destroy(call);
        nrm_csr_destroy(ctx, &combine);
    }
    nrm_ctx_destroy(ctx);
}

/* Outputs of the call feed the backward pass; single precision is converted; the softmax
 * may take the place of the logits, and the routing may be written out in full. */
static void router_outputs_are_usable(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    double logits[TOKENS * EXPERTS], softmax[TOKENS * EXPERTS], ones[TOKENS * EXPERTS], gradient[TOKENS * EXPERTS];
    double dense[TOKENS * EXPERTS];
    float single[TOKENS * EXPERTS];
    nrm_value combine;
    for (int i = 0; i < TOKENS * EXPERTS; i++) {
        single[i] = (float)(i * 7 % 11) / 4;
        logits[i] = (double)single[i];
        ones[i] = 1;
    }
    nrm_call *call = call_of(ctx, "sparse-ot-router");
    assert_ok(ctx, nrm_call_input(call, "logits", NRM_F32, 2, routed, single));
    assert_ok(ctx, nrm_call_run(call));
    memcpy(softmax, data_of(call, "softmax"), sizeof softmax);
    assert_ok(ctx, nrm_call_take(call, "combine", &combine));
    nrm_call_destroy(call);
    assert_ok(ctx, nrm_sparse_ot_router_backward(ctx, &combine.csr, softmax, ones, gradient));
    for (int i = 0; i < TOKENS; i++) {
        double sum = 0;
        for (int e = 0; e < EXPERTS; e++) sum += gradient[i * EXPERTS + e];
        assert_near(sum, 0, 1e-15); /* a softmax does not change when its row is shifted */
    }
    call = call_of(ctx, "sparse-ot-router");
    assert_ok(ctx, nrm_call_input(call, "logits", NRM_F64, 2, routed, logits));
    assert_ok(ctx, nrm_call_output_into(call, "softmax", NRM_F64, 2, routed, logits));
    assert_ok(ctx, nrm_call_run(call));
    assert_memory_equal(logits, softmax, sizeof softmax);
    same_csr(&nrm_call_output(call, "combine")->csr, &combine.csr);
    nrm_call_destroy(call);

    call = call_of(ctx, "sparse-ot-router");
    assert_ok(ctx, nrm_call_input(call, "logits", NRM_F32, 2, routed, single));
    assert_ok(ctx, nrm_call_output_into(call, "combine", NRM_F64, 2, routed, dense));
    assert_ok(ctx, nrm_call_run(call));
    nrm_call_destroy(call);
    int64_t entries = 0;
    for (int i = 0; i < TOKENS * EXPERTS; i++) {
        assert_true(dense[i] == 0 || dense[i] == softmax[i]);
        entries += dense[i] != 0;
    }
    assert_int_equal(entries, combine.csr.nnz);
    nrm_csr_destroy(ctx, &combine.csr);
    nrm_ctx_destroy(ctx);
}

/* ---- All three: bad input ---------------------------------------------------------------------------------- */

typedef struct refusal {
    const char *method, *input[2], *value[2], *option[2];
    nrm_status status;
    const char *sentence;
} refusal;

static const refusal refusals[] = {
    {"softmax-backward", {"y"}, {"[1,2]"}, {0}, NRM_E_ARGUMENT, "gradient is missing"},
    {"softmax-backward", {"y", "gradient"}, {"[[1,2],[3,4]]", "[1,2,3,4]"}, {0}, NRM_E_SHAPE, "gradient has shape"},
    {"softmax-backward", {"y", "gradient"}, {"[[1,2,3]]", "[[1],[2],[3]]"}, {0}, NRM_E_SHAPE, "gradient has shape"},
    {"softmax-backward", {"y", "gradient"}, {"[1,0]", "[1,0]"}, {"alpha", "inf"}, NRM_E_RANGE, "alpha"},
    {"softmax-backward", {"y", "gradient"}, {"[1,0]", "[1,0]"}, {"isa", "avx2"}, NRM_E_ARGUMENT, "no parameter 'isa'"},
    {"cross-entropy", {"x", "target"}, {"[[1,2],[3,4]]", "[0,2]"}, {0}, NRM_E_RANGE, "the target of row 1 is 2"},
    {"cross-entropy", {"x", "target"}, {"[[1,2],[3,4]]", "[0]"}, {0}, NRM_E_SHAPE, "target has shape"},
    {"cross-entropy", {"x", "target"}, {"[[1,2],[3,4]]", "[[0,1]]"}, {0}, NRM_E_SHAPE, "without its last axis"},
    {"cross-entropy", {"x", "target"}, {"[1,2]", "[0,1]"}, {0}, NRM_E_SHAPE, "target has shape"},
    {"cross-entropy", {"x", "target"}, {"[[1,2],[3,4]]", "[0,0.5]"}, {0}, NRM_E_RANGE, "target"},
    {"cross-entropy", {"x", "target"}, {"[1,2]", "[0]"}, {"scale", "nan"}, NRM_E_RANGE, "scale"},
    {"sparse-ot-router", {"logits"}, {"[1,2,3]"}, {0}, NRM_E_SHAPE, "(tokens,experts)"},
    {"sparse-ot-router", {"logits"}, {"[[1,nan],[3,4]]"}, {0}, NRM_E_NONFINITE, "logits[0, 1]"},
    {"sparse-ot-router", {"logits"}, {"[[1,2]]"}, {"k", "0"}, NRM_E_RANGE, "k is 0"},
    {"sparse-ot-router", {"logits"}, {"[[1,2]]"}, {"gamma", "0"}, NRM_E_RANGE, "gamma is 0"},
    {"sparse-ot-router", {"logits"}, {"[[1,2],[3,4]]"}, {"gamma", "1.5e308"}, NRM_E_OVERFLOW, "gamma times"},
    {"sparse-ot-router", {"logits"}, {"[[3,0],[2,0],[1,0]]"}, {"lr", "1.7e308"}, NRM_E_OVERFLOW, "lr is 1.7e+308"},
    {"sparse-ot-router", {"logits"}, {"[[1,2]]"}, {"kind", "token-choose"}, NRM_E_ARGUMENT, "tokens-choose"},
};

static void bad_input(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *r = &refusals[i];
        nrm_call *call = call_of(ctx, r->method);
        nrm_status st = NRM_OK;
        for (int p = 0; p < 2 && r->input[p]; p++) assert_ok(ctx, nrm_call_input_path(call, r->input[p], r->value[p]));
        if (r->option[0]) st = nrm_call_set(call, r->option[0], r->option[1]);
        if (st >= 0) st = nrm_call_run(call);
        assert_status(ctx, st, r->status);
        assert_message(ctx, r->method);
        assert_message(ctx, r->sentence);
        nrm_call_destroy(call);
        assert_int_equal(memory.live, 1);
    }
    nrm_ctx_destroy(ctx);
}

/* No axis at all, an empty last axis, no tokens: shapes that a literal cannot say. */
static void degenerate_shapes(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    static const struct {
        const char *method, *first, *second;
        nrm_dtype dtype;
        int ndim, second_ndim;
        int64_t shape[2], second_shape[2];
        const char *sentence;
    } cases[] = {
        {"softmax-backward", "y", "gradient", NRM_F64, 0, 0, {1}, {1}, "at least one axis"},
        {"softmax-backward", "y", "gradient", NRM_F64, 2, 2, {3, 0}, {3, 0}, "empty axis"},
        {"cross-entropy", "x", "target", NRM_I64, 0, 0, {1}, {1}, "at least one axis"},
        {"cross-entropy", "x", "target", NRM_I64, 2, 1, {3, 0}, {3}, "empty axis"},
        {"sparse-ot-router", "logits", NULL, NRM_F64, 2, 0, {0, 3}, {0}, "there must be tokens"},
        {"sparse-ot-router", "logits", NULL, NRM_F64, 2, 0, {3, 0}, {0}, "there must be tokens"},
    };
    const double some[4] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nrm_call *call = call_of(ctx, cases[i].method);
        assert_ok(ctx, nrm_call_input(call, cases[i].first, NRM_F64, cases[i].ndim, cases[i].shape, some));
        if (cases[i].second)
            assert_ok(ctx, nrm_call_input(call, cases[i].second, cases[i].dtype, cases[i].second_ndim,
                                          cases[i].second_shape, some));
        assert_status(ctx, nrm_call_run(call), NRM_E_SHAPE);
        assert_message(ctx, cases[i].sentence);
        nrm_call_destroy(call);
    }
    nrm_ctx_destroy(ctx);
}

/* A refusal leaves the caller's memory as it was. */
static void a_failure_writes_nothing(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const double x[] = {1, 2, 3, 4};
    double loss[] = {7, 7}, dx[] = {7, 7, 7, 7};
    const int64_t shape[] = {2, 2}, target[] = {0, 5};
    nrm_call *call = call_of(ctx, "cross-entropy");
    assert_ok(ctx, nrm_call_input(call, "x", NRM_F64, 2, shape, x));
    assert_ok(ctx, nrm_call_input(call, "target", NRM_I64, 1, shape, target));
    assert_ok(ctx, nrm_call_output_into(call, "loss", NRM_F64, 1, shape, loss));
    assert_ok(ctx, nrm_call_output_into(call, "gradient", NRM_F64, 2, shape, dx));
    assert_status(ctx, nrm_call_run(call), NRM_E_RANGE);
    nrm_call_destroy(call);
    for (int i = 0; i < 4; i++) assert_true(dx[i] == 7 && loss[i / 2] == 7);
    nrm_ctx_destroy(ctx);
}

/* ---- All three: memory, threads, cancelling ------------------------------------------------------------------- */

typedef struct job {
    const char *method;
    double out[6];
} job;

/* Any of the three on small numbers, its dense output in user memory. */
static nrm_status small_call(nrm_ctx *ctx, void *user)
{
    static const double x[] = {0.5, 0.25, 0.25, 0.125, 0.5, 0.375};
    static const int32_t target[] = {2, 0};
    const int64_t shape[] = {2, 3};
    job *j = user;
    nrm_call *call = NULL;
    const bool router = strcmp(j->method, "sparse-ot-router") == 0;
    const bool backward = strcmp(j->method, "softmax-backward") == 0;
    nrm_status st = nrm_call_create(ctx, j->method, &call);
    if (st >= 0) st = nrm_call_input(call, router ? "logits" : backward ? "y" : "x", NRM_F64, 2, shape, x);
    if (st >= 0 && backward) st = nrm_call_input(call, "gradient", NRM_F64, 2, shape, x);
    if (st >= 0 && !router && !backward) st = nrm_call_input(call, "target", NRM_I32, 1, shape, target);
    if (st >= 0)
        st = nrm_call_output_into(call, router ? "softmax" : backward ? "dx" : "gradient", NRM_F64, 2, shape, j->out);
    if (st >= 0) st = nrm_call_run(call);
    nrm_call_destroy(call);
    return st;
}

static void survive_no_memory(void **state)
{
    (void)state;
    static const char *const methods[] = {"sparse-ot-router", "softmax-backward", "cross-entropy"};
    for (int m = 0; m < 3; m++) {
        job j = {methods[m], {9, 9, 9, 9, 9, 9}};
        nrm_test_allocation_failures(small_call, &j, j.out, sizeof j.out);
        assert_true(j.out[0] != 9);
    }
}

/* Large enough that threads take part. */
enum { MANY = 600, WIDE = 101 };

static nrm_call *large_call(nrm_ctx *ctx, int method, const double *x, const int64_t *target)
{
    static const char *const methods[] = {"sparse-ot-router", "softmax-backward", "cross-entropy"};
    static const char *const first[] = {"logits", "y", "x"};
    const int64_t shape[] = {MANY, WIDE};
    nrm_call *call = call_of(ctx, methods[method]);
    assert_ok(ctx, nrm_call_input(call, first[method], NRM_F64, 2, shape, x));
    if (method == 1) assert_ok(ctx, nrm_call_input(call, "gradient", NRM_F64, 2, shape, x));
    if (method == 2) assert_ok(ctx, nrm_call_input(call, "target", NRM_I64, 1, shape, target));
    return call;
}

static void same_bits_for_any_threads(void **state)
{
    (void)state;
    static double x[MANY * WIDE];
    static int64_t target[MANY];
    static const char *const dense[] = {"softmax", "dx", "gradient"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    fill(x, MANY * WIDE, 13);
    for (int i = 0; i < MANY; i++) target[i] = i % WIDE;
    for (int method = 0; method < 3; method++) {
        nrm_call *call[2];
        for (int t = 0; t < 2; t++) {
            assert_ok(ctx, nrm_set_threads(ctx, t + 1));
            call[t] = large_call(ctx, method, x, target);
            assert_ok(ctx, nrm_call_run(call[t]));
        }
        assert_memory_equal(data_of(call[0], dense[method]), data_of(call[1], dense[method]), sizeof x);
        if (method == 0) same_csr(&nrm_call_output(call[0], "combine")->csr, &nrm_call_output(call[1], "combine")->csr);
        for (int t = 0; t < 2; t++) nrm_call_destroy(call[t]);
    }
    nrm_ctx_destroy(ctx);
}

/* The router has a routing after every step; derivatives stop with what is written. */
static void cancels(void **state)
{
    (void)state;
    static double x[MANY * WIDE];
    static int64_t target[MANY];
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    fill(x, MANY * WIDE, 17);
    nrm_cancel(ctx);
    for (int method = 0; method < 3; method++) {
        nrm_call *call = large_call(ctx, method, x, target);
        assert_status(ctx, nrm_call_run(call), method == 0 ? NRM_PARTIAL : NRM_E_CANCELLED);
        assert_message(ctx, "stopped");
        if (method == 0) {
            const nrm_sparse_ot_router_info *info = nrm_call_info(call);
            assert_true(info->assigned > 0 && info->max_load <= info->k);
        } else {
            assert_null(nrm_call_info(call));
        }
        nrm_call_destroy(call);
    }
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(examples), cmocka_unit_test(backward_agrees),
              cmocka_unit_test(backward_is_the_derivative), cmocka_unit_test(backward_types_and_places),
              cmocka_unit_test(cross_entropy_agrees), cmocka_unit_test(cross_entropy_of_one_row),
              cmocka_unit_test(cross_entropy_extremes), cmocka_unit_test(router_agrees),
              cmocka_unit_test(router_outputs_are_usable), cmocka_unit_test(bad_input),
              cmocka_unit_test(degenerate_shapes), cmocka_unit_test(a_failure_writes_nothing),
              cmocka_unit_test(survive_no_memory), cmocka_unit_test(same_bits_for_any_threads),
              cmocka_unit_test(cancels))
