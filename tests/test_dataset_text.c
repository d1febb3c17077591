/* test_dataset_text.c -- texts as data: split, windows, sweeps, what is refused. */
#include "testkit.h"
#include "train/dataset_impl.h"

enum { CONTEXT = 8, ROWS = 5 };
static int64_t tokens[64 * 64], labels[64 * 64];

static nrm_dataset_options options_of(int64_t context)
{
    nrm_dataset_options o = nrm_dataset_options_default();
    o.context = context;
    return o;
}

/* Bytes that tell where they are: a window can be found again. */
static void fill(unsigned char *text, int n)
{
    for (int i = 0; i < n; i++) text[i] = (unsigned char)(' ' + (i * 7 + i / 90) % 90);
}

static const char *write_file(const char *name, const void *bytes, size_t n)
{
    const char *path = nrm_test_temp(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void test_batches(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    unsigned char text[1000];
    nrm_dataset_options o = options_of(CONTEXT);
    nrm_dataset *d;
    const nrm_batch batch = {.rows = ROWS, .tokens = tokens, .labels = labels};
    int64_t kept[ROWS * CONTEXT], starts[ROWS], seen = 0;

    fill(text, 1000);
    assert_ok(ctx, nrm_dataset_from_text(ctx, &d, &o, text, 1000));
    const nrm_dataset_about about = nrm_dataset_describe(d);
    assert_int_equal(about.kind, NRM_DATASET_TEXT);
    assert_int_equal(about.tokens[NRM_TRAINING], 900);
    assert_int_equal(about.tokens[NRM_VALIDATION], 100);
    assert_int_equal(about.classes, 256);
    assert_int_equal(about.features, CONTEXT);
    for (int part = 0; part < NRM_PARTS; part++) {
        const unsigned char *from = part == NRM_TRAINING ? text : text + 900;
        const int64_t length = about.tokens[part];
        for (int64_t step = 0; step < 200; step++) {
            assert_ok(ctx, nrm_dataset_batch(ctx, d, (nrm_dataset_part)part, 3, step, &batch));
            assert_ok(ctx, nrm_dataset_order(ctx, d, (nrm_dataset_part)part, 3, step, ROWS, starts));
            for (int r = 0; r < ROWS; r++) {
                assert_in_range(starts[r], 0, length - CONTEXT - 1);
                seen |= starts[r] == length - CONTEXT - 1; /* the last window is drawn too */
                for (int i = 0; i < CONTEXT; i++) {
                    assert_int_equal(tokens[r * CONTEXT + i], from[starts[r] + i]);
                    assert_int_equal(labels[r * CONTEXT + i], from[starts[r] + i + 1]);
                }
            }
        }
    }
    assert_true(seen);
    /* A step is the same whenever it is asked for; another seed and step are others. */
    assert_ok(ctx, nrm_dataset_batch(ctx, d, NRM_TRAINING, 3, 77, &batch));
    memcpy(kept, tokens, sizeof kept);
    assert_ok(ctx, nrm_dataset_batch(ctx, d, NRM_TRAINING, 4, 77, &batch));
    assert_memory_not_equal(kept, tokens, sizeof kept);
    assert_ok(ctx, nrm_dataset_batch(ctx, d, NRM_TRAINING, 3, 78, &batch));
    assert_memory_not_equal(kept, tokens, sizeof kept);
    assert_ok(ctx, nrm_dataset_batch(ctx, d, NRM_TRAINING, 3, 77, &batch));
    assert_memory_equal(kept, tokens, sizeof kept);
    /* Given starts. */
    assert_ok(ctx, nrm_dataset_pick(ctx, d, NRM_TRAINING, (const int64_t[]){0, 1, 2, 891, 400}, &batch));
    assert_int_equal(tokens[3 * CONTEXT], text[891]);
    assert_int_equal(labels[3 * CONTEXT + CONTEXT - 1], text[899]);
    assert_status(ctx, nrm_dataset_pick(ctx, d, NRM_TRAINING, (const int64_t[]){0, 1, 2, 892, 400}, &batch), NRM_E_RANGE);
    assert_message(ctx, "index 3 is 892; the training part of the text has windows 0 to 891");
    nrm_dataset_destroy(ctx, d);
    nrm_ctx_destroy(ctx);
}

static void test_sweep(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    unsigned char text[400];

    fill(text, 400);
    for (int64_t n = CONTEXT + 1; n < 60; n++) { /* every token but the first is a label once */
        nrm_dataset_options o = options_of(CONTEXT);
        nrm_dataset *d;
        int64_t next = 1;
        o.validation_fraction = 0;
        assert_ok(ctx, nrm_dataset_from_text(ctx, &d, &o, text, n));
        for (int64_t rows = 1; rows < 5; rows++) {
            const nrm_batch batch = {.rows = rows, .tokens = tokens, .labels = labels};
            const int64_t sweeps = nrm_dataset_sweeps(d, NRM_TRAINING, rows);
            int64_t total = 0, count = 0;
            next = 1;
            for (int64_t s = 0; s < sweeps; s++) {
                assert_ok(ctx, nrm_dataset_sweep(ctx, d, NRM_TRAINING, s, &batch, &count));
                total += count;
                assert_true(count == rows || s + 1 == sweeps);
                for (int64_t i = 0; i < rows * CONTEXT; i++) {
                    if (labels[i] == NRM_LABEL_IGNORED) { assert_int_equal(tokens[i], 0); continue; }
                    assert_int_equal(tokens[i], text[next - 1]);
                    assert_int_equal(labels[i], text[next++]);
                }
            }
            assert_int_equal(next, n);
            assert_int_equal(total, nrm_dataset_describe(d).examples[NRM_TRAINING]);
            assert_status(ctx, nrm_dataset_sweep(ctx, d, NRM_TRAINING, sweeps, &batch, &count), NRM_E_RANGE);
        }
        assert_int_equal(nrm_dataset_sweeps(d, NRM_VALIDATION, 4), 0);
        nrm_dataset_destroy(ctx, d);
    }
    nrm_ctx_destroy(ctx);
}

static void test_tokenizers(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    char text[3001] = "";
    nrm_dataset_options o = options_of(16);
    nrm_dataset *d, *again;
    char *json;

    for (int i = 0; strlen(text) < 2900; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d \xC3\xA9t\xC3\xA9 and winter; ", i % 37);
    const int64_t size = (int64_t)strlen(text);
    for (int choice = NRM_TOKENIZER_CHOICE_AUTO; choice <= NRM_TOKENIZER_CHOICE_BPE; choice++) {
        o.tokenizer = (nrm_tokenizer_choice)choice;
        o.vocabulary = 300;
        o.state = NULL;
        assert_ok(ctx, nrm_dataset_from_text(ctx, &d, &o, text, size));
        const nrm_dataset_about about = nrm_dataset_describe(d);
        int64_t all[3000], count = 0, length, part_length;
        char *part;
        /* Both parts together are the text, cut between two characters. */
        nrm_buffer whole = {.ctx = ctx};
        for (int p = 0; p < NRM_PARTS; p++) {
            for (count = 0; count < d->part[p].count; count++) all[count] = d->part[p].tokens[count];
            assert_ok(ctx, nrm_tokenizer_decode(ctx, about.tokenizer, all, count, &part, &part_length));
            if (p == NRM_VALIDATION && choice != NRM_TOKENIZER_CHOICE_BYTE) assert_true(((unsigned char)part[0] & 0xC0) != 0x80);
            nrm_buffer_bytes(&whole, part, part_length);
            nrm_free(ctx, part);
        }
        assert_int_equal(whole.length, size);
        assert_memory_equal(whole.bytes, text, (size_t)size);
        nrm_buffer_free(&whole);
        /* Brought back from its state the tokens are the same, whatever the options say. */
        assert_ok(ctx, nrm_dataset_save(ctx, d, &json));
        o.state = json;
        o.tokenizer = NRM_TOKENIZER_CHOICE_AUTO;
        assert_ok(ctx, nrm_dataset_from_text(ctx, &again, &o, text, size));
        length = d->part[NRM_TRAINING].count;
        if (choice != NRM_TOKENIZER_CHOICE_BYTE) { /* that one is cut anywhere */
            assert_int_equal(again->part[NRM_TRAINING].count, length);
            assert_memory_equal(again->part[NRM_TRAINING].tokens, d->part[NRM_TRAINING].tokens,
                                (size_t)length * sizeof(nrm_token));
        }
        assert_int_equal(nrm_dataset_describe(again).classes, about.classes);
        nrm_tokenizer *alone;
        assert_ok(ctx, nrm_dataset_state_tokenizer(ctx, json, &alone));
        assert_int_equal(nrm_tokenizer_vocabulary(alone), about.classes);
        nrm_tokenizer_destroy(ctx, alone);
        nrm_free(ctx, json);
        nrm_dataset_destroy(ctx, again);
        nrm_dataset_destroy(ctx, d);
    }
    /* A character that the state does not know. */
    o.state = "{\"data\":\"text\",\"tokenizer\":{\"kind\":\"char\",\"code_points\":[97,98]}}";
    assert_status(ctx, nrm_dataset_from_text(ctx, &d, &o, "ababababababababababababababababababababababababcb", 50),
                  NRM_E_FORMAT);
    assert_message(ctx, "U+0063");
    static const char *const states[] = {"", "[]", "{\"data\":\"table\"}", "{\"data\":\"text\"}",
                                         "{\"data\":\"text\",\"tokenizer\":7}"};
    for (int i = 0; i < NRM_COUNT(states); i++) {
        o.state = states[i];
        assert_status(ctx, nrm_dataset_from_text(ctx, &d, &o, text, size), NRM_E_FORMAT);
    }
    nrm_ctx_destroy(ctx);
}

static void assert_refused(nrm_ctx *ctx, const nrm_dataset_options *o, nrm_status status, const char *message)
{
    nrm_dataset *d = NULL;
    assert_status(ctx, nrm_dataset_open(ctx, &d, o), status);
    assert_message(ctx, message);
    assert_null(d);
}

static void test_refused(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    const int64_t at_rest = memory.live;
    nrm_dataset_options o = options_of(CONTEXT);
    nrm_dataset *d;
    unsigned char noise[300];
    uint64_t seed = 3;

    o.kind = NRM_DATASET_TEXT;
    o.path = "/no/such/text.txt";
    assert_refused(ctx, &o, NRM_E_IO, "there is no such file");
    o.path = write_file("empty.txt", "", 0);
    assert_refused(ctx, &o, NRM_E_FORMAT, "empty.txt: is empty; a text of at least context + 1 = 9 tokens");
    o.kind = NRM_DATASET_GUESS;
    assert_refused(ctx, &o, NRM_E_FORMAT, "empty.txt: is empty");
    o.path = write_file("short.txt", "Eight...", 8);
    o.validation_fraction = 0;
    assert_refused(ctx, &o, NRM_E_SHAPE, "the training part has 8 tokens; at least context + 1 = 9 are needed");
    o.validation_fraction = 0.1;
    o.path = write_file("short2.txt", "A text of thirty characters ...", 31);
    assert_refused(ctx, &o, NRM_E_SHAPE, "the validation part has 3 tokens");
    o.path = write_file("nul.txt", "some text\0 and some more, so that it is long enough for two parts of it", 71);
    assert_refused(ctx, &o, NRM_E_FORMAT, "byte 9 is 0, so this is no text; ask for tokenizer byte");
    for (int i = 0; i < 300; i++) noise[i] = (unsigned char)(128 + nrm_test_next(&seed) % 128);
    o.path = write_file("noise.txt", noise, sizeof noise);
    assert_refused(ctx, &o, NRM_E_FORMAT, "of 300 bytes are no UTF-8");
    o.tokenizer = NRM_TOKENIZER_CHOICE_CHAR;
    assert_refused(ctx, &o, NRM_E_FORMAT, "no UTF-8; characters need that");
    o.tokenizer = NRM_TOKENIZER_CHOICE_BYTE; /* asked for: taken */
    o.kind = NRM_DATASET_TEXT;
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
    const nrm_batch large = {.rows = 300, .tokens = tokens, .labels = labels}, none = {.rows = 0};
    const nrm_batch half = {.rows = 2, .tokens = tokens};
    assert_status(ctx, nrm_dataset_batch(ctx, d, NRM_TRAINING, 0, 0, &large), NRM_E_RANGE);
    assert_message(ctx, "a batch of 300 is asked for, but the training part of");
    assert_message(ctx, "has 262 windows");
    assert_status(ctx, nrm_dataset_batch(ctx, d, NRM_TRAINING, 0, 0, &none), NRM_E_RANGE);
    assert_status(ctx, nrm_dataset_batch(ctx, d, NRM_TRAINING, 0, -1, &half), NRM_E_RANGE);
    assert_status(ctx, nrm_dataset_batch(ctx, d, NRM_TRAINING, 0, 0, &half), NRM_E_NULL);
    assert_message(ctx, "memory for tokens and labels");
    nrm_dataset_destroy(ctx, d);

    o.path = NULL;
    o.validation_fraction = 1;
    assert_refused(ctx, &o, NRM_E_RANGE, "validation_fraction is 1");
    o.validation_fraction = 0;
    o.context = 0;
    assert_refused(ctx, &o, NRM_E_RANGE, "context is 0");
    o.context = CONTEXT;
    o.tokenizer = NRM_TOKENIZER_CHOICE_BPE;
    o.vocabulary = 10;
    assert_refused(ctx, &o, NRM_E_RANGE, "vocabulary is 10");
    o.tokenizer = NRM_TOKENIZER_CHOICE_AUTO;
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
    assert_status(ctx, nrm_dataset_batch(ctx, d, NRM_VALIDATION, 0, 0, &half), NRM_E_RANGE);
    assert_message(ctx, "has no validation part");
    nrm_dataset_destroy(ctx, d);
    assert_int_equal(memory.live, at_rest);
    nrm_ctx_destroy(ctx);
}

static void test_files(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_dataset_options o = options_of(CONTEXT);
    nrm_dataset *d;
    char validation_path[4096];

    o.path = write_file("text.md", "\xEF\xBB\xBF" "# A text with a mark of its byte order, then words", 53);
    snprintf(validation_path, sizeof validation_path, "%s", write_file("other.md", "Another one to validate on", 26));
    o.validation = validation_path;
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o)); /* guessed: a text */
    const nrm_dataset_about about = nrm_dataset_describe(d);
    assert_int_equal(about.tokens[NRM_TRAINING], 50);
    assert_int_equal(about.tokens[NRM_VALIDATION], 26);
    assert_int_equal(d->part[NRM_TRAINING].tokens[0], '#');
    assert_int_equal(d->part[NRM_VALIDATION].tokens[0], 'A');
    assert_string_equal(about.name, o.path);
    nrm_dataset_destroy(ctx, d);
    nrm_ctx_destroy(ctx);
}

/* The documents that are inside the library. */
static void test_default(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_dataset_options o = options_of(64);
    nrm_dataset *d;

    o.tokenizer = NRM_TOKENIZER_CHOICE_CHAR;
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
    const nrm_dataset_about about = nrm_dataset_describe(d);
    assert_string_equal(about.name, "Norma's own documents");
    assert_true(about.tokens[NRM_TRAINING] > 150000);
    nrm_dataset_destroy(ctx, d);
    const char *path = NRM_SOURCE_DIR "/CHANGELOG.md"; /* the first of them */
    FILE *file = fopen(path, "rb");
    char first[200];
    assert_non_null(file);
    assert_int_equal(fread(first, 1, sizeof first, file), sizeof first);
    fclose(file);
    int64_t size;
    assert_memory_equal(first, nrm_train_default_text(&size), sizeof first);
    assert_int_equal(size, nrm_default_text_size);
    assert_ptr_equal(nrm_train_default_text(NULL), nrm_default_text);
    nrm_ctx_destroy(ctx);
}

static nrm_status whole_life(nrm_ctx *ctx, void *user)
{
    static char text[600];
    nrm_dataset_options o = options_of(CONTEXT);
    nrm_dataset *d = NULL, *again = NULL;
    char *json = NULL;
    nrm_status st;

    for (int i = 0; i < 600; i++) text[i] = "abc abd "[i % 8];
    o.tokenizer = *(const nrm_tokenizer_choice *)user;
    o.vocabulary = 260;
    NRM_TRY_DONE(nrm_dataset_from_text(ctx, &d, &o, text, 600));
    NRM_TRY_DONE(nrm_dataset_save(ctx, d, &json));
    o.state = json;
    NRM_TRY_DONE(nrm_dataset_from_text(ctx, &again, &o, text, 600));
done:
    nrm_free(ctx, json);
    nrm_dataset_destroy(ctx, d);
    nrm_dataset_destroy(ctx, again);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    for (nrm_tokenizer_choice c = NRM_TOKENIZER_CHOICE_BYTE; c < nrm_tokenizer_choice_count; c++)
        nrm_test_allocation_failures(whole_life, &c, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_batches), cmocka_unit_test(test_sweep), cmocka_unit_test(test_tokenizers),
              cmocka_unit_test(test_refused), cmocka_unit_test(test_files), cmocka_unit_test(test_default),
              cmocka_unit_test(test_memory))
