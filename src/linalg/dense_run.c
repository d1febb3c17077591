/* dense_run.c -- products, QR and SVD in memory sized beforehand.  Contract: dense_run.h.
 *
 * LAPACK counts columns first: to it the row-major a (m x n) is a' (n x m).  So
 *     a = Q R      is the LQ factorisation of a',  and
 *     a = U S V'   is  a' = V S U',  whose left factor, column by column, is our V' row by row,
 * and nothing is transposed. */
#include "dense_run.h"
#include "linalg.h"
#include <cblas.h>
#include <lapacke.h>
#include <limits.h>

enum {
    TILE = 256,           /* rows and columns of a product's tile: BLAS is at full speed from here on */
    BLOCK = 1 << 15,      /* elements of a pass */
    LARGEST = INT_MAX / 16 /* of a side: what LAPACK computes from it fits its 32-bit integers */
};

static int64_t blocks(int64_t n, int64_t size) { return (n + size - 1) / size; }

#define REAL double
#define TYPED(name) name##_f64
#define CBLAS(name) cblas_d##name
#define LAPACK(name) LAPACKE_d##name##_work
#include "dense_run_typed.h"
#undef REAL
#undef TYPED
#undef CBLAS
#undef LAPACK

#define REAL float
#define TYPED(name) name##_f32
#define CBLAS(name) cblas_s##name
#define LAPACK(name) LAPACKE_s##name##_work
#include "dense_run_typed.h"

void nrm_dense_product(nrm_dtype dtype, int threads, char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k,
                     double alpha, const void *a, const void *b, double beta, void *c)
{
    const bool ta = transpose_a == 't', tb = transpose_b == 't';
    const nrm_blas_scope scope = nrm_blas_enter_single();
    if (dtype == NRM_F32) product_f32(threads, ta, tb, m, n, k, (float)alpha, a, b, (float)beta, c);
    else product_f64(threads, ta, tb, m, n, k, alpha, a, b, beta, c);
    nrm_blas_leave(scope);
}

void nrm_dense_combine(nrm_dtype dtype, int threads, int64_t n, double alpha, const void *x, double beta, const void *y, void *out)
{
    if (dtype == NRM_F32) combine_f32(threads, n, (float)alpha, x, (float)beta, y, out);
    else combine_f64(threads, n, alpha, x, beta, y, out);
}

int64_t nrm_qr_work(nrm_dtype dtype, int64_t m, int64_t n)
{
    int64_t count;
    if (m > LARGEST || n > LARGEST) return -1;
    count = dtype == NRM_F32 ? qr_asks_f32(m, n) : qr_asks_f64(m, n);
    return count < 0 ? -1 : nrm_padded((2 * n + count) * (int64_t)nrm_dtype_size(dtype));
}

void nrm_qr_run(nrm_dtype dtype, int64_t m, int64_t n, void *a, void *work)
{
    const nrm_blas_scope scope = nrm_blas_enter_single();
    if (dtype == NRM_F32) qr_f32(m, n, a, work);
    else qr_f64(m, n, a, work);
    nrm_blas_leave(scope);
}

/* ---- SVD ------------------------------------------------------------------------------------------ */

/* Places in work, in doubles. */
typedef struct layout { int64_t vt, u, s, integers, work, lwork, total; } layout;

static bool lay_out(int64_t m, int64_t n, layout *at)
{
    const int64_t p = nrm_min_i64(m, n);
    double asked = -1, none = 0;
    lapack_int integer = 0;

    if (m > LARGEST || n > LARGEST) return false;
    LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)n, (int)m, &none, (int)n, &none, &none, (int)n, &none, (int)p,
                        &asked, -1, &integer);
    if (!(asked >= 1 && asked <= INT_MAX)) return false;
    at->vt = m * n, at->u = at->vt + n * p, at->s = at->u + p * m, at->integers = at->s + p;
    at->work = at->integers + 4 * p; /* 8 p integers of at most 4 bytes */
    at->lwork = (int64_t)asked;
    at->total = at->work + at->lwork;
    return true;
}

int64_t nrm_svd_work(int64_t m, int64_t n)
{
    layout at;
    return lay_out(m, n, &at) ? at.total : -1;
}

bool nrm_svd_run(int64_t m, int64_t n, double *work, nrm_svd_factors *f)
{
    const int64_t p = nrm_min_i64(m, n);
    layout at;

    if (!lay_out(m, n, &at)) return false;
    *f = (nrm_svd_factors){.u = work + at.u, .s = work + at.s, .vt = work + at.vt};
    const nrm_blas_scope scope = nrm_blas_enter_single();
    const int info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)n, (int)m, work, (int)n, f->s, f->vt, (int)n, f->u, (int)p,
                                         work + at.work, (int)at.lwork, (lapack_int *)(void *)(work + at.integers));
    nrm_blas_leave(scope);
    return info == 0;
}

/* ---- Leading singular vectors ---------------------------------------------------------------------- */

/* A long matrix is first brought to its square factor, which has the same singular vectors on
 * the short side: a = Q R (m > n, right ones), a = L Q (left ones). */
static bool reduces(bool right, int64_t m, int64_t n) { return right ? m >= 2 * n : n >= 2 * m; }

/* Numbers of work of the reduction beyond a itself: scales, and what LAPACK asks for. */
static int64_t reduction_asks(bool right, int64_t m, int64_t n)
{
    double asked = -1, none = 0;

    if (m > LARGEST || n > LARGEST) return -1;
    if (right) LAPACKE_dgelqf_work(LAPACK_COL_MAJOR, (int)n, (int)m, &none, (int)n, &none, &asked, -1);
    else LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, (int)n, (int)m, &none, (int)n, &none, &asked, -1);
    return asked >= 1 && asked <= INT_MAX / 2 ? nrm_min_i64(m, n) + (int64_t)asked : -1;
}

int64_t nrm_leading_work(bool right, int64_t m, int64_t n)
{
    const int64_t side = nrm_min_i64(m, n);
    int64_t count = reduces(right, m, n) ? nrm_svd_work(side, side) : nrm_svd_work(m, n), bytes;

    if (reduces(right, m, n)) {
        const int64_t more = reduction_asks(right, m, n);
        if (count < 0 || more < 0 || !nrm_add_size(count, m * n + more, &count)) return -1;
    }
    return nrm_mul_size(count, (int64_t)sizeof(double), &bytes) && bytes <= INT64_MAX - 64 ? nrm_padded(bytes) : -1;
}

/* The triangular factor of wide (m x n, used up), row-major, to factor (side x side). */
static void reduce(bool right, int64_t m, int64_t n, double *wide, double *factor)
{
    const int64_t side = nrm_min_i64(m, n);
    double *scales = wide + m * n, *rest = scales + side;
    const int count = (int)(reduction_asks(right, m, n) - side);
    const nrm_blas_scope scope = nrm_blas_enter_single();

    if (right) LAPACKE_dgelqf_work(LAPACK_COL_MAJOR, (int)n, (int)m, wide, (int)n, scales, rest, count);
    else LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, (int)n, (int)m, wide, (int)n, scales, rest, count);
    nrm_blas_leave(scope);
    for (int64_t i = 0; i < side; i++) /* row i of R begins at its diagonal, row i of L ends there */
        for (int64_t j = 0; j < side; j++) factor[i * side + j] = (right ? j >= i : j <= i) ? wide[i * n + j] : 0;
}

/* Vector k of `length` entries, `step` apart, to column k of p. */
static void store_vector(nrm_dtype dtype, int64_t rank, int64_t k, int64_t length, const double *x, int64_t step, void *p)
{
    double most = 0;

    for (int64_t i = 0; i < length; i++)
        if (fabs(x[i * step]) > fabs(most)) most = x[i * step];
    for (int64_t i = 0; i < length; i++) nrm_real_set(dtype, p, i * rank + k, most < 0 ? -x[i * step] : x[i * step]);
}

void nrm_leading_run(nrm_dtype dtype, bool right, int64_t m, int64_t n, int64_t rank, const void *a, void *p, void *work)
{
    const bool square = reduces(right, m, n);
    const int64_t length = right ? n : m, rows = square ? length : m, cols = square ? length : n, kept = nrm_min_i64(rows, cols);
    double *wide = square ? (double *)work + nrm_svd_work(rows, cols) : work;
    nrm_svd_factors f = {0};

    for (int64_t i = 0; i < m * n; i++) wide[i] = nrm_real_get(dtype, a, i);
    if (square) reduce(right, m, n, wide, work);
    if (!nrm_svd_run(rows, cols, work, &f)) { /* nothing was found: the first coordinates */
        for (int64_t i = 0; i < length * rank; i++) nrm_real_set(dtype, p, i, i / rank == i % rank);
        return;
    }
    for (int64_t k = 0; k < rank; k++) store_vector(dtype, rank, k, length, right ? f.vt + k * n : f.u + k, right ? 1 : kept, p);
}
