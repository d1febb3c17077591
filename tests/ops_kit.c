/* ops_kit.c -- contract: ops_kit.h. */
#include "ops_kit.h"

typedef struct session {
    const ops_record *r;
    nrm_ctx *ctx;
    nrm_graph *graph;
    nrm_dtype dtype; /* of the real inputs */
    nrm_node x[OPS_MOST_INPUTS], y;
    void *data[OPS_MOST_INPUTS];
    int64_t count[OPS_MOST_INPUTS];
    nrm_node real[OPS_MOST_INPUTS]; /* those with derivatives, and */
    int real_at[OPS_MOST_INPUTS], real_count; /* their numbers */
} session;

static double or_default(double given, double usual) { return given != 0 ? given : usual; }

/* ---- Memory full of rubbish -------------------------------------------------------------------- */

static void *rubbish_allocate(void *user, size_t alignment, size_t bytes)
{
    ops_memory *m = user;
    void *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    assert_non_null(memory);
    memset(memory, m->rubbish, bytes);
    m->live++;
    m->requests++;
    return memory;
}

static void rubbish_release(void *user, void *memory)
{
    ((ops_memory *)user)->live--;
    free(memory);
}

nrm_ctx *ops_ctx(ops_memory *memory, int rubbish)
{
    nrm_ctx_options options = nrm_ctx_options_default();
    nrm_ctx *ctx = NULL;
    *memory = (ops_memory){.rubbish = rubbish};
    options.allocator = (nrm_allocator){rubbish_allocate, rubbish_release, memory};
    assert_int_equal(nrm_ctx_create(&ctx, &options), NRM_OK);
    return ctx;
}

/* ---- Nodes ------------------------------------------------------------------------------------------ */

nrm_dtype ops_dtype(nrm_node node)
{
    nrm_node_view view;
    assert_true(nrm_graph_view(node.graph, node.index, &view));
    return view.dtype;
}

int64_t ops_count(nrm_node node)
{
    nrm_node_view view;
    int64_t count = 1;
    assert_true(nrm_graph_view(node.graph, node.index, &view));
    for (int i = 0; i < view.ndim; i++) count *= view.shape[i];
    return count;
}

static void *elements_of(nrm_dtype dtype, int64_t count, const double *values)
{
    void *x = malloc((size_t)count * nrm_dtype_size(dtype) + 1);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) {
        if (dtype == NRM_F32) ((float *)x)[i] = (float)values[i];
        else if (dtype == NRM_F64) ((double *)x)[i] = values[i];
        else ((int64_t *)x)[i] = (int64_t)values[i];
    }
    return x;
}

nrm_node ops_constant(nrm_node like, int ndim, const int64_t *shape, const double *values)
{
    int64_t count = 1;
    if (!nrm_node_valid(like)) return like;
    for (int i = 0; i < ndim; i++) count *= shape[i];
    void *elements = elements_of(ops_dtype(like), count, values);
    const nrm_node made = nrm_graph_constant(like.graph, ops_dtype(like), ndim, shape, elements);
    free(elements);
    return made;
}

/* Numbers of a node's shape that every run of the tests repeats. */
static double *fixed_numbers(int64_t count, uint64_t seed)
{
    double *x = malloc(sizeof *x * (size_t)count + 1);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) x[i] = (double)(float)(2 * nrm_test_uniform(&seed) - 1);
    return x;
}

static nrm_node fixed_like(nrm_node node, const double *values)
{
    nrm_node_view view;
    assert_true(nrm_graph_view(node.graph, node.index, &view));
    return ops_constant(node, view.ndim, view.shape, values);
}

/* ---- Running ------------------------------------------------------------------------------------------ */

static double element(nrm_dtype dtype, const void *x, int64_t i)
{
    return dtype == NRM_F32 ? (double)((const float *)x)[i] : dtype == NRM_F64 ? ((const double *)x)[i] : (double)((const int64_t *)x)[i];
}

static nrm_instance *ready(nrm_ctx *ctx, int count, const nrm_node *nodes, void *const *data, ops_mode mode, nrm_program **program)
{
    nrm_compile_options options = nrm_compile_options_default();
    nrm_instance *run;
    options.optimise = mode.optimise;
    options.fuse = mode.fuse;
    assert_ok(ctx, nrm_set_threads(ctx, mode.threads));
    assert_ok(ctx, nrm_compile(ctx, count, nodes, &options, program));
    assert_ok(ctx, nrm_instance_create(ctx, *program, &run));
    for (int i = 0; i < nrm_program_input_count(*program); i++) assert_ok(ctx, nrm_instance_bind_at(ctx, run, i, data[i]));
    return run;
}

void ops_evaluate(nrm_ctx *ctx, int count, const nrm_node *nodes, void *const *data, ops_mode mode, double **results)
{
    nrm_program *program;
    nrm_instance *run = ready(ctx, count, nodes, data, mode, &program);
    void **own = calloc((size_t)count, sizeof *own);
    assert_non_null(own);
    for (int k = 0; k < count && mode.bound; k++) {
        const size_t bytes = (size_t)ops_count(nodes[k]) * nrm_dtype_size(ops_dtype(nodes[k]));
        own[k] = malloc(bytes + 1);
        assert_non_null(own[k]);
        memset(own[k], 0xFF, bytes + 1);
        assert_ok(ctx, nrm_instance_bind_output(ctx, run, k, own[k]));
    }
    assert_ok(ctx, nrm_run(ctx, run));
    for (int k = 0; k < count; k++) {
        const int64_t n = ops_count(nodes[k]);
        const void *x = nrm_instance_output(run, k);
        results[k] = malloc(sizeof **results * (size_t)n + 1);
        assert_true(x && results[k]);
        for (int64_t i = 0; i < n; i++) results[k][i] = element(ops_dtype(nodes[k]), x, i);
        free(own[k]);
    }
    free(own);
    nrm_instance_destroy(run);
    nrm_program_destroy(program);
}

static void release(int count, double **results)
{
    for (int k = 0; k < count; k++) free(results[k]);
}

/* ---- Comparing ------------------------------------------------------------------------------------------ */

static void compare(const session *s, const char *what, int which, int64_t n, const double *a, const double *b, double tol)
{
    for (int64_t i = 0; i < n; i++) {
        if ((isnan(a[i]) && isnan(b[i])) || a[i] == b[i] || fabs(a[i] - b[i]) <= tol * (1 + fabs(b[i]))) continue;
        print_error("%s: %s %d, element %lld of %lld: %.17g, expected %.17g within %g\n", s->r->name, what, which, (long long)i, (long long)n,
                    a[i], b[i], tol);
        fail();
    }
}

/* Every way to compute `nodes` gives the same; results: those of the usual way. */
static void compute_every_way(session *s, const char *what, int count, const nrm_node *nodes, double **results)
{
    static const ops_mode usual = {true, true, 1, false}, ways[] = {{true, true, 2, true}, {true, false, 2, false}, {false, false, 1, true}};
    static const char *const names[] = {"two threads, bound", "not fused", "not optimised"};
    const double rounding = s->dtype == NRM_F32 ? 0.1 * or_default(s->r->single_tolerance, 1e-5) : or_default(s->r->value_tolerance, 1e-12);
    ops_evaluate(s->ctx, count, nodes, s->data, usual, results);
    for (int w = 0; w < 3; w++) {
        double *others[OPS_MOST_INPUTS];
        char text[128];
        snprintf(text, sizeof text, "%s (%s)", what, names[w]);
        ops_evaluate(s->ctx, count, nodes, s->data, ways[w], others);
        for (int k = 0; k < count; k++) compare(s, text, k, ops_count(nodes[k]), others[k], results[k], w == 0 ? 0 : rounding);
        release(count, others);
    }
}

/* analytic[i]: the derivative by real input i of sum_k <node k, weights[k]>, against central
 * differences in at most some forty of its elements. */
static void compare_differences(session *s, const char *what, int count, const nrm_node *nodes, double *const *weights,
                                double *const *analytic, double tol)
{
    enum { MOST = 41 };
    nrm_program *program;
    nrm_instance *run = ready(s->ctx, count, nodes, s->data, (ops_mode){true, true, 1, false}, &program);
    for (int i = 0; i < s->real_count; i++) {
        const int64_t n = s->count[s->real_at[i]], every = n / MOST + 1;
        double *x = s->data[s->real_at[i]];
        for (int64_t j = 0; j < n; j += every) {
            const double kept = x[j], h = 1e-5 * (1 + fabs(kept));
            double sum = 0, size = 1;
            for (int side = -1; side <= 1; side += 2) {
                x[j] = kept + side * h;
                assert_ok(s->ctx, nrm_run(s->ctx, run));
                for (int k = 0; k < count; k++) {
                    const double *y = nrm_instance_output(run, k);
                    for (int64_t e = 0; e < ops_count(nodes[k]); e++) {
                        sum += side * y[e] * weights[k][e];
                        size = fmax(size, fabs(y[e]));
                    }
                }
            }
            x[j] = kept;
            const double difference = sum / ((kept + h) - (kept - h));
            if (fabs(difference - analytic[i][j]) <= tol * (size + fabs(difference))) continue;
            print_error("%s: %s by input %d, element %lld of %lld: %.12g, differences give %.12g, tolerance %g\n", s->r->name, what, i,
                        (long long)j, (long long)n, analytic[i][j], difference, tol * (size + fabs(difference)));
            fail();
        }
    }
    nrm_instance_destroy(run);
    nrm_program_destroy(program);
}

/* ---- The checks ------------------------------------------------------------------------------------------- */

static void make_elements(const ops_input *in, int64_t count, uint64_t *seed, double *x)
{
    const bool usual = in->low == 0 && in->high == 0;
    const double low = usual ? -2 : in->low, high = usual ? 2 : in->high;
    for (int64_t i = 0; i < count; i++) {
        x[i] = in->distinct ? low + (high - low) * ((double)i + 0.5) / (double)count : low + (high - low) * nrm_test_uniform(seed);
        if (in->index) x[i] = fmin(floor(x[i]), high - 1);
        else if (fabs(x[i]) < in->away) x[i] = x[i] < 0 ? -in->away : in->away;
        if (in->values) x[i] = in->values[i];
        x[i] = in->index ? x[i] : (double)(float)x[i]; /* the same number in f32 and f64 */
    }
    for (int64_t i = count - 1; in->distinct && i > 0; i--) {
        const int64_t j = (int64_t)(nrm_test_next(seed) % (uint64_t)(i + 1));
        const double kept = x[i];
        x[i] = x[j];
        x[j] = kept;
    }
}

static void begin(session *s, const ops_record *r, nrm_ctx *ctx, nrm_dtype dtype)
{
    uint64_t seed = 12345;
    *s = (session){.r = r, .ctx = ctx, .dtype = dtype};
    assert_ok(ctx, nrm_graph_create(ctx, &s->graph));
    for (int i = 0; i < r->input_count; i++) {
        const ops_input *in = &r->inputs[i];
        char name[16];
        s->count[i] = 1;
        for (int k = 0; k < in->ndim; k++) s->count[i] *= in->shape[k];
        double *x = malloc(sizeof *x * (size_t)s->count[i] + 1);
        assert_non_null(x);
        make_elements(in, s->count[i], &seed, x);
        s->data[i] = elements_of(in->index ? NRM_I64 : dtype, s->count[i], x);
        free(x);
        snprintf(name, sizeof name, "x%d", i);
        s->x[i] = nrm_graph_input(s->graph, name, in->index ? NRM_I64 : dtype, in->ndim, in->shape);
        if (in->index) continue;
        s->real_at[s->real_count] = i;
        s->real[s->real_count++] = s->x[i];
    }
    s->y = r->build(s->graph, s->x, r->user);
    if (nrm_graph_check(s->graph) != NRM_OK) print_error("%s: %s\n", r->name, nrm_message(ctx));
    assert_true(nrm_node_valid(s->y));
}

static void end(session *s)
{
    for (int i = 0; i < s->r->input_count; i++) free(s->data[i]);
    nrm_graph_destroy(s->graph);
}

static void check_reference(session *s, const double *y)
{
    ops_values in[OPS_MOST_INPUTS];
    const int64_t n = ops_count(s->y);
    double *expected = malloc(sizeof *expected * (size_t)n + 1);
    assert_non_null(expected);
    for (int i = 0; i < s->r->input_count; i++)
        in[i] = s->r->inputs[i].index ? (ops_values){s->count[i], NULL, s->data[i]} : (ops_values){s->count[i], s->data[i], NULL};
    s->r->reference(in, expected, s->r->user);
    compare(s, "value", 0, n, y, expected, or_default(s->r->value_tolerance, 1e-12));
    free(expected);
}

/* <J t, v> = <t, J' v>; gradients hold J' v. */
static void check_forward(session *s, const double *v, double *const *gradients)
{
    nrm_node tangents[OPS_MOST_INPUTS], forward;
    double *result, left = 0, right = 0, size = 0;
    for (int i = 0; i < s->real_count; i++) {
        const int64_t n = ops_count(s->real[i]);
        double *t = fixed_numbers(n, 77 + (uint64_t)i);
        tangents[i] = fixed_like(s->real[i], t);
        for (int64_t j = 0; j < n; j++) {
            right += t[j] * gradients[i][j];
            size += fabs(t[j] * gradients[i][j]);
        }
        free(t);
    }
    nrm_graph_jvp(s->real_count, s->real, tangents, 1, &s->y, &forward);
    compute_every_way(s, "forward", 1, &forward, &result);
    for (int64_t j = 0; j < ops_count(s->y); j++) {
        left += result[j] * v[j];
        size += fabs(result[j] * v[j]);
    }
    free(result);
    if (fabs(left - right) > 1e-12 * (1 + size)) {
        print_error("%s: <J t, v> = %.17g and <t, J' v> = %.17g\n", s->r->name, left, right);
        fail();
    }
}

static void check_second(session *s, const nrm_node *gradients)
{
    nrm_node weights[OPS_MOST_INPUTS], second[OPS_MOST_INPUTS];
    double *w[OPS_MOST_INPUTS], *results[OPS_MOST_INPUTS];
    for (int i = 0; i < s->real_count; i++) {
        w[i] = fixed_numbers(ops_count(s->real[i]), 99 + (uint64_t)i);
        weights[i] = fixed_like(s->real[i], w[i]);
    }
    nrm_graph_vjp(s->real_count, gradients, weights, s->real_count, s->real, second);
    assert_ok(s->ctx, nrm_graph_check(s->graph));
    compute_every_way(s, "second derivative", s->real_count, second, results);
    compare_differences(s, "second derivative", s->real_count, gradients, w, results, or_default(s->r->second_tolerance, 1e-6));
    release(s->real_count, results);
    release(s->real_count, w);
}

/* Values and first derivatives in one dtype; in f64 against the references too. */
static void examine(const ops_record *r, nrm_dtype dtype, int rubbish, double **y, double **gradients)
{
    ops_memory memory;
    session s;
    nrm_node reverse[OPS_MOST_INPUTS];
    nrm_ctx *ctx = ops_ctx(&memory, rubbish);

    begin(&s, r, ctx, dtype);
    compute_every_way(&s, "value", 1, &s.y, y);
    if (dtype == NRM_F64 && r->reference) check_reference(&s, *y);
    if (s.real_count > 0 && !(r->flags & OPS_NO_DERIVATIVE)) {
        double *v = fixed_numbers(ops_count(s.y), 55);
        const nrm_node cotangent = fixed_like(s.y, v);
        nrm_graph_vjp(1, &s.y, &cotangent, s.real_count, s.real, reverse);
        if (nrm_graph_check(s.graph) != NRM_OK) print_error("%s: %s\n", r->name, nrm_message(ctx));
        compute_every_way(&s, "derivative", s.real_count, reverse, gradients);
        if (dtype == NRM_F64) {
            compare_differences(&s, "derivative", 1, &s.y, &v, gradients, or_default(r->first_tolerance, 1e-7));
            if (!(r->flags & OPS_ONE_DERIVATIVE)) {
                check_forward(&s, v, gradients);
                check_second(&s, reverse);
            }
        }
        free(v);
    }
    end(&s);
    nrm_ctx_destroy(ctx);
    assert_int_equal(memory.live, 0);
}

void ops_check(const ops_record *r)
{
    double *y[3] = {NULL}, *gradients[3][OPS_MOST_INPUTS] = {{NULL}};
    const int runs = r->flags & OPS_NO_SINGLE ? 2 : 3;
    const double single = or_default(r->single_tolerance, 1e-5);
    ops_memory memory;
    session s;
    nrm_ctx *ctx = ops_ctx(&memory, 0);

    examine(r, NRM_F64, 0xFF, &y[0], gradients[0]);
    examine(r, NRM_F64, 0, &y[1], gradients[1]);
    if (runs == 3) examine(r, NRM_F32, 0xFF, &y[2], gradients[2]);
    begin(&s, r, ctx, NRM_F64);
    for (int k = 1; k < runs; k++) {
        const char *what = k == 1 ? "with other rubbish in memory" : "f32";
        compare(&s, what, 0, ops_count(s.y), y[k], y[0], k == 1 ? 0 : single);
        for (int i = 0; i < s.real_count && gradients[0][i]; i++)
            compare(&s, what, i, s.count[s.real_at[i]], gradients[k][i], gradients[0][i], k == 1 ? 0 : 10 * single);
    }
    end(&s);
    nrm_ctx_destroy(ctx);
    for (int k = 0; k < 3; k++) {
        free(y[k]);
        release(OPS_MOST_INPUTS, gradients[k]);
    }
}

void ops_check_all(const ops_record *records, int count)
{
    for (int i = 0; i < count; i++) ops_check(&records[i]);
}
