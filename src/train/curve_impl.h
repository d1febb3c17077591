/* curve_impl.h -- what the files of the plot share.  Private to them. */
#ifndef NRM_CURVE_IMPL_H
#define NRM_CURVE_IMPL_H

#include "buffer.h"
#include "curve.h"

enum { CURVE_TICKS_MOST = 24 };

/* steps: whole numbers, written short (20k). */
typedef enum nrm_axis_kind { NRM_AXIS_LINEAR, NRM_AXIS_LOGARITHMIC, NRM_AXIS_STEPS } nrm_axis_kind;

/* One axis: values low .. high to pixels from .. to. */
typedef struct nrm_axis {
    nrm_axis_kind kind;
    double low, high, from, to;
    int count;
    double tick[CURVE_TICKS_MOST];
    int decimals; /* of the labels of a linear axis */
} nrm_axis;

/* Widen a range to what looks good and put ticks in it.  about: how many. */
nrm_axis nrm_axis_make(double low, double high, nrm_axis_kind kind, int about, double from, double to);
double nrm_axis_at(const nrm_axis *axis, double value);
void nrm_axis_label(nrm_buffer *b, const nrm_axis *axis, double value);

#endif
