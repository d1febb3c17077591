/* 04-parts.h -- the experiments of paper 04, shared by its files.  Framework: reproduce.h. */
#ifndef NRM_04_PARTS_H
#define NRM_04_PARTS_H

#include "b1.h"

nrm_status outliers(nrm_reproduction *r, nrm_ctx *ctx);  /* training with and without noise in the gradients */
nrm_status images(nrm_reproduction *r, nrm_ctx *ctx);    /* the same on handwritten digits, from --data */
nrm_status clip_cost(nrm_reproduction *r, nrm_ctx *ctx); /* what a step takes with clipping and without */
nrm_status precision(nrm_reproduction *r, nrm_ctx *ctx); /* distance from the polar factor: shapes, and momenta of a run */

#endif
