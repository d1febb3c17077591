/* convolution_ref_typed.h -- the body of convolution_ref.c, included once for each REAL with
 * F(name).  Every output is one sum.  No include guard on purpose. */

/* An image's channel of x, of y; the taps of (out channel, channel of the group). */
#define X_PLANE(n, channel) (x + ((n) * s->in + (channel)) * s->height * s->width)
#define Y_PLANE(n, channel) (y + ((n) * s->out + (channel)) * s->out_height * s->out_width)
#define W_TAPS(o, c) (w + ((o) * (s->in / s->groups) + (c)) * s->kernel[0] * s->kernel[1])

void F(nrm_conv_forward_ref)(const nrm_conv_shape *s, const REAL *x, const REAL *w, REAL *y)
{
    const int64_t in = s->in / s->groups, out = s->out / s->groups, taps = s->kernel[0] * s->kernel[1];

    for (int64_t n = 0; n < s->batch; n++)
        for (int64_t o = 0; o < s->out; o++)
            for (int64_t p = 0; p < s->out_height * s->out_width; p++) {
                double sum = 0;
                for (int64_t k = 0; k < in * taps; k++) {
                    const int64_t c = k / taps, tap = k % taps;
                    const int64_t row = x_index(s, 0, p / s->out_width, tap / s->kernel[1]);
                    const int64_t column = x_index(s, 1, p % s->out_width, tap % s->kernel[1]);
                    if (row < 0 || column < 0) continue;
                    sum += (double)W_TAPS(o, c)[tap] * (double)X_PLANE(n, o / out * in + c)[row * s->width + column];
                }
                Y_PLANE(n, o)[p] = (REAL)sum;
            }
}

void F(nrm_conv_input_ref)(const nrm_conv_shape *s, const REAL *y, const REAL *w, REAL *x)
{
    const int64_t in = s->in / s->groups, out = s->out / s->groups, taps = s->kernel[0] * s->kernel[1];

    for (int64_t n = 0; n < s->batch; n++)
        for (int64_t channel = 0; channel < s->in; channel++)
            for (int64_t p = 0; p < s->height * s->width; p++) {
                double sum = 0;
                for (int64_t k = 0; k < out * taps; k++) {
                    const int64_t o = channel / in * out + k / taps, tap = k % taps;
                    const int64_t row = y_index(s, 0, p / s->width, tap / s->kernel[1]);
                    const int64_t column = y_index(s, 1, p % s->width, tap % s->kernel[1]);
                    if (row < 0 || column < 0) continue;
                    sum += (double)W_TAPS(o, channel % in)[tap] *
                           (double)Y_PLANE(n, o)[row * s->out_width + column];
                }
                X_PLANE(n, channel)[p] = (REAL)sum;
            }
}

void F(nrm_conv_weight_ref)(const nrm_conv_shape *s, const REAL *x, const REAL *y, REAL *w)
{
    const int64_t in = s->in / s->groups, out = s->out / s->groups, taps = s->kernel[0] * s->kernel[1];
    const int64_t points = s->out_height * s->out_width;

    for (int64_t o = 0; o < s->out; o++)
        for (int64_t k = 0; k < in * taps; k++) {
            const int64_t c = k / taps, tap = k % taps;
            double sum = 0;
            for (int64_t m = 0; m < s->batch * points; m++) {
                const int64_t n = m / points, p = m % points;
                const int64_t row = x_index(s, 0, p / s->out_width, tap / s->kernel[1]);
                const int64_t column = x_index(s, 1, p % s->out_width, tap % s->kernel[1]);
                if (row < 0 || column < 0) continue;
                sum += (double)Y_PLANE(n, o)[p] * (double)X_PLANE(n, o / out * in + c)[row * s->width + column];
            }
            W_TAPS(o, c)[tap] = (REAL)sum;
        }
}

#undef X_PLANE
#undef Y_PLANE
#undef W_TAPS
