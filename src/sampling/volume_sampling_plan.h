/* volume_sampling_plan.h -- what a call of volume-sampling asks for, checked.  Private. */
#ifndef NRM_VOLUME_SAMPLING_PLAN_H
#define NRM_VOLUME_SAMPLING_PLAN_H

#include "design.h"
#include <norma/volume_sampling.h>

#define NRM_VOLUME_SAMPLING_WHO "volume-sampling"

typedef struct nrm_volume_plan {
    const nrm_space *space;
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
const double *nrm_space_mu(const nrm_space *s);
nrm_dpp_line nrm_dpp_line_of(const nrm_space *s);
nrm_status nrm_space_create_stub(nrm_ctx *ctx, const char *who, int basis, int64_t degree, int64_t d, int set, const nrm_space_input *in, nrm_space **out);
nrm_status nrm_space_check_points(nrm_ctx *ctx, const char *who, const char *name, const nrm_space *s, int64_t n, const double *x);
#define NRM_SPACE_CREATE(ctx, who, o, input, space) nrm_space_create_stub(ctx, who, (o)->basis, (o)->degree, (o)->dimension, (o)->index_set, input, space)
