/* keep.c -- contract: keep.h. */
#include "keep.h"
#include "protocol.h"

enum { MOST_FIELDS = 8 };

nrm_status nrm_keep(nrm_ctx *ctx, const char *path, const nrm_kept *fields, int count)
{
    nrm_named items[MOST_FIELDS];
    for (int i = 0; i < count; i++) {
        items[i].name = (char *)(uintptr_t)fields[i].name; /* read only */
        NRM_TRY(nrm_array_view(ctx, &items[i].array, fields[i].dtype, 1, &fields[i].count, fields[i].data));
    }
    return nrm_save_bundle(ctx, path, &(nrm_bundle){items, count});
}

static nrm_status find(nrm_ctx *ctx, const char *path, const nrm_bundle *bundle, nrm_kept *field)
{
    const nrm_array *a = NULL;
    int64_t where;

    for (int64_t i = 0; i < bundle->count; i++)
        if (strcmp(bundle->items[i].name, field->name) == 0) a = &bundle->items[i].array;
    NRM_REQUIRE(ctx, a && a->dtype == field->dtype && a->ndim == 1 && (field->count < 0 || a->shape[0] == field->count), NRM_E_FORMAT,
                NRM_PRIVATE ": %s has no array \"%s\" of %s numbers as it was saved here", path, field->name, nrm_dtype_name(field->dtype));
    NRM_REQUIRE(ctx, a->dtype != NRM_F64 || nrm_all_finite_f64(a->data, a->shape[0], &where), NRM_E_FORMAT,
                NRM_PRIVATE ": %s holds NaN or Inf in \"%s\"; the file is damaged", path, field->name);
    field->count = a->shape[0];
    field->data = a->data;
    return NRM_OK;
}

nrm_status nrm_kept_load(nrm_ctx *ctx, const char *path, nrm_loaded *loaded, nrm_kept *fields, int count)
{
    NRM_TRY(nrm_load(ctx, path, loaded));
    nrm_status st = loaded->kind == NRM_LOADED_BUNDLE ? NRM_OK : nrm_fail(ctx, NRM_E_FORMAT, NRM_PRIVATE ": %s holds one array; what is "
                                                                          "saved here are several with names", path);
    for (int i = 0; st >= 0 && i < count; i++) st = find(ctx, path, &loaded->bundle, &fields[i]);
    if (st < 0) nrm_loaded_destroy(ctx, loaded);
    return st;
}
