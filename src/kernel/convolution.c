/* convolution.c -- 2-D convolution and its two adjoints on buffers of shifted rows.
 * Contract: convolution.h; the geometry: convolution_plan.h.
 *
 * An item -- an image, a group, a band of rows -- is copied once into a buffer that the second
 * cache holds, with its padding and its phases apart.  Then every tap is a shift of one long
 * row, and the inner loops (convolution_vector.h) meet neither borders nor strides.  Unlike
 * im2col nothing is written nine times for nine taps; unlike blocked layouts nothing is
 * transposed. */
#include "convolution_plan.h"
#include "base/base.h"
#include <omp.h>

enum { LIMIT_BITS = 58 }; /* of the estimate in nrm_conv_shape_valid */

int64_t nrm_conv_out_length(int64_t n, int64_t kernel, int64_t stride, int64_t dilation, int64_t before, int64_t after)
{
    int64_t padded, reach;

    if (kernel < 1 || stride < 1 || dilation < 1 || !nrm_add_size(n, before, &padded) ||
        !nrm_add_size(padded, after, &padded) || !nrm_mul_size(kernel - 1, dilation, &reach) || padded <= reach)
        return -1;
    return (padded - reach - 1) / stride + 1;
}

/* The estimate is of more than any array, plane or index of the plan. */
bool nrm_conv_shape_valid(const nrm_conv_shape *s)
{
    bool positive = s->batch >= 1 && s->in >= 1 && s->out >= 1 && s->groups >= 1 && s->height >= 1 && s->width >= 1 &&
                    s->out_height >= 1 && s->out_width >= 1;
    double size = (double)s->batch * ((double)s->in + (double)s->out);

    for (int d = 0; d < 2; d++) {
        positive = positive && s->kernel[d] >= 1 && s->stride[d] >= 1 && s->dilation[d] >= 1 && s->before[d] >= 0;
        size *= (double)s->kernel[d] * ((double)(d ? s->width : s->height) + (double)s->before[d] +
                                        (double)s->kernel[d] * (double)s->dilation[d] +
                                        (double)(d ? s->out_width : s->out_height) * (double)s->stride[d]);
    }
    return positive && s->in % s->groups == 0 && s->out % s->groups == 0 && size < (double)(1LL << LIMIT_BITS) &&
           (double)s->out * (double)s->in * (double)s->kernel[0] * (double)s->kernel[1] < (double)(1LL << LIMIT_BITS);
}

/* Where the pieces of the work lie; bytes < 0: too large. */
typedef struct layout {
    nrm_arena arena;
    int offset, weights, partial, source, target; /* slots */
    int64_t source_size, target_size;             /* of one thread, elements */
} layout;

static layout correlate_layout(const nrm_conv_plan *plan, void *work, int threads, size_t size)
{
    layout at = {.arena = {.base = work}};
    const int64_t flat = plan->axis[0].band * plan->pitch + NRM_CONV_SLACK;

    at.source_size = plan->channels * plan->plane + nrm_conv_plan_slack(plan);
    at.target_size = plan->part_rows * flat;
    at.offset = nrm_arena_add(&at.arena, plan->depth, sizeof(int64_t));
    at.weights = nrm_arena_add(&at.arena, plan->groups * plan->rows * plan->depth, size);
    at.source = nrm_arena_add(&at.arena, threads, (size_t)at.source_size * size);
    at.target = nrm_arena_add(&at.arena, threads, (size_t)at.target_size * size);
    return at;
}

static layout gradient_layout(const nrm_conv_gradient_plan *g, void *work, int threads, size_t size)
{
    layout at = {.arena = {.base = work}};
    const nrm_conv_plan *plan = &g->plan;
    const int64_t partial = g->blocks > 1 ? g->blocks * plan->groups * plan->rows * plan->depth : 0;

    at.source_size = g->images * plan->channels * plan->plane + nrm_conv_plan_slack(plan);
    at.target_size = g->images * plan->part_rows * g->flat;
    at.offset = nrm_arena_add(&at.arena, plan->depth, sizeof(int64_t));
    at.partial = nrm_arena_add(&at.arena, partial, size);
    at.source = nrm_arena_add(&at.arena, threads, (size_t)at.source_size * size);
    at.target = nrm_arena_add(&at.arena, threads, (size_t)at.target_size * size);
    return at;
}

static int64_t work_bytes(const nrm_conv_shape *shape, nrm_conv_kind kind, int threads, size_t size)
{
    if (kind == NRM_CONV_WEIGHT) {
        const nrm_conv_gradient_plan g = nrm_conv_gradient_plan_make(shape, (int64_t)size);
        return gradient_layout(&g, NULL, threads, size).arena.bytes;
    }
    const nrm_conv_plan plan = nrm_conv_plan_make(shape, kind == NRM_CONV_INPUT, (int64_t)size);
    return correlate_layout(&plan, NULL, threads, size).arena.bytes;
}

int64_t nrm_conv_work_f32(const nrm_conv_shape *shape, nrm_conv_kind kind, int threads)
{
    return work_bytes(shape, kind, threads, sizeof(float));
}

int64_t nrm_conv_work_f64(const nrm_conv_shape *shape, nrm_conv_kind kind, int threads)
{
    return work_bytes(shape, kind, threads, sizeof(double));
}

#define REAL float
#define F(name) name##_f32
#include "convolution_typed.h"
#undef REAL
#undef F

#define REAL double
#define F(name) name##_f64
#include "convolution_typed.h"
