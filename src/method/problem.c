/* problem.c -- a call saved as one npz, and made again from it: one array per input under
 * the port's name (a sparse input as NAME.indptr, .indices, .values, .shape) and the array
 * "norma-call" of bytes with the JSON {"method", "parameters", "seed"}. */
#include "call_impl.h"
#include <stdio.h>
#include <stdlib.h>

static const char CALL_ENTRY[] = "norma-call";

/* ---- Saving -------------------------------------------------------------------------------------- */

static nrm_status add(nrm_ctx *ctx, nrm_bundle *bundle, const char *name, const char *part, nrm_dtype dtype,
                      int ndim, const int64_t *shape, void *data)
{
    char full[256];
    nrm_named *item = &bundle->items[bundle->count];

    snprintf(full, sizeof full, "%s%s", name, part);
    NRM_TRY(nrm_array_view(ctx, &item->array, dtype, ndim, shape, data));
    NRM_TRY(nrm_copy_string(ctx, &item->name, full));
    bundle->count++;
    return NRM_OK;
}

static nrm_status add_csr(nrm_ctx *ctx, nrm_bundle *bundle, const char *name, const nrm_csr *csr, int64_t *shape)
{
    const int64_t ends = csr->rows + 1, two = 2;
    shape[0] = csr->rows;
    shape[1] = csr->cols;
    NRM_TRY(add(ctx, bundle, name, ".indptr", NRM_I64, 1, &ends, csr->indptr));
    NRM_TRY(add(ctx, bundle, name, ".indices", NRM_I64, 1, &csr->nnz, csr->indices));
    NRM_TRY(add(ctx, bundle, name, ".values", csr->dtype, 1, &csr->nnz, csr->values));
    return add(ctx, bundle, name, ".shape", NRM_I64, 1, &two, shape);
}

/* Rows of a file or of an array are saved whole; what can be read only once cannot be. */
static nrm_status add_input(nrm_call *c, nrm_bundle *bundle, const char *name, nrm_call_input_slot *slot, int64_t *shape)
{
    const nrm_value *v = &slot->value;
    const nrm_array *dense = v->array.data ? &v->array : NULL;
    const nrm_csr *csr = v->csr.indptr ? &v->csr : NULL;

    if (!dense && !csr) {
        NRM_REQUIRE(c->ctx, slot->path && strcmp(slot->path, "-") != 0, NRM_E_UNSUPPORTED,
                    "%s: input %s is a stream, which is read once and cannot be saved; save the rows to a file first",
                    c->method->name, name);
        if (!slot->loaded.format) NRM_TRY(nrm_load(c->ctx, slot->path, &slot->loaded));
        NRM_REQUIRE(c->ctx, slot->loaded.kind != NRM_LOADED_BUNDLE, NRM_E_UNSUPPORTED,
                    "%s: %s holds several arrays and cannot be saved as %s", c->method->name, slot->path, name);
        if (slot->loaded.kind == NRM_LOADED_CSR) csr = &slot->loaded.csr;
        else dense = &slot->loaded.array;
    }
    if (csr) return add_csr(c->ctx, bundle, name, csr, shape);
    return add(c->ctx, bundle, name, "", dense->dtype, dense->ndim, dense->shape, dense->data);
}

nrm_status nrm_call_save_problem(nrm_call *c, const char *path)
{
    if (!c) return NRM_E_NULL;
    nrm_ctx *ctx = c->ctx;
    nrm_bundle bundle = {0};
    int64_t (*csr_shape)[2] = NULL, length;
    char *text = NULL;
    nrm_status st;

    NRM_TRY(nrm_call_prepare(c));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, bundle.items, 4 * (int64_t)c->method->input_count + 1, "a saved problem"));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, csr_shape, c->method->input_count, "a saved problem"));
    for (int i = 0; i < c->method->input_count; i++)
        if (c->inputs[i].given)
            NRM_TRY_DONE(add_input(c, &bundle, c->method->inputs[i].name, &c->inputs[i], csr_shape[i]));

    json_t *root = json_object();
    json_object_set_new(root, "method", json_string(c->method->name));
    json_object_set_new(root, "version", json_string(NRM_VERSION));
    if (nrm_seed_given(ctx)) json_object_set_new(root, "seed", nrm_seed_json(nrm_seed(ctx)));
    json_object_set_new(root, "parameters", nrm_parameters_json(c->method, c->options));
    NRM_TRY_DONE(nrm_json_text(ctx, root, &text));
    length = (int64_t)strlen(text);
    NRM_TRY_DONE(add(ctx, &bundle, CALL_ENTRY, "", NRM_U8, 1, &length, text));
    st = nrm_save_bundle(ctx, path, &bundle);
done:
    for (int64_t i = 0; bundle.items && i < bundle.count; i++) nrm_free(ctx, bundle.items[i].name);
    nrm_free(ctx, bundle.items);
    nrm_free(ctx, csr_shape);
    nrm_free(ctx, text);
    return st;
}

/* ---- Loading -------------------------------------------------------------------------------------- */

static nrm_array *find(const nrm_bundle *bundle, const char *name, const char *part)
{
    char full[256];
    snprintf(full, sizeof full, "%s%s", name, part);
    for (int64_t i = 0; i < bundle->count; i++)
        if (strcmp(bundle->items[i].name, full) == 0) return &bundle->items[i].array;
    return NULL;
}

/* Move an array out of the bundle into the call. */
static void adopt(nrm_array *to, nrm_array *from)
{
    *to = *from;
    from->owned = false;
}

static nrm_status load_csr(nrm_call *c, nrm_bundle *bundle, const char *name, nrm_call_input_slot *slot,
                           nrm_array *indptr)
{
    nrm_array *indices = find(bundle, name, ".indices"), *values = find(bundle, name, ".values");
    nrm_array *shape = find(bundle, name, ".shape");

    NRM_REQUIRE(c->ctx, indices && values && shape && indptr->dtype == NRM_I64 && indices->dtype == NRM_I64 &&
                    shape->dtype == NRM_I64 && nrm_array_count(shape) == 2 &&
                    (values->dtype == NRM_F32 || values->dtype == NRM_F64) &&
                    nrm_array_count(indices) == nrm_array_count(values),
                NRM_E_FORMAT, "the saved sparse input %s is incomplete", name);
    const int64_t *size = shape->data;
    nrm_csr csr = {.rows = size[0], .cols = size[1], .nnz = nrm_array_count(values), .indptr = indptr->data,
                   .indices = indices->data, .values = values->data, .dtype = values->dtype};
    NRM_REQUIRE(c->ctx, size[0] >= 0 && size[1] >= 0 && size[0] < INT64_MAX && nrm_array_count(indptr) == size[0] + 1,
                NRM_E_FORMAT, "the saved sparse input %s has a wrong shape", name);
    NRM_TRY(nrm_csr_check(c->ctx, &csr));
    slot->value.csr = csr;
    slot->value.csr.owned = true; /* three blocks of the same context, now the call's */
    indptr->owned = indices->owned = values->owned = false;
    slot->value.kind = NRM_VALUE_CSR;
    slot->given = true;
    return NRM_OK;
}

static nrm_status load_inputs(nrm_call *c, nrm_bundle *bundle)
{
    for (int i = 0; i < c->method->input_count; i++) {
        const char *name = c->method->inputs[i].name;
        nrm_call_input_slot *slot = &c->inputs[i];
        nrm_array *dense = find(bundle, name, ""), *indptr = find(bundle, name, ".indptr");
        if (dense) {
            adopt(&slot->value.array, dense);
            slot->value.kind = NRM_VALUE_ARRAY;
            slot->given = true;
        } else if (indptr) {
            NRM_TRY(load_csr(c, bundle, name, slot, indptr));
        }
    }
    return NRM_OK;
}

static nrm_status load_parameters(nrm_call *c, const json_t *root)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(root, "parameters"), name, value) {
        char number[NRM_NUMBER_LENGTH];
        const char *text = number;
        if (json_is_null(value)) continue;
        if (json_is_string(value)) text = json_string_value(value);
        else if (json_is_boolean(value)) text = json_is_true(value) ? "true" : "false";
        else if (json_is_integer(value)) snprintf(number, sizeof number, "%lld", NRM_LL(json_integer_value(value)));
        else nrm_format_f64(number, json_number_value(value));
        NRM_TRY(nrm_call_set(c, name, text));
    }
    const json_t *seed = json_object_get(root, "seed");
    const uint64_t number = json_is_string(seed) ? strtoull(json_string_value(seed), NULL, 10)
                                                 : (uint64_t)json_integer_value(seed);
    return c->ctx && seed ? nrm_set_seed(c->ctx, number) : NRM_OK;
}

nrm_status nrm_call_load_problem(nrm_ctx *ctx, const char *path, nrm_call **call)
{
    nrm_loaded loaded = {0};
    nrm_call *c = NULL;
    json_t *root = NULL;
    nrm_status st;

    NRM_REQUIRE(ctx, path && call, NRM_E_NULL, "a saved problem's path and the call must not be NULL");
    *call = NULL;
    NRM_TRY(nrm_load(ctx, path, &loaded));
    const nrm_array *entry = loaded.kind == NRM_LOADED_BUNDLE ? find(&loaded.bundle, CALL_ENTRY, "") : NULL;
    if (entry && entry->dtype == NRM_U8) root = json_loadb(entry->data, (size_t)nrm_array_count(entry), 0, NULL);
    const char *method = json_string_value(json_object_get(root, "method"));
    NRM_STOP_IF(!method, NRM_E_FORMAT, "%s is no saved problem: it has no entry '%s'", path, CALL_ENTRY);
    NRM_TRY_DONE(nrm_call_create(ctx, method, &c));
    NRM_TRY_DONE(load_parameters(c, root));
    NRM_TRY_DONE(load_inputs(c, &loaded.bundle));
    *call = c;
    c = NULL;
done:
    nrm_call_destroy(c);
    json_decref(root);
    nrm_loaded_destroy(ctx, &loaded);
    return st;
}
