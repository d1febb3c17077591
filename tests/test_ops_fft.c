/* Fourier transforms in graphs, against sums of cosines and sines and against NumPy.
 * Tolerances follow nrm_fft_accuracy(); a backend that computes in f32 is too coarse for
 * differences, so the derivatives have a reference of their own, too. */
#include "ops_kit.h"
#include "linalg/fft.h"
#include "reference/ops_fft_values.h"

/* ---- References ---------------------------------------------------------------------------------
 * With N = n1 n2 n3, theta = 2 pi (j1 k1/n1 + j2 k2/n2 + j3 k3/n3), w = 1 in the columns 0 and
 * n3/2 (n3 even), 2 elsewhere:
 *     rfft     y_k = sum_j x_j exp(-i theta)             its transpose  x_j = sum_k Re(y_k exp(i theta))
 *     irfft    x_j = sum_k w Re(y_k exp(i theta)) / N    its transpose  y_k = (w/N) sum_j x_j exp(-i theta) */
typedef struct dft {
    int dimensions;
    int64_t batch, n[3]; /* n1, n2, n3; 1 in front of fewer dimensions */
    bool inverse, transposed;
} dft;

static double weight_of(const dft *d, int64_t column)
{
    if (d->inverse) return (column == 0 || 2 * column == d->n[2] ? 1.0 : 2.0) / (double)(d->n[0] * d->n[1] * d->n[2]);
    return 1;
}

static double angle(const dft *d, int64_t j, int64_t k, int64_t columns)
{
    const int64_t j1 = j / (d->n[2] * d->n[1]), j2 = j / d->n[2] % d->n[1], j3 = j % d->n[2];
    const int64_t k1 = k / (columns * d->n[1]), k2 = k / columns % d->n[1], k3 = k % columns;
    const double turns = (double)(j1 * k1 % d->n[0]) / (double)d->n[0] + (double)(j2 * k2 % d->n[1]) / (double)d->n[1] +
                         (double)(j3 * k3 % d->n[2]) / (double)d->n[2];
    return 2 * 3.14159265358979323846 * turns;
}

static void naive(const ops_values *in, double *y, const void *user)
{
    const dft *d = user;
    const int64_t columns = d->n[2] / 2 + 1, points = d->n[0] * d->n[1] * d->n[2], half = d->n[0] * d->n[1] * columns;
    const bool to_real = d->inverse != d->transposed;
    memset(y, 0, (size_t)(d->batch * (to_real ? points : 2 * half)) * sizeof *y);
    for (int64_t b = 0; b < d->batch; b++)
        for (int64_t j = 0; j < points; j++)
            for (int64_t k = 0; k < half; k++) {
                const double theta = angle(d, j, k, columns), w = weight_of(d, k % columns);
                const int64_t real = b * points + j, spectrum = 2 * (b * half + k);
                if (to_real) {
                    y[real] += w * (in[0].x[spectrum] * cos(theta) - in[0].x[spectrum + 1] * sin(theta));
                } else {
                    y[spectrum] += w * in[0].x[real] * cos(theta);
                    y[spectrum + 1] -= w * in[0].x[real] * sin(theta);
                }
            }
}

static nrm_node transform(nrm_graph *graph, const nrm_node *x, const void *user)
{
    const dft *d = user;
    (void)graph;
    return d->inverse ? nrm_op_irfft(x[0], d->dimensions, d->n[2]) : nrm_op_rfft(x[0], d->dimensions);
}

/* The shapes of the real array and of the half spectrum; how many axes. */
static int shapes(const dft *d, int64_t *real, int64_t *half)
{
    int ndim = 0;
    real[ndim++] = d->batch;
    for (int k = 3 - d->dimensions; k < 3; k++) real[ndim++] = d->n[k];
    memcpy(half, real, (size_t)ndim * sizeof *half);
    half[ndim - 1] = d->n[2] / 2 + 1;
    half[ndim] = 2;
    return ndim;
}

/* J' x of the transform, at zeros. */
static nrm_node pull_back(nrm_graph *graph, const nrm_node *x, const void *user)
{
    const dft *d = user;
    int64_t real[NRM_GRAPH_MAX_NDIM], half[NRM_GRAPH_MAX_NDIM];
    const int ndim = shapes(d, real, half);
    const nrm_node at = d->inverse ? nrm_graph_fill(graph, ops_dtype(x[0]), ndim + 1, half, 0) : nrm_graph_fill(graph, ops_dtype(x[0]), ndim, real, 0);
    const nrm_node y = transform(graph, &at, user);
    nrm_node gradient;
    nrm_graph_vjp(1, &y, x, 1, &at, &gradient);
    return gradient;
}

static bool coarse(void) { return nrm_fft_accuracy() > 1e-10; }

static ops_record with_tolerances(ops_record r)
{
    if (coarse()) {
        r.flags |= OPS_NO_DERIVATIVE;
        r.value_tolerance = r.single_tolerance = 1e-4;
    }
    return r;
}

static void check_transform(int dimensions, int64_t batch, int64_t n1, int64_t n2, int64_t n3)
{
    for (int which = 0; which < 4; which++) {
        const dft d = {dimensions, batch, {n1, n2, n3}, which & 1, which & 2};
        char name[96];
        ops_record r = {.name = name, .build = d.transposed ? pull_back : transform, .reference = naive, .input_count = 1, .user = &d};
        int64_t real[NRM_GRAPH_MAX_NDIM] = {0}, half[NRM_GRAPH_MAX_NDIM] = {0};
        const int ndim = shapes(&d, real, half);
        const bool takes_half = d.inverse != d.transposed;
        r.inputs[0].ndim = takes_half ? ndim + 1 : ndim;
        memcpy(r.inputs[0].shape, takes_half ? half : real, sizeof real);
        snprintf(name, sizeof name, "%s%s, %d dimensions, %lld of %lldx%lldx%lld", d.inverse ? "irfft" : "rfft", d.transposed ? "'" : "", dimensions,
                 (long long)batch, (long long)n1, (long long)n2, (long long)n3);
        r = with_tolerances(r);
        ops_check(&r);
    }
}

static void test_one_dimension(void **state)
{
    static const int64_t lengths[] = {1, 2, 3, 8, 15};
    (void)state;
    for (int i = 0; i < 5; i++) check_transform(1, 3, 1, 1, lengths[i]);
}

static void test_more_dimensions(void **state)
{
    (void)state;
    check_transform(2, 2, 1, 3, 8);
    check_transform(2, 1, 1, 8, 15);
    check_transform(2, 3, 1, 1, 2);
    check_transform(2, 2, 1, 15, 1);
    check_transform(2, 1, 1, 2, 18); /* more columns than go together */
    check_transform(3, 2, 2, 3, 8);
    check_transform(3, 1, 3, 8, 3);
    check_transform(3, 2, 1, 2, 1);
}

/* ---- Compositions --------------------------------------------------------------------------------- */

static nrm_node there_and_back(nrm_graph *graph, const nrm_node *x, const void *user)
{
    const dft *d = user;
    (void)graph;
    return nrm_op_irfft(nrm_op_rfft(x[0], d->dimensions), d->dimensions, d->n[2]);
}

static void same(const ops_values *in, double *y, const void *user)
{
    (void)user;
    memcpy(y, in[0].x, (size_t)in[0].count * sizeof *y);
}

/* Curved, so that second derivatives differ from 0. */
static nrm_node curved(nrm_graph *graph, const nrm_node *x, const void *user)
{
    const dft *d = user;
    (void)graph;
    return nrm_op_irfft(nrm_op_square(nrm_op_rfft(nrm_op_tanh(x[0]), d->dimensions)), d->dimensions, d->n[2]);
}

static void test_compositions(void **state)
{
    static const dft line = {.dimensions = 1, .n = {1, 1, 9}}, plane = {.dimensions = 2, .n = {1, 4, 6}}, space = {.dimensions = 3, .n = {3, 2, 5}};
    const ops_record records[] = {
        {.name = "back, a line", .build = there_and_back, .reference = same, .input_count = 1, .inputs = {OPS_SHAPE(1, 9)}, .user = &line},
        {.name = "back, planes", .build = there_and_back, .reference = same, .input_count = 1, .inputs = {OPS_SHAPE(4, 2, 3, 4, 6)}, .user = &plane},
        {.name = "back, space", .build = there_and_back, .reference = same, .input_count = 1, .inputs = {OPS_SHAPE(5, 1, 2, 3, 2, 5)}, .user = &space},
        {.name = "no planes", .build = there_and_back, .reference = same, .input_count = 1, .inputs = {OPS_SHAPE(3, 0, 4, 6)}, .user = &plane},
        {.name = "curved, lines", .build = curved, .input_count = 1, .inputs = {OPS_SHAPE(2, 2, 9)}, .user = &line},
        {.name = "curved, a plane", .build = curved, .input_count = 1, .inputs = {OPS_SHAPE(2, 4, 6)}, .user = &plane},
        {.name = "curved, space", .build = curved, .input_count = 1, .inputs = {OPS_SHAPE(3, 3, 2, 5)}, .user = &space}};
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        const ops_record r = with_tolerances(records[i]);
        ops_check(&r);
    }
}

/* Enough elements that threads share them, in lines and in rows. */
static void test_threads(void **state)
{
    static const dft plane = {.dimensions = 2, .n = {1, 70, 51}}, space = {.dimensions = 3, .n = {24, 20, 33}};
    const ops_record records[] = {
        {.name = "large planes", .build = there_and_back, .reference = same, .input_count = 1, .inputs = {OPS_SHAPE(3, 3, 70, 51)},
         .flags = OPS_NO_DERIVATIVE, .user = &plane},
        {.name = "large space", .build = there_and_back, .reference = same, .input_count = 1, .inputs = {OPS_SHAPE(3, 24, 20, 33)},
         .flags = OPS_NO_DERIVATIVE, .user = &space}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        const ops_record r = with_tolerances(records[i]);
        ops_check(&r);
    }
}

/* ---- NumPy ------------------------------------------------------------------------------------------ */

static void check_numpy(bool inverse, int dimensions, int64_t n, int64_t k, int ndim, const int64_t *shape, int64_t count, const double *expected)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const dft d = {.dimensions = dimensions, .n = {1, 1, n}, .inverse = inverse};
    int64_t size = 1;
    nrm_graph *g;
    double *y;
    for (int i = 0; i < ndim; i++) size *= shape[i];
    double *x = malloc((size_t)size * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < size; i++) x[i] = (double)((i * 37 + i * i * 11 + k * 29) % 97 - 48) / 16;
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node input = nrm_graph_input(g, "x", NRM_F64, ndim, shape), output = transform(g, &input, &d);
    assert_true(nrm_node_valid(output) && ops_count(output) == count);
    ops_evaluate(ctx, 1, &output, (void *[]){x}, (ops_mode){true, true, 1, false}, &y);
    assert_all_near(y, expected, count, 50 * nrm_fft_accuracy());
    free(x);
    free(y);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

#define CHECK_NUMPY(values, inverse, dimensions, n, k, ndim, ...) \
    check_numpy(inverse, dimensions, n, k, ndim, (const int64_t[]){__VA_ARGS__}, sizeof(values) / sizeof *(values), values)

static void test_numpy(void **state)
{
    (void)state;
    CHECK_NUMPY(rfft_1, false, 1, 7, 1, 2, 2, 7);
    CHECK_NUMPY(rfft_2, false, 2, 6, 2, 3, 2, 3, 6);
    CHECK_NUMPY(rfft_3, false, 3, 5, 3, 3, 3, 2, 5);
    CHECK_NUMPY(irfft_1_even, true, 1, 6, 4, 3, 2, 4, 2);
    CHECK_NUMPY(irfft_1_odd, true, 1, 7, 5, 3, 2, 4, 2);
    CHECK_NUMPY(irfft_2, true, 2, 6, 6, 4, 2, 3, 4, 2);
    CHECK_NUMPY(irfft_3, true, 3, 5, 7, 4, 2, 3, 3, 2);
}

/* ---- What is refused ----------------------------------------------------------------------------------- */

static void refuse(bool inverse, nrm_dtype dtype, int dimensions, int64_t n, int ndim, const int64_t *shape, nrm_status status, const char *piece)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node x = nrm_graph_input(g, "x", dtype, ndim, shape);
    const nrm_node y = inverse ? nrm_op_irfft(x, dimensions, n) : nrm_op_rfft(x, dimensions);
    assert_false(nrm_node_valid(y));
    assert_false(nrm_node_valid(nrm_op_rfft(y, 1)));
    assert_false(nrm_node_valid(nrm_op_irfft(y, 1, 3)));
    assert_status(ctx, nrm_graph_check(g), status);
    assert_message(ctx, piece);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

static void test_refused(void **state)
{
    const int64_t a[6] = {2, 2, 2, 2, 4, 2}, empty[3] = {2, 0, 2}, pairs[3] = {3, 4, 3};
    (void)state;
    refuse(false, NRM_I64, 1, 0, 2, a, NRM_E_DTYPE, "rfft: the argument is i64");
    refuse(false, NRM_F32, 0, 0, 2, a, NRM_E_RANGE, "rfft: dimensions is 0; 1, 2 or 3");
    refuse(false, NRM_F64, 4, 0, 5, a, NRM_E_RANGE, "rfft: dimensions is 4");
    refuse(false, NRM_F64, 3, 0, 2, a, NRM_E_SHAPE, "rfft: the argument has shape 2x2; it must have 3 to 5");
    refuse(false, NRM_F64, 1, 0, 0, a, NRM_E_SHAPE, "it must have 1 to 5");
    refuse(false, NRM_F64, 1, 0, 6, a, NRM_E_SHAPE, "it must have 1 to 5");
    refuse(false, NRM_F64, 2, 0, 3, empty, NRM_E_SHAPE, "must not be empty");
    refuse(true, NRM_I64, 1, 6, 2, a + 4, NRM_E_DTYPE, "irfft: the argument is i64");
    refuse(true, NRM_F64, -1, 6, 2, a + 4, NRM_E_RANGE, "irfft: dimensions is -1");
    refuse(true, NRM_F64, 2, 6, 2, a + 4, NRM_E_SHAPE, "irfft: the argument has shape 4x2; it must have 3 to 6");
    refuse(true, NRM_F64, 1, 6, 3, pairs, NRM_E_SHAPE, "its last axis must be 2");
    refuse(true, NRM_F64, 1, 1, 3, empty, NRM_E_SHAPE, "must not be empty");
    refuse(true, NRM_F64, 1, 5, 3, a + 3, NRM_E_SHAPE, "so 4 of them belong to n = 6 or 7");
    refuse(true, NRM_F64, 1, 8, 3, a + 3, NRM_E_SHAPE, "irfft: n is 8");
    refuse(true, NRM_F64, 1, -1, 2, a, NRM_E_SHAPE, "irfft: n is -1");
    refuse(true, NRM_F64, 1, INT64_MIN, 2, a, NRM_E_SHAPE, "irfft: n is -9");
}

/* ---- Life of the plans ------------------------------------------------------------------------------------ */

enum { PLANES = 2, TALL = 30, WIDE = 84, ALL = PLANES * TALL * WIDE };

/* f32, curved, with its derivative; the outputs are the two. */
static nrm_status make(nrm_ctx *ctx, nrm_graph **g, nrm_program **p)
{
    static const dft plane = {.dimensions = 2, .n = {1, TALL, WIDE}};
    const nrm_status st = nrm_graph_create(ctx, g);
    if (st < 0) return st;
    const nrm_node x = nrm_graph_input(*g, "x", NRM_F32, 3, (int64_t[]){PLANES, TALL, WIDE});
    nrm_node out[2] = {curved(*g, &x, &plane)};
    nrm_graph_gradient(nrm_op_mean_all(out[0]), 1, &x, &out[1]);
    if (nrm_graph_check(*g) < 0) return nrm_graph_check(*g);
    return nrm_compile(ctx, 2, out, NULL, p);
}

static void fill(float *x)
{
    for (int i = 0; i < ALL; i++) x[i] = (float)sin(0.37 * i * (1 + 0.001 * i));
}

static nrm_status whole_life(nrm_ctx *ctx, void *user)
{
    nrm_graph *g = NULL;
    nrm_program *p = NULL;
    nrm_instance *run = NULL;
    nrm_status st = nrm_set_threads(ctx, 2);
    if (st >= 0) st = make(ctx, &g, &p);
    if (st >= 0) st = nrm_instance_create(ctx, p, &run);
    if (st >= 0) st = nrm_instance_bind(ctx, run, "x", user);
    if (st >= 0) st = nrm_run(ctx, run);
    nrm_instance_destroy(run);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    return st;
}

static void test_no_memory(void **state)
{
    static float x[ALL];
    (void)state;
    fill(x);
    nrm_test_allocation_failures(whole_life, x, NULL, 0);
}

/* A run asks for no memory; any number of instances run side by side; again gives the same bits. */
static void test_instances(void **state)
{
    enum { SIDE = 4 };
    static float x[ALL];
    ops_memory memory;
    nrm_ctx *ctx = ops_ctx(&memory, 0xFF), *own[SIDE];
    nrm_graph *g;
    nrm_program *p;
    nrm_instance *run, *other[SIDE];
    int wrong = 0;

    (void)state;
    fill(x);
    assert_ok(ctx, nrm_set_threads(ctx, 2));
    assert_ok(ctx, make(ctx, &g, &p));
    nrm_graph_destroy(g);
    assert_ok(ctx, nrm_instance_create(ctx, p, &run));
    assert_ok(ctx, nrm_instance_bind(ctx, run, "x", x));
    const int64_t requests = memory.requests;
    assert_ok(ctx, nrm_run(ctx, run));
    assert_int_equal(memory.requests, requests);
    for (int i = 0; i < SIDE; i++) {
        own[i] = nrm_test_ctx(NULL);
        assert_ok(own[i], nrm_set_threads(own[i], 1 + i % 2));
    }
#pragma omp parallel for num_threads(SIDE) schedule(static, 1) reduction(+ : wrong)
    for (int i = 0; i < SIDE; i++) {
        bool good = nrm_instance_create(own[i], p, &other[i]) == NRM_OK && nrm_instance_bind(own[i], other[i], "x", x) == NRM_OK;
        for (int k = 0; k < 5 && good; k++)
            good = nrm_run(own[i], other[i]) == NRM_OK &&
                   memcmp(nrm_instance_output(other[i], 0), nrm_instance_output(run, 0), sizeof x) == 0 &&
                   memcmp(nrm_instance_output(other[i], 1), nrm_instance_output(run, 1), sizeof x) == 0;
        wrong += !good;
    }
    assert_int_equal(wrong, 0);
    for (int i = 0; i < SIDE; i++) {
        nrm_instance_destroy(other[i]);
        nrm_ctx_destroy(own[i]);
    }
    nrm_instance_destroy(run);
    nrm_program_destroy(p);
    nrm_ctx_destroy(ctx);
    assert_int_equal(memory.live, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_one_dimension), cmocka_unit_test(test_more_dimensions), cmocka_unit_test(test_compositions),
              cmocka_unit_test(test_threads), cmocka_unit_test(test_numpy), cmocka_unit_test(test_refused), cmocka_unit_test(test_no_memory),
              cmocka_unit_test(test_instances))
