/* report.c -- calls and descriptors as JSON. */
#include "call_impl.h"
#include <stdio.h>
#include <stdlib.h>

nrm_status nrm_json_text(nrm_ctx *ctx, json_t *value, char **text)
{
    char *dump = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(value);
    NRM_REQUIRE(ctx, dump, NRM_E_NOMEM, "no memory for a JSON text");
    const nrm_status st = nrm_copy_string(ctx, text, dump);
    free(dump); /* jansson's */
    return st;
}

void nrm_free_string(nrm_ctx *ctx, char *string) { nrm_free(ctx, string); }

/* JSON has no NaN or Inf: they become null. */
static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* jansson's integers end at 2^63 - 1: larger seeds are written as text. */
json_t *nrm_seed_json(uint64_t seed)
{
    char text[24];
    if (seed <= INT64_MAX) return json_integer((json_int_t)seed);
    snprintf(text, sizeof text, "%" PRIu64, seed);
    return json_string(text);
}

static json_t *dtypes_json(unsigned dtypes)
{
    json_t *list = json_array();
    for (int d = 0; d < NRM_DTYPE_COUNT; d++)
        if (dtypes & NRM_DTYPE_BIT(d)) json_array_append_new(list, json_string(nrm_dtype_name((nrm_dtype)d)));
    return list;
}

static json_t *option_json(const nrm_param *p, const void *options)
{
    char word[64];
    const char *text;

    switch (p->kind) {
    case NRM_KIND_F64: return number(nrm_option_f64(p, options));
    case NRM_KIND_FLAG: return json_boolean(nrm_option_i64(p, options));
    case NRM_KIND_CHOICE:
        return nrm_choice_word(p, nrm_option_i64(p, options), word, sizeof word) ? json_null() : json_string(word);
    case NRM_KIND_TEXT: text = nrm_option_text(p, options); return text ? json_string(text) : json_null();
    default: break;
    }
    const int64_t value = nrm_option_i64(p, options);
    return value == NRM_REQUIRED_I64 ? json_null() : json_integer(value);
}

json_t *nrm_parameters_json(const nrm_method *method, const void *options)
{
    json_t *object = json_object();
    for (int i = 0; i < method->param_count; i++)
        json_object_set_new(object, method->params[i].name, option_json(&method->params[i], options));
    return object;
}

static json_t *info_json(const nrm_method *method, const void *info)
{
    json_t *object = json_object();
    for (int i = 0; i < method->info_count; i++) {
        const nrm_field *f = &method->info[i];
        const char *place = (const char *)info + f->offset;
        double real;
        int64_t whole;
        bool flag;
        const char *text;
        json_t *value;
        switch (f->kind) {
        case NRM_KIND_F64: memcpy(&real, place, sizeof real); value = number(real); break;
        case NRM_KIND_FLAG: memcpy(&flag, place, sizeof flag); value = json_boolean(flag); break;
        case NRM_KIND_STR: memcpy(&text, place, sizeof text); value = text ? json_string(text) : json_null(); break;
        default: memcpy(&whole, place, sizeof whole); value = json_integer(whole); break;
        }
        json_object_set_new(object, f->name, value);
    }
    return object;
}

/* ---- The report of a call --------------------------------------------------------------------- */

static json_t *value_json(const nrm_value *v)
{
    json_t *object = json_object(), *shape = json_array();

    switch (v->kind) {
    case NRM_VALUE_ARRAY:
        json_object_set_new(object, "dtype", json_string(nrm_dtype_name(v->array.dtype)));
        for (int i = 0; i < v->array.ndim; i++) json_array_append_new(shape, json_integer(v->array.shape[i]));
        break;
    case NRM_VALUE_CSR:
        json_object_set_new(object, "dtype", json_string(nrm_dtype_name(v->csr.dtype)));
        json_array_append_new(shape, json_integer(v->csr.rows));
        json_array_append_new(shape, json_integer(v->csr.cols));
        json_object_set_new(object, "nnz", json_integer(v->csr.nnz));
        break;
    case NRM_VALUE_ROWS: {
        const int64_t rows = nrm_rows_count(v->rows);
        json_object_set_new(object, "dtype", json_string("f64"));
        json_array_append_new(shape, rows < 0 ? json_null() : json_integer(rows));
        json_array_append_new(shape, json_integer(nrm_rows_cols(v->rows)));
        json_object_set_new(object, "stream", json_true());
        break;
    }
    default: break;
    }
    json_object_set_new(object, "shape", shape);
    return object;
}

static nrm_status outputs_json(nrm_call *c, json_t *object)
{
    for (int i = 0; i < c->method->output_count; i++) {
        const nrm_port *port = &c->method->outputs[i];
        const nrm_value *value = &c->outputs[i];
        char *text;
        int64_t length;
        if (value->kind == NRM_VALUE_NONE) continue;
        json_t *about = value_json(value);
        json_object_set_new(object, port->name, about);
        if (!(port->flags & NRM_PORT_TEXT)) continue;
        NRM_TRY(nrm_repair_utf8(c->ctx, value->array.data, nrm_array_count(&value->array), &text, &length));
        json_object_set_new(about, "text", json_stringn(text, (size_t)length));
        nrm_free(c->ctx, text);
    }
    return NRM_OK;
}

nrm_status nrm_call_report(nrm_call *c, const char **json)
{
    if (!c) return NRM_E_NULL;
    NRM_REQUIRE(c->ctx, json, NRM_E_NULL, "report: nowhere to put the text");
    NRM_REQUIRE(c->ctx, c->ran, NRM_E_ARGUMENT, "%s: the call has not run yet", c->method->name);
    json_t *root = json_object(), *in = json_object(), *out = json_object();

    json_object_set_new(root, "method", json_string(c->method->name));
    json_object_set_new(root, "version", json_string(NRM_VERSION));
    json_object_set_new(root, "status", json_string(nrm_status_name(c->status)));
    json_object_set_new(root, "message", json_string(c->message ? c->message : ""));
    json_object_set_new(root, "parameters", nrm_parameters_json(c->method, c->options));
    json_object_set_new(root, "info", c->status >= 0 ? info_json(c->method, c->info) : json_null());
    for (int i = 0; i < c->method->input_count; i++) {
        if (!c->inputs[i].given) continue;
        json_t *value = value_json(&c->inputs[i].value);
        if (c->inputs[i].path) json_object_set_new(value, "path", json_string(c->inputs[i].path));
        json_object_set_new(in, c->method->inputs[i].name, value);
    }
    json_object_set_new(root, "inputs", in);
    json_object_set_new(root, "outputs", out);
    const nrm_status st = outputs_json(c, out);
    if (st < 0) {
        json_decref(root);
        return st;
    }
    json_object_set_new(root, "seed", nrm_seed_json(nrm_seed(c->ctx)));
    json_object_set_new(root, "threads", json_integer(nrm_threads(c->ctx)));
    json_object_set_new(root, "seconds", number(c->seconds));

    char *text;
    NRM_TRY(nrm_json_text(c->ctx, root, &text));
    nrm_free(c->ctx, c->report);
    c->report = text;
    *json = text;
    return NRM_OK;
}

/* ---- All descriptors ------------------------------------------------------------------------------ */

static json_t *port_json(const nrm_port *p, bool output)
{
    json_t *object = json_object(), *accepts = json_array();

    json_object_set_new(object, "name", json_string(p->name));
    if (p->accepts & NRM_ACCEPT_ARRAY) json_array_append_new(accepts, json_string("array"));
    if (p->accepts & NRM_ACCEPT_CSR) json_array_append_new(accepts, json_string("csr"));
    if (p->accepts & NRM_ACCEPT_ROWS) json_array_append_new(accepts, json_string("rows"));
    json_object_set_new(object, "accepts", accepts);
    json_object_set_new(object, "dtypes", dtypes_json(p->dtypes));
    json_object_set_new(object, "shape", json_string(p->shape));
    json_object_set_new(object, "optional", json_boolean(p->flags & NRM_PORT_OPTIONAL));
    if (output) json_object_set_new(object, "on_request", json_boolean(p->flags & NRM_PORT_ON_REQUEST));
    if (output) json_object_set_new(object, "is_text", json_boolean(p->flags & NRM_PORT_TEXT));
    if (!output) json_object_set_new(object, "nan_ok", json_boolean(p->flags & NRM_PORT_NAN_OK));
    json_object_set_new(object, "unit", json_string(p->unit ? p->unit : ""));
    json_object_set_new(object, "since", json_string(p->since ? p->since : ""));
    json_object_set_new(object, "text", json_string(p->text));
    return object;
}

/* An endless bound is null. */
static json_t *bound(const nrm_param *p, bool least)
{
    if (p->kind == NRM_KIND_F64) {
        const double v = least ? p->f64_least : p->f64_most;
        if (least && v == NRM_POSITIVE) return json_string("> 0");
        return fabs(v) >= DBL_MAX ? json_null() : json_real(v);
    }
    const int64_t v = least ? p->i64_least : p->i64_most;
    return p->kind != NRM_KIND_I64 || v == INT64_MAX || v == INT64_MIN ? json_null() : json_integer(v);
}

static const char *const kind_names[] = {"f64", "i64", "flag", "choice", "str", "text"};

json_t *nrm_param_json(const nrm_param *p, const void *defaults)
{
    json_t *object = json_object();
    char word[64];

    json_object_set_new(object, "name", json_string(p->name));
    json_object_set_new(object, "kind", json_string(kind_names[p->kind]));
    json_object_set_new(object, "required", json_boolean(nrm_param_required(p)));
    json_object_set_new(object, "default", option_json(p, defaults));
    json_object_set_new(object, "least", bound(p, true));
    json_object_set_new(object, "most", bound(p, false));
    json_t *choices = json_array();
    for (int i = 0; p->choices && nrm_choice_word(p, i, word, sizeof word) == 0; i++)
        json_array_append_new(choices, json_string(word));
    json_object_set_new(object, "choices", choices);
    json_object_set_new(object, "content", json_string(p->content ? p->content : ""));
    json_object_set_new(object, "unit", json_string(p->unit));
    json_object_set_new(object, "since", json_string(p->since));
    json_object_set_new(object, "text", json_string(p->text));
    return object;
}

static json_t *field_json(const nrm_field *f)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(f->name));
    json_object_set_new(object, "kind", json_string(kind_names[f->kind]));
    json_object_set_new(object, "unit", json_string(f->unit));
    json_object_set_new(object, "text", json_string(f->text));
    return object;
}

static json_t *example_json(const nrm_example *e)
{
    json_t *object = json_object();
    json_object_set_new(object, "title", json_string(e->title));
    json_object_set_new(object, "call", json_string(e->call));
    json_object_set_new(object, "expect", json_string(e->expect));
    json_object_set_new(object, "tol", json_real(e->tol));
    return object;
}

static json_t *method_json(const nrm_method *m, const void *defaults)
{
    json_t *object = json_object(), *list;

    json_object_set_new(object, "name", json_string(m->name));
    json_object_set_new(object, "summary", json_string(m->summary));
    json_object_set_new(object, "details", json_string(m->details));
    json_object_set_new(object, "paper", json_string(m->paper));
    json_object_set_new(object, "paper_number", json_integer(m->paper_number));
    json_object_set_new(object, "domain", json_string(m->domain));
    json_object_set_new(object, "since", json_string(m->since));
    json_object_set_new(object, "inputs", list = json_array());
    for (int i = 0; i < m->input_count; i++) json_array_append_new(list, port_json(&m->inputs[i], false));
    json_object_set_new(object, "outputs", list = json_array());
    for (int i = 0; i < m->output_count; i++) json_array_append_new(list, port_json(&m->outputs[i], true));
    json_object_set_new(object, "parameters", list = json_array());
    for (int i = 0; i < m->param_count; i++) json_array_append_new(list, nrm_param_json(&m->params[i], defaults));
    json_object_set_new(object, "info", list = json_array());
    for (int i = 0; i < m->info_count; i++) json_array_append_new(list, field_json(&m->info[i]));
    json_object_set_new(object, "examples", list = json_array());
    for (int i = 0; i < m->example_count; i++) json_array_append_new(list, example_json(&m->examples[i]));
    return object;
}

nrm_status nrm_methods_json(nrm_ctx *ctx, char **json)
{
    NRM_REQUIRE(ctx, json, NRM_E_NULL, "methods: nowhere to put the text");
    json_t *list = json_array();
    for (int i = 0; i < nrm_method_count(); i++) {
        const nrm_method *m = nrm_method_at(i);
        void *defaults;
        const nrm_status st = nrm_alloc_bytes(ctx, &defaults, (int64_t)m->options_size, 1, "the list of methods");
        if (st < 0) {
            json_decref(list);
            return st;
        }
        nrm_options_default(m, defaults);
        json_array_append_new(list, method_json(m, defaults));
        nrm_free(ctx, defaults);
    }
    return nrm_json_text(ctx, list, json);
}
