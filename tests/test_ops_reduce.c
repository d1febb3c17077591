/* test_ops_reduce.c -- sums, extremes, means and logsumexp over every choice of axes. */
#include "ops_kit.h"
#include <float.h>

typedef struct reduction {
    nrm_node (*op)(nrm_node, int, const int *, bool);
    double (*of)(int64_t n, const double *x);
    int count, axes[6];
    bool keep;
    const ops_input *in;
} reduction;

static nrm_node build(nrm_graph *g, const nrm_node *x, const void *user)
{
    const reduction *r = user;
    (void)g;
    return r->op(x[0], r->count, r->axes, r->keep);
}

/* Not linear after it, so that second derivatives say something. */
static nrm_node build_squared(nrm_graph *g, const nrm_node *x, const void *user)
{
    return nrm_op_mul(nrm_op_square(build(g, x, user)), nrm_op_sum_all(nrm_op_square(x[0])));
}

static double sum(int64_t n, const double *x)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += x[i];
    return s;
}
static double mean(int64_t n, const double *x) { return sum(n, x) / (double)n; }
static double greatest(int64_t n, const double *x)
{
    double m = -INFINITY;
    for (int64_t i = 0; i < n; i++) m = fmax(m, x[i]);
    return m;
}
static double least(int64_t n, const double *x)
{
    double m = INFINITY;
    for (int64_t i = 0; i < n; i++) m = fmin(m, x[i]);
    return m;
}
static double logsumexp(int64_t n, const double *x)
{
    const double m = greatest(n, x);
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += exp(x[i] - m);
    return m + log(s);
}

/* The elements of each result, gathered one by one. */
static void value(const ops_values *in, double *y, const void *user)
{
    const reduction *r = user;
    const int ndim = r->in->ndim;
    bool out[6] = {false};
    int64_t results = 1;
    double *row = malloc(sizeof *row * (size_t)in[0].count + 1);
    for (int k = 0; k < r->count; k++) out[r->axes[k] < 0 ? r->axes[k] + ndim : r->axes[k]] = true;
    for (int k = 0; k < ndim; k++) results *= out[k] ? 1 : r->in->shape[k];
    int64_t *filled = malloc(sizeof *filled * (size_t)results + 1);
    assert_true(row && filled);
    for (int64_t j = 0; j < results; j++) filled[j] = 0;
    const int64_t n = results > 0 ? in[0].count / results : 0;
    for (int64_t i = 0; i < in[0].count; i++) {
        int64_t left = i, at = 0, every = 1;
        for (int k = ndim - 1; k >= 0; k--) {
            if (!out[k]) {
                at += left % r->in->shape[k] * every;
                every *= r->in->shape[k];
            }
            left /= r->in->shape[k];
        }
        row[at * n + filled[at]++] = in[0].x[i];
    }
    for (int64_t j = 0; j < results; j++) y[j] = r->of(n, row + j * n);
    free(filled);
    free(row);
}

static const reduction kinds[5] = {{.op = nrm_op_sum, .of = sum}, {.op = nrm_op_mean, .of = mean}, {.op = nrm_op_greatest, .of = greatest},
                                   {.op = nrm_op_least, .of = least}, {.op = nrm_op_logsumexp, .of = logsumexp}};
static const char *const names[5] = {"sum", "mean", "greatest", "least", "logsumexp"};

static void check(int kind, const ops_input *in, int count, const int *axes, bool keep, bool values_only)
{
    reduction user = kinds[kind];
    user.count = count;
    user.keep = keep;
    user.in = in;
    for (int k = 0; k < count; k++) user.axes[k] = axes[k];
    ops_record r = {.name = names[kind], .build = build, .reference = value, .input_count = 1, .inputs = {*in}, .user = &user};
    if (values_only) {
        r.flags = OPS_NO_DERIVATIVE;
        r.single_tolerance = 1e-4; /* of thousands that cancel */
    }
    ops_check(&r);
    if (values_only) return;
    r.build = build_squared;
    r.reference = NULL;
    r.single_tolerance = 1e-4;
    r.first_tolerance = 1e-6;
    ops_check(&r);
}

static void test_every_choice(void **state)
{
    (void)state;
    static const ops_input whole = {.ndim = 4, .shape = {2, 3, 2, 4}, .distinct = true};
    static const ops_input ones = {.ndim = 4, .shape = {3, 1, 2, 1}, .distinct = true};
    for (int kind = 0; kind < 5; kind++)
        for (int set = 0; set < 16; set++) {
            int axes[4], count = 0;
            for (int k = 0; k < 4; k++)
                if (set >> k & 1) axes[count++] = k % 2 ? k : k - 4; /* some from the end */
            check(kind, &whole, count, axes, set % 3 == 0, false);
            check(kind, &ones, count, axes, set % 3 == 1, false);
        }
}

/* Rows longer than a tile, whole arrays longer than a row, many columns, empty ends. */
static void test_sizes(void **state)
{
    (void)state;
    static const ops_input shapes[] = {OPS_SHAPE(2, 2, 16385), OPS_SHAPE(1, 20000), OPS_SHAPE(1, 4096), OPS_SHAPE(1, 4097),
                                       OPS_SHAPE(3, 3, 20, 600), OPS_SHAPE(2, 5000, 3), OPS_SHAPE(6, 2, 1, 3, 2, 1, 2)};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int kind = 0; kind < 5; kind += 2) {
            const int last = shapes[i].ndim - 1, first = 0, middle = last > 1 ? 1 : 0;
            check(kind, &shapes[i], 1, &last, false, true);
            check(kind, &shapes[i], 1, &first, true, true);
            if (middle) check(kind, &shapes[i], 1, &middle, false, true);
        }
    static const ops_input hollow[] = {OPS_SHAPE(2, 3, 0), OPS_SHAPE(2, 0, 3), OPS_SHAPE(3, 2, 0, 3)};
    static const int axes[3] = {0, 1, 2};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < hollow[i].ndim; k++) {
            check(0, &hollow[i], 1, &axes[k], false, false);
            if (hollow[i].shape[k] == 0) continue;
            for (int kind = 1; kind < 5; kind++) check(kind, &hollow[i], 1, &axes[k], false, false);
        }
    check(0, &hollow[0], 2, axes, false, false);
}

/* ---- Infinite and equal elements ------------------------------------------------------------------- */

typedef nrm_node (*function)(nrm_node);
static void gradient_of(function f, int ndim, const int64_t *shape, const double *x, double *y, double *gradient)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    double *results[2];
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    nrm_node all[2];
    const nrm_node in = nrm_graph_input(g, "x", NRM_F64, ndim, shape);
    all[0] = f(in);
    nrm_graph_gradient(nrm_op_sum_all(all[0]), 1, &in, &all[1]);
    ops_evaluate(ctx, 2, all, (void *[]){(void *)(uintptr_t)x}, (ops_mode){true, true, 1, false}, results);
    memcpy(y, results[0], sizeof *y * (size_t)ops_count(all[0]));
    memcpy(gradient, results[1], sizeof *y * (size_t)ops_count(in));
    free(results[0]);
    free(results[1]);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

static nrm_node logsumexp_rows(nrm_node x) { return nrm_op_logsumexp(x, 1, (int[]){1}, false); }
static nrm_node mean_rows(nrm_node x) { return nrm_op_mean(x, 1, (int[]){1}, false); }
static nrm_node greatest_rows(nrm_node x) { return nrm_op_greatest(x, 1, (int[]){1}, false); }
static nrm_node least_rows(nrm_node x) { return nrm_op_least(x, 1, (int[]){1}, false); }
static nrm_node greatest_ends(nrm_node x) { return nrm_op_greatest(x, 2, (int[]){0, 2}, false); }
static nrm_node least_ends(nrm_node x) { return nrm_op_least(x, 2, (int[]){2, 0}, true); }

static void test_infinite(void **state)
{
    (void)state;
    const double x[15] = {-INFINITY, -INFINITY, -INFINITY, 1, INFINITY, 2, 0, -INFINITY, 0, 800, 800, -800, NAN, 1, 2};
    double y[5], d[15];
    gradient_of(logsumexp_rows, 2, (int64_t[]){5, 3}, x, y, d);
    assert_all_near(y, ((double[]){-INFINITY, INFINITY, log(2), 800 + log(2), NAN}), 5, 1e-15);
    assert_all_near(d + 6, ((double[]){0.5, 0, 0.5, 0.5, 0.5, 0}), 6, 1e-15);
    gradient_of(mean_rows, 2, (int64_t[]){5, 3}, x, y, d);
    assert_all_near(y, ((double[]){-INFINITY, INFINITY, -INFINITY, 800.0 / 3, NAN}), 5, 1e-15);
    gradient_of(greatest_rows, 2, (int64_t[]){5, 3}, x, y, d);
    assert_all_near(y, ((double[]){-INFINITY, INFINITY, 0, 800, NAN}), 5, 0);
    assert_all_near(d, ((double[]){1. / 3, 1. / 3, 1. / 3, 0, 1, 0, 0.5, 0, 0.5, 0.5, 0.5, 0}), 12, 1e-15);
    gradient_of(least_rows, 2, (int64_t[]){5, 3}, x, y, d);
    assert_all_near(y, ((double[]){-INFINITY, 1, -INFINITY, -800, NAN}), 5, 0);
}

/* Ties share equally, also over axes that are apart. */
static void test_ties(void **state)
{
    (void)state;
    /* (2, 2, 2): over the first and last axis, column 0 sees 5 5 | 5 0, column 1 sees 1 2 | 2 2 */
    const double x[8] = {5, 5, 1, 2, 5, 0, 2, 2};
    double y[2], d[8];
    gradient_of(greatest_ends, 3, (int64_t[]){2, 2, 2}, x, y, d);
    assert_all_near(y, ((double[]){5, 2}), 2, 0);
    assert_all_near(d, ((double[]){1. / 3, 1. / 3, 0, 1. / 3, 1. / 3, 0, 1. / 3, 1. / 3}), 8, 1e-15);
    gradient_of(least_ends, 3, (int64_t[]){2, 2, 2}, x, y, d);
    assert_all_near(y, ((double[]){0, 1}), 2, 0);
    assert_all_near(d, ((double[]){0, 0, 1, 0, 0, 1, 0, 0}), 8, 1e-15);
}

/* A sum over millions stays exact to rounding: blocks, not one running sum. */
static void test_long_sum(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    double *result;
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node tenth = nrm_graph_uniform(g, NRM_F32, 1, (int64_t[]){1 << 22}, 3);
    const nrm_node total = nrm_op_sum_all(nrm_op_add(nrm_op_scale(tenth, 0), nrm_graph_scalar(g, NRM_F32, 0.1)));
    ops_evaluate(ctx, 1, &total, NULL, (ops_mode){true, true, 2, false}, &result);
    assert_near(*result, 0.1 * (1 << 22), 1e-6);
    free(result);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_every_choice), cmocka_unit_test(test_sizes), cmocka_unit_test(test_infinite), cmocka_unit_test(test_ties),
              cmocka_unit_test(test_long_sum))
