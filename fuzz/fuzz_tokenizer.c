/* fuzz_tokenizer.c -- any bytes as the JSON of a tokenizer.  What loads must save to a text
 * that loads to the same, and take apart and put together whatever it can encode. */
#include "fuzz.h"
#include "train/tokenizer.h"

static void check_encoding(nrm_ctx *ctx, const nrm_tokenizer *t, const uint8_t *text, size_t size)
{
    nrm_token *tokens;
    int64_t count, length;
    char *back;

    if (nrm_tokenizer_encode(ctx, t, "fuzz", text, (int64_t)size, &tokens, &count) < 0) {
        fuzz_require(nrm_tokenizer_kind_of(t) == NRM_TOKENIZER_CHAR && nrm_message(ctx)[0] != '\0');
        return;
    }
    int64_t *wide = malloc(((size_t)count + 1) * sizeof *wide);
    fuzz_require(wide != NULL && count <= (int64_t)size);
    for (int64_t i = 0; i < count; i++) wide[i] = tokens[i];
    fuzz_require(nrm_tokenizer_decode(ctx, t, wide, count, &back, &length) == NRM_OK);
    fuzz_require(length == (int64_t)size && memcmp(back, text, size) == 0);
    free(wide);
    nrm_free(ctx, back);
    nrm_free(ctx, tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nrm_ctx *ctx = fuzz_ctx();
    nrm_tokenizer *t = NULL, *again = NULL;
    char *json, *same;

    if (nrm_tokenizer_load(ctx, &t, "fuzz", (const char *)data, (int64_t)size) < 0) {
        fuzz_require(t == NULL && nrm_message(ctx)[0] != '\0');
    } else {
        fuzz_require(nrm_tokenizer_save(ctx, t, &json) == NRM_OK);
        fuzz_require(nrm_tokenizer_load(ctx, &again, "fuzz", json, (int64_t)strlen(json)) == NRM_OK);
        fuzz_require(nrm_tokenizer_save(ctx, again, &same) == NRM_OK && strcmp(json, same) == 0);
        check_encoding(ctx, t, data, size);
        nrm_free(ctx, json);
        nrm_free(ctx, same);
        nrm_tokenizer_destroy(ctx, t);
        nrm_tokenizer_destroy(ctx, again);
    }
    nrm_ctx_destroy(ctx);
    return 0;
}
