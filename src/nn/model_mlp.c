/* model_mlp.c -- fully connected layers: linear, norm, activation, dropout for each width,
 * then a linear output. */
#include "nn.h"

static const char *const norms[] = {"none", "layer", "rms", "batch", NULL};
static const char *const *norm_words(void) { return norms; }
static const char *const losses[] = {"mse", "l1", "huber", "bce", "cross_entropy", NULL};
enum { MSE, L1, HUBER, BCE, CROSS_ENTROPY };
static const char *const *loss_words(void) { return losses; }

#define AT(field) offsetof(nrm_config, field)
static const nrm_config_key keys[] = {
    {"inputs", NRM_KEY_INTEGER, AT(inputs), 1, 16777216, NULL, NULL, "features of an example"},
    {"outputs", NRM_KEY_INTEGER, AT(outputs), 1, 16777216, NULL, NULL, "numbers, or classes, to predict"},
    {"widths", NRM_KEY_LIST, AT(widths), 1, 16777216, "[64, 64]", NULL, "features of each hidden layer"},
    {"activation", NRM_KEY_CHOICE, AT(activation), 0, 0, "\"relu\"", nrm_nn_activations, "after each hidden layer"},
    {"norm", NRM_KEY_CHOICE, AT(norm), 0, 0, "\"none\"", norm_words, "before each activation"},
    {"dropout", NRM_KEY_NUMBER, AT(dropout), 0, 0.999, "0.0", NULL, "share dropped after each activation"},
    {"bias", NRM_KEY_FLAG, AT(bias), 0, 0, "true", NULL, "biases in all layers"},
    {"init", NRM_KEY_CHOICE, AT(init), 0, 0, "\"torch\"", nrm_init_names, "initial weights; biases follow torch or are 0"},
    {"loss", NRM_KEY_CHOICE, AT(loss), 0, 0, "\"mse\"", loss_words, "what is trained"},
    {"huber_delta", NRM_KEY_NUMBER, AT(huber_delta), 1e-300, 1e300, "1.0", NULL, "where huber becomes straight"},
    {"label_smoothing", NRM_KEY_NUMBER, AT(label_smoothing), 0, 0.999, "0.0", NULL, "cross_entropy: share of the target spread over all classes"},
    {0}};

static nrm_status check(nrm_ctx *ctx, const nrm_config *c)
{
    NRM_REQUIRE(ctx, c->label_smoothing == 0 || c->loss == CROSS_ENTROPY, NRM_E_ARGUMENT,
                "network: 'label_smoothing' is %g and 'loss' is %s; smoothing belongs to cross_entropy", c->label_smoothing, losses[c->loss]);
    return NRM_OK;
}

static nrm_node input(const nrm_config *c, nrm_nn *nn, const nrm_network_options *o)
{
    return nrm_graph_input(nn->graph, "x", nn->dtype, 2, (int64_t[]){o->batch, c->inputs});
}

static nrm_node apply(const nrm_config *c, nrm_nn *nn, nrm_node x, const nrm_network_options *o)
{
    const nrm_init init = nrm_init_usual((nrm_init_kind)c->init);
    (void)o;
    nrm_graph_push(nn->graph, "layers");
    for (int64_t i = 0; i < c->widths.count; i++) {
        nrm_nn_push_number(nn, i);
        x = nrm_nn_linear(nn, "linear", x, c->widths.value[i], c->bias, init);
        x = nrm_nn_norm(nn, "norm", x, norms[c->norm], 1);
        x = nrm_nn_activation(nn, "activation", x, nrm_nn_activations()[c->activation], -1);
        x = nrm_nn_dropout(nn, "dropout", x, c->dropout);
        nrm_graph_pop(nn->graph);
    }
    nrm_graph_pop(nn->graph);
    const int64_t first = nn->count;
    x = nrm_nn_linear(nn, "output", x, c->outputs, c->bias, init);
    for (int64_t i = first; i < nn->count; i++) nn->records[i].flags |= NRM_PARAMETER_HEAD;
    return x;
}

static nrm_nn_loss loss(const nrm_config *c, nrm_nn *nn, nrm_node logits, nrm_node *y)
{
    const bool classes = c->loss == CROSS_ENTROPY;
    *y = nrm_graph_input(nn->graph, "y", classes ? NRM_I64 : nn->dtype, classes ? 1 : 2, nrm_at(logits)->shape);
    switch (c->loss) {
    case L1: return nrm_nn_l1(nn, logits, *y);
    case HUBER: return nrm_nn_huber(nn, logits, *y, c->huber_delta);
    case BCE: return nrm_nn_bce_with_logits(nn, logits, *y);
    case CROSS_ENTROPY: return nrm_nn_cross_entropy(nn, logits, *y, c->label_smoothing);
    default: return nrm_nn_mse(nn, logits, *y);
    }
}

const nrm_model nrm_model_mlp = {"mlp", keys, check, input, apply, loss};
