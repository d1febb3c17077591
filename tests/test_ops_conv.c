/* test_ops_conv.c -- convolutions in graphs: three nodes of one trilinear form, planes of
 * height 1, pooling; against the loops of the formula and PyTorch. */
#include "ops_kit.h"
#include "reference/convolution_values.h"

/* Sizes as the form names them: x (batch, in, x0, x1), w (out, in / groups, k0, k1), y (batch, out, y0, y1). */
typedef struct form {
    int64_t batch, in, out, plane[2], kernel[2];
    nrm_conv_options o;
    int64_t y[2];
} form;

static form sized(form f)
{
    for (int d = 0; d < 2; d++) f.y[d] = (f.plane[d] + f.o.before[d] + f.o.after[d] - f.o.dilation[d] * (f.kernel[d] - 1) - 1) / f.o.stride[d] + 1;
    return f;
}

enum { X, W, Y };
static ops_input array_of(const form *f, int which)
{
    if (which == X) return (ops_input)OPS_SHAPE(4, f->batch, f->in, f->plane[0], f->plane[1]);
    if (which == W) return (ops_input)OPS_SHAPE(4, f->out, f->in / f->o.groups, f->kernel[0], f->kernel[1]);
    return (ops_input)OPS_SHAPE(4, f->batch, f->out, f->y[0], f->y[1]);
}
static int64_t count_of(const ops_input *a) { return a->shape[0] * a->shape[1] * a->shape[2] * a->shape[3]; }

/* Every term of the form y w x: the two given arrays make the third. */
static void sum_terms(const form *f, const double *x, const double *w, const double *y, double *to, int which)
{
    const ops_input target = array_of(f, which);
    const int64_t c_in = f->in / f->o.groups, c_out = f->out / f->o.groups, *k = f->kernel, *p = f->plane, *q = f->y;
    for (int64_t i = 0; i < count_of(&target); i++) to[i] = 0;
    for (int64_t at = 0; at < f->batch * f->out * c_in * q[0] * q[1] * k[0] * k[1]; at++) {
        int64_t left = at;
        const int64_t kw = left % k[1], kh = (left /= k[1]) % k[0], j = (left /= k[0]) % q[1], i = (left /= q[1]) % q[0];
        const int64_t c = (left /= q[0]) % c_in, o = (left /= c_in) % f->out, n = left / f->out;
        const int64_t r = i * f->o.stride[0] + kh * f->o.dilation[0] - f->o.before[0], s = j * f->o.stride[1] + kw * f->o.dilation[1] - f->o.before[1];
        if (r < 0 || r >= p[0] || s < 0 || s >= p[1]) continue;
        const int64_t ix = ((n * f->in + o / c_out * c_in + c) * p[0] + r) * p[1] + s, iw = ((o * c_in + c) * k[0] + kh) * k[1] + kw;
        const int64_t iy = ((n * f->out + o) * q[0] + i) * q[1] + j;
        if (which == X) to[ix] += w[iw] * y[iy];
        else if (which == W) to[iw] += x[ix] * y[iy];
        else to[iy] += x[ix] * w[iw];
    }
}

static nrm_node conv2d(nrm_graph *g, const nrm_node *in, const void *user) { (void)g; return nrm_op_conv2d(in[0], in[1], ((const form *)user)->o); }
static nrm_node transposed(nrm_graph *g, const nrm_node *in, const void *user)
{
    const form *f = user;
    (void)g;
    return nrm_op_conv2d_transposed(in[0], in[1], f->plane[0], f->plane[1], f->o);
}
static nrm_node weight(nrm_graph *g, const nrm_node *in, const void *user)
{
    const form *f = user;
    (void)g;
    return nrm_op_conv2d_weight(in[0], in[1], f->kernel[0], f->kernel[1], f->o);
}
static void conv2d_value(const ops_values *in, double *to, const void *user) { sum_terms(user, in[0].x, in[1].x, NULL, to, Y); }
static void transposed_value(const ops_values *in, double *to, const void *user) { sum_terms(user, NULL, in[1].x, in[0].x, to, X); }
static void weight_value(const ops_values *in, double *to, const void *user) { sum_terms(user, in[0].x, NULL, in[1].x, to, W); }

/* Strides that leave a rest, dilation, uneven zeros, groups, depthwise, 1 x 1, an empty batch. */
static void forms(void **state)
{
    static const form all[] = {
        {2, 3, 4, {5, 6}, {3, 3}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}, {0}},
        {2, 4, 6, {7, 8}, {2, 3}, {{2, 3}, {2, 1}, {1, 2}, {0, 1}, 2}, {0}},
        {1, 3, 3, {6, 6}, {3, 3}, {{2, 2}, {1, 1}, {1, 1}, {1, 1}, 3}, {0}},
        {3, 5, 2, {3, 4}, {1, 1}, {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1}, {0}},
        {1, 1, 2, {9, 2}, {4, 1}, {{3, 1}, {2, 1}, {3, 0}, {0, 2}, 1}, {0}},
        {0, 2, 2, {4, 4}, {3, 3}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}, {0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const form f = sized(all[i]);
        const ops_input x = array_of(&f, X), w = array_of(&f, W), y = array_of(&f, Y);
        const ops_record records[] = {{"conv2d", conv2d, conv2d_value, 2, {x, w}, .user = &f},
                                      {"conv2d_transposed", transposed, transposed_value, 2, {y, w}, .user = &f},
                                      {"conv2d_weight", weight, weight_value, 2, {x, y}, .user = &f}};
        ops_check_all(records, 3);
    }
}

static void against_pytorch(void **state)
{
    static const struct { form f; const double *y, *dx, *dw; } all[] = {
        {{1, 2, 3, {4, 5}, {3, 3}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}, {0}}, plain_y, plain_dx, plain_dw},
        {{2, 4, 6, {5, 6}, {2, 3}, {{2, 3}, {2, 1}, {1, 2}, {0, 1}, 2}, {0}}, mixed_y, mixed_dx, mixed_dw},
        {{1, 3, 3, {4, 4}, {3, 3}, {{2, 2}, {1, 1}, {1, 1}, {1, 1}, 3}, {0}}, each_y, each_dx, each_dw}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        const form f = sized(all[i].f);
        double data[3][240], *results[3];
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        nrm_graph *g;
        nrm_node in[3], out[3];
        assert_ok(ctx, nrm_graph_create(ctx, &g));
        for (int k = 0; k < 3; k++) {
            static const int64_t number[3] = {1, 2, 3};
            const ops_input a = array_of(&f, k);
            for (int64_t e = 0; e < count_of(&a); e++) data[k][e] = (double)((e * 37 + e * e * 11 + number[k] * 29) % 97 - 48) / 16;
            in[k] = nrm_graph_input(g, (const char *[]){"x", "w", "u"}[k], NRM_F64, 4, a.shape);
        }
        out[0] = nrm_op_conv2d(in[0], in[1], f.o);
        nrm_graph_vjp(1, out, &in[2], 2, in, out + 1);
        ops_evaluate(ctx, 3, out, (void *[]){data[0], data[1], data[2]}, (ops_mode){true, true, 1, false}, results);
        assert_all_near(results[0], all[i].y, ops_count(out[0]), 1e-14);
        assert_all_near(results[1], all[i].dx, ops_count(out[1]), 1e-14);
        assert_all_near(results[2], all[i].dw, ops_count(out[2]), 1e-14);
        for (int k = 0; k < 3; k++) free(results[k]);
        nrm_graph_destroy(g);
        nrm_ctx_destroy(ctx);
    }
}

/* ---- One dimension ------------------------------------------------------------------------------------- */

static nrm_node conv1d(nrm_graph *g, const nrm_node *in, const void *user) { (void)g; return nrm_op_conv1d(in[0], in[1], ((const form *)user)->o); }
static nrm_node conv1d_transposed(nrm_graph *g, const nrm_node *in, const void *user)
{
    (void)g;
    return nrm_op_conv1d_transposed(in[0], in[1], ((const form *)user)->plane[1], ((const form *)user)->o);
}

static void one_dimension(void **state)
{
    const form f = sized((form){2, 4, 6, {1, 11}, {1, 3}, {{1, 2}, {1, 2}, {0, 1}, {0, 3}, 2}, {0}});
    const ops_input x = OPS_SHAPE(3, 2, 4, 11), w = OPS_SHAPE(3, 6, 2, 3), y = OPS_SHAPE(3, 2, 6, f.y[1]);
    const ops_record records[] = {{"conv1d", conv1d, conv2d_value, 2, {x, w}, .user = &f},
                                  {"conv1d_transposed", conv1d_transposed, transposed_value, 2, {y, w}, .user = &f}};
    (void)state;
    ops_check_all(records, 2);
}

/* ---- Pooling -------------------------------------------------------------------------------------------- */

typedef struct window { int64_t planes, height, width, kernel, stride, pad; } window;
static nrm_node largest(nrm_graph *g, const nrm_node *in, const void *user)
{
    const window *p = user;
    (void)g;
    return nrm_op_max_pool2d(in[0], p->kernel, p->stride, p->pad);
}
static nrm_node mean(nrm_graph *g, const nrm_node *in, const void *user)
{
    const window *p = user;
    (void)g;
    return nrm_op_average_pool2d(in[0], p->kernel, p->stride, p->pad);
}
/* Not linear, so that second derivatives say something */
static nrm_node squares(nrm_graph *g, const nrm_node *in, const void *user)
{
    return nrm_op_add(nrm_op_square(largest(g, in, user)), nrm_op_square(mean(g, in, user)));
}

static void pool(const window *p, const double *x, double *y, bool maximum)
{
    const int64_t rows = (p->height + 2 * p->pad - p->kernel) / p->stride + 1, columns = (p->width + 2 * p->pad - p->kernel) / p->stride + 1;
    for (int64_t at = 0; at < p->planes * rows * columns; at++) {
        const int64_t j = at % columns * p->stride - p->pad, i = at / columns % rows * p->stride - p->pad, n = at / columns / rows;
        double most = -INFINITY, sum = 0;
        for (int64_t k = 0; k < p->kernel * p->kernel; k++) {
            const int64_t r = i + k / p->kernel, s = j + k % p->kernel;
            if (r < 0 || r >= p->height || s < 0 || s >= p->width) continue;
            most = fmax(most, x[(n * p->height + r) * p->width + s]);
            sum += x[(n * p->height + r) * p->width + s];
        }
        y[at] = maximum ? most : sum / (double)(p->kernel * p->kernel);
    }
}
static void largest_value(const ops_values *in, double *y, const void *user) { pool(user, in[0].x, y, true); }
static void mean_value(const ops_values *in, double *y, const void *user) { pool(user, in[0].x, y, false); }

static void pooling(void **state)
{
    static const window all[] = {{6, 6, 8, 2, 2, 0}, {6, 5, 7, 3, 2, 1}, {6, 4, 4, 3, 1, 2}, {6, 1, 5, 1, 3, 0}, {0, 4, 4, 2, 2, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const ops_input x = {.ndim = 4, .shape = {all[i].planes / 3, 3, all[i].height, all[i].width}, .distinct = true, .low = -2, .high = 2};
        const ops_record records[] = {{"max_pool2d", largest, largest_value, 1, {x}, .user = &all[i]},
                                      {"average_pool2d", mean, mean_value, 1, {x}, .user = &all[i]},
                                      {"squares of both", squares, NULL, 1, {x}, .user = &all[i]}};
        ops_check_all(records, 3);
    }
}

/* ---- What does not fit ------------------------------------------------------------------------------------- */

static nrm_node array(nrm_graph *g, nrm_dtype dtype, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return nrm_graph_fill(g, dtype, d < 0 ? 3 : 4, (int64_t[]){a, b, c, d}, 1);
}

typedef struct attempt {
    int64_t x[4], w[4];
    nrm_dtype dtype; /* of w */
    nrm_conv_options o;
    nrm_status status;
    const char *piece;
} attempt;

#define OPTIONS(stride, dilation, zeros, groups) {{1, stride}, {1, dilation}, {0, zeros}, {0, 0}, groups}

static void refusals(void **state)
{
    static const attempt all[] = {
        {{1, 2, 5, 5}, {2, 2, 3, 3}, NRM_F32, OPTIONS(0, 1, 0, 1), NRM_E_RANGE, "conv2d: along the width stride 0"},
        {{1, 2, 5, 5}, {2, 2, 3, 3}, NRM_F32, OPTIONS(1, -1, 0, 1), NRM_E_RANGE, "conv2d: along the width stride 1, dilation -1"},
        {{1, 2, 5, 5}, {2, 2, 3, 3}, NRM_F32, OPTIONS(1, 1, -2, 1), NRM_E_RANGE, "zeros at least 0"},
        {{1, 2, 5, 5}, {2, 2, 3, 3}, NRM_F32, OPTIONS(1, 1, 0, 0), NRM_E_RANGE, "0 groups"},
        {{1, 2, 5, 5}, {2, 2, 3, 6}, NRM_F32, OPTIONS(1, 1, 0, 1), NRM_E_SHAPE, "along the width a kernel of 6 with dilation 1 and stride 1 does not fit into 5"},
        {{1, 2, 5, 5}, {2, 2, 3, 3}, NRM_F32, OPTIONS(1, 1, 0, 3), NRM_E_SHAPE, "groups must divide both"},
        {{1, 2, 5, 5}, {2, 1, 3, 3}, NRM_F32, OPTIONS(1, 1, 0, 1), NRM_E_SHAPE, "2 channels in, 2 out, 1 groups and weights for 1 channels"},
        {{1, 2, 5, 5}, {2, 2, 3, 3}, NRM_F64, OPTIONS(1, 1, 0, 1), NRM_E_DTYPE, "the arguments are f32 and f64"},
        {{1, 2, 5, -1}, {2, 2, 3, 3}, NRM_F32, OPTIONS(1, 1, 0, 1), NRM_E_SHAPE, "conv2d: "},
        {{1, 2, 5, 5}, {2, 2, 3, 3}, NRM_F32, OPTIONS(1, INT64_MAX / 2, 0, 1), NRM_E_SHAPE, "does not fit"},
        {{1, 2, 5, 5}, {2, 2, 3, 3}, NRM_F32, OPTIONS(1, 1, INT64_MAX, 1), NRM_E_SHAPE, "does not fit"},
        {{1, 2, 5, 5}, {2, 2, 3, 3}, NRM_F32, OPTIONS(1, 1, INT64_MAX / 4, 1), NRM_E_OVERFLOW, "larger than memory"},
    };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const attempt *a = &all[i];
        nrm_graph *g;
        assert_ok(ctx, nrm_graph_create(ctx, &g));
        assert_false(nrm_node_valid(nrm_op_conv2d(array(g, NRM_F32, a->x[0], a->x[1], a->x[2], a->x[3]),
                                                  array(g, a->dtype, a->w[0], a->w[1], a->w[2], a->w[3]), a->o)));
        assert_status(ctx, nrm_graph_check(g), a->status);
        assert_message(ctx, a->piece);
        nrm_graph_destroy(g);
    }
    nrm_ctx_destroy(ctx);
}

#define REFUSED(status, piece, call)                     \
    do {                                                 \
        nrm_graph *g;                                    \
        assert_ok(ctx, nrm_graph_create(ctx, &g));       \
        assert_false(nrm_node_valid(call));              \
        assert_status(ctx, nrm_graph_check(g), status);  \
        assert_message(ctx, piece);                      \
        nrm_graph_destroy(g);                            \
    } while (0)

static void other_refusals(void **state)
{
    const nrm_conv_options o = nrm_conv_options_default();
    nrm_conv_options many = o;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    many.groups = INT64_MAX;
    REFUSED(NRM_E_OVERFLOW, "conv2d_transposed: 9223372036854775807 groups of 2 channels",
            nrm_op_conv2d_transposed(array(g, NRM_F64, 1, 2, 3, 3), array(g, NRM_F64, 2, 2, 3, 3), 5, 5, many));
    REFUSED(NRM_E_SHAPE, "conv2d_transposed: y has planes of 3x3; a convolution with these options gives 4x3",
            nrm_op_conv2d_transposed(array(g, NRM_F64, 1, 2, 3, 3), array(g, NRM_F64, 2, 2, 2, 3), 5, 5, o));
    REFUSED(NRM_E_SHAPE, "conv2d_transposed: y has 3 channels and the weights 2",
            nrm_op_conv2d_transposed(array(g, NRM_F64, 1, 3, 3, 3), array(g, NRM_F64, 2, 2, 3, 3), 5, 5, o));
    REFUSED(NRM_E_SHAPE, "conv2d_weight: x has a batch of 2 and y of 1",
            nrm_op_conv2d_weight(array(g, NRM_F64, 2, 3, 5, 5), array(g, NRM_F64, 1, 2, 3, 3), 3, 3, o));
    REFUSED(NRM_E_SHAPE, "along the height a kernel of 0",
            nrm_op_conv2d_weight(array(g, NRM_F64, 2, 3, 5, 5), array(g, NRM_F64, 2, 2, 3, 3), 0, 3, o));
    REFUSED(NRM_E_SHAPE, "conv1d: ", nrm_op_conv1d(array(g, NRM_F64, 2, 3, 5, 5), array(g, NRM_F64, 2, 2, 3, 3), o));
    REFUSED(NRM_E_RANGE, "max_pool2d: kernel 2, stride 0", nrm_op_max_pool2d(array(g, NRM_F64, 2, 3, 5, 5), 2, 0, 0));
    REFUSED(NRM_E_RANGE, "the padding is smaller than the kernel", nrm_op_max_pool2d(array(g, NRM_F64, 2, 3, 5, 5), 2, 1, 2));
    REFUSED(NRM_E_RANGE, "average_pool2d: kernel 6", nrm_op_average_pool2d(array(g, NRM_F64, 2, 3, 5, 5), 6, 1, 0));
    REFUSED(NRM_E_SHAPE, "average_pool2d: ", nrm_op_average_pool2d(array(g, NRM_F64, 2, 3, 5, -1), 2, 1, 0));
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(forms), cmocka_unit_test(against_pytorch), cmocka_unit_test(one_dimension), cmocka_unit_test(pooling),
              cmocka_unit_test(refusals), cmocka_unit_test(other_refusals))
