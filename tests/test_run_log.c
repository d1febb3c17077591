/* test_run_log.c -- the log of a run: lines, going on after a checkpoint, failures. */
#include "testkit.h"
#include "train/log.h"
#include <jansson.h>
#include <locale.h>
#include <unistd.h>

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *expected)
{
    char text[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static nrm_status put(nrm_ctx *ctx, nrm_run_log *log, int64_t step, double loss)
{
    nrm_run_log_begin(log, step);
    nrm_run_log_number(log, "loss", loss);
    return nrm_run_log_end(ctx, log);
}

static void test_lines(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *path = nrm_test_temp("lines.jsonl");
    nrm_run_log *log;

    setlocale(LC_NUMERIC, "de_DE.UTF-8"); /* a comma would show */
    assert_ok(ctx, nrm_run_log_open(ctx, &log, path, -1));
    nrm_run_log_begin(log, -1);
    nrm_run_log_text(log, "name", "a \"b\"\n\\ \xC3\xA9 \xFF");
    nrm_run_log_json(log, "config", "{\"layers\":4}");
    assert_ok(ctx, nrm_run_log_end(ctx, log));
    assert_file(path, "{\"name\":\"a \\\"b\\\"\\u000a\\\\ \xC3\xA9 \xEF\xBF\xBD\",\"config\":{\"layers\":4}}\n");
    nrm_run_log_begin(log, 0);
    assert_ok(ctx, nrm_run_log_end(ctx, log));
    assert_ok(ctx, put(ctx, log, 1, 0.1));
    assert_ok(ctx, put(ctx, log, 2, NAN));
    assert_ok(ctx, put(ctx, log, 3, -INFINITY));
    nrm_run_log_begin(log, 4);
    nrm_run_log_integer(log, "tokens", INT64_MIN);
    nrm_run_log_number(log, "tiny", 4.9406564584124654e-324);
    assert_ok(ctx, nrm_run_log_end(ctx, log));
    assert_ok(ctx, nrm_run_log_close(ctx, log));
    setlocale(LC_NUMERIC, "C");
    assert_file(path, "{\"name\":\"a \\\"b\\\"\\u000a\\\\ \xC3\xA9 \xEF\xBF\xBD\",\"config\":{\"layers\":4}}\n"
                      "{\"step\":0}\n{\"step\":1,\"loss\":0.1}\n{\"step\":2,\"loss\":null}\n{\"step\":3,\"loss\":null}\n"
                      "{\"step\":4,\"tokens\":-9223372036854775808,\"tiny\":4.94065645841247e-324}\n");
    remove(path);
    nrm_ctx_destroy(ctx);
}

static void test_resume(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const char *path = nrm_test_temp("resume.jsonl");
    static const char old[] = "{\"name\":\"run\"}\n{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"st";
    static const struct { const char *before; int64_t resume; const char *after; } cases[] = {
        {old, 2, "{\"name\":\"run\"}\n{\"step\":1}\n{\"step\":2}\n{\"step\":9,\"loss\":1}\n"},
        {old, 100, "{\"name\":\"run\"}\n{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"step\":9,\"loss\":1}\n"},
        {old, 0, "{\"name\":\"run\"}\n{\"step\":9,\"loss\":1}\n"},
        {old, -1, "{\"step\":9,\"loss\":1}\n"},
        {"no log at all\n{\"step\":1}\n", 5, "{\"step\":9,\"loss\":1}\n"},
        {"", 5, "{\"step\":9,\"loss\":1}\n"},
        {"{\"step\":1}\n[1]\n", 5, "{\"step\":1}\n{\"step\":9,\"loss\":1}\n"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nrm_run_log *log;
        write_text(path, cases[i].before);
        assert_ok(ctx, nrm_run_log_open(ctx, &log, path, cases[i].resume));
        assert_ok(ctx, put(ctx, log, 9, 1));
        assert_ok(ctx, nrm_run_log_close(ctx, log));
        assert_file(path, cases[i].after);
    }
    remove(path);
    nrm_run_log *log; /* resuming a log that is not there begins it */
    assert_ok(ctx, nrm_run_log_open(ctx, &log, path, 7));
    assert_ok(ctx, nrm_run_log_close(ctx, log));
    assert_file(path, "");
    remove(path);
    nrm_ctx_destroy(ctx);
}

static void test_failures(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_run_log *log = NULL;

    assert_status(ctx, nrm_run_log_open(ctx, &log, nrm_test_temp("no/such/folder.jsonl"), -1), NRM_E_IO);
    assert_message(ctx, "its folder does not exist");
    assert_status(ctx, nrm_run_log_open(ctx, &log, "/", -1), NRM_E_IO);
    assert_null(log);
    assert_ok(ctx, nrm_run_log_close(ctx, NULL));
    if (access("/dev/full", W_OK) == 0) {
        assert_ok(ctx, nrm_run_log_open(ctx, &log, "/dev/full", 3));
        assert_status(ctx, put(ctx, log, 1, 1), NRM_E_IO);
        assert_message(ctx, "/dev/full: the log cannot be written");
        assert_ok(ctx, nrm_run_log_close(ctx, log));
    }
    nrm_ctx_destroy(ctx);
}

static nrm_status whole_life(nrm_ctx *ctx, void *user)
{
    nrm_run_log *log = NULL;
    const nrm_status opened = nrm_run_log_open(ctx, &log, user, 1);
    if (opened < 0) return opened;
    const nrm_status written = put(ctx, log, 2, 0.5);
    const nrm_status closed = nrm_run_log_close(ctx, log);
    return written < 0 ? written : closed;
}

static void test_memory(void **state)
{
    (void)state;
    const char *path = nrm_test_temp("memory.jsonl");
    write_text(path, "{\"step\":1}\n");
    nrm_test_allocation_failures(whole_life, (void *)path, NULL, 0);
    assert_file(path, "{\"step\":1}\n{\"step\":2,\"loss\":0.5}\n");
    remove(path);
}

NRM_TEST_MAIN(cmocka_unit_test(test_lines), cmocka_unit_test(test_resume), cmocka_unit_test(test_failures),
              cmocka_unit_test(test_memory))
