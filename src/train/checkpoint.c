/* checkpoint.c -- the state of a run as one safetensors file:
 *
 *   the parameters and buffers under their names, the optimizer's state under its own,
 *   run.losses (steps), run.validations (k x 3: step, loss, accuracy),
 *   run.json, network.json, data.json as bytes: counters and options of the run; the network's
 *   configuration; tokenizer, scales and classes.
 *
 * It is written under another name and renamed: a run that is cut off leaves the last one. */
#include "method/descriptor.h"
#include "trainer.h"
#include <norma/optim_distributed.h>

extern const nrm_method nrm_train_method;
static const char FILE_NAME[] = "checkpoint.safetensors";

/* ---- Options as JSON, by their descriptor --------------------------------------------------------- */

static json_t *options_json(const nrm_train_options *o)
{
    json_t *all = json_object();
    for (int i = 0; i < nrm_train_method.param_count; i++) {
        const nrm_param *p = &nrm_train_method.params[i];
        char word[64];
        const char *text;
        json_t *value = NULL;
        switch (p->kind) {
        case NRM_KIND_F64: value = json_real(nrm_option_f64(p, o)); break;
        case NRM_KIND_FLAG: value = json_boolean(nrm_option_i64(p, o) != 0); break;
        case NRM_KIND_TEXT: text = nrm_option_text(p, o); value = text ? json_string(text) : json_null(); break;
        case NRM_KIND_CHOICE:
            if (nrm_choice_word(p, nrm_option_i64(p, o), word, sizeof word) == 0) value = json_string(word);
            break;
        default: value = json_integer(nrm_option_i64(p, o)); break;
        }
        if (json_object_set_new(all, p->name, value) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

static nrm_status option_from_json(nrm_ctx *ctx, const nrm_param *p, const json_t *value, nrm_train_options *o)
{
    char number[NRM_NUMBER_LENGTH];
    if (p->kind == NRM_KIND_TEXT) {
        const char *text = json_string_value(value);
        memcpy((char *)o + p->offset, &text, sizeof text);
        return NRM_OK;
    }
    if (json_is_boolean(value)) return nrm_option_from_text(ctx, &nrm_train_method, p, json_is_true(value) ? "true" : "false", o);
    if (json_is_string(value)) return nrm_option_from_text(ctx, &nrm_train_method, p, json_string_value(value), o);
    NRM_REQUIRE(ctx, json_is_number(value), NRM_E_FORMAT, "option '%s' of the run has the wrong type", p->name);
    nrm_format_f64(number, json_number_value(value));
    return nrm_option_from_text(ctx, &nrm_train_method, p, number, o);
}

nrm_status nrm_checkpoint_options(nrm_ctx *ctx, const char *who, const nrm_checkpoint *c, nrm_train_options *o)
{
    *o = nrm_train_options_default();
    const json_t *all = json_object_get(c->run, "options");
    for (int i = 0; i < nrm_train_method.param_count; i++) {
        const nrm_param *p = &nrm_train_method.params[i];
        const json_t *value = json_object_get(all, p->name);
        if (!value) continue;
        const nrm_status st = option_from_json(ctx, p, value, o);
        if (st < 0) return nrm_fail_prefix(ctx, st, "%s: the checkpoint", who);
    }
    return NRM_OK;
}

/* ---- Writing ------------------------------------------------------------------------------------------ */

static nrm_status add_view(nrm_ctx *ctx, nrm_named *items, int64_t *count, const char *name, nrm_dtype dtype, int ndim, const int64_t *shape, const void *data)
{
    nrm_named *item = &items[(*count)++];
    item->name = (char *)(uintptr_t)name; /* the writer changes neither names nor arrays */
    return nrm_array_view(ctx, &item->array, dtype, ndim, shape, (void *)(uintptr_t)data);
}

static nrm_status add_text(nrm_ctx *ctx, nrm_named *items, int64_t *count, const char *name, const char *text)
{
    return add_view(ctx, items, count, name, NRM_U8, 1, (int64_t[]){(int64_t)strlen(text)}, text);
}

static char *run_json(const nrm_trainer *t)
{
    json_t *options = options_json(&t->o);
    json_t *run = json_pack("{s:s, s:I, s:s, s:I, s:I, s:o}", "norma", nrm_version(), "step", (json_int_t)t->state.step, "task", "train",
                            "best_step", (json_int_t)t->state.best_step, "without_gain", (json_int_t)t->state.without_gain, "options", options);
    char number[NRM_NUMBER_LENGTH];
    /* As text: exact, and infinity before the first validation has no number in JSON. */
    nrm_format_f64(number, t->state.best_loss);
    char seed[24];
    int length = 0;
    for (uint64_t left = t->state.seed; left > 0 || length == 0; left /= 10) seed[length++] = (char)('0' + left % 10);
    for (int i = 0; i < length / 2; i++) {
        const char swap = seed[i];
        seed[i] = seed[length - 1 - i];
        seed[length - 1 - i] = swap;
    }
    seed[length] = '\0';
    char *text = NULL;
    if (run && json_object_set_new(run, "best_loss", json_string(number)) == 0 && json_object_set_new(run, "seed", json_string(seed)) == 0)
        text = json_dumps(run, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(run);
    return text;
}

/* state: the optimizer's, where ranks share it and it came together here. */
static nrm_status write(nrm_ctx *ctx, nrm_trainer *t, const nrm_bundle *state)
{
    const int64_t states = t->optimizer ? nrm_optimizer_state_count(t->optimizer) : 0;
    nrm_named *items = NULL;
    char *path = NULL, *data = NULL, *run = run_json(t);
    int64_t count = 0;
    nrm_status st = NRM_OK;

    NRM_STOP_IF(!run, NRM_E_NOMEM, "%s: no memory for a checkpoint", t->who);
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, items, states + 5, "a checkpoint"));
    NRM_TRY_DONE(nrm_dataset_save(ctx, t->data, &data));
    for (int64_t i = 0; i < states; i++) {
        const char *name;
        nrm_array view;
        if (state->count > i) name = state->items[i].name, view = state->items[i].array;
        if (state->count > i || nrm_optimizer_state_at(t->optimizer, i, &name, &view))
            NRM_TRY_DONE(add_view(ctx, items, &count, name, view.dtype, view.ndim, view.shape, view.data));
    }
    NRM_TRY_DONE(add_view(ctx, items, &count, "run.losses", NRM_F64, 1, &t->state.step, t->losses));
    NRM_TRY_DONE(add_view(ctx, items, &count, "run.validations", NRM_F64, 2, (int64_t[]){t->validation_count, 3}, t->validations));
    NRM_TRY_DONE(add_text(ctx, items, &count, "run.json", run));
    NRM_TRY_DONE(add_text(ctx, items, &count, "network.json", nrm_network_config(t->network)));
    NRM_TRY_DONE(add_text(ctx, items, &count, "data.json", data));
    NRM_TRY_DONE(nrm_path_in(ctx, t->o.folder, FILE_NAME, &path));
    st = nrm_parameters_save(ctx, t->parameters, &(nrm_bundle){items, count}, path);
done:
    if (st < 0 && st != NRM_E_CANCELLED) nrm_fail_prefix(ctx, st, "%s", t->who);
    nrm_free(ctx, items);
    nrm_free(ctx, data);
    nrm_free(ctx, path);
    free(run);
    return st;
}

nrm_status nrm_checkpoint_save(nrm_ctx *ctx, nrm_trainer *t)
{
    nrm_bundle state = {NULL, 0};
    nrm_status st = NRM_OK;

    NRM_TRY(nrm_ranks_average_buffers(ctx, &t->ranks, t->parameters));
    if (t->ranks.comm) NRM_TRY(nrm_optimizer_gather_state(ctx, t->optimizer, 0, &state));
    if (nrm_ranks_writes(&t->ranks)) st = write(ctx, t, &state);
    nrm_bundle_destroy(ctx, &state);
    return nrm_comm_agree(ctx, t->ranks.comm, st);
}

/* ---- Reading -------------------------------------------------------------------------------------------- */

static nrm_status read_state(nrm_ctx *ctx, const char *path, nrm_checkpoint *c)
{
    const json_t *step = json_object_get(c->run, "step"), *best = json_object_get(c->run, "best_step"), *gain = json_object_get(c->run, "without_gain");
    const char *loss = json_string_value(json_object_get(c->run, "best_loss")), *seed = json_string_value(json_object_get(c->run, "seed"));
    NRM_REQUIRE(ctx, json_is_integer(step) && json_integer_value(step) >= 0 && json_is_integer(best) && json_is_integer(gain) && loss && seed &&
                nrm_parse_f64(loss, loss + strlen(loss), &c->state.best_loss), NRM_E_FORMAT, "%s: run.json lacks the counters of a run", path);
    c->state.step = json_integer_value(step);
    c->state.best_step = json_integer_value(best);
    c->state.without_gain = json_integer_value(gain);
    for (const char *d = seed; *d; d++) {
        NRM_REQUIRE(ctx, *d >= '0' && *d <= '9', NRM_E_FORMAT, "%s: the seed of run.json is no number", path);
        c->state.seed = c->state.seed * 10 + (uint64_t)(*d - '0');
    }
    return NRM_OK;
}

nrm_status nrm_checkpoint_open(nrm_ctx *ctx, const char *who, const char *path, nrm_checkpoint *c)
{
    char *file = NULL, *run = NULL;
    json_error_t error;
    nrm_status st;

    NRM_TRY_DONE(nrm_path_in(ctx, path, FILE_NAME, &file));
    NRM_TRY_DONE(nrm_load(ctx, file, &c->file));
    NRM_STOP_IF(c->file.kind != NRM_LOADED_BUNDLE, NRM_E_FORMAT, "%s is %s; a checkpoint is a safetensors file that train wrote", file, c->file.format);
    NRM_TRY_DONE(nrm_bundle_text(ctx, &c->file.bundle, "run.json", &run));
    NRM_TRY_DONE(nrm_bundle_text(ctx, &c->file.bundle, "network.json", &c->network));
    NRM_TRY_DONE(nrm_bundle_text(ctx, &c->file.bundle, "data.json", &c->data));
    c->run = json_loads(run, JSON_REJECT_DUPLICATES, &error);
    NRM_STOP_IF(!json_is_object(c->run), NRM_E_FORMAT, "%s: run.json is no JSON object: %s", file, error.text);
    st = read_state(ctx, file, c);
done:
    if (st < 0) nrm_fail_prefix(ctx, st, "%s", who);
    nrm_free(ctx, file);
    nrm_free(ctx, run);
    return st;
}

void nrm_checkpoint_close(nrm_ctx *ctx, nrm_checkpoint *c)
{
    nrm_loaded_destroy(ctx, &c->file);
    nrm_free(ctx, c->network);
    nrm_free(ctx, c->data);
    json_decref(c->run);
    *c = (nrm_checkpoint){.run = NULL};
}

nrm_status nrm_checkpoint_restore(nrm_ctx *ctx, nrm_trainer *t, const nrm_checkpoint *c)
{
    const nrm_bundle *bundle = &c->file.bundle;
    const nrm_array *losses = nrm_bundle_find(bundle, "run.losses"), *validations = nrm_bundle_find(bundle, "run.validations");

    NRM_REQUIRE(ctx, c->state.step <= t->o.steps, NRM_E_RANGE, "%s: the checkpoint was trained %lld steps, and steps is %lld; steps counts from the beginning of the run",
                t->who, NRM_LL(c->state.step), NRM_LL(t->o.steps));
    NRM_REQUIRE(ctx, losses && losses->dtype == NRM_F64 && nrm_array_count(losses) == c->state.step && validations &&
                validations->dtype == NRM_F64 && nrm_array_count(validations) % 3 == 0, NRM_E_FORMAT, "%s: the checkpoint lacks the losses of its %lld steps",
                t->who, NRM_LL(c->state.step));
    NRM_TRY(nrm_grow(ctx, &t->losses, &t->loss_capacity, t->o.steps, sizeof *t->losses, "the losses of a run"));
    NRM_TRY(nrm_grow(ctx, &t->validations, &t->validation_capacity, nrm_array_count(validations) + 3, sizeof *t->validations, "the validations of a run"));
    nrm_status st = t->optimizer ? nrm_optimizer_load_state(ctx, t->optimizer, bundle) : NRM_OK;
    if (st >= 0) st = nrm_parameters_load(ctx, t->parameters, bundle);
    if (st < 0) return nrm_fail_prefix(ctx, st, "%s: resume", t->who);
    if (c->state.step > 0) memcpy(t->losses, losses->data, (size_t)c->state.step * sizeof *t->losses);
    t->validation_count = nrm_array_count(validations) / 3;
    if (t->validation_count > 0) memcpy(t->validations, validations->data, (size_t)t->validation_count * 3 * sizeof *t->validations);
    t->state = c->state;
    return NRM_OK;
}
