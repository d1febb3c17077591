/* twin.c -- a training run with all that another program needs to repeat it: twin NAME FILE.npz.
 *
 * NAME is gpt, convnet or mlp.  The file receives the initial values of every parameter
 * ("weight:NAME"), the batches of all steps and of the validation ("x", "y", "rows",
 * "validation_x" and so on), the learning rate of each step ("rate") and other options of the optimizer, and
 * what nrm_train made of them: "losses" of the steps, "validation_loss".  tests/reference/twin.py is the other program. */
#include "base/random.h"
#include "train/trainer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 400, MOST_ITEMS = 128, SEED = 5 };

typedef struct twin {
    nrm_train_options o;
    nrm_array x, y; /* a table in memory; {0}: the library's own data */
    nrm_trainer t;
    double *losses;
    nrm_train_info info;
    nrm_named items[MOST_ITEMS];
    int64_t count;
} twin;

/* ---- The runs --------------------------------------------------------------------------------- */

/* sin(3 a) cos(2 b) in random points of the square. */
static nrm_status make_table(nrm_ctx *ctx, twin *w)
{
    NRM_TRY(nrm_array_create(ctx, &w->x, NRM_F64, 2, (int64_t[]){POINTS, 2}));
    NRM_TRY(nrm_array_create(ctx, &w->y, NRM_F64, 1, (int64_t[]){POINTS}));
    double *x = w->x.data, *y = w->y.data;
    nrm_rng rng = nrm_rng_make(SEED, 0);
    for (int64_t i = 0; i < POINTS; i++) {
        x[2 * i] = 2 * nrm_rng_uniform(&rng) - 1;
        x[2 * i + 1] = 2 * nrm_rng_uniform(&rng) - 1;
        y[i] = sin(3 * x[2 * i]) * cos(2 * x[2 * i + 1]);
    }
    return NRM_OK;
}

static nrm_status choose(nrm_ctx *ctx, twin *w, const char *name)
{
    nrm_train_options *o = &w->o;
    *o = nrm_train_options_default();
    o->warmup = 10;
    if (strcmp(name, "gpt") == 0) {
        o->model = "{\"model\": \"gpt\", \"layers\": 2, \"width\": 64, \"heads\": 4}";
        o->context = 32;
        o->batch = 8;
        o->steps = 200;
        o->lr = 1e-3;
        o->validation = 0.02;
    } else if (strcmp(name, "convnet") == 0) {
        o->kind = NRM_DATASET_IMAGES;
        o->model = "{\"model\": \"convnet\", \"channels\": [8, 16]}";
        o->optimizer = NRM_OPTIMIZER_SGD;
        o->batch = 16;
        o->steps = 50;
        o->lr = 0.02;
        o->clip = 0;
        o->validation = 0.02;
    } else if (strcmp(name, "mlp") == 0) {
        o->kind = NRM_DATASET_TABLE;
        o->target = NRM_TARGET_VALUE;
        o->model = "{\"model\": \"mlp\", \"widths\": [20, 20], \"activation\": \"tanh\"}";
        o->precision = NRM_PRECISION_F64;
        o->batch = 32;
        o->steps = 200;
        o->lr = 1e-2;
        NRM_TRY(make_table(ctx, w));
    } else {
        return nrm_fail(ctx, NRM_E_ARGUMENT, "twin: there is no run '%s'; there are gpt, convnet, mlp", name);
    }
    o->evaluate_every = o->steps;
    return NRM_OK;
}

/* The same network, values and data as nrm_train will have. */
static nrm_status prepare(nrm_ctx *ctx, twin *w)
{
    w->t = (nrm_trainer){.who = "twin", .o = w->o, .state = {.seed = nrm_seed(ctx)},
                         .dtype = w->o.precision == NRM_PRECISION_F64 ? NRM_F64 : NRM_F32};
    const nrm_dataset_options d = nrm_trainer_dataset_options(&w->o, w->t.state.seed, NULL);
    if (w->x.data) NRM_TRY(nrm_dataset_from_arrays(ctx, &w->t.data, &d, &w->x, &w->y, NULL, NULL));
    else NRM_TRY(nrm_dataset_open(ctx, &w->t.data, &d));
    w->t.about = nrm_dataset_describe(w->t.data);
    return nrm_trainer_setup(ctx, &w->t, NULL);
}

/* ---- The file ------------------------------------------------------------------------------------ */

/* A new array, zero, under a name; NULL: no memory. */
static void *add(nrm_ctx *ctx, twin *w, const char *name, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    nrm_named *item = &w->items[w->count];
    if (w->count == MOST_ITEMS || nrm_array_create(ctx, &item->array, dtype, ndim, shape) < 0) return NULL;
    item->name = (char *)malloc(strlen(name) + 1);
    if (!item->name) return NULL;
    strcpy(item->name, name);
    w->count++;
    return item->array.data;
}

static nrm_status add_weights(nrm_ctx *ctx, twin *w)
{
    char name[160];
    nrm_parameter p;
    for (int64_t i = 0; nrm_parameters_at(w->t.parameters, i, &p); i++) {
        snprintf(name, sizeof name, "weight:%s", p.name);
        void *to = add(ctx, w, name, p.array.dtype, p.array.ndim, p.array.shape);
        if (!to) return NRM_E_NOMEM;
        memcpy(to, p.array.data, (size_t)nrm_array_count(&p.array) * nrm_dtype_size(p.array.dtype));
    }
    return NRM_OK;
}

/* `count` batches of a part, each rows x (what an example has), and how many rows of each are real. */
static nrm_status add_batches(nrm_ctx *ctx, twin *w, nrm_dataset_part part, const char *x_name, const char *y_name, const char *real_name)
{
    const bool training = part == NRM_TRAINING;
    const nrm_batch *b = training ? &w->t.training.batch : &w->t.evaluation.batch;
    const int64_t count = training ? w->o.steps : nrm_dataset_sweeps(w->t.data, part, b->rows);
    const int64_t each_x = w->t.about.features, each_y = b->tokens ? each_x : b->values ? w->t.about.values : 1;
    const size_t x_bytes = (size_t)(b->rows * each_x) * (b->tokens ? sizeof *b->tokens : sizeof *b->features);
    const size_t y_bytes = (size_t)(b->rows * each_y) * (b->labels ? sizeof *b->labels : sizeof *b->values);
    unsigned char *x = add(ctx, w, x_name, b->tokens ? NRM_I64 : NRM_F32, 3, (int64_t[]){count, b->rows, each_x});
    unsigned char *y = add(ctx, w, y_name, b->labels ? NRM_I64 : NRM_F32, 3, (int64_t[]){count, b->rows, each_y});
    int64_t *real = add(ctx, w, real_name, NRM_I64, 1, &count);
    if (!x || !y || !real) return NRM_E_NOMEM;
    for (int64_t k = 0; k < count; k++) {
        real[k] = b->rows;
        if (training) NRM_TRY(nrm_dataset_batch(ctx, w->t.data, part, w->t.state.seed, k, b));
        else NRM_TRY(nrm_dataset_sweep(ctx, w->t.data, part, k, b, &real[k]));
        memcpy(x + (size_t)k * x_bytes, b->tokens ? (const void *)b->tokens : b->features, x_bytes);
        memcpy(y + (size_t)k * y_bytes, b->labels ? (const void *)b->labels : b->values, y_bytes);
    }
    return NRM_OK;
}

static nrm_status add_number(nrm_ctx *ctx, twin *w, const char *name, double value)
{
    double *to = add(ctx, w, name, NRM_F64, 0, NULL);
    if (!to) return NRM_E_NOMEM;
    *to = value;
    return NRM_OK;
}

static nrm_status run(nrm_ctx *ctx, twin *w, const char *path)
{
    NRM_TRY(prepare(ctx, w));
    NRM_TRY(add_weights(ctx, w));
    NRM_TRY(add_batches(ctx, w, NRM_TRAINING, "x", "y", "rows"));
    NRM_TRY(add_batches(ctx, w, NRM_VALIDATION, "validation_x", "validation_y", "validation_rows"));
    double *rates = add(ctx, w, "rate", NRM_F64, 1, &w->o.steps), *losses = add(ctx, w, "losses", NRM_F64, 1, &w->o.steps);
    if (!rates || !losses) return NRM_E_NOMEM;
    for (int64_t k = 0; k < w->o.steps; k++) rates[k] = w->o.lr * nrm_schedule_factor(&w->t.schedule, k);
    NRM_TRY(add_number(ctx, w, "beta1", w->o.beta1));
    NRM_TRY(add_number(ctx, w, "beta2", w->o.beta2));
    NRM_TRY(add_number(ctx, w, "eps", w->o.eps));
    NRM_TRY(add_number(ctx, w, "weight_decay", w->o.weight_decay));
    NRM_TRY(add_number(ctx, w, "clip", w->o.clip));
    NRM_TRY(nrm_train(ctx, w->x.data ? &w->x : NULL, w->x.data ? &w->y : NULL, &w->o, losses, &w->info));
    NRM_TRY(add_number(ctx, w, "validation_loss", w->info.validation_loss));
    return nrm_save_bundle(ctx, path, &(nrm_bundle){w->items, w->count});
}

int main(int argc, char **argv)
{
    nrm_ctx_options options = nrm_ctx_options_default();
    static twin w;
    nrm_ctx *ctx;
    if (argc != 3) return fputs("twin gpt|convnet|mlp FILE.npz\n", stderr), 2;
    options.threads = 1;
    options.seed = SEED;
    if (nrm_ctx_create(&ctx, &options) < 0) return 1;
    nrm_status st = choose(ctx, &w, argv[1]);
    if (st >= 0) st = run(ctx, &w, argv[2]);
    if (st < 0) fprintf(stderr, "%s\n", *nrm_message(ctx) ? nrm_message(ctx) : nrm_status_text(st));
    for (int64_t i = 0; i < w.count; i++) {
        nrm_array_destroy(ctx, &w.items[i].array);
        free(w.items[i].name);
    }
    nrm_trainer_destroy(ctx, &w.t);
    nrm_array_destroy(ctx, &w.x);
    nrm_array_destroy(ctx, &w.y);
    nrm_ctx_destroy(ctx);
    return st < 0 ? 1 : 0;
}
