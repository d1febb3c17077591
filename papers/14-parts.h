/* 14-parts.h -- the experiments of paper 14, shared by its two files.  Framework: reproduce.h. */
#ifndef NRM_14_PARTS_H
#define NRM_14_PARTS_H

#include "b1.h"
#include "one_step.h"
#include <math.h>

/* The optimizers' options, as text. */
#define DCT_EVERY_STEP "update_gap=1"
#define DCT_ONCE "update_gap=1000000"
#define SVD_EVERY_STEP "update_gap=1"
#define SVD_ONCE "update_gap=1000000"

nrm_status run_times(nrm_reproduction *r, nrm_ctx *ctx);       /* a step, by size and rank */
nrm_status run_projections(nrm_reproduction *r, nrm_ctx *ctx); /* what is lost, by basis */
nrm_status run_memory(nrm_reproduction *r, nrm_ctx *ctx);

#endif
