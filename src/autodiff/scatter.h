/* scatter.h -- what the operations with indices have in common: checking them, and putting
 * rows where they say.  Private.  scatter.c. */
#ifndef NRM_AUTODIFF_SCATTER_H
#define NRM_AUTODIFF_SCATTER_H

#include "graph.h"

/* All elements of input `input` lie in 0 .. bound - 1; else NRM_E_RANGE, naming the operation,
 * `what` ("the index"), the first that does not, its value and the bound. */
nrm_status nrm_check_indices(const nrm_op_run *r, int input, const char *what, int64_t bound);

/* A result of rows x width to which one part of the work puts everything, part of the rows or
 * of the columns.  An element belongs to one part, which sees all that comes to it in the
 * same order however many parts there are: so its bits do not depend on them. */
typedef struct nrm_scatter_part { int64_t row, row_end, column, column_end; } nrm_scatter_part;
int nrm_scatter_parts(int threads, int64_t rows, int64_t width, int64_t count); /* how many pay, for `count` indices */
nrm_scatter_part nrm_scatter_part_of(int part, int parts, int64_t rows, int64_t width);

/* Input 0 (index's shape, then rows of the result's width) brought together in the node's rows:
 * their sums, or their greatest elements (-inf where there is none).  Input 1: the index. */
nrm_status nrm_scatter_run(const nrm_op_run *r, bool greatest);

/* The elements of one row of an array: the product of its axes from `first` on. */
static inline int64_t nrm_width_from(const nrm_op_node *node, int first)
{
    int64_t width = 1;
    for (int i = first; i < node->ndim; i++) width *= node->shape[i];
    return width;
}

#endif
