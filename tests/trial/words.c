/* words.c -- z-trial-words: text parameters of every content.  See trial.h. */
#include "method/descriptor.h"
#include "trial.h"

extern const nrm_method nrm_z_trial_words_method;

nrm_status nrm_z_trial_words(nrm_ctx *ctx, nrm_z_trial_words_info *info, const nrm_z_trial_words_options *options)
{
    nrm_z_trial_words_options o;
    NRM_TRY(nrm_options_load(ctx, &nrm_z_trial_words_method, options, &o));
    *info = (nrm_z_trial_words_info){.length = (int64_t)strlen(o.prompt), .noted = o.note ? (int64_t)strlen(o.note) : -1,
                                     .said = "two words"};
    return NRM_OK;
}

static nrm_status put_bytes(nrm_ctx *ctx, nrm_value *out, const char *text, int64_t shift)
{
    const int64_t length = (int64_t)strlen(text);
    if (!out->wanted) return NRM_OK;
    NRM_TRY(nrm_output_array(ctx, out, NRM_I64, 1, &length));
    int64_t *bytes = out->array.data;
    for (int64_t i = 0; i < length; i++) bytes[i] = (unsigned char)text[i] + shift;
    return NRM_OK;
}

static nrm_status put_text(nrm_ctx *ctx, nrm_value *out, const char *text)
{
    const int64_t length = (int64_t)strlen(text);
    if (!out->wanted) return NRM_OK;
    NRM_TRY(nrm_output_array(ctx, out, NRM_U8, 1, &length));
    memcpy(out->array.data, text, (size_t)length);
    return NRM_OK;
}

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    const nrm_z_trial_words_options *o = options;
    const nrm_array *x = &in[0].array;
    NRM_TRY(nrm_z_trial_words(ctx, info, options));
    NRM_TRY(put_bytes(ctx, &out[0], o->prompt, o->shift));
    NRM_TRY(put_bytes(ctx, &out[1], o->model, 0));
    NRM_TRY(put_text(ctx, &out[3], o->prompt));
    if (in[0].kind == NRM_VALUE_NONE || !out[2].wanted) return NRM_OK;
    NRM_TRY(nrm_output_array(ctx, &out[2], NRM_F64, x->ndim, x->shape));
    memcpy(out[2].array.data, x->data, (size_t)nrm_array_count(x) * sizeof(double));
    return NRM_OK;
}

#define WHOLE_NUMBERS .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_I64), .since = "0.1"
#define REAL_NUMBERS .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_F64), .since = "0.1"

static const nrm_port inputs[] = {
    {.name = "x", .shape = "n", .flags = NRM_PORT_OPTIONAL, REAL_NUMBERS, .text = "numbers to hand through"},
};
static const nrm_port outputs[] = {
    {.name = "codes", .shape = "p", .flags = NRM_PORT_OPTIONAL, WHOLE_NUMBERS, .text = "the prompt's bytes, shifted"},
    {.name = "letters", .shape = "q", .flags = NRM_PORT_ON_REQUEST, WHOLE_NUMBERS, .text = "the model's bytes"},
    {.name = "y", .shape = "n", .flags = NRM_PORT_OPTIONAL, REAL_NUMBERS, .text = "the numbers"},
    {.name = "echo", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_U8), .shape = "p", .since = "0.1",
     .flags = NRM_PORT_TEXT | NRM_PORT_ON_REQUEST, .text = "the prompt"},
};
static const nrm_example examples[] = {
    {"A name alone", "model=ab", "letters=[97,98] info.length=14 info.said='two words' info.noted=-1", 0},
    {"A prompt of two words with a quote", "model=a prompt='it''s me' shift=1", "codes=[106,117,40,116,33,110,102]", 0},
    {"A description, brackets and all", "model='{\"a\": [' prompt='[ ' note=''", "letters=[123,34,97,34,58,32,91] codes=[91,32] info.noted=0", 0},
    {"Not a name of the command line", "model=--a prompt=é", "codes=[195,169] letters=[45,45,97]", 0},
    {"Numbers too", "x=[1, 2] model=\\\"\\ data=rows.csv folder=.", "y=[1,2]", 0},
    {"Text comes out", "model=a prompt='it''s [2'", "echo='it''s [2' info.length=7", 0},
    {"Text that looks like a number", "model=a prompt=12", "echo=12 codes=[49,50]", 0},
};


NRM_DESCRIBE(z_trial_words, NRM_Z_TRIAL_WORDS_OPTIONS, NRM_Z_TRIAL_WORDS_INFO);
const nrm_method nrm_z_trial_words_method = {
    .name = "z-trial-words",
    .summary = "what becomes of text",
    .details = "A method of the tests.",
    .paper = "NOBODY, NOTHING, NEVER",
    .domain = "trial",
    .since = "0.1",
    NRM_DESCRIBED(z_trial_words),
    .run = run,
};
