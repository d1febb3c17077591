/* softmax_backward_kernels.h -- the loops of the backward passes: plain C that every
 * compiler turns into vectors.  Included for f32 and f64 by each softmax_*.c after REAL
 * and F are defined.  Sums run in 16 f64 lanes, so their bits are those of any table. */

static double F(lanes_sum)(const double s[16])
{
    double t[8];
    for (int k = 0; k < 8; k++) t[k] = s[k] + s[k + 8];
    return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

static double F(dot)(int64_t n, const REAL *a, const REAL *b)
{
    double s[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int k = 0; k < 16; k++) s[k] += (double)a[i + k] * (double)b[i + k];
    for (int k = 0; i < n; i++, k++) s[k] += (double)a[i] * (double)b[i];
    return F(lanes_sum)(s);
}

static double F(sum)(int64_t n, const REAL *a)
{
    double s[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int k = 0; k < 16; k++) s[k] += (double)a[i + k];
    for (int k = 0; i < n; i++, k++) s[k] += (double)a[i];
    return F(lanes_sum)(s);
}

/* y may be a or b. */
static void F(centre)(int64_t n, const REAL *a, const REAL *b, REAL alpha, double c_, REAL *y)
{
    const REAL c = (REAL)c_;
    for (int64_t i = 0; i < n; i++) y[i] = alpha * a[i] * (b[i] - c);
}

static void F(deflate)(int64_t n, const REAL *a, const REAL *b, REAL alpha, double c_, REAL *y)
{
    const REAL c = (REAL)c_;
    for (int64_t i = 0; i < n; i++) y[i] = alpha * (b[i] - a[i] * c);
}
