/* ops_kit.h -- everything that must hold of an operation of the graphs, from one record of it.
 *
 * A record says how to build the operation from inputs of given shapes and ranges.  From that
 * ops_check finds out
 *   - the value, against the record's reference;
 *   - the derivative, against central differences; and that of <derivative, fixed numbers>,
 *     so all of the second order, too;
 *   - that forward is the transpose of reverse: <J t, v> = <t, J' v>;
 *   - f32 against f64, value and derivative;
 *   - that the optimised program gives what the plain one does, to rounding;
 *   - that one thread and two, and two kinds of rubbish in all memory beforehand, give the
 *     same bits: nothing is left unwritten, nothing depends on the threads;
 *   - that no memory is left.
 * What fails is printed with the record's name, the place and both numbers. */
#ifndef NRM_OPS_KIT_H
#define NRM_OPS_KIT_H

#include "testkit.h"
#include <norma/program.h>

enum { OPS_MOST_INPUTS = 6 };

typedef struct ops_input {
    int ndim;
    int64_t shape[NRM_GRAPH_MAX_NDIM];
    bool index;           /* i64, low .. high - 1; else the float type in use */
    double low, high;     /* both 0: -2 to 2 */
    double away;          /* real: at least so far from 0 */
    bool distinct;        /* real: evenly spaced from low to high, in a random order */
    const double *values; /* these instead; whole numbers for an index */
} ops_input;
/* One that has nothing but a shape; OPS_SHAPE(0, 0): a scalar. */
#define OPS_SHAPE(ndim_, ...) {.ndim = (ndim_), .shape = {__VA_ARGS__}}

/* One input's elements as a reference sees them: x, or i of an index. */
typedef struct ops_values {
    int64_t count;
    const double *x;
    const int64_t *i;
} ops_values;

enum {
    OPS_NO_DERIVATIVE = 1,  /* values alone */
    OPS_ONE_DERIVATIVE = 2, /* the first, reverse */
    OPS_NO_SINGLE = 4       /* f64 alone */
};

typedef struct ops_record {
    const char *name;
    nrm_node (*build)(nrm_graph *graph, const nrm_node *inputs, const void *user);
    void (*reference)(const ops_values *inputs, double *y, const void *user); /* NULL: none */
    int input_count;
    ops_input inputs[OPS_MOST_INPUTS];
    unsigned flags;
    /* Of |a - b| / (1 + |b|); 0: 1e-12, 1e-7, 1e-6, 1e-5. */
    double value_tolerance, first_tolerance, second_tolerance, single_tolerance;
    const void *user;
} ops_record;

void ops_check(const ops_record *record);
void ops_check_all(const ops_record *records, int count);

/* A constant of the dtype of `like` (its graph's), from doubles. */
nrm_node ops_constant(nrm_node like, int ndim, const int64_t *shape, const double *values);
nrm_dtype ops_dtype(nrm_node node);
int64_t ops_count(nrm_node node); /* elements */

/* A context whose memory begins as bytes of `rubbish` (0xFF: NaN) and is counted. */
typedef struct ops_memory {
    int64_t live, requests;
    int rubbish;
} ops_memory;
nrm_ctx *ops_ctx(ops_memory *memory, int rubbish);

/* Compile and run once; results[k] are output k's elements as doubles, to be freed.  data: of
 * the inputs in the graph's order.  bound: outputs go to memory of the caller's, full of
 * rubbish before. */
typedef struct ops_mode { bool optimise, fuse; int threads; bool bound; } ops_mode;
void ops_evaluate(nrm_ctx *ctx, int count, const nrm_node *nodes, void *const *data, ops_mode mode, double **results);

#endif
