/* convolution_ref.c -- convolution.h by its formula: the definition and the oracle. */
#include "convolution.h"

/* Where output index `to` meets tap k in x, or -1 in the padding. */
static int64_t x_index(const nrm_conv_shape *s, int axis, int64_t to, int64_t k)
{
    const int64_t at = to * s->stride[axis] + k * s->dilation[axis] - s->before[axis];
    return at >= 0 && at < (axis ? s->width : s->height) ? at : -1;
}

/* The output index that meets x index `from` by tap k, or -1. */
static int64_t y_index(const nrm_conv_shape *s, int axis, int64_t from, int64_t k)
{
    const int64_t at = from + s->before[axis] - k * s->dilation[axis];
    if (at < 0 || at % s->stride[axis] != 0) return -1;
    return at / s->stride[axis] < (axis ? s->out_width : s->out_height) ? at / s->stride[axis] : -1;
}

#define REAL float
#define F(name) name##_f32
#include "convolution_ref_typed.h"
#undef REAL
#undef F

#define REAL double
#define F(name) name##_f64
#include "convolution_ref_typed.h"
