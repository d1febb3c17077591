/* config.c -- configurations of networks: JSON objects read against the table of a model.
 *
 * Every key is looked up in the configuration, then in the fallback, then takes its usual
 * value, which is JSON too: one reader and one set of messages for all three.  (The JSON
 * library uses the C heap.) */
#include "nn.h"
#include <jansson.h>
#include <stdio.h>

enum { TEXT = 80 };

/* The value as JSON for a message, cut where it is long. */
static const char *value_text(char text[TEXT], const json_t *value)
{
    char *whole = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    char shown[NRM_SHOWN_LENGTH];
    json_free_t release;
    json_get_alloc_funcs(NULL, &release);
    snprintf(text, TEXT, "%s", whole ? nrm_shown(shown, whole) : "?");
    release(whole);
    return text;
}

static nrm_status wrong_type(nrm_ctx *ctx, const nrm_config_key *key, const json_t *value, const char *want)
{
    char text[TEXT];
    return nrm_fail(ctx, NRM_E_DTYPE, "network: '%s' is %s; it must be %s", key->name, value_text(text, value), want);
}

static nrm_status read_number(nrm_ctx *ctx, const nrm_config_key *key, const json_t *value, double *number)
{
    char text[TEXT], least[NRM_NUMBER_LENGTH], most[NRM_NUMBER_LENGTH];
    if (key->kind == NRM_KEY_NUMBER ? !json_is_number(value) : !json_is_integer(value))
        return wrong_type(ctx, key, value, key->kind == NRM_KEY_NUMBER ? "a number" : key->kind == NRM_KEY_LIST ? "a list of whole numbers" : "a whole number");
    *number = json_number_value(value);
    nrm_format_f64(least, key->least);
    nrm_format_f64(most, key->most);
    NRM_REQUIRE(ctx, *number >= key->least && *number <= key->most, NRM_E_RANGE,
                "network: '%s' is %s; it must lie between %s and %s", key->name, value_text(text, value), least, most);
    return NRM_OK;
}

static nrm_status read_list(nrm_ctx *ctx, const nrm_config_key *key, const json_t *value, nrm_key_list *list)
{
    if (!json_is_array(value)) return wrong_type(ctx, key, value, "a list of whole numbers");
    NRM_REQUIRE(ctx, json_array_size(value) <= NRM_LIST_MOST, NRM_E_RANGE, "network: '%s' has %zu entries; at most %d are possible",
                key->name, json_array_size(value), NRM_LIST_MOST);
    list->count = (int64_t)json_array_size(value);
    for (int64_t i = 0; i < list->count; i++) {
        double number;
        NRM_TRY(read_number(ctx, key, json_array_get(value, (size_t)i), &number));
        list->value[i] = (int64_t)number;
    }
    return NRM_OK;
}

static nrm_status read_choice(nrm_ctx *ctx, const nrm_config_key *key, const json_t *value, int64_t *choice)
{
    const char *const *words = key->words(), *word = json_string_value(value), *nearest;
    char shown[NRM_SHOWN_LENGTH], all[256] = "";
    if (!word) return wrong_type(ctx, key, value, "a word");
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            *choice = i;
            return NRM_OK;
        }
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", words[i]);
    }
    nearest = nrm_nearest(word, words);
    return nrm_fail(ctx, NRM_E_ARGUMENT, "network: '%s' is '%s'; it must be one of %s%s%s", key->name, nrm_shown(shown, word), all,
                    nearest ? ": the nearest is " : "", nearest ? nearest : "");
}

static nrm_status read_key(nrm_ctx *ctx, const nrm_config_key *key, const json_t *value, nrm_config *config)
{
    void *to = (char *)config + key->offset;
    double number = 0;
    switch (key->kind) {
    case NRM_KEY_LIST: return read_list(ctx, key, value, to);
    case NRM_KEY_CHOICE: return read_choice(ctx, key, value, to);
    case NRM_KEY_FLAG:
        if (!json_is_boolean(value)) return wrong_type(ctx, key, value, "true or false");
        *(bool *)to = json_is_true(value);
        return NRM_OK;
    default:
        NRM_TRY(read_number(ctx, key, value, &number));
        if (key->kind == NRM_KEY_NUMBER) *(double *)to = number;
        else *(int64_t *)to = (int64_t)number;
        return NRM_OK;
    }
}

/* ---- Whole configurations --------------------------------------------------------------------- */

static nrm_status parse_object(nrm_ctx *ctx, const char *text, json_t **object)
{
    json_error_t error;
    char shown[NRM_SHOWN_LENGTH];
    *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(*object)) return NRM_OK;
    const bool parsed = *object != NULL;
    json_decref(*object);
    *object = NULL;
    return nrm_fail(ctx, NRM_E_FORMAT, "network: the configuration is not understood (%s); a JSON object such as "
                    "{\"model\": \"mlp\", \"widths\": [50, 50]} is expected", parsed ? "no object" : nrm_shown(shown, error.text));
}

static nrm_status find_model(nrm_ctx *ctx, const json_t *config, const json_t *fallback, const nrm_model **model)
{
    const json_t *value = json_object_get(config, "model");
    char text[TEXT];
    if (!value) value = json_object_get(fallback, "model");
    NRM_REQUIRE(ctx, value, NRM_E_ARGUMENT, "network: 'model' is missing; it must be gpt, mlp or convnet");
    *model = nrm_model_find(json_string_value(value));
    if (*model) return NRM_OK;
    const char *nearest = json_is_string(value) ? nrm_nearest(json_string_value(value), nrm_network_models()) : NULL;
    return nrm_fail(ctx, NRM_E_ARGUMENT, "network: 'model' is %s; it must be gpt, mlp or convnet%s%s", value_text(text, value),
                    nearest ? ": the nearest is " : "", nearest ? nearest : "");
}

static nrm_status no_strange_keys(nrm_ctx *ctx, const nrm_model *model, json_t *config)
{
    const char *words[64], *name;
    char shown[NRM_SHOWN_LENGTH];
    json_t *value;
    int count = 0;
    words[count++] = "model";
    for (const nrm_config_key *key = model->keys; key->name && count < NRM_COUNT(words) - 1; key++) words[count++] = key->name;
    words[count] = NULL;
    json_object_foreach(config, name, value) {
        bool known = false;
        for (int i = 0; i < count; i++) known = known || strcmp(words[i], name) == 0;
        if (known) continue;
        const char *nearest = nrm_nearest(name, words);
        return nrm_fail(ctx, NRM_E_ARGUMENT, "network: model %s has no key '%s'%s%s", model->name, nrm_shown(shown, name),
                        nearest ? "; the nearest is " : ": docs/networks.md lists them", nearest ? nearest : "");
    }
    return NRM_OK;
}

/* Each key of the model, and the object of all values. */
static nrm_status read_keys(nrm_ctx *ctx, const nrm_model *model, json_t *given, json_t *fallback, nrm_config *config, json_t *whole)
{
    for (const nrm_config_key *key = model->keys; key->name; key++) {
        json_t *value = json_object_get(given, key->name);
        if (!value) value = json_object_get(fallback, key->name);
        NRM_REQUIRE(ctx, value || key->usual, NRM_E_ARGUMENT, "network: '%s' is missing; model %s needs it: %s", key->name, model->name, key->help);
        value = value ? json_incref(value) : json_loads(key->usual, JSON_DECODE_ANY, NULL);
        NRM_REQUIRE(ctx, value, NRM_E_NOMEM, "network: no memory for the value of '%s'", key->name);
        const nrm_status st = read_key(ctx, key, value, config);
        if (json_object_set_new(whole, key->name, value) != 0) return nrm_fail(ctx, NRM_E_NOMEM, "network: no memory for its configuration");
        if (st < 0) return st;
    }
    return model->check(ctx, config);
}

nrm_status nrm_config_read(nrm_ctx *ctx, const char *text, const char *fallback, const nrm_model **model, nrm_config *config, char **whole)
{
    json_t *given = NULL, *other = NULL, *all = json_object();
    char *dumped = NULL;
    json_free_t release;
    nrm_status st;
    json_get_alloc_funcs(NULL, &release);
    *config = (nrm_config){0};
    NRM_STOP_IF(!all, NRM_E_NOMEM, "network: no memory for its configuration");
    NRM_TRY_DONE(parse_object(ctx, text, &given));
    if (fallback) NRM_TRY_DONE(parse_object(ctx, fallback, &other));
    NRM_TRY_DONE(find_model(ctx, given, other, model));
    NRM_TRY_DONE(no_strange_keys(ctx, *model, given));
    NRM_STOP_IF(json_object_set_new(all, "model", json_string((*model)->name)) != 0, NRM_E_NOMEM, "network: no memory for its configuration");
    NRM_TRY_DONE(read_keys(ctx, *model, given, other, config, all));
    dumped = json_dumps(all, JSON_REAL_PRECISION(17));
    NRM_STOP_IF(!dumped, NRM_E_NOMEM, "network: no memory for its configuration");
    st = nrm_copy_string(ctx, whole, dumped);
done:
    json_decref(given);
    json_decref(other);
    json_decref(all);
    release(dumped);
    return st;
}
