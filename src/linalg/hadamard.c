/* hadamard.c -- the fast Walsh-Hadamard transform.  Contract: transform.h.
 *
 * The unit of work is a panel of NRM_PANEL columns, contiguous: a row is one cache line and
 * the additions of kernel/hadamard.h run along it.  A single vector is such a panel too: with
 * n = q 8, H_n = H_q (x) H_8, H_q down the q rows of eight and H_8 along each row. */
#include "transform.h"
#include "check.h"
#include "kernel/hadamard.h"

enum { W = NRM_PANEL, WORTH_A_TEAM = 20000 };
_Static_assert((int)NRM_PANEL == (int)NRM_HADAMARD_WIDTH, "the kernels' panels are these");

bool nrm_is_power_of_two(int64_t n) { return n >= 1 && (n & (n - 1)) == 0; }

int64_t nrm_next_power_of_two(int64_t n)
{
    int64_t power = 1;
    while (power < n) {
        if (power > INT64_MAX / 2) return -1;
        power *= 2;
    }
    return power;
}

void nrm_hadamard_panel(double *panel, int64_t n) { nrm_hadamard_kernels_for(nrm_cpu_isa())->transform(panel, n); }

/* H_8 along a row. */
static void row_of_eight(double *x, double factor)
{
    for (int half = 4; half >= 1; half /= 2)
        for (int start = 0; start < 8; start += 2 * half)
            for (int j = start; j < start + half; j++) {
                const double a = x[j], b = x[j + half];
                x[j] = a + b;
                x[j + half] = a - b;
            }
    for (int j = 0; j < 8; j++) x[j] *= factor;
}

static nrm_status check_length(nrm_ctx *ctx, const char *who, int64_t n)
{
    NRM_REQUIRE(ctx, nrm_is_power_of_two(n), NRM_E_SHAPE, "%s: a Hadamard transform of length %lld; the length "
                "must be a power of two: pad with zeros to %lld", who, NRM_LL(n), NRM_LL(nrm_next_power_of_two(n)));
    return NRM_OK;
}

nrm_status nrm_hadamard(nrm_ctx *ctx, const char *who, int64_t n, double *x, bool orthonormal)
{
    const double factor = orthonormal ? 1 / sqrt((double)n) : 1;

    NRM_TRY(check_length(ctx, who, n));
    NRM_REQUIRE(ctx, x, NRM_E_NULL, "%s: the vector is NULL", who);
    if (n < W) { /* too short for a row of eight */
        for (int64_t half = n / 2; half >= 1; half /= 2)
            for (int64_t i = 0; i < n; i++)
                if (!(i & half)) {
                    const double a = x[i], b = x[i + half];
                    x[i] = a + b;
                    x[i + half] = a - b;
                }
        for (int64_t i = 0; i < n; i++) x[i] *= factor;
        return NRM_OK;
    }
    nrm_hadamard_panel(x, n / W);
    for (int64_t i = 0; i < n; i += W) row_of_eight(x + i, factor);
    return NRM_OK;
}

/* Panel number `number` of x through `panel`. */
static void transform_panel(int64_t n, int64_t columns, double *x, int64_t ld, int64_t number, double factor,
                            double *panel)
{
    const int64_t first = number * W, width = nrm_min_i64(W, columns - first);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < W; j++) panel[i * W + j] = j < width ? x[i * ld + first + j] : 0;
    nrm_hadamard_panel(panel, n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < width; j++) x[i * ld + first + j] = factor * panel[i * W + j];
}

nrm_status nrm_hadamard_columns(nrm_ctx *ctx, const char *who, int64_t n, int64_t columns, double *x, int64_t ld,
                                bool orthonormal)
{
    const double factor = orthonormal ? 1 / sqrt((double)n) : 1;
    double *panels;
    nrm_status st = NRM_OK;

    NRM_TRY(check_length(ctx, who, n));
    NRM_TRY(nrm_check_shape(ctx, who, "the matrix", 0, n, columns, x, ld));
    const int64_t count = (columns + W - 1) / W, threads = nrm_min_i64(nrm_threads(ctx), nrm_max_i64(count, 1));
    NRM_TRY(NRM_ALLOC(ctx, panels, threads * n * W, who));
    for (int64_t done_panels = 0; done_panels < count; done_panels += threads) { /* a round: one panel a thread */
        NRM_STOP_IF(nrm_tick(ctx, "Hadamard transform", (double)done_panels, (double)count, NULL, NAN),
                    NRM_E_CANCELLED, "%s: stopped at column %lld of a Hadamard transform", who,
                    NRM_LL(done_panels * W));
        const int64_t round = nrm_min_i64(threads, count - done_panels);
#pragma omp parallel for num_threads((int)threads) schedule(static, 1) if (n * W > WORTH_A_TEAM)
        for (int64_t t = 0; t < round; t++)
            transform_panel(n, columns, x, ld, done_panels + t, factor, panels + t * n * W);
    }
done:
    nrm_free(ctx, panels);
    return st;
}
