/* b1.c -- benchmark B1 (b1.h): a bench is made, and a run is trained on it. */
#include "b1-parts.h"
#include <math.h>
#include <norma/method.h>
#include <stdio.h>
#include <string.h>

/* ---- The bench ------------------------------------------------------------------------------ */

nrm_status b1_create(nrm_reproduction *r, nrm_ctx *ctx, int64_t hidden1, int64_t hidden2, b1_bench **to)
{
    static const char *const names[B1_PARAMETERS] = {"W1", "W2", "W3", "E", "O"};
    const int64_t shapes[B1_PARAMETERS][2] = {{hidden1, 2 * B1_WIDTH}, {hidden2, hidden1}, {hidden1, hidden2},
                                              {B1_TOKENS, B1_WIDTH}, {B1_TOKENS, hidden1}};
    b1_bench *bench = nrm_scratch(r, 1, sizeof *bench);

    *to = NULL;
    if (!bench) return NRM_E_NOMEM;
    bench->r = r;
    bench->ctx = ctx;
    bench->threads = nrm_threads(ctx);
    bench->batch = nrm_scratch(r, 1, sizeof *bench->batch);
    bench->contexts = nrm_scratch(r, 2 * B1_CONTEXTS, sizeof *bench->contexts);
    if (!bench->batch || !bench->contexts) return NRM_E_NOMEM;
    for (int64_t c = 0; c < B1_CONTEXTS; c++) {
        bench->contexts[2 * c] = c / B1_TOKENS;
        bench->contexts[2 * c + 1] = c % B1_TOKENS;
    }
    memcpy(bench->shapes, shapes, sizeof shapes);
    for (int i = 0; i < B1_PARAMETERS; i++) {
        bench->tensors[i] = (nrm_optimizer_tensor){.name = names[i], .dtype = NRM_F32, .ndim = 2, .shape = bench->shapes[i]};
        bench->sizes[i] = shapes[i][0] * shapes[i][1];
        bench->weights[i] = nrm_scratch(r, bench->sizes[i], sizeof(float));
        bench->gradients[i] = nrm_scratch(r, bench->sizes[i], sizeof(float));
        if (!bench->weights[i] || !bench->gradients[i]) return NRM_E_NOMEM;
    }
    nrm_status st = b1_make_teacher(r, &bench->teacher);
    if (st >= 0) st = nrm_set_threads(ctx, 1);
    if (st >= 0) st = b1_make_student(bench);
    if (st >= 0) *to = bench;
    else b1_destroy(bench);
    return st;
}

nrm_status b1_create_usual(nrm_reproduction *r, nrm_ctx *ctx, b1_bench **bench)
{
    return r->quick ? b1_create(r, ctx, 64, 128, bench) : b1_create(r, ctx, 128, 256, bench);
}

void b1_destroy(b1_bench *bench)
{
    if (!bench) return;
    nrm_instance_destroy(bench->training_run);
    nrm_instance_destroy(bench->measuring_run);
    nrm_program_destroy(bench->training);
    nrm_program_destroy(bench->measuring);
    if (nrm_set_threads(bench->ctx, bench->threads) < 0) nrm_note(bench->r, "The threads could not be set back.");
}

/* ---- Optimizers from text ---------------------------------------------------------------------- */

b1_setup b1_default(const char *kind, const char *options, double lr)
{
    return (b1_setup){.kind = kind, .options = options, .lr = lr, .rest_lr = 3e-3, .steps = 400, .outlier_size = 100};
}

static nrm_status set_number(nrm_ctx *ctx, nrm_optimizer_kind kind, nrm_optimizer_options *o, const char *name, double value)
{
    char text[40];
    int count;
    const nrm_param *params = nrm_optimizer_params(kind, &count);
    for (int i = 0; i < count; i++)
        if (strcmp(params[i].name, name) == 0) {
            snprintf(text, sizeof text, "%.17g", value);
            return nrm_optimizer_options_set(ctx, kind, o, name, text);
        }
    return NRM_OK;
}

/* "name=value name=value" over the defaults. */
static nrm_status set_options(nrm_ctx *ctx, nrm_optimizer_kind kind, nrm_optimizer_options *o, const char *text)
{
    nrm_status st = NRM_OK;

    while (st >= 0 && *text) {
        char name[48], value[48];
        int length = 0;
        if (sscanf(text, " %47[^= ]=%47[^ ] %n", name, value, &length) != 2 || length == 0) return NRM_E_ARGUMENT;
        st = nrm_optimizer_options_set(ctx, kind, o, name, value);
        text += length;
    }
    return st;
}

nrm_status b1_optimizer(nrm_ctx *ctx, const char *name, const char *options, double lr, int64_t count,
                        const nrm_optimizer_tensor *tensors, nrm_optimizer **optimizer)
{
    nrm_optimizer_kind kind;
    nrm_optimizer_options o;

    *optimizer = NULL;
    nrm_status st = nrm_optimizer_kind_find(ctx, name, &kind);
    if (st >= 0) st = nrm_optimizer_options_init(ctx, kind, &o);
    if (st >= 0) st = set_number(ctx, kind, &o, "weight_decay", 0);
    if (st >= 0) st = set_number(ctx, kind, &o, "lr", lr);
    if (st >= 0) st = set_options(ctx, kind, &o, options);
    if (st < 0) return st;
    const nrm_optimizer_group group = {kind, &o};
    return nrm_optimizer_create(ctx, optimizer, 1, &group, count, tensors);
}

/* ---- Outliers and clipping ------------------------------------------------------------------------ */

/* Student's t of 2 degrees of freedom: N(0, 1) over the root of an exponential variable. */
static double draw_student(nrm_draws *draws)
{
    const double normal = nrm_draw_normal(draws);
    return normal / sqrt(-log(1 - nrm_draw_uniform(draws)) + 1e-12);
}

void b1_add_outliers(float *g, int64_t n, double share, double size, nrm_draws *noise)
{
    double square = 0;

    for (int64_t i = 0; i < n; i++) square += (double)g[i] * (double)g[i];
    size *= sqrt(square / (double)n);
    for (int64_t i = 0; i < n; i++)
        if (nrm_draw_uniform(noise) < share) g[i] += (float)(size * draw_student(noise));
}

nrm_status b1_disturb(b1_bench *bench, const b1_setup *setup, nrm_draws *noise)
{
    const float most = (float)setup->clip_value;

    for (int p = 0; p < B1_MATRICES; p++) {
        float *g = bench->gradients[p];
        if (setup->outliers > 0) b1_add_outliers(g, bench->sizes[p], setup->outliers, setup->outlier_size, noise);
        for (int64_t i = 0; i < bench->sizes[p] && most > 0; i++) g[i] = g[i] > most ? most : g[i] < -most ? -most : g[i];
    }
    if (setup->clip_norm <= 0) return NRM_OK;
    void *gradients[B1_PARAMETERS];
    for (int p = 0; p < B1_PARAMETERS; p++) gradients[p] = bench->gradients[p];
    return nrm_clip_gradients(bench->ctx, B1_PARAMETERS, NRM_F32, gradients, bench->sizes, setup->clip_norm, NULL);
}

/* ---- One run ----------------------------------------------------------------------------------------- */

typedef struct run {
    b1_bench *bench;
    const b1_setup *setup;
    b1_result *result;
    nrm_optimizer *matrices, *rest;
} run;

static nrm_status step_part(run *t, nrm_optimizer *optimizer, int first, int count, double factor, double *seconds)
{
    void *weights[B1_PARAMETERS];
    const void *gradients[B1_PARAMETERS];

    for (int i = 0; i < count; i++) {
        weights[i] = t->bench->weights[first + i];
        gradients[i] = t->bench->gradients[first + i];
    }
    const double start = nrm_seconds();
    const nrm_status st = nrm_optimizer_step(t->bench->ctx, optimizer, weights, gradients, factor);
    *seconds += nrm_seconds() - start;
    return st;
}

static nrm_status watch(run *t, int step)
{
    const b1_setup *s = t->setup;
    if (!s->watch || (step != 1 && (s->watch_every <= 0 || step % s->watch_every != 0))) return NRM_OK;
    b1_moment moment = {.step = step, .tensors = t->bench->tensors, .optimizer = t->matrices};
    for (int i = 0; i < B1_MATRICES; i++) {
        moment.weights[i] = t->bench->weights[i];
        moment.gradients[i] = t->bench->gradients[i];
    }
    return s->watch(t->bench->ctx, s->watch_user, &moment);
}

/* A point of the curve; intervals are widened until the curve has room for all. */
static nrm_status follow(run *t, int step)
{
    const b1_setup *s = t->setup;
    b1_result *result = t->result;
    int every = s->curve_every;

    while (every > 0 && s->steps / every + 2 > B1_MOST_POINTS) every *= 2;
    if (step < s->steps && (every <= 0 || step % every != 0)) return NRM_OK;
    const nrm_status st = b1_measure(t->bench, &result->kl);
    result->at[result->points] = step;
    result->curve[result->points++] = result->kl;
    return st;
}

double b1_factor(int step, int steps)
{
    return fmin(1, (double)(steps - step) / (0.4 * steps));
}

static nrm_status take_steps(run *t)
{
    b1_bench *bench = t->bench;
    const b1_setup *s = t->setup;
    b1_result *result = t->result;
    nrm_draws batches = b1_draws(bench->r, s->seed, B1_BATCHES), noise = b1_draws(bench->r, s->seed, B1_NOISE);
    nrm_status st = follow(t, 0);

    for (int i = 0; i < s->steps && st >= 0; i++) {
        const double factor = b1_factor(i, s->steps);
        b1_draw_batch(&bench->teacher, &batches, bench->batch);
        const double start = nrm_seconds();
        st = nrm_run(bench->ctx, bench->training_run);
        result->network_seconds += nrm_seconds() - start;
        if (st >= 0) st = b1_disturb(bench, s, &noise);
        if (st >= 0) st = step_part(t, t->matrices, 0, B1_MATRICES, factor, &result->matrix_seconds);
        if (st >= 0) st = step_part(t, t->rest, B1_MATRICES, B1_PARAMETERS - B1_MATRICES, factor, &result->rest_seconds);
        if (st >= 0) st = watch(t, i + 1);
        if (st >= 0) st = follow(t, i + 1);
    }
    if (st != NRM_E_NONFINITE) return st;
    result->kl = INFINITY; /* it diverged: a result, not a failure */
    return NRM_OK;
}

nrm_status b1_train(b1_bench *bench, const b1_setup *setup, b1_result *result)
{
    run t = {.bench = bench, .setup = setup, .result = result};
    nrm_ctx *ctx = bench->ctx;

    *result = (b1_result){.kl = INFINITY};
    b1_initial_weights(bench, setup->seed);
    nrm_status st = b1_optimizer(ctx, setup->kind, setup->options, setup->lr, B1_MATRICES, bench->tensors, &t.matrices);
    if (st >= 0)
        st = b1_optimizer(ctx, "adamw", B1_ADAMW, setup->rest_lr, B1_PARAMETERS - B1_MATRICES, bench->tensors + B1_MATRICES, &t.rest);
    if (st >= 0) {
        result->state_bytes = nrm_optimizer_state_bytes(t.matrices);
        for (int i = 0; i < B1_MATRICES; i++) result->parameter_bytes += bench->sizes[i] * (int64_t)sizeof(float);
        st = take_steps(&t);
    }
    nrm_optimizer_destroy(ctx, t.matrices);
    nrm_optimizer_destroy(ctx, t.rest);
    return st;
}
