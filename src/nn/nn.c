/* nn.c -- a network under construction: its graph, and the list of what was declared. */
#include "nn.h"
#include <stdio.h>

nrm_status nrm_nn_create(nrm_ctx *ctx, nrm_nn **nn, nrm_dtype dtype, bool training)
{
    nrm_nn *made;
    NRM_REQUIRE(ctx, nn, NRM_E_NULL, "nn: the place for the network is NULL");
    NRM_REQUIRE(ctx, nrm_is_float(dtype), NRM_E_DTYPE, "nn: dtype is %s; parameters are f32 or f64",
                nrm_dtype_name(dtype));
    NRM_TRY(NRM_ALLOC_ZERO(ctx, made, 1, "a network"));
    const nrm_status st = nrm_graph_create(ctx, &made->graph);
    if (st < 0) {
        nrm_free(ctx, made);
        return st;
    }
    made->ctx = ctx;
    made->dtype = dtype;
    made->training = training;
    *nn = made;
    return NRM_OK;
}

void nrm_nn_destroy(nrm_nn *nn)
{
    if (!nn) return;
    nrm_graph_destroy(nn->graph);
    nrm_free(nn->ctx, nn->records);
    nrm_free(nn->ctx, nn);
}

nrm_graph *nrm_nn_graph(nrm_nn *nn) { return nn ? nn->graph : NULL; }
nrm_dtype nrm_nn_dtype(const nrm_nn *nn) { return nn ? nn->dtype : NRM_F32; }
bool nrm_nn_training(const nrm_nn *nn) { return nn && nn->training; }

/* ---- Arguments of layers -------------------------------------------------------------------- */

static bool takes(nrm_nn *nn, const char *who, nrm_node x, nrm_dtype dtype)
{
    if (!nn) return false;
    if (!nrm_node_valid(x) || x.graph != nn->graph) {
        nrm_graph_refuse(nn->graph, x.graph && x.graph != nn->graph ? NRM_E_ARGUMENT : NRM_E_NULL,
                         "%s: the argument is no node of this network's graph", who);
        return false;
    }
    if (nrm_at(x)->dtype == dtype) return true;
    nrm_graph_refuse(nn->graph, NRM_E_DTYPE, "%s: the argument is %s; it must be %s: use nrm_op_cast", who,
                     nrm_dtype_name(nrm_at(x)->dtype), nrm_dtype_name(dtype));
    return false;
}

bool nrm_nn_takes(nrm_nn *nn, const char *who, nrm_node x, int least, int most)
{
    return nn && takes(nn, who, x, nn->dtype) && nrm_want_ndim(who, x, least, most);
}

bool nrm_nn_takes_index(nrm_nn *nn, const char *who, nrm_node x) { return takes(nn, who, x, NRM_I64); }

bool nrm_nn_positive(nrm_nn *nn, const char *who, const char *what, int64_t value)
{
    if (value >= 1) return true;
    nrm_graph_refuse(nn->graph, NRM_E_RANGE, "%s: %s is %lld; it must be 1 or more", who, what, NRM_LL(value));
    return false;
}

void nrm_nn_push_number(nrm_nn *nn, int64_t number)
{
    char name[32];
    snprintf(name, sizeof name, "%lld", NRM_LL(number));
    nrm_graph_push(nn->graph, name);
}

uint64_t nrm_name_stream(const char *scope, const char *name)
{
    return nrm_hash(nrm_hash(NRM_HASH_START, scope, strlen(scope)), name, strlen(name));
}

/* ---- Declaring --------------------------------------------------------------------------------- */

static nrm_node record(nrm_nn *nn, nrm_node node, nrm_init init, unsigned flags)
{
    if (!nrm_node_valid(node)) return node;
    if (nrm_grow(nn->ctx, &nn->records, &nn->capacity, nn->count + 1, sizeof *nn->records, "a network") < 0)
        return nrm_graph_refuse(nn->graph, NRM_E_NOMEM, "nn: no memory for one more parameter");
    nn->records[nn->count++] = (nrm_nn_record){.node = node, .next = nrm_no_node(), .init = init, .flags = flags};
    return node;
}

nrm_node nrm_nn_parameter(nrm_nn *nn, const char *name, int ndim, const int64_t *shape, nrm_init init, unsigned flags)
{
    if (!nn) return nrm_no_node();
    return record(nn, nrm_graph_parameter(nn->graph, name, nn->dtype, ndim, shape), init, flags & ~(unsigned)NRM_PARAMETER_BUFFER);
}

nrm_node nrm_nn_buffer(nrm_nn *nn, const char *name, int ndim, const int64_t *shape, nrm_init init)
{
    if (!nn) return nrm_no_node();
    return record(nn, nrm_graph_input(nn->graph, name, nn->dtype, ndim, shape), init, NRM_PARAMETER_BUFFER | NRM_PARAMETER_NO_DECAY);
}

void nrm_nn_split(nrm_nn *nn, int count, const int64_t *heights)
{
    int64_t sum = 0;
    if (!nn || nn->count == 0 || nn->graph->status < 0) return;
    nrm_nn_record *r = &nn->records[nn->count - 1];
    const nrm_op_node *n = nrm_at(r->node);
    bool sound = count >= 1 && count <= NRM_PARAMETER_SPLITS && n->ndim >= 1;
    for (int i = 0; sound && i < count; i++) sound = heights[i] >= 1 && nrm_add_size(sum, heights[i], &sum);
    if (!sound || sum != n->shape[0]) {
        nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "nn: the row blocks of '%s' sum to %lld; 1 to %d of them must cover "
                         "its rows", n->name, NRM_LL(sum), NRM_PARAMETER_SPLITS);
        return;
    }
    r->split_count = count;
    memcpy(r->split, heights, (size_t)count * sizeof *heights);
}

void nrm_nn_buffer_next(nrm_nn *nn, nrm_node buffer, nrm_node next)
{
    char a[NRM_NODE_TEXT], b[NRM_NODE_TEXT];
    if (!nn || !nrm_node_valid(buffer) || !nrm_node_valid(next)) return; /* poisoned, or nothing to do */
    for (int64_t i = 0; i < nn->count; i++) {
        nrm_nn_record *r = &nn->records[i];
        if (!(r->flags & NRM_PARAMETER_BUFFER) || r->node.graph != buffer.graph || r->node.index != buffer.index) continue;
        if (nrm_at(next)->dtype != nn->dtype ||
            !nrm_same_dims(nrm_at(next)->ndim, nrm_at(next)->shape, nrm_at(buffer)->ndim, nrm_at(buffer)->shape)) {
            nrm_graph_refuse(nn->graph, NRM_E_SHAPE, "nn: the next value of buffer '%s' has shape %s; it must be %s",
                             nrm_at(buffer)->name, nrm_node_text(a, next), nrm_node_text(b, buffer));
            return;
        }
        r->next = nrm_op_stop_gradient(next);
        return;
    }
    nrm_graph_refuse(nn->graph, NRM_E_ARGUMENT, "nn: '%s' is no buffer of this network", nrm_at(buffer)->name);
}

/* ---- Reading --------------------------------------------------------------------------------------- */

int64_t nrm_nn_parameter_count(const nrm_nn *nn) { return nn ? nn->count : 0; }

bool nrm_nn_parameter_at(const nrm_nn *nn, int64_t i, nrm_parameter *parameter, nrm_node *node, nrm_node *next)
{
    if (!nn || !parameter || i < 0 || i >= nn->count) return false;
    const nrm_nn_record *r = &nn->records[i];
    const nrm_op_node *n = nrm_at(r->node);
    *parameter = (nrm_parameter){.name = n->name, .array = {.dtype = n->dtype, .ndim = n->ndim}, .init = r->init,
                                 .flags = r->flags, .split_count = r->split_count};
    for (int k = 0; k < n->ndim; k++) parameter->array.shape[k] = n->shape[k];
    memcpy(parameter->split, r->split, sizeof r->split);
    if (node) *node = r->node;
    if (next) *next = r->next;
    return true;
}

int32_t nrm_nn_trained(const nrm_nn *nn, int32_t most, nrm_node *parameters)
{
    int32_t count = 0;
    for (int64_t i = 0; nn && i < nn->count; i++) {
        if (nn->records[i].flags & NRM_PARAMETER_BUFFER) continue;
        if (count < most) parameters[count] = nn->records[i].node;
        count++;
    }
    return count;
}

int32_t nrm_nn_updates(const nrm_nn *nn, int32_t most, nrm_node *next)
{
    int32_t count = 0;
    for (int64_t i = 0; nn && i < nn->count; i++) {
        if (!nrm_node_valid(nn->records[i].next)) continue;
        if (count < most) next[count] = nn->records[i].next;
        count++;
    }
    return count;
}
