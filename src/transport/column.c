/* column.c -- one column of the plan: thresholding with at most k entries.
 *
 * Omega*_b(s), section 3 of the paper.  All is done on v = s - max s <= 0: then tau lies in
 * [-gamma b, 0) and no digit is lost where |s| is large against gamma b.
 *
 *   1. Among all entries, Michelot's iteration: tau = (sum_A v - gamma b)/|A| is a lower
 *      bound of the root of sum [v - tau]_+ = gamma b; drop v <= tau; repeat until nothing
 *      drops.  It is Newton's method on a convex piecewise linear function whose slopes are
 *      whole numbers, so the passes are O(log m + log of the range of v), in practice two
 *      or three when the candidates come from a good bound.
 *   2. If at most k are left, the limit does not bind.  If more are left, the support is
 *      exactly the k largest: sum_{i<=j} (u_i - u_j) rises with j and is below gamma b for
 *      the last j of step 1, hence for j = k. */
#include "ot.h"
#include "linalg/project.h"

void nrm_ot_keep_largest(nrm_ot_column *w, int64_t k)
{
    int64_t kept = 0, equal = k;

    if (w->count <= k) return;
    nrm_top_k(w->value, w->count, k, w->order, w->scratch);
    const double least = w->value[w->order[k - 1]];
    for (int64_t r = 0; r < k; r++) equal -= w->value[w->order[r]] > least;
    for (int64_t i = 0; i < w->count; i++) { /* in rising index, the first of the equals */
        const double v = w->value[i];
        if (v < least || (v == least && equal-- <= 0)) continue;
        w->index[kept] = w->index[i];
        w->value[kept++] = v;
    }
    w->count = kept;
}

static double sum(const double *v, int64_t n)
{
    double lane[4] = {0}, rest = 0;
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int l = 0; l < 4; l++) lane[l] += v[i + l];
    for (; i < n; i++) rest += v[i];
    return (lane[0] + lane[1]) + (lane[2] + lane[3]) + rest;
}

double nrm_ot_column_mass(nrm_ot_column *w, int64_t k, double gamma, double mass, double *tau)
{
    const double need = gamma * mass;
    double top = w->value[0], low;

    for (int64_t i = 1; i < w->count; i++) top = w->value[i] > top ? w->value[i] : top;
    for (int64_t i = 0; i < w->count; i++) w->value[i] -= top;
    for (;;) {
        int64_t kept = 0;
        low = (sum(w->value, w->count) - need) / (double)w->count;
        for (int64_t i = 0; i < w->count; i++) {
            const double v = w->value[i];
            w->index[kept] = w->index[i];
            w->value[kept] = v;
            kept += v > low || v >= 0; /* the largest stays, also where `need` underflows */
        }
        const bool done = kept == w->count;
        w->count = kept;
        if (done) break;
    }
    if (w->count > k) {
        nrm_ot_keep_largest(w, k);
        low = (sum(w->value, w->count) - need) / (double)w->count;
    }

    /* <s, t> - (gamma/2)|t|^2 with t = (v - tau)/gamma and 1't = mass. */
    double value = 0;
    int64_t kept = 0;
    for (int64_t i = 0; i < w->count; i++) {
        const double v = w->value[i], t = (v - low) / gamma;
        value += t * (v + low);
        w->index[kept] = w->index[i];
        w->value[kept] = t;
        kept += t > 0;
    }
    w->count = kept;
    *tau = top + low;
    return 0.5 * value + top * mass;
}

double nrm_ot_column_positive(nrm_ot_column *w, int64_t k, double gamma, double beta)
{
    double value = 0;
    int64_t kept = 0;

    nrm_ot_keep_largest(w, k);
    for (int64_t i = 0; i < w->count; i++) {
        const double s = w->value[i] + beta, t = s > 0 ? s / gamma : 0;
        value += s * t;
        w->index[kept] = w->index[i];
        w->value[kept] = t;
        kept += t > 0;
    }
    w->count = kept;
    return 0.5 * value;
}
