/* leverage.c -- contract: leverage.h.
 *
 * In u = ln w the weights solve r(u) = ln tau(u) - u = 0, ln tau_i = c u_i + ln |T'a_i|^2, c = 1 - 2/p,
 * T whitening W^(c/2) A.  -r' = I - c (I - P) with a row-stochastic P of real spectrum in [0, 1]:
 * its eigenvalues lie between 1 and 2/p, whatever A is.
 *
 *   u <- u + t r,  t = min(1, p/2), contracts by |1 - p/2| or 1 - 2/p (Cohen and Peng, 2015, for p < 4),
 *   u <- u + alpha r + beta (u - the one before), with s = sqrt(2/p)
 *        alpha = 4 / (1 + s)^2,   beta = ((1 - s) / (1 + s))^2
 * is the Richardson iteration of second order, best for that interval: it contracts by
 * |1 - s| / (1 + s), for p = 1 and p = 4 by 0.17 a round where the first does by 0.5.  The first is
 * taken at the start and whenever the second has made the error twice what it was at best.
 *
 * The same pass that finds u from T sums the Gram matrix of exp(c u / 2) T'a_i, whose Cholesky
 * factor renews T: one reading of the rows a round.
 *
 * The bracket for w with |ln(tau_i / w_i)| <= e.  Let q^2 = |W^(c/2) y|_2^2, y = A x.  Leverage
 * says y_i^2 <= tau_i w_i^-c q^2 <= e^e w_i^(2/p) q^2, with equality left for x = M^-1 a_i.  So
 *   p >= 2:  |y|_p^p = sum y^2 |y|^(p-2) <= e^(e (p-2)/2) q^p,  q^2 <= (sum w)^c |y|_p^2 (Hoelder),
 *   p <= 2:  q^p <= e^(e (2-p)/2) |y|_p^p,  |y|_p^p <= (sum w)^(1-p/2) q^p,
 * hence with h = (sum w)^(p/2-1)
 *   p >= 2:  w_i e^(-e (p-1)) <= s_i <= h w_i e^(e p/2),     p <= 2:  h w_i e^(-e p/2) <= s_i <= w_i e^e. */
#include "leverage.h"
#include "kernel/elementwise.h"
#include "linalg.h"
#include "range.h"
#include "whiten.h"
#include <float.h>
#include <norma/comm.h>

static const double STAGED = 1e4; /* the condition from which a row takes two steps */
enum { PATIENCE = 40 };           /* rounds without a smaller error, after which there will be none */

/* ---- A round ----------------------------------------------------------------------------------- */

typedef struct round_of {
    const nrm_elementwise_f64 *kernel;
    double c, alpha, beta;
    double *before, *after; /* u; after: the one before it, to be the next */
    double error[NRM_WHITEN_SLOTS]; /* of `before`, the greatest of each slot */
} round_of;

static void take_squares(void *user, int slot, int64_t first, int64_t count, const double *square, double *factor)
{
    (void)slot, (void)factor;
    memcpy((double *)user + first, square, (size_t)count * sizeof *square);
}

/* Squares below the normal numbers are rows of zeros. */
static void take_round(void *user, int slot, int64_t first, int64_t count, const double *square, double *factor)
{
    round_of *r = user;
    const double *before = r->before + first;
    double *after = r->after + first, error = r->error[slot];

    r->kernel->unary[NRM_UNARY_log](count, square, factor);
    for (int64_t i = 0; i < count; i++) {
        const bool zero = square[i] < DBL_MIN;
        const double residual = r->c * before[i] + factor[i] - before[i];
        error = !zero && fabs(residual) > error ? fabs(residual) : error;
        after[i] = zero ? -INFINITY : before[i] + r->alpha * residual + r->beta * (before[i] - after[i]);
        factor[i] = zero ? -INFINITY : 0.5 * r->c * after[i];
    }
    r->kernel->unary[NRM_UNARY_exp](count, factor, factor);
    r->error[slot] = error;
}

/* The greatest of all slots and ranks; a round in which u was lost is no success. */
static nrm_status greatest(nrm_ctx *ctx, const double *error, double *most)
{
    nrm_comm *comm = nrm_ctx_comm(ctx);
    const int size = nrm_comm_size(comm);
    double *all = NULL;
    int64_t *bytes = NULL;

    *most = 0;
    for (int slot = 0; slot < NRM_WHITEN_SLOTS; slot++) *most = fmax(*most, error[slot]);
    if (size == 1) return NRM_OK;
    nrm_status st = NRM_ALLOC(ctx, all, size, "ranks");
    if (st >= 0) st = NRM_ALLOC(ctx, bytes, size, "ranks");
    st = nrm_comm_agree(ctx, comm, st);
    for (int rank = 0; st >= 0 && rank < size; rank++) bytes[rank] = sizeof *most;
    if (st >= 0) st = nrm_comm_all_gather(ctx, comm, most, all, bytes);
    for (int rank = 0; st >= 0 && rank < size; rank++) *most = fmax(*most, all[rank]);
    nrm_free(ctx, all);
    nrm_free(ctx, bytes);
    return st;
}

/* ---- What both have in common ------------------------------------------------------------------- */

/* The whitening's begin and its first basis; rank 0: nothing to do. */
static nrm_status begin(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, const char *task, nrm_whiten *w,
                        bool *orthonormal)
{
    double *t = NULL;
    double condition;
    int64_t rank;
    bool triangular;

    nrm_status st = nrm_whiten_begin(ctx, who, a, b, n, task, w);
    if (st >= 0) st = NRM_ALLOC(ctx, t, w->columns * w->columns, who);
    st = nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st);
    if (st >= 0) st = nrm_range_basis(ctx, who, a, b, n, t, &rank, &triangular, &condition, orthonormal);
    if (st >= 0) st = nrm_comm_agree(ctx, nrm_ctx_comm(ctx), nrm_whiten_basis(w, rank, triangular, condition > STAGED, t));
    nrm_free(ctx, t);
    return st;
}

/* Of chunk c, rows c * unit on, only rank c mod P has seen anything. */
static nrm_status gather(nrm_ctx *ctx, const nrm_whiten *w, double *values)
{
    const int rank = nrm_comm_rank(nrm_ctx_comm(ctx)), size = nrm_comm_size(nrm_ctx_comm(ctx));

    for (int64_t first = 0, c = 0; size > 1 && first < w->n; first += w->unit, c++)
        if (c % size != rank) memset(values + first, 0, (size_t)nrm_min_i64(w->unit, w->n - first) * sizeof *values);
    return nrm_sum_ranks(ctx, w->who, values, w->n);
}

nrm_status nrm_leverage_scores(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, double *tau, int64_t *rank)
{
    nrm_whiten w = {0};
    double *gram = NULL, *squares = NULL;
    bool orthonormal;
    nrm_status st;

    NRM_TRY_DONE(begin(ctx, who, a, b, n, "leverage scores", &w, &orthonormal));
    st = NRM_ALLOC(ctx, gram, w.rank * w.rank, who);
    if (st >= 0) st = NRM_ALLOC(ctx, squares, n, who);
    NRM_TRY_DONE(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    if (w.rank > 0) {
        if (!orthonormal) {
            NRM_TRY_DONE(nrm_whiten_pass(&w, NULL, NULL, gram));
            NRM_TRY_DONE(nrm_whiten_renew(&w, gram));
        }
        NRM_TRY_DONE(nrm_whiten_pass(&w, take_squares, squares, NULL));
        NRM_TRY_DONE(gather(ctx, &w, squares));
    } else memset(squares, 0, (size_t)n * sizeof *squares);
    memcpy(tau, squares, (size_t)n * sizeof *tau);
    if (rank) *rank = w.rank;
done:
    nrm_free(ctx, squares);
    nrm_free(ctx, gram);
    nrm_whiten_end(&w);
    return st;
}

/* ---- Lewis weights -------------------------------------------------------------------------------- */

static nrm_status check(nrm_ctx *ctx, const char *who, double p, double tol, int64_t max_iter)
{
    NRM_REQUIRE(ctx, p >= 1 && p <= NRM_LEWIS_P_MOST, NRM_E_RANGE, "%s: p is %g; it must be 1 to %d", who, p, NRM_LEWIS_P_MOST);
    NRM_REQUIRE(ctx, tol >= 0 && isfinite(tol), NRM_E_RANGE, "%s: the tolerance is %g; it must be at least 0", who, tol);
    NRM_REQUIRE(ctx, max_iter >= 1, NRM_E_RANGE, "%s: at most %lld rounds are asked for; it must be at least 1", who, NRM_LL(max_iter));
    return NRM_OK;
}

/* The step after a round that found `error`; the rounds since it was least. */
static void choose_step(round_of *r, double p, double error, double *best, int *since)
{
    const double s = sqrt(2 / p);
    const bool second = error < 1 && error <= 2 * *best;

    *since = error < *best ? 0 : *since + 1;
    *best = fmin(*best, error);
    r->alpha = second ? 4 / ((1 + s) * (1 + s)) : fmin(1, 0.5 * p);
    r->beta = second ? (1 - s) / (1 + s) * ((1 - s) / (1 + s)) : 0;
}

/* Round 0 starts from equal weights and the basis of the unweighted rows, which is theirs but for a
 * few units: it is a start and is not counted.  At the end u is in r->before, with its error. */
static nrm_status iterate(nrm_ctx *ctx, nrm_whiten *w, round_of *r, double p, double *gram, double tol, int64_t max_iter,
                          nrm_lewis_report *report)
{
    const double equal = log((double)w->rank / (double)w->n);
    double best = INFINITY;
    int since = 0;

    for (int64_t i = 0; i < w->n; i++) r->before[i] = r->after[i] = equal;
    choose_step(r, p, INFINITY, &best, &since);
    for (report->iterations = 0;; report->iterations++) {
        memset(r->error, 0, sizeof r->error);
        NRM_TRY(nrm_whiten_pass(w, take_round, r, report->iterations < max_iter ? gram : NULL));
        NRM_TRY(greatest(ctx, r->error, &report->error));
        if (report->iterations > 0 && report->error <= tol) return NRM_OK;
        if (report->iterations >= max_iter || since > PATIENCE) return NRM_NOT_CONVERGED;
        choose_step(r, p, report->error, &best, &since);
        NRM_TRY(nrm_whiten_renew(w, gram));
        double *next = r->before;
        r->before = r->after;
        r->after = next;
    }
}

/* w = exp(u). */
static void to_weights(const nrm_whiten *w, const round_of *r, double *u)
{
    enum { PIECE = 4096 };
#pragma omp parallel for num_threads(w->threads) schedule(static) if (w->threads > 1)
    for (int64_t at = 0; at < w->n; at += PIECE)
        r->kernel->unary[NRM_UNARY_exp](nrm_min_i64(PIECE, w->n - at), u + at, u + at);
}

static nrm_status lewis(nrm_ctx *ctx, nrm_whiten *whiten, double p, double tol, int64_t max_iter, double *w, nrm_lewis_report *report)
{
    round_of r = {.kernel = nrm_elementwise_f64_for(nrm_cpu_isa()), .c = 1 - 2 / p};
    nrm_lewis_report found = {.rank = whiten->rank};
    const int64_t n = whiten->n;
    double *gram = NULL, *u = NULL;

    nrm_status st = NRM_ALLOC(ctx, gram, whiten->rank * whiten->rank, whiten->who);
    if (st >= 0) st = NRM_ALLOC(ctx, u, 2 * n, whiten->who);
    NRM_TRY_DONE(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st));
    r.before = u;
    r.after = u + n;
    for (int64_t i = 0; i < n; i++) r.before[i] = -INFINITY;
    if (whiten->rank > 0) st = iterate(ctx, whiten, &r, p, gram, tol, max_iter, &found);
    if (st < 0) goto done;
    to_weights(whiten, &r, r.before);
    const nrm_status gathered = gather(ctx, whiten, r.before);
    if (gathered < 0) st = gathered;
    if (st < 0) goto done;
    found.sum = nrm_sum(r.before, n);
    memcpy(w, r.before, (size_t)n * sizeof *w);
    if (report) *report = found;
done:
    nrm_free(ctx, u);
    nrm_free(ctx, gram);
    return st;
}

nrm_status nrm_lewis_weights(nrm_ctx *ctx, const char *who, nrm_rows *a, nrm_rows *b, int64_t n, double p, double tol,
                             int64_t max_iter, double *w, nrm_lewis_report *report)
{
    nrm_whiten whiten = {0};
    bool orthonormal;

    NRM_TRY(check(ctx, who, p, tol, max_iter));
    if (p == 2) {
        int64_t rank;
        NRM_TRY(nrm_leverage_scores(ctx, who, a, b, n, w, &rank));
        if (report) *report = (nrm_lewis_report){.iterations = 1, .rank = rank, .sum = nrm_sum(w, n)};
        return NRM_OK;
    }
    nrm_status st = begin(ctx, who, a, b, n, "Lewis weights", &whiten, &orthonormal);
    if (st >= 0) st = lewis(ctx, &whiten, p, tol, max_iter, w, report);
    nrm_whiten_end(&whiten);
    return st;
}

void nrm_lewis_bracket(int64_t n, double p, const double *w, const nrm_lewis_report *report, double *lower, double *upper)
{
    const double e = report->error, spread = pow(report->sum, 0.5 * p - 1);
    const double below = p < 2 ? spread * exp(-0.5 * e * p) : exp(-e * (p - 1)), above = p < 2 ? exp(e) : spread * exp(0.5 * e * p);

    for (int64_t i = 0; i < n; i++) {
        const double weight = w[i];
        if (lower) lower[i] = fmin(1, weight * below);
        if (upper) upper[i] = fmin(1, weight * above);
    }
}
