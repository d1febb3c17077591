/* b1-singular.c -- singular values by one-sided Jacobi rotations: pairs of rows are turned until
 * all are orthogonal; their lengths are the singular values (Golub & Van Loan, 4th ed., sec. 8.6.3). */
#include "b1.h"
#include <math.h>
#include <stdlib.h>

/* Turn rows x and y until they are orthogonal; the cosine of the angle they had. */
static double turn(int64_t n, double *x, double *y)
{
    double xx = 0, yy = 0, xy = 0;

    for (int64_t i = 0; i < n; i++) {
        xx += x[i] * x[i];
        yy += y[i] * y[i];
        xy += x[i] * y[i];
    }
    const double lengths = sqrt(xx * yy);
    if (!(fabs(xy) > 1e-12 * lengths)) return 0;
    const double zeta = (yy - xx) / (2 * xy), t = copysign(1, zeta) / (fabs(zeta) + hypot(1, zeta));
    const double c = 1 / hypot(1, t), s = c * t;
    for (int64_t i = 0; i < n; i++) {
        const double old = x[i];
        x[i] = c * old - s * y[i];
        y[i] = s * old + c * y[i];
    }
    return fabs(xy) / lengths;
}

static int falling(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a < b) - (a > b);
}

void b1_singular_values(int64_t rows, int64_t cols, const float *a, double *work, double *sigma)
{
    enum { SWEEPS = 30 };
    const bool tall = rows > cols;
    const int64_t s = tall ? cols : rows, n = tall ? rows : cols;
    double widest = 1;

    for (int64_t i = 0; i < s; i++)
        for (int64_t j = 0; j < n; j++) work[i * n + j] = (double)(tall ? a[j * cols + i] : a[i * cols + j]);
    for (int sweep = 0; sweep < SWEEPS && widest > 1e-8; sweep++) {
        widest = 0; /* convergence is quadratic: a sweep that ends below 1e-8 leaves 1e-16 */
        for (int64_t i = 0; i < s; i++)
            for (int64_t j = i + 1; j < s; j++) widest = fmax(widest, turn(n, work + i * n, work + j * n));
    }
    for (int64_t i = 0; i < s; i++) {
        double square = 0;
        for (int64_t j = 0; j < n; j++) square += work[i * n + j] * work[i * n + j];
        sigma[i] = sqrt(square);
    }
    qsort(sigma, (size_t)s, sizeof *sigma, falling);
}
