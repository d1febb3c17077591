/* test_ops_attention.c -- attention: by its definition, by differences and by what other
 * operations give; sizes around register blocks, query blocks and vectors; NaN and infinities. */
#include "ops_kit.h"

typedef struct form {
    int64_t batch, t, heads, d;
    double scale;
    bool causal;
} form;

static nrm_node build(nrm_graph *g, const nrm_node *x, const void *user)
{
    const form *f = user;
    (void)g;
    return nrm_op_attention(x[0], f->scale, f->causal);
}

static void value(const ops_values *in, double *y, const void *user)
{
    const form *f = user;
    const int64_t row = 3 * f->heads * f->d, part = f->heads * f->d;
    double *p = malloc(sizeof *p * (size_t)f->t);
    assert_non_null(p);
    for (int64_t b = 0; b < f->batch; b++)
        for (int64_t h = 0; h < f->heads; h++)
            for (int64_t i = 0; i < f->t; i++) {
                const double *x = in[0].x + b * f->t * row + h * f->d;
                const int64_t seen = f->causal ? i + 1 : f->t;
                double most = -INFINITY, sum = 0;
                for (int64_t j = 0; j < seen; j++) {
                    p[j] = 0;
                    for (int64_t c = 0; c < f->d; c++) p[j] += x[i * row + c] * x[j * row + part + c];
                    p[j] *= f->scale;
                    most = fmax(most, p[j]);
                }
                for (int64_t j = 0; j < seen; j++) sum += p[j] = exp(p[j] - most);
                for (int64_t c = 0; c < f->d; c++) {
                    double total = 0;
                    for (int64_t j = 0; j < seen; j++) total += p[j] / sum * x[j * row + 2 * part + c];
                    y[((b * f->t + i) * f->heads + h) * f->d + c] = total;
                }
            }
    free(p);
}

static void check(int64_t batch, int64_t t, int64_t heads, int64_t d, double scale, bool causal, unsigned flags)
{
    const form f = {batch, t, heads, d, scale, causal};
    char name[96];
    snprintf(name, sizeof name, "attention %lldx%lldx3x%lldx%lld%s", (long long)batch, (long long)t, (long long)heads, (long long)d, causal ? ", causal" : "");
    ops_check(&(ops_record){.name = name, .build = build, .reference = value, .input_count = 1,
                            .inputs = {OPS_SHAPE(5, batch, t, 3, heads, d)}, .flags = flags, .user = &f, .single_tolerance = 3e-5});
}

static void test_definition(void **state)
{
    (void)state;
    for (int causal = 0; causal < 2; causal++) {
        check(1, 1, 1, 1, 1, causal, 0);
        check(2, 2, 1, 3, 0.6, causal, 0);
        check(1, 7, 2, 3, -0.5, causal, 0);
        check(2, 5, 3, 8, 0.35, causal, 0);
        check(1, 33, 2, 3, 0.6, causal, 0);
        check(3, 13, 1, 1, 0, causal, 0);
        check(0, 7, 2, 3, 0.5, causal, OPS_ONE_DERIVATIVE);
        check(1, 0, 2, 3, 0.5, causal, OPS_ONE_DERIVATIVE);
        check(2, 3, 1, 0, 0.5, causal, OPS_ONE_DERIVATIVE);
    }
}

/* ---- Against other operations ------------------------------------------------------------------- */

static nrm_node composed(nrm_node qkv, const form *f)
{
    nrm_node part[3];
    const int64_t t = f->t, one_part[4] = {f->batch, t, f->heads, f->d};
    const int last[1] = {-1};
    for (int i = 0; i < 3; i++)
        part[i] = nrm_op_permute(nrm_op_reshape(nrm_op_slice(qkv, 2, i, i + 1, 1), 4, one_part), (const int[]){0, 2, 1, 3});
    nrm_node scores = nrm_op_scale(nrm_op_matmul_transposed(part[0], false, part[1], true), f->scale);
    const nrm_node column = nrm_graph_range(qkv.graph, ops_dtype(qkv), t), row = nrm_op_reshape(column, 2, (const int64_t[]){t, 1});
    if (f->causal) scores = nrm_op_where(nrm_op_less_equal(column, row), scores, nrm_graph_scalar(qkv.graph, ops_dtype(qkv), -INFINITY));
    const nrm_node e = nrm_op_exp(nrm_op_sub(scores, nrm_op_stop_gradient(nrm_op_greatest(scores, 1, last, true))));
    const nrm_node y = nrm_op_matmul(nrm_op_div(e, nrm_op_sum(e, 1, last, true)), part[2]);
    return nrm_op_permute(y, (const int[]){0, 2, 1, 3});
}

/* The value y, its gradient g with a cotangent u, the gradients of <g, w> by qkv and u. */
static void chain(nrm_node y, nrm_node qkv, nrm_node u, nrm_node w, nrm_node *out)
{
    const nrm_node both[2] = {qkv, u};
    out[0] = y;
    nrm_graph_vjp(1, &y, &u, 1, &qkv, &out[1]);
    nrm_graph_vjp(1, &out[1], &w, 2, both, &out[2]);
}

static void *numbers(nrm_dtype dtype, int64_t count, uint64_t seed)
{
    void *x = malloc((size_t)count * nrm_dtype_size(dtype) + 1);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) {
        const double z = (double)(float)nrm_test_normal(&seed);
        if (dtype == NRM_F32) ((float *)x)[i] = (float)z;
        else ((double *)x)[i] = z;
    }
    return x;
}

enum { CHAIN = 4 };

/* fused, composed: CHAIN results each; the threads change nothing. */
static void both_ways(nrm_ctx *ctx, const form *f, nrm_dtype dtype, bool second, double **fused, double **others)
{
    nrm_graph *g;
    nrm_node first[CHAIN], other[CHAIN];
    double *again[CHAIN];
    const int count = second ? CHAIN : 2;
    const int64_t shape[5] = {f->batch, f->t, 3, f->heads, f->d}, below[4] = {f->batch, f->t, f->heads, f->d};
    const int64_t all = f->batch * f->t * f->heads * f->d;
    void *data[3] = {numbers(dtype, 3 * all, 1), numbers(dtype, all, 2), numbers(dtype, 3 * all, 3)};
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node qkv = nrm_graph_input(g, "qkv", dtype, 5, shape), u = nrm_graph_input(g, "u", dtype, 4, below);
    const nrm_node w = nrm_graph_input(g, "w", dtype, 5, shape);
    chain(nrm_op_attention(qkv, f->scale, f->causal), qkv, u, w, first);
    chain(composed(qkv, f), qkv, u, w, other);
    assert_ok(ctx, nrm_graph_check(g));
    ops_evaluate(ctx, count, first, data, (ops_mode){true, true, 1, false}, fused);
    ops_evaluate(ctx, count, first, data, (ops_mode){true, true, 2, true}, again);
    ops_evaluate(ctx, count, other, data, (ops_mode){true, true, 2, false}, others);
    for (int k = 0; k < count; k++) {
        assert_memory_equal(fused[k], again[k], sizeof(double) * (size_t)ops_count(first[k]));
        free(again[k]);
    }
    for (int i = 0; i < 3; i++) free(data[i]);
    nrm_graph_destroy(g);
}

static void test_composed(void **state)
{
    static const int64_t sizes[][2] = {{1, 8}, {7, 3}, {33, 1}, {64, 32}, {65, 8}, {130, 64}, {97, 17}, {200, 5}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    for (int way = 0; way < 2 * (int)(sizeof sizes / sizeof *sizes); way++) {
        const form f = {.batch = 1 + way % 3, .t = sizes[way / 2][0], .heads = 1 + way / 2 % 2, .d = sizes[way / 2][1],
                        .scale = 1 / sqrt((double)sizes[way / 2][1]), .causal = way % 2};
        const int64_t all = f.batch * f.t * f.heads * f.d, counts[CHAIN] = {all, 3 * all, 3 * all, all};
        double *fused[CHAIN], *others[CHAIN], *single[CHAIN], *single_others[CHAIN];
        both_ways(ctx, &f, NRM_F64, true, fused, others);
        both_ways(ctx, &f, NRM_F32, false, single, single_others);
        for (int k = 0; k < CHAIN; k++) {
            assert_all_near(fused[k], others[k], counts[k], 1e-11);
            if (k < 2) assert_all_near(single[k], fused[k], counts[k], 2e-5);
        }
        for (int k = 0; k < CHAIN; k++) {
            free(fused[k]);
            free(others[k]);
            if (k < 2) free(single[k]);
            if (k < 2) free(single_others[k]);
        }
    }
    nrm_ctx_destroy(ctx);
}

/* u depends on qkv too, as it does under a loss: the second order must not count that twice. */
static nrm_node cubed(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    return nrm_op_mul(nrm_op_square(nrm_op_attention(x[0], 0.6, *(const bool *)user)), nrm_op_slice(nrm_op_reshape(x[0], 4, (const int64_t[]){2, 9, 3, 4}), 2, 0, 1, 1));
}

static void test_under_a_loss(void **state)
{
    static const bool causal[2] = {false, true};
    (void)state;
    for (int i = 0; i < 2; i++)
        ops_check(&(ops_record){.name = "attention under a loss", .build = cubed, .input_count = 1, .inputs = {OPS_SHAPE(5, 2, 9, 3, 1, 4)}, .user = &causal[i]});
}

/* ---- NaN and infinities ------------------------------------------------------------------------------ */

/* One head, t = 40, d = 4; what each row of the result is like. */
static void run_special(nrm_ctx *ctx, const float *x, bool causal, float *y)
{
    nrm_graph *g;
    double *result;
    void *data[1] = {(void *)(uintptr_t)x};
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node out = nrm_op_attention(nrm_graph_input(g, "x", NRM_F32, 5, (const int64_t[]){1, 40, 3, 1, 4}), 1, causal);
    ops_evaluate(ctx, 1, &out, data, (ops_mode){true, true, 1, false}, &result);
    for (int i = 0; i < 160; i++) y[i] = (float)result[i];
    free(result);
    nrm_graph_destroy(g);
}

static void test_not_finite(void **state)
{
    float x[480], clean[160], y[160];
    uint64_t seed = 9;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    for (int i = 0; i < 480; i++) x[i] = 0.5f + (float)nrm_test_uniform(&seed);
    run_special(ctx, x, true, clean);

    x[20 * 12] = NAN; /* q of row 20: that row alone */
    run_special(ctx, x, true, y);
    for (int i = 0; i < 160; i++) assert_true(i / 4 == 20 ? isnan(y[i]) : y[i] == clean[i]);
    x[20 * 12] = 1;
    run_special(ctx, x, true, clean);

    x[20 * 12 + 4] = INFINITY; /* k of row 20: rows from there on */
    run_special(ctx, x, true, y);
    for (int i = 0; i < 160; i++) assert_true(i / 4 >= 20 ? isnan(y[i]) : y[i] == clean[i]);
    x[20 * 12 + 4] = -INFINITY; /* row 20 has no weight */
    run_special(ctx, x, false, y);
    for (int i = 0; i < 160; i++) assert_true(isfinite(y[i]) && y[i] > 0.5f && y[i] < 1.5f);

    for (int i = 0; i < 40; i++) x[i * 12 + 4] = -INFINITY; /* nothing to see */
    run_special(ctx, x, true, y);
    for (int i = 0; i < 160; i++) assert_true(y[i] == 0);

    for (int i = 0; i < 40; i++) x[i * 12 + 4] = (float)(i % 7) * 1e30f; /* differences that overflow nothing */
    run_special(ctx, x, false, y);
    for (int i = 0; i < 160; i++) assert_true(isfinite(y[i]));
    nrm_ctx_destroy(ctx);
}

/* ---- Sentences ------------------------------------------------------------------------------------------ */

static void refused(const int64_t *shape, int ndim, nrm_dtype dtype, double scale, nrm_status status, const char *piece)
{
    nrm_graph *g;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    assert_false(nrm_node_valid(nrm_op_attention(nrm_graph_input(g, "x", dtype, ndim, shape), scale, true)));
    assert_status(ctx, nrm_graph_check(g), status);
    assert_message(ctx, piece);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

static void test_sentences(void **state)
{
    const int64_t good[5] = {2, 4, 3, 2, 8}, bad[5] = {2, 4, 2, 2, 8};
    (void)state;
    refused(good, 4, NRM_F32, 1, NRM_E_SHAPE, "attention: qkv has shape 2x4x3x2; it must be (batch, t, 3, heads, d)");
    refused(bad, 5, NRM_F32, 1, NRM_E_SHAPE, "attention: qkv has shape 2x4x2x2x8");
    refused(good, 5, NRM_I64, 1, NRM_E_DTYPE, "attention");
    refused(good, 5, NRM_F64, NAN, NRM_E_RANGE, "attention: scale is nan; it must be finite");
    refused(good, 5, NRM_F64, INFINITY, NRM_E_RANGE, "attention: scale is inf");
}

NRM_TEST_MAIN(cmocka_unit_test(test_definition), cmocka_unit_test(test_composed), cmocka_unit_test(test_under_a_loss),
              cmocka_unit_test(test_not_finite), cmocka_unit_test(test_sentences))
