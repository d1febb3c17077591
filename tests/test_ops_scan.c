/* test_ops_scan.c -- cumulative sums and linear recurrences. */
#include "index_kit.h"

typedef struct way { int axis; bool exclusive, reverse; const ops_input *in; } way;

static nrm_node cumulate(nrm_graph *g, const nrm_node *x, const void *user)
{
    const way *w = user;
    (void)g;
    return nrm_op_cumulative_sum(x[0], w->axis, w->exclusive, w->reverse);
}
static nrm_node recur(nrm_graph *g, const nrm_node *x, const void *user)
{
    (void)g;
    return nrm_op_linear_scan(x[0], x[1], ((const way *)user)->axis, ((const way *)user)->reverse);
}
static nrm_node bent_sum(nrm_graph *g, const nrm_node *x, const void *user) { return nrm_op_square(cumulate(g, (nrm_node[]){nrm_op_sin(x[0])}, user)); }
static nrm_node bent_scan(nrm_graph *g, const nrm_node *x, const void *user)
{
    return nrm_op_sin(recur(g, (nrm_node[]){nrm_op_sin(x[0]), nrm_op_sin(x[1])}, user));
}

static void against_pytorch(void **state)
{
    const way forward = {.axis = 1}, from_end = {.axis = -2, .exclusive = true, .reverse = true}, reverse = {.axis = 1, .reverse = true};
    (void)state;
    ops_record sum = {.name = "cumulative_sum", .build = cumulate, .user = &forward, .input_count = 1, .inputs = {{.ndim = 3, .shape = {2, 5, 3}, .values = pattern(1, 30)}}};
    index_against(&sum, cumulative_y, (const double *[]){cumulative_d0});
    sum.user = &from_end;
    index_against(&sum, cumulative_from_end_y, (const double *[]){cumulative_from_end_d0});
    ops_record scan = {.name = "linear_scan", .build = recur, .user = &forward, .input_count = 2,
        .inputs = {{.ndim = 3, .shape = {2, 5, 3}, .values = pattern(2, 30)}, {.ndim = 3, .shape = {2, 5, 3}, .values = pattern(3, 30)}}};
    index_against(&scan, scan_y, (const double *[]){scan_d0, scan_d1});
    scan.user = &reverse;
    index_against(&scan, scan_reverse_y, (const double *[]){scan_reverse_d0, scan_reverse_d1});
}

/* Element by element; a is 1 for sums. */
static void value(const double *a, const double *b, double *y, const way *w)
{
    const ops_input *in = w->in;
    const int axis = w->axis < 0 ? w->axis + in->ndim : w->axis;
    int64_t outer = 1, inner = 1;
    const int64_t count = in->shape[axis];
    for (int i = 0; i < axis; i++) outer *= in->shape[i];
    for (int i = axis + 1; i < in->ndim; i++) inner *= in->shape[i];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < inner; j++) {
            double h = 0;
            for (int64_t i = 0; i < count; i++) {
                const int64_t at = (o * count + (w->reverse ? count - 1 - i : i)) * inner + j;
                if (w->exclusive) y[at] = h;
                h = (a ? a[at] : 1) * h + b[at];
                if (!w->exclusive) y[at] = h;
            }
        }
}
static void sum_value(const ops_values *in, double *y, const void *user) { value(NULL, in[0].x, y, user); }
static void scan_value(const ops_values *in, double *y, const void *user) { value(in[0].x, in[1].x, y, user); }

static void check_sum(const ops_input *in, int axis, bool exclusive, bool reverse, unsigned flags)
{
    const way w = {axis, exclusive, reverse, in};
    ops_record r = {.name = "cumulative_sum", .build = cumulate, .reference = sum_value, .user = &w, .flags = flags, .single_tolerance = 1e-4, .input_count = 1, .inputs = {*in}};
    ops_check(&r);
    if (flags) return;
    r.build = bent_sum;
    r.reference = NULL;
    ops_check(&r);
}

static void check_scan(const ops_input *in, int axis, bool reverse, unsigned flags)
{
    const way w = {axis, false, reverse, in};
    ops_input a = *in;
    a.low = -0.9;
    a.high = 0.9;
    ops_record r = {.name = "linear_scan", .build = recur, .reference = scan_value, .user = &w, .flags = flags, .input_count = 2, .inputs = {a, *in}};
    ops_check(&r);
    if (flags) return;
    r.build = bent_scan;
    r.reference = NULL;
    ops_check(&r);
}

static void every_way(void **state)
{
    static const ops_input shapes[] = {{.ndim = 3, .shape = {3, 5, 4}}, {.ndim = 1, .shape = {9}}, {.ndim = 2, .shape = {4, 1}}, {.ndim = 2, .shape = {2, 0}}, {.ndim = 3, .shape = {0, 3, 2}}};
    (void)state;
    for (int s = 0; s < 5; s++)
        for (int axis = 0; axis < shapes[s].ndim; axis++)
            for (int reverse = 0; reverse < 2; reverse++) {
                check_sum(&shapes[s], axis, false, reverse, 0);
                check_sum(&shapes[s], axis - shapes[s].ndim, true, reverse, 0);
                check_scan(&shapes[s], axis, reverse, 0);
            }
}

/* Many rows, wide rows, rows wider than a piece. */
static void shared_among_threads(void **state)
{
    static const ops_input shapes[] = {{.ndim = 2, .shape = {600, 40}}, {.ndim = 2, .shape = {40, 700}}, {.ndim = 3, .shape = {3, 20, 513}}};
    (void)state;
    for (int s = 0; s < 3; s++)
        for (int reverse = 0; reverse < 2; reverse++) {
            check_sum(&shapes[s], s == 0 ? 1 : s - 1, reverse, reverse, OPS_NO_DERIVATIVE);
            check_scan(&shapes[s], s == 0 ? 1 : s - 1, reverse, OPS_NO_DERIVATIVE);
        }
}

/* A long sum in f32 is as good as its last rounding; what a says of the first element, be it
 * infinite, multiplies nothing. */
static void exactness(void **state)
{
    enum { N = 1 << 20 };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    double *results[3];
    (void)state;
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node a = nrm_graph_input(g, "a", NRM_F64, 1, (int64_t[]){3}), b = nrm_graph_range(g, NRM_F64, 3);
    const double infinite[3] = {INFINITY, 2, 3};
    nrm_node outputs[3] = {nrm_op_cumulative_sum(nrm_graph_fill(g, NRM_F32, 1, (int64_t[]){N}, 0.1), 0, false, false), nrm_op_linear_scan(a, b, 0, false), {NULL, -1}};
    nrm_graph_gradient(nrm_op_sum_all(outputs[1]), 1, &a, &outputs[2]);
    ops_evaluate(ctx, 3, outputs, (void *[]){(void *)(uintptr_t)infinite}, (ops_mode){true, true, 1, false}, results);
    for (int64_t i = 0; i < N; i += 999) assert_true(fabs(results[0][i] / ((double)0.1f * (double)(i + 1)) - 1) < 1e-7);
    assert_all_near(results[1], ((double[]){0, 1, 5}), 3, 0);
    assert_all_near(results[2], ((double[]){0, 0, 1}), 3, 0);
    for (int k = 0; k < 3; k++) free(results[k]);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

static void refusals(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    KIT_REFUSED(ctx, NRM_E_RANGE, "cumulative_sum: axis is 2; an array of 2 dimensions has axes -2 to 1", , nrm_op_cumulative_sum(REAL_OF(2, 3), 2, false, false));
    KIT_REFUSED(ctx, NRM_E_RANGE, "cumulative_sum: axis is 0", , nrm_op_cumulative_sum(nrm_graph_scalar(g, NRM_F64, 1), 0, false, false));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "cumulative_sum: the argument is i64", , nrm_op_cumulative_sum(WHOLE_OF(2, 3), 0, false, false));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "linear_scan: a is f64 2x3 and b f64 2x1; dtype and shape must agree", , nrm_op_linear_scan(REAL_OF(2, 3), REAL_OF(2, 1), 0, false));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "linear_scan: a is f64 3 and b f32 3", , nrm_op_linear_scan(REAL_OF(3), nrm_graph_fill(g, NRM_F32, 1, (int64_t[]){3}, 0), 0, false));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "linear_scan: the argument is i64", , nrm_op_linear_scan(WHOLE_OF(3), WHOLE_OF(3), 0, false));
    KIT_REFUSED(ctx, NRM_E_RANGE, "linear_scan: axis is -3", , nrm_op_linear_scan(REAL_OF(2, 3), REAL_OF(2, 3), -3, false));
    KIT_REFUSED(ctx, NRM_E_NULL, "linear_scan: argument 2 is no node", , nrm_op_linear_scan(REAL_OF(3), (nrm_node){0}, 0, false));
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(against_pytorch), cmocka_unit_test(every_way), cmocka_unit_test(shared_among_threads), cmocka_unit_test(exactness),
              cmocka_unit_test(refusals))
