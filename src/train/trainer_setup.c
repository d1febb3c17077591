/* trainer_setup.c -- a run is made ready: network, passes, parameters, optimizer. */
#define _POSIX_C_SOURCE 200809L
#include "trainer.h"
#include <norma/optim_distributed.h>
#include <stdio.h>
#include <sys/stat.h>

enum { MOST_CONFIG = 1 << 20 };

nrm_dataset_options nrm_trainer_dataset_options(const nrm_train_options *o, uint64_t seed, const char *state)
{
    nrm_dataset_options d = nrm_dataset_options_default();
    d.kind = o->kind;
    d.path = o->data;
    d.labels = o->labels;
    d.validation = o->validation_data;
    d.validation_labels = o->validation_labels;
    d.validation_fraction = o->validation;
    d.seed = seed;
    d.context = o->context;
    d.tokenizer = o->tokenizer;
    d.vocabulary = o->vocabulary;
    d.target = o->target;
    d.target_column = o->target_column;
    d.state = state;
    return d;
}

nrm_status nrm_path_in(nrm_ctx *ctx, const char *folder, const char *name, char **path)
{
    struct stat about;
    const bool is_folder = stat(folder, &about) == 0 && S_ISDIR(about.st_mode);
    const size_t size = strlen(folder) + strlen(name) + 2;
    NRM_TRY(NRM_ALLOC(ctx, *path, (int64_t)size, "a path"));
    if (is_folder) snprintf(*path, size, "%s/%s", folder, name);
    else snprintf(*path, size, "%s", folder);
    return NRM_OK;
}

/* ---- The network ------------------------------------------------------------------------------- */

/* What the data ask of a model, as the configuration that stands behind the user's. */
static void data_config(const nrm_dataset_about *a, int64_t context, char *text, size_t size)
{
    const long long outputs = NRM_LL(a->classes > 0 ? a->classes : a->values);
    if (a->kind == NRM_DATASET_TEXT)
        snprintf(text, size, "{\"model\": \"gpt\", \"vocabulary\": %lld, \"context\": %lld}", NRM_LL(a->classes), NRM_LL(context));
    else if (a->kind == NRM_DATASET_IMAGES)
        snprintf(text, size, "{\"model\": \"convnet\", \"image\": [%lld, %lld, %lld], \"classes\": %lld}",
                 NRM_LL(a->shape[0]), NRM_LL(a->shape[1]), NRM_LL(a->shape[2]), outputs);
    else
        snprintf(text, size, "{\"model\": \"mlp\", \"inputs\": %lld, \"outputs\": %lld, \"loss\": \"%s\"}", NRM_LL(a->features), outputs,
                 a->classes > 0 ? "cross_entropy" : "mse");
}

/* The text of a file that holds a configuration. */
static nrm_status read_config(nrm_ctx *ctx, const char *who, const char *path, char **text)
{
    FILE *file = fopen(path, "rb");
    if (!file) return nrm_fail(ctx, NRM_E_IO, "%s: model is '%.80s'; it is neither gpt, convnet, mlp nor a JSON object, and no such file can be read", who, path);
    nrm_status st = NRM_ALLOC(ctx, *text, MOST_CONFIG + 1, "a configuration");
    if (st >= 0) {
        const size_t length = fread(*text, 1, MOST_CONFIG + 1, file);
        if (ferror(file) || length > MOST_CONFIG) {
            st = nrm_fail(ctx, NRM_E_FORMAT, "%s: %s cannot be read, or is larger than the megabyte that a configuration may have", who, path);
            nrm_free(ctx, *text);
            *text = NULL;
        } else {
            (*text)[length] = '\0';
        }
    }
    fclose(file);
    return st;
}

nrm_status nrm_trainer_network(nrm_ctx *ctx, const char *who, const char *model, const nrm_dataset *data, int64_t context,
                               nrm_network **network)
{
    const nrm_dataset_about about = nrm_dataset_describe(data);
    char fallback[256], named[64], *text = NULL;
    const char *config = "{}";
    nrm_status st;

    data_config(&about, context, fallback, sizeof fallback);
    if (model[0] == '{') {
        config = model;
    } else if (strcmp(model, "gpt") == 0 || strcmp(model, "convnet") == 0 || strcmp(model, "mlp") == 0) {
        snprintf(named, sizeof named, "{\"model\": \"%s\"}", model);
        config = named;
    } else if (strcmp(model, "auto") != 0) {
        NRM_TRY(read_config(ctx, who, model, &text));
        config = text;
    }
    st = nrm_network_create(ctx, config, fallback, network);
    nrm_free(ctx, text);
    return st < 0 ? nrm_fail_prefix(ctx, st, "%s: model", who) : st;
}

/* ---- The optimizer ---------------------------------------------------------------------------------- */

/* Set an option of the kind where it has one of that name. */
static nrm_status set_number(nrm_ctx *ctx, nrm_optimizer_kind kind, nrm_optimizer_options *options, const char *name, double value)
{
    int count;
    char text[NRM_NUMBER_LENGTH];
    const nrm_param *params = nrm_optimizer_params(kind, &count);

    for (int i = 0; i < count; i++)
        if (strcmp(params[i].name, name) == 0) {
            nrm_format_f64(text, value);
            return nrm_optimizer_options_set(ctx, kind, options, name, text);
        }
    return NRM_OK;
}

/* What all kinds share.  nesterov and coefficients are set where they differ from what a kind does anyway. */
static nrm_status shared_options(nrm_ctx *ctx, const nrm_train_options *o, nrm_optimizer_kind kind, nrm_optimizer_options *options)
{
    NRM_TRY(nrm_optimizer_options_init(ctx, kind, options));
    NRM_TRY(set_number(ctx, kind, options, "weight_decay", o->weight_decay));
    if (o->momentum >= 0) NRM_TRY(set_number(ctx, kind, options, "momentum", o->momentum));
    if (!o->nesterov) NRM_TRY(set_number(ctx, kind, options, "nesterov", 0));
    if (nrm_optimizer_kind_takes_matrices(kind)) {
#define NRM_WORD(constant, word) word,
        static const char *const words[] = {NRM_TRAIN_COEFFICIENTS(NRM_WORD)};
        if (o->matrix_lr > 0) NRM_TRY(set_number(ctx, kind, options, "lr", o->matrix_lr));
        if (o->ns_coefficients != NRM_TRAIN_COEFFICIENTS_AUTO)
            NRM_TRY(nrm_optimizer_options_set(ctx, kind, options, "coefficients", words[o->ns_coefficients]));
        return o->ns_steps > 0 ? set_number(ctx, kind, options, "steps", (double)o->ns_steps) : NRM_OK;
    }
    if (o->lr > 0) NRM_TRY(set_number(ctx, kind, options, "lr", o->lr));
    if (kind == NRM_OPTIMIZER_ADAMW) {
        options->adamw.beta1 = o->beta1;
        options->adamw.beta2 = o->beta2;
        options->adamw.eps = o->eps;
    } else if (kind == NRM_OPTIMIZER_SGD) {
        if (!(o->lr > 0)) options->sgd.lr = 0.1;
        if (o->momentum < 0) options->sgd.momentum = 0.9;
        options->sgd.nesterov = o->nesterov && options->sgd.momentum > 0;
        options->sgd.decoupled = true;
    }
    return NRM_OK;
}

/* Groups: the chosen optimizer; where that takes matrices, AdamW for the rest; then the same
 * without decay for what is not a weight. */
enum { MATRICES, REST, BARE, GROUPS };

static nrm_status group_options(nrm_ctx *ctx, const nrm_train_options *o, nrm_optimizer_group *groups, nrm_optimizer_options *options)
{
    const nrm_optimizer_kind kind = (nrm_optimizer_kind)o->optimizer;
    const nrm_optimizer_kind rest = nrm_optimizer_kind_takes_matrices(kind) ? NRM_OPTIMIZER_ADAMW : kind;

    for (int i = 0; i < GROUPS; i++) {
        groups[i] = (nrm_optimizer_group){i == MATRICES ? kind : rest, &options[i]};
        NRM_TRY(shared_options(ctx, o, groups[i].kind, &options[i]));
        if (o->optimizer_options && groups[i].kind == kind) NRM_TRY(nrm_optimizer_options_parse(ctx, kind, &options[i], o->optimizer_options));
    }
    return set_number(ctx, rest, &options[BARE], "weight_decay", 0);
}

nrm_status nrm_trainer_optimizer(nrm_ctx *ctx, nrm_trainer *t)
{
    const bool matrices = nrm_optimizer_kind_takes_matrices((nrm_optimizer_kind)t->o.optimizer);
    nrm_optimizer_group groups[GROUPS];
    nrm_optimizer_options options[GROUPS];
    nrm_optimizer_tensor *tensors = NULL;
    nrm_parameter *parameters = NULL;
    nrm_status st;

    if (t->o.optimizer == NRM_TRAIN_LBFGS) return NRM_OK;
    st = group_options(ctx, &t->o, groups, options);
    if (st < 0) nrm_fail_prefix(ctx, st, "%s", t->who);
    if (st >= 0) st = NRM_ALLOC_ZERO(ctx, tensors, t->trained, "an optimizer");
    if (st >= 0) st = NRM_ALLOC_ZERO(ctx, parameters, t->trained, "an optimizer");
    NRM_TRY_DONE(nrm_comm_agree(ctx, t->ranks.comm, st));
    for (int64_t i = 0; i < t->trained; i++) {
        nrm_parameter *p = &parameters[i];
        nrm_parameters_at(t->parameters, i, p);
        tensors[i] = (nrm_optimizer_tensor){.name = p->name, .dtype = p->array.dtype, .ndim = p->array.ndim, .shape = p->array.shape,
                                            .flags = p->flags & (NRM_OPTIMIZER_EMBEDDING | NRM_OPTIMIZER_HEAD),
                                            .split_count = p->split_count, .split = p->split};
    }
    if (matrices) nrm_optimizer_route(t->trained, tensors, MATRICES, REST);
    for (int64_t i = 0; i < t->trained; i++)
        if ((parameters[i].flags & NRM_PARAMETER_NO_DECAY) && (!matrices || tensors[i].group == REST)) tensors[i].group = BARE;
    st = nrm_optimizer_create_sharded(ctx, &t->optimizer, t->ranks.comm, GROUPS, groups, t->trained, tensors);
done:
    nrm_free(ctx, tensors);
    nrm_free(ctx, parameters);
    return st;
}

/* ---- All of it ----------------------------------------------------------------------------------------- */

static nrm_status list_parameters(nrm_ctx *ctx, nrm_trainer *t)
{
    t->trained = nrm_parameters_trained(t->parameters);
    NRM_TRY(NRM_ALLOC(ctx, t->parameter, t->trained, "a run"));
    NRM_TRY(NRM_ALLOC(ctx, t->gradient, t->trained, "a run"));
    NRM_TRY(NRM_ALLOC(ctx, t->sizes, t->trained, "a run"));
    for (int64_t i = 0; i < t->trained; i++) {
        nrm_parameter p, g;
        nrm_parameters_at(t->parameters, i, &p);
        nrm_parameters_at(t->gradients, i, &g);
        t->parameter[i] = p.array.data;
        t->gradient[i] = g.array.data;
        t->sizes[i] = nrm_array_count(&p.array);
        NRM_TRY(nrm_instance_bind_output(ctx, t->training.instance, NRM_PASS_GRADIENTS + (int)i, g.array.data));
    }
    return NRM_OK;
}

static nrm_status set_schedule(nrm_ctx *ctx, nrm_trainer *t)
{
    const int64_t total = t->o.steps, warmup = t->o.warmup >= 0 ? t->o.warmup : total / 100;
    t->schedule = (nrm_schedule){.kind = (nrm_schedule_kind)t->o.schedule, .total = total, .warmup = warmup,
                                 .decay = t->o.decay >= 0 ? t->o.decay : nrm_min_i64(total / 5, total - warmup), .floor = t->o.floor};
    const nrm_status st = nrm_schedule_check(ctx, &t->schedule);
    return st < 0 ? nrm_fail_prefix(ctx, st, "%s", t->who) : st;
}

/* A run that goes on keeps its network: another one that is asked for is refused. */
static nrm_status same_model(nrm_ctx *ctx, const nrm_trainer *t)
{
    nrm_network *asked;
    NRM_TRY(nrm_trainer_network(ctx, t->who, t->o.model, t->data, t->o.context, &asked));
    const bool same = strcmp(nrm_network_config(asked), nrm_network_config(t->network)) == 0;
    nrm_network_destroy(asked);
    NRM_REQUIRE(ctx, same, NRM_E_ARGUMENT, "%s: resume: the checkpoint's network is not the model that is given; leave model out, or give the run's", t->who);
    return NRM_OK;
}

nrm_status nrm_trainer_setup(nrm_ctx *ctx, nrm_trainer *t, const char *config)
{
    const bool whole = t->o.optimizer == NRM_TRAIN_LBFGS;
    if (whole) {
        NRM_REQUIRE(ctx, t->about.kind != NRM_DATASET_TEXT, NRM_E_ARGUMENT,
                    "%s: optimizer is lbfgs, which sees all data at every step; a text has no such end: use adamw or muon", t->who);
        NRM_REQUIRE(ctx, !t->ranks.comm, NRM_E_UNSUPPORTED, "%s: optimizer is lbfgs, which ranks cannot share: start one process, or use adamw or muon", t->who);
        t->o.batch = t->about.examples[NRM_TRAINING];
    }
    t->ranks.batch = t->o.batch;
    NRM_TRY(nrm_ranks_share(ctx, &t->ranks, t->who));
    NRM_TRY(set_schedule(ctx, t));
    NRM_TRY(nrm_trainer_network(ctx, t->who, config ? config : t->o.model, t->data, t->o.context, &t->network));
    if (config && strcmp(t->o.model, "auto") != 0) NRM_TRY(same_model(ctx, t));
    NRM_TRY(nrm_pass_create(ctx, &t->training, t->who, t->network, t->data, true, t->ranks.rows, t->dtype));
    NRM_TRY(nrm_pass_create(ctx, &t->evaluation, t->who, t->network, t->data, false,
                            nrm_max_i64(1, nrm_min_i64(t->o.batch, nrm_max_i64(t->about.examples[NRM_VALIDATION], 1))), t->dtype));
    NRM_TRY(nrm_parameters_create(ctx, t->training.graph.nn, &t->parameters));
    NRM_TRY(nrm_parameters_like(ctx, t->parameters, &t->gradients));
    if (t->o.accumulate > 1) NRM_TRY(nrm_parameters_like(ctx, t->parameters, &t->summed));
    NRM_TRY(nrm_parameters_initialise(ctx, t->parameters, t->state.seed));
    NRM_TRY(nrm_parameters_bind(ctx, t->parameters, t->training.instance));
    NRM_TRY(nrm_parameters_bind(ctx, t->parameters, t->evaluation.instance));
    NRM_TRY(nrm_ranks_prepare(ctx, &t->ranks, t->parameters));
    return list_parameters(ctx, t);
}

void nrm_trainer_destroy(nrm_ctx *ctx, nrm_trainer *t)
{
    if (nrm_run_log_close(ctx, t->log) < 0) nrm_warn(ctx, "%s: the end of the log is lost", t->who);
    nrm_optimizer_destroy(ctx, t->optimizer);
    nrm_ranks_free(ctx, &t->ranks);
    nrm_free(ctx, t->parameter);
    nrm_free(ctx, t->gradient);
    nrm_free(ctx, t->sizes);
    nrm_free(ctx, t->losses);
    nrm_free(ctx, t->validations);
    nrm_pass_destroy(ctx, &t->training);
    nrm_pass_destroy(ctx, &t->evaluation);
    nrm_parameters_destroy(t->parameters);
    nrm_parameters_destroy(t->gradients);
    nrm_parameters_destroy(t->summed);
    nrm_network_destroy(t->network);
    nrm_dataset_destroy(ctx, t->data);
}
