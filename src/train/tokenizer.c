/* tokenizer.c -- contract: tokenizer.h.  What the kinds share is the table of pieces: the
 * bytes that each token stands for. */
#include "tokenizer_impl.h"
#include <stdio.h>

/* ---- Pieces -------------------------------------------------------------------------------------------- */

/* The length of every piece, then where it starts; *bytes is their sum.  A merge may only
 * name tokens before it, so one pass is enough. */
static nrm_status measure(nrm_ctx *ctx, nrm_tokenizer *t, const char *name, int64_t *bytes)
{
    unsigned char utf8[4];
    int64_t length, sum = 0;

    for (int64_t i = 0; i < t->vocabulary; i++) {
        length = 1;
        if (t->kind == NRM_TOKENIZER_CHAR) length = nrm_utf8_put(utf8, t->codes[i]);
        if (i >= 256 && t->kind == NRM_TOKENIZER_BPE) {
            const uint32_t left = t->merges[i - 256] >> 16, right = t->merges[i - 256] & 0xFFFF;
            NRM_REQUIRE(ctx, left < i && right < i, NRM_E_FORMAT,
                        "%s: merge %lld joins tokens %u and %u; it may only join tokens below %lld", name,
                        NRM_LL(i - 256), left, right, NRM_LL(i));
            length = (t->start[left + 1] - t->start[left]) + (t->start[right + 1] - t->start[right]);
            NRM_REQUIRE(ctx, length <= NRM_TOKEN_BYTES_MOST, NRM_E_FORMAT,
                        "%s: merge %lld makes a token of %lld bytes; %d are the most", name, NRM_LL(i - 256),
                        NRM_LL(length), NRM_TOKEN_BYTES_MOST);
        }
        t->start[i] = (int32_t)sum;
        sum += length; /* at most 2^16 * 2^7 */
        t->start[i + 1] = (int32_t)sum;
    }
    *bytes = sum;
    return NRM_OK;
}

static void spell(nrm_tokenizer *t)
{
    for (int64_t i = 0; i < t->vocabulary; i++) {
        char *to = t->pieces + t->start[i];
        if (t->kind == NRM_TOKENIZER_CHAR) {
            unsigned char utf8[4];
            memcpy(to, utf8, (size_t)nrm_utf8_put(utf8, t->codes[i]));
        } else if (i < 256) {
            *to = (char)i;
        } else {
            const uint32_t left = t->merges[i - 256] >> 16, right = t->merges[i - 256] & 0xFFFF;
            const int32_t n = t->start[left + 1] - t->start[left];
            memcpy(to, t->pieces + t->start[left], (size_t)n);
            memcpy(to + n, t->pieces + t->start[right], (size_t)(t->start[right + 1] - t->start[right]));
        }
    }
}

static nrm_status index_merges(nrm_ctx *ctx, nrm_tokenizer *t, const char *name)
{
    const int64_t count = t->vocabulary - 256;
    NRM_TRY(nrm_pair_table_grow(ctx, &t->rank, count));
    for (int64_t i = 0; i < count; i++) {
        NRM_REQUIRE(ctx, *nrm_pair_place(&t->rank, t->merges[i]) < 0, NRM_E_FORMAT,
                    "%s: merge %lld joins tokens %u and %u a second time", name, NRM_LL(i), t->merges[i] >> 16,
                    t->merges[i] & 0xFFFF);
        nrm_pair_put(&t->rank, t->merges[i], (int32_t)(256 + i));
    }
    return NRM_OK;
}

nrm_status nrm_tokenizer_make(nrm_ctx *ctx, nrm_tokenizer **tokenizer, const char *name, nrm_tokenizer_kind kind,
                              uint32_t *list, int64_t count)
{
    nrm_tokenizer *t = NULL;
    int64_t bytes = 0;
    nrm_status st;

    NRM_TRY_DONE(nrm_alloc_zeroed(ctx, &t, 1, sizeof *t, "a tokenizer"));
    t->kind = kind;
    t->vocabulary = kind == NRM_TOKENIZER_CHAR ? count : 256 + count;
    *(kind == NRM_TOKENIZER_CHAR ? &t->codes : &t->merges) = list;
    list = NULL;
    NRM_TRY_DONE(NRM_ALLOC(ctx, t->start, t->vocabulary + 1, "a vocabulary"));
    t->start[0] = 0;
    NRM_TRY_DONE(measure(ctx, t, name, &bytes));
    NRM_TRY_DONE(NRM_ALLOC(ctx, t->pieces, bytes, "a vocabulary"));
    spell(t);
    if (kind == NRM_TOKENIZER_BPE) NRM_TRY_DONE(index_merges(ctx, t, name));
    *tokenizer = t;
    return NRM_OK;
done:
    nrm_free(ctx, list);
    nrm_tokenizer_destroy(ctx, t);
    return st;
}

void nrm_tokenizer_destroy(nrm_ctx *ctx, nrm_tokenizer *t)
{
    if (!t) return;
    nrm_free(ctx, t->pieces);
    nrm_free(ctx, t->start);
    nrm_free(ctx, t->codes);
    nrm_free(ctx, t->merges);
    nrm_pair_table_free(ctx, &t->rank);
    nrm_free(ctx, t);
}

/* ---- Made from a text -------------------------------------------------------------------------------------- */

static nrm_status mark_characters(nrm_ctx *ctx, const unsigned char *p, int64_t size, uint8_t *seen, int64_t *count)
{
    uint32_t code;
    for (int64_t at = 0, n; at < size; at += n) {
        n = nrm_utf8_next(p + at, size - at, &code);
        NRM_REQUIRE(ctx, n > 0, NRM_E_FORMAT, "tokenizer: byte %lld (0x%02x) is no UTF-8; characters need that: "
                    "convert the text, or use byte or bpe", NRM_LL(at), p[at]);
        *count += !seen[code];
        seen[code] = 1;
    }
    NRM_REQUIRE(ctx, *count > 0, NRM_E_FORMAT, "tokenizer: the text is empty; characters are learnt from a text");
    NRM_REQUIRE(ctx, *count <= NRM_VOCABULARY_MOST, NRM_E_FORMAT,
                "tokenizer: the text has %lld different characters; %d are the most: use byte or bpe", NRM_LL(*count),
                NRM_VOCABULARY_MOST);
    return NRM_OK;
}

static nrm_status collect_characters(nrm_ctx *ctx, const unsigned char *p, int64_t size, uint32_t **codes,
                                     int64_t *count)
{
    uint8_t *seen = NULL;
    uint32_t *list = NULL;
    int64_t found = 0, at = 0;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, seen, NRM_CODE_POINTS, "the characters of a text"));
    NRM_TRY_DONE(mark_characters(ctx, p, size, seen, &found));
    NRM_TRY_DONE(NRM_ALLOC(ctx, list, found, "the characters of a text"));
    for (uint32_t c = 0; c < NRM_CODE_POINTS; c++)
        if (seen[c]) list[at++] = c;
    *codes = list;
    *count = found;
done:
    nrm_free(ctx, seen);
    return st;
}

nrm_status nrm_tokenizer_create(nrm_ctx *ctx, nrm_tokenizer **tokenizer, nrm_tokenizer_kind kind, const void *text,
                                int64_t size, int64_t vocabulary)
{
    uint32_t *list = NULL;
    int64_t count = 0;

    NRM_REQUIRE(ctx, tokenizer && (text || size == 0), NRM_E_NULL, "tokenizer: tokenizer and text must not be NULL");
    NRM_REQUIRE(ctx, size >= 0, NRM_E_RANGE, "tokenizer: size is %lld; it must be >= 0", NRM_LL(size));
    switch (kind) {
    case NRM_TOKENIZER_BYTE: break;
    case NRM_TOKENIZER_CHAR: NRM_TRY(collect_characters(ctx, text, size, &list, &count)); break;
    case NRM_TOKENIZER_BPE:
        NRM_REQUIRE(ctx, vocabulary > 256 && vocabulary <= NRM_VOCABULARY_MOST, NRM_E_RANGE,
                    "tokenizer: vocabulary is %lld; bpe takes 257 to %d tokens (256 of them are the bytes)",
                    NRM_LL(vocabulary), NRM_VOCABULARY_MOST);
        NRM_TRY(nrm_bpe_learn(ctx, text, size, vocabulary - 256, &list, &count));
        break;
    default: return nrm_fail(ctx, NRM_E_ARGUMENT, "tokenizer: kind %d is none; they are byte, char and bpe", (int)kind);
    }
    return nrm_tokenizer_make(ctx, tokenizer, "tokenizer", kind, list, count);
}

nrm_tokenizer_kind nrm_tokenizer_kind_of(const nrm_tokenizer *t) { return t->kind; }
int64_t nrm_tokenizer_vocabulary(const nrm_tokenizer *t) { return t->vocabulary; }

const char *nrm_tokenizer_piece(const nrm_tokenizer *t, int64_t token, int64_t *length)
{
    if (token < 0 || token >= t->vocabulary) return NULL;
    *length = t->start[token + 1] - t->start[token];
    return t->pieces + t->start[token];
}

/* ---- Encoding and decoding ----------------------------------------------------------------------------------- */

static nrm_status encode_characters(nrm_ctx *ctx, const nrm_tokenizer *t, const char *name, const unsigned char *p,
                                    int64_t size, nrm_token *tokens, int64_t *count)
{
    uint32_t code = 0;

    *count = 0;
    for (int64_t at = 0, n; at < size; at += n) {
        n = nrm_utf8_next(p + at, size - at, &code);
        NRM_REQUIRE(ctx, n > 0, NRM_E_FORMAT, "%s: byte %lld (0x%02x) is no UTF-8; a tokenizer of characters needs that",
                    name, NRM_LL(at), p[at]);
        int64_t low = 0, high = t->vocabulary;
        while (high - low > 1) {
            const int64_t middle = (low + high) / 2;
            if (t->codes[middle] <= code) low = middle;
            else high = middle;
        }
        NRM_REQUIRE(ctx, t->codes[low] == code, NRM_E_FORMAT,
                    "%s: the character '%.*s' (U+%04X) at byte %lld is none of the %lld that the tokenizer knows: leave it "
                    "out, or train with byte or bpe", name, (int)(code < ' ' ? 0 : n), (const char *)p + at,
                    (unsigned)code, NRM_LL(at), NRM_LL(t->vocabulary));
        tokens[(*count)++] = (nrm_token)low;
    }
    return NRM_OK;
}

static nrm_status encode_words(nrm_ctx *ctx, const nrm_tokenizer *t, const unsigned char *p, int64_t size,
                               nrm_token *tokens, int64_t *count)
{
    int64_t words = 0;

    *count = 0;
    for (int64_t at = 0, end; at < size; at = end) {
        if ((words++ & 0xFFF) == 0 && nrm_tick(ctx, "encoding", (double)at, (double)size, NULL, NAN))
            return nrm_fail(ctx, NRM_E_CANCELLED, "tokenizer: encoding stopped on request");
        end = nrm_word_end(p, at, size);
        *count += nrm_bpe_encode_word(t, p + at, end - at, tokens + *count);
    }
    return NRM_OK;
}

nrm_status nrm_tokenizer_encode(nrm_ctx *ctx, const nrm_tokenizer *t, const char *name, const void *text, int64_t size,
                                nrm_token **tokens, int64_t *count)
{
    const unsigned char *p = text;
    nrm_token *made = NULL;
    int64_t n = size;
    nrm_status st;

    NRM_REQUIRE(ctx, t && name && tokens && count && (text || size == 0), NRM_E_NULL,
                "tokenizer: tokenizer, name, text, tokens and count must not be NULL");
    NRM_REQUIRE(ctx, size >= 0, NRM_E_RANGE, "tokenizer: size is %lld; it must be >= 0", NRM_LL(size));
    NRM_TRY_DONE(NRM_ALLOC(ctx, made, size, "the tokens of a text"));
    if (t->kind == NRM_TOKENIZER_CHAR) NRM_TRY_DONE(encode_characters(ctx, t, name, p, size, made, &n));
    else if (t->kind == NRM_TOKENIZER_BPE) NRM_TRY_DONE(encode_words(ctx, t, p, size, made, &n));
    else for (int64_t i = 0; i < size; i++) made[i] = p[i];
    *tokens = made;
    *count = n;
    return NRM_OK;
done:
    nrm_free(ctx, made);
    return st;
}

nrm_status nrm_tokenizer_decode(nrm_ctx *ctx, const nrm_tokenizer *t, const int64_t *tokens, int64_t count, char **text,
                                int64_t *length)
{
    nrm_buffer b = {.ctx = ctx};

    NRM_REQUIRE(ctx, t && text && length && (tokens || count == 0), NRM_E_NULL,
                "tokenizer: tokenizer, tokens, text and length must not be NULL");
    for (int64_t i = 0; i < count; i++)
        NRM_REQUIRE(ctx, tokens[i] >= 0 && tokens[i] < t->vocabulary, NRM_E_RANGE,
                    "tokenizer: token %lld is %lld; tokens are 0 to %lld", NRM_LL(i), NRM_LL(tokens[i]),
                    NRM_LL(t->vocabulary - 1));
    for (int64_t i = 0; i < count; i++) {
        int64_t n = 0;
        const char *piece = nrm_tokenizer_piece(t, tokens[i], &n);
        nrm_buffer_bytes(&b, piece, n);
    }
    return nrm_buffer_take(&b, text, length);
}
