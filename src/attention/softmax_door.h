/* softmax_door.h -- what the untyped doors of softmax, softmax-backward and cross-entropy share:
 * an array of any shape seen as rows along its last axis.  Private. */
#ifndef NRM_SOFTMAX_DOOR_H
#define NRM_SOFTMAX_DOOR_H

#include "data/data.h"
#include "method/descriptor.h"
#include <norma/softmax.h>

/* rows x columns of `array`, called `name` in the message. */
static inline nrm_status nrm_softmax_rows_of(nrm_ctx *ctx, const char *who, const char *name, const nrm_array *array,
                                             int64_t *rows, int64_t *columns)
{
    *columns = array->ndim > 0 ? array->shape[array->ndim - 1] : 0;
    *rows = 1;
    for (int i = 0; i < array->ndim - 1; i++) *rows *= array->shape[i]; /* the array exists: no overflow */
    NRM_REQUIRE(ctx, array->ndim > 0, NRM_E_SHAPE, "%s: %s is a single number; it must have at least one axis", who,
                name);
    return NRM_OK;
}

static inline bool nrm_same_shape(int ndim, const int64_t *a, int other_ndim, const int64_t *b)
{
    return ndim == other_ndim && memcmp(a, b, (size_t)ndim * sizeof *a) == 0;
}

#endif
