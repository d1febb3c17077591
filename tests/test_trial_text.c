/* Outputs that are text, of the method z-trial-text of trial/trial.h: written to files, told in
 * the report, handed out in memory. */
#include "base/base.h"
#include "testkit.h"
#include <jansson.h>
#include <norma/call.h>

/* Bytes and what they are as text: a replacement for each maximal part (Unicode, table 3-8, and Python). */
static const struct { const char *bytes; int64_t count; const char *text; } repairs[] = {
    {"", 0, ""}, {"plain\n", 6, "plain\n"}, {"\xc3\xa9\xf0\x9f\x98\x80", 6, "\xc3\xa9\xf0\x9f\x98\x80"},
    {"\xff", 1, "\xef\xbf\xbd"}, {"a\xc3", 2, "a\xef\xbf\xbd"}, {"\xe2\x82", 2, "\xef\xbf\xbd"},
    {"\xf0\x9f\x98z", 4, "\xef\xbf\xbdz"}, {"\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xe0\x80\xbf", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, {"\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf4\x91\x92\x93" "A", 5, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" "A"},
    {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf" "A", 9, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" "A"},
};

static void write_bytes(const char *path, const char *bytes, int64_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, (size_t)count, file), count);
    fclose(file);
}

static void assert_file(const char *path, const char *bytes, int64_t count)
{
    char got[128];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, sizeof got, file), count);
    fclose(file);
    if (count > 0) assert_memory_equal(got, bytes, (size_t)count);
}

static nrm_call *text_call(nrm_ctx *ctx, const char *source)
{
    nrm_call *call;
    assert_ok(ctx, nrm_call_create(ctx, "z-trial-text", &call));
    assert_ok(ctx, nrm_call_set(call, "source", source));
    return call;
}

static json_t *report_of(nrm_ctx *ctx, nrm_call *call)
{
    const char *text;
    assert_ok(ctx, nrm_call_report(call, &text));
    json_t *root = json_loads(text, JSON_ALLOW_NUL, NULL);
    assert_non_null(root);
    return root;
}

static void test_text_output(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    const char *source = nrm_test_temp("text-source"), *plain = nrm_test_temp("text-plain.txt");
    const char *named = nrm_test_temp("text-named"), *numbers = nrm_test_temp("text-numbers.npy");

    for (int i = 0; i < NRM_COUNT(repairs); i++) {
        write_bytes(source, repairs[i].bytes, repairs[i].count);
        nrm_call *call = text_call(ctx, source);
        assert_ok(ctx, nrm_call_run(call));
        assert_null(nrm_call_output(call, "half"));
        assert_ok(ctx, nrm_call_write(call, "text", plain));
        assert_ok(ctx, nrm_call_write(call, "text", named));
        assert_ok(ctx, nrm_call_write(call, "text", numbers));
        assert_file(plain, repairs[i].bytes, repairs[i].count);
        assert_file(named, repairs[i].bytes, repairs[i].count);
        nrm_loaded loaded;
        assert_ok(ctx, nrm_load(ctx, numbers, &loaded));
        assert_true(loaded.array.dtype == NRM_U8 && loaded.array.ndim == 1 && loaded.array.shape[0] == repairs[i].count);
        nrm_loaded_destroy(ctx, &loaded);

        json_t *report = report_of(ctx, call);
        const json_t *about = json_object_get(json_object_get(report, "outputs"), "text");
        assert_string_equal(json_string_value(json_object_get(about, "text")), repairs[i].text);
        assert_string_equal(json_string_value(json_object_get(about, "dtype")), "u8");
        json_decref(report);
        nrm_call_destroy(call);
    }
    remove(source);
    remove(plain);
    remove(named);
    remove(numbers);
    assert_int_equal(memory.live, 1);
    nrm_ctx_destroy(ctx);
}

/* A NUL is a character like another; a text can be put into the caller's memory, and asked for. */
static void test_text_with_nul(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *source = nrm_test_temp("nul-source");
    const int64_t length = 4;
    char memory[4];
    write_bytes(source, "a\0b\0", length);
    nrm_call *call = text_call(ctx, source);
    assert_ok(ctx, nrm_call_output_into(call, "text", NRM_U8, 1, &length, memory));
    assert_ok(ctx, nrm_call_want(call, "half"));
    assert_ok(ctx, nrm_call_run(call));
    assert_memory_equal(memory, "a\0b\0", 4);
    json_t *report = report_of(ctx, call);
    const json_t *outputs = json_object_get(report, "outputs");
    const json_t *whole = json_object_get(json_object_get(outputs, "text"), "text");
    const json_t *half = json_object_get(json_object_get(outputs, "half"), "text");
    assert_true(json_string_length(whole) == 4 && json_string_length(half) == 2);
    assert_memory_equal(json_string_value(whole), "a\0b\0", 4);
    json_decref(report);
    nrm_call_destroy(call);
    remove(source);
    nrm_ctx_destroy(ctx);
}

static nrm_status report_a_text(nrm_ctx *ctx, void *user)
{
    nrm_call *call;
    const char *report;
    NRM_TRY(nrm_call_create(ctx, "z-trial-text", &call));
    nrm_status st = nrm_call_set(call, "source", user);
    if (st >= 0) st = nrm_call_run(call);
    if (st >= 0) st = nrm_call_report(call, &report);
    nrm_call_destroy(call);
    return st;
}

static void test_text_without_memory(void **state)
{
    (void)state;
    char source[256];
    snprintf(source, sizeof source, "%s", nrm_test_temp("memory-source"));
    write_bytes(source, "a\xff", 2);
    nrm_test_allocation_failures(report_a_text, source, NULL, 0);
    remove(source);
}

NRM_TEST_MAIN(cmocka_unit_test(test_text_output), cmocka_unit_test(test_text_with_nul),
              cmocka_unit_test(test_text_without_memory))
