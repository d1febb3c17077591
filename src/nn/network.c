/* network.c -- networks from configurations: the models, their keys, their graphs. */
#include "nn.h"

struct nrm_network {
    nrm_ctx *ctx;
    const nrm_model *model;
    nrm_config config;
    char *text;
};

static const nrm_model *const models[] = {&nrm_model_gpt, &nrm_model_mlp, &nrm_model_convnet};
static const char *const model_names[] = {"gpt", "mlp", "convnet", NULL};
_Static_assert(NRM_COUNT(models) + 1 == NRM_COUNT(model_names), "every model has its name");

const char *const *nrm_network_models(void) { return model_names; }

const nrm_model *nrm_model_find(const char *name)
{
    for (int i = 0; name && i < NRM_COUNT(models); i++)
        if (strcmp(models[i]->name, name) == 0) return models[i];
    return NULL;
}

bool nrm_network_key_at(const char *model, int i, nrm_network_key *key)
{
    static const char *const types[] = {"integer", "number", "flag", "choice", "list of integers"};
    const nrm_model *m = nrm_model_find(model);
    if (!m || !key || i < 0) return false;
    for (int k = 0; k <= i; k++)
        if (!m->keys[k].name) return false;
    const nrm_config_key *from = &m->keys[i];
    *key = (nrm_network_key){.name = from->name, .type = types[from->kind], .usual = from->usual,
                             .words = from->words ? from->words() : NULL, .least = from->least, .most = from->most, .help = from->help};
    return true;
}

nrm_status nrm_network_create(nrm_ctx *ctx, const char *config, const char *fallback, nrm_network **network)
{
    nrm_network *made;
    NRM_REQUIRE(ctx, config && network, NRM_E_NULL, "network: the configuration and the place for the network must not be NULL");
    NRM_TRY(NRM_ALLOC_ZERO(ctx, made, 1, "a network"));
    made->ctx = ctx;
    const nrm_status st = nrm_config_read(ctx, config, fallback, &made->model, &made->config, &made->text);
    if (st < 0) {
        nrm_network_destroy(made);
        return st;
    }
    *network = made;
    return NRM_OK;
}

void nrm_network_destroy(nrm_network *network)
{
    if (!network) return;
    nrm_free(network->ctx, network->text);
    nrm_free(network->ctx, network);
}

const char *nrm_network_model(const nrm_network *network) { return network ? network->model->name : ""; }
const char *nrm_network_config(const nrm_network *network) { return network ? network->text : ""; }

/* ---- Graphs ------------------------------------------------------------------------------- */

nrm_network_options nrm_network_options_default(void)
{
    return (nrm_network_options){.size = sizeof(nrm_network_options), .training = true, .batch = 1, .dtype = NRM_F32};
}

nrm_node nrm_network_apply(const nrm_network *network, nrm_nn *nn, nrm_node x, const nrm_network_options *options)
{
    const nrm_network_options o = options ? *options : nrm_network_options_default();
    if (!network || !nn) return nrm_no_node();
    if (o.size != sizeof o)
        return nrm_graph_refuse(nn->graph, NRM_E_ARGUMENT, "network: the options must come from nrm_network_options_default()");
    return network->model->apply(&network->config, nn, x, &o);
}

nrm_status nrm_network_build(nrm_ctx *ctx, const nrm_network *network, const nrm_network_options *options, nrm_network_graph *graph)
{
    const nrm_network_options o = options ? *options : nrm_network_options_default();
    nrm_network_graph g = {0};
    NRM_REQUIRE(ctx, network && graph, NRM_E_NULL, "network: the network and the place for its graph must not be NULL");
    NRM_REQUIRE(ctx, o.size == sizeof o, NRM_E_ARGUMENT, "network: the options must come from nrm_network_options_default()");
    NRM_REQUIRE(ctx, o.batch >= 1, NRM_E_RANGE, "network: batch is %lld; it must be 1 or more", NRM_LL(o.batch));
    NRM_REQUIRE(ctx, o.length >= 0, NRM_E_RANGE, "network: length is %lld; it must not be negative", NRM_LL(o.length));
    NRM_TRY(nrm_nn_create(ctx, &g.nn, o.dtype, o.training));
    g.x = network->model->input(&network->config, g.nn, &o);
    g.logits = network->model->apply(&network->config, g.nn, g.x, &o);
    if (g.nn->graph->status >= 0) g.loss = network->model->loss(&network->config, g.nn, g.logits, &g.y);
    const nrm_status st = nrm_graph_check(g.nn->graph);
    if (st < 0) nrm_nn_destroy(g.nn);
    else *graph = g;
    return st;
}
