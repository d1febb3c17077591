/* dataset_state.c -- what a data set learnt, as JSON, so that a checkpoint can bring it back:
 *
 *     {"data":"text","tokenizer":{...}}
 *     {"data":"images","shape":[1,28,28],"mean":[0.13],"scale":[0.31],"classes":10}
 *     {"data":"table","shape":[4],"mean":[...],"scale":[...],"class_value":[-1,1]}   or "values":1
 *
 * The text comes from a file, so nothing in it is believed. */
#include "dataset_impl.h"
#include <stdlib.h>

static const char *const kind_word[] = {
#define WORD(constant, word) word,
    NRM_DATASET_KINDS(WORD)
#undef WORD
    NULL};

/* ---- Writing -------------------------------------------------------------------------------------------------- */

static void put_list(nrm_buffer *b, const char *key, const double *list, int64_t count)
{
    nrm_buffer_text(b, ",");
    nrm_buffer_quoted(b, key);
    for (int64_t i = 0; i < count; i++) {
        nrm_buffer_text(b, i == 0 ? ":[" : ",");
        nrm_buffer_number(b, list[i]);
    }
    nrm_buffer_text(b, "]");
}

static void put_integer(nrm_buffer *b, const char *key, int64_t value)
{
    nrm_buffer_text(b, ",");
    nrm_buffer_quoted(b, key);
    nrm_buffer_text(b, ":");
    nrm_buffer_integer(b, value);
}

static void put_examples(nrm_buffer *b, const nrm_dataset *d)
{
    const double shape[3] = {(double)d->shape[0], (double)d->shape[1], (double)d->shape[2]};
    put_list(b, "shape", shape, d->ndim);
    put_list(b, "mean", d->mean, d->blocks);
    put_list(b, "scale", d->scale, d->blocks);
    if (d->class_value) put_list(b, "class_value", d->class_value, d->classes);
    else if (d->classes > 0) put_integer(b, "classes", d->classes);
    else put_integer(b, "values", d->values);
}

nrm_status nrm_dataset_save(nrm_ctx *ctx, const nrm_dataset *d, char **json)
{
    nrm_buffer b = {.ctx = ctx};

    NRM_REQUIRE(ctx, d && json, NRM_E_NULL, "data: data and json must not be NULL");
    nrm_buffer_text(&b, "{\"data\":");
    nrm_buffer_quoted(&b, kind_word[d->kind]);
    if (d->kind == NRM_DATASET_TEXT) {
        char *tokenizer = NULL;
        const nrm_status st = nrm_tokenizer_save(ctx, d->tokenizer, &tokenizer);
        if (st < 0) {
            nrm_buffer_free(&b);
            return st;
        }
        nrm_buffer_text(&b, ",\"tokenizer\":");
        nrm_buffer_text(&b, tokenizer);
        nrm_free(ctx, tokenizer);
    } else {
        put_examples(&b, d);
    }
    nrm_buffer_text(&b, "}");
    return nrm_buffer_take(&b, json, NULL);
}

/* ---- Reading -------------------------------------------------------------------------------------------------- */

static nrm_status get_list(nrm_ctx *ctx, const json_t *root, const char *key, int64_t least, int64_t most, double **list,
                           int64_t *count)
{
    const json_t *array = json_object_get(root, key);
    const int64_t n = json_is_array(array) ? (int64_t)json_array_size(array) : -1;

    NRM_REQUIRE(ctx, n >= least && n <= most, NRM_E_FORMAT, "data: the state needs \"%s\", a list of %lld to %lld numbers",
                key, NRM_LL(least), NRM_LL(most));
    NRM_TRY(NRM_ALLOC(ctx, *list, n, "the state of a data set"));
    for (int64_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(array, (size_t)i);
        NRM_REQUIRE(ctx, json_is_number(item), NRM_E_FORMAT, "data: entry %lld of \"%s\" is no number", NRM_LL(i), key);
        (*list)[i] = json_number_value(item);
    }
    *count = n;
    return NRM_OK;
}

static nrm_status get_shape(nrm_ctx *ctx, const json_t *root, nrm_dataset *d)
{
    const bool images = d->kind == NRM_DATASET_IMAGES;
    double *list = NULL;
    int64_t n = 0;
    nrm_status st;

    NRM_TRY_DONE(get_list(ctx, root, "shape", images ? 3 : 1, images ? 3 : 1, &list, &n));
    d->features = 1;
    for (int64_t k = 0; k < n; k++) {
        NRM_STOP_IF(!(list[k] >= 1 && list[k] <= 0x1p31 && list[k] == floor(list[k])) ||
                    !nrm_mul_size(d->features, (int64_t)list[k], &d->features), NRM_E_FORMAT,
                    "data: entry %lld of \"shape\" is %g, which is no size", NRM_LL(k), list[k]);
        d->shape[k] = (int64_t)list[k];
    }
    d->ndim = (int)n;
    d->blocks = d->shape[0];
done:
    nrm_free(ctx, list);
    return st;
}

static nrm_status get_count(nrm_ctx *ctx, const json_t *root, const char *key, int64_t *count)
{
    const json_t *item = json_object_get(root, key);
    NRM_REQUIRE(ctx, json_is_integer(item) && json_integer_value(item) >= 1 && json_integer_value(item) <= INT32_MAX,
                NRM_E_FORMAT, "data: the state needs \"%s\", a whole number from 1", key);
    *count = json_integer_value(item);
    return NRM_OK;
}

static nrm_status get_examples(nrm_ctx *ctx, const json_t *root, nrm_dataset *d)
{
    int64_t n;

    NRM_TRY(get_shape(ctx, root, d));
    NRM_TRY(get_list(ctx, root, "mean", d->blocks, d->blocks, &d->mean, &n));
    NRM_TRY(get_list(ctx, root, "scale", d->blocks, d->blocks, &d->scale, &n));
    for (int64_t b = 0; b < d->blocks; b++)
        NRM_REQUIRE(ctx, isfinite(d->mean[b]) && d->scale[b] > 0 && isfinite(d->scale[b]), NRM_E_FORMAT,
                    "data: entry %lld of \"mean\" and \"scale\" is %g and %g; they are finite, and scale is positive",
                    NRM_LL(b), d->mean[b], d->scale[b]);
    if (json_object_get(root, "class_value")) {
        NRM_TRY(get_list(ctx, root, "class_value", 1, NRM_CLASSES_MOST, &d->class_value, &d->classes));
        for (int64_t i = 1; i < d->classes; i++)
            NRM_REQUIRE(ctx, d->class_value[i] > d->class_value[i - 1], NRM_E_FORMAT,
                        "data: entry %lld of \"class_value\" does not ascend", NRM_LL(i));
        return NRM_OK;
    }
    if (json_object_get(root, "values")) return get_count(ctx, root, "values", &d->values);
    return get_count(ctx, root, "classes", &d->classes);
}

static nrm_status get_tokenizer(nrm_ctx *ctx, const json_t *root, nrm_dataset *d)
{
    char *text = json_dumps(json_object_get(root, "tokenizer"), JSON_COMPACT | JSON_ENCODE_ANY);
    const nrm_status st = nrm_tokenizer_load(ctx, &d->tokenizer, "data: the state's \"tokenizer\"", text,
                                             text ? (int64_t)strlen(text) : 0);
    free(text); /* jansson's */
    return st;
}

nrm_status nrm_dataset_restore(nrm_ctx *ctx, nrm_dataset *d, const char *json)
{
    json_error_t error;
    json_t *root = json_loads(json, 0, &error);
    nrm_status st;

    NRM_REQUIRE(ctx, root, NRM_E_FORMAT, "data: the state is no JSON: %s", error.text);
    const char *word = json_string_value(json_object_get(root, "data"));
    NRM_STOP_IF(!word || strcmp(word, kind_word[d->kind]) != 0, NRM_E_FORMAT,
                "data: the state is that of %.20s data, but these are %s", word ? word : "no", kind_word[d->kind]);
    if (d->kind == NRM_DATASET_TEXT) NRM_TRY_DONE(get_tokenizer(ctx, root, d));
    else NRM_TRY_DONE(get_examples(ctx, root, d));
done:
    json_decref(root);
    return st;
}

nrm_status nrm_dataset_state_tokenizer(nrm_ctx *ctx, const char *json, nrm_tokenizer **tokenizer)
{
    nrm_dataset text = {.kind = NRM_DATASET_TEXT};

    NRM_REQUIRE(ctx, json && tokenizer, NRM_E_NULL, "data: json and tokenizer must not be NULL");
    NRM_TRY(nrm_dataset_restore(ctx, &text, json));
    *tokenizer = text.tokenizer;
    return NRM_OK;
}
