/* thin_qr.c -- thin QR by Cholesky, twice.  Contract: thin_qr.h.
 *
 * Householder's way reads a tall matrix once for every column of a panel; here it is read three
 * times in all, block by block in the second cache (CholeskyQR2; Yamamoto and others, ETNA 44, 2015):
 *     A'A = R1'R1,   A <- A R1^-1,   A'A = R2'R2,   A <- A R2^-1,   R = R2 R1.
 * The first A R1^-1 is orthonormal up to eps cond(A)^2, the second to eps, as long as that is small:
 * with columns brought to length 1 no pivot of the first factor may be below SMALL.  Else, and where
 * there are too few rows to gain anything, Householder's reflections do it.
 *
 * Grams are summed in SLOTS parts of fixed extent, then in order: the threads change no bit. */
#include "thin_qr.h"
#include "alone.h"
#include <cblas.h>
#include <lapacke.h>
#include <omp.h>

enum { SLOTS = 16, BYTES = 1 << 18 /* of a block */, RATIO = 8 };
static const double SMALL = 1e-5;

typedef struct sweep {
    int64_t m, n, block;
    double *a, *gram; /* gram: SLOTS n x n */
    double *r;        /* n x n upper */
    int threads;
} sweep;

/* a <- a r^-1 where `solve`, then its Gram matrix to gram where `sum`, over all blocks. */
static void pass(const sweep *s, bool solve, bool sum)
{
    const int64_t n = s->n, blocks = (s->m + s->block - 1) / s->block;

#pragma omp parallel for schedule(dynamic, 1) num_threads(s->threads) if (s->threads > 1)
    for (int slot = 0; slot < SLOTS; slot++) {
        double *gram = s->gram + slot * n * n;
        if (sum) memset(gram, 0, (size_t)(n * n) * sizeof *gram);
        for (int64_t b = blocks * slot / SLOTS; b < blocks * (slot + 1) / SLOTS; b++) {
            double *rows = s->a + b * s->block * n;
            const int count = (int)nrm_min_i64(s->block, s->m - b * s->block);
            if (solve)
                cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, count, (int)n, 1, s->r, (int)n, rows, (int)n);
            if (sum) cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)n, count, 1, rows, (int)n, 1, gram, (int)n);
        }
    }
    if (!sum) return;
    for (int slot = 1; slot < SLOTS; slot++)
        for (int64_t i = 0; i < n * n; i++) s->gram[i] += s->gram[slot * n * n + i];
}

/* r from gram, columns brought to length 1 on the way; false where a pivot is below `least`. */
static bool factor(const sweep *s, double least)
{
    const int64_t n = s->n;
    double *length = s->gram + n * n; /* of the second slot, no longer needed */

    for (int64_t j = 0; j < n; j++) {
        length[j] = sqrt(s->gram[j * (n + 1)]);
        if (!(length[j] > 1e-140 && length[j] < 1e140)) return false;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) s->r[i * n + j] = j < i ? 0 : s->gram[i * n + j] / length[i] / length[j];
    if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', (int)n, s->r, (int)n) != 0) return false; /* row-major: upper */
    for (int64_t i = 0; i < n; i++) {
        if (s->r[i * (n + 1)] < least) return false;
        for (int64_t j = i; j < n; j++) s->r[i * n + j] *= length[j];
    }
    return true;
}

static nrm_status householder(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *a, double *r)
{
    const nrm_alone before = nrm_alone_enter(ctx);
    const nrm_status st = nrm_qr(ctx, who, m, n, a, n, r);
    nrm_alone_leave(ctx, before);
    return st;
}

nrm_status nrm_thin_qr(nrm_ctx *ctx, const char *who, int64_t m, int64_t n, double *a, double *r)
{
    sweep s = {.m = m, .n = n, .block = nrm_max_i64(BYTES / 8 / nrm_max_i64(n, 1), 16), .a = a, .threads = nrm_threads(ctx)};
    nrm_arena arena = {0};

    if (n < 1 || m / n < RATIO || m / SLOTS < n || n > INT32_MAX) return householder(ctx, who, m, n, a, r);
    const int gram = nrm_arena_add(&arena, SLOTS * n * n, sizeof(double)), own = nrm_arena_add(&arena, n * n, sizeof(double));
    NRM_TRY(nrm_arena_alloc(ctx, &arena, who));
    s.gram = nrm_arena_at(&arena, gram), s.r = nrm_arena_at(&arena, own);

    const nrm_blas_scope scope = nrm_blas_enter_single();
    pass(&s, false, true);
    const bool fine = factor(&s, SMALL);
    if (fine) {
        memcpy(r, s.r, (size_t)(n * n) * sizeof *r);
        pass(&s, true, true);
        (void)factor(&s, 0); /* a Gram matrix next to I */
        cblas_dtrmm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, (int)n, (int)n, 1, s.r, (int)n, r, (int)n);
        pass(&s, true, false);
    }
    nrm_blas_leave(scope);
    nrm_arena_free(ctx, &arena);
    return fine ? NRM_OK : householder(ctx, who, m, n, a, r);
}
