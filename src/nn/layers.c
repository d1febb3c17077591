/* layers.c -- linear, convolution, embedding, dropout, residual, feed-forward. */
#include "nn.h"

nrm_node nrm_nn_linear(nrm_nn *nn, const char *name, nrm_node x, int64_t out, bool bias, nrm_init init)
{
    if (!nrm_nn_takes(nn, "nn_linear", x, 1, NRM_GRAPH_MAX_NDIM) || !nrm_nn_positive(nn, "nn_linear", "out", out)) return nrm_no_node();
    const int64_t in = nrm_at(x)->shape[nrm_at(x)->ndim - 1];
    nrm_node b = nrm_no_node();
    nrm_graph_push(nn->graph, name);
    const nrm_node w = nrm_nn_parameter(nn, "weight", 2, (int64_t[]){out, in}, init, 0);
    if (bias) b = nrm_nn_parameter(nn, "bias", 1, &out, nrm_init_bias(init, in), NRM_PARAMETER_NO_DECAY);
    nrm_graph_pop(nn->graph);
    return nn->graph->status < 0 ? nrm_no_node() : nrm_op_linear(x, w, b);
}

nrm_node nrm_nn_conv2d(nrm_nn *nn, const char *name, nrm_node x, int64_t out, int64_t kernel, nrm_conv_options options,
                       bool bias, nrm_init init)
{
    if (!nrm_nn_takes(nn, "nn_conv2d", x, 4, 4) || !nrm_nn_positive(nn, "nn_conv2d", "out", out) ||
        !nrm_nn_positive(nn, "nn_conv2d", "kernel", kernel) || !nrm_nn_positive(nn, "nn_conv2d", "groups", options.groups)) return nrm_no_node();
    const int64_t in = nrm_at(x)->shape[1], shape[4] = {out, in / options.groups, kernel, kernel};
    nrm_node b = nrm_no_node();
    if (in % options.groups != 0 || out % options.groups != 0)
        return nrm_graph_refuse(nn->graph, NRM_E_RANGE, "nn_conv2d: groups is %lld; it must divide the %lld channels in and the %lld out",
                                NRM_LL(options.groups), NRM_LL(in), NRM_LL(out));
    nrm_graph_push(nn->graph, name);
    const nrm_node w = nrm_nn_parameter(nn, "weight", 4, shape, init, 0);
    if (bias) b = nrm_nn_parameter(nn, "bias", 1, &out, nrm_init_bias(init, shape[1] * kernel * kernel), NRM_PARAMETER_NO_DECAY);
    nrm_graph_pop(nn->graph);
    const nrm_node y = nrm_op_conv2d(x, w, options);
    return b.graph ? nrm_op_add(y, nrm_op_reshape(b, 3, (int64_t[]){out, 1, 1})) : y;
}

nrm_node nrm_nn_embedding(nrm_nn *nn, const char *name, nrm_node index, int64_t rows, int64_t width, nrm_init init, nrm_node *table)
{
    if (table) *table = nrm_no_node();
    if (!nrm_nn_takes_index(nn, "nn_embedding", index) || !nrm_nn_positive(nn, "nn_embedding", "rows", rows) ||
        !nrm_nn_positive(nn, "nn_embedding", "width", width)) return nrm_no_node();
    nrm_graph_push(nn->graph, name);
    const nrm_node w = nrm_nn_parameter(nn, "weight", 2, (int64_t[]){rows, width}, init, NRM_PARAMETER_EMBEDDING);
    nrm_graph_pop(nn->graph);
    if (table) *table = w;
    return nrm_op_gather(w, index);
}

nrm_node nrm_nn_dropout(nrm_nn *nn, const char *name, nrm_node x, double p)
{
    if (!nrm_nn_takes(nn, "nn_dropout", x, 0, NRM_GRAPH_MAX_NDIM)) return nrm_no_node();
    if (!(p >= 0 && p < 1))
        return nrm_graph_refuse(nn->graph, NRM_E_RANGE, "nn_dropout: p is %g; it must lie in [0, 1)", p);
    if (!nn->training || p == 0) return x;
    return nrm_op_dropout(x, p, (int64_t)(nrm_name_stream(nn->graph->scope, name ? name : "") >> 1));
}

nrm_node nrm_nn_residual(nrm_nn *nn, nrm_node x, nrm_node y)
{
    char a[NRM_NODE_TEXT], b[NRM_NODE_TEXT];
    if (!nrm_nn_takes(nn, "nn_residual", x, 0, NRM_GRAPH_MAX_NDIM) || !nrm_nn_takes(nn, "nn_residual", y, 0, NRM_GRAPH_MAX_NDIM)) return nrm_no_node();
    if (!nrm_same_dims(nrm_at(x)->ndim, nrm_at(x)->shape, nrm_at(y)->ndim, nrm_at(y)->shape))
        return nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "nn_residual: the branches have shapes %s and %s; they must agree",
                                nrm_node_text(a, x), nrm_node_text(b, y));
    return nrm_op_add(x, y);
}

nrm_node nrm_nn_feed_forward(nrm_nn *nn, const char *name, nrm_node x, int64_t hidden, const char *activation, bool bias,
                             nrm_init init, nrm_init output_init)
{
    if (!nrm_nn_takes(nn, "nn_feed_forward", x, 1, NRM_GRAPH_MAX_NDIM)) return nrm_no_node();
    const int64_t width = nrm_at(x)->shape[nrm_at(x)->ndim - 1];
    nrm_graph_push(nn->graph, name);
    nrm_node h = nrm_nn_linear(nn, "up", x, hidden, bias, init);
    h = nrm_nn_activation(nn, "activation", h, activation, -1);
    h = nrm_nn_linear(nn, "down", h, width, bias, output_init);
    nrm_graph_pop(nn->graph);
    return h;
}
