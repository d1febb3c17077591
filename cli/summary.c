/* summary.c -- the result for a person: its texts, how it ended, what was found, where it went. */
#include "run.h"
#include "describe.h"
#include "terminal.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_ROWS = 6, MOST_COLUMNS = 8, MOST_VALUES = 6, LEAST_MEANING = 24 };

/* ---- Arrays -------------------------------------------------------------------------- */

static double element(const void *data, nrm_dtype dtype, int64_t i)
{
    switch (dtype) {
    case NRM_F32: return (double)((const float *)data)[i];
    case NRM_F64: return ((const double *)data)[i];
    case NRM_I32: return (double)((const int32_t *)data)[i];
    case NRM_I64: return (double)((const int64_t *)data)[i];
    default: return (double)((const uint8_t *)data)[i];
    }
}

static void add_element(text *t, const void *data, nrm_dtype dtype, int64_t i, int width)
{
    const bool real = dtype == NRM_F32 || dtype == NRM_F64;
    char digits[40];
    snprintf(digits, sizeof digits, real ? "%.6g" : "%.0f", element(data, dtype, i));
    text_add(t, "%*s", width, digits);
}

static void add_row(text *t, const nrm_array *a, int64_t first, int64_t count, int most, int width)
{
    for (int64_t j = 0; j < count && j < most; j++) {
        if (j > 0) text_add(t, "  ");
        add_element(t, a->data, a->dtype, first + j, width);
    }
    if (count > most) text_add(t, "  ...");
}

/* How wide the shown elements of a matrix are. */
static int widest_element(const nrm_array *a, int64_t rows, int64_t cols)
{
    size_t widest = 1;
    for (int64_t i = 0; i < rows && i < MOST_ROWS; i++) {
        for (int64_t j = 0; j < cols && j < MOST_COLUMNS; j++) {
            text t = {0};
            add_element(&t, a->data, a->dtype, i * cols + j, 0);
            if (t.length > widest) widest = t.length;
            text_free(&t);
        }
    }
    return (int)widest;
}

static void add_matrix(text *t, const nrm_array *a, int indent)
{
    const int64_t cols = a->shape[a->ndim - 1], rows = cols > 0 ? nrm_array_count(a) / cols : 0;
    const int width = widest_element(a, rows, cols);
    for (int64_t i = 0; i < rows && i < MOST_ROWS; i++) {
        text_add(t, "\n%*s", indent, "");
        add_row(t, a, i * cols, cols, MOST_COLUMNS, width);
    }
    if (rows > MOST_ROWS) text_add(t, "\n%*s...", indent, "");
}

static void add_sparse_values(text *t, const nrm_csr *s)
{
    int shown = 0;
    for (int64_t i = 0; i < s->rows && shown < MOST_VALUES; i++) {
        for (int64_t k = s->indptr[i]; k < s->indptr[i + 1] && shown < MOST_VALUES; k++, shown++) {
            text_add(t, "  (%" PRId64 ",%" PRId64 ") ", i, s->indices[k]);
            add_element(t, s->values, s->dtype, k, 0);
        }
    }
    if (s->nnz > shown) text_add(t, "  ...");
}

static void add_shape(text *t, const nrm_value *v)
{
    if (v->kind == NRM_VALUE_CSR) {
        text_add(t, "%s [%" PRId64 " x %" PRId64 "], %" PRId64 " entries", nrm_dtype_name(v->csr.dtype), v->csr.rows,
                 v->csr.cols, v->csr.nnz);
        return;
    }
    text_add(t, "%s [", nrm_dtype_name(v->array.dtype));
    for (int i = 0; i < v->array.ndim; i++) text_add(t, "%s%" PRId64, i == 0 ? "" : " x ", v->array.shape[i]);
    text_add(t, "]");
}

static void add_output(text *t, const nrm_value *v, const nrm_port *port, const char *path, int widest)
{
    const int indent = widest + 4;
    const bool is_text = port->flags & NRM_PORT_TEXT;
    text shape = {0}, name = {0};
    text_add_dashed(&name, port->name);
    if (is_text) text_add(&shape, "text of %" PRId64 " byte%s", nrm_array_count(&v->array), nrm_array_count(&v->array) == 1 ? "" : "s");
    else add_shape(&shape, v);
    text_add(t, "  %-*s  %s", widest, text_string(&name), text_string(&shape));
    if (path) text_add(t, "  -> %s", strcmp(path, "-") == 0 ? "standard output" : path);
    else if (is_text) text_add(t, "%s", nrm_array_count(&v->array) > 0 ? ", above" : "");
    else if (v->kind == NRM_VALUE_CSR) add_sparse_values(t, &v->csr);
    else if (v->array.ndim >= 2) add_matrix(t, &v->array, indent);
    else text_add(t, "  "), add_row(t, &v->array, 0, nrm_array_count(&v->array), MOST_VALUES, 0);
    text_add(t, "\n");
    text_free(&shape);
    text_free(&name);
}

/* ---- Info fields ------------------------------------------------------------------------- */

static void add_field_value(text *t, const nrm_field *f, const void *info)
{
    const char *place = (const char *)info + f->offset;
    double real;
    int64_t whole;
    bool flag;
    const char *word;

    switch (f->kind) {
    case NRM_KIND_F64: memcpy(&real, place, sizeof real); text_add(t, "%.6g", real); break;
    case NRM_KIND_FLAG: memcpy(&flag, place, sizeof flag); text_add(t, flag ? "yes" : "no"); break;
    case NRM_KIND_STR: memcpy(&word, place, sizeof word); text_add(t, "%s", word ? word : "-"); break;
    default: memcpy(&whole, place, sizeof whole); text_add(t, "%" PRId64, whole); break;
    }
    if (f->unit && *f->unit) text_add(t, " %s", f->unit);
}

/* Name, value and meaning, each in its column. */
static void add_info(text *t, const nrm_method *m, const void *info, int widest, int width)
{
    size_t widest_value = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < m->info_count; i++) {
            text value = {0}, name = {0};
            add_field_value(&value, &m->info[i], info);
            if (pass == 0 && value.length > widest_value) widest_value = value.length;
            text_add_dashed(&name, m->info[i].name);
            if (pass == 1) {
                const int column = 2 + widest + 2 + (int)widest_value + 2;
                text_add(t, "  %-*s  %-*s  ", widest, text_string(&name), (int)widest_value, text_string(&value));
                text_wrap(t, m->info[i].text, column, column, width > column + LEAST_MEANING ? width : INT_MAX);
                text_add(t, "\n");
            }
            text_free(&value);
            text_free(&name);
        }
    }
}

/* ---- All of it ------------------------------------------------------------------------------ */

static int widest_name(const run *r)
{
    const nrm_method *m = r->method;
    size_t widest = 0;
    for (int i = 0; i < m->info_count; i++)
        if (strlen(m->info[i].name) > widest) widest = strlen(m->info[i].name);
    for (int i = 0; i < m->output_count; i++)
        if (nrm_call_output(r->call, m->outputs[i].name) && strlen(m->outputs[i].name) > widest)
            widest = strlen(m->outputs[i].name);
    return (int)widest;
}

static void add_seconds(text *t, double seconds)
{
    if (seconds < 1e-3) text_add(t, "%.3g us", seconds * 1e6);
    else if (seconds < 1) text_add(t, "%.3g ms", seconds * 1e3);
    else text_add(t, "%.3g s", seconds);
}

static void add_heading(text *t, const run *r, nrm_status status, double seconds)
{
    text_add(t, "%s: %s, ", r->method->name, status == NRM_OK ? "done" : nrm_status_text(status));
    add_seconds(t, seconds);
    text_add(t, "\n");
}

void add_texts(text *t, const run *r, bool for_terminal)
{
    for (int i = 0; i < r->method->output_count; i++) {
        const nrm_port *port = &r->method->outputs[i];
        const nrm_value *v = nrm_call_output(r->call, port->name);
        if (!(port->flags & NRM_PORT_TEXT) || !v || r->paths[i]) continue;
        const char *bytes = v->array.data;
        const size_t count = (size_t)nrm_array_count(&v->array);
        if (for_terminal) text_add_harmless(t, bytes, count);
        else text_add_bytes(t, bytes, count);
        if (count > 0 && bytes[count - 1] != '\n') text_add(t, "\n");
    }
}

void add_summary(text *t, const run *r, nrm_status status, double seconds, const char *message)
{
    const nrm_method *m = r->method;
    const void *info = nrm_call_info(r->call);
    const int widest = widest_name(r);

    add_heading(t, r, status, seconds);
    if (status > 0 && *message) {
        text_add(t, "  ");
        text_wrap(t, message, 2, 2, terminal_width(STDOUT_FILENO));
        text_add(t, "\n");
    }
    const size_t heading = t->length;
    for (int i = 0; i < m->output_count; i++) {
        const nrm_value *v = nrm_call_output(r->call, m->outputs[i].name);
        if (v) add_output(t, v, &m->outputs[i], r->paths[i], widest);
    }
    if (info && m->info_count > 0) {
        if (t->length > heading) text_add(t, "\n");
        add_info(t, m, info, widest, terminal_width(STDOUT_FILENO));
    }
}
