/* ordered.c -- portable version, choice, threads.  Contract: ordered.h. */
#include "ordered.h"

#define NRM_LANES 2
#define NRM_ORDERED_TABLE nrm_ordered_scalar
typedef double vector __attribute__((vector_size(16)));
static inline vector load(const double *x)
{
    vector v;
    memcpy(&v, x, sizeof v);
    return v;
}
static inline void store(double *x, vector v) { memcpy(x, &v, sizeof v); }
static inline vector spread(double x) { return (vector){x, x}; }
static inline vector multiply_add(vector a, vector b, vector c) { return a * b + c; }
static inline double fused(double a, double b, double c) { return a * b + c; }
#include "ordered.inc"

const nrm_ordered_kernels *nrm_ordered_kernels_for(nrm_isa isa)
{
#if defined(__x86_64__)
    if (isa == NRM_ISA_AVX512) return &nrm_ordered_avx512;
    if (isa == NRM_ISA_AVX2) return &nrm_ordered_avx2;
#endif
    (void)isa;
    return &nrm_ordered_scalar;
}

/* Starting a team costs some microseconds: below this many products one thread is faster. */
static int team(nrm_ctx *ctx, int64_t m, int64_t n, int64_t k)
{
    return (double)m * (double)n * (double)k < 4e5 ? 1 : nrm_threads(ctx);
}

void nrm_ordered_product(nrm_ctx *ctx, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                         const double *z, int64_t ldz, double *p, int64_t ldp)
{
    const nrm_ordered_kernels *kernels = nrm_ordered_kernels_for(nrm_cpu_isa());
    const int threads = team(ctx, m, n, k);
    const int64_t piece = 8, pieces = (m + piece - 1) / piece;

    if (threads == 1) {
        kernels->product(m, n, k, a, lda, z, ldz, p, ldp);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t t = 0; t < pieces; t++) {
        const int64_t i = t * piece, rows = nrm_min_i64(piece, m - i);
        kernels->product(rows, n, k, a + i * lda, lda, z, ldz, p + i * ldp, ldp);
    }
}

void nrm_ordered_transposed(nrm_ctx *ctx, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                            const double *p, int64_t ldp, double *y, int64_t ldy)
{
    const nrm_ordered_kernels *kernels = nrm_ordered_kernels_for(nrm_cpu_isa());
    const int threads = team(ctx, m, n, k);
    const int64_t piece = 64, pieces = (n + piece - 1) / piece; /* 64 rows of y: whole cache lines */

    if (threads == 1) {
        kernels->transposed(m, n, k, a, lda, p, ldp, y, ldy);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t t = 0; t < pieces; t++) {
        const int64_t j = t * piece, columns = nrm_min_i64(piece, n - j);
        kernels->transposed(m, columns, k, a + j, lda, p, ldp, y + j * ldy, ldy);
    }
}

/* Eight rows of b at a time, transposed in tiles that fit the first-level cache, are the
 * z of the product. */
enum { GRAM_TILE = 128 };

static void gram_panel(const nrm_ordered_kernels *kernels, int64_t m, int64_t n, const double *b, int64_t ldb,
                       int64_t first, double *g, int64_t ldg)
{
    const int64_t columns = nrm_min_i64(8, m - first);
    double z[GRAM_TILE * 8];

    for (int64_t i = 0; i < m; i++) memset(g + i * ldg + first, 0, (size_t)columns * sizeof *g);
    for (int64_t j = 0; j < n; j += GRAM_TILE) {
        const int64_t width = nrm_min_i64(GRAM_TILE, n - j);
        for (int64_t c = 0; c < columns; c++)
            for (int64_t t = 0; t < width; t++) z[t * columns + c] = b[(first + c) * ldb + j + t];
        kernels->product(m, width, columns, b + j, ldb, z, columns, g + first, ldg);
    }
}

void nrm_ordered_row_gram(nrm_ctx *ctx, int64_t m, int64_t n, const double *b, int64_t ldb, double *g,
                          int64_t ldg)
{
    const nrm_ordered_kernels *kernels = nrm_ordered_kernels_for(nrm_cpu_isa());
    const int threads = team(ctx, m, n, m);
    const int64_t panels = (m + 7) / 8;

    if (threads == 1) {
        for (int64_t t = 0; t < panels; t++) gram_panel(kernels, m, n, b, ldb, 8 * t, g, ldg);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int64_t t = 0; t < panels; t++) gram_panel(kernels, m, n, b, ldb, 8 * t, g, ldg);
}
