/* ledger.c -- what people have spent.  Contract: norma/private_protocol.h.
 *
 * Groups of users are disjoint, so a protocol of many rounds costs each person one message and
 * nothing is composed.  Only a person who sends twice pays twice: basic composition, eps and delta
 * add up.  The table is open addressing by the user's number; places are a power of two and at
 * most half are taken. */
#include "keep.h"
#include "protocol.h"

typedef struct entry { int64_t user, messages; double eps, delta; } entry; /* messages 0: free */

struct nrm_private_ledger {
    entry *place;
    int64_t places, taken;
    int64_t *seeds; /* bits of uint64 */
    int64_t seed_count, seed_capacity;
};

enum { FIRST_PLACES = 64 };

nrm_status nrm_private_ledger_create(nrm_ctx *ctx, nrm_private_ledger **ledger)
{
    nrm_private_ledger *l;

    NRM_REQUIRE(ctx, ledger, NRM_E_NULL, NRM_PRIVATE ": ledger must not be NULL");
    *ledger = NULL;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, l, 1, NRM_PRIVATE));
    const nrm_status st = NRM_ALLOC_ZERO(ctx, l->place, FIRST_PLACES, NRM_PRIVATE);
    if (st < 0) {
        nrm_free(ctx, l);
        return st;
    }
    l->places = FIRST_PLACES;
    *ledger = l;
    return NRM_OK;
}

void nrm_private_ledger_destroy(nrm_ctx *ctx, nrm_private_ledger *l)
{
    if (!l) return;
    nrm_free(ctx, l->place);
    nrm_free(ctx, l->seeds);
    nrm_free(ctx, l);
}

static entry *place_of(entry *place, int64_t places, int64_t user)
{
    uint64_t at = (uint64_t)user * UINT64_C(0x9E3779B97F4A7C15);
    for (at ^= at >> 32;; at++) {
        entry *e = &place[at & (uint64_t)(places - 1)];
        if (e->messages == 0 || e->user == user) return e;
    }
}

static nrm_status make_room(nrm_ctx *ctx, nrm_private_ledger *l)
{
    entry *wider;
    if (2 * (l->taken + 1) <= l->places) return NRM_OK;
    NRM_TRY(NRM_ALLOC_ZERO(ctx, wider, 2 * l->places, NRM_PRIVATE));
    for (int64_t i = 0; i < l->places; i++)
        if (l->place[i].messages > 0) *place_of(wider, 2 * l->places, l->place[i].user) = l->place[i];
    nrm_free(ctx, l->place);
    l->place = wider;
    l->places *= 2;
    return NRM_OK;
}

nrm_status nrm_private_ledger_charge(nrm_ctx *ctx, nrm_private_ledger *l, int64_t user, double eps, double delta, bool again)
{
    NRM_REQUIRE(ctx, l, NRM_E_NULL, NRM_PRIVATE ": ledger must not be NULL");
    NRM_REQUIRE(ctx, eps > 0 && isfinite(eps) && delta >= 0 && delta < 1, NRM_E_RANGE, NRM_PRIVATE ": a charge of eps %g and delta %g; eps "
                "must be > 0 and delta from 0 to 1", eps, delta);
    NRM_TRY(make_room(ctx, l));
    entry *e = place_of(l->place, l->places, user);
    NRM_REQUIRE(ctx, e->messages == 0 || again, NRM_E_ARGUMENT, NRM_PRIVATE ": user %lld has spent eps %g and delta %g on %lld message%s; "
                "another adds eps %g: each user sends once, unless that is what is wanted (again)", NRM_LL(user), e->eps, e->delta,
                NRM_LL(e->messages), e->messages == 1 ? "" : "s", eps);
    l->taken += e->messages == 0;
    *e = (entry){user, e->messages + 1, (e->messages > 0 ? e->eps : 0) + eps, (e->messages > 0 ? e->delta : 0) + delta};
    return NRM_OK;
}

int64_t nrm_private_ledger_spent(const nrm_private_ledger *l, int64_t user, double *eps, double *delta)
{
    const entry *e = l ? place_of(l->place, l->places, user) : NULL;
    if (eps) *eps = e && e->messages > 0 ? e->eps : 0;
    if (delta) *delta = e && e->messages > 0 ? e->delta : 0;
    return e ? e->messages : 0;
}

nrm_status nrm_private_ledger_seed(nrm_ctx *ctx, nrm_private_ledger *l, uint64_t seed)
{
    int64_t bits;

    NRM_REQUIRE(ctx, l, NRM_E_NULL, NRM_PRIVATE ": ledger must not be NULL");
    memcpy(&bits, &seed, sizeof bits);
    for (int64_t i = 0; i < l->seed_count; i++)
        NRM_REQUIRE(ctx, l->seeds[i] != bits, NRM_E_ARGUMENT, NRM_PRIVATE ": the seed %llu was used before; messages with one noise give "
                    "the records away: take no seed, or another", (unsigned long long)seed);
    NRM_TRY(nrm_grow(ctx, &l->seeds, &l->seed_capacity, l->seed_count + 1, sizeof *l->seeds, NRM_PRIVATE));
    l->seeds[l->seed_count++] = bits;
    return NRM_OK;
}

/* ---- Files --------------------------------------------------------------------------------------- */

enum { USER, MESSAGES, EPSILON, DELTA, SEED, FIELDS };
static const nrm_kept none[FIELDS] = {{"user", NRM_I64, -1, NULL}, {"messages", NRM_I64, -1, NULL}, {"epsilon", NRM_F64, -1, NULL},
                                      {"delta", NRM_F64, -1, NULL}, {"seed", NRM_I64, -1, NULL}};

nrm_status nrm_private_ledger_save(nrm_ctx *ctx, const nrm_private_ledger *l, const char *path)
{
    nrm_kept fields[FIELDS];
    int64_t *whole = NULL, empty = 0, n = 0;
    double *real = NULL;
    nrm_status st;

    NRM_REQUIRE(ctx, l && path, NRM_E_NULL, NRM_PRIVATE ": ledger and path must not be NULL");
    NRM_TRY_DONE(NRM_ALLOC(ctx, whole, 2 * l->taken, NRM_PRIVATE));
    NRM_TRY_DONE(NRM_ALLOC(ctx, real, 2 * l->taken, NRM_PRIVATE));
    for (int64_t i = 0; i < l->places; i++) {
        const entry *e = &l->place[i];
        if (e->messages == 0) continue;
        whole[n] = e->user, whole[l->taken + n] = e->messages;
        real[n] = e->eps, real[l->taken + n] = e->delta;
        n++;
    }
    memcpy(fields, none, sizeof fields);
    for (int f = 0; f < SEED; f++) fields[f].count = l->taken;
    fields[SEED].count = l->seed_count;
    fields[USER].data = whole, fields[MESSAGES].data = whole + l->taken;
    fields[EPSILON].data = real, fields[DELTA].data = real + l->taken;
    fields[SEED].data = l->seeds ? l->seeds : &empty;
    st = nrm_keep(ctx, path, fields, FIELDS);
done:
    nrm_free(ctx, whole);
    nrm_free(ctx, real);
    return st;
}

static nrm_status fill(nrm_ctx *ctx, nrm_private_ledger *l, const nrm_kept *f, const char *path)
{
    const int64_t *user = f[USER].data, *messages = f[MESSAGES].data, *seeds = f[SEED].data;
    const double *eps = f[EPSILON].data, *delta = f[DELTA].data;

    for (int64_t i = 0; i < f[USER].count; i++) {
        NRM_TRY(make_room(ctx, l));
        entry *e = place_of(l->place, l->places, user[i]);
        NRM_REQUIRE(ctx, e->messages == 0 && messages[i] > 0 && eps[i] > 0 && delta[i] >= 0, NRM_E_FORMAT, NRM_PRIVATE ": %s: user %lld "
                    "stands twice or has spent what nobody can; the file is damaged", path, NRM_LL(user[i]));
        *e = (entry){user[i], messages[i], eps[i], delta[i]};
        l->taken++;
    }
    for (int64_t i = 0; i < f[SEED].count; i++) {
        uint64_t seed;
        memcpy(&seed, &seeds[i], sizeof seed);
        NRM_TRY(nrm_private_ledger_seed(ctx, l, seed));
    }
    return NRM_OK;
}

nrm_status nrm_private_ledger_load(nrm_ctx *ctx, nrm_private_ledger **ledger, const char *path)
{
    nrm_loaded loaded = {0};
    nrm_private_ledger *l = NULL;
    nrm_kept fields[FIELDS];

    NRM_REQUIRE(ctx, ledger && path, NRM_E_NULL, NRM_PRIVATE ": ledger and path must not be NULL");
    *ledger = NULL;
    memcpy(fields, none, sizeof fields);
    NRM_TRY(nrm_kept_load(ctx, path, &loaded, fields, FIELDS));
    const int64_t n = fields[USER].count;
    nrm_status st = fields[MESSAGES].count == n && fields[EPSILON].count == n && fields[DELTA].count == n
                        ? nrm_private_ledger_create(ctx, &l)
                        : nrm_fail(ctx, NRM_E_FORMAT, NRM_PRIVATE ": %s has arrays of different lengths; the file is damaged", path);
    if (st >= 0) st = fill(ctx, l, fields, path);
    nrm_loaded_destroy(ctx, &loaded);
    if (st < 0) nrm_private_ledger_destroy(ctx, l);
    else *ledger = l;
    return st;
}
