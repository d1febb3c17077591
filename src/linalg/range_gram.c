/* range_gram.c -- the short way to a basis (range.h): T = R^-1 of A'A = R'R.
 *
 * Orthonormal to eps cond(A)^2, which is nothing where columns brought to length 1 are far from
 * dependent; LAPACK's estimate of the condition decides, and what is not known to be far goes the
 * long way.  It reads rows that nobody has looked at: a NaN or an Inf among them is one on the
 * diagonal of A'A, and so are squares out of range; the long way has the words for them. */
#include "alone.h"
#include "range.h"
#include "whiten.h"
#include <float.h>
#include <lapacke.h>
#include <norma/comm.h>

static const double FAR = 1e-4; /* least 1 / condition of the Gram matrix */
static const double SMALL = 1e-200, LARGE = 1e200;

/* Columns to length 1, in g; false where that says too little. */
static bool scale_columns(int64_t d, double *g, double *inverse)
{
    for (int64_t j = 0; j < d; j++) {
        const double square = g[j * d + j];
        if (!(square > SMALL && square < LARGE)) return false;
        inverse[j] = 1 / sqrt(square);
    }
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) g[i * d + j] *= inverse[i] * inverse[j];
    return true;
}

static double one_norm(int64_t d, const double *g)
{
    double most = 0;
    for (int64_t i = 0; i < d; i++) most = fmax(most, nrm_norm1(g + i * d, d));
    return most;
}

/* g = A'A becomes R^-1 in t, T of the rows as they are; false: not far from dependent. */
static bool invert(int64_t d, double *g, double *inverse, double *work, lapack_int *integers, double *t, double *condition)
{
    double reciprocal = 0;

    if (!scale_columns(d, g, inverse)) return false;
    const double size = one_norm(d, g);
    /* By rows L L', which LAPACK sees as U'U. */
    if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (int)d, g, (int)d) != 0) return false;
    if (LAPACKE_dpocon_work(LAPACK_COL_MAJOR, 'U', (int)d, g, (int)d, size, &reciprocal, work, integers) != 0) return false;
    if (!(reciprocal > FAR) || LAPACKE_dtrtri_work(LAPACK_COL_MAJOR, 'U', 'N', (int)d, g, (int)d) != 0) return false;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) t[i * d + j] = j < i ? 0 : inverse[i] * g[j * d + i]; /* L^-T */
    *condition = sqrt(1 / reciprocal);
    return true;
}

nrm_status nrm_range_by_gram(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, double *t, double *condition, bool *found)
{
    nrm_whiten w = {0};
    double *g = NULL;
    lapack_int *integers = NULL;

    *found = false;
    nrm_status st = nrm_whiten_begin(ctx, who, a, b, n, "range", &w);
    const int64_t d = w.columns;
    if (st >= 0) st = NRM_ALLOC(ctx, g, d * d + 4 * d, who);
    if (st >= 0) st = NRM_ALLOC(ctx, integers, d, who);
    NRM_TRY_DONE(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    nrm_whiten_as_it_is(&w);
    NRM_TRY_DONE(nrm_whiten_pass(&w, NULL, NULL, g));
    const nrm_alone before = nrm_alone_enter(ctx);
    *found = invert(d, g, g + d * d, g + d * d + d, integers, t, condition);
    nrm_alone_leave(ctx, before);
done:
    nrm_whiten_end(&w);
    nrm_free(ctx, g);
    nrm_free(ctx, integers);
    return st;
}
