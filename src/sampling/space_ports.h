/* space_ports.h -- the inputs that name a space, as every method that takes one has them.  Private. */
#ifndef NRM_SPACE_PORTS_H
#define NRM_SPACE_PORTS_H

#include "method/descriptor.h"
#include <norma/space.h>

#define NRM_SPACE_PORT(dtype) \
    .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(dtype), .flags = NRM_PORT_OPTIONAL, .unit = "", .since = "0.2"

/* NRM_SPACE_PORTS in the list of input ports, where NRM_SPACE_PLACES are in the enum of their places. */
#define NRM_SPACE_PLACES FEATURES, MU, INDICES
#define NRM_SPACE_PORTS                                                                                                  \
    {.name = "features", NRM_SPACE_PORT(NRM_F64), .shape = "p|p,c",                                                       \
     .text = "values of functions, one a column, at all points of a finite set, one a row: in place of a basis"},        \
    {.name = "mu", NRM_SPACE_PORT(NRM_F64), .shape = "p",                                                                 \
     .text = "weight > 0 of each point of a finite set; their scale does not matter; equal where there are none"},       \
    {.name = "indices", NRM_SPACE_PORT(NRM_I64), .shape = "k|k,e",                                                        \
     .text = "degrees of each function in each coordinate, one function a row: in place of an index set"}

static inline int64_t nrm_columns(const nrm_array *a) { return a->ndim > 1 ? a->shape[1] : 1; }

/* From the values of these ports. */
static inline nrm_space_input nrm_space_input_of(const nrm_value *features, const nrm_value *mu, const nrm_value *indices)
{
    nrm_space_input s = {0};

    if (features->kind) s.rows = features->array.shape[0], s.columns = nrm_columns(&features->array), s.features = features->array.data;
    if (mu->kind) s.mu = mu->array.data;
    if (indices->kind)
        s.index_count = indices->array.shape[0], s.index_columns = nrm_columns(&indices->array), s.indices = indices->array.data;
    return s;
}

#endif
