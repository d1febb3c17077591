/* pooling.c -- windows of planes, one plane after the other.  Contract: pooling.h. */
#include "pooling.h"
#include "convolution.h"
#include "base/base.h"

bool nrm_pool_shape_fill(nrm_pool_shape *s)
{
    if (s->planes < 0 || s->height < 1 || s->width < 1 || s->pad < 0 || s->pad >= s->kernel) return false;
    const int64_t height = nrm_conv_out_length(s->height, s->kernel, s->stride, 1, s->pad, s->pad);
    const int64_t width = nrm_conv_out_length(s->width, s->kernel, s->stride, 1, s->pad, s->pad);
    if (height < 0 || width < 0) return false;
    s->out_height = height;
    s->out_width = width;
    return true;
}

/* The part of a window inside the plane: rows top .. bottom, columns left .. right. */
typedef struct window {
    int64_t top, bottom, left, right;
} window;

static inline window window_at(const nrm_pool_shape *s, int64_t i, int64_t j)
{
    const int64_t row = i * s->stride - s->pad, column = j * s->stride - s->pad;
    return (window){nrm_max_i64(row, 0), nrm_min_i64(row + s->kernel, s->height), nrm_max_i64(column, 0),
                    nrm_min_i64(column + s->kernel, s->width)};
}

#define REAL float
#define F(name) name##_f32
#include "pooling_typed.h"
#undef REAL
#undef F

#define REAL double
#define F(name) name##_f64
#include "pooling_typed.h"
