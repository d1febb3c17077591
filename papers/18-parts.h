/* 18-parts.h -- the experiments of paper 18, shared by its two files.  Framework: reproduce.h. */
#ifndef NRM_18_PARTS_H
#define NRM_18_PARTS_H

#include "b1.h"

nrm_status mechanism(nrm_reproduction *r, nrm_ctx *ctx); /* regression with uneven neurons */
nrm_status shards(nrm_reproduction *r, nrm_ctx *ctx);    /* norms of shards in place of the matrix's */
nrm_status overhead(nrm_reproduction *r, nrm_ctx *ctx);  /* time and state of a step */

#endif
