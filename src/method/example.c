/* example.c -- examples stored as calls, run and compared. */
#include "call_impl.h"
#include <stdio.h>

/* Behind the quote that ends the value which begins at `p`; '' is a quote inside. */
static const char *skip_quoted(const char *p)
{
    for (p++; *p; p++)
        if (*p == '\'' && *++p != '\'') break;
    return p;
}

/* The next word of `at`: blanks part words, but not inside brackets or a quoted value.
 * False at the end. */
static bool next_word(const char **at, const char **word, size_t *length)
{
    const char *p = *at + strspn(*at, " \n");
    int depth = 0;

    *word = p;
    p += strcspn(p, "= \n");
    if (p[0] == '=' && p[1] == '\'') p = skip_quoted(p + 1);
    else for (; *p && (depth > 0 || (*p != ' ' && *p != '\n')); p++) depth += (*p == '[') - (*p == ']');
    *length = (size_t)(p - *word);
    *at = p;
    return *length > 0;
}

static void take_quotes_off(char *value)
{
    const char *from = value;
    if (*from++ != '\'') return;
    for (; *from && (*from != '\'' || *++from == '\''); from++) *value++ = *from;
    *value = '\0';
}

/* "name=value" into two strings of one block; a bare "name" is a flag, "true". */
static nrm_status split_word(nrm_ctx *ctx, const char *word, size_t length, char **name, const char **value)
{
    NRM_TRY(nrm_alloc_bytes(ctx, name, (int64_t)length + 1, 1, "an example"));
    memcpy(*name, word, length);
    (*name)[length] = '\0';
    char *equals = strchr(*name, '=');
    *value = equals ? equals + 1 : "true";
    if (equals) {
        *equals = '\0';
        take_quotes_off(equals + 1);
    }
    return NRM_OK;
}

static nrm_status give(nrm_call *call, const char *name, const char *value)
{
    const nrm_method *m = nrm_call_method(call);
    return nrm_port_find(m->inputs, m->input_count, name) >= 0 ? nrm_call_input_path(call, name, value)
                                                               : nrm_call_set(call, name, value);
}

/* Outputs that are made on request, where the expectation speaks of them. */
static nrm_status want_outputs(nrm_call *call, const char *expect)
{
    const nrm_method *m = nrm_call_method(call);
    const char *word, *value;
    size_t length;

    while (next_word(&expect, &word, &length)) {
        char *name;
        nrm_status st = split_word(call->ctx, word, length, &name, &value);
        for (int i = 0; i < m->output_count && st >= 0; i++)
            if (nrm_same_name(m->outputs[i].name, name) && (m->outputs[i].flags & NRM_PORT_ON_REQUEST))
                st = nrm_call_want(call, name);
        nrm_free(call->ctx, name);
        if (st < 0) return st;
    }
    return NRM_OK;
}

static bool near(double got, double expected, double tol)
{
    return (isnan(got) && isnan(expected)) || got == expected || fabs(got - expected) <= tol * (1 + fabs(expected));
}

static nrm_status compare_array(nrm_call *call, const char *name, const nrm_array *got, const char *expected,
                                double tol)
{
    nrm_ctx *ctx = call->ctx;
    nrm_array as_f64 = {0};
    nrm_loaded want = {0};
    nrm_status st;
    char literal[64];

    if (expected[0] != '[') { /* a bare number is an array of one */
        snprintf(literal, sizeof literal, "[%s]", expected);
        expected = literal;
    }
    NRM_TRY(nrm_load(ctx, expected, &want));
    NRM_TRY_DONE(nrm_array_convert(ctx, &as_f64, NRM_F64, got));
    const int64_t n = nrm_array_count(&as_f64);
    NRM_STOP_IF(nrm_array_count(&want.array) != n, NRM_E_INTERNAL, "example: %s has %lld values, expected %lld", name,
                NRM_LL(n), NRM_LL(nrm_array_count(&want.array)));
    const double *a = as_f64.data, *b = want.array.data;
    for (int64_t i = 0; i < n; i++)
        NRM_STOP_IF(!near(a[i], b[i], tol), NRM_E_INTERNAL, "example: %s[%lld] is %.17g, expected %.17g", name,
                    NRM_LL(i), a[i], b[i]);
done:
    nrm_array_destroy(ctx, &as_f64);
    nrm_loaded_destroy(ctx, &want);
    return st;
}

static nrm_status compare_text(nrm_call *call, const char *name, const nrm_array *got, const char *expected)
{
    const int64_t length = (int64_t)strlen(expected);
    NRM_REQUIRE(call->ctx, nrm_array_count(got) == length && (length == 0 || memcmp(got->data, expected, (size_t)length) == 0),
                NRM_E_INTERNAL, "example: %s is not '%s'", name, expected);
    return NRM_OK;
}

static nrm_status compare_output(nrm_call *call, const char *name, const char *expected, double tol)
{
    const nrm_value *value = nrm_call_output(call, name);
    NRM_REQUIRE(call->ctx, value, NRM_E_INTERNAL, "example: output %s was not made", name);
    const nrm_method *m = nrm_call_method(call);
    const nrm_port *port = &m->outputs[nrm_port_find(m->outputs, m->output_count, name)];
    if (port->flags & NRM_PORT_TEXT) return compare_text(call, name, &value->array, expected);
    if (value->kind == NRM_VALUE_ARRAY) return compare_array(call, name, &value->array, expected, tol);
    nrm_array dense;
    NRM_TRY(nrm_csr_to_dense(call->ctx, &dense, &value->csr));
    const nrm_status st = compare_array(call, name, &dense, expected, tol);
    nrm_array_destroy(call->ctx, &dense);
    return st;
}

static nrm_status compare_info(nrm_call *call, const char *name, const char *expected, double tol)
{
    const nrm_method *m = nrm_call_method(call);
    for (int i = 0; i < m->info_count; i++) {
        const nrm_field *f = &m->info[i];
        if (!nrm_same_name(f->name, name)) continue;
        const char *place = (const char *)nrm_call_info(call) + f->offset;
        double got = 0, want = 0;
        int64_t whole;
        bool flag;
        const char *text;
        switch (f->kind) {
        case NRM_KIND_F64: memcpy(&got, place, sizeof got); break;
        case NRM_KIND_I64: memcpy(&whole, place, sizeof whole); got = (double)whole; break;
        case NRM_KIND_FLAG: memcpy(&flag, place, sizeof flag); got = flag; break;
        default:
            memcpy(&text, place, sizeof text);
            NRM_REQUIRE(call->ctx, text && strcmp(text, expected) == 0, NRM_E_INTERNAL,
                        "example: info.%s is %s, expected %s", name, text ? text : "(none)", expected);
            return NRM_OK;
        }
        if (strcmp(expected, "true") == 0) want = 1;
        else if (strcmp(expected, "false") != 0)
            NRM_REQUIRE(call->ctx, nrm_parse_f64(expected, expected + strlen(expected), &want), NRM_E_INTERNAL,
                        "example: '%s' is no number", expected);
        NRM_REQUIRE(call->ctx, near(got, want, tol), NRM_E_INTERNAL, "example: info.%s is %.17g, expected %s", name,
                    got, expected);
        return NRM_OK;
    }
    return nrm_fail(call->ctx, NRM_E_INTERNAL, "example: there is no info.%s", name);
}

nrm_status nrm_example_run(nrm_ctx *ctx, const nrm_method *method, int example)
{
    NRM_REQUIRE(ctx, method && example >= 0 && example < method->example_count, NRM_E_RANGE,
                "example: number %d is out of range", example);
    const nrm_example *e = &method->examples[example];
    const char *at, *word, *value;
    char *name = NULL;
    size_t length;
    nrm_call *call;
    nrm_status st;

    NRM_TRY(nrm_call_create(ctx, method->name, &call));
    for (at = e->call; next_word(&at, &word, &length);) {
        NRM_TRY_DONE(split_word(ctx, word, length, &name, &value));
        NRM_TRY_DONE(give(call, name, value));
        nrm_free(ctx, name);
        name = NULL;
    }
    NRM_TRY_DONE(want_outputs(call, e->expect));
    NRM_TRY_DONE(nrm_call_run(call));
    for (at = e->expect; next_word(&at, &word, &length);) {
        NRM_TRY_DONE(split_word(ctx, word, length, &name, &value));
        NRM_TRY_DONE(strncmp(name, "info.", 5) == 0 ? compare_info(call, name + 5, value, e->tol)
                                                    : compare_output(call, name, value, e->tol));
        nrm_free(ctx, name);
        name = NULL;
    }
    st = NRM_OK;
done:
    nrm_free(ctx, name);
    nrm_call_destroy(call);
    return st;
}
