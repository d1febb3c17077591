/* call.c -- calls by name.  Contract: norma/call.h. */
#include "call_impl.h"

/* ---- Life ----------------------------------------------------------------------------------- */

nrm_status nrm_call_create(nrm_ctx *ctx, const char *name, nrm_call **call)
{
    NRM_REQUIRE(ctx, name && call, NRM_E_NULL, "call: the method's name and the call must not be NULL");
    *call = NULL;
    const nrm_method *method = nrm_method_find(name);
    if (!method) {
        const char *near = nrm_method_nearest(name);
        return nrm_fail(ctx, NRM_E_ARGUMENT, "there is no method '%s'; %s%s%s", name,
                        near ? "did you mean '" : "ask for the list of methods", near ? near : "",
                        near ? "'?" : "");
    }

    nrm_call *c;
    nrm_status st = NRM_ALLOC_ZERO(ctx, c, 1, "a call");
    if (st < 0) return st;
    c->ctx = ctx;
    c->method = method;
    NRM_TRY_DONE(nrm_alloc_zeroed(ctx, &c->options, (int64_t)method->options_size, 1, "a call"));
    NRM_TRY_DONE(nrm_alloc_zeroed(ctx, &c->info, (int64_t)method->info_size, 1, "a call"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, c->inputs, method->input_count, "a call"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, c->outputs, method->output_count, "a call"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, c->output_named, method->output_count, "a call"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, c->param_set, method->param_count, "a call"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, c->texts, method->param_count, "a call"));
    nrm_options_default(method, c->options);
    for (int i = 0; i < method->input_count; i++) c->inputs[i].value.name = method->inputs[i].name;
    for (int i = 0; i < method->output_count; i++) {
        c->outputs[i].name = method->outputs[i].name;
        c->outputs[i].wanted = !(method->outputs[i].flags & NRM_PORT_ON_REQUEST);
    }
    *call = c;
    return NRM_OK;
done:
    nrm_call_destroy(c);
    return st;
}

void nrm_value_destroy(nrm_ctx *ctx, nrm_value *value)
{
    nrm_array_destroy(ctx, &value->array);
    nrm_csr_destroy(ctx, &value->csr);
    nrm_rows_close(ctx, value->rows);
    value->rows = NULL;
    value->kind = NRM_VALUE_NONE;
}

void nrm_call_destroy(nrm_call *c)
{
    if (!c) return;
    nrm_ctx *ctx = c->ctx;
    for (int i = 0; c->inputs && i < c->method->input_count; i++) {
        nrm_call_input_slot *slot = &c->inputs[i];
        nrm_value_destroy(ctx, &slot->value);
        nrm_array_destroy(ctx, &slot->converted);
        if (slot->loaded.format) nrm_loaded_destroy(ctx, &slot->loaded);
        nrm_free(ctx, slot->path);
    }
    for (int i = 0; c->outputs && i < c->method->output_count; i++) nrm_value_destroy(ctx, &c->outputs[i]);
    for (int i = 0; c->texts && i < c->method->param_count; i++) nrm_free(ctx, c->texts[i]);
    nrm_free(ctx, c->texts);
    nrm_free(ctx, c->inputs);
    nrm_free(ctx, c->outputs);
    nrm_free(ctx, c->output_named);
    nrm_free(ctx, c->param_set);
    nrm_free(ctx, c->options);
    nrm_free(ctx, c->info);
    nrm_free(ctx, c->message);
    nrm_free(ctx, c->report);
    nrm_free(ctx, c);
}

const nrm_method *nrm_call_method(const nrm_call *c) { return c ? c->method : NULL; }
const void *nrm_call_info(const nrm_call *c) { return c && c->ran && c->status >= 0 ? c->info : NULL; }

/* ---- Names ---------------------------------------------------------------------------------- */

enum { MOST_NAMES = 64 };

/* "softmax has no input 'xx'; did you mean 'x'?" */
static nrm_status no_such(nrm_call *c, const char *what, const char *name, const char *const *words)
{
    const char *near = nrm_nearest(name, words);
    return nrm_fail(c->ctx, NRM_E_ARGUMENT, "%s has no %s '%s'%s%s%s", c->method->name, what, name,
                    near ? "; did you mean '" : "; ask for the method's help", near ? near : "",
                    near ? "'?" : "");
}

static nrm_status no_such_port(nrm_call *c, const char *what, const char *name, const nrm_port *ports, int count)
{
    const char *words[MOST_NAMES + 1] = {NULL};
    for (int i = 0; i < count && i < MOST_NAMES; i++) words[i] = ports[i].name;
    return no_such(c, what, name, words);
}

static nrm_status no_such_param(nrm_call *c, const char *name)
{
    const char *words[MOST_NAMES + 1] = {NULL};
    for (int i = 0; i < c->method->param_count && i < MOST_NAMES; i++) words[i] = c->method->params[i].name;
    return no_such(c, "parameter", name, words);
}

static nrm_status input_slot(nrm_call *c, const char *port, nrm_call_input_slot **slot)
{
    if (!c) return NRM_E_NULL;
    NRM_REQUIRE(c->ctx, port, NRM_E_NULL, "%s: an input's name is NULL", c->method->name);
    NRM_REQUIRE(c->ctx, !c->ran && !c->prepared, NRM_E_ARGUMENT, "%s: the inputs are settled already; make a new call",
                c->method->name);
    const int i = nrm_port_find(c->method->inputs, c->method->input_count, port);
    if (i < 0) return no_such_port(c, "input", port, c->method->inputs, c->method->input_count);
    *slot = &c->inputs[i];
    NRM_REQUIRE(c->ctx, !(*slot)->given, NRM_E_ARGUMENT, "%s: input %s is given twice; give it once",
                c->method->name, port);
    return NRM_OK;
}

static nrm_status output_index(nrm_call *c, const char *port, int *index)
{
    if (!c) return NRM_E_NULL;
    NRM_REQUIRE(c->ctx, port, NRM_E_NULL, "%s: an output's name is NULL", c->method->name);
    *index = nrm_port_find(c->method->outputs, c->method->output_count, port);
    return *index < 0 ? no_such_port(c, "output", port, c->method->outputs, c->method->output_count) : NRM_OK;
}

/* ---- Inputs --------------------------------------------------------------------------------- */

nrm_status nrm_call_input(nrm_call *c, const char *port, nrm_dtype dtype, int ndim, const int64_t *shape,
                          const void *data)
{
    nrm_call_input_slot *slot = NULL;
    NRM_TRY(input_slot(c, port, &slot));
    /* Inputs are only ever read; the view drops const because outputs share its type. */
    void *memory;
    memcpy(&memory, &data, sizeof memory);
    nrm_array view;
    NRM_TRY(nrm_array_view(c->ctx, &view, dtype, ndim, shape, memory));
    slot->value.array = view;
    slot->value.kind = NRM_VALUE_ARRAY;
    slot->given = true;
    return NRM_OK;
}

nrm_status nrm_call_input_csr(nrm_call *c, const char *port, nrm_dtype dtype, int64_t rows, int64_t cols,
                              const int64_t *indptr, const int64_t *indices, const void *values)
{
    nrm_call_input_slot *slot = NULL;
    NRM_TRY(input_slot(c, port, &slot));
    NRM_REQUIRE(c->ctx, indptr && indices && values, NRM_E_NULL, "%s: a part of the sparse input %s is NULL",
                c->method->name, port);
    NRM_REQUIRE(c->ctx, rows >= 0 && cols >= 0, NRM_E_SHAPE, "%s: %s is %lld x %lld; sizes must not be negative",
                c->method->name, port, NRM_LL(rows), NRM_LL(cols));
    nrm_csr csr = {.rows = rows, .cols = cols, .nnz = indptr[rows], .dtype = dtype};
    memcpy(&csr.indptr, &indptr, sizeof indptr);
    memcpy(&csr.indices, &indices, sizeof indices);
    memcpy(&csr.values, &values, sizeof values);
    NRM_TRY(nrm_csr_check(c->ctx, &csr));
    slot->value.csr = csr;
    slot->value.kind = NRM_VALUE_CSR;
    slot->given = true;
    return NRM_OK;
}

nrm_status nrm_call_input_rows(nrm_call *c, const char *port, nrm_rows *rows)
{
    nrm_call_input_slot *slot = NULL;
    nrm_status st = input_slot(c, port, &slot);
    if (st >= 0 && !rows) st = nrm_fail(c->ctx, NRM_E_NULL, "%s: the stream for %s is NULL", c->method->name, port);
    if (st < 0) {
        nrm_rows_close(c ? c->ctx : NULL, rows);
        return st;
    }
    slot->value.rows = rows;
    slot->value.kind = NRM_VALUE_ROWS;
    slot->given = true;
    return NRM_OK;
}

nrm_status nrm_call_input_callback(nrm_call *c, const char *port, int64_t cols, nrm_rows_fill_fn fill, void *user)
{
    if (!c) return NRM_E_NULL;
    nrm_rows *rows;
    NRM_TRY(nrm_rows_from_callback(c->ctx, &rows, cols, fill, user));
    return nrm_call_input_rows(c, port, rows);
}

nrm_status nrm_call_input_path(nrm_call *c, const char *port, const char *path)
{
    nrm_call_input_slot *slot = NULL;
    NRM_TRY(input_slot(c, port, &slot));
    NRM_REQUIRE(c->ctx, path && *path, NRM_E_ARGUMENT, "%s: the path for %s is empty; give a file, - or [numbers]",
                c->method->name, port);
    for (int i = 0; i < c->method->input_count && strcmp(path, "-") == 0; i++)
        NRM_REQUIRE(c->ctx, !c->inputs[i].path || strcmp(c->inputs[i].path, "-") != 0, NRM_E_ARGUMENT,
                    "%s: %s and %s both read standard input; only one can", c->method->name,
                    c->method->inputs[i].name, port);
    NRM_TRY(nrm_copy_string(c->ctx, &slot->path, path));
    slot->given = true;
    return NRM_OK;
}

/* ---- Parameters and outputs -------------------------------------------------------------------- */

/* The options borrow a text: the call keeps a copy for its life. */
static nrm_status set_text(nrm_call *c, const nrm_param *p, const char *text)
{
    char *copy;
    NRM_TRY(nrm_copy_string(c->ctx, &copy, text));
    const nrm_status st = nrm_option_from_text(c->ctx, c->method, p, copy, c->options);
    if (st < 0) nrm_free(c->ctx, copy);
    else c->texts[p - c->method->params] = copy;
    return st;
}

nrm_status nrm_call_set(nrm_call *c, const char *name, const char *text)
{
    if (!c) return NRM_E_NULL;
    NRM_REQUIRE(c->ctx, name && text, NRM_E_NULL, "%s: a parameter's name or value is NULL", c->method->name);
    NRM_REQUIRE(c->ctx, !c->ran, NRM_E_ARGUMENT, "%s: the call has run; make a new one", c->method->name);
    const nrm_param *p = nrm_param_find(c->method, name);
    if (!p) return no_such_param(c, name);
    bool *set = &c->param_set[p - c->method->params];
    NRM_REQUIRE(c->ctx, !*set, NRM_E_ARGUMENT, "%s: parameter %s is given twice; give it once", c->method->name, name);
    if (p->kind == NRM_KIND_TEXT) NRM_TRY(set_text(c, p, text));
    else NRM_TRY(nrm_option_from_text(c->ctx, c->method, p, text, c->options));
    *set = true;
    return NRM_OK;
}

nrm_status nrm_call_want(nrm_call *c, const char *port)
{
    int i = -1;
    NRM_TRY(output_index(c, port, &i));
    NRM_REQUIRE(c->ctx, !c->ran, NRM_E_ARGUMENT, "%s: the call has run; make a new one", c->method->name);
    NRM_REQUIRE(c->ctx, !c->output_named[i], NRM_E_ARGUMENT, "%s: output %s is given twice; give it once",
                c->method->name, port);
    c->output_named[i] = true;
    c->outputs[i].wanted = true;
    return NRM_OK;
}

nrm_status nrm_call_output_into(nrm_call *c, const char *port, nrm_dtype dtype, int ndim, const int64_t *shape,
                                void *data)
{
    int i = -1;
    nrm_array view;
    NRM_TRY(output_index(c, port, &i));
    NRM_TRY(nrm_array_view(c->ctx, &view, dtype, ndim, shape, data));
    NRM_TRY(nrm_call_want(c, port));
    c->outputs[i].array = view;
    c->outputs[i].kind = NRM_VALUE_ARRAY;
    return NRM_OK;
}

/* ---- The run -------------------------------------------------------------------------------------- */

static void run_method(nrm_call *c)
{
    nrm_value *in = NULL;
    nrm_status st;

    NRM_TRY_DONE(NRM_ALLOC_ZERO(c->ctx, in, c->method->input_count, "a call"));
    for (int i = 0; i < c->method->input_count; i++) in[i] = c->inputs[i].value;
    nrm_clear_message(c->ctx);
    st = c->method->run(c->ctx, in, c->outputs, c->options, c->info);
done:
    nrm_free(c->ctx, in);
    c->status = st;
    for (int i = 0; st < 0 && i < c->method->output_count; i++) nrm_value_destroy(c->ctx, &c->outputs[i]);
}

nrm_status nrm_call_run(nrm_call *c)
{
    if (!c) return NRM_E_NULL;
    NRM_REQUIRE(c->ctx, !c->ran, NRM_E_ARGUMENT, "%s: the call has run; make a new one", c->method->name);
    NRM_TRY(nrm_call_prepare(c));
    const double start = nrm_now();
    run_method(c);
    c->seconds = nrm_now() - start;
    c->ran = true;
    /* The report may be asked for after other calls on the context. */
    if (nrm_message(c->ctx)[0] && c->status >= 0) NRM_TRY(nrm_copy_string(c->ctx, &c->message, nrm_message(c->ctx)));
    return c->status;
}

const nrm_value *nrm_call_output(const nrm_call *c, const char *port)
{
    if (!c || !port || !c->ran) return NULL;
    const int i = nrm_port_find(c->method->outputs, c->method->output_count, port);
    return i >= 0 && c->outputs[i].kind != NRM_VALUE_NONE ? &c->outputs[i] : NULL;
}

static nrm_status made_output(nrm_call *c, const char *port, int *i)
{
    NRM_TRY(output_index(c, port, i));
    NRM_REQUIRE(c->ctx, c->ran, NRM_E_ARGUMENT, "%s: the call has not run yet; run it, then take its outputs",
                c->method->name);
    NRM_REQUIRE(c->ctx, c->outputs[*i].kind != NRM_VALUE_NONE, NRM_E_ARGUMENT, "%s: output %s was not made",
                c->method->name, port);
    return NRM_OK;
}

nrm_status nrm_call_take(nrm_call *c, const char *port, nrm_value *value)
{
    int i = -1;
    NRM_TRY(made_output(c, port, &i));
    NRM_REQUIRE(c->ctx, value, NRM_E_NULL, "%s: nowhere to put output %s", c->method->name, port);
    *value = c->outputs[i];
    c->outputs[i] = (nrm_value){0};
    return NRM_OK;
}

nrm_status nrm_call_write(nrm_call *c, const char *port, const char *path)
{
    int i = -1;
    NRM_TRY(made_output(c, port, &i));
    const nrm_value *value = &c->outputs[i];
    if (c->method->outputs[i].flags & NRM_PORT_TEXT) return nrm_save_text(c->ctx, path, &value->array);
    return value->kind == NRM_VALUE_CSR ? nrm_save_csr(c->ctx, path, &value->csr)
                                        : nrm_save(c->ctx, path, &value->array);
}
