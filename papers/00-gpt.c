/* 00-gpt.c -- contract: 00-gpt.h. */
#include "00-gpt.h"
#include <math.h>
#include <norma/nn.h>
#include <norma/train.h>
#include <stdio.h>
#include <string.h>

static const double rest_rate = 3e-3; /* AdamW's, where no matrix is */
enum { VALIDATION_BATCHES = 8 };

struct gpt_bench {
    nrm_reproduction *r;
    nrm_ctx *ctx;
    gpt_about about;
    unsigned char *text; /* as tokens */
    int64_t training_bytes;
    nrm_network *network;
    nrm_network_graph training, evaluation;
    nrm_program *programs[2];
    nrm_instance *runs[2]; /* training, evaluation */
    nrm_parameters *parameters, *gradients;
    int64_t *x, *y;
    int threads; /* of ctx, before */
    /* Matrices first. */
    int count, matrices;
    nrm_optimizer_tensor tensors[GPT_TENSORS];
    nrm_parameter kept[GPT_TENSORS]; /* tensors point into them */
    void *weights[GPT_TENSORS], *slopes[GPT_TENSORS];
    int64_t sizes[GPT_TENSORS];
};

/* ---- Text -------------------------------------------------------------------------------------- */

static nrm_status read_text(gpt_bench *b)
{
    const char *path = nrm_data_path(b->r, "text/tinyshakespeare.txt");
    int64_t size = 0;

    if (!path) {
        const char *own = nrm_train_default_text(&size);
        b->about.text = "Norma's own documents";
        if (!(b->text = nrm_scratch(b->r, size, 1))) return NRM_E_NOMEM;
        memcpy(b->text, own, (size_t)size);
    } else {
        FILE *file = fopen(path, "rb");
        b->about.text = "text/tinyshakespeare.txt";
        b->text = nrm_scratch(b->r, GPT_MOST_TEXT, 1);
        if (file && b->text) size = (int64_t)fread(b->text, 1, GPT_MOST_TEXT, file);
        if (file) fclose(file);
        if (!b->text) return NRM_E_NOMEM;
        if (!file) return NRM_E_IO;
    }
    b->about.bytes = size;
    return size < 100 * b->about.context ? NRM_E_FORMAT : NRM_OK;
}

/* A token for every byte that occurs, in order. */
static void make_tokens(gpt_bench *b)
{
    int64_t token[256] = {0};
    for (int64_t i = 0; i < b->about.bytes; i++) token[b->text[i]] = 1;
    for (int byte = 0; byte < 256; byte++)
        if (token[byte] > 0) token[byte] = b->about.vocabulary++;
    for (int64_t i = 0; i < b->about.bytes; i++) b->text[i] = (unsigned char)token[b->text[i]];
    b->training_bytes = b->about.bytes * 9 / 10; /* the end is for validation */
}

/* Row `row` of the batch is the window that begins at `start`. */
static void place_window(gpt_bench *b, int64_t row, int64_t start)
{
    const int64_t length = b->about.context;
    for (int64_t i = 0; i < length; i++) {
        b->x[row * length + i] = b->text[start + i];
        b->y[row * length + i] = b->text[start + i + 1];
    }
}

/* ---- Network -------------------------------------------------------------------------------------- */

static nrm_status build(gpt_bench *b, int which, nrm_network_graph *graph)
{
    nrm_network_options options = nrm_network_options_default();
    nrm_node outputs[1 + GPT_TENSORS], trained[GPT_TENSORS];
    int count = 1;

    options.training = which == 0;
    options.batch = b->about.batch;
    nrm_status st = nrm_network_build(b->ctx, b->network, &options, graph);
    if (st < 0) return st;
    outputs[0] = graph->loss.mean;
    if (which == 0) {
        b->count = nrm_nn_trained(graph->nn, GPT_TENSORS, trained);
        nrm_graph_gradient(outputs[0], b->count, trained, outputs + 1);
        count += b->count;
    }
    st = nrm_compile(b->ctx, count, outputs, NULL, &b->programs[which]);
    if (st >= 0) st = nrm_instance_create(b->ctx, b->programs[which], &b->runs[which]);
    if (st >= 0) st = nrm_instance_bind(b->ctx, b->runs[which], "x", b->x);
    if (st >= 0) st = nrm_instance_bind(b->ctx, b->runs[which], "y", b->y);
    return st;
}

/* Hidden matrices are in front, with their row blocks; gradients are where the optimizers read. */
static nrm_status list_tensors(gpt_bench *b)
{
    nrm_status st = NRM_OK;
    int next = 0;
    for (int group = 0; group < 2 && st >= 0; group++) {
        for (int i = 0; i < b->count && st >= 0; i++) {
            nrm_parameter *p = &b->kept[next], g;
            nrm_parameters_at(b->parameters, i, p);
            nrm_parameters_at(b->gradients, i, &g);
            nrm_optimizer_tensor *t = &b->tensors[next];
            *t = (nrm_optimizer_tensor){.name = p->name, .dtype = p->array.dtype, .ndim = p->array.ndim, .shape = p->array.shape,
                                        .flags = p->flags & (NRM_OPTIMIZER_EMBEDDING | NRM_OPTIMIZER_HEAD),
                                        .split_count = p->split_count, .split = p->split};
            nrm_optimizer_route(1, t, 0, 1);
            if (t->group != group) continue;
            if (group == 1) t->split_count = 0;
            t->group = 0;
            b->weights[next] = p->array.data;
            b->slopes[next] = g.array.data;
            b->sizes[next] = 1;
            for (int k = 0; k < p->array.ndim; k++) b->sizes[next] *= p->array.shape[k];
            b->about.matrix_parameters += group == 0 ? b->sizes[next] : 0;
            next++;
            st = nrm_instance_bind_output(b->ctx, b->runs[0], 1 + i, g.array.data);
        }
        if (group == 0) b->matrices = next;
    }
    b->about.parameters = nrm_parameters_elements(b->parameters);
    return st;
}

static nrm_status make_network(gpt_bench *b)
{
    char config[200];
    const int64_t tokens = b->about.batch * b->about.context;

    b->x = nrm_scratch(b->r, tokens, sizeof *b->x);
    b->y = nrm_scratch(b->r, tokens, sizeof *b->y);
    if (!b->x || !b->y) return NRM_E_NOMEM;
    snprintf(config, sizeof config,
             "{\"model\": \"gpt\", \"layers\": %lld, \"width\": %lld, \"heads\": 4, \"context\": %lld, \"vocabulary\": %lld}",
             (long long)b->about.layers, (long long)b->about.width, (long long)b->about.context, (long long)b->about.vocabulary);
    nrm_status st = nrm_network_create(b->ctx, config, NULL, &b->network);
    if (st >= 0) st = build(b, 0, &b->training);
    if (st >= 0) st = build(b, 1, &b->evaluation);
    if (st >= 0) st = nrm_parameters_create(b->ctx, b->training.nn, &b->parameters);
    if (st >= 0) st = nrm_parameters_like(b->ctx, b->parameters, &b->gradients);
    if (st >= 0) st = nrm_parameters_bind(b->ctx, b->parameters, b->runs[0]);
    if (st >= 0) st = nrm_parameters_bind(b->ctx, b->parameters, b->runs[1]);
    return st >= 0 ? list_tensors(b) : st;
}

nrm_status gpt_create(nrm_reproduction *r, nrm_ctx *ctx, gpt_bench **to)
{
    gpt_bench *b = nrm_scratch(r, 1, sizeof *b);

    *to = NULL;
    if (!b) return NRM_E_NOMEM;
    b->r = r;
    b->ctx = ctx;
    b->threads = nrm_threads(ctx);
    b->about = r->quick ? (gpt_about){.layers = 1, .width = 32, .context = 32, .batch = 16, .steps = 300}
                        : (gpt_about){.layers = 2, .width = 64, .context = 64, .batch = 16, .steps = 400};
    nrm_status st = read_text(b);
    if (st >= 0) st = nrm_set_threads(ctx, 1);
    if (st >= 0) {
        make_tokens(b);
        st = make_network(b);
    }
    if (st >= 0) *to = b;
    else gpt_destroy(b);
    return st;
}

void gpt_destroy(gpt_bench *b)
{
    if (!b) return;
    for (int i = 0; i < 2; i++) {
        nrm_instance_destroy(b->runs[i]);
        nrm_program_destroy(b->programs[i]);
    }
    nrm_parameters_destroy(b->parameters);
    nrm_parameters_destroy(b->gradients);
    nrm_nn_destroy(b->training.nn);
    nrm_nn_destroy(b->evaluation.nn);
    nrm_network_destroy(b->network);
    if (nrm_set_threads(b->ctx, b->threads) < 0) nrm_note(b->r, "The threads could not be set back.");
}

gpt_about gpt_describe(const gpt_bench *b) { return b->about; }

/* ---- A run ------------------------------------------------------------------------------------------- */

static double loss_of(const gpt_bench *b, int which) { return (double)*(const float *)nrm_instance_output(b->runs[which], 0); }

/* The same windows every time, spread over the validation part. */
static nrm_status validate(gpt_bench *b, double *loss)
{
    const int64_t windows = VALIDATION_BATCHES * b->about.batch, room = b->about.bytes - b->training_bytes - b->about.context - 1;
    *loss = 0;
    for (int64_t k = 0; k < windows; k++) {
        place_window(b, k % b->about.batch, b->training_bytes + room * k / (windows - 1));
        if (k % b->about.batch < b->about.batch - 1) continue;
        const nrm_status st = nrm_run(b->ctx, b->runs[1]);
        if (st < 0) return st;
        *loss += loss_of(b, 1) / VALIDATION_BATCHES;
    }
    return NRM_OK;
}

/* Linear rise in the first twentieth, fall to 0 in the last two fifths. */
static double schedule(int64_t step, int64_t steps)
{
    return fmin(fmin(1, (double)(step + 1) / (0.05 * (double)steps)), (double)(steps - step) / (0.4 * (double)steps));
}

static nrm_status one_step(gpt_bench *b, nrm_optimizer *matrices, nrm_optimizer *rest, int64_t step, nrm_draws *draws,
                           gpt_result *result)
{
    const double factor = schedule(step, b->about.steps);
    const uint64_t starts = (uint64_t)(b->training_bytes - b->about.context);

    for (int64_t row = 0; row < b->about.batch; row++) place_window(b, row, (int64_t)(nrm_draw(draws) % starts));
    const double start = nrm_seconds();
    const void *const *slopes = (const void *const *)b->slopes;
    nrm_status st = nrm_run(b->ctx, b->runs[0]);
    if (st >= 0) st = nrm_clip_gradients(b->ctx, b->count, NRM_F32, b->slopes, b->sizes, 1, NULL);
    const double computed = nrm_seconds();
    if (st >= 0) st = nrm_optimizer_step(b->ctx, matrices, b->weights, slopes, factor);
    const double stepped = nrm_seconds();
    if (st >= 0) st = nrm_optimizer_step(b->ctx, rest, b->weights + b->matrices, slopes + b->matrices, factor);
    const double end = nrm_seconds(), share = 1 / (double)b->about.steps;
    result->network_seconds += share * (computed - start);
    result->matrix_seconds += share * (stepped - computed);
    result->rest_seconds += share * (end - stepped);
    return st;
}

static nrm_status take_steps(gpt_bench *b, nrm_optimizer *matrices, nrm_optimizer *rest, uint64_t seed, gpt_result *result)
{
    const int64_t every = b->about.steps / (GPT_POINTS - 1);
    nrm_draws draws = {(b->r->seed + 1) * 1000 + seed};
    nrm_status st = NRM_OK;

    for (int64_t step = 0; step <= b->about.steps && st >= 0; step++) {
        if (step % every == 0) {
            st = validate(b, &result->loss[step / every]);
            if (st >= 0 && !isfinite(result->loss[step / every])) st = NRM_E_NONFINITE;
        }
        if (st >= 0 && step < b->about.steps) st = one_step(b, matrices, rest, step, &draws, result);
        if (st >= 0 && nrm_cancelled(b->ctx)) st = NRM_E_CANCELLED;
    }
    result->last = st >= 0 ? result->loss[GPT_POINTS - 1] : INFINITY;
    return st == NRM_E_NONFINITE ? NRM_OK : st; /* it diverged: a result, not a failure */
}

nrm_status gpt_run(gpt_bench *b, const char *kind, const char *options, double lr, uint64_t seed, gpt_result *result)
{
    nrm_optimizer *matrices = NULL, *rest = NULL;

    *result = (gpt_result){.last = INFINITY};
    for (int i = 0; i < GPT_POINTS; i++) {
        result->at[i] = (double)(i * (b->about.steps / (GPT_POINTS - 1)));
        result->loss[i] = INFINITY;
    }
    nrm_status st = nrm_parameters_initialise(b->ctx, b->parameters, (b->r->seed + 1) * 1000 + seed);
    if (st >= 0) st = b1_optimizer(b->ctx, kind, options, lr, b->matrices, b->tensors, &matrices);
    if (st >= 0) st = b1_optimizer(b->ctx, "adamw", B1_ADAMW, rest_rate, b->count - b->matrices, b->tensors + b->matrices, &rest);
    if (st >= 0) {
        result->state_bytes = nrm_optimizer_state_bytes(matrices);
        st = take_steps(b, matrices, rest, seed, result);
    }
    nrm_optimizer_destroy(b->ctx, matrices);
    nrm_optimizer_destroy(b->ctx, rest);
    return st;
}
