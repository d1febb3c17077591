/* model_convnet.c -- a small residual network for images (He et al. 2016).
 *
 *     h = act(norm(conv3x3(x)))                                  to channels[0]
 *     stage s: `blocks` blocks, the first of stages 1, 2, ... with stride 2:
 *         h = act(shortcut(h) + norm(conv3x3(act(norm(conv3x3(h))))))
 *     logits = head(mean over the image)
 *
 * The shortcut is a strided 1x1 convolution with a norm where sizes change, else h. */
#include "nn.h"

static const char *const norms[] = {"batch", "group", "none", NULL};
static const char *const *norm_words(void) { return norms; }

#define AT(field) offsetof(nrm_config, field)
static const nrm_config_key keys[] = {
    {"image", NRM_KEY_LIST, AT(image), 1, 65536, "[1, 28, 28]", NULL, "channels, height, width"},
    {"classes", NRM_KEY_INTEGER, AT(classes), 1, 65536, "10", NULL, "different labels"},
    {"channels", NRM_KEY_LIST, AT(channels), 1, 65536, "[16, 32, 64]", NULL, "channels of each stage"},
    {"blocks", NRM_KEY_INTEGER, AT(blocks), 1, 1000, "1", NULL, "residual blocks of a stage"},
    {"activation", NRM_KEY_CHOICE, AT(activation), 0, 0, "\"relu\"", nrm_nn_activations, "after each norm"},
    {"norm", NRM_KEY_CHOICE, AT(norm), 0, 0, "\"batch\"", norm_words, "after each convolution; none: biases instead"},
    {"groups", NRM_KEY_INTEGER, AT(groups), 1, 65536, "8", NULL, "of the group norm; divides all channels"},
    {"dropout", NRM_KEY_NUMBER, AT(dropout), 0, 0.999, "0.0", NULL, "share dropped before the head"},
    {"init", NRM_KEY_CHOICE, AT(init), 0, 0, "\"kaiming_normal\"", nrm_init_names, "initial weights of the convolutions"},
    {"label_smoothing", NRM_KEY_NUMBER, AT(label_smoothing), 0, 0.999, "0.0", NULL, "share of the target spread over all classes"},
    {0}};

static nrm_status check(nrm_ctx *ctx, const nrm_config *c)
{
    NRM_REQUIRE(ctx, c->image.count == 3, NRM_E_SHAPE, "network: 'image' has %lld entries; it must be channels, height, width",
                NRM_LL(c->image.count));
    NRM_REQUIRE(ctx, c->channels.count >= 1, NRM_E_SHAPE, "network: 'channels' is empty; it needs a number for each stage");
    for (int64_t i = 0; c->norm == 1 && i < c->channels.count; i++)
        NRM_REQUIRE(ctx, c->channels.value[i] % c->groups == 0, NRM_E_RANGE, "network: 'groups' is %lld; it must divide all "
                    "'channels', and %lld is one of them", NRM_LL(c->groups), NRM_LL(c->channels.value[i]));
    return NRM_OK;
}

static nrm_node input(const nrm_config *c, nrm_nn *nn, const nrm_network_options *o)
{
    return nrm_graph_input(nn->graph, "x", nn->dtype, 4, (int64_t[]){o->batch, c->image.value[0], c->image.value[1], c->image.value[2]});
}

static nrm_node activation(const nrm_config *c, nrm_nn *nn, const char *name, nrm_node x)
{
    return nrm_nn_activation(nn, name, x, nrm_nn_activations()[c->activation], 1);
}

/* "NAME.conv", "NAME.norm": a k x k convolution that keeps the image (divided by the stride). */
static nrm_node convolution(const nrm_config *c, nrm_nn *nn, const char *name, nrm_node x, int64_t out, int64_t kernel, int64_t stride)
{
    nrm_conv_options o = nrm_conv_options_default();
    for (int i = 0; i < 2; i++) {
        o.stride[i] = stride;
        o.before[i] = o.after[i] = kernel / 2;
    }
    nrm_graph_push(nn->graph, name);
    x = nrm_nn_conv2d(nn, "conv", x, out, kernel, o, strcmp(norms[c->norm], "none") == 0, nrm_init_usual((nrm_init_kind)c->init));
    x = nrm_nn_norm(nn, "norm", x, norms[c->norm], c->groups);
    nrm_graph_pop(nn->graph);
    return x;
}

static nrm_node block(const nrm_config *c, nrm_nn *nn, nrm_node x, int64_t out, int64_t stride)
{
    if (!nrm_node_valid(x)) return x;
    nrm_node h = activation(c, nn, "activation1", convolution(c, nn, "first", x, out, 3, stride));
    h = convolution(c, nn, "second", h, out, 3, 1);
    if (stride != 1 || nrm_at(x)->shape[1] != out) x = convolution(c, nn, "shortcut", x, out, 1, stride);
    return activation(c, nn, "activation2", nrm_nn_residual(nn, x, h));
}

static nrm_node apply(const nrm_config *c, nrm_nn *nn, nrm_node x, const nrm_network_options *o)
{
    (void)o;
    x = activation(c, nn, "stem.activation", convolution(c, nn, "stem", x, c->channels.value[0], 3, 1));
    nrm_graph_push(nn->graph, "stages");
    for (int64_t s = 0; s < c->channels.count; s++) {
        nrm_nn_push_number(nn, s);
        for (int64_t b = 0; b < c->blocks; b++) {
            nrm_nn_push_number(nn, b);
            x = block(c, nn, x, c->channels.value[s], s > 0 && b == 0 ? 2 : 1);
            nrm_graph_pop(nn->graph);
        }
        nrm_graph_pop(nn->graph);
    }
    nrm_graph_pop(nn->graph);
    x = nrm_nn_dropout(nn, "dropout", nrm_op_mean(x, 2, (int[]){2, 3}, false), c->dropout);
    const int64_t first = nn->count;
    x = nrm_nn_linear(nn, "head", x, c->classes, true, (nrm_init){NRM_INIT_TORCH, 0, 0});
    for (int64_t i = first; i < nn->count; i++) nn->records[i].flags |= NRM_PARAMETER_HEAD;
    return x;
}

static nrm_nn_loss loss(const nrm_config *c, nrm_nn *nn, nrm_node logits, nrm_node *y)
{
    *y = nrm_graph_input(nn->graph, "y", NRM_I64, 1, nrm_at(logits)->shape);
    return nrm_nn_cross_entropy(nn, logits, *y, c->label_smoothing);
}

const nrm_model nrm_model_convnet = {"convnet", keys, check, input, apply, loss};
