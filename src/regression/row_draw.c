/* row_draw.c -- contract: row_draw.h.
 *
 * The level c solves sum min(1, c s_i) = m, a concave and piecewise linear function of c.  From
 * below, c = m / sum s, Newton's steps c <- (m - rows at 1) / (sum of the other scores) rise to it
 * and end after finitely many; each but the last brings a row to 1, and few are needed even for
 * scores that fall geometrically.
 *
 * With replacement: the order statistics of m uniform numbers are partial sums of m + 1
 * exponential ones over the whole sum, so one walk along the scores places them all. */
#include "row_draw.h"
#include "base/random.h"

/* Sum of the scores below `limit`, compensated; how many are not below it. */
static double sum_below(int64_t n, const double *s, double limit, int64_t *above)
{
    double sum = 0, lost = 0;
    *above = 0;
    for (int64_t i = 0; i < n; i++) {
        if (s[i] >= limit) { (*above)++; continue; }
        const double term = s[i] - lost, next = sum + term;
        lost = (next - sum) - term;
        sum = next;
    }
    return sum;
}

double nrm_draw_level(int64_t n, const double *s, double m)
{
    int64_t positive = 0, above;

    for (int64_t i = 0; i < n; i++) positive += s[i] > 0;
    if ((double)positive <= m) return INFINITY;
    double level = m / sum_below(n, s, INFINITY, &above);
    for (;;) {
        const double rest = sum_below(n, s, 1 / level, &above);
        const double next = rest > 0 ? (m - (double)above) / rest : level;
        if (!(next > level)) return level;
        level = next;
    }
}

static nrm_status take(nrm_ctx *ctx, nrm_drawn *d, int64_t place, double factor)
{
    NRM_TRY(nrm_grow(ctx, &d->place, &d->place_room, d->count + 1, sizeof *d->place, "rows drawn"));
    NRM_TRY(nrm_grow(ctx, &d->factor, &d->factor_room, d->count + 1, sizeof *d->factor, "rows drawn"));
    d->place[d->count] = place;
    d->factor[d->count++] = factor;
    return NRM_OK;
}

static nrm_status draw_independent(nrm_ctx *ctx, const nrm_draw_plan *plan, int64_t n, const double *s, nrm_drawn *d)
{
    const double level = nrm_draw_level(n, s, plan->m);

    for (int64_t i = 0; i < n; i++) {
        const double share = nrm_draw_share(level, s[i]);
        nrm_rng rng = nrm_rng_make(plan->seed, plan->stream);
        d->expected += share;
        if (share <= 0) continue;
        rng.block = (uint64_t)(plan->number ? plan->number[i] : i);
        if (share >= 1 || nrm_rng_uniform(&rng) < share) NRM_TRY(take(ctx, d, i, 1 / share));
    }
    return NRM_OK;
}

static double exponential(nrm_rng *rng) { return -log(1 - nrm_rng_uniform(rng)); }

static nrm_status draw_iid(nrm_ctx *ctx, const nrm_draw_plan *plan, int64_t n, const double *s, nrm_drawn *d)
{
    const int64_t m = (int64_t)plan->m;
    int64_t above, last = 0, at = -1;
    const double total = sum_below(n, s, INFINITY, &above);
    nrm_rng rng = nrm_rng_make(plan->seed, plan->stream);
    double all = 0, sum = 0, passed = 0;

    rng.block = (uint64_t)(plan->number ? plan->number[0] : 0);
    nrm_rng again = rng;
    for (int64_t k = 0; k <= m; k++) all += exponential(&rng);
    for (int64_t i = 0; i < n; i++) {
        if (s[i] > 0) last = i;
        d->expected += s[i] > 0 ? -expm1(plan->m * log1p(-s[i] / total)) : 0;
    }
    for (int64_t k = 0; k < m; k++) {
        sum += exponential(&again);
        while (at < last && (at < 0 || passed <= sum / all * total)) passed += s[++at];
        const double factor = total / (plan->m * s[at]);
        if (d->count > 0 && d->place[d->count - 1] == at) d->factor[d->count - 1] += factor;
        else NRM_TRY(take(ctx, d, at, factor));
    }
    return NRM_OK;
}

nrm_status nrm_draw_rows(nrm_ctx *ctx, const char *who, const nrm_draw_plan *plan, int64_t n, const double *s, nrm_drawn *drawn)
{
    const nrm_status st = plan->iid ? draw_iid(ctx, plan, n, s, drawn) : draw_independent(ctx, plan, n, s, drawn);
    return st < 0 ? nrm_fail_prefix(ctx, st, "%s", who) : st;
}

void nrm_drawn_free(nrm_ctx *ctx, nrm_drawn *drawn)
{
    nrm_free(ctx, drawn->place);
    nrm_free(ctx, drawn->factor);
    *drawn = (nrm_drawn){0};
}

void nrm_draw_shares(const nrm_draw_plan *plan, int64_t n, const double *s, double *share)
{
    int64_t above;
    const double level = plan->iid ? 1 / sum_below(n, s, INFINITY, &above) : nrm_draw_level(n, s, plan->m);
    for (int64_t i = 0; i < n; i++) share[i] = nrm_draw_share(level, s[i]);
}
