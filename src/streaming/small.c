/* small.c -- small symmetric eigenproblems, an orthonormal basis without a copy, and the
 * top direction of a matrix given in two parts.  Contract: stream.h. */
#include "stream.h"
#include "base/random.h"
#include "linalg/linalg.h"
#include <omp.h>

/* LAPACK's bits may depend on its threads and these matrices are small: one thread. */
nrm_status nrm_small_eigen(nrm_ctx *ctx, int64_t n, const double *a, double *w, double *v)
{
    const int threads = nrm_threads_asked(ctx), team = omp_get_max_threads();
    nrm_status st;

    omp_set_num_threads(1);
    if (ctx) NRM_TRY_DONE(nrm_set_threads(ctx, 1));
    st = nrm_eigen_symmetric(ctx, NRM_TOP_EIGENVECTOR, n, a, n, w, v);
    if (ctx && nrm_set_threads(ctx, threads) < 0) st = NRM_E_INTERNAL;
    if (st < 0) goto done;
    for (int64_t i = 0, j = n - 1; i < j; i++, j--) { /* rising to falling */
        const double kept = w[i];
        w[i] = w[j];
        w[j] = kept;
        for (int64_t r = 0; r < n; r++) {
            const double entry = v[r * n + i];
            v[r * n + i] = v[r * n + j];
            v[r * n + j] = entry;
        }
    }
done:
    omp_set_num_threads(team);
    return st;
}

void nrm_small_product(int64_t m, int64_t n, int64_t k, const double *a, const double *b, double *c)
{
    memset(c, 0, (size_t)(m * n) * sizeof *c);
    nrm_ordered_kernels_for(nrm_cpu_isa())->product(m, k, n, a, k, b, n, c, n);
}

/* ---- Orthonormal basis ------------------------------------------------------------------
 *
 * Gram-Schmidt by columns, each taken off twice ("twice is enough": once leaves errors of
 * size eps |x|, which is not small against what is left of a nearly dependent x).  linalg's
 * basis works on two copies of the matrix; here those copies would be half of all the
 * memory the algorithm promises to need, and R comes for free. */

static double column_norm(int64_t d, int64_t k, const double *z)
{
    double sum = 0;
    for (int64_t i = 0; i < d; i++) sum += z[i * k] * z[i * k];
    return sqrt(sum);
}

static void scale_column(int64_t d, int64_t k, double *z, double factor)
{
    for (int64_t i = 0; i < d; i++) z[i * k] *= factor;
}

/* Column j less its part in columns 0 .. j-1; the coefficients are added to r's column. */
static void take_off(int64_t d, int64_t k, int64_t j, double *z, double *r)
{
    double h[64];
    for (int pass = 0; pass < 2; pass++) {
        memset(h, 0, sizeof h);
        for (int64_t i = 0; i < d; i++)
            for (int64_t c = 0; c < j; c++) h[c] += z[i * k + c] * z[i * k + j];
        for (int64_t i = 0; i < d; i++) {
            double part = 0;
            for (int64_t c = 0; c < j; c++) part += z[i * k + c] * h[c];
            z[i * k + j] -= part;
        }
        for (int64_t c = 0; c < j && r; c++) r[c * k + j] += h[c];
    }
}

void nrm_orthonormal_basis(int64_t d, int64_t k, const double *y, double *z, double *r, uint64_t seed,
                           uint64_t stream)
{
    double largest = 0, longest = 0;

    /* Scaled by a power of two, so that no square overflows. */
    for (int64_t e = 0; e < d * k; e++) largest = fmax(largest, fabs(y[e]));
    const int exponent = largest > 0 ? ilogb(largest) : 0;
    for (int64_t e = 0; e < d * k; e++) z[e] = ldexp(y[e], -exponent);
    for (int64_t j = 0; j < k; j++) longest = fmax(longest, column_norm(d, k, z + j));
    if (r) memset(r, 0, (size_t)(k * k) * sizeof *r);

    for (int64_t j = 0; j < k; j++) {
        take_off(d, k, j, z, r);
        double left = column_norm(d, k, z + j);
        if (left > 1e-12 * longest) {
            if (r) r[j * k + j] = left;
        } else { /* dependent: a random direction, which y does not contain */
            nrm_rng rng = nrm_rng_make(seed, stream);
            rng.block = (uint64_t)(j * d); /* a normal takes one block of four words */
            for (left = 0; left < 1e-6;) {
                for (int64_t i = 0; i < d; i++) z[i * k + j] = nrm_rng_normal(&rng);
                take_off(d, k, j, z, NULL);
                left = column_norm(d, k, z + j);
            }
        }
        scale_column(d, k, z + j, 1 / left);
    }
    for (int64_t e = 0; e < k * k && r; e++) r[e] = ldexp(r[e], exponent);
}
