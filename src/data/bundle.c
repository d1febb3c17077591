/* bundle.c -- named arrays, and what a load gives back. */
#include "data.h"

nrm_status nrm_bundle_add(nrm_ctx *ctx, nrm_bundle *bundle, int64_t *capacity, const char *name, nrm_array *array)
{
    char *copy = NULL;
    nrm_status st;

    NRM_TRY_DONE(nrm_grow(ctx, &bundle->items, capacity, bundle->count + 1, sizeof *bundle->items, "a bundle"));
    NRM_TRY_DONE(nrm_copy_string(ctx, &copy, name));
    bundle->items[bundle->count++] = (nrm_named){copy, *array};
    *array = (nrm_array){0};
    return NRM_OK;
done:
    nrm_array_destroy(ctx, array);
    return st;
}

void nrm_bundle_destroy(nrm_ctx *ctx, nrm_bundle *bundle)
{
    if (!bundle) return;
    for (int64_t i = 0; i < bundle->count; i++) {
        nrm_free(ctx, bundle->items[i].name);
        nrm_array_destroy(ctx, &bundle->items[i].array);
    }
    nrm_free(ctx, bundle->items);
    *bundle = (nrm_bundle){0};
}

void nrm_loaded_destroy(nrm_ctx *ctx, nrm_loaded *loaded)
{
    if (!loaded) return;
    nrm_array_destroy(ctx, &loaded->array);
    nrm_csr_destroy(ctx, &loaded->csr);
    nrm_bundle_destroy(ctx, &loaded->bundle);
    nrm_bundle_destroy(ctx, &loaded->extra);
    *loaded = (nrm_loaded){0};
}
