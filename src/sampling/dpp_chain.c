/* dpp_chain.c -- the projection DPP of a space by the chain rule of Hough, Krishnapur, Peres and
 * Virag (2006), with proposals from nu = (k/m) mu.  Contract: dpp_chain.h.
 *
 * After t points let Q hold an orthonormal basis of the span of phi(x_1) .. phi(x_t).  The next
 * point has the density |phi(x) - Q'Q phi(x)|^2 / (m - t) with respect to mu: x ~ nu is accepted
 * with probability |phi - Q'Q phi|^2 / |phi|^2.  That takes m / (m - t) proposals on average, m H_m
 * in all, O(m^3 log m) whatever the number of rows of features: after one pass for their leverage
 * no row is looked at that is not proposed.  (A randomly pivoted QR has the same law and takes
 * O(N m^2).)
 *
 * phi comes scaled to the norm sqrt(m), which changes no direction.  Proposals are looked at in
 * batches, one product with Q each; when one is accepted, the part along its direction is taken off
 * the others of the batch, so that none is lost.  A proposal and its uniform number are drawn
 * together: the size of a batch changes no draw.
 *
 * What is left of phi is orthogonalised twice: after a proposal that had little chance it is a small
 * difference. */
#include "dpp_chain.h"
#include "linalg/linalg.h"
#include <cblas.h>

enum { BATCH = 64, PATIENCE = 20000 };
static const double NOTHING = 1e-12; /* of |phi|^2: a point that has been drawn */

static int64_t batch_of(int64_t m) { return nrm_max_i64(8, nrm_min_i64(BATCH, m / 2)); }

/* Places in work. */
typedef struct places { double *q, *phi, *along, *x, *uniform, *left, *weight; } places;

int64_t nrm_dpp_chain_work(int64_t m, int64_t dimension)
{
    int64_t square, rest;
    const int64_t batch = batch_of(m);

    if (!nrm_mul_size(m, m, &square) || !nrm_mul_size(batch, 2 * m + dimension + 3, &rest) || !nrm_add_size(square, rest, &rest)) return -1;
    return rest;
}

static places lay_out(int64_t m, int64_t dimension, double *work)
{
    const int64_t batch = batch_of(m);
    places at = {.q = work};

    at.phi = at.q + m * m;
    at.along = at.phi + batch * m;
    at.x = at.along + batch * m;
    at.uniform = at.x + batch * dimension;
    at.left = at.uniform + batch;
    at.weight = at.left + batch;
    return at;
}

/* left[i] = |phi_i|^2 - |Q phi_i|^2 for a fresh batch; t rows of Q. */
static void look(const places *at, int64_t m, int64_t t, int64_t batch)
{
    if (t > 0)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)batch, (int)t, (int)m, 1, at->phi, (int)m, at->q, (int)m, 0, at->along,
                    (int)t);
    for (int64_t i = 0; i < batch; i++)
        at->left[i] = nrm_dot(at->phi + i * m, at->phi + i * m, m) - (t > 0 ? nrm_dot(at->along + i * t, at->along + i * t, t) : 0);
}

/* What is left of phi, of norm 1, becomes row t of Q. */
static void take(const places *at, int64_t m, int64_t t, const double *phi)
{
    double *q = at->q + t * m;

    memcpy(q, phi, (size_t)m * sizeof *q);
    for (int pass = 0; pass < 2; pass++) {
        const double scale = 1 / nrm_norm2(q, m);
        for (int64_t j = 0; j < m; j++) q[j] *= scale;
        if (t == 0) continue;
        cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)t, (int)m, 1, at->q, (int)m, q, 1, 0, at->along, 1);
        cblas_dgemv(CblasRowMajor, CblasTrans, (int)t, (int)m, -1, at->q, (int)m, at->along, 1, 1, q, 1);
    }
    const double scale = 1 / nrm_norm2(q, m);
    for (int64_t j = 0; j < m; j++) q[j] *= scale;
}

/* The direction q off the proposals first .. batch - 1. */
static void take_off(const places *at, int64_t m, const double *q, int64_t first, int64_t batch)
{
    if (first == batch) return;
    cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)(batch - first), (int)m, 1, at->phi + first * m, (int)m, q, 1, 0, at->along, 1);
    for (int64_t i = first; i < batch; i++) at->left[i] -= at->along[i - first] * at->along[i - first];
}

nrm_status nrm_dpp_chain_draw(const nrm_space *space, const nrm_dpp_watch *watch, nrm_rng *rng, double *work, double *x,
                              int64_t *proposals)
{
    const int64_t m = nrm_space_size(space), d = nrm_space_dimension(space), batch = batch_of(m);
    const places at = lay_out(m, d, work);
    int64_t t = 0, since = 0; /* proposals since a point was found */

    while (t < m) {
        if (watch->ctx && nrm_tick(watch->ctx, watch->who, (double)t, (double)m, "proposals", (double)*proposals)) *watch->stop = true;
        if (*watch->stop) return NRM_E_CANCELLED;
        if (since >= PATIENCE * m) return NRM_E_INTERNAL;
        for (int64_t i = 0; i < batch; i++) {
            nrm_space_draw_optimal(space, rng, at.x + i * d);
            at.uniform[i] = nrm_rng_uniform(rng);
        }
        nrm_space_evaluate_weighted(space, batch, at.x, at.phi, at.weight);
        look(&at, m, t, batch);
        for (int64_t i = 0; i < batch && t < m; i++) {
            ++*proposals, since++;
            if (!(at.left[i] > NOTHING * (double)m && at.uniform[i] * (double)m < at.left[i])) continue;
            memcpy(x + t * d, at.x + i * d, (size_t)d * sizeof *x);
            take(&at, m, t, at.phi + i * m);
            take_off(&at, m, at.q + t * m, i + 1, batch);
            t++, since = 0;
        }
    }
    return NRM_OK;
}
