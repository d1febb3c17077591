/* program.h -- between the files that compile and run.  Private.
 *
 *   compile.c   the passes in order
 *   rewrite.c   the graph copied: what is reachable, cleaned up, equal nodes once
 *   fold.c      nodes that depend on constants alone become constants
 *   access.c    views as strides into the array they show; which must be copied after all
 *   group.c     elementwise nodes and reductions joined into sweeps
 *   sweep.c     a group as instructions on tiles; tile.c runs them, and strided copies
 *   product.c   matrix products
 *   plan.c      the order of steps, lives of arrays, the arena
 *   instance.c  binding and running  pieces.c  sums over runs
 *   describe.c  statistics, text, Graphviz */
#ifndef NRM_AUTODIFF_PROGRAM_H
#define NRM_AUTODIFF_PROGRAM_H

#include "graph.h"
#include <norma/program.h>

/* ---- access.c ---------------------------------------------------------------------------------- */

/* Elements of a base array in the order of a view: element i of the view, i written in mixed
 * radix over size[], is base[offset + sum digit * stride].  Sizes of 1 are left out and
 * neighbours that step alike are one, so that a contiguous view has one dimension. */
typedef struct nrm_access {
    int32_t base; /* node */
    int64_t offset, count;
    int ndim;
    int64_t size[NRM_GRAPH_MAX_NDIM], stride[NRM_GRAPH_MAX_NDIM];
} nrm_access;

static inline bool nrm_access_whole(const nrm_access *a) /* contiguous */
{
    return a->ndim == 0 || (a->ndim == 1 && a->stride[0] == 1);
}
/* The access along the axes of `shape`: a stride for each.  false where the view does not
 * keep them apart (some reshapes of permuted arrays). */
bool nrm_access_axes(const nrm_access *access, int ndim, const int64_t *shape, int64_t *stride);
nrm_access nrm_access_make(int32_t base, int64_t offset, int ndim, const int64_t *shape, const int64_t *stride);

/* ---- The parts of a program ----------------------------------------------------------------------- */

typedef enum nrm_step_kind { NRM_STEP_SWEEP, NRM_STEP_PRODUCT, NRM_STEP_COPY, NRM_STEP_OPERATION } nrm_step_kind;

typedef struct nrm_step {
    nrm_step_kind kind;
    int32_t node;  /* the last node it computes */
    int32_t group; /* sweeps */
    int32_t first_node, node_count; /* its nodes: program->step_nodes[first_node ..] */
    struct nrm_sweep *sweep;
    int64_t work;  /* bytes */
    int64_t work_offset;
} nrm_step;

/* Where the elements of a node are. */
typedef enum nrm_place_kind {
    NRM_PLACE_NONE,    /* never stored: inside a sweep, or a view */
    NRM_PLACE_ARENA,
    NRM_PLACE_BOUND,   /* an input or parameter: `index` */
    NRM_PLACE_CONSTANT /* the node's own memory */
} nrm_place_kind;

typedef struct nrm_place {
    nrm_place_kind kind;
    int64_t offset; /* in the arena */
    int index;      /* of the input */
    int output;     /* ARENA: goes to this output's memory where that is bound; -1 */
} nrm_place;

struct nrm_program {
    nrm_ctx *ctx;
    nrm_graph *graph; /* the program's own */
    nrm_compile_options options;
    nrm_program_array *inputs;
    int32_t *input_nodes; /* -1: unused */
    int input_count;
    int32_t *outputs; /* nodes */
    int output_count;
    int64_t graph_nodes;
    /* one entry a node */
    bool *live;         /* needed by an output */
    bool *stored;       /* has an array of its own (arena, bound or constant) */
    nrm_access *access; /* of every live node: itself where stored, else through views */
    int32_t *group;     /* the sweep that does it, named by one of its nodes; -1: none */
    int64_t *group_elements, *group_row; /* of the group of that name; row 0: no rows */
    bool *small;        /* a member with one value a row */
    nrm_place *place;
    nrm_step *steps;
    int32_t step_count;
    int32_t *step_nodes;
    int64_t arena_bytes, array_bytes;
    int threads;           /* that work was sized for */
    int most_inputs;       /* of an operation */
    int64_t scratch_bytes; /* of one thread, for sweeps */
};

/* rewrite.c: p->graph, p->outputs, inputs. */
nrm_status nrm_rewrite(nrm_ctx *ctx, nrm_program *p, int count, const nrm_node *outputs);
/* fold.c: folded[i] of every node of g (NULL: not folded) are its elements, in `keep`'s memory. */
nrm_status nrm_fold(nrm_ctx *ctx, nrm_graph *g, const bool *reachable, int count, const nrm_node *outputs,
                    nrm_graph *keep, const void **folded);
/* Mark what the outputs need. */
void nrm_mark_live(const nrm_graph *g, int count, const int32_t *outputs, bool *live);
/* access.c */
void nrm_find_accesses(nrm_program *p);
bool nrm_view_of(const nrm_program *p, int32_t node, nrm_access *access); /* a view, not stored, by its input's access */
/* group.c */
bool nrm_sweeps(const nrm_op_node *node); /* a sweep can do it: elementwise, or a reduction of rows, columns, all */
nrm_status nrm_find_groups(nrm_ctx *ctx, nrm_program *p);
/* plan.c */
nrm_status nrm_plan(nrm_ctx *ctx, nrm_program *p);

/* ---- sweep.c, tile.c ---------------------------------------------------------------------------------- */

/* A group as instructions.  The flat range [0, elements) is cut into tiles; a tile of a group
 * with rows holds whole rows.  Operands are full (one value an element) or small (one a row). */
typedef enum nrm_operand_kind {
    NRM_OPERAND_SCRATCH, /* a register: `slot` of the thread's scratch */
    NRM_OPERAND_MEMORY,  /* an array read or written where it lies, whole */
    NRM_OPERAND_LOAD,    /* an array through an access: in place where that is contiguous, else into a register */
    NRM_OPERAND_FILLED,  /* a register full of one number, for instructions that want arrays */
    NRM_OPERAND_VALUE    /* one number */
} nrm_operand_kind;

enum { NRM_SWEEP_OPERANDS = 288 };

typedef struct nrm_operand {
    nrm_operand_kind kind;
    bool small;
    bool repeats;       /* a load that is the same for every tile */
    int slot;           /* SCRATCH, LOAD, FILLED */
    double value;       /* VALUE, FILLED */
    nrm_access access;  /* MEMORY, LOAD: base is the stored node */
} nrm_operand;

typedef enum nrm_instruction_kind {
    NRM_DO_UNARY, NRM_DO_BINARY, NRM_DO_WHERE, NRM_DO_ROW_REDUCE, NRM_DO_SPREAD, /* small to full */
    NRM_DO_COLUMN_SUM, NRM_DO_TOTAL, NRM_DO_LOAD
} nrm_instruction_kind;

typedef struct nrm_instruction {
    nrm_instruction_kind kind;
    int operation; /* nrm_unary, nrm_binary; reductions: 0 sum, 1 greatest, 2 least */
    bool small;    /* runs over the rows of the tile rather than its elements */
    int to, a, b, c; /* operands */
    int32_t node;
    int64_t columns; /* COLUMN_SUM */
    int64_t partial; /* COLUMN_SUM, TOTAL: offset of the blocks' sums in the step's work */
} nrm_instruction;

typedef struct nrm_sweep {
    nrm_dtype dtype;
    int64_t elements, row; /* row 0: no rows */
    int64_t tile;          /* elements; whole rows */
    int64_t tiles, blocks; /* a block: consecutive tiles, done by one thread */
    int slots;             /* registers */
    int64_t slot_bytes;
    int operand_count, instruction_count;
    nrm_operand *operands;
    nrm_instruction *instructions;
} nrm_sweep;

/* Instructions of one group (its nodes in rising order); memory is the program graph's. */
nrm_status nrm_sweep_make(nrm_ctx *ctx, nrm_program *p, nrm_step *step);

/* ---- Running ---------------------------------------------------------------------------------------------- */

struct nrm_instance {
    nrm_ctx *ctx;
    const nrm_program *program;
    unsigned char *arena;
    unsigned char *scratch; /* threads * program->scratch_bytes */
    int threads;
    const void **bound;     /* one an input */
    void **bound_outputs;
    const void **in;             /* of the operation in work */
    const nrm_op_node **in_nodes;
    void **prepared;             /* one a step: what an operation has made ready, or NULL */
    uint64_t seed, step;
    bool watch;
};

static inline void *nrm_memory(const nrm_instance *i, int32_t node)
{
    const nrm_place *place = &i->program->place[node];
    switch (place->kind) {
    case NRM_PLACE_ARENA:
        if (place->output >= 0 && i->bound_outputs[place->output]) return i->bound_outputs[place->output];
        return i->arena + place->offset;
    case NRM_PLACE_BOUND: return (void *)(uintptr_t)i->bound[place->index];
    case NRM_PLACE_CONSTANT: return (void *)(uintptr_t)i->program->graph->nodes[node]->constant;
    default: return NULL;
    }
}

void nrm_sweep_run(const nrm_instance *i, const nrm_step *step, int threads);
int64_t nrm_product_work(const nrm_program *p, const nrm_step *step);
nrm_status nrm_product_run(nrm_ctx *ctx, const nrm_instance *i, const nrm_step *step, int threads);
bool nrm_product_reads(const nrm_program *p, int32_t node, int input); /* can be read where it lies */
void nrm_copy_run(const nrm_instance *i, const nrm_step *step, int threads);
/* count elements of an access from element `first` on, one after another. */
void nrm_gather_elements(const nrm_access *access, size_t size, const void *base, int64_t first, int64_t count, void *to);
/* The record of a node's computation; pointers filled where `i` is given. */
void nrm_step_record(const nrm_program *p, const nrm_instance *i, const nrm_step *step, nrm_op_run *run,
                     const nrm_op_node **inputs, const void **in);

#endif
