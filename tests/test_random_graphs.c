/* test_random_graphs.c -- graphs made by chance, with their derivatives: the optimised program
 * gives what the plain one gives.
 *
 * A graph of elementwise operations and views alone is computed to the same bits however it is
 * joined and cut into tiles; where sums are taken in another order the results agree to
 * rounding.  There, operations that jump or have kinks are given only what is the same to the
 * bit, for rounding decides the others.  NRM_RANDOM_GRAPHS=n tries n graphs rather than some
 * hundreds, NRM_RANDOM_SEED=s begins at graph s: a failure prints its number. */
#include "ops_kit.h"

enum { MOST_NODES = 64, MOST_SHAPE = 20000, MOST_FEW = 6 };

typedef struct chance {
    uint64_t state;
    nrm_graph *g;
    nrm_dtype dtype;
    bool plain;      /* elementwise operations and views alone */
    int ndim;        /* of the base shape, which all broadcast to */
    int64_t shape[4];
    nrm_node node[MOST_NODES];
    bool exact[MOST_NODES]; /* the same bits in every program */
    int count, inputs;
    void *data[MOST_FEW];
} chance;

static int64_t below(chance *c, int64_t n) { return (int64_t)(nrm_test_next(&c->state) % (uint64_t)n); }
static nrm_node_view view_of(nrm_node x)
{
    nrm_node_view view;
    assert_true(nrm_graph_view(x.graph, x.index, &view));
    return view;
}

/* ---- Shapes ---------------------------------------------------------------------------------------- */

static void base_shape(chance *c)
{
    static const int64_t small[] = {1, 1, 2, 3, 4, 5, 7}, long_[] = {1, 33, 511, 1000, 1023, 1024, 1025, 2048, 2049, 4096, 4999};
    c->ndim = 1 + (int)below(c, 4);
    for (int i = 0; i < 4; i++) c->shape[i] = small[below(c, 7)];
    if (below(c, 3) == 0) { /* around the sizes of tiles */
        c->ndim = 1 + (int)below(c, 2);
        c->shape[0] = long_[below(c, 11)];
        c->shape[1] = 1 + below(c, 1 + 5000 / c->shape[0]);
        if (below(c, 2)) {
            const int64_t kept = c->shape[0];
            c->shape[0] = c->shape[1];
            c->shape[1] = kept;
        }
    } else if (below(c, 20) == 0) c->shape[below(c, 4)] = 0;
}

/* The base shape with some axes left out at the front and some of size 1. */
static int some_shape(chance *c, int64_t *shape)
{
    const int out = below(c, 3) == 0 ? (int)below(c, c->ndim + 1) : 0;
    for (int i = out; i < c->ndim; i++) shape[i - out] = below(c, 4) == 0 ? 1 : c->shape[i];
    return c->ndim - out;
}

static bool broadcasts(nrm_node a, nrm_node b)
{
    const nrm_node_view x = view_of(a), y = view_of(b);
    int64_t count = 1;
    for (int i = 1; i <= x.ndim || i <= y.ndim; i++) {
        const int64_t m = i <= x.ndim ? x.shape[x.ndim - i] : 1, n = i <= y.ndim ? y.shape[y.ndim - i] : 1;
        if (m != n && m != 1 && n != 1) return false;
        count *= m == 1 ? n : m;
    }
    return count <= MOST_SHAPE;
}

/* ---- Nodes -------------------------------------------------------------------------------------------- */

static void add_source(chance *c)
{
    int64_t shape[4];
    const int ndim = some_shape(c, shape);
    double *x;
    int64_t count = 1;
    for (int i = 0; i < ndim; i++) count *= shape[i];
    x = malloc(sizeof *x * (size_t)count + 8);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) x[i] = 2 * nrm_test_uniform(&c->state) - 1;
    nrm_node made;
    if (c->count > 0 && below(c, 4) == 0) {
        made = below(c, 2) ? ops_constant(c->node[0], ndim, shape, x) : nrm_graph_uniform(c->g, c->dtype, ndim, shape, below(c, 2));
    } else if (c->inputs < MOST_FEW) {
        char name[16];
        snprintf(name, sizeof name, "x%d", c->inputs);
        float *single = malloc(sizeof *single * (size_t)count + 8);
        assert_non_null(single);
        for (int64_t i = 0; i < count; i++) single[i] = (float)x[i];
        c->data[c->inputs++] = c->dtype == NRM_F32 ? (void *)single : x;
        if (c->dtype == NRM_F32) free(x);
        else free(single);
        x = NULL;
        made = nrm_graph_input(c->g, name, c->dtype, ndim, shape);
    } else {
        made = nrm_graph_fill(c->g, c->dtype, ndim, shape, (double)(1 + below(c, 4)) / 2);
    }
    free(x);
    c->exact[c->count] = true;
    c->node[c->count++] = made;
}

static nrm_node smooth(chance *c, nrm_node x)
{
    switch (below(c, 12)) {
    case 0: return nrm_op_neg(x);
    case 1: return nrm_op_tanh(x);
    case 2: return nrm_op_sigmoid(x);
    case 3: return nrm_op_sin(x);
    case 4: return nrm_op_cos(x);
    case 5: return nrm_op_gelu(nrm_op_tanh(x));
    case 6: return nrm_op_square(nrm_op_sin(x));
    case 7: return nrm_op_exp(nrm_op_neg(nrm_op_square(x)));
    case 8: return nrm_op_reciprocal(nrm_op_shift(nrm_op_square(x), 1));
    case 9: return nrm_op_scale(x, below(c, 2) ? 0.5 : -0.25); /* powers of two: c1 (c2 x) is exact */
    case 10: return nrm_op_shift(x, 0.5);
    default: return nrm_op_log1p(nrm_op_square(nrm_op_tanh(x)));
    }
}
static nrm_node kinked(chance *c, nrm_node x, nrm_node y)
{
    switch (below(c, 9)) {
    case 0: return nrm_op_abs(x);
    case 1: return nrm_op_relu(x);
    case 2: return nrm_op_step(x);
    case 3: return nrm_op_clamp(x, -0.5, 0.25);
    case 4: return nrm_op_max(x, y);
    case 5: return nrm_op_min(x, y);
    case 6: return nrm_op_less(x, y);
    case 7: return nrm_op_where(nrm_op_less_equal(x, y), y, nrm_op_scale(x, 0.5));
    default: return nrm_op_sqrt(nrm_op_abs(x));
    }
}
static nrm_node joined(chance *c, nrm_node x, nrm_node y)
{
    switch (below(c, 4)) {
    case 0: return nrm_op_add(x, y);
    case 1: return nrm_op_sub(x, y);
    case 2: return nrm_op_mul(x, nrm_op_tanh(y));
    default: return nrm_op_div(x, nrm_op_shift(nrm_op_square(y), 1));
    }
}

static nrm_node viewed(chance *c, nrm_node x)
{
    const nrm_node_view v = view_of(x);
    const int axis = v.ndim > 0 ? (int)below(c, v.ndim) : -1;
    int axes[6] = {0, 1, 2, 3, 4, 5};
    if (axis < 0) return nrm_op_reshape(x, 1, (int64_t[]){1});
    const int64_t size = v.shape[axis], start = size > 0 ? below(c, size) : 0;
    switch (below(c, 9)) {
    case 0: return nrm_op_reshape(x, 1, (int64_t[]){ops_count(x)});
    case 1: return v.ndim < 2 ? nrm_op_reshape(x, 2, (int64_t[]){1, size}) : nrm_op_transpose(x);
    case 2:
        for (int i = v.ndim - 1; i > 0; i--) {
            const int j = (int)below(c, i + 1), kept = axes[i];
            axes[i] = axes[j];
            axes[j] = kept;
        }
        return nrm_op_permute(x, axes);
    case 3: return nrm_op_slice(x, axis, start, size, 1 + below(c, 3));
    case 4: return nrm_op_pad(x, axis, below(c, 3), below(c, 3), size < 50 ? below(c, 3) : 0);
    case 5: return nrm_op_roll(x, axis, below(c, 7) - 3);
    case 6: return nrm_op_concat(2, (nrm_node[]){x, nrm_op_slice(x, axis, start, size, 1)}, axis);
    case 7: {
        int64_t wider[6];
        for (int i = 0; i < v.ndim; i++) wider[i] = v.shape[i] == 1 ? 1 + below(c, 3) : v.shape[i];
        return nrm_op_broadcast(x, v.ndim, wider);
    }
    default: return nrm_op_reshape(x, 2, (int64_t[]){v.shape[0], ops_count(x) / (v.shape[0] > 0 ? v.shape[0] : 1)});
    }
}

/* Sums and products stay of the size of their elements. */
static nrm_node summed(chance *c, nrm_node x, bool exact)
{
    const nrm_node_view v = view_of(x);
    int axes[6], count = 0;
    bool empty = false;
    for (int i = 0; i < v.ndim; i++)
        if (below(c, 2)) {
            axes[count++] = i;
            empty = empty || v.shape[i] == 0;
        }
    const bool keep = below(c, 3) > 0;
    if (empty || below(c, 4) == 0) return nrm_op_tanh(nrm_op_sum(x, count, axes, keep));
    if (exact && below(c, 4) == 0) return below(c, 2) ? nrm_op_greatest(x, count, axes, keep) : nrm_op_least(x, count, axes, keep);
    return below(c, 3) == 0 ? nrm_op_tanh(nrm_op_logsumexp(x, count, axes, keep)) : nrm_op_mean(x, count, axes, keep);
}
static nrm_node multiplied(chance *c, nrm_node x, nrm_node y)
{
    nrm_node_view v = view_of(x), w = view_of(y);
    if (v.ndim < 2) return nrm_op_sin(x);
    const bool tx = below(c, 2), ty = below(c, 2);
    const int64_t k = v.shape[v.ndim - (tx ? 2 : 1)];
    bool fits = w.ndim == 2 && w.shape[ty ? 1 : 0] == k;
    const bool ty_used = fits ? ty : !tx;
    if (!fits) { /* itself, the other way round */
        y = x;
        w = v;
    }
    const int64_t rows = v.shape[v.ndim - (tx ? 1 : 2)], columns = w.shape[w.ndim - (ty_used ? 2 : 1)];
    if (ops_count(x) * columns > 200000 || (k > 0 && ops_count(x) / k * columns > MOST_SHAPE) || rows * columns > MOST_SHAPE) return nrm_op_sin(x);
    return nrm_op_tanh(nrm_op_scale(nrm_op_matmul_transposed(x, tx, y, ty_used), 0.25));
}

static void add_node(chance *c)
{
    const int a = (int)below(c, c->count), b = (int)below(c, c->count);
    const nrm_node x = c->node[a], y = broadcasts(x, c->node[b]) ? c->node[b] : x;
    bool exact = c->exact[a] && c->exact[b];
    const int64_t what = below(c, c->plain ? 12 : 16);
    nrm_node made;
    if (what < 4) made = smooth(c, x);
    else if (what < 8) made = joined(c, x, y);
    else if (what < 10) made = exact ? kinked(c, x, y) : smooth(c, x);
    else if (what < 12) made = viewed(c, x);
    else {
        made = what < 14 ? summed(c, x, exact) : multiplied(c, x, c->node[b]);
        exact = false;
    }
    if (nrm_graph_check(c->g) != NRM_OK) return;
    c->exact[c->count] = exact;
    if (ops_count(made) <= MOST_SHAPE) c->node[c->count++] = made;
}

/* ---- A graph and its programs -------------------------------------------------------------------------- */

static void compare(uint64_t seed, const char *what, int count, const nrm_node *nodes, double **a, double **b, double tol)
{
    for (int k = 0; k < count; k++)
        for (int64_t i = 0; i < ops_count(nodes[k]); i++) {
            if (a[k][i] == b[k][i] || fabs(a[k][i] - b[k][i]) <= tol * (1 + fabs(b[k][i]))) continue;
            print_error("graph %llu: %s: output %d, element %lld of %lld: %.17g, plainly %.17g, tolerance %g\n", (unsigned long long)seed, what, k,
                        (long long)i, (long long)ops_count(nodes[k]), a[k][i], b[k][i], tol);
            fail();
        }
}

static void compare_programs(chance *c, uint64_t seed, nrm_ctx *ctx, int count, const nrm_node *nodes, bool exact)
{
    static const ops_mode modes[] = {{true, true, 1, false}, {true, true, 2, true}, {true, false, 1, true}};
    static const char *const names[] = {"optimised", "two threads, bound", "not fused"};
    double *plain[MOST_FEW], *other[MOST_FEW], *first[MOST_FEW];
    const double rounding = c->dtype == NRM_F32 ? 2e-3 : 1e-10;
    ops_evaluate(ctx, count, nodes, c->data, (ops_mode){false, false, 1, false}, plain);
    for (int m = 0; m < 3; m++) {
        double **results = m == 0 ? first : other;
        ops_evaluate(ctx, count, nodes, c->data, modes[m], results);
        compare(seed, names[m], count, nodes, results, plain, exact ? 0 : rounding);
        if (m == 1) compare(seed, names[m], count, nodes, results, first, 0);
        for (int k = 0; k < count && m > 0; k++) free(other[k]);
    }
    for (int k = 0; k < count; k++) {
        free(plain[k]);
        free(first[k]);
    }
}

static void try_graph(uint64_t seed)
{
    ops_memory memory;
    nrm_ctx *ctx = ops_ctx(&memory, 0xFF);
    chance c = {.state = seed * 2654435761u + 17};
    nrm_node outputs[MOST_FEW], inputs[MOST_FEW], gradients[MOST_FEW], loss;
    int count;

    assert_ok(ctx, nrm_graph_create(ctx, &c.g));
    c.dtype = below(&c, 2) ? NRM_F64 : NRM_F32;
    c.plain = below(&c, 3) == 0;
    base_shape(&c);
    for (int64_t i = 2 + below(&c, 3); i > 0; i--) add_source(&c);
    for (int64_t i = 3 + below(&c, 55); i > 0 && c.count < MOST_NODES; i--) below(&c, 12) ? add_node(&c) : add_source(&c);
    if (nrm_graph_check(c.g) != NRM_OK) print_error("graph %llu: %s\n", (unsigned long long)seed, nrm_message(ctx));
    assert_ok(ctx, nrm_graph_check(c.g));

    count = 1 + (int)below(&c, MOST_FEW - 1);
    loss = nrm_graph_scalar(c.g, c.dtype, 0);
    for (int k = 0; k < count; k++) {
        outputs[k] = k == 0 ? c.node[c.count - 1] : c.node[below(&c, c.count)];
        if (ops_count(outputs[k]) > 0) loss = nrm_op_add(loss, nrm_op_mean_all(nrm_op_sin(outputs[k])));
    }
    compare_programs(&c, seed, ctx, count, outputs, c.plain);
    for (int k = 0; k < c.inputs; k++) inputs[k] = nrm_graph_find(c.g, (const char[3]){'x', (char)('0' + k), 0});
    nrm_graph_gradient(loss, c.inputs, inputs, gradients);
    assert_ok(ctx, nrm_graph_check(c.g));
    compare_programs(&c, seed, ctx, c.inputs, gradients, false);
    nrm_graph_destroy(c.g);
    for (int k = 0; k < c.inputs; k++) free(c.data[k]);
    nrm_ctx_destroy(ctx);
    assert_int_equal(memory.live, 0);
}

static uint64_t in_work; /* 0: none */
static int tell(void **state)
{
    (void)state;
    if (in_work) print_error("graph %llu was in work\n", (unsigned long long)in_work);
    return 0;
}

static void test_graphs(void **state)
{
    const char *many = getenv("NRM_RANDOM_GRAPHS"), *begin = getenv("NRM_RANDOM_SEED");
    const uint64_t count = many ? strtoull(many, NULL, 10) : 300, first = begin ? strtoull(begin, NULL, 10) : 1;
    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++) try_graph(in_work = seed);
    in_work = 0;
}

NRM_TEST_MAIN(cmocka_unit_test_teardown(test_graphs, tell))
