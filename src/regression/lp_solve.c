/* lp_solve.c -- least p-norm of the residual: one solver for each range of p, and the answer in the
 * caller's units.  Contract: lp_solve.h.
 *
 * The bound.  For y with A'y = 0 and |y|_q <= 1, 1/p + 1/q = 1, Hoelder gives for every x
 *     b'y = (b - A x)'y <= |A x - b|_p.
 * The solvers' own dual lambda is projected onto Y'lambda = 0 and scaled; lambda'r is b'y but for
 * rounding, and loses no digits where b is large and r small. */
#include "lp_space.h"
#include <float.h>

/* Is r what rounding leaves of an exact fit?  Then there is nothing to divide by. */
static bool exact_fit(nrm_lp_space *s)
{
    double size = nrm_lp_norm(s, s->b, 2);
    double long_z = 0;
    for (int64_t j = 0; j < s->k; j++) long_z = fmax(long_z, fabs(s->z[j]));
    size = fmax(size, long_z);
    return nrm_lp_norm(s, s->r, 2) <= 8 * (double)(s->k + 2) * DBL_EPSILON * size;
}

/* a is zero: r = -b, whatever x. */
static nrm_status nothing_to_fit(nrm_lp_space *s, bool *exact)
{
    const double most = nrm_lp_largest(s, s->b);

    *exact = most == 0;
    for (int64_t i = 0; i < s->n; i++) {
        s->r[i] = -s->b[i];
        s->lambda[i] = most > 0 ? copysign(pow(fabs(s->r[i]) / most, s->p - 1), s->r[i]) : 0;
    }
    nrm_lp_certify(s, s->lambda);
    return NRM_OK;
}

static nrm_status minimise(nrm_lp_space *s, const double *x, bool warm, bool *exact)
{
    if (s->k == 0) return nothing_to_fit(s, exact);
    NRM_TRY(nrm_lp_least_squares(s));
    *exact = exact_fit(s);
    if (*exact) return NRM_OK;
    nrm_lp_certify(s, s->r);
    if (s->p == 2) return NRM_OK;
    s->warm = warm;
    if (warm) {
        nrm_lp_to_z(s, x, s->z);
        nrm_lp_residual(s, s->z, s->r);
    }
    if (s->p > 2) return nrm_lp_above(s);
    return s->p > 1 ? nrm_lp_between(s) : nrm_lp_absolute(s);
}

/* |.|_p of what rounding may have added to r: to s->work. */
static double rounding(nrm_lp_space *s, const nrm_lp_problem *o, const double *x)
{
    for (int64_t i = 0; i < s->n; i++) {
        double sum = fabs(o->b[i]);
        for (int64_t j = 0; j < s->d; j++) sum += fabs(o->a[i * o->lda + j] * x[j]);
        s->work[i] = DBL_EPSILON * (o->weight ? pow(o->weight[i] / s->weight_most, 1 / o->p) * sum : sum);
    }
    return nrm_lp_norm(s, s->work, o->p);
}

/* r of the caller's numbers. */
static nrm_status measure(nrm_lp_space *s, const nrm_lp_problem *o, const double *x, bool exact, nrm_lp_answer *answer)
{
    const double root_most = pow(s->weight_most, 1 / o->p);

    for (int64_t i = 0; i < s->n; i++) {
        double sum = -o->b[i];
        for (int64_t j = 0; j < s->d; j++) sum += o->a[i * o->lda + j] * x[j];
        s->r[i] = o->weight ? pow(o->weight[i] / s->weight_most, 1 / o->p) * sum : sum;
    }
    answer->norm = root_most * nrm_lp_norm(s, s->r, o->p);
    answer->norm_lower = exact ? 0 : fmin(root_most * s->unit * s->lower, answer->norm);
    answer->objective = pow(answer->norm, o->p);
    answer->lower = pow(answer->norm_lower, o->p);
    answer->iterations = s->iterations;
    answer->rank = s->k;
    answer->converged = exact || answer->norm - answer->norm_lower <= s->tol * answer->norm + root_most * rounding(s, o, x);
    NRM_REQUIRE(s->ctx, isfinite(answer->norm), NRM_E_OVERFLOW, "%s: the residual leaves the range of f64; scale a and b down",
                s->who);
    return NRM_OK;
}

nrm_status nrm_lp_solve(nrm_ctx *ctx, const char *who, const nrm_lp_problem *o, double *x, bool warm, nrm_lp_answer *answer,
                        double *dual, bool *dependent)
{
    nrm_lp_space s;
    nrm_lp_answer found;
    double *best = NULL;
    bool exact = false, *unlike = NULL;
    nrm_status st;
    int64_t where;

    NRM_REQUIRE(ctx, o && x && answer, NRM_E_NULL, "%s: problem, x and answer must not be NULL", who);
    NRM_REQUIRE(ctx, !warm || nrm_all_finite_f64(x, o->d, &where), NRM_E_NONFINITE, "%s: x, the point to begin from, must be finite",
                who);
    NRM_TRY(NRM_ALLOC(ctx, best, nrm_max_i64(o->d, 1), who));
    s = (nrm_lp_space){.ctx = ctx};
    NRM_TRY_DONE(NRM_ALLOC_ZERO(ctx, unlike, nrm_max_i64(o->d, 1), who));
    NRM_TRY_DONE(nrm_lp_space_make(ctx, who, o, unlike, &s));
    NRM_TRY_DONE(minimise(&s, x, warm, &exact));
    NRM_TRY_DONE(nrm_lp_to_x(&s, s.z, best));
    NRM_TRY_DONE(measure(&s, o, best, exact, &found));
    memcpy(x, best, (size_t)o->d * sizeof *x);
    *answer = found;
    if (dependent) memcpy(dependent, unlike, (size_t)o->d * sizeof *dependent);
    for (int64_t i = 0; dual && i < o->n; i++)
        dual[i] = exact ? 0 : -s.dual[i] * (o->weight ? pow(o->weight[i], 1 / o->p) : 1);
    if (!found.converged)
        st = nrm_fail(ctx, NRM_NOT_CONVERGED, "%s: the norm of the residual is %.6g and its bound %.6g after %lld systems; allow "
                      "more, or a larger tol", who, found.norm, found.norm_lower, NRM_LL(found.iterations));
done:
    nrm_lp_space_free(&s);
    nrm_free(ctx, unlike);
    nrm_free(ctx, best);
    return st;
}
