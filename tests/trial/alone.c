/* alone.c -- z-trial-alone: no input, nothing required, no output unless asked for.  See trial.h. */
#include "method/descriptor.h"
#include "trial.h"

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_z_trial_alone_options *o = options;
    nrm_z_trial_alone_info *told = info;
    const int64_t length = (int64_t)strlen(o->word);
    (void)in;
    told->length = length;
    if (!out->wanted) return NRM_OK;
    NRM_TRY(nrm_output_array(ctx, out, NRM_U8, 1, &length));
    memcpy(out->array.data, o->word, (size_t)length);
    return NRM_OK;
}

static const nrm_port outputs[] = {
    {.name = "codes", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_U8), .shape = "p",
     .flags = NRM_PORT_ON_REQUEST, .since = "0.1", .text = "the word's bytes"},
};
static const nrm_example examples[] = {
    {"Nothing at all", "", "info.length=0", 0},
    {"A word", "word=ab", "codes=[97,98] info.length=2", 0},
};

NRM_DESCRIBE(z_trial_alone, NRM_Z_TRIAL_ALONE_OPTIONS, NRM_Z_TRIAL_ALONE_INFO);
const nrm_method nrm_z_trial_alone_method = {
    .name = "z-trial-alone",
    .summary = "a word, if there is one",
    .details = "A method of the tests.",
    .paper = "NOBODY, NOTHING, NEVER",
    .domain = "trial",
    .since = "0.1",
    NRM_DESCRIBED_EXAMPLES,
    NRM_DESCRIBED_REST,
    .run = run,
};
