/* b1-time.c -- the time of an optimizer's step over one matrix, for the pages that use b1.h. */
#include "b1.h"

enum { MOST_ROUNDS = 15 };

typedef struct stepper { nrm_optimizer *optimizer; float *w; const float *g; } stepper;

static nrm_status one_step(nrm_ctx *ctx, void *user)
{
    const stepper *s = user;
    return nrm_optimizer_step(ctx, s->optimizer, (void *[]){s->w}, (const void *[]){s->g}, 1);
}

nrm_status b1_time_steps(nrm_reproduction *r, nrm_ctx *ctx, int64_t rows, int64_t cols, int rounds, int count, b1_timed *timed)
{
    const nrm_optimizer_tensor tensor = {.name = "W", .dtype = NRM_F32, .ndim = 2, .shape = (int64_t[]){rows, cols}};
    float *memory = nrm_scratch(r, 2 * rows * cols, sizeof *memory);
    double seconds[B1_MOST_TIMED * MOST_ROUNDS];
    nrm_contender contenders[B1_MOST_TIMED];
    stepper steppers[B1_MOST_TIMED] = {{0}};
    nrm_draws draws = {r->seed};
    nrm_status st = NRM_OK;

    if (!memory) return NRM_E_NOMEM;
    if (count < 1 || count > B1_MOST_TIMED || rounds < 1 || rounds > MOST_ROUNDS) return NRM_E_RANGE;
    for (int64_t i = 0; i < rows * cols; i++) memory[i] = (float)nrm_draw_normal(&draws);
    for (int k = 0; k < count && st >= 0; k++) {
        st = b1_optimizer(ctx, timed[k].kind, timed[k].options, 1e-3, 1, &tensor, &steppers[k].optimizer);
        steppers[k].w = memory + rows * cols;
        steppers[k].g = memory;
        contenders[k] = (nrm_contender){timed[k].name, one_step, &steppers[k]};
    }
    if (st >= 0) st = nrm_time_in_turn(r, ctx, contenders, count, rounds, r->quick ? 5e-3 : 2e-2, seconds);
    for (int k = 0; k < count; k++) {
        if (st >= 0) {
            timed[k].seconds = nrm_median(seconds + k * rounds, rounds);
            timed[k].state_bytes = nrm_optimizer_state_bytes(steppers[k].optimizer);
        }
        nrm_optimizer_destroy(ctx, steppers[k].optimizer);
    }
    return st;
}
