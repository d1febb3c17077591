/* model_gpt.c -- a transformer that predicts the next token (Radford et al. 2019).
 *
 *     h = embedding(x) + position
 *     h = h + attention(norm(h)),   h = h + feed_forward(norm(h))     layers times
 *     logits = norm(h) head'
 *
 * Weights are normal with deviation 0.02, those of the two projections that end in the
 * residual stream with 0.02 / sqrt(2 layers). */
#include "nn.h"

static const char *const positions[] = {"learned", "sinusoidal", "rope", "none", NULL};
enum { LEARNED, SINUSOIDAL, ROPE };
static const char *const *position_words(void) { return positions; }
static const char *const norms[] = {"layer", "rms", NULL};
static const char *const *norm_words(void) { return norms; }

#define AT(field) offsetof(nrm_config, field)
static const nrm_config_key keys[] = {
    {"layers", NRM_KEY_INTEGER, AT(layers), 1, 1000, "4", NULL, "blocks of attention and feed-forward"},
    {"width", NRM_KEY_INTEGER, AT(width), 1, 65536, "128", NULL, "features of a token"},
    {"heads", NRM_KEY_INTEGER, AT(heads), 1, 1024, "4", NULL, "heads of an attention; divides width"},
    {"context", NRM_KEY_INTEGER, AT(context), 1, 1048576, "64", NULL, "tokens of a row"},
    {"vocabulary", NRM_KEY_INTEGER, AT(vocabulary), 1, 16777216, "256", NULL, "different tokens"},
    {"feed_forward", NRM_KEY_INTEGER, AT(feed_forward), 1, 64, "4", NULL, "features inside a feed-forward, in widths"},
    {"activation", NRM_KEY_CHOICE, AT(activation), 0, 0, "\"gelu\"", nrm_nn_activations, "of the feed-forward"},
    {"position", NRM_KEY_CHOICE, AT(position), 0, 0, "\"learned\"", position_words, "how a token knows its place"},
    {"rope_base", NRM_KEY_NUMBER, AT(rope_base), 1.000001, 1e12, "10000", NULL, "base of sinusoidal and rope positions"},
    {"norm", NRM_KEY_CHOICE, AT(norm), 0, 0, "\"layer\"", norm_words, "before each part, and at the end"},
    {"bias", NRM_KEY_FLAG, AT(bias), 0, 0, "true", NULL, "biases in projections and layer norms"},
    {"dropout", NRM_KEY_NUMBER, AT(dropout), 0, 0.999, "0.0", NULL, "share dropped after embedding, attention and each part"},
    {"tie", NRM_KEY_FLAG, AT(tie), 0, 0, "true", NULL, "the head is the embedding"},
    {"label_smoothing", NRM_KEY_NUMBER, AT(label_smoothing), 0, 0.999, "0.0", NULL, "share of the target spread over all tokens"},
    {0}};

static nrm_status check(nrm_ctx *ctx, const nrm_config *c)
{
    NRM_REQUIRE(ctx, c->width % c->heads == 0, NRM_E_RANGE, "network: 'heads' is %lld; it must divide 'width', which is %lld",
                NRM_LL(c->heads), NRM_LL(c->width));
    NRM_REQUIRE(ctx, c->position != ROPE || c->width / c->heads % 2 == 0, NRM_E_RANGE,
                "network: 'position' is rope and a head has %lld features; they must be even", NRM_LL(c->width / c->heads));
    return NRM_OK;
}

static nrm_node input(const nrm_config *c, nrm_nn *nn, const nrm_network_options *o)
{
    const int64_t length = o->length > 0 ? o->length : c->context;
    if (length > c->context)
        return nrm_graph_refuse(nn->graph, NRM_E_RANGE, "network: length is %lld; it must not exceed the context %lld",
                                NRM_LL(length), NRM_LL(c->context));
    return nrm_graph_input(nn->graph, "x", NRM_I64, 2, (int64_t[]){o->batch, length});
}

static nrm_node norm(const nrm_config *c, nrm_nn *nn, const char *name, nrm_node x)
{
    return c->norm == 0 ? nrm_nn_layer_norm(nn, name, x, 1e-5, c->bias) : nrm_nn_rms_norm(nn, name, x, 1e-6);
}

static nrm_node block(const nrm_config *c, nrm_nn *nn, nrm_node h, const nrm_network_options *o)
{
    const nrm_init in = {NRM_INIT_NORMAL, 0, 0.02}, out = {NRM_INIT_NORMAL, 0, 0.02 / sqrt(2 * (double)c->layers)};
    nrm_attention_options a = nrm_attention_options_default();
    a.heads = c->heads;
    a.causal = true;
    a.bias = c->bias;
    a.dropout = c->dropout;
    a.rope = c->position == ROPE ? c->rope_base : 0;
    a.init = in;
    a.output_init = out;
    a.kernel = o->attention;
    a.user = o->attention_user;
    nrm_node part = nrm_nn_attention(nn, "attention", norm(c, nn, "norm1", h), nrm_no_node(), &a);
    h = nrm_nn_residual(nn, h, nrm_nn_dropout(nn, "dropout1", part, c->dropout));
    part = nrm_nn_feed_forward(nn, "feed_forward", norm(c, nn, "norm2", h), c->feed_forward * c->width,
                               nrm_nn_activations()[c->activation], c->bias, in, out);
    return nrm_nn_residual(nn, h, nrm_nn_dropout(nn, "dropout2", part, c->dropout));
}

static nrm_node apply(const nrm_config *c, nrm_nn *nn, nrm_node x, const nrm_network_options *o)
{
    const nrm_init normal = {NRM_INIT_NORMAL, 0, 0.02};
    const int64_t first = nn->count;
    nrm_node head;
    nrm_node h = nrm_nn_embedding(nn, "embedding", x, c->vocabulary, c->width, normal, &head);
    if (c->position == LEARNED) h = nrm_nn_position_learned(nn, "position", h, c->context, normal);
    if (c->position == SINUSOIDAL) h = nrm_nn_position_sinusoidal(nn, h, c->rope_base);
    h = nrm_nn_dropout(nn, "dropout", h, c->dropout);
    nrm_graph_push(nn->graph, "blocks");
    for (int64_t i = 0; i < c->layers; i++) {
        nrm_nn_push_number(nn, i);
        h = block(c, nn, h, o);
        nrm_graph_pop(nn->graph);
    }
    nrm_graph_pop(nn->graph);
    h = norm(c, nn, "norm", h);
    if (nn->graph->status < 0) return nrm_no_node();
    if (c->tie) nn->records[first].flags |= NRM_PARAMETER_HEAD;
    else head = nrm_nn_parameter(nn, "head.weight", 2, (int64_t[]){c->vocabulary, c->width}, normal, NRM_PARAMETER_HEAD);
    return nrm_op_linear(h, head, nrm_no_node());
}

static nrm_nn_loss loss(const nrm_config *c, nrm_nn *nn, nrm_node logits, nrm_node *y)
{
    *y = nrm_graph_input(nn->graph, "y", NRM_I64, 2, nrm_at(logits)->shape);
    return nrm_nn_cross_entropy(nn, logits, *y, c->label_smoothing);
}

const nrm_model nrm_model_gpt = {"gpt", keys, check, input, apply, loss};
