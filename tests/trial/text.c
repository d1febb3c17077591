/* text.c -- z-trial-text: a file's bytes as text, and no example, for there is no file to read
 * before somebody writes one.  See trial.h. */
#include "method/descriptor.h"
#include "trial.h"
#include <stdio.h>

static nrm_status put_text(nrm_ctx *ctx, nrm_value *out, const char *bytes, int64_t length)
{
    if (!out->wanted) return NRM_OK;
    NRM_TRY(nrm_output_array(ctx, out, NRM_U8, 1, &length));
    if (length > 0) memcpy(out->array.data, bytes, (size_t)length);
    return NRM_OK;
}

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_z_trial_text_options *o = options;
    nrm_z_trial_text_info *told = info;
    char *bytes;
    (void)in;
    FILE *file = fopen(o->source, "rb");
    NRM_REQUIRE(ctx, file, NRM_E_IO, "z-trial-text: %s cannot be read", o->source);
    nrm_status st = NRM_ALLOC(ctx, bytes, o->most, "a text");
    if (st >= 0) told->length = (int64_t)fread(bytes, 1, (size_t)o->most, file);
    fclose(file);
    if (st >= 0) st = put_text(ctx, &out[0], bytes, told->length);
    if (st >= 0) st = put_text(ctx, &out[1], bytes, (int64_t)(o->share * (double)told->length));
    nrm_free(ctx, bytes);
    return st;
}

#define TEXT .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_U8), .since = "0.1"
static const nrm_port outputs[] = {
    {.name = "text", .shape = "p", .flags = NRM_PORT_TEXT, TEXT, .text = "what stands there"},
    {.name = "half", .shape = "q", .flags = NRM_PORT_TEXT | NRM_PORT_ON_REQUEST, TEXT, .text = "its first half"},
};

NRM_DESCRIBE(z_trial_text, NRM_Z_TRIAL_TEXT_OPTIONS, NRM_Z_TRIAL_TEXT_INFO);
const nrm_method nrm_z_trial_text_method = {
    .name = "z-trial-text",
    .summary = "what stands in a file",
    .details = "A method of the tests.",
    .paper = "NOBODY, NOTHING, NEVER",
    .domain = "trial",
    .since = "0.1",
    NRM_DESCRIBED_REST,
    .run = run,
};
