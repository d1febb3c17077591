/* norma/nn.h -- layers, networks and their parameters, on graphs (norma/graph.h).
 *
 *     nrm_network *network;  nrm_network_graph train;  nrm_parameters *parameters;
 *     nrm_network_create(ctx, "{\"model\": \"gpt\", \"layers\": 4}", NULL, &network);
 *     nrm_network_build(ctx, network, &options, &train);       x, y, logits, loss as nodes
 *     nrm_parameters_create(ctx, train.nn, &parameters);
 *     nrm_parameters_initialise(ctx, parameters, 1);
 *
 * or layer by layer, the loss and everything else being the caller's:
 *
 *     nrm_nn *nn;
 *     nrm_nn_create(ctx, &nn, NRM_F32, true);
 *     nrm_node x = nrm_graph_input(nrm_nn_graph(nn), "x", NRM_F32, 2, (int64_t[]){64, 3});
 *     nrm_node h = nrm_nn_activation(nn, "act", nrm_nn_linear(nn, "hidden", x, 50, true, init), "tanh", -1);
 *
 * A layer is a function that declares its parameters under a name ("hidden.weight",
 * "hidden.bias") and gives a node.  As with every graph, building needs no checks: an
 * argument that does not fit poisons the graph and the first cause is reported by
 * nrm_graph_check, nrm_compile or nrm_network_build.  Configurations: docs/networks.md. */
#ifndef NORMA_NN_H
#define NORMA_NN_H

#include <norma/graph.h>
#include <norma/io.h>
#include <norma/method.h>
#include <norma/program.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Initial values ---------------------------------------------------------------------
 * fan_in = shape[1] shape[2] ..., fan_out = shape[0] shape[2] ...; a vector has both = shape[0].
 * What a and b mean, and their usual values:
 *   constant          a: the value (0)
 *   normal            mean a (0), standard deviation b (1)
 *   truncated_normal  the same, drawn again beyond two standard deviations
 *   uniform           [a, b), (0, 1)
 *   xavier_uniform    +- a sqrt(6 / (fan_in + fan_out)), a: gain (1)
 *   xavier_normal     standard deviation a sqrt(2 / (fan_in + fan_out))
 *   kaiming_uniform   +- a sqrt(3 / fan_in), a: gain (sqrt 2)
 *   kaiming_normal    standard deviation a / sqrt(fan_in)
 *   orthogonal        a times a random matrix, shape[0] x the rest, of orthonormal rows or
 *                     columns (1); O(min^2 max) work
 *   torch             +- 1 / sqrt(fan_in), weight and bias: what torch.nn.Linear and Conv2d do */
#define NRM_INIT_KINDS(C)                          \
    C(NRM_INIT_ZEROS, "zeros")                     \
    C(NRM_INIT_ONES, "ones")                       \
    C(NRM_INIT_CONSTANT, "constant")               \
    C(NRM_INIT_NORMAL, "normal")                   \
    C(NRM_INIT_TRUNCATED_NORMAL, "truncated_normal") \
    C(NRM_INIT_UNIFORM, "uniform")                 \
    C(NRM_INIT_XAVIER_UNIFORM, "xavier_uniform")   \
    C(NRM_INIT_XAVIER_NORMAL, "xavier_normal")     \
    C(NRM_INIT_KAIMING_UNIFORM, "kaiming_uniform") \
    C(NRM_INIT_KAIMING_NORMAL, "kaiming_normal")   \
    C(NRM_INIT_ORTHOGONAL, "orthogonal")           \
    C(NRM_INIT_TORCH, "torch")
NRM_CHOICES(nrm_init_kind, NRM_INIT_KINDS);

typedef struct nrm_init {
    nrm_init_kind kind;
    double a, b;
} nrm_init;
NRM_API nrm_init nrm_init_usual(nrm_init_kind kind); /* with the usual a and b */

/* Fill an f32 or f64 array: element i is a pure function of (seed, name, i), the same number
 * for f32 (rounded) and f64, for any number of threads.  NRM_E_NULL, _DTYPE, _RANGE (a, b),
 * _NOMEM (orthogonal needs work). */
NRM_API NRM_NODISCARD nrm_status nrm_init_fill(nrm_ctx *ctx, nrm_init init, uint64_t seed, const char *name,
                                               nrm_array *array);

/* ---- A network under construction ----------------------------------------------------------- */

enum { /* what a parameter is; the first two as in norma/optim.h */
    NRM_PARAMETER_EMBEDDING = 1,
    NRM_PARAMETER_HEAD = 2,
    NRM_PARAMETER_NO_DECAY = 4, /* biases, scales of norms */
    NRM_PARAMETER_BUFFER = 8    /* not trained: running statistics */
};
enum { NRM_PARAMETER_SPLITS = 4 };

typedef struct nrm_parameter {
    const char *name;
    nrm_array array; /* data NULL where it is only declared (nrm_nn_parameter_at) */
    nrm_init init;
    unsigned flags;
    int split_count; /* heights of row blocks that are matrices of their own, 0: one matrix */
    int64_t split[NRM_PARAMETER_SPLITS];
} nrm_parameter;

typedef struct nrm_nn nrm_nn;

/* A graph of its own with a list of what was declared; dtype f32 or f64 is that of all
 * parameters.  training: dropout drops, batch norm uses the batch's statistics.  Allocates
 * through ctx and must not outlive it.  NRM_E_NULL, _DTYPE, _NOMEM. */
NRM_API NRM_NODISCARD nrm_status nrm_nn_create(nrm_ctx *ctx, nrm_nn **nn, nrm_dtype dtype, bool training);
NRM_API void nrm_nn_destroy(nrm_nn *nn); /* with its graph; NULL is fine */
NRM_API nrm_graph *nrm_nn_graph(nrm_nn *nn); /* for inputs, operations, nrm_graph_push */
NRM_API nrm_dtype nrm_nn_dtype(const nrm_nn *nn);
NRM_API bool nrm_nn_training(const nrm_nn *nn);

/* A parameter under the current scope.  Use the node twice to tie two layers. */
NRM_API nrm_node nrm_nn_parameter(nrm_nn *nn, const char *name, int ndim, const int64_t *shape, nrm_init init, unsigned flags);
/* Row blocks of the parameter last declared (heights that sum to shape[0]). */
NRM_API void nrm_nn_split(nrm_nn *nn, int count, const int64_t *heights);
/* A buffer: an input of the graph that is kept with the parameters.  next (may be invalid:
 * it stays as it is) is its value after a training step: whoever runs the graph asks for it
 * as an output and hands it to nrm_parameters_update. */
NRM_API nrm_node nrm_nn_buffer(nrm_nn *nn, const char *name, int ndim, const int64_t *shape, nrm_init init);
NRM_API void nrm_nn_buffer_next(nrm_nn *nn, nrm_node buffer, nrm_node next);

/* All that was declared, in order; false out of range.  node, next may be NULL. */
NRM_API int64_t nrm_nn_parameter_count(const nrm_nn *nn);
NRM_API bool nrm_nn_parameter_at(const nrm_nn *nn, int64_t i, nrm_parameter *parameter, nrm_node *node, nrm_node *next);
/* The trained ones as nodes, for nrm_graph_gradient, and the buffers' next values (valid ones
 * only): how many there are, of which `most` are written. */
NRM_API int32_t nrm_nn_trained(const nrm_nn *nn, int32_t most, nrm_node *parameters);
NRM_API int32_t nrm_nn_updates(const nrm_nn *nn, int32_t most, nrm_node *next);

/* ---- Layers ------------------------------------------------------------------------------------ */

/* x (..., in) -> (..., out): "weight" (out, in), "bias" (out). */
NRM_API nrm_node nrm_nn_linear(nrm_nn *nn, const char *name, nrm_node x, int64_t out, bool bias, nrm_init init);
/* x (batch, in, height, width) -> (batch, out, oh, ow): "weight" (out, in / groups, kernel, kernel), "bias" (out). */
NRM_API nrm_node nrm_nn_conv2d(nrm_nn *nn, const char *name, nrm_node x, int64_t out, int64_t kernel,
                               nrm_conv_options options, bool bias, nrm_init init);
/* index i64 (...) in 0 .. rows-1 -> (..., width): "weight" (rows, width), also in *table
 * (may be NULL) so that a head can share it. */
NRM_API nrm_node nrm_nn_embedding(nrm_nn *nn, const char *name, nrm_node index, int64_t rows, int64_t width,
                                  nrm_init init, nrm_node *table);
/* x where training is false or p is 0; the mask's stream is a function of the name. */
NRM_API nrm_node nrm_nn_dropout(nrm_nn *nn, const char *name, nrm_node x, double p);
/* x + y, whose shapes must agree. */
NRM_API nrm_node nrm_nn_residual(nrm_nn *nn, nrm_node x, nrm_node y);

/* Normalised over the last axis, "weight" and (bias) "bias" of its length. */
NRM_API nrm_node nrm_nn_layer_norm(nrm_nn *nn, const char *name, nrm_node x, double eps, bool bias);
NRM_API nrm_node nrm_nn_rms_norm(nrm_nn *nn, const char *name, nrm_node x, double eps);
/* x (batch, channels, ...), over each group of channels and all that follows. */
NRM_API nrm_node nrm_nn_group_norm(nrm_nn *nn, const char *name, nrm_node x, int64_t groups, double eps);
/* x (batch, channels, ...), over all but the channels.  Training: the batch's mean and
 * variance, and running <- (1 - momentum) running + momentum (mean, unbiased variance) in the
 * buffers "running_mean", "running_var"; else these. */
NRM_API nrm_node nrm_nn_batch_norm(nrm_nn *nn, const char *name, nrm_node x, double momentum, double eps);

/* ---- Activations by name ---------------------------------------------------------------------------
 * identity, relu, leaky_relu (slope 0.01), gelu, gelu_tanh, silu, tanh, sigmoid, softplus, sin,
 * square_relu; and those that look at several features, along `axis`:
 *   maxmin       halves a, b -> max(a, b), min(a, b)
 *   groupsort    neighbouring pairs, rising
 *   fullsort     all features, rising
 *   householder  halves a, b as planes: points behind the line of angle theta/2 are reflected
 *                in it; "theta" (features / 2) under `name`, pi/2 at first */
NRM_API const char *const *nrm_nn_activations(void); /* the names, NULL at the end */
NRM_API nrm_node nrm_nn_activation(nrm_nn *nn, const char *name, nrm_node x, const char *kind, int axis);
/* Groups of `size` neighbours along an axis sorted, rising. */
NRM_API nrm_node nrm_nn_group_sort(nrm_nn *nn, nrm_node x, int axis, int64_t size);

/* ---- Positions ------------------------------------------------------------------------------------- */

/* x (..., t, width) plus rows 0 .. t-1 of "weight" (length, width). */
NRM_API nrm_node nrm_nn_position_learned(nrm_nn *nn, const char *name, nrm_node x, int64_t length, nrm_init init);
/* Plus sin(p / base^(2i/width)) in place 2i and its cosine in 2i + 1 (Vaswani et al. 2017). */
NRM_API nrm_node nrm_nn_position_sinusoidal(nrm_nn *nn, nrm_node x, double base);
/* x (..., t, d), d even: place i of the first and of the second half are rotated together
 * by the angle p base^(-2i/d) (Su et al. 2021, halves as in GPT-NeoX and LLaMA). */
NRM_API nrm_node nrm_nn_rope(nrm_nn *nn, nrm_node x, double base);

/* ---- Attention ---------------------------------------------------------------------------------------- */

/* q (batch, heads, t, d), k and v (batch, heads, s, d) -> (batch, heads, t, d); causal only
 * with t = s.  What it declares stands under the layer's name. */
typedef nrm_node (*nrm_attention_fn)(void *user, nrm_nn *nn, nrm_node q, nrm_node k, nrm_node v, bool causal);

typedef struct nrm_attention_options {
    size_t size;          /* set by nrm_attention_options_default() */
    int64_t heads;        /* 1; divides the width */
    bool causal;          /* false */
    bool bias;            /* true: of the projections */
    double dropout;       /* 0, of the weights softmax(q k') */
    double rope;          /* 0: none; else the base, usually 10000 */
    nrm_init init;        /* of the projections in; torch */
    nrm_init output_init; /* of the projection out; torch */
    nrm_attention_fn kernel; /* NULL: softmax(q k' / sqrt(d)) v; dropout is the kernel's then */
    void *user;           /* of kernel, called while building only */
} nrm_attention_options;
NRM_API nrm_attention_options nrm_attention_options_default(void);

/* Self-attention of x (batch, t, width): "qkv" (3 width, width), "projection" (width, width).
 * With a valid memory (batch, s, m) cross-attention: "q" (width, width), "kv" (2 width, m). */
NRM_API nrm_node nrm_nn_attention(nrm_nn *nn, const char *name, nrm_node x, nrm_node memory,
                                  const nrm_attention_options *options);
/* "up" to hidden, activation, "down" to x's width. */
NRM_API nrm_node nrm_nn_feed_forward(nrm_nn *nn, const char *name, nrm_node x, int64_t hidden, const char *activation,
                                     bool bias, nrm_init init, nrm_init output_init);

/* ---- Losses --------------------------------------------------------------------------------------------- */

typedef struct nrm_nn_loss {
    nrm_node rows;  /* one a row: an entry of the batch; cross entropy: a target */
    nrm_node sum;   /* of rows, to be added up over batches with */
    nrm_node count; /* the rows that count, a scalar */
    nrm_node mean;  /* sum / count (0 where none counts): what is trained */
} nrm_nn_loss;

/* x (..., classes), target i64 (...), negative: ignored.  smoothing e in [0, 1): the target
 * has weight 1 - e + e/classes, every other class e/classes. */
NRM_API nrm_nn_loss nrm_nn_cross_entropy(nrm_nn *nn, nrm_node x, nrm_node target, double smoothing);
/* x and target of one shape; a row's loss is the mean over its elements. */
NRM_API nrm_nn_loss nrm_nn_mse(nrm_nn *nn, nrm_node x, nrm_node target);
NRM_API nrm_nn_loss nrm_nn_l1(nrm_nn *nn, nrm_node x, nrm_node target);
/* d^2/2 for |d| <= delta, delta (|d| - delta/2) beyond. */
NRM_API nrm_nn_loss nrm_nn_huber(nrm_nn *nn, nrm_node x, nrm_node target, double delta);
/* -t log sigmoid(x) - (1 - t) log sigmoid(-x), targets t in [0, 1]. */
NRM_API nrm_nn_loss nrm_nn_bce_with_logits(nrm_nn *nn, nrm_node x, nrm_node target);

/* ---- Networks from a configuration ------------------------------------------------------------------------ */

typedef struct nrm_network nrm_network;

/* config: a JSON object with "model" and the keys of that model.  `fallback` (NULL: none) is
 * another one whose values stand for keys that config lacks, before the model's own defaults.
 * NRM_E_ARGUMENT (unknown model or key, with the nearest; a missing key), _FORMAT (no JSON),
 * _DTYPE (a value of the wrong type), _RANGE, each with value and rule; _NOMEM. */
NRM_API NRM_NODISCARD nrm_status nrm_network_create(nrm_ctx *ctx, const char *config, const char *fallback, nrm_network **network);
NRM_API void nrm_network_destroy(nrm_network *network); /* NULL is fine */
NRM_API const char *nrm_network_model(const nrm_network *network);  /* "gpt" */
NRM_API const char *nrm_network_config(const nrm_network *network); /* every key with its value, as JSON; the network's */

/* The keys of a model, for help; false out of range or unknown model. */
typedef struct nrm_network_key {
    const char *name, *type;  /* "integer", "number", "flag", "choice", "list of integers" */
    const char *usual;        /* JSON; NULL: must be given */
    const char *const *words; /* of a choice, NULL at the end; else NULL */
    double least, most;       /* of numbers */
    const char *help;
} nrm_network_key;
NRM_API const char *const *nrm_network_models(void); /* NULL at the end */
NRM_API bool nrm_network_key_at(const char *model, int i, nrm_network_key *key);

typedef struct nrm_network_options {
    size_t size;        /* set by nrm_network_options_default() */
    bool training;      /* true */
    int64_t batch;      /* 1 */
    int64_t length;     /* tokens of a row; 0: the configuration's context, which it must not exceed */
    nrm_dtype dtype;    /* NRM_F32 */
    nrm_attention_fn attention; /* NULL: softmax */
    void *attention_user;
} nrm_network_options;
NRM_API nrm_network_options nrm_network_options_default(void);

/* Inputs of the graph: "x" (gpt: tokens i64 (batch, length); convnet: (batch, channels, height,
 * width); mlp: (batch, inputs)) and "y" (labels i64 (batch, length) or (batch), negative:
 * ignored; or values of logits' shape). */
typedef struct nrm_network_graph {
    nrm_nn *nn;
    nrm_node x, y, logits;
    nrm_nn_loss loss;
} nrm_network_graph;
/* Equal names and shapes of parameters for all options.  Ended by nrm_nn_destroy(graph->nn). */
NRM_API NRM_NODISCARD nrm_status nrm_network_build(nrm_ctx *ctx, const nrm_network *network,
                                                   const nrm_network_options *options, nrm_network_graph *graph);
/* The network alone, from a node of the caller's in nn to logits. */
NRM_API nrm_node nrm_network_apply(const nrm_network *network, nrm_nn *nn, nrm_node x, const nrm_network_options *options);

/* ---- Parameters: memory, initial values, files ------------------------------------------------------------ */

typedef struct nrm_parameters nrm_parameters;

/* Zeros for all that nn declared, in one block, each array at a multiple of 64 bytes, the
 * trained ones first.  Independent of nn afterwards. */
NRM_API NRM_NODISCARD nrm_status nrm_parameters_create(nrm_ctx *ctx, const nrm_nn *nn, nrm_parameters **parameters);
/* As many zeros again: for gradients, averages. */
NRM_API NRM_NODISCARD nrm_status nrm_parameters_like(nrm_ctx *ctx, const nrm_parameters *parameters, nrm_parameters **copy);
NRM_API void nrm_parameters_destroy(nrm_parameters *parameters); /* NULL is fine */
NRM_API int64_t nrm_parameters_count(const nrm_parameters *parameters);   /* arrays */
NRM_API int64_t nrm_parameters_trained(const nrm_parameters *parameters); /* the first so many are trained */
NRM_API int64_t nrm_parameters_elements(const nrm_parameters *parameters); /* numbers that are trained */
NRM_API bool nrm_parameters_at(const nrm_parameters *parameters, int64_t i, nrm_parameter *parameter);
NRM_API int64_t nrm_parameters_find(const nrm_parameters *parameters, const char *name); /* -1: none */
/* Buffers too.  Status: nrm_init_fill. */
NRM_API NRM_NODISCARD nrm_status nrm_parameters_initialise(nrm_ctx *ctx, nrm_parameters *parameters, uint64_t seed);
/* Bind every array that the instance's program uses. */
NRM_API NRM_NODISCARD nrm_status nrm_parameters_bind(nrm_ctx *ctx, const nrm_parameters *parameters, nrm_instance *instance);
/* After a training step: the buffers from the outputs first, first + 1, ... of the instance,
 * which are nrm_nn_updates in order.  NRM_E_ARGUMENT, _SHAPE. */
NRM_API NRM_NODISCARD nrm_status nrm_parameters_update(nrm_ctx *ctx, nrm_parameters *parameters, const nrm_nn *nn,
                                                       const nrm_instance *instance, int first);

/* Write all arrays and those of `more` (NULL: none; optimizer state, counters, text as u8) to
 * one file, by extension safetensors or npz.  NRM_E_ARGUMENT: a name that occurs twice. */
NRM_API NRM_NODISCARD nrm_status nrm_parameters_save(nrm_ctx *ctx, const nrm_parameters *parameters, const nrm_bundle *more, const char *path);
/* Take all arrays from a bundle (nrm_load), which may hold others: f32 and f64 are converted.
 * NRM_E_ARGUMENT (missing, with the nearest name there), _SHAPE, _DTYPE, each with tensor and
 * both shapes: the parameters are as they were. */
NRM_API NRM_NODISCARD nrm_status nrm_parameters_load(nrm_ctx *ctx, nrm_parameters *parameters, const nrm_bundle *bundle);
/* The array of a name in a bundle, NULL where there is none; and text kept as a u8 tensor. */
NRM_API const nrm_array *nrm_bundle_find(const nrm_bundle *bundle, const char *name);
NRM_API NRM_NODISCARD nrm_status nrm_bundle_text(nrm_ctx *ctx, const nrm_bundle *bundle, const char *name, char **text); /* nrm_free_string */

#ifdef __cplusplus
}
#endif
#endif
