/* norma/program.h -- graphs made ready to run.
 *
 *     nrm_program *p;  nrm_instance *run;
 *     nrm_compile(ctx, 2, (nrm_node[]){loss, dw}, NULL, &p);       outputs 0 and 1
 *     nrm_instance_create(ctx, p, &run);
 *     nrm_instance_bind(ctx, run, "x", x);
 *     nrm_instance_bind(ctx, run, "w", w);
 *     nrm_run(ctx, run);
 *     const double *loss = nrm_instance_output(run, 0);
 *
 * A program is read-only and independent of the graph it came from (but for the user data
 * of custom operations); any number of instances may run in as many threads.  An instance
 * has one arena with every intermediate array; a run allocates nothing. */
#ifndef NORMA_PROGRAM_H
#define NORMA_PROGRAM_H

#include <norma/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nrm_program nrm_program;
typedef struct nrm_instance nrm_instance;

typedef struct nrm_compile_options {
    size_t size;    /* set by nrm_compile_options_default() */
    bool optimise;  /* true; false: every node is computed as it stands, one after another, and kept */
    bool fuse;      /* true; false: elementwise nodes are not joined */
} nrm_compile_options;
static inline nrm_compile_options nrm_compile_options_default(void)
{
    nrm_compile_options options = NRM_ZERO;
    options.size = sizeof options;
    options.optimise = options.fuse = true;
    return options;
}

/* Compile what the outputs (one graph's) need.  Constants are folded, equal nodes become
 * one, elementwise chains and the reductions in and after them become one sweep over tiles
 * that stay in the first cache, transposed and sliced arguments are read where they lie,
 * arrays share memory when their lives do not meet.  A poisoned graph gives its first
 * cause.  Further: NRM_E_NULL, _ARGUMENT (no outputs, several graphs), _NOMEM, _OVERFLOW. */
NRM_API NRM_NODISCARD nrm_status nrm_compile(nrm_ctx *ctx, int count, const nrm_node *outputs,
                                             const nrm_compile_options *options, nrm_program **program);
NRM_API void nrm_program_destroy(nrm_program *program); /* NULL is fine; after its instances */

/* What is there to bind, and what comes out.  Names and shapes are the program's. */
typedef struct nrm_program_array {
    const char *name;  /* of an input or parameter; "" for outputs */
    bool parameter;
    bool used;         /* false: nothing depends on it, and it need not be bound */
    nrm_dtype dtype;
    int ndim;
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    int64_t count;     /* elements */
} nrm_program_array;
NRM_API int nrm_program_input_count(const nrm_program *program); /* inputs and parameters, in the graph's order */
NRM_API bool nrm_program_input(const nrm_program *program, int i, nrm_program_array *array);
NRM_API int nrm_program_output_count(const nrm_program *program);
NRM_API bool nrm_program_output(const nrm_program *program, int i, nrm_program_array *array);

typedef struct nrm_program_stats {
    int64_t graph_nodes;   /* that the outputs depend on, before */
    int64_t program_nodes; /* after cleaning up */
    int64_t steps;         /* sweeps, products, other operations: what a run goes through */
    int64_t fused_nodes;   /* nodes done inside sweeps of more than one */
    int64_t arena_bytes;   /* of an instance */
    int64_t array_bytes;   /* of all intermediate arrays and work, if none shared memory */
    double flops;          /* of a run: 2 m n k a product, 1 an element otherwise */
    double bytes;          /* read and written by the steps, each array once a step */
} nrm_program_stats;
NRM_API nrm_program_stats nrm_program_statistics(const nrm_program *program);
/* Every step as a line, or the graph with its steps in Graphviz's language; free with
 * nrm_free_string (norma/call.h). */
NRM_API NRM_NODISCARD nrm_status nrm_program_text(nrm_ctx *ctx, const nrm_program *program, char **text);
NRM_API NRM_NODISCARD nrm_status nrm_program_graphviz(nrm_ctx *ctx, const nrm_program *program, char **text);

/* Memory for one run at a time, on at most nrm_threads(ctx) threads; ctx allocates and must
 * outlive it. */
NRM_API NRM_NODISCARD nrm_status nrm_instance_create(nrm_ctx *ctx, const nrm_program *program, nrm_instance **instance);
NRM_API void nrm_instance_destroy(nrm_instance *instance);
/* Say where an input or parameter lies: contiguous, of the declared dtype and shape, the
 * caller's, read at every run.  NRM_E_ARGUMENT (no such name; the nearest), _NULL. */
NRM_API NRM_NODISCARD nrm_status nrm_instance_bind(nrm_ctx *ctx, nrm_instance *instance, const char *name, const void *data);
NRM_API NRM_NODISCARD nrm_status nrm_instance_bind_at(nrm_ctx *ctx, nrm_instance *instance, int input, const void *data);
/* Where an output shall be written; it must not overlap anything bound.  NULL: in the instance. */
NRM_API NRM_NODISCARD nrm_status nrm_instance_bind_output(nrm_ctx *ctx, nrm_instance *instance, int output, void *data);
/* The random streams of the next run; 0, 0 at first. */
NRM_API void nrm_instance_random(nrm_instance *instance, uint64_t seed, uint64_t step);
/* After each step of a run look for NaN and infinities: slow, to find where they begin. */
NRM_API void nrm_instance_watch(nrm_instance *instance, bool watch);

/* Compute all outputs.  Allocates nothing.  NRM_E_ARGUMENT (something is not bound),
 * _RANGE (an index lies outside, named), _CANCELLED, what a custom operation returned;
 * with watch: _NONFINITE, naming the operation, its shape and the parameters nearest to it.
 * Bound outputs may be half-written then.  Bits do not depend on the threads. */
NRM_API NRM_NODISCARD nrm_status nrm_run(nrm_ctx *ctx, nrm_instance *instance);
/* Valid until the next run; NULL out of range. */
NRM_API const void *nrm_instance_output(const nrm_instance *instance, int output);

/* ---- Sums over a long batch, in pieces -------------------------------------------------------
 *
 * A program made for a small piece of a batch keeps its arrays in the caches; one made for the
 * whole streams them through memory.  For losses and gradients that are sums over examples,
 *
 *     output_k = scale * sum over pieces p of the program's output k on piece p,
 *
 * which also lets a batch be larger than memory holds at once, and gives every thread pieces
 * of its own.  The pieces are added up in fixed groups, merged in order: the bits do not
 * depend on the threads. */
typedef struct nrm_pieces nrm_pieces;

/* All outputs must be f32 or f64.  ctx and program must outlive it.  Where 64 groups of outputs
 * would take more than 64 MiB there are fewer, in the end one, and the threads share each
 * piece instead.  NRM_E_NULL, _DTYPE, _NOMEM. */
NRM_API NRM_NODISCARD nrm_status nrm_pieces_create(nrm_ctx *ctx, const nrm_program *program, nrm_pieces **pieces);
NRM_API void nrm_pieces_destroy(nrm_pieces *pieces); /* NULL is fine */
/* Piece p reads the input at data + p * stride bytes; stride 0: the same for all. */
NRM_API NRM_NODISCARD nrm_status nrm_pieces_bind(nrm_ctx *ctx, nrm_pieces *pieces, const char *name, const void *data, int64_t stride);
/* Where an output shall be written; NULL: in pieces. */
NRM_API NRM_NODISCARD nrm_status nrm_pieces_bind_output(nrm_ctx *ctx, nrm_pieces *pieces, int output, void *data);
/* Random streams: piece p runs at step + p. */
NRM_API void nrm_pieces_random(nrm_pieces *pieces, uint64_t seed, uint64_t step);
/* count >= 1 pieces.  Allocates nothing.  Statuses of nrm_run; outputs are written at the end. */
NRM_API NRM_NODISCARD nrm_status nrm_pieces_run(nrm_ctx *ctx, nrm_pieces *pieces, int64_t count, double scale);
NRM_API const void *nrm_pieces_output(const nrm_pieces *pieces, int output); /* NULL out of range */

#ifdef __cplusplus
}
#endif
#endif
