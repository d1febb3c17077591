/* test_ops_sort.c -- top_indices, argmax and sort. */
#include "index_kit.h"

typedef struct choose { int64_t k; bool largest; } choose;

static nrm_node top(nrm_graph *g, const nrm_node *x, const void *user) { (void)g; return nrm_op_top_indices(x[0], ((const choose *)user)->k, ((const choose *)user)->largest); }
static nrm_node argmax(nrm_graph *g, const nrm_node *x, const void *user) { (void)g; (void)user; return nrm_op_argmax(x[0]); }
static nrm_node sort(nrm_graph *g, const nrm_node *x, const void *user) { (void)g; return nrm_op_sort(x[0], *(const bool *)user); }
static nrm_node bent_sort(nrm_graph *g, const nrm_node *x, const void *user)
{
    const nrm_node y = nrm_op_sort(nrm_op_sin(x[0]), *(const bool *)user);
    (void)g;
    return nrm_op_mul(y, nrm_op_cumulative_sum(y, -1, false, false));
}
static const bool yes = true, no = false;

/* Whether a comes before b, by the header's words. */
static bool before(const double *x, int64_t a, int64_t b, bool largest)
{
    const bool na = isnan(x[a]), nb = isnan(x[b]);
    if ((na && nb) || x[a] == x[b]) return a < b;
    if (na || nb) return largest ? na : nb;
    return largest ? x[a] > x[b] : x[a] < x[b];
}

/* Each place is the number of those before it: rank by rank, with no sorting. */
static void check_places(nrm_dtype dtype, int64_t rows, int64_t n, int64_t k, bool largest, const double *x)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    double *y[2], *ranked = malloc((size_t)(rows * k) * sizeof *ranked + 1);
    void *data = malloc((size_t)(rows * n) * 8 + 1);
    assert_true(ranked && data);
    for (int64_t i = 0; i < rows * n; i++) {
        if (dtype == NRM_F32) ((float *)data)[i] = (float)x[i];
        else ((double *)data)[i] = x[i];
    }
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node in = nrm_graph_input(g, "x", dtype, 2, (int64_t[]){rows, n}), places = nrm_op_top_indices(in, k, largest);
    for (int threads = 1; threads <= 2; threads++) ops_evaluate(ctx, 1, &places, &data, (ops_mode){true, true, threads, true}, &y[threads - 1]);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++) {
            int64_t rank = 0;
            for (int64_t j = 0; j < n; j++) rank += before(x + r * n, j, i, largest);
            if (rank < k) ranked[r * k + rank] = (double)i;
        }
    for (int64_t i = 0; i < rows * k; i++)
        if (y[0][i] != ranked[i] || y[1][i] != ranked[i]) {
            print_error("%lld of %lld, %s: place %lld is %g and %g, expected %g\n", (long long)k, (long long)n, largest ? "largest" : "smallest", (long long)i,
                        y[0][i], y[1][i], ranked[i]);
            fail();
        }
    free(y[0]);
    free(y[1]);
    free(ranked);
    free(data);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

/* Random, with few values and so many ties, with extremes of every kind; short, long, all. */
static void places(void **state)
{
    static const int64_t sizes[] = {1, 2, 7, 8, 9, 32, 33, 64, 257, 1100};
    static const double special[] = {0, -0.0, INFINITY, -INFINITY, (double)NAN, -(double)NAN, 1, -1, 0x1p-149, -0x1p-149, 0x1.fffffep127, -0x1.fffffep127};
    static double x[3 * 1100];
    uint64_t seed = 5;
    (void)state;
    for (int s = 0; s < 10; s++)
        for (int kind = 0; kind < 3; kind++) {
            const int64_t n = sizes[s], ks[] = {0, 1, n / 3, n - 1, n};
            for (int64_t i = 0; i < 3 * n; i++)
                x[i] = kind == 0 ? (double)(float)nrm_test_normal(&seed) : kind == 1 ? (double)(nrm_test_next(&seed) % 5) : special[nrm_test_next(&seed) % 12];
            for (int j = 0; j < 5; j++)
                for (int way = 0; way < 4; way++) check_places(way & 1 ? NRM_F32 : NRM_F64, 3, n, ks[j], way & 2, x);
        }
}

static void against_numpy(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    for (int64_t k = 5; k <= 400; k += 395)
        for (int largest = 0; largest < 2; largest++) {
            const choose user = {k, largest};
            const ops_record r = {.name = "top_indices", .build = top, .user = &user, .input_count = 1, .inputs = {{.ndim = 2, .shape = {2, 400}, .values = pattern(5, 800)}}};
            index_run run = index_begin(ctx, &r);
            double *y;
            ops_evaluate(ctx, 1, &run.y, run.data, (ops_mode){true, true, 1, false}, &y);
            for (int64_t i = 0; i < 2 * k; i++) assert_true(y[i] == (double)(largest ? falling : rising)[i / k * 400 + i % k]);
            free(y);
            index_end(&r, &run);
        }
    nrm_ctx_destroy(ctx);
    const ops_record sorted = {.name = "sort", .build = sort, .user = &no, .input_count = 1, .inputs = {{.ndim = 2, .shape = {2, 37}, .values = pattern(5, 74)}}};
    index_against(&sorted, sort_y, (const double *[]){sort_d0});
}

static void argmax_value(const ops_values *in, double *y, const void *user)
{
    const int64_t n = *(const int64_t *)user;
    for (int64_t r = 0; r < in[0].count / n; r++) {
        int64_t best = 0;
        for (int64_t i = 1; i < n; i++)
            if (before(in[0].x + r * n, i, best, true)) best = i;
        y[r] = (double)best;
    }
}

static void greatest_place(void **state)
{
    static const int64_t sizes[] = {1, 5, 8, 100, 40000};
    (void)state;
    for (int s = 0; s < 5; s++) {
        const ops_record r = {.name = "argmax", .build = argmax, .reference = argmax_value, .user = &sizes[s], .flags = OPS_NO_DERIVATIVE, .input_count = 1,
            .inputs = {{.ndim = 3, .shape = {2, 3, sizes[s]}}}};
        ops_check(&r);
    }
    const ops_record row = {.name = "argmax of a row", .build = argmax, .reference = argmax_value, .user = &sizes[1], .flags = OPS_NO_DERIVATIVE, .input_count = 1,
        .inputs = {{.ndim = 1, .shape = {5}, .values = (const double[]){1, (double)NAN, 7, (double)NAN, INFINITY}}}};
    ops_check(&row);
}

static void derivatives(void **state)
{
    (void)state;
    const ops_record records[] = {
        {.name = "sort falling", .build = bent_sort, .user = &yes, .input_count = 1, .inputs = {{.ndim = 3, .shape = {2, 2, 7}, .distinct = true, .low = -1.5, .high = 1.5}}},
        {.name = "sort rising", .build = bent_sort, .user = &no, .input_count = 1, .inputs = {{.ndim = 1, .shape = {40}, .distinct = true, .low = -1.5, .high = 1.5}}},
        {.name = "sort of nothing", .build = bent_sort, .user = &no, .input_count = 1, .inputs = {{.ndim = 2, .shape = {3, 0}}}},
        {.name = "sort of no rows", .build = bent_sort, .user = &no, .input_count = 1, .inputs = {{.ndim = 2, .shape = {0, 3}}}},
    };
    ops_check_all(records, 4);
}

static void refusals(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    (void)state;
    KIT_REFUSED(ctx, NRM_E_RANGE, "top_indices: k is 4; it must be at least 0 and at most the last axis' 3 elements", , nrm_op_top_indices(REAL_OF(2, 3), 4, true));
    KIT_REFUSED(ctx, NRM_E_RANGE, "top_indices: k is -1", , nrm_op_top_indices(REAL_OF(2, 3), -1, true));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "top_indices: the argument is i64", , nrm_op_top_indices(WHOLE_OF(2, 3), 1, true));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "top_indices: the argument has shape", , nrm_op_top_indices(nrm_graph_scalar(g, NRM_F64, 1), 0, true));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "sort: the argument has shape", , nrm_op_sort(nrm_graph_scalar(g, NRM_F64, 1), true));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "sort: the argument is i64", , nrm_op_sort(WHOLE_OF(3), true));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "argmax: the last axis is empty", , nrm_op_argmax(REAL_OF(2, 0)));
    KIT_REFUSED(ctx, NRM_E_SHAPE, "argmax: the argument has shape", , nrm_op_argmax(nrm_graph_scalar(g, NRM_F64, 1)));
    KIT_REFUSED(ctx, NRM_E_DTYPE, "argmax: the argument is i64", , nrm_op_argmax(WHOLE_OF(3)));
    nrm_ctx_destroy(ctx);
}

/* More work than memory can address is refused while compiling, not asked for. */
static void endless_axis(void **state)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_graph *g;
    nrm_program *program = NULL;
    const int64_t n = INT64_MAX / 16;
    (void)state;
    assert_ok(ctx, nrm_graph_create(ctx, &g));
    const nrm_node y = nrm_op_argmax(nrm_op_cast(nrm_op_top_indices(nrm_graph_input(g, "x", NRM_F32, 1, &n), n / 2, true), NRM_F32));
    assert_true(nrm_compile(ctx, 1, &y, NULL, &program) < 0);
    assert_null(program);
    nrm_graph_destroy(g);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(places), cmocka_unit_test(against_numpy), cmocka_unit_test(greatest_place), cmocka_unit_test(derivatives),
              cmocka_unit_test(refusals), cmocka_unit_test(endless_axis))
