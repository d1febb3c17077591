/* estimate.c -- from sums to coefficients.  Contract: server.h.
 *
 *     raw = C^-1 u,   theta = S_lambda(raw), the exact minimiser of |theta|_1 subject to
 *     |theta - raw|_inf <= lambda.
 * The noisy mean of x x' is indefinite until n is of order d^3 and more: its eigenvalues are
 * raised to kappa, which costs no privacy.  The threshold of entry j is threshold_factor sqrt(2 ln d)
 * standard deviations of what the noise does to raw_j,
 *     sd_j^2 = (s_u^2 + s_C^2 |raw|^2) (C^-2)_jj / n,
 * all of it public or released.  Sampling noise is not in it: it is far smaller, or n is so large
 * that both are. */
#include "server.h"
#include "data/row_pass.h"
#include "linalg/linalg.h"
#include "linalg/project.h"
#include <norma/comm.h>

/* LAPACK with one thread of the context: the same bits for any number of threads. */
static nrm_status eigen(nrm_ctx *ctx, int64_t d, const double *a, double *w, double *v)
{
    const int threads = nrm_threads_asked(ctx);
    nrm_status st = ctx ? nrm_set_threads(ctx, 1) : NRM_OK;
    if (st >= 0) st = nrm_eigen_symmetric(ctx, NRM_PRIVATE, d, a, d, w, v);
    if (ctx && nrm_set_threads(ctx, threads) < 0) st = NRM_E_INTERNAL;
    return st;
}

/* Raise what lies below kappa. */
static void mend(const nrm_private_plan *plan, double *w, nrm_private_sparse_regression_info *info)
{
    const int64_t d = plan->d;
    double trace = 0;

    for (int64_t j = 0; j < d; j++) trace += w[j];
    info->kappa = plan->o.kappa_min > 0 ? plan->o.kappa_min : 0.1 * trace / (double)d;
    if (!(info->kappa > 0)) info->kappa = 0.1 * plan->o.r * plan->o.r / (double)d; /* the noise ate the trace */
    for (int64_t j = 0; j < d; j++) {
        if (w[j] >= info->kappa) continue;
        w[j] = info->kappa;
        info->raised++;
    }
    info->not_pd = info->raised > 0;
    info->kappa = fmax(info->kappa, w[0]);
}

/* raw = V W^-1 V'u; square[j] = (C^-2)_jj; c = V W V'. */
static void apply(int64_t d, const double *w, const double *v, const double *u, double *raw, double *square, double *c)
{
    memset(raw, 0, (size_t)d * sizeof *raw);
    memset(square, 0, (size_t)d * sizeof *square);
    for (int64_t k = 0; k < d; k++) {
        double along = 0;
        for (int64_t j = 0; j < d; j++) along += v[j * d + k] * u[j];
        along /= w[k];
        for (int64_t j = 0; j < d; j++) {
            const double scaled = v[j * d + k] / w[k];
            raw[j] += along * v[j * d + k];
            square[j] += scaled * scaled;
        }
    }
    for (int64_t i = 0; c && i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double sum = 0;
            for (int64_t k = 0; k < d; k++) sum += v[i * d + k] * w[k] * v[j * d + k];
            c[i * d + j] = sum;
        }
}

static double rule(const nrm_private_plan *p, int64_t messages, double square, double norm)
{
    if (p->o.threshold >= 0) return p->o.threshold;
    const double of_c = p->sd[NRM_PART_DIAGONAL] * norm, of_u = p->sd[NRM_PART_MOMENT];
    return p->o.threshold_factor * sqrt(2 * log((double)nrm_max_i64(p->d, 2)) * (of_u * of_u + of_c * of_c) * square / (double)messages);
}

/* theta on its support = (C_SS)^-1 u_S; c NULL: I. */
static nrm_status refit(nrm_ctx *ctx, int64_t d, const double *c, const double *u, double *theta)
{
    int64_t *support, size = 0;
    double *part = NULL;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, support, d, NRM_PRIVATE));
    for (int64_t j = 0; j < d; j++)
        if (theta[j] != 0) support[size++] = j;
    NRM_TRY_DONE(NRM_ALLOC(ctx, part, size * (size + 1), NRM_PRIVATE));
    double *right = part + size * size;
    for (int64_t i = 0; i < size; i++) {
        right[i] = u[support[i]];
        for (int64_t j = 0; j < size; j++) part[i * size + j] = c ? c[support[i] * d + support[j]] : i == j;
    }
    if (size > 0) {
        NRM_TRY_DONE(nrm_cholesky(ctx, NRM_PRIVATE, size, part, size));
        NRM_TRY_DONE(nrm_cholesky_solve(ctx, NRM_PRIVATE, size, part, size, 1, right, 1));
    }
    for (int64_t i = 0; i < size; i++) theta[support[i]] = right[i];
done:
    nrm_free(ctx, part);
    nrm_free(ctx, support);
    return st;
}

nrm_status nrm_private_solve(nrm_ctx *ctx, const nrm_private_plan *plan, int64_t messages, double *c, bool noisy, const double *u,
                             double *theta, double *raw, nrm_private_sparse_regression_info *info)
{
    const int64_t d = plan->d;
    double *work, *w, *square, *v;
    nrm_status st;

    NRM_TRY(NRM_ALLOC(ctx, work, d * ((c ? d : 0) + 2), NRM_PRIVATE));
    w = work, square = w + d, v = square + d;
    if (c) {
        NRM_TRY_DONE(eigen(ctx, d, c, w, v));
        if (noisy) mend(plan, w, info);
        else info->kappa = w[0];
        apply(d, w, v, u, raw, square, plan->o.refit ? c : NULL);
    } else {
        memcpy(raw, u, (size_t)d * sizeof *raw);
        for (int64_t j = 0; j < d; j++) square[j] = 1;
        info->kappa = 1;
    }
    const double norm = nrm_norm2(raw, d);
    info->threshold = 0;
    for (int64_t j = 0; j < d; j++) {
        const double lambda = rule(plan, messages, square[j], norm);
        theta[j] = raw[j];
        nrm_prox_l1(&theta[j], 1, lambda);
        info->threshold = fmax(info->threshold, lambda);
    }
    st = NRM_OK;
    if (plan->o.refit) NRM_TRY_DONE(refit(ctx, d, c, u, theta));
    if (info->not_pd)
        nrm_warn(ctx, NRM_PRIVATE ": the noisy covariance had %lld of %lld eigenvalues below %.3g and they were raised; so many users are "
                 "too few for this noise and %lld columns", NRM_LL(info->raised), NRM_LL(d), info->kappa, NRM_LL(d));
done:
    nrm_free(ctx, work);
    return st;
}

/* ---- Public rows ------------------------------------------------------------------------------------- */

/* Column j is what the ones before it can make when the Cholesky pivot keeps a 1e-10th of C_jj. */
static nrm_status check_rank(nrm_ctx *ctx, int64_t d, const double *c, double *l, int64_t rows)
{
    memcpy(l, c, (size_t)(d * d) * sizeof *l);
    for (int64_t j = 0; j < d; j++) {
        double pivot = c[j * d + j];
        for (int64_t k = 0; k < j; k++) pivot -= l[j * d + k] * l[j * d + k];
        NRM_REQUIRE(ctx, pivot > 1e-10 * c[j * d + j], NRM_E_SINGULAR, NRM_PRIVATE ": public_x is rank-deficient: column %lld %s over its "
                    "%lld rows: give more rows or leave that column out", NRM_LL(j),
                    c[j * d + j] == 0 ? "is zero" : "is a combination of the columns before it", NRM_LL(rows));
        const double root = sqrt(pivot);
        l[j * d + j] = root;
        for (int64_t i = j + 1; i < d; i++) {
            double sum = c[i * d + j];
            for (int64_t k = 0; k < j; k++) sum -= l[i * d + k] * l[j * d + k];
            l[i * d + j] = sum / root;
        }
    }
    return NRM_OK;
}

/* x x' as it stands for the paper's x y; else with the factor by which the ball shrinks x, as it
 * does in x y: then C theta = u has theta for its solution whatever r. */
static void add_rows(const nrm_private_plan *plan, const nrm_row_chunk *chunk, double *ball, double *c)
{
    const int64_t d = plan->d;
    for (int64_t r = 0; r < chunk->count; r++) {
        const double *x = chunk->a + r * chunk->lda;
        if (plan->ball) nrm_private_cut(plan, x, 0, ball, NULL, NULL);
        const double *left = plan->ball ? ball : x;
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++) c[i * d + j] += left[i] * x[j];
    }
}

nrm_status nrm_private_public_covariance(nrm_ctx *ctx, const nrm_private_plan *plan, nrm_rows *x, double *c)
{
    const int64_t d = plan->d;
    nrm_row_pass *pass = NULL;
    nrm_row_chunk chunk;
    double *work = NULL;
    int64_t rows = 0;
    nrm_status st;

    NRM_REQUIRE(ctx, nrm_rows_cols(x) == d, NRM_E_SHAPE, NRM_PRIVATE ": public_x has %lld columns and x has %lld; they must be the same",
                NRM_LL(nrm_rows_cols(x)), NRM_LL(d));
    memset(c, 0, (size_t)(d * d) * sizeof *c);
    st = NRM_ALLOC(ctx, work, d * (d + 1), NRM_PRIVATE);
    if (st >= 0) st = nrm_row_pass_begin(ctx, NRM_PRIVATE, x, NULL, 256, "public rows", &pass);
    if (st >= 0) nrm_row_pass_names(pass, "public_x", "");
    while (st >= 0) {
        st = nrm_row_pass_next(ctx, pass, &chunk);
        if (st < 0 || chunk.count == 0) break;
        add_rows(plan, &chunk, work, c);
    }
    NRM_TRY_DONE(nrm_row_pass_end(ctx, &pass, st, &rows));
    NRM_TRY_DONE(nrm_sum_ranks(ctx, NRM_PRIVATE, c, d * d));
    NRM_STOP_IF(rows == 0, NRM_E_SHAPE, NRM_PRIVATE ": public_x has no rows; nldp-public needs some");
    for (int64_t i = 0; i < d * d; i++) c[i] /= (double)rows;
    st = check_rank(ctx, d, c, work + d, rows);
done:
    nrm_free(ctx, work);
    return st;
}

/* ---- The answer of a server ---------------------------------------------------------------------------- */

static nrm_status answer(nrm_ctx *ctx, const nrm_private_server *s, nrm_rows *public_x, double *theta, double *raw, double *moment,
                         double *covariance, nrm_private_sparse_regression_info *info)
{
    const nrm_private_plan *p = &s->plan;
    if (p->o.mode == NRM_PRIVATE_IHT) {
        for (int64_t j = 0; j < p->d; j++) theta[j] = raw[j] = s->averaged > 0 ? s->average[j] / (double)s->averaged : s->theta[j];
        info->threshold = s->threshold;
        return NRM_OK;
    }
    nrm_private_means(s, covariance, moment);
    if (p->o.mode == NRM_PRIVATE_NLDP_PUBLIC) NRM_TRY(nrm_private_public_covariance(ctx, p, public_x, covariance));
    return nrm_private_solve(ctx, p, s->messages, covariance, p->o.mode == NRM_PRIVATE_NLDP, moment, theta, raw, info);
}

nrm_status nrm_private_server_estimate(nrm_ctx *ctx, const nrm_private_server *s, nrm_rows *public_x, double *theta, double *raw,
                                       nrm_private_sparse_regression_info *info)
{
    nrm_private_sparse_regression_info found;
    double *work;
    nrm_status st;

    NRM_REQUIRE(ctx, s && theta, NRM_E_NULL, NRM_PRIVATE ": server and theta must not be NULL");
    const int mode = s->plan.o.mode;
    const int64_t d = s->plan.d, square = mode == NRM_PRIVATE_NLDP || mode == NRM_PRIVATE_NLDP_PUBLIC ? d * d : 0;
    NRM_REQUIRE(ctx, s->total > 0, NRM_E_ARGUMENT, NRM_PRIVATE ": there are no messages yet; nothing can be estimated");
    NRM_REQUIRE(ctx, (mode == NRM_PRIVATE_NLDP_PUBLIC) == (public_x != NULL), NRM_E_ARGUMENT, NRM_PRIVATE ": public_x is %s; nldp-public "
                "needs it and other modes have no use for it", public_x ? "given" : "missing");
    nrm_private_info_begin(&s->plan, &found);
    st = NRM_ALLOC(ctx, work, 3 * d + square, NRM_PRIVATE);
    NRM_TRY_DONE(nrm_comm_agree(ctx, nrm_ctx_comm(ctx), st)); /* public rows are shared by ranks */
    double *best = work, *plain = work + d, *moment = work + 2 * d;
    NRM_TRY_DONE(answer(ctx, s, public_x, best, plain, moment, square > 0 ? work + 3 * d : NULL, &found));
    found.messages = s->total;
    found.round = mode == NRM_PRIVATE_IHT ? s->round - 1 : 0;
    for (int64_t j = 0; j < d; j++) found.support += best[j] != 0;
    memcpy(theta, best, (size_t)d * sizeof *theta);
    if (raw) memcpy(raw, plain, (size_t)d * sizeof *raw);
    if (info) *info = found;
done:
    nrm_free(ctx, work);
    return st;
}
