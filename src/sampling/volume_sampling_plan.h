/* volume_sampling_plan.h -- what a call of volume-sampling asks for, checked.  Private. */
#ifndef NRM_VOLUME_SAMPLING_PLAN_H
#define NRM_VOLUME_SAMPLING_PLAN_H

#include "design.h"
#include <norma/volume_sampling.h>

#define NRM_VOLUME_SAMPLING_WHO "volume-sampling"

typedef struct nrm_volume_plan {
    int64_t m, dimension, kept; /* kept: points given before */
    nrm_design_rule rule;
    double delta, eta;
    bool condition, greedy;
    int64_t boost, max_reject;
} nrm_volume_plan;

/* Draw; *design and *info are written where the status is not below 0. */
nrm_status nrm_volume_sampling_run(nrm_ctx *ctx, const nrm_volume_plan *plan, const nrm_volume_sampling_start *start,
                                   nrm_volume_sampling_design *design, nrm_volume_sampling_info *info);

#endif
