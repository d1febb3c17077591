/* curve.h -- a plot of a run, the loss over the steps, as one SVG that needs nothing else.
 * It is right in light and dark, by the media query of whoever shows it.  Private. */
#ifndef NRM_CURVE_H
#define NRM_CURVE_H

#include "base/base.h"

typedef enum nrm_curve_style {
    NRM_CURVE_FAINT,  /* a thin pale line: every single value */
    NRM_CURVE_LINE,   /* the same colour in full: the smoothed one */
    NRM_CURVE_MARKED  /* the next colour, a line with a mark at each point: seldom measured */
} nrm_curve_style;

/* A y that is not finite (on a logarithmic axis: not positive), or beyond 1e100, is a gap. */
typedef struct nrm_curve_series {
    const char *name; /* in the legend, with the last value; NULL: not in it */
    nrm_curve_style style;
    int64_t count;
    const double *x, *y; /* x ascends and is finite */
} nrm_curve_series;

/* auto: logarithmic where all values are positive and the largest is 30 times the smallest. */
typedef enum nrm_curve_scale { NRM_CURVE_AUTO, NRM_CURVE_LINEAR, NRM_CURVE_LOGARITHMIC } nrm_curve_scale;

typedef struct nrm_curve {
    const char *title, *x_name, *y_name; /* any text; NULL: none */
    nrm_curve_scale scale;
    int series_count;
    const nrm_curve_series *series;
} nrm_curve;

/* *svg (nrm_free) is ended by 0.  Long series are drawn by the least and greatest value of
 * each pixel, so a picture has at most some tens of kilobytes. */
nrm_status nrm_curve_svg(nrm_ctx *ctx, const nrm_curve *curve, char **svg, int64_t *length);
nrm_status nrm_curve_save(nrm_ctx *ctx, const nrm_curve *curve, const char *path);

/* Exponential average over about `span` values with the start's bias taken out; what is not
 * finite is left out of it.  smooth may be y. */
void nrm_curve_smooth(int64_t count, const double *y, double span, double *smooth);

#endif
