/* schedule.h -- the learning rate over the steps of a run, as a factor of the largest.
 *
 * With s = 0, 1, ... the step, W = warmup, T = total, D = decay, f = floor:
 *
 *     s < W:      (s + 1) / W                                  (every kind)
 *     constant:   1
 *     cosine:     f + (1 - f) (1 + cos(pi (s - W) / (T - W))) / 2
 *     linear:     f + (1 - f) (T - s) / (T - W)
 *     stable:     1 up to step T - D, then f + (1 - f) (T - s) / D   (warm-up, stable, decay)
 *
 * From step T on it is f (constant: 1): a run that is made longer does not jump up again. */
#ifndef NRM_SCHEDULE_H
#define NRM_SCHEDULE_H

#include "base/base.h"
#include <norma/train.h>

typedef struct nrm_schedule {
    nrm_schedule_kind kind;
    int64_t total;   /* steps of the run, >= 1 */
    int64_t warmup;  /* 0 .. total */
    int64_t decay;   /* stable alone: 0 .. total - warmup */
    double floor;    /* 0 .. 1 */
} nrm_schedule;

/* NRM_E_ARGUMENT (kind) or NRM_E_RANGE with a sentence. */
nrm_status nrm_schedule_check(nrm_ctx *ctx, const nrm_schedule *schedule);
/* The factor at a step >= 0 of a schedule that is sound: a pure function. */
double nrm_schedule_factor(const nrm_schedule *schedule, int64_t step);

#endif
