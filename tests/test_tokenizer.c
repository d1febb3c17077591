/* test_tokenizer.c -- bytes, characters and byte pairs; the last against a trainer that counts
 * all pairs anew for every merge. */
#include "testkit.h"
#include "train/tokenizer_impl.h"

static const char verse[] =
    "From fairest creatures we desire increase,\nThat thereby beauty's rose might never die,\n"
    "But as the riper should by time decease,\nHis tender heir might bear his memory:\n  1609, 1640;  ---  end\n";

static nrm_tokenizer *make(nrm_ctx *ctx, nrm_tokenizer_kind kind, const char *text, int64_t size, int64_t vocabulary)
{
    nrm_tokenizer *t = NULL;
    assert_ok(ctx, nrm_tokenizer_create(ctx, &t, kind, text, size, vocabulary));
    return t;
}

/* Encode, decode, compare; returns the number of tokens. */
static int64_t round_trip(nrm_ctx *ctx, const nrm_tokenizer *t, const void *text, int64_t size)
{
    nrm_token *tokens;
    int64_t count, length, *wide;
    char *back;

    assert_ok(ctx, nrm_tokenizer_encode(ctx, t, "text", text, size, &tokens, &count));
    wide = malloc((size_t)(count + 1) * sizeof *wide);
    for (int64_t i = 0; i < count; i++) {
        assert_true(tokens[i] < nrm_tokenizer_vocabulary(t));
        wide[i] = tokens[i];
    }
    assert_ok(ctx, nrm_tokenizer_decode(ctx, t, wide, count, &back, &length));
    assert_int_equal(length, size);
    assert_memory_equal(back, text, (size_t)size);
    assert_int_equal(back[length], 0);
    free(wide);
    nrm_free(ctx, back);
    nrm_free(ctx, tokens);
    return count;
}

static void test_bytes(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_tokenizer *t = make(ctx, NRM_TOKENIZER_BYTE, NULL, 0, 0);
    unsigned char all[256];
    int64_t length;

    for (int i = 0; i < 256; i++) all[i] = (unsigned char)i;
    assert_int_equal(nrm_tokenizer_vocabulary(t), 256);
    assert_int_equal(round_trip(ctx, t, all, 256), 256);
    assert_int_equal(round_trip(ctx, t, "", 0), 0);
    assert_int_equal(*(const unsigned char *)nrm_tokenizer_piece(t, 200, &length), 200);
    assert_int_equal(length, 1);
    assert_null(nrm_tokenizer_piece(t, 256, &length));
    assert_null(nrm_tokenizer_piece(t, -1, &length));
    nrm_tokenizer_destroy(ctx, t);
    nrm_ctx_destroy(ctx);
}

static void test_characters(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *text = "z\xC3\xA9ro \xE2\x82\xAC \xF0\x9D\x84\x9E zoo"; /* zéro € 𝄞 zoo */
    nrm_tokenizer *t = make(ctx, NRM_TOKENIZER_CHAR, text, (int64_t)strlen(text), 0), *bad = NULL;
    nrm_token *tokens = NULL;
    int64_t count, length;

    /* blank o r z é € 𝄞 */
    assert_int_equal(nrm_tokenizer_vocabulary(t), 7);
    assert_int_equal(round_trip(ctx, t, text, (int64_t)strlen(text)), 12);
    assert_ok(ctx, nrm_tokenizer_encode(ctx, t, "x", "r\xC3\xA9", 3, &tokens, &count));
    assert_int_equal(count, 2);
    assert_int_equal(tokens[0], 2);
    assert_int_equal(tokens[1], 4);
    nrm_free(ctx, tokens);
    assert_memory_equal(nrm_tokenizer_piece(t, 6, &length), "\xF0\x9D\x84\x9E", 4);
    assert_int_equal(length, 4);

    tokens = NULL;
    assert_status(ctx, nrm_tokenizer_encode(ctx, t, "prompt", "zoo!", 4, &tokens, &count), NRM_E_FORMAT);
    assert_message(ctx, "prompt: the character '!' (U+0021) at byte 3");
    assert_status(ctx, nrm_tokenizer_encode(ctx, t, "prompt", "z\xC3", 2, &tokens, &count), NRM_E_FORMAT);
    assert_message(ctx, "byte 1 (0xc3) is no UTF-8");
    assert_null(tokens);
    /* overlong, surrogate, too large, lone continuation */
    static const char *const broken[] = {"a\xC0\xAF", "a\xED\xA0\x80", "a\xF4\x90\x80\x80", "a\x80", "a\xE0\x80\x80"};
    for (int i = 0; i < NRM_COUNT(broken); i++) {
        assert_status(ctx, nrm_tokenizer_create(ctx, &bad, NRM_TOKENIZER_CHAR, broken[i], (int64_t)strlen(broken[i]), 0),
                      NRM_E_FORMAT);
        assert_message(ctx, "byte 1");
    }
    assert_status(ctx, nrm_tokenizer_create(ctx, &bad, NRM_TOKENIZER_CHAR, "", 0, 0), NRM_E_FORMAT);
    assert_message(ctx, "empty");
    assert_null(bad);
    nrm_tokenizer_destroy(ctx, t);
    nrm_ctx_destroy(ctx);
}

static void test_utf8(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < NRM_CODE_POINTS; code++) {
        unsigned char bytes[4];
        uint32_t back = 0;
        if (code >= 0xD800 && code < 0xE000) continue;
        const int n = nrm_utf8_put(bytes, code);
        assert_int_equal(nrm_utf8_next(bytes, n, &back), n);
        assert_int_equal(back, code);
        if (n > 1) assert_int_equal(nrm_utf8_next(bytes, n - 1, &back), 0);
    }
}

static void test_words(void **state)
{
    (void)state;
    static const char text[] = "Hello world's 42  times\n\n  x --- y\xC3\xA9!";
    static const char *const words[] = {"Hello", " world", "'", "s", " 42", " ", " times", "\n\n ", " x", " ---",
                                        " y\xC3\xA9", "!"};
    int64_t at = 0;
    for (int i = 0; i < NRM_COUNT(words); i++) {
        const int64_t end = nrm_word_end((const unsigned char *)text, at, (int64_t)strlen(text));
        assert_int_equal(end - at, (int64_t)strlen(words[i]));
        assert_memory_equal(text + at, words[i], strlen(words[i]));
        at = end;
    }
    assert_int_equal(at, (int64_t)strlen(text));
    unsigned char run[1000];
    memset(run, 'a', sizeof run);
    assert_int_equal(nrm_word_end(run, 0, 1000), NRM_TOKEN_BYTES_MOST);
    memset(run, ' ', sizeof run);
    assert_int_equal(nrm_word_end(run, 0, 1000), NRM_TOKEN_BYTES_MOST);
    assert_int_equal(nrm_word_end(run, 0, 1), 1);
}

/* ---- Byte pairs by counting everything every time ------------------------------------------------------- */

typedef struct naive {
    int token[4096];
    int last[4096]; /* the token ends a word */
    int count;
} naive;

static void naive_start(naive *n, const char *text)
{
    const int64_t size = (int64_t)strlen(text);
    n->count = (int)size;
    for (int64_t at = 0, end; at < size; at = end) {
        end = nrm_word_end((const unsigned char *)text, at, size);
        for (int64_t i = at; i < end; i++) {
            n->token[i] = (unsigned char)text[i];
            n->last[i] = i + 1 == end;
        }
    }
}

/* The pair with the most occurrences; among equals the smallest. */
static int naive_best(const naive *n, int *left, int *right)
{
    int most = 1;
    for (int i = 0; i + 1 < n->count; i++) {
        int count = 0;
        if (n->last[i]) continue;
        for (int j = 0; j + 1 < n->count; j++)
            count += !n->last[j] && n->token[j] == n->token[i] && n->token[j + 1] == n->token[i + 1];
        const int before = n->token[i] < *left || (n->token[i] == *left && n->token[i + 1] < *right);
        if (count > most || (count == most && most > 1 && before)) {
            most = count;
            *left = n->token[i];
            *right = n->token[i + 1];
        }
    }
    return most;
}

static void naive_merge(naive *n, int left, int right, int token)
{
    int kept = 0;
    for (int i = 0; i < n->count; i++) {
        const int match = i + 1 < n->count && !n->last[i] && n->token[i] == left && n->token[i + 1] == right;
        n->token[kept] = match ? token : n->token[i];
        n->last[kept++] = n->last[i + match];
        i += match;
    }
    n->count = kept;
}

static void check_against_naive(nrm_ctx *ctx, const char *text, int vocabulary)
{
    static naive n;
    nrm_tokenizer *t = make(ctx, NRM_TOKENIZER_BPE, text, (int64_t)strlen(text), vocabulary);
    nrm_token *tokens;
    int64_t count;

    naive_start(&n, text);
    for (int64_t i = 256; i < nrm_tokenizer_vocabulary(t); i++) {
        int left = 1 << 20, right = 1 << 20;
        assert_true(naive_best(&n, &left, &right) >= 2);
        assert_int_equal(t->merges[i - 256] >> 16, left);
        assert_int_equal(t->merges[i - 256] & 0xFFFF, right);
        naive_merge(&n, left, right, (int)i);
    }
    if (nrm_tokenizer_vocabulary(t) < vocabulary) {
        int left = 1 << 20, right = 1 << 20;
        assert_int_equal(naive_best(&n, &left, &right), 1);
    }
    /* What learning made of its own text is what encoding makes of it. */
    assert_ok(ctx, nrm_tokenizer_encode(ctx, t, "x", text, (int64_t)strlen(text), &tokens, &count));
    assert_int_equal(count, n.count);
    for (int64_t i = 0; i < count; i++) assert_int_equal(tokens[i], n.token[i]);
    nrm_free(ctx, tokens);
    nrm_tokenizer_destroy(ctx, t);
}

static void test_byte_pairs(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    char runs[1500];
    uint64_t seed = 5;

    check_against_naive(ctx, verse, 300);
    check_against_naive(ctx, verse, 2000);
    for (int round = 0; round < 4; round++) { /* few letters: pairs that overlap, such as aaa */
        for (int i = 0; i < (int)sizeof runs; i++) runs[i] = "aaab  \n"[nrm_test_next(&seed) % (round < 2 ? 4 : 7)];
        runs[sizeof runs - 1] = '\0';
        check_against_naive(ctx, runs, 320);
    }
    nrm_ctx_destroy(ctx);
}

static void test_byte_pairs_any_bytes(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_tokenizer *t = make(ctx, NRM_TOKENIZER_BPE, verse, (int64_t)strlen(verse), 280), *bad = NULL;
    unsigned char noise[3000];
    uint64_t seed = 9;

    for (int i = 0; i < (int)sizeof noise; i++) noise[i] = (unsigned char)nrm_test_next(&seed);
    round_trip(ctx, t, noise, sizeof noise);
    assert_true(round_trip(ctx, t, verse, (int64_t)strlen(verse)) < (int64_t)strlen(verse) * 3 / 4);
    assert_int_equal(round_trip(ctx, t, "", 0), 0);
    assert_status(ctx, nrm_tokenizer_create(ctx, &bad, NRM_TOKENIZER_BPE, "x", 1, 256), NRM_E_RANGE);
    assert_message(ctx, "vocabulary is 256; bpe takes 257 to 65536");
    assert_status(ctx, nrm_tokenizer_create(ctx, &bad, NRM_TOKENIZER_BPE, "x", 1, 65537), NRM_E_RANGE);
    assert_status(ctx, nrm_tokenizer_create(ctx, &bad, (nrm_tokenizer_kind)7, "x", 1, 300), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_tokenizer_create(ctx, &bad, NRM_TOKENIZER_BPE, NULL, 1, 300), NRM_E_NULL);
    assert_null(bad);
    /* Nothing occurs twice: no merges, and it still works. */
    nrm_tokenizer *plain = make(ctx, NRM_TOKENIZER_BPE, "abc", 3, 300);
    assert_int_equal(nrm_tokenizer_vocabulary(plain), 256);
    round_trip(ctx, plain, "abcabc", 6);
    nrm_tokenizer_destroy(ctx, plain);
    char *out = NULL;
    int64_t length;
    assert_status(ctx, nrm_tokenizer_decode(ctx, t, (const int64_t[]){1, 280}, 2, &out, &length), NRM_E_RANGE);
    assert_message(ctx, "token 1 is 280; tokens are 0 to 279");
    assert_null(out);
    nrm_tokenizer_destroy(ctx, t);
    nrm_ctx_destroy(ctx);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static void test_save(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);

    for (int kind = 0; kind < nrm_tokenizer_kind_count; kind++) {
        nrm_tokenizer *t = make(ctx, (nrm_tokenizer_kind)kind, verse, (int64_t)strlen(verse), 300), *back;
        nrm_token *a, *b;
        int64_t m, n;
        char *json, *again;
        assert_ok(ctx, nrm_tokenizer_save(ctx, t, &json));
        assert_ok(ctx, nrm_tokenizer_load(ctx, &back, "json", json, (int64_t)strlen(json)));
        assert_ok(ctx, nrm_tokenizer_save(ctx, back, &again));
        assert_string_equal(json, again);
        assert_int_equal(nrm_tokenizer_kind_of(back), kind);
        assert_ok(ctx, nrm_tokenizer_encode(ctx, t, "x", verse, (int64_t)strlen(verse), &a, &m));
        assert_ok(ctx, nrm_tokenizer_encode(ctx, back, "x", verse, (int64_t)strlen(verse), &b, &n));
        assert_int_equal(m, n);
        assert_memory_equal(a, b, (size_t)m * sizeof *a);
        nrm_free(ctx, a);
        nrm_free(ctx, b);
        nrm_free(ctx, json);
        nrm_free(ctx, again);
        nrm_tokenizer_destroy(ctx, back);
        nrm_tokenizer_destroy(ctx, t);
    }
    nrm_ctx_destroy(ctx);
}

static void test_hostile_json(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    nrm_tokenizer *t = NULL;
    const int64_t at_rest = memory.live;
    static const struct { const char *json, *message; } cases[] = {
        {"", "is no JSON"}, {"{", "is no JSON"}, {"[1]", "\"kind\""}, {"{\"kind\":3}", "\"kind\""},
        {"{\"kind\":\"word\"}", "\"kind\" is \"word\""}, {"{\"kind\":\"bpe\"}", "list \"merges\""},
        {"{\"kind\":\"bpe\",\"merges\":[1]}", "two for each merge"},
        {"{\"kind\":\"bpe\",\"merges\":[1,256]}", "merge 0 joins tokens 1 and 256"},
        {"{\"kind\":\"bpe\",\"merges\":[1,-1]}", "entry 1 of \"merges\""},
        {"{\"kind\":\"bpe\",\"merges\":[1,70000]}", "entry 1 of \"merges\""},
        {"{\"kind\":\"bpe\",\"merges\":[1,2.5]}", "entry 1 of \"merges\""},
        {"{\"kind\":\"bpe\",\"merges\":[1,2,1,2]}", "a second time"},
        {"{\"kind\":\"bpe\",\"merges\":[1,1,256,256,257,257,258,258,259,259,260,260,261,261,262,262]}", "256 bytes"},
        {"{\"kind\":\"char\",\"code_points\":[]}", "has 0 entries"},
        {"{\"kind\":\"char\",\"code_points\":[5,5]}", "ascend"},
        {"{\"kind\":\"char\",\"code_points\":[55296]}", "ascend"},
        {"{\"kind\":\"char\",\"code_points\":[1114112]}", "entry 0"},
        {"{\"kind\":\"byte\",\"kind\":\"bpe\"}", "is no JSON"}};

    for (int i = 0; i < NRM_COUNT(cases); i++) {
        assert_status(ctx, nrm_tokenizer_load(ctx, &t, "checkpoint", cases[i].json, (int64_t)strlen(cases[i].json)),
                      NRM_E_FORMAT);
        assert_message(ctx, "checkpoint: ");
        assert_message(ctx, cases[i].message);
        assert_null(t);
        assert_int_equal(memory.live, at_rest);
    }
    nrm_ctx_destroy(ctx);
}

static nrm_status whole_life(nrm_ctx *ctx, void *user)
{
    nrm_tokenizer *t = NULL, *back = NULL;
    nrm_token *tokens = NULL;
    char *json = NULL;
    int64_t count = 0;
    nrm_status st;

    NRM_TRY_DONE(nrm_tokenizer_create(ctx, &t, *(const nrm_tokenizer_kind *)user, verse, (int64_t)strlen(verse), 280));
    NRM_TRY_DONE(nrm_tokenizer_save(ctx, t, &json));
    NRM_TRY_DONE(nrm_tokenizer_load(ctx, &back, "json", json, (int64_t)strlen(json)));
    NRM_TRY_DONE(nrm_tokenizer_encode(ctx, back, "x", verse, (int64_t)strlen(verse), &tokens, &count));
done:
    nrm_free(ctx, json);
    nrm_free(ctx, tokens);
    nrm_tokenizer_destroy(ctx, t);
    nrm_tokenizer_destroy(ctx, back);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    for (nrm_tokenizer_kind kind = NRM_TOKENIZER_BYTE; kind < nrm_tokenizer_kind_count; kind++)
        nrm_test_allocation_failures(whole_life, &kind, NULL, 0);
}

static void test_shakespeare(void **state)
{
    (void)state;
    const char *path = nrm_test_data("text/tinyshakespeare.txt");
    if (!path) { print_message("tinyshakespeare.txt is absent\n"); skip(); }
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    FILE *file = fopen(path, "rb");
    const size_t most = 1 << 21;
    char *text = malloc(most);
    assert_non_null(file);
    const int64_t size = (int64_t)fread(text, 1, most, file);
    fclose(file);

    nrm_tokenizer *t = make(ctx, NRM_TOKENIZER_CHAR, text, size, 0);
    assert_int_equal(nrm_tokenizer_vocabulary(t), 65); /* as everybody finds */
    assert_int_equal(round_trip(ctx, t, text, size), size);
    nrm_tokenizer_destroy(ctx, t);
    t = make(ctx, NRM_TOKENIZER_BPE, text, size, 2048);
    assert_int_equal(nrm_tokenizer_vocabulary(t), 2048);
    assert_true(round_trip(ctx, t, text, size) < size * 2 / 5);
    nrm_tokenizer_destroy(ctx, t);
    free(text);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_bytes), cmocka_unit_test(test_characters), cmocka_unit_test(test_utf8),
              cmocka_unit_test(test_words), cmocka_unit_test(test_byte_pairs),
              cmocka_unit_test(test_byte_pairs_any_bytes), cmocka_unit_test(test_save),
              cmocka_unit_test(test_hostile_json), cmocka_unit_test(test_memory), cmocka_unit_test(test_shakespeare))
