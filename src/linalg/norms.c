/* norms.c -- sums in a fixed tree, and norms.  Contract: linalg.h.
 *
 * Sums.  Leaves of LEAF values are added in LANES running sums; leaves are joined two by
 * two.  The tree depends on n alone, so the bits depend on nothing else, and the error is
 * O(LEAF / LANES + log n) roundings (Higham, Accuracy and Stability, 2nd ed., sec. 4.2).
 *
 * Two-norm.  The plain sum of squares is taken wherever it lies safely inside the range of
 * doubles; otherwise the values are first brought to about 1 by a power of two.
 *
 * Spectral norm.  Power iteration on B = a'a: for a unit v with s = |a v|, s <= |a|_2.  With
 * lambda = s^2, r = |B v - lambda v| and c = |a|_F^2 - lambda, in an orthonormal basis that
 * begins with v
 *     B = [ lambda  r' ]      C positive semidefinite, |C|_2 <= trace C = c,
 *         [ r       C  ]
 * so |a|_2^2 = |B|_2 is at most the largest eigenvalue of [lambda r; r c]:
 *     |a|_2^2 <= ((lambda + c) + sqrt((lambda - c)^2 + 4 r^2)) / 2 .                    (1)
 * (1) is sharp where one singular value dominates and never worse than |a|_F; the other
 * bound is |a|_2^2 <= |a|_1 |a|_inf.  Both are widened by the rounding of their own sums. */
#include "base/random.h"
#include "check.h"
#include "linalg.h"
#include <cblas.h>
#include <float.h>

enum { LEAF = 256, LANES = 8 };

typedef double (*leaf_fn)(const double *x, const double *y, int64_t n);

static inline double join(const double lane[LANES])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

#define NRM_DEFINE_LEAF(name, term)                                                \
    static double name(const double *x, const double *y, int64_t n)                \
    {                                                                              \
        double lane[LANES] = {0};                                                  \
        int64_t start = 0;                                                         \
        (void)y;                                                                   \
        for (; start + LANES <= n; start += LANES)                                 \
            for (int j = 0; j < LANES; j++) {                                      \
                const int64_t i = start + j;                                       \
                lane[j] += (term);                                                 \
            }                                                                      \
        for (int64_t i = start; i < n; i++) lane[i - start] += (term);             \
        return join(lane);                                                         \
    }
NRM_DEFINE_LEAF(leaf_sum, x[i])
NRM_DEFINE_LEAF(leaf_magnitude, fabs(x[i]))
NRM_DEFINE_LEAF(leaf_product, x[i] * y[i])

static double tree(leaf_fn leaf, const double *x, const double *y, int64_t n)
{
    if (n <= LEAF) return leaf(x, y, n);
    const int64_t half = (n / 2 + LEAF - 1) / LEAF * LEAF;
    return tree(leaf, x, y, half) + tree(leaf, x + half, y + half, n - half);
}

double nrm_sum(const double *x, int64_t n) { return tree(leaf_sum, x, x, n); }
double nrm_dot(const double *x, const double *y, int64_t n) { return tree(leaf_product, x, y, n); }
double nrm_norm1(const double *x, int64_t n) { return tree(leaf_magnitude, x, x, n); }

double nrm_norm_inf(const double *x, int64_t n)
{
    double most = 0, sum = 0; /* the sum is NaN as soon as one value is */
    for (int64_t i = 0; i < n; i++) {
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
        sum += x[i] * 0;
    }
    return isnan(sum) && !isinf(most) ? NAN : most;
}

/* Where a sum of squares has neither overflowed nor lost anything to underflow. */
static bool safe_square(double square) { return square > 1e-280 && square < DBL_MAX; }

static double largest_entry(int64_t m, int64_t n, const double *a, int64_t lda)
{
    double most = 0;
    for (int64_t i = 0; i < m; i++) {
        const double own = nrm_norm_inf(a + i * lda, n);
        most = own > most || isnan(own) ? own : most;
    }
    return most;
}

/* Sum of (unit x)^2 over the rows, joined two by two as well. */
static double rows_square(int64_t m, int64_t n, const double *a, int64_t lda, double unit)
{
    if (m > 1) {
        const int64_t half = m / 2;
        return rows_square(half, n, a, lda, unit) + rows_square(m - half, n, a + half * lda, lda, unit);
    }
    if (m < 1) return 0;
    if (unit == 1) return nrm_dot(a, a, n);
    double sum = 0, leaf[LEAF];
    for (int64_t start = 0; start < n; start += LEAF) {
        const int64_t length = nrm_min_i64(LEAF, n - start);
        for (int64_t j = 0; j < length; j++) leaf[j] = unit * a[start + j];
        sum += leaf_product(leaf, leaf, length);
    }
    return sum;
}

double nrm_norm_frobenius(int64_t m, int64_t n, const double *a, int64_t lda)
{
    if (lda == n && m > 1) { /* one long row */
        n *= m;
        m = 1;
    }
    const double square = rows_square(m, n, a, lda, 1);
    if (safe_square(square)) return sqrt(square);

    const double most = largest_entry(m, n, a, lda);
    if (!(most > 0) || isinf(most)) return most; /* 0, NaN, Inf */
    const int exponent = (int)fmin(1000, -ilogb(most));
    return ldexp(sqrt(rows_square(m, n, a, lda, ldexp(1, exponent))), -exponent);
}

double nrm_norm2(const double *x, int64_t n) { return nrm_norm_frobenius(1, n, x, n); }

/* ---- The spectral norm -------------------------------------------------------------------- */

/* sqrt(|a|_1 |a|_inf); column sums in `sums` (n values, cleared). */
static double mixed_bound(int64_t m, int64_t n, const double *a, int64_t lda, double *sums)
{
    double longest_row = 0, longest_column = 0;

    for (int64_t i = 0; i < m; i++) {
        longest_row = fmax(longest_row, nrm_norm1(a + i * lda, n));
        for (int64_t j = 0; j < n; j++) sums[j] += fabs(a[i * lda + j]);
    }
    for (int64_t j = 0; j < n; j++) longest_column = fmax(longest_column, sums[j]);
    return sqrt(longest_row) * sqrt(longest_column);
}

/* (1), from numbers scaled so that the largest entry is about 1. */
static double residual_bound(double lambda, double r, double frobenius)
{
    const double c = fmax(frobenius * frobenius - lambda, 0);
    return sqrt(0.5 * ((lambda + c) + hypot(lambda - c, 2 * r)));
}

nrm_status nrm_norm_spectral(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, const double *a, int64_t lda,
                             double rtol, int64_t max_iter, double *value, double *upper)
{
    nrm_arena arena = {0};
    nrm_status st = NRM_OK;

    NRM_TRY(nrm_check_f64(ctx, who, "the matrix", 1, m, n, a, lda));
    NRM_REQUIRE(ctx, rtol >= 0 && max_iter >= 1, NRM_E_RANGE, "%s: rtol is %g and max_iter %lld; rtol must be "
                ">= 0 and max_iter >= 1", who, rtol, NRM_LL(max_iter));
    const int v_slot = nrm_arena_add(&arena, n, sizeof(double));
    const int z_slot = nrm_arena_add(&arena, n, sizeof(double));
    const int w_slot = nrm_arena_add(&arena, m, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    double *v = nrm_arena_at(&arena, v_slot), *z = nrm_arena_at(&arena, z_slot), *w = nrm_arena_at(&arena, w_slot);
    const nrm_blas_scope scope = nrm_blas_enter(ctx);

    const double most = largest_entry(m, n, a, lda);
    const double unit = most > 0 ? ldexp(1, (int)fmin(1000, -ilogb(most))) : 1;
    const double frobenius = sqrt(rows_square(m, n, a, lda, unit));
    const double widen = 1 + 4 * (double)(m + n) * DBL_EPSILON;
    double best = fmin(frobenius, unit * mixed_bound(m, n, a, lda, z)), sigma = 0;

    nrm_rng rng = nrm_rng_make(nrm_seed(ctx), 0x5370656374726C); /* a stream of its own */
    nrm_rng_normals(&rng, v, n);
    cblas_dscal((int)n, 1 / nrm_norm2(v, n), v, 1);
    for (int64_t k = 1; most > 0; k++) {
        NRM_STOP_IF(nrm_tick(ctx, "spectral norm", (double)k, (double)max_iter, "norm", sigma / unit),
                    NRM_E_CANCELLED, "%s: stopped at step %lld of the spectral norm", who, NRM_LL(k));
        cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)m, (int)n, unit, a, (int)lda, v, 1, 0, w, 1);
        cblas_dgemv(CblasRowMajor, CblasTrans, (int)m, (int)n, unit, a, (int)lda, w, 1, 0, z, 1);
        const double lambda = nrm_dot(w, w, m), length = nrm_norm2(z, n);
        cblas_daxpy((int)n, -lambda, v, 1, z, 1);
        const double residual = nrm_norm2(z, n);
        sigma = fmax(sigma, sqrt(lambda));
        best = fmin(best, residual_bound(lambda, residual, frobenius));
        if (residual <= rtol * lambda) break;
        if (k == max_iter) {
            st = NRM_NOT_CONVERGED;
            break;
        }
        cblas_daxpy((int)n, lambda, v, 1, z, 1);
        memcpy(v, z, (size_t)n * sizeof *v);
        cblas_dscal((int)n, 1 / length, v, 1);
    }
    *value = sigma / unit;
    *upper = best * widen / unit;
done:
    nrm_blas_leave(scope);
    nrm_arena_free(ctx, &arena);
    return st;
}
