/* bundle.c -- the proximal bundle method.  Contract and sources: bundle.h.
 *
 * At centre c with weight u and cuts (g_i, e_i):
 *     lambda = argmin over the simplex of (1/2u)|sum lambda_i g_i|^2 + sum lambda_i e_i     (QP)
 *     ghat = sum lambda_i g_i,   ehat = sum lambda_i e_i,   d = -ghat/u,
 *     predicted = -(|ghat|^2/u + ehat)                                     the model's decrease
 * Evaluate f+, g+ at c + d.
 *   serious, f+ - f(c) <= 0.1 predicted:  e_i += (f+ - f(c)) - g_i'd for all i;  c <- c + d;
 *                                         add (g+, 0)
 *   null:                                 add (g+, f(c) - f+ + g+'d)
 * Only the Gram matrix g_i'g_j enters (QP) and the e_i.
 *
 * The weight (Kiwiel 1990, procedure 2.2).  Along d the model promises a decrease and f+
 * shows what was got; the quadratic through both suggests u' = 2 (1 - got/predicted) u.  A
 * serious step right after another takes it where it lowers u; a null step takes it, at
 * most doubling u, only after eight others, and only if the new cut's error is three times
 * what the model promised: then the model is wrong because steps are long, not because cuts
 * are few.  Raising u too soon is the worse mistake: steps become tiny and stay so.  (Kiwiel
 * has ten times, three others and tenfold; measured on transport duals, these do better.) */
#include "bundle.h"
#include "linalg/linalg.h"

static const double SERIOUS = 0.1, VERY_SERIOUS = 0.5;
enum { MOST_IN_VAIN = 25 };

typedef struct state {
    nrm_ctx *ctx;
    const char *who;
    int64_t n, most, count;      /* most: places for cuts, one more than options.cuts */
    int64_t aggregate;           /* place of the merged cut, -1: none */
    int64_t run;                 /* serious steps in a row, or minus null ones, since u changed */
    double u, value;             /* value: f(c) */
    double *gram, *error, *lambda, *slope; /* slope_i = g_i'ghat */
    double *cuts, *points;       /* points NULL without `average` */
    double *centre, *trial, *gradient, *ghat, *qp_work;
    int64_t *order;
    double ehat, norm2;          /* |ghat|^2 */
} state;

/* Cholesky of m (count, stride ld) in place, pivots kept above `least`. */
static void factor(double *m, int64_t count, int64_t ld, double least)
{
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = m[i * ld + j];
            for (int64_t k = 0; k < j; k++) sum -= m[i * ld + k] * m[j * ld + k];
            if (i == j) m[i * ld + i] = sqrt(sum > least ? sum : least);
            else m[i * ld + j] = sum / m[j * ld + j];
        }
}

static void solve(const double *m, int64_t count, int64_t ld, double *x)
{
    for (int64_t i = 0; i < count; i++) {
        for (int64_t k = 0; k < i; k++) x[i] -= m[i * ld + k] * x[k];
        x[i] /= m[i * ld + i];
    }
    for (int64_t i = count - 1; i >= 0; i--) {
        for (int64_t k = i + 1; k < count; k++) x[i] -= m[k * ld + i] * x[k];
        x[i] /= m[i * ld + i];
    }
}

/* One face of the simplex: the minimiser of (QP) over sum = 1 on the members alone, by the
 * normal equations (G/u + r 11') t = -e + mu 1; the term r 11' changes nothing on the face
 * and makes the matrix definite when the cuts are affinely independent.  When they are not,
 * a trace of ridge sends t far along the flat direction, and the ratio test drops a member. */
static void face_minimum(int64_t held, const int64_t *member, const double *gram, int64_t ld,
                         const double *error, double u, double *matrix, double *t, double *ones)
{
    double most = 0, sum_t = 0, sum_ones = 0;
    for (int64_t i = 0; i < held; i++) most = fmax(most, gram[member[i] * ld + member[i]] / u);
    if (!(most > 0)) most = 1;
    for (int64_t i = 0; i < held; i++) {
        for (int64_t j = 0; j <= i; j++)
            matrix[i * held + j] = gram[member[i] * ld + member[j]] / u + most;
        matrix[i * held + i] += 1e-14 * most;
        t[i] = -error[member[i]];
        ones[i] = 1;
    }
    factor(matrix, held, held, 1e-15 * most);
    solve(matrix, held, held, t);
    solve(matrix, held, held, ones);
    for (int64_t i = 0; i < held; i++) sum_t += t[i], sum_ones += ones[i];
    for (int64_t i = 0; i < held; i++) t[i] += (1 - sum_t) / sum_ones * ones[i];
}

/* The cut outside the members that would lower (QP) most; -1 where none would by more than
 * the rounding of its own price. */
static int64_t entering(int64_t count, int64_t held, const int64_t *member, const double *gram, int64_t ld,
                        const double *error, double u, const double *lambda)
{
    double level = 0, least = INFINITY, size = 0;
    int64_t best = -1;

    for (int64_t i = 0; i < count; i++) {
        double price = 0;
        for (int64_t p = 0; p < held; p++) price += gram[i * ld + member[p]] * lambda[member[p]];
        price = price / u + error[i];
        level += lambda[i] * price;
        if (lambda[i] > 0) size = fmax(size, gram[i * ld + i]);
        else if (price < least) { least = price; best = i; }
    }
    if (best < 0) return -1;
    const double noise = 1e-14 * (sqrt(size * gram[best * ld + best]) / u + fabs(level));
    return least < level - noise ? best : -1;
}

/* Weight moves from the dearest member to the last one, exactly as far as pays: a step that
 * rounding cannot spoil, for when the normal equations are too near singular to be trusted
 * with a member that should come in. */
static int64_t pair_step(int64_t held, int64_t *member, const double *gram, int64_t ld, const double *error, double u,
                         double *lambda)
{
    const int64_t in = member[held - 1];
    double most = -INFINITY, least = 0;
    int64_t from = -1;

    for (int64_t q = 0; q < held; q++) {
        double price = 0;
        for (int64_t p = 0; p < held; p++) price += gram[member[q] * ld + member[p]] * lambda[member[p]];
        price = price / u + error[member[q]];
        if (q == held - 1) least = price;
        else if (price > most) { most = price; from = q; }
    }
    if (from < 0 || !(most > least)) return held - 1;
    const int64_t out = member[from];
    const double bend = (gram[out * ld + out] - 2 * gram[out * ld + in] + gram[in * ld + in]) / u;
    const double step = bend > 0 ? fmin(lambda[out], (most - least) / bend) : lambda[out];
    lambda[in] += step;
    lambda[out] -= step;
    if (lambda[out] > 0) return held;
    lambda[out] = 0;
    member[from] = member[held - 1];
    return held - 1;
}

void nrm_bundle_weights(int64_t count, const double *gram, int64_t ld, const double *error, double u,
                        double *lambda, double *work, int64_t *member)
{
    double *matrix = work, *t = work + count * count, *ones = t + count;
    int64_t held = 0, fresh = -1;

    for (int64_t i = 0; i < count; i++)
        if (lambda[i] > 0) member[held++] = i;
    for (int64_t pivot = 0; pivot < 4 * count + 20; pivot++) {
        int64_t leaves = -1;
        double step = 1;
        face_minimum(held, member, gram, ld, error, u, matrix, t, ones);
        for (int64_t i = 0; i < held; i++) {
            const double l = lambda[member[i]];
            if (t[i] > 0 || !isfinite(t[i])) continue;
            if (l <= step * (l - t[i])) { step = l > 0 ? l / (l - t[i]) : 0; leaves = i; }
        }
        for (int64_t i = 0; i < held; i++) lambda[member[i]] += step * (t[i] - lambda[member[i]]);
        if (leaves >= 0) {
            const int64_t gone = member[leaves];
            lambda[gone] = 0;
            member[leaves] = member[held - 1];
            if (gone != fresh) {
                held--;
                continue;
            }
            member[held - 1] = fresh;
            held = pair_step(held, member, gram, ld, error, u, lambda);
            fresh = -1;
            continue;
        }
        fresh = entering(count, held, member, gram, ld, error, u, lambda);
        if (fresh < 0) break;
        member[held++] = fresh;
    }
    double sum = 0; /* exact feasibility */
    for (int64_t i = 0; i < count; i++) {
        lambda[i] = lambda[i] > 0 ? lambda[i] : 0;
        sum += lambda[i];
    }
    for (int64_t i = 0; i < count; i++) lambda[i] /= sum;
}

/* Solve (QP) and form ghat, |ghat|^2, g_i'ghat and ehat. */
static void model(state *w)
{
    nrm_bundle_weights(w->count, w->gram, w->most, w->error, w->u, w->lambda, w->qp_work, w->order);
    memset(w->ghat, 0, (size_t)w->n * sizeof *w->ghat);
    w->ehat = 0;
    for (int64_t i = 0; i < w->count; i++) {
        const double l = w->lambda[i], *cut = w->cuts + i * w->n;
        if (l == 0) continue;
        for (int64_t k = 0; k < w->n; k++) w->ghat[k] += l * cut[k];
        w->ehat += l * w->error[i];
    }
    w->norm2 = nrm_dot(w->ghat, w->ghat, w->n);
    for (int64_t i = 0; i < w->count; i++) {
        double sum = 0;
        for (int64_t j = 0; j < w->count; j++) sum += w->gram[i * w->most + j] * w->lambda[j];
        w->slope[i] = sum;
    }
}

/* A new cut from gradient g at `point`, with error e; its row of the Gram matrix. */
static void add_cut(state *w, const double *g, const double *point, double e)
{
    const int64_t i = w->count++;
    memcpy(w->cuts + i * w->n, g, (size_t)w->n * sizeof *g);
    if (w->points && point) memcpy(w->points + i * w->n, point, (size_t)w->n * sizeof *point);
    w->error[i] = e > 0 ? e : 0;
    w->lambda[i] = w->count == 1 ? 1 : 0;
    for (int64_t j = 0; j <= i; j++)
        w->gram[i * w->most + j] = w->gram[j * w->most + i] = nrm_dot(w->cuts + i * w->n, w->cuts + j * w->n, w->n);
}

static void move_cut(state *w, int64_t to, int64_t from)
{
    const size_t bytes = (size_t)w->n * sizeof(double);
    if (to == from) return;
    memcpy(w->cuts + to * w->n, w->cuts + from * w->n, bytes);
    if (w->points) memcpy(w->points + to * w->n, w->points + from * w->n, bytes);
    w->error[to] = w->error[from];
    w->lambda[to] = w->lambda[from];
    for (int64_t j = 0; j < w->count; j++) w->gram[to * w->most + j] = w->gram[from * w->most + j];
    for (int64_t j = 0; j < w->count; j++) w->gram[j * w->most + to] = w->gram[j * w->most + from];
}

static nrm_status tell_average(state *w, const nrm_proximal_bundle_options *o, void *user)
{
    double carried = 0;
    if (!o->average) return NRM_OK;
    if (w->aggregate >= 0) {
        carried = w->lambda[w->aggregate];
        w->lambda[w->aggregate] = 0;
    }
    const nrm_status st = o->average(w->ctx, user, carried, w->count, w->lambda, w->points);
    if (w->aggregate >= 0) w->lambda[w->aggregate] = carried;
    return st;
}

/* The cuts are full: keep those of the largest weight.  If one that counts must go, all are
 * merged into (ghat, ehat), which by itself carries the whole model's value at the step. */
static nrm_status compress(state *w, const nrm_proximal_bundle_options *o, void *user)
{
    const int64_t keep = nrm_max_i64(1, nrm_min_i64(o->keep, w->count - 1));
    int64_t held = 0;

    for (int64_t i = 0; i < w->count; i++) { /* insertion by falling weight, newer first */
        int64_t place = i;
        for (; place > 0 && w->lambda[w->order[place - 1]] <= w->lambda[i]; place--)
            w->order[place] = w->order[place - 1];
        w->order[place] = i;
    }
    const bool merge = w->lambda[w->order[keep]] > 0;
    if (merge) NRM_TRY(tell_average(w, o, user));
    double *stays = w->slope; /* its numbers are made afresh below */
    for (int64_t i = 0; i < w->count; i++) stays[w->order[i]] = i < keep;
    if (merge && w->aggregate >= 0) stays[w->aggregate] = 0; /* it is in the new one */
    int64_t aggregate = -1;
    for (int64_t i = 0; i < w->count; i++) {
        if (stays[i] == 0) continue;
        if (i == w->aggregate) aggregate = held;
        move_cut(w, held++, i);
    }
    w->count = held;
    w->aggregate = aggregate;
    if (merge) {
        w->aggregate = w->count;
        add_cut(w, w->ghat, NULL, w->ehat);
        for (int64_t i = 0; i < w->count; i++) w->lambda[i] = i == w->aggregate;
    }
    for (int64_t i = 0; i < w->count; i++) w->slope[i] = nrm_dot(w->cuts + i * w->n, w->ghat, w->n);
    return NRM_OK;
}

/* Evaluate at c + d; move there or learn from it. */
static nrm_status step(state *w, nrm_objective_fn f, void *user, nrm_proximal_bundle_result *r)
{
    const double predicted = -(w->norm2 / w->u + w->ehat);
    double value, change = 0;

    for (int64_t k = 0; k < w->n; k++) w->trial[k] = w->centre[k] - w->ghat[k] / w->u;
    NRM_TRY(f(w->ctx, user, w->trial, &value, w->gradient));
    r->evaluations++;
    r->iterations++;
    NRM_REQUIRE(w->ctx, isfinite(value), NRM_E_NONFINITE, "%s: the objective is not finite at step %lld; scale the "
                "problem down", w->who, NRM_LL(r->iterations));
    const double got = value - w->value;
    const double wanted = 2 * w->u * (1 - got / predicted);
    double u = w->u;

    for (int64_t k = 0; k < w->n; k++) change += w->gradient[k] * (w->trial[k] - w->centre[k]);
    if (got <= SERIOUS * predicted) {
        for (int64_t i = 0; i < w->count; i++) {
            const double e = w->error[i] + got + w->slope[i] / w->u; /* g_i'd = -slope/u */
            w->error[i] = e > 0 ? e : 0;
        }
        memcpy(w->centre, w->trial, (size_t)w->n * sizeof *w->centre);
        w->value = value;
        add_cut(w, w->gradient, w->centre, 0);
        r->serious++;
        if (got <= VERY_SERIOUS * predicted && w->run > 0) u = wanted;
        else if (w->run > 3) u = 0.5 * u;
        u = fmin(w->u, fmax(u, 0.1 * w->u));
        w->run = u != w->u ? 1 : nrm_max_i64(w->run + 1, 1);
    } else {
        const double error = change - got;
        add_cut(w, w->gradient, w->trial, error);
        if (error > -3 * predicted && w->run < -8) u = fmin(wanted, 2 * w->u);
        w->run = u != w->u ? -1 : nrm_min_i64(w->run - 1, -1);
    }
    w->u = u;
    return NRM_OK;
}

static nrm_status iterate(state *w, nrm_objective_fn f, void *user, const nrm_proximal_bundle_options *o,
                          nrm_proximal_bundle_result *r)
{
    const double u_least = 1e-6 * o->weight, u_most = 1e6 * o->weight;
    double last_gap = INFINITY;
    int64_t last_serious = 0, in_vain = 0;

    for (;;) {
        model(w);
        const double gap = w->norm2 / (2 * w->u) + w->ehat;
        r->value = w->value;
        r->residual = nrm_norm_inf(w->ghat, w->n);
        r->error = w->ehat;
        r->end = NRM_PROXIMAL_BUNDLE_CONVERGED;
        if (r->residual <= o->residual_tol && gap <= o->tol * fmax(1, fabs(w->value))) break;
        r->end = NRM_PROXIMAL_BUNDLE_STALLED;
        /* A null step makes the model's gap smaller, or its cut told nothing new. */
        in_vain = r->serious == last_serious && gap >= (1 - 1e-12) * last_gap ? in_vain + 1 : 0;
        if (gap <= 4e-16 * fabs(w->value) || in_vain == MOST_IN_VAIN) break;
        last_gap = gap;
        last_serious = r->serious;
        r->end = NRM_PROXIMAL_BUNDLE_CANCELLED;
        if (o->task ? nrm_tick(w->ctx, o->task, (double)r->iterations, (double)o->max_iter, "gap", gap)
                    : nrm_cancelled(w->ctx))
            break;
        r->end = NRM_PROXIMAL_BUNDLE_MAX_ITER;
        if (r->iterations >= o->max_iter) break;
        if (w->count + 1 >= w->most) NRM_TRY(compress(w, o, user));
        NRM_TRY(step(w, f, user, r));
        w->u = fmin(u_most, fmax(u_least, w->u));
    }
    return tell_average(w, o, user);
}

nrm_status nrm_proximal_bundle(nrm_ctx *ctx, const char *who, int64_t n, nrm_objective_fn f, void *user,
                               double *x, const nrm_proximal_bundle_options *o,
                               nrm_proximal_bundle_result *result)
{
    const int64_t most = nrm_max_i64(4, o->cuts) + 2; /* the newest and the merged beside them */
    int64_t cuts_size = 0;
    nrm_arena arena = {0};
    nrm_proximal_bundle_result r = {0};
    nrm_status st = NRM_OK;

    NRM_REQUIRE(ctx, most < 30000 && nrm_mul_size(most, n, &cuts_size), NRM_E_OVERFLOW,
                "%s: %lld cuts of %lld values are more than memory can address", who, NRM_LL(most), NRM_LL(n));
    const int64_t sizes[] = {most * most, most, most, most, cuts_size, o->average ? cuts_size : 0, n, n, n, n,
                             most * (most + 2), most};
    int slot[12];
    for (int i = 0; i < 12; i++) slot[i] = nrm_arena_add(&arena, sizes[i], 8); /* doubles, and int64_t the last */
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    double *place[11];
    for (int i = 0; i < 11; i++) place[i] = nrm_arena_at(&arena, slot[i]);
    state w = {.ctx = ctx, .who = who, .n = n, .most = most, .aggregate = -1, .u = o->weight, .gram = place[0],
               .error = place[1], .lambda = place[2], .slope = place[3], .cuts = place[4],
               .points = o->average ? place[5] : NULL, .centre = place[6], .trial = place[7],
               .gradient = place[8], .ghat = place[9], .qp_work = place[10],
               .order = nrm_arena_at(&arena, slot[11])};

    memcpy(w.centre, x, (size_t)n * sizeof *x);
    NRM_TRY_DONE(f(ctx, user, w.centre, &w.value, w.gradient));
    r.evaluations = 1;
    NRM_STOP_IF(!isfinite(w.value), NRM_E_NONFINITE, "%s: the objective is not finite at the first point", who);
    add_cut(&w, w.gradient, w.centre, 0);
    NRM_TRY_DONE(iterate(&w, f, user, o, &r));
    memcpy(x, w.centre, (size_t)n * sizeof *x);
    *result = r;
    st = NRM_OK;
done:
    nrm_arena_free(ctx, &arena);
    return st;
}
