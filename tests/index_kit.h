/* index_kit.h -- what the tests of operations with indices, segments, sparse products and scans
 * share: the inputs of reference/ops_index.py, comparison with its values, hostile runs. */
#ifndef NRM_INDEX_KIT_H
#define NRM_INDEX_KIT_H

#include "ops_kit.h"
#include "refusal_kit.h"
#include "reference/ops_index_values.h"

enum { INDEX_MOST = 1024 };

/* Static numbers of the reference script, eight in turn. */
static inline double *index_numbers(void)
{
    static double numbers[8][INDEX_MOST];
    static int turn;
    return numbers[turn++ % 8];
}

static inline const double *pattern(int64_t k, int64_t n)
{
    double *x = index_numbers();
    for (int64_t i = 0; i < n; i++) x[i] = (double)((i * 37 + i * i * 11 + k * 29) % 97 - 48) / 16;
    return x;
}

static inline const double *choice(int64_t k, int64_t below, int64_t n)
{
    double *x = index_numbers();
    for (int64_t i = 0; i < n; i++) x[i] = (double)((i * 7 + i * i * 3 + k * 5) % below);
    return x;
}

typedef struct index_run {
    nrm_graph *graph;
    nrm_node x[OPS_MOST_INPUTS], real[OPS_MOST_INPUTS], y;
    int real_count;
    void *data[OPS_MOST_INPUTS];
} index_run;

/* The record's graph in f64, every input with values. */
static inline index_run index_begin(nrm_ctx *ctx, const ops_record *r)
{
    index_run run = {0};
    assert_ok(ctx, nrm_graph_create(ctx, &run.graph));
    for (int i = 0; i < r->input_count; i++) {
        const ops_input *in = &r->inputs[i];
        int64_t count = 1;
        char name[16];
        for (int k = 0; k < in->ndim; k++) count *= in->shape[k];
        assert_true(count <= INDEX_MOST);
        run.data[i] = malloc((size_t)count * 8 + 1);
        assert_non_null(run.data[i]);
        for (int64_t j = 0; j < count; j++) {
            if (in->index) ((int64_t *)run.data[i])[j] = (int64_t)in->values[j];
            else ((double *)run.data[i])[j] = in->values[j];
        }
        snprintf(name, sizeof name, "x%d", i);
        run.x[i] = nrm_graph_input(run.graph, name, in->index ? NRM_I64 : NRM_F64, in->ndim, in->shape);
        if (!in->index) run.real[run.real_count++] = run.x[i];
    }
    run.y = r->build(run.graph, run.x, r->user);
    assert_ok(ctx, nrm_graph_check(run.graph));
    return run;
}

static inline void index_end(const ops_record *r, index_run *run)
{
    for (int i = 0; i < r->input_count; i++) free(run->data[i]);
    nrm_graph_destroy(run->graph);
}

/* The value and the derivatives of <value, pattern(9)> are those of the reference. */
static inline void index_against(const ops_record *r, const double *y, const double *const *derivatives)
{
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    index_run run = index_begin(ctx, r);
    nrm_node outputs[1 + OPS_MOST_INPUTS] = {run.y};
    double *results[1 + OPS_MOST_INPUTS];
    nrm_node_view view;
    assert_true(nrm_graph_view(run.graph, run.y.index, &view));
    const nrm_node cotangent = ops_constant(run.y, view.ndim, view.shape, pattern(9, ops_count(run.y)));
    nrm_graph_vjp(1, &run.y, &cotangent, run.real_count, run.real, outputs + 1);
    ops_evaluate(ctx, 1 + run.real_count, outputs, run.data, (ops_mode){true, true, 2, false}, results);
    assert_all_near(results[0], y, ops_count(run.y), 1e-14);
    for (int i = 0; i < run.real_count; i++) assert_all_near(results[1 + i], derivatives[i], ops_count(run.real[i]), 1e-13);
    for (int i = 0; i < 1 + run.real_count; i++) free(results[i]);
    index_end(r, &run);
    nrm_ctx_destroy(ctx);
}

/* The program is fine, its data are not: every way to run it ends with this sentence. */
static inline void index_run_fails(const ops_record *r, nrm_status status, const char *piece)
{
    for (int way = 0; way < 4; way++) {
        nrm_compile_options options = nrm_compile_options_default();
        nrm_ctx *ctx = nrm_test_ctx(NULL);
        nrm_program *program;
        nrm_instance *instance;
        index_run run = index_begin(ctx, r);
        options.optimise = way & 1;
        assert_ok(ctx, nrm_set_threads(ctx, 1 + way / 2));
        assert_ok(ctx, nrm_compile(ctx, 1, &run.y, &options, &program));
        assert_ok(ctx, nrm_instance_create(ctx, program, &instance));
        for (int i = 0; i < r->input_count; i++) assert_ok(ctx, nrm_instance_bind_at(ctx, instance, i, run.data[i]));
        assert_status(ctx, nrm_run(ctx, instance), status);
        assert_message(ctx, piece);
        nrm_instance_destroy(instance);
        nrm_program_destroy(program);
        index_end(r, &run);
        nrm_ctx_destroy(ctx);
    }
}

/* A float and an index input of a graph under construction, of any shape, for refusals. */
static inline nrm_node index_real(nrm_graph *g, int ndim, const int64_t *shape) { return nrm_graph_fill(g, NRM_F64, ndim, shape, 0); }
static inline nrm_node index_whole(nrm_graph *g, int ndim, const int64_t *shape) { return nrm_graph_fill(g, NRM_I64, ndim, shape, 0); }
#define REAL_OF(...) index_real(g, NRM_COUNT_OF((int64_t[]){__VA_ARGS__}), (int64_t[]){__VA_ARGS__})
#define WHOLE_OF(...) index_whole(g, NRM_COUNT_OF((int64_t[]){__VA_ARGS__}), (int64_t[]){__VA_ARGS__})
#define NRM_COUNT_OF(...) ((int)(sizeof(__VA_ARGS__) / sizeof(int64_t)))

#endif
