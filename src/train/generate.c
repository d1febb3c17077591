/* generate.c -- text drawn token by token from a network that train made on a text.
 *
 *     p_i proportional to exp(z_i / temperature), i among the top_k largest, and among those
 *     the fewest, from the largest down, that have top_p of the probability together
 *
 * The window is the last `context` tokens; a shorter beginning is set at its left, and what
 * stands behind it cannot be seen by causal attention.  A draw is a pure function of (seed,
 * number of the token). */
#include "base/random.h"
#include "method/descriptor.h"
#include "trainer.h"
#include <stdlib.h>

extern const nrm_method nrm_generate_method;
static const uint64_t STREAM_GENERATE = UINT64_C(0x4745) << 48;

typedef struct candidate { double z; int64_t token; } candidate;

typedef struct sampler {
    nrm_checkpoint from;
    nrm_tokenizer *tokenizer;
    nrm_network *network;
    nrm_network_graph graph;
    nrm_program *program;
    nrm_instance *instance;
    nrm_parameters *parameters;
    nrm_dtype dtype;
    int64_t context, vocabulary;
    int64_t *window, *tokens; /* what the network sees; all tokens, the prompt's first */
    int64_t count;
    candidate *candidates;
} sampler;

static void release(nrm_ctx *ctx, sampler *s)
{
    nrm_instance_destroy(s->instance);
    nrm_program_destroy(s->program);
    nrm_nn_destroy(s->graph.nn);
    nrm_parameters_destroy(s->parameters);
    nrm_network_destroy(s->network);
    nrm_tokenizer_destroy(ctx, s->tokenizer);
    nrm_free(ctx, s->window);
    nrm_free(ctx, s->tokens);
    nrm_free(ctx, s->candidates);
    nrm_checkpoint_close(ctx, &s->from);
}

static nrm_status set_up(nrm_ctx *ctx, sampler *s, const nrm_generate_options *o)
{
    nrm_network_options options = nrm_network_options_default();
    nrm_train_options run;
    nrm_token *prompt = NULL;

    NRM_TRY(nrm_checkpoint_open(ctx, "generate", o->checkpoint, &s->from));
    NRM_TRY(nrm_checkpoint_options(ctx, "generate", &s->from, &run));
    NRM_TRY(nrm_dataset_state_tokenizer(ctx, s->from.data, &s->tokenizer));
    NRM_REQUIRE(ctx, s->tokenizer, NRM_E_ARGUMENT, "generate: %s was not trained on a text; there is nothing to write", o->checkpoint);
    s->vocabulary = nrm_tokenizer_vocabulary(s->tokenizer);
    s->context = run.context;
    s->dtype = run.precision == NRM_PRECISION_F64 ? NRM_F64 : NRM_F32;
    NRM_TRY(nrm_network_create(ctx, s->from.network, NULL, &s->network));
    options.training = false;
    options.length = s->context;
    options.dtype = s->dtype;
    NRM_TRY(nrm_network_build(ctx, s->network, &options, &s->graph));
    NRM_TRY(nrm_compile(ctx, 1, &s->graph.logits, NULL, &s->program));
    NRM_TRY(nrm_instance_create(ctx, s->program, &s->instance));
    NRM_TRY(nrm_parameters_create(ctx, s->graph.nn, &s->parameters));
    const nrm_status st = nrm_parameters_load(ctx, s->parameters, &s->from.file.bundle);
    if (st < 0) return nrm_fail_prefix(ctx, st, "generate");
    NRM_TRY(nrm_parameters_bind(ctx, s->parameters, s->instance));
    NRM_TRY(nrm_tokenizer_encode(ctx, s->tokenizer, "prompt", o->prompt, (int64_t)strlen(o->prompt), &prompt, &s->count));
    nrm_status made = NRM_ALLOC(ctx, s->tokens, s->count + o->tokens, "a text");
    for (int64_t i = 0; made >= 0 && i < s->count; i++) s->tokens[i] = prompt[i];
    nrm_free(ctx, prompt);
    NRM_TRY(made);
    NRM_REQUIRE(ctx, s->count > 0, NRM_E_ARGUMENT, "generate: prompt is empty; the text must begin with something");
    NRM_TRY(NRM_ALLOC(ctx, s->candidates, s->vocabulary, "a text"));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s->window, s->context, "a text"));
    return nrm_instance_bind(ctx, s->instance, "x", s->window);
}

static int larger_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->z != y->z) return x->z < y->z ? 1 : -1;
    return x->token < y->token ? -1 : x->token > y->token;
}

/* The next token; *log_likelihood of it under the network itself. */
static nrm_status draw(nrm_ctx *ctx, sampler *s, const nrm_generate_options *o, int64_t number, int64_t *token, double *log_likelihood)
{
    const int64_t seen = nrm_min_i64(s->count, s->context);
    for (int64_t i = 0; i < seen; i++) s->window[i] = s->tokens[s->count - seen + i];
    NRM_TRY(nrm_run(ctx, s->instance));
    const void *logits = nrm_instance_output(s->instance, 0);
    double all = 0, share = 0, kept = 0;
    for (int64_t i = 0; i < s->vocabulary; i++) {
        const int64_t at = (seen - 1) * s->vocabulary + i;
        s->candidates[i] = (candidate){nrm_real_get(s->dtype, logits, at), i};
        NRM_REQUIRE(ctx, isfinite(s->candidates[i].z), NRM_E_NONFINITE, "generate: the network's value for a token is %g", s->candidates[i].z);
    }
    qsort(s->candidates, (size_t)s->vocabulary, sizeof *s->candidates, larger_first);
    const double top = s->candidates[0].z;
    for (int64_t i = 0; i < s->vocabulary; i++) all += exp(s->candidates[i].z - top);
    int64_t chosen = 0, count = o->top_k > 0 ? nrm_min_i64(o->top_k, s->vocabulary) : s->vocabulary;
    if (o->temperature > 0) {
        for (int64_t i = 0; i < count; i++) share += exp((s->candidates[i].z - top) / o->temperature);
        for (int64_t i = 0; i < count; i++) {
            kept += exp((s->candidates[i].z - top) / o->temperature);
            if (kept >= o->top_p * share) count = i + 1;
        }
        nrm_rng rng = nrm_rng_make(nrm_seed(ctx), STREAM_GENERATE + (uint64_t)number);
        double left = nrm_rng_uniform(&rng) * kept;
        for (chosen = 0; chosen < count - 1; chosen++) {
            left -= exp((s->candidates[chosen].z - top) / o->temperature);
            if (left < 0) break;
        }
    }
    *token = s->candidates[chosen].token;
    *log_likelihood = s->candidates[chosen].z - top - log(all);
    return NRM_OK;
}

static nrm_status write_all(nrm_ctx *ctx, const sampler *s, nrm_array *text)
{
    char *bytes = NULL;
    int64_t length = 0;
    NRM_TRY(nrm_tokenizer_decode(ctx, s->tokenizer, s->tokens, s->count, &bytes, &length));
    const nrm_status st = nrm_array_create(ctx, text, NRM_U8, 1, &length);
    if (st >= 0 && length > 0) memcpy(text->data, bytes, (size_t)length);
    nrm_free(ctx, bytes);
    return st;
}

nrm_status nrm_generate(nrm_ctx *ctx, const nrm_generate_options *options, nrm_array *text, nrm_generate_info *info)
{
    const double began = nrm_now();
    nrm_generate_options o;
    sampler s = {.count = 0};
    double sum = 0, log_likelihood = 0, start;
    int64_t number = 0, token = 0;
    bool stopped = false;
    nrm_status st;

    NRM_TRY(nrm_options_load(ctx, &nrm_generate_method, options, &o));
    NRM_REQUIRE(ctx, text, NRM_E_NULL, "generate: the place for the text is NULL");
    NRM_TRY_DONE(set_up(ctx, &s, &o));
    start = nrm_now();
    for (; number < o.tokens && !stopped; number++) {
        st = draw(ctx, &s, &o, number, &token, &log_likelihood);
        stopped = st == NRM_E_CANCELLED;
        if (stopped) break;
        if (st < 0) goto done;
        s.tokens[s.count++] = token;
        sum += log_likelihood;
        stopped = nrm_tick(ctx, "writing, tokens", (double)(number + 1), (double)o.tokens, NULL, NAN);
    }
    NRM_TRY_DONE(write_all(ctx, &s, text));
    if (info) *info = (nrm_generate_info){.tokens = number, .rate = (double)number / (nrm_now() - start), .log_likelihood = number > 0 ? sum / (double)number : 0,
                                          .seconds = nrm_now() - began};
    st = stopped && number < o.tokens ? nrm_fail(ctx, NRM_PARTIAL, "generate: stopped on request after %lld of %lld tokens", NRM_LL(number), NRM_LL(o.tokens)) : NRM_OK;
done:
    release(ctx, &s);
    return st;
}

/* ---- The method -------------------------------------------------------------------------------------- */

static nrm_status run(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info)
{
    nrm_array text;
    (void)in;
    const nrm_status st = nrm_generate(ctx, options, &text, info);
    if (st < 0) return st;
    nrm_status made = NRM_OK;
    if (out[0].wanted) made = nrm_output_array(ctx, &out[0], NRM_U8, 1, text.shape);
    if (out[0].wanted && made >= 0 && text.shape[0] > 0) memcpy(out[0].array.data, text.data, (size_t)text.shape[0]);
    nrm_array_destroy(ctx, &text);
    return made < 0 ? made : st;
}

static const nrm_port outputs[] = {
    {.name = "text", .accepts = NRM_ACCEPT_ARRAY, .dtypes = NRM_DTYPE_BIT(NRM_U8), .shape = "n", .flags = NRM_PORT_TEXT, .unit = "", .since = "0.2",
     .text = "the prompt and what was drawn, as UTF-8"}};
NRM_DESCRIBE(generate, NRM_GENERATE_OPTIONS, NRM_GENERATE_INFO);
const nrm_method nrm_generate_method = {
    .name = "generate",
    .summary = "text from a network that train made",
    .details = "Goes on from the prompt with the network of a checkpoint, which train must have made on a text before.\n\n"
               "Token by token: the network's values, divided by the temperature, are the logarithms of the chances of what may follow; top_k and top_p leave out the "
               "unlikely ones.\n\nThe same seed, checkpoint and options give the same text.",
    .paper = "Ari Holtzman, Jan Buys, Li Du, Maxwell Forbes, Yejin Choi: The Curious Case of Neural Text Degeneration, 2020, arXiv 1904.09751",
    .domain = "train", .since = "0.2", NRM_DESCRIBED_REST, .run = run};
