/* descriptor.h -- what a method's source file needs to describe itself.  Private.
 *
 * At the end of src/DOMAIN/METHOD.c:
 *
 *     static const nrm_port inputs[] = { {.name = "x", ...} };
 *     static const nrm_port outputs[] = { ... };
 *     static const nrm_example examples[] = { {"title", "x=[1,2]", "y=[...]", 1e-6} };
 *     NRM_DESCRIBE(softmax, NRM_SOFTMAX_OPTIONS, NRM_SOFTMAX_INFO);
 *     const nrm_method nrm_softmax_method = {
 *         .name = "softmax", .summary = "...", .details = "...", .paper = "...", .paper_number = 32,
 *         .domain = "attention", .since = "0.1", NRM_DESCRIBED(softmax), .run = run };
 *
 * and one line in table.def. */
#ifndef NRM_DESCRIPTOR_H
#define NRM_DESCRIPTOR_H

#include "base/base.h"
#include <norma/method.h>

/* Tables from the lists of norma/method.h. */
#define NRM_PARAM_f64(member, value, least, most, unit_, since_, text_)                              \
    {.name = #member, .kind = NRM_KIND_F64, .offset = offsetof(nrm_this_options, member),            \
     .f64_default = (value), .f64_least = (least), .f64_most = (most), .unit = (unit_), .since = (since_), .text = (text_)},
#define NRM_PARAM_i64(member, value, least, most, unit_, since_, text_)                              \
    {.name = #member, .kind = NRM_KIND_I64, .offset = offsetof(nrm_this_options, member),            \
     .i64_default = (value), .i64_least = (least), .i64_most = (most), .unit = (unit_), .since = (since_), .text = (text_)},
#define NRM_PARAM_flag(member, value, since_, text_)                                                 \
    {.name = #member, .kind = NRM_KIND_FLAG, .offset = offsetof(nrm_this_options, member),           \
     .i64_default = (value), .i64_most = 1, .unit = "", .since = (since_), .text = (text_)},
#define NRM_CHOICE_WORD(constant, word) word "|"
#define NRM_CHOICE_LAST(constant, word) +1
#define NRM_PARAM_choice(member, value, LIST, since_, text_)                                         \
    {.name = #member, .kind = NRM_KIND_CHOICE, .offset = offsetof(nrm_this_options, member),         \
     .i64_default = (value), .i64_most = (0 LIST(NRM_CHOICE_LAST)) - 1, .choices = LIST(NRM_CHOICE_WORD), \
     .unit = "", .since = (since_), .text = (text_)},
#define NRM_PARAM_text(member, value, content_, since_, text_)                                       \
    {.name = #member, .kind = NRM_KIND_TEXT, .offset = offsetof(nrm_this_options, member),           \
     .text_default = (value), .content = (content_), .unit = "", .since = (since_), .text = (text_)},
#define NRM_PARAM(kind, ...) NRM_PARAM_##kind(__VA_ARGS__)
#define NRM_KIND_OF_f64 NRM_KIND_F64
#define NRM_KIND_OF_i64 NRM_KIND_I64
#define NRM_KIND_OF_flag NRM_KIND_FLAG
#define NRM_KIND_OF_str NRM_KIND_STR
#define NRM_FIELD(kind_, member, unit_, text_)                                                       \
    {.name = #member, .kind = NRM_KIND_OF_##kind_, .offset = offsetof(nrm_this_info, member),        \
     .unit = (unit_), .text = (text_)},

#define NRM_DESCRIBE(method, OPTION_LIST, INFO_LIST)               \
    typedef nrm_##method##_options nrm_this_options;               \
    typedef nrm_##method##_info nrm_this_info;                     \
    static const nrm_param params[] = {OPTION_LIST(NRM_PARAM)};    \
    static const nrm_field info_fields[] = {INFO_LIST(NRM_FIELD)}; \
    extern const nrm_method nrm_##method##_method

/* The tables in the descriptor.  A method that takes options alone leaves out the part of the
 * inputs; one that needs a file which another method writes, and so cannot run on its own,
 * that of the examples. */
#define NRM_DESCRIBED_INPUTS .inputs = inputs, .input_count = NRM_COUNT(inputs)
#define NRM_DESCRIBED_EXAMPLES .examples = examples, .example_count = NRM_COUNT(examples)
#define NRM_DESCRIBED_REST                                                                           \
    .outputs = outputs, .output_count = NRM_COUNT(outputs), .params = params, .param_count = NRM_COUNT(params), \
    .options_size = sizeof(nrm_this_options), .info = info_fields,                                   \
    .info_count = NRM_COUNT(info_fields), .info_size = sizeof(nrm_this_info)
#define NRM_DESCRIBED(method) NRM_DESCRIBED_INPUTS, NRM_DESCRIBED_EXAMPLES, NRM_DESCRIBED_REST

/* Copy the caller's options (NULL = defaults; shorter structs of older callers are
 * filled up with defaults) and check every range: the first lines of a typed function.
 *     nrm_softmax_options o;
 *     NRM_TRY(nrm_options_load(ctx, &nrm_softmax_method, options, &o)); */
nrm_status nrm_options_load(nrm_ctx *ctx, const nrm_method *method, const void *options, void *loaded);
void nrm_options_default(const nrm_method *method, void *options);

/* Options as numbers, as text, and from text.  A text is borrowed, not copied: what was
 * refused is not kept. */
double nrm_option_f64(const nrm_param *param, const void *options);
int64_t nrm_option_i64(const nrm_param *param, const void *options); /* also flags and choices */
const char *nrm_option_text(const nrm_param *param, const void *options); /* NULL: none */
nrm_status nrm_option_from_text(nrm_ctx *ctx, const nrm_method *method, const nrm_param *param,
                                const char *text, void *options);
int nrm_choice_word(const nrm_param *param, int64_t index, char *word, size_t size); /* -1: none */

/* In `run`: make the array of an output, or check the caller's own memory for it.  Does
 * nothing when the output is not wanted. */
nrm_status nrm_output_array(nrm_ctx *ctx, nrm_value *out, nrm_dtype dtype, int ndim, const int64_t *shape);
/* A sparse output: before the work, check the caller's (dense) memory; after it, hand the
 * matrix over (csr becomes {0}) or spread it out in that memory. */
nrm_status nrm_output_csr_check(nrm_ctx *ctx, const nrm_value *out, nrm_dtype dtype, int64_t rows, int64_t cols);
void nrm_output_csr(nrm_ctx *ctx, nrm_value *out, nrm_csr *csr);

#endif
