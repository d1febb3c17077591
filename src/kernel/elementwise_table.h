/* elementwise_table.h -- the table of elementwise.h out of functions F(unary_NAME), ...  Included
 * for f32 and for f64 after them; ISA says which instruction set they are for. */
#define UNARY_ENTRY(name) F(unary_##name),
#define BINARY_ENTRY(name) F(binary_##name),
#define BINARY_VS_ENTRY(name) F(binary_vs_##name),
#define BINARY_SV_ENTRY(name) F(binary_sv_##name),
static const F(nrm_elementwise) F(table) = {
    .isa = ISA,
    .unary = {NRM_OP_UNARY_LIST(UNARY_ENTRY)},
    .binary = {NRM_OP_BINARY_LIST(BINARY_ENTRY)},
    .binary_vs = {NRM_OP_BINARY_LIST(BINARY_VS_ENTRY)},
    .binary_sv = {NRM_OP_BINARY_LIST(BINARY_SV_ENTRY)},
    .where = F(where),
    .accumulate = F(accumulate),
    .axpy = F(axpy),
    .fill = F(fill),
    .sum = F(sum),
    .greatest = F(greatest),
    .least = F(least),
    .softmax = F(softmax),
    .softmax_slope = F(softmax_slope),
};
#undef UNARY_ENTRY
#undef BINARY_ENTRY
#undef BINARY_VS_ENTRY
#undef BINARY_SV_ENTRY
