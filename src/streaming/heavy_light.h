/* heavy_light.h -- the parts of the heavy-light algorithm.  Private.  See heavy_light.c. */
#ifndef NRM_HEAVY_LIGHT_H
#define NRM_HEAVY_LIGHT_H

#include "stream.h"

/* ---- The longest rows seen (heavy_rows.c): a heap with the shortest on top ------------- */

typedef struct nrm_heavy_rows {
    int64_t capacity, count, columns;
    double *rows;     /* capacity x columns, by place */
    double *squares;  /* |a|^2, by place */
    int64_t *numbers; /* of the row in the stream, by place */
    int64_t *heap;    /* places; the first is that of the shortest */
} nrm_heavy_rows;

bool nrm_heavy_rows_full(const nrm_heavy_rows *h);
double nrm_heavy_rows_least(const nrm_heavy_rows *h); /* of a full heap; infinite for capacity 0 */
/* The place for one more row, while not full. */
double *nrm_heavy_rows_push(nrm_heavy_rows *h, double square, int64_t number);
/* The place of the shortest, whose row is still there for the caller to take: it counts
 * as the new row's from now on. */
double *nrm_heavy_rows_replace(nrm_heavy_rows *h, double square, int64_t number);
bool nrm_heavy_rows_rebuild(nrm_heavy_rows *h); /* after reading; false: places are wrong */

/* ---- Order check (order_check.c) ----------------------------------------------------------
 * Mean and sum of squared deviations of |a'Z|^2 and |a|^2, for the rows that arrive in the
 * first and in the second part of a block.  All members double: saved as they lie. */

typedef struct nrm_order_part { double count, mean[2], spread[2]; } nrm_order_part;
typedef struct nrm_order_check {
    nrm_order_part part[2];
    double worst[2]; /* largest |z| so far */
} nrm_order_check;

enum { NRM_ORDER_NUMBERS = sizeof(nrm_order_check) / sizeof(double), NRM_ORDER_LIMIT = 6 };

void nrm_order_note(nrm_order_check *check, double projection, double square);
void nrm_order_close(nrm_order_check *check);                         /* the block is over */
void nrm_order_worst(const nrm_order_check *check, double worst[2]);  /* with the open block */
void nrm_order_add(nrm_order_check *check, const nrm_order_check *other); /* the same block elsewhere */

/* ---- The state -------------------------------------------------------------------------------- */

typedef struct nrm_heavy_light {
    int64_t width;      /* k <= d */
    bool stores;        /* heavy-light; else the block power method: no stored rows */
    double *z;          /* d x k, orthonormal: what the open block multiplies */
    double *y;          /* d x k: B'(B Z) of the open block B so far */
    double *m, *r;      /* k x k: of the last complete block, M = Z'Y before and R after Z <- orth(Y) */
    double *p;          /* batch x k, work */
    nrm_heavy_rows heavy;
    nrm_order_check order;
    int64_t *counter;   /* see below */
    double *scalar;
} nrm_heavy_light;

enum { /* counter[] */
    NRM_HL_COUNT,       /* rows in the open block */
    NRM_HL_LENGTH,      /* rows after which it is over */
    NRM_HL_LAST,        /* rows in the last complete block that was not all zeros, 0 = none */
    NRM_HL_BLOCKS,      /* complete blocks */
    NRM_HL_ABSORBED,    /* light rows in all */
    NRM_HL_EVICTIONS,
    NRM_HL_COUNTERS
};
enum { /* scalar[] */
    NRM_HL_ENERGY,      /* sum of |a|^2 over the light rows */
    NRM_HL_LONGEST,     /* largest |a|^2 among them */
    NRM_HL_OPEN,        /* sum of |a|^2 over the rows in the open block */
    NRM_HL_KEEP,        /* subsampling: a row is kept with probability min(1, keep |a|^2); 0 = all */
    NRM_HL_SCALARS
};

void nrm_heavy_light_plan(const nrm_top_eigenvector_stream *s, nrm_heavy_light *hl); /* the next block */
void nrm_heavy_light_close(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, nrm_heavy_light *hl);
/* Absorb one dense row into the open block (ending a full one first). */
void nrm_heavy_light_row(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, nrm_heavy_light *hl,
                         const double *row, double square);
nrm_status nrm_heavy_light_query(nrm_ctx *ctx, const nrm_top_eigenvector_stream *s, double *v,
                                 nrm_top_eigenvector_info *info);
nrm_status nrm_heavy_light_merge(nrm_ctx *ctx, nrm_top_eigenvector_stream *s,
                                 const nrm_top_eigenvector_stream *other);

#endif
