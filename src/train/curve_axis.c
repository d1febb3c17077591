/* curve_axis.c -- axes: ticks at 1, 2 or 5 times a power of ten, and how they are written. */
#include "curve_impl.h"

/* 1, 2 or 5 times a power of ten, at least `least`. */
static double nice_step(double least)
{
    const double power = pow(10, floor(log10(least)));
    const double ratio = least / power;
    return (ratio <= 1.0000001 ? 1 : ratio <= 2.0000001 ? 2 : ratio <= 5.0000001 ? 5 : 10) * power;
}

static void linear_ticks(nrm_axis *a, int about)
{
    const double asked = nice_step((a->high - a->low) / about);
    const double step = a->kind == NRM_AXIS_STEPS ? fmax(1, asked) : asked;
    const double first = ceil(a->low / step - 1e-9);

    for (int i = 0; i < CURVE_TICKS_MOST; i++) {
        const double value = (first + i) * step;
        if (value > a->high + 1e-9 * step) break;
        a->tick[a->count++] = value == 0 ? 0 : value; /* no -0 */
    }
    a->decimals = (int)fmin(12, fmax(0, -floor(log10(step) + 1e-9)));
}

/* Powers of ten, every so many; between few of them 2 and 5 times those too. */
static void logarithmic_ticks(nrm_axis *a, int about)
{
    const double decades = log10(a->high / a->low);
    const int stride = (int)fmax(1, ceil(decades / about));
    const double factor[] = {1, 2, 5};
    const int factors = decades < 2.5 ? 3 : 1;

    for (int k = (int)floor(log10(a->low)); k <= (int)ceil(log10(a->high)); k++) {
        if (((k % stride) + stride) % stride != 0) continue;
        for (int f = 0; f < factors && a->count < CURVE_TICKS_MOST; f++) {
            const double value = factor[f] * pow(10, k);
            if (value >= a->low * (1 - 1e-9) && value <= a->high * (1 + 1e-9)) a->tick[a->count++] = value;
        }
    }
}

nrm_axis nrm_axis_make(double low, double high, nrm_axis_kind kind, int about, double from, double to)
{
    nrm_axis a = {.kind = kind, .low = low, .high = high, .from = from, .to = to};

    if (kind == NRM_AXIS_LOGARITHMIC) {
        const double room = fmax(1.05, pow(high / low, .04));
        a.low = low / room;
        a.high = high * room;
        logarithmic_ticks(&a, about);
        return a;
    }
    const double size = fmax(fabs(a.low), fabs(a.high));
    if (kind != NRM_AXIS_STEPS && a.high - a.low <= 1e-6 * size + 1e-100) { /* as good as one value */
        const double room = size > 1e-99 ? .1 * size : 1;
        a.low -= room;
        a.high += room;
    }
    linear_ticks(&a, about);
    return a;
}

double nrm_axis_at(const nrm_axis *a, double value)
{
    const double part = a->kind == NRM_AXIS_LOGARITHMIC ? log(value / a->low) / log(a->high / a->low) : (value - a->low) / (a->high - a->low);
    return a->from + part * (a->to - a->from);
}

/* m x 10^e, the exponent raised. */
static void power_label(nrm_buffer *b, double value)
{
    const int exponent = (int)floor(log10(fabs(value)) + 1e-9);
    const double mantissa = value / pow(10, exponent);

    if (fabs(mantissa - 1) > 1e-6) {
        nrm_buffer_decimal(b, mantissa, 3, 0);
        nrm_buffer_text(b, "\xC2\xB7");
    }
    nrm_buffer_text(b, "10<tspan dy=\"-.45em\" font-size=\"75%\">");
    if (exponent < 0) nrm_buffer_text(b, "\xE2\x88\x92");
    nrm_buffer_integer(b, exponent < 0 ? -exponent : exponent);
    nrm_buffer_text(b, "</tspan>");
}

void nrm_axis_label(nrm_buffer *b, const nrm_axis *a, double value)
{
    const double size = fabs(value), largest = fmax(fabs(a->low), fabs(a->high));

    if (a->kind == NRM_AXIS_STEPS && largest >= 1e4 && largest < 1e12 && value != 0) {
        const double unit = largest >= 1e9 ? 1e9 : largest >= 1e6 ? 1e6 : 1e3;
        nrm_buffer_decimal(b, value / unit, 6, 0);
        nrm_buffer_text(b, unit > 1e8 ? "G" : unit > 1e5 ? "M" : "k");
    } else if (size != 0 && (size >= 1e5 || (a->kind == NRM_AXIS_LOGARITHMIC ? size < .99e-3 : largest < 1e-3))) {
        power_label(b, value);
    } else if (a->kind == NRM_AXIS_LOGARITHMIC) {
        nrm_buffer_decimal(b, value, 4, 0);
    } else {
        nrm_buffer_decimal(b, value, a->decimals, a->decimals); /* all alike, so that they line up */
    }
}
