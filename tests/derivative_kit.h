/* derivative_kit.h -- an operation of the graph against itself: finite differences, adjoints,
 * f32 against f64, one thread against two.
 *
 * A case builds y = f(x_1, ..) from float inputs, drawn here, and index inputs, given.  With
 * random directions v, cotangent u and weights w:
 *
 *     J v,  G = J'u,  H = derivative of <G, w>     by the graph, all checked in f64:
 *     <J v, u> = <v, G>,   J v = (f(x + h v) - f(x - h v)) / 2h,
 *     <H, v> = <(G(x + h v) - G(x - h v)) / 2h, w>,   <forward derivative of G along v, w> = <H, v>. */
#ifndef NRM_DERIVATIVE_KIT_H
#define NRM_DERIVATIVE_KIT_H

#include "refusal_kit.h"
#include <norma/norma.h>
#include <norma/program.h>

enum { KIT_INPUTS = 3, KIT_OUTPUTS = 2 + 3 * KIT_INPUTS };

typedef struct kit_input {
    int ndim;
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    const int64_t *index; /* an i64 input with these elements; NULL: a float input */
    const double *values; /* NULL: drawn */
} kit_input;

typedef struct kit_case {
    nrm_node (*build)(const nrm_node *x, const void *user);
    const void *user;
    int count;
    kit_input in[KIT_INPUTS];
    double tolerance; /* of adjoint identities in f64; 0: 1e-11 */
    double f32_tolerance; /* 0: 2e-5 */
} kit_case;

static int64_t kit_count(int ndim, const int64_t *shape)
{
    int64_t n = 1;
    for (int i = 0; i < ndim; i++) n *= shape[i];
    return n;
}

static double *kit_draw(int64_t n, uint64_t seed)
{
    double *x = calloc((size_t)(n + 1), sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = (double)(float)nrm_test_normal(&seed); /* the same in f32 */
    return x;
}

static double kit_dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Values of the case's outputs, as doubles: y, J v, then G, H, forward G for each input. */
typedef struct kit_values {
    int64_t count[KIT_OUTPUTS];
    double *value[KIT_OUTPUTS];
    unsigned char *bits[KIT_OUTPUTS];
    size_t bytes[KIT_OUTPUTS];
} kit_values;

static void kit_free(kit_values *v)
{
    for (int i = 0; i < KIT_OUTPUTS; i++) {
        free(v->value[i]);
        free(v->bits[i]);
    }
}

/* An array of doubles as dtype; the caller frees it. */
static void *kit_cast(nrm_dtype dtype, int64_t n, const double *x)
{
    double *to = malloc((size_t)(n + 1) * sizeof *to);
    if (dtype == NRM_F64) memcpy(to, x, (size_t)n * sizeof *to);
    else for (int64_t i = 0; i < n; i++) ((float *)to)[i] = (float)x[i];
    return to;
}

/* Everything at x (one array an input; entries of index inputs are not read). */
static kit_values kit_run(const kit_case *c, nrm_dtype dtype, int threads, bool optimise, double *const *x)
{
    kit_values result = {{0}, {NULL}, {NULL}, {0}};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *p;
    nrm_instance *run;
    nrm_node in[KIT_INPUTS], floats[KIT_INPUTS], v[KIT_INPUTS], w[KIT_INPUTS], outputs[KIT_OUTPUTS], weighted = {NULL, -1};
    void *bound[KIT_INPUTS] = {NULL};
    int made = 0, all = 0;
    nrm_compile_options options = nrm_compile_options_default();

    assert_ok(ctx, nrm_set_threads(ctx, threads));
    options.optimise = optimise;
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    for (int i = 0; i < c->count; i++) {
        const kit_input *a = &c->in[i];
        const char name[2] = {(char)('a' + i), 0};
        in[i] = nrm_graph_input(g, name, a->index ? NRM_I64 : dtype, a->ndim, a->shape);
        if (a->index) continue;
        const int64_t n = kit_count(a->ndim, a->shape);
        double *direction = kit_draw(n, 100 + (uint64_t)i), *weight = kit_draw(n, 200 + (uint64_t)i);
        void *as[2] = {kit_cast(dtype, n, direction), kit_cast(dtype, n, weight)};
        floats[made] = in[i];
        v[made] = nrm_graph_constant(g, dtype, a->ndim, a->shape, as[0]);
        w[made++] = nrm_graph_constant(g, dtype, a->ndim, a->shape, as[1]);
        free(direction);
        free(weight);
        free(as[0]);
        free(as[1]);
    }
    const nrm_node y = c->build(in, c->user);
    assert_ok(ctx, nrm_graph_check(g));
    nrm_node_view view;
    assert_true(nrm_graph_view(g, y.index, &view));
    double *drawn = kit_draw(kit_count(view.ndim, view.shape), 300);
    void *cotangent = kit_cast(dtype, kit_count(view.ndim, view.shape), drawn);
    const nrm_node u = nrm_graph_constant(g, dtype, view.ndim, view.shape, cotangent);
    nrm_node gradients[KIT_INPUTS], second[KIT_INPUTS], forward[KIT_INPUTS];
    outputs[all++] = y;
    nrm_graph_jvp(made, floats, v, 1, &y, &outputs[all++]);
    nrm_graph_vjp(1, &y, &u, made, floats, gradients);
    for (int k = 0; k < made; k++) {
        const nrm_node term = nrm_op_sum_all(nrm_op_mul(gradients[k], w[k]));
        weighted = k == 0 ? term : nrm_op_add(weighted, term);
    }
    nrm_graph_gradient(weighted, made, floats, second);
    nrm_graph_jvp(made, floats, v, made, gradients, forward);
    for (int k = 0; k < made; k++) {
        outputs[all++] = gradients[k];
        outputs[all++] = second[k];
        outputs[all++] = forward[k];
    }
    assert_ok(ctx, nrm_compile(ctx, all, outputs, &options, &p));
    assert_ok(ctx, nrm_instance_create(ctx, p, &run));
    for (int i = 0; i < c->count; i++) {
        const char name[2] = {(char)('a' + i), 0};
        if (!c->in[i].index) bound[i] = kit_cast(dtype, kit_count(c->in[i].ndim, c->in[i].shape), x[i]);
        assert_ok(ctx, nrm_instance_bind(ctx, run, name, c->in[i].index ? (const void *)c->in[i].index : bound[i]));
    }
    assert_ok(ctx, nrm_run(ctx, run));
    for (int k = 0; k < all; k++) {
        nrm_program_array array;
        assert_true(nrm_program_output(p, k, &array));
        const void *got = nrm_instance_output(run, k);
        result.count[k] = array.count;
        result.bytes[k] = (size_t)array.count * nrm_dtype_size(dtype);
        result.value[k] = malloc((size_t)(array.count + 1) * sizeof(double));
        result.bits[k] = malloc(result.bytes[k] + 1);
        if (result.bytes[k]) memcpy(result.bits[k], got, result.bytes[k]);
        for (int64_t i = 0; i < array.count; i++)
            result.value[k][i] = dtype == NRM_F64 ? ((const double *)got)[i] : (double)((const float *)got)[i];
    }
    for (int i = 0; i < c->count; i++) free(bound[i]);
    free(drawn);
    free(cotangent);
    nrm_instance_destroy(run);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
    return result;
}

/* y alone; the caller frees it. */
static inline double *kit_value(const kit_case *c, nrm_dtype dtype, int threads)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *p;
    nrm_instance *run;
    nrm_node in[KIT_INPUTS];
    void *bound[KIT_INPUTS] = {NULL};
    nrm_program_array array;

    assert_ok(ctx, nrm_set_threads(ctx, threads));
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    for (int i = 0; i < c->count; i++) {
        const char name[2] = {(char)('a' + i), 0};
        in[i] = nrm_graph_input(g, name, c->in[i].index ? NRM_I64 : dtype, c->in[i].ndim, c->in[i].shape);
    }
    const nrm_node y = c->build(in, c->user);
    assert_ok(ctx, nrm_compile(ctx, 1, &y, NULL, &p));
    assert_ok(ctx, nrm_instance_create(ctx, p, &run));
    for (int i = 0; i < c->count; i++) {
        if (!c->in[i].index) bound[i] = kit_cast(dtype, kit_count(c->in[i].ndim, c->in[i].shape), c->in[i].values);
        assert_ok(ctx, nrm_instance_bind_at(ctx, run, i, c->in[i].index ? (const void *)c->in[i].index : bound[i]));
    }
    assert_ok(ctx, nrm_run(ctx, run));
    assert_true(nrm_program_output(p, 0, &array));
    const void *got = nrm_instance_output(run, 0);
    double *value = malloc((size_t)(array.count + 1) * sizeof *value);
    for (int64_t i = 0; i < array.count; i++) value[i] = dtype == NRM_F64 ? ((const double *)got)[i] : (double)((const float *)got)[i];
    for (int i = 0; i < c->count; i++) free(bound[i]);
    nrm_instance_destroy(run);
    nrm_program_destroy(p);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
    return value;
}

/* a and b agree to tolerance times the larger of 1 and b's greatest entry. */
static void kit_near(int64_t n, const double *a, const double *b, double tolerance, const char *what)
{
    double top = 1;
    for (int64_t i = 0; i < n; i++) top = fmax(top, fabs(b[i]));
    for (int64_t i = 0; i < n; i++) {
        if (fabs(a[i] - b[i]) <= tolerance * top || (isnan(a[i]) && isnan(b[i])) || a[i] == b[i]) continue;
        print_error("%s: element %lld is %.17g, expected %.17g\n", what, (long long)i, a[i], b[i]);
        fail();
    }
}

static void kit_check(const kit_case *c)
{
    const double h = 1e-5, tolerance = c->tolerance > 0 ? c->tolerance : 1e-11;
    double *x[KIT_INPUTS] = {NULL}, *v[KIT_INPUTS] = {NULL}, *w[KIT_INPUTS] = {NULL}, *up[KIT_INPUTS] = {NULL}, *down[KIT_INPUTS] = {NULL};
    double pulled = 0, bent = 0, bent_forward = 0, bent_difference = 0;

    for (int i = 0; i < c->count; i++) {
        const int64_t n = kit_count(c->in[i].ndim, c->in[i].shape);
        x[i] = kit_draw(n, 1 + (uint64_t)i);
        if (c->in[i].values) memcpy(x[i], c->in[i].values, (size_t)n * sizeof **x);
        v[i] = kit_draw(n, 100 + (uint64_t)i);
        w[i] = kit_draw(n, 200 + (uint64_t)i);
        up[i] = kit_draw(n, 0);
        down[i] = kit_draw(n, 0);
        for (int64_t k = 0; k < n; k++) {
            up[i][k] = x[i][k] + h * v[i][k];
            down[i][k] = x[i][k] - h * v[i][k];
        }
    }
    kit_values at = kit_run(c, NRM_F64, 1, true, x), above = kit_run(c, NRM_F64, 1, true, up), below = kit_run(c, NRM_F64, 1, true, down);
    kit_values two = kit_run(c, NRM_F64, 2, true, x), plain = kit_run(c, NRM_F64, 1, false, x);
    kit_values single = kit_run(c, NRM_F32, 1, true, x), single_two = kit_run(c, NRM_F32, 2, true, x);
    const int64_t ny = at.count[0];
    double *u = kit_draw(ny, 300), *difference = kit_draw(ny, 0);
    for (int64_t i = 0; i < ny; i++) difference[i] = (above.value[0][i] - below.value[0][i]) / (2 * h);
    kit_near(ny, at.value[1], difference, 1e-7 + 1e4 * tolerance, "forward derivative");
    for (int i = 0, k = 2; i < c->count; i++) {
        if (c->in[i].index) continue;
        const int64_t n = at.count[k];
        pulled += kit_dot(n, at.value[k], v[i]);
        bent += kit_dot(n, at.value[k + 1], v[i]);
        bent_forward += kit_dot(n, at.value[k + 2], w[i]);
        bent_difference += (kit_dot(n, above.value[k], w[i]) - kit_dot(n, below.value[k], w[i])) / (2 * h);
        k += 3;
    }
    const double pushed = kit_dot(ny, at.value[1], u);
    kit_near(1, &pulled, &pushed, 10 * tolerance, "adjoint");
    kit_near(1, &bent, &bent_difference, 1e-6 + 1e4 * tolerance, "second derivative");
    kit_near(1, &bent_forward, &bent, 10 * tolerance, "symmetry of the second derivative");
    for (int k = 0; k < KIT_OUTPUTS && at.value[k]; k++) {
        kit_near(at.count[k], plain.value[k], at.value[k], tolerance, "without optimisation");
        kit_near(at.count[k], single.value[k], at.value[k], c->f32_tolerance > 0 ? c->f32_tolerance : 2e-5, "f32");
        assert_int_equal(memcmp(two.bits[k], at.bits[k], at.bytes[k]), 0);
        assert_int_equal(memcmp(single_two.bits[k], single.bits[k], single.bytes[k]), 0);
    }
    kit_values *all[] = {&at, &above, &below, &two, &plain, &single, &single_two};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) kit_free(all[i]);
    for (int i = 0; i < c->count; i++) {
        free(x[i]);
        free(v[i]);
        free(w[i]);
        free(up[i]);
        free(down[i]);
    }
    free(u);
    free(difference);
}

#endif
