/* project.c -- projections and proximal operators.  Contract: project.h.
 *
 * Simplex.  The nearest point of { x >= 0, sum x = r } is [x - tau]_+ with tau the root of
 *     f(tau) = sum_i [x_i - tau]_+ - r .                                              (1)
 * Everything is done on y = x - max x <= 0: then tau lies in [-r, 0), entries below -r are
 * out at once, and no digit is lost where |x| >> r.  Michelot (1986): with the active set A
 * of size c, tau = (sum_A y - r)/c is a lower bound of the root; drop what lies below it,
 * repeat until nothing drops.  If a pass raises tau by delta and the next drops d of the
 * entries and keeps k, that one raises tau by less than delta d/k: either the set shrinks
 * to 2/3 or delta halves, so there are O(log n + 53) passes whatever the input, and a
 * handful for most.
 *
 * k-sparse simplex: the k largest entries projected, the rest zero (Kyrillidis, Becker,
 * Cevher, Koch, "Sparse projections onto the simplex", ICML 2013, theorem 1). */
#include "project.h"
#include "linalg.h"
#include "topk.h"

enum { FEW = 32, SAMPLED = 1024, SAMPLE = 8 };

/* Callers' scratch is int64 or double; gcc and clang let this type read and write both. */
typedef double __attribute__((may_alias)) scratch_double;

double nrm_simplex_threshold(const double *u, int64_t k, double total, int64_t *support)
{
    double sum = 0, tau = -total; /* both of u - u[0] */
    int64_t held = 1;

    for (; held < k; held++) {
        const double y = u[held] - u[0];
        if (!(y > tau)) break;
        sum += y;
        tau = (sum - total) / (double)(held + 1);
    }
    if (support) *support = held;
    return u[0] + tau;
}

/* Root of (1) for active[0 .. n-1], from a lower bound tau; the list is used up. */
static double simplex_root(scratch_double *active, int64_t n, double total, double tau)
{
    for (bool first = true;; first = false) {
        double sum = 0;
        int64_t kept = 0;
        for (int64_t i = 0; i < n; i++) {
            const double y = active[i];
            const bool above = y > tau; /* no branch: half the guesses would be wrong */
            active[kept] = y;
            sum += above ? y : 0;
            kept += above;
        }
        if (kept == 0 || (kept == n && !first)) return tau; /* kept 0: NaN, or total <= 0 */
        tau = (sum - total) / (double)kept;
        n = kept;
    }
}

static inline double shifted(double x, bool magnitude, double most) { return (magnitude ? fabs(x) : x) - most; }

/* The root for x - most, or |x| - most.  More entries can only raise it, so the root for the
 * first n/8 is a lower bound that spares most of the others the passes. */
static inline double shifted_root(const double *x, int64_t n, bool magnitude, double most, double total,
                                  double *scratch)
{
    double low = -total;
    int64_t held = 0;

    if (n >= SAMPLED) {
        for (int64_t i = 0; i < n / SAMPLE; i++) scratch[i] = shifted(x[i], magnitude, most);
        low = simplex_root(scratch, n / SAMPLE, total, low);
    }
    for (int64_t i = 0; i < n; i++) {
        scratch[held] = shifted(x[i], magnitude, most);
        held += scratch[held] > low;
    }
    return simplex_root(scratch, held, total, low);
}

static double largest(const double *x, int64_t n)
{
    double most = x[0];
    for (int64_t i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    return most;
}

void nrm_project_simplex(double *x, int64_t n, double total, double *scratch)
{
    if (n <= 0) return;
    const double most = largest(x, n), tau = shifted_root(x, n, false, most, total, scratch);
    for (int64_t i = 0; i < n; i++) {
        const double above = (x[i] - most) - tau;
        x[i] = above > 0 ? above : 0;
    }
}

void nrm_project_simplex_sparse(double *x, int64_t n, double total, int64_t k, int64_t *scratch)
{
    if (n <= 0 || k <= 0) return;
    k = nrm_min_i64(k, n);
    if (k <= FEW) {
        int64_t index[FEW];
        double y[FEW], active[FEW];
        nrm_top_k(x, n, k, index, scratch);
        for (int64_t j = 0; j < k; j++) active[j] = y[j] = x[index[j]] - x[index[0]];
        const double tau = simplex_root(active, k, total, -total);
        memset(x, 0, (size_t)n * sizeof *x);
        for (int64_t j = 0; j < k && y[j] > tau; j++) x[index[j]] = y[j] - tau;
        return;
    }

    nrm_top_cut cut = nrm_top_cut_find(x, n, k, false, scratch), again = cut;
    scratch_double *active = (scratch_double *)scratch;
    const double most = largest(x, n);
    int64_t held = 0;
    for (int64_t i = 0; i < n; i++)
        if (nrm_top_cut_keeps(&cut, x[i])) active[held++] = x[i] - most;
    const double tau = simplex_root(active, held, total, -total);
    for (int64_t i = 0; i < n; i++) {
        const double above = (x[i] - most) - tau;
        x[i] = nrm_top_cut_keeps(&again, x[i]) && above > 0 ? above : 0;
    }
}

void nrm_project_top_k(double *x, int64_t n, int64_t k, int64_t *scratch)
{
    if (k >= n) return;
    if (k <= 0) {
        memset(x, 0, (size_t)nrm_max_i64(n, 0) * sizeof *x);
        return;
    }
    nrm_top_cut cut = nrm_top_cut_find(x, n, k, true, scratch);
    for (int64_t i = 0; i < n; i++)
        if (!nrm_top_cut_keeps(&cut, x[i])) x[i] = 0;
}

void nrm_project_box(double *x, int64_t n, double least, double most)
{
    for (int64_t i = 0; i < n; i++) x[i] = x[i] < least ? least : x[i] > most ? most : x[i];
}

void nrm_project_ball2(double *x, int64_t n, double radius)
{
    double norm = nrm_norm2(x, n), unit = 1;

    if (!(norm > radius)) return;
    if (isinf(norm)) { /* finite entries whose norm is not a double: bring them to <= 1 */
        unit = nrm_norm_inf(x, n);
        for (int64_t i = 0; i < n; i++) x[i] /= unit;
        norm = nrm_norm2(x, n);
    }
    const double factor = radius / norm;
    for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

/* |x|_1 <= r already, or sign(x) times the projection of |x| onto the simplex. */
void nrm_project_ball1(double *x, int64_t n, double radius, double *scratch)
{
    if (n <= 0 || !(nrm_norm1(x, n) > radius)) return;
    const double most = nrm_norm_inf(x, n), tau = shifted_root(x, n, true, most, radius, scratch);
    for (int64_t i = 0; i < n; i++) {
        const double above = (fabs(x[i]) - most) - tau;
        x[i] = above > 0 ? copysign(above, x[i]) : 0;
    }
}

void nrm_prox_l1(double *x, int64_t n, double weight)
{
    for (int64_t i = 0; i < n; i++) {
        const double above = fabs(x[i]) - weight;
        x[i] = above > 0 ? copysign(above, x[i]) : 0;
    }
}

void nrm_prox_l0(double *x, int64_t n, double weight)
{
    const double threshold = sqrt(2 * weight);
    for (int64_t i = 0; i < n; i++) x[i] = fabs(x[i]) > threshold ? x[i] : 0;
}

void nrm_prox_group_l2(double *x, int64_t n, double weight)
{
    const double norm = nrm_norm2(x, n);
    const double factor = norm > weight ? 1 - weight / norm : 0;
    for (int64_t i = 0; i < n; i++) x[i] *= factor;
}
