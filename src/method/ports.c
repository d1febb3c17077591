/* ports.c -- inputs made to fit the ports: files read, element types converted, sparse
 * made dense or streamed, shapes matched letter by letter across all ports. */
#define _POSIX_C_SOURCE 200809L
#include "call_impl.h"
#include "data/data.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Files ------------------------------------------------------------------------------------ */

static const nrm_array *bundle_find(const nrm_bundle *bundle, const char *name)
{
    for (int64_t i = 0; i < bundle->count; i++)
        if (strcmp(bundle->items[i].name, name) == 0) return &bundle->items[i].array;
    return NULL;
}

/* "a.npz:weights": the member's name, with the path cut before it; NULL when the path is
 * a file as it stands. */
static char *cut_member(char *path)
{
    char *colon = strrchr(path, ':');
    if (!colon || path[0] == '[' || access(path, F_OK) == 0) return NULL;
    *colon = '\0';
    return colon + 1;
}

static nrm_status pick_member(nrm_call *c, const nrm_port *port, nrm_call_input_slot *slot, const char *member)
{
    const nrm_loaded *l = &slot->loaded;
    const nrm_array *found = NULL;

    if (member) {
        found = bundle_find(l->kind == NRM_LOADED_BUNDLE ? &l->bundle : &l->extra, member);
        NRM_REQUIRE(c->ctx, found, NRM_E_ARGUMENT, "%s: %s: %s holds no array '%s'", c->method->name, port->name,
                    slot->path, member);
    } else {
        found = bundle_find(&l->bundle, port->name);
        if (!found && l->bundle.count == 1) found = &l->bundle.items[0].array;
        NRM_REQUIRE(c->ctx, found, NRM_E_ARGUMENT,
                    "%s: %s: %s holds %lld arrays, none called %s; name one as FILE:ARRAY", c->method->name,
                    port->name, slot->path, NRM_LL(l->bundle.count), port->name);
    }
    slot->value.array = *found;
    slot->value.array.owned = false; /* the loaded file owns it */
    slot->value.kind = NRM_VALUE_ARRAY;
    return NRM_OK;
}

/* A method of rows may have a parameter `columns` for inputs that do not say how many. */
static int64_t columns_param(const nrm_call *c)
{
    const nrm_param *p = nrm_param_find(c->method, "columns");
    return p && p->kind == NRM_KIND_I64 ? nrm_option_i64(p, c->options) : 0;
}

static nrm_status load(nrm_call *c, const nrm_port *port, nrm_call_input_slot *slot, const char *member)
{
    nrm_status st;

    if ((port->accepts & NRM_ACCEPT_ROWS) && !member) {
        st = nrm_rows_open(c->ctx, &slot->value.rows, slot->path, columns_param(c));
        if (st >= 0) {
            slot->value.kind = NRM_VALUE_ROWS;
            return NRM_OK;
        }
        /* A file of several arrays is no stream; the array is picked below. */
        if (st != NRM_E_UNSUPPORTED || strcmp(slot->path, "-") == 0)
            return nrm_fail_prefix(c->ctx, st, "%s: %s", c->method->name, port->name);
    }
    st = nrm_load(c->ctx, slot->path, &slot->loaded);
    if (st < 0) return nrm_fail_prefix(c->ctx, st, "%s: %s", c->method->name, port->name);
    if (member || slot->loaded.kind == NRM_LOADED_BUNDLE) return pick_member(c, port, slot, member);
    if (slot->loaded.kind == NRM_LOADED_CSR) {
        slot->value.csr = slot->loaded.csr;
        slot->value.csr.owned = false;
        slot->value.kind = NRM_VALUE_CSR;
    } else {
        slot->value.array = slot->loaded.array;
        slot->value.array.owned = false;
        slot->value.kind = NRM_VALUE_ARRAY;
    }
    return NRM_OK;
}

/* After a failure the slot is as it was: the run may be tried again. */
static nrm_status load_path(nrm_call *c, const nrm_port *port, nrm_call_input_slot *slot)
{
    char *member = cut_member(slot->path);
    const nrm_status st = load(c, port, slot, member);

    if (st < 0 && slot->loaded.format) nrm_loaded_destroy(c->ctx, &slot->loaded);
    if (st < 0 && member) member[-1] = ':';
    return st;
}

/* ---- Form and element type ---------------------------------------------------------------------- */

static bool takes_both_floats(const nrm_port *port) { return (port->dtypes & NRM_FLOATS) == NRM_FLOATS; }

/* All ports that take f32 and f64 alike get one type: f32 if everything given there is f32. */
static nrm_dtype common_float(const nrm_call *c)
{
    bool any = false;
    for (int i = 0; i < c->method->input_count; i++) {
        const nrm_value *v = &c->inputs[i].value;
        if (!takes_both_floats(&c->method->inputs[i]) || v->kind == NRM_VALUE_NONE) continue;
        if (v->kind == NRM_VALUE_ARRAY && v->array.dtype != NRM_F32) return NRM_F64;
        if (v->kind == NRM_VALUE_CSR && v->csr.dtype != NRM_F32) return NRM_F64;
        any = true;
    }
    return any ? NRM_F32 : NRM_F64;
}

static nrm_dtype wanted_dtype(const nrm_port *port, nrm_dtype given, nrm_dtype common)
{
    static const nrm_dtype widest_first[] = {NRM_F64, NRM_F32, NRM_I64, NRM_I32, NRM_U8};
    const bool given_is_float = given == NRM_F32 || given == NRM_F64;

    if (takes_both_floats(port) && (given_is_float || !(port->dtypes & NRM_DTYPE_BIT(given)))) return common;
    if (port->dtypes & NRM_DTYPE_BIT(given)) return given;
    for (int i = 0; i < NRM_COUNT(widest_first); i++)
        if (port->dtypes & NRM_DTYPE_BIT(widest_first[i])) return widest_first[i];
    return given;
}

static nrm_status fit_form(nrm_call *c, const nrm_port *port, nrm_call_input_slot *slot)
{
    nrm_value *v = &slot->value;

    if (v->kind == NRM_VALUE_CSR && !(port->accepts & (NRM_ACCEPT_CSR | NRM_ACCEPT_ROWS))) {
        NRM_TRY(nrm_csr_to_dense(c->ctx, &slot->converted, &v->csr));
        nrm_csr_destroy(c->ctx, &v->csr);
        v->array = slot->converted;
        v->array.owned = false;
        v->kind = NRM_VALUE_ARRAY;
    }
    NRM_REQUIRE(c->ctx, !(v->kind == NRM_VALUE_ARRAY && !(port->accepts & (NRM_ACCEPT_ARRAY | NRM_ACCEPT_ROWS))),
                NRM_E_ARGUMENT, "%s: %s is a dense array; it must be a sparse matrix", c->method->name, port->name);
    NRM_REQUIRE(c->ctx, !(v->kind == NRM_VALUE_ROWS && !(port->accepts & NRM_ACCEPT_ROWS)), NRM_E_ARGUMENT,
                "%s: %s is a stream of rows; it must be a whole array", c->method->name, port->name);
    return NRM_OK;
}

static nrm_status fit_dtype(nrm_call *c, const nrm_port *port, nrm_call_input_slot *slot, nrm_dtype common)
{
    nrm_value *v = &slot->value;

    if (v->kind != NRM_VALUE_ARRAY) return NRM_OK;
    const nrm_dtype wanted = wanted_dtype(port, v->array.dtype, common);
    if (wanted == v->array.dtype) return NRM_OK;
    nrm_array changed;
    const nrm_status st = nrm_array_convert(c->ctx, &changed, wanted, &v->array);
    if (st < 0) return nrm_fail_prefix(c->ctx, st, "%s: %s", c->method->name, port->name);
    nrm_array_destroy(c->ctx, &slot->converted);
    slot->converted = changed;
    v->array = changed;
    v->array.owned = false;
    return NRM_OK;
}

/* A port for rows always hands `run` a stream. */
static nrm_status fit_rows(nrm_call *c, const nrm_port *port, nrm_call_input_slot *slot)
{
    nrm_value *v = &slot->value;

    if (!(port->accepts & NRM_ACCEPT_ROWS) || v->kind == NRM_VALUE_ROWS) return NRM_OK;
    const nrm_status st = v->kind == NRM_VALUE_CSR ? nrm_rows_from_csr(c->ctx, &v->rows, &v->csr)
                                                   : nrm_rows_from_array(c->ctx, &v->rows, &v->array);
    if (st < 0) return nrm_fail_prefix(c->ctx, st, "%s: %s", c->method->name, port->name);
    v->kind = NRM_VALUE_ROWS;
    return NRM_OK;
}

/* ---- Shapes --------------------------------------------------------------------------------------- */

enum { MOST_LETTERS = 26, LETTER_LENGTH = 24 };
typedef struct letters {
    int count;
    char name[MOST_LETTERS][LETTER_LENGTH];
    int64_t size[MOST_LETTERS];
    const char *from[MOST_LETTERS]; /* the port that set it */
} letters;

static int value_shape(const nrm_value *v, int64_t shape[NRM_MAX_NDIM])
{
    switch (v->kind) {
    case NRM_VALUE_ARRAY:
        memcpy(shape, v->array.shape, sizeof v->array.shape);
        return v->array.ndim;
    case NRM_VALUE_CSR:
        shape[0] = v->csr.rows;
        shape[1] = v->csr.cols;
        return 2;
    case NRM_VALUE_ROWS:
        shape[0] = nrm_rows_count(v->rows); /* -1: not known, fits anything */
        shape[1] = nrm_rows_cols(v->rows);
        return 2;
    default: return 0;
    }
}

static int rank_of(const char *pattern, const char *end)
{
    int rank = 1;
    for (; pattern < end; pattern++) rank += *pattern == ',';
    return rank;
}

static int64_t *letter_size(letters *known, const char *name, size_t length, const char *port)
{
    for (int i = 0; i < known->count; i++)
        if (strlen(known->name[i]) == length && memcmp(known->name[i], name, length) == 0) return &known->size[i];
    if (known->count == MOST_LETTERS || length >= LETTER_LENGTH) return NULL;
    const int i = known->count++;
    memcpy(known->name[i], name, length);
    known->name[i][length] = '\0';
    known->size[i] = -1;
    known->from[i] = port;
    return &known->size[i];
}

/* A vector may come as a column or a row, as some programs write them. */
static void squeeze(const nrm_port *port, nrm_value *v)
{
    nrm_array *a = &v->array;
    if (v->kind != NRM_VALUE_ARRAY || a->ndim != 2 || strpbrk(port->shape, ",|") || !*port->shape) return;
    if (a->shape[0] != 1 && a->shape[1] != 1) return;
    a->shape[0] *= a->shape[1];
    a->ndim = 1;
}

static nrm_status match_shape(nrm_call *c, const nrm_port *port, const nrm_value *v, letters *known)
{
    int64_t shape[NRM_MAX_NDIM];
    const int ndim = value_shape(v, shape);
    const char *pattern = port->shape, *end;
    char given[NRM_SHAPE_LENGTH];

    if (!*pattern) return NRM_OK;
    nrm_shape_text(given, ndim, shape);
    for (;; pattern = end + 1) { /* the alternative of this rank */
        end = strchr(pattern, '|');
        if (!end) end = pattern + strlen(pattern);
        if (rank_of(pattern, end) == ndim) break;
        NRM_REQUIRE(c->ctx, *end, NRM_E_SHAPE, "%s: %s has shape %s; it must be (%s)", c->method->name, port->name,
                    given, port->shape);
    }
    for (int axis = 0; axis < ndim; axis++) {
        const size_t length = strcspn(pattern, ",|");
        if (shape[axis] >= 0 && *pattern >= '0' && *pattern <= '9') {
            NRM_REQUIRE(c->ctx, shape[axis] == atoll(pattern), NRM_E_SHAPE, "%s: %s has shape %s; it must be (%s)",
                        c->method->name, port->name, given, port->shape);
        } else if (shape[axis] >= 0) {
            int64_t *size = letter_size(known, pattern, length, port->name);
            if (size && *size < 0) *size = shape[axis];
            NRM_REQUIRE(c->ctx, !size || *size == shape[axis], NRM_E_SHAPE,
                        "%s: %s has shape %s, but %.*s is %lld (from %s); %s must be (%s)", c->method->name,
                        port->name, given, (int)length, pattern, NRM_LL(*size),
                        known->from[size - known->size], port->name, port->shape);
        }
        pattern += length + 1;
    }
    return NRM_OK;
}

/* ---- All of it ---------------------------------------------------------------------------------------- */

nrm_status nrm_call_prepare(nrm_call *c)
{
    const nrm_method *m = c->method;
    letters known = {0};

    if (c->prepared) return NRM_OK;
    void *checked;
    NRM_TRY(nrm_alloc_bytes(c->ctx, &checked, (int64_t)m->options_size, 1, "a call"));
    const nrm_status st = nrm_options_load(c->ctx, m, c->options, checked); /* missing ones, before any file */
    nrm_free(c->ctx, checked);
    if (st < 0) return st;

    for (int i = 0; i < m->input_count; i++)
        NRM_REQUIRE(c->ctx, c->inputs[i].given || (m->inputs[i].flags & NRM_PORT_OPTIONAL), NRM_E_ARGUMENT,
                    "%s: input %s is missing; it is %s", m->name, m->inputs[i].name, m->inputs[i].text);
    for (int i = 0; i < m->input_count; i++) {
        if (c->inputs[i].path && c->inputs[i].value.kind == NRM_VALUE_NONE)
            NRM_TRY(load_path(c, &m->inputs[i], &c->inputs[i]));
        NRM_TRY(fit_form(c, &m->inputs[i], &c->inputs[i]));
    }
    const nrm_dtype common = common_float(c);
    for (int i = 0; i < m->input_count; i++) {
        if (!c->inputs[i].given) continue;
        NRM_TRY(fit_dtype(c, &m->inputs[i], &c->inputs[i], common));
        NRM_TRY(fit_rows(c, &m->inputs[i], &c->inputs[i]));
        squeeze(&m->inputs[i], &c->inputs[i].value);
        NRM_TRY(match_shape(c, &m->inputs[i], &c->inputs[i].value, &known));
    }
    c->prepared = true;
    return NRM_OK;
}
