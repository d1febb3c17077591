/* bench_training.c -- whole training steps: the batch lies in memory; loss, gradients of all
 * parameters and the optimizer's update are timed together.
 *
 *   gpt-small, gpt-medium   transformers on random tokens, f32, AdamW
 *   convnet                 a residual network on random 28 x 28 images, f32, SGD with momentum
 *   burgers-mlp             2-50-50-50-50-1 tanh, f64, in 10 000 points (t, x): value and gradient of
 *                           mean (u_t + u u_x - 0.01 u_xx)^2, the derivatives of u by forward jets
 *   burgers-pieces          the same sums over 25 pieces of 400 points, whose arrays stay in the caches */
#include "bench.h"
#include <norma/nn.h>
#include <norma/optim.h>
#include <norma/program.h>
#include <stdlib.h>

typedef struct work {
    const char *name, *config, *quick_config;
    int64_t batch, quick_batch; /* of a program */
    int64_t pieces;             /* that make the whole batch */
    nrm_dtype dtype;
    nrm_optimizer_kind optimizer; /* -1: value and gradient alone */
} work;

#define BURGERS "{\"model\": \"mlp\", \"inputs\": 2, \"outputs\": 1, \"activation\": \"tanh\", \"widths\": "

static const work works[] = {
    {"gpt-small", "{\"model\": \"gpt\", \"layers\": 4, \"width\": 128, \"heads\": 4, \"context\": 64}",
     "{\"model\": \"gpt\", \"layers\": 2, \"width\": 32, \"heads\": 2, \"context\": 16}", 12, 2, 1, NRM_F32, NRM_OPTIMIZER_ADAMW},
    {"gpt-medium", "{\"model\": \"gpt\", \"layers\": 6, \"width\": 384, \"heads\": 6, \"context\": 256}",
     "{\"model\": \"gpt\", \"layers\": 2, \"width\": 48, \"heads\": 2, \"context\": 32}", 8, 2, 1, NRM_F32, NRM_OPTIMIZER_ADAMW},
    {"convnet", "{\"model\": \"convnet\", \"channels\": [16, 32, 64]}", "{\"model\": \"convnet\", \"channels\": [8, 8]}", 128, 4, 1,
     NRM_F32, NRM_OPTIMIZER_SGD},
    {"burgers-mlp", BURGERS "[50, 50, 50, 50]}", BURGERS "[8, 8]}", 10000, 100, 1, NRM_F64, (nrm_optimizer_kind)-1},
    {"burgers-pieces", BURGERS "[50, 50, 50, 50]}", BURGERS "[8, 8]}", 400, 4, 25, NRM_F64, (nrm_optimizer_kind)-1}};
enum { WORKS = sizeof works / sizeof *works };

typedef struct job {
    const work *work;
    nrm_network *network;
    nrm_network_graph graph;
    nrm_program *program;
    nrm_instance *instance; /* where there is one piece */
    nrm_pieces *pieces;
    nrm_parameters *parameters, *gradients;
    nrm_optimizer *optimizer;
    void **parameter, **gradient; /* those that are trained */
    int32_t trained, updates;     /* outputs: the loss, gradients, next values of buffers */
} job;

static void tear_down(nrm_ctx *ctx, job *j)
{
    nrm_optimizer_destroy(ctx, j->optimizer);
    nrm_instance_destroy(j->instance);
    nrm_pieces_destroy(j->pieces);
    nrm_program_destroy(j->program);
    nrm_parameters_destroy(j->parameters);
    nrm_parameters_destroy(j->gradients);
    nrm_nn_destroy(j->graph.nn);
    nrm_network_destroy(j->network);
}

static nrm_status run_step(nrm_ctx *ctx, void *user)
{
    const job *j = user;
    nrm_status st = j->pieces ? nrm_pieces_run(ctx, j->pieces, j->work->pieces, 1.0 / (double)j->work->pieces) : nrm_run(ctx, j->instance);
    if (st >= 0 && j->updates > 0) st = nrm_parameters_update(ctx, j->parameters, j->graph.nn, j->instance, 1 + j->trained);
    if (st >= 0 && j->optimizer)
        st = nrm_optimizer_step(ctx, j->optimizer, j->parameter, (const void *const *)j->gradient, 1.0);
    return nrm_cancelled(ctx) ? NRM_E_CANCELLED : st;
}

/* ---- Graphs --------------------------------------------------------------------------------- */

/* The residual of Burgers' equation for u(t, x), in nn of its own. */
static nrm_status build_residual(nrm_ctx *ctx, job *j, int64_t points)
{
    static const double along_t[] = {1, 0}, along_x[] = {0, 1};
    const int64_t shape[] = {points, 2}, row[] = {1, 2};
    nrm_node tangents[2], first[2], second;
    const nrm_status st = nrm_nn_create(ctx, &j->graph.nn, NRM_F64, true);
    if (st < 0) return st;
    nrm_graph *g = nrm_nn_graph(j->graph.nn);
    const nrm_node x = nrm_graph_input(g, "x", NRM_F64, 2, shape), u = nrm_network_apply(j->network, j->graph.nn, x, NULL);
    tangents[0] = nrm_op_broadcast(nrm_graph_constant(g, NRM_F64, 2, row, along_t), 2, shape);
    tangents[1] = nrm_op_broadcast(nrm_graph_constant(g, NRM_F64, 2, row, along_x), 2, shape);
    nrm_graph_jet(x, 1, &tangents[0], u, &first[0], NULL);
    nrm_graph_jet(x, 1, &tangents[1], u, &first[1], &second);
    const nrm_node moved = nrm_op_add(first[0], nrm_op_mul(u, first[1]));
    j->graph.x = x;
    j->graph.loss.mean = nrm_op_mean_all(nrm_op_square(nrm_op_sub(moved, nrm_op_scale(second, 0.01))));
    return nrm_graph_check(g);
}

static nrm_status build_graph(nrm_ctx *ctx, job *j, bool quick)
{
    const int64_t batch = quick ? j->work->quick_batch : j->work->batch;
    nrm_network_options options = nrm_network_options_default();
    const nrm_status st = nrm_network_create(ctx, quick ? j->work->quick_config : j->work->config, NULL, &j->network);
    if (st < 0) return st;
    if (j->work->dtype == NRM_F64) return build_residual(ctx, j, batch);
    options.batch = batch;
    return nrm_network_build(ctx, j->network, &options, &j->graph);
}

static nrm_status compile(bench *b, job *j)
{
    nrm_nn *nn = j->graph.nn;
    j->trained = nrm_nn_trained(nn, 0, NULL);
    j->updates = nrm_nn_updates(nn, 0, NULL);
    const int count = 1 + j->trained + j->updates;
    nrm_node *trained = nrm_scratch(b->kit, j->trained, sizeof *trained), *outputs = nrm_scratch(b->kit, count, sizeof *outputs);
    if (!trained || !outputs) return NRM_E_NOMEM;
    nrm_nn_trained(nn, j->trained, trained);
    outputs[0] = j->graph.loss.mean;
    nrm_graph_gradient(outputs[0], j->trained, trained, outputs + 1);
    nrm_nn_updates(nn, j->updates, outputs + 1 + j->trained);
    return nrm_compile(b->ctx, count, outputs, NULL, &j->program);
}

/* ---- Memory ----------------------------------------------------------------------------------- */

/* Parameters and their gradients, bound; the optimizer. */
static nrm_status place_parameters(bench *b, job *j)
{
    nrm_status st = nrm_parameters_create(b->ctx, j->graph.nn, &j->parameters);
    if (st >= 0) st = nrm_parameters_like(b->ctx, j->parameters, &j->gradients);
    if (st >= 0) st = nrm_parameters_initialise(b->ctx, j->parameters, 1);
    if (st >= 0 && j->instance) st = nrm_parameters_bind(b->ctx, j->parameters, j->instance);
    if (st < 0) return st;
    nrm_optimizer_tensor *tensors = nrm_scratch(b->kit, j->trained, sizeof *tensors);
    nrm_parameter *parameters = nrm_scratch(b->kit, j->trained, sizeof *parameters); /* tensors point to their shapes */
    j->parameter = nrm_scratch(b->kit, j->trained, sizeof *j->parameter);
    j->gradient = nrm_scratch(b->kit, j->trained, sizeof *j->gradient);
    if (!tensors || !parameters || !j->parameter || !j->gradient) return NRM_E_NOMEM;
    for (int i = 0; st >= 0 && i < j->trained; i++) {
        nrm_parameter *p = &parameters[i], g;
        nrm_parameters_at(j->parameters, i, p);
        nrm_parameters_at(j->gradients, i, &g);
        tensors[i] = (nrm_optimizer_tensor){.name = p->name, .dtype = p->array.dtype, .ndim = p->array.ndim, .shape = p->array.shape};
        j->parameter[i] = p->array.data;
        j->gradient[i] = g.array.data;
        if (j->instance) {
            st = nrm_instance_bind_output(b->ctx, j->instance, 1 + i, g.array.data);
        } else {
            st = nrm_pieces_bind(b->ctx, j->pieces, p->name, p->array.data, 0);
            if (st >= 0) st = nrm_pieces_bind_output(b->ctx, j->pieces, 1 + i, g.array.data);
        }
    }
    if (st < 0 || (int)j->work->optimizer < 0) return st;
    nrm_sgd_options sgd = nrm_sgd_options_default();
    sgd.momentum = 0.9;
    const bool is_sgd = j->work->optimizer == NRM_OPTIMIZER_SGD;
    const nrm_optimizer_group group = {j->work->optimizer, is_sgd ? &sgd : NULL};
    return nrm_optimizer_create(b->ctx, &j->optimizer, 1, &group, j->trained, tensors);
}

/* A batch of draws: whole numbers below 256, or 10 where they are labels of images; else N(0, 1). */
static nrm_status fill_batch(bench *b, job *j)
{
    nrm_draws draws = {3};
    nrm_status st = NRM_OK;
    nrm_program_array in;
    for (int i = 0; st >= 0 && nrm_program_input(j->program, i, &in); i++) {
        if (in.parameter || (strcmp(in.name, "x") != 0 && strcmp(in.name, "y") != 0)) continue;
        const int64_t all = in.count * j->work->pieces;
        double *values = nrm_scratch(b->kit, all, sizeof *values);
        if (!values) return NRM_E_NOMEM;
        for (int64_t k = 0; k < all; k++) {
            if (in.dtype == NRM_I64) ((int64_t *)values)[k] = (int64_t)(nrm_draw(&draws) % (in.ndim == 1 ? 10 : 256));
            else if (in.dtype == NRM_F32) ((float *)values)[k] = (float)nrm_draw_normal(&draws);
            else values[k] = nrm_draw_normal(&draws);
        }
        if (j->instance) st = nrm_instance_bind_at(b->ctx, j->instance, i, values);
        else st = nrm_pieces_bind(b->ctx, j->pieces, in.name, values, in.count * (int64_t)sizeof *values);
    }
    return st;
}

static nrm_status set_up(bench *b, job *j)
{
    nrm_status st = build_graph(b->ctx, j, b->quick);
    if (st >= 0) st = compile(b, j);
    if (st >= 0) st = j->work->pieces > 1 ? nrm_pieces_create(b->ctx, j->program, &j->pieces) : nrm_instance_create(b->ctx, j->program, &j->instance);
    if (st >= 0) st = place_parameters(b, j);
    return st >= 0 ? fill_batch(b, j) : st;
}

/* ---- The grids ---------------------------------------------------------------------------------- */

nrm_status bench_training(bench *b)
{
    job jobs[WORKS] = {{0}};
    nrm_contender contenders[WORKS];
    nrm_status st = NRM_OK;
    for (int i = 0; i < WORKS; i++) {
        jobs[i].work = &works[i];
        contenders[i] = (nrm_contender){works[i].name, run_step, &jobs[i]};
        if (st >= 0 && bench_wants(b, works[i].name)) st = set_up(b, &jobs[i]);
    }
    bench_add_grid(b, "as named", "work", "training, one step");
    bench_grid *g = &b->grids[b->grid_count - 1];
    const int time = bench_add_column(g, "ms");
    if (st >= 0) st = bench_column(b, g, time, contenders, WORKS, b->quick ? 0.01 : 0.2, BENCH_TIME, 1e3);
    const int rate = bench_add_column(g, "GFLOP/s"), memory = bench_add_column(g, "arena MiB");
    for (int i = 0; i < WORKS; i++) {
        if (st >= 0 && jobs[i].program) {
            const nrm_program_stats stats = nrm_program_statistics(jobs[i].program);
            g->median[i][rate] = stats.flops * (double)works[i].pieces / (g->median[i][time] * 1e6);
            g->median[i][memory] = (double)stats.arena_bytes / (1 << 20);
        }
        tear_down(b->ctx, &jobs[i]);
    }
    return st;
}
