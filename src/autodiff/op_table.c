/* op_table.c -- the type of every operation, in the order of ops.def. */
#include "graph.h"

#define NRM_OP(constant, name) extern const nrm_op_type nrm_op_type_##constant;
#include "ops.def"
#undef NRM_OP

const nrm_op_type *const nrm_op_types[NRM_OP_COUNT] = {
#define NRM_OP(constant, name) &nrm_op_type_##constant,
#include "ops.def"
#undef NRM_OP
};
