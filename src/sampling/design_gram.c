/* design_gram.c -- the Gram matrix of a design, its extreme eigenvalues, points left out again, and
 * matrix Chernoff bounds.  Contract: design.h.
 *
 * Leaving out.  Let H = sum psi_i psi_i' over n points.  Without point i the design is stable,
 * lambda_min > level (n - 1), if and only if
 *     s_i = psi_i' B^-1 psi_i < 1,   B = H - level (n - 1) I,
 * so of all points that may go the one with the least s_i goes: it takes the least from what is
 * left above the level.  B's shift changes with n: it is factorised again for every point, which
 * costs less (m^3 / 3) than the scores of all points (n m^2). */
#include "design.h"
#include "linalg/linalg.h"
#include <cblas.h>
#include <lapacke.h>

enum { TILE = 128 };
static const double SAFE = 1 - 1e-9; /* of 1: what rounding may take from s_i */

/* Rows of tiles of the lower triangle, each on one thread. */
void nrm_design_gram(int threads, int64_t m, int64_t count, const double *psi, const double *before, double *h)
{
    const nrm_blas_scope scope = nrm_blas_enter_single();

    if (before) memcpy(h, before, (size_t)(m * m) * sizeof *h);
    else memset(h, 0, (size_t)(m * m) * sizeof *h);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1 && m > TILE)
    for (int64_t i = m - 1 - (m - 1) % TILE; i >= 0; i -= TILE) { /* the longest first */
        const int64_t end = nrm_min_i64(i + TILE, m);
        if (count > 0)
            cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)(end - i), (int)end, (int)count, 1, psi + i, (int)m, psi, (int)m, 1,
                        h + i * m, (int)m);
    }
    nrm_blas_leave(scope);
    for (int64_t i = 0; i < m; i++) /* symmetric to the bit */
        for (int64_t j = 0; j < i; j++) h[j * m + i] = h[i * m + j];
}

static int eigen_asks(int64_t m)
{
    double asked = -1, none = 0;
    LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'N', 'U', (lapack_int)m, &none, (lapack_int)m, &none, &asked, -1);
    return asked >= 1 && asked < INT32_MAX ? (int)asked : -1;
}

int64_t nrm_design_eigen_work(int64_t m)
{
    int64_t square;
    const int asked = m <= INT32_MAX ? eigen_asks(m) : -1;
    return asked > 0 && nrm_mul_size(m, m, &square) && nrm_add_size(square, m + asked, &square) ? square : -1;
}

static bool factor(int64_t m, const double *h, double shift, double *l)
{
    memcpy(l, h, (size_t)(m * m) * sizeof *l);
    for (int64_t i = 0; i < m; i++) l[i * (m + 1)] -= shift;
    return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)m, l, (lapack_int)m) == 0; /* row-major: lower */
}

bool nrm_design_above(int64_t m, const double *h, double level, double *work)
{
    const nrm_blas_scope scope = nrm_blas_enter_single();
    const bool above = factor(m, h, level, work);
    nrm_blas_leave(scope);
    return above;
}

bool nrm_design_extremes(int64_t m, const double *h, double count, double *work, double *least, double *most)
{
    double *copy = work, *values = work + m * m, *rest = values + m;
    const nrm_blas_scope scope = nrm_blas_enter_single();

    for (int64_t i = 0; i < m * m; i++) copy[i] = h[i] / count;
    const int info = LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'N', 'U', (lapack_int)m, copy, (lapack_int)m, values, rest, eigen_asks(m));
    nrm_blas_leave(scope);
    *least = values[0];
    *most = values[m - 1];
    return info == 0;
}

/* The place of the point with the least s_i among places kept .. count - 1, -1 where none is below
 * 1; l is B's factor. */
static int64_t dispensable(int64_t m, int64_t count, int64_t kept, const double *psi, const double *l, double *solved)
{
    int64_t place = -1;
    double least = SAFE;

    memcpy(solved, psi + kept * m, (size_t)((count - kept) * m) * sizeof *solved);
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)(count - kept), (int)m, 1, l, (int)m, solved, (int)m);
    for (int64_t i = kept; i < count; i++) {
        const double *row = solved + (i - kept) * m, score = nrm_dot(row, row, m);
        if (score < least) least = score, place = i;
    }
    return place;
}

nrm_status nrm_design_thin(nrm_ctx *ctx, const char *who, int64_t m, int64_t count, int64_t kept, double level, double *psi, double *h,
                           int64_t *left, int64_t *stay)
{
    double *l = NULL, *solved = NULL;
    nrm_status st;
    const nrm_blas_scope scope = nrm_blas_enter_single();

    NRM_TRY_DONE(NRM_ALLOC(ctx, l, m * m, who));
    NRM_TRY_DONE(NRM_ALLOC(ctx, solved, count * m, who));
    for (int64_t i = 0; i < count; i++) left[i] = i;
    *stay = count;
    while (*stay > nrm_max_i64(kept, 1) && factor(m, h, level * (double)(*stay - 1), l)) {
        NRM_STOP_IF(nrm_tick(ctx, who, (double)(count - *stay), -1, "points", (double)*stay), NRM_E_CANCELLED, "%s: stopped on request", who);
        const int64_t gone = dispensable(m, *stay, kept, psi, l, solved);
        if (gone < 0) break;
        cblas_dger(CblasRowMajor, (int)m, (int)m, -1, psi + gone * m, 1, psi + gone * m, 1, h, (int)m);
        --*stay;
        memmove(psi + gone * m, psi + (gone + 1) * m, (size_t)((*stay - gone) * m) * sizeof *psi);
        memmove(left + gone, left + gone + 1, (size_t)(*stay - gone) * sizeof *left);
    }
done:
    nrm_blas_leave(scope);
    nrm_free(ctx, solved);
    nrm_free(ctx, l);
    return st;
}

/* ---- Theory --------------------------------------------------------------------------------------- */

/* Of `total` matrices the counted ones alone must bring lambda_min to (1 - delta) total. */
double nrm_design_probability(int64_t m, double bound, double counted, double total, double delta)
{
    const double needed = (1 - delta) * total / counted; /* 1 - delta' */

    if (!(needed < 1)) return 0;
    const double rate = 1 - needed + needed * log(needed);
    return fmax(0, 1 - (double)m * exp(-rate * counted / bound));
}

double nrm_design_wanted(int64_t m, double bound, double others, double delta, double eta)
{
    double high = 1, low = 0;

    while (high < 0x1p53 && nrm_design_probability(m, bound, high, high + others, delta) < 1 - eta) low = high, high *= 2;
    if (!(high < 0x1p53)) return INFINITY;
    while (high - low > 1) {
        const double middle = floor(0.5 * (low + high));
        if (nrm_design_probability(m, bound, middle, middle + others, delta) < 1 - eta) low = middle;
        else high = middle;
    }
    return high;
}
