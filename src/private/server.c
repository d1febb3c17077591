/* server.c -- sums of messages and rounds.  Contract: norma/private_protocol.h, server.h.
 *
 * A message's numbers are integers and their sums are kept in 128 bits: nothing is ever rounded
 * before the end, so order, merging, threads and ranks change no bit.  Bytes are anybody's: a
 * message is checked whole before anything is added, and Gaussian ones may not be larger than the
 * promised record with 64 standard deviations of noise. */
#include "server.h"
#include "linalg/project.h"
#include <norma/comm.h>

typedef nrm_private_server server;

void nrm_private_server_destroy(nrm_ctx *ctx, server *s)
{
    if (!s) return;
    nrm_free(ctx, s->sums);
    nrm_free(ctx, s->theta);
    nrm_free(ctx, s->average);
    nrm_free(ctx, s->units);
    nrm_free(ctx, s->work);
    nrm_free(ctx, s);
}

nrm_status nrm_private_server_make(nrm_ctx *ctx, server **made, const nrm_private_plan *plan)
{
    server *s;
    nrm_status st;

    *made = NULL;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s, 1, NRM_PRIVATE));
    s->plan = *plan;
    s->round = 1;
    s->threshold = NAN;
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, s->sums, plan->numbers, NRM_PRIVATE));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, s->theta, plan->d, NRM_PRIVATE));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, s->average, plan->d, NRM_PRIVATE));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, s->units, plan->d, NRM_PRIVATE));
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, s->work, 3 * (plan->d + 1), NRM_PRIVATE));
    s->hash = nrm_private_round_hash(plan, s->round, s->theta);
    *made = s;
    return NRM_OK;
done:
    nrm_private_server_destroy(ctx, s);
    return st;
}

nrm_status nrm_private_server_create(nrm_ctx *ctx, server **made, int64_t d, const nrm_private_sparse_regression_options *options)
{
    nrm_private_plan plan;

    NRM_REQUIRE(ctx, made, NRM_E_NULL, NRM_PRIVATE ": server must not be NULL");
    *made = NULL;
    NRM_TRY(nrm_private_plan_make(ctx, d, 0, options, &plan));
    return nrm_private_server_make(ctx, made, &plan);
}

int64_t nrm_private_server_messages(const server *s) { return s ? s->messages : 0; }
int64_t nrm_private_server_round(const server *s) { return s ? s->round : 0; }
const double *nrm_private_server_theta(const server *s) { return s ? s->theta : NULL; }

/* ---- Messages -------------------------------------------------------------------------------------- */

/* The grid of payload number `at` goes by its place: the triangle's rows, then x y. */
static nrm_status absorb_sums(nrm_ctx *ctx, server *s, const unsigned char *payload)
{
    const int64_t d = s->plan.d;
    for (int turn = 0; turn < 2; turn++) { /* look at all, then add */
        int64_t at = 0;
        for (int64_t i = s->plan.covariance > 0 ? 0 : d; i <= d; i++)
            for (int64_t j = i < d ? i : 0; j < d; j++, at++) {
                const int64_t number = (int64_t)nrm_private_get_u64(payload + 8 * at);
                const nrm_private_part part = i == d ? NRM_PART_MOMENT : nrm_private_part_of(i, j);
                if (turn == 1) s->sums[at] += number;
                else if (!(fabs((double)number) <= s->plan.most[part]))
                    return nrm_fail(ctx, NRM_E_FORMAT, NRM_PRIVATE ": number %lld of a message is %g; no client sends more than %g",
                                    NRM_LL(at), (double)number * s->plan.unit[part], s->plan.most[part] * s->plan.unit[part]);
            }
    }
    return NRM_OK;
}

static nrm_status absorb_direction(nrm_ctx *ctx, server *s, const unsigned char *payload)
{
    NRM_REQUIRE(ctx, payload[8] <= 1, NRM_E_FORMAT, NRM_PRIVATE ": the sign of a message is %d; it must be 0 or 1", payload[8]);
    nrm_private_direction(nrm_private_get_u64(payload), s->plan.d, s->units, s->work);
    for (int64_t j = 0; j < s->plan.d; j++) s->sums[j] += payload[8] ? s->units[j] : -s->units[j];
    return NRM_OK;
}

nrm_status nrm_private_server_absorb(nrm_ctx *ctx, server *s, const void *message, int64_t bytes)
{
    const unsigned char *payload = NULL;

    NRM_REQUIRE(ctx, s && (message || bytes <= 0), NRM_E_NULL, NRM_PRIVATE ": server and message must not be NULL");
    const bool iht = s->plan.o.mode == NRM_PRIVATE_IHT;
    const nrm_private_header expected = {(uint32_t)s->plan.d, (uint32_t)(iht ? s->round : 0), s->hash};
    NRM_TRY(nrm_private_open(ctx, s->plan.o.mode, &expected, message, bytes, &payload));
    NRM_TRY(iht ? absorb_direction(ctx, s, payload) : absorb_sums(ctx, s, payload));
    s->messages++;
    s->total++;
    return NRM_OK;
}

nrm_status nrm_private_server_merge(nrm_ctx *ctx, server *s, const server *other)
{
    NRM_REQUIRE(ctx, s && other, NRM_E_NULL, NRM_PRIVATE ": the servers to merge must not be NULL");
    NRM_REQUIRE(ctx, s != other, NRM_E_ALIAS, NRM_PRIVATE ": a server cannot be merged into itself; its messages would count twice");
    NRM_REQUIRE(ctx, s->plan.hash == other->plan.hash && s->plan.d == other->plan.d, NRM_E_ARGUMENT, NRM_PRIVATE ": the servers to merge "
                "have other parameters");
    NRM_REQUIRE(ctx, s->round == other->round && memcmp(s->theta, other->theta, (size_t)s->plan.d * sizeof *s->theta) == 0, NRM_E_ARGUMENT,
                NRM_PRIVATE ": the servers to merge are in rounds %lld and %lld, or have another theta", NRM_LL(s->round), NRM_LL(other->round));
    for (int64_t i = 0; i < s->plan.numbers; i++) s->sums[i] += other->sums[i];
    s->messages += other->messages;
    s->total += other->messages;
    return NRM_OK;
}

/* Each sum in three limbs of 40 bits, the last with the sign: i64 sums over ranks are exact. */
nrm_status nrm_private_server_share(nrm_ctx *ctx, server *s)
{
    enum { LIMB = 40 };
    nrm_comm *comm = nrm_ctx_comm(ctx);
    const int64_t count = 3 * s->plan.numbers + 1, mask = (INT64_C(1) << LIMB) - 1;
    int64_t *limbs = NULL;
    unsigned char *work = NULL;

    if (nrm_comm_size(comm) == 1) return NRM_OK;
    nrm_status st = NRM_ALLOC(ctx, limbs, count, NRM_PRIVATE);
    if (st >= 0) st = NRM_ALLOC(ctx, work, nrm_max_i64(nrm_comm_sum_work(comm, NRM_I64, count), 1), NRM_PRIVATE);
    NRM_TRY_DONE(nrm_comm_agree(ctx, comm, st));
    for (int64_t i = 0; i < s->plan.numbers; i++)
        for (int l = 0; l < 3; l++) limbs[3 * i + l] = l < 2 ? (int64_t)(s->sums[i] >> (LIMB * l)) & mask : (int64_t)(s->sums[i] >> (2 * LIMB));
    limbs[count - 1] = s->messages;
    NRM_TRY_DONE(nrm_comm_sum(ctx, comm, NRM_I64, count, limbs, work));
    for (int64_t i = 0; i < s->plan.numbers; i++) {
        s->sums[i] = 0;
        for (int l = 2; l >= 0; l--) s->sums[i] = s->sums[i] * ((nrm_i128)1 << LIMB) + limbs[3 * i + l];
    }
    s->total += limbs[count - 1] - s->messages;
    s->messages = limbs[count - 1];
done:
    nrm_free(ctx, limbs);
    nrm_free(ctx, work);
    return st;
}

/* ---- Rounds ---------------------------------------------------------------------------------------- */

void nrm_private_means(const server *s, double *covariance, double *moment)
{
    const nrm_private_plan *p = &s->plan;
    const int64_t d = p->d;
    const double n = (double)s->messages;
    const nrm_i128 *sum = s->sums;

    for (int64_t i = 0; p->covariance > 0 && i < d; i++)
        for (int64_t j = i; j < d; j++) covariance[i * d + j] = covariance[j * d + i] = (double)*sum++ * p->unit[nrm_private_part_of(i, j)] / n;
    const double unit = p->o.mode == NRM_PRIVATE_IHT ? ldexp(p->norm, -NRM_PRIVATE_SPHERE) : p->unit[NRM_PART_MOMENT];
    for (int64_t j = 0; j < d; j++) moment[j] = (double)sum[j] * unit / n;
}

/* Noise of an entry of the mean of n messages is B / sqrt(d n), each message having length B. */
static double soft_threshold(const server *s)
{
    const nrm_private_sparse_regression_options *o = &s->plan.o;
    const double d = (double)s->plan.d;
    if (o->threshold >= 0) return o->threshold;
    return o->threshold_factor * sqrt(2 * log(fmax(d, 2))) * s->plan.norm / sqrt(d * (double)s->messages);
}

nrm_status nrm_private_server_next_round(nrm_ctx *ctx, server *s)
{
    NRM_REQUIRE(ctx, s, NRM_E_NULL, NRM_PRIVATE ": server must not be NULL");
    const nrm_private_sparse_regression_options *o = &s->plan.o;
    const int64_t d = s->plan.d;
    NRM_REQUIRE(ctx, o->mode == NRM_PRIVATE_IHT, NRM_E_ARGUMENT, NRM_PRIVATE ": only iht has rounds");
    NRM_REQUIRE(ctx, s->messages > 0, NRM_E_ARGUMENT, NRM_PRIVATE ": round %lld has no messages; it cannot be ended", NRM_LL(s->round));

    nrm_private_means(s, NULL, s->work);
    for (int64_t j = 0; j < d; j++) s->theta[j] -= o->eta * s->work[j];
    if (o->update == NRM_PRIVATE_HARD) {
        nrm_project_top_k(s->theta, d, o->kprime, s->units);
    } else {
        s->threshold = o->eta * soft_threshold(s);
        nrm_prox_l1(s->theta, d, s->threshold);
    }
    nrm_project_ball2(s->theta, d, 1);
    if (o->average && s->round > o->rounds / 2) {
        for (int64_t j = 0; j < d; j++) s->average[j] += s->theta[j];
        s->averaged++;
    }
    memset(s->sums, 0, (size_t)s->plan.numbers * sizeof *s->sums);
    s->messages = 0;
    s->round++;
    s->hash = nrm_private_round_hash(&s->plan, s->round, s->theta);
    return NRM_OK;
}
