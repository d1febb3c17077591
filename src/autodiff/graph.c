/* graph.c -- the graph: nodes in the order they are made, names, poison, reading. */
#include "graph.h"
#include "data/data.h"
#include <stdio.h>

typedef struct nrm_graph_chunk {
    struct nrm_graph_chunk *next;
    int64_t used, size;
    _Alignas(64) unsigned char bytes[];
} nrm_graph_chunk;

enum { CHUNK = 16384 };

nrm_status nrm_graph_create(nrm_ctx *ctx, nrm_graph **graph)
{
    nrm_graph *g;
    NRM_REQUIRE(ctx, graph, NRM_E_NULL, "graph: the place for the graph is NULL");
    NRM_TRY(NRM_ALLOC_ZERO(ctx, g, 1, "a graph"));
    g->ctx = ctx;
    *graph = g;
    return NRM_OK;
}

void nrm_graph_destroy(nrm_graph *graph)
{
    if (!graph) return;
    for (nrm_graph_chunk *c = graph->chunks, *next; c; c = next) {
        next = c->next;
        nrm_free(graph->ctx, c);
    }
    nrm_free(graph->ctx, graph->nodes);
    nrm_free(graph->ctx, graph);
}

nrm_status nrm_graph_check(const nrm_graph *graph)
{
    if (!graph) return NRM_E_NULL;
    return graph->status < 0 ? nrm_fail(graph->ctx, graph->status, "%s", graph->message) : NRM_OK;
}

nrm_node nrm_graph_refuse(nrm_graph *graph, nrm_status status, const char *format, ...)
{
    if (graph && graph->status >= 0) {
        va_list list;
        graph->status = status;
        va_start(list, format);
        vsnprintf(graph->message, sizeof graph->message, format, list);
        va_end(list);
    }
    return (nrm_node){graph, -1};
}

void *nrm_graph_keep(nrm_graph *graph, int64_t bytes)
{
    nrm_graph_chunk *c = graph->chunks;
    int64_t padded = bytes;
    if (!nrm_add_size(bytes, 63, &padded) || padded > INT64_MAX / 2) {
        nrm_graph_refuse(graph, NRM_E_OVERFLOW, "graph: a constant is larger than memory can address");
        return NULL;
    }
    padded = padded / 64 * 64;
    if (!c || c->size - c->used < padded) {
        const int64_t size = nrm_max_i64(padded, CHUNK);
        if (nrm_alloc_bytes(graph->ctx, &c, size + (int64_t)sizeof *c, 1, "a graph") < 0) {
            nrm_graph_refuse(graph, NRM_E_NOMEM, "graph: no memory for %lld bytes more", NRM_LL(bytes));
            return NULL;
        }
        *c = (nrm_graph_chunk){.next = graph->chunks, .size = size};
        graph->chunks = c;
    }
    void *place = c->bytes + c->used;
    c->used += padded;
    return place;
}

/* ---- Small questions ------------------------------------------------------------------------ */

bool nrm_node_valid(nrm_node node) { return node.graph && node.index >= 0 && node.index < node.graph->count; }
bool nrm_is_float(nrm_dtype dtype) { return dtype == NRM_F32 || dtype == NRM_F64; }

bool nrm_same_dims(int ndim_a, const int64_t *a, int ndim_b, const int64_t *b)
{
    return ndim_a == ndim_b && (ndim_a == 0 || memcmp(a, b, (size_t)ndim_a * sizeof *a) == 0);
}

int64_t nrm_elements(const nrm_op_node *node)
{
    int64_t count = 1;
    for (int i = 0; i < node->ndim; i++) count *= node->shape[i]; /* nrm_emit saw that it fits */
    return count;
}

const char *nrm_dims_text(char text[NRM_NODE_TEXT], int ndim, const int64_t *shape)
{
    char whole[NRM_SHAPE_LENGTH];
    snprintf(text, NRM_NODE_TEXT, "%.*s", NRM_NODE_TEXT - 1, nrm_shape_text(whole, ndim, shape));
    return text;
}

const char *nrm_node_text(char text[NRM_NODE_TEXT], nrm_node node)
{
    return nrm_dims_text(text, nrm_at(node)->ndim, nrm_at(node)->shape);
}

int nrm_axis(nrm_graph *graph, const char *who, int ndim, int axis)
{
    if (axis >= -ndim && axis < ndim) return axis < 0 ? axis + ndim : axis;
    nrm_graph_refuse(graph, NRM_E_RANGE, "%s: axis is %d; an array of %d dimensions has axes %d to %d", who, axis,
                     ndim, -ndim, ndim - 1);
    return -1;
}

bool nrm_want_float(const char *who, nrm_node x)
{
    if (nrm_is_float(nrm_at(x)->dtype)) return true;
    nrm_graph_refuse(x.graph, NRM_E_DTYPE, "%s: the argument is %s; it must be f32 or f64: use nrm_op_cast", who,
                     nrm_dtype_name(nrm_at(x)->dtype));
    return false;
}

bool nrm_want_index(const char *who, nrm_node x)
{
    if (nrm_at(x)->dtype == NRM_I64) return true;
    nrm_graph_refuse(x.graph, NRM_E_DTYPE, "%s: the index is %s; indices are i64", who,
                     nrm_dtype_name(nrm_at(x)->dtype));
    return false;
}

bool nrm_want_ndim(const char *who, nrm_node x, int least, int most)
{
    char text[NRM_NODE_TEXT];
    if (nrm_at(x)->ndim >= least && nrm_at(x)->ndim <= most) return true;
    nrm_graph_refuse(x.graph, NRM_E_SHAPE, "%s: the argument has shape %s; it must have %d to %d dimensions", who,
                     nrm_node_text(text, x), least, most);
    return false;
}

nrm_graph *nrm_common_graph(const char *who, int count, const nrm_node *nodes)
{
    nrm_graph *graph = count > 0 ? nodes[0].graph : NULL;
    for (int i = 0; i < count; i++) {
        if (!nrm_node_valid(nodes[i])) {
            /* An invalid node of a sound graph was never made: say so rather than pass on nothing. */
            for (int k = 0; k < count; k++)
                if (nodes[k].graph)
                    nrm_graph_refuse(nodes[k].graph, NRM_E_NULL, "%s: argument %d is no node", who, i + 1);
            return NULL;
        }
        if (nodes[i].graph != graph) {
            nrm_graph_refuse(graph, NRM_E_ARGUMENT, "%s: argument %d belongs to another graph", who, i + 1);
            return NULL;
        }
    }
    return graph;
}

/* ---- Making nodes ------------------------------------------------------------------------------ */

nrm_op_node nrm_new_node(nrm_op op, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    nrm_op_node node = {.op = op, .dtype = dtype, .ndim = ndim, .name = ""};
    for (int i = 0; i < ndim && i < NRM_GRAPH_MAX_NDIM; i++) node.shape[i] = shape[i];
    return node;
}

nrm_node nrm_emit(nrm_graph *graph, nrm_op_node node, int input_count, const nrm_node *inputs)
{
    const char *who = nrm_op_types[node.op]->name;
    int64_t count, bytes;
    char text[NRM_NODE_TEXT];

    if (graph->status < 0) return (nrm_node){graph, -1};
    if (node.ndim < 0 || node.ndim > NRM_GRAPH_MAX_NDIM)
        return nrm_graph_refuse(graph, NRM_E_SHAPE, "%s: the result would have %d dimensions; at most %d are possible",
                                who, node.ndim, NRM_GRAPH_MAX_NDIM);
    for (int i = 0; i < node.ndim; i++)
        if (node.shape[i] < 0)
            return nrm_graph_refuse(graph, NRM_E_SHAPE, "%s: shape %s has a negative entry", who,
                                    nrm_dims_text(text, node.ndim, node.shape));
    if (!nrm_shape_count(node.ndim, node.shape, &count) || !nrm_mul_size(count, 8, &bytes))
        return nrm_graph_refuse(graph, NRM_E_OVERFLOW, "%s: an array of shape %s has more bytes than memory can address",
                                who, nrm_dims_text(text, node.ndim, node.shape));
    if (graph->count == INT32_MAX - 1) return nrm_graph_refuse(graph, NRM_E_OVERFLOW, "%s: the graph is full", who);

    int32_t *places = NULL;
    if (input_count > 0) {
        places = nrm_graph_keep(graph, input_count * (int64_t)sizeof *places);
        if (!places) return (nrm_node){graph, -1};
        for (int i = 0; i < input_count; i++) places[i] = inputs[i].index;
    }
    if (nrm_grow(graph->ctx, &graph->nodes, &graph->capacity, graph->count + 1, sizeof *graph->nodes, "a graph") < 0)
        return nrm_graph_refuse(graph, NRM_E_NOMEM, "%s: no memory for one more node", who);
    nrm_op_node *kept = nrm_graph_keep(graph, sizeof *kept);
    if (!kept) return (nrm_node){graph, -1};
    node.inputs = places;
    node.input_count = input_count;
    *kept = node;
    graph->nodes[graph->count] = kept;
    return (nrm_node){graph, graph->count++};
}

/* ---- Names ------------------------------------------------------------------------------------------ */

void nrm_graph_push(nrm_graph *graph, const char *scope)
{
    if (!graph) return;
    const size_t used = strlen(graph->scope);
    if (!scope || !*scope || strlen(scope) + 1 >= sizeof graph->scope - used) {
        nrm_graph_refuse(graph, NRM_E_ARGUMENT, "graph: the scope '%.40s' is empty or makes names too long", scope ? scope : "");
        return;
    }
    graph->scope_starts[graph->scope_depth++] = (unsigned char)used;
    snprintf(graph->scope + used, sizeof graph->scope - used, "%s.", scope);
}

void nrm_graph_pop(nrm_graph *graph)
{
    if (!graph) return;
    if (graph->scope_depth == 0) nrm_graph_refuse(graph, NRM_E_ARGUMENT, "graph: more scopes are popped than were pushed");
    else graph->scope[graph->scope_starts[--graph->scope_depth]] = '\0';
}

static bool named(const nrm_op_node *node) { return node->op == NRM_OP_input || node->op == NRM_OP_parameter; }

nrm_node nrm_graph_find(nrm_graph *graph, const char *name)
{
    for (int32_t i = 0; graph && name && i < graph->count; i++)
        if (named(graph->nodes[i]) && strcmp(graph->nodes[i]->name, name) == 0) return (nrm_node){graph, i};
    return (nrm_node){graph, -1};
}

static nrm_node named_source(nrm_graph *graph, nrm_op op, const char *name, nrm_dtype dtype, int ndim,
                             const int64_t *shape)
{
    const char *who = nrm_op_types[op]->name;
    if (!graph || graph->status < 0) return (nrm_node){graph, -1};
    if (!name || !*name) return nrm_graph_refuse(graph, NRM_E_ARGUMENT, "%s: it has no name", who);
    if (dtype != NRM_F32 && dtype != NRM_F64 && dtype != NRM_I64)
        return nrm_graph_refuse(graph, NRM_E_DTYPE, "%s: '%s' is of dtype %d; it must be f32, f64 or i64", who, name, (int)dtype);
    if (op == NRM_OP_parameter && dtype == NRM_I64)
        return nrm_graph_refuse(graph, NRM_E_DTYPE, "%s: '%s' is i64; parameters are f32 or f64", who, name);
    const size_t scope = strlen(graph->scope), length = strlen(name);
    char *whole = nrm_graph_keep(graph, (int64_t)(scope + length + 1));
    if (!whole) return (nrm_node){graph, -1};
    memcpy(whole, graph->scope, scope);
    memcpy(whole + scope, name, length + 1);
    if (nrm_node_valid(nrm_graph_find(graph, whole)))
        return nrm_graph_refuse(graph, NRM_E_ARGUMENT, "%s: the name '%s' is taken; names are unique", who, whole);
    nrm_op_node node = nrm_new_node(op, dtype, ndim, shape);
    node.name = whole;
    return nrm_emit(graph, node, 0, NULL);
}

nrm_node nrm_graph_input(nrm_graph *graph, const char *name, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    return named_source(graph, NRM_OP_input, name, dtype, ndim, shape);
}

nrm_node nrm_graph_parameter(nrm_graph *graph, const char *name, nrm_dtype dtype, int ndim, const int64_t *shape)
{
    return named_source(graph, NRM_OP_parameter, name, dtype, ndim, shape);
}

/* ---- Reading ------------------------------------------------------------------------------------------ */

int32_t nrm_graph_size(const nrm_graph *graph) { return graph ? graph->count : 0; }

nrm_node nrm_graph_node(nrm_graph *graph, int32_t index)
{
    return graph && index >= 0 && index < graph->count ? (nrm_node){graph, index} : (nrm_node){graph, -1};
}

int32_t nrm_graph_parameters(const nrm_graph *graph, int32_t most, nrm_node *parameters)
{
    int32_t count = 0;
    for (int32_t i = 0; graph && i < graph->count; i++) {
        if (graph->nodes[i]->op != NRM_OP_parameter) continue;
        /* The handle must allow building on: the constness is the reader's promise only. */
        if (count < most) parameters[count] = (nrm_node){(nrm_graph *)(uintptr_t)graph, i};
        count++;
    }
    return count;
}

bool nrm_graph_view(const nrm_graph *graph, int32_t index, nrm_node_view *view)
{
    if (!graph || !view || index < 0 || index >= graph->count) return false;
    const nrm_op_node *n = graph->nodes[index];
    *view = (nrm_node_view){.operation = nrm_op_types[n->op]->name, .name = n->name, .dtype = n->dtype, .ndim = n->ndim,
                            .shape = n->shape, .input_count = n->input_count, .inputs = n->inputs,
                            .attribute_count = NRM_OP_ATTRIBUTES, .attributes = n->attributes, .value = n->value,
                            .constant = n->constant};
    return true;
}
