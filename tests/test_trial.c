/* Text parameters, and methods that need no input: the methods of trial/trial.h by their
 * typed function, by name, from saved problems and in examples. */
#include "method/descriptor.h"
#include "testkit.h"
#include "trial/trial.h"
#include <jansson.h>
#include <norma/call.h>

static const nrm_method *words_method(void) { return nrm_method_find("z-trial-words"); }

static nrm_call *new_call(nrm_ctx *ctx, const char *method)
{
    nrm_call *call;
    assert_ok(ctx, nrm_call_create(ctx, method, &call));
    return call;
}

static nrm_call *words_call(nrm_ctx *ctx)
{
    nrm_call *call = new_call(ctx, "z-trial-words");
    assert_ok(ctx, nrm_call_set(call, "model", "a"));
    return call;
}

static json_t *report_of(nrm_ctx *ctx, nrm_call *call)
{
    const char *text;
    assert_ok(ctx, nrm_call_report(call, &text));
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    return root;
}

static const char *reported(const json_t *report, const char *name)
{
    const json_t *value = json_object_get(json_object_get(report, "parameters"), name);
    assert_non_null(value);
    return json_is_null(value) ? NULL : json_string_value(value);
}

/* ---- The typed function ------------------------------------------------------------------------- */

static void test_options_struct(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_z_trial_words_options o = nrm_z_trial_words_options_default(), loaded;
    nrm_z_trial_words_info info;

    assert_int_equal(o.size, sizeof o);
    assert_string_equal(o.prompt, "it's two words");
    assert_null(o.data);
    assert_status(ctx, nrm_z_trial_words(ctx, &info, &o), NRM_E_ARGUMENT);
    assert_message(ctx, "z-trial-words: model is missing; it is which model");
    assert_status(ctx, nrm_z_trial_words(ctx, &info, NULL), NRM_E_ARGUMENT);
    o.model = NULL; /* missing too */
    assert_status(ctx, nrm_z_trial_words(ctx, &info, &o), NRM_E_ARGUMENT);
    o.model = "";
    o.prompt = "abc";
    assert_ok(ctx, nrm_z_trial_words(ctx, &info, &o));
    assert_true(info.length == 3 && info.noted == -1);
    o.note = "";
    assert_ok(ctx, nrm_z_trial_words(ctx, &info, &o));
    assert_true(info.noted == 0); /* "" is not none */
    assert_ok(ctx, nrm_options_load(ctx, words_method(), &o, &loaded));
    assert_ptr_equal(loaded.prompt, o.prompt); /* borrowed */

    o.size = offsetof(nrm_z_trial_words_options, note); /* an older caller, without the last member */
    o.note = "not looked at";
    assert_ok(ctx, nrm_z_trial_words(ctx, &info, &o));
    assert_true(info.noted == -1);

    o.data = "";
    assert_status(ctx, nrm_z_trial_words(ctx, &info, &o), NRM_E_ARGUMENT);
    assert_message(ctx, "data is ''; it must be the path of a file");
    o.data = NULL;
    o.folder = "";
    assert_status(ctx, nrm_z_trial_words(ctx, &info, &o), NRM_E_ARGUMENT);
    assert_message(ctx, "folder is ''; it must be the path of a folder");
    nrm_ctx_destroy(ctx);
}

/* Well-formed UTF-8 of every length and its nearest neighbours that are not. */
static void test_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                       "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\nb\t\xe2\x82\xac"};
    static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2" "a", "\xe0\x9f\xbf", "\xed\xa0\x80",
                                      "\xe2\x82", "\xe2\x82" "a", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf0\x90\x80",
                                      "\xf5\x80\x80\x80", "\xff", "a\xe9"};
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_z_trial_words_options o = nrm_z_trial_words_options_default();
    nrm_z_trial_words_info info;

    o.model = "a";
    for (int i = 0; i < NRM_COUNT(good); i++) {
        o.prompt = good[i];
        assert_true(nrm_is_utf8(good[i]));
        assert_ok(ctx, nrm_z_trial_words(ctx, &info, &o));
    }
    for (int i = 0; i < NRM_COUNT(bad); i++) {
        if (nrm_is_utf8(bad[i])) fail_msg("text %d is taken for UTF-8", i);
        o.prompt = bad[i];
        assert_status(ctx, nrm_z_trial_words(ctx, &info, &o), NRM_E_ARGUMENT);
        assert_message(ctx, "it must be UTF-8");
        assert_true(nrm_is_utf8(nrm_message(ctx)));
    }
    nrm_ctx_destroy(ctx);
}

static void test_shown(void **state)
{
    (void)state;
    char buffer[NRM_SHOWN_LENGTH], text[200];
    assert_string_equal(nrm_shown(buffer, ""), "");
    assert_string_equal(nrm_shown(buffer, "a\nb\xff\xe2\x82\xac"), "a b?\xe2\x82\xac");
    for (size_t length = 0; length < 130; length++) { /* of one, two and three bytes */
        for (int bytes = 1; bytes <= 3; bytes++) {
            static const char *const point[] = {"", "x", "\xc3\xa9", "\xe2\x82\xac"};
            text[0] = '\0';
            for (size_t i = 0; i + (size_t)bytes <= length; i += (size_t)bytes) memcpy(text + i, point[bytes], (size_t)bytes + 1);
            nrm_shown(buffer, text);
            assert_true(strlen(buffer) < NRM_SHOWN_LENGTH && nrm_is_utf8(buffer));
            if (strlen(text) < NRM_SHOWN_LENGTH) assert_string_equal(buffer, text);
            else assert_string_equal(buffer + strlen(buffer) - 3, "...");
        }
    }
}

/* ---- By name --------------------------------------------------------------------------------------- */

static void test_the_call_keeps_a_copy(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    char prompt[] = "given";
    nrm_call *call = words_call(ctx);

    assert_ok(ctx, nrm_call_set(call, "prompt", prompt));
    memset(prompt, 'x', sizeof prompt - 1);
    assert_status(ctx, nrm_call_set(call, "prompt", "again"), NRM_E_ARGUMENT);
    assert_message(ctx, "given twice");
    assert_ok(ctx, nrm_call_want(call, "letters"));
    assert_ok(ctx, nrm_call_run(call));
    const int64_t *codes = nrm_call_output(call, "codes")->array.data;
    assert_true(codes[0] == 'g' && codes[4] == 'n');
    assert_int_equal(((const int64_t *)nrm_call_output(call, "letters")->array.data)[0], 'a');
    assert_null(nrm_call_output(call, "y")); /* without x there is none */

    json_t *report = report_of(ctx, call);
    assert_string_equal(reported(report, "prompt"), "given");
    assert_string_equal(reported(report, "folder"), "`a|b` c"); /* a default */
    assert_null(reported(report, "data"));
    assert_true(json_object_size(json_object_get(report, "inputs")) == 0);
    json_decref(report);
    nrm_call_destroy(call);
    assert_int_equal(memory.live, 1);
    nrm_ctx_destroy(ctx);
}

/* What was refused leaves the parameter as it was; long values are shortened. */
static void test_refused_text(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    char bad[500];
    nrm_call *call = new_call(ctx, "z-trial-words");

    memset(bad, 'b', sizeof bad);
    bad[sizeof bad - 2] = '\xff';
    bad[sizeof bad - 1] = '\0';
    assert_status(ctx, nrm_call_run(call), NRM_E_ARGUMENT);
    assert_message(ctx, "model is missing");
    assert_status(ctx, nrm_call_set(call, "prompt", bad), NRM_E_ARGUMENT);
    assert_message(ctx, "bbb...'; it must be UTF-8 (what to begin with)");
    assert_status(ctx, nrm_call_set(call, "shift", bad), NRM_E_ARGUMENT); /* of every kind */
    assert_message(ctx, "bbb...'; it must be a whole number");
    assert_status(ctx, nrm_call_set(call, "data", ""), NRM_E_ARGUMENT);
    assert_status(ctx, nrm_call_set(call, "prompt", NULL), NRM_E_NULL);
    assert_ok(ctx, nrm_call_set(call, "model", ""));
    assert_ok(ctx, nrm_call_run(call));
    json_t *report = report_of(ctx, call);
    assert_string_equal(reported(report, "prompt"), "it's two words");
    assert_string_equal(reported(report, "model"), "");
    json_decref(report);
    nrm_call_destroy(call);
    assert_int_equal(memory.live, 1);
    nrm_ctx_destroy(ctx);
}

/* ---- Saved problems ---------------------------------------------------------------------------------- */

static void test_saved_problem(void **state)
{
    (void)state;
    static const char *const prompts[] = {"", "plain", "two\nlines\ttab", "\"quotes\" 'and' \\backslashes\\", "{\"a\": [1, 2]}",
                                          "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\x02\x1f\x7f", "null"};
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    const char *file = nrm_test_temp("text.npz");

    for (int i = 0; i < NRM_COUNT(prompts); i++) {
        nrm_call *call = words_call(ctx), *again;
        assert_ok(ctx, nrm_call_set(call, "prompt", prompts[i]));
        if (i % 2) assert_ok(ctx, nrm_call_set(call, "note", "")); /* not the same as none */
        assert_ok(ctx, nrm_call_save_problem(call, file));
        nrm_call_destroy(call);
        assert_ok(ctx, nrm_call_load_problem(ctx, file, &again));
        assert_ok(ctx, nrm_call_run(again));
        json_t *report = report_of(ctx, again);
        assert_string_equal(reported(report, "prompt"), prompts[i]);
        const char *note = reported(report, "note");
        if (i % 2) assert_string_equal(note, "");
        else assert_null(note);
        assert_int_equal(((const nrm_z_trial_words_info *)nrm_call_info(again))->noted, i % 2 ? 0 : -1);
        json_decref(report);
        nrm_call_destroy(again);
    }
    nrm_call *call = new_call(ctx, "z-trial-words"), *again; /* one that misses what it needs is not saved */
    assert_status(ctx, nrm_call_save_problem(call, file), NRM_E_ARGUMENT);
    nrm_call_destroy(call);

    call = new_call(ctx, "z-trial-alone"); /* nothing at all to save but the call */
    assert_ok(ctx, nrm_call_save_problem(call, file));
    nrm_call_destroy(call);
    assert_ok(ctx, nrm_call_load_problem(ctx, file, &again));
    assert_ok(ctx, nrm_call_run(again));
    nrm_call_destroy(again);
    remove(file);
    assert_int_equal(memory.live, 1);
    nrm_ctx_destroy(ctx);
}

/* A file is hostile: a path that is empty, text that the JSON's own escapes make no text. */
static void test_broken_saved_problem(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"method\":\"z-trial-words\",\"parameters\":{\"data\":\"\"}}",
        "{\"method\":\"z-trial-words\",\"parameters\":{\"prompt\":\"a\\u0000b\"}}",
        "{\"method\":\"z-trial-words\",\"parameters\":{\"prompt\":\"\\ud800\"}}",
        "{\"method\":\"z-trial-words\",\"parameters\":{\"prompt\":\"\xff\"}}",
    };
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *path = nrm_test_temp("broken-text.npz");

    for (int i = 0; i < NRM_COUNT(texts); i++) {
        char text[128];
        int64_t length = (int64_t)strlen(texts[i]);
        nrm_named item = {.name = (char[]){"norma-call"}};
        const nrm_bundle bundle = {&item, 1};
        nrm_call *call = NULL;
        memcpy(text, texts[i], (size_t)length + 1);
        assert_ok(ctx, nrm_array_view(ctx, &item.array, NRM_U8, 1, &length, text));
        assert_ok(ctx, nrm_save_bundle(ctx, path, &bundle));
        if (nrm_call_load_problem(ctx, path, &call) >= 0) fail_msg("broken problem %d was loaded", i);
        assert_null(call);
    }
    remove(path);
    nrm_ctx_destroy(ctx);
}

/* ---- Without inputs ------------------------------------------------------------------------------------ */

static void test_alone(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_method *m = nrm_method_find("z-trial-alone");
    nrm_call *call = new_call(ctx, "z-trial-alone");
    const int64_t shape[1] = {1};
    double x = 1;

    assert_true(m->input_count == 0 && m->output_count == 1);
    assert_status(ctx, nrm_call_input(call, "x", NRM_F64, 1, shape, &x), NRM_E_ARGUMENT);
    assert_message(ctx, "z-trial-alone has no input 'x'");
    assert_ok(ctx, nrm_call_run(call));
    assert_null(nrm_call_output(call, "codes")); /* nobody asked */
    json_t *report = report_of(ctx, call);
    assert_string_equal(reported(report, "word"), "");
    assert_true(json_object_size(json_object_get(report, "inputs")) == 0);
    assert_true(json_object_size(json_object_get(report, "outputs")) == 0);
    json_decref(report);
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
}

/* ---- Descriptors and examples ----------------------------------------------------------------------------- */

static void test_methods_json(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    char *text;
    assert_ok(ctx, nrm_methods_json(ctx, &text));
    json_t *list = json_loads(text, 0, NULL);
    const json_t *words = json_array_get(list, json_array_size(list) - 1);
    const json_t *params = json_object_get(words, "parameters");
    const json_t *model = json_array_get(params, 0), *data = json_array_get(params, 2);

    assert_string_equal(json_string_value(json_object_get(words, "name")), "z-trial-words");
    const json_t *outputs = json_object_get(words, "outputs");
    assert_true(json_is_false(json_object_get(json_array_get(outputs, 0), "is_text")));
    assert_true(json_is_true(json_object_get(json_array_get(outputs, 3), "is_text")));
    assert_string_equal(json_string_value(json_object_get(model, "kind")), "text");
    assert_true(json_is_true(json_object_get(model, "required")) && json_is_null(json_object_get(model, "default")));
    assert_string_equal(json_string_value(json_object_get(json_array_get(params, 1), "default")), "it's two words");
    assert_string_equal(json_string_value(json_object_get(data, "content")), "file");
    assert_true(json_is_false(json_object_get(data, "required")) && json_is_null(json_object_get(data, "default")));
    json_decref(list);
    nrm_free_string(ctx, text);
    nrm_ctx_destroy(ctx);
}

static nrm_status every_example(nrm_ctx *ctx, void *user)
{
    (void)user;
    for (int m = 0; m < nrm_method_count(); m++) {
        const nrm_method *method = nrm_method_at(m);
        if (strncmp(method->name, "z-trial-", 8) != 0) continue;
        for (int i = 0; i < method->example_count; i++) {
            const nrm_status status = nrm_example_run(ctx, method, i);
            if (status < 0) return status;
        }
    }
    return NRM_OK;
}

static void test_examples(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    if (every_example(ctx, NULL) < 0) fail_msg("%s", nrm_message(ctx));

    nrm_method copy = *words_method(); /* the comparison can fail */
    static const nrm_example wrong[] = {{"another text", "model=a", "info.said='two word'", 0},
                                        {"a quote is no text", "model=a", "info.said='two' words'", 0},
                                        {"another length", "model=a prompt='a  b'", "info.length=3", 0},
                                        {"less of an output", "model=a prompt=ab", "echo=abc", 0},
                                        {"more of an output", "model=a prompt=ab", "echo=a", 0},
                                        {"another output", "model=a prompt=ab", "echo=aB", 0},
                                        {"a text as numbers", "model=a prompt=ab", "echo=[97,98]", 0}};
    copy.examples = wrong;
    copy.example_count = NRM_COUNT(wrong);
    for (int i = 0; i < copy.example_count; i++) assert_status(ctx, nrm_example_run(ctx, &copy, i), NRM_E_INTERNAL);
    nrm_ctx_destroy(ctx);
    nrm_test_allocation_failures(every_example, NULL, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_options_struct), cmocka_unit_test(test_utf8), cmocka_unit_test(test_shown),
              cmocka_unit_test(test_the_call_keeps_a_copy), cmocka_unit_test(test_refused_text),
              cmocka_unit_test(test_saved_problem), cmocka_unit_test(test_broken_saved_problem),
              cmocka_unit_test(test_alone), cmocka_unit_test(test_methods_json), cmocka_unit_test(test_examples))
