/* share.h -- ranks that share an optimizer: which of them updates what, and how its numbers
 * travel.  Private to src/optim.  All of these do nothing, or the plain thing, where the
 * optimizer is alone. */
#ifndef NRM_SHARE_H
#define NRM_SHARE_H

#include "optim.h"

enum { NRM_SHARE_BLOCKS = 64 }; /* of all ranks that travel at once, but one a rank at least */

struct nrm_share {
    int64_t block_count, rounds;
    nrm_optimizer_part *blocks;    /* of all slots, in order */
    int32_t *owner;                /* of each block */
    int64_t *order, *first;        /* blocks by owner: those of rank r are order[first[r]] .. order[first[r + 1] - 1] */
    double *gathered, *squares;    /* sums of squares, by owner; in order */
    double *weight;                /* of the ranks' gradients */
    int64_t *send_bytes, *receive_bytes;
    unsigned char *out, *in;       /* one round of an exchange */
};

/* Who holds what: sets held_first and held of every slot.  Matrices go to the rank with the
 * least work so far, the most expensive first; elements of other tensors are dealt in blocks, as
 * one line cut in pieces of equal length. */
nrm_status nrm_share_out(nrm_ctx *ctx, nrm_optimizer *o);
void nrm_share_free(nrm_ctx *ctx, nrm_share *share); /* NULL is fine */
/* All ranks have the same tensors, groups and options: else all fail, told what differs. */
nrm_status nrm_share_compare(nrm_ctx *ctx, const nrm_optimizer *o);

/* owner_of[slot] of the matrices. */
nrm_status nrm_share_deal_matrices(nrm_ctx *ctx, const nrm_optimizer *o, int32_t *owner_of);
/* The blocks of `rank` in a round of an exchange: order[begin] .. order[end - 1], so many bytes. */
void nrm_share_round(const nrm_optimizer *o, int rank, int64_t round, int64_t *begin, int64_t *end, int64_t *bytes);

/* o->squares of all ranks, added in the order that one rank alone adds them. */
nrm_status nrm_share_sum_squares(nrm_ctx *ctx, const nrm_optimizer *o, double *sum);
/* Every rank gets the parameters that others hold. */
nrm_status nrm_share_spread(nrm_ctx *ctx, const nrm_optimizer *o, void *const *parameters);
/* What this rank holds of the gradients becomes the sum of weight times the gradients of all. */
nrm_status nrm_share_reduce(nrm_ctx *ctx, const nrm_optimizer *o, void *const *gradients, double weight);

#endif
