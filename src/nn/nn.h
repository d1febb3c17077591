/* nn.h -- between the files of nn.  Private.  Contract: norma/nn.h.
 *
 *   nn.c           what a network under construction has declared
 *   init.c         initial values
 *   layers.c       linear, convolution, embedding, dropout; norms.c, activations.c,
 *                  positions.c, attention.c, losses.c: one family each
 *   config.c       configurations: JSON to numbers and back, by tables of keys
 *   network.c      networks from configurations; model_*.c: one model each, its table and body
 *   parameters.c   the memory of parameters; checkpoint.c: files of them
 *
 * A layer first makes sure of its arguments (nrm_nn_takes), so that shapes may be looked at;
 * all else that can be wrong is found by the operations and poisons the graph. */
#ifndef NRM_NN_IMPL_H
#define NRM_NN_IMPL_H

#include "autodiff/graph.h"
#include <norma/nn.h>

typedef struct nrm_nn_record {
    nrm_node node, next;
    nrm_init init;
    unsigned flags;
    int split_count;
    int64_t split[NRM_PARAMETER_SPLITS];
} nrm_nn_record;

struct nrm_nn {
    nrm_ctx *ctx;
    nrm_graph *graph;
    nrm_dtype dtype;
    bool training;
    nrm_nn_record *records;
    int64_t count, capacity;
};

/* x is a node of nn's graph with `least` to `most` dimensions and nn's dtype; else the graph
 * is poisoned (unless it is already) and the layer returns nrm_no_node(). */
bool nrm_nn_takes(nrm_nn *nn, const char *who, nrm_node x, int least, int most);
/* The same for i64. */
bool nrm_nn_takes_index(nrm_nn *nn, const char *who, nrm_node x);
/* A size that must be >= 1. */
bool nrm_nn_positive(nrm_nn *nn, const char *who, const char *what, int64_t value);
/* A scope called "0", "1", ...: popped like any other. */
void nrm_nn_push_number(nrm_nn *nn, int64_t number);
/* 64 bits of a name (FNV-1a): the number of its random stream. */
uint64_t nrm_name_stream(const char *scope, const char *name);

/* ---- Initial values ---------------------------------------------------------------------- */

const char *nrm_init_name(nrm_init_kind kind);
const char *const *nrm_init_names(void); /* by kind, NULL at the end */
/* The bias that belongs to a weight: torch draws it within the weight's bound, all others 0. */
nrm_init nrm_init_bias(nrm_init weight, int64_t fan_in);

/* ---- Configurations ------------------------------------------------------------------------ */

typedef enum nrm_key_kind { NRM_KEY_INTEGER, NRM_KEY_NUMBER, NRM_KEY_FLAG, NRM_KEY_CHOICE, NRM_KEY_LIST } nrm_key_kind;

enum { NRM_LIST_MOST = 64 };
typedef struct nrm_key_list {
    int64_t count, value[NRM_LIST_MOST];
} nrm_key_list;

/* One key: where its value goes in the configuration (int64_t, double, bool, the index of a
 * word as int64_t, nrm_key_list), and its usual value as JSON. */
typedef struct nrm_config_key {
    const char *name;
    nrm_key_kind kind;
    size_t offset;
    double least, most; /* of the number, or of every number of the list */
    const char *usual;  /* NULL: must be given */
    const char *const *(*words)(void);
    const char *help;
} nrm_config_key;

/* Values of every key; each model reads its own. */
typedef struct nrm_config {
    int64_t layers, width, heads, context, vocabulary, position, norm, activation, feed_forward, init, loss, groups;
    int64_t inputs, outputs, blocks, classes;
    double dropout, label_smoothing, huber_delta, rope_base;
    bool tie, bias;
    nrm_key_list widths, channels, image;
} nrm_config;

typedef struct nrm_model {
    const char *name;
    const nrm_config_key *keys; /* NULL name at the end */
    /* What the table cannot say: "width must be a multiple of heads". */
    nrm_status (*check)(nrm_ctx *ctx, const nrm_config *config);
    /* The input "x" of a graph; the body; the loss with its input "y". */
    nrm_node (*input)(const nrm_config *config, nrm_nn *nn, const nrm_network_options *options);
    nrm_node (*apply)(const nrm_config *config, nrm_nn *nn, nrm_node x, const nrm_network_options *options);
    nrm_nn_loss (*loss)(const nrm_config *config, nrm_nn *nn, nrm_node logits, nrm_node *y);
} nrm_model;

extern const nrm_model nrm_model_gpt, nrm_model_mlp, nrm_model_convnet;

/* Read config, then fallback (may be NULL), then the usual values; *text is the whole, as
 * JSON (nrm_free). */
nrm_status nrm_config_read(nrm_ctx *ctx, const char *text, const char *fallback, const nrm_model **model,
                           nrm_config *config, char **whole);
const nrm_model *nrm_model_find(const char *name); /* NULL: none */

/* The i-th norm of `words`: "layer", "rms", "batch", "group", "none". */
nrm_node nrm_nn_norm(nrm_nn *nn, const char *name, nrm_node x, const char *kind, int64_t groups);

#endif
