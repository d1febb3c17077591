/* attention.c -- softmax(q k' / sqrt(d)) v for every head (Vaswani et al. 2017).
 *
 * The joint projection (batch, t, 3 width) is seen as (batch, t, 3, heads, d).  Plain
 * self-attention is one operation on that, nrm_op_attention.  Where something happens in
 * between (a kernel of the caller's, rotations, dropout of the weights, another sequence) it is
 * turned to (3, batch, heads, t, d) and cut into q, k, v: views that the products read where
 * they lie; only the result, turned back to (batch, t, width), is copied. */
#include "nn.h"

nrm_attention_options nrm_attention_options_default(void)
{
    return (nrm_attention_options){.size = sizeof(nrm_attention_options), .heads = 1, .bias = true,
                                   .init = {NRM_INIT_TORCH, 0, 0}, .output_init = {NRM_INIT_TORCH, 0, 0}};
}

/* (batch, t, parts * heads * d) -> part `part` as (batch, heads, t, d). */
static nrm_node heads_of(nrm_node x, int64_t parts, int64_t part, int64_t heads)
{
    if (!nrm_node_valid(x)) return x;
    const nrm_op_node *n = nrm_at(x);
    const int64_t batch = n->shape[0], t = n->shape[1], d = n->shape[2] / (parts * heads);
    x = nrm_op_permute(nrm_op_reshape(x, 5, (int64_t[]){batch, t, parts, heads, d}), (int[]){2, 0, 3, 1, 4});
    return nrm_op_reshape(nrm_op_slice(x, 0, part, part + 1, 1), 4, (int64_t[]){batch, heads, t, d});
}

static nrm_node softmax_attention(nrm_nn *nn, nrm_node q, nrm_node k, nrm_node v, const nrm_attention_options *o)
{
    if (nn->graph->status < 0) return nrm_no_node();
    const double scale = 1 / sqrt((double)nrm_at(q)->shape[3]);
    const nrm_node scores = nrm_op_matmul_transposed(q, false, k, true);
    const nrm_node weights = o->causal ? nrm_op_softmax_causal(scores, scale) : nrm_op_softmax(nrm_op_scale(scores, scale));
    return nrm_op_matmul(nrm_nn_dropout(nn, "dropout", weights, o->dropout), v);
}

static bool sound(nrm_nn *nn, nrm_node x, nrm_node memory, const nrm_attention_options *o)
{
    const char *who = "nn_attention";
    if (!nrm_nn_takes(nn, who, x, 3, 3) || (memory.graph && !nrm_nn_takes(nn, who, memory, 3, 3))) return false;
    const int64_t *shape = nrm_at(x)->shape, width = shape[2];
    if (o->heads < 1 || width < 1 || width % o->heads != 0) {
        nrm_graph_refuse(nn->graph, NRM_E_RANGE, "%s: heads is %lld; it must divide the width %lld", who, NRM_LL(o->heads), NRM_LL(width));
        return false;
    }
    if (!memory.graph) return true;
    if (nrm_at(memory)->shape[0] != shape[0]) {
        nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "%s: x has %lld sequences and the memory %lld; they must agree", who,
                         NRM_LL(shape[0]), NRM_LL(nrm_at(memory)->shape[0]));
        return false;
    }
    if (o->causal && nrm_at(memory)->shape[1] != shape[1]) {
        nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "%s: causal attention needs sequences of one length; x has %lld rows, the "
                         "memory %lld", who, NRM_LL(shape[1]), NRM_LL(nrm_at(memory)->shape[1]));
        return false;
    }
    return true;
}

/* The blocks of the joint matrix are matrices of their own to optimizers that look at
 * matrices.  With a bias it is the one before the last. */
static void note_blocks(nrm_nn *nn, int blocks, int64_t width, bool bias)
{
    const int64_t at = nn->count - (bias ? 2 : 1);
    if (nn->graph->status < 0 || at < 0) return;
    nrm_nn_record *r = &nn->records[at];
    r->split_count = blocks;
    for (int i = 0; i < blocks; i++) r->split[i] = width;
}

/* q, k, v (batch, heads, t, d) from the projections. */
static void project(nrm_nn *nn, nrm_node x, nrm_node memory, const nrm_attention_options *o, nrm_node part[3])
{
    const int64_t width = nrm_at(x)->shape[2];
    if (memory.graph) {
        const nrm_node q = nrm_nn_linear(nn, "q", x, width, o->bias, o->init);
        const nrm_node kv = nrm_nn_linear(nn, "kv", memory, 2 * width, o->bias, o->init);
        part[0] = heads_of(q, 1, 0, o->heads);
        for (int i = 0; i < 2; i++) part[1 + i] = heads_of(kv, 2, i, o->heads);
    } else {
        const nrm_node qkv = nrm_nn_linear(nn, "qkv", x, 3 * width, o->bias, o->init);
        for (int i = 0; i < 3; i++) part[i] = heads_of(qkv, 3, i, o->heads);
    }
    note_blocks(nn, memory.graph ? 2 : 3, width, o->bias);
}

/* (batch, t, heads, d) of plain self-attention. */
static nrm_node plain(nrm_nn *nn, nrm_node x, const nrm_attention_options *o)
{
    const int64_t *shape = nrm_at(x)->shape, d = shape[2] / o->heads;
    const nrm_node qkv = nrm_nn_linear(nn, "qkv", x, 3 * shape[2], o->bias, o->init);
    note_blocks(nn, 3, shape[2], o->bias);
    return nrm_op_attention(nrm_op_reshape(qkv, 5, (int64_t[]){shape[0], shape[1], 3, o->heads, d}), 1 / sqrt((double)d), o->causal);
}

/* (batch, t, heads, d) by way of q, k and v. */
static nrm_node general(nrm_nn *nn, nrm_node x, nrm_node memory, const nrm_attention_options *o)
{
    nrm_node part[3];
    project(nn, x, memory, o, part);
    for (int i = 0; i < 2 && o->rope > 0; i++) part[i] = nrm_nn_rope(nn, part[i], o->rope);
    const nrm_node y = o->kernel ? o->kernel(o->user, nn, part[0], part[1], part[2], o->causal) : softmax_attention(nn, part[0], part[1], part[2], o);
    if (!nrm_nn_takes(nn, "nn_attention: what the kernel gave", y, 4, 4)) return nrm_no_node();
    return nrm_op_permute(y, (int[]){0, 2, 1, 3});
}

nrm_node nrm_nn_attention(nrm_nn *nn, const char *name, nrm_node x, nrm_node memory, const nrm_attention_options *options)
{
    const nrm_attention_options o = options ? *options : nrm_attention_options_default();
    if (!nn) return nrm_no_node();
    if (o.size != sizeof o)
        return nrm_graph_refuse(nn->graph, NRM_E_ARGUMENT, "nn_attention: the options must come from nrm_attention_options_default()");
    if (!sound(nn, x, memory, &o)) return nrm_no_node();
    const int64_t *shape = nrm_at(x)->shape;
    nrm_graph_push(nn->graph, name);
    const bool is_plain = !memory.graph && !o.kernel && o.rope == 0 && (o.dropout == 0 || !nn->training);
    nrm_node y = is_plain ? plain(nn, x, &o) : general(nn, x, memory, &o);
    if (nrm_node_valid(y)) y = nrm_nn_linear(nn, "projection", nrm_op_reshape(y, 3, shape), shape[2], o.bias, o.output_init);
    nrm_graph_pop(nn->graph);
    return nn->graph->status < 0 ? nrm_no_node() : y;
}
