/* graph.h -- between the files of autodiff: nodes, their types, building.  Private.
 *
 *   graph.c           the graph: nodes, names, poison, reading
 *   op_*.c            one family of operations each: builders with their rules, derivatives,
 *                     kernels, and the nrm_op_type of each
 *   ops.def, op_table.c   the list of all, and the table of their types
 *   gradient.c        reverse and forward passes, jets, Jacobians: graph to graph
 *   program.h         compiling and running
 *
 * An operation is the public nrm_op_NAME (argument checks, then nrm_emit) and one
 * nrm_op_type.  Derivatives are built from nrm_op_ functions only, so they have derivatives
 * themselves.  Nothing here returns a status: a failure poisons the graph and gives an
 * invalid node, and every builder answers invalid nodes with an invalid node. */
#ifndef NRM_AUTODIFF_GRAPH_H
#define NRM_AUTODIFF_GRAPH_H

#include "base/base.h"
#include <norma/graph.h>

typedef enum nrm_op {
#define NRM_OP(constant, name) NRM_OP_##constant,
#include "ops.def"
#undef NRM_OP
    NRM_OP_COUNT
} nrm_op;

enum { NRM_OP_ATTRIBUTES = 12 };

typedef struct nrm_op_node {
    nrm_op op;
    nrm_dtype dtype;
    int ndim;
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    int input_count;
    const int32_t *inputs;  /* the graph's */
    int64_t attributes[NRM_OP_ATTRIBUTES]; /* their meaning: beside the type of the operation */
    double value;           /* of a fill */
    const char *name;       /* inputs and parameters, "" elsewhere */
    const void *constant;   /* a constant's elements */
    const struct nrm_custom_spec *custom;
} nrm_op_node;

typedef struct nrm_op_run nrm_op_run;

enum {
    NRM_OP_ELEMENTWISE = 1, /* done by the tile machine (tile.h) */
    NRM_OP_REDUCTION = 2,   /* may be done by the tile machine */
    NRM_OP_VIEW = 4,        /* the input's elements in another order, some left out or repeated */
    NRM_OP_SOURCE = 8,
    NRM_OP_FLAT = 16        /* derivative zero: steps, comparisons, indices */
};

typedef struct nrm_op_type {
    const char *name;
    unsigned flags;
    /* gradients[i] (invalid on entry) = cotangent of input i, of its shape, for those with
     * wanted[i]; left invalid: zero.  NULL: FLAT operations give zeros, others have no
     * derivative and say so. */
    void (*vjp)(nrm_graph *graph, int32_t node, nrm_node cotangent, const bool *wanted, nrm_node *gradients);
    /* Compute the node; NULL for what the tile machine, the product or a view does.  A
     * status < 0 ends the run. */
    nrm_status (*run)(const nrm_op_run *run);
    /* What costs time or memory and outlives a run, such as plans: made once for each step of
     * an instance (`in`, `out` and `work` are not known then), found by run in r->prepared.
     * NULL: nothing.  Both or neither. */
    nrm_status (*prepare)(const nrm_op_run *run, void **prepared);
    void (*finish)(nrm_ctx *ctx, void *prepared); /* of what prepare made */
    int64_t (*work)(const nrm_op_run *run); /* bytes of r->work for at most r->threads; NULL: none */
    double (*flops)(const nrm_op_run *run); /* NULL: one an element */
} nrm_op_type;

/* One computation: pointers to whole contiguous arrays.  Work and outputs are 64-byte
 * aligned and hold rubbish; outputs must be written whole. */
struct nrm_op_run {
    nrm_ctx *ctx;
    const nrm_op_node *node;
    const nrm_op_node *const *inputs; /* input_count */
    const void *const *in;
    void *out;
    void *work;
    void *prepared;      /* of this step, by prepare */
    int threads;         /* at most; the bits must not depend on it */
    uint64_t seed, step; /* of the instance's random streams */
};

extern const nrm_op_type *const nrm_op_types[NRM_OP_COUNT];

struct nrm_graph {
    nrm_ctx *ctx;
    nrm_op_node **nodes; /* each stays where it is as the graph grows */
    int32_t count;
    int64_t capacity;
    struct nrm_graph_chunk *chunks; /* memory of names, inputs, constants */
    char scope[256];                /* "block0.attention." */
    unsigned char scope_starts[128]; /* of every scope in it, for pop: each has two characters or more */
    int scope_depth;
    nrm_status status;              /* the first failure, and */
    char message[512];              /* its sentence */
};

/* Memory that lives as long as the graph, 64-byte aligned; NULL poisons the graph (nomem). */
void *nrm_graph_keep(nrm_graph *graph, int64_t bytes);

static inline nrm_node nrm_no_node(void) { return (nrm_node){NULL, -1}; }
/* An invalid node that still tells its graph, and with that the cause: what a builder gives
 * where an argument `of` was invalid. */
static inline nrm_node nrm_lost(nrm_node of) { return (nrm_node){of.graph, -1}; }
/* The node behind a handle; only for valid ones. */
static inline const nrm_op_node *nrm_at(nrm_node node) { return node.graph->nodes[node.index]; }
static inline const nrm_op_type *nrm_type_of(nrm_node node) { return nrm_op_types[nrm_at(node)->op]; }

/* A custom operation with the shapes of its outputs, kept by a graph. */
typedef struct nrm_custom_spec {
    nrm_custom custom;
    int output_count;
    nrm_custom_output outputs[];
} nrm_custom_spec;
const nrm_custom_spec *nrm_custom_keep(nrm_graph *graph, const nrm_custom *custom, int count, const nrm_custom_output *outputs);

/* The common graph of `count` nodes; NULL if one is invalid or they belong to several
 * graphs (which poisons the first). */
nrm_graph *nrm_common_graph(const char *who, int count, const nrm_node *nodes);

/* A node to be filled in: zeros, then op, dtype, shape. */
nrm_op_node nrm_new_node(nrm_op op, nrm_dtype dtype, int ndim, const int64_t *shape);
/* Append it with its inputs (all of graph).  Sizes that overflow poison. */
nrm_node nrm_emit(nrm_graph *graph, nrm_op_node node, int input_count, const nrm_node *inputs);

/* "2x3x5" of a node's shape. */
enum { NRM_NODE_TEXT = 160 };
const char *nrm_node_text(char text[NRM_NODE_TEXT], nrm_node node);
const char *nrm_dims_text(char text[NRM_NODE_TEXT], int ndim, const int64_t *shape);

bool nrm_is_float(nrm_dtype dtype);
bool nrm_same_dims(int ndim_a, const int64_t *a, int ndim_b, const int64_t *b);
int64_t nrm_elements(const nrm_op_node *node); /* the product of the shape */
/* Axis from -ndim .. ndim-1 to 0 .. ndim-1; poisons and gives -1. */
int nrm_axis(nrm_graph *graph, const char *who, int ndim, int axis);
/* Refuse a node that is not f32 or f64; an index that is not i64. */
bool nrm_want_float(const char *who, nrm_node x);
bool nrm_want_index(const char *who, nrm_node x);
bool nrm_want_ndim(const char *who, nrm_node x, int least, int most);

/* A placeholder of a derivative under construction. */
nrm_node nrm_variable(nrm_graph *graph, nrm_dtype dtype, int ndim, const int64_t *shape);
static inline nrm_node nrm_like(nrm_node x, double value) /* fill of x's dtype and shape */
{
    return nrm_graph_fill(x.graph, nrm_at(x)->dtype, nrm_at(x)->ndim, nrm_at(x)->shape, value);
}
static inline nrm_node nrm_input(nrm_graph *graph, int32_t node, int i) /* handle of an input */
{
    return (nrm_node){graph, graph->nodes[node]->inputs[i]};
}
static inline nrm_node nrm_self(nrm_graph *graph, int32_t node) { return (nrm_node){graph, node}; }

#endif
