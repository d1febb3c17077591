/* checkpoint.c -- files of named arrays: parameters, and whatever a run wants to find again
 * beside them (optimizer state, counters, text as u8 tensors). */
#include "nn.h"
#include "data/data.h"

const nrm_array *nrm_bundle_find(const nrm_bundle *bundle, const char *name)
{
    for (int64_t i = 0; bundle && name && i < bundle->count; i++)
        if (strcmp(bundle->items[i].name, name) == 0) return &bundle->items[i].array;
    return NULL;
}

nrm_status nrm_bundle_text(nrm_ctx *ctx, const nrm_bundle *bundle, const char *name, char **text)
{
    char shown[NRM_SHOWN_LENGTH], *copy;
    NRM_REQUIRE(ctx, bundle && name && text, NRM_E_NULL, "bundle: bundle, name and the place for the text must not be NULL");
    const nrm_array *a = nrm_bundle_find(bundle, name);
    NRM_REQUIRE(ctx, a, NRM_E_ARGUMENT, "bundle: there is no '%s'", nrm_shown(shown, name));
    NRM_REQUIRE(ctx, a->dtype == NRM_U8, NRM_E_DTYPE, "bundle: '%s' is %s; text is kept as u8", nrm_shown(shown, name), nrm_dtype_name(a->dtype));
    const int64_t n = nrm_array_count(a);
    NRM_REQUIRE(ctx, n == 0 || !memchr(a->data, 0, (size_t)n), NRM_E_FORMAT, "bundle: '%s' holds a zero byte; it is no text", nrm_shown(shown, name));
    NRM_TRY(NRM_ALLOC(ctx, copy, n + 1, "text"));
    if (n > 0) memcpy(copy, a->data, (size_t)n);
    copy[n] = '\0';
    *text = copy;
    return NRM_OK;
}

/* ---- Writing ------------------------------------------------------------------------------ */

nrm_status nrm_parameters_save(nrm_ctx *ctx, const nrm_parameters *parameters, const nrm_bundle *more, const char *path)
{
    nrm_named *items;
    char shown[NRM_SHOWN_LENGTH];
    NRM_REQUIRE(ctx, parameters && path, NRM_E_NULL, "checkpoint: parameters and path must not be NULL");
    const int64_t own = nrm_parameters_count(parameters), extra = more ? more->count : 0;
    for (int64_t i = 0; i < extra; i++) {
        bool twice = nrm_parameters_find(parameters, more->items[i].name) >= 0;
        for (int64_t k = 0; k < i; k++) twice = twice || strcmp(more->items[i].name, more->items[k].name) == 0;
        NRM_REQUIRE(ctx, !twice, NRM_E_ARGUMENT, "checkpoint: the name '%s' occurs twice; every array needs one of its own",
                    nrm_shown(shown, more->items[i].name));
    }
    NRM_TRY(NRM_ALLOC(ctx, items, own + extra, "a checkpoint"));
    for (int64_t i = 0; i < own; i++) {
        nrm_parameter p;
        nrm_parameters_at(parameters, i, &p);
        items[i] = (nrm_named){(char *)(uintptr_t)p.name, p.array}; /* the writer changes nothing */
    }
    if (extra > 0) memcpy(items + own, more->items, (size_t)extra * sizeof *items);
    const nrm_status st = nrm_save_bundle(ctx, path, &(nrm_bundle){items, own + extra});
    nrm_free(ctx, items);
    return st;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static nrm_status missing(nrm_ctx *ctx, const char *name, const nrm_bundle *bundle)
{
    const char **words;
    char shown[NRM_SHOWN_LENGTH];
    NRM_TRY(NRM_ALLOC(ctx, words, bundle->count + 1, "names"));
    for (int64_t i = 0; i < bundle->count; i++) words[i] = bundle->items[i].name;
    words[bundle->count] = NULL;
    const char *nearest = nrm_nearest(name, words);
    const nrm_status st = nrm_fail(ctx, NRM_E_ARGUMENT, "checkpoint: it has no tensor '%s'%s%s%s; it belongs to another network", name,
                                   nearest ? " (the nearest is '" : "", nearest ? nrm_shown(shown, nearest) : "", nearest ? "')" : "");
    nrm_free(ctx, words);
    return st;
}

static nrm_status check(nrm_ctx *ctx, const nrm_parameter *p, const nrm_bundle *bundle)
{
    char have[NRM_SHAPE_LENGTH], want[NRM_SHAPE_LENGTH];
    const nrm_array *a = nrm_bundle_find(bundle, p->name);
    if (!a) return missing(ctx, p->name, bundle);
    NRM_REQUIRE(ctx, nrm_same_dims(a->ndim, a->shape, p->array.ndim, p->array.shape), NRM_E_SHAPE,
                "checkpoint: tensor '%s' has shape %s; this network's has %s", p->name, nrm_shape_text(have, a->ndim, a->shape),
                nrm_shape_text(want, p->array.ndim, p->array.shape));
    NRM_REQUIRE(ctx, nrm_is_float(a->dtype), NRM_E_DTYPE, "checkpoint: tensor '%s' is %s; parameters are f32 or f64", p->name,
                nrm_dtype_name(a->dtype));
    return NRM_OK;
}

static void take(nrm_parameter *p, const nrm_array *a)
{
    const int64_t n = nrm_array_count(a);
    if (a->dtype == p->array.dtype) memcpy(p->array.data, a->data, (size_t)n * nrm_dtype_size(a->dtype));
    else if (a->dtype == NRM_F32) for (int64_t i = 0; i < n; i++) ((double *)p->array.data)[i] = (double)((const float *)a->data)[i];
    else for (int64_t i = 0; i < n; i++) ((float *)p->array.data)[i] = (float)((const double *)a->data)[i];
}

nrm_status nrm_parameters_load(nrm_ctx *ctx, nrm_parameters *parameters, const nrm_bundle *bundle)
{
    nrm_parameter p;
    NRM_REQUIRE(ctx, parameters && bundle, NRM_E_NULL, "checkpoint: parameters and bundle must not be NULL");
    for (int64_t i = 0; nrm_parameters_at(parameters, i, &p); i++) NRM_TRY(check(ctx, &p, bundle));
    for (int64_t i = 0; nrm_parameters_at(parameters, i, &p); i++) take(&p, nrm_bundle_find(bundle, p.name));
    return NRM_OK;
}
