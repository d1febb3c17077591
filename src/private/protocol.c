/* protocol.c -- the parameters made definite.  Contract: protocol.h.
 *
 * tight     One vector is released, w = (a svec(x x') / (sqrt2 r^2), c x y / (2 r tau2)) with
 *           |x| <= r, |y| <= tau2, a^2 + c^2 = 1: it changes by at most 1, for
 *           |x x' - z z'|_F <= sqrt2 r^2 and |x y - z v| <= 2 r tau2.  svec counts entries off the
 *           diagonal sqrt2, so their noise is 1/sqrt2 of the diagonal's.  sigma: gaussian.h.
 * paper     Two releases, each of (eps/2, delta/2) by the classical formula, of sensitivities
 *           2 r^2 and 2 sqrt(d) tau1 tau2; x y alone has all of (eps, delta).
 *
 * The grid.  A number is rounded to a multiple of its noise's sd / s, s = 2^48, and gets discrete
 * Gaussian noise of scale s units (discrete.h).  What that costs is paid here:
 *   - rounding moves the vector by up to 1/2 unit an entry, twice, and sqrt(D) units in all, and
 *     f64 arithmetic by (d + 16) ulp: sigma is enlarged so that s units still cover it;
 *   - delta of the lattice.  The privacy loss of either noise is (<n, D> + |D|^2/2) / s^2, and
 *     delta is the mean of a function of <n, D> with slope at most |D| / s^2.  Coupled number by
 *     number, lattice and continuum differ by less than 1/2 in mean square, so the deltas differ
 *     by less than |D| / (2 s^2) = 1 / (2 sigma s): grid_delta, taken off delta first.
 *
 * iht.  The sign agrees with <v, g> with chance 1/2 + (|v|/r) (1/2 - least/2^64), in integers;
 * least >= 2^64 / (1 + e^eps), so for any direction g and any two records the chances of a sign
 * have a ratio of at most (2^64 - least) / least <= e^eps: (1) with delta = 0, to the bit, however
 * v, g and their product were rounded.  B = r / (1 - least/2^63) sqrt(pi) G((d+1)/2) / G(d/2). */
#include "protocol.h"
#include "gaussian.h"
#include "method/descriptor.h"

typedef nrm_private_plan plan;

static const double GRID = 281474976710656.0; /* 2^48 */

/* ---- Rules for what was left at 0 --------------------------------------------------------------- */

static nrm_status settle_tau(nrm_ctx *ctx, const char *name, int64_t users, double *tau)
{
    if (*tau > 0) return NRM_OK;
    NRM_REQUIRE(ctx, users > 0, NRM_E_RANGE, NRM_PRIVATE ": %s is 0 and users is not known; %s must be > 0: give it, or the "
                "number of users, to clients and server alike", name, name);
    *tau = sqrt(2 * log((double)nrm_max_i64(users, 2)));
    return NRM_OK;
}

static nrm_status settle_iht(nrm_ctx *ctx, plan *p)
{
    nrm_private_sparse_regression_options *o = &p->o;

    NRM_REQUIRE(ctx, o->k >= 1, NRM_E_RANGE, NRM_PRIVATE ": k is %lld; iht needs it, from 1 to the %lld columns of x", NRM_LL(o->k),
                NRM_LL(p->d));
    NRM_REQUIRE(ctx, o->k <= p->d && o->kprime <= p->d, NRM_E_RANGE, NRM_PRIVATE ": %s is %lld, but x has %lld columns; it must be at "
                "most that", o->k > p->d ? "k" : "kprime", NRM_LL(o->k > p->d ? o->k : o->kprime), NRM_LL(p->d));
    if (o->kprime == 0) o->kprime = nrm_min_i64(8 * o->k, p->d);
    if (o->rounds == 0 && o->users > 0) o->rounds = nrm_max_i64(1, (int64_t)ceil(log((double)o->users)));
    NRM_REQUIRE(ctx, o->users == 0 || o->users >= o->rounds, NRM_E_RANGE, NRM_PRIVATE ": %lld users are fewer than the %lld rounds; "
                "each round needs one", NRM_LL(o->users), NRM_LL(o->rounds));
    NRM_REQUIRE(ctx, !o->average || o->rounds > 0, NRM_E_RANGE, NRM_PRIVATE ": average needs the number of rounds; give rounds or users");
    if (o->score_bound == 0) o->score_bound = 0.25 * sqrt((double)p->d) * o->tau2;
    return NRM_OK;
}

static nrm_status settle(nrm_ctx *ctx, int64_t users, plan *p)
{
    nrm_private_sparse_regression_options *o = &p->o;

    NRM_REQUIRE(ctx, p->d >= 1 && p->d <= NRM_PRIVATE_D_MOST, NRM_E_SHAPE, NRM_PRIVATE ": x has %lld columns; it must have 1 to %d",
                NRM_LL(p->d), NRM_PRIVATE_D_MOST);
    NRM_REQUIRE(ctx, o->mode == NRM_PRIVATE_IHT || (o->delta > 0 && o->delta < 1), NRM_E_RANGE, NRM_PRIVATE ": delta is %g; it must be "
                "between 0 and 1, and below 1 / users to mean something; iht needs none", o->delta);
    NRM_REQUIRE(ctx, o->split > 0 && o->split < 1, NRM_E_RANGE, NRM_PRIVATE ": split is %g; it must be between 0 and 1", o->split);
    NRM_REQUIRE(ctx, o->threshold >= 0 || o->threshold == -1, NRM_E_RANGE, NRM_PRIVATE ": threshold is %g; it must be >= 0, or -1 for the rule",
                o->threshold);
    if (o->users == 0) o->users = users;
    if (o->r == 0) o->r = sqrt((double)p->d);
    NRM_TRY(settle_tau(ctx, "tau2", o->users, &o->tau2));
    if (o->mode == NRM_PRIVATE_IHT || o->calibration == NRM_PRIVATE_PAPER) NRM_TRY(settle_tau(ctx, "tau1", o->users, &o->tau1));
    return o->mode == NRM_PRIVATE_IHT ? settle_iht(ctx, p) : NRM_OK;
}

/* ---- Gaussian modes -------------------------------------------------------------------------------- */

static nrm_status set_tight(nrm_ctx *ctx, plan *p)
{
    const nrm_private_sparse_regression_options *o = &p->o;
    const double a = p->covariance > 0 ? sqrt(o->split) : 0, c = p->covariance > 0 ? sqrt(1 - o->split) : 1;

    p->grid_delta = 0.5 / (nrm_gaussian_sigma(o->eps, o->delta) * GRID);
    NRM_REQUIRE(ctx, p->grid_delta < 0.5 * o->delta, NRM_E_RANGE, NRM_PRIVATE ": delta is %g; the grid of the noise adds up to %g, so "
                "delta must be over twice that", o->delta, p->grid_delta);
    const double exact = nrm_gaussian_sigma(o->eps, o->delta - p->grid_delta), rounding = exact * sqrt((double)p->numbers) / GRID;
    NRM_REQUIRE(ctx, rounding < 0.5, NRM_E_RANGE, NRM_PRIVATE ": eps is %g; the noise for it and %lld numbers is too much for a message",
                o->eps, NRM_LL(p->numbers));
    p->sigma = exact * (1 + (double)(p->d + 16) * 0x1p-52) / (1 - rounding);
    if (p->covariance > 0) {
        p->sd[NRM_PART_DIAGONAL] = sqrt(2) * o->r * o->r * p->sigma / a;
        p->sd[NRM_PART_OFFDIAGONAL] = o->r * o->r * p->sigma / a;
    }
    p->sd[NRM_PART_MOMENT] = 2 * o->r * o->tau2 * p->sigma / c;
    return NRM_OK;
}

static nrm_status set_paper(nrm_ctx *ctx, plan *p)
{
    const nrm_private_sparse_regression_options *o = &p->o;
    const double parts = p->covariance > 0 ? 2 : 1, eps = o->eps / parts, delta = o->delta / parts;

    NRM_REQUIRE(ctx, eps <= 1, NRM_E_RANGE, NRM_PRIVATE ": eps is %g; classical Gaussian mechanism invalid above %g, use tight calibration",
                o->eps, parts);
    p->sigma = nrm_gaussian_classical(eps, delta);
    p->grid_delta = 0.5 / (p->sigma * GRID);
    const double rounding = p->sigma * sqrt((double)p->numbers) / GRID, slack = (1 - rounding) / (1 + (double)(p->d + 16) * 0x1p-52);
    NRM_REQUIRE(ctx, rounding < 0.5 && nrm_gaussian_delta(p->sigma * slack, eps) + p->grid_delta <= delta, NRM_E_RANGE,
                NRM_PRIVATE ": eps %g and delta %g are not kept by the classical Gaussian mechanism; use tight calibration", o->eps, o->delta);
    if (p->covariance > 0) p->sd[NRM_PART_DIAGONAL] = p->sd[NRM_PART_OFFDIAGONAL] = 2 * o->r * o->r * p->sigma;
    p->sd[NRM_PART_MOMENT] = 2 * sqrt((double)p->d) * o->tau1 * o->tau2 * p->sigma;
    p->ball = false;
    return NRM_OK;
}

/* Numbers that a client sends are at most the record's and 64 sd of noise: beyond exp(-2000). */
static nrm_status set_grid(nrm_ctx *ctx, plan *p)
{
    const double r = p->o.r, moment = (p->ball ? r : p->o.tau1) * p->o.tau2;
    const double most[NRM_PART_COUNT] = {r * r, r * r, moment};

    for (int part = 0; part < NRM_PART_COUNT; part++) {
        if (p->sd[part] == 0) continue;
        p->unit[part] = p->sd[part] / GRID;
        p->most[part] = most[part] / p->unit[part] + 64 * GRID;
        NRM_REQUIRE(ctx, isfinite(p->sd[part]) && p->unit[part] > DBL_MIN && p->most[part] < 0x1p62, NRM_E_RANGE,
                    NRM_PRIVATE ": eps is %g, r %g, tau2 %g; noise and records of such sizes do not fit a message", p->o.eps, r, p->o.tau2);
    }
    return NRM_OK;
}

/* ---- iht ------------------------------------------------------------------------------------------- */

/* sqrt(pi) G((d+1)/2) / G(d/2): 1, pi/2, and (d+1)/d of it two further on. */
static double sphere_factor(int64_t d)
{
    double value = d % 2 == 1 ? 1 : 1.5707963267948966192;
    for (int64_t i = d % 2 == 1 ? 1 : 2; i < d; i += 2) value *= (double)(i + 1) / (double)i;
    return value;
}

static nrm_status set_sphere(nrm_ctx *ctx, plan *p)
{
    const nrm_private_sparse_regression_options *o = &p->o;
    const double root = sqrt((double)p->d), kept = sqrt((double)(o->update == NRM_PRIVATE_HARD ? o->kprime : p->d));
    const double least = ceil(0x1p64 / (1 + exp(o->eps)) * (1 + 0x1p-48));

    NRM_REQUIRE(ctx, least < 0x1p63, NRM_E_RANGE, NRM_PRIVATE ": eps is %g; a sign cannot tell so little, iht needs 1e-12 or more", o->eps);
    p->least = (uint64_t)fmax(least, 1);
    p->radius = o->radius == NRM_PRIVATE_RADIUS_SCORE ? o->score_bound : root * o->tau1 * (kept * o->tau1 + o->tau2);
    p->norm = p->radius / ((double)((UINT64_C(1) << 63) - p->least) * 0x1p-63) * sphere_factor(p->d);
    p->sigma = NAN;
    NRM_REQUIRE(ctx, p->radius > 0 && isfinite(p->norm), NRM_E_RANGE, NRM_PRIVATE ": the bound of a gradient is %g; tau1 and tau2 are "
                "%g and %g: it must be finite", p->radius, o->tau1, o->tau2);
    return NRM_OK;
}

/* ---- All of it -------------------------------------------------------------------------------------- */

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static uint64_t hash_of(const plan *p)
{
    const nrm_private_sparse_regression_options *o = &p->o;
    const bool iht = o->mode == NRM_PRIVATE_IHT, box = iht || !p->ball;
    const uint64_t all[] = {NRM_PRIVATE_VERSION, NRM_PRIVATE_GRID, NRM_PRIVATE_SPHERE, (uint64_t)o->mode, iht ? 0 : (uint64_t)o->calibration,
                            (uint64_t)p->d, bits_of(o->eps), iht ? 0 : bits_of(o->delta), bits_of(box ? o->tau1 : 0), bits_of(o->tau2),
                            iht ? 0 : bits_of(o->r), bits_of(p->covariance > 0 ? o->split : 0), bits_of(p->radius)};
    return nrm_hash(NRM_HASH_START, all, sizeof all);
}

nrm_status nrm_private_plan_make(nrm_ctx *ctx, int64_t d, int64_t users, const nrm_private_sparse_regression_options *options,
                                 plan *p)
{
    *p = (plan){.d = d, .ball = true, .radius = NAN, .norm = NAN};
    NRM_TRY(nrm_options_load(ctx, &nrm_private_sparse_regression_method, options, &p->o));
    NRM_TRY(settle(ctx, users, p));
    if (p->o.mode == NRM_PRIVATE_IHT) {
        p->numbers = d;
        NRM_TRY(set_sphere(ctx, p));
    } else {
        p->covariance = p->o.mode == NRM_PRIVATE_NLDP ? d * (d + 1) / 2 : 0;
        p->numbers = p->covariance + d;
        NRM_TRY(p->o.calibration == NRM_PRIVATE_PAPER ? set_paper(ctx, p) : set_tight(ctx, p));
        NRM_TRY(set_grid(ctx, p));
    }
    p->hash = hash_of(p);
    return NRM_OK;
}

uint64_t nrm_private_round_hash(const plan *p, int64_t round, const double *theta)
{
    if (p->o.mode != NRM_PRIVATE_IHT) return p->hash;
    const uint64_t hash = nrm_hash(p->hash, &round, sizeof round);
    return nrm_hash(hash, theta, (size_t)p->d * sizeof *theta);
}

int64_t nrm_private_group_end(const plan *p, int64_t n, int64_t t)
{
    const double q = p->o.growth, rounds = (double)p->o.rounds;
    if (q == 1) return n / p->o.rounds * t;
    if (t == p->o.rounds) return n;
    return (int64_t)((double)n * expm1((double)t * log(q)) / expm1(rounds * log(q)));
}

void nrm_private_info_begin(const plan *p, nrm_private_sparse_regression_info *info)
{
    const bool iht = p->o.mode == NRM_PRIVATE_IHT;
    *info = (nrm_private_sparse_regression_info){
        .epsilon = p->o.eps, .delta = iht ? 0 : p->o.delta, .most_epsilon = p->o.eps, .most_delta = iht ? 0 : p->o.delta,
        .sigma = p->sigma, .covariance_sd = p->covariance > 0 ? p->sd[NRM_PART_DIAGONAL] : NAN,
        .offdiagonal_sd = p->covariance > 0 ? p->sd[NRM_PART_OFFDIAGONAL] : NAN, .moment_sd = iht ? NAN : p->sd[NRM_PART_MOMENT],
        .radius = p->radius, .message_norm = p->norm, .grid_delta = p->grid_delta,
        .message_bytes = nrm_private_message_bytes(p->o.mode, p->d), .clipped = -1, .nonfinite = -1, .threshold = NAN, .kappa = NAN,
        .raw_error = NAN, .error = NAN};
}

/* ---- Public numbers ---------------------------------------------------------------------------------- */

nrm_status nrm_private_suggest(nrm_ctx *ctx, int64_t users, int64_t d, int64_t k, double x_bound, double y_bound,
                               nrm_private_sparse_regression_options *o)
{
    NRM_REQUIRE(ctx, o, NRM_E_NULL, NRM_PRIVATE ": options must not be NULL");
    NRM_REQUIRE(ctx, users >= 1 && d >= 1 && d <= NRM_PRIVATE_D_MOST && k >= 1 && k <= d, NRM_E_RANGE, NRM_PRIVATE ": %lld users, %lld "
                "columns, k = %lld; users and columns must be at least 1 and k from 1 to the columns", NRM_LL(users), NRM_LL(d), NRM_LL(k));
    NRM_REQUIRE(ctx, x_bound > 0 && y_bound > 0 && x_bound < 1e100 && y_bound < 1e100, NRM_E_RANGE, NRM_PRIVATE ": the bounds of x and y "
                "are %g and %g; they must be > 0", x_bound, y_bound);
    o->users = users;
    o->r = sqrt((double)d) * x_bound;
    o->tau1 = x_bound;
    o->tau2 = y_bound;
    o->k = k;
    o->kprime = nrm_min_i64(2 * k, d);
    o->rounds = nrm_min_i64(users, 8);
    o->growth = 1.5;
    o->radius = NRM_PRIVATE_RADIUS_SCORE;
    o->score_bound = 0.25 * sqrt((double)d) * x_bound * y_bound;
    return NRM_OK;
}

double nrm_private_gaussian_sigma(double eps, double delta)
{
    return eps > 0 && isfinite(eps) && delta > 0 && delta < 1 ? nrm_gaussian_sigma(eps, delta) : NAN;
}

double nrm_private_gaussian_delta(double sigma, double eps)
{
    return sigma > 0 && eps >= 0 && isfinite(sigma) && isfinite(eps) ? nrm_gaussian_delta(sigma, eps) : NAN;
}
