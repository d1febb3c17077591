/* tokenizer_json.c -- a tokenizer as a line of JSON, and back.  The text comes from a
 * checkpoint, so nothing in it is believed. */
#include "tokenizer_impl.h"

static const char *const kind_word[] = {
#define WORD(constant, word) word,
    NRM_TOKENIZER_KINDS(WORD)
#undef WORD
    NULL};

nrm_status nrm_tokenizer_save(nrm_ctx *ctx, const nrm_tokenizer *t, char **json)
{
    nrm_buffer b = {.ctx = ctx};

    NRM_REQUIRE(ctx, t && json, NRM_E_NULL, "tokenizer: tokenizer and json must not be NULL");
    nrm_buffer_text(&b, "{\"kind\":");
    nrm_buffer_quoted(&b, kind_word[t->kind]);
    if (t->kind == NRM_TOKENIZER_CHAR) {
        nrm_buffer_text(&b, ",\"code_points\":[");
        for (int64_t i = 0; i < t->vocabulary; i++) {
            if (i > 0) nrm_buffer_text(&b, ",");
            nrm_buffer_integer(&b, t->codes[i]);
        }
        nrm_buffer_text(&b, "]");
    } else if (t->kind == NRM_TOKENIZER_BPE) {
        nrm_buffer_text(&b, ",\"merges\":[");
        for (int64_t i = 0; i < t->vocabulary - 256; i++) {
            if (i > 0) nrm_buffer_text(&b, ",");
            nrm_buffer_integer(&b, t->merges[i] >> 16);
            nrm_buffer_text(&b, ",");
            nrm_buffer_integer(&b, t->merges[i] & 0xFFFF);
        }
        nrm_buffer_text(&b, "]");
    }
    nrm_buffer_text(&b, "}");
    return nrm_buffer_take(&b, json, NULL);
}

/* Entry i of a list: a whole number in 0 .. most. */
static nrm_status entry(nrm_ctx *ctx, const char *name, const char *key, const json_t *list, size_t i, int64_t most,
                        uint32_t *value)
{
    const json_t *item = json_array_get(list, i);
    NRM_REQUIRE(ctx, json_is_integer(item) && json_integer_value(item) >= 0 && json_integer_value(item) <= most,
                NRM_E_FORMAT, "%s: entry %zu of \"%s\" is no whole number from 0 to %lld", name, i, key, NRM_LL(most));
    *value = (uint32_t)json_integer_value(item);
    return NRM_OK;
}

static nrm_status get_list(nrm_ctx *ctx, const char *name, const char *key, const json_t *root, const json_t **list)
{
    *list = json_object_get(root, key);
    NRM_REQUIRE(ctx, json_is_array(*list), NRM_E_FORMAT, "%s: a tokenizer of this kind needs the list \"%s\"", name, key);
    return NRM_OK;
}

static nrm_status read_characters(nrm_ctx *ctx, const char *name, const json_t *root, uint32_t **codes, int64_t *count)
{
    const json_t *list;
    NRM_TRY(get_list(ctx, name, "code_points", root, &list));
    const size_t n = json_array_size(list);
    NRM_REQUIRE(ctx, n >= 1 && n <= NRM_VOCABULARY_MOST, NRM_E_FORMAT, "%s: \"code_points\" has %zu entries; 1 to %d are "
                "expected", name, n, NRM_VOCABULARY_MOST);
    NRM_TRY(NRM_ALLOC(ctx, *codes, (int64_t)n, "a vocabulary"));
    for (size_t i = 0; i < n; i++) {
        NRM_TRY(entry(ctx, name, "code_points", list, i, NRM_CODE_POINTS - 1, &(*codes)[i]));
        const uint32_t code = (*codes)[i];
        NRM_REQUIRE(ctx, (code < 0xD800 || code >= 0xE000) && (i == 0 || code > (*codes)[i - 1]), NRM_E_FORMAT,
                    "%s: entry %zu of \"code_points\" is %u; they are characters and ascend", name, i, code);
    }
    *count = (int64_t)n;
    return NRM_OK;
}

static nrm_status read_merges(nrm_ctx *ctx, const char *name, const json_t *root, uint32_t **merges, int64_t *count)
{
    const json_t *list;
    NRM_TRY(get_list(ctx, name, "merges", root, &list));
    const size_t n = json_array_size(list);
    NRM_REQUIRE(ctx, n % 2 == 0 && n / 2 <= NRM_VOCABULARY_MOST - 256, NRM_E_FORMAT,
                "%s: \"merges\" has %zu entries; two for each merge are expected, and at most %d merges", name, n,
                NRM_VOCABULARY_MOST - 256);
    *count = (int64_t)(n / 2);
    NRM_TRY(NRM_ALLOC(ctx, *merges, *count, "merges of tokens"));
    for (size_t i = 0; i < n; i += 2) {
        uint32_t left = 0, right = 0;
        NRM_TRY(entry(ctx, name, "merges", list, i, NRM_VOCABULARY_MOST - 1, &left));
        NRM_TRY(entry(ctx, name, "merges", list, i + 1, NRM_VOCABULARY_MOST - 1, &right));
        (*merges)[i / 2] = nrm_pair((nrm_token)left, (nrm_token)right);
    }
    return NRM_OK;
}

static nrm_status read_kind(nrm_ctx *ctx, const char *name, const json_t *root, nrm_tokenizer_kind *kind)
{
    const char *word = json_string_value(json_object_get(root, "kind"));
    NRM_REQUIRE(ctx, word, NRM_E_FORMAT, "%s: a tokenizer is an object with \"kind\", one of byte, char and bpe", name);
    for (int i = 0; kind_word[i]; i++)
        if (strcmp(word, kind_word[i]) == 0) {
            *kind = (nrm_tokenizer_kind)i;
            return NRM_OK;
        }
    return nrm_fail(ctx, NRM_E_FORMAT, "%s: \"kind\" is \"%.20s\"; tokenizers are byte, char and bpe", name, word);
}

nrm_status nrm_tokenizer_load(nrm_ctx *ctx, nrm_tokenizer **tokenizer, const char *name, const char *json, int64_t size)
{
    nrm_tokenizer_kind kind = NRM_TOKENIZER_BYTE;
    json_t *root = NULL;
    json_error_t error;
    uint32_t *list = NULL;
    int64_t count = 0;
    nrm_status st;

    NRM_REQUIRE(ctx, tokenizer && name && (json || size == 0), NRM_E_NULL,
                "tokenizer: tokenizer, name and json must not be NULL");
    NRM_REQUIRE(ctx, size >= 0, NRM_E_RANGE, "tokenizer: size is %lld; it must be >= 0", NRM_LL(size));
    root = json_loadb(json ? json : "", (size_t)size, JSON_REJECT_DUPLICATES, &error);
    NRM_STOP_IF(!root, NRM_E_FORMAT, "%s: is no JSON: %s (byte %d)", name, error.text, error.position);
    NRM_TRY_DONE(read_kind(ctx, name, root, &kind));
    if (kind == NRM_TOKENIZER_CHAR) NRM_TRY_DONE(read_characters(ctx, name, root, &list, &count));
    if (kind == NRM_TOKENIZER_BPE) NRM_TRY_DONE(read_merges(ctx, name, root, &list, &count));
    json_decref(root);
    return nrm_tokenizer_make(ctx, tokenizer, name, kind, list, count);
done:
    nrm_free(ctx, list);
    json_decref(root);
    return st;
}
