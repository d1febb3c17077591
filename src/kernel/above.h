/* above.h -- the entries of x - y above a bound, and the largest: the inner loops of
 * thresholding a vector that is itself a difference (a potential less a cost).  Private.
 *
 * Every version does the same subtractions and comparisons, so all give the same bits.
 * Nothing is read past n; index and value may be written up to NRM_ABOVE_ROOM past the
 * count that is returned, so give them n + NRM_ABOVE_ROOM places. */
#ifndef NRM_ABOVE_H
#define NRM_ABOVE_H

#include "kernel/cpu.h"

enum { NRM_ABOVE_ROOM = 8 };

typedef struct nrm_above_kernels {
    /* The i, rising, with x[i] - y[i] > bound, and those differences; how many. */
    int64_t (*above_f64)(const double *x, const double *y, int64_t n, double bound, int64_t *index, double *value);
    int64_t (*above_f32)(const double *x, const float *y, int64_t n, double bound, int64_t *index, double *value);
    /* max_i x[i] - y[i]; n >= 1. */
    double (*peak_f64)(const double *x, const double *y, int64_t n);
    double (*peak_f32)(const double *x, const float *y, int64_t n);
} nrm_above_kernels;

extern const nrm_above_kernels nrm_above_scalar;
#if defined(__x86_64__)
extern const nrm_above_kernels nrm_above_avx2, nrm_above_avx512;
#endif
const nrm_above_kernels *nrm_above_kernels_for(nrm_isa isa);

#endif
