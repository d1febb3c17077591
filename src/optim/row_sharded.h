/* row_sharded.h -- what the files of the row-sharded optimizer share.  Private to them.
 *
 *   row_sharded_setup.c  layout, memory, state
 *   row_sharded.c        the step */
#ifndef NRM_ROW_SHARDED_H
#define NRM_ROW_SHARDED_H

#include "normuon.h"
#include "share.h"
#include <norma/optim_distributed.h>

typedef struct nrm_row_matrix { /* a slot, here */
    int32_t owner;             /* who orthogonalises it */
    int64_t rows;              /* this rank's */
    int64_t place;             /* their first element among this rank's rows of the tensor */
    int64_t packed;            /* and in an array of all of this rank's rows */
    bool by_columns;
    int64_t lines, first_line; /* of NorMuon, this rank's */
} nrm_row_matrix;

struct nrm_row_sharded_optimizer {
    nrm_optimizer *frame;      /* slots, groups, options, the step; no state */
    bool normuon, local_norm;
    nrm_dtype dtype;
    int64_t *tensor_rows;      /* of each tensor, whole */
    nrm_row_matrix *matrices;
    int64_t *order;            /* slots by owner */
    int64_t elements, lines, columns; /* this rank's; lines that are columns come first */
    void *m, *v;               /* state: packed as U; a number for each line */
    void *u;                   /* U, then O, of this rank's rows: matrices by owner */
    void *owned;               /* of the matrices this rank owns: rank by rank, in each by matrix */
    int64_t *to, *from, *cursor; /* bytes, for each rank */
    double *by, *sums;         /* for each line; two for each slot */
    void *work, *sum_work, *reduce_work;
    char **names;              /* of the arrays of state */
};

/* Rows of slot i that rank r has; *first: of the slot. */
int64_t nrm_row_sharded_rows(const nrm_row_sharded_optimizer *o, int64_t slot, int r, int64_t *first);

#endif
