/* norma/graph.h -- functions as graphs of typed nodes, and their derivatives, which are
 * graphs again.
 *
 *     nrm_graph *g;
 *     nrm_graph_create(ctx, &g);
 *     nrm_node x = nrm_graph_input(g, "x", NRM_F64, 2, (int64_t[]){64, 3});
 *     nrm_node w = nrm_graph_parameter(g, "w", NRM_F64, 2, (int64_t[]){3, 5});
 *     nrm_node loss = nrm_op_mean_all(nrm_op_square(nrm_op_tanh(nrm_op_matmul(x, w))));
 *     nrm_node dw;
 *     nrm_graph_gradient(loss, 1, &w, &dw);          and so on: dw has derivatives too
 *
 * and then norma/program.h: compile (loss, dw), run.
 *
 * Building needs no checks.  A shape or type that does not fit poisons the graph: the call
 * gives an invalid node, everything built on that is invalid too, and nrm_compile (or
 * nrm_graph_check) answers with the first cause: the operation, the shapes, the rule.
 *
 * A node is a small value, valid as long as its graph.  Graphs are built by one thread at a
 * time; a finished graph may be read by many.  Arrays are row-major, at most 6-dimensional,
 * f32, f64 or (indices) i64.  Axes count from 0; negative ones from the end.  Binary
 * operations broadcast as NumPy does: shapes are aligned at the right, 1 stretches.  Both
 * arguments have one dtype; nrm_op_cast changes it. */
#ifndef NORMA_GRAPH_H
#define NORMA_GRAPH_H

#include <norma/array.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NRM_GRAPH_MAX_NDIM = 6 };

typedef struct nrm_graph nrm_graph;
typedef struct nrm_node {
    nrm_graph *graph;
    int32_t index; /* position in the graph; inputs come before; -1: invalid */
} nrm_node;

/* ---- The graph ------------------------------------------------------------------------ */

/* An empty graph, which allocates through ctx and must not outlive it.  NRM_E_NULL, _NOMEM. */
NRM_API NRM_NODISCARD nrm_status nrm_graph_create(nrm_ctx *ctx, nrm_graph **graph);
NRM_API void nrm_graph_destroy(nrm_graph *graph); /* NULL is fine */
/* NRM_OK, or the first thing that went wrong while building, its sentence in ctx. */
NRM_API NRM_NODISCARD nrm_status nrm_graph_check(const nrm_graph *graph);
NRM_API bool nrm_node_valid(nrm_node node);
/* Names put before those of inputs and parameters made from now on: after
 * push "block0", parameter "w" is called "block0.w". */
NRM_API void nrm_graph_push(nrm_graph *graph, const char *scope);
NRM_API void nrm_graph_pop(nrm_graph *graph);
/* Poison the graph: what a layer does with an argument it cannot use.  The first cause is
 * kept.  Gives an invalid node, so that it can be returned. */
NRM_API nrm_node nrm_graph_refuse(nrm_graph *graph, nrm_status status, const char *format, ...) NRM_PRINTF(3, 4);

/* ---- Sources ------------------------------------------------------------------------------ */

/* A value given to each run.  Names are unique among inputs and parameters together. */
NRM_API nrm_node nrm_graph_input(nrm_graph *graph, const char *name, nrm_dtype dtype, int ndim, const int64_t *shape);
/* The same, marked as something to train: nrm_graph_parameters lists them in order. */
NRM_API nrm_node nrm_graph_parameter(nrm_graph *graph, const char *name, nrm_dtype dtype, int ndim, const int64_t *shape);
/* A constant array; the graph keeps a copy. */
NRM_API nrm_node nrm_graph_constant(nrm_graph *graph, nrm_dtype dtype, int ndim, const int64_t *shape, const void *data);
/* All elements equal to value. */
NRM_API nrm_node nrm_graph_fill(nrm_graph *graph, nrm_dtype dtype, int ndim, const int64_t *shape, double value);
NRM_API nrm_node nrm_graph_scalar(nrm_graph *graph, nrm_dtype dtype, double value); /* 0-dimensional fill */
/* 0, 1, ..., n-1. */
NRM_API nrm_node nrm_graph_range(nrm_graph *graph, nrm_dtype dtype, int64_t n);
/* Uniform numbers in [0, 1): element i of the stream's draw at step t is a pure function of
 * the instance's seed, `stream`, t and i (norma/program.h sets seed and step), so a run can
 * be repeated or resumed.  Two nodes with one stream are the same numbers. */
NRM_API nrm_node nrm_graph_uniform(nrm_graph *graph, nrm_dtype dtype, int ndim, const int64_t *shape, int64_t stream);

/* ---- Elementwise, one argument --------------------------------------------------------------
 * f32 and f64.  relu, abs and sign have the derivative 0 at 0; sqrt has the derivative 0 at 0
 * too (so that a norm of zeros is harmless); step(x) is 1 for x > 0 and 0 elsewhere. */
#define NRM_OP_UNARY_LIST(U)                                                                      \
    U(neg) U(abs) U(sign) U(step) U(square) U(reciprocal) U(sqrt) U(rsqrt) U(exp) U(expm1) U(log) \
    U(log1p) U(sin) U(cos) U(tanh) U(sigmoid) U(softplus) U(relu) U(gelu) U(gelu_slope) U(silu)   \
    U(silu_slope) U(erf) U(floor)
#define NRM_OP_DECLARE_UNARY(name) NRM_API nrm_node nrm_op_##name(nrm_node x);
NRM_OP_UNARY_LIST(NRM_OP_DECLARE_UNARY)
/* gelu is x Phi(x), Phi the normal distribution function; silu is x sigmoid(x); _slope is
 * the derivative. */
NRM_API nrm_node nrm_op_gelu_tanh(nrm_node x);           /* the tanh approximation of gelu */
NRM_API nrm_node nrm_op_leaky_relu(nrm_node x, double slope);
NRM_API nrm_node nrm_op_log_sigmoid(nrm_node x);
NRM_API nrm_node nrm_op_power(nrm_node x, double exponent); /* x^exponent, exponent constant */
NRM_API nrm_node nrm_op_scale(nrm_node x, double factor);
NRM_API nrm_node nrm_op_shift(nrm_node x, double term);     /* x + term */
NRM_API nrm_node nrm_op_clamp(nrm_node x, double least, double most); /* derivative 0 outside */
NRM_API nrm_node nrm_op_cast(nrm_node x, nrm_dtype dtype);  /* towards zero to i64; no derivative through i64 */
/* x, with derivative 0. */
NRM_API nrm_node nrm_op_stop_gradient(nrm_node x);

/* ---- Elementwise, two and three arguments ------------------------------------------------------
 * less, less_equal and equal give 0 or 1 in the arguments' dtype and have no derivative
 * (zero); max and min send it to the first argument where both are equal.  pow(a, b) needs a >= 0 for a
 * derivative with respect to b. */
#define NRM_OP_BINARY_LIST(B) \
    B(add) B(sub) B(mul) B(div) B(max) B(min) B(pow) B(less) B(less_equal) B(equal)
#define NRM_OP_DECLARE_BINARY(name) NRM_API nrm_node nrm_op_##name(nrm_node a, nrm_node b);
NRM_OP_BINARY_LIST(NRM_OP_DECLARE_BINARY)
/* a where condition is not 0, else b; the condition (f32, f64 of the same dtype) has no derivative. */
NRM_API nrm_node nrm_op_where(nrm_node condition, nrm_node a, nrm_node b);

/* ---- Products ----------------------------------------------------------------------------------- */

/* The last two axes are matrices, the others broadcast: (..., m, k) (..., k, n) -> (..., m, n). */
NRM_API nrm_node nrm_op_matmul(nrm_node a, nrm_node b);
/* The same of op(a), op(b): transposed where the flag says so. */
NRM_API nrm_node nrm_op_matmul_transposed(nrm_node a, bool transpose_a, nrm_node b, bool transpose_b);
/* x w' + bias: x (..., in), w (out, in) as torch.nn.Linear keeps it, bias (out) or invalid
 * ((nrm_node){0}) for none. */
NRM_API nrm_node nrm_op_linear(nrm_node x, nrm_node w, nrm_node bias);

/* ---- Reductions -------------------------------------------------------------------------------------
 * Over `count` axes; keep: they stay as 1.  *_all: over every axis, to a scalar. */
NRM_API nrm_node nrm_op_sum(nrm_node x, int count, const int *axes, bool keep);
NRM_API nrm_node nrm_op_mean(nrm_node x, int count, const int *axes, bool keep);
/* Derivatives of the greatest and least go to all places that attain them, in equal shares. */
NRM_API nrm_node nrm_op_greatest(nrm_node x, int count, const int *axes, bool keep);
NRM_API nrm_node nrm_op_least(nrm_node x, int count, const int *axes, bool keep);
NRM_API nrm_node nrm_op_logsumexp(nrm_node x, int count, const int *axes, bool keep);
NRM_API nrm_node nrm_op_sum_all(nrm_node x);
NRM_API nrm_node nrm_op_mean_all(nrm_node x);
/* Sum down to `shape`, which must broadcast to x's: the adjoint of nrm_op_broadcast. */
NRM_API nrm_node nrm_op_sum_to(nrm_node x, int ndim, const int64_t *shape);

/* ---- Shapes -------------------------------------------------------------------------------------------- */

NRM_API nrm_node nrm_op_reshape(nrm_node x, int ndim, const int64_t *shape); /* one entry may be -1 */
NRM_API nrm_node nrm_op_permute(nrm_node x, const int *axes); /* axis i of the result is axes[i] of x */
NRM_API nrm_node nrm_op_transpose(nrm_node x);                /* the last two axes exchanged */
NRM_API nrm_node nrm_op_broadcast(nrm_node x, int ndim, const int64_t *shape);
/* Elements start, start + step, ... below stop of one axis; step >= 1, negative bounds count from the end. */
NRM_API nrm_node nrm_op_slice(nrm_node x, int axis, int64_t start, int64_t stop, int64_t step);
/* before zeros, the elements with gap zeros between each two, after zeros. */
NRM_API nrm_node nrm_op_pad(nrm_node x, int axis, int64_t before, int64_t after, int64_t gap);
NRM_API nrm_node nrm_op_pad_circular(nrm_node x, int axis, int64_t before, int64_t after);
NRM_API nrm_node nrm_op_concat(int count, const nrm_node *x, int axis);
NRM_API nrm_node nrm_op_roll(nrm_node x, int axis, int64_t shift); /* element i goes to i + shift, around */

/* ---- Indices (i64; out of range stops the run with a message) ---------------------------------------- */

/* Rows of a table: table (n, ...), index of any shape -> index's shape, then (...). */
NRM_API nrm_node nrm_op_gather(nrm_node table, nrm_node index);
/* The adjoint: zeros (rows, ...) plus x's slices added at index, in rising order of position. */
NRM_API nrm_node nrm_op_scatter_add(nrm_node x, nrm_node index, int64_t rows);
/* Along the last axis: result[..., j] = x[..., index[..., j]]; the leading axes agree. */
NRM_API nrm_node nrm_op_take(nrm_node x, nrm_node index);
NRM_API nrm_node nrm_op_take_adjoint(nrm_node x, nrm_node index, int64_t n);
/* Places of the k largest of the last axis, falling (or smallest, rising); ties: the lower place first. */
NRM_API nrm_node nrm_op_top_indices(nrm_node x, int64_t k, bool largest);
NRM_API nrm_node nrm_op_sort(nrm_node x, bool descending); /* last axis; differentiable */
NRM_API nrm_node nrm_op_argmax(nrm_node x);                /* last axis, removed */
/* Segments: row i of x belongs to segment id[i] in 0 .. segments-1, ids in any order.  An
 * empty segment has sum and mean 0, greatest -inf, and nothing in it for softmax. */
NRM_API nrm_node nrm_op_segment_sum(nrm_node x, nrm_node id, int64_t segments);
NRM_API nrm_node nrm_op_segment_mean(nrm_node x, nrm_node id, int64_t segments);
NRM_API nrm_node nrm_op_segment_greatest(nrm_node x, nrm_node id, int64_t segments);
NRM_API nrm_node nrm_op_segment_softmax(nrm_node x, nrm_node id, int64_t segments);
/* Sparse (rows x cols, CSR: indptr rows + 1, indices and values of the non-zeros) times dense
 * (cols, n), or with `transpose` its transpose times dense (rows, n).  Derivatives by values and dense. */
NRM_API nrm_node nrm_op_csr_matmul(nrm_node indptr, nrm_node indices, nrm_node values, int64_t cols,
                                   nrm_node dense, bool transpose);

/* ---- Rows: softmax and losses (last axis) --------------------------------------------------------------- */

NRM_API nrm_node nrm_op_softmax(nrm_node x);
/* softmax(scale x) where row i of the last two axes (t, t) sees columns 0 .. i, 0 elsewhere. */
NRM_API nrm_node nrm_op_softmax_causal(nrm_node x, double scale);
NRM_API nrm_node nrm_op_log_softmax(nrm_node x);
/* -log softmax(x)[target] of each row: x (..., classes), target (...) -> (...).  A negative
 * target gives 0 and no derivative. */
NRM_API nrm_node nrm_op_cross_entropy(nrm_node x, nrm_node target);
NRM_API nrm_node nrm_op_l2_normalise(nrm_node x, double eps); /* x / max(|x|_2, eps) */

/* ---- Attention ------------------------------------------------------------------------------------------ */

/* softmax(scale q k') v for every sequence and head: qkv (batch, t, 3, heads, d), as a joint
 * projection gives q, k and v -> (batch, t, heads, d).  causal: row i sees rows 0 .. i.  The
 * weights (t, t) are never kept: the derivative makes them again. */
NRM_API nrm_node nrm_op_attention(nrm_node qkv, double scale, bool causal);

/* ---- Scans -------------------------------------------------------------------------------------------------- */

/* Sums of 0 .. i along an axis (exclusive: 0 .. i-1); reverse: from the end. */
NRM_API nrm_node nrm_op_cumulative_sum(nrm_node x, int axis, bool exclusive, bool reverse);
/* h_i = a_i h_{i-1} + b_i along an axis, h_{-1} = 0; reverse: from the end.  a, b of one shape. */
NRM_API nrm_node nrm_op_linear_scan(nrm_node a, nrm_node b, int axis, bool reverse);

/* ---- Convolution and pooling: x (batch, channels, height, width) ---------------------------------------------- */

typedef struct nrm_conv_options {
    int64_t stride[2], dilation[2]; /* >= 1; height, width */
    int64_t before[2], after[2];    /* zeros around; may be 0 */
    int64_t groups;                 /* divides both channel counts */
} nrm_conv_options;
static inline nrm_conv_options nrm_conv_options_default(void)
{
    nrm_conv_options options = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
    return options;
}
/* w (out, in / groups, kh, kw) -> (batch, out, oh, ow), oh = (h + before + after - dilation (kh - 1) - 1) / stride + 1. */
NRM_API nrm_node nrm_op_conv2d(nrm_node x, nrm_node w, nrm_conv_options options);
/* Its transpose by x: y (batch, out, oh, ow), w as above -> (batch, in, height, width). */
NRM_API nrm_node nrm_op_conv2d_transposed(nrm_node y, nrm_node w, int64_t height, int64_t width, nrm_conv_options options);
/* Its transpose by w. */
NRM_API nrm_node nrm_op_conv2d_weight(nrm_node x, nrm_node y, int64_t kernel_height, int64_t kernel_width, nrm_conv_options options);
/* x (batch, in, length), w (out, in / groups, k); the second entries of options are used. */
NRM_API nrm_node nrm_op_conv1d(nrm_node x, nrm_node w, nrm_conv_options options);
NRM_API nrm_node nrm_op_conv1d_transposed(nrm_node y, nrm_node w, int64_t length, nrm_conv_options options);
/* Windows kernel x kernel at every `stride`; padding `pad` all around (average counts the zeros). */
NRM_API nrm_node nrm_op_max_pool2d(nrm_node x, int64_t kernel, int64_t stride, int64_t pad);
NRM_API nrm_node nrm_op_average_pool2d(nrm_node x, int64_t kernel, int64_t stride, int64_t pad);

/* ---- Fourier transforms of the last `dimensions` (1, 2 or 3) axes ------------------------------------------------ */

/* Real to half-complex: (..., n1, n2, n3) -> (..., n1, n2, n3/2 + 1, 2), (re, im) last; no factor. */
NRM_API nrm_node nrm_op_rfft(nrm_node x, int dimensions);
/* Back, with the factor 1/(n1 n2 n3); n is the length of the last real axis. */
NRM_API nrm_node nrm_op_irfft(nrm_node y, int dimensions, int64_t n);

/* ---- Random masks --------------------------------------------------------------------------------------------------- */

/* x where a draw of the stream exceeds p, scaled by 1 / (1 - p), else 0; the mask is kept
 * for the derivative.  p in [0, 1). */
NRM_API nrm_node nrm_op_dropout(nrm_node x, double p, int64_t stream);

/* ---- Operations of the user's own -------------------------------------------------------------------------------------- */

/* Called from nrm_run: must be reentrant where instances run in several threads.  Arrays are
 * whole and contiguous; work has work_bytes bytes, 64-byte aligned, undefined content. */
typedef struct nrm_custom_array {
    void *data; /* inputs must not be written */
    nrm_dtype dtype;
    int ndim;
    int64_t shape[NRM_GRAPH_MAX_NDIM];
} nrm_custom_array;

typedef struct nrm_custom {
    const char *name; /* for messages; copied */
    /* Write all outputs.  A status < 0 ends the run; nrm_run passes it on. */
    nrm_status (*forward)(nrm_ctx *ctx, void *user, const nrm_custom_array *inputs, const nrm_custom_array *outputs, void *work);
    /* Given inputs, outputs and the outputs' cotangents, write the inputs' (entries of dtype
     * i64 have data NULL).  NULL: no derivative, and taking one says so. */
    nrm_status (*vjp)(nrm_ctx *ctx, void *user, const nrm_custom_array *inputs, const nrm_custom_array *outputs,
                      const nrm_custom_array *cotangents, const nrm_custom_array *gradients, void *work);
    /* Instead of vjp: build the inputs' cotangents from graph operations (any order of
     * derivative then works); leave an entry invalid for zero. */
    void (*build_vjp)(void *user, const nrm_node *inputs, const nrm_node *outputs, const nrm_node *cotangents, nrm_node *gradients);
    int64_t work_bytes, vjp_work_bytes;
    void *user;        /* must outlive graph and programs */
} nrm_custom;

typedef struct nrm_custom_output {
    int ndim;
    int64_t shape[NRM_GRAPH_MAX_NDIM];
} nrm_custom_output; /* all outputs have one dtype */

NRM_API void nrm_op_custom(const nrm_custom *custom, int input_count, const nrm_node *inputs, nrm_dtype dtype,
                           int output_count, const nrm_custom_output *shapes, nrm_node *outputs);

/* ---- Derivatives --------------------------------------------------------------------------------------------------------- */

/* gradients[i] = d y / d x[i] for a scalar y; zeros where y does not depend on x[i].  An
 * operation on the way that has no derivative poisons the graph, by name. */
NRM_API void nrm_graph_gradient(nrm_node y, int count, const nrm_node *x, nrm_node *gradients);
/* Reverse: gradients[i] = sum_k (d y_k / d x_i)' cotangent_k.  A cotangent may be invalid: zero. */
NRM_API void nrm_graph_vjp(int outputs, const nrm_node *y, const nrm_node *cotangents, int count, const nrm_node *x,
                           nrm_node *gradients);
/* Forward: tangents_y[k] = sum_i d y_k / d x_i tangent_i.  A tangent may be invalid: zero. */
NRM_API void nrm_graph_jvp(int count, const nrm_node *x, const nrm_node *tangents, int outputs, const nrm_node *y,
                           nrm_node *tangents_y);
/* Forward jets: along each of `directions` tangents of x (of x's shape) the first derivative
 * first[k] = d/ds y(x + s t_k) and, where second is not NULL, second[k] = d2/ds2 y(x + s t_k). */
NRM_API void nrm_graph_jet(nrm_node x, int directions, const nrm_node *tangents, nrm_node y, nrm_node *first,
                           nrm_node *second);
/* H v for the Hessian of a scalar y by x. */
NRM_API nrm_node nrm_graph_hessian_vector(nrm_node y, nrm_node x, nrm_node v);
/* All of it, for small sizes: y's shape, then x's; one reverse pass for each element of y. */
NRM_API nrm_node nrm_graph_jacobian(nrm_node y, nrm_node x);
NRM_API nrm_node nrm_graph_hessian(nrm_node y, nrm_node x); /* x's shape twice, y scalar */

/* ---- Reading a graph ------------------------------------------------------------------------------------------------------ */

/* One node as it stands; pointers are the graph's.  What the attributes mean is the
 * operation's affair: axes, strides, transpositions. */
typedef struct nrm_node_view {
    const char *operation; /* "matmul", "input", "parameter", ... */
    const char *name;      /* inputs and parameters; else "" */
    nrm_dtype dtype;
    int ndim;
    const int64_t *shape;
    int input_count;
    const int32_t *inputs; /* indices of earlier nodes */
    int attribute_count;
    const int64_t *attributes;
    double value;          /* a fill's */
    const void *constant;  /* a constant's elements, else NULL */
} nrm_node_view;

NRM_API int32_t nrm_graph_size(const nrm_graph *graph);
NRM_API bool nrm_graph_view(const nrm_graph *graph, int32_t index, nrm_node_view *view); /* false: out of range */
NRM_API nrm_node nrm_graph_node(nrm_graph *graph, int32_t index);
NRM_API nrm_node nrm_graph_find(nrm_graph *graph, const char *name); /* input or parameter; invalid: none */
NRM_API int32_t nrm_graph_parameters(const nrm_graph *graph, int32_t most, nrm_node *parameters); /* how many there are */

#ifdef __cplusplus
}
#endif
#endif
