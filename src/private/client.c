/* client.c -- one record to one message.  Contract: norma/private_protocol.h; why the message is
 * private: protocol.c.
 *
 * A source gives each message a ChaCha20 stream of its own.  From the operating system it takes
 * a fresh key each time, so neither a fork nor a copied source makes two messages share noise.
 * A chosen seed is the key, with user and round as nonce: the same (seed, user, round) is the same
 * noise, so a seeded source serves a user once. */
#include "protocol.h"

struct nrm_private_source {
    bool secure;
    uint64_t seed;
    int64_t last_user, last_round; /* seeded: the last that was served */
    nrm_private_sparse_regression_options asked; /* what plan was made of: the noise takes a search */
    nrm_private_plan plan;
};

static nrm_status make_source(nrm_ctx *ctx, nrm_private_source **source, bool secure, uint64_t seed)
{
    nrm_private_source *s;

    NRM_REQUIRE(ctx, source, NRM_E_NULL, NRM_PRIVATE ": source must not be NULL");
    *source = NULL;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, s, 1, NRM_PRIVATE));
    *s = (nrm_private_source){.secure = secure, .seed = seed, .last_user = -1, .last_round = 0};
    *source = s;
    return NRM_OK;
}

nrm_status nrm_private_source_seeded(nrm_ctx *ctx, nrm_private_source **source, uint64_t seed)
{
    NRM_TRY(make_source(ctx, source, false, seed));
    nrm_warn(ctx, NRM_PRIVATE ": NOT PRIVATE: the noise comes from a chosen seed, and whoever knows or guesses it can take it off "
             "and read the records; leave the seed out for anything but tests");
    return NRM_OK;
}

nrm_status nrm_private_source_open(nrm_ctx *ctx, nrm_private_source **source)
{
    uint32_t tried;
    if (nrm_seed_given(ctx)) return nrm_private_source_seeded(ctx, source, nrm_seed(ctx));
    NRM_TRY(nrm_os_random(ctx, NRM_PRIVATE, &tried, sizeof tried)); /* better refused now than after records were read */
    return make_source(ctx, source, true, 0);
}

bool nrm_private_source_secure(const nrm_private_source *source) { return source && source->secure; }

void nrm_private_source_close(nrm_ctx *ctx, nrm_private_source *source)
{
    if (source) nrm_wipe(source, sizeof *source);
    nrm_free(ctx, source);
}

/* The stream of one message. */
static nrm_status open_stream(nrm_ctx *ctx, nrm_private_source *source, int64_t user, int64_t round, nrm_secret *secret)
{
    uint32_t key[8] = {0}, nonce[3] = {0};

    if (source->secure) {
        NRM_TRY(nrm_os_random(ctx, NRM_PRIVATE, key, sizeof key));
    } else {
        NRM_REQUIRE(ctx, user >= 0, NRM_E_RANGE, NRM_PRIVATE ": user is %lld; a seeded source needs a number >= 0", NRM_LL(user));
        NRM_REQUIRE(ctx, round > source->last_round || (round == source->last_round && user > source->last_user), NRM_E_ARGUMENT,
                    NRM_PRIVATE ": the seed was used for user %lld of round %lld already; two messages with one noise give the record "
                    "away: let numbers rise, or take another seed", NRM_LL(user), NRM_LL(round));
        source->last_user = user;
        source->last_round = round;
        memcpy(key, &source->seed, sizeof source->seed);
        memcpy(nonce, &user, sizeof user);
        nonce[2] = (uint32_t)round;
    }
    *secret = nrm_secret_make(key, nonce);
    nrm_wipe(key, sizeof key);
    return NRM_OK;
}

/* A number in units of its grid, rounded, with its noise. */
static void put_number(const nrm_private_plan *plan, nrm_private_part part, double value, nrm_secret *secret, unsigned char **at)
{
    const int64_t rounded = (int64_t)nearbyint(value / plan->unit[part]);
    nrm_private_put_u64(*at, (uint64_t)(rounded + nrm_discrete_gaussian(secret, NRM_PRIVATE_GRID)));
    *at += 8;
}

static void randomize_sums(const nrm_private_plan *plan, const double *x, double y, double *work, nrm_secret *secret,
                           unsigned char *payload, nrm_private_record_report *report)
{
    const int64_t d = plan->d;
    double *ball = work, *box = plan->ball ? NULL : work + d, *moment = plan->ball ? ball : box;
    const double cut = nrm_private_cut(plan, x, y, ball, box, report);

    for (int64_t i = 0; plan->covariance > 0 && i < d; i++)
        for (int64_t j = i; j < d; j++) put_number(plan, nrm_private_part_of(i, j), ball[i] * ball[j], secret, &payload);
    for (int64_t i = 0; i < d; i++) put_number(plan, NRM_PART_MOMENT, moment[i] * cut, secret, &payload);
}

static void randomize_gradient(const nrm_private_plan *plan, const double *x, double y, const double *theta, double *work,
                               nrm_secret *secret, unsigned char *payload, nrm_private_record_report *report)
{
    const int64_t d = plan->d;
    double *v = work, *box = work + d;
    const double norm = nrm_private_gradient(plan, x, y, theta, box, v, report);
    const uint64_t seed = nrm_secret_u64(secret), coin = nrm_secret_u64(secret);

    /* int64 behind the doubles: both are 8 bytes, and the memory has no type of its own. */
    payload[8] = nrm_private_sign(plan, v, norm, seed, coin, (int64_t *)(void *)(work + 2 * d), work + 3 * d);
    nrm_private_put_u64(payload, seed);
}

static nrm_status check_call(nrm_ctx *ctx, const nrm_private_source *source, int64_t d, const double *x, const double *theta,
                             const void *message, const nrm_private_plan *plan)
{
    int64_t where;
    NRM_REQUIRE(ctx, source && x && message, NRM_E_NULL, NRM_PRIVATE ": source, x and message must not be NULL");
    if (plan->o.mode != NRM_PRIVATE_IHT) return NRM_OK;
    NRM_REQUIRE(ctx, theta, NRM_E_NULL, NRM_PRIVATE ": theta must not be NULL: iht needs what the server sent for this round");
    NRM_REQUIRE(ctx, nrm_all_finite_f64(theta, d, &where), NRM_E_NONFINITE, NRM_PRIVATE ": theta[%lld] is %g; it must be finite",
                NRM_LL(where), theta[where]);
    return NRM_OK;
}

nrm_status nrm_private_randomize(nrm_ctx *ctx, nrm_private_source *source, int64_t user, int64_t d, const double *x, double y,
                                 const double *theta, void *message, nrm_private_record_report *report,
                                 const nrm_private_sparse_regression_options *options)
{
    nrm_private_plan plan;

    NRM_REQUIRE(ctx, source && message, NRM_E_NULL, NRM_PRIVATE ": source and message must not be NULL");
    if (options && options->size == sizeof *options && d == source->plan.d && memcmp(options, &source->asked, sizeof *options) == 0)
        return nrm_private_randomize_planned(ctx, &source->plan, source, user, x, y, theta, message, report);
    NRM_TRY(nrm_private_plan_make(ctx, d, 0, options, &plan));
    source->plan = plan;
    source->asked = options && options->size == sizeof *options ? *options : (nrm_private_sparse_regression_options){0};
    return nrm_private_randomize_planned(ctx, &plan, source, user, x, y, theta, message, report);
}

nrm_status nrm_private_randomize_planned(nrm_ctx *ctx, const nrm_private_plan *plan, nrm_private_source *source, int64_t user,
                                         const double *x, double y, const double *theta, void *message,
                                         nrm_private_record_report *report)
{
    const int64_t d = plan->d, room = 6 * (d + 1);
    const bool iht = plan->o.mode == NRM_PRIVATE_IHT;
    const int64_t round = iht ? plan->o.round : 0;
    unsigned char *payload = (unsigned char *)message + NRM_PRIVATE_HEADER;
    nrm_secret secret;
    double *work;
    nrm_status st;

    NRM_TRY(check_call(ctx, source, d, x, theta, message, plan));
    NRM_TRY(NRM_ALLOC(ctx, work, room, NRM_PRIVATE));
    NRM_TRY_DONE(open_stream(ctx, source, user, round, &secret));
    if (iht) randomize_gradient(plan, x, y, theta, work, &secret, payload, report);
    else randomize_sums(plan, x, y, work, &secret, payload, report);
    nrm_private_seal(plan->o.mode, &(nrm_private_header){(uint32_t)d, (uint32_t)round, nrm_private_round_hash(plan, round, theta)},
                     message);
    nrm_wipe(&secret, sizeof secret);
    nrm_wipe(work, (size_t)room * sizeof *work); /* the record */
done:
    nrm_free(ctx, work);
    return st;
}
