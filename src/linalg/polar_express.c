/* polar_express.c -- Remez's exchange for the odd quintic nearest to 1 on an interval, and the
 * greedy sequence of them.  Contract and equation: polar_express.h.
 *
 * The best quintic on [l, u] misses 1 by -E, E, -E, E at l < q < r < u, where q and r are the
 * zeros of p'.  From a guess of q and r: solve
 *     p(l) + E = p(q) - E = p(r) + E = p(u) - E = 1                                        (2)
 * for a, b, c, E; take q and r from p' anew; until E stands still.
 *
 * Where l is nearly u, (2) is singular; (15/8, -10/8, 3/8) at t / u, the limit, takes over. */
#include "polar_express.h"
#include "solve_small.h"

enum { EXCHANGES = 100 };              /* six are usual */
static const double NEARLY_ONE = 1 - 5e-6; /* l / u from which the limit is as good */

static double value(nrm_quintic p, double t)
{
    const double square = t * t;
    return t * (p.a + square * (p.b + square * p.c));
}

/* p(t / u) */
static nrm_quintic stretched(nrm_quintic p, double u)
{
    const double cube = u * u * u;
    return (nrm_quintic){p.a / u, p.b / cube, p.c / (cube * u * u)};
}

/* (1) on [l, u]; false where doubles cannot tell the four equations apart. */
static bool nearest_to_one(double l, double u, nrm_quintic *p)
{
    double q = (3 * l + 1) / 4, r = (l + 3) / 4, error = INFINITY, before;

    if (l / u >= NEARLY_ONE) {
        *p = stretched((nrm_quintic){15.0 / 8, -10.0 / 8, 3.0 / 8}, u);
        return true;
    }
    for (int k = 0; k < EXCHANGES; k++) {
        const double at[4] = {l, q, r, u};
        double system[16], x[4] = {1, 1, 1, 1};
        for (int i = 0; i < 4; i++) {
            const double t = at[i], cube = t * t * t;
            system[4 * i] = t, system[4 * i + 1] = cube, system[4 * i + 2] = cube * t * t;
            system[4 * i + 3] = i % 2 == 0 ? 1 : -1;
        }
        if (!nrm_solve_small(4, system, x)) return false;
        before = error;
        error = x[3];
        *p = (nrm_quintic){x[0], x[1], x[2]};
        if (fabs(before - error) < 1e-15) break;
        const double root = sqrt(9 * p->b * p->b - 20 * p->a * p->c);
        q = sqrt((-3 * p->b - root) / (10 * p->c));
        r = sqrt((-3 * p->b + root) / (10 * p->c));
        if (!isfinite(q) || !isfinite(r)) return false;
    }
    return true;
}

static nrm_status check(nrm_ctx *ctx, const char *who, const nrm_polar_express_options *o)
{
    NRM_REQUIRE(ctx, o->lower > 0 && o->lower < 1, NRM_E_RANGE, "%s: lower is %g; it must be above 0 and below 1", who,
                o->lower);
    NRM_REQUIRE(ctx, o->steps >= 1 && o->steps <= NRM_POLAR_EXPRESS_STEPS, NRM_E_RANGE,
                "%s: steps is %d; it must be from 1 to %d", who, o->steps, NRM_POLAR_EXPRESS_STEPS);
    NRM_REQUIRE(ctx, o->safety >= 0 && o->safety <= 1, NRM_E_RANGE, "%s: safety is %g; it must be from 0 to 1", who,
                o->safety);
    NRM_REQUIRE(ctx, o->cushion >= 0 && o->cushion < 1, NRM_E_RANGE,
                "%s: cushion is %g; it must be at least 0 and below 1", who, o->cushion);
    return NRM_OK;
}

nrm_status nrm_polar_express(nrm_ctx *ctx, const char *who, const nrm_polar_express_options *options,
                             nrm_quintic *step, double *lowest)
{
    nrm_quintic made[NRM_POLAR_EXPRESS_STEPS];
    double l, u = 1;

    NRM_TRY(check(ctx, who, options));
    l = options->lower;
    for (int k = 0; k < options->steps; k++) {
        const double cut = options->cushion * u;
        nrm_quintic p = {0};
        bool found = nearest_to_one(fmax(l, cut), u, &p);
        if (found && cut > l) {
            const double scale = 2 / (value(p, l) + value(p, u));
            p = (nrm_quintic){scale * p.a, scale * p.b, scale * p.c};
        }
        if (k + 1 < options->steps) p = stretched(p, 1 + options->safety);
        l = value(p, l);
        u = 2 - l;
        found = found && isfinite(p.a) && isfinite(p.b) && isfinite(p.c) && l > 0 && u > 0;
        NRM_REQUIRE(ctx, found, NRM_E_RANGE, "%s: step %d has no polynomial with lower %g, safety %g and cushion %g; "
                    "take a smaller safety or cushion, or a larger lower", who, k + 1, options->lower, options->safety,
                    options->cushion);
        made[k] = p;
    }
    memcpy(step, made, (size_t)options->steps * sizeof *step);
    if (lowest) *lowest = l;
    return NRM_OK;
}
