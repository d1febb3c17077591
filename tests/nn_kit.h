/* nn_kit.h -- a layer or network at the patterned parameters of make_nn.py, its results and
 * gradients as one row of numbers. */
#ifndef NRM_NN_KIT_H
#define NRM_NN_KIT_H

#include "testkit.h"
#include "reference/nn_values.h"
#include <norma/nn.h>

enum { KIT_MOST = 128, KIT_NUMBERS = 8192 };

/* Fill what a program wants: parameter and buffer k with pattern(k), inputs "x", "m" with
 * pattern(100), pattern(101); tokens are the caller's. */
typedef struct kit_memory {
    double *block[KIT_MOST];
    int count;
} kit_memory;

static inline void kit_bind(nrm_ctx *ctx, const nrm_nn *nn, const nrm_program *program, nrm_instance *run, kit_memory *memory)
{
    for (int i = 0; i < nrm_program_input_count(program); i++) {
        nrm_program_array a;
        nrm_parameter p;
        int64_t k = -1;
        assert_true(nrm_program_input(program, i, &a));
        if (a.dtype != NRM_F64) continue;
        for (int64_t j = 0; nrm_nn_parameter_at(nn, j, &p, NULL, NULL); j++)
            if (strcmp(p.name, a.name) == 0) k = j;
        if (k < 0) k = strcmp(a.name, "m") == 0 ? 101 : 100;
        double *block = malloc((size_t)(a.count + 1) * sizeof *block);
        assert_non_null(block);
        const double shift = strstr(a.name, "running_var") ? 1 : 0;
        for (int64_t j = 0; j < a.count; j++) block[j] = pattern(k, j) + shift;
        memory->block[memory->count++] = block;
        assert_ok(ctx, nrm_instance_bind_at(ctx, run, i, block));
    }
}

/* outs, then d loss / d inputs, then by every trained parameter, then the buffers' next
 * values: into `numbers`; gives how many. */
static inline int64_t kit_run(nrm_ctx *ctx, nrm_nn *nn, nrm_node loss, int out_count, const nrm_node *outs, int input_count,
                              const nrm_node *inputs, const int64_t *x, const int64_t *y, double *numbers)
{
    nrm_node want[3 * KIT_MOST], by[KIT_MOST];
    nrm_program *program;
    nrm_instance *run;
    kit_memory memory = {.count = 0};
    int64_t at = 0;

    for (int i = 0; i < out_count; i++) want[i] = outs[i];
    for (int i = 0; i < input_count; i++) by[i] = inputs[i];
    const int trained = nrm_nn_trained(nn, KIT_MOST - input_count, by + input_count), all = input_count + trained;
    assert_true(all <= KIT_MOST);
    nrm_graph_gradient(loss, all, by, want + out_count);
    const int count = out_count + all + nrm_nn_updates(nn, KIT_MOST, want + out_count + all);
    assert_ok(ctx, nrm_compile(ctx, count, want, NULL, &program));
    assert_ok(ctx, nrm_instance_create(ctx, program, &run));
    kit_bind(ctx, nn, program, run, &memory);
    if (x) assert_ok(ctx, nrm_instance_bind(ctx, run, "x", x));
    if (y) assert_ok(ctx, nrm_instance_bind(ctx, run, "y", y));
    assert_ok(ctx, nrm_run(ctx, run));
    for (int i = 0; i < count; i++) {
        nrm_program_array a;
        assert_true(nrm_program_output(program, i, &a));
        assert_true(at + a.count <= KIT_NUMBERS);
        memcpy(numbers + at, nrm_instance_output(run, i), (size_t)a.count * sizeof *numbers);
        at += a.count;
    }
    for (int i = 0; i < memory.count; i++) free(memory.block[i]);
    nrm_instance_destroy(run);
    nrm_program_destroy(program);
    return at;
}

/* sum y cotangent, the cotangent being pattern(200). */
static inline nrm_node kit_loss(nrm_nn *nn, nrm_node y)
{
    nrm_node_view v;
    double values[KIT_NUMBERS];
    int64_t count = 1;
    assert_true(nrm_graph_view(nrm_nn_graph(nn), y.index, &v));
    for (int i = 0; i < v.ndim; i++) count *= v.shape[i];
    assert_true(count <= KIT_NUMBERS);
    for (int64_t i = 0; i < count; i++) values[i] = pattern(200, i);
    return nrm_op_sum_all(nrm_op_mul(y, nrm_graph_constant(nrm_nn_graph(nn), NRM_F64, v.ndim, v.shape, values)));
}

/* Compare y and its derivatives with one array of make_nn.py. */
#define KIT_COMPARE(ctx, nn, y, input_count, inputs, values) \
    kit_compare((ctx), (nn), (y), (input_count), (inputs), (values), (int64_t)(sizeof(values) / sizeof *(values)), #values)
static inline void kit_compare(nrm_ctx *ctx, nrm_nn *nn, nrm_node y, int input_count, const nrm_node *inputs, const double *values,
                               int64_t count, const char *name)
{
    static double numbers[KIT_NUMBERS];
    assert_ok(ctx, nrm_graph_check(nrm_nn_graph(nn)));
    const int64_t got = kit_run(ctx, nn, kit_loss(nn, y), 1, &y, input_count, inputs, NULL, NULL, numbers);
    if (got < count) fail_msg("%s: %lld numbers, expected %lld", name, (long long)got, (long long)count);
    nrm_assert_all_near(numbers, values, count, 1e-12, name, __FILE__, __LINE__);
}

static inline nrm_nn *kit_nn(nrm_ctx *ctx, bool training)
{
    nrm_nn *nn;
    assert_ok(ctx, nrm_nn_create(ctx, &nn, NRM_F64, training));
    return nn;
}

#endif
