/* 20-audit.c -- does a message tell more than it may?  Contract: 20-parts.h.
 *
 * Two records as far apart as the protocol allows are sent many times by the client's own code, and
 * a test tells them apart by the likelihood ratio.  For every threshold t
 *     P(T > t | record) - e^eps P(T > t | other) <= delta,
 * and for the worst pair the best threshold reaches delta: an audit that stays far below shows
 * nothing. */
#include "20-parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 4000, HEADER = 20 };

/* The message of a pair, as one number. */
typedef nrm_status (*statistic)(nrm_ctx *ctx, const nrm_private_sparse_regression_options *o, const unsigned char *message, double *t);

static double number_of(const unsigned char *message, int k)
{
    uint64_t bits = 0;
    int64_t value;
    for (int i = 0; i < 8; i++) bits |= (uint64_t)message[HEADER + 8 * k + i] << (8 * i);
    memcpy(&value, &bits, sizeof value);
    return (double)value / 0x1p48; /* in standard deviations of the noise */
}

/* One column, x y alone: the number itself. */
static nrm_status one_number(nrm_ctx *ctx, const nrm_private_sparse_regression_options *o, const unsigned char *message, double *t)
{
    (void)ctx;
    (void)o;
    *t = number_of(message, 0);
    return NRM_OK;
}

/* nldp, two columns, records (1, 1), 1 and (1, -1), 1: x1 x2 and x2 y change, by 2 units of x each. */
static nrm_status three_numbers(nrm_ctx *ctx, const nrm_private_sparse_regression_options *o, const unsigned char *message, double *t)
{
    const double sigma = nrm_private_gaussian_sigma(o->eps, o->delta), a = sqrt(0.5);
    const double change[2] = {2 * a / (o->r * o->r * sigma), 2 * a / (2 * o->r * o->tau2 * sigma)};
    (void)ctx;
    *t = (number_of(message, 1) * change[0] + number_of(message, 4) * change[1]) / hypot(change[0], change[1]);
    return NRM_OK;
}

/* iht, one column: the sign that a server reads. */
static nrm_status one_sign(nrm_ctx *ctx, const nrm_private_sparse_regression_options *o, const unsigned char *message, double *t)
{
    nrm_private_server *server;
    nrm_status st = nrm_private_server_create(ctx, &server, 1, o);
    if (st < 0) return st;
    st = nrm_private_server_absorb(ctx, server, message, nrm_private_message_bytes(o->mode, 1));
    if (st >= 0) st = nrm_private_server_next_round(ctx, server);
    if (st >= 0) *t = nrm_private_server_theta(server)[0] > 0 ? 1 : -1;
    nrm_private_server_destroy(ctx, server);
    return st;
}

typedef struct trial {
    const char *name;
    int mode, calibration, d;
    double eps, delta, x[2][2], y[2];
    statistic tell;
} trial;

static const trial trials[] = {
    {"x y, Gaussian, tight", NRM_PRIVATE_ISOTROPIC, NRM_PRIVATE_TIGHT, 1, 0.5, 0.05, {{1}, {1}}, {1, -1}, one_number},
    {"x y, Gaussian, tight", NRM_PRIVATE_ISOTROPIC, NRM_PRIVATE_TIGHT, 1, 1, 0.01, {{1}, {1}}, {1, -1}, one_number},
    {"x y, Gaussian, paper", NRM_PRIVATE_ISOTROPIC, NRM_PRIVATE_PAPER, 1, 0.5, 0.05, {{1}, {1}}, {1, -1}, one_number},
    {"x x' and x y, Gaussian, tight", NRM_PRIVATE_NLDP, NRM_PRIVATE_TIGHT, 2, 0.5, 0.05, {{1, 1}, {1, -1}}, {1, 1}, three_numbers},
    {"sign on a sphere", NRM_PRIVATE_IHT, NRM_PRIVATE_TIGHT, 1, 0.5, 0, {{1}, {1}}, {1, -1}, one_sign},
    {"sign on a sphere", NRM_PRIVATE_IHT, NRM_PRIVATE_TIGHT, 1, 2, 0, {{1}, {1}}, {1, -1}, one_sign}};

/* The largest left side over thresholds, and three standard errors of it. */
static void judge(int64_t count[2][BINS], double n, double eps, double *gap, double *spread)
{
    *gap = -1;
    for (int way = 0; way < 2; way++) {
        double above[2] = {0};
        for (int b = 0; b < BINS; b++) {
            for (int which = 0; which < 2; which++) above[which] += (double)count[which][way ? b : BINS - 1 - b] / n;
            for (int which = 0; which < 2; which++) {
                const double p = above[which], q = above[1 - which], value = p - exp(eps) * q;
                if (value <= *gap) continue;
                *gap = value;
                *spread = 3 * sqrt((p * (1 - p) + exp(2 * eps) * q * (1 - q)) / n);
            }
        }
    }
}

static nrm_status run_trial(nrm_ctx *ctx, const trial *t, uint64_t seed, int64_t n, int64_t count[2][BINS])
{
    nrm_private_sparse_regression_options o = nrm_private_sparse_regression_options_default();
    nrm_private_source *source;
    unsigned char message[128];

    o.mode = t->mode, o.calibration = t->calibration, o.eps = t->eps, o.r = sqrt(t->d), o.tau1 = 1, o.tau2 = 1;
    if (t->mode != NRM_PRIVATE_IHT) o.delta = t->delta;
    o.k = 1, o.rounds = 1, o.radius = NRM_PRIVATE_RADIUS_SCORE, o.score_bound = 1;
    memset(count, 0, 2 * BINS * sizeof(int64_t));
    nrm_status st = nrm_private_source_seeded(ctx, &source, seed);
    for (int64_t i = 0; st >= 0 && i < 2 * n; i++) {
        const double theta[2] = {0};
        double value = 0;
        const int which = i >= n;
        st = nrm_private_randomize(ctx, source, i, t->d, t->x[which], t->y[which], theta, message, NULL, &o);
        if (st >= 0) st = t->tell(ctx, &o, message, &value);
        const double bin = (value + 20) / 40 * BINS;
        count[which][bin < 0 ? 0 : bin >= BINS ? BINS - 1 : (int)bin]++;
    }
    nrm_private_source_close(ctx, source);
    return st;
}

nrm_status run_audit(nrm_reproduction *r, nrm_ctx *ctx)
{
    static const char *const columns[] = {"message", "eps", "delta", "audited delta", "three s.e."};
    const int all = NRM_CLAIM_COUNT(trials);
    const int64_t n = r->quick ? 20000 : 200000;
    int64_t (*count)[BINS] = nrm_scratch(r, 2, sizeof *count);
    double kept = 0, reached = 0, tight = 0;

    if (!count) return NRM_E_NOMEM;
    nrm_table table = nrm_table_begin(r, "Audit of the clients", "Two neighbouring records, as far apart as allowed, each sent many times; "
                                      "audited: what the best threshold on the likelihood ratio finds. It must not exceed delta.", columns, 5);
    for (int i = 0; i < all; i++) {
        const trial *t = &trials[i];
        double gap, spread = 0;
        nrm_status st = nrm_step(r, "audit", i, all);
        if (st >= 0) st = run_trial(ctx, t, r->seed + (uint64_t)i, n, count);
        if (st < 0) return st;
        judge(count, (double)n, t->eps, &gap, &spread);
        kept += gap <= t->delta + spread;
        if (t->calibration == NRM_PRIVATE_TIGHT && t->mode == NRM_PRIVATE_ISOTROPIC) reached += gap >= t->delta - spread, tight++;
        nrm_cell_text(table, "%s", t->name);
        nrm_cell_number(table, t->eps), nrm_cell_number(table, t->delta), nrm_cell_number(table, gap), nrm_cell_number(table, spread);
    }
    nrm_measure(r, "audit", kept / all);
    nrm_measure_reason(r, "audit", "Each record was sent %lld times", (long long)n);
    nrm_measure(r, "audit-tight", reached / tight);
    return NRM_OK;
}
