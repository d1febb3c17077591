/* pooling.h -- the largest and the mean of square windows of planes.  Private.
 *
 * Window (i, j) of a plane is rows i stride - pad on, columns j stride - pad on, kernel x kernel.
 * The maximum is of the entries inside the plane and is kept as an index, so that it is a
 * choice of entries, linear once made:
 *
 *     y[p] = x[index[p]],    dx[q] = sum of dy[p] where index[p] = q
 *
 * The mean divides by kernel^2, zeros of the padding counted.  Planes are contiguous, and
 * independent of each other: the bits do not depend on `threads`.  Nothing is checked here;
 * outputs may not overlap inputs. */
#ifndef NRM_POOLING_H
#define NRM_POOLING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct nrm_pool_shape {
    int64_t planes, height, width, kernel, stride, pad, out_height, out_width;
} nrm_pool_shape;

/* out_height and out_width from the rest, rounded down.  False, and nothing is set, unless
 * planes >= 0, height, width, kernel, stride >= 1, 0 <= pad < kernel (no window lies in the
 * padding alone) and a window fits. */
bool nrm_pool_shape_fill(nrm_pool_shape *shape);

#define NRM_POOL_DECLARE(REAL, TYPE)                                                                              \
    /* index[planes][out_height][out_width], within height * width: the first largest entry in row order, or the \
     * first NaN. */                                                                                              \
    void nrm_max_pool_##TYPE(const nrm_pool_shape *shape, const REAL *x, int64_t *index, int threads);            \
    void nrm_max_pool_take_##TYPE(const nrm_pool_shape *shape, const REAL *x, const int64_t *index, REAL *y,      \
                                  int threads);                                                                   \
    void nrm_max_pool_adjoint_##TYPE(const nrm_pool_shape *shape, const REAL *dy, const int64_t *index, REAL *dx, \
                                     int threads);                                                                \
    void nrm_average_pool_##TYPE(const nrm_pool_shape *shape, const REAL *x, REAL *y, int threads);               \
    void nrm_average_pool_adjoint_##TYPE(const nrm_pool_shape *shape, const REAL *dy, REAL *dx, int threads)

NRM_POOL_DECLARE(float, f32);
NRM_POOL_DECLARE(double, f64);

#endif
