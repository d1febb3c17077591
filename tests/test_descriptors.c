/* Every descriptor of the table: complete, consistent, and its examples true. */
#include "method/descriptor.h"
#include "testkit.h"
#include <norma/call.h>

/* Words the command and Python keep for themselves. */
static const char *const reserved[] = {"help",  "version", "seed",    "threads", "json", "quiet", "save_problem",
                                       "out",   "want",    "progress", "list",   "man",  "bench", "completion",
                                       "replay", "reproduce", "reference", "install_docs"};

static void check_text(const char *method, const char *what, const char *text)
{
    if (!text || !*text) fail_msg("%s: %s is missing", method, what);
}

static void check_names(const nrm_method *m)
{
    const char *names[256];
    int count = 0;
    for (int i = 0; i < m->input_count; i++) names[count++] = m->inputs[i].name;
    for (int i = 0; i < m->output_count; i++) names[count++] = m->outputs[i].name;
    for (int i = 0; i < m->param_count; i++) names[count++] = m->params[i].name;
    for (int i = 0; i < count; i++) {
        if (strspn(names[i], "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(names[i]))
            fail_msg("%s: the name %s is not C spelling", m->name, names[i]);
        for (int j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0) fail_msg("%s: %s stands twice", m->name, names[i]);
        for (int j = 0; j < NRM_COUNT(reserved); j++)
            if (strcmp(names[i], reserved[j]) == 0) fail_msg("%s: %s is reserved", m->name, names[i]);
    }
}

static void check_ports(const nrm_method *m, const nrm_port *ports, int count)
{
    for (int i = 0; i < count; i++) {
        check_text(m->name, ports[i].name, ports[i].text);
        check_text(m->name, "a port's since", ports[i].since);
        assert_non_null(ports[i].shape);
        assert_true(ports[i].accepts != 0);
        assert_true(ports[i].dtypes != 0 && ports[i].dtypes < NRM_DTYPE_BIT(NRM_DTYPE_COUNT));
    }
}

/* A text is an output of bytes in a row, and nothing else. */
static void check_texts(const nrm_method *m)
{
    for (int i = 0; i < m->input_count; i++) assert_false(m->inputs[i].flags & NRM_PORT_TEXT);
    for (int i = 0; i < m->output_count; i++) {
        const nrm_port *p = &m->outputs[i];
        if (!(p->flags & NRM_PORT_TEXT)) continue;
        assert_true(p->accepts == NRM_ACCEPT_ARRAY && p->dtypes == NRM_DTYPE_BIT(NRM_U8));
        assert_true(*p->shape && !strpbrk(p->shape, ",|"));
    }
}

/* What cannot run on its own, for it reads a file that another method writes. */
static bool needs_a_file(const nrm_method *m)
{
    for (int i = 0; i < m->param_count; i++)
        if (m->params[i].kind == NRM_KIND_TEXT && strcmp(m->params[i].content, "file") == 0 && nrm_param_required(&m->params[i]))
            return true;
    return false;
}

static void check_params(const nrm_method *m)
{
    for (int i = 0; i < m->param_count; i++) {
        const nrm_param *p = &m->params[i];
        char word[64];
        check_text(m->name, p->name, p->text);
        check_text(m->name, "a parameter's since", p->since);
        assert_true(p->offset >= sizeof(size_t) && p->offset < m->options_size);
        if (nrm_param_required(p)) continue;
        if (p->kind == NRM_KIND_F64) assert_true(p->f64_default >= p->f64_least && p->f64_default <= p->f64_most);
        else assert_true(p->i64_default >= p->i64_least && p->i64_default <= p->i64_most);
        if (p->kind == NRM_KIND_TEXT) {
            static const char *const contents[] = {"", "file", "folder", "words", "value"};
            int known = 0;
            for (int c = 0; c < NRM_COUNT(contents); c++) known += strcmp(p->content, contents[c]) == 0;
            assert_int_equal(known, 1);
        }
        if (p->kind == NRM_KIND_CHOICE) {
            for (int64_t c = 0; c <= p->i64_most; c++) assert_int_equal(nrm_choice_word(p, c, word, sizeof word), 0);
            assert_int_equal(nrm_choice_word(p, p->i64_most + 1, word, sizeof word), -1);
        }
    }
}

static void test_table(void **state)
{
    (void)state;
    assert_true(nrm_method_count() >= 3);
    assert_null(nrm_method_at(-1));
    assert_null(nrm_method_at(nrm_method_count()));
    assert_null(nrm_method_find(NULL));
    assert_null(nrm_method_find("nothing"));
    assert_ptr_equal(nrm_method_find("sparse_ot"), nrm_method_find("sparse-ot"));
    assert_string_equal(nrm_method_nearest("sotfmax"), "softmax");
    for (int i = 0; i < nrm_method_count(); i++) {
        const nrm_method *m = nrm_method_at(i);
        assert_ptr_equal(nrm_method_find(m->name), m);
        if (i > 0) assert_true(strcmp(nrm_method_at(i - 1)->name, m->name) < 0);
    }
}

static void test_descriptors_are_complete(void **state)
{
    (void)state;
    for (int i = 0; i < nrm_method_count(); i++) {
        const nrm_method *m = nrm_method_at(i);
        check_text(m->name, "summary", m->summary);
        check_text(m->name, "details", m->details);
        check_text(m->name, "paper", m->paper);
        check_text(m->name, "domain", m->domain);
        check_text(m->name, "since", m->since);
        assert_true(m->summary[strlen(m->summary) - 1] != '.');
        assert_true(m->input_count >= 0 && m->output_count >= 1 && m->info_count >= 1);
        if (m->example_count < 1 && !needs_a_file(m)) fail_msg("%s has no example", m->name);
        assert_true(m->paper_number >= 0 && m->paper_number <= 33);
        check_names(m);
        check_ports(m, m->inputs, m->input_count);
        check_ports(m, m->outputs, m->output_count);
        check_texts(m);
        check_params(m);
        for (int f = 0; f < m->info_count; f++) check_text(m->name, m->info[f].name, m->info[f].text);
    }
}

/* The defaults that the inline _default() gives are those of the table: one list makes both. */
static void test_options_load(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int i = 0; i < nrm_method_count(); i++) {
        const nrm_method *m = nrm_method_at(i);
        void *options = malloc(m->options_size), *loaded = malloc(m->options_size);
        bool complete = true;
        assert_non_null(options);
        assert_non_null(loaded);
        nrm_options_default(m, options);
        for (int p = 0; p < m->param_count; p++) complete = complete && !nrm_param_required(&m->params[p]);
        assert_status(ctx, nrm_options_load(ctx, m, NULL, loaded), complete ? NRM_OK : NRM_E_ARGUMENT);
        const size_t wrong[] = {0, m->options_size + 1};
        for (int w = 0; w < 2; w++) {
            memcpy(options, &wrong[w], sizeof wrong[w]);
            assert_status(ctx, nrm_options_load(ctx, m, options, loaded), NRM_E_ARGUMENT);
            assert_message(ctx, "options.size");
        }
        free(options);
        free(loaded);
    }
    nrm_ctx_destroy(ctx);
}

/* Each parameter just outside its range, from text and from the struct: the same sentence. */
static void test_ranges(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int i = 0; i < nrm_method_count(); i++) {
        const nrm_method *m = nrm_method_at(i);
        void *options = malloc(m->options_size);
        assert_non_null(options);
        for (int p = 0; p < m->param_count; p++) {
            const nrm_param *param = &m->params[p];
            char text[64];
            const char *const wrong = param->kind == NRM_KIND_TEXT ? "no-\xff-value" : "no-such-value";
            nrm_options_default(m, options);
            assert_true(nrm_option_from_text(ctx, m, param, wrong, options) < 0);
            assert_message(ctx, param->name);
            assert_message(ctx, param->kind == NRM_KIND_TEXT ? "no-?-value" : wrong);
            if (param->kind == NRM_KIND_F64) {
                assert_status(ctx, nrm_option_from_text(ctx, m, param, "nan", options), NRM_E_RANGE);
                if (param->f64_least > -DBL_MAX) {
                    nrm_format_f64(text, param->f64_least == NRM_POSITIVE ? 0 : param->f64_least - 1 - fabs(param->f64_least));
                    assert_status(ctx, nrm_option_from_text(ctx, m, param, text, options), NRM_E_RANGE);
                    assert_message(ctx, "it must be");
                }
            }
            if (param->kind == NRM_KIND_I64 && param->i64_least > INT64_MIN) {
                snprintf(text, sizeof text, "%lld", NRM_LL(param->i64_least - 1));
                assert_status(ctx, nrm_option_from_text(ctx, m, param, text, options), NRM_E_RANGE);
                assert_message(ctx, text);
            }
        }
        free(options);
    }
    nrm_ctx_destroy(ctx);
}

static void test_examples(void **state)
{
    (void)state;
    nrm_test_memory memory;
    nrm_ctx *ctx = nrm_test_ctx(&memory);
    for (int i = 0; i < nrm_method_count(); i++) {
        const nrm_method *m = nrm_method_at(i);
        for (int e = 0; e < m->example_count; e++) {
            const nrm_status status = nrm_example_run(ctx, m, e);
            if (status < 0) fail_msg("%s, example '%s': %s", m->name, m->examples[e].title, nrm_message(ctx));
        }
        assert_status(ctx, nrm_example_run(ctx, m, m->example_count), NRM_E_RANGE);
    }
    assert_int_equal(memory.live, 1);
    nrm_ctx_destroy(ctx);
}

/* An example whose expectation is wrong must be told: the comparison can fail. */
static void test_false_example_is_found(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_method copy = *nrm_method_find("softmax");
    static const nrm_example wrong[] = {{"wrong value", "x=[0,0]", "y=[0.5,0.6]", 1e-9},
                                        {"wrong count", "x=[0,0]", "y=[0.5,0.5,0]", 1e-9},
                                        {"no such info", "x=[0,0]", "info.nothing=1", 1e-9},
                                        {"no such output", "x=[0,0]", "z=[1]", 1e-9}};
    copy.examples = wrong;
    copy.example_count = NRM_COUNT(wrong);
    for (int i = 0; i < copy.example_count; i++) assert_status(ctx, nrm_example_run(ctx, &copy, i), NRM_E_INTERNAL);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_table), cmocka_unit_test(test_descriptors_are_complete),
              cmocka_unit_test(test_options_load), cmocka_unit_test(test_ranges), cmocka_unit_test(test_examples),
              cmocka_unit_test(test_false_example_is_found))
